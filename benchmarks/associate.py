"""How fast all pairs are screened, beside a loop over SciPy and `DataFrame.corr`; run: python benchmarks/associate.py.

The loop is timed on a random sample of the pairs and extrapolated, as is said in the output. Times are processor
seconds of one thread, so that ratios are about the method and not about cores or other programs.
"""

from __future__ import annotations

import argparse
import resource
import time
from functools import partial

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
    before = peak()
    once = min(timed(lambda: screen(left, right, permutations=0))[0] for _ in range(REPEATS))
    grown = peak() - before
    with_null = min(timed(lambda: screen(left, right, permutations=WORLDS))[0] for _ in range(REPEATS))
    loop = scipy_loop(x, y, sample, binary) * p * m
    print(f"{name}: {p} x {m} pairs, {n} patients")
    print(
        f"  screen (effect, interval, p, q), least of {REPEATS} {once:8.2f} s, memory beside the tables {grown:.2f} GiB"
    )
    world = max(with_null - once, 0) / WORLDS
    print(f"  one null world (maxT, single precision) {world:7.3f} s, 1,000 extrapolated {1000 * world:8.0f} s")
    print(f"  SciPy loop, {sample} pairs timed, extrapolated {loop:10.0f} s   ratio {loop / once:8.0f}")
    if not binary and p * m <= 500_000:
        frame = pd.DataFrame(np.hstack([x, y]))
        corr, _ = timed(lambda: frame.corr(method="spearman"))
        print(
            f"  DataFrame.corr(spearman), no p, no interval, also within sides {corr:8.2f} s   ratio {corr / once:6.1f}"
        )


REPEATS, WORLDS = 3, 10


def peak() -> float:
    """Return the largest memory so far in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=1000, help="pairs timed in the SciPy loop")
    parser.add_argument("--quick", action="store_true", help="small scenes only")
    parser.add_argument("--growth", action="store_true", help="growth with features, genes and patients")
    parser.add_argument("--huge", action="store_true", help="5,000 x 20,000 columns, 500 patients: one world (5 GiB)")
    arguments = parser.parse_args()
    with threadpool_limits(1):
        screen(table(np.eye(12)[:, :3], "f"), table(np.eye(12)[:, 3:6], "g"), permutations=1)  # compiles the kernels
        if arguments.growth:
            growth()
        elif arguments.huge:
            huge()
        else:
            run(arguments.sample, arguments.quick)


def run(sample: int, quick: bool) -> None:
    scene("complete, small", (60, 200, 500), sample)
    scene("2 % missing at random on one side", (60, 200, 500), sample, share=0.02)
    scene("two groups", (170, 361, 300), sample, binary=True)
    if not quick:
        scene("two groups, more columns", (170, 1500, 500), sample, binary=True)
        scene("2 % missing at random on one side, genome scale", (44, 1500, 5000), sample, share=0.02)
        scene("complete, genome scale", (44, 1500, 5000), sample)
        scene("complete, large", (500, 1500, 20_000), sample)


def growth() -> None:
    """Print how the time of a screen and of a null world grows with each size."""
    print("patients features genes  screen [s]  one world [s]")
    for shape in (
        (44, 1500, 5000),
        (44, 1500, 10_000),
        (44, 3000, 5000),
        (100, 1500, 5000),
        (200, 1500, 5000),
        (500, 1500, 5000),
    ):
        n, p, m = shape
        rng = np.random.default_rng(0)
        left, right = table(rng.normal(size=(n, p)), "f"), table(rng.normal(size=(n, m)), "g")
        once, worlds = (
            min(timed(partial(screen, left, right, permutations=count))[0] for _ in range(REPEATS))
            for count in (0, WORLDS)
        )
        print(f"{n:8d} {p:8d} {m:5d}  {once:10.2f}  {max(worlds - once, 0) / WORLDS:13.3f}")


def huge() -> None:
    """Print the time of null worlds of 5,000 x 20,000 columns, without keeping the pairs."""
    from genoxel.associate.numbers import NumberPairs
    from genoxel.associate.tail import Tail

    rng = np.random.default_rng(0)
    block = NumberPairs(rng.normal(size=(500, 5000)), rng.normal(size=(500, 20_000)), None, "spearman")
    order = rng.permutation(500)
    block.world(order, Tail(0.05, 0.01))
    each = [timed(lambda: block.world(order, Tail(0.05, 0.01)))[0] for _ in range(REPEATS)]
    print(f"5000 x 20000, n = 500: one null world {min(each):.2f} s, 1,000 extrapolated {1000 * min(each):.0f} s")
    print(f"largest memory {peak():.2f} GiB")


if __name__ == "__main__":
    main()
