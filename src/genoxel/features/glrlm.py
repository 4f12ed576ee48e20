"""Grey level run length matrix: runs of equal grey level along a direction (IBSI section 3.7)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from genoxel.core.image import FloatArray
from genoxel.features._directions import held, pool_weighted, tasks_of
from genoxel.features._entries import Entries
from genoxel.features._sums import Sums, Tables, chunks, collected, listed, summed
from genoxel.features.catalog import Family
from genoxel.features.region import Region


def build(region: Region, aggregation: str) -> Sums:
    """Return the sums of the run length matrices of `region`, pooled by `aggregation`."""
    if region.weighting is not None:
        from genoxel.features._weighted import entry_sums

        return entry_sums(pool_weighted(region, counted(region, aggregation), aggregation))
    return region.shared(("runs", aggregation), lambda: _summed(region, aggregation))


def _summed(region: Region, aggregation: str) -> Sums:
    out = np.concatenate([summed(tables) for tables in tables_of(region, aggregation)])
    full = held(out[:, 0])
    return collected(out[full], tasks_of(region, aggregation).voxels[full])


def tables_of(region: Region, aggregation: str) -> Iterator[Tables]:
    """Yield tables (matrices, levels + 1, lengths from 0 on) of runs."""
    from genoxel.features._kernels.runs import count_runs

    laid, tasks = region.laid_out, tasks_of(region, aggregation)
    # no run is longer than the longest side
    height, width = region.n_levels + 1, max(laid.shape)
    scaled = laid.scaled(width, region.n_levels)
    code = np.zeros_like(scaled)
    crossed = laid.crossed if aggregation.startswith("3d") else laid.rows
    for first, stop in chunks(tasks.voxels.size, height * width):
        tables = np.zeros((stop - first, height * width), np.int32)
        each = tasks.among(first, stop)
        count_runs(scaled, laid.rows, crossed, laid.slices, each, laid.row + 1, width, code, tables)
        yield tables.reshape(-1, height, width)


def counted(region: Region, aggregation: str) -> Entries:
    """Return the matrix of each direction (and slice, unless 3d), unpooled."""
    single = "3d_avg" if aggregation.startswith("3d") else "2d_avg"
    return listed(tables_of(region, single), tasks_of(region, single).voxels)


FAMILY = Family("glrlm", "grey level run length matrix", build, "directions", ("texture",))
feature = FAMILY.feature


@feature("short runs emphasis", code="22OV", formula="sum r_ij / j² / N_r")
def short_runs_emphasis(m: Sums) -> FloatArray:
    """Weight of short runs."""
    return m.small


@feature("long runs emphasis", code="W4KF", formula="sum r_ij j² / N_r")
def long_runs_emphasis(m: Sums) -> FloatArray:
    """Weight of long runs."""
    return m.large


@feature("low grey level run emphasis", code="V3SW", formula="sum r_ij / i² / N_r")
def low_grey_level_run_emphasis(m: Sums) -> FloatArray:
    """Weight of runs of low grey level."""
    return m.low


@feature("high grey level run emphasis", code="G3QZ", formula="sum r_ij i² / N_r")
def high_grey_level_run_emphasis(m: Sums) -> FloatArray:
    """Weight of runs of high grey level."""
    return m.high


@feature("short run low grey level emphasis", code="HTZT", formula="sum r_ij / (i² j²) / N_r")
def short_run_low_grey_level_emphasis(m: Sums) -> FloatArray:
    """Weight of short runs of low grey level."""
    return m.small_low


@feature("short run high grey level emphasis", code="GD3A", formula="sum r_ij i² / j² / N_r")
def short_run_high_grey_level_emphasis(m: Sums) -> FloatArray:
    """Weight of short runs of high grey level."""
    return m.small_high


@feature("long run low grey level emphasis", code="IVPO", formula="sum r_ij j² / i² / N_r")
def long_run_low_grey_level_emphasis(m: Sums) -> FloatArray:
    """Weight of long runs of low grey level."""
    return m.large_low


@feature("long run high grey level emphasis", code="3KUM", formula="sum r_ij i² j² / N_r")
def long_run_high_grey_level_emphasis(m: Sums) -> FloatArray:
    """Weight of long runs of high grey level."""
    return m.large_high


@feature("grey level non-uniformity", code="R5YN", formula="sum over i of (sum over j of r_ij)² / N_r")
def grey_level_non_uniformity(m: Sums) -> FloatArray:
    """How unevenly the runs are spread over grey levels; grows with their number."""
    return m.level_nonuniformity


@feature("normalised grey level non-uniformity", code="OVBL", formula="sum over i of (sum over j of r_ij)² / N_r²")
def normalised_grey_level_non_uniformity(m: Sums) -> FloatArray:
    """How unevenly the runs are spread over grey levels, from 0 to 1."""
    return m.normalised_level_nonuniformity


@feature("run length non-uniformity", code="W92Y", formula="sum over j of (sum over i of r_ij)² / N_r")
def run_length_non_uniformity(m: Sums) -> FloatArray:
    """How unevenly run lengths are spread; grows with the number of runs."""
    return m.size_nonuniformity


@feature("normalised run length non-uniformity", code="IC23", formula="sum over j of (sum over i of r_ij)² / N_r²")
def normalised_run_length_non_uniformity(m: Sums) -> FloatArray:
    """How unevenly run lengths are spread, from 0 to 1."""
    return m.normalised_size_nonuniformity


@feature("run percentage", code="9ZK5", formula="N_r / N_v")
def run_percentage(m: Sums) -> FloatArray:
    """Count of runs relative to the number of voxels (in every direction counted)."""
    return m.share


@feature("grey level variance", code="8CE5", formula="sum (i - mu)² r_ij / N_r")
def grey_level_variance(m: Sums) -> FloatArray:
    """Variance of the grey level over the runs."""
    return m.level_variance


@feature("run length variance", code="SXLW", formula="sum (j - mu)² r_ij / N_r")
def run_length_variance(m: Sums) -> FloatArray:
    """Variance of the run length over the runs."""
    return m.size_variance


@feature("run entropy", code="HJ9O", unit="bit", formula="-sum p_ij log2 p_ij")
def run_entropy(m: Sums) -> FloatArray:
    """Uncertainty of grey level and run length of the runs."""
    return m.entropy
