"""The adjusted log odds ratio against statsmodels, and where it does not exist."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.api import Logit

from genoxel.stats.logistic import adjusted_log_odds


@pytest.mark.parametrize("seed", range(5))
def test_equals_statsmodels(seed):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(90, 2)) * [1, 50]
    x = (z[:, 0] + rng.normal(size=90) > 0).astype(float)
    y = (x + z[:, 0] + rng.logistic(size=90) > 0.5).astype(float)
    expected = Logit(y, np.column_stack([np.ones(90), x, z])).fit(disp=False)
    assert adjusted_log_odds(y, x, z) == pytest.approx((expected.params[1], expected.bse[1]), rel=1e-5)


def test_what_does_not_exist_is_not_a_number():
    y = np.repeat([0.0, 1.0], 20)
    none = np.empty((40, 0))
    assert np.isnan(adjusted_log_odds(y, y, none)).all()
    assert np.isnan(adjusted_log_odds(y, np.tile([0.0, 1.0], 20), y[:, None])).all()
    x = np.tile([0.0, 1.0], 20)
    assert np.isnan(adjusted_log_odds(y, x, 1 - x)).all()
