"""The room's door, and small parts that whole cohorts rarely reach."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import genoxel
from genoxel.core.errors import OutputError
from genoxel.simulate.deliver import _mark
from genoxel.simulate.fields import bumps, field_pair, polynomial, ramp
from genoxel.simulate.render import _one_piece


def test_the_door_is_light_and_names_what_is_inside():
    code = "import sys, genoxel.simulate; print(any(m in sys.modules for m in ('pandas', 'pydicom', 'scipy')))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
    assert "simulate" in dir(genoxel.simulate)
    assert genoxel.simulate.preset("demo").n > 0
    with pytest.raises(AttributeError, match="nothing_here"):
        genoxel.simulate.nothing_here  # noqa: B018


@pytest.mark.parametrize("length", [2.0, 4.5, 8.0])
def test_fields_have_the_stated_length_on_any_voxel(length):
    spacing = (1.5, 2.0, 4.0)
    random = np.random.default_rng(3)
    pairs = [field_pair(random, (64, 64, 32), spacing, length) for _ in range(6)]
    for one, other in pairs:
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.15
    fields = np.stack([field for pair in pairs for field in pair])
    assert fields.std() == pytest.approx(1, abs=0.05)
    for axis, step in enumerate(spacing, start=1):
        beside = np.roll(fields, 1, axis=axis)
        expected = np.exp(-(step**2) / (2 * length**2))
        assert float((fields * beside).mean() / fields.var()) == pytest.approx(expected, abs=0.05)


def test_steps_bumps_and_bias_are_scaled():
    edge = ramp(np.array([-50.0, 0.0, 50.0]), 2.0)
    assert edge == pytest.approx([0, 0.5, 1], abs=1e-6)
    random = np.random.default_rng(2)
    ways = random.standard_normal((3, 4000)).astype(np.float32)
    ways /= np.linalg.norm(ways, axis=0)
    relief = np.array([bumps(random, (ways[0], ways[1], ways[2]), 2.5, 9.0) for _ in range(40)])
    assert relief.std() == pytest.approx(1, abs=0.1)
    assert polynomial(random, (12, 12, 6)).std() == pytest.approx(1, abs=1e-4)


def test_crumbs_are_left_out():
    inside = np.zeros((6, 6, 6), bool)
    inside[1:3, 1:3, 1:3] = True
    inside[5, 5, 5] = True
    assert _one_piece(inside).sum() == 8


def test_a_contour_file_that_cannot_be_marked_is_named(tmp_path, monkeypatch):
    import pydicom

    from genoxel.simulate.cohort import simulate
    from genoxel.simulate.spec import SimulationSpec

    cohort = simulate(SimulationSpec(n=4, shape=(48, 48, 14)), tmp_path / "c")
    path = next(cohort.glob("dicom/*/RTSTRUCT/*.dcm"))

    def refuse(*given, **named):
        raise PermissionError(13, "no")

    monkeypatch.setattr(pydicom, "dcmwrite", refuse)
    with pytest.raises(OutputError, match=r"contours\.dcm"):
        _mark(path)
