"""What every command shares: words to the reader, JSON to the machine, one clear message for an error, an exit code."""

from __future__ import annotations

import json
import math
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from genoxel.core.errors import GenoxelError, describe

DONE, REFUSED, USAGE, PARTLY, STOPPED = 0, 1, 2, 3, 130
"""Exit codes: done, refused input, usage, done with some patients failed, stopped by the user."""


class Found(Protocol):
    """What a command finds, for people and for machines."""

    def lines(self) -> Sequence[str]:
        """Return lines for people."""

    def to_json(self) -> Mapping[str, Any]:
        """Return the same as plain names and values."""


class Console:
    """Where a command speaks: lines for people, or one JSON object at the end; `quiet` keeps only what failed."""

    def __init__(self, as_json: bool = False, quiet: bool = False, debug: bool = False) -> None:
        self.as_json, self.quiet, self.debug = as_json, quiet, debug

    @property
    def silent(self) -> bool:
        """Whether progress and lines for people are to be left out."""
        return self.quiet or self.as_json

    def say(self, *lines: str) -> None:
        """Write lines for people (nothing with --quiet or --json)."""
        if not self.silent:
            _write(sys.stdout, lines)

    def insist(self, *lines: str) -> None:
        """Write lines that even --quiet does not drop."""
        if not self.as_json:
            _write(sys.stdout, lines)

    def give(self, content: Mapping[str, Any]) -> None:
        """Write the JSON object (only with --json)."""
        if self.as_json:
            _write(sys.stdout, [json.dumps(_plain(content), ensure_ascii=False, indent=1)])

    def tell(self, found: Found, failures: Iterable[str] = ()) -> None:
        """Write what a command found, as lines or as JSON; with --quiet only its `failures`."""
        self.say(*found.lines())
        if self.quiet:
            self.insist(*failures)
        self.give(found.to_json())

    def finish(self, code: int) -> None:
        """End the command with an exit code."""
        if code:
            raise SystemExit(code)

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Turn errors raised on purpose into one message and exit code 1; a traceback only with --debug."""
        try:
            yield
        except GenoxelError as error:
            self._refuse(error)
        except KeyboardInterrupt:
            _write(sys.stderr, ["Stopped. Nothing is lost: the same command goes on where this one was."])
            raise SystemExit(STOPPED) from None
        except BrokenPipeError:
            raise SystemExit(DONE) from None
        except Exception as error:
            if self.debug:
                raise
            _write(
                sys.stderr,
                [
                    f"error: an unexpected {type(error).__name__}: {describe(error)}",
                    "This is a fault of Genoxel. Run again with --debug and report what it prints.",
                ],
            )
            raise SystemExit(REFUSED) from None

    def _refuse(self, error: GenoxelError) -> None:
        if self.debug:
            traceback.print_exception(error)
        if self.as_json:
            content: dict[str, Any] = {"error": type(error).__name__, "got": error.got, "legal": error.legal}
            problems = [problem.to_json() for problem in getattr(error, "problems", ())]
            _write(sys.stdout, [json.dumps({**content, "fix": error.fix, "problems": problems}, ensure_ascii=False)])
        else:
            _write(sys.stderr, [f"error: {describe(error)}"])
        raise SystemExit(REFUSED) from None


def _plain(value: Any) -> Any:
    """Return `value` as JSON can hold it: no NaN, no tuples, no paths."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int | bool):
        return value
    return value.item() if hasattr(value, "item") else str(value)


def _write(stream: Any, lines: Iterable[str]) -> None:
    for line in lines:
        text = line + "\n"
        try:
            stream.write(text)
        except UnicodeEncodeError:
            encoding = stream.encoding or "ascii"
            stream.write(text.encode(encoding, "replace").decode(encoding))
    stream.flush()
