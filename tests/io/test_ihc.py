"""Immunohistochemistry as pathologists write it: what settles a class is read, all else is listed or refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from genoxel.core.errors import TableError
from genoxel.io.clinical import read_clinical
from genoxel.io.ihc import MARKERS, IhcTable, read_ihc


def ihc(folder: Path, marker: str, *cells: str) -> IhcTable:
    path = folder / "clinical.csv"
    rows = "".join(f'P{number};"{cell}"\n' for number, cell in enumerate(cells, 1))
    path.write_text(f"id;{marker}\n{rows}", encoding="utf-8")
    return read_ihc(read_clinical(path, "id"), {marker: marker})


def classes(found: IhcTable, marker: str) -> list[str | None]:
    column = found.table.column(f"{marker} class")
    return [None if np.isnan(code) else column.levels[int(code)] for code in found.table[f"{marker} class"]]


@pytest.mark.parametrize(
    ("marker", "cell", "kind"),
    [
        ("ER", "0", "negative"), ("ER", "<1 %", "negative"), ("ER", "0,5", "negative"), ("ER", "1%", "low"),
        ("ER", "10 %", "low"), ("ER", "11", "positive"), ("ER", ">90 %", "positive"), ("ER", "2-9 %", "low"),
        ("ER", "<5 %", None), ("ER", "5-20 %", None), ("ER", "positive", None), ("ER", "n/d", None), ("ER", "", None),
        ("PR", "<1", "negative"), ("PR", "1", "positive"), ("PR", "pos", "positive"), ("PR", "neg", "negative"),
        ("PR", "≤1 %", None), ("PR", "-", "negative"), ("PR", "+", "positive"),
        ("Ki-67", "19.9", "low"), ("Ki-67", "20 %", "high"), ("Ki-67", "ca. 30 %", "high"), ("Ki-67", "15–25 %", None),
        ("Ki-67 IKWG", "5", "5 % or less"), ("Ki-67 IKWG", "6", "between"), ("Ki-67 IKWG", "30", "30 % or more"),
        ("PD-L1 TPS", "<1%", "below 1 %"), ("PD-L1 TPS", "1", "1 to 49 %"), ("PD-L1 TPS", "≥50 %", "50 % or more"),
        ("PD-L1 TPS", ">=50", "50 % or more"), ("PD-L1 TPS", "≥1 %", None), ("PD-L1 TPS", "1-49%", "1 to 49 %"),
        ("HER2", "0", "negative"), ("HER2", "1+", "low"), ("HER2", "2+", None), ("HER2", "3+", "positive"),
        ("HER2", "2+ (FISH neg)", "low"), ("HER2", "2+, ISH: positive", "positive"), ("HER2", "Score 3+", "positive"),
        ("HER2", "2+ (FISH not amplified)", "low"), ("HER2", "amplified", "positive"), ("HER2", "negative", None),
    ],
)  # fmt: skip
def test_each_cell_is_read_by_its_guideline(tmp_path: Path, marker: str, cell: str, kind: str | None) -> None:
    found = ihc(tmp_path, marker, cell)
    assert classes(found, marker) == [kind]
    listed = found.unread[marker]
    assert (listed == {"P1": cell}) == (kind is None and cell not in ("", "n/d"))


@pytest.mark.parametrize(
    ("marker", "cells", "words"),
    [
        ("ER", ["80", "strong"], r"'strong' \(row 3\)"),
        ("ER", ["120 %"], r"'120 %' \(row 2\)"),
        ("ER", ["9-2"], "'9-2'"),
        ("ER", ["1+"], r"'1\+'"),
        ("ER", ["Allred 7"], "'Allred 7'"),
        ("ER", ["0.8", "0.1", "0", "1", "0.95"], "5 numbers all lie between 0 and 1"),
        ("HER2", ["4+"], r"'4\+'"),
        ("HER2", ["2+ (FISH pending)"], "FISH pending"),
        ("HER2", ["30 %"], "'30 %'"),
        ("Ki-67", ["-5"], "'-5'"),
    ],
)
def test_each_fault_is_refused_with_its_row(tmp_path: Path, marker: str, cells: list[str], words: str) -> None:
    with pytest.raises(TableError, match=words):
        ihc(tmp_path, marker, *cells)


def test_numbers_classes_and_their_source(tmp_path: Path) -> None:
    found = ihc(tmp_path, "ER", "80 %", "<1 %", "0")
    assert found.table.names == ("ER", "ER class")
    assert str(found.table["ER"].tolist()) == "[80.0, nan, 0.0]"  # below 1 % is a class, and no number
    assert found.table.column("ER class").kind == "ordinal"
    assert "doi:10.1200/JCO.19.02309" in found.table.column("ER class").definition
    assert set(MARKERS) == {"HER2", "ER", "PR", "Ki-67", "Ki-67 IKWG", "PD-L1 TPS"}
    path = tmp_path / "clinical.csv"
    with pytest.raises(TableError, match="did you mean 'Ki-67'"):
        read_ihc(read_clinical(path, "id"), {"Ki67": "ER"})
    mine = read_ihc(read_clinical(path, "id"), {"ER": "ER"}, {"ER": (1.0, 90.0)})
    assert classes(mine, "ER") == ["low", "negative", "negative"]
