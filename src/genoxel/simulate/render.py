"""From one planned patient to images and a true mask, in memory; each patient has random numbers of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from genoxel.core.image import FloatArray, Image
from genoxel.core.mask import Mask
from genoxel.simulate.chest import draw_chest, scan_chest
from genoxel.simulate.head import draw_head, scan_head
from genoxel.simulate.lesion import BoolArray
from genoxel.simulate.plan import Person, draw_people, stream
from genoxel.simulate.spec import SimulationSpec


@dataclass(frozen=True)
class Phantom:
    """One rendered patient: images by sequence name, the true tumour, and other structures a planner would draw."""

    images: Mapping[str, Image]
    tumour: Mask
    others: Mapping[str, Mask]


def phantom(spec: SimulationSpec, index: int) -> Phantom:
    """Return patient number `index` (from 0) of a cohort, exactly as `simulate` writes them.

    >>> one = phantom(SimulationSpec(n=4, shape=(48, 48, 14)), 0)
    >>> sorted(one.images), one.images["T1"].shape
    (['FLAIR', 'T1', 'T1CE', 'T2'], (48, 48, 14))
    """
    return render(spec, draw_people(spec)[index])


def render(spec: SimulationSpec, person: Person) -> Phantom:
    """Return the images and true masks of one person; the same whoever is rendered before them."""
    random = stream(spec, "image", person.index)
    scanner, step = person.scanner, spec.voxel_mm
    spacing = (
        round(step[0] * scanner.in_plane, 4),
        round(step[1] * scanner.in_plane, 4),
        round(step[2] * scanner.through, 4),
    )
    physical = person.physical(spec.modality)
    affine = _affine(random, spec.size, spacing)
    if spec.modality == "mr":
        head = draw_head(random, spec.size, spacing, physical)
        arrays, tumour, others = scan_head(random, head, scanner), head.tumour, head.others
    else:
        chest = draw_chest(random, spec.size, spacing, physical)
        arrays, tumour, others = scan_chest(random, chest, scanner), chest.tumour, chest.others
    unit, modality = ("HU", "CT") if spec.modality == "ct" else ("", "MR")
    images = {name: Image(array, affine, modality, unit) for name, array in arrays.items()}
    body = _mask(_one_piece(tumour), affine, "tumour")
    return Phantom(images, body, {name: _mask(array, affine, name) for name, array in others.items() if array.any()})


def _affine(random: np.random.Generator, size: tuple[int, int, int], spacing: tuple[float, float, float]) -> FloatArray:
    affine = np.diag([*spacing, 1.0])
    shift = random.uniform(-8, 8, 3)
    for axis in range(3):
        affine[axis, 3] = round(-(size[axis] - 1) / 2 * spacing[axis] + shift[axis], 2)
    return affine


def _one_piece(inside: BoolArray) -> BoolArray:
    """Return the largest face-connected piece; a contour has no crumbs."""
    labels, count = ndimage.label(inside)
    if count < 2:
        return inside
    sizes = np.bincount(labels.ravel())[1:]
    return np.asarray(labels == 1 + int(np.argmax(sizes)))


def _mask(inside: BoolArray, affine: FloatArray, name: str) -> Mask:
    return Mask(np.ascontiguousarray(inside).astype(np.uint8), affine, {1: name})
