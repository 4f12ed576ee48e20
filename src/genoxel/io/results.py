"""Results as folders: JSON for what is said once, Parquet for what is a column."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from genoxel.core.errors import FileFormatError, InputError, MissingFileError, TableError
from genoxel.core.results import AssociationMap, Interval, TargetResult, Validation, Verdict
from genoxel.io import plainjson
from genoxel.io.folders import FolderWriter, open_folder
from genoxel.io.parquet import column_of, column_record, read_arrays, write_arrays

_MANIFEST = "result.json"


def write_result(result: AssociationMap | Validation | TargetResult, folder: str | Path) -> Path:
    """Write a result to `folder` (JSON and Parquet); it becomes readable only when every part is there."""
    out = FolderWriter(Path(folder), _MANIFEST)
    if isinstance(result, AssociationMap):
        return out.finish("association map", _pack_map(out, result))
    if isinstance(result, Validation):
        return out.finish("validation", _pack_validation(out, result))
    if isinstance(result, TargetResult):
        return out.finish("target result", _pack_target(out, result))
    raise TableError(f"a {type(result).__name__} as result", "AssociationMap, Validation or TargetResult")


def read_result(folder: str | Path) -> AssociationMap | Validation | TargetResult:
    """Return the result that `write_result` wrote; errors as for `read_cohort`."""
    place = Path(folder)
    file = place / _MANIFEST
    if not file.is_file():
        raise MissingFileError(f"no {_MANIFEST} in {place}", "a folder with a result", "check the folder")
    about = plainjson.load_file(file)
    noun = about.get("noun") if isinstance(about, dict) else None
    if noun not in _READERS:
        raise FileFormatError(f"{file} that holds {noun!r}", ", ".join(_READERS), "use the matching reader")
    content = open_folder(place, _MANIFEST, noun)
    try:
        return _READERS[noun](place, content)
    except InputError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FileFormatError(f"a damaged {_MANIFEST} in {place} ({error})", noun, "write it again") from error


def _pack_map(out: FolderWriter, result: AssociationMap) -> dict[str, Any]:
    return {
        "image_columns": [column_record(column) for column in result.image_columns],
        "other_columns": [column_record(column) for column in result.other_columns],
        "pairs": out.add("pairs", ".parquet", lambda path: write_arrays(result.pairs, path)),
        "null_hits": result.null_hits,
        "q": result.q,
        "adjusted_for": result.adjusted_for,
        "detectable": result.detectable,
        "settings": dict(result.settings),
        "targets": out.add("targets", ".parquet", lambda path: write_arrays(result.targets, path)),
    }


def _map_of(place: Path, content: Mapping[str, Any]) -> AssociationMap:
    columns: dict[str, Any] = {
        name: tuple(column_of(record) for record in content[name]) for name in ("image_columns", "other_columns")
    }
    rest = {name: content[name] for name in ("null_hits", "q", "adjusted_for", "detectable", "settings")}
    targets = read_arrays(place / content["targets"]) if "targets" in content else {}
    return AssociationMap(**columns, **rest, pairs=read_arrays(place / content["pairs"]), targets=targets)


def _pack_validation(out: FolderWriter, result: Validation) -> dict[str, Any]:
    packed = {field.name: getattr(result, field.name) for field in fields(Validation)}
    packed["interval"] = asdict(result.interval)
    packed["metrics"] = {name: asdict(interval) for name, interval in result.metrics.items()}
    packed["selected"] = dict(result.selected)
    packed["settings"] = dict(result.settings)
    name = f"{result.target}-{result.features}-{result.model}"
    packed["predictions"] = out.add(name, ".parquet", lambda path: write_arrays(result.predictions, path))
    return packed


def _validation_of(place: Path, content: Mapping[str, Any]) -> Validation:
    given = {field.name: content[field.name] for field in fields(Validation)}
    given["interval"] = Interval(**given["interval"])
    given["metrics"] = {name: Interval(**interval) for name, interval in given["metrics"].items()}
    given["predictions"] = read_arrays(place / given["predictions"])
    return Validation(**given)


def _pack_target(out: FolderWriter, result: TargetResult) -> dict[str, Any]:
    packed = {field.name: getattr(result, field.name) for field in fields(TargetResult)}
    packed["counts"] = dict(result.counts)
    packed["ladder"] = [_pack_validation(out, validation) for validation in result.ladder]
    packed["gain"] = None if result.gain is None else asdict(result.gain)
    packed["verdict"] = asdict(result.verdict)
    packed["permuted"] = np.asarray(result.permuted)
    return packed


def _target_of(place: Path, content: Mapping[str, Any]) -> TargetResult:
    given = {field.name: content[field.name] for field in fields(TargetResult)}
    given["ladder"] = tuple(_validation_of(place, validation) for validation in given["ladder"])
    given["gain"] = None if given["gain"] is None else Interval(**given["gain"])
    given["verdict"] = Verdict(**given["verdict"])
    return TargetResult(**given)


_READERS: dict[str, Callable[[Path, Mapping[str, Any]], AssociationMap | Validation | TargetResult]] = {
    "association map": _map_of,
    "validation": _validation_of,
    "target result": _target_of,
}
