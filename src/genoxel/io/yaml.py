"""YAML files of settings, read as plain values: no tags that make objects, no references that unfold without end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from genoxel.core.errors import FileFormatError
from genoxel.io.files import existing, safe_text

MAX_BYTES = 2**20


def read_yaml(path: str | Path) -> Any:
    """Return the content of a YAML file: mappings, lists, texts, numbers, switches and None.

    Raises `FileFormatError` naming the line for text that is not YAML, for tags, references (&, *), keys that occur
    twice, and files beyond 1 MiB; `MissingFileError` when there is no such file.
    """
    import yaml

    file = existing(path)
    if file.stat().st_size > MAX_BYTES:
        raise FileFormatError(f"{file.name} of {file.stat().st_size} bytes", "settings of at most 1 MiB", "shorten it")
    text = safe_text(file)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        _check(node, file.name, set())
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark is not None else ""
        reason = getattr(error, "problem", None) or "not readable"
        raise FileFormatError(f"{file.name}{where}: {reason}", "YAML of plain values", "correct that line") from error
    except RecursionError as error:
        raise FileFormatError(f"{file.name}, nested too deeply", "plain settings", "flatten it") from error


def _check(node: Any, name: str, seen: set[int]) -> None:
    import yaml

    if node is None:
        return
    if id(node) in seen:
        line = node.start_mark.line + 1
        raise FileFormatError(f"{name} with a reference to line {line}", "values written out", "write the value again")
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _check(item, name, seen)
    elif isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        if twice:
            raise FileFormatError(f"{name} with the key {twice[0]!r} twice", "each key once", "remove one")
        for pair in node.value:
            for item in pair:
                _check(item, name, seen)
