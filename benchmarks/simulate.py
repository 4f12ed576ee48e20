"""Cost of simulated patients: `python benchmarks/simulate.py [--patients 8] [--large 0] [--workers 2]`.

CPU seconds, bytes and files per patient for each preset, minimum of three repeats; with `--large N` one cohort of N
patients (chest CT) is written and the largest memory of this process and of its workers is told.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import tempfile
import time
from pathlib import Path

from genoxel.simulate.cohort import simulate
from genoxel.simulate.deliver import deliver
from genoxel.simulate.plan import draw_people
from genoxel.simulate.presets import preset, presets
from genoxel.simulate.spec import SimulationSpec
from genoxel.study.executors import Pool


def cost(name: str, patients: int) -> tuple[float, float, int]:
    """Return (CPU seconds, 10^6 bytes, files) per patient: rendered and written one after another."""
    spec = preset(name)
    people = draw_people(spec)[:patients]
    seconds = []
    for _ in range(3):
        place = Path(tempfile.mkdtemp())
        start = time.process_time()
        for person in people:
            deliver((spec, person, str(place / "dicom")))
        seconds.append((time.process_time() - start) / patients)
        files = [path for path in place.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files) / 1e6
        shutil.rmtree(place)
    return min(seconds), size / patients, len(files) // patients


def large(patients: int, workers: int) -> None:
    """Print wall time, size and memory of one large cohort."""
    spec = SimulationSpec(n=patients, modality="ct", effects=("EGFR:texture:1",), seed=1)
    place = Path(tempfile.mkdtemp()) / "cohort"
    start = time.time()
    with Pool(workers) as pool:
        simulate(spec, place, map=pool.map)
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    size = sum(path.stat().st_size for path in place.rglob("*") if path.is_file()) / 1e9
    shutil.rmtree(place.parent)
    print(
        f"{patients} patients, {workers} workers: {time.time() - start:.0f} s, {size:.2f} GB, "
        f"memory {own:.0f} MiB here, {child:.0f} MiB in the largest worker"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=8)
    parser.add_argument("--large", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    if args.large:
        large(args.large, args.workers)
        return
    print("| preset | CPU s per patient | MB per patient | files per patient |\n|---|---|---|---|")
    for name in presets():
        seconds, size, files = cost(name, args.patients)
        print(f"| {name} | {seconds:.2f} | {size:.1f} | {files} |", flush=True)


if __name__ == "__main__":
    main()
