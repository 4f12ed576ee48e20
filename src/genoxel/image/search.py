"""The search for a transform: SimpleITK's registration, seeded, on one thread, so that it repeats bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np

from genoxel.core.image import FloatArray, Image
from genoxel.core.mask import Mask
from genoxel.image.intensity import otsu
from genoxel.image.itk import one_thread, to_itk
from genoxel.image.settings import Register

_SAMPLES = 40_000
LEVELS = ((4, 4.0), (2, 2.0), (1, 0.0))
"""Shrink factor and smoothing in mm, coarse to fine."""


def body_points(image: Image, most: int = 2000) -> FloatArray:
    """Return up to `most` points (n, 3) in mm spread over the body: above Otsu's threshold (CT: -500 HU)."""
    values = image.values()
    threshold = -500.0 if image.unit == "HU" else otsu(values)
    places = np.argwhere(values > threshold)
    if not len(places):
        places = np.argwhere(np.ones(image.shape, dtype=bool))
    return image.grid.to_patient(places[:: max(1, len(places) // most)])


def moments_start(fixed: Image, moving: Image) -> FloatArray:
    """Return the translation (4 x 4) that lays the centre of one body on that of the other."""
    start = np.eye(4)
    start[:3, 3] = body_points(moving).mean(axis=0) - body_points(fixed).mean(axis=0)
    return start


def find_transform(
    fixed: Image, moving: Image, rules: Register, starts: list[FloatArray], within: Mask | None, seed: int
) -> tuple[FloatArray, dict[str, Any]]:
    """Return the affine part (4 x 4) and the free-form part (empty unless "bspline"), from the best of the `starts`."""
    pair = pair_of(fixed, moving)
    mask = _surroundings(within) if within is not None else None
    tried = [linear(pair, start, "rigid", mask, seed, LEVELS[:1]) for start in starts]
    matrix = linear(pair, min(tried, key=lambda one: one[0])[1], "rigid", mask, seed, LEVELS[1:])[1]
    if rules.kind in {"affine", "bspline"}:
        matrix = linear(pair, matrix, "affine", mask, seed)[1]
    free = free_form(pair, matrix, rules.mesh_mm, mask, seed) if rules.kind == "bspline" else {}
    return matrix, free


def pair_of(fixed: Image, moving: Image) -> tuple[Any, Any]:
    """Return both images for SimpleITK, their far outliers cut off."""
    return to_itk(_levelled(fixed), fixed.grid), to_itk(_levelled(moving), moving.grid)


def _levelled(image: Image) -> Any:
    """Return the intensities without far outliers, which would leave the histogram of the metric empty elsewhere."""
    values = image.values().astype(np.float32)
    low, high = np.percentile(values, [0.5, 99.5])
    return np.clip(values, low, high) if low < high else values


def _surroundings(within: Mask) -> Any:
    from scipy.ndimage import binary_dilation

    steps = max(1, round(10 / min(within.spacing)))
    grown = binary_dilation(within.inside(), iterations=steps)
    return to_itk(grown.astype(np.uint8), within.grid)


def _method(pair: tuple[Any, Any], mask: Any, seed: int, levels: tuple[tuple[int, float], ...]) -> Any:
    import SimpleITK

    method = SimpleITK.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(32)
    method.SetMetricSamplingStrategy(method.RANDOM)
    count = float(np.prod([float(size) for size in pair[0].GetSize()]))
    shares = [min(1.0, max(_SAMPLES * factor**3 / count, 1e-4)) for factor, _ in levels]
    method.SetMetricSamplingPercentagePerLevel([float(share) for share in shares], seed)
    method.SetInterpolator(SimpleITK.sitkLinear)
    method.SetShrinkFactorsPerLevel([factor for factor, _ in levels])
    method.SetSmoothingSigmasPerLevel([sigma for _, sigma in levels])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    if mask is not None:
        method.SetMetricFixedMask(mask)
    return method


def linear(
    pair: tuple[Any, Any],
    start: FloatArray,
    kind: str,
    mask: Any,
    seed: int,
    levels: tuple[tuple[int, float], ...] = LEVELS,
) -> tuple[float, FloatArray]:
    """Return (metric, 4 x 4) of the best "rigid" or "affine" transform of points of the first image to the second."""
    import SimpleITK

    transform = SimpleITK.Euler3DTransform() if kind == "rigid" else SimpleITK.AffineTransform(3)
    size = [value / 2 for value in pair[0].GetSize()]
    centre = pair[0].TransformContinuousIndexToPhysicalPoint(size)
    transform.SetCenter(centre)
    turned = np.array(start[:3, :3])
    transform.SetMatrix(tuple(turned.ravel()), *((1e-6,) if kind == "rigid" else ()))
    transform.SetTranslation(tuple(turned @ np.array(centre) + start[:3, 3] - np.array(centre)))
    method = _method(pair, mask, seed, levels)
    method.SetOptimizerAsRegularStepGradientDescent(2.0, 0.005, 150, 0.6, 1e-6)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetInitialTransform(transform, inPlace=True)
    with one_thread():
        method.Execute(*pair)
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(transform.GetMatrix()).reshape(3, 3)
    moved = np.array(transform.GetTranslation()) + np.array(centre)
    matrix[:3, 3] = moved - matrix[:3, :3] @ np.array(centre)
    return float(method.GetMetricValue()), matrix


def free_form(pair: tuple[Any, Any], matrix: FloatArray, mesh_mm: float, mask: Any, seed: int) -> dict[str, Any]:
    """Return the free-form part, applied before `matrix`: `fixed` and `coefficients` of a B-spline of order 3."""
    import SimpleITK

    affine = SimpleITK.AffineTransform(3)
    affine.SetMatrix(tuple(matrix[:3, :3].ravel()))
    affine.SetTranslation(tuple(matrix[:3, 3]))
    extent = [size * count for size, count in zip(pair[0].GetSpacing(), pair[0].GetSize(), strict=True)]
    mesh = [max(1, round(length / mesh_mm)) for length in extent]
    free = SimpleITK.BSplineTransformInitializer(pair[0], mesh, 3)
    method = _method(pair, mask, seed, ((4, 4.0), (2, 2.0)))
    method.SetOptimizerAsLBFGSB(1e-5, 40, 5, 400)
    method.SetMovingInitialTransform(affine)
    method.SetInitialTransform(free, inPlace=True)
    with one_thread():
        method.Execute(*pair)
    return {"fixed": list(free.GetFixedParameters()), "coefficients": list(free.GetParameters())}
