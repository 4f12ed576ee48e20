"""Contrast in tissue over time: arterial input, two-compartment exchange, first pass, and the signal they give.

Sources: Parker et al., Magn Reson Med 56:993 (2006), the population input; Tofts et al., J Magn Reson Imaging 10:223
(1999), exchange; Ostergaard et al., Magn Reson Med 36:715 (1996), first pass; Feng et al., Int J Biomed Comput 32:95
(1993), the input of FDG; Huang et al., Am J Physiol 238:E69 (1980), its compartments. Times are in s, concentrations
in mM.
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


_FDG = ((-42.6911, -4.133859), (21.8798, -0.01043449), (20.8113, -0.1190996))
_FDG_RISE, _FDG_AT_AN_HOUR = 851.1225, 21.8798 * np.exp(-0.6260694) + 20.8113 * np.exp(-7.145976)


def fdg_plasma(seconds: npt.ArrayLike) -> FloatArray:
    """Return FDG in plasma at `seconds` after the injection, corrected for decay, relative to an hour after it.

    (A1 t - A2 - A3) exp(-l1 t) + A2 exp(-l2 t) + A3 exp(-l3 t) with the means of Feng et al. (1993).

    >>> round(float(fdg_plasma(3600.0)), 6)
    1.0
    """
    t = np.maximum(np.asarray(seconds, np.float64) / 60, 0)
    total = _FDG_RISE * t * np.exp(_FDG[0][1] * t) + sum(size * np.exp(rate * t) for size, rate in _FDG)
    return np.asarray(total / _FDG_AT_AN_HOUR, np.float64)


def _washed(minutes: FloatArray, rate: float) -> FloatArray:
    """Return the FDG input convolved with exp(-rate t), in closed form; `rate` per minute, 0 for what stays."""
    left = np.exp(-rate * minutes)
    total = np.zeros_like(minutes)
    for size, own in _FDG:
        total += size * (np.exp(own * minutes) - left) / (own + rate)
    slope = _FDG[0][1] + rate
    total += _FDG_RISE * (np.exp(_FDG[0][1] * minutes) * (minutes / slope - 1 / slope**2) + left / slope**2)
    return np.asarray(total / _FDG_AT_AN_HOUR, np.float64)


def trapped(seconds: npt.ArrayLike, k1: float, k2: float, k3: float) -> FloatArray:
    """Return FDG in tissue (two compartments, irreversible) at `seconds`, relative to plasma after an hour.

    Rates per minute. Corrected for decay; k1 / (k2 + k3) x (k3 + k2 exp(-(k2 + k3) t)) convolved with the input.

    >>> round(float(trapped(3600.0, 0.1, 0.13, 0.06)), 3)
    3.589
    """
    minutes = np.maximum(np.asarray(seconds, np.float64) / 60, 0)
    both = k2 + k3
    return np.asarray(k1 / both * (k3 * _washed(minutes, 0.0) + k2 * _washed(minutes, both)), np.float64)
