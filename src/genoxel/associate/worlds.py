"""Worlds without links: what passes there, the smallest p, and the band of every column of the other side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.associate.assemble import Pairs, Placed, Turned
from genoxel.associate.settings import CorrectSettings
from genoxel.associate.tail import Tail, harmonic, passing
from genoxel.stats.permute import permutation_p, permutations
from genoxel.stats.ranks import FloatArray, IndexArray

MOST_KEPT = 50_000_000
"""Smallest p per world and column are kept up to this many."""

World = Callable[[Tail], None]


@dataclass(frozen=True, eq=False)
class NullWorlds:
    """Per world: pairs that pass, the smallest p, the smallest p per column, pairs that pass beyond the covariates."""

    hits: npt.NDArray[np.int64]
    smallest: FloatArray
    best: npt.NDArray[np.float32]
    hits_adjusted: tuple[int, ...] = ()
    held: tuple[str, ...] = field(default=())


def null_worlds(
    pairs: Pairs,
    placed: Sequence[Placed],
    strata: tuple[IndexArray | None, tuple[str, ...]],
    correct: CorrectSettings,
    seed: int,
    beyond: bool = True,
) -> NullWorlds:
    """Return the worlds; the adjusted ones (drawn if `beyond`) move patients within `strata` (None: all) only."""
    count = correct.permutations if (~np.isnan(pairs.measured.p)).any() else 0
    others = pairs.shape[1] if count * pairs.shape[1] <= MOST_KEPT else 0
    families = _families(pairs, placed)
    judge = _Judge(families, correct, others)
    hits, smallest, best = [], [], np.ones((count, others), dtype=np.float32)
    for number, order in enumerate(permutations(pairs.patients, count, seed)):
        found, least, best[number] = judge.world(partial(_raw, order=order), False)
        hits.append(found)
        smallest.append(least)
    adjusted = count if beyond and pairs.adjusted and (~np.isnan(pairs.partial.p)).any() else 0
    hits_beyond = [
        judge.world(partial(_beyond, order=order), True)[0]
        for order in permutations(pairs.patients, adjusted, seed, strata[0])
    ]
    held = strata[1] if adjusted else ()
    return NullWorlds(np.array(hits, dtype=np.int64), np.array(smallest), best, tuple(hits_beyond), held)


def _raw(item: Placed, tail: Tail, order: IndexArray) -> None:
    item.block.world(order, tail)


def _beyond(item: Placed, tail: Tail, order: IndexArray) -> None:
    item.block.world_adjusted(order, tail)


@dataclass(frozen=True, eq=False)
class _Family:
    """The blocks of one family, and how many of its pairs were tested, raw and adjusted."""

    blocks: tuple[Placed, ...]
    tests: tuple[int, int]


def _tested(p: FloatArray, item: Placed) -> int:
    whole = p.shape == (item.image.size, item.other.size)
    return int((~np.isnan(p if whole else p[np.ix_(item.image, item.other)])).sum())


def _families(pairs: Pairs, placed: Sequence[Placed]) -> list[_Family]:
    merged: dict[str, list[Placed]] = {}
    for item in placed:
        merged.setdefault(item.family, []).append(item)
    found = []
    for items in merged.values():
        raw = sum(_tested(pairs.measured.p, item) for item in items)
        adjusted = sum(_tested(pairs.partial.p, item) for item in items) if pairs.adjusted else 0
        found.append(_Family(tuple(items), (raw, adjusted)))
    return found


@dataclass(frozen=True, eq=False)
class _Judge:
    families: list[_Family]
    correct: CorrectSettings
    others: int

    def world(self, run: Callable[..., None], adjusted: bool) -> tuple[int, float, npt.NDArray[np.float32]]:
        """Return how many pairs pass in a world, its smallest p, and that of each column of the other side."""
        if len(self.families) > 1:
            return self._in_families(run, adjusted)
        family = self.families[0]
        tests = family.tests[adjusted]
        level = self.correct.q / self._price(tests)
        for deep in (4 * level * self.correct.q, level):
            tail = self._tail(family, run, Tail(level, deep, self.others))
            found = passing(tail, tests)
            if found is not None:
                break
        return int(found or 0), tail.smallest, tail.best.astype(np.float32)

    def _in_families(self, run: Callable[..., None], adjusted: bool) -> tuple[int, float, npt.NDArray[np.float32]]:
        """Return the same where families are chosen first: the most families that all pass at their common level."""
        tails = [self._tail(one, run, Tail(self.correct.q, None, self.others)) for one in self.families]
        tests = [one.tests[adjusted] for one in self.families]
        known = sum(count > 0 for count in tests)
        found = 0
        for chosen in range(known, 0, -1):
            level = self.correct.q * chosen / known
            each = [
                passing(tail.at(level / self._price(count)), count) or 0 if count else 0
                for tail, count in zip(tails, tests, strict=True)
            ]
            if sum(count > 0 for count in each) >= chosen:
                found = sum(each)
                break
        best = np.min([tail.best for tail in tails], axis=0).astype(np.float32)
        return found, min(tail.smallest for tail in tails), best

    def _price(self, tests: int) -> float:
        return harmonic(tests) if self.correct.method == "BY" else 1.0

    def _tail(self, family: _Family, run: Callable[..., None], tail: Tail) -> Tail:
        for item in family.blocks:
            tail.enter(item.other, isinstance(item.block, Turned))
            run(item, tail)
        return tail


def _strongest(p: FloatArray) -> tuple[IndexArray, IndexArray, FloatArray]:
    """Return, per column of `p`, how many are known, where the smallest stands, and the smallest (NaN: none)."""
    tested, first = np.zeros((2, p.shape[1]), dtype=np.intp)
    best = np.full(p.shape[1], np.nan)
    step = max(1, 1_000_000 // max(len(p), 1))
    for start in range(0, p.shape[1] if len(p) else 0, step):
        part = slice(start, start + step)
        filled = np.where(np.isnan(p[:, part]), np.inf, p[:, part])
        tested[part], first[part] = (filled < np.inf).sum(axis=0), filled.argmin(axis=0)
        best[part] = filled.min(axis=0)
    return tested, first, np.where(tested > 0, best, np.nan)


def targets_of(pairs: Pairs, q: FloatArray, level: float, null: NullWorlds) -> Mapping[str, npt.NDArray[Any]]:
    """Return one row per column of the other side: pairs tested, pairs that pass, its strongest link, the null band.

    `null_low` and `null_high` hold the middle 90 % of the smallest p that worlds without links give this column,
    `p_best` how often such a world gives one as small.
    """
    p = pairs.measured.p
    tested, first, best = _strongest(p)
    names = np.array([column.name for column in pairs.image], dtype=object)
    nothing = np.full(pairs.shape[1], np.nan)
    low, high, chance = nothing, nothing, nothing
    if null.best.size:
        low, high = (np.where(tested > 0, bound, np.nan) for bound in np.quantile(null.best, (0.05, 0.95), axis=0))
        chance = np.array(
            [float(permutation_p(-b, -w.astype(np.float64))) for b, w in zip(best, null.best.T, strict=True)]
        )
    with np.errstate(invalid="ignore"):
        passing_pairs = (q.reshape(pairs.shape) <= level).sum(axis=0)
    return {
        "other": np.array([column.name for column in pairs.other], dtype=object),
        "tested": tested,
        "passing": passing_pairs,
        "best_image": np.where(tested > 0, names[first], "")
        if len(names)
        else np.full(pairs.shape[1], "", dtype=object),
        "best_p": best,
        "p_best": chance,
        "null_low": low,
        "null_high": high,
    }
