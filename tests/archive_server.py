"""A small web server with fixed answers, as the archives' own documentation shows them, and with faults on demand."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Archive:
    """Answers by path: bytes, text, plain values (JSON), or a function (query, body) -> any of these.

    `faults` maps a path to a list of faults, one for each request from the first on: ("cut", bytes), ("code", code,
    headers), ("whole",) which ignores Range, or None.
    """

    def __init__(self, base: str) -> None:
        self.base = base
        self.answers: dict[str, Any] = {}
        self.faults: dict[str, list[Any]] = {}
        self.asked: list[tuple[str, str, str]] = []

    def paths(self) -> list[str]:
        return [path for _, path, _ in self.asked]


def _handler(archive: Archive) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            self.answer({})

        def do_POST(self) -> None:
            self.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def answer(self, body: dict[str, Any]) -> None:
            parts = urlsplit(self.path)
            archive.asked.append((self.command, parts.path, self.headers.get("Range", "")))
            faults = archive.faults.get(parts.path, [])
            fault = faults.pop(0) if faults else None
            if fault and fault[0] == "code":
                return self.reply(fault[1], b"busy", dict(fault[2]))
            found = archive.answers.get(parts.path)
            if found is None:
                return self.reply(404, b"not here")
            if isinstance(found, Callable):
                found = found({key: value[0] for key, value in parse_qs(parts.query).items()}, body)
            if not isinstance(found, bytes | str):
                found = json.dumps(found)
            data = found.encode() if isinstance(found, str) else found
            return self.send(data, fault)

        def send(self, data: bytes, fault: Any) -> None:
            wanted = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
            begin = int(wanted[1]) if wanted and not (fault and fault[0] == "whole") else 0
            if begin and begin >= len(data):
                return self.reply(416, b"")
            ranged = {"Content-Range": f"bytes {begin}-{len(data) - 1}/{len(data)}"} if begin else {}
            if fault and fault[0] == "cut":
                self.head(206 if begin else 200, len(data) - begin, ranged)
                self.wfile.write(data[begin : begin + fault[1]])
                self.close_connection = True
                return None
            return self.reply(206 if begin else 200, data[begin:], ranged)

        def head(self, code: int, length: int, headers: dict[str, str]) -> None:
            self.send_response(code)
            for name, value in {**headers, "Content-Length": str(length)}.items():
                self.send_header(name, value)
            self.end_headers()

        def reply(self, code: int, data: bytes, headers: dict[str, str] | None = None) -> None:
            self.head(code, len(data), headers or {})
            self.wfile.write(data)

    return Handler


@contextmanager
def serving() -> Iterator[Archive]:
    """Serve on a free port of this machine until the block ends."""
    archive = Archive("")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(archive))
    archive.base = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield archive
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
