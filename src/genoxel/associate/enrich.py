"""What a feature, a group of patients or a module of genes means: gene sets at the ends of its ranked genes.

The usual p of enrichment moves genes, as if genes were independent; correlated sets then pass without any link. Here
whole patients are moved, so that genes keep their correlations, and that p decides. The p of moved genes (GSEApy) is
shown beside it, and so is the share of features of the same family for which the set stands out as much.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from genoxel.associate.covariates import covariates_of
from genoxel.associate.walks import enrichment_scores, leading_edge
from genoxel.core.errors import InputError, TableError
from genoxel.core.extras import require
from genoxel.core.image import frozen
from genoxel.core.keys import as_keys
from genoxel.core.table import Column, Table
from genoxel.stats.multiple import benjamini_hochberg
from genoxel.stats.permute import permutations as orders
from genoxel.stats.ranks import FloatArray, IndexArray, ranks

if TYPE_CHECKING:
    import pandas as pd

Sets = Mapping[str, Sequence[str]]

FEWEST = 10
"""Fewer patients are refused, as in the screen."""

OTHERS = 99
"""So many features of the same family stand beside a feature, chosen at random where there are more."""

_AT_ONCE = 50


@dataclass(frozen=True)
class EnrichRules:
    """Sets of `smallest` to `largest` measured genes are asked; `permutations` worlds move patients, `genes` genes.

    Left out, there are as many worlds as let a single row pass, 999 to 20,000. `genes` = 0 leaves out GSEApy's p, and
    the extra that it needs.
    """

    smallest: int = 5
    largest: int = 500
    permutations: int | None = None
    genes: int = 1000
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Enrichment:
    """Gene sets of ranked genes: one row per source (feature or group) and set.

    `rows`: source, family, set, size, n, es, nes (es over the mean of null worlds of its sign), p (share of worlds with
    moved patients and an |nes| as large), q (Benjamini-Hochberg over all rows), es_adjusted, p_adjusted, q_adjusted
    (less the covariates), p_family and others (share, and number, of other features of the family with an |es| as
    large), nes_genes, p_genes, q_genes (GSEApy, genes moved), leading (genes of the leading edge, strongest first).
    `left_out` maps a set to why it was not asked.
    """

    rows: Mapping[str, npt.NDArray[Any]]
    left_out: Mapping[str, str]
    genes: int
    q: float = 0.05
    adjusted_for: tuple[str, ...] = ()
    permutations: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", frozen(self.rows))
        object.__setattr__(self, "left_out", frozen(self.left_out))

    @property
    def smallest_q(self) -> float:
        """The smallest q that a single row could reach with this number of worlds (0 where none were drawn)."""
        return len(self.rows["p"]) / (1 + self.permutations) if self.permutations else 0.0

    @property
    def passing(self) -> int:
        """How many rows pass the false discovery rate."""
        with np.errstate(invalid="ignore"):
            return int((np.asarray(self.rows["q"]) <= self.q).sum())

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per source and set."""
        import pandas as pd

        return pd.DataFrame(dict(self.rows))

    def __repr__(self) -> str:
        sources = len(set(self.rows["source"]))
        return f"Enrichment: {self.passing} of {len(self.rows['q'])} sets of {sources} sources pass q <= {self.q:g}"


def enrich(
    side: Table,
    expression: Table,
    sets: Sets,
    sources: Sequence[str] = (),
    adjust: Table | None = None,
    rules: EnrichRules | None = None,
) -> Enrichment:
    """Return which gene sets stand at the ends of the genes ranked by rho with each of `sources`, columns of `side`.

    A source is a number (image feature, risk score) or two classes (risk group). Genes are ranked by Spearman's rho
    among the patients that know all three; genes with a missing or constant value there are left out. Raises
    `TableError` for categories, no overlap of sets and genes; `InputError` for fewer than 10 patients.

    >>> rng = np.random.default_rng(0)
    >>> people, trait = [f"P{i:02d}" for i in range(40)], rng.normal(size=40)
    >>> values = rng.normal(size=(40, 60)) + np.where(np.arange(60) < 8, trait[:, None], 0)
    >>> genes = Table(values, people, tuple(Column(f"G{i}") for i in range(60)), "expression")
    >>> image = Table(trait[:, None] + rng.normal(size=(40, 1)), people, (Column("texture"),))
    >>> sets = {"planted": [f"G{i}" for i in range(8)], "none": [f"G{i}" for i in range(30, 40)]}
    >>> found = enrich(image, genes, sets, rules=EnrichRules(permutations=99, genes=0))
    >>> {str(name): bool(q <= 0.05) for name, q in zip(found.rows["set"], found.rows["q"])}
    {'planted': True, 'none': False}
    """
    rules = rules or EnrichRules()
    names = tuple(sources) or side.names
    ranked = [_Ranked.of(side, expression, name, adjust) for name in names]
    asked = [_places(found.genes, sets, rules) for found in ranked]
    if rules.permutations is None:
        rules = replace(rules, permutations=worlds_needed(sum(len(places) for places, _ in asked)))
    parts = [_rows(found, places, side, rules) for found, (places, _) in zip(ranked, asked, strict=True)]
    genes, left_out = max(len(found.genes) for found in ranked), asked[-1][1]
    rows = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    for key in ("q", "q_adjusted"):
        rows[key] = benjamini_hochberg(rows[f"p{key[1:]}"])
    held = adjust.names if adjust is not None else ()
    ordered = {key: rows[key] for key in _ORDER}
    return Enrichment(ordered, left_out, genes, adjusted_for=held, permutations=rules.permutations or 0)


def worlds_needed(rows: int) -> int:
    """Return how many worlds let a single one of `rows` pass 5 %, 999 to 20,000.

    >>> worlds_needed(10), worlds_needed(250), worlds_needed(10**6)
    (999, 4999, 20000)
    """
    return min(max(999, 20 * rows - 1), 20_000)


_ORDER = (
    *("source", "family", "set", "size", "n", "es", "nes", "p", "q", "es_adjusted", "p_adjusted", "q_adjusted"),
    *("p_family", "others", "nes_genes", "p_genes", "q_genes", "leading"),
)


@dataclass(frozen=True, eq=False)
class _Ranked:
    """One source beside the genes of its patients: unit vectors whose products are rho, raw and less covariates."""

    column: Column
    patients: tuple[str, ...]
    genes: tuple[str, ...]
    x: FloatArray
    y: FloatArray
    x_adjusted: FloatArray | None
    y_adjusted: FloatArray | None

    @classmethod
    def of(cls, side: Table, expression: Table, name: str, adjust: Table | None) -> _Ranked:
        column = side.column(name)
        if column.kind in ("categorical", "time"):
            got = f"the {column.kind} column {name!r} to rank genes by"
            raise TableError(got, "a number, an ordered class or two classes", "choose another column")
        one = side.select([name]).per_patient("only")
        other = expression.per_patient("only")
        known = {patient for patient, value in zip(one.patients, one[name], strict=True) if not np.isnan(value)}
        z = None
        if adjust is not None:
            table = adjust.per_patient("first")
            complete = np.asarray(~np.isnan(table.values).any(axis=1)).tolist()
            known &= {patient for patient, good in zip(table.patients, complete, strict=True) if good}
        shared = sorted(known & set(other.patients))
        if len(shared) < FEWEST:
            raise InputError(f"{len(shared)} patients with {name!r} and expression", f"at least {FEWEST}", "pool sites")
        if adjust is not None:
            z = covariates_of(adjust.per_patient("first").of_patients(shared))
        values = other.of_patients(shared).values
        good = ~np.isnan(values).any(axis=0) & (np.ptp(np.nan_to_num(values), axis=0) > 0)
        if not good.any():
            raise TableError(f"no gene with a value in all {len(shared)} patients", "complete genes", "leave some out")
        x, y = ranks(one.of_patients(shared)[name])[:, None], ranks(values[:, good])
        if np.ptp(x) == 0:
            raise TableError(f"the constant column {name!r}", "a column that varies", "choose another")
        names = tuple(gene for gene, keep in zip(other.names, good, strict=True) if keep)
        rest = (None, None) if z is None else (_unit(_less(x, z)), _unit(_less(y, z)))
        return cls(column, tuple(shared), names, _unit(x), _unit(y), *rest)


def _less(values: FloatArray, z: FloatArray) -> FloatArray:
    design = np.column_stack([np.ones(len(z)), z])
    return np.asarray(values - design @ np.linalg.lstsq(design, values, rcond=None)[0])


def _unit(values: FloatArray) -> FloatArray:
    centred = values - values.mean(axis=0)
    length = np.sqrt((centred**2).sum(axis=0))
    return np.asarray(centred / np.where(length > 1e-9, length, np.inf))


def _places(genes: tuple[str, ...], sets: Sets, rules: EnrichRules) -> tuple[dict[str, IndexArray], dict[str, str]]:
    place = {gene: at for at, gene in enumerate(genes)}
    found, left_out = {}, {}
    for name, members in sets.items():
        at = np.array(sorted({place[gene] for gene in members if gene in place}), dtype=np.intp)
        if len(at) == len(genes):
            left_out[name] = "it holds every gene that was measured"
        elif not rules.smallest <= len(at) <= rules.largest:
            left_out[name] = f"{len(at)} genes measured, {rules.smallest} to {rules.largest} asked"
        else:
            found[name] = at
    if not found:
        some = next(iter(left_out.items()), ("no set", "none given"))
        raise TableError(
            f"no gene set that can be asked ({some[0]}: {some[1]})",
            f"sets with {rules.smallest} to {rules.largest} measured genes",
            "are both written as HGNC symbols?",
        )
    return found, left_out


def _worlds(x: FloatArray, y: FloatArray, sets: list[IndexArray], rules: EnrichRules) -> tuple[FloatArray, FloatArray]:
    """Return the observed scores (sets,) and those of worlds with moved patients (worlds, sets)."""
    observed = enrichment_scores((x.T @ y), sets)[0]
    count = rules.permutations or 0
    null = np.empty((count, len(sets)))
    moved = list(orders(len(x), count, rules.seed))
    for start in range(0, len(moved), _AT_ONCE):
        block = np.array([x[order, 0] for order in moved[start : start + _AT_ONCE]])
        null[start : start + len(block)] = enrichment_scores(block @ y, sets)
    return observed, null


def _normalised(observed: FloatArray, null: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return (nes, p): the observed among its worlds, both over the mean of all scores of the same sign."""
    everything = np.vstack([observed, null])
    high, low = np.maximum(everything, 0), np.maximum(-everything, 0)
    means = [part.sum(axis=0) / np.maximum((part > 0).sum(axis=0), 1) for part in (high, low)]
    with np.errstate(invalid="ignore", divide="ignore"):
        size = np.where(everything >= 0, everything / means[0], everything / means[1])
    p = (np.abs(size) >= np.abs(size[0]) * (1 - 1e-9)).sum(axis=0) / len(size)
    return size[0], np.where(np.isnan(size[0]), np.nan, p)


def _rows(
    found: _Ranked, places: Mapping[str, IndexArray], side: Table, rules: EnrichRules
) -> dict[str, npt.NDArray[Any]]:
    sets, count = list(places.values()), len(places)
    es, null = _worlds(found.x, found.y, sets, rules)
    nes, p = _normalised(es, null)
    rho = (found.x.T @ found.y)[0]
    edges = [", ".join(found.genes[gene] for gene in leading_edge(rho, at)) for at in sets]
    beside = _beside_family(found, side, sets, es, rules)
    rows: dict[str, npt.NDArray[Any]] = {
        "source": np.full(count, found.column.name, dtype=object),
        "family": np.full(count, found.column.source.family, dtype=object),
        "set": np.array(list(places), dtype=object),
        "size": np.array([len(at) for at in sets]),
        "n": np.full(count, len(found.patients)),
        "es": es,
        "nes": nes,
        "p": p,
        "es_adjusted": np.full(count, np.nan),
        "p_adjusted": np.full(count, np.nan),
        "leading": np.array(edges, dtype=object),
        **beside,
        **_by_genes(found.genes, rho, places, rules),
    }
    if found.x_adjusted is not None and found.y_adjusted is not None:
        adjusted, moved = _worlds(found.x_adjusted, found.y_adjusted, sets, rules)
        rows |= {"es_adjusted": adjusted, "p_adjusted": _normalised(adjusted, moved)[1]}
    return rows


def _beside_family(
    found: _Ranked, side: Table, sets: list[IndexArray], es: FloatArray, rules: EnrichRules
) -> dict[str, npt.NDArray[Any]]:
    """Return how many other features of the same modality and family give a set a score as large."""
    mine = found.column.source
    mates = [
        column.name
        for column in side.columns
        if column.name != found.column.name
        and column.kind == found.column.kind
        and (column.source.modality, column.source.family) == (mine.modality, mine.family)
    ]
    values = side.select(mates).per_patient("only").of_patients(found.patients).values
    good = ~np.isnan(values).any(axis=0) & (np.ptp(np.nan_to_num(values), axis=0) > 0)
    kept = np.flatnonzero(good)
    if len(kept) > OTHERS:
        rng = np.random.default_rng(np.random.SeedSequence([rules.seed, 0x66616D]))
        kept = np.sort(rng.choice(kept, OTHERS, replace=False))
    if not len(kept):
        return {"p_family": np.full(len(sets), np.nan), "others": np.zeros(len(sets), dtype=np.intp)}
    others = enrichment_scores(_unit(ranks(values[:, kept])).T @ found.y, sets)
    share = (1 + (np.abs(others) >= np.abs(es)).sum(axis=0)) / (1 + len(kept))
    return {"p_family": share, "others": np.full(len(sets), len(kept))}


def _by_genes(
    genes: tuple[str, ...], rho: FloatArray, places: Mapping[str, IndexArray], rules: EnrichRules
) -> dict[str, npt.NDArray[Any]]:
    """Return what GSEApy gives by moving genes; NaN where it was not asked."""
    names = ("nes_genes", "p_genes", "q_genes")
    if not rules.genes:
        return {name: np.full(len(places), np.nan) for name in names}
    import pandas as pd

    gseapy = require("gseapy", "omics")
    done = gseapy.prerank(
        rnk=pd.DataFrame({"score": rho}, index=list(genes)),
        gene_sets={name: [genes[gene] for gene in at] for name, at in places.items()},
        min_size=1,
        max_size=len(genes),
        permutation_num=rules.genes,
        seed=rules.seed,
        threads=1,
        no_plot=True,
        outdir=None,
    ).res2d.set_index("Term")
    columns = ("NES", "NOM p-val", "FDR q-val")
    table = done.reindex(list(places))
    return {name: table[column].to_numpy(dtype=np.float64) for name, column in zip(names, columns, strict=True)}


def over_represented(modules: Sets, sets: Sets, background: Sequence[str], smallest: int = 5) -> Enrichment:
    """Return which `sets` hold more genes of each module than chance would put there (hypergeometric, one-sided).

    `background` are all genes that could have been in a module. The p moves genes, so it is right for modules that
    were not made of correlated genes, and too small otherwise; rows have no p of moved patients of their own.
    Raises `TableError` for an empty module, or sets that share no genes with the background.

    >>> genes = [f"G{i}" for i in range(100)]
    >>> found = over_represented({"hits": genes[:10]}, {"first": genes[:12], "last": genes[60:80]}, genes)
    >>> [f"{p:.1e}" for p in found.rows["p"]]
    ['3.8e-12', '1.0e+00']
    """
    from scipy.stats import hypergeom

    universe = tuple(dict.fromkeys(background))
    places, left_out = _places(universe, sets, EnrichRules(smallest, len(universe)))
    at = {gene: place for place, gene in enumerate(universe)}
    parts: list[dict[str, Any]] = []
    for name, members in modules.items():
        inside = {at[gene] for gene in members if gene in at}
        if not inside:
            raise TableError(f"the module {name!r} without a measured gene", "genes of the background", "correct it")
        for one, genes in places.items():
            both = [gene for gene in genes.tolist() if gene in inside]
            expected = len(inside) * len(genes) / len(universe)
            named = ", ".join(universe[gene] for gene in both)
            row = (name, one, len(genes), len(inside), len(both), expected, named)
            parts.append(dict(zip(_COUNTED, row, strict=True)))
    rows: dict[str, npt.NDArray[Any]] = {
        key: np.array([part[key] for part in parts], dtype=object if key in _TEXTS else None) for key in _COUNTED
    }
    rows["p"] = hypergeom.sf(rows["overlap"] - 1, len(universe), rows["size"], rows["genes"])
    rows["q"] = benjamini_hochberg(rows["p"])
    rows = {key: rows[key] for key in _COUNTS}
    return Enrichment(rows, left_out, len(universe))


_COUNTED = ("source", "set", "size", "genes", "overlap", "expected", "leading")
_COUNTS = ("source", "set", "size", "genes", "overlap", "expected", "p", "q", "leading")
_TEXTS = ("source", "set", "leading")


def representatives(image: Table, most: int) -> tuple[str, ...]:
    """Return at most `most` features that stand for the rest, chosen without looking at anything else.

    Features are clustered by 1 - |rho| (average linkage); each cluster gives the one nearest to its others. Features
    with missing values, or fewer distinct values than half of the patients, are left out. Raises `TableError` when
    none is left.
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    numbers = image.where(lambda column: column.kind in ("real", "count")).per_patient("only")
    complete = ~np.isnan(numbers.values).any(axis=0)
    distinct = np.array([len(np.unique(values)) for values in numbers.values.T])
    good = complete & (distinct > 1) & (distinct >= len(numbers) / 2)
    names = [name for name, keep in zip(numbers.names, good, strict=True) if keep]
    if not names:
        raise TableError(f"no complete feature among {len(image.columns)}", "features known in all", "name features")
    if len(names) <= most:
        return tuple(names)
    unit = _unit(ranks(numbers.values[:, good]))
    distance = np.clip(1 - np.abs(unit.T @ unit), 0, 1)
    np.fill_diagonal(distance, 0)
    codes = fcluster(linkage(squareform(distance, checks=False), "average"), most, "maxclust")
    chosen = []
    for code in np.unique(codes):
        inside = np.flatnonzero(codes == code)
        chosen.append((-len(inside), int(inside[np.argmin(distance[np.ix_(inside, inside)].sum(axis=1))])))
    return tuple(names[place] for _, place in sorted(chosen))


def groups_table(groups: Mapping[str, bool], name: str = "group") -> Table:
    """Return two classes of patients as a table, to ask `enrich` what sets them apart.

    >>> groups_table({"P1": True, "P2": False}, "high risk")["high risk"]
    array([1., 0.])
    """
    values = np.array([[float(one)] for one in groups.values()]).reshape(len(groups), 1)
    return Table(values, as_keys(groups), (Column(name, "binary", levels=("no", "yes")),), "groups")
