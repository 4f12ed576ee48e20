from __future__ import annotations

import json
import shutil

import pytest

import genoxel as gx
from genoxel.core.errors import BusyError, InputError, SettingsError
from genoxel.io.tables import read_table
from genoxel.study.lock import StudyLock
from genoxel.study.problems import StudyError
from genoxel.study.run import run
from genoxel.study.study import Study
from study.conftest import replace_bytes, results


def go(folder, workers=1, **more):
    return run(Study.read(folder), workers=workers, **more)


def test_a_study_runs_from_files_to_verdicts(finished):
    names = results(finished)
    wanted = {"report.html", "verdicts.json", "flow.csv", "failed.csv", "methods.md", "contours.html"}
    assert wanted <= set(names)
    for table in ("features_table", "clinical_table", "targets_table", "associations_targets"):
        assert {f"tables/{table}.parquet", f"tables/{table}.csv"} <= set(names)
    assert "tables/data_dictionary.csv" in names
    features = read_table(finished / "results/tables/features_table.parquet")
    assert len(features.patients) == 23
    assert list(features.patients) == sorted(features.patients)
    verdicts = json.loads(names["verdicts.json"])["targets"]
    assert [one["target"] for one in verdicts] == ["IDH1", "TP53"]
    assert all(one["rule"] and one["next_step"] for one in verdicts)
    assert b"no contour" in names["flow.csv"]
    assert b"SIMULATED" in names["report.html"].upper()


def test_provenance_stands_beside_the_tables_and_no_path_or_time_in_them(finished):
    record = json.loads((finished / "results/provenance.json").read_text())
    assert record["versions"]["numpy"]
    assert set(record["outputs"]) == set(results(finished))
    assert any(name.endswith("clinical.xlsx") for name in record["inputs"])
    for name, content in results(finished).items():
        assert str(finished).encode() not in content, name


def test_running_again_computes_nothing_and_changes_nothing(finished):
    before = results(finished)
    again = go(finished)
    assert sum(again.fresh.values()) == 0
    assert results(finished) == before
    assert any("Nothing had to be computed anew" in line for line in again.lines())


def test_tables_are_the_same_for_one_and_two_workers(finished, make_study):
    other = make_study("two")
    go(other, workers=2)
    assert results(other) == results(finished)


@pytest.mark.parametrize(
    ("change", "steps"),
    [
        (("bins = 8", "bins = 9"), {"features", "associate"}),  # its features do not depend on bins, so [learn] stays
        (("seed = 5", "seed = 6"), {"associate", "learn"}),
        (("permutations = 4 }", "permutations = 5 }"), {"associate"}),
        (('name = "tiny"', 'name = "another"'), set()),
        (('within = "body"', 'within = "image"'), {"image", "features", "associate", "learn"}),
    ],
)
def test_only_what_depends_on_a_change_is_computed_again(finished, change, steps):
    path = finished / "study.toml"
    text = path.read_text()
    assert change[0] in text
    path.write_text(text.replace(*change, 1))
    again = go(finished)
    assert {step for step, count in again.fresh.items() if count} == steps


def test_a_changed_image_is_measured_again_and_only_it(finished, make_study):
    folder = make_study("own", own=True, brief=True)
    shutil.copytree(finished / ".genoxel", folder / ".genoxel")
    assert sum(go(folder).fresh.values()) == 0
    import pydicom

    file = next((folder / "hospital/dicom/SIM-003").rglob("2_T1CE/*.dcm"))
    content = pydicom.dcmread(file)
    pixels = content.pixel_array.copy()
    pixels += 1
    content.PixelData = pixels.tobytes()
    file.unlink()
    content.save_as(file)
    again = go(folder)
    assert again.fresh["image"] == 1
    assert again.fresh["features"] == 1


def test_a_broken_patient_is_isolated_with_its_reason(make_study):
    folder = make_study("broken", own=True, brief=True)
    file = next((folder / "hospital/dicom/SIM-002").rglob("2_T1CE/*.dcm"))
    replace_bytes(file, file.read_bytes()[:-3000])
    result = go(folder)
    assert [lost.patient for lost in result.failed] == ["SIM-002"]
    assert "SIM-002" in (folder / "results/failed.csv").read_text()
    assert len(read_table(folder / "results/tables/features_table.parquet").patients) == 22
    assert "1 of" in result.failed_line()


def test_a_removed_target_leaves_no_stale_result(finished):
    path = finished / "study.toml"
    path.write_text(path.read_text().replace("[associate]\nadjust", "[associate]\nagainst = ['IDH1']\nadjust"))
    (finished / "results/mine.txt").write_text("a note of my own")
    stale = finished / "results/tables/roc.csv"
    assert stale.exists()
    text = path.read_text()
    path.write_text(text[: text.index("[associate]")])
    go(finished)
    assert not (finished / "results/tables/associations_targets.csv").exists()
    assert (finished / "results/mine.txt").exists()


def test_the_report_alone_computes_nothing(finished):
    (finished / "results/report.html").unlink()
    assert go(finished, only_report=True).report.exists()
    path = finished / "study.toml"
    path.write_text(path.read_text().replace("bins = 8", "bins = 10"))
    with pytest.raises(SettingsError, match="genoxel run"):
        go(finished, only_report=True)


def test_two_runs_at_once_are_refused_politely(finished):
    with StudyLock(finished / ".genoxel/lock"), pytest.raises(BusyError, match="process"):
        go(finished)


def test_a_damaged_result_in_the_store_is_computed_again(finished):
    before = results(finished)
    victim = next((finished / ".genoxel/features").glob("*.zip"))
    victim.write_bytes(victim.read_bytes()[:100])
    assert go(finished).fresh["features"] == 1
    assert results(finished) == before


def test_leftovers_of_a_killed_run_are_swept_away(finished):
    left = finished / ".genoxel/image/.x.zip.abc.part"
    left.write_bytes(b"half")
    go(finished)
    assert not left.exists()


def test_three_patients_run_and_nothing_is_claimed(make_study):
    folder = make_study("three", own=True)
    for place in sorted((folder / "hospital/dicom").iterdir())[3:]:
        shutil.rmtree(place)
    result = go(folder)
    assert {target.verdict.word for target in result.targets} == {"not testable"}


def test_nobody_measurable_is_one_clear_message(make_study):
    folder = make_study("nobody", ('roi = ["GTV*", "Tumo*r*"]', 'roi = ["Liver"]'), brief=True)
    with pytest.raises(InputError, match=r"(?s)no patient that could be measured.*genoxel check") as caught:
        go(folder)
    assert "18 more: got no structure that counts among BrainStem, GTV" in str(caught.value)
    assert "got got" not in str(caught.value)


def test_a_patient_in_one_table_only_is_lost_by_name(make_study):
    folder = make_study("alone", own=True, brief=True)
    shutil.rmtree(folder / "hospital/dicom/SIM-004")
    said = go(folder).lines()
    assert " left out SIM-004: got no image series" in said
    assert "SIM-004,no image series" in (folder / "results/flow.csv").read_text()


def test_spaces_and_letters_beyond_ascii_in_paths(make_study, finished):
    folder = make_study("Jörg Müller – Studie №1 (final)/EGFR ä", own=True, brief=True)
    go(folder)
    assert results(folder)["tables/features_table.parquet"] == results(finished)["tables/features_table.parquet"]


def test_wrong_names_are_listed_all_at_once_before_anything_runs(make_study):
    folder = make_study(
        "wrong",
        ('clinical = ["age", "sex"]', 'clinical = ["agee", "sexx"]'),
        ("profiled.txt", "profild.txt"),
        ('compare = ["prevalence", "volume"]', 'compare = ["prevalense"]'),
    )
    with pytest.raises(StudyError) as caught:
        go(folder)
    where = [problem.where for problem in caught.value.problems]
    assert sorted(where) == ["cohort.clinical", "cohort.clinical", "learn.compare", "omics.profiled"]
    assert "did you mean 'age'" in str(caught.value)
    assert not (folder / "results").exists()


def test_in_python_the_same(make_study):
    study = gx.Study.read(make_study("python"))
    assert "tiny" in repr(study)
    assert gx.run is run


def test_decisions_by_hand_exclude_and_choose(make_study):
    folder = make_study("hand", ('site = "site"', 'site = "site"\noverrides = "decisions.csv"'), brief=True)
    (folder / "decisions.csv").write_text("patient,decision,reason\nSIM-001,exclude,second tumour\n")
    go(folder)
    assert "SIM-001,second tumour" in (folder / "results/flow.csv").read_text()
    (folder / "decisions.csv").write_text("patient,decision,reason\nSIM-999,exclude,x\n")
    with pytest.raises(SettingsError, match="SIM-999"):
        go(folder)
