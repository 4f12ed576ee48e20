"""A cohort in a readable file: effects as lines with arrows, everything else in small sections of TOML."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from genoxel.core.errors import FileFormatError, SettingsError, nearest
from genoxel.io.files import safe_text
from genoxel.simulate.lines import is_link
from genoxel.simulate.options import Course, Delivery, Imaging, Omics
from genoxel.simulate.presets import preset_fields
from genoxel.simulate.spec import SimulationSpec

_COHORT = {
    "patients": "n",
    "body": "modality",
    "also": "also",
    "seed": "seed",
    "sites": "sites",
    "masks": "masks",
    "unknown": "unknown",
    "module": "module",
    "missing_contours": "missing_contours",
    "odd_names": "odd_names",
    "semicolons": "semicolons",
    "shape": "shape",
}
_BODIES = {"brain": "mr", "chest": "ct", "breast": "breast", "prostate": "prostate"}
_GROUPS: dict[str, Any] = {"imaging": Imaging, "course": Course, "omics": Omics, "delivery": Delivery}
_TOP = ("preset", "effects", "cohort", "prevalence", "genes", *_GROUPS)


def read_effects(path: str | os.PathLike[str], **changes: Any) -> SimulationSpec:
    """Return the cohort described by a TOML file; `changes` (fields of the spec) come last.

    ``preset`` names a ready-made cohort to start from, of which what is said here changes single values; ``effects``
    is a list of lines such as ``"EGFR -> texture d = 2.3 exclusive | 0.6 mixed"`` or ``"IDH1 -> survival HR = 0.4"``.
    Raises `FileFormatError` for no TOML, `SettingsError` for a key or value that is not known.
    """
    source = Path(path)
    try:
        content = tomllib.loads(safe_text(source))
    except tomllib.TOMLDecodeError as error:
        raise FileFormatError(f"{source.name}, which is no TOML ({error})", "TOML", "correct that line") from error
    try:
        return spec_of(content, **changes)
    except SettingsError as error:
        error.add_note(f"in {source.name}")
        raise


def spec_of(content: Mapping[str, Any], **changes: Any) -> SimulationSpec:
    """Return the cohort of the plain values of a file.

    >>> spec_of({"cohort": {"patients": 20, "body": "chest"}, "effects": ["EGFR -> texture d = 1.6"]}).modality
    'ct'
    """
    _known("key", content, _TOP)
    fields: dict[str, Any] = preset_fields(content["preset"]) if "preset" in content else {}
    cohort = _table(content, "cohort")
    _known("key of [cohort]", cohort, tuple(_COHORT))
    fields |= {_COHORT[key]: value for key, value in cohort.items()}
    if "body" in cohort:
        _known("body", [cohort["body"]], tuple(_BODIES))
        fields["modality"] = _BODIES[cohort["body"]]
    if "effects" in content:
        lines = _lines(content["effects"])
        fields["effects"] = tuple(line for line in lines if not is_link(line))
        fields["links"] = tuple(line for line in lines if is_link(line))
        fields |= {"prevalence": {}, "exclusive": (), "together": {}}
    if "prevalence" in content:
        fields["prevalence"] = {**fields.get("prevalence", {}), **_table(content, "prevalence")}
    genes = _table(content, "genes")
    _known("key of [genes]", genes, ("exclusive", "together"))
    fields |= genes
    for name, kind in _GROUPS.items():
        if name in content:
            given = _table(content, name)
            _known(f"key of [{name}]", given, tuple(kind.__dataclass_fields__))
            fields[name] = replace(fields.get(name, kind()), **given)
    return SimulationSpec(**{**fields, **changes})


def _known(what: str, given: Any, legal: tuple[str, ...]) -> None:
    for key in given:
        if key not in legal:
            raise SettingsError(f"the {what} {key!r}", ", ".join(legal), nearest(str(key), legal) or "leave it out")


def _table(content: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = content.get(name, {})
    if not isinstance(value, dict):
        raise SettingsError(f"{name} = {value!r}", f"a section [{name}]", "write key = value lines below it")
    return dict(value)


def _lines(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(line, str) for line in value):
        raise SettingsError(f"effects = {value!r}", "a list of lines in quotes", 'write ["IDH1 -> texture d = 1.6"]')
    return value
