"""Whether an image lies in the patient as the others of a study do: mirrored and turned volumes are told apart by them.

A header can say anything. What can be compared is the picture: each image is drawn small on one lattice in the patient,
around the middle of its body, and set beside the median of the others, as it is and in every mirrored and turned way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations, product
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.core.image import FloatArray, Grid, Image
from genoxel.image.qc import body_of

SIZE, STEP_MM = 24, 12.0
LEAST = 6
"""With fewer other images there is nothing to compare with."""
_AXES = ("left-right", "front-back", "head-foot")


def fingerprint(image: Image) -> npt.NDArray[np.float32]:
    """Return the image on a coarse lattice (24, 24, 24) of the patient, 12 mm apart, around the middle of its body.

    Values are ranks within the body (0 in air and outside the image), so that scanners do not matter.
    """
    from scipy.ndimage import gaussian_filter, map_coordinates

    # every few voxels are enough for a picture of 12 mm
    steps = [max(1, int(4 / size)) for size in image.spacing]
    values = np.asarray(image.values()[tuple(slice(None, None, step) for step in steps)], dtype=np.float32)
    affine = np.array(image.affine)
    affine[:3, :3] = affine[:3, :3] * np.array(steps)
    grid = Grid((values.shape[0], values.shape[1], values.shape[2]), affine)
    body = body_of(image, values)
    places = np.argwhere(body if body.any() else np.ones(grid.shape, dtype=bool))
    low, high = grid.to_patient(places).min(axis=0), grid.to_patient(places).max(axis=0)
    offsets = (np.arange(SIZE) - (SIZE - 1) / 2) * STEP_MM
    lattice = np.stack(np.meshgrid(*[offsets] * 3, indexing="ij"), axis=-1).reshape(-1, 3) + (low + high) / 2
    smooth = gaussian_filter(_ranked(values, body), [STEP_MM / 2 / size for size in grid.spacing])
    drawn = map_coordinates(smooth, grid.to_voxel(lattice).T, order=1, mode="constant", cval=0.0)
    return np.asarray(drawn.reshape(SIZE, SIZE, SIZE), dtype=np.float32)


def _ranked(values: npt.NDArray[np.float32], body: npt.NDArray[np.bool_]) -> FloatArray:
    inside = values[body]
    if not inside.size:
        return np.zeros(values.shape)
    marks = np.percentile(inside, np.linspace(0, 100, 33))
    ranks = np.searchsorted(marks, values, side="right") / 33
    return np.asarray(np.where(body, 0.25 + 0.75 * ranks, 0.0))


def turn_gains(prints: Mapping[str, npt.NDArray[np.float32]]) -> dict[str, tuple[float, str]]:
    """Return for each name (how much better it fits the others in another way, that way in words).

    A positive gain means that the mirrored or turned image is more like the median of the others than the image is.
    Nothing is said (an empty mapping) about fewer than 7 images.
    """
    names = sorted(prints)
    if len(names) <= LEAST:
        return {}
    stack = np.stack([prints[name] for name in names]).reshape(len(names), -1)
    found = {}
    for place, name in enumerate(names):
        others = np.median(np.delete(stack, place, axis=0), axis=0).reshape(SIZE, SIZE, SIZE)
        own = _likeness(others, prints[name])
        best, way = max((_likeness(others, turned), words) for turned, words in _ways(prints[name]))
        found[name] = (best - own, way)
    return found


def _likeness(one: npt.NDArray[Any], two: npt.NDArray[Any]) -> float:
    a, b = one.ravel() - one.mean(), two.ravel() - two.mean()
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / length if length > 0 else 0.0


def _ways(volume: npt.NDArray[np.float32]) -> Sequence[tuple[npt.NDArray[np.float32], str]]:
    """Return the 47 other ways to lay a volume, in words: axes swapped and mirrored."""
    ways = []
    for order, signs in product(permutations(range(3)), product((1, -1), repeat=3)):
        if order == (0, 1, 2) and signs == (1, 1, 1):
            continue
        turned = np.transpose(volume, order)[tuple(slice(None, None, sign) for sign in signs)]
        mirrored = " and ".join(axis for axis, sign in zip(_AXES, signs, strict=True) if sign < 0)
        words = f"mirrored {mirrored}" if order == (0, 1, 2) else "with its axes swapped"
        ways.append((turned, words))
    return ways
