"""The self-test must see a fault where there is one; what it prints of a sound installation is its smaller half."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats as scipy_stats
from typer.testing import CliRunner

from genoxel.app.cli import app
from genoxel.associate import selfcheck
from genoxel.associate.selfcheck import Confounding, Share
from genoxel.core.errors import OutputError, SettingsError
from genoxel.core.results import Interval
from genoxel.simulate import SimulationSpec, simulate
from genoxel.stats import effects
from genoxel.study.selftest import images, selftest
from genoxel.study.selftest.cohorts import Judged
from genoxel.study.selftest.links import LinkEffort, confounding_rows, held_row, link_rows, null_row, power_row
from genoxel.study.selftest.page import page
from genoxel.study.selftest.rows import Row, SelfTest, between, exact, mean_at_most, number, share, unbiased
from genoxel.study.selftest.run import write
from genoxel.study.selftest.stats import (
    INTERVALS,
    _held,
    cohort_rows,
    interval_row,
    one_screen,
    one_world,
    screen_rows,
    world_rows,
)

SMALL = SimulationSpec(n=4, effects=("IDH1:none",), prevalence={"IDH1": 0.5}, shape=(48, 48, 14), seed=6)


def test_shares_are_judged_by_the_binomial_law():
    row = share("a", "b", 3, 40, 0.05, True)
    low, high = scipy_stats.binomtest(3, 40).proportion_ci(method="exact")
    assert (row.low, row.high) == (pytest.approx(low), pytest.approx(high))
    for count in range(41):
        p = scipy_stats.binomtest(count, 40, 0.05, alternative="greater").pvalue
        assert share("a", "b", count, 40, 0.05, True).bad == (p < 0.001)
        p = scipy_stats.binomtest(count, 40, 0.8, alternative="less").pvalue
        assert share("a", "b", count, 40, 0.8, False).bad == (p < 0.001)
    assert share("a", "b", 0, 2, 0.05, True).word == "too few to judge"
    assert share("a", "b", 2, 2, 0.05, True).word == "too few to judge"


def test_numbers_and_sums_are_judged():
    assert not number("a", "b", 0.5, 0.5).bad
    assert number("a", "b", 0.6, 0.5).bad
    assert number("a", "b", float("nan"), 0.5).bad
    assert exact("a", "b", 3, 4).bad
    assert not exact("a", "b", 4, 4).bad
    assert exact("a", "b", 0, 0).word == "too few to judge"


def test_shares_between_two_limits_fail_on_either_side():
    for count in range(0, 401, 3):
        below = scipy_stats.binomtest(count, 400, 0.93, alternative="less").pvalue < 0.001
        above = scipy_stats.binomtest(count, 400, 0.97, alternative="greater").pvalue < 0.001
        assert between("a", "b", count, 400, 0.93, 0.97).bad == (below or above)
    assert between("a", "b", 20, 20, 0.93, 0.97).word == "too few to judge"


def test_means_are_judged_by_their_standard_error():
    z = scipy_stats.norm.ppf(0.999)
    assert not mean_at_most("a", "b", Share(0.05 + 0.99 * z * 0.01, 0.01, 100), 0.05).bad
    assert mean_at_most("a", "b", Share(0.05 + 1.01 * z * 0.01, 0.01, 100), 0.05).bad
    assert mean_at_most("a", "b", Share(float("nan"), 0.01, 100), 0.05).bad
    two_sided = scipy_stats.norm.ppf(0.9995)
    for sign in (-1, 1):
        assert not unbiased("a", "b", Share(sign * 0.99 * two_sided * 0.01, 0.01, 100)).bad
        assert unbiased("a", "b", Share(sign * 1.01 * two_sided * 0.01, 0.01, 100)).bad
    assert unbiased("a", "b", Share(0.0, 0.0, 100)).bad


def test_the_association_map_is_judged_and_its_faults_are_seen():
    effort = LinkEffort(worlds=30, searched=2, planted=20, confounded=60, intervals=30)
    rows = link_rows(effort, 3, map)
    assert len(rows) == 6 + 1 + len(selfcheck.EFFECTS) + 2
    assert not any(row.bad for row in rows)
    assert rows[0] == null_row("independent features", selfcheck.false_discoveries("independent", 30, 3, planted=0))
    assert null_row("x", Share(0.2, 0.02, 300)).bad
    assert power_row(Share(0.8, 0.02, 300)).bad
    assert held_row("auc", "x", Share(0.9, 0.01, 1000)).bad
    assert held_row("auc", "x", Share(0.999, 0.001, 1000)).bad
    assert not held_row("log_odds_ratio_sparse", "x", Share(0.999, 0.001, 1000)).bad
    assert held_row("log_odds_ratio_sparse", "x", Share(0.9, 0.01, 1000)).bad
    biased = Confounding(Share(0.35, 0.003, 500), Share(0.02, 0.004, 500), Share(0.95, 0.01, 500))
    assert [row.bad for row in confounding_rows(biased)] == [True, False]


def test_an_adjustment_that_is_not_made_is_seen(monkeypatch):
    whole = selfcheck.screen

    def raw(*tables, **options):
        found = whole(*tables, **options)
        unadjusted = {f"{name}_adjusted": found.pairs[name] for name in ("effect", "low", "high")}
        return SimpleNamespace(pairs={**found.pairs, **unadjusted})

    monkeypatch.setattr(selfcheck, "screen", raw)
    assert all(row.bad for row in confounding_rows(selfcheck.confounding(60, 1)))


@pytest.mark.parametrize("name", INTERVALS)
def test_the_stated_truths_are_those_of_the_population(name):
    """The mean estimate of many large samples is the truth that coverage is counted against."""
    random = np.random.default_rng(4)
    n = 200_000
    if name in {"Pearson's r", "Spearman's rho"}:
        x, noise = random.standard_normal((2, n))
        y = 0.5 * x + np.sqrt(0.75) * noise
        found = (scipy_stats.pearsonr if name == "Pearson's r" else scipy_stats.spearmanr)(x, y).statistic
    elif name == "log odds ratio":
        found = np.log((2 / 3) / (1 / 3) / ((1 / 3) / (2 / 3)))
    else:
        one, other = random.standard_normal(n) + 0.8, random.standard_normal(n)
        d = (one.mean() - other.mean()) / np.sqrt((one.var() + other.var()) / 2)
        found = d if name == "Cohen's d" else scipy_stats.mannwhitneyu(one, other).statistic / n**2
    assert INTERVALS[name] == pytest.approx(found, abs=0.01)


def test_intervals_that_are_too_short_are_seen(monkeypatch):
    def halved(*samples):
        full = effects.__dict__["_whole"](*samples)
        half = (full.high - full.low) / 4
        return Interval(full.estimate, full.estimate - half, full.estimate + half, 0.95, "half")

    batches = [_held("Pearson's r", 3, batch) for batch in range(8)]
    assert not interval_row("Pearson's r", batches).bad
    monkeypatch.setattr(effects, "_whole", effects.pearson, raising=False)
    monkeypatch.setattr(effects, "pearson", halved)
    assert interval_row("Pearson's r", [_held("Pearson's r", 3, batch) for batch in range(8)]).bad


def test_the_screen_is_judged_and_a_screen_that_claims_is_seen():
    found = [one_screen(5, place) for place in range(6)]
    rows = screen_rows(found)
    assert not any(row.bad for row in rows)
    assert found == [one_screen(5, place) for place in range(6)]
    claiming = [{**one, "claimed": True, "family": True, "small": 900, "false": 0.5, "found": 2} for one in found]
    assert all(row.bad for row in screen_rows(claiming))


def test_prediction_that_claims_or_misses_is_seen():
    def always(word):
        return lambda _function, seeds: [[word, word] for _ in seeds]

    assert world_rows(8, 1, always("supported"))[0].bad
    assert world_rows(8, 1, always("inconclusive"))[1].bad
    assert one_world(2.0, 1)[0] == "supported"


def test_whole_cohorts_are_counted_by_target():
    def mapper(_function, jobs):
        words = {"IDH1": "supported", "TP53": "inconclusive", "EGFR": "above chance, no gain shown"}
        return [
            [Judged(gene, words[gene] if always else "inconclusive", 0.5, 0.0, 0.0, 1.0) for gene in words]
            for _, always in jobs
        ]

    rows = cohort_rows(30, 1, mapper)
    assert [row.seen.split(" (")[0] for row in rows] == ["0 of 30", "30 of 30", "0 of 30", "0 of 30"]
    assert cohort_rows(0, 1, mapper) == []


def test_a_delivery_that_differs_from_its_truth_is_seen(tmp_path):
    folder = simulate(SMALL, tmp_path / "one")
    rows = images.delivered_rows("MR", SMALL, folder)
    assert [row.bad for row in rows] == [False] * 4
    truth = json.loads((folder / "truth.json").read_text())
    first = truth["patients"]["SIM-001"]
    first["tumour_ml"] += 1
    first["genotype"]["IDH1"] = "wild type" if first["genotype"]["IDH1"] == "mutant" else "mutant"
    first["profiled"] = True
    (folder / "truth.json").write_text(json.dumps(truth))
    series = sorted((folder / "dicom" / "SIM-002").glob("*_T2/*.dcm"))[5]
    data = bytearray(series.read_bytes())
    data[-100] ^= 0xFF
    series.write_bytes(bytes(data))
    assert [row.bad for row in images.delivered_rows("MR", SMALL, folder)] == [True, False, True, True]
    other = simulate(replace(SMALL, seed=7), tmp_path / "two")
    same, of = images._alike(folder, other)
    assert same < of


def made(*rows: Row) -> SelfTest:
    return SelfTest(rows, "quick", 3, {"numpy": "2.0"}, "here")


def test_page_table_and_sentence_say_the_same(tmp_path):
    found = made(share("stats", "null <cohorts>", 0, 40, 0.05, True), number("images", "volume", 2.0, 1.0, " ml"))
    assert "self-test (stats, images; quick, seed 3): 1 of 2 checks were as expected" in found.sentence()
    assert "not as expected: volume" in found.sentence()
    text = page(found)
    assert "null &lt;cohorts&gt;" in text
    assert "0 of 40 (0.000 to 0.088)" in text
    assert "http" not in text.replace("http-equiv", "")
    write(found, tmp_path / "out")
    assert (tmp_path / "out" / "selftest.csv").read_text().count("\n") == 3
    assert json.loads((tmp_path / "out" / "selftest.json").read_text())["ok"] is False


def test_the_command_refuses_by_name_and_writes_where_asked(tmp_path):
    runner = CliRunner()
    done = runner.invoke(app, ["selftest", "install", "-o", str(tmp_path / "a"), "-j", "1", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["ok"] is True
    assert (tmp_path / "a" / "selftest.html").is_file()
    assert runner.invoke(app, ["selftest", "install", "-o", str(tmp_path / "a"), "-j", "1"]).exit_code == 0
    (tmp_path / "a" / "thesis.doc").write_text("mine")
    with pytest.raises(OutputError, match="holds something else"):
        selftest(["install"], out=tmp_path / "a")
    with pytest.raises(SettingsError, match="did you mean 'stats'"):
        selftest(["stat"])


def test_acquisitions_are_held_against_the_truth_and_a_wrong_half_life_is_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "HALF_LIFE", 6000.0)  # as if the reader had decayed the dose wrongly
    rows = images.acquired_rows(2, tmp_path)
    assert [row.bad for row in rows] == [row.what.startswith("PET") for row in rows]
    assert sum(row.bad for row in rows) == 2
    assert len(rows) == 7
