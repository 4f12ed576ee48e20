"""Worlds whose truth is known, to measure this room by: false claims, power, coverage and bias by confounding."""

from __future__ import annotations

import builtins
import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from scipy.special import ndtr

from genoxel.associate.screen import screen
from genoxel.associate.settings import AssociateSettings
from genoxel.core.keys import as_keys
from genoxel.core.table import Column, Table
from genoxel.stats.multiple import benjamini_hochberg
from genoxel.stats.ranks import FloatArray

Map = Callable[..., Iterable[Any]]
"""`map`, or that of an executor: the values are the same."""
World = Literal["independent", "blocks", "best of gene"]
WORLDS: tuple[World, ...] = ("independent", "blocks", "best of gene")

BLOCK, WITHIN = 10, 0.8
"""Correlated features come in blocks of 10 that correlate at 0.8."""


class Share(NamedTuple):
    """A mean over cohorts, its standard error, and how many cohorts."""

    mean: float
    error: float
    of_cohorts: int = 0

    @classmethod
    def of(cls, values: Sequence[float]) -> Share:
        """Return mean and standard error of `values`."""
        array = np.asarray(values, dtype=np.float64)
        return cls(float(array.mean()), float(array.std(ddof=1) / np.sqrt(len(array))), len(array))


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


def false_discoveries(
    world: World, cohorts: int, seed: int = 0, planted: int = 3, n: int = 60, map: Map = builtins.map
) -> Share:
    """Return the mean share of false pairs among those that pass 5 %, over cohorts with `planted` true links.

    40 features and 40 genes; in "blocks" features correlate at 0.8 and a link holds for its whole block; in "best of
    gene" each gene's best feature is sought first and the genes are corrected by how often null worlds give a gene
    as small a p. `planted` = 0 are null cohorts: the share of cohorts that claim anything.
    """
    return Share.of(list(map(functools.partial(_false_share, world, seed, planted, n), range(cohorts))))


def _false_share(world: World, seed: int, planted: int, n: int, cohort: int) -> float:
    rng = _rng(seed, WORLDS.index(world), cohort)
    x, y = _features(rng, n, 40, world), rng.normal(size=(n, 40))
    truth = np.zeros((40, 40), dtype=np.bool_)
    for link in range(planted):
        block = (
            slice(link * BLOCK, (link + 1) * BLOCK) if world != "independent" else slice(link * BLOCK, link * BLOCK + 1)
        )
        y[:, link] = 0.75 * x[:, link * BLOCK] + np.sqrt(1 - 0.75**2) * y[:, link]
        truth[block, link] = True
    searched = world == "best of gene"
    permutations, chance = 999 if searched else 0, int(rng.integers(2**31))
    found = screen(table_of(x, "f"), table_of(y, "g"), permutations=permutations, seed=chance)
    if searched:
        passing = benjamini_hochberg(found.targets["p_best"]) <= 0.05
        return float((passing & ~truth.any(axis=0)).sum() / max(passing.sum(), 1))
    passing = found.pairs["q"].reshape(40, 40) <= 0.05
    return float((passing & ~truth).sum() / max(passing.sum(), 1))


def power(r: float, n: int, cohorts: int, seed: int = 0, pairs: int = 40, map: Map = builtins.map) -> Share:
    """Return how often one pair that correlates at `r` passes 5 % among `pairs` x `pairs` of `n` patients."""
    return Share.of(list(map(functools.partial(_passes, r, n, seed, pairs), range(cohorts))))


def _passes(r: float, n: int, seed: int, pairs: int, cohort: int) -> float:
    rng = _rng(seed, 11, cohort)
    x, y = rng.normal(size=(n, pairs)), rng.normal(size=(n, pairs))
    y[:, 0] = r * x[:, 0] + np.sqrt(1 - r**2) * y[:, 0]
    return float(screen(table_of(x, "f"), table_of(y, "g"), permutations=0).pairs["q"][0] <= 0.05)


class Confounding(NamedTuple):
    """Mean bias of the raw and of the adjusted correlation, and the share of adjusted intervals that hold the truth."""

    raw: Share
    adjusted: Share
    coverage: Share


def confounding(
    cohorts: int, seed: int = 0, partial: float = 0.3, n: int = 100, map: Map = builtins.map
) -> Confounding:
    """Return what a shared cause does: x and y follow z, and correlate at `partial` beyond it (linear, Gaussian).

    The adjusted Pearson correlation is nearly unbiased: its known bias -r (1 - r²) / 2 (n - 3) is taken out.
    """
    each = list(map(functools.partial(_confounded, seed, partial, n), range(cohorts)))
    known = -partial * (1 - partial**2) / (2 * (n - 3))
    return Confounding(
        Share.of([raw - partial for raw, _, _ in each]),
        Share.of([adjusted - partial - known for _, adjusted, _ in each]),
        Share.of([held for _, _, held in each]),
    )


def _confounded(seed: int, true: float, n: int, cohort: int) -> tuple[float, float, float]:
    """Return the raw and the adjusted correlation of one cohort, and whether the adjusted interval holds `true`."""
    rng = _rng(seed, 12, cohort)
    z, x, y = rng.normal(size=(3, n, 1))
    y = true * x + np.sqrt(1 - true**2) * y
    cause = Table(z, as_keys([f"P{row:03d}" for row in range(n)]), (Column("z"),))
    settings = AssociateSettings(correlation="pearson")
    pairs = screen(table_of(x + z, "f"), table_of(y + z, "g"), cause, permutations=0, settings=settings).pairs
    held = float(pairs["low_adjusted"][0] <= true <= pairs["high_adjusted"][0])
    return float(pairs["effect"][0]), float(pairs["effect_adjusted"][0]), held


EFFECTS = ("r", "cohens_d", "auc", "log_odds_ratio", "log_odds_ratio_sparse", "log_hazard_ratio")


def coverage(effect: str, cohorts: int, seed: int = 0, n: int = 80, map: Map = builtins.map) -> Share:
    """Return how often the interval of one of `EFFECTS` holds the truth, among cohorts that have one.

    "log_odds_ratio_sparse" are tables whose least expected count is about 2, where the interval is the exact one.
    """
    found = map(functools.partial(_held, effect, seed, n), range(cohorts))
    return Share.of([held for held in found if np.isfinite(held)])


def _held(effect: str, seed: int, n: int, cohort: int) -> float:
    rng = _rng(seed, 13, len(effect), cohort)
    image, other, truth = _population(effect, rng, n)
    groups: Literal["auc", "cohens_d"] = "cohens_d" if effect == "cohens_d" else "auc"
    settings = AssociateSettings(correlation="pearson", groups=groups)
    pairs = screen(image, other, permutations=0, settings=settings).pairs
    low, high = float(pairs["low"][0]), float(pairs["high"][0])
    return float(low <= truth <= high) if not np.isnan([low, high]).any() else float("nan")


def _population(effect: str, rng: np.random.Generator, n: int) -> tuple[Table, Table, float]:
    """Return one sample of `n` patients and the true effect."""
    image = rng.normal(size=(n, 1))
    half = (np.arange(n) % 2).astype(float)[:, None]
    if effect == "r":
        return table_of(image, "f"), table_of(0.5 * image + np.sqrt(0.75) * rng.normal(size=(n, 1)), "g"), 0.5
    if effect in ("cohens_d", "auc"):
        truth = 0.5 if effect == "cohens_d" else float(ndtr(0.5 / np.sqrt(2)))
        return table_of(image + 0.5 * half, "f"), table_of(half, "g", "binary"), truth
    if effect == "log_hazard_ratio":
        return _followed(image, rng)
    rare = effect.endswith("sparse")
    inside = (np.arange(n) < n // 8).astype(float)[:, None] if rare else half
    shares = (1 / 3, 1 / 7) if rare else (0.6, 0.4)
    drawn = (rng.random((n, 1)) < np.where(inside == 1, *shares)).astype(float)
    truth = float(np.log(shares[0] / (1 - shares[0]) * (1 - shares[1]) / shares[1]))
    return table_of(inside, "f", "binary"), table_of(drawn, "g", "binary"), truth


def _followed(image: FloatArray, rng: np.random.Generator) -> tuple[Table, Table, float]:
    """Return a sample whose hazard follows the image, and the log hazard ratio per SD of this sample."""
    n = len(image)
    time, late = rng.exponential(np.exp(-0.5 * image[:, 0])), rng.exponential(3, size=n)
    features = table_of(image, "f")
    columns = Column("os", "time"), Column("os.event", "binary")
    survival = Table(np.c_[np.minimum(time, late), time <= late], features.rows, columns)
    return features, survival, 0.5 * float(image.std())
