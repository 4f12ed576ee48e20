"""Exclusive and shared drivers: who has exactly one of several genes mutated, who has more, who has none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from genoxel.core.keys import as_keys
from genoxel.core.records import Records
from genoxel.core.table import Column, Source, Table
from genoxel.omics.variants import status

NONE, SEVERAL = "none", "several"


def driver_groups(records: Records, genes: Sequence[str], patients: Sequence[str]) -> Table:
    """Return the driver group of each patient, and one 0/1 column per gene that says whether it is the only one.

    The group is "none", "several", or "GENE only". Two mutant genes settle "several" whatever is not known of others;
    in all other cases one unknown gene leaves the group unknown. A gene known to be wild type is never the only one.

    >>> import numpy as np
    >>> fields = {"gene": np.array(["EGFR", "KRAS", "KRAS"]), "classification": np.array(["Missense_Mutation"] * 3)}
    >>> found = Records("mutations", ("P1", "P1", "P2"), fields, profiled=("P1", "P2", "P3"))
    >>> table = driver_groups(found, ["EGFR", "KRAS"], ["P1", "P2", "P3", "P4"])
    >>> [None if np.isnan(code) else table.columns[0].levels[int(code)] for code in table["driver group"]]
    ['several', 'KRAS only', 'none', None]
    >>> table["KRAS only"]
    array([ 0.,  1.,  0., nan])
    """
    words = [status(records, gene, None, tuple(patients)) for gene in genes]
    groups = tuple(f"{gene} only" for gene in genes)
    levels = (NONE, *groups, SEVERAL)
    values = np.full((len(patients), 1 + len(genes)), np.nan)
    for row, who in enumerate(patients):
        known = [word[who] for word in words]
        group = _group(known, groups)
        values[row, 0] = np.nan if group is None else levels.index(group)
        for at, (gene, word) in enumerate(zip(groups, known, strict=True), 1):
            settled = group is not None or word == "wild type"
            values[row, at] = float(group == gene) if settled else np.nan
    definition = f"mutant among {', '.join(genes)}: exactly one, several, or none; unknown where it could be either"
    source = Source(family="mutations")
    columns = (
        Column("driver group", "categorical", definition=definition, source=source, levels=levels),
        *(Column(name, "binary", definition=definition, source=source) for name in groups),
    )
    return Table(values, as_keys(patients), columns, "drivers")


def _group(known: Sequence[str | None], groups: Sequence[str]) -> str | None:
    mutant = [group for group, word in zip(groups, known, strict=True) if word == "mutant"]
    if len(mutant) > 1:
        return SEVERAL
    if None in known:
        return None
    return mutant[0] if mutant else NONE
