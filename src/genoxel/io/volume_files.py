"""What NRRD and MetaImage files share once their header is read: voxels and affine to an image or a mask."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import FileFormatError
from genoxel.core.image import FloatArray, Image, Step
from genoxel.core.mask import Mask
from genoxel.io.nifti import as_labels, label_names, straight
from genoxel.io.settings import ReadingSettings

Voxels = tuple[npt.NDArray[Any], FloatArray]
"""Voxels in file order and the affine in LPS."""


def image_of(voxels: Voxels, name: str, modality: str, reading: ReadingSettings, word: str) -> Image:
    """Return voxels as an image whose history begins with the step `word`; the unit is "HU" for modality "CT", else "".

    Raises `FileFormatError` for values that are no number, `GeometryError` for shear that is not to be resampled.
    """
    array, affine = voxels
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        count = int((~np.isfinite(array)).sum())
        raise FileFormatError(f"{name} with {count} voxel(s) that are no number", "numbers", "repair the file")
    unit = "HU" if modality == "CT" else ""
    image = Image(array, affine, modality, unit, (Step(word),), {"Modality": modality})
    return straight(image, name, "shear" in reading.resample)


def mask_of(voxels: Voxels, name: str, labels: dict[int, str] | None, reading: ReadingSettings, word: str) -> Mask:
    """Return voxels as a label map, names from `labels` or their numbers; raises as `as_labels` and `straight`."""
    array, affine = voxels
    whole = as_labels(array, name)
    mask = Mask(whole, affine, label_names(whole, labels), (Step(word),))
    return straight(mask, name, "shear" in reading.resample)
