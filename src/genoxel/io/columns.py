"""Chosen columns of large tab-separated files, block by block: bounded memory for millions of rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import FileFormatError
from genoxel.core.image import FloatArray
from genoxel.io.delimited import headers
from genoxel.io.files import existing
from genoxel.io.streams import Progress, TextStream, not_ended
from genoxel.omics.texts import MISSING_WORDS, read_numbers

if TYPE_CHECKING:
    import pyarrow as pa

_BLOCK = 2**20
"""Small blocks: the reader keeps several parsed ones ahead."""
_ROOM = 500_000
_SHARED = 200_000
"""A column with more distinct words than this is not worth a dictionary over the whole file."""


class ColumnFile:
    """A tab-separated file with `#` lines, then a header, then rows; quotes are letters like any other.

    `header` holds the columns' names. Raises `FileFormatError` for a file without rows or with a header twice.
    """

    def __init__(self, path: str | Path, progress: Progress | None = None) -> None:
        self.path = existing(path)
        self.name = self.path.name
        self.progress = progress
        self.comments: list[str] = []
        self.header, self.skip = self._head()

    def _head(self) -> tuple[tuple[str, ...], int]:
        with TextStream(self.path) as stream:
            for number, line in enumerate(stream.lines(), 1):
                if line.startswith("#") and not _heads(line):
                    self.comments.append(line.strip())
                elif line.strip():
                    return headers(line.lstrip("#").split("\t"), self.name), number
        raise FileFormatError(f"{self.name} without any row", "a header and rows", "check the export")

    def place(self, *names: str) -> int | None:
        """Return the position of the first of `names` that is a column (case is ignored), or None."""
        folded = {name.casefold(): place for place, name in enumerate(self.header)}
        return next((folded[name.casefold()] for name in names if name.casefold() in folded), None)

    def blocks(self, columns: Sequence[int]) -> Iterator[list[Block]]:
        """Yield the chosen columns of successive blocks of rows.

        Raises `FileFormatError` naming the line for ragged rows, other encodings, NUL characters, damaged gzip, and a
        last line that may have been cut short.
        """
        import pyarrow as pa

        names = [str(place) for place in range(len(self.header))]
        start = 0
        with TextStream(self.path, self.progress) as stream:
            try:
                for batch in self._open(stream, names, [names[place] for place in columns]):
                    yield [Block(self, self.header[place], batch.column(at), start) for at, place in enumerate(columns)]
                    start += len(batch)
            except pa.ArrowInvalid as error:
                raise self._ragged(str(error)) from error
            ended = stream.ended
        if not ended:
            self._refuse_cut()

    def _open(self, stream: TextStream, names: list[str], wanted: list[str]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa
        from pyarrow import csv

        read = csv.ReadOptions(column_names=names, skip_rows=self.skip, block_size=_BLOCK, use_threads=False)
        parse = csv.ParseOptions(delimiter="\t", quote_char=False)
        types = {name: pa.string() for name in wanted}
        convert = csv.ConvertOptions(
            include_columns=wanted, column_types=types, strings_can_be_null=False, check_utf8=False
        )
        try:
            yield from csv.open_csv(stream, read_options=read, parse_options=parse, convert_options=convert)
        except pa.ArrowInvalid as error:
            if "Empty CSV" not in str(error):
                raise

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield (line number, cells) of the rows: slow, to explain what is wrong."""
        with TextStream(self.path) as stream:
            for number, line in enumerate(stream.lines(), 1):
                if number > self.skip and line:
                    yield number, line.split("\t")

    def line(self, row: int) -> int:
        """Return the line in which data row `row` (from 0) stands."""
        return next(number for place, (number, _) in enumerate(self.rows()) if place == row)

    def _ragged(self, reason: str) -> FileFormatError:
        width, rows = len(self.header), self.rows()
        for number, cells in rows:
            if len(cells) != width:
                last = next(rows, None) is None
                note = " (the last line: the file may have been cut short)" if last else ""
                return FileFormatError(
                    f"{len(cells)} cells in line {number} of {self.name}{note}",
                    f"{width} cells as in the header",
                    "correct that line",
                )
        return FileFormatError(f"{self.name} that cannot be read ({reason})", "tab-separated rows", "export it again")

    def _refuse_cut(self) -> None:
        """Refuse a text without final line break, unless its last cell occurs elsewhere and so was not cut inside."""
        number, final, seen = 0, "", False
        for line, cells in self.rows():
            seen = seen or (number > 0 and final == cells[-1])
            number, final = line, cells[-1]
        if final and not any(cells[-1] == final for line, cells in self.rows() if line != number):
            raise not_ended(self.name, number, final)


def _heads(line: str) -> bool:
    """Return whether a line that begins with # is the header itself, as some tools write it."""
    return line.casefold().startswith(("#chrom", "#gene1\t", "#fusionname\t", "#sample\t"))


class Block:
    """One column of one block of rows."""

    def __init__(self, file: ColumnFile, name: str, array: Any, start: int) -> None:
        self.file, self.name, self.array, self.start = file, name, array, start

    def words(self, shared: dict[str, str]) -> npt.NDArray[np.object_]:
        """Return the cells without outer spaces; equal words are one object, over blocks where `shared` is small."""
        codes, words = self.codes()
        if len(shared) < _SHARED:
            words = [shared.setdefault(word, word) for word in words]
        found: npt.NDArray[np.object_] = np.array(words, dtype=object)[codes]
        return found

    def codes(self) -> tuple[npt.NDArray[np.intp], list[str]]:
        """Return each cell's place among the distinct words of the block, and these words."""
        packed = self.array.dictionary_encode()
        words = [word.strip() for word in packed.dictionary.to_pylist()]
        return packed.indices.to_numpy().astype(np.intp), words

    def numbers(self) -> FloatArray:
        """Return the cells as numbers, NaN where missing; `FileFormatError` names the line of what is no number."""
        import pyarrow as pa
        from pyarrow import compute

        cells = compute.utf8_trim_whitespace(self.array)
        missing = compute.is_in(compute.utf8_lower(cells), value_set=pa.array(sorted(MISSING_WORDS)))
        try:
            found = compute.if_else(missing, None, cells).cast(pa.float64())
        except pa.ArrowInvalid:
            return self._slow_numbers()
        values: FloatArray = found.to_numpy(zero_copy_only=False).astype(np.float64)
        if np.isinf(values).any() or (np.isnan(values).sum() > found.null_count):
            return self._slow_numbers()
        return values

    def _slow_numbers(self) -> FloatArray:
        numbers, odd = read_numbers(dict(enumerate(self.array.to_pylist())))
        if odd:
            row, text = next(iter(odd.items()))
            line = self.file.line(self.start + row)
            raise FileFormatError(
                f"{text!r} as {self.name} in line {line} of {self.file.name}", "a number", "correct that line"
            )
        return np.array(list(numbers.values()), dtype=np.float64)


class Growing:
    """An array that grows at its end without being copied whole: large arrays are enlarged where they lie."""

    def __init__(self, dtype: npt.DTypeLike) -> None:
        self.array: npt.NDArray[Any] = np.empty(0, dtype=dtype)
        self.count = 0

    def add(self, part: npt.NDArray[Any]) -> None:
        """Put `part` at the end."""
        need = self.count + len(part)
        if need > len(self.array):
            self.array.resize(need + _ROOM, refcheck=False)
        self.array[self.count : need] = part
        self.count = need

    def done(self) -> npt.NDArray[Any]:
        """Return the array, cut to what was put in."""
        self.array.resize(self.count, refcheck=False)
        return self.array
