"""Tables of targets: verdicts, ladders, permutations, selection, repeats, calibration."""

from __future__ import annotations

import numpy as np

from genoxel.core.errors import InputError
from genoxel.core.results import TargetResult, Validation, verdict_words
from genoxel.report.content import ReportContent
from genoxel.report.curves import calibration, repeat_aucs, roc, usable
from genoxel.report.tables.sheet import Field, Sheet, Value

CHANCE = {"auc": 0.5, "c_index": 0.5, "balanced_accuracy": 0.5, "r2": 0.0, "spearman": 0.0, "rho": 0.0}
"""What a metric shows when there is nothing to be found."""

NAN = float("nan")


def chance(metric: str) -> float:
    """Return the value of `metric` without any information, NaN when it depends on the data."""
    return CHANCE.get(metric.lower(), NAN)


def sheets(content: ReportContent) -> list[Sheet]:
    """Return the tables of all targets."""
    results = content.targets
    lines = tuple(sorted({0.5, *(result.smallest_useful for result in results)}))
    return [
        _verdicts(results, lines),
        _ladder(results, lines),
        _metrics(results),
        _permutations(results),
        _selected(results),
        _repeats(results),
        _roc(results),
        _calibration(results),
        _planned(content),
        _cutoffs(content),
    ]


def _verdicts(results: tuple[TargetResult, ...], lines: tuple[float, ...]) -> Sheet:
    fields = (
        Field("target", "Target"),
        Field("verdict", "Verdict"),
        Field("metric", "Metric"),
        Field("estimate", "Estimate", "estimate", "primary model, held-out patients", lines=lines),
        Field("low", "Lower", "estimate", "lower end of the interval", lines=lines),
        Field("high", "Upper", "estimate", "upper end of the interval", lines=lines),
        Field("best_simpler", "Best simpler model"),
        Field("simpler", "Its estimate", "estimate", lines=lines),
        Field("gain", "Gain", "gain", "primary less best simpler model", lines=(0.0,)),
        Field("gain_low", "Gain, lower", "gain", lines=(0.0,)),
        Field("gain_high", "Gain, upper", "gain", lines=(0.0,)),
        Field("p", "p", "p", "permutation p of this target alone"),
        Field("p_all", "p over all targets", "p", "permutation p of the maximum over all targets"),
        Field("smallest_p", "Smallest possible p", "p", "one over the number of permuted worlds and the real one"),
        Field("permutations", "Permuted worlds", "count"),
        Field("n", "Patients", "count"),
        Field("n_positive", "Positive", "count", "patients in the positive class"),
        Field("n_smaller", "Smaller class", "count"),
        Field("smallest_useful", "Smallest useful", "given", "written before the run"),
        Field("of_hundred", "Right of 100 pairs", "count", "pairs of a positive and a negative patient ranked rightly"),
        Field("interval", "Interval is about"),
        Field("coverage", "Measured coverage"),
    )
    rows = tuple(_verdict_row(result) for result in results)
    return Sheet("verdicts", "Verdict of each target", fields, rows, "Every target that was tried, in study order.")


def _verdict_row(result: TargetResult) -> tuple[Value, ...]:
    if result.verdict.word not in verdict_words():
        raise InputError(f"verdict {result.verdict.word!r}", ", ".join(verdict_words()), "use the five words")
    worlds = int(np.size(result.permuted))
    smallest = 1 / (worlds + 1) if worlds else NAN
    known = [count for level, count in result.counts.items() if level != "unknown"]
    n = sum(known)
    positive = result.counts.get(result.levels[-1], 0) if result.levels else 0
    primary, gain = result.primary, result.gain
    simpler = next((step.interval.estimate for step in result.ladder[1:] if step.features == result.best_simpler), NAN)
    estimate = (NAN, NAN, NAN)
    about = coverage = metric = ""
    if primary is not None:
        interval = primary.interval
        estimate = (interval.estimate, interval.low, interval.high)
        n, positive, metric = primary.n, primary.n_positive, primary.metric
        about, coverage = f"{interval.level:.0%} {interval.method} {interval.target}".strip(), interval.coverage
    gains = (NAN, NAN, NAN) if gain is None else (gain.estimate, gain.low, gain.high)
    return (
        *(result.target, result.verdict.word, metric_name(metric), *estimate, result.best_simpler, simpler, *gains),
        *(result.p, result.p_all, smallest, worlds, n, positive, min(known, default=0)),
        *(f"{result.smallest_useful:.2f}", estimate[0] * 100 if metric.lower() == "auc" else NAN, about, coverage),
    )


def metric_name(metric: str) -> str:
    """Return a metric's name as printed.

    >>> metric_name("auc"), metric_name("balanced_accuracy")
    ('AUC', 'balanced accuracy')
    """
    return {"auc": "AUC", "c_index": "C-index", "r2": "R²", "brier": "Brier score"}.get(
        metric.lower(), metric.replace("_", " ")
    )


def _ladder(results: tuple[TargetResult, ...], lines: tuple[float, ...]) -> Sheet:
    fields = (
        Field("target", "Target"),
        Field("role", "Role"),
        Field("features", "Features"),
        Field("model", "Model"),
        Field("metric", "Metric"),
        Field("estimate", "Estimate", "estimate", "held-out patients", lines=lines),
        Field("low", "Lower", "estimate", lines=lines),
        Field("high", "Upper", "estimate", lines=lines),
        Field("train", "On training rows", "estimate", "the same metric on the rows it was fitted to", lines=lines),
        Field("optimism", "Optimism", "gain", "training less held-out"),
        Field("n", "Patients", "count"),
        Field("n_positive", "Positive", "count"),
    )
    rows = []
    for result in results:
        for place, step in enumerate(result.ladder):
            interval = step.interval
            rows.append(
                (
                    *(step.target, "primary" if place == 0 else "compared", step.features, step.model),
                    *(metric_name(step.metric), interval.estimate, interval.low, interval.high),
                    *(step.train, step.optimism, step.n, step.n_positive),
                )
            )
    caption = "All models of all targets; the first of each target is its primary model, named before the run."
    return Sheet("ladder", "Comparison with simpler models", fields, tuple(rows), caption)


def _metrics(results: tuple[TargetResult, ...]) -> Sheet:
    fields = (
        *(Field("target", "Target"), Field("features", "Features"), Field("model", "Model"), Field("metric", "Metric")),
        *(Field("estimate", "Estimate", "estimate"), Field("low", "Lower", "estimate")),
        Field("high", "Upper", "estimate"),
    )
    rows = [
        (step.target, step.features, step.model, metric_name(name), found.estimate, found.low, found.high)
        for result in results
        for step in result.ladder
        for name, found in step.metrics.items()
    ]
    return Sheet(
        "metrics", "Further metrics", fields, tuple(rows), "Secondary metrics; none of them decides a verdict."
    )


def _permutations(results: tuple[TargetResult, ...]) -> Sheet:
    fields = (
        Field("target", "Target"),
        Field("observed", "Observed", "estimate"),
        Field("median", "Median of permuted", "estimate"),
        Field("largest", "Largest permuted", "estimate"),
        Field("reached", "Worlds at or above the observed", "count"),
        Field("worlds", "Permuted worlds", "count"),
    )
    rows = []
    for result in results:
        permuted = np.asarray(result.permuted, dtype=np.float64)
        permuted = permuted[~np.isnan(permuted)]
        middle, top = (float(np.median(permuted)), float(permuted.max())) if permuted.size else (NAN, NAN)
        reached = int(np.sum(permuted >= result.observed - 1e-12))
        rows.append((result.target, result.observed, middle, top, reached, int(permuted.size)))
    return Sheet(
        "permutations", "Permuted worlds", fields, tuple(rows), "Labels permuted between patients, everything refitted."
    )


def _selected(results: tuple[TargetResult, ...]) -> Sheet:
    fields = (
        *(Field("target", "Target"), Field("features", "Features"), Field("column", "Column")),
        *(Field("times", "Chosen in", "count"), Field("fits", "Outer fits", "count"), Field("share", "Share", "share")),
    )
    rows: list[tuple[Value, ...]] = []
    for result in results:
        for step in result.ladder:
            ranked = sorted(step.selected.items(), key=lambda item: (-item[1], item[0]))
            rows += [
                (step.target, step.features, name, times, step.fits, times / step.fits if step.fits else NAN)
                for name, times in ranked
                if times
            ]
    return Sheet("selected", "How often a column was chosen", fields, tuple(rows), "Counted over the outer fits.")


def _curves(results: tuple[TargetResult, ...]) -> list[Validation]:
    return [step for result in results for step in result.ladder if usable(step)]


def _repeats(results: tuple[TargetResult, ...]) -> Sheet:
    fields = (
        *(Field("target", "Target"), Field("features", "Features"), Field("model", "Model")),
        *(Field("repeat", "Repeat", "count"), Field("auc", "AUC", "estimate", "mean within-fold AUC of this repeat")),
    )
    rows = [
        (step.target, step.features, step.model, number + 1, float(auc))
        for step in _curves(results)
        for number, auc in enumerate(repeat_aucs(step))
    ]
    return Sheet("repeats", "AUC of each repeat", fields, tuple(rows), "How much the split into folds alone moves it.")


def _roc(results: tuple[TargetResult, ...]) -> Sheet:
    fields = (
        *(Field("target", "Target"), Field("features", "Features"), Field("fpr", "False positive rate", "estimate")),
        Field("sensitivity", "Sensitivity", "estimate", "mean over folds and repeats"),
        *(Field("lowest", "Lowest repeat", "estimate"), Field("highest", "Highest repeat", "estimate")),
    )
    rows: list[tuple[Value, ...]] = []
    for result in results:
        if result.primary is None or not usable(result.primary):
            continue
        curve = roc(result.primary)
        for place in range(0, 101, 10):
            column = curve.repeats[:, place]
            spread = (float(column.min()), float(column.max())) if column.size else (NAN, NAN)
            rows.append((result.target, result.primary.features, place / 100, float(curve.mean[place]), *spread))
    return Sheet("roc", "ROC curves", fields, tuple(rows), "Primary models; every tenth point of the drawn curve.")


def _calibration(results: tuple[TargetResult, ...]) -> Sheet:
    fields = (
        *(Field("target", "Target"), Field("group", "Group", "count"), Field("n", "Patients", "count")),
        *(Field("predicted", "Mean predicted", "estimate"), Field("observed", "Observed share", "estimate")),
        *(Field("low", "Lower", "estimate"), Field("high", "Upper", "estimate")),
    )
    rows: list[tuple[Value, ...]] = []
    for result in results:
        found = calibration(result.primary) if result.primary is not None and usable(result.primary) else None
        if found is None:
            continue
        for place in range(found.n.size):
            values = (found.predicted[place], found.observed[place], found.low[place], found.high[place])
            rows.append((result.target, place + 1, int(found.n[place]), *(float(value) for value in values)))
    caption = "Patients in groups of equal size by mean held-out probability; Wilson 95 % intervals."
    return Sheet("calibration", "Calibration of the primary models", fields, tuple(rows), caption)


def _planned(content: ReportContent) -> Sheet:
    fields = (
        *(Field("target", "Target"), Field("n", "Patients", "count"), Field("n_positive", "Positive", "count")),
        Field("detectable", "Smallest detectable", "estimate", "found in four of five studies of this size"),
        Field("half_width", "Expected half-width", "estimate", "of the 95 % interval"),
        Field("metric", "Metric"),
    )
    rows = tuple(
        (plan.target, plan.n, plan.n_positive, plan.detectable, plan.half_width, metric_name(plan.metric))
        for plan in content.planned
    )
    return Sheet(
        "planned",
        "What this study could find",
        fields,
        rows,
        "Computed from the class sizes alone, before anything was learned.",
    )


def _cutoffs(content: ReportContent) -> Sheet:
    fields = (
        *(Field("target", "Target"), Field("limit", "Cut-off", "number"), Field("what", "Which one")),
        *(Field("n", "Patients", "count"), Field("positive", "At or above", "count"), Field("share", "Share", "share")),
        Field("auc", "AUC", "estimate", "of the held-out scores of the primary model, judged by this cut-off"),
    )
    rows = tuple(
        (one.target, one.limit, one.what, one.n, one.positive, one.positive / one.n, one.auc) for one in content.cutoffs
    )
    words = "The models learned the classes of the cut-off in use; only the judgement moves here."
    return Sheet("cutoffs", "What hangs on the cut-off", fields, rows, words)
