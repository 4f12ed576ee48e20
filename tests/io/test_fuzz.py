"""Damaged files: every cut is refused, and what is accepted after flipped bits equals what a strict parser reads.

The long run of 10,000 files: `pytest -m slow tests/io/test_fuzz.py`.
"""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import strict_parsers as strict
from dicom_making import slices, truth
from genoxel.core.errors import GenoxelError
from genoxel.core.image import Image
from genoxel.io.dicom import read_series
from genoxel.io.mha import read_mha, write_mha
from genoxel.io.nifti import read_nifti, write_nifti
from genoxel.io.nrrd import read_nrrd, write_nrrd

SHAPE = (9, 8, 4)
MOST_BYTES = 32 * 2**20


def volume() -> Image:
    """A volume on an oblique grid."""
    affine = np.eye(4)
    affine[:3, :3] = np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]]) @ np.diag([0.75, 0.75, 2.5])
    affine[:3, 3] = (-31.5, 12.25, 7.0)
    return Image(truth(SHAPE), affine)


def dicom_bytes(folder: Path, syntax: str = "") -> bytes:
    """One slice, plain or packed."""
    one = slices(shape=(40, 36, 8))[2] if syntax else slices(shape=SHAPE)[2]
    if syntax:
        one.compress(syntax)
    buffer = io.BytesIO()
    one.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def written(writer: Callable[[Path, Image], Path], name: str) -> Callable[[Path], bytes]:
    return lambda folder: writer(folder / name, volume()).read_bytes()


Reader = Callable[[Path], Image]
FORMATS: dict[str, tuple[str, Callable[[Path], bytes], Reader, Callable[[bytes], Any] | None]] = {
    "DICOM": ("a.dcm", dicom_bytes, lambda path: read_series([path]), strict.dicom),
    "DICOM RLE": ("a.dcm", lambda f: dicom_bytes(f, "1.2.840.10008.1.2.5"), lambda path: read_series([path]), None),
    "DICOM JPEG-LS": (
        "a.dcm",
        lambda f: dicom_bytes(f, "1.2.840.10008.1.2.4.80"),
        lambda path: read_series([path]),
        None,
    ),
    "DICOM JPEG 2000": (
        "a.dcm",
        lambda f: dicom_bytes(f, "1.2.840.10008.1.2.4.90"),
        lambda path: read_series([path]),
        None,
    ),
    "NIfTI": ("a.nii", written(write_nifti, "w.nii"), read_nifti, strict.nifti),
    "NIfTI gzip": ("a.nii.gz", written(write_nifti, "w.nii.gz"), read_nifti, strict.nifti),
    "NRRD": ("a.nrrd", written(write_nrrd, "w.nrrd"), read_nrrd, strict.nrrd),
    "MHA": ("a.mha", written(write_mha, "w.mha"), read_mha, strict.mha),
}


def read_or_none(reader: Reader, path: Path) -> Image | None:
    """Return what a reader accepts; any exception but our own fails the test."""
    try:
        return reader(path)
    except GenoxelError:
        return None


def flip(content: bytes, rng: np.random.Generator) -> bytes:
    """Flip one to three bits, or set a byte, half of them in the first kilobytes where the header lies."""
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, 4))):
        end = len(content) if rng.random() < 0.5 else min(len(content), 1500)
        place = int(rng.integers(end))
        changed[place] = int(rng.integers(256)) if rng.random() < 0.2 else changed[place] ^ (1 << int(rng.integers(8)))
    return bytes(changed)


def fuzz(kind: str, count: int, folder: Path) -> int:
    """Read `count` damaged files; return how many were accepted."""
    name, make, reader, parser = FORMATS[kind]
    content, path = make(folder), folder / name
    seeds = np.random.SeedSequence((20261121, list(FORMATS).index(kind))).spawn(count)
    accepted = 0
    path.write_bytes(content)
    reader(path)
    tracemalloc.start()
    try:
        for number, seed in enumerate(seeds):
            damaged = flip(content, np.random.default_rng(seed))
            path.write_bytes(damaged)
            tracemalloc.reset_peak()
            image = read_or_none(reader, path)
            assert tracemalloc.get_traced_memory()[1] < MOST_BYTES, f"{kind} {number}"
            if image is None:
                continue
            accepted += 1
            if parser is not None and "fill_padding" not in [step.name for step in image.history]:
                values, affine = parser(damaged)
                assert np.array_equal(np.asarray(image.array), values), f"{kind} {number}"
                np.testing.assert_allclose(image.affine, affine, rtol=1e-6, atol=1e-9, err_msg=f"{kind} {number}")
    finally:
        tracemalloc.stop()
    return accepted


@pytest.mark.parametrize("kind", FORMATS)
def test_flipped_bits_are_refused_or_read_as_a_strict_parser_does(tmp_path: Path, kind: str) -> None:
    least = 0 if "gzip" in kind else 1  # a checksum covers nearly every bit there
    assert least <= fuzz(kind, 60, tmp_path) < 60


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", FORMATS)
def test_ten_thousand_damaged_files(tmp_path: Path, kind: str) -> None:
    assert fuzz(kind, 1250, tmp_path) < 1250


@pytest.mark.parametrize("kind", FORMATS)
def test_every_cut_is_refused(tmp_path: Path, kind: str) -> None:
    name, make, reader, _ = FORMATS[kind]
    content, path = make(tmp_path), tmp_path / name
    for percent in range(1, 100):
        path.write_bytes(content[: len(content) * percent // 100])
        assert read_or_none(reader, path) is None, f"{kind} cut at {percent} %"
    path.write_bytes(content[:-1])
    # behind packed pixels stands an empty mark alone
    assert read_or_none(reader, path) is None or kind.startswith("DICOM ")
