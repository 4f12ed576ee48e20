"""Small archives on the loopback interface: one that speaks DIMSE (pynetdicom), one that speaks DICOMweb."""

from __future__ import annotations

import contextlib
import io
import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pydicom
import pynetdicom
from pydicom.dataset import Dataset
from pynetdicom.sop_class import (
    CTImageStorage,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
)

AS_ASKED, OTHER_SERIES, REFUSES, ONE_LOST = "as asked", "other series", "refuses", "one lost"


def _answer(series: list[Any]) -> Dataset:
    one, answer = series[0], Dataset()
    answer.QueryRetrieveLevel = "SERIES"
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "Modality", "StudyDate", "SeriesDescription"):
        setattr(answer, keyword, one.get(keyword, ""))
    answer.NumberOfSeriesRelatedInstances = len(series)
    return answer


def _matching(held: list[Any], query: Any) -> list[list[Any]]:
    groups: dict[str, list[Any]] = {}
    for one in held:
        if all(not query.get(key) or query.get(key) == one.get(key) for key in ("PatientID", "SeriesInstanceUID")):
            groups.setdefault(one.SeriesInstanceUID, []).append(one)
    return list(groups.values())


@contextlib.contextmanager
def dimse(held: list[Any], manner: str = AS_ASKED, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve `held` and yield the address; stored objects are appended to it."""

    def find(event: Any) -> Iterator[Any]:
        if manner == REFUSES:
            yield 0xA700, None
            return
        for series in _matching(held, event.identifier):
            yield 0xFF00, _answer(series)

    def get(event: Any) -> Iterator[Any]:
        wanted = [one for series in _matching(held, event.identifier) for one in series]
        wanted = wanted[1:] if manner == ONE_LOST else wanted
        yield len(wanted)
        for one in wanted:
            given = pydicom.dcmread(io.BytesIO(_bytes(one)))
            if manner == OTHER_SERIES:
                given.SeriesInstanceUID = "1.2.3"
            yield 0xFF00, given

    def store(event: Any) -> int:
        if manner == REFUSES:
            return 0xA700
        one = event.dataset
        one.file_meta = event.file_meta
        held.append(one)
        return 0x0000

    entity = pynetdicom.AE(ae_title="PEER")
    entity.add_supported_context(StudyRootQueryRetrieveInformationModelFind)
    entity.add_supported_context(StudyRootQueryRetrieveInformationModelGet)
    entity.add_supported_context(CTImageStorage, scu_role=True, scp_role=True)
    handlers = [(pynetdicom.evt.EVT_C_FIND, find), (pynetdicom.evt.EVT_C_GET, get), (pynetdicom.evt.EVT_C_STORE, store)]
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers, ssl_context=tls)
    try:
        yield f"dicom{'s' if tls else ''}://PEER@127.0.0.1:{server.socket.getsockname()[1]}"
    finally:
        server.shutdown()


def _bytes(one: Any) -> bytes:
    out = io.BytesIO()
    pydicom.dcmwrite(out, one, enforce_file_format=True)
    return out.getvalue()


@contextlib.contextmanager
def web(held: list[Any], token: str = "") -> Iterator[str]:
    """Serve `held` by QIDO-RS, WADO-RS and STOW-RS and yield the address."""

    class Peer(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            return None

        def _say(self, code: int, kind: str, body: bytes) -> None:
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            if token and self.headers.get("Authorization") != f"Bearer {token}":
                self._say(401, "text/plain", b"Planted^Person may not")
            elif "/series/" in self.path:
                uid = self.path.split("/series/")[1].split("?")[0]
                parts = [_part(_bytes(one)) for one in held if uid == one.SeriesInstanceUID]
                kind = 'multipart/related; type="application/dicom"; boundary=edge'
                self._say(200, kind, b"".join(parts) + b"--edge--\r\n")
            else:
                query = Dataset()
                if "PatientID=" in self.path:
                    query.PatientID = self.path.split("PatientID=")[1].split("&")[0]
                found = [_answer(series).to_json_dict() for series in _matching(held, query)]
                self._say(200, "application/dicom+json", json.dumps(found).encode())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            start = body.index(b"\r\n\r\n") + 4
            one = pydicom.dcmread(io.BytesIO(body[start : body.rindex(b"\r\n--")]))
            answer = Dataset()
            if one.Modality == "CT":
                held.append(one)
            else:
                failed = Dataset()
                failed.ReferencedSOPInstanceUID = one.SOPInstanceUID
                answer.FailedSOPSequence = [failed]
            self._say(200, "application/dicom+json", json.dumps(answer.to_json_dict()).encode())

    server = ThreadingHTTPServer(("127.0.0.1", 0), Peer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/dicom-web"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _part(data: bytes) -> bytes:
    return b"--edge\r\nContent-Type: application/dicom\r\n\r\n" + data + b"\r\n"
