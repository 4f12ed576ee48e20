"""Several lesions of a patient brought together in one row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from genoxel.core.image import FloatArray
from genoxel.core.keys import RowKey
from genoxel.core.table import Column, Table
from genoxel.features.extract import volume_column

ADDED = frozenset({"RNU0", "YEKZ", "C0JK", "99N0"})
"""Codes of features that add up over lesions: volumes, surface, integrated intensity."""


def several_lesions(table: Table) -> bool:
    """Return whether any patient, time point and region has more than one row."""
    return len({_whole(row) for row in table.rows}) < len(table.rows)


def _whole(row: RowKey) -> RowKey:
    return row._replace(lesion="")


def over_lesions(table: Table) -> Table:
    """Return one row per patient, time point and region: how many lesions, and each feature over them.

    Volumes, surface and integrated intensity are added; every other feature is the mean weighted by lesion volume, of
    the lesions that have a value. Raises `TableError` for a table without a volume.
    """
    volume = table[volume_column(table)]
    groups: dict[RowKey, list[int]] = {}
    for place, row in enumerate(table.rows):
        groups.setdefault(_whole(row), []).append(place)
    added = np.array([column.code in ADDED for column in table.columns])
    rows = [_together(table.values[places], volume[places], added) for places in groups.values()]
    counts = np.array([len(places) for places in groups.values()], dtype=np.float64)
    first = Column("lesions", "count", definition="Number of lesions measured.")
    values = np.column_stack([counts, np.array(rows)])
    return Table(values, tuple(groups), (first, *map(_told, table.columns)), "features")


def _together(block: FloatArray, volume: FloatArray, added: FloatArray) -> FloatArray:
    known = ~np.isnan(block)
    weights = np.where(known, np.nan_to_num(volume)[:, None], 0.0)
    filled = np.where(known, block, 0.0)
    total = weights.sum(axis=0)
    mean = np.divide((weights * filled).sum(axis=0), total, out=np.full(total.shape, np.nan), where=total > 0)
    sums = np.where(known.any(axis=0), filled.sum(axis=0), np.nan)
    return np.asarray(np.where(added, sums, mean))


def _told(column: Column) -> Column:
    how = "Sum over the lesions." if column.code in ADDED else "Mean over the lesions, weighted by their volume."
    return replace(column, definition=f"{how} {column.definition}")
