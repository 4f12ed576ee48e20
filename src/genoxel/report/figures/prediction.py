"""Figures of targets and models: forest, ladder, ROC curve, permutation histogram, calibration."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from genoxel.core.results import TargetResult, Validation
from genoxel.report.curves import GRID as RATES
from genoxel.report.curves import calibration, repeat_aucs, roc, usable
from genoxel.report.figures.style import (
    AMBER,
    BLUE,
    GREY,
    ORANGE,
    PAPER,
    SKY,
    SOFT,
    canvas,
    mark_observed,
    shorten,
)
from genoxel.report.figures.style import GRID as LINE
from genoxel.report.tables.prediction import chance, metric_name


def forest(results: Sequence[TargetResult], ax: Axes | None = None) -> Axes:
    """Draw every model of every target with its interval, the chance line and each target's smallest useful value.

    The primary model is a filled diamond, models it is compared with are open circles with a thin interval.
    """
    shown = [result for result in results if result.ladder]
    rows = sum(len(result.ladder) + 1.5 for result in shown)
    with canvas(ax, 8.2, 0.75 + 0.25 * rows) as axes:
        names = list(dict.fromkeys(metric_name(result.ladder[0].metric) for result in shown))
        level = chance(shown[0].ladder[0].metric) if shown else 0.5
        place = 0.0
        ticks: list[tuple[float, str]] = []
        for result in shown:
            axes.text(-0.01, place, shorten(result.target, 30), _to_left(axes), ha="right", va="center", weight="bold")
            axes.text(1.02, place, result.verdict.word, _to_left(axes), ha="left", va="center", style="italic")
            top = place + 0.45
            for number, step in enumerate(result.ladder):
                place += 1
                _whisker(axes, step, place, primary=number == 0)
                ticks.append((place, shorten(step.features, 30)))
            axes.plot([result.smallest_useful] * 2, [top, place + 0.45], color=ORANGE, lw=1.4, ls=(0, (4, 2)))
            place += 1.5
        axes.axvline(level, color=SOFT, lw=1.0, ls=":")
        axes.set_yticks([tick for tick, _ in ticks], [name for _, name in ticks])
        axes.set_ylim(place - 0.6, -0.7)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(f"{' / '.join(names)} on held-out patients")
        _forest_key(axes, level)
    return axes


def _to_left(axes: Axes) -> dict[str, object]:
    return {"transform": axes.get_yaxis_transform()}


def _whisker(axes: Axes, step: Validation, place: float, primary: bool) -> None:
    interval = step.interval
    colour = BLUE if primary else GREY
    if np.isfinite([interval.low, interval.high]).all():
        axes.plot([interval.low, interval.high], [place, place], color=colour, lw=2.2 if primary else 1.2)
    marker, size, face = ("D", 6.0, colour) if primary else ("o", 5.0, PAPER)
    axes.plot(interval.estimate, place, marker, ms=size, mfc=face, mec=colour, mew=1.3)
    text = str(interval).replace(" (no interval)", "")
    axes.text(1.02, place, text, _to_left(axes), ha="left", va="center", fontsize=8)


def _forest_key(axes: Axes, level: float) -> None:
    from matplotlib.lines import Line2D

    keys = [
        Line2D([], [], color=BLUE, marker="D", ms=5, lw=2.2, label="primary model"),
        Line2D([], [], color=GREY, marker="o", ms=5, mfc=PAPER, lw=1.2, label="compared model"),
        Line2D([], [], color=SOFT, ls=":", lw=1.0, label=f"chance ({level:g})"),
        Line2D([], [], color=ORANGE, ls=(0, (4, 2)), lw=1.4, label="smallest useful"),
    ]
    axes.legend(handles=keys, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=4, handlelength=2.2, borderpad=0)


def ladder(result: TargetResult, ax: Axes | None = None) -> Axes:
    """Draw the models of one target: estimate, interval, one dot per repeat, and a cross for the training rows."""
    with canvas(ax, 7.2, 0.9 + 0.4 * max(len(result.ladder), 1)) as axes:
        for place, step in enumerate(result.ladder):
            _whisker_only(axes, step, place, primary=place == 0)
        axes.axvline(chance(result.ladder[0].metric) if result.ladder else 0.5, color=SOFT, lw=1.0, ls=":")
        axes.axvline(result.smallest_useful, color=ORANGE, lw=1.4, ls=(0, (4, 2)))
        axes.set_yticks(range(len(result.ladder)), [shorten(step.features, 22) for step in result.ladder])
        axes.set_ylim(len(result.ladder) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(metric_name(result.ladder[0].metric) if result.ladder else "")
        axes.set_title("Comparison with simpler models")
    return axes


def _whisker_only(axes: Axes, step: Validation, place: int, primary: bool) -> None:
    colour, interval = (BLUE if primary else GREY), step.interval
    if usable(step) and step.metric.lower() == "auc":
        dots = repeat_aucs(step)
        spread = place + 0.2 + 0.12 * (np.arange(dots.size) % 2)
        axes.plot(dots, spread, ".", color=colour, ms=3.5, alpha=0.8, mew=0)
    if np.isfinite([interval.low, interval.high]).all():
        axes.plot([interval.low, interval.high], [place, place], color=colour, lw=2.2 if primary else 1.2)
    marker, face = ("D", colour) if primary else ("o", PAPER)
    axes.plot(interval.estimate, place, marker, ms=5.5, mfc=face, mec=colour, mew=1.3)
    if np.isfinite(step.train):
        axes.plot(step.train, place, "x", color=AMBER, ms=5, mew=1.4)


def roc_curve(validation: Validation, ax: Axes | None = None) -> Axes:
    """Draw the ROC curve averaged within folds, with the range over repeats as a band (not an interval)."""
    with canvas(ax, 3.4, 3.3) as axes:
        axes.plot([0, 1], [0, 1], color=SOFT, lw=1.0, ls=":")
        if usable(validation):
            curve = roc(validation)
            if curve.repeats.shape[0] > 1:
                low, high = curve.repeats.min(axis=0), curve.repeats.max(axis=0)
                axes.fill_between(RATES, low, high, color=SKY, alpha=0.35, lw=0)
            axes.plot(RATES, curve.mean, color=BLUE, lw=2)
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
        axes.set_xlabel("False positive rate")
        axes.set_ylabel("Sensitivity")
        axes.set_title("ROC curve, mean of folds")
    return axes


def permutation_histogram(result: TargetResult, ax: Axes | None = None) -> Axes:
    """Draw what the whole procedure reached with permuted labels, and the observed value as a line."""
    with canvas(ax, 4.2, 2.6) as axes:
        worlds = np.asarray(result.permuted, dtype=np.float64)
        worlds = worlds[np.isfinite(worlds)]
        if worlds.size:
            axes.hist(worlds, bins=min(25, max(6, worlds.size // 6)), color=GREY, edgecolor=PAPER, linewidth=0.6)
        mark_observed(axes, result.observed, f"observed {result.observed:.2f}")
        axes.set_xlabel(f"{metric_name(result.ladder[0].metric) if result.ladder else 'metric'}, labels permuted")
        axes.set_ylabel("Worlds")
        axes.set_title(shorten(result.target, 30))
    return axes


def calibration_plot(validation: Validation, ax: Axes | None = None) -> Axes:
    """Draw observed share against mean predicted probability in groups of equal size with Wilson intervals."""
    with canvas(ax, 3.4, 3.3) as axes:
        axes.plot([0, 1], [0, 1], color=SOFT, lw=1.0, ls=":")
        found = calibration(validation) if usable(validation) else None
        if found is None:
            axes.text(0.5, 0.5, "scores are not probabilities", ha="center", va="center")
        else:
            spread = np.abs(np.stack([found.observed - found.low, found.high - found.observed]))
            axes.errorbar(found.predicted, found.observed, spread, fmt="o", ms=5, color=BLUE, lw=1.3)
            for x, high, n in zip(found.predicted, found.high, found.n, strict=True):
                axes.annotate(f"{n}", (x, high), xytext=(0, 2), textcoords="offset points", ha="center", fontsize=7)
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.08), aspect="equal")
        axes.grid(color=LINE, lw=0.6)
        axes.set_axisbelow(True)
        axes.set_xlabel("Mean predicted probability")
        axes.set_ylabel("Observed share")
        axes.set_title("Calibration")
    return axes
