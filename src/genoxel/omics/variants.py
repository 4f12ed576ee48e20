"""Mutant, wild type or unknown: variants become columns, and wild type needs evidence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import TableError, nearest
from genoxel.core.keys import as_keys
from genoxel.core.records import Records
from genoxel.core.table import Column, Source, Table
from genoxel.omics.hgvs import CLASSES, ProteinChange, parse_protein, variant_classes
from genoxel.omics.symbols import damaged, repaired

Status = Literal["mutant", "wild type"]

ALTERING = (
    *("Missense_Mutation", "Nonsense_Mutation", "Nonstop_Mutation", "Frame_Shift_Del", "Frame_Shift_Ins"),
    *("In_Frame_Del", "In_Frame_Ins", "Splice_Site", "Translation_Start_Site"),
    *("De_novo_Start_InFrame", "De_novo_Start_OutOfFrame", "Start_Codon_SNP", "Start_Codon_Ins", "Start_Codon_Del"),
    *("Stop_Codon_Ins", "Stop_Codon_Del"),
)
"""Variant classes of the MAF format that change the protein."""

SILENT = (
    *("Silent", "Synonymous", "Intron", "3'UTR", "5'UTR", "3'Flank", "5'Flank", "IGR", "RNA", "lincRNA"),
    *("Splice_Region", "Targeted_Region"),
)
"""Variant classes that do not make a patient mutant (see `REGULATORY` for the one exception)."""

REGULATORY: Mapping[str, tuple[str, ...]] = {"TERT": ("5'Flank", "5'UTR")}
"""Genes whose driver mutations lie outside the protein: the TERT promoter."""

_ALTERING = frozenset(name.casefold() for name in ALTERING)
_SILENT = frozenset(name.casefold() for name in SILENT)
_RESIDUE = re.compile(r"(?:p\.)?([A-Z*])(\d+)")


def status(
    records: Records, gene: str, hotspot: str | Sequence[str] | None = None, patients: Iterable[str] = ()
) -> dict[str, Status | None]:
    """Return for each patient "mutant", "wild type" or None (unknown).

    `gene` may name several ("IDH1|IDH2": mutated in either). Mutant: at least one event of a class in `ALTERING` (or
    `REGULATORY`), at the `hotspot` when one is given ("R132" any change of that residue, "L858R" that change alone,
    or a class of `hgvs.CLASSES` such as "exon 19 deletion").
    Wild type: no such event, and the patient is listed as profiled, and every gene was covered. All others are
    unknown, also those with an event of an unnamed class, or whose protein change is not given, not understood
    (`hgvs.parse_protein`) or silent against its class, where a hotspot is asked for.
    `patients` says for whom; default: all that were profiled or have events. Raises `TableError` when the records
    hold no event and no word on who was profiled, or when a spreadsheet has damaged the symbol of this gene.

    >>> fields = {"gene": np.array(["IDH1"]), "classification": np.array(["Missense_Mutation"]),
    ...           "protein": np.array(["p.R132H"])}
    >>> records = Records("variants", ("P1",), fields, profiled=("P1", "P2"))
    >>> status(records, "IDH1", "R132", ["P1", "P2", "P3"])
    {'P1': 'mutant', 'P2': 'wild type', 'P3': None}
    """
    genes = [part.strip() for part in gene.split("|") if part.strip()]
    wanted = tuple(patients) or tuple(dict.fromkeys([row.patient for row in records.profiled or ()])) or ()
    if not patients:
        wanted = tuple(dict.fromkeys([*wanted, *records.patients]))
    _refuse_damage(records, genes)
    hits, doubts = _events(records, genes, hotspot)
    assayed = {row.patient for row in records.profiled or ()}
    result: dict[str, Status | None] = {}
    for patient in wanted:
        if patient in hits:
            result[patient] = "mutant"
        else:
            covered = patient in assayed and all(records.covers(patient, gene) for gene in genes)
            free = covered and patient not in doubts
            result[patient] = "wild type" if free else None
    return result


def status_table(
    records: Records,
    genes: Sequence[str],
    hotspots: Mapping[str, Sequence[str]] | None = None,
    patients: Iterable[str] = (),
) -> Table:
    """Return a table of kind "mutations": one binary column per gene (1 mutant, 0 wild type, NaN unknown)."""
    spots = hotspots or {}
    _refuse_damage(records, genes)
    whom = tuple(patients) or tuple(
        dict.fromkeys([*(row.patient for row in records.profiled or ()), *records.patients])
    )
    columns, values = [], []
    records = records.take(places_of(records, genes))
    for gene in genes:
        found = status(records, gene, spots.get(gene), whom) if whom else {}
        code = {"mutant": 1.0, "wild type": 0.0, None: np.nan}
        values.append([code[found[patient]] for patient in whom])
        where = f" at {', '.join(spots[gene])}" if gene in spots else ""
        definition = f"protein-altering mutation of {gene}{where}; 0 only where it was looked for and not found"
        source = Source(family="mutations")
        columns.append(Column(gene, "binary", definition=definition, source=source, levels=("wild type", "mutant")))
    array = np.array(values, dtype=np.float64).reshape(len(genes), len(whom)).T
    return Table(array, as_keys(whom), tuple(columns), "mutations")


def places_of(records: Records, genes: Iterable[str]) -> npt.NDArray[np.intp]:
    """Return the places of the events of `genes` among the records."""
    wanted = set(genes)
    names = records["gene"].tolist()
    return np.flatnonzero(np.fromiter((name in wanted for name in names), dtype=bool, count=len(names)))


_PLACE = ("chromosome", "start", "ref", "alt")


def first_of_patient(records: Records) -> list[bool]:
    """Return per row whether the patient's variant was in no row above; where no places are given every row counts."""
    if not set(_PLACE) <= set(records.fields):
        return [True] * len(records.rows)
    seen: set[tuple[object, ...]] = set()
    found = []
    for row, *place in zip(records.rows, *(records[name].tolist() for name in _PLACE), strict=True):
        key = (row.patient, *place)
        found.append(key not in seen)
        seen.add(key)
    return found


def with_repaired_genes(records: Records) -> tuple[Records, dict[str, str], tuple[str, ...]]:
    """Return the records with gene names repaired that a spreadsheet damaged, what was repaired, and what stays open.

    Names that cannot be told stay as they are, so that `status` still refuses the genes that they may have been.
    """
    fixed = repaired(str(name) for name in dict.fromkeys(records["gene"].tolist()))
    known = {old: new for old, new in fixed.items() if new}
    if known:
        genes = np.array([known.get(name, name) for name in records["gene"].tolist()], dtype=object)
        records = replace(records, fields={**records.fields, "gene": genes})
    return records, known, tuple(old for old, new in fixed.items() if not new)


def _refuse_damage(records: Records, genes: Sequence[str]) -> None:
    lost = damaged(str(symbol) for symbol in set(records["gene"].tolist()))
    for symbol, origins in lost.items():
        clash = sorted(set(genes) & set(origins))
        if clash:
            raise TableError(
                f"the gene name {symbol!r}, which may have been {clash[0]} before a spreadsheet turned it into a date",
                "gene symbols as text",
                "export the mutations again without a spreadsheet",
            )


def _events(records: Records, genes: Sequence[str], hotspot: str | Sequence[str] | None) -> tuple[set[str], set[str]]:
    spots = [hotspot] if isinstance(hotspot, str) else list(hotspot or ())
    _check_hotspots(records, genes, spots)
    names = records["gene"]
    hits: set[str] = set()
    doubts: set[str] = set()
    for place in places_of(records, genes).tolist():
        protein = _text(records.fields["protein"][place]) if "protein" in records.fields else ""
        verdict = _judge(str(names[place]), _text(records["classification"][place]), protein, spots)
        if verdict is None:
            doubts.add(records.rows[place].patient)
        elif verdict:
            hits.add(records.rows[place].patient)
    return hits, doubts


def _judge(gene: str, classification: str, protein: str, spots: Sequence[str]) -> bool | None:
    """Return whether one event makes mutant; None where its record does not say enough."""
    word = classification.casefold()
    regulatory = word in {name.casefold() for name in REGULATORY.get(gene, ())}
    if not regulatory:
        if word in _SILENT:
            return False
        if word not in _ALTERING:
            return None
    if not spots:
        return True
    change = parse_protein(protein)
    if change is None or change.kind == "silent":
        return None
    return any(_lies_at(change, spot) for spot in spots) or bool({*spots} & {*variant_classes(gene, protein)})


def not_understood(records: Records, genes: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return protein changes of altering events in `genes` that are not understood -> their patients.

    At a hotspot these patients are unknown. An event without any text is not listed.
    """
    found: dict[str, dict[str, None]] = {}
    if "protein" not in records.fields:
        return {}
    for place in places_of(records, genes).tolist():
        text = _text(records.fields["protein"][place])
        altering = _text(records["classification"][place]).casefold() in _ALTERING
        if text and altering and parse_protein(text) is None:
            found.setdefault(text, {})[records.rows[place].patient] = None
    return {text: tuple(patients) for text, patients in sorted(found.items())}


def at_hotspot(protein: str, spot: str) -> bool:
    """Return whether a protein change lies at a hotspot: "R132" any change of that residue, "R132H" that one alone.

    A deletion or duplication lies at every residue of its range, an insertion at the residue that is written first.
    "P72fs" is any frameshift from there. What changes nothing lies nowhere.

    >>> [at_hotspot(change, "R132") for change in ("p.R132H", "NP_1.2:p.(Arg132Cys)", "p.R1320H", "p.R172K")]
    [True, True, False, False]
    """
    found = parse_protein(protein)
    return found is not None and _lies_at(found, spot)


def _lies_at(found: ProteinChange, spot: str) -> bool:
    residue = _RESIDUE.fullmatch(spot.strip())
    if residue is None:
        return found == parse_protein(spot)
    place = int(residue[2])
    if found.start == place:
        return found.ref == residue[1] and found.kind != "silent"
    return found.kind in ("deletion", "deletion-insertion", "duplication") and found.start < place <= found.end


def _check_hotspots(records: Records, genes: Sequence[str], spots: Sequence[str]) -> None:
    classes = [name for gene in genes for name in CLASSES.get(gene, {})]
    odd = [
        spot
        for spot in spots
        if not _RESIDUE.fullmatch(spot.strip()) and spot not in classes and parse_protein(spot) is None
    ]
    if odd:
        known = f", or a class: {', '.join(classes)}" if classes else ""
        hint = nearest(odd[0], classes) or "write it so"
        raise TableError(f"hotspot {odd[0]!r}", f"a residue like R132 or a change like L858R{known}", hint)
    if spots and "protein" not in records.fields:
        raise TableError(
            "mutations without protein changes, while a hotspot is asked for",
            "a column HGVSp_Short or Protein_Change",
            "annotate the mutations, or ask for the gene without hotspot",
        )


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()


def somatic(variants: Records) -> Records:
    """Return the events that the file does not call germline; who was profiled stays."""
    inherited = is_germline(variants)
    return variants.take(~inherited) if inherited.any() else variants


def is_germline(variants: Records) -> npt.NDArray[np.bool_]:
    """Return which events (n,) the field origin calls germline; none where the file has no such field.

    >>> import numpy as np
    >>> fields = {"gene": np.array(["BRCA1", "TP53"], object), "origin": np.array(["Germline", "Somatic"], object)}
    >>> is_germline(Records("variants", ("P1", "P1"), fields)).tolist()
    [True, False]
    """
    if "origin" not in variants.fields:
        return np.zeros(len(variants), dtype=np.bool_)
    return np.array([str(word).strip().casefold() == "germline" for word in variants["origin"]], dtype=np.bool_)
