"""What our features are called in PyRadiomics and in MIRP, and their IBSI codes.

The names of MIRP are those of its version 2.7, whose values on the digital phantom were held against ours.
"""

from __future__ import annotations

from typing import NamedTuple

from genoxel.features._pyradiomics_names import mapping
from genoxel.features.catalog import catalog, family

_RUNS = "sre lre lgre hgre srlge srhge lrlge lrhge glnu glnu_norm rlnu rlnu_norm r_perc gl_var rl_var rl_entr"
_STATISTICS = "mean var skew kurt median min p10 p90 max"
_SPREADS = "mad rmad medad cov qcod"
MIRP: dict[str, tuple[str, str, str]] = {
    "morph": (
        "morph_",
        "volume vol_approx area_mesh av comp_1 comp_2 sph_dispr sphericity asphericity com diam pca_maj_axis "
        "pca_min_axis pca_least_axis pca_elongation pca_flatness vol_dens_aabb area_dens_aabb vol_dens_aee "
        "area_dens_aee vol_dens_conv_hull area_dens_conv_hull integ_int moran_i geary_c",
        "",
    ),
    "local": ("loc_", "peak_loc peak_glob", ""),
    "stat": ("stat_", f"{_STATISTICS} iqr range {_SPREADS} energy rms", ""),
    "hist": (
        "ih_",
        f"{_STATISTICS} mode iqr range {_SPREADS} entropy uniformity max_grad max_grad_g min_grad min_grad_g",
        "",
    ),
    "ivh": ("ivh_", "v10 v90 i10 i90 diff_v10_v90 diff_i10_i90", ""),
    "glcm": (
        "cm_",
        "joint_max joint_avg joint_var joint_entr diff_avg diff_var diff_entr sum_avg sum_var sum_entr energy contrast "
        "dissimilarity inv_diff inv_diff_norm inv_diff_mom inv_diff_mom_norm inv_var corr auto_corr clust_tend "
        "clust_shade clust_prom info_corr1 info_corr2",
        "_d1",
    ),
    "glrlm": ("rlm_", _RUNS, ""),
    "glszm": (
        "szm_",
        "sze lze lgze hgze szlge szhge lzlge lzhge glnu glnu_norm zsnu zsnu_norm z_perc gl_var zs_var zs_entr",
        "",
    ),
    "gldzm": (
        "dzm_",
        "sde lde lgze hgze sdlge sdhge ldlge ldhge glnu glnu_norm zdnu zdnu_norm z_perc gl_var zd_var zd_entr",
        "",
    ),
    "ngtdm": ("ngt_", "coarseness contrast busyness complexity strength", ""),
    "ngldm": (
        "ngl_",
        "lde hde lgce hgce ldlge ldhge hdlge hdhge glnu glnu_norm dcnu dcnu_norm dc_perc gl_var dc_var dc_entr "
        "dc_energy",
        "_d1_a0.0",
    ),
}
"""Family -> prefix, words of the consensus features in the order of the catalogue, and what follows them."""

AGGREGATIONS = {
    "": "",
    "2d_avg": "_2d_avg",
    "2d_slice_merged": "_2d_s_mrg",
    "25d_direction_merged": "_2.5d_d_mrg",
    "25d_merged": "_2.5d_v_mrg",
    "3d_avg": "_3d_avg",
    "3d_merged": "_3d_v_mrg",
    "2d": "_2d",
    "25d": "_2.5d",
    "3d": "_3d",
}
"""What MIRP appends for an aggregation."""


class Names(NamedTuple):
    """A feature here (family.feature), its code and standing in IBSI, and its names in PyRadiomics and MIRP.

    A name is empty where there is none; that of MIRP lacks its aggregation. `note`: how PyRadiomics differs.
    """

    ours: str
    code: str
    standing: str
    pyradiomics: str
    mirp: str
    note: str


def names() -> list[Names]:
    """Return the names of every feature of the catalogue.

    >>> next(one for one in names() if one.code == "TU9B")[3:5]
    ('original_glcm_JointEntropy', 'cm_joint_entr_d1')
    """
    theirs = {one.ours: one for one in mapping() if one.ours}
    mirp = {name: _mirp_names(name) for name in MIRP}
    found = []
    for record in catalog():
        ours = f"{record.family}.{record.name}"
        peer = theirs.get(ours)
        other = mirp.get(record.family, {}).get(record.name, "")
        said = (peer.name, peer.note) if peer else ("", "")
        found.append(Names(ours, record.code, record.standing, said[0], other, said[1]))
    return found


def mirp_name(family_name: str, feature: str, aggregation: str = "") -> str:
    """Return what MIRP calls a consensus feature; empty where it has none.

    >>> mirp_name("glcm", "joint_entropy", "3d_merged")
    'cm_joint_entr_d1_3d_v_mrg'
    """
    name = _mirp_names(family_name).get(feature, "") if family_name in MIRP else ""
    return name + AGGREGATIONS[aggregation] if name else ""


def _mirp_names(family_name: str) -> dict[str, str]:
    prefix, words, after = MIRP[family_name]
    records = family(family_name).chosen(extended=False)
    return {record.name: f"{prefix}{word}{after}" for record, word in zip(records, words.split(), strict=True)}
