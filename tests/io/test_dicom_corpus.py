"""The corpus of faulty series against the verdicts that were written down first (dicom_verdicts.csv)."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest

from dicom_corpus import CASES
from dicom_making import NAME
from genoxel.core.errors import GenoxelError, describe
from genoxel.core.image import Image
from genoxel.io.dicom import read_series

TABLE = Path(__file__).with_name("dicom_verdicts.csv")
VERDICTS = {row["case"]: (row["verdict"], row["says"]) for row in csv.DictReader(TABLE.read_text("utf-8").splitlines())}
LOSSY = {"JPEG of 8 bits with loss": 2.0}


def said(image: Image) -> str:
    """Return repairs by their names and notices by their words."""
    return "; ".join(str(step.params.get("about", step.name)) for step in image.history)


def test_every_case_has_one_verdict_and_every_verdict_a_case() -> None:
    assert list(CASES) == list(VERDICTS)
    assert len(CASES) >= 60
    assert {verdict for verdict, _ in VERDICTS.values()} == {"right", "repaired", "flagged", "refused"}


@pytest.mark.parametrize("case", [case for case, (verdict, _) in VERDICTS.items() if verdict == "refused"])
def test_what_has_no_right_reading_is_refused_with_its_reason(tmp_path: Path, case: str) -> None:
    made = CASES[case]()
    paths = made.write(tmp_path)
    with pytest.raises(GenoxelError) as caught:
        read_series(paths, **made.kwargs)
    message = describe(caught.value)
    assert re.search(VERDICTS[case][1], message), message
    assert "to fix:" in message
    assert NAME.split("^")[0] not in message
    assert str(tmp_path) not in message


@pytest.mark.parametrize("case", [case for case, (verdict, _) in VERDICTS.items() if verdict != "refused"])
def test_what_is_read_equals_the_truth_and_says_what_was_done(tmp_path: Path, case: str) -> None:
    made, (verdict, words) = CASES[case](), VERDICTS[case]
    image = read_series(made.write(tmp_path), **made.kwargs)
    assert made.values is not None
    if case in LOSSY:
        assert np.abs(image.array - made.values).max() <= LOSSY[case]
    else:
        np.testing.assert_allclose(image.array, made.values, rtol=1e-9, atol=1e-9)
    assert image.unit == made.unit
    tolerance = 0.02 if "rounded" in words else 1e-6
    np.testing.assert_allclose(image.affine, made.affine, atol=tolerance)
    notices = [step for step in image.history if step.name == "notice"]
    repairs = [step.name for step in image.history if step.name not in ("notice", "read_dicom", "rescale", "suv")]
    if verdict == "right":
        assert notices == []
        assert set(repairs) <= {"choose_volume", "reference_time"}
    else:
        assert re.search(words, said(image)), said(image)
