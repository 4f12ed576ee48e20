"""Query an image archive, bring its series to disk and send results back, over DIMSE or DICOMweb alike.

An address is `dicom://CALLED_AE@host:port`, with `?as=OUR_AE` where the archive must know its caller (C-FIND, C-GET and
C-STORE; DICOM PS3.4 annexes B and C), `dicoms://...` for the same over TLS (PS3.15 annex B), or `http(s)://host/path`
(QIDO-RS, WADO-RS and STOW-RS; PS3.18).
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from genoxel.core.errors import FileFormatError, MissingFileError, RemoteError, SettingsError
from genoxel.io.files import atomic_write

_UID = re.compile(r"[0-9]+(\.[0-9]+)*")
_DATE = re.compile(r"\d{8}(-\d{8})?")

Keep = Callable[[bytes], None]
"""Takes one received instance as the bytes of a DICOM file."""


def is_uid(text: str) -> bool:
    """Return whether `text` is a legal DICOM UID (PS3.5 section 9.1), and so also a safe file name.

    >>> is_uid("1.2.840.10008.1.2"), is_uid("../1.2")
    (True, False)
    """
    return len(text) <= 64 and _UID.fullmatch(text) is not None


@dataclass(frozen=True)
class Question:
    """Which series are asked for: at least one of patient, study, series and accession, whole words only.

    A whole archive is never listed, so wild cards are refused (`SettingsError`). `date` is YYYYMMDD or a range of two.

    >>> Question(patient="GX-001", modality="MR").keys()
    {'PatientID': 'GX-001', 'Modality': 'MR'}
    """

    patient: str = ""
    study: str = ""
    series: str = ""
    accession: str = ""
    modality: str = ""
    date: str = ""

    def __post_init__(self) -> None:
        if not (self.patient or self.study or self.series or self.accession):
            raise SettingsError(
                "a question to the whole archive",
                "a patient, study, series or accession",
                "give --patient, --study, --series or --accession",
            )
        for name, value in vars(self).items():
            if any(sign in value for sign in "*?\\"):
                raise SettingsError(f"a wild card in {name}", "whole values", "ask for one at a time")
        for name in ("study", "series"):
            value = getattr(self, name)
            if value and not is_uid(value):
                raise SettingsError(f"{name} {value[:64]!r}", "a DICOM UID (digits and dots)", "copy the UID")
        if self.date and not _DATE.fullmatch(self.date):
            raise SettingsError(f"date {self.date!r}", "YYYYMMDD or YYYYMMDD-YYYYMMDD", "write 20240131")

    def keys(self) -> dict[str, str]:
        """Return the matching keys that are set, by DICOM keyword."""
        words = {
            "PatientID": self.patient,
            "StudyInstanceUID": self.study,
            "SeriesInstanceUID": self.series,
            "AccessionNumber": self.accession,
            "Modality": self.modality,
            "StudyDate": self.date,
        }
        return {keyword: value for keyword, value in words.items() if value}


@dataclass(frozen=True)
class Series:
    """One series an archive holds; `instances` is None where the archive does not say."""

    study: str
    uid: str
    modality: str = ""
    description: str = ""
    date: str = ""
    instances: int | None = None


@dataclass(frozen=True)
class Received:
    """What came of one series: files now on disk (`there` before, `new` now) of those the archive announced."""

    series: Series
    folder: Path
    there: int
    new: int

    @property
    def complete(self) -> bool:
        """Whether all that was announced is on disk; where nothing was announced, whether anything is."""
        return self.there + self.new >= (self.series.instances or 1)


@dataclass(frozen=True)
class Sent:
    """What became of one file: stored, or why not."""

    path: Path
    stored: bool
    reason: str = ""


@dataclass(frozen=True)
class Tls:
    """Files (PEM) for an encrypted association: who vouches for the archive (None: the system's list), our own pair.

    `key` may be left out where it stands in the file of the certificate; keys are never asked for a password.
    """

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def __bool__(self) -> bool:
        return any((self.ca, self.certificate, self.key))


class Archive(Protocol):
    """What every kind of archive can do."""

    def find(self, question: Question) -> list[Series]:
        """Return the series that match, ordered by study, modality and UID."""

    def fetch(self, series: Series, keep: Keep) -> None:
        """Hand every instance of a series to `keep`, one by one."""

    def send(self, files: Iterable[Path]) -> Iterator[Sent]:
        """Store files one by one and say what became of each."""


def open_archive(address: str, tls: Tls | None = None) -> Archive:
    """Return the archive at an address; nothing is asked of it yet.

    `tls` names certificates for dicoms://. Raises `SettingsError` for an address of another kind, one with a password
    in it, or certificates that cannot be used, `MissingExtraError` without the extra `dicomnet`. A DICOMweb archive
    that wants a token gets it from the variable GENOXEL_DICOMWEB_TOKEN.
    """
    parts = urlsplit(address)
    if parts.password:
        raise SettingsError(
            "an address with a password in it",
            "an address without secrets",
            "set GENOXEL_DICOMWEB_TOKEN, or use a .netrc file",
        )
    try:
        port = parts.port
    except ValueError:
        port = None
    if tls and parts.scheme != "dicoms":
        raise SettingsError(
            f"certificates for {parts.scheme}://", "dicoms://CALLED_AE@host:port", "write dicoms://, or leave them out"
        )
    if parts.scheme in ("dicom", "dicoms") and parts.hostname and port and 0 < len(parts.username or "") <= 16:
        from genoxel.io.pacs_dimse import Dimse

        calling = parse_qs(parts.query).get("as", ["GENOXEL"])[0]
        secured = (tls or Tls()) if parts.scheme == "dicoms" else None
        return Dimse(parts.hostname, port, parts.username or "", calling, secured)
    if parts.scheme in ("http", "https") and parts.hostname:
        from genoxel.io.pacs_web import Web

        return Web(address, os.environ.get("GENOXEL_DICOMWEB_TOKEN"))
    raise SettingsError(
        f"the address {address!r}",
        "dicom[s]://CALLED_AE@host:port[?as=OUR_AE] or http(s)://host/path",
        "ask the archive's keeper for its AE title (at most 16 characters), host and port",
    )


def receive(archive: Archive, series: Series, folder: Path) -> Received:
    """Bring one series to `folder`/study UID/series UID, one file per instance; what is there already stays.

    A series that is complete is not asked for again, so a stopped retrieval goes on with the next call. Raises
    `RemoteError` when the archive fails or sends something else than was asked for.
    """
    if not (is_uid(series.study) and is_uid(series.uid)):
        raise RemoteError("an archive that names a series by no legal UID", "digits and dots", "tell its keeper")
    place = folder / series.study / series.uid
    before = {file.name for file in place.glob("*.dcm")}
    if not (series.instances and len(before) >= series.instances):
        archive.fetch(series, lambda data: _keep(data, series, place))
    after = {file.name for file in place.glob("*.dcm")}
    return Received(series, place, len(before), len(after - before))


def _keep(data: bytes, series: Series, place: Path) -> None:
    """Write one instance under its own UID, after looking whether it belongs here."""
    import pydicom
    from pydicom.errors import InvalidDicomError

    try:
        header = pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True)
    except (InvalidDicomError, EOFError, ValueError) as error:
        raise RemoteError("an instance that is no DICOM file", "whole instances", "ask again") from error
    uid = str(header.get("SOPInstanceUID", ""))
    if str(header.get("SeriesInstanceUID", "")) != series.uid or not is_uid(uid):
        raise RemoteError(
            "an instance of another series than was asked for", "instances of the series", "tell the archive's keeper"
        )
    atomic_write(place / f"{uid}.dcm", data)


def files_to_send(paths: Iterable[Path]) -> list[Path]:
    """Return the DICOM files among `paths`, folders looked through; `MissingFileError` where there is none."""
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise MissingFileError(f"no file or folder {path}", "DICOM files", "check the path")
        members = sorted(item for item in path.rglob("*") if item.is_file()) if path.is_dir() else [path]
        files = [item for item in members if _is_dicom(item)]
        if not path.is_dir() and not files:
            raise FileFormatError(f"{path.name}, which is no DICOM file", "DICOM files", "send DICOM (DCM) files only")
        found += files
    if not found:
        raise MissingFileError("no DICOM file in the folders named", "DICOM files", "check the paths")
    return found


def _is_dicom(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def series_of(found: Any, get: Callable[[Any, str], str]) -> Series:
    """Return the series that one answer describes; `get` reads a keyword of it as text."""
    number = get(found, "NumberOfSeriesRelatedInstances")
    return Series(
        get(found, "StudyInstanceUID"),
        get(found, "SeriesInstanceUID"),
        get(found, "Modality"),
        get(found, "SeriesDescription"),
        get(found, "StudyDate"),
        int(number) if number.isdigit() else None,
    )
