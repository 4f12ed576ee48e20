"""Names in PyRadiomics and MIRP."""

from __future__ import annotations

from genoxel.features._pyradiomics_names import SHAPE_2D, mapping
from genoxel.features.catalog import catalog
from genoxel.features.elsewhere import MIRP, mirp_name, names


def test_every_consensus_feature_has_its_name_in_mirp():
    ours = [one for one in names() if one.standing == "consensus"]
    assert len(ours) == 169
    assert len({one.mirp for one in ours}) == 169
    assert not any(one.mirp for one in names() if one.standing != "consensus")
    assert sum(len(words.split()) for _, words, _ in MIRP.values()) == 169


def test_names_of_mirp_follow_the_aggregation():
    """Names that MIRP 2.7 gave to the columns of its table for the digital phantom."""
    assert mirp_name("glcm", "information_correlation_2", "25d_direction_merged") == "cm_info_corr2_d1_2.5d_d_mrg"
    assert mirp_name("ngldm", "dependence_count_energy", "25d") == "ngl_dc_energy_d1_a0.0_2.5d"
    assert mirp_name("glszm", "zone_size_entropy", "3d") == "szm_zs_entr_3d"
    assert mirp_name("morph", "centre_of_mass_shift") == "morph_com"
    assert mirp_name("ivh", "intensity_difference") == "ivh_diff_i10_i90"
    assert mirp_name("morph", "volume_density_mvee") == ""
    assert mirp_name("pet", "suv_max") == ""


def test_every_name_of_pyradiomics_is_there_but_those_of_2d_shape():
    theirs = {one.name for one in mapping()}
    found = {one.pyradiomics for one in names()} - {""}
    assert theirs - found == {f"original_shape2D_{name}" for name in SHAPE_2D}
    assert len(names()) == len(catalog())
