"""Numbers and dates as people write them."""

from __future__ import annotations

import datetime as dt
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genoxel.core.errors import TableError
from genoxel.omics.texts import is_missing, plain, read_dates, read_numbers


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (["1", "-2.5", "3e-2", " 4 ", "+.5", "5."], [1, -2.5, 0.03, 4, 0.5, 5]),
        (["1,5", "2", "1.234,5"], [1.5, 2, 1234.5]),
        (["1,234.5", "2,000,000"], [1234.5, 2e6]),
        (["1,234", "0,5"], [1.234, 0.5]),
        (["0,123"], [0.123]),
        (["1.234", "7"], [1.234, 7]),
        (["\u22123", "1,2e3"], [-3, 1200]),
    ],
)
def test_numbers(texts: list[str], numbers: list[float]) -> None:
    found, odd = read_numbers(dict(enumerate(texts)))
    assert not odd
    assert list(found.values()) == pytest.approx(numbers, rel=1e-15)


@pytest.mark.parametrize(
    "texts",
    [
        ["1,234"],
        ["12,345", "7"],
        ["1.234", "1,5"],
        ["1e999"],
        ["1 234"],
        ["1,2,3"],
        ["0x10"],
        ["1_000"],
        ["٣x"],
        ["inf"],
    ],
)
def test_what_could_be_two_numbers_or_none_is_not_read(texts: list[str]) -> None:
    found, odd = read_numbers(dict(enumerate(texts)))
    assert odd == {0: texts[0]}
    assert 0 not in found


def test_a_known_decimal_comma_settles_it() -> None:
    assert read_numbers({"a": "1,234"}, decimal_comma=True)[0] == {"a": 1.234}
    assert read_numbers({"a": "1.234"}, decimal_comma=True)[0] == {"a": 1.234}


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_what_python_writes_is_read_exactly(values: list[float]) -> None:
    found, odd = read_numbers({place: repr(value) for place, value in enumerate(values)})
    assert not odd
    assert list(found.values()) == values


def test_missing_words_are_missing_and_others_are_not() -> None:
    numbers, odd = read_numbers({"a": " N/A ", "b": "Not  Collected", "c": "\u00a0"})
    assert all(math.isnan(number) for number in numbers.values())
    assert not odd
    assert not is_missing("none")
    assert plain("A\u00a0 b") == "a b"


@given(st.dates(dt.date(1900, 1, 1), dt.date(2099, 12, 31)))
def test_every_way_of_writing_a_date(day: dt.date) -> None:
    forms = ["%Y-%m-%d", "%Y%m%d", "%d.%m.%Y", "%Y-%m-%d 10:30:00"]
    texts = {form: day.strftime(form) for form in forms}
    assert set(read_dates(texts).values()) == {day}


def test_slashes_are_settled_by_the_column() -> None:
    assert read_dates({"a": "1/31/2019", "b": "2/3/2019"})["b"] == dt.date(2019, 2, 3)
    assert read_dates({"a": "31/1/2019", "b": "2/3/2019", "c": ""}) == {
        "a": dt.date(2019, 1, 31),
        "b": dt.date(2019, 3, 2),
        "c": None,
    }
    assert read_dates({"a": "3/3/2019"})["a"] == dt.date(2019, 3, 3)


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["2/3/2019"], "day/month or month/day"),
        (["1/31/2019", "31/1/2019"], "both orders"),
        (["2019-02-30"], "2019-02-30"),
        (["last spring"], "last spring"),
        (["43000"], "43000"),
    ],
)
def test_dates_that_are_none_or_two(texts: list[str], words: str) -> None:
    with pytest.raises(TableError, match=words):
        read_dates(dict(zip("ab", texts, strict=False)))
