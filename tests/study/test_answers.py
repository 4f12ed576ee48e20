"""Models must not be given the answer: the target's own column is refused, its own assay is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from genoxel.core.table import Column, Table
from genoxel.study.answers import shared_sources
from genoxel.study.check import check
from genoxel.study.problems import StudyError
from genoxel.study.run import run
from genoxel.study.study import Study

TEXT = """
[study]
name = "answers"
[cohort]
table = "clinical.csv"
patient = "id"
clinical = ["age", "status"]
[io.images]
features = "features.csv"
[target.T]
column = "status"
[learn]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    random = np.random.default_rng(3)
    people = [f"P{at}" for at in range(40)]
    rows = [f"{one},{50 + at},{'mut' if at % 2 else 'wt'}" for at, one in enumerate(people)]
    (tmp_path / "clinical.csv").write_text("\n".join(["id,age,status", *rows]) + "\n")
    values = [",".join([one, *(f"{value:.4f}" for value in random.normal(size=3))]) for one in people]
    (tmp_path / "features.csv").write_text("\n".join(["id,a,b,c", *values]) + "\n")
    return tmp_path


def test_the_targets_own_column_is_no_clinical_predictor(folder: Path) -> None:
    path = folder / "study.toml"
    path.write_text(TEXT)
    found = [one for one in check(Study.read(path)).errors if one.where == "cohort.clinical"]
    assert ["the column 'status', which makes target T" in one.got for one in found] == [True]
    with pytest.raises(StudyError, match="which makes target T"):
        run(Study.read(path), workers=1)
    for legal in (
        TEXT.replace('"age", "status"', '"age"'),
        TEXT + 'compare = ["prevalence", "image"]\n',
    ):
        path.write_text(legal)
        assert check(Study.read(path)).errors == ()


OMICS = """
[omics.expression]
file = "e.tsv"
[omics.derive]
axes = { names = ["proliferation"] }
drivers = ["EGFR", "KRAS"]
[target.fast]
score = "proliferation"
cut = "median"
[target.EGFR]
gene = "EGFR"
[target.age_group]
column = "status"
"""


@pytest.mark.parametrize(
    ("compare", "told"),
    [
        ('["image", "volume"]', []),
        ('["image", "expression"]', ["target fast is made of the same measurement as expression"]),
        ('["image", "image+axes", "drivers"]', ["as axes", "target EGFR is made of the same measurement as drivers"]),
    ],
)
def test_a_target_that_is_predicted_from_its_own_assay_is_told(folder: Path, compare: str, told: list[str]) -> None:
    path = folder / "study.toml"
    path.write_text(
        TEXT.split("[target", maxsplit=1)[0].replace(', "status"', "") + OMICS + f"[learn]\ncompare = {compare}\n"
    )
    scores = Table(np.zeros((1, 1)), ("P1",), (Column("proliferation"),), "axes")
    found = shared_sources(Study.read(path), {"axes": scores})
    assert len(found) == len(told)
    assert all(words in note for words, note in zip(told, found, strict=True))
