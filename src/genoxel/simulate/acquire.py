"""Acquisitions beyond the basic images: diffusion, bolus and exchange series, FDG-PET; each with its true map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import ndimage

from genoxel.core.image import FloatArray, Image
from genoxel.simulate import prostate
from genoxel.simulate.fields import Float32, Millimetres, ramp
from genoxel.simulate.kinetics import HAEMATOCRIT, arterial, exchange, parker, spoiled
from genoxel.simulate.lesion import axes_mm
from genoxel.simulate.sites import Scanner
from genoxel.simulate.tissue import Tissue


@dataclass(frozen=True)
class Series:
    """One acquisition: its volumes in order, what is special about each (DICOM keyword -> value), and true maps.

    `seconds` holds the start of each volume after that of the series; `curve` the input (s, concentration).
    """

    name: str
    volumes: tuple[Image, ...]
    each: tuple[Mapping[str, Any], ...]
    maps: Mapping[str, Float32] = field(default_factory=dict)
    curve: tuple[tuple[float, float], ...] = ()
    seconds: tuple[float, ...] = ()


@dataclass(frozen=True)
class Scene:
    """What an acquisition looks at: tissue on a grid, the tumour's physical quantities, and the scanner."""

    body: str
    tissue: Tissue
    spacing: Millimetres
    affine: FloatArray
    physical: Mapping[str, Any]
    scanner: Scanner
    signal: Float32

    def image(self, values: Float32, modality: str = "MR", unit: str = "") -> Image:
        """Return an image on the grid of the scene."""
        return Image(np.asarray(values, np.float32), self.affine, modality, unit)


# Apparent diffusion coefficient (10^-3 mm²/s), longitudinal relaxation (1/s), blood volume (white matter: 1).
_ADC = {
    "mr": {"scalp": 0.5, "skull": 0.2, "fluid": 3.0, "grey": 0.85, "white": 0.75, "oedema": 1.45},
    "prostate": prostate.ADC,
}
_CORE_ADC = 1.9
_R1 = {
    "mr": {"scalp": 2.6, "skull": 0.3, "fluid": 0.25, "grey": 0.75, "white": 1.15, "oedema": 0.65},
    "breast": {"skin": 0.9, "fat": 0.2, "gland": 0.75, "muscle": 0.8, "bone": 0.6, "lung": 0.02, "blood": 0.65},
    "prostate": {
        "fat": 2.6,
        "muscle": 0.8,
        "bone": 1.6,
        "cortex": 0.02,
        "capsule": 0.7,
        "urine": 0.3,
        "rectum": 0.6,
        "transition": 0.65,
        "peripheral": 0.6,
    },
}
_TUMOUR_R1 = 0.6
_BACKGROUND_KTRANS = {
    "mr": {},
    "breast": {"gland": 0.03, "muscle": 0.04, "skin": 0.05, "blood": 0.4},
    "prostate": {"muscle": 0.04, "transition": 0.09, "peripheral": 0.05},
}
_HEALTHY_KEP = 0.5
_BLOOD = {"scalp": 1.2, "grey": 2.2, "white": 1.0, "oedema": 0.8, "fluid": 0.05}
_WHITE_VOLUME = 0.025
_TRANSIT = 4.0
_UPTAKE = {
    "mr": {"scalp": 0.6, "skull": 0.3, "fluid": 0.6, "grey": 8.0, "white": 3.2, "oedema": 2.6},
    "ct": {"lung": 0.4, "fat": 0.3, "soft": 0.9, "blood": 1.9, "bone": 1.2},
}
_TIMING = {"mr": (30, 10.0, 40.0), "breast": (6, 70.0, 65.0), "prostate": (24, 8.0, 30.0)}
"""Exchange series: number of volumes, seconds between them, arrival of the bolus in s."""

_FAT = {"mr": {"scalp": 0.40}, "prostate": {"fat": 0.80, "bone": 0.48}}
"""Signal of fat and marrow on the T2 weighted images, which echo-planar sequences suppress."""

_WEIGHT = {"mr": 1.0, "prostate": 0.6}
"""Power of the T2 weighted signal that remains: the prostate's images have the longer echo time."""

_RELAXIVITY, _SLOPE, _ECHO = 4.5, 44.0, 0.030
_B_VALUES = {"mr": (0, 50, 500, 1000), "prostate": (0, 100, 400, 800)}
_FRAMES, _STEP, _ONSET, _LAST = 50, 1.5, 18.0, 10
DOSE_BQ, HALF_LIFE, DELAY_S = 300e6, 6586.2, 3600.0
_BLUR_MM, _COUNTS = 5.0, 260.0


def diffusion(random: np.random.Generator, scene: Scene) -> Series:
    """Return one volume per b-value, S0 exp(-b ADC), and the map of ADC in 10^-3 mm²/s."""
    spread = 0.5 * scene.physical["heterogeneity"]
    core = _CORE_ADC if scene.body == "mr" else scene.physical["adc"]
    adc = np.maximum(scene.tissue.paint(_ADC[scene.body], scene.physical["adc"], core, spread), np.float32(0.02))
    plain = _echo_planar(scene)
    volumes, each = [], []
    for b in _B_VALUES[scene.body]:
        volumes.append(scene.image(_shown(random, plain * np.exp(-b * adc / 1000), scene.scanner)))
        each.append({"DiffusionBValue": float(b)})
    return Series("DWI", tuple(volumes), tuple(each), {"adc": adc})


def bolus(random: np.random.Generator, scene: Scene) -> Series:
    """Return the first pass of contrast in T2* weighted volumes, and maps of relative blood volume and recovery.

    S = S0 exp(-TE r2* C), C = CBF (input convolved with exp(-t / MTT)), MTT = 4 s everywhere. What leaks out of
    vessels, where the cohort has that trait, is `leakage` times the integral of the input, and stays. The recovery
    ("psr") is that of the signal without noise: (end - minimum) / (start - minimum), the end being the last 15 s.
    """
    spread = 0.6 * scene.physical["heterogeneity"]
    volume = np.maximum(scene.tissue.paint(_BLOOD, scene.physical["rcbv"], 0.2, spread), np.float32(0.0))
    inflow = arterial(_STEP, _FRAMES * _STEP, _ONSET)
    unit = exchange(_STEP, inflow, np.array(1 / _TRANSIT), np.array(1 / _TRANSIT))
    leaked = np.cumsum(inflow) * _STEP / 60
    leakage = scene.tissue.paint({}, scene.physical.get("leakage", 0.0), 0.0)
    vessel, plain = _vessel(scene), _echo_planar(scene)
    lowest, last = np.ones(plain.shape, np.float32), np.zeros(plain.shape, np.float32)
    volumes, each = [], []
    for place in range(_FRAMES):
        tissue = _WHITE_VOLUME * volume * unit[place] + leakage * leaked[place]
        shown = np.exp(-_ECHO * _SLOPE * (tissue * (1 - vessel) + vessel * inflow[place] * 0.25))
        lowest, last = np.minimum(lowest, shown), last + (shown / _LAST if place >= _FRAMES - _LAST else 0)
        volumes.append(scene.image(_shown(random, plain * shown, scene.scanner, 0.4)))
        each.append(_time(place))
    seconds = tuple(place * _STEP for place in range(_FRAMES))
    curve = tuple((second, float(value)) for second, value in zip(seconds, inflow, strict=True))
    recovery = np.where(lowest < 0.99, (last - lowest) / np.maximum(1 - lowest, 1e-6), 0)
    maps = {"rcbv": np.asarray(volume, np.float32), "psr": np.asarray(recovery, np.float32)}
    return Series("DSC", tuple(volumes), tuple(each), maps, curve, seconds)


def exchange_series(random: np.random.Generator, scene: Scene) -> Series:
    """Return T1 weighted volumes while contrast enters the tissue (Tofts), and the maps of Ktrans and kep (1/min)."""
    count, step, onset = _TIMING[scene.body]
    times = np.arange(0.0, (count - 1) * step + 1.0)
    blood = parker(times, onset)
    plasma = blood / (1 - HAEMATOCRIT)
    spread = 0.6 * scene.physical["heterogeneity"]
    ktrans = np.maximum(
        scene.tissue.paint(_BACKGROUND_KTRANS[scene.body], scene.physical["ktrans"], 0.004, spread), np.float32(0)
    )
    healthy = dict.fromkeys((name for name, _ in scene.tissue.layers), _HEALTHY_KEP)
    kep = scene.tissue.paint(healthy, scene.physical["kep"], scene.physical["kep"])
    keep = (np.arange(count) * step).astype(np.int64)
    active = ktrans > 1e-4
    tissue = exchange(1.0, plasma, ktrans[active] / 60, kep[active] / 60, keep).astype(np.float32)
    relaxation = scene.tissue.paint(_R1[scene.body], _TUMOUR_R1, 0.5)
    vessel = _vessel(scene)
    volumes, each = [], []
    for place in range(count):
        concentration = np.zeros(ktrans.shape, np.float32)
        concentration[active] = tissue[place]
        concentration += vessel * (np.float32(blood[keep[place]]) - concentration)
        shown = np.where(relaxation > 0.05, spoiled(relaxation + _RELAXIVITY * concentration, 0.005, 12.0) * 10, 0.01)
        volumes.append(scene.image(_shown(random, np.asarray(shown, np.float32), scene.scanner)))
        each.append(_time(place))
    curve = tuple((float(second), float(plasma[second])) for second in keep)
    maps = {"ktrans": ktrans, "kep": np.asarray(np.where(active, kep, 0), np.float32)}
    return Series("DCE", tuple(volumes), tuple(each), maps, curve, tuple(float(second) for second in keep))


def positrons(random: np.random.Generator, scene: Scene, weight_kg: float) -> Series:
    """Return FDG-PET in Bq/ml at the start of the scan, an hour after the injection, and the map of SUV before blur.

    Blur of 5 mm (full width at half maximum), then counted: Poisson noise, which the smoothing of the
    reconstruction correlates. What the scanner measures has decayed since the injection.
    """
    suv = uptake_map(scene)
    counted = counts(random, suv, scene.spacing, _COUNTS) / _COUNTS
    activity = counted * (DOSE_BQ / (1000 * weight_kg)) * 2 ** (-DELAY_S / HALF_LIFE)
    return Series("PT", (scene.image(np.asarray(activity, np.float32), "PT", "Bq/ml"),), ({},), {"suv": suv})


def uptake_map(scene: Scene) -> Float32:
    """Return FDG per voxel as SUV an hour after the injection, before any blur."""
    spread = scene.physical["heterogeneity"] / (1.0 if scene.body == "mr" else 170.0)
    return np.maximum(scene.tissue.paint(_UPTAKE[scene.body], scene.physical["uptake"], 0.6, spread), np.float32(0.0))


def counts(random: np.random.Generator, values: Float32, spacing: Millimetres, sensitivity: float) -> Float32:
    """Return counts of `values`, blurred by 5 mm (full width at half maximum), noise correlated by reconstruction."""
    sigma = [_BLUR_MM / 2.355 / step for step in spacing]
    mean = ndimage.gaussian_filter(values, sigma) * sensitivity
    counted = random.poisson(np.maximum(mean, 0)).astype(np.float32)
    return np.asarray(ndimage.gaussian_filter(counted, [0.5 * one for one in sigma]), np.float32)


def _echo_planar(scene: Scene) -> Float32:
    """Return the signal of an echo-planar sequence: fat suppressed, and weighted by T2 as its echo time says."""
    water = np.maximum(scene.signal - scene.tissue.paint(_FAT[scene.body], 0.0, 0.0), np.float32(0.01))
    power = np.float32(_WEIGHT[scene.body] - 1)
    return np.asarray(water * np.maximum(water, np.float32(0.15)) ** power, np.float32)


def _time(place: int) -> dict[str, Any]:
    return {"TemporalPositionIdentifier": place + 1}


def _vessel(scene: Scene) -> Float32:
    """Return the share of a large vessel in which the input can be measured."""
    x, y, z = axes_mm(scene.signal.shape[:3], scene.spacing)
    places = {"mr": (0.0, 70.0, 5.0), "breast": (14.0, 66.0, 6.0), "prostate": (46.0, -30.0, 5.5)}
    across, down, radius = places[scene.body]
    return ramp(np.asarray(radius - np.hypot(x - across, y - down) + 0 * z, np.float32), 1.5)


def _shown(random: np.random.Generator, signal: Float32, scanner: Scanner, share: float = 0.6) -> Float32:
    """Return whole numbers with Rician noise, `share` of that of the basic images."""
    noise = random.standard_normal((2, *signal.shape), dtype=np.float32) * np.float32(share * scanner.noise)
    return np.asarray(np.rint(np.hypot(signal + noise[0], noise[1]) * np.float32(1.6 * scanner.scale)), np.float32)
