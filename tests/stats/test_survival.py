"""Log-rank and Kaplan-Meier: published numbers and lifelines."""

import numpy as np
import pytest
from lifelines import KaplanMeierFitter
from lifelines.statistics import multivariate_logrank_test

from genoxel.core.errors import InputError
from genoxel.stats.survival import kaplan_meier, log_rank

# Remission of leukaemia under 6-mercaptopurine and placebo (Freireich et al., Blood 1963).
TREATED = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
RELAPSED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]


def test_the_leukaemia_trial_gives_its_published_numbers():
    time, event = np.r_[TREATED, PLACEBO], np.r_[RELAPSED, np.ones(21)]
    found = log_rank(time, event, np.repeat([0, 1], 21))
    assert found.chi2 == pytest.approx(16.79, abs=0.005)
    assert found.expected.round(2).tolist() == [19.25, 10.75]
    assert found.observed.tolist() == [9, 21]
    curve = kaplan_meier(TREATED, RELAPSED)
    at = dict(zip(curve.time.tolist(), curve.alive.round(4).tolist(), strict=True))
    assert [at[week] for week in (6, 7, 10, 13, 16, 22, 23)] == [0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482]


@pytest.mark.parametrize("groups", [2, 4])
def test_lifelines_agrees(groups):
    rng = np.random.default_rng(groups)
    time, event = np.ceil(rng.exponential(10, 80)), (rng.random(80) < 0.7).astype(int)
    code = rng.integers(0, groups, 80)
    own, theirs = log_rank(time, event, code), multivariate_logrank_test(time, code, event)
    assert own.chi2 == pytest.approx(theirs.test_statistic)
    assert own.p == pytest.approx(theirs.p_value)
    curve, fitted = kaplan_meier(time, event), KaplanMeierFitter().fit(time, event)
    np.testing.assert_allclose(curve.alive, fitted.survival_function_.to_numpy()[:, 0])
    bounds = fitted.confidence_interval_.to_numpy()
    inside = curve.alive > 0
    np.testing.assert_allclose(np.c_[curve.low, curve.high][inside], bounds[inside], atol=1e-9)


def test_what_cannot_be_tested_is_refused():
    with pytest.raises(InputError, match="a single group"):
        log_rank([1, 2], [1, 1], [0, 0])
    with pytest.raises(InputError, match="no event"):
        log_rank([1, 2], [0, 0], [0, 1])
    with pytest.raises(InputError, match="missing times"):
        log_rank([1, np.nan], [1, 1], [0, 1])
