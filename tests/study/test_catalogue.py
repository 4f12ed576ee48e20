"""`genoxel catalog`: a word, a code or the whole name of a column, resolved to definition, unit, code and settings."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from genoxel.core.errors import InputError, SettingsError, TableError
from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.features.catalog import catalog
from genoxel.features.extract import extract
from genoxel.features.names import AGGREGATIONS, parse_name
from genoxel.features.settings import FeatureSettings
from genoxel.image.settings import Discretise, ImageSettings
from genoxel.io.nifti import write_nifti
from genoxel.study.case import Case, ExtractSettings
from genoxel.study.catalogue import look_up
from genoxel.study.extract import extract_one

SIX = ("2d_avg", "2d_slice_merged", "25d_direction_merged", "25d_merged", "3d_avg", "3d_merged")


def cube(modality: str = "CT", unit: str = "HU") -> tuple[Image, Mask]:
    array = np.random.default_rng(3).integers(0, 90, (9, 9, 9))
    return Image(array, np.eye(4), modality, unit), Mask(np.ones(array.shape, np.uint8), np.eye(4))


def test_every_column_name_leads_back_to_its_record():
    every = FeatureSettings(set="extended", aggregations=SIX)
    columns = [
        column for kind in (("CT", "HU"), ("PT", "SUVbw")) for column in extract(*cube(*kind), None, every).columns
    ]
    seen = set()
    for column in columns:
        named = parse_name(column.name)
        source = (named.modality, named.region, named.filter, named.record.family, named.aggregation)
        assert source == (*vars(column.source).values(),)
        assert named.record.code == column.code
        seen.add((named.record.family, named.record.name))
    assert seen == {(one.family, one.name) for one in catalog()}
    assert {column.source.aggregation for column in columns} >= set(AGGREGATIONS)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("CT.roi.none.glcm", "modality.region.filter.family.feature"),
        ("CT.roi.none.glmc.joint_entropy.3d_avg", "did you mean 'glcm'"),
        ("CT.roi.none.glcm.joint_entropie.3d_avg", "did you mean 'joint_entropy'"),
        ("CT.roi.none.glcm.joint_entropy.3d_mean", "3d_avg"),
        ("CT.roi.none.stat.mean.3d", "aggregation '3d' of stat"),
    ],
)
def test_a_name_that_says_nothing_is_refused_with_what_is_near(name: str, words: str):
    with pytest.raises(SettingsError, match=words):
        parse_name(name)


def test_words_and_codes_find_features():
    assert [one.name for one in look_up("GYBY").records] == ["joint_maximum"]
    assert {one.family for one in look_up("entropy").records} >= {"glcm", "glrlm", "hist"}
    said = "\n".join(look_up("joint entropy").lines())
    for part in ("IBSI TU9B", "-sum p_ij log2 p_ij", "bit", "Uncertainty of the pairs of levels"):
        assert part in said
    assert look_up("").lines()[0].startswith(f"{len(catalog())} features, 169 of them of IBSI 1")
    with pytest.raises(InputError, match="did you mean 'joint_entropy'"):
        look_up("jiont_entropy")


def test_a_column_is_told_with_the_settings_of_its_extraction(tmp_path: Path):
    image, mask = cube()
    write_nifti(tmp_path / "i.nii.gz", image)
    write_nifti(tmp_path / "m.nii.gz", mask)
    settings = ExtractSettings(image=ImageSettings(discretise=Discretise(bin_size=7, anchor=-10)))
    case = Case("P", tmp_path / "i.nii.gz", tmp_path / "m.nii.gz", modality="CT")
    extract_one(case, settings, tmp_path / "out" / "f.csv")
    name = "CT.roi.none.stat.variance"
    found = look_up(name, tmp_path / "out")
    assert found.column["unit"] == "HU²"
    assert found.settings["image"]["discretise"] == {"bin_size": 7.0, "anchor": -10.0, "bins": None}
    assert "image.discretise.bin_size 7.0" in " ".join(" ".join(found.lines()).split())
    assert found.to_json()["column"]["settings"] == found.column["settings"]
    with pytest.raises(TableError, match="column"):
        look_up("T1.roi.none.stat.variance", tmp_path / "out")


def test_the_command_tells_a_column_in_words_and_json():
    call = [sys.executable, "-m", "genoxel", "catalog", "CT.core.none.glrlm.run_entropy.3d_merged"]
    said = subprocess.run(call, capture_output=True, text=True, check=True).stdout
    assert "HJ9O" in said
    assert "the matrices of all directions merged" in said
    told = json.loads(subprocess.run([*call, "--json"], capture_output=True, text=True, check=True).stdout)
    assert told["column"]["region"] == "core"
