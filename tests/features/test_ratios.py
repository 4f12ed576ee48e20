"""Ratios between regions: values, records, and where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from genoxel.core.errors import SettingsError
from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.features.extract import Features, extract
from genoxel.features.ratios import check_regions, with_ratios
from genoxel.features.settings import FeatureSettings
from genoxel.image.settings import ImageSettings, Normalise

AFFINE = np.diag([1.0, 1.0, 2.0, 1.0])


def row(unit: str = "", shift: float = 0.0, rules: ImageSettings | None = None, **settings: object) -> Features:
    """Return one row of two regions: 100 voxels of mean 10 in 500 voxels around of mean 40, 600 the whole."""
    rng = np.random.default_rng(2)
    array = rng.normal(40, 1, (12, 12, 12))
    labels = np.zeros(array.shape, np.uint8)
    labels[1:11, 1:11, 1:7] = 2
    labels[3:8, 3:8, 2:6] = 1
    array[labels == 1] -= 30
    wanted = FeatureSettings.model_validate({"families": ["morph", "stat"], **settings})
    image = Image(array + shift, AFFINE, modality="T1", unit=unit)
    found = None
    for name, parts in {"necrosis": [1], "tumour": [1, 2]}.items():
        mask = Mask(np.isin(labels, parts).astype(np.uint8), AFFINE, {1: name})
        one = extract(image, mask, rules or ImageSettings(), wanted, name)
        found = one if found is None else found.beside(one)
    assert found is not None
    return with_ratios(found, wanted)


def test_volumes_are_related_by_default():
    found = row(ratios=["necrosis/tumour"])
    assert found.values["T1.necrosis_to_tumour.none.morph.volume_voxels"] == pytest.approx(100 / 600)
    column = found.columns[-1]
    assert (column.unit, column.code, column.source.region) == ("", "", "necrosis_to_tumour")
    assert set(column.traits) == {"ratio", "non-ibsi"}
    assert column.definition.startswith("Ratio of necrosis to tumour of this feature: Volume of the voxels")
    assert len([one for one in found.columns if "ratio" in one.traits]) == 1


def test_chosen_features_are_related():
    found = row(ratios=["necrosis / tumour", "tumour/necrosis"], ratio_of=["morph.volume_*", "stat.mean"])
    ratios = {column.name for column in found.columns if "ratio" in column.traits}
    names = ("morph.volume_mesh", "morph.volume_voxels", "stat.mean")
    fitting = {name for name in ratios if name.split(".", 3)[-1] in names}
    assert len(fitting) == 6
    one = found.values["T1.necrosis_to_tumour.none.stat.mean"]
    assert one == pytest.approx(found.values["T1.necrosis.none.stat.mean"] / found.values["T1.tumour.none.stat.mean"])
    assert one * found.values["T1.tumour_to_necrosis.none.stat.mean"] == pytest.approx(1)


def test_without_a_true_zero_there_is_no_ratio():
    asked = ["stat.mean", "stat.variance", "stat.coefficient_of_variation", "hist.mean", "morph.volume_voxels"]
    hounsfield = row("HU", families=["morph", "stat", "hist"], ratios=["necrosis/tumour"], ratio_of=asked)
    for name in ("stat.mean", "stat.coefficient_of_variation", "hist.mean"):
        assert "zero is a convention" in hounsfield.reasons[f"T1.necrosis_to_tumour.none.{name}"]
    assert hounsfield.values["T1.necrosis_to_tumour.none.stat.variance"] > 0
    assert hounsfield.values["T1.necrosis_to_tumour.none.morph.volume_voxels"] == pytest.approx(100 / 600)
    scored = row(
        rules=ImageSettings(normalise=Normalise(within="image")), ratios=["tumour/necrosis"], ratio_of=["stat.maximum"]
    )
    assert "z-scores" in scored.reasons["T1.tumour_to_necrosis.none.stat.maximum"]


def test_values_of_two_signs_have_no_ratio():
    found = row(shift=-20.0, ratios=["necrosis/tumour"], ratio_of=["stat.mean"])
    assert np.isnan(found.values["T1.necrosis_to_tumour.none.stat.mean"])
    assert "above 0" in found.reasons["T1.necrosis_to_tumour.none.stat.mean"]


def test_a_region_that_is_not_there_leaves_a_reason():
    rules = FeatureSettings(families=["morph"], ratios=["necrosis/tumour"])
    mask = Mask(np.ones((6, 6, 6), np.uint8), AFFINE, {1: "tumour"})
    array = np.random.default_rng(0).normal(size=(6, 6, 6))
    found = with_ratios(extract(Image(array, AFFINE), mask, ImageSettings(), rules, "tumour"), rules)
    assert "no region necrosis" in found.reasons["image.necrosis_to_tumour.none.morph.volume_voxels"]


def test_regions_of_ratios_must_be_named():
    rules = FeatureSettings(ratios=["necrosis/tumor"])
    check_regions(rules, ["necrosis", "tumor"])
    with pytest.raises(SettingsError, match=r"'tumor'.*tumour"):
        check_regions(rules, ["necrosis", "tumour"])
    with pytest.raises(SettingsError, match="segment"):
        check_regions(rules, [])


@pytest.mark.parametrize("bad", ["necrosis", "a/a", "a/", "/b", "a/b/c"])
def test_what_is_no_ratio_is_refused(bad: str):
    with pytest.raises(ValueError, match="parted by /"):
        FeatureSettings(ratios=[bad])


def test_a_ratio_twice_is_refused():
    with pytest.raises(ValueError, match="each ratio once"):
        FeatureSettings(ratios=["a/b", "a / b"])
