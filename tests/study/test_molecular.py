"""A study on ready-made features whose targets and blocks come from every kind of molecular file."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import mudata
import numpy as np
import pandas as pd
import pytest

from genoxel.io.generic_assay import read_generic_assay
from genoxel.io.tables import from_mudata, read_table
from genoxel.study.check import check
from genoxel.study.molecular import read_molecular
from genoxel.study.run import run
from genoxel.study.study import Study
from nouns import same

PEOPLE = [f"P{number:02d}" for number in range(1, 21)]
LOST = set(PEOPLE[:10])
TEXT = """
[study]
name = "codeletion"
[cohort]
table = "clinical.csv"
patient = "id"
[io.images]
features = "features.csv"
[omics]
build = "hg19"
mutations = "calls.maf"
profiled = "profiled.txt"
megabases = 2.0
copynumber = { segments = "x.seg", arms = ["1p", "19q"], genes = "loci.bed" }
fusions = { file = "fusions.txt", profiled = "profiled.txt" }
expression = { file = "expression.tsv", unit = "tpm", transform = "log2+1", damage = "repair" }
genesets = { file = "sets.gmt", method = "ssgsea", smallest = 3 }
methylation = { file = "beta.tsv" }
[omics.tables.protein]
file = "protein.csv"
[omics.ihc]
HER2 = "her2"
[target.HER2]
score = "HER2 class"
[target.codel]
rule = "1p and 19q arm loss"
[target.EGFRamp]
rule = "EGFR amplified"
[target.ALK]
rule = "ALK fusion"
[target.MGMT]
score = "MGMT methylated"
[target.program]
score = "SET_A"
[target.IDH]
gene = "IDH1"
hotspot = ["R132H"]
confirm = "IDH_lab"
[target.IDH_lab]
column = "idh"
positive = ["mut"]
negative = ["wt"]
[report]
export = ["h5mu", "cbioportal"]
[associate]
against = ["targets", "arms", "genesets", "protein", "burden"]
adjust = []
correct = { permutations = 4 }
"""


def _matrix(path: Path, corner: str, names: list[str], values: np.ndarray, sign: str = "\t") -> None:
    lines = [sign.join([corner, *PEOPLE])]
    lines += [sign.join([name, *map(repr, map(float, row))]) for name, row in zip(names, values, strict=True)]
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("molecular")
    random = np.random.default_rng(4)
    (place / "study.toml").write_text(TEXT)
    clinical = ["id,age,idh,sex,her2"]
    for at, one in enumerate(PEOPLE):
        idh, sex = "mut" if at in (0, 1, 2, 3, 9) else "wt", "F" if at % 2 or at == 2 else "M"
        clinical.append(f"{one},{40 + at},{idh},{sex},{('0', '1+', '2+', '3+', '2+ (FISH neg)')[at % 5]}")
    (place / "clinical.csv").write_text("\n".join(clinical) + "\n")
    rows = [f"{one},{float(one in LOST) + random.normal(0, 0.3)!r},{random.normal()!r}" for one in PEOPLE]
    (place / "features.csv").write_text("patient,sphericity,energy\n" + "\n".join(rows) + "\n")
    head = "Hugo_Symbol\tNCBI_Build\tVariant_Classification\tTumor_Sample_Barcode\tHGVSp_Short\n"
    calls = [f"IDH1\tGRCh37\tMissense_Mutation\t{one}\tp.R132H\n" for one in PEOPLE[:5]]
    (place / "calls.maf").write_text(head + "".join(calls) + "1-Sep\tGRCh37\tMissense_Mutation\tP01\tp.A1B\n")
    (place / "profiled.txt").write_text("\n".join(PEOPLE[:18]) + "\n")
    spans = [("1", 1, 125000000), ("19", 26500001, 59128983), ("7", 1, 159138663)]
    seg = "ID\tchrom\tloc.start\tloc.end\tnum.mark\tseg.mean\n"
    for one in PEOPLE[:19]:
        for chromosome, first, last in spans:
            value = 1.5 * (one in PEOPLE[:4]) if chromosome == "7" else -0.8 * (one in LOST)
            seg += f"{one}\t{chromosome}\t{first}\t{last}\t9\t{value}\n"
    (place / "x.seg").write_text(seg)
    (place / "loci.bed").write_text("chr7\t55086713\t55324313\tEGFR\n")
    (place / "fusions.txt").write_text("Sample_Id\tgene1\tgene2\nP02\tEML4\tALK\n")
    genes = [f"G{place}" for place in range(12)]
    values = random.gamma(2, 40, size=(12, 20))
    sexes = np.where(np.arange(20) % 2, 500.0, 0.0)  # XIST of women is high; P03 is listed as a man
    genes[10] = "RPS4Y1"
    values = np.vstack([values, sexes])
    values[10] = 500.0 - sexes
    _matrix(place / "expression.tsv", "gene", [*genes[:11], "44440", "XIST"], values)
    (place / "sets.gmt").write_text("SET_A\tx\tG0\tG1\tG2\nSET_B\tx\tZ1\tZ2\tZ3\n")
    beta = np.where(np.arange(20) < 8, 0.6, 0.02)[None, :] + np.zeros((2, 1))
    _matrix(place / "beta.tsv", "probe", ["cg12434587", "cg12981137"], beta)
    _matrix(place / "protein.csv", "protein", ["EGFR_pY1068"], random.normal(size=(1, 20)), ",")
    return place


def test_every_molecular_file_becomes_a_block_or_a_target(folder: Path) -> None:
    study = Study.read(folder / "study.toml")
    found = check(study, workers=1)
    assert [str(problem) for problem in found.errors] == []
    assert any("SEPTIN1" in problem.got for problem in found.warnings)
    differ = "IDH and IDH_lab contradict each other in 2 patients: P05 (mutant / wild type), P10 (wild type / mutant)"
    assert [problem.got for problem in found.warnings if problem.where == "target.IDH.confirm"] == [differ]
    sexes = [problem.got for problem in found.warnings if problem.where == "omics.expression"]
    assert len(sexes) == 1
    assert sexes[0].startswith("P03: female in the table, male by XIST 0.0 and RPS4Y1 9.0")
    result = run(study, workers=1)
    assert not result.failed
    assert set(result.maps) == {"targets", "arms", "genesets", "protein", "burden"}
    tables = folder / "results" / "tables"
    targets = pd.read_csv(tables / "targets_table.csv").set_index("patient")
    assert set(targets.index[targets["codel"] == "present"]) == LOST
    assert targets["codel"].isna().sum() == 1  # P20 has no segments
    assert set(targets.index[targets["EGFRamp"] == "present"]) == set(PEOPLE[:4])
    assert set(targets.index[targets["ALK"] == "present"]) == {"P02"}
    assert set(targets.index[targets["ALK"].isna()]) == {"P19", "P20"}
    assert set(targets.index[targets["MGMT"] == "methylated"]) == set(PEOPLE[:8])
    assert set(targets.index[targets["IDH"] == "mutant"]) == set(PEOPLE[:5])
    assert targets["HER2"].fillna("open").value_counts().to_dict() == {
        "low": 8,
        "negative": 4,
        "positive": 4,
        "open": 4,
    }
    assert any("ihc: HER2 settles no class in 4 patients: P03 '2+'" in problem.got for problem in found.warnings)
    burden = pd.read_csv(tables / "burden_table.csv").set_index("patient")["TMB"]
    assert burden["P01"] == 1.0  # IDH1 and the repaired SEPTIN1 in 2 Mb
    assert burden["P18"] == 0.0
    assert "P19" not in burden.dropna().index
    assert pd.read_csv(tables / "expression_table.csv").columns[-2] == "SEPTIN1"
    pairs = pd.read_csv(tables / "associations_targets.csv")
    planted = pairs[(pairs["image"] == "sphericity") & (pairs["other"] == "codel")]
    assert planted["q"].item() < 0.05
    exported = read_generic_assay(folder / "results" / "export" / "data_imaging_features.txt")
    features = pd.read_csv(folder / "features.csv", float_precision="round_trip").set_index("patient")
    assert exported.of_patients(features.index)["sphericity"].tolist() == features["sphericity"].tolist()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # mudata speaks of its own next version
        from_file = mudata.read_h5mu(folder / "results" / "export" / "cohort.h5mu")
    assert {"features", "expression", "genesets", "arms"} <= set(from_file.mod)
    assert same(from_mudata(from_file).tables["arms"], read_table(tables / "arms_table.parquet"))
    page = (folder / "results" / "report.html").read_text(encoding="utf-8")
    assert "SEPTIN1" in page
    assert "genesets" in page
    assert differ in page
    counts = pd.read_csv(tables / "genes.csv").set_index("gene")
    assert counts.loc["codel", ["mutant", "wild", "unknown"]].tolist() == [10, 9, 1]
    assert counts.loc["ALK", "unknown"] == 2


def test_a_block_that_is_not_there_is_named(folder: Path, tmp_path: Path) -> None:
    text = TEXT.replace('"expression.tsv"', '"none.tsv"').replace('"x.seg"', '"y.seg"')
    for name in ("clinical.csv", "features.csv", "calls.maf", "profiled.txt", "loci.bed", "fusions.txt", "sets.gmt"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "study.toml").write_text(text)
    where = {problem.where for problem in check(Study.read(tmp_path / "study.toml"), workers=1).errors}
    assert {"omics.expression.file", "omics.copynumber.segments", "omics.methylation.file"} <= where


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('build = "hg19"\n', "", "segments do not say their genome build"),
        (
            'expression = { file = "expression.tsv", unit = "tpm", transform = "log2+1", damage = "repair" }\n',
            "",
            "scored on expression",
        ),
        ('"1p and 19q arm loss"', '"1p and 19q arm lose"', "did you mean 'lost'"),
        ("megabases = 2.0", "megabase = 2.0", "megabases"),
        ('method = "ssgsea"', 'method = "gsea"', "gsva"),
    ],
)
def test_what_cannot_be_said_is_refused(folder: Path, tmp_path: Path, old: str, new: str, words: str) -> None:
    (tmp_path / "study.toml").write_text(TEXT.replace(old, new))
    with pytest.raises(ValueError, match=words):
        Study.read(tmp_path / "study.toml")


def test_results_know_their_molecular_inputs(folder: Path) -> None:
    inputs = json.loads((folder / "results" / "provenance.json").read_text())["inputs"]
    assert {"x.seg", "sets.gmt", "beta.tsv", "protein.csv", "fusions.txt", "loci.bed"} <= set(inputs)


def test_an_array_of_geo_becomes_genes_by_its_platform(folder: Path, tmp_path: Path) -> None:
    for name in ("clinical.csv", "features.csv"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "GPL1.annot").write_text("ID\tGene symbol\np1\tEGFR\np2\tDDR1 /// MIR4640\np3\tTP53\n")
    rows = "".join(f"{probe}\t" + "\t".join(str(at) for at in range(20)) + "\n" for probe in ("p1", "p2", "p3"))
    (tmp_path / "GSE1_series_matrix.txt").write_text(
        "!Series_geo_accession\tGSE1\n!series_matrix_table_begin\nID_REF\t" + "\t".join(PEOPLE) + "\n" + rows
        + "!series_matrix_table_end\n"
    )  # fmt: skip
    text = TEXT[: TEXT.index("[omics]")] + "[omics.expression]\nfile = 'GSE1_series_matrix.txt'\nunit = 'log2'\n"
    (tmp_path / "study.toml").write_text(text + "probes = 'GPL1.annot'\n[target.EGFR]\nscore = 'EGFR'\n")
    study = Study.read(tmp_path / "study.toml")
    found = read_molecular(study)
    assert found.expression is not None
    assert found.expression.names == ("EGFR", "TP53")
    assert found.expression["EGFR"].tolist() == list(range(20))
    assert found.notes == (
        "GPL1.annot: 1 probes without gene or of several genes are left out",
        "GSE1_series_matrix.txt: 1 of 3 names have no gene and are left out",
    )
    assert [str(problem) for problem in check(study, workers=1).errors] == []
    (tmp_path / "GPL1.annot").unlink()
    assert next(one.where for one in check(study, workers=1).errors) == "omics.expression.probes"


def test_the_clinical_table_may_be_tcgas_own_files(folder: Path, tmp_path: Path) -> None:
    people = [f"TCGA-02-{number:04d}" for number in range(1, 13)]
    rows = "".join(f"{one},{at},{at % 3}\n" for at, one in enumerate(people))
    (tmp_path / "features.csv").write_text("patient,sphericity,energy\n" + rows)
    (tmp_path / "xml").mkdir()
    for at, one in enumerate(people):
        (tmp_path / "xml" / f"{one}.xml").write_text(
            '<b:tcga_bcr xmlns:b="urn:b"><b:patient>'
            f'<b:bcr_patient_barcode procurement_status="Completed">{one}</b:bcr_patient_barcode>'
            f'<b:her2 procurement_status="Completed">{("Negative", "Positive")[at % 2]}</b:her2>'
            "</b:patient></b:tcga_bcr>"
        )
    text = '[cohort]\ntable = "xml"\npatient = "tcga"\n[io.images]\nfeatures = "features.csv"\n'
    text += '[target.HER2]\ncolumn = "her2"\n[associate]\nadjust = []\ncorrect = { permutations = 4 }\n'
    (tmp_path / "study.toml").write_text(text)
    study = Study.read(tmp_path / "study.toml")
    assert [str(problem) for problem in check(study, workers=1).errors] == []
    assert not run(study, workers=1).failed
    told = json.loads((tmp_path / "results" / "provenance.json").read_text(encoding="utf-8"))
    assert f"xml/{people[0]}.xml" in json.dumps(told)
