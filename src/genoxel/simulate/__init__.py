"""Small cohorts with planted truth, delivered as a hospital would; what is found in them is about methods only."""

from __future__ import annotations

import importlib
from typing import Any

_LAZY = {
    "Effect": "spec",
    "Module": "spec",
    "SimulationSpec": "spec",
    "TRAITS": "traits",
    "Phantom": "render",
    "phantom": "render",
    "Course": "options",
    "Delivery": "options",
    "Imaging": "options",
    "Omics": "options",
    "Link": "lines",
    "read_effects": "effectsfile",
    "expected_bytes": "cohort",
    "simulate": "cohort",
    "preset": "presets",
    "presets": "presets",
    "is_simulated": "truth",
    "read_truth": "truth",
}

__all__ = [*_LAZY]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(f"genoxel.simulate.{_LAZY[name]}"), name)
    raise AttributeError(f"module 'genoxel.simulate' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
