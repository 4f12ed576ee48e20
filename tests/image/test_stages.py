"""Stages on the whole image: normalisation, bias, noise, clipping, their order, and their replay from the record."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest
from scipy.ndimage import gaussian_filter
from scipy.stats import wasserstein_distance

from genoxel.core.errors import InputError, SettingsError
from genoxel.core.image import Image, Step
from genoxel.core.mask import Mask
from genoxel.image.bias import correct_bias
from genoxel.image.crop import crop
from genoxel.image.denoise import clip, denoise, noise_level
from genoxel.image.intensity import otsu, zscore
from genoxel.image.normalise import content_digest, learn_landmarks, nyul, reference_tissue, white_stripe
from genoxel.image.prepare import prepare
from genoxel.image.register import apply, register
from genoxel.image.replay import STEPS, replay, replay_mask
from genoxel.image.resample import resample, resample_mask
from genoxel.image.settings import Bias, Clip, Denoise, ImageSettings, Normalise, Register
from genoxel.image.stages import Aids, after_registration, whole_image
from genoxel.io import plainjson
from genoxel.simulate import Phantom, SimulationSpec, phantom


@cache
def head(index: int = 0) -> Phantom:
    return phantom(SimulationSpec(n=8, shape=(64, 64, 20), seed=7), index)


def body(image: Image) -> npt.NDArray[np.bool_]:
    return np.asarray(image.values() > otsu(image.values()))


def other_scanner(image: Image, seed: int = 0) -> Image:
    """The same tissue seen by a scanner of another scale, offset, contrast curve and noise."""
    values = image.values().astype(np.float64)
    shown = 900 * (values / values.max()) ** 0.8 + 40 + np.random.default_rng(seed).normal(0, 2, values.shape)
    return Image(shown, image.affine, image.modality)


# --- normalisation ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["zscore", "nyul", "whitestripe"])
def test_normalisation_takes_four_fifths_of_the_distance_between_two_scanners_away(method: str):
    one = head().images["T1"]
    two = other_scanner(one)
    references = [head(index).images["T1"] for index in (1, 2, 3)]
    ways: dict[str, Callable[[Image], Image]] = {
        "zscore": lambda image: zscore(image, "body"),
        "nyul": lambda image: nyul(image, learn_landmarks(references)),
        "whitestripe": lambda image: white_stripe(image, "last", "body"),
    }
    inside = body(one)
    before = _distance(one.values()[inside], two.values()[inside])
    after = _distance(ways[method](one).values()[inside], ways[method](two).values()[inside])
    assert after < 0.2 * before


def _distance(one: npt.NDArray[np.floating], two: npt.NDArray[np.floating]) -> float:
    """Wasserstein distance in units of the first distribution's deviation."""
    return float(wasserstein_distance(one, two) / one.std())


def test_nyul_moves_the_landmarks_of_an_image_onto_the_scale_and_interpolates_between_them():
    scale = learn_landmarks([head(1).images["T2"], head(2).images["T2"]])
    image = head().images["T2"]
    done = nyul(image, scale)
    inside = body(image)
    found = np.percentile(done.values()[inside], scale.percentiles)
    np.testing.assert_allclose(found, scale.values, atol=0.15)
    told = done.history[-1].params
    between = (image.values() > told["from"][0]) & (image.values() < told["from"][-1])
    theirs = np.interp(image.values()[between], told["from"], told["to"])
    np.testing.assert_allclose(done.values()[between], theirs, rtol=1e-9, atol=1e-9)
    assert np.array_equal(np.argsort(image.values()[inside]), np.argsort(done.values()[inside])) or np.all(
        np.diff(done.values()[inside][np.argsort(image.values()[inside], kind="stable")]) >= 0
    )


def test_landmarks_know_the_images_they_were_learned_on_and_no_other_changes_them():
    images = [head(index).images["T1"] for index in (1, 2)]
    scale = learn_landmarks(images)
    assert scale.sources == tuple(sorted(content_digest(image) for image in images))
    assert content_digest(head().images["T1"]) not in scale.sources
    assert learn_landmarks(images[::-1]).sources == scale.sources
    first = nyul(head().images["T1"], scale).values()
    nyul(head(3).images["T1"], scale)
    np.testing.assert_array_equal(nyul(head().images["T1"], scale).values(), first)
    with pytest.raises(InputError, match="no image"):
        learn_landmarks([])
    with pytest.raises(InputError, match="contrast"):
        learn_landmarks([Image(np.ones((4, 4, 4)), np.eye(4))], "image")


def test_the_white_stripe_lies_at_the_known_peak():
    random = np.random.default_rng(3)
    tissue = np.concatenate([random.normal(*one) for one in ((150, 12, 3000), (310, 20, 12000), (520, 15, 9000))])
    image = Image(random.permutation(tissue).reshape(20, 30, 40), np.eye(4), "MR")
    last, highest = (white_stripe(image, peak, "image").history[-1].params for peak in ("last", "highest"))
    assert last["at"] == pytest.approx(520, abs=8)
    assert last["mean"] == pytest.approx(520, abs=8)
    assert highest["at"] == pytest.approx(310, abs=8)


def test_a_reference_tissue_has_a_median_of_one_afterwards():
    one = head()
    done = reference_tissue(one.images["T1"], one.others["BrainStem"])
    assert np.median(done.values()[one.others["BrainStem"].inside()]) == pytest.approx(1, abs=1e-12)
    with pytest.raises(InputError, match="positive"):
        reference_tissue(Image(-np.ones((3, 3, 3)), np.eye(4)), Mask(np.ones((3, 3, 3), np.uint8), np.eye(4)))


# --- bias, noise, clipping ----------------------------------------------------------------------------------------


def test_n4_takes_four_fifths_of_a_planted_field_away():
    image = head().images["T1"]
    x, y, z = np.meshgrid(*[np.linspace(-1, 1, size) for size in image.shape], indexing="ij")
    field = np.exp(0.35 * x - 0.25 * y + 0.2 * x * y - 0.2 * z)
    shaded = Image(image.values() * field, image.affine, "MR")
    inside = body(image)
    plain, corrected = correct_bias(image), correct_bias(shaded)
    left = np.log(corrected.values()[inside] / np.maximum(plain.values()[inside], 1e-9))
    assert left.std() < 0.2 * np.log(field)[inside].std()
    assert corrected.history[-1].params["field_sd"] > 0.15
    assert corrected.values()[inside].mean() == pytest.approx(shaded.values()[inside].mean(), rel=0.1)


def test_what_has_a_unit_has_no_bias_field():
    with pytest.raises(InputError, match="HU"):
        correct_bias(Image(np.random.default_rng(0).normal(size=(9, 9, 9)), np.eye(4), "CT", "HU"))
    scan = Image(np.random.default_rng(0).normal(size=(9, 9, 9)), np.eye(4), "CT", "HU")
    assert whole_image(scan, ImageSettings(bias=Bias())).history == ()


@pytest.mark.parametrize("method", ["median", "gaussian", "curvature", "nlm"])
def test_denoising_brings_an_image_nearer_to_the_truth(method: str):
    truth = gaussian_filter(np.pad(np.full((24, 24, 10), 200.0), ((10, 10), (10, 10), (3, 3))), 1)
    noisy = Image(truth + np.random.default_rng(1).normal(0, 15, truth.shape), np.eye(4), "MR")
    done = denoise(noisy, Denoise(method=method, sigma_mm=0.7))  # type: ignore[arg-type]
    error = [float(np.sqrt(np.mean((image.values() - truth) ** 2))) for image in (noisy, done)]
    assert error[1] < 0.75 * error[0]
    assert done.history[-1].params["method"] == method


@pytest.mark.parametrize("sigma", [3.0, 10.0, 30.0])
def test_the_noise_level_is_that_of_the_noise(sigma: float):
    smooth = 300 * gaussian_filter(np.random.default_rng(0).normal(size=(60, 60, 20)), 6)
    noisy = smooth + np.random.default_rng(1).normal(0, sigma, smooth.shape)
    assert noise_level(noisy) == pytest.approx(sigma, rel=0.05)


def test_clipping_holds_its_bounds():
    image = head().images["T2"]
    done = clip(image, Clip(percentiles=(1, 99)))
    low, high = np.percentile(image.values(), [1, 99])
    assert (done.values().min(), done.values().max()) == (low, high)
    np.testing.assert_array_equal(done.values(), np.clip(image.values(), low, high))


# --- settings -----------------------------------------------------------------------------------------------------


def test_short_forms_stand_for_their_tables():
    short = ImageSettings.model_validate({"bias": "n4", "denoise": "median", "clip": [0, 9], "register": "T1"})
    assert short.bias == Bias()
    assert short.denoise == Denoise()
    assert short.clip == Clip(range=(0, 9))
    assert short.registration == Register(to="T1")
    with_override = ImageSettings.model_validate({"register": "T1", "override": {"T2": {"bias": "n4"}}})
    assert with_override.for_modality("T2").bias == Bias()
    assert with_override.for_modality("T2").registration == Register(to="T1")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"clip": [9, 0]}, "swap"),
        ({"clip": {"percentiles": [-1, 99]}}, "swap"),
        ({"clip": {"range": [0, 1], "percentiles": [1, 2]}}, "either range or percentiles"),
        ({"denoise": {"method": "median", "size": 4}}, "odd"),
        ({"normalise": {"method": "reference"}}, "tissue"),
        ({"normalise": {"method": "zscore", "reference": "folder"}}, "nyul"),
        ({"normalise": {"method": "nyul", "within": "roi"}}, "brain"),
        ({"brain": "template"}, "within"),
        ({"override": {"T1": {"register": "T2"}}}, "one register for all"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused_with_the_remedy(content: dict[str, object], words: str):
    with pytest.raises((SettingsError, ValueError), match=words):
        ImageSettings.model_validate(content)


def test_the_stages_come_in_one_order_whatever_the_settings_say_first():
    rules = ImageSettings(
        normalise=Normalise(), clip=Clip(percentiles=(0, 99)), bias=Bias(iterations=2, levels=1), denoise=Denoise()
    )
    image = head().images["FLAIR"]
    done = whole_image(image, rules)
    assert [step.name for step in done.history] == ["denoise", "n4", "clip", "zscore"]
    assert whole_image(done, rules) is done
    prepared = prepare(image, head().tumour, rules)
    assert [step.name for step in prepared.steps] == ["denoise", "n4", "clip", "zscore", "crop", "discretise"]
    again = prepare(done, head().tumour, rules)
    np.testing.assert_array_equal(again.image, prepared.image)


def test_what_needs_more_than_the_image_says_so():
    with pytest.raises(SettingsError, match="landmarks"):
        whole_image(head().images["T1"], ImageSettings(normalise=Normalise(method="nyul")))
    with pytest.raises(SettingsError, match="register"):
        whole_image(head().images["T1"], ImageSettings(registration=Register(to="T2")))


@pytest.mark.parametrize(("modality", "unit"), [("CT", "HU"), ("PT", "SUV"), ("MR", "mm2/s")])
def test_what_has_a_unit_keeps_it_unless_it_is_named(modality: str, unit: str):
    """In a study MR is normalised beside it; an image alone is refused with the way to ask for it."""
    scan = Image(np.random.default_rng(0).normal(0, 300, (12, 12, 12)), np.eye(4), modality, unit)
    rules = ImageSettings(normalise=Normalise(within="image"))
    assert after_registration(scan, rules) is scan
    with pytest.raises(SettingsError, match=rf"normalise for a {modality} in {unit}.*override"):
        whole_image(scan, rules)
    named = ImageSettings(override={modality: {"normalise": {"within": "image"}}}).for_modality(modality)
    done = whole_image(scan, named)
    assert (done.unit, round(float(done.values().std()), 6)) == ("", 1.0)


def test_suv_is_divided_by_a_reference_tissue_and_hu_is_not():
    rules = ImageSettings(normalise=Normalise(method="reference", tissue="Cerebellum"))
    tissue = Mask(np.ones((4, 4, 4), np.uint8), np.eye(4), {1: "Cerebellum"})
    for unit, wanted in (("SUV", 1.0), ("", 1.0), ("HU", 3.0)):
        scan = Image(np.full((4, 4, 4), 3.0), np.eye(4), "X", unit)
        assert float(after_registration(scan, rules, Aids(tissue=tissue)).values().max()) == wanted


def test_ct_is_left_alone_by_default():
    scan = Image(np.random.default_rng(0).normal(0, 300, (12, 12, 12)), np.eye(4), "CT", "HU")
    done = whole_image(scan, ImageSettings())
    np.testing.assert_array_equal(done.values(), scan.values())
    assert done.history == ()


# --- replay -------------------------------------------------------------------------------------------------------


@cache
def chain() -> tuple[Image, Image, Mask, Mask]:
    """A raw image with the history of its reader, taken through every stage, and its mask."""
    one = head()
    raw = Image(one.images["FLAIR"].values(), one.images["FLAIR"].affine, "MR", history=(Step("read", {"kind": "x"}),))
    done = correct_bias(
        denoise(raw, Denoise(method="curvature", iterations=2)), Bias(iterations=10, levels=2, shrink_mm=12)
    )
    laid = register(one.images["T1"], done, Register(to="T1", refuse_mm=10))
    done = clip(apply(laid, done, one.images["T1"].grid), Clip(percentiles=(0.5, 99.5)))
    done = zscore(done, "roi", one.tumour)
    done, mask = crop(done, one.tumour, 8)
    return raw, resample(done, (2.0, 2.0, 2.0)), one.tumour, resample_mask(mask, (2.0, 2.0, 2.0))


def test_a_history_replays_bit_for_bit_from_the_record_alone():
    raw, done, _, _ = chain()
    names = [step.name for step in done.history]
    assert names == ["read", "denoise", "n4", "register", "clip", "zscore", "crop", "resample"]
    text = plainjson.dumps([(step.name, dict(step.params)) for step in done.history])
    history = tuple(Step(name, params) for name, params in plainjson.loads(text))
    again = replay(history, raw)
    assert again.values().tobytes() == done.values().tobytes()
    np.testing.assert_array_equal(again.affine, done.affine)
    assert again.history == done.history


def test_the_mask_replays_too():
    _, _, raw, done = chain()
    again = replay_mask(done.history, raw)
    np.testing.assert_array_equal(again.array, done.array)
    np.testing.assert_array_equal(again.affine, done.affine)


@pytest.mark.parametrize("name", ["nyul", "whitestripe", "reference tissue", "nlm", "median", "gaussian"])
def test_every_other_step_replays_bit_for_bit(name: str):
    one = head()
    raw = one.images["T1"]
    done = {
        "nyul": lambda: nyul(raw, learn_landmarks([head(1).images["T1"]])),
        "whitestripe": lambda: white_stripe(raw, "last", "body"),
        "reference tissue": lambda: reference_tissue(raw, one.others["BrainStem"]),
        "nlm": lambda: denoise(raw, Denoise(method="nlm")),
        "median": lambda: denoise(raw, Denoise()),
        "gaussian": lambda: denoise(raw, Denoise(method="gaussian")),
    }[name]()
    assert replay(done.history, raw).values().tobytes() == done.values().tobytes()
    assert done.history[-1].name in STEPS


def test_the_record_of_another_image_is_refused():
    raw, done, _, _ = chain()
    with pytest.raises(InputError, match="begin with read"):
        replay(done.history[1:], raw)
    with pytest.raises(InputError, match="'sharpen'"):
        replay((*raw.history, Step("sharpen", {})), raw)
    wrong = Image(raw.values()[:30], raw.affine, "MR", history=raw.history)
    moved = (*raw.history, Step("crop", {"start": [0, 0, 0], "shape": [2, 2, 2], "whole_shape": list(raw.shape)}))
    with pytest.raises(InputError, match="a crop of"):
        replay(moved, wrong)
