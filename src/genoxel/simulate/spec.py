"""What a simulated cohort shall be: effects in one line each, sizes, sites and faults, checked before anything runs."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any, Literal, get_args

from genoxel.core.errors import SettingsError, nearest
from genoxel.simulate.ct import RECONSTRUCTIONS
from genoxel.simulate.genes import DRIVERS
from genoxel.simulate.lines import LARGEST_D, Link, split
from genoxel.simulate.options import ALSO, Course, Delivery, Imaging, Omics, flag, one_of, table, texts
from genoxel.simulate.traits import LOCAL, NONE, TRAITS, smallest_lesion_mm3, traits_of

Modality = Literal["mr", "ct", "breast", "prostate"]
MaskFormat = Literal["rtstruct", "seg"]

SMALLEST_LESION_VOXELS = 64
LARGEST_VOXELS = 512 * 512 * 400
FIELD_OF_VIEW_MM: Mapping[str, tuple[float, float, float]] = {
    "mr": (200.0, 200.0, 100.0),
    "ct": (325.0, 325.0, 112.0),
    "breast": (320.0, 200.0, 120.0),
    "prostate": (160.0, 160.0, 72.0),
}
DEFAULT_SHAPE: Mapping[str, tuple[int, int, int]] = {
    "mr": (80, 80, 20),
    "ct": (112, 112, 28),
    "breast": (128, 80, 40),
    "prostate": (112, 112, 24),
}
MOST_SITES, MOST_PATIENTS = 4, 9999
CANDIDATES = 3
"""Where who enters depends on genes or traits, one of this many candidates does."""

GROUPS = ("imaging", "course", "omics", "delivery")
LATER = ("also", "exclusive", "together", "links", *GROUPS)

_GENE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,30}$")


@dataclass(frozen=True)
class Effect:
    """One planted link: mutants of `gene` differ from wild type by Cohen's `d` on the latent `trait`.

    With `mixed`, `d` holds where no other driver named by an effect is mutated, and `mixed` where one is. The trait
    "none" plants nothing (d = 0). Raises `SettingsError` for an unknown trait or an impossible d.

    >>> print(Effect.parse("IDH1:texture:1.6"))
    IDH1:texture:1.6
    >>> Effect.parse("EGFR -> texture d = 2.3 exclusive | 0.6 mixed").mixed
    0.6
    >>> Effect.parse("TP53:none").d
    0.0
    """

    gene: str
    trait: str = NONE
    d: float = 0.0
    mixed: float | None = None

    def __post_init__(self) -> None:
        if not _GENE.match(self.gene):
            raise SettingsError(f"gene {self.gene!r}", "letters, digits, '-', '_' and '.'", "write for example IDH1")
        if self.trait not in (*TRAITS, NONE):
            legal = ", ".join((*TRAITS, NONE))
            raise SettingsError(f"trait {self.trait!r}", legal, nearest(self.trait, (*TRAITS, NONE)) or "choose one")
        for size in (self.d, self.mixed or 0.0):
            if not math.isfinite(size) or abs(size) > LARGEST_D:
                raise SettingsError(
                    f"d = {size} for {self.gene}", f"-{LARGEST_D:g} to {LARGEST_D:g}", "1.6 is a clear link"
                )
        if self.trait == NONE and (self.d != 0 or self.mixed is not None):
            raise SettingsError(f"d = {self.d} on trait 'none'", "0", f"name the trait: {', '.join(TRAITS)}")

    @classmethod
    def parse(cls, text: str) -> Effect:
        """Return the effect written as ``GENE:trait:d``, ``GENE:none`` or a line with an arrow (see `lines`)."""
        arrow = split(text)
        if arrow is not None:
            if arrow.scale not in {"d", ""}:
                raise SettingsError(f"{arrow.scale} on the trait {arrow.target!r}", "d", "write for example d = 0.8")
            return cls(arrow.source, arrow.target, arrow.value, arrow.mixed)
        parts = [part.strip() for part in text.split(":")]
        legal, fix = "GENE:trait:d or GENE:none", "write for example IDH1:texture:1.6 or TP53:none"
        if len(parts) == 2 and parts[1] == NONE:
            return cls(parts[0])
        if len(parts) == 2 and parts[1] not in TRAITS:
            return cls(parts[0], parts[1])
        if len(parts) != 3:
            raise SettingsError(f"effect {text!r}", legal, fix)
        try:
            size = float(parts[2])
        except ValueError:
            raise SettingsError(f"effect {text!r}, whose d is {parts[2]!r}", legal, fix) from None
        return cls(parts[0], parts[1], size)

    def __str__(self) -> str:
        if self.trait == NONE:
            return f"{self.gene}:{NONE}"
        if self.mixed is None:
            return f"{self.gene}:{self.trait}:{self.d:g}"
        return f"{self.gene} -> {self.trait} d = {self.d:g} exclusive | {self.mixed:g} mixed"


@dataclass(frozen=True)
class Module:
    """A group of expressed genes that follows a latent `trait` with correlation `r` (0 and "none": no link).

    >>> Module.parse("texture:0.7")
    Module(trait='texture', r=0.7)
    """

    trait: str = NONE
    r: float = 0.0

    def __post_init__(self) -> None:
        if self.trait not in (*TRAITS, NONE):
            legal = ", ".join((*TRAITS, NONE))
            raise SettingsError(f"trait {self.trait!r}", legal, nearest(self.trait, TRAITS) or "choose one")
        if not -1 < self.r < 1 or (self.trait == NONE and self.r != 0):
            raise SettingsError(f"a module with r = {self.r} on {self.trait!r}", "-1 < r < 1, 0 for none", "try 0.7")

    @classmethod
    def parse(cls, text: str) -> Module:
        """Return the module written as ``trait:r`` or ``none``; `SettingsError` says what is wrong."""
        if not isinstance(text, str):
            raise SettingsError(f"module {text!r}", "trait:r or none", "write for example texture:0.7")
        trait, _, size = text.partition(":")
        try:
            return cls(trait.strip(), float(size) if size.strip() else 0.0)
        except ValueError as error:
            if isinstance(error, SettingsError):
                raise
            raise SettingsError(f"module {text!r}", "trait:r or none", "write for example texture:0.7") from None

    def __str__(self) -> str:
        return NONE if self.trait == NONE else f"{self.trait}:{self.r:g}"


@dataclass(frozen=True)
class SimulationSpec:
    """Everything that decides a simulated cohort; two equal specs give equal bytes.

    `effects` may be text (``"IDH1:texture:1.6"``); `prevalence` maps a gene to its mutant share (a default per known
    driver, else 0.3); `unknown` is the share not profiled; `missing_contours` and `odd_names` are numbers of patients
    with that fault; `shape` is voxels (i, j, k) over a fixed field of view, so fewer voxels are coarser ones;
    `semicolons` writes clinical.csv with semicolons, decimal commas and a BOM. `also` names acquisitions beyond the
    basic images (see `options.ALSO`); `exclusive` names pairs of genes never mutated together ("EGFR+KRAS"),
    `together` maps a pair to its odds ratio; `links` tie genes or traits to clinical facts (``"IDH1 -> age d = -1"``).
    Raises `SettingsError` for anything impossible.

    >>> SimulationSpec(n=20, effects=("IDH1:texture:1.6", "TP53:none")).genes
    ('IDH1', 'TP53')
    """

    n: int = 70
    modality: Modality = "mr"
    effects: tuple[Effect | str, ...] = ()
    seed: int = 0
    masks: MaskFormat = "rtstruct"
    prevalence: Mapping[str, float] = field(default_factory=dict)
    sites: int = 2
    unknown: float = 0.05
    module: Module | str = "none"
    missing_contours: int = 0
    odd_names: int = 0
    semicolons: bool = False
    shape: tuple[int, int, int] | None = None
    also: tuple[str, ...] = ()
    exclusive: tuple[str, ...] = ()
    together: Mapping[str, float] = field(default_factory=dict)
    links: tuple[Link | str, ...] = ()
    imaging: Imaging = field(default_factory=Imaging)
    course: Course = field(default_factory=Course)
    omics: Omics = field(default_factory=Omics)
    delivery: Delivery = field(default_factory=Delivery)

    def __post_init__(self) -> None:
        effects = tuple(Effect.parse(item) if isinstance(item, str) else item for item in self.effects)
        object.__setattr__(self, "effects", effects)
        module = self.module if isinstance(self.module, Module) else Module.parse(self.module)
        object.__setattr__(self, "module", module)
        object.__setattr__(self, "prevalence", table("prevalence", self.prevalence))
        object.__setattr__(self, "also", texts("also", self.also))
        object.__setattr__(self, "exclusive", texts("exclusive", self.exclusive))
        object.__setattr__(self, "together", table("together", self.together))
        links = tuple(Link.parse(item) if isinstance(item, str) else item for item in self.links)
        object.__setattr__(self, "links", links)
        one_of("modality", self.modality, get_args(Modality))
        one_of("masks", self.masks, get_args(MaskFormat))
        flag("semicolons", self.semicolons)
        object.__setattr__(self, "shape", _sizes(self.shape or DEFAULT_SHAPE[self.modality]))
        _check_counts(self)
        for name in self.also:
            one_of(f"the acquisition on {self.modality}", name, ALSO[self.modality])
        _check_effects(self)
        _check_prevalence(self)
        _check_pairs(self)
        _check_links(self)
        _check_shape(self)
        _check_slices(self)

    @property
    def planted(self) -> tuple[Effect, ...]:
        """The effects, parsed."""
        return tuple(effect for effect in self.effects if isinstance(effect, Effect))

    @property
    def linked(self) -> tuple[Link, ...]:
        """The links to clinical facts, parsed."""
        return tuple(link for link in self.links if isinstance(link, Link))

    @property
    def selective(self) -> bool:
        """Whether who enters the cohort depends on genes or traits."""
        return any(link.target == "included" for link in self.linked)

    @property
    def traits(self) -> tuple[str, ...]:
        """Names of the latent traits of this cohort."""
        named = (
            *(effect.trait for effect in self.planted),
            *(module.trait for module in self.modules.values()),
            *(link.source for link in self.linked),
        )
        return traits_of(self.modality, self.also, named)

    @property
    def genes(self) -> tuple[str, ...]:
        """Genes named by the effects, in order."""
        return tuple(dict.fromkeys(effect.gene for effect in self.planted))

    @property
    def expression(self) -> Module:
        """The expression module, parsed."""
        return self.module if isinstance(self.module, Module) else Module.parse(self.module)

    @property
    def modules(self) -> dict[str, Module]:
        """All gene sets of the expression tables that may follow a trait, the one of `module` (hypoxia) first."""
        return {"hypoxia": self.expression, **{name: Module.parse(text) for name, text in self.omics.pathways.items()}}

    @property
    def size(self) -> tuple[int, int, int]:
        """Voxels along i, j, k."""
        return self.shape or DEFAULT_SHAPE[self.modality]

    @property
    def voxel_mm(self) -> tuple[float, float, float]:
        """Voxel size of the reference scanner in mm."""
        view = FIELD_OF_VIEW_MM[self.modality]
        return view[0] / self.size[0], view[1] / self.size[1], view[2] / self.size[2]

    def share(self, gene: str) -> float:
        """Return the mutant share of `gene`."""
        default = DRIVERS[gene].prevalence if gene in DRIVERS else 0.3
        return float(self.prevalence.get(gene, default))

    def mutants(self, gene: str) -> int:
        """Return the number of mutants of `gene` among the n patients (exact, not drawn)."""
        return math.floor(self.share(gene) * self.n + 0.5)

    def __reduce__(self) -> tuple[Any, ...]:
        values = {key: getattr(self, key) for key in self.__dataclass_fields__}
        plain = {"prevalence": dict(self.prevalence), "together": dict(self.together)}
        return SimulationSpec, tuple({**values, **plain}.values())

    def as_dict(self) -> dict[str, Any]:
        """Return the spec as plain values for JSON."""
        content = {key: getattr(self, key) for key in self.__dataclass_fields__}
        content["effects"] = [str(effect) for effect in self.planted]
        content["module"] = str(self.expression)
        content["prevalence"] = {gene: self.share(gene) for gene in self.genes}
        content["shape"] = list(self.size)
        content["links"] = [str(link) for link in self.linked]
        content["together"] = dict(self.together)
        content["also"], content["exclusive"] = list(self.also), list(self.exclusive)
        for name in GROUPS:
            group = getattr(self, name)
            content[name] = {} if group == type(group)() else group.as_dict()
        # What was not asked for is not told, so that older cohorts keep their bytes.
        return {name: value for name, value in content.items() if name not in LATER or value}


def _sizes(shape: object) -> tuple[int, ...]:
    """Return three whole numbers; what they must be otherwise is checked with the lesion."""
    if not isinstance(shape, list | tuple) or not all(isinstance(size, Integral) for size in shape):
        raise SettingsError(f"shape = {shape!r}", "three whole numbers of voxels", "try [80, 80, 20]")
    return tuple(int(size) for size in shape)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_counts(spec: SimulationSpec) -> None:
    for name in ("n", "seed", "sites", "missing_contours", "odd_names"):
        value = getattr(spec, name)
        if isinstance(value, bool) or not isinstance(value, int):
            raise SettingsError(f"{name} = {value!r}", "a whole number", "write it without a decimal point")
    if not 4 <= spec.n <= MOST_PATIENTS:
        raise SettingsError(f"n = {spec.n}", f"4 to {MOST_PATIENTS} patients", "70 is a small study")
    if not 1 <= spec.sites <= MOST_SITES:
        raise SettingsError(f"{spec.sites} sites", f"1 to {MOST_SITES}", "each site is one scanner")
    if not _number(spec.unknown) or not 0 <= spec.unknown < 1:
        raise SettingsError(f"unknown = {spec.unknown!r}", "0 to below 1", "0.05 leaves one in twenty unprofiled")
    if spec.seed < 0:
        raise SettingsError(f"seed = {spec.seed}", "0 or more", "choose any whole number")
    faults = spec.missing_contours + spec.odd_names
    if min(spec.missing_contours, spec.odd_names) < 0 or faults > spec.n:
        raise SettingsError(f"{faults} patients with faulty contours", f"0 to n = {spec.n}", "ask for fewer faults")


def _check_effects(spec: SimulationSpec) -> None:
    legal = spec.traits
    for trait in (*(effect.trait for effect in spec.planted), *(one.trait for one in spec.modules.values())):
        if trait != NONE and trait not in legal:
            needs = [name for name in TRAITS[trait].needs if name in ALSO[spec.modality]]
            way = f'--also {needs[0]}, or also = ["{needs[0]}"] in the file' if needs else ""
            fix = f"acquire {' or '.join(needs)} as well: {way}" if needs else "choose one of these"
            raise SettingsError(f"trait {trait!r} on {spec.modality}", ", ".join(legal), fix)
    pairs = [(effect.gene, effect.trait) for effect in spec.planted]
    if len(set(pairs)) != len(pairs):
        raise SettingsError("one effect declared twice", "each gene and trait once", "keep one of the two")
    for gene in spec.genes:
        traits = [effect.trait for effect in spec.planted if effect.gene == gene]
        if NONE in traits and len(traits) > 1:
            raise SettingsError(f"{gene} with an effect and with none", "one of them", "remove a line")


def _check_prevalence(spec: SimulationSpec) -> None:
    for gene, given in spec.prevalence.items():
        if not _number(given):
            raise SettingsError(f"prevalence {given!r} for {gene}", "above 0 and below 1", "0.4 means 40 %")
        if gene not in spec.genes:
            fix = nearest(gene, spec.genes) or f"declare '{gene}:none'"
            raise SettingsError(f"a prevalence for {gene!r}", ", ".join(spec.genes) or "genes with an effect", fix)
    for gene in spec.genes:
        share = spec.share(gene)
        if not 0 < share < 1:
            raise SettingsError(f"prevalence {share:g} for {gene}", "above 0 and below 1", "0.4 means 40 % mutant")
        count = spec.mutants(gene)
        if not 2 <= count <= spec.n - 2:
            got = f"prevalence {share:g} for {gene}, that is {count} of {spec.n} mutant"
            raise SettingsError(got, "at least 2 mutant and 2 wild type", "raise n or move the prevalence")


def pair_of(text: str) -> tuple[str, str]:
    """Return the two genes of ``"EGFR+KRAS"``; `SettingsError` for anything else."""
    parts = tuple(part.strip() for part in str(text).split("+"))
    if len(parts) != 2 or parts[0] == parts[1]:
        raise SettingsError(f"the pair {text!r}", "two genes joined by +", "write for example EGFR+KRAS")
    return parts[0], parts[1]


def _check_pairs(spec: SimulationSpec) -> None:
    for text in (*spec.exclusive, *spec.together):
        for gene in pair_of(text):
            one_of(f"the gene of {text}", gene, spec.genes)
    for text in spec.exclusive:
        one, other = pair_of(text)
        if spec.mutants(one) + spec.mutants(other) > spec.n:
            got = f"{one} and {other} exclusive, with prevalences {spec.share(one):g} and {spec.share(other):g}"
            raise SettingsError(got, "prevalences that sum to 1 at most", "lower one of them")
    for text, odds in spec.together.items():
        if not _number(odds) or not 0.02 <= odds <= 50:
            raise SettingsError(f"odds ratio {odds!r} of {text}", "0.02 to 50", "1 is independent, 4 a clear link")
    several = [pair_of(text) for text in (*spec.exclusive, *spec.together)]
    if len({frozenset(pair) for pair in several}) < len(several):
        raise SettingsError("one pair of genes stated twice", "each pair once", "remove a line")


def _is_local(spec: SimulationSpec, gene: str) -> bool:
    traits = {effect.trait for effect in spec.planted if effect.gene == gene}
    return traits <= set(LOCAL)


def _check_links(spec: SimulationSpec) -> None:
    known = (*spec.genes, *spec.traits)
    for link in spec.linked:
        if link.source not in known:
            plant = f"plant the gene, if it is one: '{link.source} -> null'"
            fix = plant if link.source in DRIVERS else nearest(link.source, known) or plant
            raise SettingsError(f"the source of '{link}', which is {link.source!r}", ", ".join(known), fix)
        if link.target == "site" and spec.sites < 2:
            raise SettingsError(f"'{link}' with one site", "two sites or more", "raise sites")
    if spec.selective and CANDIDATES * spec.n > MOST_PATIENTS:
        raise SettingsError(
            f"{spec.n} patients by selection from {CANDIDATES} times as many",
            f"at most {MOST_PATIENTS // CANDIDATES}",
            "ask for fewer, or leave the links to 'included' out",
        )
    local = [gene for gene in spec.genes if _is_local(spec, gene)]
    if spec.genes[: spec.course.clones] != tuple(local[: spec.course.clones]) or len(local) < spec.course.clones:
        raise SettingsError(
            f"{spec.course.clones} subclones, with effects of {', '.join(local) or 'no gene'} that may differ locally",
            f"the first genes with effects only on {', '.join(LOCAL)}",
            "give each subclone a gene with such an effect, and write it first",
        )
    if spec.course.biopsies and not spec.genes:
        raise SettingsError("biopsies without genes", "effects that name genes", "declare 'IDH1:none' at least")
    several = [(link.source, link.target) for link in spec.linked]
    if len(set(several)) < len(several):
        raise SettingsError("one link declared twice", "each source and target once", "keep one of the two")


def _check_shape(spec: SimulationSpec) -> None:
    if len(spec.size) != 3 or min(spec.size) < 1 or math.prod(spec.size) > LARGEST_VOXELS:
        raise SettingsError(f"shape {spec.size}", f"three sizes, at most {LARGEST_VOXELS} voxels", "try (80, 80, 20)")
    voxels = smallest_lesion_mm3(spec.modality) / math.prod(spec.voxel_mm)
    if voxels < SMALLEST_LESION_VOXELS or min(spec.size) < 8:
        raise SettingsError(
            f"a volume of {' x '.join(map(str, spec.size))} voxels, in which the smallest lesion has {voxels:.0f}",
            f"at least {SMALLEST_LESION_VOXELS} voxels in the smallest lesion and 8 along each axis",
            "choose a larger shape, for example " + " x ".join(map(str, DEFAULT_SHAPE[spec.modality])),
        )


def _check_slices(spec: SimulationSpec) -> None:
    """Refuse slices that are thinner than the body is drawn: they would show no more than thick ones do."""
    step = spec.voxel_mm[2]
    for name in spec.also:
        thickness = RECONSTRUCTIONS[name].thickness if name in RECONSTRUCTIONS else 0.0
        if thickness and step > thickness:
            count = math.ceil(FIELD_OF_VIEW_MM[spec.modality][2] / thickness)
            raise SettingsError(
                f"{name} of a body drawn in slices of {step:.2f} mm",
                f"a body drawn in slices of {thickness:g} mm or less",
                f"take a shape of {count} slices or more: {spec.size[0]}, {spec.size[1]}, {count}",
            )
