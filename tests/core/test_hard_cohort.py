"""The proof of the nouns: two lesions, two time points, three biopsies, an unknown genotype, words and grades, two
sites; through join, split, association, Parquet and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from genoxel.associate.screen import screen
from genoxel.core.cohort import Cohort
from genoxel.core.errors import OutcomeError, TableError
from genoxel.core.outcome import check_outcome
from genoxel.core.results import AssociationMap
from genoxel.core.table import Table
from genoxel.io.tables import read_cohort, read_result, write_cohort, write_result
from genoxel.omics.join import Layers, include, join
from genoxel.omics.settings import TargetSettings
from genoxel.omics.targets import make_outcome
from genoxel.omics.variants import status, status_table
from nouns import HARD_PATIENTS, hard_cohort, same


def _joined() -> Cohort:
    """Join the layers anew, with the target made of the variants and a criterion on the clinical words."""
    raw = hard_cohort()
    idh, _ = make_outcome("IDH", TargetSettings(gene="IDH1", hotspot=("R132",)), variants=raw.records["variants"],
                          patients=HARD_PATIENTS)  # fmt: skip
    clinical = raw.table("clinical")
    grades = {
        who: clinical.column("grade").levels[int(code)]
        for who, code in zip(clinical.patients, clinical["grade"], strict=True)
    }
    assert raw.flow is not None
    flow = include(raw.flow, {"grade": grades}, ["grade in ['G2', 'G3', 'G4']"])
    genes = status_table(raw.records["variants"], ["IDH1", "TP53"], patients=HARD_PATIENTS)
    layers = Layers(
        {**raw.tables, "mutations": genes}, dict(raw.records), {**raw.outcomes, "IDH": idh}, site=dict(raw.site)
    )
    cohort, report = join(layers, flow, required=["image"])
    assert report.missing["expression"] == ("B012",)
    assert report.several_rows["expression"] == ("A001",)
    assert set(report.several_rows["image"]) == set(HARD_PATIENTS)
    return cohort


def _screen(cohort: Cohort) -> AssociationMap:
    image = cohort.table("image").per_patient("mean")
    return screen(image, cohort.table("mutations"), cohort.table("clinical").select(["age", "grade"]), permutations=19)


def test_unknown_is_neither_wild_type_nor_zero() -> None:
    cohort = _joined()
    assert status(cohort.records["variants"], "IDH1")["A001"] == "mutant"
    assert cohort.outcomes["IDH"].counts() == {"wild type": 11, "mutant": 12, "unknown": 1}
    genes = cohort.table("mutations")
    assert np.isnan(genes["IDH1"][genes.patients.index("A004")])
    assert genes["TP53"][genes.patients.index("A002")] == 0
    index, known = check_outcome(cohort.outcomes["IDH"], cohort.patients)
    assert "A004" not in known.patients
    assert index.size == 23


def test_several_rows_are_refused_until_told_how() -> None:
    image = _joined().table("image")
    assert len(image) == 50
    with pytest.raises(TableError, match="26 too many"):
        image.per_patient()
    mean = image.per_patient("mean")
    rows = [place for place, row in enumerate(image.rows) if row.patient == "A001"]
    assert len(rows) == 4
    assert mean.values[0] == pytest.approx(np.nanmean(image.values[rows], axis=0))
    with pytest.raises(TableError, match="one row per patient"):
        screen(image, _joined().table("mutations"), permutations=0)


def test_a_split_is_by_patient_and_complete() -> None:
    cohort = _joined()
    parts = [cohort.of_patients([who for who in cohort.patients if cohort.site[who] == site]) for site in ("A", "B")]
    for name, table in cohort.tables.items():
        pieces = [part.table(name) for part in parts]
        assert not set(pieces[0].patients) & set(pieces[1].patients)
        assert {row for piece in pieces for row in piece.rows} == set(table.rows)
    assert sum(len(part.records["variants"]) for part in parts) == len(cohort.records["variants"])
    assert [part.outcomes["IDH"].counts().get("unknown", 0) for part in parts] == [1, 0]
    profiled = [row.patient for part in parts for row in part.records["variants"].profiled or ()]
    assert sorted(profiled) == sorted(set(HARD_PATIENTS) - {"A004"})
    with pytest.raises(TableError, match="patients of this cohort"):
        parts[0].of_patients(["B001"])
    one_class = cohort.of_patients([who for who in cohort.patients if int(who[1:]) % 2])
    with pytest.raises(OutcomeError, match="one class only"):
        check_outcome(one_class.outcomes["IDH"], one_class.patients)


def test_the_association_agrees_with_scipy_and_comes_back_from_disk(tmp_path: Path) -> None:
    cohort = _joined()
    found = _screen(cohort)
    pairs = found.to_pandas().set_index(["image", "other"])
    name = "T1CE.tumour.none.glcm.joint_entropy"
    image, genes = cohort.table("image").per_patient("mean"), cohort.table("mutations").of_patients(cohort.patients)
    known = ~np.isnan(genes["IDH1"])
    wild, mutant = (image[name][known & (genes["IDH1"] == code)] for code in (0, 1))
    expected = stats.mannwhitneyu(mutant, wild)
    pair = pairs.loc[(name, "IDH1")]
    assert pair["n"] == 23
    assert pair["effect"] == pytest.approx(expected.statistic / (len(mutant) * len(wild)))
    assert pair["p"] == pytest.approx(stats.mannwhitneyu(mutant, wild, method="auto").pvalue, rel=0.2)
    assert pairs.loc[(name, "TP53")]["flag"]
    assert found.hits >= 1
    write_result(found, tmp_path / "map")
    assert same(read_result(tmp_path / "map"), found)


def test_to_parquet_and_back_every_number_and_every_decision_is_the_same(tmp_path: Path) -> None:
    cohort = _joined()
    write_cohort(cohort, tmp_path / "cohort")
    back = read_cohort(tmp_path / "cohort")
    assert (back.patients, back.flow, dict(back.site)) == (cohort.patients, cohort.flow, dict(cohort.site))
    for layer in ("tables", "records", "outcomes"):
        assert same(dict(getattr(back, layer)), dict(getattr(cohort, layer)))
    assert same(_screen(back), _screen(cohort))
    half = [who for who in cohort.patients if who.startswith("B")]
    assert same(dict(back.of_patients(half).tables), dict(cohort.of_patients(half).tables))


def test_the_order_of_patients_changes_no_number() -> None:
    cohort = _joined()
    turned = cohort.of_patients(cohort.patients[::-1])
    one = {key: value for key, value in _screen(cohort).pairs.items() if key in ("effect", "p", "n")}
    other = _screen(turned).pairs
    for key, values in one.items():
        assert values == pytest.approx(other[key], nan_ok=True)


def test_words_and_grades_stay_words_and_grades() -> None:
    frame = _joined().table("clinical").to_pandas()
    assert frame["histology"].isna().sum() == 1
    assert not frame["histology"].cat.ordered
    assert frame["grade"].cat.ordered
    assert list(frame["grade"].cat.categories) == ["G2", "G3", "G4"]
    table = _joined().table("clinical")
    back = Table.from_pandas(table.to_pandas(), "clinical", {column.name: column for column in table.columns})
    assert same(back, table)
