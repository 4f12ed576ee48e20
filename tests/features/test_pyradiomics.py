"""PyRadiomics' names and numbers: its published baselines, what is refused, and hand calculations."""

from __future__ import annotations

import ast
import csv
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from genoxel.core.errors import GeometryError, InputError, MaskError, SettingsError
from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.features import _classical_mesh, _pyradiomics
from genoxel.features.extract import extract
from genoxel.features.pyradiomics import CLASSES, MESH, extract_pyradiomics, mapping, read_parameters
from genoxel.io.nrrd import read_nrrd, read_nrrd_mask

DataDoor = Callable[[str], Path]
CASES = (
    *("brain1", "brain1_normalization", "brain1_resampling", "brain1_resegmentation", "brain1_2d", "brain1_FBN"),
    *("brain1_combined", "brain1_flatRegion", "brain1_shape2D"),
)


def baseline(folder: Path, case: str) -> dict[str, tuple[dict[str, object], dict[str, float]]]:
    """Class -> (settings, feature -> value) of one case."""
    found: dict[str, tuple[dict[str, object], dict[str, float]]] = {}
    with (folder / "baseline_brain1.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row[case]]
    for row in rows:
        if row["featureName"] == "diagnostics_Configuration_Settings":
            found[row["class"]] = (ast.literal_eval(row[case]), {})
    for row in rows:
        if row["featureName"].startswith("original_"):
            found[row["class"]][1][row["featureName"]] = float(row[case])
    return found


@pytest.mark.parametrize("case", CASES)
def test_published_baselines_are_met(case: str, real_data: DataDoor):
    folder = real_data("pyradiomics")
    image, mask = read_nrrd(folder / "brain1_image.nrrd"), read_nrrd_mask(folder / "brain1_label.nrrd")
    if case == "brain1_shape2D":
        only = np.zeros_like(mask.array)
        only[:, :, 16] = mask.array[:, :, 16]
        mask = Mask(only, mask.affine)
    for kind, (settings, values) in baseline(folder, case).items():
        found = extract_pyradiomics(image, mask, read_parameters({"setting": settings, "featureClass": {kind: None}}))
        assert set(values) == set(found.values)
        for name, expected in values.items():
            old_mesh = case == "brain1" and kind == "shape" and name.rsplit("_", 1)[1] in MESH
            tolerance = 1e-3 if old_mesh else 1e-6
            assert found.values[name] == pytest.approx(expected, rel=tolerance, abs=1e-9), (case, name)


RELEASE: dict[tuple[str, int], list[tuple[dict[str, object], dict[str, float]]]] = {
    ("brain1", 1): [
        (
            {"binWidth": 25},
            {
                "shape_MeshVolume": 16147.51180013021,
                "shape_SurfaceArea": 6438.821603779402,
                "shape_Sphericity": 0.4798234536231475,
                "shape_SurfaceVolumeRatio": 0.3987500788652454,
            },
        ),
        (
            {"weightingNorm": "euclidean"},
            {
                "glcm_Contrast": 13.317514136668157,
                "glcm_MCC": 0.8349972460735912,
                "glrlm_RunEntropy": 4.81198699255388,
                "glrlm_RunPercentage": 0.9677180096532466,
            },
        ),
        (
            {"weightingNorm": "manhattan"},
            {"glcm_JointEntropy": 8.22257057970007, "glrlm_LongRunEmphasis": 1.1062446783292477},
        ),
        ({"weightingNorm": "infinity"}, {"glcm_Imc2": 0.9042550560711413, "glrlm_RunVariance": 0.03625477817421657}),
        (
            {"force2D": True, "weightingNorm": "euclidean", "gldm_a": 1},
            {
                "glcm_ClusterShade": 334.7232738331445,
                "glrlm_ShortRunEmphasis": 0.90376629688328,
                "gldm_DependenceEntropy": 7.42146523503701,
            },
        ),
        (
            {"distances": [1, 2]},
            {
                "glcm_Contrast": 59.11362536310568,
                "glcm_JointEntropy": 8.835283065126939,
                "gldm_DependenceVariance": 10.151768685864239,
                "ngtdm_Busyness": 1.7047641081864464,
            },
        ),
        (
            {"distances": [1, 3], "weightingNorm": "euclidean"},
            {"glcm_Correlation": 0.8266148797860313, "glcm_MCC": 0.8319077976581332},
        ),
        (
            {"distances": [1, 2], "force2D": True, "gldm_a": 1},
            {
                "glcm_Idm": 0.2739266196266304,
                "gldm_LargeDependenceEmphasis": 82.65917331399565,
                "ngtdm_Contrast": 0.18365948065024225,
            },
        ),
        (
            {"gldm_a": 2},
            {"gldm_LargeDependenceEmphasis": 68.79598743050519, "gldm_DependenceVariance": 12.446233308787281},
        ),
        (
            {"resegmentRange": [-1, 2], "resegmentMode": "sigma", "normalize": True, "binWidth": 0.1},
            {
                "shape_MeshVolume": 16128.667195638023,
                "shape_Maximum3DDiameter": 69.05073429189582,
                "firstorder_Mean": 1.1866607684247001,
                "glszm_ZoneEntropy": 5.832449125268421,
            },
        ),
    ],
    ("prostate_phantom_subvolume", 1): [
        (
            {"binWidth": 25},
            {
                "glrlm_RunPercentage": 0.9903273809523809,
                "glrlm_RunVariance": 0.014409295918086656,
                "ngtdm_Complexity": 1098.552116258781,
                "ngtdm_Coarseness": 0.03441024660676734,
                "shape_SurfaceArea": 401.56817602991714,
            },
        )
    ],
    ("prostate_phantom_subvolume", 7): [
        (
            {"resampledPixelSpacing": [2, 2, 2]},
            {
                "glcm_Imc1": -0.733984256369681,
                "glcm_MCC": 0.749999999999998,
                "glcm_Correlation": 0.005511881248067008,
            },
        )
    ],
}
"""What PyRadiomics 3.0.1 as released gives: image and label -> settings and values."""


@pytest.mark.parametrize("case", RELEASE, ids=str)
def test_the_release_is_met(case: tuple[str, int], real_data: DataDoor):
    folder, (name, label) = real_data("pyradiomics"), case
    old = name == "brain1"
    image = read_nrrd(folder / (f"{name}_image.nrrd" if old else f"{name}.nrrd"))
    mask = read_nrrd_mask(folder / (f"{name}_label.nrrd" if old else f"{name}-label.nrrd"))
    for setting, values in RELEASE[case]:
        classes = {one.split("_")[0]: None for one in values}
        wanted = read_parameters({"setting": {**setting, "label": label}, "featureClass": classes})
        found = extract_pyradiomics(image, mask, wanted).values
        for feature, expected in values.items():
            assert found[f"original_{feature}"] == pytest.approx(expected, rel=1e-6), (setting, feature)


def test_a_surface_with_holes_has_no_volume(real_data: DataDoor):
    """PyRadiomics gives -52.8 mm³ for these 168 scattered voxels."""
    folder = real_data("pyradiomics")
    image = read_nrrd(folder / "prostate_phantom_subvolume.nrrd")
    mask = read_nrrd_mask(folder / "prostate_phantom_subvolume-label.nrrd")
    found = extract_pyradiomics(image, mask, read_parameters({"featureClass": {"shape": None}}))
    lacking = {"MeshVolume", "SurfaceVolumeRatio", "Sphericity"}
    assert found.reasons.keys() == {f"original_shape_{name}" for name in lacking}
    assert all("holes" in reason for reason in found.reasons.values())


def test_the_baselines_hold_674_values(real_data: DataDoor):
    folder = real_data("pyradiomics")
    counts = [len(values) for case in CASES for _, values in baseline(folder, case).values()]
    assert sum(counts) == 674


def test_the_classical_table_is_the_one_in_common_use():
    import base64

    luts = pytest.importorskip("skimage.measure._marching_cubes_lewiner_luts")
    shape, text = luts.CASESCLASSIC
    theirs = np.frombuffer(base64.decodebytes(text.encode()), np.int8).reshape(shape)[:128]
    ours = [[ord(letter) - 97 for letter in word if letter != "-"] for word in _classical_mesh.TRIANGLES.split(" ")]
    assert ours == [[int(edge) for edge in row if edge >= 0] for row in theirs]


def test_a_single_voxel_is_an_octahedron():
    area, volume = _classical_mesh.area_and_volume(np.ones((1, 1, 1), bool), np.array([2.0, 2.0, 2.0]))
    assert volume == pytest.approx(8 / 6)
    assert area == pytest.approx(8 * math.sqrt(3) / 4 * 2)


def test_every_name_leads_to_ours_where_there_is_one():
    known = {one.name: one for one in mapping()}
    assert len(known) == 117
    assert known["original_gldm_DependenceEntropy"].code == "FCBV"
    assert known["original_firstorder_Kurtosis"].note == "IBSI's value plus 3"
    assert known["original_glcm_MCC"].ours == "glcm.maximal_correlation_coefficient"
    assert known["original_glcm_MCC"].code == ""


def made(seed: int = 0, shape: tuple[int, int, int] = (9, 8, 7)) -> tuple[Image, Mask]:
    array = np.random.default_rng(seed).integers(0, 200, shape).astype(np.int16)
    inside = np.ones(shape, np.uint8)
    inside[0, 0, 0] = 0
    return Image(array, np.diag([1.0, 1.5, 2.0, 1.0]), modality="MR"), Mask(inside, np.diag([1.0, 1.5, 2.0, 1.0]))


def test_default_parameters_give_107_features_and_their_record():
    found = extract_pyradiomics(*made())
    assert len(found.values) == 107
    assert found.reasons == {}
    column = next(column for column in found.columns if column.name == "original_glcm_Contrast")
    assert column.code == "ACUI"
    assert "pyradiomics" in column.traits
    kurtosis = next(column for column in found.columns if column.name.endswith("Kurtosis"))
    assert kurtosis.code == ""
    assert found.steps[-1].params["binWidth"] == 25


def test_kurtosis_is_ours_plus_3():
    image, mask = made()
    ours = extract(image, mask).values
    theirs = extract_pyradiomics(image, mask).values
    assert theirs["original_firstorder_Kurtosis"] == pytest.approx(ours["MR.roi.none.stat.excess_kurtosis"] + 3)
    assert theirs["original_firstorder_Mean"] == pytest.approx(ours["MR.roi.none.stat.mean"])


def test_images_of_8_bits_do_not_overflow():
    image, mask = made()
    small = Image((image.values() + 50).astype(np.uint8), image.affine)
    large = Image((image.values() + 50).astype(np.float64), image.affine)
    assert extract_pyradiomics(small, mask).values == extract_pyradiomics(large, mask).values


def test_bins_have_edges_at_multiples_of_their_width():
    values = np.array([-26.0, -25.0, 0.0, 24.9, 25.0, 70.0])
    assert _pyradiomics.levels_of(values, 25, None, 99).tolist() == [1, 2, 3, 3, 4, 5]
    assert _pyradiomics.levels_of(np.array([0.0, 1.0, 2.0, 3.0]), 25, 3, 99).tolist() == [1, 2, 3, 3]
    assert _pyradiomics.levels_of(np.full(3, 7.0), 25, 8, 99).tolist() == [1, 1, 1]
    with pytest.raises(InputError, match="larger binWidth"):
        _pyradiomics.levels_of(np.array([0.0, 1e9]), 25, None, 1024)


def test_cubic_resampling_is_that_of_simpleitk():
    sitk = pytest.importorskip("SimpleITK")
    rng = np.random.default_rng(3)
    array, inside = rng.normal(0, 100, (14, 12, 9)), np.zeros((14, 12, 9), bool)
    inside[4:9, 3:8, 2:6] = True
    found = _pyradiomics.resampled(
        _pyradiomics.Volume(array, inside, np.array([1.0, 1.2, 3.0])), np.array([0.7, 2.0, 2.0]), 3, 2
    )
    image = sitk.GetImageFromArray(array.transpose(2, 1, 0))
    image.SetSpacing((1.0, 1.2, 3.0))
    ratio = np.array([1.0, 1.2, 3.0]) / np.array([0.7, 2.0, 2.0])
    first = [max(0, math.floor((start - 0.5) * r - 2)) for start, r in zip((4, 3, 2), ratio, strict=True)]
    change = zip(first, (0.7, 2.0, 2.0), (1.0, 1.2, 3.0), strict=True)
    origin = [index * new + 0.5 * (new - old) for index, new, old in change]
    wanted = sitk.Resample(
        image,
        found.values.shape,
        sitk.Transform(),
        sitk.sitkBSpline,
        origin,
        (0.7, 2.0, 2.0),
        (1, 0, 0, 0, 1, 0, 0, 0, 1),
    )
    np.testing.assert_allclose(found.values, sitk.GetArrayFromImage(wanted).transpose(2, 1, 0), atol=1e-8)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_region_one_voxel_thick_is_measured_in_its_plane(axis: int):
    image, mask = made()
    order = [(axis + 1) % 3, (axis + 2) % 3, axis]
    thin = np.zeros_like(mask.array)
    thin[(slice(None),) * axis + (3,)] = 1
    cut = extract_pyradiomics(
        image, Mask(thin, mask.affine), read_parameters({"featureClass": {"glcm": None, "glrlm": None}})
    )
    turned = Image(image.values().transpose(order), np.diag([*np.diag(mask.affine)[order], 1.0]))
    flat = Mask(thin.transpose(order), turned.affine)
    forced = read_parameters({"setting": {"force2D": True}, "featureClass": {"glcm": None, "glrlm": None}})
    for name, value in extract_pyradiomics(turned, flat, forced).values.items():
        assert cut.values[name] == pytest.approx(value, rel=1e-12)
    shape = extract_pyradiomics(image, Mask(thin, mask.affine), read_parameters({"featureClass": {"shape": None}}))
    assert all("one voxel thick" in reason for reason in shape.reasons.values())
    assert len(shape.reasons) == 14
    plane = {"setting": {"force2D": True, "force2Ddimension": 2 - axis}, "featureClass": {"shape2D": None}}
    found = extract_pyradiomics(image, Mask(thin, mask.affine), read_parameters(plane))
    sides = np.delete(np.array(mask.shape) * np.array(mask.spacing), axis)
    assert found.values["original_shape2D_PixelSurface"] == pytest.approx(float(np.prod(sides)))


def test_resegmentation_by_range_share_and_deviation():
    values = np.arange(10.0).reshape(10, 1, 1)
    volume = _pyradiomics.Volume(values, np.ones((10, 1, 1), bool), np.ones(3))
    for bounds, mode, kept in (((3.0,), "absolute", 7), ((2.0, 4.0), "absolute", 3), ((0.5, 1.0), "relative", 5)):
        assert _pyradiomics.resegmented(volume, bounds, mode).inside.sum() == kept
    assert _pyradiomics.resegmented(volume, (-1.0, 1.0), "sigma").inside.sum() == 6
    with pytest.raises(MaskError, match="widen the range"):
        _pyradiomics.resegmented(volume, (50.0, 60.0), "absolute")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"imageType": {"Wavelet": {}}}, "imageType: Wavelet"),
        ({"voxelSetting": {"kernelRadius": 2}}, "voxelSetting"),
        ({"setting": {"binwidth": 25}}, "did you mean 'binWidth'"),
        ({"setting": {"distances": [0, 1]}}, "distances"),
        ({"setting": {"symmetricalGLCM": False}}, "symmetricalGLCM"),
        ({"setting": {"gldm_a": -1}}, "gldm_a"),
        ({"setting": {"weightingNorm": "minkowski"}}, "weightingNorm: minkowski"),
        ({"setting": {"interpolator": "sitkGaussian"}}, "sitkGaussian"),
        ({"setting": {"binWidth": -1}}, "binWidth"),
        ({"settings": {}}, "did you mean 'setting'"),
        ({"featureClass": {"glcm": ["Contrats"]}}, "did you mean 'Contrast'"),
        ({"featureClass": {"gldzm": None}}, "feature class"),
        ([], "without keys"),
    ],
)
def test_what_cannot_be_reproduced_is_refused_by_name(content: object, words: str):
    with pytest.raises(SettingsError, match=words):
        read_parameters(content)


def test_settings_without_effect_on_the_numbers_are_taken():
    content = {"setting": {"additionalInfo": True, "preCrop": True, "geometryTolerance": 1e3, "minimumROISize": None}}
    assert read_parameters(content) == read_parameters(None)
    assert read_parameters({"featureClass": {}}).features.keys() == CLASSES.keys() - {"shape2D"}


def test_regions_and_images_that_cannot_be_measured_are_refused():
    image, mask = made()
    with pytest.raises(MaskError, match="label 4"):
        extract_pyradiomics(image, mask, read_parameters({"setting": {"label": 4}}))
    with pytest.raises(MaskError, match="minimumROISize"):
        extract_pyradiomics(image, mask, read_parameters({"setting": {"minimumROISize": 5000}}))
    array = image.values().astype(np.float64)
    array[1, 1, 1] = np.nan
    with pytest.raises(InputError, match="1 voxels"):
        extract_pyradiomics(Image(array, image.affine), mask)
    constant = Image(np.ones(image.shape), image.affine)
    with pytest.raises(InputError, match="constant"):
        extract_pyradiomics(constant, mask, read_parameters({"setting": {"normalize": True}}))
    with pytest.raises(GeometryError):
        extract_pyradiomics(image, Mask(mask.array, np.eye(4)))
    tiny = np.zeros_like(mask.array)
    tiny[4, 4, 4] = 1
    large = {"setting": {"resampledPixelSpacing": [9, 9, 9], "minimumROIDimensions": 1}}
    with pytest.raises(MaskError, match="vanishes"):
        extract_pyradiomics(image, Mask(tiny, mask.affine), read_parameters(large))
