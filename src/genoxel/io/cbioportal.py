"""A whole cBioPortal study folder: every profile in, who was profiled on which panel, and what was left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from genoxel.core.cohort import Cohort
from genoxel.core.errors import FileFormatError, GenoxelError, MissingFileError, describe
from genoxel.core.ids import clean_id
from genoxel.core.keys import RowKey
from genoxel.core.records import Records
from genoxel.core.table import Table
from genoxel.io.clinical import ClinicalSheet, read_clinical
from genoxel.io.cn_segments import read_gene_copies, read_segments
from genoxel.io.delimited import read_grid
from genoxel.io.expression import MatrixRules, read_expression
from genoxel.io.files import safe_text
from genoxel.io.fusions import read_fusions
from genoxel.io.generic_assay import read_generic_assay
from genoxel.io.maf import read_maf, read_profiled, sample_key
from genoxel.io.streams import Progress

_KINDS = {
    "MRNA_EXPRESSION": "expression",
    "METHYLATION": "methylation",
    "PROTEIN_LEVEL": "protein",
    "GENESET_SCORE": "genesets",
    "GENERIC_ASSAY": "assay",
}
_NUMBERS = ("CONTINUOUS", "LOG2-VALUE", "LOG-VALUE", "LIMIT-VALUE", "GSVA-SCORE")


@dataclass(frozen=True, eq=False)
class CbioportalStudy:
    """The profiles of one study: events, tables by their stable id, clinical sheets, and what could not be read.

    `left_out` maps a file to the reason; nothing is left out in silence. `notes` tell what was repaired.
    """

    name: str
    build: str = ""
    variants: Records | None = None
    fusions: Records | None = None
    segments: Records | None = None
    tables: Mapping[str, Table] = field(default_factory=dict)
    clinical: ClinicalSheet | None = None
    samples: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def patients(self) -> tuple[str, ...]:
        """Every patient that any profile or the clinical sheets name."""
        known = dict.fromkeys(self.clinical.patients if self.clinical else ())
        known.update(dict.fromkeys(self.samples.values()))
        for records in (self.variants, self.fusions, self.segments):
            if records is not None:
                known.update(dict.fromkeys([*records.patients, *(row.patient for row in records.profiled or ())]))
        for table in self.tables.values():
            known.update(dict.fromkeys(table.patients))
        return tuple(known)

    def cohort(self) -> Cohort:
        """Return everything aligned by patient; a layer may lack patients."""
        cohort = Cohort(self.patients)
        for name, table in self.tables.items():
            cohort = cohort.with_table(name, table)
        for name in ("variants", "fusions", "segments"):
            records = getattr(self, name)
            if records is not None:
                cohort = cohort.with_records(name, records)
        return cohort

    def describe(self) -> str:
        """Return one line per profile: what was read, for how many patients, and what was left out and why."""
        lines = [f"{self.name} · {len(self.patients)} patients · build {self.build or 'not said'}"]
        for records in (self.variants, self.fusions, self.segments):
            lines += [] if records is None else [repr(records).partition(";")[0]]
        lines += [f"{name}: {table!r}" for name, table in self.tables.items()]
        lines += [f"left out {name}: {reason}" for name, reason in self.left_out.items()]
        return "\n".join([*lines, *self.notes])

    def __repr__(self) -> str:
        found = [name for name in ("variants", "fusions", "segments") if getattr(self, name) is not None]
        return f"CbioportalStudy {self.name}: {len(self.patients)} patients; {', '.join([*found, *self.tables])}"


def read_cbioportal(folder: str | Path, progress: Progress | None = None) -> CbioportalStudy:
    """Return the study in a cBioPortal folder (its meta_*.txt files say what each data file is).

    A sample counts as profiled for mutations when a case list *_sequenced holds it or the gene panel matrix names its
    panel; the panel limits which genes are known. z-scores are left out, since they were made from all patients at
    once. Raises `MissingFileError` when the folder holds no meta file; a profile that cannot be read is listed.
    """
    place = Path(folder)
    metas = dict(_metas(place))
    if not metas:
        raise MissingFileError(f"no meta_*.txt in {place.name}", "a cBioPortal study folder", "name the folder itself")
    reader = _Folder(place, metas, progress)
    return reader.read()


def _metas(place: Path) -> Iterator[tuple[str, dict[str, str]]]:
    for path in sorted(place.glob("meta_*.txt")) if place.is_dir() else ():
        lines = (line.partition(":") for line in safe_text(path).splitlines() if ":" in line)
        yield path.name, {key.strip(): value.strip() for key, _, value in lines}


class _Folder:
    """Reads the profiles of one folder, one after another."""

    def __init__(self, place: Path, metas: Mapping[str, Mapping[str, str]], progress: Progress | None) -> None:
        self.place, self.metas, self.progress = place, metas, progress
        self.study = CbioportalStudy(metas.get("meta_study.txt", {}).get("cancer_study_identifier", place.name))
        self.left_out: dict[str, str] = {}
        self.tables: dict[str, Table] = {}
        self.notes: list[str] = []

    def read(self) -> CbioportalStudy:
        """Return everything that could be read."""
        self._clinical()
        for meta in self.metas.values():
            name = meta.get("data_filename", "")
            kind = meta.get("genetic_alteration_type", "")
            if not name or kind in ("", "CLINICAL", "CANCER_TYPE", "GENE_PANEL_MATRIX"):
                continue
            try:
                self._profile(name, kind, meta)
            except GenoxelError as error:
                self.left_out[name] = describe(error)
        build = self.study.build or self._build_of_variants()
        parts = {"tables": self.tables, "left_out": self.left_out, "notes": tuple(self.notes), "build": build}
        return replace(self.study, **parts)  # type: ignore[arg-type]

    def _build_of_variants(self) -> str:
        variants = self.study.variants
        known = set() if variants is None or "build" not in variants.fields else set(variants["build"].tolist())
        return next(iter(sorted(known - {""})), "")

    def _clinical(self) -> None:
        for meta in self.metas.values():
            if meta.get("genetic_alteration_type") != "CLINICAL":
                continue
            path = self.place / meta["data_filename"]
            try:
                if meta.get("datatype") == "SAMPLE_ATTRIBUTES":
                    grid = read_grid(path)
                    pairs = zip(grid.column("SAMPLE_ID"), grid.column("PATIENT_ID"), strict=True)
                    named = {clean_id(sample): clean_id(patient) for sample, patient in pairs}
                    self.study = replace(self.study, samples=named)
                else:
                    self.study = replace(self.study, clinical=read_clinical(path, "PATIENT_ID"))
            except GenoxelError as error:
                self.left_out[path.name] = describe(error)

    def _profile(self, name: str, kind: str, meta: Mapping[str, str]) -> None:
        path, datatype = self.place / name, meta.get("datatype", "")
        build = meta.get("reference_genome_id", "")
        readers: dict[str, Callable[[], None]] = {
            "MUTATION_EXTENDED": lambda: self._mutations(path, meta.get("stable_id", "mutations")),
            "STRUCTURAL_VARIANT": lambda: self._fusions(path),
        }
        if kind in readers:
            readers[kind]()
        elif datatype == "SEG":
            segments = read_segments(path, build, self.study.samples, overlap="unknown", say=self.notes.append)
            self.study = replace(self.study, segments=segments, build=build)
        elif kind == "COPY_NUMBER_ALTERATION" and datatype in ("DISCRETE", "DISCRETE_LONG"):
            self._table(meta.get("stable_id", "gistic"), read_gene_copies(path, self._rules("copynumber")))
        elif kind == "GENERIC_ASSAY" and datatype in _NUMBERS:
            self._table(meta.get("stable_id", name), read_generic_assay(path))
        elif kind in (*_KINDS, "COPY_NUMBER_ALTERATION") and datatype in _NUMBERS:
            rules = self._rules(_KINDS.get(kind, "copynumber"))
            unit = meta.get("profile_name", "") if kind == "MRNA_EXPRESSION" else datatype.casefold()
            self._table(meta.get("stable_id", name), read_expression(path, unit, list(self.study.samples), rules=rules))
        else:
            reason = "made from all patients at once" if datatype == "Z-SCORE" else "no numbers per patient and gene"
            self.left_out[name] = f"{kind.casefold()} {datatype}: {reason}"

    def _rules(self, kind: str) -> MatrixRules:
        return MatrixRules("repair", "refuse", None, True, kind, self.notes.append, self.progress)

    def _table(self, name: str, table: Table) -> None:
        rows = tuple(self._row(row) for row in table.rows)
        self.tables[name] = replace(table, rows=rows)

    def _row(self, row: RowKey) -> RowKey:
        for text in (row.sample, row.patient):
            if text in self.study.samples:
                return RowKey(self.study.samples[text], sample=text)
        return row

    def _mutations(self, path: Path, profile: str) -> None:
        listed = dict.fromkeys(self._case_list("_sequenced"))
        panels = self._panels(profile)
        ids = (*listed, *(sample for sample in panels if sample not in listed)) if listed or panels else None
        records = read_maf(path, ids, patients=self.study.samples, progress=self.progress)
        whole = {sample_key(sample, self.study.samples, 0).patient for sample in listed if sample not in panels}
        covered: dict[str, frozenset[str]] = {}
        for sample, genes in panels.items():
            patient = sample_key(sample, self.study.samples, 0).patient
            covered[patient] = covered.get(patient, frozenset()) | genes
        covered = {patient: genes for patient, genes in covered.items() if patient not in whole}
        if ids is None:
            self.notes.append("mutations: no case list *_sequenced and no gene panel matrix, so nobody is wild type")
        self.study = replace(self.study, variants=replace(records, panels=covered))

    def _fusions(self, path: Path) -> None:
        ids = self._case_list("_sv") or self._case_list("_structural_variants")
        records = read_fusions(path, ids or None, patients=self.study.samples)
        self.study = replace(self.study, fusions=records)

    def _case_list(self, ending: str) -> tuple[str, ...]:
        for path in sorted((self.place / "case_lists").glob("*.txt")):
            lines = safe_text(path).splitlines()
            stable = next((line.partition(":")[2].strip() for line in lines if line.startswith("stable_id:")), "")
            if stable.endswith(ending):
                return read_profiled(path)
        return ()

    def _panels(self, profile: str) -> dict[str, frozenset[str]]:
        """Return sample -> genes of its panel, for samples whose panel is named."""
        meta = next((meta for meta in self.metas.values() if meta.get("datatype") == "GENE_PANEL_MATRIX"), None)
        if meta is None:
            return {}
        grid = read_grid(self.place / meta["data_filename"], delimiter="\t")
        if profile not in grid.header:
            return {}
        known = self._panel_genes()
        found: dict[str, frozenset[str]] = {}
        for sample, panel in zip(grid.column("SAMPLE_ID"), grid.column(profile), strict=True):
            if panel in ("", "NA"):
                continue
            if panel not in known:
                self.left_out.setdefault(f"gene panel {panel}", "its list of genes is not in the folder")
            found[clean_id(sample)] = known.get(panel, frozenset())
        return found

    def _panel_genes(self) -> dict[str, frozenset[str]]:
        panels = {}
        for path in sorted(self.place.glob("*gene_panel*.txt")):
            lines = dict(line.split(":", 1) for line in safe_text(path).splitlines() if ":" in line)
            if "gene_list" in lines and "stable_id" in lines:
                panels[lines["stable_id"].strip()] = frozenset(lines["gene_list"].split())
        return panels


def panel_of(path: str | Path) -> tuple[str, ...]:
    """Return the genes of a panel: a cBioPortal gene panel file, or one gene a line; `FileFormatError` when empty."""
    lines = [line.strip() for line in safe_text(path).splitlines() if line.strip() and not line.startswith("#")]
    listed = next((line.partition(":")[2].split() for line in lines if line.startswith("gene_list:")), None)
    genes = listed if listed is not None else [line.split("\t")[0].split(",")[0] for line in lines]
    if not genes:
        raise FileFormatError(f"no gene in {Path(path).name}", "a panel's genes", "check the file")
    return tuple(dict.fromkeys(genes))
