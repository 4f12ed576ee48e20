"""Settings that people will look for and that are not built yet: refused by name, never read and ignored."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

NOT_YET = "not built yet"

PLANNED = {
    "segment.reader2": "remove it; the report says that no second reader was given",
    "learn.keep.icc_lower": "remove it; features that do not repeat must be left out beforehand",
}
"""Dotted key -> what to do until it is built."""

PLANNED_VALUES = {"learn.compare": ("shuffled_voxels",)}


def planned_key(place: Sequence[int | str]) -> str:
    """Return what to do instead of a key that is planned, or an empty text where none is.

    >>> planned_key(("segment", "reader2"))
    'remove it; the report says that no second reader was given'
    """
    key = ".".join(str(part) for part in place)
    return next((fix for pattern, fix in PLANNED.items() if fnmatchcase(key, pattern)), "")
