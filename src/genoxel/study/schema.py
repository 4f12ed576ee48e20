"""The study file: one small settings model per room, composed here and nowhere else."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, field_validator

from genoxel.associate.settings import AssociateSettings
from genoxel.core.errors import SettingsError
from genoxel.core.settings import Settings
from genoxel.features.settings import FeatureSettings
from genoxel.image.settings import ImageSettings
from genoxel.io.settings import ImagesSettings
from genoxel.learn.settings import LearnSettings
from genoxel.omics.settings import OmicsSettings, TargetSettings
from genoxel.segment.settings import ContourSettings
from genoxel.study.problems import Problem
from genoxel.study.settings import CohortSettings, ReportSettings, StudySettings
from genoxel.study.toml import parse_rest, parse_toml


class IoSettings(Settings):
    """[io]: where things are read from."""

    images: ImagesSettings | None = None


class StudyFile(Settings):
    """Everything a study file can say; a section that is left out has its defaults, or is not done.

    >>> StudyFile.model_validate({"study": {"name": "EGFR from CT"}}).study.name
    'EGFR from CT'
    """

    model_config = ConfigDict(populate_by_name=True)

    study: StudySettings = StudySettings()
    cohort: CohortSettings = CohortSettings()
    targets: Annotated[dict[str, TargetSettings], Field(alias="target", default_factory=dict)]
    io: IoSettings = IoSettings()
    segment: ContourSettings = ContourSettings()
    image: ImageSettings = ImageSettings()
    features: FeatureSettings = FeatureSettings()
    omics: OmicsSettings = OmicsSettings()
    associate: AssociateSettings | None = None
    learn: LearnSettings | None = None
    report: ReportSettings = ReportSettings()

    @field_validator("targets")
    @classmethod
    def _plain_names(cls, targets: dict[str, TargetSettings]) -> dict[str, TargetSettings]:
        for name in targets:
            if not name.strip() or any(sign in name for sign in "/\\:\n"):
                raise SettingsError(f"a target called {name!r}", "letters, digits, '-', '_'", "rename it")
        return targets


def parse_study(text: str) -> tuple[StudyFile | None, list[Problem]]:
    """Return (the study file in `text`, []) or (None, all problems of keys and values)."""
    return parse_toml(text, StudyFile)


def parse_lawful(text: str) -> tuple[StudyFile | None, list[Problem]]:
    """Return (what is legal in `text`, all problems), so that `check` can look at the data as well."""
    return parse_rest(text, StudyFile)
