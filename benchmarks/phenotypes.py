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

from genoxel.simulate.plan import Person, draw_people
from genoxel.simulate.render import Phantom, render
from genoxel.simulate.spec import SimulationSpec
from genoxel.simulate.traits import TRAITS

LATENT = (-2.0, 0.0, 2.0)
EDGE = 150

HEAD = SimulationSpec(n=4, also=("dwi", "dsc", "dce", "pet"), effects=("IDH1:location:1",), seed=5, sites=1)
CHEST = SimulationSpec(
    n=4, modality="ct", also=("pet",), effects=("EGFR:solid:1",), prevalence={"EGFR": 0.5}, seed=3, sites=1
)
SOLID = SimulationSpec(n=4, modality="ct", seed=3, sites=1)
SPICULES = SimulationSpec(
    n=4, modality="ct", effects=("EGFR:spiculation:1",), prevalence={"EGFR": 0.5}, seed=3, sites=1
)
BREAST = SimulationSpec(n=4, modality="breast", also=("dce",), seed=1, sites=1)
PROSTATE = SimulationSpec(n=4, modality="prostate", also=("dwi",), seed=1, sites=1)

SHEETS: dict[str, tuple[SimulationSpec, tuple[tuple[str, str], ...]]] = {
    "phenotypes_head": (
        HEAD,
        (
            *(("texture", "T1CE"), ("heterogeneity", "T1CE"), ("margin", "T1CE"), ("size", "T1CE")),
            *(("enhancement", "T1CE"), ("necrosis", "T1CE"), ("oedema", "FLAIR"), ("location", "FLAIR")),
            *(("ktrans", "ktrans"), ("rcbv", "rcbv"), ("adc", "adc"), ("uptake", "PT")),
        ),
    ),
    "phenotypes_chest": (
        SOLID,
        (("texture", "CT"), ("heterogeneity", "CT"), ("margin", "CT"), ("size", "CT"), ("enhancement", "CT")),
    ),
    "phenotypes_solid": (CHEST, (("solid", "CT"), ("uptake", "PT"))),
    "phenotypes_spicules": (SPICULES, (("spiculation", "CT"),)),
    "phenotypes_breast": (BREAST, (("margin", "T1CE"), ("texture", "T1CE"), ("ktrans", "ktrans"))),
    "phenotypes_prostate": (PROSTATE, (("adc", "ADC"), ("texture", "T2"), ("size", "T2"))),
}


def changed(spec: SimulationSpec, person: Person, trait: str, latent: float) -> Phantom:
    """Return the person with one latent value changed, the others at 0."""
    latents = dict.fromkeys(person.latent, 0.0) | {trait: latent}
    if trait in ("texture", "heterogeneity"):
        latents["heterogeneity"] = latents.get("heterogeneity", 0.0) + (1.2 if trait == "texture" else 0.0)
    return render(spec, replace(person, latent=latents))


WINDOWS = {"CT": (-160.0, 240.0), "glass": (-1000.0, 250.0), "PT": (0.0, 30e3)}
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


def slice_of(one: Phantom, name: str, at: int, part: tuple[slice, slice], glass: bool) -> np.ndarray:
    """Return one slice as grey values 0 to 255, front at the top."""
    if name in one.images:
        image = one.images[name]
    elif name in one.maps:
        image = one.maps[name]
    else:
        image = next(item for item in one.series if item.name == name).volumes[0]
    whole = image.values()[:, :, at].astype(float)
    values = whole[part].T
    top = _TOP.get(name) or float(np.percentile(whole, 99.8))
    low, high = WINDOWS.get("glass" if glass and name == "CT" else name, (0.0, top))
    return np.uint8(255 * np.clip((values - low) / max(high - low, 1e-6), 0, 1))


_TOP = {"ktrans": 0.25, "rcbv": 6.0, "adc": 2.2, "ADC": 2200.0}


def sheet(spec: SimulationSpec, rows: Sequence[tuple[str, str]]) -> Picture.Image:
    """Return a picture of rows (trait, series) and columns of latent values."""
    person = draw_people(spec)[0]
    middle = render(spec, replace(person, latent=dict.fromkeys(person.latent, 0.0)))
    at = int(np.argmax(middle.tumour.inside().sum(axis=(0, 1))))
    part = crop(middle, spec.modality, np.argwhere(middle.tumour.inside()).mean(axis=0))
    if spec.modality == "mr":
        part = crop(middle, "mr", np.array(middle.tumour.shape) / 2)
    columns = 2 if len(rows) > 6 else 1
    height = -(-len(rows) // columns)
    wide = 3 * EDGE + 86
    page = Picture.new("L", (columns * wide, height * EDGE + 16), 0)
    pen = ImageDraw.Draw(page)
    for place, (trait, name) in enumerate(rows):
        left, top = (place // height) * wide, (place % height) * EDGE + 16
        words = f"{trait}\n{name}\n\n" + "\n".join(
            f"{TRAITS[trait].physical(value, spec.modality):.3g}" for value in LATENT
        )
        pen.multiline_text((left + 4, top + 10), words, fill=220)
        for step, latent in enumerate(LATENT):
            grey = slice_of(
                changed(spec, person, trait, latent), name, at, part, {"solid", "spiculation"} & {*spec.traits} != set()
            )
            shown = Picture.fromarray(grey).resize((EDGE - 2, round((EDGE - 2) * grey.shape[0] / grey.shape[1])), 3)
            page.paste(shown, (left + 86 + step * EDGE, top))
    for column in range(columns):
        for step, latent in enumerate(LATENT):
            pen.text((column * wide + 86 + step * EDGE + 50, 2), f"{latent:+g} SD", fill=220)
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    args = parser.parse_args()
    for name, (spec, rows) in SHEETS.items():
        picture = sheet(spec, rows).quantize(48)
        picture.save(args.folder / f"{name}.png", optimize=True)
        print(name, (args.folder / f"{name}.png").stat().st_size // 1024, "KiB")


if __name__ == "__main__":
    main()
