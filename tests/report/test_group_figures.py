"""Figures of gene sets and groups: they return their axes, keep their table, and say what is not there."""

import numpy as np
import pytest
from matplotlib.axes import Axes

from genoxel.associate import EnrichRules, GroupRules, enrich, over_represented, phenotypes, survival_of
from genoxel.core.table import Column, Table
from genoxel.report import figures
from genoxel.report.figures.style import off_screen
from genoxel.stats.survival import kaplan_meier

GENES = tuple(f"G{place:02d}" for place in range(60))
SETS = {"ONE": GENES[:10], "LIKE_ONE": GENES[2:12], "OTHER": GENES[30:40]}


@pytest.fixture(autouse=True)
def no_windows():
    with off_screen():
        yield


def table(values, name="f", kind="features"):
    people = tuple(f"P{row:03d}" for row in range(len(values)))
    return Table(values, people, tuple(Column(f"{name}{place:02d}") for place in range(values.shape[1])), kind)


def cohort(split):
    rng = np.random.default_rng(4)
    values = rng.normal(size=(40, 12)) + split * (np.arange(40) % 2)[:, None] * rng.choice([-1, 1], 12)
    return phenotypes(table(values), rules=GroupRules(most=3, resamples=19, worlds=19))


def test_sets_that_share_leading_genes_are_joined():
    rng = np.random.default_rng(5)
    trait = rng.normal(size=40)
    values = rng.normal(size=(40, 60))
    values[:, :12] += trait[:, None]
    found = enrich(table(trait[:, None]), table(values, "G", "expression"), SETS, rules=EnrichRules(permutations=99))
    axes = figures.enrichment_network(found)
    assert isinstance(axes, Axes)
    drawn = figures.table_of(axes).set_index("set")
    assert drawn.loc["ONE", "joined_to"] == "LIKE_ONE"
    assert drawn.loc["OTHER", "joined_to"] == ""
    assert len(figures.table_of(figures.enrichment_network(found, most=2))) == 2


def test_over_representation_is_drawn_as_well():
    axes = figures.enrichment_network(over_represented({"hits": GENES[:9]}, SETS, GENES))
    assert figures.table_of(axes)["set"].iloc[0] == "ONE"


def test_the_consensus_puts_groups_side_by_side():
    found = cohort(3.0)
    drawn = figures.table_of(figures.consensus_matrix(found))
    assert found.k == 2
    assert drawn["group"].tolist() == sorted(found.groups.tolist())
    axes = figures.consensus_cdf(found)
    assert len(axes.get_lines()) == 2 + 2
    assert figures.table_of(axes)["share"].max() == pytest.approx(1.0)


def test_one_group_is_drawn_as_one():
    found = cohort(0.0)
    axes = figures.consensus_matrix(found)
    assert axes.get_title(loc="left").startswith("One group")
    assert figures.table_of(axes)["group"].unique().tolist() == [1]


def test_curves_are_those_of_kaplan_and_meier():
    found = cohort(3.0)
    rng = np.random.default_rng(6)
    columns = (Column("os", "time"), Column("os.event", "binary"))
    rows = np.c_[rng.exponential(10, 40), np.ones(40)]
    lived = survival_of(found.table(), Table(rows, found.patients, columns, "survival"))
    drawn = figures.table_of(figures.survival_curves(lived))
    inside = found.groups == 2
    expected = kaplan_meier(rows[inside, 0], rows[inside, 1]).alive
    np.testing.assert_allclose(drawn[drawn["group"] == 2]["alive"], expected)
    few = survival_of(found.table(), Table(rows * [1, 0], found.patients, columns, "survival"))
    assert figures.survival_curves(few).get_title(loc="left") == "Not tested"
