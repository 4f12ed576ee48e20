"""Less noise before measuring: median, Gaussian, curvature flow along edges, non-local means; and clipping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import InputError
from genoxel.core.image import FloatArray, Image
from genoxel.image.itk import finite, one_thread, to_itk, values_of
from genoxel.image.settings import Clip, Denoise


def noise_level(values: npt.ArrayLike, inside: npt.NDArray[np.bool_] | None = None) -> float:
    """Return the SD of white noise in `values` (i, j, k) from second differences in slices, which edges hardly move.

    The operator of Immerkær (1996, CVIU 64:300), with the median of its size in place of the mean; over `inside` where
    given. Noise that is correlated between neighbours is underestimated.

    >>> noise = np.random.default_rng(0).normal(0, 5, (64, 64, 8))
    >>> 4.8 < noise_level(noise) < 5.2
    True
    """
    array = np.asarray(values, dtype=np.float64)
    if min(array.shape[:2]) < 3:
        return float("nan")
    second = array[2:] - 2 * array[1:-1] + array[:-2]
    cross = second[:, 2:] - 2 * second[:, 1:-1] + second[:, :-2]
    chosen = cross.ravel() if inside is None else cross[inside[1:-1, 1:-1]]
    if not chosen.size:
        return float("nan")
    # the operator has a norm of 6; a Gaussian's median absolute value is 0.6745 SD
    return float(np.median(np.abs(chosen)) / 0.6744897501960817 / 6)


def denoise(image: Image, how: Denoise | None = None) -> Image:
    """Return `image` with less noise, by `how`: "median", "gaussian", "curvature" or "nlm"; recorded in full.

    "median": cube of `size` voxels. "gaussian": `sigma_mm`. "curvature": anisotropic diffusion, `iterations` steps
    (SimpleITK). "nlm": non-local means in slices (Buades et al. 2005), its strength from the noise found, recorded.
    Raises `InputError` for values that are not finite.

    >>> array = np.zeros((9, 9, 9)); array[4, 4, 4] = 1
    >>> float(denoise(Image(array, np.eye(4)), Denoise(method="median")).values().max())
    0.0
    """
    rules = how or Denoise()
    params: dict[str, Any] = rules.used()
    if rules.method == "nlm":
        params["noise"] = noise_level(finite(image, "denoising"))
    return replay_denoise(image, params)


def replay_denoise(image: Image, params: Mapping[str, Any]) -> Image:
    """Return `image` with less noise, again as recorded."""
    values = finite(image, "denoising")
    return image.with_step("denoise", _METHODS[params["method"]](values, image, params), params)


def _median(values: FloatArray, _: Image, params: Mapping[str, Any]) -> FloatArray:
    from scipy.ndimage import median_filter

    return np.asarray(median_filter(values, size=int(params["size"]), mode="nearest"))


def _gaussian(values: FloatArray, image: Image, params: Mapping[str, Any]) -> FloatArray:
    from scipy.ndimage import gaussian_filter

    width = [params["sigma_mm"] / size for size in image.spacing]
    return np.asarray(gaussian_filter(values, width, mode="nearest", truncate=4.0))


def _curvature(values: FloatArray, image: Image, params: Mapping[str, Any]) -> FloatArray:
    import SimpleITK

    diffuse = SimpleITK.CurvatureAnisotropicDiffusionImageFilter()
    # the largest step that is stable in three dimensions
    diffuse.SetTimeStep(min(image.spacing) / 2**4)
    diffuse.SetConductanceParameter(float(params["conductance"]))
    diffuse.SetNumberOfIterations(int(params["iterations"]))
    with one_thread():
        return values_of(diffuse.Execute(to_itk(values, image.grid)))


def _nlm(values: FloatArray, _: Image, params: Mapping[str, Any]) -> FloatArray:
    from skimage.restoration import denoise_nl_means

    sigma = float(params["noise"])
    if not sigma > 0:
        return values.copy()
    options = {"patch_size": 5, "patch_distance": 5, "h": params["strength"] * sigma, "sigma": sigma}
    slices = [denoise_nl_means(values[:, :, k], fast_mode=True, **options) for k in range(values.shape[2])]
    return np.ascontiguousarray(np.stack(slices, axis=2))


_METHODS = {"median": _median, "gaussian": _gaussian, "curvature": _curvature, "nlm": _nlm}


def clip(image: Image, how: Clip) -> Image:
    """Return `image` with intensities beyond the bounds set to them: stated bounds, or percentiles of the volume.

    >>> clip(Image(np.array([[[-5.0, 0.0, 9.0]]]), np.eye(4)), Clip(range=(0, 4))).values().tolist()
    [[[0.0, 0.0, 4.0]]]
    """
    if how.range is not None:
        low, high = how.range
    else:
        low, high = (float(value) for value in np.percentile(finite(image, "clipping"), how.percentiles or (0, 100)))
    return replay_clip(image, {"low": float(low), "high": float(high), "percentiles": _listed(how.percentiles)})


def _listed(pair: tuple[float, float] | None) -> list[float] | None:
    return list(pair) if pair is not None else None


def replay_clip(image: Image, params: Mapping[str, Any]) -> Image:
    """Return `image` clipped to the recorded bounds."""
    if not params["low"] < params["high"]:
        raise InputError(
            f"bounds {params['low']:g} to {params['high']:g}", "a lower and a higher bound", "correct them"
        )
    values = np.clip(image.values().astype(np.float64), params["low"], params["high"])
    return image.with_step("clip", values, params)
