"""AnnData and MuData: out and back with nothing lost, through their own files too."""

from __future__ import annotations

import importlib
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from genoxel.core.cohort import Cohort
from genoxel.core.errors import FileFormatError, MissingExtraError, TableError
from genoxel.core.table import Column, Table
from genoxel.io.tables import from_anndata, from_mudata, to_anndata, to_mudata
from nouns import hard_cohort, same

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    anndata = pytest.importorskip("anndata")
    mudata = pytest.importorskip("mudata")


@pytest.mark.parametrize("layer", ["image", "clinical", "expression"])
def test_a_table_comes_back_equal(layer: str) -> None:
    table = hard_cohort().table(layer)
    data = to_anndata(table)
    assert data.shape == table.values.shape
    assert list(data.var_names) == list(table.names)
    assert same(from_anndata(data), table)


@pytest.mark.filterwarnings("ignore")
def test_a_table_survives_h5ad(tmp_path: Path) -> None:
    table = hard_cohort().table("clinical")
    to_anndata(table).write_h5ad(tmp_path / "t.h5ad")
    assert same(from_anndata(anndata.read_h5ad(tmp_path / "t.h5ad")), table)


def test_a_foreign_anndata_is_taken_with_patients_by_name() -> None:
    from scipy.sparse import csr_matrix

    data = anndata.AnnData(csr_matrix([[0.0, 2.0], [1.0, 0.0]]), obs=pd.DataFrame(index=["007", "P2"]))
    table = from_anndata(data, kind="expression")
    assert table.patients == ("007", "P2")
    assert table.values.tolist() == [[0.0, 2.0], [1.0, 0.0]]
    assert table.columns == (Column("0"), Column("1"))
    assert table.kind == "expression"
    with pytest.raises(TableError, match="without X"):
        from_anndata(anndata.AnnData(obs=pd.DataFrame(index=["a"])))


@pytest.mark.filterwarnings("ignore")
def test_the_hard_cohort_survives_mudata_and_h5mu(tmp_path: Path) -> None:
    cohort = hard_cohort()
    data = to_mudata(cohort)
    assert data["clinical"].n_obs == 24
    site = data.obs.set_index("patient")["site"].to_dict()
    assert site["A001"] == "A"
    assert data.obs.set_index("patient")["IDH"].to_dict()["A004"] == ""
    data.write_h5mu(tmp_path / "c.h5mu")
    for found in (from_mudata(data), from_mudata(mudata.read_h5mu(tmp_path / "c.h5mu"))):
        assert same(dict(found.tables), dict(cohort.tables))
        assert same(dict(found.records), dict(cohort.records))
        assert same(dict(found.outcomes), dict(cohort.outcomes))
        assert (found.patients, dict(found.site), found.flow) == (cohort.patients, dict(cohort.site), cohort.flow)


@pytest.mark.filterwarnings("ignore")
def test_a_foreign_mudata_and_a_damaged_one() -> None:
    data = to_mudata(hard_cohort())
    data.uns["genoxel"] = {"cohort": '{"site": {}}'}
    with pytest.raises(FileFormatError, match="flow"):
        from_mudata(data)
    del data.uns["genoxel"]
    assert set(from_mudata(data).patients) == set(hard_cohort().patients)
    with pytest.raises(TableError, match="without tables"):
        to_mudata(Cohort(("P1",)))


def test_rows_whose_readable_names_collide_stay_apart() -> None:
    from genoxel.core.keys import RowKey

    rows = (RowKey("P1", timepoint="2"), RowKey("P1", lesion="2"))
    table = Table(np.array([[1.0], [2.0]]), rows, (Column("a"),))
    data = to_anndata(table)
    assert data.obs_names.is_unique
    assert same(from_anndata(data), table)


def test_without_the_extra_the_error_names_the_line_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(MissingExtraError, match=r"genoxel\[omics\]"):
        to_anndata(hard_cohort().table("clinical"))
