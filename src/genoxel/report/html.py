"""The one self-contained HTML report: twelve pages, no fetch, every number linked to its table cell."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from markupsafe import Markup

from genoxel.core.errors import OutputError
from genoxel.report import meaning_words, wording
from genoxel.report.checklists import checklists, unmet
from genoxel.report.cite import Cite, given
from genoxel.report.contact import contact_sheet
from genoxel.report.content import ReportContent
from genoxel.report.drawings import Drawing, draw
from genoxel.report.measured_words import in_words
from genoxel.report.methods import methods_text, references_bib
from genoxel.report.tables.build import build
from genoxel.report.tables.sheet import ROUNDING, Sheet
from genoxel.report.templates import asset, environment

LIMIT = 5_000_000
"""A report is smaller than this many bytes."""

PICTURES = 2_500_000
"""Bytes that the pictures of the contact sheet may take; the rest stands in check/contours.html."""

PAGES = (
    ("answer", "Answer"),
    ("who", "Who"),
    ("look", "Look"),
    ("measured", "Measured"),
    ("genome", "Genome"),
    ("associations", "Association map"),
    ("prediction", "Prediction"),
    ("outcome", "Outcome"),
    ("maps", "Maps"),
    ("trust", "Trust"),
    ("negative", "Not found, not done"),
    ("methods", "Methods and record"),
)


def render(content: ReportContent) -> str:
    """Return the report of `content` as one HTML text of less than 5 MB that fetches nothing.

    Same content and versions, same bytes. Raises `OutputError` when even without pictures it would be too large.
    """
    drawings = draw(content)
    for pictures in (PICTURES, PICTURES // 3, 0):
        text = _render(content, drawings, pictures)
        if len(text.encode()) < LIMIT:
            return text
    raise OutputError("a report of more than 5 MB", "less than 5 MB", "split the study, or report fewer targets")


def _render(content: ReportContent, drawings: dict[str, list[Drawing]], pictures: int) -> str:
    cite = Cite(build(content))
    template = environment().get_template("report.html.j2")
    names = _names(content, cite, drawings, pictures)
    template.render(names)  # the first pass tells how deep into each table the sentences point
    return template.render(names) + "\n"


def _names(content: ReportContent, cite: Cite, drawings: dict[str, list[Drawing]], pictures: int) -> dict[str, Any]:
    style, script = asset("style.css"), asset("script.js")
    seal = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    lists = checklists(content)
    methods = methods_text(content)
    return {
        "c": content,
        "book": cite.book,
        "n": cite,
        "say": wording,
        "mean": meaning_words,
        "given": given,
        "drawings": drawings,
        "pages": PAGES,
        "style": Markup(style),  # noqa: S704 (our own file)
        "script": Markup(script),  # noqa: S704 (our own file)
        "script_hash": seal,
        "contacts": Markup(contact_sheet(content.cards, pictures)) if content.cards else "",  # noqa: S704 (escaped by its template)
        "checklists": lists,
        "unmet": unmet(lists),
        "notes": shared_notes(content),
        "intervals": interval_words(content),
        "cautions": cautions(content),
        "methods": methods,
        "bibliography": references_bib(methods),
        "rounding": ROUNDING,
        "in_words": in_words(content),
        "file_of": _file_of,
    }


def shared_notes(content: ReportContent) -> dict[str, list[str]]:
    """Return each note on a target or its primary model once, with the targets it concerns."""
    found: dict[str, list[str]] = {}
    for result in content.targets:
        own = result.notes + (result.primary.notes if result.primary else ())
        for note in dict.fromkeys(own):
            found.setdefault(note, []).append(result.target)
    return found


def interval_words(content: ReportContent) -> dict[str, list[str]]:
    """Return what the intervals are about, how they are made and how often they cover, with the targets it concerns."""
    found: dict[str, list[str]] = {}
    for result in content.targets:
        if result.primary is not None:
            one = result.primary.interval
            parts = [one.method, one.target and f"about {one.target}", one.coverage and f"coverage: {one.coverage}"]
            words = "; ".join(part.rstrip(".") for part in parts if part) or "how it was made is not stated"
            found.setdefault(words, []).append(result.target)
    return found


def _file_of(sheet: Sheet) -> str:
    """Return the file that holds every row of a table."""
    cut = (sheet.total or 0) > len(sheet.rows)
    return sheet.whole if cut and sheet.whole else f"tables/{sheet.key}.csv"


def cautions(content: ReportContent) -> dict[str, list[str]]:
    """Return each caution once, with the maps it concerns; none are named where it concerns all."""
    found: dict[str, list[str]] = {}
    for screen in content.associations:
        for words in screen.map.settings.get("cautions", ()):
            found.setdefault(words, []).append(screen.name)
    return {words: names if len(names) < len(content.associations) else [] for words, names in found.items()}
