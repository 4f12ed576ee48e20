"""Archives: what may be asked, what comes back, what goes wrong, and that nothing half-received is believed."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import numpy as np
import pydicom
import pytest
from typer.testing import CliRunner

from dicom_making import NAME, save, slices, truth
from genoxel.app.cli import app
from genoxel.core.errors import FileFormatError, MissingFileError, RemoteError, SettingsError
from genoxel.io.dicom import read_series
from genoxel.io.pacs import Question, Series, files_to_send, open_archive, receive
from pacs_peers import ONE_LOST, OTHER_SERIES, REFUSES, dimse, web

ASKED = Question(patient="P1")
SERVERS = {"dimse": dimse, "web": web}


def held() -> list[pydicom.Dataset]:
    """Return two patients' series as an archive holds them."""
    return [*slices((6, 5, 4)), *slices((6, 5, 3), patient="P2", series="other")]


@pytest.mark.parametrize("kind", SERVERS)
def test_a_series_comes_back_as_it_was_stored(kind: str, tmp_path: Path) -> None:
    with SERVERS[kind](held()) as address:
        archive = open_archive(address)
        (found,) = archive.find(ASKED)
        came = receive(archive, found, tmp_path)
    assert (found.modality, found.instances) == ("CT", 4)
    assert (came.there, came.new, came.complete) == (0, 4, True)
    image = read_series(sorted(came.folder.glob("*.dcm")))
    np.testing.assert_array_equal(image.array, truth((6, 5, 4)))


@pytest.mark.parametrize("kind", SERVERS)
def test_what_is_here_is_not_asked_for_again(kind: str, tmp_path: Path) -> None:
    with SERVERS[kind](held()) as address:
        archive = open_archive(address)
        (found,) = archive.find(ASKED)
        receive(archive, found, tmp_path)
    again = receive(archive, found, tmp_path)  # the archive is gone: nothing may be asked of it
    assert (again.there, again.new, again.complete) == (4, 0, True)


@pytest.mark.parametrize("kind", SERVERS)
def test_sent_files_are_stored(kind: str, tmp_path: Path) -> None:
    stored: list[pydicom.Dataset] = []
    files = save(slices((6, 5, 4)), tmp_path / "out")
    (tmp_path / "out" / "notes.txt").write_text("not DICOM", encoding="utf-8")
    with SERVERS[kind](stored) as address:
        sent = list(open_archive(address).send(files_to_send([tmp_path / "out"])))
    assert [one.stored for one in sent] == [True] * 4
    assert sorted(one.SOPInstanceUID for one in stored) == sorted(pydicom.dcmread(f).SOPInstanceUID for f in files)
    assert {one.PixelData for one in stored} == {pydicom.dcmread(file).PixelData for file in files}


@pytest.mark.parametrize("kind", SERVERS)
def test_what_an_archive_does_not_take_is_told(kind: str, tmp_path: Path) -> None:
    files = save(slices((6, 5, 1), modality="MR"), tmp_path)
    with SERVERS[kind]([]) as address:
        if kind == "dimse":  # no context is accepted, so there is no association
            with pytest.raises(RemoteError, match="no association"):
                list(open_archive(address).send(files))
            return
        (sent,) = open_archive(address).send(files)
    assert not sent.stored
    assert "refused" in sent.reason


def test_a_refusing_archive_is_named_with_its_status(tmp_path: Path) -> None:
    with dimse(held(), REFUSES) as address:
        with pytest.raises(RemoteError, match="0xA700"):
            open_archive(address).find(ASKED)
        (sent,) = open_archive(address).send(save(slices((6, 5, 1)), tmp_path))
    assert (sent.stored, "0xA700" in sent.reason) == (False, True)


def test_an_instance_of_another_series_is_not_kept(tmp_path: Path) -> None:
    with dimse(held(), OTHER_SERIES) as address:
        archive = open_archive(address)
        (found,) = archive.find(ASKED)
        with pytest.raises(RemoteError, match="another series"):
            receive(archive, found, tmp_path)
    assert list(tmp_path.rglob("*.dcm")) == []


def test_a_series_with_fewer_instances_than_announced_is_incomplete(tmp_path: Path) -> None:
    with dimse(held(), ONE_LOST) as address:
        done = CliRunner().invoke(app, ["pacs", "get", address, "--patient", "P1", "-o", str(tmp_path)])
    assert done.exit_code == 3
    assert "incomplete" in done.output


@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("scheme", ["dicom://PEER@127.0.0.1:{}", "http://127.0.0.1:{}/dicom-web"])
def test_an_archive_that_is_not_there_is_said_within_seconds(scheme: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(RemoteError, match=r"127\.0\.0\.1"):
        open_archive(scheme.format(port)).find(ASKED)


def test_a_token_is_taken_from_the_environment_and_a_refusal_repeats_no_body(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GENOXEL_DICOMWEB_TOKEN", raising=False)
    with web(held(), token="secret") as address:
        with pytest.raises(RemoteError, match="GENOXEL_DICOMWEB_TOKEN") as refused:
            open_archive(address).find(ASKED)
        monkeypatch.setenv("GENOXEL_DICOMWEB_TOKEN", "secret")
        assert len(open_archive(address).find(ASKED)) == 1
    assert NAME not in str(refused.value)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({}, "whole archive"),
        ({"modality": "CT"}, "whole archive"),
        ({"patient": "P*"}, "wild card"),
        ({"patient": "P1\\P2"}, "wild card"),
        ({"study": "../1"}, "UID"),
        ({"patient": "P1", "date": "2024-01-31"}, "YYYYMMDD"),
    ],
)
def test_questions_that_may_not_be_asked(fields: dict[str, str], word: str) -> None:
    with pytest.raises(SettingsError, match=word):
        Question(**fields)


@pytest.mark.parametrize(
    "address",
    [
        *("pacs.example.org", "dicom://host:104", "dicom://AE@host", "dicom://AE@host:many", "ftp://host/x"),
        *("dicom://A_NAME_OF_MORE_THAN_16@host:104", "https://me:hunter2@host/dicom-web"),
    ],
)
def test_addresses_of_no_archive(address: str) -> None:
    with pytest.raises(SettingsError) as refused:
        open_archive(address)
    assert "hunter2" not in str(refused.value)


def test_a_uid_that_would_leave_the_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RemoteError, match="no legal UID"):
        receive(open_archive("dicom://A@127.0.0.1:1"), Series("1.2", "../../1"), tmp_path)


def test_only_dicom_files_are_sent(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x", encoding="utf-8")
    with pytest.raises(FileFormatError):
        files_to_send([tmp_path / "a.txt"])
    with pytest.raises(MissingFileError):
        files_to_send([tmp_path])
    with pytest.raises(MissingFileError):
        files_to_send([tmp_path / "nothing"])


def test_the_commands_find_and_send(tmp_path: Path) -> None:
    files = held()
    with dimse(files) as address:
        found = CliRunner().invoke(app, ["pacs", "find", address, "--patient", "P2", "--json"])
        save(slices((6, 5, 2), patient="P3", series="third"), tmp_path)
        sent = CliRunner().invoke(app, ["pacs", "send", address, str(tmp_path)])
    assert [one["instances"] for one in json.loads(found.output)["series"]] == [3]
    assert NAME not in found.output
    assert "stored 2 of 2" in sent.output
    assert len(files) == 9
