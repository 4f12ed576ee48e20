"""Imaging Data Commons: what a collection holds, whose segmentations were published, and the files themselves.

The index comes with the package `idc-index-data` and is asked without a network; files are read over HTTPS from the
public buckets that it names.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

from genoxel.core.errors import FileFormatError, RemoteError, SettingsError, nearest
from genoxel.core.extras import require
from genoxel.io.files import safe_text
from genoxel.io.online.web import Expected, Web
from genoxel.io.pacs import is_uid

IMAGES = ("CT", "MR", "PT", "MG", "US", "NM", "CR", "DX")
MASKS = ("SEG", "RTSTRUCT")
CITATION = (
    "Fedorov A et al. National Cancer Institute Imaging Data Commons: toward transparency, reproducibility, and "
    "scalability in imaging artificial intelligence. RadioGraphics 2023;43:e230180, doi:10.1148/rg.230180"
)
_COLUMNS = (
    *("collection_id", "analysis_result_id", "PatientID", "StudyInstanceUID", "SeriesInstanceUID", "Modality"),
    *("SeriesDescription", "instanceCount", "series_size_MB", "source_DOI", "license_short_name", "aws_bucket"),
    *("crdc_series_uuid", "Manufacturer", "ManufacturerModelName"),
)
BUCKET = "https://{}.s3.amazonaws.com"
RELEASES = "https://github.com/ImagingDataCommons/idc-index-data/releases/download"
_ITSELF = "collection"
"""Name of the segmentations that came with the images themselves."""


@dataclass(frozen=True)
class IdcSeries:
    """One series of the index."""

    patient: str
    study: str
    uid: str
    modality: str
    description: str
    instances: int
    megabytes: float
    bucket: str
    uuid: str
    source: str
    doi: str
    licence: str
    software: str


@dataclass(frozen=True)
class Published:
    """One set of segmentations that somebody published for a collection.

    `made` says in the words of DICOM how (MANUAL, SEMIAUTOMATIC, AUTOMATIC; empty where the index does not tell, so
    that the files must be asked), `about` what its authors say of it.
    """

    name: str
    title: str
    series: tuple[IdcSeries, ...]
    licence: str
    citation: str
    about: str
    made: str = ""

    @property
    def patients(self) -> tuple[str, ...]:
        """Whose images were segmented."""
        return tuple(sorted({one.patient for one in self.series}))


@dataclass(frozen=True)
class Collection:
    """What the index holds of one collection: series of images, and the segmentations published for them."""

    name: str
    title: str
    cancer: str
    images: tuple[IdcSeries, ...]
    published: tuple[Published, ...]
    citations: Mapping[str, tuple[str, str]]
    others: Mapping[str, int] = field(default_factory=dict)

    @property
    def patients(self) -> tuple[str, ...]:
        """Patients with images, in order."""
        return tuple(sorted({one.patient for one in self.images}))

    def without_mask(self, names: Iterable[str] = ()) -> tuple[str, ...]:
        """Return the patients with images but without any of the segmentations `names` (default: of all)."""
        wanted = set(names) or {one.name for one in self.published}
        have = {patient for one in self.published if one.name in wanted for patient in one.patients}
        return tuple(patient for patient in self.patients if patient not in have)

    def masks(self, name: str) -> tuple[Published, ...]:
        """Return the segmentations called `name`, or "all"; `SettingsError` names the nearest."""
        if name == "all":
            return self.published
        found = tuple(one for one in self.published if one.name == name)
        if not found:
            known = [one.name for one in self.published]
            legal = ", ".join(known) or "none were published for images of this collection"
            fix = nearest(name, known) or 'choose one of these, "all", or "list" for none'
            raise SettingsError(f"segmentations called {name!r}", legal, fix)
        return found


def read_collection(name: str, folder: Path | None = None, made: Mapping[str, str] | None = None) -> Collection:
    """Return what the index says of the collection `name`, such as "tcga_kirc"; nothing is asked of a network.

    A segmentation counts when it belongs to a study that has images in `IMAGES`; nuclei on slides do not. `folder`
    holds another index than the installed one; `made` maps a series to how it was made. Raises `SettingsError`
    naming the nearest collection, `MissingExtraError` without the extra `online`.
    """
    import pyarrow.parquet as pq

    place = folder or Path(str(require("idc_index_data", "online").IDC_INDEX_PARQUET_FILEPATH)).parent
    known = pq.read_table(place / "collections_index.parquet").to_pylist()
    entry = next((one for one in known if one["collection_id"] == name), None)
    if entry is None:
        names = [one["collection_id"] for one in known]
        hint = nearest(name, names) or "genoxel fetch takes names as the Imaging Data Commons writes them"
        raise SettingsError(f"a collection called {name!r}", f"one of {len(names)} collections", hint)
    series = _rows_of(place / "idc_index.parquet", name)
    series.sort(key=lambda one: (one.patient, one.study, one.modality, one.uid))
    images = tuple(one for one in series if one.modality in IMAGES)
    pictured = {one.study for one in images}
    masks = [one for one in series if one.modality in MASKS and one.study in pictured]
    others = Counter(one.modality for one in series if one.modality not in IMAGES and one not in set(masks))
    results = {
        one["analysis_result_id"]: one for one in pq.read_table(place / "analysis_results_index.parquet").to_pylist()
    }
    citations = {
        str(source["source_doi"]): (source["license"]["license_short_name"], _plain(source["citation"]))
        for source in entry["sources"]
    }
    return Collection(
        name, entry["collection_name"], entry["cancer_types"] or "", images,
        tuple(_published(masks, results, citations, entry, made or {})), citations, dict(sorted(others.items())),
    )  # fmt: skip


def _rows_of(path: Path, name: str) -> list[IdcSeries]:
    """Return the series of a collection, a part of the index in memory at a time."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    found: list[IdcSeries] = []
    with pq.ParquetFile(path) as index:
        for batch in index.iter_batches(batch_size=50_000, columns=list(_COLUMNS)):
            chosen = batch.filter(pc.equal(batch.column("collection_id"), name))
            found += [_series(row) for row in chosen.to_pylist()]
    return found


def _series(row: Mapping[str, Any]) -> IdcSeries:
    software = " ".join(filter(None, (row["Manufacturer"], row["ManufacturerModelName"])))
    return IdcSeries(
        row["PatientID"],
        row["StudyInstanceUID"],
        row["SeriesInstanceUID"],
        row["Modality"],
        row["SeriesDescription"] or "",
        int(row["instanceCount"]),
        float(row["series_size_MB"]),
        row["aws_bucket"],
        row["crdc_series_uuid"],
        row["analysis_result_id"] or _ITSELF,
        str(row["source_DOI"] or ""),
        row["license_short_name"] or "",
        software,
    )


def _published(
    masks: Sequence[IdcSeries],
    results: Mapping[str, Mapping[str, Any]],
    citations: Mapping[str, tuple[str, str]],
    entry: Mapping[str, Any],
    made: Mapping[str, str],
) -> Iterable[Published]:
    for name in sorted({one.source for one in masks}):
        mine = tuple(one for one in masks if one.source == name)
        result = results.get(name, {})
        title = result.get("analysis_result_title") or f"segmentations that came with {entry['collection_name']}"
        citation = result.get("citation") or next((citations[one.doi][1] for one in mine if one.doi in citations), "")
        about = result.get("description") or entry["description"] or ""
        ways = ", ".join(sorted({word for one in mine if (word := made.get(one.uid, ""))}))
        licences = ", ".join(sorted({one.licence for one in mine}))
        yield Published(name, title, mine, licences, _plain(citation), _plain(about), ways)


def _plain(text: str) -> str:
    """Return a citation without its markup, in one line."""
    return " ".join(html.unescape(re.sub(r"</?[a-z]+>", "", text)).split())


def how_made(web: Web, folder: Path) -> dict[str, str]:
    """Return series -> MANUAL, SEMIAUTOMATIC or AUTOMATIC of all segmentations, from an index that is downloaded.

    The index of segmentations (AlgorithmType of each SEG) is too large for the installed package and is published
    beside it; it is kept in `folder`. Raises `RemoteError` where it cannot be had.
    """
    import pyarrow.parquet as pq

    version = require("idc_index_data", "online").__version__
    path = folder / f"seg_index-{version}.parquet"
    if not path.is_file():
        web.download(f"{RELEASES}/{version}/seg_index.parquet", path)
    table = pq.read_table(path, columns=["SeriesInstanceUID", "AlgorithmType"])
    return {row["SeriesInstanceUID"]: _words(row["AlgorithmType"]) for row in table.to_pylist()}


def _words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value or "")


def read_manifest(path: str | Path) -> tuple[str, ...]:
    """Return the series of a TCIA manifest (`.tcia`), the UIDs below its line ListOfSeriesToDownload=.

    Raises `FileFormatError` for a file without that line, without any series, with a series twice or what is no UID.
    """
    name = Path(path).name
    lines = [line.strip() for line in safe_text(path).splitlines()]
    if _LIST not in lines:
        raise FileFormatError(f"{name} without the line {_LIST}", "a manifest of TCIA", "download it again")
    found = [line for line in lines[lines.index(_LIST) + 1 :] if line]
    odd = [line for line in found if not is_uid(line)]
    if odd or not found or len(set(found)) < len(found):
        got = f"{odd[0][:64]!r} in {name}" if odd else f"{name} with {'no series' if not found else 'a series twice'}"
        raise FileFormatError(got, "one series UID a line, each once", "download it again")
    return tuple(found)


_LIST = "ListOfSeriesToDownload="


def fetch_series(web: Web, series: IdcSeries, folder: Path) -> tuple[int, int]:
    """Bring one series to `folder`/patient/study/series and return (files that were there, files that are new).

    A series of which all files are here is not asked for again. What lies in the bucket is listed first (S3
    ListObjectsV2), so that a series is complete or an error: `RemoteError` where the bucket holds another number of
    files than the index says. A file's MD5 is its ETag unless it was
    uploaded in parts (an ETag with "-"), when its size alone is compared.
    """
    if not (is_uid(series.study) and is_uid(series.uid)):
        raise RemoteError("a series of the index without legal UIDs", "digits and dots", "tell its keeper")
    place = folder / safe_name(series.patient) / series.study / series.uid
    here = sum(1 for _ in place.glob("*.dcm"))
    if here >= series.instances:  # each file was whole when it got its name
        return here, 0
    base = BUCKET.format(series.bucket)
    files = _listed(web, base, f"{series.uuid}/")
    if len(files) != series.instances:
        raise RemoteError(
            f"{len(files)} files in the bucket for a series of {series.instances}", "the files the index names",
            "update idc-index-data: pip install -U idc-index-data",
        )  # fmt: skip
    new = sum(
        web.download(f"{base}/{quote(key)}", place / key.rpartition("/")[2], expected)
        for key, expected in files.items()
    )
    return len(files) - new, new


def safe_name(patient: str) -> str:
    """Return a patient's name as a folder may be called.

    >>> safe_name("TCGA-06-0119"), safe_name("../a b")
    ('TCGA-06-0119', '.._a_b')
    """
    name = re.sub(r"[^A-Za-z0-9._-]", "_", patient)
    return name if name.strip(".") else "_"


_NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"


def _listed(web: Web, base: str, prefix: str) -> dict[str, Expected]:
    """Return the keys below `prefix` with size and MD5, over all pages of the list."""
    found: dict[str, Expected] = {}
    token = ""
    while True:
        query = {"list-type": "2", "prefix": prefix, **({"continuation-token": token} if token else {})}
        text = web.text(f"{base}/", query)
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise RemoteError("a list of files with a document type", "plain XML", "tell the archive's keeper")
        try:
            root = ET.fromstring(text)  # noqa: S314 - entities are refused above
        except ET.ParseError as error:
            raise RemoteError("a list of files that is no XML", "S3's list", "try again later") from error
        for item in root.iter(f"{_NAMESPACE}Contents"):
            key, tag = _child(item, "Key"), _child(item, "ETag").strip('"')
            if not key.startswith(prefix) or "/" in key[len(prefix) :] or key[len(prefix) :].strip(".") == "":
                raise RemoteError("a file outside the series in its list", "files of the series", "tell its keeper")
            found[key] = Expected(int(_child(item, "Size")), "" if "-" in tag else tag)
        token = _child(root, "NextContinuationToken")
        if _child(root, "IsTruncated") != "true" or not token:
            return found


def _child(item: ET.Element, name: str) -> str:
    return item.findtext(f"{_NAMESPACE}{name}") or ""


Step = Callable[[bool], object]


def fetch_all(web: Web, series: Sequence[IdcSeries], folder: Path, step: Step | None = None) -> dict[str, str]:
    """Bring many series and return series -> why it could not be brought; `step` is told of each if it was there.

    One series that fails does not stop the others; three in a row raise the last `RemoteError`, since then the archive
    or the network is what fails. A disk that is full raises `OutputError` at once.
    """
    failed: dict[str, str] = {}
    row = 0
    for one in series:
        try:
            _, new = fetch_series(web, one, folder)
        except RemoteError as error:
            failed[one.uid] = f"{one.patient}: {error}"
            row += 1
            if row == _IN_A_ROW or len(failed) == len(series):
                raise
            continue
        row = 0
        if step is not None:
            step(new == 0)
    return failed


_IN_A_ROW = 3
