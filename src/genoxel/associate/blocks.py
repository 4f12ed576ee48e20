"""Which test each pair of columns takes: the blocks of a screen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from genoxel.associate.assemble import Block, Family, Placed, Sets, Turned, Untested, families_of
from genoxel.associate.clusters import ClusteredTimes, Rows, clustered_block
from genoxel.associate.counts import CountPairs
from genoxel.associate.covariates import covariates_of
from genoxel.associate.numbers import GroupPairs, LevelPairs, NumberPairs
from genoxel.associate.odds import OddsPairs
from genoxel.associate.settings import AssociateSettings, pair_of
from genoxel.associate.survival import TimePairs
from genoxel.core.errors import TableError
from genoxel.core.table import Column, Table
from genoxel.stats.ranks import FloatArray, IndexArray

Tables = tuple[Table, Table, Table | None]
Events = Mapping[str, FloatArray]
Part = tuple[IndexArray, FloatArray]
Covariates = tuple[FloatArray, FloatArray]
"""As ranks and as values."""


def blocks_of(
    tables: Tables, events: Events, settings: AssociateSettings, sets: Sets, clusters: Rows | None = None
) -> Iterator[Placed]:
    """Yield the pairs of two tables (and covariates), by the test that they take.

    `events` maps a time column of the other side to its events (n,). Registered pairs come one by one; pairs to be
    corrected by families come family by family. `clusters` tell which rows are one
    patient's, where patients have several.
    """
    left, right = parts_of(tables[0]), parts_of(tables[1])
    z = None if tables[2] is None else (covariates_of(tables[2]), covariates_of(tables[2], ranked=False))
    for family, rows, columns in _wanted(tables, settings, sets):
        for first, x in left.items():
            for second, y in right.items():
                some = _within(x, rows), _within(y, columns)
                if some[0][0].size and some[1][0].size:
                    beside = z, tables[1].columns, events
                    item = _placed((first, second), some, beside, settings, clusters)
                    yield replace(item, family=family)


def _wanted(tables: Tables, settings: AssociateSettings, sets: Sets) -> Iterator[Family]:
    if settings.registered:
        for line in settings.registered:
            feature, partner = pair_of(line)
            yield "", np.array([tables[0].place(feature)]), np.array([tables[1].place(partner)])
    else:
        yield from families_of(tables[0].columns, tables[1].columns, settings.correct.over, sets)


def _within(part: Part, wanted: IndexArray) -> Part:
    if len(wanted) == part[0].size and np.array_equal(part[0], wanted):
        return part
    inside = np.isin(part[0], wanted)
    return part if inside.all() else (part[0][inside], part[1][:, inside])


def _placed(
    kinds: tuple[str, str],
    parts: tuple[Part, Part],
    beside: tuple[Covariates | None, tuple[Column, ...], Events],
    settings: AssociateSettings,
    clusters: Rows | None,
) -> Placed:
    (image, x), (other, y) = parts
    z, columns, events = beside
    if "time" in kinds:
        known = [columns[place].name for place in other.tolist()] if kinds[1] == "time" else []
        if kinds[0] not in ("number", "group") or not all(name in events for name in known):
            return Placed(Untested((image.size, other.size), 5), "none", "", image, other)
        happened = np.column_stack([events[name] for name in known])
        by_values, scaled = None if z is None else z[1], kinds[0] == "number"
        if clusters is not None:
            rows = ClusteredTimes(x, (y, happened), by_values, clusters, scaled)
            return Placed(rows, "cox, clustered", "log_hazard_ratio", image, other)
        block = TimePairs(x, y, happened, by_values, scaled)
        return Placed(block, "cox", "log_hazard_ratio", image, other)
    if clusters is not None:
        made = clustered_block(kinds, (x, y), z, clusters, settings)
        return Placed(*made, image, other)
    if kinds[0] == "number" or kinds[1] != "number":
        return Placed(*_block((kinds[0], x), (kinds[1], y), z, settings), image, other)
    turned, test, effect = _block((kinds[1], y), (kinds[0], x), z, settings)
    return Placed(Turned(turned), test, effect, image, other)


def _block(
    x: tuple[str, FloatArray], y: tuple[str, FloatArray], z: Covariates | None, settings: AssociateSettings
) -> tuple[Block, str, str]:
    by_ranks, by_values = (None, None) if z is None else z
    if x[0] != "number":
        return CountPairs(x[1], y[1], by_values), "", ""
    if y[0] == "number":
        effect, left = ("rho", by_ranks) if settings.correlation == "spearman" else ("r", by_values)
        return NumberPairs(x[1], y[1], left, settings.correlation, settings.tails), settings.correlation, effect
    if y[0] == "group":
        if settings.groups == "log_odds_ratio":
            return OddsPairs(x[1], y[1], by_values), "logistic", "log_odds_ratio"
        test, left = ("t", by_values) if settings.groups == "cohens_d" else ("mann-whitney", by_ranks)
        return GroupPairs(x[1], y[1], left, settings.groups), test, settings.groups
    return LevelPairs(x[1], y[1], by_ranks), "kruskal", "epsilon_squared"


def _kind(column: Column, values: FloatArray) -> str:
    """Return which test family a column takes: number, group (two levels), category, or time."""
    if column.kind == "time":
        return "time"
    if column.kind not in ("binary", "categorical"):
        return "number"
    levels = np.unique(values[~np.isnan(values)])
    if column.kind == "binary" and not np.isin(levels, (0, 1)).all():
        odd = ", ".join(f"{level:g}" for level in levels[:4])
        raise TableError(f"values {odd} in the binary column {column.name!r}", "0 and 1", "make it categorical")
    return "group" if column.kind == "binary" or len(levels) == 2 else "category"


def parts_of(table: Table) -> dict[str, Part]:
    """Return, by kind of test, the places and values of columns: number, group (0 and 1), category, time."""
    kinds = np.array(
        [_kind(column, table.values[:, place]) for place, column in enumerate(table.columns)], dtype=object
    )
    parts = {}
    for kind in ("number", "group", "category", "time"):
        places = np.flatnonzero(kinds == kind)
        values = table.values if len(places) == len(kinds) else table.values[:, places]
        parts[kind] = (places, _zero_one(values) if kind == "group" else values)
    return parts


def _zero_one(values: FloatArray) -> FloatArray:
    """Return two-level codes as 0 and 1, the higher level being 1; a binary column with one level stays as it is."""
    low, high = (
        reduce.reduce(values, axis=0, initial=start) for reduce, start in ((np.fmin, np.inf), (np.fmax, -np.inf))
    )
    return np.where(np.isnan(values) | (low == high), values, (values == high).astype(np.float64))
