"""The brain carried over from a template: heads whose brain is known, and heads that are not like the template."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage

from genoxel.core.errors import InputError
from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.image.brain import Template, brain_mask, mni_template
from genoxel.image.intensity import zscore
from genoxel.simulate import SimulationSpec, phantom

pytest.importorskip("nilearn", reason="the extra brain")


def warped_head(seed: int, bend_mm: float = 4.0) -> tuple[Image, npt.NDArray[np.bool_]]:
    """A template head with skull, scalp, noise and shading, bent by a random affine and a smooth field of 4 mm (SD)."""
    rng = np.random.default_rng(seed)
    template = mni_template()
    brain = np.pad(template.brain.inside(), 14)
    picture = np.pad(template.image.values(), 14).astype(float)
    away = ndimage.distance_transform_edt(~brain, sampling=2.0)
    scalp = (away > 7) & (away <= 14 + 90 * ndimage.gaussian_filter(rng.normal(size=brain.shape), 8))
    head = np.where(brain, picture / picture.max(), 0)
    head[~brain & (away <= 7)], head[scalp] = 0.08, 0.8
    middle = ((np.array(brain.shape) - 1) / 2)[:, None, None, None]
    bend = np.stack([ndimage.gaussian_filter(rng.normal(size=brain.shape), 12) for _ in range(3)])
    turn = np.eye(3) + rng.normal(0, 0.05, (3, 3))
    places = np.tensordot(turn, np.indices(brain.shape) - middle, 1) + middle + bend_mm / 2 * bend / bend.std()
    places += rng.normal(0, 4, 3)[:, None, None, None]
    shown = ndimage.map_coordinates(head, places, order=1)
    truth = ndimage.map_coordinates(brain.astype(float), places, order=1) >= 0.5
    shade = 1 + 0.25 * np.linspace(-1, 1, brain.shape[0])[:, None, None]
    values = np.abs(shown * shade * 900 + rng.normal(0, 25, brain.shape))
    return Image(values.astype(np.float32), template.image.affine, "MR"), truth


def dice(one: npt.NDArray[np.bool_], two: npt.NDArray[np.bool_]) -> float:
    return float(2 * (one & two).sum() / (one.sum() + two.sum()))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [10, 11])
@pytest.mark.timeout(1200)
def test_the_brain_of_a_bent_template_head_is_found(seed: int):
    image, truth = warped_head(seed)
    found = brain_mask(image)
    assert dice(found.inside(), truth) > 0.93
    assert found.history[-1].params["edge"] > 0.3
    done = zscore(image, "brain", brain=found)
    assert done.values()[found.inside()].mean() == pytest.approx(0, abs=1e-6)
    assert done.history[-1].params["rule"] == "inside the brain mask"


@pytest.mark.slow
def test_the_brain_of_a_real_head_is_found_and_holds_its_tumour(real_data):
    """T1 after contrast in slices of 6.5 mm, with eyes, jaw and neck; its contour is a tumour of the cortex."""
    from genoxel.io.nrrd import read_nrrd, read_nrrd_mask

    folder = real_data("pyradiomics")
    image = read_nrrd(folder / "brain1_image.nrrd", "MR")
    found = brain_mask(image)
    tumour = read_nrrd_mask(folder / "brain1_label.nrrd").on(image).inside()
    assert 1400 < found.history[-1].params["volume_ml"] < 1900
    assert found.inside()[tumour].mean() > 0.97
    # air and fat are no brain: the darkest and the brightest parts of the image hold none of it
    values = image.values()[found.inside()]
    assert np.mean(values < 0.3 * np.median(values)) < 0.05
    assert np.mean(values > 2 * np.median(values)) < 0.03


@pytest.mark.slow
def test_a_lesion_of_a_known_place_is_found_there_in_the_atlas():
    """The head is the template under a known affine; the lesion is a ball around a place of the atlas."""
    from genoxel.image.atlas import lesion_in_atlas
    from genoxel.image.brain import atlas_matrix

    image, _ = warped_head(21, bend_mm=0.0)
    rng = np.random.default_rng(21)
    shape = np.array(mni_template().brain.shape) + 28
    rng.normal(size=shape), [rng.normal(size=shape) for _ in range(3)]
    turn, shift = np.eye(3) + rng.normal(0, 0.05, (3, 3)), rng.normal(0, 4, 3)
    middle = (shape - 1) / 2
    for wanted in ([30.0, 20.0, 30.0], [-40.0, -30.0, 10.0], [10.0, -60.0, 20.0]):
        # voxel of the padded template, then the voxel of the head that shows it
        seen = mni_template().image.grid.to_voxel(np.array([wanted]) * [-1, -1, 1])[0] + 14
        place = np.linalg.solve(turn, seen - shift - middle) + middle
        away = np.linalg.norm(np.indices(image.shape) - place[:, None, None, None], axis=0)
        lesion = Mask((away < 4).astype(np.uint8), image.affine)
        found = lesion_in_atlas(lesion, atlas_matrix(image))
        assert np.linalg.norm(np.array([found["x"], found["y"], found["z"]]) - wanted) < 3


def test_what_is_no_head_is_refused_with_the_numbers():
    with pytest.raises(InputError, match="standard head"):
        brain_mask(phantom(SimulationSpec(n=4, modality="ct"), 0).images["CT"])
    noise = np.random.default_rng(0).normal(100, 10, (60, 60, 10))
    with pytest.raises(InputError, match="70 mm of a head"):
        brain_mask(Image(noise, np.diag([3.0, 3.0, 3.0, 1.0]), "MR"))


def test_the_template_comes_with_its_package_and_lies_in_the_patient_as_stated():
    template = mni_template()
    assert template.brain.count() * template.brain.grid.voxel_volume / 1000 == pytest.approx(1880, rel=0.02)
    middle = template.image.grid.to_patient(np.argwhere(template.brain.inside())).mean(axis=0)
    # MNI: the origin is the anterior commissure; the brain's middle lies behind (LPS: y above 0) and above it
    assert abs(middle[0]) < 2
    assert 10 < middle[1] < 30
    assert 0 < middle[2] < 20
    assert isinstance(template, Template)
    assert isinstance(template.brain, Mask)
