"""The figures of a study as files for a paper: stated widths in mm, vector or 300 dpi, same content, same bytes."""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genoxel.core.results import TargetResult
from genoxel.report.content import ReportContent, Screen
from genoxel.report.curves import calibration, usable
from genoxel.report.drawings import MOST_GENES, unlike
from genoxel.report.figures import association, cohort, prediction, readers
from genoxel.report.figures.style import STYLE, has_table, off_screen, table_of
from genoxel.report.meaning_drawings import figures_of
from genoxel.report.tables.readers import whole_traits

MM = 25.4
NARROWEST = 0.75
"""A figure is not drawn narrower than this share of the width it was designed for: its labels would not fit."""

_NO_DATE = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {"Software": None}}
Plot = Callable[[], Axes]


def paper_figures(
    content: ReportContent, widths_mm: Sequence[float], formats: Sequence[str]
) -> Iterator[tuple[str, bytes]]:
    """Yield (file name, bytes) of every figure at every width and format (svg, pdf, png), such as forest_85mm.svg.

    The formats tsv and parquet give the table behind each figure of associations and readers, once (volcano_X.tsv). A
    width too narrow for the labels of a figure is left out for it; when all are, the least that holds them is taken.
    """
    with off_screen():
        plots = _plots(content) if formats and widths_mm else {}
    for name, plot in plots.items():
        with off_screen():
            axes = plot()
        figure = axes.get_figure(root=True)
        if not isinstance(figure, Figure):
            raise TypeError(f"a figure of type {type(figure).__name__}")
        yield from _tables(name, axes, formats)
        drawn = [kind for kind in formats if kind not in TABLES]
        wide, high = figure.get_size_inches()
        least = math.ceil(NARROWEST * wide * MM)
        fitting = [width for width in widths_mm if width >= least] or [least]
        for width in fitting:
            figure.set_size_inches(width / MM, high * min(max(width / MM / wide, 1.0), 1.25))
            for kind in drawn:
                yield f"{name}_{width:g}mm.{kind}", _bytes(figure, name, kind)


TABLES = ("tsv", "parquet")


def _tables(name: str, axes: Axes, formats: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    wanted = [kind for kind in formats if kind in TABLES]
    if not wanted or not has_table(axes):
        return
    frame = table_of(axes)
    for kind in wanted:
        data = frame.to_parquet(index=False) if kind == "parquet" else frame.to_csv(sep="\t", index=False).encode()
        yield f"{name}.{kind}", data


def _bytes(figure: Figure, name: str, kind: str) -> bytes:
    stream = io.BytesIO()
    rules = {**STYLE, "svg.hashsalt": name, "pdf.fonttype": 42, "savefig.facecolor": "white"}
    with mpl.rc_context(rules), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure.savefig(stream, format=kind, dpi=300, metadata=_NO_DATE[kind])
    return stream.getvalue()


def _plots(content: ReportContent) -> dict[str, Plot]:
    """Return name -> how to draw, for everything that the content holds."""
    plots: dict[str, Plot] = {}
    results = [result for result in content.targets if result.ladder]
    if results:
        plots["forest"] = partial(prediction.forest, results)
    if content.flow is not None:
        plots["flow"] = partial(cohort.flow_diagram, content.flow)
    if content.features is not None and content.volume in content.features and len(content.features.columns) > 1:
        plots["volume"] = partial(cohort.volume_bars, content.features, content.volume)
    if content.genome is not None and 0 < len(content.genome.status) <= MOST_GENES:
        plots["oncoprint"] = partial(cohort.oncoprint, content.genome)
    for screen in content.associations:
        if len(screen.map.pairs["p"]):
            plots.update(_screen_plots(screen))
    for key, axes, *_ in figures_of(content.meaning, content.groups):
        plots[key] = partial(_drawn, axes)
    shown = [content.readers[place] for place in whole_traits(content.readers)]
    if any(one.kappa is not None for one in shown):
        plots["readers"] = partial(readers.reader_agreement, shown)
    for result in results:
        plots.update(_target_plots(result))
    return plots


def _drawn(axes: Axes) -> Axes:
    return axes


def _screen_plots(screen: Screen) -> dict[str, Plot]:
    """Return the figures of one association map: heat maps, volcano, null worlds, targets, and the pairs shown."""
    found, name = screen.map, screen.name
    plots: dict[str, Plot] = {
        _file("heatmap", name): partial(association.heatmap, found),
        _file("volcano", name): partial(association.volcano, found),
    }
    if found.adjusted_for:
        plots[_file("heatmap", f"{name}_adjusted")] = partial(association.heatmap, found, adjusted=True)
    if found.null_hits.size:
        plots[_file("worlds", name)] = partial(association.null_histogram, found)
        if found.targets:
            plots[_file("bands", name)] = partial(association.null_bands, found)
    if screen.image is not None and screen.other is not None:
        several = found.settings.get("several", "first")
        for place, (_, names) in enumerate(unlike(screen.image, screen.other, found), 1):
            drawn = partial(association.pair, screen.image, screen.other, *names, several=several)
            plots[_file("pair", f"{name}_{place}")] = drawn
    return plots


def _target_plots(result: TargetResult) -> dict[str, Plot]:
    primary = result.ladder[0]
    plots: dict[str, Plot] = {_file("ladder", result.target): partial(prediction.ladder, result)}
    if usable(primary):
        plots[_file("roc", result.target)] = partial(prediction.roc_curve, primary)
        if calibration(primary) is not None:
            plots[_file("calibration", result.target)] = partial(prediction.calibration_plot, primary)
    if result.permuted.size:
        plots[_file("permutations", result.target)] = partial(prediction.permutation_histogram, result)
    return plots


def _file(kind: str, name: str) -> str:
    return f"{kind}_{re.sub(r'[^0-9A-Za-z_.-]+', '-', name)}"
