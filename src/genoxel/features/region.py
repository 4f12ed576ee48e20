"""A prepared region with what several families share, each computed once and only when asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import NotDefinedError
from genoxel.core.image import FloatArray
from genoxel.core.mask import Box
from genoxel.features._weighting import Weighting
from genoxel.image.crop import bounding_box
from genoxel.image.prepare import Prepared
from genoxel.image.settings import Discretise

T = TypeVar("T")


class Laid(NamedTuple):
    """Levels as the kernels take them: `flat` the padded volume (k, j, i) of `shape`, flattened, 0 outside.

    `rows` (n, 2), `crossed` (n, 2), `slices` (m, 4) and `spans` (k, j, 2) lead to the voxels, as the kernel `lay_out`
    gives them.
    """

    flat: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
    shape: tuple[int, int, int]
    rows: npt.NDArray[np.int64]
    crossed: npt.NDArray[np.int64]
    slices: npt.NDArray[np.int64]
    spans: npt.NDArray[np.int64]

    @property
    def row(self) -> int:
        """Places from a row to the next."""
        return self.shape[2]

    @property
    def layer(self) -> int:
        """Places from a slice to the next."""
        return self.shape[1] * self.shape[2]

    def scaled(self, by: int, top: int) -> npt.NDArray[np.uint16] | npt.NDArray[np.uint32]:
        """Return the levels, `top` at most, times `by`, flat, with room for numbers below (top + 1) * by."""
        kind = np.uint16 if (top + 1) * by <= 65536 else np.uint32
        return np.multiply(self.flat, by, dtype=kind)


class Region:
    """One region as the families see it; arrays as in `Prepared`, intensities as float64."""

    def __init__(
        self,
        prepared: Prepared,
        ivh: Discretise | Literal["auto", "none"] = "auto",
        weighting: Weighting | None = None,
    ) -> None:
        self.prepared = prepared
        self.ivh = ivh
        self.weighting = weighting
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
    def laid_out(self) -> Laid:
        """Grey levels cut to the region, laid out slice by slice."""
        return lay_levels(self.inside, self.levels, np.uint8 if self.n_levels < 255 else np.uint16, self.box)

    @cached_property
    def box(self) -> tuple[slice, slice, slice]:
        """The smallest box around the region after re-segmentation."""
        return self.morphology_box if self.same_as_morphology else bounding_box(self.inside)

    @cached_property
    def morphology_box(self) -> tuple[slice, slice, slice]:
        """The smallest box around the region before re-segmentation."""
        return self.prepared.box or bounding_box(self.morphology)

    @cached_property
    def morphology_laid_out(self) -> Laid:
        """The region before re-segmentation as 1, laid out on the same grid when nothing was re-segmented."""
        if self.prepared.levels is not None and self.same_as_morphology:
            return self.laid_out
        return lay_levels(self.morphology, None, np.uint8, self.morphology_box)

    @cached_property
    def same_as_morphology(self) -> bool:
        """Whether re-segmentation has taken no voxel away."""
        return self.inside is self.morphology

    def cut_to_levels(self, flat: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return what is flat like `morphology_laid_out`, cut to what `laid_out` spans, flat as well."""
        if self.same_as_morphology:
            return flat
        pairs = zip(self.box[::-1], self.morphology_box[::-1], strict=True)
        cut = tuple(slice(inner.start - outer.start, inner.stop - outer.start + 2) for inner, outer in pairs)
        return np.ascontiguousarray(flat.reshape(self.morphology_laid_out.shape)[cut]).ravel()


def lay_levels(
    inside: npt.NDArray[np.bool_], levels: npt.NDArray[np.int64] | None, kind: type, box: Box | None = None
) -> Laid:
    """Return `levels` (n,) of the true voxels of `inside` (i, j, k) laid out as numbers of `kind`; 1 for None.

    `box` is the smallest that holds them, if known.
    """
    from genoxel.features._kernels.layout import lay_out

    pieces = box or bounding_box(inside)
    ni, nj, nk = (piece.stop - piece.start for piece in pieces)
    if levels is None:
        levels = np.ones(np.count_nonzero(inside), np.int64)
    flat = np.zeros((nk + 2) * (nj + 2) * (ni + 2), kind)
    rows, crossed = np.empty((nk * nj, 2), np.int64), np.empty((nk * nj, 2), np.int64)
    slices, spans = np.empty((nk, 4), np.int64), np.zeros((nk + 2, nj + 2, 2), np.int64)
    n, m = lay_out(
        *(np.ascontiguousarray(inside).ravel(), levels),
        np.array([*inside.shape, *(piece.start for piece in pieces), ni, nj, nk]),
        *(flat, spans, rows, crossed, slices),
    )
    return Laid(flat, (nk + 2, nj + 2, ni + 2), rows[:n], crossed[:n], slices[:m], spans)
