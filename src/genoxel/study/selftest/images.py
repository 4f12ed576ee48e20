"""Our own deliveries read back against the truth, by our readers and, where it is simple, by others."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from genoxel.io.dicom import read_series, read_volumes
from genoxel.io.dicom_seg import read_seg
from genoxel.io.maf import read_maf
from genoxel.io.rtstruct import rasterise, read_structures
from genoxel.omics.variants import status
from genoxel.simulate.acquire import DELAY_S, DOSE_BQ, HALF_LIFE
from genoxel.simulate.cohort import simulate
from genoxel.simulate.options import Delivery
from genoxel.simulate.plan import draw_people
from genoxel.simulate.render import Phantom, render, weight_of
from genoxel.simulate.spec import SimulationSpec
from genoxel.simulate.truth import read_truth
from genoxel.study.selftest.rows import Row, exact, number

AREA = "images"
_QUICK, _FULL = 4, 40
_EFFECTS = ("IDH1:texture:1.6", "TP53:none")
_PARTS: dict[str, dict[str, Any]] = {"MR with RTSTRUCT": {}, "CT with SEG": {"modality": "ct", "masks": "seg"}}

Map = Callable[..., Iterable[Any]]


def images_rows(seed: int, full: bool, map: Map) -> list[Row]:
    """Return the rows of this area; cohorts are written into temporary folders and removed."""
    parts = list(map(_read_back, (*_PARTS, ""), [seed] * 3, [full] * 3))
    return [Row(**row) for rows in parts for row in rows]


def _read_back(name: str, seed: int, full: bool) -> list[dict[str, Any]]:
    """Return the rows of one cohort of `_PARTS`, or of the acquisitions for a name of none, as plain values."""
    with tempfile.TemporaryDirectory(prefix="genoxel-selftest-") as place:
        if not name:
            return [vars(row) for row in acquired_rows(seed, Path(place))]
        prevalence = {"IDH1": 0.5, "TP53": 0.5}
        count = _FULL if full else _QUICK
        spec = SimulationSpec(n=count, effects=_EFFECTS, prevalence=prevalence, seed=seed, **_PARTS[name])
        folder = simulate(spec, Path(place) / "cohort")
        rows = delivered_rows(name, spec, folder)
        if not full or spec.modality == "mr":
            again = simulate(spec, Path(place) / "again")
            rows.append(exact(AREA, f"{name}: written twice, files of the same bytes", *_alike(folder, again)))
        return [vars(row) for row in rows]


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


def acquired_rows(seed: int, place: Path) -> list[Row]:
    """Return what PET, diffusion and a bolus series give when read, against what was drawn and its true maps."""
    both = Delivery(layouts=("dicom", "enhanced"))
    chest = SimulationSpec(n=4, modality="ct", also=("pet",), seed=seed, delivery=both)
    folder = simulate(chest, place / "pet")
    person = draw_people(chest)[0]
    (truth,) = render(chest, person).series
    left = DOSE_BQ * 2 ** (-DELAY_S / HALF_LIFE)
    suv = truth.volumes[0].values().astype(float) * 1000 * weight_of(chest, person) / left
    rows = []
    for name, files in (
        ("slices", sorted((folder / "dicom" / person.name / "2_PT").glob("*.dcm"))),
        ("one enhanced file", [folder / "enhanced" / person.name / "2_PT.dcm"]),
    ):
        read = read_series(files)
        what = f"PET as {name}: largest difference from the uptake by hand"
        rows.append(number(AREA, what, float(np.abs(read.values() - suv).max()), 1e-3, " SUV"))
    head = SimulationSpec(n=4, also=("dwi", "dsc"), shape=(56, 56, 14), seed=seed, delivery=both)
    folder, person = simulate(head, place / "series"), draw_people(head)[0]
    drawn = render(head, person)
    for place_, one in enumerate(drawn.series, start=5):
        for name, files in (
            ("slices", sorted((folder / "dicom" / person.name / f"{place_}_{one.name}").glob("*.dcm"))),
            ("one enhanced file", [folder / "enhanced" / person.name / f"{place_}_{one.name}.dcm"]),
        ):
            found = read_volumes(files)
            same = sum(np.array_equal(a.values(), b.values()) for a, b in zip(found, one.volumes, strict=False))
            rows.append(exact(AREA, f"{one.name} as {name}: volumes read as drawn, in order", same, len(one.volumes)))
    return [*rows, _diffusion(drawn)]


def _diffusion(drawn: Phantom) -> Row:
    """Return the row on diffusion fitted from the b-values, in brain and tumour."""
    series = next(one for one in drawn.series if one.name == "DWI")
    truth = drawn.maps["adc"].values()
    inside = (truth > 0.6) & (truth < 1.8)
    b = [float(each["DiffusionBValue"]) for each in series.each]
    signal = np.log(np.maximum([volume.values()[inside] for volume in series.volumes], 1.0))
    ratio = float(np.median(-1000 * np.polyfit(b, signal, 1)[0] / truth[inside]))
    return number(AREA, "DWI: median error of fitted diffusion against the true map", abs(ratio - 1), 0.02)


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
