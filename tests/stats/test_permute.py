"""Permutations: reproducible, within strata, never a p of zero."""

from __future__ import annotations

import numpy as np
import pytest

from genoxel.core.errors import InputError
from genoxel.stats.permute import family_p, permutation_p, permutations


def test_worlds_are_permutations_and_do_not_depend_on_their_number():
    few, many = list(permutations(12, 3, seed=4)), list(permutations(12, 30, seed=4))
    for a, b in zip(few, many, strict=False):
        np.testing.assert_array_equal(a, b)
    assert all(sorted(order) == list(range(12)) for order in many)
    assert len({tuple(order) for order in many}) == 30
    assert not np.array_equal(next(permutations(12, 1, seed=5)), few[0])


def test_strata_are_never_left():
    strata = np.array(["b", "a", "b", "c", "a", "b"])
    for order in permutations(6, 50, strata=strata):
        np.testing.assert_array_equal(strata[order], strata)
    with pytest.raises(InputError, match="one stratum per row"):
        list(permutations(6, 1, strata=strata[:3]))


def test_every_order_is_as_likely():
    seen = [tuple(order) for order in permutations(3, 6000)]
    counts = np.unique(seen, axis=0, return_counts=True)[1]
    assert len(counts) == 6
    assert counts.min() > 880
    assert counts.max() < 1120


def test_p_by_hand_and_ties_count():
    np.testing.assert_allclose(permutation_p([3.0, 1.0, np.nan, 9.0], [1.0, 2.0, 3.0]), [0.5, 1.0, np.nan, 0.25])
    np.testing.assert_allclose(family_p([0.05, np.nan, 1e-9], [0.05, 0.2, 0.01]), [0.75, np.nan, 0.25])
