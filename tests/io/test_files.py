"""Writing whole files or nothing, and reading text only when it is what it claims."""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from genoxel.core.errors import FileFormatError, MissingFileError, OutputError
from genoxel.io.files import atomic_write, hash_file, read_bytes, safe_text


def test_writes_text_bytes_and_functions(tmp_path: Path) -> None:
    target = tmp_path / "Größe mit Leerzeichen" / "tabelle.txt"
    assert atomic_write(target, "µ\n") == target
    assert target.read_bytes() == b"\xc2\xb5\n"
    atomic_write(target, b"\x00\x01")
    assert target.read_bytes() == b"\x00\x01"
    atomic_write(target, lambda file: file.write(b"by function"))
    assert target.read_bytes() == b"by function"
    assert list(target.parent.iterdir()) == [target]


def test_a_failing_function_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "kept.txt"
    atomic_write(target, "old")

    def half(file: object) -> None:
        file.write(b"half")  # type: ignore[attr-defined]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        atomic_write(target, half)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


_FULL = """
import resource, sys
from genoxel.core.errors import OutputError
from genoxel.io.files import atomic_write
atomic_write(sys.argv[1], "old")
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    atomic_write(sys.argv[1], b"x" * 5000)
except OutputError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no file size limit there")
def test_a_full_disk_is_said_and_the_old_file_stays(tmp_path: Path) -> None:
    target = tmp_path / "table.csv"
    done = subprocess.run([sys.executable, "-c", _FULL, str(target)], capture_output=True, text=True, check=True)
    assert str(target) in done.stdout
    assert "system allows" in done.stdout
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("number", "words"), [(errno.ENOSPC, "disk is full"), (errno.EROFS, "read-only"), (errno.EIO, "error")]
)
def test_each_reason_is_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str) -> None:
    def fail(handle: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OutputError, match=words) as caught:
        atomic_write(tmp_path / "a.txt", "text")
    assert str(tmp_path / "a.txt") in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_or_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "inside").write_text("x")
    with pytest.raises(OutputError, match="folder has this name"):
        atomic_write(tmp_path / "taken", "text")
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="file"):
        atomic_write(tmp_path / "file" / "below.txt", "text")
    with pytest.raises(OutputError, match="too long"):
        atomic_write(tmp_path / ("n" * 300), "text")


def test_hash_is_sha256_and_missing_files_name_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "clinical.xlsx").write_bytes(b"abc")
    assert hash_file(tmp_path / "clinical.xlsx") == hashlib.sha256(b"abc").hexdigest()
    with pytest.raises(MissingFileError, match=r"clinical\.xlsx"):
        hash_file(tmp_path / "clincal.xlsx")
    with pytest.raises(MissingFileError, match="existing folder"):
        hash_file(tmp_path / "nowhere" / "x.csv")
    with pytest.raises(MissingFileError, match="folder"):
        hash_file(tmp_path)


def test_text_with_mark_and_gzip(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("\ufeffid;Größe\n".encode())
    assert safe_text(tmp_path / "a.csv") == "id;Größe\n"
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress("id;µ\n".encode()))
    assert safe_text(tmp_path / "a.csv.gz") == "id;µ\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("id,x\n1,2\n".encode("utf-16"), "UTF-16"),
        ("id,x\n".encode("utf-32"), "UTF-16 or UTF-32"),
        ("id,name\n1,Müller\n".encode("latin-1"), "line 2"),
        (b"id,x\nP1,1\nP\x002,2\n", "NUL character in line 3"),
        (gzip.compress(b"id,x\n" * 1000, mtime=0)[:-20], "damaged gzip"),
        (gzip.compress(b"id,x\n" * 1000, mtime=0)[:30] + b"garbage" * 9, "damaged gzip"),
    ],
)
def test_what_is_not_plain_text_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "bad.csv").write_bytes(content)
    with pytest.raises(FileFormatError, match=words):
        safe_text(tmp_path / "bad.csv")


def test_a_gzip_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genoxel.io.files._MAX_TEXT", 1000)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(b"0" * 100_000))
    with pytest.raises(FileFormatError, match="split the file"):
        read_bytes(tmp_path / "bomb.gz")
