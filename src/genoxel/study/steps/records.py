"""Where each row of features comes from: structure, series, spacing, hashes of the files and of the settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from genoxel.core.keys import RowKey
from genoxel.core.settings import digest
from genoxel.core.table import Table
from genoxel.features.extract import settings_digest, settings_record
from genoxel.report.content import Acquisition
from genoxel.report.ibsi_items import ReportingItem, facts_of, ibsi_items
from genoxel.study.engine import Result
from genoxel.study.ledger import Ledger
from genoxel.study.pack import unpack
from genoxel.study.rows import beside, with_facts
from genoxel.study.schema import StudyFile
from genoxel.study.steps.image import ImageWork, Planned

Facts = Mapping[RowKey, Mapping[str, str]]


def facts_of_rows(
    work: Sequence[ImageWork], images: Mapping[str, Result], settings: StudyFile, ledger: Ledger
) -> dict[RowKey, dict[str, str]]:
    """Return row -> its facts, those of several modalities or regions side by side."""
    rows: dict[RowKey, dict[str, str]] = {}
    with ledger.together():
        for one in work:
            path = images[one.patient].path if one.patient in images else None
            if path is None:
                continue
            planned = {item.label: item for item in one.planned}
            for volume in unpack(path.read_bytes())[1]["volumes"]:
                key = RowKey(one.patient, lesion=volume["lesion"])
                found = _facts(volume, planned[volume["label"]], settings, ledger)
                rows[key] = beside(rows[key], found) if key in rows else found
    return rows


def _facts(volume: Mapping[str, Any], planned: Planned, settings: StudyFile, ledger: Ledger) -> dict[str, str]:
    told = volume["told"]
    image = sorted(ledger.hash_of(path) for path in planned.series.files)
    drawn = sorted(ledger.hash_of(one.file) for one in planned.structures)
    return {
        "structure": told["structure"],
        "series_description": told["series"],
        "modality": planned.label,
        "spacing_mm": " x ".join(f"{size:.6g}" for size in told["spacing"]),
        "image_id": digest([image, ""]),
        "mask_id": digest([drawn, told["structure"]]),
        "settings": settings_digest(*_rules(settings, planned.label)),
        "flags": "; ".join(told["flags"]),
    }


def _rules(settings: StudyFile, modality: str) -> tuple[Any, Any]:
    return settings.image.for_modality(modality), settings.features


def explained(features: Table, facts: Facts) -> Table:
    """Return the features with the facts of each row before them (unchanged where nothing was measured here)."""
    return with_facts(features, facts) if facts else features


def settings_known(facts: Facts, settings: StudyFile) -> dict[str, Any]:
    """Return hash -> the settings that it stands for, of every modality measured."""
    modalities = sorted({name for row in facts.values() for name in row["modality"].split(" | ")})
    rules = [_rules(settings, name) for name in modalities]
    return {settings_digest(*one): settings_record(*one) for one in rules}


def reporting(
    features: Table, facts: Facts, settings: StudyFile, scanners: Sequence[Acquisition]
) -> tuple[ReportingItem, ...]:
    """Return the reporting items of IBSI, filled in; nothing where the features were measured elsewhere."""
    if not facts:
        return ()
    met = facts_of(explained(features, facts))
    told = [one for one in scanners if one.value and "mm" not in one.fact]
    met["scanner"] = [f"{one.modality} {one.fact} {one.value} ({one.patients} patients)" for one in told]
    return tuple(ibsi_items(settings.image, settings.features, met))
