"""What is worth asking per disease: targets, genes, regions and the evidence so far. Data files, one per disease."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

from pydantic import Field

from genoxel.core.errors import SettingsError, nearest
from genoxel.core.settings import Settings
from genoxel.omics.settings import TargetSettings
from genoxel.study.propose import toml_value


class DiseaseTarget(TargetSettings):
    """A target as a study file would name it, with what it means and how it is measured in tissue."""

    means: str

    def lines(self, name: str) -> list[str]:
        """Return the target as lines of a study file."""
        given = self.model_dump(mode="json", exclude_defaults=True, exclude={"means"})
        return [f"[target.{name}]   # {self.means}", *(f"{key} = {toml_value(value)}" for key, value in given.items())]


class Evidence(Settings):
    """What is known of a target from images: the word, the finding with its numbers, and the source.

    "supported" held in data of other centres, "negative" failed there or was no better than chance, "mixed" is all
    between: reported, but not or hardly validated. `read_in` is the review in which the finding was read, with its
    section and reference number; the source is then given as the review prints it.
    """

    target: str
    word: Literal["supported", "mixed", "negative"]
    says: str
    source: str
    read_in: str = ""


class Disease(Settings):
    """One disease: images that are used, regions that matter, targets, and the evidence collected here."""

    name: str
    modalities: tuple[str, ...]
    regions: tuple[str, ...]
    advice: tuple[str, ...] = ()
    target: dict[str, DiseaseTarget]
    evidence: tuple[Evidence, ...] = Field(default=())


@dataclass(frozen=True)
class DiseaseList:
    """The diseases that are known, or one of them in full."""

    diseases: dict[str, Disease]
    whole: bool = False

    def lines(self) -> list[str]:
        """Return what the command prints."""
        if self.whole:
            return [line for key, disease in self.diseases.items() for line in _whole(key, disease)]
        width = max(len(key) for key in self.diseases)
        lines = [
            f" {key:<{width}}  {disease.name}: {', '.join(disease.target)}" for key, disease in self.diseases.items()
        ]
        return [*lines, "genoxel diseases NAME prints the targets as a study file writes them."]

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {key: disease.model_dump(mode="json", exclude_defaults=True) for key, disease in self.diseases.items()}


def diseases(word: str = "") -> DiseaseList:
    """Return all diseases, or the one called `word`; `SettingsError` names the nearest.

    >>> "IDH" in diseases("glioma").diseases["glioma"].target
    True
    """
    known = _read()
    if not word:
        return DiseaseList(known)
    if word not in known:
        raise SettingsError(f"the disease {word!r}", ", ".join(known), nearest(word, known) or "choose one of these")
    return DiseaseList({word: known[word]}, whole=True)


@cache
def _read() -> dict[str, Disease]:
    found = {}
    for file in sorted(resources.files(__package__).iterdir(), key=lambda item: item.name):
        if file.name.endswith(".toml"):
            content = tomllib.loads(file.read_text(encoding="utf-8"))
            found[file.name.removesuffix(".toml")] = Disease.model_validate(content)
    return found


def _whole(key: str, disease: Disease) -> list[str]:
    lines = [f"{key}: {disease.name}", f" images    {', '.join(disease.modalities)}"]
    lines += [f" regions   {', '.join(disease.regions)}", *(f" advice    {text}" for text in disease.advice), ""]
    for name, target in disease.target.items():
        lines += [*target.lines(name), ""]
    for one in disease.evidence:
        read = f" [read in {one.read_in}]" if one.read_in else ""
        lines += [f" {one.target}: {one.word}. {one.says}", f"   {one.source}{read}"]
    bare = [name for name in disease.target if name not in {one.target for one in disease.evidence}]
    if bare:
        lines.append(f" no evidence from images was collected here for {', '.join(bare)}: that is no evidence against")
    return lines
