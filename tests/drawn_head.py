"""Heads with a face of known place, drawn for tests of what finds, hides and removes faces."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from genoxel.core.image import Grid, Image

Parts = dict[str, npt.NDArray[np.bool_]]
KINDS = {"T1": (0.8, 0.1, 0.6), "T2": (0.5, 0.1, 0.7), "CT": (30.0, 800.0, 40.0)}


@cache
def drawn(seed: int, kind: str) -> tuple[Image, Parts]:
    """A head with vault, neck, nose, eyes, mouth and chin of known places: nodding, turned, scaled, of 3 mm voxels.

    Drawn from other ellipsoids than those of the standard head; the face is what was drawn as one.
    """
    rng = np.random.default_rng(seed)
    shape, spacing = (84, 92, 84), 3.0
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = [-126, -150, -160]
    grid = Grid(shape, affine)
    angle, scale = np.deg2rad(rng.normal(0, 6)), rng.normal(1, 0.04)
    points = (grid.to_patient(np.argwhere(np.ones(shape, dtype=bool))) - rng.normal(0, 5, 3)) / scale
    x, y, z = points.T
    y, z = np.cos(angle) * (y - 20) - np.sin(angle) * z + 20, np.sin(angle) * (y - 20) + np.cos(angle) * z

    def ball(cx: float, cy: float, cz: float, rx: float, ry: float, rz: float) -> npt.NDArray[np.bool_]:
        return (((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 + ((z - cz) / rz) ** 2 < 1).reshape(shape)

    vault = ball(0, 18, 2, 81, 103, 92) & (z > -75).reshape(shape)
    skull = ball(0, 18, 2, 75, 97, 86)
    brain = (ball(0, 18, 4, 68, 88, 74) & (z > -30).reshape(shape)) | ball(0, 58, -32, 50, 34, 34)
    front = (z < -20).reshape(shape) & (y < -45).reshape(shape)
    parts = {
        "nose": ball(0, -92, -72, 13, 22, 20),
        "eyes": ball(-32, -66, -38, 13, 13, 13) | ball(32, -66, -38, 13, 13, 13),
        "chin": ball(0, -58, -122, 36, 30, 24),
        "mouth": ball(0, -58, -98, 46, 32, 24),
    }
    skin = vault | (ball(0, 10, -95, 62, 84, 80) & (z < -40).reshape(shape)) | np.any(list(parts.values()), axis=0)
    soft, bone, matter = KINDS[kind]
    values = np.where(skin, soft, -1000.0 if kind == "CT" else 0.01)
    values[skull & ~brain & vault & ~front], values[brain] = bone, matter
    noise = rng.normal(0, 10 if kind == "CT" else 0.02, shape)
    image = Image((values + noise).astype(np.float32), affine, "CT" if kind == "CT" else "MR", "HU" * (kind == "CT"))
    return image, {**{name: one & ~brain for name, one in parts.items()}, "brain": brain}
