"""Files whose bytes do not follow one another as they say, and oddities of real files that are no damage."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from dicom_making import slices
from genoxel.io.dicom_structure import BrokenError, refuse_broken
from genoxel.io.run_lengths import unpack


def written(implicit: bool = False, endings: bool = False, change: Any = None) -> bytes:
    """Return one slice with nested sequences; `endings`: of undefined length."""
    one = slices(shape=(6, 5, 1))[0]
    inner, outer = Dataset(), Dataset()
    inner.CodeValue, inner.CodeMeaning = "T-1", "a place"
    outer.AnatomicRegionSequence = Items([inner])
    outer["AnatomicRegionSequence"].is_undefined_length = endings
    one.ReferencedImageSequence = Items([outer])
    one["ReferencedImageSequence"].is_undefined_length = endings
    one.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2" if implicit else "1.2.840.10008.1.2.1"
    if change:
        change(one)
    buffer = io.BytesIO()
    one.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("endings", [False, True])
def test_every_byte_that_is_missing_is_noticed(implicit: bool, endings: bool) -> None:
    content = written(implicit, endings)
    refuse_broken(content)
    for size in range(200, len(content)):
        try:
            refuse_broken(content[:size])
        except BrokenError:
            continue
        # a cut between two top elements leaves a file that is whole as far as it goes; its reader misses what is gone
        assert any(content[size : size + 4] == place for place in heads(content))


def heads(content: bytes) -> set[bytes]:
    """Return the tags of the top elements as they stand in the file."""
    import pydicom

    dataset = pydicom.dcmread(io.BytesIO(content))
    tags = [*dataset.file_meta.keys(), *dataset.keys()]
    return {tag.group.to_bytes(2, "little") + tag.element.to_bytes(2, "little") for tag in tags}


def test_control_characters_in_numbers_are_damage() -> None:
    content = written()
    with pytest.raises(BrokenError, match="control characters"):
        refuse_broken(content.replace(b"-20.0\\10", b"\x1f20.0\\10"))


def test_zeros_behind_the_end_are_no_damage_and_other_bytes_are() -> None:
    refuse_broken(written() + b"\0" * 300)
    with pytest.raises(BrokenError, match="left over"):
        refuse_broken(written() + b"\0\0\0x")


def test_private_sequences_may_be_written_in_another_way_than_their_file() -> None:
    def odd(one: Dataset) -> None:
        block = one.private_block(0x2005, "Maker", create=True)
        # an implicit item inside an explicit file, as some scanners write it
        item = b"\x08\x00\x00\x01\x04\x00\x00\x00T-1 "
        raw = b"\xfe\xff\x00\xe0" + len(item).to_bytes(4, "little") + item
        block.add_new(0x01, "UN", raw)

    content = written(change=odd)
    place = content.index(b"\x05\x20\x01\x10UN")
    refuse_broken(content[: place + 4] + b"SQ" + content[place + 6 :])


def test_a_run_may_not_cross_the_end_of_its_segment() -> None:
    head = np.array([1, 64, *[0] * 14], "<u4").tobytes()
    assert unpack(head + bytes([253, 7, 1, 1, 2]), (2, 3, 1), 1)[..., 0].tolist() == [[7, 7, 7], [7, 1, 2]]
    assert unpack(head + bytes([253, 7, 1, 1, 2, 0x80, 0]), (2, 3, 1), 1)[1, 2, 0] == 2
    for segment in ([252, 7, 1, 1, 2], [253, 7, 2, 1, 2], [253, 7, 0, 1], [253, 7, 1, 1, 2, 5, 6], [254, 7, 1]):
        with pytest.raises(ValueError, match="another size"):
            unpack(head + bytes(segment), (2, 3, 1), 1)
    with pytest.raises(ValueError, match="1 segments"):
        unpack(head + bytes([253, 7, 1, 1, 2]), (2, 3, 1), 2)
