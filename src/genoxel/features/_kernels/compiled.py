"""The one door to numba: a typed wrapper that compiles a kernel, keeps it on disk and releases the interpreter lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])


def compiled(kernel: F) -> F:
    """Return `kernel` compiled on its first call; the machine code is kept in numba's cache folder."""
    return cast(F, njit(cache=True, nogil=True, error_model="numpy")(kernel))
