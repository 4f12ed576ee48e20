"""What the long parts of [associate] cost: null worlds of pairs, shared components, pathway activity, groups.

The constants are measured on one 2.5 GHz core: for 45 timings (20 to 500 patients, 44 to 21,500 columns) the cost lies
between 0.6 and 2.1 times what was measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from genoxel.associate.settings import AssociateSettings
from genoxel.core.errors import SettingsError
from genoxel.core.table import Table
from genoxel.study.molecular import Molecular
from genoxel.study.steps.associate import wanted_columns
from genoxel.study.steps.meaning import ACTIVITY_WORLDS, IMAGE
from genoxel.study.study import Study

FOLDS = 5


@dataclass(frozen=True)
class ImageSide:
    """The image side of a study: patients, features, and whether any value is missing."""

    patients: int
    features: int
    missing: bool = False


@dataclass(frozen=True)
class LongWork:
    """A part of a run: the setting that asks for it, what it does in words, seconds on one core, what makes it less."""

    where: str
    what: str
    seconds: float
    less: str


def association_costs(study: Study, molecular: Molecular, image: ImageSide) -> list[LongWork]:
    """Return what [associate] costs beside gene sets; columns are counted before any is left out."""
    asked = study.settings.associate
    if asked is None or image.patients < 1 or image.features < 1:
        return []
    tables = {name: table for name, table in molecular.tables.items() if table.columns}
    if molecular.expression is not None:
        tables["expression"] = molecular.expression
    found = [*_blocks(asked, _against(tables, asked), image)]
    scores = tables.get("genesets")
    if asked.enrich is not None and asked.enrich.activity and scores is not None:
        found.append(_activity(len(scores.columns), image.patients))
    if asked.phenotypes is not None:
        found.append(_groups(asked, tables, image))
    return found


def _against(tables: Mapping[str, Table], asked: AssociateSettings) -> dict[str, Table]:
    """Return the molecular columns that features are screened against; targets are few."""
    found: dict[str, set[str]] = {}
    for pattern in asked.against:
        try:
            hits = wanted_columns(tables, [pattern])
        except SettingsError:  # a target, a clinical column, or a name that another check refuses
            continue
        for name, table in hits.items():
            found.setdefault(name, set()).update(table.names)
    return {name: tables[name].select([one for one in tables[name].names if one in own]) for name, own in found.items()}


def _blocks(asked: AssociateSettings, blocks: Mapping[str, Table], image: ImageSide) -> Iterator[LongWork]:
    worlds, sides = asked.correct.permutations, 1 if asked.adjust == () else 2
    for name, table in blocks.items():
        pairs = image.features * len(table.columns)
        holes = image.missing or bool(np.isnan(table.values).any())
        each = PAIR_WITH_HOLES if holes else PAIR + PAIR_PATIENT * image.patients
        seconds, what = each * pairs * worlds * sides, f"{pairs:,} pairs with {name} in {worlds:,} worlds without link"
        yield LongWork("associate.correct.permutations", what, seconds, "fewer permutations, features or columns")
        if asked.shared is not None:
            fits = FOLDS * (worlds + 1) + 1
            seconds = fits * _fit(asked.shared, image.patients, image.features, len(table.columns))
            what = f"{asked.shared} of {image.features:,} features and {len(table.columns):,} columns of {name}"
            less = "fewer permutations or columns" + ("" if asked.shared == "pls" else ', or shared = "pls"')
            yield LongWork("associate.shared", f"{what}, learned {fits:,} times", seconds, less)


PAIR, PAIR_PATIENT, PAIR_WITH_HOLES = 5e-9, 2.9e-11, 3.6e-7
"""Seconds of a pair in one world: of all patients, and where patterns of missing values differ."""


def _fit(method: str, patients: int, features: int, columns: int) -> float:
    """Return the seconds of one fit."""
    both = features + columns
    if method == "mofa":
        return 0.1 + (1.2e-4 + 3e-7 * patients) * both
    if method == "pls":
        return 0.004 + 1e-9 * patients**2 * both
    return 0.05 + 1.8e-7 * features * columns


def _activity(scores: int, patients: int) -> LongWork:
    worlds = ACTIVITY_WORLDS + 1
    seconds = scores * worlds * (7.3e-7 * patients + 2.8e-9 * patients**2)
    what = f"{scores:,} gene set scores predicted from the image in {worlds} worlds"
    return LongWork("associate.enrich.activity", what, seconds, "fewer gene sets, or activity = false")


def _groups(asked: AssociateSettings, tables: Mapping[str, Table], image: ImageSide) -> LongWork:
    groups = asked.phenotypes
    assert groups is not None  # noqa: S101
    known = [len(tables[name].patients) for name in groups.blocks if name in tables]
    patients = min([*known, *([image.patients] if IMAGE in groups.blocks or not known else [])])
    patients = patients // 2 if groups.replicate == "half" else patients
    cuts = (groups.worlds + 1) * groups.resamples
    one = 7e-4 + 4.3e-8 * patients**2
    if len(groups.blocks) > 1:
        one += len(groups.blocks) * (FUSED + FUSED_PATIENTS * patients**3)
    what = f"{groups.resamples:,} draws of {patients} patients in {groups.worlds:,} clouds of one group"
    return LongWork("associate.phenotypes", what, cuts * one * (groups.most - 1) / 4, "fewer worlds or resamples")


FUSED, FUSED_PATIENTS = 1.3e-3, 1.6e-9
"""Seconds of one fusion by block, and by block and patients cubed."""
