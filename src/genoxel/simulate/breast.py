"""A breast on MR: skin, fat, glandular tissue, chest wall, and a mass that takes up contrast."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from genoxel.simulate.body import BodyModel
from genoxel.simulate.fields import Float32, Millimetres, Size, field_pair, ramp
from genoxel.simulate.lesion import Axes, axes_mm, draw_lesions
from genoxel.simulate.tissue import Tissue

SEQUENCES = ("T1", "T1CE", "T2")

# Signal relative to full scale, in the order of SEQUENCES (fat suppressed on T1 and T1CE).
_SIGNAL: Mapping[str, tuple[float, float, float]] = {
    "air": (0.01, 0.01, 0.01),
    "skin": (0.30, 0.42, 0.25),
    "fat": (0.12, 0.13, 0.75),
    "gland": (0.34, 0.42, 0.45),
    "muscle": (0.32, 0.38, 0.28),
    "bone": (0.22, 0.25, 0.30),
    "lung": (0.03, 0.04, 0.04),
    "blood": (0.24, 0.62, 0.12),
    "tumour": (0.33, 0.33, 0.55),
    "core": (0.28, 0.32, 0.85),
}
_HALF = (62.0, 72.0, 58.0)
_WALL = 48.0


def draw_breast(rng: np.random.Generator, size: Size, spacing: Millimetres, physical: Mapping[str, float]) -> BodyModel:
    """Return the tissue of two breasts with one tumour; `physical` maps trait -> quantity as in `traits`."""
    axes = axes_mm(size, spacing)
    soft = max(spacing[0], 1.5)
    forward = np.float32(_WALL) - axes[1]  # front is towards negative y; the chest wall lies at y = _WALL
    mound = _mounds(rng, axes, forward)
    wall = np.asarray(axes[1] - np.float32(_WALL) + 0.0012 * axes[0] ** 2 - 12 + 0 * axes[2], np.float32)
    body = np.maximum(mound, np.minimum(wall + 8, 170 - np.abs(axes[0]) + 0 * axes[1] + 0 * axes[2]))
    fine, lobes = field_pair(rng, size, spacing, 3.0)
    layers = (
        ("skin", ramp(body, soft)),
        ("fat", ramp(body - 2.5, soft)),
        *_glands(rng, size, spacing, mound, forward, lobes),
        *_wall_layers(axes, wall, ramp(body - 2.5, soft), soft),
    )
    side = 1.0 if rng.random() < 0.5 else -1.0
    aside = rng.uniform(-16, 16) if "location" not in physical else float(np.clip(physical["location"], -22, 22))
    centre = (side * (76 + aside), _WALL - float(rng.uniform(34, 52)), float(rng.uniform(-16, 16)))
    lesion = draw_lesions(rng, axes, spacing, centre, {**physical, "oedema": 0.0})
    tissue = Tissue(layers, lesion, ramp(np.minimum(mound - 3, forward - 4), 1.5))
    signal = np.stack([_compose(place, tissue, fine, physical) for place in range(len(SEQUENCES))])
    tumour = (lesion.main() > 0) & (mound > 3) & (forward > 4)
    others = {"PTV": (lesion.body > -6) & (body > 0), "ChestWall": wall + 0 * axes[2] > 2, **lesion.named(body > 3)}
    return BodyModel(signal, tumour, others, spacing, tissue)


def _mounds(rng: np.random.Generator, axes: Axes, forward: Float32) -> Float32:
    """Return the distance in mm below the skin of two breasts that differ a little, each with a nipple."""
    x, _, z = axes
    scale = np.exp(0.06 * rng.standard_normal(3))
    found = []
    for side in (1.0, -1.0):
        own = scale * np.exp(0.03 * rng.standard_normal(3))
        a, b, c = (np.float32(half * factor) for half, factor in zip(_HALF, own, strict=True))
        across = side * x - 76 - np.float32(0.10) * forward  # breasts hang outwards
        ratio = np.sqrt((across / a) ** 2 + (forward / (b * 1.35)) ** 2 + ((z + 0.06 * forward) / c) ** 2)
        tip = b * np.float32(1.35)
        nipple = 5 - np.sqrt((side * x - 76 - 0.1 * tip) ** 2 + (forward - tip - 1) ** 2 + (z + 0.06 * tip) ** 2)
        found += [(1 - ratio) * min(a, b, c), nipple]
    return np.asarray(np.maximum.reduce(found), np.float32)


def _glands(
    rng: np.random.Generator, size: Size, spacing: Millimetres, mound: Float32, forward: Float32, lobes: Float32
) -> tuple[tuple[str, Float32], ...]:
    """Return glandular tissue broken up by fat lobules, and the strands that run through the fat."""
    grown, strands = field_pair(rng, size, spacing, 9.0)
    reach = np.minimum(np.minimum(mound - 16 + np.float32(9) * grown, mound - 4), forward - 16 + np.float32(7) * grown)
    broken = np.float32(0.45) + np.float32(0.55) * ramp(lobes + np.float32(0.7), 1.2)
    ligaments = np.exp(-((strands / np.float32(0.12)) ** 2)) * ramp(np.minimum(mound - 3, forward - 4), 2.0)
    return (("gland", np.asarray(0.4 * ligaments, np.float32)), ("gland", np.asarray(ramp(reach, 3.0) * broken)))


def _wall_layers(axes: Axes, wall: Float32, inside: Float32, soft: float) -> tuple[tuple[str, Float32], ...]:
    """Return the muscle of the chest wall, ribs, lungs and the heart behind them."""
    x, y, z = axes
    rib = np.minimum(4.5 - np.abs(wall - 17), (np.cos(2 * np.pi * (z + 0.25 * np.abs(x)) / 26) - 0.2) * 6)
    lung = np.minimum(wall - 24, np.abs(x) - 26)
    heart = 34 - np.hypot((x - 14) / 1.3, y - 112) + 0 * z
    found = (
        ("muscle", ramp(wall - 2, soft) * inside),
        ("fat", ramp(4 - np.abs(np.abs(x) - 6 - wall / 3) - np.maximum(12 - wall, 0), 3.0) * inside),
        ("bone", ramp(rib, soft) * ramp(np.abs(x) - 18, soft)),
        ("lung", ramp(lung, soft) * np.ones_like(z)),
        ("blood", ramp(np.minimum(heart, wall - 24), soft)),
    )
    return tuple((name, np.asarray(share, np.float32)) for name, share in found)


def _compose(place: int, tissue: Tissue, fine: Float32, physical: Mapping[str, float]) -> Float32:
    values = {name: signals[place] for name, signals in _SIGNAL.items()}
    uptake = physical["enhancement"] if SEQUENCES[place] == "T1CE" else 0.0
    living = values["tumour"] + uptake
    strength = physical["heterogeneity"] * (0.9 if place == 1 else -0.4)
    signal = tissue.paint(values, living, values["core"] + 0.2 * uptake, strength)
    return np.asarray(np.maximum(signal, values["air"]) * (1 + np.float32(0.04) * fine), np.float32)
