"""Writing a whole simulated cohort: everything or nothing, the same bytes for any `map`."""

from __future__ import annotations

import builtins
import hashlib
import json
import math
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from genoxel._version import __version__
from genoxel.core.errors import OutputError
from genoxel.io.files import atomic_write, output_error
from genoxel.simulate.bids import write_top
from genoxel.simulate.deliver import DONE, Delivered, deliver
from genoxel.simulate.messy import write_messy
from genoxel.simulate.molecular import biopsy_table, write_molecular
from genoxel.simulate.outcomes import followed
from genoxel.simulate.plan import draw_people
from genoxel.simulate.spec import SimulationSpec
from genoxel.simulate.tables import clinical_rows, draw_calls, write_tables
from genoxel.simulate.truth import MARKER, MARKER_TEXT, marker_text, truth

Progress = Callable[[int, int], object]
Map = Callable[..., Iterable[Any]]


def simulate(
    spec: SimulationSpec,
    out: str | os.PathLike[str],
    progress: Progress | None = None,
    map: Map = builtins.map,
) -> Path:
    """Write a cohort into the new or empty folder `out` and return its path.

    `out` receives dicom/PATIENT/..., clinical.xlsx, clinical.csv, mutations.maf, profiled.txt, expression.tsv,
    truth.json and SIMULATED.txt, all at once when all is written. After a stop (Ctrl-C, a killed process) the same call
    goes on with the patients that are left. `progress(done, total)` is called after each
    patient; `map` may be an executor's. Raises `OutputError` for a folder that is not empty, cannot be written or
    has too little space.
    """
    target = Path(out)
    _refuse(spec, target)
    partial = target.with_name(f".{target.name}.{_digest(spec)}.partial")
    try:
        _write(spec, partial, progress, map)
        shutil.rmtree(partial / DONE)
        if target.exists():
            target.rmdir()
        partial.rename(target)
    except Exception as error:  # a stop by the user leaves what is there, to go on with
        shutil.rmtree(partial, ignore_errors=True)
        if isinstance(error, OSError) and not isinstance(error, OutputError):
            raise output_error(target, error) from error
        raise
    return target


def _digest(spec: SimulationSpec) -> str:
    """Return a name for the cohort that is being written: same spec and version, same name."""
    text = json.dumps([__version__, spec.as_dict()], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


_BASIC = {"mr": 4, "ct": 1, "breast": 3, "prostate": 2}
_VOLUMES = {
    "mr": {"dwi": 4, "dsc": 50, "dce": 30, "pet": 1, "dynamic-pet": 28},
    "ct": {"dynamic-pet": 28},
    "breast": {"dce": 6},
    "prostate": {"dwi": 4, "dce": 24},
}
_MAPS = 6


def expected_bytes(spec: SimulationSpec) -> int:
    """Return about how many bytes a cohort takes on disk.

    >>> expected_bytes(SimulationSpec(n=10))
    12480000
    """
    volumes = _BASIC[spec.modality] + sum(_VOLUMES[spec.modality].get(name, 1) for name in spec.also)
    scans = spec.course.points + spec.imaging.rescan
    voxels, slices = math.prod(spec.size), spec.size[2] * volumes
    files = (
        len(spec.delivery.layouts) * (2 * volumes * voxels + 1800 * slices) + spec.delivery.maps * _MAPS * 4 * voxels
    )
    return spec.n * (scans * files + 80_000)


def _refuse(spec: SimulationSpec, target: Path) -> None:
    if target.is_file():
        raise OutputError(f"a file at {target}", "a new or empty folder", "choose another name")
    if target.exists() and any(target.iterdir()):
        raise OutputError(f"the folder {target}, which is not empty", "a new or empty folder", "choose another name")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(target.parent).free
    except OSError as error:
        raise output_error(target, error) from error
    needed = expected_bytes(spec)
    if free < needed * 1.1:
        raise OutputError(
            f"{free / 2**20:.0f} MB free at {target.parent}",
            f"about {needed / 2**20:.0f} MB for {spec.n} patients",
            "free some space, or choose another folder",
        )


def _write(spec: SimulationSpec, folder: Path, progress: Progress | None, mapper: Map) -> None:
    people = followed(spec, draw_people(spec))
    folder.mkdir(exist_ok=True)
    atomic_write(folder / MARKER, MARKER_TEXT)
    images = folder / "dicom"
    jobs = [(spec, person, str(images)) for person in people]
    written: list[Delivered] = []
    for delivered in mapper(deliver, jobs):
        written.append(delivered)
        if progress is not None:
            progress(len(written), spec.n)
    if "nifti" in spec.delivery.layouts:
        write_top(people, clinical_rows(spec, people, draw_calls(spec, people)), folder / "nifti")
    score = write_tables(spec, people, folder)
    content = truth(spec, people, written, score)
    molecular = write_molecular(spec, people, folder, written)
    if "messy" in spec.omics.files:
        molecular["messy"] = write_messy(spec, people, folder)
    if spec.course.biopsies:
        atomic_write(folder / "biopsies.csv", biopsy_table(spec, people, written))
    if molecular:
        content["molecular"] = molecular
    atomic_write(folder / "truth.json", json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    atomic_write(folder / MARKER, marker_text(path.name for path in folder.iterdir()))
