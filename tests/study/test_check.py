from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest

from genoxel.core.errors import InputError, MissingFileError, OutputError, TableError
from genoxel.core.settings import digest
from genoxel.study.check import check
from genoxel.study.init import propose
from genoxel.study.look import few, look_at_folder
from genoxel.study.problems import StudyError
from genoxel.study.run import run
from genoxel.study.status import status
from genoxel.study.study import Study


def looked(folder, workers=1):
    lawful, problems = Study.read_lawful(folder)
    return check(lawful, workers=workers, known=problems)


def test_a_good_study_is_told_its_power_cost_and_contours(first):
    folder, found, ran = first
    assert found.errors == ()
    said = "\n".join(found.lines())
    assert "will run  23 of 24 patients" in said
    assert "Smallest AUC you can detect with 80 % power" in said
    assert "Next: genoxel run" in said
    assert found.contours.read_text(encoding="utf-8").count("<img") >= 23
    assert found.cost.seconds > 0
    assert "core" in found.cost.line()
    assert (folder / "check/flow.csv").exists()
    assert json.dumps(found.to_json(), default=str)
    assert ran.fresh["image"] == 0


def test_every_problem_of_file_and_data_comes_at_once(make_study):
    folder = make_study(
        "bad",
        ("bins = 8", "binz = 8"),
        ('clinical = ["age", "sex"]', 'clinical = ["agee"]\ninclude = ["agge > 3"]'),
        ("mutations.maf", "mutatons.maf"),
        ('gene = "TP53"', 'column = "sex"'),
        ('modality = "T1CE"', 'modality = "T1CE"\nchose = []'),
    )
    found = looked(folder)
    where = {problem.where for problem in found.errors}
    assert {"image.discretise.binz", "cohort.clinical", "cohort.include", "omics.mutations", "io.images.chose"} <= where
    assert any("'F'" in str(problem) or "'M'" in str(problem) for problem in found.warnings)
    assert any("not testable" in line.lower() for line in found.lines())
    assert "Next: genoxel run" not in "\n".join(found.lines())


def test_nothing_but_noise_is_a_study_error(tmp_path):
    (tmp_path / "study.toml").write_text("this is no study")
    with pytest.raises(StudyError, match="not TOML"):
        looked(tmp_path)
    with pytest.raises(MissingFileError, match="genoxel init"):
        looked(tmp_path / "nothing here" / "study.toml")


def test_a_missing_folder_and_a_damaged_table_are_both_listed(make_study):
    folder = make_study("gone", ('/dicom"', '/dicm"'))
    (folder / "sheet.csv").write_text("PatientID,age\nA,1\nA,2\n")
    text = (folder / "study.toml").read_text()
    start = text.index('table = "')
    (folder / "study.toml").write_text(text[:start] + 'table = "sheet.csv"' + text[text.index("\n", start) :])
    found = looked(folder)
    where = [problem.where for problem in found.errors]
    assert "io.images.folder" in where
    assert "cohort.table" in where
    assert "did you mean 'dicom'" in str(found.errors[where.index("io.images.folder")])


def nifti_study(folder, other_grid: bool):
    rng = np.random.default_rng(0)
    for place in range(3):
        home = folder / "data" / f"P{place}"
        home.mkdir(parents=True)
        array = rng.normal(100, 10, (20, 20, 12)).astype(np.float32)
        mask = np.zeros(array.shape, np.uint8)
        mask[5:12, 5:12, 3:9] = 1
        affine = np.diag([2.0, 2.0, 3.0, 1.0])
        moved = np.diag([2.0, 2.0, 3.5, 1.0]) if other_grid and place == 1 else affine
        nib.save(nib.Nifti1Image(array, affine), home / f"P{place}_T1.nii.gz")
        nib.save(nib.Nifti1Image(mask, moved), home / f"P{place}_T1_seg.nii.gz")
    text = '[io.images]\nfolder = "data"\nmodality = "T1"\n[features]\nfamilies = ["stat"]\n'
    (folder / "study.toml").write_text(text)


def test_nifti_without_any_table_gives_features(tmp_path):
    nifti_study(tmp_path, other_grid=False)
    assert looked(tmp_path).errors == ()
    result = run(Study.read(tmp_path), workers=1)
    assert result.patients == 3
    assert not result.failed
    with (tmp_path / "results/tables/features_table.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["patient"] for row in rows] == ["P0", "P1", "P2"]
    facts = [
        rows[0][name] for name in ("timepoint", "lesion", "structure", "modality", "spacing_mm", "series_description")
    ]
    assert facts == ["", "", "seg", "T1", "2 x 2 x 3", "P0_T1"]
    assert float(rows[0]["T1.roi.none.stat.mean"])
    assert len({row["image_id"] for row in rows}) == 3
    assert len({row["mask_id"] for row in rows}) == 1, "the same mask has the same id"
    known = json.loads((tmp_path / "results/settings.json").read_text())
    assert list(known) == [rows[0]["settings"]]
    assert digest(known[rows[0]["settings"]]) == rows[0]["settings"]
    items = (tmp_path / "results/ibsi_reporting.csv").read_text(encoding="utf-8-sig")
    assert "discretisation method,fixed bin number 32,settings" in items
    page = result.report.read_text(encoding="utf-8")
    assert "How it was measured" in page
    assert "fixed bin number 32" in page


def test_a_mask_on_another_grid_fails_that_patient_by_name_unless_it_is_to_be_taken_over(tmp_path):
    nifti_study(tmp_path, other_grid=True)
    found = looked(tmp_path)
    assert found.flow.patients == ("P0", "P2")
    reason = "no contour on the T1 series (P1_T1_seg.nii.gz lies on another grid: 20 x 20 x 12 voxels of 2 x 2 x 3.5 mm"
    assert any(f"warning   P1: got {reason}" in line for line in found.lines())
    result = run(Study.read(tmp_path), workers=1)
    assert reason in (tmp_path / "results/flow.csv").read_text()
    assert any(line.startswith(f" failed P1: got {reason}") for line in result.lines())
    assert [(lost.patient, lost.step) for lost in result.failed] == [("P1", "image")]
    assert reason in (tmp_path / "results/failed.csv").read_text()
    assert result.patients == 3
    done = subprocess.run(
        [sys.executable, "-m", "genoxel", "run", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert f"failed P1: got {reason}" in done.stdout
    file = tmp_path / "study.toml"
    file.write_text(file.read_text() + "[segment]\nresample_masks = true\n")
    found = looked(tmp_path)
    (card,) = [card for card in found.cards if card.patient == "P1"]
    assert any("taken over from another grid: 4116 to" in flag for flag in card.flags)
    again = run(Study.read(tmp_path), workers=1)
    assert not again.failed
    assert (again.fresh["image"], again.known["image"]) == (0, 3)


def test_a_tie_that_no_rule_decides_names_the_candidates_and_loses_only_that_patient(tmp_path):
    nifti_study(tmp_path, other_grid=False)
    home = tmp_path / "data/P1"
    (home / "P1_T1_seg2.nii.gz").write_bytes((home / "P1_T1_seg.nii.gz").read_bytes())
    found = looked(tmp_path)
    (problem,) = found.warnings
    assert problem.where == "P1"
    assert "2 structures that fit (seg, seg2)" in problem.got
    assert "largest" in problem.legal
    assert "overrides" in problem.fix
    assert "got got" not in "\n".join(found.lines())
    result = run(Study.read(tmp_path), workers=1)
    assert [(lost.patient, lost.step) for lost in result.failed] == [("P1", "image")]
    assert "(seg, seg2)" in (tmp_path / "results/failed.csv").read_text()
    assert "exit code 3" in result.lines()[-1]


def test_a_study_in_which_everybody_is_lost_is_an_error_of_the_check(tmp_path):
    nifti_study(tmp_path, other_grid=False)
    path = tmp_path / "study.toml"
    path.write_text(path.read_text().replace("[features]", '[segment]\nroi = ["liver"]\n[features]'))
    found = looked(tmp_path)
    assert [problem.where for problem in found.errors] == ["cohort"]
    said = found.lines()
    assert " warning   P0, P1, P2: got no structure that counts among seg; legal: a name that fits liver" in "\n".join(
        said
    )
    assert "Next: genoxel run" not in said[-1]


def test_ready_made_features_with_a_constant_column_are_warned_of(tmp_path):
    rng = np.random.default_rng(1)
    rows = [f"P{place:02d},{rng.normal():.4f},7,{'mut' if place % 2 else 'wt'}" for place in range(30)]
    (tmp_path / "f.csv").write_text("patient,entropy,same\n" + "\n".join(row.rsplit(",", 1)[0] for row in rows))
    (tmp_path / "c.csv").write_text("id,EGFR\n" + "\n".join(f"{r.split(',')[0]},{r.rsplit(',', 1)[1]}" for r in rows))
    (tmp_path / "study.toml").write_text(
        '[cohort]\ntable = "c.csv"\npatient = "id"\n[target.EGFR]\ncolumn = "EGFR"\n[io.images]\nfeatures = "f.csv"\n'
        "[associate]\ncorrect = { permutations = 4 }\n"
        '[learn]\ncompare = ["prevalence"]\nvalidate = { outer = 2, inner = 2, repeats = 1, permutations = 4 }\n'
    )
    found = looked(tmp_path)
    assert found.errors == ()
    assert any("one value only (same)" in str(problem) for problem in found.warnings)
    result = run(Study.read(tmp_path), workers=1)
    assert [target.target for target in result.targets] == ["EGFR"]
    assert "constant" in (tmp_path / "results/tables/associations_targets.csv").read_text()


def test_init_proposes_what_then_checks_and_runs(hospital, tmp_path):
    said: list[str] = []
    made = propose(hospital / "dicom", hospital / "clinical.xlsx", tmp_path / "study.toml", say=said.append, quick=True)
    text = "\n".join(said)
    assert "id column PatientID (24 of 24 match)" in text
    assert "IDH1 was read as" in text
    assert "roi = ['GTV']" in text
    assert set(made.targets) == {"IDH1", "TP53"}
    assert json.dumps(made.to_json())
    settings = Study.read(tmp_path).settings
    assert settings.io.images.modalities == ("T1", "T1CE", "T2", "FLAIR")
    assert settings.omics.build == "hg19"
    with pytest.raises(OutputError, match="which exists"):
        propose(hospital / "dicom", hospital / "clinical.xlsx", tmp_path / "study.toml", say=said.append)
    assert status(Study.read(tmp_path)).lines()[1] == " not run yet. Next: genoxel check"


def test_init_from_csv_with_semicolons_and_without_tumour_names(hospital, tmp_path):
    shutil.copytree(hospital / "dicom", tmp_path / "dicom")
    rows = "Nr;Kennung\n" + "\n".join(f"{n};SIM-{n:03d}" for n in range(1, 25)) + "\n"
    (tmp_path / "Liste ä.csv").write_text("\ufeff" + rows, encoding="utf-8")
    said: list[str] = []
    propose(tmp_path / "dicom", tmp_path / "Liste ä.csv", tmp_path, say=said.append)
    settings = Study.read(tmp_path).settings
    assert settings.cohort.patient == "Kennung"
    assert settings.learn is None
    assert any("no column speaks of two molecular classes" in line for line in said)
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(TableError, match="SIM-001"):
        propose(tmp_path / "dicom", tmp_path / "other.csv", tmp_path / "x.toml", say=said.append)


def test_inventory_and_catalogue_in_words(hospital):
    found = look_at_folder(hospital / "dicom")
    assert "T1CE 24" in found.lines()[0]
    assert len(found.to_json()["series"]) == 96
    assert few(["a"] * 9).endswith("3 more")


def test_pieces_of_a_mask_are_lesions_of_a_study(tmp_path):
    nifti_study(tmp_path, other_grid=False)
    for place in range(3):
        file = tmp_path / f"data/P{place}/P{place}_T1_seg.nii.gz"
        mask = nib.load(file)
        array = np.asarray(mask.dataobj).copy()
        array[14:19, 14:19, 3:9] = 1
        nib.save(nib.Nifti1Image(array, mask.affine), file)
    study = tmp_path / "study.toml"
    study.write_text(study.read_text() + "[segment]\nsplit_voxels = 64\n")
    result = run(Study.read(tmp_path), workers=1)
    assert not result.failed
    with (tmp_path / "results/tables/features_table.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["patient"], row["lesion"]) for row in rows[:3]] == [("P0", "1"), ("P0", "2"), ("P1", "1")]
    image = np.asarray(nib.load(tmp_path / "data/P0/P0_T1.nii.gz").dataobj)
    assert float(rows[0]["T1.roi.none.stat.mean"]) == pytest.approx(image[5:12, 5:12, 3:9].mean())
    assert float(rows[1]["T1.roi.none.stat.mean"]) == pytest.approx(image[14:19, 14:19, 3:9].mean())


def test_the_next_command_names_a_study_file_of_another_name(make_study):
    folder = make_study("renamed", brief=True)
    other = (folder / "study.toml").rename(folder / "lung.toml")
    assert check(Study.read(other), workers=1).lines()[-1].endswith("Next: genoxel run lung.toml")


def test_init_of_a_folder_without_images_says_so_and_not_that_ids_are_missing(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "notes.txt").write_text("nothing here", encoding="utf-8")
    (tmp_path / "clinical.csv").write_text("PatientID,age\nP1,60\n", encoding="utf-8")
    with pytest.raises(InputError, match="no image of any patient among the 1 files of images"):
        propose(tmp_path / "images", tmp_path / "clinical.csv", tmp_path / "study.toml")
    assert not (tmp_path / "study.toml").exists()
