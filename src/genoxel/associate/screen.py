"""All pairs of two tables: the test that fits, its effect and interval, correction, and a world without links."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from genoxel.associate.assemble import Block, Pairs, Placed, Turned, Untested
from genoxel.associate.counts import CountPairs
from genoxel.associate.covariates import covariates_of, strata_of
from genoxel.associate.numbers import GroupPairs, LevelPairs, NumberPairs
from genoxel.associate.settings import AssociateSettings, CorrectSettings
from genoxel.associate.tail import Tail, harmonic, passing
from genoxel.core.errors import TableError
from genoxel.core.keys import as_keys
from genoxel.core.results import AssociationMap
from genoxel.core.table import Column, Table
from genoxel.stats.permute import permutation_p, permutations
from genoxel.stats.power import detectable_auc, detectable_rho
from genoxel.stats.ranks import FloatArray, IndexArray


def screen(
    image: Table,
    other: Table,
    adjust: Table | None = None,
    q: float | None = None,
    permutations: int | None = None,
    seed: int = 0,
    settings: AssociateSettings | None = None,
) -> AssociationMap:
    """Return the association map of every column of `image` with every column of `other`.

    Tests by kind of column: numbers (real, count, ordinal) by Spearman; number and two groups by Mann-Whitney
    (AUC, above 0.5 when the second level has higher values); number and categories by Kruskal-Wallis; categories by
    chi-squared or Fisher. Patients are matched by id and counted pair by pair; a pair of fewer than 10 patients, with
    a constant column or fewer than 3 in its smallest group is flagged and has no p. `adjust` adds effect and p less
    its columns (ranked; categories as dummies). All tested pairs are corrected together; `null_hits` counts what
    passes in worlds where the patients of one side were moved as wholes, `p_max` is the family-wise p from the
    smallest p of those worlds, `settings["null_hits_adjusted"]` the counts beyond the covariates.

    `q` and `permutations` override `settings.correct`. Same tables and seed, same map. Raises `TableError` when a
    table has several rows per patient (until `settings.several` says how to aggregate) or no patient is in both.

    >>> rng = np.random.default_rng(1)
    >>> people, x = [f"P{i}" for i in range(40)], rng.normal(size=(40, 2))
    >>> image = Table(x, people, (Column("volume"), Column("entropy")))
    >>> genes = Table(x[:, :1] + 0.3 * rng.normal(size=(40, 1)), people, (Column("VEGFA"),), kind="expression")
    >>> screen(image, genes, permutations=19)
    AssociationMap 2 x 1 pairs · BH 5%: 1 pairs, null worlds 0-0
    """
    chosen = _settings(settings, q, permutations)
    tables = _aligned(image, other, adjust, chosen)
    placed = list(_blocks(tables, chosen))
    pairs = Pairs(tables[0].columns, tables[1].columns, tables[2] is not None, len(tables[0].rows))
    for item in placed:
        pairs.fill(item)
    return _finish(pairs, placed, tables, chosen, seed)


def _settings(settings: AssociateSettings | None, q: float | None, count: int | None) -> AssociateSettings:
    chosen = settings or AssociateSettings()
    correct = chosen.correct.model_dump()
    correct |= {} if q is None else {"q": q}
    correct |= {} if count is None else {"permutations": count}
    return chosen.model_copy(update={"correct": CorrectSettings(**correct)})


def _aligned(
    image: Table, other: Table, adjust: Table | None, settings: AssociateSettings
) -> tuple[Table, Table, Table | None]:
    left, right = image.per_patient(settings.several), other.per_patient(settings.several)
    both = set(right.patients)
    common = sorted(patient for patient in left.patients if patient in both)
    if not common:
        raise TableError(
            f"no patient in both the {image.kind} ({_some(left)}) and the {other.kind} table ({_some(right)})",
            "patients written alike in both tables",
            "check the identifier columns",
        )
    covariates = None
    if adjust is not None and adjust.columns:
        covariates = _spread(adjust.per_patient(settings.several), common)
    return left.of_patients(common), right.of_patients(common), covariates


def _some(table: Table) -> str:
    return ", ".join(table.patients[:3]) or "empty"


def _spread(table: Table, patients: list[str]) -> Table:
    """Return one row for every patient; NaN for those the table lacks."""
    place = {patient: row for row, patient in enumerate(table.patients)}
    padded = np.vstack([table.values, np.full((1, len(table.columns)), np.nan)])
    return Table(padded[[place.get(patient, -1) for patient in patients]], as_keys(patients), table.columns, table.kind)


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


def _parts(table: Table) -> dict[str, tuple[IndexArray, FloatArray]]:
    kinds = np.array(
        [_kind(column, table.values[:, place]) for place, column in enumerate(table.columns)], dtype=object
    )
    parts = {}
    for kind in ("number", "group", "category", "time"):
        places = np.flatnonzero(kinds == kind)
        values = table.values[:, places]
        parts[kind] = (places, _zero_one(values) if kind == "group" else values)
    return parts


def _zero_one(values: FloatArray) -> FloatArray:
    """Return two-level codes as 0 and 1, the higher level being 1; a binary column with one level stays as it is."""
    low, high = (
        reduce.reduce(values, axis=0, initial=start) for reduce, start in ((np.fmin, np.inf), (np.fmax, -np.inf))
    )
    return np.where(np.isnan(values) | (low == high), values, (values == high).astype(np.float64))


def _blocks(tables: tuple[Table, Table, Table | None], settings: AssociateSettings) -> Iterator[Placed]:
    left, right = _parts(tables[0]), _parts(tables[1])
    z = None if tables[2] is None else covariates_of(tables[2])
    for first, (image, x) in left.items():
        for second, (other, y) in right.items():
            if not (image.size and other.size):
                continue
            if "time" in (first, second):
                yield Placed(Untested((image.size, other.size), 5), "none", "", image, other)
            elif first == "number" or second != "number":
                yield Placed(*_block((first, x), (second, y), z, settings), image, other)
            else:
                block, test, effect = _block((second, y), (first, x), z, settings)
                yield Placed(Turned(block), test, effect, image, other)


def _block(
    x: tuple[str, FloatArray], y: tuple[str, FloatArray], z: FloatArray | None, settings: AssociateSettings
) -> tuple[Block, str, str]:
    if x[0] != "number":
        return CountPairs(x[1], y[1], z), "", ""
    if y[0] == "number":
        effect = "rho" if settings.correlation == "spearman" else "r"
        return NumberPairs(x[1], y[1], z, settings.correlation, settings.tails), settings.correlation, effect
    if y[0] == "group":
        return GroupPairs(x[1], y[1], z, settings.groups), "mann-whitney", settings.groups
    return LevelPairs(x[1], y[1], z), "kruskal", "epsilon_squared"


def _finish(
    pairs: Pairs,
    placed: list[Placed],
    tables: tuple[Table, Table, Table | None],
    settings: AssociateSettings,
    seed: int,
) -> AssociationMap:
    correct = settings.correct
    strata, held = strata_of(tables[2])
    null = _null(pairs, placed, strata, correct, seed)
    hits, smallest, hits_adjusted = null.hits, null.smallest, null.hits_adjusted
    detectable, speaks_of = _detectable(pairs, tables, correct.q)
    columns = pairs.columns(correct, smallest)
    found = int((columns["q"] <= correct.q).sum())
    record: Mapping[str, Any] = {
        **settings.model_dump(mode="json"),
        "seed": seed,
        "patients": len(tables[0].rows),
        "pairs": pairs.measured.p.size,
        "tested": int((pairs.measured.flag == 0).sum()),
        "detectable_effect": speaks_of,
        "p_hits": float(permutation_p(found, hits)) if hits.size else None,
        "null": "whole patients of the image side moved; patients a pair does not know cut out of the permutation",
        "null_adjusted": _null_words(pairs.adjusted, held),
        "null_hits_adjusted": hits_adjusted,
        "patients_with_covariates": 0 if tables[2] is None else int((~np.isnan(tables[2].values).any(axis=1)).sum()),
    }
    return AssociationMap(
        tables[0].columns,
        tables[1].columns,
        columns,
        hits,
        correct.q,
        tables[2].names if tables[2] is not None else (),
        detectable,
        record,
    )


def _null_words(adjusted: bool, held: tuple[str, ...]) -> str:
    if not adjusted:
        return ""
    within = f", within strata of {', '.join(held)}" if held else ""
    return f"residuals of the image side moved (Freedman and Lane){within}"


@dataclass(frozen=True)
class _Null:
    """Per world: pairs that pass, the smallest p, pairs that pass beyond the covariates."""

    hits: npt.NDArray[np.int64]
    smallest: FloatArray
    hits_adjusted: tuple[int, ...]


def _null(
    pairs: Pairs, placed: list[Placed], strata: npt.NDArray[np.intp] | None, correct: CorrectSettings, seed: int
) -> _Null:
    n = int(pairs.patients)
    tests = int((~np.isnan(pairs.measured.p)).sum())
    tests_adjusted = int((~np.isnan(pairs.partial.p)).sum()) if pairs.adjusted else 0
    count = correct.permutations if tests else 0
    hits, smallest, hits_adjusted = [], [], []
    for order in permutations(n, count, seed):
        found, least = _passing([partial(item.block.world, order) for item in placed], tests, correct)
        hits.append(found)
        smallest.append(least)
    for order in permutations(n, count if tests_adjusted else 0, seed, strata):
        worlds = [partial(item.block.world_adjusted, order) for item in placed]
        hits_adjusted.append(_passing(worlds, tests_adjusted, correct)[0])
    return _Null(np.array(hits, dtype=np.int64), np.array(smallest), tuple(hits_adjusted))


def _passing(worlds: Sequence[Callable[[Tail], None]], tests: int, correct: CorrectSettings) -> tuple[int, float]:
    """Return how many pairs pass in a world, and its smallest p; what is kept grows where it does not tell."""
    level = correct.q / (harmonic(tests) if correct.method == "BY" else 1.0)
    for deep in (4 * level * correct.q, level):
        tail = Tail(level, deep)
        for world in worlds:
            world(tail)
        found = passing(tail, tests)
        if found is not None:
            break
    return int(found or 0), tail.smallest


def _detectable(pairs: Pairs, tables: tuple[Table, Table, Table | None], q: float) -> tuple[float, str]:
    """Return the smallest effect one true pair needs to be found in 4 of 5 such studies, and which effect that is."""
    tested = pairs.measured.flag == 0
    tests = int(tested.sum())
    if not tests:
        return float("nan"), ""
    words = np.array([word in ("spearman", "pearson") for word in pairs.words])
    numbers = words[pairs.test]
    numbers &= tested
    if numbers.any():
        method: Literal["spearman", "pearson"] = "pearson" if "pearson" in pairs.words else "spearman"
        n = _median(pairs.measured.n, numbers)
        return detectable_rho(n, tests, alpha=q, method=method), f"|{'r' if method == 'pearson' else 'rho'}|, n = {n}"
    groups = _group_sizes(pairs, tables)
    if groups is None:
        return float("nan"), ""
    return detectable_auc(*groups, alpha=q / tests), f"AUC, {groups[0]} and {groups[1]} patients"


def _median(n: npt.NDArray[np.int32], where: npt.NDArray[np.bool_]) -> int:
    """Return the (lower) median of whole numbers, by counting."""
    most = int(n.max())
    if int(n.min()) == most:
        return most
    count = np.cumsum(sum(np.bincount(row[kept], minlength=most + 1) for row, kept in zip(n, where, strict=True)))
    return int(np.searchsorted(count, count[-1] / 2))


def _group_sizes(pairs: Pairs, tables: tuple[Table, Table, Table | None]) -> tuple[int, int] | None:
    """Return the sizes of the most even two groups among the tested columns."""
    best: tuple[int, int] | None = None
    for table in (tables[0], tables[1]):
        for values in _parts(table)["group"][1].T:
            sizes = int((values == 1).sum()), int((values == 0).sum())
            best = max(best or (0, 0), sizes, key=min)
    return best if best and min(best) else None
