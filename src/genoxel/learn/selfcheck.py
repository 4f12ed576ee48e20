"""Worlds whose truth is known, to measure this room by: coverage of its intervals, power, and false claims."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from genoxel.core.image import FloatArray
from genoxel.core.outcome import Outcome
from genoxel.core.results import TargetResult
from genoxel.core.table import Column, Table
from genoxel.learn.kernels import auc
from genoxel.learn.procedure import Procedure
from genoxel.learn.rounds import rng_of
from genoxel.learn.settings import LearnSettings
from genoxel.learn.targets import judge_targets

BLOCK = 20
WITHIN = 0.6
"""Columns come in blocks of 20 that correlate at 0.6, as image features do."""

Mapper = Callable[[Callable[[int], Any], Sequence[int]], Iterable[Any]]


@dataclass(frozen=True)
class World:
    """`n` patients, `p` correlated columns; 20 of them (5 in each of 4 blocks) are shifted by `shift` SD in positives.

    >>> X, y = World(60, 100, 0.8).draw(np.random.default_rng(0))
    >>> X.shape, int(y.sum())
    ((60, 100), 30)
    """

    n: int
    p: int = 1000
    shift: float = 0.0
    prevalence: float = 0.5

    def draw(self, rng: np.random.Generator, n: int | None = None) -> tuple[FloatArray, FloatArray]:
        """Return (X (n, p), y (n,)) of new patients with the exact prevalence."""
        n = n or self.n
        y = np.zeros(n)
        y[: round(n * self.prevalence)] = 1.0
        blocks = -(-self.p // BLOCK)
        common = np.repeat(rng.normal(size=(n, blocks)), BLOCK, axis=1)[:, : self.p]
        X = np.sqrt(WITHIN) * common + np.sqrt(1 - WITHIN) * rng.normal(size=(n, self.p))
        shifted = [block * BLOCK + place for block in range(4) for place in range(5)]
        X[:, [column for column in shifted if column < self.p]] += self.shift * y[:, None]
        return X, y

    def patients(self) -> tuple[str, ...]:
        """Return names for `n` patients."""
        return tuple(f"P{place:04d}" for place in range(self.n))


def table_of(X: FloatArray, patients: Sequence[str], kind: str = "features") -> Table:
    """Return a table of real columns f0, f1, ... for `patients`."""
    return Table(X, tuple(patients), tuple(Column(f"f{place}") for place in range(X.shape[1])), kind)  # type: ignore[arg-type]


def outcome_of(y: FloatArray, patients: Sequence[str], name: str = "trait") -> Outcome:
    """Return a two-class outcome of 0/1 `y`."""
    return Outcome(name, "class", tuple(patients), y, ("absent", "present"))


def cohort_of(world: World, seed: int) -> tuple[FloatArray, FloatArray]:
    """Return (X, y) of the cohort number `seed` of a world."""
    return world.draw(rng_of(9, "cohort", seed))


def one_truth(world: World, seed: int, test: int = 1000) -> dict[str, float]:
    """Return AUC and threshold metrics, on new patients, of one procedure trained on 0.8 n patients of the world."""
    rng = rng_of(9, "truth", seed)
    X, y = world.draw(rng, round(0.8 * world.n))
    new, truth = world.draw(rng, test)
    fitted = Procedure(seed=seed).fit(X, y)
    risk = fitted.predict_proba(new)[:, 1]
    called, positive = risk > fitted.base_, truth > 0.5
    return {
        "auc": auc(truth, risk),
        "accuracy": float(np.mean(called == positive)),
        "sensitivity": float(np.mean(called[positive])),
        "specificity": float(np.mean(~called[~positive])),
        "brier": float(np.mean((risk - truth) ** 2)),
    }


def one_validation(world: World, seed: int) -> dict[str, tuple[float, float, float]]:
    """Return (estimate, low, high) of each metric of one cohort drawn from the world, by the room's own validation."""
    X, y = cohort_of(world, seed)
    patients = world.patients()
    settings = LearnSettings(validation={"permutations": 0}, compare=())
    (result,) = judge_targets({"image": table_of(X, patients)}, [outcome_of(y, patients)], settings, seed=seed)
    if result.primary is None:
        return {}
    intervals = {"auc": result.primary.interval, **result.primary.metrics}
    return {name: (one.estimate, one.low, one.high) for name, one in intervals.items()}


def coverage(world: World, sims: int = 400, map: Mapper = builtins.map) -> dict[str, dict[str, float]]:
    """Return, per metric, the truth (training size 0.8 n), coverage of the 95 % interval, mean width and bias.

    `sims` cohorts are drawn from the world, and as many training sets for the truth.
    """
    truths = list(map(partial(one_truth, world), range(sims)))
    found = list(map(partial(one_validation, world), range(sims)))
    out = {}
    for metric in truths[0]:
        truth = float(np.mean([one[metric] for one in truths]))
        estimate, low, high = np.array([one[metric] for one in found]).T
        out[metric] = {
            "truth": truth,
            "coverage": float(np.mean((low <= truth) & (truth <= high))),
            "width": float(np.mean(high - low)),
            "bias": float(np.mean(estimate) - truth),
        }
    return out


def one_verdict(world: World, seed: int, targets: int = 1, permutations: int = 99) -> list[TargetResult]:
    """Return the results on one cohort: the first target as the world says, the others unrelated to the image.

    A volume and two clinical columns unrelated to any target are there as simpler models.
    """
    rng = rng_of(9, "verdict", seed)
    X, y = world.draw(rng)
    patients = world.patients()
    others = [rng.permutation(y) for _ in range(targets - 1)]
    outcomes = [outcome_of(values, patients, f"trait{place}") for place, values in enumerate([y, *others])]
    blocks = {
        "image": table_of(X, patients),
        "volume": table_of(rng.lognormal(size=(world.n, 1)), patients, "volume"),
        "clinical": table_of(rng.normal(size=(world.n, 2)), patients, "clinical"),
    }
    settings = LearnSettings(validation={"permutations": permutations})
    return judge_targets(blocks, outcomes, settings, seed=seed)


def claims(
    world: World,
    sims: int = 100,
    targets: int = 1,
    permutations: int = 99,
    map: Mapper = builtins.map,
) -> dict[str, float]:
    """Return the share of cohorts in which the first target ends in each word, and in which any target claims.

    "above chance" is a claim of either kind: supported, or above chance with no gain shown.
    """
    task = partial(one_words, world, targets, permutations)
    words = list(map(task, range(sims)))
    shares = {word: float(np.mean([one[0] == word for one in words])) for one in words for word in one[:1]}
    above = ("supported", "above chance, no gain shown")
    return {
        **shares,
        "any above chance": float(np.mean([any(word in above for word in one) for one in words])),
        "any supported": float(np.mean([any(word == above[0] for word in one) for one in words])),
    }


def one_words(world: World, targets: int, permutations: int, seed: int) -> list[str]:
    """Return the verdict words of one cohort."""
    return [result.verdict.word for result in one_verdict(world, seed, targets, permutations)]


def naive_auc(world: World, seed: int, columns: int = 20) -> float:
    """Return the AUC of the leaking way: columns chosen on all patients, then cross-validated. For show only."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    X, y = cohort_of(world, seed)
    strongest = np.argsort(-np.abs((X - X.mean(axis=0)).T @ (y - y.mean())))[:columns]
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    return float(np.mean(cross_val_score(LogisticRegression(), X[:, strongest], y, cv=folds, scoring="roc_auc")))


def unrelated(world: World) -> World:
    """Return the same world without any link."""
    return replace(world, shift=0.0)
