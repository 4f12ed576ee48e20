"""Who is mutant, wild type or unknown; what follows from molecular tables; joining. Modules are loaded on first use."""

from __future__ import annotations

import importlib
from typing import Any

_MODULES = (
    *("axes", "barcodes", "burden", "copynumber", "criteria", "derive", "drivers", "expression", "fusions", "genome"),
    *("germline", "hgvs", "immune"),
    *(
        "join",
        "methylation",
        "modules",
        "normalise",
        "quality",
        "recipe",
        "rules",
        "scores",
        "series",
        "settings",
        "signatures",
        "subtypes",
    ),
    *("symbols", "table1", "targets", "texts", "variants"),
)

__all__ = list(_MODULES)


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
