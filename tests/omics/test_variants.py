"""Mutant, wild type, unknown: against truths made by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genoxel.core.errors import TableError
from genoxel.core.records import Records
from genoxel.omics.symbols import damaged
from genoxel.omics.variants import at_hotspot, not_understood, status, status_table


def _records(
    *events: tuple[str, str, str, str | None], profiled: str | None = None, genes: str | None = None
) -> Records:
    who, gene, classification, protein = (list(part) for part in zip(*events, strict=True)) if events else ([],) * 4
    fields = {
        "gene": np.array(gene, dtype=object),
        "classification": np.array(classification, dtype=object),
        "protein": np.array(protein, dtype=object),
    }
    listed = None if profiled is None else tuple(profiled.split())
    return Records("variants", tuple(who), fields, listed, None if genes is None else tuple(genes.split()))  # type: ignore[arg-type]


MISSENSE, SILENT = "Missense_Mutation", "Silent"


def test_wild_type_needs_evidence() -> None:
    events = [("P1", "IDH1", MISSENSE, "p.R132H"), ("P2", "IDH1", SILENT, "p.A1A"), ("P3", "TP53", MISSENSE, "p.R175H")]
    assert status(_records(*events), "IDH1") == {"P1": "mutant", "P2": None, "P3": None}
    listed = _records(*events, profiled="P1 P2 P4")
    assert status(listed, "IDH1") == {"P1": "mutant", "P2": "wild type", "P4": "wild type", "P3": None}
    assert status(listed, "IDH1", patients=["P9", "P1"]) == {"P9": None, "P1": "mutant"}
    panel = _records(*events, profiled="P1 P2", genes="IDH1")
    assert status(panel, "TP53", patients=["P2", "P3"]) == {"P2": None, "P3": "mutant"}
    assert status(_records(), "IDH1") == {}


def test_either_gene_makes_mutant_and_both_must_be_covered() -> None:
    events = [("P1", "IDH2", MISSENSE, "p.R172K")]
    assert status(_records(*events, profiled="P1 P2"), "IDH1|IDH2") == {"P1": "mutant", "P2": "wild type"}
    assert status(_records(*events, profiled="P1 P2", genes="IDH2"), "IDH1 | IDH2") == {"P1": "mutant", "P2": None}


@pytest.mark.parametrize(
    ("gene", "classification", "expected"),
    [
        ("TP53", "Nonsense_Mutation", "mutant"),
        ("TP53", "In_Frame_Del", "mutant"),
        ("TP53", "splice_site", "mutant"),
        ("TP53", "Intron", "wild type"),
        ("TP53", "3'UTR", "wild type"),
        ("TP53", "Splice_Region", "wild type"),
        ("TP53", "5'Flank", "wild type"),
        ("TERT", "5'Flank", "mutant"),
        ("TP53", "Something_New", None),
        ("TP53", "", None),
    ],
)
def test_classes(gene: str, classification: str, expected: str | None) -> None:
    records = _records(("P1", gene, classification, ""), profiled="P1")
    assert status(records, gene) == {"P1": expected}


def test_hotspots() -> None:
    events = [
        ("P1", "EGFR", MISSENSE, "p.L858R"),
        ("P2", "EGFR", MISSENSE, "p.L858M"),
        ("P3", "EGFR", MISSENSE, "p.Leu858Arg"),
        ("P4", "EGFR", MISSENSE, None),
        ("P5", "EGFR", MISSENSE, "p.G719X"),
    ]
    records = _records(*events, profiled="P1 P2 P3 P4 P5")
    exact = {"P1": "mutant", "P2": "wild type", "P3": "mutant", "P4": None, "P5": "wild type"}
    assert status(records, "EGFR", "L858R") == exact
    assert status(records, "EGFR", ["L858", "G719"])["P2"] == "mutant"
    assert status(records, "EGFR", ["L858", "G719"])["P5"] == "mutant"
    with pytest.raises(TableError, match="hotspot 'R13x2'"):
        status(records, "EGFR", "R13x2")
    bare = Records("variants", ("P1",), {"gene": np.array(["A"]), "classification": np.array(["Silent"])})  # type: ignore[arg-type]
    with pytest.raises(TableError, match="HGVSp_Short"):
        status(bare, "A", "R132")


@given(st.sampled_from("ARNDCQEGHILKMFPSTWYV"), st.integers(1, 2500), st.sampled_from("ARNDCQEGHILKMFPSTWYV*"))
def test_a_hotspot_is_that_residue_and_no_other(old: str, place: int, new: str) -> None:
    change = f"p.{old}{place}{new}"
    if new == old:
        assert not at_hotspot(change, f"{old}{place}")  # nothing changed
        return
    assert at_hotspot(change, f"{old}{place}")
    assert at_hotspot(change, f"{old}{place}{new}")
    assert not at_hotspot(change, f"{old}{place + 1}")
    assert not at_hotspot(f"p.{old}{place}0{new}", f"{old}{place}")


@pytest.mark.parametrize(
    ("change", "spot", "expected"),
    [
        ("ENSP00000260985.2:p.Arg132His", "R132", True),
        ("p.(Arg132His)", "R132H", True),
        ("p.R132H", "p.Arg132His", True),
        ("p.P72Rfs*51", "P72fs", True),
        ("p.E746_A750del", "L747", True),
        ("p.E746_A750del", "E746_A750del", True),
        ("p.E746_A750delELREA", "p.Glu746_Ala750del", True),
        ("p.E746_A750del", "K745", False),
        ("p.D770_N771insSVD", "D770", True),
        ("p.D770_N771insSVD", "N771", False),
        ("p.R196X", "R196*", True),
        ("p.M1V", "M1L", False),
        ("p.R132R", "R132", False),
    ],
)
def test_hotspots_in_every_spelling(change: str, spot: str, expected: bool) -> None:
    records = _records(("P1", "G", MISSENSE, change), profiled="P1")
    assert at_hotspot(change, spot) == expected
    wild = None if change == "p.R132R" else "wild type"  # no change in an altering class: a contradiction
    assert status(records, "G", spot) == {"P1": "mutant" if expected else wild}


@pytest.mark.parametrize("text", ["p.?", "p.=", "p.[R132H;G105S]", "p.R132H?", "p.(R132H", "p.r132h", "R132", "rs1219"])
def test_a_change_that_is_not_understood_is_no_wild_type(text: str) -> None:
    records = _records(("P1", "IDH1", MISSENSE, text), profiled="P1 P2")
    assert status(records, "IDH1", "R132") == {"P1": None, "P2": "wild type"}
    assert status(records, "IDH1", "R132H") == {"P1": None, "P2": "wild type"}
    assert status(records, "IDH1") == {"P1": "mutant", "P2": "wild type"}


def test_changes_that_are_not_understood_are_listed_with_their_patients() -> None:
    events = [
        ("P1", "IDH1", MISSENSE, "p.[R132H;G105S]"),
        ("P2", "IDH1", MISSENSE, "p.[R132H;G105S]"),
        ("P3", "IDH1", MISSENSE, "p.?"),
        ("P4", "IDH1", "Silent", "p.="),
        ("P5", "TP53", MISSENSE, "p.?"),
        ("P6", "IDH1", MISSENSE, ""),
        ("P7", "IDH1", MISSENSE, "p.R132H"),
    ]
    assert not_understood(_records(*events), ["IDH1"]) == {"p.?": ("P3",), "p.[R132H;G105S]": ("P1", "P2")}


def test_a_table_of_genes_with_unknown_as_missing() -> None:
    events = [("P1", "IDH1", MISSENSE, "p.R132H"), ("P1", "TP53", MISSENSE, "p.R175H")]
    table = status_table(_records(*events, profiled="P1 P2"), ["IDH1", "TP53"], {"IDH1": ["R132"]}, ["P1", "P2", "P3"])
    assert table.kind == "mutations"
    assert np.array_equal(table.values, [[1, 1], [0, 0], [np.nan, np.nan]], equal_nan=True)
    assert table.columns[0].levels == ("wild type", "mutant")
    assert "R132" in table.columns[0].definition
    assert status_table(_records(), ["IDH1"]).values.shape == (0, 1)
    assert status_table(_records(*events), ["IDH1"]).patients == ("P1",)


def test_spreadsheet_damage_is_seen_and_blocks_the_gene_it_may_be() -> None:
    good = ["TP53", "SEPT9", "MARCH1", "SEPTIN1", "MARCHF1", "H3-3A", "NKX2-1", "HLA-A", "1433", "C1orf112", "MT-ND1"]
    assert damaged(good) == {}
    found = damaged(["1-Sep", "Mar-02", "2019-03-01", "44440", "2.31E+19", "10-Dec", "1-Sep-21"])
    assert found["1-Sep"] == ("SEPTIN1", "SEPT1")
    assert "MARCHF2" in found["Mar-02"]
    assert found["10-Dec"] == ("DELEC10", "DEC10")
    assert found["44440"] == ("SEPTIN1", "SEPT1")  # day 44440 of a spreadsheet is 1 September 2021
    assert found["2.31E+19"] == ()
    assert len(found) == 7
    records = _records(("P1", "1-Sep", MISSENSE, "p.A1B"), profiled="P1")
    with pytest.raises(TableError, match="may have been SEPTIN1"):
        status(records, "SEPTIN1")
    assert status(records, "TP53") == {"P1": "wild type"}
