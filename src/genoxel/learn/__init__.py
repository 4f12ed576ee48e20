"""Prediction without leaks: procedures learned inside folds, simpler models beside them, permutation, verdicts.

>>> from genoxel import learn
>>> "judge_targets" in dir(learn)
True
"""

from __future__ import annotations

import importlib
from typing import Any

_WHERE = {
    "LearnSettings": "settings",
    "Procedure": "procedure",
    "judge_targets": "targets",
    "merge": "targets",
    "plan": "work",
    "run_task": "work",
    "tasks": "work",
    "validate": "validation",
}

__all__ = [  # noqa: PLE0604
    *_WHERE
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(name)
    return getattr(importlib.import_module(f"genoxel.learn.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return __all__
