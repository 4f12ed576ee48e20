"""DNA methylation: beta and M values, and the MGMT promoter by two probes of the Infinium arrays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from genoxel.core.errors import TableError
from genoxel.core.image import FloatArray
from genoxel.core.table import Column, Source, Table

MGMT_PROBES = ("cg12434587", "cg12981137")
MGMT_INTERCEPT = 4.3215
MGMT_WEIGHTS = (0.5271, 0.9265)
MGMT_CUT = 0.358
"""The model MGMT-STP27: logit(p) = 4.3215 + 0.5271 M(cg12434587) + 0.9265 M(cg12981137); methylated above 0.358.
Source: Bady et al., Acta Neuropathologica 2012 (PMID 22810491)."""

_EDGE = 1e-3


def check_beta(table: Table) -> Table:
    """Return the table if all values lie in 0 to 1; `TableError` names the first that does not (M values, percent)."""
    values = np.asarray(table.values)
    outside = np.argwhere((values < 0) | (values > 1))
    if len(outside):
        row, column = outside[0].tolist()
        raise TableError(
            f"{len(outside)} values outside 0 to 1 among beta values, first {values[row, column]:.4g} of "
            f"{table.names[column]} in {table.rows[row].text()}",
            "beta values between 0 and 1",
            "say unit = 'M' for M values; divide percent by 100",
        )
    return table


def m_values(beta: FloatArray) -> FloatArray:
    """Return M = log2(beta / (1 - beta)); beta is kept 0.001 away from 0 and 1, where M has no value.

    Source: Du et al., BMC Bioinformatics 2010.

    >>> m_values(np.array([0.5, 0.8]))
    array([0., 2.])
    """
    inside = np.clip(beta, _EDGE, 1.0 - _EDGE)
    return np.asarray(np.log2(inside / (1.0 - inside)))


def beta_values(m: FloatArray) -> FloatArray:
    """Return beta = 2^M / (2^M + 1).

    >>> beta_values(np.array([0.0, 2.0]))
    array([0.5, 0.8])
    """
    return np.asarray(1.0 / (1.0 + 2.0 ** -np.asarray(m)))


def to_m(table: Table) -> Table:
    """Return a table of beta values as M values, with the unit saying so."""
    check_beta(table)
    columns = tuple(replace(column, unit="M") for column in table.columns)
    return replace(table, values=m_values(np.asarray(table.values)), columns=columns)


def mgmt(table: Table, unit: str = "beta") -> Table:
    """Return the probability of a methylated MGMT promoter and its status by two probes (the model MGMT-STP27).

    `table` has the probes cg12434587 and cg12981137 in `unit` "beta" or "M". The model was fitted on M values of raw
    intensities (Illumina, no normalisation). Raises `TableError` when a probe is not there.

    >>> from genoxel.core.table import Column
    >>> probes = Table(np.array([[0.5, 0.5], [0.02, 0.02]]), ("P1", "P2"), tuple(map(Column, MGMT_PROBES)))
    >>> mgmt(probes)["MGMT methylated"]
    array([1., 0.])
    """
    if unit not in ("beta", "M"):
        raise TableError(f"unit {unit!r} of methylation", "beta, M", "say which")
    probes = table.select(list(MGMT_PROBES))
    m = m_values(np.asarray(check_beta(probes).values)) if unit == "beta" else np.asarray(probes.values)
    logit = MGMT_INTERCEPT + m @ np.array(MGMT_WEIGHTS)
    chance = 1.0 / (1.0 + np.exp(-logit))
    status = np.where(np.isnan(chance), np.nan, (chance > MGMT_CUT).astype(np.float64))
    source = Source(family="methylation")
    words = "MGMT-STP27 of Bady 2012: two probes, logistic"
    columns = (
        Column("MGMT probability", unit="probability", definition=words, source=source),
        Column(
            "MGMT methylated",
            "binary",
            definition=f"{words}, methylated above {MGMT_CUT}",
            source=source,
            levels=("unmethylated", "methylated"),
        ),
    )
    return Table(np.column_stack([chance, status]), table.rows, columns, "methylation")
