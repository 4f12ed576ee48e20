"""An enhanced PET file says in other tags what SUV need: which are understood, and which are refused."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from genoxel.core.errors import FileFormatError
from genoxel.io.dicom_pet import name_as_classic, suv_scale

DOSE, WEIGHT, HALF_LIFE = 3.0e8, 70.0, 6586.2


def frame(unit: str = "Bq/ml", slope: float = 2.0, corrected: str = "20260102100000", decay: str = "YES") -> Dataset:
    """Return the header of one frame, injected at 9:00 and scanned at 10:00, as functional groups leave it."""
    one, mapping, code, drug = Dataset(), Dataset(), Dataset(), Dataset()
    code.CodeValue = unit
    mapping.RealWorldValueSlope, mapping.RealWorldValueIntercept = slope, 0.0
    mapping.MeasurementUnitsCodeSequence = [code]
    drug.RadiopharmaceuticalStartDateTime = "20260102090000"
    drug.RadionuclideTotalDose, drug.RadionuclideHalfLife = DOSE, HALF_LIFE
    one.Modality, one.RescaleSlope, one.RescaleIntercept = "PT", "2", "0"
    one.DecayCorrected, one.AttenuationCorrected, one.DecayCorrectionDateTime = decay, "YES", corrected
    one.AcquisitionDate, one.AcquisitionTime, one.PatientWeight = "20260102", "100500", WEIGHT
    one.SeriesDate, one.SeriesTime = "20260102", "100300"
    one.RealWorldValueMappingSequence, one.RadiopharmaceuticalInformationSequence = [mapping], [drug]
    name_as_classic(one)
    return one


@pytest.mark.parametrize(("corrected", "waited"), [("20260102100000", 3600.0), ("20260102090000", 0.0)])
def test_the_time_of_decay_correction_decides_by_hand(corrected: str, waited: float) -> None:
    scale = suv_scale([frame(corrected=corrected)], ["one"], "bw")
    assert scale.factors[0] == pytest.approx(WEIGHT * 1000 / (DOSE * 2 ** (-waited / HALF_LIFE)), rel=1e-9)


@pytest.mark.parametrize("other", [{"unit": "{SUVbw}g/ml"}, {"unit": "kBq/ml"}, {"slope": 3.0}, {"corrected": ""}])
def test_another_unit_another_mapping_or_no_time_is_refused(other: dict[str, object]) -> None:
    with pytest.raises(FileFormatError, match=r"Units|DecayCorrection"):
        suv_scale([frame(**other)], ["one"], "bw")  # type: ignore[arg-type]


def test_activity_that_was_not_corrected_needs_the_length_of_the_frame() -> None:
    with pytest.raises(FileFormatError, match="ActualFrameDuration"):
        suv_scale([frame(decay="NO")], ["one"], "bw")
