"""A prepared region with what several families share, each computed once and only when asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import NotDefinedError
from genoxel.core.image import FloatArray
from genoxel.image.crop import bounding_box
from genoxel.image.prepare import Prepared
from genoxel.image.settings import Discretise

T = TypeVar("T")
LevelVolume = npt.NDArray[np.uint16]


class Region:
    """One region as the families see it; arrays as in `Prepared`, intensities as float64."""

    def __init__(self, prepared: Prepared, ivh: Discretise | Literal["auto", "none"] = "auto") -> None:
        self.prepared = prepared
        self.ivh = ivh
        self.matrix: FloatArray = prepared.affine[:3, :3]
        self._shared: dict[Any, Any] = {}

    def shared(self, key: tuple[Any, ...], make: Callable[[], T]) -> T:
        """Return what `make` gives, made once per region and `key`: counts that several aggregations pool."""
        if key not in self._shared:
            self._shared[key] = make()
        found: T = self._shared[key]
        return found

    @property
    def inside(self) -> npt.NDArray[np.bool_]:
        """The region after re-segmentation (i, j, k)."""
        return self.prepared.inside

    @property
    def morphology(self) -> npt.NDArray[np.bool_]:
        """The region before re-segmentation (i, j, k)."""
        return self.prepared.morphology

    @cached_property
    def values(self) -> FloatArray:
        """Intensities (n,) of the region, in array order."""
        return self.prepared.values

    @cached_property
    def ordered(self) -> FloatArray:
        """Intensities (n,) in ascending order."""
        return np.sort(self.values)

    @cached_property
    def spacing(self) -> FloatArray:
        """Voxel size (3,) in mm along i, j, k."""
        return np.asarray(np.linalg.norm(self.matrix, axis=0))

    @cached_property
    def voxel_volume(self) -> float:
        """Volume of a voxel in mm³."""
        return float(abs(np.linalg.det(self.matrix)))

    @cached_property
    def slices(self) -> int:
        """Number of slices (along k) that the morphological region spans."""
        return int(np.count_nonzero(self.morphology.any(axis=(0, 1))))

    @property
    def levels(self) -> npt.NDArray[np.int64]:
        """Grey levels (n,) of the region in array order; `NotDefinedError` where it has none."""
        if self.prepared.levels is None:
            raise NotDefinedError(self.prepared.no_levels, "two or more grey levels", "choose finer discretisation")
        return self.prepared.levels

    @cached_property
    def n_levels(self) -> int:
        """Number of grey levels: the highest that occurs."""
        return int(self.levels.max())

    @cached_property
    def level_volume(self) -> LevelVolume:
        """Grey levels (k, j, i), cut to the region and padded by one voxel of 0 (outside)."""
        inside = self.inside[bounding_box(self.inside)]
        volume = np.zeros([size + 2 for size in inside.shape[::-1]], np.uint16)
        volume[1:-1, 1:-1, 1:-1].transpose(2, 1, 0)[inside] = self.levels
        return volume

    def padded_morphology(self) -> npt.NDArray[np.uint8]:
        """Return the region before re-segmentation as 0 and 1, (k, j, i), padded by one voxel of 0."""
        return np.pad(self.morphology.transpose(2, 1, 0), 1).view(np.uint8)

    def cut_to_levels(self, padded: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the part of a padded (k, j, i) volume on which `level_volume` lies."""
        box = bounding_box(self.inside)[::-1]
        return np.ascontiguousarray(padded[tuple(slice(piece.start, piece.stop + 2) for piece in box)])
