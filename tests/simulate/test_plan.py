"""Genotypes and latent traits have the sizes that were declared, and nothing else is linked."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from genoxel.simulate.plan import draw_genotypes, draw_latents, draw_people, realised, stream
from genoxel.simulate.spec import SimulationSpec


def cohen(values: np.ndarray, mutant: np.ndarray) -> float:
    """Cohen's d by the textbook: difference of means over the pooled standard deviation."""
    one, two = values[mutant == 1], values[mutant == 0]
    pooled = ((len(one) - 1) * one.var(ddof=1) + (len(two) - 1) * two.var(ddof=1)) / (len(values) - 2)
    return float((one.mean() - two.mean()) / np.sqrt(pooled))


def test_realised_is_cohens_d():
    random = np.random.default_rng(1)
    mutant = (np.arange(30) < 12).astype(float)
    values = random.standard_normal(30) + 0.8 * mutant
    assert realised(values, mutant) == pytest.approx(cohen(values, mutant), rel=1e-12)


def test_realised_is_missing_where_it_is_not_defined():
    assert np.isnan(realised(np.arange(4.0), np.array([1.0, 0, 0, 0])))
    flags = np.array([1.0, 1, 0, 0])
    assert np.isnan(realised(np.arange(4.0), flags, [flags]))
    assert np.isnan(realised(np.arange(4.0), flags, [np.array([1.0, 0, 0, 0]), np.array([0.0, 0, 1, 0])]))


@pytest.mark.parametrize("declared", [1.6, -0.8, 0.0])
def test_realised_d_is_within_sampling_error_over_50_seeds(declared):
    found, errors = [], []
    for seed in range(50):
        spec = SimulationSpec(n=70, effects=(f"IDH1:texture:{declared}",), seed=seed)
        genotype = draw_genotypes(spec)["IDH1"]
        found.append(cohen(draw_latents(spec, {**draw_genotypes(spec)})["texture"], genotype))
        one, two = genotype.sum(), (1 - genotype).sum()
        errors.append(np.sqrt((one + two) / (one * two) + declared**2 / (2 * (one + two))))
    correction = 1 - 3 / (4 * 68 - 1)
    scores = (np.array(found) * correction - declared) / np.array(errors)
    assert abs(scores.mean()) < 4 / np.sqrt(50)
    assert 0.7 < scores.std() < 1.35
    assert np.abs(scores).max() < 4


def test_two_genes_on_one_trait_each_keep_their_d():
    found = []
    for seed in range(40):
        spec = SimulationSpec(n=120, effects=("IDH1:texture:1.5", "EGFR:texture:-1.0"), seed=seed)
        genotypes = draw_genotypes(spec)
        values = draw_latents(spec, genotypes)["texture"]
        found.append(
            (
                realised(values, genotypes["IDH1"], [genotypes["EGFR"]]),
                realised(values, genotypes["EGFR"], [genotypes["IDH1"]]),
            )
        )
    assert np.mean(found, axis=0) == pytest.approx([1.5, -1.0], abs=0.13)


def test_nothing_else_is_linked():
    pvalues, tables = [], []
    for seed in range(60):
        spec = SimulationSpec(n=60, effects=("IDH1:texture:2", "TP53:none"), seed=seed)
        people = draw_people(spec)
        mutant = np.array([person.genotype["TP53"] for person in people])
        for value in ("age", "grade"):
            numbers = np.array([float(getattr(person, value)) for person in people])
            pvalues.append(stats.mannwhitneyu(numbers[mutant], numbers[~mutant]).pvalue)
        for trait in ("texture", "size", "margin"):
            numbers = np.array([person.latent[trait] for person in people])
            pvalues.append(stats.mannwhitneyu(numbers[mutant], numbers[~mutant]).pvalue)
        site = np.array([person.scanner.site == "North" for person in people])
        tables.append(np.sum(site & mutant) - site.sum() * mutant.sum() / 60)
    assert stats.kstest(pvalues, "uniform").pvalue > 1e-3
    spread = np.sqrt(0.5 * 0.5 * 0.4 * 0.6 * 60 * 60 / 59)  # hypergeometric: 30 of each site, 24 of 60 mutant
    assert abs(np.mean(tables)) < 4 * spread / np.sqrt(60)
    assert np.std(tables, ddof=1) == pytest.approx(spread, rel=0.35)


def test_counts_are_exact_and_genes_independent():
    spec = SimulationSpec(n=50, effects=("IDH1:none", "TP53:none"), prevalence={"IDH1": 0.3, "TP53": 0.5})
    genotypes = draw_genotypes(spec)
    assert genotypes["IDH1"].sum() == 15
    assert genotypes["TP53"].sum() == 25
    links = [
        float(
            np.corrcoef(
                *[
                    draw_genotypes(SimulationSpec(n=50, effects=("IDH1:none", "TP53:none"), seed=s))[g]
                    for g in ("IDH1", "TP53")
                ]
            )[0, 1]
        )
        for s in range(60)
    ]
    assert abs(np.mean(links)) < 4 / np.sqrt(49 * 60)


def test_streams_do_not_meet():
    spec = SimulationSpec(n=4, seed=3)
    first = [stream(spec, "clinical").random(), stream(spec, "clinical", 0).random(), stream(spec, "image", 0).random()]
    assert len(set(first)) == 3


def test_faults_and_unprofiled_are_as_many_as_asked():
    spec = SimulationSpec(n=40, unknown=0.25, missing_contours=3, odd_names=6, sites=4)
    people = draw_people(spec)
    names = [person.contour for person in people]
    assert names.count(None) == 3
    assert sum(name not in (None, "GTV") for name in names) == 6
    assert "Läsion" in names
    assert sum(not person.profiled for person in people) == 10
    assert {person.scanner.site for person in people} == {"North", "South", "East", "West"}
    assert [person.name for person in people][:2] == ["SIM-001", "SIM-002"]
