from __future__ import annotations

import itertools
import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    precision_score,
    recall_score,
    roc_auc_score,
)

from genoxel.core.errors import OutcomeError, TableError
from genoxel.core.keys import RowKey, as_keys
from genoxel.core.outcome import Outcome
from genoxel.core.results import TargetResult
from genoxel.core.table import Column, Table
from genoxel.learn import LearnSettings, judge_targets, merge, plan, run_task, tasks, validate
from genoxel.learn.intervals import average_precision
from genoxel.learn.procedure import Procedure
from genoxel.learn.rounds import cross_validate
from genoxel.learn.selfcheck import World, cohort_of, naive_auc, one_validation, outcome_of, table_of
from genoxel.learn.settings import ValidateSettings

QUICK = {"outer": 5, "inner": 3, "repeats": 3, "permutations": 19}


def _blocks(n: int = 60, shift: float = 1.6, seed: int = 0) -> tuple[dict[str, Table], Outcome]:
    world = World(n, 60, shift)
    rng = np.random.default_rng(seed)
    X, y = world.draw(rng)
    patients = world.patients()
    clinical = Table(
        np.column_stack([rng.normal(60, 8, n), rng.integers(0, 3, n)]),
        patients,
        (Column("age"), Column("stage", "categorical", levels=("I", "II", "III"))),
        "clinical",
    )
    blocks = {"image": table_of(X, patients), "volume": table_of(rng.lognormal(size=(n, 1)), patients, "volume")}
    return {**blocks, "clinical": clinical}, outcome_of(y, patients, "IDH1")


def _settings(**changes: Any) -> LearnSettings:
    return LearnSettings(**{"validate": QUICK, **changes})


def _facts(results: list[TargetResult]) -> str:
    frames = [
        [result.to_pandas().to_json(double_precision=15), result.permuted.tolist(), result.p_all, str(result.gain)]
        + [one.to_pandas().to_json(double_precision=15) for one in result.ladder]
        for result in results
    ]
    return json.dumps(frames)


@pytest.fixture(scope="module")
def judged() -> TargetResult:
    blocks, outcome = _blocks()
    return judge_targets(blocks, [outcome], _settings(also=("random_forest",)), {"IDH1": 0.65}, seed=3)[0]


def test_a_strong_link_is_supported(judged: TargetResult) -> None:
    assert judged.verdict.word == "supported"
    assert judged.p == judged.p_all == pytest.approx(1 / 20)
    assert judged.smallest_useful == 0.65
    assert judged.gain is not None
    assert judged.gain.low > 0
    assert "smallest possible p 0.05" in " ".join(judged.notes)
    assert "0.8 n" in judged.ladder[0].interval.target


def test_the_ladder_holds_primary_simpler_and_combined(judged: TargetResult) -> None:
    rows = [(one.features, one.model) for one in judged.ladder]
    assert rows == [
        ("image", "elastic_net"),
        ("prevalence", "none"),
        ("volume", "ridge"),
        ("clinical", "ridge"),
        ("clinical+image", "elastic_net"),
        ("image", "random_forest"),
    ]
    assert judged.ladder[1].interval.estimate == 0.5
    assert "exploratory" in judged.ladder[-1].notes
    assert "added to clinical" in judged.ladder[4].metrics
    assert "primary minus this" in judged.ladder[2].metrics
    best = max(judged.ladder[1:4], key=lambda one: one.interval.estimate)
    assert judged.best_simpler == best.features
    assert judged.gain is not None
    assert judged.gain.estimate == pytest.approx(judged.ladder[0].interval.estimate - best.interval.estimate)


def test_metrics_agree_with_scikit_learn(judged: TargetResult) -> None:
    primary = judged.ladder[0]
    frame = primary.to_pandas()
    assert len(frame) == 3 * 60
    groups = [part for _, part in frame.groupby(["repeat", "fold"])]
    aucs = [roc_auc_score(part["y"], part["score"]) for part in groups]
    assert primary.interval.estimate == pytest.approx(np.mean(aucs))
    half = frame["score"] > 0.5  # 0.5 is the share of positives in every training set of this cohort
    assert primary.metrics["accuracy"].estimate == pytest.approx(accuracy_score(frame["y"], half))
    assert primary.metrics["sensitivity"].estimate == pytest.approx(recall_score(frame["y"], half))
    assert primary.metrics["specificity"].estimate == pytest.approx(recall_score(frame["y"], half, pos_label=0))
    assert primary.metrics["precision"].estimate == pytest.approx(precision_score(frame["y"], half))
    assert primary.metrics["brier"].estimate == pytest.approx(brier_score_loss(frame["y"], frame["score"]))
    repeats = [average_precision_score(part["y"], part["score"]) for _, part in frame.groupby("repeat")]
    found = primary.metrics["average_precision"]
    assert found.estimate == pytest.approx(np.mean(repeats))
    assert found.low < found.estimate < found.high
    assert primary.optimism > 0
    assert primary.fits == 15
    assert sum(primary.selected.values()) <= 15 * 60


def test_a_rare_class_has_average_precision_beside_its_share() -> None:
    """One positive in ten: the AUC hides how many of the called are wrong, average precision does not."""
    y = np.where(np.arange(150) % 10 == 0, 1.0, 0.0)
    X = np.random.default_rng(8).normal(size=(150, 4)) + 1.5 * y[:, None]
    people = [f"P{number:03d}" for number in range(150)]
    table = Table(X, as_keys(people), tuple(Column(name) for name in "abcd"), "features")
    outcome = Outcome("rare", "class", tuple(people), y, ("no", "yes"))
    settings = LearnSettings(compare=("prevalence",), validate={"repeats": 2, "permutations": 0, "inner": 2})
    (result,) = judge_targets({"image": table}, [outcome], settings)
    assert result.ladder[0].n_positive == 15
    assert result.ladder[1].metrics["average_precision"].estimate == pytest.approx(0.1)
    assert result.ladder[0].metrics["average_precision"].low > 0.1
    scores = np.array([0.5, 0.5, 0.5, 0.9, 0.1])
    labels = np.array([1.0, 0.0, 1.0, 0.0, 1.0])
    assert average_precision(labels, scores) == pytest.approx(average_precision_score(labels, scores))


def test_same_numbers_for_any_order_cut_and_process(judged: TargetResult) -> None:
    blocks, outcome = _blocks()
    made = plan(blocks, [outcome], _settings(), seed=3)
    work = tasks(made)
    backwards = merge(made, [run_task(task) for task in reversed(work)])
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        spread = judge_targets(blocks, [outcome], _settings(), seed=3, map=pool.map)  # type: ignore[arg-type]
    assert _facts(backwards) == _facts(spread)
    np.testing.assert_array_equal(judged.permuted, spread[0].permuted)


def test_order_of_rows_and_other_targets_change_nothing() -> None:
    blocks, outcome = _blocks()
    settings = _settings(compare=())
    turned = {name: table.take(slice(None, None, -1)) for name, table in blocks.items()}
    other = outcome_of(np.random.default_rng(9).permutation(outcome.values), outcome.patients, "TP53")
    alone = judge_targets(blocks, [outcome], settings, seed=3)
    beside = judge_targets(turned, [other, outcome], settings, seed=3)
    np.testing.assert_allclose(alone[0].permuted, beside[1].permuted, atol=1e-12)
    np.testing.assert_allclose(alone[0].observed, beside[1].observed, atol=1e-12)
    assert beside[1].p_all >= beside[1].p


def test_tasks_name_what_they_depend_on() -> None:
    blocks, outcome = _blocks()
    work = tasks(plan(blocks, [outcome], _settings(), seed=3))
    assert len({task.key for task in work}) == len(work)
    digests = [task.digest() for task in work]
    assert len(set(digests)) == len(work)
    assert digests == [task.digest() for task in tasks(plan(blocks, [outcome], _settings(), seed=3))]
    assert digests != [task.digest() for task in tasks(plan(blocks, [outcome], _settings(), seed=4))]
    changed = {**blocks, "image": table_of(blocks["image"].values + 1e-9, outcome.patients)}
    assert work[0].digest() != tasks(plan(changed, [outcome], _settings(), seed=3))[0].digest()


def test_a_missing_part_is_named() -> None:
    blocks, outcome = _blocks()
    made = plan(blocks, [outcome], _settings(compare=()), seed=3)
    with pytest.raises(TableError, match="repeats/IDH1"):
        merge(made, [])


def test_held_out_patients_cannot_change_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Canary: absurd values in the held-out rows must leave everything learned untouched."""
    blocks, outcome = _blocks()
    (target,) = plan(blocks, [outcome], _settings(compare=())).targets
    design = target.entries[0].design
    assert design is not None
    fold = np.arange(60) % 5
    seen: list[tuple[Any, ...]] = []
    fit = Procedure.fit

    def watched(self: Procedure, X: Any, y: Any, groups: Any = None, copies: Any = None) -> Procedure:
        fitted = fit(self, X, y, groups, copies)
        learned = fitted.preparation_
        seen.append((learned.median, learned.centre, learned.scale, learned.kept, fitted.fitted_.coefficients))
        return fitted

    monkeypatch.setattr(Procedure, "fit", watched)
    for canary in (False, True):
        X = design.X.copy()
        y = target.y.copy()
        if canary:
            X[fold == 2] = 1e6
            X[fold == 2, 0] = np.nan
            y[fold == 2] = 1 - y[fold == 2]
        cross_validate(replace(design, X=X), y, [fold], Procedure(seed=0), [7])
    clean, poisoned = seen[2], seen[7]
    for one, other in zip(clean, poisoned, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(seen[1][1], seen[6][1])  # other folds did train on the canary


def test_noise_stays_noise_where_the_naive_way_finds_a_lot() -> None:
    world = World(60, 1000)
    settings = LearnSettings(validate={"repeats": 2, "permutations": 0}, compare=())
    honest, naive = [], []
    for seed in range(24):
        X, y = cohort_of(world, seed)
        table = table_of(X, world.patients())
        honest.append(validate(table, outcome_of(y, world.patients()), settings, seed=seed).interval.estimate)
        naive.append(naive_auc(world, seed))
    assert abs(np.mean(honest) - 0.5) <= 0.05
    assert np.mean(naive) > 0.8


def test_permutation_p_is_even_under_the_null() -> None:
    settings = LearnSettings(
        validate={"inner": 2, "repeats": 1, "permutations": 19, "permutation_repeats": 1}, compare=()
    )
    ps = []
    for seed in range(40):
        X, y = World(40, 20).draw(np.random.default_rng(seed))
        patients = World(40).patients()
        (result,) = judge_targets({"image": table_of(X, patients)}, [outcome_of(y, patients)], settings, seed=seed)
        ps.append(result.p)
    assert 0.35 < np.mean(ps) < 0.7
    assert np.mean(np.array(ps) <= 0.2) < 0.4


def test_targets_with_other_known_patients_share_what_they_can() -> None:
    blocks, outcome = _blocks()
    values = outcome.values.copy()
    values[::4] = np.nan
    partly = Outcome("partly", "class", outcome.patients, values, outcome.levels)
    same = replace(outcome, name="same")
    made = plan(blocks, [outcome, same, partly], _settings(compare=()), seed=1)
    assert [target.y.size for target in made.targets] == [60, 60, 45]
    results = merge(made, [run_task(task) for task in tasks(made)])
    # twins share their permutations, though not their folds, so their null worlds go up and down together
    correlation = np.corrcoef([result.permuted for result in results])
    assert correlation[0, 1] > 0.6
    assert all(result.p_all >= result.p for result in results)
    assert results[2].counts == {"absent": 22, "present": 23} or sum(results[2].counts.values()) == 45


def test_several_lesions_stay_with_their_patient_and_count_once() -> None:
    world = World(40, 20, 2.0)
    X, y = world.draw(np.random.default_rng(0))
    rows = tuple(RowKey(patient, lesion=lesion) for patient, lesion in itertools.product(world.patients(), "12"))
    lesions = Table(np.repeat(X, 2, axis=0), rows, table_of(X, world.patients()).columns)
    outcome = outcome_of(y, world.patients())
    with pytest.raises(TableError, match="not independent"):
        judge_targets({"image": lesions}, [outcome], _settings(compare=()))
    (each,) = judge_targets({"image": lesions}, [outcome], _settings(compare=(), several="each"))
    (mean,) = judge_targets({"image": lesions}, [outcome], _settings(compare=(), several="mean"))
    assert each.primary is not None
    assert mean.primary is not None
    assert each.primary.n == mean.primary.n == 40
    assert each.primary.interval.estimate > 0.8
    noise, label = World(40, 200).draw(np.random.default_rng(1))
    twins = Table(np.repeat(noise, 2, axis=0), rows, table_of(noise, world.patients()).columns)
    settings = _settings(compare=(), several="each", validate={**QUICK, "permutations": 0})
    (null,) = judge_targets({"image": twins}, [outcome_of(label, world.patients())], settings)
    assert null.primary is not None
    assert null.primary.interval.estimate < 0.8  # near 1 if the twin of a held-out row were trained on


def test_site_left_out() -> None:
    blocks, outcome = _blocks()
    sites = {patient: f"S{place % 3}" for place, patient in enumerate(outcome.patients)}
    settings = _settings(validate={**QUICK, "outer": "site", "permutations": 0})
    (result,) = judge_targets(blocks, [outcome], settings, sites=sites)
    assert result.primary is not None
    frame = result.primary.to_pandas()
    assert set(zip(frame["fold"], frame["patient"].map(sites), strict=True)) == {(0, "S0"), (1, "S1"), (2, "S2")}
    assert "site" in result.primary.interval.target
    assert "not measured" in result.primary.interval.coverage
    assert "permutation test was asked for" in " ".join(result.notes)
    with pytest.raises(OutcomeError, match="site"):
        judge_targets(blocks, [outcome], settings)


def test_a_site_that_holds_a_whole_class_is_passed_over() -> None:
    blocks, outcome = _blocks()
    sites = {
        p: "A" if label else "BC"[place % 2]
        for place, (p, label) in enumerate(zip(outcome.patients, outcome.values, strict=True))
    }
    settings = _settings(validate={**QUICK, "outer": "site", "permutations": 0}, compare=())
    with pytest.raises(OutcomeError, match="both classes"):
        judge_targets(blocks, [outcome], settings, sites=sites)


def test_too_few_or_nothing_to_learn_is_not_testable_and_others_go_on() -> None:
    blocks, outcome = _blocks()
    few = outcome_of(np.array([1.0] * 9 + [0.0] * 51), outcome.patients, "few")
    one = outcome_of(np.zeros(60), outcome.patients, "one")
    results = judge_targets(blocks, [few, outcome, one], _settings(compare=()))
    assert [result.verdict.word for result in results] == ["not testable", "supported", "not testable"]
    assert results[0].ladder == ()
    assert "9 patients in the smaller class" in results[0].verdict.reason
    assert results[1].p_all == results[1].p
    flat = {"image": table_of(np.ones((60, 3)), outcome.patients)}
    (nothing,) = judge_targets(flat, [outcome], _settings(compare=()))
    assert nothing.verdict.word == "not testable"
    assert "No column" in nothing.verdict.reason


def test_odd_columns_are_told() -> None:
    blocks, outcome = _blocks()
    values = np.array(blocks["image"].values)
    values[:, 5], values[:, 6], values[3, 7] = 2.0, np.nan, np.nan
    (result,) = judge_targets({"image": table_of(values, outcome.patients)}, [outcome], _settings())
    assert result.primary is not None
    assert len(result.primary.notes) == 3
    assert "Not compared with volume: no volume was given." in result.notes
    assert result.best_simpler == "prevalence"


def test_what_cannot_be_judged_is_refused() -> None:
    blocks, outcome = _blocks()
    value = Outcome("purity", "value", outcome.patients, np.linspace(0, 1, 60))
    with pytest.raises(OutcomeError, match="two classes"):
        judge_targets(blocks, [value], _settings())
    with pytest.raises(OutcomeError, match="distinct"):
        judge_targets(blocks, [outcome, outcome], _settings())
    with pytest.raises(TableError, match="image"):
        judge_targets({"volume": blocks["volume"]}, [outcome], _settings())
    with pytest.raises(OutcomeError, match="smaller class"):
        validate(blocks["image"], outcome_of(np.array([1.0] * 5 + [0.0] * 55), outcome.patients), _settings())


def test_a_simpler_model_may_be_part_of_a_combined_primary() -> None:
    blocks, outcome = _blocks()
    primary = {"features": "clinical+image", "model": "ridge"}
    settings = _settings(primary=primary, validate={**QUICK, "permutations": 0})
    (result,) = judge_targets(blocks, [outcome], settings)
    assert result.best_simpler == "image"


def test_settings_refuse_what_makes_no_sense() -> None:
    with pytest.raises(ValueError, match="outer"):
        ValidateSettings(outer=1)
    with pytest.raises(ValueError, match="columns"):
        LearnSettings(keep={"columns": ()})
    with pytest.raises(ValueError, match="Extra inputs"):
        LearnSettings(repeats=3)
    assert LearnSettings(validate={"outer": "site"}).validation.outer == "site"
    written = LearnSettings().model_dump(mode="json")
    assert written["validate"]["outer"] == 5
    assert LearnSettings.model_validate(written) == LearnSettings()


@pytest.mark.data
def test_tcga_glioma(real_data: Any) -> None:
    """IDH is found in all glioma and, with its smaller n, within LGG; MGMT within GBM is not; grade confounds."""
    folder = real_data("tcga-glioma")
    features = pd.read_csv(folder / "features_T1CE.csv.gz", dtype={"PatientID": str}).set_index("PatientID")
    molecular = pd.read_csv(folder / "molecular_ceccarelli2016.csv.gz", dtype=str).set_index("patient")
    molecular = molecular.reindex(features.index)
    image = Table.from_pandas(features)
    grade = Table.from_pandas(molecular[["Grade"]].fillna("unknown"), "clinical")
    volume = image.select([image.names[0]])
    blocks = {"image": image, "volume": volume, "clinical": grade}
    settings = LearnSettings(validate={"repeats": 5, "permutations": 19, "permutation_repeats": 1})

    def outcome(name: str, column: str, words: tuple[str, str], study: str = "") -> Outcome:
        chosen = molecular[column].where(molecular["Study"].fillna("").str.contains(study))
        status = {str(p): word if word in words else None for p, word in chosen.items()}
        return Outcome.of_classes(name, status, words)

    idh, lgg, mgmt = judge_targets(
        blocks,
        [
            outcome("IDH", "IDH.status", ("WT", "Mutant")),
            outcome("IDH within LGG", "IDH.status", ("WT", "Mutant"), "Lower Grade"),
            outcome("MGMT within GBM", "MGMT.promoter.status", ("Unmethylated", "Methylated"), "Glioblastoma"),
        ],
        settings,
        seed=1,
    )
    assert idh.primary is not None
    assert lgg.primary is not None
    assert mgmt.primary is not None
    assert idh.primary.n == 152
    assert idh.primary.interval.estimate > 0.82
    assert idh.p_all <= 0.05
    ladder = {one.features: one.interval.estimate for one in idh.ladder}
    assert ladder["clinical"] >= ladder["image"] - 0.03  # grade alone does as well: the confounder is shown
    assert idh.verdict.word == "above chance, no gain shown"
    assert lgg.primary.n == 67
    assert lgg.primary.interval.estimate > 0.7
    assert lgg.p <= 0.1
    assert mgmt.primary.n == 48
    assert mgmt.primary.interval.estimate < 0.6
    assert mgmt.p_all > 0.05
    assert mgmt.verdict.word in ("not supported", "inconclusive")


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("shift", [0.0, 0.74])
def test_intervals_cover(shift: float) -> None:
    from genoxel.learn.selfcheck import coverage

    found = coverage(World(60, 300, shift), 400)
    assert 0.92 <= found["auc"]["coverage"] <= 1.0
    assert abs(found["auc"]["bias"]) < 0.02


def test_the_self_check_runs() -> None:
    from genoxel.learn import selfcheck

    found = one_validation(World(30, 30, 1.0), 1)
    assert {"auc", "accuracy", "brier"} <= set(found)
    row = selfcheck.coverage(World(30, 30, 1.0), 2)["auc"]
    assert 0.5 < row["truth"] <= 1
    shares = selfcheck.claims(World(30, 30, 2.5), 1, targets=2, permutations=19)
    assert shares["any above chance"] == 1.0
    assert selfcheck.unrelated(World(30, 30, 2.5)).shift == 0
