from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from statsmodels.stats.proportion import proportion_confint

from genoxel.core.results import Interval, verdict_words
from genoxel.learn import intervals
from genoxel.learn.permute import p_over_targets, p_value
from genoxel.learn.verdict import Evidence, judge, not_testable, rule


def _scores(n: int = 60, repeats: int = 3, shift: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = np.repeat([0.0, 1.0], n // 2)
    fold = np.array([rng.permutation(np.tile(np.arange(5), n // 5)) for _ in range(repeats)])
    return y, rng.normal(size=(repeats, n)) + shift * y, fold


def test_auc_is_the_mean_of_fold_aucs_and_never_pooled() -> None:
    y, score, fold = _scores()
    score = score + 100 * fold  # pooled scores would be ruled by the fold
    by_hand = [roc_auc_score(y[f == k], s[f == k]) for s, f in zip(score, fold, strict=True) for k in range(5)]
    assert intervals.place(y, score, fold).auc == pytest.approx(np.mean(by_hand))


def test_interval_has_the_delong_width_times_root_two() -> None:
    y, score, _ = _scores()
    one_fold = np.zeros(score.shape, dtype=np.intp)
    placed = intervals.place(y, score[:1], one_fold[:1])
    positive = np.array([np.mean(s > score[0][y == 0]) for s in score[0][y == 1]])
    negative = np.array([np.mean(s < score[0][y == 1]) for s in score[0][y == 0]])
    se = np.sqrt(positive.var(ddof=1) / 30 + negative.var(ddof=1) / 30)
    interval = intervals.auc_interval(placed, "about")
    assert interval.high - interval.low == pytest.approx(2 * 1.959964 * np.sqrt(2) * se, rel=1e-5)
    assert interval.target == "about"
    assert "0.93" in interval.coverage


def test_interval_stays_inside_and_perfection_is_not_certainty() -> None:
    y, _, fold = _scores()
    perfect = intervals.auc_interval(intervals.place(y, np.tile(y, (3, 1)), fold), "")
    assert perfect.estimate == perfect.high == 1.0
    assert 0.9 < perfect.low < 0.98


def test_no_interval_with_fewer_than_ten() -> None:
    y = np.array([0.0] * 30 + [1.0] * 9)
    score = np.random.default_rng(0).normal(size=(1, 39))
    interval = intervals.auc_interval(intervals.place(y, score, np.zeros((1, 39), dtype=np.intp)), "")
    assert np.isnan(interval.low)
    assert "fewer than 10" in interval.method


def test_a_model_gains_nothing_over_itself() -> None:
    y, score, fold = _scores()
    placed = intervals.place(y, score, fold)
    gain = intervals.auc_interval(placed.minus(placed), "", limits=(-1.0, 1.0))
    assert gain.estimate == 0.0
    assert gain.low < 0 < gain.high


def test_paired_gain_is_sharper_than_unpaired() -> None:
    y, score, fold = _scores(repeats=2)
    near = score + 0.1 * np.random.default_rng(1).normal(size=score.shape)
    one, other = intervals.place(y, score, fold), intervals.place(y, near, fold)
    assert one.minus(other).variance() < 0.3 * (one.variance() + other.variance())


def test_share_interval_is_wilson_of_half_the_patients() -> None:
    low, high = proportion_confint(15, 20, method="wilson")
    found = intervals.share_interval(0.75, 40, "")
    assert (found.low, found.high) == pytest.approx((low, high))
    assert np.isnan(intervals.share_interval(float("nan"), 0, "").low)


def test_mean_interval_by_hand() -> None:
    values = np.array([[0.0, 0.2, 0.4, 0.2]])
    found = intervals.mean_interval(values, "")
    half = 1.959964 * np.sqrt(2 * values.var(ddof=1) / 4)
    assert (found.low, found.high) == pytest.approx((max(0, 0.2 - half), 0.2 + half))


def test_p_counts_the_observed_world_and_ties() -> None:
    assert p_value(0.7, np.array([0.5, 0.7, 0.9, 0.6])) == pytest.approx(3 / 5)
    assert p_value(0.95, np.linspace(0.3, 0.7, 99)) == pytest.approx(0.01)
    assert np.isnan(p_value(0.7, np.zeros(0)))


def test_p_over_targets_is_never_smaller_and_is_exact_under_the_null() -> None:
    rng = np.random.default_rng(0)
    small = 0
    for _ in range(400):
        worlds = rng.normal(0.5, [[0.05], [0.15], [0.1]], (3, 20))
        observed = {name: row[0] for name, row in zip("abc", worlds, strict=True)}
        permuted = {name: row[1:] for name, row in zip("abc", worlds, strict=True)}
        found = p_over_targets(observed, permuted)
        small += min(found.values()) <= 0.05
    assert 0.02 < small / 400 < 0.085


def test_the_same_permuted_worlds_cost_nothing() -> None:
    worlds = np.random.default_rng(0).normal(0.5, 0.1, 99)
    found = p_over_targets({"a": 0.62, "b": 0.62}, {"a": worlds, "b": worlds})
    assert found["a"] == found["b"] == p_value(0.62, worlds)


def test_targets_without_worlds_have_no_p() -> None:
    assert np.isnan(p_over_targets({"a": 0.9}, {"a": np.zeros(0)})["a"])


AUC = {"weak": Interval(0.61, 0.47, 0.74), "none": Interval(0.50, 0.40, 0.60), "good": Interval(0.85, 0.75, 0.95)}
GAIN = {"yes": Interval(0.25, 0.08, 0.42), "no": Interval(0.01, -0.06, 0.08), "less": Interval(-0.2, -0.3, -0.1)}


def _evidence(auc: str, gain: str, p: float) -> Evidence:
    return Evidence(AUC[auc], GAIN[gain], "clinical", p, {"wild type": 50, "mutant": 30})


def test_next_step_counts_the_patients_needed() -> None:
    verdict = judge("T", _evidence("weak", "no", 0.09), 0.7)
    assert "about 230 would narrow the interval to +-0.08" in verdict.next_step  # 80 * (0.135 / 0.08)^2 = 228


@pytest.mark.parametrize(
    ("auc", "gain", "p", "useful", "word", "says"),
    [
        ("good", "yes", 0.01, 0.7, "supported", "A gain of zero is excluded"),
        ("good", "no", 0.05, 0.7, "above chance, no gain shown", "A gain above 0.08 is excluded"),
        ("good", "less", 0.01, 0.7, "above chance, no gain shown", "Any gain is excluded"),
        ("none", "no", 0.51, 0.7, "not supported", "An AUC of 0.70 or more"),
        ("none", "no", 0.51, 0.6, "inconclusive", "compatible with no information (0.40)"),
        ("weak", "no", 0.09, 0.7, "inconclusive", "useful model (0.74)"),
        ("good", "yes", 0.06, 0.7, "inconclusive", "little information (0.75)"),
        ("good", "yes", float("nan"), 0.7, "inconclusive", "no permutation test was asked for"),
        ("none", "yes", 0.01, 0.7, "supported", "smallest called useful, is excluded"),
    ],
)
def test_every_row_of_the_rule(auc: str, gain: str, p: float, useful: float, word: str, says: str) -> None:
    verdict = judge("T", _evidence(auc, gain, p), useful)
    assert verdict.word == word
    assert says in verdict.reason
    assert verdict.next_step
    assert f"{useful:.2f}" in verdict.rule
    assert "in 80 patients (50 wild type, 30 mutant)" in verdict.reason


def test_words_of_the_rule_and_of_the_report() -> None:
    text = rule(0.7)
    for word in verdict_words():
        assert f"{word}:" in text
    verdict = not_testable("T", "3 patients in the smaller class.", 0.7)
    assert verdict.word == "not testable"
    verdicts = [judge("T", _evidence(a, g, p), 0.7) for a in AUC for g in GAIN for p in (0.01, 0.5)]
    everything = " ".join([text, *(one.reason + one.next_step for one in verdicts)])
    for forbidden in ("trend", "promising", "significant", "proves"):
        assert forbidden not in everything
