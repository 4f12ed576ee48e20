"""Places of lesions in MNI152 from the study file: columns of features, how well the head fits, and the record."""

from __future__ import annotations

import csv
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from drawn_head import drawn
from genoxel.core.errors import SettingsError
from genoxel.image.settings import ImageSettings
from genoxel.image.stages import whole_image
from genoxel.io import plainjson
from genoxel.study.check import check
from genoxel.study.run import run
from genoxel.study.study import Study

pytest.importorskip("nilearn", reason="the extra brain")

TEXT = """
[io.images]
folder = "data"
modality = "T1"
[image]
atlas = "MNI152"
[features]
families = ["stat"]
"""
MIDDLE = np.array([-38.0, 0.0, 40.0])
"""Where the lesion is drawn (LPS): on the right, in the upper half of the brain."""


@pytest.fixture(scope="module")
def ran(tmp_path_factory) -> Path:
    """A study of one drawn head with a ball of 9 mm as lesion."""
    folder = tmp_path_factory.mktemp("atlas")
    image, _ = drawn(3, "T1")
    places = image.grid.to_patient(np.argwhere(np.ones(image.shape, dtype=bool)))
    ball = (np.linalg.norm(places - MIDDLE, axis=1) < 9).reshape(image.shape)
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ image.affine
    (folder / "data" / "P1").mkdir(parents=True)
    for name, array in (("P1_T1", image.values()), ("P1_T1_mask", ball.astype(np.uint8))):
        nib.save(nib.Nifti1Image(array, affine), folder / "data" / "P1" / f"{name}.nii.gz")
    (folder / "study.toml").write_text(TEXT, encoding="utf-8")
    assert run(Study.read(folder), workers=1).failed == ()
    return folder


def table(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / "results" / "tables" / f"{name}.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_the_columns_hold_the_place_that_the_recorded_affine_gives(ran: Path) -> None:
    (row,) = table(ran, "features_table")
    found = [float(row[f"T1.roi.none.atlas.{axis}"]) for axis in "xyz"]
    ((cut,),) = plainjson.load_file(ran / "results" / "processing.json").values()
    matrix = np.array(cut["atlas"]["to_atlas"])
    wanted = (matrix @ [*MIDDLE, 1.0])[:3] * [-1, -1, 1]
    np.testing.assert_allclose(found, wanted, atol=1.5)  # the ball lies on voxels of 3 mm
    # the head is turned by some degrees and scaled by some per cent, never mirrored
    np.testing.assert_allclose(found, MIDDLE * [-1, -1, 1], atol=30)
    assert found[0] > 20
    assert 4 < float(row["T1.roi.none.atlas.radius_mm"]) < 10


def test_how_well_the_head_fits_is_told_in_a_table_and_in_the_report(ran: Path) -> None:
    told = {row["measure"]: float(row["value"]) for row in table(ran, "atlas")}
    assert set(told) == {"residual_mm", "edge", "volume_ml"}
    assert 700 < told["volume_ml"] < 2200
    page = (ran / "results" / "report.html").read_text(encoding="utf-8")
    assert "lesions placed in the coordinates of MNI152" in page
    assert "place in the atlas" in page
    assert "Patient by patient in tables/STAGE.csv" in page


def test_an_atlas_is_for_heads_and_for_studies(make_study) -> None:
    folder = make_study("ct", ("[image]\n", '[image]\natlas = "MNI152"\n'), ('"T1CE"', '"CT"'), brief=True)
    errors = check(Study.read(folder), workers=1).errors
    assert any(one.where == "image.atlas" for one in errors)
    with pytest.raises(SettingsError, match="atlas for an image alone"):
        whole_image(drawn(3, "T1")[0], ImageSettings(atlas="MNI152"))
