"""Nouns to disk and back, exactly; same content, same bytes; damage refused."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genoxel.core.cohort import Cohort
from genoxel.core.errors import FileFormatError, MissingFileError, OutputError, TableError
from genoxel.core.keys import RowKey
from genoxel.core.outcome import Outcome
from genoxel.core.records import Records
from genoxel.core.results import AssociationMap, Interval, TargetResult, Validation, Verdict
from genoxel.core.table import Column, Table
from genoxel.io import plainjson
from genoxel.io.parquet import column_of, column_record, is_ours, read_arrays, write_arrays
from genoxel.io.tables import (
    read_cohort,
    read_outcome,
    read_records,
    read_result,
    read_table,
    write_cohort,
    write_csv,
    write_outcome,
    write_records,
    write_result,
    write_table,
)
from nouns import hard_cohort, name, numbers, same, tables, text, with_volumes

FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(table=tables())
@FEW
def test_any_table_comes_back_equal_and_its_bytes_repeat(tmp_path: Path, table: Table) -> None:
    write_table(table, tmp_path / "a.parquet")
    write_table(table, tmp_path / "b.parquet")
    assert same(read_table(tmp_path / "a.parquet"), table)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


@given(
    rows=st.lists(st.tuples(name, text), max_size=5),
    profiled=st.none() | st.lists(name, max_size=3, unique=True),
    genes=st.none() | st.lists(name, max_size=3),
    data=st.data(),
)
@FEW
def test_any_records_come_back_equal(
    tmp_path: Path,
    rows: list[tuple[str, str]],
    profiled: list[str] | None,
    genes: list[str] | None,
    data: st.DataObject,
) -> None:
    size = len(rows)
    words = data.draw(st.lists(st.none() | text, min_size=size, max_size=size))
    depths = data.draw(st.lists(numbers, min_size=size, max_size=size))
    fields = {
        "gene": np.array(words, dtype=object),
        "patient": np.array(depths, dtype=float),
        "start": np.arange(size, dtype=np.int64),
        "coding": np.arange(size) % 2 == 0,
        "fixed": np.array(["ab"] * size, dtype="<U2"),
    }
    keys = tuple(RowKey(who, sample=sample) for who, sample in rows)
    given_records = Records(
        "variants",
        keys,
        fields,
        None if profiled is None else tuple(map(RowKey, profiled)),
        None if genes is None else tuple(genes),
    )
    write_records(given_records, tmp_path / "r.parquet")
    assert same(read_records(tmp_path / "r.parquet"), given_records)


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome.of_classes("IDH", {"007": "mutant", "P2": None}, ("wild type", "mutant")),
        Outcome.of_classes("grade", {"P1": "G2", "P2": "G4"}, ("G2", "G3", "G4"), ordered=True),
        Outcome("hypoxia", "value", ("P1", "P2"), np.array([0.1, np.nan]), unit="z"),
        Outcome("OS", "survival", ("P1", "P2"), np.array([3.5, np.nan]), event=np.array([1.0, np.nan]), unit="months"),
        Outcome("none", "value", (), np.array([])),
    ],
)
def test_outcomes_come_back_equal(tmp_path: Path, outcome: Outcome) -> None:
    write_outcome(outcome, tmp_path / "o.parquet")
    assert same(read_outcome(tmp_path / "o.parquet"), outcome)


def test_parquet_is_readable_by_others_with_missing_as_null(tmp_path: Path) -> None:
    table = Table(np.array([[1.5, np.nan]]), ("007",), (Column("age"), Column("patient")), "clinical")
    write_table(table, tmp_path / "t.parquet")
    frame = pd.read_parquet(tmp_path / "t.parquet")
    assert frame.loc[0, "patient"] == "007"
    assert frame.loc[0, "age"] == 1.5
    assert pq.read_table(tmp_path / "t.parquet").column("patient#1").null_count == 1


def test_every_damaged_byte_run_is_refused_or_harmless(tmp_path: Path) -> None:
    """Bytes flipped anywhere in the file never give other numbers in silence."""
    rng = np.random.default_rng(3)
    table = Table(rng.normal(size=(50, 4)), tuple(f"P{i}" for i in range(50)), tuple(map(Column, "abcd")))  # type: ignore[arg-type]
    write_table(table, tmp_path / "t.parquet")
    good = (tmp_path / "t.parquet").read_bytes()
    refused = 0
    for place in range(4, len(good) - 8, 97):
        bad = bytearray(good)
        bad[place] ^= 0xFF
        (tmp_path / "bad.parquet").write_bytes(bytes(bad))
        try:
            found = read_table(tmp_path / "bad.parquet")
        except (FileFormatError, TableError):
            refused += 1
        else:
            assert np.array_equal(found.values, table.values)
            assert found.rows == table.rows
    assert refused > 10


def test_other_files_are_refused_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(b"no parquet at all")
    with pytest.raises(FileFormatError, match="damaged"):
        read_table(path)
    assert not is_ours(path)
    pd.DataFrame({"patient": ["P1"], "x": [1.0]}).to_parquet(path)
    with pytest.raises(FileFormatError, match="read_features"):
        read_table(path)
    write_outcome(Outcome("a", "value", ("P1",), np.array([1.0])), path)
    with pytest.raises(FileFormatError, match="holds outcome"):
        read_table(path)
    with pytest.raises(MissingFileError):
        read_table(tmp_path / "none.parquet")


def test_records_inside_that_do_not_fit_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table(np.array([[1.0]]), ("P1",), (Column("a"),))
    for wrong, words in (
        ({"columns": []}, "does not fit"),
        ({"columns": [{"name": "a", "colour": "red"}]}, "column record"),
        ({"columns": [{"name": "a", "kind": "purple"}]}, "column kind"),
        ({"format": 99}, "format 99"),
        ({"noun": None}, "holds None"),
    ):
        real = plainjson.dumps
        monkeypatch.setattr(plainjson, "dumps", lambda content, real=real, wrong=wrong: real({**content, **wrong}))
        write_table(table, tmp_path / "t.parquet")
        monkeypatch.setattr(plainjson, "dumps", real)
        with pytest.raises((FileFormatError, TableError), match=words):
            read_table(tmp_path / "t.parquet")


def test_field_types_that_have_no_place_are_refused(tmp_path: Path) -> None:
    odd = Records("variants", ("P1",), {"gene": np.array([{"a": 1}], dtype=object)})  # type: ignore[arg-type]
    with pytest.raises(TableError, match="dict"):
        write_records(odd, tmp_path / "r.parquet")
    assert list(tmp_path.iterdir()) == []


def test_arrays_come_back_with_their_types(tmp_path: Path) -> None:
    arrays = {"n": np.array([1, 2]), "p": np.array([0.5, np.nan]), "who": np.array(["a", None], dtype=object)}
    write_arrays(arrays, tmp_path / "a.parquet")
    assert same(read_arrays(tmp_path / "a.parquet"), arrays)


def test_column_records_round_trip_and_leave_out_what_is_empty() -> None:
    assert column_record(Column("a")) == {"name": "a", "kind": "real", "source": {}}
    column = Column("a", "ordinal", levels=("low", "high"), traits=("t",))
    assert column_of(column_record(column)) == column


def test_csv_is_what_a_spreadsheet_expects(tmp_path: Path) -> None:
    columns = (
        Column("=cmd()"),
        Column("grade", "ordinal", levels=("G2", "G3")),
        Column("n", "count"),
        Column("odd", "categorical", levels=("a",)),
    )
    values = np.array([[0.1, 1, 3, 0.5], [np.nan, np.nan, -2, 7]])
    table = Table(values, (RowKey("007", lesion="2"), RowKey("+49", lesion="1")), columns, "clinical")
    write_csv(table, tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["patient", "lesion", "'=cmd()", "grade", "n", "odd"]
    assert rows[1] == ["007", "2", "0.1", "G3", "3", "0.5"]
    assert rows[2] == ["'+49", "1", "", "", "-2", "7"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_text_cell_starts_like_a_formula(tmp_path: Path, start: str) -> None:
    write_csv(Table(np.empty((1, 0)), (f"{start}HYPERLINK(1)",), ()), tmp_path / "t.csv")  # type: ignore[arg-type]
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8-sig") as file:
        assert list(csv.reader(file))[1][0] == f"'{start}HYPERLINK(1)"


def test_csv_has_a_mark_only_where_letters_need_it(tmp_path: Path) -> None:
    write_csv(Table(np.array([[1.0]]), ("P1",), (Column("a"),), "clinical"), tmp_path / "a.csv")  # type: ignore[arg-type]
    write_csv(Table(np.array([[1.0]]), ("Ö1",), (Column("a"),), "clinical"), tmp_path / "b.csv")  # type: ignore[arg-type]
    assert (tmp_path / "a.csv").read_bytes() == b"patient,a\r\nP1,1\r\n"
    assert (tmp_path / "b.csv").read_bytes() == "\ufeffpatient,a\r\nÖ1,1\r\n".encode()


def test_features_always_carry_time_point_lesion_and_region(tmp_path: Path) -> None:
    write_csv(Table(np.array([[1.0]]), ("P1",), (Column("a"),)), tmp_path / "a.csv")  # type: ignore[arg-type]
    assert (tmp_path / "a.csv").read_bytes() == b"patient,timepoint,lesion,region,a\r\nP1,,,,1\r\n"


@given(values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=8))
@FEW
def test_csv_numbers_are_exact_for_pandas(tmp_path: Path, values: list[float]) -> None:
    table = Table(np.array([values]), ("P1",), tuple(Column(f"c{i}") for i in range(len(values))))  # type: ignore[arg-type]
    write_csv(table, tmp_path / "t.csv")
    frame = pd.read_csv(tmp_path / "t.csv", dtype={"patient": str}, float_precision="round_trip")
    assert frame.filter(regex="^c").iloc[0].astype(float).tolist() == values


def test_the_hard_cohort_comes_back_equal(tmp_path: Path) -> None:
    cohort = with_volumes(hard_cohort())
    write_cohort(cohort, tmp_path / "cohort")
    found = read_cohort(tmp_path / "cohort")
    assert same(found.tables, cohort.tables)
    assert same(found.records, cohort.records)
    assert same(found.outcomes, cohort.outcomes)
    assert (found.patients, dict(found.site), found.flow) == (cohort.patients, dict(cohort.site), cohort.flow)
    image, stored = cohort.images["A001"]["T1CE"], found.images["A001"]["T1CE"]
    assert np.array_equal(stored.values(), image.values())
    assert stored.values().dtype == np.int16
    assert (stored.modality, dict(stored.tags)) == (image.modality, dict(image.tags))
    assert same(stored.affine, image.affine)
    assert same(stored.history[0].params, image.history[0].params)
    mask, kept = cohort.masks["A001"]["tumour"], found.masks["A001"]["tumour"]
    assert np.array_equal(kept.array, mask.array)
    assert dict(kept.labels) == dict(mask.labels)


def test_writing_a_cohort_again_gives_the_same_bytes_and_leaves_no_old_parts(tmp_path: Path) -> None:
    write_cohort(hard_cohort(1), tmp_path / "a")
    write_cohort(hard_cohort(2), tmp_path / "a")
    write_cohort(hard_cohort(2), tmp_path / "b")
    contents = [{file.name: file.read_bytes() for file in (tmp_path / where).iterdir()} for where in "ab"]
    assert contents[0] == contents[1]


def test_an_interrupted_rewrite_leaves_the_old_cohort_readable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = hard_cohort(1)
    write_cohort(old, tmp_path / "c")
    monkeypatch.setattr("genoxel.io.folders.plainjson.dumps", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write_cohort(with_volumes(hard_cohort(2)), tmp_path / "c")
    monkeypatch.undo()
    assert same(read_cohort(tmp_path / "c").tables, old.tables)


def test_a_cohort_with_a_changed_or_lost_part_is_refused(tmp_path: Path) -> None:
    write_cohort(hard_cohort(), tmp_path / "c")
    part = next(tmp_path.glob("c/image-*.parquet"))
    content = part.read_bytes()
    part.write_bytes(content + b"x")
    with pytest.raises(FileFormatError, match="changed since"):
        read_cohort(tmp_path / "c")
    part.unlink()
    with pytest.raises(MissingFileError, match="image-"):
        read_cohort(tmp_path / "c")
    with pytest.raises(MissingFileError, match=r"cohort\.json"):
        read_cohort(tmp_path)


def test_a_manifest_that_points_outside_or_holds_another_noun_is_refused(tmp_path: Path) -> None:
    write_cohort(Cohort(("P1",)), tmp_path)
    manifest = tmp_path / "cohort.json"
    content = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**content, "parts": {"../../etc/passwd": "0"}}))
    with pytest.raises(FileFormatError, match="part name"):
        read_cohort(tmp_path)
    manifest.write_text(json.dumps({**content, "noun": "validation"}))
    with pytest.raises(FileFormatError, match="no cohort"):
        read_cohort(tmp_path)
    manifest.write_text("{")
    with pytest.raises(FileFormatError, match="damaged record"):
        read_cohort(tmp_path)
    manifest.write_text(json.dumps({key: value for key, value in content.items() if key != "site"}))
    with pytest.raises(FileFormatError, match="site"):
        read_cohort(tmp_path)


def _map() -> AssociationMap:
    pairs = {
        "image": np.array(["vol", "vol"], dtype=object),
        "other": np.array(["IDH1", "EGFR"], dtype=object),
        "n": np.array([20, 0]),
        "p": np.array([0.01, np.nan]),
        "q": np.array([0.02, np.nan]),
        "q_adjusted": np.array([np.nan, np.nan]),
        "flag": np.array(["", "constant column"], dtype=object),
    }
    settings_ = {"q": 0.05, "adjust": ("age",), "permutations": 99, "nothing": None}
    columns = (Column("vol", unit="mm3"),), (Column("IDH1", "binary", levels=("wild type", "mutant")), Column("EGFR"))
    return AssociationMap(*columns, pairs, np.array([0, 1, 0]), 0.05, ("age",), float("nan"), settings_)


def _target(ladder: bool) -> TargetResult:
    interval = Interval(0.7, 0.5, 0.9, method="DeLong", target="0.8 n", coverage="94 %")
    predictions = {
        "repeat": np.array([0, 0]),
        "fold": np.array([0, 1]),
        "patient": np.array(["P1", "P2"], dtype=object),
        "y": np.array([0.0, 1.0]),
        "score": np.array([0.2, 0.8]),
    }
    validation = Validation(
        *("IDH", "elastic_net", "image", "auc", interval, 2, 1, 0.99, predictions),
        *({"brier": interval}, {"vol": 3}, 5, ("one fold constant",), {"outer": 5}),
    )
    verdict = Verdict("IDH", "inconclusive", "p 0.2", "more patients", "the rule")
    gain = Interval(0.01, -0.06, 0.08) if ladder else None
    return TargetResult(
        *("IDH", ("wild type", "mutant"), {"mutant": 1, "wild type": 1}, (validation, validation) if ladder else ()),
        *(
            gain,
            "volume" if ladder else "",
            0.2 if ladder else math.nan,
            0.3,
            0.7,
            np.array([0.5, np.nan]),
            0.7,
            verdict,
        ),
        notes=("note",),
    )


@pytest.mark.parametrize("result", [_map(), _target(True), _target(False), _target(True).ladder[0]])
def test_results_come_back_equal(tmp_path: Path, result: AssociationMap | TargetResult | Validation) -> None:
    write_result(result, tmp_path / "r")
    assert same(read_result(tmp_path / "r"), result)


def test_results_refuse_what_they_are_not(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"result\.json"):
        read_result(tmp_path)
    with pytest.raises(TableError, match="int as result"):
        write_result(3, tmp_path)  # type: ignore[arg-type]
    (tmp_path / "result.json").write_text('{"noun": "poem"}')
    with pytest.raises(FileFormatError, match="poem"):
        read_result(tmp_path)
    (tmp_path / "result.json").write_text('{"noun": "validation", "format": 1, "parts": {}}')
    with pytest.raises(FileFormatError, match="damaged"):
        read_result(tmp_path)


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="file"):
        write_cohort(hard_cohort(), tmp_path / "file" / "cohort")


_plain = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | text,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(text | st.just("~"), inner, max_size=3)
        | st.dictionaries(st.integers(), inner, max_size=2)
    ),
    max_leaves=8,
)


@given(content=_plain)
@FEW
def test_json_gives_back_what_it_was_given(content: object) -> None:
    assert same(plainjson.loads(plainjson.dumps(content)), content)


def test_json_of_arrays_scalars_and_strangers() -> None:
    assert same(plainjson.loads(plainjson.dumps({"a": np.array([[1.5, np.nan]])})), {"a": np.array([[1.5, np.nan]])})
    assert plainjson.loads(plainjson.dumps(np.float32(0.5))) == 0.5
    with pytest.raises(TableError, match="object"):
        plainjson.dumps(object())
    for bad in ("{", '{"~": "python/object", "value": 1}', '{"~": "array", "dtype": "|O", "shape": [1], "value": [1]}'):
        with pytest.raises(FileFormatError, match="damaged record"):
            plainjson.loads(bad)
