"""What a caller may give where a table is wanted: a Table, a data frame by patient, an AnnData, names of covariates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from genoxel.core.errors import InputError, SettingsError, nearest
from genoxel.core.table import Table
from genoxel.stats.ranks import IndexArray

if TYPE_CHECKING:
    import pandas as pd

Given: TypeAlias = "Table | pd.DataFrame | Any"
"""A table, or what can be read as one."""


def as_table(given: Given, kind: str) -> Table:
    """Return a table of a Table, a data frame indexed by patient, or an AnnData; `InputError` for anything else.

    >>> import pandas as pd
    >>> as_table(pd.DataFrame({"volume": [1.0, 2.0]}, index=["P1", "P2"]), "features")
    Table features: 2 rows of 2 patients x 1 column (volume)
    """
    if isinstance(given, Table):
        return given
    if hasattr(given, "obs") and hasattr(given, "var"):
        from genoxel.io.interop import from_anndata

        return from_anndata(given, kind)
    if hasattr(given, "columns") and hasattr(given, "index"):
        return Table.from_pandas(given, kind)
    raise InputError(
        f"a {type(given).__name__} for the {kind}", "a Table, DataFrame or AnnData", "see Table.from_pandas"
    )


def as_covariates(given: Given | Sequence[str] | None, image: Table) -> Table | None:
    """Return the covariates as a table; names are columns of `image`. `SettingsError` for a name that is none."""
    if given is None or isinstance(given, Table):
        return given
    if isinstance(given, str | list | tuple):
        names = [given] if isinstance(given, str) else list(given)
        for name in names:
            if name not in image:
                near = nearest(str(name), image.names) or "correct it"
                fix = f"{near}, or give covariates as a table: adjust=clinical.select([...])"
                raise SettingsError(f"the covariate {name!r}", f"columns of the {image.kind} table", fix)
        return image.select(names) if names else None
    return as_table(given, "clinical")


def folds_of(n: int, folds: int, seed: Sequence[int]) -> list[IndexArray]:
    """Return the sorted rows of each fold of `n` patients, shuffled; `SettingsError` for folds that cannot be."""
    if not 2 <= folds <= n // 2:
        raise SettingsError(f"{folds} folds of {n} patients", f"2 to {n // 2}", "5 is usual")
    order = np.random.default_rng(np.random.SeedSequence(list(seed))).permutation(n)
    return [np.sort(part) for part in np.array_split(order, folds)]
