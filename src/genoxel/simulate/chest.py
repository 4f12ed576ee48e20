"""A thorax-like chest on CT: fat, muscle, ribs, spine, heart, vessels, airways, lungs and one nodule."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import ndimage

from genoxel.simulate.body import BodyModel, ellipsoid
from genoxel.simulate.fields import Float32, Millimetres, Size, field_pair, ramp
from genoxel.simulate.lesion import Axes, Lesion, axes_mm, draw_lesions
from genoxel.simulate.sites import Scanner
from genoxel.simulate.tissue import Tissue, classes

_AIR, _LUNG, _FAT, _SOFT, _BLOOD, _BONE, _MARROW = -1000.0, -860.0, -100.0, 45.0, 160.0, 420.0, 190.0
_NODULE = 20.0
_GLASS = -600.0
_WATER_PER_MM = 0.019


def draw_chest(
    rng: np.random.Generator,
    size: Size,
    spacing: Millimetres,
    physical: Mapping[str, float],
    iodine: tuple[float, float] = (1.0, 1.0),
) -> BodyModel:
    """Return the tissue of one chest with one nodule; `physical` maps trait -> quantity as in `traits`.

    `iodine` scales what contrast adds in blood and in the nodule: 0 is a native scan, others another phase or energy.
    """
    axes = axes_mm(size, spacing)
    scale = np.exp(0.03 * rng.standard_normal(3)).astype(np.float32)
    axes = (axes[0] / scale[0], axes[1] / scale[1], axes[2] / scale[2])
    soft = max(spacing[0], 1.5)
    body, chest, lungs, heart = _spaces(axes)
    values = _wall(axes, body, chest, soft)
    share = ramp(lungs, soft)
    values += share * (_lung(rng, axes, size, spacing) - values)
    values = _middle(axes, values, heart, soft, iodine[0])
    side = 1.0 if rng.random() < 0.5 else -1.0
    centre = (
        float(side * rng.uniform(70, 88) * scale[0]),
        float(rng.uniform(-18, 22) * scale[1]),
        float(rng.uniform(-18, 18)),
    )
    if "location" in physical:
        centre = (centre[0], centre[1], float(np.clip(physical["location"], -24, 24)))
    plain = axes_mm(size, spacing)
    lesion = draw_lesions(rng, plain, spacing, centre, {**physical, "oedema": 0.0})
    values += ramp(chest, soft) * ramp(lesion.body, soft) * (_nodule(lesion, physical, iodine[1]) - values)
    tumour = (lesion.main() > 0) & (chest > 0)
    others = {"PTV": (lesion.body > -8) & (body > 0), "Heart": (heart > 0) & ~tumour, **lesion.named(chest > 0)}
    hounsfield = np.asarray(values, np.float32)
    central = np.asarray(np.minimum(70 - np.abs(axes[0]), 58 - axes[1]) + 0 * axes[2], np.float32)
    tissue = Tissue(classes(hounsfield, central), lesion, ramp(chest, soft))
    return BodyModel(hounsfield[np.newaxis], tumour, others, spacing, tissue)


def _spaces(axes: Axes) -> tuple[Float32, Float32, Float32, Float32]:
    x, y, z = axes
    body = _squircle(x, y, 152, 106) + 0 * z
    chest = _squircle(x, y - 2, 126, 82) + 0 * z
    heart = ellipsoid(axes, (24, -26, -34), (52, 44, 52))
    left = ellipsoid(axes, (70, 4, -6), (54, 76, 150))
    right = ellipsoid(axes, (-70, 4, -6), (55, 78, 150))
    lungs = np.minimum(np.maximum(left, right), np.minimum(chest - 2, -heart - 2))
    return body, chest, np.asarray(lungs, np.float32), heart


def _squircle(x: Float32, y: Float32, a: float, b: float) -> Float32:
    ratio = (np.abs(x / np.float32(a)) ** 2.6 + np.abs(y / np.float32(b)) ** 2.6) ** np.float32(1 / 2.6)
    return np.asarray((1 - ratio) * np.float32(b), np.float32)


def _wall(axes: Axes, body: Float32, chest: Float32, soft: float) -> Float32:
    x, y, z = axes
    values = np.full(body.shape, _AIR, np.float32)
    values += ramp(body, soft) * (np.float32(_FAT) - values)
    values += ramp(np.minimum(body - 10, chest + 13), soft) * (np.float32(_SOFT + 10) - values)
    angle = np.arctan2(y, np.abs(x))
    slope = np.cos(2 * np.pi * z / 24 + 9.0 * angle) + 0.25 * np.sin(3 * angle)
    rib = np.minimum(4.0 - np.abs(chest + 6), (slope - 0.35) * 4)
    values += ramp(rib, soft) * (np.float32(_BONE) - values)
    values += ramp(chest, soft) * (np.float32(_FAT + 95) - values)
    return _spine(axes, values, soft)


def _spine(axes: Axes, values: Float32, soft: float) -> Float32:
    x, y, z = axes
    disc = 0.55 + 0.45 * np.tanh(6 * (np.cos(2 * np.pi * z / 28) + 0.7))
    vertebra = (1 - np.sqrt((x / 21) ** 2 + ((y - 56) / 16) ** 2)) * 18 + 0 * z
    wings = np.minimum(5 - np.abs(y - 80 + 0.2 * np.abs(x)), 30 - np.abs(x)) + 0 * z
    spike = np.minimum(3.5 - np.abs(x), 9 - np.abs(y - 90)) + 0 * z
    canal = 8 - np.hypot(x, y - 76) + 0 * z
    hard = ((np.maximum(wings, spike), _BONE - 120), (vertebra, _BONE - 60), (vertebra - 3, _MARROW))
    for shape, target in hard:
        values += ramp(shape, soft) * disc.astype(np.float32) * (np.float32(target) - values)
    values += ramp(canal, soft) * (np.float32(30) - values)
    return values


def _lung(rng: np.random.Generator, axes: Axes, size: Size, spacing: Millimetres) -> Float32:
    """Return lung with dependent density and branching vessels (where two fields are both near zero: curves)."""
    one, two = field_pair(rng, size, spacing, 13.0)
    fine, coarse = field_pair(rng, size, spacing, 6.0)
    root = np.clip(1.5 - np.abs(np.abs(axes[0]) - 30) / 60, 0.35, 1.0)
    width = np.float32(0.05) * root**2
    vessel = np.exp(-(one**2 + two**2) / width)
    small = np.exp(-((one - 0.8) ** 2 + (fine - 0.5) ** 2) / 0.04)
    base = _LUNG + 0.35 * axes[1] + 18 * fine + 12 * coarse
    return np.asarray(base + 800 * vessel + 330 * small, np.float32)


def _middle(axes: Axes, values: Float32, heart: Float32, soft: float, iodine: float) -> Float32:
    x, y, z = axes
    blood = _BLOOD if iodine == 1 else _SOFT + iodine * (_BLOOD - _SOFT)
    values += ramp(heart, soft) * (np.float32(_SOFT) - values)
    values += ramp(np.asarray(heart - 12, np.float32), 6.0) * (np.float32(blood - 20 * min(iodine, 1.0)) - values)
    tubes = (
        (np.hypot(x - 26, y - 48) + 0 * z, 12.0, blood),
        (np.hypot(x + 12 + 0.1 * z, y + 24) + np.maximum(-z, 0), 15.0, blood),
        (np.hypot(x + 30, y + 12) + np.maximum(-z, 0), 9.0, blood + 30 * min(iodine, 1.0)),
        (np.hypot(np.abs(x) - np.maximum(14 - 0.5 * z, 0), y - 14) + 0.4 * np.maximum(-z - 25, 0), 8.0, _AIR + 20),
    )
    for away, radius, target in tubes:
        values += ramp(np.asarray(radius - away, np.float32), soft) * (np.float32(target) - values)
    return values


def _nodule(lesion: Lesion, physical: Mapping[str, float], iodine: float) -> Float32:
    field = np.asarray(physical["heterogeneity"], np.float32) * (0.75 * lesion.cells + 0.66 * lesion.vessels)
    dead = ramp(lesion.core, 4.0)
    uptake = iodine * physical["enhancement"]
    solid = np.asarray(_NODULE + uptake * (1 - dead) + field * (1 - 0.75 * dead), np.float32)
    if "solid" not in physical:
        return solid
    # A part-solid nodule: the same shape, shrunk, is solid; the rest is ground glass.
    glass = np.float32(_GLASS) + np.float32(1.5) * field
    return np.asarray(glass + solid_share(lesion, physical) * (solid - glass), np.float32)


def solid_share(lesion: Lesion, physical: Mapping[str, float]) -> Float32:
    """Return the share of solid tissue per voxel of a part-solid nodule; the rest is ground glass."""
    return ramp(lesion.body - np.float32((1 - min(physical["solid"], 0.95)) * physical["size"]), 2.0)


def scan_chest(rng: np.random.Generator, model: BodyModel, scanner: Scanner) -> dict[str, Float32]:
    """Return what the scanner shows of `model`: {"CT": HU}, noise growing with the path as for counted photons."""
    hounsfield = model.signal[0]
    size = hounsfield.shape
    attenuation = _WATER_PER_MM * np.maximum(1 + hounsfield / 1000, 0)
    across = attenuation.sum(axis=0, keepdims=True) * model.spacing[0]
    down = attenuation.sum(axis=1, keepdims=True) * model.spacing[1]
    path = (across + down) / 2
    level = scanner.dose * np.exp((path - 2.5) / 4)
    noise = rng.standard_normal(size, dtype=np.float32)
    width = 0.35 if scanner.sharp else 0.7
    noise = ndimage.gaussian_filter(noise, (width, width, 0), mode="wrap")
    noise *= np.float32((1.4 if scanner.sharp else 1.0) / noise.std())
    shown = np.clip(np.rint(hounsfield + level * noise), -1024, 3071)
    return {"CT": np.asarray(shown, np.float32)}
