"""What a study file says about molecular data, targets and the dates of image and sample."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from genoxel.core.settings import Settings

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
    """[omics.expression]: the matrix, its unit, and a fixed transform (learned scaling belongs into the folds)."""

    file: str
    unit: str = ""
    transform: Literal["none", "log2+1", "log2", "log10+1"] = "none"


class OmicsSettings(Settings):
    """[omics]: where the molecular files are and how to read them.

    `profiled` lists the samples or patients that were sequenced (a file); `panel` the genes that were covered (all
    when empty). Without `profiled` nobody is called wild type.

    >>> OmicsSettings(build="GRCh37", mutations="calls.maf").build
    'hg19'
    """

    build: Build | None = None
    mutations: str | None = None
    profiled: str | None = None
    panel: Texts = ()
    expression: ExpressionSettings | None = None

    @field_validator("build", mode="before")
    @classmethod
    def _known_build(cls, value: object) -> object:
        return build_name(value) or value if isinstance(value, str) else value


class SmallestUseful(Settings):
    """The smallest effect that would matter; it decides between 'inconclusive' and 'not supported'."""

    auc: Annotated[float, Field(gt=0.5, lt=1.0)] = 0.70


class TargetSettings(Settings):
    """[target.X]: one of `column` (words of the clinical table), `gene` (from the mutations) or `score` (a number).

    `positive`, `negative` and `unknown` list words (case and spaces are ignored); they extend the default vocabulary
    and win over it. `levels` names the two classes, negative first. `hotspot` limits mutations, as in ["R132"].

    >>> TargetSettings(gene="IDH1|IDH2", hotspot=["R132", "R172"]).genes
    ('IDH1', 'IDH2')
    """

    column: str | None = None
    gene: str | None = None
    score: str | None = None
    positive: Texts = ()
    negative: Texts = ()
    unknown: Texts = ()
    levels: tuple[str, str] | None = None
    hotspot: Texts = ()
    smallest_useful: SmallestUseful = SmallestUseful()

    @model_validator(mode="after")
    def _one_source(self) -> TargetSettings:
        given = [name for name in ("column", "gene", "score") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(f"give exactly one of column, gene, score (here: {', '.join(given) or 'none'})")
        if self.hotspot and not self.gene:
            raise ValueError("hotspot belongs to a gene: give gene = ...")
        both = {word.strip().casefold() for word in self.positive} & {word.strip().casefold() for word in self.negative}
        if both:
            raise ValueError(f"words both positive and negative: {', '.join(sorted(both))}")
        return self

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
