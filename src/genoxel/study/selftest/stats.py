"""False claims, power and coverage where the truth is known: distributions first, then tables, then whole cohorts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import starmap
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from genoxel.associate.screen import screen
from genoxel.core.keys import as_keys
from genoxel.core.table import Column, Table
from genoxel.learn import selfcheck
from genoxel.learn.selfcheck import World, outcome_of, table_of
from genoxel.learn.settings import LearnSettings, ValidateSettings
from genoxel.learn.targets import judge_targets
from genoxel.simulate.presets import preset
from genoxel.stats import effects
from genoxel.study.selftest import links
from genoxel.study.selftest.cohorts import Judged, judged
from genoxel.study.selftest.links import LinkEffort
from genoxel.study.selftest.rows import Row, number, share

AREA = "stats"
ALPHA = 0.05
LEAST_COVERAGE = 0.92
"""Intervals of 95 % must hold the truth at least this often: the nominal share less what is known to be short."""
LEAST_POWER = 0.80
STRONG, FOUND = 2.0, "supported"
LEARN = LearnSettings(validation=ValidateSettings(repeats=5, permutations=39, permutation_repeats=1))
_PATIENTS = 60

Map = Callable[..., Iterable[Any]]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Effort:
    """How many are drawn: pairs per interval, tables, cohorts of tables, cohorts with images, and those of `links`."""

    pairs: int
    tables: int
    worlds: int
    coverage: int
    cohorts: int
    links: LinkEffort


QUICK = Effort(pairs=1000, tables=100, worlds=8, coverage=0, cohorts=0, links=links.QUICK)
FULL = Effort(pairs=5000, tables=400, worlds=100, coverage=400, cohorts=60, links=links.FULL)


def stats_rows(effort: Effort, seed: int, map: Map) -> list[Row]:
    """Return the rows of this area; with the same effort and seed the same, whatever `map` does the work."""
    rows = [interval_row(name, list(map(partial(_held, name, seed), range(effort.pairs // 50)))) for name in INTERVALS]
    rows += screen_rows(list(map(partial(one_screen, seed), range(effort.tables))))
    rows += world_rows(effort.worlds, seed, map)
    if effort.coverage:
        rows += coverage_rows(effort.coverage, map)
    return rows + cohort_rows(effort.cohorts, seed, map) + links.link_rows(effort.links, seed, map)


def _random(seed: int, *words: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence([seed + 1, *(word + 1 for word in words)]))


# Name of the interval -> what it estimates in the population that `_draw` draws from.
_R, _SHIFT = 0.5, 0.8
INTERVALS: dict[str, float] = {
    "Pearson's r": _R,
    "Spearman's rho": float(6 / np.pi * np.arcsin(_R / 2)),
    "Cohen's d": _SHIFT,
    "AUC of two groups": float(ndtr(_SHIFT / np.sqrt(2))),
    "log odds ratio": float(np.log(4.0)),
}


def _interval(name: str, random: np.random.Generator) -> Any:
    if name in {"Pearson's r", "Spearman's rho"}:
        x, noise = random.standard_normal((2, _PATIENTS))
        y = _R * x + np.sqrt(1 - _R**2) * noise
        return (effects.pearson if name == "Pearson's r" else effects.spearman)(x, y)
    if name == "log odds ratio":  # odds 1/2 and 2: shares 1/3 and 2/3
        first, second = random.binomial(40, 2 / 3), random.binomial(40, 1 / 3)
        return effects.log_odds_ratio([[first, 40 - first], [second, 40 - second]])
    one, other = random.standard_normal(25) + _SHIFT, random.standard_normal(35)
    return (effects.cohen_d if name == "Cohen's d" else effects.auc_of)(one, other)


def _held(name: str, seed: int, batch: int) -> tuple[int, int]:
    """Return in how many of 50 samples the interval holds the truth."""
    random = _random(seed, 1, sorted(INTERVALS).index(name), batch)
    found = [_interval(name, random) for _ in range(50)]
    return sum(one.low <= INTERVALS[name] <= one.high for one in found), len(found)


def interval_row(name: str, batches: list[tuple[int, int]]) -> Row:
    """Return the row on the coverage of one kind of interval."""
    held, of = (sum(batch[place] for batch in batches) for place in (0, 1))
    return share(AREA, f"95 % interval of {name} holds the truth", held, of, LEAST_COVERAGE, False)


def one_screen(seed: int, place: int) -> dict[str, Any]:
    """Return what the screen says of 40 x 25 columns without a link, and of as many with 20 linked pairs."""
    random = _random(seed, 2, place)
    people = as_keys([f"P{number:03d}" for number in range(_PATIENTS)])
    image = random.standard_normal((_PATIENTS, 8)).repeat(5, axis=1) + random.standard_normal((_PATIENTS, 40))
    genes = random.standard_normal((_PATIENTS, 25))
    names = tuple(Column(f"f{number}") for number in range(40)), tuple(Column(f"g{number}") for number in range(25))
    features = Table(image, people, names[0])
    null = screen(features, Table(genes, people, names[1], "expression"), permutations=19, seed=place)
    linked = genes.copy()
    for gene in range(20):  # gene k follows feature k with r = 0.65
        linked[:, gene] = 0.65 * image[:, gene] / np.sqrt(2) + np.sqrt(1 - 0.65**2) * genes[:, gene]
    found = screen(features, Table(linked, people, names[1], "expression"), permutations=0)
    passed = found.pairs["q"] <= found.q
    truly = _linked(found)
    return {
        "small": int(np.sum(null.pairs["p"] <= ALPHA)),
        "pairs": int(np.sum(np.isfinite(null.pairs["p"]))),
        "claimed": null.hits > 0,
        "family": bool(np.min(null.pairs["p"]) * len(null.pairs["p"]) <= ALPHA),
        "false": float(np.sum(passed & ~truly) / max(int(passed.sum()), 1)),
        "found": int(np.sum(passed & _planted(found))),
    }


def _planted(found: Any) -> BoolArray:
    return np.array(
        [one[1:] == other[1:] for one, other in zip(found.pairs["image"], found.pairs["other"], strict=True)]
    )


def _linked(found: Any) -> BoolArray:
    """Return which pairs are linked in the population: the planted one and its four sisters in the same block of 5."""
    pairs = zip(found.pairs["image"], found.pairs["other"], strict=True)
    return np.array([int(other[1:]) < 20 and int(one[1:]) // 5 == int(other[1:]) // 5 for one, other in pairs])


def screen_rows(found: list[dict[str, Any]]) -> list[Row]:
    """Return the rows on the association screen."""
    count = len(found)
    wrong = float(np.mean([one["false"] for one in found]))
    spread = float(np.std([one["false"] for one in found]) / np.sqrt(count))
    return [
        share(
            AREA, "null tables of 1,000 pairs with any pair after BH 5 %", _sum(found, "claimed"), count, ALPHA, True
        ),
        share(AREA, "null tables with any pair after Bonferroni 5 %", _sum(found, "family"), count, ALPHA, True),
        number(AREA, "share of null pairs with p at most 0.05", _sum(found, "small") / _sum(found, "pairs"), 0.06),
        number(
            AREA,
            "false share of the pairs claimed among linked ones (mean)",
            wrong,
            ALPHA + 3 * spread,
            note=f"standard error {spread:.3f}",
        ),
        share(AREA, "planted pairs found (r = 0.65, n = 60)", _sum(found, "found"), 20 * count, LEAST_POWER, False),
    ]


def _sum(found: list[dict[str, Any]], name: str) -> int:
    return int(sum(one[name] for one in found))


def one_world(shift: float, seed: int) -> list[str]:
    """Return the words on two targets of a cohort of 60 with 100 correlated columns; only the first may be linked."""
    random = _random(seed, 3)
    world = World(_PATIENTS, 100, shift)
    X, y = world.draw(random)
    patients = world.patients()
    outcomes = [outcome_of(y, patients, "linked"), outcome_of(random.permutation(y), patients, "other")]
    blocks = {
        "image": table_of(X, patients),
        "volume": table_of(random.lognormal(size=(_PATIENTS, 1)), patients, "volume"),
        "clinical": table_of(random.normal(size=(_PATIENTS, 2)), patients, "clinical"),
    }
    return [result.verdict.word for result in judge_targets(blocks, outcomes, LEARN, seed=seed)]


def world_rows(count: int, seed: int, map: Map) -> list[Row]:
    """Return the rows on verdicts of prediction, from tables without and with a link."""
    seeds = range(1000 * seed, 1000 * seed + count)
    null = sum(FOUND in words for words in map(partial(one_world, 0.0), seeds))
    planted = sum(words[0] == FOUND for words in map(partial(one_world, STRONG), seeds))
    note = f"20 of 100 columns shifted by {STRONG:g} SD"
    return [
        share(AREA, "prediction: null cohorts with a supported target", null, count, ALPHA, True),
        share(AREA, "prediction: planted cohorts with it supported", planted, count, LEAST_POWER, False, note),
    ]


def coverage_rows(sims: int, map: Map) -> list[Row]:
    """Return the rows on the interval of the cross-validated AUC."""
    rows = []
    for world in (World(60), World(60, shift=0.58), World(60, shift=0.74)):
        found = selfcheck.coverage(world, sims, map)["auc"]
        what = f"95 % interval of the cross-validated AUC, true {found['truth']:.2f}"
        rows.append(share(AREA, what, round(found["coverage"] * sims), sims, LEAST_COVERAGE, False))
    return rows


def cohort_rows(count: int, seed: int, map: Map) -> list[Row]:
    """Return the rows on whole cohorts with images: claims in null cohorts, and the demo's planted links."""
    if not count:
        return []
    first = 1000 * seed
    null = map(judged, [(preset("null", seed=first + place), False) for place in range(count)])
    demo = map(judged, [(preset("demo", seed=first + place), True) for place in range(count)])
    words = [{row.target: row.word for row in starmap(Judged, cohort)} for cohort in demo]
    false = sum(any(row.word == FOUND for row in starmap(Judged, cohort)) for cohort in null)
    return [
        share(AREA, "null cohorts from images: any target supported", false, count, ALPHA, True),
        share(AREA, "demo cohorts: IDH1 on texture supported", _said(words, "IDH1"), count, LEAST_POWER, False),
        share(AREA, "demo cohorts: TP53, without a link, supported", _said(words, "TP53"), count, ALPHA, True),
        share(AREA, "demo cohorts: EGFR, only tumour volume, supported", _said(words, "EGFR"), count, ALPHA, True),
    ]


def _said(words: list[dict[str, str]], target: str) -> int:
    return sum(one[target] == FOUND for one in words)
