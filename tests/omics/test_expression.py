"""Fixed transforms of expression."""

from __future__ import annotations

import numpy as np
import pytest

from genoxel.core.errors import TableError
from genoxel.core.table import Column, Table
from genoxel.omics.expression import transform


def _table(values: list[float], unit: str = "tpm") -> Table:
    return Table(np.array(values)[:, None], tuple(f"P{i}" for i in range(len(values))), (Column("A", unit=unit),))  # type: ignore[arg-type]


def test_values_units_and_missing() -> None:
    logged = transform(_table([0, 1, 1023, np.nan]), "log2+1")
    assert np.array_equal(logged["A"], [0, 1, 10, np.nan], equal_nan=True)
    assert logged.columns[0].unit == "log2(tpm + 1)"
    assert transform(_table([1, 1024]), "log2")["A"].tolist() == [0, 10]
    assert transform(_table([99, 0], ""), "log10+1").columns[0].unit == "log10(x + 1)"
    raw = _table([-1.0])
    assert transform(raw, "none") is raw
    assert np.isnan(transform(_table([np.nan]), "log2")["A"]).all()


@pytest.mark.parametrize(
    ("values", "how", "unit", "words"),
    [
        ([-0.5, 100], "log2+1", "tpm", "-0.5 of A in P0"),
        ([0, 100], "log2", "tpm", "the value 0 of A"),
        ([1, 12], "log2+1", "tpm", "logged already"),
        ([1, 120], "log2+1", "log2(tpm + 1)", "logged already"),
        ([1, 120], "log2+", "tpm", "did you mean 'log2"),
    ],
)
def test_a_log_of_a_log_and_negative_values_are_refused(values: list[float], how: str, unit: str, words: str) -> None:
    with pytest.raises(TableError, match=words):
        transform(_table(values, unit), how)  # type: ignore[arg-type]
