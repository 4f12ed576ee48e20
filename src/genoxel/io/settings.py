"""Settings of the reading room: where images and ready-made features lie, and which series is meant."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, model_validator

from genoxel.core.settings import Settings


class ImagesSettings(Settings):
    """[io.images]: the folder of images, which modalities count, and rules when several series fit.

    `choose` holds rules such as "slice_mm <= 3"; the first rule that leaves one series decides. `features` is a
    ready-made feature table, or one per modality, used instead of images.

    >>> ImagesSettings(folder="dicom", modality="CT").wanted
    ('CT',)
    """

    folder: Path | None = Field(
        None, description="folder with DICOM, NIfTI or NRRD files, searched with its subfolders"
    )
    modality: str | None = Field(None, description="the one modality that is measured, for example CT")
    modalities: tuple[str, ...] = Field((), description="several modalities, for example T1, T1CE, T2, FLAIR")
    choose: tuple[str, ...] = Field(
        (), description="rules for several fitting series; the first that leaves one decides"
    )
    features: Path | dict[str, Path] | None = Field(None, description="ready-made feature table(s), instead of images")

    @model_validator(mode="after")
    def _one_way(self) -> ImagesSettings:
        if self.modality and self.modalities:
            raise ValueError("modality and modalities exclude each other: write one modality, or a list of modalities")
        if self.folder is None and self.features is None:
            raise ValueError("nothing to read: give a folder of images, or features (a ready-made table)")
        return self

    @property
    def wanted(self) -> tuple[str, ...]:
        """The modalities asked for (empty: whatever is there)."""
        return (self.modality,) if self.modality else self.modalities
