"""How a target ends: one of five words, by a rule written before the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from genoxel.core.outcome import SMALLEST_CLASS
from genoxel.core.results import Interval, Verdict, VerdictWord

NARROW = 0.08
"""Half-width at which the interval of an AUC tells a useful model from a useless one; the next step counts to it."""

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


@dataclass(frozen=True)
class Evidence:
    """What a verdict rests on: AUC with interval, gain over the best simpler model, p over all targets, patients.

    `counts` maps each class to its number of patients; `p_all` is NaN when no permutation was asked for.
    """

    interval: Interval
    gain: Interval
    best_simpler: str
    p_all: float
    counts: Mapping[str, int]

    @property
    def n(self) -> int:
        """Patients of all classes."""
        return sum(self.counts.values())

    def head(self) -> str:
        """Return AUC, patients and p in words."""
        sizes = ", ".join(f"{count} {level}" for level, count in self.counts.items())
        p = "no permutation test was asked for"
        if not np.isnan(self.p_all):
            p = f"permutation p over all targets {self.p_all:.2g}"
        return f"AUC {self.interval} in {self.n} patients ({sizes}); {p}."

    def patients_for(self, half_width: float) -> int:
        """Return about how many patients would give an interval of this half-width, in steps of ten."""
        now = (self.interval.high - self.interval.low) / 2
        return int(np.ceil(self.n * (now / half_width) ** 2 / 10) * 10)


def judge(target: str, evidence: Evidence, smallest_useful: float) -> Verdict:
    """Return the verdict on a testable target by the rule; a p that is NaN (no permutations) is never above chance.

    >>> nothing = Evidence(Interval(0.5, 0.4, 0.6), Interval(0, -0.1, 0.1), "volume", 0.5, {"no": 40, "yes": 40})
    >>> judge("EGFR", nothing, 0.70).word
    'not supported'
    """
    interval, gain, p_all = evidence.interval, evidence.gain, evidence.p_all
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
    reason = f"{evidence.head()} {_REASONS[word](evidence, smallest_useful)}"
    patients = evidence.patients_for(NARROW)
    return Verdict(target, word, reason, _NEXT[word].format(patients=patients, narrow=NARROW), rule(smallest_useful))


def not_testable(target: str, why: str, smallest_useful: float) -> Verdict:
    """Return the verdict on a target that could not be tested, with the reason."""
    return Verdict(target, "not testable", why, _NEXT["not testable"], rule(smallest_useful))


def _supported(evidence: Evidence, useful: float) -> str:
    weak = (
        f" An AUC of {useful:.2f}, the smallest called useful, is excluded." if evidence.interval.high < useful else ""
    )
    return f"{_gain(evidence)} A gain of zero is excluded.{weak}"


def _no_gain(evidence: Evidence, useful: float) -> str:
    high = evidence.gain.high
    excluded = f"A gain above {high:.2f} is excluded; a smaller one is not." if high > 0 else "Any gain is excluded."
    return f"{_gain(evidence)} {excluded}"


def _not_supported(evidence: Evidence, useful: float) -> str:
    return f"An AUC of {useful:.2f} or more is excluded (upper bound {evidence.interval.high:.2f})."


def _inconclusive(evidence: Evidence, useful: float) -> str:
    low, high = evidence.interval.low, evidence.interval.high
    little = "no information" if low <= 0.5 else "little information"
    return f"The data are compatible with {little} ({low:.2f}) and with a useful model ({high:.2f})."


def _gain(evidence: Evidence) -> str:
    gain = evidence.gain
    numbers = f"{gain.estimate:+.2f} ({gain.low:+.2f} to {gain.high:+.2f})"
    return f"Gain over the best simpler model ({evidence.best_simpler}): {numbers}."


_REASONS = {
    "supported": _supported,
    "above chance, no gain shown": _no_gain,
    "not supported": _not_supported,
    "inconclusive": _inconclusive,
}

_NEXT: dict[VerdictWord, str] = {
    "supported": "Test the locked model on patients of another centre before anything is built on it.",
    "above chance, no gain shown": (
        "Ask whether the image is needed at all: the simpler model may do. To show a gain, more patients are needed."
    ),
    "not supported": "Report it as a negative result with its interval; do not search on in the same patients.",
    "inconclusive": (
        "More patients are needed: about {patients} would narrow the interval to +-{narrow}. "
        "Pool another site, and keep target, settings and primary model as they are."
    ),
    "not testable": "Find more patients with this label known, or leave the target out of the study file.",
}
