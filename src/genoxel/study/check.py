"""`genoxel check`: the dry run. Everything wrong at once, what the study can see, what it costs, and every contour."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from genoxel.core.errors import GenoxelError, NotDefinedError
from genoxel.core.flow import Flow
from genoxel.core.outcome import SMALLEST_CLASS, Outcome
from genoxel.core.table import Table
from genoxel.io.files import atomic_write
from genoxel.omics.targets import Reading
from genoxel.report.contact import Card, contact_page
from genoxel.stats.power import auc_half_width, detectable_auc, patients_for_half_width
from genoxel.study.assay import assess
from genoxel.study.cost import Cost, cost_of, meaning_cost, time_one
from genoxel.study.cost_associate import ImageSide, LongWork, association_costs
from genoxel.study.engine import Engine, Result
from genoxel.study.executors import Pool
from genoxel.study.ledger import Ledger
from genoxel.study.lock import StudyLock
from genoxel.study.molecular import Molecular, feature_files, read_molecular, ready_features
from genoxel.study.plan import FIT, look, plan_images
from genoxel.study.problems import Problem, grouped, problem_of, problem_of_reason
from genoxel.study.progress import Progress
from genoxel.study.steps import image as imaging
from genoxel.study.steps import output
from genoxel.study.steps.cohort import contradicted, outcomes_of, refuse_numbered, sex_notes, without_faults
from genoxel.study.steps.content import simulated_folder
from genoxel.study.steps.kernels import with_kernels
from genoxel.study.steps.landmarks import with_landmarks
from genoxel.study.steps.who import Who, enter
from genoxel.study.study import DEFAULT_NAME, Study
from genoxel.study.validity import quick_problems

GOOD_HALF_WIDTH = 0.08
LONG_SECONDS = 3600.0
"""A part of [associate] that takes longer on one core is warned of."""


@dataclass(frozen=True)
class TargetOutlook:
    """What a study of this size can see of one target."""

    name: str
    levels: tuple[str, str]
    counts: tuple[int, int]
    unknown: int
    detectable: float
    half_width: float
    smallest_useful: float
    wanted: int

    @property
    def testable(self) -> bool:
        """Whether both classes are large enough."""
        return min(self.counts) >= SMALLEST_CLASS

    def lines(self) -> list[str]:
        """Return the outlook in two or three lines."""
        negative, positive = self.counts
        head = f" {self.name:<9} {positive} {self.levels[1]} / {negative} {self.levels[0]}"
        unknown = f", {self.unknown} unknown" if self.unknown else ""
        if not self.testable:
            return [f"{head}{unknown}. Not testable: {SMALLEST_CLASS} are needed in the smaller class."]
        smallest = "none at all" if math.isnan(self.detectable) else f"{self.detectable:.2f}"
        clear = self.smallest_useful - self.half_width
        no = f"an AUC of {clear:.2f} or less" if clear > 0.5 else "more patients than these"
        return [
            f"{head}{unknown}. Smallest AUC you can detect with 80 % power: {smallest}."
            f" A 95 % interval will be about +-{self.half_width:.2f}.",
            f"           smallest_useful = {self.smallest_useful:.2f}: a clear 'no' needs {no}."
            f" For +-{GOOD_HALF_WIDTH:.2f} you need about {self.wanted} patients.",
        ]


@dataclass(frozen=True, eq=False)
class CheckResult:
    """Everything that `check` found."""

    problems: tuple[Problem, ...]
    flow: Flow | None = None
    outlooks: tuple[TargetOutlook, ...] = ()
    readings: Mapping[str, Reading] = field(default_factory=dict)
    cards: tuple[Card, ...] = ()
    contours: Path | None = None
    cost: Cost | None = None
    named: str = ""

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Problems that stop a run."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """Problems that a run survives."""
        return tuple(problem for problem in self.problems if problem.severity == "warning")

    def lines(self) -> list[str]:
        """Return what `check` prints."""
        lines = self._flow_lines()
        for outlook in self.outlooks:
            lines += outlook.lines()
        flagged = [card for card in self.cards if card.flags]
        lines += [f" look at   {card.patient}: {', '.join(card.flags)}" for card in flagged[:8]]
        if len(flagged) > 8:
            lines.append(f"           ... {len(flagged) - 8} more")
        if self.contours is not None:
            lines.append(f" contours  {self.contours} ({len(self.cards)} pictures, suspicious first)")
        if self.cost is not None:
            lines.append(f" cost      {self.cost.line()}")
        lines += [f" ERROR     {line}" for line in grouped(self.errors)]
        lines += [f" warning   {line}" for line in grouped(self.warnings)]
        after = "" if self.errors else f"   Next: genoxel run{self.named}"
        lines.append(f"{_count(len(self.errors), 'error')}, {_count(len(self.warnings), 'warning')}.{after}")
        return lines

    def _flow_lines(self) -> list[str]:
        if self.flow is None:
            return []
        lost = [f"{len(step.lost)} {step.label}" for step in self.flow.steps if step.lost]
        head = f" will run  {len(self.flow.patients)} of {len(self.flow.steps[0].entered)} patients"
        return [head + (f"   lost at: {', '.join(lost)}   -> check/flow.csv" if lost else "")]

    def to_json(self) -> dict[str, Any]:
        """Return the findings as plain values."""
        return {
            "errors": [problem.to_json() for problem in self.errors],
            "warnings": [problem.to_json() for problem in self.warnings],
            "patients": len(self.flow.patients) if self.flow else None,
            "entered": len(self.flow.steps[0].entered) if self.flow else None,
            "targets": [{**vars(outlook), "testable": outlook.testable} for outlook in self.outlooks],
            "contours": str(self.contours) if self.contours else None,
            "cost": vars(self.cost) if self.cost else None,
        }


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def check(
    study: Study, workers: int | None = None, progress: Progress | None = None, known: Sequence[Problem] = ()
) -> CheckResult:
    """Return everything wrong with a study and its data, its power, its cost, and a picture of every contour.

    The pictures and the flow are written to the folder check beside the study file; what the step `image` finishes
    here is not done again by `run`. `known` are problems of the file found before. Nothing is raised for a problem of
    the study: all are listed.
    """
    wrong = {problem.where.partition("[")[0] for problem in known}
    problems = [*known, *(one for one in quick_problems(study) if one.where not in wrong)]
    with (
        StudyLock(study.work / "lock"),
        Ledger(study.work) as ledger,
        progress or Progress() as display,
        Pool(workers) as pool,
    ):
        return _Check(study, Engine(ledger, pool, display), problems).do()


def _without_broken_rules(study: Study, problems: Sequence[Problem]) -> Study:
    """Return the study less the rules of its cohort that are wrong, so that the rest can still be looked at."""
    empty: dict[str, Any] = {"include": (), "exclude": (), "interval": None, "overrides": None}
    broken = {one.where.removeprefix("cohort.") for one in problems if one.severity == "error"}
    changes = {name: nothing for name, nothing in empty.items() if name in broken}
    if not changes:
        return study
    cohort = study.settings.cohort.model_copy(update=changes)
    return Study(study.path, study.settings.model_copy(update={"cohort": cohort}), study.text)


class _Check:
    """One check: goes on after every problem, so that all are found."""

    def __init__(self, study: Study, engine: Engine, problems: list[Problem]) -> None:
        self.study, self.engine, self.problems = _without_broken_rules(study, problems), engine, problems
        self.images: dict[str, Result] = {}
        self.features: Table | None = None

    def do(self) -> CheckResult:
        """Look at everything that can be looked at."""
        molecular = self._molecular()
        who, flow = self._patients()
        outlooks: list[TargetOutlook] = []
        readings: dict[str, Reading] = {}
        if who is not None and flow is not None:
            self._nobody(flow)
            flow = self._quality(replace(who, flow=flow), flow, molecular)
            if flow.patients:
                outlooks, readings = self._targets(who, flow, molecular)
            output.write_flow(flow, output.Sink(self.study.folder / "check"))
        cards, _ = imaging.cards_of(self.images)
        page = self._page(cards)
        cost = self._cost(molecular, flow, len(outlooks)) if flow else None
        named = "" if self.study.path.name == DEFAULT_NAME else f" {self.study.path.name}"
        return CheckResult(tuple(self.problems), flow, tuple(outlooks), readings, tuple(cards), page, cost, named)

    def _cost(self, molecular: Molecular, flow: Flow, targets: int) -> Cost:
        """Return what the run costs, with a warning for each part of [associate] that takes more than an hour."""
        each, columns = time_one(self.study, self.images)
        missing = False
        if self.features is not None:
            columns, missing = len(self.features.columns), bool(np.isnan(self.features.values).any())
        side = ImageSide(len(flow.patients), columns, missing)
        parts = [*self._sets(molecular), *association_costs(self.study, molecular, side)]
        for one in parts:
            if one.seconds > LONG_SECONDS:
                got = f"{one.what}: about {one.seconds / 3600:.1f} hours on one core"
                self.problems.append(Problem(one.where, got, "an hour or less", one.less, "warning"))
        beside = sum(one.seconds for one in parts)
        return cost_of(self.study, self.images, self.engine.pool.workers, targets, each, beside)

    def _sets(self, molecular: Molecular) -> list[LongWork]:
        """Return what gene sets cost, where they are asked for."""
        try:
            found = meaning_cost(self.study, molecular)
        except GenoxelError as error:
            self._note("associate.enrich.sets", error)
            return []
        if found is None:
            return []
        what = f"{found.sets:,} gene sets of {found.sources} features and groups in {found.worlds:,} null worlds"
        less = "fewer sets or features, or permutations = 999"
        return [LongWork("associate.enrich", what, found.seconds, less)]

    def _note(self, where: str, error: GenoxelError, severity: str = "error") -> None:
        problem = problem_of(where, error, "error" if severity == "error" else "warning")
        if not any(one.where == where or one.where.startswith(f"{where}.") for one in self.problems):
            self.problems.append(problem)

    def _molecular(self) -> Molecular:
        found = read_molecular(self.study, self._note)
        self.problems += [Problem("omics", note, "", "look whether that is meant", "warning") for note in found.notes]
        return found

    def _quality(self, who: Who, flow: Flow, molecular: Molecular) -> Flow:
        """Return the flow after [omics.quality], each finding a warning."""
        try:
            quality = assess(self.study, who, molecular)
        except GenoxelError as error:
            self._note("omics.quality", error)
            return flow
        for patient, check, text, done in quality.rows():
            got = f"{patient}: {text} ({done})"
            self.problems.append(Problem(f"omics.quality.{check}", got, "", "look at this sample", "warning"))
        self.problems += [Problem("omics.quality", note, "", "", "warning") for note in quality.notes]
        return without_faults(self.study, flow, quality)

    def _patients(self) -> tuple[Who | None, Flow | None]:
        """Return who takes part, and the flow through images and contours as far as it can be known."""
        try:
            if feature_files(self.study):
                return self._ready()
            return self._pictured()
        except GenoxelError as error:
            self._note("cohort", error)
            return None, None

    def _ready(self) -> tuple[Who | None, Flow | None]:
        try:
            table = ready_features(self.study)
        except GenoxelError as error:
            self._note("io.images.features", error)
            return None, None
        who = enter(self.study, table.patients)
        self.features = table
        self._constant(table)
        measured = set(table.patients)
        lost = {one: "no image features" for one in who.flow.patients if one not in measured}
        return who, who.flow.drop("has image features", lost)

    def _constant(self, table: Table) -> None:
        with np.errstate(invalid="ignore"):
            spread = np.nanmax(table.values, axis=0, initial=-np.inf) - np.nanmin(table.values, axis=0, initial=np.inf)
        constant = [name for name, width in zip(table.names, spread, strict=True) if not width > 0]
        if constant:
            some = ", ".join(constant[:3]) + (" ..." if len(constant) > 3 else "")
            fix = "they are kept in tables and never used"
            got = f"{len(constant)} of {len(table.names)} feature columns with one value only ({some})"
            self.problems.append(Problem("io.images.features", got, "columns that vary", fix, "warning"))

    def _pictured(self) -> tuple[Who | None, Flow | None]:
        images = self.study.settings.io.images
        if images is not None and images.fetch is not None and not self.study.file(str(images.folder)).is_dir():
            return None, None  # said with the section itself
        try:
            found = look(self.study, self.engine.pool)
        except GenoxelError as error:
            self._note("io.images.folder", error)
            found = None
        if found is None:
            return None, None
        for problem in found.problems[:20]:
            got = f"a file that cannot be used: {problem.reason}"
            self.problems.append(Problem(problem.file.name, got, "DICOM, NIfTI or NRRD", "", "warning"))
        who = enter(self.study, found.patients)
        plan = plan_images(self.study, found, who.flow.patients, who.decisions)
        flow = who.flow
        for label, lost in plan.boxes:
            flow = flow.drop(label, dict(lost))
            self.problems += [problem_of_reason(one, reason) for one, reason in sorted(lost.items())]
        work = with_kernels(self.study, plan.work, found.patients, self.engine)
        work = with_landmarks(self.study, work, found.patients, self.engine)
        self.images = imaging.prepare(self.engine, imaging.image_jobs(work, self.engine.ledger))
        broken = {patient: result.error for patient, result in self.images.items() if not result.ok} | dict(
            plan.misfits
        )
        self.problems += [problem_of_reason(one, reason) for one, reason in sorted(broken.items())]
        return who, flow.drop(FIT, broken)

    def _nobody(self, flow: Flow) -> None:
        """Say so when a run would end without a single patient."""
        if not flow.patients:
            lost = [f"{len(step.lost)} at {step.label!r}" for step in flow.steps if step.lost]
            got = f"nobody who can be measured ({'; '.join(lost) or 'no patient at all'})"
            self.problems.append(Problem("cohort", got, "at least one patient", "see the reasons among the warnings"))

    def _targets(self, who: Who, flow: Flow, molecular: Molecular) -> tuple[list[TargetOutlook], dict[str, Reading]]:
        outlooks: list[TargetOutlook] = []
        readings: dict[str, Reading] = {}
        outcomes: list[Outcome] = []
        for name, settings in self.study.settings.targets.items():
            alone = self.study.settings.model_copy(update={"targets": {name: settings}})
            try:
                single = Study(self.study.path, alone, self.study.text)
                (outcome,), words = outcomes_of(single, who, molecular, flow.patients)
                refuse_numbered(self.study, name, molecular.recipe_of(settings.score) if settings.score else None)
            except GenoxelError as error:
                self._note(f"target.{name}", error)
                continue
            readings.update(words)
            outcomes.append(outcome)
            self._unclear(name, words)
            if outcome.kind == "class" and len(outcome.levels) == 2:
                outlooks.append(_outlook(outcome, settings.smallest_useful.auc))
        self.problems += [
            Problem("omics.expression", text, "one sex", "look at these samples", "warning")
            for text in sex_notes(who, molecular)
        ]
        for name, text in contradicted(self.study, outcomes).items():
            fix = "ask which is right, and correct or exclude these"
            self.problems.append(Problem(f"target.{name}.confirm", text, "one truth", fix, "warning"))
        for outlook in outlooks:
            if not outlook.testable:
                got = f"{_count(min(outlook.counts), 'patient')} in the smaller class"
                self.problems.append(
                    Problem(f"target.{outlook.name}", got, f"{SMALLEST_CLASS} or more", "pool a site", "warning")
                )
        return outlooks, readings

    def _unclear(self, name: str, words: Mapping[str, Reading]) -> None:
        for reading in words.values():
            for word in reading.not_understood:
                got = f"the word {word.word!r} ({word.count} patients), which stays unknown"
                fix = f"write it into positive, negative or unknown of [target.{name}]"
                self.problems.append(Problem(f"target.{name}", got, "words that are explained", fix, "warning"))

    def _page(self, cards: Sequence[Card]) -> Path | None:
        if not cards:
            return None
        path = self.study.folder / "check" / "contours.html"
        simulated = self.study.settings.study.simulated or simulated_folder(self.study) is not None
        title = f"Contours: {self.study.settings.study.name or self.study.path.stem}"
        atomic_write(path, contact_page(cards, title, simulated))
        return path


def _outlook(outcome: Outcome, smallest_useful: float) -> TargetOutlook:
    counts = outcome.counts()
    negative, positive = (counts[level] for level in outcome.levels)
    unknown = counts.get("unknown", 0)
    detectable = half_width = math.nan
    wanted = 0
    if min(negative, positive) > 0:
        try:
            detectable, half_width = detectable_auc(positive, negative), auc_half_width(positive, negative)
            wanted = patients_for_half_width(GOOD_HALF_WIDTH, positive / (positive + negative))
        except NotDefinedError:
            pass
    levels = (outcome.levels[0], outcome.levels[1])
    shown = (negative, positive), unknown, detectable, half_width, smallest_useful, wanted
    return TargetOutlook(outcome.name, levels, *shown)
