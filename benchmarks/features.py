"""CPU time and memory of feature extraction: `python benchmarks/features.py [--peer PYTHON] [--files FOLDER]`.

In memory: PyRadiomics' own brain1 (4,137 voxels) as it is and resampled to 1 and 0.5 mm, found in GENOXEL_TEST_DATA;
without it, an ellipsoid of the same size in noise. From files: IMAGE_image.nrrd and IMAGE_label.nrrd in FOLDER (the
source distribution of pyradiomics-cuda holds lung1, lung2 and brain1); without it, a made CT of 512 x 512 x 61.
`--peer` names an interpreter that holds PyRadiomics; its runs alternate with ours, and in memory it gets the region cut
to its box. CPU seconds of one process, the least of several runs, kernels compiled before; the ratio counts.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

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
from genoxel.io.nrrd import read_nrrd, read_nrrd_mask, write_nrrd

TEXTURE = ("glcm", "glrlm", "glszm", "gldzm", "ngtdm", "ngldm")
SHAPE = ("moran_i", "geary_c")
SETTINGS = ImageSettings(discretise=Discretise(bins=32))
PEER_CLASSES = """
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
PEAK = """
def peak():
    # the highest resident size of this process alone, MiB (ru_maxrss would count what its parent held)
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
"""
PEER_FILE = """
import json, sys, time
from radiomics import featureextractor, setVerbosity
setVerbosity(60)
start = time.process_time()
found = featureextractor.RadiomicsFeatureExtractor(binWidth=25).execute(sys.argv[1], sys.argv[2])
inner = time.process_time() - start
values = sum(not name.startswith("diag") for name in found)
print(json.dumps(dict(inner=inner, whole=time.process_time(), rss=peak(), values=values)))
"""
OWN_FILE = """
import json, sys, time
start = time.process_time()
from genoxel.features.extract import extract
from genoxel.image.settings import ImageSettings
from genoxel.io.nrrd import read_nrrd, read_nrrd_mask
rules = ImageSettings(discretise={"bin_size": 25, "anchor": -3000})
def once():
    start = time.process_time()
    found = extract(read_nrrd(sys.argv[1]), read_nrrd_mask(sys.argv[2]), rules)
    return time.process_time() - start, found
first, found = once()
whole, rss = time.process_time(), peak()
print(json.dumps(dict(inner=once()[0], whole=whole, rss=rss, values=len(found.values))))
"""


def least(work: Callable[[], object], runs: int) -> float:
    """Return the least CPU seconds of several runs of `work`."""
    times = []
    for _ in range(runs):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def brain() -> tuple[str, Image, Mask]:
    folder = Path(os.environ.get("GENOXEL_TEST_DATA", "."), "pyradiomics")
    if (folder / "brain1_image.nrrd").exists():
        label = read_nrrd_mask(folder / "brain1_label.nrrd")
        mask = Mask((np.asarray(label.array) == 1).astype(np.uint8), label.affine)
        return "brain1", read_nrrd(folder / "brain1_image.nrrd", "MR"), mask
    image, mask = ellipsoid((256, 256, 25), (120, 130, 12), (33.0, 22.0, 3.4), (0.78, 0.78, 6.5))
    return "ellipsoid in noise", image, mask


def ellipsoid(
    shape: tuple[int, int, int], centre: tuple[int, ...], axes: tuple[float, ...], mm: tuple[float, ...]
) -> tuple[Image, Mask]:
    array = np.random.default_rng(0).normal(400, 80, size=shape).astype(np.int16)
    places = np.ogrid[tuple(slice(0, size) for size in shape)]
    parts = [((part - middle) / axis) ** 2 for part, middle, axis in zip(places, centre, axes, strict=True)]
    inside = parts[0] + parts[1] + parts[2] < 1
    affine = np.diag([*mm, 1.0])
    return Image(array, affine, "MR"), Mask(inside.astype(np.uint8), affine)


def measured(region: Region, names: tuple[str, ...], without: tuple[str, ...] = ()) -> None:
    for name in names:
        one = family(name)
        built = one.build(region, one.aggregations(("3d_avg",))[0])
        for record in one.chosen(extended=False):
            if record.name not in without:
                record.measure(built)


def ours(image: Image, mask: Mask, runs: int) -> dict[str, float]:
    prepared = prepare(image, mask, SETTINGS)
    times = {name: least(lambda name=name: measured(Region(prepared), (name,)), runs) for name in FAMILIES}
    times["texture"] = least(lambda: measured(Region(prepared), TEXTURE), runs)
    times["shape"] = least(lambda: measured(Region(prepared), ("morph",), SHAPE), runs)
    times["all"] = least(lambda: extract(image, mask, SETTINGS, FeatureSettings()), runs)
    return times


def run(python: str, code: str, *arguments: str) -> dict[str, float]:
    done = subprocess.run([python, "-c", code, *arguments], capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def better(one: dict[str, float], other: dict[str, float]) -> dict[str, float]:
    return {name: min(value, other.get(name, value)) for name, value in one.items()}


def in_memory(peer: str | None, rounds: int, profile: bool) -> None:
    name, whole_image, whole_mask = brain()
    for size in (0.0, 1.0, 0.5):
        image, mask = whole_image, whole_mask
        if size:
            image, mask = resample(image, (size,) * 3), resample_mask(mask, (size,) * 3)
        print(f"{name} {f'{size:g} mm' if size else 'as it is'}: {mask.count()} voxels")
        mine: dict[str, float] = {}
        theirs: dict[str, float] = {}
        with tempfile.TemporaryDirectory() as folder:
            paths = [str(Path(folder, f"{part}.nrrd")) for part in ("image", "mask")]
            for path, part in zip(paths, crop(image, mask, 0, 1), strict=True):
                write_nrrd(path, part)
            for _ in range(rounds):
                mine = better(ours(image, mask, 10 if size != 0.5 else 4), mine)
                if peer:
                    theirs = better(run(peer, PEER_CLASSES, *paths, "3"), theirs)
        if theirs:
            theirs["texture"] = sum(theirs[part] for part in ("glcm", "glrlm", "glszm", "ngtdm", "gldm"))
        pairs = {"texture": "texture", "shape": "shape", "stat": "firstorder", "morph": "", "all": ""}
        for own, other in pairs.items():
            line = f"   {TITLES[own]:38s} {mine[own] * 1e3:8.2f} ms"
            if other and theirs:
                line += f"   PyRadiomics {theirs[other] * 1e3:8.2f} ms   {theirs[other] / mine[own]:6.1f}x"
            print(line)
        if profile:
            print("   " + "  ".join(f"{one} {mine[one] * 1e3:.2f}" for one in FAMILIES))


TITLES = {
    "texture": "texture, six families",
    "shape": "shape (without Moran's I, Geary's C)",
    "stat": "intensity statistics",
    "morph": "shape with Moran's I, Geary's C, exact",
    "all": "all 169 features",
}


def growth() -> None:
    name, image, mask = brain()
    image, mask = resample(image, (1.0,) * 3), resample_mask(mask, (1.0,) * 3)
    print(f"{name} 1 mm: texture by the number of bins, ms")
    for bins in (8, 16, 32, 64, 128, 256, 512):
        prepared = prepare(image, mask, ImageSettings(discretise=Discretise(bins=bins)))
        measured(Region(prepared), TEXTURE)
        print(f"   {bins:4d} bins {least(lambda p=prepared: measured(Region(p), TEXTURE), 10) * 1e3:8.2f}")


def from_files(folder: Path, names: list[str], peer: str | None, rounds: int) -> None:
    for name in names:
        paths = [str(folder / f"{name}_{part}.nrrd") for part in ("image", "label")]
        run(sys.executable, PEAK + OWN_FILE, *paths)
        mine: dict[str, float] = {}
        theirs: dict[str, float] = {}
        for _ in range(rounds):
            mine = better(run(sys.executable, PEAK + OWN_FILE, *paths), mine)
            if peer:
                theirs = better(run(peer, PEAK + PEER_FILE, *paths), theirs)
        print(f"{name} from its files, default features, bin width 25")
        for title, one in (("genoxel", mine), ("PyRadiomics", theirs)):
            if one:
                times = f"reading and measuring {one['inner']:6.3f} s   whole process {one['whole']:6.3f} s"
                print(f"   {title:12s} {one['values']:4.0f} values   {times}   RSS peak {one['rss']:5.0f} MiB")
        if theirs:
            print(f"   {theirs['inner'] / mine['inner']:.1f}x, whole process {theirs['whole'] / mine['whole']:.1f}x")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", help="interpreter with PyRadiomics")
    parser.add_argument("--files", type=Path, help="folder with NAME_image.nrrd and NAME_label.nrrd")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--profile", action="store_true", help="every family apart")
    options = parser.parse_args()
    in_memory(options.peer, options.rounds, options.profile)
    growth()
    if options.files:
        names = sorted(path.name.removesuffix("_image.nrrd") for path in options.files.glob("*_image.nrrd"))
        whole = [name for name in names if (options.files / f"{name}_label.nrrd").exists()]
        from_files(options.files, whole, options.peer, options.rounds)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        made: tuple[Any, Any] = ellipsoid((512, 512, 61), (240, 250, 30), (44.0, 33.0, 5.6), (0.63, 0.63, 5.0))
        for part, content in zip(("image", "label"), made, strict=True):
            write_nrrd(Path(folder, f"made_{part}.nrrd"), content)
        from_files(Path(folder), ["made"], options.peer, options.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
