"""What is wanted of a public collection: which kinds of data, whose masks, how many patients."""

from __future__ import annotations

from dataclasses import dataclass, replace

from genoxel.core.errors import SettingsError, nearest

KINDS = ("images", "masks", "clinical", "mutations", "expression")
TABLES_ALONE = ("cbioportal", "geo")
"""Sources of tables without images, written before the name: cbioportal:STUDY, geo:ACCESSION."""


@dataclass(frozen=True)
class Order:
    """What is wanted of a collection: kinds of data, which segmentations, how many patients, whose molecular data.

    `masks` is "list" (none is taken), "all", or the name of one published set. `patients` limits the images to the
    first so many by name (0: all). `project` is the GDC project, by default that of a TCGA collection. `only` limits
    the series to those of a TCIA manifest.
    """

    collection: str
    kinds: tuple[str, ...] = KINDS
    masks: str = "list"
    patients: int = 0
    project: str = ""
    only: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        legal = ", ".join(KINDS)
        for kind in self.kinds:
            if kind not in KINDS:
                other = "download other data yourself, and name them under [omics]"
                raise SettingsError(f"data called {kind!r}", legal, nearest(kind.casefold(), KINDS) or other)
        if not self.kinds:
            raise SettingsError("no kind of data", legal, "name some of these, with commas between")
        images = bool({"images", "masks"} & set(self.kinds))
        for word, given, needs in (
            (f"the segmentations {self.masks!r}", self.masks != "list", "masks" in self.kinds),
            (f"the first {self.patients} patients", bool(self.patients), images),
            ("a manifest of series", bool(self.only), images),
        ):
            if given and not needs:
                got = f"{word} of {', '.join(self.kinds)}"
                wanted = "masks" if word.startswith("the seg") else "images or masks"
                raise SettingsError(got, f"{wanted} among what is wanted", f"add {wanted}, or leave that option out")

    @property
    def brought(self) -> tuple[str, ...]:
        """The kinds that are brought: a study needs to know who takes part, so clinical facts come where they can."""
        known = self.project or self.collection.startswith("tcga_")
        return (*self.kinds, *(["clinical"] if known and "clinical" not in self.kinds else []))

    @property
    def gdc(self) -> str:
        """The GDC project; `SettingsError` where none can be told."""
        if self.project or self.collection.startswith("tcga_"):
            return self.project or self.collection.upper().replace("_", "-")
        raise SettingsError(
            f"molecular data of {self.collection}, which is no TCGA collection", "a GDC project",
            "name it with --project, for example CPTAC-3, or leave out clinical, mutations and expression",
        )  # fmt: skip


def refuse_other_source(order: Order, listed: bool = False) -> None:
    """Refuse a source that is not known, and what cannot be said of tables alone (`listed`: a list is wanted)."""
    source = order.collection.rpartition(":")[0]
    if not source:
        return
    if source not in TABLES_ALONE:
        fix = nearest(source, TABLES_ALONE) or "a collection of images has no source before its name"
        raise SettingsError(f"the source {source!r}", ", ".join(TABLES_ALONE), fix)
    said = replace(order, collection="") != Order("")
    if said or listed:
        got = f"a list of {order.collection}" if listed else f"a choice of what to bring of {order.collection}"
        legal = "the whole study or series: its tables come together"
        raise SettingsError(got, legal, "leave out --with, --masks, --patients, --project, --manifest and --list")
