"""[associate] from the study file to the report: every setting, on ready-made features."""

import csv
import json

import numpy as np
import pytest

from genoxel.core.errors import WorkerError
from genoxel.study.check import check
from genoxel.study.run import run
from genoxel.study.study import Study

TEXT = """
[study]
name = "associations"
seed = 5
[cohort]
table = "clinical.csv"
patient = "id"
site = "centre"
clinical = ["age", "sex", "grade"]
[target.EGFR]
column = "EGFR"
[target.KRAS]
column = "KRAS"
[io.images]
features = "features.csv"
[associate]
correct = {{ permutations = 9 }}
{rest}
"""
REST = """
survival = {{ time = "os", event = "dead" }}
strata = "grade"
shared = "pls"
exclusive = ["EGFR", "KRAS"]
registered = ["{first} ~ EGFR", "{first} ~ os"]
"""


KEPT = 'several = "clustered"'


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(3)
    n = 60
    trait = rng.normal(size=n)
    names = [f"T1.roi.none.stat.f{place}" for place in range(4)]
    values = rng.normal(size=(n, 4)) + trait[:, None] * [1, 0, 0, 0]
    words = np.array(["wt", "mut"])
    clinical = {
        "age": rng.integers(40, 80, n),
        "sex": rng.choice(["F", "M"], n),
        "grade": rng.choice(["II", "III"], n),
        "centre": rng.choice(["A", "B"], n),
        "EGFR": words[(trait + rng.normal(size=n) > 0).astype(int)],
        "KRAS": words[rng.integers(0, 2, n)],
        "os": np.ceil(rng.exponential(np.exp(-trait)) * 100).astype(int),
        "dead": (rng.random(n) < 0.8).astype(int),
    }
    with (tmp_path / "clinical.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", *clinical])
        writer.writerows([f"P{row:02d}", *(column[row] for column in clinical.values())] for row in range(n))
    with (tmp_path / "features.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["patient", *names])
        writer.writerows([f"P{row:02d}", *values[row]] for row in range(n))
    return tmp_path


def study_of(folder, rest):
    (folder / "study.toml").write_text(TEXT.format(rest=rest.format(first="T1.roi.none.stat.f0")), encoding="utf-8")
    return Study.read(folder / "study.toml")


def test_every_setting_reaches_the_report(folder):
    result = run(study_of(folder, REST), workers=1)
    assert list(result.maps) == ["registered", "targets", "survival"]
    registered = result.maps["registered"].to_pandas()
    assert (registered["flag"] == "").all()
    assert registered["test"].tolist() == ["mann-whitney", "cox"]
    assert set(result.maps["targets"].adjusted_for) == {"site", "age", "sex", "grade"}
    assert result.maps["targets"].settings["within_strata"]["by"] == "grade"
    page = (folder / "results" / "report.html").read_text(encoding="utf-8")
    assert "2 pairs were registered before outcomes were read" in page
    for words in (
        "Exclusive drivers",
        "mutant only v wild type",
        "Cox regression",
        "Targets of targets",
        "p of a difference",
        "Held-out correlation",
    ):
        assert words in page, words
    assert (folder / "results" / "tables" / "exclusive_drivers.csv").is_file()
    first = json.loads((folder / "results" / "registered.json").read_text())["versions"]
    run(study_of(folder, REST.replace("~ os", "~ KRAS")), workers=1)
    after = json.loads((folder / "results" / "registered.json").read_text())["versions"]
    assert after[0] == first[0]
    assert len(after) == 2
    page = (folder / "results" / "report.html").read_text(encoding="utf-8")
    assert "the list was changed once after a first run" in page


def test_adjusting_for_nothing_is_a_choice(folder):
    found = run(study_of(folder, "adjust = []\n"), workers=1).maps["targets"]
    assert found.adjusted_for == ()


@pytest.mark.parametrize(
    ("rest", "where"),
    [
        ('survival = {{ time = "oss", event = "dead" }}', "associate.survival"),
        ('strata = "grad"', "associate.strata"),
        ('exclusive = ["EGFR"]', "associate.exclusive"),
        ('exclusive = ["EGFR", "KRAZ"]', "associate.exclusive"),
    ],
)
def test_names_that_do_not_exist_are_said_before_the_run(folder, rest, where):
    assert where in {problem.where for problem in check(study_of(folder, rest)).problems}


def test_lesions_are_kept_with_errors_that_count_patients(folder):
    rng = np.random.default_rng(8)
    with (folder / "features.csv").open(newline="") as file:
        head, *rows = list(csv.reader(file))
    with (folder / "features.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["patient", "lesion", *head[1:]])
        for patient, *values in rows:
            for lesion in range(1 + int(patient[1:]) % 3):
                writer.writerow([patient, lesion + 1, *(float(value) + rng.normal() / 3 for value in values)])
    with pytest.raises(WorkerError, match=r"rows of 60 patients.*say how to aggregate"):
        run(study_of(folder, ""), workers=1)
    found = run(study_of(folder, REST.replace('shared = "pls"\nexclusive = ["EGFR", "KRAS"]', KEPT)), workers=1)
    assert found.maps["targets"].settings["rows"] == 120
    pairs = found.maps["registered"].to_pandas()
    assert pairs["test"].tolist() == ["two groups, clustered", "cox, clustered"]
    assert pairs["n"].tolist() == [120, 120]
    assert (pairs["low"] < pairs["effect"]).all()
    assert pairs["flag"].tolist() == ["", ""]
    page = (folder / "results" / "association_map.html").read_text(encoding="utf-8")
    assert "P02 3" in page


MOLECULAR = """
against = ["targets", "expression", "genesets", "methylation", "protein", "copynumber", "age"]
[omics.expression]
file = "rna.csv"
[omics.genesets]
file = "sets.gmt"
smallest = 2
[omics.methylation]
file = "beta.csv"
unit = "beta"
[omics.copynumber]
calls = "calls.csv"
[omics.tables.protein]
file = "protein.csv"
"""


def write_matrix(path, names, values):
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["gene", *(f"P{row:02d}" for row in range(60))])
        writer.writerows([name, *row] for name, row in zip(names, values, strict=True))


def test_every_molecular_table_and_clinical_columns_can_be_screened(folder):
    rng = np.random.default_rng(9)
    with (folder / "features.csv").open(newline="") as file:
        trait = np.array([float(row[1]) for row in list(csv.reader(file))[1:]])
    genes = ["TP53", "KRAS", "MYC", "RB1", "PTEN", "EGFR"]
    values = rng.normal(size=(6, 60)).round(4)
    values[:3] = (values[:3] + 2 * trait).round(4)
    write_matrix(folder / "rna.csv", genes, values)
    write_matrix(folder / "protein.csv", ["p53", "ras"], values[:2])
    write_matrix(folder / "beta.csv", ["cg00000029", "cg00000108"], rng.random((2, 60)).round(4))
    write_matrix(folder / "calls.csv", genes, rng.integers(-2, 3, (6, 60)))
    (folder / "sets.gmt").write_text("UP\tx\tTP53\tKRAS\tMYC\nREST\tx\tRB1\tPTEN\n", encoding="utf-8")
    over = TEXT.replace("permutations = 9", 'permutations = 9, over = "gene sets"')
    (folder / "study.toml").write_text(over.format(rest=MOLECULAR), encoding="utf-8")
    result = run(Study.read(folder / "study.toml"), workers=1)
    assert list(result.maps) == [
        "targets",
        "clinical",
        "expression",
        "copynumber",
        "methylation",
        "genesets",
        "protein",
    ]
    assert result.maps["clinical"].pairs["other"].tolist() == ["age"] * 4
    assert "age" not in result.maps["clinical"].adjusted_for
    found = result.maps["expression"].to_pandas()
    linked = (found["image"] == "T1.roi.none.stat.f0") & found["other"].isin(genes[:3])
    assert (found["q"][linked] <= 0.05).all()
    assert (found["q"][found["other"].isin(["RB1", "PTEN"])] == 1).mean() > 0.5
    assert result.maps["genesets"].hits > 0
    (folder / "study.toml").write_text(over.format(rest=""), encoding="utf-8")
    assert "associate.correct.over" in {one.where for one in check(Study.read(folder / "study.toml")).problems}
