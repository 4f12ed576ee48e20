"""An archive that speaks DIMSE: C-FIND and C-GET at the series level, C-STORE (DICOM PS3.4 annexes B and C)."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from genoxel.core.errors import GenoxelError, RemoteError, SettingsError
from genoxel.core.extras import require
from genoxel.io.files import existing
from genoxel.io.pacs import Keep, Question, Sent, Series, Tls, series_of

_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
_GET = "1.2.840.10008.5.1.4.1.2.2.3"
_STORED = tuple(
    "1.2.840.10008.5.1.4.1.1." + tail
    for tail in (
        *("1", "1.1", "1.2", "2", "2.1", "4", "4.1", "6.1", "7", "12.1", "20", "30", "66", "66.4", "66.7", "128"),
        *("130", "481.2", "481.3", "88.11", "88.22", "88.33", "88.34", "104.1", "67"),
    )
)
"""Images, structure sets, segmentations, doses, parametric maps and reports."""
_SYNTAXES = tuple(
    "1.2.840.10008.1.2" + tail
    for tail in (".1", "", ".4.70", ".4.57", ".4.80", ".4.81", ".4.90", ".4.91", ".4.50", ".4.51", ".5")
)
_RETURNED = (
    *("StudyInstanceUID", "SeriesInstanceUID", "PatientID", "AccessionNumber", "StudyDate", "Modality"),
    *("SeriesDescription", "NumberOfSeriesRelatedInstances"),
)
_PENDING = (0xFF00, 0xFF01)
_CONTEXTS = 128
"""Presentation contexts that one association can hold (PS3.8 section 9.3.2.2)."""


class Dimse:
    """An archive at a host and port, called by its AE title; each call opens one association and closes it."""

    def __init__(self, host: str, port: int, called: str, calling: str = "GENOXEL", tls: Tls | None = None) -> None:
        self.host, self.port, self.called, self.calling = host, port, called, calling
        self._secure = (_context(tls), host) if tls is not None else None
        self._net = require("pynetdicom", "dicomnet")

    @contextmanager
    def _association(self, contexts: Iterable[tuple[str, tuple[str, ...]]], **more: Any) -> Iterator[Any]:
        entity = self._net.AE(ae_title=self.calling)
        entity.connection_timeout = entity.acse_timeout = 15
        entity.dimse_timeout = entity.network_timeout = 120
        for syntax, transfer in contexts:
            entity.add_requested_context(syntax, list(transfer))
        link = entity.associate(self.host, self.port, ae_title=self.called, tls_args=self._secure, **more)
        if not link.is_established:
            trust = ", and that each side trusts the certificate of the other (--ca, --cert)" if self._secure else ""
            raise RemoteError(
                f"no association with {self.called} at {self.host}:{self.port}",
                "an archive that answers and knows this caller",
                f"check address and AE title, and that it lets '{self.calling}' in{trust}",
            )
        try:
            yield link
        finally:
            if link.is_established:
                link.release()

    def find(self, question: Question) -> list[Series]:
        """Return the series that match; `RemoteError` where the archive does not answer or refuses."""
        from pydicom.dataset import Dataset

        query = Dataset()
        query.QueryRetrieveLevel = "SERIES"
        for keyword in _RETURNED:
            setattr(query, keyword, None if keyword.startswith("Number") else "")
        for keyword, value in question.keys().items():
            setattr(query, keyword, value)
        found = []
        with self._association([(_FIND, _SYNTAXES[:2])]) as link:
            for status, answer in link.send_c_find(query, _FIND):
                _insist(status, "the query")
                if answer is not None and status.Status in _PENDING:
                    found.append(series_of(answer, lambda one, keyword: str(one.get(keyword) or "")))
        return sorted(found, key=lambda one: (one.study, one.modality, one.uid))

    def fetch(self, series: Series, keep: Keep) -> None:
        """Bring all instances of a series over the same association (C-GET, no listening port is needed)."""
        from pydicom.dataset import Dataset

        query = Dataset()
        query.QueryRetrieveLevel = "SERIES"
        query.StudyInstanceUID, query.SeriesInstanceUID = series.study, series.uid
        failures: list[GenoxelError] = []

        def store(event: Any) -> int:
            try:
                keep(event.encoded_dataset())
            except GenoxelError as error:
                failures.append(error)
                return 0xC000
            return 0x0000

        roles = [self._net.build_role(syntax, scp_role=True) for syntax in _STORED]
        contexts = [(_GET, _SYNTAXES[:2]), *((syntax, _SYNTAXES) for syntax in _STORED)]
        handlers = [(self._net.evt.EVT_C_STORE, store)]
        with self._association(contexts, ext_neg=roles, evt_handlers=handlers) as link:
            statuses = [status for status, _ in link.send_c_get(query, _GET)]
        if failures:
            raise failures[0]
        _insist(statuses[-1] if statuses else None, "the retrieval")

    def send(self, files: Iterable[Path]) -> Iterator[Sent]:
        """Store files, as many kinds over one association as it can hold; each refusal is told with its status."""
        import pydicom

        waiting = [(path, _kind(path)) for path in files]
        while waiting:
            kinds = list(dict.fromkeys(kind for _, kind in waiting))[:_CONTEXTS]
            now = [path for path, kind in waiting if kind in kinds]
            waiting = [(path, kind) for path, kind in waiting if kind not in kinds]
            with self._association([(syntax, (transfer,)) for syntax, transfer in kinds]) as link:
                for path in now:
                    yield _sent(path, link, pydicom.dcmread(path))


def _context(tls: Tls) -> ssl.SSLContext:
    """Return what checks the archive's certificate and host name, with our own certificate where there is one."""
    for file in (tls.ca, tls.certificate, tls.key):
        if file is not None:
            existing(file)
    try:
        context = ssl.create_default_context(cafile=tls.ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if tls.certificate is not None:
            context.load_cert_chain(tls.certificate, tls.key, password="")
    except (ssl.SSLError, OSError) as error:
        raise SettingsError(
            "certificates that cannot be used", "PEM files, the key without a password", "ask the archive's keeper"
        ) from error
    return context


def _kind(path: Path) -> tuple[str, str]:
    """Return (SOP class, transfer syntax) of a file."""
    import pydicom

    meta = pydicom.dcmread(path, specific_tags=["SOPClassUID"], stop_before_pixels=True).file_meta
    return str(meta.MediaStorageSOPClassUID), str(meta.TransferSyntaxUID)


def _sent(path: Path, link: Any, instance: Any) -> Sent:
    try:
        status = link.send_c_store(instance)
    except ValueError:
        return Sent(path, False, "the archive takes no objects of this kind or encoding")
    if "Status" not in status:
        raise RemoteError("an archive that stopped answering", "an answer to each object", "send again")
    good = status.Status == 0x0000 or status.Status >> 12 == 0xB
    return Sent(path, good, "" if good else f"the archive refused it (status 0x{status.Status:04X})")


def _insist(status: Any, what: str) -> None:
    """Raise `RemoteError` unless a status says success, pending, or success with a warning."""
    if status is None or "Status" not in status:
        raise RemoteError(f"no answer to {what}", "an answer within two minutes", "try again; see the archive's log")
    code = status.Status
    if code != 0x0000 and code not in _PENDING and code >> 12 != 0xB:
        raise RemoteError(f"{what} refused (status 0x{code:04X})", "success", "see the archive's log")
