"""Scanners of the simulated sites; vendors are invented, so that nobody mistakes them for real ones."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scanner:
    """One site's scanner: names, voxel size relative to the reference, and how it draws intensities.

    `scale` and `noise` are MR units and share of the full scale; `bias` is the SD of the coil's sensitivity; `dose`
    is the CT noise in HU at the surface; `sharp` chooses the CT kernel.
    """

    site: str
    vendor: str
    model: str
    in_plane: float
    through: float
    scale: float
    noise: float
    bias: float
    tesla: float
    dose: float
    sharp: bool

    @property
    def kernel(self) -> str:
        """Name of the CT reconstruction kernel."""
        return "LUNG" if self.sharp else "STANDARD"


SCANNERS = (
    Scanner("North", "SIMULATED Nordmed", "Aurora 30", 1.0, 1.0, 640.0, 0.020, 0.10, 3.0, 5.0, False),
    Scanner("South", "SIMULATED Helioscan", "Vita 15", 1.04, 1.0, 1180.0, 0.028, 0.07, 1.5, 6.5, False),
    Scanner("East", "SIMULATED Orbis", "Lumen 30", 0.98, 1.05, 330.0, 0.024, 0.13, 3.0, 5.5, True),
    Scanner("West", "SIMULATED Nordmed", "Aurora 15", 1.02, 0.95, 900.0, 0.032, 0.08, 1.5, 8.0, False),
)
