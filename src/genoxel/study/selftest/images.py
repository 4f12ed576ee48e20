"""Our own deliveries read back against the truth, by our readers and, where it is simple, by others."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

import numpy as np

from genoxel.io.dicom import read_series
from genoxel.io.dicom_seg import read_seg
from genoxel.io.maf import read_maf
from genoxel.io.rtstruct import rasterise, read_structures
from genoxel.omics.variants import status
from genoxel.simulate.cohort import simulate
from genoxel.simulate.plan import draw_people
from genoxel.simulate.render import Phantom, render
from genoxel.simulate.spec import SimulationSpec
from genoxel.simulate.truth import read_truth
from genoxel.study.selftest.rows import Row, exact, number

AREA = "images"
_QUICK, _FULL = 4, 40
_EFFECTS = ("IDH1:texture:1.6", "TP53:none")


def images_rows(seed: int, full: bool) -> list[Row]:
    """Return the rows of this area; cohorts are written into a temporary folder and removed."""
    count = _FULL if full else _QUICK
    rows: list[Row] = []
    prevalence = {"IDH1": 0.5, "TP53": 0.5}
    specs = {
        "MR with RTSTRUCT": SimulationSpec(n=count, effects=_EFFECTS, prevalence=prevalence, seed=seed),
        "CT with SEG": SimulationSpec(
            n=count, modality="ct", masks="seg", effects=_EFFECTS, prevalence=prevalence, seed=seed
        ),
    }
    with tempfile.TemporaryDirectory(prefix="genoxel-selftest-") as place:
        for name, spec in specs.items():
            folder = simulate(spec, Path(place) / name.replace(" ", "-"))
            rows += delivered_rows(name, spec, folder)
            if not full or spec.modality == "mr":
                again = simulate(spec, Path(place) / "again")
                rows.append(exact(AREA, f"{name}: written twice, files of the same bytes", *_alike(folder, again)))
                shutil.rmtree(again)
    return rows


def delivered_rows(name: str, spec: SimulationSpec, folder: Path) -> list[Row]:
    """Return what reading the cohort in `folder` gives, against what was drawn and against truth.json."""
    truth, people = read_truth(folder), draw_people(spec)
    worst, volumes, alike, voxels = 0.0, 0.0, 0, 0
    for person in people:
        drawn = render(spec, person)
        home = folder / "dicom" / person.name
        worst = max(worst, _pixels(drawn, home))
        same, of = _contour(spec, drawn, home)
        alike, voxels = alike + same, voxels + of
        told = truth["patients"][person.name]["tumour_ml"]
        volumes = max(volumes, abs(drawn.tumour.count() * drawn.tumour.grid.voxel_volume / 1000 - told))
    called, known = _genotypes(spec, folder)
    return [
        number(AREA, f"{name}: largest difference of a voxel value", worst, 0.0),
        exact(AREA, f"{name}: voxels of the contour read as drawn", alike, voxels),
        number(AREA, f"{name}: largest difference of a volume from truth.json", volumes, 1e-3, " ml"),
        exact(AREA, f"{name}: genotypes called from the MAF as in truth.json", called, known),
    ]


def _pixels(drawn: Phantom, home: Path) -> float:
    worst = 0.0
    for name, image in drawn.images.items():
        (series,) = home.glob(f"*_{name}")
        read = read_series(sorted(series.glob("*.dcm")))
        if not np.allclose(read.affine, image.affine, atol=1e-4):
            return float("nan")
        worst = max(worst, float(np.abs(read.values() - image.values()).max()))
    return worst


def _contour(spec: SimulationSpec, drawn: Phantom, home: Path) -> tuple[int, int]:
    """Return (voxels on which the contour read agrees with the tumour drawn, voxels of either)."""
    name = "T1CE" if spec.modality == "mr" else "CT"
    image = drawn.images[name]
    truth = drawn.tumour.inside()
    if spec.masks == "rtstruct":
        read = rasterise(read_structures(home / "RTSTRUCT" / "contours.dcm"), "GTV", image).inside()
    else:
        read = read_seg(home / "SEG" / "contours.dcm", image).array == 1
    return int(np.sum(read & truth)), int(np.sum(read | truth))


def _genotypes(spec: SimulationSpec, folder: Path) -> tuple[int, int]:
    truth = read_truth(folder)["patients"]
    records = read_maf(folder / "mutations.maf", profiled=folder / "profiled.txt")
    right = known = 0
    for gene in spec.genes:
        said = status(records, gene, patients=tuple(truth))
        for name, one in truth.items():
            expected = one["genotype"][gene] if one["profiled"] else None
            right += said.get(name) == expected
            known += 1
    return right, known


def _alike(one: Path, other: Path) -> tuple[int, int]:
    def hashes(folder: Path) -> dict[str, str]:
        files = [path for path in folder.rglob("*") if path.is_file()]
        return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    first, second = hashes(one), hashes(other)
    same = sum(second.get(name) == code for name, code in first.items())
    return same, len(first.keys() | second.keys())
