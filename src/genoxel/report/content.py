"""What a report is made of: nouns and results, no drawing. Everything but the study's name may be missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from genoxel.associate.drivers import DriverContrasts
from genoxel.associate.findings import Groups, Meaning
from genoxel.core.flow import Flow
from genoxel.core.image import frozen
from genoxel.core.outcome import Outcome
from genoxel.core.results import AssociationMap, Interval, TargetResult
from genoxel.core.table import Table
from genoxel.report.contact import Card
from genoxel.report.ibsi_items import ReportingItem


@dataclass(frozen=True)
class StudyFacts:
    """The head of the study file; an empty text is printed as 'not stated'."""

    name: str
    question: str = ""
    design: str = ""
    ethics: str = ""
    dates: str = ""
    sites: int | None = None
    seed: int | None = None
    data_use: str = ""


@dataclass(frozen=True)
class Failure:
    """A patient that could not be measured: at which step and why."""

    patient: str
    step: str
    reason: str


@dataclass(frozen=True)
class NotDone:
    """Something a reader may look for and does not find, with the reason."""

    what: str
    why: str


@dataclass(frozen=True)
class Characteristic:
    """One row of Table 1: a fact about two groups of patients and the standardised difference between them.

    `first` and `second` are ready-made texts such as '61 (54 to 68)' or '12 of 44 (27 %)'; the numbers behind them
    stand in `value_first` and `value_second` (median or share); `missing` counts patients without the fact.
    """

    name: str
    level: str
    first: str
    second: str
    value_first: float
    value_second: float
    difference: float
    missing: int = 0


@dataclass(frozen=True)
class Comparison:
    """Two groups of patients beside each other, for example mutant and wild type, or included and left out."""

    title: str
    groups: tuple[str, str]
    sizes: tuple[int, int]
    rows: tuple[Characteristic, ...]


@dataclass(frozen=True)
class Acquisition:
    """How many patients share one acquisition fact, for example 'MR T1CE', 'slice thickness [mm]', '1.0', 41."""

    modality: str
    fact: str
    value: str
    patients: int


@dataclass(frozen=True)
class Prepared:
    """A number that a stage of preparation (registration, kernel, atlas) measured: its spread over `patients`."""

    stage: str
    series: str
    measure: str
    patients: int
    least: float
    median: float
    most: float


@dataclass(frozen=True)
class WordReading:
    """One distinct word of a target column, how often it occurs and how it was read ('I do not know' included)."""

    target: str
    word: str
    count: int
    read_as: str


@dataclass(frozen=True)
class Planned:
    """What `genoxel check` said about a target before anything was learned."""

    target: str
    n: int
    n_positive: int
    detectable: float
    half_width: float
    metric: str = "auc"


@dataclass(frozen=True)
class Cutoff:
    """A cut-off of a target: who of `n` patients is at or above it, and the AUC of the held-out scores judged by it."""

    target: str
    limit: float
    what: str
    n: int
    positive: int
    auc: float = float("nan")


@dataclass(frozen=True)
class Agreement:
    """How far `readers` agree on a trait: kappa by `method` (None and `why` where undefined), and how often as read.

    `cases` counts patients that two of the readers or more graded, `grades` the different grades they gave.
    """

    trait: str
    readers: tuple[str, ...]
    method: str
    cases: int
    grades: int
    equal: float
    kappa: Interval | None
    why: str = ""


@dataclass(frozen=True, eq=False)
class Genome:
    """Gene status per patient: `status[gene][patient]` is 'mutant', 'wild type' or None (unknown: not profiled).

    `traits` names the rows that are no genes but rules such as an arm loss: there 'mutant' means present. `tracks` are
    image measurements drawn under the genes, one value per patient.
    """

    patients: tuple[str, ...]
    status: Mapping[str, Mapping[str, str | None]]
    tracks: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    build: str = ""
    source: str = ""
    traits: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", frozen({gene: frozen(status) for gene, status in self.status.items()}))
        object.__setattr__(self, "tracks", frozen({name: frozen(track) for name, track in self.tracks.items()}))


@dataclass(frozen=True)
class MolecularBlock:
    """A block of molecular numbers: for how many patients, how many columns, the share of cells without a value."""

    name: str
    patients: int
    columns: int
    missing: float
    definition: str = ""


@dataclass(frozen=True)
class Assay:
    """Quality of the assays: the rules in words, (check, patients judged), and every finding.

    A row of `findings` is (patient, check, finding, "left out" or "listed").
    """

    rules: tuple[str, ...] = ()
    judged: tuple[tuple[str, int], ...] = ()
    findings: tuple[tuple[str, str, str, str], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Expression:
    """What was read as gene expression, in numbers."""

    patients: int
    genes: int
    unit: str = ""
    transform: str = ""
    constant: int = 0


@dataclass(frozen=True, eq=False)
class Screen:
    """One association map with the two tables behind it (so that its pairs can be drawn) and its registration."""

    name: str
    map: AssociationMap
    image: Table | None = None
    other: Table | None = None
    planned: str = ""
    adjust: Table | None = None


@dataclass(frozen=True)
class Truth:
    """What a simulation planted (`declared`, `realised` Cohen d) and whether it was found: the only known answer."""

    name: str
    kind: str
    declared: float
    realised: float
    found: bool | None
    comment: str = ""


@dataclass(frozen=True, eq=False)
class Record:
    """How the run can be repeated: the study file as read, versions, hashes of inputs, and plan against run."""

    settings_text: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)
    plan_changes: tuple[str, ...] = ()
    command: str = "genoxel run"

    def __post_init__(self) -> None:
        for name in ("settings", "versions", "hashes"):
            object.__setattr__(self, name, frozen(getattr(self, name)))


@dataclass(frozen=True, eq=False)
class ReportContent:
    """Everything the pages need; a page whose part is missing says 'not done' and why.

    `features` is the image feature table, `volume` the name of its ROI-volume column, `undefined` maps a feature to
    why it has no value; `reporting` are the reporting items of IBSI, filled in; `readers` how far readers
    agree; `associations` and `targets` are the
    results as the verbs returned them, `drivers` the contrasts of exclusive drivers, `meaning` and
    `groups` what features mean and which groups of patients there are; `failed` and `not_done` are
    printed in full; `assay` is the quality of the molecular samples; `looks` overrides the count of
    analyses tried (targets times models); `checklists` are those shown.

    >>> ReportContent(StudyFacts("EGFR from CT")).simulated
    False
    """

    study: StudyFacts
    flow: Flow | None = None
    outcomes: tuple[Outcome, ...] = ()
    readings: tuple[WordReading, ...] = ()
    planned: tuple[Planned, ...] = ()
    cutoffs: tuple[Cutoff, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    acquisition: tuple[Acquisition, ...] = ()
    image_to_sample_days: tuple[float, ...] = ()
    cards: tuple[Card, ...] = ()
    failed: tuple[Failure, ...] = ()
    features: Table | None = None
    volume: str = ""
    undefined: Mapping[str, str] = field(default_factory=dict)
    prepared: tuple[Prepared, ...] = ()
    reporting: tuple[ReportingItem, ...] = ()
    readers: tuple[Agreement, ...] = ()
    genome: Genome | None = None
    expression: Expression | None = None
    blocks: tuple[MolecularBlock, ...] = ()
    molecular_notes: tuple[str, ...] = ()
    assay: Assay | None = None
    associations: tuple[Screen, ...] = ()
    drivers: DriverContrasts | None = None
    meaning: Meaning | None = None
    groups: Groups | None = None
    targets: tuple[TargetResult, ...] = ()
    not_done: tuple[NotDone, ...] = ()
    record: Record = field(default_factory=Record)
    simulated: bool = False
    truth: tuple[Truth, ...] = ()
    looks: int | None = None
    checklists: tuple[str, ...] = ("METRICS", "TRIPOD+AI", "CLEAR")

    def __post_init__(self) -> None:
        object.__setattr__(self, "undefined", frozen(self.undefined))

    @property
    def looks_counted(self) -> int:
        """Analyses tried: each model of each target once, unless the study counted more."""
        return self.looks if self.looks is not None else sum(len(result.ladder) for result in self.targets)
