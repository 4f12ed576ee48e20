"""Reading the words of a table: what is missing, what is a number, what is a date. Nothing is guessed in silence."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

from genoxel.core.errors import TableError

Key = TypeVar("Key", str, int)

MISSING_WORDS = frozenset(
    [
        *("", "na", "n/a", "n.a.", "nan", "null", ".", "-", "--", "?", "#n/a", "n/d", "nd", "n.d."),
        *("unknown", "missing", "pending", "not available", "not collected", "not recorded", "not reported"),
        *("not recorded in database", "not assessed", "not applicable", "not done", "not tested", "not known"),
        *("[not available]", "[unknown]", "[not applicable]", "[not evaluated]", "[discrepancy]", "unk", "k.a."),
    ]
)
"""Words that say "no value here", in lower case. A cell is compared after `plain`."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_GROUPED_US = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_GROUPED_EU = re.compile(r"[+-]?\d{1,3}(\.\d{3})+(,\d+)?")
_COMMA = re.compile(r"[+-]?(\d+),(\d+)([eE][+-]?\d+)?")
_EITHER = re.compile(r"[+-]?\d{1,3}[,.]\d{3}")


def plain(text: str) -> str:
    """Return `text` in lower case with single spaces, for comparing words.

    >>> plain("  Wild  Type ")
    'wild type'
    """
    return " ".join(text.replace("\u00a0", " ").split()).casefold()


def is_missing(text: str) -> bool:
    """Return whether a cell says that there is no value.

    >>> [is_missing(word) for word in ("", "N/A", "Not Collected", "none", "0")]
    [True, True, True, False, False]
    """
    return plain(text) in MISSING_WORDS


def read_numbers(texts: Mapping[Key, str], decimal_comma: bool = False) -> tuple[dict[Key, float], dict[Key, str]]:
    """Return (numbers by key with NaN where missing, texts that are no number by key).

    Decimal commas are understood. A text like "1,234" is a decimal number when `decimal_comma` is set or other
    values of the same column show that the comma is decimal; else it is not read, since it could mean 1234.

    >>> read_numbers({"P1": "1,5", "P2": "2,25", "P3": "n/d", "P4": ">90"})
    ({'P1': 1.5, 'P2': 2.25, 'P3': nan}, {'P4': '>90'})
    """
    words = {key: text.strip().replace("\u2212", "-") for key, text in texts.items()}
    shown = any(_shows_decimal_comma(word) for word in words.values())
    numbers: dict[Key, float] = {}
    odd: dict[Key, str] = {}
    for key, word in words.items():
        if is_missing(word):
            numbers[key] = math.nan
            continue
        value = _number(word, shown, decimal_comma or shown)
        if value is None or math.isinf(value):
            odd[key] = texts[key]
        else:
            numbers[key] = value
    return numbers, odd


def _shows_decimal_comma(word: str) -> bool:
    found = _COMMA.fullmatch(word)
    if found:
        return len(found[2]) != 3 or len(found[1]) > 3 or found[1] == "0"
    return _GROUPED_EU.fullmatch(word) is not None and "," in word


def _number(word: str, shown: bool, comma: bool) -> float | None:
    if _EITHER.fullmatch(word):
        return _number_of_either(word, shown, comma)
    if _NUMBER.fullmatch(word):
        return float(word)
    if _COMMA.fullmatch(word) and (comma or not _GROUPED_US.fullmatch(word)):
        return float(word.replace(",", "."))
    if _GROUPED_EU.fullmatch(word) and comma:
        return float(word.replace(".", "").replace(",", "."))
    if _GROUPED_US.fullmatch(word) and not comma:
        return float(word.replace(",", ""))
    return None


def _number_of_either(word: str, shown: bool, comma: bool) -> float | None:
    """Read "1,234" (a decimal number only where the comma is known to be decimal) or "1.234" (only where it is not)."""
    if "," in word:
        return float(word.replace(",", ".")) if comma else None
    return float(word) if not shown or word.lstrip("+-").startswith("0") else None


_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]\d{2}:\d{2}.*)?")
_DICOM = re.compile(r"(\d{4})(\d{2})(\d{2})")
_DOTS = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})")
_SLASHES = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})")


def read_dates(texts: Mapping[str, str], name: str = "the date column") -> dict[str, dt.date | None]:
    """Return dates by key (None where missing): ISO, DICOM (20190131), 31.1.2019, and 31/1/2019 or 1/31/2019.

    With slashes the order of day and month is taken from the whole column; `TableError` when the column leaves it
    open or contradicts itself, and for texts that are no date.

    >>> read_dates({"P1": "2019-01-31", "P2": "", "P3": "31.01.2019"})["P3"]
    datetime.date(2019, 1, 31)
    """
    order = _slash_order(texts.values(), name)
    dates: dict[str, dt.date | None] = {}
    for key, text in texts.items():
        dates[key] = None if is_missing(text) else _date(text.strip(), order, f"{name} of {key}")
    return dates


def _slash_order(texts: Iterable[str], name: str) -> str:
    pairs = [(int(found[1]), int(found[2])) for text in texts if (found := _SLASHES.fullmatch(text.strip()))]
    day_first = any(first > 12 for first, _ in pairs)
    month_first = any(second > 12 for _, second in pairs)
    if day_first and month_first:
        raise TableError(f"days and months in both orders in {name}", "one order", "write dates as 2019-01-31")
    if any(first != second for first, second in pairs) and not (day_first or month_first):
        raise TableError(
            f"dates like {pairs[0][0]}/{pairs[0][1]} in {name} that could be day/month or month/day",
            "dates that can be read in one way only",
            "write them as 2019-01-31",
        )
    return "month" if month_first else "day"


def _date(text: str, order: str, where: str) -> dt.date:
    try:
        for pattern in (_ISO, _DICOM):
            if found := pattern.fullmatch(text):
                return dt.date(int(found[1]), int(found[2]), int(found[3]))
        if found := _DOTS.fullmatch(text):
            return dt.date(int(found[3]), int(found[2]), int(found[1]))
        if found := _SLASHES.fullmatch(text):
            day, month = (2, 1) if order == "month" else (1, 2)
            return dt.date(int(found[3]), int(found[month]), int(found[day]))
    except ValueError:
        pass
    raise TableError(f"{text!r} as {where}", "a date like 2019-01-31", "correct it, or leave it empty")
