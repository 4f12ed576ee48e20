"""Metabolic tumour volume and total lesion glycolysis above stated thresholds, in PET. Not of IBSI.

A voxel of the region counts when its SUV is at or above the threshold, wherever it lies: parts need not touch. The
thresholds are settings; a share is one of the highest SUV of the region, or of its SUVpeak. Volume counts voxels.
"""

from __future__ import annotations

import numpy as np

from genoxel.core.errors import NotDefinedError
from genoxel.core.image import FloatArray
from genoxel.features import pet
from genoxel.features._thresholds import threshold_named
from genoxel.features.catalog import Family
from genoxel.features.region import Region


class Hot:
    """The SUV `above` (n,) of the voxels at or above the threshold, and the volume of a voxel in mL."""

    def __init__(self, above: FloatArray, voxel_ml: float) -> None:
        self.above = above
        self.voxel_ml = voxel_ml


def build(region: Region, aggregation: str) -> Hot:
    """Return what lies at or above the threshold called `aggregation`; `NotDefinedError` where it is not SUV."""
    uptake = pet.build(region)
    rule = threshold_named(aggregation)
    level = rule.value
    if rule.of != "suv":
        whole = pet.suv_max(uptake) if rule.of == "max" else pet.suv_peak(uptake)
        if whole <= 0:
            raise NotDefinedError(f"a SUV{rule.of} of {whole:g}", "uptake above 0", "look at the region")
        level = rule.value / 100 * whole
    first = int(np.searchsorted(uptake.values, level, side="left"))
    return Hot(uptake.values[first:], uptake.voxel_ml)


FAMILY = Family("mtv", "metabolic volume", build, "threshold", ("size",))
feature = FAMILY.feature


@feature("metabolic tumour volume", unit="mL", formula="n(x >= t) V_voxel", reference=pet.REFERENCE)
def metabolic_tumour_volume(h: Hot) -> float:
    """Volume of the voxels at or above the threshold; 0 where none is."""
    return h.above.size * h.voxel_ml


@feature("total lesion glycolysis", unit="u mL", formula="sum over x >= t of x V_voxel", reference=pet.REFERENCE)
def total_lesion_glycolysis(h: Hot) -> float:
    """Mean uptake at or above the threshold times the metabolic tumour volume; 0 where there is none."""
    return float(h.above.sum()) * h.voxel_ml


@feature("mean uptake of the metabolic volume", unit="u", formula="mean of x >= t", reference=pet.REFERENCE)
def mean_uptake(h: Hot) -> float:
    """Mean SUV of the voxels at or above the threshold."""
    if not h.above.size:
        raise NotDefinedError("no voxel at or above the threshold", "one or more", "choose a lower threshold")
    return float(h.above.mean())
