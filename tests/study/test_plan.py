"""Which series and contours of a patient are planned, and who is lost with which words; from records alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from genoxel.io.inventory import Inventory, SeriesRecord, StructureRecord
from genoxel.segment.contours import Override
from genoxel.study.plan import FACTS, facts_of, plan_images
from genoxel.study.study import Study

HEAD = '[io.images]\nfolder = "dicom"\n'


def series(uid, description="Chest", modality="CT", slices=100, slice_mm=2.0, frame="F", **tags):
    return SeriesRecord(
        *("P1", "study", uid, modality, description, (Path(f"{uid}.dcm"),), slices, (0.7, 0.7, slice_mm)),
        tags=tags,
        frame_of_reference=frame,
    )


def drawn(on, names=("GTV",), file="RS.dcm", frame="F"):
    return StructureRecord("P1", Path(file), "RTSTRUCT", tuple(names), series=on, frame_of_reference=frame)


def planned(tmp_path, records, structures, text="", decision=None):
    (tmp_path / "study.toml").write_text(HEAD + text)
    study = Study.read(tmp_path)
    found = Inventory(tmp_path, tuple(records), tuple(structures))
    return plan_images(study, found, ["P1"], {"P1": decision} if decision else None)


def lost(plan):
    return {label: who["P1"] for label, who in plan.boxes if "P1" in who}


def test_without_modalities_the_series_that_was_drawn_on_is_measured(tmp_path):
    plan = planned(tmp_path, [series("a"), series("b", modality="PT")], [drawn("a")])
    assert [one.label for one in plan.work[0].planned] == ["CT"]
    assert lost(planned(tmp_path, [series("a")], [])) == {
        "has a contour": "no contour on any series (this patient has no file of contours)"
    }


def test_the_series_with_the_contour_comes_first(tmp_path):
    records = [series("t1", "T1 pre", "MR"), series("ce", "T1 post Gd", "MR")]
    plan = planned(tmp_path, records, [drawn("ce")], 'modalities = ["T1", "T1CE"]')
    assert [one.label for one in plan.work[0].planned] == ["T1CE", "T1"]


def test_who_has_no_such_series_is_told_what_there_is(tmp_path):
    assert lost(planned(tmp_path, [], [drawn("a")])) == {"has the images asked for": "no image series"}
    plan = planned(tmp_path, [series("a"), series("b", modality="PT")], [drawn("a")], 'modality = "MR"')
    assert lost(plan) == {"has the images asked for": "no MR series (there: CT, PT)"}


def test_of_several_series_a_rule_decides_or_the_contour_or_nobody(tmp_path):
    records = [series("thin", slice_mm=1.0), series("thick", slice_mm=5.0)]
    plan = planned(tmp_path, records, [drawn("thin")], 'modality = "CT"\nchoose = ["slice_mm >= 5"]')
    assert plan.work[0].planned[0].series.series == "thick"
    assert "slice_mm >= 5" in plan.reasons["P1"]
    plan = planned(tmp_path, records, [drawn("thin")], 'modality = "CT"')
    assert plan.work[0].planned[0].series.series == "thin"
    assert "the contour was drawn on" in plan.reasons["P1"]
    plan = planned(tmp_path, records, [drawn("")], 'modality = "CT"')
    assert "2 series that fit" in lost(plan)["one series decided"]


def test_a_contour_drawn_elsewhere_is_named(tmp_path):
    plan = planned(tmp_path, [series("a")], [drawn("x", frame="other")], 'modality = "CT"')
    assert lost(plan) == {"has a contour": "no contour on the CT series (RS.dcm was drawn on another series)"}


def test_files_without_a_name_that_counts_are_passed_over(tmp_path):
    rules = 'modality = "CT"\n[segment]\nroi = ["GTV*"]'
    both = [drawn("a", ["Lung"], "RS1.dcm"), drawn("a", ["GTV"], "RS2.dcm")]
    plan = planned(tmp_path, [series("a")], both, rules)
    assert [one.file.name for one in plan.work[0].planned[0].structures] == ["RS2.dcm"]
    plan = planned(tmp_path, [series("a")], both[:1], rules)
    assert "among Lung" in lost(plan)["has a contour"]
    by_hand = Override("P1", "use Lung", "the tumour was called so")
    assert planned(tmp_path, [series("a")], both[:1], rules, by_hand).work[0].override == by_hand


@pytest.mark.parametrize(("agent", "phase"), [("Iomeron", "contrast"), ("", "plain")])
def test_rules_may_ask_for_every_fact_of_a_series(agent, phase):
    facts = facts_of(series("a", ContrastBolusAgent=agent, KVP=120, ConvolutionKernel="B30f"))
    assert tuple(facts) == FACTS
    assert facts["phase"] == phase
    assert facts["kvp"] == "120"
