"""The molecular and clinical files of a simulated cohort, as messy as they come, yet true."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from genoxel._version import __version__
from genoxel.core.image import FloatArray
from genoxel.io.files import atomic_write
from genoxel.simulate.genes import DRIVERS, MODULE_GENES, OTHER_GENES, PASSENGERS, PATHWAYS, Driver, Variant
from genoxel.simulate.plan import Person, panel, stream, subclonal, trait_table
from genoxel.simulate.spec import Module, SimulationSpec
from genoxel.simulate.traits import NONE

MAF_COLUMNS = (
    *("Hugo_Symbol", "Entrez_Gene_Id", "Center", "NCBI_Build", "Chromosome", "Start_Position", "End_Position"),
    *("Strand", "Variant_Classification", "Variant_Type", "Reference_Allele", "Tumor_Seq_Allele1"),
    *("Tumor_Seq_Allele2", "dbSNP_RS", "Tumor_Sample_Barcode", "Matched_Norm_Sample_Barcode", "Mutation_Status"),
    *("HGVSc", "HGVSp_Short", "t_depth", "t_ref_count", "t_alt_count", "n_depth"),
)
_MUTANT_WORDS = ("mut", "mutant", "Mut.", "mutated")
_WILD_WORDS = ("wt", "WT", "wild type", "neg")
_UNKNOWN_WORDS = ("pending", "", "n/d")
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
_SILENT_SHARE = 0.10


def write_tables(spec: SimulationSpec, people: Sequence[Person], folder: Path) -> FloatArray | None:
    """Write mutations.maf, profiled.txt, expression.tsv, clinical.csv and clinical.xlsx; return the module's score.

    The score (one value per person, before noise) is None where no module is planted. Raises `OutputError`.
    """
    calls = draw_calls(spec, people)
    atomic_write(folder / "mutations.maf", _maf(calls))
    atomic_write(folder / "profiled.txt", "".join(f"{person.name}\n" for person in people if person.profiled))
    text, score = _expression(spec, people)
    atomic_write(folder / "expression.tsv", text)
    if spec.omics.pathways:
        atomic_write(folder / "pathways.gmt", _gmt(spec))
    rows = clinical_rows(spec, people, calls)
    atomic_write(folder / "clinical.csv", _csv(rows, spec.semicolons))
    atomic_write(folder / "clinical.xlsx", _xlsx(rows))
    return score


class Call(NamedTuple):
    """One called variant."""

    patient: str
    gene: str
    chromosome: str
    entrez: int
    variant: Variant
    alt: int
    depth: int

    @property
    def normal_depth(self) -> int:
        """Reads of the matched normal sample, none of which carries the variant."""
        return self.depth - self.depth // 5


def _driver(gene: str) -> Driver:
    """Return what is known of a gene, or an invented place for one that is not."""
    if gene in DRIVERS:
        return DRIVERS[gene]
    place = 10_000_000 + sum(ord(letter) * 7919 * (rank + 1) for rank, letter in enumerate(gene))
    hot = Variant(place, "G", "A", "c.298G>A", "p.E100K")
    return Driver(0, "1", 0.3, (hot,), Variant(place + 20, "C", "T", "c.318C>T", "p.L106=", "Silent"))


def draw_calls(spec: SimulationSpec, people: Sequence[Person]) -> list[Call]:
    """Return the variants called in the profiled: hotspots of mutants, silent ones of wild types, passengers."""
    calls = []
    for person in people:
        random = stream(spec, "variants", person.index)
        for gene in panel(spec):
            driver = _driver(gene)
            weights = 0.5 ** np.arange(1, len(driver.hotspots) + 1)
            variant = driver.hotspots[int(random.choice(len(driver.hotspots), p=weights / weights.sum()))]
            silent = random.random() < _SILENT_SHARE
            depth, share = int(random.integers(60, 240)), random.uniform(0.2, 0.48)
            if modelled(spec):
                share = clone_share(spec, person, gene) * purity_of(spec, person) / 2
            if person.profiled and (person.genotype[gene] or silent):
                chosen = variant if person.genotype[gene] else driver.silent
                reads = int(random.binomial(depth, share)) if modelled(spec) else round(share * depth)
                alt = max(reads, 6)
                calls.append(Call(person.name, gene, driver.chromosome, driver.entrez, chosen, alt, depth))
        calls += _passengers(random, person)
        if "panels" in spec.omics.files and assay_of(spec, person) == "panel":
            covered = small_panel(spec)
            calls = [call for call in calls if call.patient != person.name or call.gene in covered]
    return sorted(calls, key=lambda call: (call.patient, call.gene, call.variant.position))


def small_panel(spec: SimulationSpec) -> tuple[str, ...]:
    """Return the genes of the small panel: those with an effect, without the last where there are several."""
    return spec.genes[: max(1, len(spec.genes) - 1)]


def assay_of(spec: SimulationSpec, person: Person) -> str:
    """Return by which assay a person was sequenced: half by the panel, half by the exome."""
    return "panel" if stream(spec, "omics", person.index, 6).random() < 0.5 else "exome"


def modelled(spec: SimulationSpec) -> bool:
    """Return whether allele shares follow purity and clones, as in every cohort that asks for molecular files."""
    return bool(spec.omics.files or spec.course.clones)


def purity_of(spec: SimulationSpec, person: Person) -> float:
    """Return the share of tumour cells in a person's sample."""
    return round(float(stream(spec, "omics", person.index).uniform(*spec.omics.purity)), 3)


def clone_share(spec: SimulationSpec, person: Person, gene: str) -> float:
    """Return the share of tumour cells with a mutation: 1 for the trunk, drawn for subclones where there are some."""
    if gene not in subclonal(spec):
        return 1.0
    return float(stream(spec, "omics", person.index, 4).uniform(0.35, 0.65))


def _passengers(random: np.random.Generator, person: Person) -> list[Call]:
    calls = []
    for gene, (entrez, chromosome, start) in PASSENGERS.items():
        hit, residue = random.random() < 0.18, int(random.integers(100, 3000))
        quiet, depth = random.random() < 0.25, int(random.integers(60, 240))
        if hit and person.profiled:
            # CGG to CAG, the second base, makes glutamine of arginine; TCG to TCA, the third, leaves serine.
            place, protein = (3 * residue, f"p.S{residue}=") if quiet else (3 * residue - 1, f"p.R{residue}Q")
            kind = "Silent" if quiet else "Missense_Mutation"
            variant = Variant(start + place, "G", "A", f"c.{place}G>A", protein, kind)
            calls.append(Call(person.name, gene, chromosome, entrez, variant, depth // 3, depth))
    return calls


def _maf(calls: Sequence[Call]) -> str:
    lines = ["#version 2.4", f"#SIMULATED by Genoxel {__version__}: no patient", "\t".join(MAF_COLUMNS)]
    for call in calls:
        name, gene, chromosome, entrez, variant, alt, depth = call
        place = str(variant.position)
        fields = (
            *(gene, str(entrez), "SIMULATED", "GRCh37", chromosome, place, place, "+"),
            *(variant.classification, "SNP", variant.ref, variant.ref, variant.alt, "", name, f"{name}-N", "Somatic"),
            *(variant.coding, variant.protein, str(depth), str(depth - alt), str(alt), str(call.normal_depth)),
        )
        lines.append("\t".join(fields))
    return "\n".join(lines) + "\n"


def _expression(spec: SimulationSpec, people: Sequence[Person]) -> tuple[str, FloatArray | None]:
    """Return TPM-like values as text (genes x patients) and the module's score."""
    random = stream(spec, "expression")
    genes = (*MODULE_GENES, *(gene for gene in OTHER_GENES if gene not in MODULE_GENES))
    level = random.normal(4.0, 1.6, len(genes))
    score = _score(spec, people, random)
    module = spec.expression
    values = level[:, None] + 0.9 * random.standard_normal((len(genes), spec.n))
    values[: len(MODULE_GENES)] = (
        level[: len(MODULE_GENES), None] + 0.75 * score + 0.5 * (random.standard_normal((len(MODULE_GENES), spec.n)))
    )
    for name, each in pathway_scores(spec, people).items():
        values[[genes.index(gene) for gene in PATHWAYS[name]]] += 0.75 * each
    kept = [place for place, person in enumerate(people) if person.has_expression]
    lines = ["\t".join(["gene", *(people[place].name for place in kept)])]
    for row, gene in enumerate(genes):
        lines.append("\t".join([gene, *(f"{max(2 ** values[row, place] - 1, 0):.3f}" for place in kept)]))
    return "\n".join(lines) + "\n", (None if module.trait == NONE else score)


def _gmt(spec: SimulationSpec) -> str:
    """Return the gene sets that follow traits, and those that follow none, as GMT."""
    sets = {"hypoxia": MODULE_GENES, **PATHWAYS}
    told = {name: f"SIMULATED, follows {spec.modules[name].trait if name in spec.modules else NONE}" for name in sets}
    return "".join("\t".join([name, told[name], *genes]) + "\n" for name, genes in sets.items())


def _score(spec: SimulationSpec, people: Sequence[Person], random: np.random.Generator) -> FloatArray:
    return _following(people, spec.expression, random.standard_normal(spec.n))


def _following(people: Sequence[Person], module: Module, score: FloatArray) -> FloatArray:
    """Return a score (n,) that correlates with the module's trait by r, from one that is normal and independent."""
    if module.trait == NONE:
        return score
    latent = trait_table(people, module.trait)
    latent = (latent - latent.mean()) / latent.std()
    return np.asarray(module.r * latent + np.sqrt(1 - module.r**2) * score, np.float64)


def module_score(spec: SimulationSpec, people: Sequence[Person]) -> FloatArray:
    """Return the score (n,) of the expression module, the same as in the expression table."""
    random = stream(spec, "expression")
    random.normal(4.0, 1.6, len(dict.fromkeys((*MODULE_GENES, *OTHER_GENES))))
    return _score(spec, people, random)


def pathway_scores(spec: SimulationSpec, people: Sequence[Person]) -> dict[str, FloatArray]:
    """Return pathway -> score (n,) of the gene sets that follow traits beside the module, before noise."""
    places = {name: place for place, name in enumerate(PATHWAYS)}
    return {
        name: _following(
            people, spec.modules[name], stream(spec, "omics", 100_003, places[name]).standard_normal(spec.n)
        )
        for name in spec.omics.pathways
    }


def clinical_rows(
    spec: SimulationSpec, people: Sequence[Person], calls: Sequence[Call]
) -> list[tuple[str | float | int, ...]]:
    """Return the clinical table with its header: patient, site, age, sex, grade, scan date, one column per gene.

    Genotype words vary as they do in practice, and agree with the truth; who is not profiled is pending.
    """
    protein = {
        (call.patient, call.gene): call.variant.protein for call in calls if call.variant.classification != "Silent"
    }
    genes = spec.genes or panel(spec)[:2]
    rows: list[tuple[str | float | int, ...]] = [("PatientID", "site", "age", "sex", "grade", "scan_date", *genes)]
    for person in people:
        random = stream(spec, "clinical", person.index)
        words = []
        for gene in genes:
            pick = int(random.integers(0, 12))
            spelled = protein.get((person.name, gene), "")[2:]
            words.append(_word(person, gene, pick, spelled))
        rows.append((person.name, person.scanner.site, person.age, person.sex, person.grade, person.day, *words))
    return rows


def _word(person: Person, gene: str, pick: int, spelled: str) -> str:
    if not person.profiled:
        return _UNKNOWN_WORDS[pick % len(_UNKNOWN_WORDS)]
    if not person.genotype[gene]:
        return _WILD_WORDS[pick % len(_WILD_WORDS)]
    return spelled if spelled and pick >= 8 else _MUTANT_WORDS[pick % len(_MUTANT_WORDS)]


def _csv(rows: Sequence[tuple[str | float | int, ...]], semicolons: bool) -> str:
    def cell(value: str | float | int) -> str:
        if isinstance(value, float):
            return f"{value:.1f}".replace(".", ",") if semicolons else f"{value:.1f}"
        return str(value)

    mark, between = ("\ufeff", ";") if semicolons else ("", ",")
    return mark + "".join(between.join(cell(value) for value in row) + "\r\n" for row in rows)


def _xlsx(rows: Sequence[tuple[str | float | int, ...]]) -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "patients"
    for row in rows:
        sheet.append(list(row))
    book.properties.title = "SIMULATED"
    book.properties.creator = f"Genoxel {__version__}"
    buffer = io.BytesIO()
    book.save(buffer)
    return settled_workbook(buffer.getvalue())


def settled_workbook(content: bytes) -> bytes:
    """Return a workbook whose zip times and dates of making are fixed, so that bytes repeat."""
    fixed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(fixed, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "docProps/core.xml":
                data = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"2000-01-01T00:00:00Z", data)
            entry = zipfile.ZipInfo(name, _ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            new.writestr(entry, data)
    return fixed.getvalue()
