"""Criteria, intervals, barcodes and the join: who is lost, where and why."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genoxel.core.errors import SettingsError, TableError
from genoxel.core.flow import Flow
from genoxel.core.keys import RowKey
from genoxel.core.outcome import Outcome
from genoxel.core.records import Records
from genoxel.core.table import Column, Table
from genoxel.omics.barcodes import choose_samples, patient_of, per_tcga_patient, records_per_tcga_patient, rekey
from genoxel.omics.join import Criterion, Layers, days_between, fold_id, include, join, within_days
from genoxel.omics.variants import status
from nouns import hard_cohort, same

TEXTS = {
    "age": {"P1": "70", "P2": "17", "P3": "", "P4": "40,5"},
    "histology": {"P1": "Adenocarcinoma ", "P2": "squamous", "P3": "adenocarcinoma", "P4": "n/a"},
    "treated before": {"P1": "no", "P2": "yes", "P3": "unknown", "P4": "No"},
    "IDH.status": {"P1": "WT", "P2": "Mutant", "P3": "WT", "P4": "WT"},
    "ct": {"P1": "2019-01-01", "P2": "2019-01-01", "P3": "", "P4": "1.1.2019"},
    "biopsy": {"P1": "2019-03-02", "P2": "2018-12-01", "P3": "2019-01-01", "P4": "2019-03-03"},
    "code": {"P1": "3", "P2": "3.0", "P3": "x", "P4": "4"},
}


@pytest.mark.parametrize(
    ("expression", "truth"),
    [
        ("age >= 18", [True, False, None, True]),
        ("18 <= age < 70", [False, False, None, True]),
        ("age > -1", [True, True, None, True]),
        ("age == 40.5", [False, False, None, True]),
        ("histology == 'adenocarcinoma'", [True, False, True, None]),
        ("histology != 'ADENOCARCINOMA'", [False, True, False, None]),
        ("histology in ['adenocarcinoma', 'squamous']", [True, True, True, None]),
        ("histology not in ('squamous',)", [True, False, True, None]),
        ("`treated before` == 'yes'", [False, True, None, False]),
        ("not `treated before` == 'yes'", [True, False, None, True]),
        ("IDH.status == 'wt'", [True, False, True, True]),
        ("age == ''", [False, False, True, False]),
        ("age != ''", [True, True, False, True]),
        ("age >= 18 and IDH.status == 'WT'", [True, False, None, True]),
        ("age >= 18 or IDH.status == 'WT'", [True, False, True, True]),
        ("age >= 18 and IDH.status == 'Mutant'", [False, False, False, False]),
        ("ct < '2019-06-01'", [True, True, None, True]),
        ("'2019-01-01' >= ct", [True, True, None, True]),
        ("code == 3", [True, True, False, False]),
        ("code == '3'", [True, False, False, False]),
        ("histology == IDH.status", [False, False, False, None]),
    ],
)
def test_expressions(expression: str, truth: list[bool | None]) -> None:
    test = Criterion(expression, TEXTS)
    assert [test(who) for who in ("P1", "P2", "P3", "P4")] == truth


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("__import__('os').system('true')", "legal: column =="),
        ("age", "'age'"),
        ("age + 1 > 3", "without a column"),
        ("(lambda: age)() > 3", "legal"),
        ("age >= 18 if age else 3", "legal"),
        ("age >", "no comparison"),
        ("'a' == 'a'", "without a column"),
        ("agee > 3", "did you mean 'age'"),
        ("age is 3", "'is'"),
        ("age in histology", "without a list"),
        ("age == ['a']", "without a list|without 'in'"),
        ("age > 'old'", "a number or a date"),
        ("histology > 3", "numbers for < and >"),
        ("histology == 'adenocarcinom'", "did you mean 'adenocarcinoma'"),
        ("age == None", "word in quotes or a number"),
        ("age == True", "word in quotes or a number"),
        ("age == b'x'", "word in quotes or a number"),
        ("ct.__class__ == 'x'", "column 'ct.__class__'"),
        ("age > 1" + " and age > 1" * 100, "at most 1000"),
        ("(" * 300 + "age" + ")" * 300 + " > 1", "no comparison|at most|column"),
        ("age > 1\nimport os", "no comparison"),
    ],
)
def test_nothing_else_is_an_expression(expression: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words) as caught:
        Criterion(expression, TEXTS)
    assert "in the expression" in caught.value.__notes__[0]


@given(st.text(alphabet="age <>=!'()[],.andornotin1_`\\\n", max_size=40))
def test_any_text_is_judged_or_refused(text: str) -> None:
    try:
        test = Criterion(text, TEXTS)
    except SettingsError:
        return
    assert all(test(who) in (True, False, None) for who in TEXTS["age"])


def test_each_line_is_a_box_and_unknown_is_said() -> None:
    flow = Flow.start("clinical table", ["P1", "P2", "P3", "P4"])
    flow = include(flow, TEXTS, ["age >= 18"], ["`treated before` == 'yes'", "IDH.status == 'Mutant'"])
    assert [step.label for step in flow.steps] == [
        "clinical table",
        "age >= 18",
        "not: `treated before` == 'yes'",
        "not: IDH.status == 'Mutant'",
    ]
    assert flow.lost == {"P2": ("age >= 18", "age = 17"), "P3": ("age >= 18", "not known: age is empty")}
    kept = include(Flow.start("all", ["P1", "P3"]), TEXTS, exclude=["`treated before` == 'yes'"])
    assert kept.patients == ("P1", "P3")
    assert kept.steps[-1].label.endswith("(1 not known, kept)")


def test_intervals_count_days_in_either_direction() -> None:
    assert days_between(TEXTS, "ct", "biopsy") == {"P1": 60, "P2": -31, "P3": None, "P4": 61}
    flow = within_days(Flow.start("all", list(TEXTS["ct"])), TEXTS, "ct", "biopsy", 60)
    assert flow.patients == ("P1", "P2")
    assert {who: reason for who, (_, reason) in flow.lost.items()} == {"P3": "no ct", "P4": "61 days from ct to biopsy"}
    with pytest.raises(SettingsError, match="did you mean 'biopsy'"):
        within_days(flow, TEXTS, "ct", "biopsi", 60)


def test_barcodes_primary_first_normals_apart_ties_listed() -> None:
    codes = [
        *("TCGA-AA-0001-01A-11D-1111-08", "TCGA-AA-0001-01A-11D-2222-08", "TCGA-AA-0001-01B", "TCGA-AA-0001-10A"),
        *("TCGA-AA-0002-02A", "TCGA-AA-0002-06A", "TCGA-AA-0003-11A", "TCGA-AA-0004", "TCGA-AA-0005-20A"),
    ]
    choice = choose_samples(codes)
    assert choice.chosen == {
        "TCGA-AA-0001": "TCGA-AA-0001-01A-11D-2222-08",
        "TCGA-AA-0002": "TCGA-AA-0002-02A",
        "TCGA-AA-0004": "TCGA-AA-0004",
    }
    assert choice.ties == {"TCGA-AA-0001": tuple(sorted(codes[:3]))}
    assert choice.set_aside["TCGA-AA-0001-10A"] == "normal tissue"
    assert "20" in choice.set_aside["TCGA-AA-0005-20A"]
    assert choice.set_aside["TCGA-AA-0002-06A"] == "TCGA-AA-0002-02A was chosen"
    assert len(choice.chosen) + len(choice.set_aside) == len(codes)
    assert set(choice.to_pandas()["sample"]) == set(codes)
    assert choose_samples(codes, ["02", "01"]).chosen["TCGA-AA-0002"] == "TCGA-AA-0002-02A"
    with pytest.raises(TableError):
        choose_samples(["P1"])


@given(st.permutations(["TCGA-AA-0001-01A-11D-1111-08", "TCGA-AA-0001-01A-11D-2222-08", "TCGA-AA-0001-02A"]))
def test_the_choice_does_not_depend_on_the_order(codes: list[str]) -> None:
    assert choose_samples(codes).chosen == {"TCGA-AA-0001": "TCGA-AA-0001-01A-11D-2222-08"}


def test_tables_and_records_by_tcga_patient() -> None:
    rows = (
        RowKey("TCGA-AA-0001", sample="TCGA-AA-0001-02A"),
        RowKey("TCGA-AA-0001-01A"),
        RowKey("TCGA-AA-0002-11A"),
    )
    table, choice = per_tcga_patient(Table(np.array([[1.0], [2.0], [3.0]]), rows, (Column("x"),)))
    assert table.rows == (RowKey("TCGA-AA-0001", sample="TCGA-AA-0001-01A"),)
    assert table["x"].tolist() == [2.0]
    assert choice.set_aside["TCGA-AA-0002-11A"] == "normal tissue"
    profiled = (RowKey("TCGA-AA-0001-01A"), RowKey("TCGA-AA-0002-11A"), RowKey("TCGA-AA-0003"))
    records, _ = records_per_tcga_patient(Records("variants", rows, {"gene": np.array(["a", "b", "c"])}, profiled))
    assert records["gene"].tolist() == ["b"]
    assert [row.patient for row in records.profiled or ()] == ["TCGA-AA-0001", "TCGA-AA-0003"]
    with pytest.raises(TableError, match="without TCGA barcode"):
        per_tcga_patient(Table(np.array([[1.0]]), ("P1",), (Column("x"),)))  # type: ignore[arg-type]
    assert patient_of("tcga.aa.0001.01a") == "TCGA-AA-0001"
    assert rekey(Table(np.array([[1.0]]), rows[1:2], (Column("x"),))).patients == ("TCGA-AA-0001",)


def _table(*patients: str) -> Table:
    return Table(np.arange(float(len(patients)))[:, None], patients, (Column("x"),))  # type: ignore[arg-type]


def test_the_join_counts_every_loss() -> None:
    outcome = Outcome.of_classes("IDH", {"P1": "m", "P2": None, "P3": "w", "P4": "m"}, ("w", "m"))
    variants = Records("variants", ("P1",), {"gene": np.array(["a"])}, profiled=("P1", "P9"))  # type: ignore[arg-type]
    layers = Layers(
        tables={"image": _table("P1", "P2", "P3", "p-04"), "rna": _table("P1")},
        records={"variants": variants},
        outcomes={"IDH": outcome},
        images={"P1": {}},
        masks={"P1": {}},
        site={"P1": "A", "P5": "B"},
    )
    flow = Flow.start("clinical table", ["P1", "P2", "P3", "P4", "P5"])
    cohort, report = join(layers, flow, required=["image"], known=["IDH"])
    assert cohort.patients == report.matched == ("P1", "P3")
    assert report.flow.lost == {
        "P4": ("has image", "no row in image"),
        "P5": ("has image", "no row in image"),
        "P2": ("IDH known", "IDH unknown"),
    }
    assert report.missing == {"image": (), "rna": ("P3",), "variants": ("P3",), "IDH": (), "images": ("P3",)}
    assert report.unmatched["image"] == ("p-04",)
    assert report.unmatched["variants"] == ("P9",)
    assert report.nearly == (("image", "p-04", "P4"),)
    assert "nearly the same: p-04 (image) and P4" in report.describe()
    assert "rna: 1 of them without (P3)" in report.describe()
    frame = report.to_pandas().set_index("patient")
    assert frame.loc["P2", "reason"] == "IDH unknown"
    assert frame.loc["P3", "missing_layers"] == "rna, variants, images"
    assert dict(cohort.site) == {"P1": "A"}
    assert set(frame.index) == {"P1", "P2", "P3", "P4", "P5", "p-04", "P9"}


def test_nobody_left_names_what_nearly_agrees() -> None:
    with pytest.raises(TableError, match="'p1' and 'P01' nearly agree"):
        join(Layers(tables={"image": _table("p1")}), Flow.start("clinical", ["P01"]), ["image"])
    with pytest.raises(TableError, match="write ids alike"):
        join(Layers(tables={"image": _table("X")}), Flow.start("clinical", ["P01"]), ["image"])
    with pytest.raises(SettingsError, match="did you mean 'image'"):
        join(Layers(tables={"image": _table("X")}), required=["imag"])


def test_without_a_flow_all_are_taken_and_several_rows_are_named() -> None:
    rows = (RowKey("P1", lesion="1"), RowKey("P1", lesion="2"), RowKey("P2"))
    table = Table(np.zeros((3, 1)), rows, (Column("x"),))
    choice = choose_samples(["TCGA-AA-0001-01A", "TCGA-AA-0001-10A"])
    cohort, report = join(Layers(tables={"image": table}), samples={"rna": choice})
    assert cohort.patients == ("P1", "P2")
    assert report.several_rows == {"image": ("P1",)}
    assert "image: several rows for 1 patients (P1)" in report.describe()
    assert "rna: 1 samples set aside (1 normal), 0 ties" in report.describe()


def test_folding_finds_near_agreement_only() -> None:
    assert fold_id("P007") == fold_id("p_7") == fold_id(" p-07 ")
    assert fold_id("P70") != fold_id("P7")


def test_joining_the_layers_of_the_hard_cohort_gives_it_back() -> None:
    cohort = hard_cohort()
    joined, _ = join(
        Layers(dict(cohort.tables), dict(cohort.records), dict(cohort.outcomes), site=dict(cohort.site)), cohort.flow
    )
    assert joined.patients == cohort.patients
    assert same(dict(joined.tables), dict(cohort.tables))
    assert same(dict(joined.records), dict(cohort.records))
    assert same(dict(joined.outcomes), dict(cohort.outcomes))


def test_a_list_of_samples_and_a_file_of_aliquots_are_the_same_samples() -> None:
    """TCGA lists name samples (01C) where its MAF names aliquots: no mutation may be lost to that."""
    aliquots = ("TCGA-02-0001-01C-01D-0182-01", "TCGA-02-0002-01A-01D-1490-08", "TCGA-02-0002-01A-01D-1525-08")
    rows = (*(RowKey(text[:12], sample=text) for text in aliquots), RowKey("TCGA-02-0004"))
    listed = ("TCGA-02-0001-01C", "TCGA-02-0002-01A", "TCGA-02-0003-01A", "TCGA-02-0003-10A", "TCGA-02-0004-01A")
    kinds = np.array(["Missense_Mutation"] * 4, dtype=object)
    records = Records(
        "variants", rows, {"gene": np.array(["IDH1"] * 4, dtype=object), "classification": kinds},
        tuple(RowKey(text[:12], sample=text) for text in listed),
    )  # fmt: skip
    chosen, choice = records_per_tcga_patient(records, ["01", "02"])
    assert [row.sample for row in chosen.rows] == [aliquots[0], aliquots[2], ""]  # the later plate; a patient's own row
    assert [row.patient for row in chosen.profiled or ()] == [f"TCGA-02-000{number}" for number in (1, 2, 3, 4)]
    assert choice.ties == {"TCGA-02-0002": aliquots[1:]}
    assert choice.set_aside == {aliquots[1]: f"{aliquots[2]} was chosen", "TCGA-02-0003-10A": "normal tissue"}
    words = status(chosen, "IDH1", patients=[f"TCGA-02-000{number}" for number in range(1, 6)])
    assert list(words.values()) == ["mutant", "mutant", "wild type", "mutant", None]


def test_a_row_of_the_patient_is_not_lost_to_a_listed_normal() -> None:
    listed = (RowKey("TCGA-02-0004", sample="TCGA-02-0004-10A"), RowKey("TCGA-02-0005", sample="TCGA-02-0005-06A"))
    records = Records(
        "variants",
        (RowKey("TCGA-02-0004"), RowKey("TCGA-02-0005")),
        {"gene": np.array(["a", "b"], dtype=object)},
        listed,
    )
    chosen, _ = records_per_tcga_patient(records, ["01", "02"])
    assert [row.patient for row in chosen.rows] == ["TCGA-02-0004", "TCGA-02-0005"]
    assert chosen.profiled == ()  # neither blood nor a metastasis that is not asked for is a profiled tumour here
