"""The study file's section [associate]."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator

from genoxel.core.errors import SettingsError, TableError
from genoxel.core.settings import Settings
from genoxel.core.table import Table


def _as_list(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_as_list)]


class CorrectSettings(Settings):
    """How the number of pairs is paid for: [associate] correct = { method = "BH", q = 0.05, permutations = 99 }.

    `over` = "feature families" first asks which families of image features hold any link, then which pairs within
    these (Benjamini and Bogomolov 2014): the expected share of false pairs within chosen families stays below q.
    "gene sets" does the same by sets of genes ([omics.genesets]); a gene of two sets counts in both, and null worlds
    count its pairs twice.
    """

    method: Literal["BH", "BY"] = "BH"
    over: Literal["all pairs of one block", "feature families", "gene sets"] = "all pairs of one block"
    q: float = Field(default=0.05, gt=0, lt=1)
    permutations: int = Field(default=99, ge=0, le=100_000)


class SurvivalSettings(Settings):
    """[associate] survival = { time = "os_days", event = "os_event" }: clinical columns, event 1 or 0 (censored)."""

    time: str
    event: str


class EnrichSettings(Settings):
    """[associate.enrich]: which gene sets stand at the ends of the genes ranked by features or groups.

    `sets` is a GMT file (left out: that of [omics.genesets]); `features` are names or patterns, left out: at most
    `most` that stand for all others, chosen without looking at genes. `groups` are targets, or columns of the clinical
    or any molecular table, of two classes; `risk` are targets of [learn], whose held-out predictions cut the patients
    in two halves. `modules` asks which sets the metagenes of [omics.derive] hold.
    `permutations` worlds move patients (left out: as many as let a single row pass); `genes` worlds of GSEApy move
    genes (extra `omics`), 0 for none. `activity` predicts gene set scores from the image, `triples` looks for
    features that follow copies and expression of a gene, among the `features` named or `triples_most` that stand for
    the others.

    >>> EnrichSettings(features="T1CE.*.glcm.*").features
    ('T1CE.*.glcm.*',)
    """

    sets: str | None = None
    features: Names = ()
    most: int = Field(default=5, ge=1, le=50)
    groups: Names = ()
    risk: Names = ()
    modules: bool = True
    smallest: int = Field(default=5, ge=2)
    largest: int = Field(default=500, ge=2)
    permutations: int | None = Field(default=None, ge=19, le=100_000)
    genes: int = Field(default=0, ge=0, le=100_000)
    activity: bool = True
    triples: bool = True
    triples_most: int = Field(default=20, ge=1, le=200)


class PhenotypeSettings(Settings):
    """[associate.phenotypes]: groups of patients by `blocks` ("image", "expression", ...; several are fused).

    At most `most` groups, from `resamples` draws of four fifths of the patients, against `worlds` clouds of one group.
    `replicate` keeps patients apart who do not make the groups: "half" of them, or those of the site named. Groups are
    compared in survival ([associate] survival) and in the blocks of `compare` (left out: all that did not make them).

    >>> PhenotypeSettings(blocks="image, expression").blocks
    ('image', 'expression')
    """

    blocks: Names = ("image",)
    most: int = Field(default=5, ge=2, le=20)
    resamples: int = Field(default=50, ge=19, le=10_000)
    worlds: int = Field(default=99, ge=19, le=10_000)
    replicate: str | None = None
    compare: Names | None = None


class AssociateSettings(Settings):
    """The section [associate]: which columns meet which, what is adjusted for, how it is corrected.

    `image` and `against` are names or patterns with * and ?, as a list or separated by commas; `correlation` and
    `groups` choose the effect of number pairs and of two groups. `several` says how several rows of one patient
    become one ("only" refuses them); "clustered" keeps them on the image side and counts patients in errors and null
    worlds (`associate.clusters`). `tails` is the law of rank correlations: "moments" holds far out too
    (`stats.rankp`); "t" is the usual approximation, as in SciPy, whose small p are too small.

    `adjust` left out offers volume, site, age, sex and grade, as far as the study has them; [] adjusts for nothing.
    `registered` are hypotheses "feature ~ partner": only these are tested and corrected. `strata` is a clinical
    column within whose levels every link is shown and compared; `survival` names a time and an event;
    `exclusive` names two or more gene targets that are contrasted alone, together and jointly;
    `shared` asks for components of whole blocks (`associate.multiblock`); `enrich` asks what features mean,
    `phenotypes` for groups of patients.

    >>> AssociateSettings(image="T1CE.*, FLAIR.*").image
    ('T1CE.*', 'FLAIR.*')
    """

    image: Names = ("*",)
    against: Names = ("*",)
    adjust: Names | None = None
    registered: tuple[str, ...] = ()
    strata: str | None = None
    exclusive: Names = ()
    shared: Literal["pls", "sparse_cca", "mofa"] | None = None
    enrich: EnrichSettings | None = None
    phenotypes: PhenotypeSettings | None = None
    survival: SurvivalSettings | None = None
    correct: CorrectSettings = CorrectSettings()
    correlation: Literal["spearman", "pearson"] = "spearman"
    groups: Literal["auc", "cliffs_delta", "cohens_d", "log_odds_ratio"] = "auc"
    tails: Literal["moments", "t"] = "moments"
    several: Literal["only", "mean", "max", "min", "first", "clustered"] = "only"

    @field_validator("registered")
    @classmethod
    def _pairs(cls, registered: tuple[str, ...]) -> tuple[str, ...]:
        for line in registered:
            pair_of(line)
        return registered


Aggregation = Literal["only", "mean", "max", "min", "first"]


def aggregation(several: str) -> Aggregation:
    """Return how the side with one row per patient is brought there: clustered rows leave nothing to aggregate."""
    return "only" if several == "clustered" else several  # type: ignore[return-value]


def pair_of(line: str) -> tuple[str, str]:
    """Return (feature, partner) of a registered hypothesis.

    >>> pair_of("T1CE.whole.none.morph.sphericity ~ codel")
    ('T1CE.whole.none.morph.sphericity', 'codel')
    """
    parts = [part.strip() for part in line.split("~")]
    if len(parts) != 2 or not all(parts):
        raise SettingsError(f"the hypothesis {line!r}", "feature ~ partner", "write one feature, ~, one partner")
    return parts[0], parts[1]


def choose_columns(table: Table, patterns: tuple[str, ...]) -> Table:
    """Return the columns of `table` that fit any of `patterns` (* and ?), in the order of the table.

    Raises `TableError` when a pattern fits none.
    """
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in table.names):
            some = ", ".join(table.names[:5]) + (" ..." if len(table.names) > 5 else "")
            raise TableError(f"pattern {pattern!r} that fits no column of the {table.kind} table", some, "correct it")
    return table.where(lambda column: any(fnmatchcase(column.name, pattern) for pattern in patterns))
