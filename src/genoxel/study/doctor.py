"""Look at the installation: what is there, what is missing, and what would go wrong later."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from genoxel._version import __version__
from genoxel.study.engine import library_versions
from genoxel.study.executors import Failure, attempt, usable_cores

GIB = 2**30
LEAST_DISK, LEAST_MEMORY = 1 * GIB, 2 * GIB

CORE = (
    *("numpy", "scipy", "pandas", "pyarrow", "pydicom", "highdicom", "nibabel", "SimpleITK", "scikit-image"),
    *("scikit-learn", "statsmodels", "lifelines", "numba", "matplotlib", "pydantic", "typer", "rich", "jinja2"),
    *("openpyxl", "platformdirs", "psutil", "threadpoolctl", "isal", "PyYAML"),
)
EXTRAS: Mapping[str, tuple[str, ...]] = {
    "omics": ("anndata", "mudata"),
    "brain": ("nilearn",),
    "ml": ("lightgbm",),
    "dicomnet": ("pynetdicom", "dicomweb_client"),
    "online": ("requests", "idc_index_data"),
    "scale": ("dask", "distributed"),
}


@dataclass(frozen=True)
class Finding:
    """One thing looked at: what was found, whether it is good enough, and what to do if not."""

    what: str
    found: str
    good: bool = True
    fix: str = ""

    def line(self) -> str:
        """Return the finding in one line."""
        mark = "ok" if self.good else "!!"
        return f" {mark}  {self.what:<14} {self.found}" + (f"   -> {self.fix}" if self.fix else "")


@dataclass(frozen=True)
class Examination:
    """All findings, and the versions they rest on."""

    findings: tuple[Finding, ...]
    versions: Mapping[str, str]

    @property
    def bad(self) -> tuple[Finding, ...]:
        """Findings that will stop work."""
        return tuple(finding for finding in self.findings if not finding.good)

    def lines(self) -> list[str]:
        """Return the examination as lines for people."""
        end = f"{len(self.bad)} things to mend." if self.bad else "All is well."
        return [f"Genoxel {__version__}", *(finding.line() for finding in self.findings), end]

    def to_json(self) -> dict[str, Any]:
        """Return findings and versions as plain values."""
        findings = [vars(finding) for finding in self.findings]
        return {"genoxel": __version__, "findings": findings, "versions": dict(self.versions), "ok": not self.bad}


def examine(folder: Path | None = None, warm: bool = True) -> Examination:
    """Return what there is to know about this installation; with `warm` the kernels are compiled and tried."""
    place = folder or Path.cwd()
    versions = library_versions(CORE)
    findings = [
        _python(),
        _libraries(versions),
        *(_extra(name, libraries) for name, libraries in EXTRAS.items()),
        Finding("cores", f"{usable_cores()} usable"),
        _memory(),
        _disk(place),
        _writable("this folder", place),
        _writable("temporary", Path(tempfile.gettempdir())),
        _cache(),
    ]
    if warm:
        findings.append(_kernels())
    return Examination(tuple(findings), versions)


def _python() -> Finding:
    good = sys.version_info >= (3, 11)
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Finding("Python", found, good, "" if good else "use Python 3.11 or later")


def _libraries(versions: Mapping[str, str]) -> Finding:
    missing = [name for name, version in versions.items() if version == "absent"]
    found = f"{len(versions) - len(missing)} of {len(versions)} there"
    if missing:
        return Finding("libraries", f"{found}, missing {', '.join(missing)}", False, "pip install --upgrade genoxel")
    return Finding("libraries", found)


def _extra(name: str, libraries: tuple[str, ...]) -> Finding:
    missing = [library for library in libraries if library_versions([library])[library] == "absent"]
    if missing:
        return Finding(f"extra {name}", f"not installed ({', '.join(missing)})", True, f'pip install "genoxel[{name}]"')
    return Finding(f"extra {name}", ", ".join(f"{library} {metadata.version(library)}" for library in libraries))


def _memory() -> Finding:
    import psutil

    memory = psutil.virtual_memory()
    good = memory.available >= LEAST_MEMORY
    found = f"{memory.available / GIB:.1f} GiB free of {memory.total / GIB:.1f}"
    return Finding("memory", found, good, "" if good else "close other programs; 2 GiB are needed")


def _disk(place: Path) -> Finding:
    free = shutil.disk_usage(place).free
    good = free >= LEAST_DISK
    return Finding("disk", f"{free / GIB:.1f} GiB free here", good, "" if good else "make room; 1 GiB is needed")


def _writable(what: str, place: Path) -> Finding:
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(b"x")
    except OSError as error:
        return Finding(what, f"cannot be written: {place} ({error.strerror})", False, "choose another folder")
    return Finding(what, "can be written")


def _cache() -> Finding:
    """Compiled kernels are kept beside the package, or where NUMBA_CACHE_DIR says, or in the user's cache folder."""
    import platformdirs

    said = os.environ.get("NUMBA_CACHE_DIR")
    for place in [Path(said)] if said else [Path(__file__).parents[1], Path(platformdirs.user_cache_dir())]:
        if os.access(place if place.exists() else place.parent, os.W_OK):
            return Finding("kernel cache", str(place))
    return Finding("kernel cache", "nowhere to keep compiled code", True, "set NUMBA_CACHE_DIR to a folder of yours")


def _kernels() -> Finding:
    began = time.monotonic()
    rows = attempt(_measured, None)
    if isinstance(rows, Failure):
        return Finding("kernels", rows.reason.splitlines()[0], False, "report this")
    bad = [row for row in rows if not row.ok]
    found = f"{len(rows) - len(bad)} of {len(rows)} IBSI values exact, {time.monotonic() - began:.1f} s"
    return Finding("kernels", found, not bad, "report this" if bad else "")


def _measured(_: object) -> Any:
    from genoxel.features.compliance import compliance

    return compliance()
