"""Effects and tests of association maps: their names in words, and one common scale to draw them on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from genoxel.core.image import FloatArray
from genoxel.core.results import AssociationMap

EFFECTS = {
    "rho": "Spearman's rho",
    "r": "Pearson's r",
    "auc": "AUC",
    "cliffs_delta": "Cliff's delta",
    "epsilon_squared": "epsilon squared",
    "cramers_v": "Cramér's V",
    "log_odds_ratio": "log odds ratio",
    "log_hazard_ratio": "log hazard ratio per standard deviation",
    "cohens_d": "Cohen's d",
}

TESTS = {
    "spearman": "Spearman's rank correlation",
    "pearson": "Pearson's correlation",
    "mann-whitney": "the Mann-Whitney test",
    "kruskal": "the Kruskal-Wallis test",
    "chi2": "the chi-square test",
    "fisher": "Fisher's exact test",
    "fisher (simulated)": "Fisher's exact test with simulated p",
    "cox": "Cox regression (score test)",
    "t": "Student's t test",
}


def signed(found: AssociationMap, name: str = "effect") -> FloatArray:
    """Return the effects of all pairs (pairs,) on a scale where 0 is no link: AUC as 2 AUC - 1, log odds as Yule's Q.

    Effects that are already so stay as they are.
    """
    values = np.array(found.pairs[name], dtype=np.float64)
    names = np.asarray(found.pairs["effect_name"]).astype(str)
    area, odds = names == "auc", names == "log_odds_ratio"
    values[area] = 2 * values[area] - 1
    values[odds] = np.tanh(values[odds] / 2)
    return values


def scale(found: AssociationMap) -> str:
    """Return what `signed` effects of this map are called on an axis."""
    drawn = {"auc": "2 AUC − 1", "log_odds_ratio": "Yule's Q"}
    names = sorted({str(name) for name in np.unique(np.asarray(found.pairs["effect_name"]).astype(str))})
    return " or ".join(drawn.get(name, EFFECTS.get(name, name)) for name in names) or "effect"


def worlds_in_words(null: npt.ArrayLike) -> str:
    """Return how many pairs passed in worlds without link.

    >>> worlds_in_words([0, 0, 0]), worlds_in_words([0, 2, 7])
    ('3 worlds without link gave 0 each', 'worlds without link gave 0 to 7 (median 2)')
    """
    counts = np.asarray(null)
    low, high = int(counts.min()), int(counts.max())
    if low == high:
        return f"{counts.size} worlds without link gave {low} each"
    return f"worlds without link gave {low} to {high} (median {np.median(counts):g})"
