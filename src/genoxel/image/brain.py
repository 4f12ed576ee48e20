"""A mask of the brain from a template, without any network or downloaded weights.

The template is the MNI152 brain of nilearn (extra `brain`), which lies inside that package. It has no skull, so that
intensities alone pull it into the scalp. Instead the outline of the head says where it lies (`heads`), and its surface
then moves to the edge of the brain: where tissue as bright as the brain meets something darker (fluid, skull) without
anything dark before it. First all points move together (affine), then neighbours do.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import InputError
from genoxel.core.extras import require
from genoxel.core.image import FloatArray, Grid, Image, Step
from genoxel.core.mask import Mask
from genoxel.image.heads import BoolArray, depth_of, find_head, signed_distance

LEAST_EDGE = 0.12
"""Below this mean contrast at its surface (0 to 1, relative to the brain) a brain is refused."""
BRAIN_ML = (700.0, 2200.0)
"""Volumes of a brain with its fluid that are plausible from the age of about two on."""

_STEP_MM = 2.0
_WIDE, _NARROW, _LAST = (-12, 4), (-6, 3), (-6, 4)
"""How far (mm) inwards and outwards of the surface its edge is sought."""
_BEFORE, _AFTER = 14, 6
_DARK = 0.7
"""Of the brain's brightness; darker before an edge means that the skull was crossed."""
_STEM_MM = 25.0


@dataclass(frozen=True, eq=False)
class Template:
    """A brain: its image without skull, and its mask on the same grid."""

    name: str
    image: Image
    brain: Mask


@lru_cache(maxsize=1)
def mni_template() -> Template:
    """Return the MNI152 (2009a, symmetric, T1) template at 2 mm; `MissingExtraError` without nilearn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = require("nilearn.datasets", "brain")
        head, brain = data.load_mni152_template(resolution=2), data.load_mni152_brain_mask(resolution=2)
    # RAS of NIfTI to LPS
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ np.asarray(head.affine, dtype=np.float64)
    image = Image(np.asarray(head.dataobj, dtype=np.float32), affine, "MR")
    inside = (np.asarray(brain.dataobj) > 0).astype(np.uint8)
    return Template("MNI152 (nilearn)", image, Mask(inside, affine, {1: "brain"}))


def brain_mask(image: Image, template: Template | None = None) -> Mask:
    """Return the brain in a head `image` of any MR sequence; how well the template fits stands in the history.

    Step "brain": template, residual_mm (of the head's outline), edge (mean contrast at the surface, relative to the
    brain), volume in ml, to_atlas (the affine from the patient to the template, both LPS in mm). Raises `InputError`
    where one of them says that the template does not fit; `MissingExtraError` without nilearn.
    """
    known = template or mni_template()
    inside, quality, forth = _carried(image, known)
    quality["volume_ml"] = round(float(inside.sum()) * image.grid.voxel_volume / 1000, 3)
    low, high = BRAIN_ML
    if quality["edge"] < LEAST_EDGE or not low <= quality["volume_ml"] <= high:
        raise InputError(
            f"a brain of {quality['volume_ml']:.0f} ml found with an edge of {quality['edge']:.2f}",
            f"{low:.0f} to {high:.0f} ml, an edge from {LEAST_EDGE:g} on",
            "look at the image: a whole head is needed; else strip the skull elsewhere and leave brain out",
        )
    step = Step("brain", {"template": known.name, **quality, "to_atlas": np.linalg.inv(forth).tolist()})
    return Mask(inside.astype(np.uint8), image.affine, {1: "brain"}, (step,))


def atlas_matrix(image: Image, template: Template | None = None) -> FloatArray:
    """Return the affine (4, 4) from the patient of a head `image` to the template, both LPS in mm.

    Raises as `brain_mask` does: the brain is found with it, so that a template that does not fit is refused here too.
    """
    return np.array(brain_mask(image, template).history[-1].params["to_atlas"], dtype=np.float64)


@dataclass(frozen=True, eq=False)
class _Fit:
    """The template on an image: `forth` (4, 4) template to patient, `edge` its contrast, `pictured` what was seen."""

    forth: FloatArray
    edge: float
    pictured: tuple[FloatArray, Grid]
    residual_mm: float


def _fitted(image: Image, template: Template) -> _Fit:
    head = find_head(image)
    points, normals = _surface(template)
    forth: FloatArray = np.asarray(np.linalg.inv(head.matrix), dtype=np.float64)
    edge = 0.0
    pictured = _pictured(image, forth, template)
    for turn in range(10):
        if turn == 5:
            pictured = _pictured(image, forth, template)
        places, outward = _placed(forth, points, normals)
        moves, weights = _moves(pictured, places, outward, _WIDE if turn < 5 else _NARROW)
        forth = np.asarray(_together(places, outward, moves, weights) @ forth, dtype=np.float64)
        edge = float(weights.mean())
    return _Fit(forth, edge, pictured, head.residual_mm)


def _carried(image: Image, template: Template) -> tuple[BoolArray, dict[str, float], FloatArray]:
    """Return the template's brain on the grid of `image`, how well it fits, and the affine (4, 4) that laid it so."""
    found = _fitted(image, template)
    places, outward = _placed(found.forth, *_surface(template))
    reach, edge = _bent(found.pictured, places, outward)
    inside = _one_piece(_inside(image.grid, found.forth, template, (places, reach[:, None] * outward)))
    return inside, {"residual_mm": round(found.residual_mm, 3), "edge": round(edge, 6)}, found.forth


@lru_cache(maxsize=2)
def _distances(template: Template) -> tuple[npt.NDArray[np.float32], Grid]:
    """Return the signed distance (mm) to the template's brain with room around it, and its grid."""
    room = 40
    affine = np.array(template.brain.affine)
    affine[:3, 3] = template.brain.grid.to_patient([[-room] * 3])[0]
    inside = np.pad(template.brain.inside(), room)
    distances = signed_distance(inside, template.brain.spacing)
    return distances, Grid((inside.shape[0], inside.shape[1], inside.shape[2]), affine)


@lru_cache(maxsize=2)
def _surface(template: Template) -> tuple[FloatArray, FloatArray]:
    """Return points (n, 3) in mm on the surface of the template's brain (no stem), and outward normals."""
    from scipy.ndimage import gaussian_filter, map_coordinates
    from skimage.measure import marching_cubes

    soft = gaussian_filter(np.pad(template.brain.inside(), 2).astype(np.float64), 1.0)
    places = template.brain.grid.to_patient(marching_cubes(soft, 0.5, step_size=2)[0] - 2)
    distances, grid = _distances(template)
    slopes = np.gradient(gaussian_filter(distances, 2.0))
    index = grid.to_voxel(places).T
    normals = np.stack([map_coordinates(slope, index, order=1) for slope in slopes], axis=-1)
    normals = normals @ np.linalg.inv(grid.affine[:3, :3])
    kept = places[:, 2] > places[:, 2].min() + _STEM_MM
    return places[kept], _of_length_one(normals[kept])


def _of_length_one(vectors: FloatArray) -> FloatArray:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1), 1e-12)[:, None])


def _placed(forth: FloatArray, points: FloatArray, normals: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return points and normals of the template in the patient."""
    return points @ forth[:3, :3].T + forth[:3, 3], _of_length_one(normals @ np.linalg.inv(forth[:3, :3]))


def _pictured(image: Image, forth: FloatArray, template: Template) -> tuple[FloatArray, Grid]:
    """Return the image at 2 mm with the brain at 1; what is much brighter (fat, vessels) falls as it rises."""
    from scipy.ndimage import gaussian_filter

    from genoxel.image.resample import resample

    small = resample(Image(image.values().astype(np.float64), image.affine), (_STEP_MM,) * 3)
    places = small.grid.to_patient(np.argwhere(np.ones(small.shape, dtype=bool)))
    back = np.linalg.inv(forth)
    deep = depth_of(places @ back[:3, :3].T + back[:3, 3], *_distances(template)).reshape(small.shape) < -10
    values = small.values()
    low = float(np.percentile(values, 2))
    level = float(np.median(values[deep])) if deep.any() else low
    if level <= low:
        raise InputError("no brain where the outline of the head has it", "a brighter brain than air", "look at it")
    scaled = np.maximum((values - low) / (level - low), 0.0)
    folded = np.where(scaled > 1.3, np.maximum(0.3, 2.3 - scaled), np.minimum(scaled, 1.0))
    return np.asarray(gaussian_filter(folded, 0.5)), small.grid


def _moves(
    pictured: tuple[FloatArray, Grid], places: FloatArray, outward: FloatArray, reach: tuple[int, int]
) -> tuple[FloatArray, FloatArray]:
    """Return how far (mm) each point should move along its normal to the best edge within `reach`, and its contrast.

    The contrast is the mean over 5 mm before the edge less that over 5 mm behind, less twice what the darkest place
    of the 12 mm before falls below 0.7; far moves count a little less.
    """
    from scipy.ndimage import map_coordinates

    values, grid = pictured
    offsets = np.arange(reach[0] - _BEFORE, reach[1] + _AFTER + 1, dtype=np.float64)
    rays = (places[:, None] + offsets[None, :, None] * outward[:, None]).reshape(-1, 3)
    seen = map_coordinates(values, grid.to_voxel(rays).T, order=1, cval=np.nan).reshape(len(places), -1)
    known = np.isfinite(seen)
    sums = np.cumsum(np.pad(np.where(known, seen, 0.0), ((0, 0), (1, 0))), axis=1)
    shown = np.where(known, seen, 1.0)
    steps = np.arange(reach[0], reach[1] + 1)
    score = np.empty((len(places), steps.size))
    for place, step in enumerate(steps):
        here = _BEFORE + place
        before, behind = (sums[:, here] - sums[:, here - 5]) / 5, (sums[:, here + 6] - sums[:, here + 1]) / 5
        dark = np.maximum(0.0, _DARK - shown[:, here - 12 : here - 1].min(axis=1))
        off = ~known[:, here - 5 : here + 6].all(axis=1)
        score[:, place] = np.minimum(before, 1) - np.minimum(behind, 1) - 2 * dark - off - 0.15 * (step / 12) ** 2
    best = score.argmax(axis=1)
    return steps[best].astype(np.float64), np.maximum(score[np.arange(len(places)), best], 0.0)


def _together(places: FloatArray, outward: FloatArray, moves: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the affine (4, 4) that moves all points along their normals as wanted, outliers held down."""
    middle = places.mean(axis=0)
    turns = np.einsum("ij,ik->ijk", outward, places - middle).reshape(len(places), 9) / 50
    table = np.concatenate([outward, turns], axis=1)
    held = weights / np.maximum(1.0, np.abs(moves - np.median(moves)) / 4)
    normal = table.T @ (table * held[:, None]) + np.diag([1e-9] * 3 + [0.02 * held.sum() + 1e-9] * 9)
    found = np.linalg.solve(normal, table.T @ (held * moves))
    whole = np.eye(4)
    whole[:3, :3] += found[3:].reshape(3, 3) / 50
    whole[:3, 3] = found[:3] + middle - whole[:3, :3] @ middle
    return whole


def _bent(pictured: tuple[FloatArray, Grid], places: FloatArray, outward: FloatArray) -> tuple[FloatArray, float]:
    """Return how far (mm) each point moves when only its neighbours (6 mm) hold it, and the mean contrast there."""
    from scipy.spatial import cKDTree

    away, near = cKDTree(places).query(places, k=40)
    reach, contrast = np.zeros(len(places)), 0.0
    for _ in range(3):
        moves, weights = _moves(pictured, places + reach[:, None] * outward, outward, _LAST)
        share = np.exp(-(away**2) / 72) * (weights[near] + 1e-3)
        reach = (share * (reach + moves)[near]).sum(axis=1) / (share.sum(axis=1) + 0.15)
        contrast = float(weights.mean())
    return reach, contrast


def _inside(
    grid: Grid, forth: FloatArray, template: Template, bend: tuple[FloatArray, FloatArray]
) -> npt.NDArray[np.bool_]:
    """Return which voxels of `grid` lie in the template's brain laid by `forth`, moved by `bend` at its surface."""
    from scipy.spatial import cKDTree

    back = np.linalg.inv(forth)
    distances = _distances(template)
    found = np.zeros(grid.shape, dtype=bool)
    tree = cKDTree(bend[0])
    rows = np.argwhere(np.ones(grid.shape[:2], dtype=bool))
    for k in range(grid.shape[2]):
        places = grid.to_patient(np.column_stack([rows, np.full(len(rows), k)]))
        depth = depth_of(places @ back[:3, :3].T + back[:3, 3], *distances)
        band = np.abs(depth) < 16
        if band.any():
            away, near = tree.query(places[band], k=8)
            share = np.exp(-(away**2) / 50) + 1e-9
            moved = (share[..., None] * bend[1][near]).sum(axis=1) / share.sum(axis=1)[:, None]
            depth[band] = depth_of((places[band] - moved) @ back[:3, :3].T + back[:3, 3], *distances)
        found[:, :, k] = (depth <= 0).reshape(grid.shape[:2])
    return found


def _one_piece(inside: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    from scipy.ndimage import binary_fill_holes, label

    pieces, count = label(inside)
    if count > 1:
        inside = np.asarray(pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:])))
    return np.asarray(binary_fill_holes(inside))


__all__ = ["BRAIN_ML", "LEAST_EDGE", "Template", "atlas_matrix", "brain_mask", "mni_template"]
