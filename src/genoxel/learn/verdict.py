"""How a target ends: one of five words, by a rule written before the run."""

from __future__ import annotations

import numpy as np

from genoxel.core.outcome import SMALLEST_CLASS
from genoxel.core.results import Interval, Verdict, VerdictWord

LEVEL = 0.05
"""A permutation p over all targets at or below this is called above chance."""


def rule(smallest_useful: float) -> str:
    """Return the rule of the verdict in words."""
    return (
        f"not testable: fewer than {SMALLEST_CLASS} patients in the smaller class, or nothing to learn from. "
        f"supported: permutation p over all targets <= {LEVEL:.2f} and the 95 % interval of the gain over the best "
        "simpler model above 0. "
        f"above chance, no gain shown: p <= {LEVEL:.2f} and the gain not above 0. "
        f"not supported: p > {LEVEL:.2f} and the upper bound of the AUC below the smallest useful AUC of "
        f"{smallest_useful:.2f}, fixed before the run. "
        "inconclusive: everything else."
    )


def judge(
    target: str, interval: Interval, gain: Interval, best_simpler: str, p_all: float, smallest_useful: float
) -> Verdict:
    """Return the verdict on a testable target by the rule; a p that is NaN (no permutations) is never above chance."""
    above = p_all <= LEVEL
    word: VerdictWord
    if above and gain.low > 0:
        word = "supported"
    elif above:
        word = "above chance, no gain shown"
    elif interval.high < smallest_useful:
        word = "not supported"
    else:
        word = "inconclusive"
    reason = _REASONS[word](interval, gain, best_simpler, p_all, smallest_useful)
    return Verdict(target, word, reason, _NEXT[word], rule(smallest_useful))


def not_testable(target: str, why: str, smallest_useful: float) -> Verdict:
    """Return the verdict on a target that could not be tested, with the reason."""
    return Verdict(target, "not testable", why, _NEXT["not testable"], rule(smallest_useful))


def _p(p_all: float) -> str:
    return "no permutation test was asked for" if np.isnan(p_all) else f"permutation p over all targets {p_all:.2g}"


def _supported(interval: Interval, gain: Interval, best: str, p_all: float, useful: float) -> str:
    usable = "" if interval.high >= useful else f" An AUC of {useful:.2f}, the smallest called useful, is excluded."
    return (
        f"AUC {interval}, {_p(p_all)}. Gain over the best simpler model ({best}) {_signed(gain)}: "
        f"no gain is excluded.{usable}"
    )


def _no_gain(interval: Interval, gain: Interval, best: str, p_all: float, useful: float) -> str:
    excluded = f"A gain above {gain.high:.2f} is excluded" if gain.high > 0 else "Any gain is excluded"
    rest = "; a smaller one is not." if gain.high > 0 else "."
    return f"AUC {interval}, {_p(p_all)}. Gain over the best simpler model ({best}) {_signed(gain)}. {excluded}{rest}"


def _not_supported(interval: Interval, gain: Interval, best: str, p_all: float, useful: float) -> str:
    return (
        f"AUC {interval}, {_p(p_all)}. An AUC of {useful:.2f} or more, the smallest called useful, is excluded "
        f"(upper bound {interval.high:.2f}). This is a result: report it."
    )


def _inconclusive(interval: Interval, gain: Interval, best: str, p_all: float, useful: float) -> str:
    low = "no information" if interval.low <= 0.5 else "little information"
    return (
        f"AUC {interval}, {_p(p_all)}. The data are compatible with {low} ({interval.low:.2f}) "
        f"and with a useful model ({interval.high:.2f})."
    )


def _signed(gain: Interval) -> str:
    return f"{gain.estimate:+.2f} ({gain.low:+.2f} to {gain.high:+.2f})"


_REASONS = {
    "supported": _supported,
    "above chance, no gain shown": _no_gain,
    "not supported": _not_supported,
    "inconclusive": _inconclusive,
}

_NEXT: dict[VerdictWord, str] = {
    "supported": "Test the locked model on patients of another centre before anything is built on it.",
    "above chance, no gain shown": (
        "Ask whether the image is needed at all: the simpler model may do. To show a gain, plan more patients."
    ),
    "not supported": "Report it as a negative result with its interval; do not search on in the same patients.",
    "inconclusive": (
        "More patients are needed: pool another site, and keep target, settings and primary model as they are."
    ),
    "not testable": "Find more patients with this label known, or leave the target out of the study file.",
}
