"""Readers of the same patients, from the study file to the report: kappa against statsmodels and scikit-learn."""

from __future__ import annotations

import csv
import shutil

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats import inter_rater

from genoxel.core.errors import GenoxelError
from genoxel.core.table import Column, Table
from genoxel.io.spreadsheet import write_csv
from genoxel.study.check import check
from genoxel.study.run import run
from genoxel.study.steps.readers import agreements
from genoxel.study.steps.who import read_sheet
from genoxel.study.study import Study

HEAD = """
[study]
seed = 1
[cohort]
table = "clinical.csv"
patient = "patient"
{cohort}
[cohort.readers]
{readers}
[io.images]
features = "features.csv"
"""

GRADES = ("low", "middle", "high", "extreme")


def folder_of(tmp_path, readers, n=40, cohort=""):
    """Write a study of readers A and B, who grade `n` patients alike in three of four cases, and what they wrote."""
    rng = np.random.default_rng(1)
    a = rng.integers(0, 4, n)
    b = np.where(rng.random(n) < 0.75, a, rng.integers(0, 4, n))
    who = [f"P{place:02d}" for place in range(n)]
    frame = pd.DataFrame({"patient": who, "necrosis_A": [GRADES[one] for one in a]})
    frame["necrosis_B"] = [GRADES[one].upper() for one in b]
    frame["necrosis"] = frame["necrosis_A"]
    frame.to_csv(tmp_path / "clinical.csv", index=False)
    second = frame[["patient", "necrosis_B"]].rename(columns={"necrosis_B": "necrosis"})
    second.to_csv(tmp_path / "second.csv", index=False)
    long = pd.concat([frame[["patient", "necrosis"]].assign(reader="A"), second.assign(reader="B")])
    long.to_csv(tmp_path / "both.csv", index=False)
    write_csv(Table(rng.normal(size=(n, 2)), who, (Column("f0"), Column("f1"))), tmp_path / "features.csv")
    path = tmp_path / "study.toml"
    path.write_text(HEAD.format(readers=readers, cohort=cohort))
    return Study.read(path), a, b


WIDE = 'columns = { necrosis = ["necrosis_A", "necrosis_B"] }'
FILES = 'traits = ["necrosis"]\ntables = { B = "second.csv" }'
LONG = 'traits = ["necrosis"]\ntable = "both.csv"\nreader = "reader"'
ORDERED = f"{WIDE}\n[cohort.readers.ordered]\nnecrosis = {list(GRADES)}"


@pytest.mark.parametrize("readers", [WIDE, FILES, LONG])
def test_three_ways_to_write_it_say_the_same(tmp_path, readers):
    study, a, b = folder_of(tmp_path, readers)
    (found,) = agreements(study, read_sheet(study))
    assert found.kappa.estimate == pytest.approx(cohen_kappa_score(a, b))
    assert (found.cases, found.grades, found.method) == (40, 4, "Cohen")
    assert found.equal == pytest.approx((a == b).mean())


def test_near_misses_count_where_grades_are_ordered(tmp_path):
    study, a, b = folder_of(tmp_path, ORDERED)
    (found,) = agreements(study, read_sheet(study))
    assert found.kappa.estimate == pytest.approx(cohen_kappa_score(a, b, weights="linear"))
    assert found.method == "Cohen, linear weights"


def test_only_patients_of_the_study_count(tmp_path):
    study, a, b = folder_of(tmp_path, WIDE, cohort="exclude = [\"necrosis_A == 'extreme'\"]")
    run(study, workers=1)
    with (study.results / "tables" / "readers.csv").open() as lines:
        (row,) = csv.DictReader(lines)
    inside = a < 3
    assert int(row["cases"]) == inside.sum() < 40
    assert float(row["kappa"]) == pytest.approx(cohen_kappa_score(a[inside], b[inside]))
    page = (study.results / "report.html").read_text()
    assert "How readers agree" in page
    assert 'id="f-readers"' in page


@pytest.mark.parametrize(
    ("readers", "words"),
    [
        (WIDE.replace("necrosis_B", "necrosis_C"), "necrosis_C"),
        (FILES.replace("second.csv", "third.csv"), "third.csv"),
        (FILES.replace('"necrosis"', '"oedema"'), "oedema"),
        (LONG.replace('reader = "reader"', 'reader = "who"'), "who"),
        (ORDERED.replace("'middle', ", ""), "the grade 'MIDDLE'"),
        ('columns = { id = ["patient", "necrosis_A"] }', "different words"),
    ],
)
def test_check_names_what_cannot_be_read(tmp_path, readers, words):
    study, _, _ = folder_of(tmp_path, readers)
    (error,) = check(study, workers=1).errors
    assert error.where.startswith("cohort.readers")
    assert words in str(error)


@pytest.mark.parametrize(
    "readers",
    [
        'columns = { necrosis = ["necrosis_A"] }',
        'traits = ["necrosis"]',
        'traits = ["necrosis"]\ntable = "both.csv"',
        f'{WIDE}\nordered = {{ margin = ["sharp", "blurred"] }}',
        "",
    ],
)
def test_settings_that_say_too_little_are_refused(tmp_path, readers):
    with pytest.raises(GenoxelError, match=r"cohort\.readers"):
        folder_of(tmp_path, readers)


def test_a_reader_who_reads_twice_and_readings_of_nobody_are_refused(tmp_path):
    study, _, _ = folder_of(tmp_path, LONG)
    both = (tmp_path / "both.csv").read_text()
    (tmp_path / "both.csv").write_text(both + "P00,high,A\n")
    with pytest.raises(GenoxelError, match="A twice for P00"):
        agreements(study, read_sheet(study))
    (tmp_path / "both.csv").write_text(both.replace("P", "Q"))
    with pytest.raises(GenoxelError, match="no patient of this study"):
        agreements(study, read_sheet(study), [f"P{place:02d}" for place in range(40)])


BREAST = """
[study]
name = "Breast MR read by several"
[cohort]
patient = "patient"
[cohort.readers]
table = "radiologist_annotations_3readers.csv.gz"
patient = "PATIENT_ID"
reader = "REVIEWER"
traits = ["SHAPE", "MARGIN", "RIM_ENHANCEMENT", "BREAST_SIDE", "DARK_INTERNAL_SEPTATIONS"]
[io.images]
features = "features.csv"
"""


def test_ten_readers_of_real_breast_mr(tmp_path, real_data):
    """Three of ten readers read each case; where all three gave a grade of every trait, equal to statsmodels."""
    source = real_data("tcga-brca-imaging")
    shutil.copy(source / "radiologist_annotations_3readers.csv.gz", tmp_path)
    frame = pd.read_csv(tmp_path / "radiologist_annotations_3readers.csv.gz")
    traits = ["SHAPE", "MARGIN", "RIM_ENHANCEMENT", "BREAST_SIDE", "DARK_INTERNAL_SEPTATIONS"]
    frame[traits] = frame[traits].replace("Not Applicable", np.nan)
    whole = {one for one, rows in frame.groupby("PATIENT_ID") if rows[traits].notna().to_numpy().all()}
    people = sorted(whole)
    values = np.random.default_rng(1).normal(size=(len(people), 2))
    write_csv(Table(values, people, (Column("f0"), Column("f1"))), tmp_path / "features.csv")
    (tmp_path / "study.toml").write_text(BREAST)
    study = Study.read(tmp_path / "study.toml")
    run(study, workers=1)
    rows = pd.read_csv(study.results / "tables" / "readers.csv").query("readers == '10 readers'").set_index("trait")
    assert list(rows.index) == traits
    for name in traits:
        codes = frame[name].astype("category").cat.codes
        cases = [codes[frame["PATIENT_ID"] == one].tolist() for one in people]
        theirs = inter_rater.fleiss_kappa(inter_rater.aggregate_raters(np.array(cases))[0])
        assert rows.loc[name, "kappa"] == pytest.approx(theirs), name
        assert rows.loc[name, "cases"] == len(people) > 50
    assert rows.loc["BREAST_SIDE", "kappa"] > 0.7
    assert rows.loc["DARK_INTERNAL_SEPTATIONS", "kappa"] < 0.3
