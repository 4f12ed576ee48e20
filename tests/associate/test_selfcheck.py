"""The judgement of the issue by simulation: false discoveries, power, coverage, confounding; quick and full."""

import pytest

from genoxel.associate import selfcheck
from genoxel.associate.selfcheck import WORLDS, Share

Q = 0.05


@pytest.mark.parametrize("world", ["independent", "blocks"])
@pytest.mark.parametrize("planted", [0, 3])
def test_false_discoveries_stay_within_the_promise(world, planted):
    found = selfcheck.false_discoveries(world, 200, seed=1, planted=planted)
    assert found.mean <= Q + 2 * found.error


@pytest.mark.slow
@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("planted", [0, 3])
def test_false_discoveries_stay_within_the_promise_in_many_cohorts(world, planted):
    found = selfcheck.false_discoveries(world, 60 if world == "best of gene" else 2000, seed=2, planted=planted)
    assert found.mean <= Q + 2 * found.error


def test_a_planted_link_is_found():
    found = selfcheck.power(0.7, 60, 150, seed=1)
    assert found.mean >= 0.9


def test_adjusting_takes_the_confounder_out_and_leaving_it_in_does_not():
    found = selfcheck.confounding(500, seed=0)
    assert abs(found.adjusted.mean) < 2 * found.adjusted.error
    assert found.raw.mean > 10 * found.raw.error
    assert 0.93 - 2 * found.coverage.error <= found.coverage.mean


CONTINUOUS = [effect for effect in selfcheck.EFFECTS if not effect.endswith("sparse")]


def test_the_exact_interval_of_small_tables_holds_the_truth_at_least_as_often():
    found = selfcheck.coverage("log_odds_ratio_sparse", 150, seed=3)
    assert found.mean >= 0.93 - 2 * found.error
    assert found.of_cohorts > 120


@pytest.mark.parametrize("effect", CONTINUOUS)
def test_intervals_hold_the_truth(effect):
    found = selfcheck.coverage(effect, 200, seed=3)
    assert 0.93 - 2 * found.error <= found.mean <= 0.97 + 2 * found.error


@pytest.mark.slow
@pytest.mark.parametrize("effect", CONTINUOUS)
def test_intervals_hold_the_truth_as_often_as_promised(effect):
    found = selfcheck.coverage(effect, 3000, seed=4)
    assert 0.93 <= found.mean <= 0.97


def test_a_share_has_its_standard_error():
    assert Share.of([0, 1, 0, 1]) == pytest.approx((0.5, 0.2886751, 4))
