"""`genoxel extract`: one case, a table of cases, and what is written beside the features."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest

from dicom_making import save, slices, uid
from genoxel.core.errors import FileFormatError, InputError, MaskError, SettingsError, TableError
from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.core.settings import digest
from genoxel.features.extract import extract
from genoxel.features.settings import FeatureSettings
from genoxel.image.settings import ImageSettings
from genoxel.io.dicom_write import write_rtstruct, write_seg
from genoxel.io.features import read_features
from genoxel.io.nifti import write_nifti
from genoxel.io.nrrd import write_nrrd
from genoxel.segment.settings import ContourSettings
from genoxel.study.case import Case, ExtractSettings, measure_case
from genoxel.study.cases import read_cases, read_settings
from genoxel.study.extract import extract_cases, extract_one
from genoxel.study.problems import StudyError
from genoxel.study.rows import FACTS

DataDoor = Callable[[str], Path]
SHAPE = (20, 18, 10)
AFFINE = np.diag([1.0, 1.5, 3.0, 1.0])
FEW = ExtractSettings(features=FeatureSettings(families=("stat", "morph")))


def image(seed: int = 0, modality: str = "") -> Image:
    array = np.random.default_rng(seed).integers(0, 200, SHAPE).astype(np.int16)
    return Image(array, AFFINE, modality)


def labels() -> Mask:
    array = np.zeros(SHAPE, np.uint8)
    array[2:8, 2:8, 2:8] = 1
    array[10:18, 9:16, 3:8] = 2
    return Mask(array, AFFINE, {1: "core", 2: "rim"})


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for patient in range(3):
        write_nifti(tmp_path / f"p{patient}.nii.gz", image(patient))
        write_nifti(tmp_path / f"m{patient}.nii.gz", labels())
    return tmp_path


def table(folder: Path, *rows: str, header: str = "patient,image,mask") -> Path:
    path = folder / "cases.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def command(folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    call = [sys.executable, "-m", "genoxel", "extract", *map(str, words)]
    return subprocess.run(call, cwd=folder, capture_output=True, text=True, timeout=240, check=False)


def test_every_label_is_a_row_that_says_where_it_comes_from(folder: Path):
    found = measure_case(Case("P0", folder / "p0.nii.gz", folder / "m0.nii.gz", modality="MR"), FEW)
    assert [row.key.region for row in found.rows] == ["1", "2"]
    first, second = found.rows
    assert first.facts["image_id"] == second.facts["image_id"]
    assert first.facts["mask_id"] != second.facts["mask_id"]
    assert first.facts["spacing_mm"] == "1 x 1.5 x 3"
    assert first.facts["series_description"] == "p0.nii.gz"
    assert list(first.features.values) == list(second.features.values)
    inside = image(0).values()[2:8, 2:8, 2:8]
    assert first.features.values["MR.roi.none.stat.mean"] == pytest.approx(inside.mean())


def test_labels_are_chosen_by_name_number_or_pattern(tmp_path: Path):
    write_nrrd(tmp_path / "image.nrrd", image())
    write_nrrd(tmp_path / "mask.nrrd", labels())
    case = Case("P", tmp_path / "image.nrrd", tmp_path / "mask.nrrd")
    for wanted, structures in (
        (("core",), ["core"]),
        (("2",), ["rim"]),
        (("*r*",), ["core", "rim"]),
        ((), ["core", "rim"]),
    ):
        found = measure_case(Case(case.patient, case.image, case.mask, wanted), FEW)
        assert [row.facts["structure"] for row in found.rows] == structures
    with pytest.raises(MaskError, match="1 = core, 2 = rim"):
        measure_case(Case(case.patient, case.image, case.mask, ("edge",)), FEW)


def test_regions_of_a_label_map_stand_side_by_side_in_one_row(folder: Path):
    settings = ExtractSettings.model_validate(
        {"segment": {"regions": {"core": 1, "whole": [1, 2], "absent": 7}}, "features": {"families": ["morph"]}}
    )
    (row,) = measure_case(Case("P0", folder / "p0.nii.gz", folder / "m0.nii.gz"), settings).rows
    values = row.features.values
    assert values["image.core.none.morph.volume_voxels"] == pytest.approx(216 * 4.5)
    assert values["image.whole.none.morph.volume_voxels"] == pytest.approx((216 + 280) * 4.5)
    assert row.key.region == ""
    with pytest.raises(MaskError, match=r"labels \[1, 2\]"):
        measure_case(
            Case("P0", folder / "p0.nii.gz", folder / "m0.nii.gz"),
            ExtractSettings.model_validate({"segment": {"regions": {"absent": 7}}}),
        )


def test_ratios_of_regions_stand_in_their_row(folder: Path):
    content = {
        "segment": {"regions": {"core": 1, "whole": [1, 2]}},
        "features": {"families": ["morph"], "ratios": ["core/whole"], "ratio_of": ["morph.volume_voxels"]},
    }
    case = Case("P0", folder / "p0.nii.gz", folder / "m0.nii.gz")
    (row,) = measure_case(case, ExtractSettings.model_validate(content)).rows
    assert row.features.values["image.core_to_whole.none.morph.volume_voxels"] == pytest.approx(216 / (216 + 280))
    assert row.features.columns[-1].name == "image.core_to_whole.none.morph.volume_voxels"
    content["segment"] = {}
    with pytest.raises(SettingsError, match="region 'core'"):
        measure_case(case, ExtractSettings.model_validate(content))


def test_one_bad_structure_does_not_take_the_others_with_it(folder: Path):
    array = labels().array.copy()
    array[0, 0, 0] = 3
    write_nifti(folder / "m0.nii.gz", Mask(array, AFFINE, {1: "1", 2: "2", 3: "3"}))
    found = extract_one(Case("P0", folder / "p0.nii.gz", folder / "m0.nii.gz"), FEW)
    assert len(found.rows) == 2
    (lost,) = found.failed
    assert lost.patient == "P0/3"
    assert "1 voxels" in lost.reason


@pytest.fixture
def dicom(tmp_path: Path) -> tuple[Path, Path, Path, Mask]:
    made = slices(SHAPE, spacing=(1.0, 1.5, 3.0), modality="CT")
    save(made, tmp_path / "ct")
    from genoxel.io.dicom import read_series

    grid = read_series(sorted((tmp_path / "ct").glob("*.dcm")))
    mask = Mask(labels().array, grid.affine, {1: "core", 2: "rim"})
    parts = {name: mask.region(name) for name in ("core", "rim")}
    own = lambda word: uid("drawn", word)  # noqa: E731
    rtstruct = write_rtstruct(tmp_path / "rt" / "rtstruct.dcm", parts, made, own, "20200102", "101112")
    seg = write_seg(tmp_path / "seg.dcm", mask, made, own, "20200102", "101112")
    return tmp_path / "ct", rtstruct, seg, mask


def test_dicom_with_rtstruct_and_seg_gives_what_the_arrays_give(dicom: tuple[Path, Path, Path, Mask]):
    ct, rtstruct, seg, mask = dicom
    from genoxel.io.dicom import read_series

    whole = read_series(sorted(ct.glob("*.dcm")))
    direct = extract(whole, mask, None, FEW.features, "core")
    for drawn in (rtstruct, seg, rtstruct.parent):
        found = measure_case(Case("P1", ct, drawn, ("core",)), FEW)
        (row,) = found.rows
        assert row.facts["structure"] == "core"
        assert row.facts["series_description"] == "CT thorax"
        assert row.facts["modality"] == "CT"
        assert row.features.values["CT.roi.none.stat.mean"] == pytest.approx(direct.values["CT.core.none.stat.mean"])
    assert len(measure_case(Case("P1", next(ct.glob("*.dcm")), seg), FEW).rows) == 2


def test_a_series_without_a_patient_id_is_measured_under_the_name_that_is_given(dicom: tuple[Path, Path, Path, Mask]):
    ct, rtstruct, _, _ = dicom
    wanted = measure_case(Case("P1", ct, rtstruct), FEW).rows
    for path in (*ct.glob("*.dcm"), rtstruct):
        data = pydicom.dcmread(path)
        data.PatientID = ""
        data.save_as(path)
    for name, called in (("P1", "P1"), ("", "ct")):
        for drawn in (rtstruct, rtstruct.parent):
            rows = measure_case(Case(name, ct, drawn), FEW).rows
            assert [row.key.patient for row in rows] == [called] * 2
            assert [dict(row.features.values) for row in rows] == [dict(row.features.values) for row in wanted]


def test_of_several_series_the_one_that_was_drawn_on_is_taken(dicom: tuple[Path, Path, Path, Mask]):
    ct, rtstruct, _, _ = dicom
    other = slices(SHAPE, spacing=(1.0, 1.5, 3.0), modality="MR", series="another")
    save(other, ct / "mr")
    assert measure_case(Case("P1", ct, rtstruct), FEW).rows[0].facts["modality"] == "CT"
    (ct / "empty").mkdir()
    with pytest.raises(InputError, match="0 files of structures"):
        measure_case(Case("P1", ct, ct / "empty"), FEW)


def test_a_table_of_cases_goes_on_where_it_stopped(folder: Path):
    cases = table(folder, "P0,p0.nii.gz,m0.nii.gz", "P1,p1.nii.gz,gone.nii.gz", "007,p2.nii.gz,m2.nii.gz")
    first = extract_cases(cases, FEW, workers=1)
    assert (first.fresh, first.known, len(first.rows), len(first.failed)) == (3, 0, 4, 1)
    assert "gone.nii.gz" in first.failed[0].reason
    content = (folder / "features-cases" / "features.csv").read_bytes()
    again = extract_cases(cases, FEW, workers=2)
    assert (again.fresh, again.known) == (0, 3)
    assert (folder / "features-cases" / "features.csv").read_bytes() == content
    write_nifti(folder / "gone.nii.gz", labels())
    third = extract_cases(cases, FEW, workers=1)
    assert (third.fresh, third.known, len(third.rows), third.failed) == (1, 2, 6, ())
    read = rows_of(folder / "features-cases" / "features.csv")
    assert [row["patient"] for row in read] == ["007", "007", "P0", "P0", "P1", "P1"]
    assert {"structure", "series_description", "modality", "spacing_mm", "image_id", "mask_id"} <= set(read[0])
    write_nifti(folder / "p0.nii.gz", image(9))
    assert extract_cases(cases, FEW, workers=1).fresh == 1


def test_what_is_written_explains_itself(folder: Path):
    extract_cases(table(folder, "P0,p0.nii.gz,m0.nii.gz"), ExtractSettings(), workers=1)
    out = folder / "features-cases"
    names = {row["column"] for row in rows_of(out / "data_dictionary.csv")}
    header = set(rows_of(out / "features.csv")[0])
    assert header == names
    assert {"patient", "timepoint", "lesion", "region", *FACTS} <= header
    dictionary = {row["column"]: row for row in rows_of(out / "data_dictionary.csv")}
    assert all(row["definition"] for row in dictionary.values())
    entropy = dictionary["image.roi.none.glcm.joint_entropy.3d_avg"]
    parts = [entropy[part] for part in ("modality", "region", "filter", "family", "aggregation", "unit", "code")]
    assert parts == ["", "roi", "none", "glcm", "3d_avg", "bit", "TU9B"]
    known = json.loads((out / "settings.json").read_text())
    assert known[entropy["settings"]]["image"]["discretise"]["bins"] == 32
    assert digest(known[entropy["settings"]]) == entropy["settings"]
    items = {row["item"]: row["answer"] for row in rows_of(out / "ibsi_reporting.csv")}
    assert items["discretisation method"] == "fixed bin number 32"
    assert items["voxel size as reconstructed (mm)"] == "1 x 1.5 x 3"
    assert "to be stated by the authors" in items.values()
    assert rows_of(out / "not_defined.csv") == []
    assert rows_of(out / "failed.csv") == []


def test_both_files_come_back_as_the_same_table_of_numbers(folder: Path):
    extract_cases(table(folder, "P0,p0.nii.gz,m0.nii.gz", "P1,p1.nii.gz,m1.nii.gz"), FEW, workers=1)
    out = folder / "features-cases"
    text, parquet = read_features(out / "features.csv"), read_features(out / "features.parquet")
    assert text.names == parquet.names
    assert text.rows == parquet.rows
    np.testing.assert_array_equal(text.values, parquet.values)


def test_two_modalities_of_one_lesion_share_a_row_and_two_of_a_kind_do_not(folder: Path):
    header = "patient,image,mask,label,modality"
    cases = table(folder, "P,p0.nii.gz,m0.nii.gz,1,T1", "P,p1.nii.gz,m1.nii.gz,1,T2", header=header)
    (row,) = extract_cases(cases, FEW, workers=1).rows
    assert {"T1.roi.none.stat.mean", "T2.roi.none.stat.mean"} <= set(row.features.values)
    assert row.facts["modality"] == "T1 | T2"
    cases = table(folder, "P,p0.nii.gz,m0.nii.gz,1,T1", "P,p1.nii.gz,m1.nii.gz,1;1,T1", header=header)
    found = extract_cases(cases, FEW, workers=1)
    assert "measured twice" in found.failed[0].reason
    header = "patient,image,mask,label,timepoint,lesion"
    cases = table(folder, "P,p0.nii.gz,m0.nii.gz,1,a,x", "P,p1.nii.gz,m1.nii.gz,2,a,y", header=header)
    assert [row.key[:3] for row in extract_cases(cases, FEW, workers=1).rows] == [("P", "a", "x"), ("P", "a", "y")]


@pytest.mark.parametrize(
    ("header", "row", "words"),
    [
        ("patient,image", "P,a", "without the column mask"),
        ("patient,image,mask,labels", "P,a,b,1", "did you mean 'label'"),
        ("patient,image,mask", "P,,b", "row 2 of cases.csv without image"),
        ("patient,image,mask", "P,a,b\nP,a,b", "row 3"),
    ],
)
def test_a_faulty_table_of_cases_is_refused_as_a_whole(tmp_path: Path, header: str, row: str, words: str):
    with pytest.raises(TableError, match=words):
        read_cases(table(tmp_path, row, header=header))


def test_settings_are_those_of_a_study_file_and_wrong_keys_are_named(tmp_path: Path):
    file = tmp_path / "study.toml"
    file.write_text('[study]\nname = "x"\n[image]\nresample_mm = [1, 1, 1]\n[features]\nfamilies = ["glcm"]\n')
    assert read_settings(file).image == ImageSettings(resample_mm=(1, 1, 1))
    file.write_text("[image]\nresampel_mm = [1, 1, 1]\n")
    with pytest.raises(StudyError, match="did you mean 'resample_mm'"):
        read_settings(file)
    file.write_text("[image\n")
    with pytest.raises(StudyError, match="not TOML"):
        read_settings(file)
    assert read_settings(None) == ExtractSettings()


def test_the_command_prints_a_table_and_json_and_ends_with_its_codes(folder: Path):
    done = command(folder, "p0.nii.gz", "m0.nii.gz", "--label", "1", "--modality", "MR")
    assert done.returncode == 0, done.stderr
    assert "MR.roi.none.glcm.joint_entropy.3d_avg" in done.stdout
    assert "TU9B" in done.stdout
    said = json.loads(command(folder, "p0.nii.gz", "m0.nii.gz", "--json", "--patient", "007").stdout)
    assert [one["patient"] for one in said["features"]] == ["007", "007"]
    assert len(said["features"][0]["values"]) == 169
    assert command(folder, "p0.nii.gz", "none.nii.gz").returncode == 1
    table(folder, "P0,p0.nii.gz,m0.nii.gz", "P1,p1.nii.gz,gone.nii.gz")
    done = command(folder, "cases.csv", "-q")
    assert done.returncode == 3
    assert "gone.nii.gz" in done.stdout
    table(folder, "P1,p1.nii.gz,gone.nii.gz")
    assert command(folder, "cases.csv").returncode == 1


def test_one_case_loads_no_library_of_tables(folder: Path):
    heavy = ("pandas", "pyarrow", "sklearn", "scipy.stats", "matplotlib", "SimpleITK", "statsmodels", "pydicom")
    write_nrrd(folder / "i.nrrd", image())
    write_nrrd(folder / "m.nrrd", labels())
    code = (
        "import sys\nfrom genoxel.app.cli import app\n"
        "try:\n    app(['extract', 'i.nrrd', 'm.nrrd', '--out', 'f.csv'])\n"
        "except SystemExit as end:\n    assert not end.code\n"
        f"print('LOADED', [name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("LOADED []")
    assert len(rows_of(folder / "f.csv")) == 2


def test_out_names_the_format(folder: Path):
    case = Case("P0", folder / "p0.nii.gz", folder / "m0.nii.gz")
    found = extract_one(case, FEW, folder / "one" / "f.parquet")
    assert {path.name for path in found.files} >= {"f.csv", "f.parquet", "data_dictionary.csv", "ibsi_reporting.csv"}
    assert "rows of 1 patient " in found.lines()[0]
    with pytest.raises(SettingsError, match=r"csv or \.parquet"):
        extract_one(case, FEW, folder / "f.xlsx")
    with pytest.raises(SettingsError, match="without a mask"):
        extract_cases(folder / "p0.nii.gz", FEW)
    with pytest.raises(SettingsError, match="a folder"):
        extract_cases(table(folder, "P0,p0.nii.gz,m0.nii.gz"), FEW, folder / "f.csv")


def test_a_real_ct_with_its_structure_set(real_data: DataDoor, tmp_path: Path):
    with tarfile.open(real_data("ibsi") / "ct_radiomics_phantom" / "dicom_ct_rtstruct.tar.xz") as tar:
        tar.extractall(tmp_path, filter="data")
    found = extract_one(Case("P", tmp_path / "dicom/image", tmp_path / "dicom/mask"), FEW)
    values = {row.facts["structure"]: row.features.values for row in found.rows}
    name = next(name for name in values if name.startswith("GTV"))
    assert values[name]["CT.roi.none.morph.volume_mesh"] == pytest.approx(358_000, abs=5000)


def test_a_parameter_file_of_pyradiomics_gives_its_names_and_its_label(folder: Path):
    from genoxel.study.cases import with_pyradiomics

    file = folder / "params.yaml"
    file.write_text("setting:\n  label: 2\n  binWidth: 10\nfeatureClass:\n  glcm:\n  firstorder: [Mean, Kurtosis]\n")
    settings = with_pyradiomics(ExtractSettings(), file)
    assert read_settings(file) == settings
    case = Case("P0", folder / "p0.nii.gz", folder / "m0.nii.gz")
    found = extract_one(case, settings, folder / "f.csv")
    (row,) = found.rows
    assert row.facts["structure"] == "2"
    assert len(row.features.values) == 26
    inside = image(0).values()[labels().array == 2]
    assert row.features.values["original_firstorder_Mean"] == pytest.approx(inside.mean())
    items = {one["item"]: one["answer"] for one in rows_of(folder / "ibsi_reporting.csv")}
    assert items["setting of PyRadiomics: binWidth"] == "10.0"
    assert items["compliance with IBSI"].startswith("none")
    file.write_text("imageType:\n  LoG: {}\n")
    done = command(folder, "p0.nii.gz", "m0.nii.gz", "--pyradiomics", "params.yaml")
    assert done.returncode == 1
    assert "imageType: LoG" in done.stderr
    assert "params.yaml" in done.stderr


def test_each_piece_becomes_a_lesion_and_the_patient_keeps_one_row(folder: Path):
    array = np.zeros(SHAPE, np.uint8)
    array[2:8, 2:8, 2:8] = 1
    array[10:18, 9:16, 3:8] = 1
    array[0, 0, 0] = 1
    write_nifti(folder / "several.nii.gz", Mask(array, AFFINE, {1: "met"}))
    settings = FEW.drawn(split_voxels=64)
    case = Case("P0", folder / "p0.nii.gz", folder / "several.nii.gz", modality="MR")
    found = extract_one(case, settings, folder / "out" / "f.csv")
    assert [row.key for row in found.rows] == [("P0", "", "1", "1", ""), ("P0", "", "2", "1", "")]
    assert all("1 of 3 pieces below 64 voxels left out" in row.facts["flags"] for row in found.rows)
    values = image(0).values()
    first, second = values[10:18, 9:16, 3:8], values[2:8, 2:8, 2:8]
    means = [row.features.values["MR.roi.none.stat.mean"] for row in found.rows]
    assert means == pytest.approx([first.mean(), second.mean()])
    (whole,) = rows_of(folder / "out" / "per_patient.csv")
    assert (whole["lesions"], whole["lesion"]) == ("2", "")
    volumes = [row.features.values["MR.roi.none.morph.volume_voxels"] for row in found.rows]
    assert float(whole["MR.roi.none.morph.volume_voxels"]) == pytest.approx(sum(volumes))
    meshes = [row.features.values["MR.roi.none.morph.volume_mesh"] for row in found.rows]
    assert float(whole["MR.roi.none.stat.mean"]) == pytest.approx(np.average(means, weights=meshes))
    named = replace(case, lesion="liver")
    assert [row.key[2] for row in extract_one(named, settings).rows] == ["liver-1", "liver-2"]
    with pytest.raises(MaskError, match="3 pieces of 280 voxels or fewer"):
        extract_one(case, FEW.drawn(split_voxels=1000))
    with pytest.raises(ValueError, match="regions are parts"):
        ContourSettings(split_voxels=64, regions={"core": 1})
    with pytest.raises(SettingsError, match="regions are parts"):
        ExtractSettings(segment=ContourSettings(regions={"core": 1})).drawn(split_voxels=64)


def test_a_region_that_the_mask_lacks_is_missing_with_its_reason(folder: Path):
    settings = FEW.model_copy(update={"segment": ContourSettings(regions={"core": 1, "necrosis": 7})})
    case = Case("P0", folder / "p0.nii.gz", folder / "m0.nii.gz", modality="MR")
    extract_one(case, settings, folder / "out" / "f.csv")
    (row,) = rows_of(folder / "out" / "not_defined.csv")
    assert (row["feature"], row["reason"].split(",")[0]) == (
        "MR.necrosis",
        "the mask holds no voxel of the region necrosis",
    )


def test_a_case_without_a_name_is_called_as_dicom_or_its_file_says(folder: Path):
    ours = Case("", folder / "p0.nii.gz", folder / "m0.nii.gz", ("1",))
    assert [row.key.patient for row in measure_case(ours, FEW).rows] == ["p0"]
    made = slices((20, 18, 10), modality="CT")
    save(made, folder / "ct")
    from genoxel.io.dicom import read_series

    volume = read_series(sorted((folder / "ct").iterdir()))
    array = np.zeros(volume.shape, np.uint8)
    array[3:12, 3:12, 2:8] = 1
    write_nifti(folder / "drawn.nii.gz", Mask(array, volume.affine))
    (row,) = measure_case(Case("", folder / "ct", folder / "drawn.nii.gz"), FEW).rows
    assert row.key.patient == made[0].PatientID


def test_cases_come_from_a_workbook_as_well(folder: Path):
    from openpyxl import Workbook

    book = Workbook()
    for row in (("patient", "image", "mask"), ("007", "p0.nii.gz", "m0.nii.gz"), ("008", "p1.nii.gz", "m1.nii.gz")):
        book.active.append(row)
    book.save(folder / "cases.xlsx")
    found = extract_cases(folder / "cases.xlsx", FEW, workers=1)
    assert [row.key[0] for row in found.rows] == ["007", "007", "008", "008"]
    book.create_sheet("more").append(("patient", "image", "mask"))
    book["more"].append(("009", "p2.nii.gz", "m2.nii.gz"))
    book.save(folder / "cases.xlsx")
    with pytest.raises(TableError, match="2 filled sheets"):
        extract_cases(folder / "cases.xlsx", FEW, workers=1)


def test_one_volume_of_several_is_chosen_by_its_number(folder: Path):
    import nibabel as nib

    both = np.stack([image(5).values(), image(6).values()], axis=3)
    nib.save(nib.Nifti1Image(both, np.diag([-1, -1, 1, 1]) @ AFFINE), folder / "dynamic.nii.gz")
    case = Case("P", folder / "dynamic.nii.gz", folder / "m0.nii.gz", ("1",))
    with pytest.raises(FileFormatError, match="--volume 1 to 2"):
        measure_case(case, FEW)
    (row,) = measure_case(replace(case, volume=2), FEW).rows
    assert row.features.values["image.roi.none.stat.mean"] == pytest.approx(image(6).values()[2:8, 2:8, 2:8].mean())
    header = "patient,image,mask,label,timepoint,volume"
    rows = [f"P,dynamic.nii.gz,m0.nii.gz,1,{minute} min,{number}" for number, minute in ((1, 0), (2, 5))]
    found = extract_cases(table(folder, *rows, header=header), FEW, workers=1)
    assert [row.key.timepoint for row in found.rows] == ["0 min", "5 min"]
    with pytest.raises(TableError, match="volume '0'"):
        read_cases(table(folder, "P,a,b,1,x,0", header=header))
