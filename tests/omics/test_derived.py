"""Copy number, fusions, methylation, burden, signatures, subtypes and polygenic scores against hand calculation."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from genoxel.core.errors import TableError
from genoxel.core.keys import RowKey
from genoxel.core.records import Records
from genoxel.core.table import Column, Table
from genoxel.io.cn_segments import read_gene_copies, read_segments
from genoxel.omics.burden import allele_fractions, gene_fractions, heterogeneity, mutational_burden, repeat_indels
from genoxel.omics.copynumber import (
    CopyRules,
    arm_levels,
    call_genes,
    codeletion_1p19q,
    gain7_loss10,
    gene_copies,
    gene_status,
)
from genoxel.omics.fusions import fusion_status
from genoxel.omics.genome import MIDDLES
from genoxel.omics.germline import Weight, polygenic_score
from genoxel.omics.methylation import MGMT_PROBES, beta_values, m_values, mgmt, to_m
from genoxel.omics.settings import CopyNumberSettings
from genoxel.omics.signatures import KINDS, catalogue, exposures
from genoxel.omics.subtypes import (
    GliomaFacts,
    ReceptorRules,
    classify,
    glioma_class,
    glioma_three,
    her2_class,
    receptor_subtype,
)


def _segments(*rows: tuple[str, str, float, float, float], profiled: Sequence[str] = ()) -> Records:
    keys, *fields = zip(*rows, strict=True)
    names = dict(zip(("chromosome", "start", "end", "log2"), (np.array(field) for field in fields), strict=True))
    names["chromosome"] = names["chromosome"].astype(object)
    return Records("segments", keys, names, tuple(profiled or dict.fromkeys(keys)))


def test_arms_are_lost_by_the_share_of_what_was_seen() -> None:
    middle, end = MIDDLES["hg19"]["1"], 249250621
    found = arm_levels(
        _segments(
            ("lost", "1", 1, middle, -0.8),
            ("part", "1", 1, 0.6 * middle, -0.8),
            ("part", "1", 0.6 * middle + 1, middle, 0.0),
            ("seen", "1", 1, 0.3 * middle, -0.8),
            ("long", "1", middle + 1, end, 0.5),
            profiled=["lost", "part", "seen", "long", "none"],
        ),
        ["1p", "1q"],
        "hg19",
    )
    levels = found.column("1p copies").levels
    words = {
        row.patient: None if np.isnan(v) else levels[int(v)]
        for row, v in zip(found.rows, found["1p copies"], strict=True)
    }
    assert words == {"lost": "loss", "part": "neutral", "seen": None, "long": None, "none": None}
    assert found["1q copies"][list(words).index("long")] == levels.index("gain")


@pytest.mark.parametrize("one", ["loss", "neutral", None])
@pytest.mark.parametrize("other", ["loss", "neutral", None])
def test_codeletion_is_unknown_only_where_it_could_still_be(one: str | None, other: str | None) -> None:
    rows = []
    for chromosome, level, first, last in (("1", one, 1, 125000000), ("19", other, 26500001, 59128983)):
        if level:
            rows.append(("P", chromosome, first, last, -0.9 if level == "loss" else 0.0))
    records = (
        _segments(*rows)
        if rows
        else Records("segments", (), {n: np.zeros(0) for n in ("chromosome", "start", "end", "log2")}, ("P",))
    )
    expected = None if None in (one, other) and "neutral" not in (one, other) else one == other == "loss"
    assert codeletion_1p19q(arm_levels(records, ["1p", "19q"], "hg19")) == {"P": expected}


def test_gain_of_7_with_loss_of_10() -> None:
    spans = {"7p": ("7", 1, 59900000, 0.4), "7q": ("7", 59900001, 159138663, 0.4)}
    spans |= {"10p": ("10", 1, 40200000, -0.5), "10q": ("10", 40200001, 135534747, -0.5)}
    arms = list(spans)
    whole = [("yes", *span) for span in spans.values()]
    half = [("no", *span) for name, span in spans.items() if name != "10q"] + [("no", "10", 40200001, 135534747, 0.0)]
    assert gain7_loss10(arm_levels(_segments(*whole, *half), arms, "hg19")) == {"yes": True, "no": False}


def test_whole_copies_of_a_pure_tumour_become_the_calls_they_are() -> None:
    """By arithmetic: log2(copies / 2), none written as -10; one copy left is a loss and no homozygous deletion."""
    expected = {0: -2.0, 1: -1.0, 2: 0.0, 3: 1.0, 4: 2.0, 8: 2.0}
    records = _segments(*((f"P{n}", "7", 1, 500, math.log2(n / 2) if n else -10.0) for n in expected))
    calls = call_genes(gene_copies(records, {"EGFR": ("7", 101, 200)}))
    found = dict(zip(calls.patients, calls["EGFR"].tolist(), strict=True))
    assert found == {f"P{n}": call for n, call in expected.items()}


def test_the_share_of_an_arm_that_must_be_lost_and_seen_are_settings() -> None:
    length = 125000000  # the short arm of chromosome 1
    records = _segments(("P", "1", 1, round(0.75 * length), -0.5), ("P", "1", round(0.75 * length) + 1, length, 0.0))
    half = _segments(("P", "1", 1, round(0.4 * length), -0.5))

    def found(some: Records, rules: CopyRules | None = None) -> float:
        return float(arm_levels(some, ["1p"], "hg19", rules)["1p copies"][0])

    assert (found(records), found(records, CopyRules(share=0.7))) == (1.0, 0.0)  # neutral, loss
    assert np.isnan(found(half))
    assert found(half, CopyRules(seen=0.3)) == 0.0
    asked = CopyNumberSettings(segments="x.seg")
    assert {name: getattr(asked, name) for name in CopyRules.__dataclass_fields__} == vars(CopyRules())


def test_genes_from_segments_by_hand() -> None:
    records = _segments(("P", "7", 1, 150, 2.0), ("P", "7", 151, 400, 0.0), ("Q", "9", 1, 500, -1.4))
    loci = {"EGFR": ("7", 101, 200), "CDKN2A": ("9", 10, 20)}
    copies = gene_copies(records, loci)
    assert copies.values == pytest.approx(np.array([[1.0, np.nan], [np.nan, -1.4]]), nan_ok=True)
    calls = call_genes(copies)
    assert gene_status(calls, "EGFR", "amplified") == {"P": True, "Q": None}
    assert gene_status(calls, "CDKN2A", "deleted") == {"P": None, "Q": True}
    assert gene_status(calls, "EGFR|CDKN2A", "gained") == {"P": True, "Q": None}
    with pytest.raises(TableError, match="the call 'del'"):
        gene_status(calls, "EGFR", "del")
    several = Records(
        "segments",
        (RowKey("P", sample="1"), RowKey("P", sample="2")),
        {n: np.zeros(2) for n in ("chromosome", "start", "end", "log2")},
    )
    with pytest.raises(TableError, match="several samples for 1 patients"):
        gene_copies(several, loci)


def test_fusions_in_either_order_and_unknown() -> None:
    fields = {"gene1": np.array(["EML4", "EGFR", "CD74"], object), "gene2": np.array(["ALK", "EGFR", "ROS1"], object)}
    records = Records("fusions", ("P1", "P2", "P3"), fields, ("P1", "P2", "P4"))
    assert fusion_status(records, "ALK::EML4|ROS1") == {"P1": True, "P2": False, "P4": False, "P3": True}
    assert fusion_status(records, "EGFR")["P2"] is False
    assert fusion_status(records, "EGFR::EGFR", ["P2", "P9"]) == {"P2": True, "P9": None}
    with pytest.raises(TableError, match="the fusion"):
        fusion_status(records, "ALK::")


def test_mgmt_by_the_published_formula() -> None:
    beta = np.array([[0.1, 0.2], [0.05, 0.02], [np.nan, 0.5]])
    table = Table(beta, ("P1", "P2", "P3"), tuple(Column(name) for name in MGMT_PROBES), "methylation")
    found = mgmt(table)
    m1, m2 = np.log2(0.1 / 0.9), np.log2(0.2 / 0.8)
    logit = 4.3215 + 0.5271 * m1 + 0.9265 * m2
    assert found["MGMT probability"][0] == pytest.approx(np.exp(logit) / (1 + np.exp(logit)))
    assert found["MGMT methylated"].tolist() == pytest.approx([1, 0, np.nan], nan_ok=True)
    assert np.array_equal(mgmt(to_m(table), "M").values, found.values, equal_nan=True)
    assert beta_values(m_values(beta[:2])) == pytest.approx(beta[:2])
    with pytest.raises(TableError, match="outside 0 to 1 among beta values, first -3"):
        mgmt(to_m(table))


def _variants(rows: list[tuple[object, ...]], profiled: Sequence[str], **extra: Sequence[object]) -> Records:
    names = ("gene", "classification", "ref_count", "alt_count")
    keys, *columns = zip(*rows, strict=True)
    fields = {
        name: np.array(column, dtype=object if place < 2 else float)
        for place, (name, column) in enumerate(zip(names, columns, strict=True))
    }
    fields |= {name: np.array(values, dtype=object) for name, values in extra.items()}
    return Records("variants", keys, fields, tuple(profiled), None, {"Q": frozenset(["TP53"])})


def test_burden_fractions_and_heterogeneity_by_hand() -> None:
    missense = "Missense_Mutation"
    rows = [("P", f"G{place}", missense, 80, 20 + place) for place in range(6)]
    rows += [("P", "TP53", "Silent", 10, 90), ("Q", "TP53", missense, 5, 5), ("Q", "KRAS", missense, 50, 50)]
    records = _variants(rows, ["P", "Q", "R"])
    burden = mutational_burden(records, 2.0, ["P", "Q", "R", "S"])
    assert burden["TMB"] == pytest.approx([3.0, 0.5, 0.0, np.nan], nan_ok=True)  # KRAS is not on the panel of Q
    assert "unreliable" in mutational_burden(records, 0.5).columns[0].definition
    fraction = np.array([(20 + place) / (100 + place) for place in range(6)])
    assert allele_fractions(records)[:6] == pytest.approx(fraction)
    table = gene_fractions(records, ["G0", "TP53"])
    assert table.rows == (RowKey("P"), RowKey("Q"), RowKey("R"))
    assert table["G0 VAF"] == pytest.approx([0.2, np.nan, 0.0], nan_ok=True)
    assert table["TP53 VAF"] == pytest.approx([0.0, np.nan, 0.0], nan_ok=True)  # Q has too few reads
    every = np.array([*fraction, 0.9])
    math = 100 * 1.4826 * np.median(np.abs(every - np.median(every))) / np.median(every)
    assert heterogeneity(records)["MATH"] == pytest.approx([math, np.nan, np.nan], nan_ok=True)
    with pytest.raises(TableError, match="without read counts"):
        allele_fractions(Records("variants", (), {"gene": np.zeros(0, object)}))


def test_heterogeneity_ranks_planted_clones() -> None:
    random = np.random.default_rng(8)
    scores = []
    for clones in range(1, 6):
        centres = np.linspace(0.5, 0.1, clones)
        alt = random.binomial(300, centres[random.integers(0, clones, 200)])
        rows = [("P", f"G{place}", "Silent", 300 - count, count) for place, count in enumerate(alt)]
        scores.append(heterogeneity(_variants(rows, ["P"]))["MATH"][0])
    assert scores[0] == min(scores)
    assert scores[-1] > 2 * scores[0]


def test_signatures_are_recovered_from_their_mixture() -> None:
    random = np.random.default_rng(9)
    weights = random.dirichlet(np.full(96, 0.1), size=4).T
    truth = np.array([0.6, 0.4, 0.0, 0.0])
    counts = random.multinomial(5000, weights @ truth).astype(float)
    table = Table(counts[None, :], ("P",), tuple(Column(kind, "count") for kind in KINDS), "signatures")
    found = exposures(table, KINDS, ["A", "B", "C", "D"], weights)
    assert found.values[0, :4] == pytest.approx(truth, abs=0.03)
    assert found["signature fit"][0] > 0.99
    few = Table(np.minimum(counts, 0.1)[None, :], ("P",), table.columns, "signatures")
    assert np.isnan(exposures(few, KINDS, ["A", "B", "C", "D"], weights).values).all()


def test_a_variant_written_twice_counts_once() -> None:
    rows = [("P", f"G{place}", "Silent", 80, 20 + 5 * place) for place in range(6)]
    bases = {"ref": ["C"] * 6, "alt": ["T"] * 6, "context": ["AACGA"] * 6}
    places = {"chromosome": ["1"] * 6, "start": list(range(6))}
    once = _variants(rows, ["P"], **bases, **places)
    again = {name: [*values, *values[:4]] for name, values in (bases | places).items()}
    twice = _variants([*rows, *rows[:4]], ["P"], **again)
    assert heterogeneity(twice)["MATH"] == heterogeneity(once)["MATH"]
    assert catalogue(twice).values.sum() == catalogue(once).values.sum() == 6


def test_the_96_kinds_by_hand() -> None:
    contexts = ["AACGA", "TTGCA", "CCATT", "AAGTT"]
    rows = [("P", "X", "Silent", 1, 1)] * 4
    extra = {"ref": ["C", "G", "A", "GT"], "alt": ["T", "A", "C", "G"], "context": contexts}
    counts = catalogue(_variants(rows, ["P", "Q"], **extra))
    # A[C>T]G; G>A in TGC is C>T in GCA; A>C in CAT is T>G in ATG; GT>G is no single substitution
    assert {name for name in KINDS if counts[name][0]} == {"A[C>T]G", "G[C>T]A", "A[T>G]G"}
    assert counts.values[1].tolist() == [0.0] * 96
    assert len(KINDS) == len(set(KINDS)) == 96
    extra["context"] = ["AATGA", *contexts[1:]]
    with pytest.raises(TableError, match="the context 'AATGA' of C>T"):
        catalogue(_variants(rows, ["P"], **extra))


def test_indels_in_repeats() -> None:
    extra = {"ref": ["A", "-", "A"], "alt": ["-", "T", "-"], "context": ["CAAAAAAG", "CTTTTTG", "CAAAG"]}
    records = _variants([("P", "X", "Silent", 1, 1)] * 3, ["P"], variant_type=["DEL", "INS", "DEL"], **extra)
    assert repeat_indels(records, 2.0)["repeat indels"].tolist() == [1.0]


def test_what_was_inherited_is_no_burden() -> None:
    classes = ["Missense_Mutation"] * 12
    extra = {"context": ["TACAT"] * 12, "variant_type": ["SNP"] * 12, "ref": ["C"] * 12, "alt": ["A"] * 12}
    rows = [("P", f"G{at}", word, 50, 50 if at < 6 else 10 * at) for at, word in enumerate(classes)]
    whole = _variants(rows, ["P"], **extra)
    origin = np.array(["Germline"] * 6 + ["Somatic"] * 6, dtype=object)
    marked = Records("variants", whole.rows, {**whole.fields, "origin": origin}, whole.profiled)
    alone = whole.take(range(6, 12))
    assert mutational_burden(whole, 1.0)["TMB"].tolist() == [12.0]
    assert mutational_burden(marked, 1.0)["TMB"].tolist() == [6.0]
    assert heterogeneity(marked)["MATH"].tolist() == heterogeneity(alone)["MATH"].tolist()
    assert heterogeneity(marked)["MATH"].tolist() != heterogeneity(whole)["MATH"].tolist()
    assert catalogue(marked).values.sum() == 6.0


@pytest.mark.parametrize(("er", "pr", "her2", "high"), list(product([True, False], repeat=4)))
def test_all_sixteen_receptor_combinations(er: bool, pr: bool, her2: bool, high: bool) -> None:
    if er or pr:
        expected = "luminal B HER2" if her2 else "luminal B" if high or not pr else "luminal A"
    else:
        expected = "HER2" if her2 else "triple-negative"
    assert receptor_subtype(er, pr, her2, 30.0 if high else 10.0) == expected


def test_open_receptors_stay_open() -> None:
    assert receptor_subtype(True, True, False, None) is None
    assert receptor_subtype(True, None, None, 10.0) is None
    assert receptor_subtype(None, None, False) is None
    assert receptor_subtype(True, False, False, 10.0, ReceptorRules(pr_for_a=False)) == "luminal A"


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (GliomaFacts(idh=True, codeletion=True, grade=2), ("oligodendroglioma, IDH-mutant and 1p/19q-codeleted", 2)),
        (GliomaFacts(idh=True, codeletion=False, grade=3), ("astrocytoma, IDH-mutant", 3)),
        (GliomaFacts(idh=True, codeletion=False, grade=2, cdkn2ab_deleted=True), ("astrocytoma, IDH-mutant", 4)),
        (GliomaFacts(idh=True), (None, None)),
        (GliomaFacts(), (None, None)),
        (GliomaFacts(idh=False, tert=True, grade=2), ("glioblastoma, IDH-wild-type", 4)),
        (GliomaFacts(idh=False, gain7_loss10=True), ("glioblastoma, IDH-wild-type", 4)),
        (GliomaFacts(idh=False, grade=4), ("glioblastoma, IDH-wild-type", 4)),
        (GliomaFacts(idh=False, tert=False, grade=2), (None, None)),
        (
            GliomaFacts(False, None, False, False, False, None, None, 2),
            ("diffuse glioma, IDH-wild-type, not elsewhere classified", 2),
        ),
        (GliomaFacts(idh=False, h3_k27=True, grade=3), ("diffuse midline glioma, H3 K27-altered", 4)),
    ],
)
def test_glioma_classes(facts: GliomaFacts, expected: tuple[str | None, int | None]) -> None:
    assert glioma_class(facts) == expected


def test_named_cut_offs() -> None:
    assert classify("PD-L1 TPS", {"a": 0, "b": 1, "c": 50, "d": float("nan")}) == {
        "a": "below 1 %",
        "b": "1 to 49 %",
        "c": "50 % or more",
        "d": None,
    }
    assert classify("ER", {"a": 0.5, "b": 10, "c": 11}) == {"a": "negative", "b": "low", "c": "positive"}
    assert classify("Ki-67", {"a": 14}, [14.0]) == {"a": "high"}
    assert her2_class("2+", True) == "positive"
    for call, words in ((lambda: classify("Ki-67", {"a": 101}), "101 %"), (lambda: classify("x", {}), "cut-off 'x'")):
        with pytest.raises(TableError, match=words):
            call()
    with pytest.raises(TableError, match="HER2 score '4'"):
        her2_class("4")


def test_polygenic_scores_turn_alleles_to_the_same_side() -> None:
    columns = tuple(Column(name) for name in ("rs1", "rs2", "rs3", "rs4", "rs5"))
    dosages = Table(
        np.array([[2.0, 2.0, 2.0, 2.0, 0.0], [0.0, 1.0, 0.0, 0.0, np.nan]]), ("P1", "P2"), columns, "germline"
    )
    alleles = {"rs1": ("A", "G"), "rs2": ("A", "G"), "rs3": ("A", "G"), "rs4": ("A", "T"), "rs5": ("C", "A")}
    weights = {
        "rs1": Weight("G", "A", 1.0),  # the counted allele
        "rs2": Weight("A", "G", 1.0),  # the other one
        "rs3": Weight("C", "T", 1.0),  # the counted one, on the other strand
        "rs4": Weight("T", "A", 9.0),  # cannot be told
        "rs5": Weight("A", "C", 1.0),
    }
    score, left_out = polygenic_score(dosages, alleles, weights, known=0.8)
    assert score.values[:, 0].tolist() == [2 + 0 + 2 + 0, 0 + 1 + 0 + 0]
    assert left_out == {"rs4": "the same on both strands"}
    with pytest.raises(TableError, match="4 of 5 variants"):
        polygenic_score(dosages, alleles, weights)


def test_real_glioma_classes_match_the_published_table(real_data: Callable[[str], Path]) -> None:
    frame = pd.read_csv(real_data("tcga-glioma") / "molecular_ceccarelli2016.csv.gz", dtype=str)
    idh = {"Mutant": True, "WT": False}
    codel = {"codel": True, "non-codel": False}
    ours = [
        glioma_three(idh.get(a), codel.get(b))
        for a, b in zip(frame["IDH.status"], frame["X1p.19q.codeletion"], strict=True)
    ]
    listed = frame["IDH.codel.subtype"].where(frame["IDH.codel.subtype"].notna(), None).tolist()
    assert [(one, other) for one, other in zip(ours, listed, strict=True) if one != other and other is not None] == []
    there = frame["IDH.codel.subtype"].notna().to_numpy()
    counts = pd.Series(ours)[there].value_counts().to_dict()
    assert counts == frame["IDH.codel.subtype"].value_counts().to_dict()
    # the table leaves IDH wild type without 1p/19q unclassed, though wild type settles it
    assert set(pd.Series(ours)[~there].dropna()) == {"IDHwt"}


def test_real_copy_number_calls_and_segments(real_data: Callable[[str], Path]) -> None:
    folder = real_data("tcga-glioma")
    frame = pd.read_csv(folder / "omics" / "cnv_gistic.csv.gz", index_col=0)
    found = gene_status(read_gene_copies(folder / "omics" / "cnv_gistic.csv.gz"), "EGFR", "amplified")
    assert {who for who, hit in found.items() if hit} == set(frame.index[frame["EGFR"] == 2])
    segments = read_segments(folder / "gbm84_cn_segments_hg18.csv.gz", "hg18", overlap="unknown")
    arms = arm_levels(segments, ["7p", "7q", "10p", "10q"], "hg18")
    table = pd.read_csv(folder / "molecular_ceccarelli2016.csv.gz", dtype=str).set_index("patient")
    words = table["Chr.7.gain.Chr.10.loss"].map({"Gain chr 7 & loss chr 10": True, "No combined CNA": False}).dropna()
    ours = {who: hit for who, hit in gain7_loss10(arms).items() if hit is not None and who in words.index}
    agree = sum(words[who] == hit for who, hit in ours.items())
    assert len(ours) > 30
    assert agree / len(ours) > 0.8, (agree, len(ours))
