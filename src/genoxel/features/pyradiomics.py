"""Features under the names, and with the numbers, of PyRadiomics, so that published signatures can be recomputed.

`Parameters` is its parameter file; whatever would give other numbers is refused by name. Not reproduced on purpose:
the overflow of 8-bit images, missing values where a direction holds no pair of voxels (it is left out), and volumes
that are not above 0, which its surface has where voxels touch by an edge or a corner.
Written from its documentation and from published values.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import ConfigDict, Field, ValidationError, field_validator

from genoxel.core.errors import InputError, MaskError, NotDefinedError, SettingsError
from genoxel.core.image import FloatArray, Image, Step
from genoxel.core.mask import Mask
from genoxel.core.settings import Settings
from genoxel.core.table import Column, Source
from genoxel.features import _pyradiomics as numbers
from genoxel.features import glcm, glrlm, ngtdm
from genoxel.features._directions import directions, pool_weighted
from genoxel.features._entries import pooled
from genoxel.features._neighbours import neighbours_of
from genoxel.features._pyradiomics_names import (
    CLASSES,
    FLAT,
    MESH,
    OFF,
    ONE_LEVEL,
    SHAPE,
    SHAPE_2D,
    TEXTURE,
    Known,
    mapping,
)
from genoxel.features._weighted import (
    dense,
    entry_sums,
    far_pairs,
    pair_sums,
    weighted_dependence,
    weighted_tones,
)
from genoxel.features._weighting import Weighting
from genoxel.features.catalog import family
from genoxel.features.extract import Features
from genoxel.features.region import Region
from genoxel.image.crop import bounding_box
from genoxel.image.prepare import Prepared
from genoxel.image.settings import MAX_BINS

_INTERPOLATORS = {"sitkNearestNeighbor": 0, "sitkLinear": 1, "sitkBSpline": 3, "1": 0, "2": 1, "3": 3}
_NORMS: dict[str, Literal["manhattan", "euclidean", "chebyshev"]] = {
    "manhattan": "manhattan",
    "euclidean": "euclidean",
    "infinity": "chebyshev",
}
_WITHOUT_EFFECT = (
    *("additionalInfo", "enableCExtensions", "geometryTolerance", "correctMask", "label_channel", "preCrop"),
    *("kernelRadius", "maskedKernel", "initValue", "voxelBatch", "sigma", "start_level", "level", "wavelet"),
)
_WORDS = {"setting", "featureClass", "imageType", "voxelSetting"}


class Setting(Settings):
    """The section `setting` of a parameter file, under its own names."""

    model_config = ConfigDict(populate_by_name=True)

    label: int = Field(default=1, ge=1)
    bin_width: float = Field(default=25, gt=0, alias="binWidth", allow_inf_nan=False)
    bin_count: int | None = Field(default=None, ge=1, le=MAX_BINS, alias="binCount")
    normalize: bool = False
    normalize_scale: float = Field(default=1, alias="normalizeScale")
    remove_outliers: float | None = Field(default=None, gt=0, alias="removeOutliers")
    resampled_spacing: tuple[float, float, float] | None = Field(default=None, alias="resampledPixelSpacing")
    interpolator: str = "sitkBSpline"
    pad_distance: int = Field(default=5, ge=0, alias="padDistance")
    resegment_range: tuple[float, ...] | None = Field(default=None, alias="resegmentRange", min_length=1, max_length=2)
    resegment_mode: Literal["absolute", "relative", "sigma"] = Field(default="absolute", alias="resegmentMode")
    resegment_shape: bool = Field(default=False, alias="resegmentShape")
    minimum_dimensions: int = Field(default=2, ge=1, le=3, alias="minimumROIDimensions")
    minimum_size: int | None = Field(default=None, alias="minimumROISize")
    force_2d: bool = Field(default=False, alias="force2D")
    force_2d_dimension: int = Field(default=0, ge=0, le=2, alias="force2Ddimension")
    voxel_array_shift: float = Field(default=0, alias="voxelArrayShift")
    distances: tuple[Annotated[int, Field(ge=1, le=10)], ...] = Field(default=(1,), min_length=1)
    symmetrical_glcm: bool = Field(default=True, alias="symmetricalGLCM")
    gldm_a: float = Field(default=0, ge=0, allow_inf_nan=False)
    weighting_norm: str | None = Field(default=None, alias="weightingNorm")

    @field_validator("interpolator", mode="before")
    @classmethod
    def _known(cls, value: object) -> object:
        if value is None:
            return "sitkBSpline"
        return str(value)

    def weighting_of(self, kind: str) -> Weighting | None:
        """Return how directions are weighted before they are merged, None for classes that have no directions."""
        norm = _NORMS.get(self.weighting_norm or "")
        if norm is None or kind not in {"glcm", "glrlm"}:
            return None
        weighting = numbers.ByDistance if kind == "glrlm" else Weighting
        return weighting(norm=norm, function="gaussian", in_mm=True)

    def refuse_strange(self) -> None:
        """Raise `SettingsError` for a legal setting whose numbers are not reproduced here."""
        refused = {
            f"interpolator: {self.interpolator}": (self.interpolator in _INTERPOLATORS, ", ".join(_INTERPOLATORS)),
            "symmetricalGLCM: false": (self.symmetrical_glcm, "true"),
            f"weightingNorm: {self.weighting_norm}": (
                self.weighting_norm in {None, "no_weighting", *_NORMS},
                f"none, no_weighting, {', '.join(_NORMS)}",
            ),
        }
        for got, (fine, legal) in refused.items():
            if not fine:
                raise SettingsError(f"the setting {got}", legal, "PyRadiomics' numbers for it are not reproduced here")


class Parameters(Settings):
    """A parameter file: settings, and class -> features that are wanted."""

    setting: Setting = Setting()
    features: dict[str, tuple[str, ...]] = Field(default_factory=dict)


def read_parameters(content: Any) -> Parameters:
    """Return the parameters of a parsed parameter file (YAML or JSON); without classes, all that are on by default.

    Raises `SettingsError` naming what is unknown, not legal, or not reproduced: filters (imageType), voxel-based
    extraction, and settings that change numbers in ways that are not followed here.

    >>> parameters = read_parameters({"setting": {"binWidth": 10}, "featureClass": {"glcm": ["Contrast"], "shape": []}})
    >>> parameters.setting.bin_width, parameters.features["glcm"], len(parameters.features["shape"])
    (10.0, ('Contrast',), 14)
    """
    if content is None:
        content = {}
    if not isinstance(content, Mapping):
        raise SettingsError("a parameter file without keys", ", ".join(sorted(_WORDS)), "see its documentation")
    for word in content:
        _refuse_unknown(str(word), _WORDS, "a section")
    if content.get("voxelSetting"):
        raise SettingsError("voxelSetting", "features of whole regions", "leave it out")
    for name in content.get("imageType") or {"Original": None}:
        if name != "Original":
            raise SettingsError(f"imageType: {name}", "Original", "filtered images are not reproduced here")
    given = {str(key): value for key, value in (content.get("setting") or {}).items()}
    known = {info.alias or name for name, info in Setting.model_fields.items()}
    for key in given:
        _refuse_unknown(key, known | set(_WITHOUT_EFFECT), "a setting")
    kept = {
        key: value for key, value in given.items() if key in known and not (value is None and key != "interpolator")
    }
    try:
        setting = Setting.model_validate(kept)
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in detail["loc"])
        raise SettingsError(f"setting {where}: {detail.get('input')!r}", str(detail["msg"]), "correct it") from error
    setting.refuse_strange()
    return Parameters(setting=setting, features=_wanted(content.get("featureClass")))


def _refuse_unknown(word: str, known: set[str], what: str) -> None:
    if word not in known:
        close = difflib.get_close_matches(word, known, 1)
        raise SettingsError(
            f"{word!r}, {what} that PyRadiomics does not have or whose numbers are not reproduced",
            ", ".join(sorted(known)),
            f"did you mean {close[0]!r}?" if close else "remove it",
        )


def _wanted(classes: Any) -> dict[str, tuple[str, ...]]:
    on = {kind: tuple(name for name in names if name not in OFF.get(kind, ())) for kind, names in CLASSES.items()}
    if not classes:
        return {kind: names for kind, names in on.items() if kind != "shape2D"}
    found: dict[str, tuple[str, ...]] = {}
    for kind, names in classes.items():
        _refuse_unknown(str(kind), set(CLASSES), "a feature class")
        for name in names or ():
            _refuse_unknown(str(name), set(CLASSES[kind]), f"a feature of {kind}")
        found[kind] = tuple(names) if names else on[kind]
    return found


def extract_pyradiomics(image: Image, mask: Mask, parameters: Parameters | None = None) -> Features:
    """Return the features that `parameters` ask for, named original_CLASS_FEATURE.

    Raises `MaskError` for a missing label and a region too small, `GeometryError` for a mask on another grid,
    `InputError` for intensities that are not finite and for more than 1024 grey levels.

    >>> array = np.random.default_rng(0).integers(0, 300, (8, 8, 8))
    >>> found = extract_pyradiomics(Image(array, np.eye(4)), Mask(np.ones((8, 8, 8), np.uint8), np.eye(4)))
    >>> len(found.values), round(found.values["original_firstorder_Kurtosis"], 2)
    (107, 1.8)
    """
    wanted = parameters if parameters is not None else read_parameters(None)
    rules = wanted.setting
    mask = mask.on(image)
    inside = np.asarray(mask.array) == rules.label
    if not inside.any():
        labels = ", ".join(str(int(one)) for one in np.unique(mask.array) if one)
        raise MaskError(f"label {rules.label} of a mask with {labels}", "a label of the mask", "correct setting.label")
    whole, drawn = _volumes(image, inside, rules)
    values = whole.values[whole.inside].astype(np.float64)
    levels = numbers.levels_of(values, rules.bin_width, rules.bin_count, MAX_BINS)
    found: dict[str, dict[str, tuple[float, str]]] = {}
    for kind, names in wanted.features.items():
        if kind == "firstorder":
            sums = numbers.first_order(values, levels, float(np.prod(whole.spacing)), rules.voxel_array_shift)
            found[kind] = {name: (value, "") for name, value in sums.items()}
        elif kind in {"shape", "shape2D"}:
            found[kind] = _shape(kind, whole if rules.resegment_shape else drawn, rules)
        else:
            found[kind] = _texture(kind, names, whole, levels, rules)
    return _features(image, found, wanted, mask.labels.get(rules.label, "roi"))


def _volumes(image: Image, inside: npt.NDArray[np.bool_], rules: Setting) -> tuple[numbers.Volume, numbers.Volume]:
    """Return what intensities are measured on, and the region before re-segmentation, both cut to their box."""
    values = image.values()
    bad = int(np.count_nonzero(~np.isfinite(values))) if values.dtype.kind == "f" else 0
    if bad or values.dtype.kind not in "iufb":
        raise InputError(f"{bad or 'all'} voxels that are not finite numbers", "finite intensities", "mend the image")
    if rules.normalize:
        values = numbers.normalised(values, rules.normalize_scale, rules.remove_outliers)
    volume = numbers.Volume(values, inside, np.array(image.spacing))
    if rules.resampled_spacing is not None:
        wanted = np.where(np.array(rules.resampled_spacing) > 0, rules.resampled_spacing, volume.spacing)
        if not np.allclose(wanted, volume.spacing, rtol=1e-9, atol=0):
            order = _INTERPOLATORS[rules.interpolator]
            volume = numbers.resampled(volume, wanted, order, rules.pad_distance)
    drawn = volume
    if rules.resegment_range is not None:
        volume = numbers.resegmented(volume, rules.resegment_range, rules.resegment_mode)
    # shape is measured on the region as drawn, but only within the box of what re-segmentation left
    box = bounding_box(volume.inside)
    drawn, cut = (numbers.Volume(one.values[box], one.inside[box], one.spacing) for one in (drawn, volume))
    _refuse_small(drawn, rules)
    _refuse_small(cut, rules)
    return cut, drawn


def _refuse_small(volume: numbers.Volume, rules: Setting) -> None:
    count = int(volume.inside.sum())
    dimensions = sum(size > 1 for size in volume.inside.shape)
    if count < 2 or dimensions < rules.minimum_dimensions or count <= (rules.minimum_size or 0):
        raise MaskError(
            f"a region of {count} voxels in {dimensions} dimensions",
            f"more than {max(rules.minimum_size or 0, 1)} voxels in {rules.minimum_dimensions} dimensions",
            "draw a larger region, or set minimumROISize and minimumROIDimensions",
        )


def _shape(kind: str, volume: numbers.Volume, rules: Setting) -> dict[str, tuple[float, str]]:
    inside, spacing = volume.inside, volume.spacing
    if kind == "shape":
        if min(inside.shape) < 2:
            return dict.fromkeys(SHAPE, (np.nan, "a region one voxel thick has no 3D shape"))
        return {
            name: (value, numbers.HOLES if np.isnan(value) else "")
            for name, value in numbers.shape(inside, spacing).items()
        }
    axis = 2 - rules.force_2d_dimension
    if not rules.force_2d or inside.shape[axis] != 1:
        reason = "shape2D needs force2D and a region of one slice"
        return dict.fromkeys(SHAPE_2D, (np.nan, reason))
    plane = np.take(inside, 0, axis=axis)
    return {name: (value, "") for name, value in numbers.shape_2d(plane, np.delete(spacing, axis)).items()}


def _texture(
    kind: str, names: tuple[str, ...], volume: numbers.Volume, levels: npt.NDArray[np.int64], rules: Setting
) -> dict[str, tuple[float, str]]:
    """Return the features of one class of texture, all directions within a plane where the region has only that."""
    axis, three = _plane(volume.inside.shape, rules)
    inside, turned = _turned(volume.inside, levels, axis)
    affine = np.diag([*np.roll(volume.spacing, 2 - axis), 1.0])
    prepared = Prepared(np.zeros(inside.shape), inside, inside, turned, "", affine, "", "", None, ())
    ours, features = TEXTURE[kind]
    one = family(ours)
    fixed = FLAT.get(kind, {}) if int(levels.max()) == 1 else {}
    region = Region(prepared, weighting=rules.weighting_of(kind))
    try:
        matrices = _matrices(kind, region, _aggregation(kind, three, rules.weighting_norm is not None), rules)
    except NotDefinedError as error:
        return {name: (fixed[name], "") if name in fixed else (np.nan, str(error)) for name in names}

    def measured(name: str) -> FloatArray:
        values = np.asarray(one.records[features[name]].measure(matrices), dtype=np.float64)
        return np.where(np.isnan(values), ONE_LEVEL[name], values) if name in ONE_LEVEL else values

    return {name: (fixed[name], "") if name in fixed else _number(measured, name) for name in names}


def _matrices(kind: str, region: Region, aggregation: str, rules: Setting) -> Any:
    """Return what the features of a class are measured on, where it is not simply that of our family."""
    if kind == "glrlm":
        # a direction whose every line meets at most one voxel of the region is left out
        offsets = directions(3 if aggregation.startswith("3d") else 2)
        held = numbers.meets_twice(region.inside, offsets[:, ::-1])
        if held.all():
            return glrlm.build(region, aggregation)
        runs = glrlm.counted(region, aggregation)
        kept = runs.without(np.tile(held, runs.groups // len(offsets)))
        return entry_sums(pool_weighted(region, kept, aggregation))
    far = rules.distances != (1,)
    if kind == "glcm" and far:
        entries = far_pairs(region, aggregation, rules.distances)
        return glcm.Glcm._make([*pair_sums(entries), lambda: dense(entries)])
    if kind == "ngtdm" and far:
        return ngtdm.Tones(*weighted_tones(region, aggregation, None, rules.distances, alone=True))
    if kind == "ngtdm":
        # a voxel without neighbours counts, with a difference of 0
        found = neighbours_of(region, aggregation == "3d")
        counts = found.counts.sum(axis=0, keepdims=True, dtype=np.int32)
        differences = found.differences.sum(axis=0, keepdims=True)
        counts[:, :, 1] += counts[:, :, 0]
        return ngtdm.summed(counts, differences)
    if kind == "gldm" and (far or rules.gldm_a):
        return entry_sums(weighted_dependence(region, aggregation, None, rules.gldm_a, rules.distances))
    return family(TEXTURE[kind][0]).build(region, aggregation)


def _number(measure: Callable[[str], FloatArray], name: str) -> tuple[float, str]:
    try:
        return pooled(measure(name)), ""
    except NotDefinedError as error:
        return np.nan, str(error)


def _plane(shape: tuple[int, ...], rules: Setting) -> tuple[int, bool]:
    """Return the axis across the slices and whether directions leave them."""
    if rules.force_2d:
        return 2 - rules.force_2d_dimension, False
    thin = [axis for axis, size in enumerate(shape) if size == 1]
    return (thin[-1], False) if thin else (2, True)


def _turned(
    inside: npt.NDArray[np.bool_], levels: npt.NDArray[np.int64], axis: int
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """Return region and levels with `axis` last."""
    order = [(axis + 1) % 3, (axis + 2) % 3, axis]
    volume = np.zeros(inside.shape, np.int64)
    volume[inside] = levels
    turned = np.ascontiguousarray(volume.transpose(order))
    return turned > 0, turned[turned > 0]


def _aggregation(kind: str, three: bool, merged: bool) -> str:
    if kind in {"glcm", "glrlm"}:
        if merged:
            return "3d_merged" if three else "25d_merged"
        return "3d_avg" if three else "25d_direction_merged"
    return "3d" if three else "25d"


def _features(
    image: Image, found: Mapping[str, Mapping[str, tuple[float, str]]], wanted: Parameters, region: str
) -> Features:
    known = {one.name: one for one in mapping()}
    values, reasons, columns = {}, {}, []
    digest = wanted.digest()
    for kind, names in wanted.features.items():
        for name in names:
            full = f"original_{kind}_{name}"
            value, reason = found[kind][name]
            values[full] = value
            if reason:
                reasons[full] = reason
            columns.append(_column(known[full], kind, Source(image.modality, region, "none", kind), digest))
    settings = wanted.setting.model_dump(mode="json", by_alias=True, exclude_none=True)
    return Features(values, tuple(columns), reasons, (*image.history, Step("pyradiomics", settings)))


def _column(known: Known, kind: str, source: Source, digest: str) -> Column:
    """Return the record of a column; the IBSI code only where the number is that of IBSI (up to binning)."""
    code = known.code if not known.note or known.name.rsplit("_", 1)[1] in MESH else ""
    near = f" as {known.ours}" if known.ours else ""
    note = f"; {known.note}" if known.note else ""
    traits = ("shape",) if kind.startswith("shape") else ("intensity",) if kind == "firstorder" else ("texture",)
    return Column(
        known.name,
        code=code,
        definition=f"PyRadiomics {known.name}{near}{note}.",
        source=source,
        traits=(*traits, "pyradiomics"),
        settings=digest,
    )


__all__ = ["CLASSES", "MESH", "Parameters", "Setting", "extract_pyradiomics", "mapping", "read_parameters"]
