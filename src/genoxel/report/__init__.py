"""Figures, tables, methods text, checklists and the one self-contained HTML report; loaded on first use."""

from __future__ import annotations

import importlib
from typing import Any

_LAZY = {
    "ReportContent": "content",
    "StudyFacts": "content",
    "render": "html",
    "Card": "contact",
    "contact_sheet": "contact",
    "contact_page": "contact",
    "thumbnail": "contact",
    "methods_text": "methods",
    "checklist": "checklists",
    "verdicts_json": "export",
    "csv_files": "export",
}
_PARTS = ("checklists", "contact", "content", "export", "figures", "html", "methods", "tables")

__all__ = [*_LAZY, *_PARTS]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(f"genoxel.report.{_LAZY[name]}"), name)
    if name in _PARTS:
        return importlib.import_module(f"genoxel.report.{name}")
    raise AttributeError(f"module 'genoxel.report' has no attribute {name!r}")
