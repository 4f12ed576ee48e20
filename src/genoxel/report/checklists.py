"""Self-check against METRICS, TRIPOD+AI and CLEAR from what the run recorded; nothing is ever silently 'done'.

Item numbers are those of the originals (METRICS: Kocak 2024; TRIPOD+AI: Collins 2024; CLEAR: Kocak 2023); the words
are ours. Items that only a manuscript can answer (title, abstract, discussion) are left out, and no score is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from genoxel.report.content import ReportContent
from genoxel.report.curves import calibration, usable
from genoxel.report.settings_words import look_up

Status = Literal["done", "not done", "not applicable"]
SIGNS: Mapping[Status, str] = {"done": "✓", "not done": "✗", "not applicable": "–"}


@dataclass(frozen=True)
class Finding:
    """What the run shows about one question: status, reason, and the page that shows it."""

    status: Status
    reason: str
    page: str = ""


@dataclass(frozen=True)
class Item:
    """One item of a checklist with its original number."""

    number: str
    title: str
    status: Status
    reason: str
    page: str = ""

    @property
    def sign(self) -> str:
        """A mark beside the word, so that colour is not needed."""
        return SIGNS[self.status]


@dataclass(frozen=True)
class Checklist:
    """One checklist filled from a run."""

    name: str
    about: str
    items: tuple[Item, ...]

    def count(self, status: Status) -> int:
        """Return how many items have this status."""
        return sum(item.status == status for item in self.items)


def _if(test: object, page: str, yes: str, no: str) -> Finding:
    return Finding("done", yes, page) if test else Finding("not done", no)


def _no(reason: str) -> Callable[[ReportContent], Finding]:
    return lambda _: Finding("not done", reason)


def _not_applicable(reason: str) -> Callable[[ReportContent], Finding]:
    return lambda _: Finding("not applicable", reason)


def _tested(content: ReportContent) -> bool:
    return any(result.ladder for result in content.targets)


def _blocks(content: ReportContent) -> set[str]:
    return {step.features for result in content.targets for step in result.ladder[1:]}


def _all_intervals(content: ReportContent) -> bool:
    primaries = [result.primary for result in content.targets if result.primary is not None]
    return bool(primaries) and all(np.isfinite([one.interval.low, one.interval.high]).all() for one in primaries)


def _calibrated(content: ReportContent) -> bool:
    primaries = [result.primary for result in content.targets if result.primary is not None]
    return bool(primaries) and all(usable(one) and calibration(one) is not None for one in primaries)


def _modalities(content: ReportContent) -> set[str]:
    columns = content.features.columns if content.features is not None else ()
    return {column.source.modality or column.name.split(".")[0] for column in columns}


def _setting(key: str, page: str, yes: str, no: str) -> Callable[[ReportContent], Finding]:
    return lambda content: _if(look_up(content.record.settings, key) not in (None, "", {}, []), page, yes, no)


def _partition(content: ReportContent) -> Finding:
    yes = "validated on held-out patients; split by patient, everything learned inside the training folds"
    return _if(_tested(content), "prediction", yes, "nothing was predicted")


def _confounders(content: ReportContent) -> Finding:
    adjusted = any(screen.map.adjusted_for for screen in content.associations)
    known = adjusted or bool(_blocks(content) & {"clinical", "volume"})
    yes = "compared with, or adjusted for, named covariates; unmeasured confounders remain possible"
    return _if(
        known, "associations" if adjusted else "prediction", yes, "no covariate was adjusted for or compared with"
    )


def _dimensions(content: ReportContent) -> Finding:
    if content.features is None:
        return Finding("not applicable", "no feature table")
    columns, patients = len(content.features.columns), len(content.features.patients)
    text = f"{columns} features for {patients} patients"
    return _if(columns * 10 <= patients, "measured", text, f"{text}; the model's penalty must carry that")


def _sample_size(content: ReportContent) -> Finding:
    yes = "what this size can detect was computed before the run; the size itself was not chosen by it"
    return _if(content.planned, "trust", yes, "no computation of what this size can detect was recorded")


FINDINGS: Mapping[str, Callable[[ReportContent], Finding]] = {
    "question": lambda c: _if(
        c.study.question, "answer", "the question stands in the study file", "the question is not stated"
    ),
    "design": lambda c: _if(c.study.design, "answer", "stated in the study file", "the design is not stated"),
    "ethics": lambda c: _if(c.study.ethics, "answer", "stated in the study file", "ethical approval is not stated"),
    "dates": lambda c: _if(c.study.dates, "answer", "stated", "no dates are stated"),
    "sites": lambda c: _if((c.study.sites or 0) > 1, "who", "several sites", "one site, or the sites are not stated"),
    "setting": lambda c: _if(c.study.sites, "answer", "number of sites stated", "the sites are not stated"),
    "eligibility": lambda c: _if(
        c.flow is not None, "who", "each criterion is a box of the flow figure", "no flow was recorded"
    ),
    "flow": lambda c: _if(c.flow is not None, "who", "flow figure with counts and reasons", "no flow was recorded"),
    "representative": _no("criteria are in the flow figure; a run cannot show that the patients are representative"),
    "reference": lambda c: _if(
        c.readings,
        "who",
        "every word of each target column is listed with how it was read; how good the assay is, is not shown",
        "how the target was measured and read is not recorded",
    ),
    "reference_quality": _no("how words were read is listed; how good the assay is, a run cannot show"),
    "protocol": lambda c: _if(c.acquisition, "who", "acquisition table", "no acquisition facts were read"),
    "delay": lambda c: _if(c.image_to_sample_days, "who", "days from image to sample", "the dates are not known"),
    "translation": _no("whether the imaging is the one of clinical routine, a run cannot show"),
    "segmentation": _no("the rule that chose contours is in the settings; who drew them and how is not known"),
    "auto_segmentation": _not_applicable("contours were given, none was made by this run"),
    "one_reader": _no("who drew the contours is not known"),
    "reader_agreement": _no("no second reader's contours were given"),
    "preprocessing": _setting("image", "methods", "all steps are in the settings", "image settings were not recorded"),
    "resampling": _setting("image.resample_mm", "methods", "voxel size is set", "images were not resampled"),
    "bins": _setting("image.discretise", "methods", "bins are set", "no discretisation was recorded"),
    "extraction": _setting("features", "methods", "feature set and settings are recorded", "not recorded"),
    "families": lambda c: _if(c.features is not None, "measured", "features by family", "no features"),
    "original_only": lambda c: _if(c.features is not None, "measured", "image types stand in each name", "no features"),
    "robust": _no("no second reader's contours and no repeated scan, so features that do not repeat were not removed"),
    "redundant": _setting(
        "learn.keep.correlation",
        "methods",
        "redundant columns are dropped inside the folds",
        "redundant features were not dropped before fitting",
    ),
    "dimensions": _dimensions,
    "deep": _not_applicable("no deep learning"),
    "partition": _partition,
    "confounders": _confounders,
    "metrics": lambda c: _if(
        _tested(c),
        "prediction",
        "a metric that does not depend on a threshold or on prevalence",
        "nothing was predicted",
    ),
    "uncertainty": lambda c: _if(
        _all_intervals(c), "answer", "every primary estimate has an interval", "an estimate has no interval"
    ),
    "calibration": lambda c: _if(
        _calibrated(c), "prediction", "calibration figure and table", "scores are not probabilities, or none was made"
    ),
    "one_modality": lambda c: _if(
        len(_modalities(c)) == 1, "measured", "one modality", "several modalities; none was shown to be inferior alone"
    ),
    "non_image": lambda c: _if(
        _blocks(c) & {"clinical", "expression"},
        "prediction",
        "compared with non-image variables",
        "no comparison with non-image variables",
    ),
    "simple": lambda c: _if(
        _blocks(c) & {"volume", "prevalence"},
        "prediction",
        "compared with volume or prevalence",
        "no simple model was compared",
    ),
    "external": _no("no other hospital's patients were used"),
    "data_open": _no("a run publishes no data"),
    "code_open": _no("the software is open source; sharing the study file is for the authors"),
    "model_open": _no("no model was locked or shared"),
    "adherence": _no("this self-check does not replace a checklist filled by the authors"),
    "missing": lambda c: _if(
        c.flow is not None,
        "who",
        "patients without a target are left out and counted; unknown is never wild type",
        "no flow was recorded",
    ),
    "imbalance": lambda c: _if(
        c.targets, "prediction", "classes are counted; the metric does not depend on their ratio", "no target was named"
    ),
    "algorithm": _setting("learn", "methods", "model, tuning and validation are in the settings", "not recorded"),
    "sample_size": _sample_size,
    "fairness": _no("subgroups by sex, age or site were not compared"),
    "clusters": _no("differences between sites were not analysed"),
    "model_full": _no("no single final model was locked, so there is none to write down"),
    "table1": lambda c: _if(c.comparisons, "who", "table of characteristics", "no clinical columns were named"),
    "events": lambda c: _if(c.targets, "prediction", "patients and positives per model", "no target was named"),
    "performance": lambda c: _if(
        _tested(c), "prediction", "all models, also those that gave nothing", "nothing was predicted"
    ),
    "update": _not_applicable("no existing model was updated or evaluated"),
    "evaluation_only": _not_applicable("no separate evaluation cohort"),
    "authors": _no("for the authors to state; a run cannot show it"),
    "treatments": _no("treatments are not recorded"),
    "explain": lambda c: _if(
        any(step.selected for result in c.targets for step in result.ladder),
        "prediction",
        "how often each column was chosen; this explains the model, not the biology",
        "not recorded",
    ),
}
"""Each question once; the checklists below only point here."""

METRICS = (
    ("1", "A reporting checklist is followed", "adherence"),
    ("2", "Eligibility, and patients that are representative", "representative"),
    ("3", "A sound reference standard", "reference_quality"),
    ("4", "More than one centre", "sites"),
    ("5", "Imaging as in clinical routine", "translation"),
    ("6", "Imaging protocol with its parameters", "protocol"),
    ("7", "Time between image and reference standard", "delay"),
    ("8", "How the region was drawn", "segmentation"),
    ("9", "Automatic segmentation evaluated", "auto_segmentation"),
    ("10", "Test regions as one reader or one tool would draw them", "one_reader"),
    ("11", "Image pre-processing described", "preprocessing"),
    ("12", "Standardised extraction software", "extraction"),
    ("13", "Extraction parameters given", "extraction"),
    ("14", "Features that do not repeat removed", "robust"),
    ("15", "Redundant features removed", "redundant"),
    ("16", "Number of features fits the number of patients", "dimensions"),
    ("17", "Robustness of deep learning", "deep"),
    ("18", "Sound split of the data", "partition"),
    ("19", "Confounders handled", "confounders"),
    ("20", "Metrics that fit the task", "metrics"),
    ("21", "Uncertainty given", "uncertainty"),
    ("22", "Calibration assessed", "calibration"),
    ("23", "One imaging parameter, or proof that it is inferior", "one_modality"),
    ("24", "Compared with a non-radiomic approach", "non_image"),
    ("25", "Compared with simple models", "simple"),
    ("26", "Internal test", "partition"),
    ("27", "External test", "external"),
    ("28", "Data open", "data_open"),
    ("29", "Code open", "code_open"),
    ("30", "Model open", "model_open"),
)

TRIPOD = (
    ("4", "Objectives", "question"),
    ("5b", "Dates of the data", "dates"),
    ("6a", "Setting: number and place of centres", "setting"),
    ("6b", "Eligibility", "eligibility"),
    ("6c", "Treatments received", "treatments"),
    ("7", "Data preparation", "preprocessing"),
    ("8a", "Outcome and how it was assessed", "reference"),
    ("9b", "Predictors defined", "extraction"),
    ("10", "Sample size", "sample_size"),
    ("11", "Missing data", "missing"),
    ("12a", "How the data were used and split", "partition"),
    ("12c", "Type of model, building, tuning, internal validation", "algorithm"),
    ("12d", "Heterogeneity between clusters", "clusters"),
    ("12e", "Performance measures", "metrics"),
    ("12f", "Model updating", "update"),
    ("13", "Class imbalance", "imbalance"),
    ("14", "Fairness", "fairness"),
    ("16", "Differences between training and evaluation data", "evaluation_only"),
    ("17", "Ethical approval", "ethics"),
    ("18a", "Funding", "authors"),
    ("18b", "Conflicts of interest", "authors"),
    ("18c", "Protocol", "authors"),
    ("18d", "Registration", "authors"),
    ("18e", "Data sharing", "data_open"),
    ("18f", "Code sharing", "code_open"),
    ("19", "Patients and public involved", "authors"),
    ("20a", "Flow of participants", "flow"),
    ("20b", "Characteristics of participants", "table1"),
    ("20c", "Characteristics of the evaluation data", "evaluation_only"),
    ("21", "Participants and events in each analysis", "events"),
    ("22", "Full model", "model_full"),
    ("23a", "Performance with intervals", "uncertainty"),
    ("23b", "Performance across clusters", "clusters"),
    ("24", "Results of updating", "update"),
)

CLEAR = (
    ("6", "Objectives", "question"),
    ("8", "Ethics", "ethics"),
    ("9", "Sample size", "sample_size"),
    ("10", "Nature of the study", "design"),
    ("11", "Eligibility", "eligibility"),
    ("15", "Data split", "partition"),
    ("16", "Imaging protocol", "protocol"),
    ("18", "Reference standard", "reference"),
    ("19", "Segmentation strategy", "segmentation"),
    ("20", "Who drew the regions", "one_reader"),
    ("21", "Pre-processing", "preprocessing"),
    ("22", "Resampling", "resampling"),
    ("23", "Discretisation", "bins"),
    ("24", "Image types", "original_only"),
    ("25", "Extraction method", "extraction"),
    ("26", "Feature classes", "families"),
    ("27", "Number of features", "families"),
    ("29", "Missing data", "missing"),
    ("30", "Class imbalance", "imbalance"),
    ("31", "Reliability of segmentation", "reader_agreement"),
    ("34", "Algorithm", "algorithm"),
    ("35", "Training and tuning", "algorithm"),
    ("36", "Confounders", "confounders"),
    ("38", "Testing technique", "partition"),
    ("39", "Metrics", "metrics"),
    ("40", "Uncertainty", "uncertainty"),
    ("42", "Compared with non-radiomic models", "non_image"),
    ("43", "Explanation of the model", "explain"),
    ("44", "Baseline characteristics", "table1"),
    ("45", "Flow of eligibility", "flow"),
    ("47", "Performance", "performance"),
    ("48", "Results of comparisons", "performance"),
    ("53", "Images and regions shared", "data_open"),
    ("54", "Feature data shared", "data_open"),
    ("55", "Pre-processing scripts shared", "code_open"),
    ("56", "Modelling code shared", "code_open"),
    ("57", "Model files shared", "model_open"),
)

_ABOUT = "Items that only a manuscript can answer are left out. No score is computed: a run cannot grade itself."
_LISTS = {"METRICS": METRICS, "TRIPOD+AI": TRIPOD, "CLEAR": CLEAR}


def checklist(content: ReportContent, name: str) -> Checklist:
    """Return the self-check `name` ('METRICS', 'TRIPOD+AI' or 'CLEAR') of a run.

    >>> from genoxel.report.content import StudyFacts
    >>> checklist(ReportContent(StudyFacts("x")), "METRICS").count("done")
    0
    """
    found = []
    for number, title, key in _LISTS[name]:
        finding = FINDINGS[key](content)
        found.append(Item(number, title, finding.status, finding.reason, finding.page))
    return Checklist(name, _ABOUT, tuple(found))


def checklists(content: ReportContent) -> tuple[Checklist, ...]:
    """Return the self-checks of a run that its content asks for, in that order."""
    return tuple(checklist(content, name) for name in content.checklists)


def unmet(lists: tuple[Checklist, ...]) -> dict[str, list[str]]:
    """Return each reason why something is not done, with the items of all checklists that it concerns."""
    found: dict[str, list[str]] = {}
    for one in lists:
        for item in one.items:
            if item.status == "not done":
                found.setdefault(item.reason, []).append(f"{one.name} {item.number}")
    return found
