"""How simulated images differ from real ones: `python benchmarks/realism.py DATA [--patients 16] [--picture FILE.png]`.

DATA holds public cases (see docs/explain/simulation.md): ibsi/ (chest CT with a lung tumour), pyradiomics/ (a brain
tumour on T1), dicom/ (a soft-tissue sarcoma on CT, PET and T1; breast DCE with the breasts outlined). Each is put
beside the simulated images that are nearest to it. Measured alike on both, on the region and its surroundings, on the
voxels as they are: grey values, graininess (SD of the difference of neighbours relative to the SD), slope of the power
spectrum, shape; and all IBSI features at 3 mm and 32 grey levels: how many of the real case's values lie between the
smallest and the largest simulated one.
"""

from __future__ import annotations

import argparse
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.features.extract import extract
from genoxel.image.settings import ImageSettings
from genoxel.io.dicom import read_series, read_volumes
from genoxel.io.dicom_seg import read_seg
from genoxel.io.nifti import read_nifti, read_nifti_mask
from genoxel.io.nrrd import read_nrrd, read_nrrd_mask
from genoxel.io.rtstruct import rasterise, read_structures
from genoxel.simulate.plan import draw_people
from genoxel.simulate.render import Phantom, render, weight_of
from genoxel.simulate.spec import SimulationSpec

Pair = tuple[Image, Mask]


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
    return {
        "volume (ml)": float(inside.sum() * mask.grid.voxel_volume / 1000),
        "median": float(np.median(tumour)),
        "5 to 95 %": float(high - low),
        "skewness": float(np.mean((tumour - tumour.mean()) ** 3) / tumour.std() ** 3),
        "graininess (per root mm)": grain,
        "slope of the spectrum": slope(values, inside, image.spacing),
        "irregularity": float(away.std() / away.mean()),
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


def real_cases(data: Path, scratch: Path) -> Iterator[tuple[str, str, Image, Mask]]:
    """Yield (name, simulated counterpart, image, mask) of the real cases that are there."""
    chest = next(iter(data.glob("ibsi/**/ct_radiomics_phantom/nifti")), None)
    if chest is not None:
        image = read_nifti(chest / "image.nii.gz", "CT")
        yield "chest CT, lung tumour (IBSI)", "ct", image, read_nifti_mask(chest / "mask.nii.gz").on(image)
    brain = next(iter(data.glob("pyradiomics/**/brain1_image.nrrd")), None)
    if brain is not None:
        image = read_nrrd(brain, "MR")
        yield (
            "head T1, tumour (PyRadiomics)",
            "T1",
            image,
            read_nrrd_mask(brain.with_name("brain1_label.nrrd")).on(image),
        )
    for packed in data.glob("dicom/*.tar.xz"):
        with tarfile.open(packed) as file:
            file.extractall(scratch, filter="data")
    for series, counterpart in (("CT", "ct"), ("PET", "pet"), ("MR_T1", "T1")):
        home = next(iter(scratch.glob(f"STS_*/{series}")), None)
        if home is not None:
            image = read_series(sorted((home / "image").iterdir()))
            structures = read_structures(next((home / "mask").iterdir()))
            yield f"sarcoma {series}", counterpart, image, rasterise(structures, structures.names[0], image)
    home = next(iter(scratch.glob("UCSF-*")), None)
    if home is not None:
        volumes = read_volumes(sorted(next(home.glob("image*")).iterdir()))
        mask = read_seg(next((home / "mask").iterdir()), volumes[1], threshold=0.5)
        yield "breasts, first volume after contrast (UCSF)", "breast", volumes[1], mask


def head_t1(one: Phantom) -> Pair:
    return one.images["T1"], one.tumour


def chest_ct(one: Phantom) -> Pair:
    return one.images["CT"], one.tumour


def breasts(one: Phantom) -> Pair:
    """Return the image after contrast and everything before the chest wall, which is what the real outline holds."""
    image = one.images["T1CE"]
    body = ndimage.binary_fill_holes(image.values() > 0.08 * np.percentile(image.values(), 99.5))
    wall = one.others["ChestWall"].inside()
    before = np.cumsum(wall, axis=1) == 0
    inside = ndimage.binary_opening(body & before, iterations=2)
    return image, Mask(inside.astype(np.uint8), image.affine)


def simulated(kind: str, patients: int) -> list[Pair]:
    """Return the simulated counterparts of a kind of image."""
    body = {"T1": "mr", "pet": "ct"}.get(kind, kind)
    spec = SimulationSpec(n=patients, modality=body, also=("pet",) if kind == "pet" else (), seed=1)
    view: dict[str, Callable[[Phantom], Pair]] = {"T1": head_t1, "ct": chest_ct, "breast": breasts}
    found = []
    for person in draw_people(spec):
        one = render(spec, person)
        if kind != "pet":
            found.append(view[kind](one))
            continue
        activity = one.series[0].volumes[0]
        left = 300e6 * 2 ** (-3600 / 6586.2) / (1000 * weight_of(spec, person))
        suv = replace(activity, array=np.asarray(activity.values() / left, np.float32), unit="SUV")
        found.append((suv, one.tumour))
    return found


def features(image: Image, mask: Mask) -> dict[str, float]:
    rules = ImageSettings(resample_mm=(3.0, 3.0, 3.0), discretise={"bins": 32})
    return {name.split(".", 3)[3]: value for name, value in extract(image, mask, rules, region="roi").values.items()}


def compared(name: str, real: Pair, others: list[Pair]) -> dict[str, list[float]]:
    """Print the measures, and how many features of the real case lie within the simulated ones, by family.

    Return family -> places of the real values in the simulated ranges: 0 is the smallest simulated, 1 the largest.
    """
    rows = [measures(*pair) for pair in others]
    print(
        f"\n{name}: voxels {tuple(round(step, 2) for step in real[0].spacing)} mm beside "
        f"{tuple(round(step, 2) for step in others[0][0].spacing)} mm, {len(others)} simulated\n"
    )
    print("| measure | real | simulated (5 to 95 %) |\n|---|---|---|")
    for measure, value in measures(*real).items():
        low, high = np.percentile([row[measure] for row in rows], [5, 95])
        print(f"| {measure} | {value:.3g} | {low:.3g} to {high:.3g} |")
    own, theirs = features(*real), [features(*pair) for pair in others]
    families: dict[str, list[float]] = {}
    for feature, value in own.items():
        values = np.array([row.get(feature, np.nan) for row in theirs])
        if np.isfinite(value) and np.isfinite(values).all():
            width = max(float(np.ptp(values)), 1e-12 * max(abs(value), 1e-12))
            families.setdefault(feature.split(".")[0], []).append(float((value - values.min()) / width))
    inside = {family: [0 <= place <= 1 for place in places] for family, places in families.items()}
    within = ", ".join(f"{family} {sum(flags)}/{len(flags)}" for family, flags in inside.items())
    every = [flag for flags in inside.values() for flag in flags]
    print(f"| features within the simulated range | {sum(every)} of {len(every)} | {within} |", flush=True)
    return families


def spectrum(image: Image, mask: Mask) -> tuple[np.ndarray, np.ndarray]:
    """Return (frequency per mm, relative power) around the region in its largest slice, in rings."""
    values, inside = image.values().astype(float), mask.inside()
    k = int(np.argmax(inside.sum(axis=(0, 1))))
    i, j = (int(centre) for centre in np.argwhere(inside[:, :, k]).mean(axis=0))
    half = round(40 / image.spacing[0])
    part = values[max(i - half, 0) : i + half, max(j - half, 0) : j + half, k]
    part = (part - part.mean()) * np.outer(np.hanning(part.shape[0]), np.hanning(part.shape[1]))
    power = np.abs(np.fft.fft2(part)) ** 2
    x, y = (np.fft.fftfreq(count, step) for count, step in zip(part.shape, image.spacing, strict=False))
    frequency = np.hypot(x[:, None], y)
    edges = np.arange(0.02, 0.5 / image.spacing[0], 0.012)
    place = np.digitize(frequency, edges)
    rings = np.array(
        [power[place == ring].mean() if (place == ring).any() else np.nan for ring in range(1, len(edges))]
    )
    return (edges[1:] + edges[:-1]) / 2, rings / np.nansum(rings[:5])


def picture(path: Path, cases: list[tuple[str, Pair, list[Pair], dict[str, list[float]]]]) -> None:
    """Draw histograms, power spectra and the places of features, real in black over the simulated in grey."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullFormatter

    figure = Figure(figsize=(2.6 * len(cases), 7.4), layout="constrained")
    axes = figure.subplots(3, len(cases), height_ratios=(2, 2, 2.6))
    for column, (name, real, others, families) in enumerate(cases):
        places(axes[2, column], families)
        for pair, colour, width in [*((pair, "0.7", 0.7) for pair in others), (real, "black", 1.5)]:
            values = pair[0].values()[pair[1].inside()].astype(float)
            if real[0].unit not in ("HU", "SUV"):
                values = values / np.median(values)
            low, high = np.percentile(values, [0.5, 99.5])
            counts, edges = np.histogram(values, 40, (low, high), density=True)
            axes[0, column].plot((edges[1:] + edges[:-1]) / 2, counts, color=colour, lw=width)
            frequency, power = spectrum(*pair)
            axes[1, column].loglog(frequency, power, color=colour, lw=width)
        axes[0, column].set_title(name.split(" (")[0], fontsize=8)
        axes[0, column].set_xlabel(real[0].unit or "relative to the median", fontsize=7)
        axes[1, column].set_xlabel("spatial frequency, 1/mm", fontsize=7)
        axes[2, column].set_xlabel("place in the simulated range", fontsize=7)
    for one in axes.ravel():
        one.tick_params(labelsize=6)
    for one in axes[1]:
        one.set_xlim(0.02, 0.6)
        one.set_xticks([0.02, 0.05, 0.1, 0.2, 0.5], ["0.02", "0.05", "0.1", "0.2", "0.5"])
        one.xaxis.set_minor_formatter(NullFormatter())
    for one in axes[2, 1:]:
        one.set_yticklabels([])
    axes[0, 0].set_ylabel("density", fontsize=7)
    axes[1, 0].set_ylabel("relative power", fontsize=7)
    figure.savefig(path, dpi=90)


_FAR = 1.6


def places(axis: Any, families: dict[str, list[float]]) -> None:
    """Draw each feature of a real case as a dot over a grey band, the range of the simulated; far ones at the edge."""
    axis.axvspan(0, 1, color="0.85", lw=0)
    for row, values in enumerate(families.values()):
        shown = np.clip(values, -_FAR + 0.5, _FAR + 0.5)
        axis.plot(shown, row + np.linspace(-0.3, 0.3, len(values)), "k.", ms=2.5)
    axis.set_yticks(range(len(families)), list(families))
    axis.set_ylim(len(families) - 0.5, -0.5)
    axis.set_xlim(-_FAR + 0.4, _FAR + 0.6)
    axis.set_xticks([-_FAR + 0.5, 0, 1, _FAR + 0.5], ["below", "0", "1", "above"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--patients", type=int, default=16)
    parser.add_argument("--picture", type=Path)
    args = parser.parse_args()
    cases: list[tuple[str, Pair, list[Pair], dict[str, list[float]]]] = []
    kinds: dict[str, list[Pair]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for name, kind, image, mask in real_cases(args.data, Path(scratch)):
            kinds.setdefault(kind, simulated(kind, args.patients))
            families = compared(name, (image, mask), kinds[kind])
            cases.append((name, (image, mask), kinds[kind], families))
    if args.picture is not None:
        picture(args.picture, cases)


if __name__ == "__main__":
    main()
