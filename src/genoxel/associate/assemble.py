"""From blocks of one test each to the columns of the map."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from genoxel.associate.counts import TESTS, CountPairs
from genoxel.associate.numbers import FLAGS, SEPARATED, Measured
from genoxel.associate.settings import CorrectSettings
from genoxel.associate.tail import Tail
from genoxel.core.results import PairColumns
from genoxel.core.table import Column
from genoxel.stats.multiple import benjamini_hochberg, benjamini_yekutieli
from genoxel.stats.permute import family_p
from genoxel.stats.ranks import FloatArray, IndexArray

_TURNED_FLAGS = (0, 1, 3, 2, 4, 5, 6, 7, 8, 9, 10)
"""Codes of FLAGS when image and other change sides."""


class Block(Protocol):
    """All pairs that take one test, image columns in rows."""

    def measure(self) -> Measured:
        """Return what the data give."""
        ...

    def adjusted(self) -> Measured:
        """Return effect, interval and p less the covariates."""
        ...

    def world(self, order: IndexArray, tail: Tail) -> None:
        """Add the p values of the world in which `order` moves the patients of the image side."""
        ...

    def world_adjusted(self, order: IndexArray, tail: Tail) -> None:
        """Add those of a world without links beyond the covariates."""
        ...


class Turned:
    """A block whose rows are the other side, turned round."""

    def __init__(self, block: Block) -> None:
        self.block = block

    def measure(self) -> Measured:
        """Return the transposed arrays."""
        return _turned(self.block.measure())

    def adjusted(self) -> Measured:
        """Return the transposed arrays."""
        return _turned(self.block.adjusted())

    def world(self, order: IndexArray, tail: Tail) -> None:
        """Move the other side back, which is the same world as moving the image side."""
        self.block.world(np.argsort(order), tail)

    def world_adjusted(self, order: IndexArray, tail: Tail) -> None:
        """Move the other side back."""
        self.block.world_adjusted(np.argsort(order), tail)


def _turned(found: Measured) -> Measured:
    flag = np.choose(found.flag.T, _TURNED_FLAGS).astype(np.int8)
    return Measured(found.n.T, found.effect.T, found.low.T, found.high.T, found.p.T, flag)


class Untested:
    """Pairs of which no test of this release speaks."""

    def __init__(self, shape: tuple[int, int], code: int) -> None:
        self.shape, self.code = shape, code

    def measure(self) -> Measured:
        """Return the flag alone."""
        out = Measured.empty(*self.shape)
        out.flag[:] = self.code
        return out

    def adjusted(self) -> Measured:
        """Return nothing known."""
        return self.measure()

    def world(self, order: IndexArray, tail: Tail) -> None:
        """Add nothing."""

    def world_adjusted(self, order: IndexArray, tail: Tail) -> None:
        """Add nothing."""


@dataclass(frozen=True, eq=False)
class Placed:
    """A block, its test and effect in words, and the columns of image and other that it holds."""

    block: Block
    test: str
    effect: str
    image: IndexArray
    other: IndexArray
    family: str = ""


class Pairs:
    """The growing columns of the map, as blocks image x other."""

    def __init__(
        self, image: tuple[Column, ...], other: tuple[Column, ...], adjusted: bool, patients: int, sets: Sets
    ) -> None:
        self.shape, self.sets = (len(image), len(other)), sets
        self.image, self.other, self.adjusted, self.patients = image, other, adjusted, patients
        self._measured: Measured | None = None
        self._partial: Measured | None = None
        self.words = [""]
        self.test = np.zeros(self.shape, dtype=np.int8)
        self.effect_name = np.zeros(self.shape, dtype=np.int8)

    @property
    def measured(self) -> Measured:
        """What is known of all pairs so far."""
        if self._measured is None:
            self._measured = Measured.empty(*self.shape)
        return self._measured

    @property
    def partial(self) -> Measured:
        """What is known of all pairs beyond the covariates."""
        if self._partial is None:
            self._partial = Measured.empty(*self.shape)
        return self._partial

    def fill(self, item: Placed) -> None:
        """Write what a block gives to its place; a block that is the whole map is taken as it is."""
        place = np.ix_(item.image, item.other)
        measured = item.block.measure()
        if measured.p.shape == self.shape:
            self._measured = measured
        else:
            _write(measured, self.measured, place)
        if self.adjusted:
            partial = item.block.adjusted()
            untested = measured.flag != 0
            for name in ("effect", "low", "high", "p"):
                getattr(partial, name)[untested] = np.nan
            if partial.p.shape == self.shape:
                self._partial = partial
            else:
                _write(partial, self.partial, place)
        if isinstance(item.block, CountPairs):
            self.test[place] = np.array([self._word(word) for word in TESTS])[item.block.test]
            words = np.array([self._word("cramers_v"), self._word("log_odds_ratio")])
            self.effect_name[place] = words[item.block.binary.astype(np.intp)]
        else:
            self.test[place], self.effect_name[place] = self._word(item.test), self._word(item.effect)

    def _word(self, word: str) -> int:
        if word not in self.words:
            self.words.append(word)
        return self.words.index(word)

    def columns(self, correct: CorrectSettings, smallest: FloatArray) -> PairColumns:
        """Return the documented columns, one array (pairs,) each."""
        adjust = partial(_corrected, pairs=self, correct=correct)
        measured = self.measured
        q = adjust(measured.p.ravel())  # first, while there is room for sorting
        names = [np.array([column.name for column in side], dtype=object) for side in (self.image, self.other)]
        p_max = partial(family_p, measured.p.ravel(), smallest)
        columns: dict[str, npt.NDArray[Any] | Callable[[], npt.NDArray[Any]]] = {
            "image": partial(np.repeat, names[0], self.shape[1]),
            "other": partial(np.tile, names[1], self.shape[0]),
            "test": _lookup(self.words, self.test),
            "effect_name": _lookup(self.words, self.effect_name),
            "n": _flat(measured.n),
            "effect": measured.effect.ravel(),
            "low": measured.low.ravel(),
            "high": measured.high.ravel(),
            "p": measured.p.ravel(),
            "q": q,
            "p_max": p_max if smallest.size else _nothing(measured.p.size),
            **self._adjusted_columns(adjust),
            "flag": _lookup(list(FLAGS), _with_separated(measured)),
            "flag_adjusted": self._flag_adjusted(),
        }
        return PairColumns(columns)

    def _flag_adjusted(self) -> npt.NDArray[np.object_]:
        """Return why a tested pair has no adjusted value, or an empty text."""
        words = ["", NO_ADJUSTED]
        if not self.adjusted:
            return _lookup(words, np.broadcast_to(np.int8(0), self.shape))
        lost = (self.measured.flag == 0) & np.isnan(self.partial.p)
        return _lookup(words, lost.astype(np.int8))

    def _adjusted_columns(self, adjust: Callable[[npt.ArrayLike], FloatArray]) -> dict[str, npt.NDArray[Any]]:
        names = ("effect_adjusted", "low_adjusted", "high_adjusted", "p_adjusted", "q_adjusted")
        if not self.adjusted:
            size = self.shape[0] * self.shape[1]
            return {**dict.fromkeys(names, _nothing(size)), "n_adjusted": np.broadcast_to(np.int32(0), (size,))}
        found = self.partial
        parts = [part.ravel() for part in (found.effect, found.low, found.high, found.p)]
        return {**dict(zip(names, [*parts, adjust(parts[-1])], strict=True)), "n_adjusted": _flat(found.n)}


Sets = Mapping[str, Sequence[str]]
"""Name of a gene set -> its genes."""

Family = tuple[str, IndexArray, IndexArray]
"""Name of a family, and the places of its image columns and of its other columns."""

NO_SET = "in no set"


def families_of(image: tuple[Column, ...], other: tuple[Column, ...], over: str, sets: Sets) -> list[Family]:
    """Return the families that `over` speaks of; columns without a family, or genes in no set, are one together.

    A gene may belong to several sets. Sets of which no gene is a column of the other side are left out.
    """
    rows, columns = np.arange(len(image)), np.arange(len(other))
    if over == "feature families":
        names = np.array([column.source.family or "no family" for column in image], dtype=object)
        return [(name, np.flatnonzero(names == name), columns) for name in dict.fromkeys(names.tolist())]
    if over == "gene sets":
        place = {column.name: number for number, column in enumerate(other)}
        found = {name: sorted(place[gene] for gene in set(genes) if gene in place) for name, genes in sets.items()}
        found[NO_SET] = sorted(set(place.values()) - {number for some in found.values() for number in some})
        return [(name, rows, np.array(some, dtype=np.intp)) for name, some in found.items() if some]
    return [("", rows, columns)]


def _corrected(p: npt.ArrayLike, pairs: Pairs, correct: CorrectSettings) -> FloatArray:
    adjust = benjamini_hochberg if correct.method == "BH" else benjamini_yekutieli
    if correct.over == "all pairs of one block":
        return adjust(p)
    array = np.asarray(p, dtype=np.float64).reshape(pairs.shape)
    families = families_of(pairs.image, pairs.other, correct.over, pairs.sets)
    places = [(rows, columns) for _, rows, columns in families]
    chosen = [adjust(array[np.ix_(*place)].ravel()) for place in places]
    return families_q(chosen, places, array, correct.q).ravel()


def families_q(
    chosen: list[FloatArray], families: list[tuple[IndexArray, IndexArray]], p: FloatArray, level: float
) -> FloatArray:
    """Return q of pairs `p` (rows, columns) where families (rows, columns) are chosen first; true at `level` only.

    A family is chosen by its smallest q within (Simes) after Benjamini-Hochberg over families; within one, q is
    multiplied by families / chosen families (Benjamini and Bogomolov 2014), elsewhere it is 1. A pair of several
    families has the smallest of its q.
    """
    simes = np.array([np.nan if np.isnan(q).all() else np.nanmin(q) for q in chosen])
    passing = np.asarray(benjamini_hochberg(simes) <= level)
    known, found = int((~np.isnan(simes)).sum()), int(passing.sum())
    out = np.where(np.isnan(p), np.nan, 1.0)
    for (rows, columns), q, good in zip(families, chosen, passing.tolist(), strict=True):
        if good:
            place = np.ix_(rows, columns)
            out[place] = np.fmin(out[place], np.minimum(q * known / found, 1.0).reshape(len(rows), -1))
    return out


def _write(source: Measured, target: Measured, place: tuple[npt.NDArray[Any], ...]) -> None:
    for name in ("n", "effect", "low", "high", "p", "flag"):
        getattr(target, name)[place] = getattr(source, name)


NO_ADJUSTED = "the covariates explain a column, separate the groups, or leave too few patients"


def _with_separated(measured: Measured) -> npt.NDArray[np.int8]:
    lost = np.isnan(measured.effect) & ~np.isnan(measured.p)
    return np.where(lost, SEPARATED, measured.flag).astype(np.int8) if lost.any() else measured.flag


def _nothing(size: int) -> FloatArray:
    return np.broadcast_to(np.nan, (size,))


def _flat(n: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Return `n` (rows, columns) as one row, without room for it where all are the same."""
    return n.ravel() if any(n.strides) or not n.size else np.broadcast_to(n[0, 0], (n.size,))


def _lookup(words: list[str], codes: npt.NDArray[np.int8]) -> npt.NDArray[np.object_]:
    table = np.array(words, dtype=object)
    if codes.size and (codes == codes.flat[0]).all():
        return np.broadcast_to(table[codes.flat[:1]], (codes.size,))
    return np.asarray(table[codes.ravel()])
