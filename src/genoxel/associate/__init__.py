"""Links between image and genome: every pair tested, corrected, and set beside a world without links."""

# Functions at once where they share the name of their module, so that the name is the function.
from genoxel.associate.activity import predict_activity
from genoxel.associate.drivers import drivers
from genoxel.associate.enrich import EnrichRules, enrich, over_represented
from genoxel.associate.groups import differences, replicate, survival_of
from genoxel.associate.multiblock import multiblock
from genoxel.associate.phenotypes import GroupRules, phenotypes
from genoxel.associate.screen import screen
from genoxel.associate.settings import AssociateSettings
from genoxel.associate.strata import stratified
from genoxel.associate.triples import triples

__all__ = [
    "AssociateSettings",
    "EnrichRules",
    "GroupRules",
    "differences",
    "drivers",
    "enrich",
    "multiblock",
    "over_represented",
    "phenotypes",
    "predict_activity",
    "replicate",
    "screen",
    "stratified",
    "survival_of",
    "triples",
]
