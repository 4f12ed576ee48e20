"""Distance weighting: against unweighted matrices, brute force, and where it has no effect."""

from __future__ import annotations

from itertools import product
from math import exp, sqrt

import numpy as np
import pytest

from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.features._weighting import Weighting
from genoxel.features.extract import Features, extract, settings_digest
from genoxel.features.settings import FeatureSettings
from genoxel.image.settings import ImageSettings

SPACING = np.array([1.0, 1.5, 2.5])
AFFINE = np.diag([*SPACING, 1.0])
AGGREGATIONS = ("2d_avg", "2d_slice_merged", "25d_direction_merged", "25d_merged", "3d_avg", "3d_merged")
RULES = (
    Weighting(norm="manhattan"),
    Weighting(norm="euclidean", function="gaussian"),
    Weighting(norm="euclidean", in_mm=True),
    Weighting(norm="chebyshev", function="gaussian", in_mm=True),
)


def levels() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    array = rng.integers(1, 5, (6, 5, 4))
    inside = np.ones(array.shape, bool)
    inside[0, :2, :] = inside[5, 4, 1:] = inside[3, 2, 2] = False
    return array, inside


def measured(weighting: Weighting | None, **settings: object) -> Features:
    array, inside = levels()
    rules = FeatureSettings.model_validate({"aggregations": AGGREGATIONS, "weighting": weighting, **settings})
    mask = Mask(inside.astype(np.uint8), AFFINE)
    return extract(Image(array, AFFINE), mask, ImageSettings(discretise="none"), rules)


def weight(rule: Weighting, offset: tuple[int, ...]) -> float:
    steps = np.abs(np.array(offset) * (SPACING if rule.in_mm else 1.0))
    d = {"manhattan": steps.sum(), "euclidean": sqrt((steps**2).sum()), "chebyshev": steps.max()}[rule.norm]
    return 1 / d if rule.function == "inverse" else exp(-(d**2))


def offsets(three: bool = True) -> list[tuple[int, int, int]]:
    return [one for one in product((-1, 0, 1), (-1, 0, 1), (-1, 0, 1) if three else (0,)) if any(one)]


def neighbours(place: tuple[int, ...], three: bool = True) -> list[tuple[tuple[int, int, int], int]]:
    """Return (offset, level) of every neighbour of a voxel that lies in the region."""
    array, inside = levels()
    found = []
    for offset in offsets(three):
        there = tuple(np.add(place, offset))
        if all(0 <= at < size for at, size in zip(there, array.shape, strict=True)) and inside[there]:
            found.append((offset, int(array[there])))
    return found


def test_equal_weights_change_nothing():
    """The weighted way with weights that are all alike against the compiled kernels."""
    plain = measured(None)

    class Same(Weighting):
        def of(self, given: np.ndarray, spacing: np.ndarray) -> np.ndarray:
            return np.full(len(given), 0.25)

    rules = FeatureSettings(aggregations=AGGREGATIONS).model_copy(update={"weighting": Same()})
    array, inside = levels()
    same = extract(Image(array, AFFINE), Mask(inside.astype(np.uint8), AFFINE), ImageSettings(discretise="none"), rules)
    compared = 0
    for column in plain.columns:
        # non-uniformity counts (runs, in units of weight), and a dependence is a sum of weights
        if "run_length_non" in column.name or column.name.endswith((".grey_level_non_uniformity.3d_merged",)):
            continue
        if column.source.family == "ngldm" or ".glrlm.grey_level_non_uniformity" in column.name:
            continue
        assert same.values[column.name] == pytest.approx(plain.values[column.name], rel=1e-9, nan_ok=True), column.name
        compared += column.source.family in {"glcm", "glrlm", "ngtdm"}
    assert compared > 200


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.describe())
def test_merged_co_occurrences_by_brute_force(rule: Weighting):
    array, inside = levels()
    matrix = np.zeros((5, 5))
    for place in np.argwhere(inside):
        for offset, level in neighbours(tuple(place)):
            matrix[array[tuple(place)], level] += weight(rule, offset)
    p = matrix / matrix.sum()
    i, j = np.indices(p.shape)
    mu = (i * p).sum()
    wanted = {
        "joint_entropy": -(p[p > 0] * np.log2(p[p > 0])).sum(),
        "contrast": ((i - j) ** 2 * p).sum(),
        "joint_average": mu,
        "cluster_shade": ((i + j - 2 * mu) ** 3 * p).sum(),
        "correlation": (((i - mu) * (j - mu) * p).sum()) / ((i - mu) ** 2 * p).sum(),
        "joint_maximum": p.max(),
        "angular_second_moment": (p**2).sum(),
        "inverse_variance": (p[i != j] / (i - j)[i != j] ** 2).sum(),
        "normalised_inverse_difference": (p / (1 + np.abs(i - j) / 4)).sum(),
    }
    found = measured(rule)
    for name, value in wanted.items():
        assert found.values[f"image.roi.none.glcm.{name}.3d_merged"] == pytest.approx(value, rel=1e-12), name


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.describe())
def test_merged_runs_are_the_weighted_sum_over_directions(rule: Weighting):
    """Runs counted direction by direction with plain loops."""
    array, inside = levels()
    runs: dict[tuple[int, int], float] = {}
    voxels = 0.0
    half = [one for one in offsets() if one > (0, 0, 0)]
    for step in half:
        w = weight(rule, step)
        voxels += w * inside.sum()

        def at(place: tuple[int, ...]) -> int:
            fine = all(0 <= x < size for x, size in zip(place, array.shape, strict=True))
            return int(array[place]) if fine and inside[place] else 0

        for start in np.argwhere(inside):
            level = at(tuple(start))
            if at(tuple(start - step)) == level:
                continue
            length, place = 1, start + step
            while at(tuple(place)) == level:
                length, place = length + 1, place + step
            runs[level, length] = runs.get((level, length), 0.0) + w
    total = sum(runs.values())
    found = measured(rule).values
    prefix = "image.roi.none.glrlm."
    short = sum(n / length**2 for (_, length), n in runs.items()) / total
    assert found[f"{prefix}short_runs_emphasis.3d_merged"] == pytest.approx(short, rel=1e-12)
    assert found[f"{prefix}run_percentage.3d_merged"] == pytest.approx(total / voxels, rel=1e-12)
    bits = -sum(n / total * np.log2(n / total) for n in runs.values())
    assert found[f"{prefix}run_entropy.3d_merged"] == pytest.approx(bits, rel=1e-12)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.describe())
@pytest.mark.parametrize("aggregation", ["25d", "3d"])
def test_tone_differences_by_brute_force(rule: Weighting, aggregation: str):
    array, inside = levels()
    count, gaps = np.zeros(5), np.zeros(5)
    for place in np.argwhere(inside):
        near = neighbours(tuple(place), aggregation == "3d")
        if near:
            w = np.array([weight(rule, offset) for offset, _ in near])
            mean = (w * [level for _, level in near]).sum() / w.sum()
            count[array[tuple(place)]] += 1
            gaps[array[tuple(place)]] += abs(array[tuple(place)] - mean)
    p = count / count.sum()
    busy = sum(abs(i * p[i] - j * p[j]) for i in range(1, 5) for j in range(1, 5) if p[i] and p[j])
    found = measured(rule).values
    assert found[f"image.roi.none.ngtdm.coarseness.{aggregation}"] == pytest.approx(1 / (p * gaps).sum(), rel=1e-12)
    assert found[f"image.roi.none.ngtdm.busyness.{aggregation}"] == pytest.approx((p * gaps).sum() / busy, rel=1e-12)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.describe())
def test_dependences_by_brute_force(rule: Weighting):
    array, inside = levels()
    sizes = []
    for place in np.argwhere(inside):
        level = array[tuple(place)]
        sizes.append(1 + sum(weight(rule, offset) for offset, other in neighbours(tuple(place)) if other == level))
    j = np.array(sizes)
    _, counts = np.unique(np.round(j, 9), return_counts=True)
    found = measured(rule).values
    prefix = "image.roi.none.ngldm."
    assert found[f"{prefix}low_dependence_emphasis.3d"] == pytest.approx((1 / j**2).mean(), rel=1e-12)
    assert found[f"{prefix}dependence_count_variance.3d"] == pytest.approx(j.var(), rel=1e-10)
    assert found[f"{prefix}dependence_count_non_uniformity.3d"] == pytest.approx((counts**2).sum() / j.size)
    assert found[f"{prefix}dependence_count_percentage.3d"] == 1


def test_directions_that_are_not_merged_and_zones_stay_as_they_are():
    plain, weighted = measured(None), measured(RULES[0])
    for column in plain.columns:
        single = column.source.family == "glcm" and column.source.aggregation in {"2d_avg", "3d_avg"}
        if single or column.source.family in {"glszm", "gldzm", "hist", "morph", "stat", "ivh", "local"}:
            same = pytest.approx(plain.values[column.name], rel=1e-12, nan_ok=True)
            assert weighted.values[column.name] == same, column.name
    name = "image.roi.none.glcm.contrast."
    for aggregation in ("2d_slice_merged", "25d_merged", "3d_merged"):
        assert weighted.values[name + aggregation] != pytest.approx(plain.values[name + aggregation], rel=1e-6)


def test_it_is_recorded():
    rule = RULES[0]
    columns = {column.name: column for column in measured(rule).columns}
    one = columns["image.roi.none.ngtdm.coarseness.3d"]
    assert {"distance-weighted", "non-consensus"} <= set(one.traits)
    assert "1/d, d by the Manhattan norm in voxels" in one.definition
    assert "distance-weighted" not in columns["image.roi.none.glszm.zone_percentage.3d"].traits
    plain, given = FeatureSettings(), FeatureSettings(weighting=rule, aggregations=["3d_merged"])
    assert settings_digest(ImageSettings(), plain) != settings_digest(ImageSettings(), given)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"weighting": {"norm": "euclidean"}}, "never merge directions"),
        ({"weighting": {"norm": "chebyshev"}, "aggregations": ["3d_merged"]}, "same weight"),
        ({"weighting": {"norm": "euclidean"}, "families": ["stat", "glszm"]}, "glcm, glrlm, ngldm, ngtdm"),
        ({"weighting": {"norm": "minkowski"}, "aggregations": ["3d_merged"]}, "manhattan"),
    ],
)
def test_weights_without_effect_are_refused(content: dict[str, object], words: str):
    with pytest.raises(ValueError, match=words):
        FeatureSettings.model_validate(content)


def test_tone_differences_alone_can_be_weighted():
    assert measured(RULES[0], families=["ngtdm"], aggregations=["3d_avg"]).reasons == {}
