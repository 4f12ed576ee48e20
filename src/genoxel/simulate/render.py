"""From one planned patient to images and a true mask, in memory; each patient has random numbers of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import ndimage

from genoxel.core.image import FloatArray, Image
from genoxel.core.mask import Mask
from genoxel.simulate import breast, head, prostate
from genoxel.simulate.acquire import Scene, Series, bolus, diffusion, exchange_series, positrons
from genoxel.simulate.body import BodyModel, scan_mr
from genoxel.simulate.chest import draw_chest, scan_chest, solid_share
from genoxel.simulate.clones import local_physical
from genoxel.simulate.ct import RECONSTRUCTIONS, reconstruct
from genoxel.simulate.dynamic import dynamic_positrons
from genoxel.simulate.fields import Float32
from genoxel.simulate.lesion import BoolArray
from genoxel.simulate.plan import Person, draw_people, stream
from genoxel.simulate.spec import SimulationSpec
from genoxel.simulate.visits import visits

_SEQUENCES = {"mr": head.SEQUENCES, "breast": breast.SEQUENCES, "prostate": prostate.SEQUENCES}
_PET = {"pet": positrons, "dynamic-pet": dynamic_positrons}
_SCENE_SEQUENCE = {"mr": 2, "breast": 0, "prostate": 0, "ct": 0}


@dataclass(frozen=True)
class Phantom:
    """One rendered patient: images by sequence name, the true tumour, and other structures a planner would draw.

    `series` are acquisitions of several volumes (and PET); `maps` hold the truth per voxel by name.
    """

    images: Mapping[str, Image]
    tumour: Mask
    others: Mapping[str, Mask]
    series: tuple[Series, ...] = ()
    maps: Mapping[str, Image] = field(default_factory=dict)


def phantom(spec: SimulationSpec, index: int) -> Phantom:
    """Return patient number `index` (from 0) of a cohort, exactly as `simulate` writes them.

    >>> one = phantom(SimulationSpec(n=4, shape=(48, 48, 14)), 0)
    >>> sorted(one.images), one.images["T1"].shape
    (['FLAIR', 'T1', 'T1CE', 'T2'], (48, 48, 14))
    """
    return render(spec, draw_people(spec)[index])


def render(spec: SimulationSpec, person: Person, physical: Mapping[str, Any] | None = None, visit: int = 0) -> Phantom:
    """Return the images and true masks of one person; the same whoever is rendered before them.

    `physical` replaces the person's quantities (a later time point: the same anatomy, another tumour); another `visit`
    has noise and a coil of its own.
    """
    random = stream(spec, "image", person.index)
    quantities: dict[str, Any] = dict(visits(spec, person)[0].physical if physical is None else physical)
    spacing = spacing_of(spec, person)
    affine = _affine(random, spec.size, spacing)
    quantities["lesions"] = spec.course.lesions
    given: dict[str, Any] = {**quantities, **local_physical(spec, person, quantities, spacing)}
    begun = random.bit_generator.state
    model = _draw(spec.modality, random, spec.size, spacing, given)
    if visit:
        random = stream(spec, "repeat", person.index, visit)
    arrays = _scan(random, spec, model, person)
    unit, modality = ("HU", "CT") if spec.modality == "ct" else ("", "MR")
    images = {name: Image(array, affine, modality, unit) for name, array in arrays.items()}
    body = _mask(_one_piece(model.tumour), affine, "tumour")
    others = {name: _mask(array, affine, name) for name, array in model.others.items() if array.any()}
    if not (spec.also or spec.delivery.maps):
        return Phantom(images, body, others)
    more, series, maps = _more(spec, person, model, affine, given, begun, visit)
    return Phantom({**images, **more}, body, others, series, maps)


def spacing_of(spec: SimulationSpec, person: Person) -> tuple[float, float, float]:
    """Return the voxel size in mm of a person's scanner."""
    scanner, step = person.scanner, spec.voxel_mm
    return (
        round(step[0] * scanner.in_plane, 4),
        round(step[1] * scanner.in_plane, 4),
        round(step[2] * scanner.through, 4),
    )


def _draw(
    body: str,
    random: np.random.Generator,
    size: tuple[int, int, int],
    spacing: tuple[float, float, float],
    physical: Mapping[str, Any],
    iodine: tuple[float, float] = (1.0, 1.0),
) -> BodyModel:
    if body == "mr":
        return head.draw_head(random, size, spacing, physical)
    if body == "breast":
        return breast.draw_breast(random, size, spacing, physical)
    if body == "prostate":
        return prostate.draw_prostate(random, size, spacing, physical)
    return draw_chest(random, size, spacing, physical, iodine)


def _scan(random: np.random.Generator, spec: SimulationSpec, model: BodyModel, person: Person) -> dict[str, Float32]:
    if spec.modality == "ct":
        return scan_chest(random, model, person.scanner)
    images = scan_mr(random, model.signal, _SEQUENCES[spec.modality], person.scanner)
    if model.adc is None:
        return images
    shown = 1000 * model.adc * (1 + 0.05 * random.standard_normal(model.adc.shape, dtype=np.float32))
    return {**images, "ADC": np.asarray(np.rint(np.clip(shown, 0, 5000)), np.float32)}


def _more(
    spec: SimulationSpec,
    person: Person,
    model: BodyModel,
    affine: FloatArray,
    physical: Mapping[str, Any],
    begun: Any,
    visit: int,
) -> tuple[dict[str, Image], tuple[Series, ...], dict[str, Image]]:
    """Return further images, series of several volumes, and the truth per voxel."""
    signal = model.signal[_SCENE_SEQUENCE[spec.modality]]
    scene = Scene(spec.modality, model.tissue, model.spacing, affine, physical, person.scanner, signal)
    images: dict[str, Image] = {}
    series: list[Series] = []
    for place, name in enumerate(spec.also):
        random = stream(spec, "extra", person.index, place, visit)
        if name in RECONSTRUCTIONS:
            images[name] = _reconstructed(random, spec, model, scene, begun, name)
        elif name in _PET:
            series.append(_PET[name](random, scene, weight_of(spec, person)))
        else:
            series.append({"dwi": diffusion, "dsc": bolus, "dce": exchange_series}[name](random, scene))
    maps = {"viable": scene.image(scene.tissue.viable()), "field": scene.image(model.tissue.lesion.vessels)}
    maps["regions"] = scene.image(np.asarray(scene.tissue.regions(), np.float32))
    if "solid" in physical:
        maps["solid"] = scene.image(scene.tissue.inside * solid_share(scene.tissue.lesion, physical))
    if any(name in RECONSTRUCTIONS and RECONSTRUCTIONS[name].iodine != (1.0, 1.0) for name in spec.also):
        maps["contrast"] = scene.image(signal - _again(spec, scene, begun, (0.0, 0.0)).signal[0])
    for one in series:
        maps.update({name: scene.image(values) for name, values in one.maps.items()})
    if "clone" in physical:
        maps["clone"] = scene.image(physical["clone"] * (model.tumour > 0))
    return images, tuple(series), maps


def _reconstructed(
    random: np.random.Generator, spec: SimulationSpec, model: BodyModel, scene: Scene, begun: Any, name: str
) -> Image:
    how = RECONSTRUCTIONS[name]
    drawn = model if how.iodine == (1.0, 1.0) else _again(spec, scene, begun, how.iodine)
    return reconstruct(random, drawn.signal[0], scene.spacing, scene.affine, how)


def _again(spec: SimulationSpec, scene: Scene, begun: Any, iodine: tuple[float, float]) -> BodyModel:
    """Return the same chest with other contrast."""
    again = np.random.default_rng()
    again.bit_generator.state = begun
    return draw_chest(again, spec.size, scene.spacing, scene.physical, iodine)


def weight_of(spec: SimulationSpec, person: Person) -> float:
    """Return the body weight of a person in kg."""
    spread = stream(spec, "extra", person.index, 99).standard_normal()
    return round(float(np.clip((82 if person.sex == "M" else 68) + 11 * spread, 42, 140)), 1)


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
