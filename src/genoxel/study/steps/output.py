"""What a run leaves in the folder of results: tables twice (Parquet and CSV), who was lost, and how it was made."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from genoxel.associate.drivers import DriverContrasts
from genoxel.associate.findings import Groups, Meaning
from genoxel.core.cohort import Cohort
from genoxel.core.errors import GenoxelError, describe
from genoxel.core.flow import Flow
from genoxel.core.keys import RowKey
from genoxel.core.outcome import Outcome
from genoxel.core.results import AssociationMap, TargetResult
from genoxel.io import plainjson
from genoxel.io.files import atomic_write, hash_file
from genoxel.io.parquet import write_arrays
from genoxel.io.spreadsheet import write_csv, write_rows
from genoxel.io.tables import write_table
from genoxel.omics.variants import is_germline
from genoxel.report.ibsi_items import ReportingItem
from genoxel.study.assay import AssayQuality
from genoxel.study.result import verdict_record
from genoxel.study.sink import DICTIONARY, Sink, dictionary_rows, write_failed
from genoxel.study.steps.cohort import Gathered, targets_table
from genoxel.study.steps.features import NotDefined
from genoxel.study.steps.records import Facts, explained

__all__ = [
    "Sink",
    "hashes_of",
    "listed_outputs",
    "plain_cell",
    "remove_old",
    "write_drivers",
    "write_exports",
    "write_failed",
    "write_flow",
    "write_json",
    "write_maps",
    "write_meaning",
    "write_measures",
    "write_not_defined",
    "write_predictions",
    "write_quality",
    "write_record",
    "write_reporting",
    "write_tables",
    "write_verdicts",
]


def write_tables(gathered: Gathered, sink: Sink, facts: Facts) -> None:
    """Write features (with where each row comes from), clinical, expression and targets as Parquet and CSV.

    One data dictionary explains the columns of all. Germline is left out unless the study file shares it.
    """
    tables = {f"{name}_table": table for name, table in shared_layers(gathered).tables.items() if table.columns}
    tables["features_table"] = explained(gathered.features, facts)
    if gathered.outcomes:
        tables["targets_table"] = targets_table(gathered.outcomes, gathered.cohort.patients)
    for name, table in tables.items():
        write_table(table, sink(f"tables/{name}.parquet"))
        write_csv(table, sink(f"tables/{name}.csv"))
    write_rows(list(DICTIONARY), dictionary_rows(tables), sink("tables/data_dictionary.csv"))


def shared_layers(gathered: Gathered) -> Cohort:
    """Return the cohort less what is germline: blocks that are not shared, and mutations whose origin is germline."""
    cohort = gathered.cohort
    tables = {name: table for name, table in cohort.tables.items() if name not in gathered.germline}
    records = dict(cohort.records)
    if "variants" in gathered.germline and "variants" in records:
        records["variants"] = records["variants"].take(~is_germline(records["variants"]))
    return replace(cohort, tables=tables, records=records)


def write_not_defined(missing: Sequence[NotDefined], sink: Sink) -> None:
    """Write tables/not_defined.csv: every feature that a row has no value for, and why (where images were measured)."""
    rows = [[*one.row, one.feature, one.reason] for one in missing]
    if rows:
        write_rows([*RowKey._fields, "feature", "reason"], rows, sink("tables/not_defined.csv"))


def write_measures(name: str, rows: Sequence[Sequence[object]], sink: Sink) -> None:
    """Write tables/NAME.csv: what a stage of preparation measured of each series, where it was asked for."""
    if rows:
        write_rows(["patient", "series", "measure", "value"], [list(row) for row in rows], sink(f"tables/{name}.csv"))


def write_reporting(items: Sequence[ReportingItem], settings: Mapping[str, Any], sink: Sink) -> None:
    """Write the filled reporting items of IBSI and the settings behind each hash, where anything was measured."""
    if items:
        write_rows(list(ReportingItem._fields), [list(item) for item in items], sink("ibsi_reporting.csv"))
        write_json(settings, sink("settings.json"))


def write_exports(gathered: Gathered, formats: Sequence[str], name: str, sink: Sink) -> list[str]:
    """Write what [report] export asks for into the folder export; return why something could not be written."""
    from genoxel.io.generic_assay import write_generic_assay
    from genoxel.io.interop import write_h5mu

    refused = []
    if "h5mu" in formats:
        write_h5mu(shared_layers(gathered), sink("export/cohort.h5mu"))
    if "cbioportal" in formats:
        try:
            for path in write_generic_assay(gathered.features, sink.folder / "export", name or "study"):
                sink(f"export/{path.name}")
        except GenoxelError as error:
            refused.append(f" export cbioportal: {describe(error)}")
    return refused


def write_flow(flow: Flow, sink: Sink) -> None:
    """Write flow.csv: one row per box and lost patient, and one for a box that lost nobody."""
    rows: list[list[Any]] = []
    for place, step in enumerate(flow.steps):
        counts = [place, step.label, len(step.entered), len(step.left)]
        rows += [[*counts, patient, reason] for patient, reason in step.lost] or [[*counts, "", ""]]
    write_rows(["box", "label", "entered", "left", "lost_patient", "reason"], rows, sink("flow.csv"))


def write_maps(maps: Mapping[str, AssociationMap], sink: Sink) -> None:
    """Write every association map, one row per pair and one per target, as Parquet and CSV each."""
    for name, found in maps.items():
        place = f"tables/associations_{name}"
        for part, columns in ((f"{place}_targets", found.targets), (place, found.pairs)):
            if columns:
                write_arrays(columns, sink(f"{part}.parquet"))
                _write_columns(columns, sink(f"{part}.csv"))


def _write_columns(columns: Mapping[str, Any], path: Path) -> None:
    """Write columns as CSV, one row per place."""
    listed = [list(values) if isinstance(values, tuple) else values.tolist() for values in columns.values()]
    write_rows(list(columns), ([plain_cell(one) for one in row] for row in zip(*listed, strict=True)), path)


def write_drivers(found: DriverContrasts | None, sink: Sink) -> None:
    """Write the contrasts of exclusive drivers, if there are any, as CSV."""
    if found is not None:
        _write_columns(found.rows, sink("tables/exclusive_drivers.csv"))


def write_meaning(meaning: Meaning | None, groups: Groups | None, sink: Sink) -> None:
    """Write what features mean and the groups of patients as CSV, one table each."""
    tables: dict[str, Mapping[str, Any]] = {}
    if meaning is not None:
        parts = (meaning.enrichment, meaning.hits, meaning.modules, meaning.activity, meaning.triples)
        names = ("enrichment", "over_represented", "module_sets", "pathway_activity", "concordant_triples")
        tables |= {name: part.rows for name, part in zip(names, parts, strict=True) if part is not None}
    if groups is not None:
        tables["phenotype_counts"] = groups.found.counts
        tables["phenotypes"] = {
            "patient": groups.found.patients,
            "group": groups.found.groups,
            "certainty": groups.found.certainty,
        }
        lived = {"phenotype_survival": groups.survival, "phenotype_survival_replicated": groups.again}
        tables |= {name: one.rows for name, one in lived.items() if one is not None}
        if groups.replication is not None:
            tables["phenotype_replication"] = groups.replication.rows
        tables |= {f"phenotype_differences_{name}": one.pairs for name, one in groups.differences.items()}
    for name, columns in tables.items():
        _write_columns(columns, sink(f"tables/{name}.csv"))


def plain_cell(value: Any) -> Any:
    """Return a cell as CSV holds it: missing is empty."""
    return "" if value is None or (isinstance(value, float) and math.isnan(value)) else value


def write_quality(quality: AssayQuality, sink: Sink) -> None:
    """Write tables/assay_quality.csv: every finding of [omics.quality], where there are any."""
    rows = quality.rows()
    if rows:
        header = ["patient", "check", "finding", "done"]
        write_rows(header, [list(row) for row in rows], sink("tables/assay_quality.csv"))


def write_predictions(targets: Sequence[TargetResult], sink: Sink) -> None:
    """Write every held-out prediction of every model: target, features, model, repeat, fold, patient, y, score."""
    rows: list[list[Any]] = []
    for target in targets:
        for one in target.ladder:
            names = ("repeat", "fold", "patient", "y", "score")
            columns = [one.predictions[name].tolist() for name in names if name in one.predictions]
            if len(columns) == len(names):
                rows += [[target.target, one.features, one.model, *row] for row in zip(*columns, strict=True)]
    header = ["target", "features", "model", "repeat", "fold", "patient", "y", "score"]
    write_rows(header, rows, sink("tables/predictions.csv"))


def write_verdicts(targets: Sequence[TargetResult], outcomes: Sequence[Outcome], sink: Sink) -> None:
    """Write verdicts.json: the word of every target, its numbers and its rule."""
    content = {
        "targets": [verdict_record(target) for target in targets],
        "not_predicted": sorted({outcome.name for outcome in outcomes} - {target.target for target in targets}),
        "research_use_only": True,
    }
    write_json(content, sink("verdicts.json"))


def write_json(content: Any, path: Path) -> None:
    """Write plain values as readable JSON."""
    atomic_write(path, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def write_record(content: Any, path: Path) -> None:
    """Write a record as JSON that `genoxel.io.plainjson` reads back exactly: tuples, NaN and arrays survive."""
    atomic_write(path, plainjson.dumps(content, indent=1) + "\n")


def hashes_of(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Return name -> SHA-256 of the results named."""
    return {name: hash_file(folder / name) for name in sorted(names)}


def listed_outputs(path: Path) -> set[str]:
    """Return the files that an earlier run listed in its provenance (nothing when it cannot be read)."""
    try:
        outputs = json.loads(path.read_text(encoding="utf-8"))["outputs"]
        return {name for name in outputs if ".." not in Path(name).parts and not Path(name).is_absolute()}
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def remove_old(folder: Path, old: set[str], written: set[str]) -> None:
    """Remove results of an earlier run that this one did not write again, so that nothing stale lies beside it."""
    for name in old - written:
        with contextlib.suppress(OSError):
            (folder / name).unlink()
