"""Which sequence a series is, and which of several series is meant."""

from __future__ import annotations

import pytest

from genoxel.core.errors import InputError, SettingsError
from genoxel.study.select import narrow, sequence_of

T1, T2, LONG = (
    {"RepetitionTime": 500, "EchoTime": 12},
    {"RepetitionTime": 4000, "EchoTime": 95},
    {"InversionTime": 2400},
)


@pytest.mark.parametrize(
    ("description", "tags", "wanted"),
    [
        ("AX T2 FLAIR", {}, "FLAIR"),
        ("ep2d ADC map", {}, "ADC"),
        ("ep2d_diff DWI b1000", {}, "DWI"),
        ("MPRAGE", {}, "T1"),
        ("t1_mprage sag post contrast", {}, "T1CE"),
        ("T1 SE", {"ContrastBolusAgent": "Gadovist"}, "T1CE"),
        ("T1 pre contrast", {"ContrastBolusAgent": "Gadovist"}, "T1"),
        ("T1 without contrast", {}, "T1"),
        ("ax t2 tse", {}, "T2"),
        ("localizer", {}, "MR"),
        ("series 4", T1, "T1"),
        ("series 4", {**T1, "ContrastBolusAgent": "yes"}, "T1CE"),
        ("series 5", T2, "T2"),
        ("series 6", {**T2, **LONG}, "FLAIR"),
        ("series 7", {"RepetitionTime": "unknown"}, "MR"),
    ],
)
def test_a_sequence_is_known_by_its_words_and_else_by_its_timing(description, tags, wanted):
    assert sequence_of("MR", description, tags) == wanted


SERIES = {
    "a": {"description": "thin soft", "slice_mm": "1", "kernel": "B30f", "slices": "300"},
    "b": {"description": "thin lung", "slice_mm": "1", "kernel": "B70f", "slices": "300"},
    "c": {"description": "thick soft", "slice_mm": "5", "kernel": "B30f", "slices": "60"},
}


def test_rules_narrow_one_after_another_until_one_is_left():
    assert narrow({"a": SERIES["a"]}, []) == ("a", "the only one")
    assert narrow(SERIES, ["slice_mm >= 5"]) == ("c", "the only one with slice_mm >= 5")
    assert narrow(SERIES, ["slice_mm <= 3", "kernel == 'B70f'"])[0] == "b"


def test_a_rule_that_fits_none_does_not_leave_nobody():
    assert narrow(SERIES, ["slice_mm > 9", "slice_mm >= 5"])[0] == "c"


def test_a_tie_names_the_candidates_and_a_way_out():
    with pytest.raises(InputError, match=r"2 series that fit: thin soft \(300 slices\); thin lung") as caught:
        narrow(SERIES, ["slice_mm <= 3"])
    assert "io.images.choose" in caught.value.fix
    with pytest.raises(InputError, match="no description"):
        narrow({"a": {}, "b": {}}, [])


def test_a_rule_that_is_none_says_where_it_stands():
    with pytest.raises(SettingsError) as caught:
        narrow(SERIES, ["slice_mmm <= 3"])
    assert caught.value.__notes__[-1] == "io.images.choose"
