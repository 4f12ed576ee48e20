"""Texts inside compressed frames: comments and application notes of JPEG files, blanked without touching a pixel."""

from __future__ import annotations

_JPEG_NOTES = frozenset({0xFE, *range(0xE1, 0xEE), 0xEF}) - {0xE8}
"""Markers of comments and application data (JFIF, SPIFF and Adobe, which decoders read, stay)."""

_J2K_COMMENT, _J2K_TILE = 0x64, 0x90


def blank_notes(data: bytes) -> bytes:
    r"""Return encapsulated pixel data with the comments in the headers of its JPEG and JPEG 2000 frames blanked.

    >>> blank_notes(b"\xff\xd8\xff\xfe\x00\x06John\xff\xda")[6:10]
    b'\x00\x00\x00\x00'
    """
    content = bytearray(data)
    for start, notes, last in ((b"\xff\xd8\xff", _JPEG_NOTES, 0xDA), (b"\xff\x4f\xff", {_J2K_COMMENT}, _J2K_TILE)):
        place = content.find(start)
        while place >= 0:
            end = _blank_header(content, place + 2, frozenset(notes), last)
            place = content.find(start, end)
    return bytes(content)


def _blank_header(content: bytearray, place: int, notes: frozenset[int], last: int) -> int:
    """Blank the notes of one header that begins at `place` and return where it ends."""
    while place + 4 <= len(content) and content[place] == 0xFF and content[place + 1] != last:
        length = int.from_bytes(content[place + 2 : place + 4], "big")
        end = place + 2 + length
        if length < 2 or end > len(content):
            return place + 2
        if content[place + 1] in notes:
            first = place + (6 if last == _J2K_TILE else 4)
            content[first:end] = bytes(max(0, end - first))
        place = end
    return place + 2
