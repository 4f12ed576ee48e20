"""Faces in DICOM series of heads: where a head lies is found series by series, its face is taken out file by file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import FileFormatError, GenoxelError
from genoxel.core.image import Grid
from genoxel.image.heads import Head, face_voxels, find_head

NOT_FOUND = "image of the head: its face could not be found, and so not be removed"
_PROJECTED = frozenset({"PROJECTION IMAGE", "MIP", "MAXIMUM", "VOLUME RENDERING", "VRT", "SSD", "3D"})


def heads_of(paths: Sequence[Path]) -> dict[str, Head]:
    """Return SeriesInstanceUID -> how the head in it lies, of the series that may show one and where one is found.

    A series in which none is found (a localiser, few slices) takes the best of its frame of reference.
    """
    from genoxel.io.dicom import read_series

    series, frames = _grouped(paths)
    found: dict[str, Head] = {}
    for uid, files in series.items():
        try:
            found[uid] = find_head(read_series(files))
        except GenoxelError:
            continue
    best: dict[str, Head] = {}
    for uid, head in found.items():
        frame = frames[uid]
        if frame and (frame not in best or head.residual_mm < best[frame].residual_mm):
            best[frame] = head
    return {uid: found.get(uid) or best[frames[uid]] for uid in series if uid in found or frames[uid] in best}


def _grouped(paths: Sequence[Path]) -> tuple[dict[str, list[Path]], dict[str, str]]:
    """Return SeriesInstanceUID -> its files, and -> its frame of reference, of images that may show a head."""
    from genoxel.io.deidentify.files import is_head
    from genoxel.io.dicom_tags import open_dicom

    series: dict[str, list[Path]] = {}
    frames: dict[str, str] = {}
    for path in paths:
        try:
            header = open_dicom(path, pixels=False)
        except FileFormatError:
            continue
        head, known = is_head(header)
        uid = str(header.get("SeriesInstanceUID", ""))
        if uid and (head or not known) and str(header.get("Modality", "")) in {"CT", "MR"}:
            series.setdefault(uid, []).append(path)
            frames[uid] = str(header.get("FrameOfReferenceUID", ""))
    return series, frames


def without_face(source: Any, head: Head) -> npt.NDArray[Any] | None:
    """Return the stored values (rows, columns) of a single-frame image with the face set to the darkest of them.

    None where it cannot be done: several frames, colours, no position in the patient, or a projection of the volume.
    """
    kind = source.get("ImageType") or []
    words = {str(word).upper() for word in ([kind] if isinstance(kind, str) else kind)}
    grid = _grid(source)
    if grid is None or words & _PROJECTED:
        return None
    stored = np.array(source.pixel_array)
    if stored.shape != (grid.shape[1], grid.shape[0]):
        return None
    stored[face_voxels(grid, head)[:, :, 0].T] = stored.min()
    return stored


def _grid(source: Any) -> Grid | None:
    """Return the grid (columns, rows, 1) of a single frame in the patient, or None where the header tells none."""
    needed = [source.get(name) for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")]
    frames, samples = int(source.get("NumberOfFrames") or 1), int(source.get("SamplesPerPixel") or 1)
    if any(not one for one in needed) or frames != 1 or samples != 1:
        return None
    place, turn, size = (np.array([float(value) for value in one]) for one in needed)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = turn[:3] * size[1], turn[3:] * size[0]
    affine[:3, 2], affine[:3, 3] = np.cross(turn[:3], turn[3:]), place
    return Grid((int(source.Columns), int(source.Rows), 1), affine)
