"""Mutational signatures: the 96 kinds of substitutions in their context, and how known signatures make them up."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from genoxel.core.errors import TableError
from genoxel.core.image import FloatArray
from genoxel.core.keys import as_keys
from genoxel.core.records import Records
from genoxel.core.table import Column, Source, Table
from genoxel.omics.variants import first_of_patient, is_germline

KINDS = tuple(
    f"{before}[{change}]{after}"
    for change in ("C>A", "C>G", "C>T", "T>A", "T>C", "T>G")
    for before, after in product("ACGT", "ACGT")
)
_PARTNER = str.maketrans("ACGT", "TGCA")
_SOURCE = Source(family="signatures")


def catalogue(records: Records) -> Table:
    """Return how often each patient has each of the 96 kinds of single substitutions (counts).

    The middle of `context` (GDC column CONTEXT) is the changed base; purines are read from the other strand. A variant
    in several rows of a patient counts once, one that the file calls germline not at all. 0 only for patients who were
    profiled. Raises `TableError` without context, or where it contradicts the reference base.
    """
    if "context" not in records.fields:
        raise TableError("mutations without the bases around them", "the column CONTEXT of the GDC", "annotate them")
    place = {kind: at for at, kind in enumerate(KINDS)}
    whom = tuple(dict.fromkeys([*(row.patient for row in records.profiled or ()), *records.patients]))
    row_of = {who: at for at, who in enumerate(whom)}
    counts = np.zeros((len(whom), len(KINDS)))
    events = zip(records.rows, records["ref"], records["alt"], records["context"], strict=True)
    counted = np.array(first_of_patient(records)) & ~is_germline(records)
    for event, (row, ref, alt, context) in enumerate(events):
        if counted[event] and len(str(ref)) == len(str(alt)) == 1 and {str(ref), str(alt)} <= set("ACGT"):
            counts[row_of[row.patient], place[_kind(str(ref), str(alt), str(context).upper(), event)]] += 1
    assayed = {row.patient for row in records.profiled or ()}
    for who, at in row_of.items():
        if who not in assayed and not counts[at].any():
            counts[at] = np.nan
    columns = tuple(Column(kind, "count", unit="mutations", source=_SOURCE) for kind in KINDS)
    return Table(counts, as_keys(whom), columns, "signatures")


def _kind(ref: str, alt: str, context: str, event: int) -> str:
    middle = len(context) // 2
    if (
        len(context) % 2 == 0
        or len(context) < 3
        or context[middle] != ref
        or set(context[middle - 1 : middle + 2]) - set("ACGT")
    ):
        raise TableError(
            f"the context {context!r} of {ref}>{alt} in event {event + 1}",
            "an odd number of bases with the reference base in the middle",
            "annotate again with the same genome build",
        )
    three = context[middle - 1 : middle + 2]
    if ref in "AG":
        three, alt = three[::-1].translate(_PARTNER), alt.translate(_PARTNER)
    return f"{three[0]}[{three[1]}>{alt}]{three[2]}"


def exposures(
    counts: Table, kinds: Sequence[str], names: Sequence[str], weights: FloatArray, fewest: int = 50
) -> Table:
    """Return the share of each signature in each patient's mutations, and the cosine of the fit.

    `weights` (kinds x signatures) is the user's file, for example COSMIC's SBS (see `io.genesets.read_weights`). The
    shares are a non-negative least-squares fit, scaled to 1. Patients with fewer than `fewest` mutations have none.
    Source: Blokzijl et al., Genome Medicine 2018.
    """
    from scipy.optimize import nnls

    lacking = sorted(set(KINDS) - set(kinds))
    if lacking:
        raise TableError(
            f"signatures without {lacking[0]} (and {len(lacking) - 1} more)",
            "96 kinds like A[C>A]A",
            "take COSMIC's SBS file",
        )
    matrix = np.asarray(weights)[[list(kinds).index(kind) for kind in KINDS]]
    found = np.full((len(counts), len(names) + 1), np.nan)
    for row, sample in enumerate(np.asarray(counts.select(list(KINDS)).values)):
        if np.isnan(sample).any() or sample.sum() < fewest:
            continue
        shares, _ = nnls(matrix, sample)
        model = matrix @ shares
        found[row, :-1] = shares / shares.sum()
        found[row, -1] = model @ sample / (np.linalg.norm(model) * np.linalg.norm(sample))
    words = f"share of mutations by non-negative least squares; unknown below {fewest} mutations"
    columns = (
        *(Column(name, unit="share", definition=words, source=_SOURCE) for name in names),
        Column("signature fit", unit="cosine", definition="cosine of fitted and seen mutations", source=_SOURCE),
    )
    return Table(found, counts.rows, columns, "signatures")
