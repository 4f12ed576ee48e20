"""Pictures of what each trait does to the tissue: `python benchmarks/phenotypes.py docs/_static`.

Each row is one patient, the same anatomy and random numbers throughout; only the trait's latent value changes.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw

from genoxel.core.image import Image
from genoxel.simulate.plan import Person, draw_people
from genoxel.simulate.render import Phantom, render
from genoxel.simulate.spec import SimulationSpec
from genoxel.simulate.traits import TRAITS

LATENT = (-2.0, 0.0, 2.0)
EDGE = 150

HEAD = SimulationSpec(n=4, also=("dwi", "dsc", "dce", "pet"), effects=("IDH1:location:1",), seed=5, sites=1)
CHEST = SimulationSpec(n=4, modality="ct", also=("pet",), seed=3, sites=1)


def _asked(spec: SimulationSpec, trait: str) -> SimulationSpec:
    """Return the cohort with a trait that exists only where an effect names it."""
    return replace(spec, effects=(f"EGFR:{trait}:1",), prevalence={"EGFR": 0.5})


BREAST = SimulationSpec(n=4, modality="breast", also=("dce",), seed=1, sites=1)
PROSTATE = SimulationSpec(n=4, modality="prostate", also=("dwi", "dce"), seed=1, sites=1)
Row = tuple[SimulationSpec, str, str]


def _rows(spec: SimulationSpec, *pairs: tuple[str, str]) -> tuple[Row, ...]:
    return tuple((spec, trait, series) for trait, series in pairs)


SHEETS: dict[str, tuple[Row, ...]] = {
    "phenotypes_head": _rows(
        HEAD,
        *(("texture", "T1CE"), ("heterogeneity", "T1CE"), ("margin", "T1CE"), ("size", "T1CE")),
        *(("enhancement", "T1CE"), ("necrosis", "T1CE"), ("oedema", "FLAIR"), ("location", "FLAIR")),
        *(("ktrans", "ktrans"), ("kep", "kep"), ("rcbv", "rcbv"), ("adc", "adc"), ("uptake", "PT")),
    ),
    "phenotypes_chest": (
        *_rows(CHEST, ("texture", "CT"), ("heterogeneity", "CT"), ("margin", "CT"), ("size", "CT")),
        *_rows(CHEST, ("enhancement", "CT"), ("necrosis", "CT")),
        *((_asked(CHEST, trait), trait, "CT") for trait in ("location", "solid", "spiculation")),
        (CHEST, "uptake", "PT"),
    ),
    "phenotypes_breast": (
        *_rows(BREAST, ("texture", "T1CE"), ("heterogeneity", "T1CE"), ("margin", "T1CE"), ("size", "T1CE")),
        *_rows(BREAST, ("enhancement", "T1CE"), ("necrosis", "T1CE"), ("ktrans", "ktrans"), ("kep", "kep")),
        *((_asked(BREAST, trait), trait, "T1CE") for trait in ("location", "spiculation")),
    ),
    "phenotypes_prostate": (
        *_rows(PROSTATE, ("texture", "T2"), ("heterogeneity", "T2"), ("margin", "T2"), ("size", "T2")),
        *_rows(PROSTATE, ("adc", "ADC"), ("ktrans", "ktrans"), ("kep", "kep")),
        (_asked(PROSTATE, "location"), "location", "T2"),
    ),
}


def changed(spec: SimulationSpec, person: Person, trait: str, latent: float) -> Phantom:
    """Return the person with one latent value changed, the others at 0."""
    latents = dict.fromkeys(person.latent, 0.0) | {trait: latent}
    if trait in ("texture", "heterogeneity"):
        latents["heterogeneity"] = latents.get("heterogeneity", 0.0) + (1.2 if trait == "texture" else 0.0)
    return render(spec, replace(person, latent=latents))


WINDOWS = {"CT": (-80.0, 140.0), "glass": (-1000.0, 250.0), "PT": (0.0, 30e3)}
HALF_MM = {"ct": 48.0, "breast": 40.0, "prostate": 45.0, "mr": 95.0}


def crop(one: Phantom, body: str, centre: np.ndarray) -> tuple[slice, slice]:
    """Return the part of a slice that is shown."""
    found = []
    for axis in range(2):
        half = round(HALF_MM[body] / one.tumour.spacing[axis])
        size = one.tumour.shape[axis]
        start = int(np.clip(round(centre[axis]) - half, 0, max(size - 2 * half, 0)))
        found.append(slice(start, min(start + 2 * half, size)))
    return found[0], found[1]


def slice_of(one: Phantom, name: str, at: int, part: tuple[slice, slice], top: float, wide: bool) -> np.ndarray:
    """Return one transverse slice as grey values 0 to 255, front at the top; `top` is white where no window is set."""
    return grey(_image(one, name).values()[:, :, at].astype(float)[part].T, name, top, wide)


def coronal_of(one: Phantom, name: str, middle: np.ndarray) -> np.ndarray:
    """Return the coronal slice through `middle` (voxels), 96 mm wide, the head end at the top."""
    image = _image(one, name)
    whole = image.values()[:, round(middle[1]), ::-1].astype(float)
    half = round(HALF_MM["ct"] / image.spacing[0])
    start = max(round(middle[0]) - half, 0)
    values = grey(whole[start : start + 2 * half].T, name, 0.0, wide=True)
    tall = round(values.shape[0] * image.spacing[2] / image.spacing[0])
    return np.asarray(Picture.fromarray(values).resize((values.shape[1], tall), 3))


def _image(one: Phantom, name: str) -> Image:
    if name in one.images:
        return one.images[name]
    if name in one.maps:
        return one.maps[name]
    return next(item for item in one.series if item.name == name).volumes[0]


def grey(values: np.ndarray, name: str, top: float, wide: bool) -> np.ndarray:
    """Return values as 64 even steps of grey, which compress well and draw no lines of their own."""
    low, high = WINDOWS.get("glass" if wide and name == "CT" else name, (0.0, _TOP.get(name, top)))
    return np.uint8(4 * np.rint(63 * np.clip((values - low) / max(high - low, 1e-6), 0, 1)))


_TOP = {"ktrans": 0.4, "kep": 1.2, "rcbv": 6.0, "adc": 2.2, "ADC": 2200.0}


def panels(spec: SimulationSpec, trait: str, name: str) -> list[np.ndarray]:
    """Return the pictures of one row: the slice where the tumour of latent values 0 is largest."""
    person = draw_people(spec)[0]
    middle = render(spec, replace(person, latent=dict.fromkeys(person.latent, 0.0)))
    inside = middle.tumour.inside()
    centre = np.argwhere(inside).mean(axis=0)
    part = crop(middle, spec.modality, np.array(inside.shape) / 2 if spec.modality == "mr" else centre)
    at, wide = int(np.argmax(inside.sum(axis=(0, 1)))), trait in ("solid", "spiculation")
    top = float(np.percentile(_image(middle, name).values()[:, :, at], 99.8))
    found = []
    for latent in LATENT:
        one = changed(spec, person, trait, latent)
        if (spec.modality, trait) == ("ct", "location"):
            found.append(coronal_of(one, name, centre))
        else:
            found.append(slice_of(one, name, at, part, top, wide))
    return found


def sheet(rows: Sequence[Row]) -> Picture.Image:
    """Return a picture of rows (trait, series) and columns of latent values."""
    columns = 2 if len(rows) > 6 else 1
    height = -(-len(rows) // columns)
    wide = 3 * EDGE + 86
    page = Picture.new("L", (columns * wide, height * EDGE + 16), 0)
    pen = ImageDraw.Draw(page)
    for place, (spec, trait, name) in enumerate(rows):
        left, top = (place // height) * wide, (place % height) * EDGE + 16
        words = f"{trait}\n{name}\n\n" + "\n".join(
            f"{TRAITS[trait].physical(value, spec.modality):.3g}" for value in LATENT
        )
        pen.multiline_text((left + 4, top + 10), words, fill=220)
        for step, values in enumerate(panels(spec, trait, name)):
            tall = min(round((EDGE - 2) * values.shape[0] / values.shape[1]), EDGE - 2)
            shown = Picture.fromarray(values).resize((round(tall * values.shape[1] / values.shape[0]), tall), 3)
            page.paste(shown, (left + 86 + step * EDGE, top))
    for column in range(columns):
        for step, latent in enumerate(LATENT):
            pen.text((column * wide + 86 + step * EDGE + 50, 2), f"{latent:+g} SD", fill=220)
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    args = parser.parse_args()
    for name, rows in SHEETS.items():
        sheet(rows).point([4 * (value // 4) for value in range(256)]).save(args.folder / f"{name}.png", optimize=True)
        print(name, (args.folder / f"{name}.png").stat().st_size // 1024, "KiB")


if __name__ == "__main__":
    main()
