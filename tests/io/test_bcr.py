"""Clinical files of TCGA's Biospecimen Core Resource, biotab and XML; each fault is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from genoxel.core.errors import GenoxelError
from genoxel.io.bcr import read_bcr_xml, read_biotab
from genoxel.io.clinical import read_clinical

BIOTAB = (
    "bcr_patient_uuid\tbcr_patient_barcode\tgender\tage_at_diagnosis\n"
    "bcr_patient_uuid\tbcr_patient_barcode\tgender\tage_at_initial_pathologic_diagnosis\n"
    "CDE_ID:\tCDE_ID:2673794\tCDE_ID:2200604\tCDE_ID:2006657\n"
    "AAAA\tTCGA-02-0001\tFEMALE\t44\n"
    "BBBB\tTCGA-02-0003\tMALE\t[Not Available]\n"
)
XML = """<?xml version="1.0" encoding="UTF-8"?>
<gbm:tcga_bcr xmlns:gbm="http://tcga.nci/bcr/xml/clinical/gbm/2.7" xmlns:shared="http://tcga.nci/bcr/xml/shared/2.7"
 xmlns:admin="http://tcga.nci/bcr/xml/administration/2.7"><admin:admin><admin:batch_number>1</admin:batch_number></admin:admin>
<gbm:patient>
<shared:bcr_patient_barcode procurement_status="Completed">TCGA-02-0001</shared:bcr_patient_barcode>
<shared:gender procurement_status="Completed">FEMALE</shared:gender>
<shared:race procurement_status="Not Available"/>
<shared:ethnicity procurement_status="Not Available">should not count</shared:ethnicity>
<shared:stage_event><shared:grade procurement_status="Completed">4</shared:grade></shared:stage_event>
<gbm:follow_ups><gbm:follow_up><shared:vital_status>Dead</shared:vital_status></gbm:follow_up></gbm:follow_ups>
<shared:vital_status procurement_status="Completed">Alive</shared:vital_status>
</gbm:patient></gbm:tcga_bcr>
"""


def write(folder: Path, text: str, name: str = "a.txt") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_biotab_has_three_header_lines(tmp_path: Path) -> None:
    sheet = read_clinical(write(tmp_path, BIOTAB), "tcga")
    assert sheet.patients == ("TCGA-02-0001", "TCGA-02-0003")
    assert sheet.lines == (4, 5)
    assert str(sheet.numbers("age_at_diagnosis")) == "{'TCGA-02-0001': 44.0, 'TCGA-02-0003': nan}"
    assert read_clinical(tmp_path / "a.txt", "bcr_patient_barcode").patients == sheet.patients


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BIOTAB.replace("CDE_ID", "X"), "without the three header lines"),
        (BIOTAB.replace("bcr_patient_barcode", "barcode"), "without the three header lines"),
        (BIOTAB.replace("\t44\n", "\n"), "3 cells in line 4"),
        (BIOTAB.replace("AAAA\tTCGA-02-0001\tFEMALE", "TCGA-02-0001\tFEMALE\tAAAA"), "'FEMALE' as patient in line 4"),
        (BIOTAB.replace("TCGA-02-0003", "TCGA-02-0003-01A"), "as patient in line 5"),
        (BIOTAB.replace("TCGA-02-0003", "TCGA-02-0001"), "more than one row for 1 patients"),
        (BIOTAB.replace("gender\tage_at_diagnosis", "gender\tgender"), "more than once"),
        (BIOTAB[: BIOTAB.index("AAAA")], "without the three header lines"),
    ],
)
def test_faulty_biotabs_are_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(GenoxelError, match=words):
        read_biotab(write(tmp_path, text))


def test_xml_of_several_patients_is_one_table(tmp_path: Path) -> None:
    write(tmp_path, XML, "1.xml")
    write(tmp_path, XML.replace("TCGA-02-0001", "TCGA-02-0003").replace("FEMALE", "MALE"), "2.xml")
    sheet = read_bcr_xml(tmp_path)
    assert sheet.patients == ("TCGA-02-0001", "TCGA-02-0003")
    assert sheet.text("gender") == {"TCGA-02-0001": "FEMALE", "TCGA-02-0003": "MALE"}
    assert sheet.text("grade")["TCGA-02-0001"] == "4"
    assert sheet.text("ethnicity")["TCGA-02-0001"] == ""  # not procured, whatever stands there
    assert sheet.text("vital_status")["TCGA-02-0001"] == "Alive"  # that of a follow-up is another fact


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("</gbm:patient>", "", "no whole XML"),
        ("tcga_bcr", "other", "with the root 'other'"),
        ("<gbm:patient>", "<gbm:patient></gbm:patient><gbm:patient>", "2 patients"),
        ("shared:bcr_patient_barcode", "shared:barcode", "without bcr_patient_barcode"),
        ("TCGA-02-0001", "TCGA-02", "'TCGA-02' as patient"),
        ('<shared:race procurement_status="Not Available"/>', "<shared:gender>MALE</shared:gender>", "gender twice"),
        ("<gbm:tcga_bcr", '<!DOCTYPE a [<!ENTITY b "c">]><gbm:tcga_bcr', "document type"),
    ],
)
def test_faulty_xml_is_named(tmp_path: Path, old: str, new: str, words: str) -> None:
    with pytest.raises(GenoxelError, match=words) as refused:
        read_bcr_xml(write(tmp_path, XML.replace(old, new), "1.xml"))
    assert any("1.xml" in note for note in getattr(refused.value, "__notes__", [])) or "1.xml" in str(refused.value)


def test_a_folder_without_xml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GenoxelError, match=r"no \.xml"):
        read_bcr_xml(tmp_path)
