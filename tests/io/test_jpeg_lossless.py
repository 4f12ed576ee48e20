"""JPEG without loss against an encoder of our own, a stream of GDCM, and damage."""

from __future__ import annotations

import base64
import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genoxel.io.jpeg_lossless import unpack
from jpeg_making import encode

GDCM = (
    "/9j/wwALEAAMAA4BAREA/8QAFgABAQEAAAAAAAAAAAAAAAAAAwkO/9oACAEBAAEAAMcPu7u7u7u7vSx3d3d3d3d6WO7u7u7u7vSx"
    "3d3d3d3d6WO7u7u7u7vSx3d3d3d3d6WO7u7u7u7vSx3d3d3d3d6WO7u7u7u7vSx3d3d3d3d6WO7u7u7u7vSx3d3d3d3d/wD/2Q=="
)
"""A ramp of 12 rows and 14 columns (value = 300 row + 7 column + 20000), packed by GDCM 3.2.6."""


@pytest.mark.parametrize("predictor", range(1, 8))
@pytest.mark.parametrize("every", [0, 3])
def test_every_predictor_gives_the_samples_back(predictor: int, every: int) -> None:
    samples = np.random.default_rng(predictor).integers(0, 65536, (11, 13)).astype(np.uint16)
    assert np.array_equal(unpack(encode(samples, predictor, every=every), 11, 13), samples)


@given(st.integers(0, 2**32 - 1), st.integers(1, 20), st.integers(1, 20), st.integers(2, 16))
@settings(max_examples=40, deadline=None)
def test_any_size_and_depth_comes_back(seed: int, rows: int, columns: int, bits: int) -> None:
    samples = np.random.default_rng(seed).integers(0, 1 << bits, (rows, columns)).astype(np.uint16)
    assert np.array_equal(unpack(encode(samples, 1 + seed % 7, bits), rows, columns), samples)


def test_a_stream_of_another_encoder() -> None:
    expected = 300 * np.arange(12)[:, None] + 7 * np.arange(14)[None, :] + 20000
    assert np.array_equal(unpack(base64.b64decode(GDCM), 12, 14), expected)


def test_cuts_other_sizes_and_other_kinds_are_refused() -> None:
    samples = np.random.default_rng(0).integers(0, 4096, (9, 8)).astype(np.uint16)
    content = encode(samples)
    for length in range(len(content) - 3):
        with pytest.raises(ValueError, match="JPEG"):
            unpack(content[:length], 9, 8)
    for rows, columns in ((8, 9), (9, 9), (10, 8)):
        with pytest.raises(ValueError, match="header says"):
            unpack(content, rows, columns)
    with pytest.raises(ValueError, match="frame type"):
        unpack(content.replace(b"\xff\xc3", b"\xff\xc0"), 9, 8)


@given(st.integers(0, 10_000), st.integers(0, 7))
@settings(max_examples=150, deadline=None)
def test_flipped_bits_never_crash(place: int, bit: int) -> None:
    samples = np.random.default_rng(0).integers(0, 4096, (9, 8)).astype(np.uint16)
    content = bytearray(encode(samples))
    content[place % len(content)] ^= 1 << bit
    with contextlib.suppress(ValueError):
        assert unpack(bytes(content), 9, 8).shape == (9, 8)
