"""The text of a proposed study file: every section with the comment that a first reader needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from genoxel.omics.settings import TargetSettings
from genoxel.study.propose import toml_key, toml_value


@dataclass(frozen=True)
class Molecules:
    """Molecular files as the study file names them."""

    mutations: str | None = None
    profiled: str | None = None
    expression: str | None = None
    build: str | None = None


@dataclass(frozen=True)
class Draft:
    """Everything that a proposed study file says."""

    name: str
    table: str
    patient: str
    folder: str
    modalities: tuple[str, ...]
    sheet: str = ""
    site: str | None = None
    sample: tuple[str, ...] = ()
    clinical: tuple[str, ...] = ()
    targets: Mapping[str, TargetSettings] = field(default_factory=dict)
    pixel_mm: float = 1.0
    roi: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    molecules: Molecules = Molecules()
    quick: bool = False


def draft_text(draft: Draft) -> str:
    """Return the study file as text."""
    parts = [
        ["# study.toml: proposed by `genoxel init`, edited by you; `genoxel check` reads it before anything runs"],
        _study(draft),
        _cohort(draft),
        *(_target(name, settings) for name, settings in draft.targets.items()),
        _images(draft),
        _segment(draft),
        _image(draft),
        ["[features]", _line("set", "ibsi1", "the consensus features of the IBSI")],
        _omics(draft.molecules),
        _associate(draft),
        _learn(draft),
        _report(),
    ]
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def _line(key: str, value: object, comment: str = "") -> str:
    text = f"{toml_key(key)} = {toml_value(value)}"
    return f"{text:<48} # {comment}" if comment else text


def _study(draft: Draft) -> list[str]:
    return [
        "[study]",
        _line("name", draft.name),
        _line("question", "", "one sentence; it stands on page 1"),
        _line("design", "", "for example: retrospective, one centre"),
        _line("ethics", "", "goes into the methods text; empty is printed as 'not stated'"),
        _line("seed", 1),
    ]


def _cohort(draft: Draft) -> list[str]:
    lines = ["[cohort]", _line("table", draft.table, "one row per patient")]
    if draft.sheet:
        lines.append(_line("sheet", draft.sheet))
    lines.append(_line("patient", draft.patient, "equals the patient id of the images; 007 stays 007"))
    if draft.site:
        lines.append(_line("site", draft.site))
    if draft.sample:
        lines.append(_line("sample", draft.sample, "primary tumour first, then recurrent; normals apart"))
    lines.append(_line("clinical", draft.clinical, "the clinical-only comparator, and the columns of Table 1"))
    lines.append("# include = [\"histology == 'adenocarcinoma'\"]      # each line is one box of the flow diagram")
    lines.append(
        '# overrides = "decisions.csv"                    # patient, decision, reason: by hand, shown in the report'
    )
    return lines


def _target(name: str, settings: TargetSettings) -> list[str]:
    if settings.gene:
        hotspot = [_line("hotspot", settings.hotspot)] if settings.hotspot else []
        return [f"[target.{toml_key(name)}]", _line("gene", settings.gene), *hotspot]
    lines = [f"[target.{toml_key(name)}]", _line("column", settings.column or name)]
    lines.append(_line("positive", settings.positive))
    lines.append(_line("negative", settings.negative))
    lines.append(_line("unknown", settings.unknown, "left out, never counted as wild type"))
    lines.append(
        "smallest_useful = { auc = 0.70 }                 # decides between 'inconclusive' and 'not supported'"
    )
    return lines


def _images(draft: Draft) -> list[str]:
    one = len(draft.modalities) == 1
    which = _line("modality", draft.modalities[0]) if one else _line("modalities", draft.modalities)
    rule = '# choose = ["slice_mm <= 3"]                       # several series: the first rule that leaves one'
    return ["[io.images]", _line("folder", draft.folder), which, rule]


def _segment(draft: Draft) -> list[str]:
    return [
        "[segment]",
        _line("roi", draft.roi, "first pattern that hits wins; case ignored"),
        _line("never", draft.never),
        _line("several", "largest", 'or "each" (rows per lesion), "union"'),
    ]


_LEVELS = {"CT": "{ bin_size = 25, anchor = -1000 }", "PT": "{ bin_size = 0.5, anchor = 0 }"}
"""Modality -> the grey levels proposed for its unit (HU, SUV)."""


def _image(draft: Draft) -> list[str]:
    size = toml_value([draft.pixel_mm] * 3)
    lines = ["[image]", f"{f'resample_mm = {size}':<48} # the median voxel in the slice, made a cube"]
    if "CT" in draft.modalities:
        lines.append("range_hu = [-1000, 400]                          # voxels outside are not measured")
    if len(draft.modalities) == 1 and draft.modalities[0] in _LEVELS:
        return [*lines, f"discretise = {_LEVELS[draft.modalities[0]]}"]
    if set(draft.modalities) - set(_LEVELS):
        lines.append('normalise = { method = "zscore", within = "body" }   # MR alone: HU and SUV stay as they are')
        lines.append("discretise = { bins = 32 }")
    lines += [f"override.{one} = {{ discretise = {_LEVELS[one]} }}" for one in draft.modalities if one in _LEVELS]
    return lines


def _omics(molecules: Molecules) -> list[str]:
    lines = ["[omics]"]
    if molecules.build:
        lines.append(_line("build", molecules.build))
    if molecules.mutations:
        lines.append(_line("mutations", molecules.mutations))
    if molecules.profiled:
        lines.append(_line("profiled", molecules.profiled, "who was sequenced: without it nobody is wild type"))
    if molecules.expression:
        file = toml_value(molecules.expression)
        lines.append(f'expression = {{ file = {file}, unit = "tpm", transform = "log2+1" }}   # check the unit')
        lines.append(f"{'quality = { outliers = 5.0 }':<48} # odd samples are listed; nobody is left out unasked")
    return lines if len(lines) > 1 else []


def _associate(draft: Draft) -> list[str]:
    against: Sequence[str] = [
        *(["targets"] if draft.targets else []),
        *(["expression"] if draft.molecules.expression else []),
    ]
    if not against:
        return []
    adjust = ["volume", *draft.clinical, *(["site"] if draft.site else [])]
    count = 19 if draft.quick else 99
    return [
        "[associate]",
        _line("against", against),
        _line("adjust", adjust, "raw and adjusted are shown side by side"),
        f'correct = {{ method = "BH", q = 0.05, permutations = {count} }}',
    ]


def _learn(draft: Draft) -> list[str]:
    if not draft.targets:
        return []
    repeats, permutations = (5, "99, permutation_repeats = 1") if draft.quick else (20, "1000")
    return [
        "[learn]",
        _line("targets", list(draft.targets)),
        'primary = { features = "image", model = "elastic_net", metric = "auc" }   # the one that decides',
        f"validate = {{ outer = 5, inner = 5, repeats = {repeats}, permutations = {permutations} }}",
        _line("compare", ["prevalence", "volume", "clinical", "image", "clinical+image"]),
    ]


def _report() -> list[str]:
    return [
        "[report]",
        _line("checklists", ["CLEAR", "METRICS", "TRIPOD+AI"]),
        '# figures = { widths_mm = [85, 175], formats = ["svg", "pdf"] }   # files for a paper, in results/figures',
    ]
