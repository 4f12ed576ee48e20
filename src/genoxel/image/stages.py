"""What is done to a whole image before its region is measured, in one fixed order.

Kernel, noise, shading, registration, clipping, brain, normalisation: then the IBSI scheme of `prepare` (interpolation,
re-segmentation, grey levels). A stage that stands in the history of the image is not repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from genoxel.core.errors import SettingsError
from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.image.bias import correct_bias
from genoxel.image.denoise import clip, denoise
from genoxel.image.normalise import NORMALISED, Landmarks, normalise
from genoxel.image.settings import ImageSettings


@dataclass(frozen=True)
class Aids:
    """What stages need beside the image: the region, the brain, landmarks of Nyúl, a reference tissue.

    `brain` is called with the image when a mask of the brain is needed; `None` where the study asks for none.
    """

    mask: Mask | None = None
    tissue: Mask | None = None
    landmarks: Landmarks | None = None
    brain: Callable[[Image], Mask] | None = None


def before_registration(image: Image, rules: ImageSettings, matched: Callable[[Image], Image] | None = None) -> Image:
    """Return `image` with its kernel matched, less noise and no coil shading, as `rules` say (for its modality).

    `matched` matches the kernel of a CT: it needs a tissue and the scans of another kernel, which only a study knows.
    Raises `SettingsError` where it is needed and not there.
    """
    done = {step.name for step in image.history}
    if rules.kernel is not None and "kernel" not in done and image.unit == "HU":
        if matched is None:
            raise SettingsError(
                "kernel for an image alone",
                "kernel in a study, which knows the scans of the smooth kernel",
                "call genoxel.image.kernel.match_kernel before, or remove kernel",
            )
        image = matched(image)
    if rules.denoise is not None and "denoise" not in done:
        image = denoise(image, rules.denoise)
    # a study of PET and MR asks for it once; what has a unit has no coil
    if rules.bias is not None and "n4" not in done and not image.unit:
        image = correct_bias(image, rules.bias)
    return image


def after_registration(image: Image, rules: ImageSettings, aids: Aids | None = None) -> Image:
    """Return `image` clipped and normalised as `rules` say (HU and SUV stay); raises as the stages do."""
    given = aids or Aids()
    done = {step.name for step in image.history}
    if rules.clip is not None and "clip" not in done:
        image = clip(image, rules.clip)
    if rules.normalise is None or done & NORMALISED or not rules.normalise.applies_to(image.unit):
        return image
    brain = given.brain(image) if given.brain is not None and rules.brain is not None else None
    return normalise(image, rules.normalise, given.mask, brain, given.landmarks, given.tissue)


def whole_image(image: Image, rules: ImageSettings, aids: Aids | None = None) -> Image:
    """Return `image` through all stages on the whole image but those that need more than this image.

    Raises `SettingsError` where `rules` ask for such a stage (kernel, registration, atlas) that has not been done.
    """
    if rules.atlas is not None:
        raise SettingsError(
            "atlas for an image alone",
            "atlas in a study, whose table of features takes the coordinates",
            "call genoxel.image.atlas.lesion_in_atlas, or remove atlas",
        )
    if rules.registration is not None and not any(step.name == "register" for step in image.history):
        raise SettingsError(
            "register for an image alone",
            "register in a study, which knows all series of a patient",
            "call genoxel.image.register.register and apply before, or remove register",
        )
    if rules.normalise is not None and not rules.normalise.applies_to(image.unit):
        raise SettingsError(
            f"normalise for a {image.modality or 'volume'} in {image.unit}, whose numbers mean something",
            "images without a unit",
            f"remove it, or ask for it: override = {{ {image.modality or 'CT'} = {{ normalise = {{ ... }} }} }}",
        )
    return after_registration(before_registration(image, rules), rules, aids)
