"""A mask of the brain from a template, without any network or downloaded weights.

The template is the MNI152 head of nilearn (extra `brain`), which lies inside that package. It is laid on the image by
an affine and then a free-form registration, and its brain is carried over. What is not like the template (a large
resection, a child, a partial head) is carried over badly, and the quality says so.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import InputError
from genoxel.core.extras import require
from genoxel.core.image import Image, Step
from genoxel.core.mask import Mask
from genoxel.image.itk import to_itk
from genoxel.image.register import Registration, similarity
from genoxel.image.search import free_form, linear, moments_start, pair_of

LEAST_SIMILARITY = 1.05
"""Below this normalised mutual information within the brain the template is taken not to fit, and refused."""
BRAIN_ML = (700.0, 2200.0)
"""Volumes of a brain with its fluid that are plausible from the age of about two on."""

_GROW_MM = 8.0


@dataclass(frozen=True)
class Template:
    """A brain: its image without skull, and its mask on the same grid."""

    name: str
    image: Image
    brain: Mask


@lru_cache(maxsize=1)
def mni_template() -> Template:
    """Return the MNI152 (2009a, symmetric, T1) template at 2 mm; `MissingExtraError` without nilearn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = require("nilearn.datasets", "brain")
        head, brain = data.load_mni152_template(resolution=2), data.load_mni152_brain_mask(resolution=2)
    # RAS of NIfTI to LPS
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ np.asarray(head.affine, dtype=np.float64)
    image = Image(np.asarray(head.dataobj, dtype=np.float32), affine, "MR")
    inside = (np.asarray(brain.dataobj) > 0).astype(np.uint8)
    return Template("MNI152 (nilearn)", image, Mask(inside, affine, {1: "brain"}))


def brain_mask(image: Image, template: Template | None = None) -> Mask:
    """Return the brain in a head `image` of any MR sequence; how well the template fits stands in the history.

    Step "brain": template, similarity (normalised mutual information within the brain), volume in ml. Raises
    `InputError` where similarity or volume say that the template does not fit; `MissingExtraError` without nilearn.
    """
    known = template or mni_template()
    inside, quality = _carried(image, known)
    quality["volume_ml"] = round(float(inside.sum()) * image.grid.voxel_volume / 1000, 3)
    low, high = BRAIN_ML
    if quality["similarity"] < LEAST_SIMILARITY or not low <= quality["volume_ml"] <= high:
        raise InputError(
            f"a brain of {quality['volume_ml']:.0f} ml found with similarity {quality['similarity']:.3f}",
            f"{low:.0f} to {high:.0f} ml, similarity from {LEAST_SIMILARITY:g} on",
            "look at the image: a whole head is needed; else strip the skull elsewhere and leave brain out",
        )
    step = Step("brain", {"template": known.name, **quality})
    return Mask(inside.astype(np.uint8), image.affine, {1: "brain"}, (step,))


def _carried(image: Image, template: Template) -> tuple[npt.NDArray[np.bool_], dict[str, float]]:
    """Return the template's brain on the grid of `image`, first by an affine from the template's side, then freely."""
    small = _coarse(image)
    forth = pair_of(template.image, small)
    grown = to_itk(_grown(template.brain), template.brain.grid)
    starts = [moments_start(template.image, small), np.eye(4)]
    tried = [linear(forth, start, "rigid", grown, 1) for start in starts]
    matrix = linear(forth, min(tried, key=lambda one: one[0])[1], "affine", grown, 1)[1]
    back = Registration("affine", _nested(np.linalg.inv(matrix)))
    around = Mask(_sampled(back, template.brain, small).astype(np.uint8), small.affine)
    mask = to_itk(_grown(around), around.grid)
    bspline = free_form(pair_of(small, template.image), np.array(back.matrix), 40.0, mask, 1)
    found = replace(back, kind="bspline", bspline=bspline)
    inside = _one_piece(_sampled(found, template.brain, image))
    region = Image(np.where(_sampled(found, template.brain, small), small.values(), small.values().min()), small.affine)
    quality: Mapping[str, float] = {"similarity": round(similarity(region, template.image, found), 6)}
    return inside, dict(quality)


def _nested(matrix: npt.NDArray[Any]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(value) for value in row) for row in matrix)


def _coarse(image: Image) -> Image:
    """Return the image at no less than 2 mm in the slice, which is all that the shape of a brain needs."""
    from genoxel.image.resample import resample

    wanted = tuple(max(size, 2.0) for size in image.spacing)
    if np.allclose(wanted, image.spacing):
        return replace(image, history=())
    return replace(resample(replace(image, history=()), (wanted[0], wanted[1], wanted[2])), history=())


def _grown(mask: Mask) -> npt.NDArray[np.uint8]:
    from scipy.ndimage import distance_transform_edt

    away = distance_transform_edt(~mask.inside(), sampling=mask.spacing)
    return np.asarray(away <= _GROW_MM).astype(np.uint8)


def _sampled(found: Registration, brain: Mask, image: Image) -> npt.NDArray[np.bool_]:
    from genoxel.image.register import apply

    soft = Image(brain.inside().astype(np.float64), brain.affine)
    return np.asarray(apply(found, soft, image.grid).values() >= 0.5)


def _one_piece(inside: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    from scipy.ndimage import binary_fill_holes, label

    pieces, count = label(inside)
    if count > 1:
        inside = np.asarray(pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:])))
    return np.asarray(binary_fill_holes(inside))


__all__ = ["BRAIN_ML", "LEAST_SIMILARITY", "Template", "brain_mask", "mni_template"]
