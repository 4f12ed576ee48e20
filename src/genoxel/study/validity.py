"""What is wrong with a study before anything is read deeply: files that are missing, names that lead nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from genoxel.core.errors import GenoxelError, SettingsError, nearest
from genoxel.io.clinical import ClinicalSheet
from genoxel.io.files import existing
from genoxel.study.molecular import feature_files
from genoxel.study.problems import Problem, problem_of
from genoxel.study.steps.who import read_sheet
from genoxel.study.study import Study

BLOCKS = ("prevalence", "volume", "clinical", "image", "expression")


def quick_problems(study: Study) -> list[Problem]:
    """Return every problem that the study file and the heads of its tables show; images are not opened."""
    problems = [*_files(study), *_names(study)]
    sheet: ClinicalSheet | None = None
    try:
        sheet = read_sheet(study)
    except GenoxelError as error:
        if not any(problem.where == "cohort.table" for problem in problems):
            problems.append(problem_of("cohort.table", error))
    if sheet is not None:
        problems += _columns(study, sheet)
    return problems


def _files(study: Study) -> Iterator[Problem]:
    settings = study.settings
    omics = settings.omics
    named = {
        "cohort.table": settings.cohort.table,
        "cohort.overrides": settings.cohort.overrides,
        "omics.mutations": omics.mutations,
        "omics.profiled": omics.profiled,
        "omics.expression.file": omics.expression.file if omics.expression else None,
    }
    for where, name in named.items():
        if name:
            yield from _missing(where, study.file(name))
    for modality, path in feature_files(study).items():
        yield from _missing(f"io.images.features{'.' if modality else ''}{modality}", path)
    images = settings.io.images
    if images is None:
        yield Problem("io.images", "no section", "[io.images] with folder or features", "say where the images are")
    elif images.folder is not None and images.features is None and not study.file(str(images.folder)).is_dir():
        place = study.file(str(images.folder))
        here = [item.name for item in place.parent.iterdir() if item.is_dir()] if place.parent.is_dir() else []
        hint = nearest(place.name, here) or "check the path"
        yield Problem("io.images.folder", f"no folder {images.folder}", "a folder with images", hint)


def _missing(where: str, path: Path) -> Iterator[Problem]:
    try:
        existing(path)
    except GenoxelError as error:
        yield problem_of(where, error)


def _names(study: Study) -> Iterator[Problem]:
    settings = study.settings
    targets = list(settings.targets)
    if settings.learn is not None:
        yield from _known("learn.targets", settings.learn.targets, targets)
        used = [settings.learn.primary.features, *settings.learn.compare]
        yield from _known("learn.compare", [part.strip() for name in used for part in name.split("+")], BLOCKS)
        if not targets:
            yield Problem("learn", "no target", "at least one [target.NAME]", "add a target, or remove [learn]")
        if settings.learn.validation.outer == "site" and not settings.cohort.site:
            yield Problem("learn.validate.outer", "text 'site'", "a site column", "name it: [cohort] site = ...")
    if settings.associate is not None and not targets and settings.omics.expression is None:
        yield Problem("associate", "nothing to associate with", "a target or [omics] expression", "add one")
    for name, target in settings.targets.items():
        if target.gene and not settings.omics.mutations:
            fix = "add mutations = ... and profiled = ... under [omics]"
            yield Problem(f"target.{name}.gene", "a gene without mutations", "[omics] mutations", fix)
        if target.gene and settings.omics.mutations and not settings.omics.profiled:
            got = "mutations without a list of who was profiled: nobody is wild type"
            yield Problem("omics.profiled", got, "a file of sample or patient ids", "add profiled = ...", "warning")


def _known(where: str, names: Iterable[str], legal: Iterable[str]) -> Iterator[Problem]:
    known = list(legal)
    for name in dict.fromkeys(names):
        if name not in known:
            hint = nearest(name, known) or "correct the name"
            yield Problem(where, f"text {name!r}", ", ".join(known) or "none", hint)


def _columns(study: Study, sheet: ClinicalSheet) -> list[Problem]:
    cohort = study.settings.cohort
    named: dict[str, list[str]] = {
        "cohort.site": [cohort.site] if cohort.site else [],
        "cohort.clinical": list(cohort.clinical),
        "cohort.interval": [cohort.interval.start, cohort.interval.end] if cohort.interval else [],
    }
    for name, target in study.settings.targets.items():
        named[f"target.{name}.column"] = [target.column] if target.column else []
    problems = [problem for where, names in named.items() for problem in _known(where, names, sheet.columns)]
    if not any(problem.where == "cohort.clinical" for problem in problems):
        problems += _typed(sheet, cohort.clinical)
    problems += _rules(study, sheet)
    return problems


def _typed(sheet: ClinicalSheet, names: Iterable[str]) -> Iterator[Problem]:
    for name in names:
        try:
            sheet.to_table([name])
        except GenoxelError as error:
            yield problem_of("cohort.clinical", error)


def _rules(study: Study, sheet: ClinicalSheet) -> Iterator[Problem]:
    from genoxel.omics.join import Criterion

    cohort, texts = study.settings.cohort, sheet.texts()
    for where, rules in (("cohort.include", cohort.include), ("cohort.exclude", cohort.exclude)):
        for rule in rules:
            try:
                Criterion(rule, texts)
            except SettingsError as error:
                yield problem_of(where, error)
