"""Shared components: what is planted is found on held-out patients, what is not is not, and leaks would show."""

import numpy as np
import pytest
from sklearn.cross_decomposition import PLSCanonical

from genoxel.associate import multiblock
from genoxel.associate.multiblock import _bounded, _pls
from genoxel.core.errors import InputError, TableError
from genoxel.core.table import Column, Table


def side(values, name):
    people = tuple(f"P{row:03d}" for row in range(len(values)))
    return Table(values, people, tuple(Column(f"{name}{place}") for place in range(values.shape[1])), name)


def cohort(seed, strength, n=70):
    rng = np.random.default_rng(seed)
    trait = rng.normal(size=(n, 1))
    x, y = rng.normal(size=(n, 150)), rng.normal(size=(n, 200))
    x[:, :15] += strength * trait
    y[:, :20] += strength * trait
    x[rng.random(x.shape) < 0.02] = np.nan
    return side(x, "f"), side(y, "g")


@pytest.mark.parametrize("method", ["pls", "sparse_cca"])
def test_a_planted_component_is_found_and_named(method):
    found = multiblock(*cohort(1, 1.0), method=method, components=1, permutations=19)
    assert found.rows["held_out"][0] > 0.6
    assert found.rows["p"][0] == pytest.approx(0.05)
    assert {name for name, _ in found.strongest("image", 0, 8)} <= {f"f{place}" for place in range(15)}
    assert found.rows["stability"][0] > 0.5


@pytest.mark.parametrize("method", ["pls", "sparse_cca"])
def test_without_a_link_the_fit_looks_perfect_and_held_out_patients_show_that_it_is_not(method):
    found = [multiblock(*cohort(seed, 0.0), method=method, components=1, permutations=19) for seed in range(6)]
    assert min(one.rows["in_sample"][0] for one in found) > 0.7
    assert max(abs(one.rows["held_out"][0]) for one in found) < 0.4
    assert sum(one.rows["p"][0] <= 0.05 for one in found) <= 1


def small(seed, strength, n=50):
    """Two blocks of which the first lacks the last patients and the second the first ones."""
    rng = np.random.default_rng(seed)
    trait = rng.normal(size=(n, 1))
    x, y = rng.normal(size=(n, 20)), rng.normal(size=(n, 24))
    x[:, :8] += strength * trait
    y[:, :8] += strength * trait
    return side(x, "f").take(slice(0, n - 6)), side(y, "g").take(slice(6, n))


def test_factors_are_shared_by_blocks_that_lack_different_patients():
    pytest.importorskip("mofapy2")
    image, genes = small(1, 1.2)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    found = multiblock(image, genes, "mofa", components=1, folds=3, permutations=19)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
    assert found.n == 38
    assert found.rows["held_out"][0] > 0.6
    assert found.rows["p"][0] == pytest.approx(0.05)
    assert {name for name, _ in found.strongest("image", 0, 6)} <= {f"f{place}" for place in range(8)}
    again = multiblock(image, genes, "mofa", components=1, folds=3, permutations=0)
    assert again.rows["held_out"].tolist() == found.rows["held_out"].tolist()


def test_patients_with_one_side_alone_are_learned_from():
    pytest.importorskip("mofapy2")
    image, genes = small(2, 0.8, n=44)
    shared = sorted(set(image.patients) & set(genes.patients))
    every = multiblock(image, genes, "mofa", components=1, folds=3, permutations=0)
    both = multiblock(image.of_patients(shared), genes.of_patients(shared), "mofa", 1, 3, permutations=0)
    assert every.n == both.n == 32
    assert every.rows["held_out"][0] != both.rows["held_out"][0]


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_factors_without_a_link_keep_the_level():
    pytest.importorskip("mofapy2")
    found = [multiblock(*small(seed, 0.0), "mofa", 1, 3, permutations=19, seed=seed) for seed in range(30)]
    assert sum(one.rows["p"][0] <= 0.05 for one in found) <= 30 * 0.05 + 2 * np.sqrt(30 * 0.05 * 0.95)


def test_what_one_side_says_of_factors_is_their_posterior_mean():
    """The scoring matrix against the conditional mean of a joint normal distribution of factors and columns."""
    from genoxel.associate.mofa import _scoring

    rng = np.random.default_rng(3)
    loadings, noise = rng.normal(size=(7, 2)), rng.uniform(0.5, 2, size=7)
    x = rng.normal(size=(4, 7))
    theirs = x @ np.linalg.solve(loadings @ loadings.T + np.diag(1 / noise), loadings)
    np.testing.assert_allclose(x @ _scoring(loadings, noise), theirs)


def test_fewer_coordinates_give_the_scores_of_all_columns():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(30, 80)), rng.normal(size=(30, 50))
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    model = PLSCanonical(2, scale=False, max_iter=5000, tol=1e-12).fit(x, y)
    u, v = _pls(x, y, 2)
    for own, their, values in ((u, model.x_rotations_, x), (v, model.y_rotations_, y)):
        for k in range(2):
            assert abs(np.corrcoef(values @ own[:, k], values @ their[:, k])[0, 1]) == pytest.approx(1, abs=1e-3)


def test_the_bound_holds():
    values = np.random.default_rng(3).normal(size=100)
    out = _bounded(values, 3.0)
    assert np.abs(out).sum() == pytest.approx(3.0)
    assert out @ out == pytest.approx(1.0)
    assert (out == 0).sum() > 50


def test_too_few_patients_and_empty_tables_are_refused():
    rng = np.random.default_rng(4)
    small = side(rng.normal(size=(12, 4)), "f")
    with pytest.raises(InputError, match="12 patients"):
        multiblock(small, small)
    with pytest.raises(TableError, match="no usable number"):
        multiblock(side(np.ones((30, 2)), "f"), side(rng.normal(size=(30, 3)), "g"))
