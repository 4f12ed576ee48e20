"""Processing again from its record alone: every step of a history knows the numbers that it used."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from genoxel.core.errors import InputError, nearest
from genoxel.core.image import Image, Step
from genoxel.core.mask import Mask
from genoxel.image.augment import replay_augment
from genoxel.image.bias import replay_bias
from genoxel.image.crop import cut
from genoxel.image.denoise import replay_clip, replay_denoise
from genoxel.image.intensity import replay_zscore, resegment
from genoxel.image.kernel import replay_kernel
from genoxel.image.normalise import replay_nyul, replay_reference, replay_white_stripe
from genoxel.image.register import replay_register, replay_register_mask
from genoxel.image.resample import resample, resample_mask


def _resample(image: Image, params: Mapping[str, Any]) -> Image:
    size = params["spacing_mm"]
    return resample(image, (size[0], size[1], size[2]), params["interpolate"], params["round"])


STEPS: Mapping[str, Callable[[Image, Mapping[str, Any]], Image]] = {
    "denoise": replay_denoise,
    "n4": replay_bias,
    "register": replay_register,
    "clip": replay_clip,
    "kernel": replay_kernel,
    "zscore": replay_zscore,
    "nyul": replay_nyul,
    "whitestripe": replay_white_stripe,
    "reference tissue": replay_reference,
    "augment": replay_augment,
    "crop": cut,
    "resample": _resample,
}
"""Name of a step -> the function that does it again; every step that pre-processing adds to an image is here."""


def replay(history: Sequence[Step], raw: Image) -> Image:
    """Return `raw` taken through `history` again: the same bits as the image that the history came from.

    The steps that `raw` already has (those of its reader) must begin the history and are not repeated. Nothing but
    the record is needed: no mask, no reference images, no search for a transform. Raises `InputError` for a history
    of another image and for a step that no function knows.

    >>> from genoxel.image.intensity import zscore
    >>> raw = Image(np.arange(8.0).reshape(2, 2, 2), np.eye(4))
    >>> done = zscore(raw, "image")
    >>> bool(np.array_equal(replay(done.history, raw).values(), done.values()))
    True
    """
    image = raw
    for step in _after(history, raw.history):
        image = _known(step)(image, step.params)
    if tuple(image.history) != tuple(history):
        other = next(step for step, told in zip(image.history, history, strict=True) if step != told)
        raise InputError(f"another record of {other.name}", "the record of this image", "check image and version")
    return image


def replay_mask(history: Sequence[Step], raw: Mask, image: Image | None = None) -> Mask:
    """Return `raw` taken through the record of a mask: registration, crop, resampling, and re-segmentation on `image`.

    `image` is the replayed image.
    """
    mask = raw
    for step in _after(history, raw.history):
        params = step.params
        if step.name == "crop":
            low = tuple(int(value) for value in params["start"])
            mask = _cut_mask(mask, low, step)
        elif step.name == "resample":
            size = params["spacing_mm"]
            mask = resample_mask(mask, (size[0], size[1], size[2]), params["interpolate"], params["threshold"])
        elif step.name == "register":
            mask = replay_register_mask(mask, params)
        elif step.name == "region":
            mask = mask.region(str(params["name"]))
        elif step.name == "resegment" and image is not None:
            bounds = params.get("range")
            mask = resegment(image, mask, tuple(bounds) if bounds else None, params.get("outliers_sigma"))
        else:
            raise InputError(
                f"the step {step.name}", "register, crop, resample, region, resegment with its image", "give both"
            )
    return mask


def _cut_mask(mask: Mask, start: tuple[int, ...], step: Step) -> Mask:
    image = cut(Image(np.asarray(mask.array), mask.affine, history=mask.history), step.params)
    if tuple(int(value) for value in image.history[-1].params["start"]) != start:
        raise InputError("a crop at another place", "the record of this mask", "check the mask")
    return replace(mask, array=image.values(), affine=image.affine, history=image.history)


def _after(history: Sequence[Step], before: Sequence[Step]) -> Sequence[Step]:
    told = tuple(history[: len(before)])
    if told != tuple(before):
        names = " > ".join(step.name for step in before)
        raise InputError(f"a history that does not begin with {names}", "the history of this image", "check the image")
    return history[len(before) :]


def _known(step: Step) -> Callable[[Image, Mapping[str, Any]], Image]:
    if step.name not in STEPS:
        raise InputError(f"the step {step.name!r}", ", ".join(STEPS), nearest(step.name, STEPS) or "replay it by hand")
    return STEPS[step.name]
