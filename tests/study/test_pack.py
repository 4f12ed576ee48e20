from __future__ import annotations

import numpy as np
import pytest

from genoxel.core.errors import FileFormatError
from genoxel.study.pack import pack, pack_folder, pack_members, unpack, unpack_folder


def test_equal_content_gives_equal_bytes_whatever_the_order():
    one = pack({"a": np.arange(4.0), "b": np.array([True])}, {"x": 1, "y": [float("nan")]}, {"p.png": b"\x00"})
    two = pack({"b": np.array([True]), "a": np.arange(4.0)}, {"x": 1, "y": [float("nan")]}, {"p.png": b"\x00"})
    assert one == two
    arrays, facts, blobs = unpack(one)
    assert arrays["a"].tolist() == [0, 1, 2, 3]
    assert arrays["b"].dtype == bool
    assert facts["x"] == 1
    assert np.isnan(facts["y"][0])
    assert blobs == {"p.png": b"\x00"}


def test_objects_are_refused_since_they_could_execute():
    with pytest.raises(ValueError, match="allow_pickle"):
        pack({"a": np.array([{}], dtype=object)})


@pytest.mark.parametrize("cut", [10, 50, -20])
def test_damaged_bytes_are_refused(cut):
    with pytest.raises(FileFormatError, match="damaged"):
        unpack(pack({"a": np.arange(1000.0)})[:cut])


def test_a_folder_goes_there_and_back(tmp_path):
    (tmp_path / "in" / "deep ä").mkdir(parents=True)
    (tmp_path / "in" / "deep ä" / "a.txt").write_text("1")
    (tmp_path / "in" / "b.txt").write_text("2")
    data = pack_folder(tmp_path / "in")
    assert data == pack_folder(tmp_path / "in")
    unpack_folder(data, tmp_path / "out")
    assert (tmp_path / "out" / "deep ä" / "a.txt").read_text() == "1"


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil"])
def test_an_archive_cannot_write_outside_its_folder(tmp_path, name):
    with pytest.raises(FileFormatError, match="outside"):
        unpack_folder(pack_members({name: b"x"}), tmp_path / "out")
