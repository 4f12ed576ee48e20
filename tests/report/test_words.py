"""Sentences, methods text and checklists."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from genoxel.core.results import AssociationMap, Interval, TargetResult
from genoxel.core.table import Column, Source, Table
from genoxel.report.checklists import CLEAR, FINDINGS, METRICS, TRIPOD, checklist, checklists, unmet
from genoxel.report.cite import Cite
from genoxel.report.content import Record, ReportContent, StudyFacts
from genoxel.report.effects import scale, signed
from genoxel.report.html import cautions, interval_words, render, shared_notes
from genoxel.report.methods import methods_text, references_bib
from genoxel.report.settings_words import listed, look_up
from genoxel.report.tables.build import build
from genoxel.report.wording import (
    KIND,
    SIGN,
    answer,
    left_out_sentence,
    p_sentence,
    screen_sentence,
    unknown_genes_sentence,
)
from report.example import example, outcome, result


def said(one: TargetResult) -> str:
    content = ReportContent(StudyFacts("x"), targets=(one,))
    return re.sub(r"<[^>]+>", "", str(answer(Cite(build(content)), one)))


def case(word: str, low: float, high: float, gain: Interval | None = None) -> TargetResult:
    one = result(outcome("IDH", 0.5, 3), {"image": 0.4, "volume": 0.1}, word, gain, 0.2, 9)
    first = one.ladder[0]
    moved = replace(first, interval=replace(first.interval, estimate=0.61, low=low, high=high))
    return replace(one, ladder=(moved, *one.ladder[1:]))


def test_inconclusive_names_both_ends():
    text = said(case("inconclusive", 0.47, 0.74))
    assert text.startswith("The data are compatible with no information (0.47) and with a useful model (0.74).")
    assert "weak model" in said(case("inconclusive", 0.47, 0.68))
    assert "lies above chance" in said(case("inconclusive", 0.52, 0.74))
    assert "no interval" in said(case("inconclusive", float("nan"), float("nan")))


def test_no_gain_says_what_is_excluded():
    text = said(case("above chance, no gain shown", 0.52, 0.74, Interval(0.01, -0.06, 0.08)))
    assert "+0.01 (−0.06 to +0.08). A gain above +0.08 is unlikely; a smaller one is not excluded." in text
    assert "Of 100 pairs of one patient with and one without it, the model ranks about 61" in text


def test_not_supported_says_what_is_excluded():
    text = said(case("not supported", 0.40, 0.6993))
    assert "ends at 0.699, below the smallest useful value of 0.70" in text
    assert "is excluded" in text


def test_supported_without_a_simpler_model_claims_no_gain():
    assert "no gain over one is claimed" in said(case("supported", 0.55, 0.70))


def test_other_metrics_have_no_pairs():
    one = case("supported", 0.55, 0.70, Interval(0.1, 0.05, 0.2))
    ladder = tuple(replace(step, metric="balanced_accuracy") for step in one.ladder)
    assert "pairs" not in said(replace(one, ladder=ladder))


def test_the_smallest_possible_p_is_printed():
    one = case("supported", 0.55, 0.70, Interval(0.1, 0.05, 0.2))
    cite = Cite(build(ReportContent(StudyFacts("x"), targets=(one,))))
    assert "smallest possible <a" in str(p_sentence(cite, 0))


def test_each_word_has_its_own_shape_and_class():
    assert len(set(SIGN.values())) == len(set(KIND.values())) == 5


def test_left_out_without_flow_says_so():
    content = ReportContent(StudyFacts("x"))
    assert "not known" in str(left_out_sentence(Cite(build(content)), content))
    whole = replace(example(), comparisons=())
    assert "differ" not in str(left_out_sentence(Cite(build(whole)), whole))


def test_methods_follow_the_settings():
    text = methods_text(example())
    for piece in (
        "ALL DATA ARE SIMULATED",
        "Of 80 patients, 72 were analysed",
        "matched GTV-1 and Tumo*r*, never *PTV*",
        "voxels of 1 × 1 × 1 mm (linear; grids aligned by centre)",
        "fixed bin number of 32",
        "never counted as wild type",
        "nested cross-validation [@varma2006] with 5 outer and 3 inner folds, 10 repeats",
        "Labels were permuted 99 times",
        "false discovery rate 0.05 after Benjamini and Hochberg",
        "The random seed was 7",
    ):
        assert piece in text
    keys = set(re.findall(r"@([a-z]+\d*)", text))
    bib = references_bib(text)
    assert keys == set(re.findall(r"@\w+\{(\w+),", bib))
    assert bib.count("{") == bib.count("}")


def test_methods_of_other_settings():
    settings = {
        "segment": {"several": "each", "regions": {"core": [1, 4]}},
        "image": {"range_hu": [-1000, 400], "outliers_sigma": 3, "discretise": {"bin_size": 25, "anchor": -1000}},
        "learn": {"validate": {"outer": "site"}},
    }
    text = methods_text(replace(example(), record=Record(settings=settings), simulated=False))
    assert "Images were not interpolated" in text
    assert "range -1000 to 400" in text
    assert "beyond 3 standard deviations" in text
    assert "fixed bin size of 25, starting at -1000" in text
    assert "each was measured" in text
    assert "core = [1, 4]" in text
    assert "site outer folds" in text
    assert "SIMULATED" not in text
    bare = methods_text(replace(example(), record=Record(settings={"image": {"normalise": None}})))
    assert "discretised" not in bare
    empty = methods_text(ReportContent(StudyFacts("x")))
    assert "Targets" not in empty
    assert "The design was not stated" in empty


def test_methods_name_what_goes_beyond_ibsi():
    columns = (
        Column("PT.roi.none.mtv.metabolic_tumour_volume.suv_4", source=Source(family="mtv"), traits=("non-ibsi",)),
        Column("PT.a_to_b.none.morph.volume_voxels", source=Source(family="morph"), traits=("ratio", "non-ibsi")),
        Column("PT.roi.none.stat.mean", source=Source(family="stat")),
    )
    features = {
        "set": "extended",
        "suv_thresholds": [4, "41%"],
        "ratios": ["a/b"],
        "weighting": {"norm": "manhattan"},
        "aggregations": ["3d_merged"],
    }
    table = Table(np.ones((1, 3)), ("P1",), columns)
    text = methods_text(replace(example(), features=table, record=Record(settings={"features": features})))
    assert "2 of them are not consensus features of IBSI." in text
    assert "at or above SUV 4 and 41 % of SUVmax." in text
    assert "weighted by distance (1/d, d by the Manhattan norm in voxels)" in text
    assert "Ratios between regions were taken: a/b." in text
    plain = methods_text(example())
    assert "consensus features" not in plain
    assert "weighted by distance" not in plain


def test_settings_are_read_without_fear():
    assert look_up({"a": {"b": 1}}, "a.b.c") is None
    assert listed([]) == "none"
    assert listed(3) == "3"


def test_checklists_are_never_silently_done():
    for one in checklists(ReportContent(StudyFacts("x"))):
        assert one.count("done") == 0
    for one in checklists(example()):
        assert one.count("done") > 5
        for item in one.items:
            assert item.status in ("done", "not done", "not applicable")
            assert item.reason
            assert item.page or item.status != "done", "what is done names the page that shows it"
            assert item.sign in "✓✗–"


@pytest.mark.parametrize(("items", "most"), [(METRICS, 30), (TRIPOD, 27), (CLEAR, 58)])
def test_items_carry_numbers_of_the_originals_once(items, most):
    numbers = [number for number, _, _ in items]
    assert len(numbers) == len(set(numbers))
    assert all(1 <= int(re.sub(r"\D", "", number)) <= most for number in numbers)
    assert {key for _, _, key in items} <= set(FINDINGS)


def test_every_question_is_asked_by_a_list():
    assert {key for items in (METRICS, TRIPOD, CLEAR) for _, _, key in items} == set(FINDINGS)


def test_what_is_missing_turns_items_to_not_done():
    full = {item.number: item.status for item in checklist(example(), "METRICS").items}
    assert full["6"] == full["7"] == full["18"] == full["24"] == "done"
    assert full["27"] == "not done"
    assert full["17"] == "not applicable"
    less = replace(example(), acquisition=(), image_to_sample_days=(), targets=())
    found = {item.number: item.status for item in checklist(less, "METRICS").items}
    assert found["6"] == found["7"] == found["18"] == found["24"] == "not done"


def test_an_estimate_without_interval_is_not_certain():
    one = example()
    first = one.targets[0]
    bare = replace(first.ladder[0], interval=Interval(0.8, np.nan, np.nan))
    broken = replace(one, targets=(replace(first, ladder=(bare, *first.ladder[1:])),))
    assert {item.number: item.status for item in checklist(broken, "METRICS").items}["21"] == "not done"


def test_each_reason_is_listed_once_with_its_items():
    found = unmet(checklists(example()))
    assert "METRICS 28" in found["a run publishes no data"]
    assert "CLEAR 53" in found["a run publishes no data"]


def test_genes_with_equal_unknowns_are_named_together():
    content = example()
    text = re.sub(r"<[^>]+>", "", str(unknown_genes_sentence(Cite(build(content)))))
    assert text == "Unknown, and not counted as wild type: MGMT in 6; TP53 in 4 of the patients."
    genome = content.genome
    alike = replace(genome, status={"A": {}, "B": {}})
    text = re.sub(r"<[^>]+>", "", str(unknown_genes_sentence(Cite(build(replace(content, genome=alike))))))
    assert text == "Unknown, and not counted as wild type: every gene in 72 of the patients."
    known = replace(genome, status={"IDH1": genome.status["IDH1"]})
    assert "known in every patient" in str(unknown_genes_sentence(Cite(build(replace(content, genome=known)))))


def test_nothing_tested_for_another_reason_says_it():
    one = result(outcome("IDH", 0.5, 3), {}, "not testable", None, 1.0, 1)
    odd = replace(one, verdict=replace(one.verdict, reason="no feature table was given"))
    assert said(odd).endswith("no feature table was given")


def test_without_permutations_no_p_is_printed():
    one = replace(case("inconclusive", 0.55, 0.75), p=float("nan"), p_all=float("nan"))
    assert "no permutation test was made" in said(one)
    cite = Cite(build(ReportContent(StudyFacts("x"), targets=(one,))))
    assert str(p_sentence(cite, 0)) == "no permutation test was asked for"


def test_notes_and_intervals_are_said_once():
    content = example()
    twice = tuple(replace(one, notes=("16 constant columns were left out",)) for one in content.targets)
    assert shared_notes(replace(content, targets=twice)) == {
        "16 constant columns were left out": ["IDH1", "TP53", "MGMT", "EGFR"]
    }
    assert list(interval_words(content).values()) == [["IDH1", "TP53", "MGMT"]]


def test_effects_share_a_scale_where_zero_is_no_link():
    pairs = {
        "effect": np.array([0.5, 1.0, 0.0, -0.4, 0.0, np.log(3)]),
        "effect_name": np.array(["auc", "auc", "auc", "rho", "log_odds_ratio", "log_odds_ratio"], object),
    }
    found = AssociationMap((), (), pairs, np.array([], np.int64), 0.05)
    np.testing.assert_allclose(signed(found), [0, 1, -1, -0.4, 0, 0.5])
    assert scale(found) == "2 AUC − 1 or Yule's Q or Spearman's rho"


def test_adjusted_null_worlds_are_printed_beside_the_adjusted_hits():
    content = example()
    screen = content.associations[0]
    known = replace(screen, map=replace(screen.map, settings={"null_hits_adjusted": (0, 1, 3)}))
    text = re.sub(
        r"<[^>]+>", "", str(screen_sentence(Cite(build(replace(content, associations=(known,)))), 0, True, True))
    )
    assert text.endswith("After adjustment for volume, age: 5 (a world without link gave 0 to 3).")


def screened(**changes):
    """Return the sentence of the example's map, changed."""
    content = example()
    screen = content.associations[0]
    known = replace(screen, map=replace(screen.map, **changes))
    cite = Cite(build(replace(content, associations=(known,))))
    return re.sub(r"<[^>]+>", "", str(screen_sentence(cite, 0, True, True)))


def test_worlds_that_all_gave_the_same_are_told_once():
    text = screened(null_hits=np.zeros(19, np.int64), settings={"null_hits_adjusted": (0,) * 19})
    assert "19 worlds without link gave 0 each." in text
    assert text.endswith("(19 worlds without link gave 0 each).")
    assert " to " not in text


def test_what_appears_only_after_adjustment_is_told():
    pairs = dict(example().associations[0].map.pairs)
    pairs["q"] = np.full(len(pairs["q"]), 0.9)
    text = screened(pairs=pairs)
    assert text.startswith("No pair survives")
    assert "After adjustment for volume, age: 5" in text


def test_a_caution_stands_once_and_names_its_maps_unless_it_concerns_all():
    content = example()
    first = content.associations[0]

    def told(name, *words):
        return replace(first, name=name, map=replace(first.map, settings={"cautions": words}))

    both = replace(content, associations=(told("one", "copies", "age"), told("two", "copies")))
    assert cautions(both) == {"copies": [], "age": ["one"]}
    page = render(both)
    assert page.count("<b>Caution.</b> copies") == 1
    assert "<b>Caution.</b> age <span" in page


def test_mixed_protocols_are_named_and_what_is_not_stated_mixes_nothing():
    from genoxel.report.content import ReportContent, StudyFacts
    from genoxel.report.tables.cohort import summarise_acquisition
    from genoxel.report.wording import mixed_protocols

    series = [
        ("P1", "T1", {"slice distance [mm]": "3", "kVp": ""}),
        ("P2", "T1", {"slice distance [mm]": "5", "kVp": "120"}),
        ("P1", "T2", {"slice distance [mm]": "3"}),
        ("P3", "FLAIR", {"slice distance [mm]": "1"}),
        ("P2", "FLAIR", {"slice distance [mm]": "2"}),
    ]
    content = ReportContent(StudyFacts("x"), acquisition=summarise_acquisition(series))
    assert mixed_protocols(content) == "slice distance (FLAIR and T1)"
    assert mixed_protocols(ReportContent(StudyFacts("x"))) == ""
