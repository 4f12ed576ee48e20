"""Factors of two blocks by MOFA (Argelaguet et al., Molecular Systems Biology 2018), which may lack different patients.

A factor is scored from either side alone, by its posterior mean given that side: only so can held-out patients say
whether image and molecules see the same thing.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import Any

import numpy as np

from genoxel.core.errors import InputError
from genoxel.core.extras import require
from genoxel.stats.ranks import FloatArray

BESIDE = 4
"""So many factors beyond those asked for, so that what one side has alone finds a place of its own."""

STEPS = 200


def mofa_weights(x: FloatArray, y: FloatArray, components: int, seed: int = 0) -> tuple[FloatArray, FloatArray]:
    """Return weights (columns, components) of both sides; `x` @ weights scores a factor from that side.

    `x` and `y` are standardised, row for row the same patients; a patient without a side has NaN throughout. Factors
    are sorted by the smaller of the shares that they explain in both sides; where fewer are found the rest is 0.
    Raises `MissingExtraError` without mofapy2.
    """
    model = _fitted(x, y, components + BESIDE, seed)
    loadings = [np.asarray(one["E"], dtype=np.float64) for one in model.nodes["W"].getExpectations()]
    noise = [np.asarray(one["E"], dtype=np.float64)[0] for one in model.nodes["Tau"].getExpectations()]
    shares = np.nan_to_num(model.calculate_variance_explained()[0])
    best = np.argsort(-shares.min(axis=0), kind="stable")[:components]
    sides = [_scoring(*pair)[:, best] for pair in zip(loadings, noise, strict=True)]
    pad = components - sides[0].shape[1]
    u, v = (np.pad(side, ((0, 0), (0, pad))) for side in sides)
    return u, v


def _scoring(loadings: FloatArray, noise: FloatArray) -> FloatArray:
    """Return the matrix that maps a row of one side to its posterior mean factors."""
    weighted = loadings * noise[:, None]
    return np.asarray(weighted @ np.linalg.inv(np.eye(loadings.shape[1]) + loadings.T @ weighted))


def _fitted(x: FloatArray, y: FloatArray, factors: int, seed: int) -> Any:
    """Return the trained model; the library's words are kept off the screen, its seed off everyone else's."""
    state = np.random.get_state()  # noqa: NPY002 (mofapy2 sets the global seed)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            run = require("mofapy2.run.entry_point", "omics").entry_point()
            run.set_data_options(scale_views=False)
            run.set_data_matrix([[np.array(x)], [np.array(y)]], likelihoods=["gaussian", "gaussian"])
            run.set_model_options(factors=factors, ard_weights=True, spikeslab_weights=False)
            run.set_train_options(iter=STEPS, convergence_mode="fast", seed=seed + 1, verbose=False, quiet=True)
            run.build()
            run.run()
            return run.model
    except SystemExit as error:  # mofapy2 leaves the program where data do not suit it
        raise InputError("blocks that MOFA refuses", "two blocks of numbers that vary", "use pls") from error
    finally:
        np.random.set_state(state)  # noqa: NPY002
