"""Tables and cohorts as AnnData and MuData (extra `omics`), and back; column records travel in `.var`."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from genoxel.core.cohort import Cohort
from genoxel.core.errors import FileFormatError, TableError
from genoxel.core.extras import require
from genoxel.core.flow import Flow, FlowStep
from genoxel.core.keys import RowKey
from genoxel.core.outcome import Outcome
from genoxel.core.records import Records
from genoxel.core.table import Column, Source, Table
from genoxel.io import plainjson
from genoxel.io.files import atomic_write

_TEXTS = ("kind", "unit", "code", "definition", "settings")
_SOURCE = tuple(asdict(Source()))
_LISTS = ("levels", "traits")
_UNS = "genoxel"


def to_anndata(table: Table) -> Any:
    """Return an AnnData: X are the numbers, `.obs` the row key, `.var` the record of each column.

    Lists in a column's record are JSON in `.var`. Needs the extra `omics` (`MissingExtraError` otherwise).
    """
    anndata = require("anndata", "omics")
    import pandas as pd

    names = [row.text() for row in table.rows]
    if len(set(names)) < len(names):
        names = ["/".join(row) for row in table.rows]
    obs = pd.DataFrame(
        list(table.rows), columns=list(RowKey._fields), index=pd.Index(names, dtype=object), dtype=object
    )
    record = {name: [str(getattr(column, name)) for column in table.columns] for name in _TEXTS}
    record.update({f"source_{part}": [str(getattr(c.source, part)) for c in table.columns] for part in _SOURCE})
    record.update({part: [plainjson.dumps(list(getattr(c, part))) for c in table.columns] for part in _LISTS})
    var = pd.DataFrame(record, index=pd.Index(list(table.names), dtype=object), dtype=object)
    with _quiet():
        return anndata.AnnData(np.array(table.values), obs=obs, var=var, uns={_UNS: {"kind": table.kind}})


def from_anndata(data: Any, kind: str | None = None) -> Table:
    """Return a table of an AnnData: rows by `.obs` key parts (else names are patients), records from `.var`.

    Columns without our records are real numbers. Sparse X is filled. Raises `TableError` for repeated names.
    """
    matrix = data.X
    if matrix is None:
        raise TableError("an AnnData without X", "numbers in X", "copy the layer you mean into X")
    values = np.asarray(matrix.toarray() if hasattr(matrix, "toarray") else matrix, dtype=np.float64)
    about = data.uns.get(_UNS, {})
    stored = str(about.get("kind", "")) if isinstance(about, Mapping) else ""
    columns = tuple(_column(str(name), data.var.iloc[place]) for place, name in enumerate(data.var_names))
    return Table(values, _rows(data.obs), columns, kind or stored or "features")


def _column(name: str, record: Any) -> Column:
    given: dict[str, Any] = {part: str(record[part]) for part in _TEXTS if part in record}
    if "kind" not in given or "source_modality" not in record:
        return Column(name)
    source = Source(**{part: str(record[f"source_{part}"]) for part in _SOURCE})
    lists: dict[str, Any] = {part: tuple(plainjson.loads(record[part], "var")) for part in _LISTS}
    return Column(name, **given, **lists, source=source)


def _rows(obs: Any) -> tuple[RowKey, ...]:
    names = [str(name) for name in obs.index]
    if "patient" not in obs:
        return tuple(RowKey(name) for name in names)
    parts = [
        [str(value) for value in obs[part].astype(object).where(obs[part].notna(), "").tolist()]
        if part in obs
        else [""] * len(names)
        for part in RowKey._fields
    ]
    return tuple(RowKey(*row) for row in zip(*parts, strict=True))


def to_mudata(cohort: Cohort) -> Any:
    """Return a MuData with one modality per table; sites, outcomes, records and the flow travel in `.uns`.

    Outcomes are also columns of `.obs` (name of the class, or number). Volumes are not carried. Needs the extra
    `omics`.
    """
    mudata = require("mudata", "omics")
    if not cohort.tables:
        raise TableError("a cohort without tables", "at least one table", "add one with .with_table()")
    about = {
        "patients": cohort.patients,
        "site": dict(cohort.site),
        "flow": None if cohort.flow is None else [asdict(step) for step in cohort.flow.steps],
        "outcomes": {name: _pack(outcome) for name, outcome in cohort.outcomes.items()},
        "records": {name: _pack(records) for name, records in cohort.records.items()},
    }
    with _quiet(), mudata.set_options(pull_on_update=False):
        data = mudata.MuData({name: to_anndata(table) for name, table in cohort.tables.items()})
        data.uns[_UNS] = {"cohort": plainjson.dumps(about)}
        _add_obs(data, cohort)
    return data


def _add_obs(data: Any, cohort: Cohort) -> None:
    owner = {row.text(): row.patient for table in cohort.tables.values() for row in table.rows}
    owner.update({"/".join(row): row.patient for table in cohort.tables.values() for row in table.rows})
    patients = [owner[name] for name in data.obs_names]
    data.obs["patient"] = np.array(patients, dtype=object)
    if cohort.site:
        data.obs["site"] = np.array([cohort.site.get(patient, "") for patient in patients], dtype=object)
    for name, outcome in cohort.outcomes.items():
        data.obs[name] = _words(outcome.of_patients(dict.fromkeys(patients)), patients)


def _words(outcome: Outcome, patients: list[str]) -> Any:
    value = dict(zip(outcome.patients, outcome.values.tolist(), strict=True))
    if not outcome.levels:
        return np.array([value[patient] for patient in patients])
    words = ["" if value[patient] != value[patient] else outcome.levels[int(value[patient])] for patient in patients]
    return np.array(words, dtype=object)


def write_h5mu(cohort: Cohort, path: str | Path) -> Path:
    """Write a cohort as `.h5mu` (see `to_mudata`); the whole file or none appears. Needs the extra `omics`."""
    mudata = require("mudata", "omics")
    data = to_mudata(cohort)
    with tempfile.TemporaryDirectory() as folder, _quiet(), mudata.set_options(pull_on_update=False):
        place = Path(folder, "cohort.h5mu")
        data.write(str(place))
        return atomic_write(path, place.read_bytes())


def from_mudata(data: Any) -> Cohort:
    """Return a cohort of a MuData: one table per modality, and what `to_mudata` put into `.uns`.

    For a MuData from elsewhere the patients are those of the modalities. Raises `FileFormatError` for a damaged
    record.
    """
    tables = {str(name): from_anndata(part, None) for name, part in data.mod.items()}
    about = data.uns.get(_UNS, {})
    text = about.get("cohort") if isinstance(about, Mapping) else None
    if text is None:
        patients = dict.fromkeys(patient for table in tables.values() for patient in table.patients)
        return Cohort(tuple(patients), tables=tables)
    content = plainjson.loads(text, "uns['genoxel']")
    try:
        steps = content["flow"]
        return Cohort(
            content["patients"],
            tables=tables,
            outcomes={name: Outcome(**item) for name, item in content["outcomes"].items()},
            records={name: _records(item) for name, item in content["records"].items()},
            site=content["site"],
            flow=None if steps is None else Flow(tuple(FlowStep(**step) for step in steps)),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise FileFormatError(f"a damaged cohort in uns['genoxel'] ({error})", "a cohort", "export it again") from error


def _pack(noun: Outcome | Records) -> dict[str, Any]:
    if isinstance(noun, Outcome):
        packed = {"name": noun.name, "kind": noun.kind, "patients": noun.patients, "values": noun.values}
        return {**packed, "levels": noun.levels, "event": noun.event, "unit": noun.unit}
    keys: dict[str, Any] = {"rows": [tuple(row) for row in noun.rows], "genes": noun.genes}
    keys["panels"] = {patient: sorted(genes) for patient, genes in noun.panels.items()}
    keys["profiled"] = None if noun.profiled is None else [tuple(row) for row in noun.profiled]
    return {"kind": noun.kind, **keys, "fields": {name: _field(values) for name, values in noun.fields.items()}}


def _field(values: Any) -> list[Any]:
    return ["|O" if values.dtype == object else values.dtype.str, values.tolist()]


def _records(item: Mapping[str, Any]) -> Records:
    fields: dict[str, Any] = {name: np.array(values, dtype=dtype) for name, (dtype, values) in item["fields"].items()}
    profiled = None if item["profiled"] is None else tuple(RowKey(*row) for row in item["profiled"])
    panels = {patient: frozenset(genes) for patient, genes in item.get("panels", {}).items()}
    return Records(item["kind"], tuple(RowKey(*row) for row in item["rows"]), fields, profiled, item["genes"], panels)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence notices of AnnData and MuData about their own future, which are not for the user of Genoxel."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        yield
