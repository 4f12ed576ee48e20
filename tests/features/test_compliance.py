"""Published values of IBSI 1: the digital phantom always, the CT phantom where its files are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from genoxel.app import cli
from genoxel.core.errors import SettingsError
from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.features import compliance as c
from genoxel.features.catalog import FAMILIES, catalog, family

DataDoor = Callable[[str], Path]


def missed(checks: list[c.Check]) -> list[tuple[object, ...]]:
    return [(k.config, k.family, k.feature, k.aggregation, k.expected, k.got) for k in checks if not k.ok]


def test_every_published_value_of_the_digital_phantom_is_met():
    checks = c.compliance()
    assert missed(checks) == []
    assert len(checks) == 482
    assert {check.family for check in checks} == set(FAMILIES)


def test_every_consensus_feature_of_the_catalogue_has_a_published_value():
    published = {row.code for row in c.digital_phantom_values()}
    ours = [record.code for record in catalog() if record.ibsi]
    assert len(set(ours)) == len(ours)
    assert set(ours) == published
    assert len(ours) == 169


def test_agreement_is_to_the_printed_digits_or_the_tolerance():
    assert c.agrees(2.149, 2.15, 0)
    assert not c.agrees(2.144, 2.15, 0)
    assert c.agrees(560.0, 556.0, 4.0)
    assert not c.agrees(560.1, 556.0, 4.0)
    assert not c.agrees(float("nan"), 0.0, 1.0)


def test_a_feature_that_was_not_measured_is_a_miss():
    image, mask = c.digital_phantom()
    from genoxel.features.extract import extract
    from genoxel.features.settings import FeatureSettings

    found = extract(image, mask, feature_settings=FeatureSettings(families=["stat"]))
    checks = c.compare(found, [c.Expected("TU9B", "3d_avg", 2.4, 0)], "digital_phantom")
    assert not checks[0].ok
    assert checks[0].family == ""


def test_the_typed_phantom_is_the_published_one(real_data: DataDoor):
    folder = real_data("ibsi/ibsi1_digital_phantom")
    image, mask = c.digital_phantom()
    inside = np.asarray(nib.load(folder / "mask.nii.gz").dataobj)
    np.testing.assert_array_equal(np.asarray(nib.load(folder / "image.nii.gz").dataobj), image.values())
    np.testing.assert_array_equal(inside, mask.array)


def test_the_typed_values_are_the_published_ones(real_data: DataDoor):
    table = c.read_expected((real_data("ibsi") / "ibsi1_reference_values.csv").read_text())
    assert table["digital_phantom"] == c.digital_phantom_values()


def ct_phantom(folder: Path) -> tuple[Image, Mask]:
    image, mask = (nib.load(folder / f"{name}.nii.gz") for name in ("image", "mask"))
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ image.affine
    ct = Image(np.asarray(image.dataobj), affine, modality="CT", unit="HU")
    return ct, Mask(np.asarray(mask.dataobj), affine, {1: "GTV"})


@pytest.mark.parametrize("config", list("ABCDE"))
def test_every_published_value_of_the_ct_phantom_is_met(config: str, real_data: DataDoor):
    folder = real_data("ibsi")
    expected = c.read_expected((folder / "ibsi1_reference_values.csv").read_text())
    image, mask = ct_phantom(folder / "ct_radiomics_phantom/nifti")
    checks = c.ct_compliance(image, mask, expected, [config])
    assert missed(checks) == []
    assert len(checks) == (346 if config in "AB" else 210)


def test_the_ct_phantom_must_be_in_hu():
    image, mask = c.digital_phantom()
    with pytest.raises(SettingsError, match="HU"):
        c.ct_compliance(image, mask, {}, ["A"])


def test_no_feature_can_go_wrong_unnoticed(monkeypatch: pytest.MonkeyPatch):
    """Break every feature by a tenth, one family at a time: each of its published values must then be missed."""
    count = 0
    for name in FAMILIES:
        records = family(name).records
        with monkeypatch.context() as spoiled:
            for key, record in records.items():
                wrong = replace(record, measure=lambda m, right=record.measure: right(m) * 1.1 + 0.1)
                spoiled.setitem(records, key, wrong)
            checks = c.compliance()
            assert {check.family for check in checks if not check.ok} == {name}
            assert not [check for check in checks if check.family == name and check.ok]
            count += sum(not check.ok for check in checks)
            with pytest.raises(SystemExit) as ended:
                cli.ibsi(quiet=True)
            assert ended.value.code == 1
    assert count == 482
    assert all(check.ok for check in c.compliance())
