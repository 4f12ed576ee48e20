"""Protein changes as files write them: fifty and more strings, each with the class a clinic would give it."""

from __future__ import annotations

import numpy as np
import pytest

from genoxel.core.records import Records
from genoxel.omics.hgvs import parse_protein, tert_promoter, variant_classes
from genoxel.omics.variants import status

STRINGS = [
    # (gene, text, kind, first residue, last residue, class)
    ("EGFR", "p.L858R", "missense", 858, 858, "L858R"),
    ("EGFR", "p.Leu858Arg", "missense", 858, 858, "L858R"),
    ("EGFR", "L858R", "missense", 858, 858, "L858R"),
    ("EGFR", "ENSP00000275493.2:p.Leu858Arg", "missense", 858, 858, "L858R"),
    ("EGFR", "NP_005219.2:p.(Leu858Arg)", "missense", 858, 858, "L858R"),
    ("EGFR", "p.L858Q", "missense", 858, 858, ""),
    ("EGFR", "p.T790M", "missense", 790, 790, "T790M"),
    ("EGFR", "p.Thr790Met", "missense", 790, 790, "T790M"),
    ("EGFR", "p.C797S", "missense", 797, 797, "C797S"),
    ("EGFR", "p.G719A", "missense", 719, 719, "G719X"),
    ("EGFR", "p.G719S", "missense", 719, 719, "G719X"),
    ("EGFR", "p.S768I", "missense", 768, 768, "S768I"),
    ("EGFR", "p.L861Q", "missense", 861, 861, "L861Q"),
    ("EGFR", "p.E746_A750del", "deletion", 746, 750, "exon 19 deletion"),
    ("EGFR", "p.Glu746_Ala750del", "deletion", 746, 750, "exon 19 deletion"),
    ("EGFR", "p.E746_A750delELREA", "deletion", 746, 750, "exon 19 deletion"),
    ("EGFR", "p.(E746_A750del)", "deletion", 746, 750, "exon 19 deletion"),
    ("EGFR", "p.L747_P753delinsS", "deletion-insertion", 747, 753, "exon 19 deletion"),
    ("EGFR", "p.E746_S752>V", "deletion-insertion", 746, 752, "exon 19 deletion"),
    ("EGFR", "p.L747_T751del", "deletion", 747, 751, "exon 19 deletion"),
    ("EGFR", "p.Leu747_Pro753delinsSer", "deletion-insertion", 747, 753, "exon 19 deletion"),
    ("EGFR", "p.L747_A750delinsP", "deletion-insertion", 747, 750, "exon 19 deletion"),
    ("EGFR", "p.K745_E746insIPVAIK", "insertion", 745, 746, ""),
    ("EGFR", "p.D770_N771insSVD", "insertion", 770, 771, "exon 20 insertion"),
    ("EGFR", "p.A767_V769dup", "duplication", 767, 769, "exon 20 insertion"),
    ("EGFR", "p.Ala767_Val769dup", "duplication", 767, 769, "exon 20 insertion"),
    ("EGFR", "p.H773dup", "duplication", 773, 773, "exon 20 insertion"),
    ("EGFR", "p.N771delinsGY", "deletion-insertion", 771, 771, "exon 20 insertion"),
    ("KRAS", "p.G12D", "missense", 12, 12, "G12D"),
    ("KRAS", "p.Gly12Cys", "missense", 12, 12, "G12C"),
    ("KRAS", "p.G12V", "missense", 12, 12, "G12V"),
    ("KRAS", "p.G12F", "missense", 12, 12, "G12 other"),
    ("KRAS", "p.G13D", "missense", 13, 13, "G13"),
    ("NRAS", "p.Q61R", "missense", 61, 61, "Q61"),
    ("KRAS", "p.G112D", "missense", 112, 112, ""),
    ("BRAF", "p.V600E", "missense", 600, 600, "V600E"),
    ("BRAF", "p.Val600Lys", "missense", 600, 600, "V600 other"),
    ("BRAF", "p.K601E", "missense", 601, 601, ""),
    ("IDH1", "p.R132H", "missense", 132, 132, "R132H"),
    ("IDH1", "p.Arg132Cys", "missense", 132, 132, "R132 other"),
    ("IDH1", "R132S", "missense", 132, 132, "R132 other"),
    ("IDH2", "p.R172K", "missense", 172, 172, "R172"),
    ("IDH2", "p.R140Q", "missense", 140, 140, "R140"),
    ("H3-3A", "p.K27M", "missense", 27, 27, "K27M"),
    ("H3F3A", "p.Lys28Met", "missense", 28, 28, "K27M"),
    ("H3-3A", "p.G35R", "missense", 35, 35, "G34R/V"),
    ("H3C2", "p.K28M", "missense", 28, 28, "K27M"),
    ("TP53", "p.R175H", "missense", 175, 175, ""),
    ("TP53", "p.R196*", "nonsense", 196, 196, ""),
    ("TP53", "p.Arg196Ter", "nonsense", 196, 196, ""),
    ("TP53", "p.R196X", "nonsense", 196, 196, ""),
    ("TP53", "p.P72fs", "frameshift", 72, 72, ""),
    ("TP53", "p.Pro72ArgfsTer51", "frameshift", 72, 72, ""),
    ("TP53", "p.P72Rfs*51", "frameshift", 72, 72, ""),
    ("TP53", "p.X125_splice", "splice", 125, 125, ""),
    ("MET", "p.X1010_splice", "splice", 1010, 1010, "exon 14 splice"),
    ("TP53", "p.R273=", "silent", 273, 273, ""),
    ("TP53", "p.Arg273=", "silent", 273, 273, ""),
    ("VHL", "p.Met1?", "start lost", 1, 1, ""),
    ("VHL", "p.*214Leuext*14", "extension", 214, 214, ""),
    ("BRAF", "p.V600_K601delinsE", "deletion-insertion", 600, 601, ""),
    ("ERBB2", "p.Y772_A775dup", "duplication", 772, 775, "exon 20 insertion"),
]


@pytest.mark.parametrize(("gene", "text", "kind", "start", "end", "name"), STRINGS)
def test_a_protein_change_is_read_and_classed(gene: str, text: str, kind: str, start: int, end: int, name: str) -> None:
    change = parse_protein(text)
    assert change is not None
    assert (change.kind, change.start, change.end) == (kind, start, end)
    assert variant_classes(gene, text) == ((name,) if name else ())


@pytest.mark.parametrize("text", ["", "p.?", "p.=", ".", "exon 19", "c.35G>A", "p.0", "G12", "rs121913529"])
def test_what_is_no_protein_change_is_none(text: str) -> None:
    assert parse_protein(text) is None
    assert variant_classes("KRAS", text) == ()


@pytest.mark.parametrize(
    ("text", "growth"),
    [("p.E746_A750del", -5), ("p.L747_P753delinsS", -6), ("p.A767_V769dup", 3), ("p.D770_N771insSVD", 3), ("p.R1H", 0)],
)
def test_how_many_residues_come_or_go(text: str, growth: int) -> None:
    change = parse_protein(text)
    assert change is not None
    assert change.growth == growth


def test_promoter_of_tert() -> None:
    assert tert_promoter("ENST:c.-124C>T") == "C228T"
    assert tert_promoter(start=1295250, build="hg19") == "C250T"
    assert tert_promoter(start=1295113, build="hg38") == "C228T"
    assert tert_promoter(start=1295228, build="hg38") == ""
    assert tert_promoter() == ""


def test_a_hotspot_may_be_a_class() -> None:
    rows = ("P1", "P2", "P3", "P4")
    fields = {
        "gene": np.array(["EGFR"] * 4, dtype=object),
        "classification": np.array(
            ["In_Frame_Del", "Missense_Mutation", "In_Frame_Ins", "Missense_Mutation"], dtype=object
        ),
        "protein": np.array(["p.E746_A750del", "p.L858R", "p.D770_N771insSVD", ""], dtype=object),
    }
    records = Records("variants", rows, fields, ("P1", "P2", "P3", "P4", "P5"))
    found = status(records, "EGFR", ["exon 19 deletion", "L858R"])
    assert found == {"P1": "mutant", "P2": "mutant", "P3": "wild type", "P4": None, "P5": "wild type"}
    h3 = Records(
        "variants",
        ("P1",),
        {
            **{k: v[:1] for k, v in fields.items()},
            "gene": np.array(["H3-3A"], object),
            "classification": np.array(["Missense_Mutation"], object),
            "protein": np.array(["p.K28M"], object),
        },
        ("P1",),
    )
    assert status(h3, "H3-3A", "K27M") == {"P1": "mutant"}
