"""Two features of the study told in full, so that a reader knows what a column holds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from genoxel.core.errors import SettingsError
from genoxel.core.table import Column, Table
from genoxel.features.catalog import FeatureRecord
from genoxel.features.names import AGGREGATIONS, parse_name
from genoxel.report.content import ReportContent
from genoxel.report.tables.sheet import Field, Sheet, Value

FIELDS = (
    *(Field("feature", "Feature"), Field("title", "Called"), Field("code", "IBSI code"), Field("unit", "Unit")),
    *(Field("definition", "Definition"), Field("formula", "Formula"), Field("aggregation", "Pooled")),
    Field("n", "Rows", "count", "rows in which the feature has a value"),
    *(Field("low", "Lowest", "number"), Field("median", "Median", "number"), Field("high", "Highest", "number")),
    Field("rho", "Rank correlation with volume", "gain"),
    *(
        Field("source", "Source"),
        Field("settings", "Settings", definition="hash; settings.json says what it stands for"),
    ),
)


def examples(content: ReportContent, volume: Sheet) -> Sheet:
    """Return the two features; `volume` is the table of rank correlations with the volume, the strongest first."""
    table = content.features
    chosen = _chosen(table, volume) if table is not None else []
    rows = [_row(table, column, record, rho) for column, record, rho in chosen if table is not None]
    caption = (
        "Of the features without shape and size: the one that follows the volume most, and the one that does least."
    )
    return Sheet("examples", "Two features in full", FIELDS, tuple(rows), caption)


def _chosen(table: Table, volume: Sheet) -> list[tuple[Column, FeatureRecord, float]]:
    """Return the feature that follows the volume most and the one that does least, of those known in every row."""
    found: list[tuple[Column, FeatureRecord, float]] = []
    for place, row in enumerate(volume.rows):
        column = table.column(str(row[0]))
        rho = float(volume.value(place, "rho") or 0.0)
        if np.isnan(rho) or np.isnan(table[column.name]).any() or {"size", "shape"} & set(column.traits):
            continue
        try:
            found.append((column, parse_name(column.name).record, rho))
        except SettingsError:
            continue
    return [found[0], found[-1]] if len(found) > 1 else found


def _row(table: Table, column: Column, record: FeatureRecord, rho: float) -> tuple[Value, ...]:
    values = table[column.name]
    pooled = AGGREGATIONS.get(column.source.aggregation, column.source.aggregation)
    told = (column.name, record.title, column.code, column.unit or "none", record.definition, record.formula, pooled)
    spread: Sequence[float] = [float(one) for one in np.quantile(values, [0.0, 0.5, 1.0])]
    return (*told, values.size, *spread, rho, record.reference, column.settings)
