"""Fusions and structural variants: cBioPortal, Arriba, STAR-Fusion, and plain tables of two genes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from genoxel.core.errors import FileFormatError
from genoxel.core.ids import clean_id
from genoxel.core.records import Records
from genoxel.io.columns import ColumnFile
from genoxel.io.maf import check_build, read_profiled, sample_key

_LEFT = ("site1_hugo_symbol", "gene1", "#gene1", "leftgene", "gene_5prime", "gene5", "5_prime_gene", "gene_a")
_RIGHT = ("site2_hugo_symbol", "gene2", "rightgene", "gene_3prime", "gene3", "3_prime_gene", "gene_b")
_SAMPLE = ("sample_id", "sample", "tumor_sample_barcode", "patient", "patient_id")
_PAIR = ("fusion", "fusionname", "#fusionname")
_STATUS = ("sv_status", "mutation_status")


def read_fusions(
    path: str | Path,
    profiled: str | Path | Iterable[str] | None = None,
    sample: str = "",
    patients: Mapping[str, str] | None = None,
    build: str | None = None,
) -> Records:
    """Return fusions as `Records` of kind "fusions": gene1, gene2 (as written), sample, status (somatic or germline).

    `sample` names the sample of a file that holds one (Arriba, STAR-Fusion). Who was looked at is told by `profiled`,
    as in `read_maf`. Raises `FileFormatError` for a file without two genes or without sample, or of another build.
    """
    file = ColumnFile(path)
    left, right, pair = (file.place(*names) for names in (_LEFT, _RIGHT, _PAIR))
    named = file.place(*_SAMPLE)
    if pair is None and (left is None or right is None):
        raise FileFormatError(
            f"{file.name} without two genes (its columns begin {', '.join(file.header[:6])})",
            "Site1_Hugo_Symbol and Site2_Hugo_Symbol, gene1 and gene2, or #FusionName",
            "rename its columns",
        )
    if named is None and not sample:
        raise FileFormatError(f"{file.name} without sample", "a column Sample_Id", "say whose it is: sample = ...")
    words = _columns(
        file, {"left": left, "right": right, "pair": pair, "sample": named, "status": file.place(*_STATUS)}
    )
    words |= _columns(file, {"build": file.place("NCBI_Build")})
    for word in sorted(set(words.get("build", [])) - {""}):
        check_build(file.name, word, build)
    count = len(next(iter(words.values()), []))
    genes = _genes(words, count, file)
    samples = [clean_id(name) for name in words.get("sample", [sample] * count)]
    rows = tuple(sample_key(name, patients or {}, at + 2) for at, name in enumerate(samples))
    assayed = None
    if profiled is not None:
        ids = read_profiled(profiled) if isinstance(profiled, str | Path) else tuple(profiled)
        assayed = tuple(sample_key(name, patients or {}, 0) for name in ids)
    status = [word.casefold() for word in words.get("status", [""] * count)]
    fields = {
        "gene1": np.array([first for first, _ in genes], dtype=object),
        "gene2": np.array([second for _, second in genes], dtype=object),
        "sample": np.array(samples, dtype=object),
        "status": np.array(status, dtype=object),
    }
    return Records("fusions", rows, fields, assayed)


def _columns(file: ColumnFile, places: Mapping[str, int | None]) -> dict[str, list[str]]:
    there = {name: place for name, place in places.items() if place is not None}
    found: dict[str, list[str]] = {name: [] for name in there}
    for blocks in file.blocks(list(there.values())) if there else ():
        for name, block in zip(there, blocks, strict=True):
            found[name] += block.words({}).tolist()
    return found


def _genes(words: Mapping[str, list[str]], count: int, file: ColumnFile) -> list[tuple[str, str]]:
    if "left" in words and "right" in words:
        pairs = zip(words["left"], words["right"], strict=True)
        return [(one.partition("^")[0], other.partition("^")[0]) for one, other in pairs]
    found = []
    for row, name in enumerate(words["pair"]):
        one, sign, other = name.replace("::", "--").partition("--")
        if not sign:
            raise FileFormatError(
                f"the fusion {name!r} in line {file.line(row)} of {file.name}",
                "GENE1--GENE2 or GENE1::GENE2",
                "correct it",
            )
        found.append((one.strip(), other.strip()))
    return found
