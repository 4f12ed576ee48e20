"""Expression matrices: genes x samples or samples x genes, as text, packed or not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from genoxel.core.errors import FileFormatError, TableError
from genoxel.core.ids import Barcode, clean_id, is_tcga
from genoxel.core.image import FloatArray
from genoxel.core.keys import RowKey
from genoxel.core.table import Column, Source, Table
from genoxel.io.matrix import Matrix, read_matrix
from genoxel.io.streams import Progress
from genoxel.omics.symbols import damaged, repaired, without_version

_GENE_WORDS = (
    *("name", "probe", "probe_id", "id_ref", "composite element ref", "composite.element.ref", "entity_stable_id"),
    *("cpg", "targetid", "mirna", "mirna_id", "protein", "antibody", "geneset_id", "gene set"),
    *("gene", "genes", "hugo_symbol", "symbol", "gene_symbol", "gene_name", "gene_id", "genesymbol", "hgnc"),
)
_SAMPLE_WORDS = (
    *("patient", "patient_id", "patientid", "sample", "sample_id", "sampleid", "case", "case_id", "case id", "id"),
    "barcode",
)
_ANNOTATION = (
    *("entrez_gene_id", "entrez", "entrezid", "description", "gene_type", "composite.element.ref", "cytoband", "name"),
    *("url", "confidencestatement", "locus id", "gene_biotype"),
)


def read_expression(
    path: str | Path,
    unit: str = "",
    ids: Collection[str] = (),
    skip: Sequence[str] = (),
    rules: MatrixRules | None = None,
) -> Table:
    """Return an expression matrix as a `Table` of kind "expression": rows are samples, columns genes in `unit`.

    Which side holds the samples is seen by TCGA barcodes, by `ids` (patients or samples that are known), or by the
    word above the first column; otherwise the file is refused. TCGA barcodes are cut to the patient and kept as sample
    in the row key. `skip` names columns to leave out. Empty cells and NA are missing. `rules` say what happens to
    genes that a spreadsheet damaged or that occur twice. Raises `TableError` for genes or samples that occur twice and
    for damaged symbols unless the rules allow them, `FileFormatError` for cells that are no number.
    """
    chosen = rules or MatrixRules()
    matrix = read_matrix(path, {*(name.casefold() for name in skip), *_ANNOTATION}, chosen.progress)
    header = [clean_id(name) for name in matrix.header]
    above = _samples_in_header(matrix, list(matrix.first), header, set(ids))
    samples, genes = (header, list(matrix.first)) if above else (list(matrix.first), header)
    values = matrix.values(transpose=above)
    names, definitions, values = name_genes(genes, values, matrix.name, chosen)
    source = Source(family=chosen.kind)
    columns = tuple(
        Column(gene, unit=unit, definition=text, source=source) for gene, text in zip(names, definitions, strict=True)
    )
    return Table(values, tuple(_key(sample, matrix.name) for sample in samples), columns, chosen.kind)


@dataclass(frozen=True)
class MatrixRules:
    """What to do with the names of a matrix.

    `damage`: "refuse" or "repair" symbols that a spreadsheet turned into dates or numbers; repairing leaves out those
    that cannot be told. `twice`: "refuse", or the "mean" or "max" of rows of the same gene. `names` maps the file's
    names (probes, Ensembl numbers) to genes, names without gene are left out; `versions=False` cuts ENSG...12 to
    ENSG.... `say` is told of everything that was changed.
    """

    damage: Literal["refuse", "repair"] = "refuse"
    twice: Literal["refuse", "mean", "max"] = "refuse"
    names: Mapping[str, str] | None = None
    versions: bool = True
    kind: str = "expression"
    say: Callable[[str], None] | None = None
    progress: Progress | None = None

    def tell(self, text: str) -> None:
        """Say `text` to whoever listens."""
        if self.say is not None:
            self.say(text)


def name_genes(
    genes: list[str], values: FloatArray, name: str, rules: MatrixRules
) -> tuple[list[str], list[str], FloatArray]:
    """Return the genes as they will be called, what was done to each, and the columns that are kept."""
    empty = sum(not gene for gene in genes)
    if empty:
        raise TableError(f"{empty} rows of {name} without gene name", "a gene in every row", "remove them")
    called = list(genes)
    if not rules.versions:
        called = [without_version(gene) for gene in called]
    if rules.names is not None:
        called = [rules.names.get(gene, "") for gene in called]
        rules.tell(f"{name}: {sum(not gene for gene in called)} of {len(called)} names have no gene and are left out")
    called = _undamaged(called, name, rules)
    if all(called) and len(set(called)) == len(called):
        return called, _said(genes, called), values
    return _merged(genes, called, values, name, rules)


def _undamaged(genes: list[str], name: str, rules: MatrixRules) -> list[str]:
    lost = damaged(gene for gene in genes if gene)
    if not lost:
        return genes
    if rules.damage == "refuse":
        some = ", ".join(f"{gene!r} ({' or '.join(was) or 'a gene'})" for gene, was in list(lost.items())[:5])
        raise TableError(
            f"gene names that a spreadsheet turned into dates or numbers in {name}: {some}",
            "gene symbols",
            "export the matrix again without a spreadsheet, or let them be repaired",
        )
    fixed = repaired(genes)
    known = [f"{gene} -> {new}" for gene, new in fixed.items() if new]
    gone = [gene for gene, new in fixed.items() if not new]
    if known:
        rules.tell(f"{name}: {len(known)} gene names repaired: {', '.join(known)}")
    if gone:
        rules.tell(f"{name}: {len(gone)} gene names that a spreadsheet damaged are left out: {', '.join(gone)}")
    return [fixed.get(gene, gene) for gene in genes]


def _said(genes: Sequence[str], called: Sequence[str]) -> list[str]:
    return ["" if gene == name else f"{gene} in the file" for gene, name in zip(genes, called, strict=True)]


def _merged(
    genes: Sequence[str], called: Sequence[str], values: FloatArray, name: str, rules: MatrixRules
) -> tuple[list[str], list[str], FloatArray]:
    places: dict[str, list[int]] = {}
    for place, gene in enumerate(called):
        if gene:
            places.setdefault(gene, []).append(place)
    twice = sorted(gene for gene, at in places.items() if len(at) > 1)
    if twice and rules.twice == "refuse":
        some = ", ".join(twice[:5]) + (" ..." if len(twice) > 5 else "")
        raise TableError(
            f"{len(twice)} genes more than once in {name}: {some}", "each gene once", "keep one of each, or merge them"
        )
    if twice:
        rules.tell(f"{name}: {len(twice)} genes stand in several rows; the {rules.twice} of each is taken")
    whole = np.empty((len(values), len(places)))
    for column, at in enumerate(places.values()):
        whole[:, column] = values[:, at[0]] if len(at) == 1 else _of_several(values[:, at], rules.twice)
    whole.flags.writeable = False
    said = [", ".join(dict.fromkeys(genes[place] for place in at)) for at in places.values()]
    texts = ["" if text == gene else f"{text} in the file" for text, gene in zip(said, places, strict=True)]
    return list(places), texts, whole


def _of_several(block: FloatArray, how: str) -> FloatArray:
    known = ~np.isnan(block).all(axis=1)
    result = np.full(len(block), np.nan)
    result[known] = np.nanmean(block[known], axis=1) if how == "mean" else np.nanmax(block[known], axis=1)
    return result


def _samples_in_header(matrix: Matrix, first: list[str], header: list[str], ids: set[str]) -> bool:
    """Return whether samples stand in the header; by barcodes, then known ids, then the word above the first column."""
    for known in (is_tcga, ids.__contains__):
        above, beside = (sum(map(known, names)) for names in (header, first))
        if above != beside:
            return above > beside
    word = matrix.corner.casefold()
    if word in _GENE_WORDS:
        return True
    if word in _SAMPLE_WORDS:
        return False
    raise FileFormatError(
        f"{matrix.name}, in which samples cannot be told from genes (first column {matrix.corner!r})",
        "'gene' or 'sample' above the first column, or TCGA barcodes",
        "rename the first column",
    )


def _key(sample: str, name: str) -> RowKey:
    if not sample:
        raise TableError(f"a sample without name in {name}", "an id for every sample", "name it")
    if not is_tcga(sample):
        return RowKey(sample)
    barcode = Barcode.parse(sample)
    return RowKey(barcode.patient, sample=sample if barcode.kind else "")
