"""What [associate] costs: how much work is counted, by hand, and that `check` warns of each part that takes hours."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

from genoxel.associate.multiblock import multiblock
from genoxel.core.table import Column, Table
from genoxel.study.check import check
from genoxel.study.cost_associate import ImageSide, association_costs
from genoxel.study.molecular import Molecular
from genoxel.study.schema import parse_study
from genoxel.study.study import Study
from study.test_meaning_step import TEXT, folder_of, study_of


def table(n, columns, kind, name="c"):
    values = np.random.default_rng(0).normal(size=(n, columns))
    return Table(values, [f"P{row}" for row in range(n)], tuple(Column(f"{name}{one}") for one in range(columns)), kind)


def costs(tmp_path, text, molecular, image=None):
    settings, problems = parse_study(text)
    assert not problems
    side = image or ImageSide(50, 30)
    found = association_costs(Study(tmp_path / "study.toml", settings, text), molecular, side)
    return {one.where.removeprefix("associate."): one for one in found}


GENES = Molecular(expression=table(50, 200, "expression", "g"), tables={"genesets": table(50, 40, "genesets", "s")})


def test_pairs_and_fits_are_those_that_a_run_makes(tmp_path, monkeypatch):
    text = '[associate]\nagainst = ["expression"]\nadjust = []\nshared = "pls"\ncorrect = { permutations = 19 }\n'
    found = costs(tmp_path, text, GENES)
    assert set(found) == {"correct.permutations", "shared"}
    assert found["correct.permutations"].what == "6,000 pairs with expression in 19 worlds without link"
    fits: list[int] = []
    room = import_module("genoxel.associate.multiblock")
    real = room._pls
    monkeypatch.setattr(room, "_pls", lambda *more: fits.append(1) or real(*more))
    multiblock(table(50, 30, "image"), table(50, 20, "expression"), permutations=19)
    assert found["shared"].what.endswith(f"learned {len(fits)} times")


@pytest.mark.parametrize(
    ("change", "times"),
    [
        ('against = ["g1", "g2"]', 1 / 100),
        ('against = ["targets"]', None),
        ("correct = { permutations = 38 }", 2),
        ('adjust = ["age"]', 2),
    ],
)
def test_the_cost_of_pairs_grows_as_the_work(tmp_path, change, times):
    lines = {"against": '["expression"]', "adjust": "[]", "correct": "{ permutations = 19 }"}
    before = costs(tmp_path, _associate(lines), GENES)["correct.permutations"].seconds
    key, _, value = change.partition(" = ")
    after = costs(tmp_path, _associate({**lines, key: value}), GENES).get("correct.permutations")
    assert (after is None) == (times is None)
    if after is not None:
        assert after.seconds / before == pytest.approx(times)


def _associate(lines):
    head = '[cohort]\ntable = "clinical.csv"\nclinical = ["age"]\n[associate]\n'
    return head + "".join(f"{key} = {value}\n" for key, value in lines.items())


def test_missing_values_cost_more_on_either_side(tmp_path):
    text = '[associate]\nagainst = ["expression"]\nadjust = []\n'
    whole = costs(tmp_path, text, GENES)["correct.permutations"].seconds
    values = GENES.expression.values.copy()
    values[0, 0] = np.nan
    holes = Molecular(expression=Table(values, GENES.expression.rows, GENES.expression.columns, "expression"))
    assert costs(tmp_path, text, holes)["correct.permutations"].seconds > 10 * whole
    assert costs(tmp_path, text, GENES, ImageSide(50, 30, True))["correct.permutations"].seconds > 10 * whole


def test_groups_and_activity_are_counted_where_they_are_asked_for(tmp_path):
    text = '[associate]\nagainst = ["targets"]\n[associate.enrich]\n[associate.phenotypes]\nworlds = 39\n'
    found = costs(tmp_path, text, GENES)
    assert found["enrich.activity"].what.startswith("40 gene set scores predicted from the image in 200 worlds")
    assert found["phenotypes"].what == "50 draws of 50 patients in 39 clouds of one group"
    halved = costs(tmp_path, text + 'replicate = "half"\n', GENES)["phenotypes"]
    assert halved.what == "50 draws of 25 patients in 39 clouds of one group"
    fused = costs(tmp_path, text + 'blocks = ["image", "expression"]\n', GENES)["phenotypes"]
    assert fused.seconds > 3 * found["phenotypes"].seconds
    assert set(costs(tmp_path, text.replace("[associate.enrich]", "[associate.enrich]\nactivity = false"), GENES)) == {
        "phenotypes"
    }


def test_check_warns_of_each_part_that_takes_hours(tmp_path):
    folder = folder_of(tmp_path, split=0)
    quick = check(study_of(folder, "[associate.phenotypes]\nworlds = 39\n"))
    assert not [one for one in quick.problems if "on one core" in one.got]
    text = TEXT.replace("correct = {{ permutations = 9 }}", 'correct = {{ permutations = 100000 }}\nshared = "mofa"')
    slow = check(study_of(folder, "[associate.phenotypes]\nworlds = 10000\nresamples = 10000\n", text))
    warned = {one.where: one for one in slow.problems if "on one core" in one.got}
    assert set(warned) == {"associate.shared", "associate.phenotypes"}
    assert all(one.severity == "warning" for one in warned.values())
    assert "learned 500,006 times" in warned["associate.shared"].got
    assert "10,000 draws of 120 patients in 10,000 clouds" in warned["associate.phenotypes"].got
    assert slow.cost.seconds - quick.cost.seconds > 2 * 3600
