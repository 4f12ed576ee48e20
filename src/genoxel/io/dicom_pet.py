"""PET counts to standardised uptake values (SUV): what each slice is multiplied by, or the tag that is missing.

Sources: QIBA, "Computing SUV from DICOM attributes" (vendor-neutral pseudo-code: reference times, private factors of GE
and Philips); DICOM PS3.3 C.8.9.1 (units, decay correction); James, Research on Obesity (1976) and Janmahasatian et al.,
Clin Pharmacokinet 44:1051 (2005) for lean body mass; DuBois & DuBois (1916) for body surface.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from genoxel.core.errors import FileFormatError
from genoxel.core.image import FloatArray, Step
from genoxel.io.dicom_tags import moment, number_of, private
from genoxel.io.settings import SuvKind

UNITS = {"bw": "SUV", "lbm": "SUVlbm", "lbm_james": "SUVlbm", "bsa": "SUVbsa"}
"""The unit that an image carries for each kind of standardisation."""

FLUORINE_18 = 6586.2
"""Half-life of fluorine-18 in s, as scanners write it; a file that says otherwise is refused."""

_STATED = {"BW": "bw", "LBM": "lbm_james", "LBMJAMES128": "lbm_james", "LBMJANMA": "lbm", "BSA": "bsa", "": "bw"}
_PHILIPS = "Philips PET Private Group"
_LEAST_BQ = 1e4
_MOST_HALF_LIVES = 10


@dataclass(frozen=True)
class Scale:
    """What the rescaled values of each slice are multiplied by, the unit that gives, and the steps that say how."""

    factors: FloatArray
    unit: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class _Body:
    """The numbers of a patient that SUV needs; what is missing is NaN and refused where it is used."""

    weight: float
    height: float
    sex: str


def name_as_classic(header: Any) -> None:
    """Give a frame of an enhanced PET file (DICOM PS3.3 A.56) the classic tags from which SUV are computed.

    Its values are in Bq/ml when its one real world value mapping says so and is its rescaling; any other unit stays
    unnamed, and is refused later. Values belong to the time to which the file says decay was corrected.
    """
    if header.get("Modality") != "PT" or "Units" in header or "DecayCorrected" not in header:
        return
    if _in_becquerel(header):
        header.Units = "BQML"
    words = {"AttenuationCorrected": "ATTN", "DecayCorrected": "DECY", "ScatterCorrected": "SCAT"}
    header.CorrectedImage = [word for keyword, word in words.items() if header.get(keyword) == "YES"]
    if header.DecayCorrected != "YES":
        header.DecayCorrection = "NONE"
        return
    when = moment(str(header.get("DecayCorrectionDateTime") or ""))
    item = (header.get("RadiopharmaceuticalInformationSequence") or [{}])[0]
    if when is not None and when == moment(str(item.get("RadiopharmaceuticalStartDateTime") or "")):
        header.DecayCorrection = "ADMIN"
    elif when is not None:
        header.DecayCorrection = "START"
        header.SeriesDate, header.SeriesTime = f"{when:%Y%m%d}", f"{when:%H%M%S.%f}"


def _in_becquerel(header: Any) -> bool:
    items = header.get("RealWorldValueMappingSequence") or []
    if len(items) != 1:
        return False
    code = (items[0].get("MeasurementUnitsCodeSequence") or [{}])[0]
    stated = [number_of(items[0].get(f"RealWorldValue{word}")) for word in ("Slope", "Intercept")]
    rescaled = [number_of(header.get(f"Rescale{word}")) for word in ("Slope", "Intercept")]
    return code.get("CodeValue") == "Bq/ml" and bool(np.allclose(stated, rescaled, rtol=1e-6, atol=1e-9))


def suv_scale(slices: Sequence[Any], names: Sequence[str], kind: SuvKind) -> Scale:
    """Return how the rescaled values of PET `slices` (headers) become SUV of `kind`, slice by slice.

    Values in Bq/ml are divided by the dose at the time to which they are corrected (DecayCorrection START: the start of
    the series; ADMIN: the injection; NONE: the mean count time of each frame) and multiplied by body weight in g, lean
    mass in g or body surface in cm². Counts of Philips take its private factors; values that the file calls SUV are
    converted where another kind is asked for. Raises `FileFormatError` naming the tag that is missing or impossible.
    """
    first, name = slices[0], names[0]
    units = str(_same(slices, names, "Units", "(0054,1001)") or "").upper()
    body = _body(slices, names)
    if units == "NONE":
        return Scale(np.ones(len(slices)), "", ())
    if units in ("GML", "CM2ML"):
        return _stated(first, name, units, body, kind)
    if units == "BQML":
        return _activity(slices, names, np.ones(len(slices)), body, kind)
    if units == "CNTS":
        return _counts(slices, names, body, kind)
    raise FileFormatError(
        f"{name} (PT) with Units (0054,1001) = {units or 'nothing'}",
        "BQML, GML, CM2ML, or CNTS of Philips with its private factor",
        "convert the series to SUV at the workstation; activity alone does not compare between patients",
    )


def _same(slices: Sequence[Any], names: Sequence[str], keyword: str, tag: str) -> Any:
    """Return the value of a tag that all slices must share."""
    value = slices[0].get(keyword)
    for one, name in zip(slices, names, strict=True):
        if one.get(keyword) != value:
            raise FileFormatError(
                f"{keyword} {tag} that differs between {names[0]} and {name}", "one value", "export the series again"
            )
    return value


def _body(slices: Sequence[Any], names: Sequence[str]) -> _Body:
    weight = number_of(_same(slices, names, "PatientWeight", "(0010,1030)"))
    height = number_of(_same(slices, names, "PatientSize", "(0010,1020)"))
    sex = str(_same(slices, names, "PatientSex", "(0010,0040)") or "").upper()
    return _Body(weight, height, sex)


def _missing(name: str, keyword: str, tag: str, value: object, legal: str) -> FileFormatError:
    return FileFormatError(
        f"{name} (PT) with {keyword} {tag} = {value if value not in (None, '') else 'nothing'}",
        legal,
        "without it there is no SUV: export the series again with this tag, or convert it at the workstation",
    )


def _numerator(body: _Body, kind: SuvKind, name: str) -> float:
    """Return body weight (g), lean body mass (g) or body surface (cm²)."""
    weight, height = body.weight, body.height
    if not 0.2 <= weight <= 650:
        raise _missing(name, "PatientWeight", "(0010,1030)", weight, "a weight of 0.2 to 650 kg")
    if kind == "bw":
        return 1000 * weight
    if not 0.3 <= height <= 2.8:
        raise _missing(name, "PatientSize", "(0010,1020)", height, "a height of 0.3 to 2.8 m")
    if kind == "bsa":
        return float(1e4 * 0.007184 * weight**0.425 * (100 * height) ** 0.725)
    if body.sex not in ("M", "F"):
        raise _missing(name, "PatientSex", "(0010,0040)", "neither M nor F", "M or F, which lean body mass depends on")
    return 1000 * _lean(weight, height, body.sex == "M", kind)


def _lean(weight: float, height: float, man: bool, kind: SuvKind) -> float:
    if kind == "lbm_james":
        share, square = (1.10, 128.0) if man else (1.07, 148.0)
        return share * weight - square * (weight / (100 * height)) ** 2
    constant, slope = (6680.0, 216.0) if man else (8780.0, 244.0)
    return 9270.0 * weight / (constant + slope * weight / height**2)


def _stated(first: Any, name: str, units: str, body: _Body, kind: SuvKind) -> Scale:
    """Return the scale of values that the file itself calls SUV: 1, or the ratio of what they are divided by."""
    word = str(first.get("SUVType") or "").upper()
    own = "bsa" if units == "CM2ML" else _STATED.get(word)
    if own is None or (units == "GML" and own == "bsa"):
        raise _missing(name, "SUVType", "(0054,1006)", word, "BW, LBM, LBMJAMES128, LBMJANMA or BSA, as Units say")
    if own == kind:
        return Scale(np.ones(1), UNITS[kind], (Step("suv", {"kind": kind, "as": "stated by the file"}),))
    ratio = _numerator(body, kind, name) / _numerator(body, own, name)  # type: ignore[arg-type]
    return Scale(np.full(1, ratio), UNITS[kind], (Step("suv", {"kind": kind, "converted_from": own, "factor": ratio}),))


def _counts(slices: Sequence[Any], names: Sequence[str], body: _Body, kind: SuvKind) -> Scale:
    factors = np.array([number_of(private(one, 0x7053, 0x00, _PHILIPS)) for one in slices])
    if np.isfinite(factors).all() and factors.all():
        ratio = 1.0 if kind == "bw" else _numerator(body, kind, names[0]) / _numerator(body, "bw", names[0])
        step = Step("suv", {"kind": kind, "as": "private factor (7053,1000)", "factor": float(factors[0] * ratio)})
        return Scale(factors * ratio, UNITS[kind], (step,))
    activity = np.array([number_of(private(one, 0x7053, 0x09, _PHILIPS)) for one in slices])
    if np.isfinite(activity).all() and activity.all():
        return _activity(slices, names, activity, body, kind)
    raise FileFormatError(
        f"{names[0]} (PT) in counts (Units (0054,1001) = CNTS) without SUV factor (7053,1000) or activity factor "
        "(7053,1009)",
        "counts with a factor that makes them SUV or Bq/ml",
        "export the series again with its private tags, or convert it to SUV at the workstation",
    )


def _activity(slices: Sequence[Any], names: Sequence[str], bq: FloatArray, body: _Body, kind: SuvKind) -> Scale:
    first, name = slices[0], names[0]
    corrected = [str(word).upper() for word in np.atleast_1d(first.get("CorrectedImage") or [])]
    way = str(_same(slices, names, "DecayCorrection", "(0054,1102)") or "").upper()
    if "ATTN" not in corrected or (way != "NONE" and not {"DECY", "DECAY"} & set(corrected)):
        listed = ", ".join(corrected) or "nothing"
        raise _missing(name, "CorrectedImage", "(0028,0051)", listed, "ATTN, and DECY unless DecayCorrection is NONE")
    if way not in ("START", "ADMIN", "NONE"):
        raise _missing(name, "DecayCorrection", "(0054,1102)", way, "START, ADMIN or NONE")
    above = _numerator(body, kind, name)
    item = (first.get("RadiopharmaceuticalInformationSequence") or [None])[0]
    dose, half_life = _dose(item, name)
    steps: tuple[Step, ...] = ()
    decay = np.zeros(len(slices))
    if way != "ADMIN":
        scans, steps = _scan_times(slices, names, way, half_life)
        injected, more = _injection(item, scans[0], half_life, name)
        decay = np.array([(scan - injected).total_seconds() for scan in scans])
        steps += more
        _refuse_order(decay, half_life, name)
    factors = bq * above / (dose * np.exp2(-decay / half_life))
    facts = {
        "kind": kind,
        "decay": way,
        "decay_s": round(float(decay[0]), 3),
        "dose_bq": dose,
        "half_life_s": half_life,
    }
    return Scale(factors, UNITS[kind], (Step("suv", {**facts, "factor": float(factors[0])}), *steps))


def _dose(item: Any, name: str) -> tuple[float, float]:
    """Return the injected dose in Bq and the half-life in s."""
    get = item.get if item is not None else lambda _: None
    dose = number_of(get("RadionuclideTotalDose"))
    if not (math.isfinite(dose) and dose >= _LEAST_BQ):
        raise _missing(name, "RadionuclideTotalDose", "(0018,1074)", get("RadionuclideTotalDose"), "a dose in Bq")
    half_life = number_of(get("RadionuclideHalfLife"))
    code = (get("RadionuclideCodeSequence") or [None])[0]
    meaning = str(code.get("CodeMeaning") or "").casefold() if code is not None else ""
    fluorine = "18" in meaning and "f" in meaning
    if not half_life > 0 or (fluorine and abs(half_life / FLUORINE_18 - 1) > 0.01):
        legal = f"a half-life in s{f', {FLUORINE_18} for fluorine-18' if fluorine else ''}"
        raise _missing(name, "RadionuclideHalfLife", "(0018,1075)", get("RadionuclideHalfLife"), legal)
    return dose, half_life


def _refuse_order(decay: FloatArray, half_life: float, name: str) -> None:
    if decay.min() < 0 or decay.max() > _MOST_HALF_LIVES * half_life:
        raise FileFormatError(
            f"{name} (PT) injected {'after the scan' if decay.min() < 0 else '10 half-lives before the scan or more'} "
            "(RadiopharmaceuticalStartTime (0018,1072), RadiopharmaceuticalStartDateTime (0018,1078))",
            "an injection before the scan",
            "correct the times at the workstation",
        )


def _scan_times(
    slices: Sequence[Any], names: Sequence[str], way: str, half_life: float
) -> tuple[list[datetime], tuple[Step, ...]]:
    """Return the time to which the values of each slice belong."""
    acquired = [_time(one, name, "Acquisition", "(0008,0032)") for one, name in zip(slices, names, strict=True)]
    if way == "NONE":
        means = [_mean_count(one, name, half_life) for one, name in zip(slices, names, strict=True)]
        return [start + timedelta(seconds=mean) for start, mean in zip(acquired, means, strict=True)], ()
    series = _time(slices[0], names[0], "Series", "(0008,0031)")
    if series <= min(acquired):
        return [series] * len(slices), ()
    ge = moment(str(private(slices[0], 0x0009, 0x0D, "GEMS_PETD_01") or ""))
    if ge is not None:
        return [ge] * len(slices), (Step("reference_time", {"from": "(0009,100D)"}),)
    back = _from_frames(slices, names, acquired, half_life)
    if back is not None:
        return [back] * len(slices), (Step("reference_time", {"from": "FrameReferenceTime (0054,1300)"}),)
    notice = {"about": "SUV: the series time lies after the scan; the earliest acquisition time was taken"}
    return [min(acquired)] * len(slices), (Step("notice", notice),)


def _from_frames(
    slices: Sequence[Any], names: Sequence[str], acquired: Sequence[datetime], half_life: float
) -> datetime | None:
    """Return the start of the scan, back from each frame's mean count time; None where frames do not agree on it."""
    starts = []
    for one, name, start in zip(slices, names, acquired, strict=True):
        reference = number_of(one.get("FrameReferenceTime"))
        if not reference > 0 or not number_of(one.get("ActualFrameDuration")) > 0:
            return None
        starts.append(start + timedelta(seconds=_mean_count(one, name, half_life) - reference / 1000))
    spread = (max(starts) - min(starts)).total_seconds()
    return min(starts) if spread < 2.0 else None


def _mean_count(one: Any, name: str, half_life: float) -> float:
    """Return the seconds from a frame's start at which its activity equals its mean (DICOM PS3.3 C.8.9.1.1.4)."""
    duration = number_of(one.get("ActualFrameDuration")) / 1000
    if not duration > 0:
        raise _missing(name, "ActualFrameDuration", "(0018,1242)", one.get("ActualFrameDuration"), "a duration in ms")
    rate = math.log(2) / half_life
    return math.log(rate * duration / -math.expm1(-rate * duration)) / rate


def _time(one: Any, name: str, word: str, tag: str) -> datetime:
    when = moment(f"{one.get(f'{word}Date') or ''}{one.get(f'{word}Time') or ''}")
    if when is None or not one.get(f"{word}Time"):
        raise _missing(name, f"{word}Date, {word}Time", tag, "nothing legal", "a date and a time")
    return when


def _injection(item: Any, scan: datetime, half_life: float, name: str) -> tuple[datetime, tuple[Step, ...]]:
    """Return the time of the injection; where only its clock can be believed, the last such time before the scan."""
    full = moment(str(item.get("RadiopharmaceuticalStartDateTime") or ""))
    clock = str(item.get("RadiopharmaceuticalStartTime") or "").strip()
    timed = moment(f"{scan:%Y%m%d}{clock}") if clock else None
    if full is not None and timed is not None and _clock_gap(full, timed) > 60:
        raise FileFormatError(
            f"{name} (PT) with two injection times: RadiopharmaceuticalStartTime (0018,1072) and "
            "RadiopharmaceuticalStartDateTime (0018,1078) differ",
            "one time",
            "correct the times at the workstation",
        )
    if full is not None and 0 <= (scan - full).total_seconds() <= _MOST_HALF_LIVES * half_life:
        return full, ()
    if timed is None and full is None:
        raise _missing(name, "RadiopharmaceuticalStartTime", "(0018,1072)", clock, "the time of the injection")
    if timed is None:
        return full or scan, ()
    steps: tuple[Step, ...] = ()
    if full is not None:
        steps = (Step("notice", {"about": "SUV: the day of (0018,1078) is not that of the scan; its time was taken"}),)
    if timed - scan > timedelta(hours=12):
        before = Step("notice", {"about": "SUV: injected before midnight, scanned after it"})
        return timed - timedelta(days=1), (*steps, before)
    return timed, steps


def _clock_gap(one: datetime, other: datetime) -> float:
    gap = (one - other).total_seconds() % 86400
    return min(gap, 86400 - gap)
