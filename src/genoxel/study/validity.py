"""What is wrong with a study before anything is read deeply: files that are missing, names that lead nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from importlib.util import find_spec
from pathlib import Path

from genoxel.associate.settings import AssociateSettings, EnrichSettings
from genoxel.core.errors import GenoxelError, SettingsError, nearest
from genoxel.features.ratios import check_regions
from genoxel.io.clinical import ClinicalSheet
from genoxel.io.files import existing
from genoxel.io.settings import FetchSettings
from genoxel.learn.settings import LearnSettings
from genoxel.omics.settings import OmicsSettings
from genoxel.study.answers import in_clinical
from genoxel.study.molecular import feature_files, molecular_files, sets_file
from genoxel.study.plan import FACTS
from genoxel.study.planned import NOT_YET, PLANNED_VALUES
from genoxel.study.problems import Problem, problem_of
from genoxel.study.steps.who import read_sheet
from genoxel.study.study import Study
from genoxel.study.unused import unused_problems

BLOCKS = ("prevalence", "volume", "clinical", "image", "expression")


def quick_problems(study: Study) -> list[Problem]:
    """Return every problem that the study file and the heads of its tables show; images are not opened."""
    problems = [
        *_files(study),
        *_exports(study),
        *_brain(study),
        *_names(study),
        *_choices(study),
        *unused_problems(study),
    ]
    sheet: ClinicalSheet | None = None
    try:
        sheet = read_sheet(study)
    except GenoxelError as error:
        if not any(problem.where == "cohort.table" for problem in problems):
            problems.append(problem_of("cohort.table", error))
    if sheet is not None:
        problems += _columns(study, sheet)
    if not any(problem.where == "cohort.table" for problem in problems):
        problems += _readers(study, sheet)
    if any(problem.where == "cohort.clinical" for problem in problems):  # the cause; the covariate is its shadow
        problems = [problem for problem in problems if problem.where != "associate.adjust"]
    return problems


def _files(study: Study) -> Iterator[Problem]:
    settings = study.settings
    omics, readers = settings.omics, settings.cohort.readers
    named = {
        "cohort.table": settings.cohort.table,
        "cohort.overrides": settings.cohort.overrides,
        **({f"cohort.readers.{key}": name for key, name in readers.files().items()} if readers is not None else {}),
        **dict(molecular_files(omics)),
        "associate.enrich.sets": sets_file(study),
    }
    for where, name in named.items():
        if name and not (where == "cohort.table" and study.file(name).is_dir()):  # a folder of clinical XML
            yield from _missing(where, study.file(name))
    if omics.cbioportal and not study.file(omics.cbioportal).is_dir():
        yield Problem(
            "omics.cbioportal", f"no folder {omics.cbioportal}", "a cBioPortal study folder", "check the path"
        )
    for modality, path in feature_files(study).items():
        yield from _missing(f"io.images.features{'.' if modality else ''}{modality}", path)
    images = settings.io.images
    if images is None:
        yield Problem("io.images", "no section", "[io.images] with folder or features", "say where the images are")
    elif images.fetch is not None:
        yield from _fetched(study, images.fetch)
    elif images.folder is not None and images.features is None and not study.file(str(images.folder)).is_dir():
        place = study.file(str(images.folder))
        here = [item.name for item in place.parent.iterdir() if item.is_dir()] if place.parent.is_dir() else []
        hint = nearest(place.name, here) or "check the path"
        yield Problem("io.images.folder", f"no folder {images.folder}", "a folder with images", hint)


def _fetched(study: Study, fetch: FetchSettings) -> Iterator[Problem]:
    """Say that a collection is still to be brought, and refuse one that is not there or has no images."""
    from genoxel.study.fetch import is_complete, list_collection, order_of

    if is_complete(fetch, study.file(str(fetch.folder))):
        return
    try:
        listing = list_collection(order_of(fetch))
    except GenoxelError as error:
        yield problem_of("io.images.fetch", error)
        return
    if not listing.series:
        got = f"{fetch.collection}, of which no image is public in the Imaging Data Commons"
        yield Problem("io.images.fetch", got, "a collection with images", "name a folder of your own images")
    elif not study.file(str(fetch.folder)).is_dir():
        people = len({one.patient for one in listing.series})
        size = sum(one.megabytes for one in listing.series) / 1000
        got = f"{people} patients of {fetch.collection} that are not here yet ({size:.1f} GB)"
        yield Problem("io.images.fetch", got, "", f"genoxel run brings them to {fetch.folder.as_posix()}", "warning")


def _missing(where: str, path: Path) -> Iterator[Problem]:
    try:
        existing(path)
    except GenoxelError as error:
        yield problem_of(where, error)


def _brain(study: Study) -> Iterator[Problem]:
    """Yield what a brain mask needs and this installation lacks."""
    image = study.settings.image
    asked = image.brain is not None or any("brain" in changes for changes in image.override.values())
    if asked and find_spec("nilearn") is None:
        fix = 'pip install "genoxel[brain]", or remove brain and strip the skull elsewhere'
        yield Problem("image.brain", "no installed library 'nilearn'", "the extra 'brain'", fix)


def _exports(study: Study) -> Iterator[Problem]:
    if "h5mu" in study.settings.report.export and find_spec("mudata") is None:
        yield Problem("report.export", "h5mu, for which mudata is missing", "", 'pip install "genoxel[omics]"')


def _names(study: Study) -> Iterator[Problem]:
    settings = study.settings
    targets = list(settings.targets)
    if settings.learn is not None:
        yield from _known("learn.targets", settings.learn.targets, targets)
        yield from _learn(study, settings.learn)
    if settings.associate is not None:
        yield from _associate(study, settings.associate)
    try:
        check_regions(settings.features, settings.segment.regions)
    except SettingsError as error:
        yield problem_of("features.ratios", error)
    for name, target in settings.targets.items():
        yield from _known(f"target.{name}.confirm", [target.confirm] if target.confirm else [], set(targets) - {name})
        if target.gene and not (settings.omics.mutations or settings.omics.cbioportal):
            fix = "add mutations = ... and profiled = ... under [omics]"
            yield Problem(f"target.{name}.gene", "a gene without mutations", "[omics] mutations", fix)
        if target.gene and settings.omics.mutations and not settings.omics.profiled:
            got = "mutations without a list of who was profiled: nobody is wild type"
            yield Problem("omics.profiled", got, "a file of sample or patient ids", "add profiled = ...", "warning")


def _learn(study: Study, learn: LearnSettings) -> Iterator[Problem]:
    cohort = study.settings.cohort
    blocks = (*BLOCKS, *molecular_blocks(study.settings.omics))
    if study.settings.omics.cbioportal is None:  # what a study folder holds is known only once it is read
        yield from _known("learn.compare", _parts(learn.compare), blocks)
        yield from _known("learn.primary.features", _parts([learn.primary.features]), blocks)
    if not study.settings.targets:
        yield Problem("learn", "no target", "at least one [target.NAME]", "add a target, or remove [learn]")
    if learn.validation.outer == "site" and not cohort.site:
        yield Problem("learn.validate.outer", "text 'site'", "a site column", "name it: [cohort] site = ...")
    if "lightgbm" in (learn.primary.model, *learn.also) and find_spec("lightgbm") is None:
        yield Problem("learn", "the model 'lightgbm', which is not installed", "", 'pip install "genoxel[ml]"')
    for name, column in in_clinical(study).items():
        got = f"the column {column!r}, which makes target {name}, among the clinical variables it is predicted from"
        fix = "take it out of [cohort] clinical, or 'clinical' out of [learn] compare"
        yield Problem("cohort.clinical", got, "variables that do not hold the answer", fix)
    lacking = {"clinical": cohort.clinical, "expression": study.settings.omics.expression}
    for part in _parts([learn.primary.features]):
        if part in lacking and not lacking[part]:
            fix = "name columns: [cohort] clinical = [...]" if part == "clinical" else "add expression under [omics]"
            yield Problem("learn.primary.features", f"text {part!r}, of which nothing was given", "", fix)


def molecular_blocks(omics: OmicsSettings) -> tuple[str, ...]:
    """Return the names of the molecular blocks, beside expression, that [omics] promises."""
    copies = omics.copynumber
    given: dict[str, object] = {
        "copynumber": copies and (copies.calls or copies.genes),
        "arms": copies and copies.arms,
        "methylation": omics.methylation,
        "mgmt": omics.methylation,
        "genesets": omics.genesets,
        "burden": omics.megabases,
        "ihc": omics.ihc,
    }
    return (*(name for name, there in given.items() if there), *omics.derive.blocks, *omics.tables)


def _has_matrix(omics: OmicsSettings) -> bool:
    return omics.expression is not None or bool(molecular_blocks(omics)) or omics.cbioportal is not None


def _parts(names: Iterable[str]) -> list[str]:
    return [part.strip() for name in names for part in name.split("+")]


def _associate(study: Study, associate: AssociateSettings) -> Iterator[Problem]:
    settings = study.settings
    targets, cohort = list(settings.targets), settings.cohort
    legal = ["volume", *(["site"] if cohort.site else []), *cohort.clinical]
    yield from _known("associate.adjust", associate.adjust or (), legal)
    strata = [associate.strata] if associate.strata else []
    yield from _known("associate.strata", strata, legal[1:])
    yield from _known("associate.exclusive", associate.exclusive, targets)
    if len(associate.exclusive) == 1:
        yield Problem("associate.exclusive", "one gene", "two targets or more", "add its companions, or remove it")
    if associate.correct.over == "gene sets" and settings.omics.genesets is None:
        yield Problem("associate.correct.over", "gene sets", "[omics.genesets]", "name a GMT file there")
    families = settings.features.families
    if "volume" in (associate.adjust or ()) and families and "morph" not in families and not feature_files(study):
        fix = "add 'morph' to [features] families, or remove volume"
        yield Problem("associate.adjust", "text 'volume', which is not measured", "a family that holds it", fix)
    if associate.survival is not None:
        targets.append("survival")
        targets.append(associate.survival.time)
        if not cohort.table:
            yield Problem("associate.survival", "columns without a table", "[cohort] table", "name the table")
    yield from _meaning(study, associate)
    if _has_matrix(settings.omics):
        return  # which genes there are is known only once the matrix is read
    if not targets:
        yield Problem("associate", "nothing to associate with", "a target or [omics] expression", "add one")
        return
    names = ["targets", *targets]
    missed = [one for one in associate.against if not any(fnmatchcase(name, one) for name in names)]
    yield from _known("associate.against", missed, names)


def _meaning(study: Study, associate: AssociateSettings) -> Iterator[Problem]:
    """Yield what [associate.enrich] and [associate.phenotypes] cannot do."""
    omics, asked = study.settings.omics, associate.enrich
    if asked is not None:
        yield from _groups_asked(study, asked)
        if omics.expression is None and omics.cbioportal is None:
            yield Problem("associate.enrich", "no expression", "[omics] expression", "add it, or remove the section")
        if asked.sets is None and omics.genesets is None:
            yield Problem("associate.enrich", "no gene sets", "sets = a GMT file, or [omics] genesets", "name a file")
        if asked.genes and find_spec("gseapy") is None:
            fix = 'pip install "genoxel[omics]", or genes = 0'
            yield Problem("associate.enrich.genes", "no installed library 'gseapy'", "the extra 'omics'", fix)
    if associate.shared == "mofa" and find_spec("mofapy2") is None:
        fix = 'pip install "genoxel[omics]", or shared = "pls"'
        yield Problem("associate.shared", "no installed library 'mofapy2'", "the extra 'omics'", fix)
    groups = associate.phenotypes
    if groups is not None and omics.cbioportal is None:
        legal = ["image", *(["expression"] if omics.expression else []), *molecular_blocks(omics)]
        yield from _known("associate.phenotypes.blocks", groups.blocks, legal)


def _groups_asked(study: Study, asked: EnrichSettings) -> Iterator[Problem]:
    """Yield groups and risk groups of [associate.enrich] that there will not be."""
    settings, learn = study.settings, study.settings.learn
    if not _has_derived(settings.omics):  # the columns of molecular blocks are known only once these are made
        yield from _known("associate.enrich.groups", asked.groups, [*settings.targets, *settings.cohort.clinical])
    if not asked.risk:
        return
    if learn is None:
        yield Problem("associate.enrich.risk", "risk groups without a model", "a section [learn]", "add it")
        return
    yield from _known("associate.enrich.risk", asked.risk, learn.targets or settings.targets)
    seen = {part.strip() for part in learn.primary.features.split("+")} - {"image", "volume", "clinical"}
    if seen:
        got = f"risk groups of a model that sees {', '.join(sorted(seen))}"
        fix = 'features = "image", or remove risk'
        yield Problem("associate.enrich.risk", got, "a model of image, volume or clinical columns alone", fix)


def _has_derived(omics: OmicsSettings) -> bool:
    return bool(set(molecular_blocks(omics)) - {"copynumber", "genesets"}) or omics.cbioportal is not None


def _known(where: str, names: Iterable[str], legal: Iterable[str]) -> Iterator[Problem]:
    known = list(legal)
    for name in dict.fromkeys(names):
        if name not in known:
            late = name in PLANNED_VALUES.get(where, ())
            got = f"text {name!r}, which is {NOT_YET}" if late else f"text {name!r}"
            hint = "remove it" if late else nearest(name, known) or "correct the name"
            yield Problem(where, got, ", ".join(known) or "none", hint)


def _columns(study: Study, sheet: ClinicalSheet) -> list[Problem]:
    cohort, associate = study.settings.cohort, study.settings.associate
    survival = associate.survival if associate is not None else None
    named: dict[str, list[str]] = {
        "cohort.site": [cohort.site] if cohort.site else [],
        "cohort.clinical": list(cohort.clinical),
        "associate.survival": [survival.time, survival.event] if survival is not None else [],
        "cohort.interval": [cohort.interval.start, cohort.interval.end] if cohort.interval else [],
    }
    for name, target in study.settings.targets.items():
        named[f"target.{name}.column"] = [target.column] if target.column else []
    problems = [problem for where, names in named.items() for problem in _known(where, names, sheet.columns)]
    if not any(problem.where == "cohort.clinical" for problem in problems):
        problems += _typed(sheet, cohort.clinical)
    problems += _rules(study, sheet)
    return problems


def _readers(study: Study, sheet: ClinicalSheet | None) -> Iterator[Problem]:
    """Yield what cannot be read of the gradings of several readers; a file that is not there is told elsewhere."""
    from genoxel.core.errors import MissingFileError
    from genoxel.study.steps.readers import agreements

    try:
        agreements(study, sheet, sheet.patients if sheet is not None else None)
    except MissingFileError:
        return
    except GenoxelError as error:
        yield problem_of("cohort.readers", error)


def _typed(sheet: ClinicalSheet, names: Iterable[str]) -> Iterator[Problem]:
    for name in names:
        try:
            sheet.to_table([name])
        except GenoxelError as error:
            yield problem_of("cohort.clinical", error)


def _choices(study: Study) -> Iterator[Problem]:
    from genoxel.omics.join import Criterion

    images = study.settings.io.images
    for rule in images.choose if images is not None else ():
        try:
            Criterion(rule, {fact: {} for fact in FACTS})
        except SettingsError as error:
            yield problem_of("io.images.choose", error)


def _rules(study: Study, sheet: ClinicalSheet) -> Iterator[Problem]:
    from genoxel.omics.join import Criterion

    cohort, texts = study.settings.cohort, sheet.texts()
    for where, rules in (("cohort.include", cohort.include), ("cohort.exclude", cohort.exclude)):
        for rule in rules:
            try:
                Criterion(rule, texts)
            except SettingsError as error:
                yield problem_of(where, error)
