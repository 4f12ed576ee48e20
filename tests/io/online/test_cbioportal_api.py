"""cBioPortal's web API: answers of the form its OpenAPI description gives (written by hand after it, not recorded)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archive_server import Archive, serving
from genoxel.core.errors import RemoteError, SettingsError
from genoxel.io.cbioportal import read_cbioportal
from genoxel.io.online import cbioportal
from genoxel.io.online.web import Web
from genoxel.omics.variants import status_table

SAMPLES = [f"P{number:02}-T" for number in range(60)]


def mutation(sample: str, gene: str, protein: str, **changes: Any) -> dict[str, Any]:
    return {
        "sampleId": sample, "patientId": sample[:3], "studyId": "tiny", "molecularProfileId": "tiny_mutations",
        "entrezGeneId": 3417, "gene": {"entrezGeneId": 3417, "hugoGeneSymbol": gene, "type": "protein-coding"},
        "ncbiBuild": "GRCh37", "chr": "2", "startPosition": 209113112, "endPosition": 209113112,
        "mutationType": "Missense_Mutation", "variantType": "SNP", "referenceAllele": "C", "variantAllele": "T",
        "proteinChange": protein, "tumorAltCount": 12, "tumorRefCount": -1, "mutationStatus": "SOMATIC", **changes,
    }  # fmt: skip


@pytest.fixture
def archive(monkeypatch: pytest.MonkeyPatch) -> Iterator[Archive]:
    found = [mutation("P00-T", "IDH1", "R132H"), mutation("P59-T", "TP53", "R273C")]
    panels = [{"sampleId": sample, "genePanelId": "SMALL" if sample == "P01-T" else None} for sample in SAMPLES]
    with serving() as server:
        monkeypatch.setattr(cbioportal, "API", server.base)
        server.answers |= {
            "/studies/tiny": {"studyId": "tiny", "name": "Tiny (2020)", "citation": "Doe, Nature 2020", "pmid": "123"},
            "/studies/tiny/molecular-profiles": [
                {"molecularProfileId": "tiny_mutations", "molecularAlterationType": "MUTATION_EXTENDED"}
            ],
            "/sample-lists/tiny_sequenced/sample-ids": SAMPLES,
            "/molecular-profiles/tiny_mutations/mutations/fetch": lambda _, body: [
                one for one in found if one["sampleId"] in body["sampleIds"]
            ],
            "/molecular-profiles/tiny_mutations/gene-panel-data/fetch": panels,
            "/gene-panels/SMALL": {"genePanelId": "SMALL", "genes": [{"hugoGeneSymbol": "TP53"}]},
            "/studies/tiny/clinical-data": lambda query, _: (
                [{"patientId": "P00", "sampleId": "P00-T", "clinicalAttributeId": "AGE", "value": "61"}]
                if query["clinicalDataType"] == "PATIENT"
                else [
                    {"patientId": one[:3], "sampleId": one, "clinicalAttributeId": "SAMPLE_TYPE", "value": "Primary"}
                    for one in SAMPLES
                ]
            ),
        }
        yield server


def test_a_study_becomes_a_folder_that_cbioportal_reads(archive: Archive, tmp_path: Path) -> None:
    citation = cbioportal.fetch_study(Web(), "tiny", tmp_path)
    assert citation == "Tiny (2020). Doe, Nature 2020. PMID 123"
    study = read_cbioportal(tmp_path)
    assert study.build == "hg19"
    found = status_table(study.variants, ["IDH1", "TP53"], patients=["P00", "P01", "P02", "P59", "P77"])
    assert str(found["IDH1"].tolist()) == "[1.0, nan, 0.0, 0.0, nan]"  # P01: not on its panel. P77: not sequenced
    assert str(found["TP53"].tolist()) == "[0.0, 0.0, 0.0, 1.0, nan]"
    assert archive.paths().count("/molecular-profiles/tiny_mutations/mutations/fetch") == 2
    assert study.variants is not None
    assert str(study.variants["ref_count"].tolist()) == "[nan, nan]"  # -1 is how the API says unknown
    assert sorted(set(study.variants["protein"].tolist())) == ["p.R132H", "p.R273C"]


def test_faulty_answers_and_names_are_refused(archive: Archive, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="an identifier such as"):
        cbioportal.fetch_study(Web(), "../tiny", tmp_path)
    with pytest.raises(RemoteError, match="HTTP 404"):
        cbioportal.fetch_study(Web(), "unknown", tmp_path)
    archive.answers["/molecular-profiles/tiny_mutations/mutations/fetch"] = [mutation("P99-T", "IDH1", "R132H")]
    with pytest.raises(RemoteError, match="a sample not asked for"):
        cbioportal.fetch_study(Web(), "tiny", tmp_path)
    assert not (tmp_path / "data_mutations.txt").exists()
    archive.answers["/studies/tiny/molecular-profiles"] = []
    with pytest.raises(RemoteError, match="no mutations in the study tiny"):
        cbioportal.fetch_study(Web(), "tiny", tmp_path)
