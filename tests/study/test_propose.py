from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genoxel.study.draft import Draft, _image
from genoxel.study.propose import (
    propose_clinical,
    propose_id_column,
    propose_site,
    propose_target,
    toml_key,
    toml_value,
)
from genoxel.study.schema import parse_study
from genoxel.study.select import UNITS


def test_the_id_column_is_the_one_that_matches():
    columns = {"nr": ["1", "2", "3"], "PatientID": ["007", "008 ", "009"], "age": ["7", "8", "9"]}
    assert propose_id_column(columns, ["007", "008", "010"]) == ("PatientID", 2)
    assert propose_id_column(columns, ["x"]) == ("", 0)
    barcodes = {"sample": ["TCGA-HT-7468-01A", "TCGA-HT-7469-01A"]}
    assert propose_id_column(barcodes, ["TCGA-HT-7468"]) == ("tcga", 1)


def test_a_column_of_genotype_words_is_a_target_with_every_word_written_down():
    cells = dict(enumerate(["mut", "wt", "L858R", "19del", "neg", "", "pending", "WT?"] * 2))
    settings, reading = propose_target("EGFR", {str(place): cell for place, cell in cells.items()})
    assert set(settings.positive) == {"mut", "L858R", "19del"}
    assert set(settings.negative) == {"wt", "neg"}
    assert [word.word for word in reading.not_understood] == ["WT?"]


def test_other_columns_are_no_targets():
    assert propose_target("sex", {"1": "F", "2": "M"}) is None
    assert propose_target("age", {"1": "61", "2": "55"}) is None
    assert propose_target("EGFR", {"1": "mut", "2": "mut"}) is None
    assert propose_target("note", {"1": "mut", "2": "wt", **{str(n): f"text {n}" for n in range(3, 30)}}) is None


def test_comparators_and_site():
    columns = {"PatientID": [], "Age": [], "sex": [], "scanner": [], "grade": [], "agent": []}
    assert propose_clinical(columns, ["PatientID", "grade"]) == ("Age", "sex")
    assert propose_site(columns, []) == "scanner"
    assert propose_site(columns, ["scanner"]) is None


@given(st.recursive(st.text() | st.booleans() | st.integers(-(2**40), 2**40), st.lists, max_leaves=5), st.text())
def test_what_is_written_is_read_back(value, name):
    text = f"{toml_key(name)} = {toml_value(value)}"
    assert tomllib.loads(text) == {name: value}


@pytest.mark.parametrize(
    ("modalities", "normalised", "levels"),
    [
        (("CT",), False, {"CT": 25}),
        (("PT",), False, {"PT": 0.5}),
        (("CT", "PT"), False, {"CT": 25, "PT": 0.5}),
        (("T1CE",), True, {"T1CE": None}),
        (("CT", "PT", "T1"), True, {"CT": 25, "PT": 0.5, "T1": None}),
    ],
)
def test_what_is_proposed_for_images_keeps_hu_and_suv(modalities, normalised, levels):
    """Bins of 25 HU and of 0.5 SUV, 32 bins where numbers have no unit; z-scores for these alone."""
    lines = _image(Draft("n", "", "", folder="d", modalities=modalities))
    settings, problems = parse_study("\n".join(["[io.images]", 'folder = "d"', *lines]))
    assert problems == []
    assert settings is not None
    for modality, size in levels.items():
        own = settings.image.for_modality(modality)
        assert own.discretise.bin_size == size
        unit = UNITS.get(modality, "")
        assert (own.normalise is not None and own.normalise.applies_to(unit)) == (normalised and not unit)
