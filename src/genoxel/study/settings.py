"""Settings of the study itself: the sections [study], [cohort] and [report] of the study file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from genoxel.core.errors import SettingsError
from genoxel.core.settings import Settings
from genoxel.omics.settings import IntervalSettings

Texts = tuple[str, ...]

FIRST_READER = "clinical table"
"""Name of the reader whose gradings the clinical table holds, beside readers with a file each."""


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


class ReadersSettings(Settings):
    """[cohort.readers]: what several readers graded in the same patients; the report says how far they agree.

    `columns` maps a trait to columns of the clinical table, one per reader. Or `traits` names columns that the clinical
    table and each of `tables` (reader -> file, one row per patient) hold; or those of one `table` with a row per
    patient and reader, the reader in its column `reader`. `patient` is the id column of these files (left out: that of
    [cohort]). `ordered` gives the grades of a trait from low to high, so that near misses of two readers count as near.

    >>> ReadersSettings(columns={"margin": ["margin_A", "margin_B"]}).columns["margin"]
    ('margin_A', 'margin_B')
    """

    columns: dict[str, Texts] = Field(default_factory=dict)
    traits: Texts = ()
    tables: dict[str, str] = Field(default_factory=dict)
    table: str | None = None
    reader: str | None = None
    patient: str | None = None
    ordered: dict[str, Texts] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _readable(self) -> ReadersSettings:
        for trait, columns in self.columns.items():
            if len(set(columns)) < 2:
                raise SettingsError(f"{len(set(columns))} column of {trait!r}", "two readers or more", "name theirs")
        if bool(self.traits) != bool(self.tables or self.table):
            raise SettingsError("traits without files, or files without traits", "both", "name traits and tables")
        if (self.table is None) != (self.reader is None):
            raise SettingsError("a table without its column of readers", "table and reader", "name both")
        if self.table and self.tables:
            raise SettingsError("both table and tables", "one of them", "remove one")
        twice = [*set(self.columns).intersection(self.traits), *(who for who in self.tables if who == FIRST_READER)]
        if twice:
            raise SettingsError(f"{twice[0]!r} twice", "each trait and each reader once", "rename one")
        if not self.columns and not self.traits:
            raise SettingsError("readers without a trait", "columns, or traits", "name what they graded")
        unknown = [trait for trait in self.ordered if trait not in (*self.columns, *self.traits)]
        if unknown:
            legal = ", ".join((*self.columns, *self.traits))
            raise SettingsError(f"an order of {unknown[0]!r}", legal, "name a trait that readers graded")
        return self

    def files(self) -> dict[str, str]:
        """Return the key of each file named here -> its name."""
        named = {f"tables.{who}": name for who, name in self.tables.items()}
        return {**named, **({"table": self.table} if self.table else {})}


class CohortSettings(Settings):
    """[cohort]: who takes part. `table` has one row per patient; `patient` names its id column.

    `clinical` names the columns of the clinical comparator and of Table 1; every line of `include` and `exclude` is
    one box of the flow figure; `consent` names a column, and only who has one of the words `consented` in it takes part
    (an empty cell is no consent); `overrides` is a CSV with the columns patient, decision, reason. `sample` orders the
    TCGA sample types of which one speaks for a patient in the molecular files, as in ["01", "02"]. `readers` are those
    who graded the same patients.

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
    readers: ReadersSettings | None = None
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

    "tsv" and "parquet" write the table behind each figure of associations and readers.

    >>> FigureSettings(formats=["pdf"]).widths_mm
    (85.0, 175.0)
    """

    widths_mm: tuple[Annotated[float, Field(ge=40, le=400)], ...] = (85.0, 175.0)
    formats: tuple[Literal["svg", "pdf", "png", "tsv", "parquet"], ...] = ()

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
