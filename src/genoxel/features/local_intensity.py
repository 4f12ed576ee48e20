"""Local intensity: means in a sphere of 1 cm³ that may reach beyond the region (IBSI section 3.2)."""

from __future__ import annotations

from math import pi

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import NotDefinedError
from genoxel.core.image import FloatArray
from genoxel.features._entries import Ints
from genoxel.features.catalog import Family
from genoxel.features.region import Region

RADIUS_MM = 10 * (3 / (4 * pi)) ** (1 / 3)
"""Radius of a sphere of 1 cm³."""


class Peaks:
    """Mean intensity `means` (n,) of the sphere around each voxel of the region, and its intensities (n,)."""

    def __init__(self, means: FloatArray, values: FloatArray) -> None:
        self.means = means
        self.values = values


def build(region: Region, aggregation: str = "") -> Peaks:
    """Return the sphere means of `region`; `NotDefinedError` when the surroundings hold what is no number."""
    return peaks_of(region)


def peaks_of(region: Region) -> Peaks:
    """Return the sphere means of `region`, made once."""
    return region.shared(("peaks",), lambda: _measured(region))


def _measured(region: Region) -> Peaks:
    from genoxel.features._kernels.peaks import sphere_means

    image = region.prepared.image
    if not np.isfinite(image).all():
        count = int(np.count_nonzero(~np.isfinite(image)))
        raise NotDefinedError(f"{count} voxels around the region that are not finite", "finite ones", "mend the image")
    lines = sphere_lines(region.matrix)
    reach = int(np.abs(lines[:, 2:]).max())
    sums, rows = running_sums(image, reach), rows_of(region.inside)
    means = sphere_means(sums, rows, lines, reach).transpose(2, 1, 0)
    return Peaks(means[region.inside], region.values)


def running_sums(image: FloatArray, reach: int) -> FloatArray:
    """Return sums (k, j, i + 1 + 2 reach) of an image (i, j, k) along i, constant beyond either end."""
    ni, nj, nk = image.shape
    sums = np.zeros((nk, nj, ni + 1 + 2 * reach))
    np.cumsum(image.transpose(2, 1, 0), axis=2, out=sums[:, :, reach + 1 : reach + 1 + ni])
    sums[:, :, reach + 1 + ni :] = sums[:, :, reach + ni, None]
    return sums


def rows_of(inside: npt.NDArray[np.bool_]) -> Ints:
    """Return k, j, first and stop i (rows, 4) of the rows along i that hold true voxels of `inside` (i, j, k)."""
    turned = inside.transpose(2, 1, 0)
    places = np.argwhere(turned.any(axis=2))
    held = turned[tuple(places.T)]
    return np.column_stack([places, held.argmax(axis=1), inside.shape[0] - held[:, ::-1].argmax(axis=1)])


def sphere_lines(matrix: FloatArray, radius: float = RADIUS_MM) -> Ints:
    """Return (m, 4) lines of voxels along i whose centres lie within `radius` mm: offsets k, j, first and last i."""
    matrix = matrix[:, ::-1]
    reach = np.ceil(radius * np.linalg.norm(np.linalg.inv(matrix), axis=1) + 1e-9).astype(np.int64)
    offsets = np.stack(np.meshgrid(*[np.arange(-n, n + 1) for n in reach], indexing="ij"), axis=-1)
    inside = np.linalg.norm(offsets @ matrix.T, axis=-1) <= radius * (1 + 1e-12)
    places = np.argwhere(inside.any(axis=2))
    first = inside.argmax(axis=2)[tuple(places.T)]
    last = inside.shape[2] - 1 - inside[:, :, ::-1].argmax(axis=2)[tuple(places.T)]
    return np.column_stack([places - reach[:2], first - reach[2], last - reach[2]]).astype(np.int64)


FAMILY = Family("local", "local intensity", build, traits=("intensity",))
feature = FAMILY.feature


@feature("local intensity peak", code="VJGA", unit="u", formula="mean in 1 cm³ around argmax x")
def local_peak(p: Peaks) -> float:
    """Mean of the sphere around the brightest voxel (of several, the highest such mean)."""
    return float(p.means[p.values == p.values.max()].max())


@feature("global intensity peak", code="0F91", unit="u", formula="max over the region of the mean in 1 cm³")
def global_peak(p: Peaks) -> float:
    """Highest mean of a sphere around any voxel of the region."""
    return float(p.means.max())
