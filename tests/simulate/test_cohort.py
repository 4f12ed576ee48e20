"""A whole cohort on disk: it opens elsewhere, repeats byte for byte, and is refused before anything is written."""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import json
import shutil
from collections import namedtuple
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813
from typer.testing import CliRunner

from genoxel.app.cli import app
from genoxel.core.errors import FileFormatError, OutputError
from genoxel.io.clinical import read_clinical
from genoxel.io.dicom import read_series
from genoxel.io.dicom_seg import read_seg
from genoxel.io.expression import read_expression
from genoxel.io.maf import read_maf
from genoxel.io.rtstruct import rasterise, read_structures
from genoxel.omics.variants import status
from genoxel.simulate import Course
from genoxel.simulate.cohort import expected_bytes, simulate
from genoxel.simulate.render import phantom
from genoxel.simulate.spec import SimulationSpec
from genoxel.simulate.truth import is_simulated, read_truth

SMALL = (48, 48, 14)


def spec_of(**changes) -> SimulationSpec:
    fields = {
        "n": 6,
        "effects": ("IDH1:texture:1.6", "TP53:none"),
        "prevalence": {"IDH1": 0.4, "TP53": 0.4},
        "shape": SMALL,
        "seed": 11,
        "unknown": 0.2,
        "module": "texture:0.7",
    }
    return SimulationSpec(**{**fields, **changes})


def hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def backwards(function, jobs):
    """A map that works from the last to the first, as workers might."""
    return reversed([function(job) for job in reversed(list(jobs))])


def series_of(cohort: Path, patient: str, name: str) -> list[Path]:
    return sorted((cohort / "dicom" / patient).glob(f"*_{name}/*.dcm"))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> Path:
    return simulate(spec_of(missing_contours=1, odd_names=1), tmp_path_factory.mktemp("Köhorte 1") / "mr")


@pytest.fixture(scope="module")
def chest(tmp_path_factory) -> Path:
    spec = spec_of(modality="ct", masks="seg", shape=None, n=4, unknown=0.0, seed=12, semicolons=True, module="none")
    return simulate(spec, tmp_path_factory.mktemp("cohorts") / "ct")


def test_everything_a_hospital_sends_is_there(cohort):
    assert {path.name for path in cohort.iterdir()} == {
        *("dicom", "clinical.xlsx", "clinical.csv", "mutations.maf", "profiled.txt"),
        *("expression.tsv", "truth.json", "SIMULATED.txt"),
    }
    assert sorted(path.name for path in (cohort / "dicom").iterdir()) == [f"SIM-00{i}" for i in range(1, 7)]
    assert len(series_of(cohort, "SIM-002", "FLAIR")) == SMALL[2]
    assert not list(cohort.parent.glob(".*partial"))


def test_every_file_says_that_it_is_simulated(cohort, chest):
    for folder in (cohort, chest):
        assert is_simulated(folder)
        assert is_simulated(folder / "dicom")
        assert read_truth(folder)["simulated"] is True
        for path in folder.glob("dicom/*/*/*.dcm"):
            header = pydicom.dcmread(path, stop_before_pixels=True)
            assert header.InstitutionName == "SIMULATED"
            assert str(header.Manufacturer).startswith("SIMULATED")
            assert str(header.PatientID).startswith("SIM-")
    assert not is_simulated(cohort.parent.parent)


def test_same_seed_same_bytes_for_any_order_and_workers(cohort, tmp_path):
    spec = spec_of(missing_contours=1, odd_names=1)
    first = hashes(cohort)
    assert hashes(simulate(spec, tmp_path / "again")) == first
    assert hashes(simulate(spec, tmp_path / "backwards", map=backwards)) == first
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        assert hashes(simulate(spec, tmp_path / "workers", map=pool.map)) == first


def test_same_seed_same_bytes_on_ct_with_seg(chest, tmp_path):
    spec = spec_of(modality="ct", masks="seg", shape=None, n=4, unknown=0.0, seed=12, semicolons=True, module="none")
    assert hashes(simulate(spec, tmp_path / "again")) == hashes(chest)


def test_another_seed_shares_no_identifier(cohort, tmp_path):
    other = simulate(spec_of(n=4, seed=12), tmp_path / "other")
    found = []
    for folder in (cohort, other):
        headers = [pydicom.dcmread(path, stop_before_pixels=True) for path in folder.glob("dicom/*/*/*.dcm")]
        found.append({header.SOPInstanceUID for header in headers} | {header.StudyInstanceUID for header in headers})
        assert len({header.SOPInstanceUID for header in headers}) == len(headers)
    assert not found[0] & found[1]


def test_series_open_in_simpleitk_and_in_our_reader_as_they_were_drawn(cohort):
    one = phantom(spec_of(missing_contours=1, odd_names=1), 1)
    for name, image in one.images.items():
        files = series_of(cohort, "SIM-002", name)
        reader = sitk.ImageSeriesReader()
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(files[0].parent)))
        seen = reader.Execute()
        assert np.array_equal(sitk.GetArrayFromImage(seen).T, image.array)
        assert seen.GetSpacing() == pytest.approx(image.spacing, rel=1e-9)
        assert seen.GetOrigin() == pytest.approx(image.affine[:3, 3], abs=1e-6)
        ours = read_series(files)
        assert np.array_equal(ours.array, image.array)
        assert ours.grid.same_as(image.grid)
        assert [step.name for step in ours.history] == ["read_dicom", "rescale"]


def test_chest_is_hounsfield_after_reading(chest):
    image = phantom(spec_of(modality="ct", shape=None, n=4, unknown=0.0, seed=12, module="none"), 0).images["CT"]
    ours = read_series(series_of(chest, "SIM-001", "CT"))
    assert np.array_equal(ours.array, image.array)
    assert ours.unit == "HU"
    assert ours.tags["ConvolutionKernel"] in ("STANDARD", "LUNG")


def test_rtstruct_gives_the_true_masks_back(cohort):
    spec = spec_of(missing_contours=1, odd_names=1)
    truth = read_truth(cohort)
    names = {patient: facts["contour"] for patient, facts in truth["patients"].items()}
    assert list(names.values()).count(None) == 1
    for index, (patient, name) in enumerate(names.items()):
        contours = list((cohort / "dicom" / patient).glob("RTSTRUCT/*.dcm"))
        assert bool(contours) == (name is not None)
        if name is None:
            continue
        one = phantom(spec, index)
        image = read_series(series_of(cohort, patient, "T1CE"))
        structures = read_structures(contours[0])
        assert set(structures.names) == {name, *one.others}
        assert np.array_equal(rasterise(structures, name, image).inside(), one.tumour.inside())
        for other, mask in one.others.items():
            assert np.array_equal(rasterise(structures, other, image).inside(), mask.inside())
        assert truth["patients"][patient]["tumour_voxels"] == one.tumour.count()


def test_seg_gives_the_true_mask_back(chest):
    spec = spec_of(modality="ct", masks="seg", shape=None, n=4, unknown=0.0, seed=12, module="none")
    for index in range(4):
        image = read_series(series_of(chest, f"SIM-00{index + 1}", "CT"))
        mask = read_seg(chest / "dicom" / f"SIM-00{index + 1}" / "SEG" / "contours.dcm", image)
        assert np.array_equal(mask.inside("GTV"), phantom(spec, index).tumour.inside())
        assert "Heart" in mask.labels.values()


def test_one_frame_of_reference_and_one_study_a_patient(cohort):
    headers = [pydicom.dcmread(path, stop_before_pixels=True) for path in cohort.glob("dicom/SIM-003/*/*.dcm")]
    assert len({header.StudyInstanceUID for header in headers}) == 1
    frames = {header.FrameOfReferenceUID for header in headers if header.Modality == "MR"}
    assert len(frames) == 1
    assert len({header.SeriesInstanceUID for header in headers}) == len({header.Modality for header in headers}) + 3
    assert all(header.SeriesInstanceUID.startswith("2.25.") for header in headers)


def test_genotypes_read_from_the_maf_are_true_and_unknown_where_not_profiled(cohort):
    truth = read_truth(cohort)["patients"]
    records = read_maf(cohort / "mutations.maf", profiled=cohort / "profiled.txt")
    for gene in ("IDH1", "TP53"):
        read = status(records, gene, patients=tuple(truth))
        for patient, facts in truth.items():
            assert read[patient] == (facts["genotype"][gene] if facts["profiled"] else None)
    assert sum(not facts["profiled"] for facts in truth.values()) == 1


def test_maf_reads_as_a_plain_table(cohort):
    frame = pd.read_csv(cohort / "mutations.maf", sep="\t", comment="#", dtype=str)
    assert {"Hugo_Symbol", "Variant_Classification", "Tumor_Sample_Barcode", "HGVSp_Short"} <= set(frame.columns)
    depth, ref, alt = (frame[name].astype(int) for name in ("t_depth", "t_ref_count", "t_alt_count"))
    assert (ref + alt == depth).all()
    assert "Silent" in set(frame["Variant_Classification"])
    assert frame["HGVSp_Short"].str.startswith("p.").all()


def test_clinical_words_agree_with_the_truth_in_both_files(cohort):
    truth = read_truth(cohort)["patients"]
    rows = list(csv.DictReader(io.StringIO((cohort / "clinical.csv").read_text(encoding="utf-8"))))
    sheet = openpyxl.load_workbook(cohort / "clinical.xlsx")["patients"]
    cells = list(sheet.iter_rows(values_only=True))
    assert [row["PatientID"] for row in rows] == [row[0] for row in cells[1:]] == list(truth)
    wild, unknown = {"wt", "wild type", "neg"}, {"", "pending", "n/d"}
    for row, excel in zip(rows, cells[1:], strict=True):
        facts = truth[row["PatientID"]]
        assert float(row["age"]) == excel[2]
        assert row["site"] == facts["site"]
        for gene, cell in zip(("IDH1", "TP53"), excel[6:], strict=True):
            assert row[gene] == (cell or "")
            if not facts["profiled"]:
                assert row[gene] in unknown
            else:
                assert (row[gene].lower() in wild) == (facts["genotype"][gene] == "wild type")


def test_semicolons_and_decimal_commas_are_read_back(chest):
    raw = (chest / "clinical.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbfPatientID;site;age")
    text, excel = (read_clinical(chest / name, "PatientID") for name in ("clinical.csv", "clinical.xlsx"))
    assert text.numbers("age") == excel.numbers("age")
    assert text.text("TP53") == excel.text("TP53")


def test_expression_module_follows_its_trait():
    spec = SimulationSpec(n=400, module="texture:0.7", seed=4)
    from genoxel.simulate.plan import draw_people
    from genoxel.simulate.tables import _expression

    people = draw_people(spec)
    text, score = _expression(spec, people)
    frame = pd.read_csv(io.StringIO(text), sep="\t", index_col=0)
    latent = pd.Series({person.name: person.latent["texture"] for person in people})[frame.columns]
    assert np.corrcoef(score, [person.latent["texture"] for person in people])[0, 1] == pytest.approx(0.7, abs=0.08)
    logs = np.log2(frame + 1)
    assert logs.loc["VEGFA"].corr(latent) > 0.35
    assert abs(logs.loc["ACTB"].corr(latent)) < 0.2
    assert frame.shape[1] == 380


def test_expression_is_read_by_our_reader(cohort):
    table = read_expression(cohort / "expression.tsv", unit="TPM")
    assert len(table) == 5
    assert "VEGFA" in table
    assert np.isfinite(table.values).all()


def test_truth_holds_declared_and_realised(cohort):
    truth = read_truth(cohort)
    effect = truth["effects"][0]
    patients = truth["patients"].values()
    mutant = np.array([facts["genotype"]["IDH1"] == "mutant" for facts in patients])
    latent = np.array([facts["latent"]["texture"] for facts in patients])
    groups = latent[mutant], latent[~mutant]
    pooled = np.sqrt(sum(((group - group.mean()) ** 2).sum() for group in groups) / (len(latent) - 2))
    assert effect["declared_d"]["texture"] == 1.6
    assert effect["realised_d"]["texture"] == pytest.approx((groups[0].mean() - groups[1].mean()) / pooled, abs=1e-5)
    assert truth["effects"][1]["null"]
    assert "realised_r" in truth["module"]
    assert "never about patients" in truth["note"]


def test_a_damaged_or_foreign_truth_is_refused(tmp_path):
    path = tmp_path / "truth.json"
    path.write_text("{", encoding="utf-8")
    with pytest.raises(FileFormatError, match="damaged"):
        read_truth(tmp_path)
    path.write_text(json.dumps({"simulated": False}), encoding="utf-8")
    with pytest.raises(FileFormatError, match="without 'simulated'"):
        read_truth(tmp_path)


def test_refused_before_writing(tmp_path, monkeypatch):
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("keep", encoding="utf-8")
    with pytest.raises(OutputError, match="not empty"):
        simulate(spec_of(), full)
    with pytest.raises(OutputError, match="a file at"):
        simulate(spec_of(), full / "mine.txt")
    with pytest.raises(OutputError):
        simulate(spec_of(), full / "mine.txt" / "below")
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 9, 1_000_000))
    with pytest.raises(OutputError, match="MB free"):
        simulate(spec_of(), tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["full"]
    assert [path.name for path in full.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('effects = ["IDH1 -> textur d = 1"]', "textur"),
        ('effects = ["IDH1 -> texture d = 1"]\n[prevalence]\nIDH1 = 1.3', "prevalence 1.3 for IDH1"),
        ('effects = ["IDH1 -> texture d = 1"]\n[cohort]\npatients = 6\nshape = [20, 20, 8]', "smallest lesion"),
        ('effects = ["IDH1 -> texture d = 1"]\n[imaging]\nfaults = { metall = 0.1 }', "metall"),
    ],
)
def test_the_command_refuses_by_name_and_writes_nothing(text, said, tmp_path):
    """Impossible prevalence, unknown trait, volume too small, unknown fault: from the file to the message."""
    path = tmp_path / "effects.toml"
    path.write_text(text, encoding="utf-8")
    done = CliRunner().invoke(app, ["simulate", str(tmp_path / "c"), "--effects", str(path)], prog_name="genoxel")
    assert done.exit_code != 0
    assert said in " ".join(done.output.split())
    assert [one.name for one in tmp_path.iterdir()] == ["effects.toml"]


def test_no_space_is_said_with_both_sizes_before_anything_is_written(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 0, 3 * 2**20))
    with pytest.raises(OutputError, match=r"3 MB free .* MB for 60 patients"):
        simulate(spec_of(n=60), tmp_path / "new")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_midway_leaves_nothing(tmp_path, monkeypatch):
    written = Path.write_bytes
    count = []

    def sometimes(self, data):
        count.append(1)
        if len(count) > 70:
            raise OSError(errno.ENOSPC, "No space left on device")
        return written(self, data)

    monkeypatch.setattr(Path, "write_bytes", sometimes)
    with pytest.raises(OutputError, match="disk is full") as caught:
        simulate(spec_of(), tmp_path / "new")
    assert "patient SIM-002" in caught.value.__notes__
    assert not list(tmp_path.iterdir())


def test_an_interruption_leaves_no_cohort_and_progress_counts(tmp_path):
    seen = []

    def stop(done, total):
        seen.append((done, total))
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(spec_of(), tmp_path / "new", progress=stop)
    assert seen == [(1, 6), (2, 6)]
    assert [path.suffix for path in tmp_path.iterdir()] == [".partial"]  # to go on with


def test_an_empty_folder_is_used_and_size_is_foretold(cohort, tmp_path):
    target = tmp_path / "empty"
    target.mkdir()
    done = simulate(spec_of(n=4), target)
    size = sum(path.stat().st_size for path in done.rglob("*") if path.is_file())
    assert 0.6 < size / expected_bytes(spec_of(n=4)) < 1.1


def test_an_unknown_gene_gets_an_invented_place(tmp_path):
    spec = spec_of(n=4, effects=("MYGENE7:margin:1",), prevalence={"MYGENE7": 0.5}, unknown=0.0)
    done = simulate(spec, tmp_path / "x")
    frame = pd.read_csv(done / "mutations.maf", sep="\t", comment="#", dtype=str)
    mine = frame[(frame["Hugo_Symbol"] == "MYGENE7") & (frame["Variant_Classification"] != "Silent")]
    truth = read_truth(done)["patients"]
    wanted = {patient for patient, facts in truth.items() if facts["genotype"]["MYGENE7"] == "mutant"}
    assert set(mine["Tumor_Sample_Barcode"]) == wanted


def test_a_stopped_cohort_is_gone_on_with_to_the_same_bytes(tmp_path, monkeypatch):
    spec = spec_of(n=6, course=Course(biopsies=2), seed=5)
    whole = hashes(simulate(spec, tmp_path / "whole"))
    drawn: list[str] = []

    def stops(function, jobs):
        for place, job in enumerate(jobs):
            if place == 3:
                raise KeyboardInterrupt
            yield function(job)

    with pytest.raises(KeyboardInterrupt):
        simulate(spec, tmp_path / "c", map=stops)
    assert not (tmp_path / "c").exists()
    assert len(list(tmp_path.glob(".c.*.partial"))) == 1

    from genoxel.simulate import deliver as room

    plain = room._deliver
    monkeypatch.setattr(room, "_deliver", lambda *given: (drawn.append(given[1].name), plain(*given))[1])
    assert hashes(simulate(spec, tmp_path / "c")) == whole
    assert drawn == ["SIM-004", "SIM-005", "SIM-006"]
    assert not list(tmp_path.glob(".c.*.partial"))
