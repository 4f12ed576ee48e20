"""Run in a network of its own: start Orthanc, send, find and bring back by DIMSE and DICOMweb, print what came."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from genoxel.io.pacs import Question, open_archive, receive

DIMSE, WEB, HTTP = "dicom://ORTHANC@127.0.0.1:4242", "http://127.0.0.1:8042/dicom-web", "http://127.0.0.1:8042/system"


def main(work: Path, files: Path, plugin: str) -> None:
    """Work in `work` with the DICOM files of `files`."""
    settings = {
        "Name": "test",
        "StorageDirectory": str(work / "store"),
        "IndexDirectory": str(work / "store"),
        "DicomAet": "ORTHANC",
        "DicomPort": 4242,
        "HttpPort": 8042,
        "RemoteAccessAllowed": False,
        "DicomAlwaysAllowFind": True,
        "DicomAlwaysAllowGet": True,
        "DicomModalities": {"us": ["GENOXEL", "127.0.0.1", 11112]},
        "Plugins": [plugin],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }
    (work / "orthanc.json").write_text(json.dumps(settings), encoding="utf-8")
    server = subprocess.Popen(
        ["Orthanc", str(work / "orthanc.json")], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        _wait()
        came = {
            "dimse": _round(DIMSE, work / "a", sorted(files.glob("ct*"))),
            "web": _round(WEB, work / "b", sorted(files.glob("mr*"))),
        }
        sys.stdout.write(json.dumps(came) + "\n")
    finally:
        server.terminate()
        server.wait(20)


def _wait() -> None:
    for _ in range(100):
        try:
            urllib.request.urlopen(HTTP, timeout=1).close()
            return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("Orthanc did not answer within 20 seconds")


def _round(address: str, out: Path, files: list[Path]) -> dict[str, object]:
    archive = open_archive(address)
    sent = list(archive.send(files))
    found = archive.find(Question(patient="P1"))
    came = [receive(archive, one, out) for one in found]
    return {
        "stored": sum(one.stored for one in sent),
        "found": sorted([one.modality, one.instances] for one in found),
        "new": sum(one.new for one in came),
        "complete": all(one.complete for one in came),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
