"""Ready-made cohorts; their n and d are tuned here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genoxel.core.errors import SettingsError, nearest
from genoxel.simulate.options import Course, Delivery, Imaging, Omics
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
    # The questions of four papers, each in a cohort whose answer is known.
    "glioma-idh": {
        "n": 100,
        "also": ("dwi", "dsc"),
        "effects": (
            "IDH1 -> location d = 1.0",
            "IDH1 -> rcbv d = -1.2",
            "IDH1 -> adc d = 0.8",
            "IDH1 -> enhancement d = -1.0",
            "TP53 -> null",
            "EGFR -> rcbv d = 0.6",
        ),
        "prevalence": {"IDH1": 0.42, "TP53": 0.40, "EGFR": 0.28},
        "exclusive": ("IDH1+EGFR",),
        "together": {"IDH1+TP53": 4.0},
        "links": (
            "IDH1 -> age d = -1.0",
            "IDH1 -> grade d = -0.9",
            "IDH1 -> survival HR = 0.35",
            "size -> survival HR = 1.3",
        ),
    },
    "nsclc-egfr": {
        "n": 120,
        "modality": "ct",
        "also": ("pet",),
        "effects": (
            "EGFR -> texture d = 2.3 exclusive | 0.6 mixed",
            "EGFR -> solid d = -0.7",
            "KRAS -> uptake d = 0.8",
            "TP53 -> null",
        ),
        "prevalence": {"EGFR": 0.38, "KRAS": 0.25, "TP53": 0.40},
        "exclusive": ("EGFR+KRAS",),
        "links": ("EGFR -> sex OR = 2.5", "EGFR -> response OR = 4", "uptake -> survival HR = 1.5"),
    },
    "tnbc-pcr": {
        "n": 100,
        "modality": "breast",
        "also": ("dce",),
        "effects": ("TP53 -> ktrans d = 0.8", "PIK3CA -> margin d = -0.6", "PTEN -> null"),
        "prevalence": {"TP53": 0.60, "PIK3CA": 0.30, "PTEN": 0.25},
        "links": ("ktrans -> response OR = 2.0", "texture -> response OR = 0.6", "size -> response OR = 0.7"),
        "course": {"points": 2, "interval_days": 56},
    },
    "prostate-pten": {
        "n": 100,
        "modality": "prostate",
        "also": ("dwi",),
        "effects": ("PTEN -> adc d = -0.9", "TP53 -> adc d = -0.4", "PIK3CA -> null"),
        "prevalence": {"PTEN": 0.35, "TP53": 0.30, "PIK3CA": 0.20},
        "links": ("PTEN -> grade d = 0.8",),
    },
    "gbm-virtual-biopsy": {
        "n": 30,
        "also": ("dwi", "dsc"),
        "effects": ("EGFR -> rcbv d = 1.6", "PTEN -> adc d = -1.6", "TP53 -> null"),
        "prevalence": {"EGFR": 0.70, "PTEN": 0.60, "TP53": 0.30},
        "course": {"clones": 2, "biopsies": 4, "registration_mm": 2.0},
        "delivery": {"maps": True},
    },
}
_GROUPS = {"imaging": Imaging, "course": Course, "omics": Omics, "delivery": Delivery}

FOUND: Mapping[str, tuple[str, int, int]] = {"demo": ("IDH1", 100, 100)}
"""Preset -> (planted link, cohorts in which it was supported, cohorts tried on other seeds by benchmarks/power.py)."""


def presets() -> tuple[str, ...]:
    """Return the names of the presets.

    >>> presets()
    ('demo', 'null', 'chest', 'glioma-idh', 'nsclc-egfr', 'tnbc-pcr', 'prostate-pten', 'gbm-virtual-biopsy')
    """
    return tuple(_PRESETS)


def preset_fields(name: str) -> dict[str, Any]:
    """Return the fields of a ready-made spec; `SettingsError` names the nearest preset."""
    if name not in _PRESETS:
        raise SettingsError(f"preset {name!r}", ", ".join(_PRESETS), nearest(str(name), _PRESETS) or "choose one")
    fields = dict(_PRESETS[name])
    return {key: _GROUPS[key](**value) if key in _GROUPS else value for key, value in fields.items()}


def preset(name: str, **changes: Any) -> SimulationSpec:
    """Return a ready-made spec, with `changes` to its fields; `SettingsError` names the nearest preset or field.

    >>> preset("demo", seed=7).seed
    7
    """
    given = preset_fields(name)
    fields = tuple(SimulationSpec.__dataclass_fields__)
    for key in changes:
        if key not in fields:
            raise SettingsError(f"the field {key!r}", ", ".join(fields), nearest(key, fields) or "choose one")
    return SimulationSpec(**{**given, **changes})
