"""The outline of heads, and their faces: found by shape alone, hidden in pictures, told apart from other bodies."""

from __future__ import annotations

import numpy as np
import pytest

from drawn_head import KINDS, drawn
from genoxel.core.errors import InputError
from genoxel.core.image import Image
from genoxel.image.heads import face, face_voxels, find_head, hidden_in_pictures, standard_brain
from genoxel.simulate import SimulationSpec, phantom


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_face_of_a_drawn_head_is_found_and_its_brain_is_left(kind: str, seed: int):
    image, parts = drawn(seed, kind)
    found = face_voxels(image.grid, find_head(image))
    for name in ("nose", "eyes", "chin", "mouth"):
        assert found[parts[name]].mean() > 0.9, name
    assert found[parts["brain"]].mean() < 0.015


def test_the_standard_head_has_a_brain_of_plausible_volume_and_a_face_before_it():
    distances, grid = standard_brain()
    # the mask of the MNI152 template holds 1880 ml
    assert np.count_nonzero(distances < 0) * grid.voxel_volume / 1000 == pytest.approx(1880, rel=0.1)
    # eyes, tip of the nose and chin; frontal pole, temporal pole and cerebellum of the MNI152 brain
    assert face(np.array([[32.0, -62, -40], [0, -108, -78], [0, -80, -125]])).all()
    assert not face(np.array([[0.0, -60, 0], [45, -15, -38], [0, 70, -40]])).any()


def test_pictures_hide_the_face_of_a_head_and_nothing_of_another_body():
    image, parts = drawn(0, "T1")
    around = np.zeros(image.shape, dtype=bool)
    around[40:44, 40:44, 60:64] = True
    hidden = hidden_in_pictures(image, around, None)
    assert hidden is not None
    assert hidden[parts["nose"]].mean() > 0.9
    chest = phantom(SimulationSpec(n=4, modality="ct"), 0).images["CT"]
    assert hidden_in_pictures(chest, np.zeros(chest.shape, dtype=bool), None) is None
    assert hidden_in_pictures(image, around, False) is None


def test_where_a_head_may_be_but_cannot_be_found_the_surroundings_alone_are_shown():
    image, parts = drawn(1, "T1")
    low = Image(image.values()[:, :, :30], image.affine, "MR")  # nose to neck: no vertex, no vault
    around = np.zeros(low.shape, dtype=bool)
    around[40:44, 60:64, 10:14] = True
    with pytest.raises(InputError):
        find_head(low)
    hidden = hidden_in_pictures(low, around, True)
    assert hidden is not None
    assert hidden[parts["nose"][:, :, :30]].all()
    assert not hidden[around].any()


def test_a_real_head_loses_its_face_and_keeps_its_brain(real_data):
    """T1 after contrast: eyes lie in slices 4 to 9, in front; the tumour and the middle of the brain stay."""
    from genoxel.io.nrrd import read_nrrd, read_nrrd_mask

    image = read_nrrd(real_data("pyradiomics") / "brain1_image.nrrd", "MR")
    found = face_voxels(image.grid, find_head(image))
    tumour = read_nrrd_mask(real_data("pyradiomics") / "brain1_label.nrrd").on(image).inside()
    assert not found[tumour].any()
    assert not found[60:200, 40:190, 10:].any()
    # both eyeballs by eye: rows 205 to 235 of slice 6, columns 85 to 110 and 145 to 170
    assert found[85:110, 212:235, 6].mean() > 0.9
    assert found[145:170, 212:235, 6].mean() > 0.9
