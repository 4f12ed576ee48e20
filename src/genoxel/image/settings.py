"""Settings of the room image: the section `[image]` of a study file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field, model_validator

from genoxel.core.errors import SettingsError
from genoxel.core.settings import Settings

Interpolation = Literal["nearest", "linear", "cubic"]
MAX_BINS = 1024
"""More grey levels than this are refused: texture of so many levels counts noise, and memory would have no bound."""


class Discretise(Settings):
    """Grey levels of fixed width from a stated anchor (`bin_size`, `anchor`), or a fixed number of them (`bins`).

    >>> Discretise(bin_size=25, anchor=-1000).describe()
    'fixed bin size 25 from -1000'
    """

    bin_size: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    anchor: float | None = Field(default=None, allow_inf_nan=False)
    bins: int | None = Field(default=None, ge=2, le=MAX_BINS)

    @model_validator(mode="after")
    def _one_of_two(self) -> Discretise:
        if (self.bin_size is None) == (self.bins is None):
            raise SettingsError("discretise", "either bin_size or bins", "for example { bins = 32 }")
        if self.bins is not None and self.anchor is not None:
            raise SettingsError("bins with an anchor", "an anchor only with bin_size", "drop one of them")
        return self

    def describe(self) -> str:
        """Return the rule in words."""
        if self.bins is not None:
            return f"fixed bin number {self.bins}"
        return (
            f"fixed bin size {self.bin_size:g} from {'the lower bound' if self.anchor is None else f'{self.anchor:g}'}"
        )


class Normalise(Settings):
    """How intensities are made comparable; MR alone needs it, so HU, SUV and other units stay as they are.

    What names it for one modality (`override`) or sets `also_units` wants it whatever the unit; "reference" divides SUV
    as well.

    "zscore": mean and deviation `within` the whole image, the body, the brain or the ROI. "whitestripe": those of the
    white matter, at the "last" or the "highest" `peak` of the histogram. "nyul": landmarks learned on the images in the
    folder `reference`, which must be of patients who take no part in the study. "reference": divided by the median of
    the structure `tissue`.

    >>> Normalise(method="reference", tissue="Cerebellum").describe()
    'divided by the median of the structure Cerebellum'
    """

    method: Literal["zscore", "nyul", "whitestripe", "reference"] = "zscore"
    within: Literal["image", "body", "brain", "roi"] = "body"
    peak: Literal["last", "highest"] = "highest"
    reference: Path | None = None
    tissue: str = ""
    also_units: bool = False

    def applies_to(self, unit: str) -> bool:
        """Return whether intensities of `unit` ("" where there is none) are meant.

        >>> Normalise().applies_to("HU"), Normalise().applies_to(""), Normalise(also_units=True).applies_to("HU")
        (False, True, True)
        """
        return self.also_units or not unit or (self.method == "reference" and unit.startswith("SUV"))

    @model_validator(mode="after")
    def _complete(self) -> Normalise:
        if (self.method == "reference") != bool(self.tissue):
            raise SettingsError("a reference tissue", 'method = "reference" with tissue, and no other', "name both")
        if self.reference is not None and self.method != "nyul":
            raise SettingsError(f"reference beside {self.method}", 'reference with method = "nyul"', "remove it")
        if self.within == "roi" and self.method in {"nyul", "whitestripe"}:
            raise SettingsError(f"{self.method} within the roi", "image, body or brain", 'within = "brain"')
        return self

    def describe(self) -> str:
        """Return the rule in words."""
        if self.method == "reference":
            return f"divided by the median of the structure {self.tissue}"
        names = {
            "zscore": "z-scores",
            "nyul": "moved to the landmarks of a reference set (Nyúl)",
            "whitestripe": f"z-scores of the white stripe at the {self.peak} peak",
        }
        return f"{names[self.method]} within the {self.within}"


class Denoise(Settings):
    """How noise is reduced: "median" (`size` voxels), "gaussian" (`sigma_mm`), "curvature" (`iterations`), "nlm".

    >>> Denoise(method="gaussian", sigma_mm=0.8).used()
    {'method': 'gaussian', 'sigma_mm': 0.8}
    """

    method: Literal["median", "gaussian", "curvature", "nlm"] = "median"
    size: int = Field(default=3, ge=3, le=11)
    sigma_mm: float = Field(default=1.0, gt=0, le=20, allow_inf_nan=False)
    iterations: int = Field(default=5, ge=1, le=100)
    conductance: float = Field(default=3.0, gt=0, allow_inf_nan=False)
    strength: float = Field(default=0.8, gt=0, le=5, allow_inf_nan=False)

    @model_validator(mode="after")
    def _odd(self) -> Denoise:
        if self.size % 2 == 0:
            raise SettingsError(f"a median of {self.size} voxels", "an odd number", "3 or 5")
        return self

    def used(self) -> dict[str, Any]:
        """Return the method and the settings that it reads."""
        own: dict[str, dict[str, float]] = {
            "median": {"size": self.size},
            "gaussian": {"sigma_mm": self.sigma_mm},
            "curvature": {"iterations": self.iterations, "conductance": self.conductance},
            "nlm": {"strength": self.strength},
        }
        return {"method": self.method, **own[self.method]}


class Bias(Settings):
    """How the shading of coils is taken out: N4 with a mesh of `mesh_mm`, halved at each further of the `levels`."""

    method: Literal["n4"] = "n4"
    mesh_mm: float = Field(default=200.0, ge=10, le=1000, allow_inf_nan=False)
    levels: int = Field(default=3, ge=1, le=6)
    iterations: int = Field(default=50, ge=1, le=500)
    convergence: float = Field(default=0.001, gt=0, lt=1)
    shrink_mm: float = Field(default=6.0, gt=0, le=20, allow_inf_nan=False)

    def used(self) -> dict[str, Any]:
        """Return what the record of the step holds of these settings."""
        search = {"levels": self.levels, "iterations": self.iterations, "convergence": self.convergence}
        return {"method": self.method, "mesh_mm": self.mesh_mm, "shrink_mm": self.shrink_mm, **search}


class Clip(Settings):
    """Intensities beyond two bounds are set to them: a `range`, or `percentiles` of the volume."""

    range: tuple[float, float] | None = None
    percentiles: tuple[float, float] | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Clip:
        if (self.range is None) == (self.percentiles is None):
            raise SettingsError("clip", "either range or percentiles", "clip = { percentiles = [0.5, 99.5] }")
        low, high = self.range or self.percentiles or (0.0, 0.0)
        if not low < high or (self.percentiles and not 0 <= low < high <= 100):
            raise SettingsError(f"clip {low:g} to {high:g}", "a lower and a higher bound", "swap or correct them")
        return self


class Kernel(Settings):
    """How sharp CT kernels are brought to a smooth one: by their noise in the even structure `tissue`.

    `reference` is a folder with CTs of the smooth kernel, of patients who take no part; the tissue is drawn on those
    and on the CTs of the study. What knows no HU is left alone.

    >>> Kernel(tissue="Heart", reference="smooth").describe()
    'CT kernels matched by their noise in the structure Heart'
    """

    tissue: str = Field(min_length=1)
    reference: Path

    def describe(self) -> str:
        """Return the rule in words."""
        return f"CT kernels matched by their noise in the structure {self.tissue}"


FIRST_TIME = "first time point"
"""What `register` names in place of a series where the later images of a patient are laid on the first."""


def base_of(label: str) -> str:
    """Return the modality or sequence of a series that may be of a later time point.

    >>> base_of("CT@2"), base_of("FLAIR")
    ('CT', 'FLAIR')
    """
    return label.partition("@")[0]


class Register(Settings):
    """Other series of a patient brought onto the grid of the series called `to`, whose contour then serves for all.

    `to = "first time point"`: the images of later dates instead, each with its own contour, onto the first of their
    modality. Only "grid" and "rigid" then: other kinds would take away the growth that is to be measured.
    `kind`: "grid" (same place, as in PET/CT: resampled alone), "rigid", "affine", "bspline" (mesh of `mesh_mm`).
    `refuse_mm`: two registrations from different samples that disagree by more than this refuse the patient.
    """

    to: str
    kind: Literal["grid", "rigid", "affine", "bspline"] = "rigid"
    interpolate: Interpolation = "linear"
    mesh_mm: float = Field(default=50.0, ge=10, le=500, allow_inf_nan=False)
    refuse_mm: float = Field(default=3.0, gt=0, le=50, allow_inf_nan=False)

    @model_validator(mode="after")
    def _keeps_volumes(self) -> Register:
        if self.over_time and self.kind not in {"grid", "rigid"}:
            raise SettingsError(
                f'kind = "{self.kind}" to the first time point, which scales the change that is to be measured away',
                "grid or rigid",
                'kind = "rigid"',
            )
        return self

    @property
    def over_time(self) -> bool:
        """Whether later time points are laid on the first, rather than series on one another."""
        return self.to == FIRST_TIME


Brain = Literal["template"]
Atlas = Literal["MNI152"]
_SHORT = {"denoise": "method", "bias": "method", "register": "to", "registration": "to", "normalise": "method"}
_WHOLE = ("kernel", "denoise", "bias", "clip", "registration", "brain", "atlas", "normalise")
"""Stages on the whole image, in their order; resampling, re-segmentation and grey levels follow."""


class ImageSettings(Settings):
    """How images are prepared before they are measured.

    `resample_mm`: voxel size along i, j, k; 0 keeps an axis; two sizes resample in the slice only. `range_hu` and
    `range` re-segment (keep voxels of the region within these intensities, ends included); `range_hu` speaks of images
    in HU alone. `outliers_sigma` leaves out voxels beyond so many deviations from the region's mean, after the range.
    `unit` states the unit of intensities where files do not say it ("SUV", "HU").
    `kernel`, `denoise`, `bias`, `register`, `clip`, `brain` and `normalise` are done on the whole image, in this order,
    before resampling. `atlas` says where lesions lie in the MNI152 brain. `discretise = "none"` takes whole-number
    intensities from 1 as levels. `override` changes single keys per modality.

    >>> ImageSettings(range_hu=(-1000, 400), override={"PET": {"discretise": {"bin_size": 0.5, "anchor": 0}}}
    ...     ).for_modality("PET").discretise
    Discretise(bin_size=0.5, anchor=0.0, bins=None)
    """

    # a field called register would hide a method of the model
    model_config = ConfigDict(populate_by_name=True)

    modalities: tuple[str, ...] = ()
    unit: str = ""
    resample_mm: tuple[float, ...] | None = None
    interpolate: Interpolation = "linear"
    mask_interpolate: Interpolation = "linear"
    mask_threshold: float = Field(default=0.5, gt=0, le=1)
    round_intensities: bool | None = None
    range_hu: tuple[float, float] | None = None
    range: tuple[float, float] | None = None
    outliers_sigma: float | None = Field(default=None, gt=0)
    kernel: Kernel | None = None
    denoise: Denoise | None = None
    bias: Bias | None = None
    registration: Register | None = Field(default=None, alias="register")
    clip: Clip | None = None
    brain: Brain | None = None
    atlas: Atlas | None = None
    normalise: Normalise | None = None
    discretise: Discretise | Literal["none"] = Discretise(bins=32)
    override: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _short(cls, content: Any) -> Any:
        """Take `bias = "n4"` for `bias = { method = "n4" }`, and `clip = [0, 400]` for its range."""
        if not isinstance(content, dict):
            return content
        found = dict(content)
        for key, name in _SHORT.items():
            if isinstance(found.get(key), str):
                found[key] = {name: found[key]}
        if isinstance(found.get("clip"), list | tuple):
            found["clip"] = {"range": found["clip"]}
        return found

    @model_validator(mode="after")
    def _legal(self) -> ImageSettings:
        sizes = self.resample_mm
        if sizes is not None and (len(sizes) not in (2, 3) or not all(0 <= size < 1000 for size in sizes)):
            raise SettingsError(f"resample_mm = {list(sizes)}", "two or three sizes in mm (0 keeps one)", "[1, 1, 1]")
        if sizes is not None and any(0 < size < 0.01 for size in sizes):
            raise SettingsError(f"resample_mm = {list(sizes)}", "voxels of 0.01 mm or more", "check the unit (mm)")
        for key in ("range_hu", "range"):
            bounds = getattr(self, key)
            if bounds is not None and not bounds[0] < bounds[1]:
                raise SettingsError(f"{key} = {list(bounds)}", "a lower and a higher bound", "swap or correct them")
        if self.brain is not None and (self.normalise is None or self.normalise.within != "brain"):
            fix = 'normalise = { method = "zscore", within = "brain" }, or remove brain'
            raise SettingsError("brain without anything within the brain", "a normalisation within it", fix)
        over_time = self.registration is not None and self.registration.over_time
        if over_time and self.normalise is not None and self.normalise.method == "reference":
            fix = 'normalise = { method = "zscore", within = "body" }, or measure the time points apart'
            raise SettingsError("a reference tissue beside time points laid on the first", "another normalisation", fix)
        for modality in self.override:
            if {"register", "registration"} & set(self.override[modality]):
                raise SettingsError(f"register for {modality} alone", "one register for all", "move it to [image]")
            self.for_modality(modality)
        return self

    def for_modality(self, modality: str) -> ImageSettings:
        """Return the settings that hold for one modality, its overrides put in place."""
        changes = self.override.get(modality, self.override.get(base_of(modality), {}))
        if not changes and not self.override:
            return self
        found = ImageSettings.model_validate({**self.model_dump(exclude={"override"}), **changes})
        if found.normalise is None or "normalise" not in changes:
            return found
        # named for this very modality: meant whatever its unit
        return found.model_copy(update={"normalise": found.normalise.model_copy(update={"also_units": True})})

    def after_whole(self) -> ImageSettings:
        """Return the settings without the stages on the whole image, for one that has been through them."""
        return self.model_copy(update=dict.fromkeys(_WHOLE) | {"override": {}})

    def describe_whole(self) -> list[str]:
        """Return what is done to whole images before interpolation, in words and in order, for a methods section."""
        said = [self.kernel.describe()] if self.kernel is not None else []
        if self.denoise is not None:
            told = ", ".join(f"{name} {value:g}" for name, value in self.denoise.used().items() if name != "method")
            said.append(f"noise reduced ({self.denoise.method}, {told})")
        if self.bias is not None:
            said.append(
                f"bias field of MR images corrected (N4, mesh of {self.bias.mesh_mm:g} mm, {self.bias.levels} levels)"
            )
        said += [text] if (text := self.describe_registration()) else []
        if self.clip is not None:
            bounds = self.clip.range or self.clip.percentiles or (0.0, 0.0)
            unit = "" if self.clip.range else " % (percentiles)"
            said.append(f"intensities clipped to {bounds[0]:g} to {bounds[1]:g}{unit}")
        if self.brain is not None:
            said.append("brain found by registration of the MNI152 template")
        if self.atlas is not None:
            said.append("lesions placed in the coordinates of MNI152 by an affine from the head to the template")
        if self.normalise is not None:
            where = "" if self.normalise.also_units else " of images without a unit"
            said.append(f"intensities{where} normalised ({self.normalise.describe()})")
        return said

    def describe_registration(self) -> str:
        """Return what is laid on what, in words; empty where nothing is registered."""
        if self.registration is None:
            return ""
        kind = {"grid": "resampled onto its grid", "bspline": "registered (affine, then B-spline)"}
        how = kind.get(self.registration.kind, f"registered ({self.registration.kind})")
        if self.registration.over_time:
            return f"images of later time points and their contours {how} to the first"
        return f"other series {how} to {self.registration.to}, whose contour served for all"

    def whole_stages(self) -> list[dict[str, Any] | str | None]:
        """Return the settings of the stages on the whole image as plain values, in their order."""
        found = [getattr(self, name) for name in _WHOLE]
        return [one.model_dump(mode="json") if isinstance(one, Settings) else one for one in found]

    def bounds(self, unit: str) -> tuple[float, float] | None:
        """Return the re-segmentation range that holds for intensities of `unit`."""
        if self.range is not None:
            return self.range
        return self.range_hu if unit == "HU" else None

    def spacing(self, current: tuple[float, float, float]) -> tuple[float, float, float] | None:
        """Return the voxel size to resample to (mm), or None where nothing is to be resampled."""
        if self.resample_mm is None:
            return None
        wanted = (*self.resample_mm, 0.0)[:3]
        sizes = [new or old for new, old in zip(wanted, current, strict=True)]
        return sizes[0], sizes[1], sizes[2]
