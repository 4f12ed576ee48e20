"""Cut a volume to the surroundings of a region without losing the grid of the whole.

Resampling in the IBSI way aligns the centres of the old and the new *whole* volume, so a crop must remember where it
was cut from: the step "crop" holds the shape of the volume and the place of the cut, and `whole` reads it back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from genoxel.core.errors import GeometryError, MaskError
from genoxel.core.image import Grid, Image, Step
from genoxel.core.mask import Mask, held_box

SUPPORT = {"nearest": 1, "linear": 2, "cubic": 24}
"""Voxels that an interpolation needs around a region (cubic: the prefilter fades as 0.268^n, below 2e-14 here)."""


def whole(history: tuple[Step, ...], grid: Grid) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Return shape (3,) and start index (3,) of the volume that `grid` was cut from; itself where it was not cut."""
    shape, start = grid.shape, (0, 0, 0)
    for step in history:
        if step.name in {"crop", "resample"}:
            shape, start = tuple(step.params["whole_shape"]), tuple(step.params["start"])
    return shape, start


def crop(image: Image, mask: Mask, margin_mm: float = 10.0, support: int = 2) -> tuple[Image, Mask]:
    """Return image and mask cut to the box of the mask (all labels) with a margin, on the grid of the whole volume.

    The margin is `margin_mm` and at least `support` voxels on each side (24 for cubic interpolation). Resampling the
    result gives the same voxels as resampling the whole volume. Raises `MaskError` for an empty mask.

    >>> image = Image(np.zeros((20, 20, 20)), np.eye(4))
    >>> array = np.zeros((20, 20, 20), np.uint8); array[9:11, 9:11, 9:11] = 1
    >>> crop(image, Mask(array, np.eye(4)), margin_mm=3)[0]
    Image volume 8 x 8 x 8 voxels of 1 x 1 x 1 mm
    """
    mask = mask.on(image)
    box = bounding_box(np.asarray(mask.array))
    margins = [max(support, int(np.ceil(margin_mm / size - 1e-9))) for size in image.spacing]
    low = [max(0, piece.start - margin) for piece, margin in zip(box, margins, strict=True)]
    high = [min(size, piece.stop + margin) for piece, margin, size in zip(box, margins, image.shape, strict=True)]
    shape, start = whole(image.history, image.grid)
    place = [int(a + b) for a, b in zip(start, low, strict=True)]
    params = {"start": place, "shape": [b - a for a, b in zip(low, high, strict=True)], "whole_shape": list(shape)}
    small = cut(image, params)
    piece = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    inside = np.ascontiguousarray(np.asarray(mask.array)[piece])
    return small, replace(mask, array=inside, affine=small.affine, history=(*mask.history, small.history[-1]))


def cut(image: Image, params: Mapping[str, Any]) -> Image:
    """Return the piece of `image` that the parameters of a step "crop" tell: `start` in the whole volume, and `shape`.

    Raises `GeometryError` where the image does not hold it.
    """
    shape, origin = whole(image.history, image.grid)
    low = [int(place) - begin for place, begin in zip(params["start"], origin, strict=True)]
    high = [begin + int(size) for begin, size in zip(low, params["shape"], strict=True)]
    outside = any(a < 0 or b > size or a >= b for a, b, size in zip(low, high, image.shape, strict=True))
    if outside or list(shape) != list(params["whole_shape"]):
        raise GeometryError(
            f"a crop of {params['shape']} from {params['start']} of a volume of {list(params['whole_shape'])}",
            f"a piece of this volume of {list(shape)}",
            "give the image that the record speaks of",
        )
    affine = np.array(image.affine)
    affine[:3, 3] = image.grid.to_patient([low])[0]
    array = np.ascontiguousarray(image.values()[tuple(slice(a, b) for a, b in zip(low, high, strict=True))])
    return image.with_step("crop", array, params, affine=affine)


def bounding_box(inside: np.ndarray) -> tuple[slice, slice, slice]:
    """Return the slices of the smallest box around what is not 0 in a 3D array; `MaskError` if there is nothing."""
    box = held_box(inside)
    if box is None:
        raise MaskError("a region without voxels", "at least one voxel inside", "check the contour and the range")
    return box
