"""What plain statistics of the pixels see of each planted trait.

    python benchmarks/recovery.py [--seeds 50] [--first 5000] [--n 16] [--bodies mr ct breast prostate]

Every trait of every body is planted with d = 1.2 on a gene of its own. Per seed, Cohen's d (Hedges) between mutants and
wild type of a plain statistic of the images, written without Genoxel's features (`tests/plain_traits.py`); beside it d
of the latent trait itself, and d of the statistic for a gene without effect. Means over the seeds with 95 % intervals,
and the rank correlation of statistic and latent over all patients. The first 50 seeds are those of the slow test.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from plain_traits import ALSO, cohens_d, rank_correlation, seen


def row(found: list[dict[str, np.ndarray]]) -> str:
    """Return the cells of one trait over all seeds."""
    cells = []
    latent, pixels = (np.concatenate([one[name] for one in found]) for name in ("latent", "pixels"))
    cells.append("{:.2f} ({:.2f} to {:.2f})".format(*rank_correlation(latent, pixels)))
    for values, group in (("latent", "mutant"), ("pixels", "mutant"), ("pixels", "null")):
        sizes = np.array([cohens_d(one[values], one[group]) for one in found])
        half = 1.96 * sizes.std(ddof=1) / np.sqrt(len(sizes))
        cells.append(f"{sizes.mean():.2f} ({sizes.mean() - half:.2f} to {sizes.mean() + half:.2f})")
    return " | ".join(cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--first", type=int, default=5000)
    parser.add_argument("--n", type=int, default=16)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--bodies", nargs="+", default=list(ALSO), choices=list(ALSO))
    args = parser.parse_args()
    print("| body | trait | rank correlation | d of the latent (1.2) | d in the pixels | d of the null gene |")
    print("|---|---|---|---|---|---|")
    with ProcessPoolExecutor(args.workers) as pool:
        for body in args.bodies:
            cohorts = list(pool.map(partial(seen, body, args.n), range(args.first, args.first + args.seeds)))
            for trait in cohorts[0]:
                print(f"| {body} | `{trait}` | {row([one[trait] for one in cohorts])} |", flush=True)


if __name__ == "__main__":
    main()
