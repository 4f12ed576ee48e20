"""The step `features`: one row of measurements per region of a patient, from the cut-outs of the step `image`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from genoxel.core.errors import MaskError, describe
from genoxel.core.keys import RowKey
from genoxel.core.settings import digest
from genoxel.core.table import Column, Table
from genoxel.features.atlas import with_place
from genoxel.features.extract import Features, as_table, extract, settings_digest
from genoxel.features.ratios import with_ratios
from genoxel.features.settings import FeatureSettings
from genoxel.image.settings import ImageSettings
from genoxel.io import plainjson
from genoxel.io.parquet import column_of, column_record
from genoxel.study.engine import Engine, Job, Result, code_version
from genoxel.study.ledger import key_of
from genoxel.study.pack import pack, unpack
from genoxel.study.steps.volumes import image_of, mask_of

VERSION = "1"
ROOMS = ("core", "image", "features")


@dataclass(frozen=True)
class FeatureWork:
    """What a worker needs to measure one patient: the file of the step `image`, and the settings."""

    patient: str
    path: str
    image: ImageSettings
    features: FeatureSettings


def measure_patient(work: FeatureWork) -> bytes:
    """Measure all regions of one patient; rows and columns as plain arrays and facts."""
    arrays, facts, _ = unpack(Path(work.path).read_bytes())
    rows: dict[RowKey, Features] = {}
    unusable: dict[str, MaskError] = {}
    several = len({volume["region"] for volume in facts["volumes"]}) > 1
    for place, volume in enumerate(facts["volumes"]):
        try:
            found = _measure(arrays, place, volume, work)
        except Exception as error:
            error.add_note(f"patient {work.patient}, {volume['label']}, {volume['region']}")
            if not (several and isinstance(error, MaskError)):
                raise
            unusable[f"{volume['label']}.{volume['region']}"] = error
            continue
        key = RowKey(work.patient, lesion=volume["lesion"])
        rows[key] = rows[key].beside(found) if key in rows else found
    if not rows:
        raise next(iter(unusable.values()))
    # Regions side by side share the patient's one row: a region too small to measure does not cost the others.
    lacking = {name: describe(error) for name, error in unusable.items()}
    rows = {
        key: with_ratios(replace(one, reasons={**one.reasons, **lacking}), work.features) for key, one in rows.items()
    }
    content = [
        {
            "key": list(key),
            "columns": columns_text(found.columns),
            "values": [found.values[column.name] for column in found.columns],
            "reasons": dict(found.reasons),
        }
        for key, found in rows.items()
    ]
    return pack({}, content)


# Patients share their columns: the records are written and read once per process.
@lru_cache(maxsize=64)
def columns_text(columns: tuple[Column, ...]) -> str:
    """Return the records of columns as text."""
    return plainjson.dumps([column_record(column) for column in columns])


@lru_cache(maxsize=64)
def columns_of_text(text: str) -> tuple[Column, ...]:
    """Return the records of columns that `columns_text` wrote."""
    return tuple(column_of(record) for record in plainjson.loads(text))


def _measure(arrays: Mapping[str, Any], place: int, volume: Mapping[str, Any], work: FeatureWork) -> Features:
    image = image_of(arrays[f"{place}.image"], volume["image"])
    mask = mask_of(arrays[f"{place}.mask"], volume["mask"])
    # The step `image` did the stages on the whole volume; a second time on the cut-out would be wrong.
    asked = work.image.for_modality(volume["label"])
    settings = settings_digest(asked, work.features)
    found = extract(image, mask, asked.after_whole(), work.features, volume["region"], settings)
    if "atlas" not in volume["told"]:
        return found
    return with_place(found, volume["told"]["atlas"], volume["label"], volume["region"], settings)


def feature_jobs(images: Mapping[str, Result], image: ImageSettings, features: FeatureSettings) -> list[Job]:
    """Return one job per patient whose image is ready."""
    settings, code = digest([image.digest(), features.digest()]), code_version(VERSION, ROOMS)
    return [
        Job(
            *("features", patient, key_of([result.sha256], settings, code), measure_patient),
            *(FeatureWork(patient, str(result.path), image, features), ".zip"),
        )
        for patient, result in images.items()
        if result.path is not None
    ]


def measure(engine: Engine, jobs: Sequence[Job]) -> dict[str, Result]:
    """Return patient -> result of the step."""
    return engine.run("features", jobs)


def assemble(results: Mapping[str, Result]) -> tuple[Table | None, list[NotDefined]]:
    """Return (the table of all rows in canonical order, every value that is not there, with its reason)."""
    rows: dict[RowKey, Features] = {}
    for patient in sorted(results):
        path = results[patient].path
        if path is None:
            continue
        for one in unpack(path.read_bytes())[1]:
            columns = columns_of_text(one["columns"])
            values = dict(zip([column.name for column in columns], one["values"], strict=True))
            rows[RowKey(*one["key"])] = Features(values, columns, one["reasons"])
    ordered = {key: rows[key] for key in sorted(rows)}
    return (as_table(ordered) if ordered else None), list(not_defined(ordered))


class NotDefined(NamedTuple):
    """A feature, or a whole series and region, without a value in one row, and why."""

    row: RowKey
    feature: str
    reason: str


def not_defined(rows: Mapping[RowKey, Features]) -> Iterator[NotDefined]:
    """Yield what each row lacks: features without a value, then series and regions that only other rows have."""
    held = {key: {(one.source.modality, one.source.region) for one in found.columns} for key, found in rows.items()}
    anywhere = dict.fromkeys(block for blocks in held.values() for block in sorted(blocks))
    for key, found in rows.items():
        yield from (NotDefined(key, name, reason) for name, reason in found.reasons.items())
        modalities = {modality for modality, _ in held[key]}
        for modality, region in anywhere:
            if (modality, region) not in held[key] and f"{modality}.{region}" not in found.reasons:
                what = f"a region {region} in the mask" if modality in modalities else f"a series {modality}"
                yield NotDefined(key, f"{modality}.{region}", f"this row has not {what}; others have")
