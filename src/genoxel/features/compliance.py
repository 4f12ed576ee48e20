"""Agreement with the consensus values of the Image Biomarker Standardisation Initiative (IBSI 1).

The digital phantom (5 x 4 x 4 voxels) and its 482 published values are here; a value agrees when it rounds to the
printed digits, or lies within the published tolerance where there is one. The CT phantom and its values for the
configurations A to E come from files.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import NamedTuple

import numpy as np

from genoxel.core.errors import SettingsError
from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.features.extract import Features, extract
from genoxel.features.settings import Aggregation, FeatureSettings
from genoxel.image.settings import Discretise, ImageSettings

# slices k = 0..3, rows j = 0..3, columns i = 0..4; "." lies outside the region and its intensity stands below
_PHANTOM = (
    ("14411", "14611", "41641", "44641"),
    ("14411", "11611", "11311", "44611"),
    ("14411", "11111", "11911", "11611"),
    ("14411", "11111", "11111", "11611"),
)
_OUTSIDE = ((0, 2, 1), (2, 2, 2), (3, 0, 2), (4, 0, 2), (3, 0, 3), (4, 0, 3))
_SLICES: tuple[Aggregation, ...] = ("2d_avg", "2d_slice_merged", "25d_direction_merged", "25d_merged")
_VOLUME: tuple[Aggregation, ...] = ("3d_avg", "3d_merged")

AGGREGATIONS = {
    "none": "",
    "2D, averaged": "2d_avg",
    "2D, slice-merged": "2d_slice_merged",
    "2.5D, direction-merged": "25d_direction_merged",
    "2.5D, merged": "25d_merged",
    "3D, averaged": "3d_avg",
    "3D, merged": "3d_merged",
    "2D": "2d",
    "2.5D": "25d",
    "3D": "3d",
}
"""How the published table calls an aggregation, and how columns do."""

_RANGE_AB = (-500.0, 400.0)
_RANGE_CE = (-1000.0, 400.0)
_TWO_MM = (2.0, 2.0, 2.0)
CONFIGURATIONS: dict[str, tuple[ImageSettings, FeatureSettings]] = {
    "A": (
        ImageSettings(range_hu=_RANGE_AB, discretise=Discretise(bin_size=25)),
        FeatureSettings(aggregations=_SLICES, ivh="none"),
    ),
    "B": (
        ImageSettings(resample_mm=(2.0, 2.0), range_hu=_RANGE_AB, discretise=Discretise(bins=32)),
        FeatureSettings(aggregations=_SLICES, ivh="none"),
    ),
    "C": (
        ImageSettings(resample_mm=_TWO_MM, range_hu=_RANGE_CE, discretise=Discretise(bin_size=25)),
        FeatureSettings(aggregations=_VOLUME, ivh=Discretise(bin_size=2.5)),
    ),
    "D": (
        ImageSettings(resample_mm=_TWO_MM, outliers_sigma=3, discretise=Discretise(bins=32)),
        FeatureSettings(aggregations=_VOLUME, ivh="none"),
    ),
    "E": (
        ImageSettings(
            resample_mm=_TWO_MM,
            interpolate="cubic",
            range_hu=_RANGE_CE,
            outliers_sigma=3,
            discretise=Discretise(bins=32),
        ),
        FeatureSettings(aggregations=_VOLUME, ivh=Discretise(bins=1000)),
    ),
}
"""How the CT phantom is to be prepared and measured in each configuration of IBSI 1."""


class Expected(NamedTuple):
    """A published value: IBSI code, aggregation as in column names, value, tolerance (0: to the printed digits)."""

    code: str
    aggregation: str
    value: float
    tolerance: float


class Check(NamedTuple):
    """One published value held against ours."""

    code: str
    config: str
    family: str
    feature: str
    aggregation: str
    expected: float
    got: float
    tolerance: float
    ok: bool


def digital_phantom() -> tuple[Image, Mask]:
    """Return the digital phantom of IBSI 1: 5 x 4 x 4 voxels of 2 mm, 74 of them in the region.

    >>> digital_phantom()[1]
    Mask phantom: 74 voxels of 2 x 2 x 2 mm
    """
    values = np.array([[[int(digit) for digit in row] for row in slab] for slab in _PHANTOM]).transpose(2, 1, 0)
    inside = np.ones(values.shape, np.uint8)
    for place in _OUTSIDE:
        inside[place] = 0
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    return Image(values.astype(np.int16), affine, modality="phantom"), Mask(inside, affine, {1: "phantom"})


def digital_phantom_values() -> list[Expected]:
    """Return the 482 published values of the digital phantom."""
    text = files(__package__).joinpath("ibsi1_digital_phantom.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(io.StringIO(text))
    return [Expected(r["code"], r["aggregation"], float(r["value"]), float(r["tolerance"])) for r in rows]


def compliance() -> list[Check]:
    """Return every published value of the digital phantom held against ours.

    >>> checks = compliance()
    >>> sum(check.ok for check in checks), len(checks)
    (482, 482)
    """
    image, mask = digital_phantom()
    settings = FeatureSettings(aggregations=(*_SLICES, *_VOLUME), ivh="none")
    found = extract(image, mask, ImageSettings(discretise="none"), settings)
    return compare(found, digital_phantom_values(), "digital_phantom")


def ct_compliance(
    image: Image, mask: Mask, expected: dict[str, list[Expected]], configs: Sequence[str] = tuple("ABCDE")
) -> list[Check]:
    """Return the published values of the CT phantom (configuration -> rows) held against ours.

    `image` must be in HU, since re-segmentation and rounding follow the unit.
    """
    if image.unit != "HU":
        raise SettingsError(f"a CT phantom in {image.unit or 'arbitrary units'}", "HU", 'pass an Image with unit="HU"')
    checks = []
    for config in configs:
        found = extract(image, mask, *CONFIGURATIONS[config])
        checks += compare(found, expected[config], config)
    return checks


def compare(found: Features, expected: Iterable[Expected], config: str) -> list[Check]:
    """Return one check per expected value; a feature that was not measured counts as a miss (NaN)."""
    columns = {(column.code, column.source.aggregation): column for column in found.columns}
    checks = []
    for row in expected:
        column = columns.get((row.code, row.aggregation))
        got = found.values[column.name] if column else math.nan
        family = column.source.family if column else ""
        name = column.name.split(f".{family}.")[-1].split(".")[0] if column else ""
        ok = agrees(got, row.value, row.tolerance)
        checks.append(Check(row.code, config, family, name, row.aggregation, row.value, got, row.tolerance, ok))
    return checks


def agrees(got: float, value: float, tolerance: float) -> bool:
    """Return whether `got` rounds to the three digits printed as `value`, or lies within `tolerance` of it.

    >>> agrees(0.51151, 0.512, 0), agrees(0.5125001, 0.512, 0), agrees(4.1, 4.0, 0.2)
    (True, False, True)
    """
    if math.isnan(got):
        return False
    return float(f"{got:.3g}") == value or abs(got - value) <= tolerance * (1 + 1e-9)


def read_expected(text: str) -> dict[str, list[Expected]]:
    """Return configuration -> published values from the text of a reference table.

    Its columns: ibsi_id, feature, config, aggregation, value, tolerance.
    """
    rows: dict[str, list[Expected]] = {}
    for row in csv.DictReader(io.StringIO(text)):
        code = row["ibsi_id"]
        if code in {"BC2M", "GBPN"}:
            code += ":90" if "at 90%" in row["feature"] else ":10"
        one = Expected(code, AGGREGATIONS[row["aggregation"]], float(row["value"]), float(row["tolerance"]))
        rows.setdefault(row["config"], []).append(one)
    return rows
