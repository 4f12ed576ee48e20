"""The permutation test: labels handed to other patients, everything refitted, one p over all targets.

Each permuted world draws one random order of all patients. Every target hands its labels on in that order among the
patients whose label is known, so that targets share the permutation of the patients they have in common and links
between targets are kept. The statistic, the same for observed and permuted labels, is the mean within-fold AUC over
`permutation_repeats` draws of the folds.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from genoxel.core.image import FloatArray


def p_value(observed: float, permuted: FloatArray) -> float:
    """Return (1 + permuted worlds at or above `observed`) / (1 + worlds); NaN without worlds.

    >>> p_value(0.9, np.array([0.5, 0.6, 0.4]))
    0.25
    """
    if permuted.size == 0:
        return float("nan")
    return float((1 + np.sum(permuted >= observed - 1e-12)) / (1 + permuted.size))


def p_over_targets(observed: Mapping[str, float], permuted: Mapping[str, FloatArray]) -> dict[str, float]:
    """Return the p of each target against the maximum over all targets in each permuted world.

    Targets of different size have null worlds of different width; each statistic is therefore centred and scaled by
    its own worlds, the observed one counted among them, before the maximum is taken (Westfall and Young, single step).

    >>> p_over_targets({"A": 0.9}, {"A": np.array([0.5, 0.6, 0.4])})
    {'A': 0.25}
    """
    names = [name for name in observed if permuted[name].size]
    if not names:
        return {name: float("nan") for name in observed}
    worlds = np.array([np.append(permuted[name], observed[name]) for name in names])
    spread = worlds.std(axis=1, keepdims=True)
    worlds = (worlds - worlds.mean(axis=1, keepdims=True)) / np.where(spread == 0, 1.0, spread)
    highest = worlds[:, :-1].max(axis=0)
    found = {name: p_value(row[-1], highest) for name, row in zip(names, worlds, strict=True)}
    return {name: found.get(name, float("nan")) for name in observed}
