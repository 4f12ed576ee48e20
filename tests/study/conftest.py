"""A tiny simulated hospital, made once, and small studies on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from genoxel.simulate import SimulationSpec, simulate

SPEC = SimulationSpec(
    n=24, effects=("IDH1:texture:2.5", "TP53:none"), prevalence={"IDH1": 0.5, "TP53": 0.5}, shape=(48, 48, 12), seed=3,
    unknown=0.0, missing_contours=1,
)  # fmt: skip

TEXT = """
[study]
name = "tiny"
seed = 5
[cohort]
table = "{hospital}/clinical.xlsx"
patient = "PatientID"
site = "site"
clinical = ["age", "sex"]
[target.IDH1]
gene = "IDH1"
[target.TP53]
gene = "TP53"
[io.images]
folder = "{hospital}/dicom"
modality = "T1CE"
[segment]
roi = ["GTV*", "Tumo*r*"]
never = ["*PTV*"]
[image]
normalise = {{ method = "zscore", within = "body" }}
discretise = {{ bins = 8 }}
[features]
families = ["morph", "stat"]
[omics]
mutations = "{hospital}/mutations.maf"
profiled = "{hospital}/profiled.txt"
[associate]
adjust = ["volume", "age"]
correct = {{ permutations = 4 }}
[learn]
compare = ["prevalence", "volume"]
validate = {{ outer = 2, inner = 2, repeats = 2, permutations = 4, permutation_repeats = 1 }}
"""


@pytest.fixture(scope="session")
def hospital(tmp_path_factory) -> Path:
    return simulate(SPEC, tmp_path_factory.mktemp("data") / "hospital")


@pytest.fixture(scope="session")
def studies(tmp_path_factory) -> Path:
    """The folder of all studies: side by side, so that their files can be the same to the letter."""
    return tmp_path_factory.mktemp("studies")


@pytest.fixture
def make_study(hospital, studies, tmp_path) -> Callable[..., Path]:
    """Write a study file into a folder of its own; changes are (old, new) pairs of its text."""

    def make(name: str = "study", *changes: tuple[str, str], own: bool = False, brief: bool = False) -> Path:
        folder = (tmp_path if own else studies) / f"{len(list(studies.iterdir()))} {name}"
        return write_study(folder, hospital, *changes, own=own, brief=brief)

    return make


def write_study(
    folder: Path, hospital: Path, *changes: tuple[str, str], own: bool = False, brief: bool = False
) -> Path:
    """Write a study; `own`: with a copy of the hospital, to be spoilt; `brief`: only measuring and joining."""
    folder.mkdir(parents=True)
    if own:
        # Hard links: a test that spoils a file writes a new one in its place.
        shutil.copytree(hospital, folder / "hospital", copy_function=os.link)
    text = (TEXT[: TEXT.index("[associate]")] if brief else TEXT).format(
        hospital="hospital" if own else Path(os.path.relpath(hospital, folder)).as_posix()
    )
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def first(hospital, studies):
    """A study that was checked and then ran without interruption on one worker: folder, findings, result."""
    from genoxel.study.check import check
    from genoxel.study.run import run
    from genoxel.study.study import Study

    folder = write_study(studies / "once", hospital)
    found = check(Study.read(folder), workers=1)
    return folder, found, run(Study.read(folder), workers=1)


@pytest.fixture(scope="session")
def once(first) -> Path:
    """The folder of that study; not to be changed."""
    return first[0]


@pytest.fixture
def finished(once, studies) -> Path:
    """A copy of the finished study, to be changed at will."""
    folder = studies / f"{len(list(studies.iterdir()))} finished"
    shutil.copytree(once, folder)
    return folder


def replace_bytes(file: Path, content: bytes) -> None:
    """Put other bytes in place of a file that may be a hard link to another test's."""
    file.unlink()
    file.write_bytes(content)


def results(folder: Path) -> dict[str, bytes]:
    """Everything a run leaves but its provenance, by name."""
    root = folder / "results"
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != "provenance.json"
    }


def command(*arguments: object, **more) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    words = [sys.executable, "-m", "genoxel", *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, timeout=240, check=False, **more)
