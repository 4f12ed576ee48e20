"""Features to cBioPortal and back: the same names, units and bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from genoxel.core.errors import FileFormatError, TableError
from genoxel.core.keys import RowKey
from genoxel.core.table import Column, Table
from genoxel.io.generic_assay import read_generic_assay, write_generic_assay


def test_features_come_back_as_they_were(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    values = random.normal(size=(3, 2)) * 1e-7
    values[0, 1] = np.nan
    rows = (
        RowKey("TCGA-HT-7468", sample="TCGA-HT-7468-01A"),
        RowKey("TCGA-HT-7469", sample="TCGA-HT-7469-01A"),
        RowKey("TCGA-HT-7470"),
    )
    columns = (Column("T1CE.whole.none.morph.volume", unit="mm3", definition="volume of the mesh"), Column("energy"))
    phase = Column("phase", "categorical", levels=("a", "b"))
    table = Table(np.column_stack([values, [0, 1, 0]]), rows, (*columns, phase))
    meta, data = write_generic_assay(table, tmp_path, "lgg_tcga")
    back = read_generic_assay(data)
    assert np.array_equal(back.values, values, equal_nan=True)
    assert back.rows == rows
    assert [(one.name, one.unit, one.definition) for one in back.columns] == [
        (one.name, one.unit, one.definition) for one in columns
    ]
    assert "datatype: LIMIT-VALUE\n" in meta.read_text()


def test_what_has_no_place_there_is_refused(tmp_path: Path) -> None:
    rows = (RowKey("P1", lesion="1"), RowKey("P1", lesion="2"))
    with pytest.raises(TableError, match="1 samples in several rows"):
        write_generic_assay(Table(np.ones((2, 1)), rows, (Column("a"),)), tmp_path, "s")
    with pytest.raises(TableError, match="a tab or line break"):
        write_generic_assay(Table(np.ones((1, 1)), ("P1",), (Column("a\tb"),)), tmp_path, "s")
    (tmp_path / "x.txt").write_text("gene\tS1\nEGFR\t1\n")
    with pytest.raises(FileFormatError, match="without ENTITY_STABLE_ID"):
        read_generic_assay(tmp_path / "x.txt")
