"""Genoxel joins what a tumour looks like on CT, MRI and PET to what it is in its genome.

Nouns come from `genoxel.core`; verbs live in one room per station. Names are loaded on first use, so that importing
the package is cheap.
"""

from __future__ import annotations

import importlib
from typing import Any

from genoxel._version import __version__

_LAZY = {
    "Image": "core.image",
    "Grid": "core.image",
    "Step": "core.image",
    "Mask": "core.mask",
    "Table": "core.table",
    "Column": "core.table",
    "Source": "core.table",
    "RowKey": "core.keys",
    "Records": "core.records",
    "Outcome": "core.outcome",
    "Cohort": "core.cohort",
    "Flow": "core.flow",
    "Study": "study.study",
    "run": "study.run",
    "read_series": "io.dicom",
    "read_nifti": "io.nifti",
    "read_nrrd": "io.nrrd",
    "read_clinical": "io.clinical",
    "read_maf": "io.maf",
    "read_vcf": "io.vcf",
    "read_cbioportal": "io.cbioportal",
    "read_segments": "io.cn_segments",
    "read_fusions": "io.fusions",
    "read_gmt": "io.genesets",
    "read_expression": "io.expression",
    "read_features": "io.features",
    "read_table": "io.tables",
}
_ROOMS = ("associate", "features", "image", "io", "learn", "omics", "report", "segment", "simulate", "stats", "study")

__all__ = ["__version__", "plot", *_LAZY, *_ROOMS]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(f"genoxel.{_LAZY[name]}"), name)
    if name in _ROOMS:
        return importlib.import_module(f"genoxel.{name}")
    if name == "plot":
        return importlib.import_module("genoxel.report.figures")
    raise AttributeError(f"module 'genoxel' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
