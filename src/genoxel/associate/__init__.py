"""Links between image and genome: every pair tested, corrected, and set beside a world without links."""

from genoxel.associate.screen import screen  # at once, so that the name is the function and not its module
from genoxel.associate.settings import AssociateSettings

__all__ = ["AssociateSettings", "screen"]
