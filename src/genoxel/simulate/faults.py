"""What goes wrong in hospitals, planted with a known severity: into one image and contour, or into a cohort's share.

What is planted is known, so what is found can be counted. The first of three severities is invisible at a glance;
a cohort's severity from 0 to 1 runs over the same scale.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import SettingsError, nearest
from genoxel.core.image import FloatArray, Image
from genoxel.core.mask import Mask
from genoxel.simulate.plan import Person, stream
from genoxel.simulate.spec import SimulationSpec

Pair = tuple[Image, Mask]

SEVERITIES: Mapping[str, tuple[str, str, str]] = {
    "noise": ("1.25 times the noise", "2 times", "4 times"),
    "motion": ("1 mm", "3 mm", "6 mm"),
    "missing slices": ("1 slice", "2 slices", "4 slices"),
    "cut by the edge": ("the outermost layer", "a quarter of the length", "half of the length"),
    "metal": ("a clip of 1 mm", "a ball of 3 mm", "a ball of 8 mm"),
    "orientation": ("left-right", "front-back", "a quarter turn"),
    "stray voxels": ("1 voxel", "10 voxels", "100 voxels"),
    "mostly air": ("55 % air", "75 % air", "95 % air"),
    "whole image": ("half of the body", "three quarters of the body", "the whole body"),
    "flipped contour": ("head-foot", "left-right", "front-back"),
}
"""Fault -> what severity 1, 2 and 3 mean (motion: within a slice for MR, between slices for CT)."""

_HOUNSFIELD = (-1024, 3071)
"""What 12 bits of a CT hold."""


def plant(image: Image, mask: Mask, fault: str, severity: int, rng: np.random.Generator) -> Pair:
    """Return `image` and `mask` with one `fault` of `severity` 1, 2 or 3; `SettingsError` for an unknown one.

    >>> image, mask = Image(np.zeros((8, 8, 8)), np.eye(4)), Mask(np.ones((8, 8, 8), np.uint8), np.eye(4))
    >>> plant(image, mask, "missing slices", 1, np.random.default_rng(0))[0].shape
    (8, 8, 7)
    """
    if fault not in _FAULTS or severity not in (1, 2, 3):
        legal = f"{', '.join(_FAULTS)}; severity 1, 2, 3"
        raise SettingsError(f"the fault {fault!r} of severity {severity}", legal, nearest(fault, _FAULTS))
    return _FAULTS[fault](image, mask, severity, rng)


def fault_of(spec: SimulationSpec, person: Person) -> str:
    """Return the fault of a patient, empty for none; the shares are exact counts."""
    order = stream(spec, "faults2").permutation(spec.n)
    place = int(np.flatnonzero(order == person.index)[0])
    for name, share in spec.imaging.faults.items():
        count = round(share * spec.n)
        if place < count:
            return name
        place -= count
    return ""


def damaged(
    spec: SimulationSpec, person: Person, images: Mapping[str, Image], fault: str
) -> tuple[dict[str, Image], tuple[int, ...]]:
    """Return (images as the fault leaves them, slices to leave out of the delivery)."""
    level = 1 + 2 * spec.imaging.severity
    first = next(iter(images.values()))
    if fault == "missing-slices":
        return dict(images), _left_out(first.shape[2], level, stream(spec, "faults2", person.index))
    if fault == "wrong-orientation":
        return {name: _mislabelled(image, round(level)) for name, image in images.items()}, ()
    spot = np.zeros(3)
    if fault == "metal":
        where = _body(first)
        if spec.modality == "breast":  # a clip lies in a breast, not in the heart behind it
            where[:, int(0.7 * where.shape[1]) :] = False
        spot = _spot(first, where, stream(spec, "faults2", person.index))
    found = {}
    for place, (name, image) in enumerate(images.items()):
        random = stream(spec, "faults2", person.index, place)
        if fault == "motion":
            found[name] = _moved(image, level, random)
        elif fault == "metal":
            found[name] = _with_metal(image, spot, level, random)
        elif fault == "noise":
            found[name] = _noisy(image, level, random)
    return found or dict(images), ()


def lost_slices(image: Image, first: Image, skipped: tuple[int, ...]) -> tuple[int, ...]:
    """Return which slices of `image` lie where `skipped` ones of `first` do; of thicker slices at least the nearest.

    Both share their slice direction and may differ in thickness.
    """
    if not skipped:
        return ()
    way = first.affine[:3, 2] / first.spacing[2]
    start = float(way @ (image.affine[:3, 3] - first.affine[:3, 3]))
    centres = start + image.spacing[2] * np.arange(image.shape[2])
    low, high = (first.spacing[2] * (skipped[end] + side) for end, side in ((0, -0.5), (-1, 0.5)))
    inside = np.flatnonzero((centres > low - 1e-6) & (centres < high - 1e-6))
    return tuple(int(k) for k in inside) or (int(np.argmin(np.abs(centres - (low + high) / 2))),)


def _amount(steps: tuple[float, float, float], level: float) -> float:
    """Return the amount at a level from 1 to 3, where `steps` holds those of 1, 2 and 3."""
    return float(np.interp(level, (1, 2, 3), steps))


def _body(image: Image) -> npt.NDArray[np.bool_]:
    """Return where soft tissue may hold a clip."""
    from genoxel.image.qc import body_of

    values = image.values()
    return (values > 0) & (values < 300) if image.unit == "HU" else body_of(image)


def _changed(image: Image, array: npt.NDArray[Any]) -> Image:
    return replace(image, array=np.ascontiguousarray(array, dtype=np.float32))


def _noise(image: Image, mask: Mask, severity: int, rng: np.random.Generator) -> Pair:
    return _noisy(image, severity, rng), mask


def _noisy(image: Image, level: float, rng: np.random.Generator) -> Image:
    from genoxel.image.denoise import noise_level
    from genoxel.image.qc import body_of

    values = image.values().astype(np.float64)
    width = noise_level(values, body_of(image)) * np.sqrt(_amount((1.25, 2.0, 4.0), level) ** 2 - 1)
    noise = rng.normal(0, width, (2, *values.shape))
    if image.unit == "HU":
        return _changed(image, np.clip(np.rint(values + noise[0]), *_HOUNSFIELD))
    return _changed(image, np.rint(np.hypot(values + noise[0], noise[1])))


def _motion(image: Image, mask: Mask, severity: int, rng: np.random.Generator) -> Pair:
    return _moved(image, severity, rng), mask


def _moved(image: Image, level: float, rng: np.random.Generator) -> Image:
    """Return the image of a patient who moved: between the slices of a CT, between the lines of k-space on MR."""
    from scipy.ndimage import shift

    values, amount = image.values().astype(np.float64), _amount((1.0, 3.0, 6.0), level)
    if image.unit == "HU":
        moves = rng.normal(0, amount / np.sqrt(2), (values.shape[2], 2)) / np.array(image.spacing[:2])
        slices = [shift(values[:, :, k], moves[k], order=1, mode="nearest") for k in range(values.shape[2])]
    else:
        slices = [_ghosted(values[:, :, k], amount / image.spacing[1], rng) for k in range(values.shape[2])]
    return _changed(image, np.rint(np.stack(slices, axis=2)))


def _ghosted(picture: FloatArray, steps: float, rng: np.random.Generator) -> FloatArray:
    """Return a slice whose lines of k-space were taken while the patient swayed along the second axis."""
    lines = picture.shape[1]
    places = np.fft.fftfreq(lines)
    sway = steps * np.sin(2 * np.pi * (np.arange(lines) / lines * rng.uniform(6, 14) + rng.random()))
    # lines are acquired from one edge of k-space to the other
    order = np.argsort(np.argsort(places))
    moved = np.fft.fft2(picture) * np.exp(-2j * np.pi * places * sway[order])[None, :]
    return np.asarray(np.abs(np.fft.ifft2(moved)))


def _missing(image: Image, mask: Mask, severity: int, rng: np.random.Generator) -> Pair:
    kept = np.delete(np.arange(image.shape[2]), _left_out(image.shape[2], severity, rng))
    inside = np.ascontiguousarray(np.asarray(mask.array)[:, :, kept])
    return _changed(image, image.values()[:, :, kept]), replace(mask, array=inside)


def _left_out(size: int, level: float, rng: np.random.Generator) -> tuple[int, ...]:
    count = round(_amount((1, 2, 4), level))
    first = int(rng.integers(size // 3, max(size // 3 + 1, 2 * size // 3 - count)))
    return tuple(range(first, first + count))


def _cut_off(image: Image, mask: Mask, severity: int, rng: np.random.Generator) -> Pair:
    axis = int(rng.integers(3))
    held = np.flatnonzero(np.asarray(mask.array).any(axis=tuple(one for one in range(3) if one != axis)))
    share = (0.0, 0.25, 0.5)[severity - 1]
    last = int(held[-1]) - max(1, round(share * held.size))
    piece = tuple(slice(0, last + 1) if one == axis else slice(None) for one in range(3))
    inside = np.ascontiguousarray(np.asarray(mask.array)[piece])
    return _changed(image, image.values()[piece]), replace(mask, array=inside)


def _metal(image: Image, mask: Mask, severity: int, rng: np.random.Generator) -> Pair:
    return _with_metal(image, _spot(image, _body(image) & (np.asarray(mask.array) == 0), rng), severity, rng), mask


def _spot(image: Image, where: npt.NDArray[np.bool_], rng: np.random.Generator) -> FloatArray:
    """Return a place in mm (LPS) at one of the voxels `where`."""
    solid = np.argwhere(where)
    return np.asarray(image.grid.to_patient(solid[rng.integers(len(solid))])[0], np.float64)


def _with_metal(image: Image, centre: FloatArray, level: float, rng: np.random.Generator) -> Image:
    """Return the image with a ball of metal: streaks on CT, a void in a distorted surrounding on MR."""
    radius = _amount((1.0, 3.0, 8.0), level)
    values = image.values().astype(np.float64)
    places = image.grid.to_patient(np.argwhere(np.ones(image.shape, dtype=bool)))
    offset = (places - centre).reshape(*image.shape, 3)
    away = np.linalg.norm(offset, axis=3)
    if image.unit != "HU":
        return _changed(image, np.rint(_distorted(values, offset, away, radius, image.spacing)))
    # a thing smaller than a voxel fills a part of it
    share = np.clip((radius - away) / max(image.spacing[0], 1.0) + 0.5, 0, 1)
    for k in np.flatnonzero(share.any(axis=(0, 1))):
        values[:, :, k] = _streaked(values[:, :, k], share[:, :, k], image.spacing[0], rng)
    return _changed(image, np.clip(np.rint(values), *_HOUNSFIELD))


def _distorted(
    values: FloatArray, offset: FloatArray, away: FloatArray, radius: float, spacing: tuple[float, ...]
) -> FloatArray:
    """Return an MR image around a ball in whose dipole field lines move along the first axis and spins lose phase.

    The field of a magnetised ball falls with the third power of the distance. Lines at its poles move by 8 mm, and
    voxels within twice its radius are empty; both were chosen to look right, and stand for no material.
    """
    from scipy.ndimage import map_coordinates

    near = np.maximum(away, radius)
    dipole = (radius / near) ** 3 * (3 * (offset[..., 2] / near) ** 2 - 1) / 2
    places = np.indices(values.shape).astype(np.float64)
    places[0] += 8.0 * dipole / spacing[0]
    moved = map_coordinates(values, places, order=1, mode="nearest")
    stretch = 1 + np.gradient(8.0 * dipole, spacing[0], axis=0)
    kept = np.clip((away - 2 * radius) / max(radius, spacing[0]) + 0.5, 0, 1)
    return np.asarray(moved * np.clip(np.abs(stretch), 0.3, 3.0) * kept)


def _streaked(picture: FloatArray, share: FloatArray, pixel_mm: float, rng: np.random.Generator) -> FloatArray:
    """Return a CT slice with metal: rays through it read too little, and each its own noise, since few photons come."""
    from skimage.transform import iradon, radon

    size = max(picture.shape)
    square = np.zeros((size, size))
    square[: picture.shape[0], : picture.shape[1]] = share
    angles = np.arange(0.0, 180.0, 0.75)
    clean = radon(square, angles, circle=False) * pixel_mm
    lost = np.maximum(clean * 0.2 - 0.6, 0) * (1 + 0.6 * rng.standard_normal(clean.shape))
    streaks = iradon(lost / pixel_mm, angles, circle=False, filter_name="hann") / 0.019 * 1000
    return np.asarray(picture + 9000 * share - streaks[: picture.shape[0], : picture.shape[1]])


def _orientation(image: Image, mask: Mask, severity: int, _: np.random.Generator) -> Pair:
    values, inside = image.values(), np.asarray(mask.array)
    if severity < 3:
        axis = severity - 1
        return _changed(image, np.flip(values, axis)), replace(mask, array=np.ascontiguousarray(np.flip(inside, axis)))
    affine = np.array(image.affine)
    affine[:3, :2] = affine[:3, 1::-1]
    turned = replace(image, array=np.ascontiguousarray(values), affine=_straight(affine, image))
    return turned, replace(mask, affine=turned.affine)


def _straight(affine: FloatArray, image: Image) -> FloatArray:
    """Return the affine with its first two axes swapped, around the same middle."""
    middle = (np.array(image.shape) - 1) / 2
    affine[:3, 3] = image.grid.to_patient([middle])[0] - affine[:3, :3] @ middle
    return affine


def _mislabelled(image: Image, step: int) -> Image:
    """Return the image whose header is turned while its pixels are not: feet first, also face down, a quarter turn."""
    turns = {1: np.diag([-1.0, 1, -1]), 2: np.diag([1.0, -1, -1]), 3: np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])}
    affine = image.affine.copy()
    affine[:3, :3] = turns[step] @ affine[:3, :3]
    return replace(image, affine=affine)


def _stray(image: Image, mask: Mask, severity: int, rng: np.random.Generator) -> Pair:
    from scipy.ndimage import distance_transform_edt

    inside = np.asarray(mask.array).copy()
    far = np.argwhere(distance_transform_edt(inside == 0) > 5)
    chosen = far[rng.choice(len(far), (1, 10, 100)[severity - 1], replace=False)]
    inside[tuple(chosen.T)] = 1
    return image, replace(mask, array=inside)


def _air(image: Image, mask: Mask, severity: int, _: np.random.Generator) -> Pair:
    """Let the contour run over into the nearest air."""
    from scipy.ndimage import distance_transform_edt

    from genoxel.image.qc import body_of

    inside = np.asarray(mask.array) != 0
    body = body_of(image)
    share = (0.55, 0.75, 0.95)[severity - 1]
    away = np.where(body | inside, np.inf, distance_transform_edt(~inside, sampling=image.spacing)).ravel()
    wanted = int(np.ceil(share / (1 - share) * np.count_nonzero(inside & body)))
    chosen = np.argsort(away, kind="stable")[: min(wanted, int(np.isfinite(away).sum()))]
    grown = (inside & body).ravel()
    grown[chosen] = True
    return image, replace(mask, array=grown.reshape(image.shape).astype(np.uint8))


def _whole(image: Image, mask: Mask, severity: int, _: np.random.Generator) -> Pair:
    from genoxel.image.qc import body_of

    body = body_of(image)
    share = (0.5, 0.75, 1.0)[severity - 1]
    across = np.cumsum(body.sum(axis=(1, 2))) / body.sum()
    return image, replace(mask, array=(body & (across <= share)[:, None, None]).astype(np.uint8))


def _flipped(image: Image, mask: Mask, severity: int, _: np.random.Generator) -> Pair:
    return image, replace(mask, array=np.ascontiguousarray(np.flip(np.asarray(mask.array), (2, 0, 1)[severity - 1])))


_FAULTS: Mapping[str, Callable[[Image, Mask, int, np.random.Generator], Pair]] = {
    "noise": _noise,
    "motion": _motion,
    "missing slices": _missing,
    "cut by the edge": _cut_off,
    "metal": _metal,
    "orientation": _orientation,
    "stray voxels": _stray,
    "mostly air": _air,
    "whole image": _whole,
    "flipped contour": _flipped,
}
