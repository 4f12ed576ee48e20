"""The checks of images that simulated data must allow, each done here by plain statistics, SciPy and scikit-learn.

ACQ-03 contrast phases and two energies, ACQ-07 and FEA-20 recovery and blood volume, FEA-18 ground glass and spicules,
SEG-05 habitats, SEG-10 readers, FEA-23 change: the others stand in `test_acquire`, `test_course` and `test_bids`.
"""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage, stats
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score

from genoxel.simulate import Course, Delivery, Imaging, SimulationSpec, phantom, simulate
from genoxel.simulate.plan import draw_people
from genoxel.simulate.render import render
from genoxel.simulate.visits import drawn_by


def test_acq_03_wash_in_and_wash_out_are_the_planted_contrast():
    """Differences between phases are shares of the contrast map; two energies give an iodine-like map."""
    spec = SimulationSpec(n=4, modality="ct", also=("native", "arterial", "delayed", "low-energy"), seed=5)
    one = phantom(spec, 0)
    native, arterial, delayed, low = (one.images[name].values() for name in spec.also)
    contrast = one.maps["contrast"].values()
    inside = ndimage.binary_erosion(one.tumour.inside()) & (one.maps["viable"].values() > 0.9)
    assert contrast[inside].mean() == pytest.approx(draw_people(spec)[0].physical("ct")["enhancement"], rel=0.06)
    for image, share in ((arterial, 0.45), (delayed, 0.8), (low, 1.8)):
        assert (image - native)[inside].mean() == pytest.approx(share * contrast[inside].mean(), rel=0.12, abs=1.5)
    vessel = contrast > 100
    assert arterial[vessel].mean() > low[vessel].mean() > delayed[vessel].mean() > native[vessel].mean()
    smooth = ndimage.gaussian_filter(low - native, 1.5)
    body = native > -200
    assert stats.spearmanr(smooth[body], ndimage.gaussian_filter(contrast, 1.5)[body]).statistic > 0.5


def leaky(seed: int = 5) -> SimulationSpec:
    return SimulationSpec(
        n=10,
        also=("dsc",),
        effects=("IDH1:leakage:1.5",),
        prevalence={"IDH1": 0.5},
        shape=(56, 56, 14),
        seed=seed,
    )


def test_acq_07_signal_recovery_and_blood_volume_are_those_of_the_maps():
    """Recovery of the tumour's mean curve within 3 %; blood volumes of patients without leakage rank as the truth."""
    spec = leaky()
    leakage = []
    for person in draw_people(spec):
        one = render(spec, person)
        inside = one.tumour.inside() & (one.maps["viable"].values() > 0.9)
        signal = np.array([image.values()[inside].mean() for image in one.series[0].volumes])
        start, low, end = signal[:10].mean(), signal.min(), signal[-10:].mean()
        truth = one.maps["psr"].values()[inside]
        assert (end - low) / (start - low) == pytest.approx(truth.mean(), abs=0.03)
        leakage.append((person.latent["leakage"], truth.mean()))
    assert stats.spearmanr(*zip(*leakage, strict=True)).statistic < -0.6
    assert np.ptp([recovery for _, recovery in leakage]) > 0.1
    tight = SimulationSpec(n=12, also=("dsc",), shape=(56, 56, 14), seed=6)
    seen, wanted = [], []
    for person in draw_people(tight):
        one = render(tight, person)
        truth = one.maps["rcbv"].values()
        signal = np.stack([image.values() for image in one.series[0].volumes]).astype(float)
        volume = -np.log(np.maximum(signal, 1) / np.maximum(signal[:10].mean(axis=0), 1)).sum(axis=0)
        inside = one.tumour.inside() & (one.maps["viable"].values() > 0.9)
        white = (truth > 0.99) & (truth < 1.01)
        seen.append(np.median(volume[inside]) / np.median(volume[white]))
        wanted.append(np.median(truth[inside]))
        assert np.median(one.maps["psr"].values()[inside]) > 0.97  # nothing leaks where nothing was asked
    assert stats.spearmanr(seen, wanted).statistic > 0.95
    np.testing.assert_allclose(seen, wanted, rtol=0.1)


def test_fea_18_the_share_of_ground_glass_by_threshold_is_the_true_one():
    """Voxels below half way between glass and solid, against the true map: 5 points on the mean of 8 nodules."""
    spec = SimulationSpec(
        n=8, modality="ct", effects=("EGFR:solid:1",), prevalence={"EGFR": 0.5}, seed=3, delivery=Delivery(maps=True)
    )
    errors, seen, wanted = [], [], []
    for person in draw_people(spec):
        one = render(spec, person)
        deep = ndimage.binary_erosion(one.tumour.inside())  # partial volume at the rim is another matter
        seen.append(float(np.mean(one.images["CT"].values()[deep] < -290)))
        wanted.append(float(1 - one.maps["solid"].values()[deep].mean()))
        errors.append(seen[-1] - wanted[-1])
    assert abs(np.mean(errors)) < 0.05
    assert stats.spearmanr(seen, wanted).statistic > 0.9


def test_seg_05_planted_regions_are_found_by_clusters():
    """Living and dead tumour by means of smoothed images and maps fitted here: their number, places, another start."""
    spec = SimulationSpec(
        n=4,
        effects=("IDH1:necrosis:1",),
        prevalence={"IDH1": 0.5},
        seed=4,
        also=("dwi", "dsc"),
        delivery=Delivery(maps=True),
    )
    found = []
    for person in draw_people(spec):
        one = render(spec, person)
        regions = one.maps["regions"].values()
        inside = (regions == 1) | (regions == 2)
        diffusion, first_pass = (np.stack([image.values() for image in series.volumes]) for series in one.series)
        b = np.array([each["DiffusionBValue"] for each in one.series[0].each])
        fitted = -np.tensordot((b - b.mean()) / np.sum((b - b.mean()) ** 2), np.log(np.maximum(diffusion, 1)), 1)
        change = -np.log(np.maximum(first_pass, 1) / np.maximum(first_pass[:10].mean(axis=0), 1)).sum(axis=0)
        clipped = [np.clip(values, *np.percentile(values[inside], (0.5, 99.5))) for values in (fitted, change)]
        images = [one.images[name].values().astype(float) for name in ("T1CE", "T1")] + clipped
        smooth = [ndimage.gaussian_filter(image, 0.6)[inside] for image in images]
        table = np.stack([(values - values.mean()) / values.std() for values in smooth], axis=1)
        labels = [KMeans(2, n_init=5, random_state=seed).fit_predict(table) for seed in (0, 1)]
        assert adjusted_rand_score(*labels) > 0.99
        scores = [silhouette_score(table, KMeans(k, n_init=5, random_state=0).fit_predict(table)) for k in (2, 3, 4)]
        assert np.argmax(scores) == 0
        found.append(adjusted_rand_score(labels[0], regions[inside]))
    assert np.mean(found) > 0.8


def test_seg_10_a_reader_errs_by_the_stated_bias_and_spread():
    """Signed distance of the reader's surface to the true one, by an independent distance transform (SimpleITK)."""
    import SimpleITK as sitk  # noqa: N813

    spec = SimulationSpec(
        n=4, imaging=Imaging(readers=3, reader_bias_mm=1.5, reader_noise_mm=1.0), seed=1, shape=(128, 128, 32)
    )
    means, spreads, both = [], [], []
    for person in draw_people(spec):
        truth = render(spec, person).tumour
        image = sitk.GetImageFromArray(truth.inside().astype(np.uint8).T)
        image.SetSpacing(truth.spacing)
        away = sitk.GetArrayFromImage(
            sitk.SignedMaurerDistanceMap(image, insideIsPositive=False, squaredDistance=False, useImageSpacing=True)
        ).T
        drawn = [drawn_by(spec, person, truth, reader).inside() for reader in (2, 3)]
        for inside in drawn:
            edge = inside & ~ndimage.binary_erosion(inside)
            at = away[edge]
            means.append(at.mean() + 0.25 * float(np.mean(truth.spacing)))
            spreads.append(at.std())
        both.append(2 * np.sum(drawn[0] & drawn[1]) / (drawn[0].sum() + drawn[1].sum()))
    assert np.mean(means) == pytest.approx(1.5, abs=0.7)
    assert np.mean(spreads) == pytest.approx(1.0, abs=0.5)
    assert 0.8 < min(both) <= max(both) < 1


def test_fea_23_change_between_visits_is_the_declared_one(tmp_path):
    """Relative change, rate per day and log ratio from the delivered masks have the sign and size of the truth."""
    spec = SimulationSpec(
        n=6, shape=(80, 80, 24), course=Course(points=2), seed=3, delivery=Delivery(layouts=("nifti",))
    )
    folder = simulate(spec, tmp_path / "c")
    told = json.loads((folder / "truth.json").read_text())["delivered"]
    for name, facts in told.items():
        subject = f"sub-{name.replace('-', '')}"
        masks = sorted((folder / "nifti" / "derivatives" / "contours" / subject).rglob("*tumour_mask.nii.gz"))
        ml = [nib.load(path).get_fdata().sum() * np.prod(nib.load(path).header.get_zooms()) / 1000 for path in masks]
        first, later = facts["visits"]
        assert ml == pytest.approx([first["tumour_ml"], later["tumour_ml"]], rel=1e-4)
        assert np.log(ml[1] / ml[0]) == pytest.approx(np.log(later["volume"]), abs=0.12)
        assert later["days"] == 56


def test_the_input_of_a_series_is_told_beside_its_maps(tmp_path):
    """The mean curve of the vessel drawn in the images follows it."""
    spec = SimulationSpec(
        n=4, shape=(48, 48, 14), also=("dsc",), delivery=Delivery(layouts=("nifti",), maps=True), seed=2
    )
    folder = simulate(spec, tmp_path / "c")
    table = np.loadtxt(folder / "truth" / "SIM-001" / "dsc_input.tsv", skiprows=1)
    assert table.shape == (50, 2)
    series = nib.load(folder / "nifti" / "sub-SIM001" / "ses-first" / "perf" / "sub-SIM001_ses-first_dsc.nii.gz")
    signal = series.get_fdata()
    drop = -np.log(np.maximum(signal, 1) / np.maximum(signal[..., :10].mean(axis=3, keepdims=True), 1))
    strength = drop.sum(axis=3)
    strength[signal[..., 0] < 0.3 * np.percentile(signal[..., 0], 99)] = 0
    strongest = np.argsort(strength.ravel())[-10:]
    curve = drop.reshape(-1, 50)[strongest].mean(axis=0)
    assert np.corrcoef(curve, table[:, 1])[0, 1] > 0.95
