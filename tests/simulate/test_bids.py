"""The NIfTI tree: read by nibabel and json alone, it holds what the DICOM files hold, and what analysis needs."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813
from scipy import optimize

from genoxel.simulate import Course, Delivery, Imaging, SimulationSpec, simulate
from genoxel.simulate.bids import sidecar
from genoxel.simulate.plan import draw_people
from genoxel.simulate.render import phantom
from genoxel.simulate.visits import drawn_by

HEAD = SimulationSpec(
    n=4,
    shape=(48, 48, 14),
    also=("dwi", "pet", "dynamic-pet"),
    effects=("EGFR:adc:1",),
    prevalence={"EGFR": 0.5},
    seed=8,
    imaging=Imaging(readers=2, faults={"missing-slices": 0.25, "wrong-orientation": 0.25}),
    course=Course(lesions=2),
    delivery=Delivery(layouts=("dicom", "nifti", "enhanced"), maps=True),
)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> Path:
    return simulate(HEAD, tmp_path_factory.mktemp("bids") / "c")


@pytest.fixture(scope="module")
def faults(cohort) -> dict[str, str]:
    told = json.loads((cohort / "truth.json").read_text())["delivered"]
    return {facts["fault"]["kind"]: name for name, facts in told.items() if "fault" in facts}


def sound(faults) -> str:
    return next(f"SIM-00{k}" for k in range(1, 5) if f"SIM-00{k}" not in faults.values())


def part(cohort: Path, patient: str, kind: str, word: str) -> Path:
    subject = f"sub-{patient.replace('-', '')}"
    return cohort / "nifti" / subject / "ses-first" / kind / f"{subject}_ses-first_{word}"


def test_the_top_says_what_it_is_and_who_each_subject_is(cohort):
    said = json.loads((cohort / "nifti" / "dataset_description.json").read_text())
    assert "SIMULATED" in said["Name"]
    rows = list(csv.DictReader((cohort / "nifti" / "participants.tsv").read_text().splitlines(), delimiter="\t"))
    assert [row["PatientID"] for row in rows] == ["SIM-001", "SIM-002", "SIM-003", "SIM-004"]
    assert all((cohort / "nifti" / row["participant_id"]).is_dir() for row in rows)


def test_a_series_is_one_file_of_several_volumes_with_what_its_analysis_needs(cohort, faults):
    name = sound(faults)
    one = phantom(HEAD, int(name[-1]) - 1)
    series = {item.name: item for item in one.series}
    for kind, word, key in (("dwi", "dwi", "DWI"), ("pet", "trc-FDG_rec-dynamic_pet", "PTDYN")):
        image = nib.load(f"{part(cohort, name, kind, word)}.nii.gz")
        values = np.stack([volume.values() for volume in series[key].volumes], axis=3)
        assert np.array_equal(image.get_fdata(dtype=np.float32), values)
        np.testing.assert_allclose(np.diag([-1, -1, 1, 1]) @ image.affine, one.tumour.affine, atol=1e-4)
    b = np.loadtxt(f"{part(cohort, name, 'dwi', 'dwi')}.bval")
    assert list(b) == [0, 50, 500, 1000]
    dynamic = json.loads(Path(f"{part(cohort, name, 'pet', 'trc-FDG_rec-dynamic_pet')}.json").read_text())
    np.testing.assert_allclose(np.cumsum(dynamic["FrameDuration"])[:-1], dynamic["FrameTimesStart"][1:])
    assert dynamic["ImageDecayCorrected"] is False


def test_the_times_of_a_contrast_series_stand_beside_it():
    spec = SimulationSpec(n=4, modality="breast", also=("dce",), shape=(112, 70, 36))
    (series,) = phantom(spec, 0).series
    facts = sidecar(spec, draw_people(spec)[0], series)
    assert facts["VolumeTiming"] == [0, 70, 140, 210, 280, 350]
    assert facts["FlipAngle"] == 12


def test_uptake_by_hand_from_the_sidecar_is_that_of_the_true_map(cohort, faults):
    name = sound(faults)
    stem = part(cohort, name, "pet", "trc-FDG_rec-static_pet")
    facts = json.loads(Path(f"{stem}.json").read_text())
    left = facts["InjectedRadioactivity"] * 1e6 * 2 ** (facts["InjectionStart"] / facts["RadionuclideHalfLife"])
    suv = nib.load(f"{stem}.nii.gz").get_fdata() * 1000 * facts["PatientWeight"] / left
    truth = nib.load(cohort / "truth" / name / "suv.nii.gz").get_fdata()
    assert suv.sum() == pytest.approx(truth.sum(), rel=0.01)


def test_every_mask_is_there_on_the_grid_of_its_image(cohort, faults):
    person = draw_people(HEAD)[int(sound(faults)[-1]) - 1]
    one = phantom(HEAD, person.index)
    subject = f"sub-{person.name.replace('-', '')}"
    home = cohort / "nifti" / "derivatives" / "contours" / subject / "ses-first"
    wanted = {"tumour": one.tumour, "tumour-reader2": drawn_by(HEAD, person, one.tumour, 2), **one.others}
    assert {path.name for path in home.iterdir()} == {
        f"{subject}_ses-first_desc-{word.replace(' ', '')}_mask.nii.gz" for word in wanted
    }
    for word, mask in wanted.items():
        stored = nib.load(home / f"{subject}_ses-first_desc-{word.replace(' ', '')}_mask.nii.gz")
        assert np.array_equal(np.asarray(stored.dataobj) > 0, mask.inside())
    assert "GTV 2" in wanted


@pytest.mark.parametrize("kind", ["missing-slices", "wrong-orientation"])
def test_a_fault_is_in_every_layout_alike(cohort, faults, kind):
    """Voxels and places by SimpleITK: the classic slices, the multi-frame file and NIfTI tell the same."""
    name = faults[kind]
    headers = [pydicom.dcmread(path) for path in sorted((cohort / "dicom" / name / "2_T1CE").glob("*.dcm"))]
    classic = np.stack([header.pixel_array for header in headers])
    heights = [float(header.ImagePositionPatient[2]) for header in headers]
    frames = pydicom.dcmread(next((cohort / "enhanced" / name).glob("2_T1CE.dcm")))
    assert np.array_equal(frames.pixel_array, classic)
    places = [item.PlanePositionSequence[0].ImagePositionPatient for item in frames.PerFrameFunctionalGroupsSequence]
    assert [float(place[2]) for place in places] == heights
    stem = part(cohort, name, "anat", "ce-gadolinium_T1w")
    image = sitk.ReadImage(f"{stem}.nii.gz")
    assert np.array_equal(sitk.GetArrayFromImage(image), classic)
    np.testing.assert_allclose(image.GetOrigin(), [float(x) for x in headers[0].ImagePositionPatient], atol=1e-3)
    subject = f"sub-{name.replace('-', '')}"
    masks = cohort / "nifti" / "derivatives" / "contours" / subject / "ses-first"
    mask = sitk.ReadImage(str(masks / f"{subject}_ses-first_desc-tumour_mask.nii.gz"))
    assert mask.GetSize() == image.GetSize()
    np.testing.assert_allclose(mask.GetOrigin(), image.GetOrigin(), atol=1e-3)
    np.testing.assert_allclose(mask.GetDirection(), image.GetDirection(), atol=1e-6)
    assert (len(headers) < HEAD.size[2]) == (kind == "missing-slices")


def test_contours_of_a_multi_frame_file_name_its_frames(cohort, faults):
    """Each contour lies in the plane of the frame it names, by pydicom alone."""
    for name in (sound(faults), faults["missing-slices"]):
        home = cohort / "enhanced" / name
        frames = pydicom.dcmread(home / "2_T1CE.dcm")
        heights = [
            float(item.PlanePositionSequence[0].ImagePositionPatient[2])
            for item in frames.PerFrameFunctionalGroupsSequence
        ]
        contours = pydicom.dcmread(home / "RTSTRUCT" / "contours.dcm")
        classic = pydicom.dcmread(cohort / "dicom" / name / "RTSTRUCT" / "contours.dcm")
        assert contours.SOPInstanceUID != classic.SOPInstanceUID
        named = 0
        for roi, plain in zip(contours.ROIContourSequence, classic.ROIContourSequence, strict=True):
            for item, other in zip(roi.ContourSequence, plain.ContourSequence, strict=True):
                assert list(item.ContourData) == list(other.ContourData)
                reference = item.ContourImageSequence[0]
                assert reference.ReferencedSOPInstanceUID == frames.SOPInstanceUID
                if "ReferencedFrameNumber" in reference:
                    named += 1
                    assert float(item.ContourData[2]) == pytest.approx(heights[reference.ReferencedFrameNumber - 1])
        assert named > 5


def test_diffusion_from_the_tree_alone_is_the_true_map(cohort, faults):
    name = sound(faults)
    stem = part(cohort, name, "dwi", "dwi")
    signal, b = nib.load(f"{stem}.nii.gz").get_fdata(), np.loadtxt(f"{stem}.bval")
    truth = nib.load(cohort / "truth" / name / "adc.nii.gz").get_fdata()
    inside = nib.load(cohort / "truth" / name / "tumour.nii.gz").get_fdata() > 0
    mean = signal[inside].mean(axis=0)
    (_, adc), _ = optimize.curve_fit(lambda x, s, d: s * np.exp(-x * d), b, mean, p0=(mean[0], 1e-3))
    assert 1000 * adc == pytest.approx(truth[inside].mean(), rel=0.15)  # a mixture of tissues decays faster at first
