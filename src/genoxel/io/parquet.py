"""Parquet files of tables, records and outcomes: column records travel inside, same content is same bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar, cast

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import FileFormatError, InputError, TableError
from genoxel.core.image import FloatArray
from genoxel.core.keys import RowKey
from genoxel.core.outcome import Outcome
from genoxel.core.records import Records
from genoxel.core.table import Column, Source, Table
from genoxel.io import plainjson
from genoxel.io.files import atomic_write, existing

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 1
"""Raised when an older Genoxel could no longer read what is written."""

_META = b"genoxel"
_KEYS = RowKey._fields
Noun = TypeVar("Noun", Table, Records, Outcome)


def write_table(table: Table, path: str | Path) -> Path:
    """Write a table to Parquet: five key columns, one column of numbers each (null where missing), records inside.

    Raises `OutputError` when the file cannot be written; what was there before stays.
    """
    names, arrays = _key_columns(table.rows)
    for place, column in enumerate(table.columns):
        names.append(_column_name(column.name, place, names))
        arrays.append(_numbers(table.values[:, place]))
    about = {"noun": "table", "kind": table.kind, "columns": [column_record(column) for column in table.columns]}
    return _write(path, names, arrays, about)


def read_table(path: str | Path) -> Table:
    """Return a table written by `write_table`; `FileFormatError` for damaged files and other kinds of file."""
    return _read(path, "table", _table_of)


def write_records(records: Records, path: str | Path) -> Path:
    """Write records to Parquet: five key columns and one column per field; who was profiled travels inside."""
    names, arrays = _key_columns(records.rows)
    dtypes = {}
    for name, values in records.fields.items():
        names.append(_column_name(name, len(names) - len(_KEYS), names))
        arrays.append(_field(values, name))
        dtypes[name] = "object" if values.dtype == object else values.dtype.str
    about = {
        "noun": "records",
        "kind": records.kind,
        "fields": dtypes,
        "profiled": None if records.profiled is None else [list(row) for row in records.profiled],
        "genes": None if records.genes is None else list(records.genes),
        "panels": {patient: sorted(genes) for patient, genes in sorted(records.panels.items())},
    }
    return _write(path, names, arrays, about)


def read_records(path: str | Path) -> Records:
    """Return records written by `write_records`; `FileFormatError` for damaged files and other kinds of file."""
    return _read(path, "records", _records_of)


def write_outcome(outcome: Outcome, path: str | Path) -> Path:
    """Write an outcome to Parquet: patient, value, and event for survival."""
    import pyarrow as pa

    names = ["patient", "value"]
    arrays = [pa.array(list(outcome.patients), pa.string()), _numbers(outcome.values)]
    if outcome.event is not None:
        names.append("event")
        arrays.append(_numbers(outcome.event))
    about = {"noun": "outcome", "name": outcome.name, "kind": outcome.kind, "unit": outcome.unit}
    return _write(path, names, arrays, {**about, "levels": list(outcome.levels)})


def read_outcome(path: str | Path) -> Outcome:
    """Return an outcome written by `write_outcome`; `FileFormatError` for damaged files and other kinds of file."""
    return _read(path, "outcome", _outcome_of)


def write_arrays(arrays: Mapping[str, npt.NDArray[Any]], path: str | Path) -> Path:
    """Write equally long arrays of numbers or text to Parquet, one column each."""
    dtypes = {name: "object" if values.dtype == object else values.dtype.str for name, values in arrays.items()}
    columns = [_field(values, name) for name, values in arrays.items()]
    return _write(path, list(arrays), columns, {"noun": "arrays", "fields": dtypes})


def read_arrays(path: str | Path) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays written by `write_arrays`."""
    content, about = _open(path, "arrays")
    return _fields_of(content, about["fields"], 0)


def column_record(column: Column) -> dict[str, Any]:
    """Return a column's record as plain data; parts that hold nothing are left out."""
    record = {name: value for name, value in asdict(column).items() if name != "source" and value}
    source = {name: value for name, value in asdict(column.source).items() if value}
    record.update(source=source, name=column.name, kind=column.kind)
    for name in ("levels", "traits"):
        if name in record:
            record[name] = list(record[name])
    return record


def column_of(record: Mapping[str, Any]) -> Column:
    """Return the column of a record made by `column_record`; `FileFormatError` for a record that is none."""
    known = {field.name for field in fields(Column)}
    given = dict(record)
    source = given.pop("source", {})
    if set(given) - known or not isinstance(source, Mapping) or not isinstance(given.get("name"), str):
        raise FileFormatError(f"the column record {dict(record)!r}", ", ".join(sorted(known)), "write the file again")
    for name in ("levels", "traits"):
        given[name] = tuple(given.get(name, ()))
    return Column(**given, source=Source(**source))


def _key_columns(rows: Sequence[RowKey]) -> tuple[list[str], list[pa.Array]]:
    import pyarrow as pa

    return list(_KEYS), [pa.array([row[place] for row in rows], pa.string()) for place in range(len(_KEYS))]


def _column_name(name: str, place: int, taken: Iterable[str]) -> str:
    """Return a name for the file that is unique and not empty; the true one is in the record."""
    return f"{name}#{place}" if name in taken or not name else name


def _numbers(values: FloatArray) -> pa.Array:
    import pyarrow as pa

    array = np.ascontiguousarray(values, dtype=np.float64)
    return pa.array(array, pa.float64(), mask=np.isnan(array))


def _field(values: npt.NDArray[Any], name: str) -> pa.Array:
    import pyarrow as pa

    if values.dtype.kind in "US":
        return pa.array([str(value) for value in values.tolist()], pa.string())
    if values.dtype.kind in "biuf":
        return pa.array(values, mask=np.isnan(values) if values.dtype.kind == "f" else None)
    odd = sorted({type(item).__name__ for item in values.tolist() if not isinstance(item, str | None)})
    if odd:
        raise TableError(f"{', '.join(odd)} in the field {name!r}", "text or None, or an array of numbers")
    return pa.array(values.tolist(), pa.string())


def _write(path: str | Path, names: list[str], arrays: list[pa.Array], about: dict[str, Any]) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    text = plainjson.dumps({"format": FORMAT, **about})
    schema = pa.schema([(name, array.type) for name, array in zip(names, arrays, strict=True)], {_META: text.encode()})
    content = pa.Table.from_arrays(arrays, schema=schema)
    dictionary = [name for name, array in zip(names, arrays, strict=True) if pa.types.is_string(array.type)]

    def fill(file: BinaryIO) -> None:
        pq.write_table(
            content,
            file,
            compression="zstd",
            use_dictionary=dictionary or False,
            write_page_checksum=True,
            version="2.6",
        )

    return atomic_write(path, fill)


def is_ours(path: str | Path) -> bool:
    """Return whether a Parquet file carries records of Genoxel; False also for files that are damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return _META in (pq.read_schema(existing(path)).metadata or {})
    except (pa.ArrowException, OSError, ValueError):
        return False


def _open(path: str | Path, noun: str) -> tuple[pa.Table, dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = existing(path)
    try:
        with pq.ParquetFile(file, page_checksum_verification=True) as stored:
            content = stored.read(use_threads=False)
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0][:200]
        raise FileFormatError(f"a damaged Parquet file {file.name} ({reason})", ".parquet", "write it again") from error
    meta = (content.schema.metadata or {}).get(_META)
    if meta is None:
        raise FileFormatError(
            f"{file.name} without column records",
            "a file that Genoxel wrote",
            "use io.features.read_features for others",
        )
    about = plainjson.loads(meta, file.name)
    if not isinstance(about, dict) or about.get("noun") != noun:
        found = about.get("noun") if isinstance(about, dict) else "no record"
        raise FileFormatError(f"{file.name} that holds {found}", noun, f"use the reader for {found}")
    if about.get("format") != FORMAT:
        raise FileFormatError(f"{file.name} of format {about.get('format')}", str(FORMAT), "update Genoxel")
    return content, about


def _read(path: str | Path, noun: str, make: Callable[[pa.Table, dict[str, Any]], Noun]) -> Noun:
    content, about = _open(path, noun)
    try:
        return make(content, about)
    except InputError as error:
        error.add_note(f"file {Path(path).name}")
        raise
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise FileFormatError(
            f"{Path(path).name} whose record does not fit its columns ({error})", noun, "write it again"
        ) from error


def _keys_of(content: pa.Table) -> tuple[RowKey, ...]:
    parts = [content.column(place).to_pylist() for place in range(len(_KEYS))]
    return tuple(RowKey(*row) for row in zip(*parts, strict=True))


def _floats(column: pa.ChunkedArray) -> FloatArray:
    return cast(FloatArray, column.to_numpy(zero_copy_only=False).astype(np.float64, copy=False))


def _table_of(content: pa.Table, about: dict[str, Any]) -> Table:
    columns = tuple(column_of(record) for record in about["columns"])
    if content.num_columns != len(_KEYS) + len(columns):
        raise ValueError(f"{content.num_columns - len(_KEYS)} columns, {len(columns)} records")
    values = np.empty((content.num_rows, len(columns)), order="F")
    for place in range(len(columns)):
        values[:, place] = _floats(content.column(len(_KEYS) + place))
    return Table(values, _keys_of(content), columns, str(about["kind"]))


def _fields_of(content: pa.Table, dtypes: Mapping[str, str], first: int) -> dict[str, npt.NDArray[Any]]:
    if content.num_columns != first + len(dtypes):
        raise ValueError(f"{content.num_columns - first} columns, {len(dtypes)} records")
    found: dict[str, npt.NDArray[Any]] = {}
    for place, (name, dtype) in enumerate(dtypes.items()):
        column = content.column(first + place)
        if np.dtype(dtype).kind == "f":
            found[name] = _floats(column).astype(dtype)
        else:
            found[name] = np.array(column.to_pylist(), dtype=dtype)
    return found


def _records_of(content: pa.Table, about: dict[str, Any]) -> Records:
    profiled = about["profiled"]
    return Records(
        str(about["kind"]),
        _keys_of(content),
        _fields_of(content, about["fields"], len(_KEYS)),
        None if profiled is None else tuple(RowKey(*row) for row in profiled),
        None if about["genes"] is None else tuple(about["genes"]),
        {patient: frozenset(genes) for patient, genes in about.get("panels", {}).items()},
    )


def _outcome_of(content: pa.Table, about: dict[str, Any]) -> Outcome:
    patients = tuple(content.column(0).to_pylist())
    event = _floats(content.column(2)) if content.num_columns > 2 else None
    levels, unit = tuple(about["levels"]), str(about["unit"])
    return Outcome(str(about["name"]), about["kind"], patients, _floats(content.column(1)), levels, event, unit)
