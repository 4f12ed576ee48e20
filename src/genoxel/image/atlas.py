"""Where lesions lie in the coordinates of an atlas: points of a head carried to the MNI152 brain."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from genoxel.core.errors import InputError, MaskError
from genoxel.core.image import FloatArray
from genoxel.core.mask import Mask


def to_atlas(brain: Mask) -> FloatArray:
    """Return the affine (4, 4) from the patient to the atlas that `genoxel.image.brain.brain_mask` noted with a brain.

    Raises `InputError` for a mask of another origin.
    """
    for step in brain.history:
        if step.name == "brain":
            return np.array(step.params["to_atlas"], dtype=np.float64)
    raise InputError("a mask that does not know the way to the atlas", "one of brain_mask", "call brain_mask(image)")


def lesion_in_atlas(mask: Mask, matrix: FloatArray) -> Mapping[str, float]:
    """Return where the voxels of `mask` lie in the atlas: the mean x, y, z in mm, and how far they reach around it.

    `matrix` (4, 4) leads from the patient to the atlas, both LPS in mm, as `genoxel.image.brain.atlas_matrix` returns
    it for the head. Coordinates are given as atlases print them (RAS: x to the right, y to the front, z up, origin at
    the anterior commissure). `radius_mm` is the root mean square distance from the mean. `MaskError` for an empty mask.

    >>> one = np.zeros((3, 3, 3), np.uint8); one[1, 2, 0] = 1
    >>> dict(lesion_in_atlas(Mask(one, np.eye(4)), np.eye(4)))
    {'x': -1.0, 'y': -2.0, 'z': 0.0, 'radius_mm': 0.0}
    """
    inside = np.argwhere(mask.inside())
    if not len(inside):
        raise MaskError("an empty mask", "a lesion", "check the contour")
    places = mask.grid.to_patient(inside) @ matrix[:3, :3].T + matrix[:3, 3]
    places = places * np.array([-1.0, -1.0, 1.0]) + 0.0
    mean = places.mean(axis=0)
    radius = float(np.sqrt(((places - mean) ** 2).sum(axis=1).mean()))
    return {"x": float(mean[0]), "y": float(mean[1]), "z": float(mean[2]), "radius_mm": radius}
