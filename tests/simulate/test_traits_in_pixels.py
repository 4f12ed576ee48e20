"""Every trait of every body is found in the pixels by plain statistics, with intervals; a null gene is not."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from genoxel.simulate import SimulationSpec
from genoxel.simulate.plan import draw_genotypes, draw_latents, draw_people
from genoxel.simulate.render import render
from genoxel.simulate.traits import traits_of
from plain_traits import (
    ALSO,
    ASKED,
    cohens_d,
    core_share,
    length_apart,
    length_mm,
    planted,
    rank_correlation,
    seen,
    within_groups,
)

EACH = [(body, trait) for body in ALSO for trait in traits_of(body, ALSO[body], ASKED[body])]


@cache
def cohort(body: str) -> dict[str, dict[str, np.ndarray]]:
    return seen(body, {"ct": 60, "breast": 32}.get(body, 20), 77)


@pytest.mark.parametrize(("body", "trait"), EACH)
def test_each_trait_is_found_with_its_interval(body, trait):
    """The 95 % interval of the rank correlation lies above 0; no other trait is followed better for certain."""
    found = cohort(body)
    pixels = found[trait]["pixels"]
    rho, low, _ = rank_correlation(found[trait]["latent"], pixels)
    assert low > 0
    for name, one in found.items():
        other, least, most = rank_correlation(one["latent"], pixels)
        assert name == trait or rho > (least if other > 0 else -most)


def test_a_part_solid_nodule_is_found_with_its_interval():
    spec = SimulationSpec(n=20, modality="ct", effects=("EGFR:solid:1.2",), prevalence={"EGFR": 0.5}, seed=8)
    people = draw_people(spec)
    phantoms = [render(spec, person) for person in people]
    shares = [float(np.mean(one.images["CT"].values()[one.tumour.inside()] > -250)) for one in phantoms]
    assert rank_correlation(np.array([person.latent["solid"] for person in people]), np.array(shares))[1] > 0.6


@pytest.mark.parametrize("body", ALSO)
def test_the_latent_d_of_every_trait_is_the_declared_one_over_50_seeds(body):
    """Realised d, corrected for small groups, against its sampling error by the textbook (Hedges and Olkin)."""
    declared, n = 1.2, 40
    scores: dict[str, list[float]] = {}
    for seed in range(50):
        spec, traits = planted(body, n, seed, declared)
        genotypes = draw_genotypes(spec)
        latents = draw_latents(spec, genotypes)
        for trait in traits:
            mutant = genotypes[f"G-{trait}"] == 1
            error = np.sqrt(n / (mutant.sum() * (~mutant).sum()) + declared**2 / (2 * n))
            scores.setdefault(trait, []).append((cohens_d(latents[trait], mutant) - declared) / error)
    for trait, each in scores.items():
        assert abs(np.mean(each)) < 4 / np.sqrt(50), trait
        assert 0.65 < np.std(each) < 1.4, trait


@pytest.mark.parametrize("length", [2.0, 4.0])
def test_the_measured_correlation_length_is_the_one_of_a_known_field(length):
    """The statistic itself: white noise filtered by a Gaussian has the correlation exp(-r²/(2 length²)) of theory."""
    from scipy import ndimage

    random = np.random.default_rng(1)
    sigma = length / np.sqrt(2)
    field = ndimage.gaussian_filter(random.standard_normal((64, 64, 64)), sigma, mode="wrap")
    inside = np.ones(field.shape, bool)
    assert length_mm(field, inside, (1.0, 1.0, 1.0)) == pytest.approx(length, rel=0.06)
    noisy = field + 0.5 * field.std() * random.standard_normal(field.shape)
    assert length_apart(noisy, inside, (1.0, 1.0, 1.0)) == pytest.approx(length, rel=0.15)


def test_the_measured_core_is_the_one_drawn():
    place = np.linspace(0, 1, 5000).reshape(50, 100, 1)
    values = np.where(place > 0.4, 100.0, 40.0) + np.random.default_rng(0).normal(0, 20, place.shape)
    assert core_share(values, np.ones(place.shape, bool), place) == pytest.approx(0.4, abs=0.03)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("body", ALSO)
def test_the_planted_effects_are_seen_over_50_seeds(body):
    """Over 50 cohorts: the latent d is the declared one, and the pixels show it, attenuated as their correlation says.

    What follows a trait with the correlation r within groups shows r times its d; a curved relation may shift that by
    0.15. Every interval is one of 3.5 standard errors.
    """
    cohorts = [seen(body, 16, 5000 + seed) for seed in range(50)]
    for trait in cohorts[0]:
        each = [one[trait] for one in cohorts]
        latent, pixels, null = (
            np.array([cohens_d(one[values], one[group]) for one in each])
            for values, group in (("latent", "mutant"), ("pixels", "mutant"), ("pixels", "null"))
        )
        attenuated = latent * [within_groups(one["latent"], one["pixels"], one["mutant"]) for one in each]
        low, high = spread(latent)
        assert low < 1.2 < high, trait
        assert spread(pixels)[0] > 0, trait
        low, high = spread(pixels - attenuated)
        assert low < 0.15, trait
        assert high > -0.15, trait
        low, high = spread(null)
        assert low < 0 < high, trait


def spread(sizes: np.ndarray) -> tuple[float, float]:
    half = 3.5 * sizes.std(ddof=1) / np.sqrt(len(sizes))
    return sizes.mean() - half, sizes.mean() + half
