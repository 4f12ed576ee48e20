"""How fast all pairs are screened, beside a loop over SciPy and `DataFrame.corr`; run: python benchmarks/associate.py.

The loop is timed on a random sample of the pairs and extrapolated, as is said in the output. Times are processor
seconds of one thread, so that ratios are about the method and not about cores or other programs.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
import pandas as pd
from scipy import stats
from threadpoolctl import threadpool_limits

from genoxel.associate import screen
from genoxel.core.table import Column, Table
from genoxel.stats.intervals import rho_interval


def table(values: np.ndarray, prefix: str, kind: str = "real") -> Table:
    columns = tuple(Column(f"{prefix}{place}", kind) for place in range(values.shape[1]))
    return Table(values, tuple(f"P{row}" for row in range(len(values))), columns)


def timed(function) -> tuple[float, object]:
    start = time.process_time()
    result = function()
    return time.process_time() - start, result


def scipy_loop(x: np.ndarray, y: np.ndarray, sample: int, binary: bool) -> float:
    """Return seconds per pair of the loop that most scripts have: test, p, and an interval for correlations."""
    rng = np.random.default_rng(1)
    pairs = list(zip(rng.integers(0, x.shape[1], sample), rng.integers(0, y.shape[1], sample), strict=True))

    def loop() -> None:
        for i, j in pairs:
            a, b = x[:, i], y[:, j]
            keep = ~(np.isnan(a) | np.isnan(b))
            a, b = a[keep], b[keep]
            if binary:
                stats.mannwhitneyu(a[b == 1], a[b == 0])
            else:
                rho_interval(stats.spearmanr(a, b).statistic, len(a))

    return timed(loop)[0] / sample


def scene(name: str, shape: tuple[int, int, int], sample: int, share: float = 0.0, binary: bool = False) -> None:
    n, p, m = shape
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(n, p)), rng.normal(size=(n, m))
    if binary:
        y = (y > 0.5).astype(float)
    x[rng.random(x.shape) < share] = np.nan
    left, right = table(x, "f"), table(y, "g", "binary" if binary else "real")
    once, _ = timed(lambda: screen(left, right, permutations=0))
    with_null, _ = timed(lambda: screen(left, right, permutations=10))
    loop = scipy_loop(x, y, sample, binary) * p * m
    print(f"{name}: {p} x {m} pairs, {n} patients")
    print(f"  screen (effect, interval, p, q) {once:8.2f} s     one null world {(with_null - once) / 10:7.3f} s")
    print(f"  SciPy loop, {sample} pairs timed, extrapolated {loop:10.0f} s   ratio {loop / once:8.0f}")
    if not binary and p * m <= 500_000:
        frame = pd.DataFrame(np.hstack([x, y]))
        corr, _ = timed(lambda: frame.corr(method="spearman"))
        print(
            f"  DataFrame.corr(spearman), no p, no interval, also within sides {corr:8.2f} s   ratio {corr / once:6.1f}"
        )
    print(f"  largest memory so far {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=1000, help="pairs timed in the SciPy loop")
    parser.add_argument("--quick", action="store_true", help="small scenes only")
    arguments = parser.parse_args()
    with threadpool_limits(1):
        run(arguments.sample, arguments.quick)


def run(sample: int, quick: bool) -> None:
    scene("complete, small", (60, 200, 500), sample)
    scene("2 % missing at random on one side", (60, 200, 500), sample, share=0.02)
    scene("two groups", (170, 361, 300), sample, binary=True)
    if not quick:
        scene("complete, genome scale", (44, 1500, 5000), sample)


if __name__ == "__main__":
    main()
