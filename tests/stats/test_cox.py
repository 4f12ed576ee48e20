"""Cox regression against lifelines (estimates) and statsmodels (score and information at zero)."""

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter
from lifelines.statistics import logrank_test
from scipy.stats import chi2
from statsmodels.duration.hazard_regression import PHReg

from genoxel.core.errors import InputError
from genoxel.stats.cox import Score, log_hazard_ratios


def cohort(seed, n=90, tied=True):
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=(n, 4)), np.column_stack([rng.normal(size=n), rng.random(n) < 0.4])
    time = rng.exponential(np.exp(-0.6 * x[:, 0] - 0.5 * z[:, 0])) * 10
    event = (rng.random(n) < 0.7).astype(float)
    return (np.ceil(time) if tied else time), event, x, z


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("adjusted", [False, True])
def test_hazard_ratios_are_those_of_lifelines(tied, adjusted):
    time, event, x, z = cohort(3, tied=tied)
    found, error = log_hazard_ratios(time, event, x, z if adjusted else None)
    for column in range(4):
        frame = pd.DataFrame({"t": time, "e": event, "x": x[:, column]})
        if adjusted:
            frame[["a", "b"]] = z
        fitted = CoxPHFitter().fit(frame, "t", "e", fit_options={"precision": 1e-10})
        assert found[column] == pytest.approx(fitted.params_["x"], rel=1e-5)
        assert error[column] == pytest.approx(fitted.standard_errors_["x"], rel=1e-5)


def test_score_p_is_that_of_statsmodels():
    time, event, x, z = cohort(5)
    own = Score.of(time, event).p(x)
    partial = Score.of(time, event, z).p(x)
    for column in range(4):
        model = PHReg(time, x[:, [column]], event, ties="efron")
        value = model.score(np.zeros(1))[0] ** 2 / -model.hessian(np.zeros(1))[0, 0]
        assert own[column] == pytest.approx(chi2.sf(value, 1), rel=1e-8)
        small = PHReg(time, z, event, ties="efron").fit()
        both = PHReg(time, np.column_stack([x[:, column], z]), event, ties="efron")
        at = np.r_[0.0, small.params]
        score, curve = both.score(at), -both.hessian(at)
        value = score @ np.linalg.inv(curve) @ score
        assert partial[column] == pytest.approx(chi2.sf(value, 1), rel=1e-4)


def test_two_groups_without_ties_are_the_log_rank_test():
    time, event, x, _ = cohort(7, tied=False)
    group = (x[:, [1]] > 0).astype(float)
    one = group[:, 0] == 1
    reference = logrank_test(time[one], time[~one], event[one], event[~one]).p_value
    assert Score.of(time, event).p(group)[0] == pytest.approx(reference, rel=1e-9)


def test_separation_and_constants_have_a_p_but_no_estimate():
    time = np.arange(1.0, 21.0)
    first = (time <= 10).astype(float)
    x = np.column_stack([first, np.ones(20)])
    found, _ = log_hazard_ratios(time, np.ones(20), x)
    p = Score.of(time, np.ones(20)).p(x)
    assert np.isnan(found).all()
    assert p[0] < 1e-4
    assert np.isnan(p[1])


def test_what_is_unknown_is_refused():
    with pytest.raises(InputError, match="missing"):
        log_hazard_ratios([1.0, 2.0], [1, 1], [[np.nan], [1.0]])
    with pytest.raises(InputError, match="no event"):
        log_hazard_ratios([1.0, 2.0], [0, 0], [[0.0], [1.0]])
