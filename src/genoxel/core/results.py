"""What the verbs return: numbers and the settings that made them, with one tidy `to_pandas()` each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from genoxel.core.image import FloatArray, frozen, reduced
from genoxel.core.table import Column

if TYPE_CHECKING:
    import pandas as pd

VerdictWord = Literal["supported", "above chance, no gain shown", "not supported", "inconclusive", "not testable"]


@dataclass(frozen=True)
class Interval:
    """An estimate with its interval, how it was made, what it is about and how often such intervals covered.

    >>> print(Interval(0.61, 0.47, 0.74))
    0.61 (0.47 to 0.74)
    """

    estimate: float
    low: float
    high: float
    level: float = 0.95
    method: str = ""
    target: str = ""
    coverage: str = ""

    def __str__(self) -> str:
        if np.isnan(self.low) or np.isnan(self.high):
            return f"{self.estimate:.2f} (no interval)"
        return f"{self.estimate:.2f} ({self.low:.2f} to {self.high:.2f})"


class PairColumns(Mapping[str, npt.NDArray[Any]]):
    """Columns of very many pairs; what follows from others (a function) is made when first asked for.

    >>> columns = PairColumns({"image": lambda: np.repeat(["volume", "entropy"], 2), "p": np.full(4, 0.5)})
    >>> list(columns), columns["image"].tolist()
    (['image', 'p'], ['volume', 'volume', 'entropy', 'entropy'])
    """

    def __init__(self, columns: Mapping[str, npt.NDArray[Any] | Callable[[], npt.NDArray[Any]]]) -> None:
        self._columns = dict(columns)

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        found = self._columns[name]
        if not isinstance(found, np.ndarray):
            found = self._columns[name] = found()
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)


@dataclass(frozen=True, eq=False)
class AssociationMap:
    """All tested pairs of two tables.

    `pairs` maps a documented column to one array (pairs,):
    image, other (names); test, effect_name; n; effect, low, high; p, q; p_max (family-wise); effect_adjusted,
    low_adjusted, high_adjusted, p_adjusted, q_adjusted, n_adjusted (NaN and 0 when nothing was adjusted for); flag (a
    reason when the pair was not tested or has no finite effect, else ""); flag_adjusted (why no adjusted value).
    `null_hits` holds, for each permuted world, how many pairs passed; `adjusted_for` names the covariates; `targets`
    holds one row per column of the other side: other, tested, passing, best_image, best_p, p_best (how often a null
    world gives a p as small), null_low and null_high (the middle 90 % of its smallest p in null worlds).
    """

    image_columns: tuple[Column, ...]
    other_columns: tuple[Column, ...]
    pairs: Mapping[str, npt.NDArray[Any]]
    null_hits: npt.NDArray[np.int64]
    q: float
    adjusted_for: tuple[str, ...] = ()
    detectable: float = float("nan")
    settings: Mapping[str, Any] = field(default_factory=dict)
    targets: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.pairs, PairColumns):
            object.__setattr__(self, "pairs", frozen(self.pairs))
        object.__setattr__(self, "targets", frozen(self.targets))
        object.__setattr__(self, "settings", frozen(self.settings))

    @property
    def hits(self) -> int:
        """Number of pairs with q at or below the level."""
        return int(np.sum(self.pairs["q"] <= self.q))

    @property
    def hits_adjusted(self) -> int:
        """Number of pairs with adjusted q at or below the level."""
        return int(np.sum(self.pairs["q_adjusted"] <= self.q))

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per pair with the documented columns."""
        import pandas as pd

        return pd.DataFrame(dict(self.pairs))

    def __reduce__(self) -> tuple[Any, ...]:
        return reduced(self)

    def __repr__(self) -> str:
        size = f"{len(self.image_columns)} x {len(self.other_columns)} pairs"
        null = ""
        if self.null_hits.size:
            null = f", null worlds {int(self.null_hits.min())}-{int(self.null_hits.max())}"
        return f"AssociationMap {size} · BH {self.q:.0%}: {self.hits} pairs{null}"


@dataclass(frozen=True, eq=False)
class Validation:
    """One model of one target, honestly validated.

    `predictions` maps repeat, fold, patient, y, score to arrays (one row per held-out prediction); `metrics` holds
    further metrics as intervals; `train` is the mean metric on the training rows, so that `optimism` is visible;
    `selected` counts how often a column was chosen over `fits` outer fits; `notes` says what was not possible.
    """

    target: str
    model: str
    features: str
    metric: str
    interval: Interval
    n: int
    n_positive: int
    train: float
    predictions: Mapping[str, npt.NDArray[Any]]
    metrics: Mapping[str, Interval] = field(default_factory=dict)
    selected: Mapping[str, int] = field(default_factory=dict)
    fits: int = 0
    notes: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("predictions", "metrics", "selected", "settings"):
            object.__setattr__(self, name, frozen(getattr(self, name)))

    @property
    def optimism(self) -> float:
        """Metric on the training rows less the validated one."""
        return self.train - self.interval.estimate

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per held-out prediction: repeat, fold, patient, y, score."""
        import pandas as pd

        return pd.DataFrame(dict(self.predictions))

    def __reduce__(self) -> tuple[Any, ...]:
        return reduced(self)

    def __repr__(self) -> str:
        return f"Validation {self.target} by {self.model} on {self.features}: {self.metric} {self.interval}, n={self.n}"


@dataclass(frozen=True)
class Verdict:
    """The one of five words in which a target ends, why, and what to do next."""

    target: str
    word: VerdictWord
    reason: str
    next_step: str
    rule: str


@dataclass(frozen=True, eq=False)
class TargetResult:
    """Everything about one target.

    `ladder` holds the validations, the primary first and then the simpler models; `gain` is primary minus the best
    simpler model (`best_simpler`); `p` is the permutation p of the primary, `p_all` the one over all targets
    (maximum over targets), `permuted` the statistic in each permuted world and `observed` that statistic itself.
    A target that is not testable has an empty ladder.
    """

    target: str
    levels: tuple[str, ...]
    counts: Mapping[str, int]
    ladder: tuple[Validation, ...]
    gain: Interval | None
    best_simpler: str
    p: float
    p_all: float
    observed: float
    permuted: FloatArray
    smallest_useful: float
    verdict: Verdict
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "counts", frozen(self.counts))

    @property
    def primary(self) -> Validation | None:
        """The validation of the primary model, or None when nothing could be tested."""
        return self.ladder[0] if self.ladder else None

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per model of the ladder with its estimate, interval, n and training metric."""
        import pandas as pd

        rows = [_ladder_row(validation) for validation in self.ladder]
        return pd.DataFrame(rows, columns=[*_LADDER])

    def __reduce__(self) -> tuple[Any, ...]:
        return reduced(self)

    def __repr__(self) -> str:
        head = f"TargetResult {self.target}: {self.verdict.word.upper()}"
        return head if self.primary is None else f"{head}, {self.primary.metric} {self.primary.interval}"


_LADDER = ("target", "features", "model", "metric", "estimate", "low", "high", "n", "n_positive", "train", "optimism")


def _ladder_row(validation: Validation) -> tuple[Any, ...]:
    interval = validation.interval
    return (
        *(validation.target, validation.features, validation.model, validation.metric),
        *(interval.estimate, interval.low, interval.high, validation.n, validation.n_positive),
        *(validation.train, validation.optimism),
    )


def verdict_words() -> Sequence[VerdictWord]:
    """Return the five words in which a target can end."""
    return ("supported", "above chance, no gain shown", "not supported", "inconclusive", "not testable")
