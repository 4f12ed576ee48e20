"""How images were measured, in the words of IBSI and few of them: what was set, and in one line what was not done."""

from __future__ import annotations

from genoxel.report.content import ReportContent
from genoxel.report.ibsi_items import NOT_DONE, WHOLE, ReportingItem

_SHOWN = {
    "imaging modality": "Images",
    "volume of interest": "Regions",
    "smallest region measured": "Smallest region",
    "voxel size as reconstructed (mm)": "Voxels as read (mm)",
    WHOLE: "Before interpolation",
    "voxel size (mm)": "Voxels as measured (mm)",
    "image interpolation method": "Image interpolation",
    "mask interpolation method": "Mask interpolation",
    "intensity normalisation": "Intensities",
    "range of intensities": "Re-segmentation by range",
    "outliers": "Re-segmentation by outliers",
    "discretisation method": "Grey levels",
    "image filter": "Filter",
    "aggregation of co-occurrence and run matrices": "Texture matrices",
    "feature set and families": "Features",
}
"""Item of the reporting list -> how it is headed on the page."""


def in_words(content: ReportContent) -> tuple[list[tuple[str, str]], list[str]]:
    """Return (heading, answer) of what was done, and the headings of what was not."""
    done, left = [], []
    order = list(_SHOWN)
    for one in sorted((one for one in content.reporting if one.item in _SHOWN), key=lambda one: order.index(one.item)):
        if one.item == WHOLE and one.answer.startswith(NOT_DONE):
            continue
        if one.answer in (NOT_DONE, "none"):
            left.append(_SHOWN[one.item].lower())
        else:
            done.append((_SHOWN[one.item], _plain(one)))
    return done, left


def _plain(one: ReportingItem) -> str:
    if one.item == "feature set and families":
        return one.answer.replace("ibsi1:", "consensus of IBSI 1:")
    return one.answer.replace("zscore", "z-score")
