"""Uptake in PET against hand calculations, and its absence where intensities are not SUV."""

from __future__ import annotations

import math

import numpy as np
import pytest

from genoxel.core.errors import SettingsError
from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.features.extract import Features, extract
from genoxel.features.settings import FeatureSettings
from genoxel.image.settings import ImageSettings

SPACING = (2.0, 3.0, 4.0)
AFFINE = np.diag([*SPACING, 1.0])
ML = 0.024
"""Volume of a voxel of 2 x 3 x 4 mm."""


def phantom() -> tuple[np.ndarray, np.ndarray]:
    """Return uptake 1 in a region of 12 x 10 x 8 voxels, 5 in a block of 60 of them, 8 in one; 20 beyond the region."""
    array = np.full((20, 18, 16), 0.5)
    inside = np.zeros(array.shape, np.uint8)
    inside[4:16, 4:14, 4:12] = 1
    array[inside > 0] = 1.0
    array[8:13, 7:11, 6:9] = 5.0
    array[10, 9, 7] = 8.0
    array[0:2, :, :] = 20.0
    return array, inside


def measured(unit: str = "SUV", modality: str = "PT", **settings: object) -> Features:
    array, inside = phantom()
    rules = FeatureSettings.model_validate({"families": ["pet", "mtv"], **settings})
    image = Image(array, AFFINE, modality=modality, unit=unit)
    return extract(image, Mask(inside, AFFINE, {1: "tumour"}), ImageSettings(), rules)


def test_uptake_is_what_one_calculates_by_hand():
    found = measured().values
    whole = 12 * 10 * 8
    total = (whole - 60) * 1.0 + 59 * 5.0 + 8.0
    assert found["PT.tumour.none.pet.suv_max"] == 8
    assert found["PT.tumour.none.pet.suv_mean"] == pytest.approx(total / whole)
    assert found["PT.tumour.none.pet.contour_volume"] == pytest.approx(whole * ML)
    assert found["PT.tumour.none.pet.contour_glycolysis"] == pytest.approx(total * ML)


def test_metabolic_volume_at_each_threshold():
    array, inside = phantom()
    array[5, 5, 5] = 2.5  # at the threshold counts; apart from the block counts
    rules = FeatureSettings(families=["mtv"], suv_thresholds=(2.5, 4, "41%", "50 % of max", "100%", "50% of peak", 9))
    image = Image(array, AFFINE, modality="PT", unit="SUV")
    found = extract(image, Mask(inside, AFFINE, {1: "tumour"}), ImageSettings(), rules)
    block = 59 * 5.0 + 8.0
    wanted = {
        "suv_2_5": (61, block + 2.5),
        "suv_4": (60, block),
        "max_41pct": (60, block),
        "max_50pct": (60, block),
        "max_100pct": (1, 8.0),
        "peak_50pct": (61, block + 2.5) if peak_by_hand() / 2 <= 2.5 else (60, block),
        "suv_9": (0, 0.0),
    }
    for name, (count, total) in wanted.items():
        assert found.values[f"PT.tumour.none.mtv.metabolic_tumour_volume.{name}"] == pytest.approx(count * ML)
        assert found.values[f"PT.tumour.none.mtv.total_lesion_glycolysis.{name}"] == pytest.approx(total * ML)
        mean = found.values[f"PT.tumour.none.mtv.mean_uptake.{name}"]
        assert mean == pytest.approx(total / count) if count else math.isnan(mean)
    assert "lower threshold" in found.reasons["PT.tumour.none.mtv.mean_uptake.suv_9"]


def peak_by_hand() -> float:
    """Return the highest mean of a sphere of 1 cm³ around any voxel of the region, voxel by voxel."""
    array, inside = phantom()
    radius = (3 / (4 * math.pi)) ** (1 / 3) * 10
    places = np.stack(np.indices(array.shape), axis=-1) * np.array(SPACING)
    means = []
    for centre in np.argwhere(inside):
        near = np.linalg.norm(places - centre * np.array(SPACING), axis=-1) <= radius
        means.append(array[near].mean())
    return float(max(means))


def test_the_peak_is_the_hottest_sphere_of_1_ml():
    array, inside = phantom()
    found = measured().values
    assert found["PT.tumour.none.pet.suv_peak"] == pytest.approx(peak_by_hand(), rel=1e-12)
    both = FeatureSettings(families=["local", "pet"])
    image = Image(array, AFFINE, modality="PT", unit="SUV")
    values = extract(image, Mask(inside, AFFINE), ImageSettings(), both).values
    assert values["PT.roi.none.pet.suv_peak"] == values["PT.roi.none.local.global_peak"]
    assert values["PT.roi.none.pet.suv_peak_at_max"] == values["PT.roi.none.local.local_peak"]


@pytest.mark.parametrize(("unit", "words"), [("BQML", "BQML"), ("", "no stated unit")])
def test_what_is_not_suv_is_not_defined(unit: str, words: str):
    found = measured(unit)
    assert len(found.values) == 6 + 4 * 3
    assert found.reasons.keys() == found.values.keys()
    assert all(words in reason for reason in found.reasons.values())


def test_the_unit_can_be_stated_and_must_not_contradict_the_file():
    array, inside = phantom()
    rules, stated = FeatureSettings(families=["pet"]), ImageSettings(unit="SUV")
    found = extract(Image(array, AFFINE, modality="PT"), Mask(inside, AFFINE), stated, rules)
    assert found.values["PT.roi.none.pet.suv_max"] == 8
    assert next(iter(found.columns)).unit == "SUV"
    with pytest.raises(SettingsError, match="override"):
        extract(Image(array, AFFINE, modality="CT", unit="HU"), Mask(inside, AFFINE), stated, rules)


def test_the_extended_set_has_pet_for_pet_alone():
    array, inside = phantom()
    rules = FeatureSettings(set="extended")
    mask = Mask(inside, AFFINE)
    pet = extract(Image(array, AFFINE, modality="PT", unit="SUV"), mask, ImageSettings(), rules)
    ct = extract(Image(array, AFFINE, modality="CT", unit="HU"), mask, ImageSettings(), rules)
    families = {column.source.family for column in pet.columns}
    assert {"pet", "mtv"} <= families
    assert {column.source.family for column in ct.columns} == families - {"pet", "mtv"}


def test_records_say_what_they_are():
    columns = {column.name: column for column in measured().columns}
    volume = columns["PT.tumour.none.mtv.metabolic_tumour_volume.suv_2_5"]
    assert (volume.unit, volume.code) == ("mL", "")
    assert {"size", "non-ibsi"} <= set(volume.traits)
    assert volume.source.aggregation == "suv_2_5"
    assert columns["PT.tumour.none.mtv.total_lesion_glycolysis.suv_4"].unit == "SUV mL"
    assert "1 cm³" in columns["PT.tumour.none.pet.suv_peak"].definition


@pytest.mark.parametrize("bad", ["x", "0", 0, -1, "120%", "41% of mean", "nan"])
def test_strange_thresholds_are_refused(bad: object):
    with pytest.raises(ValueError, match="threshold"):
        FeatureSettings.model_validate({"suv_thresholds": [bad]})


def test_a_threshold_twice_is_refused():
    with pytest.raises(ValueError, match="each threshold once"):
        FeatureSettings(suv_thresholds=("41%", "41 % of max"))
