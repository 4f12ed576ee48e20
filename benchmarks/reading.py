"""CPU time and memory of reading: `python benchmarks/reading.py [--peer PYTHON] [--slices 200] [--files 6000]`.

A made CT of 512 x 512 slices (noise, 16 bits) is read by Genoxel, SimpleITK and dicom2nifti (`--peer` names an
interpreter that holds dicom2nifti; without it that line is left out), each in a process of its own: CPU seconds of the
reading alone, the least of several rounds in turn, and the peak memory of the process. Then an inventory of many
headers (64 x 64 pixels, so that the disk counts for little): here, with two processes, and once more from its cache.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from genoxel.core.image import Image
from genoxel.io.dicom_series import derived_uid, write_series
from genoxel.io.inventory import inventory

HEAD = """
import json, sys, time
from pathlib import Path
folder = sys.argv[1]
def peak():  # VmHWM begins anew with the program, which ru_maxrss does not
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) / 1024
"""
TAIL = """
print(json.dumps({"seconds": spent, "peak_mb": peak(), "base_mb": base, "sum": int(total)}))
"""
BASE = "base = peak()\nstart = time.process_time()\n"
READERS = {
    "Genoxel": f"""{HEAD}
from genoxel.io.dicom import read_series
read_series(sorted(Path(sys.argv[2]).iterdir()))
{BASE}
image = read_series(sorted(Path(folder).iterdir()))
spent = time.process_time() - start
total = image.array.sum(dtype="i8")
{TAIL}""",
    "SimpleITK": f"""{HEAD}
import SimpleITK as sitk
{BASE}
reader = sitk.ImageSeriesReader()
reader.SetFileNames(reader.GetGDCMSeriesFileNames(folder))
image = reader.Execute()
spent = time.process_time() - start
total = sitk.GetArrayViewFromImage(image).sum(dtype="i8")
{TAIL}""",
    "dicom2nifti": f"""{HEAD}
import dicom2nifti.common, dicom2nifti.convert_generic
{BASE}
slices = dicom2nifti.common.read_dicom_directory(folder)
image = dicom2nifti.convert_generic.dicom_to_nifti(slices, None)["NII"]
total = image.get_fdata(dtype="float32").sum(dtype="f8")
spent = time.process_time() - start
{TAIL}""",
}


def make_ct(folder: Path, patient: str, shape: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(-1000, 1500, shape, dtype=np.int16)
    affine = np.diag([0.7, 0.7, 1.25, 1.0])
    names = ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")
    tags = {"PatientID": patient, **{name: derived_uid(patient, name, folder.name) for name in names}}
    write_series(Image(values, affine, "CT", "HU"), folder, tags)


def measure(python: str, code: str, folder: Path, small: Path) -> dict[str, float]:
    env = {**os.environ, **dict.fromkeys(("OMP_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"), "1")}
    done = subprocess.run(
        [python, "-W", "ignore", "-c", code, str(folder), str(small)], capture_output=True, env=env, check=True
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def read_all(folder: Path, small: Path, peer: str | None, rounds: int) -> None:
    pythons = {name: (peer if name == "dicom2nifti" else sys.executable) for name in READERS}
    found: dict[str, list[dict[str, float]]] = {name: [] for name, python in pythons.items() if python}
    for _ in range(rounds):
        for name, runs in found.items():
            runs.append(measure(str(pythons[name]), READERS[name], folder, small))
    for name, runs in found.items():
        least = min(run["seconds"] for run in runs)
        peak = min(run["peak_mb"] - run["base_mb"] for run in runs)
        print(f"{name:12} {least:6.2f} CPU s   {peak:6.0f} MB above what its libraries take   sum {runs[0]['sum']:.0f}")


def look_all(root: Path, files: int) -> None:
    for number in range(files // 100):
        make_ct(root / f"P{number:03d}" / "ct", f"P{number:03d}", (64, 64, 100))
    cache = root.parent / "cache.jsonl"
    inventory(root / "P000")
    start, used = time.perf_counter(), time.process_time()
    first = inventory(root, cache)
    spent, used = time.perf_counter() - start, time.process_time() - used
    print(f"inventory    {first.files / spent:6.0f} headers/s in one process ({first.files / used:.0f} per CPU second)")
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        list(pool.map(int, range(4)))
        inventory(root / "P000", None, pool)
        start = time.perf_counter()
        inventory(root, None, pool)
        print(f"             {first.files / (time.perf_counter() - start):6.0f} headers/s in two")
    start = time.process_time()
    again = inventory(root, cache)
    print(f"             {used / (time.process_time() - start):6.1f} times less CPU from its cache")
    assert again.series == first.series


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", help="interpreter with dicom2nifti")
    parser.add_argument("--slices", type=int, default=200)
    parser.add_argument("--files", type=int, default=6000)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        make_ct(Path(place) / "large", "P1", (512, 512, chosen.slices))
        make_ct(Path(place) / "small", "P2", (16, 16, 4))
        read_all(Path(place) / "large", Path(place) / "small", chosen.peer, chosen.rounds)
        look_all(Path(place) / "many", chosen.files)


if __name__ == "__main__":
    main()
