"""The demo as a whole, on a cohort far smaller than its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from genoxel.core.errors import OutputError, SettingsError
from genoxel.report.content import ReportContent, StudyFacts, Truth
from genoxel.study import demo as demos
from genoxel.study.demo import demo, draw, plan_cohort
from genoxel.study.progress import Progress
from genoxel.study.settings import ReportSettings
from genoxel.study.sink import Sink
from genoxel.study.steps.report import write_report
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
    spec = plan_cohort(None, None, {"n": 4, "shape": (48, 48, 12), "effects": ["IDH1:none"], "sites": None})
    one = draw(spec, tmp_path / "one", Progress(), workers=1)
    two = draw(spec, tmp_path / "two", Progress(), workers=2)
    files = [path.relative_to(one) for path in sorted(one.rglob("*")) if path.is_file()]
    assert files == [path.relative_to(two) for path in sorted(two.rglob("*")) if path.is_file()]
    assert all((one / file).read_bytes() == (two / file).read_bytes() for file in files)


def test_a_cohort_is_planned_from_a_preset_or_a_file_but_not_both(tmp_path):
    assert plan_cohort("chest", None, {"n": 44, "seed": None}).n == 44
    file = tmp_path / "effects.toml"
    file.write_text('effects = ["EGFR -> texture d = 1"]', encoding="utf-8")
    assert plan_cohort(None, file, {"seed": 4}).seed == 4
    given = plan_cohort("glioma-idh", None, {"effects": ["IDH1 -> rcbv d = 1", "IDH1 -> age d = -1"]})
    assert (len(given.planted), len(given.linked), given.exclusive) == (1, 1, ())
    with pytest.raises(SettingsError, match="one of them"):
        plan_cohort("null", file, {})


@pytest.mark.parametrize("simulated", [True, False])
def test_the_results_of_a_simulated_study_say_so_beside_every_table(simulated, tmp_path):
    planted = (Truth("IDH1 and texture (mixed)", "gene effect", 0.6, float("nan"), None),)
    content = ReportContent(StudyFacts("x"), simulated=simulated, truth=planted if simulated else ())
    write_report(content, Sink(tmp_path), ReportSettings())
    for place in (tmp_path / "SIMULATED.txt", tmp_path / "tables" / "SIMULATED.txt"):
        assert place.is_file() == simulated
    assert ("Simulated data" in (tmp_path / "report.html").read_text(encoding="utf-8")) == simulated
    if simulated:
        assert "IDH1 and texture (mixed)" in (tmp_path / "tables" / "truth.csv").read_text(encoding="utf-8")
