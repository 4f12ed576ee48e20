"""A tumour as geometry and tissue: a star-shaped body, a dead core, a reach of oedema, and fields of tissue inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.simulate.fields import Float32, Millimetres, Size, bumps, field_pair

BoolArray = npt.NDArray[np.bool_]
Axes = tuple[Float32, Float32, Float32]

_LOBES = (2.5, 9.0)
_CORE_LOBES = (2.0, 5.0)
_FINGERS = (3.0, 7.0)
_OBLATE = 0.12
_HIGHEST = 2.5
_FINGER_REACH = 2.2
_LARGEST_CORE = 0.8
_SPICULES, _SPICULE_MM = 48, 2.4


@dataclass(frozen=True)
class Lesion:
    """Signed distances in mm, positive inside: `body`, `core` (dead tissue) and `reach` (oedema, body included).

    `cells` and `vessels` are fields of mean 0 and SD 1 with the tumour's correlation length. `parts` are the bodies of
    several lesions, the main one first; empty where there is one.
    """

    body: Float32
    core: Float32
    reach: Float32
    cells: Float32
    vessels: Float32
    parts: tuple[Float32, ...] = ()

    def main(self) -> Float32:
        """Return the body of the main lesion."""
        return self.parts[0] if self.parts else self.body

    def named(self, within: BoolArray) -> dict[str, BoolArray]:
        """Return the lesions beside the main one by name, inside `within`; a voxel belongs to the first of them."""
        found = {}
        free = within & (self.main() <= 0)
        for number, part in enumerate(self.parts[1:], start=2):
            inside = (part > 0) & free
            free = free & ~inside
            if inside.any():
                found[f"GTV {number}"] = inside
        return found


def axes_mm(size: Size, spacing: Millimetres) -> Axes:
    """Return open coordinate arrays in mm from the centre of the volume, along i, j, k."""
    lines = [
        (np.arange(count, dtype=np.float32) - (count - 1) / 2) * step for count, step in zip(size, spacing, strict=True)
    ]
    x, y, z = np.meshgrid(*lines, indexing="ij", sparse=True)
    return np.asarray(x, np.float32), np.asarray(y, np.float32), np.asarray(z, np.float32)


def draw_lesions(
    rng: np.random.Generator, axes: Axes, spacing: Millimetres, centre: Millimetres, physical: Mapping[str, Any]
) -> Lesion:
    """Return the main lesion at `centre` and, where `physical` asks for several, smaller ones elsewhere.

    The others lie on the other side or above and below, at 0.35 to 0.6 of the radius, with the tissue of the main one;
    "volumes" scales theirs (0: not there), and "anchor" is the radius that places and sizes follow.
    """
    main = draw_lesion(rng, axes, spacing, centre, physical)
    count = int(physical.get("lesions", 1))
    if count == 1:
        return main
    bodies, cores, reaches = [main.body], [main.core], [main.reach]
    first = physical.get("anchor", physical["size"])
    volumes = physical.get("volumes", (1.0,) * (count - 1))
    for number, own in enumerate(rng.spawn(count - 1)):
        size = first * own.uniform(0.35, 0.6) * volumes[number] ** (1 / 3)
        way = -1.0 if number % 2 == 0 else 1.0
        shift = own.uniform(-12, 12, 3)
        rise = (0.0, 1.3, -1.3)[number % 3] * first
        place = (way * centre[0] + shift[0] / 2, centre[1] + shift[1], centre[2] * 0.5 + shift[2] / 3 + rise)
        if size == 0:
            bodies.append(np.full_like(main.body, -1e3))
            continue
        other = draw_lesion(own, axes, spacing, place, {**physical, "size": size})
        bodies.append(other.body)
        cores.append(other.core)
        reaches.append(other.reach)
    body, core, reach = (np.asarray(np.maximum.reduce(each), np.float32) for each in (bodies, cores, reaches))
    return Lesion(body, core, reach, main.cells, main.vessels, tuple(bodies))


def draw_lesion(
    rng: np.random.Generator, axes: Axes, spacing: Millimetres, centre: Millimetres, physical: Mapping[str, float]
) -> Lesion:
    """Return a tumour at `centre` (mm from the volume's centre) with the given physical quantities.

    `physical` maps trait -> quantity as in `traits`. The radius is corrected so that margin leaves the volume alone.
    """
    stretch = np.exp(_OBLATE * rng.uniform(-1, 1, 3)).astype(np.float32)
    stretch /= np.float32(np.prod(stretch) ** (1 / 3))
    x, y, z = np.broadcast_arrays(
        *[(axis - np.float32(place)) / scale for axis, place, scale in zip(axes, centre, stretch, strict=True)]
    )
    away = np.sqrt(x * x + y * y + z * z)
    margin, spread = physical["margin"], physical.get("oedema", 0.0)
    radius = physical["size"] / (1 + 3 * margin**2) ** (1 / 3)
    longest = 1.4 * physical.get("spiculation", 0.0) * radius
    near = away < radius * (1 + _HIGHEST * margin) + max(_FINGER_REACH * spread, longest) + 12
    safe = np.maximum(away[near], np.float32(1e-3))
    unit = (x[near] / safe, y[near] / safe, z[near] / safe)
    relief = np.clip(bumps(rng, unit, *_LOBES), -_HIGHEST, _HIGHEST)
    surface = np.maximum(np.float32(radius) * (1 + np.float32(margin) * relief), np.float32(0.3 * radius))
    core_relief = np.clip(bumps(rng, unit, *_CORE_LOBES), -_HIGHEST, _HIGHEST)
    share = np.float32(min(physical["necrosis"], _LARGEST_CORE)) * (1 + np.float32(0.15) * core_relief)
    fingers = np.clip(1 + np.float32(0.55) * bumps(rng, unit, *_FINGERS), 0, _FINGER_REACH)
    far = np.float32(-1e3)
    body, core, reach = (np.full(away.shape, far, np.float32) for _ in range(3))
    body[near] = surface - away[near]
    if longest:
        spicules = _spicules(rng, (x[near], y[near], z[near]), radius, physical["spiculation"] * radius)
        body[near] = np.maximum(body[near], spicules)
    for axis, step in zip(axes, spacing, strict=True):
        body = np.minimum(body, np.abs(axis).max() - np.float32(step) - np.abs(axis))
    core[near] = surface * share - away[near]
    reach[near] = surface + np.float32(spread) * fingers - away[near]
    size = tuple(int(count) for count in away.shape)
    cells, vessels = field_pair(rng, (size[0], size[1], size[2]), spacing, physical["texture"])
    return Lesion(body, core, reach, cells, vessels)


def _spicules(
    rng: np.random.Generator, offset: tuple[Float32, Float32, Float32], radius: float, length: float
) -> Float32:
    """Return the signed distance in mm to thin, slightly bent cones that leave a sphere of `radius`, spread evenly."""
    found = np.full(offset[0].shape, -1e3, np.float32)
    turn = rng.uniform(0, 2 * np.pi)
    for number in range(_SPICULES):
        rise = 1 - (2 * number + 1) / _SPICULES
        angle = turn + number * np.pi * (3 - np.sqrt(5))
        flat = np.sqrt(1 - rise**2)
        way = np.array([flat * np.cos(angle), flat * np.sin(angle), rise]) + rng.normal(0, 0.15, 3)
        way /= np.linalg.norm(way)
        bend = np.cross(way, rng.standard_normal(3)) * 0.25 * length
        own = length * rng.uniform(0.6, 1.4)
        along = way[0] * offset[0] + way[1] * offset[1] + way[2] * offset[2]
        part = np.clip((along - 0.8 * radius) / (own + 0.2 * radius), -1, 2)
        beside = sum((at - along * w - part**2 * b) ** 2 for at, w, b in zip(offset, way, bend, strict=True))
        width = np.where(part >= 0, _SPICULE_MM * (1 - 0.7 * part), -1e3)
        cone = np.where(part <= 1, width - np.sqrt(beside), -1e3)
        found = np.maximum(found, np.asarray(cone, np.float32))
    return found
