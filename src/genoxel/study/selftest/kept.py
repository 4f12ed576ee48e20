"""A `map` whose finished pieces outlive a stop: a self-test takes an hour and must not begin again after 50 minutes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from genoxel.core.settings import digest
from genoxel.study.engine import Engine, Job, Result, code_version
from genoxel.study.executors import Failure
from genoxel.study.ledger import key_of

PIECES = 40
"""A step is cut into at most this many pieces: what a stop can cost is one piece per worker."""


class Kept:
    """Call a function over many arguments through an engine, a file per piece; values cross as JSON.

    The same area, `words` (seed and effort) and order of calls find what they left. Tuples come back as lists, whether
    they were just made or found, so that a resumed self-test cannot differ from one that was never stopped.
    """

    def __init__(self, engine: Engine, area: str, words: object) -> None:
        self.engine, self.area = engine, area
        self.words = digest([area, words])
        self._count = 0

    def __call__(self, function: Callable[..., Any], *iterables: Iterable[Any]) -> list[Any]:
        """Return ``[function(*arguments) ...]`` in order; an error of a piece is raised once the others are done."""
        calls = list(zip(*iterables, strict=True))
        size = max(1, -(-len(calls) // PIECES))
        self._count += 1
        step, code = f"{self.area}-{self._count}", code_version("1", ("",))
        jobs = []
        for first in range(0, len(calls), size):
            key = key_of([len(calls), first, size], self.words, code)
            jobs.append(Job(step, str(first), key, _piece, (function, calls[first : first + size])))
        results = self.engine.run(step, jobs)
        return [value for result in results.values() for value in _values(result)]


def _piece(payload: tuple[Callable[..., Any], list[tuple[Any, ...]]]) -> bytes:
    function, calls = payload
    return json.dumps([function(*arguments) for arguments in calls]).encode()


def _values(result: Result) -> list[Any]:
    if not result.ok:
        raise Failure(result.kind, result.error, result.where).error()
    values: list[Any] = json.loads(Path(str(result.path)).read_bytes())
    return values
