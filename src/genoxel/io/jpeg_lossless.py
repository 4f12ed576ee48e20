"""JPEG without loss (ITU-T T.81, process 14): the packing that archives use most, unpacked without trusting it.

Written here because the library that reads it under a free licence ends the whole process on damaged bytes. One
component of 2 to 16 bits, all seven predictors, restart intervals; everything else is refused.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

_FAULTS = ("data that end early", "a code that no table defines", "restart markers that do not fit", "data left over")
_SOI, _SOF3, _DHT, _SOS, _DRI, _EOI = 0xD8, 0xC3, 0xC4, 0xDA, 0xDD, 0xD9


@dataclass
class _Stream:
    """What the markers before the scan declare."""

    rows: int = 0
    columns: int = 0
    bits: int = 0
    restart: int = 0
    predictor: int = 0
    shift: int = 0
    table: int = 0
    tables: dict[int, npt.NDArray[np.int32]] = field(default_factory=dict)
    data: bytes = b""


def unpack(content: bytes, rows: int, columns: int) -> npt.NDArray[np.uint16]:
    """Return the samples (row, column) of one JPEG stream without loss that must have `rows` and `columns`.

    Raises `ValueError` for any other kind of JPEG, for other sizes, and for data that end early or hold a code
    that no table defines. Source: ITU-T T.81 annex H (lossless mode), annex C (Huffman tables), B (markers).
    """
    stream = _markers(content)
    if (stream.rows, stream.columns) != (rows, columns):
        raise _damaged(f"{stream.rows} x {stream.columns} samples where the header says {rows} x {columns}")
    if not 2 <= stream.bits <= 16 or not 1 <= stream.predictor <= 7 or stream.shift >= stream.bits:
        raise _damaged(f"{stream.bits} bits, predictor {stream.predictor}")
    if stream.table not in stream.tables:
        raise _damaged("no Huffman table")
    if stream.restart % columns:
        raise _damaged(f"a restart interval of {stream.restart} samples in rows of {columns}")
    raw, ends = _without_stuffing(stream.data)
    table = stream.tables[stream.table]
    settings = (stream.bits - stream.shift, stream.predictor, stream.restart // columns)
    samples, used = _decoder()(raw, ends, table, rows, columns, settings)
    if used < 0:
        raise _damaged(_FAULTS[-used - 1])
    return np.asarray(samples << stream.shift, dtype=np.uint16)


def _damaged(what: str) -> ValueError:
    return ValueError(f"a JPEG stream with {what}, not one component without loss (process 14)")


def _markers(content: bytes) -> _Stream:
    stream, place = _Stream(), 2
    if content[:2] != bytes((0xFF, _SOI)):
        raise _damaged("no start marker")
    while place + 4 <= len(content):
        if content[place] != 0xFF:
            raise _damaged("bytes between its markers")
        kind, (size,) = content[place + 1], struct.unpack_from(">H", content, place + 2)
        body = content[place + 4 : place + 2 + size]
        if kind == 0xFF:
            place += 1
            continue
        if size < 2 or len(body) != size - 2:
            raise _damaged("a marker cut off")
        place += 2 + size
        _take(stream, kind, body)
        if kind == _SOS:
            stream.data = content[place:]
            return stream
    raise _damaged("no scan")


def _take(stream: _Stream, kind: int, body: bytes) -> None:
    if 0xC0 <= kind <= 0xCF and kind not in (_SOF3, _DHT, 0xC8, 0xCC):
        raise _damaged(f"frame type {kind:02X}")
    if kind == _SOF3:
        if len(body) != 9 or body[5] != 1:
            raise _damaged("more than one component")
        stream.bits, stream.rows, stream.columns = struct.unpack_from(">BHH", body)
    elif kind == _DHT:
        _tables(stream, body)
    elif kind == _DRI:
        (stream.restart,) = struct.unpack(">H", body.ljust(2, b"\0")[:2])
    elif kind == _SOS:
        if len(body) != 6 or body[0] != 1:
            raise _damaged("more than one component")
        stream.table, stream.predictor, stream.shift = body[2] >> 4, body[3], body[5] & 15


def _tables(stream: _Stream, body: bytes) -> None:
    """Keep each Huffman table as rows of (code length, first code, first place) and its values behind them."""
    while body:
        counts, total = body[1:17], sum(body[1:17])
        if len(counts) != 16 or len(body) < 17 + total:
            raise _damaged("a Huffman table cut off")
        stream.tables[body[0] & 15] = _lookup(counts, body[17 : 17 + total])
        body = body[17 + total :]


def _lookup(counts: bytes, values: bytes) -> npt.NDArray[np.int32]:
    """Return for every 16 bits: code length * 256 + value, -1 where no code begins so."""
    table = np.full(1 << 16, -1, dtype=np.int32)
    code = place = 0
    for length in range(1, 17):
        for _ in range(counts[length - 1]):
            start, stop = code << (16 - length), (code + 1) << (16 - length)
            if stop > 1 << 16 or values[place] > 16:
                raise _damaged("an impossible Huffman table")
            table[start:stop] = length * 256 + values[place]
            code, place = code + 1, place + 1
        code <<= 1
    return table


def _without_stuffing(data: bytes) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Return the scan's bytes without stuffed zeros and markers, and where each restart interval ends in them."""
    raw = np.frombuffer(data, np.uint8)
    marks = np.nonzero(raw[:-1] == 0xFF)[0] if raw.size > 1 else np.empty(0, np.int64)
    after = raw[marks + 1] if marks.size else np.empty(0, np.uint8)
    keep = np.ones(raw.size, bool)
    keep[marks[after == 0] + 1] = False
    restarts = marks[(after >= 0xD0) & (after <= 0xD7)]
    keep[restarts] = keep[restarts + 1] = False
    others = marks[(after != 0) & ((after < 0xD0) | (after > 0xD7))]
    stop = int(others[0]) if others.size else raw.size
    keep[stop:] = False
    before = np.concatenate([[0], np.cumsum(keep)])
    ends = np.array([*before[restarts[restarts < stop]], before[-1]], dtype=np.int64)
    return raw[keep], ends


_compiled: dict[str, Any] = {}


def _decoder() -> Any:
    """Return the compiled loop; numba is loaded with the first such file."""
    if "loop" not in _compiled:
        from numba import njit

        _compiled["loop"] = njit(cache=True, nogil=True)(_loop)
    return _compiled["loop"]


def _loop(raw, ends, table, rows, columns, settings):  # type: ignore[no-untyped-def]  # noqa: C901, PLR0912, PLR0915
    bits, predictor, every = settings
    samples = np.zeros((rows, columns), np.int32)
    part, place, held, count = 0, 0, 0, 0
    end = ends[0]
    top = 0
    for i in range(rows):
        if every and i and i % every == 0:
            part += 1
            if part >= ends.size:
                return samples, -3
            place, end, held, count, top = ends[part - 1], ends[part], 0, 0, i
        for j in range(columns):
            while count < 32 and place < end:
                held = (held << 8) | raw[place]
                place += 1
                count += 8
            ahead = (held >> (count - 16)) & 0xFFFF if count >= 16 else (held << (16 - count)) & 0xFFFF
            entry = table[ahead]
            if entry < 0:
                return samples, -2
            length, size = entry >> 8, entry & 255
            if length > count:
                return samples, -1
            count -= length
            held &= (1 << count) - 1
            if size == 16:
                difference = 32768
            elif size == 0:
                difference = 0
            else:
                if size > count:
                    return samples, -1
                count -= size
                difference = held >> count
                held &= (1 << count) - 1
                if difference < 1 << (size - 1):
                    difference += 1 - (1 << size)
            if i == top:
                guess = samples[i, j - 1] if j else 1 << (bits - 1)
            elif j == 0:
                guess = samples[i - 1, j]
            else:
                left, above, corner = samples[i, j - 1], samples[i - 1, j], samples[i - 1, j - 1]
                if predictor == 1:
                    guess = left
                elif predictor == 2:
                    guess = above
                elif predictor == 3:
                    guess = corner
                elif predictor == 4:
                    guess = left + above - corner
                elif predictor == 5:
                    guess = left + ((above - corner) >> 1)
                elif predictor == 6:
                    guess = above + ((left - corner) >> 1)
                else:
                    guess = (left + above) >> 1
            samples[i, j] = (guess + difference) & 0xFFFF
    return samples, place if place == raw.size else -4
