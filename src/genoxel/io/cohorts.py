"""A cohort as a folder: Parquet for tables, records and outcomes, arrays for volumes, one manifest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from genoxel.core.cohort import Cohort
from genoxel.core.errors import FileFormatError, InputError
from genoxel.core.flow import Flow, FlowStep
from genoxel.core.image import Image, Step
from genoxel.core.mask import Mask
from genoxel.io.files import atomic_write
from genoxel.io.folders import FolderWriter, open_folder
from genoxel.io.parquet import read_outcome, read_records, read_table, write_outcome, write_records, write_table

_MANIFEST = "cohort.json"


def write_cohort(cohort: Cohort, folder: str | Path) -> Path:
    """Write a cohort to `folder`; it becomes readable only when every part is there, and stays what it was until then.

    Volumes are stored as they are (arrays, affine, history, tags). Raises `OutputError` when it cannot be written.
    """
    out = FolderWriter(Path(folder), _MANIFEST)
    content: dict[str, Any] = {"patients": list(cohort.patients), "site": dict(cohort.site)}
    content["flow"] = None if cohort.flow is None else [asdict(step) for step in cohort.flow.steps]
    content["tables"] = {name: _add(out, name, table, write_table) for name, table in cohort.tables.items()}
    content["records"] = {name: _add(out, name, records, write_records) for name, records in cohort.records.items()}
    content["outcomes"] = {name: _add(out, name, item, write_outcome) for name, item in cohort.outcomes.items()}
    content["images"] = {
        patient: {name: _image(out, image) for name, image in images.items()}
        for patient, images in cohort.images.items()
    }
    content["masks"] = {
        patient: {name: _mask(out, mask) for name, mask in masks.items()} for patient, masks in cohort.masks.items()
    }
    return out.finish("cohort", content)


def read_cohort(folder: str | Path) -> Cohort:
    """Return a cohort written by `write_cohort`; volumes are read from disk when they are looked at.

    Raises `MissingFileError` or `FileFormatError` when a part is gone or was changed.
    """
    place = Path(folder)
    content = open_folder(place, _MANIFEST, "cohort")
    try:
        return _cohort(place, content)
    except InputError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FileFormatError(f"a damaged {_MANIFEST} in {place} ({error})", "a cohort", "write it again") from error


def _cohort(place: Path, content: Mapping[str, Any]) -> Cohort:
    steps = content["flow"]
    return Cohort(
        tuple(content["patients"]),
        images=_volumes(content["images"], lambda about: _read_image(place, about)),
        masks=_volumes(content["masks"], lambda about: _read_mask(place, about)),
        tables={name: read_table(place / part) for name, part in content["tables"].items()},
        records={name: read_records(place / part) for name, part in content["records"].items()},
        outcomes={name: read_outcome(place / part) for name, part in content["outcomes"].items()},
        site=content["site"],
        flow=None if steps is None else Flow(tuple(FlowStep(**step) for step in steps)),
    )


def _add(out: FolderWriter, name: str, noun: Any, write: Callable[[Any, Path], object]) -> str:
    return out.add(name, ".parquet", lambda path: write(noun, path))


def _array(out: FolderWriter, name: str, array: Any) -> str:
    values = np.asarray(array)

    def fill(file: BinaryIO) -> None:
        np.lib.format.write_array(file, values, allow_pickle=False)

    return out.add(name or "volume", ".npy", lambda path: atomic_write(path, fill))


def _history(steps: tuple[Step, ...]) -> list[list[Any]]:
    return [[step.name, dict(step.params)] for step in steps]


def _image(out: FolderWriter, image: Image) -> dict[str, Any]:
    return {
        "array": _array(out, image.modality, image.array),
        "affine": image.affine,
        "modality": image.modality,
        "unit": image.unit,
        "history": _history(image.history),
        "tags": dict(image.tags),
    }


def _mask(out: FolderWriter, mask: Mask) -> dict[str, Any]:
    return {
        "array": _array(out, "mask", mask.array),
        "affine": mask.affine,
        "labels": dict(mask.labels),
        "history": _history(mask.history),
        "tags": dict(mask.tags),
    }


def _volumes(layer: Mapping[str, Mapping[str, Any]], make: Callable[[Any], Any]) -> dict[str, dict[str, Any]]:
    return {patient: {name: make(about) for name, about in volumes.items()} for patient, volumes in layer.items()}


def _load(place: Path, name: str) -> Any:
    return np.load(place / name, mmap_mode="r", allow_pickle=False)


def _steps(history: list[list[Any]]) -> tuple[Step, ...]:
    return tuple(Step(name, params) for name, params in history)


def _read_image(place: Path, about: Mapping[str, Any]) -> Image:
    names = (about["modality"], about["unit"], _steps(about["history"]), about["tags"])
    return Image(_load(place, about["array"]), about["affine"], *names)


def _read_mask(place: Path, about: Mapping[str, Any]) -> Mask:
    rest = (about["labels"], _steps(about["history"]), about["tags"])
    return Mask(_load(place, about["array"]), about["affine"], *rest)
