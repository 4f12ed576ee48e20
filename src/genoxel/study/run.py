"""Run a study: every step in order, each asking the ledger first; results appear only when they are whole."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from genoxel.associate.drivers import DriverContrasts
from genoxel.associate.findings import Groups, Meaning
from genoxel.core.errors import GenoxelError, InputError
from genoxel.core.keys import RowKey
from genoxel.core.results import AssociationMap, TargetResult
from genoxel.core.settings import digest
from genoxel.core.table import Table
from genoxel.report.content import Prepared
from genoxel.report.tables.cohort import summarise_acquisition
from genoxel.report.tables.measured import summarise_prepared
from genoxel.study.engine import Engine, Result
from genoxel.study.executors import Pool
from genoxel.study.ledger import Ledger, now
from genoxel.study.lock import StudyLock
from genoxel.study.molecular import (
    Molecular,
    asked_sets,
    feature_files,
    input_files,
    read_molecular,
    read_sets,
    ready_features,
)
from genoxel.study.plan import FIT, look, plan_images
from genoxel.study.problems import StudyError, grouped, problem_of_reason
from genoxel.study.progress import Progress
from genoxel.study.provenance import provenance, relative
from genoxel.study.registered import register
from genoxel.study.result import Lost, RunResult
from genoxel.study.steps import associate as association
from genoxel.study.steps import features as measuring
from genoxel.study.steps import image as imaging
from genoxel.study.steps import meaning as reading
from genoxel.study.steps import output, records
from genoxel.study.steps.biopsies import locate_biopsies
from genoxel.study.steps.cohort import Box, Gathered, gather
from genoxel.study.steps.content import Findings, content_of
from genoxel.study.steps.kernels import with_kernels
from genoxel.study.steps.landmarks import with_landmarks
from genoxel.study.steps.learn import learn, learnable
from genoxel.study.steps.report import write_report
from genoxel.study.steps.sources import modules_of
from genoxel.study.steps.who import Who, enter
from genoxel.study.study import Study
from genoxel.study.validity import quick_problems

PROVENANCE = "provenance.json"
BOXES = {"image": FIT, "features": "could be measured"}


def run(
    study: Study, workers: int | None = None, progress: Progress | None = None, only_report: bool = False
) -> RunResult:
    """Run `study` and return what it came to; the same call goes on after any stop.

    `workers` processes (default: all cores) measure patients and fit models; `only_report` refuses to compute
    anything and writes the report again. Raises `StudyError` with every problem of the study file, `BusyError` when
    another run holds the study, `OutputError` when results cannot be written; a broken patient is recorded instead.
    """
    problems = [problem for problem in quick_problems(study) if problem.severity == "error"]
    if problems:
        raise StudyError(f"the study file {study.path.name}", problems)
    began = time.monotonic()
    with (
        StudyLock(study.work / "lock") as lock,
        Ledger(study.work) as ledger,
        progress or Progress() as display,
        Pool(1 if only_report else workers) as pool,
    ):
        if lock.taken_over:
            display.say(f"taking over from {lock.taken_over}")
        _sweep(study)
        with _noted(ledger, "report" if only_report else "run") as note:
            result = _Run(study, Engine(ledger, pool, display, frozen=only_report), began).do()
            note.append("partly" if result.failed else "done")
    return result


@contextmanager
def _noted(ledger: Ledger, what: str) -> Iterator[list[str]]:
    number, states = ledger.begin_run(what), list[str]()
    try:
        yield states
    except BaseException as error:
        state = "stopped" if isinstance(error, KeyboardInterrupt) else "refused"
        with suppress(GenoxelError):
            ledger.end_run(number, state)
        raise
    ledger.end_run(number, states[-1])


def _sweep(study: Study) -> None:
    """Remove what a killed run left half-written."""
    for folder in (study.work, study.results):
        for path in folder.rglob(".*.part"):
            with suppress(OSError):
                path.unlink()


class _Run:
    """One run of one study: what each step gave, in order."""

    def __init__(self, study: Study, engine: Engine, began: float) -> None:
        self.study, self.engine, self.began = study, engine, began
        self.settings = study.settings
        self.failed: list[Lost] = []
        self.boxes: list[Box] = []
        self.notes: list[str] = []
        self.undefined: list[measuring.NotDefined] = []
        self.images: dict[str, Result] = {}
        self.facts: dict[RowKey, dict[str, str]] = {}
        self.inputs: dict[str, str] = {}
        self.registered: dict[str, Any] = {}
        self.started = now()

    def do(self) -> RunResult:
        """Do every step and write the results."""
        self._hash_tables()
        self.registered = register(self.study)  # before any outcome is read
        who, features = self._measured()
        molecular = read_molecular(self.study, display=self.engine.progress)
        gathered = gather(self.study, who, features, molecular, self.boxes)
        molecular, gathered = self._biopsies(molecular, gathered)
        blocks, maps = self._associate(gathered)
        targets = self._learn(gathered)
        meaning, groups, whole = self._meaning(gathered, blocks, maps, self._beside(molecular, targets))
        cards, acquisition = imaging.cards_of(self.images)
        scanners = summarise_acquisition(acquisition)
        items = records.reporting(gathered.features, self.facts, self.settings, scanners)
        found = Findings(
            *(who, molecular, gathered, tuple(cards), tuple(acquisition), self._reasons(), tuple(self.failed)),
            *(tuple(blocks), maps, tuple(targets), items),
            registered=self.registered,
            drivers=self._drivers(gathered),
            meaning=meaning,
            groups=groups,
            without_groups=whole,
            prepared=self._prepared(),
        )
        self._write(found)
        return RunResult(
            *(self.study.results, self.study.results / "report.html", tuple(targets), maps, tuple(self.failed)),
            patients=len(who.flow.patients),
            fresh=dict(self.engine.fresh),
            known=dict(self.engine.known),
            seconds=time.monotonic() - self.began,
            notes=tuple(self.notes),
        )

    def _reasons(self) -> dict[str, str]:
        """Return feature -> why it has no value in the first row where it has none."""
        return {one.feature: one.reason for one in reversed(self.undefined)}

    def _prepared(self) -> tuple[Prepared, ...]:
        """Return what the stages of preparation measured, over all patients."""
        told = {what: imaging.measures_of(self.images, what) for what in imaging.MEASURED}
        return tuple(one for what, rows in told.items() for one in summarise_prepared(what, rows))

    def _hash_tables(self) -> None:
        with self.engine.ledger.together():
            for path in input_files(self.study):
                self.inputs[relative(path, self.study.folder)] = self.engine.ledger.hash_of(path)

    def _measured(self) -> tuple[Who, Table]:
        """Return who takes part and the feature table: ready-made, or measured from images."""
        if feature_files(self.study):
            given = ready_features(self.study)
            return enter(self.study, given.patients), given
        self._bring()
        found = look(self.study, self.engine.pool)
        if found is None:
            raise InputError("no images and no features", "[io.images] folder, or features", "name one of them")
        who = enter(self.study, found.patients)
        plan = plan_images(self.study, found, who.flow.patients, who.decisions)
        self.boxes += plan.boxes
        without = {patient: why for _, lost in plan.boxes for patient, why in lost.items()}
        lines = grouped(problem_of_reason(patient, why) for patient, why in sorted(without.items()))
        self.notes = [f" left out {line}" for line in lines]
        work = with_kernels(self.study, plan.work, found.patients, self.engine)
        work = with_landmarks(self.study, work, found.patients, self.engine)
        jobs = imaging.image_jobs(work, self.engine.ledger)
        self.inputs["images"] = digest(sorted(job.key for job in jobs))
        self.images = imaging.prepare(self.engine, jobs)
        self._note_failed("image", self.images, plan.misfits)
        rows = measuring.measure(
            self.engine, measuring.feature_jobs(self.images, self.settings.image, self.settings.features)
        )
        self._note_failed("features", rows)
        table, self.undefined = measuring.assemble(rows)
        self.facts = records.facts_of_rows(plan.work, self.images, self.settings, self.engine.ledger)
        if table is None:
            output.write_failed(self.failed, output.Sink(self.study.results))
            raise _nobody(self.failed, self.boxes)
        return who, table

    def _bring(self) -> None:
        """Bring the collection that the study file names; what is here already is not asked for again."""
        images = self.settings.io.images
        if images is None or images.fetch is None or self.engine.frozen:
            return
        from genoxel.study.fetch import bring_images

        bring_images(images.fetch, self.study.file(str(images.fetch.folder)), self.engine.progress)

    def _note_failed(self, step: str, results: Mapping[str, Result], before: Mapping[str, str] | None = None) -> None:
        lost = {patient: result.error for patient, result in results.items() if not result.ok}
        lost = dict(sorted({**lost, **(before or {})}.items()))
        self.failed += [Lost(patient, step, reason) for patient, reason in lost.items()]
        self.boxes.append((BOXES[step], lost))

    def _biopsies(self, molecular: Molecular, gathered: Gathered) -> tuple[Molecular, Gathered]:
        """Return both with the biopsies located in the regions of their images, where there are any."""
        settings = self.settings.omics.biopsies
        if settings is None or molecular.biopsies is None:
            return molecular, gathered
        patients = gathered.cohort.patients
        table, notes = locate_biopsies(settings, molecular.biopsies, self.images, patients)
        told = replace(molecular, notes=(*molecular.notes, *notes))
        return told, replace(gathered, cohort=gathered.cohort.with_table("biopsies", table))

    def _associate(self, gathered: Gathered) -> tuple[list[association.Block], dict[str, AssociationMap]]:
        settings = self.settings.associate
        if settings is None:
            return [], {}
        sets = read_sets(self.study) if settings.correct.over == "gene sets" else {}
        blocks = association.plan_blocks(gathered, settings, self.settings.study.seed, sets)
        return blocks, association.associate(self.engine, blocks)

    def _drivers(self, gathered: Gathered) -> DriverContrasts | None:
        settings = self.settings.associate
        names = settings.exclusive if settings is not None else ()
        return association.contrasts(gathered, names) if names else None

    def _meaning(
        self,
        gathered: Gathered,
        blocks: list[association.Block],
        maps: dict[str, AssociationMap],
        beside: reading.Beside,
    ) -> tuple[Meaning | None, Groups | None, str]:
        """Return what features mean, the groups of patients, and why there are none where they were asked for."""
        settings, seed = self.settings.associate, self.settings.study.seed
        if settings is None:
            return None, None, ""
        sets = asked_sets(self.study)
        found = reading.meaning(self.engine, gathered, settings, sets, maps, seed, beside)
        return found, *reading.groups(self.engine, gathered, settings, tuple(blocks), seed)

    def _beside(self, molecular: Molecular, targets: list[TargetResult]) -> reading.Beside:
        """Return the modules of genes and the predictions that gene sets are asked for."""
        settings = self.settings.associate
        asked = settings.enrich if settings is not None else None
        wanted = asked is not None and asked.modules
        return reading.Beside(modules_of(molecular.recipes.get("metagenes")) if wanted else {}, targets)

    def _learn(self, gathered: Gathered) -> list[TargetResult]:
        settings = self.settings.learn
        outcomes = learnable(gathered.outcomes, settings) if settings is not None else []
        if settings is None or not outcomes:
            return []
        useful = {name: target.smallest_useful.auc for name, target in self.settings.targets.items()}
        seed, sites = self.settings.study.seed, dict(gathered.cohort.site)
        return learn(self.engine, gathered.blocks(), outcomes, settings, useful, seed, sites, gathered.in_folds)

    def _write(self, found: Findings) -> None:
        gathered, sink = found.gathered, output.Sink(self.study.results)
        self.engine.progress.begin("report", 1)
        old = output.listed_outputs(self.study.results / PROVENANCE)
        output.write_tables(gathered, sink, self.facts)
        output.write_not_defined(self.undefined, sink)
        output.write_reporting(found.reporting, records.settings_known(self.facts, self.settings), sink)
        output.write_maps(found.maps, sink)
        output.write_drivers(found.drivers, sink)
        output.write_meaning(found.meaning, found.groups, sink)
        output.write_quality(gathered.quality, sink)
        output.write_predictions(found.targets, sink)
        if gathered.cohort.flow is not None:
            output.write_flow(gathered.cohort.flow, sink)
        output.write_failed(self.failed, sink)
        output.write_verdicts(found.targets, gathered.outcomes, sink)
        if self.images:
            output.write_record(imaging.histories_of(self.images), sink("processing.json"))
            for what in imaging.MEASURED:
                output.write_measures(what, imaging.measures_of(self.images, what), sink)
        write_report(content_of(self.study, found, self.inputs), sink, self.settings.report)
        asked = self.settings.report.export
        self.notes += output.write_exports(gathered, asked, self.settings.study.name, sink)
        output.remove_old(self.study.results, old, sink.written)
        settings = self.settings.model_dump(mode="json", by_alias=True)
        outputs = output.hashes_of(self.study.results, sink.written)
        record = provenance(self.study.text, settings, self.inputs, outputs, self.started)
        output.write_json(record, sink(PROVENANCE))
        self.engine.progress.advance()
        self.engine.progress.end()


def _nobody(failed: list[Lost], boxes: list[Box]) -> InputError:
    lost = {patient: why for _, box in boxes for patient, why in box.items()}
    lost.update({one.patient: one.reason for one in failed})
    reasons = grouped(problem_of_reason(patient, why) for patient, why in sorted(lost.items()))
    listed = "".join(f"\n  {reason}" for reason in reasons[:6]) or " nobody in the cohort"
    return InputError(
        f"no patient that could be measured:{listed}\n",
        "at least one patient with images and a contour",
        "genoxel check lists every patient with its reason",
    )
