"""A glioma-like head on MR: scalp, skull, fluid, grey and white matter, oedema, enhancing rim and dead core."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from genoxel.simulate.body import BodyModel
from genoxel.simulate.fields import Float32, Millimetres, Size, field_pair, ramp
from genoxel.simulate.lesion import Axes, Lesion, axes_mm, draw_lesions
from genoxel.simulate.tissue import Tissue

SEQUENCES = ("T1", "T1CE", "T2", "FLAIR")

# Signal of each tissue relative to full scale, in the order of SEQUENCES.
_SIGNAL: Mapping[str, tuple[float, float, float, float]] = {
    "air": (0.01, 0.01, 0.01, 0.01),
    "scalp": (0.85, 0.88, 0.55, 0.50),
    "skull": (0.12, 0.13, 0.10, 0.10),
    "fluid": (0.16, 0.17, 0.98, 0.14),
    "grey": (0.43, 0.45, 0.62, 0.60),
    "white": (0.63, 0.64, 0.42, 0.44),
    "oedema": (0.47, 0.48, 0.82, 0.86),
    "tumour": (0.42, 0.42, 0.70, 0.74),
    "core": (0.24, 0.26, 0.90, 0.50),
}
_CELL_WEIGHT = (-0.35, 0.55, -0.8, -0.7)
_VESSEL_WEIGHT = (0.15, 0.85, 0.3, 0.25)
_CORE_SHARE = 0.7
_HEAD = (70.0, 90.0, 105.0)
_SLAB_CENTRE = 12.0
_SCALP, _SKULL, _FLUID = 5.0, 11.0, 13.5


def draw_head(rng: np.random.Generator, size: Size, spacing: Millimetres, physical: Mapping[str, float]) -> BodyModel:
    """Return the tissue of one head with one tumour; `physical` maps trait -> quantity as in `traits`."""
    axes = axes_mm(size, spacing)
    scale = np.exp(0.03 * rng.standard_normal(3))
    depth, brain = _brain_depth(rng, axes, scale)
    layers, open_to_water = _anatomy(rng, axes, spacing, depth, brain)
    centre = _place(rng, physical.get("anchor", physical["size"]), physical.get("location"))
    lesion = draw_lesions(rng, axes, spacing, centre, physical)
    beyond = ramp(-np.sign(centre[0]) * axes[0] - 2, 10.0)
    swollen = np.float32(0.88) * open_to_water * ramp(lesion.reach, 5.0) * (1 - np.float32(0.8) * beyond)
    layers.append(("oedema", np.asarray(swollen, np.float32)))
    fine = field_pair(rng, size, spacing, 4.0)[0]
    signal = np.stack([_compose(place, layers, lesion, brain, fine, physical) for place in range(len(SEQUENCES))])
    tumour = (lesion.main() > 0) & (brain > 0)
    x, y, z = axes
    stem = ((x / 13) ** 2 + ((y - 18) / 12) ** 2 + ((z + 42) / 26) ** 2 < 1) & (brain > 0)
    others = {"PTV": (lesion.body > -8) & (brain > 0), "BrainStem": stem & ~tumour, **lesion.named(brain > 0)}
    tissue = Tissue(tuple(layers), lesion, ramp(brain, 1.5))
    return BodyModel(signal, tumour, others, spacing, tissue)


def _brain_depth(rng: np.random.Generator, axes: Axes, scale: np.ndarray) -> tuple[Float32, Float32]:
    turn = np.deg2rad(rng.normal(0, 3))
    x, y, z = axes
    along = np.float32(np.cos(turn)) * x + np.float32(np.sin(turn)) * y
    across = np.float32(np.cos(turn)) * y - np.float32(np.sin(turn)) * x
    a, b, c = (np.float32(half * factor) for half, factor in zip(_HEAD, scale, strict=True))
    above = z + np.float32(_SLAB_CENTRE)
    ratio = np.sqrt((along / a) ** 2 + (across / b) ** 2 + (above / c) ** 2)
    slope = np.sqrt((along / a**2) ** 2 + (across / b**2) ** 2 + (above / c**2) ** 2) / np.maximum(ratio, 1e-3)
    depth = np.asarray((1 - ratio) / np.maximum(slope, np.float32(1e-3)), np.float32)
    return depth, np.asarray(depth - np.float32(_FLUID), np.float32)


def _anatomy(
    rng: np.random.Generator, axes: Axes, spacing: Millimetres, depth: Float32, brain: Float32
) -> tuple[list[tuple[str, Float32]], Float32]:
    """Return layers (tissue, share), each painted over those before it, and where oedema may spread (white matter)."""
    x, y, z = axes
    size = (depth.shape[0], depth.shape[1], depth.shape[2])
    folds, furrows = field_pair(rng, size, spacing, 6.5)
    cortex = np.float32(8.0) + np.float32(5.0) * folds
    furrow = (np.float32(0.20) - np.abs(furrows)) * 9 - np.maximum(brain - 13, 0) * np.float32(0.6)
    midline = 1.4 - np.abs(x) - np.maximum(38 - np.abs(y), 0) * 0.25
    side = np.abs(x) - 10 - 0.16 * np.maximum(y, 0)
    ventricle = (1 - np.sqrt((side / 7) ** 2 + ((y + 2 - 0.2 * z) / 33) ** 2 + ((z - 6) / 17) ** 2)) * 7
    nuclei: Float32 = (1 - np.sqrt(((np.abs(x) - 21) / 9) ** 2 + ((y + 4) / 19) ** 2 + (z / 15) ** 2)) * 9
    soft = max(spacing[0], 1.5)
    inside = ramp(brain, soft)
    white = inside * ramp(brain - cortex, soft)
    deep = inside * ramp(nuclei, soft)
    wet = inside * np.maximum(ramp(furrow, soft), np.float32(0.8) * ramp(midline, soft))
    hollow = inside * ramp(ventricle, soft)
    layers = [
        ("scalp", ramp(depth, soft)),
        ("skull", ramp(depth - _SCALP, soft)),
        ("fluid", ramp(depth - _SKULL, soft)),
        ("grey", inside),
        ("white", white),
        ("grey", deep),
        ("fluid", wet),
        ("fluid", hollow),
    ]
    open_to_water = (np.float32(0.15) * inside + np.float32(0.85) * white) * (1 - wet) * (1 - hollow)
    return layers, np.asarray(open_to_water * (1 - np.float32(0.5) * deep), np.float32)


def _place(rng: np.random.Generator, radius: float, frontal: float | None) -> Millimetres:
    """Return a centre in one hemisphere, deep enough that most of the tumour lies within the brain.

    `frontal` sets how far before the middle it lies (mm), where the cohort has that trait.
    """
    side = 1.0 if rng.random() < 0.5 else -1.0
    reach = max(54.0 - radius, 20.0)
    x = side * rng.uniform(min(18.0, reach - 6), min(34.0, reach))
    y = rng.uniform(-1, 1) * max(62.0 - radius - 0.5 * abs(x), 8.0)
    y = y if frontal is None else -1.4 * frontal  # front is towards negative y
    return float(x), float(y), float(rng.uniform(-1, 1) * min(max(38.0 - 1.2 * radius, 0.0), 12.0))


def _compose(
    place: int,
    layers: list[tuple[str, Float32]],
    lesion: Lesion,
    brain: Float32,
    fine: Float32,
    physical: Mapping[str, float],
) -> Float32:
    signal = np.full(brain.shape, _SIGNAL["air"][place], np.float32)
    for tissue, share in layers:
        signal += share * (np.float32(_SIGNAL[tissue][place]) - signal)
    signal *= 1 + np.float32(0.03) * fine
    inside = ramp(brain, 1.5)
    uptake = physical["enhancement"] if SEQUENCES[place] == "T1CE" else 0.0
    field = (_CELL_WEIGHT[place] * lesion.cells + _VESSEL_WEIGHT[place] * lesion.vessels) * physical["heterogeneity"]
    viable = (_SIGNAL["tumour"][place] + uptake) * (1 + field)
    dead = _SIGNAL["core"][place] * (1 + _CORE_SHARE * field) + 0.20 * uptake
    signal += inside * ramp(lesion.body, 1.5) * (viable - signal)
    signal += inside * ramp(lesion.core, 4.0) * (dead - signal)
    return np.asarray(np.maximum(signal, 0), np.float32)
