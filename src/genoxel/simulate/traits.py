"""Latent traits of a tumour and the physical quantity that each sets before an image is rendered.

A latent value is normal with SD 1 within a genotype; the physical quantity is ``median * exp(step * latent)``, so one
SD is the same factor everywhere. Latent values beyond +-`LIMIT` set the quantity at the limit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

NONE = "none"
LIMIT = 3.0
LOCAL = ("heterogeneity", "enhancement", "ktrans", "kep", "rcbv", "adc", "uptake", "leakage")
"""Traits that may differ within one tumour."""


BODIES = ("mr", "ct", "breast", "prostate")
"""The simulated bodies by the images they are known for: head on MR, chest on CT, breast and prostate on MR."""


@dataclass(frozen=True)
class Trait:
    """One latent trait: what it sets, in which unit, its median per body (absent: not there) and factor per SD.

    A trait with `needs` exists only where one of these acquisitions is made; one that is `asked` only where an effect
    or a module names it. `linear`: the quantity is median + step * latent.
    """

    name: str
    sets: str
    unit: str
    medians: Mapping[str, float]
    step: float
    needs: tuple[str, ...] = ()
    asked: bool = False
    linear: bool = False

    def median(self, modality: str) -> float | None:
        """Return the median of the physical quantity on a body, None where the trait does not exist."""
        return self.medians.get(modality)

    def physical(self, latent: float, modality: str) -> float:
        """Return the physical quantity for a latent value.

        >>> round(TRAITS["size"].physical(0.0, "mr"), 1)
        22.0
        """
        median, bounded = self.median(modality), min(max(latent, -LIMIT), LIMIT)
        if median is None:
            return 0.0
        return median + self.step * bounded if self.linear else median * math.exp(self.step * bounded)

    def exists(self, modality: str, also: Iterable[str] = (), named: Iterable[str] = ()) -> bool:
        """Return whether the trait exists on a body with the acquisitions `also` and effects on the traits `named`."""
        if self.median(modality) is None or (self.asked and self.name not in named):
            return False
        made = {*also, modality}
        return not self.needs or any(one in made for one in self.needs)


def _each(mr: float | None, ct: float | None, breast: float | None, prostate: float | None) -> dict[str, float]:
    given = zip(BODIES, (mr, ct, breast, prostate), strict=True)
    return {body: value for body, value in given if value is not None}


# The place of a trait in this list decides its random numbers: new ones go to the end.
_ALL = (
    Trait("texture", "correlation length of the tumour's tissue field", "mm", _each(4.5, 5.0, 4.0, 3.0), 0.40),
    Trait(
        "heterogeneity",
        "SD of the tissue field, relative to the tissue on MR",
        "share (MR), HU (CT)",
        _each(0.20, 34.0, 0.20, 0.15),
        0.35,
    ),
    Trait(
        "margin",
        "irregularity: SD of the radius over directions",
        "share of the radius",
        _each(0.10, 0.12, 0.14, 0.10),
        0.40,
    ),
    Trait("size", "radius of the sphere of equal volume", "mm", _each(22.0, 18.0, 13.0, 8.0), 0.15),
    Trait(
        "enhancement",
        "contrast uptake of viable tumour",
        "share of white matter (MR), HU (CT)",
        _each(0.38, 35.0, 0.55, None),
        0.30,
    ),
    Trait("necrosis", "radius of the dead core", "share of the radius", _each(0.50, 0.45, 0.40, None), 0.15),
    Trait("oedema", "reach of the oedema beyond the tumour", "mm", _each(12.0, None, None, None), 0.35),
    Trait(
        "location",
        "frontal (MR), cranial (CT), lateral (breast, prostate) place of the centre",
        "mm",
        _each(0.0, 0.0, 0.0, 0.0),
        7.0,
        asked=True,
        linear=True,
    ),
    Trait(
        "solid",
        "radius of the solid part of a part-solid nodule",
        "share of the radius",
        _each(None, 0.55, None, None),
        0.18,
        asked=True,
    ),
    Trait(
        "ktrans",
        "transfer of contrast from plasma to tissue (Tofts)",
        "1/min",
        _each(0.12, None, 0.18, 0.15),
        0.35,
        needs=("dce",),
    ),
    Trait(
        "kep",
        "return of contrast to plasma (Ktrans over ve)",
        "1/min",
        _each(0.45, None, 0.60, 0.50),
        0.20,
        needs=("dce",),
    ),
    Trait(
        "rcbv",
        "blood volume relative to normal white matter",
        "ratio",
        _each(3.0, None, None, None),
        0.30,
        needs=("dsc",),
    ),
    Trait(
        "adc",
        "apparent diffusion coefficient of viable tumour",
        "10^-3 mm²/s",
        _each(1.10, None, None, 0.85),
        0.12,
        needs=("dwi", "prostate"),
    ),
    Trait(
        "uptake", "FDG uptake of viable tumour", "SUV", _each(9.0, 6.0, None, None), 0.35, needs=("pet", "dynamic-pet")
    ),
    Trait(
        "spiculation",
        "length of the spicules beyond the surface",
        "share of the radius",
        _each(None, 0.45, 0.45, None),
        0.40,
        asked=True,
    ),
    Trait(
        "leakage",
        "contrast that leaves the vessels in the first pass, and lowers the recovery of the signal",
        "1/min",
        _each(0.10, None, None, None),
        0.35,
        needs=("dsc",),
        asked=True,
    ),
)
TRAITS: Mapping[str, Trait] = {trait.name: trait for trait in _ALL}


def traits_of(modality: str, also: Iterable[str] = (), named: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the names of the traits that exist on a body with these acquisitions and effects.

    >>> traits_of("ct", also=("pet",))[-1]
    'uptake'
    """
    also, named = tuple(also), tuple(named)
    return tuple(name for name, trait in TRAITS.items() if trait.exists(modality, also, named))


def smallest_lesion_mm3(modality: str) -> float:
    """Return the volume of the smallest tumour that can be drawn, in mm³."""
    return 4 / 3 * math.pi * TRAITS["size"].physical(-LIMIT, modality) ** 3
