"""Figures draw what they are given, take an Axes, and become the same small SVG each time."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from genoxel.core.flow import Flow
from genoxel.core.results import AssociationMap
from genoxel.core.table import Column, Table
from genoxel.report import figures
from genoxel.report.content import Genome
from genoxel.report.drawings import draw
from genoxel.report.figures.style import off_screen, shorten, to_svg
from report.example import N, example, features, picture, targets

mpl.use("Agg")


@pytest.fixture(scope="module")
def content():
    return example()


@pytest.fixture
def ax():
    return Figure(figsize=(4, 3)).add_subplot()


def words(axes) -> str:
    return " ".join(text.get_text() for text in axes.findobj(mpl.text.Text))


def test_forest_shows_every_model_and_both_lines(content, ax):
    assert figures.forest(content.targets, ax=ax) is ax
    seen = words(ax)
    for result in content.targets[:3]:
        assert result.target in seen
        assert result.verdict.word in seen
        for step in result.ladder:
            assert str(step.interval).replace(" (no interval)", "") in seen
    dashed = [line for line in ax.lines if line.get_xdata()[0] == line.get_xdata()[-1] == 0.70]
    assert len(dashed) == 3


def test_the_dots_of_the_ladder_are_the_repeats(content, ax):
    figures.ladder(content.targets[0], ax=ax)
    dots = [line for line in ax.lines if line.get_marker() == "."]
    assert len(dots) == 4
    assert np.mean(dots[0].get_xdata()) == pytest.approx(content.targets[0].ladder[0].interval.estimate)


def test_the_area_under_the_drawn_curve_is_the_printed_auc(content, ax):
    primary = content.targets[0].ladder[0]
    figures.roc_curve(primary, ax=ax)
    curve = ax.lines[-1]
    area = np.trapezoid(curve.get_ydata(), curve.get_xdata())
    assert area == pytest.approx(primary.interval.estimate, abs=0.01)


def test_permutations_and_calibration(content, ax):
    figures.permutation_histogram(content.targets[0], ax=ax)
    assert sum(patch.get_height() for patch in ax.patches) == 99
    other = Figure().add_subplot()
    figures.calibration_plot(content.targets[0].ladder[0], ax=other)
    assert "Observed share" in words(other)
    bare = replace(content.targets[0].ladder[0], predictions={})
    third = Figure().add_subplot()
    figures.calibration_plot(bare, ax=third)
    assert "not probabilities" in words(third)
    figures.roc_curve(bare, ax=Figure().add_subplot())
    figures.ladder(replace(content.targets[0], ladder=(bare,)), ax=Figure().add_subplot())


def test_the_heat_map_marks_hits_and_what_was_not_tested(content, ax):
    found = content.associations[0].map
    pairs = {name: np.array(values) for name, values in found.pairs.items()}
    pairs["effect"][0] = pairs["p"][0] = pairs["q"][0] = np.nan
    figures.heatmap(replace(found, pairs=pairs), ax=ax)
    dots, crosses = ax.lines
    assert len(dots.get_xdata()) == int(np.sum(pairs["q"] <= 0.05))
    assert len(crosses.get_xdata()) == 1
    adjusted = Figure().add_subplot()
    figures.heatmap(found, adjusted=True, most=2, ax=adjusted)
    assert adjusted.images[0].get_array().shape == (2, 2)


def test_the_volcano_names_each_partner_once_and_stays_small(content, ax):
    found = content.associations[0].map
    figures.volcano(found, ax=ax)
    names = [text.get_text() for text in ax.texts]
    assert sorted(names) == ["GENE1", "GENE2"]
    many = np.random.default_rng(0)
    n = 20_000
    pairs = {
        "image": np.full(n, "a", object),
        "other": np.array([f"g{place}" for place in range(n)], object),
        "effect": many.normal(size=n) / 5,
        "effect_name": np.full(n, "rho", object),
        "p": many.random(n),
        "q": np.ones(n),
    }
    columns = tuple(Column(f"g{place}") for place in range(n))
    big = AssociationMap((Column("a"),), columns, pairs, np.array([], np.int64), 0.05)
    with off_screen():
        svg = to_svg(figures.volcano(big).figure, "big", "many pairs")
    assert len(svg) < 150_000


def test_null_worlds(content, ax):
    figures.null_histogram(content.associations[0].map, ax=ax)
    assert sum(patch.get_height() for patch in ax.patches) == 99
    assert "this study 7" in words(ax)


def test_a_pair_of_numbers_is_a_scatter_and_of_classes_a_box(content, ax):
    screen = content.associations[0]
    figures.pair(screen.image, screen.other, screen.image.names[0], "GENE1", ax=ax)
    assert len(ax.lines[0].get_xdata()) == N
    codes = np.arange(N) % 2.0
    codes[3] = np.nan
    status = Table(codes[:, None], screen.image.rows, (Column("IDH", "binary"),), kind="mutations")
    other = Figure().add_subplot()
    figures.pair(screen.image, status, screen.image.names[0], "IDH", ax=other)
    assert f"n = {N // 2 - 1}" in words(other)


def test_the_flow_shows_numbers_and_reasons(content, ax):
    figures.flow_diagram(content.flow, ax=ax)
    seen = words(ax)
    assert "n = 80" in seen
    assert "n = 72" in seen
    assert "2 × no MR series" in seen
    many = Flow.start("all", [f"P{place}" for place in range(9)])
    other = Figure().add_subplot()
    figures.flow_diagram(many.drop("read", {f"P{place}": f"reason {place}" for place in range(8)}), ax=other)
    assert "and 2 more reasons" in words(other)


def test_volume_bars_count_those_that_follow(ax):
    table = features()
    figures.volume_bars(table, "T1CE.tumour.none.morph.volume_mesh", ax=ax)
    assert "1 of 2" in words(ax)
    empty = Table(np.full((9, 2), np.nan), tuple("ABCDEFGHI"), (Column("v"), Column("x")))
    figures.volume_bars(empty, "v", ax=Figure().add_subplot())


def test_unknown_is_hatched_and_never_wild_type(content, ax):
    figures.oncoprint(content.genome, ax=ax)
    hatched = [one for one in ax.collections if one.get_hatch()]
    cells = sum(len(one.get_paths()) for one in hatched)
    assert cells == 6 + 4
    assert "not profiled: unknown" in " ".join(text.get_text() for text in ax.get_legend().get_texts())


def test_a_large_oncoprint_is_merged(ax):
    names = tuple(f"P{place}" for place in range(600))
    status = {"A": dict(zip(names, ["mutant"] * 200 + ["wild type"] * 300 + [None] * 100, strict=True)), "B": {}}
    figures.oncoprint(Genome(names, status, {"size": dict.fromkeys(names, 3.0), "none": {}}), ax=ax)
    assert sum(len(one.get_paths()) for one in ax.collections) == 5  # the track without values is hatched as well
    assert "none known" in words(ax)


def test_the_overlay_shows_image_and_outline(ax):
    figures.contact_overlay(*picture(1), ax=ax)
    assert ax.images
    assert ax.collections


def test_new_axes_when_none_are_given():
    import matplotlib.pyplot as plt

    axes = figures.roc_curve(targets()[1][0].ladder[0])
    assert plt.get_fignums()
    plt.close(axes.figure)
    with off_screen():
        figures.roc_curve(targets()[1][0].ladder[0])
    assert not plt.get_fignums()
    with pytest.raises(AttributeError):
        figures.pie  # noqa: B018


def test_svg_is_the_same_each_time_and_well_formed(content):
    drawings = [one for part in draw(content).values() for one in part]
    again = [one for part in draw(example.__wrapped__()).values() for one in part]
    assert [one.svg for one in drawings] == [one.svg for one in again]
    assert len({one.key for one in drawings}) == len(drawings)
    for one in drawings:
        tree = ET.fromstring(str(one.svg))
        assert tree.get("role") == "img"
        assert "DejaVu" not in one.svg
        assert len(one.svg) < 250_000


def test_names_with_markup_or_mathematics_are_plain_text(ax):
    ax.set_title("<b>$x$ & y")
    svg = to_svg(ax.figure, "k", '"><script>')
    assert "<script" not in svg
    assert "<b>" not in svg
    assert "$" in svg or "x" in svg


def test_long_names_are_cut_in_the_middle():
    assert len(shorten("x" * 90, 20)) == 20
    assert shorten("short") == "short"


def test_parts_that_cannot_be_drawn_are_left_out(content):
    screen = content.associations[0]
    blind = replace(content, associations=(replace(screen, image=None, other=None),), volume="", flow=None)
    found = draw(blind)
    assert not any("pair0-" in one.key or one.key.endswith("pair0") for one in found["associations"])
    assert found["measured"] == found["who"] == []
    empty = AssociationMap((), (), {name: np.array([]) for name in screen.map.pairs}, np.array([], np.int64), 0.05)
    assert draw(replace(content, associations=(replace(screen, map=empty),)))["associations"] == []
    assert draw(replace(content, targets=()))["answer"] == []
    assert draw(replace(content, genome=None))["genome"] == []


def test_pairs_that_repeat_each_other_are_drawn_once(content):
    keys = [one.key for one in draw(content)["associations"] if "-pair" in one.key]
    screen = content.associations[0]
    twin = replace(screen.image.columns[5], name="T1CE.tumour.none.stat.twin")
    image = Table(
        np.hstack([screen.image.values, screen.image.values[:, 5:6]]), screen.image.rows, (*screen.image.columns, twin)
    )
    pairs = {name: np.concatenate([values, values[-1:]]) for name, values in screen.map.pairs.items()}
    best = int(np.argmin(screen.map.pairs["p"]))
    for name, values in pairs.items():
        values[-1] = values[best] if name != "image" else twin.name
    found = replace(screen.map, pairs=pairs, image_columns=image.columns)
    doubled = replace(content, associations=(replace(screen, map=found, image=image),))
    captions = [str(one.svg) for one in draw(doubled)["associations"] if "-pair" in one.key]
    assert len(keys) == len(captions)
    assert sum("stat.skewness" in one or "stat.twin" in one for one in captions if "GENE1" in one) == 1
