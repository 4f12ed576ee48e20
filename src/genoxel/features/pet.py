"""Uptake in PET: SUVmax, SUVmean, SUVpeak, and volume and glycolysis of the region as drawn. Not of IBSI.

Measured only where intensities are standardised uptake values (SUV); activity alone does not compare between patients.
The region is that after re-segmentation.
"""

from __future__ import annotations

from genoxel.core.errors import NotDefinedError
from genoxel.features.catalog import Family
from genoxel.features.local_intensity import Peaks, peaks_of
from genoxel.features.region import Region

REFERENCE = "Boellaard et al., Eur J Nucl Med Mol Imaging 2015;42:328-354"


class Uptake:
    """What uptake is measured on: `region` in SUV, the volume of a voxel in mL, and the peaks when asked for."""

    def __init__(self, region: Region) -> None:
        self.region = region
        self.values = region.ordered
        self.voxel_ml = region.voxel_volume / 1000

    @property
    def peaks(self) -> Peaks:
        """Means of the sphere of 1 cm³ around every voxel."""
        return peaks_of(self.region)


def build(region: Region, aggregation: str = "") -> Uptake:
    """Return the uptake of `region`; `NotDefinedError` where intensities are not SUV."""
    unit = region.prepared.unit
    if not unit.startswith("SUV"):
        raise NotDefinedError(
            f"intensities in {unit or 'no stated unit'}",
            "standardised uptake values (SUV)",
            'for files that do not say it, state [image] unit = "SUV"',
        )
    return Uptake(region)


FAMILY = Family("pet", "uptake in PET", build, traits=("intensity",))
feature = FAMILY.feature


@feature("SUVmax", unit="u", formula="max x", reference=REFERENCE)
def suv_max(u: Uptake) -> float:
    """Highest uptake of a voxel of the region."""
    return float(u.values[-1])


@feature("SUVmean", unit="u", formula="sum x / n", reference=REFERENCE)
def suv_mean(u: Uptake) -> float:
    """Mean uptake of the region."""
    return float(u.values.mean())


@feature("SUVpeak", unit="u", formula="max over the region of the mean in 1 cm³", reference=REFERENCE)
def suv_peak(u: Uptake) -> float:
    """Highest mean uptake of a sphere of 1 cm³ (radius 6.2 mm) centred on a voxel of the region.

    All voxels whose centre lies in the sphere count equally, also those beyond the region: the global intensity peak
    of IBSI (0F91).
    """
    return float(u.peaks.means.max())


@feature("SUVpeak around the hottest voxel", unit="u", formula="mean in 1 cm³ around argmax x", reference=REFERENCE)
def suv_peak_at_max(u: Uptake) -> float:
    """Mean uptake of the sphere of 1 cm³ around the hottest voxel: the local intensity peak of IBSI (VJGA)."""
    return float(u.peaks.means[u.peaks.values == u.values[-1]].max())


@feature("volume of the contour", unit="mL", formula="n V_voxel", reference=REFERENCE, size=True)
def contour_volume(u: Uptake) -> float:
    """Metabolic volume where the contour itself is its border: the voxels of the region."""
    return u.values.size * u.voxel_ml


@feature("glycolysis within the contour", unit="u mL", formula="sum x V_voxel", reference=REFERENCE, size=True)
def contour_glycolysis(u: Uptake) -> float:
    """Total lesion glycolysis where the contour itself is the border: SUVmean times volume."""
    return float(u.values.sum()) * u.voxel_ml
