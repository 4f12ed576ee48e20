"""Contrast in tissue over time: arterial input, two-compartment exchange, first pass, and the signal they give.

Sources: Parker et al., Magn Reson Med 56:993 (2006), the population input; Tofts et al., J Magn Reson Imaging 10:223
(1999), exchange; Ostergaard et al., Magn Reson Med 36:715 (1996), first pass. Times are in s, concentrations in mM.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.core.image import FloatArray

Array = npt.NDArray[np.floating[Any]]
HAEMATOCRIT = 0.42

_GAUSSIANS = ((0.809, 0.0563, 0.17046), (0.330, 0.132, 0.365))
_ALPHA, _BETA, _STEEP, _ONSET = 1.050, 0.1685, 38.078, 0.483


def parker(seconds: npt.ArrayLike, delay: float = 0.0) -> FloatArray:
    """Return the concentration (mM) in whole blood at `seconds` after the bolus of a standard dose arrives at `delay`.

    >>> round(float(parker(10.2).max()), 2)
    6.07
    """
    t = (np.asarray(seconds, np.float64) - delay) / 60
    bolus = sum(a / (s * np.sqrt(2 * np.pi)) * np.exp(-((t - m) ** 2) / (2 * s**2)) for a, s, m in _GAUSSIANS)
    tail = _ALPHA * np.exp(-_BETA * t) / (1 + np.exp(np.clip(-_STEEP * (t - _ONSET), -700, 700)))
    return np.where(t >= 0, np.asarray(bolus + tail), 0.0)


def exchange(
    step: float, inflow: Array, gain: Array, rate: Array, keep: npt.NDArray[np.int64] | None = None
) -> FloatArray:
    """Return gain x (inflow convolved with exp(-rate t)) at the times `keep` (indices), shape (times, *gain.shape).

    `inflow` (times,) is sampled every `step` seconds and taken as linear between samples, for which the result is
    exact; `gain` and `rate` are per second. Tofts: gain = Ktrans, rate = Ktrans / ve. First pass: gain = CBF,
    rate = CBF / CBV.
    """
    gain, rate = np.asarray(gain, np.float64), np.maximum(np.asarray(rate, np.float64), 1e-12)
    decay = np.exp(-rate * step)
    whole = -np.expm1(-rate * step) / rate
    late = np.where(rate * step > 1e-6, 1 / rate - whole / (rate * step), step / 2)
    wanted = np.arange(len(inflow)) if keep is None else keep
    out = np.zeros((len(wanted), *gain.shape))
    state, place = np.zeros(gain.shape), 0
    for index in range(len(inflow)):
        if index:
            state = decay * state + inflow[index - 1] * (whole - late) + inflow[index] * late
        while place < len(wanted) and wanted[place] == index:
            out[place] = gain * state
            place += 1
    return out


def tofts(seconds: Array, plasma: Array, ktrans: float, ve: float, vp: float = 0.0) -> FloatArray:
    """Return the tissue concentration (times,) of the (extended) Tofts model; `ktrans` per minute, evenly spaced times.

    >>> flat = tofts(np.arange(0.0, 6001.0), np.ones(6001), 0.2, 0.4)
    >>> round(float(flat[-1]), 4)  # in equilibrium ve times the plasma
    0.4
    """
    step, per_second = float(seconds[1] - seconds[0]), np.asarray(ktrans / 60)
    return np.asarray(exchange(step, plasma, per_second, per_second / ve) + vp * np.asarray(plasma), np.float64)


def spoiled(relaxation: Array, repetition: float, flip: float) -> FloatArray:
    """Return the spoiled gradient echo signal (share of M0) at R1 in 1/s, `repetition` in s and `flip` in degrees.

    >>> round(float(spoiled(np.array(1.0), 0.005, 15.0)), 4)
    0.0332
    """
    angle = np.deg2rad(flip)
    left = np.exp(-repetition * np.asarray(relaxation, np.float64))
    return np.asarray(np.sin(angle) * (1 - left) / (1 - np.cos(angle) * left), np.float64)


def arterial(step: float, duration: float, onset: float) -> FloatArray:
    """Return a first-pass input (mM): a gamma variate from `onset`, peak 8 mM, on a grid of `step` s."""
    t = np.maximum(np.arange(0.0, duration, step) - onset, 0.0)
    return np.asarray(8.0 * (t / 4.5) ** 3 * np.exp(3 * (1 - t / 4.5)), np.float64)
