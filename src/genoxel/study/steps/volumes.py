"""Images and masks as plain arrays and facts, so that a cut-out volume can wait on disk between two steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.core.image import Image, Step
from genoxel.core.mask import Mask


def image_facts(image: Image) -> dict[str, Any]:
    """Return everything of an image but its array."""
    return {
        "affine": np.asarray(image.affine),
        "modality": image.modality,
        "unit": image.unit,
        "history": [(step.name, dict(step.params)) for step in image.history],
        "tags": dict(image.tags),
    }


def image_of(array: npt.NDArray[Any], facts: dict[str, Any]) -> Image:
    """Return the image of an array and what `image_facts` gave."""
    history = tuple(Step(name, params) for name, params in facts["history"])
    return Image(array, facts["affine"], facts["modality"], facts["unit"], history, facts["tags"])


def mask_facts(mask: Mask) -> dict[str, Any]:
    """Return everything of a mask but its array."""
    return {
        "affine": np.asarray(mask.affine),
        "labels": [(label, name) for label, name in mask.labels.items()],
        "history": [(step.name, dict(step.params)) for step in mask.history],
        "tags": dict(mask.tags),
    }


def mask_of(array: npt.NDArray[Any], facts: dict[str, Any]) -> Mask:
    """Return the mask of an array and what `mask_facts` gave."""
    history = tuple(Step(name, params) for name, params in facts["history"])
    return Mask(array, facts["affine"], dict(facts["labels"]), history, facts["tags"])
