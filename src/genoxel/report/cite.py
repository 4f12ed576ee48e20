"""Numbers in sentences: each is printed by its table's rounding rule and links to its cell."""

from __future__ import annotations

from markupsafe import Markup

from genoxel.report.tables.sheet import Book

SHOWN_ROWS = 40
"""Rows of a long table that are printed in the report; the CSV files hold all."""


class Cite:
    """Prints cells of a book as links.

    >>> from genoxel.report.tables.sheet import Field, Sheet
    >>> cite = Cite(Book([Sheet("n", "Patients", (Field("all", "Patients", "count"),), ((1200,),))]))
    >>> print(cite("n", 0, "all"))
    <a class="n" href="#t-n-r0-c0" data-cell="n:0:all">1,200</a>
    """

    def __init__(self, book: Book) -> None:
        self.book = book
        self._deepest: dict[str, int] = {}

    def __call__(self, key: str, row: int, name: str) -> Markup:
        """Return the cell as a link to its place in the table."""
        sheet = self.book[key]
        self._deepest[key] = max(self._deepest.get(key, 0), row + 1)
        text, place = sheet.shown(row, name), sheet.place(name)
        address = f"t-{key}-r{row}-c{place}"
        return Markup('<a class="n" href="#{}" data-cell="{}:{}:{}">{}</a>').format(address, key, row, name, text)

    def interval(self, key: str, row: int, prefix: str = "") -> Markup:
        """Return 'estimate (low to high)' of a row, or 'estimate (no interval)'."""
        first, low, high = (f"{prefix}", f"{prefix}_low", f"{prefix}_high") if prefix else ("estimate", "low", "high")
        if self.book[key].shown(row, low) == "–":
            return Markup("{} (no interval)").format(self(key, row, first))
        return Markup("{} ({} to {})").format(self(key, row, first), self(key, row, low), self(key, row, high))

    def count(self, name: str) -> Markup:
        """Return a number of the table of counts."""
        return self("counts", self.book["counts"].find(name=name), "value")

    def rows(self, key: str) -> int:
        """Return how many rows of a table must be printed so that every reference resolves."""
        return min(len(self.book[key].rows), max(SHOWN_ROWS, self._deepest.get(key, 0)))


def given(text: object) -> Markup:
    """Return a number that is part of a rule, a definition or a name, not a result."""
    return Markup('<span class="given">{}</span>').format(text)


def named(text: object) -> Markup:
    """Return a name or words that someone gave to a thing; digits in it are no result either."""
    return Markup('<span class="user">{}</span>').format(text)
