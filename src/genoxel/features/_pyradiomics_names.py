"""What PyRadiomics calls its features, what they are called here, and how their numbers differ by definition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from genoxel.features.catalog import family

MESH = dict.fromkeys(
    ("MeshVolume", "SurfaceArea", "Sphericity", "SurfaceVolumeRatio"),
    "other triangles than those of IBSI: within 0.5 % of ours on compact regions, further off on ragged ones",
)
"""Features of `shape` that depend on how the surface is triangulated, with the deviation measured on real regions."""

_GLCM = {
    "Autocorrelation": "autocorrelation",
    "ClusterProminence": "cluster_prominence",
    "ClusterShade": "cluster_shade",
    "ClusterTendency": "cluster_tendency",
    "Contrast": "contrast",
    "Correlation": "correlation",
    "DifferenceAverage": "difference_average",
    "DifferenceEntropy": "difference_entropy",
    "DifferenceVariance": "difference_variance",
    "Id": "inverse_difference",
    "Idm": "inverse_difference_moment",
    "Idmn": "normalised_inverse_difference_moment",
    "Idn": "normalised_inverse_difference",
    "Imc1": "information_correlation_1",
    "Imc2": "information_correlation_2",
    "InverseVariance": "inverse_variance",
    "JointAverage": "joint_average",
    "JointEnergy": "angular_second_moment",
    "JointEntropy": "joint_entropy",
    "MCC": "maximal_correlation_coefficient",
    "MaximumProbability": "joint_maximum",
    "SumAverage": "sum_average",
    "SumEntropy": "sum_entropy",
    "SumSquares": "joint_variance",
}
_GLRLM = {
    "GrayLevelNonUniformity": "grey_level_non_uniformity",
    "GrayLevelNonUniformityNormalized": "normalised_grey_level_non_uniformity",
    "GrayLevelVariance": "grey_level_variance",
    "HighGrayLevelRunEmphasis": "high_grey_level_run_emphasis",
    "LongRunEmphasis": "long_runs_emphasis",
    "LongRunHighGrayLevelEmphasis": "long_run_high_grey_level_emphasis",
    "LongRunLowGrayLevelEmphasis": "long_run_low_grey_level_emphasis",
    "LowGrayLevelRunEmphasis": "low_grey_level_run_emphasis",
    "RunEntropy": "run_entropy",
    "RunLengthNonUniformity": "run_length_non_uniformity",
    "RunLengthNonUniformityNormalized": "normalised_run_length_non_uniformity",
    "RunPercentage": "run_percentage",
    "RunVariance": "run_length_variance",
    "ShortRunEmphasis": "short_runs_emphasis",
    "ShortRunHighGrayLevelEmphasis": "short_run_high_grey_level_emphasis",
    "ShortRunLowGrayLevelEmphasis": "short_run_low_grey_level_emphasis",
}
_GLSZM = {
    "GrayLevelNonUniformity": "grey_level_non_uniformity",
    "GrayLevelNonUniformityNormalized": "normalised_grey_level_non_uniformity",
    "GrayLevelVariance": "grey_level_variance",
    "HighGrayLevelZoneEmphasis": "high_grey_level_emphasis",
    "LargeAreaEmphasis": "large_zone_emphasis",
    "LargeAreaHighGrayLevelEmphasis": "large_zone_high_grey_level_emphasis",
    "LargeAreaLowGrayLevelEmphasis": "large_zone_low_grey_level_emphasis",
    "LowGrayLevelZoneEmphasis": "low_grey_level_emphasis",
    "SizeZoneNonUniformity": "zone_size_non_uniformity",
    "SizeZoneNonUniformityNormalized": "normalised_zone_size_non_uniformity",
    "SmallAreaEmphasis": "small_zone_emphasis",
    "SmallAreaHighGrayLevelEmphasis": "small_zone_high_grey_level_emphasis",
    "SmallAreaLowGrayLevelEmphasis": "small_zone_low_grey_level_emphasis",
    "ZoneEntropy": "zone_size_entropy",
    "ZonePercentage": "zone_percentage",
    "ZoneVariance": "zone_size_variance",
}
_GLDM = {
    "DependenceEntropy": "dependence_count_entropy",
    "DependenceNonUniformity": "dependence_count_non_uniformity",
    "DependenceNonUniformityNormalized": "normalised_dependence_count_non_uniformity",
    "DependenceVariance": "dependence_count_variance",
    "GrayLevelNonUniformity": "grey_level_non_uniformity",
    "GrayLevelVariance": "grey_level_variance",
    "HighGrayLevelEmphasis": "high_grey_level_count_emphasis",
    "LargeDependenceEmphasis": "high_dependence_emphasis",
    "LargeDependenceHighGrayLevelEmphasis": "high_dependence_high_grey_level_emphasis",
    "LargeDependenceLowGrayLevelEmphasis": "high_dependence_low_grey_level_emphasis",
    "LowGrayLevelEmphasis": "low_grey_level_count_emphasis",
    "SmallDependenceEmphasis": "low_dependence_emphasis",
    "SmallDependenceHighGrayLevelEmphasis": "low_dependence_high_grey_level_emphasis",
    "SmallDependenceLowGrayLevelEmphasis": "low_dependence_low_grey_level_emphasis",
}
_NGTDM = {name: name.casefold() for name in ("Busyness", "Coarseness", "Complexity", "Contrast", "Strength")}
_FIRST_ORDER = {
    "10Percentile": "stat.percentile_10",
    "90Percentile": "stat.percentile_90",
    "Energy": "stat.energy",
    "Entropy": "hist.intensity_entropy",
    "InterquartileRange": "stat.interquartile_range",
    "Kurtosis": "stat.excess_kurtosis",
    "Maximum": "stat.maximum",
    "MeanAbsoluteDeviation": "stat.mean_absolute_deviation",
    "Mean": "stat.mean",
    "Median": "stat.median",
    "Minimum": "stat.minimum",
    "Range": "stat.intensity_range",
    "RobustMeanAbsoluteDeviation": "stat.robust_mean_absolute_deviation",
    "RootMeanSquared": "stat.root_mean_square",
    "Skewness": "stat.skewness",
    "StandardDeviation": "stat.standard_deviation",
    "TotalEnergy": "stat.total_energy",
    "Uniformity": "hist.uniformity",
    "Variance": "stat.variance",
}
SHAPE = {
    "Elongation": "morph.elongation",
    "Flatness": "morph.flatness",
    "LeastAxisLength": "morph.least_axis_length",
    "MajorAxisLength": "morph.major_axis_length",
    "Maximum2DDiameterColumn": "morph.maximum_2d_diameter_column",
    "Maximum2DDiameterRow": "morph.maximum_2d_diameter_row",
    "Maximum2DDiameterSlice": "morph.maximum_2d_diameter_slice",
    "Maximum3DDiameter": "morph.maximum_3d_diameter",
    "MeshVolume": "morph.volume_mesh",
    "MinorAxisLength": "morph.minor_axis_length",
    "Sphericity": "morph.sphericity",
    "SurfaceArea": "morph.surface_area",
    "SurfaceVolumeRatio": "morph.surface_to_volume_ratio",
    "VoxelVolume": "morph.volume_voxels",
}
SHAPE_2D = (
    *("Elongation", "MajorAxisLength", "MaximumDiameter", "MeshSurface", "MinorAxisLength", "Perimeter"),
    *("PerimeterSurfaceRatio", "PixelSurface", "Sphericity"),
)
TEXTURE: dict[str, tuple[str, Mapping[str, str]]] = {
    "glcm": ("glcm", _GLCM),
    "gldm": ("ngldm", _GLDM),
    "glrlm": ("glrlm", _GLRLM),
    "glszm": ("glszm", _GLSZM),
    "ngtdm": ("ngtdm", _NGTDM),
}
CLASSES: dict[str, tuple[str, ...]] = {
    "firstorder": tuple(_FIRST_ORDER),
    "shape": tuple(SHAPE),
    "shape2D": SHAPE_2D,
    **{name: tuple(features) for name, (_, features) in TEXTURE.items()},
}
"""Every feature class and its features."""

OFF = {"firstorder": ("StandardDeviation",)}
FLAT = {
    "glcm": {"Correlation": 1.0, "Imc1": 0.0, "Imc2": 0.0, "MCC": 1.0},
    "ngtdm": {"Coarseness": 1e6, "Contrast": 0.0, "Busyness": 0.0, "Complexity": 0.0, "Strength": 0.0},
}
"""What PyRadiomics gives where a region holds one grey level and the feature has no value."""

ONE_LEVEL = {"Correlation": 1.0, "MCC": 0.0, "Imc1": 0.0}
"""What PyRadiomics gives for a direction of co-occurrences in which one level of several is left."""

_NOTES = {
    ("firstorder", "Kurtosis"): "IBSI's value plus 3",
    ("firstorder", "Energy"): "of intensities plus voxelArrayShift",
    ("firstorder", "RootMeanSquared"): "of intensities plus voxelArrayShift",
    ("firstorder", "Entropy"): "on bins whose edges are multiples of the width",
    ("firstorder", "Uniformity"): "on bins whose edges are multiples of the width",
    ("firstorder", "TotalEnergy"): "of intensities plus voxelArrayShift",
    ("shape", "MajorAxisLength"): "covariance divided by n, not n - 1",
    ("shape", "MinorAxisLength"): "covariance divided by n, not n - 1",
    ("shape", "LeastAxisLength"): "covariance divided by n, not n - 1",
}


class Known(NamedTuple):
    """How a feature of PyRadiomics is called here: our family and name, IBSI code ("" for none), and what differs."""

    name: str
    ours: str
    code: str
    note: str


def mapping() -> list[Known]:
    """Return every feature name with ours, the IBSI code, and what differs.

    >>> next(one for one in mapping() if one.name == "original_glcm_JointEnergy")
    Known(name='original_glcm_JointEnergy', ours='glcm.angular_second_moment', code='8ZQL', note='')
    """
    found = []
    for kind, features in CLASSES.items():
        for feature in features:
            ours = _ours(kind, feature)
            code = family(ours.split(".")[0]).records[ours.split(".")[1]].code if ours else ""
            note = _NOTES.get((kind, feature), MESH.get(feature, "") if kind == "shape" else "")
            found.append(Known(f"original_{kind}_{feature}", ours, code, note))
    return found


def _ours(kind: str, feature: str) -> str:
    if kind in TEXTURE:
        name, features = TEXTURE[kind]
        return f"{name}.{features[feature]}" if features[feature] else ""
    return {"firstorder": _FIRST_ORDER, "shape": SHAPE}.get(kind, {}).get(feature, "")
