"""Templates of the pages, and the one environment that fills them."""

from __future__ import annotations

import base64
from functools import cache
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined

from genoxel.report.cite import given, named


@cache
def environment() -> Environment:
    """Return the template environment: everything is escaped, an unknown name is an error."""
    made = Environment(
        loader=FunctionLoader(asset),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["png"] = lambda data: base64.b64encode(data).decode()
    made.filters["given"] = given
    made.filters["named"] = named
    return made


def asset(name: str) -> str:
    """Return a file of this folder as text, for example 'style.css'."""
    return (files("genoxel.report.templates") / name).read_text(encoding="utf-8").rstrip()
