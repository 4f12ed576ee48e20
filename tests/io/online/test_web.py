"""Downloading: whole or not at all, going on after a stop, waiting when told to, and one error for each fault."""

from __future__ import annotations

import hashlib
import shutil
import socket
import time
from collections import namedtuple
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import pytest

from archive_server import Archive, serving
from genoxel.core.errors import MissingExtraError, OutputError, RemoteError
from genoxel.io.online.web import Expected, Web

DATA = bytes(range(256)) * 4000
WHOLE = Expected(len(DATA), hashlib.md5(DATA).hexdigest())


@pytest.fixture
def archive() -> Iterator[Archive]:
    with serving() as found:
        found.answers["/file"] = DATA
        yield found


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def web(pauses: list[float]) -> Web:
    return Web(pause=pauses.append)


def test_a_file_is_brought_once(archive: Archive, web: Web, tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.bin"
    assert web.download(f"{archive.base}/file", path, WHOLE)
    assert path.read_bytes() == DATA
    assert not web.download(f"{archive.base}/file", path, WHOLE)
    assert archive.paths() == ["/file"]
    assert [item.name for item in path.parent.iterdir()] == ["file.bin"]


def test_a_stopped_download_goes_on_where_it_was(archive: Archive, web: Web, tmp_path: Path) -> None:
    archive.faults["/file"] = [("cut", 300_000)]
    path = tmp_path / "file.bin"
    with pytest.raises(RemoteError, match=r"a connection to 127\.0\.0\.1 that broke"):
        web.download(f"{archive.base}/file", path, WHOLE)
    assert not path.exists()
    assert web.download(f"{archive.base}/file", path, WHOLE)
    assert path.read_bytes() == DATA
    first, second = (ranged for _, _, ranged in archive.asked)
    assert first == ""
    assert 0 < int(second.removeprefix("bytes=").removesuffix("-")) <= 300_000


@pytest.mark.parametrize("there", [b"x" * 1000, DATA + b"more", DATA[:5000]])
def test_a_half_file_that_does_not_fit_is_brought_anew(
    archive: Archive, web: Web, tmp_path: Path, there: bytes
) -> None:
    path = tmp_path / "file.bin"
    (tmp_path / ".file.bin.fetching").write_bytes(there)
    assert web.download(f"{archive.base}/file", path, WHOLE)
    assert path.read_bytes() == DATA


def test_an_archive_that_knows_no_ranges_sends_all_again(archive: Archive, web: Web, tmp_path: Path) -> None:
    archive.faults["/file"] = [("whole",)]
    (tmp_path / ".file.bin.fetching").write_bytes(DATA[:1000])
    web.download(f"{archive.base}/file", tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == DATA
    assert len(archive.asked) == 1


def test_a_whole_half_file_of_unknown_size_is_taken(archive: Archive, web: Web, tmp_path: Path) -> None:
    (tmp_path / ".file.bin.fetching").write_bytes(DATA)
    assert web.download(f"{archive.base}/file", tmp_path / "file.bin")  # 416: nothing lies beyond
    assert (tmp_path / "file.bin").read_bytes() == DATA


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        (Expected(len(DATA), "0" * 32), "with MD5 [0-9a-f]{32} instead of 0{32}"),
        (Expected(7), "1024000 bytes instead of 7"),
    ],
)
def test_a_changed_file_is_refused_and_leaves_nothing(
    archive: Archive, web: Web, tmp_path: Path, expected: Expected, words: str
) -> None:
    with pytest.raises(RemoteError, match=words):
        web.download(f"{archive.base}/file", tmp_path / "file.bin", expected)
    assert list(tmp_path.iterdir()) == []


def test_a_changed_file_does_not_replace_the_old(archive: Archive, web: Web, tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(b"old")
    with pytest.raises(RemoteError, match="instead of"):
        web.download(f"{archive.base}/file", path, Expected(len(DATA), "1" * 32))
    assert path.read_bytes() == b"old"


def test_a_full_disk_is_told_before_anything_is_asked(
    archive: Archive, web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 9, 1))
    with pytest.raises(OutputError, match="the disk is full"):
        web.download(f"{archive.base}/file", tmp_path / "file.bin", WHOLE)
    assert archive.asked == []


@pytest.mark.parametrize(
    ("code", "words"), [(404, "withdrawn or renamed"), (403, "controlled access"), (401, "authorised account")]
)
def test_a_refusal_is_told_at_once(archive: Archive, web: Web, pauses: list[float], code: int, words: str) -> None:
    archive.faults["/file"] = [("code", code, {})]
    with pytest.raises(RemoteError, match=rf"/file refused by 127\.0\.0\.1 \(HTTP {code}\).*{words}"):
        web.text(f"{archive.base}/file")
    assert pauses == []


def test_a_busy_archive_is_waited_for_as_it_says(archive: Archive, web: Web, pauses: list[float]) -> None:
    archive.answers["/facts"] = {"a": 1}
    date = formatdate(time.time() + 30, usegmt=True)
    archive.faults["/facts"] = [
        ("code", 429, {"Retry-After": "7"}), ("code", 503, {}), ("code", 429, {"Retry-After": date}),
    ]  # fmt: skip
    assert web.json(f"{archive.base}/facts") == {"a": 1}
    assert pauses[:2] == [7.0, 4.0]
    assert 25 < pauses[2] <= 30


def test_a_long_wait_is_left_to_the_user(archive: Archive, web: Web, pauses: list[float]) -> None:
    archive.faults["/file"] = [("code", 429, {"Retry-After": "3600"})]
    with pytest.raises(RemoteError, match="asks to be left alone for 3600 s"):
        web.text(f"{archive.base}/file")
    assert pauses == []


def test_an_archive_that_stays_busy_is_given_up(archive: Archive, web: Web, pauses: list[float]) -> None:
    archive.faults["/file"] = [("code", 502, {})] * 9
    with pytest.raises(RemoteError, match=r"HTTP 502.*what was fetched stays"):
        web.text(f"{archive.base}/file")
    assert pauses == [2.0, 4.0, 8.0]
    assert len(archive.asked) == 4


def test_no_network_is_one_clear_error(web: Web) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(RemoteError, match=r"no connection to 127\.0\.0\.1"):
        web.json(f"http://127.0.0.1:{port}/facts")


def test_what_is_no_json_is_refused(archive: Archive, web: Web) -> None:
    archive.answers["/facts"] = "<html>maintenance</html>"
    with pytest.raises(RemoteError, match="that is no JSON"):
        web.json(f"{archive.base}/facts")


def test_the_extra_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "requests", None)
    with pytest.raises(MissingExtraError, match=r"genoxel\[online\]"):
        Web()
