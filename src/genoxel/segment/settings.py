"""Settings of the contour choice: names that count, names that never do, and what several hits mean."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from genoxel.core.settings import Settings

Label = Annotated[int, Field(ge=1, le=65535)]
Several = Literal["largest", "each", "union"]


class ContourSettings(Settings):
    """[segment]: which structure is the region of interest.

    `roi` are name patterns in order (`*`, `?` and `[ab]`; case is ignored): the first that hits wins. `never` are
    patterns left out before. `several` says what more than one hit means; without it such a tie is refused.
    `regions` names the labels of label maps. `threshold` makes soft and fractional masks binary.

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

    def labels_of(self, region: str) -> tuple[int, ...]:
        """Return the label numbers of a region."""
        labels = self.regions[region]
        return (labels,) if isinstance(labels, int) else tuple(labels)
