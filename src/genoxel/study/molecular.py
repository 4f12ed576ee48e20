"""The molecular side of a study, read as its file says: who was sequenced, what was measured, what follows from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from genoxel.core.errors import GenoxelError, SettingsError
from genoxel.core.records import Records
from genoxel.core.table import Table
from genoxel.omics.copynumber import CopyRules, arm_levels, gene_copies
from genoxel.omics.recipe import Recipe
from genoxel.omics.rules import RuleSources
from genoxel.omics.settings import CopyNumberSettings, OmicsSettings
from genoxel.omics.variants import is_germline, not_understood
from genoxel.study.answers import shared_sources
from genoxel.study.progress import Progress
from genoxel.study.study import Study

if TYPE_CHECKING:
    from genoxel.io.clinical import ClinicalSheet

Say = Callable[[str], None]
Note = Callable[[str, GenoxelError], None]
Kept = TypeVar("Kept", Table, Records)


@dataclass(frozen=True, eq=False)
class Molecular:
    """What a study's molecular files hold; None and empty where the study file names none.

    `tables` are blocks of numbers beside the expression (copynumber, genesets, methylation, burden, derived ones, and
    the study's own), `sources` is what rules are judged on, `notes` say what was repaired or left out while reading.
    `measured` is the expression before any transform; `recipes` are the blocks that training folds learn anew, whose
    tables here are learned from all samples; `germline` are blocks that no export holds.
    """

    variants: Records | None = None
    biopsies: Records | None = None
    expression: Table | None = None
    measured: Table | None = None
    recipes: Mapping[str, Recipe] = field(default_factory=dict)
    germline: tuple[str, ...] = ()
    tables: Mapping[str, Table] = field(default_factory=dict)
    sources: RuleSources = field(default_factory=RuleSources)
    notes: tuple[str, ...] = ()

    @property
    def scores(self) -> tuple[Table, ...]:
        """Tables whose columns may be targets."""
        return (*((self.expression,) if self.expression is not None else ()), *self.tables.values())

    def recipe_of(self, score: str) -> Recipe | None:
        """Return the recipe of the block that holds the column of a score, None where it is not learned."""
        named = {**({"expression": self.expression} if self.expression is not None else {}), **self.tables}
        return next((self.recipes.get(name) for name, table in named.items() if score in table), None)


_LARGE = 64 * 2**20
"""Files of fewer bytes are read before anyone looks at a bar."""


def read_molecular(study: Study, note: Note | None = None, display: Progress | None = None) -> Molecular:
    """Return everything molecular; `note` is told (key, error) of what cannot be read, else the error is raised.

    `display` shows how far a large file of mutations or expression is read.
    """
    reader = _Reader(study, note, display or Progress())
    return reader.read()


def read_sets(study: Study) -> dict[str, tuple[str, ...]]:
    """Return the gene sets that [omics.genesets] names, none where it names no file."""
    from genoxel.io.genesets import read_gmt

    settings = study.settings.omics.genesets
    return {} if settings is None else read_gmt(study.file(settings.file))


class _Bar:
    """Turns bytes read into steps of one per cent on the display."""

    def __init__(self, display: Progress, name: str) -> None:
        self.display, self.name, self.shown = display, name, -1

    def __call__(self, done: int, total: int) -> None:
        """Show how far the file is read."""
        if total < _LARGE:
            return
        if self.shown < 0:
            self.display.begin(f"read {self.name}", 100)
            self.shown = 0
        while self.shown < min(100, 100 * done // total):
            self.shown += 1
            self.display.advance()
            if self.shown == 100:
                self.display.end()


class _Reader:
    """Reads one section after another; sections build on those before."""

    def __init__(self, study: Study, note: Note | None, display: Progress) -> None:
        self.study, self.note, self.omics, self.display = study, note, study.settings.omics, display
        self.found = Molecular()
        self.notes: list[str] = []

    def read(self) -> Molecular:
        """Return what could be read."""
        parts: dict[str, Callable[[], None]] = {
            "cbioportal": self._cbioportal,
            "mutations": self._variants,
            "expression": self._expression,
            "copynumber": self._copynumber,
            "fusions": self._fusions,
            "methylation": self._methylation,
            "genesets": self._genesets,
            "tables": self._tables,
            "ihc": self._ihc,
            "biopsies": self._biopsies,
            "megabases": self._burden,
        }
        for key, part in parts.items():
            if getattr(self.omics, key):
                try:
                    part()
                except GenoxelError as error:
                    if self.note is None:
                        raise
                    self.note(f"omics.{key}", error)
        self._derive()
        expression = {} if self.found.expression is None else {"expression": self.found.expression}
        self.notes += shared_sources(self.study, {**expression, **self.found.tables})
        return replace(self.found, notes=tuple(self.notes))

    def _derive(self) -> None:
        """Make the blocks of [omics.derive]."""
        from genoxel.study.derived import Deriver

        deriver = Deriver(self.study, self._sheet, self.notes.append)
        for key in self.omics.derive.keys:
            try:
                for name, made in deriver.make(key, self.found).items():
                    self._add_made(name, made)
            except GenoxelError as error:
                if self.note is None:
                    raise
                self.note(f"omics.derive.{key}", error)
        polygenic = self.omics.derive.polygenic
        if polygenic is not None and not polygenic.share:
            self.found = replace(self.found, germline=(*self.found.germline, "polygenic"))

    def _add_made(self, name: str, made: Table | Recipe) -> None:
        """Take a block in; of a recipe the table that all samples teach, and the recipe for the folds."""
        if isinstance(made, Recipe):
            made = replace(made, raw=self._one_sample(name, made.raw))
            self.found = replace(self.found, recipes={**self.found.recipes, name: made})
            self._add(name, made.of_all())
        else:
            self._add(name, made)

    def _sheet(self) -> ClinicalSheet | None:
        from genoxel.study.steps.who import read_sheet

        return read_sheet(self.study)

    def _patients(self) -> tuple[str, ...]:
        """Return the patients of the clinical table, by which samples are told from genes."""
        try:
            sheet = self._sheet()
        except GenoxelError:  # told with the clinical table itself
            return ()
        return sheet.patients if sheet is not None else ()

    def _add(self, name: str, table: Table) -> None:
        self.found = replace(self.found, tables={**self.found.tables, name: self._one_sample(name, table)})

    def _source(self, **sources: object) -> None:
        self.found = replace(self.found, sources=replace(self.found.sources, **sources))  # type: ignore[arg-type]

    def _one_sample(self, name: str, found: Kept) -> Kept:
        """Return the rows or events of the samples that [cohort] sample chooses."""
        from genoxel.omics.barcodes import SampleChoice, per_tcga_patient, records_per_tcga_patient

        kinds = self.study.settings.cohort.sample
        if not kinds:
            return found
        choose: Callable[..., tuple[Kept, SampleChoice]]
        choose = per_tcga_patient if isinstance(found, Table) else records_per_tcga_patient
        chosen, choice = choose(found, kinds)
        if choice.set_aside:
            self.notes.append(f"{name}: {len(choice.set_aside)} samples set aside, {len(choice.ties)} ties decided")
        return chosen

    def _set_variants(self, records: Records) -> None:
        from genoxel.omics.variants import with_repaired_genes

        repaired, changed, open_names = with_repaired_genes(self._one_sample("mutations", records))
        if changed:
            pairs = ", ".join(f"{old} -> {new}" for old, new in changed.items())
            self.notes.append(f"mutations: {len(changed)} gene names repaired: {pairs}")
        if open_names:
            self.notes.append(
                f"mutations: gene names that a spreadsheet damaged stay as they are: {', '.join(open_names)}"
            )
        self.found = replace(self.found, variants=repaired)
        self._tell_unread(repaired)
        self._set_germline(repaired)
        self._source(variants=repaired, build=self.omics.build or "")

    def _tell_unread(self, variants: Records) -> None:
        """Say which protein changes of the genes of hotspot targets are not understood: their patients are unknown."""
        genes = [gene for one in self.study.settings.targets.values() if one.hotspot for gene in one.genes]
        odd = not_understood(variants, genes)
        if odd:
            some = ", ".join(repr(text) for text in list(odd)[:5])
            people = len({patient for patients in odd.values() for patient in patients})
            self.notes.append(
                f"mutations: {len(odd)} protein changes are not understood ({some}): at a hotspot, {people} "
                f"patient{'' if people == 1 else 's'} may be unknown for them"
            )

    def _set_germline(self, variants: Records) -> None:
        """Say which mutations are germline; they count as mutations, and no export holds them unless that is said."""
        calls = variants.take(is_germline(variants))
        if len(calls):
            genes = ", ".join(sorted(set(calls["gene"].tolist()))[:10])
            kept = "shared" if self.omics.share_germline else "left out of every export"
            self.notes.append(
                f"mutations: {len(calls)} germline calls of {len(calls.patients)} patients ({genes}) count as "
                f"mutations and are {kept}"
            )
            if not self.omics.share_germline:
                self.found = replace(self.found, germline=(*self.found.germline, "variants"))

    def _cbioportal(self) -> None:
        from genoxel.io.cbioportal import read_cbioportal
        from genoxel.io.maf import check_build

        folder = self.study.file(self.omics.cbioportal or "")
        found = read_cbioportal(folder, _Bar(self.display, folder.name))
        check_build(folder.name, found.build, self.omics.build)
        self.notes += [f"{name} was left out: {reason}" for name, reason in found.left_out.items()]
        self.notes += found.notes
        if found.variants is not None:
            self._set_variants(found.variants)
        self._source(build=found.build or self.omics.build or "", fusions=found.fusions, segments=found.segments)
        for name, table in found.tables.items():
            self._add(name, table)
            if table.kind == "copynumber" and {column.unit for column in table.columns} == {"call"}:
                self._source(calls=self.found.tables[name])

    def _variants(self) -> None:
        file = self.study.file(self.omics.mutations or "")
        profiled = self.study.file(self.omics.profiled) if self.omics.profiled else None
        panel, build = self.omics.panel or None, self.omics.build
        if file.name.casefold().endswith((".vcf", ".vcf.gz", ".vcf.bgz", ".bcf")):
            from genoxel.io.vcf import VcfOptions, read_vcf

            options = VcfOptions(say=self.notes.append, progress=_Bar(self.display, file.name))
            self._set_variants(read_vcf(file, profiled, panel, build=build, options=options))
            return
        from genoxel.io.maf import read_maf

        self._set_variants(read_maf(file, profiled, panel, build=build, progress=_Bar(self.display, file.name)))

    def _expression(self) -> None:
        from genoxel.io.expression import MatrixRules, read_expression
        from genoxel.io.geo import read_series_matrix
        from genoxel.omics.expression import transform
        from genoxel.omics.normalise import QuantileNormaliser, SizeFactors, cpm

        settings = self.omics.expression
        assert settings is not None  # noqa: S101 - `read` asks
        file = self.study.file(settings.file)
        bar = _Bar(self.display, file.name)
        rules = MatrixRules(
            *(settings.damage, settings.twice, self._probes(settings.probes), settings.versions),
            say=self.notes.append,
            progress=bar,
        )
        if "series_matrix" in file.name:
            table = read_series_matrix(file, settings.unit, rules, bar).table
        else:
            table = read_expression(file, unit=settings.unit, ids=self._patients(), rules=rules)
        table = self._one_sample("expression", table)
        logged = cpm(table, log=True) if settings.transform == "log2cpm" else transform(table, settings.transform)
        self.found = replace(self.found, expression=logged, measured=table)
        if settings.normalise != "none":
            step = SizeFactors() if settings.normalise == "size_factors" else QuantileNormaliser()
            recipe = Recipe(logged, (step,))
            self.found = replace(self.found, expression=recipe.of_all(), recipes={"expression": recipe})

    def _probes(self, name: str | None) -> dict[str, str] | None:
        """Return probe -> gene of a platform table, if one is named."""
        from genoxel.io.geo import read_platform

        if name is None:
            return None
        found, left_out = read_platform(self.study.file(name))
        self.notes.append(f"{name}: {left_out} probes without gene or of several genes are left out")
        return found

    def _copynumber(self) -> None:
        from genoxel.io.cn_segments import read_gene_copies, read_loci, read_segments
        from genoxel.omics.copynumber import call_genes

        settings = self.omics.copynumber
        assert settings is not None  # noqa: S101 - `read` asks
        rules = _copy_rules(settings)
        self._source(copies=rules)
        if settings.calls:
            self._add("copynumber", read_gene_copies(self.study.file(settings.calls)))
            self._source(calls=self.found.tables["copynumber"])
        if settings.segments:
            build = self.omics.build or ""
            file = self.study.file(settings.segments)
            segments = read_segments(file, build, overlap=settings.overlap, say=self.notes.append)
            segments = self._one_sample("segments", segments)
            self._source(segments=segments, build=build)
            if settings.genes:
                copies = gene_copies(segments, read_loci(self.study.file(settings.genes)))
                self._add("copynumber", copies)
                self._source(calls=call_genes(copies, rules))
            if settings.arms:
                self._add("arms", arm_levels(segments, settings.arms, build, rules))

    def _fusions(self) -> None:
        from genoxel.io.fusions import read_fusions

        settings = self.omics.fusions
        assert settings is not None  # noqa: S101 - `read` asks
        profiled = self.study.file(settings.profiled) if settings.profiled else None
        found = read_fusions(self.study.file(settings.file), profiled, build=self.omics.build)
        self._source(fusions=self._one_sample("fusions", found))

    def _methylation(self) -> None:
        from genoxel.io.expression import MatrixRules, read_expression
        from genoxel.omics.methylation import MGMT_PROBES, check_beta, mgmt

        settings = self.omics.methylation
        assert settings is not None  # noqa: S101 - `read` asks
        rules = MatrixRules(kind="methylation", say=self.notes.append)
        table = read_expression(self.study.file(settings.file), unit=settings.unit, rules=rules)
        if settings.unit == "beta":
            check_beta(table)
        self._add("methylation", table)
        table = self.found.tables["methylation"]
        if all(probe in table for probe in MGMT_PROBES):
            self._add("mgmt", mgmt(table, settings.unit))
            self._source(methylation=self.found.tables["mgmt"])

    def _genesets(self) -> None:
        from genoxel.io.genesets import read_gmt
        from genoxel.omics.scores import FIXED, SetRules, SetScorer

        settings = self.omics.genesets
        if settings is None or self.found.expression is None:
            raise SettingsError("gene sets without expression", "[omics] expression", "correct the expression first")
        rules = SetRules(settings.smallest, settings.known)
        scorer = SetScorer(read_gmt(self.study.file(settings.file)), settings.method, rules)
        base = self.found.recipes.get("expression")
        if base is None and settings.method in FIXED:
            self._add("genesets", scorer.transform(self.found.expression))
        else:
            self._add_made("genesets", (base or Recipe(self.found.expression)).then(scorer))
            scorer.fit(self.found.expression).transform(self.found.expression)  # says what is left out
        if scorer.left_out:
            some = ", ".join(f"{name} ({why})" for name, why in list(scorer.left_out.items())[:5])
            self.notes.append(f"{len(scorer.left_out)} gene sets without score: {some}")

    def _tables(self) -> None:
        from genoxel.io.expression import MatrixRules, read_expression

        for name, settings in self.omics.tables.items():
            rules, file = MatrixRules(kind=name, say=self.notes.append), self.study.file(settings.file)
            self._add(name, read_expression(file, unit=settings.unit, ids=self._patients(), rules=rules))

    def _ihc(self) -> None:
        from genoxel.io.ihc import read_ihc
        from genoxel.study.steps.who import read_sheet

        sheet = read_sheet(self.study)
        if sheet is None:
            raise SettingsError("markers without a clinical table", "[cohort] table", "name the table that holds them")
        found = read_ihc(sheet, self.omics.ihc)
        for marker, cells in found.unread.items():
            if cells:
                some = ", ".join(f"{who} {text!r}" for who, text in list(cells.items())[:5])
                self.notes.append(f"ihc: {marker} settles no class in {len(cells)} patients: {some}")
        self.found = replace(self.found, tables={**self.found.tables, "ihc": found.table})

    def _biopsies(self) -> None:
        from genoxel.io.biopsies import read_biopsies

        settings = self.omics.biopsies
        assert settings is not None  # noqa: S101 - `read` asks
        if feature_files(self.study):
            raise SettingsError(
                "biopsies beside ready-made features", "[io.images] folder", "images say where they lie"
            )
        file, names = self.study.file(settings.file), (settings.patient, settings.sample)
        found = read_biopsies(file, *names, settings.space, settings.places, settings.values)
        self.found = replace(self.found, biopsies=found)

    def _burden(self) -> None:
        from genoxel.omics.burden import mutational_burden

        if self.found.variants is None:
            raise SettingsError("megabases without mutations", "[omics] mutations", "add them, or remove megabases")
        self._add("burden", mutational_burden(self.found.variants, self.omics.megabases or 0.0))


def _copy_rules(settings: CopyNumberSettings) -> CopyRules:
    named = (settings.gain, settings.loss, settings.amplified, settings.deleted, settings.share, settings.seen)
    return CopyRules(*named)


def molecular_files(omics: OmicsSettings) -> Iterator[tuple[str, str]]:
    """Yield (dotted key, file) of every file that [omics] names; a cBioPortal folder is no file."""
    for key in ("mutations", "profiled"):
        if name := getattr(omics, key):
            yield f"omics.{key}", name
    for key in ("expression", "methylation", "genesets", "fusions", "quality", "biopsies"):
        if (section := getattr(omics, key)) and section.file:
            yield f"omics.{key}.file", section.file
    if omics.expression and omics.expression.probes:
        yield "omics.expression.probes", omics.expression.probes
    if omics.fusions and omics.fusions.profiled:
        yield "omics.fusions.profiled", omics.fusions.profiled
    for key in ("segments", "calls", "genes"):
        if omics.copynumber and (name := getattr(omics.copynumber, key)):
            yield f"omics.copynumber.{key}", name
    yield from ((f"omics.derive.{key}", file) for key, file in omics.derive.files().items())
    yield from ((f"omics.tables.{key}.file", table.file) for key, table in omics.tables.items())


def sets_file(study: Study) -> str | None:
    """Return the GMT file of [associate.enrich] sets, where it names one of its own."""
    associate = study.settings.associate
    return associate.enrich.sets if associate is not None and associate.enrich is not None else None


def asked_sets(study: Study) -> dict[str, tuple[str, ...]]:
    """Return the gene sets that [associate.enrich] asks: its own file, or that of [omics.genesets]; {} without any."""
    from genoxel.io.genesets import read_gmt

    associate = study.settings.associate
    if associate is None or associate.enrich is None:
        return {}
    name = sets_file(study)
    return read_gmt(study.file(name)) if name else read_sets(study)


def input_files(study: Study) -> list[Path]:
    """Return the table files that the study file names (not the images)."""
    cohort, omics = study.settings.cohort, study.settings.omics
    readings = cohort.readers.files().values() if cohort.readers is not None else ()
    names = [cohort.table, cohort.overrides, *readings, sets_file(study)]
    names += [name for _, name in molecular_files(omics)]
    named = [study.file(name) for name in dict.fromkeys(names) if name]
    files = [file for path in named for file in (sorted(path.glob("*.xml")) if path.is_dir() else [path])]
    if omics.cbioportal:
        files += sorted(path for path in study.file(omics.cbioportal).rglob("*") if path.is_file())
    return files + list(feature_files(study).values())


def feature_files(study: Study) -> dict[str, Path]:
    """Return modality -> ready-made feature table (the modality is empty for a single table)."""
    images = study.settings.io.images
    if images is None or images.features is None:
        return {}
    if isinstance(images.features, dict):
        return {modality: study.file(str(path)) for modality, path in images.features.items()}
    return {"": study.file(str(images.features))}


def ready_features(study: Study) -> Table:
    """Return the ready-made features that a study names, without the columns that `skip` says are none."""
    from genoxel.io.features import read_features

    files, images = feature_files(study), study.settings.io.images
    return read_features(files.get("", files), skip=images.skip if images is not None else ())
