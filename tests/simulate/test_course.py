"""Repeats, readers, faults, time points, lesions and clones: each is in the files, and the truth says so."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813
from scipy import ndimage

from genoxel.io.dicom import read_series
from genoxel.io.rtstruct import rasterise, read_structures
from genoxel.simulate import Course, Delivery, Imaging, SimulationSpec, simulate
from genoxel.simulate.clones import regions, take_biopsies
from genoxel.simulate.faults import damaged, fault_of, plant
from genoxel.simulate.plan import draw_people, stream
from genoxel.simulate.render import phantom, render, spacing_of
from genoxel.simulate.visits import RESCAN, _state, drawn_by, visits

SMALL = (48, 48, 14)


@pytest.fixture(scope="module")
def everything(tmp_path_factory) -> tuple[SimulationSpec, Path]:
    spec = SimulationSpec(
        n=4,
        effects=("EGFR:adc:1.5", "TP53:none"),
        prevalence={"EGFR": 0.5, "TP53": 0.5},
        shape=SMALL,
        seed=8,
        also=("dwi", "pet"),
        imaging=Imaging(rescan=True, readers=2, faults={"missing-slices": 0.25}),
        course=Course(points=2, clones=1, biopsies=3),
        delivery=Delivery(layouts=("dicom", "nifti", "enhanced"), maps=True),
    )
    return spec, simulate(spec, tmp_path_factory.mktemp("all") / "cohort")


def test_every_file_opens_elsewhere_without_complaint(everything):
    _, folder = everything
    files = sorted(folder.rglob("*.dcm"))
    assert len(files) > 900
    uids = set()
    for path in files:
        header = pydicom.dcmread(path, stop_before_pixels=True)
        uids.add(header.SOPInstanceUID)
        assert header.InstitutionName == "SIMULATED"
    assert len(uids) == len(files)
    reader = sitk.ImageSeriesReader()
    for home in sorted(path for path in folder.glob("dicom/*/*_T1") if path.is_dir()):
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(home)))
        assert reader.Execute().GetSize()[:2] == SMALL[:2]
    for path in [*sorted(folder.glob("enhanced/SIM-001/*.dcm")), *sorted(folder.glob("dicom/SIM-001/*_PT/*1.dcm"))]:
        assert sitk.ReadImage(str(path)).GetNumberOfPixels() > 0


@pytest.mark.skipif(shutil.which("dcmdump") is None, reason="dcmtk is not installed")
def test_dcmtk_reads_every_kind_of_file_without_a_warning(everything):
    _, folder = everything
    files = sorted(folder.glob("dicom/SIM-001/**/IM0000[12].dcm")) + sorted(folder.glob("enhanced/SIM-00[12]/*.dcm"))
    files += sorted(folder.glob("dicom/*/*/contours*.dcm"))
    assert len(files) > 20
    done = subprocess.run(["dcmdump", "-q", "+fo", *map(str, files)], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stderr == ""
    loud = subprocess.run(["dcmdump", *map(str, files)], capture_output=True, text=True, check=False)
    assert not [line for line in loud.stderr.splitlines() if line.startswith(("W:", "E:"))]


EVERY_KIND = {
    "head": {
        "shape": SMALL,
        "also": ("dwi", "dce", "pet", "dynamic-pet"),
        "imaging": Imaging(rescan=True, readers=2, faults={"wrong-orientation": 1.0}),
    },
    "chest": {"modality": "ct", "masks": "seg", "also": ("pet", "sharp", "thick-5", "native"), "shape": (80, 80, 24)},
    "breast": {"modality": "breast", "also": ("dce",), "course": Course(lesions=2, points=2)},
    "prostate": {"modality": "prostate", "also": ("dwi",), "masks": "seg"},
}
B_VALUE = ("(0x0018,0x9087) FD Diffusion b-value", "this is a Standard Extended SOP Class")
"""A classic MR header has no place for the b-value: as real scanners do, it is written beside the standard's own."""


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dicom3tools is not installed")
@pytest.mark.parametrize("kind", EVERY_KIND)
def test_every_kind_of_file_keeps_the_standard(kind, tmp_path):
    """One file of each series and kind of object is what the standard asks, by an independent validator."""
    spec = SimulationSpec(n=4, seed=1, delivery=Delivery(layouts=("dicom", "enhanced")), **EVERY_KIND[kind])
    folder = simulate(spec, tmp_path / "c")
    homes = [home for home in (folder / "dicom" / "SIM-001").rglob("*") if home.is_dir()]
    files = [min(home.glob("*.dcm")) for home in homes if any(home.glob("*.dcm"))]
    files += sorted((folder / "enhanced" / "SIM-001").glob("*.dcm"))
    assert len(files) > 6
    for path in files:
        done = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False)
        said = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith(("Error", "Warning"))]
        said = [line for line in said if "CLOSEDPLANAR_XOR" not in line]  # younger than the validator
        if "DWI" in path.parts[-2]:
            said = [line for line in said if not any(word in line for word in B_VALUE)]
        assert not said, path
        if "RTSTRUCT" not in path.parts:
            assert sitk.ReadImage(str(path)).GetNumberOfPixels() > 0


def test_enhanced_files_hold_the_same_voxels(everything):
    spec, folder = everything
    one = phantom(spec, 1)
    path = next(folder.glob("enhanced/SIM-002/*_FLAIR.dcm"))
    image = sitk.ReadImage(str(path))
    values = sitk.GetArrayFromImage(image).transpose(2, 1, 0)
    assert np.abs(values - one.images["FLAIR"].values()).max() == 0
    np.testing.assert_allclose(image.GetSpacing(), one.images["FLAIR"].spacing, rtol=1e-4)
    np.testing.assert_allclose(image.GetOrigin(), one.images["FLAIR"].affine[:3, 3], atol=1e-3)
    content = pydicom.dcmread(next(folder.glob("enhanced/SIM-002/*_DWI.dcm")))
    frames = content.PerFrameFunctionalGroupsSequence
    b = [frame.MRDiffusionSequence[0].DiffusionBValue for frame in frames]
    assert b == [value for value in (0.0, 50.0, 500.0, 1000.0) for _ in range(SMALL[2])]


def test_several_volumes_of_a_series_are_told_apart_by_their_tags(tmp_path):
    spec = SimulationSpec(n=4, shape=(48, 48, 12), also=("dsc",), seed=1)
    folder = simulate(spec, tmp_path / "c")
    headers = [pydicom.dcmread(path, stop_before_pixels=True) for path in folder.glob("dicom/SIM-001/*_DSC/*.dcm")]
    assert len({header.SeriesInstanceUID for header in headers}) == 1
    assert len(headers) == 50 * 12
    keys = {(float(header.ImagePositionPatient[2]), header.TemporalPositionIdentifier) for header in headers}
    assert len(keys) == len(headers)
    times = {header.TemporalPositionIdentifier: header.AcquisitionTime for header in headers}
    assert [times[key] for key in sorted(times)] == sorted(times.values())


def test_a_rescan_is_the_same_tissue_with_other_noise(everything):
    spec, folder = everything
    first = read_series(sorted((folder / "dicom" / "SIM-002" / "2_T1CE").glob("*.dcm")))
    again = read_series(sorted((folder / "dicom" / "SIM-002" / "rescan" / "2_T1CE").glob("*.dcm")))
    one, two = first.values().astype(float), again.values().astype(float)
    inside = phantom(spec, 1).tumour.inside()
    assert not np.array_equal(one, two)
    assert np.corrcoef(one[inside], two[inside])[0, 1] > 0.9
    headers = [pydicom.dcmread(next((folder / "dicom" / "SIM-002" / home).glob("*/*.dcm"))) for home in ("", "rescan")]
    assert headers[0].StudyInstanceUID != headers[1].StudyInstanceUID
    assert headers[0].StudyDate == headers[1].StudyDate


def test_later_scans_are_later_studies_with_the_volume_told(everything):
    spec, folder = everything
    truth = json.loads((folder / "truth.json").read_text())
    for person in draw_people(spec):
        told = truth["delivered"][person.name]["visits"]
        assert [one["visit"] for one in told] == ["first", "visit2", "rescan"]
        assert told[1]["tumour_ml"] / told[0]["tumour_ml"] == pytest.approx(told[1]["volume"], rel=0.12)
        first, later = (
            pydicom.dcmread(next((folder / "dicom" / person.name / home).glob("1_T1/*.dcm"))) for home in ("", "visit2")
        )
        assert later.StudyDate > first.StudyDate


def test_the_courses_are_what_they_are_called():
    grown, left = _state("growth", 2, 0.5), _state("response", 2, 0.5)
    assert grown[0] > 1.5
    assert left[0] < 0.4
    swollen = [_state("pseudoprogression", cycles, 0.5) for cycles in (0, 1, 3)]
    assert swollen[1][0] > 1.3  # looks like growth ...
    assert swollen[1][1] < 0.6  # ... while the tumour dies ...
    assert swollen[2][0] < swollen[1][0]  # ... and shrinks later
    spec = SimulationSpec(n=4, shape=SMALL, imaging=Imaging(rescan=True), course=Course(points=3))
    assert [one.number for one in visits(spec, draw_people(spec)[0])] == [0, 1, 2, RESCAN]


def test_anatomy_stays_while_the_tumour_changes():
    spec = SimulationSpec(n=4, shape=SMALL, course=Course(points=2, patterns={"response": 1.0}), seed=3)
    person = draw_people(spec)[0]
    later = visits(spec, person)[1]
    one, two = render(spec, person), render(spec, person, later.physical, later.number)
    far = ~ndimage.binary_dilation(one.tumour.inside(), iterations=8)
    first, second = one.images["T1"].values()[far], two.images["T1"].values()[far]
    assert np.corrcoef(first, second)[0, 1] > 0.98
    centres = [np.argwhere(item.tumour.inside()).mean(axis=0) for item in (one, two)]
    assert np.abs(centres[0] - centres[1]).max() < 1.5
    assert two.tumour.count() < 0.85 * one.tumour.count()


def test_a_second_reader_errs_as_stated(everything):
    spec, folder = everything
    image = read_series(sorted((folder / "dicom" / "SIM-002" / "2_T1CE").glob("*.dcm")))
    home = folder / "dicom" / "SIM-002" / "RTSTRUCT"
    one = rasterise(read_structures(home / "contours.dcm"), "GTV", image).inside()
    two = rasterise(read_structures(home / "contours_reader2.dcm"), "GTV", image).inside()
    dice = 2 * np.sum(one & two) / (one.sum() + two.sum())
    assert 0.75 < dice < 0.99
    spec = SimulationSpec(n=4, imaging=Imaging(readers=2, reader_bias_mm=2.0, reader_noise_mm=0.0), seed=1)
    truth = phantom(spec, 0).tumour
    drawn = drawn_by(spec, draw_people(spec)[0], truth, 2)
    r = [(3 * mask.count() * mask.grid.voxel_volume / (4 * np.pi)) ** (1 / 3) for mask in (truth, drawn)]
    assert r[1] - r[0] == pytest.approx(2, abs=0.7)


def test_faults_have_their_share_and_are_told(everything):
    spec, folder = everything
    truth = json.loads((folder / "truth.json").read_text())
    faulty = [name for name, told in truth["delivered"].items() if "fault" in told]
    assert faulty == [person.name for person in draw_people(spec) if fault_of(spec, person)]
    assert len(faulty) == 1
    left_out = truth["delivered"][faulty[0]]["fault"]["slices_left_out"]
    there = {path.name for path in (folder / "dicom" / faulty[0] / "1_T1").iterdir()}
    assert len(there) == SMALL[2] - len(left_out)
    assert not there & {f"IM{k:05d}.dcm" for k in left_out}


@pytest.mark.parametrize("fault", ["motion", "metal", "noise", "wrong-orientation"])
def test_faults_grow_with_severity(fault):
    changes = []
    for severity in (0.1, 0.9):
        spec = SimulationSpec(n=4, shape=SMALL, imaging=Imaging(faults={fault: 1.0}, severity=severity), seed=2)
        person = draw_people(spec)[0]
        assert fault_of(spec, person) == fault
        image = render(spec, person).images
        after, _ = damaged(spec, person, image, fault)
        changes.append(float(np.abs(after["T1"].values() - image["T1"].values()).mean()))
        if fault == "wrong-orientation":
            assert np.array_equal(after["T1"].values(), image["T1"].values())
            assert after["T1"].affine[0, 0] == (-image["T1"].affine[0, 0] if severity < 0.5 else 0)
            assert np.linalg.det(after["T1"].affine) == pytest.approx(np.linalg.det(image["T1"].affine))
    assert changes[1] > changes[0] or fault == "wrong-orientation"


@pytest.mark.parametrize(("fault", "modality"), [("motion", "mr"), ("noise", "mr"), ("motion", "ct"), ("metal", "ct")])
def test_a_cohorts_fault_is_the_one_planted_alone(fault, modality):
    """Severity 0, 0.5 and 1 of a cohort are severities 1, 2 and 3 of one image."""
    for severity, steps in ((0.0, 1), (0.5, 2), (1.0, 3)):
        shape = SMALL if modality == "mr" else (80, 80, 24)
        spec = SimulationSpec(
            n=4, modality=modality, shape=shape, imaging=Imaging(faults={fault: 1.0}, severity=severity), seed=2
        )
        person = draw_people(spec)[1]
        one = render(spec, person)
        name, image = next(iter(one.images.items()))
        after = damaged(spec, person, {name: image}, fault)[0][name]
        if fault == "metal":  # elsewhere, but as much of it
            alone = plant(image, one.tumour, fault, steps, np.random.default_rng(5))[0]
            assert after.values().max() == pytest.approx(alone.values().max(), rel=0.3)
        else:
            random = stream(spec, "faults2", person.index, 0)
            assert np.array_equal(after.values(), plant(image, one.tumour, fault, steps, random)[0].values())


@pytest.mark.parametrize(
    ("fault", "severity"),
    [("motion", 1.0), ("missing-slices", 0.0), ("missing-slices", 1.0), ("metal", 0.5), ("noise", 0.0), ("noise", 1.0)],
)
def test_a_chest_with_any_fault_is_written(fault, severity, tmp_path):
    """Noise keeps within 12 bits, and slices get lost from thicker and thinner ones at the same place."""
    spec = SimulationSpec(
        n=4,
        modality="ct",
        also=("thick-5", "thick-2.5"),
        shape=(80, 80, 60),
        imaging=Imaging(faults={fault: 0.25}, severity=severity),
        seed=1,
    )
    folder = simulate(spec, tmp_path / "c")
    told = json.loads((folder / "truth.json").read_text())["delivered"]
    (name,) = told
    assert told[name]["fault"]["kind"] == fault
    if fault == "missing-slices":
        every = {
            kind: [float(pydicom.dcmread(path).ImagePositionPatient[2]) for path in sorted(home.glob("*.dcm"))]
            for kind in ("1_CT", "2_thick-5", "3_thick-2.5")
            for home in (folder / "dicom" / name / kind,)
        }
        for heights in every.values():
            steps = np.diff(heights)
            gap = int(np.argmax(steps))
            assert steps[gap] > 1.5 * np.median(steps)
            first = int(np.argmax(np.diff(every["1_CT"])))
            middle = np.mean(every["1_CT"][first : first + 2])
            assert heights[gap] < middle < heights[gap + 1]


def test_metal_on_ct_streaks_from_itself():
    """Far from the ball values change along rays: more from angle to angle than from step to step outwards."""
    from scipy.ndimage import map_coordinates

    from genoxel.simulate.faults import _streaked

    picture, share = np.zeros((128, 128)), np.zeros((128, 128))
    share[60:68, 60:68] = 1
    shown = _streaked(picture, share, 2.0, np.random.default_rng(3))
    angles, radii = np.deg2rad(np.arange(0, 360, 3)), np.arange(14, 44, 1.0)
    at = [63.5 + np.outer(radii, part(angles)) for part in (np.cos, np.sin)]
    polar = map_coordinates(shown, at, order=1)
    along, across = (
        np.corrcoef(polar[:-1].ravel(), polar[1:].ravel()),
        np.corrcoef(polar[:, :-1].ravel(), polar[:, 1:].ravel()),
    )
    assert along[0, 1] > 0.8
    assert along[0, 1] > across[0, 1] + 0.1
    assert np.ptp(polar) > 100


@pytest.mark.parametrize("severity", [0.0, 0.5, 1.0])
def test_a_wrong_orientation_is_read_as_its_severity_says(severity, tmp_path):
    """The directions of the delivered slices by pydicom: about the second axis, about the first, a quarter turn."""
    spec = SimulationSpec(
        n=4, shape=SMALL, imaging=Imaging(faults={"wrong-orientation": 0.25}, severity=severity), seed=2
    )
    folder = simulate(spec, tmp_path / "c")
    told = json.loads((folder / "truth.json").read_text())["delivered"]
    (name,) = told
    headers = [pydicom.dcmread(path) for path in sorted((folder / "dicom" / name / "1_T1").glob("*.dcm"))]
    rows = [float(value) for value in headers[0].ImageOrientationPatient]
    rise = float(headers[1].ImagePositionPatient[2]) - float(headers[0].ImagePositionPatient[2])
    expected = {0.0: [-1, 0, 0, 0, 1, 0], 0.5: [1, 0, 0, 0, -1, 0], 1.0: [0, 1, 0, -1, 0, 0]}
    assert rows == expected[severity]
    assert (rise > 0) == (severity == 1.0)


def test_metal_on_mr_is_a_void_with_a_bent_surrounding():
    for steps, voxels in ((1, 1), (3, 300)):
        image = phantom(SimulationSpec(n=4, seed=2), 0)
        plain = image.images["T1"]
        after = plant(plain, image.tumour, "metal", steps, np.random.default_rng(1))[0]
        changed = np.abs(after.values() - plain.values()) > 0.3 * np.percentile(plain.values(), 95)
        assert changed.sum() >= voxels
        assert changed.mean() < 0.1
        assert np.array_equal(after.affine, plain.affine)


def test_several_lesions_are_apart_and_named():
    spec = SimulationSpec(n=6, course=Course(lesions=3), seed=5)
    found = [phantom(spec, index) for index in range(4)]
    assert any("GTV 2" in one.others for one in found)
    for one in found:
        others = [mask for name, mask in one.others.items() if name.startswith("GTV")]
        held = np.sum([mask.inside().astype(int) for mask in (one.tumour, *others)], axis=0)
        assert held.max() == 1
        assert all(mask.count() < one.tumour.count() for mask in others)


def test_several_lesions_each_have_a_course_of_their_own(tmp_path):
    """Growth, response, pseudoprogression and new lesions: what is told is what the contours hold."""
    spec = SimulationSpec(n=10, shape=(60, 60, 16), course=Course(points=3, lesions=3), seed=3)
    folder = simulate(spec, tmp_path / "c")
    truth = json.loads((folder / "truth.json").read_text())["delivered"]
    patterns, mixed, new = set(), 0, 0
    for told in truth.values():
        courses = {lesion["lesion"]: lesion["pattern"] for lesion in told["visits"][0]["lesions"]}
        patterns |= {told["visits"][0]["pattern"]}
        mixed += any(pattern != told["visits"][0]["pattern"] for pattern in courses.values())
        for number in courses:
            volumes = [visit["lesions"][number - 2] for visit in told["visits"]]
            assert [one["lesion"] for one in volumes] == [number] * 3
            drawn = [one["ml"] for one in volumes]
            new += volumes[0]["volume"] == 0
            assert all((one["ml"] == 0) or one["volume"] > 0 for one in volumes)
            if min(drawn) > 0.6 and volumes[0]["volume"] == 1:  # many voxels: the ratio of volumes is that declared
                ratio = drawn[2] / drawn[0]
                assert ratio == pytest.approx(volumes[2]["volume"], rel=0.35)
                if volumes[2]["pattern"] == "response":
                    assert ratio < 0.9
            if volumes[2]["pattern"] == "pseudoprogression" and volumes[0]["volume"] == 1:
                assert volumes[1]["volume"] > 1.2  # looks like growth ...
                assert volumes[1]["living"] < 0.6  # ... and is none
    assert {"growth", "response", "pseudoprogression"} <= patterns
    assert mixed > 0
    assert new > 0
    name, told = next(iter(truth.items()))
    for visit in told["visits"]:
        home = folder / "dicom" / name / ("" if visit["visit"] == "first" else visit["visit"])
        names = set(read_structures(home / "RTSTRUCT" / "contours.dcm").names)
        there = {f"GTV {lesion['lesion']}" for lesion in visit["lesions"] if lesion["ml"] > 0}
        assert {one for one in names if one.startswith("GTV ")} == there


def test_clones_differ_locally_and_biopsies_carry_their_genotype(everything):
    spec, folder = everything
    truth = json.loads((folder / "truth.json").read_text())
    assert truth["subclonal"] == {"EGFR": 1}
    spec = SimulationSpec(
        n=8,
        also=("dsc",),
        effects=("EGFR:rcbv:2",),
        prevalence={"EGFR": 0.5},
        course=Course(clones=1, biopsies=8, registration_mm=3.0),
        shape=SMALL,
        seed=4,
    )
    errors = []
    for person in draw_people(spec):
        one = render(spec, person)
        inside = one.tumour.inside()
        taken = take_biopsies(spec, person, inside, one.tumour.affine, spacing_of(spec, person))
        share = regions(spec, person, spacing_of(spec, person))
        for biopsy in taken:
            voxel = np.linalg.solve(one.tumour.affine, [*biopsy.true_mm, 1.0])[:3]
            at = tuple(np.rint(voxel).astype(int))
            assert inside[at]
            expected = bool(share["EGFR"][at]) if "EGFR" in share else person.genotype["EGFR"]
            assert biopsy.mutated["EGFR"] == expected
            errors.append(np.subtract(biopsy.said_mm, biopsy.true_mm))
        if person.genotype["EGFR"]:
            viable = one.maps["viable"].values() > 0.9
            clone = share["EGFR"] > 0
            volume = one.maps["rcbv"].values()
            assert volume[viable & clone].mean() > 1.3 * volume[viable & ~clone].mean()
    assert np.std(errors) == pytest.approx(3, rel=0.2)
