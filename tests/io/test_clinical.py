"""Clinical tables: cells stay text, ids stay ids, and every fault is named by its row."""

from __future__ import annotations

import datetime as dt
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genoxel.core.errors import FileFormatError, InputError, MissingFileError, TableError
from genoxel.io.clinical import read_clinical


def _csv(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    (tmp_path / "clinical.csv").write_bytes(text.encode(encoding))
    return tmp_path / "clinical.csv"


def _xlsx(tmp_path: Path, rows: list[list[object]], title: str = "final") -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(row)
    book.save(tmp_path / "clinical.xlsx")
    return tmp_path / "clinical.xlsx"


IDS = ("007", "1E5", "NA", "nan", "None", "TRUE", "00012345678901234567", "1-Sep", "P,1", "3.0")


@pytest.mark.parametrize("sign", [";", ",", "\t", "|"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_identifiers_stay_text_whatever_the_separator(tmp_path: Path, sign: str, ending: str, mark: str) -> None:
    rows = [f'"{who}"{sign}{place}{sign}x' for place, who in enumerate(IDS)]
    path = _csv(tmp_path, mark + ending.join([f"id{sign}age{sign}word", *rows, ""]))
    sheet = read_clinical(path, "id")
    assert sheet.patients == IDS
    assert sheet.delimiter == sign
    assert sheet.numbers("age") == {who: float(place) for place, who in enumerate(IDS)}
    assert sheet.lines == tuple(range(2, 12))


def test_german_export_with_decimal_commas(tmp_path: Path) -> None:
    sheet = read_clinical(_csv(tmp_path, "\ufeffPat;Größe;Gewicht\n001;1,234;80\n002;;70,5\n003;1,8;n/d\n"), "Pat")
    assert sheet.numbers("Größe")["001"] == 1.234
    assert np.isnan(sheet.numbers("Größe")["002"])
    assert sheet.numbers("Gewicht")["002"] == 70.5
    assert np.isnan(sheet.numbers("Gewicht")["003"])


def test_a_workbook_keeps_ids_numbers_and_dates(tmp_path: Path) -> None:
    day = dt.datetime(2019, 1, 31)
    rows = [["id", "age", "ct", "smoker", "when"], [7, 61.5, day, True, dt.time(8, 30)]]
    rows += [["007", 1, None, None, None], [1e5, 0.1, dt.datetime(2019, 1, 31, 8, 30), False, "x"]]
    path = _xlsx(tmp_path, rows)
    book = openpyxl.load_workbook(path)
    book.active.append([12, 3])
    book.active["A5"].number_format = "00000"
    book.save(path)
    sheet = read_clinical(path, "id")
    assert sheet.patients == ("7", "007", "100000", "00012")
    assert sheet.text("age")["100000"] == "0.1"
    assert sheet.text("ct") == {"7": "2019-01-31", "007": "", "100000": "2019-01-31 08:30:00", "00012": ""}
    assert sheet.dates("ct")["7"] == dt.date(2019, 1, 31)
    assert sheet.text("smoker")["7"] == "TRUE"
    assert sheet.text("when")["7"] == "08:30:00"
    assert sheet.sheet == "final"


def test_the_sheet_with_the_id_column_is_taken_and_a_tie_is_asked(tmp_path: Path) -> None:
    path = _xlsx(tmp_path, [["note"], ["first sheet"]], "readme")
    book = openpyxl.load_workbook(path)
    book.create_sheet("empty")
    for name in ("final", "old"):
        sheet = book.create_sheet(name)
        sheet.append(["id", "age"])
        sheet.append(["P1", 3])
        book.save(path)
        if name == "final":
            assert read_clinical(path, "id").sheet == "final"
    with pytest.raises(TableError, match="final, old"):
        read_clinical(path, "id")
    assert read_clinical(path, "id", sheet="old").text("age") == {"P1": "3"}
    with pytest.raises(TableError, match="did you mean 'final'"):
        read_clinical(path, "id", sheet="Final")
    with pytest.raises(TableError, match="no sheet"):
        read_clinical(path, "nothing")


def test_a_wrong_dimension_in_the_file_hides_no_rows(tmp_path: Path) -> None:
    path = _xlsx(tmp_path, [["id", "age"], ["P1", 1], ["P2", 2]])
    with zipfile.ZipFile(path) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    name = "xl/worksheets/sheet1.xml"
    assert b'ref="A1:B3"' in parts[name]
    parts[name] = parts[name].replace(b'ref="A1:B3"', b'ref="A1"')
    with zipfile.ZipFile(path, "w") as packed:
        for part, content in parts.items():
            packed.writestr(part, content)
    assert read_clinical(path, "id").patients == ("P1", "P2")


def test_formulas_need_a_value_and_errors_are_named(tmp_path: Path) -> None:
    path = _xlsx(tmp_path, [["id", "age"], ["P1", "=1+1"]])
    with pytest.raises(FileFormatError, match="formula without value in row 2, column 2"):
        read_clinical(path, "id")
    path = _xlsx(tmp_path, [["id", "age"], ["P1", "#REF!"]])
    with pytest.raises(FileFormatError, match="#REF! in row 2"):
        read_clinical(path, "id")
    path = _xlsx(tmp_path, [["id", "age"], ["P1", "#N/A"], ["P2", 3]])
    assert np.isnan(read_clinical(path, "id").numbers("age")["P1"])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "password"),
        (b"PK\x03\x04 and then nothing", "damaged workbook"),
        (b"patient;age\n1;2\n", "damaged workbook"),
    ],
)
def test_what_is_no_workbook(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "c.xlsx").write_bytes(content)
    with pytest.raises(FileFormatError, match=words):
        read_clinical(tmp_path / "c.xlsx", "id")


def test_a_cut_empty_or_foreign_workbook(tmp_path: Path) -> None:
    path = _xlsx(tmp_path, [["id"], *[[f"P{place}"] for place in range(500)]])
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(FileFormatError, match="damaged workbook"):
        read_clinical(path, "id")
    with pytest.raises(FileFormatError, match="without any cell"):
        read_clinical(_xlsx(tmp_path, []), "id")
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("hello.txt", "no workbook")
    with pytest.raises(FileFormatError, match="cannot be read"):
        read_clinical(path, "id")


def test_a_zip_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genoxel.io.xlsx._MAX_UNPACKED", 1000)
    with pytest.raises(FileFormatError, match="unpacked"):
        read_clinical(_xlsx(tmp_path, [["id"], ["P1"]]), "id")


FAULTS = [
    ("id;age\nP1;1\nP2;2;3\nP4;4\n", "3 cells in line 3"),
    ("id;age\nP1;1\nP2;2\nP3", "cut short"),
    ("id;age\nP1;1\nP2;2\nP3;6", "cut short"),
    ('id;word;age\nP1;"a;1\nP2;b;2\nP3;c";3\n', "stray quote"),
    ('id;word\nP1;"open\nP2;x\n', "stray quote"),
    ('id;word\nP1;"a"b\nP2;x\n', "stray quote .* line 2"),
    ("id;age;age\nP1;1;2\n", "'age' more than once .*columns 2, 3"),
    ("id;age\nP1;1\nP1;2\n", r"more than one row for 1 patients .*P1 \(rows 2, 3\)"),
    ("id;age\np1;1\nP1;2\n", "upper and lower case"),
    ("id;age\nP1;1\n;2\n", "no patient id in row 3"),
    ("id;age\n", "no rows"),
    ("", "without any row"),
    ("just one column\nP1\n", "no separator"),
    ("a;b,c\n1;2,3\n4;5,6\n", "both ';' and ','"),
    ("id;age;\nP1;1;note\n", "column 3, which has no header"),
    ("Id;age\nP1;1\n", "did you mean 'Id'"),
    ("#id;age\nx;1\nP1;1\n", "remove the #"),
    ("patient;age\nP1;1\n", "column 'id' of"),
]


@pytest.mark.parametrize(("text", "words"), FAULTS)
def test_each_fault_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        read_clinical(_csv(tmp_path, text), "id")
    assert any("clinical.csv" in note for note in caught.value.__notes__)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_other_encodings_are_refused_with_the_remedy(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(FileFormatError, match="CSV UTF-8"):
        read_clinical(_csv(tmp_path, "id;name\n1;Müller\n", encoding), "id")


def test_missing_files_and_sheets_of_text(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        read_clinical(tmp_path / "none.csv", "id")
    with pytest.raises(TableError, match=r"sheets in \.xlsx only"):
        read_clinical(_csv(tmp_path, "id;a\n1;2\n"), "id", sheet="x")


def test_harmless_oddities_are_read(tmp_path: Path) -> None:
    text = '# exported 2020\n id ;note;size 5";;\n P1 ;"line one\nline two";5"x;;\n\n;;;;\nP2;"a ""quoted"" word";;;\n'
    sheet = read_clinical(_csv(tmp_path, text), "id")
    assert sheet.columns == ("id", "note", 'size 5"')
    assert sheet.text("note") == {"P1": "line one\nline two", "P2": 'a "quoted" word'}
    assert sheet.lines == (3, 7)


def test_a_row_counter_without_header_is_left_out_and_row_names_are_kept(tmp_path: Path) -> None:
    assert read_clinical(_csv(tmp_path, ",id,x\n0,P1,a\n1,P2,b\n"), "id").columns == ("id", "x")
    sheet = read_clinical(_csv(tmp_path, ",x\nP1,a\nP2,b\n"), "(first column)")
    assert sheet.patients == ("P1", "P2")


def test_columns_are_typed_by_what_they_hold(tmp_path: Path) -> None:
    text = (
        "id;age;sex;smoker;grade;allna\n"
        "P1;61,5;Male;1;G2;NA\nP2;n/d;male;0;G4;\nP3;70;Female;1;;N/A\nP4;3;female ;0;g3;\nP5;4;male;;G2;\n"
    )
    sheet = read_clinical(_csv(tmp_path, text), "id")
    table = sheet.to_table(["age", "sex", "smoker", "grade", "allna"], ordered={"grade": ["G2", "G3", "G4"]})
    assert [column.kind for column in table.columns] == ["real", "categorical", "binary", "ordinal", "real"]
    assert table.column("sex").levels == ("Female", "male")
    assert table.column("sex").definition == "also written Male, female"
    assert table["sex"].tolist() == [1, 1, 0, 0, 1]
    assert table["grade"].tolist()[:2] == [0, 2]
    assert np.isnan(table["grade"][2])
    assert table.kind == "clinical"
    with pytest.raises(TableError, match="levels G2, G3"):
        sheet.to_table(["grade"], ordered={"grade": ["G2", "G3"]})


def test_a_word_among_numbers_and_an_ambiguous_number_are_named_by_row(tmp_path: Path) -> None:
    sheet = read_clinical(_csv(tmp_path, 'id,age,size\nP1,61,"1,234"\nP2,>89,"2,500"\nP3,70,\n'), "id")
    with pytest.raises(TableError, match=r"'>89' \(row 3\)"):
        sheet.to_table(["age"])
    with pytest.raises(TableError, match=r"'1,234' \(row 2\)"):
        sheet.numbers("size")
    with pytest.raises(TableError, match="did you mean 'age'"):
        sheet.text("agee")


def test_free_text_is_no_category(tmp_path: Path) -> None:
    text = "id;note\n" + "".join(f"P{place};word {place}\n" for place in range(30))
    with pytest.raises(TableError, match="free text"):
        read_clinical(_csv(tmp_path, text), "id").to_table(["note"])


def test_tcga_barcodes_are_found_and_cut(tmp_path: Path) -> None:
    path = _csv(tmp_path, "n;barcode\n1;TCGA-HT-7468-01A\n2;tcga-ht-7469\n")
    assert read_clinical(path, "tcga").patients == ("TCGA-HT-7468", "TCGA-HT-7469")
    with pytest.raises(TableError, match="no column of TCGA"):
        read_clinical(_csv(tmp_path, "n;b\n1;x\n"), "tcga")
    with pytest.raises(TableError, match="rows 2, 3"):
        read_clinical(_csv(tmp_path, "n;b\n1;TCGA-HT-7468-01A\n2;TCGA-HT-7468-02A\n"), "tcga")


_cell = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs"], exclude_characters="\ufeff"), max_size=6
)


@given(
    ids=st.lists(_cell.filter(lambda text: text.strip()), min_size=2, max_size=5, unique_by=str.casefold),
    data=st.data(),
    sign=st.sampled_from([";", ",", "\t"]),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_pandas_writes_is_read_back(tmp_path: Path, ids: list[str], data: st.DataObject, sign: str) -> None:
    """Any cells, quoted by another program, come back as they were (an id that looks like a comment aside)."""
    cells = data.draw(st.lists(_cell, min_size=len(ids), max_size=len(ids)))
    frame = pd.DataFrame({"who is it": ids, "cell": cells, "third": "x"})
    frame.to_csv(tmp_path / "t.csv", sep=sign, index=False, quoting=1, encoding="utf-8-sig")
    sheet = read_clinical(tmp_path / "t.csv", "who is it")
    assert sheet.patients == tuple(ids)
    assert sheet.text("cell") == dict(zip(ids, cells, strict=True))


def test_real_nsclc_table_agrees_with_pandas(real_data: Callable[[str], Path]) -> None:
    path = real_data("nsclc-radiogenomics") / "clinical_molecular.csv"
    sheet = read_clinical(path, "Case ID")
    frame = pd.read_csv(path, dtype=str, keep_default_na=False, index_col="Case ID")
    assert len(sheet.patients) == 211
    for column in frame.columns:
        name = " ".join(column.split())
        if name != "Case ID":
            assert sheet.text(name) == frame[column].to_dict()
    ages = pd.to_numeric(frame["Age at Histological Diagnosis"], errors="coerce")
    assert sheet.numbers("Age at Histological Diagnosis") == pytest.approx(ages.to_dict(), nan_ok=True)
    assert sheet.dates("CT Date")["AMC-001"] == dt.date(1994, 8, 10)
    table = sheet.to_table(["Gender", "Smoking status", "Age at Histological Diagnosis"])
    levels = Counter(table.column("Gender").levels[int(code)] for code in table["Gender"])
    assert dict(levels) == frame["Gender"].value_counts().to_dict()
