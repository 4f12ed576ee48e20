"""The checks that simulated data must allow, each done here by plain statistics on what the simulator makes.

GEN-03, GEN-18, OUT-12, OUT-13, SPA-01, SPA-02, REP-02, REP-04 and HAR-01; what the platform makes of such data is
tested where it does.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage, stats

from genoxel.simulate import Course, Imaging, Omics, SimulationSpec, preset
from genoxel.simulate.clones import take_biopsies
from genoxel.simulate.molecular import RESISTANCE, _ctdna
from genoxel.simulate.outcomes import draw_outcomes, followed
from genoxel.simulate.plan import draw_people
from genoxel.simulate.render import render, spacing_of
from genoxel.simulate.tables import draw_calls
from genoxel.simulate.visits import RESCAN, visits
from plain_traits import cohens_d, length_apart, length_mm, neighbours


def auc(values: np.ndarray, positive: np.ndarray) -> float:
    """Area under the curve by ranks."""
    ranks, count = stats.rankdata(values), positive.sum()
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * (~positive).sum()))


def icc(pairs: np.ndarray) -> float:
    """Agreement of two measurements (n, 2), one-way random effects (Shrout and Fleiss 1979), by its definition."""
    between = 2 * pairs.mean(axis=1).var(ddof=1)
    within = ((pairs[:, 0] - pairs[:, 1]) ** 2 / 2).mean()
    return float((between - within) / (between + within))


def plain(values: np.ndarray, inside: np.ndarray, spacing: tuple[float, ...]) -> dict[str, float]:
    """Plain statistics of a tumour: levels, spread, grain, and the correlation of neighbours."""
    tumour = values[inside].astype(float)
    deep = values[ndimage.binary_erosion(inside)].astype(float)
    low, middle, high = np.percentile(deep, [10, 50, 90])
    return {
        "mean": float(tumour.mean()),
        "median": float(middle),
        "spread": float(deep.std()),
        "range": float(high - low),
        "skewness": float(stats.skew(deep)),
        "kurtosis": float(stats.kurtosis(deep)),
        "grain": float(np.abs(np.diff(values.astype(float), axis=0)[inside[1:] & inside[:-1]]).mean()),
        "neighbours": neighbours(values.astype(float), inside),
        "length": length_apart(values.astype(float), inside, spacing),
        "volume": float(inside.sum() * np.prod(spacing)),
    }


def test_gen_03_exclusive_mutants_differ_more_than_mixed_ones_in_the_pixels():
    spec = SimulationSpec(
        n=120,
        effects=("EGFR -> texture d = 2.3 exclusive | 0.6 mixed", "TP53:none"),
        prevalence={"EGFR": 0.6, "TP53": 0.5},
        shape=(56, 56, 14),
        seed=12,
    )
    people = draw_people(spec)
    seen = []
    for person in people:
        one = render(spec, person)
        seen.append(length_mm(one.images["T1CE"].values().astype(float), one.tumour.inside(), one.tumour.spacing))
    values = np.log(seen)
    egfr, tp53 = (np.array([person.genotype[gene] for person in people]) for gene in ("EGFR", "TP53"))
    random = np.random.default_rng(0)
    found = []
    for _ in range(2000):
        draw = random.integers(0, spec.n, spec.n)
        v, e, t = values[draw], egfr[draw], tp53[draw]
        found.append([cohens_d(v[~e | (t == with_tp53)], e[~e | (t == with_tp53)]) for with_tp53 in (False, True)])
    exclusive, mixed = np.array(found).T
    assert np.percentile(exclusive, 2.5) > 0.8
    assert np.percentile(exclusive - mixed, 2.5) > 0
    assert np.median(mixed) < 1


SERIES = SimulationSpec(
    n=150,
    effects=("EGFR:none",),
    prevalence={"EGFR": 0.5},
    unknown=0.0,
    course=Course(points=6, interval_days=42),
    omics=Omics(files=("ctdna",)),
    seed=9,
)


@pytest.fixture(scope="module")
def plasma(tmp_path_factory) -> pd.DataFrame:
    home = tmp_path_factory.mktemp("plasma")
    people = draw_people(SERIES)
    _ctdna(SERIES, people, draw_calls(SERIES, people), home)
    return pd.read_csv(home / "ctdna.tsv", sep="\t")


def test_gen_18_plasma_is_dated_as_the_scans_and_a_molecular_response_is_the_course(plasma):
    """Samples lie on the days of scans; a fall of the tracked share by half at the second scan is a response."""
    people = {person.name: person for person in draw_people(SERIES)}
    said, true = [], []
    for name, rows in plasma[plasma["gene"] != RESISTANCE["mr"][0]].groupby("patient"):
        person, scans = people[name], visits(SERIES, people[name])
        dates = [str(np.datetime64(person.day) + visit.days) for visit in scans]
        assert rows["date"].tolist() == dates
        share = rows["vaf"].to_numpy()
        if rows["mutant_reads"].iloc[0] >= 10:
            said.append(share[2] < 0.5 * share[0])
            true.append(scans[2].living < 0.5)
    agree = np.array(said) == np.array(true)
    assert len(agree) > 100
    assert 0.2 < np.mean(true) < 0.8
    assert agree.mean() > 0.9


def test_out_13_a_resistant_clone_is_seen_in_plasma_before_the_volume_grows(plasma):
    """Flagged by plasma: 5 reads or more of the resistance; by volume: a fifth more than the smallest so far."""
    people = {person.name: person for person in draw_people(SERIES)}
    earlier, rows = [], plasma[plasma["gene"] == RESISTANCE["mr"][0]]
    for name, mine in rows.groupby("patient"):
        volumes = np.array([visit.volume for visit in visits(SERIES, people[name])])
        grown = np.flatnonzero(volumes > 1.2 * np.minimum.accumulate(volumes))
        flagged = np.flatnonzero(mine["mutant_reads"].to_numpy() >= 5)
        assert len(flagged)
        assert len(grown)
        earlier.append(int(grown[0] - flagged[0]))
    assert len(earlier) > 10
    assert min(earlier) >= 0
    assert np.mean(np.array(earlier) >= 1) > 0.8
    others = set(plasma["patient"]) - set(rows["patient"])
    pattern = {name: visits(SERIES, people[name])[0].pattern for name in others}
    assert "response" in pattern.values()  # some respond without a clone that resists


def test_out_12_a_trajectory_has_a_class_and_a_landmark_has_no_immortal_time():
    """Without any link to survival: "ever seen to respond" is a spurious benefit, a landmark at 26 weeks is none."""
    lifelines = pytest.importorskip("lifelines")
    naive, landmark = [], []
    for seed in range(12):
        spec = SimulationSpec(
            n=400,
            effects=("EGFR:none",),
            course=Course(points=6, interval_days=91),
            omics=Omics(files=("outcome",)),
            seed=seed,
        )
        people = followed(spec, draw_people(spec))
        found = draw_outcomes(spec, people)
        scans = [visits(spec, person) for person in people]
        responded = np.array([min(visit.volume for visit in one) < 0.35 for one in scans])
        early = np.array([min(v.volume for v in one if v.days <= 182) < 0.35 for one in scans])
        table = pd.DataFrame({"days": found.days, "died": found.died, "responded": responded.astype(float)})
        naive.append(lifelines.CoxPHFitter().fit(table, "days", "died").params_["responded"])
        later = table.assign(responded=early.astype(float), days=table["days"] - 182)[found.days > 182]
        landmark.append(lifelines.CoxPHFitter().fit(later, "days", "died").params_["responded"])
    error = [np.std(each, ddof=1) / np.sqrt(12) for each in (naive, landmark)]
    assert np.mean(naive) + 3 * error[0] < 0
    assert abs(np.mean(landmark)) < 3.5 * error[1]


REGIONAL = replace(preset("gbm-virtual-biopsy"), n=13, seed=3, shape=(64, 64, 16))


@pytest.fixture(scope="module")
def regional() -> list[dict]:
    """Per patient: smoothed blood volume (from the bolus) and diffusion (from the b-values), clones, biopsies."""
    found = []
    for person in draw_people(REGIONAL):
        one = render(REGIONAL, person)
        bolus, waves = (np.stack([v.values() for v in s.volumes]).astype(float) for s in one.series[::-1])
        volume = -np.log(np.maximum(bolus, 1) / np.maximum(bolus[:8].mean(axis=0), 1)).sum(axis=0)
        adc = np.log(np.maximum(waves[0], 1) / np.maximum(waves[-1], 1))
        viable = one.tumour.inside() & (one.maps["viable"].values() > 0.9)
        weight = np.maximum(ndimage.uniform_filter(viable.astype(float), 3), 1e-9)
        maps = [ndimage.uniform_filter(each * viable, 3) / weight for each in (volume, adc)]
        spacing = spacing_of(REGIONAL, person)
        taken = take_biopsies(REGIONAL, person, viable, one.tumour.affine, spacing)
        found.append({"maps": maps, "viable": viable, "one": one, "taken": taken, "person": person})
    return found


@pytest.mark.parametrize(("place", "gene", "sign", "least"), [(0, "EGFR", 1, 0.85), (1, "PTEN", -1, 0.75)])
def test_spa_01_a_planted_clone_can_be_mapped_within_the_tumour(regional, place, gene, sign, least):
    """One smoothed map, no training: the mean AUC over patients of the clone's voxels against the others'.

    Diffusion varies by an eighth per SD, blood volume by a third: the same d is harder to see in the former.
    """
    assert REGIONAL.genes[place] == gene
    areas = []
    for each in regional:
        clone = each["one"].maps["clone"].values().astype(int)[each["viable"]] & (1 << place) > 0
        if 20 < clone.sum() < clone.size - 20:
            areas.append(auc(sign * each["maps"][place][each["viable"]], clone))
    assert len(areas) >= 5
    assert np.mean(areas) > least


def test_spa_02_a_model_of_biopsies_holds_for_patients_left_out_and_a_naive_split_leaks(regional):
    """52 biopsies of 13 patients: nearest neighbour on what identifies a patient learns a null gene only by a leak."""
    rows = [(each, biopsy) for each in regional for biopsy in each["taken"]]
    patient = np.array([each["person"].name for each, _ in rows])
    local, whole = [], []
    for each, biopsy in rows:
        affine = each["one"].tumour.affine
        at = tuple(np.rint(np.linalg.solve(affine, [*biopsy.said_mm, 1.0])[:3]).astype(int))
        local.append([one[at] if each["viable"][at] else np.median(one[each["viable"]]) for one in each["maps"]])
        whole.append([np.median(one[each["viable"]]) for one in each["maps"]] + [each["viable"].sum() / 1000])
    local, whole = np.array(local), np.array(whole)
    egfr, tp53 = (np.array([biopsy.mutated[gene] for _, biopsy in rows]) for gene in ("EGFR", "TP53"))
    assert len(rows) == 52
    here = local[:, 0] - whole[:, 0]  # the bolus beside the patient's own median: nothing is learned at all
    assert auc(here, egfr) > 0.65
    features = stats.zscore(np.column_stack([whole, local]))

    def nearest(allowed: np.ndarray) -> np.ndarray:
        away = np.linalg.norm(features[:, None] - features[None], axis=2)
        return np.argmin(np.where(allowed, away, np.inf), axis=1)

    naive = tp53[nearest(~np.eye(len(rows), dtype=bool))] == tp53
    apart = tp53[nearest(patient[:, None] != patient[None])] == tp53
    assert naive.mean() > 0.9
    assert apart.mean() < 0.75


def test_rep_02_repeated_scans_tell_what_repeats():
    spec = SimulationSpec(n=14, imaging=Imaging(rescan=True), seed=6, shape=(56, 56, 14), sites=1)
    rows = []
    for person in draw_people(spec):
        again = visits(spec, person)[-1]
        assert again.number == RESCAN
        pair = [render(spec, person), render(spec, person, again.physical, again.number)]
        rows.append([plain(one.images["T1"].values(), one.tumour.inside(), one.tumour.spacing) for one in pair])
    agreement = {name: icc(np.array([[one[name] for one in pair] for pair in rows])) for name in rows[0][0]}
    assert agreement["volume"] > 0.95
    assert sum(value > 0.9 for value in agreement.values()) >= 3
    assert min(agreement.values()) < 0.75  # and some do not, so that a list of stable ones is a choice


def test_rep_04_six_reconstructions_of_one_scan_of_which_fewer_statistics_repeat_than_of_one_kernel():
    """Slices of 1.25, 2.5 and 5 mm by two kernels: what repeats in a second scan, and what from smooth to sharp."""
    also = ("smooth", "sharp", "thick-2.5", "thick-2.5-sharp", "thick-5", "thick-5-sharp")
    spec = SimulationSpec(
        n=8, modality="ct", also=also, shape=(80, 80, 90), seed=2, sites=1, imaging=Imaging(rescan=True)
    )
    rows: dict[str, list[dict[str, float]]] = {}
    for person in draw_people(spec):
        again = visits(spec, person)[-1]
        for number, one in enumerate((render(spec, person), render(spec, person, again.physical, RESCAN))):
            for name in also if number == 0 else also[::2]:
                image = one.images[name]
                found = plain(image.values(), _on(one.tumour, image), image.spacing)
                rows.setdefault(f"{name} again" if number else name, []).append(found)
            if number == 0:
                steps = [one.images[name].spacing[2] for name in also]
                assert steps == pytest.approx([1.25, 1.25, 2.5, 2.5, 5, 5], abs=0.01)

    def agreements(first: str, second: str) -> np.ndarray:
        names = [name for name in rows[first][0] if name != "volume"]  # which is the same
        tables = [pd.DataFrame(rows[name])[names].to_numpy() for name in (first, second)]
        return np.array([icc(pair) for pair in np.stack(tables, axis=2).transpose(1, 0, 2)])

    repeats = np.array([agreements(name, f"{name} again") for name in also[::2]])
    kernels = np.array([agreements(smooth, sharp) for smooth, sharp in zip(also[::2], also[1::2], strict=True)])
    assert (repeats > 0.85).mean() > (kernels > 0.85).mean() + 0.2
    assert (repeats.mean(axis=1) > kernels.mean(axis=1)).all()


def _on(mask, image) -> np.ndarray:
    """The mask on the slices of `image`, by the nearest voxel along k."""
    planes = (image.affine[2, 3] + np.arange(image.shape[2]) * image.affine[2, 2] - mask.affine[2, 3]) / mask.affine[
        2, 2
    ]
    return mask.inside()[:, :, np.clip(np.rint(planes).astype(int), 0, mask.shape[2] - 1)]


def test_har_01_scanners_are_told_apart_until_harmonised_and_biology_stays():
    """Location and scale per site, learned on one half of the patients and applied to the other."""
    spec = SimulationSpec(
        n=80, effects=("IDH1:enhancement:2",), prevalence={"IDH1": 0.5}, shape=(48, 48, 14), seed=5, sites=2
    )
    people = draw_people(spec)
    seen = []
    for person in people:
        one = render(spec, person)
        found = plain(one.images["T1CE"].values(), one.tumour.inside(), one.tumour.spacing)
        seen.append([np.log(found[name]) for name in ("median", "range", "grain")])
    values, train = np.array(seen), np.arange(80) < 40
    south = np.array([person.scanner.site == "South" for person in people])
    mutant = np.array([person.genotype["IDH1"] for person in people])
    even = values.copy()
    for site in (True, False):
        learned = values[train & (south == site)]
        even[south == site] = (values[south == site] - learned.mean(axis=0)) / learned.std(axis=0)
    test = ~train
    assert auc(values[test, 0], south[test]) > 0.95
    assert abs(auc(even[test, 0], south[test]) - 0.5) < 0.2
    raw, harmonised = (max(auc(each[test, k], mutant[test]) for k in range(3)) for each in (values, even))
    assert harmonised > 0.8
    assert harmonised > raw
