"""Ratios of a feature between two regions of one patient: necrosis to tumour, enhancing to whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fnmatch import fnmatchcase
from math import isnan, nan

from genoxel.core.errors import NotDefinedError, SettingsError, nearest
from genoxel.core.table import Column, Source
from genoxel.features.extract import Features
from genoxel.features.settings import FeatureSettings

_FROM_ZERO = {
    "stat": (
        *("mean", "median", "minimum", "maximum", "percentile_*", "energy", "total_energy", "root_mean_square"),
        *("coefficient_of_variation", "quartile_coefficient_of_dispersion"),
    ),
    "local": ("*",),
    "morph": ("integrated_intensity",),
    "ivh": ("intensity_at_*",),
    "pet": ("suv_*", "contour_glycolysis"),
    "mtv": ("*",),
}
"""Family -> features whose value depends on where the scale of intensities has its zero."""

_LEVELS = ("mean", "median", "minimum", "maximum", "percentile_*", "mode", "*coefficient*", "*_gradient_level")
"""Features of the histogram that depend on where the levels begin, which is always a convention."""


def check_regions(settings: FeatureSettings, regions: Iterable[str]) -> None:
    """Raise `SettingsError` for a ratio of a region that is not one of `regions`."""
    known = list(regions)
    for pair in settings.pairs:
        for name in pair:
            if name not in known:
                hint = nearest(name, known) or "name it under [segment] regions = { ... }"
                raise SettingsError(f"a ratio of the region {name!r}", ", ".join(known) or "none is named", hint)


def with_ratios(found: Features, settings: FeatureSettings) -> Features:
    """Return `found` (all regions of one row) with the ratios that the settings ask for, named A_to_B.

    A ratio is not defined where a region is missing, where the value below is 0, where values have not one sign, and
    where the zero of the scale is a convention (HU, z-scores, grey levels) on which the feature depends.
    """
    if not settings.pairs:
        return found
    scored = any(step.name == "zscore" for step in found.steps)
    hounsfield = {column.source.modality for column in found.columns if column.unit.startswith("HU")}
    by_place = {(column.source.modality, column.source.region, _path(column)): column for column in found.columns}
    values, reasons, columns = {}, {}, []
    for above, below in settings.pairs:
        for (modality, region, path), column in by_place.items():
            if region not in {above, below} or not any(fnmatchcase(path, pattern) for pattern in settings.ratio_of):
                continue
            both = [by_place.get((modality, name, path)) for name in (above, below)]
            made = _column(column, above, below)
            if made.name in values:
                continue
            columns.append(made)
            try:
                _refuse_convention(column, scored or modality in hounsfield)
                values[made.name] = _ratio(found, both, (above, below))
            except NotDefinedError as error:
                values[made.name], reasons[made.name] = nan, str(error)
    return replace(
        found,
        values={**found.values, **values},
        reasons={**found.reasons, **reasons},
        columns=(*found.columns, *columns),
    )


def _path(column: Column) -> str:
    """Return family.feature[.aggregation] of a column's name."""
    return column.name.split(".", 3)[-1]


def _column(column: Column, above: str, below: str) -> Column:
    source = column.source
    name = f"{above}_to_{below}"
    parts = [source.modality or "image", name.replace(".", "_").replace(" ", "_"), source.filter, _path(column)]
    return Column(
        ".".join(parts),
        definition=f"Ratio of {above} to {below} of this feature: {column.definition}",
        source=Source(source.modality, name, source.filter, source.family, source.aggregation),
        traits=("ratio", "non-ibsi"),
        settings=column.settings,
    )


def _ratio(found: Features, both: list[Column | None], names: tuple[str, str]) -> float:
    numbers = []
    for column, name in zip(both, names, strict=True):
        if column is None:
            raise NotDefinedError(f"no region {name} here", "both regions", "look at the mask")
        if isnan(found.values[column.name]):
            raise NotDefinedError(f"{column.name} not defined", "both values", "see its own reason")
        numbers.append(found.values[column.name])
    above, below = numbers
    if below <= 0 or above < 0:
        raise NotDefinedError(f"{above:g} to {below:g}", "values from 0, above 0 below the line", "look at the regions")
    return above / below


def _refuse_convention(column: Column, shifted: bool) -> None:
    """Raise `NotDefinedError` where the feature depends on a zero that is a convention."""
    family, name = column.source.family, _path(column).split(".")[1]
    patterns = _LEVELS if family == "hist" else _FROM_ZERO.get(family, ()) if shifted else ()
    if any(fnmatchcase(name, pattern) for pattern in patterns):
        raise NotDefinedError(
            "a scale whose zero is a convention (HU, z-scores or grey levels)", "a true zero", "relate a spread"
        )
