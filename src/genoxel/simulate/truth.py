"""What is true of a simulated cohort, and how to know that a folder is one."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from genoxel._version import __version__
from genoxel.core.errors import FileFormatError
from genoxel.core.image import FloatArray
from genoxel.io.files import safe_text
from genoxel.simulate.deliver import Delivered
from genoxel.simulate.genes import MODULE_GENES
from genoxel.simulate.plan import Person, planted_on, realised, trait_table
from genoxel.simulate.spec import SimulationSpec
from genoxel.simulate.traits import NONE, TRAITS, traits_of

MARKER = "SIMULATED.txt"
MARKER_TEXT = f"""SIMULATED DATA
No patient stands behind any file in this folder. It was drawn by Genoxel {__version__} to test methods:
what is found in it is evidence about the method, never about patients.
The truth that was planted is in truth.json.
"""


def is_simulated(folder: str | os.PathLike[str]) -> bool:
    """Return whether a folder, or the one above it, carries the marker of a simulated cohort."""
    path = Path(folder)
    return (path / MARKER).is_file() or (path.parent / MARKER).is_file()


def read_truth(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the content of a cohort's truth.json; `FileFormatError` when it is no simulated cohort's."""
    path = Path(folder, "truth.json")
    try:
        content = json.loads(safe_text(path))
    except json.JSONDecodeError as error:
        raise FileFormatError(f"a damaged {path.name} ({error})", "JSON", "simulate the cohort again") from error
    if not isinstance(content, dict) or content.get("simulated") is not True:
        raise FileFormatError(f"{path.name} without 'simulated'", "the truth of a simulated cohort", "check the folder")
    return content


def truth(
    spec: SimulationSpec, people: Sequence[Person], written: Sequence[Delivered], score: FloatArray | None
) -> dict[str, Any]:
    """Return declared and realised effects, and each patient's genotype and traits, as plain values for JSON."""
    return {
        "simulated": True,
        "note": "SIMULATED data: evidence about methods, never about patients",
        "generator": f"genoxel {__version__}",
        "spec": spec.as_dict(),
        "effects": [_effect(spec, people, gene) for gene in spec.genes],
        "module": _module(spec, people, score),
        "independent": "age, sex, grade and site are drawn independently of genotype, traits and expression",
        "traits": {
            name: {"sets": TRAITS[name].sets, "unit": TRAITS[name].unit, "median": TRAITS[name].median(spec.modality)}
            for name in traits_of(spec.modality)
        },
        "patients": {
            person.name: _person(spec, person, delivered) for person, delivered in zip(people, written, strict=True)
        },
    }


def _effect(spec: SimulationSpec, people: Sequence[Person], gene: str) -> dict[str, Any]:
    everyone = list(people)
    known = [person for person in people if person.profiled]
    declared = {effect.trait: effect.d for effect in spec.planted if effect.gene == gene and effect.trait != NONE}
    return {
        "gene": gene,
        "declared_d": {trait: declared.get(trait, 0.0) for trait in traits_of(spec.modality)},
        "realised_d": _realised(spec, everyone, gene),
        "realised_d_profiled": _realised(spec, known, gene),
        "mutant": sum(person.genotype[gene] for person in everyone),
        "wild_type": sum(not person.genotype[gene] for person in everyone),
        "mutant_profiled": sum(person.genotype[gene] for person in known),
        "wild_type_profiled": sum(not person.genotype[gene] for person in known),
        "null": not declared,
    }


def _realised(spec: SimulationSpec, people: Sequence[Person], gene: str) -> dict[str, float | None]:
    def flags(name: str) -> FloatArray:
        return np.array([float(person.genotype[name]) for person in people])

    values: dict[str, float | None] = {}
    for trait in traits_of(spec.modality):
        others = [flags(other) for other in planted_on(spec, trait) if other != gene]
        d = realised(trait_table(people, trait), flags(gene), others)
        values[trait] = None if math.isnan(d) else round(d, 6)
    return values


def _module(spec: SimulationSpec, people: Sequence[Person], score: FloatArray | None) -> dict[str, Any]:
    module = spec.expression
    content: dict[str, Any] = {"trait": module.trait, "declared_r": module.r, "genes": list(MODULE_GENES)}
    if score is not None:
        content["realised_r"] = round(float(np.corrcoef(score, trait_table(people, module.trait))[0, 1]), 6)
    return content


def _person(spec: SimulationSpec, person: Person, delivered: Delivered) -> dict[str, Any]:
    return {
        "site": person.scanner.site,
        "genotype": {gene: "mutant" if mutant else "wild type" for gene, mutant in person.genotype.items()},
        "profiled": person.profiled,
        "has_expression": person.has_expression,
        "latent": _rounded(person.latent),
        "physical": _rounded(person.physical(spec.modality)),
        "contour": delivered.contour,
        "tumour_voxels": delivered.voxels,
        "tumour_ml": round(delivered.volume_ml, 4),
    }


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 6) for name, value in values.items()}
