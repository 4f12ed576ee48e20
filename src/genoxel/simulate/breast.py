"""A breast on MR: skin, fat, glandular tissue, chest wall, and a mass that takes up contrast."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from genoxel.simulate.body import BodyModel
from genoxel.simulate.fields import Float32, Millimetres, Size, field_pair, ramp
from genoxel.simulate.lesion import axes_mm, draw_lesions
from genoxel.simulate.tissue import Tissue

SEQUENCES = ("T1", "T1CE", "T2")

# Signal relative to full scale, in the order of SEQUENCES (fat suppressed on T1 and T1CE).
_SIGNAL: Mapping[str, tuple[float, float, float]] = {
    "air": (0.01, 0.01, 0.01),
    "skin": (0.30, 0.42, 0.25),
    "fat": (0.12, 0.13, 0.75),
    "gland": (0.34, 0.42, 0.45),
    "muscle": (0.32, 0.38, 0.28),
    "tumour": (0.33, 0.33, 0.55),
    "core": (0.28, 0.32, 0.85),
}
_HALF = (62.0, 72.0, 58.0)
_WALL = 48.0


def draw_breast(rng: np.random.Generator, size: Size, spacing: Millimetres, physical: Mapping[str, float]) -> BodyModel:
    """Return the tissue of two breasts with one tumour; `physical` maps trait -> quantity as in `traits`."""
    axes = axes_mm(size, spacing)
    x, y, z = axes
    scale = np.exp(0.06 * rng.standard_normal(3))
    a, b, c = (np.float32(half * factor) for half, factor in zip(_HALF, scale, strict=True))
    soft = max(spacing[0], 1.5)
    forward = np.float32(_WALL) - y  # front is towards negative y; the chest wall lies at y = _WALL
    ratio = np.sqrt(((np.abs(x) - 76) / a) ** 2 + (forward / (b * 1.35)) ** 2 + (z / c) ** 2)
    mound = np.asarray((1 - ratio) * min(a, b, c), np.float32)
    wall = np.asarray(y - np.float32(_WALL) + 0.0012 * x**2 - 12 + 0 * z, np.float32)
    body = np.maximum(mound, np.minimum(wall + 8, 170 - np.abs(x) + 0 * y + 0 * z))
    grown, _ = field_pair(rng, size, spacing, 9.0)
    fine, _ = field_pair(rng, size, spacing, 3.0)
    gland = np.minimum(np.minimum(mound - 16 + np.float32(9) * grown, mound - 4), forward - 16 + np.float32(7) * grown)
    layers = (
        ("skin", ramp(body, soft)),
        ("fat", ramp(body - 2.5, soft)),
        ("gland", ramp(gland, 3.0)),
        ("muscle", ramp(wall - 2, soft) * ramp(body - 2.5, soft)),
    )
    side = 1.0 if rng.random() < 0.5 else -1.0
    aside = rng.uniform(-16, 16) if "location" not in physical else float(np.clip(physical["location"], -22, 22))
    centre = (side * (76 + aside), _WALL - float(rng.uniform(34, 52)), float(rng.uniform(-16, 16)))
    lesion = draw_lesions(rng, axes, spacing, centre, {**physical, "oedema": 0.0})
    tissue = Tissue(layers, lesion, ramp(np.minimum(mound - 3, forward - 4), 1.5))
    signal = np.stack([_compose(place, tissue, fine, physical) for place in range(len(SEQUENCES))])
    tumour = (lesion.main() > 0) & (mound > 3) & (forward > 4)
    others = {"PTV": (lesion.body > -6) & (body > 0), "ChestWall": wall + 0 * z > 2, **lesion.named(body > 3)}
    return BodyModel(signal, tumour, others, spacing, tissue)


def _compose(place: int, tissue: Tissue, fine: Float32, physical: Mapping[str, float]) -> Float32:
    values = {name: signals[place] for name, signals in _SIGNAL.items()}
    uptake = physical["enhancement"] if SEQUENCES[place] == "T1CE" else 0.0
    living = values["tumour"] + uptake
    strength = physical["heterogeneity"] * (0.9 if place == 1 else -0.4)
    signal = tissue.paint(values, living, values["core"] + 0.2 * uptake, strength)
    return np.asarray(np.maximum(signal, values["air"]) * (1 + np.float32(0.04) * fine), np.float32)
