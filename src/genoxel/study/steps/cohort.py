"""The step `cohort`: one row of everything per patient, who was lost where, and the outcomes of all targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from genoxel.core.cohort import Cohort
from genoxel.core.errors import GenoxelError, SettingsError
from genoxel.core.flow import Flow
from genoxel.core.keys import as_keys
from genoxel.core.outcome import Outcome
from genoxel.core.table import Column, Source, Table
from genoxel.learn.classes import FoldClasses, LearnedClasses, LearnedCut
from genoxel.learn.targets import InFolds
from genoxel.omics.join import JoinReport, Layers, join
from genoxel.omics.modules import Metagenes
from genoxel.omics.quality import contradicting_sex
from genoxel.omics.recipe import Recipe
from genoxel.omics.targets import Reading, contradictions, make_outcome, numbers_of
from genoxel.study.assay import BOX, AssayQuality, assess
from genoxel.study.molecular import Molecular
from genoxel.study.steps.who import Who
from genoxel.study.study import Study

Box = tuple[str, Mapping[str, str]]
"""A box of the flow: its label, and who was lost there with the reason."""


@dataclass(frozen=True, eq=False)
class Gathered:
    """The cohort with its layers, the outcomes of all targets, how their words were read, and the assay quality.

    `in_folds` is what each training fold learns anew; `germline` are blocks that no export holds.
    """

    cohort: Cohort
    report: JoinReport
    outcomes: tuple[Outcome, ...]
    readings: Mapping[str, Reading] = field(default_factory=dict)
    volume: str = ""
    in_folds: InFolds = field(default_factory=InFolds)
    germline: tuple[str, ...] = ()
    quality: AssayQuality = field(default_factory=AssayQuality)

    @property
    def features(self) -> Table:
        """The image features."""
        return self.cohort.table("features")

    def blocks(self) -> dict[str, Table]:
        """Return the tables that models see, by the names that [learn] uses."""
        features = self.features
        blocks = {"image": features}
        if self.volume:
            blocks["volume"] = features.select([self.volume])
        own = ("features", "survival", "biopsies")  # the outcome, and rows of samples, are nothing to predict from
        return {
            **blocks,
            **{name: table for name, table in self.cohort.tables.items() if name not in own and table.columns},
        }


def gather(study: Study, who: Who, features: Table, molecular: Molecular, boxes: Sequence[Box]) -> Gathered:
    """Return the cohort of everyone measured; `boxes` tell who was lost among images, contours and features."""
    flow = who.flow
    for label, lost in boxes:
        flow = flow.drop(label, dict(lost))
    measured = set(features.patients)
    without = {one: "no image features" for one in flow.patients if one not in measured}
    flow = flow.drop("has image features", without) if without or not boxes else flow
    quality = assess(study, replace(who, flow=flow), molecular)
    flow = without_faults(study, flow, quality)
    tables = {"features": sorted_rows(features)}
    if who.sheet is not None and study.settings.cohort.clinical:
        tables["clinical"] = who.sheet.to_table(study.settings.cohort.clinical)
    survival = study.settings.associate.survival if study.settings.associate is not None else None
    if who.sheet is not None and survival is not None:
        tables["survival"] = survival_table(who.sheet.to_table([survival.time, survival.event]))
    if molecular.expression is not None:
        tables["expression"] = molecular.expression
    tables.update(molecular.tables)
    records = {"variants": molecular.variants} if molecular.variants is not None else {}
    cohort, report = join(Layers(tables=tables, records=records, site=who.sites), flow)
    cohort = cohort.of_patients(sorted(cohort.patients))
    outcomes, readings = outcomes_of(study, who, molecular, cohort.patients)
    for outcome in outcomes:
        cohort = cohort.with_outcome(outcome)
    volume = find_volume(cohort.table("features"))
    recipes = {name: replace(one, raw=one.raw.of_patients(cohort.patients)) for name, one in molecular.recipes.items()}
    in_folds = InFolds(recipes, cuts_of(study, who, molecular, cohort.patients))
    return Gathered(cohort, report, outcomes, readings, volume, in_folds, molecular.germline, quality)


def without_faults(study: Study, flow: Flow, quality: AssayQuality) -> Flow:
    """Return the flow without the patients that [omics.quality] excludes; no box where it excludes by nothing."""
    settings = study.settings.omics.quality
    if settings is None or not settings.exclude:
        return flow
    return flow.drop(BOX, {who: why for who, why in quality.excluded.items() if who in set(flow.patients)})


def cuts_of(study: Study, who: Who, molecular: Molecular, patients: Sequence[str]) -> dict[str, FoldClasses]:
    """Return what makes the classes of every target that folds learn: quantile cuts, and classes of learned scores.

    Raises `SettingsError` for a numbered metagene that is to be predicted.
    """
    cuts: dict[str, FoldClasses] = {}
    for name, settings in study.settings.targets.items():
        recipe = molecular.recipe_of(settings.score) if settings.score else None
        refuse_numbered(study, name, recipe)
        if recipe is not None and (settings.cut is not None or settings.positive):
            cuts[name] = LearnedClasses.of(replace(recipe, raw=recipe.raw.of_patients(patients)), settings)
        elif settings.quantile is not None:
            numbers = numbers_of(name, settings, who.texts, molecular.scores).of_patients(patients)
            cuts[name] = LearnedCut(numbers.patients, numbers.values, settings.quantile)
    return cuts


def refuse_numbered(study: Study, name: str, recipe: Recipe | None) -> None:
    """Refuse to predict a metagene by its number: each fold finds other modules, in another order."""
    learned, settings = study.settings.learn, study.settings.targets[name]
    numbered = recipe is not None and any(isinstance(step, Metagenes) and not step.of for step in recipe.steps)
    if numbered and learned is not None and name in (learned.targets or (name,)) and settings.is_class:
        raise SettingsError(
            f"the score {settings.score!r} of [target.{name}], which [learn] would predict: the training patients of "
            "a fold give other modules, in another order",
            'the module of a gene, "metagene of GENE"',
            'add of = ["GENE"] to metagenes under [omics.derive] and write score = "metagene of GENE" '
            "(tables/data_dictionary.csv names genes of each module), or leave the target out of [learn] targets",
        )


def survival_table(found: Table) -> Table:
    """Return a time and its event (two columns, event 0 or 1) as the screen wants them: NAME and NAME.event.

    Raises `SettingsError` for an event that is not 0 and 1, or a time that is no number of 0 or more.
    """
    time, event = found.columns
    if event.kind != "binary":
        got = f"the event column {event.name!r} of kind {event.kind}"
        raise SettingsError(got, "1 observed, 0 censored", "recode it as 0 and 1")
    if time.kind != "real" or bool((found.values[:, 0] < 0).any()):
        raise SettingsError(f"the time column {time.name!r}", "numbers of 0 or more", "check the dates")
    columns = replace(time, kind="time"), Column(f"{time.name}.event", "binary")
    return replace(found, columns=columns, kind="survival")


def outcomes_of(
    study: Study, who: Who, molecular: Molecular, patients: Sequence[str]
) -> tuple[tuple[Outcome, ...], dict[str, Reading]]:
    """Return the outcome of every target for `patients`, and how the words of column targets were read."""
    outcomes, readings = [], {}
    scores, sources = molecular.scores, molecular.sources
    for name, settings in study.settings.targets.items():
        try:
            outcome, reading = make_outcome(name, settings, who.texts, molecular.variants, scores, patients, sources)
        except GenoxelError as error:
            error.add_note(f"[target.{name}]")
            raise
        outcomes.append(outcome)
        if reading is not None:
            readings[name] = reading
    return tuple(outcomes), readings


def contradicted(study: Study, outcomes: Sequence[Outcome]) -> dict[str, str]:
    """Return target -> on whom it differs from the target that should confirm it, in words."""
    known = {outcome.name: outcome for outcome in outcomes}
    found = {}
    for name, settings in study.settings.targets.items():
        if settings.confirm in known and name in known:
            differing = contradictions(known[name], known[settings.confirm])
            listed = ", ".join(f"{who} ({one} / {other})" for who, (one, other) in sorted(differing.items()))
            if listed:
                count = f"{len(differing)} patient{'' if len(differing) == 1 else 's'}"
                found[name] = f"{name} and {settings.confirm} contradict each other in {count}: {listed}"
    return found


def sex_notes(who: Who, molecular: Molecular) -> list[str]:
    """Return whose clinical sex the expression of XIST and RPS4Y1 contradicts; nothing where it cannot be judged."""
    table = molecular.expression
    column = next((name for name in who.texts if name.strip().casefold() in ("sex", "gender")), None)
    if table is None or column is None or "XIST" not in table or "RPS4Y1" not in table:
        return []
    if not table.column("XIST").unit.startswith("log"):
        return []
    try:
        found = contradicting_sex(table.of_patients(who.flow.patients), who.texts[column])
    except GenoxelError:
        return []  # words that are no sex are told where the column is read
    return [f"{patient}: {text} (exchanged samples?)" for patient, text in sorted(found.items())]


def find_volume(features: Table) -> str:
    """Return the column of the region's volume, or an empty text where there is none."""
    from genoxel.features.extract import volume_column

    try:
        return volume_column(features)
    except GenoxelError:
        return ""


def sorted_rows(table: Table) -> Table:
    """Return the table with its rows in canonical order, so that bytes do not depend on who was done first."""
    return table.take(np.array(sorted(range(len(table.rows)), key=lambda place: table.rows[place]), dtype=np.intp))


def targets_table(outcomes: Sequence[Outcome], patients: Sequence[str]) -> Table:
    """Return one column per outcome (class codes or values); unknown is missing."""
    columns, values = [], []
    for outcome in outcomes:
        aligned = outcome.of_patients(patients)
        two = outcome.kind == "class" and len(outcome.levels) == 2
        kind = "binary" if two else "categorical" if outcome.kind == "class" else "ordinal"
        source = Source(family="target")
        if outcome.levels:
            columns.append(Column(outcome.name, kind, levels=outcome.levels, source=source))  # type: ignore[arg-type]
        else:
            columns.append(Column(outcome.name, "real", unit=outcome.unit, source=source))
        values.append(aligned.values)
    array = np.array(values, dtype=np.float64).reshape(len(outcomes), len(patients)).T
    return Table(array, as_keys(patients), tuple(columns), "targets")


def sites_table(sites: Mapping[str, str], patients: Sequence[str]) -> Table | None:
    """Return one categorical column of sites, or None where nobody has one."""
    levels = tuple(sorted({sites[one] for one in patients if one in sites}))
    if not levels:
        return None
    codes = [[levels.index(sites[one]) if one in sites else np.nan] for one in patients]
    column = Column("site", "categorical", levels=levels, source=Source(family="clinical"))
    return Table(np.array(codes, dtype=np.float64).reshape(len(patients), 1), as_keys(patients), (column,), "site")
