"""The acceptance checks of association that no other test carries: ASC-01, 04, 19, 21 and SCL-01."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import genoxel as gx
from genoxel.associate import AssociateSettings, screen
from genoxel.core.table import Column, Table
from genoxel.io.parquet import read_arrays, write_arrays


def table(values, prefix, kinds):
    columns = tuple(
        Column(f"{prefix}{k}", kind, levels=("a", "b", "c") if kind == "categorical" else ())
        for k, kind in enumerate(kinds)
    )
    return Table(values, tuple(f"P{row:03d}" for row in range(len(values))), columns)


def test_asc_01_a_thousand_random_pairs_equal_scipy():
    """250 pairs of each kind of test: numbers, two groups, three groups, and tables; all with missing values."""
    rng = np.random.default_rng(1)
    n = 60
    x = rng.normal(size=(n, 25))
    x[rng.random(x.shape) < 0.03] = np.nan
    y = np.column_stack([rng.normal(size=(n, 10)), rng.random((n, 10)) < 0.4, rng.integers(0, 3, (n, 10))]).astype(
        float
    )
    kinds = ["real"] * 10 + ["binary"] * 10 + ["categorical"] * 10
    y[rng.random(y.shape) < 0.02] = np.nan
    settings = AssociateSettings(tails="t")
    p = screen(table(x, "f", ["real"] * 25), table(y, "g", kinds), permutations=0, settings=settings).pairs["p"]
    tables = (rng.random((n, 25)) < 0.5).astype(float)
    other = table(y[:, 10:20], "g", kinds[10:20])
    both_p = screen(table(tables, "f", ["binary"] * 25), other, permutations=0).pairs["p"].reshape(25, 10)
    p = p.reshape(25, 30)
    for i, j in np.ndindex(25, 10):
        for place in (j, 10 + j, 20 + j):
            keep = ~(np.isnan(x[:, i]) | np.isnan(y[:, place]))
            a, b = x[keep, i], y[keep, place]
            groups = [a[b == level] for level in np.unique(b)]
            test = (stats.spearmanr, None) if place < 10 else (stats.mannwhitneyu if place < 20 else stats.kruskal, 1)
            expected = test[0](a, b) if test[1] is None else test[0](*groups)
            assert p[i, place] == pytest.approx(expected.pvalue, rel=1e-8), (i, place)
        keep = ~np.isnan(y[:, 10 + j])
        counts = stats.contingency.crosstab(tables[keep, i], y[keep, 10 + j]).count
        many = stats.contingency.expected_freq(counts).min() >= 5
        expected = stats.chi2_contingency(counts, correction=False) if many else stats.fisher_exact(counts)
        assert both_p[i, j] == pytest.approx(expected.pvalue, rel=1e-8)


@pytest.mark.slow
def test_asc_04_the_lung_cohort_by_modules_within_a_minute(real_data, tmp_path):
    folder = real_data("nsclc-imagene44")
    frames = [
        pd.read_csv(folder / f"{name}.csv.gz", dtype={"ID": str}).set_index("ID").select_dtypes("number")
        for name in ("radiomic_features", "expression")
    ]
    genes = frames[1].to_numpy()
    centred = genes - genes.mean(axis=0)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    modules = Table(
        u[:, :40] * s[:40], tuple(frames[1].index), tuple(Column(f"module {k}") for k in range(40)), "modules"
    )
    start = time.process_time()
    found = screen(Table.from_pandas(frames[0], "features"), modules, permutations=99)
    assert time.process_time() - start < 60
    assert found.null_hits.size == 99
    found.to_pandas().to_csv(tmp_path / "map.tsv", sep="\t")
    assert (tmp_path / "map.tsv").read_text(encoding="utf-8").count("\n") - 1 == 1522 * 40


def test_asc_04_a_map_leaves_as_tsv_parquet_svg_and_png(tmp_path):
    rng = np.random.default_rng(2)
    x = rng.normal(size=(40, 6))
    found = screen(table(x, "f", ["real"] * 6), table(x[:, :4] + rng.normal(size=(40, 4)), "g", ["real"] * 4))
    found.to_pandas().to_csv(tmp_path / "map.tsv", sep="\t", index=False)
    np.testing.assert_allclose(pd.read_csv(tmp_path / "map.tsv", sep="\t")["p"], found.pairs["p"])
    write_arrays(found.pairs, tmp_path / "map.parquet")
    back = read_arrays(tmp_path / "map.parquet")
    assert back["image"].tolist() == found.pairs["image"].tolist()
    axes = gx.plot.volcano(found)
    for name in ("map.svg", "map.png"):
        axes.figure.savefig(tmp_path / name)
        assert (tmp_path / name).stat().st_size > 1000
    assert len(gx.plot.table_of(axes)) == 24


def test_asc_19_a_texture_that_is_volume_shows_it():
    """A texture that follows volume is linked to a gene that follows volume; beside volume, nothing is left."""
    rng = np.random.default_rng(3)
    volume = rng.lognormal(size=80)
    texture, own = np.log(volume) + 0.3 * rng.normal(size=80), rng.normal(size=80)
    genes = np.column_stack([np.log(volume) + 0.3 * rng.normal(size=80), own + 0.5 * rng.normal(size=80)])
    image = table(np.column_stack([texture, own]), "f", ["real"] * 2)
    found = screen(image, table(genes, "g", ["real"] * 2), table(volume[:, None], "v", ["real"]), permutations=0)
    frame = found.to_pandas().set_index(["image", "other"])
    assert frame.loc[("f0", "g0"), "q"] < 1e-6
    assert frame.loc[("f0", "g0"), "q_adjusted"] > 0.05
    assert frame.loc[("f1", "g1"), "q_adjusted"] < 1e-6
    assert found.adjusted_for == ("v0",)


def test_asc_21_every_target_is_listed_with_its_null_band():
    rng = np.random.default_rng(4)
    y = np.column_stack([rng.normal(size=(50, 3)), np.ones(50), np.arange(50) < 2]).astype(float)
    other = table(y, "g", ["real"] * 4 + ["binary"])
    targets = screen(table(rng.normal(size=(50, 8)), "f", ["real"] * 8), other, permutations=99).targets
    assert targets["other"].tolist() == [f"g{k}" for k in range(5)]
    assert targets["tested"].tolist() == [8, 8, 8, 0, 0]
    assert (targets["null_low"][:3] < targets["null_high"][:3]).all()
    assert np.isnan(targets["null_low"][3:]).all()


@pytest.mark.slow
def test_scl_01_five_thousand_by_twenty_thousand_stay_within_two_gib_more():
    """100 million pairs of 60 patients by one null world at a time; the pairs themselves are not kept."""
    import resource

    from genoxel.associate.numbers import NumberPairs
    from genoxel.associate.tail import Tail

    rng = np.random.default_rng(5)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    block = NumberPairs(rng.normal(size=(60, 5000)), rng.normal(size=(60, 20_000)), None, "spearman")
    tail = Tail(0.05, 1e-6)
    block.world(rng.permutation(60), tail)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20 < 2
    assert tail.count(0.05) == pytest.approx(0.05 * 1e8, rel=0.05)
