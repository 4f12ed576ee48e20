"""Images on a grid in the patient.

The one convention of Genoxel: ``array[i, j, k]`` with ``affine @ (i, j, k, 1)`` in millimetres, in the DICOM patient
frame LPS (x to the patient's left, y to the back, z to the head). ``i`` runs along a row of a DICOM slice (its column
index), ``j`` down its rows, ``k`` over slices. Readers convert on the way in, writers on the way out; nothing between
them knows another order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import GeometryError

Scalar = str | int | float | bool | None
FloatArray = npt.NDArray[np.float64]

SAME_GRID_VOXELS = 1e-3
"""Two grids are the same when no voxel corner differs by more than this share of a voxel."""


@dataclass(frozen=True)
class Step:
    """One processing step as data: its name and parameters, enough to replay it."""

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        inside = ", ".join(f"{key}={value!r}" for key, value in self.params.items())
        return f"{self.name}({inside})"


@dataclass(frozen=True)
class Grid:
    """A lattice of voxels in the patient: shape (3,) and affine (4, 4), voxel index to mm, LPS.

    Raises `GeometryError` for a singular affine or an empty shape.
    """

    shape: tuple[int, int, int]
    affine: FloatArray

    def __post_init__(self) -> None:
        shape = tuple(int(size) for size in self.shape)
        affine = np.array(self.affine, dtype=np.float64)
        if len(shape) != 3 or min(shape) < 1:
            raise GeometryError(f"a grid of shape {shape}", "three sizes of at least 1", "choose one 3D volume")
        if affine.shape != (4, 4) or not np.isfinite(affine).all():
            raise GeometryError(f"an affine of shape {affine.shape}", "4 x 4 finite numbers", "correct the header")
        if abs(np.linalg.det(affine[:3, :3])) < 1e-12:
            raise GeometryError("an affine without volume", "an invertible 4 x 4 matrix", "correct the header")
        affine.flags.writeable = False
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "affine", affine)

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Voxel size in mm along i, j, k."""
        sizes = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(sizes[0]), float(sizes[1]), float(sizes[2])

    @property
    def voxel_volume(self) -> float:
        """Volume of one voxel in mm³."""
        return float(abs(np.linalg.det(self.affine[:3, :3])))

    def to_patient(self, indices: npt.ArrayLike) -> FloatArray:
        """Return patient coordinates (n, 3) in mm of voxel `indices` (n, 3)."""
        points = np.atleast_2d(np.asarray(indices, dtype=np.float64))
        return np.asarray(points @ self.affine[:3, :3].T + self.affine[:3, 3])

    def to_voxel(self, points: npt.ArrayLike) -> FloatArray:
        """Return fractional voxel indices (n, 3) of patient `points` (n, 3) in mm."""
        moved = np.atleast_2d(np.asarray(points, dtype=np.float64)) - self.affine[:3, 3]
        return np.asarray(moved @ np.linalg.inv(self.affine[:3, :3]).T)

    def difference(self, other: Grid) -> float:
        """Return the largest displacement between equal corners of two grids, in voxels of this grid."""
        corners = np.array(np.meshgrid(*[(0, size - 1) for size in self.shape])).reshape(3, -1).T
        return float(np.abs(self.to_voxel(other.to_patient(corners)) - corners).max())

    def same_as(self, other: Grid) -> bool:
        """Return whether both grids have one shape and agree within `SAME_GRID_VOXELS`."""
        return self.shape == other.shape and self.difference(other) <= SAME_GRID_VOXELS

    def describe(self) -> str:
        """Return shape, spacing and origin in words, for messages."""
        shape = " x ".join(str(size) for size in self.shape)
        spacing = " x ".join(f"{size:.6g}" for size in self.spacing)
        origin = ", ".join(f"{value:.6g}" for value in self.affine[:3, 3])
        return f"{shape} voxels of {spacing} mm, first voxel at ({origin}) mm"


def frozen(mapping: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return a read-only copy of `mapping` (empty for None)."""
    return MappingProxyType(dict(mapping or {}))


def reduced(noun: Any) -> tuple[Any, ...]:
    """Return what ``__reduce__`` needs to send a dataclass with read-only mappings to another process."""
    content = {part.name: getattr(noun, part.name) for part in fields(noun)}
    plain = {name: dict(value) if isinstance(value, MappingProxyType) else value for name, value in content.items()}
    return _rebuild, (type(noun), plain)


def _rebuild(kind: Callable[..., Any], content: Mapping[str, Any]) -> Any:
    return kind(**content)


class OnGrid:
    """What stands on a grid of voxels: an `array` (i, j, k) and the `affine` that places it."""

    array: npt.NDArray[Any]
    affine: FloatArray

    @property
    def grid(self) -> Grid:
        """The lattice its voxels stand on."""
        return Grid(tuple(self.array.shape), self.affine)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along i, j, k."""
        return self.grid.shape

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Voxel size in mm along i, j, k."""
        return self.grid.spacing


@dataclass(frozen=True, repr=False)
class Image(OnGrid):
    """A volume of intensities in the patient.

    `array` has shape (i, j, k) and may be lazy (anything with shape, dtype and ``__array__``); `affine` maps voxel
    index to mm (LPS); `unit` is the physical unit of the values ("HU", "SUV", "" for arbitrary); `history` lists
    every step since the file; `tags` holds acquisition facts by their DICOM keyword.

    >>> image = Image(np.zeros((2, 3, 4)), np.eye(4), modality="CT", unit="HU")
    >>> image
    Image CT [HU] 2 x 3 x 4 voxels of 1 x 1 x 1 mm
    """

    array: npt.NDArray[Any]
    affine: FloatArray
    modality: str = ""
    unit: str = ""
    history: tuple[Step, ...] = ()
    tags: Mapping[str, Scalar] = field(default_factory=dict)

    def __post_init__(self) -> None:
        grid = Grid(tuple(self.array.shape), self.affine)
        object.__setattr__(self, "affine", grid.affine)
        object.__setattr__(self, "tags", frozen(self.tags))

    def values(self) -> npt.NDArray[Any]:
        """Return the intensities as a NumPy array (i, j, k), loading them when lazy."""
        return np.asarray(self.array)

    def with_step(self, name: str, array: npt.NDArray[Any], params: Mapping[str, Any], **changes: Any) -> Image:
        """Return a new image holding `array`, with one `Step` added; `changes` replace other fields."""
        return replace(self, array=array, history=(*self.history, Step(name, dict(params))), **changes)

    def __reduce__(self) -> tuple[Any, ...]:
        content = (np.asarray(self.array), np.array(self.affine), self.modality, self.unit, self.history)
        return Image, (*content, dict(self.tags))

    def __repr__(self) -> str:
        unit = f" [{self.unit}]" if self.unit else ""
        place = self.grid.describe().split(", first voxel")[0]
        return f"Image {self.modality or 'volume'}{unit} {place}"

    def _repr_html_(self) -> str:
        steps = "".join(f"<li>{step!r}</li>" for step in self.history)
        return f"<b>{self!r}</b><ol>{steps}</ol>"
