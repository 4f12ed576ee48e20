"""The slow shading that a coil leaves over an MR image, taken out by N4 (Tustison et al. 2010, IEEE TMI 29:1310)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from genoxel.core.errors import InputError
from genoxel.core.image import FloatArray, Image
from genoxel.image.intensity import otsu
from genoxel.image.itk import finite, one_thread, to_itk, values_of
from genoxel.image.settings import Bias


def correct_bias(image: Image, how: Bias | None = None) -> Image:
    """Return `image` divided by the smooth field that N4 finds within the body (above Otsu's threshold).

    The field is estimated on voxels of about `how.shrink_mm` and applied to all; its mean within the body is 1, so that
    the scale of the intensities stays. Recorded: threshold, spread of the field (SD within the body).
    Raises `InputError` for images in HU or SUV, which have no coil, and where nothing lies above the threshold.

    >>> ramp = np.linspace(80, 120, 24)[:, None, None] * np.pad(np.ones((16, 16, 16)), 4)
    >>> flat = correct_bias(Image(ramp, np.eye(4), "MR"), Bias(shrink_mm=1)).values()[6:18, 12, 12]
    >>> bool(np.ptp(flat) < 0.4 * np.ptp(ramp[6:18, 12, 12]))
    True
    """
    rules = how or Bias()
    if image.unit:
        raise InputError(f"a bias field in an image of {image.unit}", "an MR image of arbitrary unit", "no bias there")
    params = {**rules.used(), "threshold": otsu(finite(image, "N4"))}
    return _apply(image, params)


def replay_bias(image: Image, params: Mapping[str, Any]) -> Image:
    """Return `image` corrected again as recorded."""
    return _apply(image, {name: params[name] for name in (*Bias.model_fields, "threshold")})


def _apply(image: Image, params: Mapping[str, Any]) -> Image:
    values = finite(image, "N4")
    body = values > params["threshold"]
    if not body.any():
        raise InputError("an image without a body to estimate a bias field in", "varying intensities", "check it")
    field = _field(image, values, body, params)
    field /= field[body].mean()
    spread = round(float(field[body].std()), 6)
    return image.with_step("n4", values / field, {**params, "field_sd": spread})


def _field(image: Image, values: FloatArray, body: Any, params: Mapping[str, Any]) -> FloatArray:
    import SimpleITK

    # N4 works on logarithms: what is not positive lies outside the body and is lifted to the least positive value
    positive = np.maximum(values, np.finfo(np.float32).tiny) if params["threshold"] >= 0 else values - values.min() + 1
    full = to_itk(positive.astype(np.float32), image.grid)
    mask = to_itk(body.astype(np.uint8), image.grid)
    factors = [
        max(1, min(round(params["shrink_mm"] / size), count // 8))
        for size, count in zip(image.spacing, image.shape, strict=True)
    ]
    n4 = SimpleITK.N4BiasFieldCorrectionImageFilter()
    n4.SetMaximumNumberOfIterations([int(params["iterations"])] * int(params["levels"]))
    n4.SetConvergenceThreshold(float(params["convergence"]))
    extent = [size * count for size, count in zip(image.spacing, image.shape, strict=True)]
    # points of the coarsest mesh: its elements are `mesh_mm` long, and each level halves them
    n4.SetNumberOfControlPoints([max(4, round(length / params["mesh_mm"]) + 3) for length in extent])
    with one_thread():
        n4.Execute(SimpleITK.Shrink(full, factors), SimpleITK.Shrink(mask, factors))
        return np.exp(values_of(n4.GetLogBiasFieldAsImage(full)))
