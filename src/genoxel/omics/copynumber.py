"""Copy number from segments: genes, arms, and the combinations that define tumours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from genoxel.core.errors import TableError
from genoxel.core.image import FloatArray
from genoxel.core.keys import as_keys
from genoxel.core.records import Records
from genoxel.core.table import Column, Source, Table
from genoxel.omics.genome import arm_span

_SOURCE = Source(family="copynumber")


@dataclass(frozen=True)
class CopyRules:
    """When copies count as changed, in log2 of copies / 2, and which share of an arm must be seen and be changed.

    With a pure diploid tumour one copy lost is -1 and one gained 0.58; half normal cells bring them to -0.42 and 0.32.
    `gain`, `loss` and `deleted` are where `cnvkit call` puts three copies, one copy and none by default (its manual,
    version 0.9.10: -1.1, -0.25, 0.2, 0.7), so that one copy of a pure tumour is a loss and no homozygous deletion.
    `share` is that of Taylor et al. (Cancer Cell 2018), who call an arm altered from 80 % of its length on (and, other
    than here, none between 20 and 80 %). `amplified`, four copies in a pure tumour where CNVkit takes 0.7, and `seen`,
    the share of the arm that segments must cover else the arm is unknown, are choices of ours. All are settings.
    """

    gain: float = 0.2
    loss: float = -0.25
    amplified: float = 1.0
    deleted: float = -1.1
    share: float = 0.8
    seen: float = 0.5


def arm_levels(records: Records, arms: Sequence[str], build: str, rules: CopyRules | None = None) -> Table:
    """Return one column per arm: 1 gained, -1 lost, 0 neither, NaN where too little of the arm was seen.

    An arm is lost when the share `rules.share` of what was seen of it lies at or below `rules.loss`. "7" is the whole
    chromosome. One row per patient; a patient with several samples is refused by `TableError`.
    """
    chosen = rules or CopyRules()
    patients = _patients(records)
    values = np.full((len(patients), len(arms)), np.nan)
    grouped = _by_patient(records)
    for at, arm in enumerate(arms):
        span = arm_span(arm, build)
        for row, patient in enumerate(patients):
            values[row, at] = _call(*_overlaps(records, grouped.get(patient, []), span), span, chosen)
    columns = tuple(
        Column(f"{arm} copies", "ordinal", definition=_arm_words(arm, chosen), source=_SOURCE, levels=_LEVELS)
        for arm in arms
    )
    return Table(values + 1.0, as_keys(patients), columns, "copynumber")


_LEVELS = ("loss", "neutral", "gain")


def _arm_words(arm: str, rules: CopyRules) -> str:
    return (
        f"loss where {rules.share:.0%} of the seen part of {arm} has log2(copies/2) <= {rules.loss:g}, "
        f"gain where it has >= {rules.gain:g}; unknown where less than {rules.seen:.0%} was seen"
    )


def _call(lengths: FloatArray, log2: FloatArray, span: tuple[str, int, int], rules: CopyRules) -> float:
    total = lengths.sum()
    if total < rules.seen * (span[2] - span[1] + 1):
        return float("nan")
    lost = lengths[log2 <= rules.loss].sum() / total
    gained = lengths[log2 >= rules.gain].sum() / total
    return float(gained >= rules.share) - float(lost >= rules.share)


def _overlaps(records: Records, places: Sequence[int], span: tuple[str, int, int]) -> tuple[FloatArray, FloatArray]:
    """Return (bases, log2) of the patient's segments inside a span, segments without value left out."""
    name, first, last = span
    index = np.array(places, dtype=np.intp)
    index = index[records["chromosome"][index] == name] if len(index) else index
    start = np.maximum(records["start"][index], first)
    end = np.minimum(records["end"][index], last)
    log2 = records["log2"][index].astype(np.float64)
    keep = (end >= start) & ~np.isnan(log2)
    return (end - start + 1)[keep].astype(np.float64), log2[keep]


def _patients(records: Records) -> tuple[str, ...]:
    keys = dict.fromkeys(records.rows)
    keys.update(dict.fromkeys(records.profiled or ()))
    samples: dict[str, set[str]] = {}
    for key in keys:
        samples.setdefault(key.patient, set()).add(key.sample)
    several = sorted(patient for patient, names in samples.items() if len(names - {""}) > 1)
    if several:
        raise TableError(
            f"segments of several samples for {len(several)} patients ({', '.join(several[:5])})",
            "one sample per patient",
            "choose one: omics.barcodes.records_per_tcga_patient",
        )
    return tuple(samples)


def _by_patient(records: Records) -> dict[str, list[int]]:
    grouped: dict[str, list[int]] = {}
    for place, row in enumerate(records.rows):
        grouped.setdefault(row.patient, []).append(place)
    return grouped


def codeletion_1p19q(arms: Table) -> dict[str, bool | None]:
    """Return for each patient whether both 1p and 19q are lost as whole arms (None: unknown).

    Unknown only where it could still be both: an intact 1p settles it. Source: WHO 2021, oligodendroglioma.
    """
    return _all_of(arms, (("1p copies", "loss"), ("19q copies", "loss")))


def gain7_loss10(arms: Table) -> dict[str, bool | None]:
    """Return for each patient whether all of 7 is gained and all of 10 lost (None: unknown).

    Source: cIMPACT-NOW update 3, one of three criteria for glioblastoma in IDH-wild-type astrocytic gliomas.
    """
    wanted = (("7p copies", "gain"), ("7q copies", "gain"), ("10p copies", "loss"), ("10q copies", "loss"))
    return _all_of(arms, wanted)


def _all_of(arms: Table, wanted: Iterable[tuple[str, str]]) -> dict[str, bool | None]:
    parts = [(arms[name], _LEVELS.index(level)) for name, level in wanted]
    found: dict[str, bool | None] = {}
    for row, key in enumerate(arms.rows):
        truths = [None if np.isnan(values[row]) else bool(values[row] == code) for values, code in parts]
        found[key.patient] = False if False in truths else None if None in truths else True
    return found


def gene_copies(records: Records, loci: Mapping[str, tuple[str, int, int]]) -> Table:
    """Return log2(copies/2) of each gene: the mean over its bases, NaN where no segment covers it.

    `loci` maps gene -> (chromosome, first base, last base) of the same build, see `io.cn_segments.read_loci`.
    """
    patients, grouped = _patients(records), _by_patient(records)
    values = np.full((len(patients), len(loci)), np.nan)
    for row, patient in enumerate(patients):
        for at, span in enumerate(loci.values()):
            lengths, log2 = _overlaps(records, grouped.get(patient, []), span)
            if len(lengths):
                values[row, at] = float(np.average(log2, weights=lengths))
    columns = tuple(Column(gene, unit="log2(copies/2)", source=_SOURCE) for gene in loci)
    return Table(values, as_keys(patients), columns, "copynumber")


def call_genes(copies: Table, rules: CopyRules | None = None) -> Table:
    """Return calls from -2 (deleted) to 2 (amplified) of log ratios per gene, as GISTIC writes them.

    The thresholds are those of `rules`; they do not know purity, so that a deletion in an impure sample may be missed.
    """
    chosen = rules or CopyRules()
    values = np.asarray(copies.values)
    calls = np.zeros(values.shape)
    for threshold, call in ((chosen.gain, 1.0), (chosen.amplified, 2.0)):
        calls[values >= threshold] = call
    for threshold, call in ((chosen.loss, -1.0), (chosen.deleted, -2.0)):
        calls[values <= threshold] = call
    calls[np.isnan(values)] = np.nan
    columns = tuple(Column(name, unit="call", source=_SOURCE) for name in copies.names)
    return Table(calls, copies.rows, columns, "copynumber")


CALLS: Mapping[str, tuple[float, ...]] = {
    "amplified": (2.0,),
    "gained": (1.0, 2.0),
    "lost": (-1.0, -1.5, -2.0),
    "deleted": (-2.0,),
}
"""Words for calls: "deleted" is homozygous, "lost" is any loss."""


def gene_status(calls: Table, gene: str, word: str) -> dict[str, bool | None]:
    """Return for each patient whether a gene is amplified, gained, lost or deleted (None: unknown).

    `gene` may name several: "CDKN2A|CDKN2B" is deleted where either is. Raises `TableError` for another word.
    """
    if word not in CALLS:
        raise TableError(f"the call {word!r}", ", ".join(CALLS), "choose one")
    parts = [calls[name.strip()] for name in gene.split("|")]
    found: dict[str, bool | None] = {}
    for row, key in enumerate(calls.rows):
        truths = [None if np.isnan(values[row]) else bool(values[row] in CALLS[word]) for values in parts]
        truth = True if True in truths else None if None in truths else False
        if key.patient in found and found[key.patient] != truth:
            raise TableError(f"contradicting calls of {gene} for patient {key.patient}", "one sample", "choose one")
        found[key.patient] = truth
    return found
