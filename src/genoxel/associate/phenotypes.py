"""Groups of patients who look alike, or are alike in image and molecules at once - if there is more than one group.

Any cohort can be cut in two. Groups are claimed only if their consensus is sharper than that of clouds of one group
with the same correlations; otherwise the answer is one group, and nothing is tested between pieces of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from genoxel.associate.consensus import GRID, Cloud, Consensus, consensus, cut, normal_scores, spread_within
from genoxel.core.errors import InputError, TableError
from genoxel.core.image import frozen
from genoxel.core.keys import as_keys
from genoxel.core.table import Column, Source, Table
from genoxel.stats.permute import permutation_p
from genoxel.stats.ranks import FloatArray, IndexArray

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 20
"""Fewer patients are refused: a consensus of four fifths of them would rest on a handful."""

LEVEL = 0.05
FEWEST_WORLDS = 19
NEARLY = 0.05
"""Numbers of groups whose ambiguity, as a share of that of clouds, differs by less are equally good."""


@dataclass(frozen=True)
class GroupRules:
    """At most `most` groups; `resamples` draws of four fifths; `worlds` clouds of one group behind p."""

    most: int = 5
    resamples: int = 50
    worlds: int = 99
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Phenotypes:
    """Groups of patients: `k` of them, 1 where one group explains the data.

    `groups` (n,) are 1 to k, largest first; `certainty` (n,) is how often a patient falls together with the others of
    his group. `counts` holds one row per number of groups tried: k, pac (share of ambiguous pairs), null_mean,
    null_low (mean and 5 % of clouds of one group), within (share of the spread that is left within groups),
    null_within, ratio (pac over null_mean: the number with the lowest is taken, of nearly equal ones the largest).
    `p` is that of more than one group, paid for all numbers tried. `together` (n, n) is the consensus of `shown`
    groups, `cdf` (tried, 101) that of all numbers. `blocks` are the tables that made the groups, of these patients.
    """

    k: int
    patients: tuple[str, ...]
    groups: IndexArray
    certainty: FloatArray
    counts: Mapping[str, npt.NDArray[Any]]
    p: float
    shown: int
    together: FloatArray
    cdf: FloatArray
    blocks: tuple[Table, ...]
    left_out: int = 0
    rules: GroupRules = GroupRules()

    def __post_init__(self) -> None:
        object.__setattr__(self, "counts", frozen(self.counts))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the groups."""
        return tuple(f"group {number}" for number in range(1, self.k + 1))

    def table(self) -> Table:
        """Return the groups as one categorical column (two classes if there are two); `TableError` for one group."""
        if self.k < 2:
            raise TableError("one group", "two groups or more", "there is nothing to compare")
        kind = "binary" if self.k == 2 else "categorical"
        column = Column("phenotype", kind, levels=self.names, source=Source(family="phenotype"))  # type: ignore[arg-type]
        return Table(
            np.asarray(self.groups - 1, dtype=np.float64)[:, None], as_keys(self.patients), (column,), "phenotypes"
        )

    def profile(self, most: int = 5) -> list[tuple[str, str, float]]:
        """Return (group, column, mean normal score) of the columns that set each group apart most.

        These columns made the groups: the numbers describe, and no p can be given to them.
        """
        rows = []
        for block in self.blocks:
            scores = normal_scores(block.values)
            for number, name in enumerate(self.names, 1):
                mean = scores[self.groups == number].mean(axis=0)
                order = np.argsort(-np.abs(mean), kind="stable")[:most]
                rows += [(name, block.names[place], float(mean[place])) for place in order]
        return rows

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per patient: patient, group, certainty."""
        import pandas as pd

        return pd.DataFrame({"patient": self.patients, "group": self.groups, "certainty": self.certainty})

    def __repr__(self) -> str:
        word = "one group explains the data" if self.k == 1 else f"{self.k} groups"
        return f"Phenotypes: {word} (p of more than one: {self.p:.2g}), {len(self.patients)} patients"


def phenotypes(*tables: Table, rules: GroupRules | None = None) -> Phenotypes:
    """Return the groups of the patients known in all `tables`: one table, or several fused (similarity networks).

    Columns are taken as normal scores of their ranks, missing values in the middle; columns without spread or known in
    less than half of the patients are left out. Raises `InputError` for fewer than 20 patients or more groups than a
    third of them, `TableError` for a table without usable columns.

    >>> rng = np.random.default_rng(0)
    >>> values = rng.normal(size=(40, 12)) + np.repeat([0, 3], 20)[:, None]
    >>> table = Table(values, [f"P{i:02d}" for i in range(40)], tuple(Column(f"f{i}") for i in range(12)))
    >>> phenotypes(table, rules=GroupRules(most=3, resamples=20, worlds=39)).k
    2
    """
    rules = rules or GroupRules()
    if rules.worlds < FEWEST_WORLDS or rules.resamples < FEWEST_WORLDS:
        got = f"{rules.worlds} worlds and {rules.resamples} resamples"
        raise InputError(got, f"{FEWEST_WORLDS} of each: fewer never give a p of {LEVEL:g}", "ask for more")
    blocks, left_out = aligned(tables)
    n = len(blocks[0])
    if not 2 <= rules.most <= n // 3:
        got = f"up to {rules.most} groups of {n} patients"
        raise InputError(got, f"2 to {n // 3}: three patients a group", "ask for fewer")
    cloud = Cloud.of([normal_scores(block.values) for block in blocks])
    counts = tuple(range(2, rules.most + 1))
    found = consensus(cloud, counts, rules.resamples, [rules.seed, 0])
    observed = _sharpness(cloud, found)
    null = np.array([_world(cloud, counts, rules, world) for world in range(rules.worlds)])
    rows, p = _against(observed, null.reshape(-1, *observed.shape), counts)
    best = counts[int(np.flatnonzero(rows["ratio"] <= rows["ratio"].min() + NEARLY)[-1])]
    k = best if p <= LEVEL else 1
    groups = found.groups(k) + 1 if k > 1 else np.ones(n, dtype=np.intp)
    return Phenotypes(
        *(k, blocks[0].patients, groups, _certainty(found, best, groups), rows, p, best),
        together=found.together[counts.index(best)],
        cdf=found.cdf,
        blocks=blocks,
        left_out=left_out,
        rules=rules,
    )


def _sharpness(cloud: Cloud, found: Consensus) -> FloatArray:
    """Return how ambiguous the consensus and how wide the groups are (2, counts): small where there are groups."""
    distances = cloud.distances()
    wide = [spread_within(distances, codes) for codes in cut(distances, found.counts)]
    return np.array([found.pac, wide])


def _world(cloud: Cloud, counts: tuple[int, ...], rules: GroupRules, world: int) -> FloatArray:
    rng = np.random.default_rng(np.random.SeedSequence([rules.seed, 1, world]))
    drawn = cloud.one_group(rng)
    return _sharpness(drawn, consensus(drawn, counts, rules.resamples, [rules.seed, 2, world]))


def _against(
    observed: FloatArray, null: FloatArray, counts: tuple[int, ...]
) -> tuple[dict[str, npt.NDArray[Any]], float]:
    """Return the table of numbers tried, and the p of the sharpest of them among as many tries in clouds.

    Both measures are put in standard deviations of all worlds, the measured one among them, so that p is exact.
    """
    every = np.concatenate([observed[None], null])
    sharp = ((every.mean(axis=0) - every) / np.maximum(every.std(axis=0), 1e-9)).max(axis=(1, 2))
    p = float(permutation_p(sharp[0], sharp[1:]))
    mean = null.mean(axis=0)
    rows = {
        "k": np.array(counts),
        "pac": observed[0],
        "null_mean": mean[0],
        "null_low": np.quantile(null[:, 0], 0.05, axis=0),
        "within": observed[1],
        "null_within": mean[1],
        "ratio": observed[0] / np.maximum(mean[0], 1e-3),
    }
    return rows, p


def _certainty(found: Consensus, shown: int, groups: IndexArray) -> FloatArray:
    together = found.together[found.counts.index(shown)]
    same = (groups[:, None] == groups[None, :]) & ~np.eye(len(groups), dtype=np.bool_)
    return np.asarray((together * same).sum(axis=1) / np.maximum(same.sum(axis=1), 1))


def aligned(tables: tuple[Table, ...]) -> tuple[tuple[Table, ...], int]:
    """Return the usable columns of all tables for their common patients, and how many patients lack a table."""
    if not tables:
        raise InputError("no table", "one table, or several to fuse", "pass image features")
    single = [table.per_patient("only") for table in tables]
    everyone = set[str]().union(*(table.patients for table in single))
    shared = sorted(set.intersection(*(set(table.patients) for table in single)))
    if len(shared) < FEWEST:
        raise InputError(f"{len(shared)} patients in all {len(tables)} tables", f"at least {FEWEST}", "pool sites")
    return tuple(_usable(table.of_patients(shared)) for table in single), len(everyone) - len(shared)


def _usable(table: Table) -> Table:
    known = (~np.isnan(table.values)).mean(axis=0) >= 0.5
    spread = np.fmax.reduce(table.values, axis=0) > np.fmin.reduce(table.values, axis=0)
    kinds = np.array([column.kind in ("real", "count", "ordinal", "binary") for column in table.columns])
    good = dict(zip(table.names, (known & spread & kinds).tolist(), strict=True))
    if not any(good.values()):
        got = f"no usable number in the {table.kind} table"
        raise TableError(got, "columns that vary and are known in half of the patients", "leave this block out")
    return table.where(lambda column: good[column.name])


__all__ = ["GRID", "GroupRules", "Phenotypes", "aligned", "phenotypes"]
