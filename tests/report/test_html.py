"""The report as a whole: traceable, self-contained, safe, honest about what is missing."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import math
import re
from dataclasses import replace

import numpy as np
import pytest

from genoxel.core.errors import InputError, OutputError
from genoxel.core.results import Verdict, verdict_words
from genoxel.report import html
from genoxel.report.content import ReportContent, StudyFacts
from genoxel.report.export import csv_files
from genoxel.report.html import PAGES, render
from genoxel.report.tables.build import build
from report.example import HOSTILE, example, hostile
from report.page import Page


@pytest.fixture(scope="module")
def content() -> ReportContent:
    return example()


@pytest.fixture(scope="module")
def text(content) -> str:
    return render(content)


@pytest.fixture(scope="module")
def page(text) -> Page:
    return Page(text)


def rounded(kind: str, raw: str, lines: tuple[float, ...]) -> str:
    """The rounding rule, written a second time from its words."""
    if raw == "":
        return "–"
    value = float(raw)
    if kind == "count":
        return f"{value:,.0f}".replace("-", "−")
    if kind == "share":
        return f"{value * 100:.0f} %"
    if kind == "p":
        if value < 0.001:
            return "<0.001"
        return f"{value:.3f}" if value < 0.1 else f"{value:.2f}"
    if kind == "number":
        if value == 0:
            return "0"
        digits = 2 - math.floor(math.log10(abs(value)))
        plain = f"{round(value, digits):,.{max(digits, 0)}f}"
        return (plain.rstrip("0").rstrip(".") if "." in plain else plain).replace("-", "−")
    digits = 2
    while (
        any(round(value, digits) == round(line, digits) and abs(value - line) > 1e-9 for line in lines) and digits < 6
    ):
        digits += 1
    plain = f"{abs(value):.{digits}f}"
    sign = "−" if value < 0 and float(plain) else "+" if kind == "gain" and value > 0 else ""
    return sign + plain


def test_every_linked_number_equals_its_table_cell_and_the_exported_value(content, page):
    book, files = build(content), csv_files(content)
    tables = {name: list(csv.DictReader(io.StringIO(body))) for name, body in files.items()}
    assert len(page.links) > 120
    for href, cell, shown in page.links:
        key, row, name = cell.rsplit(":", 2)
        assert href.startswith(f"#t-{key}-r{row}-c")
        assert page.texts[href[1:]].strip() == shown
        field = book[key].fields[book[key].place(name)]
        raw = tables[f"{key}.csv"][int(row)][name]
        expected = raw if field.kind in ("text", "given") else rounded(field.kind, raw, field.lines)
        assert shown == expected, cell


def test_no_number_stands_loose_outside_tables(page):
    loose = [piece.strip() for piece in page.loose if re.search(r"\d", piece)]
    assert loose == []


def test_every_internal_link_has_its_target_and_no_id_occurs_twice(page):
    assert len(page.ids) == len(set(page.ids))
    targets = {
        given["href"][1:] for tag, given in page.tags if tag == "a" and (given.get("href") or "").startswith("#")
    }
    assert targets <= set(page.ids)


def test_nothing_is_fetched_and_only_our_script_may_run(text, page):
    for tag, given in page.tags:
        for name in ("src", "href", "xlink:href", "action", "srcset", "data"):
            address = given.get(name) or "#"
            assert address.startswith(("#", "data:image/png;base64,")), (tag, name, address[:60])
    assert "url(http" not in text
    assert "@import" not in text
    scripts = re.findall(r"<script>(.*?)</script>", text, flags=re.DOTALL)
    assert len(scripts) == 1
    seal = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{seal}'" in text
    assert "default-src 'none'" in text


def test_hostile_names_stay_text():
    text = render(hostile())
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    found = Page(text)
    assert sum(tag == "script" for tag, _ in found.tags) == 1
    assert not any(name.startswith("on") for _, given in found.tags for name in given)
    assert HOSTILE in "".join(found.texts["answer"])


def test_small_deterministic_and_marked_on_every_page(content, text):
    assert len(text.encode()) < html.LIMIT
    assert render(example.__wrapped__()) == text
    assert text.count('class="ribbon"') == len(PAGES) == 12
    assert 'class="edge sim"' in text
    assert text.count("Not for diagnosis or treatment.") >= 12
    real = render(replace(content, simulated=False, truth=()))
    assert 'class="ribbon"' not in real
    assert "SIMULATED" not in real


def test_pages_stand_in_the_planned_order(page):
    sections = [given["id"] for tag, given in page.tags if tag == "section"]
    assert sections == [key for key, _ in PAGES]
    assert "Not part of this study" in page.texts["outcome"]
    assert "Not part of this study" in page.texts["maps"]


def test_an_empty_study_says_on_each_page_what_was_not_done():
    found = Page(render(ReportContent(StudyFacts("Nothing yet"))))
    for key in ("answer", "who", "look", "measured", "genome", "associations", "prediction", "trust"):
        assert "Not done, because" in found.texts[key], key
    assert [piece for piece in found.loose if re.search(r"\d", piece)] == []


def test_page_one_answers(content, page):
    first = " ".join(page.texts["answer"].split())
    for result in content.targets:
        assert f"{result.target} " in first
        assert result.verdict.word in first
        assert result.verdict.next_step in first
    assert "smallest possible" in first
    assert "12 analyses of 4 targets" in first
    assert "The interval ends at" in first
    assert "Nothing was tested" in first


@pytest.mark.parametrize("word", ["trend", "promising", "significant", "proves", "borderline"])
def test_words_that_oversell_do_not_occur(word, page):
    assert word not in "".join(page.texts[key] for key, _ in PAGES).lower()


def test_a_verdict_outside_the_five_words_is_refused(content):
    odd = replace(content.targets[0], verdict=Verdict("IDH1", "significant", "", "", ""))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="inconclusive"):
        render(replace(content, targets=(odd,)))
    assert len(verdict_words()) == 5


def test_figures_are_described_and_tables_have_headers(text, page):
    drawn = [given for tag, given in page.tags if tag == "svg"]
    assert len(drawn) >= 15
    assert all(given.get("role") == "img" and len(given.get("aria-label") or "") > 15 for given in drawn)
    assert all(len(given.get("alt") or "") > 20 for tag, given in page.tags if tag == "img")
    for table in re.findall(r"<table.*?</table>", text, flags=re.DOTALL):
        assert '<th scope="col"' in table or '<th scope="row"' in table
    assert text.count("<figcaption>") == len(drawn)


def test_pictures_are_left_out_before_the_report_grows_too_large(content, monkeypatch):
    monkeypatch.setattr(html, "LIMIT", 1_200_000)
    text = render(content)
    assert len(text.encode()) < 1_200_000
    assert "picture in check/contours.html" in text
    assert text.index("SIM-018") < text.index("SIM-001"), "flagged contours come first"
    monkeypatch.setattr(html, "LIMIT", 1000)
    with pytest.raises(OutputError):
        render(content)


def test_long_tables_are_cut_and_say_so(content):
    text = render(content)
    rows = re.findall(r'id="t-pairs0-r(\d+)-c0"', text)
    assert len(rows) == 40
    assert "rows; all of them in <code>tables/pairs0.csv</code>" in text


def test_a_map_without_hits_says_what_it_excludes(content):
    screen = content.associations[0]
    pairs = {**screen.map.pairs, "q": np.ones(len(screen.map.pairs["q"]))}
    none = replace(content, associations=(replace(screen, map=replace(screen.map, pairs=pairs)),))
    words = " ".join(Page(render(none)).texts["negative"].split())
    assert "No pair survives among 552 tested" in words
    assert "Only links of 0.42 or more would be seen in four of five such studies" in words
