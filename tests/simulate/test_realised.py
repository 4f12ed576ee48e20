"""What truth.json calls realised, against lifelines and statsmodels; what was declared, over many cohorts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from genoxel.core.errors import SettingsError
from genoxel.simulate import Omics, SimulationSpec, read_truth, simulate
from genoxel.simulate.outcomes import draw_outcomes
from genoxel.simulate.plan import draw_people, population
from genoxel.simulate.realised import ordered_probit, realised_links
from genoxel.simulate.spec import CANDIDATES

LINES = (
    "IDH1 -> survival HR = 0.4",
    "size -> survival HR = 1.5",
    "IDH1 -> response OR = 3",
    "texture -> response OR = 0.6",
    "EGFR -> toxicity OR = 2.5",
    "IDH1 -> age d = -1",
    "texture -> age d = 0.5",
    "IDH1 -> grade d = -0.9",
    "size -> grade d = 0.6",
    "EGFR -> sex OR = 2.5",
    "IDH1 -> site OR = 4",
)


def spec_of(seed: int, lines: tuple[str, ...] = LINES, n: int = 400) -> SimulationSpec:
    return SimulationSpec(n=n, effects=("IDH1:none", "EGFR:size:0.8"), links=lines, seed=seed, sites=3)


def columns(spec, people) -> pd.DataFrame:
    found = draw_outcomes(spec, people)
    table = {
        "IDH1": [float(person.genotype["IDH1"]) for person in people],
        "EGFR": [float(person.genotype["EGFR"]) for person in people],
        "size": [person.latent["size"] for person in people],
        "texture": [person.latent["texture"] for person in people],
        "age": [person.age for person in people],
        "grade": [person.grade for person in people],
        "sex": [float(person.sex == "F") for person in people],
        "site": [float(person.scanner.site != "North") for person in people],
        "days": found.days,
        "died": found.died,
        "response": found.response,
        "toxicity": found.toxicity,
    }
    return pd.DataFrame(table)


def test_realised_links_are_those_of_lifelines_and_statsmodels():
    lifelines = pytest.importorskip("lifelines")
    import statsmodels.api as sm
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    spec = spec_of(2)
    people = draw_people(spec)
    told = {one["line"]: one for one in realised_links(spec, people)}
    assert list(told) == [str(link) for link in spec.linked]
    table = columns(spec, people)
    cox = lifelines.CoxPHFitter().fit(table[["days", "died", "IDH1", "size"]], "days", "died")
    for name in ("IDH1", "size"):
        (line,) = (line for line in told if line.startswith(f"{name} -> survival"))
        assert told[line]["realised_hazard_ratio"] == pytest.approx(np.exp(cox.params_[name]), abs=6e-5)
        assert told[line]["events"] == table["died"].sum()
    for target, sources in (
        ("response", ["IDH1", "texture"]),
        ("toxicity", ["EGFR"]),
        ("sex", ["EGFR"]),
        ("site", ["IDH1"]),
    ):
        fit = sm.Logit(table[target], sm.add_constant(table[sources])).fit(disp=0)
        for name in sources:
            (line,) = (line for line in told if line.startswith(f"{name} -> {target}"))
            assert told[line]["realised_odds_ratio"] == pytest.approx(np.exp(fit.params[name]), abs=6e-5)
            assert told[line]["events"] == table[target].sum()
    ols = sm.OLS(table["age"], sm.add_constant(table[["IDH1", "texture"]])).fit()
    assert told["IDH1 -> age d = -1"]["realised_d"] == pytest.approx(
        ols.params["IDH1"] / np.sqrt(ols.mse_resid), abs=6e-5
    )
    probit = OrderedModel(table["grade"], table[["IDH1", "size"]], distr="probit").fit(method="bfgs", disp=0)
    assert told["IDH1 -> grade d = -0.9"]["realised_d"] == pytest.approx(probit.params["IDH1"], abs=5e-4)
    assert told["size -> grade d = 0.6"]["realised_d"] == pytest.approx(probit.params["size"], abs=5e-4)


def test_what_is_declared_is_realised_over_many_cohorts():
    """The mean over 20 cohorts of 500 lies within four standard errors and 4 % of what was declared."""
    found: dict[str, list[float]] = {}
    for seed in range(20):
        spec = spec_of(seed, n=500)
        for one in realised_links(spec, draw_people(spec)):
            (value,) = (one[key] for key in one if key.startswith("realised"))
            found.setdefault(one["line"], []).append(value if "d =" in one["line"] else np.log(value))
    for link in spec_of(0).linked:
        values = np.array(found[str(link)])
        declared = link.value if "d =" in str(link) else np.log(link.value)
        error = values.std(ddof=1) / np.sqrt(len(values))
        assert abs(values.mean() - declared) < 4 * error + 0.04 * abs(declared), str(link)
        assert values.std() < 0.3


def test_no_finite_estimate_is_none_and_never_a_number():
    assert np.isnan(ordered_probit(np.ones(6), np.arange(6.0), np.empty((6, 0))))
    assert np.isnan(ordered_probit(np.repeat([1.0, 2.0], 10), np.repeat([0.0, 1.0], 10), np.empty((20, 0))))
    values = set()
    for seed in range(8):
        each = SimulationSpec(
            n=6, effects=("IDH1:none",), prevalence={"IDH1": 0.5}, links=("IDH1 -> sex OR = 50",), seed=seed
        )
        (one,) = realised_links(each, draw_people(each))
        values.add(one["realised_odds_ratio"])
    assert None in values


SELECTED = ("IDH1 -> included OR = 6", "size -> included OR = 0.25")


def test_selection_makes_a_link_that_the_population_lacks():
    inside, outside, ratios, shares = [], [], [], []
    for seed in range(25):
        spec = SimulationSpec(n=200, effects=("IDH1:none",), prevalence={"IDH1": 0.4}, links=SELECTED, seed=seed)
        people = draw_people(spec)
        candidates, chosen = population(spec)
        assert (len(people), len(candidates), chosen.sum()) == (200, 200 * CANDIDATES, 200)
        for among, to in ((people, inside), (candidates, outside)):
            mutant = [person.genotype["IDH1"] for person in among]
            to.append(np.corrcoef(mutant, [person.latent["size"] for person in among])[0, 1])
        ratios.append([np.log(one["realised_odds_ratio"]) for one in realised_links(spec, people)])
        shares.append(np.mean([person.genotype["IDH1"] for person in people]))
    assert abs(np.mean(outside)) < 4 * np.std(outside) / 5
    assert np.mean(inside) > 0.1
    errors = np.std(ratios, axis=0) / np.sqrt(25)
    assert (abs(np.mean(ratios, axis=0) - np.log([6, 0.25])) < 4 * errors + 0.04 * abs(np.log([6, 0.25]))).all()
    assert errors.max() < 0.06
    assert np.mean(shares) > 0.5


def test_the_chosen_are_a_cohort_like_any_other(tmp_path):
    spec = SimulationSpec(
        n=8,
        effects=("IDH1:none",),
        prevalence={"IDH1": 0.4},
        links=(*SELECTED, "IDH1 -> survival HR = 0.4"),
        shape=(48, 48, 12),
        missing_contours=1,
        omics=Omics(missing={"mutations": 0.25}),
        seed=4,
    )
    people = draw_people(spec)
    assert [person.name for person in people] == [f"SIM-{place:03d}" for place in range(1, 9)]
    assert [person.index for person in people] == list(range(8))
    assert sum(person.contour is None for person in people) == 1
    assert sum("mutations" in person.missing and not person.profiled for person in people) == 2
    truth = read_truth(simulate(spec, tmp_path / "c"))
    told = truth["selection"]
    assert (told["candidates"], told["included"]) == (24, 8)
    assert told["mutant_share"]["IDH1"]["candidates"] == pytest.approx(10 / 24, abs=1e-4)
    assert told["mutant_share"]["IDH1"]["included"] == truth["effects"][0]["mutant"] / 8
    assert {one["line"].split(" -> ")[1].split()[0] for one in truth["links"]} == {"included", "survival"}
    assert all("declared" in one and any(key.startswith("realised") for key in one) for one in truth["links"])


def test_more_candidates_than_can_be_named_are_refused():
    with pytest.raises(SettingsError, match="selection"):
        SimulationSpec(n=5000, effects=("IDH1:none",), links=("IDH1 -> included OR = 2",))
