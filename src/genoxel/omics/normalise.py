"""Normalisation of expression: per sample at once, or learned from the training samples and kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from genoxel.core.errors import TableError
from genoxel.core.image import FloatArray
from genoxel.core.table import Table


def _counts(table: Table) -> FloatArray:
    values = np.asarray(table.values)
    if np.isnan(values).any() or (values < 0).any():
        raise TableError("missing or negative counts", "counts of 0 or more for every gene", "is it logged already?")
    return values


def cpm(table: Table, log: bool = False, prior: float = 1.0) -> Table:
    """Return counts per million of each sample's total; `log` gives log2(cpm + prior).

    Raises `TableError` for negative or missing counts and for samples without any.

    >>> from genoxel.core.table import Column
    >>> counts = Table(np.array([[1.0, 3.0]]), ("P1",), (Column("EGFR"), Column("KRAS")), "expression")
    >>> cpm(counts).values
    array([[250000., 750000.]])
    """
    values = _counts(table)
    totals = values.sum(axis=1, keepdims=True)
    if (totals == 0).any():
        empty = table.rows[int(np.flatnonzero(totals[:, 0] == 0)[0])].text()
        raise TableError(f"a sample without any count ({empty})", "counts above 0", "leave it out")
    scaled = values / totals * 1e6
    unit = f"log2(cpm + {prior:g})" if log else "cpm"
    return _with(table, np.log2(scaled + prior) if log else scaled, unit)


def tpm(table: Table, lengths: Mapping[str, float]) -> Table:
    """Return transcripts per million from counts and gene lengths in bases; `TableError` for a gene without length."""
    without = [name for name in table.names if not lengths.get(name, 0) > 0]
    if without:
        raise TableError(
            f"{len(without)} genes without length ({', '.join(without[:5])})", "a length for each", "add it"
        )
    rate = _counts(table) / np.array([lengths[name] for name in table.names])
    return _with(table, rate / rate.sum(axis=1, keepdims=True) * 1e6, "tpm")


def _with(table: Table, values: FloatArray, unit: str) -> Table:
    return replace(table, values=values, columns=tuple(replace(column, unit=unit) for column in table.columns))


class SizeFactors:
    """Median-of-ratios size factors: the reference sample is learned from training, new samples are held against it.

    Source: Anders and Huber, Genome Biology 2010 (DESeq2). Genes with a 0 in any training sample do not count.

    >>> from genoxel.core.table import Column
    >>> counts = Table(np.array([[10.0, 20.0], [20.0, 40.0]]), ("P1", "P2"), (Column("A"), Column("B")), "expression")
    >>> SizeFactors().fit(counts).factors(counts)
    array([0.70710678, 1.41421356])
    """

    def __init__(self) -> None:
        self._log_means: FloatArray = np.zeros(0)
        self._genes: tuple[str, ...] = ()

    def fit(self, table: Table) -> SizeFactors:
        """Learn the geometric mean of each gene; `TableError` when every gene has a 0 somewhere."""
        with np.errstate(divide="ignore"):
            self._log_means = np.log(_counts(table)).mean(axis=0)
        self._genes = table.names
        if not np.isfinite(self._log_means).any():
            raise TableError("counts in which every gene is 0 somewhere", "some gene in every sample", "use cpm")
        return self

    def factors(self, table: Table) -> FloatArray:
        """Return one factor per sample (n)."""
        if table.names != self._genes:
            raise TableError("a table with other genes than in training", "the same genes in the same order", "select")
        used = np.isfinite(self._log_means)
        values = _counts(table)[:, used]
        factors = np.empty(len(values))
        for row, sample in enumerate(values):
            there = sample > 0
            if not there.any():
                raise TableError(f"a sample without any count ({table.rows[row].text()})", "counts above 0", "drop it")
            factors[row] = np.exp(np.median(np.log(sample[there]) - self._log_means[used][there]))
        return factors

    def transform(self, table: Table, log: bool = True) -> Table:
        """Return counts divided by the factors, as log2(x + 1) unless `log` is False."""
        scaled = np.asarray(table.values) / self.factors(table)[:, None]
        return _with(table, np.log2(scaled + 1.0) if log else scaled, "log2(normalised + 1)" if log else "normalised")


class QuantileNormaliser:
    """Gives every sample the distribution of the training samples (the mean of their sorted values).

    Ties share the mean of their places. Source: Bolstad et al., Bioinformatics 2003.

    >>> from genoxel.core.table import Column
    >>> table = Table(np.array([[1.0, 3.0], [5.0, 2.0]]), ("P1", "P2"), (Column("A"), Column("B")), "expression")
    >>> QuantileNormaliser().fit(table).transform(table).values
    array([[1.5, 4. ],
           [4. , 1.5]])
    """

    def __init__(self) -> None:
        self._reference: FloatArray = np.zeros(0)

    def fit(self, table: Table) -> QuantileNormaliser:
        """Learn the mean of the sorted values."""
        values = np.asarray(table.values)
        if np.isnan(values).any():
            raise TableError("missing expression", "every gene in every sample", "leave those genes out")
        self._reference = np.sort(values, axis=1).mean(axis=0)
        return self

    def transform(self, table: Table) -> Table:
        """Return the table on the learned distribution."""
        from scipy.stats import rankdata

        values = np.asarray(table.values)
        if values.shape[1] != len(self._reference):
            raise TableError("a table with other genes than in training", "the same genes", "select them")
        places = np.arange(1, values.shape[1] + 1, dtype=np.float64)
        ranks = rankdata(values, method="average", axis=1)
        return replace(table, values=np.interp(ranks, places, self._reference))
