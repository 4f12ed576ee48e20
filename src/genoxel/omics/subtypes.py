"""Subtypes: nearest centroid (PAM50-like, glioblastoma), receptor rules of breast cancer, WHO 2021 gliomas."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from genoxel.core.errors import TableError
from genoxel.core.image import FloatArray
from genoxel.core.table import Column, Source, Table


class CentroidClassifier:
    """Gives each sample the class whose centroid it follows best (Spearman), from centroids of the user.

    `centroids` (genes x classes). `fit` learns each gene's median from the training samples, which is taken off first:
    a cohort of one subtype alone shifts it, so train on a mixed one. "-like": it is no licensed assay. A sample whose
    best correlation is below `least` has no class. Source: Parker et al., J Clin Oncol 2009 (PAM50).
    """

    def __init__(
        self, genes: Sequence[str], classes: Sequence[str], centroids: FloatArray, name: str, least: float = 0.1
    ) -> None:
        self.genes, self.classes, self.name, self.least = tuple(genes), tuple(classes), name, least
        self.centroids = np.asarray(centroids, dtype=np.float64)
        if self.centroids.shape != (len(self.genes), len(self.classes)):
            raise TableError(f"centroids of shape {self.centroids.shape}", "genes x classes", "check the file")
        flat = [name for name, one in zip(self.classes, self.centroids.T, strict=True) if np.ptp(one) == 0]
        if flat:
            raise TableError(f"the centroid {flat[0]!r} of one value", "values that differ by gene", "check the file")
        self._medians: dict[str, float] = {}

    def fit(self, table: Table) -> CentroidClassifier:
        """Learn the median of each gene; `TableError` when fewer than half of the genes were measured."""
        shared = [gene for gene in self.genes if gene in table]
        if len(shared) < max(5, len(self.genes) / 2):
            raise TableError(
                f"{len(shared)} of the {len(self.genes)} genes of {self.name} measured",
                "at least half",
                "check symbols",
            )
        self._medians = {gene: float(np.nanmedian(table[gene])) for gene in shared}
        return self

    def transform(self, table: Table) -> Table:
        """Return the class (NaN: none), one correlation per class, and the margin between the two best."""
        from scipy.stats import spearmanr

        shared = list(self._medians)
        if not shared:
            raise TableError(f"{self.name} that was never fitted", "fit(training samples) first", "call fit")
        values = np.column_stack([table[gene] - self._medians[gene] for gene in shared])
        centroids = self.centroids[[self.genes.index(gene) for gene in shared]]
        found = np.full((len(values), len(self.classes)), np.nan)
        known = [np.flatnonzero(np.isfinite(sample)) for sample in values]
        for row, sample in enumerate(values):
            there = known[row]
            if len(there) >= max(5, len(self.genes) / 2) and np.ptp(sample[there]) > 0:
                found[row] = [spearmanr(sample[there], centroid[there]).statistic for centroid in centroids.T]
        return self._table(found, table, len(shared))

    def _table(self, found: FloatArray, table: Table, shared: int) -> Table:
        known = np.asarray(np.isfinite(found).all(axis=1), dtype=bool)
        filled = np.where(known[:, None], found, 0.0)
        ranked = np.sort(filled, axis=1)
        best = np.where(known & (ranked[:, -1] >= self.least), np.argmax(filled, axis=1).astype(np.float64), np.nan)
        margin = np.where(known, ranked[:, -1] - ranked[:, -2], np.nan)
        words = f"nearest centroid by Spearman correlation, {shared} of {len(self.genes)} genes, medians of training"
        source = Source(family="subtype")
        columns = (
            Column(self.name, "categorical", definition=words, source=source, levels=self.classes),
            *(Column(f"{self.name} {label}", unit="rho", definition=words, source=source) for label in self.classes),
            Column(f"{self.name} margin", unit="rho", definition="best less second best", source=source),
        )
        return Table(np.column_stack([best, found, margin]), table.rows, columns, "subtypes")


@dataclass(frozen=True)
class ReceptorRules:
    """Surrogate subtypes of breast cancer: the Ki-67 cut, and whether PR must be high for luminal A.

    Source: the St Gallen consensus of 2013 (Goldhirsch et al., doi:10.1093/annonc/mdt303), as tabulated in table 4 of
    PMC6797629: luminal A-like has Ki-67 below 20 % and PR of 20 % or more, luminal B-like Ki-67 of 20 % or more or PR
    below 20 %. Other definitions ask less of PR (Maisonneuve et al., doi:10.1186/bcr3679): hence `pr_for_a`.
    """

    ki67: float = 20.0
    pr_for_a: bool = True


RECEPTOR_SUBTYPES = ("luminal A", "luminal B", "luminal B HER2", "HER2", "triple-negative")


def receptor_subtype(
    er: bool | None, pr: bool | None, her2: bool | None, ki67: float | None = None, rules: ReceptorRules | None = None
) -> str | None:
    """Return luminal A, luminal B, luminal B HER2, HER2 or triple-negative by receptors and Ki-67 (%), None if open.

    Either receptor of hormones makes a tumour luminal; `pr` is what must hold for luminal A. Where PR is known in per
    cent, give as `er` whether either is positive (1 % or more) and as `pr` whether PR is high (20 % or more).

    >>> receptor_subtype(True, True, False, 10.0), receptor_subtype(False, False, False)
    ('luminal A', 'triple-negative')
    """
    chosen = rules or ReceptorRules()
    hormone = True if True in (er, pr) else None if None in (er, pr) else False
    if her2 is None or hormone is None:
        return None
    if not hormone:
        return "HER2" if her2 else "triple-negative"
    if her2:
        return "luminal B HER2"
    if chosen.pr_for_a and pr is False:
        return "luminal B"
    if ki67 is None or np.isnan(ki67):
        return None
    if ki67 >= chosen.ki67:
        return "luminal B"
    return None if chosen.pr_for_a and pr is None else "luminal A"


@dataclass(frozen=True)
class GliomaFacts:
    """What the WHO classification of 2021 asks of a diffuse glioma of adults; None is unknown."""

    idh: bool | None = None
    codeletion: bool | None = None
    tert: bool | None = None
    egfr_amplified: bool | None = None
    gain7_loss10: bool | None = None
    cdkn2ab_deleted: bool | None = None
    h3_k27: bool | None = None
    grade: int | None = None


GLIOMA_CLASSES = (
    *("oligodendroglioma, IDH-mutant and 1p/19q-codeleted", "astrocytoma, IDH-mutant", "glioblastoma, IDH-wild-type"),
    *("diffuse midline glioma, H3 K27-altered", "diffuse glioma, IDH-wild-type, not elsewhere classified"),
)
GLIOMA_THREE = ("IDHwt", "IDHmut-non-codel", "IDHmut-codel")


def glioma_class(facts: GliomaFacts) -> tuple[str | None, int | None]:
    """Return (class, grade) after WHO 2021; None where the facts leave it open.

    IDH-mutant with 1p/19q codeletion is oligodendroglioma, without it astrocytoma (grade 4 where CDKN2A/B is
    homozygously deleted). IDH-wild-type is glioblastoma, grade 4, with a TERT promoter mutation, EGFR amplification or
    +7/-10, or by histology of grade 4; H3 K27 alteration is diffuse midline glioma. Source: Louis et al.,
    Neuro-Oncology 2021.

    >>> glioma_class(GliomaFacts(idh=True, codeletion=False, cdkn2ab_deleted=True, grade=3))
    ('astrocytoma, IDH-mutant', 4)
    """
    if facts.idh is True:
        if facts.codeletion is None:
            return None, None
        if facts.codeletion:
            return "oligodendroglioma, IDH-mutant and 1p/19q-codeleted", facts.grade
        return "astrocytoma, IDH-mutant", 4 if facts.cdkn2ab_deleted else facts.grade
    if facts.idh is None:
        return None, None
    if facts.h3_k27:
        return "diffuse midline glioma, H3 K27-altered", 4
    marks = (facts.tert, facts.egfr_amplified, facts.gain7_loss10, None if facts.grade is None else facts.grade == 4)
    if True in marks:
        return "glioblastoma, IDH-wild-type", 4
    return (None, None) if None in marks else ("diffuse glioma, IDH-wild-type, not elsewhere classified", facts.grade)


def glioma_three(idh: bool | None, codeletion: bool | None) -> str | None:
    """Return the three molecular groups of gliomas: IDHwt, IDHmut-non-codel, IDHmut-codel (None: unknown).

    Source: The Cancer Genome Atlas, NEJM 2015.
    """
    if idh is None or (idh and codeletion is None):
        return None
    return ("IDHmut-codel" if codeletion else "IDHmut-non-codel") if idh else "IDHwt"


def cut(value: float, limits: Sequence[float], names: Sequence[str]) -> str | None:
    """Return the name of the class in which a value lies; a value at a limit belongs to the upper class."""
    if np.isnan(value):
        return None
    return names[int(np.searchsorted(np.asarray(limits), value, side="right"))]


CUT_OFFS: Mapping[str, tuple[str, tuple[float, ...], tuple[str, ...]]] = {
    # Allison et al., J Clin Oncol 2020;38:1346-1366: below 1 % negative, 1 to 10 % low positive
    "ER": ("% of nuclei; ASCO/CAP 2020, doi:10.1200/JCO.19.02309", (1.0, 10.000001), ("negative", "low", "positive")),
    "PR": ("% of nuclei; ASCO/CAP 2020, doi:10.1200/JCO.19.02309", (1.0,), ("negative", "positive")),
    # the label of abemaciclib, as told in Curr Oncol 2023;30:3079-3090
    "Ki-67": ("% of nuclei; FDA and Health Canada labels, doi:10.3390/curroncol30030233", (20.0,), ("low", "high")),
    # Nielsen et al., J Natl Cancer Inst 2021: 5 % or less, or 30 % or more, can be used to estimate prognosis
    "Ki-67 IKWG": (
        "% of nuclei; International Ki67 in Breast Cancer Working Group 2021", (5.000001, 30.0),
        ("5 % or less", "between", "30 % or more"),
    ),
    # Verocq et al., Oncol Lett 2020;19:3400-3410
    "PD-L1 TPS": (
        "% of tumour cells; classes of pembrolizumab in NSCLC, doi:10.3892/ol.2020.11458", (1.0, 50.0),
        ("below 1 %", "1 to 49 %", "50 % or more"),
    ),
    # FDA approval summary of pembrolizumab, Clin Cancer Res 2021;27:4685: 10 mutations per megabase or more
    "TMB": ("mutations per Mb; FDA approval of June 2020", (10.0,), ("low", "high")),
}  # fmt: skip
"""Named cut-offs: unit and source, limits, names of the classes."""


def classify(name: str, values: Mapping[str, float], limits: Sequence[float] = ()) -> dict[str, str | None]:
    """Return the class of each patient's value by a named cut-off, or by `limits` of one's own.

    Raises `TableError` for an unknown name and for percentages outside 0 to 100.
    """
    if name not in CUT_OFFS:
        raise TableError(f"the cut-off {name!r}", ", ".join(CUT_OFFS), "choose one of these")
    unit, usual, names = CUT_OFFS[name]
    chosen = tuple(limits) or usual
    if len(chosen) != len(usual):
        raise TableError(f"{len(chosen)} limits for {name}", f"{len(usual)}", f"classes are {', '.join(names)}")
    if unit.startswith("%"):
        odd = {who: value for who, value in values.items() if value < 0 or value > 100}
        if odd:
            who, value = next(iter(odd.items()))
            raise TableError(f"{value:g} % of {name} in {who}", "0 to 100", "correct it")
    return {who: cut(value, chosen, names) for who, value in values.items()}


def her2_class(ihc: str, ish: bool | None = None) -> str | None:
    """Return HER2 negative, low or positive from the IHC score (0, 1+, 2+, 3+) and in-situ hybridisation.

    2+ without ISH stays open. Source: ASCO/CAP 2018, affirmed in 2023 (doi:10.1200/JCO.22.02864), which calls it too
    early for a category "low" of its own: 1+, or 2+ without amplification, is who may get trastuzumab deruxtecan.

    >>> [her2_class("3+"), her2_class("2+", False), her2_class("2"), her2_class("0")]
    ['positive', 'low', None, 'negative']
    """
    score = ihc.strip().rstrip("+")
    table: dict[str, Callable[[], str | None]] = {
        "0": lambda: "negative",
        "1": lambda: "low",
        "2": lambda: None if ish is None else "positive" if ish else "low",
        "3": lambda: "positive",
    }
    if score not in table:
        raise TableError(f"the HER2 score {ihc!r}", "0, 1+, 2+, 3+", "correct it, or leave it empty")
    return table[score]()
