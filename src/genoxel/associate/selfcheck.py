"""Worlds whose truth is known, to measure this room by: false claims, power, coverage and bias by confounding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from genoxel.associate.screen import screen
from genoxel.associate.settings import AssociateSettings
from genoxel.core.keys import as_keys
from genoxel.core.table import Column, Table
from genoxel.stats.multiple import benjamini_hochberg
from genoxel.stats.ranks import FloatArray

World = Literal["independent", "blocks", "best of gene"]
WORLDS: tuple[World, ...] = ("independent", "blocks", "best of gene")

BLOCK, WITHIN = 10, 0.8
"""Correlated features come in blocks of 10 that correlate at 0.8."""


class Share(NamedTuple):
    """A mean over cohorts and its standard error."""

    mean: float
    error: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Share:
        """Return mean and standard error of `values`."""
        array = np.asarray(values, dtype=np.float64)
        return cls(float(array.mean()), float(array.std(ddof=1) / np.sqrt(len(array))))


def table_of(values: FloatArray, name: str, kind: str = "real") -> Table:
    """Return a table of columns name0, name1, ... of patients P000, P001, ..."""
    columns = tuple(Column(f"{name}{place}", kind) for place in range(values.shape[1]))  # type: ignore[arg-type]
    return Table(values, as_keys([f"P{row:03d}" for row in range(len(values))]), columns)


def _rng(seed: int, *words: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence([seed, *words]))


def _features(rng: np.random.Generator, n: int, p: int, world: World) -> FloatArray:
    own = rng.normal(size=(n, p))
    if world == "independent":
        return own
    common = np.repeat(rng.normal(size=(n, -(-p // BLOCK))), BLOCK, axis=1)[:, :p]
    return np.asarray(np.sqrt(WITHIN) * common + np.sqrt(1 - WITHIN) * own)


def false_discoveries(world: World, cohorts: int, seed: int = 0, planted: int = 3, n: int = 60) -> Share:
    """Return the mean share of false pairs among those that pass 5 %, over cohorts with `planted` true links.

    40 features and 40 genes; in "blocks" features correlate at 0.8 and a link holds for its whole block; in "best of
    gene" each gene's best feature is sought first and the genes are corrected by how often null worlds give a gene
    as small a p. `planted` = 0 are null cohorts: the share of cohorts that claim anything.
    """
    return Share.of(
        [_false_share(world, _rng(seed, WORLDS.index(world), cohort), planted, n) for cohort in range(cohorts)]
    )


def _false_share(world: World, rng: np.random.Generator, planted: int, n: int) -> float:
    x, y = _features(rng, n, 40, world), rng.normal(size=(n, 40))
    truth = np.zeros((40, 40), dtype=np.bool_)
    for link in range(planted):
        block = (
            slice(link * BLOCK, (link + 1) * BLOCK) if world != "independent" else slice(link * BLOCK, link * BLOCK + 1)
        )
        y[:, link] = 0.75 * x[:, link * BLOCK] + np.sqrt(1 - 0.75**2) * y[:, link]
        truth[block, link] = True
    seed = int(rng.integers(2**31))
    searched = world == "best of gene"
    found = screen(table_of(x, "f"), table_of(y, "g"), permutations=999 if searched else 0, seed=seed)
    if searched:
        passing = benjamini_hochberg(found.targets["p_best"]) <= 0.05
        return float((passing & ~truth.any(axis=0)).sum() / max(passing.sum(), 1))
    passing = found.pairs["q"].reshape(40, 40) <= 0.05
    return float((passing & ~truth).sum() / max(passing.sum(), 1))


def power(r: float, n: int, cohorts: int, seed: int = 0, pairs: int = 40) -> Share:
    """Return how often one pair that correlates at `r` passes 5 % among `pairs` x `pairs` of `n` patients."""
    found = []
    for cohort in range(cohorts):
        rng = _rng(seed, 11, cohort)
        x, y = rng.normal(size=(n, pairs)), rng.normal(size=(n, pairs))
        y[:, 0] = r * x[:, 0] + np.sqrt(1 - r**2) * y[:, 0]
        q = screen(table_of(x, "f"), table_of(y, "g"), permutations=0).pairs["q"]
        found.append(float(q[0] <= 0.05))
    return Share.of(found)


class Confounding(NamedTuple):
    """Mean bias of the raw and of the adjusted correlation, and the share of adjusted intervals that hold the truth."""

    raw: Share
    adjusted: Share
    coverage: Share


def confounding(cohorts: int, seed: int = 0, partial: float = 0.3, n: int = 100) -> Confounding:
    """Return what a shared cause does: x and y follow z, and correlate at `partial` beyond it (linear, Gaussian).

    The adjusted Pearson correlation is nearly unbiased: its known bias -r (1 - r²) / 2 (n - 3) is taken out.
    """
    raw, adjusted, held = [], [], []
    settings = AssociateSettings(correlation="pearson")
    known = -partial * (1 - partial**2) / (2 * (n - 3))
    for cohort in range(cohorts):
        rng = _rng(seed, 12, cohort)
        z, x, y = rng.normal(size=(3, n, 1))
        y = partial * x + np.sqrt(1 - partial**2) * y
        cause = Table(z, as_keys([f"P{row:03d}" for row in range(n)]), (Column("z"),))
        pairs = screen(table_of(x + z, "f"), table_of(y + z, "g"), cause, permutations=0, settings=settings).pairs
        raw.append(float(pairs["effect"][0]) - partial)
        adjusted.append(float(pairs["effect_adjusted"][0]) - partial - known)
        held.append(float(pairs["low_adjusted"][0] <= partial <= pairs["high_adjusted"][0]))
    return Confounding(Share.of(raw), Share.of(adjusted), Share.of(held))


def coverage(effect: str, cohorts: int, seed: int = 0, n: int = 80) -> Share:
    """Return how often the interval of `effect` holds the truth: r, cohens_d, auc, log_odds_ratio, log_hazard_ratio."""
    return Share.of([_held(effect, _rng(seed, 13, len(effect), cohort), n) for cohort in range(cohorts)])


def _held(effect: str, rng: np.random.Generator, n: int) -> float:
    from scipy.special import ndtr

    image, other, truth = rng.normal(size=(n, 1)), np.empty((n, 1)), 0.5
    kinds: tuple[str, str] = ("real", "real")
    if effect == "r":
        other = 0.5 * image + np.sqrt(0.75) * rng.normal(size=(n, 1))
    elif effect in ("cohens_d", "auc"):
        other, kinds = (np.arange(n) % 2).astype(float)[:, None], ("real", "binary")
        image = image + 0.5 * other
        truth = 0.5 if effect == "cohens_d" else float(ndtr(0.5 / np.sqrt(2)))
    elif effect == "log_odds_ratio":
        image, kinds = (np.arange(n) % 2).astype(float)[:, None], ("binary", "binary")
        other = (rng.random((n, 1)) < np.where(image == 1, 0.6, 0.4)).astype(float)
        truth = float(2 * np.log(1.5))
    right = table_of(other, "g", kinds[1])
    if effect == "log_hazard_ratio":
        time = rng.exponential(np.exp(-0.5 * image[:, 0]))
        late = rng.exponential(3, size=n)
        columns = Column("os", "time"), Column("os.event", "binary")
        right = Table(np.c_[np.minimum(time, late), time <= late], right.rows, columns)
        truth = 0.5 * float(image.std())
    settings = AssociateSettings(correlation="pearson", groups="cohens_d" if effect == "cohens_d" else "auc")
    pairs = screen(table_of(image, "f", kinds[0]), right, permutations=0, settings=settings).pairs
    return float(pairs["low"][0] <= truth <= pairs["high"][0])
