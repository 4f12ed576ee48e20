"""All tables of a report, in the order of its pages."""

from __future__ import annotations

from genoxel.report.content import ReportContent
from genoxel.report.tables import cohort, meaning, measured, prediction, readers, record
from genoxel.report.tables.sheet import Book


def build(content: ReportContent) -> Book:
    """Return every table of the report of `content`; parts that are missing give tables without rows."""
    return Book(
        [sheet for room in (cohort, measured, readers, meaning, prediction, record) for sheet in room.sheets(content)]
    )
