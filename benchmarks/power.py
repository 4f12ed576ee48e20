"""How often the demo's planted links are found, and how often a cohort without links claims one.

`python benchmarks/power.py demo|null [--seeds 100] [--first 1] [--workers 2] [--n N] [--effects IDH1:texture:2 ...]`

Each seed is one cohort through the installed pipeline, as `genoxel selftest stats --full` runs it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from genoxel.simulate.presets import preset
from genoxel.study.selftest.cohorts import judged


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("preset", choices=("demo", "null"))
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--n", type=int)
    parser.add_argument("--effects", nargs="*")
    parser.add_argument("--no-permutations", action="store_true", help="quick look while tuning")
    args = parser.parse_args()
    changes: dict[str, Any] = {"n": args.n, "effects": args.effects and tuple(args.effects)}
    changes = {name: value for name, value in changes.items() if value}
    specs = [preset(args.preset, seed=seed, **changes) for seed in range(args.first, args.first + args.seeds)]
    always = args.preset == "demo" and not args.no_permutations
    words: dict[str, Counter[str]] = {}
    claims, start = 0, time.time()
    with ProcessPoolExecutor(args.workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        for spec, rows in zip(specs, pool.map(judged, [(spec, always) for spec in specs]), strict=True):
            for target, word, auc, gain, low, p in rows:
                words.setdefault(target, Counter())[word] += 1
                gains = f"gain {gain:+.2f} (above {low:+.2f})"
                print(f"{spec.seed:4d} {target:6s} {word:28s} AUC {auc:.2f} {gains} p {p:.2f}", flush=True)
            claims += any(row.word == "supported" for row in rows)
    for target, counts in words.items():
        shares = ", ".join(f"{word} {count / len(specs):.2f}" for word, count in counts.most_common())
        print(f"{target}: {shares}")
    print(f"cohorts with at least one claim: {claims} of {len(specs)} ({time.time() - start:.0f} s)")


if __name__ == "__main__":
    main()
