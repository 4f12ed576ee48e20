"""CPU time and memory of feature extraction: `python benchmarks/features.py [--peer P] [--zrad P] [--files FOLDER]`.

In memory: PyRadiomics' own brain1 (4,137 voxels) as it is and resampled to 1 and 0.5 mm, found in GENOXEL_TEST_DATA;
without it, an ellipsoid of the same size in noise. From files: IMAGE_image.nrrd and IMAGE_label.nrrd in FOLDER (the
source distribution of pyradiomics-cuda holds lung1, lung2 and brain1); without it, a made CT of 512 x 512 x 61.
`--peer` names an interpreter that holds PyRadiomics; its runs alternate with ours, and in memory it gets the region cut
to its box, as Z-Rad does from files. CPU seconds of one process, the least of several runs, kernels compiled before;
the ratio counts. Memory is the proportional set size of the process tree.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil

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
from genoxel.io.nifti import write_nifti
from genoxel.io.nrrd import read_nrrd, read_nrrd_mask, write_nrrd

TEXTURE = ("glcm", "glrlm", "glszm", "gldzm", "ngtdm", "ngldm")
SHAPE = ("moran_i", "geary_c")
PARTS = ("image", "label")
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
ZRAD_FILE = """
import json, sys, time
from zrad.image import Image
from zrad.preprocessing import IVHIntensityDiscretizer, IntensityMaskBuilder, Pipeline, Resegmenter
from zrad.preprocessing import RoiCropper, RoiData, TextureDiscretizer
from zrad.radiomics import Radiomics
def once():
    start = time.process_time()
    image = Image.from_nifti(sys.argv[1])
    roi = RoiData(image=image, morphological_mask=Image.from_nifti_mask(sys.argv[2], reference=image))
    steps = [IntensityMaskBuilder(), RoiCropper(padding=(2, 12, 12)), Resegmenter(intensity_range=(-3000, 3000)),
             TextureDiscretizer(bin_size=25), IVHIntensityDiscretizer("direct")]
    roi = Pipeline([(str(place), step) for place, step in enumerate(steps)]).apply(roi)
    found = Radiomics().extract_features(roi_data=roi)
    return time.process_time() - start, found
first, found = once()
whole = time.process_time()
print(json.dumps(dict(inner=once()[0], whole=whole, values=len(found))))
"""
PEER_FILE = """
import json, sys, time
from radiomics import featureextractor, setVerbosity
setVerbosity(60)
start = time.process_time()
found = featureextractor.RadiomicsFeatureExtractor(binWidth=25).execute(sys.argv[1], sys.argv[2])
inner = time.process_time() - start
values = sum(not name.startswith("diag") for name in found)
print(json.dumps(dict(inner=inner, whole=time.process_time(), values=values)))
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
whole = time.process_time()
print(json.dumps(dict(inner=once()[0], whole=whole, values=len(found.values))))
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


def memory(python: str, code: str, *arguments: str) -> float:
    """Return the highest proportional size of a process and its children, MiB, looked at every 10 ms."""
    most = 0
    with subprocess.Popen([python, "-c", code, *arguments], stdout=subprocess.DEVNULL) as process:
        own = psutil.Process(process.pid)
        while process.poll() is None:
            with suppress(psutil.Error):
                every = [own, *own.children(recursive=True)]
                most = max(most, sum(one.memory_full_info().pss for one in every))
            time.sleep(0.01)
    return most / 2**20


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


def from_files(folder: Path, names: list[str], peers: dict[str, tuple[str, str]], rounds: int) -> None:
    """Compare with `peers`, title -> (interpreter, code), on image and label files of several cases."""
    tools = {"genoxel": (sys.executable, OWN_FILE), **peers}
    for name in names:
        paths = [str(folder / f"{name}_{part}.nrrd") for part in ("image", "label")]
        run(sys.executable, OWN_FILE, *paths)
        best: dict[str, dict[str, float]] = {}
        for _ in range(rounds):
            for title, (python, code) in tools.items():
                found = run(python, code, *_as_nifti(paths, title))
                best[title] = better(found, best.get(title, {}))
        print(f"{name} from its files, default features, bin width 25")
        for title, one in best.items():
            size = memory(*tools[title], *_as_nifti(paths, title))
            ratio = f"{one['inner'] / best['genoxel']['inner']:5.1f}x" if title != "genoxel" else ""
            times = f"reading and measuring {one['inner']:6.3f} s {ratio:6s}  whole process {one['whole']:6.3f} s"
            print(f"   {title:12s} {one['values']:4.0f} values   {times}   peak PSS {size:5.0f} MiB")


def _as_nifti(paths: list[str], title: str) -> list[str]:
    """Return the paths, or those of copies as NIfTI beside them for a peer that reads nothing else."""
    if title != "Z-Rad":
        return paths
    copies = [path.replace(".nrrd", ".nii.gz") for path in paths]
    for path, copy in zip(paths, copies, strict=True):
        if not Path(copy).exists():
            write_nifti(copy, read_nrrd(path))
    return copies


COHORT = """
import json, resource, sys, time
from pathlib import Path
from genoxel.study.case import ExtractSettings
from genoxel.study.extract import extract_cases
if __name__ == "__main__":
    began = time.monotonic()
    settings = ExtractSettings(image={"discretise": {"bins": 32}})
    extract_cases(Path(sys.argv[1]), settings, workers=int(sys.argv[2]))
    used = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(json.dumps(dict(inner=used, whole=time.monotonic() - began)))
"""


def cohort(folder: Path, name: str) -> None:
    """Print how cost grows with cases: the same case again and again under other names, two workers."""
    for count in (1, 8, 32):
        with tempfile.TemporaryDirectory() as place:
            lines = ["patient,image,mask"]
            for case in range(count):
                paths = [shutil.copy(folder / f"{name}_{part}.nrrd", f"{place}/{case}_{part}.nrrd") for part in PARTS]
                lines.append(f"P{case:03d},{','.join(paths)}")
            table, code = Path(place, "cases.csv"), Path(place, "cohort.py")
            table.write_text("\n".join(lines) + "\n")
            code.write_text(COHORT)
            done = subprocess.run([sys.executable, str(code), str(table), "2"], capture_output=True, check=True)
            found = json.loads(done.stdout.splitlines()[-1])
            print(f"   {count:3d} cases {found['inner']:7.2f} s CPU   {found['whole']:7.2f} s wall, 2 workers")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", help="interpreter with PyRadiomics")
    parser.add_argument("--zrad", help="interpreter with Z-Rad")
    parser.add_argument("--files", type=Path, help="folder with NAME_image.nrrd and NAME_label.nrrd")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--profile", action="store_true", help="every family apart")
    options = parser.parse_args()
    found = {"PyRadiomics": (options.peer, PEER_FILE), "Z-Rad": (options.zrad, ZRAD_FILE)}
    peers = {title: (python, code) for title, (python, code) in found.items() if python}
    in_memory(options.peer, options.rounds, options.profile)
    growth()
    if options.files:
        names = sorted(path.name.removesuffix("_image.nrrd") for path in options.files.glob("*_image.nrrd"))
        whole = [name for name in names if (options.files / f"{name}_label.nrrd").exists()]
        from_files(options.files, whole, peers, options.rounds)
        print(f"{whole[0]}, again and again")
        cohort(options.files, whole[0])
        return 0
    with tempfile.TemporaryDirectory() as folder:
        made: tuple[Any, Any] = ellipsoid((512, 512, 61), (240, 250, 30), (44.0, 33.0, 5.6), (0.63, 0.63, 5.0))
        for part, content in zip(("image", "label"), made, strict=True):
            write_nrrd(Path(folder, f"made_{part}.nrrd"), content)
        from_files(Path(folder), ["made"], peers, options.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
