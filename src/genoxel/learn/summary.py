"""From held-out scores to a Validation: AUC with interval, further metrics, optimism, selected columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from genoxel.core.image import FloatArray
from genoxel.core.results import Interval, Validation
from genoxel.learn.entries import Entry
from genoxel.learn.intervals import (
    COVERAGE,
    NOT_MEASURED,
    auc_interval,
    average_precision_interval,
    by_definition,
    mean_interval,
    place,
    share_interval,
)
from genoxel.learn.rounds import Rounds
from genoxel.learn.settings import LearnSettings
from genoxel.learn.work import TargetPlan


def target_text(settings: LearnSettings) -> str:
    """Return what an interval is about: new patients of models trained on this share of the patients.

    >>> target_text(LearnSettings())
    'mean AUC on new patients of models trained on 0.8 n patients'
    """
    outer = settings.validation.outer
    if outer == "site":
        return "mean AUC on patients of a site not trained on"
    return f"mean AUC on new patients of models trained on {1 - 1 / outer:.2g} n patients"


def _coverage(settings: LearnSettings) -> str:
    return NOT_MEASURED if settings.validation.outer == "site" else COVERAGE


def summarise(
    settings: LearnSettings, target: TargetPlan, entry: Entry, rounds: Rounds, extra: Mapping[str, Interval]
) -> Validation:
    """Return the validation of one entry of the ladder from its held-out scores."""
    y = target.y
    text = target_text(settings)
    design = entry.design
    names = design.names if design else ()
    notes = (design.notes if design else ()) + (("exploratory",) if entry.role == "exploratory" else ())
    return Validation(
        *(target.name, entry.model, entry.features, "auc"),
        auc_interval(place(y, rounds.score, rounds.fold), text, _coverage(settings)),
        *(y.size, int(y.sum()), float(np.nanmean(rounds.train)), predictions(target, rounds)),
        {**threshold_metrics(y, rounds, text), **extra},
        {names[column]: int(rounds.picked[column]) for column in np.flatnonzero(rounds.picked).tolist()},
        *(rounds.fits, notes, {**settings.model_dump(mode="json"), "role": entry.role}),
    )


def predictions(target: TargetPlan, rounds: Rounds) -> dict[str, npt.NDArray[np.generic]]:
    """Return one row per held-out prediction: repeat, fold, patient, y, score (a probability)."""
    repeats, n = rounds.score.shape
    return {
        "repeat": np.repeat(np.arange(repeats), n),
        "fold": rounds.fold.ravel(),
        "patient": np.tile(np.array(target.patients), repeats),
        "y": np.tile(target.y.astype(np.int64), repeats),
        "score": rounds.risk.ravel(),
    }


def threshold_metrics(y: FloatArray, rounds: Rounds, target: str) -> dict[str, Interval]:
    """Return accuracy, sensitivity, specificity, precision, Brier score and average precision with intervals.

    A patient is called positive when the probability exceeds the share of positives among the training patients.
    """
    called = rounds.risk > rounds.threshold
    positive = y > 0.5
    right = called == positive
    hits = (called & positive).sum(axis=1)
    calls = called.sum(axis=1)
    precision = float(hits.sum() / calls.sum()) if calls.sum() else float("nan")
    about = target.replace("mean AUC on", "for")
    return {
        "accuracy": share_interval(float(right.mean()), y.size, about),
        "sensitivity": share_interval(float(right[:, positive].mean()), int(positive.sum()), about),
        "specificity": share_interval(float(right[:, ~positive].mean()), int((~positive).sum()), about),
        "precision": replace(share_interval(precision, float(calls.mean()), about), coverage=NOT_MEASURED),
        "brier": mean_interval((rounds.risk - y) ** 2, about),
        "average_precision": average_precision_interval(y, rounds.risk, about),
    }


def prevalence_validation(target: TargetPlan) -> Validation:
    """Return the validation of the model that gives every patient the same score."""
    y = target.y
    share = float(y.mean())
    empty: dict[str, npt.NDArray[np.generic]] = {
        "repeat": np.zeros(0, dtype=np.int64),
        "fold": np.zeros(0, dtype=np.intp),
        "patient": np.zeros(0, dtype="<U1"),
        "y": np.zeros(0, dtype=np.int64),
        "score": np.zeros(0),
    }
    metrics = {
        "accuracy": by_definition(max(share, 1 - share)),
        "brier": by_definition(share * (1 - share)),
        "average_precision": by_definition(share),
    }
    return Validation(
        *(target.name, "none", "prevalence", "auc", by_definition(0.5), y.size, int(y.sum()), 0.5, empty, metrics)
    )
