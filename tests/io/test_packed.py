"""Gzip streams read into arrays: whole, cut off, damaged, and in several members."""

from __future__ import annotations

import gzip
from io import BytesIO

import numpy as np
import pytest

from genoxel.io.packed import DAMAGED, fill, unpacking

CONTENT = np.random.default_rng(0).integers(0, 9, 300_000).astype(np.uint8).tobytes()
PACKED = gzip.compress(CONTENT)


def filled(packed: bytes, size: int) -> tuple[int, bytes]:
    out = np.zeros(size, np.uint8)
    found = fill(unpacking(BytesIO(packed)), out)
    return found, out.tobytes()


def test_what_python_packed_is_unpacked_to_the_last_byte():
    assert filled(PACKED, len(CONTENT)) == (len(CONTENT), CONTENT)
    assert fill(BytesIO(CONTENT), np.zeros(len(CONTENT), np.uint8)) == len(CONTENT)


def test_members_one_after_another_are_one_stream():
    assert filled(gzip.compress(CONTENT[:99]) + gzip.compress(CONTENT[99:]), len(CONTENT)) == (len(CONTENT), CONTENT)


@pytest.mark.parametrize(("room", "found"), [(-5, 1), (7, 0)])
def test_too_much_and_too_little_are_counted(room: int, found: int):
    size = len(CONTENT) + room
    assert filled(PACKED, size)[0] == (size + found if room < 0 else len(CONTENT))


@pytest.mark.parametrize("place", [20, 1000, -6, -2])
def test_any_changed_byte_is_found(place: int):
    broken = bytearray(PACKED)
    broken[place] ^= 16
    with pytest.raises(DAMAGED):
        assert filled(bytes(broken), len(CONTENT)) != (len(CONTENT), CONTENT)


@pytest.mark.parametrize("kept", [5, 1000, -1, -8])
def test_a_stream_that_is_cut_off_is_found(kept: int):
    with pytest.raises(DAMAGED):
        filled(PACKED[:kept], len(CONTENT))
