"""The association map where the truth is known: false discoveries, power, intervals and confounding of the screen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from genoxel.associate import selfcheck
from genoxel.associate.selfcheck import Confounding, Share, World
from genoxel.study.selftest.rows import Row, between, mean_at_most, share, unbiased

AREA = "association"
Q = 0.05
HELD = (0.93, 0.97)
"""Intervals of 95 % must hold the truth this often; exact ones of small tables may do so more often."""
POWER, R, PATIENTS = 0.90, 0.7, 60

Map = Callable[..., Iterable[Any]]

_WORLDS: Mapping[World, str] = {
    "independent": "independent features",
    "blocks": "features in blocks that correlate at 0.8",
    "best of gene": "the best feature of each gene",
}
_INTERVALS: Mapping[str, str] = {
    "r": "Pearson's r",
    "cohens_d": "Cohen's d",
    "auc": "the AUC",
    "log_odds_ratio": "the log odds ratio, expected counts of 5 and more",
    "log_odds_ratio_sparse": "the log odds ratio, expected counts below 5 (exact)",
    "log_hazard_ratio": "the log hazard ratio",
}


@dataclass(frozen=True)
class LinkEffort:
    """How many cohorts: of tables per world, with searched features, with one link, confounded, and per interval."""

    worlds: int
    searched: int
    planted: int
    confounded: int
    intervals: int


QUICK = LinkEffort(worlds=300, searched=20, planted=200, confounded=500, intervals=400)
FULL = LinkEffort(worlds=5000, searched=200, planted=2000, confounded=2000, intervals=5000)


def link_rows(effort: LinkEffort, seed: int, map: Map) -> list[Row]:
    """Return the rows on the association map; with the same effort and seed the same, whatever `map` does the work."""
    rows: list[Row] = []
    for world, words in _WORLDS.items():
        count = effort.searched if world == "best of gene" else effort.worlds
        null = selfcheck.false_discoveries(world, count, seed, planted=0, map=map)
        rows.append(null_row(words, null))
        planted = selfcheck.false_discoveries(world, count, seed + 1, planted=3, map=map)
        rows.append(mean_at_most(AREA, f"false share of what passes 5 %, {words}", planted, Q))
    rows.append(power_row(selfcheck.power(R, PATIENTS, effort.planted, seed, map=map)))
    for effect, words in _INTERVALS.items():
        rows.append(held_row(effect, words, selfcheck.coverage(effect, effort.intervals, seed, map=map)))
    return rows + confounding_rows(selfcheck.confounding(effort.confounded, seed, map=map))


def null_row(words: str, found: Share) -> Row:
    """Return the row on cohorts without any link: how many claim one."""
    count = round(found.mean * found.of_cohorts)
    return share(AREA, f"null cohorts that claim a pair, {words}", count, found.of_cohorts, Q, True)


def power_row(found: Share) -> Row:
    """Return the row on the one planted pair among 1,600."""
    what = f"a pair of r = {R:g} found among 1,600, n = {PATIENTS}"
    return share(AREA, what, round(found.mean * found.of_cohorts), found.of_cohorts, POWER, False)


def held_row(effect: str, words: str, found: Share) -> Row:
    """Return the row on the coverage of the screen's interval; one of small tables has no upper limit."""
    count, of = round(found.mean * found.of_cohorts), found.of_cohorts
    what = f"95 % interval of {words}"
    if effect.endswith("sparse"):
        return share(AREA, what, count, of, HELD[0], False, "conservative by construction")
    return between(AREA, what, count, of, *HELD)


def confounding_rows(found: Confounding) -> list[Row]:
    """Return the rows on a shared cause of x and y: adjusted unbiased, unadjusted biased, and the interval."""
    count = round(found.coverage.mean * found.coverage.of_cohorts)
    raw = f"unadjusted it is {found.raw.mean:+.3f}, {found.raw.mean / found.raw.error:.0f} SE"
    return [
        unbiased(AREA, "bias of r, adjusted for the confounder", found.adjusted, raw),
        between(AREA, "95 % interval of the adjusted r", count, found.coverage.of_cohorts, *HELD),
    ]
