"""Sentences of the report: the interval before the p, and each 'no' says what it excludes."""

from __future__ import annotations

from collections.abc import Callable

from markupsafe import Markup

from genoxel.core.outcome import SMALLEST_CLASS
from genoxel.core.results import TargetResult, VerdictWord
from genoxel.report.cite import Cite, given, named
from genoxel.report.content import ReportContent
from genoxel.report.settings_words import listed
from genoxel.report.tables.prediction import chance
from genoxel.report.tables.readers import whole_traits

SIGN: dict[VerdictWord, str] = {
    "supported": "●",
    "above chance, no gain shown": "◐",
    "not supported": "○",
    "inconclusive": "◌",
    "not testable": "✕",
}
"""A shape for each verdict, so that colour never stands alone."""

KIND: dict[VerdictWord, str] = {
    "supported": "yes",
    "above chance, no gain shown": "half",
    "not supported": "no",
    "inconclusive": "open",
    "not testable": "none",
}
"""Class name of each verdict in the style sheet."""


FEW = 5
"""Fewer patients than this are not described by a standardised difference."""


def answer(cite: Cite, result: TargetResult) -> Markup:
    """Return what the verdict of one target means, in one to three sentences with every number linked."""
    row = cite.book["verdicts"].find(target=result.target)
    word = result.verdict.word
    if word == "not testable" or result.primary is None:
        return _not_testable(cite, row, result)
    if word == "not supported":
        return _not_supported(cite, row)
    if word == "inconclusive":
        return _inconclusive(cite, row, result)
    return _above_chance(cite, row, result)


def _not_testable(cite: Cite, row: int, result: TargetResult) -> Markup:
    if int(cite.book["verdicts"].value(row, "n_smaller") or 0) >= SMALLEST_CLASS:
        text = Markup("Nothing was tested, so nothing is claimed and nothing excluded: {}")
        return text.format(named(result.verdict.reason))
    text = Markup(
        "The smaller class has {} patients; {} are needed. "
        "Nothing was tested, so nothing is claimed and nothing excluded."
    )
    return text.format(cite("verdicts", row, "n_smaller"), given(SMALLEST_CLASS))


def _not_supported(cite: Cite, row: int) -> Markup:
    text = Markup(
        "The interval ends at {}, below the smallest useful value of {} that was written before the run: "
        "a useful model of this kind is excluded at this level, a weaker one is not. This is a result: cite it."
    )
    return text.format(cite("verdicts", row, "high"), cite("verdicts", row, "smallest_useful"))


def _inconclusive(cite: Cite, row: int, result: TargetResult) -> Markup:
    primary = result.primary
    if primary is None or primary.interval.low != primary.interval.low:
        return Markup("There is no interval, so neither a useful model nor chance is excluded.")
    low, high = cite("verdicts", row, "low"), cite("verdicts", row, "high")
    level = chance(primary.metric)
    if primary.interval.low <= level:
        useful = primary.interval.high >= result.smallest_useful
        also = "with a useful model" if useful else "with a weak model"
        text = Markup("The data are compatible with no information ({}) and {} ({}).")
        return text.format(low, also, high) + _excludes_above(high)
    if cite.book["verdicts"].shown(row, "p_all") == "–":
        text = Markup(
            "The interval ({} to {}) lies above chance, but no permutation test was made: chance is not excluded."
        )
        return text.format(low, high)
    text = Markup(
        "The interval ({} to {}) lies above chance, but as good a result arises by chance over all targets tried "
        "(p {}): neither is excluded."
    )
    return text.format(low, high, cite("verdicts", row, "p_all"))


def _excludes_above(high: Markup) -> Markup:
    return Markup(" Values above {} are unlikely.").format(high)


def _above_chance(cite: Cite, row: int, result: TargetResult) -> Markup:
    pairs = Markup("")
    if result.primary is not None and result.primary.metric.lower() == "auc":
        pairs = Markup(
            "Of {} pairs of one patient with and one without it, the model ranks about {} the right way round. "
        ).format(given(100), _of_hundred(cite, row))
    if result.gain is None:
        return pairs + Markup("No simpler model was compared, so no gain over one is claimed.")
    if result.verdict.word == "supported":
        text = Markup("It is better than the simpler model '{}' by {} ({} to {}).")
        return pairs + text.format(named(result.best_simpler), *_gain(cite, row))
    text = Markup("No gain shown over '{}': {} ({} to {}). A gain above {} is unlikely; a smaller one is not excluded.")
    return pairs + text.format(named(result.best_simpler), *_gain(cite, row), cite("verdicts", row, "gain_high"))


def _of_hundred(cite: Cite, row: int) -> Markup:
    return cite("verdicts", row, "of_hundred")


def _gain(cite: Cite, row: int) -> tuple[Markup, Markup, Markup]:
    return tuple(cite("verdicts", row, name) for name in ("gain", "gain_low", "gain_high"))  # type: ignore[return-value]


def p_sentence(cite: Cite, row: int) -> Markup:
    """Return the permutation p over all targets with the smallest p that was possible."""
    if cite.book["verdicts"].shown(row, "p_all") == "–":
        return Markup("no permutation test was asked for")
    text = Markup("p {} over all targets (smallest possible {})")
    return text.format(cite("verdicts", row, "p_all"), cite("verdicts", row, "smallest_p"))


def screen_sentence(cite: Cite, row: int, screen_has_null: bool, adjusted: bool) -> Markup:
    """Return what an association map found, against its null worlds, and what it could have found."""

    def number(name: str) -> Markup:
        return cite("screens", row, name)

    if not int(cite.book["screens"].value(row, "hits") or 0):
        text = Markup("No pair survives among {} tested (n up to {}).").format(number("tested"), number("n"))
        if cite.book["screens"].shown(row, "detectable") != "–":
            text += Markup(" Only links of {} or more would be seen in four of five such studies.").format(
                number("detectable")
            )
        text += Markup(" Weaker links are not excluded.")
    else:
        text = Markup("{} of {} pairs pass a false discovery rate of {}").format(
            number("hits"), number("tested"), number("q")
        )
        text += (Markup("; ") + _worlds(cite, row, ("null_low", "null_high")) if screen_has_null else "") + Markup(".")
    if adjusted:
        covariates = cite.book["screens"].shown(row, "for")
        text += Markup(" After adjustment for {}: {}").format(named(covariates), number("adjusted"))
        if cite.book["screens"].shown(row, "adj_low") != "–":
            text += Markup(" ({})").format(_worlds(cite, row, ("adj_low", "adj_high")))
        text += Markup(".")
    return text


def _worlds(cite: Cite, row: int, names: tuple[str, str]) -> Markup:
    """Return how many pairs passed in worlds without link, once where all gave the same."""
    sheet, (low, high) = cite.book["screens"], names
    if sheet.value(row, low) == sheet.value(row, high):
        return Markup("{} worlds without link gave {} each").format(
            cite("screens", row, "worlds"), cite("screens", row, low)
        )
    text = Markup("a world without link gave {} to {}").format(cite("screens", row, low), cite("screens", row, high))
    median = Markup(" (median {})").format(cite("screens", row, "null_median")) if low == "null_low" else Markup()
    return text + median


def readers_sentence(cite: Cite, content: ReportContent) -> Markup:
    """Return between which kappas the traits lie that readers graded, and what a kappa is not known for."""
    rows = whole_traits(content.readers)
    known = sorted((row for row in rows if content.readers[row].kappa is not None), key=_kappa_of(content))
    if not known:
        text = Markup("No kappa is defined for what readers graded ({}): see the table for the reasons.")
        return text.format(named(listed([content.readers[row].trait for row in rows])))
    ends = [
        Markup("{} ({} to {}) for {}").format(
            *(cite("readers", row, name) for name in ("kappa", "low", "high")), named(content.readers[row].trait)
        )
        for row in dict.fromkeys((known[0], known[-1]))
    ]
    lead = Markup("Agreement of readers beyond chance (kappa): {}.")
    words = lead.format(Markup(", up to ").join(ends))
    lost = [content.readers[row].trait for row in rows if row not in known]
    return words + (Markup(" Not defined: {}.").format(named(listed(lost))) if lost else Markup())


def _kappa_of(content: ReportContent) -> Callable[[int], float]:
    return lambda row: kappa.estimate if (kappa := content.readers[row].kappa) is not None else float("nan")


def mixed_protocols(content: ReportContent) -> str:
    """Return in words which acquisition facts differ between patients of one modality, or an empty text."""
    seen: dict[tuple[str, str], set[str]] = {}
    for one in content.acquisition:
        if one.value != "not stated":
            seen.setdefault((one.modality, one.fact), set()).add(one.value)
    mixed: dict[str, list[str]] = {}
    for (modality, fact), values in seen.items():
        if len(values) > 1:
            mixed.setdefault(fact.partition(" [")[0], []).append(modality)
    return "; ".join(f"{fact} ({listed(sorted(where))})" for fact, where in sorted(mixed.items()))


def left_out_sentence(cite: Cite, content: ReportContent) -> Markup:
    """Return how many patients were left out and in what they differ most, if the comparison was made."""
    if content.flow is None:
        return Markup("Who was left out is not known: no flow was recorded.")
    text = Markup("{} of {} patients were left out").format(cite.count("lost"), cite.count("started"))
    for place, comparison in enumerate(content.comparisons):
        if comparison.groups == ("analysed", "left out") and min(comparison.sizes) >= FEW:
            differing = [row for row, one in enumerate(comparison.rows) if abs(one.difference) > 0.2]
            if differing:
                most = max(differing, key=lambda row: abs(comparison.rows[row].difference))
                text += Markup("; they differ most in {} (SMD {}): results may not carry over to them").format(
                    named(comparison.rows[most].name), cite(f"comparison{place}", most, "difference")
                )
    return text + Markup(".")


def unknown_genes_sentence(cite: Cite) -> Markup:
    """Return in how many patients which genes are unknown, genes with equal numbers named together."""
    sheet = cite.book["genes"]
    groups: dict[int, list[int]] = {}
    for row in range(len(sheet.rows)):
        groups.setdefault(int(sheet.value(row, "unknown") or 0), []).append(row)
    if not any(groups):
        return Markup("Every gene is known in every patient.")
    parts = []
    for unknown, rows in sorted(groups.items(), reverse=True):
        if unknown:
            genes = (
                "every gene" if len(rows) == len(sheet.rows) else ", ".join(sheet.shown(row, "gene") for row in rows)
            )
            parts.append(Markup("{} in {}").format(named(genes), cite("genes", rows[0], "unknown")))
    return Markup("Unknown, and not counted as wild type: {} of the patients.").format(Markup("; ").join(parts))
