"""Gene symbols as they should be, and the traces that spreadsheets leave on them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable

_MONTHS = {"mar": ("MARCHF", "MTARC", "MARCH", "MARC"), "sep": ("SEPTIN", "SEPT"), "dec": ("DELEC", "DEC")}
_DATE = re.compile(r"(?:(\d{1,2})[-/ .]?([A-Za-z]{3})[a-z]*|([A-Za-z]{3})[a-z]*[- ./](\d{1,2}))(?:[-/ .]\d{2,4})?")
_ISO = re.compile(r"\d{4}-(\d{2})-(\d{2}).*")
_SERIAL = re.compile(r"([3-5]\d{4})(\.0)?")
_FIRST_DAY = dt.date(1899, 12, 30)
"""Day 0 of spreadsheets, as they count from 1900 with a 29 February that never was."""
_MARC = (1, 2)
"""MARC1 and MARC2 are the only genes of that name, so that any other day in March was a MARCH gene."""
_POWER = re.compile(r"\d+(\.\d+)?[eE]\+?\d+")


def damaged(symbols: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the symbols that a spreadsheet has turned into dates or numbers, each with the genes it may have been.

    Sources: Ziemann et al., Genome Biology 2016 (gene names converted to dates and floating-point numbers).

    >>> damaged(["TP53", "1-Sep", "2-Mar", "44440", "2.31E+19"])["1-Sep"]
    ('SEPTIN1', 'SEPT1')
    """
    return {symbol: found for symbol in dict.fromkeys(symbols) if (found := _origin(symbol.strip())) is not None}


def _origin(symbol: str) -> tuple[str, ...] | None:
    if found := _DATE.fullmatch(symbol):
        number, month = (found[1], found[2]) if found[1] else (found[4], found[3])
        # SEPT9 and MARCH1 themselves have the shape of a date without its separator
        if month.casefold() in _MONTHS and (found[1] or re.search(r"[- ./]", symbol)):
            return _genes_of(month.casefold(), int(number))
        return None
    if found := _SERIAL.fullmatch(symbol):
        day = _FIRST_DAY + dt.timedelta(days=int(found[1]))
        return _genes_of({3: "mar", 9: "sep", 12: "dec"}.get(day.month, ""), day.day)
    if found := _ISO.fullmatch(symbol):
        return _genes_of({3: "mar", 9: "sep", 12: "dec"}.get(int(found[1]), ""), int(found[2]))
    return () if _POWER.fullmatch(symbol) else None


def _genes_of(month: str, number: int) -> tuple[str, ...]:
    return tuple(f"{stem}{number}" for stem in _MONTHS.get(month, ()))


def repaired(symbols: Iterable[str]) -> dict[str, str]:
    """Return the damaged symbols with the gene that each must have been, or an empty text where that cannot be told.

    "1-Sep" and the day number 44440 (1 September 2021) can only have been SEPT1, today SEPTIN1. "1-Mar" can have been
    MARCH1 or MARC1, and "2.31E+19" any of ten clones: these stay open. Source of the new names: HGNC (Bruford et al.,
    Nature Genetics 2020).

    >>> repaired(["TP53", "1-Sep", "44440", "3-Mar", "1-Mar", "2.31E+19"])
    {'1-Sep': 'SEPTIN1', '44440': 'SEPTIN1', '3-Mar': 'MARCHF3', '1-Mar': '', '2.31E+19': ''}
    """
    result = {}
    for symbol, origins in damaged(symbols).items():
        stems = {re.sub(r"\d+$", "", origin): int(re.sub(r"\D", "", origin)) for origin in origins}
        number = next(iter(stems.values()), 0)
        result[symbol] = ""
        if "SEPTIN" in stems and number in _SEPTINS:
            result[symbol] = f"SEPTIN{number}"
        elif "SEPTIN" in stems and number == 15:
            result[symbol] = "SELENOF"
        elif "MARCHF" in stems and number not in _MARC and number <= 11:
            result[symbol] = f"MARCHF{number}"
        elif "DELEC" in stems and number == 1:
            result[symbol] = "DELEC1"
    return result


_SEPTINS = (*range(1, 13), 14)


def without_version(name: str) -> str:
    """Return an Ensembl identifier without its version; other names stay.

    >>> without_version("ENSG00000141510.16"), without_version("RP11-34P13.7")
    ('ENSG00000141510', 'RP11-34P13.7')
    """
    found = re.fullmatch(r"(ENS[A-Z]*[GTPE]\d{11})\.\d+(_PAR_Y)?", name)
    return f"{found[1]}{found[2] or ''}" if found else name


RENAMED = {
    "CDCA1": "NUF2",
    "KNTC2": "NDC80",
    "ORC6L": "ORC6",
    "MLL": "KMT2A",
    "MLL2": "KMT2D",
    "MLL3": "KMT2C",
    "MLL4": "KMT2B",
    "H3F3A": "H3-3A",
    "H3F3B": "H3-3B",
    "HIST1H3B": "H3C2",
    "HIST1H3C": "H3C3",
    "PARK2": "PRKN",
    "FAM123B": "AMER1",
    "WHSC1": "NSD2",
    "WHSC1L1": "NSD3",
    "MRE11A": "MRE11",
    "FAM46C": "TENT5C",
    "CTGF": "CCN2",
    "NOV": "CCN3",
    "CYR61": "CCN1",
    "GPR124": "ADGRA2",
    "C11orf30": "EMSY",
    "CTSL2": "CTSV",
    **{f"SEPT{number}": f"SEPTIN{number}" for number in _SEPTINS},
    **{f"MARCH{number}": f"MARCHF{number}" for number in range(1, 12)},
    "MARC1": "MTARC1",
    "MARC2": "MTARC2",
    "DEC1": "DELEC1",
    "SEP15": "SELENOF",
}
"""Former symbols of genes that tumour studies speak of, with the current ones of HGNC. For all others pass HGNC's own
file (`io.genesets.read_hgnc`)."""


def current(symbol: str) -> str:
    """Return the current HGNC symbol of a gene that was renamed, and any other symbol as it is.

    >>> current("MLL2"), current("TP53")
    ('KMT2D', 'TP53')
    """
    return RENAMED.get(symbol, symbol)
