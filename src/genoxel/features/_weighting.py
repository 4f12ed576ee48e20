"""Distance weighting of texture matrices: what a neighbour in a direction counts (IBSI, distance weighting)."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import model_validator

from genoxel.core.errors import SettingsError
from genoxel.core.image import FloatArray
from genoxel.core.settings import Settings

_ORDERS = {"manhattan": 1, "euclidean": 2, "chebyshev": np.inf}


class Weighting(Settings):
    """A neighbour at distance d counts 1/d ("inverse") or exp(-d²) ("gaussian"), d by `norm`, in voxels or `in_mm`.

    >>> Weighting(norm="manhattan").describe()
    '1/d, d by the Manhattan norm in voxels'
    """

    norm: Literal["manhattan", "euclidean", "chebyshev"] = "euclidean"
    function: Literal["inverse", "gaussian"] = "inverse"
    in_mm: bool = False

    @model_validator(mode="after")
    def _with_effect(self) -> Weighting:
        if self.norm == "chebyshev" and not self.in_mm:
            raise SettingsError(
                "weighting by the Chebyshev norm in voxels, which gives every neighbour the same weight",
                "manhattan, euclidean, or in_mm = true",
                "choose another norm",
            )
        return self

    def of(self, offsets: npt.NDArray[np.int64], spacing: FloatArray) -> FloatArray:
        """Return the weight (n,) of each of `offsets` (n, 3), `spacing` (3,) in mm along the same axes."""
        distances = self.lengths(offsets, spacing)
        return np.asarray(1 / distances if self.function == "inverse" else np.exp(-(distances**2)))

    def lengths(self, offsets: npt.NDArray[np.int64], spacing: FloatArray) -> FloatArray:
        """Return the length (n,) of each of `offsets` (n, 3) by the norm."""
        steps = offsets * spacing if self.in_mm else offsets
        return np.asarray(np.linalg.norm(steps, ord=_ORDERS[self.norm], axis=1))

    def describe(self) -> str:
        """Return the rule in words."""
        rule = "1/d" if self.function == "inverse" else "exp(-d²)"
        return f"{rule}, d by the {self.norm.capitalize()} norm in {'mm' if self.in_mm else 'voxels'}"
