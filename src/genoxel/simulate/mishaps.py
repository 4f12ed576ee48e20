"""What goes wrong in hospitals, on demand and with a severity from 0 to 1: the truth says who has what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from genoxel.core.image import Image
from genoxel.simulate.plan import Person, stream
from genoxel.simulate.spec import SimulationSpec

_METAL_HU, _VOID_MM = 3071.0, 9.0


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
    random, severity = stream(spec, "faults2", person.index), spec.imaging.severity
    if fault == "motion":
        shift = 2 + round(8 * severity)
        return {name: _moved(image, shift, 0.12 + 0.25 * severity) for name, image in images.items()}, ()
    if fault == "metal":
        spot = random.uniform(-0.25, 0.25, 2)
        return {name: _metal(image, spot, severity) for name, image in images.items()}, ()
    if fault == "missing-slices":
        depth = next(iter(images.values())).shape[2]
        count = max(1, round(severity * 0.2 * depth))
        start = int(random.integers(1, depth - count))
        return dict(images), tuple(range(start, start + count))
    if fault == "wrong-orientation":
        return {name: _turned(image) for name, image in images.items()}, ()
    return dict(images), ()


def _moved(image: Image, shift: int, strength: float) -> Image:
    """Return the image with ghosts along the second axis, as from motion between the lines of a scan."""
    values = np.asarray(image.values(), np.float32)
    ghost = (np.roll(values, shift, axis=1) + np.roll(values, -shift, axis=1)) / 2
    return replace(image, array=np.rint((1 - strength) * values + strength * ghost).astype(np.float32))


def _metal(image: Image, spot: np.ndarray, severity: float) -> Image:
    """Return the image with a void (MR), or a bright spot with dark and bright rays (CT)."""
    values = np.array(image.values(), np.float32)
    i, j = np.meshgrid(np.arange(values.shape[0]), np.arange(values.shape[1]), indexing="ij")
    x = (i - values.shape[0] * (0.5 + spot[0])) * image.spacing[0]
    y = (j - values.shape[1] * (0.5 + spot[1])) * image.spacing[1]
    away = np.hypot(x, y)
    middle = slice(values.shape[2] // 3, 2 * values.shape[2] // 3)
    if image.modality == "CT":
        rays = 600 * severity * np.cos(9 * np.arctan2(y, x)) * np.exp(-away / 60)
        values[:, :, middle] += np.where(away > 4, rays, 0)[:, :, None]
        values[:, :, middle][away <= 4] = _METAL_HU
        values = np.clip(np.rint(values), -1024, 3071)
    else:
        void = np.clip((away - _VOID_MM * (0.5 + severity)) / 4, 0, 1)
        values[:, :, middle] = np.rint(values[:, :, middle] * void[:, :, None])
    return replace(image, array=values.astype(np.float32))


def _turned(image: Image) -> Image:
    """Return the image whose header says feet first while its pixels are head first."""
    affine = image.affine.copy()
    affine[:3, 0] *= -1
    affine[:3, 2] *= -1
    return replace(image, affine=affine)
