"""The reporting items of IBSI follow the settings, and what is not known is never guessed."""

from __future__ import annotations

from genoxel.features.settings import FeatureSettings
from genoxel.image.settings import Discretise, ImageSettings, Normalise
from genoxel.report.ibsi_items import YOURS, ibsi_items


def answers(image: ImageSettings, features: FeatureSettings | None = None, **facts: list[str]) -> dict[str, str]:
    return {one.item: one.answer for one in ibsi_items(image, features or FeatureSettings(), facts)}


def test_what_was_set_is_said():
    said = answers(
        ImageSettings(
            resample_mm=(2, 2, 0),
            interpolate="cubic",
            range_hu=(-500, 400),
            outliers_sigma=3,
            normalise=Normalise(within="brain"),
            discretise=Discretise(bin_size=25),
            override={"PT": {"discretise": {"bins": 64}}},
        ),
        FeatureSettings(families=("glcm",), aggregations=("2d_avg",), ivh=Discretise(bin_size=2.5)),
        modality=["CT", "PT"],
    )
    assert said["voxel size (mm)"] == "2 x 2 x as it is"
    assert said["image interpolation method"] == "tricubic spline"
    assert said["rounding of intensities"] == "to whole numbers for images in HU, none for others"
    assert said["range of intensities"] == "[-500, 400] HU (images in HU only)"
    assert said["outliers"].startswith("beyond 3 standard deviations")
    assert said["intensity normalisation"] == "z-scores within the brain; HU and SUV left as they are"
    assert answers(ImageSettings(normalise=Normalise()), modality=["T1"])["intensity normalisation"] == (
        "z-scores within the body"
    )
    assert said["discretisation method"] == "fixed bin size 25 from the lower bound"
    assert said["PT"] == "{'discretise': {'bins': 64}}"
    assert said["intensity-volume histogram: bins"] == "fixed bin size 2.5 from the lower bound"
    assert said["aggregation of co-occurrence and run matrices"].startswith("2D: a matrix per slice and direction")
    assert said["feature set and families"] == "ibsi1: glcm"
    assert said["imaging modality"] == "CT, PT"


def test_what_was_not_done_is_said_and_what_is_not_known_is_left_to_the_authors():
    said = answers(ImageSettings(discretise="none"), structure=[str(one) for one in range(10)])
    assert said["voxel size (mm)"] == said["outliers"] == said["range of intensities"] == "not done"
    assert said["discretisation method"] == "none: intensities are levels"
    assert said["imaging modality"] == YOURS
    assert said["volume of interest"].endswith("and 2 more")
    whole = answers(ImageSettings(resample_mm=(1, 1, 1), round_intensities=True, range=(0, 5)))
    assert whole["rounding of intensities"] == "to whole numbers"
    assert whole["range of intensities"] == "[0, 5]"
    assert answers(ImageSettings(resample_mm=(1, 1, 1), round_intensities=False))["rounding of intensities"] == "none"


def test_registration_and_kernels_are_named_where_they_were_done_and_only_there():
    assert answers(ImageSettings())["method"] == "not done by Genoxel"
    image = ImageSettings.model_validate(
        {"register": {"to": "T1CE"}, "kernel": {"tissue": "Heart", "reference": "smooth"}, "atlas": "MNI152"}
    )
    said = answers(image)
    assert said["method"] == "other series registered (rigid) to T1CE, whose contour served for all"
    (whole,) = [answer for item, answer in said.items() if item.startswith("kernel, noise suppression")]
    assert whole.startswith("CT kernels matched by their noise in the structure Heart; other series registered")
    assert "MNI152" in whole
