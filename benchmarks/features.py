"""CPU time of feature extraction: `python benchmarks/features.py [--peer PYTHON] [--profile]`.

Scenes: PyRadiomics' own brain1 (4,137 voxels) as it is and resampled to 1 and 0.5 mm, found in GENOXEL_TEST_DATA;
without it, an ellipsoid of the same size in noise. With `--peer`, an interpreter that holds PyRadiomics runs the same
region, cut to its box (as its extractor does), with 32 bins beside. CPU seconds, the least of several runs in one
process, compiled before; the ratio counts.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK

from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.features.catalog import FAMILIES, family
from genoxel.features.extract import extract
from genoxel.features.region import Region
from genoxel.features.settings import FeatureSettings
from genoxel.image.crop import crop
from genoxel.image.prepare import prepare
from genoxel.image.resample import resample, resample_mask
from genoxel.image.settings import Discretise, ImageSettings

TEXTURE = ("glcm", "glrlm", "glszm", "gldzm", "ngtdm", "ngldm")
SETTINGS = ImageSettings(discretise=Discretise(bins=32))
PEER = """
import json, sys, time
import SimpleITK
from radiomics import firstorder, glcm, gldm, glrlm, glszm, ngtdm, shape, setVerbosity
setVerbosity(60)
image, mask = SimpleITK.ReadImage(sys.argv[1]), SimpleITK.ReadImage(sys.argv[2])
families = dict(shape=shape.RadiomicsShape, firstorder=firstorder.RadiomicsFirstOrder, glcm=glcm.RadiomicsGLCM,
    glrlm=glrlm.RadiomicsGLRLM, glszm=glszm.RadiomicsGLSZM, ngtdm=ngtdm.RadiomicsNGTDM, gldm=gldm.RadiomicsGLDM)
out = {}
for name, kind in families.items():
    best = 1e9
    for _ in range(int(sys.argv[3])):
        start = time.process_time()
        one = kind(image, mask, binCount=32)
        one.enableAllFeatures()
        one.execute()
        best = min(best, time.process_time() - start)
    out[name] = best
print(json.dumps(out))
"""


def least(work: Callable[[], object], runs: int) -> float:
    """Return the least CPU seconds of several runs of `work`."""
    work()
    times = []
    for _ in range(runs):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def brain() -> tuple[str, Image, Mask]:
    root = os.environ.get("GENOXEL_TEST_DATA")
    folder = Path(root or ".", "pyradiomics")
    if root and (folder / "brain1_image.nrrd").exists():
        image, label = (SimpleITK.ReadImage(str(folder / f"brain1_{part}.nrrd")) for part in ("image", "label"))
        affine = np.eye(4)
        affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
        affine[:3, 3] = image.GetOrigin()
        arrays = [SimpleITK.GetArrayFromImage(part).transpose(2, 1, 0) for part in (image, label)]
        return "brain1", Image(arrays[0], affine, "MR"), Mask((arrays[1] == 1).astype(np.uint8), affine)
    rng = np.random.default_rng(0)
    shape = (256, 256, 25)
    places = np.stack(np.indices(shape), axis=-1) - np.array([120, 130, 12])
    inside = (places**2 / np.array([33.0, 22.0, 3.4]) ** 2).sum(axis=-1) < 1
    affine = np.diag([0.78, 0.78, 6.5, 1.0])
    array = rng.normal(400, 80, size=shape).round()
    return "ellipsoid in noise", Image(array, affine, "MR"), Mask(inside.astype(np.uint8), affine)


def ours(image: Image, mask: Mask, runs: int) -> dict[str, float]:
    prepared = prepare(image, mask, SETTINGS)

    def measure(names: tuple[str, ...]) -> None:
        region = Region(prepared)
        for name in names:
            one = family(name)
            measured = one.build(region, one.aggregations(("3d_avg",))[0])
            for record in one.records.values():
                record.measure(measured)

    times = {name: least(lambda name=name: measure((name,)), runs) for name in FAMILIES}
    times["texture"] = least(lambda: measure(TEXTURE), runs)
    times["all"] = least(lambda: extract(image, mask, SETTINGS, FeatureSettings()), runs)
    return times


def peer(python: str, image: Image, mask: Mask, runs: int) -> dict[str, float]:
    image, mask = crop(image, mask, 0, 1)
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder, f"{name}.nrrd")) for name in ("image", "mask")]
        for path, part in zip(paths, (image.values(), np.asarray(mask.array)), strict=True):
            volume = SimpleITK.GetImageFromArray(np.ascontiguousarray(part.transpose(2, 1, 0)))
            volume.SetSpacing(image.spacing)
            SimpleITK.WriteImage(volume, path)
        done = subprocess.run([python, "-c", PEER, *paths, str(runs)], capture_output=True, text=True, check=True)
    times: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    times["texture"] = sum(times[name] for name in ("glcm", "glrlm", "glszm", "ngtdm", "gldm"))
    return times


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", help="interpreter with PyRadiomics")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--profile", action="store_true", help="every family apart")
    options = parser.parse_args()
    name, whole_image, whole_mask = brain()
    for size in (0.0, 1.0, 0.5):
        image, mask = whole_image, whole_mask
        if size:
            image, mask = resample(image, (size,) * 3), resample_mask(mask, (size,) * 3)
        times = ours(image, mask, options.runs)
        print(f"{name} {f'{size:g} mm' if size else 'as it is'}: {mask.count()} voxels")
        theirs = peer(options.peer, image, mask, max(2, options.runs // 2)) if options.peer else {}
        pairs = {"texture": ("texture", "texture"), "shape": ("morph", "shape"), "first order": ("stat", "firstorder")}
        for title, (mine, other) in pairs.items():
            beside = (
                f"   PyRadiomics {theirs[other] * 1e3:8.2f} ms   {theirs[other] / times[mine]:6.1f}x" if theirs else ""
            )
            print(f"   {title:12s} {times[mine] * 1e3:8.2f} ms{beside}")
        print(f"   {'all 169':12s} {times['all'] * 1e3:8.2f} ms")
        if options.profile:
            print("   " + "  ".join(f"{one} {times[one] * 1e3:.2f}" for one in FAMILIES))
    print(f"peak memory of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
