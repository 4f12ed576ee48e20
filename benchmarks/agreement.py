"""Features side by side: `python benchmarks/agreement.py --pyradiomics PYTHON --mirp PYTHON [--files FOLDER]`.

Objects: three made ones (sphere, gradient, lobes), and the real regions found in GENOXEL_TEST_DATA (brain1, prostate
phantom, CT phantom of IBSI) and in FOLDER (NAME_image.nrrd, NAME_label.nrrd). PYTHON names an interpreter with the
package. All measure the same voxels without resampling. Printed as Markdown: how many features agree with ours, which
do not and where, the coefficient of variation of nine features over the packages with equal and with default bins, and
how many values the PyRadiomics mode meets. Regions of scattered voxels are left to the last.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np

from genoxel.core.errors import GenoxelError
from genoxel.core.image import Image
from genoxel.core.mask import Mask
from genoxel.features.elsewhere import mirp_name, names
from genoxel.features.extract import Features, extract
from genoxel.features.pyradiomics import extract_pyradiomics, read_parameters
from genoxel.features.settings import FeatureSettings
from genoxel.image.settings import Discretise, ImageSettings
from genoxel.io.nifti import read_nifti, read_nifti_mask
from genoxel.io.nrrd import read_nrrd, read_nrrd_mask, write_nrrd

BINS = 32
NINE = {
    "volume": "morph.volume_mesh",
    "surface area": "morph.surface_area",
    "sphericity": "morph.sphericity",
    "maximum 3D diameter": "morph.maximum_3d_diameter",
    "mean": "stat.mean",
    "standard deviation": "stat.standard_deviation",
    "kurtosis": "stat.excess_kurtosis",
    "co-occurrence entropy": "glcm.joint_entropy.3d_avg",
    "co-occurrence contrast": "glcm.contrast.3d_avg",
}
MODE = (
    {},
    {"binCount": 32},
    {"weightingNorm": "euclidean"},
    {"weightingNorm": "manhattan"},
    {"weightingNorm": "no_weighting"},
    {"gldm_a": 2},
    {"distances": [1, 2]},
    {"distances": [1, 3], "force2D": True, "weightingNorm": "euclidean"},
    {"resampledPixelSpacing": [2, 2, 2]},
    {"force2D": True, "weightingNorm": "infinity", "gldm_a": 1},
    {"normalize": True, "binWidth": 0.1, "resegmentRange": [-1, 2], "resegmentMode": "sigma"},
)
PYRADIOMICS = """
import json, sys
from radiomics import featureextractor, setVerbosity
setVerbosity(60)
found = []
for image, mask, setting in json.loads(sys.stdin.read()):
    try:
        extractor = featureextractor.RadiomicsFeatureExtractor(**{"binWidth": 25, **setting})
        extractor.enableFeaturesByName(firstorder=[])
        values = extractor.execute(image, mask)
        found.append({name: float(value) for name, value in values.items() if name.startswith("original_")})
    except Exception as error:
        found.append({})
print(json.dumps(found))
"""
MIRP = """
import json, logging, sys, warnings
warnings.filterwarnings("ignore")
from mirp import extract_features
if __name__ == "__main__":
    found = []
    for image, mask, setting in json.loads(sys.stdin.read()):
        table = extract_features(image=image, mask=mask, base_feature_families="all", glcm_spatial_method="3d_average",
            glrlm_spatial_method="3d_average", glszm_spatial_method="3d", gldzm_spatial_method="3d",
            ngtdm_spatial_method="3d", ngldm_spatial_method="3d", **setting)[0]
        row = {}
        for name in table.columns:
            try:
                row[name] = float(table[name].iloc[0])
            except (TypeError, ValueError):
                continue
        found.append(row)
    print("RESULT" + json.dumps(found))
"""
Peer = dict[str, float]


def made() -> dict[str, tuple[Image, Mask]]:
    """Return three digital objects of 60 x 60 x 40 voxels of 1 x 1 x 1.5 mm, whole numbers from 0 to 400."""
    rng = np.random.default_rng(2020)
    affine = np.diag([1.0, 1.0, 1.5, 1.0])
    places = np.moveaxis(np.indices((60, 60, 40)) - np.array([29.7, 30.2, 19.6])[:, None, None, None], 0, -1)
    places = places * np.diag(affine)[:3]
    radius = np.linalg.norm(places, axis=-1)
    angle = np.arctan2(places[..., 1], places[..., 0])
    noise = rng.normal(0, 25, radius.shape)
    shapes = {
        "sphere": (radius < 20, 150 + noise),
        "gradient": (radius < 18, 200 + 6 * places[..., 0] + noise / 3),
        "lobes": (radius < 17 * (1 + 0.3 * np.cos(5 * angle)), 180 + 60 * np.sin(places[..., 2] / 3) + noise / 2),
    }
    return {
        name: (Image(np.round(values.clip(0, 400)).astype(np.int16), affine), Mask(inside.astype(np.uint8), affine))
        for name, (inside, values) in shapes.items()
    }


def real(folder: Path | None) -> dict[str, tuple[Image, Mask]]:
    """Return the real regions that are there, each of them label 1."""
    found = {}
    data = Path(os.environ.get("GENOXEL_TEST_DATA", ""))
    nrrd = data / "pyradiomics"
    if nrrd.is_dir():
        found["brain1"] = (read_nrrd(nrrd / "brain1_image.nrrd"), read_nrrd_mask(nrrd / "brain1_label.nrrd"))
        prostate = read_nrrd(nrrd / "prostate_phantom_subvolume.nrrd")
        labels = read_nrrd_mask(nrrd / "prostate_phantom_subvolume-label.nrrd")
        for label in np.unique(labels.array)[1:]:
            inside = (np.asarray(labels.array) == label).astype(np.uint8)
            found[f"prostate {int(label)}"] = (prostate, Mask(inside, labels.affine))
    nifti = data / "ibsi/ct_radiomics_phantom/nifti"
    if nifti.is_dir():
        found["CT phantom"] = (read_nifti(nifti / "image.nii.gz"), read_nifti_mask(nifti / "mask.nii.gz"))
    for path in sorted(folder.glob("*_image.nrrd")) if folder else []:
        name = path.name.removesuffix("_image.nrrd")
        if name not in found:
            found[name] = (read_nrrd(path), read_nrrd_mask(path.with_name(f"{name}_label.nrrd")))
    return found


def ask(python: str, code: str, work: list[tuple[str, str, dict[str, object]]]) -> list[Peer]:
    done = subprocess.run([python, "-c", code], input=json.dumps(work), capture_output=True, text=True, check=True)
    found: list[Peer] = json.loads(done.stdout.rsplit("RESULT", 1)[-1].splitlines()[-1])
    return found


def measured(
    python: str, code: str, package: str, paths: dict[str, tuple[str, str]], setting: dict[str, object]
) -> dict[str, dict[str, float]]:
    """Return object -> the values of a package by our names."""
    rows = ask(python, code, [(*pair, setting) for pair in paths.values()])
    found = {name: theirs(package, row) for name, row in zip(paths, rows, strict=True) if row}
    for values in found.values():
        values["stat.standard_deviation"] = values["stat.variance"] ** 0.5
    return found


def by_path(found: Features) -> dict[str, float]:
    return {column.name.split(".", 3)[-1]: found.values[column.name] for column in found.columns}


def theirs(package: str, values: Peer) -> dict[str, float]:
    """Return the peer's values by our names; kurtosis of PyRadiomics as excess, the bins in names of MIRP left out."""
    values = {re.sub(r"_fb[ns]_[nw][\d.]+$", "", name): value for name, value in values.items()}
    found = {}
    for one in names():
        family, feature = one.ours.split(".")
        pooled = {"glcm": ".3d_avg", "glrlm": ".3d_avg"}.get(family, ".3d" if family[:2] in {"gl", "ng"} else "")
        name = one.pyradiomics if package == "PyRadiomics" else mirp_name(family, feature, pooled[1:])
        if name and name in values:
            shift = 3 if name == "original_firstorder_Kurtosis" else 0
            found[one.ours + pooled] = values[name] - shift
    return found


def deviation(ours: float, other: float) -> float:
    """Return the relative deviation; 0 where both are 0 or lack."""
    if math.isnan(ours) and math.isnan(other):
        return 0.0
    if math.isnan(ours) or math.isnan(other):
        return math.inf
    return abs(other - ours) / max(abs(ours), abs(other), 1e-9)


def variation(values: list[float]) -> float:
    """Return the coefficient of variation (deviation by n - 1), in percent."""
    return float(np.std(values, ddof=1) / abs(np.mean(values)) * 100)


def agreement(mine: dict[str, dict[str, float]], peers: dict[str, dict[str, dict[str, float]]]) -> None:
    for package, objects in peers.items():
        worst: dict[str, float] = defaultdict(float)
        where: dict[str, str] = {}
        for name, values in objects.items():
            for feature, value in values.items():
                found_here = deviation(mine[name][feature], value)
                if found_here > worst[feature] or feature not in where:
                    worst[feature], where[feature] = found_here, name
        families: dict[str, list[float]] = defaultdict(list)
        for feature, value in worst.items():
            families[feature.split(".")[0]].append(value)
        print(f"\n### {package}: largest deviation over {len(objects)} objects, {BINS} equal bins\n")
        print("| family | features in both | within 1e-6 | within 0.1 % | within 1 % | beyond |")
        print("|---|---|---|---|---|---|")
        for family, found in [*families.items(), ("all", list(worst.values()))]:
            steps = (1e-6, 1e-3, 1e-2, math.inf)
            counts = [sum(low < one <= high for one in found) for low, high in zip((-1.0, *steps), steps, strict=False)]
            print(f"| {family} | {len(found)} | " + " | ".join(str(count) for count in counts) + " |")
        beyond = sorted(((value, feature) for feature, value in worst.items() if value > 1e-6), reverse=True)
        print("\nBeyond 1e-6: " + ", ".join(f"`{feature}` {value:.2g} ({where[feature]})" for value, feature in beyond))


def nine(title: str, every: dict[str, dict[str, dict[str, float]]]) -> None:
    """Print for each of the nine features the median and the largest coefficient of variation over the objects."""
    objects = list(next(iter(every.values())))
    print(f"\n### Nine features over {', '.join(every)}: {title} ({len(objects)} objects)\n")
    print("| feature | median CV | largest CV | class |\n|---|---|---|---|")
    for feature, path in NINE.items():
        found = sorted(variation([values[name][path] for values in every.values()]) for name in objects)
        middle = float(np.median(found))
        kind = "excellent (< 1 %)" if middle < 1 else "moderate (< 10 %)" if middle < 10 else "large (10 % or more)"
        print(f"| {feature} | {middle:.3g} % | {found[-1]:.3g} % | {kind} |")


def mode(objects: dict[str, tuple[Image, Mask]], paths: dict[str, tuple[str, str]], python: str) -> None:
    work = [(name, setting) for name in objects for setting in MODE]
    found = ask(python, PYRADIOMICS, [(*paths[name], setting) for name, setting in work])
    same = total = refused = 0
    for (name, setting), values in zip(work, found, strict=True):
        try:
            ours = extract_pyradiomics(*objects[name], read_parameters({"setting": setting}))
        except GenoxelError as error:
            refused += 1
            print(f"refused, {name} {setting}: {error} (there: {'values' if values else 'an error'})")
            continue
        for feature, value in values.items():
            if feature in ours.values:
                total += 1
                close = math.isclose(ours.values[feature], value, rel_tol=1e-6, abs_tol=1e-9)
                same += close
                if not close:
                    why = ours.reasons.get(feature, ours.values[feature])
                    print(f"   {name} {setting} {feature}: {value:.6g} there, here {why}")
    print(f"\nPyRadiomics mode: {same} of {total} values within 1e-6, {len(work)} runs, {refused} refused")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pyradiomics", required=True, help="interpreter with PyRadiomics")
    parser.add_argument("--mirp", required=True, help="interpreter with MIRP")
    parser.add_argument("--files", type=Path, help="folder with NAME_image.nrrd and NAME_label.nrrd")
    parser.add_argument("--no-mode", action="store_true", help="leave the PyRadiomics mode out")
    options = parser.parse_args()
    objects = made() | real(options.files)
    rules = FeatureSettings(set="extended", ivh=Discretise(bins=1000))
    both = ({"binCount": BINS}, {"base_discretisation_method": "fixed_bin_number", "base_discretisation_n_bins": BINS})
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        for place, (name, parts) in enumerate(objects.items()):
            paths[name] = (str(Path(folder, f"{place}_image.nrrd")), str(Path(folder, f"{place}_mask.nrrd")))
            for path, part in zip(paths[name], parts, strict=True):
                write_nrrd(path, part)
        objects = {name: (read_nrrd(one), read_nrrd_mask(two)) for name, (one, two) in paths.items()}
        equal = ImageSettings(discretise=Discretise(bins=BINS))
        compact = {name: parts for name, parts in objects.items() if name not in {"prostate 1", "prostate 7"}}
        mine = {name: by_path(extract(*parts, equal, rules)) for name, parts in compact.items()}
        peers: dict[str, dict[str, dict[str, float]]] = {}
        for package, python, code, setting in (
            ("PyRadiomics", options.pyradiomics, PYRADIOMICS, both[0]),
            ("MIRP", options.mirp, MIRP, both[1]),
        ):
            peers[package] = measured(python, code, package, {name: paths[name] for name in compact}, setting)
        print("Objects: " + ", ".join(f"{name} ({parts[1].count()} voxels)" for name, parts in objects.items()))
        agreement(mine, peers)
        nine(f"{BINS} equal bins", {"Genoxel": mine, **peers})
        wide = measured(options.pyradiomics, PYRADIOMICS, "PyRadiomics", {name: paths[name] for name in compact}, {})
        nine(
            "bins of 25 in PyRadiomics, its default, 32 in the others", {"Genoxel": mine, **peers, "PyRadiomics": wide}
        )
        if not options.no_mode:
            mode(objects, paths, options.pyradiomics)
    return 0


if __name__ == "__main__":
    sys.exit(main())
