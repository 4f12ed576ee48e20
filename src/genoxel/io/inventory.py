"""What lies in a folder: patients, series, structures, and which structure belongs to which series; headers only."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from genoxel.core.errors import GeometryError, MissingFileError
from genoxel.core.image import Grid, Scalar
from genoxel.io.dicom_volumes import Split, split
from genoxel.io.headers import VOLUMES, Record, acquisition_of, ending_of, look, stem
from genoxel.io.inventory_cache import Key, remember, remembered, stamp_of, whole

_CHUNK = 200
_NOBODY = (
    "got {} with an empty PatientID (0010,0020); legal: an id that joins it to a patient; "
    "to fix: write a pseudonym into it (dcmodify -m PatientID=...), or export the images as NIfTI, a folder a patient"
)
_MASK_WORDS = ("seg", "mask", "label", "roi")
_VOLUME_TAGS = ("DiffusionBValue", "EchoTime", "TemporalPositionIdentifier", "AcquisitionNumber", "ImageType")


@dataclass(frozen=True)
class SeriesRecord:
    """One volume of an image series: whose it is, its files (sorted by name), slices, spacing in mm, acquisition facts.

    `kind` is DICOM, NIFTI, NRRD or MHA. A series that holds several volumes (time points, b-values, echoes) is listed
    once for each: `number` of `volumes`, with what tells it apart as `label`. `volume` is what a reader must choose
    from the files (0: they hold nothing else). Where nothing tells volumes apart there is one record with `told` false.
    """

    patient: str
    study: str
    series: str
    modality: str
    description: str
    files: tuple[Path, ...]
    n_slices: int
    spacing: tuple[float, float, float] | None
    tags: Mapping[str, Scalar] = field(default_factory=dict)
    date: str = ""
    frame_of_reference: str = ""
    volumes: int = 1
    kind: str = "DICOM"
    grid: Grid | None = field(default=None, compare=False)
    number: int = 1
    volume: int = 0
    label: str = ""
    told: bool = True

    @property
    def key(self) -> str:
        """The series and, where it holds several volumes, which one."""
        return self.series if self.volumes == 1 else f"{self.series}#{self.number}"


@dataclass(frozen=True)
class StructureRecord:
    """One file of drawn structures: RTSTRUCT, SEG, or a mask volume (NIFTI, NRRD, MHA; its labels are read later)."""

    patient: str
    file: Path
    kind: str
    names: tuple[str, ...]
    series: str = ""
    frame_of_reference: str = ""
    study: str = ""
    date: str = ""
    description: str = ""
    grid: Grid | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Problem:
    """A file that could not be used, and why; whose it is and of which modality, where its header still says so."""

    file: Path
    reason: str
    patient: str = ""
    modality: str = ""


@dataclass(frozen=True, repr=False)
class Inventory:
    """Everything found under `folder`, in a fixed order."""

    folder: Path
    series: tuple[SeriesRecord, ...]
    structures: tuple[StructureRecord, ...]
    problems: tuple[Problem, ...] = ()
    files: int = 0

    @property
    def patients(self) -> tuple[str, ...]:
        """Patients with at least one series or structure, sorted."""
        return tuple(sorted({one.patient for one in self.series} | {one.patient for one in self.structures}))

    def series_of(self, patient: str, modality: str = "") -> tuple[SeriesRecord, ...]:
        """Return the series of a patient, of one modality (case is ignored; volumes whose name tells none fit any)."""
        legal = (modality.casefold(), "")
        own = [one for one in self.series if one.patient == patient]
        return tuple(one for one in own if not modality or one.modality.casefold() in legal)

    def structures_on(self, series: SeriesRecord) -> tuple[tuple[StructureRecord, str], ...]:
        """Return the structures that fit a series, each with the reason, the surest first."""
        fits = [(_fit(structure, series), structure) for structure in self.structures]
        fitting = sorted((fit for fit in fits if fit[0][0]), key=lambda fit: (-fit[0][0], str(fit[1].file)))
        return tuple((structure, reason) for (_, reason), structure in fitting)

    def series_for(self, structure: StructureRecord, modality: str = "") -> tuple[tuple[SeriesRecord, str], ...]:
        """Return the series that a structure fits (of one modality), each with the reason, the surest first."""
        fits = [(_fit(structure, one), one) for one in self.series_of(structure.patient, modality)]
        fitting = sorted((fit for fit in fits if fit[0][0]), key=lambda fit: (-fit[0][0], fit[1].series, fit[1].number))
        return tuple((one, reason) for (_, reason), one in fitting)

    def structure_names(self) -> dict[str, tuple[str, ...]]:
        """Return each structure name and the patients that have it, the most frequent name first."""
        owners: dict[str, set[str]] = {}
        for structure in self.structures:
            for name in structure.names:
                owners.setdefault(name, set()).add(structure.patient)
        ranked = sorted(owners.items(), key=lambda item: (-len(item[1]), item[0].casefold(), item[0]))
        return {name: tuple(sorted(patients)) for name, patients in ranked}

    def __repr__(self) -> str:
        kinds = Counter(one.modality for one in self.series)
        parts = [f"patients {len(self.patients)}"]
        parts += [f"{modality or 'volume'} series {count}" for modality, count in sorted(kinds.items())]
        parts += [f"{kind} {count}" for kind, count in sorted(Counter(one.kind for one in self.structures).items())]
        parts += [f"problems {len(self.problems)}"] if self.problems else []
        return "Inventory " + " · ".join(parts)


def inventory(
    folder: str | os.PathLike[str],
    cache: str | os.PathLike[str] | None = None,
    executor: Executor | None = None,
    keep: Callable[[str], bool] | None = None,
    patient: str = "",
) -> Inventory:
    """Return what lies in a folder of DICOM, NIfTI, NRRD and MetaImage files, from their headers alone.

    `cache` is a JSON-lines file that remembers headers by path, size and time of change, where `keep` is given only of
    the patients that it allows; `executor` reads in parallel. `patient` is whose the DICOM files without PatientID are
    (default: a problem each). Files that cannot be read are listed as problems, never
    raised. In trees of NIfTI or NRRD files the first folder is the patient (for files at the top: the name up to its
    last underscore), the last word of the name is the modality, and names with seg, mask, label or roi are masks.
    Raises `MissingFileError` without folder.
    """
    root = Path(folder)
    if not root.is_dir():
        raise MissingFileError(f"no folder {root}", "a folder with images", "check the path")
    keys = _with_notes(dict(_walk(str(root))))
    kept = Path(cache) if cache else None
    plain = whole(kept, stamp_of(keys)) if kept and keep is None else None
    if plain is not None:
        return _from_plain(root, plain, len(keys))
    before, lines = remembered(kept, keys) if kept else ({}, 0)
    paths = {place: root / place for place in keys}
    known = {paths[place]: record for place, record in before.items()}
    new = [path for path in paths.values() if path not in known]
    known |= dict(zip(new, _look(new, executor), strict=True))
    result = _found(root, list(paths.values()), known, patient)
    if kept:
        wanted = {place: known[path] for place, path in paths.items() if _is_kept(root, path, known[path], keep)}
        everything = len(wanted) == len(keys) and keep is None
        if everything or wanted.keys() != before.keys() or lines != len(before):
            remember(kept, keys, wanted, _plain(root, result) if everything else None)
    return result


def _owned(path: Path, record: Record, patient: str) -> Record:
    """Return the record of a file that somebody owns: itself, that of `patient`, or the problem that nobody does."""
    if record["kind"] not in ("image", "RTSTRUCT", "SEG") or record.get("PatientID"):
        return record
    return {**record, "PatientID": patient} if patient else {"kind": "problem", "reason": _NOBODY.format(path.name)}


def _found(root: Path, paths: list[Path], known: dict[Path, Record], patient: str) -> Inventory:
    known = {path: _owned(path, known[path], patient) for path in paths}
    broken = [(path, known[path]) for path in paths if known[path]["kind"] == "problem"]
    problems = tuple(
        Problem(path, one["reason"], str(one.get("PatientID", "")), str(one.get("Modality", "")))
        for path, one in broken
    )
    problems += tuple(_spoilt(path, known[path]) for path in paths if "spoilt" in known[path])
    series, structures = _series(root, paths, known), _structures(root, paths, known)
    return Inventory(root, tuple(series), tuple(structures), problems, len(paths))


def _spoilt(path: Path, record: Record) -> Problem:
    """Return what is wrong with the notes that lie beside a volume: it is read without them."""
    name, why = next(iter(record["spoilt"].items()))
    fix = "convert the series again, or take the file out: the volume is read without it"
    return Problem(
        path.with_name(name), f"got {name}, which holds {why}; legal: what a converter writes; to fix: {fix}"
    )


def _is_kept(root: Path, path: Path, record: Record, keep: Callable[[str], bool] | None) -> bool:
    """Return whether a record may be written down: those of nobody known are not where `keep` decides."""
    if keep is None:
        return True
    patient = str(record.get("PatientID", ""))
    if not patient and record["kind"] in VOLUMES.values():
        patient = _owner(root, path)[0]
    return bool(patient) and keep(patient)


def _walk(root: str, place: str = "") -> Iterator[tuple[str, Key]]:
    """Yield every file below a folder, by its place with slashes, and its size and time of change; none that is hidden.

    Folders behind links are not entered. A file that cannot be looked at has the key of no file.
    """
    with os.scandir(f"{root}/{place}") as entries:
        found = sorted((one for one in entries if not one.name.startswith(".")), key=lambda one: one.name)
    folders = []
    for one in found:
        if one.is_dir():
            folders += [] if one.is_symlink() else [one.name]
        elif one.name != "DICOMDIR":
            try:
                status = one.stat()
                yield place + one.name, (status.st_size, status.st_mtime_ns)
            except OSError:
                yield place + one.name, (-1, -1)
    for name in folders:
        yield from _walk(root, f"{place}{name}/")


def _with_notes(keys: dict[str, Key]) -> dict[str, Key]:
    """Add to the key of each volume those of the notes that a converter wrote beside it, whose facts are its own."""
    ends = (".json", ".bval")
    if not any(place.endswith(ends) for place in keys):
        return keys
    result = dict(keys)
    for place, key in keys.items():
        if ending_of(Path(place)) in VOLUMES:
            base = place[: -len(ending_of(Path(place)))]
            notes = [keys[base + end] for end in ends if base + end in keys]
            result[place] = (*key, *(number for note in notes for number in note))
    return result


def _look(paths: Sequence[Path], executor: Executor | None) -> list[Record]:
    chunks = [[str(path) for path in paths[start : start + _CHUNK]] for start in range(0, len(paths), _CHUNK)]
    return [record for chunk in (executor.map if executor else map)(look, chunks) for record in chunk]


def _plain(root: Path, found: Inventory) -> dict[str, Any]:
    """Return an inventory as plain values, its files by their places below `root`."""

    def values(one: SeriesRecord | StructureRecord) -> dict[str, Any]:
        shown = {each.name: getattr(one, each.name) for each in fields(one)}
        grid = one.grid
        shown["grid"] = [list(grid.shape), grid.affine.tolist()] if grid is not None else None
        return shown

    series = [{**values(one), "files": [_place(root, path) for path in one.files]} for one in found.series]
    structures = [{**values(one), "file": _place(root, one.file)} for one in found.structures]
    problems = [[_place(root, one.file), one.reason, one.patient, one.modality] for one in found.problems]
    return {"series": series, "structures": structures, "problems": problems}


def _place(root: Path, path: Path) -> str:
    """Return where a file lies under `root`, with slashes."""
    return str(path)[len(str(root)) :].replace(os.sep, "/").lstrip("/")


def _from_plain(root: Path, plain: Mapping[str, Any], files: int) -> Inventory:
    """Return the inventory that `_plain` made plain."""
    for one in (*plain["series"], *plain["structures"]):
        one["grid"] = Grid(tuple(one["grid"][0]), np.array(one["grid"][1])) if one["grid"] else None
    for one in plain["series"]:
        one["files"] = tuple(root / place for place in one["files"])
        one["spacing"] = tuple(one["spacing"]) if one["spacing"] else None
    for one in plain["structures"]:
        one["file"], one["names"] = root / one["file"], tuple(one["names"])
    series = tuple(SeriesRecord(**one) for one in plain["series"])
    structures = tuple(StructureRecord(**one) for one in plain["structures"])
    return Inventory(
        root, series, structures, tuple(Problem(root / place, *told) for place, *told in plain["problems"]), files
    )


def _series(root: Path, paths: Sequence[Path], known: dict[Path, Record]) -> list[SeriesRecord]:
    groups: dict[tuple[str, ...], list[Path]] = {}
    single: list[SeriesRecord] = []
    for path in paths:
        record = known[path]
        if record["kind"] == "image":
            words = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "Modality")
            groups.setdefault(tuple(str(record.get(word, "")) for word in words), []).append(path)
        elif record["kind"] in VOLUMES.values() and not _is_mask(path):
            single += _volume_series(root, path, record)
    for files in groups.values():
        first = known[files[0]]
        if "acquisition" not in first:
            first["acquisition"] = acquisition_of(files[0])
    grouped = [one for key, files in groups.items() for one in _dicom_series(key, files, known)]
    return sorted((*grouped, *single), key=lambda one: (one.patient, one.study, one.modality, one.series, one.number))


def _dicom_series(key: tuple[str, ...], files: list[Path], known: Mapping[Path, Record]) -> list[SeriesRecord]:
    patient, study, series, modality = key
    first = known[files[0]]
    frames = [(path, frame) for path in files for frame in known[path]["frames"]]
    found = _split([frame for _, frame in frames])
    facts = {**first["acquisition"], "FrameOfReferenceUID": str(first.get("FrameOfReferenceUID", ""))}
    description = str(facts.get("SeriesDescription", ""))
    result = []
    for place, group in enumerate(found.groups):
        here = [frames[index] for index in group]
        own = tuple(dict.fromkeys(path for path, _ in here))
        spacing, n_slices = _lattice([frame for _, frame in here], facts)
        volumes = len(found.groups) if found.told else max(1, round(len(here) / n_slices))
        apart = sum(len(known[path]["frames"]) for path in own) == len(here)
        tags = {**facts, **{word: here[0][1]["keys"][word] for word in _VOLUME_TAGS if word in here[0][1]["keys"]}}
        result.append(
            SeriesRecord(
                *(patient, study, series, modality, description, own, n_slices, spacing, tags),
                date=str(first.get("StudyDate", "")),
                frame_of_reference=str(facts["FrameOfReferenceUID"]),
                volumes=volumes,
                number=place + 1,
                volume=0 if apart else place + 1,
                label=found.label(place) if len(found.groups) > 1 else "",
                told=found.told,
            )
        )
    return result


def _split(frames: Sequence[Mapping[str, Any]]) -> Split:
    """Return the volumes among the frames of a series, from places and keys in their headers."""
    usual: list[float] = next((frame["orientation"] for frame in frames if len(frame.get("orientation", ())) == 6), [])
    places = []
    for frame in frames:
        turned = frame.get("orientation", []) if frame.get("orientation") != usual else []
        places.append(tuple(round(value, 2) for value in (*frame.get("position", ()), *turned)))
    return split(places, [frame["keys"] for frame in frames], [frame.get("number", 0) for frame in frames])


def _lattice(
    frames: Sequence[Mapping[str, Any]], facts: Mapping[str, Any]
) -> tuple[tuple[float, float, float] | None, int]:
    """Return spacing (mm) and number of distinct slice positions from the headers; None where they do not say."""
    first = frames[0]
    full = [one for one in frames if len(one.get("position", ())) == 3]
    if len(first.get("orientation", ())) != 6 or len(first.get("spacing", ())) != 2 or not full:
        return None, len(frames)
    cosines = np.array(first["orientation"])
    depth = np.unique(np.round(np.array([one["position"] for one in full]) @ np.cross(cosines[:3], cosines[3:]), 3))
    step = float(np.median(np.diff(depth))) if len(depth) > 1 else float(facts.get("SliceThickness") or 0.0)
    return (first["spacing"][1], first["spacing"][0], round(step, 6)), len(depth)


def _owner(root: Path, path: Path) -> tuple[str, str, str]:
    """Return patient, session and the last word of the name of a volume in a tree of folders.

    In a tree as BIDS has it the folder or name that begins with sub- is the patient, whatever lies above it.
    """
    folders = path.relative_to(root).parts[:-1]
    words = stem(path).split("_")
    session = next((part for part in (*folders, *words) if part.lower().startswith("ses-")), "")
    named = next((part for part in (*folders, *words) if part.lower().startswith("sub-")), "")
    patient = named or (folders[0] if folders else "_".join(words[:-1]) or words[0])
    return patient, session, _kind(words) if len(words) > 1 else ""


def _kind(words: Sequence[str]) -> str:
    """Return the last word of a name; BIDS tells contrast by an entity before it (ce-gadolinium_T1w)."""
    contrast = any(word.lower().startswith("ce-") for word in words[:-1])
    return "T1CE" if contrast and words[-1].lower() == "t1w" else words[-1]


def _is_mask(path: Path) -> bool:
    return any(word in stem(path).casefold().replace("-", "_").split("_")[-1] for word in _MASK_WORDS) or any(
        part in _MASK_WORDS for part in stem(path).casefold().split("_")
    )


def _grid(record: Record) -> Grid | None:
    try:
        shape = (*record["shape"], 1, 1, 1)[:3]
        return Grid((shape[0], shape[1], shape[2]), np.array(record["affine"]))
    except GeometryError:
        return None


def _volume_series(root: Path, path: Path, record: Record) -> list[SeriesRecord]:
    patient, session, modality = _owner(root, path)
    grid = _grid(record)
    place = path.relative_to(root).as_posix()
    spacing = grid.spacing if grid else None
    identity = (patient, session, place, modality, stem(path), (path,), int((*record["shape"], 1, 1)[2]), spacing)
    count = int(np.prod(record["shape"][3:]))
    facts = record.get("sidecar", {})
    b_values = record.get("b_values", [])
    result = []
    for number in range(1, count + 1):
        tags = {**facts, **({"DiffusionBValue": b_values[number - 1]} if len(b_values) == count else {})}
        label = f"b {b_values[number - 1]:g}" if len(b_values) == count else f"volume {number}"
        one = SeriesRecord(*identity, tags, volumes=count, kind=record["kind"], grid=grid, number=number)
        result.append(one if count == 1 else replace(one, volume=number, label=label))
    return result


def _structures(root: Path, paths: Iterable[Path], known: Mapping[Path, Record]) -> Iterator[StructureRecord]:
    for path in paths:
        record = known[path]
        if record["kind"] in ("RTSTRUCT", "SEG"):
            links = (tuple(record["names"]), record["series"], record["frame"])
            when = (str(record.get("StudyInstanceUID", "")), str(record.get("StudyDate", "")))
            patient = str(record["PatientID"])
            yield StructureRecord(patient, path, record["kind"], *links, *when, str(record["description"]))
        elif record["kind"] in VOLUMES.values() and _is_mask(path):
            patient, session, word = _owner(root, path)
            grid = _grid(record)
            yield StructureRecord(patient, path, record["kind"], (word or stem(path),), study=session, grid=grid)


def _fit(structure: StructureRecord, series: SeriesRecord) -> tuple[int, str]:
    """Return how surely a structure belongs to a series (0: not) and why."""
    if structure.patient != series.patient:
        return 0, ""
    if structure.grid is not None or series.grid is not None:
        return _fit_grids(structure, series)
    if structure.series and structure.series == series.series:
        return 4, "drawn on this series (its UID is referenced)"
    if structure.frame_of_reference:
        if structure.frame_of_reference == series.frame_of_reference:
            return 2, "same frame of reference"
        return 0, ""
    if structure.study and structure.study == series.study and not structure.series:
        return 1, "same study; the file names neither series nor frame of reference"
    return 0, ""


def _fit_grids(structure: StructureRecord, series: SeriesRecord) -> tuple[int, str]:
    if structure.grid is None or series.grid is None or structure.study != series.study:
        return 0, ""
    if not series.grid.same_as(structure.grid):
        return 0, ""
    named = stem(structure.file).casefold().startswith(stem(series.files[0]).casefold())
    return (4, "same grid, and named after the image") if named else (3, "same grid, same patient")
