"""NIfTI in and out: length, checksum and arithmetic are checked before anything is decoded."""

from __future__ import annotations

import gzip
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import FileFormatError, GeometryError, MaskError
from genoxel.core.image import FloatArray, Image, Step
from genoxel.core.mask import Mask, held_box, held_numbers
from genoxel.image.straighten import straighten
from genoxel.io import packed as packing
from genoxel.io.files import atomic_write, existing
from genoxel.io.settings import ReadingSettings

MAX_BYTES = 8 * 2**30
"""Volumes that need more memory than this are refused by arithmetic, before anything is allocated."""

_GZIP_BEST = 1032
"""Deflate cannot pack tighter than this, so a header that promises more is wrong."""

_BITS = {2: 8, 4: 16, 8: 32, 16: 32, 64: 64, 256: 8, 512: 16, 768: 32, 1024: 64, 1280: 64}
_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_DEFAULT = ReadingSettings()
_MOST_CODE = 5


@dataclass(frozen=True)
class _Declared:
    """What a header declares: shape, bytes before the voxels, bytes of the whole file."""

    shape: tuple[int, ...]
    offset: int
    total: int


def read_nifti(
    path: str | os.PathLike[str],
    modality: str = "",
    volume: int | None = None,
    nan: float | None = None,
    reading: ReadingSettings = _DEFAULT,
) -> Image:
    """Return the volume of a NIfTI file (.nii, .nii.gz), turned from RAS to LPS; voxels stay in file order.

    `volume` chooses one of several (4D); `nan` is what values that are no number become (recorded). The unit is "HU"
    for modality "CT", else "". `reading` says which orientation is believed where two differ, and whether shear is
    resampled. Raises `FileFormatError` (cut off, damaged, sizes that contradict each other, colour,
    4D without a choice, values that are no number) and `GeometryError` (no orientation, sform and qform that differ
    by more than 0.001 mm, shear).
    """
    file = existing(path)
    nifti, stored = _load(file)
    array = _volume(stored, volume, file.name)
    array, steps = _finite(array, nan, file.name)
    affine, more = _affine(nifti, file.name, reading.believe)
    params = {} if volume is None else {"volume": volume}
    unit = "HU" if modality == "CT" else ""
    history = (Step("read_nifti", params), *steps, *more)
    image = Image(array, affine, modality, unit, history, {"Modality": modality})
    return straight(image, file.name, "shear" in reading.resample)


def read_nifti_mask(
    path: str | os.PathLike[str],
    labels: dict[int, str] | None = None,
    threshold: float | None = None,
    reading: ReadingSettings = _DEFAULT,
) -> Mask:
    """Return the label map of a NIfTI file; labels found in it are named after their number unless `labels` says so.

    `threshold` makes a soft mask one label (values at or above it are inside); label maps are left as they are.
    Raises as `read_nifti`, and `MaskError` for values that are no whole numbers (soft masks) and for negative ones.
    """
    file = existing(path)
    nifti, stored = _load(file)
    array = _volume(stored, None, file.name)
    params = {}
    if threshold is not None and array.dtype.kind == "f" and np.any(array != np.rint(array)):
        array, params = (array >= threshold).astype(np.uint8), {"threshold": threshold}
    whole = as_labels(array, file.name)
    affine, more = _affine(nifti, file.name, reading.believe)
    mask = Mask(whole, affine, label_names(whole, labels), (Step("read_nifti", params), *more))
    return straight(mask, file.name, "shear" in reading.resample)


Volume = TypeVar("Volume", Image, Mask)


def straight(volume: Volume, name: str, resample: bool) -> Volume:
    """Return a volume with voxels at right angles; a sheared one is resampled (linear, masks nearest) or refused.

    Raises `GeometryError` naming the file for sheared voxels unless `resample` is true.
    """
    if not resample:
        refuse_shear(volume.affine, name)
        return volume
    off = _skew(volume.affine)
    if off <= _MOST_SKEW:
        return volume
    array, affine = straighten(np.asarray(volume.array), volume.affine, nearest=isinstance(volume, Mask))
    step = Step(
        "unshear", {"cosine": round(off, 6), "interpolate": "nearest" if isinstance(volume, Mask) else "linear"}
    )
    return replace(volume, array=array, affine=affine, history=(*volume.history, step))


def as_labels(array: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    """Return an array of whole numbers from 0 up in the smallest type; `MaskError` names what it holds otherwise."""
    box = held_box(array)
    part = array[box] if box else array[:0]
    if not np.issubdtype(array.dtype, np.integer):
        whole = np.rint(part)
        odd = part[~(np.abs(part - whole) <= 1e-6)]
        if odd.size:
            raise MaskError(
                f"{name}, a soft mask (it holds {float(odd[0]):.4g})",
                "whole-number labels",
                "threshold it first (for example at 0.5), and write it as labels",
            )
        part = whole
    low, high = int(part.min(initial=0)), int(part.max(initial=0))
    if low < 0 or high > np.iinfo(np.uint16).max:
        raise MaskError(f"{name} with labels from {low} to {high}", "labels from 0 to 65535", "renumber the labels")
    labels = np.zeros_like(array, np.uint8 if high <= np.iinfo(np.uint8).max else np.uint16)
    if box:
        labels[box] = part
    return labels


def label_names(array: npt.NDArray[Any], labels: dict[int, str] | None) -> dict[int, str]:
    """Return the name of each label found in `array`: as `labels` says, else its number as text."""
    return dict(labels) if labels else {value: str(value) for value in held_numbers(array)}


def write_nifti(path: str | os.PathLike[str], volume: Image | Mask | Sequence[Image], note: str = "") -> Path:
    """Write an image or a mask as NIfTI (.nii or .nii.gz), LPS turned to RAS, the same bytes for the same content.

    Several images of one grid become one file of four dimensions. `note` (80 ASCII letters at most) becomes the
    header's `descrip`. Raises `GeometryError` for several grids and `OutputError` when it cannot be written.
    """
    import nibabel as nib

    first = volume[0] if isinstance(volume, Sequence) else volume
    if isinstance(volume, Sequence):
        if not all(first.grid.same_as(one.grid) for one in volume):
            raise GeometryError("volumes of several grids", "one grid", "write them one by one")
        array = np.stack([np.asarray(one.array) for one in volume], axis=3)
    else:
        array = np.asarray(volume.array)
    if array.dtype in (np.int64, np.uint64):
        array = array.astype(np.int32 if np.abs(array).max(initial=0) < 2**31 else np.float64)
    content = nib.Nifti1Image(array, _LPS @ first.affine)
    content.set_sform(_LPS @ first.affine, code=1)
    content.set_qform(_LPS @ first.affine, code=1)
    content.header.set_xyzt_units("mm")
    content.header["descrip"] = note.encode("ascii")
    data = content.to_bytes()
    return atomic_write(path, gzip.compress(data, 6, mtime=0) if str(path).endswith(".gz") else data)


def header_grid(path: Path) -> tuple[tuple[int, ...], FloatArray]:
    """Return shape and affine (LPS) from the header alone, for inventories; raises as `read_nifti`."""
    import nibabel as nib

    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path) if packed else path.open("rb") as stream:
            head = stream.read(544)
    except packing.DAMAGED as error:
        raise _damaged(path.name, error) from error
    declared = _declared(head, path.name)
    kind = nib.Nifti1Header if _head_size(head) == 348 else nib.Nifti2Header
    header = kind(head[: kind.sizeof_hdr], check=False)
    return declared.shape, _affine(_HeaderOnly(header), path.name, "sform")[0]


class _HeaderOnly:
    """A header that answers like an image, so that one function settles the affine of both."""

    def __init__(self, header: Any) -> None:
        self.header = header


def _head_size(head: bytes) -> int:
    sizes = {struct.unpack(order + "i", head[:4])[0] for order in "<>"} if len(head) >= 4 else set()
    return 348 if 348 in sizes else 540 if 540 in sizes else 0


def _declared(head: bytes, name: str) -> _Declared:
    """Return what the header promises, checked for sense, from its bytes alone."""
    size = _head_size(head)
    if size == 0 or len(head) < size:
        raise FileFormatError(
            f"{name} with {len(head)} bytes and no NIfTI header", "a NIfTI-1 or NIfTI-2 file", "copy it again"
        )
    order = "<" if struct.unpack("<i", head[:4])[0] == size else ">"
    if size == 348:
        dims = struct.unpack(order + "8h", head[40:56])
        code, bits = struct.unpack(order + "2h", head[70:74])
        offset, magic = struct.unpack(order + "f", head[108:112])[0], head[344:348]
        codes, steps = struct.unpack(order + "2h", head[252:256]), struct.unpack(order + "3f", head[80:92])
    else:
        dims = struct.unpack(order + "8q", head[16:80])
        code, bits = struct.unpack(order + "2h", head[12:16])
        offset, magic = struct.unpack(order + "q", head[168:176])[0], head[4:8]
        codes, steps = struct.unpack(order + "2i", head[344:352]), struct.unpack(order + "3d", head[112:136])
    if magic not in (b"n+1\0", b"n+2\0"):
        raise FileFormatError(
            f"{name} whose voxels lie in another file, or no NIfTI (magic {magic!r})",
            "one file with header and voxels (n+1)",
            "convert the .hdr/.img pair to .nii",
        )
    known = all(0 <= code <= _MOST_CODE for code in codes)
    if not (known and all(step >= 0 for step in steps) and float(offset).is_integer()):
        raise FileFormatError(
            f"{name} with qform_code, sform_code {codes}, pixdim {steps}, voxels from byte {offset}",
            f"codes of 0 to {_MOST_CODE}, steps that are not negative",
            "the header is damaged: copy the file again or convert it anew",
        )
    rank, shape = dims[0], dims[1 : 1 + max(0, min(dims[0], 7))]
    if not 1 <= rank <= 7 or min(shape) < 1 or _BITS.get(code) != bits or not size <= offset < 2**31:
        raise FileFormatError(
            f"{name} with dimensions {dims}, datatype {code}, {bits} bits, voxels from byte {offset}",
            "sizes of at least 1, a real number type and its own bits",
            "the header is damaged: copy the file again or convert it anew",
        )
    voxels = 1
    for side in shape:
        voxels *= side
    return _Declared(tuple(shape), int(offset), int(offset) + voxels * bits // 8)


def _load(file: Path) -> tuple[Any, npt.NDArray[Any]]:
    """Return the decoded header and the voxels, after length and, for gzip, checksum have been found right."""
    import nibabel as nib

    content = _bytes(file)
    kind = nib.Nifti1Image if _head_size(content[:544].tobytes()) == 348 else nib.Nifti2Image
    try:
        nifti = kind.from_bytes(content[: _declared(content[:544].tobytes(), file.name).offset].tobytes())
        stored = nifti.dataobj
        if (stored.slope, stored.inter) == (1, 0):
            return nifti, content[stored.offset :].view(stored.dtype).reshape(stored.shape, order="F")
        return nifti, np.asarray(kind.from_bytes(content.tobytes()).dataobj)
    except (nib.spatialimages.HeaderDataError, ValueError, TypeError, OSError) as error:
        raise _damaged(file.name, error) from error


def _bytes(file: Path) -> packing.Bytes:
    name, size = file.name, file.stat().st_size
    with file.open("rb") as raw:
        is_packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        try:
            stream = packing.unpacking(raw) if is_packed else raw
            head = stream.read(544)
            declared = _declared(head, name)
            limit = size * _GZIP_BEST + 1024 if is_packed else size
            if declared.total > min(MAX_BYTES, limit):
                raise FileFormatError(
                    f"{name} of {size} bytes whose header declares {' x '.join(map(str, declared.shape))} voxels, "
                    f"{declared.total} bytes",
                    f"all its voxels, and at most {MAX_BYTES // 2**30} GiB",
                    "the file is cut off or its header is wrong: copy or convert it again",
                )
            content = np.empty(max(declared.total, len(head)), np.uint8)
            content[: len(head)] = np.frombuffer(head, np.uint8)
            found = len(head) + packing.fill(stream, content[len(head) :])
        except packing.DAMAGED as error:
            raise _damaged(name, error) from error
    if found != declared.total:
        word = "fewer" if found < declared.total else "more"
        raise FileFormatError(
            f"{name} with {word} bytes than its header declares ({declared.total})",
            "exactly the declared voxels",
            "the file is cut off or its header is wrong: copy or convert it again",
        )
    return content


def _damaged(name: str, error: Exception) -> FileFormatError:
    return FileFormatError(
        f"{name}, which is cut off or damaged ({error})", "a complete NIfTI file", "copy or convert it again"
    )


def _volume(array: npt.NDArray[Any], volume: int | None, name: str) -> npt.NDArray[Any]:
    if array.ndim > 3 and array.size == np.prod(array.shape[:3]):
        array = array.reshape(array.shape[:3])
    if array.ndim == 4 and volume is not None and 0 <= volume < array.shape[3]:
        array = array[..., volume]
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3:
        raise FileFormatError(
            f"{name} of {array.ndim} dimensions {array.shape}" + (f", volume {volume}" if volume is not None else ""),
            "one volume of three dimensions",
            f"choose one: --volume 1 to {array.shape[3]} (Python: volume=0 to {array.shape[3] - 1})"
            if array.ndim == 4
            else "split the file",
        )
    return np.asarray(array, dtype=array.dtype.newbyteorder("="))


def _finite(array: npt.NDArray[Any], nan: float | None, name: str) -> tuple[npt.NDArray[Any], tuple[Step, ...]]:
    if array.dtype.kind != "f":
        return array, ()
    bad = ~np.isfinite(array)
    count = int(bad.sum())
    if count == 0:
        return array, ()
    if nan is None:
        first = tuple(int(place) for place in np.argwhere(bad)[0])
        raise FileFormatError(
            f"{name} with {count} voxel(s) that are no number, the first at {first}",
            "numbers in every voxel",
            "say what they mean (nan=0 for a masked background), or repair the file",
        )
    return np.where(bad, array.dtype.type(nan), array), (Step("fill_nan", {"voxels": count, "with": nan}),)


def _affine(nifti: Any, name: str, believe: str | None) -> tuple[FloatArray, tuple[Step, ...]]:
    """Return the affine the header means (LPS); `GeometryError` when it means none, or two and none is believed."""
    header = nifti.header
    try:
        qform, sform = header.get_qform(coded=True)[0], header.get_sform(coded=True)[0]
    except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
        raise GeometryError(f"{name} with an illegal orientation ({error})", "a rotation", "convert it anew") from error
    if qform is None and sform is None:
        raise GeometryError(
            f"{name} without orientation (sform_code and qform_code are 0)",
            "an sform or a qform",
            "convert it anew from DICOM; left and right are never guessed",
        )
    steps: tuple[Step, ...] = ()
    if qform is not None and sform is not None:
        ends = [size - 1 for size in (*header.get_data_shape(), 1, 1, 1)[:3]]
        corners = np.array(np.meshgrid(*[(0, end) for end in ends])).reshape(3, -1)
        off = float(np.abs((qform - sform)[:3, :3] @ corners + (qform - sform)[:3, 3:]).max())
        apart = off > 1e-3 + 1e-6 * float(np.abs(sform).max() * max(1, *ends))
        steps = (Step("believe", {"orientation": believe, "apart_mm": round(off, 6)}),) if apart else ()
        if apart and believe is None:
            raise GeometryError(
                f"{name} whose sform and qform place voxels {off:.4g} mm apart",
                "one position, within 0.001 mm",
                'find out which is right; write believe = "sform" or "qform" under [io.images]',
            )
    chosen = qform if sform is None or (steps and believe == "qform") else sform
    affine = _LPS @ np.asarray(chosen, dtype=np.float64)
    sizes = np.linalg.norm(affine[:3, :3], axis=0)
    if not np.isfinite(affine).all() or sizes.min() <= 0:
        raise GeometryError(f"{name} with spacing {sizes.tolist()} mm", "finite steps above 0", "correct the header")
    return affine, steps


_MOST_SKEW = 1e-3


def _skew(affine: FloatArray) -> float:
    """Return the largest cosine between two axes."""
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return float(np.abs(axes.T @ axes - np.eye(3)).max())


def refuse_shear(affine: FloatArray, name: str) -> FloatArray:
    """Return `affine` when it is finite, has a volume and right angles; `GeometryError` names the file otherwise."""
    axes = affine[:3, :3]
    sizes = np.linalg.norm(axes, axis=0)
    if not np.isfinite(affine).all() or sizes.min() <= 0:
        raise GeometryError(f"{name} with spacing {sizes.tolist()} mm", "finite steps above 0", "correct the header")
    if (skew := _skew(affine)) > _MOST_SKEW:
        raise GeometryError(
            f"{name} with axes that are not at right angles (cosine {skew:.3g}: gantry tilt or shear)",
            "right angles within 0.001",
            'resample it to a straight grid first, or write resample = ["shear"] under [io.images]',
        )
    return affine
