"""Intensity-volume histogram: which share of the region reaches which intensity (IBSI section 3.5).

IBSI gives one code to a fraction at any percentage; the percentage stands behind the colon of our codes.
"""

from __future__ import annotations

import numpy as np

from genoxel.core.errors import InputError, NotDefinedError
from genoxel.core.image import FloatArray
from genoxel.features.catalog import Family
from genoxel.features.region import Region
from genoxel.image.discretise import levels_of
from genoxel.image.settings import Discretise

_MOST = 100_000


class Curve:
    """Share of the volume `volume` (n,) with at least the intensity `at` (n,), at ascending fractions `gamma` (n,)."""

    def __init__(self, at: FloatArray, counts: FloatArray) -> None:
        self.at = at
        self.volume = np.asarray(np.cumsum(counts[::-1])[::-1] / counts.sum())
        self.gamma = np.asarray((at - at[0]) / (at[-1] - at[0]))

    def volume_at(self, share: float) -> float:
        """Return the share of the volume at the first intensity fraction of `share` or more."""
        return float(self.volume[int(np.argmax(self.gamma >= share - 1e-12))])

    def intensity_at(self, share: float) -> float:
        """Return the lowest intensity that at most `share` of the volume reaches."""
        low = np.flatnonzero(self.volume <= share + 1e-12)
        if not low.size:
            raise NotDefinedError(f"more than {share:g} of the volume at its top", "a spread", "use finer bins")
        return float(self.at[low[0]])


def build(region: Region, aggregation: str = "") -> Curve:
    """Return the curve of `region`; `NotDefinedError` when its intensities have no range to divide."""
    ordered = region.ordered
    if ordered[0] == ordered[-1]:
        raise NotDefinedError(f"{ordered.size} equal intensities", "intensities that vary", "look at the region")
    how = region.ivh
    if how == "auto":
        how = "none" if region.prepared.unit == "HU" and _whole(ordered) else Discretise(bins=1000)
    if how == "none":
        return _as_they_are(ordered, region.prepared.bounds)
    try:
        levels = levels_of(ordered, how, region.prepared.bounds)
    except InputError as error:
        raise NotDefinedError(error.got, error.legal, "set [features] ivh") from error
    top = int(levels.max()) if how.bins is None else how.bins
    at = np.arange(1.0, top + 1)
    if how.bin_size is not None:
        low = how.anchor if how.anchor is not None else (region.prepared.bounds or (0.0, 0.0))[0]
        if region.prepared.bounds is not None:
            top = round((region.prepared.bounds[1] - low) / how.bin_size)
            at = np.arange(1.0, max(top, int(levels.max())) + 1)
        at = low + (at - 0.5) * how.bin_size
    return Curve(at, np.bincount(levels, minlength=at.size + 1)[1:].astype(np.float64))


def _whole(values: FloatArray) -> bool:
    return bool(np.array_equal(values, np.rint(values)))


def _as_they_are(ordered: FloatArray, bounds: tuple[float, float] | None) -> Curve:
    if not _whole(ordered):
        raise NotDefinedError("intensities that are not whole numbers", "whole ones", "bin them: ivh = { bins = 1000 }")
    low, high = bounds or (ordered[0], ordered[-1])
    if high - low >= _MOST:
        raise NotDefinedError(f"intensities from {low:g} to {high:g}", f"a range below {_MOST}", "bin them")
    at = np.arange(np.ceil(low), np.floor(high) + 1)
    return Curve(at, np.bincount((ordered - at[0]).astype(np.int64), minlength=at.size).astype(np.float64))


FAMILY = Family("ivh", "intensity-volume histogram", build, traits=("intensity",))
feature = FAMILY.feature


@feature("volume fraction at 10 % intensity", code="BC2M:10", formula="nu(gamma = 0.10)")
def volume_at_10(c: Curve) -> float:
    """Share of the volume that reaches 10 % of the intensity range."""
    return c.volume_at(0.10)


@feature("volume fraction at 90 % intensity", code="BC2M:90", formula="nu(gamma = 0.90)")
def volume_at_90(c: Curve) -> float:
    """Share of the volume that reaches 90 % of the intensity range."""
    return c.volume_at(0.90)


@feature("intensity at 10 % volume", code="GBPN:10", unit="u", formula="min i with nu_i <= 0.10")
def intensity_at_10(c: Curve) -> float:
    """Lowest intensity that at most 10 % of the volume reaches."""
    return c.intensity_at(0.10)


@feature("intensity at 90 % volume", code="GBPN:90", unit="u", formula="min i with nu_i <= 0.90")
def intensity_at_90(c: Curve) -> float:
    """Lowest intensity that at most 90 % of the volume reaches."""
    return c.intensity_at(0.90)


@feature("volume fraction difference", code="DDTU", formula="nu(gamma = 0.10) - nu(gamma = 0.90)")
def volume_difference(c: Curve) -> float:
    """Share of the volume between 10 % and 90 % of the intensity range."""
    return c.volume_at(0.10) - c.volume_at(0.90)


@feature("intensity difference", code="CNV2", unit="u", formula="I_10 - I_90")
def intensity_difference(c: Curve) -> float:
    """Width in intensity between 10 % and 90 % of the volume."""
    return c.intensity_at(0.10) - c.intensity_at(0.90)
