"""The front door to nouns on disk: what is written here comes back equal, or is refused with a reason."""

from __future__ import annotations

from genoxel.io.cohorts import read_cohort, write_cohort
from genoxel.io.interop import from_anndata, from_mudata, to_anndata, to_mudata
from genoxel.io.parquet import read_outcome, read_records, read_table, write_outcome, write_records, write_table
from genoxel.io.results import read_result, write_result
from genoxel.io.spreadsheet import write_csv

__all__ = [
    "from_anndata",
    "from_mudata",
    "read_cohort",
    "read_outcome",
    "read_records",
    "read_result",
    "read_table",
    "to_anndata",
    "to_mudata",
    "write_cohort",
    "write_csv",
    "write_outcome",
    "write_records",
    "write_result",
    "write_table",
]
