"""Run lengths (DICOM PS3.5 annex G), unpacked strictly: the DICOM library lets a segment run over its end.

A damaged run then shifts every later pixel, and nothing else tells. Here each segment must give one byte per sample.
"""

from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt

_HEADER = 64
_FILLING = b"\x00\x80"


def unpack(content: bytes, shape: tuple[int, int, int], width: int) -> npt.NDArray[np.unsignedinteger]:
    """Return the samples (row, column, sample) of one frame, `width` bytes each, as unsigned numbers.

    Raises `ValueError` unless the segments are those of `shape`, follow one another, and each ends with its last
    sample (zeros and empty runs behind it are allowed).

    >>> head = struct.pack("<16I", 1, 64, *[0] * 14)
    >>> unpack(head + bytes([254, 7, 0, 9]), (2, 2, 1), 1)[..., 0].tolist()
    [[7, 7], [7, 9]]
    """
    rows, columns, samples = shape
    if len(content) < _HEADER:
        raise ValueError("run lengths without their header")
    count, *places = struct.unpack("<16I", content[:_HEADER])
    starts = places[:count]
    ends = [*starts[1:], len(content)]
    if count != samples * width or starts[0] != _HEADER or any(a >= b for a, b in zip(starts, ends, strict=True)):
        raise ValueError(f"{count} segments of run lengths for {samples} sample(s) of {width} byte(s)")
    planes = [_runs(content[start:end], rows * columns) for start, end in zip(starts, ends, strict=True)]
    # the highest byte of the first sample comes first
    packed = np.stack(planes, axis=-1).reshape(rows, columns, samples, width)
    return np.ascontiguousarray(packed).view(f">u{width}")[..., 0].astype(f"=u{width}")


def _runs(segment: bytes, size: int) -> npt.NDArray[np.uint8]:
    out, place = bytearray(), 0
    while len(out) < size and place < len(segment):
        control = segment[place]
        if control < 128:
            out += segment[place + 1 : place + control + 2]
            place += control + 2
        elif control > 128:
            out += segment[place + 1 : place + 2] * (257 - control)
            place += 2
        else:
            place += 1
    if len(out) != size or place > len(segment) or segment[place:].strip(_FILLING):
        raise ValueError("a segment of run lengths of another size than its frame")
    return np.frombuffer(bytes(out), np.uint8)
