"""What acquisitions hold is what the maps say: fitted by plain formulas and SciPy, read by pydicom alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from scipy import integrate, ndimage, optimize, stats

from genoxel.simulate import Delivery, SimulationSpec, phantom, simulate
from genoxel.simulate.ct import RECONSTRUCTIONS, reconstruct, slab
from genoxel.simulate.kinetics import fdg_plasma
from genoxel.simulate.plan import draw_people
from genoxel.simulate.render import render
from genoxel.simulate.traits import TRAITS

HEAD = SimulationSpec(n=6, shape=(56, 56, 14), also=("dwi", "dsc", "dce", "pet"), effects=("IDH1:rcbv:1",), seed=4)


@pytest.fixture(scope="module")
def head():
    return phantom(HEAD, 0)


def series(one, name):
    return next(item for item in one.series if item.name == name)


def stack(item) -> np.ndarray:
    return np.stack([image.values() for image in item.volumes]).astype(float)


def test_adc_fitted_from_the_b_values_is_the_map(head):
    item = series(head, "DWI")
    b = np.array([each["DiffusionBValue"] for each in item.each])
    truth = head.maps["adc"].values()
    inside = (truth > 0.6) & (truth < 1.8)
    signal = np.log(np.maximum(stack(item)[:, inside], 1))
    fitted = -np.polyfit(b, signal, 1)[0] * 1000
    assert np.median(fitted / truth[inside]) == pytest.approx(1, abs=0.02)
    assert np.corrcoef(fitted, truth[inside])[0, 1] > 0.8


def test_blood_volume_integrated_from_the_bolus_ranks_as_the_map(head):
    item = series(head, "DSC")
    signal = stack(item)
    base = signal[:8].mean(axis=0)
    truth = head.maps["rcbv"].values()
    inside = head.tumour.inside() & (truth > 0.5)
    drop = -np.log(np.maximum(signal, 1) / np.maximum(base, 1))
    volume = drop.sum(axis=0)
    vessel = volume > 6 * np.median(volume[truth > 0.9])
    smooth = [ndimage.uniform_filter(values * inside, 3) for values in (volume, truth)]  # one voxel is noisy
    deep = ndimage.binary_erosion(inside)
    assert stats.spearmanr(smooth[0][deep], smooth[1][deep]).statistic > 0.9
    white = (truth > 0.98) & (truth < 1.02) & ~vessel
    ratio = np.median(volume[inside]) / np.median(volume[white])
    assert ratio == pytest.approx(np.median(truth[inside]), rel=0.1)


def test_ktrans_fitted_from_the_signal_is_the_map():
    """Signal to concentration by the Ernst formula inverted on a grid, then a Tofts fit by SciPy with its own sum."""
    spec = SimulationSpec(
        n=4, modality="prostate", also=("dce",), effects=("PTEN:ktrans:1",), prevalence={"PTEN": 0.5}, seed=3
    )
    one = phantom(spec, 1)
    item = series(one, "DCE")
    truth = one.maps["ktrans"].values()
    core = one.tumour.inside() & (one.maps["viable"].values() > 0.97)
    signal = stack(item)[:, core]
    seconds = np.array(item.seconds)
    relaxation = np.linspace(0.3, 40, 4000)
    angle, left = np.deg2rad(12.0), np.exp(-0.005 * relaxation)
    ernst = np.sin(angle) * (1 - left) / (1 - np.cos(angle) * left)
    before = np.interp(0.6, relaxation, ernst)
    grown = signal.mean(axis=1) / signal[:4].mean()
    concentration = (np.interp(grown * before, ernst, relaxation) - 0.6) / 4.5
    fine = np.arange(0, seconds[-1] + 1)
    from genoxel.simulate.kinetics import parker  # checked against its reference elsewhere

    plasma = parker(fine, 30.0) / 0.58

    def model(_t, ktrans, kep):
        return np.interp(seconds, fine, ktrans / 60 * np.convolve(plasma, np.exp(-kep / 60 * fine))[: len(fine)])

    (ktrans, kep), _ = optimize.curve_fit(model, seconds, concentration, p0=(0.1, 0.3))
    assert ktrans == pytest.approx(float(truth[core].mean()), rel=0.08)
    assert kep == pytest.approx(float(one.maps["kep"].values()[core].mean()), rel=0.12)


@pytest.mark.parametrize("modality", ["breast", "prostate"])
def test_the_exchange_of_a_tumour_leaves_healthy_tissue_alone(modality):
    spec = SimulationSpec(n=4, modality=modality, also=("dce",), seed=2)
    person = draw_people(spec)[0]
    found = []
    for latent in (-2.0, 2.0):
        one = render(spec, replace(person, latent={**person.latent, "kep": latent, "ktrans": latent}))
        near = ndimage.binary_dilation(one.tumour.inside(), iterations=4)
        found.append((one.maps["kep"].values(), one.maps["ktrans"].values(), stack(series(one, "DCE"))[-1], near))
    near = found[0][-1]
    for low, high, rounding in zip(found[0][:3], found[1][:3], (1e-4, 1e-4, 1.0), strict=True):
        np.testing.assert_allclose(low[~near], high[~near], rtol=0, atol=rounding)
        assert high[near].max() != low[near].max()
    inside = one.maps["viable"].values() > 0.97
    assert found[1][0][inside].mean() == pytest.approx(TRAITS["kep"].physical(2.0, modality), rel=0.02)


def test_pet_is_read_to_the_uptake_by_hand(tmp_path):
    """SUV = stored value x slope x weight / dose left at the start of the scan, from pydicom and school arithmetic."""
    spec = SimulationSpec(n=4, modality="ct", also=("pet",), effects=("EGFR:uptake:1",), seed=9)
    folder = simulate(spec, tmp_path / "c")
    person = draw_people(spec)[2]
    one = render(spec, person)
    slices = [pydicom.dcmread(path) for path in (folder / "dicom" / person.name / "2_PT").glob("*.dcm")]
    slices.sort(key=lambda item: float(item.ImagePositionPatient[2]))
    first = slices[0]
    drug = first.RadiopharmaceuticalInformationSequence[0]

    def clock(text):
        return int(text[:2]) * 3600 + int(text[2:4]) * 60 + float(text[4:])

    waited = clock(first.SeriesTime) - clock(drug.RadiopharmaceuticalStartTime)
    left = float(drug.RadionuclideTotalDose) * 2 ** (-waited / float(drug.RadionuclideHalfLife))
    activity = np.stack([item.pixel_array.T * float(item.RescaleSlope) for item in slices], axis=2)
    suv = activity * 1000 * float(first.PatientWeight) / left
    assert waited == 3600
    assert (first.Units, first.DecayCorrection, first.Modality) == ("BQML", "START", "PT")
    assert len({float(item.RescaleSlope) for item in slices}) > len(slices) // 2
    truth = one.maps["suv"].values()
    assert suv.sum() == pytest.approx(truth.sum(), rel=0.01)  # blur and counting move activity, they do not make it
    soft = (truth > 0.89) & (truth < 0.91)
    assert np.median(suv[soft]) == pytest.approx(0.9, abs=0.08)


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    """A dynamic scan as pydicom alone reads it: start and length of each frame (s), activity per voxel, a header."""
    spec = SimulationSpec(
        n=4, shape=(48, 48, 14), also=("dynamic-pet",), effects=("EGFR:uptake:1",), seed=9, prevalence={"EGFR": 0.5}
    )
    folder = simulate(spec, tmp_path_factory.mktemp("pet") / "c")
    headers = [pydicom.dcmread(path) for path in (folder / "dicom" / "SIM-002" / "5_PTDYN").glob("*.dcm")]
    times: dict[float, list] = {}
    for header in headers:
        times.setdefault(float(header.FrameReferenceTime), []).append(header)
    found = []
    for reference in sorted(times):
        slices = sorted(times[reference], key=lambda item: float(item.ImagePositionPatient[2]))
        values = np.stack([item.pixel_array.T * float(item.RescaleSlope) for item in slices], axis=2)
        length = float(slices[0].ActualFrameDuration) / 1000
        found.append((reference / 1000 - length / 2, length, values, slices[0]))
    return phantom(spec, 1), found


def test_a_dynamic_scan_is_told_frame_by_frame(frames):
    _, found = frames
    starts, lengths = np.array([item[0] for item in found]), np.array([item[1] for item in found])
    assert len(found) == 28
    np.testing.assert_allclose(starts[1:], np.cumsum(lengths)[:-1])
    assert starts[-1] + lengths[-1] == 3600
    first = found[0][3]
    assert (first.DecayCorrection, list(first.SeriesType), first.Units) == ("NONE", ["DYNAMIC", "IMAGE"], "BQML")
    assert first.NumberOfTimeSlices == 28
    assert "DECY" not in first.CorrectedImage
    drug = first.RadiopharmaceuticalInformationSequence[0]
    assert drug.RadiopharmaceuticalStartTime == first.SeriesTime

    def clock(text):
        return int(text[:2]) * 3600 + int(text[2:4]) * 60 + float(text[4:])

    waited = [clock(item[3].AcquisitionTime) - clock(first.SeriesTime) for item in found]
    assert waited == pytest.approx(list(starts))


def test_a_time_activity_curve_read_back_is_the_closed_form(frames):
    """Sums over the volume, with the decay the tags tell; the model solved by SciPy, not by the simulator."""
    one, found = frames
    suv, living = one.maps["suv"].values().astype(float), one.maps["viable"].values().astype(float)
    header = found[0][3]
    drug = header.RadiopharmaceuticalInformationSequence[0]
    half = float(drug.RadionuclideHalfLife)
    scale = float(drug.RadionuclideTotalDose) / (1000 * float(header.PatientWeight))

    def plasma(t):
        early = (851.1225 * t - 21.8798 - 20.8113) * np.exp(-4.133859 * t)
        return early + 21.8798 * np.exp(-0.01043449 * t) + 20.8113 * np.exp(-0.1190996 * t)

    def curve(k2, k3):
        def slope(t, state):
            return [plasma(t) - (k2 + k3) * state[0], k3 * state[0]]

        seconds = np.linspace(0, 3600, 14401)
        solved = integrate.solve_ivp(slope, (0, 60), [0, 0], t_eval=seconds / 60, rtol=1e-8, atol=1e-8, max_step=0.2)
        total = solved.y.sum(axis=0)
        return seconds, total / total[-1] * 2 ** (-seconds / half)

    tumour, elsewhere = curve(0.20, 0.10), curve(0.13, 0.06)
    for start, length, values, _ in found[1:]:  # the first frame has too few counts to compare
        parts = []
        for seconds, shape in (tumour, elsewhere):
            held = (seconds >= start - 1e-9) & (seconds <= start + length + 1e-9)
            parts.append(np.trapezoid(shape[held], seconds[held]) / length)
        expected = scale * ((suv * living).sum() * parts[0] + (suv * (1 - living)).sum() * parts[1])
        assert values.sum() == pytest.approx(expected, rel=0.015)


def test_the_influx_by_patlak_is_the_map(frames):
    """Patlak's straight line from the frames after 20 minutes and the input told beside them, against the true map."""
    one, found = frames
    item = next(series for series in one.series if series.name == "PTDYN")
    scale = 300e6 / (1000 * float(found[0][3].PatientWeight))
    inside = one.maps["viable"].values() > 0.9
    middles = np.array([start + length / 2 for start, length, *_ in found])
    tissue = np.array([values[inside].mean() for *_, values, _ in found]) * 2 ** (middles / 6586.2) / scale
    fine = np.arange(0.0, 3601.0)
    dense = 1.9 * fdg_plasma(fine)  # checked against its reference elsewhere
    summed = np.concatenate([[0], np.cumsum((dense[1:] + dense[:-1]) / 2)]) / 60
    plasma = np.interp(middles, fine, dense)
    x, y = np.interp(middles, fine, summed) / plasma, tissue / plasma
    late = middles > 1200
    slope = np.polyfit(x[late], y[late], 1)[0]
    truth = ndimage.gaussian_filter(one.maps["influx"].values(), [5 / 2.355 / step for step in one.tumour.spacing])
    assert slope == pytest.approx(float(truth[inside].mean()), rel=0.1)
    assert item.curve[10][1] == pytest.approx(float(np.interp(item.curve[10][0], fine, dense)), rel=1e-6)


@pytest.mark.parametrize(
    ("modality", "also", "trait", "map_name", "shape"),
    [
        ("mr", ("dsc",), "rcbv", "rcbv", (48, 48, 14)),
        ("prostate", ("dwi",), "adc", "adc", (96, 96, 24)),
        ("ct", ("pet",), "uptake", "suv", None),
        ("breast", ("dce",), "ktrans", "ktrans", (112, 70, 36)),
    ],
)
def test_each_new_trait_moves_its_map(modality, also, trait, map_name, shape):
    spec = SimulationSpec(
        n=10,
        modality=modality,
        also=also,
        effects=(f"EGFR:{trait}:1.5",),
        prevalence={"EGFR": 0.5},
        shape=shape,
        seed=6,
    )
    people = draw_people(spec)
    seen = []
    for person in people:
        one = render(spec, person)
        inside = one.maps["viable"].values() > 0.9
        seen.append(float(np.median(one.maps[map_name].values()[inside])))
    rho = stats.spearmanr(seen, [person.latent[trait] for person in people]).statistic
    assert rho > 0.9


def test_location_and_solid_part_are_in_the_images():
    spec = SimulationSpec(n=10, effects=("IDH1:location:2",), prevalence={"IDH1": 0.5}, shape=(48, 48, 14), seed=2)
    people = draw_people(spec)
    front = []
    for person in people:
        one = render(spec, person)
        voxels = np.argwhere(one.tumour.inside()).mean(axis=0)
        front.append(-(voxels[1] - 23.5) * one.tumour.spacing[1])  # LPS: front is towards negative y
    assert stats.pearsonr(front, [person.latent["location"] for person in people]).statistic > 0.9
    spec = SimulationSpec(n=10, modality="ct", effects=("EGFR:solid:2",), prevalence={"EGFR": 0.5}, seed=2)
    shares = []
    for person in draw_people(spec):
        one = render(spec, person)
        values = one.images["CT"].values()[one.tumour.inside()]
        shares.append(float(np.mean(values > -250)))
    assert stats.spearmanr(shares, [person.latent["solid"] for person in draw_people(spec)]).statistic > 0.85
    assert min(shares) < 0.5


def test_native_and_low_energy_differ_by_iodine_alone():
    spec = SimulationSpec(n=4, modality="ct", also=("native", "low-energy"), seed=5)
    one = phantom(spec, 0)
    plain, native, low = (one.images[name].values() for name in ("CT", "native", "low-energy"))
    nodule = one.maps["viable"].values() > 0.95
    uptake = draw_people(spec)[0].physical("ct")["enhancement"]
    assert np.mean(low[nodule] - native[nodule]) == pytest.approx(1.8 * uptake, rel=0.15)
    lung = (plain < -700) & (plain > -950)
    assert abs(np.mean(low[lung] - native[lung])) < 3


def test_noise_follows_dose_thickness_and_kernel():
    water = np.zeros((96, 96, 40), np.float32)
    water[:4] = water[-4:] = -1000
    affine = np.diag([2.0, 2.0, 1.0, 1.0])

    def noise(name):
        image = reconstruct(np.random.default_rng(1), water, (2.0, 2.0, 1.0), affine, RECONSTRUCTIONS[name])
        return float(image.values()[30:60, 30:60].std())

    assert noise("low-dose") / noise("smooth") == pytest.approx(np.sqrt(10), rel=0.05)
    assert noise("smooth") / noise("thick-5") == pytest.approx(np.sqrt(5), rel=0.15)
    assert noise("sharp") > 1.5 * noise("smooth")


def test_slabs_are_means_in_their_place():
    values = np.arange(20, dtype=np.float32)[None, None, :] * np.ones((2, 2, 1), np.float32)
    affine = np.diag([1.0, 1.0, 1.0, 1.0])
    affine[:3, 3] = (3, 4, 5)
    thick, step, moved = slab(values, 1.0, affine, 2.5)
    assert thick.shape == (2, 2, 8)
    assert step == 2.5
    assert thick[0, 0, 0] == pytest.approx((0 + 1 + 0.5 * 2) / 2.5)
    middle = moved[2, 3] + np.arange(8) * moved[2, 2]
    assert middle[0] == pytest.approx(5 - 0.5 + 1.25)
    assert np.diff(middle) == pytest.approx(2.5)


def test_true_maps_are_delivered(tmp_path):
    nib = pytest.importorskip("nibabel")
    spec = SimulationSpec(
        n=4, shape=(48, 48, 14), also=("dwi",), delivery=Delivery(layouts=("nifti",), maps=True), seed=1
    )
    folder = simulate(spec, tmp_path / "c")
    adc = nib.load(folder / "truth" / "SIM-001" / "adc.nii.gz").get_fdata()
    assert np.abs(adc - phantom(spec, 0).maps["adc"].values()).max() < 1e-6
    names = {path.name for path in Path(folder / "nifti").rglob("*.nii.gz")}
    assert "sub-SIM001_ses-first_T1w.nii.gz" in names
    assert "sub-SIM001_ses-first_dwi.nii.gz" in names
    assert "sub-SIM001_ses-first_desc-tumour_mask.nii.gz" in names
    assert not (folder / "dicom").exists()
