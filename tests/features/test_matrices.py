"""Runs, zones, distances, neighbours and peaks against slow readable versions and SciPy."""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage

from genoxel.core.errors import NotDefinedError
from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.features import ivh, local_intensity, ngtdm
from genoxel.features._directions import directions, flat_steps, lines, slabs
from genoxel.features._kernels.neighbours import visit_neighbours
from genoxel.features._kernels.runs import count_runs
from genoxel.features._kernels.zones import border_distance, find_zones
from genoxel.features._zones import representatives
from genoxel.features.catalog import family
from genoxel.features.extract import extract
from genoxel.features.region import Laid, Region, lay_levels
from genoxel.features.settings import FeatureSettings
from genoxel.image.prepare import prepare
from genoxel.image.settings import Discretise, ImageSettings

Volume = npt.NDArray[np.uint16]


def levels_of(seed: int, shape: tuple[int, int, int] = (4, 6, 5), top: int = 3) -> Volume:
    rng = np.random.default_rng(seed)
    return np.pad(rng.integers(0, top + 1, size=shape).astype(np.uint16), 1)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("dimension", [2, 3])
def test_runs_equal_a_slow_count(seed: int, dimension: int):
    volume = levels_of(seed, top=2)
    offsets = directions(dimension)
    grid = laid(volume)
    starts, steps = slabs(grid, by_slice=dimension == 2), flat_steps(offsets, volume.shape)
    pairs = list(product(range(starts.size - 1), range(steps.size)))
    tasks = np.array([(starts[s], starts[s + 1], steps[d], t) for t, (s, d) in enumerate(pairs)])
    tables, scaled = np.zeros((len(tasks), 3 * 8), np.int32), grid.scaled(8, 2)
    crossed = grid.crossed if dimension == 3 else grid.rows
    count_runs(scaled, grid.rows, crossed, grid.slices, tasks, grid.row + 1, 8, np.zeros_like(scaled), tables)
    shaped = tables.reshape(-1, 3, 8)
    found = {tuple(cell): int(shaped[tuple(cell)]) for cell in np.argwhere(shaped).tolist() if cell[1]}
    slow: dict[tuple[int, int, int], int] = {}
    layers = [layer for layer in range(volume.shape[0]) if volume[layer].any()]
    for d, offset in enumerate(offsets):
        for place in np.argwhere(volume):
            level = int(volume[tuple(place)])
            if volume[tuple(place - offset)] == level:
                continue
            length = 0
            while volume[tuple(place + length * offset)] == level:
                length += 1
            slab = layers.index(int(place[0])) if dimension == 2 else 0
            key = (slab * len(offsets) + d, level, length)
            slow[key] = slow.get(key, 0) + 1
    assert found == slow


def laid(volume: Volume) -> Laid:
    inner = volume[1:-1, 1:-1, 1:-1].transpose(2, 1, 0)
    return lay_levels(inner > 0, inner[inner > 0].astype(np.int64), np.uint8)


def zones(grid: Laid, distance: npt.NDArray[np.uint16], dimension: int) -> list[tuple[int, int, int, int]]:
    """Slab, level, size and distance of each zone."""
    steps = flat_steps(-directions(dimension), grid.shape)
    starts = slabs(grid, by_slice=dimension == 2)
    room, size = np.count_nonzero(grid.flat), grid.flat.size
    found, ends = np.empty((3, room), np.int32), np.zeros(starts.size, np.int64)
    find_zones(
        *(grid.flat, distance, grid.rows, grid.slices, starts, steps, representatives(-directions(dimension))),
        *(np.empty(grid.layer, np.uint16), np.empty(size, np.int32), np.empty(room, np.int32), found, ends),
    )
    slab = np.repeat(np.arange(starts.size - 1), np.diff(ends))
    return [tuple(one) for one in np.stack([slab, *found[:, : ends[-1]]]).T.tolist()]


def distances(grid: Laid, layer: int) -> npt.NDArray[np.uint16]:
    out = np.zeros(grid.flat.size, np.uint16)
    border_distance(grid.flat, grid.crossed, grid.slices, grid.row, layer, out)
    return out


@pytest.mark.parametrize("seed", range(8))
def test_zones_equal_scipy_labels(seed: int):
    volume = levels_of(seed, (5, 7, 6), top=1 + seed % 3)
    grid = laid(volume)
    flat = distances(grid, grid.layer)
    found = zones(grid, flat, 3)
    distance = flat.reshape(volume.shape)
    expected = []
    for level in range(1, 4):
        labels, count = ndimage.label(volume == level, structure=np.ones((3, 3, 3)))
        each = [labels == zone for zone in range(1, count + 1)]
        expected += [(0, level, int(zone.sum()), int(distance[zone].min())) for zone in each]
    assert sorted(found) == sorted(expected)


def test_zones_stay_within_their_slice():
    volume = np.pad(np.ones((3, 2, 2), np.uint16), 1)
    assert zones(laid(volume), np.ones(volume.size, np.uint16), 2) == [(slab, 1, 4, 1) for slab in range(3)]


@pytest.mark.parametrize("seed", range(3))
def test_border_distances_equal_scipy(seed: int):
    inside = np.pad(np.random.default_rng(seed).random((7, 9, 8)) < 0.9, 1)
    grid = laid(inside.astype(np.uint16))
    taxi = ndimage.distance_transform_cdt(inside, metric="taxicab")
    np.testing.assert_array_equal(distances(grid, grid.layer).reshape(inside.shape), taxi)
    layers = np.stack([ndimage.distance_transform_cdt(layer, metric="taxicab") for layer in inside])
    np.testing.assert_array_equal(distances(grid, 0).reshape(inside.shape), layers)


@pytest.mark.parametrize("dimension", [2, 3])
def test_neighbours_equal_a_slow_visit(dimension: int):
    volume = levels_of(5)
    grid = laid(volume)
    around = flat_steps(lines(dimension), volume.shape)
    most = 3 * around.size + 1
    room = [np.empty(grid.layer, kind) for kind in (np.uint8, np.uint8, np.uint16)]
    tables = [np.zeros((1, 4 * most), kind) for kind in (np.int32, np.int64, np.int32)]
    visit_neighbours(grid.flat, grid.rows, grid.slices, slabs(grid, by_slice=False), around, *room, *tables)
    counts, differences, dependence = (table.reshape(1, 4, most)[:, 1:] for table in tables)
    offsets = [*directions(dimension), *-directions(dimension)]
    slow = np.zeros((3, 4, most), np.int64)
    for place in np.argwhere(volume):
        level = int(volume[tuple(place)])
        around = [int(volume[tuple(place + offset)]) for offset in offsets]
        m = sum(value > 0 for value in around)
        slow[0, level, m] += 1
        slow[1, level, m] += abs(level * m - sum(around))
        slow[2, level, 1 + sum(value == level for value in around)] += 1
    np.testing.assert_array_equal(np.concatenate([counts, differences, dependence]), slow[:, 1:])


def blob(seed: int = 0) -> tuple[Image, Mask]:
    rng = np.random.default_rng(seed)
    array = rng.normal(100, 20, size=(9, 8, 7)).round()
    inside = np.zeros(array.shape, np.uint8)
    inside[2:7, 1:7, 1:6] = 1
    affine = np.diag([2.0, 3.0, 2.5, 1.0])
    return Image(array, affine, unit="HU"), Mask(inside, affine)


def region_of(rules: ImageSettings | None = None, ivh_how: object = "auto") -> Region:
    return Region(prepare(*blob(), rules), ivh_how)  # type: ignore[arg-type]


def test_peaks_equal_the_mean_over_all_voxels_near_by():
    region = region_of()
    peaks = local_intensity.build(region)
    image, mask = blob()
    places = np.argwhere(np.ones(image.shape)) * image.spacing
    inside = np.argwhere(mask.inside()) * image.spacing
    near = np.linalg.norm(inside[:, None] - places, axis=2) <= local_intensity.RADIUS_MM
    slow = (near @ image.values().ravel()) / near.sum(axis=1)
    np.testing.assert_allclose(peaks.means, slow, rtol=1e-12)
    records = family("local").records
    assert records["global_peak"].measure(peaks) == pytest.approx(slow.max())
    values = image.values()[mask.inside()]
    assert records["local_peak"].measure(peaks) == pytest.approx(slow[values == values.max()].max())


def test_peaks_next_to_what_is_no_number_are_not_defined():
    image, mask = blob()
    array = np.array(image.values())
    array[0, 0, 0] = np.nan
    found = extract(Image(array, image.affine), mask, feature_settings=FeatureSettings(families=["local", "stat"]))
    assert "not finite" in found.reasons["image.roi.none.local.global_peak"]
    assert len(found.reasons) == 2


def test_the_volume_curve_as_it_is_and_binned():
    values = np.sort(region_of().values)
    curve = ivh.build(region_of())
    assert curve.at[0] == values[0]
    assert curve.at[-1] == values[-1]
    edge = values[0] + 0.1 * (values[-1] - values[0])
    assert curve.volume_at(0.1) == pytest.approx((values >= np.ceil(edge - 1e-9)).mean())
    level = curve.intensity_at(0.1)
    assert (values >= level).mean() <= 0.1 < (values >= level - 1).mean()
    fine = ivh.build(region_of(ivh_how=Discretise(bins=1000)))
    assert fine.at[-1] == 1000
    assert fine.volume_at(0.1) == pytest.approx(curve.volume_at(0.1), abs=0.01)
    wide = ivh.build(region_of(ImageSettings(range=(0, 200)), Discretise(bin_size=5)))
    assert (wide.at[0], wide.at[-1], len(wide.at)) == (2.5, 197.5, 40)
    free = ivh.build(region_of(ivh_how=Discretise(bin_size=5, anchor=0)))
    assert free.at[0] == 2.5


def test_volume_curves_without_a_range_are_not_defined():
    image, mask = blob()
    with pytest.raises(NotDefinedError, match="below the anchor"):
        ivh.build(region_of(ivh_how=Discretise(bin_size=5, anchor=150)))
    half = Image(image.values() + 0.5, image.affine)
    with pytest.raises(NotDefinedError, match="whole numbers"):
        ivh.build(Region(prepare(half, mask), "none"))
    assert ivh.build(Region(prepare(half, mask))).at[-1] == 1000
    with pytest.raises(NotDefinedError, match="below 100000"):
        ivh.build(Region(prepare(Image(image.values() * 1e6, image.affine), mask), "none"))
    flat = Image(np.full(image.shape, 3.0), image.affine)
    with pytest.raises(NotDefinedError, match="equal intensities"):
        ivh.build(Region(prepare(flat, mask)))
    top = ivh.Curve(np.array([0.0, 1.0]), np.array([1.0, 3.0]))
    with pytest.raises(NotDefinedError, match="at its top"):
        top.intensity_at(0.1)


def test_tone_differences_equal_the_formulas_written_out():
    counts, differences = np.zeros((2, 6, 4), np.int32), np.zeros((2, 6, 4), np.int64)
    counts[1, [1, 2, 2, 5], [1, 2, 1, 2]] = [3, 1, 3, 1]
    counts[1, 3, 0] = 7
    differences[1, [1, 2, 2, 5], [1, 2, 1, 2]] = [2, 2, 3, 8]
    tones = ngtdm.summed(counts, differences)
    p, s, i = np.array([3, 4, 1]) / 8, np.array([2.0, 4.0, 4.0]), np.array([1, 2, 5])
    pairs = [(a, b) for a in range(3) for b in range(3)]
    expected = {
        "coarseness": 1 / sum(p * s),
        "contrast": sum(p[a] * p[b] * (i[a] - i[b]) ** 2 for a, b in pairs) / 6 * s.sum() / 8,
        "busyness": sum(p * s) / sum(abs(i[a] * p[a] - i[b] * p[b]) for a, b in pairs),
        "complexity": sum(abs(i[a] - i[b]) * (p[a] * s[a] + p[b] * s[b]) / (p[a] + p[b]) for a, b in pairs) / 8,
        "strength": sum((p[a] + p[b]) * (i[a] - i[b]) ** 2 for a, b in pairs) / s.sum(),
    }
    for name, value in expected.items():
        assert family("ngtdm").records[name].measure(tones)[0] == pytest.approx(value), name


def test_distance_matrices_measure_from_the_border_before_resegmentation():
    image, mask = blob()
    array = np.full(image.shape, 50.0)
    array[4, 4, 3] = 60
    array[4, 4, 4] = 500
    rules = ImageSettings(range=(0, 100), discretise=Discretise(bin_size=10))
    found = extract(Image(array, image.affine), mask, rules, FeatureSettings(families=["gldzm"]))
    # two zones: the rim (distance 1) and the voxel of 60, three steps from the drawn border
    assert found.values["image.roi.none.gldzm.large_distance_emphasis.3d"] == pytest.approx((1 + 9) / 2)


def test_every_aggregation_gives_each_family_its_columns():
    rules = FeatureSettings(aggregations=("2d_avg", "2d_slice_merged", "25d_merged", "3d_avg"))
    found = extract(*blob(), None, rules)
    by_family: dict[str, set[str]] = {}
    for column in found.columns:
        by_family.setdefault(column.source.family, set()).add(column.source.aggregation)
    assert by_family["glrlm"] == set(rules.aggregations)
    assert by_family["ngldm"] == {"2d", "25d", "3d"}
    assert by_family["stat"] == {""}
