"""Figures of gene sets and of groups of patients."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from genoxel.associate.consensus import GRID
from genoxel.associate.enrich import Enrichment
from genoxel.associate.groups import GroupSurvival
from genoxel.associate.phenotypes import Phenotypes
from genoxel.core.image import FloatArray
from genoxel.report.figures.style import (
    AMBER,
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PAPER,
    PURPLE,
    SKY,
    SOFT,
    canvas,
    keep_table,
    shorten,
)
from genoxel.stats.survival import kaplan_meier

LINES = ((BLUE, "-"), (ORANGE, "--"), (GREEN, "-."), (PURPLE, ":"), (AMBER, (0, (5, 1, 1, 1))), (SKY, (0, (1, 2))))
"""Colour and dash of each group, so that neither alone carries the meaning."""

SEQUENTIAL = LinearSegmentedColormap.from_list("genoxel pairs", ["#f4f4f1", "#56b4e9", "#004c77"])
ALIKE = 0.25
"""Two sets are joined whose leading genes overlap by at least this share of the smaller."""


def enrichment_network(found: Enrichment, most: int = 24, ax: Axes | None = None) -> Axes:
    """Draw the strongest gene sets as circles, joined where they share leading genes.

    A circle's area is its number of leading genes; orange sets rise with the source, blue ones fall; filled circles
    pass the false discovery rate. At most `most` sets of all sources are drawn, smallest p first, each once.
    """
    p = np.asarray(found.rows["p"], dtype=np.float64)
    order = [place for place in np.argsort(np.nan_to_num(p, nan=2.0), kind="stable").tolist() if not np.isnan(p[place])]
    chosen = list({str(found.rows["set"][place]): place for place in reversed(order)}.values())
    chosen = sorted(chosen, key=order.index)[:most]
    genes = [set(str(found.rows["leading"][place]).split(", ")) - {""} for place in chosen]
    names = [str(found.rows["set"][place]) for place in chosen]
    score = "nes" if "nes" in found.rows else "overlap"
    sign = np.sign(np.asarray(found.rows[score], dtype=np.float64)[chosen])
    joined = {
        (a, b): len(genes[a] & genes[b]) / max(min(len(genes[a]), len(genes[b])), 1)
        for a, b in combinations(range(len(chosen)), 2)
    }
    joined = {pair: share for pair, share in joined.items() if share >= ALIKE}
    at = _places(len(chosen), joined)
    with canvas(ax, 7.0, 4.6) as axes:
        for (a, b), share in joined.items():
            axes.plot(*at[[a, b]].T, color=GREY, lw=0.6 + 2.4 * share, alpha=0.6, zorder=1)
        for place, (x, y) in enumerate(at):
            colour = ORANGE if sign[place] > 0 else BLUE
            good = bool(found.rows["q"][chosen[place]] <= found.q)
            size = 3 + 1.6 * np.sqrt(len(genes[place]))
            marker = "o" if sign[place] > 0 else "s"
            axes.plot(x, y, marker, ms=size, mfc=colour if good else PAPER, mec=colour, mew=1.2, zorder=2)
            label = shorten(names[place].replace("_", " "), 30)
            axes.annotate(
                label, (x, y), (0, -size / 2 - 3), textcoords="offset points", ha="center", va="top", fontsize=6.5
            )
        axes.set_axis_off()
        axes.margins(0.16, 0.14)
        axes.set_title("Gene sets, joined by shared leading genes")
        columns = {name: np.asarray(found.rows[name])[chosen] for name in ("source", "set", score, "p", "q")}
        keep_table(axes, {**columns, "joined_to": [_mates(place, joined, names) for place in range(len(chosen))]})
    return axes


def _mates(place: int, joined: dict[tuple[int, int], float], names: list[str]) -> str:
    return ", ".join(names[b if a == place else a] for a, b in joined if place in (a, b))


def _places(count: int, joined: dict[tuple[int, int], float]) -> FloatArray:
    """Return positions (count, 2): joined sets near each other, none on another (springs, from a fixed start)."""
    angle = 2.399963 * np.arange(count)  # a sunflower: no two start in one place
    at = np.sqrt(np.arange(count) + 0.5)[:, None] * np.c_[np.cos(angle), np.sin(angle)]
    pull = np.zeros((count, count))
    for (a, b), share in joined.items():
        pull[a, b] = pull[b, a] = share
    for step in range(300):
        gap = at[:, None] - at[None]
        far = np.sqrt((gap**2).sum(axis=2)) + 1e-9
        force = (gap / far[..., None] ** 2).sum(axis=1) - (pull[..., None] * gap).sum(axis=1) - 0.08 * at
        length = np.sqrt((force**2).sum(axis=1, keepdims=True)) + 1e-9
        at = at + force / length * np.minimum(length, 0.5 * (1 - step / 300))
    return np.asarray(at * [1.6, 1.0])


def consensus_matrix(found: Phenotypes, ax: Axes | None = None) -> Axes:
    """Draw how often two patients fall together, patients of one group side by side, groups parted by lines.

    Where one group explains the data, the number of groups that came nearest is drawn, and the title says so.
    """
    apart = 1 - found.together
    order, sizes = _ordered(apart, found)
    with canvas(ax, 3.6, 3.2) as axes:
        drawn = axes.imshow(found.together[np.ix_(order, order)], cmap=SEQUENTIAL, vmin=0, vmax=1, interpolation="none")
        for edge in np.cumsum(sizes)[:-1]:
            axes.axhline(edge - 0.5, color=ORANGE, lw=1.2)
            axes.axvline(edge - 0.5, color=ORANGE, lw=1.2)
        middle = np.cumsum(sizes) - np.array(sizes) / 2 - 0.5
        labels = [f"{name}\nn = {size}" for name, size in zip(found.names, sizes, strict=True)]
        axes.set_yticks(middle if found.k > 1 else [], labels if found.k > 1 else [], fontsize=7)
        axes.set_xticks([])
        axes.tick_params(length=0)
        bar = axes.figure.colorbar(drawn, ax=axes, shrink=0.8, aspect=16, pad=0.03)
        bar.outline.set_visible(False)
        bar.set_label("Together, share of resamples")
        axes.set_title(f"{found.k} groups" if found.k > 1 else f"One group; cut in {found.shown} for comparison")
        people = np.array(found.patients)[order]
        keep_table(axes, {"patient": people, "group": found.groups[order], "certainty": found.certainty[order]})
    return axes


def _ordered(apart: FloatArray, found: Phenotypes) -> tuple[list[int], list[int]]:
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    order: list[int] = []
    sizes = []
    for number in range(1, found.k + 1):
        inside = np.flatnonzero(found.groups == number)
        if len(inside) > 2:
            square = apart[np.ix_(inside, inside)].copy()
            np.fill_diagonal(square, 0)
            inside = inside[leaves_list(linkage(squareform(square, checks=False), "average"))]
        order += inside.tolist()
        sizes.append(len(inside))
    return order, sizes


def consensus_cdf(found: Phenotypes, ax: Axes | None = None) -> Axes:
    """Draw, per number of groups, the share of pairs that fall together at most so often: flat is unambiguous."""
    with canvas(ax, 3.6, 3.0) as axes:
        for place, count in enumerate(found.counts["k"].tolist()):
            colour, dash = LINES[place % len(LINES)]
            width = 2.2 if count == found.k else 1.1
            pac, null = found.counts["pac"][place], found.counts["null_mean"][place]
            words = f"{count}: {pac:.0%} ambiguous (one group: {null:.0%})"
            axes.plot(GRID, found.cdf[place], color=colour, ls=dash, lw=width, label=words)
        for edge in (0.1, 0.9):
            axes.axvline(edge, color=SOFT, lw=0.7, ls=":")
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.02)
        axes.set_xlabel("Together, share of resamples")
        axes.set_ylabel("Share of pairs, at most so often")
        axes.legend(title="Groups", fontsize=6.5, title_fontsize=7, loc="lower right")
        axes.set_title("How clear each number of groups is")
        keep_table(
            axes,
            {
                "k": np.repeat(found.counts["k"], len(GRID)),
                "together": np.tile(GRID, len(found.cdf)),
                "share": found.cdf.ravel(),
            },
        )
    return axes


def survival_curves(found: GroupSurvival, ax: Axes | None = None) -> Axes:
    """Draw the Kaplan-Meier curve of every group with its 95 % band; ticks are losses to follow-up."""
    names = [str(name) for name in found.rows["group"]]
    columns: dict[str, list[FloatArray]] = {"group": [], "time": [], "alive": [], "low": [], "high": [], "at_risk": []}
    with canvas(ax, 4.4, 3.1) as axes:
        for place, name in enumerate(names):
            inside = found.groups == place + 1
            if not inside.any():
                continue
            colour, dash = LINES[place % len(LINES)]
            curve = kaplan_meier(found.time[inside], found.event[inside])
            axes.fill_between(curve.time, curve.low, curve.high, step="post", color=colour, alpha=0.12, lw=0)
            label = f"{name} (n = {int(inside.sum())}, {int(found.event[inside].sum())} events)"
            axes.step(curve.time, curve.alive, where="post", color=colour, ls=dash, lw=1.6, label=label)
            lost = found.time[inside & (found.event == 0)]
            height = curve.alive[np.searchsorted(curve.time, lost, side="right") - 1]
            axes.plot(lost, height, "|", ms=5, color=colour, mew=0.8)
            parts = (np.full(len(curve.time), place + 1.0), *curve)
            for key, values in zip(columns, parts, strict=True):
                columns[key].append(np.asarray(values))
        axes.set_ylim(0, 1.03)
        axes.set_xlim(left=0)
        axes.set_xlabel("Time")
        axes.set_ylabel("Share without event")
        axes.legend(fontsize=7, loc="best")
        axes.set_title("Not tested" if found.why else f"Log-rank p {'<0.001' if found.p < 0.001 else f'{found.p:.2g}'}")
        axes.spines["left"].set_color(INK)
        keep_table(axes, {key: np.concatenate(values) if values else [] for key, values in columns.items()})
    return axes
