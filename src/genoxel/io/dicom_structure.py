"""Whether a DICOM file's bytes are whole: every element, item and fragment where the one before it says it is.

The DICOM library reads on where a nested length is wrong or the file ends inside a sequence, and returns what it has
got; half a structure set looks like a small one. Here such a file is refused before it is read. Pixels are not looked
at. Private sequences are passed over by their length, since some scanners encode them in another way than they say.
Source: DICOM PS3.5 7.1 (data elements), 7.5 (sequences), A.4 (fragments).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

_LONG = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
_IMPLICIT, _BIG = b"1.2.840.10008.1.2", b"1.2.840.10008.1.2.2"
_UNDEFINED = 0xFFFFFFFF
_PIXELS = 0x7FE00010
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_NUMBERS = (b"DS", b"IS")
_FILLING = b" \0"
_UNPRINTED = re.compile(rb"[^ -~]").search
"""Python takes some of these for blanks in a number: of a minus sign with one flipped bit nothing is left."""
_DEEPEST = 32
_LAST = b"\xfe\xff\xdd\xe0\0\0\0\0"


class BrokenError(ValueError):
    """The bytes do not follow one another as their lengths say."""


class _Walk:
    """One file's bytes, and how numbers in them are written."""

    def __init__(self, content: bytes, big: bool) -> None:
        order = ">" if big else "<"
        self.content = content
        self.tag = struct.Struct(f"{order}HH").unpack_from
        self.long = struct.Struct(f"{order}I").unpack_from
        self.short = struct.Struct(f"{order}H").unpack_from

    def dataset(self, place: int, end: int, explicit: bool, closing: int, depth: int) -> int:
        """Return where a dataset ends that must fill `place` to `end`, or end with the tag `closing` before it."""
        if depth > _DEEPEST:
            raise BrokenError("sequences nested too deep")
        content = self.content
        while place + 8 <= end:
            group, number = self.tag(content, place)
            tag = group << 16 | number
            kind, start, length = self._head(place, explicit and group != 0xFFFE)
            if tag == closing:
                return start
            if group == 0xFFFE:
                raise BrokenError("an item outside a sequence")
            if length == _UNDEFINED:
                place = self._open_ended(tag, kind, start, end, explicit, depth)
                continue
            place = start + length
            if place > end:
                raise BrokenError("an element longer than what holds it")
            if not group & 1:
                self._value(kind if explicit else _usual(tag), start, place, explicit, depth)
        if closing or (place != end and (depth or any(content[place:end]))):
            raise BrokenError("bytes left over, or an end that is missing")
        return place

    def _value(self, kind: bytes, start: int, end: int, explicit: bool, depth: int) -> None:
        if kind == b"SQ":
            self._items(start, end, explicit, depth)
        elif kind in _NUMBERS and _UNPRINTED(self.content[start:end].rstrip(_FILLING)):
            raise BrokenError("control characters in a number")

    def _head(self, place: int, explicit: bool) -> tuple[bytes, int, int]:
        if not explicit:
            return b"", place + 8, self.long(self.content, place + 4)[0]
        kind = self.content[place + 4 : place + 6]
        if kind in _LONG:
            if place + 12 > len(self.content):
                raise BrokenError("the file ends in an element's head")
            return kind, place + 12, self.long(self.content, place + 8)[0]
        return kind, place + 8, self.short(self.content, place + 6)[0]

    def _open_ended(self, tag: int, kind: bytes, place: int, end: int, explicit: bool, depth: int) -> int:
        """Return where an element of undefined length ends: fragments of pixels, or a sequence."""
        if tag == _PIXELS:
            return self._fragments(place, end)
        inner = explicit and kind != b"UN"  # PS3.5 6.2.2 note 4: what is inside is implicit
        if not tag >> 16 & 1:
            return self._items(place, end, inner, depth, closed=False)
        return self._either(lambda way: self._items(place, end, way, depth, closed=False), inner)

    def _either(self, walk: Callable[[bool], int], explicit: bool) -> int:
        """Walk a private sequence as its file is written, or the other way."""
        try:
            return walk(explicit)
        except (BrokenError, struct.error):
            return walk(not explicit)

    def _items(self, place: int, end: int, explicit: bool, depth: int, closed: bool = True) -> int:
        while place + 8 <= end:
            group, number = self.tag(self.content, place)
            tag, (length,) = group << 16 | number, self.long(self.content, place + 4)
            place += 8
            if tag == _SEQUENCE_END and not closed:
                return place
            if tag != _ITEM:
                raise BrokenError("no item in a sequence")
            if length == _UNDEFINED:
                place = self.dataset(place, end, explicit, _ITEM_END, depth + 1)
            elif place + length > end:
                raise BrokenError("an item longer than its sequence")
            else:
                place = self.dataset(place, place + length, explicit, 0, depth + 1)
        if not closed or place != end:
            raise BrokenError("a sequence without its end")
        return place

    def _fragments(self, place: int, end: int) -> int:
        """Return where packed pixels end; of the empty mark behind them some bytes, or all, may be missing."""
        while place + 8 <= end:
            group, number = self.tag(self.content, place)
            tag, (length,) = group << 16 | number, self.long(self.content, place + 4)
            place += 8
            if tag == _SEQUENCE_END:
                return place
            if tag != _ITEM or place + length > end:
                raise BrokenError("packed pixels that are cut off")
            place += length
        if not _LAST.startswith(self.content[place:end]):
            raise BrokenError("packed pixels that are cut off")
        return end


def _usual(tag: int) -> bytes:
    """Return the value representation that a tag has by the dictionary."""
    from pydicom._dicom_dict import DicomDictionary

    return str(DicomDictionary.get(tag, ("UN",))[0]).encode()


def refuse_broken(content: bytes) -> None:
    """Raise `BrokenError` unless the elements of a DICOM file (preamble and all) follow one another to its end.

    Zeros behind the last element are allowed. A file without preamble is not judged.
    """
    if content[128:132] != b"DICM":
        return
    try:
        syntax, place = _meta(content)
        walk = _Walk(content, syntax == _BIG)
        explicit = syntax != _IMPLICIT
        said = content[place + 4 : place + 6]
        if explicit != (said.isalpha() and said.isupper()) and len(content) > place + 8:
            explicit = not explicit  # as the DICOM library does: some files are not written as they say
        walk.dataset(place, len(content), explicit, 0, 0)
    except struct.error as error:
        raise BrokenError("the file ends early") from error


def _meta(content: bytes) -> tuple[bytes, int]:
    """Return the transfer syntax and where the dataset begins."""
    walk, place, syntax = _Walk(content, False), 132, _IMPLICIT
    while content[place : place + 2] == b"\x02\x00":
        _, start, length = walk._head(place, True)
        if content[place + 2 : place + 4] == b"\x10\x00":
            syntax = content[start : start + length].strip(b" \0")
        place = start + length
    if place > len(content):
        raise BrokenError("the file ends in its meta information")
    return syntax, place
