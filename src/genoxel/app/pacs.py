"""``genoxel pacs``: ask an archive, bring series here, send results back."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from genoxel.app.command import command
from genoxel.app.console import PARTLY, Console
from genoxel.io.pacs import Archive, Question, Tls, files_to_send, open_archive, receive

pacs = typer.Typer(no_args_is_help=True, help="Ask an image archive, bring series here, send results back.")

Body = Callable[..., None]


def _archive(
    address: Annotated[
        str, typer.Argument(help="dicom(s)://CALLED_AE@host:port?as=OUR_AE, or http(s)://host/dicom-web.")
    ],
    ca: Annotated[Path | None, typer.Option(help="dicoms: the certificates that the archive is checked by.")] = None,
    cert: Annotated[Path | None, typer.Option(help="dicoms: our certificate, where the archive asks for one.")] = None,
    key: Annotated[Path | None, typer.Option(help="dicoms: the key of our certificate.")] = None,
) -> Archive:
    return open_archive(address, Tls(ca, cert, key))


def _question(
    patient: Annotated[str, typer.Option(help="PatientID.")] = "",
    study: Annotated[str, typer.Option(help="Study Instance UID.")] = "",
    series: Annotated[str, typer.Option(help="Series Instance UID.")] = "",
    accession: Annotated[str, typer.Option(help="Accession number.")] = "",
    modality: Annotated[str, typer.Option(help="CT, MR, PT, SEG, RTSTRUCT, ...")] = "",
) -> Question:
    return Question(patient, study, series, accession, modality)


MADE: dict[str, Callable[..., Any]] = {"archive": _archive, "question": _question}
"""Parameters that several commands share: each is made of what is typed for the parameters of its function."""


def typed(body: Body) -> Body:
    """Replace the parameters of a command that `MADE` names by those that they are made of."""
    own: list[inspect.Parameter] = []
    for one in _parameters(body):
        own += _parameters(MADE[one.name]) if one.name in MADE else [one]
    wanted = [name for name in inspect.signature(body).parameters if name in MADE]

    @wraps(body)
    def face(console: Console, **given: Any) -> None:
        for name in wanted:
            given[name] = MADE[name](**{one.name: given.pop(one.name) for one in _parameters(MADE[name])})
        body(console, **given)

    face.__annotations__ = {one.name: one.annotation for one in own}
    face.__signature__ = inspect.Signature(own)  # type: ignore[attr-defined]
    return face


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    hints = get_type_hints(function, include_extras=True)
    found = inspect.signature(function).parameters.values()
    return [
        one.replace(annotation=hints[one.name], kind=one.KEYWORD_ONLY if one.name != "console" else one.kind)
        for one in found
    ]


@command(pacs)
@typed
def find(console: Console, archive: Archive, question: Question) -> None:
    """List the series of a patient, study or accession number; nothing is copied."""
    found = archive.find(question)
    console.say(*(_line(one) for one in found), f"{len(found)} series")
    console.give({"series": [vars(one) for one in found]})


@command(pacs)
@typed
def get(
    console: Console,
    archive: Archive,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the series.")],
    question: Question,
) -> None:
    """Bring series to a folder, one file per instance; the same command goes on after a stop."""
    from genoxel.study.progress import progress_for

    found, came = archive.find(question), []
    with progress_for(console.silent) as progress:
        progress.begin("series", len(found))
        for one in found:
            came.append(receive(archive, one, out))
            progress.advance(ok=came[-1].complete, reused=not came[-1].new)
        progress.end()
    short = [one for one in came if not one.complete]
    console.say(
        *(f"incomplete: {_line(one.series)}, {one.there + one.new} here" for one in short),
        f"{len(came)} series: {sum(one.new for one in came)} new files, {sum(one.there for one in came)} old",
        f"next: genoxel inventory {out}",
    )
    console.give(
        {"series": [{**vars(one.series), "new": one.new, "there": one.there, "complete": one.complete} for one in came]}
    )
    console.finish(PARTLY if short else 0)


@command(pacs)
@typed
def send(
    console: Console,
    archive: Archive,
    paths: Annotated[list[Path], typer.Argument(help="DICOM files, or folders of them.")],
) -> None:
    """Store DICOM files (segmentations, structure sets, maps) in the archive."""
    sent = list(archive.send(files_to_send(paths)))
    refused = [one for one in sent if not one.stored]
    console.say(*(f"not stored: {one.path}: {one.reason}" for one in refused))
    console.say(f"stored {len(sent) - len(refused)} of {len(sent)} files")
    console.give({"files": [{"path": str(one.path), "stored": one.stored, "reason": one.reason} for one in sent]})
    console.finish(PARTLY if refused else 0)


def _line(series: object) -> str:
    facts = vars(series)
    number = "?" if facts["instances"] is None else facts["instances"]
    return f"{facts['date'] or 'no date'}  {facts['modality']:8s} {number!s:>5}  {facts['description']}  {facts['uid']}"
