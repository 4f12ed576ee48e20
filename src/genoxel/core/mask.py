"""Regions on a grid; `Mask.on` is the only gate for geometry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import GeometryError, MaskError, nearest
from genoxel.core.image import FloatArray, Grid, Image, OnGrid, Scalar, Step, frozen

Box = tuple[slice, slice, slice]


def held_box(array: npt.NDArray[Any]) -> Box | None:
    """Return the smallest box (i, j, k) that holds every voxel of a 3D array that is not 0; None where all are.

    Of numbers with a point, -0.0 counts as held.

    >>> array = np.zeros((4, 4, 4), np.uint8); array[1, 2:, 3] = 5
    >>> held_box(array)
    (slice(1, 2, None), slice(2, 4, None), slice(3, 4, None))
    """
    order = sorted(range(3), key=lambda axis: -abs(array.strides[axis]))
    # slices of contiguous memory first, as whole numbers whose bits are joined, then what is left of them
    bits = np.ascontiguousarray(array.transpose(order)).view(f"u{array.itemsize}")
    planes = bits.reshape(len(bits), -1)
    wide = planes.view(np.uint64) if planes.shape[1] * array.itemsize % 8 == 0 and array.size else planes
    spans = [_span(np.bitwise_or.reduce(wide, axis=1))]
    if spans[0].stop:
        plane = np.bitwise_or.reduce(bits[spans[0]], axis=0)
        spans += [_span(np.bitwise_or.reduce(plane, axis=1)), _span(np.bitwise_or.reduce(plane, axis=0))]
        i, j, k = (spans[order.index(axis)] for axis in range(3))
        return i, j, k
    return None


def held_numbers(array: npt.NDArray[Any]) -> list[int]:
    """Return the numbers but 0 that a 3D array of labels holds, ascending."""
    box = held_box(array)
    return [int(value) for value in np.unique(array[box]) if value] if box else []


def _span(held: npt.NDArray[Any]) -> slice:
    hit = np.flatnonzero(held)
    return slice(int(hit[0]), int(hit[-1]) + 1) if hit.size else slice(0, 0)


@dataclass(frozen=True, repr=False)
class Mask(OnGrid):
    """Labels on a grid, 0 outside: `array` of integers (i, j, k) and the name of each label.

    >>> mask = Mask(np.ones((2, 2, 2), np.uint8), np.eye(4), {1: "tumour"})
    >>> mask
    Mask tumour: 8 voxels of 1 x 1 x 1 mm
    """

    array: npt.NDArray[Any]
    affine: FloatArray
    labels: Mapping[int, str] = field(default_factory=lambda: {1: "roi"})
    history: tuple[Step, ...] = ()
    tags: Mapping[str, Scalar] = field(default_factory=dict)

    def __post_init__(self) -> None:
        array = self.array
        if array.dtype == np.bool_:
            array = array.view(np.uint8)
        if not np.issubdtype(array.dtype, np.integer):
            raise MaskError(
                f"a mask of {array.dtype} values",
                "whole-number labels",
                "threshold a soft mask first (for example array >= 0.5)",
            )
        grid = Grid(tuple(array.shape), self.affine)
        object.__setattr__(self, "array", array)
        object.__setattr__(self, "affine", grid.affine)
        object.__setattr__(self, "labels", MappingProxyType({int(k): str(v) for k, v in self.labels.items()}))
        object.__setattr__(self, "tags", frozen(self.tags))

    def label_of(self, region: str | int) -> int:
        """Return the label number of `region` (a name or a number); `MaskError` names the legal ones."""
        if isinstance(region, int):
            if region in self.labels:
                return region
        else:
            for label, name in self.labels.items():
                if name == region:
                    return label
        legal = ", ".join(f"{label} = {name}" for label, name in self.labels.items()) or "none"
        hint = nearest(str(region), self.labels.values())
        raise MaskError(f"region {region!r}", f"the labels of this mask: {legal}", hint or "choose one of these")

    def inside(self, region: str | int | None = None) -> npt.NDArray[np.bool_]:
        """Return a boolean array (i, j, k), true inside `region` (any label for None)."""
        if region is None:
            return np.asarray(self.array != 0)
        return np.asarray(self.array == self.label_of(region))

    def region(self, region: str | int) -> Mask:
        """Return the mask of one region alone."""
        label = self.label_of(region)
        whole = np.asarray(self.array)
        array = np.zeros_like(whole, np.uint8)
        box = held_box(whole)
        if box:
            array[box] = whole[box] == label
        step = Step("region", {"name": self.labels[label]})
        return replace(self, array=array, labels={1: self.labels[label]}, history=(*self.history, step))

    def count(self, region: str | int | None = None) -> int:
        """Return the number of voxels inside `region` (any label for None)."""
        return int(np.count_nonzero(self.inside(region)))

    def on(self, image: Image) -> Mask:
        """Return this mask on the grid of `image`, or refuse with `GeometryError` naming both grids.

        Grids count as equal when shapes are equal and no corner is off by more than 1e-3 voxel; the image's affine
        is then taken over. An empty mask is refused with `MaskError`.
        """
        if not image.grid.same_as(self.grid):
            off = image.grid.difference(self.grid)
            raise GeometryError(
                f"a mask on {self.grid.describe()} for an image on {image.grid.describe()} (off by {off:.3g} voxels)",
                "equal shapes, and corners within 0.001 voxel",
                "draw it on this image, or take it over: [segment] resample_masks = true (extract: --resample-mask)",
            )
        if held_box(np.asarray(self.array)) is None:
            raise MaskError("an empty mask", "at least one voxel inside", "check the contour and its label number")
        return replace(self, affine=image.affine)

    def __reduce__(self) -> tuple[Any, ...]:
        content = (np.asarray(self.array), np.array(self.affine), dict(self.labels), self.history)
        return Mask, (*content, dict(self.tags))

    def __repr__(self) -> str:
        names = ", ".join(self.labels.values()) or "no label"
        spacing = " x ".join(f"{size:.6g}" for size in self.spacing)
        return f"Mask {names}: {self.count()} voxels of {spacing} mm"

    def _repr_html_(self) -> str:
        rows = "".join(f"<li>{label} {name}: {self.count(label)} voxels</li>" for label, name in self.labels.items())
        return f"<b>{self!r}</b><ul>{rows}</ul>"
