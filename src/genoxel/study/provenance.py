"""What a run was made with: versions, inputs, machine and times, in a file beside the tables and never in them."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genoxel._version import __version__
from genoxel.study.doctor import CORE, EXTRAS
from genoxel.study.engine import library_versions
from genoxel.study.ledger import now


def versions() -> dict[str, str]:
    """Return the versions of Genoxel, Python and every library a run may use."""
    names = [*CORE, *(library for libraries in EXTRAS.values() for library in libraries)]
    return {"genoxel": __version__, "python": platform.python_version(), **library_versions(names)}


def machine() -> dict[str, Any]:
    """Return what is worth knowing of this machine (no names of people or hosts)."""
    import psutil

    return {
        "system": platform.platform(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
    }


def provenance(
    study_text: str, settings: Mapping[str, Any], inputs: Mapping[str, str], outputs: Mapping[str, str], began: str
) -> dict[str, Any]:
    """Return the record of a run: `inputs` and `outputs` map a path relative to the study to its SHA-256."""
    return {
        "genoxel": __version__,
        "began": began,
        "ended": now(),
        "versions": versions(),
        "machine": machine(),
        "study_file": study_text,
        "settings": dict(settings),
        "inputs": dict(sorted(inputs.items())),
        "outputs": dict(sorted(outputs.items())),
    }


def relative(path: Path, folder: Path) -> str:
    """Return `path` as written from `folder` where it lies inside, else its name alone (no machine path)."""
    try:
        return path.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError:
        return path.name
