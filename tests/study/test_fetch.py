"""A public collection becomes a study: simulated deliveries behind a bucket and an index of the real form."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
import pytest

from archive_server import Archive, serving
from genoxel.core.errors import GenoxelError, OutputError, RemoteError, SettingsError
from genoxel.io.online import gdc, idc
from genoxel.io.online.web import Web
from genoxel.study import fetch as fetching
from genoxel.study.check import check
from genoxel.study.fetch import fetch, fetch_from, list_collection
from genoxel.study.order import Order
from genoxel.study.progress import Progress
from genoxel.study.run import run
from genoxel.study.schema import parse_study
from genoxel.study.study import Study

pytest.importorskip("idc_index_data")
pq = pytest.importorskip("pyarrow.parquet")
DRAWN = {"analysis_result_id": "hand_drawn", "source_DOI": "10.5281/zenodo.1"}


@pytest.fixture(scope="module")
def delivery(hospital: Path) -> dict[str, list[Path]]:
    """The first eight patients' files by series."""
    series: dict[str, list[Path]] = {}
    people = sorted({path.relative_to(hospital / "dicom").parts[0] for path in (hospital / "dicom").rglob("*.dcm")})[:8]
    for path in sorted((hospital / "dicom").rglob("*.dcm")):
        if path.relative_to(hospital / "dicom").parts[0] in people:
            head = pydicom.dcmread(path, stop_before_pixels=True)
            series.setdefault(str(head.SeriesInstanceUID), []).append(path)
    return series


@pytest.fixture(scope="module")
def index(delivery: dict[str, list[Path]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the same columns as the published one, of one collection."""
    import pyarrow as pa

    rows = []
    for uid, paths in delivery.items():
        head = pydicom.dcmread(paths[0], stop_before_pixels=True)
        empty = dict.fromkeys(idc._COLUMNS)
        rows.append(
            {
                **empty, "collection_id": "toy", "PatientID": head.PatientID, "StudyInstanceUID": head.StudyInstanceUID,
                "SeriesInstanceUID": uid, "Modality": head.Modality, "instanceCount": len(paths),
                "series_size_MB": sum(path.stat().st_size for path in paths) / 1e6, "source_DOI": "10.7937/toy",
                "license_short_name": "CC BY 4.0", "aws_bucket": "bucket", "crdc_series_uuid": uid.replace(".", "-"),
                **(DRAWN if head.Modality in idc.MASKS else {}),
            }
        )  # fmt: skip
    folder = tmp_path_factory.mktemp("index")
    pq.write_table(pa.Table.from_pylist(rows), folder / "idc_index.parquet")
    licence = {"license_short_name": "CC BY 4.0"}
    source = {"source_doi": "10.7937/toy", "license": licence, "citation": "Doe, J. (2020). <i>Toy</i> images."}
    entry = {
        "collection_id": "toy",
        "collection_name": "TOY",
        "cancer_types": "Glioma",
        "description": "",
        "sources": [source],
    }
    pq.write_table(pa.Table.from_pylist([entry]), folder / "collections_index.parquet")
    result = {
        "analysis_result_id": "hand_drawn", "analysis_result_title": "Contours drawn by hand",
        "citation": "Roe, R. (2021). <i>Contours</i>.", "description": "Two readers drew them.",
    }  # fmt: skip
    pq.write_table(pa.Table.from_pylist([result]), folder / "analysis_results_index.parquet")
    return folder


@pytest.fixture
def archive(
    delivery: dict[str, list[Path]], index: Path, hospital: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Archive]:
    """A bucket with the series, and a GDC project that sequenced all eight."""
    real = idc.read_collection
    monkeypatch.setattr(idc, "read_collection", lambda name, folder=None, made=None: real(name, folder or index, made))
    with serving() as server:
        monkeypatch.setattr(idc, "BUCKET", server.base + "/{}")
        monkeypatch.setattr(gdc, "API", server.base)
        contents = {}
        for uid, paths in delivery.items():
            for number, path in enumerate(paths):
                contents[f"{uid.replace('.', '-')}/{number}.dcm"] = path.read_bytes()
        server.answers |= {f"/bucket/{key}": data for key, data in contents.items()}
        server.answers["/bucket/"] = lambda query, _: _listing(contents, query["prefix"])
        people = sorted({str(pydicom.dcmread(paths[0]).PatientID) for paths in delivery.values()})
        files = [_maf(server, person, hospital) for person in people]
        cases = [
            {"submitter_id": one, "demographic": {"gender": "female"}, "diagnoses": [{"age_at_diagnosis": 20_000}]}
            for one in people
        ]
        for endpoint, hits in (("files", files), ("cases", cases)):
            server.answers[f"/{endpoint}"] = lambda _, body, hits=hits: {
                "data": {"hits": hits[body["from"] :], "pagination": {"total": len(hits)}}
            }
        yield server


def _listing(contents: dict[str, bytes], prefix: str) -> str:
    items = "".join(
        f'<Contents><Key>{key}</Key><ETag>"{hashlib.md5(data).hexdigest()}"</ETag><Size>{len(data)}</Size></Contents>'
        for key, data in contents.items()
        if key.startswith(prefix)
    )
    return f'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>false</IsTruncated>{items}</ListBucketResult>'


def _maf(server: Archive, person: str, hospital: Path) -> dict[str, Any]:
    head, *rows = (hospital / "mutations.maf").read_text(encoding="utf-8").splitlines()
    while head.startswith("#"):
        head, *rows = rows
    place = head.split("\t").index("Tumor_Sample_Barcode")
    mine = [row for row in rows if row.split("\t")[place] == person]
    data = gzip.compress(("\n".join([head, *mine]) + "\n").encode(), mtime=0)
    name = f"{hashlib.md5(person.encode()).hexdigest()}"
    server.answers[f"/data/{name}"] = data
    samples = [{"submitter_id": f"{person}-T", "tissue_type": "Tumor"}]
    return {
        "file_id": name, "file_name": f"{name}.maf.gz", "file_size": len(data), "access": "open",
        "md5sum": hashlib.md5(data).hexdigest(), "cases": [{"submitter_id": person, "samples": samples}],
    }  # fmt: skip


ALL = Order("toy", ("images", "masks", "clinical", "mutations"), masks="hand_drawn", patients=2, project="TOY-1")


def test_a_collection_becomes_a_study_that_checks(archive: Archive, tmp_path: Path) -> None:
    listing = list_collection(ALL)
    said = "\n".join(listing.lines())
    assert "masks     hand_drawn: Contours drawn by hand" in said
    assert "Roe, R. (2021). Contours." in said
    assert "patients have no published mask" in said or not listing.collection.without_mask()
    found = fetch(listing, tmp_path / "toy", Web())
    assert found.missing == {}
    text = (tmp_path / "toy" / "study.toml").read_text(encoding="utf-8")
    settings, problems = parse_study(text)
    assert problems == []
    assert settings is not None
    assert settings.omics.mutations == "mutations.maf"
    assert settings.omics.profiled == "profiled.txt"
    sources = (tmp_path / "toy" / "SOURCES.md").read_text(encoding="utf-8")
    for words in (
        "Doe, J. (2020). Toy images.",
        "## Segmentations hand_drawn: CC BY 4.0",
        "TOY-1",
        "doi:10.1056/NEJMp1607591",
    ):
        assert words in sources
    masks = (tmp_path / "toy" / "masks.csv").read_text(encoding="utf-8").splitlines()
    assert sum(",hand_drawn," in row for row in masks) == sum(len(one.series) for one in listing.collection.published)
    assert [row.split(",")[0] for row in masks if ",none," in row] == list(listing.collection.without_mask())
    looked = check(Study.read(tmp_path / "toy"), workers=1)
    assert [one for one in looked.problems if one.severity == "error"] == []
    assert looked.flow is not None
    assert len(looked.flow.patients) == 2
    asked = len([path for path in archive.paths() if path.startswith("/bucket")])
    fetch(listing, tmp_path / "toy", Web())
    assert len([path for path in archive.paths() if path.startswith("/bucket")]) == asked


def test_one_kind_that_cannot_be_had_does_not_stop_the_others(archive: Archive, tmp_path: Path) -> None:
    archive.answers["/files"] = lambda _, body: {"data": {"hits": [], "pagination": {"total": 0}}}
    order = Order("toy", ("clinical", "mutations"), project="TOY-1")
    found = fetch(list_collection(order), tmp_path / "toy", Web())
    assert list(found.missing) == ["mutations"]
    assert "Imaging Data Commons" not in (tmp_path / "toy" / "SOURCES.md").read_text(encoding="utf-8")
    assert "no open mutations" in found.lines()[0]
    assert (tmp_path / "toy" / "clinical.csv").is_file()
    assert "dicom/ is empty" in (tmp_path / "toy" / "study.toml").read_text(encoding="utf-8")
    with pytest.raises(OutputError, match="holds another collection"):
        fetch(list_collection(Order("toy")), _marked(tmp_path / "other"), Web())


def test_nothing_at_all_is_an_error_and_a_study_is_proposed_anew_until_it_is_edited(
    archive: Archive, tmp_path: Path
) -> None:
    folder, real = tmp_path / "toy", archive.answers["/cases"]
    order = Order("toy", ("clinical",), project="TOY-1")
    archive.answers["/cases"] = None
    with pytest.raises(RemoteError, match=r"nothing of toy: .*HTTP 404"):
        fetch(list_collection(order), folder, Web())
    assert not (folder / "study.toml").exists()
    archive.answers["/cases"] = real
    fetch(list_collection(order), folder, Web())
    first = (folder / "study.toml").read_text(encoding="utf-8")
    assert "mutations" not in first
    more = list_collection(Order("toy", ("clinical", "mutations"), project="TOY-1"))
    fetch(more, folder, Web())
    text = (folder / "study.toml").read_text(encoding="utf-8")
    assert 'mutations = "mutations.maf"' in text
    (folder / "study.toml").write_text(text + "# mine\n", encoding="utf-8")
    fetch(more, folder, Web())
    assert (folder / "study.toml").read_text(encoding="utf-8").endswith("# mine\n")


def test_one_series_that_fails_is_named_and_the_others_come(archive: Archive, tmp_path: Path) -> None:
    listing = list_collection(Order("toy", ("images",), patients=2))
    lost = listing.series[1]
    del archive.answers[f"/bucket/{lost.uuid}/0.dcm"]
    found = fetch(listing, tmp_path / "toy", Web())
    assert list(found.missing) == [f"1 of {len(listing.series)} series"]
    assert f"{lost.patient}: got /bucket/{lost.uuid}/0.dcm refused" in found.lines()[0]
    assert len({path.parent.name for path in (tmp_path / "toy").rglob("*.dcm")}) == len(listing.series) - 1


def test_clinical_facts_come_with_every_study(archive: Archive, tmp_path: Path) -> None:
    found = fetch(list_collection(Order("toy", ("mutations",), project="TOY-1")), tmp_path / "toy", Web())
    assert found.missing == {}
    assert (tmp_path / "toy" / "clinical.csv").is_file()
    assert Order("tcga_gbm", ("mutations",)).brought == ("mutations", "clinical")
    assert Order("upenn_gbm", ("images",)).brought == ("images",)


def _marked(folder: Path) -> Path:
    folder.mkdir()
    (folder / ".collection").write_text("tcga_kirc\n", encoding="utf-8")
    return folder


def test_the_first_patients_are_those_with_masks(archive: Archive) -> None:
    listing = list_collection(Order("toy", masks="hand_drawn", patients=3))
    people = {one.patient for one in listing.series}
    assert len(people) == 3
    assert people <= set(listing.collection.masks("hand_drawn")[0].patients)
    assert {one.modality for one in list_collection(Order("toy")).series} & set(idc.MASKS) == set()


def test_a_manifest_limits_the_series_and_names_those_that_are_not_there(archive: Archive) -> None:
    every = list_collection(Order("toy")).series
    listing = list_collection(Order("toy", only=(every[0].uid, every[3].uid, "1.2.3")))
    assert [one.uid for one in listing.series] == [every[0].uid, every[3].uid]
    assert listing.notes[0] == "1 series of the manifest are not in this collection, or not asked for: 1.2.3"


def test_a_list_says_how_masks_were_made(archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    series = list_collection(Order("toy")).collection.published[0].series
    if all(one.modality == "RTSTRUCT" for one in series):  # the index of segmentations knows SEG alone
        lines = list_collection(Order("toy"), Web(), tmp_path).lines()
        assert any("by hand or machine: the index does not say, the files do" in line for line in lines)
    made = {one.uid: "MANUAL" for one in series}
    real = idc.read_collection
    monkeypatch.setattr(idc, "read_collection", lambda name, folder=None, _=None: real(name, folder, made))
    assert any(", MANUAL; written by" in line for line in list_collection(Order("toy")).lines())


def test_orders_that_cannot_be_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="did you mean 'images'"):
        Order("tcga_kirc", ("image",))
    with pytest.raises(SettingsError, match="name it with --project"):
        _ = Order("upenn_gbm").gdc
    assert Order("tcga_kirc").gdc == "TCGA-KIRC"
    with pytest.raises(SettingsError, match="cbioportal, geo"):
        fetch_from(Order("ftp:somewhere"), tmp_path, Progress(), print)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--with", "imagse"], "legal: images, masks, clinical, mutations, expression; to fix: did you mean 'images'"),
        (["--with", "IMAGES"], "did you mean 'images'"),
        (["--with", "images masks"], "legal: images, masks, clinical, mutations, expression"),
        (["--with", "images,copynumber"], "data called 'copynumber'; legal: images, masks, clinical, mutations"),
        (["--with", ""], "no kind of data; legal: images, masks, clinical, mutations, expression"),
        (["--with", " , "], "no kind of data"),
        (["--with", "images", "--masks", "hand_drawn"], "add masks, or leave that option out"),
        (["--with", "mutations", "--patients", "3"], "the first 3 patients of mutations"),
        (["--masks", "hand_drwan"], "did you mean 'hand_drawn'"),
        (["--masks", "x"], "to fix: choose one of these"),
    ],
)
def test_what_the_command_cannot_bring_is_refused_with_what_is_legal(
    words: list[str], said: str, archive: Archive, capsys: pytest.CaptureFixture[str]
) -> None:
    from genoxel.app.cli import app

    for more in ([], ["--list"]):
        with pytest.raises(SystemExit) as left:
            app(["fetch", "toy", *more, *words], standalone_mode=False)
        assert left.value.code == 1
        assert said in " ".join(capsys.readouterr().err.split())
    assert archive.asked == []


@pytest.mark.parametrize(
    "words", [["--with", "mutations"], ["--masks", "all"], ["--patients", "2"], ["--project", "X"], ["--list"]]
)
def test_tables_alone_come_as_they_are(words: list[str], archive: Archive, capsys: pytest.CaptureFixture[str]) -> None:
    from genoxel.app.cli import app

    with pytest.raises(SystemExit):
        app(["fetch", "cbioportal:some_study", *words], standalone_mode=False)
    assert "its tables come together" in " ".join(capsys.readouterr().err.split())
    assert archive.asked == []


def test_a_list_says_when_masks_are_asked_for_and_none_is_chosen(archive: Archive) -> None:
    told = "no mask is brought: choose a set by its name"
    assert any(told in line for line in list_collection(Order("toy")).lines())
    assert not any(told in line for line in list_collection(Order("toy", masks="hand_drawn")).lines())
    assert not any(told in line for line in list_collection(Order("toy", ("images",))).lines())


STUDY = """
[cohort]
table = "clinical.csv"
patient = "patient"
[io.images]
modality = "T1CE"
fetch = { collection = "toy", with = ["images", "masks"], masks = "hand_drawn", patients = 6 }
[segment]
roi = ["GTV*", "Tumo*r*"]
never = ["*PTV*"]
[image]
discretise = { bins = 8 }
[features]
families = ["stat"]
"""


@pytest.fixture
def study(archive: Archive, tmp_path: Path, delivery: dict[str, list[Path]]) -> Path:
    people = sorted({str(pydicom.dcmread(paths[0]).PatientID) for paths in delivery.values()})
    rows = "".join(f"{one},{50 + place}\n" for place, one in enumerate(people))
    (tmp_path / "clinical.csv").write_text(f"patient,age\n{rows}", encoding="utf-8")
    (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
    return tmp_path


def test_a_study_brings_its_collection_when_it_runs(
    study: Path, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = check(Study.read(study), workers=1)
    told = [one for one in looked.problems if one.where == "io.images.fetch"]
    assert [one.severity for one in told] == ["warning"]
    assert told[0].got.startswith("6 patients of toy that are not here yet")
    assert archive.asked == []
    result = run(Study.read(study), workers=1)
    assert result.failed == ()
    assert result.notes == (" left out SIM-007, SIM-008: got no image series",)
    assert "Roe, R." in (study / "fetched" / "toy" / "SOURCES.md").read_text(encoding="utf-8")
    asked = len(archive.asked)
    monkeypatch.setattr(idc, "read_collection", None)  # neither index nor network is needed any more
    run(Study.read(study), workers=1)
    assert len(archive.asked) == asked


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"toy"', '"toys"', "did you mean 'toy'"),
        ('"hand_drawn"', '"hand_drwan"', "did you mean 'hand_drawn'"),
        ('"toy"', '"Toy"', "small letters"),
        ("fetch =", 'folder = "dicom"\nfetch =', "exclude each other"),
        ("patients = 6", "people = 6", "people"),
        ('["images", "masks"]', '["images", "expression"]', "'images' or 'masks'"),
        ('["images", "masks"]', '["images"]', 'add "masks" to with'),
        ('["images", "masks"]', "[]", "nothing to bring"),
    ],
)
def test_faults_in_the_section_are_named(study: Path, old: str, new: str, words: str) -> None:
    (study / "study.toml").write_text(STUDY.replace(old, new), encoding="utf-8")
    with pytest.raises(GenoxelError) as refused:
        run(Study.read(study), workers=1)
    assert words in str(refused.value)


def test_the_command_lists_and_fetches(
    archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from genoxel.app.cli import app

    def call(words: list[str]) -> None:
        app(words, standalone_mode=False)

    call(["fetch", "toy", "--list", "--json"])
    listed = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in listed["segmentations"]] == ["hand_drawn"]
    assert archive.asked == []
    monkeypatch.setattr(fetching.idc, "how_made", lambda web, folder: {})
    words = [
        "--with",
        "images,masks,clinical,mutations",
        "--masks",
        "hand_drawn",
        "--patients",
        "2",
        "--project",
        "TOY-1",
    ]
    call(["fetch", "toy", "--to", str(tmp_path / "toy"), *words])
    assert "Next: genoxel check" in capsys.readouterr().out
    words = ["--with", "clinical,expression", "--project", "TOY-1", "--quiet"]
    archive.answers["/files"] = None
    with pytest.raises(SystemExit) as left:
        call(["fetch", "toy", "--to", str(tmp_path / "two"), *words])
    assert left.value.code == 3
    assert "not brought: expression" in capsys.readouterr().out
    with pytest.raises(SystemExit) as left:  # without a project nothing can be asked
        call(["fetch", "toy", "--to", str(tmp_path / "three"), "--with", "expression", "--quiet"])
    assert left.value.code == 1
    assert "nothing of toy" in capsys.readouterr().err
