"""What a tumour's traits look like in pixels: plain NumPy and SciPy on images and the contour, no code of Genoxel.

Each body has one statistic per trait. They are meant to be simple, and to follow the trait they are named after.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy import ndimage, optimize

Volume = np.ndarray
ALSO = {"mr": ("dwi", "dsc", "dce", "pet"), "ct": ("pet",), "breast": ("dce",), "prostate": ("dwi", "dce")}
ASKED = {"mr": ("location",), "ct": ("location", "spiculation"), "breast": ("location", "spiculation")}
ASKED["prostate"] = ("location",)
PLAIN_R1 = {"mr": 0.6, "breast": 0.6, "prostate": 0.6}


def neighbours(values: Volume, inside: Volume, axes: tuple[int, ...] = (0, 1)) -> float:
    """Correlation of neighbouring voxels in a slice, both inside."""
    products, squares, centre = [], [], values[inside].mean()
    for axis in axes:
        here, there = [slice(None)] * 3, [slice(None)] * 3
        here[axis], there[axis] = slice(None, -1), slice(1, None)
        both = inside[tuple(here)] & inside[tuple(there)]
        one, two = values[tuple(here)][both] - centre, values[tuple(there)][both] - centre
        products.append(one * two)
        squares.append((one**2 + two**2) / 2)
    return float(np.concatenate(products).mean() / np.concatenate(squares).mean())


def length_mm(values: Volume, inside: Volume, spacing: tuple[float, ...]) -> float:
    """Correlation length in mm if the correlation were exp(-r²/(2 length²)), from voxels two and one apart."""
    rho = min(max(neighbours(values, inside), 0.02), 0.995)
    return float(spacing[0] / np.sqrt(-2 * np.log(rho)))


def surface_spread(inside: Volume, spacing: tuple[float, ...]) -> float:
    """SD of the distance from the centre to the surface over directions, relative to its mean, less an ellipsoid's."""
    edge = np.argwhere(inside & ~ndimage.binary_erosion(inside)) * spacing
    points = np.argwhere(inside) * spacing
    offset = edge - points.mean(axis=0)
    whitened = offset @ np.linalg.inv(np.linalg.cholesky(np.cov(points.T))).T
    away = np.linalg.norm(whitened, axis=1)
    return float(away.std() / away.mean())


def length_apart(values: Volume, inside: Volume, spacing: tuple[float, ...]) -> float:
    """Correlation length in mm as above from voxels one and two apart, which white noise does not touch."""
    centre, found = values[inside].mean(), []
    for step in (1, 2):
        products = []
        for axis in (0, 1):
            here, there = [slice(None)] * 3, [slice(None)] * 3
            here[axis], there[axis] = slice(None, -step), slice(step, None)
            both = inside[tuple(here)] & inside[tuple(there)]
            products.append((values[tuple(here)][both] - centre) * (values[tuple(there)][both] - centre))
        found.append(float(np.concatenate(products).mean()))
    share = min(max(found[1] / max(found[0], 1e-9), 0.05), 0.98)
    return float(spacing[0] * np.sqrt(3 / (-2 * np.log(share))))


def thin(values: Volume, inside: Volume, spacing: tuple[float, ...], level: float, reach: float) -> float:
    """Share of thin bright structures among the dark voxels from 3 to `reach` mm around."""
    bright = values > level
    plate = np.ones((3, 3, 1), bool)
    thick = ndimage.binary_dilation(ndimage.binary_opening(bright, plate), plate)
    around = shell(inside, spacing, 3, reach) & ~(thick & ~ndimage.binary_dilation(inside, plate))
    return float(np.sum(around & bright) / max(around.sum(), 1))


def shell(inside: Volume, spacing: tuple[float, ...], low: float, high: float) -> Volume:
    """Voxels from `low` to `high` mm outside the contour, smoothed of what sticks out."""
    smooth = ndimage.binary_opening(inside, ndimage.generate_binary_structure(3, 3))
    away = ndimage.distance_transform_edt(~smooth, spacing)
    return (away > low) & (away <= high)


def radial(inside: Volume, spacing: tuple[float, ...]) -> Volume:
    """Place between the centre (0) and the surface (1)."""
    points = np.argwhere(inside) * np.array(spacing)
    offset = np.moveaxis(np.indices(inside.shape), 0, -1) * np.array(spacing) - points.mean(axis=0)
    away = np.linalg.norm(offset, axis=-1)
    return away / (away + ndimage.distance_transform_edt(inside, spacing))


def core_share(values: Volume, inside: Volume, place: Volume) -> float:
    """Radius of the dark core that fits best, relative to the tumour's: two levels with a soft step between them."""
    at, seen = place[inside], values[inside]
    seen = np.clip(seen, *np.percentile(seen, [2, 98]))
    shares, errors = np.arange(0.10, 0.86, 0.02), []
    for share in shares:
        design = np.column_stack([np.ones_like(at), np.clip(0.5 + (at - share) / 0.25, 0, 1)])
        fit = np.linalg.lstsq(design, seen, rcond=None)[0]
        errors.append(((seen - design @ fit) ** 2).sum() if fit[1] > 0 else np.inf)
    return float(shares[int(np.argmin(errors))])


def radius_mm(inside: Volume, spacing: tuple[float, ...]) -> float:
    return float((3 * inside.sum() * np.prod(spacing) / (4 * np.pi)) ** (1 / 3))


def concentration(signal: np.ndarray, relaxation: float, before: int) -> np.ndarray:
    """Concentration (mM) from spoiled gradient echo signal, by the Ernst formula on a grid."""
    grid = np.linspace(0.1, 60, 6000)
    angle, left = np.deg2rad(12.0), np.exp(-0.005 * grid)
    ernst = np.sin(angle) * (1 - left) / (1 - np.cos(angle) * left)
    plain = np.interp(relaxation, grid, ernst)
    return (np.interp(signal / signal[:before].mean() * plain, ernst, grid) - relaxation) / 4.5


def exchange_fit(seconds: np.ndarray, curve: np.ndarray, plasma: np.ndarray, fine: np.ndarray) -> tuple[float, float]:
    """Ktrans and kep (1/min) of the Tofts model fitted by SciPy, the convolution summed second by second."""

    def model(_t: Any, ktrans: float, kep: float) -> np.ndarray:
        summed = np.convolve(plasma, np.exp(-kep / 60 * fine))[: len(fine)]
        return np.interp(seconds, fine, ktrans / 60 * summed)

    (ktrans, kep), _ = optimize.curve_fit(model, seconds, curve, p0=(0.15, 0.5), bounds=(1e-4, 10))
    return float(ktrans), float(kep)


def kinetics(one: Any, body: str, where: Volume) -> dict[str, float]:
    """Ktrans and kep of the mean curve; the input is read from the series itself."""
    item = next(series for series in one.series if series.name == "DCE")
    signal = np.array([image.values()[where].mean() for image in item.volumes])
    seconds, plasma = np.array(item.curve).T
    fine = np.arange(0, seconds[-1] + 1)
    early = max(int(np.sum(plasma < 1e-6)), 1)
    dense = np.interp(fine, seconds, plasma)
    if body == "breast":  # too few volumes to hold the bolus: the published population input
        onsets = np.arange(0.0, 120.0, 1.0)
        misses = [np.abs(parker_again(seconds, onset) - plasma).sum() for onset in onsets]
        dense = parker_again(fine, onsets[int(np.argmin(misses))])
    found = exchange_fit(seconds, concentration(signal, PLAIN_R1[body], early), dense, fine)
    return {"ktrans": found[0], "kep": found[1]}


def parker_again(seconds: np.ndarray, onset: float) -> np.ndarray:
    """The population input in plasma, written out from Parker et al. 2006, table 1."""
    t = np.maximum((seconds - onset) / 60, 0)
    first = 0.809 / (0.0563 * np.sqrt(2 * np.pi)) * np.exp(-((t - 0.17046) ** 2) / (2 * 0.0563**2))
    second = 0.330 / (0.132 * np.sqrt(2 * np.pi)) * np.exp(-((t - 0.365) ** 2) / (2 * 0.132**2))
    tail = 1.050 * np.exp(-0.1685 * t) / (1 + np.exp(-38.078 * (t - 0.483)))
    return np.where(seconds >= onset, first + second + tail, 0) / (1 - 0.42)


def diffusion(one: Any, where: Volume) -> float:
    """Median ADC in 10^-3 mm²/s, by a straight line through the logarithm of the signal."""
    item = next(series for series in one.series if series.name == "DWI")
    b = np.array([each["DiffusionBValue"] for each in item.each])
    signal = np.log(np.maximum(np.stack([image.values()[where] for image in item.volumes]), 1))
    return float(np.median(-np.polyfit(b, signal, 1)[0]) * 1000)


def blood_volume(one: Any, where: Volume, normal: Volume) -> float:
    """Area under the change of relaxation, relative to normal tissue."""
    item = next(series for series in one.series if series.name == "DSC")
    signal = np.stack([image.values() for image in item.volumes]).astype(float)
    drop = np.maximum(-np.log(np.maximum(signal, 1) / np.maximum(signal[:8].mean(axis=0), 1)).sum(axis=0), 0)
    return float(np.median(drop[where]) / np.median(drop[normal]))


def uptake(one: Any, inside: Volume) -> float:
    """The mean of the hottest quarter, in Bq/ml (a patient's weight and dose apart)."""
    values = next(series for series in one.series if series.name == "PT").volumes[0].values()[inside]
    return float(values[values >= np.percentile(values, 75)].mean())


def general(one: Any, values: Volume) -> dict[str, float]:
    inside, spacing = one.tumour.array > 0, one.tumour.spacing
    return {
        "margin": surface_spread(ndimage.binary_opening(inside) if inside.sum() > 200 else inside, spacing),
        "size": radius_mm(inside, spacing),
        "texture": length_mm(values, inside, spacing),
    }


def head(one: Any) -> dict[str, float]:
    inside, spacing = one.tumour.array > 0, one.tumour.spacing
    post, flair, plain = (one.images[name].values().astype(float) for name in ("T1CE", "FLAIR", "T1"))
    brain = plain > 0.3 * np.percentile(plain, 99)
    tissue = np.median(post[brain & ~inside])
    bright = flair > 1.3 * np.median(flair[brain & ~inside])
    around = (ndimage.distance_transform_edt(~inside, spacing) < 14) & ~inside & bright
    place = radial(inside, spacing)
    rim = inside & (place > 0.75) & (place < 0.93)
    far = plain[::-1]  # the other side
    normal = brain & ~ndimage.binary_dilation(inside, iterations=8) & (np.abs(plain / np.median(far[brain]) - 1) < 0.1)
    hot = post >= np.percentile(post[inside], 50)
    return {
        **general(one, post),
        "heterogeneity": float(np.log(post[rim]).std()),
        "enhancement": float(np.percentile(post[inside], 75) / tissue),
        "necrosis": core_share(post, inside, place),
        "oedema": float(around.sum() * np.prod(spacing) / radius_mm(inside, spacing) ** 2),
        "location": float(-(np.argwhere(inside).mean(axis=0)[1] - (inside.shape[1] - 1) / 2) * spacing[1]),
        **kinetics(one, "mr", inside & hot),
        "rcbv": blood_volume(one, inside & hot, normal),
        "adc": diffusion(one, inside & hot),
        "uptake": uptake(one, inside),
    }


def chest(one: Any) -> dict[str, float]:
    values = one.images["CT"].values().astype(float)
    inside, spacing = one.tumour.array > 0, one.tumour.spacing
    deep = ndimage.binary_erosion(inside)
    solid = deep & (values > -100)
    return {
        **general(one, values),
        "texture": length_mm(values, solid, spacing),
        "heterogeneity": float(np.subtract(*np.percentile(values[solid], [75, 25]))),
        "enhancement": float(np.percentile(values[solid], 60)),
        "necrosis": core_share(values, deep, radial(inside, spacing)),
        "location": float((np.argwhere(inside).mean(axis=0)[2] - (inside.shape[2] - 1) / 2) * spacing[2]),
        "uptake": uptake(one, inside),
        "spiculation": thin(values, inside, spacing, -650, 18),
    }


def breast(one: Any) -> dict[str, float]:
    post, plain = (one.images[name].values().astype(float) for name in ("T1CE", "T1"))
    inside, spacing = one.tumour.array > 0, one.tumour.spacing
    deep = ndimage.binary_erosion(inside)
    gland = (plain > 0.7 * np.median(plain[inside])) & ~ndimage.binary_dilation(inside, iterations=3)
    tissue = np.median(post[gland])
    living = deep & (post > 1.3 * tissue)
    place = radial(inside, spacing)
    core = core_share(post, inside, place)
    rim = deep & (place > core + 0.15)
    beside = shell(inside, spacing, 3, 10)
    x = (np.argwhere(inside).mean(axis=0)[0] - (inside.shape[0] - 1) / 2) * spacing[0]
    return {
        **general(one, post),
        "texture": length_mm(post, rim if rim.sum() > 40 else deep, spacing),
        "heterogeneity": float(post[living].std() / post[living].mean()),
        "enhancement": float(np.median(post[living]) / tissue),
        "necrosis": core,
        "location": float(np.abs(x) - 76),
        **kinetics(one, "breast", living),
        "spiculation": float(np.mean(post[beside] > 1.35 * tissue)),
    }


def prostate(one: Any) -> dict[str, float]:
    values = one.images["T2"].values().astype(float)
    inside, spacing = one.tumour.array > 0, one.tumour.spacing
    deep = ndimage.binary_erosion(inside)
    deep = deep if deep.sum() >= 20 else inside  # the smallest lesions have no depth in which to look for pairs
    return {
        **general(one, values),
        "texture": length_apart(values, deep, spacing),
        "heterogeneity": float(values[deep].std() / values[deep].mean()),
        "location": float((np.argwhere(inside).mean(axis=0)[0] - (inside.shape[0] - 1) / 2) * spacing[0]),
        "adc": diffusion(one, deep),
        **kinetics(one, "prostate", deep),
    }


MEASURE: Mapping[str, Callable[[Any], dict[str, float]]] = {
    "mr": head,
    "ct": chest,
    "breast": breast,
    "prostate": prostate,
}


def planted(body: str, n: int, seed: int, d: float = 1.2) -> tuple[Any, tuple[str, ...]]:
    """A cohort in which every trait of a body has a gene of its own with the effect `d`, and one gene has none."""
    from genoxel.simulate import SimulationSpec
    from genoxel.simulate.traits import traits_of

    traits = traits_of(body, ALSO[body], ASKED[body])
    effects = (*(f"G-{trait}:{trait}:{d}" for trait in traits), "NULL:none")
    genes = [effect.split(":")[0] for effect in effects]
    spec = SimulationSpec(
        n=n, modality=body, also=ALSO[body], effects=effects, prevalence=dict.fromkeys(genes, 0.5), seed=seed
    )
    return spec, traits


def seen(body: str, n: int, seed: int) -> dict[str, dict[str, np.ndarray]]:
    """Trait -> latent values, what the pixels show, who carries its gene, and who carries the gene without effect."""
    from genoxel.simulate.plan import draw_people
    from genoxel.simulate.render import render

    spec, traits = planted(body, n, seed)
    people = draw_people(spec)
    rows = [MEASURE[body](render(spec, person)) for person in people]
    return {
        trait: {
            "latent": np.array([person.latent[trait] for person in people]),
            "pixels": np.array([row[trait] for row in rows]),
            "mutant": np.array([person.genotype[f"G-{trait}"] for person in people]),
            "null": np.array([person.genotype["NULL"] for person in people]),
        }
        for trait in traits
    }


def cohens_d(values: np.ndarray, mutant: np.ndarray) -> float:
    """Difference of means over the pooled SD, without the bias of small groups (Hedges)."""
    one, two = values[mutant], values[~mutant]
    freedom = len(values) - 2
    pooled = np.sqrt(((len(one) - 1) * one.var(ddof=1) + (len(two) - 1) * two.var(ddof=1)) / freedom)
    return float((one.mean() - two.mean()) / pooled * (1 - 3 / (4 * freedom - 1)))


def within_groups(one: np.ndarray, two: np.ndarray, mutant: np.ndarray) -> float:
    """Pearson's correlation of what is left of both when each group's mean is taken away."""
    left = [np.where(mutant, each - each[mutant].mean(), each - each[~mutant].mean()) for each in (one, two)]
    return float(np.corrcoef(*left)[0, 1])


def rank_correlation(one: np.ndarray, two: np.ndarray) -> tuple[float, float, float]:
    """Spearman's correlation with its 95 % interval (Fisher's transformation, variance of Bonett and Wright 2000)."""
    rho = float(np.corrcoef(one.argsort().argsort(), two.argsort().argsort())[0, 1])
    half = 1.96 * np.sqrt((1 + rho**2 / 2) / (len(one) - 3))
    middle = np.arctanh(min(rho, 0.9999))
    return rho, float(np.tanh(middle - half)), float(np.tanh(middle + half))
