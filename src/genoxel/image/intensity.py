"""Intensities: z-scores, and re-segmentation by range and by outliers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import InputError, MaskError
from genoxel.core.image import FloatArray, Image, Step
from genoxel.core.mask import Mask

Within = Literal["image", "body", "brain", "roi"]
_AIR_HU = -500.0


def zscore(image: Image, within: Within = "body", mask: Mask | None = None, brain: Mask | None = None) -> Image:
    """Return `image` as z-scores: mean 0 and standard deviation 1 of the voxels `within`.

    "image": all voxels. "body": above the air (-500 HU for CT, else Otsu's threshold). "brain": inside the mask
    `brain` where one is given; else everything but the empty surroundings of a skull-stripped image, where a tenth of
    the voxels or more hold one lowest value; otherwise as "body". "roi": inside `mask`. The rule taken, mean and
    deviation are recorded. Raises `InputError` for a constant image and for values that are not finite, `MaskError`
    for "roi" without a mask.

    >>> zscore(Image(np.array([[[1.0, 3.0]]]), np.eye(4)), within="image").values().tolist()
    [[[-1.0, 1.0]]]
    """
    chosen, rule = chosen_voxels(image, within, mask, brain)
    mean, deviation = float(chosen.mean()), float(chosen.std())
    if not np.isfinite(mean):
        count = int(np.count_nonzero(~np.isfinite(chosen)))
        raise InputError(f"{count} voxels that are not finite numbers", "finite intensities", "mend or mask them")
    if deviation == 0:
        raise InputError(f"one constant value within the {within}", "varying intensities", "check series and region")
    params = {"within": within, "rule": rule, "mean": mean, "deviation": deviation, "voxels": int(chosen.size)}
    return replay_zscore(image, params)


def replay_zscore(image: Image, params: Mapping[str, Any]) -> Image:
    """Return `image` scaled by the recorded mean and deviation."""
    values = (image.values().astype(np.float64) - params["mean"]) / params["deviation"]
    return image.with_step("zscore", values, params, unit="")


def chosen_voxels(
    image: Image, within: Within, mask: Mask | None = None, brain: Mask | None = None
) -> tuple[FloatArray, str]:
    """Return the intensities (n,) of the voxels `within` as in `zscore`, and the rule that was taken in words."""
    values = image.values().astype(np.float64)
    if within == "image":
        return values.ravel(), "all voxels"
    if within == "roi":
        if mask is None:
            raise MaskError("no mask for normalising within the region", "a mask", "pass mask=")
        return values[mask.on(image).inside()], "inside the mask"
    if within == "brain" and brain is not None:
        return values[brain.on(image).inside()], "inside the brain mask"
    if within == "brain":
        lowest = values.min()
        empty = values == lowest
        if empty.mean() >= 0.1:
            return values[~empty], "all but the lowest value (skull-stripped)"
    threshold = _AIR_HU if image.unit == "HU" else otsu(values)
    inside = values > threshold
    return values[inside], f"above {threshold:.6g}"


def otsu(values: npt.NDArray[Any], bins: int = 256) -> float:
    """Return the threshold that parts `values` into two classes of least variance (Otsu 1979), on `bins` bins."""
    low, high = float(np.min(values)), float(np.max(values))
    if not np.isfinite([low, high]).all():
        count = int(np.count_nonzero(~np.isfinite(values)))
        raise InputError(f"{count} voxels that are not finite numbers", "finite intensities", "mend or mask them")
    if low == high:
        return low - 1.0
    counts, edges = np.histogram(values, bins=bins, range=(low, high))
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)[:-1].astype(np.float64)
    above = counts.sum() - below
    sums = np.cumsum(counts * centres)
    mean_below = sums[:-1] / np.maximum(below, 1)
    mean_above = (sums[-1] - sums[:-1]) / np.maximum(above, 1)
    between = below * above * (mean_below - mean_above) ** 2
    return float(edges[1:-1][int(np.argmax(between))])


def resegment(
    image: Image,
    mask: Mask,
    bounds: tuple[float, float] | None = None,
    outliers_sigma: float | None = None,
) -> Mask:
    """Return `mask` without voxels outside `bounds` (ends belong to it) or beyond `outliers_sigma` deviations.

    Mean and deviation of the outlier rule are those of the voxels within the bounds. Source: IBSI reference manual,
    re-segmentation. Raises `MaskError` when nothing is left.
    """
    inside = mask.on(image).inside()
    array = np.where(inside, np.asarray(mask.array), 0)
    params: dict[str, Any] = {"before": int(inside.sum())}
    places = np.nonzero(inside)
    values = image.values()[places].astype(np.float64)
    keep = np.ones(values.shape, dtype=bool)
    if bounds is not None:
        keep = (values >= bounds[0]) & (values <= bounds[1])
        params["range"] = list(bounds)
    if outliers_sigma is not None and keep.any():
        mean, deviation = values[keep].mean(), values[keep].std()
        keep &= np.abs(values - mean) <= outliers_sigma * deviation
        params |= {"outliers_sigma": outliers_sigma, "mean": float(mean), "deviation": float(deviation)}
    if not keep.any():
        raise MaskError(
            f"a region whose {values.size} voxels all lie outside the range {params.get('range')}",
            "a region with intensities inside the range",
            "look at the contour, or widen the range",
        )
    array[tuple(axis[~keep] for axis in places)] = 0
    step = Step("resegment", params | {"after": int(keep.sum())})
    return replace(mask, array=array, history=(*mask.history, step))
