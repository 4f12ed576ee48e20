"""How much hangs on a cut-off: who is positive, and the AUC of the held-out scores, at the cut-offs beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from genoxel.core.image import FloatArray
from genoxel.core.results import TargetResult
from genoxel.learn.kernels import auc
from genoxel.omics.settings import TargetSettings
from genoxel.omics.subtypes import CUT_OFFS
from genoxel.omics.targets import numbers_of
from genoxel.report.content import Cutoff
from genoxel.study.molecular import Molecular
from genoxel.study.steps.who import Who
from genoxel.study.study import Study

BESIDE = 0.1
"""The share of patients by which the neighbouring cut-offs move."""


def cutoffs_of(
    study: Study, who: Who, molecular: Molecular, patients: Sequence[str], targets: Sequence[TargetResult]
) -> tuple[Cutoff, ...]:
    """Return the cut-offs of every target that cuts a number, lowest first, and those beside them."""
    found: list[Cutoff] = []
    results = {target.target: target for target in targets}
    for name, settings in study.settings.targets.items():
        if settings.cut is None:
            continue
        numbers = numbers_of(name, settings, who.texts, molecular.scores).of_patients(patients)
        pairs = zip(numbers.patients, numbers.values.tolist(), strict=True)
        known = {one: value for one, value in pairs if not np.isnan(value)}
        if not known or numbers.levels:
            continue
        values = np.array(list(known.values()))
        for limit, word in sorted(limits_of(values, settings).items()):
            positive = int(np.sum(values >= limit))
            found.append(Cutoff(name, limit, word, len(values), positive, _auc(results.get(name), known, limit)))
    return tuple(found)


def limits_of(values: FloatArray, settings: TargetSettings) -> dict[float, str]:
    """Return limit -> what it is: used, named by the guideline, or 10 % of the patients away from the one used.

    >>> limits_of(np.arange(1.0, 101.0), TargetSettings(score="x", cut=51.0))
    {51.0: 'used', 41.0: '10 % more patients positive', 61.0: '10 % fewer patients positive'}
    """
    used = _used(values, settings)
    found = dict.fromkeys(used, "used")
    ordered = np.sort(values)
    step = round(BESIDE * len(ordered))
    for limit in used:
        place = int(np.searchsorted(ordered, limit))
        for other, word in ((place - step, "more"), (place + step, "fewer")):
            if 0 < other < len(ordered):
                found.setdefault(float(ordered[other]), f"{BESIDE:.0%} {word} patients positive".replace("%", " %"))
    for limit in CUT_OFFS[settings.cut][1] if isinstance(settings.cut, str) and settings.cut in CUT_OFFS else ():
        if found.get(limit) != "used":
            found[limit] = "named"
    return found


def _used(values: FloatArray, settings: TargetSettings) -> list[float]:
    if settings.quantile is not None:
        return [float(np.quantile(values, settings.quantile))]
    if not isinstance(settings.cut, str):
        return [float(settings.cut)]  # type: ignore[arg-type]
    _, limits, levels = CUT_OFFS[settings.cut]
    if not settings.positive:
        return list(limits)
    said = {word.strip().casefold() for word in settings.positive}
    high = [level.casefold() in said for level in levels]
    return [limit for limit, below, above in zip(limits, high, high[1:], strict=False) if below != above]


def _auc(target: TargetResult | None, known: Mapping[str, float], limit: float) -> float:
    """Return the mean AUC over repeats of the scores that the primary model gave, judged by another cut-off."""
    if target is None or target.primary is None:
        return float("nan")
    told = target.primary.predictions
    high = np.array([known.get(str(one), np.nan) >= limit for one in told["patient"].tolist()], dtype=np.float64)
    scores = np.asarray(told["score"], dtype=np.float64)
    each = [auc(high[told["repeat"] == one], scores[told["repeat"] == one]) for one in np.unique(told["repeat"])]
    return float(np.mean(each))
