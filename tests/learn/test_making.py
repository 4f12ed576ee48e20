"""What is learned in a fold, is learned from its training rows: changing a held-out patient changes nobody else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from genoxel.core.errors import TableError
from genoxel.core.keys import as_keys
from genoxel.core.outcome import Outcome
from genoxel.core.table import Column, Table
from genoxel.learn.classes import LearnedClasses, LearnedCut
from genoxel.learn.design import make_design
from genoxel.learn.procedure import Procedure
from genoxel.learn.rounds import cross_validate
from genoxel.learn.settings import LearnSettings
from genoxel.learn.targets import InFolds, judge_targets
from genoxel.omics.germline import PolygenicScore, Weight
from genoxel.omics.immune import marker_means
from genoxel.omics.modules import Metagenes
from genoxel.omics.normalise import QuantileNormaliser, SizeFactors
from genoxel.omics.recipe import Alongside, Fixed, MostVariable, Recipe, Step
from genoxel.omics.scores import SetRules, SetScorer
from genoxel.omics.settings import TargetSettings
from genoxel.omics.subtypes import CentroidClassifier

N, GENES = 24, 30
PEOPLE = tuple(f"P{number:02d}" for number in range(N))
SETS = {"A": [f"G{at}" for at in range(5)], "B": [f"G{at}" for at in range(5, 12)]}
CENTROIDS = np.linspace(-1, 1, 14).reshape(7, 2) ** 2
RECIPES: dict[str, Callable[[], tuple[Step, ...]]] = {
    "size factors": lambda: (SizeFactors(),),
    "quantiles": lambda: (QuantileNormaliser(),),
    "z-means": lambda: (SetScorer(SETS, "zmean", SetRules(3)),),
    "gsva": lambda: (SetScorer(SETS, "gsva", SetRules(3)),),
    "z-means of normalised counts": lambda: (SizeFactors(), SetScorer(SETS, "zmean", SetRules(3))),
    "modules": lambda: (MostVariable(20), Metagenes(3, halves=0)),
    "factors": lambda: (MostVariable(20), Metagenes(3, "nmf", halves=0)),
    "markers beside fixed columns": lambda: (Alongside((SizeFactors(), Fixed(partial(marker_means, markers=SETS)))),),
    "subtypes": lambda: (CentroidClassifier(SETS["B"], ["up", "down"], CENTROIDS, "type"),),
}


def _counts(seed: int = 0) -> Table:
    values = np.random.default_rng(seed).gamma(2.0, 50.0, size=(N, GENES)).round() + 1.0
    return Table(values, as_keys(PEOPLE), tuple(Column(f"G{at}") for at in range(GENES)), "expression")


def _raw(name: str, raw: Table) -> Table:
    """Return the counts, for a recipe of fixed columns beside learned ones with such columns."""
    fixed = replace(raw.select(["G1"]), columns=(Column("cytolytic activity"),))
    return Alongside.raw(raw, fixed) if "beside" in name else raw


def _changed(raw: Table, row: int) -> Table:
    values = np.array(raw.values)
    values[row] = values[row][::-1] * 7.0 + 100.0
    return Table(values, raw.rows, raw.columns, raw.kind)


@pytest.mark.parametrize("name", RECIPES)
def test_a_held_out_patient_changes_no_other_prediction(name: str) -> None:
    y = np.array([0.0, 1.0] * (N // 2))
    fold = np.arange(N) % 3
    scores = []
    for raw in (_counts(), _changed(_counts(), 4)):
        recipe = Recipe(_raw(name, raw), RECIPES[name]())
        design = make_design({"block": recipe.of_all()}, ["block"], PEOPLE, recipes={"block": recipe})
        assert design.making is not None
        found = cross_validate(design, y, [fold], Procedure("ridge", making=design.making), [3])
        scores.append(found.score[0])
        assert found.picked.size == len(design.names) == design.making.width
    same = fold == fold[4]
    same[4] = False
    np.testing.assert_array_equal(scores[0][same], scores[1][same])  # held out beside the changed patient
    assert (scores[0][~same] != scores[1][~same]).any()  # who trained on it, sees it


@pytest.mark.parametrize("name", RECIPES)
def test_what_is_made_of_training_rows_stands_whatever_the_test_rows_are(name: str) -> None:
    raw, steps = _raw(name, _counts()), RECIPES[name]()
    training = raw.take(slice(0, 16))
    for other in (raw, _raw(name, _changed(_counts(), 20))):
        taught = Recipe(other, steps).taught(other.take(slice(0, 16)))
        np.testing.assert_array_equal(
            taught.transform(training).values, Recipe(raw, steps).taught(training).transform(training).values
        )
        alone = np.vstack([taught.transform(other.take([row])).values for row in range(16, N)])
        together = taught.transform(other.take(slice(16, N))).values
        np.testing.assert_allclose(alone, together, rtol=1e-9, atol=1e-9)  # BLAS sums one row otherwise than many


def test_the_whole_cohort_leaks_where_a_recipe_is_not_used() -> None:
    """The same test fails for a block that was made beforehand: it can fail."""
    y, fold = np.array([0.0, 1.0] * (N // 2)), np.arange(N) % 3
    scores = []
    for raw in (_counts(), _changed(_counts(), 4)):
        made = Recipe(raw, RECIPES["z-means"]()).of_all()
        design = make_design({"block": made}, ["block"], PEOPLE)
        scores.append(cross_validate(design, y, [fold], Procedure("ridge"), [3]).score[0])
    others = (fold == fold[4]) & (np.arange(N) != 4)
    assert (scores[0][others] != scores[1][others]).any()


def test_inner_folds_learn_anew_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    fit = SetScorer.fit

    def counted(self: SetScorer, table: Table) -> SetScorer:
        sizes.append(len(table))
        return fit(self, table)

    recipe = Recipe(_counts(), RECIPES["z-means"]())
    design = make_design({"block": recipe.of_all()}, ["block"], PEOPLE, recipes={"block": recipe})
    monkeypatch.setattr(SetScorer, "fit", counted)
    Procedure("ridge", inner=3, making=design.making).fit(design.X, np.array([0.0, 1.0] * (N // 2)))
    assert sorted(sizes) == [16, 16, 16, 24]


def test_a_learned_block_stands_beside_others_and_missing_patients_stay_missing() -> None:
    raw = _counts().take(slice(0, 20))
    recipe = Recipe(raw, RECIPES["z-means"]())
    clinical = Table(np.arange(N, dtype=float)[:, None], as_keys(PEOPLE), (Column("age"),), "clinical")
    blocks = {"clinical": clinical, "sets": recipe.of_all()}
    design = make_design(blocks, ["sets", "clinical"], PEOPLE, ["clinical"], {"sets": recipe})
    assert design.names == ("age", "A", "B")
    assert design.always == 1
    assert design.making is not None
    made = design.making.fit(design.X)(design.X)
    assert np.isnan(made[20:, 1:]).all()
    np.testing.assert_array_equal(made[:, 0], np.arange(N))
    np.testing.assert_allclose(made[:20, 1:], recipe.of_all().values)
    assert any("sets: learned from the training rows" in note for note in design.notes)


def test_the_cut_is_that_of_the_training_patients() -> None:
    values = np.random.default_rng(5).normal(size=N)
    X = values[:, None] + np.random.default_rng(6).normal(0, 1.0, size=(N, 3))
    block = Table(X, as_keys(PEOPLE), tuple(Column(name) for name in "abc"), "features")
    design, fold = make_design({"block": block}, ["block"], PEOPLE), np.arange(N) % 3
    y = (values >= np.median(values)).astype(float)
    found = []
    for extreme in (values[4], 1000.0, -1000.0):
        moved = values.copy()
        moved[4] = extreme
        cut = LearnedCut(PEOPLE, moved, 0.5)
        train = np.flatnonzero(fold != fold[4])
        np.testing.assert_array_equal(cut.labels(train)[train], (values >= np.median(values[train]))[train])
        found.append(cross_validate(design, y, [fold], Procedure("ridge"), [3], cut).score[0])
    for other in found[1:]:
        np.testing.assert_array_equal(found[0][fold == fold[4]], other[fold == fold[4]])


@pytest.mark.parametrize(
    ("steps", "settings"),
    [
        ("subtypes", TargetSettings(score="type", positive=("up",))),
        ("z-means of normalised counts", TargetSettings(score="A", cut="median")),
        ("z-means", TargetSettings(score="A", cut=0.0)),
    ],
)
def test_classes_of_a_learned_score_are_those_that_the_training_patients_make(
    steps: str, settings: TargetSettings
) -> None:
    y, fold = np.array([0.0, 1.0] * (N // 2)), np.arange(N) % 3
    X = np.random.default_rng(6).normal(size=(N, 3))
    block = Table(X, as_keys(PEOPLE), tuple(Column(name) for name in "abc"), "features")
    design, train = make_design({"block": block}, ["block"], PEOPLE), np.flatnonzero(fold != fold[4])
    scores, labels = [], []
    for raw in (_counts(), _changed(_counts(), 4)):
        classes = LearnedClasses.of(Recipe(raw, RECIPES[steps]()), settings)
        labels.append(classes.labels(train)[train])
        scores.append(cross_validate(design, y, [fold], Procedure("ridge"), [3], classes).score[0])
    np.testing.assert_array_equal(labels[0], labels[1])
    np.testing.assert_array_equal(scores[0][fold == fold[4]], scores[1][fold == fold[4]])
    assert set(np.unique(labels[0][~np.isnan(labels[0])])) == {0.0, 1.0}


def test_learned_classes_follow_their_definition_and_their_patients() -> None:
    raw, train = _counts(), np.arange(16)
    classes = LearnedClasses.of(Recipe(raw, RECIPES["z-means"]()), TargetSettings(score="A", cut="median"))
    values = np.asarray(raw.values)[:, :5]
    z = ((values - values[:16].mean(axis=0)) / values[:16].std(axis=0, ddof=1)).mean(axis=1)
    np.testing.assert_array_equal(classes.labels(train), z >= np.median(z[:16]))
    turned = classes.of_patients(PEOPLE[::-1])
    np.testing.assert_array_equal(turned.labels(np.arange(8, N)), classes.labels(train)[::-1])
    keys = np.random.default_rng(1).random(N)
    order = np.argsort(keys, kind="stable")
    places = np.flatnonzero(order < 16)  # those who were handed the data of the training patients
    np.testing.assert_array_equal(classes.shuffled(keys).labels(places), classes.labels(train)[order])
    assert len({classes.digest(), turned.digest(), classes.shuffled(keys).digest()}) == 3


def test_patients_without_a_class_in_a_fold_teach_nothing() -> None:
    raw, fold = _counts(), np.arange(N) % 3
    settings = TargetSettings(score="type", positive=("up",))
    step = CentroidClassifier(SETS["B"], ["up", "down"], CENTROIDS, "type", least=0.4)
    classes = LearnedClasses.of(Recipe(raw, (step,)), settings)
    assert np.isnan(classes.labels(np.flatnonzero(fold != 0))).any()
    X = np.random.default_rng(6).normal(size=(N, 3))
    block = Table(X, as_keys(PEOPLE), tuple(Column(name) for name in "abc"), "features")
    design = make_design({"block": block}, ["block"], PEOPLE)
    found = cross_validate(design, np.array([0.0, 1.0] * (N // 2)), [fold], Procedure("ridge"), [3], classes)
    assert np.isfinite(found.score).all()


def test_targets_with_learned_blocks_and_cuts_are_judged() -> None:
    values = np.random.default_rng(5).normal(size=60)
    people = tuple(f"Q{at:02d}" for at in range(60))
    raw = np.random.default_rng(6).gamma(4.0, 50.0, size=(60, 12))
    raw[:, :5] *= np.exp(values)[:, None]
    recipe = Recipe(
        Table(raw, as_keys(people), tuple(Column(f"G{at}") for at in range(12)), "expression"),
        (QuantileNormaliser(), SetScorer({"A": SETS["A"]}, "zmean", SetRules(3))),
    )
    words = {who: ("low", "high")[int(value >= np.median(values))] for who, value in zip(people, values, strict=True)}
    outcome = Outcome.of_classes("trait", words, ("low", "high"))
    settings = LearnSettings(
        primary={"features": "sets", "model": "ridge"},
        compare=("prevalence",),
        validate={"outer": 3, "inner": 2, "repeats": 2, "permutations": 3},
    )
    fresh = InFolds({"sets": recipe}, {"trait": LearnedCut(people, values, 0.5)})
    (result,) = judge_targets({"sets": recipe.of_all()}, [outcome], settings, in_folds=fresh)
    assert result.ladder[0].interval.estimate > 0.9
    assert any("quantile 0.5" in note for note in result.notes)
    (again,) = judge_targets({"sets": recipe.of_all()}, [outcome], settings, in_folds=fresh)
    assert again.ladder[0].interval == result.ladder[0].interval


def test_dosages_that_are_missing_take_the_mean_of_the_training() -> None:
    raw = Table(np.array([[0.0], [1.0], [2.0], [2.0], [np.nan]]), as_keys("ABCDE"), (Column("rs1"),), "germline")
    score = PolygenicScore({"rs1": ("A", "G")}, {"rs1": Weight("G", "A", 1.0)})
    taught = score.fit(raw.take([0, 1]))
    np.testing.assert_array_equal(taught.transform(raw)["polygenic score"], [0.0, 1.0, 2.0, 2.0, 0.5])


def test_a_fold_that_names_its_columns_otherwise_is_refused() -> None:
    recipe = Recipe(_counts(), (MostVariable(3),))
    design = make_design({"block": recipe.of_all()}, ["block"], PEOPLE, recipes={"block": recipe})
    assert design.making is not None
    made = design.making.fit(_changed(_counts(), 4).values * np.linspace(1, 900, GENES))
    with pytest.raises(TableError, match="names otherwise"):
        made(design.X)
