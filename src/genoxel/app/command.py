"""How a function becomes a command: the flags that all share, one `Console`, errors told in one way."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any, get_type_hints

import typer

from genoxel.app.console import Console

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but what failed.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.", hidden=True)]

Body = Callable[..., None]
_FLAGS = {"as_json": Json, "quiet": Quiet, "debug": Debug}


def command(group: typer.Typer, panel: str | None = None) -> Callable[[Body], Body]:
    """Add to `group` a command that runs the decorated function, whose first parameter is the `Console`.

    The other parameters are the command's own; ``--json``, ``--quiet`` and ``--debug`` are added to them. What is
    returned is the command itself, to be called by keyword.
    """

    def register(body: Body) -> Body:
        hints = get_type_hints(body, include_extras=True)
        _, *own = inspect.signature(body).parameters.values()
        shared = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=kind)
            for name, kind in _FLAGS.items()
        ]
        parameters = [*(one.replace(annotation=hints[one.name]) for one in own), *shared]

        @wraps(body)
        def face(*, as_json: bool = False, quiet: bool = False, debug: bool = False, **given: Any) -> None:
            console = Console(as_json, quiet, debug)
            with console.guard():
                body(console, **given)

        face.__annotations__ = {one.name: one.annotation for one in parameters}
        face.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        group.command(rich_help_panel=panel)(face)
        return face

    return register
