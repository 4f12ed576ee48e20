"""The reporting items of IBSI 1, filled from the settings; what only the authors know is marked so, never guessed.

The topics are those of the reporting guidelines of the IBSI reference manual (Zwanenburg et al.); the words are ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from genoxel._version import __version__
from genoxel.core.table import Table
from genoxel.features.catalog import EXTRA_FAMILIES, FAMILIES
from genoxel.features.names import AGGREGATIONS
from genoxel.features.settings import FeatureSettings
from genoxel.image.settings import Discretise, ImageSettings, Normalise

YOURS = "to be stated by the authors"
NOT_DONE = "not done"
WHOLE = "kernel, noise suppression, bias field, registration, clipping, skull stripping, in this order"


class ReportingItem(NamedTuple):
    """One item: topic, what is asked, the answer, and where the answer comes from (settings, files, or the authors)."""

    topic: str
    item: str
    answer: str
    source: str


def ibsi_items(
    image: ImageSettings, features: FeatureSettings, facts: Mapping[str, Sequence[str]]
) -> list[ReportingItem]:
    """Return the items for these settings; `facts` (modality, spacing_mm, structure -> values met) come from the rows.

    >>> items = ibsi_items(ImageSettings(), FeatureSettings(), {"modality": ["CT"]})
    >>> next(one.answer for one in items if one.item == "discretisation method")
    'fixed bin number 32'
    """
    asked = [
        *_patients(facts, image.describe_registration()),
        *_processing(image, facts),
        *_matrices(features),
        *_software(features),
    ]
    return [ReportingItem(*one) for one in asked]


def pyradiomics_items(settings: Mapping[str, object], facts: Mapping[str, Sequence[str]]) -> list[ReportingItem]:
    """Return the items for features measured as PyRadiomics does, by the `settings` of its parameter file."""
    asked = [(f"setting of PyRadiomics: {name}", str(value)) for name, value in settings.items()]
    rows = [*_patients(facts), *(("image processing", item, answer, "settings") for item, answer in asked)]
    rows.append(("features", "compliance with IBSI", "none: names and numbers of PyRadiomics", "software"))
    return [ReportingItem(*one) for one in [*rows, _version()]]


def facts_of(table: Table, names: Sequence[str] = ("modality", "spacing_mm", "structure")) -> dict[str, list[str]]:
    """Return fact -> the distinct texts of it in a table of features."""
    found = {}
    for name in names:
        if name in table:
            codes, levels = table[name], table.column(name).levels
            texts = [levels[int(code)].split(" | ") for code in np.unique(codes[~np.isnan(codes)])]
            found[name] = list(dict.fromkeys(text for row in texts for text in row))
    return found


def _patients(facts: Mapping[str, Sequence[str]], registered: str = "") -> list[tuple[str, str, str, str]]:
    return [
        ("patient", "volume of interest", _listed(facts, "structure"), "files and authors"),
        ("patient", "preparation: fasting, medication, contrast agent", YOURS, "authors"),
        ("acquisition", "imaging modality", _listed(facts, "modality"), "files"),
        (
            *("acquisition", "scanner, protocol, tube voltage or sequence, calibration"),
            *(_listed(facts, "scanner", 60), "files and authors" if facts.get("scanner") else "authors"),
        ),
        ("acquisition", "static or dynamic scan, patient instructions, motion correction", YOURS, "authors"),
        ("reconstruction", "voxel size as reconstructed (mm)", _listed(facts, "spacing_mm"), "files"),
        ("reconstruction", "slice thickness, kernel, reconstruction method", YOURS, "authors"),
        ("registration", "method", registered or "not done by Genoxel", "settings" if registered else "software"),
        ("segmentation", "who or what drew the region, from which images, with which tool", YOURS, "authors"),
        (
            *("segmentation", "conversion to a voxel mask"),
            *("a voxel is inside when its centre is inside the contour; nested contours cut holes", "software"),
        ),
    ]


def _listed(facts: Mapping[str, Sequence[str]], name: str, most: int = 8) -> str:
    texts = [text for text in facts.get(name, ()) if text]
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more if texts else YOURS


def _processing(image: ImageSettings, facts: Mapping[str, Sequence[str]]) -> list[tuple[str, str, str, str]]:
    resampled = image.resample_mm is not None
    grid = "centres of the old and the new volume aligned" if resampled else NOT_DONE
    size = " x ".join(f"{part:g}" if part else "as it is" for part in (image.resample_mm or ())) or NOT_DONE
    normal = image.normalise
    stages = image.model_copy(update={"normalise": None}).describe_whole()
    answers = [
        ("data conversion", "conversion of intensities (SUV, HU)", "as stated by the files: HU for CT, SUV for PET"),
        (
            "post-processing",
            WHOLE,
            "; ".join(stages) or "not done by Genoxel; before: " + YOURS,
        ),
        ("post-processing", "intensity normalisation", _normalised(normal, facts)),
        ("interpolation", "voxel size (mm)", size),
        ("interpolation", "image interpolation method", _spline(image.interpolate) if resampled else NOT_DONE),
        ("interpolation", "grid", grid),
        ("interpolation", "rounding of intensities", _rounding(image) if resampled else NOT_DONE),
        ("interpolation", "mask interpolation method", _spline(image.mask_interpolate) if resampled else NOT_DONE),
        (
            "interpolation",
            "partial volume: inside from a share of",
            f"{image.mask_threshold:g}" if resampled else NOT_DONE,
        ),
        ("re-segmentation", "range of intensities", _range(image)),
        ("re-segmentation", "outliers", _outliers(image)),
        ("discretisation", "discretisation method", _bins(image)),
        ("filters", "image filter", "none"),
    ]
    rows = [(topic, item, answer, "settings") for topic, item, answer in answers]
    for modality, changes in image.override.items():
        rows.append(("settings of one modality", modality, str(dict(changes)), "settings"))
    return rows


def _normalised(how: Normalise | None, facts: Mapping[str, Sequence[str]]) -> str:
    if how is None:
        return NOT_DONE
    with_unit = not how.also_units and {"CT", "PT", "PET"} & {
        one.partition("@")[0] for one in facts.get("modality", ())
    }
    return how.describe() + ("; HU and SUV left as they are" if with_unit else "")


def _spline(name: str) -> str:
    return {"linear": "trilinear", "cubic": "tricubic spline", "nearest": "nearest neighbour"}[name]


def _rounding(image: ImageSettings) -> str:
    if image.round_intensities is None:
        return "to whole numbers for images in HU, none for others"
    return "to whole numbers" if image.round_intensities else "none"


def _range(image: ImageSettings) -> str:
    for bounds, unit in ((image.range, ""), (image.range_hu, " HU (images in HU only)")):
        if bounds is not None:
            return f"[{bounds[0]:g}, {bounds[1]:g}]{unit}"
    return NOT_DONE


def _outliers(image: ImageSettings) -> str:
    if image.outliers_sigma is None:
        return NOT_DONE
    return f"beyond {image.outliers_sigma:g} standard deviations of the mean, after the range"


def _bins(image: ImageSettings) -> str:
    return image.discretise.describe() if isinstance(image.discretise, Discretise) else "none: intensities are levels"


def _matrices(features: FeatureSettings) -> list[tuple[str, str, str, str]]:
    ivh = features.ivh.describe() if isinstance(features.ivh, Discretise) else features.ivh
    ivh = {"auto": "whole HU as they are, 1000 bins for other units", "none": "as the texture levels"}.get(ivh, ivh)
    answers = [
        (
            "aggregation of co-occurrence and run matrices",
            "; ".join(AGGREGATIONS[name] for name in features.aggregations),
        ),
        ("distance weighting", features.weighting.describe() if features.weighting is not None else "none"),
        ("co-occurrence: symmetry and distance", "symmetric, Chebyshev distance 1"),
        ("zones: linkage", "26 neighbours (8 within a slice), Chebyshev distance 1"),
        (
            "distance zones: distance to the border",
            "city-block distance to the border of the region before re-segmentation",
        ),
        ("tone differences: neighbourhood", "Chebyshev distance 1"),
        ("dependence: neighbourhood and coarseness", "Chebyshev distance 1, coarseness 0"),
        ("intensity-volume histogram: bins", ivh),
    ]
    return [("texture", item, answer, "settings") for item, answer in answers]


def _uptake(features: FeatureSettings) -> list[tuple[str, str, str, str]]:
    if features.set != "extended" and not set(EXTRA_FAMILIES) & set(features.families):
        return []
    thresholds = ", ".join(one.words for one in features.thresholds)
    return [
        ("features", "thresholds of metabolic volume", thresholds, "settings"),
        ("features", "SUVpeak", "highest mean of a sphere of 1 cm³ centred on a voxel of the region", "software"),
    ]


def _software(features: FeatureSettings) -> list[tuple[str, str, str, str]]:
    families = ", ".join(features.families or FAMILIES)
    if features.set == "extended" and not features.families:
        families += ", and for PET in SUV: " + ", ".join(EXTRA_FAMILIES)
    return [
        *_uptake(features),
        ("features", "feature set and families", f"{features.set}: {families}", "settings"),
        ("features", "compliance with IBSI", "every published value of IBSI 1: run `genoxel ibsi`", "software"),
        ("features", "smallest region measured", f"{features.min_voxels} voxels", "settings"),
        ("features", "robustness (test-retest, segmentation)", YOURS, "authors"),
        _version(),
    ]


def _version() -> tuple[str, str, str, str]:
    return "software", "name and version", f"Genoxel {__version__} (Apache-2.0)", "software"
