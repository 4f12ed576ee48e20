"""DICOM SEG: segmentations in and out."""

from genoxel.io.dicom_write import write_seg

__all__ = ["write_seg"]
