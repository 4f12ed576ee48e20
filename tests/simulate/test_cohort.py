"""A whole cohort on disk: its files open elsewhere, repeat byte for byte, and are refused before anything is written."""

from __future__ import annotations

import csv
import hashlib
import json
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from genoxel.core.errors import OutputError
from genoxel.simulate.cohort import simulate
from genoxel.simulate.render import phantom
from genoxel.simulate.spec import SimulationSpec

SMALL = (48, 48, 14)


def spec_of(**changes) -> SimulationSpec:
    fields = {
        "n": 5,
        "effects": ("IDH1:texture:1.6", "TP53:none"),
        "prevalence": {"IDH1": 0.4, "TP53": 0.4},
        "shape": SMALL,
        "seed": 11,
        "unknown": 0.2,
        "module": "texture:0.7",
    }
    return SimulationSpec(**{**fields, **changes})


def hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> Path:
    return simulate(spec_of(), tmp_path_factory.mktemp("cohorts") / "mr")


def test_everything_a_hospital_sends_is_there(cohort):
    assert {path.name for path in cohort.iterdir()} == {
        *("dicom", "clinical.xlsx", "clinical.csv", "mutations.maf", "profiled.txt"),
        *("expression.tsv", "truth.json", "SIMULATED.txt"),
    }
    assert len(list((cohort / "dicom").iterdir())) == 5
