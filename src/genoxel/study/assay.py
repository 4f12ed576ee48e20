"""Assay quality of a study's samples: what is odd, by which rule, and whom the study file leaves out for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from genoxel.core.errors import GenoxelError, SettingsError, describe, nearest
from genoxel.core.keys import as_keys
from genoxel.core.table import Column, Table
from genoxel.omics.quality import QualityRule, batch_share, call_rates, contradicting_sex, judge, outliers
from genoxel.omics.settings import QualitySettings
from genoxel.study.molecular import Molecular
from genoxel.study.steps.who import Who
from genoxel.study.study import Study

CALL_RATE = "call_rate"
BOX = "passes the assay rules"
WHOLE = (
    "assay quality: who is an outlier was judged once, beside all samples of the study, those that are held out of "
    "training included; leaving outliers out is not done anew in each fold, so that predictions hold for a cohort "
    "that was cleaned this way"
)
"""What is said wherever outliers are left out."""


@dataclass(frozen=True)
class AssayQuality:
    """What [omics.quality] found: kind of check -> patient -> finding; `excluded` patient -> why it is left out.

    `batch` is the largest share of a principal component that the batch explains (NaN: not asked), `notes` say what
    could not be judged, `judged` counts patients per check.
    """

    found: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    excluded: Mapping[str, str] = field(default_factory=dict)
    judged: Mapping[str, int] = field(default_factory=dict)
    batch: float = float("nan")
    notes: tuple[str, ...] = ()

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Return (patient, check, finding, "left out" or "listed") of every finding, in order."""
        return [
            (patient, check, text, "left out" if patient in self.excluded else "listed")
            for check, patients in self.found.items()
            for patient, text in sorted(patients.items())
        ]


def assess(study: Study, who: Who, molecular: Molecular) -> AssayQuality:
    """Return the assay quality of the patients in the flow; nobody is excluded but by what `exclude` names.

    Raises `SettingsError` for a rule on a column that neither the file nor the assays have.
    """
    settings = study.settings.omics.quality
    if settings is None:
        return AssayQuality()
    return _Assessor(study, settings, who, molecular).assess()


class _Assessor:
    def __init__(self, study: Study, settings: QualitySettings, who: Who, molecular: Molecular) -> None:
        self.study, self.settings, self.who = study, settings, who
        table = molecular.expression
        self.expression = None if table is None else table.of_patients(who.flow.patients)
        self.judged: dict[str, int] = {}
        self.notes: list[str] = []

    def assess(self) -> AssayQuality:
        """Do every check that is asked for."""
        found = {"rules": self._rules()}
        if self.settings.sex:
            found["sex"] = self._try("sex", self._sex)
        if self.settings.outliers and self.expression is not None:
            found["outliers"] = self._try("outliers", self._outliers)
        if "outliers" in self.settings.exclude:
            self.notes.append(WHOLE)
        reasons: dict[str, list[str]] = {}
        for check in self.settings.exclude:
            for patient, text in found.get(check, {}).items():
                reasons.setdefault(patient, []).append(text)
        excluded = {patient: "; ".join(texts) for patient, texts in sorted(reasons.items())}
        return AssayQuality(found, excluded, self.judged, self._batch(), tuple(self.notes))

    def _try(self, check: str, judge: Callable[[], dict[str, str]]) -> dict[str, str]:
        """Return what a check finds; one that cannot be done is told, and refused where it was to exclude."""
        try:
            return judge()
        except GenoxelError as error:
            if check in self.settings.exclude:
                raise
            self.notes.append(f"assay quality, {check}: not judged: {describe(error)}")
            return {}

    def _numbers(self) -> list[Table]:
        tables = []
        if self.settings.file:
            from genoxel.io.clinical import read_clinical

            sheet = read_clinical(self.study.file(self.settings.file), self.study.settings.cohort.patient)
            wanted = [name for name in self.settings.rules if name in sheet.columns]
            values = [list(sheet.numbers(name).values()) for name in wanted]
            array = np.array(values, dtype=np.float64).T.reshape(len(sheet.patients), len(wanted))
            tables.append(Table(array, as_keys(sheet.patients), tuple(map(Column, wanted)), "quality"))
        if self.expression is not None:
            rates = call_rates(self.expression)
            array = np.array([[rate] for rate in rates.values()]).reshape(len(rates), 1)
            tables.append(Table(array, as_keys(rates), (Column(CALL_RATE),), "quality"))
        return tables

    def _rules(self) -> dict[str, str]:
        tables = self._numbers()
        found: dict[str, list[str]] = {}
        for name, limits in self.settings.rules.items():
            table = next((one for one in tables if name in one), None)
            if table is None:
                legal = [column for one in tables for column in one.names]
                raise SettingsError(
                    f"omics.quality.rules {name!r}",
                    ", ".join(legal) or "none",
                    nearest(name, legal) or "name one of these",
                )
            inside = table.of_patients(self.who.flow.patients)
            self.judged[name] = int(np.sum(~np.isnan(inside[name])))
            for patient, text in judge(inside, [QualityRule(name, limits.least, limits.most)]).items():
                found.setdefault(patient, []).append(text)
        return {patient: "; ".join(texts) for patient, texts in found.items()}

    def _clinical(self, column: str, key: str) -> Mapping[str, str]:
        texts = self.who.texts
        if column not in texts:
            raise SettingsError(
                f"omics.quality.{key} {column!r}",
                ", ".join(texts) or "none",
                nearest(column, texts) or "name one of these",
            )
        return texts[column]

    def _sex(self) -> dict[str, str]:
        said = self._clinical(self.settings.sex or "", "sex")
        if self.expression is None:
            raise SettingsError("a sex check without expression", "[omics] expression", "add it, or remove sex")
        if not self.expression.column("XIST").unit.startswith("log"):
            raise SettingsError("a sex check on a matrix that is not logged", "log2 values", "add transform")
        self.judged["sex"] = sum(bool(said.get(one, "").strip()) for one in self.expression.patients)
        return contradicting_sex(self.expression, said)

    def _outliers(self) -> dict[str, str]:
        assert self.expression is not None  # noqa: S101 - asked by the caller
        limit = self.settings.outliers or 0.0
        self.judged["outliers"] = len(self.expression.patients)
        return {
            patient: f"correlation with the others {size:.1f} deviations below theirs (limit {limit:g})"
            for patient, size in outliers(self.expression, limit).items()
        }

    def _batch(self) -> float:
        if not self.settings.batch or self.expression is None:
            return float("nan")
        batch = self._clinical(self.settings.batch, "batch")
        try:
            share = batch_share(self.expression, batch)
        except GenoxelError as error:
            self.notes.append(f"assay quality, batch: not judged: {describe(error)}")
            return float("nan")
        self.notes.append(f"assay quality: the batch explains up to {share:.0%} of a principal component of expression")
        return share


def limits_in_words(settings: QualitySettings) -> Sequence[str]:
    """Return every limit in words, as the report prints it."""
    lines = []
    for name, limit in settings.rules.items():
        parts = [f"at least {limit.least:g}"] if limit.least is not None else []
        parts += [f"at most {limit.most:g}"] if limit.most is not None else []
        lines.append(f"{name}: {' and '.join(parts)}")
    return lines
