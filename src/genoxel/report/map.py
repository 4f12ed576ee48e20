"""The association map to explore: one self-contained page that computes any pair from the values it carries."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from genoxel.associate.clusters import paired
from genoxel.associate.covariates import covariates_of
from genoxel.core.image import FloatArray
from genoxel.core.keys import as_keys
from genoxel.core.results import AssociationMap
from genoxel.core.table import Column, Table
from genoxel.report.content import Screen
from genoxel.report.effects import EFFECTS, signed, worlds_in_words
from genoxel.report.templates import asset, environment
from genoxel.stats.rankp import rank_series

LIMIT = 40_000_000
"""A map page is smaller than this many bytes."""

VALUES = 27_000_000
"""Bytes of values that the page may carry before encoding."""

MOST = 200
LINKED = 6000
"""Up to this many columns are ordered by similarity, more by their strongest link."""

FROM_TABLE = 500_000
"""Pairs that the page cannot compute itself are carried up to this number."""


def association_page(screens: Sequence[Screen], study: str, simulated: bool = False) -> str:
    """Return the page of all `screens` that hold their tables, as one HTML text that fetches nothing.

    Where the values would take too much, the columns of the other side with the largest p are left out, and the page
    says how many it carries.
    """
    data: list[tuple[str, str]] = []
    maps: list[dict[str, Any]] = []
    rules: list[str] = []
    room = VALUES // max(len(screens), 1)
    for screen in screens:
        if screen.image is not None and screen.other is not None and screen.map.pairs["p"].size:
            about, parts, rule = _packed(screen, screen.image, screen.other, room)
            data += [(f"{name}{len(maps)}", _text(array)) for name, array in parts.items()]
            maps.append(about)
            rules += [rule] if rule else []
    script = f"{asset('parquet.js')}\n{asset('map.js')}"
    seal = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    names = {
        "study": study,
        "simulated": simulated,
        "rule": " ".join(rules),
        "about": Markup(_json({"maps": maps})),  # noqa: S704 (every sign of markup is escaped)
        "data": [(key, Markup(text)) for key, text in data],  # noqa: S704 (base64)
        "script": Markup(script),  # noqa: S704 (our own file)
        "script_hash": seal,
    }
    return environment().get_template("map.html.j2").render(names) + "\n"


def _json(content: Any) -> str:
    text = json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _text(array: npt.NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def _packed(
    screen: Screen, image: Table, other: Table, room: int
) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]], str]:
    found = screen.map
    names = [column.name for column in found.other_columns]
    shape = (len(found.image_columns), len(names))
    p = np.asarray(found.pairs["p"], dtype=np.float64).reshape(shape)
    least = np.where(np.isnan(p), 2.0, p)
    patients, x, y = _values(found, image, other)
    kept = np.arange(shape[1])
    fits = max(room // (4 * max(len(patients), 1)) - shape[0], 1)
    rule = ""
    if shape[1] > fits:
        kept = np.sort(np.argsort(least.min(axis=0), kind="stable")[:fits])
        rule = f"Of {screen.name}, the {fits} of {shape[1]} columns with the smallest p are carried."
    columns = tuple(found.other_columns[place] for place in kept)
    y, least = y[:, kept], least[:, kept]
    z = _covariates(screen, patients)
    kinds, row_kinds = _kinds(found, shape, kept)
    about = {
        "name": screen.name,
        "n": len(patients),
        "patients": patients,
        "rows": [column.name for column in found.image_columns],
        "cols": [column.name for column in columns],
        "family": [column.source.family for column in found.image_columns],
        "cfamily": [column.source.family for column in columns],
        "kind": kinds,
        "rkind": row_kinds,
        "levels": [_levels(column) for column in columns],
        "effect": _effects(found, shape, kept),
        "method": str(found.settings.get("correlation", "spearman")),
        "moments": found.settings.get("tails", "moments") == "moments",
        "series": {str(n): rank_series(n) for n in range(10, min(len(patients), 2000) + 2)},
        "nz": 0 if z is None else int(z.shape[1]),
        "adjusted": list(found.adjusted_for),
        "q": found.q,
        "cut": _cut(found, "p", "q"),
        "cutAdjusted": _cut(found, "p_adjusted", "q_adjusted"),
        "top": _top(least),
        "place": [_place(x, least), _place(y, least.T)],
        "sentence": _sentence(found),
    }
    parts: dict[str, npt.NDArray[Any]] = {"x": x.T.astype("<f4"), "y": y.T.astype("<f4")}
    if z is not None:
        parts["z"] = z.T.astype("<f8")
    side, at = _side(found, kinds, row_kinds, kept)
    about |= {"nside": len(side), "sideAt": at}
    return about, parts | ({"s": side} if len(side) else {}), rule


def _values(found: AssociationMap, image: Table, other: Table) -> tuple[list[str], FloatArray, FloatArray]:
    """Return the shared patients and the values of both sides, groups as 0 and 1."""
    names, left, right = paired(image, other, found.settings.get("several", "only"))
    x = left.select([column.name for column in found.image_columns]).values
    y = right.select([column.name for column in found.other_columns]).values
    return names, np.asarray(x), np.asarray(y)


def _covariates(screen: Screen, patients: list[str]) -> FloatArray | None:
    clustered = screen.map.settings.get("several") == "clustered"
    if screen.adjust is None or not screen.map.adjusted_for or clustered:
        return None
    table = screen.adjust.per_patient("first")
    place = {patient: row for row, patient in enumerate(table.patients)}
    padded = np.vstack([table.values, np.full((1, len(table.columns)), np.nan)])
    rows = padded[[place.get(patient, -1) for patient in patients]]
    ranked = screen.map.settings.get("correlation", "spearman") == "spearman"
    return covariates_of(Table(rows, as_keys(patients), table.columns, table.kind), ranked)


def _levels(column: Column) -> list[str] | None:
    if column.levels:
        return list(column.levels)
    return ["0", "1"] if column.kind == "binary" else None


_COMPUTED = {"spearman": "number", "pearson": "number", "mann-whitney": "group"}


def _kinds(found: AssociationMap, shape: tuple[int, int], kept: npt.NDArray[np.intp]) -> tuple[list[str], list[str]]:
    """Return what the page does with each column and each row: compute numbers or groups, or read the table."""
    numeric = [column.kind in ("real", "count", "ordinal") for column in found.image_columns]
    rows = ["number" if one else "table" for one in numeric]
    by_ranks = found.settings.get("correlation", "spearman") == "spearman"
    plain = found.settings.get("groups", "auc") == "auc" and (by_ranks or not found.adjusted_for)
    tests = np.asarray(found.pairs["test"]).reshape(shape)
    columns = []
    for place in kept.tolist():
        words = {str(word) for word in tests[numeric, place]} - {"", "none"}
        kind = _COMPUTED.get(next(iter(words)), "table") if len(words) == 1 else "table"
        levels = found.other_columns[place].levels
        coded = kind != "group" or len(levels) in (0, 2)
        columns.append(kind if coded and (plain or kind != "group") else "table")
    return columns, rows


def _effects(found: AssociationMap, shape: tuple[int, int], kept: npt.NDArray[np.intp]) -> list[str]:
    names = np.asarray(found.pairs["effect_name"]).reshape(shape)
    first = [next((str(word) for word in set(names[:, place]) if word), "effect") for place in kept.tolist()]
    return [EFFECTS.get(name, name) for name in first]


def _cut(found: AssociationMap, p: str, q: str) -> float:
    """Return the largest p that passes, -1 where none does."""
    with np.errstate(invalid="ignore"):
        passing = np.asarray(found.pairs[p])[np.asarray(found.pairs[q]) <= found.q]
    return float(passing.max()) * (1 + 1e-9) if passing.size else -1.0


def _top(least: FloatArray) -> list[list[int]]:
    columns = np.argsort(least.min(axis=0), kind="stable")[:MOST]
    rows = np.argsort(least[:, columns].min(axis=1), kind="stable")[:MOST]
    return [rows.tolist(), columns.tolist()]


def _place(values: FloatArray, least: FloatArray) -> list[int]:
    """Return the position of each column of `values` (n, m) when like stands beside like."""
    if not 3 <= values.shape[1] <= LINKED:
        order = np.argsort(least.min(axis=1), kind="stable")
    else:
        from scipy.cluster.hierarchy import leaves_list, linkage
        from scipy.spatial.distance import pdist

        from genoxel.stats.ranks import ranks

        ranked = ranks(values)
        centred = np.nan_to_num(ranked - np.nanmean(np.where(np.isnan(ranked), 0.0, ranked), axis=0))
        length = np.sqrt((centred**2).sum(axis=0))
        unit = centred / np.where(length > 0, length, 1.0)
        order = leaves_list(linkage(pdist(unit.T.astype(np.float32)), "average"))
    place = np.empty(len(order), dtype=np.intp)
    place[order] = np.arange(len(order))
    return [int(one) for one in place]


def _sentence(found: AssociationMap) -> str:
    tested = int((~np.isnan(np.asarray(found.pairs["p"], dtype=np.float64))).sum())
    text = f"{found.hits} of {tested} pairs pass a false discovery rate of {found.q:g}"
    if found.null_hits.size:
        text += f"; {worlds_in_words(found.null_hits)}"
    if found.adjusted_for:
        text += f". After {', '.join(found.adjusted_for)}: {found.hits_adjusted}"
    if not found.hits and np.isfinite(found.detectable):
        text += f". Only links of {found.detectable:.2f} or more would be seen in four of five such studies"
    return " ".join((text + ".", *found.settings.get("cautions", ())))


def _side(
    found: AssociationMap, kinds: list[str], row_kinds: list[str], kept: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.float32], dict[str, int]]:
    """Return n, effect, interval and p of the pairs that the page reads from here, and where each stands."""
    m = len(found.other_columns)
    wanted = [
        (i, j, i * m + int(kept[j]))
        for i, row in enumerate(row_kinds)
        for j, column in enumerate(kinds)
        if row == "table" or column == "table"
    ]
    if not wanted or len(wanted) > FROM_TABLE:
        return np.empty(0, dtype=np.float32), {}
    index = np.array([place for _, _, place in wanted])
    columns = [np.asarray(found.pairs[name], dtype=np.float32)[index] for name in ("n", "effect", "low", "high", "p")]
    columns.append(signed(found).astype(np.float32)[index])
    return np.column_stack(columns).ravel(), {f"{i},{j}": 6 * rank for rank, (i, j, _) in enumerate(wanted)}
