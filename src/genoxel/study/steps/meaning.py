"""The steps `enrich` and `phenotypes`: what features mean, and which groups of patients there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.associate.activity import Activity, predict_activity
from genoxel.associate.enrich import Enrichment, EnrichRules, enrich, over_represented, representatives
from genoxel.associate.findings import Groups, Meaning
from genoxel.associate.groups import GroupSurvival, differences, replicate, survival_of
from genoxel.associate.phenotypes import GroupRules, Phenotypes, aligned, phenotypes
from genoxel.associate.reading import readings_of, with_readings
from genoxel.associate.settings import (
    AssociateSettings,
    EnrichSettings,
    PhenotypeSettings,
    aggregation,
    choose_columns,
)
from genoxel.associate.triples import Triples, triples
from genoxel.core.errors import InputError, SettingsError, WorkerError, describe, nearest
from genoxel.core.results import AssociationMap, TargetResult
from genoxel.core.table import Table
from genoxel.study.engine import Engine, Job, Result, code_version
from genoxel.study.ledger import key_of
from genoxel.study.pack import pack, unpack
from genoxel.study.steps.associate import Block, adjust_table, offered
from genoxel.study.steps.cohort import Gathered
from genoxel.study.steps.sources import enriched_modules, risk_groups, with_groups
from genoxel.study.tablekey import table_key

VERSION = "1"
ROOMS = ("core", "stats", "associate")
FEWEST_HITS = 5
IMAGE = "image"
ACTIVITY_WORLDS = 199
"""Null worlds of pathway activity."""


Rows = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, eq=False)
class EnrichWork:
    """Everything that the answer depends on."""

    side: Table
    sources: tuple[str, ...]
    expression: Table
    sets: Mapping[str, tuple[str, ...]]
    adjust: Table | None
    rules: EnrichRules
    scores: Table | None
    copies: Table | None
    features: Table
    followers: tuple[str, ...]

    def key(self) -> str:
        """Return the key of the work."""
        some = (self.side, self.expression, self.adjust, self.scores, self.copies, self.features)
        tables = [None if table is None else table_key(table) for table in some]
        sets = {name: list(genes) for name, genes in self.sets.items()}
        return key_of(
            [tables, self.sources, self.followers, sets, asdict(self.rules)], "", code_version(VERSION, ROOMS)
        )


def do_enrich(work: EnrichWork) -> bytes:
    """Return enrichment, activity and triples as bytes; what cannot be done says why."""
    facts: dict[str, Any] = {"notes": []}
    found = enrich(work.side, work.expression, work.sets, work.sources, work.adjust, work.rules)
    facts["enrichment"] = {
        **_facts(found, "left_out", "genes", "q", "adjusted_for", "permutations"),
        "rows": _plain(found.rows),
    }
    if work.scores is not None:
        try:
            known = predict_activity(work.features, work.scores, permutations=ACTIVITY_WORLDS, seed=work.rules.seed)
            fields = _facts(known, "n", "features", "permutations", "q")
            facts["activity"] = {**fields, "rows": _plain(known.rows)}
        except InputError as error:
            facts["notes"].append(f"pathway activity: {describe(error)}")
    if work.copies is not None:
        try:
            three = triples(work.features.select(work.followers), work.copies, work.expression)
            facts["triples"] = {**_facts(three, "n", "genes", "left_out", "q"), "rows": _plain(three.rows)}
        except InputError as error:
            facts["notes"].append(f"concordant triples: {describe(error)}")
    return pack({}, facts)


def _facts(found: object, *names: str) -> dict[str, Any]:
    values = {name: getattr(found, name) for name in names}
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in values.items()}


def _plain(rows: Rows) -> dict[str, Any]:
    return {name: values.tolist() for name, values in rows.items()}


def _arrays(rows: Mapping[str, Any]) -> dict[str, npt.NDArray[Any]]:
    """Return columns as arrays again: text as objects."""
    texts = {name: bool(values) and isinstance(values[0], str) for name, values in rows.items()}
    return {name: np.array(values, dtype=object if texts[name] else None) for name, values in rows.items()}


def meaning(
    engine: Engine,
    gathered: Gathered,
    settings: AssociateSettings,
    sets: Mapping[str, tuple[str, ...]],
    maps: Mapping[str, AssociationMap],
    seed: int,
    beside: Beside | None = None,
) -> Meaning | None:
    """Return what features mean, where [associate.enrich] asks; notes say what could not be done."""
    asked = settings.enrich
    if asked is None:
        return None
    beside = beside or Beside()
    expression = gathered.cohort.tables.get("expression")
    if expression is None:
        return Meaning(notes=("enrichment: no expression in this study",))
    modules, notes = _modules(beside, sets, asked)
    features = with_readings(_features(gathered, settings))
    try:
        chosen, sources = _sources(features, asked)
    except InputError as error:
        return Meaning(modules=modules, notes=(*notes, f"enrichment: {describe(error)}"))
    risk = risk_groups(beside.targets, asked.risk)
    side = with_groups(features, gathered, asked, risk)
    groups = (*asked.groups, *(risk.names if risk is not None else ()))
    tables = gathered.cohort.tables
    names = offered(gathered) if settings.adjust is None else settings.adjust
    work = EnrichWork(
        *(side, (*sources, *groups), expression.per_patient("first"), sets),
        adjust=adjust_table(gathered, names, {*sources, *groups}),
        rules=EnrichRules(asked.smallest, asked.largest, asked.permutations, asked.genes, seed),
        scores=tables.get("genesets") if asked.activity else None,
        copies=tables.get("copynumber") if asked.triples else None,
        features=features,
        followers=_followers(features, sources, asked),
    )
    job = Job("enrich", "enrich", work.key(), do_enrich, work, ".zip")
    result = engine.run("enrich", [job])["enrich"]
    if not result.ok:
        return Meaning(modules=modules, chosen=chosen, notes=(*notes, f"enrichment: {result.error}"))
    _, facts, _ = unpack(_bytes(result))
    known = {name: {**facts[name], "rows": _arrays(facts[name]["rows"])} for name in _PARTS if name in facts}
    return Meaning(
        Enrichment(**known["enrichment"]) if "enrichment" in known else None,
        _hits(maps.get("expression"), sources, sets, asked),
        modules,
        Activity(**known["activity"]) if "activity" in known else None,
        Triples(**known["triples"]) if "triples" in known else None,
        chosen,
        {name: readings_of(features.column(name)) for name in sources},
        (*notes, *facts["notes"]),
        () if risk is None else tuple(column.definition for column in risk.columns),
    )


@dataclass(frozen=True, eq=False)
class Beside:
    """What gene sets are asked for beside features: metagene -> genes, and results whose predictions cut groups."""

    modules: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    targets: Sequence[TargetResult] = ()


def _modules(
    beside: Beside, sets: Mapping[str, tuple[str, ...]], asked: EnrichSettings
) -> tuple[Enrichment | None, tuple[str, ...]]:
    if not asked.modules:
        return None, ()
    try:
        return enriched_modules(beside.modules, sets, asked), ()
    except InputError as error:
        return None, (f"gene sets of metagenes: {describe(error)}",)


def _followers(features: Table, sources: tuple[str, ...], asked: EnrichSettings) -> tuple[str, ...]:
    """Return the features that may be part of a triple: those named, or some that stand for all others."""
    return sources if asked.features else representatives(features, asked.triples_most)


_PARTS = ("enrichment", "activity", "triples")


def _features(gathered: Gathered, settings: AssociateSettings) -> Table:
    chosen = choose_columns(gathered.features, settings.image)
    how = aggregation(settings.several)
    return chosen.per_patient(how)


def _sources(features: Table, asked: EnrichSettings) -> tuple[str, tuple[str, ...]]:
    if asked.features:
        return "named in the study file", choose_columns(features, asked.features).names
    return "chosen to stand for the others, without looking at genes", representatives(features, asked.most)


def _hits(
    found: AssociationMap | None, sources: tuple[str, ...], sets: Mapping[str, tuple[str, ...]], asked: EnrichSettings
) -> Enrichment | None:
    """Return the sets over-represented among the genes that pass with each source, where enough do."""
    if found is None:
        return None
    image, other = np.asarray(found.pairs["image"]), np.asarray(found.pairs["other"])
    with np.errstate(invalid="ignore"):
        passing = np.asarray(found.pairs["q"]) <= found.q
    modules = {name: other[passing & (image == name)].tolist() for name in sources}
    large = {name: genes for name, genes in modules.items() if len(genes) >= FEWEST_HITS}
    if not large:
        return None
    return over_represented(large, sets, [column.name for column in found.other_columns], asked.smallest)


@dataclass(frozen=True, eq=False)
class GroupWork:
    """Tables and rules of the groups."""

    tables: tuple[Table, ...]
    rules: GroupRules

    def key(self) -> str:
        """Return the key of the work."""
        tables = [table_key(table) for table in self.tables]
        return key_of([tables, asdict(self.rules)], "", code_version(VERSION, ROOMS))


def do_groups(work: GroupWork) -> bytes:
    """Return the groups as bytes."""
    found = phenotypes(*work.tables, rules=work.rules)
    arrays = {name: getattr(found, name) for name in _ARRAYS}
    arrays |= {f"counts_{name}": values for name, values in found.counts.items()}
    return pack(arrays, {name: getattr(found, name) for name in _FACTS})


_ARRAYS = ("groups", "certainty", "together", "cdf")
_FACTS = ("k", "p", "shown", "left_out", "patients")


def _groups_of(result: Result, work: GroupWork) -> Phenotypes:
    arrays, facts, _ = unpack(_bytes(result))
    counts = {name.removeprefix("counts_"): values for name, values in arrays.items() if name.startswith("counts_")}
    kept: dict[str, Any] = {name: arrays[name] for name in _ARRAYS}
    facts["patients"] = tuple(facts["patients"])
    return Phenotypes(**facts, **kept, counts=counts, blocks=aligned(work.tables)[0], rules=work.rules)


def _bytes(result: Result) -> bytes:
    if result.path is None:
        raise WorkerError(f"the step {result.item} that failed: {result.error}", "a result", "see the reason")
    return result.path.read_bytes()


def groups(
    engine: Engine, gathered: Gathered, settings: AssociateSettings, blocks: tuple[Block, ...], seed: int
) -> tuple[Groups | None, str]:
    """Return the groups of patients with what was asked of them, or (None, why there are none)."""
    asked = settings.phenotypes
    if asked is None:
        return None, ""
    tables = _made_of(gathered, settings, asked)
    first, rest, makers = _apart(gathered, tables, asked, seed)
    work = GroupWork(first, GroupRules(asked.most, asked.resamples, asked.worlds, seed))
    result = engine.run("phenotypes", [Job("phenotypes", "phenotypes", work.key(), do_groups, work, ".zip")])
    if not result["phenotypes"].ok:
        return None, result["phenotypes"].error
    found = _groups_of(result["phenotypes"], work)
    if found.k < 2:
        return Groups(found, asked.blocks, makers), ""
    return _asked(found, gathered, settings, asked, rest, makers, blocks), ""


def _asked(
    found: Phenotypes,
    gathered: Gathered,
    settings: AssociateSettings,
    asked: PhenotypeSettings,
    rest: tuple[Table, ...],
    makers: str,
    blocks: tuple[Block, ...],
) -> Groups:
    """Return the groups with survival, replication and differences; what cannot be done is a note."""
    notes = []
    survival = gathered.cohort.tables.get("survival")
    names = offered(gathered) if settings.adjust is None else settings.adjust
    beside = adjust_table(gathered, names, set(survival.names) if survival is not None else set())
    lived = _survival(found.table(), survival, beside)
    again, returned = None, None
    if rest:
        try:
            returned = replicate(found, *rest, seed=found.rules.seed)
            again = _survival(returned.table(), survival, beside)
        except InputError as error:
            notes.append(f"replication: {describe(error)}")
    maps = {}
    plain = settings.model_copy(update={"registered": (), "several": "only"})
    for block in blocks:
        wanted = asked.compare is None or block.name in asked.compare
        if not wanted or block.name in (*asked.blocks, "registered", "survival"):
            continue
        try:
            other = block.other.per_patient(aggregation(settings.several))
            maps[block.name] = differences(found, other, block.adjust, plain, found.rules.seed)
        except InputError as error:
            notes.append(f"differences in {block.name}: {describe(error)}")
    return Groups(found, asked.blocks, makers, lived, returned, again, maps, tuple(notes))


def _survival(table: Table, survival: Table | None, adjust: Table | None) -> GroupSurvival | None:
    return None if survival is None else survival_of(table, survival, adjust)


def _made_of(gathered: Gathered, settings: AssociateSettings, asked: PhenotypeSettings) -> tuple[Table, ...]:
    tables = {IMAGE: _features(gathered, settings)}
    own = ("features", "clinical", "survival")
    tables |= {name: table for name, table in gathered.cohort.tables.items() if name not in own and table.columns}
    for name in asked.blocks:
        if name not in tables:
            fix = nearest(name, tables) or "name one of these"
            raise SettingsError(f"associate.phenotypes.blocks {name!r}", ", ".join(tables), fix)
    return tuple(tables[name].per_patient("first") for name in dict.fromkeys(asked.blocks))


def _apart(
    gathered: Gathered, tables: tuple[Table, ...], asked: PhenotypeSettings, seed: int
) -> tuple[tuple[Table, ...], tuple[Table, ...], str]:
    """Return the tables of those who make the groups, of those who do not (or none), and who makes them, in words."""
    if asked.replicate is None:
        return tables, (), "all patients"
    patients = sorted(set.intersection(*(set(table.patients) for table in tables)))
    if asked.replicate == "half":
        order = np.random.default_rng(np.random.SeedSequence([seed, 0x68616C66])).permutation(len(patients))
        later = {patients[place] for place in order[: len(patients) // 2]}
        makers = "a random half of the patients"
    else:
        sites = gathered.cohort.site
        later = {patient for patient in patients if sites.get(patient) == asked.replicate}
        makers = f"the patients of other sites than {asked.replicate}"
        if not later:
            legal = ", ".join(["half", *sorted(set(sites.values()))])
            fix = nearest(asked.replicate, sites.values()) or "name a site"
            raise SettingsError(f"associate.phenotypes.replicate {asked.replicate!r}", legal, fix)
    first = tuple(table.of_patients([one for one in patients if one not in later]) for table in tables)
    return first, tuple(table.of_patients(sorted(later)) for table in tables), makers
