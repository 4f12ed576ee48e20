"""SUV against hand calculation, and what each kind of standardisation is multiplied by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dicom_corpus import DOSE, HALF, activity, each, pet
from dicom_making import save
from genoxel.core.errors import FileFormatError
from genoxel.io.dicom import read_series, read_volumes
from genoxel.io.settings import ReadingSettings

# A man of 70 kg and 1.75 m, a woman of 60 kg and 1.60 m, worked out on paper from the published formulas:
# James 1.10 * 70 - 128 * (70/175)^2 = 77 - 20.48; 1.07 * 60 - 148 * (60/160)^2 = 64.2 - 20.8125
# (43.3875 kg is also the worked example of published calculators of James' formula)
# Janmahasatian 9270 * 70 / (6680 + 216 * 160/7) = 648900 * 7 / 81320
#               9270 * 60 / (8780 + 244 * 23.4375) = 556200 / 14498.75
# DuBois 0.007184 * 70^0.425 * 175^0.725 = 1.8481 m2; of 60 kg and 160 cm 1.6221 m2
MASSES = {
    ("M", "bw"): 70_000.0,
    ("M", "lbm_james"): 56_520.0,
    ("M", "lbm"): 648_900_000 * 7 / 81_320,
    ("M", "bsa"): 18_481.0,
    ("F", "bw"): 60_000.0,
    ("F", "lbm_james"): 43_387.5,
    ("F", "lbm"): 556_200_000 / 14_498.75,
    ("F", "bsa"): 16_221.0,
}


@pytest.mark.parametrize(("sex", "kind"), MASSES)
def test_every_kind_of_suv_equals_the_calculation_by_hand(tmp_path: Path, sex: str, kind: str) -> None:
    weight, height = (70, 1.75) if sex == "M" else (60, 1.60)
    series = pet(each(PatientSex=sex, PatientWeight=weight, PatientSize=height))
    image = read_series(save(series, tmp_path), reading=ReadingSettings(suv=kind))
    left = DOSE * 0.5 ** (3600 / HALF)
    rel = 1e-4 if kind == "bsa" else 1e-6
    np.testing.assert_allclose(image.array, activity() * MASSES[sex, kind] / left, rtol=rel)
    assert image.unit == {"bw": "SUV", "bsa": "SUVbsa"}.get(kind, "SUVlbm")
    step = next(one for one in image.history if one.name == "suv")
    assert step.params["kind"] == kind
    assert step.params["decay_s"] == 3600.0


def test_an_example_in_round_numbers(tmp_path: Path) -> None:
    """74 kg, 400 MBq, scanned after exactly two half-lives: 100 MBq left, so 5 kBq/ml are 5000 * 74000 / 1e8 = 3.7."""
    series = pet(each(PatientWeight=74, SeriesTime="123932.4", AcquisitionTime="124000.0", RescaleSlope=5))
    for dataset in series:
        item = dataset.RadiopharmaceuticalInformationSequence[0]
        item.RadionuclideTotalDose, item.RadiopharmaceuticalStartTime = 4e8, "090000"
        dataset.PixelData = np.full((12, 14), 1000, "<i2").tobytes()
    image = read_series(save(series, tmp_path))
    np.testing.assert_allclose(image.array, 3.7, rtol=1e-9)


def test_dates_count_across_days_and_for_long_half_lives(tmp_path: Path) -> None:
    series = pet()
    for dataset in series:
        item = dataset.RadiopharmaceuticalInformationSequence[0]
        item.RadiopharmaceuticalStartDateTime = "20191230100000"
        item.RadiopharmaceuticalStartTime, item.RadionuclideHalfLife = "100000", 282240.0
        item.RadionuclideCodeSequence[0].CodeMeaning = "^89^Zirconium"
    image = read_series(save(series, tmp_path))
    left = DOSE * 0.5 ** (3 * 86400 / 282240.0)
    np.testing.assert_allclose(image.array, activity() * 70_000 / left, rtol=1e-9)


def test_a_shifted_day_is_flagged_and_two_injection_times_are_refused(tmp_path: Path) -> None:
    series = pet()
    for dataset in series:
        dataset.RadiopharmaceuticalInformationSequence[0].RadiopharmaceuticalStartDateTime = "20150307090000"
    image = read_series(save(series, tmp_path / "day"))
    np.testing.assert_allclose(image.array, activity() * 70_000 / (DOSE * 0.5 ** (3600 / HALF)), rtol=1e-9)
    assert any("(0018,1078)" in str(step.params) for step in image.history if step.name == "notice")
    for dataset in series:
        dataset.RadiopharmaceuticalInformationSequence[0].RadiopharmaceuticalStartDateTime = "20200102083000"
    with pytest.raises(FileFormatError, match="two injection times"):
        read_series(save(series, tmp_path / "clock"))


def test_a_dynamic_pet_is_one_suv_volume_per_time(tmp_path: Path) -> None:
    series = []
    for v in range(3):
        for k, dataset in enumerate(pet(each(FrameReferenceTime=30_000 * (v + 1)))):
            dataset.SOPInstanceUID = f"2.25.{1000 + 100 * v + k}"
            dataset.InstanceNumber = 8 * v + k + 1
            series.append(dataset)
    images = read_volumes(save(series, tmp_path))
    assert [image.history[1].params["value"] for image in images] == [[30000.0], [60000.0], [90000.0]]
    np.testing.assert_allclose(images[0].array, images[2].array)
