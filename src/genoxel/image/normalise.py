"""Intensities of MR made comparable: z-scores, Nyúl's landmarks, the white stripe, a reference tissue.

Each records the numbers it used, so that it is replayed without the region or the other images they came from.
Landmarks are learned from images that are named, never from the image at hand: `learn_landmarks` on training images or
on a fixed reference set, `nyul` on any other. That is the whole guard against leakage, so it is two functions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import InputError, SettingsError
from genoxel.core.image import FloatArray, Image
from genoxel.core.mask import Mask
from genoxel.image.intensity import Within, chosen_voxels, zscore
from genoxel.image.settings import Normalise

NORMALISED = frozenset({"zscore", "nyul", "whitestripe", "reference tissue"})
"""Names of the steps that set a scale of intensities; an image holds one of them at most."""

PERCENTILES = (1.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 99.0)
SCALE = (0.0, 100.0)


def normalise(
    image: Image,
    how: Normalise,
    mask: Mask | None = None,
    brain: Mask | None = None,
    landmarks: Landmarks | None = None,
    tissue: Mask | None = None,
) -> Image:
    """Return `image` normalised by `how`, with what that method needs: `brain`, `landmarks` or a `tissue` region.

    Raises `SettingsError` where it is missing.
    """
    if how.method == "zscore":
        return zscore(image, how.within, mask, brain)
    if how.method == "whitestripe":
        return white_stripe(image, how.peak, how.within, brain)
    if how.method == "nyul":
        if landmarks is None:
            fix = "learn_landmarks on other images and nyul on this one; in a study, reference = FOLDER"
            raise SettingsError("nyul without landmarks", "landmarks learned on reference images", fix)
        return nyul(image, landmarks, brain)
    if tissue is None:
        raise SettingsError("a reference tissue without its region", "a mask of that tissue", f"draw {how.tissue!r}")
    return reference_tissue(image, tissue)


@dataclass(frozen=True)
class Landmarks:
    """A standard scale: `values` (k,) that the `percentiles` (k,) of an image are moved to, and where it came from.

    `sources` are digests of the images it was learned on; whoever holds one of them in a test set has a leak.
    """

    percentiles: tuple[float, ...]
    values: tuple[float, ...]
    within: Within
    sources: tuple[str, ...]


def content_digest(image: Image) -> str:
    """Return 16 hex digits that stand for the intensities of an image, whatever its file or name."""
    array = np.ascontiguousarray(image.values())
    return hashlib.sha256(str(array.shape).encode() + array.astype("<f8").tobytes()).hexdigest()[:16]


def learn_landmarks(images: Iterable[Image], within: Within = "body") -> Landmarks:
    """Return the standard scale of `images`: the mean of their percentiles, each image first brought to 0 to 100.

    Source: Nyúl and Udupa 1999 (MRM 42:1072), landmarks 1, 10, 20 ... 90, 99 %. Give training or reference images
    alone, one sequence at a time. Raises `InputError` without images, and for one without contrast.

    >>> image = Image(np.arange(1000.0).reshape(10, 10, 10), np.eye(4))
    >>> learn_landmarks([image], within="image").values[::5]
    (0.0, 50.0, 100.0)
    """
    scaled: list[FloatArray] = []
    sources: list[str] = []
    for image in images:
        marks = _marks(chosen_voxels(image, within)[0])
        scaled.append(SCALE[0] + (SCALE[1] - SCALE[0]) * (marks - marks[0]) / (marks[-1] - marks[0]))
        sources.append(content_digest(image))
    if not scaled:
        raise InputError("no image to learn landmarks from", "at least one reference image", "name the reference set")
    values: FloatArray = np.asarray(np.stack(scaled).mean(axis=0)).round(9)
    return Landmarks(PERCENTILES, tuple(values.tolist()), within, tuple(sorted(sources)))


def nyul(image: Image, landmarks: Landmarks, brain: Mask | None = None) -> Image:
    """Return `image` with its percentiles moved to the standard scale, in straight pieces between them and beyond.

    >>> image = Image(np.arange(1000.0).reshape(10, 10, 10), np.eye(4))
    >>> scale = learn_landmarks([image], within="image")
    >>> round(float(nyul(Image(image.values() * 7 + 3, np.eye(4)), scale).values().max()), 6)
    101.020408
    """
    chosen, rule = chosen_voxels(image, landmarks.within, None, brain)
    marks = _marks(chosen, landmarks.percentiles)
    params = {
        "from": [float(mark) for mark in marks],
        "to": list(landmarks.values),
        "within": landmarks.within,
        "rule": rule,
        "learned_on": hashlib.sha256("".join(landmarks.sources).encode()).hexdigest()[:16],
        "images": len(landmarks.sources),
    }
    return replay_nyul(image, params)


def replay_nyul(image: Image, params: Mapping[str, Any]) -> Image:
    """Return `image` mapped by the recorded landmarks."""
    old, new = np.array(params["from"], dtype=np.float64), np.array(params["to"], dtype=np.float64)
    return image.with_step("nyul", _pieces(image.values().astype(np.float64), old, new), params, unit="")


def _marks(chosen: FloatArray, percentiles: tuple[float, ...] = PERCENTILES) -> FloatArray:
    marks = np.percentile(chosen, percentiles)
    if not np.isfinite(marks).all() or marks[0] == marks[-1]:
        raise InputError("an image without contrast", "varying, finite intensities", "check series and region")
    # equal neighbours would make a piece of no width; the least step keeps the order of the intensities
    steps = np.maximum(np.diff(marks), 1e-9 * (marks[-1] - marks[0]))
    return np.asarray(marks[0] + np.concatenate([[0.0], np.cumsum(steps)]))


def _pieces(values: FloatArray, old: FloatArray, new: FloatArray) -> FloatArray:
    slopes = np.diff(new) / np.diff(old)
    place = np.clip(np.searchsorted(old, values, side="right") - 1, 0, slopes.size - 1)
    return np.asarray(new[place] + (values - old[place]) * slopes[place])


def white_stripe(
    image: Image, peak: str = "highest", within: Within = "brain", brain: Mask | None = None, width: float = 0.05
) -> Image:
    """Return `image` as z-scores of normal-appearing white matter, found as a stripe around a peak of the histogram.

    `peak`: "last" (the rightmost peak of at least a tenth of the highest: white matter on T1) or "highest" (on T2 and
    FLAIR). The stripe holds the quantiles within `width` of the peak's. After Shinohara et al. 2014 (NeuroImage:
    Clinical 6:9), with a smoothed histogram in place of their penalised spline.
    """
    chosen, rule = chosen_voxels(image, within, None, brain)
    place = _peak(chosen, peak)
    share = float(np.mean(chosen <= place))
    low, high = np.quantile(chosen, [max(share - width, 0.0), min(share + width, 1.0)])
    stripe = chosen[(chosen >= low) & (chosen <= high)]
    mean, deviation = float(stripe.mean()), float(stripe.std())
    if deviation == 0:
        raise InputError("a stripe of one constant intensity", "varying intensities", "check series and region")
    params = {"peak": peak, "within": within, "rule": rule, "at": place, "low": float(low), "high": float(high)}
    return replay_white_stripe(image, params | {"mean": mean, "deviation": deviation, "voxels": int(stripe.size)})


def replay_white_stripe(image: Image, params: Mapping[str, Any]) -> Image:
    """Return `image` scaled by the recorded mean and deviation of the stripe."""
    values = (image.values().astype(np.float64) - params["mean"]) / params["deviation"]
    return image.with_step("whitestripe", values, params, unit="")


def _peak(chosen: FloatArray, which: str) -> float:
    from scipy.ndimage import gaussian_filter1d

    low, high = float(np.percentile(chosen, 0.5)), float(np.percentile(chosen, 99.5))
    if low == high:
        raise InputError("an image without contrast", "varying intensities", "check series and region")
    counts, edges = np.histogram(chosen, bins=400, range=(low, high))
    # Silverman's rule, in bins
    spread = min(float(chosen.std()), float(np.subtract(*np.percentile(chosen, [75, 25]))) / 1.34) or float(
        chosen.std()
    )
    width = max(1.06 * spread * chosen.size**-0.2 / (edges[1] - edges[0]), 4.0)
    smooth = gaussian_filter1d(counts.astype(np.float64), width, mode="constant")
    inner = np.flatnonzero((smooth[1:-1] >= smooth[:-2]) & (smooth[1:-1] > smooth[2:])) + 1
    tall = inner[smooth[inner] >= 0.1 * smooth.max()] if inner.size else np.array([int(smooth.argmax())])
    place = int(tall[-1]) if which == "last" else int(tall[int(np.argmax(smooth[tall]))])
    return float((edges[place] + edges[place + 1]) / 2)


def reference_tissue(image: Image, tissue: Mask) -> Image:
    """Return `image` divided by the median intensity of a reference region (muscle, cerebellum, liver, ...).

    Raises `InputError` where that median is not positive.

    >>> image = Image(np.full((4, 4, 4), 50.0), np.eye(4))
    >>> float(reference_tissue(image, Mask(np.ones((4, 4, 4), np.uint8), np.eye(4))).values().max())
    1.0
    """
    inside: npt.NDArray[np.bool_] = tissue.on(image).inside()
    median = float(np.median(image.values()[inside].astype(np.float64)))
    params = {"tissue": ", ".join(tissue.labels.values()), "median": median, "voxels": int(inside.sum())}
    return replay_reference(image, params)


def replay_reference(image: Image, params: Mapping[str, Any]) -> Image:
    """Return `image` divided by the recorded median."""
    if not params["median"] > 0:
        raise InputError(
            f"a median of {params['median']:g} in the reference tissue", "a positive one", "choose another tissue"
        )
    return image.with_step("reference tissue", image.values().astype(np.float64) / params["median"], params, unit="")
