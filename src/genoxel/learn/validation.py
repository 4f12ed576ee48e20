"""Validation of one procedure on one table and one outcome, for notebooks."""

from __future__ import annotations

from collections.abc import Mapping

from genoxel.core.errors import OutcomeError
from genoxel.core.outcome import Outcome
from genoxel.core.results import Validation
from genoxel.core.table import Table
from genoxel.learn.settings import LearnSettings, ModelName
from genoxel.learn.targets import judge_targets


def validate(
    features: Table,
    outcome: Outcome,
    settings: LearnSettings | None = None,
    model: ModelName = "elastic_net",
    seed: int = 0,
    sites: Mapping[str, str] | None = None,
) -> Validation:
    """Return the repeated, nested cross-validation of one procedure; whole patients are held out.

    Raises `OutcomeError` when the outcome is not of two classes with 10 known patients in each, `TableError` for
    several rows per patient unless `settings.several` says what to do.
    """
    base = settings or LearnSettings()
    validation = base.validation.model_copy(update={"permutations": 0})
    primary = base.primary.model_copy(update={"features": "features", "model": model})
    alone = base.model_copy(update={"validation": validation, "primary": primary, "compare": (), "also": ()})
    (result,) = judge_targets({"features": features}, [outcome], alone, seed=seed, sites=sites)
    if result.primary is None:
        raise OutcomeError(result.verdict.reason, "10 patients or more in the smaller class", result.verdict.next_step)
    return result.primary
