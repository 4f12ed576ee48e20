"""Grey level run length matrix: runs of equal grey level along a direction (IBSI section 3.7)."""

from __future__ import annotations

import numpy as np

from genoxel.core.image import FloatArray
from genoxel.features._directions import directions, flat_steps, pool_weighted, slabs, voxels_of
from genoxel.features._emphasis import count_entropy, emphasis, nonuniformity, spread
from genoxel.features._entries import Entries
from genoxel.features.catalog import Family
from genoxel.features.region import Region


def build(region: Region, aggregation: str) -> Entries:
    """Return the run length matrices of `region`, pooled by `aggregation`."""
    return pool_weighted(region, counted(region, aggregation), aggregation)


def counted(region: Region, aggregation: str) -> Entries:
    """Return the matrix of each direction (and slice, unless 3d), unpooled."""
    three = aggregation.startswith("3d")
    return region.shared(("runs", three), lambda: _counted(region, three))


def _counted(region: Region, three: bool) -> Entries:
    from genoxel.features._kernels.runs import count_runs

    laid = region.laid_out
    steps = flat_steps(directions(3 if three else 2), laid.shape)
    starts = slabs(laid, by_slice=not three)
    width = max(laid.shape)
    scaled = laid.scaled(width, region.n_levels)
    g, i, j, n = count_runs(scaled, laid.rows, laid.slices, starts, steps, region.n_levels, width)
    counts = np.repeat(voxels_of(region, by_slice=not three), steps.size)
    return Entries(g, i, j, n, counts.size, region.n_levels, counts)


FAMILY = Family("glrlm", "grey level run length matrix", build, "directions", ("texture",))
feature = FAMILY.feature


@feature("short runs emphasis", code="22OV", formula="sum r_ij / j² / N_r")
def short_runs_emphasis(m: Entries) -> FloatArray:
    """Weight of short runs."""
    return emphasis(m, 0, -2)


@feature("long runs emphasis", code="W4KF", formula="sum r_ij j² / N_r")
def long_runs_emphasis(m: Entries) -> FloatArray:
    """Weight of long runs."""
    return emphasis(m, 0, 2)


@feature("low grey level run emphasis", code="V3SW", formula="sum r_ij / i² / N_r")
def low_grey_level_run_emphasis(m: Entries) -> FloatArray:
    """Weight of runs of low grey level."""
    return emphasis(m, -2, 0)


@feature("high grey level run emphasis", code="G3QZ", formula="sum r_ij i² / N_r")
def high_grey_level_run_emphasis(m: Entries) -> FloatArray:
    """Weight of runs of high grey level."""
    return emphasis(m, 2, 0)


@feature("short run low grey level emphasis", code="HTZT", formula="sum r_ij / (i² j²) / N_r")
def short_run_low_grey_level_emphasis(m: Entries) -> FloatArray:
    """Weight of short runs of low grey level."""
    return emphasis(m, -2, -2)


@feature("short run high grey level emphasis", code="GD3A", formula="sum r_ij i² / j² / N_r")
def short_run_high_grey_level_emphasis(m: Entries) -> FloatArray:
    """Weight of short runs of high grey level."""
    return emphasis(m, 2, -2)


@feature("long run low grey level emphasis", code="IVPO", formula="sum r_ij j² / i² / N_r")
def long_run_low_grey_level_emphasis(m: Entries) -> FloatArray:
    """Weight of long runs of low grey level."""
    return emphasis(m, -2, 2)


@feature("long run high grey level emphasis", code="3KUM", formula="sum r_ij i² j² / N_r")
def long_run_high_grey_level_emphasis(m: Entries) -> FloatArray:
    """Weight of long runs of high grey level."""
    return emphasis(m, 2, 2)


@feature("grey level non-uniformity", code="R5YN", formula="sum over i of (sum over j of r_ij)² / N_r")
def grey_level_non_uniformity(m: Entries) -> FloatArray:
    """How unevenly the runs are spread over grey levels; grows with their number."""
    return nonuniformity(m, "level")


@feature("normalised grey level non-uniformity", code="OVBL", formula="sum over i of (sum over j of r_ij)² / N_r²")
def normalised_grey_level_non_uniformity(m: Entries) -> FloatArray:
    """How unevenly the runs are spread over grey levels, from 0 to 1."""
    return nonuniformity(m, "level", 2)


@feature("run length non-uniformity", code="W92Y", formula="sum over j of (sum over i of r_ij)² / N_r")
def run_length_non_uniformity(m: Entries) -> FloatArray:
    """How unevenly run lengths are spread; grows with the number of runs."""
    return nonuniformity(m, "size")


@feature("normalised run length non-uniformity", code="IC23", formula="sum over j of (sum over i of r_ij)² / N_r²")
def normalised_run_length_non_uniformity(m: Entries) -> FloatArray:
    """How unevenly run lengths are spread, from 0 to 1."""
    return nonuniformity(m, "size", 2)


@feature("run percentage", code="9ZK5", formula="N_r / N_v")
def run_percentage(m: Entries) -> FloatArray:
    """Count of runs relative to the number of voxels (in every direction counted)."""
    return m.total / m.voxels


@feature("grey level variance", code="8CE5", formula="sum (i - mu)² r_ij / N_r")
def grey_level_variance(m: Entries) -> FloatArray:
    """Variance of the grey level over the runs."""
    return spread(m, "level")


@feature("run length variance", code="SXLW", formula="sum (j - mu)² r_ij / N_r")
def run_length_variance(m: Entries) -> FloatArray:
    """Variance of the run length over the runs."""
    return spread(m, "size")


@feature("run entropy", code="HJ9O", unit="bit", formula="-sum p_ij log2 p_ij")
def run_entropy(m: Entries) -> FloatArray:
    """Uncertainty of grey level and run length of the runs."""
    return count_entropy(m)
