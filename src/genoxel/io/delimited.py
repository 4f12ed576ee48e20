"""Delimited text read strictly: every row has every field, every quote is closed, every header is unique."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from genoxel.core.errors import FileFormatError, TableError, nearest
from genoxel.core.ids import clean_id
from genoxel.io.files import is_gzip, safe_text

_DELIMITERS = (";", ",", "\t", "|")
_SAMPLE = 200
_LINE = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class Grid:
    """A header and rows of text with the line (or spreadsheet row) that each row begins in."""

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    delimiter: str = ""
    comments: tuple[str, ...] = ()
    sheet: str = ""

    def place(self, column: str) -> int:
        """Return the position of a column; `TableError` names the nearest."""
        if column in self.header:
            return self.header.index(column)
        some = ", ".join(self.header[:12]) + (" ..." if len(self.header) > 12 else "")
        folded = {name.casefold(): name for name in self.header}
        hint = f"did you mean {folded[column.casefold()]!r}?" if column.casefold() in folded else ""
        if any(column in comment for comment in self.comments):
            hint = "a line that begins with # was taken as a comment: remove the # from the header"
        raise TableError(f"column {column!r} of {self.name}", some, hint or nearest(column, self.header))

    def column(self, column: str) -> tuple[str, ...]:
        """Return the cells of a column."""
        place = self.place(column)
        return tuple(row[place] for row in self.rows)


def read_grid(path: str | Path, delimiter: str | None = None, quotes: bool = True) -> Grid:
    """Return the rows of a delimited text file; leading lines that begin with # are comments.

    The delimiter (; , tab |) is found when not given. `quotes=False` takes quotes as they stand (tab-separated
    genomics). Raises `FileFormatError` naming the line for ragged rows, stray quotes, a wrong or open delimiter,
    duplicate or missing headers, and a last line that may have been cut short.
    """
    file = Path(path)
    text = safe_text(file)
    comments, body, first = _split_comments(text)
    if not body.strip():
        raise FileFormatError(f"{file.name} without any row", "a header and rows", "check the export")
    sign = delimiter or sniff(body, file.name)
    header, rows, lines = _parse(body, sign, quotes, first, file.name)
    names = headers(header, file.name)
    _refuse_ragged(rows, lines, len(names), file.name)
    grid = Grid(file.name, names, tuple(map(tuple, rows)), tuple(lines), sign, comments)
    if not text.endswith(("\n", "\r")) and not is_gzip(file):
        _refuse_cut(grid)
    return without_empty_columns(grid)


def _split_comments(text: str) -> tuple[tuple[str, ...], str, int]:
    comments, start, line = [], 0, 1
    while text.startswith("#", start):
        end = _LINE.search(text, start)
        if end is None:
            break
        comments.append(text[start : end.start()].strip())
        start, line = end.end(), line + 1
    return tuple(comments), text[start:], line


def sniff(body: str, name: str) -> str:
    """Return the delimiter under which the first rows are equally long and longest."""
    sample = "".join(body.splitlines(keepends=True)[: _SAMPLE + 1])
    widths: dict[str, int] = {}
    unnamed: FileFormatError | None = None
    for sign in _DELIMITERS:
        try:
            rows = [row for row in csv.reader(io.StringIO(sample, newline=""), delimiter=sign) if any(row)]
        except csv.Error:
            continue
        if rows and len(rows[0]) > 1:
            same = sum(len(row) == len(rows[0]) for row in rows)
            if 2 * same > len(rows):
                widths[sign] = len(rows[0])
            elif len(rows) > 1 and {len(row) for row in rows[1:]} == {len(rows[0]) + 1}:
                unnamed = FileFormatError(
                    f"{name} whose header has {len(rows[0])} cells and whose rows have {len(rows[0]) + 1}",
                    "a header above every column",
                    "name the first column (in R: write.table(..., col.names = NA)), or see what shifted the rows",
                )
    if not widths:
        raise unnamed or FileFormatError(
            f"{name} in which no separator makes equal columns", "; , tab or |", "save it as 'CSV UTF-8'"
        )
    best = max(widths.values())
    fitting = [sign for sign, width in widths.items() if width == best]
    if len(fitting) > 1:
        raise FileFormatError(
            f"{name} that both {fitting[0]!r} and {fitting[1]!r} may separate", "one separator", "write it with tabs"
        )
    return fitting[0]


def _parse(body: str, sign: str, quotes: bool, first: int, name: str) -> tuple[list[str], list[list[str]], list[int]]:
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE
    reader = csv.reader(io.StringIO(body, newline=""), delimiter=sign, strict=True, quoting=quoting)
    rows: list[list[str]] = []
    lines: list[int] = []
    begin = first
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                if rows and first + reader.line_num > begin + 1:
                    _refuse_swallowed(row, begin, sign, len(rows[0]), name)
                rows.append(row)
                lines.append(begin)
            begin = first + reader.line_num
    except csv.Error as error:
        raise FileFormatError(
            f"a stray quote or line break in {name}, in the row that begins in line {begin} ({error})",
            'quotes only around whole cells, doubled inside them ("")',
            "correct that row",
        ) from error
    return rows[0], rows[1:], lines[1:]


def _refuse_swallowed(row: Sequence[str], line: int, sign: str, width: int, name: str) -> None:
    """Refuse a quoted cell that contains what looks like whole rows: a quote was opened and never closed."""
    for cell in row:
        if ("\n" in cell or "\r" in cell) and any(
            part.count(sign) >= max(1, width - 2) for part in _LINE.split(cell)[1:]
        ):
            raise FileFormatError(
                f"a stray quote in {name}, line {line}, that swallows the rows after it",
                "quotes that are closed in the same cell",
                "remove or double that quote",
            )


def headers(cells: Iterable[str], name: str) -> tuple[str, ...]:
    """Return headers with single spaces; `FileFormatError` when one occurs twice."""
    names = tuple(" ".join(clean_id(cell).split()) for cell in cells)
    twice = sorted({cell for cell in names if cell and names.count(cell) > 1})
    if twice:
        places = ", ".join(str(place + 1) for place, cell in enumerate(names) if cell == twice[0])
        raise FileFormatError(
            f"the header {twice[0]!r} more than once in {name} (columns {places})", "unique headers", "rename one"
        )
    return names


def _refuse_ragged(rows: list[list[str]], lines: list[int], width: int, name: str) -> None:
    for place, (row, line) in enumerate(zip(rows, lines, strict=True)):
        if len(row) != width:
            last = " (the last line: the file may have been cut short)" if place == len(rows) - 1 else ""
            raise FileFormatError(
                f"{len(row)} cells in line {line} of {name}{last}",
                f"{width} cells as in the header",
                "correct that line; a cell with the separator in it needs quotes",
            )


def _refuse_cut(grid: Grid) -> None:
    """Refuse a text without final line break, unless its last cell occurs elsewhere and so was not cut in the middle.

    (A gzip file is known to be whole by its own checksum.)
    """
    cells = [row[-1] for row in grid.rows]
    if cells and cells[-1] and cells[-1] not in cells[:-1]:
        raise FileFormatError(
            f"{grid.name} ending with {cells[-1][-20:]!r} in line {grid.lines[-1]}, which is not ended",
            "a last line that is ended, else the file may have been cut short",
            "copy it again; if it is complete, add a line break at its end",
        )


FIRST = "(first column)"
"""Name of a first column without header that holds something: row names, as R and pandas write them."""


def without_empty_columns(grid: Grid) -> Grid:
    """Return the grid without columns that have neither name nor content, and without a leading row counter.

    A first column of row names gets the name `FIRST`; any other column with content but no name is refused.
    """
    unnamed = [place for place, name in enumerate(grid.header) if not name]
    header = list(grid.header)
    drop: set[int] = set()
    if grid.header[0] in ("", "Unnamed: 0") and _counts([row[0].strip() for row in grid.rows]):
        drop.add(0)
    for place in set(unnamed) - drop:
        line = next((line for row, line in zip(grid.rows, grid.lines, strict=True) if row[place].strip()), None)
        if line is None:
            drop.add(place)
        elif place == 0:
            header[0] = FIRST
        else:
            raise FileFormatError(
                f"{grid.name} with a cell in row {line} of column {place + 1}, which has no header",
                "a header above every column",
                "name that column",
            )
    keep = [place for place in range(len(header)) if place not in drop]
    rows = tuple(tuple(row[place] for place in keep) for row in grid.rows) if drop else grid.rows
    return replace(grid, header=tuple(header[place] for place in keep), rows=rows)


def _counts(cells: Sequence[str]) -> bool:
    """Return whether the cells only count the rows, from 0 or from 1."""
    return len(cells) > 1 and any(
        all(cell == str(place + start) for place, cell in enumerate(cells)) for start in (0, 1)
    )
