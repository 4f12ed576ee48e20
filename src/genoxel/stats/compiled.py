"""How the kernels of statistics are compiled: at their first call, kept in a folder if one is writable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(kernel: Callable[..., Any]) -> Any:
    """Return `kernel` compiled by numba, releasing the lock of the interpreter while it runs."""
    try:
        return njit(kernel, cache=True, nogil=True, error_model="numpy")
    except RuntimeError:  # numba finds no folder to keep compiled code in: every process compiles for itself
        return njit(kernel, nogil=True, error_model="numpy")
