"""What truth.json and the folder's own words say: each kind of effect, each sample, each file."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest

from genoxel.simulate import Course, Delivery, Omics, SimulationSpec, simulate
from genoxel.simulate.truth import CONTENTS
from genoxel.study.steps.content import _planted

FILES = ("vcf", "segments", "fusions", "methylation", "counts", "protein", "ctdna", "outcome", "panels", "messy")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    spec = SimulationSpec(
        n=12,
        effects=("EGFR:adc:1.5", "IDH1 -> texture d = 2 exclusive | 0.5 mixed", "TP53:none"),
        prevalence={"EGFR": 0.5, "IDH1": 0.5, "TP53": 0.5},
        shape=(48, 48, 12),
        also=("dwi",),
        together={"IDH1+TP53": 3.0},
        course=Course(clones=1, biopsies=2),
        omics=Omics(files=FILES),
        delivery=Delivery(layouts=("dicom", "nifti"), maps=True),
        seed=2,
    )
    return simulate(spec, tmp_path_factory.mktemp("truth") / "c")


@pytest.fixture(scope="module")
def truth(folder) -> dict:
    return json.loads((folder / "truth.json").read_text(encoding="utf-8"))


def test_an_effect_within_tumours_is_not_told_as_one_between_patients(truth):
    effects = {one["gene"]: one for one in truth["effects"]}
    assert effects["EGFR"]["within_tumour_d"] == {"adc": 1.5}
    assert not any(effects["EGFR"]["declared_d"].values())
    assert effects["EGFR"]["null"] is False
    assert "within_tumour_d" not in effects["IDH1"]


def test_the_report_has_a_row_for_each_kind_of_effect(truth):
    rows = {
        (effect["gene"], name): (kind, declared, realised)
        for effect in truth["effects"]
        for name, kind, declared, realised in _planted(effect)
    }
    assert rows["EGFR", "adc within the tumour"] == ("regional effect", 1.5, 1.5)
    assert rows["TP53", "none"] == ("gene effect", 0.0, 0.0)
    for part, declared in (("exclusive", 2.0), ("mixed", 0.5)):
        kind, told, realised = rows["IDH1", f"texture ({part})"]
        assert (kind, told) == ("gene effect", declared)
        known = truth["effects"][1]["realised_d_profiled"]["texture"][part]
        assert np.isnan(realised) if known is None else realised == known
    assert len(rows) == 4


def test_a_tie_of_genes_is_told_as_it_came_out(truth):
    flags = np.array(
        [[one["genotype"][gene] == "mutant" for gene in ("IDH1", "TP53")] for one in truth["patients"].values()]
    )
    a, b, c, d = ((flags == pair).all(axis=1).sum() for pair in ((1, 1), (0, 0), (1, 0), (0, 1)))
    told = truth["pairs"]["IDH1+TP53"]
    assert told["both_mutant"] == a
    assert told["odds_ratio_realised"] == pytest.approx(a * b / (c * d), abs=1e-4)


def test_each_sample_has_its_purity_and_the_shares_of_its_clones(truth):
    for name, person in truth["patients"].items():
        sample = person["sample"]
        assert 0.4 <= sample["purity"] <= 0.9
        mutated = {gene for gene in ("EGFR", "IDH1", "TP53") if person["genotype"][gene] == "mutant"}
        assert set(sample["clone_shares"]) == mutated
        assert all((share < 1) == (gene == "EGFR") for gene, share in sample["clone_shares"].items())
        if name in truth["molecular"]["segments"]:
            assert truth["molecular"]["segments"][name]["purity"] == sample["purity"]


def test_the_folder_says_of_every_file_that_it_is_simulated(folder):
    marker = (folder / "SIMULATED.txt").read_text(encoding="utf-8")
    names = {path.name for path in folder.iterdir()} - {"SIMULATED.txt"}
    assert names <= set(CONTENTS)
    for name in CONTENTS:
        assert (f"  {name:<16} " in marker) == (name in names)
    for path in [*folder.glob("vcf/*.vcf"), folder / "mutations.maf", folder / "messy" / "mutations.maf"]:
        assert "SIMULATED" in "".join(path.read_text(encoding="utf-8").splitlines()[:3])
    volumes = [*folder.glob("nifti/**/*.nii.gz"), *folder.glob("truth/**/*.nii.gz")]
    assert len(volumes) > 100
    for path in volumes:
        assert bytes(nibabel.load(path).header["descrip"]).startswith(b"SIMULATED")


def test_every_patient_is_called_simulated_in_every_table(folder, truth):
    """Each row or column of a table is a patient called SIM-..., however the name is spelled."""
    tables = [path for path in folder.rglob("*") if path.suffix in (".tsv", ".csv", ".maf", ".seg", ".txt")]
    tables = [path for path in tables if path.name not in ("SIMULATED.txt", "panel.txt")]
    assert len(tables) > 15
    for path in tables:
        text = path.read_bytes().decode("latin-1" if "latin1" in path.name else "utf-8")
        lines = [line for line in text.splitlines() if not line.startswith(("#", "Hugo"))]
        by_column = path.name in ("expression.tsv", "counts.tsv", "methylation.tsv")
        names = lines[0].split("\t")[1:] if by_column else lines if path.name == "profiled.txt" else lines[1:]
        assert all("sim" in name.lower() for name in names), path
        assert names or path.name == "fusions.tsv"
