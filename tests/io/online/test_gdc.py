"""Genomic Data Commons: answers of the form its API guide shows (written by hand after it, not recorded)."""

from __future__ import annotations

import gzip
import hashlib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archive_server import Archive, serving
from genoxel.core.errors import FileFormatError, RemoteError
from genoxel.io.clinical import read_clinical
from genoxel.io.expression import read_expression
from genoxel.io.maf import read_maf
from genoxel.io.online import gdc
from genoxel.io.online.web import Web
from genoxel.omics.barcodes import records_per_tcga_patient
from genoxel.omics.variants import status

COLUMNS = "Hugo_Symbol\tNCBI_Build\tVariant_Classification\tTumor_Sample_Barcode\tHGVSp_Short\n"
STAR = (
    "# gene-model: GENCODE v36\n"
    "gene_id\tgene_name\tgene_type\tunstranded\tstranded_first\tstranded_second\ttpm_unstranded\tfpkm_unstranded\t"
    "fpkm_uq_unstranded\n"
    "N_unmapped\t\t\t100\t100\t100\t\t\t\nN_multimapping\t\t\t5\t5\t5\t\t\t\n"
    "N_noFeature\t\t\t5\t9\t9\t\t\t\nN_ambiguous\t\t\t5\t1\t1\t\t\t\n"
)


def maf(*rows: tuple[str, str]) -> bytes:
    lines = "".join(f"{gene}\tGRCh38\tMissense_Mutation\t{sample}-01D-1490-08\tp.R132H\n" for gene, sample in rows)
    return gzip.compress(("#version gdc-1.0.0\n#n.analyzed.samples 1\n" + COLUMNS + lines).encode(), mtime=0)


def star(tpm: float) -> bytes:
    rows = [("ENSG1.1", "TP53", tpm), ("ENSG2.1", "Y_RNA", 2.0), ("ENSG3.1", "Y_RNA", 3.0)]
    return (STAR + "".join(f"{a}\t{b}\tx\t1\t1\t1\t{c}\t1\t1\n" for a, b, c in rows)).encode()


def identity(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


def hit(name: str, data: bytes, sample: str, **changes: Any) -> dict[str, Any]:
    """One file as the guide shows it; `sample` is the tumour, and its blood is named beside it."""
    samples = [
        {"submitter_id": sample, "tissue_type": "Tumor", "sample_type": "Primary Tumor"},
        {"submitter_id": f"{sample[:12]}-10A", "tissue_type": "Normal", "sample_type": "Blood Derived Normal"},
    ]
    return {
        "id": identity(name), "file_id": identity(name), "file_name": name, "file_size": len(data),
        "md5sum": hashlib.md5(data).hexdigest(), "access": "open",
        "cases": [{"submitter_id": sample[:12], "samples": samples}], **changes,
    }  # fmt: skip


class Portal:
    """Serves hits page by page, and the files themselves."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.hits: dict[str, list[dict[str, Any]]] = {"files": [], "cases": []}
        self.totals: list[int] = []
        self.bodies: list[dict[str, Any]] = []
        for endpoint in self.hits:
            archive.answers[f"/{endpoint}"] = lambda _, body, endpoint=endpoint: self.page(endpoint, body)

    def page(self, endpoint: str, body: dict[str, Any]) -> dict[str, Any]:
        self.bodies.append(body)
        found = self.hits[endpoint][body["from"] : body["from"] + body["size"]]
        total = self.totals.pop(0) if self.totals else len(self.hits[endpoint])
        pages = {"count": len(found), "total": total, "size": body["size"], "from": body["from"]}
        return {"data": {"hits": found, "pagination": pages}, "warnings": {}}

    def file(self, name: str, data: bytes, sample: str, **changes: Any) -> None:
        self.hits["files"].append(hit(name, data, sample, **changes))
        self.archive.answers[f"/data/{identity(name)}"] = data


@pytest.fixture
def portal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Portal]:
    with serving() as archive:
        monkeypatch.setattr(gdc, "API", archive.base)
        yield Portal(archive)


def test_mutations_come_with_who_was_sequenced(portal: Portal, tmp_path: Path) -> None:
    portal.file("b.maf.gz", maf(), "TCGA-02-0003-01A")  # sequenced, and nothing found
    portal.file("a.maf.gz", maf(("IDH1", "TCGA-02-0001-01C"), ("TP53", "TCGA-02-0001-01C")), "TCGA-02-0001-01C")
    files = gdc.files_of(Web(), "TCGA-GBM", "mutations")
    assert [(file.name, file.sample) for file in files] == [
        ("a.maf.gz", "TCGA-02-0001-01C"), ("b.maf.gz", "TCGA-02-0003-01A"),
    ]  # fmt: skip
    seen: list[bool] = []
    gdc.download(Web(), files, tmp_path / "raw", seen.append)
    gdc.download(Web(), files, tmp_path / "raw", seen.append)
    assert seen == [False, False, True, True]
    gdc.join_mutations(files, tmp_path / "raw", tmp_path / "all.maf", tmp_path / "profiled.txt")
    records = read_maf(tmp_path / "all.maf", tmp_path / "profiled.txt", build="hg38")
    chosen, choice = records_per_tcga_patient(records, ["01", "02"])  # as the study file that is written asks
    assert list(status(chosen, "IDH1").values()) == ["mutant", "wild type"]
    assert choice.ties == {}
    found = status(records, "IDH1", patients=["TCGA-02-0001", "TCGA-02-0003", "TCGA-02-0009"])
    assert list(found.values()) == ["mutant", "wild type", None]


def test_the_question_asks_for_open_tumour_files_alone(portal: Portal) -> None:
    portal.file("a.maf.gz", maf(), "TCGA-02-0001-01C")
    portal.file("closed.maf.gz", maf(), "TCGA-02-0002-01C", access="controlled")
    normal = [{"submitter_id": "TCGA-02-0004-11A", "tissue_type": "Normal"}]
    portal.file("n.maf.gz", maf(), "TCGA-02-0004-11A", cases=[{"submitter_id": "TCGA-02-0004", "samples": normal}])
    files = gdc.files_of(Web(), "TCGA-GBM", "mutations", ["TCGA-02-0001", "TCGA-02-0002"])
    assert [file.name for file in files] == ["a.maf.gz"]
    terms = {term["content"]["field"]: term["content"]["value"] for term in portal.bodies[0]["filters"]["content"]}
    assert terms == {
        "cases.project.project_id": "TCGA-GBM",
        "files.data_type": "Masked Somatic Mutation",
        "files.analysis.workflow_type": "Aliquot Ensemble Somatic Variant Merging and Masking",
        "files.access": "open",
        "cases.submitter_id": ["TCGA-02-0001", "TCGA-02-0002"],
    }


def test_two_files_of_one_sample_do_not_count_a_mutation_twice(portal: Portal) -> None:
    portal.file("b.maf.gz", maf(), "TCGA-02-0001-01A")
    portal.file("a.maf.gz", maf(), "TCGA-02-0001-01A")
    two = [{"submitter_id": f"TCGA-02-0005-0{kind}A", "tissue_type": "Tumor"} for kind in (1, 2)]
    portal.file("m.maf.gz", maf(), "TCGA-02-0005-01A", cases=[{"submitter_id": "TCGA-02-0005", "samples": two}])
    said: list[str] = []
    files = gdc.files_of(Web(), "TCGA-GBM", "mutations", say=said.append)
    assert [file.name for file in files] == ["a.maf.gz"]
    assert said == [
        "mutations: 1 more files of samples that have one already were left out: b.maf.gz",
        "mutations: 1 more files of several samples were left out: m.maf.gz",
    ]


def test_all_pages_are_read_and_a_list_that_changes_is_refused(portal: Portal) -> None:
    for number in range(1203):
        portal.file(f"{number:04}.maf.gz", b"", f"TCGA-02-{number:04}-01A")
    assert len(gdc.files_of(Web(), "TCGA-GBM", "mutations")) == 1203
    assert [body["from"] for body in portal.bodies] == [0, 500, 1000]
    portal.totals = [1203, 1204]
    with pytest.raises(RemoteError, match="changed while it was read"):
        gdc.files_of(Web(), "TCGA-GBM", "mutations")


def test_a_project_without_files_and_a_dangerous_name_are_refused(portal: Portal) -> None:
    with pytest.raises(RemoteError, match="no open mutations of tumours in the GDC project TCGA-GBM"):
        gdc.files_of(Web(), "TCGA-GBM", "mutations")
    portal.file("../../evil.maf.gz", maf(), "TCGA-02-0001-01C")
    with pytest.raises(RemoteError, match="a plain file name"):
        gdc.files_of(Web(), "TCGA-GBM", "mutations")


def test_files_with_other_columns_or_cut_are_not_joined(portal: Portal, tmp_path: Path) -> None:
    portal.file("a.maf.gz", maf(), "TCGA-02-0001-01C")
    portal.file("b.maf.gz", gzip.compress(b"Other\tcolumns\n"), "TCGA-02-0002-01C")
    files = gdc.files_of(Web(), "TCGA-GBM", "mutations")
    gdc.download(Web(), files, tmp_path)
    with pytest.raises(FileFormatError, match=r"b\.maf\.gz with other columns"):
        gdc.join_mutations(files, tmp_path, tmp_path / "all.maf", tmp_path / "profiled.txt")
    (tmp_path / "b.maf.gz").write_bytes(maf(*[(f"G{n}", "TCGA-02-0002-01C") for n in range(2000)])[:-50])
    with pytest.raises(FileFormatError, match=r"a damaged gzip file b\.maf\.gz"):
        gdc.join_mutations(files, tmp_path, tmp_path / "all.maf", tmp_path / "profiled.txt")
    assert not (tmp_path / "all.maf").exists()


def test_expression_is_one_matrix_of_tpm(portal: Portal, tmp_path: Path) -> None:
    for name, tpm, sample in (
        ("b", 1.5, "TCGA-02-0003-01A"),
        ("a", 7.25, "TCGA-02-0001-01C"),
        ("c", 9, "TCGA-02-0003-01A"),
    ):
        portal.file(f"{name}.rna_seq.augmented_star_gene_counts.tsv", star(tpm), sample)
    said: list[str] = []
    files = gdc.files_of(Web(), "TCGA-GBM", "expression", say=said.append)
    gdc.download(Web(), files, tmp_path)
    gdc.join_expression(files, tmp_path, tmp_path / "tpm.tsv")
    table = read_expression(tmp_path / "tpm.tsv", unit="tpm")
    assert table.names == ("TP53", "ENSG2.1", "ENSG3.1")  # two genes share the name Y_RNA
    assert [(row.patient, row.sample) for row in table.rows] == [
        ("TCGA-02-0001", "TCGA-02-0001-01C"), ("TCGA-02-0003", "TCGA-02-0003-01A"),
    ]  # fmt: skip
    np.testing.assert_array_equal(table.values, [[7.25, 2, 3], [1.5, 2, 3]])
    assert said == [
        "expression: 1 more files of samples that have one already were left out: "
        "c.rna_seq.augmented_star_gene_counts.tsv"
    ]
    (tmp_path / files[1].name).write_bytes(star(1.0).replace(b"ENSG3.1", b"ENSG9.1"))
    with pytest.raises(FileFormatError, match="with other genes than"):
        gdc.join_expression(files, tmp_path, tmp_path / "tpm.tsv")


def test_clinical_facts_are_a_table(portal: Portal, tmp_path: Path) -> None:
    other = {"age_at_diagnosis": 100, "primary_diagnosis": "Recurrence"}
    first = {
        "age_at_diagnosis": 18_263,
        "primary_diagnosis": "Glioblastoma, NOS",
        "diagnosis_is_primary_disease": "true",
    }
    portal.hits["cases"] = [
        {"submitter_id": "TCGA-02-0003", "demographic": {"gender": "female", "vital_status": "Alive"}},
        {
            "submitter_id": "TCGA-02-0001", "diagnoses": [other, first],
            "demographic": {"vital_status": "Dead", "days_to_death": 358},
        },
    ]  # fmt: skip
    assert gdc.write_clinical(Web(), "TCGA-GBM", tmp_path / "c.csv") == ("TCGA-02-0001", "TCGA-02-0003")
    sheet = read_clinical(tmp_path / "c.csv", "patient")
    assert sheet.numbers("age_years")["TCGA-02-0001"] == pytest.approx(18_263 / 365.25, abs=0.005)
    assert np.isnan(sheet.numbers("age_years")["TCGA-02-0003"])
    assert sheet.text("diagnosis")["TCGA-02-0001"] == "Glioblastoma, NOS"
    assert sheet.numbers("days_to_death")["TCGA-02-0001"] == 358
