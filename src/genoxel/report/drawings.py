"""Which figures stand on which page, each with a caption that explains it alone and a text for those who cannot see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genoxel.core.results import AssociationMap, TargetResult
from genoxel.core.table import Table
from genoxel.report.cite import Cite, given, named
from genoxel.report.content import ReportContent, Screen
from genoxel.report.curves import calibration, usable
from genoxel.report.effects import EFFECTS
from genoxel.report.figures import association, cohort, prediction, readers
from genoxel.report.figures.style import off_screen, to_svg
from genoxel.report.meaning_drawings import figures_of
from genoxel.report.tables.build import build
from genoxel.report.tables.measured import FOLLOWS_VOLUME, spearman, strongest
from genoxel.report.tables.readers import whole_traits

Caption = Callable[[Cite], Markup]

MOST_TARGETS = 12
"""Targets drawn one by one; with more of them the rest is in the tables, so that the report stays small."""

MOST_GENES = 30
TOP_PAIRS = 4
SEARCHED_PAIRS = 300
ALIKE = 0.8
"""Two features of one partner whose ranks correlate more than this tell one story; only the stronger is drawn."""


@dataclass(frozen=True)
class Drawing:
    """One figure of the report: its SVG, its caption (given the book to cite from) and its table."""

    key: str
    svg: Markup
    caption: Caption
    source: str = ""
    part: str = ""
    wide: bool = False


def draw(content: ReportContent) -> dict[str, list[Drawing]]:
    """Return the figures of each page."""
    with off_screen():
        return {
            "answer": _answer(content),
            "who": _who(content),
            "measured": [*_measured(content), *_readers(content)],
            "genome": _genome(content),
            "associations": [
                *(one for place, screen in enumerate(content.associations) for one in _screen(place, screen)),
                *_meaning(content),
            ],
            "prediction": [one for place, result in _shown(content) for one in _target(place, result)],
            "trust": [_permutations(place, result) for place, result in _shown(content)],
        }


def _shown(content: ReportContent) -> list[tuple[int, TargetResult]]:
    return [(place, result) for place, result in enumerate(content.targets) if result.ladder][:MOST_TARGETS]


def _svg(axes: Axes, key: str, alt: str) -> Markup:
    figure = axes.get_figure(root=True)
    if not isinstance(figure, Figure):
        raise TypeError(f"axes of {type(figure).__name__}")
    return to_svg(figure, key, alt)


def _text(text: str, *parts: object) -> Caption:
    return lambda _: Markup(text).format(*parts)  # noqa: S704 (our own sentences, parts are escaped)


def _meaning(content: ReportContent) -> list[Drawing]:
    return [
        Drawing(key, _svg(axes, key, alt), caption, source, part, wide=part == "meaning")
        for key, axes, alt, caption, source, part in figures_of(content.meaning, content.groups)
    ]


def _answer(content: ReportContent) -> list[Drawing]:
    shown = [result for _, result in _shown(content)]
    if not shown:
        return []
    alt = "Forest of all models. " + "; ".join(
        f"{result.target}: {result.verdict.word}, {result.ladder[0].interval}" for result in shown
    )
    caption = _text(
        "<b>All targets and all models.</b> Estimates on held-out patients with their intervals. Filled diamond: the "
        "primary model, named before the run; open circles: models it is compared with. Dotted line: "
        "chance. Dashed line: the "
        "smallest useful value of each target, written before the run. A target is better than chance only if its "
        "diamond stands clear of the dotted line after all targets were paid for, and worth its images only if it "
        "stands clear of the circles."
    )
    return [Drawing("forest", _svg(prediction.forest(shown), "forest", alt), caption, "ladder", wide=True)]


def _who(content: ReportContent) -> list[Drawing]:
    flow = content.flow
    if flow is None:
        return []
    alt = f"Flow of patients: {flow!r}"

    def caption(cite: Cite) -> Markup:
        text = Markup("<b>From {} to {} patients.</b> Each box is one step; beside it who was left out there and why.")
        return text.format(cite.count("started"), cite.count("kept"))

    return [Drawing("flow", _svg(cohort.flow_diagram(flow), "flow", alt), caption, "flow", wide=True)]


def _readers(content: ReportContent) -> list[Drawing]:
    shown = [content.readers[place] for place in whole_traits(content.readers)]
    if not any(one.kappa is not None for one in shown):
        return []
    caption = _text(
        "<b>How far readers agree.</b> Kappa of each trait with its 95 % interval, the best agreed on top. Dotted "
        "line: what chance gives. A trait whose readers hardly agree says more about who read than about the tumour."
    )
    alt = f"Kappa of {len(shown)} traits; numbers in the table"
    svg = _svg(readers.reader_agreement(shown), "readers", alt)
    return [Drawing("readers", svg, caption, "readers", "readers", wide=True)]


def _measured(content: ReportContent) -> list[Drawing]:
    table = content.features
    if table is None or content.volume not in table or len(table.columns) < 2:
        return []
    caption = _text(
        "<b>How much of the features is only size.</b> Each tick is a feature, each bar the median of its family: the "
        "absolute rank correlation with the volume of the region. Right of the dashed line ({}) a feature says little "
        "beyond volume; how many do is printed at the right.",
        given(FOLLOWS_VOLUME),
    )
    alt = "Absolute rank correlation of features with the volume, by modality and family; numbers in the table"
    bars = _svg(cohort.volume_bars(table, content.volume), "volume", alt)
    return [Drawing("volume", bars, caption, "volume", wide=True), *_examples(content, table)]


def _examples(content: ReportContent, table: Table) -> list[Drawing]:
    drawings = []
    for place, name in enumerate(str(row[0]) for row in build(content)["examples"].rows):
        key, alt = f"example{place}", f"{name} against the volume of the region, one circle per row"
        svg = _svg(cohort.against_volume(table, name, content.volume), key, alt)
        drawings.append(Drawing(key, svg, _text("Each circle is a row of the table."), part=key))
    return drawings


def _genome(content: ReportContent) -> list[Drawing]:
    genome = content.genome
    if genome is None or not genome.status or len(genome.status) > MOST_GENES:
        return []
    caption = _text(
        "<b>Genes of all patients, image measurements under them.</b> Each column is a patient, sorted by "
        "the genes from "
        "top to bottom. Filled: mutant; pale: wild type, with proof that the gene was looked at; "
        "hatched: not profiled or not measured, "
        "so unknown. At the right the share of mutants among those known, and the range of each image track."
    )
    alt = f"Gene status of {len(genome.patients)} patients for {', '.join(genome.status)}; counts in the table"
    return [Drawing("oncoprint", _svg(cohort.oncoprint(genome), "oncoprint", alt), caption, "genes", wide=True)]


def _screen(place: int, screen: Screen) -> list[Drawing]:
    found, key = screen.map, f"screen{place}"
    if not len(found.pairs["p"]):
        return []
    heat = [(False, "heat")] + ([(True, "heatadj")] if found.adjusted_for else [])
    drawings = [_heat(place, screen, adjusted, name) for adjusted, name in heat]

    def volcano_caption(cite: Cite) -> Markup:
        text = Markup(
            "<b>Effect and evidence.</b> Each circle is a pair; filled ones ({} of {}) pass the false "
            "discovery rate of "
            "{}. Names: the strongest. A pair high up but near the middle is certain and small."
        )
        return text.format(*(cite("screens", place, name) for name in ("hits", "tested", "q")))

    alt = f"Volcano plot of {screen.name}: {found.hits} of {len(found.pairs['p'])} pairs pass"
    svg = _svg(association.volcano(found), f"{key}-volcano", alt)
    drawings.append(Drawing(f"{key}-volcano", svg, volcano_caption, f"pairs{place}", f"pair{place}"))
    if found.null_hits.size:
        drawings.append(_null(place, screen))
    if found.targets and found.null_hits.size:
        drawings.append(_bands(place, screen))
    return [*drawings, *_pairs(place, screen)]


def _heat(place: int, screen: Screen, adjusted: bool, name: str) -> Drawing:
    what = f"adjusted for {', '.join(screen.map.adjusted_for)}" if adjusted else "raw"
    caption = _text(
        "<b>Strongest rows and columns of {}, {}.</b> Colour: effect on a scale where zero is no link, blue negative "
        "and orange positive; darker is stronger. A white dot marks pairs that pass the false discovery rate, a cross "
        "pairs that were not tested. Features and columns with similar effects stand side by side. Chosen: the "
        "columns with the strongest links, then rows in turn from each; all are in association_map.html.",
        named(screen.name),
        named(what),
    )
    svg = _svg(association.heatmap(screen.map, adjusted), f"screen{place}-{name}", f"Heat map of {screen.name}, {what}")
    return Drawing(f"screen{place}-{name}", svg, caption, f"pairs{place}", f"heat{place}", wide=True)


def _null(place: int, screen: Screen) -> Drawing:
    def caption(cite: Cite) -> Markup:
        text = Markup(
            "<b>This study against worlds without link.</b> Whole patients of one side were permuted {} "
            "times; bars: how "
            "many pairs passed then (median {}, at most {}). Line: this study ({}). A line "
            "among the bars is no finding."
        )
        return text.format(*(cite("screens", place, name) for name in ("worlds", "null_median", "null_high", "hits")))

    alt = f"Histogram of pairs passing in null worlds of {screen.name}; this study: {screen.map.hits}"
    svg = _svg(association.null_histogram(screen.map), f"screen{place}-null", alt)
    return Drawing(f"screen{place}-null", svg, caption, "screens", f"pair{place}")


def _bands(place: int, screen: Screen) -> Drawing:
    caption = _text(
        "<b>Strongest link of every target.</b> Dot: the smallest p of a target; grey: the middle 90 % of what worlds "
        "without link give it. A dot within its band is what chance gives."
    )
    svg = _svg(association.null_bands(screen.map), f"screen{place}-bands", f"Null bands of {screen.name}")
    return Drawing(f"screen{place}-bands", svg, caption, f"targets{place}", f"pair{place}")


def _pairs(place: int, screen: Screen) -> list[Drawing]:
    image, other, found = screen.image, screen.other, screen.map
    if image is None or other is None:
        return []
    drawings = []
    for rank, names in unlike(image, other, found):
        key = f"screen{place}-pair{rank}"
        axes = association.pair(image, other, *names, several=found.settings.get("several", "first"))
        svg = _svg(axes, key, f"Patients of the pair {names[0]} and {names[1]}")
        drawings.append(Drawing(key, svg, _pair_caption(place, rank, names), f"pairs{place}", f"pair{place}"))
    return drawings


def unlike(image: Table, other: Table, found: AssociationMap) -> list[tuple[int, tuple[str, str]]]:
    """Choose strong pairs by their rank in the table, leaving out those that nearly repeat one already chosen."""
    chosen: list[tuple[int, tuple[str, str]]] = []
    for rank, index in enumerate(strongest(found)[:SEARCHED_PAIRS].tolist()):
        names = str(found.pairs["image"][index]), str(found.pairs["other"][index])
        tested = not np.isnan(found.pairs["p"][index]) and names[0] in image and names[1] in other
        mates = [image[one] for _, (one, partner) in chosen if partner == names[1]]
        if tested and all(abs(spearman(image[names[0]], mate)[0]) < ALIKE for mate in mates):
            chosen.append((rank, names))
        if len(chosen) == TOP_PAIRS:
            break
    return chosen


def _pair_caption(place: int, rank: int, names: tuple[str, str]) -> Caption:
    def caption(cite: Cite) -> Markup:
        key = f"pairs{place}"
        text = Markup("<b>{} and {}.</b> Each circle is a patient (n = {}). {} {} ({} to {}), q {}. ")
        numbers = [cite(key, rank, name) for name in ("n", "effect", "low", "high", "q")]
        words = text.format(
            *map(named, names),
            numbers[0],
            named(EFFECTS.get(name := cite.book[key].shown(rank, "effect_name"), name)),
            *numbers[1:],
        )
        return words + Markup("Chosen because it is among the strongest, so its effect is likely to be overstated.")

    return caption


def _target(place: int, result: TargetResult) -> list[Drawing]:
    primary, key = result.ladder[0], f"target{place}"
    alt = f"Models of {result.target}: " + "; ".join(f"{step.features} {step.interval}" for step in result.ladder)
    caption = _text(
        "<b>{}: is the image better than something simpler?</b> Diamond and thick bar: primary model "
        "with its interval; "
        "circles: simpler models; small dots: repeats of the split; crosses: the rows it was fitted to (what it would "
        "claim without validation). Dotted: chance; dashed: smallest useful.",
        named(result.target),
    )
    svg = _svg(prediction.ladder(result), f"{key}-ladder", alt)
    drawings = [Drawing(f"{key}-ladder", svg, caption, "ladder", wide=True)]
    if usable(primary):
        drawings.append(_roc(place, result))
        if calibration(primary) is not None:
            drawings.append(_calibration(place, result))
    return [_in(result.target, drawing) for drawing in drawings]


def _in(part: str, drawing: Drawing) -> Drawing:
    return Drawing(drawing.key, drawing.svg, drawing.caption, drawing.source, part, drawing.wide)


def _roc(place: int, result: TargetResult) -> Drawing:
    def caption(cite: Cite) -> Markup:
        row = cite.book["verdicts"].find(target=result.target)
        text = Markup(
            "<b>{}: sensitivity against false alarms</b>, mean of the curves of all held-out folds; area {} "
            "({} to {}). "
            "Band: range over repeats of the split, which is narrower than the uncertainty. Diagonal: guessing."
        )
        return text.format(named(result.target), *(cite("verdicts", row, name) for name in ("estimate", "low", "high")))

    key = f"target{place}-roc"
    svg = _svg(
        prediction.roc_curve(result.ladder[0]), key, f"ROC curve of {result.target}, AUC {result.ladder[0].interval}"
    )
    return Drawing(key, svg, caption, "roc")


def _calibration(place: int, result: TargetResult) -> Drawing:
    caption = _text(
        "<b>{}: do predicted probabilities hold?</b> Patients in groups of equal size by mean held-out probability; "
        "number of patients above each bar, Wilson intervals. On the diagonal a predicted share is an observed share.",
        named(result.target),
    )
    key = f"target{place}-calibration"
    svg = _svg(
        prediction.calibration_plot(result.ladder[0]), key, f"Calibration of {result.target}; numbers in the table"
    )
    return Drawing(key, svg, caption, "calibration")


def _permutations(place: int, result: TargetResult) -> Drawing:
    def caption(cite: Cite) -> Markup:
        row = cite.book["permutations"].find(target=result.target)
        text = Markup(
            "<b>{}: what chance achieves.</b> Bars: the metric in {} worlds with permuted labels, everything refitted "
            "(median {}). Line: observed ({}); {} worlds reach it."
        )
        names = ("worlds", "median", "observed", "reached")
        return text.format(named(result.target), *(cite("permutations", row, name) for name in names))

    key = f"target{place}-permutations"
    alt = f"Permutation histogram of {result.target}, observed {result.observed:.2f}"
    return Drawing(key, _svg(prediction.permutation_histogram(result), key, alt), caption, "permutations")
