"""Dynamic FDG-PET: frames from the injection on, counted and not corrected for decay, by a stated compartment model."""

from __future__ import annotations

import numpy as np

from genoxel.core.image import FloatArray
from genoxel.simulate.acquire import DOSE_BQ, HALF_LIFE, Scene, Series, counts, uptake_map
from genoxel.simulate.fields import Float32
from genoxel.simulate.kinetics import fdg_plasma, trapped

FRAMES_S = (*(15.0,) * 8, *(30.0,) * 6, *(120.0,) * 5, *(300.0,) * 9)
"""Duration of each frame in s; they follow one another from the injection on, an hour in all."""

RATES = {"tumour": (0.20, 0.10), "elsewhere": (0.13, 0.06)}
"""k2 and k3 per minute; K1 follows from the uptake after an hour."""

PLASMA_SUV = 1.9
_COUNTS_PER_S = 1.5


def frame_starts() -> FloatArray:
    """Return the start of each frame in s after the injection (frames,)."""
    return np.asarray(np.concatenate([[0.0], np.cumsum(FRAMES_S)[:-1]]), np.float64)


def frame_means(k2: float, k3: float) -> tuple[FloatArray, FloatArray]:
    """Return per frame (frames,) the means of decaying activity in tissue (corrected, 1 after an hour) and in plasma.

    Integrals by Gauss and Legendre's rule with twenty points per frame.
    """
    points, weights = np.polynomial.legendre.leggauss(20)
    starts, lengths = frame_starts(), np.array(FRAMES_S)
    seconds = starts[:, None] + lengths[:, None] * (points + 1) / 2
    decay = 2 ** (-seconds / HALF_LIFE)
    tissue = trapped(seconds, 1.0, k2, k3) / trapped(3600.0, 1.0, k2, k3)
    return (tissue * decay) @ weights / 2, (fdg_plasma(seconds) * decay) @ weights / 2


def dynamic_positrons(random: np.random.Generator, scene: Scene, weight_kg: float) -> Series:
    """Return an hour of FDG-PET in Bq/ml as counted (decaying), with maps of SUV after an hour and influx Ki (1/min).

    Each voxel is a mixture of two tissues, tumour and the rest, whose curves are those of `trapped` with `RATES`,
    scaled to the voxel's uptake after an hour. There is no blood volume in tissue.
    """
    suv = uptake_map(scene)
    living = scene.tissue.viable() * suv
    shapes = {name: frame_means(*rates)[0] for name, rates in RATES.items()}
    volumes, each = [], []
    scale = DOSE_BQ / (1000 * weight_kg)
    for place, (start, length) in enumerate(zip(frame_starts(), FRAMES_S, strict=True)):
        mean = living * shapes["tumour"][place] + (suv - living) * shapes["elsewhere"][place]
        sensitivity = _COUNTS_PER_S * length
        counted = counts(random, np.asarray(mean, np.float32), scene.spacing, sensitivity) / sensitivity
        volumes.append(scene.image(np.asarray(counted * scale, np.float32), "PT", "Bq/ml"))
        facts = {"ActualFrameDuration": str(round(1000 * length)), "FrameReferenceTime": 1000 * (start + length / 2)}
        each.append(facts)
    maps = {"suv": suv, "influx": _influx(living, suv)}
    starts = tuple(float(second) for second in frame_starts())
    curve = tuple((float(second), float(PLASMA_SUV * fdg_plasma(second))) for second in starts)
    return Series("PTDYN", tuple(volumes), tuple(each), maps, curve, starts)


def _influx(living: Float32, suv: Float32) -> Float32:
    """Return Ki = K1 k3 / (k2 + k3) per voxel, from the uptake after an hour and plasma of `PLASMA_SUV` then."""
    total = np.zeros(suv.shape, np.float32)
    for name, amount in (("tumour", living), ("elsewhere", suv - living)):
        k2, k3 = RATES[name]
        k1 = amount / np.float32(PLASMA_SUV * trapped(3600.0, 1.0, k2, k3))
        total += np.asarray(k1 * np.float32(k3 / (k2 + k3)), np.float32)
    return total
