"""A realistic report content with made-up numbers, marked simulated: for tests and for looking at the pages."""

from __future__ import annotations

from functools import cache

import numpy as np

from genoxel.core.flow import Flow
from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.core.outcome import Outcome
from genoxel.core.results import AssociationMap, Interval, TargetResult, Validation, Verdict
from genoxel.core.table import Column, Source, Table
from genoxel.features.settings import FeatureSettings
from genoxel.image.settings import Discretise, ImageSettings, Normalise
from genoxel.report.contact import Card, thumbnail
from genoxel.report.content import (
    Expression,
    Failure,
    Genome,
    NotDone,
    Planned,
    Record,
    ReportContent,
    Screen,
    StudyFacts,
    Truth,
    WordReading,
)
from genoxel.report.curves import repeat_aucs
from genoxel.report.ibsi_items import ibsi_items
from genoxel.report.tables.cohort import compare_groups, compare_included, summarise_acquisition

N = 72
MEASURED = ImageSettings(
    resample_mm=(1, 1, 1), normalise=Normalise(within="brain"), discretise=Discretise(bins=32), outliers_sigma=3
)
REPEATS, FOLDS = 10, 5
RULE = (
    "supported: permutation p over all targets <= 0.05 and the interval of the gain over the best simpler model "
    "above 0; above chance, no gain shown: p <= 0.05 otherwise; not supported: p > 0.05 and the upper bound below "
    "smallest_useful; inconclusive: the rest; not testable: fewer than 10 in the smaller class."
)
HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)>'


def patients(n: int = N) -> tuple[str, ...]:
    return tuple(f"SIM-{place + 1:03d}" for place in range(n))


def picture(seed: int, modality: str = "MR") -> tuple[Image, Mask]:
    rng = np.random.default_rng(seed)
    shape = (72, 72, 12)
    i, j, k = np.meshgrid(*[np.arange(size) for size in shape], indexing="ij")
    head = ((i - 36) / 32) ** 2 + ((j - 36) / 34) ** 2
    centre = 30 + rng.integers(-8, 12), 34 + rng.integers(-10, 10)
    radius = 6 + rng.random() * 7
    angle = np.arctan2(j - centre[1], i - centre[0])
    wobble = radius * (1 + 0.18 * np.sin(3 * angle + rng.random() * 6))
    inside = (np.hypot(i - centre[0], j - centre[1]) < wobble) & (np.abs(k - 6) < 4)
    smooth = np.cumsum(rng.normal(size=shape), axis=0)
    values = 300 * np.exp(-((head / 1.02) ** 6)) + 30 * (head > 0.86) * (head < 1) + 4 * smooth + 160 * inside
    values += rng.normal(0, 14, shape)
    affine = np.diag([1.4, 1.4, 5.0, 1.0])
    return Image(values, affine, modality), Mask(inside.astype(np.uint8), affine, {1: "tumour"})


def cards(n: int = N) -> tuple[Card, ...]:
    made = []
    for place, patient in enumerate(patients(n)):
        image, mask = picture(place)
        flags = {3: ("contour mostly air (-870 HU)",), 17: ("two contours, largest used", "4 slices only")}
        voxels = mask.count()
        made.append(
            Card(
                *(patient, thumbnail(image, mask), voxels * image.grid.voxel_volume, voxels, image.spacing),
                flags=flags.get(place, ()),
                series="T1 post contrast, axial",
                structure="GTV-1",
                modality="T1CE",
            )
        )
    return tuple(made)


def features(n: int = N) -> Table:
    rng = np.random.default_rng(5)
    columns, values = [], []
    families = {
        "morph": ("volume_mesh", "surface", "sphericity"),
        "stat": ("mean", "variance", "skewness", "kurtosis"),
        "ih": ("entropy", "uniformity"),
        "glcm": ("joint_entropy", "contrast", "correlation", "inverse_difference"),
    }
    volume = rng.lognormal(9.5, 0.6, n)
    for modality in ("T1CE", "FLAIR"):
        for family, names in families.items():
            for name in names:
                if modality == "FLAIR" and family == "morph":
                    continue
                column = f"{modality}.tumour.none.{family}.{name}"
                share = {"volume_mesh": 1.0, "surface": 0.97, "joint_entropy": 0.85, "uniformity": -0.82}.get(
                    name, 0.15
                )
                signal = np.log(volume) - np.log(volume).mean()
                value = share * signal / signal.std() + np.sqrt(max(1 - share**2, 0)) * rng.normal(size=n)
                values.append(volume if name == "volume_mesh" else value)
                source = Source(modality, "tumour", "none", family, "")
                unit = "mm³" if name == "volume_mesh" else ""
                columns.append(Column(column, unit=unit, code="RNU0" if name == "volume_mesh" else "", source=source))
    return Table(np.array(values).T, patients(n), tuple(columns))


def outcome(name: str, share: float, seed: int, n: int = N, unknown: int = 0) -> Outcome:
    rng = np.random.default_rng(seed)
    words: list[str | None] = ["mutant" if one < share else "wild type" for one in rng.random(n)]
    words[n - unknown :] = [None] * unknown
    return Outcome.of_classes(name, dict(zip(patients(n), words, strict=True)), ("wild type", "mutant"))


def validation(target: Outcome, features_name: str, shift: float, seed: int, model: str = "elastic_net") -> Validation:
    rng = np.random.default_rng(seed)
    known = np.flatnonzero(target.known)
    y = target.values[known]
    flat = features_name == "prevalence"
    base = np.zeros(y.size) if flat else shift * y + rng.normal(size=y.size)
    rows: dict[str, list[object]] = {name: [] for name in ("repeat", "fold", "patient", "y", "score")}
    for repeat in range(REPEATS):
        order = rng.permutation(y.size)
        score = 1 / (
            1
            + np.exp(
                -(
                    base
                    + (0 if flat else 0.35) * rng.normal(size=y.size)
                    - shift / 2
                    + np.log(y.mean() / (1 - y.mean()))
                )
            )
        )
        for fold, part in enumerate(np.array_split(order[np.argsort(y[order], kind="stable")], 1)[0:1] * FOLDS):
            for index in part[fold::FOLDS]:
                cell = (repeat, fold, target.patients[known[index]], y[index], score[index])
                for name, value in zip(rows, cell, strict=True):
                    rows[name].append(value)
    arrays = {name: np.array(values) for name, values in rows.items()}
    interval = Interval(0.5, 0.4, 0.6)
    kwargs = {"n": y.size, "n_positive": int(y.sum()), "train": 0.5, "predictions": arrays}
    draft = Validation(target.name, model, features_name, "auc", interval, **kwargs)
    auc = float(np.mean(repeat_aucs(draft)))
    half = 0.13 if features_name != "prevalence" else 0.0
    interval = Interval(
        *(auc, max(auc - half, 0), min(auc + half, 1)),
        method="within-fold DeLong width x sqrt 2",
        target="training size 0.8 n",
        coverage="0.94 to 0.95 at n = 60",
    )
    columns = {"image": ("T1CE.tumour.none.glcm.joint_entropy", "FLAIR.tumour.none.stat.skewness")}.get(
        features_name, ()
    )
    return Validation(
        *(target.name, model, features_name, "auc", interval, y.size, int(y.sum()), min(auc + 0.09, 1), arrays),
        metrics={"brier": Interval(0.21, 0.17, 0.25)},
        selected={name: 41 - 15 * place for place, name in enumerate(columns)},
        fits=REPEATS * FOLDS,
    )


def result(
    target: Outcome, shifts: dict[str, float], word: str, gain: Interval | None, p: float, seed: int
) -> TargetResult:
    if word == "not testable":
        verdict = Verdict(
            target.name, "not testable", "7 in the smaller class", "Pool a site, or drop this target.", RULE
        )
        nan = float("nan")
        counts = target.counts()
        return TargetResult(
            *(target.name, target.levels, counts, (), None, "", nan, nan, nan, np.array([]), 0.70, verdict)
        )
    ladder = tuple(
        validation(target, name, shift, seed + place, "none" if name == "prevalence" else "elastic_net")
        for place, (name, shift) in enumerate(shifts.items())
    )
    rng = np.random.default_rng(seed)
    permuted = 0.5 + 0.07 * rng.normal(size=99)
    simpler = max(ladder[1:], key=lambda step: step.interval.estimate)
    verdict = Verdict(target.name, word, f"p over all targets {p}", "See the pages below.", RULE)  # type: ignore[arg-type]
    observed = ladder[0].interval.estimate
    content = (
        target.levels,
        target.counts(),
        ladder,
        gain,
        simpler.features,
        p / 2,
        p,
        observed,
        permuted,
        0.70,
        verdict,
    )
    return TargetResult(target.name, *content)


def targets() -> tuple[tuple[Outcome, ...], tuple[TargetResult, ...]]:
    idh = outcome("IDH1", 0.45, 11)
    mgmt = outcome("MGMT", 0.5, 12, unknown=6)
    tp53 = outcome("TP53", 0.40, 13, unknown=4)
    egfr = outcome("EGFR", 0.08, 14)
    results = (
        result(
            idh,
            {"image": 1.6, "volume": 0.2, "clinical": 0.5, "prevalence": 0},
            "supported",
            Interval(0.21, 0.08, 0.34),
            0.01,
            100,
        ),
        result(
            tp53,
            {"image": 0.5, "volume": 0.2, "clinical": 0.4, "prevalence": 0},
            "inconclusive",
            Interval(0.01, -0.06, 0.08),
            0.18,
            200,
        ),
        result(
            mgmt,
            {"image": -0.15, "volume": 0.0, "clinical": 0.1, "prevalence": 0},
            "not supported",
            Interval(-0.03, -0.12, 0.06),
            0.64,
            300,
        ),
        result(egfr, {}, "not testable", None, 1.0, 400),
    )
    return (idh, tp53, mgmt, egfr), results


def screen(table: Table, outcomes: tuple[Outcome, ...], hits: bool = True) -> Screen:
    rng = np.random.default_rng(3)
    genes = [f"GENE{place}" for place in range(1, 25)]
    values = rng.normal(size=(N, len(genes)))
    if hits:
        values[:, 0] += 0.9 * table.values[:, 5]
        values[:, 1] -= 0.7 * table.values[:, 9]
    other = Table(values, table.rows, tuple(Column(gene, unit="log2") for gene in genes), kind="expression")
    return Screen("Image features x expression", associate(table, other), table, other)


def associate(image: Table, other: Table) -> AssociationMap:
    from scipy.stats import false_discovery_control, spearmanr

    found = [(one, two, *spearmanr(image[one], other[two])) for one in image.names for two in other.names]
    rho = np.array([float(row[2]) for row in found])
    p = np.array([float(row[3]) for row in found])
    half = 1.96 / np.sqrt(len(image) - 3)
    q = false_discovery_control(p)
    pairs = {
        "image": np.array([row[0] for row in found], dtype=object),
        "other": np.array([row[1] for row in found], dtype=object),
        "test": np.full(rho.size, "Spearman", dtype=object),
        "effect_name": np.full(rho.size, "rho", dtype=object),
        "n": np.full(rho.size, len(image)),
        "effect": rho,
        "low": np.tanh(np.arctanh(rho) - half),
        "high": np.tanh(np.arctanh(rho) + half),
        "p": p,
        "q": q,
        "effect_adjusted": rho * 0.9,
        "p_adjusted": np.minimum(p * 2, 1),
        "q_adjusted": np.minimum(q * 2, 1),
        "flag": np.full(rho.size, "", dtype=object),
    }
    null = np.random.default_rng(1).poisson(0.3, 99)
    return AssociationMap(image.columns, other.columns, pairs, null, 0.05, ("volume", "age"), 0.42)


def clinical(n: int = N + 8) -> Table:
    rng = np.random.default_rng(8)
    names = (*patients(), *(f"OUT-{place}" for place in range(n - N)))
    age = rng.normal(52, 12, n)
    age[N:] += 8
    values = np.array([age, (rng.random(n) < 0.55).astype(float), rng.integers(0, 3, n).astype(float)]).T
    values[2, 0] = np.nan
    columns = (
        Column("age", unit="years"),
        Column("sex", "categorical", levels=("female", "male")),
        Column("grade", "ordinal", levels=("2", "3", "4")),
    )
    return Table(values, names, columns, kind="clinical")


def genome(outcomes: tuple[Outcome, ...], table: Table) -> Genome:
    status: dict[str, dict[str, str | None]] = {}
    for one in outcomes:
        words = [None if np.isnan(value) else one.levels[int(value)] for value in one.values]
        status[one.name] = dict(zip(one.patients, words, strict=True))
    volume = dict(zip(table.patients, table.values[:, 0].tolist(), strict=True))
    return Genome(table.patients, status, {"volume [mm³]": volume}, "hg38", "mutations.maf with profiled.txt")


def record() -> Record:
    settings = {
        "segment": {"roi": ["GTV-1", "Tumo*r*"], "never": ["*PTV*"], "several": "largest"},
        "image": {
            "resample_mm": [1.0, 1.0, 1.0],
            "interpolate": "linear",
            "normalise": {"method": "zscore", "within": "body"},
            "discretise": {"bins": 32},
        },
        "features": {"set": "ibsi1"},
        "learn": {"validate": {"outer": 5, "inner": 3, "repeats": 10, "permutations": 99}},
    }
    text = '[study]\nname = "Simulated glioma"\nseed = 7\n\n[image]\nresample_mm = [1.0, 1.0, 1.0]   # & < >\n'
    versions = {"genoxel": "0.1.0", "numpy": "2.1.0", "python": "3.11.9"}
    return Record(text, settings, versions, {"clinical.xlsx": "ab" * 32}, ("bins 16 -> 32 after the first look",))


@cache
def example() -> ReportContent:
    """A full content: four targets with four different verdicts, one map, contacts, genome."""
    outcomes, results = targets()
    table, sheet = features(), clinical()
    flow = Flow.start("in the clinical table", sheet.patients)
    flow = flow.drop("has images", {"OUT-0": "no MR series", "OUT-1": "no MR series"})
    flow = flow.drop("has a contour", {"OUT-2": "no contour named GTV-1"})
    flow = flow.drop("grade 2 to 4", {f"OUT-{place}": "grade unknown" for place in range(3, 7)})
    flow = flow.drop("could be measured", {"OUT-7": "contour of 41 voxels, 64 needed"})
    series = [
        (patient, modality, {"manufacturer": "Simulated", "slice thickness [mm]": 5 if place % 7 else 3})
        for place, patient in enumerate(patients())
        for modality in ("T1CE", "FLAIR")
    ]
    kept = sheet.of_patients(patients())
    return ReportContent(
        StudyFacts(
            "Simulated glioma: do MR features follow IDH1?",
            "Do features of contrast-enhanced MR tell IDH1-mutant from wild-type tumours better than age and volume?",
            *("simulated cohort", "not needed, no patients", "2026-01-01 to 2026-03-31", 2, 7),
        ),
        flow=flow,
        outcomes=outcomes,
        reporting=tuple(
            ibsi_items(MEASURED, FeatureSettings(), {"modality": ["T1CE", "FLAIR"], "structure": ["GTV-1"]})
        ),
        readings=(
            *(WordReading("IDH1", "mut", 31, "mutant"), WordReading("IDH1", "wt", 40, "wild type")),
            *(WordReading("IDH1", "WT?", 1, "I do not know"), WordReading("IDH1", "", 2, "unknown")),
        ),
        planned=tuple(Planned(one.target, 72, 30, 0.69, 0.13) for one in results[:3]),
        comparisons=(compare_groups(kept, outcomes[0]), compare_included(sheet, flow.patients)),
        acquisition=summarise_acquisition(series),
        image_to_sample_days=tuple(float(value) for value in np.random.default_rng(2).integers(-5, 60, N)),
        cards=cards(),
        failed=(Failure("OUT-7", "image", "contour of 41 voxels, 64 needed"),),
        features=table,
        volume="T1CE.tumour.none.morph.volume_mesh",
        undefined={"T1CE.tumour.none.ngtdm.coarseness": "a region of one grey level has no neighbours that differ"},
        genome=genome(outcomes, table),
        expression=Expression(N, 24, "log2 TPM", "log2(x + 1)", 0),
        associations=(screen(table, outcomes),),
        targets=results,
        not_done=(NotDone("decision curve", "needs a threshold that the study file does not name"),),
        record=record(),
        simulated=True,
        truth=(
            Truth("IDH1", "texture", 1.6, 1.52, True),
            Truth("TP53", "none", 0.0, 0.06, False),
            Truth("MGMT", "none", 0.0, -0.03, False),
        ),
    )


def hostile() -> ReportContent:
    """A content whose every text tries to break out of the page."""
    from dataclasses import replace

    base = example()
    card = replace(
        base.cards[0], patient=HOSTILE, series=HOSTILE, structure=HOSTILE, flags=(HOSTILE,), modality=HOSTILE
    )
    facts = replace(base.study, name=HOSTILE, question=HOSTILE, design=HOSTILE, ethics=HOSTILE, dates=HOSTILE)
    outcomes, _ = targets()
    odd = replace(outcomes[0], name=HOSTILE)
    odd_result = result(odd, {"image": 1.0, HOSTILE: 0.1}, "supported", Interval(0.2, 0.1, 0.3), 0.01, 7)
    table = base.features
    assert table is not None
    return replace(
        base,
        study=facts,
        cards=(card,),
        targets=(odd_result,),
        genome=Genome(table.patients, {HOSTILE: dict.fromkeys(table.patients)}, {}, HOSTILE, HOSTILE),
        failed=(Failure(HOSTILE, HOSTILE, HOSTILE),),
        undefined={HOSTILE: HOSTILE},
        readings=(WordReading(HOSTILE, HOSTILE, 1, HOSTILE),),
        not_done=(NotDone(HOSTILE, HOSTILE),),
        truth=(Truth(HOSTILE, HOSTILE, 1, 1, None, HOSTILE),),
        associations=(replace(base.associations[0], name=HOSTILE),),
        record=Record(HOSTILE, {"segment": {"roi": [HOSTILE]}}, {HOSTILE: HOSTILE}, {HOSTILE: HOSTILE}, (HOSTILE,)),
    )
