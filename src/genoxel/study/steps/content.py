"""Everything that the report shows, gathered from what the steps gave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from genoxel.associate.drivers import DriverContrasts
from genoxel.associate.findings import Groups, Meaning
from genoxel.core.errors import GenoxelError, InputError, describe
from genoxel.core.image import FloatArray
from genoxel.core.results import AssociationMap, TargetResult
from genoxel.core.table import Table
from genoxel.omics.join import days_between
from genoxel.omics.variants import status
from genoxel.report import content as pages
from genoxel.report.contact import Card
from genoxel.report.ibsi_items import ReportingItem
from genoxel.report.tables.cohort import compare_groups, compare_included, summarise_acquisition
from genoxel.simulate.truth import MARKER, is_simulated, read_truth
from genoxel.stats.power import auc_half_width, detectable_auc
from genoxel.study.assay import limits_in_words
from genoxel.study.molecular import Molecular
from genoxel.study.provenance import versions
from genoxel.study.registered import sentence
from genoxel.study.result import Lost
from genoxel.study.steps.associate import Block
from genoxel.study.steps.cohort import Gathered, contradicted, sex_notes
from genoxel.study.steps.cutoffs import cutoffs_of
from genoxel.study.steps.readers import agreements
from genoxel.study.steps.who import Who
from genoxel.study.study import Study


@dataclass(frozen=True, eq=False)
class Findings:
    """What the steps gave: who, molecules, cohort, pictures, acquisition facts, failures, maps and verdicts."""

    who: Who
    molecular: Molecular
    gathered: Gathered
    cards: tuple[Card, ...] = ()
    acquisition: tuple[tuple[str, str, Mapping[str, object]], ...] = ()
    undefined: Mapping[str, str] = field(default_factory=dict)
    failed: tuple[Lost, ...] = ()
    blocks: tuple[Block, ...] = ()
    maps: Mapping[str, AssociationMap] = field(default_factory=dict)
    targets: tuple[TargetResult, ...] = ()
    reporting: tuple[ReportingItem, ...] = ()
    registered: Mapping[str, Any] = field(default_factory=dict)
    drivers: DriverContrasts | None = None
    meaning: Meaning | None = None
    groups: Groups | None = None
    without_groups: str = ""
    prepared: tuple[pages.Prepared, ...] = ()


def content_of(study: Study, found: Findings, hashes: Mapping[str, str]) -> pages.ReportContent:
    """Return the content of the report of a study."""
    gathered = found.gathered
    simulated = simulated_folder(study)
    return pages.ReportContent(
        _facts(study, found),
        flow=gathered.cohort.flow,
        outcomes=gathered.outcomes,
        readings=_readings(gathered),
        planned=tuple(plan_of(gathered)),
        cutoffs=cutoffs_of(study, found.who, found.molecular, gathered.cohort.patients, found.targets),
        comparisons=tuple(_comparisons(study, found)),
        acquisition=summarise_acquisition(found.acquisition),
        image_to_sample_days=_days(study, found),
        cards=found.cards,
        failed=tuple(pages.Failure(lost.patient, lost.step, lost.reason) for lost in found.failed),
        features=gathered.features,
        volume=gathered.volume,
        undefined=found.undefined,
        prepared=found.prepared,
        reporting=found.reporting,
        readers=agreements(study, found.who.sheet, gathered.cohort.patients),
        genome=_genome(study, found),
        expression=_expression(study, found.molecular.expression, gathered.cohort.patients),
        blocks=_blocks(found),
        molecular_notes=_molecular_notes(study, found),
        assay=_assay(study, gathered),
        associations=tuple(
            pages.Screen(
                block.name, found.maps[block.name], block.image, block.other, _planned(block, found), block.adjust
            )
            for block in found.blocks
        ),
        drivers=found.drivers,
        meaning=found.meaning,
        groups=found.groups,
        targets=found.targets,
        not_done=tuple(_not_done(study, found)),
        record=_record(study, hashes),
        simulated=study.settings.study.simulated or simulated is not None,
        truth=_truth(simulated, found.targets) if simulated is not None else (),
        checklists=study.settings.report.checklists,
    )


def _planned(block: Block, found: Findings) -> str:
    return sentence(dict(found.registered)) if block.name == "registered" else ""


def simulated_folder(study: Study) -> Path | None:
    """Return the folder of the simulated cohort that a study reads, or None."""
    settings = study.settings
    images = settings.io.images
    names = [str(images.folder)] if images is not None and images.folder is not None else []
    names += [settings.cohort.table] if settings.cohort.table else []
    for name in names:
        place = study.file(name)
        for folder in (place, place.parent):
            if is_simulated(folder):
                return folder if (folder / MARKER).is_file() else folder.parent
    return None


def _facts(study: Study, found: Findings) -> pages.StudyFacts:
    settings = study.settings.study
    sites = {found.gathered.cohort.site[one] for one in found.gathered.cohort.patients if one in found.who.sites}
    name = settings.name or study.path.stem
    return pages.StudyFacts(
        *(name, settings.question, settings.design, settings.ethics),
        sites=len(sites) or None,
        seed=settings.seed,
        data_use=settings.data_use,
    )


def _readings(gathered: Gathered) -> tuple[pages.WordReading, ...]:
    unknown = {"nobody": "I do not know"}
    return tuple(
        pages.WordReading(target, word.word, word.count, word.read_as or unknown.get(word.by, "unknown"))
        for target, reading in gathered.readings.items()
        for word in reading.words
    )


def plan_of(gathered: Gathered) -> list[pages.Planned]:
    """Return for each two-class target n, positives, the detectable AUC and the expected half width."""
    planned = []
    for outcome in gathered.outcomes:
        if outcome.kind != "class" or len(outcome.levels) != 2:
            continue
        counts = list(outcome.counts().values())
        negative, positive = counts[0], counts[1]
        if min(negative, positive) < 1:
            planned.append(pages.Planned(outcome.name, negative + positive, positive, float("nan"), float("nan")))
            continue
        found = detectable_auc(positive, negative), auc_half_width(positive, negative)
        planned.append(pages.Planned(outcome.name, negative + positive, positive, *found))
    return planned


def _comparisons(study: Study, found: Findings) -> list[pages.Comparison]:
    sheet, names = found.who.sheet, study.settings.cohort.clinical
    if sheet is None or not names:
        return []
    inside = found.gathered.cohort.tables["clinical"]
    tables = [
        compare_groups(inside, outcome)
        for outcome in found.gathered.outcomes
        if outcome.kind == "class" and len(outcome.levels) == 2
    ]
    patients = found.gathered.cohort.patients
    if len(patients) < len(sheet.patients):
        tables.append(compare_included(sheet.to_table(names), patients))
    return tables


def _days(study: Study, found: Findings) -> tuple[float, ...]:
    interval = study.settings.cohort.interval
    if interval is None or found.who.sheet is None:
        return ()
    days = days_between(found.who.texts, interval.start, interval.end)
    return tuple(float(gap) for one in found.gathered.cohort.patients if (gap := days.get(one)) is not None)


def _genome(study: Study, found: Findings) -> pages.Genome | None:
    patients = found.gathered.cohort.patients
    traits = _traits(study, found)
    if (found.molecular.variants is None and not traits) or not patients:
        return None
    omics = study.settings.omics
    rows = found.gathered.features.per_patient("first")
    tracks = {name: _track(rows, rows[name]) for name in tracks_of(found)}
    source = omics.mutations or omics.cbioportal or ""
    known = {**_genes(study, found, patients), **traits}
    return pages.Genome(patients, known, tracks, omics.build or "", source, tuple(traits))


def tracks_of(found: Findings) -> list[str]:
    """Return the image features under the oncoprint: the volume, and the two most strongly linked to a target."""
    names = [found.gathered.volume] if found.gathered.volume else []
    pairs = found.maps["targets"].pairs if "targets" in found.maps else {}
    if pairs:
        p = np.asarray(pairs["p"], dtype=np.float64)
        order = np.argsort(np.where(np.isnan(p), np.inf, p), kind="stable")
        names += [str(pairs["image"][place]) for place in order.tolist()]
    names += found.gathered.features.names
    return list(dict.fromkeys(names))[:TRACKS]


TRACKS = 3


def _assay(study: Study, gathered: Gathered) -> pages.Assay | None:
    settings = study.settings.omics.quality
    if settings is None:
        return None
    quality = gathered.quality
    rules = tuple(limits_in_words(settings))
    return pages.Assay(rules, tuple(quality.judged.items()), tuple(quality.rows()), quality.notes)


def _genes(study: Study, found: Findings, patients: Sequence[str]) -> dict[str, Mapping[str, str | None]]:
    variants = found.molecular.variants
    if variants is None:
        return {}
    derive = study.settings.omics.derive
    named = [gene for target in study.settings.targets.values() for gene in target.genes]
    genes = list(dict.fromkeys([*named, *derive.drivers, *(derive.vaf.genes if derive.vaf else ())]))
    counts = Counter(variants["gene"].tolist())
    common = sorted(counts, key=lambda gene: (-counts[gene], gene))[:15]
    known: dict[str, Mapping[str, str | None]] = {}
    for gene in dict.fromkeys([*genes, *common]):
        try:
            known[gene] = dict(status(variants, gene, None, patients))
        except InputError:
            continue
    return known


def _traits(study: Study, found: Findings) -> dict[str, Mapping[str, str | None]]:
    """Return the targets that are rules, and the derived events, as rows of the oncoprint."""
    rules = {name for name, target in study.settings.targets.items() if target.rule}
    codes: dict[str, Mapping[str, float]] = {
        outcome.name: dict(zip(outcome.patients, outcome.values.tolist(), strict=True))
        for outcome in found.gathered.outcomes
        if outcome.name in rules and len(outcome.levels) == 2
    }
    if study.settings.omics.derive.events and "events" in found.molecular.tables:
        events = found.molecular.tables["events"]
        for name in events.names:
            codes.setdefault(name, dict(zip(events.patients, events[name].tolist(), strict=True)))
    return {name: {who: _WORDS.get(code) for who, code in known.items()} for name, known in codes.items()}


_WORDS = {0.0: "wild type", 1.0: "mutant"}


def _molecular_notes(study: Study, found: Findings) -> tuple[str, ...]:
    differing = contradicted(study, found.gathered.outcomes).values()
    return (*found.molecular.notes, *differing, *sex_notes(found.who, found.molecular))


def _blocks(found: Findings) -> tuple[pages.MolecularBlock, ...]:
    inside = found.gathered.cohort.tables
    tables = {name: inside[name] for name in found.molecular.tables if name in inside and inside[name].columns}
    return tuple(
        pages.MolecularBlock(
            *(name, len(table.patients), len(table.columns)),
            missing=float(np.isnan(table.values).mean()) if table.values.size else float("nan"),
            definition=table.columns[0].definition or table.columns[0].unit,
        )
        for name, table in tables.items()
    )


def _track(rows: Table, values: FloatArray) -> dict[str, float]:
    return dict(zip(rows.patients, values.tolist(), strict=True))


def _expression(study: Study, table: Table | None, patients: Sequence[str]) -> pages.Expression | None:
    settings = study.settings.omics.expression
    if table is None or settings is None:
        return None
    inside = table.of_patients(patients)
    spread = np.ptp(inside.values, axis=0) if len(inside) else np.zeros(0)
    constant = int(np.sum(spread == 0))
    steps = [step for step in (settings.transform, settings.normalise) if step != "none"]
    how = ", then ".join(step.replace("_", " ") for step in steps) or "none"
    return pages.Expression(len(inside.patients), len(inside.columns), settings.unit, how, constant)


def _not_done(study: Study, found: Findings) -> list[pages.NotDone]:
    settings = study.settings
    gaps = []
    if settings.associate is None:
        gaps.append(pages.NotDone("association map", "no section [associate] in the study file"))
    if settings.learn is None:
        gaps.append(pages.NotDone("prediction", "no section [learn] in the study file"))
    if found.without_groups:
        gaps.append(pages.NotDone("groups of patients", found.without_groups))
    notes = (*(found.meaning.notes if found.meaning else ()), *(found.groups.notes if found.groups else ()))
    gaps += [pages.NotDone(*(part.strip() for part in note.split(":", 1))) for note in notes]
    predicted = {target.target for target in found.targets}
    gaps += [
        pages.NotDone(f"prediction of {outcome.name}", "not two classes, or not named in [learn]")
        for outcome in found.gathered.outcomes
        if settings.learn is not None and outcome.name not in predicted
    ]
    if not found.gathered.volume:
        gaps.append(pages.NotDone("comparison with volume", "no column holds the volume of the region"))
    gaps.append(pages.NotDone("external validation", "no cohort of another centre was given"))
    return gaps


def _record(study: Study, hashes: Mapping[str, str]) -> pages.Record:
    settings: dict[str, Any] = study.settings.model_dump(mode="json", by_alias=True)
    return pages.Record(study.text, settings, versions(), dict(sorted(hashes.items())))


def _truth(folder: Path, targets: Sequence[TargetResult]) -> tuple[pages.Truth, ...]:
    try:
        effects = read_truth(folder)["effects"]
    except (GenoxelError, KeyError) as error:
        return (pages.Truth("truth.json", "unreadable", float("nan"), float("nan"), None, describe(error)),)
    words = {target.target: target.verdict.word for target in targets}
    rows = []
    for effect in effects:
        gene = effect["gene"]
        found = None if gene not in words else words[gene] in ("supported", "above chance, no gain shown")
        for name, kind, declared, realised in _planted(effect):
            answer = found if kind == "gene effect" else None
            rows.append(pages.Truth(f"{gene} and {name}", kind, declared, realised, answer))
    return tuple(rows)


def _planted(effect: Mapping[str, Any]) -> Iterator[tuple[str, str, float, float]]:
    """Yield (trait, kind, declared d, realised d) of each effect of a gene; one row where it has none."""
    among = {trait: d for trait, d in effect["declared_d"].items() if d}
    within = effect.get("within_tumour_d", {})
    for trait, d in among.items():
        came = effect["realised_d_profiled"].get(trait)
        declared, realised = (one if isinstance(one, dict) else {"": one} for one in (d, came))
        for part, value in declared.items():
            known = realised.get(part)
            yield (
                f"{trait} ({part})" if part else trait,
                "gene effect",
                value,
                float("nan") if known is None else known,
            )
    for trait, d in within.items():
        yield f"{trait} within the tumour", "regional effect", d, d
    if not among and not within:
        yield "none", "gene effect", 0.0, 0.0
