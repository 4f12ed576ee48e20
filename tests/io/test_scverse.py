"""What scverse tools make of our files: a PCA plot of scanpy, a MOFA run of muon, sums of decoupler."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genoxel.core.cohort import Cohort
from genoxel.core.keys import as_keys
from genoxel.core.table import Column, Source, Table
from genoxel.io.interop import from_mudata, to_anndata, write_h5mu
from nouns import same

WHY = "the extra `peers` is not installed"
N = 24
PEOPLE = [f"P{number:02d}" for number in range(N)]


@pytest.fixture
def quiet() -> Iterator[None]:
    """Let other people's libraries speak of their own next versions."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _cohort() -> Cohort:
    random = np.random.default_rng(2)
    factor = np.where(np.arange(N) < N // 2, -1.0, 1.0)
    tables = {}
    for name, count, part in (("features", 12, 6), ("expression", 20, 8)):
        values = random.normal(0, 0.5, size=(N, count))
        values[:, :part] += 2.0 * factor[:, None]
        source = Source(modality="MR T1CE" if name == "features" else "", family=name)
        columns = tuple(Column(f"{name[0]}{at}", unit="u", definition="planted", source=source) for at in range(count))
        tables[name] = Table(values, as_keys(PEOPLE), columns, name)
    return Cohort(tuple(PEOPLE), tables=tables)


def _planted(scores: np.ndarray[Any, Any]) -> float:
    """Return the largest absolute correlation of any column of scores with the planted groups."""
    factor = np.where(np.arange(N) < N // 2, -1.0, 1.0)
    return max(abs(float(np.corrcoef(column, factor)[0, 1])) for column in scores.T)


@pytest.mark.usefixtures("quiet")
def test_scanpy_draws_the_pca_of_a_table(tmp_path: Path) -> None:
    scanpy = pytest.importorskip("scanpy", reason=WHY)
    import matplotlib as mpl

    mpl.use("Agg")
    data = to_anndata(_cohort().tables["features"])
    data.obs["group"] = ["low"] * (N // 2) + ["high"] * (N // 2)
    scanpy.pp.pca(data, n_comps=3)
    assert _planted(data.obsm["X_pca"][:, :1]) > 0.95
    axes = scanpy.pl.pca(data, color="group", show=False)
    axes.figure.savefig(tmp_path / "pca.png")
    assert (tmp_path / "pca.png").stat().st_size > 5_000
    assert data.var.loc["f0", ["source_modality", "unit", "definition"]].tolist() == ["MR T1CE", "u", "planted"]


@pytest.mark.usefixtures("quiet")
def test_muon_finds_the_shared_factor_in_our_file(tmp_path: Path) -> None:
    mudata = pytest.importorskip("mudata", reason=WHY)
    muon = pytest.importorskip("muon", reason=WHY)
    pytest.importorskip("mofapy2", reason=WHY)
    cohort = _cohort()
    path = write_h5mu(cohort, tmp_path / "cohort.h5mu")
    data = mudata.read_h5mu(path)
    muon.tl.mofa(data, n_factors=3, outfile=str(tmp_path / "mofa.hdf5"), seed=1, n_iterations=200, quiet=True)
    assert data.obsm["X_mofa"].shape[0] == N
    assert _planted(np.asarray(data.obsm["X_mofa"])) > 0.95
    back = from_mudata(mudata.read_h5mu(path))
    assert all(same(back.tables[name], table) for name, table in cohort.tables.items())
