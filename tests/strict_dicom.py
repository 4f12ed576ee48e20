"""A strict parser of DICOM for the tests alone, written from PS3.5 and PS3.3: what the bytes say, or an exception.

Explicit little endian only. It shares no code with the DICOM library, so that both reading alike means something.
"""

from __future__ import annotations

import struct
from datetime import datetime
from typing import Any

import numpy as np

LONG = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
UNDEFINED, ITEM, ITEM_END, SEQUENCE_END = 0xFFFFFFFF, 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
Elements = dict[int, Any]


def elements(content: bytes) -> Elements:
    """Return the elements of a file: tag -> bytes, items of a sequence as a list, fragments too."""
    assert content[128:132] == b"DICM"
    found, place = _dataset(content, 132, len(content), None)
    assert place == len(content)
    return found


def _dataset(content: bytes, place: int, end: int, closing: int | None) -> tuple[Elements, int]:
    found: Elements = {}
    while place < end:
        tag, kind, length, place = _head(content, place)
        if tag == closing:
            assert length == 0
            return found, place
        if kind == b"SQ":
            found[tag], place = _items(content, place, length)
        elif length == UNDEFINED:
            assert tag == 0x7FE00010
            found[tag], place = _fragments(content, place)
        else:
            assert place + length <= end
            found[tag] = content[place : place + length]
            place += length
    assert closing is None
    return found, place


def _head(content: bytes, place: int) -> tuple[int, bytes, int, int]:
    group, number = struct.unpack_from("<HH", content, place)
    tag, kind = group << 16 | number, content[place + 4 : place + 6]
    if group == 0xFFFE:
        return tag, b"", struct.unpack_from("<I", content, place + 4)[0], place + 8
    if kind in LONG:
        return tag, kind, struct.unpack_from("<I", content, place + 8)[0], place + 12
    return tag, kind, struct.unpack_from("<H", content, place + 6)[0], place + 8


def _items(content: bytes, place: int, length: int) -> tuple[list[Elements], int]:
    end = len(content) if length == UNDEFINED else place + length
    assert end <= len(content)
    items = []
    while place < end:
        tag, _, size, place = _head(content, place)
        if tag == SEQUENCE_END:
            assert length == UNDEFINED
            return items, place
        assert tag == ITEM
        limit, closing = (len(content), ITEM_END) if size == UNDEFINED else (place + size, None)
        item, place = _dataset(content, place, limit, closing)
        items.append(item)
    assert length != UNDEFINED
    return items, place


def _fragments(content: bytes, place: int) -> tuple[list[bytes], int]:
    parts = []
    while True:
        tag, _, size, place = _head(content, place)
        if tag == SEQUENCE_END:
            return parts[1:], place
        assert tag == ITEM
        assert place + size <= len(content)
        parts.append(content[place : place + size])
        place += size


def numbers(raw: bytes) -> list[float]:
    """Return decimal strings as numbers."""
    return [float(part) for part in raw.decode("ascii").strip(" \0").split("\\")]


def number(raw: bytes) -> float:
    """Return the one decimal string."""
    (only,) = numbers(raw)
    return only


def text(raw: bytes) -> str:
    """Return a text without its filling."""
    return raw.decode("ascii").strip(" \0")


def image(content: bytes) -> list[np.ndarray]:
    """Return rescaled values (i, j, 1) and affine of one slice, plain or packed."""
    found = elements(content)
    values = _stored(found)[0].astype(np.float64) * number(found[0x00281053]) + number(found[0x00281052])
    assert 0x00280120 not in found
    affine = _placed(found[0x00200032], found[0x00200037], found[0x00280030])
    affine[:3, 2] *= number(found[0x00180050])
    return [values.T[:, :, None], affine]


def _placed(position: bytes, orientation: bytes, spacing: bytes) -> np.ndarray:
    (down, along), cosines = numbers(spacing), numbers(orientation)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = np.array(cosines[:3]) * along, np.array(cosines[3:]) * down
    normal = np.cross(cosines[:3], cosines[3:])
    affine[:3, 2], affine[:3, 3] = normal / np.linalg.norm(normal), numbers(position)
    return affine


def _stored(found: Elements) -> np.ndarray:
    """Return the stored values (frame, row, column), signed as the header says."""
    rows, columns = (struct.unpack("<H", found[tag])[0] for tag in (0x00280010, 0x00280011))
    bits, stored, high, signed = (struct.unpack("<H", found[0x00280100 + place])[0] for place in range(4))
    assert bits in (8, 16, 32)
    assert high == stored - 1
    frames = int(text(found.get(0x00280008, b"1")))
    raw = found[0x7FE00010]
    if isinstance(raw, list):
        unpack = {"5": run_lengths, "4.70": jpeg_lossless}[text(found[0x00020010])[len("1.2.840.10008.1.2.") :]]
        assert len(raw) == frames == 1
        pixels = unpack(raw[0], rows, columns, bits // 8)[None]
    else:
        pixels = np.frombuffer(raw[: frames * rows * columns * bits // 8], f"<u{bits // 8}")
        pixels = pixels.reshape(frames, rows, columns)
    low = pixels.astype(np.int64) & ((1 << stored) - 1)
    return np.where(low >= 1 << (stored - 1), low - (1 << stored), low) if signed & 0xFF == 1 else low


def run_lengths(content: bytes, rows: int, columns: int, width: int) -> np.ndarray:
    """Unpack run lengths (PS3.5 annex G): one segment per byte of a sample, the highest first."""
    count, *places = struct.unpack("<16I", content[:64])
    assert count == width
    ends = [*places[1:count], len(content)]
    planes = [_bytes_of_runs(content[a:b], rows * columns) for a, b in zip(places[:count], ends, strict=True)]
    total = sum(plane.astype(np.int64) << (8 * (width - 1 - n)) for n, plane in enumerate(planes))
    return np.asarray(total).reshape(rows, columns)


def _bytes_of_runs(segment: bytes, size: int) -> np.ndarray:
    out, place = bytearray(), 0
    while place < len(segment) and len(out) < size:
        control = segment[place]
        if control < 128:
            out += segment[place + 1 : place + 2 + control]
            place += 2 + control
        else:
            out += segment[place + 1 : place + 2] * (257 - control if control > 128 else 0)
            place += 2 if control > 128 else 1
    assert len(out) == size
    return np.frombuffer(bytes(out), np.uint8)


def jpeg_lossless(content: bytes, rows: int, columns: int, width: int) -> np.ndarray:
    """Unpack JPEG without loss (T.81 annex H), predictor 1, no restarts: bit by bit, from the code lengths."""
    assert content[:2] == b"\xff\xd8"
    place, codes, bits = 2, {}, 0
    while True:
        mark, size = content[place : place + 2], struct.unpack_from(">H", content, place + 2)[0]
        body = content[place + 4 : place + 2 + size]
        place += 2 + size
        if mark == b"\xff\xc3":
            bits, high, wide = struct.unpack_from(">BHH", body)
            assert (high, wide, body[5]) == (rows, columns, 1)
        elif mark == b"\xff\xc4":
            codes[body[0] & 15] = _codes(body)
        elif mark == b"\xff\xda":
            break
        else:
            assert mark[:1] == b"\xff"
            assert 0xE0 <= mark[1] <= 0xFE
    assert body[3] == 1
    shift = body[5] & 15
    data = content[place:]
    data = data[: next(n for n in range(len(data)) if data[n] == 0xFF and data[n + 1 : n + 2] != b"\0")]
    raw = data.replace(b"\xff\0", b"\xff")
    return (
        _differences(
            f"{int.from_bytes(raw, 'big'):0{8 * len(raw)}b}", codes[body[2] >> 4], bits - shift, (rows, columns)
        )
        << shift
    )


def _codes(body: bytes) -> dict[str, int]:
    code, place, table = 0, 17, {}
    for length in range(1, 17):
        for _ in range(body[length]):
            table[f"{code:0{length}b}"] = body[place]
            code, place = code + 1, place + 1
        code <<= 1
    assert place == len(body)
    return table


def _differences(stream: str, codes: dict[str, int], bits: int, shape: tuple[int, int]) -> np.ndarray:
    samples, place = np.zeros(shape, np.int64), 0
    for i, j in np.ndindex(shape):
        length = next(n for n in range(1, 17) if stream[place : place + n] in codes)
        size = codes[stream[place : place + length]]
        place += length
        assert size <= 16
        extra = stream[place : place + size] if size < 16 else ""
        place += len(extra)
        assert len(extra) == (size if size < 16 else 0)
        step = 32768 if size == 16 else int(extra or "0", 2)
        step -= (1 << size) - 1 if extra[:1] == "0" else 0
        before = samples[i, j - 1] if j else samples[i - 1, j] if i else 1 << (bits - 1)
        samples[i, j] = (before + step) & 0xFFFF
    assert len(stream) - place < 8
    return samples


def enhanced(content: bytes) -> list[np.ndarray]:
    """Return rescaled values and affine of a multi-frame file whose frames lie evenly along their normal."""
    found = elements(content)
    stored = _stored(found)
    (shared,), groups = found[0x52009229], found[0x52009230]
    assert len(groups) == len(stored)
    headers = [_flattened(found | _flattened(shared) | _flattened(group)) for group in groups]
    planes = [_placed(one[0x00200032], one[0x00200037], one[0x00280030]) for one in headers]
    order = np.argsort([float(plane[:3, 2] @ plane[:3, 3]) for plane in planes], kind="stable")
    assert all(0x00280120 not in one for one in headers)
    values = [
        stored[k].T.astype(np.float64) * number(headers[k][0x00281053]) + number(headers[k][0x00281052]) for k in order
    ]
    affine = planes[order[0]].copy()
    span = planes[order[-1]][:3, 3] - affine[:3, 3]
    affine[:3, 2] *= float(span @ affine[:3, 2]) / (len(order) - 1)
    return [np.stack(values, axis=-1), affine]


def _flattened(group: Elements) -> Elements:
    """Return a functional group's elements, those inside its macros as its own."""
    flat = dict(group)
    for value in group.values():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            flat |= value[0]
    return flat


def pet(content: bytes) -> list[np.ndarray]:
    """Return SUV by body weight of one slice in Bq/ml, corrected for decay to the start of the series."""
    found = elements(content)
    assert text(found[0x00541001]).upper() == "BQML"
    assert text(found[0x00541102]).upper() == "START"
    (item,) = found[0x00540016]
    start, injected = _seconds(text(found[0x00080031])), _seconds(text(item[0x00181072]))
    assert start <= _seconds(text(found[0x00080032]))
    assert datetime.strptime(text(found[0x00080021]), "%Y%m%d") <= datetime.strptime(text(found[0x00080022]), "%Y%m%d")
    left = number(item[0x00181074]) * 0.5 ** ((start - injected) / number(item[0x00181075]))
    values, affine = image(content)
    return [values * 1000 * number(found[0x00101030]) / left, affine]


def _seconds(clock: str) -> float:
    return int(clock[:2]) * 3600 + int(clock[2:4]) * 60 + float(clock[4:])


def contours(content: bytes) -> list[np.ndarray]:
    """Return the number of points of every closed contour in the order of the structures, and all points."""
    found = elements(content)
    drawn = {text(item[0x30060084]): item.get(0x30060040, []) for item in found.get(0x30060039, [])}
    assert len(drawn) == len(found.get(0x30060039, []))
    points = []
    for structure in found[0x30060020]:
        for contour in drawn.get(text(structure[0x30060022]), []):
            if text(contour[0x30060042]) not in ("POINT", "OPEN_PLANAR", "OPEN_NONPLANAR"):
                assert text(contour[0x30060042]) in ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
                here = np.array(numbers(contour[0x30060050])).reshape(-1, 3)
                assert len(here) == int(text(contour[0x30060046]))
                points.append(here)
    return [np.array([len(one) for one in points]), np.concatenate(points) if points else np.empty((0, 3))]


def segments(content: bytes, shape: tuple[int, ...], affine: np.ndarray) -> np.ndarray:
    """Return the labels of a binary segmentation of one bit per pixel on a grid whose slices it was drawn in."""
    found = elements(content)
    assert text(found[0x00620001]) == "BINARY"
    rows, columns = (struct.unpack("<H", found[tag])[0] for tag in (0x00280010, 0x00280011))
    (shared,), groups = found[0x52009229], found[0x52009230]
    count = int(text(found[0x00280008]))
    assert count == len(groups)
    bits = np.unpackbits(np.frombuffer(found[0x7FE00010], np.uint8), bitorder="little")
    frames = bits[: count * rows * columns].reshape(count, rows, columns)
    declared = {struct.unpack("<H", item[0x00620004])[0] for item in found[0x00620002]}
    labels, inverse = np.zeros(shape, np.int64), np.linalg.inv(affine)
    for group, frame in zip(groups, frames, strict=True):
        here = _flattened(_flattened(shared) | _flattened(group))
        plane = _placed(here[0x00200032], here[0x00200037], here[0x00280030])
        (segment,) = struct.unpack("<H", here[0x0062000B])
        assert segment in declared
        places = np.argwhere(frame.T)
        there = (inverse @ plane @ np.c_[places, np.zeros(len(places)), np.ones(len(places))].T)[:3]
        labels[tuple(np.rint(there).astype(int))] = segment
    return labels
