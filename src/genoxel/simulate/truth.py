"""What is true of a simulated cohort, and how to know that a folder is one."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel._version import __version__
from genoxel.core.errors import FileFormatError
from genoxel.core.image import FloatArray
from genoxel.io.files import safe_text
from genoxel.simulate.deliver import Delivered
from genoxel.simulate.genes import MODULE_GENES, PATHWAYS
from genoxel.simulate.plan import Person, indicators, population, realised, subclonal, trait_table
from genoxel.simulate.realised import realised_links
from genoxel.simulate.spec import CANDIDATES, Module, SimulationSpec, pair_of
from genoxel.simulate.tables import clone_share, modelled, pathway_scores, purity_of
from genoxel.simulate.traits import NONE, TRAITS

MARKER = "SIMULATED.txt"
MARKER_TEXT = f"""SIMULATED DATA
No patient stands behind any file in this folder. It was drawn by Genoxel {__version__} to test methods:
what is found in it is evidence about the method, never about patients.
The truth that was planted is in truth.json.
"""
CONTENTS: Mapping[str, str] = {
    "dicom": "images and contours of each patient; every header says SIMULATED",
    "enhanced": "the same images as enhanced multi-frame DICOM; every header says SIMULATED",
    "nifti": "the same images as NIfTI; every header's descrip says SIMULATED",
    "truth": "the true tissue per voxel as NIfTI; every header's descrip says SIMULATED",
    "clinical.xlsx": "clinical table; its properties say SIMULATED",
    "clinical.csv": "the same table as text",
    "mutations.maf": "called variants; a line at the top says SIMULATED",
    "vcf": "the same variants, one file a patient; a line at the top says SIMULATED",
    "profiled.txt": "patients who were sequenced",
    "assays.tsv": "by which assay they were sequenced",
    "panel.txt": "genes of the panel",
    "segments.seg": "copy-number segments (hg19, log2)",
    "fusions.tsv": "fused genes",
    "expression.tsv": "expression, TPM-like",
    "pathways.gmt": "gene sets, and which of them follow a trait",
    "counts.tsv": "expression, raw counts with a shift per site",
    "methylation.tsv": "beta values",
    "protein.tsv": "protein levels (z)",
    "ctdna.tsv": "allele shares in plasma, dated",
    "outcome.csv": "survival, response, toxicity",
    "biopsies.csv": "biopsies with the place they are said to be from (mm, LPS)",
    "messy": "the same tables as messy as they come; messy/clean holds the twin",
    "truth.json": "what was planted, and what it came to",
}
"""What a cohort's folder may hold."""


def marker_text(names: Iterable[str]) -> str:
    """Return the marker with a line for each of the files and folders `names`."""
    there = sorted(set(names) & set(CONTENTS), key=list(CONTENTS).index)
    lines = [f"  {name:<16} {CONTENTS[name]}" for name in there]
    return "\n".join([MARKER_TEXT, *lines, "Every patient is called SIM-..., in every file and table.", ""])


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
    more = _more(spec, people, written)
    return {
        "simulated": True,
        "note": "SIMULATED data: evidence about methods, never about patients",
        "generator": f"genoxel {__version__}",
        "spec": spec.as_dict(),
        "effects": [_effect(spec, people, gene) for gene in spec.genes],
        "module": _module(spec, people, score),
        "independent": _independent(spec),
        "traits": {
            name: {"sets": TRAITS[name].sets, "unit": TRAITS[name].unit, "median": TRAITS[name].median(spec.modality)}
            for name in spec.traits
        },
        "patients": {
            person.name: _person(spec, person, delivered) for person, delivered in zip(people, written, strict=True)
        },
        **more,
    }


def _independent(spec: SimulationSpec) -> str:
    linked = {link.target for link in spec.linked}
    free = [name for name in ("age", "sex", "grade", "site") if name not in linked]
    if len(free) == 4:
        return "age, sex, grade and site are drawn independently of genotype, traits and expression"
    if not free:
        return "see links"
    return f"{', '.join(free)} drawn independently of genotype, traits and expression; see links for the rest"


def _more(spec: SimulationSpec, people: Sequence[Person], written: Sequence[Delivered]) -> dict[str, Any]:
    """Return what only some cohorts have: ties between genes, links to facts, later scans, faults, biopsies."""
    content: dict[str, Any] = {}
    if spec.omics.pathways:
        content["pathways"] = {
            name: {
                **_set(spec.modules[name], people, score if spec.modules[name].trait != NONE else None),
                "genes": list(PATHWAYS[name]),
            }
            for name, score in pathway_scores(spec, people).items()
        }
    flags = {gene: np.array([person.genotype[gene] for person in people]) for gene in spec.genes}
    pairs = [*spec.exclusive, *spec.together]
    if pairs:
        content["pairs"] = {
            text: {
                "odds_ratio_declared": spec.together.get(text, 0.0),
                "odds_ratio_realised": _odds(*(flags[gene] for gene in pair_of(text))),
                "both_mutant": int(np.sum(flags[pair_of(text)[0]] & flags[pair_of(text)[1]])),
            }
            for text in pairs
        }
    if spec.links:
        content["links"] = realised_links(spec, people)
    if spec.selective:
        content["selection"] = _selection(spec, people)
    if subclonal(spec):
        content["subclonal"] = {gene: 2**place for place, gene in enumerate(subclonal(spec))}
    each = {one.name: _later(one) for one in written}
    if any(each.values()):
        content["delivered"] = {name: value for name, value in each.items() if value}
    return content


def _odds(one: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_]) -> float | None:
    """Return the cross product of two mutations over all people, None where it is infinite or 0 over 0."""
    alone = int(np.sum(one & ~other)) * int(np.sum(~one & other))
    return round(int(np.sum(one & other)) * int(np.sum(~one & ~other)) / alone, 4) if alone else None


def _selection(spec: SimulationSpec, people: Sequence[Person]) -> dict[str, Any]:
    """Return whom the cohort was chosen from, and how common mutations are among them and among those chosen."""
    candidates, _ = population(spec)
    return {
        "candidates": CANDIDATES * spec.n,
        "included": spec.n,
        "mutant_share": {
            gene: {
                "candidates": round(float(np.mean([person.genotype[gene] for person in candidates])), 4),
                "included": round(float(np.mean([person.genotype[gene] for person in people])), 4),
            }
            for gene in spec.genes
        },
    }


def _later(one: Delivered) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if one.visits:
        found["visits"] = [dict(visit) for visit in one.visits]
    if one.fault:
        found["fault"] = {"kind": one.fault, "slices_left_out": [k + 1 for k in one.skipped]}
    if one.biopsies:
        found["biopsies"] = [
            {
                "biopsy": biopsy.number,
                "true_mm": list(biopsy.true_mm),
                "said_mm": list(biopsy.said_mm),
                "mutated": dict(biopsy.mutated),
                "purity": biopsy.purity,
            }
            for biopsy in one.biopsies
        ]
    return found


def _effect(spec: SimulationSpec, people: Sequence[Person], gene: str) -> dict[str, Any]:
    everyone = list(people)
    known = [person for person in people if person.profiled]
    declared: dict[str, Any] = dict.fromkeys(spec.traits, 0.0)
    local = gene in subclonal(spec)
    for effect in spec.planted:
        if effect.gene == gene and effect.trait != NONE and not local:
            declared[effect.trait] = (
                effect.d if effect.mixed is None else {"exclusive": effect.d, "mixed": effect.mixed}
            )
    return {
        "gene": gene,
        "declared_d": declared,
        "realised_d": _realised(spec, everyone, gene),
        "realised_d_profiled": _realised(spec, known, gene),
        "mutant": sum(person.genotype[gene] for person in everyone),
        "wild_type": sum(not person.genotype[gene] for person in everyone),
        "mutant_profiled": sum(person.genotype[gene] for person in known),
        "wild_type_profiled": sum(not person.genotype[gene] for person in known),
        "null": not any(effect.gene == gene and effect.trait != NONE for effect in spec.planted),
        **({"within_tumour_d": _within(spec, gene)} if local else {}),
    }


def _within(spec: SimulationSpec, gene: str) -> dict[str, float]:
    """Return by how many SDs of the trait the subclone's region differs from the rest: exact, in each mutant's tumour.

    Between patients nothing is planted on a subclonal gene.
    """
    return {effect.trait: effect.d for effect in spec.planted if effect.gene == gene and effect.trait != NONE}


def _realised(spec: SimulationSpec, people: Sequence[Person], gene: str) -> dict[str, Any]:
    genotypes = {name: np.array([float(person.genotype[name]) for person in people]) for name in spec.genes}
    values: dict[str, Any] = {}
    for trait in spec.traits:
        own, others = {"": genotypes[gene]}, []
        for effect in spec.planted:
            if effect.trait == trait:
                parts = [who for _, who in indicators(effect, genotypes, spec.genes)]
                if effect.gene != gene:
                    others += parts
                elif effect.mixed is not None:
                    own = dict(zip(("exclusive", "mixed"), parts, strict=True))
        found = {}
        for name, flags in own.items():
            rest = [part for other, part in own.items() if other != name]
            d = realised(trait_table(people, trait), flags, [*rest, *others])
            found[name] = None if math.isnan(d) else round(d, 6)
        values[trait] = found[""] if "" in own else found
    return values


def _module(spec: SimulationSpec, people: Sequence[Person], score: FloatArray | None) -> dict[str, Any]:
    return {**_set(spec.expression, people, score), "genes": list(MODULE_GENES)}


def _set(module: Module, people: Sequence[Person], score: FloatArray | None) -> dict[str, Any]:
    content: dict[str, Any] = {"trait": module.trait, "declared_r": module.r}
    if score is not None:
        content["realised_r"] = round(float(np.corrcoef(score, trait_table(people, module.trait))[0, 1]), 6)
    return content


def _person(spec: SimulationSpec, person: Person, delivered: Delivered) -> dict[str, Any]:
    more: dict[str, Any] = {"missing": list(person.missing)} if person.missing else {}
    if modelled(spec):
        shares = {gene: round(clone_share(spec, person, gene), 4) for gene in spec.genes if person.genotype[gene]}
        more["sample"] = {"purity": purity_of(spec, person), "clone_shares": shares}
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
        **more,
    }


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 6) for name, value in values.items()}
