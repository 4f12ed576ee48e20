"""The size that a packed image stream declares, read before a decoder is let loose on it."""

from __future__ import annotations

import struct

_FRAMES = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
_BARE = {0x01, *range(0xD0, 0xD9)}


def declared_size(content: bytes) -> tuple[int, int] | None:
    """Return rows and columns of a JPEG, JPEG-LS or JPEG 2000 stream, or None where it declares none.

    Source: ITU-T T.81 B.2.2 and T.87 C.2.2 (frame header), T.800 A.5.1 (SIZ marker).

    >>> declared_size(bytes.fromhex("ffd8ffc3000b100010000c01011100"))
    (16, 12)
    """
    start = content.find(b"\xff\x4f\xff\x51")
    if content[:2] != b"\xff\xd8":
        if start < 0 or len(content) < start + 24:
            return None
        across, down, left, top = struct.unpack_from(">4I", content, start + 8)
        return down - top, across - left
    place = 2
    while place + 4 <= len(content) and content[place] == 0xFF:
        kind = content[place + 1]
        if kind == 0xFF or kind in _BARE:
            place += 1 if kind == 0xFF else 2
            continue
        if kind in _FRAMES and place + 9 <= len(content):
            rows, columns = struct.unpack_from(">HH", content, place + 5)
            return rows, columns
        place += 2 + struct.unpack_from(">H", content, place + 2)[0]
    return None


def declared_bits(content: bytes) -> int | None:
    """Return the bits per sample of a JPEG stream, or None where no frame header says them.

    >>> declared_bits(bytes.fromhex("ffd8ffc3000b100010000c01011100"))
    16
    """
    place = 2
    while content[:2] == b"\xff\xd8" and place + 5 <= len(content) and content[place] == 0xFF:
        kind = content[place + 1]
        if kind == 0xFF or kind in _BARE:
            place += 1 if kind == 0xFF else 2
            continue
        if kind in _FRAMES:
            return content[place + 4]
        place += 2 + struct.unpack_from(">H", content, place + 2)[0]
    return None
