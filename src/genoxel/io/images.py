"""From an inventory's record to the image, and from several fitting series to the one that is meant."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from genoxel.core.errors import InputError
from genoxel.core.flow import Flow
from genoxel.core.image import Image
from genoxel.io.inventory import SeriesRecord
from genoxel.omics.criteria import include

_SHORT = {
    "kernel": "ConvolutionKernel",
    "kvp": "KVP",
    "manufacturer": "Manufacturer",
    "contrast": "ContrastBolusAgent",
    "description": "SeriesDescription",
    "echo_ms": "EchoTime",
    "repetition_ms": "RepetitionTime",
    "tesla": "MagneticFieldStrength",
}


def read_image(series: SeriesRecord, modality: str = "") -> Image:
    """Return the image of one series of an inventory, whatever its format; the patient is in its tags.

    `modality` names volumes whose file does not (NIfTI, NRRD). Raises as the reader of the format does.
    """
    from genoxel.io import dicom, nifti, nrrd

    if series.kind == "DICOM":
        return dicom.read_series(series.files)
    reader = nifti.read_nifti if series.kind == "NIFTI" else nrrd.read_nrrd
    image = reader(series.files[0], modality or series.modality)
    return replace(image, tags={**image.tags, "PatientID": series.patient, "SeriesDescription": series.description})


def choose_series(series: Sequence[SeriesRecord], rules: Sequence[str] = ()) -> tuple[SeriesRecord, str]:
    """Return the one series that is meant and why: the only one, or the first rule (of those kept so far) leaving one.

    A rule is an expression over slice_mm, n_slices, volumes, modality, description, date, kernel, kvp, contrast,
    manufacturer, echo_ms, repetition_ms, tesla and phase ("contrast" or "plain"). A rule that none fulfils is passed
    over. Raises `InputError` naming the candidates when several remain, `SettingsError` for an illegal rule.
    """
    if not series:
        raise InputError("no series", "one series of the modality", "check folder and modality")
    left = {str(place): one for place, one in enumerate(series)}
    texts = _texts(left)
    if len(left) == 1:
        return series[0], "the only series"
    for rule in rules:
        kept = include(Flow.start("series", left), texts, [rule]).patients
        if len(kept) == 1:
            return left[kept[0]], f"rule {rule}"
        if kept:
            left = {place: left[place] for place in kept}
    names = "; ".join(_describe(one) for one in left.values())
    raise InputError(
        f"{len(left)} series that fit: {names}", "one series", "add a rule to [io.images] choose, e.g. 'slice_mm <= 3'"
    )


def _describe(one: SeriesRecord) -> str:
    step = f"{one.spacing[2]:.4g} mm" if one.spacing else "unknown spacing"
    several = f", {one.volumes} volumes" if one.volumes > 1 else ""
    return f"{one.description or one.series[-12:]} ({one.n_slices} slices, {step}{several})"


def _texts(left: dict[str, SeriesRecord]) -> dict[str, dict[str, str]]:
    columns: dict[str, dict[str, str]] = {}
    for place, one in left.items():
        cells = {
            "modality": one.modality,
            "slice_mm": f"{one.spacing[2]:.6g}" if one.spacing else "",
            "n_slices": str(one.n_slices),
            "volumes": str(one.volumes),
            "date": _iso(one.date),
            "phase": "contrast" if one.tags.get("ContrastBolusAgent") else "plain",
        }
        cells |= {short: str(one.tags.get(keyword, "")) for short, keyword in _SHORT.items()}
        for name, cell in cells.items():
            columns.setdefault(name, {})[place] = cell
    return columns


def _iso(date: str) -> str:
    try:
        return dt.datetime.strptime(date, "%Y%m%d").date().isoformat()
    except ValueError:
        return ""
