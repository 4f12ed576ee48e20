"""Figures of patients and measurements: flow, volume bars, oncoprint, contour on image."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch, Patch
from matplotlib.ticker import FuncFormatter

from genoxel.core.flow import Flow, FlowStep
from genoxel.core.image import FloatArray, Image
from genoxel.core.mask import Mask
from genoxel.core.table import Table
from genoxel.report.content import Genome
from genoxel.report.figures.style import AMBER, BLUE, GREY, GRID, INK, ORANGE, PAPER, SOFT, WILD, canvas, shorten
from genoxel.report.tables.measured import FOLLOWS_VOLUME, family, spearman
from genoxel.report.tables.sheet import brief


def flow_diagram(flow: Flow, ax: Axes | None = None) -> Axes:
    """Draw who entered each step, and who was left out and why, as boxes from top to bottom."""
    steps = [flow.steps[0], *[step for step in flow.steps[1:] if step.lost]]
    heights = [max(1, len(_reasons(step))) for step in steps]
    rows = sum(1.15 + 0.28 * height for height in heights)
    with canvas(ax, 6.6, 0.56 * rows + 0.4) as axes:
        place = 0.0
        _box(axes, 0.0, place, f"{flow.steps[0].label}\nn = {len(flow.steps[0].entered)}", strong=True)
        for number, step in enumerate(steps):
            if not step.lost:
                continue
            room = 1.15 + 0.28 * heights[number]
            middle, below = place - 0.35 - room / 2, place - 0.7 - room
            axes.annotate("", (0.0, below + 0.42), (0.0, place - 0.42), arrowprops={"arrowstyle": "-|>", "color": SOFT})
            axes.annotate("", (0.36, middle), (0.0, middle), arrowprops={"arrowstyle": "-|>", "color": SOFT})
            axes.text(0.38, middle, "\n".join(_reasons(step)), ha="left", va="center", fontsize=8)
            place = below
            _box(axes, 0.0, place, f"{_wrapped(step.label)}\nn = {len(step.left)}", strong=step is steps[-1])
        axes.set(xlim=(-0.36, 1.25), ylim=(place - 0.6, 0.6))
        axes.axis("off")
    return axes


def _wrapped(label: str) -> str:
    return textwrap.shorten(label, 44, placeholder=" …")


def _reasons(step: FlowStep) -> list[str]:
    counted = Counter(reason for _, reason in step.lost)
    words = [line for reason, count in counted.most_common(6) for line in _told(f"{count} × {reason}")]
    more = len(counted) - 6
    head = f"{len(step.lost)} left out"
    return [head, *words, *([f"and {more} more reasons"] if more > 0 else [])]


def _told(reason: str) -> list[str]:
    return textwrap.wrap(reason, 62, subsequent_indent="     ", max_lines=2, placeholder=" …")


def _box(axes: Axes, x: float, y: float, text: str, strong: bool) -> None:
    edge = INK if strong else SOFT
    box = FancyBboxPatch(
        (x - 0.3, y - 0.4),
        0.6,
        0.8,
        boxstyle="round,pad=0,rounding_size=0.05",
        fc="none",
        ec=edge,
        lw=1.4 if strong else 0.9,
    )
    axes.add_patch(box)
    axes.text(x, y, text, ha="center", va="center", fontsize=8.5, linespacing=1.45)


def volume_bars(table: Table, volume: str, ax: Axes | None = None) -> Axes:
    """Draw how strongly features follow the volume: one tick per feature, the median of each family as a bar.

    Families are drawn for each modality, or for all modalities together when there are more than 16 of them.
    """
    groups: dict[tuple[str, str], list[float]] = {}
    keys = {column.name: family(column) for column in table.columns if column.name != volume}
    crowded = len(set(keys.values())) > 16
    for name, (modality, kind) in keys.items():
        rho, _ = spearman(table[name], table[volume])
        groups.setdefault(("", kind) if crowded else (modality, kind), []).append(abs(rho))
    ordered = sorted(groups)
    with canvas(ax, 6.8, 0.8 + 0.24 * max(len(ordered), 1)) as axes:
        for place, key in enumerate(ordered):
            sizes = np.array([value for value in groups[key] if not np.isnan(value)])
            if not sizes.size:
                continue
            axes.barh(place, float(np.median(sizes)), height=0.62, color=GRID, edgecolor=SOFT, linewidth=0.6)
            axes.plot(sizes, np.full(sizes.size, place), "|", color=BLUE, ms=8, mew=1.1)
            strong = int(np.sum(sizes > FOLLOWS_VOLUME))
            text = f"{strong} of {sizes.size}"
            axes.text(1.02, place, text, va="center", fontsize=8, transform=axes.get_yaxis_transform())
        axes.axvline(FOLLOWS_VOLUME, color=ORANGE, lw=1.4, ls=(0, (4, 2)))
        axes.set_yticks(range(len(ordered)), [shorten(" ".join(key).strip() or "features", 26) for key in ordered])
        axes.set_ylim(len(ordered) - 0.5, -0.5)
        axes.set_xlim(0, 1)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("Absolute rank correlation with the volume")
        axes.set_title(f"Right: features above {FOLLOWS_VOLUME:g}", fontsize=8.5)
    return axes


def against_volume(table: Table, feature: str, volume: str, ax: Axes | None = None) -> Axes:
    """Draw one feature against the volume of the region, one circle per row; the volume on a logarithmic scale."""
    x, y, column = table[volume], table[feature], table.column(feature)
    known = ~(np.isnan(x) | np.isnan(y)) & (x > 0)
    with canvas(ax, 3.6, 2.7) as axes:
        axes.plot(x[known] / 1000, y[known], "o", ms=4, mfc="none", mec=BLUE, mew=0.9)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: brief(value)))
        axes.xaxis.set_minor_formatter(FuncFormatter(lambda value, _: brief(value) if _few(x[known]) else ""))
        axes.margins(0.07)
        axes.set_xlabel("Volume [ml]")
        axes.set_ylabel(f"{shorten(feature.split('.', 3)[-1], 30)}{f' [{column.unit}]' if column.unit else ''}")
    return axes


def _few(x: FloatArray) -> bool:
    """Return whether less than a decade is shown, so that the ticks between powers of ten need labels."""
    return bool(x.size and x.max() < 10 * x.min())


def oncoprint(genome: Genome, ax: Axes | None = None) -> Axes:
    """Draw gene status of each patient: mutant filled, wild type pale, not profiled hatched.

    Image tracks stand below; a patient without the measurement is hatched there too.
    """
    order = _oncoprint_order(genome)
    genes, tracks = list(genome.status), list(genome.tracks)
    with canvas(ax, 7.4, 1.0 + 0.27 * len(genes) + 0.42 * len(tracks)) as axes:
        for row, gene in enumerate(genes):
            words = [genome.status[gene].get(patient) for patient in order]
            for word, look in _LOOKS.items():
                runs = _runs([one if one in ("mutant", "wild type") else None for one in words], word, len(order) > 200)
                axes.broken_barh(runs, (row - 0.4, 0.8), **look)
            known = [one for one in words if one in ("mutant", "wild type")]
            share = f"{100 * known.count('mutant') / len(known):.0f} % of {len(known)}" if known else "none known"
            axes.text(1.01, row, share, va="center", fontsize=7.5, transform=axes.get_yaxis_transform())
        for row, track in enumerate(tracks):
            _track(
                axes, len(genes) + 0.35 + 1.5 * row, [genome.tracks[track].get(patient, np.nan) for patient in order]
            )
        places = [*range(len(genes)), *(len(genes) + 0.35 + 1.5 * row for row in range(len(tracks)))]
        axes.set_yticks(places, [shorten(name, 24) for name in (*genes, *tracks)])
        axes.set(xlim=(0, max(len(order), 1)), ylim=(places[-1] + 0.85 if places else 1, -0.6))
        axes.tick_params(length=0)
        axes.set_xticks([])
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.set_xlabel(f"{len(order)} patients, each a column")
        present = {"mutant": "mutant, or present", "wild type": "wild type, or absent"} if genome.traits else {}
        labels = {word: present.get(word or "", word or "not profiled: unknown") for word in _LOOKS}
        handles = [Patch(label=labels[word], **look) for word, look in _LOOKS.items()]
        axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3, borderpad=0)
    return axes


_LOOKS: dict[str | None, dict[str, Any]] = {
    "mutant": {"facecolor": BLUE, "edgecolor": "none"},
    "wild type": {"facecolor": WILD, "edgecolor": "none"},
    None: {"facecolor": PAPER, "edgecolor": GREY, "hatch": "/////", "linewidth": 0.0},
}


def _oncoprint_order(genome: Genome) -> list[str]:
    rank = {"mutant": 0, "wild type": 1}
    genes = list(genome.status)
    return sorted(
        genome.patients,
        key=lambda patient: ([rank.get(genome.status[gene].get(patient) or "", 2) for gene in genes], patient),
    )


def _runs(words: Sequence[str | None], wanted: str | None, merged: bool) -> list[tuple[float, float]]:
    """Cells of one status as (start, width); `merged` joins neighbours, so that the drawing of many stays small."""
    cells = [place for place, word in enumerate(words) if word == wanted]
    if not merged:
        return [(place + 0.07, 0.86) for place in cells]
    parts = np.split(np.array(cells), np.flatnonzero(np.diff(cells) > 1) + 1) if cells else []
    return [(float(part[0]), float(part.size)) for part in parts]


def _track(axes: Axes, row: float, values: list[float]) -> None:
    numbers = np.array(values, dtype=np.float64)
    words = [None if gap else "measured" for gap in ~np.isfinite(numbers)]
    axes.broken_barh(_runs(words, None, len(words) > 200), (row - 0.4, 0.8), **_LOOKS[None])
    if not np.isfinite(numbers).any():
        return
    low, high = float(np.nanmin(numbers)), float(np.nanmax(numbers))
    scaled = (numbers - low) / (high - low) if high > low else np.ones_like(numbers)
    shown = np.where(np.isfinite(scaled), 0.06 + 1.1 * scaled, 0.0)
    axes.bar(np.arange(numbers.size) + 0.5, -shown, width=0.8, bottom=row + 0.6, color=AMBER, linewidth=0)
    axes.text(
        1.01, row, f"{brief(low)} to {brief(high)}", va="center", fontsize=7.5, transform=axes.get_yaxis_transform()
    )


def contact_overlay(image: Image, mask: Mask, ax: Axes | None = None) -> Axes:
    """Draw the slice where the mask is largest with the outline of the mask on it."""
    inside = mask.inside()
    place = int(inside.sum(axis=(0, 1)).argmax())
    picture: FloatArray = np.asarray(image.values()[:, :, place], dtype=np.float64).T
    low, high = np.nanpercentile(picture, [1, 99.5])
    with canvas(ax, 3.2, 3.2) as axes:
        ratio = image.spacing[1] / image.spacing[0]
        axes.imshow(picture, cmap="gray", vmin=low, vmax=max(high, low + 1e-9), aspect=ratio)
        axes.contour(inside[:, :, place].T.astype(float), levels=[0.5], colors=["#f0e442"], linewidths=1.4)
        axes.axis("off")
    return axes
