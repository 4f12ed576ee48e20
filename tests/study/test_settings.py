"""No setting is read and then ignored: each is used, refused as not built yet, or said to be without effect."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import genoxel
from genoxel.core.settings import Settings
from genoxel.study.planned import NOT_YET, PLANNED, planned_key
from genoxel.study.schema import StudyFile, parse_study
from genoxel.study.study import Study
from genoxel.study.toml import _inner, _models
from genoxel.study.validity import quick_problems

ONE_CHOICE = {"over"}
"""Keys that say in words what is the only way so far."""


def every_key(model: type[Settings], above: str = "") -> dict[str, str]:
    """Dotted key -> name of the field, over all settings models of a study file."""
    found = {}
    for name, info in model.model_fields.items():
        key = f"{above}{info.alias or name}"
        inner = [
            one for part in [info.annotation, *_inner(info.annotation)] for one in _models(part) if one is not model
        ]
        found[key] = name
        for one in inner:
            found.update(every_key(one, f"{key}."))
    return found


def attributes_read() -> set[str]:
    """Names of attributes that any module reads, apart from the models themselves."""
    names: set[str] = set()
    for file in Path(genoxel.__file__).parent.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        names |= {
            node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
        }
    return names


def test_every_key_of_the_study_file_is_read_somewhere():
    keys, read = every_key(StudyFile), attributes_read() | ONE_CHOICE
    assert {"learn.validate.outer", "image.discretise.bins", "report.figures.widths_mm", "target.gene"} <= set(keys)
    assert {key for key, name in keys.items() if name not in read} == set()


@pytest.mark.parametrize("key", PLANNED)
def test_what_is_planned_is_refused_by_name(key):
    *above, last = key.replace("*", "X").split(".")
    problems = parse_study(f"[{'.'.join(above)}]\n{last} = 1\n")[1]
    said = [str(problem) for problem in problems if problem.where.endswith(last)]
    assert len(said) == 1
    assert NOT_YET in said[0]
    assert planned_key([*above, last]) in said[0]
    assert key.replace("*", "X") not in every_key(StudyFile)


BASE = """
[cohort]
table = "c.csv"
clinical = ["age"]
[target.A]
column = "A"
[io.images]
folder = "dicom"
modality = "T1CE"
"""

WITHOUT_EFFECT = {
    "cohort.sheet": ('table = "c.csv"', 'sheet = "s"'),
    "target.A.column": ('table = "c.csv"', ""),
    "omics.profiled": ("", '[omics]\nprofiled = "p.txt"'),
    "omics.panel": ("", '[omics]\npanel = ["TP53"]'),
    "omics.build": ("", '[omics]\nbuild = "hg19"'),
    "target.B.positive": ("", '[omics]\nmutations = "m.maf"\n[target.B]\ngene = "TP53"\npositive = ["x"]'),
    "target.B.levels": ("", '[target.B]\nscore = "S"\nlevels = ["a", "b"]'),
    "image.modalities": ("", '[image]\nmodalities = ["T2"]'),
    "image.override.T1": ("", "[image.override.T1]\nrange = [0, 1]"),
    "image.range_hu": ("", "[image]\nrange_hu = [-1000, 400]"),
    "segment.several": ("", '[segment]\nregions = { a = 1 }\nseveral = "union"'),
    "features.ratio_of": ("", '[features]\nratio_of = ["stat.mean"]'),
    "features.ratios": ("", '[features]\nratios = ["core/whole"]'),
    "features.suv_thresholds": ("", "[features]\nsuv_thresholds = [4]"),
    "associate.adjust": ("", '[associate]\nadjust = ["site"]'),
    "associate.against": ("", '[associate]\nagainst = ["genesets"]'),
    "learn.compare": ("", '[learn]\ncompare = ["shuffled_voxels"]'),
    "learn.primary.features": ("", '[learn]\nprimary = { features = "expression" }'),
    "learn.validate.outer": ("", '[learn]\nvalidate = { outer = "site" }'),
    "io.images.folder": ('modality = "T1CE"', 'features = "f.csv"'),
    "segment": ('modality = "T1CE"', 'features = "f.csv"\n[segment]\nroi = ["GTV"]'),
}


def problems_of(folder, old="", new=""):
    text = BASE.replace(old, new, 1) if old else BASE + new
    (folder / "study.toml").write_text(text)
    (folder / "dicom").mkdir(exist_ok=True)
    (folder / "c.csv").write_text("patient,A,age\nP1,mut,60\nP2,wt,50\n")
    (folder / "f.csv").write_text("patient,entropy\nP1,1\nP2,2\n")
    return quick_problems(Study.read(folder))


def test_a_plain_study_has_no_such_problem(tmp_path):
    assert problems_of(tmp_path) == []


@pytest.mark.parametrize("where", WITHOUT_EFFECT)
def test_a_setting_without_effect_is_said_before_the_run(tmp_path, where):
    found = {problem.where: problem for problem in problems_of(tmp_path, *WITHOUT_EFFECT[where])}
    assert where in found
    assert found[where].fix


def test_volume_must_be_measured_to_be_adjusted_for(tmp_path):
    text = '[features]\nfamilies = ["stat"]\n[associate]\nadjust = ["volume", "age"]'
    (problem,) = problems_of(tmp_path, "", text)
    assert "not measured" in problem.got


def test_a_rule_for_series_that_asks_for_nothing_known_is_said_before_the_run(tmp_path):
    (problem,) = problems_of(tmp_path, 'T1CE"', "T1CE\"\nchoose = ['slice_mm <= 3', 'slise_mm <= 3']")
    assert problem.where == "io.images.choose"
    assert "did you mean 'slice_mm'" in problem.fix


def test_a_planned_value_says_that_it_is_not_built(tmp_path):
    (problem,) = problems_of(tmp_path, "", '[learn]\ncompare = ["shuffled_voxels"]')
    assert NOT_YET in str(problem)


def test_a_model_that_is_not_installed_is_said_before_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr("genoxel.study.validity.find_spec", lambda name: None)
    (problem,) = problems_of(tmp_path, "", '[learn]\nalso = ["lightgbm"]')
    assert "genoxel[ml]" in problem.fix


def test_a_brain_mask_without_its_extra_is_said_before_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr("genoxel.study.validity.find_spec", lambda name: None)
    asked = '[image]\nbrain = "template"\nnormalise = { method = "zscore", within = "brain" }'
    (problem,) = problems_of(tmp_path, "", asked)
    assert problem.where == "image.brain"
    assert "genoxel[brain]" in problem.fix


def test_no_width_and_an_odd_target_name_are_refused():
    assert "one or more widths" in str(parse_study("[report]\nfigures = { widths_mm = [] }")[1][0])
    assert "a target called" in str(parse_study('[target."a/b"]\ncolumn = "x"')[1][0])
    assert "an empty rule" in str(parse_study('[cohort]\ninclude = [" "]')[1][0])
