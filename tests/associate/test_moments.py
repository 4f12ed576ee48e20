"""Two ways to the same cross products: products of patterns, and one column against all."""

from __future__ import annotations

import numpy as np
import pytest

from genoxel.associate.moments import Moments, Side, patterns_of
from genoxel.associate.numbers import GroupPairs, NumberPairs
from genoxel.associate.tail import Tail, passing
from genoxel.stats.multiple import benjamini_hochberg
from genoxel.stats.permute import induced, permutations

NAMES = ("dot", "sxx", "syy", "total_x", "total_y", "n", "free", "sum_y")


def sides(seed, share, binary=False, n=30, p=6, m=7):
    rng = np.random.default_rng(seed)
    x, y = np.round(rng.normal(size=(n, p)), 1), np.round(rng.normal(size=(n, m)), 1)
    if binary:
        y = (y > 0.2).astype(float)
    for values in (x, y):
        values[rng.random(values.shape) < share] = np.nan
    z = np.column_stack([rng.normal(size=n), rng.integers(0, 3, n) == 1])
    z[:2] = np.nan
    return x, y, z


def collected(moments, order=None):
    shape = moments.x.values.shape[1], moments.y.values.shape[1]
    out = {name: np.full(shape, np.nan) for name in NAMES}
    for chunk in moments.chunks(order):
        for name in NAMES:
            out[name][np.ix_(chunk.rows, chunk.columns)] = getattr(chunk, name)
    return out


@pytest.mark.parametrize("share", [0.0, 0.1])
@pytest.mark.parametrize("adjusted", [False, True])
@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize(("ranked", "binary"), [(True, False), (False, False), (True, True)])
def test_both_ways_agree(share, adjusted, moved, ranked, binary):
    x, y, z = sides(1, share, binary)
    left, right = Side(x, ranked), Side(y, ranked and not binary)
    moments = Moments(left, right, z if adjusted else None)
    order = next(permutations(30, 1, seed=2)) if moved else None
    moments.scattered = False
    grouped = collected(moments, order)
    moments.scattered = True
    for name, values in collected(moments, order).items():
        np.testing.assert_allclose(values, grouped[name], atol=1e-8, err_msg=name)


def test_the_cheaper_way_is_chosen():
    x, y, _ = sides(3, 0.2, n=40, p=60, m=60)
    assert Moments(Side(x, True), Side(y, True)).scattered
    x[:], y[:] = 1.0, 2.0
    assert not Moments(Side(x, True), Side(y, True)).scattered


def test_nothing_is_kept_when_it_would_be_too_much(monkeypatch):
    x, y, z = sides(4, 0.1)
    monkeypatch.setattr("genoxel.associate.moments._CACHE_BYTES", 0)
    moments = Moments(Side(x, True), Side(y, True), z)
    first = collected(moments)
    assert not moments._groups
    monkeypatch.undo()
    kept = Moments(Side(x, True), Side(y, True), z)
    np.testing.assert_array_equal(first["dot"], collected(kept)["dot"])
    assert kept._groups


def test_blocks_do_not_change_values(monkeypatch):
    x, y, _ = sides(5, 0.0)
    whole = collected(Moments(Side(x, True), Side(y, True)))
    monkeypatch.setattr("genoxel.associate.moments._CELLS", 10)
    np.testing.assert_allclose(collected(Moments(Side(x, True), Side(y, True)))["dot"], whole["dot"], rtol=1e-12)


def test_patterns_name_every_column_once():
    known = np.random.default_rng(6).random((20, 50)) < 0.9
    known[:, 10:30] = True
    patterns = patterns_of(known)
    assert sorted(np.concatenate([columns for _, columns in patterns])) == list(range(50))
    for pattern, columns in patterns:
        assert (known[:, columns] == pattern[:, None]).all()
    assert patterns_of(np.ones((5, 0), dtype=bool)) == ()


def test_a_subset_is_permuted_uniformly_and_like_the_whole_where_it_can_be():
    keep = np.array([True, False, True, True])
    counts = {}
    for order in permutations(4, 6000, seed=1):
        small = tuple(induced(order, keep).tolist())
        counts[small] = counts.get(small, 0) + 1
        inside = np.flatnonzero(keep)
        for place, row in enumerate(inside):
            if keep[order[row]]:
                assert inside[small[place]] == order[row]
    assert len(counts) == 6
    assert min(counts.values()) > 850


@pytest.mark.parametrize("share", [0.0, 0.1])
@pytest.mark.parametrize("kind", [NumberPairs, GroupPairs])
@pytest.mark.parametrize("scattered", [False, True])
@pytest.mark.parametrize("tails", ["t", "moments"])
def test_counting_in_a_world_equals_adjusting_its_p_values(share, kind, scattered, tails):
    x, y, z = sides(7, share, binary=kind is GroupPairs, n=40, p=12, m=10)
    block = kind(x, y, z, "spearman", tails) if kind is NumberPairs else kind(x, y, z, "auc")
    block.raw.scattered = block.partial.scattered = scattered
    everything = np.arange(40)
    for q in (0.05, 0.5, 0.9):
        tail = Tail(q)
        block.world(everything, tail)
        p = block.measure().p
        assert passing(tail, p.size) == int((benjamini_hochberg(p) <= q).sum())
        assert tail.smallest == pytest.approx(p.min())
        tail = Tail(q)
        block.world_adjusted(everything, tail)
        p = block.adjusted().p
        assert passing(tail, p.size) == int((benjamini_hochberg(p) <= q).sum())


def test_a_rank_p_below_what_is_possible_does_not_pass():
    """Ten patients ranked alike give p = 2 / 10!, which no level below lets pass."""
    x = np.arange(10.0)[:, None]
    block = NumberPairs(x, x, None, "spearman")
    tail = Tail(1e-7)
    block.world(np.arange(10), tail)
    assert tail.count(1e-7) == 0
    assert tail.smallest == pytest.approx(2 / 3628800)
    assert block.measure().p[0, 0] == pytest.approx(2 / 3628800)
    assert np.isnan(block.adjusted().p).all()
