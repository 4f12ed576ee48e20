"""Molecular and clinical files beyond the MAF: VCF, copy number, methylation, counts, ctDNA, outcomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from genoxel._version import __version__
from genoxel.io.files import atomic_write
from genoxel.simulate.deliver import Delivered
from genoxel.simulate.genes import MODULE_GENES, OTHER_GENES, PATHWAYS
from genoxel.simulate.outcomes import delivers_outcomes, draw_outcomes
from genoxel.simulate.plan import Person, stream
from genoxel.simulate.spec import SimulationSpec
from genoxel.simulate.tables import Call, assay_of, draw_calls, module_score, pathway_scores, purity_of, small_panel
from genoxel.simulate.traits import TRAITS
from genoxel.simulate.visits import RESCAN, Visit, plasma, visits

_LENGTHS = {"1": 249, "2": 243, "3": 198, "7": 159, "9": 141, "10": 135, "12": 133, "13": 115, "17": 81, "19": 59}
"""Lengths of some chromosomes (hg19) in 10^6 bases."""

_ARMS: Mapping[str, tuple[tuple[str, float, float, int, float], ...]] = {
    "mr": (("7", 0, 159, 3, 0.5), ("10", 0, 135, 1, 0.5), ("1", 0, 125, 1, 0.2), ("19", 28, 59, 1, 0.2)),
    "ct": (("3", 90, 198, 3, 0.4), ("17", 0, 22, 1, 0.4)),
    "breast": (("1", 125, 249, 3, 0.5), ("17", 0, 22, 1, 0.4)),
    "prostate": (("10", 52, 135, 1, 0.3), ("13", 20, 115, 1, 0.4)),
}
"""Arms gained or lost per body: chromosome, start and end in 10^6 bases, copies, share of patients."""

_FOCAL = {"EGFR": ("7", 54.5, 55.8, 12), "PTEN": ("10", 89.2, 90.2, 0)}
_FUSIONS = (("EML4", "ALK"), ("FGFR3", "TACC3"), ("TMPRSS2", "ERG"), ("CD74", "ROS1"))
RESISTANCE: Mapping[str, tuple[str, str]] = {
    "mr": ("MSH6", "p.T1219I"),
    "ct": ("EGFR", "p.T790M"),
    "breast": ("ESR1", "p.D538G"),
    "prostate": ("AR", "p.L702H"),
}
"""The mutation of the clone that treatment selects, per body: to temozolomide, EGFR inhibitors, hormone therapies."""

_ANN = (
    "Allele | Annotation | Annotation_Impact | Gene_Name | Gene_ID | Feature_Type | Feature_ID | Transcript_BioType | "
    "Rank | HGVS.c | HGVS.p | cDNA.pos / cDNA.length | CDS.pos / CDS.length | AA.pos / AA.length | Distance | "
    "ERRORS / WARNINGS / INFO"
)
_EFFECTS = {
    "Missense_Mutation": ("missense_variant", "MODERATE"),
    "Nonsense_Mutation": ("stop_gained", "HIGH"),
    "Silent": ("synonymous_variant", "LOW"),
}
_NAMES = "AlaArgAsnAspCysGlnGluGlyHisIleLeuLysMetPheProSerThrTrpTyrVal"
_AMINO = {letter: _NAMES[3 * place : 3 * place + 3] for place, letter in enumerate("ARNDCQEGHILKMFPSTWYV")}
_PROBES, _MODULE_PROBES = 300, 40


def write_molecular(
    spec: SimulationSpec, people: Sequence[Person], folder: Path, written: Sequence[Delivered] = ()
) -> dict[str, object]:
    """Write the files that `spec.omics.files` names, and outcome.csv where a link asks for it; return their truth."""
    calls = draw_calls(spec, people)
    wanted = list(spec.omics.files)
    if delivers_outcomes(spec) and "outcome" not in wanted:
        wanted.append("outcome")
    told: dict[str, object] = {}
    for name in wanted:
        if name == "ctdna":
            told[name] = _ctdna(spec, people, calls, folder, written)
        elif name != "messy":
            told[name] = _WRITERS[name](spec, people, calls, folder)
    return {name: content for name, content in told.items() if content is not None}


def biopsy_table(spec: SimulationSpec, people: Sequence[Person], written: Sequence[Delivered]) -> str:
    """Return the biopsies as they come: where they are said to be (mm, LPS), and the allele share of each gene."""
    lines = [",".join(["patient", "sample", "x_mm", "y_mm", "z_mm", *(f"{gene}_vaf" for gene in spec.genes)])]
    for person, one in zip(people, written, strict=True):
        random = stream(spec, "omics", person.index, 5)
        for biopsy in one.biopsies:
            depth = random.integers(80, 200, len(spec.genes))
            shares = [0.5 * biopsy.purity * biopsy.mutated[gene] for gene in spec.genes]
            reads = random.binomial(depth, shares)
            found = [f"{read / of:.3f}" for read, of in zip(reads, depth, strict=True)]
            place = [f"{value:.2f}" for value in biopsy.said_mm]
            lines.append(",".join([person.name, f"{person.name}-B{biopsy.number}", *place, *found]))
    return "\n".join(lines) + "\n"


def _profiled(people: Sequence[Person], block: str = "mutations") -> list[Person]:
    return [person for person in people if person.profiled and block not in person.missing]


def _vcf(spec: SimulationSpec, people: Sequence[Person], calls: Sequence[Call], folder: Path) -> None:
    del spec
    head = (
        "##fileformat=VCFv4.2\n"
        f"##source=SIMULATED by Genoxel {__version__}: no patient\n"
        "##reference=GRCh37\n"
        f"##INFO=<ID=ANN,Number=.,Type=String,Description=\"Functional annotations: '{_ANN}' \">\n"
        '##FILTER=<ID=PASS,Description="All filters passed">\n'
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
        '##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Reads of each allele">\n'
        '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">\n'
    )
    contigs = "".join(f"##contig=<ID={name}>\n" for name in [*map(str, range(1, 23)), "X", "Y"])
    order = {name: place for place, name in enumerate([*map(str, range(1, 23)), "X", "Y"])}
    for person in _profiled(people):
        lines = []
        mine = [call for call in calls if call.patient == person.name]
        for call in sorted(mine, key=lambda one: (order[one.chromosome], one.variant.position)):
            one = call.variant
            kind, impact = _EFFECTS[one.classification]
            protein = _long(one.protein)
            where = f"{call.gene}|{call.gene}|transcript||protein_coding|"
            info = f"ANN={one.alt}|{kind}|{impact}|{where}|{one.coding}|{protein}|||||"
            sample = f"0/1:{call.depth - call.alt},{call.alt}:{call.depth}"
            normal = f"0/0:{call.normal_depth},0:{call.normal_depth}"
            fields = (call.chromosome, str(one.position), ".", one.ref, one.alt, ".", "PASS", info, "GT:AD:DP")
            lines.append("\t".join((*fields, sample, normal)))
        columns = ("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT")
        table = "\n".join(["\t".join((*columns, person.name, f"{person.name}-N")), *lines])
        atomic_write(folder / "vcf" / f"{person.name}.vcf", head + contigs + table + "\n")


def _long(protein: str) -> str:
    """Return a protein change in three letters, as annotators of VCF write it: p.R132H is p.Arg132His."""
    return "p." + "".join(_AMINO.get(letter, letter) for letter in protein.removeprefix("p."))


def _segments(spec: SimulationSpec, people: Sequence[Person], calls: Sequence[Call], folder: Path) -> object:
    """Write copy-number segments as log2 ratios diluted by normal cells; return the true copies per event."""
    del calls
    lines, told = ["ID\tchrom\tloc.start\tloc.end\tnum.mark\tseg.mean"], {}
    for person in _profiled(people, "segments"):
        random, purity = stream(spec, "omics", person.index, 1), purity_of(spec, person)
        events = [arm[:4] for arm in _ARMS[spec.modality] if random.random() < arm[4]]
        for gene, (chromosome, start, end, copies) in _FOCAL.items():
            if person.genotype.get(gene, False) and random.random() < 0.5:
                events.append((chromosome, start, end, copies))
        told[person.name] = {"purity": purity, "events": [list(event) for event in events]}
        for chromosome, length in _LENGTHS.items():
            for start, end, copies in _cut(length, [event for event in events if event[0] == chromosome]):
                marks = max(round((end - start) * 20), 5)
                ratio = np.log2(max(purity * copies + (1 - purity) * 2, 0.05) / 2)
                mean = ratio + random.normal(0, 0.25 / np.sqrt(marks)) + random.normal(0, 0.01)
                place = f"{chromosome}\t{round(start * 1e6) + 1}\t{round(end * 1e6)}"
                lines.append(f"{person.name}\t{place}\t{marks}\t{mean:.4f}")
    atomic_write(folder / "segments.seg", "\n".join(lines) + "\n")
    return told


def _cut(length: float, events: Sequence[tuple[str, float, float, int]]) -> list[tuple[float, float, int]]:
    """Return (start, end, copies) over a whole chromosome; a focal event lies over an arm's."""
    edges = sorted({0.0, float(length), *(float(edge) for event in events for edge in event[1:3])})
    found = []
    for start, end in pairwise(edges):
        over = [event for event in events if event[1] <= start and end <= event[2]]
        smallest = min(over, key=lambda event: event[2] - event[1]) if over else None
        found.append((start, end, smallest[3] if smallest else 2))
    return found


def _fusions(spec: SimulationSpec, people: Sequence[Person], calls: Sequence[Call], folder: Path) -> object:
    del calls
    lines, told = ["sample\tgene5\tgene3\tjunction_reads\tspanning_reads\tin_frame"], {}
    for person in _profiled(people):
        random = stream(spec, "omics", person.index, 2)
        if random.random() < 0.08:
            first, last = _FUSIONS[int(random.integers(len(_FUSIONS)))]
            told[person.name] = f"{first}-{last}"
            reads = random.poisson(25, 2) + 3
            lines.append(f"{person.name}\t{first}\t{last}\t{reads[0]}\t{reads[1]}\tyes")
    atomic_write(folder / "fusions.tsv", "\n".join(lines) + "\n")
    return told


def _methylation(spec: SimulationSpec, people: Sequence[Person], calls: Sequence[Call], folder: Path) -> object:
    """Write beta values; some probes are hypermethylated in mutants of the first gene, diluted by normal cells."""
    del calls
    random = stream(spec, "omics", 100_000)
    level = random.beta(0.6, 0.6, _PROBES)
    gene = spec.genes[0] if spec.genes else ""
    names = [f"cg{10_000_000 + 7919 * place:08d}" for place in range(_PROBES)]
    columns = []
    for person in people:
        own = np.clip(level + random.normal(0, 0.05, _PROBES), 0.01, 0.99)
        if person.genotype.get(gene, False):
            own[:_MODULE_PROBES] = np.clip(0.8 + random.normal(0, 0.08, _MODULE_PROBES), 0.01, 0.99)
        purity = purity_of(spec, person)
        normal = level.copy()
        normal[:_MODULE_PROBES] = 0.15
        if not person.genotype.get(gene, False):
            own[:_MODULE_PROBES] = np.clip(0.15 + random.normal(0, 0.05, _MODULE_PROBES), 0.01, 0.99)
        columns.append(purity * own + (1 - purity) * normal)
    kept = [place for place, person in enumerate(people) if "methylation" not in person.missing]
    lines = ["\t".join(["probe", *(people[place].name for place in kept)])]
    for row, name in enumerate(names):
        lines.append("\t".join([name, *(f"{columns[place][row]:.4f}" for place in kept)]))
    atomic_write(folder / "methylation.tsv", "\n".join(lines) + "\n")
    return {"gene": gene, "hypermethylated_probes": names[:_MODULE_PROBES]}


def _counts(spec: SimulationSpec, people: Sequence[Person], calls: Sequence[Call], folder: Path) -> object:
    """Write raw counts: negative binomial around a module, library sizes and a shift per site (the batch)."""
    del calls
    random = stream(spec, "omics", 100_001)
    genes = (*MODULE_GENES, *(gene for gene in OTHER_GENES if gene not in MODULE_GENES))
    level = random.normal(7.0, 1.8, len(genes))
    score, pathways = module_score(spec, people), pathway_scores(spec, people)
    sites = sorted({person.scanner.site for person in people})
    batch = dict(zip(sites, random.normal(0, 0.5, (len(sites), len(genes))), strict=True))
    columns = []
    for place, person in enumerate(people):
        values = level + 0.5 * random.standard_normal(len(genes)) + batch[person.scanner.site]
        values[: len(MODULE_GENES)] += 0.8 * score[place]
        for name, each in pathways.items():
            values[[genes.index(gene) for gene in PATHWAYS[name]]] += 0.8 * each[place]
        mean = 2**values * np.exp(0.3 * random.standard_normal())
        columns.append(random.negative_binomial(8.0, 8.0 / (8.0 + mean)))
    kept = [place for place, person in enumerate(people) if person.has_expression]
    lines = ["\t".join(["gene", *(people[place].name for place in kept)])]
    for row, gene in enumerate(genes):
        lines.append("\t".join([gene, *(str(int(columns[place][row])) for place in kept)]))
    atomic_write(folder / "counts.tsv", "\n".join(lines) + "\n")
    return {"batch": "site", "log2_shift_sd": 0.5, "module": list(MODULE_GENES)}


def _protein(spec: SimulationSpec, people: Sequence[Person], calls: Sequence[Call], folder: Path) -> object:
    """Write protein levels (z): two of them follow the expression module, the mutated genes lose theirs."""
    del calls
    random, score = stream(spec, "omics", 100_002), module_score(spec, people)
    names = ["VEGFA", "CA9", *spec.genes]
    lines = ["\t".join(["patient", *names])]
    for place, person in enumerate(people):
        values = [0.7 * score[place] + 0.7 * random.standard_normal() for _ in range(2)]
        values += [random.standard_normal() - 0.8 * person.genotype[gene] for gene in spec.genes]
        if "protein" not in person.missing:
            lines.append("\t".join([person.name, *(f"{value:.3f}" for value in values)]))
    atomic_write(folder / "protein.tsv", "\n".join(lines) + "\n")
    return {"module": names[:2], "module_r": 0.7071, "lost_where_mutated": list(spec.genes), "shift_sd": -0.8}


def _ctdna(
    spec: SimulationSpec,
    people: Sequence[Person],
    calls: Sequence[Call],
    folder: Path,
    written: Sequence[Delivered] = (),
) -> object:
    """Write allele shares in plasma that follow the living millilitres; a resistant clone rises in some who respond.

    Lesions beside the main one count as large as `written` says that they were drawn.
    """
    lines, told = ["patient\tdate\tday\tgene\tprotein\tmutant_reads\tdepth\tvaf"], {}
    drawn = {one.name: one for one in written}
    typical = _ball_ml(TRAITS["size"].physical(0.0, spec.modality))
    for person in _profiled(people, "ctdna"):
        random, shed, _ = plasma(spec, person)
        mine = [call for call in calls if call.patient == person.name and call.variant.classification != "Silent"]
        if not mine:
            continue
        tracked = (mine[0].gene, mine[0].variant.protein)
        scans = [visit for visit in visits(spec, person) if visit.number != RESCAN]
        resistant = any(visit.clone for visit in scans)
        told[person.name] = {"gene": tracked[0], "protein": tracked[1], "resistant": resistant}
        start = _ball_ml(person.physical(spec.modality)["size"])
        for visit in scans:
            day = np.datetime64(person.day) + visit.days
            living = start * visit.living + _beside_ml(visit, drawn.get(person.name))
            rows = [(*tracked, shed * living / typical)]
            rows += [(*RESISTANCE[spec.modality], shed * start * visit.clone / typical)] if resistant else []
            for gene, protein, share in rows:
                depth = int(random.integers(2500, 6000))
                reads = int(random.binomial(depth, min(share, 0.9)))
                where = f"{person.name}\t{day}\t{visit.days}\t{gene}\t{protein}"
                lines.append(f"{where}\t{reads}\t{depth}\t{reads / depth:.5f}")
    atomic_write(folder / "ctdna.tsv", "\n".join(lines) + "\n")
    return told


def _ball_ml(radius_mm: float) -> float:
    return 4 / 3 * np.pi * radius_mm**3 / 1000


def _beside_ml(visit: Visit, drawn: Delivered | None) -> float:
    """Return the living millilitres of the lesions beside the main one, from their size when they first were drawn."""
    total = 0.0
    for place, now in enumerate(visit.others if drawn is not None else ()):
        scans = [one["lesions"][place] for one in drawn.visits]  # type: ignore[union-attr]
        first = next((one for one in scans if one["ml"] > 0), None)
        total += first["ml"] / first["volume"] * now["living"] if first else 0.0
    return total


def _outcome(spec: SimulationSpec, people: Sequence[Person], calls: Sequence[Call], folder: Path) -> None:
    del calls
    found = draw_outcomes(spec, people)
    lines = ["patient,days,died,response,toxicity"]
    for place, person in enumerate(people):
        if "outcome" not in person.missing:
            facts = (found.days, found.died, found.response, found.toxicity)
            lines.append(",".join([person.name, *(f"{values[place]:.0f}" for values in facts)]))
    atomic_write(folder / "outcome.csv", "\n".join(lines) + "\n")


def _panels(spec: SimulationSpec, people: Sequence[Person], calls: Sequence[Call], folder: Path) -> object:
    """Write who was sequenced by which assay, and the genes of the panel, outside which it calls nothing."""
    del calls
    told = {person.name: assay_of(spec, person) for person in _profiled(people)}
    atomic_write(
        folder / "assays.tsv", "patient\tassay\n" + "".join(f"{name}\t{what}\n" for name, what in told.items())
    )
    atomic_write(folder / "panel.txt", "\n".join(small_panel(spec)) + "\n")
    return {"genes": list(small_panel(spec)), "assay": told}


Writer = Callable[[SimulationSpec, Sequence[Person], Sequence[Call], Path], object]
_WRITERS: Mapping[str, Writer] = {
    "vcf": _vcf,
    "segments": _segments,
    "fusions": _fusions,
    "methylation": _methylation,
    "counts": _counts,
    "protein": _protein,
    "outcome": _outcome,
    "panels": _panels,
}
