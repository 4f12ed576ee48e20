"""Which figures stand on which page, with caption and text for those who cannot see them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup

from genoxel.report.cite import Cite
from genoxel.report.content import ReportContent


@dataclass(frozen=True)
class Drawing:
    """One figure of the report: its SVG, its caption (given the book to cite from) and its table."""

    key: str
    svg: Markup
    caption: Callable[[Cite], Markup]
    source: str = ""
    part: str = ""
    wide: bool = False


def draw(content: ReportContent) -> dict[str, list[Drawing]]:
    """Return the figures of each page."""
    return {}
