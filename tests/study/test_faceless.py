"""No face in what a study shows: the pictures in contours.html and in the report, decoded and held against the face."""

from __future__ import annotations

import base64
import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from drawn_head import drawn
from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.io.nifti import write_nifti
from genoxel.report.contact import thumbnail
from genoxel.study.check import check
from genoxel.study.run import run
from genoxel.study.study import Study

SHOWN = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=]+)")
TEXT = """
[study]
name = "heads"
[cohort]
table = "clinical.csv"
patient = "PatientID"
[io.images]
folder = "images"
modality = "T1"
[segment]
roi = ["*"]
[image]
discretise = { bins = 8 }
[features]
families = ["stat"]
"""
PATIENTS = 4


def pictures(page: Path) -> list[np.ndarray]:
    """Return the pictures of a page as grey levels, outlines in colour."""
    from PIL import Image as Picture

    found = [base64.b64decode(one) for one in SHOWN.findall(page.read_text(encoding="utf-8"))]
    return [np.asarray(Picture.open(BytesIO(one)).convert("RGB"), dtype=float) for one in found]


def contour(image: Image, parts: dict[str, np.ndarray]) -> Mask:
    """A lesion behind the eyes, in a slice that shows them."""
    eyes = np.argwhere(parts["eyes"])
    place = int(np.median(eyes[:, 2]))
    centre = np.array([np.median(eyes[:, 0]), eyes[:, 1].max() + 10])
    inside = np.zeros(image.shape, np.uint8)
    inside[:, :, place] = ((np.indices(image.shape[:2]) - centre[:, None, None]) ** 2).sum(axis=0) < 81
    return Mask(inside, image.affine, {1: "GTV"})


@pytest.fixture(scope="module")
def heads(tmp_path_factory):
    """A study of drawn heads with a face of known place, and what each picture would show were the face not hidden."""
    folder = tmp_path_factory.mktemp("heads")
    plain = {}
    lines = ["PatientID,age"]
    for seed in range(PATIENTS):
        name = f"P{seed}"
        image, parts = drawn(seed, "T1")
        bright = Image(np.asarray(image.values()) * 1000, image.affine, "MR")
        mask = contour(bright, parts)
        home = folder / "images" / name
        home.mkdir(parents=True)
        write_nifti(home / f"{name}_T1.nii.gz", bright)
        write_nifti(home / f"{name}_T1_mask.nii.gz", mask)
        seen = np.any([parts[one] for one in ("nose", "eyes", "mouth", "chin")], axis=0)
        plain[name] = (bright, mask, seen)
        lines.append(f"{name},{50 + seed}")
    (folder / "clinical.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "study.toml").write_text(TEXT, encoding="utf-8")
    return folder, plain


def of_face(image: Image, mask: Mask, seen: np.ndarray) -> np.ndarray:
    """Return which pixels of the picture of this slice belong to the face, by drawing the face alone."""
    alone = Image(np.where(seen, 1000.0, 0.0), image.affine, "MR")
    shown = thumbnail(alone, mask, window=(0.0, 1000.0))
    return grey_of(shown) > 200


def grey_of(png: bytes) -> np.ndarray:
    from PIL import Image as Picture

    colours = np.asarray(Picture.open(BytesIO(png)).convert("RGB"), dtype=float)
    return np.where(np.ptp(colours, axis=2) == 0, colours[:, :, 0], 0.0)


def test_no_picture_of_a_study_shows_a_face(heads):
    folder, plain = heads
    check(Study.read(folder), workers=1)
    assert not run(Study.read(folder), workers=1).failed
    pages = [page for page in sorted(folder.rglob("*.html")) if pictures(page)]
    assert {"contours.html", "report.html"} <= {page.name for page in pages}
    for page in pages:
        shown = [np.where(np.ptp(one, axis=2) == 0, one[:, :, 0], 0.0) for one in pictures(page)]
        for image, mask, seen in plain.values():
            face = of_face(image, mask, seen)
            bare = grey_of(thumbnail(image, mask))
            assert face.sum() > 100
            assert (bare[face] > 60).mean() > 0.5  # the face would be seen
            own = max((one for one in shown if one.shape == bare.shape), key=lambda one: agreement(one, bare, face))
            assert agreement(own, bare, face) > 0.4  # it is this patient's; what lies beside the face may be hidden too
            assert (own[face] > 60).mean() < 0.1


def agreement(one: np.ndarray, bare: np.ndarray, face: np.ndarray) -> float:
    """Return the share of places away from the face at which two pictures are equal."""
    away = ~face & (bare > 60)
    return float(np.mean(np.abs(one[away] - bare[away]) <= 12))
