"""Tissue as shares that are painted over one another, so that any quantity can be mapped on one anatomy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genoxel.simulate.fields import Float32, ramp
from genoxel.simulate.lesion import Lesion

Amount = float | Float32
"""A number, or one per voxel."""


@dataclass(frozen=True)
class Tissue:
    """Layers (tissue, share 0 to 1), each painted over those before it, and the lesion within `inside` (a share)."""

    layers: tuple[tuple[str, Float32], ...]
    lesion: Lesion
    inside: Float32

    def viable(self) -> Float32:
        """Return the share of viable tumour in each voxel."""
        return np.asarray(self.inside * ramp(self.lesion.body, 1.5) * (1 - ramp(self.lesion.core, 4.0)), np.float32)

    def regions(self) -> npt.NDArray[np.uint8]:
        """Return 1 where most of a voxel is living tumour, 2 where it is dead, 3 in the oedema around, 0 elsewhere."""
        own, dead = (self.inside > 0.5) & (self.lesion.body > 0), self.lesion.core > 0
        around = (self.inside > 0.5) & (self.lesion.reach > 0)
        return np.select([own & dead, own, around], [np.uint8(2), np.uint8(1), np.uint8(3)], np.uint8(0))

    def paint(self, values: Mapping[str, float], tumour: Amount, core: Amount, variation: Amount = 0.0) -> Float32:
        """Return the map of a quantity: `values` per tissue, `tumour` in viable tumour and `core` in dead tissue.

        In viable tumour the quantity varies with the tissue field by the factor 1 + variation * field, 0 at least; a
        tissue without a value has 0.
        """
        out = np.zeros(self.inside.shape, np.float32)
        for name, share in self.layers:
            out += share * (np.float32(values.get(name, 0.0)) - out)
        living = np.asarray(tumour * np.maximum(1 + variation * self.lesion.vessels, 0), np.float32)
        out += self.inside * ramp(self.lesion.body, 1.5) * (living - out)
        out += self.inside * ramp(self.lesion.core, 4.0) * (np.asarray(core, np.float32) - out)
        return np.asarray(out, np.float32)


def classes(hounsfield: Float32, central: Float32) -> tuple[tuple[str, Float32], ...]:
    """Return the layers of a chest from its noiseless HU: lung, fat, soft, blood and bone by thresholds.

    Between soft tissue and bone it is blood where `central` is positive, and the edge of a bone elsewhere.
    """
    limits = {"lung": (-950, -400), "fat": (-400, 0), "soft": (0, 100), "bone": (200, 4000)}
    found = {name: (hounsfield >= low) & (hounsfield < high) for name, (low, high) in limits.items()}
    between = (hounsfield >= 100) & (hounsfield < 200)
    found["blood"] = between & (central > 0)
    found["bone"] |= between & (central <= 0)
    return tuple((name, np.asarray(where, np.float32)) for name, where in found.items())
