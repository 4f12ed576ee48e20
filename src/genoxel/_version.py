"""The version of Genoxel, stated once."""

__version__ = "0.1.0"
