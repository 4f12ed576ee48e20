"""Settings of a run as nested mappings, read without fear of what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def look_up(settings: Mapping[str, Any], key: str) -> Any:
    """Return the setting under a dotted `key`, or None where any part is missing.

    >>> look_up({"image": {"resample_mm": [1, 1, 1]}}, "image.resample_mm"), look_up({}, "image.bins")
    ([1, 1, 1], None)
    """
    found: Any = settings
    for part in key.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return None
        found = found[part]
    return found


def listed(values: Any) -> str:
    """Return values as a list in words.

    >>> listed(["a", "b", "c"]), listed("a")
    ('a, b and c', 'a')
    """
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        return str(values)
    words = [str(value) for value in values]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else "none"
