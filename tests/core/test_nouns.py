"""Outcome, Records, Cohort, Flow, keys, identifiers, settings, errors and results."""

from __future__ import annotations

import pickle  # noqa: TID251 - what a worker process does to every noun
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from genoxel.core import errors
from genoxel.core.cohort import Cohort
from genoxel.core.errors import GenoxelError, OutcomeError, TableError, describe, nearest
from genoxel.core.extras import require
from genoxel.core.flow import Flow
from genoxel.core.ids import Barcode, clean_id, is_tcga
from genoxel.core.keys import RowKey
from genoxel.core.outcome import Outcome, check_outcome
from genoxel.core.records import Records
from genoxel.core.results import AssociationMap, Interval, TargetResult, Validation, Verdict, verdict_words
from genoxel.core.settings import Settings, digest
from genoxel.core.table import Column, Table
from nouns import hard_cohort, same, tables, with_volumes


def _sent(noun: Any) -> Any:
    return pickle.loads(pickle.dumps(noun))


@pytest.mark.parametrize(
    ("kind", "values", "more", "words"),
    [
        ("purple", [1.0], {}, "outcome kind 'purple'"),
        ("class", [2.0], {"levels": ("a", "b")}, r"class codes \[2.0\]"),
        ("class", [0.5], {"levels": ("a", "b")}, r"class codes \[0.5\]"),
        ("ordinal", [0.0], {}, "named levels"),
        ("value", [np.inf], {}, "infinite"),
        ("value", [1.0, 2.0], {}, "2 values for 1 patients"),
        ("survival", [1.0], {}, "without events"),
        ("survival", [1.0], {"event": np.array([2.0])}, "other than 0 and 1"),
        ("survival", [-1.0], {"event": np.array([1.0])}, "negative times"),
        ("survival", [1.0], {"event": np.array([1.0, 0.0])}, "without events"),
    ],
)
def test_outcomes_that_cannot_be_are_refused(kind: str, values: list[float], more: dict[str, Any], words: str) -> None:
    with pytest.raises(OutcomeError, match=words):
        Outcome("t", kind, ("P1",), np.array(values), **more)  # type: ignore[arg-type]


def test_outcome_patients_are_distinct_and_words_are_levels() -> None:
    with pytest.raises(OutcomeError, match="twice"):
        Outcome("t", "value", ("P1", "P1"), np.array([1.0, 2.0]))
    with pytest.raises(OutcomeError, match="'purple'"):
        Outcome.of_classes("t", {"P1": "purple"}, ("a", "b"))


def test_the_gate_gives_the_known_or_says_why_not() -> None:
    outcome = Outcome.of_classes("t", {"P1": "b", "P2": None, "P3": "a"}, ("a", "b"))
    index, known = check_outcome(outcome, ["P9", "P3", "P2", "P1"])
    assert index.tolist() == [1, 3]
    assert known.values.tolist() == [0, 1]
    assert outcome.smaller_class() == 1
    assert repr(outcome) == "Outcome t (class): 1 a, 1 b, 1 unknown"
    with pytest.raises(OutcomeError, match="known for none of 1"):
        check_outcome(outcome, ["P2"])
    with pytest.raises(OutcomeError, match=r"one class only \(b\)"):
        check_outcome(outcome, ["P1"])
    value = Outcome("v", "value", ("P1", "P2"), np.array([1.0, np.nan]))
    assert repr(value) == "Outcome v (value): 1 known, 1 unknown"
    with pytest.raises(OutcomeError, match="two classes"):
        value.smaller_class()
    survival = Outcome("s", "survival", ("P1", "P2"), np.array([1.0, 2.0]), event=np.array([1.0, np.nan]))
    assert survival.known.tolist() == [True, False]
    assert check_outcome(survival, ["P2", "P1"])[1].patients == ("P1",)


@given(st.dictionaries(st.text(min_size=1, max_size=3), st.sampled_from(["a", "b", None]), max_size=8), st.data())
def test_aligning_an_outcome_loses_nothing(status: dict[str, str | None], data: st.DataObject) -> None:
    outcome = Outcome.of_classes("t", status, ("a", "b"))
    wanted = data.draw(st.lists(st.one_of(st.sampled_from([*status, "zzzz"]), st.just("zzzz")), unique=True))
    aligned = outcome.of_patients(wanted)
    for patient, value in zip(wanted, aligned.values.tolist(), strict=True):
        word = status.get(patient)
        assert np.isnan(value) if word is None else ("a", "b")[int(value)] == word


def test_records_hold_equal_fields_and_say_who_was_profiled() -> None:
    records = hard_cohort().records["variants"]
    assert "23 profiled" in repr(records)
    assert records.take([]).rows == ()
    assert len(records.take(records["gene"] == "TP53")) == 1
    assert records.take([0]).profiled == records.profiled
    assert list(records.to_pandas().columns)[:6] == ["patient", "timepoint", "lesion", "region", "sample", "gene"]
    with pytest.raises(TableError, match="did you mean 'gene'"):
        records["gen"]
    with pytest.raises(TableError, match="one value per event"):
        Records("v", ("P1",), {"gene": np.array(["a", "b"])})  # type: ignore[arg-type]
    bare = Records("v", ("P1",), {"gene": np.array(["a"])}, profiled=("P1", "P1"))  # type: ignore[arg-type]
    assert bare.profiled == (RowKey("P1"),)
    assert "profiling unknown" in repr(Records("v", (), {}))


def test_cohorts_refuse_doubles_and_strangers() -> None:
    with pytest.raises(TableError, match="twice"):
        Cohort(("P1", "P1"))
    cohort = hard_cohort()
    with pytest.raises(TableError, match="did you mean 'image'"):
        cohort.table("imag")
    with pytest.raises(TableError, match="none in this cohort"):
        Cohort(()).table("x")
    small = with_volumes(cohort).of_patients(["A002", "A001"])
    assert small.patients == ("A002", "A001")
    assert set(small.images) == {"A001"}
    assert "2 patients of 1 sites · images 1" in repr(small)
    assert "target IDH" in small._repr_html_()
    with pytest.raises(TypeError):
        cohort.tables["x"] = cohort.table("image")  # type: ignore[index]


def test_the_flow_counts_and_names_everyone() -> None:
    flow = (
        Flow.start("all", ["P1", "P2", "P2", "P3"]).drop("age", {"P2": "too young", "P9": "stranger"}).drop("none", {})
    )
    assert flow.patients == ("P1", "P3")
    assert flow.lost == {"P2": ("age", "too young")}
    assert repr(flow) == "Flow 3 -> 2: age (-1)"
    assert repr(Flow.start("all", [])) == "Flow 0 -> 0: none lost"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("TCGA-HT-7468", ("TCGA-HT-7468", "HT", "", "", "TCGA-HT-7468")),
        ("TCGA-HT-7468-01", ("TCGA-HT-7468", "HT", "01", "", "TCGA-HT-7468-01")),
        ("tcga-ht-7468-02a-11d-a123-08", ("TCGA-HT-7468", "HT", "02", "A", "TCGA-HT-7468-02A")),
        (" TCGA.HT.7468.10B ", ("TCGA-HT-7468", "HT", "10", "B", "TCGA-HT-7468-10B")),
    ],
)
def test_barcodes(text: str, parts: tuple[str, ...]) -> None:
    barcode = Barcode.parse(text)
    assert (barcode.patient, barcode.site, barcode.kind, barcode.vial, barcode.sample) == parts
    assert barcode.tumour == parts[2].startswith("0")
    assert barcode.normal == parts[2].startswith("1")


@pytest.mark.parametrize(
    "text", ["", "P1", "TCGA-HT", "TCGA-HT-746", "TCGA-HT-7468-1", "XTCGA-HT-7468", "TCGA-HT-7468-01A-"]
)
def test_other_texts_are_no_barcodes(text: str) -> None:
    assert not is_tcga(text)
    with pytest.raises(TableError, match="as TCGA barcode"):
        Barcode.parse(text)


def test_identifiers_keep_their_zeros() -> None:
    assert clean_id("\ufeff 007 ") == "007"
    assert RowKey("P1", lesion="2", sample="b").text() == "P1/2/b"


@pytest.fixture(params=["plain", "dask"])
def pickling(request: pytest.FixtureRequest) -> None:
    """Send errors as Python does, and as Dask does, which replaces how exceptions are pickled."""
    if request.param == "dask":
        pytest.importorskip("tblib.pickling_support").install()


@pytest.mark.usefixtures("pickling")
def test_every_error_also_is_what_python_calls_it() -> None:
    pairs = {
        errors.InputError: ValueError,
        errors.MissingFileError: FileNotFoundError,
        errors.NotDefinedError: ArithmeticError,
        errors.MissingExtraError: ImportError,
        errors.OutputError: OSError,
        errors.RemoteError: ConnectionError,
        errors.BusyError: RuntimeError,
        errors.WorkerError: RuntimeError,
    }
    for ours, python in pairs.items():
        assert issubclass(ours, python)
    family = [item for item in vars(errors).values() if isinstance(item, type) and issubclass(item, GenoxelError)]
    assert len(family) == 15
    for kind in family:
        assert kind.__name__ in (errors.__doc__ or "")
        error = kind("spacing 0", "above 0", "correct it")
        error.add_note("patient P001")
        back = _sent(error)
        assert type(back) is kind
        assert describe(back) == "got spacing 0; legal: above 0; to fix: correct it | patient P001"
    assert describe(KeyError()) == "KeyError"
    assert str(GenoxelError("x")) == "got x"
    assert nearest("zzz", ["abc"]) == ""


def test_extras_and_settings() -> None:
    with pytest.raises(errors.MissingExtraError, match=r'pip install "genoxel\[omics\]"'):
        require("a_library_that_does_not_exist", "omics")

    class Small(Settings):
        a: int = 1
        b: tuple[str, ...] = ()

    assert Small(a=1).digest() == Small().digest()
    assert Small(a=2).digest() != Small().digest()
    with pytest.raises(ValidationError, match="Extra inputs"):
        Small.model_validate({"c": 1})
    with pytest.raises(ValidationError, match="frozen"):
        Small().a = 3
    assert digest({"a": [1, "ü"]}) == digest({"a": [1, "ü"]})
    assert len(digest(None)) == 16


def test_results_say_their_numbers() -> None:
    assert str(Interval(0.5, np.nan, np.nan)) == "0.50 (no interval)"
    pairs = {"q": np.array([0.01, 0.5, np.nan]), "q_adjusted": np.array([np.nan, 0.04, np.nan])}
    found = AssociationMap((Column("a"),), (Column("b"),), pairs, np.array([0, 3]), 0.05)
    assert (found.hits, found.hits_adjusted) == (1, 1)
    assert repr(found) == "AssociationMap 1 x 1 pairs · BH 5%: 1 pairs, null worlds 0-3"
    assert len(found.to_pandas()) == 3
    predictions = {"patient": np.array(["P1"], dtype=object), "y": np.array([1.0]), "score": np.array([0.7])}
    validation = Validation("t", "m", "image", "auc", Interval(0.6, 0.5, 0.7), 20, 10, 0.9, predictions)
    assert validation.optimism == pytest.approx(0.3)
    assert repr(validation) == "Validation t by m on image: auc 0.60 (0.50 to 0.70), n=20"
    assert validation.to_pandas()["score"].tolist() == [0.7]
    verdict = Verdict("t", "inconclusive", "r", "n", "rule")
    assert verdict.word in verdict_words()
    content = ("t", ("a", "b"), {"a": 1}, (validation,), None, "", 0.2, 0.2, 0.6, np.array([0.5]), 0.7, verdict)
    result = TargetResult(*content)
    assert result.primary is validation
    assert result.to_pandas()["estimate"].tolist() == [0.6]
    assert repr(result) == "TargetResult t: INCONCLUSIVE, auc 0.60 (0.50 to 0.70)"
    empty = TargetResult(*(*content[:3], (), *content[4:]))
    assert empty.primary is None
    assert repr(empty) == "TargetResult t: INCONCLUSIVE"
    for noun in (found, validation, result):
        assert same(_sent(noun), noun)


@given(tables())
@settings(max_examples=30, deadline=None)
def test_tables_cross_a_process(table: Table) -> None:
    sent = _sent(table)
    assert same(sent, table)
    assert not sent.values.flags.writeable


def test_the_hard_cohort_crosses_a_process() -> None:
    cohort = hard_cohort()
    sent = _sent(cohort)
    for name in ("patients", "tables", "records", "outcomes", "site"):
        assert same(_plain(getattr(sent, name)), _plain(getattr(cohort, name)))
    volumes = _sent(with_volumes(cohort))
    assert np.array_equal(volumes.images["A001"]["T1CE"].values(), np.arange(24).reshape(2, 3, 4))


def _plain(value: Any) -> Any:
    return dict(value) if hasattr(value, "keys") else value
