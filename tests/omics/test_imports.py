"""The molecular side alone: no imaging library and no compiler is loaded, and every module has its name."""

from __future__ import annotations

import subprocess
import sys

from genoxel import omics

HEAVY = ("SimpleITK", "pydicom", "numba", "highdicom", "nibabel", "skimage", "matplotlib", "sklearn", "statsmodels")


def test_omics_and_association_load_no_imaging_library() -> None:
    modules = [f"genoxel.omics.{name}" for name in omics.__all__]
    modules += [f"genoxel.io.{name}" for name in ("maf", "vcf", "expression", "cbioportal", "cn_segments", "fusions")]
    modules += ["genoxel.io.genesets", "genoxel.io.assays", "genoxel.associate.settings", "genoxel.associate.screen"]
    code = f"import importlib, sys; [importlib.import_module(name) for name in {modules!r}]\n"
    code += f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_every_module_of_the_room_is_offered() -> None:
    from pathlib import Path

    files = {path.stem for path in Path(omics.__file__).parent.glob("*.py")} - {"__init__"}
    assert files == set(omics.__all__)
    assert all(getattr(omics, name).__name__ == f"genoxel.omics.{name}" for name in omics.__all__)
