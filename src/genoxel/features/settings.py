"""Settings of the room features: the section `[features]` of a study file."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from genoxel.core.errors import SettingsError, nearest
from genoxel.core.settings import Settings
from genoxel.image.settings import Discretise

Aggregation = Literal["2d_avg", "2d_slice_merged", "25d_direction_merged", "25d_merged", "3d_avg", "3d_merged"]


class FeatureSettings(Settings):
    """What is measured.

    `set = "ibsi1"`: the consensus features of IBSI 1. `families` limits them (empty: all). `aggregations` lists how
    texture matrices are pooled; the first is the primary one. Zone, distance and neighbourhood matrices know only the
    dimension of it (2d, 25d, 3d). `ivh` says how intensities are binned for the intensity-volume histogram: "auto"
    takes whole HU as they are and 1000 bins for everything else.

    >>> FeatureSettings(families=["glcm"]).aggregations
    ('3d_avg',)
    """

    set: Literal["ibsi1"] = "ibsi1"
    families: tuple[str, ...] = ()
    aggregations: tuple[Aggregation, ...] = ("3d_avg",)
    ivh: Discretise | Literal["auto", "none"] = "auto"
    min_voxels: int = Field(default=64, ge=1)

    @field_validator("families", mode="before")
    @classmethod
    def _known(cls, families: object) -> object:
        from genoxel.features.catalog import FAMILIES

        if families is None:
            return ()
        if isinstance(families, str):
            families = (families,)
        for name in families if isinstance(families, tuple | list) else ():
            if name not in FAMILIES:
                raise SettingsError(f"feature family {name!r}", ", ".join(FAMILIES), nearest(str(name), FAMILIES))
        return families
