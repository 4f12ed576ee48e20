"""Segments, lesions, fusions, gene sets and dated series, each against what stands in the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from genoxel.core.errors import GenoxelError, InputError, MissingFileError
from genoxel.core.keys import RowKey
from genoxel.io.assays import read_series
from genoxel.io.cbioportal import panel_of, read_cbioportal
from genoxel.io.cn_segments import read_gene_copies, read_lesions, read_loci, read_segments
from genoxel.io.fusions import read_fusions
from genoxel.io.genesets import read_gmt, read_weights
from genoxel.omics.genome import LENGTHS, MIDDLES, arm_span
from genoxel.omics.variants import status

SEG = "ID\tchrom\tloc.start\tloc.end\tnum.mark\tseg.mean\n"


def _file(tmp_path: Path, text: str, name: str = "x.txt") -> Path:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path / name


def test_segments_of_ratios_and_of_copies(tmp_path: Path) -> None:
    seg = SEG + "S1\tchr1\t1\t100\t5\t-0.8\nS1\t23\t101\t200\t5\tNA\nS2\tGL000\t1\t9\t1\t0\n"
    records = read_segments(_file(tmp_path, seg), "GRCh37")
    assert records["chromosome"].tolist() == ["1", "X"]
    assert records["log2"][0] == -0.8
    assert np.isnan(records["log2"][1])
    assert records.profiled == (RowKey("S1"), RowKey("S2"))
    gdc = "GDC_Aliquot\tChromosome\tStart\tEnd\tCopy_Number\nS1\tchr7\t1\t50\t4\nS1\tchr7\t51\t90\t0\n"
    assert read_segments(_file(tmp_path, gdc), "hg38")["log2"].tolist() == [1.0, -10.0]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("S1\t1\t1\t250000000\t5\t0\n", "ends at 250000000 of chromosome 1 in line 2"),
        ("S1\t1\t90\t80\t5\t0\n", "ends before it begins in line 2"),
        ("S1\t1\t1\t80\t5\t0\nS1\t1\t50\t90\t5\t0\n", "overlapping segments of S1 at 1:50"),
        ("S1\t1\t1\t80\t5\thigh\n", "'high' as seg.mean in line 2"),
        ("S1\t1\t\t80\t5\t0\n", "'.empty.' as loc.start in line 2"),
    ],
)
def test_faulty_segments_are_named(tmp_path: Path, rows: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_segments(_file(tmp_path, SEG + rows), "hg19")


def test_a_segment_file_needs_a_build_and_its_columns(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="genome build"):
        read_segments(_file(tmp_path, SEG + "S1\t1\t1\t2\t5\t0\n"), "")
    with pytest.raises(InputError, match="without a column for value"):
        read_segments(_file(tmp_path, "ID\tchrom\tstart\tend\nS1\t1\t1\t2\n"), "hg19")


def test_gene_copies_wide_and_long_are_the_same(tmp_path: Path) -> None:
    wide = _file(tmp_path, "Hugo_Symbol\tS1\tS2\nEGFR\t2\t0\nCDKN2A\t-2\tNA\n", "w.txt")
    long = "Hugo_Symbol\tEntrez_Gene_Id\tSample_Id\tValue\nEGFR\t1\tS1\t2\nCDKN2A\t2\tS1\t-2\nEGFR\t1\tS2\t0\n"
    ours, theirs = read_gene_copies(wide), read_gene_copies(_file(tmp_path, long, "l.txt"))
    assert np.array_equal(ours.values, theirs.values, equal_nan=True)
    assert ours.rows == theirs.rows
    with pytest.raises(InputError, match=r"the value 0\.31 among copy-number calls"):
        read_gene_copies(_file(tmp_path, "Hugo_Symbol\tS1\nEGFR\t0.31\n"))
    with pytest.raises(InputError, match="twice, in line 5"):
        read_gene_copies(_file(tmp_path, long + "EGFR\t1\tS1\t2\n"))


@pytest.mark.parametrize(
    "text",
    [
        "Sample_Id\tSite1_Hugo_Symbol\tSite2_Hugo_Symbol\tSV_Status\nS1\tEML4\tALK\tSOMATIC\n",
        "#version\nsample\tgene1\tgene2\nS1\tEML4\tALK\n",
        "sample\tfusion\nS1\tEML4::ALK\n",
    ],
)
def test_fusions_of_several_callers(tmp_path: Path, text: str) -> None:
    records = read_fusions(_file(tmp_path, text), profiled=["S1", "S2"])
    assert (records["gene1"][0], records["gene2"][0]) == ("EML4", "ALK")
    assert records.profiled == (RowKey("S1"), RowKey("S2"))


def test_fusions_of_one_sample_and_without_sample(tmp_path: Path) -> None:
    star = "#FusionName\tLeftGene\tRightGene\nEML4--ALK\tEML4^ENSG1\tALK^ENSG2\n"
    assert read_fusions(_file(tmp_path, star), sample="S9")["gene2"].tolist() == ["ALK"]
    with pytest.raises(InputError, match="without sample"):
        read_fusions(_file(tmp_path, star))
    with pytest.raises(InputError, match="without two genes"):
        read_fusions(_file(tmp_path, "a\tb\n1\t2\n"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A\tx\n", "without genes"),
        ("A\tx\tEGFR\nA\tx\tKRAS\n", "named twice"),
        ("A\tx\t1-Sep\n", "'1-Sep'"),
        ("", "any"),
    ],
)
def test_faulty_gene_sets_are_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_gmt(_file(tmp_path, text))


def test_gene_sets_weights_loci_and_panels(tmp_path: Path) -> None:
    assert read_gmt(_file(tmp_path, "A\tx\tEGFR,1.0\tKRAS\tEGFR\n")) == {"A": ("EGFR", "KRAS")}
    names, signatures, weights = read_weights(_file(tmp_path, "Type\tSBS1\tSBS4\nA[C>A]A\t0.1\t0.2\n"))
    assert (names, signatures, weights.tolist()) == (("A[C>A]A",), ("SBS1", "SBS4"), [[0.1, 0.2]])
    assert read_loci(_file(tmp_path, "chr7\t55086713\t55324313\tEGFR\n")) == {"EGFR": ("7", 55086714, 55324313)}
    with pytest.raises(InputError, match="line 1"):
        read_loci(_file(tmp_path, "chr7\tx\t1\tEGFR\n"))
    assert panel_of(_file(tmp_path, "stable_id: P\ngene_list: EGFR\tKRAS\n")) == ("EGFR", "KRAS")
    assert panel_of(_file(tmp_path, "EGFR\nKRAS\n")) == ("EGFR", "KRAS")


def test_dated_series(tmp_path: Path) -> None:
    text = "id,drawn,vaf\nP1,2020-01-01,0.12\nP1,2020-02-01,not detected\nP2,2020-01-05,\n"
    records = read_series(_file(tmp_path, text), "id", "drawn", ["vaf"], detection_limit=0.01)
    assert records["vaf"].tolist() == pytest.approx([0.12, 0.005, np.nan], nan_ok=True)
    assert records["vaf_below"].tolist() == pytest.approx([0, 1, np.nan], nan_ok=True)
    assert records["day"][1] - records["day"][0] == 31
    assert np.isnan(read_series(tmp_path / "x.txt", "id", "drawn", ["vaf"])["vaf"][1])
    for row, words in (
        ("P1,2020-01-01,1\n", "twice"),
        ("P3,,1\n", "without patient or date"),
        ("P3,2020-01-01,-1", "'-1'"),
    ):
        with pytest.raises(GenoxelError, match=words):
            read_series(_file(tmp_path, text + row + "\n"), "id", "drawn", ["vaf"])


def test_chromosomes_against_the_cytoband_table_of_hg19(real_data: Callable[[str], Path]) -> None:
    frame = pd.read_csv(real_data("genomics") / "maftools" / "hg19_cytobands.tsv.gz", sep="\t")
    frame["name_"] = frame["#chrom"].str.removeprefix("chr")
    assert dict(LENGTHS["hg19"]) == {n: g["chromEnd"].max() for n, g in frame.groupby("name_") if n in LENGTHS["hg19"]}
    short = frame[(frame["gieStain"] == "acen") & frame["name"].str.startswith("p")]
    assert dict(MIDDLES["hg19"]) == dict(zip(short["name_"], short["chromEnd"], strict=True))
    assert arm_span("1p", "hg19") == ("1", 1, 125000000)


def test_real_segments_lesions_and_gene_sets(real_data: Callable[[str], Path]) -> None:
    folder = real_data("genomics") / "maftools"
    assert len(read_segments(folder / "LAML_CBS_segments.tsv.gz", "hg19")) == 6470
    lesions = read_lesions(folder / "all_lesions.conf_99.txt")
    frame = pd.read_csv(folder / "all_lesions.conf_99.txt", sep="\t")
    calls = frame[~frame["Amplitude Threshold"].str.startswith("Actual")].iloc[:, 9:].dropna(axis=1, how="all")
    assert np.array_equal(lesions.values, calls.to_numpy(dtype=float).T)
    glioma = real_data("tcga-glioma") / "gbm84_cn_segments_hg18.csv.gz"
    with pytest.raises(InputError, match=r"overlapping segments of TCGA-06-0139 at 3:39066 .* and of 1 more"):
        read_segments(glioma, "hg18")
    said: list[str] = []
    known = read_segments(glioma, "hg18", overlap="unknown", say=said.append)
    frame = pd.read_csv(glioma)
    twice = set(frame["sample"][frame.duplicated(["sample", "chromosome", "start"])])
    assert {"TCGA-06-0139"} <= twice  # two samples under one name, as equal starts show
    assert set(frame["sample"]) - {row.patient for row in known.profiled or ()} == twice
    assert len(known) == (~frame["sample"].isin(twice)).sum()
    assert "TCGA-06-0139" in said[0]
    sets = read_gmt(real_data("genomics") / "genesets" / "hallmark_h.all.v7.0.symbols.gmt.gz")
    assert len(sets) == 50
    assert len(sets["HALLMARK_HYPOXIA"]) == 200


def test_real_cbioportal_folder(real_data: Callable[[str], Path]) -> None:
    folder = real_data("genomics") / "cbioportal_study_es_0"
    study = read_cbioportal(folder)
    assert study.build == "hg19"
    assert study.variants is not None
    assert study.fusions is not None
    frame = pd.read_csv(folder / "data_mutations_extended.maf", sep="\t", comment="#", dtype=str)
    assert len(study.variants) == len(frame)
    assert study.tables["gistic"].values.shape == (788, 8)
    assert {name.partition(" ")[0] for name in study.left_out} >= {"data_treatment_ic50.txt"}
    assert set(study.cohort().tables) == set(study.tables)
    matrix = pd.read_csv(folder / "data_gene_panel_matrix.txt", sep="\t")
    on_first = set(matrix.loc[matrix["mutations"] == "TESTPANEL1", "SAMPLE_ID"].str[:12])
    on_other = set(matrix.loc[matrix["mutations"] == "TESTPANEL2", "SAMPLE_ID"].str[:12])
    listed = {row.patient for row in study.variants.profiled or ()}
    # ABLIM1 is on the first panel only; who was on the second panel alone is unknown for it
    known = {who for who, word in status(study.variants, "ABLIM1").items() if word}
    assert on_first & listed <= known
    assert not (on_other - on_first) & known
    with pytest.raises(MissingFileError, match="no meta_"):
        read_cbioportal(real_data("genomics") / "maftools")
