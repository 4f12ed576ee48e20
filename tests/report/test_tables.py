"""Tables, rounding, Table 1, exports."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from genoxel.core.errors import TableError
from genoxel.core.image import Image
from genoxel.core.keys import RowKey
from genoxel.core.mask import Mask
from genoxel.core.outcome import Outcome
from genoxel.core.table import Column, Table
from genoxel.features.extract import as_table, extract
from genoxel.report.cite import Cite
from genoxel.report.content import Failure, ReportContent, StudyFacts
from genoxel.report.export import csv_files, verdicts_json
from genoxel.report.measured_words import in_words
from genoxel.report.tables.build import build
from genoxel.report.tables.cohort import compare_groups, compare_included, summarise_acquisition
from genoxel.report.tables.measured import spearman
from genoxel.report.tables.prediction import chance, metric_name
from genoxel.report.tables.sheet import Book, Field, Sheet, show
from report.example import HOSTILE, clinical, example, outcome, patients, targets


def field(kind: str, *lines: float) -> Field:
    return Field("x", "X", kind, lines=lines)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "one", "shown"),
    [
        (1234, field("count"), "1,234"),
        (0.612, field("estimate"), "0.61"),
        (0.6996, field("estimate", 0.7), "0.6996"),
        (0.7, field("estimate", 0.7), "0.70"),
        (0.4999, field("estimate", 0.5), "0.4999"),
        (0.06, field("gain", 0.0), "+0.06"),
        (-0.06, field("gain", 0.0), "−0.06"),
        (-0.0001, field("gain"), "0.00"),
        (0.0004, field("p"), "<0.001"),
        (0.0099, field("p"), "0.010"),
        (0.0501, field("p"), "0.05010"),
        (0.05, field("p"), "0.050"),
        (0.18, field("p"), "0.18"),
        (0.415, field("share"), "42 %"),
        (57512.3, field("number"), "57,500"),
        (0.03127, field("number"), "0.0313"),
        (float("inf"), field("number"), "infinite"),
        (float("-inf"), field("number"), "−infinite"),
        (float("nan"), field("estimate"), "–"),
        (None, field("text"), "–"),
        ("as written", field("text"), "as written"),
    ],
)
def test_rounding(value, one, shown):
    assert show(value, one) == shown


@given(st.floats(-1, 1), st.sampled_from([0.0, 0.5, 0.7]))
def test_rounding_never_moves_a_number_across_a_line(value, line):
    text = show(value, field("estimate", line)).replace("−", "-")
    if abs(value - line) > 1e-5:
        assert (float(text) > line) == (value > line)
        assert float(text) != line
    assert float(text) == pytest.approx(value, abs=0.005001)


def test_a_sheet_names_what_is_wrong():
    with pytest.raises(TableError, match="one value per field"):
        Sheet("a", "A", (Field("x", "X"),), ((1, 2),))
    sheet = Sheet("a", "A", (Field("estimate", "E"),), (("1",),))
    with pytest.raises(TableError, match="did you mean 'estimate'"):
        sheet.place("estimat")
    with pytest.raises(TableError, match="no row"):
        sheet.find(estimate="2")
    with pytest.raises(TableError, match="report table 'b'"):
        Book([sheet])["b"]
    assert repr(Book([sheet])) == "Book of 1 tables: a"


def test_references_print_deep_rows():
    rows = tuple((float(place),) for place in range(90))
    cite = Cite(Book([Sheet("long", "Long", (Field("x", "X", "count"),), rows)]))
    assert cite.rows("long") == 40
    cite("long", 71, "x")
    assert cite.rows("long") == 72


def test_every_table_of_an_empty_study_is_there_and_empty():
    book = build(ReportContent(StudyFacts("x")))
    assert [key for key, sheet in book.items() if sheet.rows] == ["counts"]


def test_counts_of_failed_patients_count_patients():
    failed = (Failure("P1", "image", "a"), Failure("P1", "features", "b"))
    book = build(ReportContent(StudyFacts("x"), failed=failed))
    assert book["counts"].value(book["counts"].find(name="failed"), "value") == 1


def test_table_1_by_hand():
    table = Table(
        np.array([[50, 0, 1], [60, 1, 0], [70, 1, np.nan], [80, 1, 2.0]]),
        ("A", "B", "C", "D"),
        (
            Column("age", unit="years"),
            Column("smoker", "binary"),
            Column("stage", "ordinal", levels=("I", "II", "III")),
        ),
        kind="clinical",
    )
    target = Outcome.of_classes("T", {"A": "no", "B": "no", "C": "yes", "D": "yes"}, ("no", "yes"))
    found = compare_groups(table, target)
    assert found.sizes == (2, 2)
    age, smoker, *stages = found.rows
    assert age.first == "55.0 (52.5 to 57.5)"
    assert age.difference == pytest.approx(20 / np.sqrt(50))
    assert smoker.level == "yes"
    assert smoker.second == "2 of 2 (100%)"
    assert smoker.difference == pytest.approx(0.5 / np.sqrt(0.125))
    assert [row.level for row in stages] == ["I", "II", "III"]
    assert {row.missing for row in stages} == {1}
    assert stages[2].second == "1 of 1 (100%)"


def test_labels_are_no_characteristics_and_empty_groups_say_so():
    labels = Column("name", "categorical", levels=tuple(f"L{place}" for place in range(20)))
    table = Table(np.array([[0, np.nan], [1, np.nan]]), ("A", "B"), (labels, Column("age")), kind="clinical")
    found = compare_groups(table, Outcome.of_classes("T", {"A": "no", "B": "yes"}, ("no", "yes")), "Mine")
    assert [row.name for row in found.rows] == ["age"]
    assert found.rows[0].first == "none known"
    assert np.isnan(found.rows[0].difference)
    assert found.title == "Mine"


def test_included_against_left_out():
    found = compare_included(clinical(), patients())
    assert found.sizes == (72, 8)
    assert found.groups == ("analysed", "left out")


def test_acquisition_counts_patients_not_series():
    rows = [("P1", "CT", {"kVp": 120}), ("P1", "CT", {"kVp": 120}), ("P2", "CT", {"kVp": None})]
    found = summarise_acquisition(rows)
    assert [(one.value, one.patients) for one in found] == [("120", 1), ("not stated", 1)]


def test_rank_correlation_equals_scipy_and_refuses_too_little():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=30), rng.integers(0, 5, 30).astype(float)
    a[3] = np.nan
    rho, n = spearman(a, b)
    assert n == 29
    assert rho == pytest.approx(spearmanr(np.delete(a, 3), np.delete(b, 3)).statistic)
    assert np.isnan(spearman(a[:3], b[:3])[0])
    assert np.isnan(spearman(np.ones(9), np.arange(9.0))[0])


def test_metrics_have_names_and_chance_levels():
    assert metric_name("auc") == "AUC"
    assert chance("AUC") == 0.5
    assert np.isnan(chance("brier"))


def test_unknown_is_not_wild_type_in_the_gene_table():
    book = build(example())
    row = book["genes"].find(gene="MGMT")
    assert book["genes"].value(row, "unknown") == 6
    mutant, wild = book["genes"].value(row, "mutant"), book["genes"].value(row, "wild")
    assert mutant + wild == 66


def test_verdicts_as_json_hold_the_five_words_and_no_nan():
    text = verdicts_json(example())
    whole = json.loads(text, parse_constant=lambda word: pytest.fail(word))
    assert whole["simulated"] is True
    assert [one["verdict"] for one in whole["targets"]] == [
        "supported",
        "inconclusive",
        "not supported",
        "not testable",
    ]
    assert whole["targets"][0]["smallest_p"] == 0.01
    assert whole["targets"][3]["estimate"] is None
    assert whole["targets"][0]["smallest_useful"] == 0.7
    assert "inconclusive: the rest" in whole["targets"][0]["rule"]


def test_every_column_of_every_exported_table_is_in_the_dictionary():
    files = csv_files(example())
    known = {(row["table"], row["column"]) for row in csv.DictReader(io.StringIO(files["data_dictionary.csv"]))}
    for name, body in files.items():
        if name != "data_dictionary.csv":
            head = next(csv.reader(io.StringIO(body)))
            assert {(name, column) for column in head} <= known


def test_exported_numbers_are_whole_and_formulas_are_defused():
    content = replace(example(), failed=(Failure("=1+1", "@x", HOSTILE),))
    files = csv_files(content)
    row = next(csv.DictReader(io.StringIO(files["failed.csv"])))
    assert row["patient"] == "'=1+1"
    assert row["step"] == "'@x"
    estimate = next(csv.DictReader(io.StringIO(files["ladder.csv"])))["estimate"]
    assert float(estimate) == content.targets[0].ladder[0].interval.estimate


def test_looks_can_be_counted_by_the_study():
    _, results = targets()
    assert ReportContent(StudyFacts("x"), targets=results).looks_counted == 12
    assert ReportContent(StudyFacts("x"), targets=results, looks=40).looks_counted == 40
    assert outcome("X", 0.5, 1).name == "X"


def test_two_features_are_told_in_full_the_most_and_the_least_like_volume():
    rng = np.random.default_rng(4)
    shape = np.array([9, 9, 9])
    rows = {}
    for place in range(8):
        side = 4 + place % 5
        inside = np.zeros(shape, np.uint8)
        inside[:side, :side, :side] = 1
        image = Image(rng.normal(50, 9, shape), np.eye(4), "T1")
        rows[RowKey(f"P{place}")] = extract(image, Mask(inside, np.eye(4)))
    table = as_table(rows)
    volume = "T1.roi.none.morph.volume_mesh"
    content = ReportContent(StudyFacts("x"), features=table, volume=volume)
    book = build(content)
    sheet = book["examples"]
    texture = [c.name for c in table.columns if not {"size", "shape"} & set(c.traits) and np.ptp(table[c.name])]
    rhos = {name: abs(float(spearmanr(table[name], table[volume]).statistic)) for name in texture}
    most, least = (sheet.value(row, "feature") for row in (0, 1))
    assert rhos[most] == pytest.approx(max(rhos.values()))
    assert rhos[least] == pytest.approx(min(rhos.values()))
    assert abs(sheet.value(0, "rho")) == pytest.approx(rhos[most])
    assert sheet.value(1, "median") == pytest.approx(np.median(table[least]))
    assert sheet.value(0, "definition")
    assert sheet.value(0, "settings") == table.column(most).settings
    totals = book["totals"]
    assert sum(int(row[2]) for row in totals.rows) == len(table.columns) == 169
    assert totals.rows[0][:2] == ("morph", "morphology")


def test_settings_are_told_in_words_and_what_was_not_done_in_one_line():
    done, left = in_words(example())
    assert dict(done)["Voxels as measured (mm)"] == "1 x 1 x 1"
    assert dict(done)["Grey levels"] == "fixed bin number 32"
    assert dict(done)["Intensities"] == "z-scores within the brain"
    assert left == ["re-segmentation by range", "filter"]
    assert in_words(ReportContent(StudyFacts("x"))) == ([], [])
