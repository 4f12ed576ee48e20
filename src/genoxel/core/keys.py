"""The row key: which patient, time point, lesion, region and sample a row speaks of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, cast

from genoxel.core.errors import TableError


class RowKey(NamedTuple):
    """Identity of one row; all but `patient` may be empty. Identifiers are text and stay as written.

    >>> RowKey("P007", lesion="2")
    RowKey(patient='P007', timepoint='', lesion='2', region='', sample='')
    """

    patient: str
    timepoint: str = ""
    lesion: str = ""
    region: str = ""
    sample: str = ""

    def text(self) -> str:
        """Return the key as one readable text, empty parts left out."""
        return "/".join(part for part in self if part)


KEYS = {
    "patient": "Whom the row speaks of.",
    "timepoint": "Which examination of the patient; empty where there is one.",
    "lesion": "Which lesion; empty where they are not told apart.",
    "region": "Which structure or part of the lesion; empty where the row holds all of it.",
    "sample": "Which specimen; empty where there is none.",
}
"""What each part of the row key says."""


_COPY = "augmented copy "


def copy_key(row: RowKey | str, number: int) -> RowKey:
    """Return the key of an augmented copy of a row: it stays a row of its patient, and is known as a copy.

    >>> copy_key("P007", 1)
    RowKey(patient='P007', timepoint='', lesion='', region='', sample='augmented copy 1')
    """
    (key,) = as_keys([row])
    return key._replace(sample=f"{_COPY}{number}" + (f" of {key.sample}" if key.sample else ""))


def is_copy(row: RowKey) -> bool:
    """Return whether a row is an augmented copy: good for training, never for validation or association."""
    return row.sample.startswith(_COPY)


def refuse_copies_alone(rows: Iterable[RowKey]) -> None:
    """Raise `TableError` naming patients of whom there are augmented copies and no row of their own."""
    listed = tuple(rows)
    alone = sorted({row.patient for row in listed} - {row.patient for row in listed if not is_copy(row)})
    if alone:
        raise TableError(
            f"augmented copies without what they were copied from ({', '.join(alone[:5])})",
            "a row of its own for every patient",
            "add the rows that were copied, or leave the copies out",
        )


def as_keys(rows: Iterable[RowKey | str | Sequence[str]]) -> tuple[RowKey, ...]:
    """Return `rows` as row keys; a plain text is a patient. Raises `TableError` for a row without patient."""
    if type(rows) is tuple and _all_keys(rows):
        return rows
    keys: list[RowKey] = []
    checked: set[int] = set()  # millions of events share a few hundred key objects; `keys` keeps them alive
    for row in rows:
        if id(row) in checked:
            keys.append(cast(RowKey, row))
            continue
        key = row if type(row) is RowKey else RowKey(row) if isinstance(row, str) else RowKey(*row)
        if not all(isinstance(part, str) for part in key):
            raise TableError(f"the row key {tuple(key)!r}", "text in every part", "read identifiers as text")
        if not key.patient:
            raise TableError("a row without patient", "a patient identifier in every row", "fill it, or drop the row")
        keys.append(key)
        if key is row:
            checked.add(id(key))
    return tuple(keys)


def _all_keys(rows: tuple[object, ...]) -> bool:
    """Return whether the rows are lawful keys already: millions of events are then not copied."""
    different = {id(row): row for row in rows}
    return all(
        type(row) is RowKey and bool(row.patient) and all(isinstance(part, str) for part in row)
        for row in different.values()
    )


def refuse_duplicates(keys: Sequence[RowKey], what: str) -> None:
    """Raise `TableError` naming the row keys that occur more than once in `what`."""
    seen: set[RowKey] = set()
    twice = sorted({key for key in keys if key in seen or seen.add(key)})  # type: ignore[func-returns-value]
    if twice:
        names = ", ".join(key.text() for key in twice[:5]) + (" ..." if len(twice) > 5 else "")
        raise TableError(
            f"{len(twice)} row keys more than once in {what}: {names}",
            "one row per patient, time point, lesion, region and sample",
            "say which row counts, or fill the time point, lesion or sample",
        )
