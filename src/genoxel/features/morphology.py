"""Shape and size of the region, and how intensities lie within it (IBSI section 3.1).

Surface and volume are those of the mesh; a region one voxel thick has no 3D surface, so what needs one is not defined.
"""

from __future__ import annotations

from functools import cached_property
from math import pi

import numpy as np

from genoxel.core.errors import NotDefinedError
from genoxel.core.image import FloatArray
from genoxel.features._diameters import vertices, widest_in_planes
from genoxel.features._enclosing import box_area, enclosing_ellipsoid, oriented_box
from genoxel.features._mesh import Hull, area_and_volume, convex_hull, outermost
from genoxel.features._spatial import pair_sums
from genoxel.features.catalog import PYRADIOMICS, Family
from genoxel.features.region import Laid, Region, lay_levels


class Shape:
    """What the morphological features are measured on; lengths in mm, each part made when first asked for."""

    def __init__(self, region: Region) -> None:
        self.region = region
        self.laid = region.morphology_laid_out
        self.matrix = region.matrix

    @property
    def moments(self) -> list[int]:
        """Number of voxels, then the sums of their i, j, k, ii, jj, kk, ij, ik, jk, counted from the box's padding."""
        return self._places[0]

    @property
    def weighted(self) -> tuple[float, ...]:
        """Sums over the voxels after re-segmentation of their intensity, absolute and times i, j, k as in `moments`."""
        if self.region.same_as_morphology:
            return self._places[1]
        return self._sums(lay_levels(self.region.inside, None, np.uint8, self.region.morphology_box))[1]

    @cached_property
    def _places(self) -> tuple[list[int], tuple[float, ...]]:
        return self._sums(self.laid)

    def _sums(self, laid: Laid) -> tuple[list[int], tuple[float, ...]]:
        from genoxel.features._kernels.shape import places

        image = np.ascontiguousarray(self.region.prepared.image)
        _, nj, nk = image.shape
        i, j, k = (piece.start - 1 for piece in self.region.morphology_box)
        steps, out = np.array([nj * nk, nk, 1]), np.zeros(10, np.int64)
        start = (i * nj + j) * nk + k
        sums = places(laid.flat, laid.rows, laid.row, laid.layer, image.ravel(), start, steps, out)
        return out.tolist(), sums

    @property
    def extent(self) -> tuple[int, int, int]:
        """Voxels along i, j, k of the box around the region."""
        k, j, i = (size - 2 for size in self.laid.shape)
        return i, j, k

    def _solid(self) -> None:
        if min(self.extent) < 2:
            raise NotDefinedError("a region one voxel thick", "two or more voxels along each axis", "use 2D features")

    @cached_property
    def _mesh(self) -> tuple[float, float]:
        self._solid()
        return area_and_volume(self.laid, self.matrix)

    @property
    def area(self) -> float:
        """Area of the mesh, mm²."""
        return self._mesh[0]

    @property
    def volume(self) -> float:
        """Volume of the mesh, mm³."""
        return self._mesh[1]

    @cached_property
    def hull(self) -> Hull:
        """The convex hull of the mesh."""
        self._solid()
        return convex_hull(outermost(self.laid), self.matrix)

    @cached_property
    def box(self) -> FloatArray:
        """Sides (3,) of the box along the image axes."""
        self._solid()
        return np.asarray(np.array(self.extent) * self.region.spacing)

    @cached_property
    def oriented(self) -> FloatArray:
        """Sides (3,) of the smallest box around the convex hull."""
        return oriented_box(self.hull.corners)

    @cached_property
    def ellipsoid(self) -> FloatArray:
        """Semi-axes (3,) of the smallest ellipsoid around the convex hull."""
        return enclosing_ellipsoid(self.hull.corners)

    def widest_in_planes(self, axis: int) -> float:
        """Return the largest distance between two vertices of the mesh in one plane across `axis`."""
        self._solid()
        inside = self.region.morphology[self.region.morphology_box]
        return widest_in_planes(vertices(inside, self.region.spacing), axis)

    @cached_property
    def axes(self) -> FloatArray:
        """Eigenvalues (3,) of the covariance (divided by n - 1) of the voxel centres, descending."""
        n, i, j, k, ii, jj, kk, ij, ik, jk = self.moments
        if n < 2:
            raise NotDefinedError("a region of one voxel", "two or more voxels", "draw a larger region")
        # whole numbers up to here: n² times the covariance without any rounding
        a, b, c = n * ij - i * j, n * ik - i * k, n * jk - j * k
        cov = np.array([[n * ii - i * i, a, b], [a, n * jj - j * j, c], [b, c, n * kk - k * k]], dtype=np.float64)
        spread = self.matrix @ (cov / (n * (n - 1))) @ self.matrix.T
        return np.asarray(np.maximum(np.linalg.eigvalsh(spread)[::-1], 0.0))

    def semi_axes(self) -> FloatArray:
        """Return the semi-axes (3,) of the ellipsoid with these eigenvalues; they need three dimensions."""
        self._solid()
        return np.asarray(2 * np.sqrt(self.axes))

    @cached_property
    def pairs(self) -> tuple[float, float, float, float, int]:
        """Sums over pairs of intensities: w, w x_i x_j, w x_i², sum of x², and the number of voxels."""
        values = self.region.values
        if values.size < 2 or values.min() == values.max():
            raise NotDefinedError(f"{values.size} equal intensities", "intensities that vary", "look at the region")
        centred = (values - values.mean()) / values.std()
        inside = self.region.inside[self.region.box]
        return (*pair_sums(inside, centred, self.matrix), float((centred**2).sum()), values.size)


def build(region: Region, aggregation: str = "") -> Shape:
    """Return the shape of `region`."""
    return Shape(region)


def ellipsoid_area(a: float, b: float, c: float, terms: int = 20) -> float:
    """Return the surface area that IBSI gives an ellipsoid of semi-axes a >= b >= c, by 20 Legendre terms.

    The series of the standard takes both eccentricities relative to the major axis. It is exact for a sphere and
    otherwise off the true area (by 1 % at 3:2.5:2, 14 % at 3:3:2); it is kept because the consensus values follow it.
    """
    alpha, beta = 1 - (b / a) ** 2, 1 - (c / a) ** 2
    # (alpha beta)^v P_v((alpha² + beta²) / (2 alpha beta)) by Bonnet's recursion without its division
    half, product = (alpha + beta) / 2, alpha * beta
    before, now, total = 1.0, half, 1.0 - half / 3
    for v in range(1, terms):
        before, now = now, ((2 * v + 1) * half * now - v * product * before) / (v + 1)
        total += now / (1 - 4 * (v + 1) ** 2)
    return 4 * pi * a * b * total


FAMILY = Family("morph", "morphology", build, traits=("shape",))
feature = FAMILY.feature


@feature("volume (mesh)", code="RNU0", unit="mm³", formula="|sum over triangles a . (b x c)| / 6")
def volume_mesh(s: Shape) -> float:
    """Volume enclosed by the surface mesh."""
    return s.volume


@feature("volume (voxel counting)", code="YEKZ", unit="mm³", formula="n V_voxel")
def volume_voxels(s: Shape) -> float:
    """Volume of the voxels of the region."""
    return float(s.moments[0]) * s.region.voxel_volume


@feature("surface area (mesh)", code="C0JK", unit="mm²", formula="sum over triangles |ab x ac| / 2")
def surface_area(s: Shape) -> float:
    """Area of the surface mesh."""
    return s.area


@feature("surface to volume ratio", code="2PR5", unit="1/mm", formula="A / V")
def surface_to_volume_ratio(s: Shape) -> float:
    """Surface area relative to volume."""
    return s.area / s.volume


@feature("compactness 1", code="SKGS", formula="V / (sqrt(pi) A^1.5)")
def compactness_1(s: Shape) -> float:
    """Volume relative to the surface area to the power 1.5: highest for a sphere."""
    return float(s.volume / (pi**0.5 * s.area**1.5))


@feature("compactness 2", code="BQWJ", formula="36 pi V² / A³")
def compactness_2(s: Shape) -> float:
    """Squared volume relative to the cubed surface area, 1 for a sphere."""
    return 36 * pi * s.volume**2 / s.area**3


@feature("spherical disproportion", code="KRCK", formula="A / (36 pi V²)^(1/3)")
def spherical_disproportion(s: Shape) -> float:
    """Surface area relative to that of a sphere of equal volume."""
    return float(s.area / (36 * pi * s.volume**2) ** (1 / 3))


@feature("sphericity", code="QCFX", formula="(36 pi V²)^(1/3) / A")
def sphericity(s: Shape) -> float:
    """Surface area of a sphere of equal volume relative to that of the region."""
    return float((36 * pi * s.volume**2) ** (1 / 3) / s.area)


@feature("asphericity", code="25C7", formula="(A³ / (36 pi V²))^(1/3) - 1")
def asphericity(s: Shape) -> float:
    """How far the region is from a sphere, 0 for a sphere."""
    return spherical_disproportion_of(s) - 1


def spherical_disproportion_of(s: Shape) -> float:
    """Return (A³ / (36 pi V²))^(1/3)."""
    return float((s.area**3 / (36 * pi * s.volume**2)) ** (1 / 3))


@feature("centre of mass shift", code="KLMA", unit="mm", formula="|mean position - intensity-weighted mean position|")
def centre_of_mass_shift(s: Shape) -> float:
    """Distance from the centre of the region to the centre of its intensities."""
    total, size, *weighted = s.weighted
    if abs(total) <= 1e-9 * size:
        raise NotDefinedError("intensities that add to 0", "another sum", "measure before the z-score")
    centre = np.array(s.moments[1:4]) / s.moments[0]
    return float(np.linalg.norm(s.matrix @ (np.array(weighted) / total - centre)))


@feature("maximum 3D diameter", code="L0JK", unit="mm", formula="max distance between two mesh vertices")
def maximum_3d_diameter(s: Shape) -> float:
    """Largest distance between two points of the surface mesh."""
    return s.hull.diameter


@feature("major axis length", code="TDIC", unit="mm", formula="4 sqrt(lambda_major)")
def major_axis_length(s: Shape) -> float:
    """Length of the longest axis of the ellipsoid with the region's second moments."""
    return float(4 * s.axes[0] ** 0.5)


@feature("minor axis length", code="P9VJ", unit="mm", formula="4 sqrt(lambda_minor)")
def minor_axis_length(s: Shape) -> float:
    """Length of the second axis of the ellipsoid with the region's second moments."""
    return float(4 * s.axes[1] ** 0.5)


@feature("least axis length", code="7J51", unit="mm", formula="4 sqrt(lambda_least)")
def least_axis_length(s: Shape) -> float:
    """Length of the shortest axis of the ellipsoid with the region's second moments."""
    return 2 * float(s.semi_axes()[2])


@feature("elongation", code="Q3CK", formula="sqrt(lambda_minor / lambda_major)")
def elongation(s: Shape) -> float:
    """Minor relative to major axis; 1 is not elongated."""
    if s.axes[0] == 0:
        raise NotDefinedError("a region without extent", "two or more voxels", "draw a larger region")
    return float((s.axes[1] / s.axes[0]) ** 0.5)


@feature("flatness", code="N17B", formula="sqrt(lambda_least / lambda_major)")
def flatness(s: Shape) -> float:
    """Least relative to major axis; 0 is flat."""
    lengths = s.semi_axes()
    return float(lengths[2] / lengths[0])


@feature("volume density (axis-aligned bounding box)", code="PBX1", formula="V / V_aabb")
def volume_density_aabb(s: Shape) -> float:
    """Volume relative to that of the box along the image axes."""
    return s.volume / float(np.prod(s.box))


@feature("area density (axis-aligned bounding box)", code="R59B", formula="A / A_aabb")
def area_density_aabb(s: Shape) -> float:
    """Surface area relative to that of the box along the image axes."""
    a, b, c = s.box
    return s.area / float(2 * (a * b + b * c + c * a))


@feature("volume density (approximate enclosing ellipsoid)", code="6BDE", formula="3 V / (4 pi a b c)")
def volume_density_aee(s: Shape) -> float:
    """Volume relative to that of the ellipsoid with the region's second moments."""
    return 3 * s.volume / (4 * pi * float(np.prod(s.semi_axes())))


@feature("area density (approximate enclosing ellipsoid)", code="RDD2", formula="A / A_aee")
def area_density_aee(s: Shape) -> float:
    """Surface area relative to that of the ellipsoid with the region's second moments."""
    a, b, c = (float(length) for length in s.semi_axes())
    return s.area / ellipsoid_area(a, b, c)


@feature("volume density (convex hull)", code="R3ER", formula="V / V_convex")
def volume_density_convex_hull(s: Shape) -> float:
    """Volume relative to that of the convex hull."""
    return s.volume / s.hull.volume


@feature("area density (convex hull)", code="7T7F", formula="A / A_convex")
def area_density_convex_hull(s: Shape) -> float:
    """Surface area relative to that of the convex hull."""
    return s.area / s.hull.area


@feature("integrated intensity", code="99N0", unit="u mm³", formula="V mean(x)")
def integrated_intensity(s: Shape) -> float:
    """Mean intensity times volume."""
    return s.volume * s.weighted[0] / int(np.count_nonzero(s.region.inside))


@feature(
    "Moran's I index", code="N365", formula="n / sum w * sum w (x_i - mu)(x_j - mu) / sum (x - mu)², w = 1 / distance"
)
def moran_i(s: Shape) -> float:
    """Spatial autocorrelation over all pairs of voxels; exact."""
    weights, products, _, squares, count = s.pairs
    return count / weights * products / squares


@feature(
    "Geary's C measure",
    code="NPT7",
    formula="(n - 1) / (2 sum w) * sum w (x_i - x_j)² / sum (x - mu)², w = 1 / distance",
)
def geary_c(s: Shape) -> float:
    """Spatial difference over all pairs of voxels; exact."""
    weights, products, own, squares, count = s.pairs
    return (count - 1) / weights * (own - products) / squares


@feature("volume density (oriented minimum bounding box)", code="ZH1A", formula="V / V_ombb", consensus=False)
def volume_density_ombb(s: Shape) -> float:
    """Volume relative to that of the smallest box of any orientation."""
    return s.volume / float(np.prod(s.oriented))


@feature("area density (oriented minimum bounding box)", code="IQYR", formula="A / A_ombb", consensus=False)
def area_density_ombb(s: Shape) -> float:
    """Surface area relative to that of the smallest box of any orientation."""
    return s.area / box_area(s.oriented)


@feature(
    "volume density (minimum volume enclosing ellipsoid)", code="SWZ1", formula="3 V / (4 pi a b c)", consensus=False
)
def volume_density_mvee(s: Shape) -> float:
    """Volume relative to that of the smallest ellipsoid around the region."""
    return 3 * s.volume / (4 * pi * float(np.prod(s.ellipsoid)))


@feature("area density (minimum volume enclosing ellipsoid)", code="BRI8", formula="A / A_mvee", consensus=False)
def area_density_mvee(s: Shape) -> float:
    """Surface area relative to that of the smallest ellipsoid around the region, by the series of IBSI."""
    a, b, c = (float(length) for length in s.ellipsoid)
    return s.area / ellipsoid_area(a, b, c)


@feature(
    "maximum 2D diameter in a slice",
    unit="mm",
    formula="max distance between two mesh vertices of one slice",
    reference=PYRADIOMICS,
    size=True,
)
def maximum_2d_diameter_slice(s: Shape) -> float:
    """Largest distance between two vertices of the mesh in one plane across k: of axial slices, the axial diameter."""
    return s.widest_in_planes(2)


@feature(
    "maximum 2D diameter in a column",
    unit="mm",
    formula="max distance between two mesh vertices of one column",
    reference=PYRADIOMICS,
    size=True,
)
def maximum_2d_diameter_column(s: Shape) -> float:
    """Largest distance between two vertices of the mesh in one plane across j: of axial slices, the coronal one."""
    return s.widest_in_planes(1)


@feature(
    "maximum 2D diameter in a row",
    unit="mm",
    formula="max distance between two mesh vertices of one row",
    reference=PYRADIOMICS,
    size=True,
)
def maximum_2d_diameter_row(s: Shape) -> float:
    """Largest distance between two vertices of the mesh in one plane across i: of axial slices, the sagittal one."""
    return s.widest_in_planes(0)
