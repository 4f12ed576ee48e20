"""Ready-made feature tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from genoxel.core.errors import InputError, TableError
from genoxel.core.keys import RowKey
from genoxel.core.table import Column, Source, Table
from genoxel.io.features import read_features
from genoxel.io.tables import write_csv, write_table
from nouns import hard_cohort, same


def _csv(tmp_path: Path, text: str, name: str = "f.csv") -> Path:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path / name


def test_patient_and_numbers(tmp_path: Path) -> None:
    text = (
        "diagnostics_Versions_Numpy,PatientID,Lesion_ID,original_shape_MeshVolume,CT.tumour.none.glcm.contrast.3d_avg\n"
        "1.0,007,1,12.5,inf\n1.0,007,2,NA,3\n1.0,1E5,1,nan,-inf\n"
    )
    table = read_features(_csv(tmp_path, text))
    assert table.rows == (RowKey("007", lesion="1"), RowKey("007", lesion="2"), RowKey("1E5", lesion="1"))
    volume, contrast = table.columns
    assert (volume.code, volume.unit) == ("RNU0", "mm3")
    assert contrast.source == Source("CT", "tumour", "none", "glcm", "3d_avg")
    assert contrast.definition == "2 infinite values in the file, read as missing"
    assert np.isnan(table.values[:, 1]).tolist() == [True, False, True]
    assert read_features(_csv(tmp_path, "id;x\nP1;1\nP2;2,5\nP3;\n"))["x"].tolist()[:2] == [1, 2.5]
    assert read_features(_csv(tmp_path, "a,b\nP1,1\nP2,2\n")).patients == ("P1", "P2")
    assert read_features(_csv(tmp_path, "a,b\n1,P1\n2,P2\n"), patient="b").names == ("a",)


def test_modalities_are_joined_by_row_and_prefixed(tmp_path: Path) -> None:
    one = _csv(tmp_path, "id,vol\nP1,1\nP2,2\n", "a.csv")
    two = _csv(tmp_path, "id,vol\nP2,20\nP3,30\n", "b.csv")
    table = read_features({"T1": one, "T2": two})
    assert table.names == ("T1.vol", "T2.vol")
    assert table.patients == ("P1", "P2", "P3")
    assert np.array_equal(table.values, [[1, np.nan], [2, 20], [np.nan, 30]], equal_nan=True)
    assert table.column("T2.vol").source.modality == "T2"


def test_parquet_of_ours_and_of_pandas(tmp_path: Path) -> None:
    table = hard_cohort().table("image")
    write_table(table, tmp_path / "ours.parquet")
    assert same(read_features(tmp_path / "ours.parquet"), table)
    frame = pd.DataFrame({"x": [1.5, None], "patient": ["007", "P2"], "n": [1, 2]})
    frame.to_parquet(tmp_path / "theirs.parquet")
    found = read_features(tmp_path / "theirs.parquet")
    assert found.patients == ("007", "P2")
    assert np.array_equal(found["x"], [1.5, np.nan], equal_nan=True)
    frame.assign(patient=[7, 8]).to_parquet(tmp_path / "numbers.parquet")
    with pytest.raises(TableError, match="text identifiers"):
        read_features(tmp_path / "numbers.parquet")
    (tmp_path / "bad.parquet").write_bytes(b"nothing")
    with pytest.raises(InputError, match="damaged Parquet"):
        read_features(tmp_path / "bad.parquet")


def test_our_own_csv_comes_back(tmp_path: Path) -> None:
    table = Table(np.array([[0.1, np.nan]]), (RowKey("007", lesion="2"),), (Column("a"), Column("b")))
    write_csv(table, tmp_path / "t.csv")
    found = read_features(tmp_path / "t.csv")
    assert found.rows == table.rows
    assert np.array_equal(found.values, table.values, equal_nan=True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,sex,x\nP1,m,1\nP2,f,2\n", "columns of words .*: sex"),
        ("id,x\nP1,1\nP1,2\n", "'P1' in rows 2 and 3"),
        ("id,x\nP1,1\n,2\n", "no patient id in row 3"),
        ("id,lesion\nP1,1\n", "no numeric column"),
        ("id\tx\nP1\t1\nP2\t2,5\n", "columns of words"),
    ],
)
def test_faults_are_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(TableError, match=words):
        read_features(_csv(tmp_path, text))


def test_nothing_named_is_refused() -> None:
    with pytest.raises(TableError, match="no feature files"):
        read_features({})


def test_real_glioma_features_agree_with_pandas(real_data: Callable[[str], Path]) -> None:
    folder = real_data("tcga-glioma")
    table = read_features({name: folder / f"features_{name}.csv.gz" for name in ("T1", "T1CE", "T2", "T2F")})
    assert table.values.shape == (174, 1444)
    frame = pd.read_csv(folder / "features_T2.csv.gz", index_col=0, float_precision="round_trip")
    part = table.where(lambda column: column.source.modality == "T2")
    assert np.array_equal(part.values, frame.to_numpy(), equal_nan=True)
    assert [column.name for column in part.columns if column.code == "RNU0"] == ["T2.morph_3D__Fmorph_vol__scale1"]


def test_real_tables_with_words_are_refused_by_name(real_data: Callable[[str], Path]) -> None:
    path = real_data("nsclc-radiogenomics") / "pyradiomics_lung_features_117.csv.gz"
    with pytest.raises(TableError, match="Gender, Smoking status"):
        read_features(path)
    table = read_features(path, skip=["Gender", "Smoking status"])
    assert len(table.patients) == 117
    with pytest.raises(TableError, match=r"the column 'Smoking stat' to skip.*did you mean 'Smoking status'"):
        read_features(path, skip=["Gender", "Smoking stat"])
    with pytest.raises(TableError, match=r"skip = ..Gender., .Smoking status.."):
        read_features(path)
    beside = read_features({"CT": path, "again": path}, skip=["Gender", "Smoking status"])
    assert len(beside.names) == 2 * len(table.names)
    assert [column.code for column in table.columns if column.code] == ["RNU0", "YEKZ"]
