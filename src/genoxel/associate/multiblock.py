"""What image and genome share as wholes: sparse CCA, PLS and MOFA, judged on patients not learned from.

In sample, a few components of thousands of columns always correlate; reported is the correlation of held-out scores,
set beside worlds in which the patients of one side are moved and everything is learned again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from genoxel.associate.given import Given, as_table, folds_of
from genoxel.associate.mofa import mofa_weights
from genoxel.core.errors import InputError, SettingsError, TableError, nearest
from genoxel.core.image import frozen
from genoxel.core.table import Table
from genoxel.stats.permute import permutation_p
from genoxel.stats.permute import permutations as orders
from genoxel.stats.ranks import FloatArray, IndexArray

if TYPE_CHECKING:
    import pandas as pd

Method = Literal["pls", "sparse_cca", "mofa"]
FEWEST = 20
_SPARSE_STEPS = 50


@dataclass(frozen=True, eq=False)
class SharedComponents:
    """Components of two blocks.

    `rows` holds one row per component: held_out (correlation of held-out scores), p (share of worlds without link with
    a held-out correlation as high), null_high (95 % of these), in_sample, stability (mean absolute cosine of the
    weights of two folds, image and other side together). `weights` maps "image" and "other" to (columns, components)
    learned from everyone, with the names in `image` and `other`.
    """

    method: str
    n: int
    image: tuple[str, ...]
    other: tuple[str, ...]
    rows: Mapping[str, npt.NDArray[Any]]
    weights: Mapping[str, FloatArray]

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", frozen(self.rows))
        object.__setattr__(self, "weights", frozen(self.weights))

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per component."""
        import pandas as pd

        return pd.DataFrame(dict(self.rows))

    def strongest(self, side: Literal["image", "other"], component: int = 0, most: int = 10) -> list[tuple[str, float]]:
        """Return the columns with the largest weights of a component."""
        weights = self.weights[side][:, component]
        names = self.image if side == "image" else self.other
        order = np.argsort(-np.abs(weights), kind="stable")[:most]
        return [(names[place], float(weights[place])) for place in order if weights[place] != 0]

    def __repr__(self) -> str:
        parts = [f"{r:.2f} (p {p:.3g})" for r, p in zip(self.rows["held_out"], self.rows["p"], strict=True)]
        return f"SharedComponents {self.method}, n = {self.n}: held-out correlation {', '.join(parts)}"


def multiblock(
    image: Given,
    other: Given,
    method: Method = "pls",
    components: int = 2,
    folds: int = 5,
    permutations: int = 99,
    seed: int = 0,
) -> SharedComponents:
    """Return the components that `image` and `other` share, by held-out correlation and permutation.

    Columns are standardised and missing values filled with the mean, both learned within each training fold;
    "sparse_cca" is the penalised decomposition of Witten, Tibshirani and Hastie (Biostatistics 2009) with a third of
    the largest possible L1 norm, one component after another by deflation. "mofa" (Argelaguet et al., Molecular
    Systems Biology 2018; extra `omics`) learns from patients with one side alone as well. Null worlds move the
    patients of the image side. Raises `InputError` for fewer than 20 patients in both tables, `SettingsError`
    for an unknown method, or components or folds that cannot be.

    >>> from genoxel.core.table import Column
    >>> rng = np.random.default_rng(0)
    >>> people, trait = [f"P{i:02d}" for i in range(60)], rng.normal(size=(60, 1))
    >>> x, y = (trait * (np.arange(8) < 3) + rng.normal(size=(60, 8)) for _ in range(2))
    >>> columns = tuple(Column(f"c{i}") for i in range(8))
    >>> found = multiblock(Table(x, people, columns), Table(y, people, columns), components=1, permutations=19)
    >>> bool(found.rows["held_out"][0] > 0.4), float(found.rows["p"][0])
    (True, 0.05)
    """
    if method not in _fitters():
        raise SettingsError(f"the method {method!r}", ", ".join(_fitters()), nearest(method, _fitters()) or "pls")
    if components < 1:
        raise SettingsError(f"{components} components", "1 or more", "2 is usual")
    left, right = (as_table(one, kind).per_patient("only") for one, kind in ((image, "features"), (other, "other")))
    shared = sorted(set(left.patients) & set(right.patients))
    if len(shared) < FEWEST:
        raise InputError(f"{len(shared)} patients in both tables", f"at least {FEWEST}", "pool sites")
    first, x = _numbers(left.of_patients(shared))
    second, y = _numbers(right.of_patients(shared))
    components = min(components, x.shape[1], y.shape[1])
    fit, alone = _fitters()[method], (x[:0], y[:0])
    if method == "mofa":
        alone = _one_sided(left, right, first.names, second.names)
    parts = folds_of(len(shared), folds, [seed, 0x6D62])
    held, stability = _held_out(x, y, parts, components, fit, alone)
    null = np.array(
        [_held_out(x[order], y, parts, components, fit, alone)[0] for order in _orders(len(shared), permutations, seed)]
    ).reshape(-1, components)
    scaled = _Scale.of(x)(x), _Scale.of(y)(y)
    u, v = _learn(x, y, components, fit, alone)
    fitted = [_correlation(scaled[0] @ u[:, k], scaled[1] @ v[:, k]) for k in range(components)]
    rows = {
        "component": np.arange(1, components + 1),
        "held_out": held,
        "p": np.array([float(permutation_p(held[k], null[:, k])) for k in range(components)]),
        "null_high": np.quantile(null, 0.95, axis=0) if len(null) else np.full(components, np.nan),
        "in_sample": np.array(fitted),
        "stability": stability,
    }
    return SharedComponents(method, len(shared), first.names, second.names, rows, {"image": u, "other": v})


def _one_sided(
    left: Table, right: Table, image: tuple[str, ...], other: tuple[str, ...]
) -> tuple[FloatArray, FloatArray]:
    """Return both sides of the patients that have one of them alone, row for row; the other side is NaN."""
    sides = [(left, image, set(right.patients)), (right, other, set(left.patients))]
    x, y = (
        table.of_patients([one for one in table.patients if one not in there]).select(names).values
        for table, names, there in sides
    )
    return (
        np.vstack([x, np.full((len(y), x.shape[1]), np.nan)]),
        np.vstack([np.full((len(x), y.shape[1]), np.nan), y]),
    )


def _orders(n: int, count: int, seed: int) -> Iterator[IndexArray]:
    return orders(n, count, seed)


def _numbers(table: Table) -> tuple[Table, FloatArray]:
    """Return the numeric columns that vary and are known for half of the patients."""
    with np.errstate(invalid="ignore"):
        known = (~np.isnan(table.values)).mean(axis=0) >= 0.5
        low, high = np.fmin.reduce(table.values, axis=0), np.fmax.reduce(table.values, axis=0)
    good = {
        column.name
        for place, column in enumerate(table.columns)
        if column.kind in ("real", "count", "ordinal", "binary") and known[place] and high[place] > low[place]
    }
    if not good:
        raise TableError(f"no usable number in the {table.kind} table", "columns that vary", "choose other columns")
    chosen = table.where(lambda column: column.name in good)
    return chosen, np.asarray(chosen.values)


@dataclass(frozen=True, eq=False)
class _Scale:
    mean: FloatArray
    spread: FloatArray

    @classmethod
    def of(cls, values: FloatArray) -> _Scale:
        count = np.maximum((~np.isnan(values)).sum(axis=0), 1)
        mean = np.nansum(values, axis=0) / count
        spread = np.sqrt(np.nansum((values - mean) ** 2, axis=0) / count)
        return cls(mean, np.where(spread > 1e-12, spread, np.inf))

    def __call__(self, values: FloatArray) -> FloatArray:
        return np.nan_to_num(self.known(values))

    def known(self, values: FloatArray) -> FloatArray:
        """Return the standardised values, NaN where missing."""
        return np.asarray((values - self.mean) / self.spread)


Fit = Callable[[FloatArray, FloatArray, int], tuple[FloatArray, FloatArray]]


def _held_out(
    x: FloatArray,
    y: FloatArray,
    parts: list[IndexArray],
    components: int,
    fit: Fit,
    alone: tuple[FloatArray, FloatArray],
) -> tuple[FloatArray, FloatArray]:
    """Return the correlation of held-out scores of each component, and the agreement of weights between folds.

    Scores are standardised by their training fold and signed so that both sides agree there.
    """
    scores = np.zeros((2, len(x), components))
    weights = []
    for part in parts:
        train = np.setdiff1d(np.arange(len(x)), part)
        scale_x, scale_y = _Scale.of(x[train]), _Scale.of(y[train])
        a, b = scale_x(x[train]), scale_y(y[train])
        u, v = _learn(x[train], y[train], components, fit, alone)
        for side, (trained, tested) in enumerate(((a @ u, scale_x(x[part]) @ u), (b @ v, scale_y(y[part]) @ v))):
            scores[side, part] = tested / np.maximum(trained.std(axis=0), 1e-12)
        weights.append(np.vstack([u, v]))
    held = np.array([_correlation(scores[0, :, k], scores[1, :, k]) for k in range(components)])
    return held, _agreement(weights)


def _learn(
    x: FloatArray, y: FloatArray, components: int, fit: Fit, alone: tuple[FloatArray, FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """Return weights learned from patients with both sides, and from those `alone` with one where the method can.

    Patients with one side keep NaN for the other; single missing values take the mean.
    """
    scales = _Scale.of(x), _Scale.of(y)
    sides = []
    for scale, both, single in zip(scales, (x, y), alone, strict=True):
        absent = np.asarray(np.isnan(single).all(axis=1))[:, None]
        sides.append(np.vstack([scale(both), np.where(absent, np.nan, scale(single))]))
    return fit(sides[0], sides[1], components)


def _agreement(weights: list[FloatArray]) -> FloatArray:
    unit = [w / np.maximum(np.sqrt((w**2).sum(axis=0)), 1e-12) for w in weights]
    pairs = [np.abs((a * b).sum(axis=0)) for place, a in enumerate(unit) for b in unit[place + 1 :]]
    return np.asarray(np.mean(pairs, axis=0))


def _correlation(a: FloatArray, b: FloatArray) -> float:
    a, b = a - a.mean(), b - b.mean()
    scale = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / scale) if scale > 0 else 0.0


def _fitters() -> dict[str, Fit]:
    return {"pls": _pls, "sparse_cca": _sparse, "mofa": mofa_weights}


def _pls(x: FloatArray, y: FloatArray, components: int) -> tuple[FloatArray, FloatArray]:
    """Return weights that give the scores of PLS from standardised columns (singular vectors of X'Y, deflated)."""
    from sklearn.cross_decomposition import PLSCanonical

    (a, back_a), (b, back_b) = _reduced(x), _reduced(y)
    model = PLSCanonical(components, scale=False, max_iter=1000).fit(a, b)
    return back_a @ model.x_rotations_, back_b @ model.y_rotations_


def _reduced(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return (coordinates (n, rank), their axes (columns, rank)): all that PLS sees, in at most n numbers a patient."""
    u, s, vt = np.linalg.svd(values, full_matrices=False)
    kept = s > 1e-10 * s.max(initial=0.0)
    return u[:, kept] * s[kept], vt[kept].T


def _sparse(x: FloatArray, y: FloatArray, components: int) -> tuple[FloatArray, FloatArray]:
    """Return sparse weights: power iterations with an L1 bound on either side, deflating the cross product."""
    cross = x.T @ y / len(x)
    us: list[FloatArray] = []
    vs: list[FloatArray] = []
    bounds = [max(np.sqrt(side) / 3, 1.0) for side in cross.shape]
    for _ in range(components):
        v = cross[np.argmax((cross**2).sum(axis=1))]
        v = v / max(float(np.sqrt(v @ v)), 1e-300)
        for _ in range(_SPARSE_STEPS):
            u = _bounded(cross @ v, bounds[0])
            fresh = _bounded(cross.T @ u, bounds[1])
            near = np.abs(fresh - v).max() < 1e-8
            v = fresh
            if near:
                break
        cross = cross - (u @ cross @ v) * np.outer(u, v)
        us, vs = [*us, u], [*vs, v]
    return np.array(us).T, np.array(vs).T


def _bounded(values: FloatArray, bound: float) -> FloatArray:
    """Return the unit vector along `values`, soft thresholded until its L1 norm is at most `bound`."""

    def unit(threshold: float) -> FloatArray:
        shrunk = np.sign(values) * np.maximum(np.abs(values) - threshold, 0)
        return np.asarray(shrunk / max(float(np.sqrt(shrunk @ shrunk)), 1e-300))

    if np.abs(unit(0.0)).sum() <= bound:
        return unit(0.0)
    low, high = 0.0, float(np.abs(values).max())
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if np.abs(unit(middle)).sum() > bound else (low, middle)
    return unit(low)
