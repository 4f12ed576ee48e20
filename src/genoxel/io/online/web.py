"""One polite client for public archives: it waits when told to, goes on where it stopped, and checks what came."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from genoxel.core.errors import GenoxelError, RemoteError
from genoxel.core.extras import require
from genoxel.io.files import output_error

_CHUNK = 2**16
_BUSY = (429, 500, 502, 503, 504)
_FIXES = {
    401: "this part needs an authorised account; public data do not",
    403: "this part is under controlled access; public data are not",
    404: "it may have been withdrawn or renamed: look it up on the archive's own page",
}


@dataclass(frozen=True)
class Expected:
    """What an archive announces of a file; None and empty where it announces nothing."""

    size: int | None = None
    md5: str = ""

    def misses(self, size: int, md5: str) -> str:
        """Return how a file differs from what was announced, or an empty text."""
        if self.size is not None and size != self.size:
            return f"{size} bytes instead of {self.size}"
        if self.md5 and md5 != self.md5.casefold():
            return f"MD5 {md5} instead of {self.md5}"
        return ""


class Web:
    """Asks and downloads over HTTPS with few requests and patience.

    A busy archive (HTTP 429, 5xx) is asked again after the time it names, at most `tries` times and only if it names
    no more than `patience` seconds. Raises `MissingExtraError` without the extra `online`.
    """

    def __init__(self, tries: int = 4, patience: float = 120.0, pause: Callable[[float], object] = time.sleep) -> None:
        self._requests = require("requests", "online")
        self._session = self._requests.Session()
        self._session.headers["User-Agent"] = "genoxel"
        self.tries, self.patience, self.pause = tries, patience, pause

    def json(self, url: str, body: Mapping[str, Any] | None = None, query: Mapping[str, Any] | None = None) -> Any:
        """Return the answer to a question as plain values; `body` makes it a POST.

        Raises `RemoteError` where nothing answers, the archive refuses, or what it says is no JSON.
        """
        with self._ask(url, body=body, query=query) as answer:
            try:
                return answer.json()
            except ValueError as error:
                raise RemoteError(f"an answer of {_host(url)} that is no JSON", "JSON", "try again later") from error

    def text(self, url: str, query: Mapping[str, Any] | None = None) -> str:
        """Return the answer to a question as text; `RemoteError` as for `json`."""
        with self._ask(url, query=query) as answer:
            found: str = answer.text
            return found

    def download(self, url: str, path: Path, expected: Expected | None = None) -> bool:
        """Bring a file to `path` and return whether it had to be brought.

        A file that is there and is as expected stays. What came before a stop is kept beside it and gone on with; the
        name `path` appears only when size and MD5 are as announced. Raises `RemoteError` for a file that differs,
        `OutputError` for a disk without space.
        """
        wanted = expected or Expected()
        if path.is_file() and not wanted.misses(*_digest(path)):
            return False
        part = path.with_name(f".{path.name}.fetching")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _check_space(path, wanted)
            resumed = part.is_file() and part.stat().st_size > 0
            reason = self._bring(url, part, wanted)
            if reason and resumed:  # the file may have changed between the two visits
                part.unlink()
                reason = self._bring(url, part, wanted)
            if not reason:
                part.replace(path)
        except OSError as error:
            if isinstance(error, GenoxelError):
                raise
            raise output_error(path, error) from error
        if reason:
            with suppress(OSError):
                part.unlink()
            raise RemoteError(
                f"{path.name} from {_host(url)} with {reason}",
                "the announced file",
                "fetch again; else tell its keeper",
            )
        return True

    def _bring(self, url: str, part: Path, wanted: Expected) -> str:
        """Bring what is missing of a file into `part` and return how the whole differs from what is expected."""
        there = part.stat().st_size if part.is_file() else 0
        if wanted.size is not None and there > wanted.size:
            part.unlink()
            there = 0
        if wanted.size is None or there < wanted.size or not there:
            self._append(url, part, there)
        return wanted.misses(*_digest(part))

    def _append(self, url: str, part: Path, there: int) -> None:
        headers = {"Range": f"bytes={there}-"} if there else {}
        with self._ask(url, headers={**headers, "Accept-Encoding": "identity"}, accept=(416,)) as answer:
            if answer.status_code == 416:  # nothing lies beyond what is here
                return
            goes_on = answer.status_code == 206 and _begin(answer) == there
            with part.open("ab" if goes_on else "wb") as file, self._heard(url):
                for chunk in answer.iter_content(_CHUNK):
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())

    @contextmanager
    def _heard(self, url: str) -> Iterator[None]:
        """Turn what the network raises into a `RemoteError` that names the archive and no more."""
        errors = self._requests.exceptions
        try:
            yield
        except errors.ConnectionError as error:
            raise RemoteError(
                f"no connection to {_host(url)}", "an internet connection", "check the network or proxy, then go on"
            ) from error
        except errors.RequestException as error:
            raise RemoteError(
                f"a connection to {_host(url)} that broke ({type(error).__name__})", "a whole answer", "run it again"
            ) from error

    @contextmanager
    def _ask(
        self,
        url: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        accept: Sequence[int] = (),
    ) -> Iterator[Any]:
        """Give the answer to one question, asked again while the archive is busy; it is closed afterwards."""
        for attempt in range(1, self.tries + 1):
            with self._heard(url):
                answer = self._session.request(
                    "GET" if body is None else "POST",
                    url,
                    json=body,
                    params=query,
                    headers=headers,
                    stream=True,
                    timeout=(15, 120),
                )
            if answer.status_code < 400 or answer.status_code in accept:
                break
            answer.close()
            if answer.status_code not in _BUSY or attempt == self.tries:
                raise _refusal(url, answer.status_code)
            self.pause(self._wait(url, answer.headers.get("Retry-After", ""), attempt))
        try:
            with self._heard(url):
                yield answer
        finally:
            answer.close()

    def _wait(self, url: str, named: str, attempt: int) -> float:
        """Return the seconds to wait: as the archive says (seconds or a date), else twice as long each time."""
        seconds = _seconds(named)
        wait = 2.0**attempt if seconds is None else max(0.0, seconds)
        if wait > self.patience:
            raise RemoteError(
                f"{_host(url)}, which asks to be left alone for {wait:.0f} s",
                f"a wait of at most {self.patience:.0f} s",
                "run the same command later: what was fetched stays",
            )
        return wait


def _refusal(url: str, code: int) -> RemoteError:
    fix = _FIXES.get(code, "run the same command later: what was fetched stays")
    return RemoteError(f"{urlsplit(url).path or '/'} refused by {_host(url)} (HTTP {code})", "success", fix)


def _seconds(named: str) -> float | None:
    if named.strip().isdigit():
        return float(named)
    with suppress(TypeError, ValueError):
        return parsedate_to_datetime(named).timestamp() - time.time()
    return None


def _begin(answer: Any) -> int | None:
    found = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    return int(found[1]) if found else None


def _host(url: str) -> str:
    return urlsplit(url).hostname or url


def _digest(path: Path) -> tuple[int, str]:
    """Return the size and MD5 of a file; the MD5 is what archives announce, and proves wholeness, not origin."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    return path.stat().st_size, found


def _check_space(path: Path, wanted: Expected) -> None:
    free = shutil.disk_usage(path.parent).free
    if wanted.size is not None and wanted.size > free:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
