"""The one door to numba: typed wrappers that compile a kernel, keep it on disk and release the interpreter lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])


def compiled(kernel: F) -> F:
    """Return `kernel` compiled on its first call; the machine code is kept in numba's cache folder."""
    return cast(F, njit(cache=True, nogil=True, error_model="numpy", no_cfunc_wrapper=True)(kernel))


def called(part: F) -> F:
    """Return a part that several kernels call, compiled without a face towards Python."""
    wrapped = njit(nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)(part)
    return cast(F, wrapped)


def inlined(part: F) -> F:
    """Return a part that is compiled within the one kernel that calls it, in two thirds of the time."""
    return cast(F, njit(nogil=True, error_model="numpy", inline="always")(part))
