"""Expression matrices in both orientations, with every ambiguity refused."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from genoxel.core.errors import InputError
from genoxel.core.keys import RowKey
from genoxel.io.expression import MatrixRules, read_expression


def _file(tmp_path: Path, text: str, name: str = "e.tsv") -> Path:
    content = text.encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    return tmp_path / name


@pytest.mark.parametrize("name", ["e.tsv", "e.txt.gz", "e.csv"])
def test_both_orientations_give_the_same_table(tmp_path: Path, name: str) -> None:
    genes = "Hugo_Symbol\tEntrez_Gene_Id\tS1\tS2\tS3\nEGFR\t1956\t1\t2\t3\nVIM\t7431\t4\tNA\t6e2\n"
    samples = "sample\tEGFR\tVIM\nS1\t1\t4\nS2\t2\t\nS3\t3\t6e2\n"
    quoted = '"S1"\t"S2"\t"S3"\n"EGFR"\t1\t2\t3\n"VIM"\t4\t\t6e2\n'
    for text in (genes, samples, '"gene"\t' + quoted):
        table = read_expression(_file(tmp_path, text, name), unit="tpm")
        assert table.names == ("EGFR", "VIM")
        assert table.patients == ("S1", "S2", "S3")
        assert table["EGFR"].tolist() == [1, 2, 3]
        assert table["VIM"][2] == 600
        assert np.isnan(table["VIM"][1])
        assert {column.unit for column in table.columns} == {"tpm"}


def test_barcodes_and_known_ids_tell_samples_from_genes(tmp_path: Path) -> None:
    text = "x\tTCGA-HT-7468-01A\tTCGA-HT-7469-01A\nEGFR\t1\t2\nVIM\t3\t4\n"
    table = read_expression(_file(tmp_path, text))
    assert table.rows[0] == RowKey("TCGA-HT-7468", sample="TCGA-HT-7468-01A")
    text = "x\tA\tB\nC\t1\t2\nD\t3\t4\n"
    assert read_expression(_file(tmp_path, text), ids=["A", "B", "Z"]).names == ("C", "D")
    assert read_expression(_file(tmp_path, text), ids=["C", "D"]).names == ("A", "B")
    with pytest.raises(InputError, match="cannot be told from genes"):
        read_expression(_file(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("gene\tS1\nEGFR\t1\nEGFR\t2\n", "1 genes more than once .*EGFR"),
        ("gene\tS1\tS1\nEGFR\t1\t2\n", "'S1' more than once"),
        ("gene\tS1\nEGFR\t1\n1-Sep\t2\n44440\t3\n", "'1-Sep' .SEPTIN1 or SEPT1., '44440'"),
        ("gene\tS1\nEGFR\thigh\n", "'high' in line 2, column 'S1'"),
        ("gene\tS1\nEGFR\tinf\n", "infinite value in line 2"),
        ("gene\tS1\n\t1\nVIM\t2\n", "without gene name"),
        ("gene\tS1\nEGFR\t1\nVIM\t123.4", "not ended"),
        ("gene\tS1\tS2\nEGFR\t1\t2\nVIM\t3\n", "2 cells in line 3"),
        ("sample\tEGFR\n\t1\nS2\t2\n", "sample without name"),
    ],
)
def test_faults_are_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_expression(_file(tmp_path, text))


def test_a_cut_gzip_is_refused(tmp_path: Path) -> None:
    path = _file(tmp_path, "gene\tS1\n" + "".join(f"G{place}\t{place}\n" for place in range(2000)), "e.tsv.gz")
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(InputError, match="damaged gzip"):
        read_expression(path)


def test_real_matrices_agree_with_pandas(real_data: Callable[[str], Path]) -> None:
    glioma = real_data("tcga-glioma")
    for name in ("omics/rnaseq_z.csv.gz", "gbm84_exp.csv.gz"):
        frame = pd.read_csv(glioma / name, index_col=0, float_precision="round_trip")
        table = read_expression(glioma / name, unit="z")
        assert table.patients == tuple(frame.index)
        assert table.names == tuple(frame.columns)
        assert np.array_equal(table.values, frame.to_numpy())
    with pytest.raises(InputError, match="verhaak_subtype"):
        read_expression(glioma / "gbm_core_expression_clanc840.csv.gz")
    core = read_expression(glioma / "gbm_core_expression_clanc840.csv.gz", skip=["verhaak_subtype"])
    assert core.values.shape == (172, 840)
    path = real_data("genomics") / "cbioportal_study_es_0" / "data_expression_median.txt"
    frame = pd.read_csv(path, sep="\t", index_col=0, float_precision="round_trip").drop(columns="Entrez_Gene_Id")
    assert np.array_equal(read_expression(path).values, frame.to_numpy().T)


def test_damaged_and_repeated_genes_are_repaired_or_listed_when_asked(tmp_path: Path) -> None:
    said: list[str] = []
    text = "gene\tS1\tS2\nEGFR\t1\t2\n44440\t3\t4\n1-Mar\t5\t6\n3-Mar\t7\t8\nEGFR\t5\tNA\n"
    table = read_expression(_file(tmp_path, text), rules=MatrixRules(damage="repair", twice="mean", say=said.append))
    assert table.names == ("EGFR", "SEPTIN1", "MARCHF3")
    assert table["EGFR"].tolist() == [3, 2]
    assert table["SEPTIN1"].tolist() == [3, 4]
    assert table.column("SEPTIN1").definition == "44440 in the file"
    assert said == [
        "e.tsv: 2 gene names repaired: 44440 -> SEPTIN1, 3-Mar -> MARCHF3",
        "e.tsv: 1 gene names that a spreadsheet damaged are left out: 1-Mar",
        "e.tsv: 1 genes stand in several rows; the mean of each is taken",
    ]


def test_probe_maps_ensembl_versions_and_gct(tmp_path: Path) -> None:
    gct = "#1.2\n3\t2\nName\tDescription\tS1\tS2\nA\tx\t1\t2\nB\ty\t3\t4\nC\tz\t5\t9\n"
    said: list[str] = []
    names = {"A": "EGFR", "B": "EGFR"}
    rules = MatrixRules(names=names, twice="max", say=said.append)
    table = read_expression(_file(tmp_path, gct, "e.gct"), rules=rules)
    assert table.names == ("EGFR",)
    assert table["EGFR"].tolist() == [3, 4]
    assert table.column("EGFR").definition == "A, B in the file"
    assert said[0] == "e.gct: 1 of 3 names have no gene and are left out"
    text = "gene_id\tS1\nENSG00000141510.16\t1\nENSG00000146648.18\t2\n"
    table = read_expression(_file(tmp_path, text), rules=MatrixRules(versions=False))
    assert table.names == ("ENSG00000141510", "ENSG00000146648")


def test_many_rows_are_put_together_in_order(tmp_path: Path) -> None:
    numbers = np.arange(600 * 7, dtype=np.float64).reshape(600, 7) / 7
    lines = ["gene\t" + "\t".join(f"S{place}" for place in range(7))]
    lines += [f"G{row}\t" + "\t".join(map(repr, map(float, values))) for row, values in enumerate(numbers)]
    table = read_expression(_file(tmp_path, "\n".join(lines) + "\n"))
    assert np.array_equal(table.values, numbers.T)
    assert not table.values.flags.writeable


def test_protein_arrays_and_small_rnas_are_read_as_they_are_delivered(tmp_path: Path) -> None:
    """Reverse-phase arrays as cBioPortal names them (gene|antibody), microRNA by its own names."""
    rppa = tmp_path / "data_rppa.txt"
    rppa.write_text(
        "Composite.Element.REF\tTCGA-02-0001-01\tTCGA-02-0003-01\n"
        "AKT1 AKT2|AKT_pS473\t0.5\tNA\nEGFR|EGFR_pY1068\t-1.25\t2\n"
    )
    table = read_expression(rppa, unit="log2", rules=MatrixRules(kind="protein"))
    assert table.names == ("AKT1 AKT2|AKT_pS473", "EGFR|EGFR_pY1068")
    assert table.patients == ("TCGA-02-0001", "TCGA-02-0003")
    np.testing.assert_array_equal(table.values, [[0.5, -1.25], [np.nan, 2]])
    mirna = tmp_path / "mirna.tsv"
    mirna.write_text("miRNA_ID\tP1\tP2\nhsa-let-7a-1\t10.5\t3\nhsa-mir-21\t0\t1e3\n")
    table = read_expression(mirna, unit="rpm", rules=MatrixRules(kind="mirna"))
    assert table.names == ("hsa-let-7a-1", "hsa-mir-21")
    np.testing.assert_array_equal(table.values, [[10.5, 0], [3, 1000]])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("miRNA_ID\tP1\tP2\nhsa-mir-21\t1\t2\nhsa-mir-21\t3\t4\n", "1 genes more than once"),
        ("miRNA_ID\tP1\tP2\nhsa-mir-21\t1\n", "no separator makes equal columns"),
        ("miRNA_ID\tP1\tP1\nhsa-mir-21\t1\t2\n", "more than once"),
        ("Composite.Element.REF\tP1\tP2\nEGFR|E\t1\thigh\n", "'high'"),
        ("Composite.Element.REF\tP1\tP2\nEGFR|E\t1\tinf\n", "inf"),
    ],
)
def test_faulty_arrays_are_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "array.tsv"
    path.write_text(text)
    with pytest.raises(ValueError, match=words):
        read_expression(path)
