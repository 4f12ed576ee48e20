"""Sixty faulty molecular and clinical tables, each with the verdict it must have: refused with the reason, read
exactly, or repaired and listed. None may be read wrongly in silence."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genoxel.core.errors import GenoxelError
from genoxel.io.assays import read_series
from genoxel.io.clinical import read_clinical
from genoxel.io.cn_segments import read_gene_copies, read_loci, read_segments
from genoxel.io.expression import MatrixRules, read_expression
from genoxel.io.fusions import read_fusions
from genoxel.io.genesets import read_gmt
from genoxel.io.maf import read_maf, read_profiled
from genoxel.io.vcf import read_vcf
from genoxel.omics.barcodes import per_tcga_patient, records_per_tcga_patient
from genoxel.omics.expression import transform
from genoxel.omics.methylation import check_beta
from genoxel.omics.variants import status, with_repaired_genes

HEAD = "Hugo_Symbol\tNCBI_Build\tVariant_Classification\tTumor_Sample_Barcode\tt_alt_count\n"
ROW = "{gene}\tGRCh37\tMissense_Mutation\t{sample}\t{count}\n"
SEG = "ID\tchrom\tloc.start\tloc.end\tseg.mean\n"
CSQ = '##INFO=<ID=CSQ,Number=.,Type=String,Description="Format: Allele|Consequence|SYMBOL|HGVSp">\n'
CHROM = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\n"
SITE = "7\t5\t.\tA\tT\t.\tPASS\tCSQ=T|missense_variant|EGFR|p.L858R\tGT\t0/1\n"


def maf(*rows: tuple[str, str] | str) -> bytes:
    """A MAF of (gene, sample) rows, or rows as they stand."""
    return (HEAD + "".join(row if isinstance(row, str) else line(*row) for row in rows)).encode()


def line(gene: str = "EGFR", sample: str = "P1", count: str = "12") -> str:
    return ROW.format(gene=gene, sample=sample, count=count)


def genes_of(path: Path) -> list[str]:
    return read_maf(path)["gene"].tolist()


def samples_of(path: Path) -> list[str]:
    return [row.patient for row in read_maf(path).rows]


def repaired_of(path: Path) -> Any:
    records, changed, left = with_repaired_genes(read_maf(path))
    return records["gene"].tolist(), changed, left


def listed(path: Path) -> Any:
    said: list[str] = []
    table = read_expression(path, rules=MatrixRules(damage="repair", say=said.append))
    return table.names, said


def tcga(path: Path) -> Any:
    records, choice = records_per_tcga_patient(read_maf(path))
    return [row.sample for row in records.rows], sorted(choice.set_aside), sorted(choice.ties)


CASES: dict[str, tuple[bytes, Callable[[Path], Any], Any]] = {
    # mutations
    "extra field in every row": (
        maf(*["KRAS\tx\tGRCh37\tSilent\tP1\t3\n"] * 2), genes_of, "refused: 6 cells in line 2",
    ),
    "extra field in one row": (maf(("EGFR", "P1"), line()[:-1] + "\tx\n"), genes_of, "refused: 6 cells in line 3"),
    "missing field": (maf("EGFR\tGRCh37\tSilent\tP1\n", line()), genes_of, "refused: 4 cells in line 2"),
    "stray quote swallows nothing": (maf(('"EGFR', "P1"), ("KRAS", "P2")), genes_of, ['"EGFR', "KRAS"]),
    "commas for tabs": (maf(("EGFR", "P1")).replace(b"\t", b","), genes_of, "refused: without the column Hugo_Symbol"),
    "cut inside a number": (maf(("A", "P1"), line(count="137"))[:-2], genes_of, "refused: which is not ended"),
    "cut inside a row": (maf(("A", "P1"), ("B", "P2"))[:-9], genes_of, "refused: cut short"),
    "cut gzip": (gzip.compress(maf(*[(f"G{n}", "P1") for n in range(4000)]))[:-80], genes_of, "refused: damaged gzip"),
    "latin-1": (maf(("EGFR", "Müller")).decode().encode("latin-1"), genes_of, "refused: 0xfc in line 2"),
    "UTF-16": (maf(("EGFR", "P1")).decode().encode("utf-16"), genes_of, "refused: UTF-16"),
    "NUL in an id": (maf(("EGFR", "P\0001")), genes_of, "refused: NUL character in line 2"),
    "genes called NA, nan and None": (maf(("NA", "P"), ("nan", "P"), ("None", "P")), genes_of, ["NA", "nan", "None"]),
    "samples called NA and None": (maf(("EGFR", "NA"), ("EGFR", "None")), samples_of, ["NA", "None"]),
    "id 001": (maf(("EGFR", "001")), samples_of, ["001"]),
    "id 1E5": (maf(("EGFR", "1E5")), samples_of, ["1E5"]),
    "id of twenty digits": (maf(("EGFR", "12345678901234567890")), samples_of, ["12345678901234567890"]),
    "space after an id": (maf(("EGFR", "P1 "), ("KRAS", "P1")), samples_of, ["P1", "P1"]),
    "byte order mark": (b"\xef\xbb\xbf" + maf(("EGFR", "P1")), genes_of, ["EGFR"]),
    "lines ended by \\r\\n": (maf(("EGFR", "P1")).replace(b"\n", b"\r\n"), genes_of, ["EGFR"]),
    "lower-case barcode": (maf(("EGFR", "tcga-ht-7468-01a")), samples_of, ["TCGA-HT-7468"]),
    "tumour, normal and two aliquots": (
        maf(*[("EGFR", f"TCGA-HT-7468-{part}") for part in ("01A-11D-2024-08", "01A-11D-1024-08", "10A-01D-2024-08")]),
        tcga,
        (
            ["TCGA-HT-7468-01A-11D-2024-08"],
            ["TCGA-HT-7468-01A-11D-1024-08", "TCGA-HT-7468-10A-01D-2024-08"],
            ["TCGA-HT-7468"],
        ),
    ),
    "1-Sep": (maf(("1-Sep", "P1")), repaired_of, (["SEPTIN1"], {"1-Sep": "SEPTIN1"}, ())),
    "44440": (maf(("44440", "P1")), repaired_of, (["SEPTIN1"], {"44440": "SEPTIN1"}, ())),
    "2.31E+19": (maf(("2.31E+19", "P1")), repaired_of, (["2.31E+19"], {}, ("2.31E+19",))),
    "2-Mar may be two genes": (maf(("2-Mar", "P1")), repaired_of, (["2-Mar"], {}, ("2-Mar",))),
    "2-Mar and the gene it may be": (
        maf(("2-Mar", "P1")),
        lambda path: status(read_maf(path, ["P1"]), "MARCHF2"),
        "refused: may have been MARCHF2",
    ),
    "two builds": (maf(("A", "P1")) + line().replace("37", "38").encode(), genes_of, "refused: GRCh37, GRCh38"),
    "another build": (maf(("A", "P1")), lambda path: read_maf(path, build="hg38"), "refused: hg38, as the study"),
    "header twice": (HEAD.replace("NCBI_Build", "Hugo_Symbol").encode(), genes_of, "refused: 'Hugo_Symbol' more than"),
    "no sample": (maf(("EGFR", " ")), genes_of, "refused: without sample in line 2"),
    "word for a count": (maf(line(count="many")), genes_of, "refused: 'many' as t_alt_count in line 2"),
    "count 1,234": (maf(line(count="1,234")), genes_of, "refused: '1,234' as t_alt_count"),
    "infinite count": (maf(line(count="inf")), genes_of, "refused: 'inf' as t_alt_count"),
    "empty file": (b"", genes_of, "refused: without any row"),
    "header alone": (HEAD.encode(), genes_of, []),
    "nobody said who was profiled": (maf(("EGFR", "P1")), lambda p: status(read_maf(p), "KRAS"), {"P1": None}),
    "profiled twice": (b"P1\nP2\nP1\n", read_profiled, "refused: P1 more than once"),
    # matrices
    "gene twice": (b"gene\tS1\nEGFR\t1\nEGFR\t2\n", read_expression, "refused: 1 genes more than once"),
    "sample twice": (b"gene\tS1\tS1\nEGFR\t1\t2\n", read_expression, "refused: 'S1' more than once"),
    "gene 1-Sep": (b"gene\tS1\n1-Sep\t1\n", read_expression, r"refused: '1-Sep' \(SEPTIN1 or SEPT1\)"),
    "gene 1-Sep repaired": (
        b"gene\tS1\n1-Sep\t1\n1-Mar\t2\n",
        listed,
        (
            ("SEPTIN1",),
            [
                "table: 1 gene names repaired: 1-Sep -> SEPTIN1",
                "table: 1 gene names that a spreadsheet damaged are left out: 1-Mar",
            ],
        ),
    ),
    "log of a log": (b"gene\tS1\nEGFR\t7.5\n", lambda p: transform(read_expression(p)), "refused: logged already"),
    "log of z-scores": (b"gene\tS1\nEGFR\t-1.5\n", lambda p: transform(read_expression(p)), "refused: -1.5 of EGFR"),
    "infinite expression": (b"gene\tS1\nEGFR\tInf\n", read_expression, "refused: infinite value in line 2"),
    "decimal comma": (b"gene\tS1\nEGFR\t1,5\n", read_expression, "refused: '1,5' in line 2"),
    "word in a matrix": (b"gene\tS1\nEGFR\thigh\n", read_expression, "refused: 'high' in line 2, column 'S1'"),
    "open quote in a matrix": (b'gene,S1\nEGFR,1\n"KRAS,2\nTP53,3\nATM,4\n', read_expression, "refused: stray quote"),
    "which side is which": (b"x\tA\tB\nC\t1\t2\n", read_expression, "refused: cannot be told from genes"),
    "matrix cut inside a number": (b"gene\tS1\nEGFR\t1.5\nKRAS\t123.4", read_expression, "refused: which is not ended"),
    "matrix with one header less": (b"S1\tS2\nEGFR\t1\t2\n", read_expression, "refused: whose rows have 3"),
    "two aliquots of one patient": (
        b"gene\tTCGA-HT-7468-01A\tTCGA-HT-7468-10A\nEGFR\t1\t2\n",
        lambda p: per_tcga_patient(read_expression(p))[0]["EGFR"].tolist(),
        [1.0],
    ),
    "two rows per patient": (
        b"gene\tTCGA-HT-7468-01A\tTCGA-HT-7468-02A\nEGFR\t1\t2\n",
        lambda p: read_expression(p).per_patient(),
        "refused: 2 rows of 1 patients",
    ),
    "beta above 1": (b"probe\tS1\ncg1\t54\n", lambda p: check_beta(read_expression(p)), "refused: outside 0 to 1"),
    "M values as beta": (b"probe\tS1\ncg1\t-2.5\n", lambda p: check_beta(read_expression(p)), "refused: outside 0"),
    "ratios as calls": (b"gene\tS1\nEGFR\t0.31\n", read_gene_copies, "refused: the value 0.31"),
    # segments, loci, fusions, sets, series
    "segments of another build": (
        (SEG + "S1\t1\t1\t249250621\t0\n").encode(), lambda p: read_segments(p, "hg38"), "refused: of another build",
    ),
    "segment ends before it begins": (
        (SEG + "S1\t1\t9\t8\t0\n").encode(), lambda p: read_segments(p, "hg19"), "refused: ends before it begins",
    ),
    "two samples under one name": (
        (SEG + "S1\t1\t1\t80\t0\nS1\t1\t1\t90\t0\n").encode(), lambda p: read_segments(p, "hg19"), "refused: overlap",
    ),
    "locus twice": (b"chr7\t1\t9\tEGFR\nchr7\t1\t9\tEGFR\n", read_loci, "refused: line 2"),
    "fusions of nobody": (b"gene1\tgene2\nEML4\tALK\n", read_fusions, "refused: without sample"),
    "gene set twice": (b"A\tx\tEGFR\nA\tx\tKRAS\n", read_gmt, "refused: named twice in line 2"),
    "date in a gene set": (b"A\tx\t1-Sep\n", read_gmt, "refused: '1-Sep' in line 1"),
    "negative fraction": (
        b"id,day,vaf\nP1,2020-01-01,-0.1\n", lambda p: read_series(p, "id", "day", ["vaf"]), "refused: '-0.1' as vaf",
    ),
    "day or month": (
        b"id,day,vaf\nP1,03/04/2020,1\n", lambda p: read_series(p, "id", "day", ["vaf"]), "refused: day/month or",
    ),
    # VCF
    "VCF without annotation": ((CHROM + SITE).encode(), read_vcf, "refused: without annotation of genes"),
    "VCF with a ragged site": ((CSQ + CHROM + SITE[:-5] + "\n").encode(), read_vcf, "refused: 9 cells in line 3"),
    "VCF cut inside the last site": ((CSQ + CHROM + SITE[:-1]).encode(), read_vcf, "refused: which is not ended"),
    "VCF of sites alone": ((CSQ + CHROM.rsplit("\t", 2)[0] + "\n").encode(), read_vcf, "refused: with the header"),
    # clinical tables
    "clinical id 007": (b"id,age\n007,5\n", lambda p: read_clinical(p, "id").patients, ("007",)),
    "clinical id twice": (b"id,age\nP1,5\nP1,6\n", lambda p: read_clinical(p, "id"), "refused: more than one row"),
    "ids that differ in case": (b"id,age\nP1,5\np1,6\n", lambda p: read_clinical(p, "id"), "refused: upper and lower"),
    "age 61,5 with semicolons": (b"id;age\nP1;61,5\n", lambda p: read_clinical(p, "id").numbers("age"), {"P1": 61.5}),
    "age 1,234": (b"id\tage\nP1\t1,234\n", lambda p: read_clinical(p, "id").numbers("age"), "refused: '1,234'"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(CASES))
def test_no_fault_is_silent(tmp_path: Path, name: str) -> None:
    content, read, verdict = CASES[name]
    path = tmp_path / "table"
    path.write_bytes(content)
    if isinstance(verdict, str) and verdict.startswith("refused: "):
        with pytest.raises(GenoxelError, match=verdict.removeprefix("refused: ")) as error:
            read(path)
        assert error.value.legal or error.value.fix, "an error says what is legal, or what to do"
    else:
        assert read(path) == verdict


def test_there_are_enough_faults() -> None:
    refused = [verdict for _, _, verdict in CASES.values() if isinstance(verdict, str)]
    assert len(CASES) >= 60
    assert 40 <= len(refused) < len(CASES)
