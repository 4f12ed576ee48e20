"""The command ``genoxel``. Commands are listed in the order in which a study uses them; each imports its room late."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from genoxel.app.command import command
from genoxel.app.console import DONE, PARTLY, REFUSED, Console
from genoxel.app.pacs import pacs

STUDY, TOOLS, HELP = "A study", "Single stations", "About Genoxel"

app = typer.Typer(
    name="genoxel",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="From images, masks and molecular tables to an honest report. Research use only.",
    epilog="Exit codes: 0 done, 1 refused input, 2 usage, 3 done with some patients failed.",
)

StudyPath = Annotated[Path, typer.Argument(help="The study file, or the folder that holds study.toml.")]
Workers = Annotated[int | None, typer.Option("--workers", "-j", min=1, help="Processes (default: all cores).")]


def _version(wanted: bool) -> None:
    if wanted:
        from genoxel._version import __version__

        typer.echo(f"genoxel {__version__}")
        raise typer.Exit


app.add_typer(pacs, name="pacs", rich_help_panel=TOOLS)


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """From images, masks and molecular tables to an honest report. Research use only."""


@command(app, STUDY)
def init(
    console: Console,
    folder: Annotated[Path, typer.Argument(help="Folder of the images (DICOM or NIfTI).")],
    spreadsheet: Annotated[Path, typer.Argument(help="Clinical table, .xlsx or .csv.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Study file to write.")] = Path("study.toml"),
) -> None:
    """Look at a folder and a spreadsheet and write a commented study file."""
    from genoxel.study.init import propose

    proposal = propose(folder, spreadsheet, out, say=console.say)
    console.give(proposal.to_json())


@command(app, STUDY)
def check(
    console: Console,
    study: StudyPath = Path("study.toml"),
    workers: Workers = None,
) -> None:
    """Find every problem before anything runs: a dry run with the power, cost and contours of the study."""
    from genoxel.study.check import check as check_study
    from genoxel.study.progress import progress_for
    from genoxel.study.study import Study

    lawful, problems = Study.read_lawful(study)
    found = check_study(lawful, workers, progress_for(console.silent), problems)
    console.tell(found, (str(problem) for problem in found.errors))
    console.finish(REFUSED if found.errors else DONE)


@command(app, STUDY)
def run(
    console: Console,
    study: StudyPath = Path("study.toml"),
    workers: Workers = None,
) -> None:
    """Run the study; after any stop the same command goes on where the last one was."""
    from genoxel.study.progress import progress_for
    from genoxel.study.run import run as run_study
    from genoxel.study.study import Study

    result = run_study(Study.read(study), workers=workers, progress=progress_for(console.silent))
    console.tell(result, [result.failed_line()] if result.failed else [])
    console.finish(PARTLY if result.failed else DONE)


@command(app, STUDY)
def status(console: Console, study: StudyPath = Path("study.toml")) -> None:
    """Say what is done, what is left and who runs it."""
    from genoxel.study.status import status as status_of
    from genoxel.study.study import Study

    found = status_of(Study.read(study))
    console.tell(found)


@command(app, STUDY)
def report(console: Console, study: StudyPath = Path("study.toml")) -> None:
    """Write the report again from what is done, computing nothing else."""
    from genoxel.study.progress import progress_for
    from genoxel.study.run import run as run_study
    from genoxel.study.study import Study

    result = run_study(Study.read(study), workers=1, progress=progress_for(console.silent), only_report=True)
    console.say(f"Report: {result.report}")
    console.give(result.to_json())


@command(app, TOOLS)
def inventory(
    console: Console,
    folder: Annotated[Path, typer.Argument(help="Folder of the images.")],
    cache: Annotated[
        Path | None, typer.Option("--cache", help="File that remembers headers, so that a second look is quick.")
    ] = None,
    workers: Workers = None,
) -> None:
    """List patients, series, structures and how images were taken; only headers are read."""
    from genoxel.study.look import look_at_folder

    found = look_at_folder(folder, cache, workers)
    console.tell(found)


@command(app, TOOLS)
def deidentify(  # noqa: PLR0913, PLR0917  (each is an option of the command)
    console: Console,
    folder: Annotated[Path, typer.Argument(help="Folder of DICOM files.")],
    out: Annotated[Path, typer.Argument(help="New folder for what is given away.")],
    key: Annotated[
        Path | None, typer.Option(help="Key file, kept apart (default: beside OUT). Same key, same names.")
    ] = None,
    table: Annotated[list[Path] | None, typer.Option("--table", "-t", help="Table of the same patients.")] = None,
    id_column: Annotated[str, typer.Option(help="Column of the tables that names the patient.")] = "",
    faces: Annotated[
        Literal["hold", "deface", "mark"],
        typer.Option(help="Images of heads: held back, given without their face, or given and marked."),
    ] = "hold",
    looked_at: Annotated[
        Path | None, typer.Option(help="List of files (one a line) in which somebody looked for burned-in text.")
    ] = None,
    workers: Annotated[int, typer.Option("--workers", "-j", min=1, help="Processes.")] = 1,
) -> None:
    """Write DICOM files and tables without identities; what no list of the rules names is removed."""
    from genoxel.study.deidentify import deidentify as clean_folder

    found = clean_folder(folder, out, key, tuple(table or ()), id_column, faces, looked_at, workers)
    console.tell(found, found.held_lines())
    console.finish(PARTLY if found.held else DONE)


@command(app, TOOLS)
def fetch(  # noqa: PLR0913, PLR0917  (each is an option of the command)
    console: Console,
    collection: Annotated[
        str, typer.Argument(help="Collection such as tcga_kirc; cbioportal:STUDY or geo:GSE... for tables alone.")
    ],
    kinds: Annotated[
        str, typer.Option("--with", help="Of images, masks, clinical, mutations, expression: those wanted.")
    ] = "images,masks,clinical,mutations,expression",
    to: Annotated[Path | None, typer.Option("--to", "-o", help="Folder (default: the collection's name).")] = None,
    masks: Annotated[
        str, typer.Option(help='Which published segmentations: "list" takes none, a name, or "all".')
    ] = "list",
    patients: Annotated[int, typer.Option(min=0, help="Images of the first so many patients; 0: of all.")] = 0,
    project: Annotated[str, typer.Option(help="GDC project, where the collection is none of TCGA.")] = "",
    manifest: Annotated[Path | None, typer.Option(help="TCIA manifest (.tcia): no other series are brought.")] = None,
    only_list: Annotated[
        bool, typer.Option("--list", help="Say what there is and bring nothing; needs no network.")
    ] = False,
) -> None:
    """Bring a public collection as a ready study: images, published masks, molecular tables, licences."""
    from genoxel.io.online.idc import read_manifest
    from genoxel.study.fetch import fetch_from, list_collection
    from genoxel.study.order import Order
    from genoxel.study.progress import progress_for

    wanted = tuple(dict.fromkeys(kind.strip() for kind in kinds.split(",") if kind.strip()))
    only = read_manifest(manifest) if manifest is not None else ()
    order = Order(collection, wanted, masks, patients, project, only)
    if only_list:
        console.tell(list_collection(order))
        return
    with progress_for(console.silent) as display:
        found = fetch_from(order, to, display, console.say)
    console.tell(found, [f"not brought: {kind}: {why}" for kind, why in found.missing.items()])
    console.finish(PARTLY if found.missing else DONE)


@command(app, TOOLS)
def forget(
    console: Console,
    patient: Annotated[str, typer.Argument(help="Identifier of the patient, as in the study.")],
    study: Annotated[
        Path, typer.Argument(help="Study file or folder, a table of cases, or a file of inventory --cache (.jsonl).")
    ] = Path("study.toml"),
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Where extract wrote the features of a table of cases.")
    ] = None,
) -> None:
    """Remove everything derived from one patient, who never enters this study or table of cases again."""
    from genoxel.study.forget import forget_in

    console.tell(forget_in(study, patient, out))


@command(app, TOOLS)
def simulate(  # noqa: PLR0913, PLR0917  (each is an option of the command)
    console: Console,
    out: Annotated[Path, typer.Argument(help="New folder for the cohort.")],
    patients: Annotated[
        int | None, typer.Option("--patients", "--n", "-n", help="Number of patients (default 70).")
    ] = None,
    modality: Annotated[
        Literal["mr", "ct", "breast", "prostate"] | None, typer.Option(help="Brain MR, chest CT, breast, prostate.")
    ] = None,
    effect: Annotated[
        list[str] | None, typer.Option("--effect", help="Planted link, for example IDH1:texture:1.6 or TP53:none.")
    ] = None,
    effects: Annotated[
        Path | None, typer.Option("--effects", help="TOML file with effects as lines: IDH1 -> texture d = 1.6.")
    ] = None,
    preset: Annotated[str | None, typer.Option(help="Ready-made cohort, for example glioma-idh or null.")] = None,
    also: Annotated[
        list[str] | None, typer.Option("--also", help="Acquisition beyond the basic images: dwi, dsc, dce, pet ...")
    ] = None,
    masks: Annotated[Literal["rtstruct", "seg"] | None, typer.Option(help="How contours are delivered.")] = None,
    seed: Annotated[int | None, typer.Option(help="Same seed and versions, same bytes (default 0).")] = None,
    sites: Annotated[int | None, typer.Option(help="Number of scanners (default 2).")] = None,
    workers: Workers = None,
) -> None:
    """Write a simulated cohort with planted truth, as a hospital would deliver it."""
    from genoxel.study.demo import draw, plan_cohort
    from genoxel.study.progress import progress_for

    given = {"n": patients, "modality": modality, "effects": effect, "also": also, "masks": masks}
    given |= {"seed": seed, "sites": sites}
    spec = plan_cohort(preset, effects, given)
    place = draw(spec, out, progress_for(console.silent), workers)
    table = place / "clinical.xlsx"
    console.say(f"Wrote {spec.n} simulated patients to {place}", f"Next: genoxel init {place} {table}")
    console.give({"folder": str(place), "patients": spec.n})


@command(app, TOOLS)
def demo(
    console: Console,
    folder: Annotated[Path, typer.Argument(help="New folder, or that of an earlier demo.")] = Path("genoxel-demo"),
    workers: Workers = None,
) -> None:
    """Simulate a small cohort, run a whole study on it and name the report to open."""
    from genoxel.study.demo import demo as run_demo

    result = run_demo(folder, workers=workers, say=console.say, quiet=console.silent)
    console.insist(f"Open {result.report}")
    console.give(result.to_json())
    console.finish(PARTLY if result.failed else DONE)


@command(app, TOOLS)
def extract(  # noqa: PLR0913, PLR0917  (each is an option of the command)
    console: Console,
    image: Annotated[Path, typer.Argument(help="Image (NIfTI, NRRD, DICOM folder), or a table of cases (.csv).")],
    mask: Annotated[Path | None, typer.Argument(help="Mask of the image: NIfTI, NRRD, RTSTRUCT or SEG.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File (.csv, .parquet) for one case; folder for a table.")
    ] = None,
    settings: Annotated[
        Path | None, typer.Option("--settings", "-s", help=r"TOML with \[image] and \[features], or PyRadiomics YAML.")
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option("--label", "-l", help="Label or structure that counts; may be repeated.")
    ] = None,
    patient: Annotated[str, typer.Option(help="Name of the row of one case.")] = "",
    modality: Annotated[str, typer.Option(help="CT, MR, PT, T1CE ...: what NIfTI and NRRD do not say.")] = "",
    volume: Annotated[int, typer.Option(min=0, help="Which of several volumes of the image, counted from 1.")] = 0,
    pyradiomics: Annotated[
        Path | None, typer.Option(help="Parameter file of PyRadiomics: its names and its numbers.")
    ] = None,
    resample_mask: Annotated[
        bool, typer.Option("--resample-mask", help="Take a mask over from another grid, and say what changed.")
    ] = False,
    split: Annotated[
        int | None, typer.Option(min=1, help="Each connected piece of at least so many voxels is a lesion of its own.")
    ] = None,
    workers: Workers = None,
) -> None:
    """Measure an image inside a mask, or every case of a table with columns patient, image, mask."""
    from genoxel.study.case import Case
    from genoxel.study.cases import read_settings, with_pyradiomics
    from genoxel.study.extract import extract_cases, extract_one
    from genoxel.study.progress import progress_for

    rules = read_settings(settings)
    rules = rules.drawn(resample_mask, split)
    rules = with_pyradiomics(rules, pyradiomics) if pyradiomics is not None else rules
    if mask is None:
        found = extract_cases(image, rules, out, workers, progress_for(console.silent))
    else:
        case = Case(patient, image, mask, tuple(label or ()), modality=modality, volume=volume)
        found = extract_one(case, rules, out)
    console.tell(found, found.failed_lines())
    console.finish(PARTLY if found.failed else DONE)


@command(app, HELP)
def catalog(
    console: Console,
    word: Annotated[str, typer.Argument(help="Word, IBSI code, or the whole name of a column.")] = "",
    results: Annotated[
        Path | None, typer.Option(help="Folder of an extraction: adds the settings that a column was measured with.")
    ] = None,
    names: Annotated[
        bool, typer.Option("--map", help="What they are called in PyRadiomics and MIRP, and what differs.")
    ] = False,
) -> None:
    """List every feature, or say of one what it is: definition, formula, unit, IBSI code, settings."""
    from genoxel.study.catalogue import list_names, look_up

    found = list_names(word) if names else look_up(word, results)
    console.tell(found)


@command(app, HELP)
def diseases(
    console: Console,
    name: Annotated[str, typer.Argument(help="One of them, in full; without it all are listed.")] = "",
) -> None:
    """List diseases with their molecular targets, regions and evidence, ready for a study file."""
    from genoxel.study.diseases import diseases as known

    found = known(name)
    console.tell(found)


@command(app, HELP)
def ibsi(
    console: Console,
    data: Annotated[
        Path | None, typer.Option(help="Folder with ibsi1_reference_values.csv and ct_radiomics_phantom: adds A to E.")
    ] = None,
) -> None:
    """Hold our features against the published values of IBSI 1; exit code 1 when one is missed."""
    from genoxel.study.ibsi import check_ibsi

    found = check_ibsi(data)
    console.tell(found, found.miss_lines())
    console.finish(REFUSED if found.misses else DONE)


@command(app, HELP)
def selftest(
    console: Console,
    area: Annotated[list[str] | None, typer.Argument(help="stats, images or install; default all three.")] = None,
    full: Annotated[bool, typer.Option("--full/--quick", help="About an hour, or about a minute.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Same seed and versions, same table.")] = 1,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the page and the table.")] = Path(
        "genoxel-selftest"
    ),
    workers: Workers = None,
) -> None:
    """Run null and planted cohorts through this installation: false claims, power, coverage, deliveries read back."""
    from genoxel.study.progress import progress_for
    from genoxel.study.selftest import AREAS, selftest

    found = selftest(area or AREAS, full, seed, workers, out, progress_for(console.silent))
    console.tell(found, (row.line() for row in found.bad))
    console.say(f"Open {out / 'selftest.html'}")
    console.finish(REFUSED if found.bad else DONE)


@command(app, HELP)
def doctor(console: Console) -> None:
    """Check the installation: versions, extras, disk, memory, compiled kernels."""
    from genoxel.study.doctor import examine

    found = examine()
    console.tell(found, (f"{finding.what}: {finding.found}" for finding in found.bad))
    console.finish(REFUSED if found.bad else DONE)


def main() -> None:
    """Run the command line."""
    app(prog_name="genoxel")
