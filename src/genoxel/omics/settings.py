"""What a study file says about molecular data, targets and the dates of image and sample."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from genoxel.core.settings import Settings
from genoxel.omics.derive import DeriveSettings
from genoxel.omics.rules import parse_rule
from genoxel.omics.subtypes import CUT_OFFS

Texts = tuple[str, ...]
Build = Literal["hg18", "hg19", "hg38"]

_BUILDS: dict[str, Build] = {
    **dict.fromkeys(("hg18", "36", "grch36", "ncbi36"), "hg18"),
    **dict.fromkeys(("hg19", "37", "grch37", "ncbi37", "b37", "37.1"), "hg19"),
    **dict.fromkeys(("hg38", "38", "grch38"), "hg38"),
}


def build_name(text: str) -> Build | None:
    """Return hg18, hg19 or hg38 for any usual name of a genome build, None for an unknown one.

    >>> build_name("GRCh37")
    'hg19'
    """
    return _BUILDS.get(text.strip().casefold())


class ExpressionSettings(Settings):
    """[omics.expression]: the matrix, its unit, a fixed transform, and a normalisation.

    `normalise` learns from samples: "size_factors" (of counts, then log2 of 1 more; no transform beside it) or
    "quantile" (after the transform). Each training fold learns it anew.

    `damage` says what happens to gene names that a spreadsheet turned into dates, `twice` to genes in several rows;
    "repair", "mean" and "max" are told in the report. `file` may be a GEO series matrix; `probes` is the platform table
    (GPL..., `.annot` or `.soft`) by which probes of an array become genes, those of several genes left out.
    """

    file: str
    unit: str = ""
    probes: str | None = None
    transform: Literal["none", "log2+1", "log2", "log10+1", "log2cpm"] = "none"
    normalise: Literal["none", "size_factors", "quantile"] = "none"
    damage: Literal["refuse", "repair"] = "refuse"
    twice: Literal["refuse", "mean", "max"] = "refuse"
    versions: bool = True

    @model_validator(mode="after")
    def _once(self) -> ExpressionSettings:
        if self.normalise == "size_factors" and self.transform != "none":
            raise ValueError("size factors are taken of counts and logged by themselves: remove transform")
        return self


class CopyNumberSettings(Settings):
    """[omics.copynumber]: segments (with the build under [omics]), calls per gene, or both.

    `arms` become columns of the block copynumber, `genes` is a BED file of loci whose copies are taken from the
    segments. Thresholds are log2 of copies / 2; `share` is the part of the seen arm that must be changed, `seen` the
    part of an arm that must be seen. Sources of the defaults: `omics.copynumber.CopyRules`.
    """

    segments: str | None = None
    calls: str | None = None
    genes: str | None = None
    arms: Texts = ()
    gain: Annotated[float, Field(gt=0)] = 0.2
    loss: Annotated[float, Field(lt=0)] = -0.25
    amplified: Annotated[float, Field(gt=0)] = 1.0
    deleted: Annotated[float, Field(lt=0)] = -1.1
    share: Annotated[float, Field(gt=0.5, le=1)] = 0.8
    seen: Annotated[float, Field(gt=0, le=1)] = 0.5
    overlap: Literal["refuse", "unknown"] = "refuse"

    @model_validator(mode="after")
    def _some_file(self) -> CopyNumberSettings:
        if not self.segments and not self.calls:
            raise ValueError("nothing to read: give segments = ..., calls = ..., or both")
        if (self.arms or self.genes) and not self.segments:
            raise ValueError("arms and genes are taken from segments: add segments = ...")
        if self.genes and self.calls:
            raise ValueError("calls per gene and genes from segments exclude each other: keep one")
        return self


class GeneSetSettings(Settings):
    """[omics.genesets]: a GMT file scored on the expression.

    "ssgsea" and the mean "rank" look at one sample at a time; "zmean" and "gsva" learn from samples, in each training
    fold anew (GSVA takes time there: its cost grows with the square of the samples).
    """

    file: str
    method: Literal["ssgsea", "rank", "zmean", "gsva"] = "ssgsea"
    smallest: Annotated[int, Field(ge=2)] = 5
    known: Annotated[float, Field(ge=0, le=1)] = 0.5


class MethylationSettings(Settings):
    """[omics.methylation]: a matrix of probes (beta or M values); MGMT status is derived where its probes are there."""

    file: str
    unit: Literal["beta", "M"] = "beta"


class FusionSettings(Settings):
    """[omics.fusions]: a table of fusions, and the list of who was looked at (without it nobody is free of them)."""

    file: str
    profiled: str | None = None


class MatrixSettings(Settings):
    """[omics.tables.NAME]: any other matrix of numbers (protein, miRNA, metabolites), samples x features."""

    file: str
    unit: str = ""


class QualityRuleSettings(Settings):
    """One limit of [omics.quality]: a sample passes at `least` or more and `most` or less."""

    least: float | None = None
    most: float | None = None

    @model_validator(mode="after")
    def _some(self) -> QualityRuleSettings:
        if self.least is None and self.most is None:
            raise ValueError("a rule without a limit: give least = ..., most = ..., or both")
        return self


class QualitySettings(Settings):
    """[omics.quality]: numbers of each sample, limits, and who is looked at; nobody is left out but by `exclude`.

    `file` is a table with a column of patients and columns such as coverage and purity; `rules` limits these and
    call_rate (the share of measured genes). `sex` and `batch` are clinical columns; `outliers` is how many deviations
    below the others a sample's correlation must lie to be listed (false: nobody looks). `exclude` names what takes a
    patient out of the study: "rules", "sex", "outliers". The first two look at one sample alone; outliers are judged
    once beside all samples, held-out ones too, and the report says so.

    >>> QualitySettings(rules={"purity": {"least": 0.2}}, exclude=["rules"]).exclude
    ('rules',)
    """

    file: str | None = None
    rules: dict[str, QualityRuleSettings] = Field(default_factory=dict)
    sex: str | None = None
    batch: str | None = None
    outliers: Annotated[float, Field(gt=0)] | Literal[False] = 5.0
    exclude: tuple[Literal["rules", "sex", "outliers"], ...] = ()

    @field_validator("outliers", mode="before")
    @classmethod
    def _limit(cls, value: object) -> object:
        if value is True or (value == 0 and value is not False):
            raise ValueError("a number of deviations above 0, for example 5, or false")
        return value

    @model_validator(mode="after")
    def _fits(self) -> QualitySettings:
        if "rules" in self.exclude and not self.rules:
            raise ValueError('exclude = ["rules"] without rules: add rules = { purity = { least = 0.2 } }')
        if "outliers" in self.exclude and not self.outliers:
            raise ValueError('exclude = ["outliers"] with outliers = false: remove one')
        if "sex" in self.exclude and not self.sex:
            raise ValueError('exclude = ["sex"] without a column: add sex = ...')
        return self


class BiopsySettings(Settings):
    """[omics.biopsies]: samples with a place; each is located in its region, one row a sample in tables/biopsies_table.

    `space` says how the file counts (LPS or RAS; never guessed), `x`, `y`, `z` and `values` name columns of numbers.
    Within `radius` mm most voxels decide the region, and the images are averaged; 0 takes the nearest voxel.

    >>> BiopsySettings(file="biopsies.csv", space="LPS", values=["TP53_vaf"]).places
    ('x', 'y', 'z')
    """

    file: str
    space: Literal["LPS", "RAS"]
    patient: str = "patient"
    sample: str = "sample"
    x: str = "x"
    y: str = "y"
    z: str = "z"
    values: Texts = ()
    radius: Annotated[float, Field(ge=0, le=50)] = 0.0

    @property
    def places(self) -> tuple[str, str, str]:
        """The columns that hold the place."""
        return self.x, self.y, self.z


BLOCKS = (
    *("image", "volume", "clinical", "features", "survival", "targets", "expression", "copynumber", "arms"),
    *("methylation", "mgmt", "genesets", "burden", "ihc", "registered", "biopsies"),
)
"""Names that blocks of the study have already."""


class OmicsSettings(Settings):
    """[omics]: where the molecular files are and how to read them.

    `profiled` lists the samples or patients that were sequenced (a file); `panel` the genes that were covered (all
    when empty). Without `profiled` nobody is called wild type. `mutations` is a MAF or an annotated VCF; `megabases`,
    the coding size of the assay, gives the mutational burden. `ihc` maps a marker (ER, PR, HER2, Ki-67, PD-L1 TPS) to
    the column of the clinical table in which pathologists wrote it. `cbioportal` is a study folder that brings all of
    these but `ihc`.
    Mutations that the file calls germline (Mutation_Status) are left out of every export unless `share_germline`.
    `derive` makes further blocks of what was read; `quality` says which samples are good enough.

    >>> OmicsSettings(build="GRCh37", mutations="calls.maf").build
    'hg19'
    """

    build: Build | None = None
    mutations: str | None = None
    profiled: str | None = None
    panel: Texts = ()
    megabases: Annotated[float, Field(gt=0.01, le=100)] | None = None
    share_germline: bool = False
    cbioportal: str | None = None
    expression: ExpressionSettings | None = None
    copynumber: CopyNumberSettings | None = None
    fusions: FusionSettings | None = None
    methylation: MethylationSettings | None = None
    genesets: GeneSetSettings | None = None
    tables: dict[str, MatrixSettings] = Field(default_factory=dict)
    ihc: dict[str, str] = Field(default_factory=dict)
    derive: DeriveSettings = DeriveSettings()
    quality: QualitySettings | None = None
    biopsies: BiopsySettings | None = None

    @model_validator(mode="after")
    def _fits(self) -> OmicsSettings:
        if self.copynumber and self.copynumber.segments and self.build is None:
            raise ValueError("segments do not say their genome build: add build = 'hg19' or 'hg38' under [omics]")
        if self.genesets and not self.expression:
            raise ValueError("gene sets are scored on expression: add expression = ... under [omics]")
        if self.cbioportal and (self.mutations or self.profiled or self.fusions):
            raise ValueError("cbioportal brings mutations, profiled and fusions: remove them, or cbioportal")
        names = [*self.derive.blocks, *self.tables, *BLOCKS]
        taken = sorted({name for name in names if names.count(name) > 1})
        if taken:
            raise ValueError(f"two blocks called {taken[0]!r}: give one another name")
        if self.derive.msi and self.megabases is None:
            raise ValueError("the msi score is per megabase: add megabases = ... under [omics]")
        return self

    @field_validator("build", mode="before")
    @classmethod
    def _known_build(cls, value: object) -> object:
        return build_name(value) or value if isinstance(value, str) else value


class SmallestUseful(Settings):
    """The smallest effect that would matter; it decides between 'inconclusive' and 'not supported'."""

    auc: Annotated[float, Field(gt=0.5, lt=1.0)] = 0.70


class QuantileCut(Settings):
    """cut = { quantile = 0.75 }: high is the upper quarter of the training patients."""

    quantile: Annotated[float, Field(gt=0, lt=1)]


class TargetSettings(Settings):
    """[target.X]: one of `column` (words of the clinical table), `gene` (mutations), `rule` or `score` (a number).

    A rule is a line such as "1p and 19q arm loss", "CDKN2A deleted", "ALK fusion" or "MGMT methylated". `confirm` names
    another target that says the same from another source: patients on whom they differ are listed.

    `cut` makes two classes of a score or a column of numbers: a number (at or above it is the second class), the name
    of a cut-off ("Ki-67", "PD-L1 TPS"), "median", or a quantile such as { quantile = 0.75 }. A quantile is taken of the
    training patients in each fold, and so is a score that is learned. A score with named classes, such as a subtype,
    takes `positive`.

    `positive`, `negative` and `unknown` list words (case and spaces are ignored); they extend the default vocabulary
    and win over it. `levels` names the two classes, negative first. `hotspot` limits mutations, as in ["R132"].

    >>> TargetSettings(gene="IDH1|IDH2", hotspot=["R132", "R172"]).genes
    ('IDH1', 'IDH2')
    """

    column: str | None = None
    gene: str | None = None
    score: str | None = None
    rule: str | None = None
    positive: Texts = ()
    negative: Texts = ()
    unknown: Texts = ()
    levels: tuple[str, str] | None = None
    hotspot: Texts = ()
    cut: float | QuantileCut | str | None = None
    confirm: str | None = None
    smallest_useful: SmallestUseful = SmallestUseful()

    @model_validator(mode="after")
    def _one_source(self) -> TargetSettings:
        given = [name for name in ("column", "gene", "score", "rule") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(f"give exactly one of column, gene, score, rule (here: {', '.join(given) or 'none'})")
        if self.rule:
            parse_rule(self.rule)
        self._check_cut()
        if self.hotspot and not self.gene:
            raise ValueError("hotspot belongs to a gene: give gene = ...")
        both = {word.strip().casefold() for word in self.positive} & {word.strip().casefold() for word in self.negative}
        if both:
            raise ValueError(f"words both positive and negative: {', '.join(sorted(both))}")
        return self

    def _check_cut(self) -> None:
        if self.cut is None:
            return
        if not self.score:
            raise ValueError("cut belongs to a score: give score = ... (a clinical column of numbers may be one)")
        if isinstance(self.cut, str) and self.cut != "median" and self.cut not in CUT_OFFS:
            raise ValueError(f"no cut-off is called {self.cut!r}: a number, median, or {', '.join(CUT_OFFS)}")

    @property
    def quantile(self) -> float | None:
        """The quantile at which each training fold cuts, None for a fixed cut."""
        if isinstance(self.cut, QuantileCut):
            return self.cut.quantile
        return 0.5 if self.cut == "median" else None

    @property
    def is_class(self) -> bool:
        """Whether this makes classes, which can be predicted, and not a number of each patient."""
        return not self.score or self.cut is not None or bool(self.positive)

    @property
    def genes(self) -> tuple[str, ...]:
        """Genes of a gene target: "IDH1|IDH2" means mutated in either."""
        return tuple(part.strip() for part in (self.gene or "").split("|") if part.strip())


class IntervalSettings(Settings):
    """[cohort] interval: at most `max_days` between two date columns, whichever comes first.

    >>> IntervalSettings.model_validate({"from": "ct_date", "to": "biopsy_date", "max_days": 60}).start
    'ct_date'
    """

    model_config = ConfigDict(populate_by_name=True)

    start: Annotated[str, Field(alias="from")]
    end: Annotated[str, Field(alias="to")]
    max_days: Annotated[int, Field(ge=0)]
