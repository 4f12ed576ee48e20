"""Agreement with IBSI 1, as `genoxel ibsi` prints it: the digital phantom, and the CT phantom from NIfTI and DICOM."""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genoxel.core.errors import FileFormatError, MissingFileError
from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.features.catalog import FAMILIES, catalog
from genoxel.features.compliance import Check, compliance, ct_compliance, read_expected
from genoxel.io.files import existing, safe_text

PHANTOM = "digital_phantom"
CONFIGURATIONS = "ABCDE"
REFERENCE, CT = "ibsi1_reference_values.csv", "ct_radiomics_phantom"
_ARCHIVE, _STRUCTURE = "dicom_ct_rtstruct.tar.xz", "GTV"
_LARGEST, _MOST = 2**30, 1000


@dataclass(frozen=True)
class Compliance:
    """Published values held against ours: source ("", "NIfTI", "DICOM") -> checks; `notes` say what was not done."""

    checks: dict[str, tuple[Check, ...]]
    notes: tuple[str, ...] = ()

    @property
    def misses(self) -> list[tuple[str, Check]]:
        """Every published value that is not met, with the source of the images."""
        return [(source, check) for source, checks in self.checks.items() for check in checks if not check.ok]

    def columns(self) -> list[tuple[str, str]]:
        """Return (configuration, source) of each column of the table."""
        return [
            (config, source)
            for source, checks in self.checks.items()
            for config in dict.fromkeys(check.config for check in checks)
        ]

    def counts(self, family: str, config: str, source: str) -> tuple[int, int]:
        """Return how many values of a family ("" for all) and configuration are met, and of how many."""
        families = _family_of_code()
        found = [
            check.ok
            for check in self.checks[source]
            if check.config == config and family in {"", families.get(check.code, check.family)}
        ]
        return sum(found), len(found)

    def lines(self) -> list[str]:
        """Return the table of k of n per family and configuration, every miss, and the sums."""
        lines = ["IBSI 1 consensus values met (k of n within the published tolerance)"]
        lines.append(f" {'':<9}" + "".join(f"{name:>8}" for name in (*FAMILIES, "all")))
        for config, source in self.columns():
            cells = ["/".join(map(str, self.counts(family, config, source))) for family in (*FAMILIES, "")]
            name = "phantom" if config == PHANTOM else f"{config} {source}"
            lines.append(f" {name:<9}" + "".join(f"{cell:>8}" for cell in cells))
        lines += self.miss_lines()
        for source, checks in self.checks.items():
            met = sum(check.ok for check in checks)
            where = f"CT phantom from {source}" if source else "digital phantom"
            lines.append(f" {met:,} of {len(checks):,} values met: {where}")
        return [*lines, *(f" {note}" for note in self.notes)]

    def miss_lines(self) -> list[str]:
        """Return one line per published value that is not met."""
        return [_miss_line(source, check) for source, check in self.misses]

    def to_json(self) -> dict[str, Any]:
        """Return counts per family and configuration, and every miss."""
        return {
            "counts": [
                {"family": family, "configuration": config, "source": source, "met": met, "of": total}
                for config, source in self.columns()
                for family in FAMILIES
                for met, total in [self.counts(family, config, source)]
            ],
            "met": sum(check.ok for checks in self.checks.values() for check in checks),
            "of": sum(len(checks) for checks in self.checks.values()),
            "misses": [{"source": source, **check._asdict()} for source, check in self.misses],
            "notes": list(self.notes),
        }


def _miss_line(source: str, check: Check) -> str:
    name = ".".join(part for part in (check.family, check.feature, check.aggregation) if part) or "not measured"
    where = f"{check.config} {source}".strip()
    return (
        f" missed: {where} {name} [{check.code}]: published {check.expected:g} ± {check.tolerance:g}, got {check.got:g}"
    )


def _family_of_code() -> dict[str, str]:
    return {record.code: record.family for record in catalog() if record.code}


def check_ibsi(data: Path | None = None, configs: Sequence[str] = CONFIGURATIONS) -> Compliance:
    """Return our values held against the published ones: the digital phantom, and with `data` the CT phantom as well.

    `data` holds `ibsi1_reference_values.csv` and `ct_radiomics_phantom` (nifti/image.nii.gz and mask.nii.gz; dicom or
    its archive). Raises `MissingFileError` where these lack.

    >>> check_ibsi().lines()[-2]
    ' 482 of 482 values met: digital phantom'
    """
    checks = {"": tuple(compliance())}
    if data is None:
        note = "The CT phantom was not looked at: genoxel ibsi --data FOLDER (docs: where to get it)"
        return Compliance(checks, (note,))
    expected = read_expected(safe_text(existing(data / REFERENCE)))
    checks["NIfTI"] = tuple(ct_compliance(*from_nifti(data / CT), expected, configs))
    notes: tuple[str, ...] = ()
    try:
        with _dicom_folder(data / CT) as folder:
            checks["DICOM"] = tuple(ct_compliance(*from_dicom(folder), expected, configs))
    except MissingFileError as error:
        notes = (f"Not checked from DICOM: {error.got}",)
    return Compliance(checks, notes)


def from_nifti(folder: Path) -> tuple[Image, Mask]:
    """Return the CT phantom and its tumour from the NIfTI files below `folder`."""
    from genoxel.io.nifti import read_nifti, read_nifti_mask

    return read_nifti(folder / "nifti/image.nii.gz", "CT"), read_nifti_mask(folder / "nifti/mask.nii.gz")


def from_dicom(folder: Path) -> tuple[Image, Mask]:
    """Return the CT phantom and its tumour from the DICOM slices and the RTSTRUCT below `folder`."""
    from genoxel.io.dicom import read_series
    from genoxel.io.rtstruct import rasterise, read_structures

    image = read_series(_files(folder / "image"))
    structures = read_structures(_files(folder / "mask")[0])
    names = [name for name in structures.names if name.startswith(_STRUCTURE)]
    if len(names) != 1:
        raise FileFormatError(
            f"structures {', '.join(structures.names)} in the CT phantom",
            f"one that begins with {_STRUCTURE}",
            "fetch it again",
        )
    return image, rasterise(structures, names[0], image)


def _files(folder: Path) -> list[Path]:
    found = sorted(folder.glob("*.dcm")) if folder.is_dir() else []
    if not found:
        raise MissingFileError(f"no DICOM files in {folder}", "*.dcm", "unpack the phantom's archive again")
    return found


@contextmanager
def _dicom_folder(place: Path) -> Iterator[Path]:
    """Give the folder with the slices: unpacked beside the archive, or the archive unpacked for as long as needed."""
    if (place / "dicom").is_dir():
        yield place / "dicom"
        return
    archive = existing(place / _ARCHIVE)
    with tempfile.TemporaryDirectory() as temporary:
        _unpack(archive, Path(temporary))
        yield Path(temporary, "dicom")


def _unpack(archive: Path, target: Path) -> None:
    try:
        with tarfile.open(archive) as tar:
            members = list(_bounded(tar, archive.name))
            tar.extractall(target, members, filter="data")
    except (tarfile.TarError, EOFError, OSError) as error:
        raise FileFormatError(f"{archive.name}, which cannot be unpacked ({error})", "the archive", "get it") from error


def _bounded(tar: Iterable[tarfile.TarInfo], name: str) -> Iterator[tarfile.TarInfo]:
    total = 0
    for count, member in enumerate(tar, 1):
        total += member.size
        if count > _MOST or total > _LARGEST:
            raise FileFormatError(f"{name} with more than a phantom holds", f"{_MOST} files, 1 GiB", "fetch it again")
        yield member
