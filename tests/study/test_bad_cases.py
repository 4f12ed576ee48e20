"""Bad images and masks through `genoxel extract`: a typed error, or a value that is flagged or said to be undefined.

The list is that of a probe of other programs, most of which gave numbers in silence for many of these.
"""

from __future__ import annotations

import gzip
import json
import math
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from dicom_making import save, slices
from genoxel.core.errors import FileFormatError, GeometryError, InputError, MaskError, MissingFileError
from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.features.settings import FeatureSettings
from genoxel.image.settings import Discretise, ImageSettings
from genoxel.io.nrrd import write_nrrd
from genoxel.study.case import Case, ExtractSettings
from genoxel.study.extract import Extraction, extract_one

SHAPE = (24, 22, 12)
AFFINE = np.diag([1.0, 1.0, 2.0, 1.0])
FBS = ExtractSettings(image=ImageSettings(discretise=Discretise(bin_size=25, anchor=0)))
SECONDS = 5.0


def values() -> np.ndarray:
    return np.random.default_rng(7).normal(270, 60, SHAPE).clip(1, 900).astype(np.float32)


def ball() -> np.ndarray:
    i, j, k = np.indices(SHAPE)
    return (((i - 12) / 6) ** 2 + ((j - 11) / 6) ** 2 + ((k - 6) / 4) ** 2 <= 1).astype(np.uint8)


class Bench:
    """One case on disk: change what is to be wrong, then `run`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.image: np.ndarray = values()
        self.mask: np.ndarray = ball()
        self.image_affine, self.mask_affine = AFFINE.copy(), AFFINE.copy()
        self.labels: tuple[str, ...] = ()
        self.settings = ExtractSettings()
        self.modality = ""
        self.paths = [folder / "image.nii.gz", folder / "mask.nii.gz"]
        self.written = False

    def write(self) -> None:
        nib.save(nib.Nifti1Image(self.image, self.image_affine), self.paths[0])
        nib.save(nib.Nifti1Image(self.mask, self.mask_affine), self.paths[1])
        self.written = True

    def run(self) -> Extraction:
        if not self.written:
            self.write()
        case = Case("P1", *self.paths, labels=self.labels, modality=self.modality)
        return extract_one(case, self.settings)


Spoil = Callable[[Bench], None]


def cut(which: int, share: float, plain: bool = False) -> Spoil:
    def spoil(b: Bench) -> None:
        if plain:
            b.paths = [path.with_suffix("") for path in b.paths]
        b.write()
        content = b.paths[which].read_bytes()
        b.paths[which].write_bytes(content[: int(len(content) * share)])

    return spoil


def flipped_bit(b: Bench) -> None:
    b.write()
    content = bytearray(b.paths[0].read_bytes())
    content[len(content) // 2] ^= 0x10
    b.paths[0].write_bytes(bytes(content))


def set_voxel(value: float, inside: bool = True) -> Spoil:
    def spoil(b: Bench) -> None:
        b.image[(12, 11, 6) if inside else (0, 0, 0)] = value

    return spoil


def assign(**changes: object) -> Spoil:
    def spoil(b: Bench) -> None:
        for name, value in changes.items():
            setattr(b, name, value)

    return spoil


def both(one: Spoil, other: Spoil) -> Spoil:
    def spoil(b: Bench) -> None:
        one(b)
        other(b)

    return spoil


def moved(row: int, column: int, by: float) -> Spoil:
    def spoil(b: Bench) -> None:
        b.mask_affine[row, column] += by

    return spoil


def mirrored(b: Bench) -> None:
    b.mask_affine[0, 0] *= -1


def rgb(b: Bench) -> None:
    kind = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
    b.image = np.zeros(SHAPE, kind)


def disagree(b: Bench) -> None:
    b.write()
    image = nib.load(b.paths[0])
    other = AFFINE.copy()
    other[0, 3] = 3.0
    image.set_sform(other, code=1)
    image.set_qform(AFFINE, code=1)
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), None, image.header), b.folder / "other.nii.gz")
    b.paths[0] = b.folder / "other.nii.gz"


def unoriented(b: Bench) -> None:
    b.write()
    image = nib.Nifti1Image(b.image, None)
    image.header["qform_code"] = image.header["sform_code"] = 0
    nib.save(image, b.paths[0])


def sheared(b: Bench) -> None:
    for affine in (b.image_affine, b.mask_affine):
        affine[1, 2] = 0.5


def scaled_mask(b: Bench) -> None:
    b.write()
    mask = nib.Nifti1Image(b.mask, AFFINE)
    mask.header.set_slope_inter(2, 0)
    nib.save(mask, b.paths[1])
    b.labels = ("1",)


def detached(b: Bench) -> None:
    b.write()
    b.paths[0] = b.folder / "image.nrrd"
    head = "NRRD0004\ntype: uchar\ndimension: 3\nspace: left-posterior-superior\nsizes: 8 8 8\n"
    b.paths[0].write_text(head + "encoding: raw\ndata file: /etc/passwd\n\n")


def short_nrrd(b: Bench) -> None:
    b.write()
    b.paths[0] = b.folder / "image.nrrd"
    write_nrrd(b.paths[0], Image(b.image, AFFINE))
    content = b.paths[0].read_bytes()
    b.paths[0].write_bytes(content[: len(content) // 2])


def not_an_image(b: Bench) -> None:
    b.write()
    b.paths[0].write_bytes(gzip.compress(b"<html>Not found</html>" * 40))


def packed(b: Bench) -> None:
    """A header that promises far more than the file can hold."""
    b.write()
    content = bytearray(gzip.decompress(b.paths[0].read_bytes()))
    content[42:48] = np.array([32767, 32767, 32767], "<i2").tobytes()
    b.paths[0].write_bytes(gzip.compress(bytes(content)))


def missing_slice(b: Bench) -> None:
    made = slices((14, 12, 8), modality="CT")
    save(made[:3] + made[4:], b.folder / "ct")
    b.write()
    b.paths[0] = b.folder / "ct"


def two_patients(b: Bench) -> None:
    made = slices((14, 12, 8), modality="CT")
    made[4].PatientID = "P2"
    for one in made:
        one.StudyInstanceUID = "2.25.1"
    save(made, b.folder / "ct")
    b.write()
    b.paths[0] = b.folder / "ct"


def two_series(b: Bench) -> None:
    save(slices((14, 12, 8), modality="CT"), b.folder / "ct")
    save(slices((14, 12, 8), modality="CT", series="other"), b.folder / "ct" / "more")
    b.write()
    b.paths[0] = b.folder / "ct"


def empty_folder(b: Bench) -> None:
    b.write()
    b.paths[0] = b.folder / "nothing-in-it"
    b.paths[0].mkdir()


def dicom_as_mask(b: Bench) -> None:
    b.write()
    b.paths[1] = save(slices((14, 12, 8), modality="CT"), b.folder / "ct")[0]


def only(count: int) -> Spoil:
    def spoil(b: Bench) -> None:
        places = np.argwhere(b.mask)
        b.mask = np.zeros_like(b.mask)
        b.mask[tuple(places[:count].T)] = 1

    return spoil


def named_txt(b: Bench) -> None:
    b.write()
    b.paths[1] = b.folder / "mask.txt"
    b.paths[1].write_text("no mask")


def swapped(b: Bench) -> None:
    b.image, b.mask = b.mask, np.rint(b.image).astype(np.int16)


def scaled(by: float) -> Spoil:
    def spoil(b: Bench) -> None:
        b.image = values().astype(np.float64) * by

    return spoil


def asked(**changes: object) -> Spoil:
    return assign(settings=ExtractSettings(image=ImageSettings(**changes)))  # type: ignore[arg-type]


def huge_nrrd(b: Bench) -> None:
    b.write()
    b.paths[0] = b.folder / "image.nrrd"
    axes = "space directions: (1,0,0) (0,1,0) (0,0,1)\nspace origin: (0,0,0)\n"
    head = f"NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 30000 30000 30000\n{axes}"
    b.paths[0].write_text(f"{head}encoding: raw\nendian: little\n\n" + "0" * 64)


def png(b: Bench) -> None:
    b.write()
    b.paths[0] = b.folder / "image.png"
    b.paths[0].write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))


R4D = np.stack([values(), values()], axis=3)

REFUSED: dict[str, tuple[Spoil, type[Exception], str]] = {
    "mask 5 mm off": (moved(0, 3, 5.0), GeometryError, "off by"),
    "mask spacing 1 % off": (moved(0, 0, 0.01), GeometryError, "off by"),
    "mask direction flipped": (mirrored, GeometryError, "off by"),
    "mask 2e-3 voxels off": (moved(2, 3, 0.004), GeometryError, "0.001 voxel"),
    "mask of another shape": (assign(mask=ball()[:-1]), GeometryError, "equal shapes"),
    "mask in another orientation": (assign(mask=ball().transpose(1, 0, 2)), GeometryError, "shapes"),
    "empty mask": (assign(mask=ball() * 0), MaskError, "empty|without any label"),
    "label 255, asked for 1": (
        lambda b: (setattr(b, "mask", ball() * 255), setattr(b, "labels", ("1",))),
        MaskError,
        "255",
    ),
    "a structure that is not there": (assign(labels=("tumour",)), MaskError, "its labels: 1"),
    "soft mask": (assign(mask=ball() * np.float32(0.7)), MaskError, "threshold"),
    "mask with NaN": (assign(mask=np.where(ball() > 0, 1, np.nan)), MaskError, "whole-number"),
    "negative labels": (assign(mask=-ball().astype(np.int16)), MaskError, "labels from -1"),
    "mask with slope 2, asked for 1": (scaled_mask, MaskError, "its labels: 2"),
    "one voxel": (only(1), MaskError, "1 voxels"),
    "63 voxels": (only(63), MaskError, "63 voxels"),
    "one NaN inside": (set_voxel(np.nan), InputError, "no number"),
    "one NaN outside": (set_voxel(np.nan, inside=False), InputError, r"\(0, 0, 0\)"),
    "one Inf inside": (set_voxel(np.inf), InputError, "no number"),
    "all NaN": (assign(image=values() * np.nan), InputError, "no number"),
    "metal of 1e9, fixed bin size": (
        lambda b: (set_voxel(1e9)(b), setattr(b, "settings", FBS)),
        InputError,
        "grey levels",
    ),
    "below the anchor": (both(set_voxel(-50.0), assign(settings=FBS)), InputError, "anchor"),
    "bin size without anchor": (
        assign(settings=ExtractSettings(image=ImageSettings(discretise=Discretise(bin_size=25)))),
        InputError,
        "anchor",
    ),
    "all outside the range": (
        assign(settings=ExtractSettings(image=ImageSettings(range=(5000, 6000)))),
        MaskError,
        "outside the range",
    ),
    "spacing 0.001 mm": (
        lambda b: (b.image_affine.__imul__(0.001), b.mask_affine.__imul__(0.001)),
        GeometryError,
        "0.001",
    ),
    "resampled beyond memory": (
        assign(settings=ExtractSettings(image=ImageSettings(resample_mm=(0.01, 0.01, 0.01)))),
        GeometryError,
        "at most",
    ),
    "1e300 in one voxel": (both(assign(image=values().astype(np.float64)), set_voxel(1e300)), InputError, "1e\\+70"),
    "all values below 1e-290": (scaled(1e-293), InputError, "a spread of at least 1e-70"),
    "a bin size of 1e-300": (asked(discretise=Discretise(bin_size=1e-300, anchor=0)), InputError, "grey levels"),
    "outliers beyond 0.01 deviations": (asked(outliers_sigma=0.01), MaskError, "after re-segmentation"),
    "voxels of 120 mm": (
        lambda b: (b.image_affine.__setitem__((0, 0), 120), b.mask_affine.__setitem__((0, 0), 120)),
        GeometryError,
        "120",
    ),
    "resampled until the region is too small": (asked(resample_mm=(5, 5, 5)), MaskError, "at least 64"),
    "resampled until the region is gone": (both(only(64), asked(resample_mm=(90, 90, 90))), MaskError, "voxels"),
    "image and mask exchanged": (swapped, MaskError, "is it the image"),
    "labels beyond 65535": (assign(mask=ball().astype(np.int32) * 70000), MaskError, "65535"),
    "a mask of two volumes": (assign(mask=np.stack([ball(), ball()], axis=3)), FileFormatError, "dimensions"),
    "an NRRD of 30000³ voxels": (huge_nrrd, FileFormatError, "image.nrrd"),
    "a picture": (png, InputError, "image.png|DICOM"),
    "4D": (assign(image=R4D), FileFormatError, "--volume 1 to 2"),
    "RGB": (rgb, FileFormatError, "image.nii.gz"),
    "complex": (assign(image=values().astype(np.complex64)), InputError, "complex|real|type"),
    "image cut to 60 %": (cut(0, 0.6), FileFormatError, "cut off"),
    "image cut to 99 %": (cut(0, 0.99), FileFormatError, "cut off"),
    "mask cut to 60 %": (cut(1, 0.6), FileFormatError, "cut off"),
    "plain image cut to 60 %": (cut(0, 0.6, plain=True), FileFormatError, "cut off|fewer"),
    "plain mask cut to 60 %": (cut(1, 0.6, plain=True), FileFormatError, "cut off|fewer"),
    "image of 0 bytes": (cut(0, 0.0), FileFormatError, "image.nii.gz"),
    "a flipped bit": (flipped_bit, FileFormatError, "damaged"),
    "NRRD cut in half": (short_nrrd, FileFormatError, "cut off|declares"),
    "NRRD that points to another file": (detached, FileFormatError, "detached"),
    "a web page instead of an image": (not_an_image, FileFormatError, "image.nii.gz"),
    "a header of 32767³ voxels": (packed, FileFormatError, "image.nii.gz"),
    "sform and qform differ": (disagree, GeometryError, "sform and qform"),
    "no orientation": (unoriented, GeometryError, "orientation"),
    "sheared": (sheared, GeometryError, "right angles"),
    "no image file": (lambda b: (b.write(), b.paths[0].unlink()), MissingFileError, "image.nii.gz"),
    "no mask file": (lambda b: (b.write(), b.paths[1].unlink()), MissingFileError, "mask.nii.gz"),
    "an empty folder": (empty_folder, InputError, "0 DICOM series"),
    "a text file as mask": (named_txt, FileFormatError, "no structures"),
    "an image slice as mask": (dicom_as_mask, FileFormatError, "no structures"),
    "DICOM with a slice missing": (missing_slice, GeometryError, "missing|gap|uneven|apart"),
    "DICOM of two patients": (two_patients, InputError, "2 DICOM series|two patients"),
    "DICOM of two series": (two_series, InputError, "2 DICOM series"),
}


@pytest.fixture(scope="module", autouse=True)
def _compiled(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Compile the kernels before anything is timed: that is done once per installation, not per case."""
    for spoil in (constant, flat_mask):
        bench = Bench(tmp_path_factory.mktemp("warm"))
        spoil(bench)
        bench.run()


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_measured_is_refused_with_a_typed_error(what: str, tmp_path: Path) -> None:
    spoil, kind, words = REFUSED[what]
    bench = Bench(tmp_path)
    spoil(bench)
    began = time.process_time()
    with pytest.raises(kind, match=words) as caught:
        bench.run()
    assert time.process_time() - began < SECONDS
    assert getattr(caught.value, "fix", ""), "an error says how to mend it"


def constant(b: Bench) -> None:
    b.image[:] = 42


def within_one_bin(b: Bench) -> None:
    b.image = values() * 1e-6
    b.settings = FBS


def flat_mask(b: Bench) -> None:
    b.mask[:, :, :6] = 0
    b.mask[:, :, 7:] = 0


def in_plane(b: Bench) -> None:
    b.image, b.mask = b.image[:, :, 6:7], b.mask[:, :, 6:7]


def thick(b: Bench) -> None:
    for affine in (b.image_affine, b.mask_affine):
        affine[:3, :3] = np.diag([0.5, 0.5, 50.0])


def stray(b: Bench) -> None:
    b.mask[1, 1, 1] = 1


def whole_image(b: Bench) -> None:
    b.mask[:] = 1


def lattice(b: Bench) -> None:
    b.mask = np.zeros(SHAPE, np.uint8)
    b.mask[::2, ::2, ::2] = 1


def sagittal(b: Bench) -> None:
    b.mask[:12], b.mask[13:] = 0, 0


def two_values(b: Bench) -> None:
    b.image = (values() > 270).astype(np.uint8)


def in_air(b: Bench) -> None:
    """A mask turned over under its own header: nothing in the files says so, but it lies in air."""
    b.mask = np.roll(ball(), 4, axis=0)
    b.image = np.where(b.mask, 40, -1000).astype(np.int16)
    b.mask, b.modality = np.ascontiguousarray(b.mask[::-1]), "CT"


TELLS: dict[str, tuple[Spoil, str, str]] = {
    "no voxel touches another": (lattice, "792 pieces", "ngtdm"),
    "one sagittal slice": (sagittal, "one voxel wide", "morph.volume_mesh"),
    "two values": (two_values, "", "ivh.intensity_at_10"),
    "turned over into air": (in_air, "mostly air", ""),
    "constant region": (constant, "one constant intensity", "glcm.joint_entropy"),
    "all values in one bin": (within_one_bin, "", "glcm.joint_entropy"),
    "one slice of a volume": (flat_mask, "1 slice only", "morph.volume_mesh"),
    "a 2D image": (in_plane, "1 slice only", "morph.sphericity"),
    "0.5 x 0.5 x 50 mm": (thick, "100 times as long as wide", ""),
    "a stray voxel": (stray, "2 pieces", ""),
    "the whole image as mask": (whole_image, "more than half", ""),
    "one voxel of 1e9, fixed bin number": (set_voxel(1e9), "stretch the intensities", ""),
}


@pytest.mark.parametrize("what", TELLS)
def test_what_is_odd_is_flagged_or_said_to_be_undefined(what: str, tmp_path: Path) -> None:
    spoil, flag, lacking = TELLS[what]
    bench = Bench(tmp_path)
    spoil(bench)
    began = time.process_time()
    (row,) = bench.run().rows
    assert time.process_time() - began < SECONDS
    assert flag in row.facts["flags"]
    found = {name: value for name, value in row.features.values.items() if lacking and lacking in name}
    assert bool(found) == bool(lacking)
    assert all(math.isnan(value) and row.features.reasons[name] for name, value in found.items())
    undefined = {name for name, value in row.features.values.items() if not math.isfinite(value)}
    assert undefined == set(row.features.reasons)


def same(one: Extraction, other: Extraction, tolerance: float = 1e-9) -> None:
    a, b = one.rows[0].features.values, other.rows[0].features.values
    assert a.keys() == b.keys()
    for name in a:
        assert b[name] == pytest.approx(a[name], rel=tolerance, abs=1e-12, nan_ok=True), name


def test_rounded_headers_are_accepted(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    right, rounded = Bench(tmp_path / "a"), Bench(tmp_path / "b")
    moved(0, 3, 5e-5)(rounded)
    same(right.run(), rounded.run())


@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "f4", "f8"])
def test_values_do_not_depend_on_the_type_of_the_voxels(dtype: str, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
    whole = np.random.default_rng(1).integers(0, 256, SHAPE)
    one, other = Bench(tmp_path / "a"), Bench(tmp_path / "b")
    one.image, other.image = whole.astype(np.float64), whole.astype(dtype)
    one.settings = other.settings = FBS
    same(one.run(), other.run())


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_values_do_not_depend_on_the_direction_in_which_voxels_are_stored(axis: int, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
    one, other = Bench(tmp_path / "a"), Bench(tmp_path / "b")
    other.image, other.mask = np.flip(other.image, axis), np.flip(other.mask, axis)
    for affine in (other.image_affine, other.mask_affine):
        affine[:3, 3] += affine[:3, axis] * (SHAPE[axis] - 1)
        affine[:3, axis] *= -1
    same(one.run(), other.run())


def test_values_of_3d_aggregation_do_not_depend_on_the_order_of_the_axes(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
    one, other = Bench(tmp_path / "a"), Bench(tmp_path / "b")
    other.image, other.mask = other.image.transpose(2, 0, 1), other.mask.transpose(2, 0, 1)
    other.image_affine = other.mask_affine = AFFINE[:, [2, 0, 1, 3]]
    same(one.run(), other.run())


def test_a_soft_mask_is_measured_at_a_stated_threshold(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
    hard, soft = Bench(tmp_path / "a"), Bench(tmp_path / "b")
    soft.mask = ball() * np.float32(0.7)
    soft.settings = ExtractSettings.model_validate({"segment": {"threshold": 0.5}})
    same(hard.run(), soft.run())


def test_the_table_is_long_enough() -> None:
    assert len(REFUSED) + len(TELLS) >= 55


def test_masks_on_another_grid_are_taken_over_on_request_with_what_changed(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.mask = ball().repeat(2, 0).repeat(2, 1)
    bench.mask_affine = AFFINE @ np.diag([0.5, 0.5, 1, 1])
    bench.mask_affine[:2, 3] = -0.25
    with pytest.raises(GeometryError):
        bench.run()
    bench.settings = ExtractSettings(features=FeatureSettings(families=("morph",))).drawn(resample_masks=True)
    (row,) = bench.run().rows
    assert "taken over from another grid" in row.facts["flags"]
    voxels = next(value for name, value in row.features.values.items() if name.endswith("volume_voxels"))
    assert voxels == pytest.approx(ball().sum() * 2.0)
    assert Mask(ball(), AFFINE).count() == ball().sum()


def test_of_many_labels_the_small_ones_fail_by_name_and_the_others_are_measured(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.mask = ball()
    bench.mask[0, 0, 0] = 2
    found = bench.run()
    assert [row.facts["structure"] for row in found.rows] == ["1"]
    assert [(lost.patient, "1 voxels" in lost.reason) for lost in found.failed] == [("P1/2", True)]


def test_a_region_beyond_any_organ_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from genoxel.image import prepare

    monkeypatch.setattr(prepare, "_MOST", 500)
    with pytest.raises(MaskError, match="500 voxels at most"):
        Bench(tmp_path).run()


HEAVY = """
import gzip, json, resource, sys, time
from pathlib import Path
import nibabel as nib, numpy as np
from genoxel.core.errors import GenoxelError
from genoxel.image.settings import Discretise, ImageSettings
from genoxel.study.case import Case, ExtractSettings
from genoxel.study.extract import extract_one

folder, limit = Path(sys.argv[1]), int(sys.argv[2])
rules = ExtractSettings(image=ImageSettings(discretise=Discretise(bin_size=1e-6, anchor=0)))
fine = ExtractSettings(image=ImageSettings(resample_mm=(0.01, 0.01, 0.01)))
small = Case("P", folder / "image.nii.gz", folder / "mask.nii.gz")
cases = {
    "bomb": (Case("P", folder / "bomb.nii.gz", folder / "mask.nii.gz"), ExtractSettings()),
    "claim": (Case("P", folder / "claim.nii.gz", folder / "mask.nii.gz"), ExtractSettings()),
    "bins": (small, rules),
    "voxels": (small, fine),
}
extract_one(small, ExtractSettings())
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
held = int(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmSize"))) * 1024
resource.setrlimit(resource.RLIMIT_AS, (held + limit, held + limit))
said = {}
for name, (case, settings) in cases.items():
    began = time.process_time()
    try:
        extract_one(case, settings)
        said[name] = ["measured", 0.0]
    except GenoxelError as error:
        said[name] = [type(error).__name__, time.process_time() - began]
grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
print(json.dumps({"said": said, "grown_mib": grown}))
"""


def test_hostile_sizes_end_in_a_typed_error_within_little_memory(tmp_path: Path) -> None:
    Bench(tmp_path).write()
    header = bytearray(gzip.decompress((tmp_path / "image.nii.gz").read_bytes())[:352])
    shapes = {"bomb": (1024, 1024, 512), "claim": (32767, 32767, 32767)}
    for name, shape in shapes.items():
        header[42:48] = np.array(shape, "<i2").tobytes()
        zeros = gzip.compress(bytes(2**24), 9)
        body = zeros * 128 if name == "bomb" else zeros  # 2 GiB, as the header says, in 2 MiB
        (tmp_path / f"{name}.nii.gz").write_bytes(gzip.compress(bytes(header)) + body)
    call = [sys.executable, "-c", HEAVY, str(tmp_path), str(2**30)]
    done = subprocess.run(call, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    kinds = {name: kind for name, (kind, _) in told["said"].items()}
    assert kinds == {"bomb": "InputError", "claim": "FileFormatError", "bins": "InputError", "voxels": "GeometryError"}
    assert all(seconds < SECONDS for _, seconds in told["said"].values())
    assert told["grown_mib"] < 1100
