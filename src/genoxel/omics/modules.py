"""Metagenes: modules of genes that go together, found on training samples, with how stable they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import TableError, nearest
from genoxel.core.image import FloatArray
from genoxel.core.table import Column, Source, Table

Codes = npt.NDArray[np.intp]
_TOLD = 10


class Metagenes:
    """Modules of genes and one score per module and sample, learned on training samples.

    "cluster": genes are clustered by 1 - correlation (average linkage) and a module's score is its first principal
    component, turned so that it rises with the module's mean. "nmf": non-negative factors, for values of 0 or more.
    `stability` is the mean adjusted Rand index of the modules found in random `halves` of the samples with those of all
    (not asked for: 0 halves); `cophenetic` is the cophenetic correlation of how often genes fall together in them
    (Brunet et al., PNAS 2004).

    Numbers of modules mean nothing from one set of samples to the next. `of` names genes instead: then the scores are
    "metagene of GENE", each of the module that holds this gene, whichever module of these samples that is.
    """

    def __init__(
        self,
        count: int = 10,
        method: Literal["cluster", "nmf"] = "cluster",
        seed: int = 0,
        halves: int = 10,
        of: Sequence[str] = (),
    ) -> None:
        self.count, self.method, self.seed, self.halves, self.of = count, method, seed, halves, tuple(of)
        self.members: dict[str, tuple[str, ...]] = {}
        self.stability = self.cophenetic = float("nan")
        self._genes: tuple[str, ...] = ()
        self._means: FloatArray = np.zeros(0)
        self._spreads: FloatArray = np.zeros(0)
        self._loadings: FloatArray = np.zeros((0, 0))

    def fit(self, table: Table) -> Metagenes:
        """Find the modules; `TableError` for missing values, constant genes, or fewer genes than modules."""
        values = np.asarray(table.values)
        spread = values.std(axis=0, ddof=1) if len(values) > 1 else np.zeros(values.shape[1])
        if np.isnan(values).any() or (spread == 0).any() or values.shape[1] < self.count or len(values) < 6:
            raise TableError(
                f"{values.shape[0]} samples x {values.shape[1]} genes for {self.count} metagenes",
                "at least 6 samples, more genes than modules, nothing missing, no constant gene",
                "filter the genes first",
            )
        if absent := [gene for gene in self.of if gene not in table.names]:
            raise TableError(
                f"no metagene of {absent[0]}, which is missing in some sample, constant or not measured",
                ", ".join(table.names[:12]),
                nearest(absent[0], table.names) or "name a gene that was measured in all samples",
            )
        self._genes, self._means, self._spreads = table.names, values.mean(axis=0), spread
        codes = self._modules(values)
        self._loadings = self._weights(values, codes)
        names = [f"metagene {number}" for number in range(1, self.count + 1)]
        self.members = {
            name: tuple(gene for gene, code in zip(table.names, codes, strict=True) if code == at)
            for at, name in enumerate(names)
        }
        self.stability = self._stability(values, codes, self.halves)
        return self

    def transform(self, table: Table) -> Table:
        """Return one score per module and sample."""
        if table.names != self._genes:
            raise TableError("a table with other genes than in training", "the same genes in the same order", "select")
        values = np.asarray(table.values)
        if self.method == "nmf":
            scores = _nonnegative(values, self._loadings)
        else:
            scores = (values - self._means) / self._spreads @ self._loadings.T
        words = f"{self.method} of {len(self._genes)} genes, {self.count} modules"
        words += "" if np.isnan(self.stability) else f", stability (ARI) {self.stability:.2f}"
        source = Source(family="metagenes", aggregation=self.method)
        numbered = tuple(self.members)
        chosen = {f"metagene of {gene}": self._module_of(gene) for gene in self.of} or {one: one for one in numbered}
        columns = tuple(
            Column(name, unit="score", definition=f"{words}; {self._in_words(one)}", source=source)
            for name, one in chosen.items()
        )
        places = [numbered.index(one) for one in chosen.values()]
        return Table(scores[:, places], table.rows, columns, "metagenes")

    def _in_words(self, name: str) -> str:
        """Return how many genes a module has, and those that weigh most."""
        inside, weights = self.members[name], self._loadings[tuple(self.members).index(name)]
        weight = dict(zip(self._genes, np.abs(weights).tolist(), strict=True))
        heaviest = sorted(inside, key=lambda gene: (-weight[gene], gene))[:_TOLD]
        return f"{len(inside)} genes: {', '.join(heaviest)}{', ...' if len(inside) > _TOLD else ''}"

    def _module_of(self, gene: str) -> str:
        return next(name for name, genes in self.members.items() if gene in genes)

    def _modules(self, values: FloatArray) -> Codes:
        if self.method == "nmf":
            return np.asarray(_factors(values, self.count, self.seed).argmax(axis=0), dtype=np.intp)
        from scipy.cluster.hierarchy import fcluster, linkage
        from scipy.spatial.distance import squareform

        distance = np.asarray(1.0 - np.corrcoef(values.T))
        np.fill_diagonal(distance, 0.0)
        tree = linkage(squareform(np.clip(distance, 0.0, 2.0), checks=False), "average")
        found = np.asarray(fcluster(tree, self.count, "maxclust"), dtype=np.intp)
        sizes = {code: int(np.sum(found == code)) for code in np.unique(found).tolist()}
        order = sorted(sizes, key=lambda code: (-sizes[code], int(np.flatnonzero(found == code)[0])))
        return np.array([order.index(code) for code in found.tolist()], dtype=np.intp)

    def _weights(self, values: FloatArray, codes: Codes) -> FloatArray:
        if self.method == "nmf":
            return _factors(values, self.count, self.seed)
        z = (values - self._means) / self._spreads
        loadings = np.zeros((self.count, values.shape[1]))
        for at in range(self.count):
            inside = codes == at
            if inside.any():
                _, _, axes = np.linalg.svd(z[:, inside], full_matrices=False)
                loadings[at, inside] = axes[0] if axes[0].sum() >= 0 else -axes[0]
        return loadings

    def _stability(self, values: FloatArray, codes: Codes, halves: int) -> float:
        from sklearn.metrics import adjusted_rand_score

        random = np.random.default_rng(np.random.SeedSequence([self.seed, 7]))
        found = []
        for _ in range(halves):
            rows = random.permutation(len(values))[: max(4, len(values) // 2)]
            if (values[rows].std(axis=0) > 0).all():
                found.append(self._modules(values[rows]))
        self.cophenetic = _cophenetic(found)
        return float(np.mean([adjusted_rand_score(codes, one) for one in found])) if found else float("nan")


def _cophenetic(found: list[Codes]) -> float:
    """Return how tree-like the shares are in which genes fall together; NaN for less than two runs."""
    from scipy.cluster.hierarchy import cophenet, linkage
    from scipy.spatial.distance import squareform

    if len(found) < 2:
        return float("nan")
    together = np.mean([one[:, None] == one[None, :] for one in found], axis=0)
    distance = squareform(1.0 - together, checks=False)
    return float(cophenet(linkage(distance, "average"), distance)[0]) if np.ptp(distance) > 0 else 1.0


def _factors(values: FloatArray, count: int, seed: int) -> FloatArray:
    from sklearn.decomposition import NMF

    if (values < 0).any():
        raise TableError("negative values for non-negative factors", "values of 0 or more", 'use method "cluster"')
    model = NMF(count, init="nndsvda", random_state=seed, max_iter=5000, tol=1e-4)
    model.fit(values)
    return np.asarray(model.components_, dtype=np.float64)


def _nonnegative(values: FloatArray, components: FloatArray) -> FloatArray:
    from scipy.optimize import nnls

    return np.array([nnls(components.T, sample)[0] for sample in values]).reshape(len(values), len(components))


def smooth_genes(
    table: Table, edges: Sequence[tuple[str, str]], restart: float = 0.5, keep: Sequence[str] = ()
) -> Table:
    """Return network-smoothed values (see `smooth`) of the genes `keep`, over the genes of the network alone.

    Raises `TableError` when none of these was measured.
    """
    nodes = {gene for edge in edges for gene in edge}
    there = [name for name in table.names if name in nodes or name in set(keep)]
    wanted = [name for name in there if name in set(keep)]
    if not wanted:
        raise TableError("no gene of the network measured", "HGNC symbols in both files", "check the symbols")
    made = smooth(table.select(there), edges, restart).select(wanted)
    words = f"spread over a network of {len(edges)} edges, restart {restart:g}"
    source = Source(family="network")
    columns = tuple(Column(f"{name} network", unit="score", definition=words, source=source) for name in wanted)
    return Table(np.asarray(made.values), made.rows, columns, "network")


def smooth(table: Table, edges: Sequence[tuple[str, str]], restart: float = 0.5) -> Table:
    """Return each gene's value spread over a network of genes: random walk with `restart`, until it stands still.

    Genes without an edge keep their value. Source: Hofree et al., Nature Methods 2013.
    """
    place = {name: at for at, name in enumerate(table.names)}
    links = np.zeros((len(place), len(place)))
    for one, other in edges:
        if one in place and other in place and one != other:
            links[place[one], place[other]] = links[place[other], place[one]] = 1.0
    degree = links.sum(axis=1, keepdims=True)
    walk = np.where(degree > 0, links / np.where(degree > 0, degree, 1.0), np.eye(len(place)))
    spread = restart * np.linalg.inv(np.eye(len(place)) - (1.0 - restart) * walk)
    return Table(np.asarray(table.values) @ spread, table.rows, table.columns, table.kind)
