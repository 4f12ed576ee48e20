"""Who takes part, as far as tables and decisions say: the first boxes of the flow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from genoxel.core.errors import GenoxelError, SettingsError, nearest
from genoxel.core.flow import Flow
from genoxel.io.clinical import ClinicalSheet, read_clinical
from genoxel.omics.join import include, within_days
from genoxel.segment.contours import Override, read_overrides
from genoxel.study.forget import FILE, forgotten
from genoxel.study.settings import CohortSettings
from genoxel.study.study import Study


@dataclass(frozen=True)
class Who:
    """The clinical table (None without one), the flow so far, decisions by hand, and the site of each patient."""

    sheet: ClinicalSheet | None
    flow: Flow
    decisions: Mapping[str, Override] = field(default_factory=dict)
    sites: Mapping[str, str] = field(default_factory=dict)

    @property
    def texts(self) -> dict[str, dict[str, str]]:
        """Column -> patient -> cell (empty without a clinical table)."""
        return self.sheet.texts() if self.sheet else {}


def read_sheet(study: Study) -> ClinicalSheet | None:
    """Return the clinical table of a study, or None when it names none."""
    cohort = study.settings.cohort
    if cohort.table is None:
        return None
    return read_clinical(study.file(cohort.table), cohort.patient, cohort.sheet)


def may_be_kept(study: Study) -> Callable[[str], bool] | None:
    """Return whether what headers say of a patient may be written down: with consent on record, and not forgotten.

    None where everybody's may. A consent that cannot be read allows nobody; `enter` refuses it with its reason.
    """
    settings = study.settings.cohort
    if settings.consent is None:
        return (lambda one: not forgotten(study.folder, [one])) if (study.folder / FILE).exists() else None
    agreed: set[str] = set()
    with suppress(GenoxelError):
        sheet = read_sheet(study)
        if sheet is not None:
            agreed = set(sheet.patients) - set(_refused(settings, sheet.texts(), sheet.patients))
            agreed -= forgotten(study.folder, agreed)
    return agreed.__contains__


def enter(study: Study, measurable: Sequence[str]) -> Who:
    """Return who takes part by tables and decisions; `measurable` are the patients with images or ready features.

    Raises `SettingsError` when a rule needs a clinical table and there is none.
    """
    settings = study.settings.cohort
    sheet = read_sheet(study)
    gone = forgotten(study.folder, [*measurable, *(sheet.patients if sheet else ())])
    sheet, measurable = _without(sheet, gone), [one for one in measurable if one not in gone]
    texts = sheet.texts() if sheet else {}
    flow = Flow.start("in the clinical table", sheet.patients) if sheet else Flow.start("with images", measurable)
    if sheet is None and any((settings.include, settings.exclude, settings.interval, settings.consent)):
        raise SettingsError("rules without a clinical table", "[cohort] table", "name the table, or remove the rules")
    if settings.consent is not None:
        refused = _refused(settings, texts, flow.patients)
        flow = flow.drop("consent given", refused)
        sheet, texts = _without(sheet, set(refused)), _only(texts, flow.patients)
    flow = include(flow, texts, settings.include, settings.exclude)
    if settings.interval is not None:
        interval = settings.interval
        flow = within_days(flow, texts, interval.start, interval.end, interval.max_days)
    decisions: dict[str, Override] = {}
    if settings.overrides:
        decisions = read_overrides(study.file(settings.overrides))
        _refuse_strangers(decisions, [*flow.steps[0].entered, *measurable], settings.overrides)
        out = {who: decision.reason for who, decision in decisions.items() if decision.excludes}
        flow = flow.drop("left out by hand", out)
    sites = sheet.text(settings.site) if sheet and settings.site else {}
    return Who(sheet, flow, decisions, {who: site for who, site in sites.items() if site.strip()})


def _refused(
    settings: CohortSettings, texts: Mapping[str, Mapping[str, str]], patients: Sequence[str]
) -> dict[str, str]:
    """Return patient -> reason of everyone whose consent is not on record; an empty cell is no consent."""
    column = settings.consent or ""
    if column not in texts:
        hint = nearest(column, texts) or "correct the name"
        raise SettingsError(f"[cohort] consent = {column!r}", f"a column of the table: {', '.join(texts)}", hint)
    legal = {word.strip().casefold() for word in settings.consented}
    words = {patient: texts[column].get(patient, "").strip() for patient in patients}
    return {one: "no consent on record" for one, word in words.items() if word.casefold() not in legal}


def _without(sheet: ClinicalSheet | None, patients: set[str]) -> ClinicalSheet | None:
    """Return a clinical table without the rows of some patients."""
    if sheet is None or not patients:
        return sheet
    kept = [place for place, patient in enumerate(sheet.patients) if patient not in patients]
    who = tuple(sheet.patients[place] for place in kept)
    rows = tuple(sheet.rows[place] for place in kept)
    lines = tuple(sheet.lines[place] for place in kept)
    return ClinicalSheet(sheet.name, sheet.columns, who, rows, lines, sheet.delimiter, sheet.sheet)


def _only(texts: Mapping[str, Mapping[str, str]], patients: Sequence[str]) -> dict[str, dict[str, str]]:
    inside = set(patients)
    return {name: {one: cell for one, cell in cells.items() if one in inside} for name, cells in texts.items()}


def _refuse_strangers(decisions: Mapping[str, Override], patients: Sequence[str], name: str) -> None:
    known = set(patients)
    strangers = [patient for patient in decisions if patient not in known]
    if strangers:
        hint = nearest(strangers[0], known) or "correct the identifier"
        raise SettingsError(f"a decision on {strangers[0]} in {name}", "patients of this study", hint)
