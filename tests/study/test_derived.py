"""A study whose file asks for every derived variable: each is a block, and any of its columns a target."""

from __future__ import annotations

import tomllib
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mudata
import numpy as np
import pandas as pd
import pytest

from genoxel.core.errors import SettingsError
from genoxel.io.interop import from_mudata
from genoxel.omics.axes import AXES
from genoxel.omics.derive import DeriveSettings
from genoxel.omics.signatures import KINDS
from genoxel.omics.variants import is_germline
from genoxel.study.assay import WHOLE, assess
from genoxel.study.check import check
from genoxel.study.molecular import Molecular, read_molecular
from genoxel.study.run import run
from genoxel.study.steps.cohort import cuts_of
from genoxel.study.steps.cutoffs import cutoffs_of
from genoxel.study.steps.who import enter
from genoxel.study.study import Study

N = 40
PEOPLE = [f"P{number:02d}" for number in range(1, N + 1)]
CHANGED = "P07"
MUTANT, BASAL = PEOPLE[:16], PEOPLE[:20]
BAD, LONELY = "P39", "P40"
TEXT = """
[study]
name = "derived"
[cohort]
table = "clinical.csv"
patient = "id"
clinical = ["age"]
[io.images]
features = "features.csv"
[omics]
build = "hg19"
mutations = "calls.maf"
profiled = "profiled.txt"
megabases = 2.0
copynumber = { segments = "x.seg", genes = "loci.bed" }
expression = { file = "counts.tsv", unit = "counts", normalise = "size_factors" }
genesets = { file = "sets.gmt", method = "zmean", smallest = 3 }
[omics.derive]
drivers = ["EGFR", "KRAS"]
events = { codel = "1p and 19q arm loss", "7/10" = "7 gain and 10 loss", band = "9p21 loss", p16 = "CDKN2A deleted" }
vaf = { genes = ["EGFR"], min_depth = 10, fewest = 3 }
msi = { repeat = 5 }
signatures = { file = "sbs.tsv", fewest = 20 }
immune = { markers = "markers.gmt", cells = "cells.tsv" }
axes = { names = ["proliferation", "own axis"], file = "axis.gmt" }
subtypes = { types = "centroids.csv" }
scores = { recurrence-like = "weights.csv" }
metagenes = { count = 3, genes = 40, of = ["G2", "G40"] }
network = { edges = "edges.csv" }
receptors = { er = "er", pr = "pr", her2 = "her2", ki67 = "ki67" }
cutoffs = { "PD-L1 TPS" = "pdl1" }
polygenic = { dosages = "dosages.csv", alleles = "alleles.csv", weights = "prs.csv" }
series = { file = "ctdna.csv", date = "drawn", values = ["ctDNA"], image = "ct_date", max_days = 10 }
glioma = { idh = "IDH", codeletion = "codel", grade = "grade" }
[omics.quality]
file = "quality.csv"
rules = { purity = { least = 0.2 }, call_rate = { least = 0.9 } }
batch = "batch"
exclude = ["rules"]
[target.basal]
score = "types"
positive = ["Basal"]
[target.proliferating]
score = "proliferation"
cut = "median"
[target.PDL1]
score = "pdl1"
cut = "PD-L1 TPS"
positive = ["1 to 49 %", "50 % or more"]
[target.only_EGFR]
score = "EGFR only"
cut = 0.5
[target.IDH]
column = "idh"
[target.codel]
rule = "1p and 19q arm loss"
[report]
export = ["h5mu"]
[associate]
against = ["drivers", "events", "types", "polygenic"]
adjust = []
correct = { permutations = 0 }
[learn]
targets = ["basal", "proliferating"]
primary = { features = "genesets", model = "ridge" }
compare = ["prevalence", "metagenes", "expression", "types"]
validate = { outer = 3, inner = 2, repeats = 1, permutations = 3 }
"""


def _write(path: Path, header: str, rows: list[str]) -> None:
    path.write_text("\n".join([header, *rows]) + "\n")


def _calls(random: np.random.Generator) -> list[str]:
    """Return mutations: half of each tumour's single substitutions are C>A in ACA, the others T>G in TTT."""
    rows = []
    for one in PEOPLE[:36]:

        def call(gene: str, kind: str, ref: str, alt: str, context: str, who: str = one, fraction: float = 0.3) -> str:
            alts = round(100 * fraction)
            cells = (gene, "GRCh37", "Missense_Mutation", kind, ref, ref, alt, who, "p.A1B", str(100 - alts), str(alts))
            return "\t".join((*cells, context))

        rows += [call(f"X{at}", "SNP", "C", "A", "TACAT", fraction=random.uniform(0.1, 0.5)) for at in range(15)]
        rows += [call(f"Y{at}", "SNP", "T", "G", "ATTTA", fraction=random.uniform(0.1, 0.5)) for at in range(15)]
        if one in MUTANT:
            rows.append(call("EGFR", "SNP", "C", "A", "TACAT", fraction=0.4))
        if one in PEOPLE[12:20]:
            rows.append(call("KRAS", "SNP", "C", "A", "TACAT"))
        if one in PEOPLE[:3]:
            rows += [call(f"R{at}", "DEL", "A", "-", "GCAAAAAAAGC") for at in range(10)]
    return rows


def _expression(folder: Path, random: np.random.Generator) -> None:
    axis = list(AXES["proliferation"])
    genes = [*axis, "GZMA", "PRF1", "CD8A", *(f"G{at}" for at in range(60))]
    basal = np.array([one in BASAL for one in PEOPLE])
    rate = random.gamma(5, 60, size=(len(genes), 1)) * np.exp(random.normal(0, 0.3, size=(len(genes), N)))
    rate[:11] *= np.where(np.arange(N) % 2, 3.0, 1.0)
    rate[14:24] *= np.where(basal, 4.0, 1.0)  # G0 to G9 go up in the basal ones
    rate[24:34] *= np.where(basal, 1.0, 4.0)
    rate[:, -1] = random.permutation(rate[:, -1])  # the sample of P40 is another tissue
    counts = random.poisson(rate * random.uniform(0.5, 2.0, size=N)) + 1
    lines = ["\t".join([gene, *map(str, row)]) for gene, row in zip(genes, counts.tolist(), strict=True)]
    _write(folder / "counts.tsv", "\t".join(["gene", *PEOPLE]), lines)
    up, down = [f"G{at}" for at in range(10)], [f"G{at}" for at in range(10, 20)]
    (folder / "sets.gmt").write_text("UP\tx\t" + "\t".join(up) + "\nDOWN\tx\t" + "\t".join(down) + "\n")
    (folder / "markers.gmt").write_text("mine\tx\tG1\tG2\n")
    (folder / "axis.gmt").write_text("own axis\tx\tG3\tG4\n")
    centroids = [f"{gene},1,-1" for gene in up] + [f"{gene},-1,1" for gene in down]
    _write(folder / "centroids.csv", "gene,Basal,Luminal", centroids)
    _write(folder / "weights.csv", "gene,weight", [f"{gene},0.5" for gene in up])
    _write(folder / "cells.tsv", "gene\tT\tB", [f"G{at}\t{10 * (at < 10)}\t{10 * (at >= 10)}" for at in range(20)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("derived")
    random = np.random.default_rng(11)
    (place / "study.toml").write_text(TEXT)
    clinical = []
    for at, one in enumerate(PEOPLE):
        her2 = ("0", "1+", "2+", "3+")[at % 4]
        words = ("mut" if at % 2 else "wt", "II" if at % 3 else "IV", "pos" if at % 2 else "neg", "neg", her2, 30)
        clinical.append(",".join(map(str, (one, 40 + at, *words, at % 5, "2024-03-01", "ab"[at % 2]))))
    _write(place / "clinical.csv", "id,age,idh,grade,er,pr,her2,ki67,pdl1,ct_date,batch", clinical)
    rows = [f"{one},{random.normal() + (one in BASAL)!r},{random.normal()!r}" for one in PEOPLE]
    _write(place / "features.csv", "patient,sphericity,energy", rows)
    head = "Hugo_Symbol NCBI_Build Variant_Classification Variant_Type Reference_Allele Tumor_Seq_Allele1 "
    head += "Tumor_Seq_Allele2 Tumor_Sample_Barcode HGVSp_Short t_ref_count t_alt_count CONTEXT Mutation_Status"
    calls = [f"{row}\tSomatic" for row in _calls(random)]
    calls += [f"{calls[0].replace('X0', 'BRCA1').replace('P01', one)[:-7]}GERMLINE" for one in PEOPLE[30:32]]
    _write(place / "calls.maf", "\t".join(head.split()), calls)
    (place / "profiled.txt").write_text("\n".join(PEOPLE[:38]) + "\n")
    spans = {"1": (1, 125000000), "19": (26500001, 59128983), "7": (1, 159138663), "10": (1, 135534747)}
    spans["9"] = (19900001, 33200000)
    changed = {"1": -0.8, "19": -0.8, "7": 0.6, "10": -0.8, "9": -1.5}
    whom = {"1": PEOPLE[:10], "19": PEOPLE[:12], "7": PEOPLE[20:30], "10": PEOPLE[20:25], "9": PEOPLE[:5]}
    seg = [
        f"{one}\t{name}\t{span[0]}\t{span[1]}\t9\t{changed[name] * (one in whom[name])}"
        for one in PEOPLE[:39]
        for name, span in spans.items()
    ]
    _write(place / "x.seg", "ID\tchrom\tloc.start\tloc.end\tnum.mark\tseg.mean", seg)
    (place / "loci.bed").write_text("chr9\t21967751\t21994490\tCDKN2A\n")
    _expression(place, random)
    shares = {kind: [float(kind == "A[C>A]A"), float(kind == "T[T>G]T"), 1 / 96] for kind in KINDS}
    _write(place / "sbs.tsv", "Type\tSBSa\tSBSb\tflat", [f"{k}\t{a}\t{b}\t{c}" for k, (a, b, c) in shares.items()])
    _write(place / "edges.csv", "one,other", ["EGFR,KRAS", "KRAS,BRAF"])
    _write(place / "dosages.csv", "sample,rs1,rs2", [f"{one},{at % 3},{2 - at % 3}" for at, one in enumerate(PEOPLE)])
    _write(place / "alleles.csv", "variant,ref,counted", ["rs1,A,G", "rs2,C,T"])
    _write(place / "prs.csv", "variant,effect,other,weight", ["rs1,G,A,0.5", "rs2,C,T,1.0"])
    drawn = [(one, day, value) for one in PEOPLE[:10] for day, value in (("2024-02-26", 8.0), ("2024-05-01", 1.0))]
    drawn.append((PEOPLE[10], "2024-04-20", 3.0))
    _write(place / "ctdna.csv", "patient,drawn,ctDNA", [",".join(map(str, row)) for row in drawn])
    _write(place / "quality.csv", "id,purity", [f"{one},{0.1 if one == BAD else 0.8}" for one in PEOPLE])
    return place


@pytest.fixture(scope="module")
def molecular(folder: Path) -> Molecular:
    return read_molecular(Study.read(folder / "study.toml"))


def _values(molecular: Molecular, block: str, column: str) -> dict[str, float]:
    table = molecular.tables[block]
    return dict(zip(table.patients, table[column].tolist(), strict=True))


def _words(molecular: Molecular, block: str, column: str) -> dict[str, str]:
    levels = molecular.tables[block].column(column).levels
    return {who: levels[int(v)] for who, v in _values(molecular, block, column).items() if not np.isnan(v)}


def test_every_key_makes_its_block(molecular: Molecular) -> None:
    asked = {"drivers", "events", "vaf", "msi", "signatures", "immune", "axes", "types", "recurrence-like", "metagenes"}
    asked |= {"network", "receptors", "cutoffs", "polygenic", "series", "glioma", "genesets", "burden", "copynumber"}
    asked |= {"named_metagenes"}
    assert set(molecular.tables) == asked
    for table in molecular.tables.values():
        assert all(column.definition or column.unit for column in table.columns), table
    assert set(molecular.recipes) == {
        *("expression", "genesets", "axes", "types", "recurrence-like", "metagenes", "polygenic", "immune"),
        "named_metagenes",
    }


@pytest.fixture(scope="module")
def others(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Molecular:
    """The same study in which everything molecular of one patient is another's or multiplied."""
    import shutil

    place = tmp_path_factory.mktemp("others") / "study"
    shutil.copytree(folder, place, ignore=shutil.ignore_patterns("results", ".genoxel*"))
    counts = pd.read_csv(place / "counts.tsv", sep="\t", index_col=0)
    counts[CHANGED] = (counts[CHANGED].to_numpy()[::-1] * 7) + 100
    counts.to_csv(place / "counts.tsv", sep="\t")
    for name, sep in (
        ("clinical.csv", ","),
        ("dosages.csv", ","),
        ("ctdna.csv", ","),
        ("x.seg", "\t"),
        ("calls.maf", "\t"),
    ):
        lines = (place / name).read_text().splitlines()
        keep = [line for line in lines if CHANGED not in line.split(sep)]
        new = [line for line in lines if CHANGED in line.split(sep)]
        other = [line.replace("P30", CHANGED) for line in lines if "P30" in line.split(sep)]
        assert new, name
        _write(place / name, keep[0], [*keep[1:], *other])
    return read_molecular(Study.read(place / "study.toml"))


BLOCKS = DeriveSettings.model_validate(tomllib.loads(TEXT)["omics"]["derive"]).blocks


@pytest.mark.parametrize("block", [*BLOCKS, "expression", "genesets"])
def test_another_patient_changes_no_row_that_a_fold_makes_without_it(
    block: str, molecular: Molecular, others: Molecular
) -> None:
    """For every key: what is fixed changes for nobody else, and what is learned is the same without the patient."""
    found = []
    for one in (molecular, others):
        recipe = one.recipes.get(block)
        table = one.expression if block == "expression" else one.tables[block]
        assert table is not None
        rest = [who for who in table.patients if who != CHANGED]
        if recipe is not None:
            training = recipe.raw.of_patients(rest[::2])
            table = recipe.taught(training).transform(recipe.raw)
        found.append(table.of_patients(rest))
    assert len(found[0]) >= 9
    assert (found[0].rows, found[0].names) == (found[1].rows, found[1].names)
    np.testing.assert_array_equal(found[0].values, found[1].values)


def test_every_key_of_derive_is_checked_for_what_it_learns() -> None:
    asked = DeriveSettings.model_validate(tomllib.loads(TEXT)["omics"]["derive"])
    assert set(asked.keys) == set(DeriveSettings.model_fields)


@pytest.mark.parametrize("block", ["expression", "genesets", "axes", "types", "recurrence-like", "immune", "polygenic"])
def test_the_table_of_all_samples_would_have_leaked(block: str, molecular: Molecular, others: Molecular) -> None:
    """The check above can fail: what all samples teach does change for others (polygenic: no dosage misses)."""
    tables = [one.expression if block == "expression" else one.tables[block] for one in (molecular, others)]
    rest = [who for who in PEOPLE if who != CHANGED]
    same = np.array_equal(*(table.of_patients(rest).values for table in tables if table is not None))
    assert same == (block == "polygenic")


LEARNED = {
    "a gene's module, at the median": 'score = "metagene of G2"\ncut = "median"',
    "a gene's module, at a number": 'score = "metagene of G40"\ncut = 0.0',
    "a subtype": 'score = "types"\npositive = ["Basal"]',
    "an axis of normalised counts": 'score = "proliferation"\ncut = "median"',
    "a gene set": 'score = "UP"\ncut = 0.0',
}


@pytest.mark.parametrize("target", LEARNED)
def test_another_patient_changes_no_label_that_a_fold_gives_without_it(
    target: str, folder: Path, molecular: Molecular, others: Molecular
) -> None:
    """Everything molecular of one patient is another's: the others' labels in a fold without it stay bit for bit."""
    path = folder / "labels.toml"
    path.write_text(f"{TEXT}\n[target.fresh]\n{LEARNED[target]}\n")
    study = Study.read(path)
    path.unlink()
    who = enter(study, PEOPLE)
    measured = PEOPLE[:38]
    train = np.array([at for at, one in enumerate(measured) if one != CHANGED and at % 3], dtype=np.intp)
    rest = np.array([at for at, one in enumerate(measured) if one != CHANGED], dtype=np.intp)
    found = [cuts_of(study, who, one, measured)["fresh"].labels(train)[rest] for one in (molecular, others)]
    np.testing.assert_array_equal(found[0], found[1])
    assert set(found[0].tolist()) == {0.0, 1.0}


def test_the_module_of_a_gene_over_all_samples_would_have_leaked(molecular: Molecular, others: Molecular) -> None:
    rest = [who for who in PEOPLE if who != CHANGED]
    tables = [one.tables["named_metagenes"].of_patients(rest).values for one in (molecular, others)]
    assert not np.array_equal(*tables)


def test_a_numbered_metagene_is_not_predicted(folder: Path) -> None:
    path = folder / "numbered.toml"
    numbered = '\n[target.module]\nscore = "metagene 2"\ncut = "median"\n'
    path.write_text(TEXT.replace('"proliferating"]', '"proliferating", "module"]') + numbered)
    study = Study.read(path)
    found = [one for one in check(study).problems if one.where == "target.module"]
    assert any('"metagene of GENE"' in one.legal for one in found)
    with pytest.raises(SettingsError, match=r"\[target.module\], which \[learn\] would predict"):
        cuts_of(study, enter(study, PEOPLE), read_molecular(study), PEOPLE[:38])
    path.write_text(TEXT + numbered)  # not among the targets of [learn]: the association map may hold it
    study = Study.read(path)
    path.unlink()
    assert "module" in cuts_of(study, enter(study, PEOPLE), read_molecular(study), PEOPLE[:38])
    assert not [one for one in check(study).problems if one.where == "target.module"]


def test_a_glioma_class_of_a_learned_target_is_refused(folder: Path) -> None:
    text = TEXT.replace('idh = "IDH", codel', 'idh = "basal", codel')
    (folder / "learned.toml").write_text(text)
    with pytest.raises(SettingsError, match="learned from the cohort"):
        read_molecular(Study.read(folder / "learned.toml"))
    (folder / "learned.toml").unlink()


def test_mutations_become_groups_fractions_and_signatures(molecular: Molecular) -> None:
    groups = _words(molecular, "drivers", "driver group")
    assert [one for one, word in groups.items() if word == "EGFR only"] == PEOPLE[:12]
    assert [one for one, word in groups.items() if word == "several"] == PEOPLE[12:16]
    assert [one for one, word in groups.items() if word == "KRAS only"] == PEOPLE[16:20]
    assert groups[PEOPLE[37]] == "none"
    assert "P39" not in groups  # never sequenced
    assert _values(molecular, "vaf", "EGFR VAF")["P01"] == pytest.approx(0.4)
    assert _values(molecular, "vaf", "MATH")["P01"] > 0
    assert _values(molecular, "msi", "repeat indels")["P01"] == 5.0  # 10 in 2 Mb
    assert _values(molecular, "msi", "repeat indels")["P05"] == 0.0
    shares = molecular.tables["signatures"].select(["SBSa", "SBSb"]).of_patients(["P36"]).values
    np.testing.assert_allclose(shares, [[0.5, 0.5]], atol=1e-9)
    spread = _values(molecular, "network", "BRAF network")
    assert spread["P17"] > spread["P01"] > spread["P36"] == 0.0  # KRAS is a neighbour of BRAF, EGFR one step further


def test_copies_become_events(molecular: Molecular) -> None:
    truth = {"codel": PEOPLE[:10], "7/10": PEOPLE[20:25], "band": PEOPLE[:5], "p16": PEOPLE[:5]}
    for name, whom in truth.items():
        found = _values(molecular, "events", name)
        assert [one for one, value in found.items() if value == 1.0] == whom
        assert sum(value == 0.0 for value in found.values()) == 39 - len(whom)


def test_expression_becomes_subtypes_scores_and_modules(molecular: Molecular) -> None:
    types = _words(molecular, "types", "types")
    assert sum((types.get(one) == "Basal") == (one in BASAL) for one in PEOPLE[:39]) >= 38
    expression = molecular.expression
    assert expression is not None
    up = expression.select([f"G{at}" for at in range(10)]).values
    np.testing.assert_allclose(molecular.tables["recurrence-like"]["recurrence-like"], 0.5 * up.sum(axis=1))
    np.testing.assert_allclose(molecular.tables["axes"]["own axis"], (expression["G3"] + expression["G4"]) / 2)
    assert {"cytolytic activity", "mine", "CD8 T cells", "T", "B"} <= set(molecular.tables["immune"].names)
    basal = np.array([one in BASAL for one in PEOPLE])
    related = [abs(np.corrcoef(molecular.tables["metagenes"].values[:, at], basal)[0, 1]) for at in range(3)]
    assert max(related) > 0.9
    assert any("stability" in note for note in molecular.notes)


def test_clinical_columns_germline_and_series(molecular: Molecular) -> None:
    subtype = _words(molecular, "receptors", "IHC subtype")
    assert (subtype["P01"], subtype["P02"], subtype["P04"]) == ("triple-negative", "luminal B", "luminal B HER2")
    assert "P03" not in subtype  # HER2 2+ without in-situ hybridisation
    assert _words(molecular, "cutoffs", "PD-L1 TPS class")["P01"] == "below 1 %"
    score = _values(molecular, "polygenic", "polygenic score")
    assert [score[one] for one in PEOPLE[:3]] == [0.0, 1.5, 3.0]  # rs2 counts the other allele: turned round
    near, fell = _values(molecular, "series", "ctDNA"), _values(molecular, "series", "ctDNA response")
    assert (near["P01"], fell["P01"]) == (8.0, 1.0)
    assert np.isnan(near["P11"])  # 50 days from the image
    classes = _words(molecular, "glioma", "WHO 2021 class")
    assert classes["P02"].startswith("oligodendroglioma")
    assert classes["P12"] == "astrocytoma, IDH-mutant"
    assert _words(molecular, "glioma", "WHO 2021 grade")["P01"] == "4"


def test_the_study_runs_from_files_to_report(folder: Path) -> None:
    study = Study.read(folder / "study.toml")
    found = check(study, workers=1)
    assert [str(problem) for problem in found.errors] == []
    assert any(problem.where == "omics.quality.rules" and BAD in problem.got for problem in found.warnings)
    assert any(problem.where == "omics.quality.outliers" and LONELY in problem.got for problem in found.warnings)
    result = run(study, workers=1)
    assert not result.failed
    assert set(result.maps) == {"drivers", "events", "types", "polygenic"}
    tables = folder / "results" / "tables"
    targets = pd.read_csv(tables / "targets_table.csv").set_index("patient")
    assert BAD not in targets.index
    assert LONELY in targets.index  # listed, not excluded
    assert targets["PDL1"].value_counts().to_dict() == {"1 to 49 % or 50 % or more": 31, "below 1 %": 8}
    assert targets["proliferating"].value_counts().to_dict() == {"high": 20, "low": 19}
    assert set(targets.index[targets["only_EGFR"] == "high"]) == set(PEOPLE[:12])
    assert "What hangs on the cut-off" in (folder / "results" / "report.html").read_text(encoding="utf-8")
    quality = pd.read_csv(tables / "assay_quality.csv")
    assert quality[["patient", "check", "done"]].to_numpy().tolist() == [
        [BAD, "rules", "left out"],
        [LONELY, "outliers", "listed"],
    ]
    basal = next(one for one in result.targets if one.target == "basal")
    assert basal.primary is not None
    assert any("genesets: learned from the training rows" in note for note in basal.primary.notes)
    assert any("Each fold learns types and its classes" in note for note in basal.notes)
    page = (folder / "results" / "report.html").read_text(encoding="utf-8")
    assert "Assay quality" in page
    assert "purity 0.1 below 0.2" in page
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # mudata speaks of its own next version
        with_file: Any = mudata.read_h5mu(folder / "results" / "export" / "cohort.h5mu")
    assert "types" in with_file.mod
    assert "polygenic" not in with_file.mod  # germline stays at home unless shared by word
    assert not list(tables.glob("polygenic*"))
    assert "polygenic score" not in (tables / "data_dictionary.csv").read_text()
    assert "germline" not in {str(one).casefold() for one in from_mudata(with_file).records["variants"]["origin"]}
    assert "2 germline calls of 2 patients (BRCA1)" in page
    again = read_molecular(Study.read(folder / "study.toml"))
    assert again.germline == ("variants", "polygenic")
    assert again.variants is not None
    assert int(is_germline(again.variants).sum()) == 2
    (folder / "shared.toml").write_text(
        TEXT.replace("[omics]", "[omics]\nshare_germline = true").replace('"prs.csv" }', '"prs.csv", share = true }')
    )
    assert read_molecular(Study.read(folder / "shared.toml")).germline == ()
    (folder / "shared.toml").unlink()


def test_leaving_out_outliers_says_that_the_whole_cohort_judged_them(folder: Path) -> None:
    path = folder / "outliers.toml"
    for named, done in (('["rules"]', False), ('["rules", "outliers"]', True)):
        path.write_text(TEXT.replace('exclude = ["rules"]', f"exclude = {named}"))
        study = Study.read(path)
        found = assess(study, enter(study, PEOPLE), read_molecular(study))
        assert (WHOLE in found.notes) == done
        assert (LONELY in found.excluded) == done
        assert LONELY in found.found["outliers"]
    path.unlink()


def test_the_cutoffs_beside_the_one_in_use_are_shown_with_who_and_how_well(folder: Path) -> None:
    study = Study.read(folder / "study.toml")
    who = enter(study, PEOPLE)
    values = {one: float(at % 5) for at, one in enumerate(PEOPLE)}  # the column pdl1
    scores = np.array([values[one] for one in PEOPLE])
    told = {"patient": np.array(PEOPLE * 2), "repeat": np.repeat([0, 1], N), "score": np.r_[scores, -scores]}
    primary: Any = SimpleNamespace(predictions=told)
    result: Any = SimpleNamespace(target="PDL1", primary=primary)
    found = cutoffs_of(study, who, read_molecular(study), PEOPLE, [result])
    rows = {(one.target, one.limit): one for one in found}
    used = rows["PDL1", 1.0]  # below 1 % against the rest
    assert (used.what, used.n, used.positive) == ("used", 40, 32)
    assert used.auc == pytest.approx(0.5)  # 1 in one repeat, 0 in the other
    assert (rows["PDL1", 50.0].what, rows["PDL1", 50.0].positive) == ("named", 0)
    assert np.isnan(rows["PDL1", 50.0].auc)
    median = [one for one in found if one.target == "proliferating"]
    assert [one.positive for one in median] == [24, 20, 16]
    assert [one.what.split()[2] if " " in one.what else one.what for one in median] == ["more", "used", "fewer"]
