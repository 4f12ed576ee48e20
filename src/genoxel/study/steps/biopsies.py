"""Biopsies of a study: in which region each one lies, and what the images hold at its place; one row a biopsy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from genoxel.core.image import FloatArray
from genoxel.core.keys import RowKey
from genoxel.core.records import Records
from genoxel.core.table import Column, Source, Table
from genoxel.io.biopsies import ball_at, region_at
from genoxel.omics.settings import BiopsySettings
from genoxel.study.engine import Result
from genoxel.study.pack import unpack
from genoxel.study.steps.volumes import mask_of

_SOURCE = Source(family="biopsies")


def locate_biopsies(
    settings: BiopsySettings, biopsies: Records, images: Mapping[str, Result], patients: Sequence[str]
) -> tuple[Table, list[str]]:
    """Return a row per biopsy of `patients`, keyed by patient, lesion or region, and sample, and notes on them.

    Columns: the place (mm, LPS), the values of the file, whether it lies in a region, and per image the mean of what
    the features are measured on, within the radius. Outside the cut-out around a region both are unknown or no.
    """
    inside = [place for place, row in enumerate(biopsies.rows) if row.patient in set(patients)]
    chosen = biopsies.take(np.array(inside, dtype=np.intp))
    points = np.column_stack([chosen[axis] for axis in "xyz"])
    volumes: dict[str, list[_Volume]] = {}
    keys, means, near = [], [], []
    for row, point in zip(chosen.rows, points, strict=True):
        if row.patient not in volumes:
            volumes[row.patient] = _volumes(images.get(row.patient))
        (lesion, region), found = _at(volumes[row.patient], point, settings.radius)
        keys.append(row._replace(lesion=lesion, region=region))
        means.append(found)
        near.append(bool(found))
    labels = tuple(dict.fromkeys(label for found in means for label in found))
    local = [[found.get(label, np.nan) for found in means] for label in labels]
    columns = (
        *(Column(axis, unit="mm", definition="place in LPS", source=_SOURCE) for axis in "xyz"),
        *(Column(name, definition="value of the biopsy file", source=_SOURCE) for name in settings.values),
        Column("in region", "binary", definition="whether it lies in a region of the contours", source=_SOURCE),
        *(_local(label, settings.radius) for label in labels),
    )
    values = [
        *points.T,
        *(chosen[name] for name in settings.values),
        [float(bool(_where(key))) for key in keys],
        *local,
    ]
    array = np.array(values, dtype=np.float64).T.reshape(len(keys), len(columns))
    return Table(array, tuple(keys), columns, "biopsies"), _notes(keys, near, len(biopsies) - len(chosen))


def _where(key: RowKey) -> str:
    return f"lesion {key.lesion}" if key.lesion else key.region


def _local(label: str, radius: float) -> Column:
    words = f"mean of the prepared image within {radius:g} mm (0: the nearest voxel)"
    return Column(f"{label}.local.mean", definition=words, source=_SOURCE)


_Volume = tuple[str, tuple[str, str], FloatArray, Any]
"""Series label, (lesion, region), image values, mask."""


def _volumes(result: Result | None) -> list[_Volume]:
    if result is None or result.path is None:
        return []
    arrays, facts, _ = unpack(Path(result.path).read_bytes())
    return [
        (
            one["label"],
            (one["lesion"], "" if one["lesion"] else one["region"]),
            np.asarray(arrays[f"{at}.image"]),
            mask_of(arrays[f"{at}.mask"], one["mask"]),
        )
        for at, one in enumerate(facts["volumes"])
    ]


def _at(volumes: Sequence[_Volume], point: FloatArray, radius: float) -> tuple[tuple[str, str], dict[str, float]]:
    """Return the lesion and region (empty: none) and label -> mean intensity at a point."""
    place = ("", "")
    means: dict[str, float] = {}
    for label, name, values, mask in volumes:
        held = ball_at(mask.affine, values.shape, point, radius)
        if held is not None:
            means.setdefault(label, float(np.mean(values[held[0]][held[1]], dtype=np.float64)))
            if place == ("", "") and region_at(mask, point, radius):
                place = name
    return place, means


def _notes(keys: Sequence[RowKey], near: Sequence[bool], others: int) -> list[str]:
    words = [_where(key) for key in keys]
    counts = {name: words.count(name) for name in sorted(set(words))}
    places = ", ".join(f"{count} in {name}" if name else f"{count} in no region" for name, count in counts.items())
    notes = [f"biopsies: {len(keys)} of {len({key.patient for key in keys})} patients; {places or 'none'}"]
    if others:
        notes.append(f"biopsies: {others} of patients who take no part are left out")
    far = [key.text() for key, there in zip(keys, near, strict=True) if not there]
    if far:
        some = ", ".join(far[:5]) + (" ..." if len(far) > 5 else "")
        notes.append(f"biopsies: {len(far)} lie far from every contour ({some}): the other space (LPS, RAS), or image?")
    return notes
