"""The step `report`: one HTML file, the tables it cites, the contours page, the methods text, figures for a paper."""

from __future__ import annotations

from genoxel.io.files import atomic_write
from genoxel.io.spreadsheet import write_rows
from genoxel.report.contact import contact_page
from genoxel.report.content import ReportContent
from genoxel.report.html import render
from genoxel.report.map import association_page
from genoxel.report.methods import methods_text, references_bib
from genoxel.report.paper import paper_figures
from genoxel.report.tables.build import build
from genoxel.study.settings import ReportSettings
from genoxel.study.steps.output import Sink, plain_cell

SIMULATED = """SIMULATED DATA
No patient stands behind any number, table or picture in this folder: the cohort was simulated.
What is found in it is evidence about the method, never about patients.
"""


def write_report(content: ReportContent, sink: Sink, settings: ReportSettings) -> None:
    """Write the report and what it cites: its tables, the contours page, methods, references, and figure files."""
    for sheet in build(content).values():
        rows = [[plain_cell(cell) for cell in row] for row in sheet.rows]
        write_rows([field.name for field in sheet.fields], rows, sink(f"tables/{sheet.key}.csv"))
    if content.simulated:
        for place in ("SIMULATED.txt", "tables/SIMULATED.txt"):
            atomic_write(sink(place), SIMULATED)
    atomic_write(sink("methods.md"), methods_text(content) + "\n")
    atomic_write(sink("references.bib"), references_bib())
    if content.cards:
        page = contact_page(content.cards, f"Contours: {content.study.name}", content.simulated)
        atomic_write(sink("contours.html"), page)
    for name, data in paper_figures(content, settings.figures.widths_mm, settings.figures.formats):
        atomic_write(sink(f"figures/{name}"), data)
    if content.associations:
        page = association_page(content.associations, content.study.name, content.simulated)
        atomic_write(sink("association_map.html"), page)
    atomic_write(sink("report.html"), render(content))
