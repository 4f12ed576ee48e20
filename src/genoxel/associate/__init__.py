"""Links between image and genome: every pair tested, corrected, and set beside a world without links."""

from genoxel.associate.drivers import drivers  # at once, so that the name is the function and not its module
from genoxel.associate.multiblock import multiblock
from genoxel.associate.screen import screen
from genoxel.associate.settings import AssociateSettings
from genoxel.associate.strata import stratified

__all__ = ["AssociateSettings", "drivers", "multiblock", "screen", "stratified"]
