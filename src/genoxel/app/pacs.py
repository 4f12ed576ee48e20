"""``genoxel pacs``: ask an archive, bring series here, send results back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genoxel.app.command import command
from genoxel.app.console import PARTLY, Console

pacs = typer.Typer(no_args_is_help=True, help="Ask an image archive, bring series here, send results back.")

Address = Annotated[str, typer.Argument(help="dicom://CALLED_AE@host:port[?as=OUR_AE], or http(s)://host/dicom-web.")]
Patient = Annotated[str, typer.Option("--patient", help="PatientID.")]
Study = Annotated[str, typer.Option("--study", help="Study Instance UID.")]
Series = Annotated[str, typer.Option("--series", help="Series Instance UID.")]
Accession = Annotated[str, typer.Option("--accession", help="Accession number.")]
Modality = Annotated[str, typer.Option("--modality", help="CT, MR, PT, SEG, RTSTRUCT, ...")]


@command(pacs)
def find(
    console: Console,
    address: Address,
    patient: Patient = "",
    study: Study = "",
    series: Series = "",
    accession: Accession = "",
    modality: Modality = "",
) -> None:
    """List the series of a patient, study or accession number; nothing is copied."""
    from genoxel.io.pacs import Question, open_archive

    question = Question(patient, study, series, accession, modality)
    found = open_archive(address).find(question)
    console.say(*(_line(one) for one in found), f"{len(found)} series")
    console.give({"series": [vars(one) for one in found]})


@command(pacs)
def get(
    console: Console,
    address: Address,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the series.")],
    patient: Patient = "",
    study: Study = "",
    series: Series = "",
    accession: Accession = "",
    modality: Modality = "",
) -> None:
    """Bring series to a folder, one file per instance; the same command goes on after a stop."""
    from genoxel.io.pacs import Question, open_archive, receive
    from genoxel.study.progress import progress_for

    question = Question(patient, study, series, accession, modality)
    archive = open_archive(address)
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
def send(
    console: Console,
    address: Address,
    paths: Annotated[list[Path], typer.Argument(help="DICOM files, or folders of them.")],
) -> None:
    """Store DICOM files (segmentations, structure sets, maps) in the archive."""
    from genoxel.io.pacs import files_to_send, open_archive

    sent = list(open_archive(address).send(files_to_send(paths)))
    refused = [one for one in sent if not one.stored]
    console.say(*(f"not stored: {one.path}: {one.reason}" for one in refused))
    console.say(f"stored {len(sent) - len(refused)} of {len(sent)} files")
    console.give({"files": [{"path": str(one.path), "stored": one.stored, "reason": one.reason} for one in sent]})
    console.finish(PARTLY if refused else 0)


def _line(series: object) -> str:
    facts = vars(series)
    number = "?" if facts["instances"] is None else facts["instances"]
    return f"{facts['date'] or 'no date'}  {facts['modality']:8s} {number!s:>5}  {facts['description']}  {facts['uid']}"
