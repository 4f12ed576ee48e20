"""The report as a whole."""

from __future__ import annotations

from genoxel.report.content import ReportContent, StudyFacts
from genoxel.report.html import render
from report.example import example


def test_an_empty_study_says_what_was_not_done():
    text = render(ReportContent(StudyFacts("Nothing yet")))
    assert "Not done, because" in text


def test_the_example_is_small_and_marked_simulated_on_every_page():
    text = render(example())
    assert len(text.encode()) < 5_000_000
    assert text.count('class="ribbon"') == 12
