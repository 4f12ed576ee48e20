"""Whether the intervals of every further kind of effect hold the truth: by ranks, by regression, beside a covariate."""

from __future__ import annotations

import builtins
import functools
from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np

from genoxel.associate.screen import screen
from genoxel.associate.selfcheck import Map, Share, table_of
from genoxel.associate.settings import AssociateSettings
from genoxel.core.table import Column, Table
from genoxel.stats.ranks import FloatArray

Maker = Callable[[np.random.Generator, int, FloatArray], "_Made"]

KINDS = (
    *("rho", "cliffs_delta", "logistic"),
    *("r adjusted", "rho adjusted", "cohens_d adjusted", "logistic adjusted", "log_hazard_ratio adjusted"),
    *("epsilon_squared", "cramers_v"),
)
"""Effects beside those of `selfcheck.EFFECTS`; "adjusted" for a covariate that both sides (or the risk) follow."""

APPROXIMATE = ("epsilon_squared", "cramers_v")
"""Intervals called approximate, which may be cautious."""


def coverage_of(effect: str, cohorts: int, seed: int = 0, n: int = 80, map: Map = builtins.map) -> Share:
    """Return how often the interval of one of `KINDS` holds the truth; an interval that is missing does not."""
    return Share.of(list(map(functools.partial(_held, effect, seed, n), range(cohorts))))


def _held(effect: str, seed: int, n: int, cohort: int) -> float:
    rng = np.random.default_rng(np.random.SeedSequence([seed, 14, KINDS.index(effect), cohort]))
    name = effect.removesuffix(" adjusted")
    suffix = "_adjusted" if name != effect else ""
    z = rng.normal(size=(n, 1)) if suffix else np.zeros((n, 1))
    made = _MAKERS[name](rng, n, z) if name in _MAKERS else _numbers(name, rng, n, z)
    adjust = table_of(z, "z") if suffix else None
    pairs = screen(made.image, made.other, adjust, permutations=0, settings=made.settings).pairs
    return float(pairs[f"low{suffix}"][0] <= made.truth <= pairs[f"high{suffix}"][0])


class _Made(NamedTuple):
    """One pair whose truth is known."""

    image: Table
    other: Table
    truth: float
    settings: AssociateSettings = AssociateSettings()


def _numbers(name: str, rng: np.random.Generator, n: int, z: FloatArray) -> _Made:
    """Two numbers that correlate at 0.5 beyond z; the truth of rho is 6/pi asin(r/2), beyond z about that."""
    x = rng.normal(size=(n, 1))
    y = 0.5 * x + np.sqrt(0.75) * rng.normal(size=(n, 1))
    truth = 0.5 if name == "r" else float(6 / np.pi * np.arcsin(0.25))
    chosen = AssociateSettings(correlation="pearson" if name == "r" else "spearman")
    return _Made(table_of(x + z, "f"), table_of(y + z, "g"), truth, chosen)


def _groups(groups: Literal["auc", "cliffs_delta", "cohens_d"]) -> Maker:
    """Half the patients lie half a standard deviation higher."""

    def make(rng: np.random.Generator, n: int, z: FloatArray) -> _Made:
        from scipy.special import ndtr

        of = (np.arange(n) % 2).astype(float)[:, None]
        area = float(ndtr(0.5 / np.sqrt(2)))
        truth = {"cohens_d": 0.5, "auc": area, "cliffs_delta": 2 * area - 1}[groups]
        image = table_of(rng.normal(size=(n, 1)) + 0.5 * of + z, "f")
        return _Made(image, table_of(of, "g", "binary"), truth, AssociateSettings(groups=groups))

    return make


def _logistic(rng: np.random.Generator, n: int, z: FloatArray) -> _Made:
    x = rng.normal(size=(n, 1))
    y = (rng.random((n, 1)) < 1 / (1 + np.exp(-0.5 * x - z))).astype(float)
    settings = AssociateSettings(groups="log_odds_ratio")
    return _Made(table_of(x, "f"), table_of(y, "g", "binary"), 0.5 * float(x.std()), settings)


def _hazard(rng: np.random.Generator, n: int, z: FloatArray) -> _Made:
    x = rng.normal(size=(n, 1))
    time = rng.exponential(np.exp(-0.5 * x[:, 0] - z[:, 0]))
    late = rng.exponential(3, size=n)
    image = table_of(x, "f")
    columns = Column("os", "time"), Column("os.event", "binary")
    other = Table(np.c_[np.minimum(time, late), time <= late], image.rows, columns)
    return _Made(image, other, 0.5 * float(x.std()))


def _levels(rng: np.random.Generator, n: int, z: FloatArray) -> _Made:
    """Three classes 0.4 standard deviations apart; the truth is the spread of their mean ranks over that of all."""
    from scipy.special import ndtr

    of, middles = np.arange(n) % 3, np.array([-0.4, 0.0, 0.4])
    ranks = ndtr((middles[:, None] - middles) / np.sqrt(2)).mean(axis=1)
    other = Table(of[:, None].astype(float), table_of(z, "z").rows, (Column("g", "categorical", levels=tuple("abc")),))
    return _Made(table_of(rng.normal(size=(n, 1)) + middles[of][:, None], "f"), other, float(12 * ranks.var()))


def _classes(rng: np.random.Generator, n: int, z: FloatArray) -> _Made:
    """Two by three classes, Cramér's V 0.25: shares (0.4, 0.35, 0.25) and (0.2, 0.35, 0.45) give 0.2517."""
    of = np.arange(n) % 2
    shares = np.array([[0.4, 0.35, 0.25], [0.2, 0.35, 0.45]])
    drawn = (rng.random(n)[:, None] > shares.cumsum(axis=1)[of]).sum(axis=1)[:, None].astype(float)
    other = Table(drawn, table_of(z, "z").rows, (Column("g", "categorical", levels=tuple("abc")),))
    middle = shares.mean(axis=0)
    truth = float(np.sqrt((((shares - middle) ** 2) / middle).sum() / 2))
    return _Made(table_of(of[:, None].astype(float), "f", "binary"), other, truth)


_MAKERS: dict[str, Maker] = {
    "cohens_d": _groups("cohens_d"),
    "auc": _groups("auc"),
    "cliffs_delta": _groups("cliffs_delta"),
    "logistic": _logistic,
    "log_hazard_ratio": _hazard,
    "epsilon_squared": _levels,
    "cramers_v": _classes,
}
