"""Settings of the contour choice: names that count, names that never do, and what several hits mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from genoxel.core.errors import SettingsError
from genoxel.core.settings import Settings

Label = Annotated[int, Field(ge=1, le=65535)]
Several = Literal["largest", "each", "union"]


class ContourSettings(Settings):
    """[segment]: which structure is the region of interest.

    `roi` are name patterns in order (`*`, `?` and `[ab]`; case is ignored): the first that hits wins. `never` are
    patterns left out before. `several` says what more than one hit means; without it such a tie is refused.
    `regions` names the labels of label maps. `threshold` makes soft and fractional masks binary. `split_voxels` makes
    each connected piece of at least so many voxels a lesion of its own. `resample_masks` takes masks over from another
    grid (nearest voxel), with what changed among the flags; without it they are refused.

    >>> ContourSettings(roi=["GTV-1", "GTVp*"], never=["*PTV*"], several="largest").several
    'largest'
    """

    roi: tuple[str, ...] = Field((), description="name patterns in order; the first that hits wins; case is ignored")
    never: tuple[str, ...] = Field((), description="name patterns that never count")
    several: Several | None = Field(None, description="several hits: largest, each (a row per lesion) or union")
    regions: dict[str, Label | tuple[Label, ...]] = Field(
        default_factory=dict, description="label maps: region = label number(s), for example core = [1, 4]"
    )
    threshold: float | None = Field(None, gt=0, le=1, description="from which fraction a soft mask's voxel is inside")
    split_voxels: int | None = Field(
        None, ge=1, description="pieces of at least so many voxels are lesions of their own"
    )
    resample_masks: bool = Field(False, description="take masks over from another grid, and say what changed")

    @model_validator(mode="after")
    def _one_way(self) -> ContourSettings:
        if self.split_voxels is not None:
            refuse_split(self.regions)
        return self

    def labels_of(self, region: str) -> tuple[int, ...]:
        """Return the label numbers of a region."""
        labels = self.regions[region]
        return (labels,) if isinstance(labels, int) else tuple(labels)


def refuse_split(regions: Mapping[str, object]) -> None:
    """Raise `SettingsError` where lesions are to be split and regions of one lesion are named."""
    if regions:
        raise SettingsError("split_voxels with regions", "one of them", "regions are parts of one lesion")
