"""Equality of nouns, a hard cohort, and hypothesis strategies, shared by the tests of several rooms."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
from hypothesis import strategies as st

from genoxel.core.cohort import Cohort
from genoxel.core.flow import Flow
from genoxel.core.image import Image, Step
from genoxel.core.keys import RowKey
from genoxel.core.mask import Mask
from genoxel.core.outcome import Outcome
from genoxel.core.records import Records
from genoxel.core.table import Column, Source, Table


def same(one: Any, other: Any) -> bool:
    """Compare anything the nouns are made of, exactly: types, dtypes, NaN in the same places."""
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        if one.dtype.kind != other.dtype.kind or one.shape != other.shape:
            return False
        if one.dtype.kind == "O":
            return all(same(left, right) for left, right in zip(one.tolist(), other.tolist(), strict=True))
        return bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (np.isnan(one) and np.isnan(other))
    if isinstance(one, tuple | list):
        return type(one) is type(other) and len(one) == len(other) and all(map(same, one, other))
    if hasattr(one, "keys") and hasattr(other, "keys"):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if hasattr(one, "__dataclass_fields__"):
        return type(one) is type(other) and all(
            same(getattr(one, field.name), getattr(other, field.name)) for field in fields(one)
        )
    return type(one) is type(other) and one == other


HARD_PATIENTS = tuple(f"{site}{number:03d}" for site in ("A", "B") for number in range(1, 13))


def hard_cohort(seed: int = 7) -> Cohort:
    """Two lesions, two time points, three biopsies, an unknown genotype, words and grades, two sites.

    The feature `texture` carries the IDH genotype (d about 2.5); `noise` carries nothing.
    """
    random = np.random.default_rng(np.random.SeedSequence([seed]))
    mutant = {patient: int(patient[1:]) % 2 == 1 for patient in HARD_PATIENTS}
    return (
        Cohort(HARD_PATIENTS, site={patient: patient[0] for patient in HARD_PATIENTS}, flow=_flow())
        .with_table("image", _features(random, mutant))
        .with_table("clinical", _clinical(random))
        .with_records("variants", _variants(mutant))
        .with_table("expression", _biopsies(random, mutant))
        .with_outcome(Outcome.of_classes("IDH", _genotype(mutant), ("wild type", "mutant")))
        .with_outcome(_survival(random))
    )


def _flow() -> Flow:
    return Flow.start("clinical table", [*HARD_PATIENTS, "Ö999"]).drop("has images", {"Ö999": "no MR series"})


def _genotype(mutant: dict[str, bool]) -> dict[str, str | None]:
    status: dict[str, str | None] = {who: "mutant" if is_mutant else "wild type" for who, is_mutant in mutant.items()}
    status["A004"] = None
    return status


def _features(random: np.random.Generator, mutant: dict[str, bool]) -> Table:
    rows, values = [], []
    for patient in HARD_PATIENTS:
        for timepoint in ("2020-01-01", "2020-07-01"):
            for lesion in ("1", "2") if patient == "A001" else ("1",):
                rows.append(RowKey(patient, timepoint, lesion, "tumour"))
                values.append([random.normal(2.5 * mutant[patient], 1), random.normal(), random.lognormal(3)])
    table = np.array(values)
    table[3, 1] = np.nan
    columns = (
        Column("T1CE.tumour.none.glcm.joint_entropy", code="TU9B", source=Source("T1CE", "tumour", "none", "glcm")),
        Column("T1CE.tumour.none.stat.noise", definition='noise; "quoted" µ', traits=("texture",), settings="ab12"),
        Column("T1CE.tumour.none.morph.volume_mesh", unit="mm3", code="RNU0"),
    )
    return Table(table, tuple(rows), columns, "features")


def _clinical(random: np.random.Generator) -> Table:
    values = np.column_stack(
        [
            random.integers(20, 80, len(HARD_PATIENTS)),
            random.integers(0, 3, len(HARD_PATIENTS)),
            random.integers(0, 3, len(HARD_PATIENTS)),
        ]
    ).astype(float)
    values[1, 1] = np.nan
    columns = (
        Column("age", unit="years"),
        Column("histology", "categorical", levels=("astrocytoma", "oligodendroglioma", "glioblastoma")),
        Column("grade", "ordinal", levels=("G2", "G3", "G4")),
    )
    return Table(values, HARD_PATIENTS, columns, "clinical")  # type: ignore[arg-type]


def _variants(mutant: dict[str, bool]) -> Records:
    """Every patient but A004 was sequenced; A004 is therefore unknown, not wild type."""
    hit = [patient for patient, is_mutant in mutant.items() if is_mutant]
    count = len(hit)
    fields_ = {
        "gene": np.array(["IDH1"] * count + ["TP53"], dtype=object),
        "classification": np.array(["Missense_Mutation"] * count + ["Silent"], dtype=object),
        "protein": np.array(["p.R132H"] * count + [None], dtype=object),
        "depth": np.array([*range(count), np.nan]),
        "start": np.arange(count + 1),
    }
    rows = tuple(RowKey(patient, sample=f"{patient}-b1") for patient in [*hit, "A002"])
    profiled = tuple(RowKey(patient) for patient in HARD_PATIENTS if patient != "A004")
    return Records("variants", rows, fields_, profiled, ("IDH1", "TP53"), {"B001": frozenset(["IDH1", "ATRX"])})


def _biopsies(random: np.random.Generator, mutant: dict[str, bool]) -> Table:
    """Three biopsies of A001, one of the others, none of B012: a layer with several rows and a patient less."""
    rows = [RowKey("A001", lesion="1", sample=f"b{place}") for place in (1, 2, 3)]
    rows += [RowKey(patient, sample="b1") for patient in HARD_PATIENTS[1:-1]]
    signal = np.array([3.0 * mutant[row.patient] for row in rows])
    values = np.column_stack([signal + random.normal(size=len(rows)), random.normal(size=len(rows))])
    columns = tuple(Column(gene, unit="log2(tpm + 1)", source=Source(family="expression")) for gene in ("EGFR", "VIM"))
    return Table(values, tuple(rows), columns, "expression")


def _survival(random: np.random.Generator) -> Outcome:
    time = random.exponential(20, len(HARD_PATIENTS))
    event = random.integers(0, 2, len(HARD_PATIENTS)).astype(float)
    time[5] = np.nan
    event[5] = np.nan
    return Outcome("survival", "survival", HARD_PATIENTS, time, event=event, unit="months")


def with_volumes(cohort: Cohort) -> Cohort:
    """Return the cohort with a small image and mask for its first patient."""
    affine = np.diag([0.5, 0.5, 3.0, 1.0])
    steps = (Step("resample", {"spacing": (1.0, 1.0, 1.0), "order": 1, "nested": {"a": [1, None, True]}}),)
    image = Image(np.arange(24, dtype=np.int16).reshape(2, 3, 4), affine, "T1CE", "", steps, {"KVP": 120.0, "X": None})
    mask = Mask(np.array(image.array) % 3, affine, {1: "core", 2: "oedema"}, tags={"ROIName": "GTV"})
    patient = cohort.patients[0]
    return Cohort(
        cohort.patients,
        {patient: {"T1CE": image}},
        {patient: {"tumour": mask}},
        cohort.tables,
        cohort.records,
        cohort.outcomes,
        cohort.site,
        cohort.flow,
    )


text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
name = text.filter(bool)
numbers = st.floats(width=64)


@st.composite
def columns_(draw: st.DrawFn, label: str) -> Column:
    kind = draw(st.sampled_from(["real", "count", "binary", "categorical", "ordinal", "time"]))
    levels = (
        tuple(draw(st.lists(text, min_size=1, max_size=3, unique=True))) if kind in ("categorical", "ordinal") else ()
    )
    source = Source(*[draw(text) for _ in range(5)])
    traits = tuple(draw(st.lists(text, max_size=2)))
    return Column(label, kind, draw(text), draw(text), draw(text), source, levels, traits, draw(text))


@st.composite
def tables(draw: st.DrawFn) -> Table:
    keys = draw(st.lists(st.tuples(name, text, text, text, text), max_size=5, unique=True))
    labels = draw(st.lists(st.one_of(text, st.sampled_from(["patient", "sample", "a#1"])), max_size=4, unique=True))
    columns = tuple(draw(columns_(label)) for label in labels)
    size = len(keys) * len(labels)
    values = np.array(draw(st.lists(numbers, min_size=size, max_size=size)), dtype=float)
    return Table(values.reshape(len(keys), len(labels)), tuple(RowKey(*key) for key in keys), columns, draw(name))
