"""Rules in a line: what they say, what they need, and that unknown stays unknown."""

from __future__ import annotations

import numpy as np
import pytest

from genoxel.core.errors import SettingsError
from genoxel.core.records import Records
from genoxel.core.table import Column, Table
from genoxel.omics.rules import Clause, RuleSources, parse_rule, rule_status
from genoxel.omics.settings import TargetSettings
from genoxel.omics.targets import make_outcome


def _segments(*rows: tuple[str, str, float, float, float]) -> Records:
    keys, chromosomes, start, end, log2 = zip(*rows, strict=True)
    fields = {"chromosome": np.array(chromosomes, object), "start": np.array(start), "end": np.array(end)}
    return Records("segments", keys, {**fields, "log2": np.array(log2)}, tuple(dict.fromkeys(keys)))


SEGMENTS = _segments(
    ("both", "1", 1, 125000000, -0.7),
    ("both", "19", 26500001, 59128983, -0.7),
    ("one", "1", 1, 125000000, -0.7),
    ("one", "19", 26500001, 59128983, 0.0),
    ("half", "1", 1, 125000000, -0.7),
)
CALLS = Table(
    np.array([[-2.0, 2.0], [-1.0, np.nan]]), ("both", "one"), (Column("CDKN2A"), Column("EGFR")), "copynumber"
)
FUSIONS = Records(
    "fusions", ("one",), {"gene1": np.array(["EML4"], object), "gene2": np.array(["ALK"], object)}, ("one", "half")
)
TERT = Records(
    "variants",
    ("both", "one"),
    {
        "gene": np.array(["TERT", "TERT"], object),
        "start": np.array([1295228.0, 1295000.0]),
        "classification": np.array(["5'Flank", "5'Flank"], object),
    },
    ("both", "one", "half"),
)
MGMT = Table(np.array([[1.0], [np.nan]]), ("both", "one"), (Column("MGMT methylated"),), "methylation")
ALL = RuleSources(SEGMENTS, "hg19", None, CALLS, FUSIONS, MGMT, TERT)
PEOPLE = ["both", "one", "half", "nobody"]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("1p and 19q arm loss", [True, False, None, None]),
        ("1p arm loss", [True, True, True, None]),
        ("chr1p loss", [True, True, True, None]),
        ("1 loss", [None, None, None, None]),
        ("CDKN2A deleted", [True, False, None, None]),
        ("CDKN2A lost and EGFR amplified", [True, None, None, None]),
        ("ALK fusion", [None, True, False, None]),
        ("ALK::EML4 fusion and CDKN2A deleted", [None, False, False, None]),
        ("MGMT methylated", [True, None, None, None]),
        ("TERT promoter mutant", [True, None, None, None]),
    ],
)
def test_rules_are_judged(rule: str, expected: list[bool | None]) -> None:
    assert list(rule_status(rule, ALL, PEOPLE).values()) == expected


def test_clauses_share_the_last_word() -> None:
    assert parse_rule("7 gain and 10 loss") == (Clause("7", "gain"), Clause("10", "loss"))
    assert parse_rule("CDKN2A and CDKN2B deleted") == (Clause("CDKN2A", "deleted"), Clause("CDKN2B", "deleted"))


@pytest.mark.parametrize(
    ("rule", "words"), [("1p", "the rule '1p'"), ("EGFR amplifed", "did you mean 'amplified'"), ("", "the rule")]
)
def test_what_is_no_rule_is_refused(rule: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        parse_rule(rule)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("1p loss", "copynumber segments"),
        ("EGFR amplified", "copynumber"),
        ("ALK fusion", "fusions"),
        ("MGMT methylated", "methylation"),
        ("TERT promoter mutant", "mutations"),
    ],
)
def test_a_rule_without_its_data_is_refused_by_name(rule: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        rule_status(rule, RuleSources(), PEOPLE)


def test_a_rule_becomes_an_outcome() -> None:
    settings = TargetSettings(rule="1p and 19q arm loss", levels=("non-codel", "codel"))
    outcome, reading = make_outcome("codel", settings, patients=PEOPLE, sources=ALL)
    assert reading is None
    assert outcome.counts() == {"non-codel": 1, "codel": 1, "unknown": 2}
    with pytest.raises(ValueError, match="exactly one of"):
        TargetSettings(rule="ALK fusion", gene="ALK")
