"""Gene symbols: against rows of HGNC's own file, and every trace that spreadsheets leave."""

from __future__ import annotations

import pytest

from genoxel.omics.symbols import current, damaged, former_symbols, repaired

HGNC_FILE = {
    "A1BGAS": "A1BG-AS1", "NCRNA00181": "A1BG-AS1", "CPAMD9": "A2ML1", "A2MP": "A2MP1", "A3GALT2P": "A3GALT2",
    "P1": "A4GALT", "AACSL": "AACSP1", "C11orf67": "AAMDC", "C20orf4": "AAR2", "C8orf85": "AARD", "AARS": "AARS1",
    "AARSP1": "AARS1P1", "AARSL": "AARS2",
}  # fmt: skip
"""prev_symbol -> symbol of the first rows of hgnc_complete_set.txt (2025) that have one, copied by hand."""
TUMOUR = {
    "MLL": "KMT2A", "MLL2": "KMT2D", "MLL3": "KMT2C", "H3F3A": "H3-3A", "H3F3B": "H3-3B", "HIST1H3B": "H3C2",
    "HIST1H3C": "H3C3", "PARK2": "PRKN", "FAM123B": "AMER1", "WHSC1": "NSD2", "MRE11A": "MRE11", "CTGF": "CCN2",
    "CDCA1": "NUF2", "KNTC2": "NDC80", "ORC6L": "ORC6", "GPR124": "ADGRA2", "C11orf30": "EMSY", "CTSL2": "CTSV",
}  # fmt: skip
"""Names that tumour studies of the last twenty years use."""


def test_former_symbols_are_those_of_hgnc() -> None:
    known = former_symbols()
    assert len(known) == 17_118
    assert {name: known.get(name) for name in HGNC_FILE | TUMOUR} == HGNC_FILE | TUMOUR
    assert [name for name in ("TP53", "EGFR", "KMT2D", "SEPTIN9", "MARCHF1", "DELEC1", "IDH1") if name in known] == []
    # recalled once, and not confirmed by HGNC's previous symbols: they stay as they are
    assert (current("MLL4"), current("SEP15")) == ("MLL4", "SEP15")


def test_a_current_symbol_never_leads_on() -> None:
    known = former_symbols()
    assert [name for name in known.values() if name in known] == []


def test_the_three_families_are_repaired_whole() -> None:
    septins = {f"{day}-Sep": f"SEPTIN{day}" for day in (*range(1, 13), 14)}
    marches = {f"{day}-Mar": f"MARCHF{day}" for day in range(3, 12)}
    open_ones = dict.fromkeys(["1-Mar", "2-Mar", "12-Mar", "15-Sep", "16-Sep", "2-Dec", "31-Dec"], "")
    expected = {**septins, "13-Sep": "SEPTIN7P2", **marches, "1-Dec": "DELEC1", **open_ones}
    assert repaired(expected) == expected
    assert damaged(["1-Mar"])["1-Mar"] == ("MARCHF1", "MTARC1", "MARCH1", "MARC1")


@pytest.mark.parametrize(
    ("symbol", "gene"),
    [
        ("Sep-01", "SEPTIN1"), ("01-Sep", "SEPTIN1"), ("1-Sep-21", "SEPTIN1"), ("1/Sep/2021", "SEPTIN1"),
        ("2021-09-01", "SEPTIN1"), ("2021-09-01 00:00:00", "SEPTIN1"), ("1-SEP", "SEPTIN1"), ("1SEP", "SEPTIN1"),
        ("44440", "SEPTIN1"), ("44440.0", "SEPTIN1"), ("37316", "MARCHF1 or MTARC1"), ("37318", "MARCHF3"),
        ("01. Sep", "SEPTIN1"), ("03. Mrz", "MARCHF3"), ("3. Mär", "MARCHF3"), ("01. Dez", "DELEC1"),
        ("1-déc", "DELEC1"), ("1-set", "SEPTIN1"), ("9-sept.", "SEPTIN9"),
        ("4-Oct", ""), ("Oct-04", ""), ("3-Apr", ""), ("2-Feb", ""), ("01/09/2021", ""), ("9.1.2021", ""),
        ("2.31E+19", ""), ("2.31e19", ""), ("1E+05", ""), ("40000", ""),
    ],
)  # fmt: skip
def test_each_trace_of_a_spreadsheet_is_repaired_or_listed(symbol: str, gene: str) -> None:
    assert repaired(["TP53", symbol]) == {symbol: "" if " or " in gene else gene}


@pytest.mark.parametrize(
    "symbol",
    ["SEPT9", "MARCH1", "DEC1", "OCT4", "Oct-4", "APR-3", "NOV", "JUN", "MAY1", "2310009E13", "7SK", "5S_rRNA", "U3",
     "hsa-mir-21", "RP11-34P13.7", "HLA-A", "CT45A1", "ENSG00000141510.16", "1007_s_at", "E2F1", "SEPTIN9"],
)  # fmt: skip
def test_whole_names_are_left_alone(symbol: str) -> None:
    assert damaged(["TP53", symbol]) == {}


def test_numbers_that_are_identifiers_are_no_days() -> None:
    entrez = ["1956", "7157", "44440", "51234", "3417", "3418", "672", "675", "5728", "4763", "999", "472"]
    assert damaged(entrez) == {}
    assert list(damaged([*(f"GENE{number}" for number in range(20)), *entrez])) == ["44440", "51234"]
