"""Gene symbols as they should be, and the traces that spreadsheets leave on them."""

from __future__ import annotations

import re
from collections.abc import Iterable

_MONTHS = {"mar": ("MARCHF", "MTARC", "MARCH", "MARC"), "sep": ("SEPTIN", "SEPT"), "dec": ("DELEC", "DEC")}
_DATE = re.compile(r"(?:(\d{1,2})[-/ .]?([A-Za-z]{3})[a-z]*|([A-Za-z]{3})[a-z]*[- ./](\d{1,2}))(?:[-/ .]\d{2,4})?")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}.*")
_SERIAL = re.compile(r"[3-5]\d{4}(\.0)?")
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
        stems = _MONTHS.get(month.casefold())
        # SEPT9 and MARCH1 themselves have the shape of a date without its separator
        if stems and (found[1] or re.search(r"[- ./]", symbol)):
            return tuple(f"{stem}{int(number)}" for stem in stems)
        return None
    if _ISO.fullmatch(symbol) or _SERIAL.fullmatch(symbol) or _POWER.fullmatch(symbol):
        return ()
    return None
