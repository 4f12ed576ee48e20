"""Figures as files for a paper."""

from __future__ import annotations

import io
import re
import struct
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from genoxel.report.content import ReportContent, StudyFacts
from genoxel.report.paper import paper_figures
from report.example import example


def small() -> ReportContent:
    """The example with one target and one screen."""
    whole = example()
    return replace(whole, targets=whole.targets[:1], associations=whole.associations[:1])


def test_widths_and_formats_are_those_asked_for_and_bytes_repeat() -> None:
    content = small()
    found = dict(paper_figures(content, [85], ["svg", "pdf", "png"]))
    again = dict(paper_figures(content, [85], ["svg", "pdf"]))
    assert {name: data for name, data in found.items() if not name.endswith("png")} == again
    kinds = {name.split("_")[0] for name in found}
    assert {"forest", "flow", "heatmap", "volcano", "ladder", "roc", "permutations"} <= kinds
    roc = next(name for name in found if name.startswith("roc_") and name.endswith("_85mm.svg"))
    points = float(re.search(rb'width="([\d.]+)pt"', found[roc])[1])
    assert points == pytest.approx(85 / 25.4 * 72, abs=0.5)
    pixels, _ = struct.unpack(">II", found[roc.replace(".svg", ".png")][16:24])
    assert pixels == pytest.approx(85 / 25.4 * 300, abs=1)
    assert found[roc.replace(".svg", ".pdf")].startswith(b"%PDF")
    assert not any(re.search(rb"\d{4}-\d\d-\d\dT", data) for name, data in found.items() if name.endswith("svg"))


def test_every_figure_of_associations_comes_with_its_table() -> None:
    content = replace(example(), targets=(), features=None, genome=None, flow=None)
    found = dict(paper_figures(content, [175], ["svg", "tsv", "parquet"]))
    assert dict(paper_figures(content, [85, 175], ["tsv", "parquet"])) == {
        name: data for name, data in found.items() if not name.endswith(".svg")
    }
    drawn = {name.removesuffix(".svg").rsplit("_", 1)[0] for name in found if name.endswith(".svg")}
    kinds = {name.split("_")[0] for name in drawn}
    assert {"heatmap", "volcano", "worlds", "pair"} <= kinds
    screen = content.associations[0]
    assert any(name.endswith("_adjusted") for name in drawn)
    for name in drawn:
        lines = pd.read_csv(io.BytesIO(found[f"{name}.tsv"]), sep="\t")
        table = pd.read_parquet(io.BytesIO(found[f"{name}.parquet"]))
        assert len(lines) == len(table) > 0, name
        assert list(lines.columns) == list(table.columns)
    name = f"volcano_{screen.name.replace(' ', '-')}.parquet"
    volcano = pd.read_parquet(io.BytesIO(found[name]))
    assert len(volcano) == np.isfinite(screen.map.pairs["p"]).sum()


def test_a_width_too_narrow_for_its_labels_is_left_out_but_no_figure_is() -> None:
    content = replace(small(), genome=None, features=None)
    one = {name for name, _ in paper_figures(content, [40], ["svg"])}
    two = {name for name, _ in paper_figures(content, [40, 175], ["svg"])}
    assert {name for name in two if "forest" in name} == {"forest_175mm.svg"}
    assert not any("40mm" in name for name in one if name.startswith(("forest", "ladder", "flow")))
    assert {name.rsplit("_", 1)[0] for name in one} == {name.rsplit("_", 1)[0] for name in two}


def test_names_of_targets_and_screens_are_safe_as_file_names() -> None:
    odd = replace(example().associations[0], name="a b/c: ä")
    content = ReportContent(StudyFacts("x"), associations=(odd,))
    names = [name for name, _ in paper_figures(content, [175], ["svg"])]
    assert "heatmap_a-b-c-_175mm.svg" in names


def test_nothing_asked_for_or_nothing_to_draw_gives_no_files() -> None:
    assert list(paper_figures(example(), [85], [])) == []
    assert list(paper_figures(ReportContent(StudyFacts("x")), [85], ["svg"])) == []
