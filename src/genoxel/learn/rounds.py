"""Repeated cross-validation of one procedure on one design: held-out scores and nothing but held-out scores."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np
import numpy.typing as npt
from sklearn.base import clone

from genoxel.core.image import FloatArray
from genoxel.learn.classes import FoldClasses
from genoxel.learn.design import Design
from genoxel.learn.kernels import auc
from genoxel.learn.procedure import Procedure
from genoxel.learn.splits import IntArray, members, stratified_folds

OBSERVED, PERMUTED, SHUFFLE = 1, 2, 3
"""First words of the seeds: splits of the observed labels, splits of permuted labels, the permutations themselves."""


@dataclass(frozen=True, eq=False)
class Rounds:
    """Raw results of repeats of cross-validation.

    `score`, `risk`, `fold`, `threshold` (repeats, n): held-out score and probability, fold, and probability above
    which a patient is called positive (learned in training), of each patient; `train` (repeats,) mean AUC on the
    training rows; `picked` (p,) how often a column was selected over `fits` fits.
    """

    score: FloatArray
    risk: FloatArray
    fold: IntArray
    threshold: FloatArray
    train: FloatArray
    picked: IntArray
    fits: int

    def first(self, repeats: int) -> Rounds:
        """Return the scores and folds of the first repeats only."""
        few = slice(0, repeats)
        scores = replace(self, score=self.score[few], risk=self.risk[few], threshold=self.threshold[few])
        return replace(scores, fold=self.fold[few], train=self.train[few])


def rng_of(*words: int | str) -> np.random.Generator:
    """Return the random generator of a place in the analysis; texts count by their CRC-32.

    >>> bool(rng_of(1, "IDH").random() == rng_of(1, "IDH").random())
    True
    """
    numbers = [crc32(word.encode()) if isinstance(word, str) else word for word in words]
    return np.random.default_rng(np.random.SeedSequence(numbers))


def draw_folds(y: FloatArray, outer: int, sites: IntArray | None, rng: np.random.Generator) -> IntArray:
    """Return the outer fold (n,) of each patient: its site when there are `sites`, else a stratified draw."""
    return stratified_folds(y, outer, rng) if sites is None else sites


def cross_validate(
    design: Design,
    y: FloatArray,
    folds: Iterable[IntArray],
    procedure: Procedure,
    seeds: Iterable[int],
    cut: FoldClasses | None = None,
) -> Rounds:
    """Fit `procedure` anew on the training patients of every fold and score the held-out ones.

    `y` (n,) is one label per patient; with `cut` the models learn the classes that the training patients make. A
    patient's score is the mean over the patient's rows.
    """
    repeats = [_one_repeat(design, y, fold, procedure, seed, cut) for fold, seed in zip(folds, seeds, strict=True)]
    return Rounds(
        np.array([repeat[0] for repeat in repeats]),
        np.array([repeat[1] for repeat in repeats]),
        np.array([repeat[2] for repeat in repeats]),
        np.array([repeat[3] for repeat in repeats]),
        np.array([repeat[4] for repeat in repeats]),
        np.sum([repeat[5] for repeat in repeats], axis=0),
        sum(repeat[6] for repeat in repeats),
    )


def _one_repeat(
    design: Design, y: FloatArray, fold: IntArray, procedure: Procedure, seed: int, cut: FoldClasses | None
) -> tuple[FloatArray, FloatArray, IntArray, FloatArray, float, IntArray, int]:
    score, risk, threshold = (np.full(y.size, np.nan) for _ in range(3))
    picked = np.zeros(len(design.names), dtype=np.intp)
    train_auc = []
    for number in np.unique(fold):
        train, test = members(design.owner, fold != number), members(design.owner, fold == number, design.copies)
        classes = y if cut is None else cut.labels(np.flatnonzero(fold != number).astype(np.intp))
        train = train[~np.isnan(classes[design.owner[train]])]
        label = classes[design.owner[train]]
        if not label.size or np.ptp(label) == 0:  # a site that held a whole class: nothing to learn from the others
            score[fold == number] = risk[fold == number] = threshold[fold == number] = label[0] if label.size else 0.5
            continue
        fitted = clone(procedure).set_params(seed=seed + int(number))
        copies = None if design.copies is None else design.copies[train]
        fitted.fit(design.X[train], label, design.owner[train], copies)
        held = fold == number
        score[held] = _per_patient(fitted.decision_function(design.X[test]), design.owner[test], y.size)[held]
        risk[held] = _per_patient(fitted.predict_proba(design.X[test])[:, 1], design.owner[test], y.size)[held]
        threshold[held] = fitted.base_
        train_auc.append(auc(label, fitted.decision_function(design.X[train])))
        picked[fitted.selected_] += 1
    return score, risk, fold, threshold, float(np.mean(train_auc)) if train_auc else np.nan, picked, len(train_auc)


def _per_patient(score: FloatArray, owner: IntArray, n: int) -> FloatArray:
    total = np.bincount(owner, weights=score, minlength=n)
    return np.asarray(total / np.maximum(np.bincount(owner, minlength=n), 1))


def statistic(y: FloatArray, rounds: Rounds) -> float:
    """Return the mean over repeats of the mean within-fold AUC; folds that lack a class are passed over.

    Where every fold lacks one (sites, permuted labels) nothing is ranked and the statistic is 0.5.
    """
    repeats = []
    for score, fold in zip(rounds.score, rounds.fold, strict=True):
        each = np.array([auc(y[fold == number], score[fold == number]) for number in np.unique(fold)])
        usable = each[~np.isnan(each)]
        repeats.append(float(usable.mean()) if usable.size else 0.5)
    return float(np.mean(repeats))


def shuffled(keys: FloatArray, y: FloatArray) -> npt.NDArray[np.float64]:
    """Return the labels `y` (n,) handed to other patients in the order of their random `keys` (n,)."""
    return np.asarray(y[np.argsort(keys, kind="stable")])
