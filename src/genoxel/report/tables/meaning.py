"""Tables of what features mean, and of groups of patients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.associate.findings import Groups, Meaning
from genoxel.associate.groups import GroupSurvival
from genoxel.core.results import AssociationMap
from genoxel.report.content import ReportContent
from genoxel.report.effects import worlds_in_words
from genoxel.report.tables.sheet import Field, Sheet, Value

NAN = float("nan")
MOST = 1000
Rows = Mapping[str, npt.NDArray[Any]]


def sheets(content: ReportContent) -> list[Sheet]:
    """Return the tables of enrichment, activity, triples and groups; none where they were not asked for."""
    return [
        *(_meaning(content.meaning) if content.meaning else []),
        *(_groups(content.groups) if content.groups else []),
    ]


def taken(rows: Rows, fields: tuple[Field, ...], by: str = "p", most: int = MOST) -> tuple[tuple[Value, ...], ...]:
    """Return the rows of `fields`, smallest `by` first (missing last)."""
    order = np.argsort(np.nan_to_num(np.asarray(rows[by], dtype=np.float64), nan=np.inf), kind="stable")[:most]
    columns = [[_plain(rows[field.name][place]) for place in order] for field in fields]
    return tuple(zip(*columns, strict=True))


def _smallest_first(key: str, title: str, fields: tuple[Field, ...], rows: Rows, caption: str, file: str) -> Sheet:
    """Return the table of rows with the smallest p; `file` is the table that holds all of them."""
    return Sheet(key, title, fields, taken(rows, fields), caption, len(rows["p"]), f"tables/{file}.csv")


def _plain(value: object) -> Value:
    if isinstance(value, int | np.integer):
        return int(value)
    return float(value) if isinstance(value, float | np.floating) else str(value)


def _meaning(found: Meaning) -> list[Sheet]:
    parts = [
        _summary(found),
        _enrichment(found),
        _hits(found),
        _modules(found),
        _activity(found),
        _triples(found),
        _readings(found),
    ]
    return [one for one in parts if one is not None]


def _summary(found: Meaning) -> Sheet:
    fields = (
        *(Field("what", "Question"), Field("asked", "Asked", "count"), Field("passing", "Pass", "count")),
        *(Field("q", "False discovery rate", "share"), Field("n", "Patients, at most", "count")),
        *(Field("sources", "Features and groups", "count"), Field("left_out", "Sets or genes not asked", "count")),
        *(Field("worlds", "Null worlds", "count"), Field("smallest_q", "Smallest q of a single row", "p")),
        Field("by_genes", "Would pass by moved genes", "count", "GSEApy: as if genes were independent"),
        Field("adjusted", "Pass, adjusted", "count", "less the covariates"),
    )
    rows: list[tuple[Value, ...]] = []
    if (one := found.enrichment) is not None:
        q = np.asarray(one.rows["q_genes"], dtype=np.float64)
        by_genes = int((q <= one.q).sum()) if np.isfinite(q).any() else NAN
        with np.errstate(invalid="ignore"):
            less = int((np.asarray(one.rows["q_adjusted"]) <= one.q).sum()) if one.adjusted_for else NAN
        counts = (len(one.rows["p"]), one.passing, one.q, int(one.rows["n"].max()))
        rows.append(
            (
                "enrichment",
                *counts,
                len(set(one.rows["source"].tolist())),
                len(one.left_out),
                one.permutations,
                one.smallest_q,
                by_genes,
                less,
            )
        )
    if (own := found.modules) is not None:
        several = (len(set(own.rows["source"].tolist())), len(own.left_out))
        rows.append(("modules", len(own.rows["p"]), own.passing, own.q, NAN, *several, NAN, NAN, NAN, NAN))
    if (two := found.activity) is not None:
        rows.append(
            (
                *("activity", len(two.rows["p"]), two.passing, two.q, two.n, two.features, NAN),
                *(two.permutations, NAN, NAN, NAN),
            )
        )
    if (three := found.triples) is not None:
        features = len(set(three.rows["image"].tolist()))
        rows.append(
            (
                *("triples", len(three.rows["p"]), three.passing, three.q, three.n, features, three.left_out),
                *(NAN, NAN, NAN, NAN),
            )
        )
    return Sheet("meaning", "What features mean, in counts", fields, tuple(rows))


ENRICHMENT = (
    *(Field("source", "Feature or group"), Field("set", "Gene set"), Field("size", "Genes", "count")),
    *(Field("n", "n", "count"), Field("nes", "NES", "gain", "enrichment score over the mean of null worlds")),
    *(Field("p", "p", "p", "patients moved"), Field("q", "q", "p", "Benjamini-Hochberg over all rows")),
    *(Field("p_adjusted", "p, adjusted", "p", "less the covariates"), Field("q_adjusted", "q, adjusted", "p")),
    Field("p_family", "p in family", "p", "share of other features of its family for which the set stands out as much"),
    Field("others", "of features", "count", "other features of its family"),
    *(Field("p_genes", "p, genes moved", "p", "GSEApy"), Field("q_genes", "q, genes moved", "p", "GSEApy")),
    Field("leading", "Leading genes", hidden=True),
)


def _enrichment(found: Meaning) -> Sheet | None:
    one = found.enrichment
    if one is None:
        return None
    fields = tuple(field for field in ENRICHMENT if _any(one.rows, field))
    caption = "Smallest p first. p comes of moved patients, so that genes keep their correlations."
    if one.adjusted_for:
        caption += f" Adjusted for {', '.join(one.adjusted_for)}."
    caption += "".join(f" Risk group: {words}." for words in found.risk)
    return _smallest_first("gene_sets", "Gene sets of features and groups", fields, one.rows, caption, "enrichment")


def _any(rows: Rows, field: Field) -> bool:
    """Whether a column says anything: numbers that nobody asked for are left out."""
    return field.kind == "text" or bool(np.isfinite(np.asarray(rows[field.name], dtype=np.float64)).any())


def _hits(found: Meaning) -> Sheet | None:
    if found.hits is None:
        return None
    fields = (
        *(Field("source", "Feature"), Field("set", "Gene set"), Field("size", "Genes", "count")),
        *(Field("genes", "Genes that pass", "count"), Field("overlap", "in the set", "count")),
        *(Field("expected", "expected", "number"), Field("p", "p", "p"), Field("q", "q", "p")),
        Field("leading", "Genes", hidden=True),
    )
    caption = "Hypergeometric, as if genes were independent: correlated sets come out too strong."
    title = "Gene sets among the genes that pass with a feature"
    return _smallest_first("hits", title, fields, found.hits.rows, caption, "over_represented")


def _modules(found: Meaning) -> Sheet | None:
    if found.modules is None:
        return None
    fields = (
        *(Field("source", "Metagene"), Field("set", "Gene set"), Field("size", "Genes", "count")),
        *(Field("genes", "Genes of the metagene", "count"), Field("overlap", "in the set", "count")),
        *(Field("expected", "expected", "number"), Field("p", "p", "p"), Field("q", "q", "p")),
        Field("leading", "Genes in both", hidden=True),
    )
    caption = (
        f"Among the {found.modules.genes:,} genes that were clustered. Hypergeometric, as if genes were independent: "
    )
    caption += (
        "a metagene is made of genes that go together, so it names what its genes have in common and proves nothing."
    )
    title = "Gene sets of metagenes"
    return _smallest_first("modules", title, fields, found.modules.rows, caption, "module_sets")


def _activity(found: Meaning) -> Sheet | None:
    if found.activity is None:
        return None
    fields = (
        *(Field("target", "Gene set score"), Field("n", "n", "count"), Field("rho", "Held-out rho", "estimate")),
        *(Field("low", "Lower", "estimate"), Field("high", "Upper", "estimate")),
        Field("auc", "AUC, above the median", "estimate", lines=(0.5,)),
        *(Field("p", "p", "p"), Field("q", "q", "p"), Field("null_high", "Null worlds, 95 %", "estimate")),
    )
    one = found.activity
    caption = f"Ridge regression on {one.features} features, everything learned in training folds; {one.permutations} "
    caption += "null worlds. Intervals take the folds as fixed."
    title = "Pathway activity predicted from the image"
    return _smallest_first("activity", title, fields, one.rows, caption, "pathway_activity")


def _triples(found: Meaning) -> Sheet | None:
    if found.triples is None:
        return None
    fields = (
        *(Field("gene", "Gene"), Field("image", "Image feature")),
        *(Field("rho_dosage", "Copies and expression", "gain"), Field("rho_copies", "Feature and copies", "gain")),
        *(Field("rho_expression", "Feature and expression", "gain"), Field("p", "p", "p", "largest of the three")),
        Field("q", "q", "p"),
    )
    caption = "All three links must stand, in one direction; p is the largest of the three."
    caption += " Features: those named, or some that stand for all others, chosen without looking at genes."
    title = "Concordant triples"
    return _smallest_first("triples", title, fields, found.triples.rows, caption, "concordant_triples")


def _readings(found: Meaning) -> Sheet:
    fields = (
        *(Field("feature", "Feature"), Field("reading", "Usually read as")),
        *(Field("sets", "Gene sets that pass"), Field("count", "Number", "count")),
    )
    rows: list[tuple[Value, ...]] = []
    for name, traits in found.readings.items():
        sets: list[str] = []
        if found.enrichment is not None:
            one = found.enrichment.rows
            with np.errstate(invalid="ignore"):
                mine = (np.asarray(one["source"]) == name) & (np.asarray(one["q"]) <= found.enrichment.q)
            sets = [str(word) for word in one["set"][mine]]
        some = ", ".join(sets[:5]) + (" ..." if len(sets) > 5 else "")
        rows.append((name, ", ".join(traits) or "not known", some or "none", len(sets)))
    caption = (
        "The reading is the field's hypothesis for this kind of image and family, not a measurement of this study."
    )
    return Sheet("readings", "How the features are read", fields, tuple(rows), caption)


def _groups(found: Groups) -> list[Sheet]:
    parts = [_summary_of_groups(found), _counts(found), *_lived(found), _replication(found), _again(found)]
    parts.append(_profile(found))
    parts += [_differences(name, one) for name, one in found.differences.items()]
    return [one for one in parts if one is not None]


def _summary_of_groups(found: Groups) -> Sheet:
    fields = (
        *(Field("k", "Groups", "count"), Field("n", "Patients", "count"), Field("p", "p of more than one", "p")),
        *(Field("worlds", "Clouds of one group", "count"), Field("resamples", "Resamples", "count")),
        *(Field("left_out", "Patients without a block", "count"), Field("smallest", "Smallest group", "count")),
        Field("certainty", "Certainty, mean", "share", "how often a patient falls together with his group"),
    )
    one = found.found
    sizes = np.bincount(one.groups)[1:]
    row = (one.k, len(one.patients), one.p, one.rules.worlds, one.rules.resamples, one.left_out)
    rows = ((*row, int(sizes.min()), float(one.certainty.mean()) if one.k > 1 else NAN),)
    return Sheet("patient_groups", "Groups of patients", fields, rows)


def _counts(found: Groups) -> Sheet:
    fields = (
        *(Field("k", "Groups", "count"), Field("pac", "Ambiguous pairs", "share")),
        *(Field("null_mean", "in clouds of one group", "share"), Field("null_low", "lowest 5 % of these", "share")),
        *(Field("within", "Spread left within", "share"), Field("null_within", "in clouds", "share")),
    )
    caption = "Pairs are ambiguous that fall together in more than 10 % and at most 90 % of resamples."
    rows = taken(found.found.counts, fields, "k")
    return Sheet("counts_of_groups", "Numbers of groups that were tried", fields, rows, caption)


SURVIVAL = (
    *(Field("group", "Group"), Field("n", "n", "count"), Field("events", "Events", "count")),
    *(Field("expected", "expected", "number"), Field("hazard_ratio", "Hazard ratio", "estimate", lines=(1.0,))),
    *(Field("low", "Lower", "estimate", lines=(1.0,)), Field("high", "Upper", "estimate", lines=(1.0,))),
    Field("hazard_ratio_adjusted", "Adjusted", "estimate", "beside the covariates", lines=(1.0,)),
    *(
        Field("low_adjusted", "Lower", "estimate", lines=(1.0,)),
        Field("high_adjusted", "Upper", "estimate", lines=(1.0,)),
    ),
    *(Field("chi2", "chi² of all", "number"), Field("p", "p of all", "p", "log-rank")),
)


def _lived(found: Groups) -> list[Sheet]:
    who = {"survival_of_groups": ("Survival of those who made the groups", found.survival)}
    who["survival_again"] = ("Survival of those who did not make the groups", found.again)
    return [_survival(key, title, one) for key, (title, one) in who.items() if one is not None]


def _survival(key: str, title: str, one: GroupSurvival) -> Sheet:
    columns = dict(one.rows) | {name: np.full(len(one.rows["n"]), getattr(one, name)) for name in ("chi2", "p")}
    names = [field.name for field in SURVIVAL]
    rows = tuple(tuple(_plain(columns[name][place]) for name in names) for place in range(len(one.rows["n"])))
    caption = f"Not tested: {one.why}." if one.why else "Log-rank test of all; hazard ratios against the first (Cox)."
    caption += f" Adjusted for {', '.join(one.adjusted_for)}." if one.adjusted_for else ""
    return Sheet(key, title, SURVIVAL, rows, caption)


def _replication(found: Groups) -> Sheet | None:
    if found.replication is None:
        return None
    fields = (
        *(Field("group", "Group"), Field("n", "n", "count"), Field("igp", "In-group proportion", "share")),
        *(Field("null_mean", "in clouds of one group", "share"), Field("null_high", "highest 5 % of these", "share")),
        *(Field("p", "p", "p"), Field("q", "q", "p")),
    )
    one = found.replication
    rows = tuple(tuple(_plain(one.rows[field.name][at]) for field in fields) for at in range(len(one.rows["n"])))
    caption = "Share of the patients of a group whose nearest neighbour falls into the same group."
    return Sheet("replication", "Groups in patients who did not make them", fields, rows, caption)


def _again(found: Groups) -> Sheet | None:
    if found.replication is None:
        return None
    fields = (
        *(Field("n", "Patients", "count"), Field("within", "Spread left within groups", "share")),
        *(Field("null_within", "in clouds of one group", "share"), Field("p", "p", "p")),
    )
    one = found.replication
    row = (len(one.patients), one.within, one.null_within, one.p)
    return Sheet("again", "The groups as a whole in patients who did not make them", fields, (row,))


def _profile(found: Groups) -> Sheet | None:
    if found.found.k < 2:
        return None
    fields = (Field("group", "Group"), Field("column", "Column"), Field("mean", "Mean normal score", "gain"))
    caption = "These columns made the groups: the numbers describe, and no p can be given to them."
    return Sheet(
        "profile", "What sets the groups apart, by construction", fields, tuple(found.found.profile()), caption
    )


DIFFERENCES = (
    *(Field("other", "Column"), Field("test", "Test"), Field("n", "n", "count"), Field("effect_name", "Effect")),
    *(Field("effect", "Value", "estimate"), Field("low", "Lower", "estimate"), Field("high", "Upper", "estimate")),
    *(Field("p", "p", "p"), Field("q", "q", "p"), Field("q_adjusted", "Adjusted q", "p")),
)


def _differences(name: str, one: AssociationMap) -> Sheet:
    fields = tuple(field for field in DIFFERENCES if field.name in one.pairs)
    null = one.null_hits
    caption = f"{one.hits} of {len(one.pairs['p'])} pass a false discovery rate of {one.q:g}"
    if null.size:
        caption += f"; {worlds_in_words(null)}"
    key = f"differences_{name}"
    return _smallest_first(key, f"Groups against {name}", fields, one.pairs, f"{caption}.", f"phenotype_{key}")
