"""Faces of Genoxel: no science here, only words in and words out."""
