"""A real archive: Orthanc, in a network namespace of its own, so that nothing outside this machine can reach it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest

from dicom_making import save, slices
from genoxel.io.dicom import read_series

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


def _why_not() -> str:
    if not shutil.which("Orthanc") or not PLUGIN.exists():
        return "Orthanc and its DICOMweb plugin are not installed (Debian: orthanc, orthanc-dicomweb)"
    if (
        not shutil.which("unshare")
        or subprocess.run(["unshare", "-rn", "ip", "link"], capture_output=True, check=False).returncode
    ):
        return "this system lends no network namespace"
    return ""


@pytest.mark.skipif(bool(_why_not()), reason=_why_not())
def test_orthanc_takes_and_gives_back_the_same_pixels(tmp_path: Path) -> None:
    pytest.importorskip("pynetdicom")
    pytest.importorskip("dicomweb_client")
    made = slices((16, 12, 6))
    save(made, tmp_path / "files", "ct")
    save(slices((16, 12, 2), modality="MR", series="web"), tmp_path / "files", "mr")
    script = Path(__file__).with_name("orthanc_session.py")
    inner = f"ip link set lo up && exec {sys.executable} {script} {tmp_path} {tmp_path / 'files'} {PLUGIN}"
    done = subprocess.run(
        ["unshare", "-rn", "sh", "-c", inner], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["dimse"] == {"stored": 6, "found": [["CT", 6]], "new": 6, "complete": True}
    assert said["web"] == {"stored": 2, "found": [["CT", 6], ["MR", 2]], "new": 8, "complete": True}
    for way in ("a", "b"):
        folder = (tmp_path / way).rglob(made[0].SOPInstanceUID + ".dcm")
        series = sorted(next(folder).parent.glob("*.dcm"))
        np.testing.assert_array_equal(
            read_series(series).array, read_series(sorted((tmp_path / "files").glob("ct*"))).array
        )
        assert {pydicom.dcmread(file).PatientName for file in series} == {made[0].PatientName}
