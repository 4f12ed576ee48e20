"""How often the planted links of a preset are found, and how often a claim is made where nothing is planted.

`python benchmarks/power.py demo null glioma-idh ... [--seeds 100] [--first 1] [--workers 2] [--n N] [--effects ...]`

Each seed is one cohort through the installed pipeline in memory, as `genoxel selftest stats --full` runs it. With
several presets each seed is done for all of them before the next, so that a stop leaves equal numbers.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np

from genoxel.simulate.presets import preset, presets
from genoxel.simulate.spec import SimulationSpec
from genoxel.study.selftest.cohorts import Judged, judged


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("presets", nargs="+", choices=presets())
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--n", type=int)
    parser.add_argument("--effects", nargs="*")
    parser.add_argument("--always", action="store_true", help="permute also where no gain shows, as the demo does")
    args = parser.parse_args()
    changes: dict[str, Any] = {"n": args.n, "effects": args.effects and tuple(args.effects)}
    changes = {name: value for name, value in changes.items() if value}
    seeds = range(args.first, args.first + args.seeds)
    specs = [(name, preset(name, seed=seed, **changes)) for seed in seeds for name in args.presets]
    found: dict[str, list[list[Judged]]] = {name: [] for name in args.presets}
    start = time.time()
    with ProcessPoolExecutor(args.workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        jobs = [(spec, args.always) for _, spec in specs]
        for (name, spec), rows in zip(specs, pool.map(judged, jobs), strict=True):
            found[name].append(rows)
            for target, word, auc, gain, low, p in rows:
                gains = f"gain {gain:+.2f} (above {low:+.2f})"
                print(f"{name:18s} {spec.seed:4d} {target:8s} {word:28s} AUC {auc:.2f} {gains} p {p:.2f}", flush=True)
    for name, cohorts in found.items():
        tell(name, dict(specs)[name], cohorts)
    print(f"{time.time() - start:.0f} s")


def tell(name: str, spec: SimulationSpec, cohorts: Sequence[list[Judged]]) -> None:
    """Print one line per target: what is planted, the median AUC, and the shares of words."""
    for target in dict.fromkeys(row.target for rows in cohorts for row in rows):
        rows = [row for cohort in cohorts for row in cohort if row.target == target]
        words = Counter(row.word for row in rows).most_common()
        said = ", ".join(f"{word} {count} of {len(rows)}" for word, count in words)
        low, middle, high = np.quantile([row.auc for row in rows], [0.1, 0.5, 0.9])
        lines = [str(one) for one in (*spec.planted, *spec.linked) if target in str(one)]
        print(f"{name}, {target} ({'; '.join(lines)}): AUC {middle:.2f} ({low:.2f} to {high:.2f}); {said}")


if __name__ == "__main__":
    main()
