"""How simulated images differ from real ones: `python benchmarks/realism.py DATA [--patients 24]`.

DATA holds public cases (see docs/explain/simulation.md): ibsi/ (chest CT with a lung tumour, NIfTI) and pyradiomics/
(a brain tumour on T1). Measured alike on both, on the tumour and its surroundings, resampled by nothing: grey values,
graininess (SD of the difference of neighbours relative to the SD), slope of the power spectrum, noise in air, shape.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy import ndimage

from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.io.nifti import read_nifti, read_nifti_mask
from genoxel.io.nrrd import read_nrrd, read_nrrd_mask
from genoxel.simulate.plan import draw_people
from genoxel.simulate.render import render
from genoxel.simulate.spec import SimulationSpec


def measures(image: Image, mask: Mask) -> dict[str, float]:
    """Return plain statistics of the tumour and its surroundings."""
    values, inside = image.values().astype(float), mask.inside()
    tumour = values[inside]
    low, high = np.percentile(tumour, [5, 95])
    steps = []
    for axis in (0, 1):
        pairs = np.take(inside, range(inside.shape[axis] - 1), axis) & np.take(
            inside, range(1, inside.shape[axis]), axis
        )
        steps.append(np.diff(values, axis=axis)[pairs])
    grain = float(np.concatenate(steps).std() / tumour.std() / np.sqrt(image.spacing[0]))
    edge = inside & ~ndimage.binary_erosion(inside)
    points = np.argwhere(edge) * image.spacing
    away = np.linalg.norm(points - (np.argwhere(inside) * image.spacing).mean(axis=0), axis=1)
    air = values[:6, :6].ravel()
    return {
        "volume (ml)": float(inside.sum() * mask.grid.voxel_volume / 1000),
        "median": float(np.median(tumour)),
        "5 to 95 %": float(high - low),
        "skewness": float(np.mean((tumour - tumour.mean()) ** 3) / tumour.std() ** 3),
        "graininess (per root mm)": grain,
        "slope of the spectrum": slope(values, inside, image.spacing),
        "irregularity": float(away.std() / away.mean()),
        "noise in air": float(air.std()),
    }


def slope(values: np.ndarray, inside: np.ndarray, spacing: tuple[float, ...]) -> float:
    """Return the slope of log power against log frequency in the slice where the region is largest."""
    k = int(np.argmax(inside.sum(axis=(0, 1))))
    i, j = (int(centre) for centre in np.argwhere(inside[:, :, k]).mean(axis=0))
    half = round(40 / spacing[0])
    part = values[max(i - half, 0) : i + half, max(j - half, 0) : j + half, k]
    part = (part - part.mean()) * np.outer(np.hanning(part.shape[0]), np.hanning(part.shape[1]))
    power = np.abs(np.fft.fft2(part)) ** 2
    frequency = np.hypot(np.fft.fftfreq(part.shape[0], spacing[0])[:, None], np.fft.fftfreq(part.shape[1], spacing[1]))
    kept = (frequency > 0.03) & (frequency < 0.15)
    return float(np.polyfit(np.log(frequency[kept]), np.log(power[kept] + 1e-9), 1)[0])


def real_cases(data: Path) -> dict[str, tuple[Image, Mask]]:
    """Return the real cases that are there."""
    found = {}
    chest = data / "ibsi" / "ct_radiomics_phantom" / "nifti"
    if not chest.exists():
        chest = next(iter(data.glob("ibsi/**/ct_radiomics_phantom/nifti")), chest)
    if chest.exists():
        found["ct"] = (read_nifti(chest / "image.nii.gz", "CT"), read_nifti_mask(chest / "mask.nii.gz"))
    brain = next(iter(data.glob("pyradiomics/**/brain1_image.nrrd")), None)
    if brain is not None:
        found["mr"] = (read_nrrd(brain, "MR"), read_nrrd_mask(brain.with_name("brain1_label.nrrd")))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--patients", type=int, default=24)
    args = parser.parse_args()
    for body, (image, mask) in real_cases(args.data).items():
        real = measures(image, mask.on(image))
        spec = SimulationSpec(n=args.patients, modality=body, seed=1)
        name = "CT" if body == "ct" else "T1"
        rows = []
        for person in draw_people(spec):
            one = render(spec, person)
            rows.append(measures(one.images[name], one.tumour))
        print(f"\n{body}: {args.patients} simulated beside one real case, voxels {image.spacing} mm\n")
        print("| measure | real | simulated (5 to 95 %) |\n|---|---|---|")
        for measure, value in real.items():
            low, high = np.percentile([row[measure] for row in rows], [5, 95])
            print(f"| {measure} | {value:.3g} | {low:.3g} to {high:.3g} |")


if __name__ == "__main__":
    main()
