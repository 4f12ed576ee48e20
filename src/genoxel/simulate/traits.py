"""Latent traits of a tumour and the physical quantity that each sets before an image is rendered.

A latent value is normal with SD 1 within a genotype; the physical quantity is ``median * exp(step * latent)``, so one
SD is the same factor everywhere. Latent values beyond +-`LIMIT` set the quantity at the limit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

NONE = "none"
LIMIT = 3.0


@dataclass(frozen=True)
class Trait:
    """One latent trait: what it sets, in which unit, its median on MR and CT (None: not there) and factor per SD."""

    name: str
    sets: str
    unit: str
    mr: float | None
    ct: float | None
    step: float

    def median(self, modality: str) -> float | None:
        """Return the median of the physical quantity on a modality, None where the trait does not exist."""
        return self.mr if modality == "mr" else self.ct

    def physical(self, latent: float, modality: str) -> float:
        """Return the physical quantity for a latent value.

        >>> round(TRAITS["size"].physical(0.0, "mr"), 1)
        22.0
        """
        median = self.median(modality)
        return 0.0 if median is None else median * math.exp(self.step * min(max(latent, -LIMIT), LIMIT))


_ALL = (
    Trait("texture", "correlation length of the tumour's tissue field", "mm", 4.5, 5.0, 0.40),
    Trait(
        "heterogeneity", "SD of the tissue field, relative to the tissue on MR", "share (MR), HU (CT)", 0.20, 34.0, 0.35
    ),
    Trait("margin", "irregularity: SD of the radius over directions", "share of the radius", 0.10, 0.12, 0.40),
    Trait("size", "radius of the sphere of equal volume", "mm", 22.0, 18.0, 0.15),
    Trait("enhancement", "contrast uptake of viable tumour", "share of white matter (MR), HU (CT)", 0.38, 35.0, 0.30),
    Trait("necrosis", "radius of the dead core", "share of the radius", 0.50, 0.40, 0.15),
    Trait("oedema", "reach of the oedema beyond the tumour", "mm", 12.0, None, 0.35),
)
TRAITS: Mapping[str, Trait] = {trait.name: trait for trait in _ALL}


def traits_of(modality: str) -> tuple[str, ...]:
    """Return the names of the traits that exist on a modality."""
    return tuple(name for name, trait in TRAITS.items() if trait.median(modality) is not None)


def smallest_lesion_mm3(modality: str) -> float:
    """Return the volume of the smallest tumour that can be drawn, in mm³."""
    return 4 / 3 * math.pi * TRAITS["size"].physical(-LIMIT, modality) ** 3
