"""What a column name says: modality.region.filter.family.feature.aggregation, taken apart and looked up."""

from __future__ import annotations

from typing import NamedTuple, get_args

from genoxel.core.errors import SettingsError, nearest
from genoxel.features.catalog import EVERY_FAMILY, FeatureRecord, catalog, family
from genoxel.features.settings import Aggregation

AGGREGATIONS = {
    "": "none: one value for the region",
    "2d": "2D: a matrix per slice, features averaged over slices",
    "25d": "2.5D: the matrices of all slices merged",
    "3d": "3D: one matrix of the volume",
    "2d_avg": "2D: a matrix per slice and direction, features averaged",
    "2d_slice_merged": "2D: the directions of each slice merged, features averaged over slices",
    "25d_direction_merged": "2.5D: the slices of each direction merged, features averaged over directions",
    "25d_merged": "2.5D: all slices and directions merged",
    "3d_avg": "3D: a matrix per direction, features averaged over directions",
    "3d_merged": "3D: the matrices of all directions merged",
}
"""How texture matrices are pooled, in words; of families with thresholds the last part of a name is the threshold."""

_LONGEST = 6
_LEGAL = {"none": ("",), "dimension": ("2d", "25d", "3d"), "directions": get_args(Aggregation)}


class Named(NamedTuple):
    """A column name taken apart, with the record of its feature."""

    modality: str
    region: str
    filter: str
    record: FeatureRecord
    aggregation: str


def parse_name(name: str) -> Named:
    """Return what the parts of a column name stand for; `SettingsError` names the nearest legal one.

    >>> found = parse_name("CT.tumour.none.glcm.joint_entropy.3d_avg")
    >>> found.record.code, found.record.unit, found.aggregation
    ('TU9B', 'bit', '3d_avg')
    """
    parts = name.split(".")
    if not 5 <= len(parts) <= _LONGEST:
        raise SettingsError(
            f"the column name {name!r}", "modality.region.filter.family.feature[.aggregation]", "genoxel catalog"
        )
    modality, region, how, group, feature = parts[:5]
    records = family(group).records
    if feature not in records:
        raise SettingsError(f"the feature {feature!r} of {group}", ", ".join(records), nearest(feature, records))
    aggregation = parts[5] if len(parts) == _LONGEST else ""
    legal = _LEGAL.get(family(group).pooling)
    if legal is None and not aggregation:
        raise SettingsError(f"{name!r} without a threshold", f"{name}.THRESHOLD", "name it as [features] does")
    if legal is not None and aggregation not in legal:
        raise SettingsError(
            f"the aggregation {aggregation!r} of {group}", ", ".join(legal), nearest(aggregation, legal)
        )
    return Named(modality, region, how, records[feature], aggregation)


def looks_like_a_column(word: str) -> bool:
    """Return whether `word` is meant as the name of a column: it has at least five parts."""
    return len(word.split(".")) >= 5


def matching(word: str) -> list[FeatureRecord]:
    """Return the records whose family, name, title or code holds `word` (case and spaces are ignored)."""
    sought = word.casefold().replace(" ", "_")
    records = catalog()
    exact = [one for one in records if sought and sought in (one.name.casefold(), one.code.casefold())]
    texts = {id(one): [one.family, one.name, one.code, one.title, EVERY_FAMILY[one.family]] for one in records}
    return exact or [
        one for one in records if any(sought in text.casefold().replace(" ", "_") for text in texts[id(one)])
    ]
