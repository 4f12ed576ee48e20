"""All pairs of two tables: the test that fits, its effect and interval, correction, and a world without links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from genoxel.associate.assemble import Pairs, Sets
from genoxel.associate.blocks import Tables, blocks_of, parts_of
from genoxel.associate.cautions import cautions_of
from genoxel.associate.clusters import clustered_tables, shared_patients
from genoxel.associate.covariates import strata_of
from genoxel.associate.given import Given, as_covariates, as_table
from genoxel.associate.numbers import NOT_REGISTERED
from genoxel.associate.settings import Aggregation, AssociateSettings, CorrectSettings, aggregation
from genoxel.associate.worlds import NullWorlds, null_worlds, targets_of
from genoxel.core.errors import SettingsError
from genoxel.core.keys import as_keys
from genoxel.core.results import AssociationMap
from genoxel.core.table import Table
from genoxel.stats.permute import permutation_p
from genoxel.stats.power import detectable_auc, detectable_rho
from genoxel.stats.ranks import FloatArray


def screen(
    image: Given,
    other: Given,
    adjust: Given | Sequence[str] | None = None,
    q: float | None = None,
    permutations: int | None = None,
    seed: int = 0,
    settings: AssociateSettings | None = None,
    sets: Sets | None = None,
) -> AssociationMap:
    """Return the association map of every column of `image` with every column of `other`.

    Tests by kind of column: numbers (real, count, ordinal) by Spearman; number and two groups by Mann-Whitney
    (AUC, above 0.5 when the second level has higher values); number and categories by Kruskal-Wallis; categories by
    chi-squared or Fisher. Patients are matched by id and counted pair by pair; a pair of fewer than 10 patients, with
    a constant column or fewer than 3 in its smallest group is flagged and has no p. `adjust` adds effect and p less
    its columns (ranked; categories as dummies). All tested pairs are corrected together; `null_hits` counts what
    passes in worlds where the patients of one side were moved as wholes, `p_max` is the family-wise p from the
    smallest p of those worlds, `settings["null_hits_adjusted"]` the counts beyond the covariates.

    A table may be a data frame indexed by patient or an AnnData; `adjust` may name columns of `image`.
    `sets` name the gene sets that `settings.correct.over = "gene sets"` speaks of (`SettingsError` where that lacks
    them). `q` and `permutations` override `settings.correct`. Same tables and seed, same map. Raises `TableError` when
    a table has several rows per patient (until `settings.several` says how to aggregate, or "clustered": then `n`
    counts rows of the image side, and errors and null worlds count patients) or no patient is in both.

    >>> from genoxel.core.table import Column
    >>> rng = np.random.default_rng(1)
    >>> people, x = [f"P{i}" for i in range(40)], rng.normal(size=(40, 2))
    >>> image = Table(x, people, (Column("volume"), Column("entropy")))
    >>> genes = Table(x[:, :1] + 0.3 * rng.normal(size=(40, 1)), people, (Column("VEGFA"),), kind="expression")
    >>> screen(image, genes, permutations=19)
    AssociationMap 2 x 1 pairs · BH 5%: 1 pairs, null worlds 0-0
    """
    chosen = _settings(settings, q, permutations)
    if chosen.correct.over == "gene sets" and not sets:
        raise SettingsError("correct over gene sets", "gene sets", "name a GMT file ([omics.genesets] or sets=...)")
    image, other = as_table(image, "features"), as_table(other, "other")
    adjust = as_covariates(adjust, image)
    clusters = None
    if chosen.several == "clustered":
        tables, clusters = clustered_tables(image, other, adjust)
    else:
        tables = aligned_tables(image, other, adjust, aggregation(chosen.several))
    tables, events = _with_events(tables)
    placed = list(blocks_of(tables, events, chosen, sets or {}, clusters))
    patients = len(tables[0].patients)
    pairs = Pairs(tables[0].columns, tables[1].columns, tables[2] is not None, patients, sets or {})
    if chosen.registered:
        pairs.measured.flag[:] = NOT_REGISTERED
    for item in placed:
        pairs.fill(item)
    strata = strata_of(tables[2]) if clusters is None else (None, ())
    null = null_worlds(pairs, placed, strata, chosen.correct, seed, beyond=clusters is None)
    return _finish(pairs, null, tables, chosen, seed)


def _with_events(tables: Tables) -> tuple[Tables, dict[str, FloatArray]]:
    """Return the tables without the event columns of the other side ("NAME.event" of a time "NAME"), and these."""
    other = tables[1]
    times = [column.name for column in other.columns if column.kind == "time" and f"{column.name}.event" in other]
    events = {name: other[f"{name}.event"] for name in times}
    wanted = {f"{name}.event" for name in times}
    return (tables[0], other.where(lambda column: column.name not in wanted), tables[2]), events


def _settings(settings: AssociateSettings | None, q: float | None, count: int | None) -> AssociateSettings:
    chosen = settings or AssociateSettings()
    correct = chosen.correct.model_dump()
    correct |= {} if q is None else {"q": q}
    correct |= {} if count is None else {"permutations": count}
    try:
        return chosen.model_copy(update={"correct": CorrectSettings(**correct)})
    except ValidationError as error:
        first = error.errors()[0]
        got = f"{first['loc'][0]} = {first['input']!r}"
        raise SettingsError(got, str(first["msg"]).lower(), "correct it") from error


def aligned_tables(image: Table, other: Table, adjust: Table | None, how: Aggregation) -> Tables:
    """Return the tables with one row for every patient of both, `how` aggregated; covariates NaN where unknown."""
    left, right = image.per_patient(how), other.per_patient(how)
    common = shared_patients(left, right)
    covariates = None
    if adjust is not None and adjust.columns:
        covariates = spread_table(adjust.per_patient(how), common)
    return left.of_patients(common), right.of_patients(common), covariates


def spread_table(table: Table, patients: list[str]) -> Table:
    """Return one row for every patient; NaN for those the table lacks."""
    place = {patient: row for row, patient in enumerate(table.patients)}
    padded = np.vstack([table.values, np.full((1, len(table.columns)), np.nan)])
    return Table(padded[[place.get(patient, -1) for patient in patients]], as_keys(patients), table.columns, table.kind)


def _finish(pairs: Pairs, null: NullWorlds, tables: Tables, settings: AssociateSettings, seed: int) -> AssociationMap:
    correct = settings.correct
    detectable, speaks_of = _detectable(pairs, tables, correct.q, settings.correlation)
    columns = pairs.columns(correct, null.smallest)
    found = int((columns["q"] <= correct.q).sum())
    record: Mapping[str, Any] = {
        **settings.model_dump(mode="json"),
        "seed": seed,
        "patients": pairs.patients,
        "rows": len(tables[0].rows),
        "pairs": pairs.measured.p.size,
        "tested": int((pairs.measured.flag == 0).sum()),
        "detectable_effect": speaks_of,
        "p_hits": float(permutation_p(found, null.hits)) if null.hits.size else None,
        "null": "whole patients of the image side moved; patients a pair does not know cut out of the permutation",
        "null_adjusted": _null_words(pairs.adjusted, null),
        "null_hits_adjusted": null.hits_adjusted,
        "cautions": cautions_of(*tables) if pairs.patients == len(tables[0].rows) else (),
        "patients_with_covariates": 0 if tables[2] is None else int((~np.isnan(tables[2].values).any(axis=1)).sum()),
    }
    return AssociationMap(
        tables[0].columns,
        tables[1].columns,
        columns,
        null.hits,
        correct.q,
        tables[2].names if tables[2] is not None else (),
        detectable,
        record,
        targets_of(pairs, columns["q"], correct.q, null),
    )


def _null_words(adjusted: bool, null: NullWorlds) -> str:
    if not adjusted:
        return ""
    if not null.hits_adjusted and null.hits.size:
        return "none: patients with different numbers of rows have no residuals to exchange"
    within = f", within strata of {', '.join(null.held)}" if null.held else ""
    return f"residuals of the image side moved (Freedman and Lane){within}"


def _detectable(
    pairs: Pairs, tables: Tables, q: float, correlation: Literal["spearman", "pearson"]
) -> tuple[float, str]:
    """Return the smallest effect one true pair needs to be found in 4 of 5 such studies, and which effect that is."""
    tested = pairs.measured.flag == 0
    tests = int(tested.sum())
    if not tests:
        return float("nan"), ""
    words = np.array([word.removesuffix(", clustered") in ("spearman", "pearson") for word in pairs.words])
    numbers = words[pairs.test]
    numbers &= tested
    if numbers.any():
        method = correlation
        n = min(_median(pairs.measured.n, numbers), pairs.patients)
        return detectable_rho(n, tests, alpha=q, method=method), f"|{'r' if method == 'pearson' else 'rho'}|, n = {n}"
    groups = _group_sizes(tables)
    if groups is None or len(tables[0].rows) > pairs.patients:
        return float("nan"), ""
    return detectable_auc(*groups, alpha=q / tests), f"AUC, {groups[0]} and {groups[1]} patients"


def _median(n: npt.NDArray[np.int32], where: npt.NDArray[np.bool_]) -> int:
    """Return the (lower) median of whole numbers, by counting."""
    most = int(n.max())
    if int(n.min()) == most:
        return most
    count = np.cumsum(sum(np.bincount(row[kept], minlength=most + 1) for row, kept in zip(n, where, strict=True)))
    return int(np.searchsorted(count, count[-1] / 2))


def _group_sizes(tables: Tables) -> tuple[int, int] | None:
    """Return the sizes of the most even two groups among the tested columns."""
    best: tuple[int, int] | None = None
    for table in (tables[0], tables[1]):
        for values in parts_of(table)["group"][1].T:
            sizes = int((values == 1).sum()), int((values == 0).sum())
            best = max(best or (0, 0), sizes, key=min)
    return best if best and min(best) else None
