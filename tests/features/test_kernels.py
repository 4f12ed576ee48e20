"""Each kernel against a slow readable version, and each shortcut against the long way."""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt
import pytest
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.distance import pdist, squareform
from scipy.special import elliprg, eval_legendre
from skimage.measure import marching_cubes, mesh_surface_area

from genoxel.core.errors import NotDefinedError
from genoxel.core.image import Image
from genoxel.core.mask import Mask, held_box
from genoxel.features import _sums, glcm, glrlm
from genoxel.features._directions import directions, flat_steps, held, slabs, tasks_of
from genoxel.features._entries import entropy, pooled
from genoxel.features._kernels.cooccurrence import count_pairs
from genoxel.features._kernels.shape import places
from genoxel.features._mesh import area_and_volume, convex_hull, outermost
from genoxel.features._spatial import pair_sums
from genoxel.features.morphology import ellipsoid_area
from genoxel.features.region import Laid, Region, lay_levels
from genoxel.image.prepare import prepare
from genoxel.image.settings import ImageSettings


def levels_of(seed: int, shape: tuple[int, ...] = (4, 6, 5), top: int = 4) -> npt.NDArray[np.uint16]:
    rng = np.random.default_rng(seed)
    return np.pad(rng.integers(0, top + 1, size=shape).astype(np.uint16), 1)


def laid(volume: npt.NDArray[np.uint16]) -> Laid:
    inner = volume[1:-1, 1:-1, 1:-1].transpose(2, 1, 0)
    grid = lay_levels(inner > 0, inner[inner > 0].astype(np.int64), np.uint16)
    np.testing.assert_array_equal(grid.flat.reshape(grid.shape), volume)
    return grid


def of(inside: npt.NDArray[np.bool_]) -> Laid:
    return lay_levels(inside, None, np.uint8)


def test_rows_and_slices_lead_to_every_voxel():
    volume = levels_of(0, (5, 4, 6))
    volume[2] = 0
    volume[3, 2] = 0
    flat, _, rows, crossed, slices, spans = laid(volume)
    assert sorted(map(tuple, spans[spans[:, :, 1] > 0])) == sorted(map(tuple, rows))
    reached = np.concatenate([np.arange(*row) for row in rows])
    assert set(np.flatnonzero(flat)) <= set(reached.tolist())
    assert all(flat[first] and flat[stop - 1] for first, stop in rows)
    assert sorted(map(tuple, crossed)) == sorted(map(tuple, rows))
    across = crossed[:, 0] // volume.shape[2] % volume.shape[1]
    assert across.tolist() == sorted(across)
    assert len(slices) == 4
    assert slices[1:, 0].tolist() == slices[:-1, 1].tolist()
    for first, stop, start, end in slices:
        assert (rows[first, 0], rows[stop - 1, 1]) == (start, end)


def tasks_for(grid: Laid, dimension: int) -> npt.NDArray[np.int64]:
    """Every slab in every direction, a matrix for each."""
    starts, steps = slabs(grid, by_slice=dimension == 2), flat_steps(directions(dimension), grid.shape)
    pairs = list(product(range(starts.size - 1), range(steps.size)))
    return np.array([(starts[s], starts[s + 1], steps[d], t) for t, (s, d) in enumerate(pairs)])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("dimension", [2, 3])
def test_pairs_equal_a_slow_count(seed: int, dimension: int):
    volume = levels_of(seed)
    offsets = directions(dimension)
    grid = laid(volume)
    tasks = tasks_for(grid, dimension)
    tables = np.zeros((len(tasks), 25), np.int32)
    count_pairs(grid.flat, grid.rows, grid.slices, tasks, np.uint16(5), np.empty(grid.layer, np.uint16), tables)
    slow = np.zeros((len(tasks), 5, 5), np.int32)
    layers = [layer for layer in range(volume.shape[0]) if volume[layer].any()]
    for place in np.argwhere(volume):
        slab = layers.index(int(place[0])) if dimension == 2 else 0
        for d, offset in enumerate(offsets):
            a, b = int(volume[tuple(place)]), int(volume[tuple(place + offset)])
            if b:
                slow[slab * len(offsets) + d, min(a, b), max(a, b)] += 1
    np.testing.assert_array_equal(tables.reshape(-1, 5, 5)[:, 1:, 1:], slow[:, 1:, 1:])


def region_of(shape: tuple[int, int, int] = (5, 6, 4)) -> Region:
    rng = np.random.default_rng(8)
    image, mask = Image(rng.integers(1, 5, shape).astype(float), np.eye(4)), rng.random(shape) < 0.8
    return Region(prepare(image, Mask(mask, np.eye(4)), ImageSettings(discretise="none"), least=1))


@pytest.mark.parametrize(
    ("aggregation", "pooled"),
    [
        ("2d_avg", lambda t: t.reshape(-1, *t.shape[2:])),
        ("2d_slice_merged", lambda t: t.sum(axis=1)),
        ("25d_direction_merged", lambda t: t.sum(axis=0)),
        ("25d_merged", lambda t: t.sum(axis=(0, 1))[None]),
        ("3d_avg", lambda t: t[0]),
        ("3d_merged", lambda t: t.sum(axis=1)),
    ],
)
def test_pooling_adds_the_matrices_of_slices_and_directions(aggregation: str, pooled, monkeypatch):
    region = region_of()
    grid = region.laid_out
    single = tasks_for(grid, 3 if aggregation.startswith("3d") else 2)
    ways = 13 if aggregation.startswith("3d") else 4
    tables = np.zeros((len(single), 25), np.int32)
    kind = np.uint16
    count_pairs(grid.flat, grid.rows, grid.slices, single, kind(5), np.empty(grid.layer, kind), tables)
    expected = pooled(tables.reshape(-1, ways, 25))
    sums = glcm.summed(expected.reshape(-1, 5, 5).astype(np.int32))
    np.testing.assert_array_equal(np.stack(glcm.build(region, aggregation)[:-1]), sums.T)
    runs, voxels = glrlm.build(region, aggregation), tasks_of(region, aggregation).voxels
    per_slice = [int((grid.flat.reshape(grid.shape)[k] > 0).sum()) for k in range(1, 5)]
    assert voxels.sum() == (13 if ways == 13 else 4) * sum(per_slice)
    np.testing.assert_allclose(runs.share, runs.total / voxels)
    # in pieces, as matrices too many for memory are counted
    monkeypatch.setattr(_sums, "MOST_CELLS", 60)
    again = region_of()
    np.testing.assert_array_equal(np.stack(glcm.build(again, aggregation)[:-1]), sums.T)
    np.testing.assert_array_equal(np.stack(glrlm.build(again, aggregation)), np.stack(runs))


def test_directions_are_one_of_each_opposite_pair():
    for dimension, count in ((2, 4), (3, 13)):
        offsets = {tuple(int(part) for part in offset) for offset in directions(dimension)}
        assert len(offsets) == count
        assert not offsets & {tuple(-part for part in offset) for offset in offsets}
    assert all(offset[0] == 0 for offset in directions(2))


@pytest.mark.parametrize("seed", range(6))
def test_area_and_volume_equal_those_of_a_built_mesh(seed: int):
    rng = np.random.default_rng(seed)
    inside = rng.random((6, 5, 7)) < 0.2 + 0.1 * seed
    spacing = np.array([0.7, 1.3, 2.9])
    vertices, faces, *_ = marching_cubes(np.pad(inside, 1).astype(float), 0.5, spacing=tuple(spacing))
    triangles = vertices[faces]
    volume = abs(np.einsum("ij,ij->i", triangles[:, 0], np.cross(triangles[:, 1], triangles[:, 2])).sum() / 6)
    area, enclosed = area_and_volume(of(inside), np.diag(spacing))
    # scikit-image keeps its vertices in float32
    assert area == pytest.approx(mesh_surface_area(vertices, faces), rel=1e-6)
    assert enclosed == pytest.approx(volume, rel=1e-5)
    hull, slow = convex_hull(outermost(of(inside)), np.diag(spacing)), ConvexHull(vertices.astype(float))
    assert (hull.area, hull.volume) == (pytest.approx(slow.area, rel=1e-5), pytest.approx(slow.volume, rel=1e-5))
    assert hull.diameter == pytest.approx(pdist(vertices).max(), rel=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_moments_equal_sums_over_places(seed: int):
    rng = np.random.default_rng(seed)
    inside = np.zeros((7, 9, 8), bool)
    inside[1:6, 2:9, 3:7] = rng.random((5, 7, 4)) < 0.5
    grid, box = of(inside), held_box(inside)
    low = np.array([piece.start for piece in box])
    image = rng.normal(size=inside.shape)
    found, steps = np.zeros(10, np.int64), np.array([72, 8, 1])
    # the voxel at place 1, 1, 1 of the padded volume is the first of the box
    start = int((low - 1) @ steps)
    sums = places(grid.flat, grid.rows, grid.row, grid.layer, image.ravel(), start, steps, found)
    where = np.argwhere(inside) - low + 1
    i, j, k = where.T
    assert found[0] == len(where)
    assert found[1:].tolist() == [int(part.sum()) for part in (i, j, k, i * i, j * j, k * k, i * j, i * k, j * k)]
    x = image[inside]
    np.testing.assert_allclose(sums, [x.sum(), np.abs(x).sum(), *(x @ where)], rtol=1e-12)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("shape", ["blob", "cube", "ball", "sticks"])
def test_the_convex_hull_equals_that_of_qhull(seed: int, shape: str):
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 40, (5 + 40 * seed, 3)).astype(float)
    if shape == "cube":  # nearly every point on a plane or an edge of the hull
        points[np.arange(len(points)), rng.integers(0, 3, len(points))] = rng.choice([0.0, 40.0], len(points))
    if shape == "ball":
        points = np.rint(300 * points / np.linalg.norm(points + 0.5, axis=1, keepdims=True))
    if shape == "sticks":
        points[:, 1:] = rng.choice([3.0, 4.0, 9.0], (len(points), 2))
    matrix = np.array([[0.7, 0.1, 0.0], [0.0, 1.3, 0.2], [0.3, 0.0, 2.9]])
    try:
        slow = ConvexHull(points / 2 @ matrix.T)
    except QhullError:
        pytest.skip("all points on one plane")
    hull = convex_hull(points, matrix)
    assert hull.area == pytest.approx(slow.area, rel=1e-9)
    assert hull.volume == pytest.approx(slow.volume, rel=1e-9)
    assert hull.diameter == pytest.approx(pdist(points / 2 @ matrix.T).max(), rel=1e-12)
    corners = {tuple(corner) for corner in np.round(hull.corners, 6).tolist()}
    assert {tuple(one) for one in np.round(slow.points[slow.vertices], 6).tolist()} <= corners


def test_the_mesh_of_a_ball_nears_the_ball():
    places = np.indices((41, 41, 41)) - 20
    area, volume = area_and_volume(of((places**2).sum(axis=0) <= 18.2**2), np.eye(3))
    assert volume == pytest.approx(4 / 3 * np.pi * 18.2**3, rel=0.02)
    assert area == pytest.approx(4 * np.pi * 18.2**2, rel=0.1)


def test_pair_sums_equal_the_double_sum():
    rng = np.random.default_rng(3)
    inside = rng.random((5, 7, 4)) < 0.6
    matrix = np.diag([0.8, 1.1, 3.0]) + 0.05
    values = rng.normal(size=int(inside.sum()))
    weights = squareform(pdist(np.argwhere(inside) @ matrix.T))
    np.fill_diagonal(weights, np.inf)
    weights = 1 / weights
    slow = weights.sum(), values @ weights @ values, (weights @ np.ones_like(values)) @ values**2
    np.testing.assert_allclose(pair_sums(inside, values, matrix), slow, rtol=1e-12)


def test_pair_sums_refuse_a_box_beyond_memory():
    inside = np.broadcast_to(np.True_, (2000, 2000, 2000))
    with pytest.raises(NotDefinedError, match="box"):
        pair_sums(inside, np.zeros(0), np.eye(3))


def test_the_ellipsoid_series_is_that_of_the_standard_and_near_the_area():
    assert ellipsoid_area(2, 2, 2) == pytest.approx(16 * np.pi)
    a, b, c = 3.0, 2.5, 2.0
    alpha, beta = np.sqrt(1 - (b / a) ** 2), np.sqrt(1 - (c / a) ** 2)
    v = np.arange(21)
    terms = (alpha * beta) ** v / (1 - 4 * v**2) * eval_legendre(v, (alpha**2 + beta**2) / (2 * alpha * beta))
    assert ellipsoid_area(a, b, c) == pytest.approx(4 * np.pi * a * b * terms.sum(), rel=1e-12)
    true = 4 * np.pi * elliprg((a * b) ** 2, (a * c) ** 2, (b * c) ** 2)
    assert ellipsoid_area(a, b, c) == pytest.approx(true, rel=0.02)


def test_empty_matrices_are_left_out_and_all_empty_is_not_defined():
    assert held(np.array([0.0, 2.0, 0.0])).tolist() == [False, True, False]
    with pytest.raises(NotDefinedError, match="no pair"):
        held(np.zeros(3))
    assert pooled(np.array([1.0, np.nan, 3.0])) == 2
    with pytest.raises(NotDefinedError):
        pooled(np.array([np.nan]))
    assert entropy(np.array([0.0, 0.5, 1.0])).tolist() == [0, 0.5, 0]


def test_all_offsets_of_a_plane_are_covered():
    every = {offset for offset in product((-1, 0, 1), repeat=3) if any(offset)}
    half = {tuple(int(part) for part in offset) for offset in directions(3)}
    assert half | {tuple(-part for part in offset) for offset in half} == every
