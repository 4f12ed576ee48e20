"""A study on disk: its file, what the file says, and where results and finished work go."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from genoxel.core.errors import MissingFileError, nearest
from genoxel.io.files import safe_text
from genoxel.study.problems import Problem, StudyError
from genoxel.study.schema import StudyFile, parse_lawful, parse_study

DEFAULT_NAME = "study.toml"


@dataclass(frozen=True)
class Study:
    """A study file that was read and found legal; paths in it are relative to its folder."""

    path: Path
    settings: StudyFile
    text: str

    @classmethod
    def read(cls, path: str | Path = DEFAULT_NAME) -> Study:
        """Return the study at `path` (a file, or a folder with study.toml).

        Raises `MissingFileError`, or `StudyError` holding every problem of the file at once.
        """
        place, text = _open(path)
        settings, problems = parse_study(text)
        if settings is None:
            raise StudyError(f"the study file {place.name}", problems)
        return cls(place.resolve(), settings, text)

    @classmethod
    def read_lawful(cls, path: str | Path = DEFAULT_NAME) -> tuple[Study, list[Problem]]:
        """Return (the study of what is legal in the file, the problems of the rest), for `check`.

        Raises as `read` when nothing of the file can be used.
        """
        place, text = _open(path)
        settings, problems = parse_lawful(text)
        if settings is None:
            raise StudyError(f"the study file {place.name}", problems)
        return cls(place.resolve(), settings, text), problems

    @property
    def folder(self) -> Path:
        """Folder of the study file."""
        return self.path.parent

    @property
    def results(self) -> Path:
        """Folder of the results: results, or results-NAME for a study file called NAME.toml."""
        return self.folder / ("results" if self.path.name == DEFAULT_NAME else f"results-{self.path.stem}")

    @property
    def work(self) -> Path:
        """Folder of the ledger, the lock and finished work."""
        return self.folder / ".genoxel"

    def file(self, name: str) -> Path:
        """Return the path of a file named in the study file."""
        return self.folder / name

    def __repr__(self) -> str:
        targets = ", ".join(self.settings.targets) or "none"
        return f"Study {self.settings.study.name or self.path.stem!r}: targets {targets}"


def _open(path: str | Path) -> tuple[Path, str]:
    place = Path(path)
    place = place / DEFAULT_NAME if place.is_dir() else place
    if not place.is_file():
        here = [item.name for item in place.parent.glob("*.toml")] if place.parent.is_dir() else []
        hint = nearest(place.name, here) or "write one with: genoxel init FOLDER SPREADSHEET"
        raise MissingFileError(f"no study file {place}", "a study file", hint)
    return place, safe_text(place)
