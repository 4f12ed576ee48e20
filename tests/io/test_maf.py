"""MAF files and lists of who was profiled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from genoxel.core.errors import FileFormatError
from genoxel.core.keys import RowKey
from genoxel.io.maf import read_maf, read_profiled
from genoxel.io.tables import read_records, write_records
from genoxel.omics.variants import status
from nouns import same

HEAD = "Hugo_Symbol\tNCBI_Build\tVariant_Classification\tTumor_Sample_Barcode\tHGVSp_Short\tt_ref_count\tt_alt_count"
ROW = "IDH1\tGRCh37\tMissense_Mutation\tTCGA-HT-7468-01A-11D-2024-08\tp.R132H\t40\t12"


def _maf(tmp_path: Path, *lines: str, end: str = "\n") -> Path:
    (tmp_path / "calls.maf").write_text("\n".join(lines) + end)
    return tmp_path / "calls.maf"


def test_fields_keys_and_counts(tmp_path: Path) -> None:
    path = _maf(tmp_path, "#version 2.4\t\t", HEAD, ROW, 'NA\t37\tSilent\tS"1\t\t.\t')
    records = read_maf(path, profiled=["TCGA-HT-7468", 'S"1', "S2"], genes=["IDH1"], patients={'S"1': "P1"})
    assert records.rows == (RowKey("TCGA-HT-7468", sample="TCGA-HT-7468-01A-11D-2024-08"), RowKey("P1", sample='S"1'))
    assert records.profiled == (RowKey("TCGA-HT-7468"), RowKey("P1", sample='S"1'), RowKey("S2"))
    assert records["gene"].tolist() == ["IDH1", "NA"]
    assert records["build"].tolist() == ["hg19", "hg19"]
    assert records["alt_count"][0] == 12
    assert np.isnan(records["ref_count"][1])
    assert records.genes == ("IDH1",)
    assert read_maf(path).profiled is None


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([HEAD.replace("Variant_Class", "Class")], "without the column Variant_Classification"),
        ([HEAD, ROW, ROW.rsplit("\t", 2)[0]], "5 cells in line 3 .*cut short"),
        ([HEAD, ROW + "\textra", ROW], "8 cells in line 2"),
        ([HEAD, ROW.replace("12", "many")], "'many' as t_alt_count in line 2"),
        ([HEAD, ROW, ROW.replace("GRCh37", "GRCh38")], "genome builds GRCh37, GRCh38"),
        ([HEAD, ROW.replace("TCGA-HT-7468-01A-11D-2024-08", " ")], "without sample in line 2"),
    ],
)
def test_faults_are_named(tmp_path: Path, lines: list[str], words: str) -> None:
    with pytest.raises(FileFormatError, match=words):
        read_maf(_maf(tmp_path, *lines))


def test_another_build_than_asked_is_refused(tmp_path: Path) -> None:
    path = _maf(tmp_path, HEAD, ROW)
    assert len(read_maf(path, build="hg19")) == 1
    with pytest.raises(FileFormatError, match="hg38, as the study file says"):
        read_maf(path, build="GRCh38")


def test_a_last_line_cut_inside_its_last_cell_is_refused(tmp_path: Path) -> None:
    whole = [HEAD, ROW, ROW.replace("\t12", "\t17")]
    path = _maf(tmp_path, *whole)
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(FileFormatError, match="not ended"):
        read_maf(path)
    assert len(read_maf(_maf(tmp_path, HEAD, ROW, ROW, end=""))) == 2


@pytest.mark.parametrize(
    "text",
    [
        "P1\nP2\n",
        "\ufeffPatient_ID\nP1\nP2",
        "sample\tgroup\nP1\tx\nP2\ty\n",
        "# comment\nP1\n\nP2\n",
        "stable_id: x\ncase_list_ids: P1\tP2\n",
        '"id","x"\n"P1",1\n"P2",2\n',
    ],
)
def test_lists_of_profiled_samples(tmp_path: Path, text: str) -> None:
    (tmp_path / "profiled.txt").write_text(text, encoding="utf-8")
    assert read_profiled(tmp_path / "profiled.txt") == ("P1", "P2")


@pytest.mark.parametrize(("text", "words"), [("# nobody\n", "no id"), ("P1\nP1\n", "P1 more than once")])
def test_lists_that_say_nothing_or_too_much(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "p.txt").write_text(text)
    with pytest.raises(FileFormatError, match=words):
        read_profiled(tmp_path / "p.txt")


@pytest.mark.parametrize("name", ["tcga_laml", "brca", "APL_primary", "APL_relapse"])
def test_real_maf_files_agree_with_pandas(real_data: Callable[[str], Path], tmp_path: Path, name: str) -> None:
    path = real_data("genomics") / "maftools" / f"{name}.maf.gz"
    frame = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, comment="#")
    records = read_maf(path)
    assert records["gene"].tolist() == frame["Hugo_Symbol"].str.strip().tolist()
    assert Counter(records["classification"]) == frame["Variant_Classification"].value_counts().to_dict()
    assert records["start"].tolist() == pytest.approx(
        pd.to_numeric(frame["Start_Position"], "coerce").tolist(), nan_ok=True
    )
    write_records(records, tmp_path / "r.parquet")
    assert same(read_records(tmp_path / "r.parquet"), records)


def test_real_laml_statuses_by_hand(real_data: Callable[[str], Path]) -> None:
    """Counts by pandas alone: patients with a non-silent DNMT3A variant among the 200 profiled."""
    folder = real_data("genomics") / "maftools"
    records = read_maf(folder / "tcga_laml.maf.gz", profiled=folder / "tcga_laml_annot.tsv")
    frame = pd.read_csv(folder / "tcga_laml.maf.gz", sep="\t", dtype=str)
    kept = ~frame["Variant_Classification"].isin(["Silent", "RNA", "Intron", "IGR", "3'UTR", "5'UTR", "5'Flank"])
    for gene, pattern in (("DNMT3A", ""), ("IDH2", r"^p\.R140\D"), ("FLT3", "")):
        rows = frame[kept & (frame["Hugo_Symbol"] == gene) & frame["Protein_Change"].fillna("").str.contains(pattern)]
        hit = set(rows["Tumor_Sample_Barcode"].str[:12])
        found = status(records, gene, "R140" if pattern else None)
        assert {who for who, word in found.items() if word == "mutant"} == hit
        assert Counter(found.values())["wild type"] == 200 - len(hit)
    assert set(status(read_maf(folder / "tcga_laml.maf.gz"), "DNMT3A").values()) == {"mutant", None}


def test_real_cbioportal_maf_and_case_list(real_data: Callable[[str], Path]) -> None:
    folder = real_data("genomics") / "cbioportal_study_es_0"
    listed = folder / "case_lists" / "cases_sequenced.txt"
    records = read_maf(folder / "data_mutations_extended.maf", profiled=listed, build="hg19")
    assert len(records) == 36
    assert len(read_profiled(listed)) == 31
    assert "alt_count" in records.fields
