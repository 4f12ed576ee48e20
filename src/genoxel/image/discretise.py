"""Grey levels from intensities: always in 64-bit floating point, whatever type the image came in."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import InputError, SettingsError
from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.image.settings import MAX_BINS, Discretise

Levels = npt.NDArray[np.int64]


def fixed_bin_size(values: npt.ArrayLike, size: float, anchor: float) -> Levels:
    """Return levels floor((x - anchor) / size) + 1 of `values`; equal widths from `anchor`.

    Raises `InputError` for values below the anchor and for more than 1024 levels.

    >>> fixed_bin_size([0, 24, 25, 50], 25, 0).tolist()
    [1, 1, 2, 3]
    """
    numbers = _finite(values)
    low, high = float(numbers.min()), float(numbers.max())
    if low < anchor:
        raise InputError(
            f"intensities from {low:g}, below the anchor {anchor:g}",
            "an anchor at or below the lowest intensity",
            "set the anchor lower, or a range that begins at the anchor",
        )
    needed = (high - anchor) / size + 1
    if needed >= MAX_BINS + 1:
        raise InputError(
            f"{needed:.4g} grey levels (intensities {low:g} to {high:g}, width {size:g})",
            f"{MAX_BINS} at most",
            "choose a larger bin_size, a range, or { bins = 32 }",
        )
    return np.floor((numbers - anchor) / size).astype(np.int64) + 1


def fixed_bin_number(values: npt.ArrayLike, bins: int) -> Levels:
    """Return levels floor(bins * (x - min) / (max - min)) + 1, the highest value in the last level.

    Raises `InputError` for constant values, since they have no range to divide.

    >>> fixed_bin_number([0, 5, 10], 4).tolist()
    [1, 3, 4]
    """
    numbers = _finite(values)
    low, high = float(numbers.min()), float(numbers.max())
    if low == high:
        raise InputError(f"one constant intensity {low:g}", "a range of intensities to divide", "use a bin_size")
    levels = np.floor(bins * (numbers - low) / (high - low)).astype(np.int64) + 1
    return np.minimum(levels, bins)


def whole_levels(values: npt.ArrayLike) -> Levels:
    """Return `values` themselves as levels; `InputError` unless they are whole numbers from 1 to 1024."""
    numbers = _finite(values)
    levels = numbers.astype(np.int64)
    if numbers.min() < 1 or numbers.max() > MAX_BINS or not np.array_equal(levels, numbers):
        raise InputError(
            f"intensities {numbers.min():g} to {numbers.max():g} taken as grey levels",
            f"whole numbers from 1 to {MAX_BINS}",
            "discretise them, for example { bins = 32 }",
        )
    return levels


def _finite(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    numbers = np.asarray(values, dtype=np.float64)
    bad = int(np.count_nonzero(~np.isfinite(numbers)))
    if bad or not numbers.size:
        what = f"{bad} of {numbers.size} intensities that are not finite numbers" if bad else "no intensities"
        raise InputError(what, "finite intensities", "mend the image or leave those voxels out of the mask")
    return numbers


def levels_of(
    values: npt.ArrayLike, how: Discretise | Literal["none"], bounds: tuple[float, float] | None = None
) -> Levels:
    """Return the levels of `values` by the rule `how`; the lower of `bounds` is the anchor where none is set."""
    if how == "none":
        return whole_levels(values)
    if how.bins is not None:
        return fixed_bin_number(values, how.bins)
    anchor = how.anchor if how.anchor is not None else (bounds[0] if bounds else None)
    if anchor is None or how.bin_size is None:
        raise SettingsError(
            "a bin_size without an anchor",
            "an anchor, or a range whose lower bound is the anchor",
            "for example { bin_size = 25, anchor = -1000 }",
        )
    return fixed_bin_size(values, how.bin_size, anchor)


def discretise(
    image: Image, mask: Mask, how: Discretise | Literal["none"], bounds: tuple[float, float] | None = None
) -> Image:
    """Return the grey levels of `image` inside `mask` (any label), 0 outside."""
    inside = mask.on(image).inside()
    levels = levels_of(image.values()[inside], how, bounds)
    array: npt.NDArray[Any] = np.zeros(image.shape, np.int64)
    array[inside] = levels
    params = {"how": how if how == "none" else how.model_dump(), "bounds": list(bounds) if bounds else None}
    return image.with_step("discretise", array, params | {"levels": int(levels.max())}, unit="level")
