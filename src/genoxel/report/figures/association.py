"""Figures of association maps: heat map, volcano, null worlds, one pair."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import MaxNLocator

from genoxel.associate.clusters import paired
from genoxel.core.image import FloatArray
from genoxel.core.results import AssociationMap
from genoxel.core.table import Column, Table
from genoxel.report.effects import scale, signed
from genoxel.report.figures.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    PAPER,
    SOFT,
    canvas,
    keep_table,
    mark_observed,
    shorten,
)

DIVERGING = LinearSegmentedColormap.from_list("genoxel", ["#004c77", "#0072b2", "#f4f4f1", "#d55e00", "#8f3f00"])
"""From blue (negative) over pale (none) to vermilion (positive); its ends also differ in lightness from its middle."""

RASTERISE_ABOVE = 1500


def heatmap(found: AssociationMap, adjusted: bool = False, most: int = 36, ax: Axes | None = None) -> Axes:
    """Draw the effects of the rows and columns with the strongest links; a dot marks pairs that pass, x not tested.

    At most `most` image features and `most` other columns are drawn; `adjusted` takes the adjusted effects. Rows and
    columns are chosen and ordered on the raw effects, so that the raw and the adjusted map can be laid side by side.
    """
    rows = [column.name for column in found.image_columns]
    columns = [column.name for column in found.other_columns]
    at = _places(found.pairs["image"], rows), _places(found.pairs["other"], columns)
    raw = _matrix(signed(found), at, (len(rows), len(columns)))
    chosen_rows, chosen_columns = _strongest(raw, most)
    part = np.ix_(chosen_rows, chosen_columns)
    effects = raw[part] if not adjusted else _matrix(signed(found, "effect_adjusted"), at, raw.shape)[part]
    q = _matrix(found.pairs["q_adjusted" if adjusted else "q"], at, raw.shape)[part]
    height = 1.5 + 0.165 * len(chosen_rows)
    width = min(3.4 + 0.165 * max(len(chosen_columns), 8), 9.0)
    with canvas(ax, width, height) as axes:
        reach = float(np.nanmax(np.abs(raw))) if np.isfinite(raw).any() else 1.0
        drawn = axes.imshow(effects, cmap=DIVERGING, vmin=-reach, vmax=reach, interpolation="none", aspect="auto")
        with np.errstate(invalid="ignore"):
            passing = np.argwhere(q <= found.q)
        axes.plot(passing[:, 1], passing[:, 0], "o", ms=3.2, mfc=PAPER, mec=INK, mew=0.7)
        missing = np.argwhere(np.isnan(effects))
        axes.plot(missing[:, 1], missing[:, 0], "x", ms=3, color=SOFT, mew=0.7)
        axes.set_yticks(
            range(len(chosen_rows)),
            [shorten(name, 42) for name in compact([rows[place] for place in chosen_rows])],
            fontsize=6.8,
        )
        axes.set_xticks(
            range(len(chosen_columns)),
            [shorten(columns[place], 18) for place in chosen_columns],
            rotation=90,
            fontsize=6.8,
        )
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        label = scale(found)
        bar = axes.figure.colorbar(drawn, ax=axes, shrink=min(1.0, 2.2 / height), aspect=14, pad=0.02)
        bar.outline.set_visible(False)
        bar.set_label(f"{label}, adjusted" if adjusted else label)
        axes.set_title("Adjusted" if adjusted else "Raw")
        names = [rows[place] for place in chosen_rows], [columns[place] for place in chosen_columns]
        keep_table(
            axes,
            {
                "image": np.repeat(names[0], len(names[1])),
                "other": np.tile(names[1], len(names[0])),
                "effect": effects.ravel(),
                "q": q.ravel(),
            },
        )
    return axes


def compact(names: list[str]) -> list[str]:
    """Return feature names without the parts (region, filter) that all of them share.

    >>> compact(["T1.roi.none.stat.mean", "T2.roi.none.stat.mean"])
    ['T1.stat.mean', 'T2.stat.mean']
    """
    parts = [name.split(".") for name in names]
    if len(parts) < 2 or min(map(len, parts)) < 5:
        return names
    shared = [place for place in (1, 2) if len({part[place] for part in parts}) == 1]
    return [".".join(word for place, word in enumerate(part) if place not in shared) for part in parts]


def _places(names: npt.NDArray[Any], order: list[str]) -> npt.NDArray[np.intp]:
    at = {name: place for place, name in enumerate(order)}
    return np.fromiter((at[str(name)] for name in names), dtype=np.intp, count=len(names))


def _matrix(
    values: npt.NDArray[Any], at: tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]], shape: tuple[int, ...]
) -> FloatArray:
    matrix = np.full(shape, np.nan)
    matrix[at] = np.asarray(values, dtype=np.float64)
    return matrix


def _strongest(matrix: FloatArray, most: int) -> tuple[list[int], list[int]]:
    """Choose columns by their strongest link, then rows in turn from each of them, so that none crowds out the rest."""
    size = np.abs(np.nan_to_num(matrix))
    columns = np.argsort(-size.max(axis=0, initial=0), kind="stable")[:most]
    ranked = np.argsort(-size[:, columns], axis=0, kind="stable")
    rows = np.array(list(dict.fromkeys(ranked.ravel().tolist()))[:most], dtype=np.intp)
    part = np.nan_to_num(matrix[np.ix_(rows, columns)])
    return [int(rows[place]) for place in _alike(part)], [int(columns[place]) for place in _alike(part.T)]


def _alike(matrix: FloatArray) -> npt.NDArray[np.intp]:
    """Order of rows that puts those with similar effects side by side."""
    if matrix.shape[0] < 3:
        return np.arange(matrix.shape[0])
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import pdist

    # Distances are made here: a square matrix of effects would be suspected of being one of distances already.
    return np.asarray(leaves_list(linkage(pdist(matrix), "average", optimal_ordering=True)), dtype=np.intp)


def volcano(found: AssociationMap, label: int = 8, ax: Axes | None = None) -> Axes:
    """Draw effect against -log10 p of all tested pairs; those that pass are filled, the `label` strongest are named."""
    with canvas(ax, 4.4, 3.4) as axes:
        effect = signed(found)
        p = np.asarray(found.pairs["p"], dtype=np.float64)
        good = np.isfinite(effect) & np.isfinite(p)
        height = -np.log10(np.maximum(np.where(good, p, 1.0), 1e-300))
        with np.errstate(invalid="ignore"):
            hit = good & (np.asarray(found.pairs["q"], dtype=np.float64) <= found.q)
        many = int(good.sum()) > RASTERISE_ABOVE
        rest = good & ~hit
        axes.plot(effect[rest], height[rest], "o", ms=2.6, mfc="none", mec=GREY, mew=0.5, rasterized=many)
        axes.plot(effect[hit], height[hit], "o", ms=4, color=BLUE, mec=PAPER, mew=0.4, rasterized=int(hit.sum()) > 500)
        order = np.flatnonzero(hit)[np.argsort(-height[hit], kind="stable")]
        named = _apart(_to_name(found, order, label), effect, height)
        for place in named:
            _name_pair(axes, found, place, float(effect[place]), float(height[place]))
        axes.axvline(0, color=SOFT, lw=0.8, ls=":")
        axes.margins(x=0.12, y=0.1)
        axes.set_xlabel(f"Effect: {scale(found)}")
        axes.set_ylabel("−log10 p")
        axes.set_title("All pairs tested")
        shown = np.flatnonzero(good)
        keep_table(
            axes, {name: np.asarray(found.pairs[name])[shown] for name in ("image", "other", "effect", "p", "q")}
        )
    return axes


def _to_name(found: AssociationMap, order: npt.NDArray[np.intp], label: int) -> list[int]:
    """Return the strongest pair of each partner, so that no name is written twice."""
    first: dict[str, int] = {}
    for place in order.tolist():
        first.setdefault(str(found.pairs["other"][place]), place)
    return list(first.values())[:label]


def _apart(places: list[int], effect: FloatArray, height: FloatArray) -> list[int]:
    """Return the places, strongest first, whose names do not lie on a stronger one of the same side."""
    room = 0.045 * float(np.max(height[places], initial=0.0))
    kept: list[int] = []
    for place in places:
        beside = [one for one in kept if (effect[one] > 0) == (effect[place] > 0)]
        if all(abs(height[one] - height[place]) >= room for one in beside):
            kept.append(place)
    return kept


def _name_pair(axes: Axes, found: AssociationMap, place: int, x: float, y: float) -> None:
    side = "right" if x > 0 else "left"
    axes.annotate(
        shorten(str(found.pairs["other"][place]), 14),
        (x, y),
        xytext=(-5 if x > 0 else 5, 0),
        textcoords="offset points",
        ha=side,
        va="center",
        fontsize=7,
    )


def null_histogram(found: AssociationMap, ax: Axes | None = None) -> Axes:
    """Draw how many pairs passed in each null world, and how many pass in this study as a line."""
    with canvas(ax, 4.2, 2.4) as axes:
        null = np.asarray(found.null_hits)
        if null.size:
            width = max(1, int(np.ceil(max(null.max(), found.hits) / 40)))
            edges = [step * width - 0.5 for step in range(int(null.max()) // width + 2)]
            axes.hist(null, bins=edges, color=GREY, edgecolor=PAPER, linewidth=0.6)
        mark_observed(axes, found.hits, f"this study {found.hits}")
        axes.margins(x=0.08)
        axes.set_xlim(left=-0.6)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("Pairs that pass")
        axes.set_ylabel("Null worlds")
        axes.set_title("A world without link")
        keep_table(axes, {"world": np.arange(null.size), "passing": null})
    return axes


def null_bands(found: AssociationMap, most: int = 40, ax: Axes | None = None) -> Axes:
    """Draw, for the `most` targets of smallest p, the strongest link beside the middle 90 % of null worlds."""
    table = found.targets
    p = np.asarray(table["best_p"], dtype=np.float64) if table else np.empty(0)
    order = np.argsort(np.nan_to_num(p, nan=2.0), kind="stable")[:most]
    order = order[~np.isnan(p[order])][::-1]
    with canvas(ax, 4.2, 1.0 + 0.17 * len(order)) as axes:
        low, high = (
            -np.log10(np.maximum(np.asarray(table[name], dtype=np.float64)[order], 1e-300)) if table else p
            for name in ("null_high", "null_low")
        )
        place = np.arange(len(order))
        axes.hlines(place, low, high, color=GREY, lw=5, alpha=0.5)
        axes.plot(-np.log10(np.maximum(p[order], 1e-300)), place, "o", ms=4, color=BLUE)
        axes.set_yticks(place, [shorten(str(table["other"][one]), 24) for one in order], fontsize=7)
        axes.set_xlabel("−log10 of the smallest p; grey: 90 % of worlds without link")
        axes.set_title("Strongest link of every target")
        keep_table(axes, {name: np.asarray(table[name])[order[::-1]] for name in table})
    return axes


def pair(
    image: Table, other: Table, feature: str, partner: str, ax: Axes | None = None, several: str = "first"
) -> Axes:
    """Draw one pair: a scatter of patients, or dots with a box per class when the partner is a category.

    `several` is how the screen treated several rows of one patient ([associate] several).
    """
    with canvas(ax, 3.0, 2.7) as axes:
        x, y, column = _aligned(image, other, feature, partner, several)
        if column.levels or column.kind == "binary":
            _boxes(axes, x, y, column)
        else:
            axes.plot(x, y, "o", ms=3.4, mfc="none", mec=BLUE, mew=0.9, rasterized=x.size > RASTERISE_ABOVE)
            axes.set_xlabel(_with_unit(column))
        axes.set_ylabel(shorten(feature, 34), fontsize=7.5)
        axes.set_title(f"{shorten(partner, 22)}, n = {x.size}", fontsize=8.5)
        keep_table(axes, {partner: x, feature: y})
    return axes


def _with_unit(column: Column) -> str:
    return f"{shorten(column.name, 28)} [{column.unit}]" if column.unit else shorten(column.name, 28)


def _aligned(
    image: Table, other: Table, feature: str, partner: str, several: str
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], Column]:
    _, left, right = paired(image, other, several)
    y, x = left[feature], right[partner]
    known = ~(np.isnan(x) | np.isnan(y))
    return x[known], y[known], other.column(partner)


def _boxes(axes: Axes, codes: FloatArray, y: FloatArray, column: Column) -> None:
    levels = column.levels or ("no", "yes")
    groups = [y[codes == code] for code in range(len(levels))]
    full = [(place, group) for place, group in enumerate(groups) if group.size]
    line = {"color": INK, "linewidth": 1.0}
    axes.boxplot(
        [group for _, group in full],
        positions=[place for place, _ in full],
        widths=0.55,
        showfliers=False,
        medianprops={"color": ORANGE, "linewidth": 1.8},
        boxprops=line,
        whiskerprops=line,
        capprops=line,
    )
    for place, group in full:
        shift = 0.16 * np.sin(np.arange(group.size) * 2.4)
        axes.plot(place + shift, group, "o", ms=2.8, mfc="none", mec=BLUE, mew=0.8)
    names = [f"{shorten(level, 14)}\nn = {group.size}" for level, group in zip(levels, groups, strict=True)]
    axes.set_xticks(range(len(levels)), names)
    axes.set_xlim(-0.6, len(levels) - 0.4)
