"""One row of features: names, records, invariances, and what is refused."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genoxel.core.errors import GeometryError, InputError, MaskError, SettingsError, TableError
from genoxel.core.image import Image
from genoxel.core.keys import RowKey
from genoxel.core.mask import Mask
from genoxel.features.catalog import FAMILIES, catalog, family
from genoxel.features.extract import Features, as_table, extract, settings_digest, volume_column
from genoxel.features.settings import FeatureSettings
from genoxel.image.settings import Discretise, ImageSettings


def blob(
    seed: int = 0, shape: tuple[int, int, int] = (11, 10, 9)
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.uint8]]:
    """Return whole-number intensities with some structure, and an uneven region inside."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=shape)
    smooth = sum(np.roll(noise, step, axis) for axis in range(3) for step in (-1, 0, 1))
    places = np.stack(np.indices(shape), axis=-1) - (np.array(shape) - 1) / 2
    radius = np.sqrt((places**2 / np.array([16.0, 12.0, 9.0])).sum(axis=-1))
    inside = (radius + 0.15 * rng.normal(size=shape)) < 1
    return np.asarray(np.clip(np.round(smooth * 12 + 120), 5, 250), dtype=np.int16), inside.astype(np.uint8)


AFFINE = np.diag([1.1, 0.9, 2.0, 1.0])
WIDE = ImageSettings(discretise=Discretise(bin_size=10, anchor=0))


def features(array: npt.NDArray[np.generic], inside: npt.NDArray[np.uint8], affine: npt.ArrayLike = AFFINE) -> Features:
    mask = Mask(np.ascontiguousarray(inside), np.asarray(affine), {1: "tumour"})
    both = FeatureSettings(aggregations=("3d_avg", "3d_merged"))
    return extract(Image(array, np.asarray(affine), modality="T1"), mask, WIDE, both)


def assert_same(one: Features, two: Features, rtol: float = 1e-9) -> None:
    assert set(one.reasons) == set(two.reasons)
    for name, value in one.values.items():
        np.testing.assert_allclose(two.values[name], value, rtol=rtol, atol=1e-12, err_msg=name)


def test_names_and_records_follow_the_scheme():
    found = features(*blob())
    assert "T1.tumour.none.glcm.joint_entropy.3d_avg" in found.values
    assert "T1.tumour.none.morph.sphericity" in found.values
    assert list(found.values) == [column.name for column in found.columns]
    entropy = next(column for column in found.columns if column.code == "TU9B")
    assert entropy.unit == "bit"
    assert entropy.source.aggregation == "3d_avg"
    assert "sum p_ij log2 p_ij" in entropy.definition
    assert entropy.settings == settings_digest(WIDE, FeatureSettings())
    assert "size" in next(column for column in found.columns if column.code == "RNU0").traits
    assert found.reasons == {}


def test_units_of_the_image_reach_the_records():
    array, inside = blob()
    found = extract(
        Image(array, AFFINE, "CT", "HU"),
        Mask(inside, AFFINE),
        WIDE,
        FeatureSettings(families=["stat", "morph"]),
    )
    units = {column.code: column.unit for column in found.columns}
    assert (units["Q4LE"], units["ECT3"], units["99N0"], units["RNU0"]) == ("HU", "HU²", "HU mm³", "mm³")
    plain = {column.code: column.unit for column in features(array, inside).columns}
    assert (plain["Q4LE"], plain["ECT3"]) == ("arbitrary", "arb.²")


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "int64", "float32", "float64", ">i2"])
def test_the_stored_type_does_not_matter(dtype: str):
    array, inside = blob()
    assert array.min() >= 0
    assert array.max() <= 255
    assert_same(features(array, inside), features(array.astype(dtype), inside), rtol=0)


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(3)), st.tuples(*[st.booleans()] * 3), st.integers(0, 50))
def test_flips_and_axis_order_do_not_matter(order: list[int], flips: tuple[bool, ...], seed: int):
    array, inside = blob(seed)
    axes = [axis for axis, flip in enumerate(flips) if flip]
    sizes = np.diag(AFFINE)[:3][order]
    affine = np.diag([*np.where(flips, -1, 1) * sizes, 1.0])
    turned = [np.flip(part.transpose(order), axes) for part in (array, inside)]
    assert_same(features(array, inside), features(turned[0], turned[1], affine))


@settings(max_examples=10, deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=3, max_size=3), st.integers(0, 50))
def test_oblique_directions_do_not_matter(angles: list[float], seed: int):
    array, inside = blob(seed)
    turn = np.eye(3)
    for axis, angle in enumerate(angles):
        one = np.eye(3)
        a, b = [part for part in range(3) if part != axis]
        one[a, a] = one[b, b] = np.cos(angle)
        one[a, b], one[b, a] = -np.sin(angle), np.sin(angle)
        turn = turn @ one
    affine = np.eye(4)
    affine[:3, :3] = turn @ AFFINE[:3, :3]
    affine[:3, 3] = 20, -300, 7
    assert_same(features(array, inside), features(array, inside, affine))


@settings(max_examples=10, deadline=None)
@given(st.floats(0.01, 100), st.floats(-500, 500), st.integers(0, 20))
def test_texture_with_a_fixed_bin_number_ignores_scale_and_shift(scale: float, shift: float, seed: int):
    array, inside = blob(seed)
    rules = FeatureSettings(families=["hist", "glcm"])
    mask = Mask(inside, AFFINE)
    # powers of two keep the scaled numbers exact, so that no voxel crosses an edge by rounding
    exact = 2.0 ** np.round(np.log2(scale))
    before = extract(Image(array, AFFINE), mask, feature_settings=rules)
    after = extract(Image(array * exact + np.round(shift), AFFINE), mask, feature_settings=rules)
    assert_same(before, after)


def test_statistics_follow_scale_and_shift():
    array, inside = blob()
    rules = FeatureSettings(families=["stat"])
    one = extract(Image(array, AFFINE), Mask(inside, AFFINE), WIDE, rules).values
    two = extract(Image(array * 2.0 + 64, AFFINE), Mask(inside, AFFINE), WIDE, rules).values
    assert two["image.roi.none.stat.mean"] == pytest.approx(2 * one["image.roi.none.stat.mean"] + 64)
    assert two["image.roi.none.stat.skewness"] == pytest.approx(one["image.roi.none.stat.skewness"])


def test_what_lies_far_from_the_region_does_not_matter():
    array, inside = blob()
    wide = np.pad(array, 12, constant_values=3000)
    affine = AFFINE.copy()
    affine[:3, 3] = -12 * np.diag(AFFINE)[:3]
    both = FeatureSettings(families=[name for name in FAMILIES if name != "local"])
    one = extract(Image(array, AFFINE), Mask(inside, AFFINE), WIDE, both)
    two = extract(Image(wide, affine), Mask(np.pad(inside, 12), affine), WIDE, both)
    assert_same(one, two, rtol=1e-12)


# --- what is refused, and what is not defined ---------------------------------------------------------------------


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_no_number_inside_is_refused(bad: float):
    array, inside = blob()
    broken = array.astype(float)
    broken[tuple(np.argwhere(inside)[7])] = bad
    with pytest.raises(InputError, match=r"1 of \d+ voxels of the region that are not finite"):
        features(broken, inside)


def test_a_value_that_is_no_number_outside_changes_nothing_but_the_peaks():
    array, inside = blob()
    broken = array.astype(float)
    broken[tuple(np.argwhere(inside == 0)[0])] = np.nan
    found, clean = features(broken, inside), features(array, inside)
    for name, value in clean.values.items():
        if ".local." not in name:
            assert found.values[name] == value


def test_small_and_empty_regions_are_refused():
    array, inside = blob()
    few = np.zeros_like(inside)
    few[4:7, 4:7, 4:7] = 1
    with pytest.raises(MaskError, match=r"27 voxels.*at least 64"):
        features(array, few)
    with pytest.raises(MaskError, match="empty mask"):
        features(array, np.zeros_like(inside))
    found = extract(Image(array, AFFINE), Mask(few, AFFINE), WIDE, FeatureSettings(min_voxels=27))
    assert found.values["image.roi.none.morph.volume_voxels"] == pytest.approx(27 * 1.1 * 0.9 * 2)


def test_a_region_left_too_small_by_its_range_is_refused():
    array, inside = blob()
    with pytest.raises(MaskError, match="after re-segmentation"):
        extract(Image(array, AFFINE), Mask(inside, AFFINE), ImageSettings(range=(150, 160)))


def test_a_constant_region_has_reasons_instead_of_numbers():
    array, inside = blob()
    for rules in (WIDE, ImageSettings()):
        found = extract(Image(np.full_like(array, 7), AFFINE), Mask(inside, AFFINE), rules)
        for name, value in found.values.items():
            texture = name.split(".")[3] not in ("morph", "stat", "local", "ivh")
            assert np.isnan(value) == (name in found.reasons)
            assert not texture or "one intensity" in found.reasons[name]
        assert found.values["image.roi.none.stat.mean"] == 7
        assert "image.roi.none.stat.skewness" in found.reasons
        assert "image.roi.none.morph.moran_i" in found.reasons


def test_values_within_one_bin_have_no_texture():
    array, inside = blob()
    found = extract(Image(array * 1e-6, AFFINE), Mask(inside, AFFINE), WIDE)
    assert "one grey level" in found.reasons["image.roi.none.glcm.contrast.3d_avg"]
    assert found.values["image.roi.none.stat.mean"] > 0


def test_one_slice_is_measured_as_far_as_it_can_be():
    array, inside = blob(shape=(16, 16, 1))
    inside[:] = 0
    inside[3:13, 4:14] = 1
    found = features(array, inside)
    assert "one voxel thick" in found.reasons["T1.tumour.none.morph.volume_mesh"]
    assert np.isfinite(found.values["T1.tumour.none.morph.elongation"])
    assert np.isfinite(found.values["T1.tumour.none.glcm.contrast.3d_avg"])
    flat = extract(
        Image(array, AFFINE),
        Mask(inside, AFFINE),
        WIDE,
        FeatureSettings(families=["glcm"], aggregations=("2d_avg", "3d_avg")),
    )
    one = flat.values["image.roi.none.glcm.contrast.2d_avg"]
    assert flat.values["image.roi.none.glcm.contrast.3d_avg"] == pytest.approx(one, rel=1e-12)


def test_an_extreme_voxel_is_refused_fast_when_bins_explode():
    array, inside = blob()
    broken = array.astype(float)
    broken[tuple(np.argwhere(inside)[3])] = 1e9
    start = time.perf_counter()
    with pytest.raises(InputError, match=r"1e\+08 grey levels.*1024 at most"):
        features(broken, inside)
    assert time.perf_counter() - start < 1
    found = extract(Image(broken, AFFINE), Mask(inside, AFFINE), ImageSettings(discretise=Discretise(bins=32)))
    assert np.isfinite(found.values["image.roi.none.stat.maximum"])


def test_strange_images_are_refused():
    array, inside = blob()
    with pytest.raises(InputError, match="complex"):
        features(array.astype(complex), inside)
    with pytest.raises(GeometryError, match="mm"):
        features(array, inside, np.diag([0.001, 1, 1, 1]))
    with pytest.raises(GeometryError, match="off by"):
        extract(Image(array, AFFINE), Mask(inside, np.diag([1.1, 0.9, 2.02, 1.0])), WIDE)


# --- regions, tables, settings ------------------------------------------------------------------------------------


def test_regions_of_a_label_map_are_chosen_by_name():
    array, inside = blob()
    labels = inside.astype(np.uint8)
    labels[5:] *= 2
    mask = Mask(labels, AFFINE, {1: "core", 2: "rim"})
    rules = FeatureSettings(families=["morph"], min_voxels=8)
    found = {part: extract(Image(array, AFFINE), mask, WIDE, rules, part) for part in ("core", "rim", "")}
    volumes = [next(iter(found[part].values.items())) for part in ("core", "rim", "")]
    assert [name.split(".")[1] for name, _ in volumes] == ["core", "rim", "all"]
    voxels = [found[part].values[f"image.{part or 'all'}.none.morph.volume_voxels"] for part in ("core", "rim", "")]
    assert voxels[0] + voxels[1] == pytest.approx(voxels[2])
    with pytest.raises(MaskError, match="core"):
        extract(Image(array, AFFINE), mask, WIDE, rules, "edge")
    by_number = extract(Image(array, AFFINE), mask, WIDE, rules, 2)
    assert by_number.values == found["rim"].values


def test_rows_make_a_table_with_a_volume():
    rows = {RowKey(f"P{seed}"): features(*blob(seed)) for seed in range(3)}
    table = as_table(rows)
    assert table.values.shape == (3, len(rows[RowKey("P0")].values))
    assert volume_column(table) == "T1.tumour.none.morph.volume_mesh"
    assert volume_column(table, "tumour") == "T1.tumour.none.morph.volume_mesh"
    with pytest.raises(TableError, match="volume"):
        volume_column(table.where(lambda column: column.source.family == "stat"))


def test_rows_with_other_columns_are_missing_not_zero():
    array, inside = blob()
    rules = FeatureSettings(families=["stat"])
    one = extract(Image(array, AFFINE, "T1"), Mask(inside, AFFINE), WIDE, rules)
    two = extract(Image(array, AFFINE, "T2"), Mask(inside, AFFINE), ImageSettings(range=(0, 500)), rules)
    again = extract(Image(array, AFFINE, "T2"), Mask(inside, AFFINE), WIDE, rules)
    table = as_table({RowKey("P1"): one.beside(two), RowKey("P2"): one, RowKey("P3"): again})
    assert np.isnan(table["T2.roi.none.stat.mean"]).tolist() == [False, True, False]
    assert table.column("T2.roi.none.stat.mean").settings == "several"
    assert "38" not in repr(one.beside(two))[:9]
    with pytest.raises(TableError, match="twice"):
        one.beside(one)


def test_the_volume_of_a_flat_region_is_that_of_its_voxels():
    array, inside = blob(shape=(16, 16, 1))
    inside[:] = 0
    inside[3:13, 4:14] = 1
    assert volume_column(as_table({RowKey("P1"): features(array, inside)})).endswith("volume_voxels")


def test_settings_name_the_nearest_family():
    with pytest.raises((SettingsError, ValueError), match="glcm"):
        FeatureSettings(families=["glmc"])
    with pytest.raises(SettingsError, match="stat"):
        family("stats")
    assert FeatureSettings(families="stat").families == ("stat",)
    assert FeatureSettings(families=None).families == ()


def test_the_settings_hash_changes_with_what_changes_numbers_only():
    rules = FeatureSettings()
    assert settings_digest(WIDE, rules) != settings_digest(ImageSettings(), rules)
    assert settings_digest(WIDE, rules) == settings_digest(WIDE, FeatureSettings(families=["stat"]))


def test_each_catalogued_feature_is_described():
    records = catalog()
    assert len({(record.family, record.name) for record in records}) == len(records)
    for record in records:
        assert record.definition.endswith(".")
        assert record.formula
        assert record.name.islower()
        assert record.name.replace("_", "").isalnum()
    with pytest.raises(SettingsError, match="twice"):
        family("stat").feature("mean", formula="x")(records[0].measure.__class__ and _mean)


def _mean(_: object) -> float:
    """Nothing."""
    return 0.0


_mean.__name__ = "mean"


def test_extract_is_light_to_import():
    heavy = "pandas", "sklearn", "scipy.stats", "pyarrow", "matplotlib", "skimage"
    code = (
        "import sys, numpy as np\n"
        "from genoxel.features.extract import extract\n"
        "assert 'numba' not in sys.modules\n"
        "from genoxel.core.image import Image; from genoxel.core.mask import Mask\n"
        "a = np.random.default_rng(0).normal(size=(8, 8, 8))\n"
        "extract(Image(a, np.eye(4)), Mask(np.ones(a.shape, np.uint8), np.eye(4)))\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_threads_give_the_same_bits():
    cases = [blob(seed) for seed in range(4)] * 3
    alone = [features(*case).values for case in cases]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda case: features(*case).values, cases))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(list(one.values()), list(other.values()))


def test_more_than_255_levels_are_counted_alike():
    array, inside = blob(seed=1)
    rules = FeatureSettings(families=["glcm", "glrlm", "glszm", "ngldm", "ngtdm"])
    ranks = np.floor(array - array.min()).astype(np.int64) % 200 + 1
    few, many = ranks.copy(), np.where(ranks > 100, ranks + 700, ranks)
    ways = [ImageSettings(discretise="none")] * 2
    one, other = (
        extract(Image(part, AFFINE), Mask(inside, AFFINE), how, rules).values
        for part, how in zip((few, many), ways, strict=True)
    )
    for name in ("glcm.joint_entropy.3d_avg", "glrlm.run_entropy.3d_avg", "glszm.zone_size_entropy.3d"):
        assert one[f"image.roi.none.{name}"] == pytest.approx(other[f"image.roi.none.{name}"], rel=1e-12)
    assert other["image.roi.none.glcm.contrast.3d_avg"] > one["image.roi.none.glcm.contrast.3d_avg"]
