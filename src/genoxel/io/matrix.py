"""Wide matrices of numbers as text (TSV, CSV, GCT), read row by row: no more memory than the numbers need."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genoxel.core.errors import FileFormatError
from genoxel.core.ids import clean_id
from genoxel.core.image import FloatArray
from genoxel.io.delimited import FIRST, headers, sniff
from genoxel.io.streams import Progress, TextStream, not_ended
from genoxel.omics.texts import is_missing

_HEAD = 200
_ROWS = 256


@dataclass(frozen=True, eq=False)
class Matrix:
    """A named matrix: `first` names the rows, `header` the columns (`corner` stands above the first column)."""

    name: str
    corner: str
    header: tuple[str, ...]
    first: tuple[str, ...]
    parts: list[FloatArray]

    def values(self, transpose: bool = False) -> FloatArray:
        """Return the numbers (rows x columns, or turned) once, read-only; the parts they are made of are given back."""
        shape = (len(self.header), len(self.first)) if transpose else (len(self.first), len(self.header))
        whole = np.empty(shape)
        begin = 0
        while self.parts:
            part = self.parts.pop(0)
            place = slice(begin, begin + len(part))
            whole[(slice(None), place) if transpose else place] = part.T if transpose else part
            begin = place.stop
        whole.flags.writeable = False
        return whole


def read_matrix(
    path: str | Path, skip: Collection[str] = (), progress: Progress | None = None, quotes: bool = True
) -> Matrix:
    """Return a matrix of numbers with names of rows and columns; `skip` names columns to leave out (case ignored).

    The separator (; , tab |) is found; lines of GCT are understood. Raises `FileFormatError` naming line and column
    for what is no number, is infinite, ragged, wrongly quoted or cut short.
    """
    with TextStream(path, progress) as stream:
        lines = stream.lines()
        begin, head = _body(lines, stream.path.name)
        sign = sniff("\n".join(head[: _HEAD + 1]) + "\n", stream.path.name)
        reader = _Reader(stream.path.name, sign, begin, quotes)
        return reader.read(itertools.chain(head, lines), {name.casefold() for name in skip}, stream)


def _body(lines: Iterator[str], name: str) -> tuple[int, list[str]]:
    """Return the number of the header's line, and the first lines from there on."""
    number = 0
    for number, line in enumerate(lines, 1):
        if number == 1 and line.rstrip() in ("#1.2", "#1.3"):
            next(lines, None)
            return 3, list(itertools.islice(lines, _HEAD))
        if line.strip() and not line.startswith("#"):
            return number, [line, *itertools.islice(lines, _HEAD)]
    raise FileFormatError(f"{name} without any row", "a header and rows", "check the export")


class _Reader:
    """Reads the rows of one file and says in which line something is wrong."""

    def __init__(self, name: str, sign: str, begin: int, quotes: bool) -> None:
        self.name, self.sign, self.begin, self.quotes = name, sign, begin, quotes
        self.header: tuple[str, ...] = ()
        self.keep: list[int] = []

    def read(self, lines: Iterator[str], skip: Collection[str], stream: TextStream) -> Matrix:
        """Return the matrix of the lines."""
        rows = self._rows(lines)
        _, cells = next(rows)
        self.header = self._names(cells)
        self.keep = [place for place, name in enumerate(self.header) if place and name.casefold() not in skip]
        whole = self.keep == list(range(1, len(self.header)))
        first: list[str] = []
        block: list[FloatArray] = []
        parts: list[FloatArray] = []
        line, last, ends = self.begin, "", set[str]()
        for line, row in rows:
            self._refuse_ragged(row, line, rows)
            first.append(clean_id(row[0]))
            block.append(self._numbers(row[1:] if whole else [row[place] for place in self.keep], line))
            ends.add(last)
            last = row[-1]
            if len(block) == _ROWS:
                parts.append(np.array(block))
                block = []
        if block:
            parts.append(np.array(block))
        if not stream.ended and last and last not in ends:
            raise not_ended(self.name, line, last)
        if not first:
            raise FileFormatError(
                f"{self.name} with a header but no rows", "rows of numbers", "is this the right file?"
            )
        return Matrix(self.name, self.header[0], tuple(self.header[place] for place in self.keep), tuple(first), parts)

    def _names(self, cells: Sequence[str]) -> tuple[str, ...]:
        names = headers(cells, self.name)
        if names[0] == "":
            names = (FIRST, *names[1:])
        if "" in names:
            place = names.index("") + 1
            raise FileFormatError(f"{self.name} without header in column {place}", "a name for each column", "name it")
        return names

    def _rows(self, lines: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
        for number, line in enumerate(lines, self.begin):
            row = self._unquoted(line, number) if self.quotes and '"' in line else line.split(self.sign)
            if any(cell.strip() for cell in row):
                yield number, row

    def _unquoted(self, line: str, number: int) -> list[str]:
        """Return the cells of a line with quotes; a quote that is not closed in its line is refused."""
        try:
            return next(csv.reader([line], delimiter=self.sign, strict=True))
        except csv.Error as error:
            raise self._quote(number, str(error)) from error

    def _quote(self, line: int, reason: str) -> FileFormatError:
        return FileFormatError(
            f"a stray quote in {self.name}, line {line} ({reason})",
            'quotes only around whole cells, doubled inside them ("")',
            "correct that row",
        )

    def _refuse_ragged(self, row: list[str], line: int, rows: Iterator[tuple[int, list[str]]]) -> None:
        if len(row) != len(self.header):
            last = next(rows, None) is None
            note = " (the last line: the file may have been cut short)" if last else ""
            raise FileFormatError(
                f"{len(row)} cells in line {line} of {self.name}{note}",
                f"{len(self.header)} cells as in the header",
                "correct that line; a cell with the separator in it needs quotes",
            )

    def _numbers(self, cells: list[str], line: int) -> FloatArray:
        try:
            values = np.fromiter(map(float, cells), np.float64, len(cells))
        except ValueError:
            values = np.array([self._number(cell, place, line) for place, cell in enumerate(cells)])
        if np.isinf(values).any():
            place = int(np.flatnonzero(np.isinf(values))[0])
            raise FileFormatError(
                f"an infinite value in line {line} of {self.name} ({self.header[self.keep[place]]})",
                "finite numbers",
                "correct it, or leave it empty",
            )
        return values

    def _number(self, cell: str, place: int, line: int) -> float:
        if is_missing(cell):
            return np.nan
        try:
            return float(cell)
        except ValueError:
            name = self.header[self.keep[place]]
            raise FileFormatError(
                f"{cell!r} in line {line}, column {name!r} of {self.name}",
                "numbers",
                f"correct it, or leave that column out: skip=({name!r},)",
            ) from None
