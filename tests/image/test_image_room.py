"""Resampling, cropping, intensities and grey levels against independent tools and hand calculation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import SimpleITK
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates
from skimage.filters import threshold_otsu

from genoxel.core.errors import GeometryError, InputError, MaskError, SettingsError
from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.image.crop import crop, whole
from genoxel.image.discretise import discretise, fixed_bin_number, fixed_bin_size, levels_of, whole_levels
from genoxel.image.intensity import otsu, resegment, zscore
from genoxel.image.prepare import prepare
from genoxel.image.resample import centred_axis, resample, resample_mask
from genoxel.image.settings import Discretise, ImageSettings, Normalise

AFFINE = np.array([[0.8, 0, 0, -10], [0, 1.2, 0, 5], [0, 0, 2.5, 30], [0, 0, 0, 1]])


def noise(shape: tuple[int, int, int] = (20, 18, 12), seed: int = 0) -> npt.NDArray[np.float64]:
    return np.random.default_rng(seed).normal(100, 20, size=shape)


def ball(shape: tuple[int, int, int] = (20, 18, 12), radius: float = 3.2) -> npt.NDArray[np.uint8]:
    places = np.stack(np.indices(shape), axis=-1) - (np.array(shape) - 1) / 2
    return (np.linalg.norm(places, axis=-1) < radius).astype(np.uint8)


# --- resample -----------------------------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 300), st.floats(0.2, 5), st.floats(0.2, 5))
def test_old_and_new_axis_share_their_centre(size: int, old: float, new: float):
    count, first = centred_axis(size, old, new)
    last = first + (count - 1) * new / old
    assert (first + last) / 2 == pytest.approx((size - 1) / 2, abs=1e-6 * size)
    assert count * new >= size * old * (1 - 1e-5) - 1e-5 * new
    assert (count - 1) * new < size * old


@pytest.mark.parametrize(
    ("name", "kind"), [("nearest", SimpleITK.sitkNearestNeighbor), ("linear", SimpleITK.sitkLinear)]
)
def test_resampling_equals_simpleitk(name: str, kind: int):
    array = noise()
    new = resample(Image(array, AFFINE), (1.1, 1.0, 1.7), name)  # type: ignore[arg-type]
    source = SimpleITK.GetImageFromArray(array.transpose(2, 1, 0))
    source.SetSpacing((0.8, 1.2, 2.5))
    source.SetOrigin((-10, 5, 30))
    reference = SimpleITK.Image(list(new.shape), SimpleITK.sitkFloat64)
    reference.SetSpacing(new.spacing)
    reference.SetOrigin(tuple(new.affine[:3, 3]))
    theirs = SimpleITK.GetArrayFromImage(SimpleITK.Resample(source, reference, SimpleITK.Transform(), kind)).transpose(
        2, 1, 0
    )
    inner = (slice(1, -1),) * 3
    np.testing.assert_allclose(new.values()[inner], theirs[inner], rtol=1e-9)


def test_cubic_equals_scipy_inside():
    array = noise()
    new = resample(Image(array, AFFINE), (1.1, 1.0, 1.7), "cubic")
    places = new.grid.to_patient(np.argwhere(np.ones(new.shape)))
    index = Image(array, AFFINE).grid.to_voxel(places).T
    theirs = map_coordinates(array, index, order=3, mode="mirror").reshape(new.shape)
    inner = (slice(1, -1),) * 3
    np.testing.assert_allclose(new.values()[inner], theirs[inner], rtol=1e-9)


@pytest.mark.parametrize("name", ["nearest", "linear", "cubic"])
def test_resampling_a_crop_gives_the_voxels_of_the_whole(name: str):
    shape = (90, 84, 70)
    array, inside = noise(shape), ball(shape, 5)
    image, mask = Image(array, AFFINE), Mask(inside, AFFINE)
    spacing = (1.0, 1.0, 1.0)
    wide = resample(image, spacing, name)  # type: ignore[arg-type]
    wide_mask = resample_mask(mask, spacing)
    small = resample(crop(image, mask, 4, 24)[0], spacing, name)  # type: ignore[arg-type]
    small_mask = resample_mask(crop(image, mask, 4, 24)[1], spacing)
    start = np.rint(wide.grid.to_voxel(small.affine[:3, 3])[0]).astype(int)
    assert np.abs(wide.grid.to_voxel(small.affine[:3, 3])[0] - start).max() < 1e-9
    same = tuple(slice(a, a + n) for a, n in zip(start, small.shape, strict=True))
    hit = small_mask.inside()
    np.testing.assert_array_equal(wide_mask.inside()[same], hit)
    np.testing.assert_allclose(small.values()[hit], wide.values()[same][hit], rtol=1e-11)
    assert whole(small.history, small.grid) == (wide.shape, tuple(int(part) for part in start))


def test_a_crop_of_a_crop_remembers_the_first_volume():
    image, mask = Image(noise(), AFFINE), Mask(ball(), AFFINE)
    once = crop(image, mask, 5)
    twice, _ = crop(*once, 1)
    shape, start = whole(twice.history, twice.grid)
    assert shape == image.shape
    np.testing.assert_array_equal(
        image.values()[tuple(slice(a, a + n) for a, n in zip(start, twice.shape, strict=True))], twice.values()
    )


def test_the_slice_alone_can_be_resampled_and_results_rounded():
    image = Image(noise(), AFFINE)
    kept = ImageSettings(resample_mm=(1.0, 1.0)).spacing(image.spacing)
    assert kept == (1.0, 1.0, 2.5)
    new = resample(image, (1.0, 1.0, 2.5), whole_numbers=True)
    assert new.shape[2] == 12
    assert np.array_equal(new.values(), np.rint(new.values()))
    assert new.history[-1].params["round"] is True


def test_a_mask_voxel_is_inside_from_half_its_volume_on():
    array = np.zeros((4, 1, 1), np.uint8)
    array[1:3] = 1
    mask = Mask(array, np.eye(4))
    # new centres at 0.25, 0.75 ... of the old voxels: shares 0.25 and 0.75 at the rim
    assert resample_mask(mask, (0.5, 1, 1)).inside().ravel().tolist() == [
        False,
        False,
        True,
        True,
        True,
        True,
        False,
        False,
    ]
    assert resample_mask(mask, (0.5, 1, 1), threshold=0.2).count() == 6
    labels = Mask(np.array([1, 1, 2, 2], np.uint8).reshape(4, 1, 1), np.eye(4), {1: "a", 2: "b"})
    assert np.asarray(resample_mask(labels, (0.5, 1, 1)).array).ravel().tolist() == [1, 1, 1, 1, 2, 2, 2, 2]


def test_a_grid_beyond_memory_is_refused_at_once():
    with pytest.raises(GeometryError, match="resampled grid"):
        resample(Image(np.zeros((2, 2, 2)), np.diag([50, 50, 50, 1])), (0.01, 0.01, 0.01))
    image, mask = crop(
        Image(np.zeros((90, 9, 9)), np.eye(4)),
        Mask(np.pad(np.ones((1, 1, 1), np.uint8), ((40, 49), (4, 4), (4, 4))), np.eye(4)),
        0,
        0,
    )
    assert image.shape == (1, 1, 1)
    with pytest.raises(GeometryError, match="too thin"):
        resample(image, (13, 1, 1))
    assert mask.count() == 1


# --- intensities --------------------------------------------------------------------------------------------------


def test_zscores_by_every_rule():
    array = noise()
    inside = ball()
    image, mask = Image(array, AFFINE, unit="x"), Mask(inside, AFFINE)
    over_all = zscore(image, "image").values()
    assert (over_all.mean(), over_all.std()) == (pytest.approx(0, abs=1e-12), pytest.approx(1))
    roi = zscore(image, "roi", mask)
    assert roi.values()[inside == 1].std() == pytest.approx(1)
    assert roi.unit == ""
    stripped = np.where(inside, array, 0)
    brain = zscore(Image(stripped, AFFINE), "brain")
    assert brain.values()[inside == 1].mean() == pytest.approx(0, abs=1e-12)
    assert "skull" in brain.history[-1].params["rule"]
    ct = Image(np.where(inside, array, -1000.0), AFFINE, "CT", "HU")
    assert zscore(ct, "body").history[-1].params["voxels"] == inside.sum()
    two = np.where(inside, 500 + array, array)
    assert zscore(Image(two, AFFINE), "brain").history[-1].params["voxels"] == inside.sum()


def test_otsu_equals_scikit_image():
    array = np.where(ball(), 300, 0) + noise()
    assert otsu(array) == pytest.approx(threshold_otsu(array), abs=1.0)
    assert (array > otsu(array)).sum() == (array > threshold_otsu(array)).sum()


def test_zscores_of_what_has_none_are_refused():
    with pytest.raises(InputError, match="constant"):
        zscore(Image(np.ones((3, 3, 3)), np.eye(4)), "body")
    with pytest.raises(MaskError, match="mask"):
        zscore(Image(noise(), AFFINE), "roi")
    broken = noise()
    broken[0, 0, 0] = np.nan
    for within in ("image", "body"):
        with pytest.raises(InputError, match="1 voxels that are not finite"):
            zscore(Image(broken, AFFINE), within)  # type: ignore[arg-type]


def test_resegmentation_takes_range_first_then_outliers():
    values = np.array([0, 1, 2, 3, 4, 100, 1000.0]).reshape(7, 1, 1)
    image, mask = Image(values, np.eye(4)), Mask(np.ones((7, 1, 1), np.uint8), np.eye(4))
    assert resegment(image, mask, (1, 100)).inside().ravel().tolist() == [False, *[True] * 5, False]
    both = resegment(image, mask, (0, 100), 1.5)
    assert both.inside().ravel().tolist() == [*[True] * 5, False, False]
    assert both.history[-1].params["after"] == 5
    with pytest.raises(MaskError, match="outside the range"):
        resegment(image, mask, (5000, 6000))


# --- levels -------------------------------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-500, 500), min_size=2, max_size=60), st.integers(2, 64))
def test_a_fixed_bin_number_fills_its_ends(values: list[int], bins: int):
    if len(set(values)) < 2:
        with pytest.raises(InputError, match="constant"):
            fixed_bin_number(values, bins)
        return
    levels = fixed_bin_number(values, bins)
    assert (levels.min(), levels.max()) == (1, bins)
    shifted = fixed_bin_number(np.array(values) * 4.0 + 7, bins)
    np.testing.assert_array_equal(levels, shifted)


def test_levels_of_small_types_do_not_overflow():
    values = np.array([0, 100, 200, 255], np.uint8)
    np.testing.assert_array_equal(fixed_bin_number(values, 128), fixed_bin_number(values.astype(float), 128))
    np.testing.assert_array_equal(fixed_bin_size(values, 2, -300), np.floor((values.astype(int) + 300) / 2) + 1)


def test_levels_that_cannot_be_are_refused():
    with pytest.raises(InputError, match="below the anchor"):
        fixed_bin_size([0, 1], 1, 0.5)
    with pytest.raises(InputError, match="1024 at most"):
        fixed_bin_size([0, 1025], 1, 0)
    assert fixed_bin_size([0, 1023.5], 1, 0).max() == 1024
    with pytest.raises(InputError, match="finite"):
        fixed_bin_number([0, np.nan], 8)
    with pytest.raises(InputError, match="no intensities"):
        fixed_bin_number([], 8)
    with pytest.raises(InputError, match="whole numbers"):
        whole_levels([0.5, 1])
    with pytest.raises(SettingsError, match="anchor"):
        levels_of([1, 2], Discretise(bin_size=2))
    assert levels_of([1, 2], Discretise(bin_size=2), (0, 10)).tolist() == [1, 2]
    assert levels_of([1, 3], "none").tolist() == [1, 3]


def test_a_discretised_image_holds_levels_inside_only():
    image, mask = Image(noise(), AFFINE), Mask(ball(), AFFINE)
    levels = discretise(image, mask, Discretise(bins=8))
    assert set(np.unique(levels.values()[ball() == 1])) <= set(range(1, 9))
    assert not levels.values()[ball() == 0].any()
    assert levels.history[-1].params["levels"] == 8


# --- settings and the whole chain ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"resample_mm": (1.0,)},
        {"resample_mm": (1.0, -1.0, 1.0)},
        {"resample_mm": (0.001, 1.0, 1.0)},
        {"range": (5, 5)},
        {"discretise": {}},
        {"discretise": {"bins": 8, "anchor": 0}},
        {"discretise": {"bins": 2000}},
        {"interpolat": "linear"},
        {"override": {"PET": {"rnge": [0, 1]}}},
    ],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, object]):
    with pytest.raises(ValueError, match=r".+"):
        ImageSettings.model_validate(wrong)


def test_settings_speak_of_one_modality_and_unit():
    rules = ImageSettings(range_hu=(-1000, 400), override={"PET": {"range": [0, 50]}})
    assert rules.bounds("HU") == (-1000, 400)
    assert rules.bounds("") is None
    assert rules.for_modality("PET").bounds("SUV") == (0, 50)
    assert rules.for_modality("MR").override == {}
    assert Discretise(bins=8).describe() == "fixed bin number 8"
    assert "lower bound" in Discretise(bin_size=2).describe()


def test_a_zscore_in_the_history_is_not_repeated():
    image, mask = Image(noise(), AFFINE), Mask(ball(), AFFINE)
    rules = ImageSettings(normalise=Normalise(within="image"))
    at_once = prepare(image, mask, rules)
    before = prepare(*crop(zscore(image, "image"), mask, 8), rules)
    np.testing.assert_allclose(at_once.values, before.values, rtol=1e-12)
    assert [step.name for step in before.steps] == ["zscore", "crop", "crop", "discretise"]


def test_prepared_steps_tell_everything():
    rules = ImageSettings(resample_mm=(1, 1, 1), range=(50, 150), discretise=Discretise(bin_size=5))
    done = prepare(Image(noise(), AFFINE, unit="HU"), Mask(ball(), AFFINE), rules)
    assert [step.name for step in done.steps] == ["crop", "resample", "resegment", "discretise"]
    assert done.values.min() >= 50
    assert np.array_equal(done.values, np.rint(done.values))
    assert done.levels is not None
    assert done.levels.max() <= 21


def test_a_cubic_neighbourhood_must_be_finite():
    array = noise()
    array[9, 9, 1] = np.inf
    with pytest.raises(InputError, match="finite"):
        prepare(Image(array, AFFINE), Mask(ball(), AFFINE), ImageSettings(resample_mm=(1, 1, 1), interpolate="cubic"))


def test_a_region_that_vanishes_is_refused():
    inside = np.zeros((20, 18, 12), np.uint8)
    inside[3, 3, 3] = 1
    with pytest.raises(MaskError, match="vanishes"):
        prepare(Image(noise(), AFFINE), Mask(inside, AFFINE), ImageSettings(resample_mm=(5, 5, 5)), least=1)
