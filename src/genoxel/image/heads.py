"""Where a head lies: its outline laid on that of a standard head, by shape alone, so that any CT or MR sequence serves.

The standard head is four ellipsoids that stand for the MNI152 brain (Dice 0.95 with it), under a skull and scalp of 15
mm. The skin of the upper head is found by a threshold and laid on it: shift, turn and three scales by least squares
with outlying points held down (Huber 1981), from five nods; the tip of the nose, where one is seen, tells the nod. No
template file, no weights, no search over intensities.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import InputError
from genoxel.core.image import FloatArray, Grid, Image

BoolArray = npt.NDArray[np.bool_]

SKIN_MM = 15.0
"""From the surface of the brain to the skin over the vault: fluid, skull and scalp of adults."""
FARTHEST_MM = 6.0
"""Where the 75th percentile of the distance of skin to the standard head is larger, it is no head that this fits."""
SCALES = (0.78, 1.28)
"""Sizes of the standard head over those of the head beyond which it is none, or one of a small child."""
SLOPE_MM = 66.0
_UPPER_MM = 85.0
"""Below the vertex; what lies deeper (ears, nose, neck) has no part in the fit."""
_LEAST_MM = 70.0
_EVEN_MM = 3.0
_WIDEST_MM = (230.0, 290.0)
"""Across and along; a wider body is no head, and nothing is fitted to it."""
_NOSE = np.array([0.0, -108.0, -78.0])
_NOSE_SPREAD = np.array([15.0, 8.0, 7.0])
"""Tip of the nose of the standard head, and how far off (mm) it usually is."""
_PROMINENT_MM = 14.0
"""A nose stands out from the cheeks by more; a chin or a forehead by less."""
_NODS = (-20.0, -10.0, 0.0, 10.0, 20.0)
_SPREADS = np.array([8.0, 8.0, 8.0, 0.05, 0.05, 0.05])
"""Deviations of nod, tilt and turn (degrees) and of the three scales (log) that are usual."""

# centre (x to either side) and half axes in mm (LPS, origin at the anterior commissure)
_ELLIPSOIDS = (
    (10, 26, 15, 63, 77, 63),
    (36, 3, -20, 30, 30, 30),
    (20, 59, -30, 36, 34, 34),
    (8, -27, 9, 50, 45, 44),
)


@dataclass(frozen=True)
class Head:
    """How a head lies: `matrix` (4, 4) from the patient (LPS, mm) to the standard head (MNI, LPS, mm).

    `residual_mm`: the 75th percentile of the distance between its skin and that of the standard head.
    """

    matrix: FloatArray
    residual_mm: float

    def standard(self, points: FloatArray) -> FloatArray:
        """Return `points` (n, 3) of the patient in the standard head."""
        return np.asarray(points @ self.matrix[:3, :3].T + self.matrix[:3, 3])

    def brain_distance(self, points: FloatArray) -> npt.NDArray[np.float32]:
        """Return how far `points` (n, 3) of the patient lie outside the brain (below 0: inside), in standard mm."""
        return depth_of(self.standard(points), *standard_brain())


def face(points: FloatArray) -> BoolArray:
    """Return which `points` (n, 3) of the standard head belong to the face: eyes, nose, mouth, chin, cheeks, jaw.

    All below the slope from the glabella through the roof of the orbits, in front of the ears; the forehead stays.

    >>> face(np.array([[0.0, -95.0, -45.0], [30.0, -60.0, -38.0], [0.0, -60.0, 0.0]])).tolist()
    [True, True, False]
    """
    front, height = -points[:, 1], points[:, 2]
    return np.asarray((height < front - SLOPE_MM) & (front > -10))


@lru_cache(maxsize=1)
def standard_brain() -> tuple[npt.NDArray[np.float32], Grid]:
    """Return the signed distance (mm) to the surface of the standard brain on a lattice of 2 mm, and its grid."""
    low, high = np.array([-125.0, -155.0, -130.0]), np.array([125.0, 185.0, 150.0])
    size = np.rint((high - low) / 2).astype(int) + 1
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = low
    axes = [low[axis] + 2 * np.arange(size[axis]) for axis in range(3)]
    inside = np.zeros(tuple(size), dtype=bool)
    for x, y, z, wide, long, tall in _ELLIPSOIDS:
        across = ((np.abs(axes[0]) - x) / wide) ** 2
        deep, up = ((axes[1] - y) / long) ** 2, ((axes[2] - z) / tall) ** 2
        inside |= across[:, None, None] + deep[None, :, None] + up[None, None, :] < 1
    return signed_distance(inside, 2.0), Grid((int(size[0]), int(size[1]), int(size[2])), affine)


def signed_distance(inside: BoolArray, spacing: Any) -> npt.NDArray[np.float32]:
    """Return the distance (mm) to the surface of `inside`, below 0 within."""
    from scipy.ndimage import distance_transform_edt

    outer = distance_transform_edt(~inside, sampling=spacing)
    return np.asarray(outer - distance_transform_edt(inside, sampling=spacing), dtype=np.float32)


def depth_of(points: FloatArray, distances: npt.NDArray[Any], grid: Grid) -> npt.NDArray[np.float32]:
    """Return `distances` (on `grid`) at `points` (n, 3)."""
    from scipy.ndimage import map_coordinates

    return np.asarray(map_coordinates(distances, grid.to_voxel(points).T, order=1, mode="nearest"), dtype=np.float32)


_AROUND_MM = 20.0
FACE_FREE_MM = 3.0
"""So far from the brain nothing is taken for the face, wherever the slope runs."""


def face_voxels(grid: Grid, head: Head) -> BoolArray:
    """Return which voxels of `grid` (i, j, k) belong to the face of `head`; none within 3 mm of its brain."""
    found = np.zeros(grid.shape, dtype=bool)
    rows = np.argwhere(np.ones(grid.shape[:2], dtype=bool))
    for k in range(grid.shape[2]):
        found[:, :, k] = face_at(grid.to_patient(np.column_stack([rows, np.full(len(rows), k)])), head).reshape(
            grid.shape[:2]
        )
    return found


def face_at(points: FloatArray, head: Head) -> BoolArray:
    """Return which `points` (n, 3) of the patient belong to the face of `head`."""
    found = face(head.standard(points))
    if found.any():
        found[found] = head.brain_distance(points[found]) > FACE_FREE_MM
    return found


def hidden_in_pictures(image: Image, around: BoolArray, head: bool | None) -> BoolArray | None:
    """Return what no picture of `image` may show, (i, j, k), or None where nothing need be hidden.

    The face, where the outline of a head is found. Where none is found but one could be in the image (`head`: True
    where the file says so, None where it says nothing), all that lies more than 20 mm from the region `around`.
    """
    from scipy.ndimage import distance_transform_edt

    if head is False:
        return None
    try:
        return face_voxels(image.grid, find_head(image))
    except InputError:
        if head is None and not _narrow(image):
            return None
    return np.asarray(distance_transform_edt(~around, sampling=image.spacing) > _AROUND_MM)


def _narrow(image: Image) -> bool:
    """Return whether the body in `image` is no wider than a head."""
    places = np.argwhere(head_of(_even(image))) * _EVEN_MM
    return bool(len(places)) and bool((np.ptp(places, axis=0)[:2] <= _WIDEST_MM).all())


def find_head(image: Image) -> Head:
    """Return how the head of `image` (CT or MR) lies; `InputError` where nothing in it has the outline of a head.

    At least 70 mm of the head below its vertex must be in the image.
    """
    whole, nose = _skin(image)
    top = float(whole[:, 2].max())
    middle = (whole[:, :2].min(axis=0) + whole[:, :2].max(axis=0)) / 2
    anchor = np.array([middle[0], middle[1], top - SKIN_MM])
    starts = [np.array([0.0, 0, 0, nod, 0, 0, 0, 0, 0]) for nod in _NODS]
    thin = whole[:: max(1, len(whole) // 300)]
    start = min((_laid(thin, nose, (anchor, one), 15) for one in starts), key=lambda one: one[0])[1]
    values = _laid(whole, nose, (anchor, start), 40)[1]
    found = Head(_matrix(values, anchor), float(np.percentile(np.abs(_away(values, whole, anchor)), 75)))
    _refuse_other(found)
    return found


def _laid(
    skin: FloatArray, nose: FloatArray | None, begin: tuple[FloatArray, FloatArray], most: int
) -> tuple[float, FloatArray]:
    """Return the cost and the values of the best fit of `skin` and `nose`; `begin`: the anchor, and values to start."""
    from scipy.optimize import least_squares

    anchor, start = begin
    weight = np.sqrt(len(skin))

    def wanted(values: FloatArray) -> FloatArray:
        parts = [_held(_away(values, skin, anchor)), weight * values[3:] / _SPREADS]
        if nose is not None:
            whole = _matrix(values, anchor)
            parts.append(weight * (whole[:3, :3] @ nose + whole[:3, 3] - _NOSE) / _NOSE_SPREAD)
        return np.concatenate(parts)

    found = least_squares(wanted, start, max_nfev=most)
    return float(found.cost), np.asarray(found.x)


def _held(away: FloatArray) -> FloatArray:
    """Return distances whose squares grow only in proportion beyond 4 mm, so that ears and folds count little."""
    return np.asarray(np.sign(away) * np.sqrt(32.0 * (np.sqrt(1 + (away / 4.0) ** 2) - 1)))


def _matrix(values: FloatArray, anchor: FloatArray) -> FloatArray:
    """Return the matrix of shift (mm), turns (degrees) and scales (log) around `anchor`, the top of the brain."""
    from scipy.spatial.transform import Rotation

    whole = np.eye(4)
    whole[:3, :3] = Rotation.from_euler("xyz", values[3:6], degrees=True).as_matrix() @ np.diag(np.exp(values[6:]))
    whole[:3, 3] = np.array([0.0, 20.0, 78.0]) + values[:3] - whole[:3, :3] @ anchor
    return whole


def _away(values: FloatArray, skin: FloatArray, anchor: FloatArray) -> FloatArray:
    """Return how far each point of `skin` lies off the skin of the standard head, in mm of the patient."""
    whole = _matrix(values, anchor)
    found = depth_of(skin @ whole[:3, :3].T + whole[:3, 3], *standard_brain()) / np.exp(values[6:].mean())
    return np.asarray(found - SKIN_MM, dtype=np.float64)


def _refuse_other(found: Head) -> None:
    scales = np.linalg.norm(found.matrix[:3, :3], axis=0)
    if found.residual_mm > FARTHEST_MM or scales.min() < SCALES[0] or scales.max() > SCALES[1]:
        sizes = ", ".join(f"{scale:.2f}" for scale in scales)
        raise InputError(
            f"skin that lies {found.residual_mm:.1f} mm off a standard head scaled by {sizes}",
            f"{FARTHEST_MM:g} mm at most, scales of {SCALES[0]:g} to {SCALES[1]:g}: a head from the vertex down",
            "look at the image: cut off, padded, turned, or no head?",
        )


def _nose(body: BoolArray, grid: Grid, top: float) -> FloatArray | None:
    """Return the tip of the nose (3,) in mm: where the middle of the face stands out most from the cheeks beside it.

    None where nothing stands out by 14 mm: the nose lies outside the image, or was taken out.
    """
    places = grid.to_patient(np.argwhere(body))
    front = grid.to_patient([[0, 0, 0], [size - 1 for size in grid.shape]])[:, 1].min()
    low = places[:, 2] < top - 80
    if low.sum() < 200:
        return None
    middle = float(places[~low][:, 0].min() + places[~low][:, 0].max()) / 2
    best, tip = _PROMINENT_MM, None
    for height in np.arange(top - 190, top - 80, _EVEN_MM):
        slab = places[np.abs(places[:, 2] - height) <= _EVEN_MM]
        off = np.abs(slab[:, 0] - middle)
        centre, cheek = slab[off < 8], slab[(off > 26) & (off < 34)]
        if len(centre) and len(cheek) and (ahead := float(cheek[:, 1].min() - centre[:, 1].min())) > best:
            best, tip = ahead, np.array([middle, float(centre[:, 1].min()), height])
    # a nose that the edge of the image cuts has no tip
    return None if tip is None or tip[1] < front + 2 * _EVEN_MM else tip


def _skin(image: Image, most: int = 2500) -> tuple[FloatArray, FloatArray | None]:
    """Return points (n, 3) of the skin of the upper head in mm, and the tip of the nose where it is seen.

    What the edge of the image cuts is no skin.
    """
    small = _even(image)
    body = head_of(small)
    places = np.argwhere(body & ~_eroded(body))
    where = small.grid.to_patient(places)
    if not len(where):
        raise InputError("an image without a body", "a head", "check the series")
    top, bottom = float(where[:, 2].max()), float(where[:, 2].min())
    size = np.array(body.shape)
    # a cut vertex is no vertex, but its slice in the image can be the last one
    at_edge = np.any((places == 0) | (places == size - 1), axis=1)
    kept = where[(where[:, 2] > top - _UPPER_MM) & ~at_edge]
    if top - bottom < _LEAST_MM or len(kept) < 200:
        raise InputError(
            f"{top - bottom:.0f} mm of a body", f"{_LEAST_MM:g} mm of a head below its vertex", "a whole head is needed"
        )
    wide, long = np.ptp(kept[:, 0]), np.ptp(kept[:, 1])
    if wide > _WIDEST_MM[0] or long > _WIDEST_MM[1]:
        raise InputError(f"a body {wide:.0f} mm across", f"a standard head of {_WIDEST_MM[0]:g} mm at most", "no head?")
    return np.asarray(kept[:: max(1, len(kept) // most)]), _nose(body, small.grid, top)


def _even(image: Image) -> Image:
    from genoxel.image.resample import resample

    plain = Image(image.values().astype(np.float64), image.affine, image.modality, image.unit)
    return resample(plain, (_EVEN_MM,) * 3)


def head_of(image: Image) -> BoolArray:
    """Return the largest solid piece of `image` (i, j, k), its hollows filled slice by slice."""
    from scipy.ndimage import binary_closing, binary_fill_holes, binary_opening, gaussian_filter, label

    smooth = gaussian_filter(image.values(), 1.0)
    low, high = np.percentile(smooth, [2, 98])
    # the scalp's share of the air of an MR image is small, and so is a tenth of the brightest tissue
    body = smooth > (-300.0 if image.unit == "HU" else low + 0.1 * (high - low))
    body = binary_opening(body, iterations=2)
    pieces, count = label(body)
    if not count:
        return np.zeros(image.shape, dtype=bool)
    body = pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
    body = binary_closing(np.pad(body, 6), iterations=5)[6:-6, 6:-6, 6:-6]
    return np.stack([binary_fill_holes(body[:, :, k]) for k in range(body.shape[2])], axis=2)


def _eroded(body: BoolArray) -> BoolArray:
    from scipy.ndimage import binary_erosion

    return np.asarray(binary_erosion(body, border_value=1))
