"""What a reader noticed or repaired reaches the flags that people see."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dicom_corpus import CASES
from genoxel.core.mask import Mask
from genoxel.io.dicom import read_series
from genoxel.study.suspicions import suspicions


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("last slices missing and more announced", "fewer slices than announced"),
        ("slice copied under a new UID", "copies of slices left out"),
        ("gantry tilt with resampling asked for", "resampled: gantry tilt of 26.565 degrees"),
        ("uneven steps with resampling asked for", "resampled: uneven slice steps"),
        ("PET injected before midnight", "SUV: injected before midnight, scanned after it"),
        ("JPEG of 8 bits with loss", "lossy compression: values are not the measured ones"),
        ("right axial CT", ""),
    ],
)
def test_notices_and_repairs_are_among_the_flags(tmp_path: Path, case: str, words: str) -> None:
    made = CASES[case]()
    image = read_series(made.write(tmp_path), **made.kwargs)
    inside = np.zeros(image.shape, np.uint8)
    inside[3:9, 3:9, 1:5] = 1
    flags = suspicions(image, Mask(inside, image.affine))
    told = [flag for flag in flags if "edge" not in flag]
    assert told == ([words] if words else [])
