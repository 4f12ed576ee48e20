"""Disease files: lawful targets for every target the field names, and evidence only with its source."""

from __future__ import annotations

import re
import tomllib

import pytest

from genoxel.core.errors import SettingsError
from genoxel.study.diseases import diseases
from genoxel.study.schema import StudyFile

EXPECTED = {
    "glioma": {
        "IDH",
        "codel",
        "MGMT",
        "ATRX",
        "TERT",
        "EGFRamp",
        "EGFRvIII",
        "TP53",
        "CDKN2AB",
        "BRAF",
        "H3K27M",
        "PTEN",
        "NF1",
    },
    "nsclc": {"EGFR", "EGFR_19del", "EGFR_L858R", "T790M", "KRAS", "ALK", "ROS1", "RET", "PDL1", "TMB", "cytolytic"},
    "breast": {"ER", "PR", "HER2", "Ki67", "recurrence", "PDL1", "TIL", "BRCA"},
    "prostate": {"PTEN", "ERG", "genomic_risk"},
    "liver": {"MVI", "FGFR2"},
    "colorectal": {"RAS", "BRAF", "MSI", "TMB", "CD73"},
    "kidney": {"VHL", "PBRM1", "CDKN2A"},
    "thyroid": {"BRAF", "CK19", "galectin3", "TPO"},
    "melanoma": {"BRAF"},
    "head_and_neck": {"HPV"},
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_disease_has_its_targets_and_they_are_lawful_in_a_study_file(name: str) -> None:
    disease = diseases(name).diseases[name]
    assert EXPECTED[name] <= set(disease.target)
    assert disease.regions
    text = "\n".join(line for key, target in disease.target.items() for line in target.lines(key))
    study = StudyFile.model_validate(tomllib.loads(text))
    assert set(study.targets) == set(disease.target)
    for one in disease.evidence:
        assert one.target in disease.target
        # either the work itself, or the place of a review where the finding stands
        assert "doi" in one.source or re.search(r"reference|section|Table", one.read_in), one
        assert re.search(r"\b(19|20)\d\d\b|doi:|review", one.source), one


def test_all_ten_are_listed_and_another_is_refused() -> None:
    assert set(diseases().diseases) == set(EXPECTED)
    assert len(diseases().lines()) == 11
    with pytest.raises(SettingsError, match="did you mean 'glioma'"):
        diseases("gliom")


def test_negative_evidence_is_told_and_missing_evidence_is_not_called_negative() -> None:
    lines = diseases("glioma").lines()
    assert any(line.startswith(" MGMT: negative. 420 models") for line in lines)
    assert "that is no evidence against" in lines[-1]
    assert "IDH" not in lines[-1].split(" for ")[1].split(":")[0].split(", ")


def test_every_disease_but_one_has_evidence_and_targets_without_are_named() -> None:
    known = diseases().diseases
    assert {name for name, disease in known.items() if not disease.evidence} == {"head_and_neck"}
    assert sum(len(disease.evidence) for disease in known.values()) > 50
    assert {one.word for disease in known.values() for one in disease.evidence} == {"supported", "mixed", "negative"}
    lines = diseases("head_and_neck").lines()
    assert lines[-1].startswith(" no evidence from images was collected here for HPV, TP53, PIK3CA, CDKN2A:")
    lines = diseases("thyroid").lines()
    assert "[read in He W et al. MedComm 2024;5:e722, doi:10.1002/mco2.722, section 5.4, reference 178]" in lines[-2]


def test_what_the_reviews_call_insufficient_is_not_called_supported() -> None:
    glioma = diseases("glioma").diseases["glioma"].evidence
    for name in ("TERT", "ATRX", "CDKN2AB", "BRAF", "CCND1", "CDK6"):
        assert [one.word for one in glioma if one.target == name] == ["mixed"]
    assert {one.word for one in glioma if one.target == "MGMT"} == {"negative", "mixed"}
