from __future__ import annotations

from typing import Literal

import pytest
from pydantic import Field, field_validator

from genoxel.core.errors import SettingsError
from genoxel.core.settings import Settings
from genoxel.study.problems import Problem, StudyError, problem_of
from genoxel.study.toml import dotted, legal_keys, parse_toml


class Inner(Settings):
    bins: int | None = None
    anchor: float = 0.0


class Target(Settings):
    column: str
    positive: tuple[str, ...] = ()


class Toy(Settings):
    seed: int = 0
    name: str = ""
    discretise: Inner = Inner()
    target: dict[str, Target] = Field(default={})
    outer: int | Literal["site"] = 5
    rule: Inner | Target | None = None
    mixed: list[Inner] = Field(default=[])
    alias: int = Field(default=0, alias="validate")

    @field_validator("name")
    @classmethod
    def _short(cls, name: str) -> str:
        if len(name) > 10:
            raise SettingsError(f"a name of {len(name)} letters", "10 letters", "shorten it")
        return name


def problems(text):
    settings, found = parse_toml(text, Toy)
    assert settings is None
    return {problem.where: problem for problem in found}


def test_good_text_gives_settings():
    settings, found = parse_toml('\ufeffseed = 3\nvalidate = 2\n[target.A]\ncolumn = "x"', Toy)
    assert found == []
    assert (settings.seed, settings.alias, settings.target["A"].column) == (3, 2, "x")


def test_all_problems_come_at_once_each_with_its_path_and_the_nearest_legal_word():
    found = problems(
        'sed = 1\nname = "much too long"\nouter = "sites"\n[discretise]\nbinz = 3\nanchor = "x"\n'
        "[target.EGFR]\npositve = []\n[[mixed]]\nbin = 2\n"
    )
    assert set(found) == {
        "sed", "name", "outer", "discretise.binz", "discretise.anchor", "target.EGFR.positve", "target.EGFR.column",
        "mixed[0].bin",
    }  # fmt: skip
    assert "did you mean 'seed'" in found["sed"].fix
    assert "did you mean 'bins'" in found["discretise.binz"].fix
    assert "did you mean 'positive'" in found["target.EGFR.positve"].fix
    assert found["mixed[0].bin"].legal == "bins, anchor"
    assert found["target.EGFR.column"].got == "nothing"
    assert found["name"].legal == "10 letters"
    assert found["discretise.anchor"].legal == "a number"
    assert "validate" in found["sed"].legal


@pytest.mark.parametrize("text", ["seed = ", 'name = "C:\\data"', "[study\n", "seed = 1\nseed = 2"])
def test_text_that_is_not_toml_is_one_problem_with_its_line(text):
    (problem,) = problems(text).values()
    assert "line" in problem.got or "end of document" in problem.got


def test_types_are_told_in_words():
    found = problems("seed = 1.5\nname = true\n[[discretise]]\nbins = 1\n")
    assert found["seed"].legal == "a whole number"
    assert found["name"].got == "the switch true"
    assert "table" in found["discretise"].legal


def test_paths_and_legal_keys():
    assert dotted(("a", 0, "b")) == "a[0].b"
    assert legal_keys(Toy, ("rule",)) == ["bins", "anchor", "column", "positive"]
    assert legal_keys(Toy, ("nowhere",)) == []


def test_a_study_error_lists_every_problem():
    error = StudyError("a study file", [Problem("a", "x", "y", "z"), problem_of("b", SettingsError("q"), "warning")])
    assert str(error) == "a study file with 2 problems\n  1. a: got x; legal: y; to fix: z\n  2. b: got q"
    assert error.problems[1].to_json()["severity"] == "warning"
