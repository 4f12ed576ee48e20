"""VCF files: the same calls as in a MAF file, no-calls that are nobody's wild type, and files that are not whole."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from genoxel.core.errors import FileFormatError, MissingExtraError
from genoxel.io.consequences import classification
from genoxel.io.maf import read_maf
from genoxel.io.vcf import VcfOptions, read_vcf, sample_names
from genoxel.omics.variants import status, status_table

CSQ = (
    '##INFO=<ID=CSQ,Number=.,Type=String,Description="Consequence annotations from Ensembl VEP. '
    'Format: Allele|Consequence|SYMBOL|HGVSc|HGVSp|CANONICAL">'
)
ANN = '##INFO=<ID=ANN,Number=.,Type=String,Description="Functional annotations">'
HEAD = ["##fileformat=VCFv4.2", "##contig=<ID=1,length=249250621>", CSQ]
COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\tS2\tS3\tNORMAL"
SITES = [
    "2\t209113112\t.\tC\tT\t.\tPASS\tDP=9;CSQ=T|missense_variant|IDH1|c.395G>A|ENSP:p.Arg132His|YES\tGT:AD:DP"
    "\t0/1:40,12:52\t0/0:50,0:50\t./.:.:.\t0/0:9,0:9",
    "7\t55242464\t.\tAGGAATTAAGAGAAGC\tA\t.\tPASS\tCSQ=-|inframe_deletion|EGFR||p.Glu746_Ala750del|YES\tGT:AD"
    "\t0/0:1,0\t0/1:20,20\t0/0:4,0\t0/1:1,1",
    "17\t7577121\t.\tG\tA,C\t.\tPASS\tCSQ=A|stop_gained|TP53||p.Arg273Ter|YES,C|synonymous_variant|TP53||p.Arg273%3D|YES"
    "\tGT:AD\t1/2:5,6,7\t0/2:5,0,7\t0/0:9,0,0\t0/0:9,0,0",
    "1\t1\t.\tG\tA\t.\tgermline\tCSQ=A|missense_variant|NRAS||p.Gly12Asp|YES\tGT\t0/1\t0/1\t0/0\t0/0",
]
MAF = [
    "Hugo_Symbol\tNCBI_Build\tVariant_Classification\tTumor_Sample_Barcode\tHGVSp_Short\tStart_Position\tEnd_Position"
    "\tReference_Allele\tTumor_Seq_Allele2\tt_ref_count\tt_alt_count",
    "IDH1\tGRCh37\tMissense_Mutation\tS1\tp.R132H\t209113112\t209113112\tC\tT\t40\t12",
    "EGFR\tGRCh37\tIn_Frame_Del\tS2\tp.E746_A750del\t55242465\t55242479\tGGAATTAAGAGAAGC\t-\t20\t20",
    "TP53\tGRCh37\tNonsense_Mutation\tS1\tp.R273*\t7577121\t7577121\tG\tA\t5\t6",
    "TP53\tGRCh37\tSilent\tS1\tp.R273=\t7577121\t7577121\tG\tC\t5\t7",
    "TP53\tGRCh37\tSilent\tS2\tp.R273=\t7577121\t7577121\tG\tC\t5\t7",
]


def _write(path: Path, lines: list[str], end: str = "\n") -> Path:
    content = ("\n".join(lines) + end).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.mark.parametrize("name", ["calls.vcf", "calls.vcf.gz"])
def test_maf_and_vcf_of_the_same_calls_give_the_same_matrix(tmp_path: Path, name: str) -> None:
    said: list[str] = []
    vcf = read_vcf(
        _write(tmp_path / name, [*HEAD, COLUMNS, *SITES]), build="GRCh37", options=VcfOptions(say=said.append)
    )
    maf = read_maf(_write(tmp_path / "calls.maf", MAF), profiled=["S1", "S2"])
    genes = ["IDH1", "EGFR", "TP53"]
    ours, theirs = (status_table(records, genes, patients=["S1", "S2"]) for records in (vcf, maf))
    assert np.array_equal(ours.values, theirs.values)
    assert ours.values.tolist() == [[1, 0, 1], [0, 1, 0]]
    known = vcf.take(vcf["classification"] != "No_Call")
    for field in ("gene", "classification", "start", "end", "ref", "alt", "ref_count", "alt_count"):
        assert sorted(map(str, known[field])) == sorted(map(str, maf[field])), field
    assert status(vcf, "EGFR", "E746_A750del"[:4])["S2"] == status(maf, "EGFR", "E746")["S2"]
    assert said == [
        f"{name}: 1 sites left out by FILTER (germline 1)",
        f"{name}: 1 samples left out (NORMAL)",
    ]


def test_a_sample_without_genotype_is_not_wild_type(tmp_path: Path) -> None:
    path = _write(tmp_path / "calls.vcf", [*HEAD, COLUMNS, *SITES])
    assert status(read_vcf(path), "IDH1") == {"S1": "mutant", "S2": "wild type", "S3": None}
    merged = read_vcf(path, options=VcfOptions(no_call="wild type"))
    assert status(merged, "IDH1")["S3"] == "wild type"
    assert sample_names(path) == ["S1", "S2", "S3", "NORMAL"]


def test_snpeff_and_named_normals(tmp_path: Path) -> None:
    ann = "A|missense_variant|MODERATE|BRAF|ENSG|transcript|T|protein_coding|15/18|c.1799T>A|p.Val600Glu|||||"
    lines = ["##normal_sample=N", ANN, COLUMNS.replace("S1\tS2\tS3\tNORMAL", "T\tN")]
    lines.append(f"7\t140453136\t.\tT\tA\t.\t.\tANN={ann}\tGT\t1|0\t0|0")
    records = read_vcf(_write(tmp_path / "c.vcf", lines))
    assert records["protein"].tolist() == ["p.Val600Glu"]
    assert status(records, "BRAF", "V600E") == {"T": "mutant"}


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([*HEAD, *SITES], "the line #CHROM first"),
        (HEAD, "without the line #CHROM"),
        ([*HEAD[:2], COLUMNS, *SITES], "without annotation of genes"),
        ([*HEAD, COLUMNS, SITES[0].rsplit("\t", 1)[0]], "12 cells in line 5"),
        ([*HEAD, COLUMNS, SITES[0].replace("GT:AD:DP", "DP:AD:GT")], "without genotypes"),
        ([*HEAD, COLUMNS, SITES[0].replace("209113112", "2e8")], "'2e8' as POS in line 5"),
        ([*HEAD, COLUMNS.replace("S2", "S1"), *SITES], "more than once"),
        ([*HEAD, COLUMNS.rsplit("\t", 5)[0]], "with the header"),
        ([*HEAD, COLUMNS.replace("\t", "  "), *SITES], "with the header"),
    ],
)
def test_faults_are_named(tmp_path: Path, lines: list[str], words: str) -> None:
    with pytest.raises(FileFormatError, match=words):
        read_vcf(_write(tmp_path / "calls.vcf", lines))


def test_another_build_and_a_cut_file_are_refused(tmp_path: Path) -> None:
    path = _write(tmp_path / "calls.vcf", [*HEAD, COLUMNS, *SITES])
    with pytest.raises(FileFormatError, match="genome build hg19"):
        read_vcf(path, build="hg38")
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(FileFormatError, match="not ended"):
        read_vcf(path)
    packed = _write(tmp_path / "calls.vcf.gz", [*HEAD, COLUMNS, *SITES * 300])
    packed.write_bytes(packed.read_bytes()[:-40])
    with pytest.raises(FileFormatError, match="damaged gzip"):
        read_vcf(packed)


def test_bcf_needs_the_extra_or_is_read(tmp_path: Path) -> None:
    try:
        import cyvcf2
    except ImportError:
        (tmp_path / "calls.bcf").write_bytes(b"BCF")
        with pytest.raises(MissingExtraError, match="omics"):
            read_vcf(tmp_path / "calls.bcf")
        return
    filters = '##FILTER=<ID=germline,Description="g">'
    formats = [f'##FORMAT=<ID={name},Number=.,Type=String,Description="x">' for name in ("GT", "AD", "DP")]
    contigs = [f"##contig=<ID={name}>" for name in ("2", "7", "17")]
    depth = '##INFO=<ID=DP,Number=1,Type=Integer,Description="x">'
    lines = [*HEAD, filters, depth, *formats, *contigs, COLUMNS, *SITES]
    text = _write(tmp_path / "calls.vcf", lines)
    source = cyvcf2.VCF(str(text))
    writer = cyvcf2.Writer(str(tmp_path / "calls.bcf"), source, mode="wb")
    for variant in source:
        writer.write_record(variant)
    writer.close()
    packed, plain = read_vcf(tmp_path / "calls.bcf"), read_vcf(text)
    for field in ("gene", "classification", "sample", "start", "alt_count"):
        assert packed[field].tolist() == pytest.approx(plain[field].tolist(), nan_ok=True) or (
            packed[field].tolist() == plain[field].tolist()
        )


@pytest.mark.parametrize(
    ("terms", "ref", "alt", "expected"),
    [
        ("intron_variant&splice_acceptor_variant", "C", "T", "Splice_Site"),
        ("frameshift_variant", "C", "CAA", "Frame_Shift_Ins"),
        ("protein_altering_variant", "CAAA", "C", "In_Frame_Del"),
        ("upstream_gene_variant", "C", "T", "5'Flank"),
        ("a_new_word", "C", "T", "a_new_word"),
        ("", "C", "T", "Unknown"),
    ],
)
def test_consequences_become_maf_classes(terms: str, ref: str, alt: str, expected: str) -> None:
    assert classification(terms, ref, alt) == expected
