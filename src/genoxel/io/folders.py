"""A folder that is whole or not there: parts named by their content, and one manifest written last."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from genoxel.core.errors import FileFormatError, GenoxelError, MissingFileError
from genoxel.io import plainjson
from genoxel.io.files import atomic_write, hash_file, output_error

FORMAT = 1
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class FolderWriter:
    """Collects the parts of a folder and makes them valid all at once.

    Each part gets the hash of its content into its name, so an older manifest keeps its own parts until the new one
    replaces it; parts that only the old one named are then removed.
    """

    def __init__(self, folder: Path, manifest: str) -> None:
        self.folder = folder
        self.manifest = folder / manifest
        self.parts: dict[str, str] = {}

    def add(self, name: str, suffix: str, write: Callable[[Path], object]) -> str:
        """Write one part by `write(path)` and return the name of its file."""
        stem = _UNSAFE.sub("_", name)[:60].strip("._") or "part"
        temporary = self.folder / f".{stem}-{len(self.parts)}{suffix}"
        try:
            write(temporary)
            digest = hash_file(temporary)
            final = f"{stem}-{digest[:16]}{suffix}"
            temporary.replace(self.folder / final)
        except GenoxelError:
            raise
        except OSError as error:
            raise output_error(self.folder / name, error) from error
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink()
        self.parts[final] = digest
        return final

    def finish(self, noun: str, content: dict[str, Any]) -> Path:
        """Write the manifest, which makes the parts valid, and remove the parts that only the old one named."""
        old = _parts_of(self.manifest)
        text = plainjson.dumps({"format": FORMAT, "noun": noun, **content, "parts": self.parts}, indent=1)
        atomic_write(self.manifest, text + "\n")
        for name in set(old) - set(self.parts):
            with contextlib.suppress(OSError):
                (self.folder / name).unlink()
        return self.folder


def _parts_of(manifest: Path) -> dict[str, str]:
    """Return the parts that an older manifest names; only plain names inside the folder are believed."""
    try:
        parts = plainjson.load_file(manifest)["parts"]
        return {name: digest for name, digest in parts.items() if _plain(name)}
    except (OSError, FileFormatError, KeyError, TypeError, AttributeError):
        return {}


def _plain(name: object) -> bool:
    return isinstance(name, str) and _UNSAFE.search(name) is None and not name.startswith(".")


def open_folder(folder: str | Path, manifest: str, noun: str) -> dict[str, Any]:
    """Return the manifest's content after checking that every part is there and unchanged.

    Raises `MissingFileError` when there is no manifest or a part is gone, `FileFormatError` when one was changed.
    """
    place = Path(folder)
    file = place / manifest
    if not file.is_file():
        raise MissingFileError(f"no {manifest} in {place}", f"a folder with a {noun}", "check the folder")
    content = plainjson.load_file(file)
    if not isinstance(content, dict) or content.get("noun") != noun or content.get("format") != FORMAT:
        raise FileFormatError(f"{file}, which holds no {noun} of format {FORMAT}", noun, "use the matching reader")
    for name, digest in content.get("parts", {}).items():
        if not _plain(name):
            raise FileFormatError(f"the part name {name!r} in {file}", "a name inside the folder", "write it again")
        if not (place / name).is_file():
            raise MissingFileError(f"no {name} in {place}", "all parts of the manifest", "restore or write it again")
        if hash_file(place / name) != digest:
            raise FileFormatError(f"{place / name}, changed since it was written", "its own bytes", "write it again")
    return content
