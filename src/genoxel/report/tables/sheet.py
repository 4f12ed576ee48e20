"""One table of the report: raw values, one record per field, and the one rounding rule."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from genoxel.core.errors import TableError, nearest

Value = str | int | float | None
FieldKind = Literal["text", "count", "estimate", "gain", "p", "share", "number", "given"]

ROUNDING = {
    "count": "whole numbers, thousands set apart",
    "estimate": "two decimals; more where two would put the number on a line (chance, smallest useful) it is not on",
    "gain": "as estimates, always with its sign",
    "p": "two decimals from 0.1 on, three below, '<0.001' below that",
    "share": "whole per cent",
    "number": "three leading digits",
    "given": "as set or as given in the rule",
    "text": "as written",
}


@dataclass(frozen=True)
class Field:
    """One column of a report table: its machine name, heading, kind (which decides rounding), unit and definition.

    `lines` are values that a rounded number must not fall on unless it truly is there; a `hidden` field stands in the
    CSV files only.
    """

    name: str
    label: str
    kind: FieldKind = "text"
    definition: str = ""
    unit: str = ""
    lines: tuple[float, ...] = ()
    hidden: bool = False


@dataclass(frozen=True)
class Sheet:
    """One table of the report; `key` names it in references and files.

    `total` says how many rows exist in all, `whole` which file holds them where they are more than these.
    """

    key: str
    title: str
    fields: tuple[Field, ...]
    rows: tuple[tuple[Value, ...], ...]
    caption: str = ""
    total: int | None = None
    whole: str = ""

    def __post_init__(self) -> None:
        odd = [row for row in self.rows if len(row) != len(self.fields)]
        if odd:
            raise TableError(
                f"{len(odd[0])} values for {len(self.fields)} fields in report table {self.key!r}",
                "one value per field",
                "correct the builder of this table",
            )

    def place(self, name: str) -> int:
        """Return the position of a field; `TableError` names the nearest."""
        names = [field.name for field in self.fields]
        if name not in names:
            raise TableError(f"field {name!r} of report table {self.key!r}", ", ".join(names), nearest(name, names))
        return names.index(name)

    def value(self, row: int, name: str) -> Value:
        """Return the raw value of a cell."""
        return self.rows[row][self.place(name)]

    def shown(self, row: int, name: str) -> str:
        """Return the cell as it is printed."""
        place = self.place(name)
        return show(self.rows[row][place], self.fields[place])

    def find(self, **wanted: Value) -> int:
        """Return the first row whose fields equal `wanted`; `TableError` when there is none."""
        places = {self.place(name): value for name, value in wanted.items()}
        for number, row in enumerate(self.rows):
            if all(row[place] == value for place, value in places.items()):
                return number
        raise TableError(f"no row {wanted} in report table {self.key!r}", "a row that is there")


class Book(Mapping[str, Sheet]):
    """The tables of one report by key.

    >>> book = Book([Sheet("n", "Patients", (Field("all", "Patients", "count"),), ((1200,),))])
    >>> book["n"].shown(0, "all")
    '1,200'
    """

    def __init__(self, sheets: Sequence[Sheet]) -> None:
        self._sheets = {sheet.key: sheet for sheet in sheets}

    def __getitem__(self, key: str) -> Sheet:
        if key not in self._sheets:
            raise TableError(f"report table {key!r}", ", ".join(self._sheets), nearest(key, self._sheets))
        return self._sheets[key]

    def __contains__(self, key: object) -> bool:
        return key in self._sheets

    def __iter__(self) -> Iterator[str]:
        return iter(self._sheets)

    def __len__(self) -> int:
        return len(self._sheets)

    def __repr__(self) -> str:
        return f"Book of {len(self)} tables: {', '.join(self)}"


def show(value: Value, field: Field) -> str:
    """Return `value` rounded by the rule of its field (see `ROUNDING`); missing numbers are an en dash.

    >>> show(0.6996, Field("low", "Lower", "estimate", lines=(0.70,)))
    '0.6996'
    >>> show(-0.0004, Field("gain", "Gain", "gain", lines=(0.0,))), show(0.0004, Field("p", "p", "p"))
    ('−0.0004', '<0.001')
    """
    if value is None or (isinstance(value, float | np.floating) and math.isnan(value)):
        return "–"
    if isinstance(value, str):
        return value
    text = _number(float(value), field)
    return text.replace("-", "−")


def _number(value: float, field: Field) -> str:
    if math.isinf(value):
        return "infinite" if value > 0 else "-infinite"
    kind = field.kind
    if kind == "count":
        return f"{value:,.0f}"
    if kind in ("estimate", "gain"):
        text = _off_the_lines(value, field.lines)
        return f"+{text}" if kind == "gain" and value > 0 else text
    if kind == "p":
        return _p(value)
    if kind == "share":
        return f"{value * 100:.0f} %"
    return brief(value)


def brief(value: float) -> str:
    """Return a number with its three leading digits, never in powers of ten between 0.0001 and a million millions.

    >>> brief(0.03127), brief(57512.3)
    ('0.0313', '57,500')
    """
    if abs(value) < 1000:
        return f"{value:.3g}"
    return f"{round(value, 2 - math.floor(math.log10(abs(value)))):,.0f}"


def _off_the_lines(value: float, lines: tuple[float, ...]) -> str:
    for digits in range(2, 7):
        text = f"{value:.{digits}f}"
        clash = any(float(text) == round(line, digits) and abs(value - line) > 1e-9 for line in lines)
        if not clash:
            break
    return text.lstrip("-") if float(text) == 0 else text


def _p(value: float) -> str:
    if value < 0.001:
        return "<0.001"
    text = f"{value:.3f}" if value < 0.1 else f"{value:.2f}"
    return f"{value:.5f}" if text == "0.050" and abs(value - 0.05) > 1e-9 else text
