"""Copies of an image and its contour, moved and changed a little, for training alone; each replays from its record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from genoxel.core.errors import SettingsError
from genoxel.core.image import FloatArray, Image, Step
from genoxel.core.mask import Mask

_TURN, _SHIFT_MM, _SCALE, _NOISE = 10.0, 5.0, 0.1, 0.05
"""Standard deviations are a third of: degrees, mm, share; noise is a share of the deviation of the intensities."""


def augment(image: Image, mask: Mask, seed: int, strength: float = 1.0) -> tuple[Image, Mask]:
    """Return a turned, shifted, scaled and noisier copy of `image` with its `mask`, labels kept, on the same grid.

    The draw follows from `seed` alone; `strength` (0 to 3) multiplies all of it: 1 turns by up to about 10 degrees,
    shifts by 5 mm and scales by 10 %. Step "augment" holds matrix, noise and seed. Such copies belong to the fold of
    their patient. Raises `SettingsError` for another strength, and as `Mask.on` does.
    """
    if not 0 <= strength <= 3:
        raise SettingsError(f"strength {strength:g}", "0 to 3", "1 is usual")
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    turn, shift = rng.normal(0, _TURN / 3, 3) * strength, rng.normal(0, _SHIFT_MM / 3, 3) * strength
    scale, noise = float(np.exp(rng.normal(0, _SCALE / 3) * strength)), abs(float(rng.normal(0, _NOISE))) * strength
    matrix = _around(image, turn, shift, scale)
    params = {
        "seed": seed,
        "strength": strength,
        "matrix": [[float(one) for one in row] for row in matrix],
        "noise": noise,
    }
    moved = _sampled(mask.on(image).inside().astype(np.float64), image, matrix, order=0)
    labels = _sampled(np.asarray(mask.on(image).array, dtype=np.float64), image, matrix, order=0)
    kept = np.where(moved > 0, labels, 0).astype(np.asarray(mask.array).dtype)
    return replay_augment(image, params), Mask(
        kept, image.affine, mask.labels, (*mask.history, Step("augment", params))
    )


def replay_augment(image: Image, params: Mapping[str, Any]) -> Image:
    """Return `image` moved and made noisier as recorded."""
    values = image.values().astype(np.float64)
    moved = _sampled(values, image, np.array(params["matrix"]), order=1)
    rng = np.random.default_rng(np.random.SeedSequence([int(params["seed"]), 1]))
    noise = rng.standard_normal(image.shape) * params["noise"] * float(values.std())
    return image.with_step("augment", moved + noise, {**params})


def _around(image: Image, turn: FloatArray, shift: FloatArray, scale: float) -> FloatArray:
    """Return the matrix (4, 4) in mm around the middle of the image."""
    from scipy.spatial.transform import Rotation

    middle = image.grid.to_patient([(np.array(image.shape) - 1) / 2])[0]
    whole = np.eye(4)
    whole[:3, :3] = Rotation.from_euler("xyz", turn, degrees=True).as_matrix() * scale
    whole[:3, 3] = middle + shift - whole[:3, :3] @ middle
    return whole


def _sampled(values: FloatArray, image: Image, matrix: FloatArray, order: int) -> FloatArray:
    from scipy.ndimage import affine_transform

    inner = np.linalg.inv(image.affine) @ matrix @ image.affine
    return np.asarray(affine_transform(values, inner[:3, :3], inner[:3, 3], order=order, mode="nearest"))
