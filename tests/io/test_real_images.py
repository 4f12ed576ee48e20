"""Real images from real scanners, against SimpleITK, nibabel and the masks that their authors published."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813

from genoxel.core.errors import GeometryError, MaskError
from genoxel.core.image import Image
from genoxel.io.dicom import read_series
from genoxel.io.dicom_seg import read_seg
from genoxel.io.images import read_image
from genoxel.io.inventory import SeriesRecord, inventory
from genoxel.io.nifti import read_nifti, read_nifti_mask
from genoxel.io.nrrd import read_nrrd, read_nrrd_mask
from genoxel.io.rtstruct import rasterise, read_structures
from genoxel.segment.contours import read_mask
from genoxel.segment.settings import ContourSettings

pytestmark = pytest.mark.data
RealData = Callable[[str], Path]


def unpack(archive: Path, folder: Path) -> Path:
    with tarfile.open(archive) as stream:
        stream.extractall(folder, filter="data")
    return folder


def by_itk(path: Path | list[Path]) -> tuple[np.ndarray, np.ndarray]:
    """Return array (i, j, k) and affine (LPS) as SimpleITK reads them."""
    if isinstance(path, list):
        names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(path[0].parent))
        volume = sitk.ReadImage(names)
    else:
        volume = sitk.ReadImage(str(path))
    affine = np.eye(4)
    affine[:3, :3] = np.array(volume.GetDirection()).reshape(3, 3) * np.array(volume.GetSpacing())
    affine[:3, 3] = volume.GetOrigin()
    return sitk.GetArrayFromImage(volume).transpose(2, 1, 0), affine


@pytest.fixture(scope="module")
def sarcoma(real_data: RealData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack(real_data("dicom") / "STS_025_ct_pet_mr_rtstruct.tar.xz", tmp_path_factory.mktemp("sarcoma"))


@pytest.mark.parametrize(("modality", "unit", "voxels"), [("CT", "HU", 9655), ("PT", "SUV", 606), ("MR", "", 9655)])
def test_sarcoma_ct_pet_mr_from_folder_to_mask(sarcoma: Path, modality: str, unit: str, voxels: int) -> None:
    found = inventory(sarcoma)
    assert found.problems == ()
    series = found.series_of("STS_025", modality)
    assert len(series) == 1
    image = read_image(series[0])
    array, affine = by_itk(list(series[0].files))
    assert np.array_equal(image.array, array)
    assert np.allclose(image.affine, affine, atol=1e-9)
    assert image.unit == unit
    structure, why = found.structures_on(series[0])[0]
    assert why == "drawn on this series (its UID is referenced)"
    mask = read_mask(structure, image, ContourSettings(roi=("GTV_Mass*",)))["roi"].on(image)
    assert mask.count() == voxels


def test_a_contour_drawn_on_another_series_of_the_frame_lies_on_the_same_voxels(sarcoma: Path) -> None:
    """The published PET contour is the CT contour; 0.02 of a slice is what the two series lie apart."""
    found = inventory(sarcoma)
    ct = found.series_of("STS_025", "CT")[0]
    pet_contour = next(one for one in found.structures if one.names == ("GTV_Mass_PET",))
    image = read_image(ct)
    mask = rasterise(read_structures(pet_contour.file), "GTV_Mass_PET", image)
    assert mask.history[0].params["off_plane"] == pytest.approx(0.018, abs=0.001)
    own = read_mask(found.structures_on(ct)[0][0], image, ContourSettings(roi=("GTV_Mass_CT",)))["roi"]
    assert np.array_equal(mask.array > 0, own.array > 0)


def test_ibsi_phantom_contours_equal_the_published_mask_voxel_for_voxel(real_data: RealData, tmp_path: Path) -> None:
    folder = real_data("ibsi/ct_radiomics_phantom")
    dicom = unpack(folder / "dicom_ct_rtstruct.tar.xz", tmp_path)
    found = inventory(dicom)
    image = read_image(found.series[0])
    structures = read_structures(found.structures[0].file)
    mask = rasterise(structures, "GTV-1", image)
    published = read_nifti_mask(folder / "nifti" / "mask.nii.gz")
    values = read_nifti(folder / "nifti" / "image.nii.gz", "CT")
    places = tuple(np.rint(mask.grid.to_voxel(values.grid.to_patient(np.argwhere(values.array > -9999)))).astype(int).T)
    assert np.array_equal(image.array[places], values.array.ravel())
    assert np.array_equal(mask.array[places], published.array.ravel())
    assert mask.count() == 125_256
    assert mask.history[0].params["slips"] == 3


def test_a_dynamic_series_is_refused_whole_and_read_by_time_point(real_data: RealData, tmp_path: Path) -> None:
    """Only ContentTime tells the three time points apart: two of them share their acquisition number."""
    root = unpack(real_data("dicom") / "UCSF-BR-06_dce_mr_seg.tar.xz", tmp_path)
    found = inventory(root)
    assert [(one.n_slices, one.volumes, one.number) for one in found.series] == [(60, 3, 1), (60, 3, 2), (60, 3, 3)]
    every = [path for one in found.series for path in one.files]
    for number, one in enumerate(found.series, start=1):
        times = {str(pydicom.dcmread(path, stop_before_pixels=True).ContentTime) for path in one.files}
        assert times == {("102551", "103238", "103832")[number - 1]}
        assert np.array_equal(read_image(one).array, read_series(every, volume=number).array)
    with pytest.raises(GeometryError, match="several volumes"):
        read_series(every)
    image = read_image(found.series[0])
    seg = found.structures[0].file
    with pytest.raises(MaskError, match="threshold"):
        read_seg(seg, image)
    assert read_seg(seg, image, threshold=0.5).on(image).count() > 10_000


def as_image(path: Path) -> Image:
    return read_nrrd(path)


@pytest.mark.parametrize(
    ("seg", "segment", "nrrd", "label"),
    [
        ("liver", "Liver", "liver_seg", 1),
        ("sparse-labelmap-noppv", "Liver", "sparse_labelmap_noppv_seg", 1),
        ("sparse-labelmap-ppv5", "Liver", "sparse_labelmap_ppv5_seg", 1),
        ("partial_overlaps", "GREEN", "partial_overlaps-1", 1),
        ("partial_overlaps", "ORANGE", "partial_overlaps-2", 2),
        ("partial_overlaps", "PURPLE", "partial_overlaps-3", 3),
        ("partial_overlaps", "LIGHT_BLUE", "partial_overlaps-1", 4),
        ("partial_overlaps", "DARK_BLUE", "partial_overlaps-1", 5),
    ],
)
def test_segmentations_of_another_toolkit_equal_its_volumes(
    real_data: RealData, seg: str, segment: str, nrrd: str, label: int
) -> None:
    folder = real_data("dicom/dcmqi_seg")
    volume = as_image(folder / f"{nrrd}.nrrd")
    mask = read_seg(folder / f"{seg}.dcm", volume, [segment])
    assert np.array_equal(mask.inside(), volume.array == label)


def test_segmentation_on_its_ct(real_data: RealData) -> None:
    folder = real_data("dicom/dcmqi_seg")
    image = read_series(sorted((folder / "ct-3slice").iterdir()))
    assert np.array_equal(
        read_seg(folder / "liver.dcm", image).inside(), as_image(folder / "liver_seg.nrrd").array == 1
    )
    with pytest.raises(MaskError, match="overlap"):
        read_seg(folder / "partial_overlaps.dcm", image)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("invalid_reference_rt.dcm", GeometryError),
        ("non_existent_reference_rt.dcm", GeometryError),
        ("rt.dcm", GeometryError),
    ],
)
def test_structure_sets_that_do_not_belong_to_the_image_are_refused(real_data: RealData, name: str, kind: type) -> None:
    folder = real_data("dicom/rt_utils")
    image = read_series(sorted(folder.glob("ct_*.dcm")))
    structures = read_structures(folder / name)
    with pytest.raises(kind):
        rasterise(structures, structures.names[0], image)


def test_every_volume_at_hand_reads_as_two_independent_readers_read_it(real_data: RealData) -> None:
    root = real_data("ibsi")
    paths = [*sorted(root.rglob("*.nii.gz"))[:25], *sorted(real_data("dicom").rglob("*.nrrd"))]
    for path in paths:
        image = read_nifti(path) if path.name.endswith(".nii.gz") else read_nrrd(path)
        array, affine = by_itk(path)
        assert np.array_equal(image.array, array), path.name
        assert np.allclose(image.affine, affine, atol=1e-4), path.name
        if path.name.endswith(".nii.gz"):
            assert np.array_equal(image.array, np.asarray(nib.load(path).dataobj)), path.name
    assert len(paths) > 30


def test_label_maps_at_hand_are_masks(real_data: RealData) -> None:
    for path in sorted(real_data("dicom/dcmqi_seg").glob("*_seg*.nrrd")):
        assert read_nrrd_mask(path).count() > 0


FOLDERS = ("dcmqi_seg/ct-3slice", "dcmqi_seg/23x38x3", "dcmqi_seg/24x38x3", "dicom4qi_data_5", "highdicom", "rt_utils")
ARCHIVES = ("STS_025_ct_pet_mr_rtstruct.tar.xz", "UCSF-BR-06_dce_mr_seg.tar.xz")


def every_series(real_data: RealData, tmp_path: Path) -> list[SeriesRecord]:
    """Return all DICOM series of the real data."""
    roots = [real_data("dicom") / name for name in FOLDERS]
    roots += [unpack(real_data("dicom") / name, tmp_path / name) for name in ARCHIVES]
    roots.append(unpack(real_data("ibsi/ct_radiomics_phantom") / "dicom_ct_rtstruct.tar.xz", tmp_path / "phantom"))
    return [one for root in roots for one in inventory(root).series if one.kind == "DICOM"]


def test_no_honest_series_is_refused_and_each_reads_as_simpleitk_reads_it(real_data: RealData, tmp_path: Path) -> None:
    """Values differ where the header marks padding alone, and there the record says how many voxels were filled."""
    found = every_series(real_data, tmp_path)
    assert len(found) == 15
    for series in found:
        image = read_image(series)
        names = sorted(map(str, series.files), key=lambda name: depth_of(name, image))
        volume = sitk.ReadImage(names[0] if len(names) == 1 else names)
        array = sitk.GetArrayFromImage(volume).transpose(2, 1, 0)
        assert np.allclose(volume.GetOrigin(), image.affine[:3, 3], atol=1e-4), series.files[0]
        assert np.allclose(volume.GetSpacing()[:2], image.spacing[:2], atol=1e-6)
        assert image.shape == array.shape
        filled = sum(step.params["voxels"] for step in image.history if step.name == "fill_padding")
        other = array != image.values()
        assert np.count_nonzero(other) == filled
        if filled:
            header = pydicom.dcmread(names[0], stop_before_pixels=True)
            padding = header.PixelPaddingValue * header.RescaleSlope + header.RescaleIntercept
            assert set(np.unique(array[other])) == {padding}


def depth_of(name: str, image: Image) -> float:
    """Return where a slice lies along the third axis of `image`."""
    header = pydicom.dcmread(name, stop_before_pixels=True)
    place = header.get("ImagePositionPatient")
    return float(np.dot(place, image.affine[:3, 2])) if place is not None else 0.0
