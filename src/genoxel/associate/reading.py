"""How a feature is usually read: the tissue trait that its kind of image and family stand for.

A reading is a hypothesis of the field, not a measurement: enhancement after contrast medium is read as vascularity,
restricted diffusion as cellularity, uptake as metabolism. It is carried by the column record, so that every table and
page says it in the same words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from genoxel.core.table import Column, Table

TEXTURE = ("glcm", "glrlm", "glszm", "gldzm", "ngtdm", "ngldm")
INTENSITY = ("stat", "ivh", "hist", "local", "pet")
DARK = ("minimum", "p10", "10percentile", "skew")
"""Features of dark voxels: after contrast medium these are what does not enhance."""

BY_IMAGE: Mapping[str, tuple[str, ...]] = {
    "vascularity": ("t1ce", "t1c", "t1gd", "t1post", "dce", "ktrans", "rcbv", "cbv", "dsc", "ve", "vp", "washin"),
    "cellularity": ("adc", "dwi", "md"),
    "oedema": ("flair", "t2f", "t2flair", "t2"),
    "metabolism": ("pet", "fdg", "suv", "pt"),
    "tissue density": ("ct",),
}
"""Trait -> names of images whose intensities are read so; a name is compared without case, '-', '_' and spaces."""

READINGS = (*BY_IMAGE, "necrosis", "heterogeneity", "growth pattern", "tumour burden")


def reading(column: Column) -> tuple[str, ...]:
    """Return the traits that a feature is read as, or () where the record does not say enough.

    >>> from genoxel.core.table import Source
    >>> reading(Column("T1CE.roi.none.stat.p10", source=Source("T1CE", "roi", "none", "stat")))
    ('vascularity', 'necrosis')
    >>> reading(Column("age"))
    ()
    """
    family, traits = column.source.family, column.traits
    if "size" in traits:
        return ("tumour burden",)
    if "shape" in traits or family == "morph":
        return ("growth pattern",)
    if "texture" in traits or family in TEXTURE:
        return ("heterogeneity",)
    if "intensity" not in traits and family not in INTENSITY:
        return ()
    image = "".join(sign for sign in column.source.modality.casefold() if sign.isalnum())
    found = tuple(trait for trait, names in BY_IMAGE.items() if image in names)
    dark = any(word in column.name.casefold() for word in DARK)
    return (*found, "necrosis") if dark and found == ("vascularity",) else found


def with_readings(table: Table) -> Table:
    """Return the table with what each column is read as among its traits; once is as good as twice."""
    columns = tuple(
        replace(column, traits=tuple(dict.fromkeys((*column.traits, *reading(column))))) for column in table.columns
    )
    return replace(table, columns=columns)


def readings_of(column: Column) -> tuple[str, ...]:
    """Return what the record of a column says it is read as."""
    return tuple(trait for trait in column.traits if trait in READINGS)
