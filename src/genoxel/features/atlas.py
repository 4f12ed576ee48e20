"""Where a region lies in the coordinates of an atlas, as features beside those that were measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from genoxel.core.table import Column, Source
from genoxel.features.extract import Features

FAMILY, TITLE = "atlas", "place in the atlas"
_SAID = {
    "x": "Mean of the region to the right (left: negative) of the anterior commissure of MNI152.",
    "y": "Mean of the region to the front (back: negative) of the anterior commissure of MNI152.",
    "z": "Mean of the region above (below: negative) the anterior commissure of MNI152.",
    "radius_mm": "Root mean square distance of the region from its mean, in the size of MNI152.",
}


def with_place(found: Features, place: Mapping[str, float], modality: str, region: str, settings: str = "") -> Features:
    """Return `found` with where its region lies (mm), as `genoxel.image.atlas.lesion_in_atlas` returned it.

    The columns are modality.region.none.atlas.x, y, z and radius_mm; they are no features of IBSI.

    >>> here = {"x": -31.0, "y": 12.5, "z": 40.0, "radius_mm": 9.0}
    >>> with_place(Features({}, ()), here, "T1CE", "roi").values["T1CE.roi.none.atlas.x"]
    -31.0
    """
    source = Source(modality, region, "none", FAMILY, "")
    columns = {
        name: Column(
            f"{modality or 'image'}.{region}.none.{FAMILY}.{name}",
            unit="mm",
            definition=f"{said} An affine from the head to the template, so within some millimetres.",
            source=source,
            traits=("non-ibsi",),
            settings=settings,
        )
        for name, said in _SAID.items()
    }
    values = {column.name: float(place[name]) for name, column in columns.items()}
    return replace(found, values={**found.values, **values}, columns=(*found.columns, *columns.values()))
