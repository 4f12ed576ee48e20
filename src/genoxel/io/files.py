"""Bytes on disk: writing that leaves the whole file or the old one, and reading that checks before it believes."""

from __future__ import annotations

import contextlib
import errno
import gzip
import hashlib
import os
import secrets
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from genoxel.core.errors import FileFormatError, GenoxelError, MissingFileError, OutputError, nearest

_REASONS = {
    errno.ENOSPC: ("the disk is full", "free some space, or choose another folder"),
    errno.EDQUOT: ("the disk quota is used up", "free some space, or choose another folder"),
    errno.EFBIG: ("the file grows beyond what the system allows", "raise the file size limit, or choose another disk"),
    errno.EROFS: ("the folder is read-only", "choose a folder you may write to"),
    errno.EACCES: ("the folder may not be written", "choose a folder you may write to"),
    errno.EPERM: ("the folder may not be written", "choose a folder you may write to"),
    errno.EISDIR: ("a folder has this name", "choose another file name"),
    errno.ENOTDIR: ("a file stands where a folder is needed", "choose another folder"),
    errno.ENAMETOOLONG: ("the name is too long for this disk", "choose a shorter name"),
}
_MAX_TEXT = 4 * 2**30
"""Text files larger than this, once unpacked, are not read at once (a small .gz can hold a very large text)."""


def atomic_write(path: str | os.PathLike[str], data: bytes | str | Callable[[BinaryIO], object]) -> Path:
    """Write `data` to `path` so that either the whole new file or the old one is there, whatever happens.

    The bytes go to a temporary name in the same folder, are flushed to the disk and then renamed. Text is written as
    UTF-8; a function is given the open binary file. Missing parent folders are made. Raises `OutputError` naming the
    path and the reason (disk full, read-only, ...).

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     atomic_write(Path(folder) / "hits.txt", "IDH1").read_text(encoding="utf-8")
    'IDH1'
    """
    target = Path(path)
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(6)}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _write_whole(temporary, data)
        temporary.replace(target)
        _flush_folder(target.parent)
    except GenoxelError:
        raise
    except OSError as error:
        raise output_error(target, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    return target


def output_error(path: Path, error: OSError) -> OutputError:
    """Return the `OutputError` that says in words why `path` could not be written."""
    reason, fix = _REASONS.get(error.errno or 0, (error.strerror or str(error), "see the reason given by the system"))
    return OutputError(f"no file at {path}: {reason}", "a folder that can be written, with space left", fix)


def _write_whole(path: Path, data: bytes | str | Callable[[BinaryIO], object]) -> None:
    with path.open("xb") as file:
        if callable(data):
            data(file)
        else:
            file.write(data.encode("utf-8") if isinstance(data, str) else data)
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Make the rename itself durable where the system knows how (Windows has no such call)."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def existing(path: str | os.PathLike[str]) -> Path:
    """Return `path` when it is a file; `MissingFileError` names the nearest file in its folder otherwise."""
    file = Path(path)
    if file.is_file():
        return file
    if file.is_dir():
        raise MissingFileError(f"the folder {file}", "a file", "name the file inside it")
    here = sorted(item.name for item in file.parent.iterdir()) if file.parent.is_dir() else []
    hint = nearest(file.name, here) or "check the path"
    where = f"a file in {file.parent}" if file.parent.is_dir() else f"an existing folder ({file.parent} is none)"
    raise MissingFileError(f"no file {file}", where, hint)


def hash_file(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file's bytes as 64 hex digits; `MissingFileError` when it is not there."""
    with existing(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_gzip(path: str | os.PathLike[str]) -> bool:
    """Return whether a file begins as gzip does, whatever its name."""
    with existing(path).open("rb") as raw:
        return raw.read(2) == b"\x1f\x8b"


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """Return the bytes of a file, unpacked when they are gzip; `FileFormatError` for damaged or oversized gzip."""
    file = existing(path)
    if not is_gzip(file):
        return file.read_bytes()
    try:
        with gzip.open(file) as stream:
            content = stream.read(_MAX_TEXT + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise FileFormatError(
            f"a damaged gzip file {file.name} ({error})", "a complete .gz file", "copy or download it again"
        ) from error
    if len(content) > _MAX_TEXT:
        raise FileFormatError(
            f"more than {_MAX_TEXT / 2**30:.0f} GiB of text in {file.name}", "smaller text files", "split the file"
        )
    return content


def safe_text(path: str | os.PathLike[str]) -> str:
    """Return the text of a UTF-8 file (a byte order mark is dropped, .gz is unpacked).

    Raises `FileFormatError` for UTF-16/32, for bytes that are no UTF-8 (latin-1 and the like; the line is named), and
    for NUL characters; `MissingFileError` when the file is not there.
    """
    file = existing(path)
    content = read_bytes(file)
    if content[:4] in (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff") or content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise FileFormatError(f"{file.name} in UTF-16 or UTF-32", "UTF-8", "save it as 'CSV UTF-8' and try again")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FileFormatError(
            f"{file.name} with a byte 0x{content[error.start]:02x} in line {line} that is no UTF-8",
            "UTF-8 (it may be Latin-1 or Windows-1252)",
            "save it as 'CSV UTF-8' and try again",
        ) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise FileFormatError(f"{file.name} with a NUL character in line {line}", "plain text", "export it again")
    return text
