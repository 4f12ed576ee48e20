"""`genoxel catalog`: what a feature is, and what the whole name of a column says, with the settings behind it."""

from __future__ import annotations

import csv
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genoxel.core.errors import InputError, TableError, nearest
from genoxel.features.catalog import EVERY_FAMILY, FeatureRecord, catalog, family
from genoxel.features.names import AGGREGATIONS, Named, looks_like_a_column, matching, parse_name
from genoxel.io import plainjson
from genoxel.io.files import existing, safe_text

DICTIONARY_FILE, SETTINGS_FILE = "data_dictionary.csv", "settings.json"
_IN_FULL = 3
"""So many features are told in full; more are listed."""

_WIDTH = 100


@dataclass(frozen=True)
class Catalogue:
    """Features of the catalogue; `name` is the column asked for, `column` and `settings` what its extraction tells."""

    records: tuple[FeatureRecord, ...]
    name: Named | None = None
    column: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """Return a line per feature, or, of few, everything that is known of them."""
        if len(self.records) <= _IN_FULL:
            return [line for one in self.records for line in _in_full(one)] + self._named_lines()
        count = f"{len(self.records)} features, {sum(one.ibsi for one in self.records)} of them of IBSI 1"
        rows = [
            f" {one.family:<6} {one.name:<42} {one.code:<8} {one.unit:<8} {'' if one.ibsi else one.standing}".rstrip()
            for one in self.records
        ]
        return [count, *rows]

    def _named_lines(self) -> list[str]:
        if self.name is None:
            return []
        one = self.name
        told = [
            ("modality", one.modality),
            ("region", one.region),
            ("filter", one.filter),
            ("aggregation", f"{one.aggregation or 'none'} ({AGGREGATIONS.get(one.aggregation, 'threshold')})"),
            *([("unit here", self.column["unit"])] if self.column.get("unit") else []),
            *([("settings", self.column["settings"])] if self.column.get("settings") else []),
            *((f"  {key}", value) for key, value in _flat(self.settings)),
        ]
        return [f" {key:<12} {value}" for key, value in told]

    def to_json(self) -> dict[str, Any]:
        """Return the features as plain values, and the parts of the column asked for."""
        content: dict[str, Any] = {"features": [_plain(one) for one in self.records]}
        if self.name is not None:
            parts = {key: value for key, value in self.name._asdict().items() if key != "record"}
            about = {key: self.column.get(key, "") for key in ("unit", "settings")}
            content["column"] = {**parts, **about, "set": dict(self.settings)}
        return content


def _plain(one: FeatureRecord) -> dict[str, Any]:
    names = ("family", "name", "title", "code", "unit", "formula", "definition", "reference", "ibsi")
    return {name: getattr(one, name) for name in names}


def _in_full(one: FeatureRecord) -> list[str]:
    code = f"IBSI {one.code}, {one.standing}" if one.code else one.standing
    told = [
        ("definition", one.definition),
        ("formula", one.formula),
        ("unit", one.unit.replace("u", "unit of the image", 1) if one.unit.startswith("u") else one.unit or "none"),
        ("source", one.reference),
    ]
    lines = [f"{one.family}.{one.name}   {one.title}   [{code}]   {family(one.family).title}"]
    for key, text in told:
        first, *rest = textwrap.wrap(text, _WIDTH) or [""]
        lines += [f" {key:<12} {first}", *(f" {'':<12} {line}" for line in rest)]
    return lines


def _flat(settings: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, value in settings.items():
        name = f"{before}{key}"
        rows += _flat(value, f"{name}.") if isinstance(value, Mapping) else [(name, str(value))]
    return [(key, value) for key, value in rows if value not in ("None", "[]", "()")]


def look_up(word: str = "", results: Path | None = None) -> Catalogue:
    """Return the features that hold `word` in family, name, title or code, or what the name of a column says.

    `results` is the folder of an extraction; of a column it adds the unit and the settings. Raises `InputError` when
    nothing is called so, `SettingsError` for a column name with an unknown part, `TableError` for a column that the
    extraction does not hold.

    >>> look_up("CT.roi.none.stat.mean").records[0].code
    'Q4LE'
    """
    if looks_like_a_column(word):
        named = parse_name(word)
        column, settings = _measured(word, results) if results is not None else ({}, {})
        return Catalogue((named.record,), named, column, settings)
    found = tuple(matching(word))
    if not found:
        legal = f"a word, an IBSI code, a column name, or a family: {', '.join(EVERY_FAMILY)}"
        names = [one.name for one in catalog()]
        raise InputError(f"no feature with {word!r}", legal, nearest(word.casefold().replace(" ", "_"), names))
    return Catalogue(found)


def _measured(name: str, folder: Path) -> tuple[dict[str, str], Mapping[str, Any]]:
    """Return the row of the data dictionary that speaks of a column, and the settings behind its hash."""
    text = safe_text(existing(folder / DICTIONARY_FILE))
    rows = {row["column"]: row for row in csv.DictReader(text.removeprefix("\ufeff").splitlines())}
    if name not in rows:
        raise TableError(f"the column {name!r}", f"a column of {folder.name}", nearest(name, rows))
    known = plainjson.load_file(existing(folder / SETTINGS_FILE))
    return rows[name], known.get(rows[name]["settings"], {}) if isinstance(known, dict) else {}


NAMES = ("genoxel", "ibsi", "pyradiomics", "mirp", "note")


@dataclass(frozen=True)
class NameMap:
    """Features with their names elsewhere: here, IBSI code, PyRadiomics, MIRP, what differs."""

    rows: tuple[tuple[str, str, str, str, str], ...]

    def lines(self) -> list[str]:
        """Return one line per feature."""
        widths = [max(len(row[place]) for row in (*self.rows, NAMES)) for place in range(4)]
        return [
            " " + "  ".join(f"{part:<{width}}" for part, width in zip(row, (*widths, 0), strict=True)).rstrip()
            for row in (NAMES, *self.rows)
        ]

    def to_json(self) -> dict[str, Any]:
        """Return the names as plain values."""
        return {"names": [dict(zip(NAMES, row, strict=True)) for row in self.rows]}


def list_names(word: str = "") -> NameMap:
    """Return what those features are called elsewhere that `look_up` finds for `word`."""
    from genoxel.features.elsewhere import names

    found = {f"{one.family}.{one.name}" for one in look_up(word).records}
    rows = [(one.ours, one.code, one.pyradiomics, one.mirp, one.note) for one in names()]
    return NameMap(tuple(row for row in rows if row[0] in found))
