"""From an image and a mask to one row of features."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import isfinite
from typing import Any

import numpy as np

from genoxel.core.errors import NotDefinedError, TableError
from genoxel.core.image import FloatArray, Image, Step
from genoxel.core.keys import RowKey
from genoxel.core.mask import Mask
from genoxel.core.settings import digest
from genoxel.core.table import Column, Source, Table
from genoxel.features._entries import pooled
from genoxel.features._weighting import Weighting
from genoxel.features.catalog import EVERY_FAMILY, EXTRA_FAMILIES, FAMILIES, Family, FeatureRecord, family
from genoxel.features.region import Region
from genoxel.features.settings import WEIGHTED, FeatureSettings
from genoxel.image.prepare import Prepared, prepare
from genoxel.image.settings import ImageSettings

PET = frozenset({"PT", "PET"})
"""How the modality of PET is called in DICOM and by people."""


@dataclass(frozen=True, eq=False)
class Features:
    """Features of one region: `values` by column name (NaN where not defined, with the reason in `reasons`).

    `columns` are the records in the same order; `steps` is how the region was prepared.
    """

    values: Mapping[str, float]
    columns: tuple[Column, ...]
    reasons: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()

    def beside(self, other: Features) -> Features:
        """Return both sets of features in one row (other modalities, other regions); names must differ."""
        twice = sorted(set(self.values) & set(other.values))
        if twice:
            raise TableError(f"features named twice: {', '.join(twice[:3])}", "unique names", "name the regions")
        return Features(
            {**self.values, **other.values},
            (*self.columns, *other.columns),
            {**self.reasons, **other.reasons},
            (*self.steps, *other.steps),
        )

    def __repr__(self) -> str:
        return f"Features {len(self.values)} values, {len(self.reasons)} not defined"


def extract(
    image: Image,
    mask: Mask,
    image_settings: ImageSettings | None = None,
    feature_settings: FeatureSettings | None = None,
    region: str | int = "",
    settings_hash: str = "",
) -> Features:
    """Return the features of one region of `image`, named modality.region.filter.family.feature[.aggregation].

    `region` picks a label of the mask by name or number; with one label any name is taken as the region's name in the
    columns, and with none given, all labels are measured as one. `settings_hash` stands in the columns for settings of
    which a part was done before (default: the hash of those given).

    Raises `MaskError` for an empty or too small region, `GeometryError` for a mask on another grid, `InputError` for
    intensities that are not finite and for more than 1024 grey levels; a feature that has no value is NaN and its
    reason is told.

    >>> array = np.arange(216.0).reshape(6, 6, 6)
    >>> image, mask = Image(array, np.eye(4), modality="CT"), Mask(np.ones((6, 6, 6), np.uint8), np.eye(4))
    >>> found = extract(image, mask, feature_settings=FeatureSettings(families=["stat"]), region="tumour")
    >>> found.values["CT.tumour.none.stat.mean"]
    107.5
    """
    rules = (image_settings or ImageSettings()).for_modality(image.modality)
    wanted = feature_settings or FeatureSettings()
    label, name = _region_of(mask, region)
    prepared = prepare(image, mask, rules, label, wanted.min_voxels)
    return measure(prepared, wanted, name, settings_hash or settings_digest(rules, wanted))


def settings_digest(image_settings: ImageSettings, feature_settings: FeatureSettings) -> str:
    """Return the hash of all that changes a feature's value: how the image is prepared and the histogram binned."""
    return digest(settings_record(image_settings, feature_settings))


def settings_record(image_settings: ImageSettings, feature_settings: FeatureSettings) -> dict[str, Any]:
    """Return what `settings_digest` stands for, as plain values."""
    content = image_settings.model_dump(mode="json", exclude={"modalities", "override"})
    given = {"image": content, "ivh": feature_settings.model_dump(mode="json", include={"ivh"})}
    if feature_settings.weighting is not None:
        given["weighting"] = feature_settings.weighting.model_dump(mode="json")
    return given


def _region_of(mask: Mask, region: str | int) -> tuple[str | int | None, str]:
    if region == "":
        names = [str(name) for name in mask.labels.values()]
        return None, names[0] if len(names) == 1 else "all"
    if isinstance(region, str) and len(mask.labels) == 1 and region not in mask.labels.values():
        return None, region
    return region, str(mask.labels[mask.label_of(region)])


def measure(prepared: Prepared, settings: FeatureSettings, name: str = "roi", settings_hash: str = "") -> Features:
    """Return the features of a prepared region called `name`."""
    region = Region(prepared, settings.ivh, settings.weighting)
    values: dict[str, float] = {}
    reasons: dict[str, str] = {}
    columns = []
    extended = settings.set == "extended"
    thresholds = tuple(one.name for one in settings.thresholds)
    for one in families_of(settings, prepared.modality, prepared.unit):
        for aggregation in one.aggregations(settings.aggregations, thresholds):
            source = Source(prepared.modality, name, "none", one.name, aggregation)
            found = _of_family(one, one.chosen(extended), region, aggregation)
            recorded = _columns(one.name, extended, source, prepared.unit, settings_hash)
            if settings.weighting is not None and one.name in WEIGHTED:
                recorded = tuple(_weighted(column, settings.weighting) for column in recorded)
            for column, (value, reason) in zip(recorded, found, strict=True):
                columns.append(column)
                values[column.name] = value
                if reason:
                    reasons[column.name] = reason
    return Features(values, tuple(columns), reasons, prepared.steps)


def families_of(settings: FeatureSettings, modality: str = "", unit: str = "") -> list[Family]:
    """Return the families that `settings` ask for, in the order of the catalogue.

    The extended set has those of PET for PET alone; a family asked for by name is there for every image.
    """
    names = settings.families or tuple(FAMILIES)
    if settings.set == "extended" and not settings.families and (modality in PET or unit.startswith("SUV")):
        names = (*names, *EXTRA_FAMILIES)
    return [family(name) for name in EVERY_FAMILY if name in names]


def _of_family(
    one: Family, records: tuple[FeatureRecord, ...], region: Region, aggregation: str
) -> list[tuple[float, str]]:
    try:
        measured = one.build(region, aggregation)
    except NotDefinedError as error:
        return [(float("nan"), str(error))] * len(records)
    if one.pooling in {"none", "threshold"}:
        return [_of_feature(record, measured) for record in records]
    # one value per matrix: the means of all features at once where none lacks a value
    table = np.array([record.measure(measured) for record in records])
    if table.size and np.isfinite(table).all():
        return [(mean, "") for mean in table.mean(axis=1).tolist()]
    return [_of_matrices(row) for row in table]


def _of_feature(record: FeatureRecord, measured: object) -> tuple[float, str]:
    try:
        number = float(record.measure(measured))
    except NotDefinedError as error:
        return float("nan"), str(error)
    except (ZeroDivisionError, OverflowError):
        number = float("inf")
    if not isfinite(number):
        return float("nan"), "the intensities are too large or too small for this feature"
    return number, ""


def _of_matrices(values: FloatArray) -> tuple[float, str]:
    try:
        return pooled(values), ""
    except NotDefinedError as error:
        return float("nan"), str(error)


@lru_cache(maxsize=512)
def _columns(family_name: str, extended: bool, source: Source, unit: str, settings_hash: str) -> tuple[Column, ...]:
    one = family(family_name)
    return tuple(column_of(record, one, source, unit, settings_hash) for record in one.chosen(extended))


def column_of(record: FeatureRecord, one: Family, source: Source, unit: str, settings_hash: str = "") -> Column:
    """Return the record of the column that holds this feature."""
    parts = (source.modality or "image", source.region, source.filter, one.name, record.name, source.aggregation)
    definition = f"{record.definition} Formula: {record.formula}. Source: {record.reference}."
    size = ("size",) if record.size else ()
    standing = {"consensus": (), "no consensus": ("non-consensus",)}.get(record.standing, ("non-ibsi",))
    return Column(
        ".".join(_plain(part) for part in parts if part),
        unit=_unit(record.unit, unit),
        code=record.code,
        definition=definition,
        source=source,
        traits=(*(size or one.traits), *standing),
        settings=settings_hash,
    )


def _weighted(column: Column, weighting: Weighting) -> Column:
    traits = tuple(dict.fromkeys((*column.traits, "non-consensus", "distance-weighted")))
    definition = f"{column.definition} Neighbours weighted by distance: {weighting.describe()}."
    return replace(column, definition=definition, traits=traits)


def _plain(part: str) -> str:
    return part.strip().replace(".", "_").replace(" ", "_")


def _unit(pattern: str, unit: str) -> str:
    if "u" not in pattern:
        return pattern
    return pattern.replace("u", unit, 1) if unit else ("arbitrary" if pattern == "u" else pattern.replace("u", "arb."))


def as_table(rows: Mapping[RowKey, Features]) -> Table:
    """Return one row per key, the columns in the order in which they first occur; what a row lacks is missing."""
    columns: dict[str, Column] = {}
    for features in rows.values():
        for column in features.columns:
            columns.setdefault(column.name, column)
            if columns[column.name].settings != column.settings:
                columns[column.name] = replace(columns[column.name], settings="several")
    values = [[features.values.get(name, np.nan) for name in columns] for features in rows.values()]
    array = np.array(values, dtype=np.float64).reshape(len(rows), len(columns))
    return Table(array, tuple(rows), tuple(columns.values()), "features")


def volume_column(table: Table, region: str = "") -> str:
    """Return the name of the column of tumour volume: the mesh volume, or voxel counting where meshes lack.

    Of several modalities or regions, the first with the fewest missing values is taken. Raises `TableError` when the
    table holds no volume.
    """
    return _first_of(table, table.columns, region)


def _first_of(table: Table, columns: Iterable[Column], region: str) -> str:
    best, fewest = "", len(table.rows) + 1
    fits = [column for column in columns if not region or column.source.region == region]
    for code in ("RNU0", "YEKZ"):
        for column in fits:
            missing = int(np.isnan(table[column.name]).sum())
            if column.code == code and missing < fewest:
                best, fewest = column.name, missing
    if not best:
        raise TableError("a table without a volume column", "morph.volume_mesh or morph.volume_voxels", "add 'morph'")
    return best
