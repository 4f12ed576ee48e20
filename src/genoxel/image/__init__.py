"""Pre-processing of images: resample, normalise, re-segment, discretise, crop. Pure; every step is recorded."""
