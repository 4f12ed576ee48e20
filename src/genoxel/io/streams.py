"""Large text files read block by block: checked as they pass, never held whole."""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, cast

from genoxel.core.errors import FileFormatError
from genoxel.io.files import existing, is_gzip

Progress = Callable[[int, int], None]
"""Called with (bytes read from the disk, bytes of the file) while a large file is read."""

BLOCK = 8 * 2**20
_WIDE = ((b"\xff\xfe", b"\xfe\xff"), (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff"))


class TextStream:
    """The bytes of a UTF-8 text file, unpacked when they are gzip (also block gzip), checked as they are read.

    Raises `FileFormatError` naming the line for UTF-16, for bytes that are no UTF-8, for NUL characters and for
    damaged gzip; `MissingFileError` when the file is not there.
    """

    def __init__(self, path: str | Path, progress: Progress | None = None) -> None:
        self.path = existing(path)
        self.packed = is_gzip(self.path)
        self.size = self.path.stat().st_size
        self.closed = False
        self.last = b""
        self._progress = progress
        self._raw = self.path.open("rb")
        self._file = cast("IO[bytes]", gzip.GzipFile(fileobj=self._raw)) if self.packed else self._raw
        self._lines = 1
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._begun = False

    def read(self, size: int = -1) -> bytes:
        """Return the next at most `size` bytes (pyarrow asks so); empty at the end."""
        wanted = BLOCK if size is None or size < 0 else size
        try:
            block = self._file.read(wanted)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise FileFormatError(
                f"a damaged gzip file {self.path.name} ({error})", "a complete .gz file", "copy or download it again"
            ) from error
        if not self._begun:
            block = self._begin(block)
        self._check(block)
        if block:
            self.last = block[-1:]
        if self._progress is not None:
            self._progress(self._raw.tell(), self.size)
        return block

    def _begin(self, block: bytes) -> bytes:
        self._begun = True
        if block[:2] in _WIDE[0] or block[:4] in _WIDE[1]:
            raise FileFormatError(
                f"{self.path.name} in UTF-16 or UTF-32", "UTF-8", "save it as 'CSV UTF-8' and try again"
            )
        return block.removeprefix(codecs.BOM_UTF8)

    def _check(self, block: bytes) -> None:
        if b"\0" in block:
            line = self._lines + block.count(b"\n", 0, block.index(b"\0"))
            raise FileFormatError(
                f"{self.path.name} with a NUL character in line {line}", "plain text", "export it again"
            )
        try:
            if not block.isascii() or self._decoder.getstate()[0] or not block:
                self._decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            line = self._lines + block.count(b"\n", 0, error.start)
            raise FileFormatError(
                f"{self.path.name} with a byte 0x{error.object[error.start]:02x} in line {line} that is no UTF-8",
                "UTF-8 (it may be Latin-1 or Windows-1252)",
                "save it as 'CSV UTF-8' and try again",
            ) from error
        self._lines += block.count(b"\n")

    def readable(self) -> bool:
        """Return True, as pyarrow asks."""
        return True

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        self._raw.close()
        self.closed = True

    def __enter__(self) -> TextStream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def ended(self) -> bool:
        """Whether the text read so far ends with a line break (gzip is known to be whole by its checksum)."""
        return self.packed or self.last in (b"\n", b"\r", b"")

    def lines(self) -> Iterator[str]:
        r"""Yield the lines without their line breaks (\n, \r\n or \r)."""
        rest = ""
        decoder = codecs.getincrementaldecoder("utf-8")()
        while block := self.read(BLOCK):
            text = rest + decoder.decode(block)
            if text.endswith("\r"):  # its \n may come with the next block
                text, rest = text[:-1], "\r"
            else:
                rest = ""
            whole = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
            rest = whole.pop() + rest
            yield from whole
        if rest := rest.rstrip("\r"):
            yield rest


def not_ended(name: str, line: int, cell: str) -> FileFormatError:
    """Return the error for a text whose last line may have been cut inside its last cell."""
    return FileFormatError(
        f"{name} ending with {cell[-20:]!r} in line {line}, which is not ended",
        "a last line that is ended, else the file may have been cut short",
        "copy it again; if it is complete, add a line break at its end",
    )
