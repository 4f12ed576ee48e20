"""Tables of who was studied: counts, flow, Table 1, acquisition, contours, failures, readings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from genoxel.core.image import FloatArray
from genoxel.core.outcome import Outcome
from genoxel.core.table import Column, Table
from genoxel.image.qc import LIMITS, SAID
from genoxel.report.contact import in_order
from genoxel.report.content import Acquisition, Characteristic, Comparison, ReportContent
from genoxel.report.tables.sheet import Field, Sheet, Value

NAN = float("nan")


def sheets(content: ReportContent) -> list[Sheet]:
    """Return the tables of the cohort."""
    found = [_counts(content), _flow(content), _lost(content), _readings(content)]
    found += [_comparison(place, comparison) for place, comparison in enumerate(content.comparisons)]
    return [*found, _acquisition(content), _delay(content), _cards(content), _odd(content), _failed(content)]


def _counts(content: ReportContent) -> Sheet:
    flow = content.flow
    rows: list[tuple[Value, ...]] = []
    if flow is not None:
        rows += [("started", "Patients at the start", len(flow.steps[0].entered))]
        rows += [("kept", "Patients analysed", len(flow.patients)), ("lost", "Patients left out", len(flow.lost))]
    if content.study.sites is not None:
        rows.append(("sites", "Sites", content.study.sites))
    models = len({(step.features, step.model) for result in content.targets for step in result.ladder})
    rows += [
        ("targets", "Targets tried", len(content.targets)),
        ("models", "Models per target, at most", models),
        ("looks", "Analyses tried (looks)", content.looks_counted),
        ("failed", "Patients that could not be measured", len({failure.patient for failure in content.failed})),
        ("cards", "Contours on the contact sheet", sum(bool(card.png) for card in content.cards)),
        ("flagged", "Contours with a flag", sum(bool(card.flags) for card in content.cards)),
        ("screens", "Association maps", len(content.associations)),
    ]
    fields = (Field("name", "Name"), Field("what", "What was counted"), Field("value", "Count", "count"))
    return Sheet("counts", "Counts", fields, tuple(rows), "Everything this report counts about itself.")


def _flow(content: ReportContent) -> Sheet:
    fields = (
        Field("label", "Step"),
        *(Field("entered", "Entered", "count"), Field("lost", "Left out", "count"), Field("left", "Went on", "count")),
        Field("reasons", "Why"),
    )
    rows = []
    for step in content.flow.steps if content.flow else ():
        reasons = Counter(reason for _, reason in step.lost)
        words = "; ".join(f"{reason} ({count})" for reason, count in sorted(reasons.items()))
        rows.append((step.label, len(step.entered), len(step.lost), len(step.left), words))
    return Sheet("flow", "From all patients to those analysed", fields, tuple(rows))


def _lost(content: ReportContent) -> Sheet:
    lost = content.flow.lost if content.flow else {}
    rows = tuple((patient, step, reason) for patient, (step, reason) in lost.items())
    fields = (Field("patient", "Patient"), Field("step", "Step"), Field("reason", "Reason"))
    return Sheet("lost", "Patients left out, one by one", fields, rows)


def _readings(content: ReportContent) -> Sheet:
    fields = (Field("target", "Target"), Field("word", "Written"), Field("count", "Patients", "count"))
    rows = tuple((one.target, one.word or "(empty)", one.count, one.read_as) for one in content.readings)
    caption = "Every distinct word of each target column. A word not understood is unknown, never wild type."
    return Sheet("readings", "How target columns were read", (*fields, Field("read_as", "Read as")), rows, caption)


def _comparison(place: int, comparison: Comparison) -> Sheet:
    first, second = comparison.groups
    fields = (
        *(Field("name", "Characteristic"), Field("level", "Level")),
        Field("first", f"{first} (n = {comparison.sizes[0]})"),
        Field("second", f"{second} (n = {comparison.sizes[1]})"),
        Field(
            "difference", "SMD", "gain", "standardised mean difference: second less first, in pooled SDs", lines=(0,)
        ),
        *(Field("missing", "Missing", "count"), Field("value_first", f"{first}, number", "number", hidden=True)),
        Field("value_second", f"{second}, number", "number", hidden=True),
    )
    rows = tuple(
        (*(row.name, row.level, row.first, row.second, row.difference, row.missing), row.value_first, row.value_second)
        for row in comparison.rows
    )
    caption = "Median (quartiles), or patients (share of those known). No p values: this table describes."
    return Sheet(f"comparison{place}", comparison.title, fields, rows, caption)


def _acquisition(content: ReportContent) -> Sheet:
    fields = (Field("modality", "Modality"), Field("fact", "Fact"), Field("value", "Value"))
    rows = tuple((one.modality, one.fact, one.value, one.patients) for one in content.acquisition)
    return Sheet("acquisition", "How the images were acquired", (*fields, Field("n", "Patients", "count")), rows)


def _delay(content: ReportContent) -> Sheet:
    fields = (
        Field("n", "Patients with both dates", "count"),
        *(Field("median", "Median [days]", "number"), Field("lowest", "Shortest [days]", "number")),
        Field("highest", "Longest [days]", "number"),
    )
    days = np.array(content.image_to_sample_days, dtype=np.float64)
    rows = ((int(days.size), float(np.median(days)), float(days.min()), float(days.max())),) if days.size else ()
    return Sheet("delay", "Days from image to sample", fields, rows, "Negative: the sample came first.")


def _cards(content: ReportContent) -> Sheet:
    fields = (
        *(Field("patient", "Patient"), Field("modality", "Modality"), Field("structure", "Structure")),
        *(Field("series", "Series"), Field("volume", "Volume [ml]", "number"), Field("voxels", "Voxels", "count")),
        *(Field("spacing", "Spacing [mm]"), Field("flags", "Look at")),
    )
    rows = tuple(
        (
            *(card.patient, card.modality, card.structure, card.series, card.volume_mm3 / 1000, card.voxels),
            *(" × ".join(f"{size:.3g}" for size in card.spacing), "; ".join(card.flags)),
        )
        for card in in_order(content.cards)
    )
    return Sheet("cards", "Contours", fields, rows, "Those with a flag first.")


def _odd(content: ReportContent) -> Sheet:
    fields = (Field("what", "Measure"), Field("limit", "Odd above", "number"))
    rows = tuple((SAID[name], limit) for name, limit in LIMITS.items()) if content.cards else ()
    caption = "Limits set beforehand; a patient is also named who stands out from 7 or more others in the same study."
    return Sheet("odd", "What is looked for in every image and contour", fields, rows, caption)


def _failed(content: ReportContent) -> Sheet:
    fields = (Field("patient", "Patient"), Field("step", "Step"), Field("reason", "Reason"))
    rows = tuple((failure.patient, failure.step, failure.reason) for failure in content.failed)
    return Sheet("failed", "Patients that could not be measured", fields, rows)


def summarise_acquisition(series: Iterable[tuple[str, str, Mapping[str, object]]]) -> tuple[Acquisition, ...]:
    """Return how many patients share each acquisition fact, from (patient, modality, facts) of each series used.

    >>> summarise_acquisition([("P1", "CT", {"kVp": 120}), ("P2", "CT", {"kVp": 120})])
    (Acquisition(modality='CT', fact='kVp', value='120', patients=2),)
    """
    seen: dict[tuple[str, str, str], set[str]] = {}
    for patient, modality, facts in series:
        for fact, value in facts.items():
            text = "not stated" if value in (None, "") else str(value)
            seen.setdefault((modality, fact, text), set()).add(patient)
    ordered = sorted(seen.items(), key=lambda item: (item[0][0], item[0][1], -len(item[1]), item[0][2]))
    return tuple(Acquisition(*key, patients=len(patients)) for key, patients in ordered)


def compare_groups(table: Table, outcome: Outcome, title: str = "") -> Comparison:
    """Return Table 1: each clinical column in the two classes of `outcome`, with standardised differences.

    Numbers are given as median (quartiles), categories as patients (share). Standardised difference after
    Austin 2009; columns of text with more than 12 levels are left out, since they are labels.
    """
    levels = outcome.levels[:2]
    aligned = outcome.of_patients(table.per_patient("first").patients).values
    groups = (aligned == 0, aligned == 1)
    rows: list[Characteristic] = []
    for column in table.columns:
        rows += _describe(column, table[column.name], groups)
    sizes = int(groups[0].sum()), int(groups[1].sum())
    return Comparison(title or f"Table 1 by {outcome.name}", (levels[0], levels[1]), sizes, tuple(rows))


def compare_included(table: Table, included: Sequence[str]) -> Comparison:
    """Return the clinical columns of patients analysed beside those left out."""
    kept = set(included)
    status = {patient: "analysed" if patient in kept else "left out" for patient in table.patients}
    outcome = Outcome.of_classes("inclusion", status, ("analysed", "left out"))
    return compare_groups(table, outcome, "Patients analysed and patients left out")


_Groups = tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]


def _describe(column: Column, values: FloatArray, groups: _Groups) -> list[Characteristic]:
    missing = int(np.isnan(values[groups[0] | groups[1]]).sum())
    levels = column.levels or (("no", "yes") if column.kind == "binary" else ())
    if not levels:
        return [_numbers(column, values, groups, missing)]
    if len(levels) > 12:
        return []
    chosen = range(1, 2) if len(levels) == 2 else range(len(levels))
    return [_share((column.name, levels[code]), values == code, ~np.isnan(values), groups) for code in chosen]


def _share(
    label: tuple[str, str], hit: npt.NDArray[np.bool_], known: npt.NDArray[np.bool_], groups: _Groups
) -> Characteristic:
    sizes = [int((group & known).sum()) for group in groups]
    hits = [int((group & hit).sum()) for group in groups]
    shares = [count / size if size else NAN for count, size in zip(hits, sizes, strict=True)]
    words = [
        f"{count} of {size} ({share:.0%})" if size else "none known"
        for count, size, share in zip(hits, sizes, shares, strict=True)
    ]
    spread = np.sqrt(sum(share * (1 - share) for share in shares) / 2)
    difference = (shares[1] - shares[0]) / spread if spread > 0 else NAN
    missing = int(((groups[0] | groups[1]) & ~known).sum())
    return Characteristic(*label, words[0], words[1], shares[0], shares[1], float(difference), missing)


def _numbers(column: Column, values: FloatArray, groups: _Groups, missing: int) -> Characteristic:
    known = [values[group & ~np.isnan(values)] for group in groups]
    words = [_quartiles(part) for part in known]
    medians = [float(np.median(part)) if part.size else NAN for part in known]
    name = f"{column.name} [{column.unit}]" if column.unit else column.name
    return Characteristic(name, "", words[0], words[1], medians[0], medians[1], _smd(known[0], known[1]), missing)


def _quartiles(values: FloatArray) -> str:
    if values.size == 0:
        return "none known"
    low, middle, high = np.percentile(values, [25, 50, 75])
    most = max(abs(low), abs(high))
    digits = max(0, 2 - int(np.floor(np.log10(most)))) if most > 0 else 0
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def _smd(first: FloatArray, second: FloatArray) -> float:
    if first.size < 2 or second.size < 2:
        return NAN
    spread = float(np.sqrt((first.var(ddof=1) + second.var(ddof=1)) / 2))
    return float(second.mean() - first.mean()) / spread if spread > 0 else NAN
