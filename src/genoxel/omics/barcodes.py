"""TCGA barcodes: one tumour sample per patient by a stated rule; normals apart; ties listed."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from genoxel.core.errors import TableError
from genoxel.core.ids import Barcode, is_tcga
from genoxel.core.keys import RowKey
from genoxel.core.records import Records
from genoxel.core.table import Table

if TYPE_CHECKING:
    import pandas as pd

SAMPLE_ORDER = ("01", "03", "02", "05", "06", "07")
"""Sample types in the order in which one is chosen: primary first (01 solid, 03 blood), then recurrent, then others."""

RULE = "the first sample type in the order given, then the first vial, then the latest plate (Broad replicate rule)"


@dataclass(frozen=True)
class SampleChoice:
    """Which sample speaks for each patient: `chosen` patient -> barcode; `set_aside` barcode -> why not; `ties`."""

    chosen: Mapping[str, str]
    set_aside: Mapping[str, str]
    ties: Mapping[str, tuple[str, ...]]

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per barcode: patient, sample, decision."""
        import pandas as pd

        rows = [(patient, sample, "chosen") for patient, sample in self.chosen.items()]
        rows += [(Barcode.parse(sample).patient, sample, reason) for sample, reason in self.set_aside.items()]
        return pd.DataFrame(rows, columns=["patient", "sample", "decision"])


def choose_samples(barcodes: Iterable[str], kinds: Sequence[str] = SAMPLE_ORDER) -> SampleChoice:
    """Return one tumour sample per patient from TCGA barcodes of any level.

    The first sample type of `kinds` wins, then the first vial, then the latest plate; whatever was decided by vial or
    plate, or could not be decided but by the alphabet, is listed in `ties`. Normals (10-19) and types not in `kinds`
    are set aside. A barcode of patient level counts as the first type. Raises `TableError` for other identifiers.

    >>> choice = choose_samples(["TCGA-HT-7468-10A", "TCGA-HT-7468-02A", "TCGA-HT-7468-01A"])
    >>> choice.chosen
    {'TCGA-HT-7468': 'TCGA-HT-7468-01A'}
    >>> choice.set_aside["TCGA-HT-7468-10A"]
    'normal tissue'
    """
    groups: dict[str, list[str]] = {}
    aside: dict[str, str] = {}
    for text in dict.fromkeys(barcodes):
        barcode = Barcode.parse(text)
        if barcode.normal:
            aside[text] = "normal tissue"
        elif barcode.kind and barcode.kind not in kinds:
            aside[text] = f"sample type {barcode.kind} is not among {', '.join(kinds)}"
        else:
            groups.setdefault(barcode.patient, []).append(text)
    chosen: dict[str, str] = {}
    ties: dict[str, tuple[str, ...]] = {}
    for patient, texts in groups.items():
        best = _best(texts, kinds)
        chosen[patient] = best
        kind = Barcode.parse(best).kind
        rivals = tuple(sorted(text for text in texts if Barcode.parse(text).kind == kind))
        if len(rivals) > 1:
            ties[patient] = rivals
        aside.update({text: f"{best} was chosen" for text in texts if text != best})
    return SampleChoice(chosen, aside, ties)


def _best(texts: Sequence[str], kinds: Sequence[str]) -> str:
    """Return the barcode that wins; Python's sort is stable, so the criteria are applied from last to first."""
    ranked = sorted(texts)
    ranked.sort(key=lambda text: Barcode.parse(text).plate, reverse=True)

    def order(text: str) -> tuple[int, str, str]:
        barcode = Barcode.parse(text)
        return (kinds.index(barcode.kind) if barcode.kind else 0, barcode.vial, barcode.portion)

    ranked.sort(key=order)
    return ranked[0]


def per_tcga_patient(table: Table, kinds: Sequence[str] = SAMPLE_ORDER) -> tuple[Table, SampleChoice]:
    """Return the rows of the chosen samples, keyed by patient with the sample's barcode in the key, and the choice.

    The barcode is taken from the row's sample, else from its patient. Raises `TableError` for rows without barcode.
    """
    texts = [_barcode_of(row) for row in table.rows]
    choice = choose_samples(texts, kinds)
    place = {text: index for index, text in enumerate(texts)}
    index = [place[text] for text in choice.chosen.values()]
    chosen = table.take(index)
    rows = tuple(_tcga_key(row, texts[at]) for row, at in zip(chosen.rows, index, strict=True))
    return replace(chosen, rows=rows), choice


def records_per_tcga_patient(records: Records, kinds: Sequence[str] = SAMPLE_ORDER) -> tuple[Records, SampleChoice]:
    """Return the events of the chosen samples, keyed by patient, and the choice; who was profiled is treated alike."""
    events = [_barcode_of(row) for row in records.rows]
    listed = [_barcode_of(row) for row in records.profiled or ()]
    choice = choose_samples(_most_exact([*events, *listed], kinds), kinds)

    def speaks(text: str) -> bool:
        # a list of samples and a file of aliquots name the same sample at two levels
        return choice.chosen.get(Barcode.parse(text).patient, "").startswith(text)

    places = [place for place, text in enumerate(events) if speaks(text)]
    kept = records.take(places)
    rows = tuple(_tcga_key(row, events[place]) for row, place in zip(kept.rows, places, strict=True))
    profiled = None
    if records.profiled is not None:
        pairs = zip(records.profiled, listed, strict=True)
        profiled = tuple(_tcga_key(row, text) for row, text in pairs if speaks(text))
    return replace(kept, rows=rows, profiled=profiled), choice


def _most_exact(texts: Iterable[str], kinds: Sequence[str]) -> list[str]:
    """Return the barcodes of which no other that may be chosen is a longer form: a sample's aliquots stand for it."""
    distinct = sorted(set(texts))
    eligible = [text for text in distinct if Barcode.parse(text).kind in kinds]
    exact = []
    for text in distinct:
        after = bisect.bisect_right(eligible, text)  # in order, the longer forms of a text follow it at once
        if after == len(eligible) or not eligible[after].startswith(text):
            exact.append(text)
    return exact


def _barcode_of(row: RowKey) -> str:
    for text in (row.sample, row.patient):
        if text and is_tcga(text):
            return text
    raise TableError(f"the row {row.text()!r} without TCGA barcode", "TCGA-XX-XXXX...", 'use patient = "<column>"')


def _tcga_key(row: RowKey, text: str) -> RowKey:
    barcode = Barcode.parse(text)
    return row._replace(patient=barcode.patient, sample=text if barcode.kind else "")


def patient_of(text: str) -> str:
    """Return the TCGA patient of a barcode, and any other identifier as it is."""
    return Barcode.parse(text).patient if is_tcga(text) else text


def rekey(table: Table, name: Callable[[str], str] = patient_of) -> Table:
    """Return the table with every patient identifier passed through `name` (default: TCGA barcodes cut to patients)."""
    return replace(table, rows=tuple(row._replace(patient=name(row.patient)) for row in table.rows))
