"""Groups put to the test: whether they come back in other patients, live differently, differ in molecules.

What made the groups differs between them by construction, so it is never tested between them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from genoxel.associate.consensus import Cloud, normal_scores
from genoxel.associate.covariates import covariates_of
from genoxel.associate.phenotypes import Phenotypes
from genoxel.associate.screen import screen
from genoxel.associate.settings import AssociateSettings
from genoxel.core.errors import InputError, TableError
from genoxel.core.image import frozen
from genoxel.core.keys import as_keys
from genoxel.core.results import AssociationMap
from genoxel.core.table import Column, Table
from genoxel.stats.cox import log_hazard_ratios
from genoxel.stats.multiple import benjamini_hochberg
from genoxel.stats.permute import permutation_p
from genoxel.stats.ranks import FloatArray, IndexArray
from genoxel.stats.survival import log_rank

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 10
FEWEST_EVENTS = 10
FEWEST_IN_GROUP = 5
_WALD = 1.959963984540054


@dataclass(frozen=True, eq=False)
class Replication:
    """Groups in patients who did not make them.

    `patients` and `groups` (n,) say who falls where; `rows`: group, n, igp (in-group proportion: share whose nearest
    neighbour falls into the same group), null_mean and null_high (mean and 95 % of clouds of one group with the same
    correlations), p, q (Benjamini-Hochberg over groups). A group with fewer than 5 patients has no p. `within` is the
    share of the spread that is left within the groups, `null_within` its mean in clouds, `p` how often these are cut
    as cleanly: whether the groups as a whole come back.
    """

    patients: tuple[str, ...]
    groups: IndexArray
    rows: Mapping[str, npt.NDArray[Any]]
    within: float
    null_within: float
    p: float
    q: float = 0.05

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", frozen(self.rows))

    @property
    def passing(self) -> int:
        """How many groups come back."""
        with np.errstate(invalid="ignore"):
            return int((np.asarray(self.rows["q"]) <= self.q).sum())

    def table(self) -> Table:
        """Return the groups of these patients as a column."""
        k = len(self.rows["group"])
        levels = tuple(f"group {number}" for number in range(1, k + 1))
        column = Column("phenotype", "binary" if k == 2 else "categorical", levels=levels)
        return Table(
            np.asarray(self.groups - 1, dtype=np.float64)[:, None], as_keys(self.patients), (column,), "phenotypes"
        )

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per group."""
        import pandas as pd

        return pd.DataFrame(dict(self.rows))

    def __repr__(self) -> str:
        count = len(self.rows["group"])
        return f"Replication: p {self.p:.2g}, {self.passing} of {count} groups alone, {len(self.patients)} patients"


def replicate(found: Phenotypes, *tables: Table, worlds: int = 199, seed: int = 0) -> Replication:
    """Return whether the groups of `found` come back in the patients of `tables` (the same columns, other patients).

    Each patient goes to the group with the nearest centre, in normal scores of his own cohort, so that scanners and
    laboratories may differ in scale. Raises `InputError` for one group, fewer than 10 patients, or patients who made
    the groups; `TableError` for missing columns. In-group proportion: Kapp and Tibshirani, Biostatistics 2007.
    """
    if found.k < 2:
        raise InputError("one group", "two groups or more", "there is nothing to replicate")
    if len(tables) != len(found.blocks):
        raise InputError(f"{len(tables)} tables for {len(found.blocks)} blocks", "the same blocks", "pass all of them")
    single = [table.per_patient("only") for table in tables]
    shared = sorted(set.intersection(*(set(table.patients) for table in single)))
    again = sorted(set(shared) & set(found.patients))
    if again:
        raise InputError(f"{len(again)} patients who made the groups", "other patients", "leave them out")
    if len(shared) < FEWEST:
        raise InputError(f"{len(shared)} patients in all tables", f"at least {FEWEST}", "pool sites")
    fresh = [table.of_patients(shared).select(block.names) for table, block in zip(single, found.blocks, strict=True)]
    old = _side_by_side([block.values for block in found.blocks])
    cloud = _side_by_side([table.values for table in fresh])
    centres = np.array([old[found.groups == number].mean(axis=0) for number in range(1, found.k + 1)])
    groups, igp, within = _in_group(cloud, centres)
    drawn = [
        _in_group(_one_group(cloud, np.random.default_rng(np.random.SeedSequence([seed, world]))), centres)[1:]
        for world in range(worlds)
    ]
    rows = _igp_rows(groups, igp, np.array([one for one, _ in drawn]))
    left = np.array([one for _, one in drawn])
    p = float(permutation_p(-within, -left))
    return Replication(tuple(shared), groups + 1, rows, within, float(left.mean()), p)


def _side_by_side(blocks: list[FloatArray]) -> FloatArray:
    scores = [normal_scores(block) for block in blocks]
    return np.hstack([one / np.sqrt(max(float((one**2).mean(axis=0).sum()), 1e-12)) for one in scores])


def _one_group(cloud: FloatArray, rng: np.random.Generator) -> FloatArray:
    return Cloud((cloud,)).one_group(rng).blocks[0]


def _in_group(cloud: FloatArray, centres: FloatArray) -> tuple[IndexArray, FloatArray, float]:
    """Return the group of each patient, the in-group proportion of each group, and the spread left within."""
    apart = ((cloud[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2)
    groups = np.argmin(apart, axis=1)
    square = (cloud**2).sum(axis=1)
    distance = square[:, None] + square[None, :] - 2 * cloud @ cloud.T
    np.fill_diagonal(distance, np.inf)
    same = groups[np.argmin(distance, axis=1)] == groups
    sizes = np.bincount(groups, minlength=len(centres))
    igp = np.bincount(groups, same, len(centres)) / np.where(sizes, sizes, np.nan)
    middle = cloud.mean(axis=0)
    means = np.array([cloud[groups == code].mean(axis=0) if size else middle for code, size in enumerate(sizes)])
    return groups, igp, float(((cloud - means[groups]) ** 2).sum() / ((cloud - middle) ** 2).sum())


def _igp_rows(groups: IndexArray, igp: FloatArray, null: FloatArray) -> dict[str, npt.NDArray[Any]]:
    sizes = np.bincount(groups, minlength=len(igp))
    worlds = np.nan_to_num(null)  # a group that nobody falls into has no neighbours alike
    p = np.array([float(permutation_p(one, worlds[:, place])) for place, one in enumerate(igp)])
    p[sizes < FEWEST_IN_GROUP] = np.nan
    return {
        "group": np.array([f"group {number}" for number in range(1, len(igp) + 1)], dtype=object),
        "n": sizes,
        "igp": igp,
        "null_mean": worlds.mean(axis=0),
        "null_high": np.quantile(worlds, 0.95, axis=0),
        "p": p,
        "q": benjamini_hochberg(p),
    }


@dataclass(frozen=True, eq=False)
class GroupSurvival:
    """Survival of groups: `p` of the log-rank test (None with `why` where there is too little), one row per group.

    `rows`: group, n, events, expected (events if groups did not differ), hazard_ratio, low, high (Cox, against the
    first group), hazard_ratio_adjusted, low_adjusted, high_adjusted (beside the covariates). `time`, `event` and
    `groups` (n,) are the patients behind it.
    """

    p: float
    chi2: float
    why: str
    rows: Mapping[str, npt.NDArray[Any]]
    time: FloatArray
    event: FloatArray
    groups: IndexArray
    adjusted_for: tuple[str, ...] = ()

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per group."""
        import pandas as pd

        return pd.DataFrame(dict(self.rows))


def survival_of(groups: Table, survival: Table, adjust: Table | None = None) -> GroupSurvival:
    """Return how groups (one column of classes) differ in survival: a time column beside its event, NAME.event.

    `groups` comes of `Phenotypes.table()` or, better, `Replication.table()`: of patients who did not make the groups.
    Survival itself must not have made them, which the caller knows and `differences` checks.
    """
    time, event = survival.columns[0].name, survival.columns[1].name
    parts = [groups.per_patient("only"), survival.per_patient("only")]
    parts += [adjust.per_patient("first")] if adjust is not None else []
    shared = sorted(set.intersection(*(set(part.patients) for part in parts)))
    parts = [part.of_patients(shared) for part in parts]
    z = covariates_of(parts[2], ranked=False) if adjust is not None else np.empty((len(shared), 0))
    t, e = parts[1][time], parts[1][event]
    known = ~(np.isnan(parts[0].values[:, 0]) | np.isnan(t) | np.isnan(e) | np.isnan(z).any(axis=1))
    t, e, z = t[known], e[known], z[known]
    code: IndexArray = parts[0].values[known, 0].astype(np.intp)
    names = groups.columns[0].levels
    sizes, events = np.bincount(code, minlength=len(names)), np.bincount(code, e, len(names))
    why = ""
    if int(e.sum()) < FEWEST_EVENTS:
        why = f"{int(e.sum())} events, {FEWEST_EVENTS} needed"
    elif sizes.min() < FEWEST_IN_GROUP:
        why = f"a group of {int(sizes.min())} patients, {FEWEST_IN_GROUP} needed"
    rows: dict[str, npt.NDArray[Any]] = {"group": np.array(names, dtype=object), "n": sizes, "events": events}
    empty = np.full(len(names), np.nan)
    test = None if why else log_rank(t, e, code)
    rows["expected"] = empty if test is None else test.expected
    held = adjust.names if adjust is not None else ()
    for suffix, covariates in (("", None), ("_adjusted", z)):
        asked = test is not None and (covariates is None or z.shape[1] > 0)
        ratios = _ratios(t, e, code, len(names), covariates) if asked else (empty, empty, empty)
        rows |= {f"{key}{suffix}": value for key, value in zip(_RATIOS, ratios, strict=True)}
    p, chi2 = (float("nan"), float("nan")) if test is None else (test.p, test.chi2)
    return GroupSurvival(p, chi2, why, rows, t, e, code + 1, held)


_RATIOS = ("hazard_ratio", "low", "high")


def _ratios(
    time: FloatArray, event: FloatArray, code: IndexArray, count: int, z: FloatArray | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return hazard ratios against the first group with their Wald intervals, each beside the other groups."""
    out = np.full((3, count), np.nan)
    for group in range(1, count):
        others = [(code == other).astype(np.float64) for other in range(1, count) if other != group]
        beside = np.column_stack([*others, *([] if z is None else [z])]) if others or z is not None else None
        b, se = log_hazard_ratios(time, event, (code == group).astype(np.float64)[:, None], beside)
        out[:, group] = np.exp([b[0], b[0] - _WALD * se[0], b[0] + _WALD * se[0]])
    return out[0], out[1], out[2]


def differences(
    found: Phenotypes,
    other: Table,
    adjust: Table | None = None,
    settings: AssociateSettings | None = None,
    seed: int = 0,
) -> AssociationMap:
    """Return what sets the groups apart among the columns of `other`: a screen of the groups against them.

    Raises `TableError` when `other` is, or holds a column of, what made the groups: that difference is made by hand.

    >>> rng = np.random.default_rng(0)
    >>> people = [f"P{i:02d}" for i in range(40)]
    >>> image = Table(rng.normal(size=(40, 9)) + np.repeat([0, 4], 20)[:, None], people,
    ...               tuple(Column(f"f{i}") for i in range(9)))
    >>> from genoxel.associate.phenotypes import GroupRules, phenotypes
    >>> groups = phenotypes(image, rules=GroupRules(most=2, resamples=19, worlds=19))
    >>> differences(groups, image.select(["f0"]))
    Traceback (most recent call last):
    ...
    genoxel.core.errors.TableError: got the features table, which made the groups; legal: what did not make them; ...
    """
    refuse_makers(found, other)
    return screen(found.table(), other, adjust, settings=settings, seed=seed)


def refuse_makers(found: Phenotypes, other: Table) -> None:
    """Raise `TableError` when `other` is of the kind of a block that made the groups, or holds its names or values."""
    fix = "test another block, or look at `profile`, which describes without a p"
    for block in found.blocks:
        if block.kind == other.kind:
            raise TableError(f"the {other.kind} table, which made the groups", "what did not make them", fix)
        again = sorted(set(block.names) & set(other.names)) or _copies(block, other)
        if again:
            got = f"columns that made the groups ({', '.join(again[:5])})"
            raise TableError(got, "what did not make them", fix)


def _copies(block: Table, other: Table) -> list[str]:
    """Return columns of `other` that hold the values of a maker under another name."""
    shared = sorted(set(block.patients) & set(other.patients))
    if len(shared) < 3:
        return []
    made, asked = block.of_patients(shared).values, other.per_patient("first").of_patients(shared).values
    known = {column.tobytes() for column in np.nan_to_num(made.T, nan=-1e300).copy()}
    rows = np.nan_to_num(asked.T, nan=-1e300).copy()
    return [name for name, row in zip(other.names, rows, strict=True) if row.tobytes() in known]
