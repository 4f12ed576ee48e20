"""RTSTRUCT: structure sets in and out."""

from genoxel.io.dicom_write import write_rtstruct

__all__ = ["write_rtstruct"]
