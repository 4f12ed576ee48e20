"""Optional libraries: one door, one sentence when it is closed."""

from __future__ import annotations

import importlib
from types import ModuleType

from genoxel.core.errors import MissingExtraError


def require(module: str, extra: str) -> ModuleType:
    """Import `module`, or raise `MissingExtraError` with the line that installs its extra.

    >>> require("json", "omics").__name__
    'json'
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"no installed library '{module}'", f"the extra '{extra}'", f'pip install "genoxel[{extra}]"'
        ) from error
