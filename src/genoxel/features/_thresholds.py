"""Thresholds that part the metabolic volume from the rest: a fixed SUV, or a share of the highest or of the peak."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from genoxel.core.errors import SettingsError

_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%\s*(?:of\s+)?(max|peak)?")
_FIXED = re.compile(r"(?:suv\s*)?(\d+(?:\.\d+)?)")


class Threshold(NamedTuple):
    """A threshold: SUV `value`, or `value` percent of the highest SUV ("max") or of the peak ("peak")."""

    of: Literal["suv", "max", "peak"]
    value: float

    @property
    def name(self) -> str:
        """How columns call it: suv_2_5, max_41pct, peak_50pct."""
        number = f"{self.value:g}".replace(".", "_")
        return f"suv_{number}" if self.of == "suv" else f"{self.of}_{number}pct"

    @property
    def words(self) -> str:
        """What it says, in words."""
        if self.of == "suv":
            return f"SUV {self.value:g}"
        return f"{self.value:g} % of SUV{self.of}"


def threshold_of(given: float | str) -> Threshold:
    """Return the threshold that `given` states: 2.5, "41%", "41% of max" or "50% of peak".

    Raises `SettingsError` for anything else, for shares above 100 % and for 0.

    >>> threshold_of(2.5).name, threshold_of("41%").name, threshold_of("50 % of peak").words
    ('suv_2_5', 'max_41pct', '50 % of SUVpeak')
    """
    text = f"{given:g}" if isinstance(given, int | float) else given.strip().casefold()
    share, fixed = _SHARE.fullmatch(text), _FIXED.fullmatch(text)
    if share is not None and 0 < float(share[1]) <= 100:
        return Threshold("peak" if share[2] == "peak" else "max", float(share[1]))
    if fixed is not None and float(fixed[1]) > 0:
        return Threshold("suv", float(fixed[1]))
    raise SettingsError(f"the threshold {given!r}", "an SUV above 0, or a share", '2.5, "41%" or "50% of peak"')


def threshold_named(name: str) -> Threshold:
    """Return the threshold that columns call `name`.

    >>> threshold_named("max_41pct"), threshold_named("suv_2_5")
    (Threshold(of='max', value=41.0), Threshold(of='suv', value=2.5))
    """
    of, number = name.removesuffix("pct").split("_", 1)
    return Threshold(of, float(number.replace("_", ".")))  # type: ignore[arg-type]
