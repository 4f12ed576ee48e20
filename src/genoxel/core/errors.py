"""Every error that Genoxel raises on purpose.

GenoxelError
├── InputError (ValueError)               what was given cannot be used
│   ├── MissingFileError (FileNotFoundError)  a named file or folder is not there
│   ├── FileFormatError                   a file is damaged, ambiguous or not what it claims
│   ├── GeometryError                     two grids do not fit together
│   ├── MaskError                         a region is empty, ambiguous or implausible
│   ├── TableError                        a table's rows, columns or values do not fit
│   ├── OutcomeError                      an outcome cannot be learned or tested
│   └── SettingsError                     a study file or an argument is not legal
├── NotDefinedError (ArithmeticError)     a quantity has no value here (never returned as 0 or 1)
├── MissingExtraError (ImportError)       an optional library is not installed
├── OutputError (OSError)                 a result could not be written
├── RemoteError (ConnectionError)         another computer did not answer, or not as it should
├── BusyError (RuntimeError)              another run holds this study
└── WorkerError (RuntimeError)            a worker process was killed by the system

Each message says what was got, what is legal and how to fix it. Context (patient, series, file, column) is added
on the way up with ``add_note``, so an error can cross a process without losing its place.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class GenoxelError(Exception):
    """Base of all errors raised on purpose: what was `got`, what is `legal`, what to do (`fix`).

    >>> print(GenoxelError("spacing 0 mm", "a spacing above 0", "correct the header"))
    got spacing 0 mm; legal: a spacing above 0; to fix: correct the header
    """

    def __init__(self, got: str, legal: str = "", fix: str = "") -> None:
        super().__init__(got, legal, fix)
        self.got = got
        self.legal = legal
        self.fix = fix

    def __str__(self) -> str:
        parts = [f"got {self.got}"]
        if self.legal:
            parts.append(f"legal: {self.legal}")
        if self.fix:
            parts.append(f"to fix: {self.fix}")
        return "; ".join(parts)


class InputError(GenoxelError, ValueError):
    """What was given cannot be used."""


class MissingFileError(InputError, FileNotFoundError):
    """A named file or folder is not there."""

    # ValueError comes first in the order of bases, but only OSError can make this object; Dask's pickling asks by name.
    __new__ = OSError.__new__  # type: ignore[assignment]


class FileFormatError(InputError):
    """A file is damaged, ambiguous or not what it claims to be."""


class GeometryError(InputError):
    """Two grids do not fit together, or one grid is not usable."""


class MaskError(InputError):
    """A region is empty, ambiguous or implausible."""


class TableError(InputError):
    """A table's rows, columns or values do not fit."""


class OutcomeError(InputError):
    """An outcome cannot be learned or tested."""


class SettingsError(InputError):
    """A study file or an argument is not legal."""


class NotDefinedError(GenoxelError, ArithmeticError):
    """A quantity has no value here; it is reported as missing with this reason, never as 0 or 1."""


class MissingExtraError(GenoxelError, ImportError):
    """An optional library is not installed."""


class OutputError(GenoxelError, OSError):
    """A result could not be written; what was there before is untouched."""


class RemoteError(GenoxelError, ConnectionError):
    """Another computer did not answer, or not as it should."""


class BusyError(GenoxelError, RuntimeError):
    """Another run holds this study."""


class WorkerError(GenoxelError, RuntimeError):
    """A worker process was killed by the system."""


def describe(error: BaseException) -> str:
    """Return the message of `error` with its notes, one line, for ledgers and reports."""
    notes = getattr(error, "__notes__", [])
    text = str(error) or type(error).__name__
    return " | ".join([text, *notes])


def nearest(word: str, legal: Iterable[str]) -> str:
    """Return a hint naming the legal word closest to `word`, or an empty string.

    >>> nearest("interpolat", ["interpolate", "range"])
    "did you mean 'interpolate'?"
    """
    close = difflib.get_close_matches(word, list(legal), n=1, cutoff=0.5)
    return f"did you mean '{close[0]}'?" if close else ""
