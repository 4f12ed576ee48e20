"""A visit as a NIfTI tree named as BIDS names it: images, series as one file of several volumes, masks beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from genoxel.core.mask import Mask
from genoxel.io.files import atomic_write
from genoxel.io.nifti import write_nifti
from genoxel.simulate.acquire import DELAY_S, DOSE_BQ, HALF_LIFE, Series
from genoxel.simulate.faults import lost_slices
from genoxel.simulate.plan import Person
from genoxel.simulate.render import Phantom, weight_of
from genoxel.simulate.spec import SimulationSpec
from genoxel.simulate.tags import COMMENT
from genoxel.simulate.visits import Visit

_WORDS = {"T1": "T1w", "T1CE": "ce-gadolinium_T1w", "T2": "T2w", "FLAIR": "FLAIR", "ADC": "ADC", "CT": "ct"}
_SERIES = {
    "DWI": ("dwi", "dwi"),
    "DSC": ("perf", "dsc"),
    "DCE": ("perf", "dce"),
    "PT": ("pet", "trc-FDG_rec-static_pet"),
    "PTDYN": ("pet", "trc-FDG_rec-dynamic_pet"),
}
_DESCRIPTION = {
    "Name": COMMENT,
    "BIDSVersion": "1.10.0",
    "DatasetType": "raw",
    "GeneratedBy": [{"Name": "genoxel simulate"}],
}


def subject_of(person: Person) -> str:
    """Return a patient's label in the tree: BIDS allows letters and digits alone."""
    return f"sub-{person.name.replace('-', '')}"


def write_top(people: Sequence[Person], clinical: Sequence[Sequence[object]], root: Path) -> None:
    """Write what stands at the top of the tree: what it is, and who each subject is.

    `clinical` is the table of the cohort, its header first and one row per person: here, too, it is at hand, by the
    labels of the tree.
    """
    header, *rows = clinical
    lines = [["participant_id", *header]]
    lines += [
        [subject_of(person), *row] for person, row in zip(people, rows, strict=True) if "imaging" not in person.missing
    ]
    text = "".join("\t".join(str(cell) if str(cell) else "n/a" for cell in line) + "\n" for line in lines)
    atomic_write(root / "dataset_description.json", json.dumps(_DESCRIPTION, indent=1) + "\n")
    atomic_write(root / "participants.tsv", text)


def write_visit(
    spec: SimulationSpec,
    person: Person,
    phantom: Phantom,
    visit: Visit,
    root: Path,
    drawn: Mapping[str, Mask],
    skipped: tuple[int, ...] = (),
) -> None:
    """Write images, series and the masks `drawn` (name -> mask) of a visit below `root`.

    Slices that got lost (`skipped`, of the first image) leave no gap in NIfTI, which knows none: the rest is stacked,
    images and masks alike, as converters leave it.
    """
    session = f"ses-{visit.folder or 'first'}"
    stem = f"{subject_of(person)}_{session}"
    home = root / subject_of(person) / session
    first = next(iter(phantom.images.values()))
    for name, image in phantom.images.items():
        kind = "ct" if spec.modality == "ct" else "anat"
        word = _WORDS.get(name, f"rec-{name.replace('-', '').replace('.', 'p')}_ct")
        write_nifti(home / kind / f"{stem}_{word}.nii.gz", _without(image, lost_slices(image, first, skipped)), COMMENT)
    for one in phantom.series:
        kind, word = _SERIES[one.name]
        _series(one, home / kind / f"{stem}_{word}", sidecar(spec, person, one))
    place = root / "derivatives" / "contours" / subject_of(person) / session
    for name, mask in drawn.items():
        write_nifti(place / f"{stem}_desc-{name.replace(' ', '')}_mask.nii.gz", _without(mask, skipped), COMMENT)


def sidecar(spec: SimulationSpec, person: Person, one: Series) -> dict[str, Any]:
    """Return what analysis needs of a series beside its voxels, by the names that BIDS gives it where it has one."""
    facts: dict[str, Any] = {"SIMULATED": True}
    if one.name in ("DSC", "DCE"):
        return (
            facts | {"VolumeTiming": list(one.seconds), "ContrastBolusIngredient": "GADOLINIUM"} | _ACQUIRED[one.name]
        )
    if one.name == "DWI":
        return facts | {"EchoTime": 0.08}
    static = one.name == "PT"
    lengths = [180.0] if static else [float(each["ActualFrameDuration"]) / 1000 for each in one.each]
    return facts | {
        "TracerName": "FDG",
        "TracerRadionuclide": "F18",
        "RadionuclideHalfLife": HALF_LIFE,
        "InjectedRadioactivity": DOSE_BQ / 1e6,
        "InjectedRadioactivityUnits": "MBq",
        "InjectionStart": -DELAY_S if static else 0.0,
        "FrameTimesStart": list(one.seconds) or [0.0],
        "FrameDuration": lengths,
        "Units": "Bq/mL",
        "ImageDecayCorrected": static,
        **({"ImageDecayCorrectionTime": 0.0} if static else {}),
        "PatientWeight": weight_of(spec, person),
    }


_ACQUIRED = {
    "DSC": {"EchoTime": 0.03, "RepetitionTimeExcitation": 1.5},
    "DCE": {"EchoTime": 0.002, "RepetitionTimeExcitation": 0.005, "FlipAngle": 12},
}


def _series(one: Series, stem: Path, facts: Mapping[str, Any]) -> None:
    """Write a series as one file: four-dimensional where it has several volumes, with b-values where it has them."""
    volumes = one.volumes if len(one.volumes) > 1 else one.volumes[0]
    write_nifti(stem.with_name(f"{stem.name}.nii.gz"), volumes, COMMENT)
    atomic_write(stem.with_name(f"{stem.name}.json"), json.dumps(facts, indent=1) + "\n")
    if one.name == "DWI":
        b_values = [f"{each['DiffusionBValue']:g}" for each in one.each]
        atomic_write(stem.with_name(f"{stem.name}.bval"), " ".join(b_values) + "\n")
        # Traces over directions have none of their own.
        atomic_write(stem.with_name(f"{stem.name}.bvec"), 3 * (" ".join("0" * len(b_values)) + "\n"))


def _without(volume: Any, lost: tuple[int, ...]) -> Any:
    """Return an image or mask whose slices `lost` are gone and whose others are stacked."""
    if not lost:
        return volume
    return replace(volume, array=np.ascontiguousarray(np.delete(np.asarray(volume.array), lost, axis=2)))
