"""The table of how far readers agree who graded the same patients."""

from __future__ import annotations

from genoxel.report.content import Agreement, ReportContent
from genoxel.report.tables.sheet import Field, Sheet, Value

NAN = float("nan")


def sheets(content: ReportContent) -> list[Sheet]:
    """Return the agreement of readers: all of a trait first, then pairs of them."""
    fields = (
        *(Field("trait", "Trait"), Field("readers", "Readers"), Field("cases", "Read twice or more", "count")),
        *(Field("grades", "Grades given", "count"), Field("equal", "Equal", "share", "pairs of readings of one case")),
        Field("kappa", "Kappa", "estimate", "agreement beyond chance: 0 is chance, 1 is always", lines=(0.0,)),
        *(Field("low", "Lower", "estimate", lines=(0.0,)), Field("high", "Upper", "estimate", lines=(0.0,))),
        *(Field("method", "By"), Field("why", "Not defined, because")),
    )
    caption = (
        "Patients of this study alone; cells that say there is no value are left out. 95 % by leaving one case out."
    )
    return [Sheet("readers", "Agreement of readers", fields, tuple(_row(one) for one in content.readers), caption)]


def _row(one: Agreement) -> tuple[Value, ...]:
    kappa = (NAN, NAN, NAN) if one.kappa is None else (one.kappa.estimate, one.kappa.low, one.kappa.high)
    return one.trait, whom(one), one.cases, one.grades, one.equal, *kappa, one.method, one.why


def whom(one: Agreement) -> str:
    """Return the readers in words: both of two, the number of more."""
    return " and ".join(one.readers) if len(one.readers) == 2 else f"{len(one.readers)} readers"


def whole_traits(readers: tuple[Agreement, ...]) -> list[int]:
    """Return the row of each trait that speaks of all its readers."""
    first: dict[str, int] = {}
    for place, one in enumerate(readers):
        first.setdefault(one.trait, place)
    return list(first.values())
