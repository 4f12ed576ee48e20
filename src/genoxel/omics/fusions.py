"""Fusions: who has one, who was looked at and has none, and who is unknown."""

from __future__ import annotations

from collections.abc import Iterable

from genoxel.core.errors import TableError
from genoxel.core.records import Records


def fusion_status(records: Records, fusion: str, patients: Iterable[str] = ()) -> dict[str, bool | None]:
    """Return for each patient whether a fusion was found (None: unknown, since nobody said that it was looked for).

    `fusion` is a gene ("ALK", with any partner) or a pair in either order ("EML4::ALK"); several are joined by "|".
    A rearrangement inside one gene counts for the pair of that gene with itself only ("EGFR::EGFR").

    >>> import numpy as np
    >>> fields = {"gene1": np.array(["EML4"]), "gene2": np.array(["ALK"])}
    >>> found = Records("fusions", ("P1",), fields, profiled=("P1", "P2"))
    >>> fusion_status(found, "ALK::EML4", ["P1", "P2", "P3"])
    {'P1': True, 'P2': False, 'P3': None}
    """
    wanted = [tuple(part.strip() for part in one.replace("--", "::").split("::")) for one in fusion.split("|")]
    if any(not all(pair) or len(pair) > 2 for pair in wanted):
        raise TableError(f"the fusion {fusion!r}", "ALK, EML4::ALK, or ROS1|RET", "write it so")
    hits = set()
    for row, one, other in zip(records.rows, records["gene1"].tolist(), records["gene2"].tolist(), strict=True):
        if any(_is(pair, str(one), str(other)) for pair in wanted):
            hits.add(row.patient)
    assayed = {row.patient for row in records.profiled or ()}
    whom = tuple(patients) or tuple(
        dict.fromkeys([*(row.patient for row in records.profiled or ()), *records.patients])
    )
    return {who: True if who in hits else False if who in assayed else None for who in whom}


def _is(pair: tuple[str, ...], one: str, other: str) -> bool:
    if len(pair) == 1:
        return pair[0] in (one, other) and one != other
    return sorted(pair) == sorted((one, other))
