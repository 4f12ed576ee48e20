"""The step `associate`: image features against targets and molecular tables, one map per block."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from genoxel.associate.screen import screen
from genoxel.associate.settings import AssociateSettings, choose_columns
from genoxel.core.errors import InputError, SettingsError, WorkerError, nearest
from genoxel.core.results import AssociationMap
from genoxel.core.table import Table
from genoxel.io.results import read_result, write_result
from genoxel.study.engine import Engine, Job, Result, code_version
from genoxel.study.ledger import key_of
from genoxel.study.pack import pack_folder, unpack_folder
from genoxel.study.steps.cohort import Gathered, sites_table, targets_table
from genoxel.study.tablekey import table_key

VERSION = "1"
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

    def key(self) -> str:
        """Return the key of everything the map depends on."""
        tables = [table_key(table) for table in (self.image, self.other, self.adjust) if table is not None]
        return key_of([self.name, tables, self.seed], self.settings.digest(), code_version(VERSION, ROOMS))


def do_block(block: Block) -> bytes:
    """Screen one block and return the map as bytes."""
    found = screen(block.image, block.other, block.adjust, settings=block.settings, seed=block.seed)
    with tempfile.TemporaryDirectory() as folder:
        write_result(found, Path(folder, "map"))
        return pack_folder(Path(folder, "map"))


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


def plan_blocks(gathered: Gathered, settings: AssociateSettings, seed: int) -> list[Block]:
    """Return the blocks that [associate] asks for: targets, expression, clinical, or single columns of these.

    Raises `SettingsError` for a name that is neither a block nor a column of one.
    """
    others = other_tables(gathered)
    image = choose_columns(gathered.features, settings.image)
    blocks = []
    for name, table in wanted_columns(others, settings.against).items():
        adjust = adjust_table(gathered, settings.adjust, set(table.names))
        blocks.append(Block(name, image, table, adjust, settings, seed))
    return blocks


def other_tables(gathered: Gathered) -> dict[str, Table]:
    """Return block -> table of everything that features can be screened against."""
    patients = gathered.cohort.patients
    tables: dict[str, Table] = {}
    if gathered.outcomes:
        tables["targets"] = targets_table(gathered.outcomes, patients)
    tables.update({name: gathered.cohort.tables[name] for name in ("expression",) if name in gathered.cohort.tables})
    return tables


def wanted_columns(tables: Mapping[str, Table], against: Sequence[str]) -> dict[str, Table]:
    """Return block -> its wanted columns; a pattern names a whole block or columns of any block."""
    kept: dict[str, set[str]] = {name: set() for name in tables}
    for pattern in against:
        hits = {
            name: {column for column in table.names if name == pattern or fnmatchcase(column, pattern)}
            for name, table in tables.items()
        }
        if not any(hits.values()):
            legal = [*tables, *(column for table in tables.values() for column in table.names)]
            some = ", ".join(legal[:10]) + (" ..." if len(legal) > 10 else "")
            raise SettingsError(f"associate.against {pattern!r}", some, nearest(pattern, legal) or "correct it")
        for name, columns in hits.items():
            kept[name] |= columns
    return {
        name: table.select([column for column in table.names if column in kept[name]])
        for name, table in tables.items()
        if kept[name]
    }


def adjust_table(gathered: Gathered, names: Sequence[str], without: set[str]) -> Table | None:
    """Return the covariates: "volume", "site", or columns of the clinical table; None when there are none."""
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
    return _beside([part.per_patient("first") for part in parts])


def _beside(tables: Sequence[Table]) -> Table:
    first, *rest = tables
    for table in rest:
        if set(table.names) & set(first.names):
            raise InputError(f"covariates named twice ({table.names[0]})", "distinct names", "name each once")
        first = first.beside(table)
    return first
