"""`genoxel simulate` and `genoxel demo`: a cohort with planted truth, and a whole study on it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from genoxel.core.errors import OutputError, SettingsError
from genoxel.io.files import atomic_write
from genoxel.simulate.cohort import simulate
from genoxel.simulate.effectsfile import read_effects
from genoxel.simulate.genes import MODULE_GENES
from genoxel.simulate.lines import is_link
from genoxel.simulate.presets import FOUND, preset
from genoxel.simulate.spec import SimulationSpec
from genoxel.study.executors import Pool
from genoxel.study.init import propose
from genoxel.study.progress import Progress, progress_for
from genoxel.study.result import RunResult
from genoxel.study.run import run
from genoxel.study.study import DEFAULT_NAME, Study

MARKER = "demo.json"
SETS = "genesets.gmt"
GROUPS: Mapping[str, Sequence[str]] = {
    "HYPOXIA": MODULE_GENES,
    "PROLIFERATION": ("MKI67", "TOP2A", "CCNB1", "CDK1", "AURKA", "BUB1", "PLK1", "MCM2", "PCNA", "E2F1"),
    "IMMUNE": ("CD3E", "CD8A", "CD4", "FOXP3", "PDCD1", "CD274", "CTLA4", "LAG3", "GZMB", "PRF1", "IFNG"),
    "STROMA": ("COL1A1", "COL1A2", "COL3A1", "FN1", "VIM", "SPARC", "TIMP1", "MMP2", "MMP9", "SERPINE1"),
    "NEURON": ("MBP", "PLP1", "MOG", "SYP", "SNAP25", "RBFOX3", "GAD1", "SLC17A7", "AQP4", "S100B"),
    "DEVELOPMENT": ("NOTCH1", "GLI1", "PTCH1", "WNT5A", "AXIN2", "LEF1", "TCF7", "DKK1", "HES1", "ASCL1"),
}
"""Gene sets of the demo: the first is the one whose genes follow the tissue, the others follow nothing."""

COHORT = "hospital"
CONTENT = {"made by": "genoxel demo"}
ANSWERS = {
    "question": "Does MRI tell IDH1-mutant from wild-type tumours better than age, sex, grade and tumour volume?",
    "design": "simulated cohort, two scanners",
    "ethics": "none needed: no patient is behind these data",
}


def plan_cohort(name: str | None, file: Path | None, given: Mapping[str, Any]) -> SimulationSpec:
    """Return the spec of a preset, of an effects file, or of neither, with what is `given` (None: not given) over it.

    Raises `SettingsError` for a preset beside a file, and for anything impossible.
    """
    changes = {key: value for key, value in given.items() if value is not None}
    if "effects" in changes:
        lines = [str(line) for line in changes["effects"]]
        changes["effects"] = tuple(line for line in lines if not is_link(line))
        changes |= {"links": tuple(line for line in lines if is_link(line)), "prevalence": {}}
        changes |= {"exclusive": (), "together": {}}
    if name is not None and file is not None:
        raise SettingsError("a preset and an effects file", "one of them", 'write preset = "NAME" into the file')
    if file is not None:
        return read_effects(file, **changes)
    if name is not None:
        return preset(name, **changes)
    return SimulationSpec(**{"effects": ("IDH1:texture:1.6", "TP53:none"), **changes})


def draw(spec: SimulationSpec, out: Path, progress: Progress, workers: int | None = None) -> Path:
    """Write the cohort of `spec`, with progress."""
    with Pool(workers) as pool, progress:
        progress.begin("simulate", spec.n)
        made = simulate(spec, out, progress=lambda _done, _total: progress.advance(), map=pool.map)
        progress.end()
    return made


def demo(
    folder: Path, workers: int | None = None, say: Callable[[str], None] = print, quiet: bool = False, seed: int = 0
) -> RunResult:
    """Simulate the demo cohort in `folder`, write its study file as `init` would, run it, and return what it came to.

    An earlier demo in `folder` is gone on with. Raises `OutputError` for a folder that holds anything else.
    """
    _refuse_foreign(folder)
    atomic_write(folder / MARKER, json.dumps(CONTENT) + "\n")
    cohort = folder / COHORT
    if not cohort.is_dir():
        say("1  Simulate a hospital: 4-sequence MR, contours, mutations, expression, clinical table (SIMULATED data)")
        draw(preset("demo", seed=seed), cohort, progress_for(quiet), workers)
    if not (folder / DEFAULT_NAME).is_file():
        say("2  Look at it, as `genoxel init` does, and write study.toml")
        propose(cohort / "dicom", cohort / "clinical.xlsx", folder / DEFAULT_NAME, say=say, quick=True)
        _answer(folder / DEFAULT_NAME)
    say("3  Run the study, as `genoxel run` does")
    result = run(Study.read(folder), workers=workers, progress=progress_for(quiet))
    gene, found, tried = FOUND["demo"]
    say(f"Simulated power: in {found} of {tried} other cohorts drawn like this one the link of {gene} was supported")
    say("\n".join(result.lines()))
    say("The page Genome shows who is mutant, wild type or unknown beside the image, and how the assays fared")
    return result


def _answer(study: Path) -> None:
    """Fill in what a user would write into the proposed study file by hand."""
    text = study.read_text(encoding="utf-8")
    for key, words in ANSWERS.items():
        text = text.replace(f'{key} = ""', f'{key} = "{words}"', 1)
    more = f"""[associate.enrich]
sets = "{SETS}"   # {len(GROUPS)} sets, written by the demo

[associate.phenotypes]
worlds = 39   # clouds of one group behind the p

[learn]"""
    atomic_write(
        study.with_name(SETS), "".join("\t".join([name, "demo", *genes]) + "\n" for name, genes in GROUPS.items())
    )
    atomic_write(study, text.replace("[learn]", more, 1))


def _refuse_foreign(folder: Path) -> None:
    if not folder.exists() or not any(folder.iterdir()):
        return
    try:
        ours = json.loads((folder / MARKER).read_text(encoding="utf-8")) == CONTENT
    except (OSError, ValueError):
        ours = False
    if not ours:
        raise OutputError(
            f"the folder {folder}, which holds something else",
            "a new folder, or one of an earlier demo",
            "name another",
        )
