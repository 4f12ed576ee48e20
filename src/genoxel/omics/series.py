"""Dated assays beside an image: the value nearest to its date, and whether the series fell by half."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np

from genoxel.core.errors import TableError
from genoxel.core.keys import as_keys
from genoxel.core.records import Records
from genoxel.core.table import Column, Source, Table

_SOURCE = Source(family="series")
RESPONSE = 0.5
"""A series responds when its last value is below this share of its first."""


def beside_image(
    series: Records, values: Sequence[str], image: Mapping[str, dt.date | None], max_days: int = 30
) -> Table:
    """Return for each value the one nearest to the patient's image, the days from image to sample, and the response.

    A value further than `max_days` from the image, and any value of a patient without image date, is missing (of two
    equally near ones the earlier counts). The response compares the last known value with the first, from two known
    values on; a series that begins at 0 has none. Raises `TableError` for a value that the series does not hold.

    >>> fields = {"day": np.array([10.0, 40.0]), "VAF": np.array([8.0, 2.0])}
    >>> found = Records("series", ("P1", "P1"), fields, profiled=("P1",))
    >>> beside_image(found, ["VAF"], {"P1": dt.date.fromordinal(12)}).values
    array([[ 8., -2.,  1.]])
    """
    lacking = [name for name in values if name not in series.fields]
    if lacking:
        raise TableError(f"the value {lacking[0]!r}", ", ".join(series.fields), "name a column of the series")
    patients = tuple(dict.fromkeys([*(row.patient for row in series.profiled or ()), *series.patients]))
    places: dict[str, list[int]] = {who: [] for who in patients}
    for place, row in enumerate(series.rows):
        places[row.patient].append(place)
    rows = []
    for who in patients:
        index = np.array(sorted(places[who], key=lambda place: float(series["day"][place])), dtype=np.intp)
        days = series["day"][index].astype(np.float64)
        day = image.get(who)
        cells: list[float] = []
        for name in values:
            cells += _cells(days, series[name][index].astype(np.float64), day, max_days)
        rows.append(cells)
    return Table(np.array(rows).reshape(len(patients), 3 * len(values)), as_keys(patients), _columns(values, max_days))


def _cells(days: np.ndarray, numbers: np.ndarray, image: dt.date | None, max_days: int) -> list[float]:
    known = ~np.isnan(numbers)
    days, numbers = days[known], numbers[known]
    value = gap = response = np.nan
    if image is not None and days.size:
        gaps = days - image.toordinal()
        at = int(np.argmin(np.abs(gaps)))
        if abs(gaps[at]) <= max_days:
            value, gap = float(numbers[at]), float(gaps[at])
    if numbers.size > 1 and numbers[0] > 0:
        response = float(numbers[-1] < RESPONSE * numbers[0])
    return [value, gap, response]


def _columns(values: Sequence[str], max_days: int) -> tuple[Column, ...]:
    columns: list[Column] = []
    for name in values:
        near = f"the value nearest to the image, at most {max_days} days from it"
        fell = f"last value below {RESPONSE:.0%} of the first"
        columns += [
            Column(name, definition=near, source=_SOURCE),
            Column(f"{name} days from image", unit="days", definition="sample date less image date", source=_SOURCE),
            Column(f"{name} response", "binary", definition=fell, source=_SOURCE, levels=("no", "yes")),
        ]
    return tuple(columns)
