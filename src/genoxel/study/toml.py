"""TOML to settings models: every problem at once, each with its dotted path and the nearest legal word."""

from __future__ import annotations

import tomllib
import types
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from genoxel.core.errors import GenoxelError, nearest
from genoxel.study.planned import NOT_YET, planned_key
from genoxel.study.problems import Problem

Model = TypeVar("Model", bound=BaseModel)
Loc = tuple[int | str, ...]

_LEGAL = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "string_type": "text in quotes",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list in [ ]",
    "tuple_type": "a list in [ ]",
    "dict_type": "a table { key = value }",
    "model_type": "a table { key = value }",
    "model_attributes_type": "a table { key = value }",
}


def parse_toml(text: str, model: type[Model]) -> tuple[Model | None, list[Problem]]:
    """Return (the settings in `text`, []) or (None, all problems): wrong TOML, unknown keys, illegal values.

    >>> from genoxel.core.settings import Settings
    >>> class Toy(Settings):
    ...     seed: int = 0
    >>> print(parse_toml("sed = 1", Toy)[1][0])
    sed: got an unknown key; legal: seed; to fix: did you mean 'seed'?
    """
    try:
        content = tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        fix = "correct this line (text needs quotes, a Windows path single quotes: 'C:\\data')"
        return None, [Problem("study file", f"text that is not TOML: {error}", "TOML", fix)]
    return parse_content(content, model)


def parse_content(content: Mapping[str, Any], model: type[Model]) -> tuple[Model | None, list[Problem]]:
    """Return (settings of a parsed mapping, []) or (None, all problems)."""
    try:
        return model.model_validate(dict(content)), []
    except ValidationError as error:
        problems: dict[Loc, Problem] = {}
        for detail in error.errors(include_url=False):
            place = _in_file(detail["loc"], content, detail["type"] == "missing")
            problems.setdefault(place, _problem(place, dict(detail), model))
        # A wrong key makes every form that its table could have fail: the key is the reason, not the forms.
        inner = [place for place in problems if not any(other[: len(place)] == place != other for other in problems)]
        return None, [problems[place] for place in inner]


def parse_rest(text: str, model: type[Model]) -> tuple[Model | None, list[Problem]]:
    """Return (settings of what is legal in `text`, all problems), so that the rest can be checked against the data.

    The settings are None only for text that is not TOML.
    """
    settings, problems = parse_toml(text, model)
    if settings is not None:
        return settings, problems
    try:
        content = tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError:
        return None, problems
    for _ in range(20):
        try:
            return model.model_validate(content), problems
        except ValidationError as error:
            details = error.errors(include_url=False)
        places = {_in_file(detail["loc"], content, detail["type"] == "missing") for detail in details}
        known = [problem.where for problem in problems]
        problems += [
            one
            for one in parse_content(content, model)[1]
            if not any(where == one.where or where.startswith(f"{one.where}.") for where in known)
        ]
        for place in places:
            _leave_out(content, place)
    return None, problems


def _leave_out(content: Any, place: Loc) -> None:
    """Remove what stands at `place`, or the table around a key that is missing."""
    for part in place[:-1]:
        if not (part in content if isinstance(content, dict) else isinstance(part, int) and part < len(content)):
            return
        content = content[part]
    if place and isinstance(content, dict) and place[-1] in content:
        del content[place[-1]]
    elif isinstance(content, dict | list):
        content.clear()


def _problem(place: Loc, detail: Mapping[str, Any], model: type[BaseModel]) -> Problem:
    where, kind = dotted(place) or "study file", detail["type"]
    cause = (detail.get("ctx") or {}).get("error")
    if isinstance(cause, GenoxelError):
        return Problem(where, cause.got, cause.legal, cause.fix)
    if kind == "extra_forbidden":
        legal = legal_keys(model, place[:-1])
        if fix := planned_key(place):
            return Problem(where, f"a key that is {NOT_YET}", ", ".join(legal), fix)
        hint = nearest(str(place[-1]), legal) or "remove it, or see the documentation of the study file"
        return Problem(where, "an unknown key", ", ".join(legal) or "no key here", hint)
    if kind == "missing":
        return Problem(where, "nothing", "a value: this key is required", f"add {place[-1]} = ...")
    got = _short(detail.get("input"))
    message = str(detail["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")
    return Problem(where, got, _LEGAL.get(kind, message))


def _short(value: object) -> str:
    kind = {str: "text", bool: "the switch", int: "the number", float: "the number", list: "the list"}.get(type(value))
    shown = repr(value).lower() if isinstance(value, bool) else repr(value)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    return f"{kind} {shown}" if kind else shown


def _in_file(loc: Sequence[int | str], content: Any, missing: bool) -> Loc:
    """Return `loc` without the parts that name a branch of a union and not a key of the file."""
    place: list[int | str] = []
    for part in loc:
        inside = (
            part in content if isinstance(content, Mapping) else isinstance(content, list) and isinstance(part, int)
        )
        if inside:
            content = content[part]
        if inside or (missing and part == loc[-1] and isinstance(content, Mapping)):
            place.append(part)
    return tuple(place)


def dotted(place: Sequence[int | str]) -> str:
    """Return the path as one would write it: ``target.EGFR.positive[0]``."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def legal_keys(annotation: Any, place: Sequence[int | str]) -> list[str]:
    """Return the keys that are legal at `place` below a settings model (empty where any key is)."""
    if not place:
        return [key for one in _models(annotation) for key in _names(one)]
    part, rest = place[0], place[1:]
    found: list[str] = []
    for one in _models(annotation):
        for name, info in one.model_fields.items():
            if part in (name, info.alias):
                found += legal_keys(info.annotation, rest)
    for inner in _inner(annotation):
        found += legal_keys(inner, rest)
    return list(dict.fromkeys(found))


def _names(model: type[BaseModel]) -> list[str]:
    return [info.alias or name for name, info in model.model_fields.items()]


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for member in _members(annotation) for model in _models(member)]


def _members(annotation: Any) -> list[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        return [get_args(annotation)[0]]
    return list(get_args(annotation)) if origin in (Union, types.UnionType) else []


def _inner(annotation: Any) -> list[Any]:
    """Return what a list or mapping holds, looking through unions."""
    origin = get_origin(annotation)
    if origin in (list, tuple, Sequence):
        return [one for one in get_args(annotation) if one is not Ellipsis]
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return [get_args(annotation)[1]]
    return [inner for member in _members(annotation) for inner in _inner(member)]
