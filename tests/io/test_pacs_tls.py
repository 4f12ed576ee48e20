"""Associations over TLS: both sides are checked, and whoever is not trusted gets nothing."""

from __future__ import annotations

import gc
import shutil
import ssl
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from dicom_making import slices, truth
from genoxel.app.cli import app
from genoxel.core.errors import MissingFileError, RemoteError, SettingsError
from genoxel.io.dicom import read_series
from genoxel.io.pacs import Question, Tls, open_archive, receive
from pacs_peers import dimse

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make certificates with")
ASKED = Question(patient="P1")


@pytest.fixture(autouse=True)
def sockets_collected() -> Iterator[None]:
    """Collect the sockets that the network library leaves open where a handshake fails."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def certificate(folder: Path, word: str) -> Tls:
    """Return a certificate of its own, for 127.0.0.1, made by openssl."""
    ours = Tls(None, folder / f"{word}.pem", folder / f"{word}.key")
    call = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={word}"]
    call += ["-addext", "subjectAltName=IP:127.0.0.1", "-out", str(ours.certificate), "-keyout", str(ours.key)]
    subprocess.run(call, check=True, capture_output=True)
    return ours


@pytest.fixture(scope="module")
def archive_pair(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return certificate(tmp_path_factory.mktemp("archive"), "archive")


@pytest.fixture(scope="module")
def our_pair(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return certificate(tmp_path_factory.mktemp("ours"), "ours")


def serving(pair: Tls, trusts: Tls | None = None) -> ssl.SSLContext:
    """Return how an archive answers: with its certificate, and only to whom it `trusts`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    assert pair.certificate is not None
    context.load_cert_chain(pair.certificate, pair.key)
    if trusts is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(trusts.certificate)
    return context


def test_a_series_comes_over_tls_and_its_archive_is_checked(archive_pair: Tls, tmp_path: Path) -> None:
    with dimse(slices((6, 5, 4)), tls=serving(archive_pair)) as address:
        archive = open_archive(address, Tls(ca=archive_pair.certificate))
        (found,) = archive.find(ASKED)
        came = receive(archive, found, tmp_path)
        with pytest.raises(RemoteError, match="trusts the certificate"):
            open_archive(address).find(ASKED)  # nobody the system knows vouches for it
        with pytest.raises(RemoteError, match="no association"):
            open_archive(address.replace("dicoms:", "dicom:")).find(ASKED)
    assert np.array_equal(read_series(sorted(came.folder.glob("*.dcm"))).array, truth((6, 5, 4)))


def test_an_archive_that_asks_who_calls_is_answered(archive_pair: Tls, our_pair: Tls, tmp_path: Path) -> None:
    ca = str(archive_pair.certificate)
    with dimse(slices((6, 5, 4)), tls=serving(archive_pair, our_pair)) as address:
        words = ["pacs", "find", address, "--patient", "P1", "--ca", ca]
        refused = CliRunner().invoke(app, words)
        asked = CliRunner().invoke(app, [*words, "--cert", str(our_pair.certificate), "--key", str(our_pair.key)])
    assert refused.exit_code == 1
    assert asked.exit_code == 0, asked.output
    assert "1 series" in asked.output


def test_certificates_that_cannot_be_used_are_refused(archive_pair: Tls, tmp_path: Path) -> None:
    address = "dicoms://PEER@127.0.0.1:104"
    with pytest.raises(MissingFileError):
        open_archive(address, Tls(ca=tmp_path / "none.pem"))
    (tmp_path / "text.pem").write_text("no certificate")
    with pytest.raises(SettingsError, match="cannot be used"):
        open_archive(address, Tls(ca=tmp_path / "text.pem"))
    with pytest.raises(SettingsError, match="cannot be used"):
        open_archive(address, Tls(certificate=archive_pair.certificate, key=tmp_path / "text.pem"))
    with pytest.raises(SettingsError, match="dicoms"):
        open_archive("https://host/dicom-web", Tls(ca=archive_pair.certificate))
