"""GEO series matrix files: values of probes per sample, and what the series says of each sample."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genoxel.core.errors import FileFormatError
from genoxel.core.image import FloatArray
from genoxel.core.keys import RowKey
from genoxel.core.table import Column, Source, Table
from genoxel.io.expression import MatrixRules, name_genes
from genoxel.io.streams import Progress, TextStream
from genoxel.omics.texts import read_numbers

_BEGIN, _END = "!series_matrix_table_begin", "!series_matrix_table_end"

_SYMBOLS = ("gene symbol", "gene_symbol", "symbol", "ilmn_gene", "genesymbol")
"""Names of the column of symbols in tables of Affymetrix, Agilent, Illumina and GEO's own annotation files."""


@dataclass(frozen=True, eq=False)
class SeriesMatrix:
    """One series matrix: the `table` (samples x probes or genes), each sample's `facts`, and the array's `platform`.

    `facts` maps a column ("title", "source", and every "name: value" of the characteristics) to sample -> text.
    """

    table: Table
    facts: Mapping[str, Mapping[str, str]]
    accession: str
    platform: str

    def __repr__(self) -> str:
        return f"SeriesMatrix {self.accession} ({self.platform}): {self.table!r}, facts {', '.join(self.facts)}"


def read_series_matrix(
    path: str | Path, unit: str = "", rules: MatrixRules | None = None, progress: Progress | None = None
) -> SeriesMatrix:
    """Return a series matrix (`.txt` or `.txt.gz`), read line by line; rows of the table are GSM accessions.

    GEO copies values as their authors sent them, so nothing tells their unit: give it. `rules.names` maps probes to
    genes (see `read_platform`). Raises `FileFormatError` for a file without or with half a table, for rows of other
    length, for values that are no number, and for a sample with two values of one characteristic.
    """
    with TextStream(path, progress) as stream:
        reader = _Reader(Path(path).name)
        for line in stream.lines():
            reader.take(line)
    return reader.done(unit, rules or MatrixRules())


def read_platform(path: str | Path) -> tuple[dict[str, str], int]:
    """Return (probe -> gene symbol, number of probes left out) of a GEO platform table (GPL..., `.annot` or `.soft`).

    A probe without symbol, or with several ("DDR1 /// MIR4640"), is left out: which of them it measured cannot be
    told. Pass the mapping as `MatrixRules(names=...)`. Raises `FileFormatError` for a file without ID and symbols.
    """
    name, found, out = Path(path).name, dict[str, str](), 0
    with TextStream(path) as stream:
        rows = (line.split("\t") for line in stream.lines() if line and line[0] not in "#!^")
        header = [cell.strip().strip('"').casefold() for cell in next(rows, [])]
        place = next((header.index(word) for word in _SYMBOLS if word in header), None)
        if place is None or header[0] != "id":
            raise FileFormatError(
                f"{name} without the columns ID and one of {', '.join(_SYMBOLS)}",
                "a GEO platform table",
                "take the GPL's own",
            )
        for number, cells in enumerate(rows, 1):
            if len(cells) != len(header):
                got = f"{len(cells)} cells in row {number} of {name}"
                raise FileFormatError(got, f"{len(header)} cells as in the header", "fetch it again")
            probe, symbol = cells[0].strip().strip('"'), cells[place].strip().strip('"')
            if found.get(probe, symbol) != symbol:
                raise FileFormatError(
                    f"the probe {probe} with two symbols in {name}", "one row a probe", "remove one row"
                )
            if symbol and "///" not in symbol and symbol not in ("---", "NA"):
                found[probe] = symbol
            else:
                out += 1
    return found, out


class _Reader:
    """Takes the lines of a series matrix one by one."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.series: dict[str, str] = {}
        self.about: list[tuple[str, list[str]]] = []
        self.samples: list[str] = []
        self.probes: list[str] = []
        self.values: list[FloatArray] = []
        self.state = "head"
        self.number = 0

    def take(self, line: str) -> None:
        self.number += 1
        text = line.rstrip("\r\n")
        if text.casefold() in (_BEGIN, _END):
            wanted = "head" if text.casefold() == _BEGIN else "table"
            if self.state != wanted:
                raise self._fault(f"{text} out of place")
            self.state = "table" if wanted == "head" else "done"
        elif self.state == "table":
            self._row(text)
        elif text:
            self._head(text)

    def _cells(self, text: str) -> list[str]:
        try:
            return [cell.strip() for cell in next(csv.reader([text], delimiter="\t", strict=True))]
        except csv.Error as error:
            raise self._fault(f"a stray quote ({error})") from error

    def _head(self, text: str) -> None:
        key, *cells = self._cells(text)
        if key.startswith("!Sample_"):
            self.about.append((key.removeprefix("!Sample_"), cells))
        elif key in ("!Series_geo_accession", "!Series_platform_id") and cells:
            name = key.removeprefix("!Series_")
            self.series[name] = " ".join(filter(None, (self.series.get(name, ""), cells[0])))

    def _row(self, text: str) -> None:
        name, *cells = self._cells(text) or [""]
        if not self.samples:
            if name != "ID_REF" or not cells:
                raise self._fault("a table that does not begin with ID_REF")
            self.samples = cells
            return
        if len(cells) != len(self.samples) or not name:
            raise self._fault(f"{len(cells)} values for {len(self.samples)} samples")
        try:
            row = np.array([float(cell) if cell else np.nan for cell in cells])
        except ValueError:
            row = self._words(cells)
        if "_" in text[len(name) + 2 :]:  # Python reads 1_5 as 15
            row = self._words(cells)
        if np.isinf(row).any():
            raise self._fault("an infinite value")
        self.probes.append(name)
        self.values.append(row)

    def _words(self, cells: list[str]) -> FloatArray:
        numbers, odd = read_numbers(dict(zip(map(str, range(len(cells))), cells, strict=True)))
        if odd:
            raise self._fault(f"{next(iter(odd.values()))[:40]!r} among the values")
        return np.array(list(numbers.values()), dtype=np.float64)

    def _fault(self, what: str) -> FileFormatError:
        return FileFormatError(f"{what} in line {self.number} of {self.name}", "a GEO series matrix", "fetch it again")

    def done(self, unit: str, rules: MatrixRules) -> SeriesMatrix:
        """Return the whole; a table without end was cut short."""
        if self.state != "done":
            raise self._fault("no table" if self.state == "head" else "a table without end: the file was cut short")
        if len(set(self.samples)) < len(self.samples):
            raise self._fault("a sample twice")
        if not self.probes:
            got = f"{self.name} without values (sequencing series keep theirs in supplementary files)"
            raise FileFormatError(got, "a series of arrays", "take the supplementary file and read it as expression")
        values = np.ascontiguousarray(np.array(self.values).T)
        names, definitions, values = name_genes(self.probes, values, self.name, rules)
        columns = tuple(
            Column(gene, unit=unit, definition=text, source=Source(family=rules.kind))
            for gene, text in zip(names, definitions, strict=True)
        )
        rows = tuple(RowKey(sample) for sample in self.samples)
        table = Table(values, rows, columns, rules.kind)
        return SeriesMatrix(
            table, self._facts(), self.series.get("geo_accession", ""), self.series.get("platform_id", "")
        )

    def _facts(self) -> dict[str, dict[str, str]]:
        facts: dict[str, dict[str, str]] = {}
        for key, cells in self.about:
            if len(cells) != len(self.samples):
                raise FileFormatError(
                    f"{len(cells)} cells of !Sample_{key} for {len(self.samples)} samples in {self.name}",
                    "one cell a sample", "fetch it again",
                )  # fmt: skip
            pairs = zip(self.samples, cells, strict=True)
            if key.startswith("characteristics_ch"):
                self._characteristics(facts, dict(pairs))
            elif key in ("title", "source_name_ch1", "platform_id"):
                facts[key.removesuffix("_name_ch1")] = dict(pairs)
        return facts

    def _characteristics(self, facts: dict[str, dict[str, str]], cells: Mapping[str, str]) -> None:
        """Sort "name: value" by its name: one line of the file may hold other names for other samples."""
        for sample, cell in cells.items():
            name, colon, value = cell.partition(":")
            place = facts.setdefault(name.strip() if colon else "characteristics", {})
            told = value.strip() if colon else cell
            if not told:
                continue
            if place.get(sample, told) != told:
                raise FileFormatError(
                    f"sample {sample} with two values of {name.strip()!r} in {self.name}", "one value", "look it up"
                )
            place[sample] = told
