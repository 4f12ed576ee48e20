"""Thumbnails and contact sheets."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Picture

from genoxel.core.errors import GeometryError
from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.report.contact import Card, contact_page, contact_sheet, in_order, thumbnail
from report.example import HOSTILE, picture
from report.page import Page


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Picture.open(io.BytesIO(png)).convert("RGB")).astype(int)


def yellow(png: bytes) -> np.ndarray:
    seen = pixels(png)
    return (seen[..., 0] > 200) & (seen[..., 1] > 200) & (seen[..., 2] < 100)


def volume(box: tuple[slice, slice, slice], spacing=(1.0, 1.0, 3.0), modality="MR", level=100.0):
    array = np.zeros((60, 80, 9))
    inside = np.zeros(array.shape, np.uint8)
    inside[box] = 1
    array[box] = level
    affine = np.diag([*spacing, 1.0])
    return Image(array, affine, modality), Mask(inside, affine)


def test_a_picture_that_another_library_reads():
    image, mask = picture(1)
    found = pixels(thumbnail(image, mask, size=120))
    assert found.shape == (120, 120, 3)
    assert yellow(thumbnail(image, mask)).sum() > 40


def test_the_slice_with_most_of_the_mask_is_shown():
    image, mask = volume((slice(20, 30), slice(20, 30), slice(2, 3)))
    more = np.array(mask.array)
    more[10:50, 10:60, 7] = 1
    shown = yellow(thumbnail(image, Mask(more, mask.affine)))
    where = np.argwhere(shown)
    height, width = np.ptp(where, axis=0)
    assert height > width, "the 50 mm side runs down, the 40 mm side across"


def test_pixels_are_square_in_mm_even_when_voxels_are_not():
    image, mask = volume((slice(20, 30), slice(30, 50), slice(4, 5)), spacing=(2.0, 1.0, 3.0))
    height, width = np.ptp(np.argwhere(yellow(thumbnail(image, mask, size=200))), axis=0)
    assert height == pytest.approx(width, abs=4)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 55), st.integers(1, 70), st.integers(1, 4), st.integers(1, 6))
def test_any_small_region_is_outlined_all_around(i, j, width, height):
    image, mask = volume((slice(i, i + width), slice(j, j + height), slice(4, 5)))
    assert yellow(thumbnail(image, mask)).sum() >= 8


def test_a_ct_is_windowed_for_soft_tissue_unless_the_contour_lies_outside():
    image, mask = volume((slice(20, 40), slice(20, 40), slice(4, 5)), modality="CT", level=40.0)
    centre = pixels(thumbnail(image, mask))[80, 80, 0]
    assert centre == pytest.approx(255 * 200 / 400, abs=4)
    lung, mask = volume((slice(20, 40), slice(20, 40), slice(4, 5)), modality="CT", level=-870.0)
    assert pixels(thumbnail(lung, mask))[80, 80, 0] == 0
    assert pixels(thumbnail(lung, mask, window=(-1000, -800)))[80, 80, 0] > 100


def test_same_picture_same_bytes_and_other_grids_are_refused():
    image, mask = picture(2)
    assert thumbnail(image, mask) == thumbnail(*picture(2))
    with pytest.raises(GeometryError):
        thumbnail(image, Mask(np.ones((3, 3, 3), np.uint8), np.eye(4)))


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_a_flat_or_empty_image_still_gives_a_picture(value):
    image = Image(np.full((30, 30, 3), value), np.eye(4), "MR")
    mask = Mask(np.zeros((30, 30, 3), np.uint8), np.eye(4))
    assert pixels(thumbnail(image, mask)).shape == (160, 160, 3)


def card(patient: str, *flags: str) -> Card:
    return Card(patient, thumbnail(*picture(3)), 1234.5, 500, (1.0, 1.0, 3.0), flags, HOSTILE, "GTV", "CT")


def test_suspicious_contours_come_first():
    cards = [card("P2"), card("P1"), card("P3", "one"), card("P9", "one", "two")]
    assert [one.patient for one in in_order(cards)] == ["P9", "P3", "P1", "P2"]


def test_the_sheet_is_escaped_and_keeps_to_its_budget():
    cards = [card("P1"), card("P2", "mostly air")]
    sheet = contact_sheet(cards, budget=len(cards[0].png) * 4 // 3 + 10)
    assert sheet.count("data:image/png;base64,") == 1
    assert "picture in check/contours.html" in sheet
    assert "<script" not in sheet
    assert "1.23 ml" in sheet


@pytest.mark.parametrize("simulated", [True, False])
def test_the_page_of_check_stands_alone(simulated):
    text = contact_page([card("P1", "mostly air")], "Contours of a study", simulated)
    page = Page(text)
    assert ("Simulated data" in text) == simulated
    assert all((given.get("src") or "data:").startswith("data:") for _, given in page.tags)
    assert "Research use only" in text
    assert "1 contour; 1 with a flag" in text


def test_what_is_hidden_is_black_in_the_picture():
    image, mask = volume((slice(10, 20), slice(10, 20), slice(2, 4)))
    image = Image(np.random.default_rng(0).uniform(50, 150, image.shape), image.affine, "MR")
    hidden = np.zeros(image.shape, dtype=bool)
    hidden[:, :8] = True
    shown, covered = (pixels(thumbnail(image, mask, hidden=one)) for one in (None, hidden))
    assert (shown != covered).any()
    changed = (shown != covered).any(axis=-1)
    assert changed.sum() > 500
    # voxels at the border of what is hidden are mixed with their neighbours
    assert np.median(covered[changed]) == 0
