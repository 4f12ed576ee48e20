"""Tables of what was measured: features, genes, expression, association maps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.associate.drivers import DriverContrasts
from genoxel.core.image import FloatArray
from genoxel.core.results import AssociationMap
from genoxel.core.table import Column, Table
from genoxel.features import atlas
from genoxel.features.catalog import EVERY_FAMILY
from genoxel.features.catalog import family as family_of
from genoxel.report.content import Assay, Prepared, ReportContent, Screen
from genoxel.report.effects import signed
from genoxel.report.tables.examples import examples
from genoxel.report.tables.sheet import Field, Sheet, Value

NAN = float("nan")
FOLLOWS_VOLUME = 0.8
"""A feature whose absolute rank correlation with the ROI volume is above this says little beyond size."""

TOP_TARGETS = 200
TOP_PAIRS = 1000


def sheets(content: ReportContent) -> list[Sheet]:
    """Return the tables of features, genes, expression and association maps."""
    volume = _volume(content)
    found = [
        _totals(content, volume),
        _families(content, volume),
        volume,
        examples(content, volume),
        _reporting(content),
        _prepared(content),
        _undefined(content),
    ]
    found += [_genes(content), _expression(content), _blocks(content), *_assay(content)]
    found.append(_screens(content))
    screens = list(enumerate(content.associations))
    found += [_pairs(place, screen) for place, screen in screens]
    found += [_bands(place, screen) for place, screen in screens if screen.map.targets]
    found += [_within(place, screen) for place, screen in screens if "within_strata" in screen.map.settings]
    found += [_shared(place, screen) for place, screen in screens if "shared_components" in screen.map.settings]
    return [*found, *([_drivers(content.drivers)] if content.drivers is not None else [])]


def spearman(first: FloatArray, second: FloatArray) -> tuple[float, int]:
    """Return the rank correlation of the rows known in both, and their number; NaN below 4 rows or without spread."""
    from scipy.stats import rankdata

    known = ~(np.isnan(first) | np.isnan(second))
    n = int(known.sum())
    if n < 4 or np.ptp(first[known]) == 0 or np.ptp(second[known]) == 0:
        return NAN, n
    ranks = rankdata(first[known]), rankdata(second[known])
    return float(np.corrcoef(*ranks)[0, 1]), n


def family(column: Column) -> tuple[str, str]:
    """Return modality and family of a feature, from its record or else from its name."""
    parts = column.name.split(".")
    modality = column.source.modality or (parts[0] if len(parts) > 1 else "")
    return modality, column.source.family or (parts[3] if len(parts) > 4 else "")


def _volume(content: ReportContent) -> Sheet:
    fields = (
        *(Field("feature", "Feature"), Field("modality", "Modality"), Field("family", "Family")),
        Field("rho", "Rank correlation with volume", "gain", lines=(-FOLLOWS_VOLUME, FOLLOWS_VOLUME)),
        *(Field("size", "Absolute", "estimate", lines=(FOLLOWS_VOLUME,)), Field("n", "Rows", "count")),
        *(Field("unit", "Unit"), Field("code", "IBSI code")),
    )
    table = content.features
    rows: list[tuple[Value, ...]] = []
    if table is not None and content.volume in table:
        volume = table[content.volume]
        for column in table.columns:
            if column.name != content.volume:
                rho, n = spearman(table[column.name], volume)
                rows.append((column.name, *family(column), rho, abs(rho), n, column.unit, column.code))
    rows.sort(key=lambda row: (-_sortable(row[4]), str(row[0])))
    return Sheet("volume", "Features against volume", fields, tuple(rows), "Spearman; strongest first.")


def _sortable(value: Value) -> float:
    return float(value) if isinstance(value, int | float) and not np.isnan(value) else -1.0


def _families(content: ReportContent, volume: Sheet) -> Sheet:
    fields = (
        *(Field("modality", "Modality"), Field("family", "Family"), Field("features", "Features", "count")),
        Field("complete", "Known in every row", "count"),
        Field("follow", "Follow volume", "count", "absolute rank correlation with the volume above 0.8"),
        Field("share", "Share that follows", "share"),
    )
    table = content.features
    groups: dict[tuple[str, str], list[Column]] = {}
    for column in table.columns if table is not None else ():
        groups.setdefault(family(column), []).append(column)
    strong = {str(row[0]) for row in volume.rows if _sortable(row[4]) > FOLLOWS_VOLUME}
    rows = [_family_row(table, key, columns, strong) for key, columns in sorted(groups.items()) if table is not None]
    if table is not None and rows:
        rows.append(_family_row(table, ("all", "all"), list(table.columns), strong))
    return Sheet("families", "Features by modality and family", fields, tuple(rows))


def _totals(content: ReportContent, volume: Sheet) -> Sheet:
    """Return the families over all modalities, with what each measures."""
    fields = (
        *(Field("family", "Family"), Field("measures", "Measures"), Field("features", "Features", "count")),
        Field("images", "In images", "count", "modalities or sequences with this family"),
        Field("follow", "Follow volume", "count", "absolute rank correlation with the volume above 0.8"),
        Field("share", "Share that follows", "share"),
    )
    strong = {str(row[0]) for row in volume.rows if _sortable(row[4]) > FOLLOWS_VOLUME}
    groups: dict[str, list[Column]] = {}
    for column in content.features.columns if content.features is not None else ():
        groups.setdefault(family(column)[1], []).append(column)
    order = {name: place for place, name in enumerate(EVERY_FAMILY)}
    rows: list[tuple[Value, ...]] = []
    for name in sorted(groups, key=lambda name: (order.get(name, len(order)), name)):
        columns = groups[name]
        follow = sum(column.name in strong for column in columns)
        images = len({family(column)[0] for column in columns})
        measures = family_of(name).title if name in EVERY_FAMILY else {atlas.FAMILY: atlas.TITLE}.get(name, "")
        rows.append((name or "other", measures, len(columns), images, follow, follow / len(columns)))
    return Sheet("totals", "Families of features", fields, tuple(rows))


def _family_row(table: Table, key: tuple[str, str], columns: list[Column], strong: set[str]) -> tuple[Value, ...]:
    complete = sum(not np.isnan(table[column.name]).any() for column in columns)
    follow = sum(column.name in strong for column in columns)
    return (*key, len(columns), complete, follow, follow / len(columns))


def _reporting(content: ReportContent) -> Sheet:
    fields = (Field("topic", "Topic"), Field("item", "Item"), Field("answer", "Answer"), Field("source", "Known from"))
    caption = "What IBSI asks to be reported; what only the authors know is marked so, never guessed."
    return Sheet(
        "reporting", "Reporting items of IBSI", fields, tuple(tuple(one) for one in content.reporting), caption
    )


def summarise_prepared(stage: str, rows: Iterable[Sequence[Any]]) -> tuple[Prepared, ...]:
    """Return the spread over patients of what a stage of preparation measured, from (patient, series, measure, value).

    >>> summarise_prepared("kernel", [("P1", "CT", "least_gain", 0.4), ("P2", "CT", "least_gain", 0.6)])[0].median
    0.5
    """
    found: dict[tuple[str, str], dict[str, float]] = {}
    for patient, series, measure, value in rows:
        if isinstance(value, int | float):
            found.setdefault((series, measure), {})[patient] = float(value)
    return tuple(
        Prepared(stage, *key, len(values), *(float(cut(list(values.values()))) for cut in (np.min, np.median, np.max)))
        for key, values in found.items()
    )


def _prepared(content: ReportContent) -> Sheet:
    fields = (
        *(Field("stage", "Stage"), Field("series", "Series"), Field("measure", "Measure")),
        *(Field("n", "Patients", "count"), Field("least", "Least", "number"), Field("median", "Median", "number")),
        Field("most", "Most", "number"),
    )
    rows = tuple(
        (one.stage, one.series, one.measure.replace("_", " "), one.patients, one.least, one.median, one.most)
        for one in content.prepared
    )
    caption = "Patient by patient in tables/STAGE.csv."
    return Sheet("prepared", "What preparation measured", fields, rows, caption)


def _undefined(content: ReportContent) -> Sheet:
    rows = tuple(sorted(content.undefined.items()))
    fields = (Field("feature", "Feature"), Field("reason", "Why it has no value"))
    return Sheet("undefined", "Features without a value", fields, rows)


def _genes(content: ReportContent) -> Sheet:
    fields = (
        *(Field("gene", "Gene"), Field("mutant", "Mutant", "count"), Field("wild", "Wild type", "count")),
        Field("unknown", "Unknown", "count", "not profiled; never counted as wild type"),
        Field("share", "Mutant among known", "share"),
    )
    rows: list[tuple[Value, ...]] = []
    if content.genome is not None:
        patients = content.genome.patients
        for gene, status in content.genome.status.items():
            words = [status.get(patient) for patient in patients]
            mutant, wild = words.count("mutant"), words.count("wild type")
            known = mutant + wild
            rows.append((gene, mutant, wild, len(words) - known, mutant / known if known else NAN))
    return Sheet("genes", "Gene status", fields, tuple(rows), "Wild type needs proof that the gene was looked at.")


def _blocks(content: ReportContent) -> Sheet:
    fields = (
        *(Field("block", "Block"), Field("patients", "Patients", "count"), Field("columns", "Columns", "count")),
        *(Field("missing", "Without value", "share"), Field("definition", "What its first column is")),
    )
    rows = tuple((one.name, one.patients, one.columns, one.missing, one.definition) for one in content.blocks)
    return Sheet("blocks", "Molecular blocks", fields, rows, "Missing stays missing: nothing was filled in here.")


def _assay(content: ReportContent) -> list[Sheet]:
    fields = (
        *(Field("patient", "Patient"), Field("check", "Check"), Field("finding", "Finding")),
        Field("done", "In this study"),
    )
    assay = content.assay or Assay()
    judged = Sheet(
        "judged", "Assay checks", (Field("check", "Check"), Field("patients", "Patients judged", "count")), assay.judged
    )
    return [judged, Sheet("assay", "Samples that an assay check lists", fields, assay.findings)]


def _expression(content: ReportContent) -> Sheet:
    fields = (
        *(Field("patients", "Patients", "count"), Field("genes", "Genes", "count"), Field("unit", "Unit")),
        *(Field("transform", "Transform"), Field("constant", "Constant genes", "count")),
    )
    one = content.expression
    rows = () if one is None else ((one.patients, one.genes, one.unit, one.transform, one.constant),)
    return Sheet("expression", "Gene expression", fields, rows)


def _screens(content: ReportContent) -> Sheet:
    fields = (
        *(Field("name", "Map"), Field("image", "Image features", "count"), Field("other", "Other columns", "count")),
        *(Field("tested", "Pairs tested", "count"), Field("untested", "Not tested", "count")),
        *(Field("hits", "Pass", "count"), Field("q", "False discovery rate", "share")),
        *(Field("null_low", "Null worlds, least", "count"), Field("null_median", "Null worlds, median", "number")),
        *(Field("null_high", "Null worlds, most", "count"), Field("worlds", "Null worlds", "count")),
        *(Field("adjusted", "Pass after adjustment", "count"), Field("for", "Adjusted for")),
        *(Field("adj_low", "Null worlds, adjusted, least", "count"), Field("adj_high", "and most", "count")),
        Field("detectable", "Smallest detectable", "estimate", "abs. effect found in four of five such studies"),
        Field("n", "Rows, at most", "count"),
    )
    return Sheet("screens", "Association maps", fields, tuple(_screen_row(screen) for screen in content.associations))


def _screen_row(screen: Screen) -> tuple[Value, ...]:
    found = screen.map
    tested = ~np.isnan(np.asarray(found.pairs["p"], dtype=np.float64))
    null = found.null_hits
    spread = (int(null.min()), float(np.median(null)), int(null.max())) if null.size else (NAN, NAN, NAN)
    n = np.asarray(found.pairs["n"])
    beyond = np.asarray(found.settings.get("null_hits_adjusted", ()), dtype=np.float64)
    adjusted_null = (int(beyond.min()), int(beyond.max())) if beyond.size else (NAN, NAN)
    return (
        *(screen.name, len(found.image_columns), len(found.other_columns), int(tested.sum()), int((~tested).sum())),
        *(found.hits, found.q, *spread, int(null.size), found.hits_adjusted if found.adjusted_for else NAN),
        *(", ".join(found.adjusted_for), *adjusted_null, found.detectable, int(n.max()) if n.size else 0),
    )


PAIR_FIELDS = (
    *(Field("image", "Image feature"), Field("other", "Other"), Field("test", "Test"), Field("n", "n", "count")),
    *(Field("effect_name", "Effect"), Field("effect", "Value", "estimate"), Field("low", "Lower", "estimate")),
    *(Field("high", "Upper", "estimate"), Field("p", "p", "p"), Field("q", "q", "p", "Benjamini-Hochberg")),
    *(Field("effect_adjusted", "Adjusted", "estimate"), Field("low_adjusted", "Lower", "estimate")),
    *(Field("high_adjusted", "Upper", "estimate"), Field("q_adjusted", "Adjusted q", "p")),
    Field("flag", "Not tested, because"),
)


def strongest(found: AssociationMap) -> npt.NDArray[np.intp]:
    """Return the order of the pairs from smallest p and largest effect to those that were not tested."""
    p = np.asarray(found.pairs["p"], dtype=np.float64)
    return np.lexsort((-np.abs(np.nan_to_num(signed(found))), np.where(np.isnan(p), 2.0, p)))


def _pairs(place: int, screen: Screen) -> Sheet:
    pairs = screen.map.pairs
    p = np.asarray(pairs["p"], dtype=np.float64)
    order = strongest(screen.map)[:TOP_PAIRS]
    fields = tuple(field for field in PAIR_FIELDS if field.name in pairs)  # maps of older versions have fewer
    columns = [[_plain(pairs[field.name][index]) for index in order] for field in fields]
    empty = [field.kind == "text" and not any(column) for field, column in zip(fields, columns, strict=True)]
    fields = tuple(replace(field, hidden=one) for field, one in zip(fields, empty, strict=True))
    rows = tuple(zip(*columns, strict=True))
    caption = "Strongest first (smallest p, then largest effect)."
    whole = f"tables/associations_{screen.name}.csv"
    return Sheet(f"pairs{place}", f"Pairs of {screen.name}", fields, rows, caption, int(p.size), whole)


BAND_FIELDS = (
    *(Field("other", "Target"), Field("tested", "Pairs tested", "count"), Field("passing", "Pass", "count")),
    *(Field("best_image", "Strongest feature"), Field("best_p", "Its p", "p")),
    *(Field("null_low", "Null worlds, 5 %", "p"), Field("null_high", "and 95 %", "p", "smallest p of a null world")),
    Field("p_best", "p of the strongest", "p", "how often a null world gives this target a p as small"),
)


def _bands(place: int, screen: Screen) -> Sheet:
    found = screen.map.targets
    order = np.argsort(np.nan_to_num(np.asarray(found["best_p"], dtype=np.float64), nan=2.0), kind="stable")
    columns = [[_plain(found[field.name][index]) for index in order[:TOP_TARGETS]] for field in BAND_FIELDS]
    caption = "Every target that was tested, strongest first, with what worlds without link give it."
    rows = tuple(zip(*columns, strict=True))
    whole = f"tables/associations_{screen.name}_targets.csv"
    return Sheet(f"targets{place}", f"Targets of {screen.name}", BAND_FIELDS, rows, caption, len(order), whole)


_TERMS = {
    "term": "interaction term",
    "low_term": "interaction term, low",
    "high_term": "interaction term, high",
    "p_term": "p of the term",
    "q_term": "q of the term",
}


def _within(place: int, screen: Screen) -> Sheet:
    record = screen.map.settings["within_strata"]
    levels = list(record["levels"])
    names = ["image", "other", *(f"{part}[{level}]" for level in levels for part in ("effect", "low", "high"))]
    names += ["effect", "low", "high", "p_interaction", "q_interaction", *_TERMS]
    fields = [Field("image", "Image feature"), Field("other", "Other")]
    for level in levels:
        fields += [Field(f"{part}[{level}]", f"{level}{word}", "estimate") for part, word in _PARTS]
    fields += [Field(part, f"pooled{word}", "estimate") for part, word in _PARTS]
    fields += [Field("p_interaction", "p of a difference", "p"), Field("q_interaction", "q of a difference", "p")]
    fields += [Field(name, words, "p" if name[0] in "pq" else "estimate") for name, words in _TERMS.items()]
    columns = [[_plain(np.nan if value is None else value) for value in record["rows"][name]] for name in names]
    caption = f"The strongest pairs within each level of {record['by']}; a small p of a difference: levels differ.\
 The interaction term is the product in one regression beside the covariates, on standardised ranks or values."
    rows = tuple(zip(*columns, strict=True))
    return Sheet(f"within{place}", f"{screen.name} within {record['by']}", tuple(fields), rows, caption)


def _shared(place: int, screen: Screen) -> Sheet:
    record = screen.map.settings["shared_components"]
    fields = (
        *(Field("component", "Component", "count"), Field("held_out", "Held-out correlation", "estimate")),
        *(Field("p", "p", "p"), Field("null_high", "Null worlds, 95 %", "estimate")),
        *(Field("in_sample", "In sample", "estimate"), Field("stability", "Stability", "estimate")),
        *(Field("image", "Strongest image features"), Field("other", "Strongest columns")),
    )
    columns = [[_plain(value) for value in record["rows"].get(field.name, [])] for field in fields]
    method = _METHODS[record["method"]]
    caption = f"By {method}. The correlation is that of patients not learned from; in sample, chance gives as much."
    caption = f"Not done: {record['why']}" if "why" in record else caption
    title = f"Shared components of {screen.name}"
    return Sheet(f"shared{place}", title, fields, tuple(zip(*columns, strict=True)), caption)


_METHODS = {"pls": "partial least squares", "sparse_cca": "sparse canonical correlation"}
_METHODS["mofa"] = "MOFA, which also learns from patients with one side alone"

_PARTS = (("effect", ""), ("low", ", lower"), ("high", ", upper"))


def _drivers(found: DriverContrasts) -> Sheet:
    fields = (
        *(Field("gene", "Gene"), Field("contrast", "Contrast"), Field("image", "Image feature")),
        *(Field("n1", "n", "count"), Field("n0", "against n", "count"), Field("d", "Cohen's d", "estimate")),
        *(Field("low", "Lower", "estimate"), Field("high", "Upper", "estimate"), Field("p", "p", "p")),
        *(Field("q", "q", "p", "Benjamini-Hochberg over all contrasts"), Field("flag", "Not tested, because")),
    )
    p = np.nan_to_num(np.asarray(found.rows["p"], dtype=np.float64), nan=2.0)
    order = np.argsort(p, kind="stable")[:TOP_PAIRS]
    columns = [[_plain(found.rows[field.name][index]) for index in order] for field in fields]
    counts = "; ".join(
        f"{gene}: " + ", ".join(f"{count} {word}" for word, count in groups.items())
        for gene, groups in found.counts.items()
    )
    rows, caption = tuple(zip(*columns, strict=True)), f"Strongest first. Patients: {counts}."
    return Sheet("drivers", "Exclusive drivers", fields, rows, caption, len(p), "tables/exclusive_drivers.csv")


def _plain(value: object) -> Value:
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value)
    return str(value)
