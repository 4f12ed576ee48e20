"""Results as bytes that repeat: arrays and small facts in one file, folders in one archive; nothing that executes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import FileFormatError
from genoxel.io import plainjson

FACTS = "facts.json"
_DATE = (1980, 1, 1, 0, 0, 0)
Arrays = Mapping[str, npt.NDArray[Any]]


def pack(arrays: Arrays, facts: object = None, blobs: Mapping[str, bytes] | None = None) -> bytes:
    """Return arrays, plain facts and byte blobs as one archive; equal content gives equal bytes.

    >>> arrays, facts, blobs = unpack(pack({"x": np.arange(3)}, {"n": 1}, {"a.png": b"1"}))
    >>> arrays["x"].tolist(), facts, blobs
    ([0, 1, 2], {'n': 1}, {'a.png': b'1'})
    """
    members = {FACTS: plainjson.dumps(facts).encode()}
    for name, array in arrays.items():
        stream = io.BytesIO()
        np.lib.format.write_array(stream, np.asarray(array), allow_pickle=False)
        members[f"arrays/{name}.npy"] = stream.getvalue()
    members.update({f"blobs/{name}": data for name, data in (blobs or {}).items()})
    return pack_members(members)


def unpack(data: bytes) -> tuple[dict[str, npt.NDArray[Any]], Any, dict[str, bytes]]:
    """Return (arrays, facts, blobs) of what `pack` wrote; `FileFormatError` when it is damaged."""
    members = unpack_members(data)
    arrays, blobs = {}, {}
    for name, content in members.items():
        if name.startswith("arrays/"):
            key = name.removeprefix("arrays/").removesuffix(".npy")
            arrays[key] = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
        elif name.startswith("blobs/"):
            blobs[name.removeprefix("blobs/")] = content
    return arrays, plainjson.loads(members.get(FACTS, b"null")), blobs


def pack_members(members: Mapping[str, bytes]) -> bytes:
    """Return a ZIP archive of named members, sorted, with one fixed date."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in sorted(members):
            archive.writestr(zipfile.ZipInfo(name, _DATE), members[name], zipfile.ZIP_DEFLATED, 1)
    return stream.getvalue()


def unpack_members(data: bytes) -> dict[str, bytes]:
    """Return the members of an archive by name; `FileFormatError` when it is damaged."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise FileFormatError(
            f"a damaged file of finished work ({error})", "what Genoxel wrote", "delete the folder .genoxel"
        ) from error


def pack_folder(folder: Path) -> bytes:
    """Return all files below `folder` as one archive."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return pack_members({path.relative_to(folder).as_posix(): path.read_bytes() for path in files})


def unpack_folder(data: bytes, folder: Path) -> list[Path]:
    """Write the members of an archive below `folder` and return their paths; a member cannot lead outside."""
    paths = []
    for name, content in unpack_members(data).items():
        parts = PurePosixPath(name).parts
        if PurePosixPath(name).is_absolute() or ".." in parts:
            raise FileFormatError(f"a member {name!r} that leads outside", "plain names", "delete the folder .genoxel")
        path = folder.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        paths.append(path)
    return paths
