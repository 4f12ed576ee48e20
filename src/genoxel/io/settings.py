"""Settings of the reading room: where images and ready-made features lie, how they are read, which series is meant."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from genoxel.core.settings import Settings

SuvKind = Literal["bw", "lbm", "lbm_james", "bsa"]
Fault = Literal["tilt", "steps", "shear"]


FETCHED = Path("fetched")
"""Folder of collections that a study brings, beside its study file."""


class ReadingSettings(Settings):
    """How image files are turned into volumes where the file leaves a choice.

    `suv` is what PET counts are standardised by: body weight (bw), lean body mass by the formula of Janmahasatian (lbm)
    or of James (lbm_james), body surface (bsa). `resample` names faults of the lattice that are resampled (linear) to
    perpendicular, even voxels instead of being refused: a tilted gantry, uneven slice steps, sheared NIfTI and NRRD.
    `believe` says which orientation of a NIfTI file counts where its two differ.
    """

    suv: SuvKind = Field("bw", description="PET: standardised by bw, lbm (Janmahasatian), lbm_james or bsa")
    resample: tuple[Fault, ...] = Field(
        (), description="faults that are resampled instead of refused: tilt, steps (uneven), shear"
    )
    believe: Literal["sform", "qform"] | None = Field(
        None, description="NIfTI whose sform and qform place voxels apart: which of the two is believed"
    )


class FetchSettings(Settings):
    """fetch under [io.images]: a collection of the Imaging Data Commons that is brought when the study runs.

    `masks` is "list" (the published segmentations are listed and none is taken), "all", or the name of one of them.

    >>> FetchSettings.model_validate({"collection": "tcga_kirc", "masks": "rcc_aid"}).folder.as_posix()
    'fetched/tcga_kirc'
    """

    model_config = ConfigDict(populate_by_name=True)

    collection: str = Field(description="collection as the Imaging Data Commons writes it, for example tcga_kirc")
    kinds: tuple[Literal["images", "masks"], ...] = Field(
        ("images", "masks"), alias="with", description="what to bring"
    )
    masks: str = Field("list", description='"list", "all", or the name of one published set of segmentations')
    patients: int = Field(0, ge=0, description="the first so many patients by name; 0 brings all")

    @field_validator("collection")
    @classmethod
    def _plain(cls, name: str) -> str:
        if not re.fullmatch(r"[a-z0-9_]+", name):
            raise ValueError("a collection is written in small letters, digits and _, for example tcga_gbm")
        return name

    @model_validator(mode="after")
    def _agrees(self) -> FetchSettings:
        if not self.kinds:
            raise ValueError('nothing to bring: with = ["images"], ["masks"], or both')
        if self.masks != "list" and "masks" not in self.kinds:
            raise ValueError(f'masks = "{self.masks}" without masks: add "masks" to with, or remove it')
        return self

    @property
    def folder(self) -> Path:
        """Where the files go, from the folder of the study file."""
        return FETCHED / self.collection


class ImagesSettings(ReadingSettings):
    """[io.images]: the folder of images, which modalities count, and rules when several series fit.

    `choose` holds rules such as "slice_mm <= 3"; the first rule that leaves one series decides. `features` is a
    ready-made feature table, or one per modality, used instead of images; `skip` names its columns that are none.

    >>> ImagesSettings(folder="dicom", modality="CT").wanted
    ('CT',)
    """

    folder: Path | None = Field(
        None, description="folder with DICOM, NIfTI, NRRD or MetaImage files, searched with its subfolders"
    )
    modality: str | None = Field(None, description="the one modality that is measured, for example CT")
    modalities: tuple[str, ...] = Field((), description="several modalities, for example T1, T1CE, T2, FLAIR")
    choose: tuple[str, ...] = Field(
        (), description="rules for several fitting series; the first that leaves one decides"
    )
    features: Path | dict[str, Path] | None = Field(None, description="ready-made feature table(s), instead of images")
    skip: tuple[str, ...] = Field((), description="columns of the ready-made table(s) that are no features")
    fetch: FetchSettings | None = Field(None, description="a public collection that is brought, instead of a folder")

    @model_validator(mode="before")
    @classmethod
    def _fetched_folder(cls, given: object) -> object:
        """Put the folder of a collection that is fetched where the folder stands."""
        if not isinstance(given, dict) or given.get("fetch") is None:
            return given
        fetch = given["fetch"]
        name = fetch.get("collection", "") if isinstance(fetch, dict) else getattr(fetch, "collection", "")
        own = FETCHED / str(name)
        if given.get("features") is not None or Path(given.get("folder") or own) != own:
            raise ValueError("fetch, folder and features exclude each other: keep one")
        return {**given, "folder": own}

    @model_validator(mode="after")
    def _one_way(self) -> ImagesSettings:
        if self.modality and self.modalities:
            raise ValueError("modality and modalities exclude each other: write one modality, or a list of modalities")
        if self.skip and self.features is None:
            raise ValueError("skip names columns of a ready-made table: give features = ..., or remove it")
        if self.folder is None and self.features is None:
            raise ValueError("nothing to read: give a folder of images, features (a ready-made table), or fetch")
        return self

    @property
    def wanted(self) -> tuple[str, ...]:
        """The modalities asked for (empty: whatever is there)."""
        return (self.modality,) if self.modality else self.modalities

    @property
    def reading(self) -> ReadingSettings:
        """How files are read, apart from where they lie."""
        return ReadingSettings(suv=self.suv, resample=self.resample, believe=self.believe)
