"""Quality control: planted faults are found, whole images and contours are left in peace."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from genoxel.core.errors import SettingsError
from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.image.orientation import fingerprint, turn_gains
from genoxel.image.qc import LIMITS, image_quality, mask_quality
from genoxel.simulate import SimulationSpec, phantom
from genoxel.simulate.faults import SEVERITIES, plant
from genoxel.stats.auc import delong

IMAGE = {
    ("mr", "noise"): ("noise_share", "noise_share"),
    ("mr", "motion"): ("ghosting", "ghosting"),
    ("mr", "missing slices"): ("slice_jump", "slice_jump"),
    ("ct", "noise"): ("noise", "noise_hu"),
    ("ct", "motion"): ("jitter_mm", "jitter_mm"),
    ("ct", "missing slices"): ("slice_jump", "slice_jump"),
    ("ct", "metal"): ("metal_ml", "metal_ml"),
}
CONTOUR = {
    "cut by the edge": "edge_share",
    "stray voxels": "stray_share",
    "mostly air": "air_share",
    "whole image": "body_share",
    "flipped contour": "flip_gain",
}
Pairs = list[tuple[Image, Mask]]


@cache
def patients(modality: str) -> tuple[Pairs, Pairs]:
    """Patients without a fault and patients for one, of a seed that no limit was set on."""
    spec = SimulationSpec(n=20, modality=modality, seed=2026, shape=(96, 96, 28) if modality == "ct" else None)
    found = [phantom(spec, index) for index in range(20)]
    pairs = [(one.images["T1CE" if modality == "mr" else "CT"], one.tumour) for one in found]
    return pairs[:10], pairs[10:]


def auc(usual: list[float], found: list[float]) -> float:
    truth = np.r_[np.zeros(len(usual)), np.ones(len(found))].astype(int)
    return float(delong(truth, np.nan_to_num(np.r_[usual, found], nan=-1)).auc)


@pytest.mark.parametrize(("modality", "fault"), IMAGE)
def test_faults_of_images_stand_out(modality: str, fault: str):
    measure, limit = IMAGE[modality, fault]
    clean, faulty = patients(modality)
    usual = [float(getattr(image_quality(image), measure)) for image, _ in clean]
    assert max(usual) <= LIMITS[limit]
    for severity in (2, 3):
        planted = [plant(*pair, fault, severity, np.random.default_rng(place)) for place, pair in enumerate(faulty)]
        found = [float(getattr(image_quality(image), measure)) for image, _ in planted]
        assert auc(usual, found) > 0.9


@pytest.mark.parametrize("modality", ["mr", "ct"])
@pytest.mark.parametrize("fault", CONTOUR)
def test_faults_of_contours_stand_out(modality: str, fault: str):
    clean, faulty = patients(modality)
    usual = [float(getattr(mask_quality(*pair), CONTOUR[fault])) for pair in clean]
    assert max(usual) <= LIMITS[CONTOUR[fault]]
    for severity in (1, 2, 3):
        planted = [plant(*pair, fault, severity, np.random.default_rng(place)) for place, pair in enumerate(faulty)]
        found = [float(getattr(mask_quality(*pair), CONTOUR[fault])) for pair in planted]
        assert auc(usual, found) > 0.9
        assert np.mean(np.array(found) > LIMITS[CONTOUR[fault]]) >= 0.5


@pytest.mark.parametrize("severity", [1, 2, 3])
def test_a_chest_that_lies_unlike_the_others_is_told(severity: int):
    clean, faulty = patients("ct")
    others = {f"P{place}": fingerprint(image) for place, (image, _) in enumerate(clean)}
    usual = [gain for gain, _ in turn_gains(others).values()]
    assert max(usual) <= LIMITS["turn_gain"]
    wrong = plant(*faulty[0], "orientation", severity, np.random.default_rng(0))[0]
    gain, way = turn_gains({**others, "wrong": fingerprint(wrong)})["wrong"]
    assert gain > max(usual)
    assert ("left-right", "front-back", "axes swapped")[severity - 1] in way
    assert turn_gains({"one": others["P0"]}) == {}


def test_a_header_that_says_the_truth_is_believed_whatever_the_order_of_the_array():
    image, _ = patients("ct")[0][0]
    flipped = np.array(image.affine)
    flipped[:3, 0] *= -1
    flipped[:3, 3] = image.grid.to_patient([[image.shape[0] - 1, 0, 0]])[0]
    other = Image(np.ascontiguousarray(image.values()[::-1]), flipped, "CT", "HU")
    np.testing.assert_allclose(fingerprint(other), fingerprint(image), atol=0.02)


def test_repeated_and_empty_slices_are_counted():
    values = np.random.default_rng(0).normal(100, 10, (24, 24, 12))
    assert image_quality(Image(values, np.eye(4), "MR")).repeated_slices == 0
    values[:, :, 4] = values[:, :, 5]
    values[:, :, 8] = 0
    assert image_quality(Image(values, np.eye(4), "MR")).repeated_slices == 2
    values[:, :, 0] = 0  # padding at the end of a volume is no fault
    assert image_quality(Image(values, np.eye(4), "MR")).repeated_slices == 2


def test_the_edge_share_of_a_cube_is_counted_by_hand():
    inside = np.zeros((10, 10, 10), np.uint8)
    inside[:4, 3:7, 3:7] = 1  # a cube of 4: one of its six faces lies on the edge
    found = mask_quality(Image(np.zeros((10, 10, 10)), np.eye(4), "CT", "HU"), Mask(inside, np.eye(4)))
    assert found.edge_share == pytest.approx(1 / 6)
    inside[9, 9, 9] = 1
    found = mask_quality(Image(np.zeros((10, 10, 10)), np.eye(4), "CT", "HU"), Mask(inside, np.eye(4)))
    assert (found.stray_voxels, found.stray_share) == (1, pytest.approx(1 / 65))


def test_what_cannot_be_known_is_not_a_number():
    thin = image_quality(Image(np.random.default_rng(0).normal(100, 5, (16, 16, 2)), np.eye(4), "MR"))
    assert np.isnan([thin.jitter_mm, thin.slice_jump, thin.ghosting, thin.metal_ml]).all()
    stripped = np.zeros((40, 40, 12))
    stripped[10:30, 10:30] = np.random.default_rng(0).normal(100, 5, (20, 20, 12))
    assert np.isnan(image_quality(Image(stripped, np.eye(4), "MR")).ghosting)


def test_a_large_scan_is_judged_like_a_small_one():
    """Slices of more than 160 pixels are thinned for motion and slices, not for noise."""
    image, _ = patients("ct")[0][0]
    wide = Image(
        np.repeat(np.repeat(image.values(), 3, 0), 3, 1), np.diag([1 / 3, 1 / 3, 1, 1]) @ image.affine, "CT", "HU"
    )
    small, large = image_quality(image), image_quality(wide)
    assert large.slice_jump == pytest.approx(small.slice_jump, rel=0.1)
    assert abs(large.jitter_mm - small.jitter_mm) < 0.2


def test_an_unknown_fault_is_refused_and_every_fault_has_words():
    image, mask = patients("mr")[0][0]
    with pytest.raises(SettingsError, match="severity"):
        plant(image, mask, "noise", 4, np.random.default_rng(0))
    for fault in SEVERITIES:
        if fault != "metal":
            first, second = (plant(image, mask, fault, 1, np.random.default_rng(1)) for _ in range(2))
            assert first[0].values().tobytes() == second[0].values().tobytes()
            assert np.asarray(first[1].array).tobytes() == np.asarray(second[1].array).tobytes()


def test_real_scans_without_known_faults_are_left_in_peace(real_data):
    from genoxel.io.nifti import read_nifti
    from genoxel.io.nrrd import read_nrrd
    from genoxel.study.suspicions import image_suspicions

    brain = read_nrrd(real_data("pyradiomics") / "brain1_image.nrrd", "MR")
    chest = read_nifti(real_data("ibsi") / "ct_radiomics_phantom" / "nifti" / "image.nii.gz", "CT")
    for image in (brain, chest):
        assert image_suspicions(image_quality(image), image.unit) == []


def test_dark_tissue_is_not_called_air_where_the_image_shows_none():
    """A cut-out of the pelvis holds fat and muscle: the threshold between them says nothing about air."""
    values = np.full((40, 40, 20), 500.0)
    values[8:20] = 160.0
    inside = np.zeros(values.shape, np.uint8)
    inside[10:16, 10:16, 5:12] = 1
    values += np.random.default_rng(2).normal(0, 10, values.shape)
    assert np.isnan(mask_quality(Image(values, np.eye(4), "MR"), Mask(inside, np.eye(4))).air_share)
    values[:10] = np.abs(np.random.default_rng(3).normal(0, 10, values[:10].shape))
    values[10:20] = np.abs(np.random.default_rng(4).normal(0, 10, values[10:20].shape))
    assert mask_quality(Image(values, np.eye(4), "MR"), Mask(inside, np.eye(4))).air_share == 1
