"""The [io.images] section."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from genoxel.io.settings import ImagesSettings


def test_one_modality_or_several_and_something_to_read() -> None:
    assert ImagesSettings(folder=Path("dicom"), modalities=("T1", "T2")).wanted == ("T1", "T2")
    assert ImagesSettings(features={"T1": Path("a.csv")}).wanted == ()
    with pytest.raises(ValidationError, match="exclude each other"):
        ImagesSettings(folder=Path("dicom"), modality="CT", modalities=("T1",))
    with pytest.raises(ValidationError, match="nothing to read"):
        ImagesSettings()
    with pytest.raises(ValidationError, match="Extra inputs"):
        ImagesSettings(folder=Path("dicom"), chose=["slice_mm < 3"])  # type: ignore[call-arg]
