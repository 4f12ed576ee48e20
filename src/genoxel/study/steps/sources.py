"""What gene sets are asked for beside features: modules of genes, and groups of patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from genoxel.associate.enrich import Enrichment, over_represented
from genoxel.associate.settings import EnrichSettings
from genoxel.core.errors import SettingsError, nearest
from genoxel.core.keys import as_keys
from genoxel.core.results import TargetResult
from genoxel.core.table import Column, Source, Table
from genoxel.omics.modules import Metagenes
from genoxel.omics.recipe import Recipe
from genoxel.study.steps.associate import other_tables
from genoxel.study.steps.cohort import Gathered

RISK_LEVELS = ("low", "high")
FEWEST_IN_MODULE = 5


def modules_of(recipe: Recipe | None) -> dict[str, tuple[str, ...]]:
    """Return metagene -> its genes, as in the table of [omics.derive] metagenes; nothing where there are none."""
    if recipe is None:
        return {}
    step = recipe.taught(recipe.raw).steps[-1]
    return dict(step.members) if isinstance(step, Metagenes) else {}


def enriched_modules(
    modules: Mapping[str, Sequence[str]], sets: Mapping[str, Sequence[str]], asked: EnrichSettings
) -> Enrichment | None:
    """Return the sets over-represented in each metagene of five genes or more; None where there is none.

    The background are the genes that were clustered, for no other gene could have come into a metagene.
    """
    large = {name: genes for name, genes in modules.items() if len(genes) >= FEWEST_IN_MODULE}
    background = [gene for genes in modules.values() for gene in genes]
    return over_represented(large, sets, background, asked.smallest) if large else None


def risk_name(target: str) -> str:
    """Return the name of the column of the risk groups of a target."""
    return f"{target} risk"


def risk_groups(targets: Sequence[TargetResult], names: Sequence[str]) -> Table | None:
    """Return one column of two classes per target: above the median of the mean held-out prediction, or not.

    Predictions of a patient are averaged over repeats; all come of models that did not learn from the patient. Raises
    `SettingsError` for a target without predictions.
    """
    known = {one.target: one.primary for one in targets}
    table: Table | None = None
    for name in names:
        found = known.get(name)
        if found is None or not len(found.predictions.get("score", ())):
            legal = ", ".join(one for one, primary in known.items() if primary is not None) or "none"
            raise SettingsError(f"associate.enrich.risk {name!r}", f"targets of [learn]: {legal}", "name one of these")
        who, score = np.asarray(found.predictions["patient"]), np.asarray(found.predictions["score"], dtype=np.float64)
        patients = sorted(set(who.tolist()))
        means = np.array([score[who == patient].mean() for patient in patients])
        high = (means > np.median(means)).astype(np.float64)[:, None]
        words = f"above the median of the mean held-out prediction of {name} ({found.model} on {found.features})"
        column = Column(risk_name(name), "binary", levels=RISK_LEVELS, definition=words, source=Source(family="risk"))
        one = Table(high, as_keys(patients), (column,), "risk")
        table = one if table is None else _joined(table, one)
    return table


def _joined(first: Table, second: Table) -> Table:
    patients = sorted({*first.patients, *second.patients})
    empty = Table(np.empty((len(patients), 0)), as_keys(patients), (), first.kind)
    return empty.beside(first).beside(second)


def with_groups(features: Table, gathered: Gathered, asked: EnrichSettings, risk: Table | None) -> Table:
    """Return the features beside the columns of `groups` and the risk groups.

    A group is a target or a column of any table but expression; `SettingsError` for one that is neither two classes
    nor a number.
    """
    made = features
    tables = {name: table for name, table in other_tables(gathered).items() if name not in ("expression", "survival")}
    for name in asked.groups:
        table = next((table for table in tables.values() if name in table), None)
        if table is None or not _asked(table.column(name)):
            legal = [one.name for table in tables.values() for one in table.columns if _asked(one)]
            some = ", ".join(legal[:10]) + (" ..." if len(legal) > 10 else "")
            fix = nearest(name, legal) or "name columns of two classes"
            raise SettingsError(f"associate.enrich.groups {name!r}", some or "none", fix)
        one = table.select([name]).per_patient("first")
        if one.columns[0].kind == "categorical":
            one = replace(one, columns=(replace(one.columns[0], kind="binary"),))
        made = made.beside(one)
    return made if risk is None else made.beside(risk)


def _asked(column: Column) -> bool:
    two = column.kind == "categorical" and len(column.levels) == 2
    return two or column.kind in ("binary", "real", "ordinal")
