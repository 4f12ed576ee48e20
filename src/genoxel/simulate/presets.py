"""Ready-made cohorts; their n and d are tuned here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genoxel.core.errors import SettingsError, nearest
from genoxel.simulate.spec import SimulationSpec

_PRESETS: Mapping[str, Mapping[str, Any]] = {
    # A link in the tissue, no link at all, and a link that tumour volume alone already shows.
    "demo": {
        "n": 84,
        "effects": ("IDH1:texture:2.4", "TP53:none", "EGFR:size:1.6"),
        "prevalence": {"IDH1": 0.45, "TP53": 0.40, "EGFR": 0.40},
        "module": "texture:0.7",
        "odd_names": 1,
        "missing_contours": 1,
    },
    "null": {
        "n": 70,
        "effects": ("IDH1:none", "TP53:none", "EGFR:none"),
        "prevalence": {"IDH1": 0.45, "TP53": 0.40, "EGFR": 0.40},
        "module": "none",
    },
    "chest": {
        "n": 70,
        "modality": "ct",
        "effects": ("EGFR:texture:1.8", "TP53:none", "KRAS:margin:1.2"),
        "module": "texture:0.7",
    },
}

FOUND: Mapping[str, tuple[str, int, int]] = {"demo": ("IDH1", 100, 100)}
"""Preset -> (planted link, cohorts in which it was supported, cohorts tried on other seeds by benchmarks/power.py)."""


def presets() -> tuple[str, ...]:
    """Return the names of the presets.

    >>> presets()
    ('demo', 'null', 'chest')
    """
    return tuple(_PRESETS)


def preset(name: str, **changes: Any) -> SimulationSpec:
    """Return a ready-made spec, with `changes` to its fields; `SettingsError` names the nearest preset or field.

    >>> preset("demo", seed=7).seed
    7
    """
    if name not in _PRESETS:
        raise SettingsError(f"preset {name!r}", ", ".join(_PRESETS), nearest(name, _PRESETS) or "choose one")
    fields = tuple(SimulationSpec.__dataclass_fields__)
    for key in changes:
        if key not in fields:
            raise SettingsError(f"the field {key!r}", ", ".join(fields), nearest(key, fields) or "choose one")
    return SimulationSpec(**{**_PRESETS[name], **changes})
