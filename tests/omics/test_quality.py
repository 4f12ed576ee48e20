"""Assay quality: planted faults are listed, and nobody fails for what was not measured."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from genoxel.core.errors import TableError
from genoxel.core.table import Column, Table
from genoxel.omics.quality import QualityRule, batch_share, call_rates, contradicting_sex, judge, outliers
from genoxel.omics.settings import QualitySettings


def _table(values: np.ndarray, *names: str) -> Table:
    columns = names or tuple(f"G{place}" for place in range(values.shape[1]))
    people = tuple(f"P{place}" for place in range(len(values)))
    return Table(values, people, tuple(Column(name) for name in columns), "quality")


def test_rules_name_who_fails_and_why() -> None:
    table = _table(np.array([[80.0, 0.7], [12.0, 0.1], [np.nan, 0.05]]), "coverage", "purity")
    rules = [QualityRule("coverage", least=30), QualityRule("purity", least=0.2, most=1.0)]
    assert judge(table, rules) == {"P1": "coverage 12 below 30; purity 0.1 below 0.2", "P2": "purity 0.05 below 0.2"}
    with pytest.raises(TableError, match="did you mean"):
        judge(table, [QualityRule("coverag", least=1)])
    assert call_rates(_table(np.array([[1.0, np.nan], [1.0, 2.0]]))) == {"P0": 0.5, "P1": 1.0}


def test_sex_is_judged_only_where_it_is_clear() -> None:
    table = _table(np.array([[9.0, 0.5], [0.5, 8.0], [0.4, 8.5], [3.0, 2.5], [9.0, 0.1]]), "XIST", "RPS4Y1")
    said = {"P0": "Female", "P1": "M", "P2": "F", "P3": "male", "P4": ""}
    assert contradicting_sex(table, said) == {"P2": "female in the table, male by XIST 0.4 and RPS4Y1 8.5"}
    with pytest.raises(TableError, match="the sex 'x'"):
        contradicting_sex(table, {"P0": "x"})


def test_the_limit_of_outliers_is_a_number_or_false() -> None:
    assert QualitySettings.model_validate({"outliers": 3}).outliers == 3.0
    assert QualitySettings.model_validate({"outliers": False}).outliers is False
    for wrong, words in (
        ({"outliers": True}, "or false"),
        ({"outliers": 0}, "above 0"),
        ({"outliers": -1}, "greater than 0"),
        ({"outliers": False, "exclude": ["outliers"]}, "remove one"),
    ):
        with pytest.raises(ValidationError, match=words):
            QualitySettings.model_validate(wrong)


def test_a_planted_outlier_and_a_planted_batch_are_found() -> None:
    random = np.random.default_rng(2)
    base = random.normal(size=200)
    values = base + 0.5 * random.normal(size=(20, 200))
    assert outliers(_table(values)) == {}
    values[7] = random.normal(size=200)
    assert list(outliers(_table(values))) == ["P7"]
    batch = {f"P{place}": "a" if place < 10 else "b" for place in range(20)}
    clean = 0.5 * random.normal(size=(20, 200))
    assert batch_share(_table(clean), batch) < 0.6
    clean[:10] += random.normal(size=200)
    assert batch_share(_table(clean), batch) > 0.9
    with pytest.raises(TableError, match="two batches"):
        batch_share(_table(clean), {})
