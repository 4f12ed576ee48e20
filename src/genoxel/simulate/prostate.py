"""A prostate on MR: pelvis, bladder, rectum, transition and peripheral zone, and a dark lesion of low diffusion."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from genoxel.simulate.body import BodyModel, ellipsoid
from genoxel.simulate.fields import Float32, Millimetres, Size, field_pair, ramp
from genoxel.simulate.lesion import Axes, axes_mm, draw_lesions
from genoxel.simulate.tissue import Tissue

SEQUENCES = ("T2",)
ADC: Mapping[str, float] = {
    "fat": 0.3,
    "muscle": 1.3,
    "bone": 0.3,
    "cortex": 0.1,
    "capsule": 1.1,
    "urine": 3.0,
    "rectum": 1.2,
    "transition": 1.35,
    "peripheral": 1.75,
}
"""Apparent diffusion coefficient per tissue in 10^-3 mm²/s."""

_T2: Mapping[str, float] = {
    "fat": 0.85,
    "muscle": 0.18,
    "bone": 0.52,
    "cortex": 0.08,
    "capsule": 0.20,
    "urine": 1.0,
    "rectum": 0.45,
    "transition": 0.42,
    "peripheral": 0.72,
}
_TUMOUR = 0.30


def draw_prostate(
    rng: np.random.Generator, size: Size, spacing: Millimetres, physical: Mapping[str, float]
) -> BodyModel:
    """Return the tissue of one pelvis with one tumour; `physical` maps trait -> quantity as in `traits`."""
    axes = axes_mm(size, spacing)
    a, b, c = (float(h) for h in 28 * np.exp(0.08 * rng.standard_normal(3)) * np.array([1.0, 0.78, 0.95]))
    soft = max(spacing[0], 1.0)
    grown, fine = field_pair(rng, size, spacing, 4.0)
    gland = ellipsoid(axes, (0, 0, 0), (a, b, c))
    inner = np.asarray(ellipsoid(axes, (0, -5, 4), (a * 0.72, b * 0.70, c * 0.8)) + 1.2 * grown, np.float32)
    layers = (
        *_pelvis(rng, axes, size, spacing, gland, soft),
        ("capsule", ramp(gland + 1, soft)),
        ("peripheral", ramp(gland - 0.5, soft)),
        ("capsule", ramp(np.minimum(inner + 1, gland - 1), soft)),
        ("transition", ramp(np.minimum(inner, gland - 2), soft)),
    )
    aside = rng.uniform(-12, 12) if "location" not in physical else float(np.clip(physical["location"], -15, 15))
    centre = (aside, float(rng.uniform(6, 11)), float(rng.uniform(-7, 5)))
    lesion = draw_lesions(rng, axes, spacing, centre, {**physical, "oedema": 0.0, "necrosis": 0.01})
    tissue = Tissue(layers, lesion, ramp(gland - 1, soft))
    spread = physical["heterogeneity"]
    texture = np.float32(0.02) * fine * (1 + 3 * ramp(gland, soft)) + np.float32(0.14) * grown * layers[-1][1]
    texture = 1 + texture * (1 - tissue.viable())  # a tumour has a tissue field of its own
    signal = tissue.paint(_T2, _TUMOUR, _TUMOUR, -0.9 * spread) * texture
    diffusion = tissue.paint(ADC, physical["adc"], physical["adc"], spread) * (
        1 + np.float32(0.05) * grown * (1 - tissue.viable())
    )
    tumour = (lesion.main() > 0) & (gland > 1)
    others = {"Prostate": (gland > 0) & ~tumour, "PTV": lesion.body > -5, **lesion.named(gland > 1)}
    model = np.asarray(np.maximum(signal, 0.02), np.float32)[np.newaxis]
    adc = np.asarray(np.maximum(diffusion, 0.05), np.float32)
    return BodyModel(model, tumour, others, spacing, tissue, adc)


def _pelvis(
    rng: np.random.Generator, axes: Axes, size: Size, spacing: Millimetres, gland: Float32, soft: float
) -> tuple[tuple[str, Float32], ...]:
    """Return the layers around the gland: fat with strands, muscles, bones with a dark cortex, bladder, rectum."""
    x, y, z = axes
    wavy, strands = field_pair(rng, size, spacing, 14.0)
    body = (1 - ((np.abs(x) / 98) ** 2.5 + (np.abs(y) / 72) ** 2.5) ** 0.4) * 72 + 0 * z
    muscles = (
        8 - np.abs(np.abs(x) - 46 + 0.010 * (y + 4) ** 2) - np.maximum(np.abs(y + 2) - 30, 0) * 0.5,  # obturator
        2.2 - np.abs(np.hypot(x / 1.15, (y - 8) / 1.25) - 31) - np.maximum(-y - 4, 0) * 0.4,  # levator
        17 - np.hypot((np.abs(x) - 46) / 1.9, y - 55),  # gluteus
        12 - np.hypot((np.abs(x) - 34) / 1.6, y + 47),  # pectineus
    )
    bones = (
        ellipsoid(axes, (72, -6, 4), (20, 20, 24)),
        ellipsoid(axes, (-72, -6, 4), (20, 20, 24)),
        np.asarray(7 - np.hypot((np.abs(x) - 13 - 0.1 * z) / 1.5, y + 40) + 0 * z, np.float32),
        np.asarray(9 - np.hypot((np.abs(x) - 60) / 1.1, y - 26) + 0 * z, np.float32),
        ellipsoid(axes, (0, 57, 6), (12, 7, 40)),
    )
    bone, muscle = (
        np.maximum.reduce([np.broadcast_to(one, gland.shape) for one in every]) for every in (bones, muscles)
    )
    bladder = ellipsoid(axes, (0, -14, 42), (32, 27, 24))
    rectum = 13 - np.hypot((x - 2 * np.sin(z / 14)) / 1.15, y - 37) + 1.2 * wavy
    wisps = np.exp(-((strands / np.float32(0.10)) ** 2)) * np.float32(0.45)
    found = (
        ("fat", ramp(body, soft)),
        ("muscle", wisps * ramp(body - 3, soft)),
        ("muscle", ramp(np.minimum(muscle + 1.5 * wavy, body - 9), soft)),
        ("cortex", ramp(bone + 1.5, soft)),
        ("bone", ramp(bone - 1.5, soft)),
        ("muscle", ramp(bladder + 3, soft)),
        ("urine", ramp(bladder, soft)),
        ("muscle", ramp(rectum, soft)),
        ("rectum", ramp(rectum - 4, soft) * ramp(2 * wavy + 3, 2.0)),
        ("gas", ramp(np.minimum(rectum - 5, -y + 35), soft)),
    )
    return tuple((name, np.asarray(share, np.float32)) for name, share in found)
