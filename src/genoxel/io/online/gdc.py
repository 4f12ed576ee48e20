"""Genomic Data Commons: clinical facts, masked somatic mutations and expression of one project, open access.

Source of the questions and answers: GDC API User's Guide, "Search and Retrieval" and "Downloading Files".
"""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from genoxel.core.errors import FileFormatError, RemoteError
from genoxel.io.files import atomic_write
from genoxel.io.online.web import Expected, Web

API = "https://api.gdc.cancer.gov"
CITATION = (
    "Grossman RL et al. Toward a shared vision for cancer genomic data. New England Journal of Medicine "
    "2016;375:1109-1112, doi:10.1056/NEJMp1607591"
)
_PAGE = 500
_KINDS = {
    "mutations": ("Masked Somatic Mutation", "Aliquot Ensemble Somatic Variant Merging and Masking"),
    "expression": ("Gene Expression Quantification", "STAR - Counts"),
}
_FILE_FIELDS = (
    "file_id,file_name,file_size,md5sum,access,cases.submitter_id,cases.samples.submitter_id,"
    "cases.samples.tissue_type,cases.samples.sample_type"
)
_CASE_FIELDS = {
    "patient": "submitter_id",
    "sex": "demographic.gender",
    "vital_status": "demographic.vital_status",
    "days_to_death": "demographic.days_to_death",
    "age_years": "diagnoses.age_at_diagnosis",
    "diagnosis": "diagnoses.primary_diagnosis",
    "stage": "diagnoses.ajcc_pathologic_stage",
    "grade": "diagnoses.tumor_grade",
    "days_to_last_follow_up": "diagnoses.days_to_last_follow_up",
}
_DAYS_OF_A_YEAR = 365.25

Say = Callable[[str], object]


@dataclass(frozen=True)
class GdcFile:
    """One open file of a project: what it is called, what it must be, and the tumour samples it speaks of."""

    id: str
    name: str
    expected: Expected
    patient: str
    samples: tuple[str, ...]

    @property
    def sample(self) -> str:
        """The tumour sample as it is called in tables: its TCGA barcode, or else its patient."""
        return self.samples[0] if self.patient.startswith("TCGA-") else self.patient


def files_of(
    web: Web, project: str, kind: str, patients: Sequence[str] = (), say: Say | None = None
) -> tuple[GdcFile, ...]:
    """Return the open files of a kind ("mutations", "expression") of tumours, one a sample, ordered by sample.

    `patients` limits them. Files of normal tissue are left out. Of several files of one sample the first by name is
    taken, since two would count a mutation twice; `say` is told of the others, and of files of several samples. Raises
    `RemoteError` for a project without any.
    """
    data_type, workflow = _KINDS[kind]
    wanted = {
        "cases.project.project_id": project,
        "files.data_type": data_type,
        "files.analysis.workflow_type": workflow,
        "files.access": "open",
    }
    terms = [{"op": "=", "content": {"field": field, "value": value}} for field, value in wanted.items()]
    if patients:
        terms.append({"op": "in", "content": {"field": "cases.submitter_id", "value": list(patients)}})
    hits = list(_hits(web, "files", {"op": "and", "content": terms}, _FILE_FIELDS))
    files = [file for hit in hits if (file := _file(hit)) is not None]
    mixed = [str(hit.get("file_name")) for hit in hits if hit.get("access") == "open" and _tumours(hit) > 1]
    files.sort(key=lambda file: (file.sample, file.name))
    first = {file.sample: file for file in reversed(files)}
    found = [file for file in files if first[file.sample] is file]
    again = [file.name for file in files if first[file.sample] is not file]
    for names, why in ((again, "of samples that have one already"), (mixed, "of several samples")):
        if names and say is not None:
            say(f"{kind}: {len(names)} more files {why} were left out: {', '.join(names)}")
    if not found:
        raise RemoteError(
            f"no open {kind} of tumours in the GDC project {project}", "a project with such files", "look at its page"
        )
    return tuple(found)


def _tumours(hit: dict[str, Any]) -> int:
    """Return how many tumour samples a file speaks of."""
    samples = [one for case in hit.get("cases", []) for one in case.get("samples", [])]
    return sum(one.get("tissue_type") == "Tumor" for one in samples)


def _file(hit: dict[str, Any]) -> GdcFile | None:
    """Return what an answer says of one file, or None where it speaks of normal tissue or of several patients."""
    cases = hit.get("cases", [])
    if len(cases) != 1 or hit.get("access") != "open":
        return None
    samples = [one for one in cases[0].get("samples", []) if one.get("tissue_type") == "Tumor"]
    if len(samples) != 1:
        return None
    name, identity = str(hit["file_name"]), str(hit["file_id"])
    if Path(name).name != name or not name or not identity.replace("-", "").isalnum():
        raise RemoteError(f"a file called {name[:80]!r}", "a plain file name", "tell the archive's keeper")
    expected = Expected(int(hit["file_size"]), str(hit["md5sum"]))
    return GdcFile(identity, name, expected, cases[0]["submitter_id"], (samples[0]["submitter_id"],))


def _hits(web: Web, endpoint: str, filters: dict[str, Any], fields: str) -> Iterator[dict[str, Any]]:
    """Yield all hits of a question, page by page; a total that changes on the way is refused."""
    total, seen = None, 0
    while total is None or seen < total:
        body = {"filters": filters, "fields": fields, "format": "JSON", "size": _PAGE, "from": seen}
        data = web.json(f"{API}/{endpoint}", {**body, "sort": f"{endpoint.removesuffix('s')}_id:asc"}).get("data", {})
        hits, now = data.get("hits", []), data.get("pagination", {}).get("total")
        if now is None or (total is not None and now != total) or (not hits and seen < now):
            raise RemoteError("a list of the GDC that changed while it was read", "the same total", "run it again")
        total, seen = now, seen + len(hits)
        yield from hits


def download(web: Web, files: Iterable[GdcFile], folder: Path, step: Callable[[bool], object] | None = None) -> None:
    """Bring `files` to `folder`, one by one; `step` is told of each whether it was there already."""
    for file in files:
        new = web.download(f"{API}/data/{file.id}", folder / file.name, file.expected)
        if step is not None:
            step(not new)


def write_clinical(web: Web, project: str, path: Path) -> tuple[str, ...]:
    """Write the clinical facts of a project's cases as CSV and return the patients.

    Age is the GDC's age at diagnosis, given in days, divided by 365.25. Where a case has several diagnoses the one
    that the GDC marks as primary counts, else the first.
    """
    project_is = {"op": "=", "content": {"field": "project.project_id", "value": project}}
    fields = ",".join((*_CASE_FIELDS.values(), "diagnoses.diagnosis_is_primary_disease"))
    rows = [_facts(case) for case in _hits(web, "cases", project_is, fields)]
    rows.sort(key=lambda row: row[0])
    people = tuple(row[0] for row in rows)
    if not people:
        raise RemoteError(f"no case in the GDC project {project}", "a project such as TCGA-GBM", "check its name")
    atomic_write(path, "".join(csv_line(row) for row in [list(_CASE_FIELDS), *rows]))
    return people


def _facts(case: dict[str, Any]) -> list[str]:
    diagnoses = case.get("diagnoses") or [{}]
    primary = [one for one in diagnoses if str(one.get("diagnosis_is_primary_disease")).casefold() == "true"]
    parts = {"demographic": case.get("demographic") or {}, "diagnoses": (primary or diagnoses)[0], "": case}
    facts = {
        name: parts[field.rpartition(".")[0]].get(field.rpartition(".")[2]) for name, field in _CASE_FIELDS.items()
    }
    if facts["age_years"] is not None:
        facts["age_years"] = round(float(facts["age_years"]) / _DAYS_OF_A_YEAR, 2)
    return ["" if value is None else str(value) for value in facts.values()]


def csv_line(cells: Iterable[str]) -> str:
    """Return one line of a CSV file, ended, with quotes where a cell needs them.

    >>> csv_line(["P1", "Glioma, malignant"]).strip()
    'P1,"Glioma, malignant"'
    """
    return ",".join('"' + cell.replace('"', '""') + '"' if set(cell) & set(',"\n\r') else cell for cell in cells) + "\n"


def join_mutations(files: Sequence[GdcFile], folder: Path, out: Path, profiled: Path) -> None:
    """Write one MAF of many, and the list of the samples that were sequenced (also those without any mutation).

    Lines pass one by one. Raises `FileFormatError` where two files differ in their columns.
    """
    atomic_write(out, lambda target: _join(files, folder, target))
    atomic_write(profiled, "".join(f"{sample}\n" for sample in dict.fromkeys(file.sample for file in files)))


def _join(files: Sequence[GdcFile], folder: Path, target: BinaryIO) -> None:
    header = b""
    for file in files:
        with gzip.open(folder / file.name) as lines:
            try:
                body = (line for line in lines if not line.startswith(b"#"))
                first = next(body, b"").rstrip(b"\r\n")
                _same_columns(header, first, file.name)
                if not header:
                    target.write(first + b"\n")
                    header = first
                for line in body:
                    target.write(line if line.endswith(b"\n") else line + b"\n")
            except (EOFError, gzip.BadGzipFile) as error:
                raise FileFormatError(f"a damaged gzip file {file.name}", "a whole file", "fetch it again") from error


def _same_columns(header: bytes, first: bytes, name: str) -> None:
    if not first or (header and first != header):
        raise FileFormatError(
            f"{name} with other columns than the files before it", "files of one release", "fetch into a new folder"
        )


def join_expression(files: Sequence[GdcFile], folder: Path, out: Path) -> None:
    """Write one matrix of TPM, genes x samples, from STAR count files; a file on the disk holds the numbers meanwhile.

    A gene goes by its symbol where that is its own, else by its Ensembl identifier. Raises `FileFormatError` where two
    files list different genes.
    """
    chosen = list(files)
    genes, _ = _star(folder / chosen[0].name)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".matrix") as room:
        shape = (len(chosen), len(genes))
        numbers = np.lib.format.open_memmap(Path(room) / "tpm.npy", mode="w+", dtype=np.float64, shape=shape)
        for place, file in enumerate(chosen):
            found, values = _star(folder / file.name)
            if found != genes:
                raise FileFormatError(
                    f"{file.name} with other genes than {chosen[0].name}", "one gene model", "fetch both again"
                )
            numbers[place] = values
        samples = [file.sample for file in chosen]
        atomic_write(out, partial(_write_matrix, samples=samples, genes=genes, numbers=numbers))
        del numbers  # closes its file before the folder goes


def _star(path: Path) -> tuple[list[tuple[str, str]], list[float]]:
    """Return the (identifier, symbol) of each gene and its TPM, without the four lines that count other reads."""
    genes, values = [], []
    with path.open(encoding="utf-8") as lines:
        body = (line.rstrip("\n").split("\t") for line in lines if not line.startswith("#"))
        header = next(body, [])
        if not {"gene_id", "gene_name", "tpm_unstranded"} <= set(header):
            raise FileFormatError(
                f"{path.name} without gene_id, gene_name, tpm_unstranded", "a STAR count file", "fetch it again"
            )
        at = [header.index(name) for name in ("gene_id", "gene_name", "tpm_unstranded")]
        for cells in body:
            if not cells[0].startswith("N_"):
                genes.append((cells[at[0]], cells[at[1]]))
                values.append(float(cells[at[2]]))
    return genes, values


def _write_matrix(target: BinaryIO, samples: Sequence[str], genes: Sequence[tuple[str, str]], numbers: Any) -> None:
    symbols = [symbol for _, symbol in genes]
    once = {symbol for symbol, count in zip(*np.unique(symbols, return_counts=True), strict=True) if count == 1}
    target.write(("gene\t" + "\t".join(samples) + "\n").encode())
    for begin in range(0, len(genes), 1000):
        block = np.ascontiguousarray(numbers[:, begin : begin + 1000].T)
        for (identity, symbol), row in zip(genes[begin : begin + 1000], block, strict=True):
            name = symbol if symbol in once else identity
            target.write((name + "\t" + "\t".join(repr(float(value)) for value in row) + "\n").encode())
