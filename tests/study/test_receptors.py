"""Surrogate subtypes of breast cancer from clinical columns in words and per cent, against the published table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from genoxel.core.errors import GenoxelError
from genoxel.study.molecular import read_molecular
from genoxel.study.study import Study

TEXT = """
[study]
name = "receptors"
[cohort]
table = "clinical.csv"
patient = "id"
[io.images]
features = "features.csv"
[omics.derive]
receptors = {{ er = "er", pr = "pr", her2 = "her2", ki67 = "ki67"{more} }}
"""
# St Gallen 2013, table 4 of PMC6797629: luminal A-like has Ki-67 < 20 % and PR >= 20 %, luminal B-like the others
CASES = [
    ("90", "20", "10", "luminal A"),
    ("90", "19", "10", "luminal B"),
    ("90", "20", "20", "luminal B"),
    ("90 %", ">80 %", "19.9", "luminal A"),
    ("1", "0", "10", "luminal B"),
    ("0", "5", "10", "luminal B"),  # PR alone is positive, and low
    ("<1 %", "<1 %", "10", "triple-negative"),
    ("0", "0", "60", "triple-negative"),
    ("90", "10-30 %", "10", None),  # on both sides of 20 %
    ("90", "10-30 %", "40", "luminal B"),
    ("90", "", "10", None),
    ("", "50", "10", "luminal A"),  # PR makes it luminal
    ("", "0", "10", None),
]


def subtypes(folder: Path, rows: list[tuple[str, str, str]], more: str = "") -> tuple[list[str | None], str]:
    lines = [f"P{number};{er};{pr};neg;{ki67}" for number, (er, pr, ki67) in enumerate(rows, 1)]
    (folder / "clinical.csv").write_text("\n".join(["id;er;pr;her2;ki67", *lines]) + "\n", encoding="utf-8")
    (folder / "study.toml").write_text(TEXT.format(more=more), encoding="utf-8")
    table = read_molecular(Study.read(folder / "study.toml")).tables["receptors"]
    column = table.column("IHC subtype")
    return [None if np.isnan(code) else column.levels[int(code)] for code in table["IHC subtype"]], column.definition


def test_percentages_follow_the_published_table(tmp_path: Path) -> None:
    found, words = subtypes(tmp_path, [(er, pr, ki67) for er, pr, ki67, _ in CASES])
    assert found == [expected for *_, expected in CASES]
    assert "luminal A asks for PR of 20 % or more" in words


def test_triple_negative_is_known_where_the_subtype_is_open(tmp_path: Path) -> None:
    rows = [("90", "90", ""), ("0", "0", ""), ("", "50", ""), ("", "0", ""), ("pos", "", "10")]
    found, _ = subtypes(tmp_path, rows)
    assert found == [None, "triple-negative", None, None, None]
    table = read_molecular(Study.read(tmp_path / "study.toml")).tables["receptors"]
    assert str(table["triple-negative"].tolist()) == "[0.0, 1.0, 0.0, nan, 0.0]"
    assert table.column("triple-negative").kind == "binary"


def test_the_cut_of_pr_and_whether_it_is_asked_for_are_settings(tmp_path: Path) -> None:
    rows = [("90", "10", "10"), ("90", "0", "10")]
    assert subtypes(tmp_path, rows)[0] == ["luminal B", "luminal B"]
    assert subtypes(tmp_path, rows, ", pr_cut = 10")[0] == ["luminal A", "luminal B"]
    found, words = subtypes(tmp_path, rows, ", pr_for_a = false")
    assert found == ["luminal A", "luminal A"]
    assert "luminal A asks for no PR" in words


def test_words_ask_for_a_positive_pr(tmp_path: Path) -> None:
    found, words = subtypes(tmp_path, [("pos", "pos", "10"), ("pos", "neg", "10"), ("neg", "neg", "10")])
    assert found == ["luminal A", "luminal B", "triple-negative"]
    assert "luminal A asks for a positive PR (in words)" in words


@pytest.mark.parametrize(
    ("cells", "words"),
    [(["Allred 7", "80"], "'Allred 7'"), (["0.8", "0.1", "0.5", "0.95", "0.3"], "er whose 5 numbers all lie")],
)
def test_what_is_neither_word_nor_per_cent_is_refused(tmp_path: Path, cells: list[str], words: str) -> None:
    with pytest.raises(GenoxelError, match=words):
        subtypes(tmp_path, [(cell, "50", "10") for cell in cells])
