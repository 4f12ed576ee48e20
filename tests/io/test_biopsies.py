"""Samples with coordinates: the space is said and never guessed, and the region is found by voxels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from genoxel.core.errors import GenoxelError, GeometryError
from genoxel.core.keys import RowKey
from genoxel.core.mask import Mask
from genoxel.io.biopsies import read_biopsies, regions_of

ROWS = "patient,sample,x,y,z,cells\nP1,a,10,-20,5,0.8\nP1,b,12,-20,5,0.4\nP2,a,1.5,2,3,\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "biopsies.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_places_are_kept_in_lps(tmp_path: Path) -> None:
    path = write(tmp_path, ROWS)
    lps = read_biopsies(path, "patient", "sample", "LPS", values=["cells"])
    assert lps.rows == (RowKey("P1", sample="a"), RowKey("P1", sample="b"), RowKey("P2", sample="a"))
    assert (lps["x"].tolist(), lps["y"].tolist(), lps["z"].tolist()) == ([10, 12, 1.5], [-20, -20, 2], [5, 5, 3])
    assert str(lps["cells"].tolist()) == "[0.8, 0.4, nan]"
    ras = read_biopsies(path, "patient", "sample", "RAS")
    assert (ras["x"].tolist(), ras["y"].tolist(), ras["z"].tolist()) == ([-10, -12, -1.5], [20, 20, -2], [5, 5, 3])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("P1,b,12", "P1,a,12", r"sample a of P1 twice .*lines 2 and 3"),
        ("P1,b,12", "P1,b,10", r"two samples of P1 at one place .*lines 2 and 3"),
        ("12,-20,5,0.4", ",-20,5,0.4", "a sample without place in line 3"),
        ("12,-20,5,0.4", "n/d,-20,5,0.4", "a sample without place in line 3"),
        ("12,-20", "left,-20", "'left' as x in line 3"),
        ("12,-20", "12000,-20", "12000 mm away in line 3"),
        ("P1,b", ",b", "line 3 of biopsies.csv without patient or sample"),
        ("P1,b", "P1,", "line 3 of biopsies.csv without patient or sample"),
        (",x,", ",i,", "x"),
        ("0.4", "many", "'many' as cells in line 3"),
    ],
)
def test_each_fault_is_named(tmp_path: Path, old: str, new: str, words: str) -> None:
    with pytest.raises(GenoxelError, match=words):
        read_biopsies(write(tmp_path, ROWS.replace(old, new, 1)), "patient", "sample", "LPS", values=["cells"])


def test_regions_by_counting_voxels(tmp_path: Path) -> None:
    labels = np.zeros((20, 20, 10), np.uint8)
    labels[:10, :, :] = 1
    labels[10:12, :, :] = 2
    affine = np.diag([2.0, 2.0, 3.0, 1.0])
    affine[:3, 3] = [-20, -30, -10]
    mask = Mask(labels, affine, {1: "core", 2: "rim"})
    text = "patient,sample,x,y,z\nP1,in,-12,-10,2\nP1,rim,1,-10,2\nP1,out,12,-10,2\nP9,else,0,0,0\n"
    found = read_biopsies(write(tmp_path, text), "patient", "sample", "LPS")
    assert {row.sample: region for row, region in regions_of(found, {"P1": mask}).items()} == {
        "in": "core", "rim": "rim", "out": "",
    }  # fmt: skip
    # independent count: every voxel of the grid whose centre lies within the radius
    index = np.stack(np.meshgrid(*map(np.arange, labels.shape), indexing="ij"), axis=-1)
    away = np.linalg.norm(index @ affine[:3, :3].T + affine[:3, 3] - [1, -10, 2], axis=-1)
    most = {
        radius: ["", "core", "rim"][int(np.bincount(labels[away <= radius]).argmax())] for radius in (4.0, 8.0, 16.0)
    }
    assert set(most.values()) == {"rim", ""}
    for radius, region in most.items():
        assert regions_of(found, {"P1": mask}, radius)[RowKey("P1", sample="rim")] == region


def test_a_sample_outside_the_grid_is_refused(tmp_path: Path) -> None:
    mask = Mask(np.ones((5, 5, 5), np.uint8), np.eye(4))
    found = read_biopsies(write(tmp_path, ROWS), "patient", "sample", "LPS")
    with pytest.raises(GeometryError, match="sample a of P1 outside the grid"):
        regions_of(found, {"P1": mask})
