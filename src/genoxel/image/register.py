"""One image brought onto the grid of another of the same patient: other sequences, modalities, time points.

SimpleITK finds the transform (Mattes mutual information, coarse to fine); what is kept is the transform alone, as
numbers, so that it is applied again without a search. Quality is measured, not assumed: the search is done twice, from
different samples of voxels, and where the two disagree the registration is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from genoxel.core.errors import GeometryError, InputError
from genoxel.core.image import FloatArray, Grid, Image, Step
from genoxel.core.mask import Mask
from genoxel.image.itk import blank, finite, one_thread, to_itk, values_of
from genoxel.image.search import body_points, find_transform, moments_start
from genoxel.image.settings import Interpolation, Register

FAR_MM, TURNED_DEGREES = 150.0, 60.0
"""A shift or turn beyond these is no motion of one patient between two images of one region."""


@dataclass(frozen=True)
class Registration:
    """A transform from points of the fixed image to points of the moving one (LPS, mm), and how good it is.

    `matrix` (4 x 4) as nested tuples; `bspline` the coefficients of a free-form deformation done before it, or empty.
    `quality`: "similarity_before" and "similarity" (normalised mutual information, 1 to 2), "disagreement_mm" (95th
    percentile over the body, between two searches), "overlap" (share of the fixed body inside the moving image),
    "shift_mm", "turn_degrees", "least_jacobian" (at or below 0: folded).
    """

    kind: str
    matrix: tuple[tuple[float, ...], ...]
    bspline: Mapping[str, Any] = field(default_factory=dict)
    quality: Mapping[str, float] = field(default_factory=dict)

    def points(self, places: FloatArray) -> FloatArray:
        """Return where `places` (n, 3) in mm of the fixed image lie in the moving one."""
        transform = self.itk()
        return np.array([transform.TransformPoint(tuple(float(value) for value in place)) for place in places])

    def itk(self) -> Any:
        """Return the SimpleITK transform."""
        import SimpleITK

        whole = np.array(self.matrix)
        affine = SimpleITK.AffineTransform(3)
        affine.SetMatrix(tuple(whole[:3, :3].ravel()))
        affine.SetTranslation(tuple(whole[:3, 3]))
        if not self.bspline:
            return affine
        free = SimpleITK.BSplineTransform(3, 3)
        free.SetFixedParameters(tuple(self.bspline["fixed"]))
        free.SetParameters(tuple(self.bspline["coefficients"]))
        # the last of a composite is the first to be applied
        return SimpleITK.CompositeTransform([affine, free])


def register(fixed: Image, moving: Image, how: Register | None = None, within: Mask | None = None) -> Registration:
    """Return the transform that lays `moving` on `fixed`, with its measured quality; refused where it is not good.

    `how.kind`: "grid" keeps both where their headers say; "rigid", "affine" and "bspline" search. `within` (a mask on
    `fixed`) restricts the search to its surroundings. Raises `GeometryError` with the numbers where two searches
    disagree by more than `how.refuse_mm`, the images share less than half of the fixed body ("grid": 1 %), similarity
    does not rise, the shift or turn is implausible, the deformation folds, or "grid" is asked for across frames of
    reference; `InputError` for a constant image.
    """
    rules = how or Register(to="")
    if rules.kind == "grid":
        _refuse_other_frame(fixed, moving)
        found = Registration("grid", _nested(np.eye(4)))
        return _judged(found, fixed, moving, rules, None)
    for image, name in ((fixed, "fixed"), (moving, "moving")):
        values = finite(image, "registration")
        if values.min() == values.max():
            raise InputError(f"a constant {name} image", "varying intensities", "check the series")
    starts = [np.eye(4), moments_start(fixed, moving)]
    first = find_transform(fixed, moving, rules, starts, within, seed=1)
    second = find_transform(fixed, moving, rules, starts, within, seed=2)
    found, other = (Registration(rules.kind, _nested(one[0]), one[1]) for one in (first, second))
    return _judged(found, fixed, moving, rules, other)


def _refuse_other_frame(fixed: Image, moving: Image) -> None:
    """Refuse to believe places that two headers give in different frames of reference (0020,0052)."""
    frames = [str(image.tags.get("FrameOfReferenceUID") or "") for image in (fixed, moving)]
    if all(frames) and frames[0] != frames[1]:
        raise GeometryError(
            'kind = "grid" for two series in different frames of reference (FrameOfReferenceUID (0020,0052))',
            "one frame of reference, as of one examination without moving the patient",
            'write kind = "rigid" under [image] register',
        )


def _nested(matrix: FloatArray) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(value) for value in row) for row in matrix)


def apply(registration: Registration, moving: Image, grid: Grid, interpolate: Interpolation = "linear") -> Image:
    """Return `moving` on `grid` (of the fixed image) through the transform; recorded in full as the step "register".

    Beyond the moving image its lowest value is held, and `outside_share` of the grid is recorded.

    >>> moving = Image(np.arange(27.0).reshape(3, 3, 3), np.eye(4))
    >>> same = Registration("grid", tuple(tuple(row) for row in np.eye(4).tolist()))
    >>> bool(np.array_equal(apply(same, moving, moving.grid).values(), moving.values()))
    True
    """
    params = {**_params(registration, grid), "interpolate": interpolate, "quality": dict(registration.quality)}
    return replay_register(moving, params)


def _params(registration: Registration, grid: Grid) -> dict[str, Any]:
    return {
        "kind": registration.kind,
        "matrix": [list(row) for row in registration.matrix],
        "bspline": dict(registration.bspline),
        "shape": list(grid.shape),
        "affine": [[float(value) for value in row] for row in grid.affine],
    }


def replay_register(image: Image, params: Mapping[str, Any]) -> Image:
    """Return `image` brought onto the recorded grid by the recorded transform."""
    import SimpleITK

    values = finite(image, "registration")
    shape = params["shape"]
    grid = Grid((shape[0], shape[1], shape[2]), np.array(params["affine"]))
    found = Registration(params["kind"], _nested(np.array(params["matrix"])), params["bspline"])
    ways = {
        "nearest": SimpleITK.sitkNearestNeighbor,
        "linear": SimpleITK.sitkLinear,
        "cubic": SimpleITK.sitkBSpline,
    }
    resampler = SimpleITK.ResampleImageFilter()
    resampler.SetReferenceImage(blank(grid))
    resampler.SetTransform(found.itk())
    resampler.SetInterpolator(ways[params["interpolate"]])
    resampler.SetDefaultPixelValue(float(values.min()))
    with one_thread():
        array = values_of(resampler.Execute(to_itk(values, image.grid)))
    return image.with_step("register", array, {**params}, affine=grid.affine)


def apply_to_mask(registration: Registration, mask: Mask, grid: Grid) -> Mask:
    """Return `mask`, drawn on the moving image, on `grid` of the fixed one; recorded as the step "register".

    A voxel is inside where linear interpolation of the structures together gives a half or more, and belongs to the
    one with the largest share. Raises `GeometryError` where part of the mask lies outside `grid`, or nothing is left.
    """
    params = _params(registration, grid)
    moved = replay_register_mask(mask, params)
    outer = np.pad(np.ones(np.array(grid.shape) - 2, bool), 1) if min(grid.shape) > 2 else np.zeros(grid.shape, bool)
    names = [name for label, name in mask.labels.items() if mask.count(label) and not moved.count(label)]
    if names or (moved.inside() & ~outer).any():
        got = f"a contour {', '.join(names)} of less than a voxel" if names else "a contour that reaches beyond"
        raise GeometryError(
            f"{got} on the grid of the first time point",
            "contours that lie inside the first image",
            "leave the patient out, or measure the time points apart",
        )
    return moved


def replay_register_mask(mask: Mask, params: Mapping[str, Any]) -> Mask:
    """Return `mask` brought onto the recorded grid by the recorded transform."""
    import SimpleITK

    shape = params["shape"]
    grid = Grid((shape[0], shape[1], shape[2]), np.array(params["affine"]))
    found = Registration(params["kind"], _nested(np.array(params["matrix"])), params["bspline"])
    resampler = SimpleITK.ResampleImageFilter()
    resampler.SetReferenceImage(blank(grid))
    resampler.SetTransform(found.itk())
    resampler.SetDefaultPixelValue(0.0)
    drawn, labels = np.asarray(mask.array), list(mask.labels)
    with one_thread():
        shares = np.array(
            [values_of(resampler.Execute(to_itk((drawn == label).astype(np.float64), mask.grid))) for label in labels]
        )
    best = np.array(labels, dtype=drawn.dtype)[shares.argmax(axis=0)]
    array = np.where(shares.sum(axis=0) >= 0.5 - 1e-9, best, 0).astype(drawn.dtype)
    return Mask(array, grid.affine, dict(mask.labels), (*mask.history, Step("register", {**params})), mask.tags)


def coverage(registration: Registration, moving: Grid, mask: Mask) -> float:
    """Return the share of the voxels of `mask` (on the fixed grid) that lie inside the moving image."""
    places = mask.grid.to_patient(np.argwhere(mask.inside()))
    return _inside(registration.points(places[:: max(1, len(places) // 5000)]), moving)


def _inside(points: FloatArray, grid: Grid) -> float:
    index = grid.to_voxel(points)
    return float(np.all((index > -0.5) & (index < np.array(grid.shape) - 0.5), axis=1).mean())


def _judged(
    found: Registration, fixed: Image, moving: Image, rules: Register, other: Registration | None
) -> Registration:
    points = body_points(fixed)
    there = found.points(points)
    whole = np.array(found.matrix)
    centre = points.mean(axis=0)
    quality = {
        "similarity_before": similarity(fixed, moving, Registration("grid", _nested(np.eye(4)))),
        "similarity": similarity(fixed, moving, found),
        "overlap": _inside(there, moving.grid),
        "shift_mm": float(np.linalg.norm(whole[:3, :3] @ centre + whole[:3, 3] - centre)),
        "turn_degrees": _turn(whole[:3, :3]),
        "least_jacobian": _least_jacobian(found, fixed.grid),
    }
    if other is not None:
        away = np.linalg.norm(there - other.points(points), axis=1)
        quality["disagreement_mm"] = float(np.percentile(away, 95))
    _refuse_bad(quality, rules)
    rounded = {name: round(value, 6) for name, value in quality.items()}
    return Registration(found.kind, found.matrix, found.bspline, rounded)


def _refuse_bad(quality: Mapping[str, float], rules: Register) -> None:
    disagreement = quality.get("disagreement_mm", 0.0)
    # nothing is searched for where headers are believed: a small field of view is no sign of a bad fit
    least = 0.5 if rules.kind != "grid" else 0.01
    reasons = {
        f"two searches disagree by {disagreement:.3g} mm": disagreement > rules.refuse_mm,
        f"{quality['overlap']:.0%} of the body inside the other image": quality["overlap"] < least,
        f"a shift of {quality['shift_mm']:.3g} mm": quality["shift_mm"] > FAR_MM and rules.kind != "grid",
        f"a turn of {quality['turn_degrees']:.3g} degrees": quality["turn_degrees"] > TURNED_DEGREES,
        "a deformation that folds": quality["least_jacobian"] <= 0,
        "no rise in similarity": rules.kind != "grid"
        and quality["similarity"] < quality["similarity_before"] - 0.005
        and quality["shift_mm"] > 1,
    }
    wrong = [reason for reason, holds in reasons.items() if holds]
    if wrong:
        raise GeometryError(
            f"a {rules.kind} registration with {', '.join(wrong)}",
            f"agreement within {rules.refuse_mm:g} mm, overlap, and more similarity than before",
            'look at both series; a simpler kind, or kind = "grid" where the patient did not move',
        )


def _turn(matrix: FloatArray) -> float:
    u, _, vt = np.linalg.svd(matrix)
    cosine = (np.trace(u @ vt) - 1) / 2
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def _least_jacobian(found: Registration, grid: Grid) -> float:
    determinant = float(np.linalg.det(np.array(found.matrix)[:3, :3]))
    if not found.bspline:
        return determinant
    import SimpleITK

    coarse = [max(1, round(4 / size)) for size in grid.spacing]
    shape = tuple(max(2, size // step) for size, step in zip(grid.shape, coarse, strict=True))
    affine = np.array(grid.affine)
    affine[:3, :3] = affine[:3, :3] * np.array(coarse)
    field = SimpleITK.TransformToDisplacementFieldFilter()
    field.SetReferenceImage(blank(Grid((shape[0], shape[1], shape[2]), affine)))
    with one_thread():
        jacobian = SimpleITK.DisplacementFieldJacobianDeterminant(field.Execute(found.itk()))
    return float(values_of(jacobian).min())


def similarity(fixed: Image, moving: Image, registration: Registration, bins: int = 32) -> float:
    """Return the normalised mutual information of both images over the fixed body, through the transform.

    (H(a) + H(b)) / H(a, b) of Studholme et al. 1999: 1 for independent images, 2 for one determined by the other.
    """
    from scipy.ndimage import map_coordinates

    points = body_points(fixed, 40_000)
    index = moving.grid.to_voxel(registration.points(points)).T
    held = np.all((index > -0.5) & (index < np.array(moving.shape)[:, None] - 0.5), axis=0)
    if held.sum() < 100:
        return 1.0
    there = map_coordinates(moving.values().astype(np.float64), index[:, held], order=1, mode="nearest")
    home = fixed.grid.to_voxel(points[held]).T
    here = map_coordinates(fixed.values().astype(np.float64), home, order=1, mode="nearest")
    joint = np.histogram2d(_ranks(here, bins), _ranks(there, bins), bins=bins)[0]
    joint /= joint.sum()
    parts = [_entropy(joint.sum(axis=0)), _entropy(joint.sum(axis=1)), _entropy(joint.ravel())]
    return float((parts[0] + parts[1]) / parts[2]) if parts[2] > 0 else 1.0


def _ranks(values: FloatArray, bins: int) -> FloatArray:
    low, high = np.percentile(values, [1, 99])
    return np.asarray(np.clip((values - low) / max(float(high - low), 1e-12), 0, 1 - 1e-9) * bins)


def _entropy(shares: FloatArray) -> float:
    held = shares[shares > 0]
    return float(-(held * np.log(held)).sum())
