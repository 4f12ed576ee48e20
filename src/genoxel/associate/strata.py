"""The same pairs within the levels of one column: effects side by side, pooled, and whether they differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, expit, logit, ndtr

from genoxel.associate.interact import interactions
from genoxel.associate.screen import aligned_tables, screen, spread_table
from genoxel.associate.settings import AssociateSettings, aggregation
from genoxel.core.errors import TableError
from genoxel.core.image import frozen
from genoxel.core.table import Table
from genoxel.stats.multiple import benjamini_hochberg
from genoxel.stats.ranks import FloatArray

if TYPE_CHECKING:
    import pandas as pd

_WALD = 1.959963984540054

_SCALES: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "rho": (np.arctanh, np.tanh),
    "r": (np.arctanh, np.tanh),
    "cliffs_delta": (np.arctanh, np.tanh),
    "auc": (logit, expit),
    "cohens_d": (np.asarray, np.asarray),
    "log_odds_ratio": (np.asarray, np.asarray),
    "log_hazard_ratio": (np.asarray, np.asarray),
}
"""Effects that can be pooled, and the scale on which their intervals are symmetric."""


@dataclass(frozen=True, eq=False)
class StratifiedMap:
    """All pairs within the levels of the column `by`.

    `pairs` holds image, other, effect_name; per level "n[level]", "effect[level]", "low[level]", "high[level]"; then
    effect, low, high, p (pooled over strata) and p_interaction (do the levels differ?), both with q by
    Benjamini-Hochberg over all pairs; term, low_term, high_term, p_term and q_term of the product in a regression
    (`associate.interact`). NaN where fewer than two levels could be measured.
    """

    by: str
    levels: tuple[str, ...]
    pairs: Mapping[str, npt.NDArray[Any]]

    def __post_init__(self) -> None:
        object.__setattr__(self, "pairs", frozen(self.pairs))

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per pair."""
        import pandas as pd

        return pd.DataFrame(dict(self.pairs))

    def __repr__(self) -> str:
        return f"StratifiedMap by {self.by} ({', '.join(self.levels)}): {len(self.pairs['image'])} pairs"


def stratified(
    image: Table, other: Table, by: Table, settings: AssociateSettings | None = None, adjust: Table | None = None
) -> StratifiedMap:
    """Return every pair within each level of `by` (a table of one category), pooled over levels, and their difference.

    Effects within levels are raw; the interaction term is beside the covariates `adjust`. Effects are weighed by the
    inverse of their variance on the scale on which their interval is symmetric (Fisher z, logit, log); the difference
    is Cochran's Q, chi-squared with levels - 1 degrees of freedom. Levels of too few patients for a test count for
    nothing. Raises `TableError` unless `by` is one category.

    >>> from genoxel.core.table import Column
    >>> rng = np.random.default_rng(2)
    >>> people, x = [f"P{i}" for i in range(60)], rng.normal(size=(60, 1))
    >>> half = Table(np.repeat([[0.0], [1.0]], 30, axis=0), people, (Column("late", "binary"),))
    >>> gene = Table(np.where(half.values == 1, x, -x) + rng.normal(size=(60, 1)) / 2, people, (Column("VEGFA"),))
    >>> found = stratified(Table(x, people, (Column("volume"),)), gene, half)
    >>> bool(found.pairs["p_interaction"][0] < 1e-6), bool(abs(found.pairs["effect"][0]) < 0.3)
    (True, True)
    """
    if len(by.columns) != 1 or by.columns[0].kind not in ("categorical", "binary", "ordinal"):
        raise TableError(f"{len(by.columns)} columns to stratify by", "one category", "choose a categorical column")
    chosen = settings or AssociateSettings()
    plain = chosen.correct.model_copy(update={"over": "all pairs of one block"})
    chosen = chosen.model_copy(update={"registered": (), "correct": plain})
    column, codes = by.columns[0], by.per_patient(aggregation(chosen.several))
    names = column.levels or ("0", "1")
    maps = {}
    for code, name in enumerate(names):
        people = [row.patient for row, value in zip(codes.rows, codes.values[:, 0], strict=True) if value == code]
        if set(people) & set(image.patients) & set(other.patients):
            maps[name] = screen(image.of_patients(people), other.of_patients(people), permutations=0, settings=chosen)
    if not maps:
        raise TableError(f"no patient with a known {column.name}", "patients in both tables", "check the identifiers")
    columns = _columns({name: found.pairs for name, found in maps.items()})
    return StratifiedMap(column.name, tuple(maps), columns | _terms(image, other, by, chosen, adjust))


def _terms(
    image: Table, other: Table, by: Table, settings: AssociateSettings, adjust: Table | None
) -> dict[str, npt.NDArray[Any]]:
    """Return the interaction terms; NaN for clustered rows, whose errors this regression does not know."""
    if settings.several == "clustered":
        events = {f"{column.name}.event" for column in other.columns if column.kind == "time"}
        nothing = np.full(len(image.columns) * len([name for name in other.names if name not in events]), np.nan)
        return dict.fromkeys(("term", "low_term", "high_term", "p_term", "q_term"), nothing)
    tables = aligned_tables(image, other, adjust, settings.several)
    codes = spread_table(by.per_patient(settings.several), list(tables[0].patients)).values[:, 0]
    found = interactions(tables, codes, settings.correlation == "spearman")
    terms = {"term": found["term"], "low_term": found["low"], "high_term": found["high"], "p_term": found["p"]}
    return {**terms, "q_term": benjamini_hochberg(found["p"])}


def _columns(maps: Mapping[str, Mapping[str, npt.NDArray[Any]]]) -> dict[str, npt.NDArray[Any]]:
    first = next(iter(maps.values()))
    names = np.asarray(first["effect_name"]).astype(str)
    for pairs in maps.values():
        names = np.where(names == "", np.asarray(pairs["effect_name"]).astype(str), names)
    out: dict[str, npt.NDArray[Any]] = {"image": first["image"], "other": first["other"], "effect_name": names}
    for level, pairs in maps.items():
        out |= {f"{part}[{level}]": np.asarray(pairs[part]) for part in ("n", "effect", "low", "high")}
    pooled = np.full((5, len(names)), np.nan)
    for name, scale in _SCALES.items():
        here = np.flatnonzero(names == name)
        if here.size:
            parts = [[np.asarray(pairs[part], dtype=float)[here] for pairs in maps.values()] for part in _PARTS]
            pooled[:, here] = _pooled(np.array(parts), scale)
    effect, low, high, p, interaction = pooled
    out |= {"effect": effect, "low": low, "high": high, "p": p, "q": benjamini_hochberg(p)}
    return {**out, "p_interaction": interaction, "q_interaction": benjamini_hochberg(interaction)}


_PARTS = ("effect", "low", "high")


def _pooled(parts: FloatArray, scale: tuple[Callable[..., Any], Callable[..., Any]]) -> FloatArray:
    """Return (effect, low, high, p, p_interaction) (5, pairs) of (effect, low, high) x levels x pairs."""
    forward, back = scale
    with np.errstate(divide="ignore", invalid="ignore"):
        centre, lower, upper = (np.asarray(forward(item), dtype=np.float64) for item in parts)
        error = (upper - lower) / (2 * _WALD)
        good = np.isfinite(centre) & np.isfinite(error) & (error > 0)
        weight = np.where(good, 1 / error**2, 0.0)
        total = weight.sum(axis=0)
        null = float(forward(0.5)) if forward is logit else 0.0
        mean = np.where(good, weight * np.where(good, centre, 0.0), 0.0).sum(axis=0) / total
        spread = np.where(good, weight * (np.where(good, centre, 0.0) - mean) ** 2, 0.0).sum(axis=0)
        half, levels = _WALD / np.sqrt(total), good.sum(axis=0)
        p = 2 * ndtr(-np.abs(mean - null) * np.sqrt(total))
        several = levels >= 2
        interaction = np.where(several, chdtrc(np.maximum(levels - 1, 1), spread), np.nan)
        out = np.array([back(mean), back(mean - half), back(mean + half), p])
    return np.vstack([np.where(several, out, np.nan), interaction])
