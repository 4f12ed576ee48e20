"""Targets: every word accounted for, nothing guessed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from genoxel.core.errors import OutcomeError, SettingsError, TableError
from genoxel.core.outcome import Outcome
from genoxel.core.records import Records
from genoxel.core.table import Column, Table
from genoxel.io.clinical import read_clinical
from genoxel.omics.settings import IntervalSettings, OmicsSettings, TargetSettings, build_name
from genoxel.omics.targets import contradictions, make_outcome, read_words

EGFR = TargetSettings(
    column="EGFR",
    positive=("mut", "19del", "L858R"),
    negative=("wt", "wild type", "neg"),
    unknown=("", "n/d", "pending"),
)


def _texts(*words: str) -> dict[str, str]:
    return {f"P{place}": word for place, word in enumerate(words)}


def test_the_study_files_words_win_and_the_rest_is_unknown_by_name() -> None:
    words = ["mut"] * 3 + ["L858R", " 19DEL "] + ["wt"] * 4 + ["Wild  Type", "neg", "", "pending", "WT?", "exon 20"]
    reading = read_words(_texts(*words), EGFR)
    assert reading.levels == ("wild type", "mutant")
    assert Counter(reading.status.values()) == {"mutant": 5, "wild type": 6, None: 4}
    assert [(word.word, word.count) for word in reading.not_understood] == [("WT?", 1), ("exon 20", 1)]
    assert reading.outcome("EGFR").counts() == {"wild type": 6, "mutant": 5, "unknown": 4}
    assert "I do not know: WT? 1, exon 20 1" in reading.describe()
    assert sum(word.count for word in reading.words) == len(words)
    by = {word.word: word.by for word in reading.words}
    assert by["19DEL"] == "study file"
    assert by["WT?"] == "nobody"


@pytest.mark.parametrize(
    ("words", "levels", "counts"),
    [
        (["Mutant", "WT", "positive", "NEG"], ("wild type", "mutant"), {"mutant": 2, "wild type": 2}),
        (
            ["Methylated", "Unmethylated", "NA"],
            ("unmethylated", "methylated"),
            {"methylated": 1, "unmethylated": 1, None: 1},
        ),
        (["codel", "non-codel"], ("non-codel", "codel"), {"codel": 1, "non-codel": 1}),
        (["positive", "negative"], ("negative", "positive"), {"positive": 1, "negative": 1}),
        (["1", "0", "2"], ("negative", "positive"), {None: 3}),
        (["equivocal", "mutated"], ("wild type", "mutant"), {None: 1, "mutant": 1}),
    ],
)
def test_usual_words(words: list[str], levels: tuple[str, str], counts: dict[str | None, int]) -> None:
    reading = read_words(_texts(*words), TargetSettings(column="x"))
    assert reading.levels == levels
    assert Counter(reading.status.values()) == counts


def test_words_of_the_study_file_override_usual_ones_and_name_the_classes() -> None:
    settings = TargetSettings(column="x", positive=("G3", "G4"), negative=("G2",), levels=("low grade", "high grade"))
    assert read_words(_texts("G2", "g4"), settings).status == {"P0": "low grade", "P1": "high grade"}
    swapped = read_words(_texts("mut", "wt"), TargetSettings(column="x", positive=("wt",), negative=("mut",)))
    assert swapped.status == {"P0": "wild type", "P1": "mutant"}


def test_a_listed_word_that_nearly_occurs_is_a_typing_error() -> None:
    settings = TargetSettings(column="x", positive=("translocatd",), negative=("wildtype",))
    with pytest.raises(SettingsError, match="did you mean 'translocated'"):
        read_words(_texts("translocated", "wildtype"), settings)
    unused = TargetSettings(column="x", positive=("mut", "G719X"), negative=("unmutated",))
    assert read_words(_texts("mut", "mutated"), unused).status["P0"] == "mutant"


@given(st.dictionaries(st.text(max_size=3), st.text(max_size=12), max_size=20))
def test_every_patient_and_every_value_is_accounted_for(texts: dict[str, str]) -> None:
    reading = read_words(texts, TargetSettings(column="x"))
    assert set(reading.status) == set(texts)
    assert sum(word.count for word in reading.words) == len(texts)
    for word in reading.words:
        assert word.by != "nobody" or word.read_as is None


def test_outcomes_of_columns_genes_and_scores() -> None:
    columns = {"EGFR": {"P1": "mut", "P2": "wt"}, "age": {"P1": "61,5", "P2": ""}}
    outcome, reading = make_outcome("EGFR", EGFR, columns, patients=["P2", "P1", "P3"])
    assert reading is not None
    assert outcome.counts() == {"wild type": 1, "mutant": 1, "unknown": 1}
    assert outcome.patients == ("P2", "P1", "P3")
    fields = {
        name: np.array([word], dtype=object)
        for name, word in {"gene": "IDH2", "classification": "Missense_Mutation", "protein": "p.R172K"}.items()
    }
    variants = Records("variants", ("P1",), fields, profiled=("P1", "P2"))  # type: ignore[arg-type]
    gene = TargetSettings(gene="IDH1|IDH2", hotspot=("R132", "R172"))
    assert gene.genes == ("IDH1", "IDH2")
    outcome, reading = make_outcome("IDH", gene, variants=variants, patients=["P1", "P2", "P3"])
    assert reading is None
    assert outcome.counts() == {"wild type": 1, "mutant": 1, "unknown": 1}
    table = Table(np.array([[0.5], [1.5]]), ("P1", "P2"), (Column("hypoxia", unit="z"),))  # type: ignore[arg-type]
    outcome, _ = make_outcome("h", TargetSettings(score="hypoxia"), scores=[table])
    assert (outcome.kind, outcome.unit, outcome.values.tolist()) == ("value", "z", [0.5, 1.5])
    outcome, _ = make_outcome("age", TargetSettings(score="age"), columns)
    assert outcome.values[0] == 61.5


def test_what_is_not_there_names_the_nearest() -> None:
    columns = {"EGFR_status": {"P1": "mut"}, "note": {"P1": "high"}}
    with pytest.raises(SettingsError, match=r"\[target.E\].*did you mean 'EGFR_status'"):
        make_outcome("E", TargetSettings(column="EGFR_staus"), columns)
    with pytest.raises(OutcomeError, match="without mutations"):
        make_outcome("I", TargetSettings(gene="IDH1"))
    with pytest.raises(OutcomeError, match="words in the score 'note': 'high'"):
        make_outcome("n", TargetSettings(score="note"), columns)
    with pytest.raises(SettingsError, match="score 'hypoxa'"):
        make_outcome("h", TargetSettings(score="hypoxa"), columns)
    several = Table(np.array([[1.0], [2.0]]), (("P1", "", "1"), ("P1", "", "2")), (Column("s"),))  # type: ignore[arg-type]
    with pytest.raises(TableError, match="one row per patient"):
        make_outcome("s", TargetSettings(score="s"), scores=[several])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({}, "exactly one"),
        ({"column": "a", "gene": "b"}, "exactly one"),
        ({"column": "a", "hotspot": ["R132"]}, "hotspot belongs"),
        ({"column": "a", "positive": ["x"], "negative": ["X "]}, "both positive and negative"),
        ({"column": "a", "smallest_useful": {"auc": 0.4}}, "greater than 0.5"),
        ({"column": "a", "colour": 1}, "Extra inputs"),
    ],
)
def test_settings_that_contradict_themselves(content: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        TargetSettings.model_validate(content)


def test_other_settings() -> None:
    assert OmicsSettings.model_validate({"build": "GRCh38"}).build == "hg38"
    with pytest.raises(ValidationError):
        OmicsSettings.model_validate({"build": "hg7"})
    assert build_name("b37") == "hg19"
    assert build_name("T2T") is None
    interval = IntervalSettings.model_validate({"from": "ct", "to": "biopsy", "max_days": 60})
    assert (interval.start, interval.end, interval.max_days) == ("ct", "biopsy", 60)


def test_real_glioma_labels_and_the_contradicting_ones(real_data: Callable[[str], Path]) -> None:
    """Counts against pandas; the IDH labels of another table that contradict are found by name (3 of the 65 here)."""
    folder = real_data("tcga-glioma")
    sheet = read_clinical(folder / "molecular_ceccarelli2016.csv.gz", "tcga")
    frame = pd.read_csv(folder / "molecular_ceccarelli2016.csv.gz", index_col="patient")
    idh, reading = make_outcome("IDH", TargetSettings(column="IDH.status"), sheet.texts())
    counts = frame["IDH.status"].value_counts()
    assert idh.counts() == {
        "wild type": counts["WT"],
        "mutant": counts["Mutant"],
        "unknown": frame["IDH.status"].isna().sum(),
    }
    assert reading is not None
    assert not reading.not_understood
    other = read_clinical(folder / "medimage_lgg_idh_outcomes.csv", "PatientID")
    settings = TargetSettings(column="IDH-binary", positive=("1",), negative=("0",), levels=("wild type", "mutant"))
    assert Counter(read_words(other.text("IDH-binary"), TargetSettings(column="x")).status.values()) == {None: 65}
    label = read_words(other.text("IDH-binary"), settings).status
    differing = contradictions(idh, Outcome.of_classes("label", label, ("wild type", "mutant")))
    assert set(differing.values()) == {("mutant", "wild type")}
    odd = list(differing)
    truth = frame["IDH.status"].map({"WT": 0, "Mutant": 1})
    raw = pd.read_csv(folder / "medimage_lgg_idh_outcomes.csv", index_col=0)["IDH-binary"]
    both = pd.concat([truth, raw], axis=1).dropna()
    assert sorted(odd) == sorted(both.index[both.iloc[:, 0] != both.iloc[:, 1]])
    assert odd == ["TCGA-DU-5849", "TCGA-DU-6399", "TCGA-DU-7309"]
