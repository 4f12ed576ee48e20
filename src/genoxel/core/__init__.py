"""The nouns of Genoxel; this room imports nothing of ours and does no input or output."""
