"""Contours to voxels against an independent rasteriser, analytic areas, and the refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.path import Path as Outline
from skimage.draw import polygon2mask

from dicom_making import NAME, OBLIQUE, save, slices, uid
from genoxel.core.errors import FileFormatError, GenoxelError, GeometryError, MaskError
from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.io.dicom import read_series
from genoxel.io.polygons import area, cover, crossings, drop_repeats, fill, largest_loop, outlines
from genoxel.io.rtstruct import Structure, Structures, coverage, rasterise, read_structures, write_rtstruct

SHAPE = (30, 26, 6)


def image_of(**tags: Any) -> Image:
    affine = np.diag([0.8, 1.1, 2.5, 1.0])
    affine[:3, 3] = (-12.0, 7.0, 100.0)
    return Image(np.zeros(SHAPE, np.int16), affine, "CT", "HU", (), tags)


def drawn(image: Image, *contours: tuple[int, Any], name: str = "GTV") -> Structures:
    """Return a structure set from contours given as (slice, points in voxel indices)."""
    world = tuple(image.grid.to_patient([(i, j, k) for i, j in points]) for k, points in contours)
    return Structures("RS.dcm", "P1", "", "", (Structure(name, world),))


def box(low: float, high: float) -> list[tuple[float, float]]:
    return [(low, low), (high, low), (high, high), (low, high)]


def star(seed: int, count: int = 40, centre: tuple[float, float] = (14.2, 12.7), size: float = 10.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    radius = size * (0.35 + 0.65 * rng.random(count))
    return np.column_stack([centre[0] + radius * np.cos(angle), centre[1] + radius * np.sin(angle)])


@pytest.mark.parametrize("seed", range(40))
def test_filling_equals_two_independent_rasterisers(seed: int) -> None:
    points = star(seed, 9 + seed)
    ours = fill(points, (30, 26))
    centres = np.argwhere(np.ones((30, 26)))
    assert np.array_equal(ours.ravel(), Outline(points, closed=False).contains_points(centres))
    assert np.array_equal(ours, polygon2mask((30, 26), points))


@given(st.integers(0, 10_000), st.floats(0, 2 * np.pi), st.floats(-4, 4), st.floats(-4, 4))
@settings(max_examples=60, deadline=None)
def test_area_does_not_depend_on_place_turn_or_direction(seed: int, turn: float, x: float, y: float) -> None:
    points = star(seed)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    assert area(points @ rotation.T + (x, y)) == pytest.approx(area(points), rel=1e-9)
    assert area(points[::-1]) == pytest.approx(area(points), rel=1e-9)


def test_area_of_an_ellipse_is_analytic() -> None:
    angle = np.linspace(0, 2 * np.pi, 20_000, endpoint=False)
    ellipse = np.column_stack([40 * np.cos(angle), 25 * np.sin(angle)])
    assert area(ellipse) == pytest.approx(np.pi * 40 * 25, rel=1e-6)


def test_polygons_that_share_an_edge_share_no_pixel_and_leave_none_out() -> None:
    left, right = np.array([(2, 2), (8, 3), (8, 9), (2, 9)]), np.array([(8, 3), (15, 2), (15, 9), (8, 9)])
    both = fill(left.astype(float), (20, 20)).astype(int) + fill(right.astype(float), (20, 20))
    whole = np.array([(2, 2), (8, 3), (15, 2), (15, 9), (2, 9)], dtype=float)
    assert both.max() == 1
    assert np.array_equal(both == 1, fill(whole, (20, 20)))


@given(arrays(bool, st.tuples(st.integers(1, 14), st.integers(1, 14))))
@settings(max_examples=200, deadline=None)
def test_outlines_give_any_mask_back_with_its_exact_area(inside: np.ndarray) -> None:
    loops = outlines(inside)
    again = np.zeros(inside.shape, bool)
    signed = 0.0
    for loop in loops:
        again ^= fill(loop, inside.shape)
        x, y = loop.T
        signed += (np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
        assert len(crossings(loop)) == 0
    assert np.array_equal(again, inside)
    assert signed == inside.sum()


def test_crossings_are_found_and_touching_is_none() -> None:
    keyhole = np.array([(0, 0), (9, 0), (9, 9), (0, 9), (0, 4), (3, 4), (3, 6), (6, 6), (6, 3), (3, 3), (3, 4), (0, 4)])
    assert len(crossings(keyhole.astype(float))) == 0
    eight = np.array([(0.0, 0.0), (6.0, 6.0), (6.0, 0.0), (0.0, 6.0)])
    pairs = crossings(eight)
    assert pairs.tolist() == [[0, 2]]
    assert largest_loop(eight, pairs) == pytest.approx(9.0)
    assert len(drop_repeats(np.zeros((4, 2)))) == 1
    wild = np.random.default_rng(0).random((2500, 2))
    assert len(crossings(wild)) > 1000


def test_solid_hole_nesting_and_keyhole() -> None:
    image = image_of()
    outer, hole, island = box(2.5, 20.5), box(6.5, 16.5), box(9.5, 12.5)
    mask = rasterise(drawn(image, (2, outer), (2, hole), (2, island), (3, outer)), "GTV", image)
    assert mask.inside()[:, :, 2].sum() == 18**2 - 10**2 + 3**2
    assert mask.inside()[:, :, 3].sum() == 18**2
    shuffled = rasterise(drawn(image, (2, island), (2, outer), (3, outer), (2, hole)), "GTV", image)
    assert np.array_equal(mask.array, shuffled.array)
    key = [(2.5, 2.5), (20.5, 2.5), (20.5, 20.5), (2.5, 20.5), (2.5, 8.0), (6.5, 8.0), (6.5, 16.5), (16.5, 16.5)]
    key += [(16.5, 6.5), (6.5, 6.5), (6.5, 8.0), (2.5, 8.0)]
    assert rasterise(drawn(image, (2, key)), "GTV", image).count() == 18**2 - 10**2


def test_the_grid_may_be_oblique_and_anisotropic(tmp_path: Path) -> None:
    series = slices(shape=SHAPE, cosines=OBLIQUE, spacing=(0.7, 1.3, 4.0))
    image = read_series(save(series, tmp_path))
    for seed in range(5):
        points = star(seed)
        mask = rasterise(drawn(image, (4, points)), "GTV", image)
        assert np.array_equal(mask.inside()[:, :, 4], polygon2mask(SHAPE[:2], points))
        assert mask.count() * mask.grid.voxel_volume == pytest.approx(area(points) * 0.7 * 1.3 * 4.0, rel=0.08)


def test_partly_overlapping_contours_are_joined_copies_count_once_both_recorded() -> None:
    image = image_of()
    mask = rasterise(drawn(image, (1, box(2.5, 10.5)), (1, box(8.5, 16.5)), (1, box(2.5, 10.5))), "GTV", image)
    assert mask.count() == 64 + 64 - 4
    assert mask.history[0].params["joined"] == 1
    assert mask.history[0].params["copies"] == 1


def test_slices_without_contour_are_named() -> None:
    image = image_of()
    mask = rasterise(drawn(image, (0, box(2.5, 9.5)), (1, box(2.5, 9.5)), (4, box(2.5, 9.5))), "GTV", image)
    assert mask.history[0].params["slices_without"] == [2, 3]


def test_a_slip_of_the_pen_is_recorded_a_crossing_refused() -> None:
    image = image_of()
    slip = [*box(2.5, 20.5), (2.5, 2.6), (2.9, 2.3)]
    assert rasterise(drawn(image, (2, slip)), "GTV", image).history[0].params["slips"] == 1
    with pytest.raises(MaskError, match="crosses itself"):
        rasterise(drawn(image, (2, [(2, 2), (20, 20), (20, 2), (2, 20)])), "GTV", image)


REFUSED = {
    "two points": ([(2, [(3.0, 3.0), (8.0, 8.0)])], MaskError, "2 distinct point"),
    "one point thrice": ([(2, [(3.0, 3.0)] * 3)], MaskError, "1 distinct point"),
    "between slices": ([(2.4, box(3, 9))], GeometryError, "0.40 slice steps off"),
    "outside in plane": ([(2, box(25, 40))], GeometryError, "outside the image"),
    "outside along the slices": ([(7, box(3, 9))], GeometryError, "outside the image"),
    "before the first slice": ([(-2, box(3, 9))], GeometryError, "outside the image"),
    "neither nested nor apart": (
        [(2, box(2.5, 10.5)), (2, [(4.5, 2.5), (12.5, 2.5), (12.5, 10.5), (4.5, 10.5)])],
        MaskError,
        "neither",
    ),
    "between the pixel centres": ([(2, box(3.1, 3.9))], MaskError, "no voxel's centre"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_has_no_one_reading_is_refused(case: str) -> None:
    contours, kind, words = REFUSED[case]
    image = image_of()
    with pytest.raises(kind, match=words):
        rasterise(drawn(image, *contours), "GTV", image)


def test_contours_across_the_slices_are_refused() -> None:
    image = image_of()
    upright = image.grid.to_patient([(3, 3, 0), (9, 3, 0), (9, 3, 4), (3, 3, 4)])
    with pytest.raises(GeometryError, match="off the nearest slice"):
        rasterise(Structures("RS.dcm", "P1", "", "", (Structure("GTV", (upright,)),)), "GTV", image)


def test_rounded_positions_are_taken_and_recorded() -> None:
    image = image_of()
    mask = rasterise(drawn(image, (2.05, box(2.5, 9.5))), "GTV", image)
    assert mask.history[0].params["off_plane"] == pytest.approx(0.05)


def test_foreign_patient_frame_and_name_are_refused() -> None:
    here = drawn(image_of(), (2, box(2.5, 9.5)))
    with pytest.raises(MaskError, match="another patient"):
        rasterise(here, "GTV", image_of(PatientID="P2"))
    framed = Structures("RS.dcm", "P1", "", "F", (Structure("GTV", here.items[0].contours, "F"),))
    with pytest.raises(GeometryError, match="another frame of reference"):
        rasterise(framed, "GTV", image_of(FrameOfReferenceUID="other"))
    with pytest.raises(MaskError, match="did you mean 'GTV'"):
        rasterise(here, "GTV1", image_of())
    with pytest.raises(MaskError, match="without a closed contour"):
        rasterise(Structures("RS.dcm", "P1", "", "", (Structure("GTV", ()),)), "GTV", image_of())


def blob(shape: tuple[int, int, int], seed: int = 0) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(np.random.default_rng(seed).normal(size=shape), (2.5, 2.5, 1))
    return (noise > np.quantile(noise, 0.8)).astype(np.uint8)


def written(tmp_path: Path, cosines: Any = (1, 0, 0, 0, 1, 0)) -> tuple[Path, Image, Mask]:
    series = slices(shape=SHAPE, cosines=cosines)
    image = read_series(save(series, tmp_path / "image"))
    mask = Mask(blob(SHAPE), image.affine, {1: "GTV-1"})
    node = Mask(blob(SHAPE, 3), image.affine, {1: "Läsion"})
    path = write_rtstruct(tmp_path / "RS.dcm", {"GTV-1": mask, "Läsion": node}, series, uid, "20200103", "101010")
    return path, image, mask


@pytest.mark.parametrize("cosines", [(1, 0, 0, 0, 1, 0), OBLIQUE])
def test_a_written_structure_set_gives_the_mask_back_voxel_for_voxel(tmp_path: Path, cosines: Any) -> None:
    path, image, mask = written(tmp_path, cosines)
    structures = read_structures(path)
    assert structures.names == ("GTV-1", "Läsion")
    assert structures.series == image.tags["SeriesInstanceUID"]
    assert structures.frame_of_reference == image.tags["FrameOfReferenceUID"]
    assert np.array_equal(rasterise(structures, "GTV-1", image).array, mask.array)
    assert np.array_equal(rasterise(structures, "Läsion", image).array, blob(SHAPE, 3))
    assert "GTV-1" in repr(structures)


def test_writing_twice_gives_the_same_bytes_and_a_standard_file(tmp_path: Path) -> None:
    first = written(tmp_path / "a")[0].read_bytes()
    second = written(tmp_path / "b")[0].read_bytes()
    assert first == second
    dataset = pydicom.dcmread(tmp_path / "a" / "RS.dcm")
    kinds = {contour.ContourGeometricType for item in dataset.ROIContourSequence for contour in item.ContourSequence}
    assert kinds <= {"CLOSED_PLANAR", "CLOSEDPLANAR_XOR"}
    assert all(len(value) <= 16 for value in map(str, dataset.ROIContourSequence[0].ContourSequence[0].ContourData))
    assert dataset.PatientName == NAME


def test_writing_refuses_another_grid_empty_masks_and_no_series(tmp_path: Path) -> None:
    series = slices(shape=SHAPE)
    grid = read_series(save(series, tmp_path / "image")).affine
    moved = np.array(grid)
    moved[0, 3] += 1
    for mask, kind in ((Mask(blob(SHAPE), moved), GeometryError), (Mask(np.zeros(SHAPE, np.uint8), grid), MaskError)):
        with pytest.raises(kind):
            write_rtstruct(tmp_path / "RS.dcm", {"GTV": mask}, series, uid, "20200103", "101010")
    with pytest.raises(GeometryError, match="no slices"):
        write_rtstruct(tmp_path / "RS.dcm", {}, [], uid, "20200103", "101010")
    assert not (tmp_path / "RS.dcm").exists()


def edited(path: Path, change: Any) -> Path:
    dataset = pydicom.dcmread(path)
    change(dataset)
    dataset.save_as(path)
    return path


def test_names_twice_open_contours_and_wrong_counts(tmp_path: Path) -> None:
    path = written(tmp_path)[0]

    def twice(dataset: Any) -> None:
        dataset.StructureSetROISequence[1].ROIName = "GTV-1"
        dataset.ROIContourSequence[1].ContourSequence[0].ContourGeometricType = "POINT"

    structures = read_structures(edited(path, twice))
    assert structures.names == ("GTV-1", "GTV-1 #2")
    assert structures.items[1].left_out == 1

    def miscounted(dataset: Any) -> None:
        dataset.ROIContourSequence[0].ContourSequence[0].NumberOfContourPoints = 7777

    with pytest.raises(FileFormatError, match="3006,0046"):
        read_structures(edited(path, miscounted))


def test_other_files_and_missing_sequences_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path)[0]
    with pytest.raises(FileFormatError, match="structure set"):
        read_structures(next((tmp_path / "image").iterdir()))

    def headless(dataset: Any) -> None:
        del dataset.ROIContourSequence[0].ReferencedROINumber

    with pytest.raises(FileFormatError, match="damaged structure sequences"):
        read_structures(edited(path, headless))


def test_every_truncation_is_refused_or_reads_the_same_contours(tmp_path: Path) -> None:
    path, image, mask = written(tmp_path)
    content = path.read_bytes()
    for percent in range(1, 100):
        path.write_bytes(content[: len(content) * percent // 100])
        with pytest.raises(GenoxelError):
            rasterise(read_structures(path), "GTV-1", image)
    path.write_bytes(content)
    assert np.array_equal(rasterise(read_structures(path), "GTV-1", image).array, mask.array)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(132, 20_000), bit=st.integers(0, 7))
def test_a_flipped_bit_never_crashes(tmp_path: Path, place: int, bit: int) -> None:
    path = tmp_path / "RS.dcm"
    if not path.exists():
        written(tmp_path)
        (tmp_path / "whole").write_bytes(path.read_bytes())
    content = bytearray((tmp_path / "whole").read_bytes())
    content[place % len(content)] ^= 1 << bit
    path.write_bytes(content)
    try:
        structures = read_structures(path)
        for name in structures.names:
            rasterise(structures, name, image_of())
    except GenoxelError:
        pass


def supersampled(points: np.ndarray, shape: tuple[int, int], fine: int = 40) -> np.ndarray:
    """Return the share of each pixel by an independent rasteriser on a grid 40 times as fine."""
    large = polygon2mask((shape[0] * fine, shape[1] * fine), (points + 0.5) * fine - 0.5)
    return large.reshape(shape[0], fine, shape[1], fine).mean(axis=(1, 3))


@given(st.integers(0, 10_000), st.floats(-3, 30), st.floats(-3, 26))
@settings(max_examples=40, deadline=None)
def test_coverage_adds_up_to_the_area_and_equals_a_finer_grid(seed: int, x: float, y: float) -> None:
    points = star(seed, 3 + seed % 20, (x, y))
    shape = (30, 26)
    shares = cover(points, shape)
    assert np.abs(shares - supersampled(points, shape)).max() < 0.06
    if (points > -0.5).all() and (points < np.array(shape) - 0.5).all():
        assert shares.sum() == pytest.approx(area(points), rel=1e-9)


def test_coverage_of_an_ellipse_holes_islands_and_neighbours_is_analytic() -> None:
    image = image_of()
    angle = np.linspace(0, 2 * np.pi, 3000, endpoint=False)

    def ellipse(a: float, b: float, x: float = 11.3, y: float = 10.7) -> np.ndarray:
        return np.column_stack([x + a * np.cos(angle), y + b * np.sin(angle)])

    whole = np.pi * (9 * 8 - 6 * 5 + 2.5 * 2)
    drawn_here = drawn(image, (2, ellipse(9, 8)), (2, ellipse(6, 5)), (2, ellipse(2.5, 2)))
    shares = coverage(drawn_here, "GTV", image)
    assert shares[:, :, 2].sum() == pytest.approx(whole, rel=1e-3)
    assert shares[:, :, [0, 1, 3]].sum() == 0
    two = drawn(image, (1, [(2.0, 2.0), (6.4, 2.0), (6.4, 6.0), (2.0, 6.0)]), (1, [(6.4, 2), (9, 2), (9, 6), (6.4, 6)]))
    assert coverage(two, "GTV", image).sum() == pytest.approx(7 * 4, rel=1e-9)
    assert coverage(two, "GTV", image)[6, 4, 1] == pytest.approx(1.0)
    over = drawn(image, (1, box(2.25, 10.75)), (1, [(8.5, 2.25), (17, 2.25), (17, 10.75), (8.5, 10.75)]))
    assert coverage(over, "GTV", image).sum() == pytest.approx((17 - 2.25) * 8.5, rel=1e-3)


def test_a_written_mask_has_the_volume_of_its_drawing(tmp_path: Path) -> None:
    """From 2,000 voxels up the volume in the file is within 1 %: outlines along pixel edges keep it exactly."""
    path, image, mask = written(tmp_path, OBLIQUE)
    assert mask.count() > 500
    shares = coverage(read_structures(path), "GTV-1", image)
    assert shares.sum() * image.grid.voxel_volume == pytest.approx(mask.count() * mask.grid.voxel_volume, rel=1e-5)
    np.testing.assert_allclose(shares, mask.array, atol=1e-4)
