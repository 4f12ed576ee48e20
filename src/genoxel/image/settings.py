"""Settings of the room image: the section `[image]` of a study file."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from genoxel.core.errors import SettingsError
from genoxel.core.settings import Settings

Interpolation = Literal["nearest", "linear", "cubic"]
MAX_BINS = 1024
"""More grey levels than this are refused: texture of so many levels counts noise, and memory would have no bound."""


class Discretise(Settings):
    """Grey levels of fixed width from a stated anchor (`bin_size`, `anchor`), or a fixed number of them (`bins`).

    >>> Discretise(bin_size=25, anchor=-1000).describe()
    'fixed bin size 25 from -1000'
    """

    bin_size: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    anchor: float | None = Field(default=None, allow_inf_nan=False)
    bins: int | None = Field(default=None, ge=2, le=MAX_BINS)

    @model_validator(mode="after")
    def _one_of_two(self) -> Discretise:
        if (self.bin_size is None) == (self.bins is None):
            raise SettingsError("discretise", "either bin_size or bins", "for example { bins = 32 }")
        if self.bins is not None and self.anchor is not None:
            raise SettingsError("bins with an anchor", "an anchor only with bin_size", "drop one of them")
        return self

    def describe(self) -> str:
        """Return the rule in words."""
        if self.bins is not None:
            return f"fixed bin number {self.bins}"
        return (
            f"fixed bin size {self.bin_size:g} from {'the lower bound' if self.anchor is None else f'{self.anchor:g}'}"
        )


class Normalise(Settings):
    """Intensities to z-scores, with mean and deviation taken within the whole image, the body, the brain or the ROI."""

    method: Literal["zscore"] = "zscore"
    within: Literal["image", "body", "brain", "roi"] = "body"


class ImageSettings(Settings):
    """How images are prepared before they are measured.

    `resample_mm`: voxel size along i, j, k; 0 keeps an axis; two sizes resample in the slice only. `range_hu` and
    `range` re-segment (keep voxels of the region within these intensities, ends included); `range_hu` speaks of images
    in HU alone. `outliers_sigma` leaves out voxels beyond so many deviations from the region's mean, after the range.
    `unit` states the unit of intensities where files do not say it ("SUV", "HU").
    `discretise = "none"` takes whole-number intensities from 1 as levels. `override` changes single keys per modality.

    >>> ImageSettings(range_hu=(-1000, 400), override={"PET": {"discretise": {"bin_size": 0.5, "anchor": 0}}}
    ...     ).for_modality("PET").discretise
    Discretise(bin_size=0.5, anchor=0.0, bins=None)
    """

    modalities: tuple[str, ...] = ()
    unit: str = ""
    resample_mm: tuple[float, ...] | None = None
    interpolate: Interpolation = "linear"
    mask_interpolate: Interpolation = "linear"
    mask_threshold: float = Field(default=0.5, gt=0, le=1)
    round_intensities: bool | None = None
    range_hu: tuple[float, float] | None = None
    range: tuple[float, float] | None = None
    outliers_sigma: float | None = Field(default=None, gt=0)
    normalise: Normalise | None = None
    discretise: Discretise | Literal["none"] = Discretise(bins=32)
    override: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _legal(self) -> ImageSettings:
        sizes = self.resample_mm
        if sizes is not None and (len(sizes) not in (2, 3) or not all(0 <= size < 1000 for size in sizes)):
            raise SettingsError(f"resample_mm = {list(sizes)}", "two or three sizes in mm (0 keeps one)", "[1, 1, 1]")
        if sizes is not None and any(0 < size < 0.01 for size in sizes):
            raise SettingsError(f"resample_mm = {list(sizes)}", "voxels of 0.01 mm or more", "check the unit (mm)")
        for key in ("range_hu", "range"):
            bounds = getattr(self, key)
            if bounds is not None and not bounds[0] < bounds[1]:
                raise SettingsError(f"{key} = {list(bounds)}", "a lower and a higher bound", "swap or correct them")
        for modality in self.override:
            self.for_modality(modality)
        return self

    def for_modality(self, modality: str) -> ImageSettings:
        """Return the settings that hold for one modality, its overrides put in place."""
        changes = self.override.get(modality, {})
        if not changes and not self.override:
            return self
        return ImageSettings.model_validate({**self.model_dump(exclude={"override"}), **changes})

    def bounds(self, unit: str) -> tuple[float, float] | None:
        """Return the re-segmentation range that holds for intensities of `unit`."""
        if self.range is not None:
            return self.range
        return self.range_hu if unit == "HU" else None

    def spacing(self, current: tuple[float, float, float]) -> tuple[float, float, float] | None:
        """Return the voxel size to resample to (mm), or None where nothing is to be resampled."""
        if self.resample_mm is None:
            return None
        wanted = (*self.resample_mm, 0.0)[:3]
        sizes = [new or old for new, old in zip(wanted, current, strict=True)]
        return sizes[0], sizes[1], sizes[2]
