"""Molecular files agree with each other and with the truth, read by plain code and by our readers."""

from __future__ import annotations

import csv
import json
import re
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from genoxel.io.cn_segments import read_segments
from genoxel.io.fusions import read_fusions
from genoxel.io.maf import read_maf
from genoxel.io.vcf import read_vcf
from genoxel.omics.variants import status_table
from genoxel.simulate import Course, Omics, SimulationSpec, simulate
from genoxel.simulate.genes import DRIVERS
from genoxel.simulate.molecular import _counts, write_molecular
from genoxel.simulate.outcomes import draw_outcomes
from genoxel.simulate.plan import draw_people
from genoxel.simulate.tables import assay_of, draw_calls, purity_of, write_tables

FILES = ("vcf", "segments", "fusions", "methylation", "counts", "protein", "ctdna", "outcome", "panels", "messy")
AMINO = {
    "Ala": "A",
    "Arg": "R",
    "Asn": "N",
    "Asp": "D",
    "Cys": "C",
    "Gln": "Q",
    "Glu": "E",
    "Gly": "G",
    "His": "H",
    "Ile": "I",
    "Leu": "L",
    "Lys": "K",
    "Met": "M",
    "Phe": "F",
    "Pro": "P",
    "Ser": "S",
    "Thr": "T",
    "Trp": "W",
    "Tyr": "Y",
    "Val": "V",
}
SPEC = SimulationSpec(
    n=16,
    effects=("EGFR:adc:1", "PTEN:none", "TP53:none"),
    prevalence={"EGFR": 0.5, "PTEN": 0.5, "TP53": 0.5},
    shape=(48, 48, 12),
    seed=3,
    also=("dwi",),
    module="texture:0.8",
    omics=Omics(files=FILES, missing={"imaging": 0.25, "mutations": 0.25, "expression": 0.125, "outcome": 0.25}),
    course=Course(points=3, clones=1, biopsies=2),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return simulate(SPEC, tmp_path_factory.mktemp("omics") / "c")


@pytest.fixture(scope="module")
def truth(folder) -> dict:
    return json.loads((folder / "truth.json").read_text())


def test_vcf_and_maf_hold_the_same_calls(folder):
    maf = pd.read_csv(folder / "mutations.maf", sep="\t", comment="#", dtype=str)
    columns = ["Tumor_Sample_Barcode", "Chromosome", "Start_Position", "Reference_Allele", "Tumor_Seq_Allele2"]
    columns += ["t_alt_count", "t_depth", "n_depth"]
    expected = set(maf[columns].itertuples(index=False, name=None))
    found = set()
    for path in (folder / "vcf").glob("*.vcf"):
        for line in path.read_text().splitlines():
            if not line.startswith("#"):
                fields = line.split("\t")
                (_, reads, depth), (_, _, normal) = (sample.split(":") for sample in fields[9:])
                found.add((path.stem, *fields[:2], *fields[3:5], reads.split(",")[1], depth, normal))
    assert found == expected
    profiled = (folder / "profiled.txt").read_text().split()
    assert {path.stem for path in (folder / "vcf").glob("*.vcf")} == set(profiled)
    for path in (folder / "vcf").glob("*.vcf"):
        records = read_vcf(path)
        mine = maf[maf["Tumor_Sample_Barcode"] == path.stem]
        carried = np.array([row.patient for row in records.rows]) == path.stem
        assert sorted(records.fields["gene"][carried]) == sorted(mine["Hugo_Symbol"])
        short = [
            re.sub("[A-Z][a-z]{2}", lambda name: AMINO[name[0]], text) for text in records.fields["protein"][carried]
        ]
        assert sorted(short) == sorted(mine["HGVSp_Short"])


def test_vcf_and_maf_give_the_same_matrix(folder, truth):
    profiled = (folder / "profiled.txt").read_text().split()
    genes = ["EGFR", "PTEN", "TP53"]
    table = status_table(read_maf(folder / "mutations.maf", profiled=profiled), genes, patients=profiled)
    for place, name in enumerate(profiled):
        one = status_table(read_vcf(folder / "vcf" / f"{name}.vcf", profiled=[name]), genes, patients=[name])
        assert one.values[0].tolist() == table.values[place].tolist()
    exome = [truth["molecular"]["panels"]["assay"][name] == "exome" for name in profiled]
    for place, gene in enumerate(genes):
        said = [truth["patients"][name]["genotype"][gene] == "mutant" for name in profiled]
        assert table.values[exome, place].astype(bool).tolist() == list(np.array(said)[exome])


def test_hotspots_lie_where_real_tumours_have_them(real_data):
    """Place and bases of the seven hotspots that TCGA's leukaemias (GRCh37) have as well, by their protein change."""
    blood = pd.read_csv(real_data("genomics/maftools/tcga_laml.maf.gz"), sep="\t", comment="#", dtype=str)
    names = ["Chromosome", "Start_Position", "Reference_Allele", "Tumor_Seq_Allele2"]
    by_protein = set()
    for gene, driver in DRIVERS.items():
        for spot in driver.hotspots:
            expected = (driver.chromosome, str(spot.position), spot.ref, spot.alt)
            same = blood[(blood["Hugo_Symbol"] == gene) & (blood["Protein_Change"] == spot.protein)]
            found = set(same[names].itertuples(index=False, name=None))
            assert found <= {expected}, (gene, spot.protein)
            by_protein |= {spot.protein} if found else set()
    assert {"p.R132H", "p.R132C", "p.R132S", "p.R132G", "p.R248Q", "p.G12D", "p.G12V"} <= by_protein


def test_fusions_and_segments_are_read_as_told(folder, truth, tmp_path):
    spec = replace(SPEC, n=200, course=Course(), shape=None, omics=Omics(files=("fusions",)))
    from genoxel.simulate.molecular import _fusions

    people = draw_people(spec)
    told = _fusions(spec, people, [], tmp_path)
    records = read_fusions(tmp_path / "fusions.tsv")
    pairs = zip(records.rows, records["gene1"], records["gene2"], strict=True)
    assert {row.patient: f"{one}-{other}" for row, one, other in pairs} == told
    assert 0.03 < len(told) / 200 < 0.14
    segments = read_segments(folder / "segments.seg", "hg19")
    assert {row.patient for row in segments.rows} == set(truth["molecular"]["segments"])


def test_proteins_follow_the_module_and_fall_where_their_gene_is_mutated():
    spec = SimulationSpec(n=400, module="texture:0.8", effects=("IDH1:none", "TP53:none"), seed=2)
    from genoxel.simulate.molecular import _protein

    people = draw_people(spec)
    with tempfile.TemporaryDirectory() as place:
        _protein(spec, people, [], Path(place))
        table = pd.read_csv(Path(place, "protein.tsv"), sep="\t", index_col=0)
    latent = np.array([person.latent["texture"] for person in people])
    assert np.corrcoef(table["VEGFA"], latent)[0, 1] == pytest.approx(0.8 * np.sqrt(0.5), abs=0.1)
    for gene in ("IDH1", "TP53"):
        mutant = np.array([person.genotype[gene] for person in people])
        assert table.loc[mutant, gene].mean() - table.loc[~mutant, gene].mean() == pytest.approx(-0.8, abs=0.3)
        assert abs(np.corrcoef(table[gene], latent)[0, 1]) < 0.15


def test_allele_shares_follow_purity_and_clones(folder, truth):
    spec = SimulationSpec(
        n=300, effects=("EGFR:adc:1", "TP53:none"), also=("dwi",), course=Course(clones=1), omics=Omics(files=("vcf",))
    )
    people = {person.name: person for person in draw_people(spec)}
    trunk, branch = [], []
    for call in draw_calls(spec, list(people.values())):
        if call.gene in ("TP53", "EGFR") and call.variant.classification != "Silent":
            ratio = call.alt / call.depth / (purity_of(spec, people[call.patient]) / 2)
            (trunk if call.gene == "TP53" else branch).append(ratio)
    assert np.mean(trunk) == pytest.approx(1, abs=0.05)
    assert np.mean(branch) == pytest.approx(0.5, abs=0.06)


def test_segments_are_the_copies_told_diluted_by_purity(folder, truth):
    rows = list(csv.DictReader((folder / "segments.seg").read_text().splitlines(), delimiter="\t"))
    told = truth["molecular"]["segments"]
    assert {row["ID"] for row in rows} == set(told)
    checked = 0
    for name, one in told.items():
        for chromosome, start, end, copies in one["events"]:
            inside = [
                row
                for row in rows
                if row["ID"] == name and row["chrom"] == chromosome
                and start * 1e6 <= float(row["loc.start"]) and float(row["loc.end"]) <= end * 1e6
            ]  # fmt: skip
            expected = np.log2(max(one["purity"] * copies + (1 - one["purity"]) * 2, 0.05) / 2)
            assert any(abs(float(row["seg.mean"]) - expected) < 0.2 for row in inside)
            checked += 1
    assert checked > 5
    ends = {(row["ID"], row["chrom"]): 0 for row in rows}
    for row in rows:  # no gaps, no overlaps
        assert int(row["loc.start"]) == ends[row["ID"], row["chrom"]] + 1
        ends[row["ID"], row["chrom"]] = int(row["loc.end"])


def test_missing_blocks_have_their_share_and_leave_nothing(folder, truth):
    lacking = {name: set(one.get("missing", [])) for name, one in truth["patients"].items()}
    for block, count in (("imaging", 4), ("mutations", 4), ("expression", 2), ("outcome", 4)):
        assert sum(block in one for one in lacking.values()) == count
    imaged = {path.name for path in (folder / "dicom").iterdir()}
    assert imaged == {name for name, one in lacking.items() if "imaging" not in one}
    outcome = pd.read_csv(folder / "outcome.csv")
    assert set(outcome["patient"]) == {name for name, one in lacking.items() if "outcome" not in one}
    called = set(pd.read_csv(folder / "mutations.maf", sep="\t", comment="#")["Tumor_Sample_Barcode"])
    assert not called & {name for name, one in lacking.items() if "mutations" in one}


def test_methylation_tells_mutants_of_the_first_gene(folder, truth):
    betas = pd.read_csv(folder / "methylation.tsv", sep="\t", index_col=0)
    assert betas.to_numpy().min() >= 0
    assert betas.to_numpy().max() <= 1
    probes = truth["molecular"]["methylation"]["hypermethylated_probes"]
    mean = betas.loc[probes].mean()
    mutant = [truth["patients"][name]["genotype"]["EGFR"] == "mutant" for name in betas.columns]
    assert mean[mutant].min() > mean[np.logical_not(mutant)].max()


def test_counts_hold_a_module_and_a_batch():
    spec = SimulationSpec(n=120, module="texture:0.8", effects=("IDH1:none",), omics=Omics(files=("counts",)), seed=1)
    people = draw_people(spec)
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        _counts(spec, people, [], Path(place))
        counts = pd.read_csv(Path(place, "counts.tsv"), sep="\t", index_col=0)
    assert (counts.to_numpy() >= 0).all()
    logs = np.log2(counts / counts.sum() * 1e6 + 1)
    kept = [person for person in people if person.has_expression]
    latent = np.array([person.latent["texture"] for person in kept])
    module = logs.iloc[:12].mean().to_numpy()
    assert np.corrcoef(module, latent)[0, 1] == pytest.approx(0.75, abs=0.15)
    late = np.array([person.scanner.site == "South" for person in kept])
    shift = logs.loc[:, late].mean(axis=1) - logs.loc[:, ~late].mean(axis=1)
    assert shift.std() > 0.3  # a batch of SD 0.5 per site and gene, so 0.7 between two


def test_ctdna_follows_the_living_mass_and_a_resistant_clone_rises():
    spec = SimulationSpec(
        n=60,
        effects=("EGFR:none",),
        prevalence={"EGFR": 0.9},
        course=Course(points=4, patterns={"response": 1.0}),
        omics=Omics(files=("ctdna",)),
        unknown=0.0,
        seed=2,
    )
    import tempfile

    from genoxel.simulate.molecular import _ctdna

    people = draw_people(spec)
    with tempfile.TemporaryDirectory() as place:
        told = _ctdna(spec, people, draw_calls(spec, people), Path(place))
        rows = pd.read_csv(Path(place, "ctdna.tsv"), sep="\t")
    own = rows[rows["gene"] != "MSH6"].pivot_table(index="patient", columns="day", values="vaf", aggfunc="first")
    falls = own.iloc[:, -1] / own.iloc[:, 0]
    resistant = [told[name]["resistant"] for name in own.index]
    assert falls[np.logical_not(resistant)].median() < 0.3
    assert falls[resistant].median() > 2 * falls[np.logical_not(resistant)].median()
    escaped = rows[rows["gene"] == "MSH6"].groupby("day")["vaf"].median()
    assert escaped.iloc[0] == 0
    assert escaped.is_monotonic_increasing
    first = own.iloc[:, 0]
    volumes = [person.physical("mr")["size"] ** 3 for person in people if person.name in first.index]
    assert stats.spearmanr(first, volumes).statistic > 0.4  # larger tumours shed more, each at a rate of its own


def test_a_panel_calls_nothing_outside_its_genes(folder, truth):
    told = truth["molecular"]["panels"]
    assert set(told["assay"].values()) == {"panel", "exome"}
    maf = pd.read_csv(folder / "mutations.maf", sep="\t", comment="#")
    by_panel = maf["Tumor_Sample_Barcode"].map(told["assay"]) == "panel"
    assert set(maf.loc[by_panel, "Hugo_Symbol"]) <= set(told["genes"])
    assert not set(maf.loc[~by_panel, "Hugo_Symbol"]) <= set(told["genes"])
    people = {person.name: person for person in draw_people(SPEC)}
    assert all(assay_of(SPEC, people[name]) == assay for name, assay in told["assay"].items())


def test_biopsies_come_with_places_and_shares(folder, truth):
    rows = pd.read_csv(folder / "biopsies.csv")
    assert len(rows) == 2 * SPEC.n
    told = {name: one["biopsies"] for name, one in truth["delivered"].items()}
    for row in rows.itertuples():
        one = told[row.patient][int(row.sample.split("-B")[1]) - 1]
        assert [row.x_mm, row.y_mm, row.z_mm] == pytest.approx(one["said_mm"], abs=0.006)
        assert (row.EGFR_vaf > 0) == one["mutated"]["EGFR"]


def test_hazards_and_odds_are_those_stated():
    lifelines = pytest.importorskip("lifelines")
    hazards, odds = [], []
    for seed in range(12):
        spec = SimulationSpec(
            n=400,
            effects=("IDH1:none",),
            prevalence={"IDH1": 0.5},
            links=("IDH1 -> survival HR = 0.4", "IDH1 -> response OR = 3"),
            seed=seed,
        )
        people = draw_people(spec)
        found = draw_outcomes(spec, people)
        mutant = np.array([float(person.genotype["IDH1"]) for person in people])
        table = pd.DataFrame({"days": found.days, "died": found.died, "mutant": mutant})
        hazards.append(lifelines.CoxPHFitter().fit(table, "days", "died").params_["mutant"])
        a, b = found.response[mutant == 1].mean(), found.response[mutant == 0].mean()
        odds.append(np.log(a / (1 - a) / (b / (1 - b))))
    assert np.exp(np.mean(hazards)) == pytest.approx(0.4, rel=0.08)
    assert np.exp(np.mean(odds)) == pytest.approx(3, rel=0.15)


_OTHER = str.maketrans("ACGT", "TGCA")


@pytest.mark.parametrize("gene", DRIVERS)
def test_bases_codons_and_strand_of_every_planted_variant_agree(gene):
    """HGVS arithmetic: c. bases are those of the strand, a codon is three bases, silent ones change its third."""
    driver = DRIVERS[gene]
    strands = set()
    for spot in (*driver.hotspots, driver.silent):
        place, before, after = re.fullmatch(r"c\.(\d+)([ACGT])>([ACGT])", spot.coding).groups()
        assert -(-int(place) // 3) == int(re.search(r"\d+", spot.protein).group()), spot
        assert (spot.classification == "Silent") == (spot is driver.silent) == spot.protein.endswith("=")
        strands.add((before, after) == (spot.ref, spot.alt))
        if not strands <= {True}:
            assert (before, after) == (spot.ref.translate(_OTHER), spot.alt.translate(_OTHER)), spot
    assert len(strands) == 1
    assert int(re.search(r"\d+", driver.silent.coding).group()) % 3 == 0


def test_the_codon_of_every_other_variant_agrees_with_its_protein_change():
    """R to Q is the second base of a codon (CGG to CAG), a silent change of serine the third (TCG to TCA)."""
    spec = SimulationSpec(n=60, seed=1)
    others = [call.variant for call in draw_calls(spec, draw_people(spec)) if call.gene not in DRIVERS]
    for one in others:
        place, residue = (int(re.search(r"\d+", text).group()) for text in (one.coding, one.protein))
        assert -(-place // 3) == residue
        assert place % 3 == (0 if one.classification == "Silent" else 2)
    assert {one.classification for one in others} == {"Silent", "Missense_Mutation"}


def test_pathways_follow_their_traits_in_both_tables_and_leave_the_rest_alone(tmp_path):
    pathways = {"proliferation": "size:0.8", "t-cells": "texture:-0.6", "stroma": "none"}
    spec = SimulationSpec(n=300, effects=("IDH1:none",), seed=4, sites=1, omics=Omics(files=("counts",)))
    made = replace(spec, omics=Omics(files=("counts",), pathways=pathways))
    people = draw_people(made)
    latent = {name: np.array([person.latent[name] for person in people]) for name in ("size", "texture")}
    tables = {}
    for name, one in (("plain", spec), ("made", made)):
        write_tables(one, people, tmp_path / name)
        _counts(one, people, [], tmp_path / name)
        tables[name] = pd.read_csv(tmp_path / name / "expression.tsv", sep="\t", index_col=0)
    counts = pd.read_csv(tmp_path / "made" / "counts.tsv", sep="\t", index_col=0)
    kept = np.array([person.has_expression for person in people])
    rows = [line.split("\t") for line in (tmp_path / "made" / "pathways.gmt").read_text().splitlines()]
    sets = {row[0]: row[2:] for row in rows}
    assert {row[0]: row[1] for row in rows}["t-cells"] == "SIMULATED, follows texture"
    for table in (np.log2(tables["made"] + 1), np.log2(counts / counts.sum() * 1e6 + 1)):
        for name, trait, r in (("proliferation", "size", 0.8), ("t-cells", "texture", -0.6), ("stroma", "size", 0.0)):
            found = np.corrcoef(table.loc[sets[name]].mean(), latent[trait][kept])[0, 1]
            assert found == pytest.approx(0.9 * r, abs=0.12), name  # noise of nine genes is left in their mean
    others = [gene for gene in tables["plain"].index if not any(gene in genes for genes in list(sets.values())[1:])]
    pd.testing.assert_frame_equal(tables["made"].loc[others], tables["plain"].loc[others])
    assert not (tmp_path / "plain" / "pathways.gmt").exists()


@pytest.mark.parametrize("block", ["segments", "protein", "ctdna", "methylation"])
def test_each_block_can_be_missing(block, tmp_path):
    spec = SimulationSpec(
        n=40, effects=("IDH1:none",), unknown=0.0, seed=2, omics=Omics(files=(block,), missing={block: 0.25})
    )
    people = draw_people(spec)
    lacking = {person.name for person in people if block in person.missing}
    write_molecular(spec, people, tmp_path)
    (path,) = tmp_path.iterdir()
    there = set(re.findall(r"SIM-\d+", path.read_text()))
    assert len(lacking) == 10
    assert not there & lacking
    assert len(there) > 20
