"""A prostate on MR: pelvis, bladder, rectum, transition and peripheral zone, and a dark lesion of low diffusion."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from genoxel.simulate.body import BodyModel, ellipsoid
from genoxel.simulate.fields import Millimetres, Size, field_pair, ramp
from genoxel.simulate.lesion import axes_mm, draw_lesions
from genoxel.simulate.tissue import Tissue

SEQUENCES = ("T2",)
ADC: Mapping[str, float] = {
    "fat": 0.3,
    "muscle": 1.3,
    "bone": 0.3,
    "urine": 3.0,
    "rectum": 1.2,
    "transition": 1.35,
    "peripheral": 1.75,
}
"""Apparent diffusion coefficient per tissue in 10^-3 mm²/s."""

_T2: Mapping[str, float] = {
    "fat": 0.85,
    "muscle": 0.18,
    "bone": 0.35,
    "urine": 1.0,
    "rectum": 0.35,
    "transition": 0.42,
    "peripheral": 0.72,
}
_TUMOUR = 0.30


def draw_prostate(
    rng: np.random.Generator, size: Size, spacing: Millimetres, physical: Mapping[str, float]
) -> BodyModel:
    """Return the tissue of one pelvis with one tumour; `physical` maps trait -> quantity as in `traits`."""
    axes = axes_mm(size, spacing)
    x, y, z = axes
    a, b, c = np.float32(28) * np.exp(0.08 * rng.standard_normal(3)) * np.array([1.0, 0.78, 0.95])
    soft = max(spacing[0], 1.0)
    gland = ellipsoid(axes, (0, 0, 0), (float(a), float(b), float(c)))
    grown, fine = field_pair(rng, size, spacing, 4.0)
    inner = np.asarray(
        ellipsoid(axes, (0, -5, 4), (float(a) * 0.72, float(b) * 0.70, float(c) * 0.8)) + 1.2 * grown, np.float32
    )
    hips = np.asarray(np.maximum(19 - np.hypot(np.abs(x) - 68, y + 4), 7 - np.hypot(np.abs(x) - 10, y + 44)) + 0 * z)
    around = np.arctan2(y, np.abs(x))
    walls = np.asarray(7 + 2 * np.sin(3 * around) - np.abs(np.hypot(x / 1.2, y) - 47) + 0 * z, np.float32)
    body = np.asarray((1 - ((np.abs(x) / 98) ** 2.5 + (np.abs(y) / 72) ** 2.5) ** 0.4) * 72 + 0 * z, np.float32)
    layers = (
        ("fat", ramp(body, soft)),
        ("bone", ramp(np.asarray(hips, np.float32), soft)),
        ("muscle", ramp(walls, soft)),
        ("urine", ramp(ellipsoid(axes, (0, -14, 40), (30, 26, 22)), soft)),
        ("rectum", ramp(np.asarray(13 - np.hypot(x, y - 36) + 0 * z, np.float32), soft)),
        ("peripheral", ramp(gland, soft)),
        ("transition", ramp(np.minimum(inner, gland - 1), soft)),
    )
    aside = rng.uniform(-12, 12) if "location" not in physical else float(np.clip(physical["location"], -15, 15))
    centre = (aside, float(rng.uniform(6, 11)), float(rng.uniform(-7, 5)))
    lesion = draw_lesions(rng, axes, spacing, centre, {**physical, "oedema": 0.0, "necrosis": 0.01})
    tissue = Tissue(layers, lesion, ramp(gland - 1, soft))
    spread = physical["heterogeneity"]
    inside = ramp(gland, soft)
    texture = 1 + np.float32(0.02) * fine * (1 + 3 * inside) + np.float32(0.14) * grown * tissue.layers[-1][1]
    signal = tissue.paint(_T2, _TUMOUR, _TUMOUR, -0.9 * spread) * texture
    diffusion = tissue.paint(ADC, physical["adc"], physical["adc"], spread) * (1 + np.float32(0.05) * grown)
    tumour = (lesion.main() > 0) & (gland > 1)
    others = {"Prostate": (gland > 0) & ~tumour, "PTV": lesion.body > -5, **lesion.named(gland > 1)}
    model = np.asarray(np.maximum(signal, 0.02), np.float32)[np.newaxis]
    adc = np.asarray(np.maximum(diffusion, 0.05), np.float32)
    return BodyModel(model, tumour, others, spacing, tissue, adc)
