"""Measure the prediction room: `python benchmarks/coverage.py coverage|claims|speed [--sims 400] [--workers 2]`.

coverage: share of 95 % intervals that hold the truth. claims: verdicts in worlds with and without a link.
speed: CPU seconds of the whole prediction step for 80 patients, 300 columns, 3 targets, 99 permutations.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from genoxel.learn import selfcheck
from genoxel.learn.selfcheck import World

COVERAGE = (
    World(60),
    World(60, shift=0.58),
    World(60, shift=0.74),
    World(60, shift=0.9),
    World(60, shift=0.8, prevalence=0.2),
    World(80, 300, 0.55, 0.35),
    World(200, shift=0.38),
)
CLAIMS = (World(60, 300), World(80, 300), World(80, 300, 1.0), World(80, 300, 1.5), World(80, 300, 2.0))


def show_coverage(world: World, sims: int, pool: ProcessPoolExecutor) -> None:
    """Print one row per metric of one world."""
    for metric, row in selfcheck.coverage(world, sims, partial(pool.map, chunksize=5)).items():
        print(
            f"| {world.n} | {world.p} | {world.prevalence} | {world.shift} | {metric} | {row['truth']:.3f} | "
            f"{row['coverage']:.3f} | {row['width']:.2f} | {row['bias']:+.3f} | {sims} |",
            flush=True,
        )


def show_claims(world: World, sims: int, pool: ProcessPoolExecutor, targets: int) -> None:
    """Print the share of each verdict of one world."""
    shares = selfcheck.claims(world, sims, targets, map=partial(pool.map, chunksize=1))
    words = ", ".join(f"{word} {share:.2f}" for word, share in shares.items())
    print(f"n {world.n}, p {world.p}, shift {world.shift}, {targets} targets, {sims} cohorts: {words}", flush=True)


def show_speed() -> None:
    """Print the CPU seconds of the whole step, compiled code warm."""
    selfcheck.one_verdict(World(40, 30), 0, 1, 2)
    start = time.process_time()
    selfcheck.one_verdict(World(80, 300, 1.5), 0, 3, 99)
    print(f"80 patients x 300 columns, 3 targets, 99 permutations: {time.process_time() - start:.1f} CPU seconds")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("coverage", "claims", "speed"))
    parser.add_argument("--sims", type=int, default=400)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--targets", type=int, default=3)
    parser.add_argument("--only", type=int, nargs="*", help="numbers of the worlds, from 0")
    args = parser.parse_args()
    if args.what == "speed":
        show_speed()
        return
    worlds = COVERAGE if args.what == "coverage" else CLAIMS
    chosen = worlds if args.only is None else [worlds[place] for place in args.only]
    with ProcessPoolExecutor(args.workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        for world in chosen:
            if args.what == "coverage":
                show_coverage(world, args.sims, pool)
            else:
                show_claims(world, args.sims, pool, args.targets)


if __name__ == "__main__":
    main()
