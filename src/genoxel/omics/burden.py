"""Numbers from the mutations of a tumour: burden, allele fractions, heterogeneity, small-repeat instability."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np

from genoxel.core.errors import TableError
from genoxel.core.image import FloatArray
from genoxel.core.keys import as_keys
from genoxel.core.records import Records
from genoxel.core.table import Column, Source, Table
from genoxel.omics.variants import ALTERING, first_of_patient, places_of, somatic

_SOURCE = Source(family="mutations")
_ALTERING = frozenset(name.casefold() for name in ALTERING)
SMALL_PANEL = 1.0
"""Below this many megabases a burden says little about the exome. Source: Buchhalter et al., Int J Cancer 2019."""


def _profiled(records: Records) -> tuple[str, ...]:
    return tuple(dict.fromkeys(row.patient for row in records.profiled or ()))


def mutational_burden(records: Records, megabases: float, patients: Iterable[str] = ()) -> Table:
    """Return protein-altering mutations per megabase; 0 only for patients who were profiled.

    `megabases` is the coding size of what was sequenced (about 30 to 38 for an exome, the panel's own number for a
    panel); below 1 the definition of the column says that the number is unreliable. Mutations outside a patient's panel
    are not counted, nor those that the file calls germline; a variant that a patient has in several rows or samples
    counts once. Raises `TableError` for a size that is no size.
    """
    if not 0.01 <= megabases <= 100:
        raise TableError(f"a size of {megabases:g} megabases", "0.01 to 100", "give the coding size of the assay")
    records = somatic(records)
    whom = tuple(patients) or _profiled(records)
    counts = dict.fromkeys(_profiled(records), 0)
    genes, classes = records["gene"].tolist(), records["classification"].tolist()
    for row, gene, word, first in zip(records.rows, genes, classes, first_of_patient(records), strict=True):
        altering = first and str(word).casefold() in _ALTERING
        if altering and row.patient in counts and records.covers(row.patient, gene):
            counts[row.patient] += 1
    values = np.array([[counts[who] / megabases if who in counts else np.nan] for who in whom]).reshape(len(whom), 1)
    small = f"; only {megabases:g} Mb were seen: unreliable" if megabases < SMALL_PANEL else ""
    words = f"protein-altering mutations per megabase of {megabases:g} Mb{small}"
    return Table(values, as_keys(whom), (Column("TMB", unit="1/Mb", definition=words, source=_SOURCE),), "mutations")


def allele_fractions(records: Records, min_depth: int = 20) -> FloatArray:
    """Return alt / (alt + ref) reads of each event (n), NaN below `min_depth` reads or without counts.

    Raises `TableError` when the file has no read counts.
    """
    if not {"ref_count", "alt_count"} <= set(records.fields):
        raise TableError("mutations without read counts", "t_ref_count and t_alt_count, or AD", "export them as well")
    ref, alt = records["ref_count"].astype(np.float64), records["alt_count"].astype(np.float64)
    depth = ref + alt
    enough = depth >= max(1, min_depth)
    fraction = np.full(len(records), np.nan)
    fraction[enough] = alt[enough] / depth[enough]
    return fraction


def gene_fractions(records: Records, genes: Sequence[str], min_depth: int = 20) -> Table:
    """Return the highest allele fraction of a protein-altering mutation per gene.

    0 where the gene was looked at and no mutation found, NaN where unknown or where a mutation has too few reads.
    """
    fraction = allele_fractions(records, min_depth)
    whom = tuple(dict.fromkeys([*_profiled(records), *records.patients]))
    assayed = set(_profiled(records))
    place = {who: at for at, who in enumerate(whom)}
    values = np.array(
        [[0.0 if who in assayed and records.covers(who, gene) else np.nan for gene in genes] for who in whom]
    ).reshape(len(whom), len(genes))
    shallow: set[tuple[int, int]] = set()
    for at, gene in enumerate(genes):
        for event in places_of(records, [gene]).tolist():
            if str(records["classification"][event]).casefold() not in _ALTERING:
                continue
            row = place[records.rows[event].patient]
            if np.isnan(fraction[event]):
                shallow.add((row, at))
            else:
                values[row, at] = np.nanmax([values[row, at], fraction[event]])
    for row, at in shallow:
        values[row, at] = values[row, at] if values[row, at] > 0 else np.nan
    words = f"highest allele fraction with at least {min_depth} reads"
    columns = tuple(Column(f"{gene} VAF", unit="fraction", definition=words, source=_SOURCE) for gene in genes)
    return Table(values, as_keys(whom), columns, "mutations")


def heterogeneity(records: Records, min_depth: int = 20, fewest: int = 5) -> Table:
    """Return MATH of each patient: 100 x median absolute deviation (x 1.4826) / median of the allele fractions.

    A variant in several rows of a patient counts once, as first read, one that the file calls germline not at all.
    Patients with fewer than `fewest` mutations of enough depth have no value. Source: Mroz and Rocco, Oral Oncology
    2013.
    """
    records = somatic(records)
    fraction = allele_fractions(records, min_depth)
    groups: dict[str, list[float]] = {}
    for row, value, first in zip(records.rows, fraction.tolist(), first_of_patient(records), strict=True):
        if first and not np.isnan(value):
            groups.setdefault(row.patient, []).append(value)
    whom = tuple(dict.fromkeys([*_profiled(records), *records.patients]))
    values = np.full((len(whom), 1), np.nan)
    for place, who in enumerate(whom):
        found = np.array(groups.get(who, []))
        if len(found) >= fewest and np.median(found) > 0:
            middle = np.median(found)
            values[place] = 100.0 * 1.4826 * np.median(np.abs(found - middle)) / middle
    words = f"spread of allele fractions, at least {fewest} mutations of {min_depth} reads"
    return Table(values, as_keys(whom), (Column("MATH", unit="%", definition=words, source=_SOURCE),), "mutations")


def repeat_indels(records: Records, megabases: float, repeat: int = 5) -> Table:
    """Return insertions and deletions of one base inside runs of at least `repeat` equal bases, per megabase.

    High where mismatch repair is lost. It needs the bases around each variant (the GDC column CONTEXT); it is a simple
    score of its own, no clinical MSI test. Raises `TableError` where the file has no context.
    """
    if "context" not in records.fields:
        raise TableError("mutations without the bases around them", "the column CONTEXT", "annotate the mutations")
    records = somatic(records)
    counts = dict.fromkeys(_profiled(records), 0)
    run = re.compile(rf"([ACGT])\1{{{repeat - 1},}}")
    places = zip(records.rows, records["variant_type"], records["ref"], records["alt"], records["context"], strict=True)
    for (row, kind, ref, alt, context), first in zip(places, first_of_patient(records), strict=True):
        base = str(ref) if kind == "DEL" else str(alt)
        inside = [found[1] for found in run.finditer(str(context).upper())]
        if first and row.patient in counts and kind in ("INS", "DEL") and len(base) == 1 and base in inside:
            counts[row.patient] += 1
    values = np.array([[count / megabases] for count in counts.values()]).reshape(len(counts), 1)
    words = f"indels of one base in runs of {repeat} or more, per megabase"
    column = Column("repeat indels", unit="1/Mb", definition=words, source=_SOURCE)
    return Table(values, as_keys(counts), (column,), "mutations")
