"""The step `associate`: image features against targets and molecular tables, one map per block."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

import numpy as np

from genoxel.associate.clusters import rows_along
from genoxel.associate.drivers import DriverContrasts, drivers
from genoxel.associate.multiblock import Method, multiblock
from genoxel.associate.screen import screen
from genoxel.associate.settings import AssociateSettings, aggregation, choose_columns, pair_of
from genoxel.associate.strata import stratified
from genoxel.core.errors import InputError, SettingsError, WorkerError, nearest
from genoxel.core.keys import as_keys
from genoxel.core.results import AssociationMap
from genoxel.core.table import Table
from genoxel.io.results import read_result, write_result
from genoxel.stats.multiple import benjamini_hochberg
from genoxel.study.engine import Engine, Job, Result, code_version
from genoxel.study.ledger import key_of
from genoxel.study.pack import pack_folder, unpack_folder
from genoxel.study.steps.cohort import Gathered, sites_table, targets_table
from genoxel.study.tablekey import table_key

VERSION = "3"
OFFERED = ("age", "sex", "gender", "grade")
SHOWN_IN_STRATA = 20
ROOMS = ("core", "stats", "associate", "io/results.py")


@dataclass(frozen=True, eq=False)
class Block:
    """One block of columns that the image features are screened against, with the covariates adjusted for."""

    name: str
    image: Table
    other: Table
    adjust: Table | None
    settings: AssociateSettings
    seed: int
    by: Table | None = None
    sets: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def key(self) -> str:
        """Return the key of everything the map depends on."""
        tables = [table_key(table) for table in (self.image, self.other, self.adjust, self.by) if table is not None]
        sets = {name: list(genes) for name, genes in self.sets.items()}
        return key_of([self.name, tables, self.seed, sets], self.settings.digest(), code_version(VERSION, ROOMS))


def do_block(block: Block) -> bytes:
    """Screen one block and return the map as bytes."""
    found = screen(block.image, block.other, block.adjust, settings=block.settings, seed=block.seed, sets=block.sets)
    if block.by is not None:
        found = _with_strata(found, block)
    if block.settings.shared is not None and block.name != "registered":
        found = _with_shared(found, block, block.settings.shared)
    with tempfile.TemporaryDirectory() as folder:
        write_result(found, Path(folder, "map"))
        return pack_folder(Path(folder, "map"))


def _with_strata(found: AssociationMap, block: Block) -> AssociationMap:
    """Return the map with its strongest pairs within each level, in its settings."""
    assert block.by is not None  # noqa: S101
    p = np.asarray(found.pairs["p"], dtype=np.float64)
    order = np.argsort(np.where(np.isnan(p), np.inf, p), kind="stable")[:SHOWN_IN_STRATA]
    chosen = [place for place in order.tolist() if not np.isnan(p[place])]
    lines = tuple(f"{found.pairs['image'][place]} ~ {found.pairs['other'][place]}" for place in chosen)
    if not lines:
        return found
    image = block.image.select(dict.fromkeys(pair_of(line)[0] for line in lines))
    wanted = {pair_of(line)[1] for line in lines}
    other = block.other.where(lambda column: column.name in wanted or column.name.removesuffix(".event") in wanted)
    inside = stratified(image, other, block.by, block.settings, block.adjust)
    shown = {f"{one} ~ {two}" for one, two in (pair_of(line) for line in lines)}
    keep = [f"{a} ~ {b}" in shown for a, b in zip(inside.pairs["image"], inside.pairs["other"], strict=True)]
    rows = {name: values[keep].tolist() for name, values in inside.pairs.items()}
    for name in ("interaction", "term"):
        rows[f"q_{name}"] = benjamini_hochberg(rows[f"p_{name}"]).tolist()
    record = {"by": inside.by, "levels": list(inside.levels), "rows": rows}
    return replace(found, settings={**found.settings, "within_strata": record})


def _with_shared(found: AssociationMap, block: Block, method: Method) -> AssociationMap:
    """Return the map with the components that both sides share as wholes, in its settings; or why there are none."""
    how = aggregation(block.settings.several)
    try:
        shared = multiblock(
            block.image.per_patient(how),
            block.other.per_patient(how),
            method,
            permutations=block.settings.correct.permutations,
            seed=block.seed,
        )
    except InputError as error:
        return replace(
            found, settings={**found.settings, "shared_components": {"method": method, "why": str(error), "rows": {}}}
        )
    rows = {name: values.tolist() for name, values in shared.rows.items()}
    for side in SIDES:
        lists = [shared.strongest(side, component, 5) for component in range(len(rows["component"]))]
        rows[side] = [", ".join(name for name, _ in one) for one in lists]
    return replace(
        found, settings={**found.settings, "shared_components": {"method": method, "n": shared.n, "rows": rows}}
    )


SIDES: tuple[Literal["image", "other"], ...] = ("image", "other")


def associate(engine: Engine, blocks: Sequence[Block]) -> dict[str, AssociationMap]:
    """Return block -> association map; a block that cannot be screened raises with its reason."""
    jobs = [Job("associate", block.name, block.key(), do_block, block, ".zip") for block in blocks]
    found = engine.run("associate", jobs)
    return {name: _map(result) for name, result in found.items()}


def _map(result: Result) -> AssociationMap:
    if result.path is None:
        raise WorkerError(f"the association map {result.item} that failed: {result.error}", "a map", "see the reason")
    with tempfile.TemporaryDirectory() as folder:
        unpack_folder(result.path.read_bytes(), Path(folder))
        found = read_result(folder)
    if not isinstance(found, AssociationMap):
        raise WorkerError(f"no association map in {result.path.name}", "a map", "delete the folder .genoxel")
    return found


def plan_blocks(
    gathered: Gathered, settings: AssociateSettings, seed: int, sets: Mapping[str, Sequence[str]] | None = None
) -> list[Block]:
    """Return the blocks that [associate] asks for: targets, any molecular table, or single columns of these.

    Clinical columns are screened where `against` names them or the block "clinical".

    Raises `SettingsError` for a name that is neither a block nor a column of one.
    """
    others = other_tables(gathered)
    image = choose_columns(gathered.features, settings.image)
    names = offered(gathered) if settings.adjust is None else settings.adjust
    plain = settings.model_copy(update={"registered": (), "adjust": names})
    blocks = []
    if settings.registered:
        blocks.append(registered_block(gathered, others, _registered(settings, names), seed))
    for name, table in wanted_columns(others, settings.against).items():
        adjust = adjust_table(gathered, names, set(table.names), settings.several == "clustered")
        by = strata_table(gathered, settings.strata)
        blocks.append(Block(name, image, table, adjust, plain, seed, by, dict(sets or {})))
    return blocks


def _registered(settings: AssociateSettings, names: tuple[str, ...]) -> AssociateSettings:
    """Return the settings of registered pairs, which are corrected together whatever their families."""
    plain = settings.correct.model_copy(update={"over": "all pairs of one block"})
    return settings.model_copy(update={"adjust": names, "correct": plain})


def contrasts(gathered: Gathered, names: Sequence[str]) -> DriverContrasts:
    """Return the exclusive drivers among the targets `names`; `SettingsError` for one that is not of two classes."""
    table = targets_table(gathered.outcomes, gathered.cohort.patients)
    legal = [column.name for column in table.columns if column.kind == "binary"]
    for name in names:
        if name not in legal:
            fix = nearest(name, legal) or "name targets of two classes"
            raise SettingsError(f"associate.exclusive {name!r}", ", ".join(legal) or "none", fix)
    return drivers(gathered.features, table.select(names))


def offered(gathered: Gathered) -> tuple[str, ...]:
    """Return what is adjusted for unless the study file says otherwise: volume, site, age, sex, grade, as there are."""
    names = ["volume"] if gathered.volume else []
    sites = sites_table(gathered.cohort.site, gathered.cohort.patients)
    names += ["site"] if sites is not None and len(sites.columns[0].levels) > 1 else []
    clinical = gathered.cohort.tables.get("clinical")
    columns = clinical.names if clinical is not None else ()
    return (*names, *(name for name in columns if name.strip().casefold() in OFFERED))


def registered_block(gathered: Gathered, others: Mapping[str, Table], settings: AssociateSettings, seed: int) -> Block:
    """Return the block of the registered pairs alone; `SettingsError` names a feature or partner that there is not."""
    pairs = [pair_of(line) for line in settings.registered]
    image = gathered.features.select(dict.fromkeys(feature for feature, _ in pairs))
    found: Table | None = None
    for name in dict.fromkeys(partner for _, partner in pairs):
        table = next((table for table in others.values() if name in table), None)
        if table is None:
            legal = [column for table in others.values() for column in table.names]
            raise SettingsError(f"associate.registered {name!r}", ", ".join(legal[:10]), nearest(name, legal))
        events = [f"{name}.event"] if f"{name}.event" in table else []
        part = table.select([name, *events]).per_patient(aggregation(settings.several))
        found = part if found is None else _joined(found, part)
    if found is None:
        raise SettingsError("no registered pair", "feature ~ partner", "add one, or remove registered")
    adjust = adjust_table(gathered, settings.adjust or (), set(found.names), settings.several == "clustered")
    return Block("registered", image, found, adjust, settings, seed)


def _joined(first: Table, second: Table) -> Table:
    """Return the columns of both for the patients of either."""
    patients = sorted({*first.patients, *second.patients})
    empty = Table(np.empty((len(patients), 0)), as_keys(patients), (), first.kind)
    return empty.beside(first).beside(second)


def strata_table(gathered: Gathered, name: str | None) -> Table | None:
    """Return the one column within whose levels links are shown, or None."""
    if name is None:
        return None
    found = adjust_table(gathered, [name], set())
    if found is None or found.columns[0].kind not in ("categorical", "binary", "ordinal"):
        raise SettingsError(f"associate.strata {name!r}", "site, or a clinical column of categories", "choose another")
    return found


def other_tables(gathered: Gathered) -> dict[str, Table]:
    """Return block -> table of everything that features can be screened against."""
    patients = gathered.cohort.patients
    tables: dict[str, Table] = {}
    if gathered.outcomes:
        tables["targets"] = targets_table(gathered.outcomes, patients)
    found = {name: table for name, table in gathered.cohort.tables.items() if name != "features" and table.columns}
    return {**tables, **found}


def wanted_columns(tables: Mapping[str, Table], against: Sequence[str]) -> dict[str, Table]:
    """Return block -> its wanted columns; a pattern names a whole block or columns of any block."""
    kept: dict[str, set[str]] = {name: set() for name in tables}
    for pattern in against:
        hits = {
            name: {column for column in table.names if name == pattern or _fits(column, pattern, name)}
            for name, table in tables.items()
        }
        if not any(hits.values()):
            legal = [*tables, *(column for table in tables.values() for column in table.names)]
            some = ", ".join(legal[:10]) + (" ..." if len(legal) > 10 else "")
            raise SettingsError(f"associate.against {pattern!r}", some, nearest(pattern, legal) or "correct it")
        for name, columns in hits.items():
            kept[name] |= columns
    return {
        name: table.select([column for column in table.names if column in kept[name] or _is_event(column, kept[name])])
        for name, table in tables.items()
        if kept[name]
    }


def _fits(column: str, pattern: str, block: str) -> bool:
    """Return whether a pattern names a column; clinical ones, which are adjusted for, only by their full name."""
    return column == pattern if block == "clinical" else fnmatchcase(column, pattern)


def _is_event(column: str, kept: set[str]) -> bool:
    return column.endswith(".event") and column.removesuffix(".event") in kept


def adjust_table(gathered: Gathered, names: Sequence[str], without: set[str], every_row: bool = False) -> Table | None:
    """Return the covariates: "volume", "site", or columns of the clinical table; None when there are none.

    One row per patient, or `every_row` of the image features with its own volume.
    """
    parts: list[Table] = []
    clinical = gathered.cohort.tables.get("clinical")
    for name in names:
        if name in without:
            continue
        if name == "volume" and gathered.volume:
            parts.append(gathered.features.select([gathered.volume]))
        elif name == "site":
            sites = sites_table(gathered.cohort.site, gathered.cohort.patients)
            parts += [sites] if sites is not None and len(sites.columns[0].levels) > 1 else []
        elif clinical is not None and name in clinical:
            parts.append(clinical.select([name]))
        else:
            legal = ["volume", "site", *(clinical.names if clinical else ())]
            raise SettingsError(f"associate.adjust {name!r}", ", ".join(legal), nearest(name, legal) or "correct it")
    if not parts:
        return None
    if every_row:
        return _beside([rows_along(part, gathered.features) for part in parts])
    return _beside([part.per_patient("first") for part in parts])


def _beside(tables: Sequence[Table]) -> Table:
    first, *rest = tables
    for table in rest:
        if set(table.names) & set(first.names):
            raise InputError(f"covariates named twice ({table.names[0]})", "distinct names", "name each once")
        first = first.beside(table)
    return first
