"""The figures of what features mean and of groups of patients, with their captions."""

from __future__ import annotations

from collections.abc import Callable

from markupsafe import Markup
from matplotlib.axes import Axes

from genoxel.associate.findings import Groups, Meaning
from genoxel.associate.groups import GroupSurvival
from genoxel.report.cite import Cite
from genoxel.report.figures import groups as figures

Figure = tuple[str, Axes, str, Callable[[Cite], Markup], str, str]
"""Key, axes, what a reader who cannot see is told, caption, table, part of the page."""

NETWORK = (
    "<b>Gene sets that come nearest.</b> Each circle or square is a gene set, larger with more leading genes; circles "
    "(orange) rise with the feature, squares (blue) fall. Filled: passes the false discovery rate; open: does not. "
    "Lines join sets that share leading genes: joined sets tell one story, not several."
)
MATRIX = (
    "<b>Who stays together.</b> Rows and columns are patients; dark: they fall together in most resamples of four "
    "fifths of the patients. Blocks along the diagonal are groups only if clouds of one group show none as clear."
)
CDF = (
    "<b>How clear each number of groups is.</b> A curve that stays flat between the dotted lines has few ambiguous "
    "pairs. In brackets: what clouds of one group with the same correlations give."
)
CURVES = (
    "<b>Survival of {}.</b> Share without event, 95 % bands, ticks where follow-up ended. Survival did not help to "
    "make the groups."
)


def figures_of(meaning: Meaning | None, found: Groups | None) -> list[Figure]:
    """Return the figures of both, in the order of the page."""
    drawn = _network(meaning) if meaning is not None else []
    return drawn + (_groups(found) if found is not None else [])


def _network(found: Meaning) -> list[Figure]:
    if found.enrichment is None:
        return []
    alt = f"Network of gene sets; {found.enrichment.passing} pass, numbers in the table"
    axes = figures.enrichment_network(found.enrichment)
    return [("sets-network", axes, alt, _text(NETWORK), "gene_sets", "meaning")]


def _groups(found: Groups) -> list[Figure]:
    one = found.found
    alt = f"Consensus of {len(one.patients)} patients in {one.shown} groups; {one.k} claimed"
    drawn: list[Figure] = [
        ("groups-matrix", figures.consensus_matrix(one), alt, _text(MATRIX), "patient_groups", "groups"),
        ("groups-cdf", figures.consensus_cdf(one), "Consensus curves", _text(CDF), "counts_of_groups", "groups"),
    ]
    for key, who, lived in (
        ("survival_of_groups", "those who made the groups", found.survival),
        ("survival_again", "those who did not make the groups", found.again),
    ):
        if lived is not None and _can_be_drawn(lived):
            caption = _text(CURVES.format(who))
            axes = figures.survival_curves(lived)
            drawn.append((f"groups-{key.replace('_', '-')}", axes, f"Survival of {who}", caption, key, "groups"))
    return drawn


def _can_be_drawn(lived: GroupSurvival) -> bool:
    return len(lived.time) > 0


def _text(words: str) -> Callable[[Cite], Markup]:
    return lambda _: Markup(words)  # noqa: S704 (our own sentences)
