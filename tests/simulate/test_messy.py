"""The messy delivery is read by the readers of io: repaired and listed, or refused; joined, it is its clean twin."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from genoxel.core.errors import FileFormatError, TableError
from genoxel.core.flow import Flow
from genoxel.io.clinical import read_clinical
from genoxel.io.expression import MatrixRules, read_expression
from genoxel.io.maf import read_maf
from genoxel.omics.barcodes import rekey
from genoxel.omics.burden import mutational_burden
from genoxel.omics.join import Layers, join
from genoxel.omics.variants import status_table
from genoxel.simulate import Omics, SimulationSpec, read_truth, simulate

SPEC = SimulationSpec(
    n=24,
    effects=("EGFR:none", "TP53:none"),
    shape=(48, 48, 12),
    seed=5,
    omics=Omics(files=("messy",), missing={"imaging": 0.9}),
)
GENES = ["EGFR", "TP53"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return simulate(SPEC, tmp_path_factory.mktemp("messy") / "c")


@pytest.fixture(scope="module")
def told(folder):
    return read_truth(folder)["molecular"]["messy"]


@pytest.fixture(scope="module")
def patients(folder):
    return read_clinical(folder / "clinical.csv", "PatientID").patients


def nearly(patients, **layers):
    """Return layer -> spelling there -> id in the clean cohort, as the join proposes."""
    _, report = join(Layers(**layers), Flow.start("images", patients))
    found: dict[str, dict[str, str]] = {}
    for layer, there, here in report.nearly:
        found.setdefault(layer, {})[there] = here
    return found


def test_ids_differ_between_files_in_several_ways(told, patients):
    for ids in told["ids"].values():
        assert set(ids) == set(patients)
        assert len(set(ids.values())) == len(ids)
    ids = told["ids"]
    assert sum(ids["clinical"][name] != ids["expression"][name] for name in patients) > 8
    assert {"lower", "under", "bare"} <= {
        "lower" if text.islower() else "under" if "_" in text else "bare" if "-" not in text else ""
        for text in ids["mutations"].values()
    }


def test_rows_twice_are_refused_by_name_and_without_them_the_table_is_its_twin(folder, told):
    with pytest.raises(TableError, match="more than one row for") as found:
        read_clinical(folder / "messy" / "clinical.csv", "PatientID")
    for name in told["clinical_rows_twice"]:
        assert told["ids"]["clinical"][name] in str(found.value) or len(told["clinical_rows_twice"]) > 5
    lines = (folder / "messy" / "clinical.csv").read_text().splitlines()
    (folder / "messy" / "once.csv").write_text("\n".join(dict.fromkeys(lines)) + "\n")
    once = read_clinical(folder / "messy" / "once.csv", "PatientID")
    clean = read_clinical(folder / "clinical.csv", "PatientID")
    back = {there: name for name, there in told["ids"]["clinical"].items()}
    assert [back[name] for name in once.patients] == list(clean.patients)
    assert [row[1:] for row in once.rows] == [row[1:] for row in clean.rows]


def test_a_workbook_of_mixed_numbers_and_dates_reads_as_the_clean_table(folder, told):
    messy = read_clinical(folder / "messy" / "clinical.xlsx", "PatientID")
    clean = read_clinical(folder / "clinical.csv", "PatientID")
    back = {there: name for name, there in told["ids"]["clinical"].items()}
    assert any("," in text for text in messy.text("age").values())
    assert any(re.fullmatch(r"\d\d\.\d\d\.\d{4}", text) for text in messy.text("scan_date").values())
    for read in ("numbers", "dates"):
        column = {"numbers": "age", "dates": "scan_date"}[read]
        found = {back[name]: value for name, value in getattr(messy, read)(column).items()}
        assert found == getattr(clean, read)(column)
    assert {back[name]: text for name, text in messy.text("sex").items()} == clean.text("sex")


def test_another_encoding_is_refused_with_its_remedy(folder):
    content = (folder / "messy" / "clinical_latin1.csv").read_bytes()
    assert "Größe".encode("latin-1") in content
    with pytest.raises(FileFormatError, match="UTF-8"):
        read_clinical(folder / "messy" / "clinical_latin1.csv", "PatientID")


def test_mangled_symbols_are_refused_or_repaired_and_listed(folder, told):
    path = folder / "messy" / "expression.tsv"
    spelled = tuple(told["ids"]["expression"].values())
    with pytest.raises(TableError, match="9-Sep"):
        read_expression(path, "tpm", ids=spelled)
    said: list[str] = []
    table = read_expression(path, "tpm", ids=spelled, rules=MatrixRules(damage="repair", say=said.append))
    text = " ".join(said)
    assert "9-Sep -> SEPTIN9" in text
    assert "3-Mar -> MARCHF3" in text
    assert re.search(r"1 gene names that a spreadsheet damaged are left out: 1-Mar", text)
    assert {"SEPTIN9", "MARCHF3"} <= set(table.names)
    assert not {"1-Mar", "MARCHF1"} & set(table.names)


def test_the_messy_delivery_joined_is_the_matrix_of_the_clean_twin(folder, told, patients):
    spelled = tuple(told["ids"]["expression"].values())
    rules = MatrixRules(damage="repair")
    messy = read_expression(folder / "messy" / "expression.tsv", "tpm", ids=spelled, rules=rules)
    clean = read_expression(folder / "messy" / "clean" / "expression.tsv", "tpm", ids=patients)
    proposed = nearly(patients, tables={"expression": messy})["expression"]
    truly = {there: name for name, there in told["ids"]["expression"].items() if there != name}
    assert proposed == {there: name for there, name in truly.items() if there in messy.patients}
    joined, report = join(
        Layers(tables={"expression": rekey(messy, lambda name: proposed.get(name, name))}),
        Flow.start("images", patients),
        required=["expression"],
    )
    assert not report.nearly
    twin, _ = join(Layers(tables={"expression": clean}), Flow.start("images", patients), required=["expression"])
    assert joined.patients == twin.patients
    both = [one.tables["expression"].to_pandas() for one in (joined, twin)]
    pd.testing.assert_frame_equal(both[0], both[1][both[0].columns])
    assert set(both[1].columns) - set(both[0].columns) == {"MARCHF1"}


def test_the_messy_maf_gives_the_genotypes_of_the_clean_one(folder, told, patients):
    profiled = (folder / "profiled.txt").read_text().split()
    clean = status_table(read_maf(folder / "mutations.maf", profiled=profiled), GENES, patients=patients)
    samples = sorted(set(read_maf(folder / "messy" / "mutations.maf").fields["sample"]))
    assert all(name.endswith("-T") for name in samples)
    bare = {sample: sample.removesuffix("-T") for sample in samples}
    messy = read_maf(folder / "messy" / "mutations.maf", patients=bare)
    proposed = nearly(patients, records={"mutations": messy})["mutations"]
    mapping = {sample: proposed.get(name, name) for sample, name in bare.items()}
    again = read_maf(folder / "messy" / "mutations.maf", patients=mapping, profiled=profiled)
    assert len(again.rows) > len(read_maf(folder / "mutations.maf").rows)
    found = status_table(again, GENES, patients=patients)
    np.testing.assert_array_equal(found.values, clean.values)
    assert np.nansum(clean.values) > 5
    burdens = [
        mutational_burden(records, 30, patients).values
        for records in (again, read_maf(folder / "mutations.maf", profiled=profiled))
    ]
    np.testing.assert_array_equal(*burdens)
