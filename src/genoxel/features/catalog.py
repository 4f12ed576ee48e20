"""The catalogue of features: families in one visible list, features registered by their decorator."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from genoxel.core.errors import SettingsError, nearest

FAMILIES: dict[str, str] = {
    "morph": "morphology",
    "local": "local_intensity",
    "stat": "statistics",
    "hist": "histogram",
    "ivh": "ivh",
    "glcm": "glcm",
    "glrlm": "glrlm",
    "glszm": "glszm",
    "gldzm": "gldzm",
    "ngtdm": "ngtdm",
    "ngldm": "ngldm",
}
"""Every family of IBSI: its short name in column names, and the module that holds it."""

EXTRA_FAMILIES: dict[str, str] = {"pet": "pet", "mtv": "metabolic"}
"""Families outside IBSI, measured on request."""

EVERY_FAMILY = FAMILIES | EXTRA_FAMILIES

Pooling = Literal["none", "directions", "dimension", "threshold"]
SIZE_CODES = frozenset({"RNU0", "YEKZ", "C0JK", "L0JK", "TDIC", "P9VJ", "7J51", "99N0", "N8CA"})
"""Consensus features that measure size before anything else; the trait "size" marks them."""

REFERENCE = "Zwanenburg et al., Radiology 2020;295:328-338 and IBSI reference manual"
PYRADIOMICS = "van Griethuysen et al., Cancer Res 2017;77:e104-e107"


@dataclass(frozen=True)
class FeatureRecord:
    """What the catalogue knows of a feature; an `ibsi` feature is one of the 169 consensus features.

    A `code` without `ibsi` is a feature that IBSI defines but could not standardise. `size`: it measures size before
    anything else.
    """

    name: str
    family: str
    title: str
    code: str
    unit: str
    formula: str
    definition: str
    reference: str
    ibsi: bool
    size: bool
    measure: Callable[[Any], Any] = field(repr=False, compare=False)

    @property
    def standing(self) -> str:
        """What IBSI says of the feature: consensus, no consensus, or not in IBSI."""
        if self.ibsi:
            return "consensus"
        return "no consensus" if self.code else "not in IBSI"


@dataclass(frozen=True)
class Family:
    """A family of features: `build` makes of a region (and an aggregation) what its features are measured on."""

    name: str
    title: str
    build: Callable[..., Any]
    pooling: Pooling = "none"
    traits: tuple[str, ...] = ()
    records: dict[str, FeatureRecord] = field(default_factory=dict, compare=False)

    def feature(
        self,
        title: str,
        code: str = "",
        unit: str = "",
        formula: str = "",
        reference: str = REFERENCE,
        *,
        consensus: bool = True,
        size: bool = False,
    ) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
        """Register the decorated function as a feature; its docstring is the definition. No `code`: not of IBSI.

        In `unit`, "u" stands for the unit of the image. The function's name is the name in columns. Without
        `consensus` the code is that of a feature that IBSI could not standardise.
        """

        def register(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
            name = function.__name__
            if name in self.records:
                raise SettingsError(f"the feature {name!r} twice in {self.name}", "one function per feature", "rename")
            definition = " ".join((function.__doc__ or "").split())
            self.records[name] = FeatureRecord(
                *(name, self.name, title, code, unit, formula, definition, reference),
                *(bool(code) and consensus, size or code in SIZE_CODES, function),
            )
            return function

        return register

    def chosen(self, extended: bool) -> tuple[FeatureRecord, ...]:
        """Return the features of the consensus, or (`extended`, and in families outside IBSI) every one."""
        every = tuple(self.records.values())
        if extended or self.name in EXTRA_FAMILIES:
            return every
        return tuple(record for record in every if record.ibsi)

    def aggregations(self, asked: tuple[str, ...], thresholds: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return the aggregations of this family for those `asked`: all, their dimension, none (""), `thresholds`."""
        if self.pooling == "none":
            return ("",)
        if self.pooling == "threshold":
            return thresholds
        if self.pooling == "directions":
            return asked
        return tuple(dict.fromkeys(name.split("_", 1)[0] for name in asked))


@cache
def family(name: str) -> Family:
    """Return the family called `name` in column names; `SettingsError` names the nearest."""
    if name not in EVERY_FAMILY:
        raise SettingsError(f"feature family {name!r}", ", ".join(EVERY_FAMILY), nearest(name, EVERY_FAMILY))
    module = importlib.import_module(f"{__package__}.{EVERY_FAMILY[name]}")
    found: Family = module.FAMILY
    return found


def catalog() -> list[FeatureRecord]:
    """Return the record of every feature, in the order of the families.

    >>> next(record for record in catalog() if record.name == "joint_entropy").code
    'TU9B'
    """
    return [record for name in EVERY_FAMILY for record in family(name).records.values()]
