"""Imaging Data Commons: the installed index as it is, and files from a bucket that this machine plays."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from archive_server import Archive, serving
from genoxel.core.errors import FileFormatError, RemoteError, SettingsError
from genoxel.io.online import idc
from genoxel.io.online.web import Web

index = pytest.importorskip("idc_index_data")
SERIES = idc.IdcSeries("P/1", "1.2.3", "1.2.3.4", "CT", "", 3, 0.1, "bucket", "aaaa-bbbb", "collection", "", "", "")


@pytest.fixture(scope="module")
def kirc() -> idc.Collection:
    return idc.read_collection("tcga_kirc")


def test_the_index_agrees_with_pandas(kirc: idc.Collection) -> None:
    import pandas as pd

    rows = pd.read_parquet(
        index.IDC_INDEX_PARQUET_FILEPATH,
        columns=[
            *("collection_id", "PatientID", "Modality", "StudyInstanceUID", "SeriesInstanceUID", "analysis_result_id"),
            *("series_size_MB", "series_aws_url"),
        ],
        filters=[("collection_id", "==", "tcga_kirc")],
    )
    images = rows[rows.Modality.isin(idc.IMAGES)]
    assert len(kirc.images) == len(images) > 2000
    assert list(kirc.patients) == sorted(images.PatientID.unique())
    assert sum(one.megabytes for one in kirc.images) == pytest.approx(images.series_size_MB.sum())
    # where the index itself says that the files lie
    where = dict(zip(rows.SeriesInstanceUID, rows.series_aws_url, strict=True))
    assert all(where[one.uid] == f"s3://{one.bucket}/{one.uuid}/*" for one in kirc.images)
    masks = rows[rows.Modality.isin(idc.MASKS) & rows.StudyInstanceUID.isin(set(images.StudyInstanceUID))]
    expected = {name: sorted(some.PatientID.unique()) for name, some in masks.groupby("analysis_result_id")}
    assert {one.name: list(one.patients) for one in kirc.published} == expected
    assert list(kirc.without_mask()) == sorted(set(images.PatientID) - set(masks.PatientID))
    assert sum(kirc.others.values()) == len(rows) - len(images) - len(masks)


def test_who_made_a_segmentation_is_told_with_licence_and_citation(kirc: idc.Collection) -> None:
    made = kirc.masks("rcc_aid")[0]
    assert made.licence == "CC BY 4.0"
    assert made.citation.startswith("de Boer, S., Häntze, H.")
    assert "<i>" not in made.citation
    assert "&amp;" not in made.citation
    assert {one.name for one in kirc.masks("all")} >= {"rcc_aid", "bamf_aimi_annotations"}
    with pytest.raises(SettingsError, match="did you mean 'rcc_aid'"):
        kirc.masks("rcc_aids")


def test_nuclei_on_slides_are_no_masks_of_images() -> None:
    gbm = idc.read_collection("tcga_gbm")
    assert gbm.images == ()
    assert gbm.published == ()
    assert gbm.others["SEG"] > 0
    assert gbm.others["SM"] > 0


def test_the_collections_own_contours_are_told(kirc: idc.Collection) -> None:
    lung = idc.read_collection("nsclc_radiogenomics")
    own = lung.masks("collection")[0]
    assert "Bakr" in own.citation
    assert own.licence == "CC BY 3.0"
    with pytest.raises(SettingsError, match="did you mean 'nsclc_radiomics'"):
        idc.read_collection("nsclc_radiomic")


def listing(files: dict[str, bytes], more: str = "", parts: bool = False) -> str:
    """A page as S3's ListObjectsV2 answers."""
    items = "".join(
        f"<Contents><Key>{escape(key)}</Key><LastModified>2024-01-01T00:00:00.000Z</LastModified>"
        f'<ETag>"{hashlib.md5(data).hexdigest()}{"-2" if parts else ""}"</ETag><Size>{len(data)}</Size></Contents>'
        for key, data in files.items()
    )
    token = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{more}</NextContinuationToken>"
    return (
        '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Name>bucket</Name>{token if more else '<IsTruncated>false</IsTruncated>'}{items}</ListBucketResult>"
    )


FILES = {f"aaaa-bbbb/{name}.dcm": name.encode() * 500 for name in ("one", "two", "three")}


@pytest.fixture
def archive(monkeypatch: pytest.MonkeyPatch) -> Iterator[Archive]:
    with serving() as found:
        monkeypatch.setattr(idc, "BUCKET", found.base + "/{}")
        found.answers |= {f"/bucket/{key}": data for key, data in FILES.items()}
        found.answers["/bucket/"] = lambda query, _: (
            listing(dict(list(FILES.items())[2:]))
            if query.get("continuation-token") == "next"
            else listing(dict(list(FILES.items())[:2]), "next")
        )
        yield found


def test_a_series_is_brought_over_all_pages_and_once(archive: Archive, tmp_path: Path) -> None:
    assert idc.fetch_series(Web(), SERIES, tmp_path) == (0, 3)
    place = tmp_path / "P_1" / "1.2.3" / "1.2.3.4"
    assert {path.name: path.read_bytes() for path in place.iterdir()} == {
        key.partition("/")[2]: data for key, data in FILES.items()
    }
    asked = len(archive.asked)
    assert idc.fetch_series(Web(), SERIES, tmp_path) == (3, 0)
    assert len(archive.asked) == asked  # nothing is asked for a series that is complete
    (place / "two.dcm").unlink()
    assert idc.fetch_series(Web(), SERIES, tmp_path) == (2, 1)


def test_the_etag_is_an_md5_unless_uploaded_in_parts(archive: Archive, tmp_path: Path) -> None:
    archive.answers["/bucket/"] = listing(FILES)
    archive.answers["/bucket/aaaa-bbbb/two.dcm"] = b"TWO" * 500
    with pytest.raises(RemoteError, match=r"two\.dcm from 127\.0\.0\.1 with MD5"):
        idc.fetch_series(Web(), SERIES, tmp_path)
    archive.answers["/bucket/"] = listing(FILES, parts=True)
    assert idc.fetch_series(Web(), SERIES, tmp_path) == (1, 2)


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (listing({"aaaa-bbbb/one.dcm": b"1"}), "1 files in the bucket for a series of 3"),
        (listing({"aaaa-bbbb/../../evil": b"1"}), "outside the series"),
        (listing({"other/one.dcm": b"1"}), "outside the series"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', "document type"),
        ("<html>", "no XML"),
    ],
)
def test_a_list_that_cannot_be_trusted_is_refused(archive: Archive, tmp_path: Path, page: str, words: str) -> None:
    archive.answers["/bucket/"] = page
    with pytest.raises(RemoteError, match=words):
        idc.fetch_series(Web(), SERIES, tmp_path)
    assert not list(tmp_path.rglob("*.*"))


def test_how_masks_were_made_is_asked_once(archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = {"SeriesInstanceUID": ["1.2", "1.3"], "AlgorithmType": ["MANUAL", "AUTOMATIC"], "total_segments": [1, 2]}
    pq.write_table(pa.table(rows), tmp_path / "seg.parquet")
    monkeypatch.setattr(idc, "RELEASES", archive.base)
    with pytest.raises(RemoteError, match="HTTP 404"):
        idc.how_made(Web(), tmp_path / "cache")
    archive.answers[f"/{index.__version__}/seg_index.parquet"] = (tmp_path / "seg.parquet").read_bytes()
    assert idc.how_made(Web(), tmp_path / "cache") == {"1.2": "MANUAL", "1.3": "AUTOMATIC"}
    asked = len(archive.asked)
    assert idc.how_made(Web(), tmp_path / "cache") == {"1.2": "MANUAL", "1.3": "AUTOMATIC"}
    assert len(archive.asked) == asked


def test_the_index_names_the_columns_that_are_read() -> None:
    """The published description of the index of segmentations, which is too large to come with the package."""
    columns = {one["name"] for one in index.INDEX_METADATA["seg_index"]["schema"]["columns"]}
    assert {"SeriesInstanceUID", "AlgorithmType"} <= columns


MANIFEST = (
    "downloadServerUrl=https://public.cancerimagingarchive.net/nbia-download/servlet/DownloadServlet\n"
    "includeAnnotation=true\nnoOfrRetry=4\ndatabasketId=manifest-1561766528292.tcia\nmanifestVersion=3.0\n"
    "ListOfSeriesToDownload=\n1.3.6.1.4.1.14519.5.2.1.1\n1.3.6.1.4.1.14519.5.2.1.2\n"
)


def test_a_manifest_of_tcia_names_its_series(tmp_path: Path) -> None:
    path = tmp_path / "m.tcia"
    path.write_text(MANIFEST, encoding="utf-8")
    assert idc.read_manifest(path) == ("1.3.6.1.4.1.14519.5.2.1.1", "1.3.6.1.4.1.14519.5.2.1.2")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (MANIFEST.replace("ListOf", "List"), "without the line ListOfSeriesToDownload="),
        (MANIFEST[: MANIFEST.index("1.3.6")], "with no series"),
        (MANIFEST + "1.3.6.1.4.1.14519.5.2.1.1\n", "with a series twice"),
        (MANIFEST + "../etc\n", "'../etc' in m.tcia"),
    ],
)
def test_faulty_manifests_are_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "m.tcia"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FileFormatError, match=words):
        idc.read_manifest(path)
