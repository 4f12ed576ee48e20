"""Public plotting functions: each draws a noun or a result on `ax` (a new one when None) and returns the Axes."""

from __future__ import annotations

import importlib
from typing import Any

_PLACES = {
    "forest": "prediction",
    "ladder": "prediction",
    "roc_curve": "prediction",
    "permutation_histogram": "prediction",
    "calibration_plot": "prediction",
    "heatmap": "association",
    "volcano": "association",
    "null_histogram": "association",
    "pair": "association",
    "null_bands": "association",
    "enrichment_network": "groups",
    "consensus_matrix": "groups",
    "consensus_cdf": "groups",
    "survival_curves": "groups",
    "table_of": "style",
    "flow_diagram": "cohort",
    "volume_bars": "cohort",
    "against_volume": "cohort",
    "oncoprint": "cohort",
    "reader_agreement": "readers",
    "contact_overlay": "cohort",
}

__all__ = [*_PLACES]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(importlib.import_module(f"genoxel.report.figures.{_PLACES[name]}"), name)
    raise AttributeError(f"module 'genoxel.report.figures' has no attribute {name!r}")
