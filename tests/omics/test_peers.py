"""The same numbers as other people's programs, computed here and now where these are installed."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from genoxel.core.keys import as_keys
from genoxel.core.table import Column, Table
from genoxel.io.expression import read_expression
from genoxel.io.genesets import read_centroids, read_gmt
from genoxel.omics.normalise import SizeFactors, cpm
from genoxel.omics.scores import Method, SetRules, SetScorer
from genoxel.omics.subtypes import CentroidClassifier

WHY = "the extra `peers` is not installed"
SETS = {"UP": [f"G{at}" for at in range(12)], "FEW": [f"G{at}" for at in (3, 40, 80)]}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Let other people's libraries speak of their own next versions."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _table(counts: bool = False) -> Table:
    random = np.random.default_rng(9)
    values = random.gamma(2.0, 60.0, size=(14, 100))
    values = random.poisson(values).astype(float) + 1.0 if counts else np.log2(values + 1.0)
    people = [f"P{number:02d}" for number in range(14)]
    return Table(values, as_keys(people), tuple(Column(f"G{at}") for at in range(100)), "expression")


def _frame(table: Table) -> pd.DataFrame:
    return pd.DataFrame(np.array(table.values), index=list(table.patients), columns=list(table.names))


@pytest.mark.parametrize("method", ["ssgsea", "gsva"])
def test_scores_are_those_that_gseapy_gives_now(method: Method) -> None:
    gseapy = pytest.importorskip("gseapy", reason=WHY)
    table = _table()
    options: dict[str, Any] = {"min_size": 2, "outdir": None}
    if method == "ssgsea":
        options |= {"sample_norm_method": "rank", "weight": 0.25, "no_plot": True}
    theirs = _pivot(getattr(gseapy, method)(_frame(table).T, SETS, **options))
    ours = SetScorer(SETS, method, SetRules(2)).fit(table).transform(table)
    for name in SETS:
        np.testing.assert_allclose(ours[name], theirs.loc[list(table.patients), name], rtol=0, atol=1e-6)


def test_size_factors_are_those_that_pydeseq2_gives_now() -> None:
    preprocessing = pytest.importorskip("pydeseq2.preprocessing", reason=WHY)
    table = _table(counts=True)
    normalised, factors = preprocessing.deseq2_norm(_frame(table))
    scaler = SizeFactors().fit(table)
    np.testing.assert_allclose(scaler.factors(table), np.asarray(factors), rtol=0, atol=1e-9)
    np.testing.assert_allclose(scaler.transform(table, log=False).values, np.asarray(normalised), rtol=1e-9)


def test_new_samples_are_held_against_the_training_as_pydeseq2_does() -> None:
    preprocessing = pytest.importorskip("pydeseq2.preprocessing", reason=WHY)
    table = _table(counts=True)
    training, new = table.take(slice(0, 9)), table.take(slice(9, 14))
    means, kept = preprocessing.deseq2_norm_fit(_frame(training))
    _, factors = preprocessing.deseq2_norm_transform(_frame(new), means, kept)
    np.testing.assert_allclose(SizeFactors().fit(training).factors(new), np.asarray(factors), rtol=0, atol=1e-9)


def test_counts_per_million_are_those_of_scanpy() -> None:
    scanpy = pytest.importorskip("scanpy", reason=WHY)
    import anndata

    table = _table(counts=True)
    data: Any = anndata.AnnData(_frame(table))
    scanpy.pp.normalize_total(data, target_sum=1e6)
    np.testing.assert_allclose(cpm(table).values, data.X, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_z_means_are_the_weighted_means_of_decoupler() -> None:
    """Slow: decoupler compiles its parallel loops first."""
    decoupler = pytest.importorskip("decoupler", reason=WHY)
    table = _table()
    net = pd.DataFrame([(name, gene, 1.0) for name, genes in SETS.items() for gene in genes])
    net.columns = pd.Index(["source", "target", "weight"])
    z = Table((table.values - table.values.mean(axis=0)) / table.values.std(axis=0, ddof=1), table.rows, table.columns)
    if hasattr(decoupler, "mt"):
        theirs = decoupler.mt.waggr(_frame(z), net, fun="wmean", times=0, tmin=2)[0]
    else:
        theirs = decoupler.run_wmean(_frame(z), net, times=0, min_n=2)[0]
    ours = SetScorer(SETS, "zmean", SetRules(2)).fit(table).transform(table)
    for name in SETS:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=0, atol=1e-6)


def test_real_scores_of_published_sets_are_those_of_gseapy(real_data: Callable[[str], Path]) -> None:
    gseapy = pytest.importorskip("gseapy", reason=WHY)
    folder = real_data("genomics")
    sets = read_gmt(folder / "genesets" / "hallmark_h.all.v7.0.symbols.gmt.gz")
    table = read_expression(real_data("nsclc-imagene44") / "expression.csv.gz")
    some = {name: sets[name] for name in ("HALLMARK_HYPOXIA", "HALLMARK_APOPTOSIS", "HALLMARK_G2M_CHECKPOINT")}
    there = {name: genes for name, genes in some.items() if sum(gene in table for gene in genes) >= 5}
    assert there
    table = table.take(slice(0, 12))
    lists = {name: list(genes) for name, genes in there.items()}
    options = {"sample_norm_method": "rank", "weight": 0.25, "min_size": 2, "no_plot": True, "outdir": None}
    theirs = _pivot(gseapy.ssgsea(_frame(table).T, lists, **options))
    ours = SetScorer(there, "ssgsea", SetRules(2, 0.0)).transform(table)
    for name in there:
        np.testing.assert_allclose(ours[name], theirs.loc[list(table.patients), name], rtol=0, atol=1e-6)


def _pivot(found: Any) -> pd.DataFrame:
    """Return samples x sets of a result of gseapy."""
    long = found.res2d.astype({"ES": float})
    return long.pivot_table(values="ES", index="Name", columns="Term")


def test_real_pam50_correlations_by_hand(real_data: Callable[[str], Path]) -> None:
    """Each correlation with the published centroids is that of ranks by pandas, on real tumours."""
    folder = real_data("genomics")
    genes, classes, centroids = read_centroids(folder / "breast_signatures" / "pam50_model.csv")
    table = read_expression(real_data("tcga-glioma") / "gbm84_exp.csv.gz")
    shared = [gene for gene in genes if gene in table]
    assert len(shared) >= 15
    published = pd.DataFrame(centroids, index=list(genes), columns=list(classes)).loc[shared]
    centred = _frame(table)[shared] - _frame(table)[shared].median()
    expected = pd.DataFrame({name: centred.rank(axis=1).corrwith(published[name].rank(), axis=1) for name in classes})
    part = CentroidClassifier(shared, classes, np.asarray(published), "PAM50").fit(table).transform(table)
    for name in classes:
        np.testing.assert_allclose(part[f"PAM50 {name}"], expected[name], rtol=0, atol=1e-6)
