"""Settings of the study itself: the sections [study], [cohort] and [report] of the study file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from genoxel.core.errors import SettingsError
from genoxel.core.settings import Settings
from genoxel.omics.settings import IntervalSettings

Texts = tuple[str, ...]


class StudySettings(Settings):
    """[study]: what the study is called, asks and may do; `seed` decides every random number.

    `ethics` and `data_use` (the terms under which the data may be used) go into the methods text.
    """

    name: str = ""
    question: str = ""
    design: str = ""
    ethics: str = ""
    data_use: str = ""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    simulated: bool = False


class CohortSettings(Settings):
    """[cohort]: who takes part. `table` has one row per patient; `patient` names its id column.

    `clinical` names the columns of the clinical comparator and of Table 1; every line of `include` and `exclude` is
    one box of the flow figure; `consent` names a column, and only who has one of the words `consented` in it takes part
    (an empty cell is no consent); `overrides` is a CSV with the columns patient, decision, reason. `sample` orders the
    TCGA sample types of which one speaks for a patient in the molecular files, as in ["01", "02"].

    >>> CohortSettings(table="clinical.xlsx", include=["age >= 18"]).include
    ('age >= 18',)
    """

    table: str | None = None
    sheet: str | None = None
    patient: str = "patient"
    sample: Texts = ()
    site: str | None = None
    clinical: Texts = ()
    include: Texts = ()
    exclude: Texts = ()
    interval: IntervalSettings | None = None
    overrides: str | None = None
    consent: str | None = None
    consented: Texts = ("yes", "y", "true", "1", "ja", "oui", "si", "sí")

    @field_validator("include", "exclude")
    @classmethod
    def _no_empty_line(cls, lines: Texts) -> Texts:
        if any(not line.strip() for line in lines):
            raise SettingsError("an empty rule", "a comparison such as age >= 18", "remove the empty line")
        return lines


class FigureSettings(Settings):
    """[report] figures: widths in mm and formats of the figure files in results/figures (no format: no files).

    >>> FigureSettings(formats=["pdf"]).widths_mm
    (85.0, 175.0)
    """

    widths_mm: tuple[Annotated[float, Field(ge=40, le=400)], ...] = (85.0, 175.0)
    formats: tuple[Literal["svg", "pdf", "png"], ...] = ()

    @field_validator("widths_mm")
    @classmethod
    def _some_width(cls, widths: tuple[float, ...]) -> tuple[float, ...]:
        if not widths:
            raise SettingsError("no width", "one or more widths in mm", "for example [85, 175]")
        return widths


class ReportSettings(Settings):
    """[report]: what the report shows beside the results: the self-checks, and figures as files for a paper.

    `export` writes results/export: "h5mu" everything for scverse (extra `omics`), "cbioportal" the features as a
    generic assay; Parquet and CSV are written always.
    """

    checklists: tuple[Literal["CLEAR", "METRICS", "TRIPOD+AI"], ...] = ("METRICS", "TRIPOD+AI")
    figures: FigureSettings = FigureSettings()
    export: tuple[Literal["h5mu", "cbioportal", "parquet"], ...] = ()
