"""The study engine: one study file, its steps, what is done, and how to go on after any stop."""

from __future__ import annotations

import importlib
from typing import Any

_LAZY = {
    "Study": "study",
    "StudyFile": "schema",
    "RunResult": "result",
    "Ledger": "ledger",
    "StudyLock": "lock",
    "Pool": "executors",
}

__all__ = [*_LAZY]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
