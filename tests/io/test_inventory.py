"""What a folder holds: grouping, links, caching, and files that are none."""

from __future__ import annotations

import json
import os
import tarfile
from concurrent.futures import ProcessPoolExecutor
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from dicom_corpus import several, still, tag
from dicom_making import NAME, save, slices, truth, uid
from dicom_multiframe import enhanced, joined
from genoxel.core.errors import MissingFileError
from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.io import headers
from genoxel.io.dicom import read_series
from genoxel.io.dicom_seg import write_seg
from genoxel.io.images import read_image
from genoxel.io.inventory import inventory
from genoxel.io.nifti import write_nifti
from genoxel.io.nrrd import write_nrrd
from genoxel.io.rtstruct import write_rtstruct
from genoxel.study.look import FolderLook


@pytest.fixture
def hospital(tmp_path: Path) -> Path:
    """Two patients: P1 with CT, MR on the same frame, RTSTRUCT and SEG; P2 with a dynamic series; and rubbish."""
    root = tmp_path / "Klinik ü"
    ct = slices(series="ct")
    mr = slices(modality="MR", series="mr", spacing=(2.0, 2.0, 4.0))
    save(ct, root / "P1" / "a")
    save(mr, root / "P1" / "b")
    image = read_series(sorted((root / "P1" / "a").iterdir()))
    array = np.zeros(image.shape, np.uint8)
    array[3:7, 3:7, 2:5] = 1
    mask = Mask(array, image.affine, {1: "GTV-1"})
    write_rtstruct(root / "P1" / "RS.dcm", {"GTV-1": mask, "PTV": mask}, ct, uid, "20200103", "101010")
    write_seg(root / "P1" / "SEG.dcm", mask, mr_like(mask, mr), uid, "20200103", "101010")
    twice = slices(modality="MR", patient="P2", series="dce")
    save(twice + slices(modality="MR", patient="P2", series="dce", values=np.zeros((14, 12, 8), int)), root / "P2")
    (root / "notes.txt").write_text("hello")
    (root / "P2" / "broken.dcm").write_bytes(b"\0" * 500)
    (root / "P2" / "DICOMDIR").write_bytes(b"")
    nameless = slices(patient="")[:1]
    save(nameless, root / "P2" / "n")
    cut = save(slices(patient="P3")[:1], root / "cut")[0]
    cut.write_bytes(cut.read_bytes()[:400])
    return root


def mr_like(mask: Mask, mr: list[object]) -> list[object]:
    """Return slices of the MR series moved onto the grid of the mask."""
    ct = slices(series="mr", modality="MR")
    assert len(ct) == len(mr) == mask.shape[2]
    return ct


def test_series_structures_and_problems_are_found(hospital: Path) -> None:
    found = inventory(hospital)
    assert found.patients == ("P1", "P2")
    assert [(one.patient, one.modality, one.n_slices, one.volumes) for one in found.series] == [
        ("P1", "CT", 8, 1),
        ("P1", "MR", 8, 1),
        ("P2", "MR", 8, 2),
    ]
    ct = found.series_of("P1", "ct")[0]
    assert ct.spacing == (1.0, 1.5, 3.0)
    assert ct.description == "CT thorax"
    assert ct.tags["KVP"] == 120.0
    assert ct.date == "20200102"
    assert NAME not in repr(found.series) + repr(found.structures)
    assert [(one.kind, one.names) for one in found.structures] == [
        ("RTSTRUCT", ("GTV-1", "PTV")),
        ("SEG", ("GTV-1",)),
    ]
    reasons = {problem.file.name: problem.reason for problem in found.problems}
    assert {one.reason.split("PatientID")[0] for one in found.problems if one.file.name == "slice000.dcm"} == {
        "got slice000.dcm with an empty ",
        "got slice000.dcm with neither ",
    }
    assert "DICM" in reasons["broken.dcm"]
    assert len(found.problems) == 3
    assert repr(found).startswith("Inventory patients 2 · CT series 1 · MR series 2 · RTSTRUCT 1 · SEG 1 · problems 3")
    assert found.structure_names() == {"GTV-1": ("P1",), "PTV": ("P1",)}


def test_which_structure_belongs_to_which_series_and_why(hospital: Path) -> None:
    found = inventory(hospital)
    ct, mr = found.series_of("P1", "CT")[0], found.series_of("P1", "MR")[0]
    assert [(one.kind, why) for one, why in found.structures_on(ct)] == [
        ("RTSTRUCT", "drawn on this series (its UID is referenced)"),
        ("SEG", "same frame of reference"),
    ]
    assert [one.kind for one, _ in found.structures_on(mr)] == ["SEG", "RTSTRUCT"]
    contour = found.structures[0]
    assert [one.modality for one, _ in found.series_for(contour)] == ["CT", "MR"]
    assert [one.modality for one, _ in found.series_for(contour, "MR")] == ["MR"]
    assert found.structures_on(found.series_of("P2")[0]) == ()


def test_a_cache_gives_the_same_and_sees_changes(hospital: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache.jsonl"
    first = inventory(hospital, cache)
    text = cache.read_text(encoding="utf-8")
    assert NAME.split("^")[0] not in text
    assert str(hospital) not in text
    assert all(json.loads(line)["version"] for line in text.splitlines())
    assert inventory(hospital, cache) == first
    assert cache.read_text(encoding="utf-8") == text
    changed = hospital / "P1" / "RS.dcm"
    changed.unlink()
    cache.write_text(text.replace('"CT thorax"', '"CT remembered"') + "no json\n[]\n", encoding="utf-8")
    second = inventory(hospital, cache)
    assert second.series_of("P1", "CT")[0].description == "CT remembered"
    assert [one.kind for one in second.structures] == ["SEG"]
    one = sorted((hospital / "P1" / "a").iterdir())[0]
    os.utime(one, ns=(1, 1))
    assert inventory(hospital, cache).series_of("P1", "CT")[0].description == "CT thorax"


def test_worker_processes_give_the_same(hospital: Path) -> None:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        assert inventory(hospital, executor=executor) == inventory(hospital)


def volume(seed: int = 0, shift: float = 0.0) -> Image:
    affine = np.diag([1.0, 1.0, 2.0, 1.0])
    affine[0, 3] = shift
    return Image(np.random.default_rng(seed).integers(0, 99, (6, 7, 8)).astype(np.int16), affine)


def test_trees_of_volumes(tmp_path: Path) -> None:
    mask = Mask((volume().array > 50).astype(np.uint8), volume().affine, {1: "x"})
    for name in ("P7_T1", "P7_FLAIR"):
        write_nifti(tmp_path / "P7" / f"{name}.nii.gz", volume())
    write_nifti(tmp_path / "P7" / "P7_seg.nii.gz", mask)
    write_nifti(tmp_path / "P7" / "P7_T1_mask.nii.gz", mask)
    write_nrrd(tmp_path / "P8_CT.nrrd", volume(1, 3.0))
    write_nrrd(tmp_path / "P8_CT-label.nrrd", mask)
    write_nifti(tmp_path / "sub-1" / "ses-2" / "anat" / "sub-1_ses-2_T1w.nii", volume())
    write_nifti(tmp_path / "sub-1" / "ses-2" / "anat" / "sub-1_ses-2_ce-gadolinium_T1w.nii", volume())
    (tmp_path / "P9").mkdir()
    (tmp_path / "P9" / "P9_T1.nii").write_bytes(b"short")
    found = inventory(tmp_path)
    assert [(one.patient, one.study, one.modality, one.kind) for one in found.series] == [
        ("P7", "", "FLAIR", "NIFTI"),
        ("P7", "", "T1", "NIFTI"),
        ("P8", "", "CT", "NRRD"),
        ("sub-1", "ses-2", "T1CE", "NIFTI"),
        ("sub-1", "ses-2", "T1w", "NIFTI"),
    ]
    t1 = found.series_of("P7", "t1")[0]
    assert [(one.file.name, why) for one, why in found.structures_on(t1)] == [
        ("P7_T1_mask.nii.gz", "same grid, and named after the image"),
        ("P7_seg.nii.gz", "same grid, same patient"),
    ]
    assert found.structures_on(found.series_of("P8")[0]) == ()
    assert [problem.file.name for problem in found.problems] == ["P9_T1.nii"]
    image = read_image(t1)
    assert np.array_equal(image.array, volume().array)
    assert image.tags["PatientID"] == "P7"
    assert read_image(found.series_of("P8")[0]).unit == "HU"


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="no folder"):
        inventory(tmp_path / "nowhere")


def test_reading_a_record_equals_reading_its_files(hospital: Path) -> None:
    record = inventory(hospital).series_of("P1", "CT")[0]
    assert np.array_equal(read_image(record).array, read_series(record.files).array)


def test_each_volume_of_a_series_is_listed_and_read_alone(tmp_path: Path) -> None:
    save(several(tag("ContentTime", lambda v, k: f"1{v}1200.00")), tmp_path / "dce")
    parts = [enhanced("MR", values=truth((14, 12, 8)) + v, own=_b_value(100.0 * v), word="x") for v in range(2)]
    both = joined(parts[0], parts[1])
    both.SeriesInstanceUID = uid("other series")
    save([both], tmp_path / "dwi")
    found = inventory(tmp_path)
    classic = [one for one in found.series if one.volumes == 3]
    assert [one.number for one in classic] == [1, 2, 3]
    assert [one.volume for one in classic] == [0, 0, 0]
    for v, one in enumerate(classic):
        assert np.array_equal(read_image(one).array, truth((14, 12, 8)) + 1000 * v)
    multi = [one for one in found.series if one.volumes == 2]
    assert [(one.volume, one.label, one.tags["DiffusionBValue"]) for one in multi] == [(1, "b 0", 0), (2, "b 100", 100)]
    assert [one.n_slices for one in multi] == [8, 8]
    for v, one in enumerate(multi):
        assert np.array_equal(read_image(one).array, truth((14, 12, 8)) + v)
    assert len({one.key for one in found.series}) == 5


def _b_value(b: float) -> Any:
    return lambda frame: {"MRDiffusion": {"DiffusionBValue": b}}


def test_stills_are_listed_and_screenshots_are_not(tmp_path: Path) -> None:
    shot = still("CT")
    save([still("MG", ImagerPixelSpacing=[0.1, 0.1])], tmp_path / "a")
    shot.SeriesInstanceUID = uid("shot")
    save([shot], tmp_path / "b")
    (only,) = inventory(tmp_path).series
    assert (only.modality, only.n_slices, only.volumes) == ("MG", 1, 1)
    assert read_image(only).shape == (14, 12, 1)


def test_a_bids_tree_with_sidecars_and_b_values(tmp_path: Path) -> None:
    folder = tmp_path / "sub-01" / "ses-1" / "dwi"
    image = Image(np.arange(64, dtype=np.int16).reshape(4, 4, 4), np.eye(4))
    folder.mkdir(parents=True)
    four = nib.Nifti1Image(np.arange(192, dtype=np.int16).reshape(4, 4, 4, 3), np.eye(4))
    nib.save(four, folder / "sub-01_ses-1_dwi.nii.gz")
    (folder / "sub-01_ses-1_dwi.bval").write_text("0 500 1000\n")
    (folder / "sub-01_ses-1_dwi.json").write_text('{"EchoTime": 0.08, "Manufacturer": "Maker", "PatientName": "X"}')
    write_nifti(tmp_path / "derivatives" / "drawn" / "sub-01" / "ses-1" / "sub-01_ses-1_label-x_mask.nii.gz", image)
    found = inventory(tmp_path)
    assert found.patients == ("sub-01",)
    assert [(one.tags["DiffusionBValue"], one.volume) for one in found.series] == [(0, 1), (500, 2), (1000, 3)]
    assert dict(found.series[0].tags) == {"EchoTime": 80.0, "Manufacturer": "Maker", "DiffusionBValue": 0.0}
    assert np.array_equal(read_image(found.series[2]).array, np.arange(192).reshape(4, 4, 4, 3)[..., 2])
    assert found.structures[0].study == "ses-1"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_quick_look_sees_what_the_dicom_library_sees(tmp_path: Path, data: st.DataObject) -> None:
    """Elements, private blocks and nested sequences drawn at random, plain and implicit."""
    one = slices(modality="MR")[0]
    one.EchoTime = data.draw(st.floats(0, 500).map(lambda value: round(value, 3)))
    one.ImageType = data.draw(st.lists(st.sampled_from(["ORIGINAL", "M", "P", "ADC"]), min_size=1, max_size=4))
    one.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(
        0x0C, "IS", str(data.draw(st.integers(0, 3000)))
    )
    nested = one
    for _ in range(data.draw(st.integers(0, 4))):
        inner = Dataset()
        inner.EchoTime, inner.PatientComments = 999.0, "x" * data.draw(st.integers(0, 40))
        nested.ReferencedImageSequence = [inner]
        nested["ReferencedImageSequence"].is_undefined_length = data.draw(st.booleans())
        nested = inner
    if data.draw(st.booleans()):
        one.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2"
    (path,) = save([one], tmp_path)
    with path.open("rb") as stream:
        head = stream.read(16 * 1024)
        quick = headers._scanned(stream, head)
        whole = headers._whole(stream, path, None)
    assert quick is not None
    assert headers._frame(quick) == headers._frame(whole)
    for keyword in headers._IDENTITY:
        assert str(quick.get(keyword)) == str(whole.get(keyword))


def test_a_real_look_sees_what_the_dicom_library_sees(real_data: Any, tmp_path: Path) -> None:
    archive = real_data("dicom") / "STS_025_ct_pet_mr_rtstruct.tar.xz"
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, filter="data")
    checked = 0
    for path in sorted(tmp_path.rglob("*.dcm"))[::7]:
        with path.open("rb") as stream:
            quick = headers._scanned(stream, stream.read(16 * 1024))
            whole = headers._whole(stream, path, None)
        if quick is not None and "ImagePositionPatient" in whole:
            assert headers._frame(quick) == headers._frame(whole)
            checked += 1
    assert checked > 10


def test_files_that_a_quick_look_leaves_to_the_library_are_listed_all_the_same(tmp_path: Path) -> None:
    named = slices(patient="Pä1")
    for dataset in named:
        dataset.SpecificCharacterSet = "ISO_IR 192"
    save(named, tmp_path / "named")
    big = slices(patient="P2")
    for dataset in big:
        dataset.PixelData = np.frombuffer(dataset.PixelData, "<i2").astype(">i2").tobytes()
        dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.2"
    save(big, tmp_path / "big")
    found = inventory(tmp_path)
    assert [(one.patient, one.n_slices) for one in found.series] == [("P2", 8), ("Pä1", 8)]
    assert found.problems == ()


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"])
def test_a_data_set_that_is_no_file_is_named_with_a_remedy_and_other_files_are_not(tmp_path: Path, syntax: str) -> None:
    """Old archives leave away the 128 bytes and DICM; without an ending such files were passed over unsaid."""
    for place, dataset in enumerate(slices()[:2]):
        dataset.file_meta.TransferSyntaxUID = syntax
        whole = BytesIO()
        dataset.save_as(whole, enforce_file_format=True)
        with BytesIO(whole.getvalue()) as stream:
            meta = read_file_meta_info_length(stream)
        (tmp_path / f"IM{place:04d}").write_bytes(whole.getvalue()[meta:])
    (tmp_path / "numbers.dat").write_bytes(np.arange(2, 90, 2, dtype="<i4").tobytes())
    (tmp_path / "notes").write_text("no image\n")
    found = inventory(tmp_path)
    assert [one.file.name for one in found.problems] == ["IM0000", "IM0001"]
    assert all("dcmconv" in one.reason for one in found.problems)
    (line,) = (line for line in FolderLook(found).lines() if "not readable" in line)
    assert line.startswith(" not readable: IM0000 ... 1 more: got IM0000, a DICOM data set")


def read_file_meta_info_length(stream: BytesIO) -> int:
    """Return where the data set begins: behind preamble, DICM, and the group of the file meta information."""
    stream.seek(128 + 4 + 8)
    return 128 + 4 + 12 + int.from_bytes(stream.read(4), "little")


def test_a_folder_without_images_says_what_is_read(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no image", encoding="utf-8")
    assert (
        " no image among 1 files: DICOM, NIfTI (.nii, .nii.gz), NRRD and MHA are read"
        in FolderLook(inventory(tmp_path)).lines()
    )
    save(slices(), tmp_path)
    assert not any("no image among" in line for line in FolderLook(inventory(tmp_path)).lines())


def test_files_of_nobody_are_a_problem_unless_somebody_says_whose_they_are(tmp_path: Path) -> None:
    save(slices(patient=""), tmp_path)
    (reason,) = {one.reason.replace(one.file.name, "") for one in inventory(tmp_path).problems}
    assert "empty PatientID (0010,0020)" in reason
    assert "to fix: write a pseudonym" in reason
    found = inventory(tmp_path, patient="P7")
    assert (found.patients, found.problems) == (("P7",), ())
    assert np.array_equal(read_image(found.series[0]).array, truth((14, 12, 8)))
    save(slices(patient="P8", series="other"), tmp_path / "b")
    assert inventory(tmp_path, patient="P7").patients == ("P7", "P8")


def test_a_damaged_file_says_whose_it_is_as_long_as_its_header_does(hospital: Path, tmp_path: Path) -> None:
    drawn = hospital / "P1" / "RS.dcm"
    drawn.write_bytes(drawn.read_bytes()[: drawn.stat().st_size * 9 // 10])
    for _ in range(2):  # read, then remembered
        (broken,) = (one for one in inventory(hospital, tmp_path / "cache.jsonl").problems if one.file == drawn)
        assert (broken.patient, broken.modality) == ("P1", "RTSTRUCT")
        assert "RS.dcm" in broken.reason


@pytest.mark.parametrize(
    ("ending", "content", "why"),
    [
        (".json", "{", "no JSON object"),
        (".json", "[1]", "no JSON object"),
        (".json", '{"RepetitionTime": "long"}', ""),
        (".bval", "0 x", "no numbers"),
        (".bval", "0 500 1000", "3 b-values for 2 volumes"),
        (".bval", "0 500", ""),
    ],
)
def test_spoilt_notes_beside_a_volume_are_named_and_the_volume_is_read_without_them(
    tmp_path: Path, ending: str, content: str, why: str
) -> None:
    (tmp_path / "P1").mkdir()
    nib.save(nib.Nifti1Image(np.zeros((5, 4, 3, 2), np.int16), np.eye(4)), tmp_path / "P1" / "P1_DWI.nii.gz")
    (tmp_path / "P1" / f"P1_DWI{ending}").write_text(content, encoding="utf-8")
    found = inventory(tmp_path)
    assert [one.volumes for one in found.series] == [2, 2]
    assert [one.file.name for one in found.problems] == ([f"P1_DWI{ending}"] if why else [])
    assert all(why in one.reason for one in found.problems)
    assert {one.tags.get("RepetitionTime", "long") for one in found.series} == {"long"}
