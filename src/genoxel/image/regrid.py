"""A mask drawn on another grid, taken over to the grid of an image: only on request, and with what it changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from genoxel.core.errors import GeometryError, MaskError
from genoxel.core.image import Grid, Image, Step
from genoxel.core.mask import Mask

MAX_VOXELS = 2**30


def onto(mask: Mask, image: Image) -> Mask:
    """Return `mask` on the grid of `image`: each voxel takes the label of the mask's nearest voxel centre.

    What changed is in the history (step "regrid"): volume in mm³ before and after, and the share of the mask that lies
    outside the image. Raises `MaskError` when nothing is left inside the image, `GeometryError` beyond memory.

    >>> mask = Mask(np.ones((2, 2, 2), np.uint8), np.diag([2.0, 2.0, 2.0, 1.0]))
    >>> onto(mask, Image(np.zeros((4, 4, 4)), np.eye(4))).history[-1].params["volume_before_mm3"]
    64.0
    """
    target = image.grid
    if float(np.prod([float(size) for size in target.shape])) > MAX_VOXELS:
        raise GeometryError(f"a grid of {target.describe()}", f"{MAX_VOXELS:,} voxels at most", "crop the image first")
    source = np.asarray(mask.array)
    array = np.zeros(target.shape, source.dtype)
    step = np.linalg.inv(mask.grid.affine) @ target.affine
    j, i = np.meshgrid(np.arange(target.shape[1]), np.arange(target.shape[0]))
    for k in range(target.shape[2]):
        places = [
            np.floor(step[axis, 0] * i + step[axis, 1] * j + step[axis, 2] * k + step[axis, 3] + 0.5).astype(np.int64)
            for axis in range(3)
        ]
        held = np.logical_and.reduce(
            [(place >= 0) & (place < size) for place, size in zip(places, source.shape, strict=True)]
        )
        array[:, :, k][held] = source[places[0][held], places[1][held], places[2][held]]
    if not array.any():
        raise MaskError("a mask that lies outside the image", "a mask inside the image", "choose the image it fits")
    params = {
        "from": mask.grid.describe(),
        "off_voxels": round(target.difference(mask.grid), 6),
        "volume_before_mm3": round(mask.count() * mask.grid.voxel_volume, 6),
        "volume_after_mm3": round(int(np.count_nonzero(array)) * target.voxel_volume, 6),
        "outside_share": round(_outside(mask, target), 6),
    }
    return replace(mask, array=array, affine=image.affine, history=(*mask.history, Step("regrid", params)))


def _outside(mask: Mask, target: Grid) -> float:
    places = target.to_voxel(mask.grid.to_patient(np.argwhere(np.asarray(mask.array) != 0)))
    inside = np.all((places > -0.5) & (places < np.array(target.shape) - 0.5), axis=1)
    return float(1 - inside.mean()) if inside.size else 1.0
