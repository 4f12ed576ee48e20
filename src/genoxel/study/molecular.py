"""The molecular side of a study, read as its file says: who was sequenced, what was expressed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from genoxel.core.records import Records
from genoxel.core.table import Table
from genoxel.study.study import Study


@dataclass(frozen=True)
class Molecular:
    """Variants and expression of a study; None where the study file names none."""

    variants: Records | None = None
    expression: Table | None = None


def read_molecular(study: Study) -> Molecular:
    """Return variants and expression; errors name the file."""
    return Molecular(read_variants(study), read_expressed(study))


def read_variants(study: Study) -> Records | None:
    """Return the variants with who was profiled, or None."""
    omics = study.settings.omics
    if omics.mutations is None:
        return None
    from genoxel.io.maf import read_maf

    profiled = study.file(omics.profiled) if omics.profiled else None
    return read_maf(study.file(omics.mutations), profiled, omics.panel or None, build=omics.build)


def read_expressed(study: Study) -> Table | None:
    """Return the expression table on the scale that the study file asks for, or None."""
    settings = study.settings.omics.expression
    if settings is None:
        return None
    from genoxel.io.expression import read_expression
    from genoxel.omics.expression import transform

    return transform(read_expression(study.file(settings.file), unit=settings.unit), settings.transform)


def input_files(study: Study) -> list[Path]:
    """Return the table files that the study file names (not the images)."""
    settings = study.settings
    omics = settings.omics
    names = [settings.cohort.table, settings.cohort.overrides, omics.mutations, omics.profiled]
    names += [omics.expression.file] if omics.expression else []
    files = [study.file(name) for name in names if name]
    return files + list(feature_files(study).values())


def feature_files(study: Study) -> dict[str, Path]:
    """Return modality -> ready-made feature table (the modality is empty for a single table)."""
    images = study.settings.io.images
    if images is None or images.features is None:
        return {}
    if isinstance(images.features, dict):
        return {modality: study.file(str(path)) for modality, path in images.features.items()}
    return {"": study.file(str(images.features))}
