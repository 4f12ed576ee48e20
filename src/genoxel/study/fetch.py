"""`genoxel fetch`: a public collection as a ready study: images, published masks, molecular and clinical tables."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genoxel.core.errors import GenoxelError, OutputError, RemoteError, describe
from genoxel.io.files import atomic_write, hash_file
from genoxel.io.online import gdc, idc
from genoxel.io.settings import FetchSettings
from genoxel.omics.settings import TargetSettings
from genoxel.study.draft import Draft, Molecules, draft_text
from genoxel.study.order import Order, refuse_other_source
from genoxel.study.progress import Progress
from genoxel.study.study import DEFAULT_NAME

if TYPE_CHECKING:
    from genoxel.io.online.web import Web

IMAGES = "dicom"
_DISEASES = {
    "glioma": ("gbm", "lgg", "glioma"),
    "nsclc": ("luad", "lusc", "nsclc"),
    "breast": ("brca", "breast", "ispy"),
    "kidney": ("kirc", "ccrcc"),
    "prostate": ("prad", "prostate"),
    "liver": ("lihc", "hcc"),
    "colorectal": ("coad", "tcga_read", "colorectal"),
    "thyroid": ("thca",),
    "melanoma": ("skcm", "melanoma"),
    "head_and_neck": ("hnsc", "head_neck"),
}


@dataclass(frozen=True)
class Listing:
    """What a collection holds, and what of it an order would bring."""

    order: Order
    collection: idc.Collection
    series: tuple[idc.IdcSeries, ...]
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Return what is said before anything is brought."""
        one = self.collection
        lines = [f"{one.name}: {one.title}, {one.cancer or 'disease not stated'}"]
        for modality in idc.IMAGES:
            some = [series for series in one.images if series.modality == modality]
            if some:
                people = len({series.patient for series in some})
                lines.append(f" {modality:<9} {people} patients, {len(some)} series, {_size(some)}")
        if not one.images:
            lines.append(" no image that this program measures (CT, MR, PET, ...) is public in this collection")
        if one.others:
            lines.append(" besides   " + ", ".join(f"{count} {name}" for name, count in one.others.items()) + " series")
        for made in one.published:
            lines += _about(made)
        if one.images and not one.published:
            lines.append(" masks     none were published here for these images")
        bare = one.without_mask()
        if one.published and bare:
            lines.append(f" {len(bare)} of {len(one.patients)} patients have no published mask: {_few(bare)}")
        return [*lines, *(f" note      {note}" for note in self.notes)]

    def to_json(self) -> dict[str, Any]:
        """Return the same as plain values, with all names."""
        one = self.collection
        return {
            "collection": one.name,
            "patients": list(one.patients),
            "series": len(one.images),
            "megabytes": round(sum(series.megabytes for series in self.series), 1),
            "segmentations": [
                {
                    "name": made.name, "title": made.title, "made": made.made, "licence": made.licence,
                    "citation": made.citation, "patients": list(made.patients),
                }
                for made in one.published
            ],
            "without_mask": list(one.without_mask()),
            "notes": list(self.notes),
        }  # fmt: skip


@dataclass(frozen=True)
class Fetched:
    """What was brought to `folder`, what could not be, and what to do `next`."""

    folder: Path
    missing: Mapping[str, str]
    next: str
    listing: Listing | None = None

    def lines(self) -> list[str]:
        """Return what is said at the end."""
        lost = [f"not brought: {kind}: {reason}" for kind, reason in self.missing.items()]
        return [*lost, f"Wrote {self.folder}, with SOURCES.md (licences, citations).  Next: {self.next}"]

    def to_json(self) -> dict[str, Any]:
        """Return the same as plain values."""
        listed = self.listing.to_json() if self.listing is not None else {}
        return {**listed, "folder": str(self.folder), "missing": dict(self.missing), "next": self.next}


def fetch_from(order: Order, to: Path | None, display: Progress, say: Callable[[str], object]) -> Fetched:
    """Bring what `order` names to `to` (default: a folder called as the collection), saying first what there is.

    `cbioportal:STUDY` and `geo:ACCESSION` bring tables alone. Raises `MissingExtraError` without the extra `online`,
    `RemoteError` where the whole source does not answer.
    """
    from genoxel.io.online.web import Web

    web = Web()
    source, _, name = order.collection.rpartition(":")
    folder = to or Path(name)
    refuse_other_source(order)
    if source:
        return _TABLES_ALONE[source](web, name, folder, display)
    listing = list_collection(order, web, folder / ".index")
    for line in listing.lines():
        say(line)
    return fetch(listing, folder, web, display)


def _from_cbioportal(web: Web, study: str, folder: Path, display: Progress) -> Fetched:
    from genoxel.io.online.cbioportal import fetch_study

    display.say(f"mutations of {study}, 50 samples at a time")
    citation = fetch_study(web, study, folder)
    words = "The licence is that of the study: see its page at cBioPortal."
    atomic_write(folder / "SOURCES.md", f"# Source: cBioPortal, study {study}\n\n{citation}\n\n{words}\n")
    return Fetched(folder, {}, f'write cbioportal = "{folder.as_posix()}" under [omics]')


def _from_geo(web: Web, accession: str, folder: Path, display: Progress) -> Fetched:
    """Bring a series matrix and write it as tables that a study file reads."""
    from genoxel.io.geo import read_series_matrix
    from genoxel.io.online.geo import fetch_matrix

    display.say(f"series matrix of {accession}")
    number, _, platform = accession.partition("-")
    found = read_series_matrix(fetch_matrix(web, number, folder, platform))
    names = [row.patient for row in found.table.rows]
    rows = zip(found.table.names, found.table.values.T.tolist(), strict=True)
    lines = ["\t".join([gene, *("" if math.isnan(value) else repr(value) for value in row)]) for gene, row in rows]
    atomic_write(folder / "expression.tsv", "\n".join(["\t".join(["probe", *names]), *lines]) + "\n")
    facts = [[name, *(column.get(name, "") for column in found.facts.values())] for name in names]
    table = [["sample", *found.facts], *facts]
    atomic_write(folder / "clinical.csv", "".join(gdc.csv_line(row) for row in table))
    atomic_write(
        folder / "SOURCES.md", f"# Source: GEO {accession}, platform {found.platform}\n\nSee its page at GEO.\n"
    )
    return Fetched(folder, {}, "say the unit of expression.tsv: GEO does not")


_TABLES_ALONE: dict[str, Callable[[Web, str, Path, Progress], Fetched]] = {
    "cbioportal": _from_cbioportal,
    "geo": _from_geo,
}


def list_collection(
    order: Order, web: Web | None = None, cache: Path | None = None, folder: Path | None = None
) -> Listing:
    """Return what a collection holds, from the index that is installed; with `web` also how masks were made.

    How segmentations were made lies in an index that is downloaded to `cache` once; without it the files tell it
    after they were brought. `folder` holds another index than the installed one.
    """
    refuse_other_source(order, listed=True)
    notes: list[str] = []
    made: dict[str, str] = {}
    found = idc.read_collection(order.collection, folder)
    drawn = any(one.modality == "SEG" for made_by in found.published for one in made_by.series)
    if web is not None and cache is not None and drawn:
        try:
            made = idc.how_made(web, cache)
            found = idc.read_collection(order.collection, folder, made)
        except RemoteError as error:
            notes.append(f"how the segmentations were made could not be asked: {describe(error)}")
    absent = sorted(set(order.only) - {one.uid for one in _brought(order, found)})
    if absent:
        notes.append(
            f"{len(absent)} series of the manifest are not in this collection, or not asked for: {_few(absent, 3)}"
        )
    if "masks" in order.kinds and order.masks == "list" and found.published:
        notes.append('as asked, no mask is brought: choose a set by its name, or "all"')
    return Listing(order, found, _chosen(order, found), tuple(notes))


def _brought(order: Order, found: idc.Collection) -> list[idc.IdcSeries]:
    """Return the series of the kinds that are wanted."""
    masks = found.masks(order.masks) if "masks" in order.kinds and order.masks != "list" else ()
    images = found.images if "images" in order.kinds else ()
    series = [*images, *(one for made in masks for one in made.series)]
    return [one for one in series if not order.only or one.uid in set(order.only)]


def _chosen(order: Order, found: idc.Collection) -> tuple[idc.IdcSeries, ...]:
    """Return the series that are brought: images of the first patients, and the masks asked for."""
    series = _brought(order, found)
    drawn = {one.patient for one in series if one.modality in idc.MASKS}
    ranked = sorted({one.patient for one in series}, key=lambda patient: (patient not in drawn, patient))
    people = set(ranked[: order.patients] if order.patients else ranked)
    return tuple(one for one in series if one.patient in people)


def fetch(listing: Listing, folder: Path, web: Web, display: Progress | None = None) -> Fetched:
    """Bring what was ordered to `folder` and write a study there; the same call goes on where it stopped.

    One kind of data that cannot be had does not stop the others: it is named in `missing`. Raises `OutputError` where
    the disk is full or `folder` holds another collection.
    """
    return _Fetcher(listing, folder, web, display or Progress()).fetch()


class _Fetcher:
    """Brings one kind of data after the other."""

    def __init__(self, listing: Listing, folder: Path, web: Web, display: Progress) -> None:
        self.listing, self.order, self.folder, self.web, self.display = listing, listing.order, folder, web, display
        self.missing: dict[str, str] = {}
        self.brought: list[str] = []

    def fetch(self) -> Fetched:
        """Bring everything and write the study."""
        self._own_folder()
        parts: dict[str, Callable[[], None]] = {
            "images": self._series,
            "clinical": self._clinical,
            "mutations": lambda: self._molecular("mutations"),
            "expression": lambda: self._molecular("expression"),
        }
        for kind, part in parts.items():
            if kind not in self.order.brought and not (kind == "images" and self.listing.series):
                continue
            try:
                part()
            except OutputError:
                raise
            except GenoxelError as error:
                self.missing[kind] = describe(error)
            else:
                self.brought.append(kind)
        if not self.brought:
            raise RemoteError(
                f"nothing of {self.order.collection}: {'; '.join(dict.fromkeys(self.missing.values()))}",
                "at least one kind of data", "run the same command again: what was fetched stays",
            )  # fmt: skip
        self._masks_table()
        atomic_write(self.folder / "SOURCES.md", sources_text(self.listing, self.brought))
        return Fetched(self.folder, self.missing, f"genoxel check {self._study()}", self.listing)

    def _own_folder(self) -> None:
        mark = self.folder / ".collection"
        if mark.is_file() and mark.read_text(encoding="utf-8").strip() != self.order.collection:
            raise OutputError(f"{self.folder}, which holds another collection", "a folder of its own", "name another")
        atomic_write(mark, f"{self.order.collection}\n")

    def _series(self) -> None:
        if not self.listing.series:
            raise RemoteError("no image of this collection in the Imaging Data Commons", "public images", _ELSEWHERE)
        self.display.begin("series", len(self.listing.series))
        failed = idc.fetch_all(self.web, self.listing.series, self.folder / IMAGES, self._step)
        self.display.end()
        if failed:
            self.missing[f"{len(failed)} of {len(self.listing.series)} series"] = "; ".join(list(failed.values())[:3])

    def _step(self, reused: bool) -> None:
        self.display.advance(reused=reused)

    def _clinical(self) -> None:
        gdc.write_clinical(self.web, self.order.gdc, self.folder / "clinical.csv")

    def _molecular(self, kind: str) -> None:
        people = sorted({one.patient for one in self.listing.series}) if self.order.patients else ()
        if self.order.patients and not people:
            self.display.say(f"{kind} of all patients: without images nobody is among the first {self.order.patients}")
        files = gdc.files_of(self.web, self.order.gdc, kind, people, self.display.say)
        place = self.folder / "gdc" / kind
        self.display.begin(kind, len(files))
        gdc.download(self.web, files, place, self._step)
        self.display.end()
        if kind == "mutations":
            gdc.join_mutations(files, place, self.folder / "mutations.maf", self.folder / "profiled.txt")
        else:
            gdc.join_expression(files, place, self.folder / "expression.tsv")

    def _masks_table(self) -> None:
        """Write who has which segmentation, and who has none."""
        found = self.listing.collection
        rows = ["patient,segmentation,series,made,licence"]
        for made in found.published:
            rows += [
                f"{one.patient},{made.name},{one.uid},{made.made or 'see the file'},{one.licence}"
                for one in made.series
            ]
        rows += [f"{patient},none,,," for patient in found.without_mask()]
        atomic_write(self.folder / "masks.csv", "\n".join(rows) + "\n")

    def _study(self) -> Path:
        """Write the study file, unless one is there that somebody edited."""
        path, mark = self.folder / DEFAULT_NAME, self.folder / ".proposed"
        if path.is_file():
            if not mark.is_file() or mark.read_text(encoding="utf-8") != hash_file(path):
                return path
            path.unlink()
        self._propose(path)
        atomic_write(mark, hash_file(path))
        return path

    def _propose(self, path: Path) -> None:
        targets = known_targets(self.order.collection) if "mutations" in self.brought else {}
        tcga = self.order.collection.startswith("tcga_")
        table = self.folder / "clinical.csv"
        if table.is_file() and any((self.folder / IMAGES).rglob("*.dcm")):
            from genoxel.study.init import propose

            propose(
                self.folder / IMAGES, table, path, lambda _: None, genes=targets, sample=("01", "02") if tcga else ()
            )
            return
        there = {name: name if (self.folder / name).is_file() else None for name in _BESIDE}
        draft = Draft(
            name=self.listing.collection.title, table="clinical.csv", patient="patient", folder=IMAGES,
            modalities=("CT",), targets=targets, sample=("01", "02") if tcga else (),
            molecules=Molecules(
                there["mutations.maf"], there["profiled.txt"], there["expression.tsv"],
                "hg38" if there["mutations.maf"] else None,
            ),
        )  # fmt: skip
        note = f"# {IMAGES}/ is empty: {_ELSEWHERE}\n"
        atomic_write(path, note + draft_text(draft))


_BESIDE = ("mutations.maf", "profiled.txt", "expression.tsv")
_ELSEWHERE = "put the images there yourself (some are under controlled access: see the collection's page at TCIA)"


def known_targets(collection: str) -> dict[str, TargetSettings]:
    """Return the gene targets of the disease that a collection is about, ready for a study file; empty if unknown.

    >>> sorted(known_targets("tcga_kirc"))
    ['BAP1', 'PBRM1', 'SETD2', 'VHL']
    """
    from genoxel.study.diseases import diseases

    for name, words in _DISEASES.items():
        if any(word in collection for word in words):
            found = diseases(name).diseases[name].target
            return {key: TargetSettings(gene=one.gene, hotspot=one.hotspot) for key, one in found.items() if one.gene}
    return {}


def sources_text(listing: Listing, kinds: Sequence[str]) -> str:
    """Return the licences and citations of everything that was brought, as Markdown."""
    found = listing.collection
    series = listing.series if "images" in kinds else ()
    taken = {one.source for one in series if one.modality in idc.MASKS}
    lines = [f"# Sources of {found.title}", "", "Cite what you use; each part has a licence of its own.", ""]
    dois = {one.doi for one in series if one.modality in idc.IMAGES}
    for doi in sorted(dois):
        licence, citation = found.citations.get(doi, ("see the source", f"doi:{doi}"))
        lines += [f"## Images: {licence}", "", citation, ""]
    for made in found.published:
        if made.name in taken:
            lines += [f"## Segmentations {made.name}: {made.licence}", "", made.citation, "", made.about, ""]
    if series:
        lines += ["## Imaging Data Commons", "", idc.CITATION, ""]
    if set(kinds) & {"clinical", "mutations", "expression"}:
        rules = "Open-access data of the NCI Genomic Data Commons: its data use policy asks not to re-identify anyone."
        lines += [f"## {listing.order.gdc}, Genomic Data Commons", "", rules, "", gdc.CITATION, ""]
    return "\n".join(lines)


def order_of(settings: FetchSettings) -> Order:
    """Return the order that a study file's [io.images] fetch stands for."""
    return Order(settings.collection, tuple(settings.kinds), settings.masks, settings.patients)


def is_complete(settings: FetchSettings, folder: Path) -> bool:
    """Return whether everything that these settings ask for was brought to `folder` once."""
    mark = folder / _COMPLETE
    return mark.is_file() and mark.read_text(encoding="utf-8").strip() == settings.digest()


_COMPLETE = ".complete"


def bring_images(settings: FetchSettings, folder: Path, display: Progress) -> None:
    """Bring the images (and masks) that a study file asks for to `folder`; what is there stays.

    Once all of it is there, neither index nor network is asked again. Raises `RemoteError` where they cannot be had,
    `SettingsError` for an unknown collection or segmentation.
    """
    from genoxel.io.online.web import Web

    if is_complete(settings, folder):
        return
    listing = list_collection(order_of(settings))
    for line in listing.lines():
        display.say(line)
    if not listing.series:
        raise RemoteError(f"no image of {settings.collection} in the Imaging Data Commons", "public images", _ELSEWHERE)
    display.begin("series", len(listing.series))
    failed = idc.fetch_all(Web(), listing.series, folder, lambda reused: display.advance(reused=reused))
    display.end()
    for reason in failed.values():
        display.say(f"not brought: {reason}")
    atomic_write(folder / "SOURCES.md", sources_text(listing, ("images",)))
    if not failed:
        atomic_write(folder / _COMPLETE, f"{settings.digest()}\n")


def _about(made: idc.Published) -> list[str]:
    kinds = ", ".join(sorted({one.modality for one in made.series}))
    how = made.made or "by hand or machine: the index does not say, the files do"
    who = ", ".join(sorted({one.software for one in made.series if one.software})[:3])
    return [
        f" masks     {made.name}: {made.title}",
        f"           {len(made.patients)} patients, {kinds}, {how}; written by {who or 'not stated'}; {made.licence}",
        f"           {made.citation or 'no citation in the index'}",
        f"           in their words: {textwrap.shorten(made.about, 300, placeholder=' ...')}",
    ]


def _size(series: Sequence[idc.IdcSeries]) -> str:
    return f"{sum(one.megabytes for one in series) / 1000:.1f} GB"


def _few(names: Sequence[str], most: int = 8) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more (masks.csv)" if len(names) > most else "")
