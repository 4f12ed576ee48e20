"""Pathway activity, concordant triples, readings of features: planted found, null gives none, SciPy agrees."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.linear_model import RidgeCV
from sklearn.metrics import roc_auc_score

from genoxel.associate.activity import PENALTIES, _held_out, _ridge, predict_activity
from genoxel.associate.reading import READINGS, reading, readings_of, with_readings
from genoxel.associate.triples import triples
from genoxel.core.errors import InputError, TableError
from genoxel.core.table import Column, Source, Table


def side(values, name, kind="features"):
    people = tuple(f"P{row:03d}" for row in range(len(values)))
    return Table(values, people, tuple(Column(f"{name}{place:03d}") for place in range(values.shape[1])), kind)


def test_the_ridge_is_that_of_scikit_learn():
    rng = np.random.default_rng(1)
    x, new = rng.normal(size=(40, 60)), rng.normal(size=(9, 60))
    y = np.c_[x[:, :3].sum(axis=1) + rng.normal(size=40), rng.normal(size=40)]
    scaled = (x - x.mean(axis=0)) / x.std(axis=0)
    s = np.linalg.svd(scaled, compute_uv=False)
    s = s[s > 1e-10 * s.max()]
    own = _ridge(x, y, new)
    for place in range(2):
        model = RidgeCV(PENALTIES * (s**2).mean(), gcv_mode="svd").fit(scaled, y[:, place])
        theirs = model.predict((new - x.mean(axis=0)) / x.std(axis=0)) - model.intercept_
        np.testing.assert_allclose(own[:, place], theirs, rtol=1e-6, atol=1e-9)


def test_held_out_rho_and_auc_are_what_they_say():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(50, 8))
    y = (x[:, 0] + rng.normal(size=50))[:, None]
    parts = np.array_split(np.arange(50), 5)
    guess, high = np.empty(50), np.empty(50, dtype=bool)
    for part in parts:
        train = np.setdiff1d(np.arange(50), part)
        guess[part] = _ridge(x[train], y[train], x[part])[:, 0]
        high[part] = y[part, 0] > np.median(y[train, 0])
    rho, auc = _held_out(x, y, [np.arange(50)], parts)
    assert rho[0, 0] == pytest.approx(spearmanr(guess, y[:, 0]).statistic)
    assert auc[0, 0] == pytest.approx(roc_auc_score(high, guess))


def test_an_active_pathway_is_predicted_and_others_are_not():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(90, 60))
    x[rng.random(x.shape) < 0.02] = np.nan
    y = rng.normal(size=(90, 10))
    y[:, 0] += np.nan_to_num(x[:, :4]).sum(axis=1) / 2 * 1.5
    found = predict_activity(side(x, "f"), side(y, "set ", "genesets"))
    assert (found.rows["q"] <= 0.05).tolist() == [True] + [False] * 9
    assert found.rows["auc"][0] > 0.7
    assert found.rows["low"][0] > 0 > found.rows["low"][1]


def test_without_a_link_no_pathway_is_predicted():
    cohorts, claims = 40, 0
    for seed in range(cohorts):
        rng = np.random.default_rng([4, seed])
        x = rng.normal(size=(40, 1)) + rng.normal(size=(40, 20))
        y = rng.normal(size=(40, 1)) + rng.normal(size=(40, 5))
        found = predict_activity(side(x, "f"), side(y, "set ", "genesets"), permutations=199, folds=3, seed=seed)
        claims += bool(found.passing)
    assert claims / cohorts <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / cohorts)


def tumours(seed, n=100, genes=120, cis=30, follow=15, features=6):
    """30 genes whose copies make their expression; two features follow 15 of these, others follow expression alone."""
    rng = np.random.default_rng(seed)
    copies = rng.normal(size=(n, genes))
    made = rng.normal(size=(n, genes))
    made[:, :cis] += 1.6 * copies[:, :cis]
    image = 0.5 * rng.normal(size=(n, features))
    truth = set()
    for gene in range(follow):
        feature = gene % 2
        truth.add((f"g{gene:03d}", f"f{feature:03d}"))
    for feature in range(2):
        mine = [gene for gene in range(follow) if gene % 2 == feature]
        image[:, feature] += sum(copies[:, gene] + made[:, gene] / 2 for gene in mine) / 3
    image[:, 2] += made[:, 60]  # expression without copies: never a triple
    image[:, 3] += copies[:, 61]  # copies without expression: never a triple
    return side(image, "f"), side(copies, "g", "copynumber"), side(made, "g", "expression"), truth


def test_concordant_triples_have_precision_and_recall_above_eight_tenths():
    found_right = claimed = true = 0
    for seed in range(10):
        image, copies, made, truth = tumours(seed, n=250)
        found = triples(image, copies, made)
        rows = zip(found.rows["gene"], found.rows["image"], found.rows["concordant"], strict=True)
        hits = {(gene, feature) for gene, feature, good in rows if good}
        found_right, claimed, true = found_right + len(hits & truth), claimed + len(hits), true + len(truth)
    assert found_right / claimed > 0.8
    assert found_right / true > 0.8


def test_triples_are_those_of_scipy_and_need_all_three_links():
    image, copies, made, _ = tumours(1)
    found = triples(image, copies, made).to_pandas().set_index(["gene", "image"])
    for gene, feature in (("g000", "f000"), ("g060", "f002"), ("g061", "f003")):
        row = found.loc[(gene, feature)]
        pairs = (copies[gene], made[gene]), (image[feature], copies[gene]), (image[feature], made[gene])
        theirs = [spearmanr(*pair) for pair in pairs]
        assert [row["rho_dosage"], row["rho_copies"], row["rho_expression"]] == pytest.approx(
            [one.statistic for one in theirs]
        )
        if row["p"] < 1:
            largest = max(theirs[0].pvalue / 2, theirs[1].pvalue, theirs[2].pvalue)
            assert row["p"] == pytest.approx(largest, rel=0.05, abs=1e-9)
    assert not found.loc[("g060", "f002"), "concordant"]
    assert not found.loc[("g061", "f003"), "concordant"]


def test_without_links_there_are_no_triples():
    claims = 0
    for seed in range(40):
        rng = np.random.default_rng([5, seed])
        tables = (side(rng.normal(size=(60, size)), name, name) for size, name in ((5, "f"), (40, "g"), (40, "g")))
        claims += triples(*tables).passing > 0
    assert claims <= 2


def test_bad_input_is_refused():
    rng = np.random.default_rng(6)
    x, y = side(rng.normal(size=(40, 3)), "f"), side(rng.normal(size=(40, 3)), "g", "genesets")
    with pytest.raises(InputError, match="20 patients"):
        predict_activity(x.take(slice(0, 20)), y)
    with pytest.raises(TableError, match="no complete score"):
        predict_activity(x, side(np.full((40, 2), np.nan), "g", "genesets"))
    with pytest.raises(TableError, match="no usable number"):
        predict_activity(side(np.full((40, 2), np.nan), "f"), y)
    with pytest.raises(InputError, match="8 patients"):
        triples(x.take(slice(0, 8)), y, y)
    with pytest.raises(TableError, match="without a gene in common"):
        triples(x, y, side(rng.normal(size=(40, 3)), "h", "expression"))
    with pytest.raises(TableError, match="no complete column"):
        triples(x, y, side(np.full((40, 3), np.nan), "g", "expression"))


@pytest.mark.parametrize(
    ("modality", "family", "name", "expected"),
    [
        ("T1CE", "stat", "mean", ("vascularity",)),
        ("T1-CE", "stat", "minimum", ("vascularity", "necrosis")),
        ("ADC", "stat", "mean", ("cellularity",)),
        ("FLAIR", "stat", "mean", ("oedema",)),
        ("PT", "pet", "suv_peak", ("metabolism",)),
        ("CT", "glcm", "contrast", ("heterogeneity",)),
        ("CT", "morph", "sphericity", ("growth pattern",)),
        ("unheard of", "stat", "mean", ()),
    ],
)
def test_a_feature_is_read_by_its_image_and_family(modality, family, name, expected):
    column = Column(f"{modality}.roi.none.{family}.{name}", source=Source(modality, "roi", "none", family))
    assert reading(column) == expected
    table = Table(np.zeros((1, 1)), ("P1",), (column,))
    assert readings_of(with_readings(with_readings(table)).columns[0]) == expected
    assert set(expected) <= set(READINGS)


def test_measured_features_have_a_reading():
    from genoxel.features.catalog import EVERY_FAMILY
    from genoxel.features.catalog import family as family_of
    from genoxel.features.extract import column_of

    unread = []
    for name in EVERY_FAMILY:
        one = family_of(name)
        for record in one.records.values():
            column = column_of(record, one, Source("T1CE", "roi", "none", name), "")
            if not reading(column) and name not in ("ratio",):
                unread.append(column.name)
    assert not unread
