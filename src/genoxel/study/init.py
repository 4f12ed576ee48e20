"""`genoxel init`: look at images and spreadsheet, propose, and write a commented study file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genoxel.core.errors import GenoxelError, InputError, OutputError, TableError
from genoxel.io.delimited import Grid, read_grid
from genoxel.io.files import atomic_write, existing
from genoxel.io.inventory import Inventory
from genoxel.io.xlsx import read_sheets
from genoxel.omics.settings import TargetSettings
from genoxel.omics.targets import Reading
from genoxel.report.settings_words import listed
from genoxel.segment.proposal import Proposal as ContourProposal
from genoxel.segment.proposal import propose as propose_contours
from genoxel.study.draft import Draft, Molecules, draft_text
from genoxel.study.look import FolderLook, few, look_at_folder
from genoxel.study.propose import propose_clinical, propose_id_column, propose_site, propose_target
from genoxel.study.select import NO_IMAGES, sequence_of
from genoxel.study.study import DEFAULT_NAME

SPREADSHEETS = (".xlsx", ".xlsm", ".xls")
ENOUGH = 0.8
"""A modality or sequence is proposed when at least this share of the patients has it."""


@dataclass(frozen=True, eq=False)
class Proposal:
    """What `init` found and wrote: the file, its text, and the lines it said."""

    path: Path
    text: str
    targets: Mapping[str, Reading]
    lines: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return what was proposed as plain values."""
        words = {
            name: [{"word": word.word, "count": word.count, "read_as": word.read_as} for word in reading.words]
            for name, reading in self.targets.items()
        }
        return {"study_file": str(self.path), "targets": words, "said": list(self.lines)}


def propose(
    folder: Path,
    spreadsheet: Path,
    out: Path,
    say: Callable[[str], None] = print,
    quick: bool = False,
    genes: Mapping[str, TargetSettings] | None = None,
    sample: tuple[str, ...] = (),
) -> Proposal:
    """Look at `folder` and `spreadsheet`, say what was found, write a commented study file to `out` and return it.

    `genes` are targets that mutations tell, `sample` orders the TCGA sample types, as in [cohort] sample. `quick`
    proposes few repeats and permutations, as the demo needs. Raises `OutputError` when `out` exists,
    `MissingFileError` or `FileFormatError` for what cannot be read, `InputError` for a folder without images,
    `TableError` when no column holds the patients.
    """
    out = out / DEFAULT_NAME if out.is_dir() else out
    if out.exists():
        raise OutputError(f"{out}, which exists", "a new file", "remove it, or name another with --out")
    lines: list[str] = []

    def tell(text: str) -> None:
        lines.append(text)
        say(text)

    looked = look_at_folder(folder)
    tell(f"Read the headers of {looked.found.files:,} files")
    for line in looked.lines():
        tell(line)
    if not looked.found.patients:
        raise InputError(
            f"no image of any patient among the {looked.found.files:,} files of {folder.name}",
            "DICOM, NIfTI, NRRD or MHA",
            "name the folder that holds them; genoxel inventory says what cannot be read, and why",
        )
    contours = propose_contours(looked.found.structure_names())
    _say_contours(contours, tell)
    grid, patient = read_spreadsheet(spreadsheet, looked.found.patients)
    columns = {name: grid.column(name) for name in grid.header}
    targets = _targets(columns, patient)
    _say_sheet(grid, columns, patient, looked, targets, tell)
    draft = Draft(
        name=f"{', '.join(targets) or 'Study'} from {listed(_modalities(looked))}",
        table=_written(spreadsheet, out),
        sheet=grid.sheet,
        patient=patient,
        site=propose_site(columns, [patient, *targets]),
        clinical=propose_clinical(columns, [patient, *targets]),
        targets={**{name: settings for name, (settings, _) in targets.items()}, **(genes or {})},
        sample=sample,
        folder=_written(folder, out),
        modalities=_modalities(looked),
        pixel_mm=_pixel(looked.found, _modalities(looked)),
        roi=contours.roi,
        never=contours.never,
        molecules=find_molecules(spreadsheet.parent, out, tell),
        quick=quick,
    )
    text = draft_text(draft)
    atomic_write(out, text)
    argument = "" if out.name == DEFAULT_NAME else f" {out}"
    tell(f"Wrote {out} ({len(text.splitlines())} lines, commented).  Next: genoxel check{argument}")
    return Proposal(out, text, {name: reading for name, (_, reading) in targets.items()}, tuple(lines))


def read_spreadsheet(path: Path, patients: Sequence[str]) -> tuple[Grid, str]:
    """Return (the sheet whose ids match the images best, the name of its id column)."""
    file = existing(path)
    grids = read_sheets(file) if file.suffix.casefold() in SPREADSHEETS else [read_grid(file)]
    ranked = []
    for place, grid in enumerate(grids):
        column, hits = propose_id_column({name: grid.column(name) for name in grid.header}, patients)
        ranked.append((hits, -place, grid, column))
    if not ranked or max(ranked)[0] == 0:
        some = ", ".join(patients[:3]) or "none"
        headers = "; ".join(", ".join(grid.header[:6]) for grid in grids) or "no sheet with cells"
        raise TableError(
            f"no column of {file.name} that holds patients of the images ({headers})",
            f"a column with ids such as {some}",
            "write the patient ids of the images into one column",
        )
    _, _, grid, column = max(ranked, key=lambda item: (item[0], item[1]))
    return grid, column


def _targets(columns: Mapping[str, Sequence[str]], patient: str) -> dict[str, tuple[TargetSettings, Reading]]:
    found = {}
    for name, cells in columns.items():
        if name == patient:
            continue
        proposal = propose_target(name, {str(row): cell for row, cell in enumerate(cells)})
        if proposal is not None:
            found[name] = proposal
    return found


def _say_contours(contours: ContourProposal, tell: Callable[[str], None]) -> None:
    if not contours.roi:
        tell("   -> no structure name speaks of a tumour: write [segment] roi yourself")
        return
    several = (
        f"     {len(contours.several)} patients have several hits: {few(contours.several)}" if contours.several else ""
    )
    tell(f"   -> proposed   roi = {list(contours.roi)}, never = {list(contours.never)}{several}")
    if contours.none:
        tell(f"   -> no hit for {len(contours.none)} patients: {few(contours.none)}")


def _say_sheet(
    grid: Grid,
    columns: Mapping[str, Sequence[str]],
    patient: str,
    looked: FolderLook,
    targets: Mapping[str, tuple[TargetSettings, Reading]],
    tell: Callable[[str], None],
) -> None:
    sheet = f'sheet "{grid.sheet}", ' if grid.sheet else ""
    ids = [cell.strip() for cell in columns.get(patient, ())]
    match = len(set(ids) & set(looked.found.patients))
    zeros = next((one for one in ids if one.startswith("0") and one.isdigit()), "")
    kept = f"; {zeros!r} kept as text" if zeros else ""
    counts = f" ({match} of {len(looked.found.patients)} match{kept})" if ids else ""
    tell(f" spreadsheet   {sheet}{len(grid.rows)} rows, id column {patient}{counts}")
    for name, (_, reading) in targets.items():
        head, *rest = reading.describe().splitlines()
        tell(f"   {name} was read as   {head}    {'    '.join(rest)}")
        if reading.not_understood:
            tell(f"   Say what these mean in [target.{name}], or they stay unknown.")
    if not targets:
        tell("   no column speaks of two molecular classes: write a [target.NAME] yourself")


def _modalities(looked: FolderLook) -> tuple[str, ...]:
    """Return what most patients have, in the usual order of sequences, without series of several volumes."""
    usual = ("CT", "PT", "T1", "T1CE", "T2", "FLAIR", "ADC")
    drawn = {one.patient for one in looked.found.structures} or set(looked.found.patients)
    names = [name for name, count in looked.sequences.items() if count >= ENOUGH * max(len(drawn), 1)]
    names = [name for name in names if name not in NO_IMAGES]
    names = [name for name in names if name not in looked.dynamic] or names or list(looked.sequences)[:1]
    return tuple(sorted(names, key=lambda name: (usual.index(name) if name in usual else len(usual), name)))


def _pixel(found: Inventory, modalities: Sequence[str]) -> float:
    """Return the median in-plane voxel size of the wanted series in mm, rounded to half a millimetre, at least 1."""
    sizes = [
        one.spacing[0]
        for one in found.series
        if one.spacing and sequence_of(one.modality, one.description, one.tags) in modalities
    ]
    return max(1.0, round(float(np.median(sizes)) * 2) / 2) if sizes else 1.0


def find_molecules(folder: Path, out: Path, tell: Callable[[str], None]) -> Molecules:
    """Return the molecular files that lie beside the spreadsheet, as the study file will name them."""
    names = sorted(path for path in folder.iterdir() if path.is_file())
    maf = next((path for path in names if path.suffix == ".maf" or path.name.startswith("data_mutations")), None)
    profiled = next((path for path in names if "profiled" in path.name.casefold()), None)
    words = ("expression", "data_mrna")
    expressed = next((path for path in names if path.name.casefold().startswith(words)), None)
    shown = [path.name for path in (maf, profiled, expressed) if path is not None]
    if shown:
        tell(f" molecular     {', '.join(shown)}")
    if maf is not None and profiled is None:
        tell("   no list of who was profiled: patients without a mutation stay unknown, not wild type")
    mutations, assayed, expression = (_written(path, out) if path else None for path in (maf, profiled, expressed))
    return Molecules(mutations, assayed, expression, _build(maf))


def _build(maf: Path | None) -> str | None:
    from genoxel.io.maf import read_maf
    from genoxel.omics.settings import build_name

    if maf is None:
        return None
    try:
        fields = read_maf(maf).fields
    except GenoxelError:
        return None
    builds = {str(build) for build in fields["build"].tolist() if build} if "build" in fields else set()
    return build_name(builds.pop()) if len(builds) == 1 else None


def _written(path: Path, out: Path) -> str:
    """Return a path as written from the folder of the study file, with forward slashes."""
    try:
        return Path(os.path.relpath(path.resolve(), out.resolve().parent)).as_posix()
    except ValueError:
        return path.resolve().as_posix()
