"""What several kernels share: counting codes, and logarithms of counts."""

from __future__ import annotations

from math import log2
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.features._kernels.compiled import called

Counts = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]


@called
def add(code: npt.NDArray[Any], table: Counts) -> None:
    """Count `code` (n,) in the table."""
    for x in range(code.size):
        table[code[x]] += 1


@called
def log_of(count: Any, logs: Floats) -> Any:
    """Return the base 2 logarithm of a count above 0; `logs` holds those of small ones."""
    return logs[count] if count < logs.size else log2(np.float64(count))
