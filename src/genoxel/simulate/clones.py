"""Spatial subclones: regions of a tumour with a mutation of their own, and the biopsies taken from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from genoxel.core.image import FloatArray
from genoxel.simulate.fields import Float32, Millimetres, field_pair
from genoxel.simulate.plan import Person, stream, subclonal
from genoxel.simulate.spec import SimulationSpec
from genoxel.simulate.traits import LOCAL, TRAITS

_LENGTH = 9.0


@dataclass(frozen=True)
class Biopsy:
    """One biopsy: where it was taken, where it is said to be (mm, LPS), its clones by gene, and purity."""

    number: int
    true_mm: tuple[float, float, float]
    said_mm: tuple[float, float, float]
    mutated: Mapping[str, bool]
    purity: float


def regions(spec: SimulationSpec, person: Person, spacing: Millimetres) -> dict[str, Float32]:
    """Return gene -> share (0 or 1) per voxel of the subclones of a patient; a wild-type gene has none."""
    found: dict[str, Float32] = {}
    random = stream(spec, "clones", person.index)
    for gene in subclonal(spec):
        field, _ = field_pair(random, spec.size, spacing, _LENGTH)
        if person.genotype[gene]:
            found[gene] = np.asarray(field > 0, np.float32)
    return found


def local_physical(
    spec: SimulationSpec, person: Person, physical: Mapping[str, Any], spacing: Millimetres
) -> dict[str, Any]:
    """Return the quantities that differ between regions as maps, and "clone": the sum of 2^place over the subclones.

    Inside a subclone the latent trait is d higher than outside, centred on equal halves. Nothing without subclones.
    """
    if not subclonal(spec):
        return {}
    found = regions(spec, person, spacing)
    maps: dict[str, Any] = {"clone": np.zeros(spec.size, np.float32)}
    for place, gene in enumerate(subclonal(spec)):
        if gene in found:
            maps["clone"] += 2**place * found[gene]
    for trait in dict.fromkeys(
        effect.trait for effect in spec.planted if effect.gene in found and effect.trait in LOCAL
    ):
        shift = sum(
            effect.d * (found[effect.gene] - np.float32(0.5))
            for effect in spec.planted
            if effect.trait == trait and effect.gene in found
        )
        maps[trait] = np.asarray(physical[trait] * np.exp(TRAITS[trait].step * shift), np.float32)
    return maps


def take_biopsies(
    spec: SimulationSpec, person: Person, tumour: Any, affine: FloatArray, spacing: Millimetres
) -> list[Biopsy]:
    """Return the biopsies of a patient: at random voxels of the tumour, said to be elsewhere by the registration error.

    `tumour` is a boolean array (i, j, k). A voxel is taken once.
    """
    random = stream(spec, "clones", person.index, 1)
    places = np.argwhere(tumour)
    chosen = places[random.permutation(len(places))[: spec.course.biopsies]]
    found = regions(spec, person, spacing)
    biopsies = []
    for number, voxel in enumerate(chosen, start=1):
        at = affine[:3, :3] @ voxel + affine[:3, 3]
        said = at + random.normal(0, spec.course.registration_mm, 3)
        purity = float(random.uniform(*spec.omics.purity))
        here = tuple(int(one) for one in voxel)
        mutated = {gene: _here(spec, person, found, gene, here) for gene in spec.genes}
        biopsies.append(Biopsy(number, _point(at), _point(said), mutated, round(purity, 3)))
    return biopsies


def _here(spec: SimulationSpec, person: Person, found: Mapping[str, Float32], gene: str, here: tuple[int, ...]) -> bool:
    return bool(found[gene][here]) if gene in found else person.genotype[gene]


def _point(values: FloatArray) -> tuple[float, float, float]:
    return round(float(values[0]), 2), round(float(values[1]), 2), round(float(values[2]), 2)
