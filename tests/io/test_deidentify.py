"""Identities planted everywhere in images, a structure set, a segmentation and tables: none may survive in any byte."""

from __future__ import annotations

import csv
import io
import json
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from dicom_making import save, slices, uid
from drawn_head import drawn
from genoxel.core.errors import FileFormatError, InputError, SettingsError, TableError
from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.io.deidentify.dataset import OPTIONS
from genoxel.io.deidentify.files import deidentify_file
from genoxel.io.deidentify.key import Key, open_key, save_key
from genoxel.io.deidentify.pixels import blank_notes
from genoxel.io.deidentify.tables import deidentify_table
from genoxel.io.deidentify.words import clean_words
from genoxel.io.dicom import read_series
from genoxel.io.dicom_seg import read_seg
from genoxel.io.dicom_series import write_series
from genoxel.io.dicom_write import write_rtstruct, write_seg
from genoxel.io.rtstruct import rasterise, read_structures
from genoxel.study.deidentify import Deidentified, deidentify

PATIENT = "MRN4711Z007"
FREE = (
    *(
        "InstitutionName",
        "InstitutionAddress",
        "InstitutionalDepartmentName",
        "StationName",
        "AccessionNumber",
        "StudyID",
    ),
    *(
        "StudyDescription",
        "SeriesDescription",
        "ProtocolName",
        "ImageComments",
        "PatientComments",
        "AdditionalPatientHistory",
    ),
    *(
        "RequestedProcedureDescription",
        "RequestedProcedureID",
        "ScheduledProcedureStepDescription",
        "PerformedProcedureStepID",
    ),
    *("PerformedProcedureStepDescription", "PatientAddress", "PatientTelephoneNumbers", "PatientReligiousPreference"),
    *("OtherPatientIDs", "IssuerOfPatientID", "MedicalRecordLocator", "EthnicGroup", "Occupation", "Allergies"),
    *(
        "DeviceSerialNumber",
        "DetectorID",
        "PlateID",
        "CassetteID",
        "DerivationDescription",
        "AdmissionID",
        "InsurancePlanIdentification",
    ),
    *("FrameComments", "CommentsOnThePerformedProcedureStep", "ContrastBolusAgent", "AcquisitionComments"),
)
PERSONS = (
    *("PatientName", "OtherPatientNames", "PatientMotherBirthName", "PatientBirthName", "ReferringPhysicianName"),
    *(
        "PerformingPhysicianName",
        "OperatorsName",
        "RequestingPhysician",
        "NameOfPhysiciansReadingStudy",
        "PhysiciansOfRecord",
    ),
    "ResponsiblePerson",
)
DATES = {
    "StudyDate": "20190817", "SeriesDate": "20190818", "AcquisitionDate": "20190819", "ContentDate": "20190820",
    "PatientBirthDate": "19470713", "InstanceCreationDate": "20190821", "PerformedProcedureStepStartDate": "20190822",
}  # fmt: skip


def plant(one: Any, k: int) -> dict[str, str]:
    """Put a string of its own into every place and return place -> string."""
    planted: dict[str, str] = {"PatientID": PATIENT}
    one.PatientID = PATIENT
    for number, keyword in enumerate((*FREE, *PERSONS)):
        planted[keyword] = f"QZ{number:02d}KARLSSON"[:14]
        setattr(one, keyword, planted[keyword] + ("^Q" if keyword in PERSONS else ""))
    for keyword, day in DATES.items():
        planted[keyword] = day
        setattr(one, keyword, day)
    one.AcquisitionDateTime = planted["AcquisitionDateTime"] = "20190823101112.5"
    planted["AcquisitionDateTime"] = "20190823"
    nested = Dataset()
    nested.CodeValue, nested.CodingSchemeDesignator, nested.CodeMeaning = "QZNESTEDCODE", "99HOSP", "QZNESTEDTEXT"
    deeper = Dataset()
    deeper.RequestingPhysician, deeper.InstitutionCodeSequence = "QZDEEPER^DOC", [nested]
    one.RequestAttributesSequence = [deeper]
    one.AnatomicRegionSequence = [nested]
    source = Dataset()
    source.ReferencedSOPClassUID, source.ReferencedSOPInstanceUID = one.SOPClassUID, uid("qz", "source", k)
    source.PurposeOfReferenceCodeSequence = [nested]
    one.ReferencedImageSequence = [source]
    block = one.private_block(0x0019, "QZPRIVATE CREATOR", create=True)
    block.add_new(0x0C, "LO", "QZPRIVATETEXT")
    block.add_new(0x0D, "OB", b"binary QZPRIVATEBLOB end")
    one.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0C, "IS", "1000")
    one.add_new(0x60000010, "US", 4)
    one.add_new(0x60000022, "LO", "QZOVERLAYTEXT")
    one.add_new(0x60003000, "OW", b"QZOVERLAYBITS!")
    one.add_new(0x00282000, "OB", b"QZICCPROFILETXT!")
    one.file_meta.SourceApplicationEntityTitle = "QZAETITLE"
    one.file_meta.PrivateInformationCreatorUID = uid("qz", "meta")
    one.file_meta.PrivateInformation = b"QZMETAPRIVATE!"
    one.PixelData = one.PixelData + b"QZAFTERPIXELS!"
    one.preamble = b"QZPREAMBLE".ljust(128, b"\0")
    planted |= {
        name: name
        for name in (
            *("QZNESTEDCODE", "QZNESTEDTEXT", "QZDEEPER", "QZPRIVATE CREATOR", "QZPRIVATETEXT", "QZPRIVATEBLOB"),
            *("QZOVERLAYTEXT", "QZOVERLAYBITS", "QZICCPROFILETXT", "QZAETITLE", "QZMETAPRIVATE", "QZAFTERPIXELS"),
            *("QZPREAMBLE", "QZFILENAME"),
        )
    }
    uids = {keyword: str(one[keyword].value) for keyword in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")}
    uids |= {
        "FrameOfReferenceUID": str(one.FrameOfReferenceUID),
        "source": uid("qz", "source", k),
        "meta": uid("qz", "meta"),
    }
    return planted | uids


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Deidentified, dict[str, str], list[Any], np.ndarray]:
    """Return (folder with originals, what came out, planted strings, original slices, the mask drawn on them)."""
    folder = tmp_path_factory.mktemp("planted")
    made = slices((20, 18, 10), modality="PT", patient=PATIENT)
    planted: dict[str, str] = {}
    save(made, folder / "plain")
    for k, one in enumerate(made):
        one.PatientSex, one.PatientAge, one.PatientWeight, one.PatientSize = "F", "093Y", "61.5", "1.68"
        one.SeriesTime, one.AcquisitionTime, one.ConvolutionKernel = "101500", "101700", "B30f"
        one.RepetitionTime, one.EchoTime, one.BodyPartExamined = "9000", "125", "CHEST"
        one.Units, one.DecayCorrection, one.CorrectedImage = "BQML", "START", ["DECY", "ATTN"]
        tracer = Dataset()
        tracer.RadionuclideTotalDose, tracer.RadionuclideHalfLife, tracer.RadiopharmaceuticalStartTime = (
            "3.7e8",
            "6586.2",
            "091500",
        )
        one.RadiopharmaceuticalInformationSequence = [tracer]
        planted |= plant(one, k)
    inside = np.zeros((20, 18, 10), np.uint8)
    inside[4:12, 5:13, 2:8] = 1
    save(made, folder / "in" / "QZFILENAME", "QZFILENAME")
    mask = Mask(inside, read_series(sorted((folder / "plain").iterdir())).affine, {1: "GTV-1 QZLABEL"})
    who = lambda word: uid("qz", word)  # noqa: E731
    write_rtstruct(folder / "in/rt.dcm", {"GTV-1 QZLABEL": mask, "QZONLYNAME": mask}, made, who, "20190824", "101112")
    write_seg(folder / "in/seg.dcm", mask, made, who, "20190824", "101112")
    planted |= {
        "RT and SEG label": "QZLABEL",
        "RT label": "QZONLYNAME",
        "RT date": "20190824",
        "rt": uid("qz", "rtstruct.instance"),
    }
    table = "id,name,scan,age,EGFR,remarks,mrn2\n"
    table += f"{PATIENT},QZTABLENAME,2019-08-17,93,mut,QZTABLENOTE,811234567\nP2,Anna,2019-01-02,40,wt,,811234568\n"
    (folder / "clinical.csv").write_text(table)
    maf = f"Hugo_Symbol\tTumor_Sample_Barcode\tt_depth\nEGFR\t{PATIENT}-01A\t-9\n"
    (folder / "mutations.maf").write_text(maf)
    planted |= {
        "table name": "QZTABLENAME",
        "table note": "QZTABLENOTE",
        "table date": "2019-08-17",
        "number": "811234567",
    }
    out = deidentify(folder / "in", folder / "out", tables=[folder / "clinical.csv", folder / "mutations.maf"])
    return folder, out, planted, made, inside


def test_nothing_that_was_planted_survives_in_any_byte_or_name(given: Any) -> None:
    folder, out, planted, *_ = given
    assert len(planted) >= 47
    assert out.written == 12
    everything = {
        path.relative_to(folder / "out").as_posix(): path.read_bytes() for path in (folder / "out").rglob("*.*")
    }
    assert len(everything) == 16
    for place, text in planted.items():
        found = [name for name, data in everything.items() if text.encode() in data or text in name]
        assert found == [], place
        wide = [name for name, data in everything.items() if text.encode("utf-16-le") in data]
        assert wide == [], place
    assert not any(b"KARLSSON" in data for data in everything.values())
    said = "\n".join(out.lines())
    assert not any(text in said for text in planted.values())


def test_what_analysis_needs_stays(given: Any) -> None:
    _, out, _, made, _ = given
    clean = sorted(
        (pydicom.dcmread(path) for path in out.files if path.suffix == ".dcm"),
        key=lambda one: one.get("InstanceNumber", 99),
    )
    first, before = clean[0], made[0]
    assert first.InstanceNumber == before.InstanceNumber == 1
    kept = (
        *(
            "PatientSex",
            "PatientWeight",
            "PatientSize",
            "Modality",
            "PixelSpacing",
            "SliceThickness",
            "ConvolutionKernel",
        ),
        *("ImageOrientationPatient", "ImagePositionPatient", "RescaleSlope", "RepetitionTime", "EchoTime", "Units"),
        *("DecayCorrection", "SeriesTime", "AcquisitionTime", "BodyPartExamined", "Manufacturer"),
    )
    for keyword in kept:
        assert first[keyword].value == before[keyword].value, keyword
    assert first.PatientAge == "090Y"
    assert float(first.RadiopharmaceuticalInformationSequence[0].RadionuclideTotalDose) == 3.7e8
    assert first.RadiopharmaceuticalInformationSequence[0].RadiopharmaceuticalStartTime == "091500"
    assert first.private_block(0x0019, "SIEMENS MR HEADER")[0x0C].value == 1000
    assert first.PatientIdentityRemoved == "YES"
    assert first.PixelData == before.PixelData.removesuffix(b"QZAFTERPIXELS!")
    days = {
        keyword: pydicom.valuerep.DA(first[keyword].value) for keyword in ("StudyDate", "SeriesDate", "ContentDate")
    }
    moved = {pydicom.valuerep.DA(DATES[keyword]) - day for keyword, day in days.items()}
    assert len(moved) == 1
    assert moved.pop().days >= 30


def test_uids_point_to_each_other_as_before(given: Any) -> None:
    folder, out, _, made, inside = given
    by_kind: dict[str, list[Path]] = {}
    for path in out.files:
        if path.suffix == ".dcm":
            by_kind.setdefault(str(pydicom.dcmread(path).Modality), []).append(path)
    image = read_series(by_kind["PT"])
    original = read_series(sorted((folder / "plain").iterdir()))
    # uptake needs weight, dose and both times: one hour after injection, by hand
    per_kbq = 61.5e3 / (3.7e8 * 2 ** (-3600 / 6586.2))
    np.testing.assert_allclose(image.values(), original.values() * per_kbq, rtol=1e-6)
    assert image.grid.same_as(original.grid)
    structures = read_structures(by_kind["RTSTRUCT"][0])
    assert structures.names == ("GTV-1", "ROI 2")
    np.testing.assert_array_equal(rasterise(structures, "GTV-1", image).inside(), inside == 1)
    seg = read_seg(by_kind["SEG"][0], image)
    np.testing.assert_array_equal(seg.inside(), inside == 1)
    assert list(seg.labels.values()) == ["GTV-1"]
    drawn = pydicom.dcmread(by_kind["RTSTRUCT"][0])
    assert drawn.ReferencedFrameOfReferenceSequence[0].FrameOfReferenceUID == image.tags["FrameOfReferenceUID"]
    assert made[0].FrameOfReferenceUID != image.tags["FrameOfReferenceUID"]


def test_tables_carry_the_same_pseudonym_and_the_same_days(given: Any) -> None:
    folder, out, *_ = given
    key = open_key(out.key)
    clinical = list(csv.DictReader(io.StringIO((folder / "out/table-1.csv").read_text())))
    assert [row["id"] for row in clinical] == [key.pseudonym(PATIENT), key.pseudonym("P2")]
    assert list(clinical[0]) == ["id", "scan", "age", "EGFR"]
    assert [row["age"] for row in clinical] == ["90", "40"]
    image = pydicom.dcmread(next(path for path in out.files if path.suffix == ".dcm"))
    assert image.PatientID == clinical[0]["id"]
    assert clinical[0]["scan"].replace("-", "") == image.StudyDate
    (variant,) = csv.DictReader(io.StringIO((folder / "out/table-2.maf").read_text()), delimiter="\t")
    assert variant == {"Hugo_Symbol": "EGFR", "Tumor_Sample_Barcode": f"{key.pseudonym(PATIENT)}-01A", "t_depth": "-9"}


def test_the_key_stands_apart_for_its_owner_alone_and_gives_the_same_again(given: Any) -> None:
    folder, out, *_ = given
    assert stat.S_IMODE(out.key.stat().st_mode) == 0o600
    assert folder / "out" not in out.key.parents
    known = json.loads(out.key.read_text())
    assert PATIENT in known["patients"]
    assert any("QZFILENAME" in place for place in known["places"])
    again = deidentify(folder / "in", folder / "again", out.key)
    names = lambda root: {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.dcm")}  # noqa: E731
    assert names(folder / "again") == names(folder / "out")
    other = deidentify(folder / "in", folder / "other", folder / "other-key.json")
    assert json.loads((folder / "other-key.json").read_text())["patients"].keys() == {PATIENT}
    assert not set(names(folder / "other")) & set(names(folder / "out"))
    assert again.patients == other.patients == 1


def test_any_number_of_processes_gives_the_same_files(given: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, out, *_ = given
    monkeypatch.setattr("genoxel.study.deidentify.FEW", 1)
    two = deidentify(folder / "in", folder / "two", out.key, workers=2)
    bytes_of = [{path.name: path.read_bytes() for path in one.files if path.suffix == ".dcm"} for one in (out, two)]
    assert bytes_of[0] == bytes_of[1]


def test_the_report_says_what_was_done_and_what_was_not(given: Any) -> None:
    folder, out, *_ = given
    told = json.loads((folder / "out/deidentification.json").read_text())
    assert told["actions"]["removed"]["PatientName"] == 12
    assert told["actions"]["mapped"]["SOPInstanceUID"] == 12
    assert told["actions"]["removed"]["private"] >= 20
    assert any("burned-in" in line for line in told["not_done"])
    assert "released by" in told["sign_off"]
    listing = list(csv.DictReader((folder / "out/deidentification.csv").read_text().splitlines()))
    assert len(listing) == len(out.files) == 14
    assert told["tables"]["table-1.csv"]["column 2"].startswith("removed")


def test_codes_of_the_options_are_those_of_the_standard() -> None:
    every = [getattr(codes.DCM, name) for name in dir(codes.DCM)]
    published = {str(code.value): code.meaning for code in every if hasattr(code, "meaning")}
    for value, meaning in OPTIONS:
        assert published[value].removesuffix(" Option") == meaning.removesuffix(" Option")


def one_file(folder: Path, **changes: Any) -> Path:
    (made,) = slices((6, 5, 1), modality="CT", patient="P1")
    for keyword, value in changes.items():
        setattr(made, keyword, value)
    return save([made], folder)[0]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"BurnedInAnnotation": "YES"}, "burned into the pixels"),
        ({"Modality": "US", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.6.1"}, "US: text may be burned"),
        ({"Modality": "OT", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, "OT: text may be burned"),
        ({"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}, "text may be burned"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.11", "Modality": "SR"}, "neither image"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.104.1", "Modality": "DOC"}, "neither image"),
        ({"BodyPartExamined": "HEAD"}, "a face can be recognised"),
        ({"SeriesDescription": "Brain with contrast"}, "a face can be recognised"),
        ({"PatientID": ""}, "no PatientID"),
    ],
)
def test_what_cannot_be_cleaned_by_rules_is_held_back(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    found = deidentify_file(one_file(tmp_path / "in", **changes), Key(b"k" * 32))
    assert reason in found.held
    assert found.data == b""


def test_somebody_who_looked_releases_and_heads_can_be_marked(tmp_path: Path) -> None:
    key = Key(b"k" * 32)
    burned = one_file(tmp_path / "us", Modality="US", SOPClassUID="1.2.840.10008.5.1.4.1.1.6.1")
    assert deidentify_file(burned, key, looked_at=True).place
    head = deidentify_file(one_file(tmp_path / "head", BodyPartExamined="HEAD"), key, faces="mark")
    assert head.head
    assert pydicom.dcmread(io.BytesIO(head.data)).RecognizableVisualFeatures == "YES"
    unsaid = deidentify_file(one_file(tmp_path / "unsaid"), key)
    assert not unsaid.region_known
    assert "RecognizableVisualFeatures" not in pydicom.dcmread(io.BytesIO(unsaid.data)), "what is not known is not said"
    chest = deidentify_file(one_file(tmp_path / "chest", BodyPartExamined="CHEST"), key)
    assert pydicom.dcmread(io.BytesIO(chest.data)).RecognizableVisualFeatures == "NO"


def test_a_name_that_is_a_word_of_radiology_goes_and_what_repeats_a_removed_text_too(tmp_path: Path) -> None:
    path = one_file(
        tmp_path, PatientName="Space^Brain", SeriesDescription="T1 Space thorax", Manufacturer="Clinic of Nowhere",
        InstitutionName="Clinic of Nowhere",
    )  # fmt: skip
    made = pydicom.dcmread(io.BytesIO(deidentify_file(path, Key(b"k" * 32)).data))
    assert made.SeriesDescription == "T1 thorax"
    assert "Manufacturer" not in made


def test_comments_of_compressed_frames_are_blanked_and_decode_as_before(tmp_path: Path) -> None:
    head = b"\xff\xd8\xff\xe0\x00\x10JFIF\0" + bytes(9) + b"\xff\xfe\x00\x08QZNAME"
    data = head + b"\xff\xda\x00\x02pixels \xff\xd9"
    blanked = blank_notes(data)
    assert b"QZNAME" not in blanked
    place = data.index(b"QZNAME")
    assert (blanked[:place], blanked[place + 6 :]) == (data[:place], data[place + 6 :])
    assert len(set(blanked[place : place + 6])) == 1
    assert blanked.endswith(b"pixels \xff\xd9")
    assert b"JFIF" in blanked
    note = b"\xff\x4f\xff\x51\x00\x04ab\xff\x64\x00\x09\x00\x01Doe J\xff\x90rest"
    assert b"Doe" not in blank_notes(note)
    assert blank_notes(note).endswith(b"\xff\x90rest")
    assert blank_notes(b"RLE or anything") == b"RLE or anything"


def test_places_that_would_give_identities_away_are_refused(tmp_path: Path) -> None:
    one_file(tmp_path / "in")
    with pytest.raises(SettingsError, match="inside what is given away"):
        deidentify(tmp_path / "in", tmp_path / "out", tmp_path / "out/key.json")
    with pytest.raises(SettingsError, match="inside the folder"):
        deidentify(tmp_path / "in", tmp_path / "in/out")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/x").write_text("x")
    with pytest.raises(SettingsError, match="holds files already"):
        deidentify(tmp_path / "in", tmp_path / "full")
    with pytest.raises(InputError, match="no folder"):
        deidentify(tmp_path / "none", tmp_path / "out")
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(FileFormatError, match="holds no key"):
        deidentify(tmp_path / "in", tmp_path / "out", tmp_path / "bad.json")


def test_damaged_and_other_files_are_held_back_and_counted(tmp_path: Path) -> None:
    path = one_file(tmp_path / "in")
    (tmp_path / "in/cut.dcm").write_bytes(path.read_bytes()[:-20])
    (tmp_path / "in/notes about Mr QZ.txt").write_text("QZ")
    found = deidentify(tmp_path / "in", tmp_path / "out")
    assert found.written == 1
    assert found.held == {"damaged, or no DICOM file that can be read": 1, "no DICOM file": 1}


def test_a_table_without_patients_is_refused_and_free_text_goes(tmp_path: Path) -> None:
    key = Key(b"k" * 32)
    file = tmp_path / "t.csv"
    file.write_text("a,b\n1,2\n")
    with pytest.raises(TableError, match="without a column of patients"):
        deidentify_table(file, key)
    lines = "".join(f"P{n},seen by somebody on day {n},{100000 + n}\n" for n in range(40))
    file.write_text("who,story,case\n" + lines)
    (table,) = deidentify_table(file, key, "who")
    assert table.header == ("who",)
    assert [what.split(":")[0] for _, what in table.columns] == ["ids replaced", "removed", "removed"]


def test_only_words_of_radiology_and_measures_stay() -> None:
    assert clean_words("Ax T2 FLAIR 3mm, Hr. Meier 12.03.1951 #88123") == "Ax T2 FLAIR 3mm"
    assert clean_words("GTVp_2", numbers=True) == "GTVp_2"
    assert clean_words("b1000 ADC") == "b1000 ADC"
    assert clean_words("Müller") == ""


def test_a_saved_key_is_private_from_its_first_byte(tmp_path: Path) -> None:
    key = open_key(tmp_path / "k.json")
    name = key.pseudonym("P1")
    save_key(key, tmp_path / "k.json")
    again = open_key(tmp_path / "k.json")
    assert again.pseudonym("P1") == name
    assert again.days("P1") == key.days("P1")
    assert again.uid("1.2.3") == key.uid("1.2.3")
    assert stat.S_IMODE((tmp_path / "k.json").stat().st_mode) == 0o600


UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")


@pytest.mark.parametrize("kind", ["T1", "CT"])
def test_faces_are_removed_from_the_pixels_and_brains_are_not_touched(tmp_path: Path, kind: str) -> None:
    image, parts = drawn(3, kind)
    values = np.clip(image.values() * (1 if kind == "CT" else 500), -1024 if kind == "CT" else 0, None)
    image = Image(np.rint(values), image.affine, image.modality, image.unit)
    tags = {"PatientID": "MRN1", "PatientName": "Doe^Jane", "StudyDate": "20250102", "BodyPartExamined": "HEAD"}
    write_series(image, tmp_path / "dicom", tags | {name: f"1.2.3.{place}" for place, name in enumerate(UIDS)})
    found = deidentify(tmp_path / "dicom", tmp_path / "out", faces="deface")
    assert (found.written, found.defaced, found.heads, found.held) == (image.shape[2], image.shape[2], 0, {})
    files = sorted((tmp_path / "out").rglob("*.dcm"))
    given = read_series(files)
    before, after = image.values(), given.values()
    changed = before != after
    for name in ("nose", "eyes", "chin", "mouth"):
        assert changed[parts[name]].mean() > 0.9, name
        assert (after[parts[name]] <= np.percentile(before, 5)).mean() > 0.9, name
    assert changed[parts["brain"]].mean() < 0.015
    header = pydicom.dcmread(files[0])
    assert header.RecognizableVisualFeatures == "NO"
    assert "113102" in [item.CodeValue for item in header.DeidentificationMethodCodeSequence]


def test_a_head_whose_face_cannot_be_found_is_held_back(tmp_path: Path) -> None:
    path = one_file(tmp_path / "dicom", BodyPartExamined="HEAD")
    found = deidentify(path.parent, tmp_path / "out", faces="deface")
    assert found.written == 0
    assert found.held == {"image of the head: its face could not be found, and so not be removed": 1}
