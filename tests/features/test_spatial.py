"""Sums over pairs weighted by inverse distance, against SciPy's distances between all voxels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from genoxel.core.errors import NotDefinedError
from genoxel.features import _spatial

SHEARED = np.array([[1.0, 0.3, 0.0], [0.0, 1.2, 0.4], [0.0, 0.0, 2.5]])


@pytest.mark.parametrize("matrix", [np.diag([1.0, 1.2, 2.5]), SHEARED], ids=["square", "sheared"])
@pytest.mark.parametrize("shape", [(7, 6, 5), (1, 9, 4), (9, 1, 4), (8, 5, 1), (1, 1, 6), (1, 12, 1)])
@pytest.mark.parametrize("slab", [1, 300, 2**21])
def test_sums_equal_those_over_all_pairs(
    monkeypatch: pytest.MonkeyPatch, matrix: np.ndarray, shape: tuple[int, int, int], slab: int
) -> None:
    monkeypatch.setattr(_spatial, "_SLAB", slab)
    rng = np.random.default_rng(5)
    inside = rng.random(shape) < 0.7
    inside.flat[0] = inside.flat[-1] = True
    values = rng.normal(size=int(inside.sum()))
    places = np.argwhere(inside) @ matrix.T
    away = cdist(places, places)
    weight = np.divide(1, away, out=np.zeros_like(away), where=away > 0)
    wanted = (weight.sum(), values @ weight @ values, (weight @ np.ones(values.size)) @ values**2)
    np.testing.assert_allclose(_spatial.pair_sums(inside, values, matrix), wanted, rtol=1e-9, atol=1e-9)


def test_a_region_beyond_the_limit_is_not_defined_with_the_remedy() -> None:
    with pytest.raises(NotDefinedError, match="resample"):
        _spatial.pair_sums(np.ones((600, 600, 30), dtype=bool), np.zeros(600 * 600 * 30), np.eye(3))
