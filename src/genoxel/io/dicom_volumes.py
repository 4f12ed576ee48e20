"""Several volumes in one series: which tag tells them apart, and which slices make each of them.

A tag counts only when it leaves every position once in each group; times that differ from slice to slice count by
their order at each position. What no tag tells apart is never divided by file order.
Sources: DICOM PS3.3 C.7.6.16 (dimensions, stacks), C.8.13.5.9 (diffusion); private b-values: Siemens (0019,100C),
GE (0043,1039; a bias of 10^9 on multi-b series, stored in (0043,107F)), Philips (2001,1003).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

import numpy as np

from genoxel.core.image import Scalar
from genoxel.io.dicom_tags import number_of, plain, private

Keys = dict[str, Scalar]

KINDS = (
    *("StackID", "Frame", "DiffusionBValue", "EchoTime", "ImageType", "InversionTime", "FlipAngle"),
    "ConvolutionKernel",
)
TIMES = ("TemporalPositionIdentifier", "AcquisitionNumber", "FrameReferenceTime", "TriggerTime")
CLOCKS = ("AcquisitionTime", "ContentTime")
_DIRECTION = "DiffusionGradientOrientation"
_GE_BIAS = 1e9
_OWN = ("Frame", "DiffusionBValue")
_PLAIN_TAGS = (_DIRECTION, *(word for word in KINDS if word not in _OWN), *TIMES, *CLOCKS)


@dataclass(frozen=True)
class Split:
    """The volumes of a series as groups of indices; `by` are the tags that tell them apart, `values` theirs per group.

    `by` is empty where there is one volume; `told` is false where there are several and nothing tells them apart.
    """

    groups: tuple[tuple[int, ...], ...]
    by: tuple[str, ...] = ()
    values: tuple[tuple[Scalar, ...], ...] = ()
    told: bool = True

    def label(self, place: int) -> str:
        """Return in words what is special about a group."""
        if self.by and self.by[-1] in CLOCKS and not self.values:
            return f"time point {place + 1}"
        names = [_SHORT.get(keyword, keyword) for keyword in self.by]
        values = [f"{value:g}" if isinstance(value, float) else value for value in self.values[place]]
        return ", ".join(f"{name} {value}" for name, value in zip(names, values, strict=True))


_SHORT = {"DiffusionBValue": "b", "EchoTime": "TE", "TemporalPositionIdentifier": "time point", "Frame": "frame"}


def keys_of(header: Any) -> Keys:
    """Return the values of a slice's header that may tell volumes apart, by keyword."""
    keys: Keys = {}
    for keyword in _PLAIN_TAGS:
        value = plain(header.get(keyword))
        if value not in (None, ""):
            keys[keyword] = value
    b_value = b_value_of(header)
    if b_value is not None:
        keys["DiffusionBValue"] = b_value
    if _DIRECTION not in keys:
        own = private(header, 0x0019, 0x0E, "SIEMENS MR HEADER")
        own = own if own is not None else private(header, 0x2001, 0x04, "Philips Imaging DD 001")
        if own is not None:
            keys[_DIRECTION] = str(plain(own) if not isinstance(own, bytes) else own.hex())
    return keys


def b_value_of(header: Any) -> float | None:
    """Return the b-value of a slice in s/mm², by the public tag or those of Siemens, GE and Philips, or None."""
    value = number_of(header.get("DiffusionBValue"))
    found = [
        private(header, 0x0019, 0x0C, "SIEMENS MR HEADER"),
        _first(private(header, 0x0043, 0x39, "GEMS_PARM_01")),
        _single(private(header, 0x2001, 0x03, "Philips Imaging DD 001")),
    ]
    for own in found:
        value = value if np.isfinite(value) else number_of(_first(own))
    if not np.isfinite(value):
        named = re.search(r"ep_b(\d+)", str(header.get("SequenceName") or ""))
        return float(named.group(1)) if named else None
    return float(value - _GE_BIAS if value >= _GE_BIAS else value)


def _first(value: Any) -> Any:
    if isinstance(value, str):
        return value.split("\\")[0]
    if hasattr(value, "__getitem__") and hasattr(value, "__len__") and len(value) and not isinstance(value, bytes):
        return value[0]
    return value


def _single(value: Any) -> Any:
    """Return a number that an archive kept as four raw bytes (a private FL without dictionary)."""
    if isinstance(value, bytes) and len(value) == 4:
        return float(np.frombuffer(value, "<f4")[0])
    return value


def split(
    places: Sequence[tuple[float, ...]], keys: Sequence[Mapping[str, Scalar]], order: Sequence[int] | None = None
) -> Split:
    """Return the volumes among slices at `places` (one tuple per slice, equal for one position) by their `keys`.

    Groups are ordered by the value that tells them apart: numbers by size, words by the lowest `order` (the instance
    number) in their group.
    """
    count = Counter(places)
    most = max(count.values())
    everything = tuple(range(len(places)))
    if most == 1 and len({one.get("StackID") for one in keys}) < 2:
        return Split((everything,))
    nearly: Split | None = None
    for by in _candidates(keys):
        found = _by(by, places, keys, most, order or everything)
        if found is None:
            continue
        if len({len(group) for group in found.groups}) == 1:
            return found
        nearly = nearly or found
    return nearly or _by_clock(places, keys, most) or Split((everything,), told=most == 1)


def _candidates(keys: Sequence[Mapping[str, Scalar]]) -> list[tuple[str, ...]]:
    varying = [word for word in (*KINDS, *TIMES, *CLOCKS) if len({one.get(word) for one in keys}) > 1]
    singles: list[tuple[str, ...]] = [(word,) for word in varying]
    if len({one.get(_DIRECTION) for one in keys}) > 1:
        singles += [("DiffusionBValue", _DIRECTION), (_DIRECTION,)]
    return [*singles, *combinations(varying, 2), *combinations(varying[:6], 3)]


def _by(
    by: tuple[str, ...],
    places: Sequence[tuple[float, ...]],
    keys: Sequence[Mapping[str, Scalar]],
    most: int,
    order: Sequence[int],
) -> Split | None:
    groups: dict[tuple[Scalar, ...], list[int]] = {}
    for place, one in enumerate(keys):
        groups.setdefault(tuple(one.get(word) for word in by), []).append(place)
    alone = all(len({places[index] for index in group}) == len(group) for group in groups.values())
    stacks = by[0] == "StackID"
    if not alone or len(groups) < 2 or (not stacks and len(groups) != most):
        return None
    first = {value: min(order[index] for index in group) for value, group in groups.items()}
    ordered = sorted(groups, key=lambda value: [_rank(part, first[value]) for part in value])
    return Split(tuple(tuple(groups[value]) for value in ordered), by, tuple(ordered))


def _rank(value: Scalar, first: int) -> tuple[int, float]:
    number = number_of(value)
    return (0, number) if np.isfinite(number) else (1, float(first))


def _by_clock(places: Sequence[tuple[float, ...]], keys: Sequence[Mapping[str, Scalar]], most: int) -> Split | None:
    """Return the volumes by the order of time at each position, if no volume reaches into the time of the next."""
    if set(Counter(places).values()) != {most}:
        return None
    for clock in (*CLOCKS, "TriggerTime"):
        times = np.array([number_of(one.get(clock)) for one in keys])
        if not np.isfinite(times).all():
            continue
        rank = np.zeros(len(places), dtype=int)
        for place in set(places):
            here = [index for index, one in enumerate(places) if one == place]
            rank[here] = np.argsort(np.argsort(times[here], kind="stable"))
        ends = [(times[rank == volume].min(), times[rank == volume].max()) for volume in range(most)]
        if all(one[1] < other[0] for one, other in pairwise(ends)):
            groups = tuple(tuple(int(index) for index in np.nonzero(rank == volume)[0]) for volume in range(most))
            return Split(groups, (clock,))
    return None
