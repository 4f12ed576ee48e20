"""JSON that gives back what it was given: tuples, NaN and arrays survive, and the same content makes the same bytes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from genoxel.core.errors import FileFormatError, TableError

_MARK = "~"


def dumps(content: Any, indent: int | None = None) -> str:
    """Return canonical JSON of None, booleans, numbers, text, lists, tuples, mappings with text keys and arrays.

    >>> loads(dumps({"shape": (1, 2), "p": float("nan")}))
    {'shape': (1, 2), 'p': nan}
    """
    separators = (",", ":") if indent is None else (",", ": ")
    return json.dumps(_pack(content), sort_keys=False, separators=separators, indent=indent, allow_nan=False)


def loads(text: str | bytes, name: str = "the record") -> Any:
    """Return the content of `dumps`; `FileFormatError` when it is none."""
    try:
        return _unpack(json.loads(text))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise FileFormatError(f"a damaged record in {name} ({error})", "JSON", "write it again") from error


def load_file(path: Path) -> Any:
    """Return the content of a JSON file written from `dumps`."""
    return loads(path.read_bytes(), path.name)


def _pack(item: Any) -> Any:
    if item is None or isinstance(item, bool | str):
        return item
    if isinstance(item, np.generic):
        return _pack(item.item())
    if isinstance(item, int):
        return item
    if isinstance(item, float):
        return item if math.isfinite(item) else {_MARK: "float", "value": repr(item)}
    if isinstance(item, tuple):
        return {_MARK: "tuple", "value": [_pack(part) for part in item]}
    if isinstance(item, list):
        return [_pack(part) for part in item]
    if isinstance(item, np.ndarray):
        return {
            _MARK: "array",
            "dtype": item.dtype.str,
            "shape": list(item.shape),
            "value": _pack(item.ravel().tolist()),
        }
    if isinstance(item, Mapping):
        return _pack_mapping(item)
    raise TableError(f"{type(item).__name__} in a record", "numbers, text, lists, tuples, mappings, arrays")


def _pack_mapping(item: Mapping[Any, Any]) -> Any:
    if not all(isinstance(key, str) for key in item):
        pairs = [[_pack(key), _pack(value)] for key, value in item.items()]
        return {_MARK: "pairs", "value": pairs}
    packed = {key: _pack(value) for key, value in item.items()}
    return {_MARK: "mapping", "value": packed} if _MARK in item else packed


def _unpack(item: Any) -> Any:
    if isinstance(item, list):
        return [_unpack(part) for part in item]
    if not isinstance(item, dict):
        return item
    if _MARK not in item:
        return {key: _unpack(value) for key, value in item.items()}
    kind, value = item[_MARK], item["value"]
    if kind == "float":
        return float(value)
    if kind == "tuple":
        return tuple(_unpack(part) for part in value)
    if kind == "mapping":
        return {key: _unpack(part) for key, part in value.items()}
    if kind == "pairs":
        return {_unpack(key): _unpack(part) for key, part in value}
    if kind == "array" and not str(item["dtype"]).startswith("|O"):
        return np.array(_unpack(value), dtype=item["dtype"]).reshape(item["shape"])
    raise ValueError(f"unknown kind {kind!r}")
