"""What cannot be tested, by what it is: each gets a flag or a sentence, and never a p that means nothing."""

from __future__ import annotations

import numpy as np
import pytest

from genoxel.associate import AssociateSettings, screen
from genoxel.core.errors import TableError
from genoxel.core.table import Column, Table

N = 40
RNG = np.random.default_rng(0)
X = RNG.normal(size=N)
HALF = np.repeat([0.0, 1.0], N // 2)


def table(prefix, *columns, patients=N):
    """Return a table of (values, kind) columns."""
    values = np.column_stack([np.asarray(values, dtype=float) for values, _ in columns])
    made = tuple(
        Column(f"{prefix}{place}", kind, levels=("a", "b", "c") if kind == "categorical" else ())
        for place, (_, kind) in enumerate(columns)
    )
    return Table(values, tuple(f"P{row:02d}" for row in range(patients)), made)


def missing(values, keep):
    return np.where(np.arange(N) < keep, values, np.nan)


TIME = (RNG.exponential(size=N), "time")
UNTESTABLE = {
    "nine patients": ((missing(X, 9), "real"), [(RNG.normal(size=N), "real")], "fewer than 10 patients"),
    "nine patients in a group": ((missing(X, 9), "real"), [(RNG.random(N) < 0.5, "binary")], "fewer than 10 patients"),
    "all missing": ((np.full(N, np.nan), "real"), [(X, "real")], "fewer than 10 patients"),
    "all of a gene missing": ((X, "real"), [(np.full(N, np.nan), "real")], "fewer than 10 patients"),
    "no patient knows both": ((missing(X, 20), "real"), [(np.where(np.arange(N) < 20, np.nan, X), "real")], "fewer"),
    "constant feature": ((np.full(N, 0.1), "real"), [(X, "real")], "image column constant"),
    "constant feature of groups": ((np.full(N, 0.1), "real"), [(HALF, "binary")], "image column constant"),
    "constant where the gene is known": ((np.r_[np.ones(20), X[20:]], "real"), [(missing(X, 20), "real")], "image col"),
    "constant gene": ((X, "real"), [(np.full(N, 3.0), "real")], "other column constant"),
    "nobody mutated": ((X, "real"), [(np.zeros(N), "binary")], "other column constant"),
    "one mutant": ((X, "real"), [(np.arange(N) == 3, "binary")], "fewer than 3 in the smallest group"),
    "two wild types": ((X, "real"), [(np.arange(N) > 1, "binary")], "fewer than 3 in the smallest group"),
    "one mutant and a class": ((HALF, "binary"), [(np.arange(N) == 3, "binary")], "fewer than 3 in the smallest"),
    "a class of one": ((X, "real"), [(np.r_[2, np.arange(N - 1) % 2], "categorical")], "fewer than 3 in the smallest"),
    "a time without events": ((X, "real"), [TIME], "no event column"),
    "nine events": ((X, "real"), [TIME, (np.arange(N) < 9, "binary")], "too few events"),
    "no event": ((X, "real"), [TIME, (np.zeros(N), "binary")], "too few events"),
    "constant and survival": ((np.ones(N), "real"), [TIME, (np.ones(N), "binary")], "image column constant"),
}


@pytest.mark.parametrize("groups", ["auc", "cliffs_delta", "cohens_d", "log_odds_ratio"])
@pytest.mark.parametrize("case", UNTESTABLE)
def test_what_cannot_be_tested_has_a_reason_and_nothing_else(case, groups):
    feature, partners, reason = UNTESTABLE[case]
    other = table("g", *partners)
    if len(partners) == 2:
        columns = other.columns[0], Column("g0.event", "binary")
        other = Table(other.values, other.rows, columns)
    result = screen(table("f", feature), other, permutations=3, settings=AssociateSettings(groups=groups))
    assert result.pairs["flag"][0].startswith(reason)
    for name in ("effect", "low", "high", "p", "q", "p_max", "effect_adjusted", "p_adjusted"):
        assert np.isnan(result.pairs[name][0]), name
    assert result.hits == 0


SEPARATED = {
    "area": ("auc", (X + 10 * HALF, "real"), (HALF, "binary"), 1.0),
    "Cliff": ("cliffs_delta", (X + 10 * HALF, "real"), (HALF, "binary"), 1.0),
    "odds of numbers": ("log_odds_ratio", (X + 10 * HALF, "real"), (HALF, "binary"), None),
}


@pytest.mark.parametrize("case", SEPARATED)
def test_perfect_separation_is_said_or_bounded(case):
    groups, feature, partner, effect = SEPARATED[case]
    settings = AssociateSettings(groups=groups)
    pairs = screen(table("f", feature), table("g", partner), permutations=0, settings=settings).pairs
    assert 0 < pairs["p"][0] < 1e-5
    if effect is None:
        assert np.isnan(pairs["effect"][0])
        assert pairs["flag"][0] == "tested, but without finite effect: separated"
    else:
        assert pairs["effect"][0] == effect == pairs["high"][0]
        assert pairs["low"][0] < effect


def test_separated_tables_and_survival_stay_honest():
    two = screen(table("f", (HALF, "binary")), table("g", (HALF, "binary")), permutations=0).pairs
    assert two["low"][0] > 2
    assert np.isinf(two["high"][0])
    time = np.where(HALF == 1, 1 + RNG.random(N), 50 + RNG.random(N))
    survival = Table(
        np.column_stack([time, HALF]),
        tuple(f"P{k:02d}" for k in range(N)),
        (Column("os", "time"), Column("os.event", "binary")),
    )
    cox = screen(table("f", (HALF, "binary")), survival, permutations=0).pairs
    assert cox["flag"][0] == "tested, but without finite effect: separated"
    assert 0 < cox["p"][0] < 1e-4


def test_few_patients_in_all_are_all_flagged():
    few = screen(table("f", (X[:9], "real"), patients=9), table("g", (X[:9], "real"), patients=9), permutations=5)
    assert few.settings["tested"] == 0
    assert few.null_hits.size == 0
    with pytest.raises(TableError, match="no patient in both"):
        screen(table("f", (X, "real")), Table(X[:, None], tuple(f"Q{k}" for k in range(N)), (Column("g"),)))


def test_copies_are_told():
    gene = RNG.normal(size=N)
    result = screen(
        table("f", (X, "real"), (X, "real"), (np.ones(N), "real"), (np.ones(N), "real")),
        table("g", (gene, "real"), (-gene, "real"), (gene, "real"), (gene, "real"), (missing(gene, 30), "real")),
        permutations=0,
    )
    first, second = result.settings["cautions"]
    assert first.startswith("1 column of the features table is a copy of another (f1 of f0)")
    assert "2 columns" in second
    assert "(g2 of g0, g3 of g0)" in second


@pytest.mark.parametrize("groups", ["auc", "cliffs_delta", "cohens_d", "log_odds_ratio"])
def test_a_batch_that_is_the_outcome_has_no_adjusted_value_and_is_named(groups):
    image = table("f", (X + HALF, "real"))
    other = table("g", (1 - HALF, "binary"), (RNG.random(N) < 0.5, "binary"), (RNG.normal(size=N), "real"))
    site = table("site", (HALF + 0, "categorical"))
    settings = AssociateSettings(groups=groups)
    result = screen(image, other, site, permutations=3, settings=settings)
    assert result.settings["cautions"][0].startswith("site0 tells g0 wholly")
    assert np.isnan(result.pairs["p_adjusted"][0])
    assert result.pairs["flag_adjusted"][0] != ""
    assert not np.isnan(result.pairs["p_adjusted"][1:]).any()
    finer = table("site", (np.arange(N) // 2 * 1.0 % 3, "categorical"))
    assert screen(image, other, finer, permutations=0, settings=settings).settings["cautions"] == ()


def test_covariates_with_too_few_patients_left_leave_raw_values_alone():
    age = table("age", (missing(RNG.normal(size=N), 9), "real"))
    pairs = screen(table("f", (X, "real")), table("g", (RNG.normal(size=N), "real")), age, permutations=0).pairs
    assert not np.isnan(pairs["p"][0])
    assert np.isnan(pairs["p_adjusted"][0])
    assert "too few patients" in pairs["flag_adjusted"][0]
