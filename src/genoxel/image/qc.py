"""Quality of an image and of a contour as numbers, before anything is measured: noise, motion, slices, metal, the edge.

Every measure reads voxels alone (headers are the readers' business) and is NaN where it cannot be known: no air around
the patient, too few slices. The limits beyond which a number is called odd are in `LIMITS`, with where they come from;
they were set before any test of them was looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.core.image import FloatArray, Image
from genoxel.core.mask import Mask
from genoxel.image.crop import bounding_box
from genoxel.image.denoise import noise_level
from genoxel.image.intensity import otsu

NAN = float("nan")
BoolArray = npt.NDArray[np.bool_]

LIMITS: Mapping[str, float] = MappingProxyType(
    {
        "noise_hu": 60.0,  # three times the 15 to 20 HU of a chest CT at usual dose
        "noise_share": 0.10,  # a signal-to-noise ratio of 10 within the body of an MR image
        "ghosting": 0.025,  # the American College of Radiology accepts ghosts of 2.5 % of the signal
        "jitter_mm": 1.0,  # a typical slice a millimetre off the middle of its neighbours
        "slice_jump": 1.5,  # whole real scans reach 1.25, whole simulated ones 1.38
        "repeated_slices": 0.5,  # one is one too many
        "metal_ml": 0.02,  # cortical bone ends near 2000 HU, enamel near 3000
        "edge_share": 0.0,
        "stray_share": 0.0,
        "air_share": 0.5,
        "body_share": 0.3,
        "flip_gain": 2.0,
        "turn_gain": 0.05,
    }
)
SAID: Mapping[str, str] = MappingProxyType(
    {
        "noise_hu": "noise within the body of a CT [HU]",
        "noise_share": "noise within the body of an MR image, over its median signal",
        "ghosting": "signal in the air along one axis over that along the other, over the median signal (MR)",
        "jitter_mm": "typical shift of a slice against the middle of its neighbours [mm]",
        "slice_jump": "largest difference between two slices over that of the pairs before and after",
        "repeated_slices": "slices that equal the one before, or hold one value",
        "metal_ml": "volume above 2800 HU [ml]",
        "edge_share": "share of the contour's surface on the edge of the image",
        "stray_share": "share of the contour's voxels outside its largest piece",
        "air_share": "share of the contour's voxels in air, where the image shows air",
        "body_share": "share of the body inside the contour",
        "flip_gain": "edge contrast of the mirrored contour over that of the contour",
        "turn_gain": "gain in correlation with the other images by mirroring or turning this one",
    }
)
"""What each limit is a limit of, in words."""
METAL_HU = 2800.0
_AIR_HU = -500.0
_AIR_SIGNAL = 0.15  # of the signal of the body: tissue is seldom as dark, noise in air seldom as bright


@dataclass(frozen=True)
class ImageQuality:
    """Measures of one volume.

    `noise` SD of white noise, `noise_share` that relative to the body's median signal (MR), `ghosting` signal in the
    air beside the body along one axis over that along the other, relative to the body (MR), `jitter_mm` typical
    displacement of a slice against the middle of its neighbours, `slice_jump` largest difference of two slices over
    that of their neighbours, `repeated_slices` equal neighbours or constant slices inside, `metal_ml` volume above
    2800 HU (CT).
    """

    noise: float
    noise_share: float
    ghosting: float
    jitter_mm: float
    slice_jump: float
    repeated_slices: float
    metal_ml: float


@dataclass(frozen=True)
class MaskQuality:
    """Measures of one contour on its image.

    `edge_share` share of the surface that lies on the edge of the image, `stray_voxels` and `stray_share` outside the
    largest piece, `air_share` share of the voxels in air (NaN where the image shows none), `body_share` share of the
    body that lies inside, `flip_gain` edge contrast of the best mirrored contour over that of the contour itself.
    """

    edge_share: float
    stray_voxels: int
    stray_share: float
    air_share: float
    body_share: float
    flip_gain: float


def image_quality(image: Image) -> ImageQuality:
    """Return the measures of a volume.

    >>> noise = np.random.default_rng(0).normal(0, 5, (32, 32, 12)) + 100
    >>> 4 < image_quality(Image(noise, np.eye(4), "MR")).noise < 6
    True
    """
    full = image.values()
    hounsfield = image.unit == "HU"
    values, spacing = _thinned(full, image.spacing)
    body = body_of(image, values)
    signal = float(np.median(values[body])) if body.any() else NAN
    noise = _noise(image, full)
    mri = not hounsfield and image.unit == "" and signal > 0
    return ImageQuality(
        noise=noise,
        noise_share=noise / signal if mri else NAN,
        ghosting=_ghosting(values, body, signal, spacing) if mri else NAN,
        jitter_mm=_jitter(values, body, spacing),
        slice_jump=_slice_jump(values, body),
        repeated_slices=_repeated(full),
        metal_ml=float(np.count_nonzero(full > METAL_HU)) * image.grid.voxel_volume / 1000 if hounsfield else NAN,
    )


def _thinned(values: npt.NDArray[Any], spacing: tuple[float, float, float]) -> tuple[Any, tuple[float, float, float]]:
    """Return slices of at most 160 pixels a side (means of squares) as float32, and their spacing."""
    step = max(1, -(-max(values.shape[:2]) // 160))
    if step == 1:
        return np.asarray(values, dtype=np.float32), spacing
    wide, high = values.shape[0] // step, values.shape[1] // step
    if min(wide, high) < 1:
        return np.asarray(values, dtype=np.float32), spacing
    kept = np.asarray(values[: wide * step, : high * step], dtype=np.float32)
    squares = kept.reshape(wide, step, high, step, values.shape[2])
    return squares.mean(axis=(1, 3), dtype=np.float32), (spacing[0] * step, spacing[1] * step, spacing[2])


def _noise(image: Image, values: npt.NDArray[Any]) -> float:
    """Return the noise within the body, of at most 24 slices spread over the volume."""
    piece = values[:, :, :: -(-values.shape[2] // 24)]
    return noise_level(piece, body_of(image, piece))


def body_of(image: Image, values: npt.NDArray[Any] | None = None) -> BoolArray:
    """Return what is not air (i, j, k): above -500 HU, or Otsu's threshold."""
    array = image.values() if values is None else values
    if image.unit == "HU":
        return np.asarray(array > _AIR_HU)
    return np.asarray(array > otsu(array))


def _shows_air(image: Image, body: BoolArray) -> bool:
    """Return whether what is not body is air: in a cut-out of the body the threshold parts bright tissue from dark."""
    if image.unit == "HU":
        return True
    step = -(-image.shape[2] // 24)
    values, solid = image.values()[:, :, ::step], body[:, :, ::step]
    dark, bright = values[~solid], values[solid]
    return bool(dark.size and bright.size and np.median(dark) < _AIR_SIGNAL * np.median(bright))


def _ghosting(values: FloatArray | Any, body: BoolArray, signal: float, spacing: tuple[float, ...]) -> float:
    """Return the excess of the air beside the body along the worse axis over the other, relative to the signal.

    Motion and pulsation write ghosts along the direction of phase encoding alone, noise lies everywhere alike.
    """
    from scipy.ndimage import binary_dilation

    found = []
    for k in range(values.shape[2]):
        solid = body[:, :, k]
        if np.count_nonzero(solid) < 200:
            continue
        across, down = _bands(solid)
        # half-lit rims of the head are neither body nor air
        rim = binary_dilation(_filled(solid), iterations=max(2, round(6 / spacing[0])))
        beside, above = values[:, :, k][across & ~rim], values[:, :, k][down & ~rim]
        # tissue darker than the threshold (a cut-out without air around it) is not air
        dark = (
            max(float(np.median(beside)), float(np.median(above))) < _AIR_SIGNAL * signal
            if beside.size and above.size
            else 0
        )
        if dark and min(beside.size, above.size) >= 150 and not _blank(beside, above):
            found.append(abs(float(beside.mean()) - float(above.mean())) / signal)
    return float(np.median(found)) if len(found) >= 3 else NAN


def _bands(solid: BoolArray) -> tuple[BoolArray, BoolArray]:
    """Return voxels in line with the body along the first axis alone, and along the second alone."""
    counts = solid.sum(axis=1), solid.sum(axis=0)
    # single bright voxels of a ghost do not make a line part of the body
    rows, columns = (np.asarray(count > 0.08 * count.max()) for count in counts)
    beside = np.broadcast_to(columns[None, :] & ~rows[:, None], solid.shape)
    above = np.broadcast_to(rows[:, None] & ~columns[None, :], solid.shape)
    return np.asarray(beside), np.asarray(above)


def _filled(solid: BoolArray) -> BoolArray:
    """Return the smallest set that holds `solid` and has no gap along rows and columns."""
    one = np.maximum.accumulate(solid, 0) & np.maximum.accumulate(solid[::-1], 0)[::-1]
    two = np.maximum.accumulate(solid, 1) & np.maximum.accumulate(solid[:, ::-1], 1)[:, ::-1]
    return np.asarray(one | two)


def _blank(*parts: Any) -> bool:
    """Return whether the air was set to one value, as after skull stripping or masking: nothing is seen in it then."""
    return all(float(np.ptp(part)) == 0 for part in parts)


def _smooth(values: Any, steps: float) -> FloatArray:
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(values, (steps, steps, 0), mode="nearest"), dtype=np.float32)


def _jitter(values: Any, body: BoolArray, spacing: tuple[float, float, float]) -> float:
    """Return the typical in-plane displacement (mm) of a slice against the middle of both neighbours.

    One step of Lucas and Kanade (1981): the displacement that explains the difference best, from the gradients. A
    patient who lies askew moves all slices alike and is not counted.
    """
    if values.shape[2] < 6 or min(values.shape[:2]) < 16:
        return NAN
    smooth = _smooth(np.clip(values, *np.percentile(values, [0.5, 99.5])), 1.5)
    away = []
    for k in range(1, values.shape[2] - 1):
        if np.count_nonzero(body[:, :, k]) < 200:
            continue
        middle = (smooth[:, :, k - 1] + smooth[:, :, k + 1]) / 2
        move = _displacement(middle, smooth[:, :, k])
        away.append(float(np.hypot(move[0] * spacing[0], move[1] * spacing[1])))
    return float(np.median(away)) if len(away) >= 4 else NAN


def _displacement(first: FloatArray, second: FloatArray) -> FloatArray:
    across, down = np.gradient((first + second) / 2)
    change = (second - first).ravel()
    slopes = np.stack([across.ravel(), down.ravel()])
    normal = slopes @ slopes.T
    if np.linalg.det(normal) <= 1e-9 * max(float(np.trace(normal)) ** 2, 1e-30):
        return np.zeros(2)
    return np.asarray(np.linalg.solve(normal, -slopes @ change))


def _slice_jump(values: Any, body: BoolArray) -> float:
    """Return the largest difference between two neighbouring slices over the mean of the pair before and after."""
    change = _changes(values, body)
    if change.size < 7:
        return NAN
    around = (change[:-2] + change[2:]) / 2
    held = around > 0
    return float((change[1:-1][held] / around[held]).max()) if held.any() else NAN


def _changes(values: Any, body: BoolArray) -> FloatArray:
    """Return the mean absolute difference of neighbouring slices over both bodies, where they hold enough."""
    smooth = _smooth(values, 1.0)
    found = []
    for k in range(values.shape[2] - 1):
        both = body[:, :, k] | body[:, :, k + 1]
        if np.count_nonzero(both) >= 200:
            found.append(float(np.abs(smooth[:, :, k + 1] - smooth[:, :, k])[both].mean()))
    return np.array(found)


def _repeated(values: Any) -> float:
    """Return how many slices equal the one before, or hold one constant value between others that do not."""
    equal = [bool(np.array_equal(values[:, :, k], values[:, :, k + 1])) for k in range(values.shape[2] - 1)]
    constant = np.array([float(np.ptp(values[:, :, k])) == 0 for k in range(values.shape[2])])
    lit = np.flatnonzero(~constant)
    if not lit.size:
        return float(values.shape[2])
    inside = constant[lit[0] : lit[-1] + 1]
    doubled = [same and not constant[k] for k, same in enumerate(equal)]
    return float(sum(doubled) + int(inside.sum()))


def mask_quality(image: Image, mask: Mask) -> MaskQuality:
    """Return the measures of a contour on its image; raises as `Mask.on` does.

    >>> image = Image(np.zeros((9, 9, 9)), np.eye(4), "CT", "HU")
    >>> inside = np.zeros((9, 9, 9), np.uint8); inside[3:6, 3:6, :3] = 1
    >>> round(mask_quality(image, Mask(inside, np.eye(4))).edge_share, 3)
    0.167
    """
    inside = mask.on(image).inside()
    box = bounding_box(inside)
    body = body_of(image)
    count, in_body = int(np.count_nonzero(inside)), int(np.count_nonzero(inside & body))
    stray = _stray(inside[box])
    return MaskQuality(
        edge_share=_edge_share(inside, box),
        stray_voxels=stray,
        stray_share=stray / count,
        air_share=1 - in_body / count if _shows_air(image, body) else NAN,
        body_share=in_body / max(int(np.count_nonzero(body)), 1),
        flip_gain=_flip_gain(image, inside, box),
    )


def _edge_share(inside: BoolArray, box: tuple[slice, slice, slice]) -> float:
    small = np.pad(inside[box], 1)
    faces = sum(int(np.count_nonzero(np.diff(small.astype(np.int8), axis=axis))) for axis in range(3))
    cut = 0
    for axis, size in enumerate(inside.shape):
        # a single slice has no depth that an edge could cut
        if size == 1:
            continue
        cut += int(np.count_nonzero(inside.take(0, axis))) + int(np.count_nonzero(inside.take(size - 1, axis)))
    return cut / faces


def _stray(small: BoolArray) -> int:
    from scipy.ndimage import label

    pieces, count = label(small, np.ones((3, 3, 3)))
    sizes = np.bincount(pieces.ravel())[1:]
    return int(sizes.sum() - sizes.max()) if count > 1 else 0


def _flip_gain(image: Image, inside: BoolArray, box: tuple[slice, slice, slice]) -> float:
    """Return the best edge contrast of the contour mirrored in the image over its own; below 1 when it fits best."""
    values = np.asarray(image.values())
    own = _contrast(values, inside, box)
    others = []
    for axis in range(3):
        if inside.shape[axis] < 2:
            continue
        mirrored = np.flip(inside, axis)
        place = list(box)
        size = inside.shape[axis]
        place[axis] = slice(size - box[axis].stop, size - box[axis].start)
        others.append(_contrast(values, mirrored, (place[0], place[1], place[2])))
    return max(others) / max(own, 0.05) if others else NAN


def _contrast(values: Any, inside: BoolArray, box: tuple[slice, slice, slice]) -> float:
    """Return how much better the voxels just inside are parted from those just outside than chance (0 to 1)."""
    from scipy.ndimage import binary_dilation, binary_erosion

    wide = tuple(
        slice(max(0, piece.start - 3), min(size, piece.stop + 3)) for piece, size in zip(box, inside.shape, strict=True)
    )
    region, seen = inside[wide], np.asarray(values[wide], dtype=np.float64)
    inner = region & ~binary_erosion(region, iterations=2, border_value=1)
    outer = binary_dilation(region, iterations=2) & ~region
    if inner.sum() < 8 or outer.sum() < 8:
        return 0.0
    spread = np.sqrt((seen[inner].var() + seen[outer].var()) / 2)
    gap = abs(float(seen[inner].mean() - seen[outer].mean()))
    return float(gap / (gap + spread)) if gap + spread > 0 else 0.0
