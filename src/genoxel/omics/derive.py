"""[omics.derive]: which variables are made of the molecular files; each key is a block, each column may be a target."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from genoxel.core.settings import Settings
from genoxel.omics.axes import AXES
from genoxel.omics.rules import parse_rule
from genoxel.omics.subtypes import CUT_OFFS

Texts = tuple[str, ...]
Depth = Annotated[int, Field(ge=1)]
OF_GENES = "named_metagenes"
"""The block of metagenes that are named after a gene they hold."""


class FractionSettings(Settings):
    """vaf = { genes = ["TP53"] }: highest allele fraction of each gene, and MATH where `fewest` mutations are there.

    Mutations of fewer than `min_depth` reads count for neither.
    """

    genes: Texts = ()
    min_depth: Depth = 20
    fewest: Depth = 5


class RepeatSettings(Settings):
    """msi = { repeat = 5 }: indels of one base in runs of `repeat` equal bases or more, per megabase."""

    repeat: Annotated[int, Field(ge=3, le=20)] = 5


class SignatureSettings(Settings):
    """signatures = { file = "COSMIC_SBS.txt" }: shares of known signatures; none below `fewest` mutations."""

    file: str
    fewest: Depth = 50


class ImmuneSettings(Settings):
    """immune = {}: cytolytic activity (from TPM or FPKM), CD8 and checkpoint means, and what the files add.

    `markers` is a GMT file of marker sets, `cells` a table of genes x cell types on the scale of the matrix as read;
    `offset` is added to GZMA and PRF1.
    """

    markers: str | None = None
    cells: str | None = None
    offset: Annotated[float, Field(ge=0)] = 0.01


class AxesSettings(Settings):
    """axes = { names = ["proliferation"], file = "own.gmt" }: means of small gene sets, shipped ones or one's own.

    >>> AxesSettings(names=["angiogenesis"]).names
    ('angiogenesis',)
    """

    names: Texts = ()
    file: str | None = None

    @model_validator(mode="after")
    def _known(self) -> AxesSettings:
        unknown = [name for name in self.names if name not in AXES]
        if unknown and not self.file:
            raise ValueError(f"no axis {unknown[0]!r}; shipped are {', '.join(AXES)}; name others in a file (GMT)")
        return self


class MetageneSettings(Settings):
    """metagenes = { count = 10 }: modules of the `genes` most variable genes, by clustering or non-negative factors.

    `of` names genes whose modules may be targets: they make the block "named_metagenes", its columns "metagene of
    GENE". A numbered metagene may not be predicted: other patients give other modules, in another order.
    """

    count: Annotated[int, Field(ge=2, le=200)] = 10
    method: Literal["cluster", "nmf"] = "cluster"
    genes: Annotated[int, Field(ge=10)] = 500
    of: Texts = ()


class ReceptorSettings(Settings):
    """receptors = { er = "ER", pr = "PR", her2 = "HER2", ki67 = "Ki67" }: columns of the clinical table.

    ER and PR may hold percentages (positive from 1 %) or words, HER2 0, 1+, 2+, 3+ (with `ish` for 2+) or words.
    Limits: `cut` for Ki-67 (%), and `pr_cut` (%), which PR must reach in luminal A unless `pr_for_a` is false; a PR of
    words alone must be positive there. Sources: `omics.subtypes.ReceptorRules`.
    """

    er: str
    pr: str
    her2: str
    ki67: str | None = None
    ish: str | None = None
    cut: Annotated[float, Field(gt=0, lt=100)] = 20.0
    pr_cut: Annotated[float, Field(gt=0, lt=100)] = 20.0
    pr_for_a: bool = True


class GliomaSettings(Settings):
    """glioma = { idh = "IDH", codeletion = "codel", grade = "grade" }: names of targets; `grade` is a clinical column.

    What is not named is unknown. Gives the three groups of IDH and 1p/19q and the WHO 2021 class and grade.
    """

    idh: str
    codeletion: str
    tert: str | None = None
    egfr: str | None = None
    gain7_loss10: str | None = None
    cdkn2ab: str | None = None
    h3_k27: str | None = None
    grade: str | None = None


class PolygenicSettings(Settings):
    """polygenic = { dosages = "dosages.csv", alleles = "alleles.csv", weights = "score.csv" }.

    `alleles` has the columns variant, ref, counted; `weights` variant, effect, other, weight. Germline: the block is
    left out of every export unless `share` says otherwise.
    """

    dosages: str
    alleles: str
    weights: str
    known: Annotated[float, Field(gt=0, le=1)] = 0.9
    share: bool = False


class NetworkSettings(Settings):
    """network = { edges = "ppi.tsv", of = "mutations" }: each gene's value spread over a network of genes.

    `edges` has two columns of genes; `genes` are the columns kept (all genes of the network when empty).
    """

    edges: str
    of: Literal["mutations", "expression"] = "mutations"
    restart: Annotated[float, Field(gt=0, lt=1)] = 0.5
    genes: Texts = ()


class SeriesSettings(Settings):
    """series = { file = "ctdna.csv", date = "drawn", values = ["VAF"], image = "ct_date" }: dated assays.

    Per value the one nearest to the image's date within `max_days`, and the response: whether the last is below half
    of the first. "not detected" counts as half of `detection_limit`, or is missing.
    """

    file: str
    values: Texts
    image: str
    patient: str = "patient"
    date: str = "date"
    max_days: Annotated[int, Field(ge=0)] = 30
    detection_limit: Annotated[float, Field(gt=0)] | None = None


class DeriveSettings(Settings):
    """[omics.derive]: each key makes one block (`subtypes` and `scores` one of each name).

    `drivers` lists genes of which a tumour may have exactly one; `events` names rules such as "7 gain and 10 loss";
    `subtypes` maps a name to a file of centroids, `scores` to a file of genes and weights, `cutoffs` a named cut-off
    (Ki-67, PD-L1 TPS, ER, PR, TMB) to a clinical column.

    >>> DeriveSettings(events={"+7/-10": "7 gain and 10 loss"}).keys
    ('events',)
    """

    drivers: Texts = ()
    events: dict[str, str] = Field(default_factory=dict)
    vaf: FractionSettings | None = None
    msi: RepeatSettings | None = None
    signatures: SignatureSettings | None = None
    immune: ImmuneSettings | None = None
    axes: AxesSettings | None = None
    subtypes: dict[str, str] = Field(default_factory=dict)
    scores: dict[str, str] = Field(default_factory=dict)
    metagenes: MetageneSettings | None = None
    network: NetworkSettings | None = None
    receptors: ReceptorSettings | None = None
    cutoffs: dict[str, str] = Field(default_factory=dict)
    polygenic: PolygenicSettings | None = None
    series: SeriesSettings | None = None
    glioma: GliomaSettings | None = None

    @field_validator("events")
    @classmethod
    def _rules(cls, events: dict[str, str]) -> dict[str, str]:
        for rule in events.values():
            parse_rule(rule)
        return events

    @field_validator("cutoffs")
    @classmethod
    def _named(cls, cutoffs: dict[str, str]) -> dict[str, str]:
        unknown = [name for name in cutoffs if name not in CUT_OFFS]
        if unknown:
            raise ValueError(f"no cut-off is called {unknown[0]!r}: there are {', '.join(CUT_OFFS)}")
        return cutoffs

    @field_validator("drivers")
    @classmethod
    def _several(cls, genes: Texts) -> Texts:
        if len(genes) == 1:
            raise ValueError("drivers needs two genes or more, of which a tumour may have exactly one")
        return genes

    @property
    def keys(self) -> Texts:
        """The keys that are asked for, in the order in which they build on each other."""
        return tuple(key for key in type(self).model_fields if getattr(self, key) not in (None, (), {}))

    @property
    def blocks(self) -> Texts:
        """Names of the blocks that are made."""
        keys = tuple(key for key in self.keys if key not in ("subtypes", "scores"))
        named = (OF_GENES,) if self.metagenes is not None and self.metagenes.of else ()
        return (*keys, *named, *self.subtypes, *self.scores)

    def files(self) -> dict[str, str]:
        """Return dotted key -> file of everything that is named."""
        found = {f"subtypes.{name}": file for name, file in self.subtypes.items()}
        found |= {f"scores.{name}": file for name, file in self.scores.items()}
        for key in ("signatures", "immune", "axes", "network", "polygenic", "series"):
            section = getattr(self, key)
            names = ("file", "markers", "cells", "edges", "dosages", "alleles", "weights") if section else ()
            found |= {f"{key}.{name}": file for name in names if (file := getattr(section, name, None))}
        return found
