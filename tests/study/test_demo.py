"""The demo as a whole, on a cohort far smaller than its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from genoxel.core.errors import OutputError
from genoxel.study import demo as demos
from genoxel.study.demo import demo, simulate_cohort
from genoxel.study.study import Study
from study.conftest import SPEC

FEW = replace(SPEC, n=4, missing_contours=0)


def test_the_demo_simulates_proposes_runs_and_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(demos, "preset", lambda name, seed: replace(FEW, seed=seed))
    said: list[str] = []
    folder = tmp_path / "demo ä"
    result = demo(folder, workers=1, say=said.append, quiet=True, seed=3)
    assert {target.verdict.word for target in result.targets} == {"not testable"}
    assert result.report.is_file()
    assert [line[0] for line in said if line[:1].isdigit()] == ["1", "2", "3"]
    settings = Study.read(folder).settings
    assert settings.study.question
    assert settings.study.ethics
    said.clear()
    again = demo(folder, workers=1, say=said.append, quiet=True)
    assert sum(again.fresh.values()) == 0
    assert [line[0] for line in said if line[:1].isdigit()] == ["3"]


@pytest.mark.parametrize("content", ["mine", '{"made by": "someone else"}'])
def test_a_folder_with_anything_else_in_it_is_left_alone(tmp_path, content):
    (tmp_path / demos.MARKER).write_text(content)
    with pytest.raises(OutputError, match="something else"):
        demo(tmp_path, workers=1)
    assert [path.name for path in tmp_path.iterdir()] == [demos.MARKER]


def test_a_cohort_is_the_same_for_one_and_two_workers(tmp_path):
    spec = {"n": 4, "shape": (48, 48, 12), "effects": ("IDH1:none",)}
    one = simulate_cohort(tmp_path / "one", spec, quiet=True, workers=1)
    two = simulate_cohort(tmp_path / "two", spec, quiet=True, workers=2)
    files = [path.relative_to(one) for path in sorted(one.rglob("*")) if path.is_file()]
    assert files == [path.relative_to(two) for path in sorted(two.rglob("*")) if path.is_file()]
    assert all((one / file).read_bytes() == (two / file).read_bytes() for file in files)
