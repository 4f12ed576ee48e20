"""Regions: which contour counts, and masks made or judged; names are loaded on first use."""

from __future__ import annotations

import importlib
from typing import Any

_LAZY = {
    "ContourSettings": "settings",
    "choose": "contours",
    "read_mask": "contours",
    "read_overrides": "contours",
    "propose": "proposal",
}
__all__ = [*_LAZY]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(f"genoxel.segment.{_LAZY[name]}"), name)
    raise AttributeError(f"module 'genoxel.segment' has no attribute {name!r}")
