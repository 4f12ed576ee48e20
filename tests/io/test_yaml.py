"""YAML read as plain values, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from genoxel.core.errors import FileFormatError, MissingFileError
from genoxel.io.yaml import read_yaml


def write(folder: Path, text: str) -> Path:
    path = folder / "params.yaml"
    path.write_text(text)
    return path


def test_plain_values_come_back(tmp_path: Path):
    text = (
        "setting:\n  binWidth: 25\n  normalize: false\nimageType:\n  Original: {}\nfeatureClass:\n  glcm: [Contrast]\n"
    )
    assert read_yaml(write(tmp_path, text)) == {
        "setting": {"binWidth": 25, "normalize": False},
        "imageType": {"Original": {}},
        "featureClass": {"glcm": ["Contrast"]},
    }
    assert read_yaml(write(tmp_path, "")) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: !!python/object/apply:os.system ['true']\n", "line 1"),
        ("a: &x [1, 2]\nb: *x\n", "reference"),
        ("a: 1\na: 2\n", "'a' twice"),
        ("a: [1\n", "line"),
        ("a: 1\n---\nb: 2\n", "line"),
        ("[" * 3000, "YAML|deeply"),
        ("a: " + "x" * 2**20, "1 MiB"),
    ],
)
def test_what_is_more_than_plain_values_is_refused(tmp_path: Path, text: str, words: str):
    with pytest.raises(FileFormatError, match=words):
        read_yaml(write(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(MissingFileError, match="none"):
        read_yaml(tmp_path / "none.yaml")
