"""What a run came to, in the words that the last lines of `genoxel run` use."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genoxel.core.results import AssociationMap, TargetResult, Validation
from genoxel.study.problems import grouped, problem_of_reason


@dataclass(frozen=True)
class Lost:
    """A patient that could not be measured: at which step and why."""

    patient: str
    step: str
    reason: str


@dataclass(frozen=True, eq=False)
class RunResult:
    """Where the results are, what each target ended in, who failed, and what was computed anew."""

    folder: Path
    report: Path
    targets: tuple[TargetResult, ...] = ()
    maps: Mapping[str, AssociationMap] = field(default_factory=dict)
    failed: tuple[Lost, ...] = ()
    patients: int = 0
    fresh: Mapping[str, int] = field(default_factory=dict)
    known: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Return the last lines of a run: one verdict per target, then where the report lies."""
        lines = [*self.notes, *(verdict_line(target) for target in self.targets)]
        lines.append(self._work_line())
        lines.append(f"Report: {self.report}")
        if self.failed:
            lines += [*self.reasons(), self.failed_line()]
        return lines

    def reasons(self, most: int = 6) -> list[str]:
        """Return one line per reason why patients failed, with their names."""
        lines = grouped(problem_of_reason(lost.patient, lost.reason) for lost in self.failed)
        more = [f" ... {len(lines) - most} more reasons"] if len(lines) > most else []
        return [*(f" failed {line}" for line in lines[:most]), *more]

    def failed_line(self) -> str:
        """Return one line on the patients that failed."""
        word = "patient" if self.patients == 1 else "patients"
        where = f"listed in {self.folder.name}/failed.csv"
        return f"{len(self.failed)} of {self.patients} {word} failed (exit code 3), {where}"

    def _work_line(self) -> str:
        total = sum(self.fresh.values()) + sum(self.known.values())
        done = sum(self.fresh.values())
        steps = [name for name, count in self.fresh.items() if count]
        if not done:
            return f"Nothing had to be computed anew ({total} pieces of work from before), {self.seconds:.0f} s"
        return f"{done} of {total} pieces of work computed ({', '.join(steps)}), {self.seconds:.0f} s"

    def to_json(self) -> dict[str, Any]:
        """Return the result as plain values."""
        return {
            "results": str(self.folder),
            "report": str(self.report),
            "patients": self.patients,
            "targets": [verdict_record(target) for target in self.targets],
            "associations": {
                name: {"hits": found.hits, "hits_adjusted": found.hits_adjusted, "pairs": len(found.pairs["p"])}
                for name, found in self.maps.items()
            },
            "failed": [vars(lost) for lost in self.failed],
            "computed": dict(self.fresh),
            "from_before": dict(self.known),
            "seconds": round(self.seconds, 1),
        }


def verdict_line(target: TargetResult) -> str:
    """Return the verdict of one target with its numbers: metric, interval, p, simpler models, gain."""
    head = f" {target.target:<8} {target.verdict.word.upper()}"
    primary = target.primary
    if primary is None:
        return f"{head}  {target.verdict.reason}"
    parts = [
        f"{head}  {primary.metric.upper()} {primary.interval}",
        f"permutation p over all targets {target.p_all:.2g}",
    ]
    simpler = [_short(one) for one in target.ladder[1:] if one.features in ("clinical", "volume")]
    if simpler:
        parts.append(", ".join(simpler))
    if target.gain is not None:
        gain = target.gain
        parts.append(f"gain over {target.best_simpler} {gain.estimate:+.2f} ({gain.low:+.2f} to {gain.high:+.2f})")
    return "; ".join(parts)


def _short(validation: Validation) -> str:
    return f"{validation.features} only {validation.interval.estimate:.2f}"


def verdict_record(target: TargetResult) -> dict[str, Any]:
    """Return one target for verdicts.json."""
    primary = target.primary
    return {
        "target": target.target,
        "verdict": target.verdict.word,
        "reason": target.verdict.reason,
        "rule": target.verdict.rule,
        "next_step": target.verdict.next_step,
        "counts": dict(target.counts),
        "metric": primary.metric if primary else None,
        "estimate": _interval(primary.interval) if primary else None,
        "best_simpler": target.best_simpler,
        "gain": _interval(target.gain) if target.gain else None,
        "p": _number(target.p),
        "p_all_targets": _number(target.p_all),
        "permutations": int(target.permuted.size),
        "smallest_useful": target.smallest_useful,
        "ladder": [
            {"features": one.features, "model": one.model, "n": one.n, **_interval(one.interval)}
            for one in target.ladder
        ],
        "notes": list(target.notes),
    }


def _interval(interval: Any) -> dict[str, Any]:
    numbers = {name: _number(getattr(interval, name)) for name in ("estimate", "low", "high", "level")}
    return {**numbers, "method": interval.method, "target": interval.target, "coverage": interval.coverage}


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
