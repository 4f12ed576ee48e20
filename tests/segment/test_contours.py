"""Which contour is meant: patterns, exclusions, ties, label maps, decisions by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import genoxel.segment
from dicom_making import save, slices, uid
from genoxel.core.errors import GeometryError, MaskError, SettingsError
from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.io.dicom import read_series
from genoxel.io.dicom_seg import write_seg
from genoxel.io.inventory import StructureRecord
from genoxel.io.nifti import write_nifti
from genoxel.io.nrrd import write_nrrd
from genoxel.io.rtstruct import write_rtstruct
from genoxel.segment.contours import Override, choose, read_mask, read_overrides
from genoxel.segment.proposal import propose
from genoxel.segment.settings import ContourSettings

SHAPE = (14, 12, 8)


def block(size: int, at: int = 2) -> np.ndarray:
    array = np.zeros(SHAPE, np.uint8)
    array[at : at + size, at : at + size, 3:5] = 1
    return array


class Ward:
    """One patient with an image and three structures: GTV-1 (3x3x2), GTV-2 (4x4x2), PTV (6x6x2)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.series = slices()
        self.image = read_series(save(self.series, folder / "ct"))
        self.sizes = {"GTV-1": block(3), "GTV-2": block(4, 6), "PTV": block(6)}

    def masks(self) -> dict[str, Mask]:
        return {name: Mask(array, self.image.affine, {1: name}) for name, array in self.sizes.items()}

    def rtstruct(self, name: str = "RS.dcm") -> StructureRecord:
        path = write_rtstruct(self.folder / name, self.masks(), self.series, uid, "20200103", "101010")
        return StructureRecord("P1", path, "RTSTRUCT", tuple(self.sizes))

    def seg(self) -> StructureRecord:
        array = self.sizes["GTV-1"] + 2 * self.sizes["GTV-2"]
        mask = Mask(array, self.image.affine, {1: "GTV-1", 2: "GTV-2"})
        path = write_seg(self.folder / "SEG.dcm", mask, self.series, uid, "20200103", "101010")
        return StructureRecord("P1", path, "SEG", ("GTV-1", "GTV-2"))

    def label_map(self, ending: str = "nii.gz", array: np.ndarray | None = None) -> StructureRecord:
        array = self.sizes["GTV-1"] + 4 * self.sizes["GTV-2"] if array is None else array
        path = self.folder / f"P1_seg.{ending}"
        volume = Image(array, self.image.affine)
        (write_nrrd if ending == "nrrd" else write_nifti)(path, volume)
        return StructureRecord("P1", path, "NRRD" if ending == "nrrd" else "NIFTI", ("seg",))


@pytest.fixture
def ward(tmp_path: Path) -> Ward:
    return Ward(tmp_path)


def test_the_first_pattern_that_hits_wins_and_never_goes_before() -> None:
    names = ["PTV_GTV-1", "Lung", "tumour_LUL", "gtvp"]
    choice = choose(names, ContourSettings(roi=("GTV-1", "GTVp*", "tumo*r*"), never=("*ptv*",)))
    assert choice.names == ("gtvp",)
    assert choice.pattern == "GTVp*"
    assert choose(names, ContourSettings(roi=("[tz]umour*",))).names == ("tumour_LUL",)
    assert choose(["a[1]", "a1"], ContourSettings(roi=("A[1]",))).names == ("a[1]", "a1")
    assert choose(["only"], ContourSettings()).reason == "the only structure"
    assert choose(["x", "PTV"], ContourSettings(never=("PTV",))).names == ("x",)


@pytest.mark.parametrize("names", [[], ["PTV"], ["Lung"]])
def test_nothing_left_names_what_there_is(names: list[str]) -> None:
    with pytest.raises(MaskError, match="no structure that counts among") as caught:
        choose(names, ContourSettings(roi=("GTV*",), never=("PTV",)))
    assert all(name in str(caught.value) for name in names)


@given(st.lists(st.text(min_size=1, max_size=6), unique_by=str.casefold, max_size=6), st.randoms())
def test_the_order_of_names_in_the_file_changes_nothing(names: list[str], random: object) -> None:
    settings = ContourSettings(roi=("a*", "*b*", "*"), never=("*c",))
    other = list(names)
    random.shuffle(other)  # type: ignore[attr-defined]
    try:
        first = choose(names, settings)
    except MaskError:
        with pytest.raises(MaskError):
            choose(other, settings)
        return
    assert set(choose(other, settings).names) == set(first.names)


@pytest.mark.parametrize("kind", ["rtstruct", "seg"])
def test_one_hit_gives_the_roi_and_its_reason(ward: Ward, kind: str) -> None:
    masks = read_mask(getattr(ward, kind)(), ward.image, ContourSettings(roi=("gtv-2",)))
    assert list(masks) == ["roi"]
    assert np.array_equal(masks["roi"].array, ward.sizes["GTV-2"])
    step = masks["roi"].history[-1]
    assert step.name == "choose_contour"
    assert step.params["names"] == ["GTV-2"]


@pytest.mark.parametrize("kind", ["rtstruct", "seg"])
def test_several_hits_do_what_the_study_says_or_are_refused(ward: Ward, kind: str) -> None:
    record = getattr(ward, kind)()
    gtv = {"roi": ("GTV*",)}
    with pytest.raises(MaskError, match=r"2 structures that fit \(GTV-1, GTV-2\)"):
        read_mask(record, ward.image, ContourSettings(**gtv))
    largest = read_mask(record, ward.image, ContourSettings(**gtv, several="largest"))
    assert largest["roi"].count() == 32
    union = read_mask(record, ward.image, ContourSettings(**gtv, several="union"))
    assert np.array_equal(union["roi"].inside(), (ward.sizes["GTV-1"] + ward.sizes["GTV-2"]) > 0)
    assert dict(union["roi"].labels) == {1: "GTV-1 + GTV-2"}
    each = read_mask(record, ward.image, ContourSettings(**gtv, several="each"))
    assert {name: mask.count() for name, mask in each.items()} == {"GTV-1": 18, "GTV-2": 32}


def test_equal_sizes_have_no_largest(ward: Ward) -> None:
    ward.sizes["GTV-2"] = block(3, 7)
    with pytest.raises(MaskError, match="equal size"):
        read_mask(ward.rtstruct(), ward.image, ContourSettings(roi=("GTV*",), several="largest"))


def test_one_name_in_two_files_is_a_tie(ward: Ward) -> None:
    records = [ward.rtstruct("RS1.dcm"), ward.rtstruct("RS2.dcm")]
    settings = ContourSettings(roi=("GTV-1",))
    with pytest.raises(MaskError, match=r"GTV-1 \(RS1.dcm\), GTV-1 \(RS2.dcm\)"):
        read_mask(records, ward.image, settings)
    by_hand = Override("P1", "use GTV-1 (RS2.dcm)", "newer")
    assert read_mask(records, ward.image, settings, by_hand)["roi"].count() == 18


def test_decisions_by_hand(ward: Ward) -> None:
    record, settings = ward.rtstruct(), ContourSettings(roi=("GTV*",), never=("PTV",))
    masks = read_mask(record, ward.image, settings, Override("P1", "use PTV", "asked for"))
    assert masks["roi"].count() == 72
    assert masks["roi"].history[-1].params["why"] == "asked for"
    assert read_mask(record, ward.image, settings, Override("P1", "largest", "second is a node"))["roi"].count() == 32
    with pytest.raises(MaskError, match="excluded by hand"):
        read_mask(record, ward.image, settings, Override("P1", "exclude", "motion"))
    with pytest.raises(MaskError, match="no structure that counts"):
        read_mask(record, ward.image, settings, Override("P1", "use GTV-9", "typing error"))
    with pytest.raises(MaskError, match="no structure set"):
        read_mask([], ward.image, settings)


def test_the_overrides_file(tmp_path: Path) -> None:
    path = tmp_path / "decisions.csv"
    path.write_text("patient;decision;reason\n007;use  GTV 2 ;node\nP2;Exclude;motion\nP3;each;two lesions\n")
    found = read_overrides(path)
    assert found["007"] == Override("007", "use GTV 2", "node")
    assert found["P2"].excludes
    assert found["P3"].decision == "each"
    for line, words in (("P1,drop,x", "decision 'drop'"), ("P1,use,x", "decision 'use'"), ("P1,exclude,", "reason")):
        path.write_text(f"patient,decision,reason\n{line}\n")
        with pytest.raises(SettingsError, match=words):
            read_overrides(path)


@pytest.mark.parametrize("ending", ["nii.gz", "nrrd"])
def test_label_maps_need_regions(ward: Ward, ending: str) -> None:
    record = ward.label_map(ending)
    with pytest.raises(MaskError, match="labels 1, 4"):
        read_mask(record, ward.image, ContourSettings())
    settings = ContourSettings(regions={"core": 4, "whole": (1, 4), "absent": 2})
    masks = read_mask(record, ward.image, settings)
    assert {name: mask.count() for name, mask in masks.items()} == {"core": 32, "whole": 50}
    assert dict(masks["whole"].labels) == {1: "whole"}
    with pytest.raises(MaskError, match=r"labels \[1, 4\]"):
        read_mask(record, ward.image, ContourSettings(regions={"oedema": 2}))
    partial = read_mask(record, ward.image, ContourSettings(regions={"core": 4}))
    assert partial["core"].history[-1].params["labels_of_no_region"] == [1]


def test_single_label_maps_need_none_and_segs_may_have_regions(ward: Ward) -> None:
    masks = read_mask(ward.label_map(array=ward.sizes["PTV"] * 7), ward.image, ContourSettings())
    assert np.array_equal(masks["roi"].array, ward.sizes["PTV"])
    regions = read_mask(ward.seg(), ward.image, ContourSettings(regions={"first": 1, "both": (1, 2)}))
    assert {name: mask.count() for name, mask in regions.items()} == {"first": 18, "both": 50}


def test_two_label_maps_need_a_pattern_and_contours_are_no_label_map(ward: Ward) -> None:
    first, regions = ward.label_map(), {"core": 4}
    second = StructureRecord("P1", first.file, "NIFTI", ("reader2_seg",))
    with pytest.raises(MaskError, match="2 label maps"):
        read_mask([first, second], ward.image, ContourSettings(regions=regions))
    chosen = read_mask([first, second], ward.image, ContourSettings(regions=regions, roi=("seg",)))
    assert chosen["core"].count() == 32
    with pytest.raises(MaskError, match="0 label maps"):
        read_mask(ward.rtstruct(), ward.image, ContourSettings(regions=regions))


def test_soft_masks_take_the_threshold_and_other_grids_are_refused(ward: Ward) -> None:
    soft = ward.label_map(array=ward.sizes["PTV"] * 0.5 + ward.sizes["GTV-1"] * 0.25)
    with pytest.raises(MaskError, match="soft mask"):
        read_mask(soft, ward.image, ContourSettings())
    assert read_mask(soft, ward.image, ContourSettings(threshold=0.6))["roi"].count() == 18
    moved = np.array(ward.image.affine)
    moved[0, 3] += 0.5
    with pytest.raises(GeometryError, match=r"off by 0[.]5 voxels"):
        read_mask(ward.label_map(), Image(ward.image.array, moved), ContourSettings(regions={"a": 1}))


def test_settings_are_checked() -> None:
    assert ContourSettings(regions={"a": 1, "b": [1, 2]}).labels_of("b") == (1, 2)
    for wrong in ({"several": "all"}, {"regions": {"a": 0}}, {"threshold": 0}, {"rois": ["x"]}):
        with pytest.raises(ValidationError):
            ContourSettings(**wrong)  # type: ignore[arg-type]


def test_the_proposal_of_the_first_ten_minutes() -> None:
    patients = [f"P{number:02d}" for number in range(80)]
    names = {
        "GTV-1": patients[:61],
        "PTV": patients[:70],
        "Lunge li": patients[:66],
        "GTVp": patients[61:73],
        "Tumor": patients[73:77],
        "tumor 2": patients[75:79],
        "GTV_node": patients[5:9],
        "LN4": patients[1:2],
    }
    found = propose(names)
    assert found.roi == ("GTV-1", "GTVp", "Tumor*")
    assert found.never == ("*PTV*", "*node*", "*LN*")
    assert found.several == ("P75", "P76")
    assert found.none == ()
    assert found.other == {"PTV": 70, "Lunge li": 66, "GTV_node": 4, "LN4": 1}
    for patient in patients[:79]:
        own = [name for name in names if patient in names[name]]
        assert choose(own, ContourSettings(roi=found.roi, never=found.never)).names


def test_a_proposal_may_find_nothing() -> None:
    found = propose({"Heart": ["P1"], "GTV[1]": []})
    assert found.roi == ("GTV?1]",)
    assert found.none == ("P1",)
    assert propose({"Heart": ["P1"]}).roi == ()


def test_the_room_shows_its_verbs() -> None:
    assert genoxel.segment.choose is choose
    assert genoxel.segment.propose is propose
    with pytest.raises(AttributeError, match="no attribute 'chose'"):
        _ = genoxel.segment.chose
