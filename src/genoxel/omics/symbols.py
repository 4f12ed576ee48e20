"""Gene symbols as they should be, and the traces that spreadsheets leave on them."""

from __future__ import annotations

import datetime as dt
import gzip
import re
from collections.abc import Iterable
from functools import cache
from importlib import resources

_MONTHS = {"mar": ("MARCHF", "MTARC", "MARCH", "MARC"), "sep": ("SEPTIN", "SEPT"), "dec": ("DELEC", "DEC")}
"""Months whose names are genes, with the approved stems first. Other months: no gene was ever approved under such a
name, but aliases such as OCT4 and APR3 were (HGNC), and become dates as well."""
_ENGLISH = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CALENDAR = dict(zip(_ENGLISH, _ENGLISH, strict=True)) | {
    "mrz": "mar", "mär": "mar", "mai": "may", "okt": "oct", "dez": "dec", "déc": "dec", "dic": "dec", "set": "sep",
    "fév": "feb", "avr": "apr", "mag": "may", "aoû": "aug", "ago": "aug", "ott": "oct",
}  # fmt: skip
"""First three letters of months in English, German, French, Italian, Portuguese and Spanish."""
_YEAR = r"(?:[-/ .]{1,2}\d{2,4})?"
_DATE = re.compile(
    rf"(?:(\d{{1,2}})[-/ .]{{0,2}}([^\W\d_]{{3}})[^\W\d_]*\.?|([^\W\d_]{{3}})[^\W\d_]*[-. /]{{1,2}}(\d{{1,2}})){_YEAR}"
)
_ISO = re.compile(r"\d{4}-(\d{2})-(\d{2}).*")
_NUMERIC = re.compile(r"\d{1,2}([/.])\d{1,2}\1(\d{2}|\d{4})")
"""Day and month in an order that nobody can tell."""
_SERIAL = re.compile(r"([3-5]\d{4})(\.0)?")
_FIRST_DAY = dt.date(1899, 12, 30)
"""Day 0 of spreadsheets, as they count from 1900 with a 29 February that never was."""
_MARC = (1, 2)
"""MARC1 and MARC2 are the only genes of that name, so that any other day in March was a MARCH gene."""
_CLONE = re.compile(r"\d{7}[A-P]\d{2}")
"""A RIKEN clone that is still whole, such as 2310009E13, although a spreadsheet would take it for a power of ten."""
_POWER = re.compile(r"\d+(\.\d+)?[eE]\+?\d+")


def damaged(symbols: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the symbols that a spreadsheet has turned into dates or numbers, each with the genes it may have been.

    Sources: Ziemann et al., Genome Biology 2016 (gene names converted to dates and floating-point numbers).

    >>> damaged(["TP53", "1-Sep", "2-Mar", "44440", "2.31E+19"])["1-Sep"]
    ('SEPTIN1', 'SEPT1')
    """
    names = list(dict.fromkeys(symbols))
    digits = sum(name.strip().isdigit() for name in names)
    numbered = digits >= _SOME and digits > len(names) / 2  # then numbers are how genes are called here, as in Entrez
    return {
        name: found
        for name in names
        if not (numbered and name.strip().isdigit()) and (found := _origin(name.strip())) is not None
    }


_SOME = 10
"""At least so many names that are whole numbers, and more than half of all, are identifiers and no days."""


def _origin(symbol: str) -> tuple[str, ...] | None:
    if found := _DATE.fullmatch(symbol):
        number, month = (found[1], found[2]) if found[1] else (found[4], found[3])
        # SEPT9 and MARCH1 themselves have the shape of a date without its separator
        name = _CALENDAR.get(month.casefold())
        if name is None or not (found[1] or re.search(r"[- ./]", symbol)):
            return None
        # Oct-4 is how people write an alias, Oct-04 and 4-Oct are how a spreadsheet writes a day
        return _genes_of(name, int(number)) if found[1] or name in _MONTHS or number.startswith("0") else None
    if found := _SERIAL.fullmatch(symbol):
        day = _FIRST_DAY + dt.timedelta(days=int(found[1]))
        return _genes_of({3: "mar", 9: "sep", 12: "dec"}.get(day.month, ""), day.day)
    if found := _ISO.fullmatch(symbol):
        return _genes_of({3: "mar", 9: "sep", 12: "dec"}.get(int(found[1]), ""), int(found[2]))
    if _NUMERIC.fullmatch(symbol):
        return ()
    return () if _POWER.fullmatch(symbol) and not _CLONE.fullmatch(symbol) else None


def _genes_of(month: str, number: int) -> tuple[str, ...]:
    stems = _MONTHS.get(month) or ((month.upper(),) if month else ())
    return tuple(f"{stem}{number}" for stem in stems)


def repaired(symbols: Iterable[str]) -> dict[str, str]:
    """Return the damaged symbols with the gene that each must have been, or an empty text where that cannot be told.

    "1-Sep" and the day number 44440 (1 September 2021, counted from 1900 as spreadsheets do unless an old file counts
    from 1904) can only have been SEPT1, today SEPTIN1. "1-Mar" can have been MARCH1 or MARC1, "2.31E+19" any of ten
    clones, "4-Oct" is no approved gene: these stay open. What counts is that the gene was once approved under the name
    (HGNC's previous symbols, see `current`); aliases do not.

    >>> repaired(["TP53", "1-Sep", "44440", "3-Mar", "1-Mar", "2.31E+19"])
    {'1-Sep': 'SEPTIN1', '44440': 'SEPTIN1', '3-Mar': 'MARCHF3', '1-Mar': '', '2.31E+19': ''}
    """
    result = {}
    for symbol, origins in damaged(symbols).items():
        stems = {re.sub(r"\d+$", "", origin): int(re.sub(r"\D", "", origin)) for origin in origins}
        number = next(iter(stems.values()), 0)
        former = [f"{stem}{number}" for stem in _FORMER.get(next(iter(stems), ""), ())]
        now = {gene for name in former if (gene := current(name)) != name}
        result[symbol] = now.pop() if len(now) == 1 else ""
    return result


_FORMER = {"SEPTIN": ("SEPT", "SEP"), "MARCHF": ("MARCH", "MARC"), "DELEC": ("DEC",)}
"""Names under which the genes of a family were approved before spreadsheets drove HGNC to rename them."""


def without_version(name: str) -> str:
    """Return an Ensembl identifier without its version; other names stay.

    >>> without_version("ENSG00000141510.16"), without_version("RP11-34P13.7")
    ('ENSG00000141510', 'RP11-34P13.7')
    """
    found = re.fullmatch(r"(ENS[A-Z]*[GTPE]\d{11})\.\d+(_PAR_Y)?", name)
    return f"{found[1]}{found[2] or ''}" if found else name


@cache
def former_symbols() -> dict[str, str]:
    """Return former symbol -> approved symbol of HGNC, 17,118 of them; for aliases pass HGNC's own file.

    What leads to several genes, or is the approved symbol of another one, is not in it. See `io.genesets.read_hgnc`
    for the file hgnc_complete_set.txt.
    """
    packed = (resources.files(__package__) / "data" / "hgnc_previous.tsv.gz").read_bytes()
    lines = gzip.decompress(packed).decode().splitlines()
    rows = (line.split("\t") for line in lines if not line.startswith("#"))
    return {former: approved for former, approved, _ in rows}


def current(symbol: str) -> str:
    """Return the approved HGNC symbol of a gene that was renamed, and any other symbol as it is.

    >>> current("MLL2"), current("TP53"), current("C11orf30")
    ('KMT2D', 'TP53', 'EMSY')
    """
    return former_symbols().get(symbol, symbol)
