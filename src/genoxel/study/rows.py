"""Rows of features as a table and as files: CSV, Parquet on request, and what explains them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from genoxel.core.keys import RowKey
from genoxel.core.table import Column, Source, Table
from genoxel.features.extract import as_table
from genoxel.features.lesions import over_lesions, several_lesions
from genoxel.io.files import atomic_write
from genoxel.io.spreadsheet import write_csv, write_rows
from genoxel.report.ibsi_items import ReportingItem, facts_of, ibsi_items, pyradiomics_items
from genoxel.study.case import ExtractSettings, Row, beside
from genoxel.study.sink import DICTIONARY, Sink, dictionary_rows

__all__ = ["FACTS", "beside", "table_of", "undefined", "with_facts", "write_features"]

FACTS: Mapping[str, str] = {
    "structure": "Name of the structure, or its label, in the file of the mask.",
    "series_description": "Description of the image series, or the name of its file.",
    "modality": "Modality of the image.",
    "spacing_mm": "Voxel size of the image as read, along i, j and k, in mm.",
    "image_id": "Hash of the bytes of the image files: the same images have the same id.",
    "mask_id": "Hash of the bytes of the mask file and of the structure's name.",
    "settings": "Hash of the settings that the features were measured with.",
    "flags": "What looks odd about this row; look at the contour.",
}
"""The facts that stand beside the features of every row."""


def table_of(rows: Sequence[Row]) -> Table:
    """Return one row per structure: the facts of each row as categories, then its features."""
    return with_facts(as_table({row.key: row.features for row in rows}), {row.key: row.facts for row in rows})


def with_facts(features: Table, facts: Mapping[RowKey, Mapping[str, str]]) -> Table:
    """Return a table of features with the facts of each row before them, as categories; what a row lacks is missing."""
    columns, codes = [], []
    for name, definition in FACTS.items():
        texts = [facts[row][name] if row in facts else "" for row in features.rows]
        levels = tuple(sorted(set(texts) - {""})) or ("none",)
        code = {level: float(place) for place, level in enumerate(levels)}
        source = Source(family="record")
        columns.append(Column(name, "categorical", definition=definition, source=source, levels=levels))
        codes.append([code.get(text, np.nan) for text in texts])
    values = np.hstack([np.array(codes).T.reshape(len(features.rows), len(columns)), features.values])
    return Table(values, features.rows, (*columns, *features.columns), "features")


EXTRACTED = (
    *("features.csv", "features.parquet", "per_patient.csv", "not_defined.csv", "failed.csv"),
    *("data_dictionary.csv", "settings.json", "ibsi_reporting.csv"),
)
"""What a table of cases gives in its folder of features."""


def write_features(rows: Sequence[Row], settings: ExtractSettings, stem: str, sink: Sink, parquet: bool) -> list[str]:
    """Write STEM.csv (and .parquet) with what explains it, and return the names.

    Beside it: not_defined.csv, data_dictionary.csv, settings.json, ibsi_reporting.csv, and per_patient.csv where a
    patient has several lesions.
    """
    table = table_of(rows)
    tables = {stem: table}
    write_csv(table, sink(f"{stem}.csv"))
    if parquet:
        from genoxel.io.tables import write_table

        write_table(table, sink(f"{stem}.parquet"))
    if several_lesions(table):
        tables["per_patient"] = over_lesions(as_table({row.key: row.features for row in rows}))
        write_csv(tables["per_patient"], sink("per_patient.csv"))
    write_rows([*RowKey._fields, "feature", "reason"], undefined(rows), sink("not_defined.csv"))
    write_rows(list(DICTIONARY), dictionary_rows(tables), sink("data_dictionary.csv"))
    facts = facts_of(table)
    found = {modality for text in facts.get("modality", [""]) or [""] for modality in text.split(" | ")}
    known = {settings.hash_for(modality): settings.record_for(modality) for modality in sorted(found)}
    atomic_write(sink("settings.json"), json.dumps(known, indent=1, sort_keys=True) + "\n")
    if settings.pyradiomics is not None:
        asked = settings.pyradiomics.setting.model_dump(mode="json", by_alias=True, exclude_none=True)
        items = pyradiomics_items(asked, facts)
    else:
        items = ibsi_items(settings.image, settings.features, facts)
    write_rows(list(ReportingItem._fields), [list(item) for item in items], sink("ibsi_reporting.csv"))
    return sorted(sink.written)


def undefined(rows: Iterable[Row]) -> list[list[str]]:
    """Return (row key, feature, reason) of every feature that has no value."""
    return [[*row.key, name, reason] for row in rows for name, reason in row.features.reasons.items()]
