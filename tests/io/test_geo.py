"""GEO series matrices and platform tables, of the form the archive documents; every fault is named."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from archive_server import serving
from genoxel.core.errors import FileFormatError, GenoxelError, RemoteError, SettingsError
from genoxel.io.expression import MatrixRules
from genoxel.io.geo import read_platform, read_series_matrix
from genoxel.io.online import geo
from genoxel.io.online.web import Web

HEAD = (
    '!Series_title\t"Toy"\n!Series_geo_accession\t"GSE1"\n!Series_platform_id\t"GPL570"\n\n'
    '!Sample_title\t"one; ""first"""\t"two"\n!Sample_geo_accession\t"GSM1"\t"GSM2"\n'
    '!Sample_characteristics_ch1\t"sex: F"\t"sex: M"\n'
    '!Sample_characteristics_ch1\t"patient: P1"\t"egfr: mutant"\n'
    '!Sample_characteristics_ch1\t"egfr: wild type"\t""\n'
)
TABLE = '!series_matrix_table_begin\n"ID_REF"\t"GSM1"\t"GSM2"\n"1007_s_at"\t1.5\t2\n"1053_at"\tnull\t-3\n'
END = "!series_matrix_table_end\n"
PLATFORM = "#ID = \nID\tGene Symbol\tchr\n1007_s_at\tDDR1 /// MIR4640\t6\n1053_at\tRFC2\t7\n117_at\t\t1\n"


def write(folder: Path, text: str, name: str = "GSE1_series_matrix.txt.gz") -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    return path


def test_values_and_facts_of_each_sample(tmp_path: Path) -> None:
    found = read_series_matrix(write(tmp_path, HEAD + TABLE + END), unit="log2")
    assert found.table.patients == ("GSM1", "GSM2")
    assert found.table.names == ("1007_s_at", "1053_at")
    np.testing.assert_array_equal(found.table.values, [[1.5, np.nan], [2, -3]])
    assert (found.accession, found.platform, found.table.columns[0].unit) == ("GSE1", "GPL570", "log2")
    assert found.facts["title"] == {"GSM1": 'one; "first"', "GSM2": "two"}
    assert found.facts["sex"] == {"GSM1": "F", "GSM2": "M"}
    assert found.facts["egfr"] == {"GSM1": "wild type", "GSM2": "mutant"}  # stand in different lines of the file
    assert found.facts["patient"] == {"GSM1": "P1"}


def test_probes_become_genes_by_the_platform(tmp_path: Path) -> None:
    names, out = read_platform(write(tmp_path, PLATFORM, "GPL570.annot"))
    assert (names, out) == ({"1053_at": "RFC2"}, 2)
    said: list[str] = []
    rules = MatrixRules(names=names, say=said.append)
    found = read_series_matrix(write(tmp_path, HEAD + TABLE + END), rules=rules)
    assert found.table.names == ("RFC2",)
    assert found.table.columns[0].definition == "1053_at in the file"
    assert said == ["GSE1_series_matrix.txt.gz: 1 of 2 names have no gene and are left out"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEAD, "no table in line"),
        (HEAD + TABLE, "a table without end: the file was cut short"),
        (HEAD + END, "table_end out of place in line 10"),
        (HEAD + TABLE + TABLE + END, "table_begin out of place in line 14"),
        (HEAD + TABLE.replace("2\n", "2\t3\n") + END, "3 values for 2 samples in line 12"),
        (HEAD + TABLE.replace("1.5", "1.5x") + END, "'1.5x' among the values in line 12"),
        (HEAD + TABLE.replace("1.5", "1_5") + END, "'1_5' among the values"),
        (HEAD + TABLE.replace("1.5", "inf") + END, "an infinite value in line 12"),
        (HEAD + TABLE.replace("-3", "1e999") + END, "'1e999' among the values in line 13"),
        (HEAD + TABLE.replace("ID_REF", "VALUE") + END, "does not begin with ID_REF"),
        (HEAD + TABLE.replace("GSM2", "GSM1") + END, "a sample twice"),
        (HEAD + TABLE.replace("1053_at", "1007_s_at") + END, "genes more than once"),
        (HEAD + TABLE[: TABLE.index('"1007')] + END, "keep theirs in supplementary files"),
        (HEAD.replace('\t"sex: M"', "") + TABLE + END, "1 cells of !Sample_characteristics_ch1 for 2 samples"),
        (HEAD.replace("patient: P1", "sex: M") + TABLE + END, "sample GSM1 with two values of 'sex'"),
        (HEAD + TABLE.replace('"GSM1"', '"GSM1') + END, "a stray quote"),
        (HEAD + TABLE.replace("1.5", "1\0") + END, "NUL character"),
    ],
)
def test_each_fault_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(GenoxelError, match=words):
        read_series_matrix(write(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ID\tchr\n1\t2\n", "without the columns ID"),
        (PLATFORM.replace("RFC2\t7", "RFC2"), "2 cells in row 2"),
        (PLATFORM + "1053_at\tRFC3\t7\n", "1053_at with two symbols"),
    ],
)
def test_faulty_platforms_are_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(FileFormatError, match=words):
        read_platform(write(tmp_path, text, "GPL1.annot"))


def test_a_matrix_is_found_in_the_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert geo.matrix_url("GSE12") == f"{geo.BASE}/GSEnnn/GSE12/matrix/GSE12_series_matrix.txt.gz"
    assert geo.matrix_url("GSE103584", "GPL11154").endswith(
        "/GSE103nnn/GSE103584/matrix/GSE103584-GPL11154_series_matrix.txt.gz"
    )
    with pytest.raises(SettingsError, match="GSE and digits"):
        geo.matrix_url("GSE1/../2")
    with serving() as archive:
        monkeypatch.setattr(geo, "BASE", archive.base)
        archive.answers["/GSEnnn/GSE1/matrix/GSE1_series_matrix.txt.gz"] = gzip.compress((HEAD + TABLE + END).encode())
        path = geo.fetch_matrix(Web(), "GSE1", tmp_path)
        assert geo.fetch_matrix(Web(), "GSE1", tmp_path) == path
        assert len(archive.asked) == 1
        assert read_series_matrix(path).table.values.shape == (2, 2)
        with pytest.raises(RemoteError, match="HTTP 404"):
            geo.fetch_matrix(Web(), "GSE2", tmp_path)


def test_a_series_becomes_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from genoxel.io.clinical import read_clinical
    from genoxel.io.expression import read_expression
    from genoxel.study.fetch import fetch_from
    from genoxel.study.order import Order
    from genoxel.study.progress import Progress

    with serving() as archive:
        monkeypatch.setattr(geo, "BASE", archive.base)
        archive.answers["/GSEnnn/GSE1/matrix/GSE1_series_matrix.txt.gz"] = gzip.compress((HEAD + TABLE + END).encode())
        found = fetch_from(Order("geo:GSE1"), tmp_path / "geo", Progress(), print)
    assert found.missing == {}
    table = read_expression(tmp_path / "geo" / "expression.tsv")
    np.testing.assert_array_equal(table.values, [[1.5, np.nan], [2, -3]])
    assert read_clinical(tmp_path / "geo" / "clinical.csv", "sample").text("egfr") == {
        "GSM1": "wild type", "GSM2": "mutant",
    }  # fmt: skip
    assert "GSE1, platform GPL570" in (tmp_path / "geo" / "SOURCES.md").read_text(encoding="utf-8")
