"""Methods text from the settings and results of a run, in the words of the IBSI, with its references."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from genoxel.core.results import TargetResult
from genoxel.core.table import Table
from genoxel.features.settings import FeatureSettings
from genoxel.image.settings import ImageSettings
from genoxel.report.content import ReportContent
from genoxel.report.effects import TESTS
from genoxel.report.settings_words import listed, look_up
from genoxel.report.tables.prediction import metric_name
from genoxel.report.templates import asset

MODELS = {
    "elastic_net": "logistic regression with an elastic-net penalty [@zou2005]",
    "random_forest": "a random forest",
    "lightgbm": "gradient-boosted trees",
    "logistic": "logistic regression",
}
"""Models in words."""


def methods_text(content: ReportContent) -> str:
    """Return the methods section as Markdown with citation keys; it says only what settings and results say.

    >>> from genoxel.report.content import StudyFacts
    >>> print(methods_text(ReportContent(StudyFacts("x", design="retrospective"))).splitlines()[0])
    Patients. This was a study of retrospective design. Ethics: not stated.
    """
    settings = content.record.settings
    parts = [
        _patients(content),
        _targets(content),
        _regions(settings),
        _images(settings),
        _features(content, settings),
        _association(content),
        _prediction(content, settings),
        _verdicts(content),
        _software(content),
    ]
    return "\n\n".join(part for part in parts if part)


def _patients(content: ReportContent) -> str:
    study, flow = content.study, content.flow
    words = ["Patients."]
    if content.simulated:
        words.append("ALL DATA ARE SIMULATED; no patient was studied.")
    words.append(f"This was a study of {study.design} design." if study.design else "The design was not stated.")
    words.append(f"Ethics: {study.ethics or 'not stated'}.")
    if study.data_use:
        words.append(f"Terms of data use: {study.data_use}.")
    if flow is not None:
        words.append(f"Of {len(flow.steps[0].entered)} patients, {len(flow.patients)} were analysed.")
        lost = [f"{step.label} ({len(step.lost)} left out)" for step in flow.steps if step.lost]
        if lost:
            words.append(f"Steps at which patients were left out: {listed(lost)}.")
    if content.comparisons:
        words.append("Groups are compared by standardised mean differences [@austin2009].")
    return " ".join(words)


def _targets(content: ReportContent) -> str:
    if not content.targets:
        return ""
    words = [f"Targets. {len(content.targets)} targets were analysed and all are reported:"]
    described = []
    for result in content.targets:
        counts = listed([f"{count} {level}" for level, count in result.counts.items()])
        described.append(f"{result.target} ({counts})")
    words.append(f"{listed(described)}.")
    words.append("Patients whose status was unknown were left out of that target and never counted as wild type.")
    return " ".join(words)


def _regions(settings: Mapping[str, Any]) -> str:
    segment = look_up(settings, "segment")
    if not segment:
        return ""
    words = ["Regions of interest."]
    if segment.get("roi"):
        words.append(f"The contour was the first whose name matched {listed(segment['roi'])}")
        words[-1] += f", never {listed(segment['never'])}." if segment.get("never") else "."
    rules = {"largest": "the largest was used", "each": "each was measured", "union": "their union was used"}
    if segment.get("several") in rules:
        words.append(f"Where a patient had several, {rules[segment['several']]}.")
    if segment.get("regions"):
        labels = [f"{name} = {label}" for name, label in segment["regions"].items()]
        words.append(f"Labels of the label maps: {listed(labels)}.")
    return " ".join(words)


def _images(settings: Mapping[str, Any]) -> str:
    image = look_up(settings, "image")
    if not image:
        return ""
    words = ["Image processing, following the Image Biomarker Standardisation Initiative (IBSI) [@zwanenburg2020]."]
    stages = ImageSettings.model_validate(dict(image)).describe_whole()
    if stages:
        words.append(f"Before interpolation, in this order: {'; '.join(stages)}.")
    if image.get("resample_mm"):
        size = " × ".join(f"{float(one):g}" for one in image["resample_mm"])
        how = image.get("interpolate") or "the default interpolator"
        words.append(f"Images were interpolated to voxels of {size} mm ({how}; grids aligned by centre).")
    else:
        words.append("Images were not interpolated.")
    span = image.get("range_hu") or image.get("range")
    if span:
        words.append(f"The region was re-segmented to the range {span[0]:g} to {span[1]:g}.")
    if image.get("outliers_sigma"):
        words.append(f"Outliers beyond {image['outliers_sigma']:g} standard deviations were removed.")
    words.append(_bins(image.get("discretise") or {}))
    return " ".join(word for word in words if word)


def _bins(discretise: Mapping[str, Any]) -> str:
    if discretise.get("bin_size") is not None:
        anchor = discretise.get("anchor")
        start = f", starting at {anchor:g}" if isinstance(anchor, int | float) else ""
        return f"Grey levels were discretised with a fixed bin size of {discretise['bin_size']:g}{start}."
    if discretise.get("bins") is not None:
        return f"Grey levels were discretised with a fixed bin number of {discretise['bins']:g}."
    return ""


def _features(content: ReportContent, settings: Mapping[str, Any]) -> str:
    table = content.features
    if table is None:
        return ""
    named = look_up(settings, "features.set")
    words = [f"Features. {len(table.columns)} features of {len(table.patients)} patients were analysed"]
    words[0] += f" (set '{named}')." if named else "."
    words += _beyond_ibsi(table, settings)
    if content.undefined:
        words.append(f"Without a value in at least one region: {len(content.undefined)}; reasons are in the report.")
    return " ".join(words)


def _beyond_ibsi(table: Table, settings: Mapping[str, Any]) -> list[str]:
    """Return what was measured beside the consensus features, and how."""
    given = FeatureSettings.model_validate(settings.get("features") or {})
    words = []
    other = sum(bool({"non-ibsi", "non-consensus"} & set(column.traits)) for column in table.columns)
    if other:
        words.append(f"{other} of them are not consensus features of IBSI.")
    if any(column.source.family == "mtv" for column in table.columns):
        thresholds = listed([one.words for one in given.thresholds])
        words.append(f"Metabolic volume and total lesion glycolysis were taken at or above {thresholds}.")
    if given.weighting is not None:
        words.append(f"Texture matrices were weighted by distance ({given.weighting.describe()}).")
    if given.ratios:
        words.append(f"Ratios between regions were taken: {listed(list(given.ratios))}.")
    return words


def _association(content: ReportContent) -> str:
    sentences = []
    for screen in content.associations:
        found = screen.map
        tests = [TESTS.get(test, test) for test in sorted(set(map(str, found.pairs["test"]))) if test]
        text = f"'{screen.name}': {len(found.image_columns)} × {len(found.other_columns)} pairs"
        text += f" ({listed(tests)})" if tests else ""
        text += f", false discovery rate {found.q:g} after Benjamini and Hochberg [@benjamini1995]"
        if found.null_hits.size:
            text += f", {found.null_hits.size} null worlds made by permuting whole patients of one side"
        if found.adjusted_for:
            text += f", adjusted for {listed(found.adjusted_for)} beside the raw result"
        sentences.append(text + ".")
    return f"Association maps. {' '.join([*sentences, *_meaning(content), *_groups(content)])}" if sentences else ""


def _meaning(content: ReportContent) -> list[str]:
    """Return how gene sets, activity and triples were asked."""
    found = content.meaning
    words = []
    if found is not None and found.enrichment is not None:
        words.append(
            "Gene sets were asked by the running sum of gene set enrichment analysis on genes ranked by Spearman's "
            "rho; null worlds moved whole patients, so that genes kept their correlations."
        )
    if found is not None and found.modules is not None:
        words.append("Gene sets of metagenes were sought by over-representation among the genes that were clustered.")
    if found is not None and found.activity is not None:
        words.append(
            f"Pathway scores were predicted by ridge regression in nested cross-validation against "
            f"{found.activity.permutations} null worlds."
        )
    if found is not None and found.triples is not None:
        words.append("Concordant triples of copies, expression and feature were tested by their largest p.")
    return words


def _groups(content: ReportContent) -> list[str]:
    found = content.groups
    if found is None:
        return []
    rules = found.found.rules
    fused = "fused similarity networks of " if len(found.blocks) > 1 else ""
    return [
        f"Groups of patients were sought by consensus clustering of {fused}{listed(found.blocks)} "
        f"({rules.resamples} resamples of four fifths, up to {rules.most} groups) against {rules.worlds} clouds of one "
        "group with the same correlations; what made the groups was not tested between them."
    ]


def _prediction(content: ReportContent, settings: Mapping[str, Any]) -> str:
    tested = [result for result in content.targets if result.primary is not None]
    if not tested:
        return ""
    first = tested[0].primary
    if first is None:
        return ""
    model = MODELS.get(first.model, first.model)
    words = [f"Prediction. The primary model, named before the run, was {model} on the block '{first.features}'."]
    words.append(_validation(look_up(settings, "learn.validate") or {}))
    others = list(dict.fromkeys(step.features for result in tested for step in result.ladder[1:]))
    if others:
        words.append(f"It was compared with simpler models ({listed(others)}) on the same folds.")
    words.append(f"The metric is the {metric_name(first.metric)}, computed within folds and averaged.")
    if first.interval.method:
        source = " [@delong1988]" if "delong" in first.interval.method.lower() else ""
        about = f"; it is about {first.interval.target}" if first.interval.target else ""
        words.append(f"Intervals ({first.interval.level:.0%}): {first.interval.method}{source}{about}.")
    words.append(_permutation(tested))
    return " ".join(word for word in words if word)


def _validation(validate: Mapping[str, Any]) -> str:
    if not validate.get("outer"):
        return ""
    text = f"It was validated by nested cross-validation [@varma2006] with {validate['outer']} outer"
    text += f" and {validate['inner']} inner folds" if validate.get("inner") else " folds"
    text += f", {validate['repeats']} repeats" if validate.get("repeats") else ""
    return (
        f"{text}, split by patient; scaling, imputation, selection and tuning were learned in the training folds only."
    )


def _permutation(tested: list[TargetResult]) -> str:
    worlds = max((int(result.permuted.size) for result in tested), default=0)
    if not worlds:
        return ""
    return (
        f"Labels were permuted {worlds} times with everything refitted [@ojala2010]; p over all targets compares each "
        f"target with the largest of each permuted world; the smallest possible p is {1 / (worlds + 1):.2g}."
    )


def _verdicts(content: ReportContent) -> str:
    rules = list(dict.fromkeys(result.verdict.rule for result in content.targets))
    return f"Verdicts. {' '.join(rules)}" if rules else ""


def _software(content: ReportContent) -> str:
    versions = content.record.versions
    words = ["Software. The analysis was made with Genoxel"]
    if "genoxel" in versions:
        words[0] += f" {versions['genoxel']}"
    words[0] += " [@genoxel]"
    others = [f"{name} {version}" for name, version in sorted(versions.items()) if name != "genoxel"]
    if others:
        words[0] += f", using {listed(others)}"
    words[0] += "."
    if content.study.seed is not None:
        words.append(f"The random seed was {content.study.seed}.")
    return " ".join(words)


def references_bib(text: str | None = None) -> str:
    """Return BibTeX entries of the works cited in `text` (all known works for None).

    >>> references_bib("as in [@varma2006]").splitlines()[0]
    '@article{varma2006,'
    """
    entries = asset("references.bib").split("\n\n")
    if text is not None:
        cited = set(re.findall(r"@([a-z]+\d*)", text))
        entries = [entry for entry in entries if entry[entry.index("{") + 1 : entry.index(",")] in cited]
    return "\n\n".join(entries) + "\n"
