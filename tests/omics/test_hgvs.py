"""Protein changes as files write them: fifty and more strings, each with the class a clinic would give it.

What is right is taken from the pages of the HGVS nomenclature (recommendations for proteins), from the residues and
bases of published calls, and from arithmetic with them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from genoxel.core.records import Records
from genoxel.omics.hgvs import CLASSES, parse_protein, tert_promoter, variant_classes
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


NOMENCLATURE = [
    # the examples of the HGVS pages substitution, deletion, insertion, delins, frameshift and extension of proteins
    ("p.(Arg54Ser)", "missense", 54, 54, 0),
    ("LRG_199p1:p.Trp24Cys", "missense", 24, 24, 0),
    ("NP_003997.1:p.(Trp24Cys)", "missense", 24, 24, 0),
    ("LRG_199p1:p.Trp24Ter", "nonsense", 24, 24, 0),
    ("p.Trp24*", "nonsense", 24, 24, 0),
    ("NP_003997.1:p.Cys188=", "silent", 188, 188, 0),
    ("LRG_199p1:p.(Met1?)", "start lost", 1, 1, 0),
    ("NP_003997.1:p.Leu2_Met124del", "deletion", 2, 124, -123),
    ("p.Met1_Leu2insArgSerThrVal", "insertion", 1, 2, 4),
    ("p.Met1ext-5", "extension", 1, 1, 0),
    ("NP_003997.2:p.Val7del", "deletion", 7, 7, -1),
    ("NP_003997.2:p.(Pro458_Gly460del)", "deletion", 458, 460, -3),
    ("p.Gly2_Met46del", "deletion", 2, 46, -45),
    ("NP_003997.2:p.(His321Leufs*3)", "frameshift", 321, 321, 0),
    ("p.(Lys23_Leu24insArgSerGln)", "insertion", 23, 24, 3),
    ("p.His4_Gln5insAla", "insertion", 4, 5, 1),
    ("p.Arg78_Gly79insX[23]", "insertion", 78, 79, 23),
    ("NP_003997.1:p.(Val582_Asn583insXXXXX)", "insertion", 582, 583, 5),
    ("p.(Met3_His4insGlyTer)", "insertion", 3, 4, 0),  # a stop comes in: no longer by what is counted
    ("NP_060250.2:p.Gln746_Lys747ins*63", "insertion", 746, 747, 0),
    ("p.Cys28delinsTrpVal", "deletion-insertion", 28, 28, 1),
    ("p.Cys28_Lys29delinsTrp", "deletion-insertion", 28, 29, -1),
    ("p.Arg76_Cys77delinsSerTrp", "deletion-insertion", 76, 77, 0),
    ("p.(Pro578_Lys579delinsLeuTer)", "deletion-insertion", 578, 579, 0),
    ("NP_000213.1:p.(Val559_Glu561del)", "deletion", 559, 561, -3),
    ("NP_003070.3:p.(Glu125_Ala132delinsGlyLeuHisArgPheIleValLeu)", "deletion-insertion", 125, 132, 0),
    ("p.Arg97ProfsTer23", "frameshift", 97, 97, 0),
    ("p.Arg97Profs*23", "frameshift", 97, 97, 0),
    ("p.Arg97fs", "frameshift", 97, 97, 0),
    ("p.Ile327Argfs*?", "frameshift", 327, 327, 0),
    ("p.Ter110GlnextTer17", "extension", 110, 110, 0),
    ("p.(*110Glnext*17)", "extension", 110, 110, 0),
    ("p.Ter327Argext*?", "extension", 327, 327, 0),
]


@pytest.mark.parametrize(("text", "kind", "start", "end", "growth"), NOMENCLATURE)
def test_the_examples_of_the_nomenclature_are_read(text: str, kind: str, start: int, end: int, growth: int) -> None:
    change = parse_protein(text)
    assert change is not None
    assert (change.kind, change.start, change.end, change.growth) == (kind, start, end, growth)


MALFORMED = [
    # forms that the same pages call wrong, or that leave open what is meant
    *("p.Cys76_Cys76del", "p.Glu79_Cys76del", "p.Lys23_Asn25insAsp", "p.[Arg76Ser;Cys77Trp]", "p.[Ser44Arg;Trp46Arg]"),
    *("p.TrpVal24CysArg", "p.Gln2366Gln/Lys", "p.2366Gln/Lys", "p.Arg45del6", "p.EX17del", "p.Tyr4TerfsTer1"),
    *("p.(Gly56Ala^Ser^Cys)", "p.Trp24=/Cys", "p.Arg782Xaa", "p.123^124Ala", "p.His4Gln5insAla", "p.0?", "deltaF508"),
    # cut, closed wrongly, other letters, other signs, numbers that contradict the letters
    *("p.V600", "p.(V600E", "p.V600E)", "p.[V600E", "p.V600E?", "p.V600EE", "p.V600E*", "p.Val600_Glu", "p.V600_E"),
    *("p.v600e", "p.Val600glu", "p.VAL600GLU", "V 600 E", "pV600E", "p..V600E", "p.600E", "p.?600E", "p.12G>D"),
    *("p.V600B", "p.Z600E", "p.V0E", "p.V\u2212600E", "p.V600\u0415", "p.V600E\u200b", "p.V\u0666\u0660\u0660E"),
    *("p.V600E;p.K601E", "p.V600E,K601E", "p.V600E/K", "p.E746_A750delELR", "p.307_309NV>K", "p.P72fs lorem"),
    *("600", "V", "-", "NA", "nan", "Missense", "1-Sep", "c.1799T>A", "g.140453136A>T"),
]


@pytest.mark.parametrize("text", MALFORMED)
def test_what_is_wrong_or_open_is_not_guessed(text: str) -> None:
    assert parse_protein(text) is None
    assert [name for gene in CLASSES for name in variant_classes(gene, text)] == []


CODING = [
    # (gene, coding change, protein change): by arithmetic, base n of the coding sequence lies in codon (n + 2) // 3
    ("BRAF", "c.1799T>A", "p.V600E"),
    ("KRAS", "c.35G>A", "p.G12D"),
    ("KRAS", "c.34G>T", "p.G12C"),
    ("KRAS", "c.38G>A", "p.G13D"),
    ("EGFR", "c.2573T>G", "p.L858R"),
    ("EGFR", "c.2369C>T", "p.T790M"),
    ("EGFR", "c.2235_2249del", "p.E746_A750del"),
    ("EGFR", "c.2236_2250del", "p.E746_A750del"),
    ("EGFR", "c.2240_2257del", "p.L747_P753delinsS"),
    ("IDH1", "c.395G>A", "p.R132H"),
    ("IDH1", "c.394C>T", "p.R132C"),
    ("IDH2", "c.515G>A", "p.R172K"),
    ("PIK3CA", "c.3140A>G", "p.H1047R"),
    ("PIK3CA", "c.1633G>A", "p.E545K"),
    ("TP53", "c.524G>A", "p.R175H"),
    ("TP53", "c.586C>T", "p.R196*"),
    ("H3-3A", "c.83A>T", "p.K28M"),
    ("KIT", "c.1676_1684del", "p.V559_E561del"),
]


@pytest.mark.parametrize(("gene", "coding", "protein"), CODING)
def test_the_residue_is_that_of_the_codon(gene: str, coding: str, protein: str) -> None:
    first, _, last = coding.removeprefix("c.").rstrip("ACGT>del").partition("_")
    change = parse_protein(protein)
    assert change is not None, gene
    if not last:
        assert change.start == change.end == (int(first) + 2) // 3
    else:
        assert change.growth * 3 == -(int(last) - int(first) + 1)  # whole codons go
        assert abs(change.start - (int(first) + 2) // 3) <= 1  # the first residue that differs
        assert change.end >= int(last) // 3


@pytest.mark.parametrize(
    ("text", "kind", "start", "end", "growth"),
    [
        ("p.307_309NVE>K", "deletion-insertion", 307, 309, -2),
        ("p.594_600FREYEYD>Y", "deletion-insertion", 594, 600, -6),
        ("p.310_311TQ>TKQNPQ", "deletion-insertion", 310, 311, 4),
        ("p.600_600D>DSSDNEY", "deletion-insertion", 600, 600, 6),
        ("p.317_318insM", "insertion", 317, 318, 1),
        ("p.SG140del", "deletion", 140, 141, -2),
        ("p.PPDSHHSR95del", "deletion", 95, 102, -8),
        ("p.KIM2014fs", "frameshift", 2014, 2014, 0),
        ("p.-920fs", "frameshift", 920, 920, 0),
    ],
)
def test_the_old_forms_of_tcga(text: str, kind: str, start: int, end: int, growth: int) -> None:
    change = parse_protein(text)
    assert change is not None
    assert (change.kind, change.start, change.end, change.growth) == (kind, start, end, growth)


KINDS = {
    "Missense_Mutation": {"missense", "start lost"},
    "Nonsense_Mutation": {"nonsense"},
    "Silent": {"silent"},
    "Frame_Shift_Del": {"frameshift"},
    "Frame_Shift_Ins": {"frameshift"},
    "In_Frame_Del": {"deletion", "deletion-insertion"},
    "In_Frame_Ins": {"insertion", "deletion-insertion", "duplication"},
}


def test_every_protein_change_of_the_leukaemias_of_tcga_agrees_with_its_bases(real_data: Callable[[str], Path]) -> None:
    """2,000 changes in the old dialect: the kind is that of the caller's class, the growth that of the bases."""
    frame = pd.read_csv(real_data("genomics") / "maftools" / "tcga_laml.maf.gz", sep="\t", dtype=str, na_filter=False)
    columns = ("Protein_Change", "Variant_Classification", "Reference_Allele", "Tumor_Seq_Allele2")
    seen: Counter[str] = Counter()
    behind_stops = 0
    for text, kind, ref, alt in frame[list(columns)].itertuples(index=False):
        if kind not in KINDS or not text:
            continue
        change = parse_protein(text)
        if "*" in text.rstrip("*") and kind.startswith("In_Frame"):  # residues behind a stop: no such protein
            assert change is None, text
            behind_stops += 1
            continue
        assert change is not None, text
        assert change.kind in KINDS[kind], (text, kind)
        if kind.startswith("In_Frame") and text != "p.594_600FREYEYD>Y":  # two residues go by its bases
            assert change.growth * 3 == len(alt.replace("-", "")) - len(ref.replace("-", "")), text
        seen[kind] += 1
    assert sum(seen.values()) > 2000
    assert min(seen.values()) >= 10
    assert behind_stops == 6


def test_both_spellings_of_a_real_maf_are_one_change_at_the_residue_of_its_codon(
    real_data: Callable[[str], Path],
) -> None:
    path = real_data("genomics") / "cbioportal_study_es_0" / "data_mutations_extended.maf"
    frame = pd.read_csv(path, sep="\t", dtype=str, na_filter=False, comment="#")
    compared = 0
    for long, short, place, residues in frame[["HGVSp", "HGVSp_Short", "Protein_position", "Amino_acids"]].itertuples(
        index=False
    ):
        one, other = parse_protein(long), parse_protein(short)
        if one is None or other is None:
            assert long in ("", "p.=")
            continue
        assert one == other, (long, short)
        if residues == f"{other.ref}/{other.alt}":  # some rows of this study hold another variant's annotation
            assert place.partition("/")[0] == str(other.start)
            compared += 1
    assert compared >= 7


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
