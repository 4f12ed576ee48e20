"""Whether 95 % intervals of every kind of effect hold the truth, raw and adjusted; quick and full."""

import pytest

from genoxel.associate.coverage import APPROXIMATE, KINDS, coverage_of


@pytest.mark.parametrize("effect", KINDS)
def test_intervals_hold_the_truth(effect):
    found, spread = coverage_of(effect, 100, seed=3), (0.05 * 0.95 / 100) ** 0.5
    assert found.mean >= 0.93 - 2 * spread
    assert found.mean <= 0.97 + 2 * spread or effect in APPROXIMATE


@pytest.mark.slow
@pytest.mark.parametrize("effect", KINDS)
def test_intervals_hold_the_truth_as_often_as_promised(effect):
    found = coverage_of(effect, 3000, seed=4)
    assert found.mean >= 0.93
    assert found.mean <= 0.97 or effect in APPROXIMATE
