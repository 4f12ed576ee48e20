"""Settings of the room features: the section `[features]` of a study file."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from genoxel.core.errors import SettingsError, nearest
from genoxel.core.settings import Settings
from genoxel.features._thresholds import Threshold, threshold_of
from genoxel.features._weighting import Weighting
from genoxel.image.settings import Discretise

Aggregation = Literal["2d_avg", "2d_slice_merged", "25d_direction_merged", "25d_merged", "3d_avg", "3d_merged"]


WEIGHTED = frozenset({"glcm", "glrlm", "ngtdm", "ngldm"})
"""Families of matrices that distance can weigh."""

_MERGED = frozenset({"2d_slice_merged", "25d_merged", "3d_merged"})


def _pair(text: str) -> tuple[str, str]:
    above, line, below = (part.strip() for part in text.partition("/"))
    if not (above and line and below) or "/" in below or above == below:
        raise SettingsError(f"the ratio {text!r}", "two regions parted by /", 'for example "necrosis/tumour"')
    return above, below


class FeatureSettings(Settings):
    """What is measured.

    `set = "ibsi1"`: the consensus features of IBSI 1; "extended" adds the others of the catalogue, each marked, and the
    families of PET where intensities are SUV. `families` limits them (empty: all); "pet" and "mtv" (volume and
    glycolysis at or above each of `suv_thresholds`) can be asked for by name. `aggregations` lists how
    texture matrices are pooled; the first is the primary one. Zone, distance and neighbourhood matrices know only the
    dimension of it (2d, 25d, 3d). `ivh` says how intensities are binned for the intensity-volume histogram: "auto"
    takes whole HU as they are and 1000 bins for everything else. `weighting` makes near neighbours count more than
    far ones in the families glcm, glrlm, ngtdm and ngldm: non-standard use, against which IBSI cautions.

    >>> FeatureSettings(families=["glcm"]).aggregations
    ('3d_avg',)
    """

    set: Literal["ibsi1", "extended"] = "ibsi1"
    families: tuple[str, ...] = ()
    aggregations: tuple[Aggregation, ...] = ("3d_avg",)
    ivh: Discretise | Literal["auto", "none"] = "auto"
    weighting: Weighting | None = None
    min_voxels: int = Field(default=64, ge=1)
    suv_thresholds: tuple[float | str, ...] = (2.5, 4.0, "41%", "50%")
    ratios: tuple[str, ...] = ()
    ratio_of: tuple[str, ...] = ("morph.volume_voxels",)

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The regions of `ratios`: what stands above and what below."""
        return tuple(_pair(text) for text in self.ratios)

    @field_validator("ratios")
    @classmethod
    def _pairs(cls, ratios: tuple[str, ...]) -> tuple[str, ...]:
        if len({_pair(text) for text in ratios}) < len(ratios):
            raise SettingsError(f"ratios = {list(ratios)}", "each ratio once", "drop one")
        return ratios

    @property
    def thresholds(self) -> tuple[Threshold, ...]:
        """What `suv_thresholds` say."""
        return tuple(threshold_of(given) for given in self.suv_thresholds)

    @field_validator("suv_thresholds")
    @classmethod
    def _distinct(cls, given: tuple[float | str, ...]) -> tuple[float | str, ...]:
        names = [threshold_of(one).name for one in given]
        if len(set(names)) < len(names):
            raise SettingsError(f"suv_thresholds = {list(given)}", "each threshold once", "drop one")
        return given

    @model_validator(mode="after")
    def _weights_what_is_merged(self) -> FeatureSettings:
        if self.weighting is None:
            return self
        measured = set(self.families or WEIGHTED)
        if not measured & WEIGHTED:
            raise SettingsError(
                "weighting without a family that it applies to", ", ".join(sorted(WEIGHTED)), "add one, or remove it"
            )
        if measured & {"glcm", "glrlm"} and not set(self.aggregations) & _MERGED:
            raise SettingsError(
                f"weighting with the aggregations {', '.join(self.aggregations)}, which never merge directions",
                ", ".join(sorted(_MERGED)),
                "add one of these: a weight has no effect on one direction alone",
            )
        return self

    @field_validator("families", mode="before")
    @classmethod
    def _known(cls, families: object) -> object:
        from genoxel.features.catalog import EVERY_FAMILY

        if families is None:
            return ()
        if isinstance(families, str):
            families = (families,)
        for name in families if isinstance(families, tuple | list) else ():
            if name not in EVERY_FAMILY:
                raise SettingsError(
                    f"feature family {name!r}", ", ".join(EVERY_FAMILY), nearest(str(name), EVERY_FAMILY)
                )
        return families
