"""The corpus of right and faulty series: every case of io/dicom_verdicts.csv is made here, with its analytic truth."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from dicom_making import EXPLICIT, OBLIQUE, put, save, slices, stored, truth, uid
from dicom_multiframe import enhanced, group, joined, reorder
from genoxel.io.settings import ReadingSettings

SHAPE = (14, 12, 8)
Change = Callable[[list[Any]], list[Any]]


@dataclass
class Made:
    """What a case gives the reader, and what is true: values, unit, and the affine where it is not the usual one."""

    series: list[Any]
    values: np.ndarray | None = None
    unit: str | None = None
    affine: np.ndarray | None = None
    kwargs: dict[str, Any] = field(default_factory=dict)
    spoil: Callable[[list[Path]], list[Path]] | None = None

    def write(self, folder: Path) -> list[Path]:
        """Write the files, last first, and return their paths."""
        paths = save(self.series, folder)
        return self.spoil(paths) if self.spoil else paths


def usual_affine(cosines: tuple[float, ...] = (1, 0, 0, 0, 1, 0), step: float = 3.0) -> np.ndarray:
    """Return the affine of `slices()`."""
    along = np.array(cosines, dtype=float)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = along[:3], along[3:] * 1.5
    affine[:3, 2] = np.cross(along[:3], along[3:]) * step
    affine[:3, 3] = (-20, 10, 30)
    return affine


def each(**changes: Any) -> Change:
    """Set tags in every slice (None deletes)."""

    def change(series: list[Any]) -> list[Any]:
        for place in range(len(series)):
            one(place, **changes)(series)
        return series

    return change


def one(place: int, **changes: Any) -> Change:
    """Set tags in one slice (None deletes)."""

    def change(series: list[Any]) -> list[Any]:
        for keyword, value in changes.items():
            if value is None:
                delattr(series[place], keyword)
            else:
                setattr(series[place], keyword, value)
        return series

    return change


def moved(positions: Callable[[int], tuple[float, float, float]]) -> Change:
    """Put slices elsewhere."""

    def change(series: list[Any]) -> list[Any]:
        for k, dataset in enumerate(series):
            dataset.ImagePositionPatient = [round(float(value), 9) for value in positions(k)]
        return series

    return change


def ct(change: Change = lambda series: series, **kwargs: Any) -> Callable[[], Made]:
    """A CT series with a change; its truth is that of the unchanged one."""
    return lambda: Made(change(slices()), truth(SHAPE), "HU", usual_affine(), kwargs)


def taken(change: Change, kept: slice) -> Callable[[], Made]:
    """A CT series with some slices left: the truth is what is left."""

    def make() -> Made:
        affine = usual_affine()
        affine[2, 3] += 3 * (kept.start or 0)
        return Made(change(slices())[kept], truth(SHAPE)[:, :, kept], "HU", affine)

    return make


def keep(series: list[Any]) -> list[Any]:
    """Change nothing."""
    return series


def _scrambled() -> Made:
    cosines = (0, 1, 0, 0, 0, -1)
    series = slices(cosines=cosines)
    for dataset, number in zip(series, (5, 1, 8, 2, 7, 3, 6, 4), strict=True):
        dataset.InstanceNumber = number
    return Made(series, truth(SHAPE), "HU", usual_affine(cosines))


def _head_to_feet() -> Made:
    series = slices()[::-1]
    for number, dataset in enumerate(series, start=1):
        dataset.InstanceNumber = number
    return Made(series, truth(SHAPE), "HU", usual_affine())


def _copies(new_uid: bool) -> Callable[[], Made]:
    def make() -> Made:
        series = slices()
        again = slices()[3]
        if new_uid:
            again.SOPInstanceUID = uid("another")
        return Made([*series, again], truth(SHAPE), "HU", usual_affine())

    return make


def _uneven() -> Made:
    """Values that grow linearly with height are known at every height."""
    heights = np.array([30, 33, 36, 40, 43, 46, 50, 53.0])
    values = np.broadcast_to(2.0 * (heights - 30), (14, 12, 8)).astype(np.int16)
    series = moved(lambda k: (-20, 10, heights[k]))(slices(values=values))
    count = ((53 - 30) // 3) + 1
    wanted = np.broadcast_to(2.0 * 3 * np.arange(count), (14, 12, count))
    return Made(series, wanted, "HU", usual_affine(), {"reading": ReadingSettings(resample=("steps",))})


def _tilted() -> Made:
    """A tilt that shifts each slice by one pixel: the truth is the shifted stack, exactly."""
    values = truth(SHAPE)
    series = moved(lambda k: (-20, 10 + 1.5 * k, 30 + 3 * k))(slices())
    wanted = np.full((14, 12 + 7, 8), values.min(), dtype=float)
    for k in range(8):
        wanted[:, k : k + 12, k] = values[:, :, k]
    return Made(series, wanted, "HU", usual_affine(), {"reading": ReadingSettings(resample=("tilt",))})


def _localiser(series: list[Any]) -> list[Any]:
    for place in (2, 3, 4):
        series[place].ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
    return series


def _smaller(series: list[Any]) -> list[Any]:
    series[2] = slices(shape=(14, 10, 8))[2]
    return series


def _micrometre() -> Made:
    series = slices(spacing=(0.001, 0.001, 3.0))
    affine = np.diag([0.001, 0.001, 3.0, 1.0])
    affine[:3, 3] = (-20, 10, 30)
    return Made(series, truth(SHAPE), "HU", affine)


def _spoiled(spoil: Callable[[bytes], bytes]) -> Callable[[], Made]:
    """A CT series of which one file's bytes are changed."""

    def change(paths: list[Path]) -> list[Path]:
        paths[2].write_bytes(spoil(paths[2].read_bytes()))
        return paths

    return lambda: Made(slices(), spoil=change)


def _half(series: list[Any]) -> list[Any]:
    series[3].PixelData = series[3].PixelData[: len(series[3].PixelData) // 2]
    return series


def _pixels(change: Callable[[Any, np.ndarray], np.ndarray | None]) -> Change:
    """Change a slice's stored pixels (and its header on the way)."""

    def done(series: list[Any]) -> list[Any]:
        for dataset in series:
            pixels = change(dataset, stored(dataset).astype(np.int64))
            if pixels is not None:
                put(dataset, pixels)
        return series

    return done


def _unsigned(dataset: Any, pixels: np.ndarray) -> np.ndarray:
    dataset.PixelRepresentation = 0
    return (pixels - 1500) & 0xFFFF


def _wrongly_signed(dataset: Any, pixels: np.ndarray) -> np.ndarray:
    raw = (pixels + 35000) & 0xFFFF
    dataset.RescaleIntercept = -36024
    return np.where(raw > 32767, raw - 65536, raw)


def _swollen(dataset: Any, pixels: np.ndarray) -> np.ndarray:
    dataset.BitsStored, dataset.HighBit = 12, 11
    return pixels + 5000


def _twelve(extended: bool) -> Callable[[], Made]:
    def change(dataset: Any, pixels: np.ndarray) -> np.ndarray:
        dataset.BitsStored, dataset.HighBit, dataset.RescaleIntercept = 12, 11, 0
        low = np.clip(pixels - 1024, -2000, 900)
        return low if extended else np.where(low < 0, low + 4096, low)

    return lambda: Made(_pixels(change)(slices()), np.clip(truth(SHAPE), -2000, 900), "HU", usual_affine())


def _overlay(dataset: Any, pixels: np.ndarray) -> np.ndarray:
    dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 12, 11, 0
    dataset.add_new(0x60000100, "US", 16)
    dataset.add_new(0x60000102, "US", 12)
    low = np.clip(pixels, 0, 4095)
    low[3, 4] += 1 << 12
    return low


def _colour(same: bool) -> Callable[[], Made]:
    def make() -> Made:
        series = slices(values=np.clip(truth(SHAPE), -1024, 200))
        for dataset in series:
            grey = ((stored(dataset).astype(int) // 8) & 0xFF).astype(np.uint8)
            planes = np.stack([grey, grey, grey if same else 255 - grey], axis=-1)
            dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "RGB", 0
            dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
            dataset.PixelData = planes.transpose(1, 0, 2).tobytes()
            dataset["PixelData"].VR = "OB"
        wanted = np.stack(
            [((np.clip(truth(SHAPE), -1024, 200)[:, :, k] + 1024) // 8) - 1024 for k in range(8)], axis=-1
        )
        return Made(series, wanted, "HU", usual_affine())

    return make


def _lookup(series: list[Any]) -> list[Any]:
    for dataset in series:
        dataset.ModalityLUTSequence = Items([Dataset()])
    return series


def _padded(vr: str, value: int, pad: int, limit: int | None = None) -> Callable[[], Made]:
    def make() -> Made:
        series = slices()
        for dataset in series:
            pixels = stored(dataset)
            pixels[:2] = pad
            if limit is not None:
                pixels[1] = limit
                dataset.add_new(0x00280121, vr, limit)
            put(dataset, pixels)
            dataset.add_new(0x00280120, vr, value)
        wanted = truth(SHAPE).astype(float)
        wanted[:2] = wanted[2:].min()
        return Made(series, wanted, "HU", usual_affine())

    return make


def _outside() -> Made:
    values = truth(SHAPE)
    values[0] = -3024
    return Made(slices(values=values), values, "HU", usual_affine())


def _inverted() -> Made:
    series = slices(modality="MR")
    for dataset in series:
        pixels = stored(dataset).astype(np.int64)
        dataset.PixelRepresentation, dataset.PhotometricInterpretation = 0, "MONOCHROME1"
        put(dataset, 65535 - pixels)
    return Made(series, truth(SHAPE), "", usual_affine())


def _big_endian() -> Made:
    series = slices()
    for dataset in series:
        dataset.PixelData = np.frombuffer(dataset.PixelData, "<i2").astype(">i2").tobytes()
        dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.2"
    return Made(series, truth(SHAPE), "HU", usual_affine())


LARGER = (40, 36, 8)


def _packed(way: Callable[[Any], None]) -> Callable[[], Made]:
    def make() -> Made:
        series = slices(shape=LARGER)
        for dataset in series:
            way(dataset)
        return Made(series, truth(LARGER), "HU", usual_affine())

    return make


def rle(dataset: Any) -> None:
    """Pack by run lengths."""
    dataset.compress("1.2.840.10008.1.2.5")


def packed(syntax: str, **options: Any) -> Callable[[Any], None]:
    """Pack with the encoder of the DICOM library."""

    def way(dataset: Any) -> None:
        if options:
            dataset.BitsStored, dataset.HighBit = 16, 15
        dataset.compress(syntax, **options)

    return way


def jpeg_lossless(dataset: Any) -> None:
    """Pack without loss as JPEG (process 14, left neighbour), by the encoder of these tests."""
    from pydicom.encaps import encapsulate

    from jpeg_making import encode

    samples = np.frombuffer(dataset.PixelData, "<u2").reshape(dataset.Rows, dataset.Columns)
    dataset.PixelData = encapsulate([encode(samples)])
    dataset["PixelData"].VR = "OB"
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.70"


def _jpeg_lossy() -> Made:
    """Eight bits packed with loss by Pillow: values near the truth, flagged."""
    import io

    from PIL import Image as Picture
    from pydicom.encaps import encapsulate

    series = slices(modality="MR")
    smooth = np.broadcast_to(np.arange(14)[:, None] * 10 + 40, (14, 12)).astype(np.uint8)
    for dataset in series:
        buffer = io.BytesIO()
        Picture.fromarray(np.ascontiguousarray(smooth.T)).save(buffer, "JPEG", quality=95)
        dataset.BitsAllocated = dataset.BitsStored = 8
        dataset.HighBit, dataset.PixelRepresentation, dataset.RescaleIntercept = 7, 0, 0
        dataset.PixelData = encapsulate([buffer.getvalue()])
        dataset["PixelData"].VR = "OB"
        dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.50"
    return Made(series, np.repeat(smooth[:, :, None].astype(float), 8, axis=2), "", usual_affine())


def _cut_stream(series: list[Any]) -> list[Any]:
    from pydicom.encaps import encapsulate, generate_frames

    for dataset in series:
        rle(dataset)
    frame = next(generate_frames(series[3].PixelData, number_of_frames=1))
    series[3].PixelData = encapsulate([frame[: len(frame) // 2 // 2 * 2]])
    return series


def _deep(content: bytes) -> bytes:
    start = b"\x08\x00\x40\x11SQ\x00\x00\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    return content[: content.index(b"\x08\x00\x60\x00CS")] + start * 5000


# PET: activities, doses and times whose SUV can be worked out by hand

WEIGHT, DOSE, HALF = 70.0, 3.7e8, 6586.2
INJECTED, SERIES = "090000.00", "100000.00"


def pet(change: Change = lambda series: series, way: str = "START", units: str = "BQML") -> list[Any]:
    """Return raw PET slices in Bq/ml: stored + 1024 times a slope of its own per slice."""
    series = slices(modality="PT")
    for k, dataset in enumerate(series):
        dataset.Units, dataset.DecayCorrection, dataset.CorrectedImage = units, way, ["NORM", "ATTN", "SCAT", "DECY"]
        dataset.PatientWeight, dataset.PatientSize, dataset.PatientSex = WEIGHT, 1.75, "M"
        dataset.SeriesDate = dataset.AcquisitionDate = "20200102"
        dataset.SeriesTime, dataset.AcquisitionTime = SERIES, f"10{k // 4 * 3:02d}00.00"
        dataset.RescaleSlope, dataset.RescaleIntercept = 2.0 + k, 0
        dataset.ActualFrameDuration, dataset.FrameReferenceTime = 180000, 90000 + 180000 * (k // 4)
        item = Dataset()
        item.RadiopharmaceuticalStartTime, item.RadionuclideTotalDose, item.RadionuclideHalfLife = INJECTED, DOSE, HALF
        code = Dataset()
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "C-111A1", "SRT", "^18^Fluorine"
        item.RadionuclideCodeSequence = Items([code])
        dataset.RadiopharmaceuticalInformationSequence = Items([item])
    return change(series)


def activity() -> np.ndarray:
    """Return the rescaled values of `pet()` in Bq/ml."""
    return (truth(SHAPE).astype(float) + 1024) * (2.0 + np.arange(8))


def by_hand(seconds: float | np.ndarray, grams: float = 1000 * WEIGHT) -> np.ndarray:
    """Return SUV: activity over what is left of the dose after so many seconds, times what it is standardised by."""
    return activity() * grams / (DOSE * 0.5 ** (np.asarray(seconds) / HALF))


def _pet(
    change: Change = lambda series: series, way: str = "START", seconds: Any = 3600.0, units: str = "BQML"
) -> Callable[[], Made]:
    return lambda: Made(pet(change, way, units), by_hand(seconds), "SUV", usual_affine())


def _not_corrected() -> Made:
    """Each frame counts for three minutes: its mean is that of an exponential, here the sum of 100,000 instants."""
    starts = 3600 + 180 * (np.arange(8) // 4)
    instants = (np.arange(100_000) + 0.5) / 100_000 * 180
    left = np.array([np.mean(0.5 ** ((start + instants) / HALF)) for start in starts])
    return Made(pet(way="NONE"), activity() * 1000 * WEIGHT / (DOSE * left), "SUV", usual_affine())


def _late_series(more: Change) -> Change:
    def change(series: list[Any]) -> list[Any]:
        for dataset in series:
            dataset.SeriesTime = "113000.00"
        return more(series)

    return change


def _ge(series: list[Any]) -> list[Any]:
    for dataset in series:
        block = dataset.private_block(0x0009, "GEMS_PETD_01", create=True)
        block.add_new(0x0D, "DT", "20200102100100.00")
        del dataset.FrameReferenceTime
    return series


def _mean_count(duration: float) -> float:
    rate = math.log(2) / HALF
    return math.log(rate * duration / (1 - math.exp(-rate * duration))) / rate


def _frame_times(series: list[Any]) -> list[Any]:
    """Frame reference times from a scan start at 09:58:20 whose frames were acquired at the times given."""
    for k, dataset in enumerate(series):
        dataset.FrameReferenceTime = (100 + 180 * (k // 4) + _mean_count(180)) * 1000
    return series


def _no_frame_times(series: list[Any]) -> list[Any]:
    for dataset in series:
        del dataset.FrameReferenceTime
    return series


def _philips(element: int, value: float) -> Change:
    def change(series: list[Any]) -> list[Any]:
        for dataset in series:
            block = dataset.private_block(0x7053, "Philips PET Private Group", create=True)
            block.add_new(element, "DS", str(value))
        return series

    return change


def _radio(**changes: Any) -> Change:
    def change(series: list[Any]) -> list[Any]:
        for dataset in series:
            item = dataset.RadiopharmaceuticalInformationSequence[0]
            for keyword, value in changes.items():
                if value is None:
                    delattr(item, keyword)
                else:
                    setattr(item, keyword, value)
        return series

    return change


def _midnight() -> Made:
    series = pet(_radio(RadiopharmaceuticalStartTime="233000.00"))
    for dataset in series:
        dataset.SeriesTime = "003000.00"
        dataset.AcquisitionTime = "0" + dataset.AcquisitionTime[1:]
        dataset.AcquisitionTime = "00" + "3" + dataset.AcquisitionTime[3:]
    return Made(series, by_hand(3600.0), "SUV", usual_affine())


def _lbm(change: Change) -> Callable[[], Made]:
    return lambda: Made(pet(change), kwargs={"reading": ReadingSettings(suv="lbm")})


def _stated_lbm() -> Made:
    """Values by lean body mass of James (60.6 kg here) made values by body weight (70 kg)."""
    lean = 1.10 * 70 - 128 * (70 / 175) ** 2
    return Made(pet(each(SUVType="LBMJAMES128"), units="GML"), activity() * 70 / lean, "SUV", usual_affine())


# several volumes


def several(tell: Callable[[int, int, Any], None], count: int = 3) -> list[Any]:
    """Return `count` volumes at the same positions; volume v holds truth + 1000 v; `tell(v, k, dataset)` tags them."""
    series = []
    for v in range(count):
        for k, dataset in enumerate(slices(modality="MR", values=truth(SHAPE) + 1000 * v)):
            dataset.SOPInstanceUID = uid("several", v, k)
            dataset.InstanceNumber = v * 8 + k + 1
            tell(v, k, dataset)
            series.append(dataset)
    return series


def volume(tell: Callable[[int, int, Any], None], count: int = 3, chosen: int = 2) -> Callable[[], Made]:
    """A series of several volumes of which one is chosen."""
    wanted = truth(SHAPE) + 1000 * (chosen - 1)
    return lambda: Made(several(tell, count), wanted, "", usual_affine(), {"volume": chosen})


def tag(keyword: str, value: Callable[[int, int], Any]) -> Callable[[int, int, Any], None]:
    """Tell volumes by one tag."""

    def tell(v: int, k: int, dataset: Any) -> None:
        setattr(dataset, keyword, value(v, k))

    return tell


def private_tag(group_number: int, creator: str, element: int, vr: str, value: Callable[[int], Any]) -> Any:
    """Tell volumes by one private tag."""

    def tell(v: int, k: int, dataset: Any) -> None:
        dataset.private_block(group_number, creator, create=True).add_new(element, vr, value(v))

    return tell


def _directions(v: int, k: int, dataset: Any) -> None:
    dataset.DiffusionBValue = [0.0, 800.0, 800.0][v]
    dataset.DiffusionGradientOrientation = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]][v]


def _hole() -> Made:
    series = several(tag("TemporalPositionIdentifier", lambda v, k: v + 1))
    return Made(series[:11] + series[12:], kwargs={"volume": 2})


# enhanced files


def _enhanced(volume: int | None = None, **kwargs: Any) -> Callable[[], Made]:
    def make() -> Made:
        one = enhanced(**kwargs)
        modality = one.Modality
        cosines = kwargs.get("cosines", (1, 0, 0, 0, 1, 0))
        chosen = {} if volume is None else {"volume": volume}
        return Made([one], truth(SHAPE), "HU" if modality == "CT" else "", usual_affine(cosines), chosen)

    return make


def _slopes() -> Made:
    def own(frame: int) -> dict[str, Any]:
        return {"PixelValueTransformation": {"RescaleSlope": 0.5 * (frame + 1), "RescaleIntercept": frame}}

    one_file = enhanced("MR", shared_line=False, own=own)
    wanted = (truth(SHAPE).astype(float) + 1024) * 0.5 * np.arange(1, 9) + np.arange(8)
    return Made([one_file], wanted, "", usual_affine())


def _too_few_groups() -> Made:
    one_file = enhanced()
    one_file.PerFrameFunctionalGroupsSequence = Items(list(one_file.PerFrameFunctionalGroupsSequence)[:-1])
    return Made([one_file])


def _no_plane() -> Made:
    one_file = enhanced()
    del one_file.PerFrameFunctionalGroupsSequence[4].PlanePositionSequence
    return Made([one_file])


def _stacks(chosen: bool) -> Callable[[], Made]:
    def make() -> Made:
        turned = (0, 1, 0, 0, 0, -1)
        first = enhanced("MR", own=lambda frame: {"FrameContent": {"StackID": "1"}})
        second = enhanced(
            "MR",
            cosines=turned,
            own=lambda frame: {
                "FrameContent": {"StackID": "2"},
                "PlaneOrientation": {"ImageOrientationPatient": list(turned)},
            },
        )
        both = joined(first, second)
        return Made([both], truth(SHAPE), "", usual_affine(turned), {"volume": 2} if chosen else {})

    return make


def _enhanced_diffusion() -> Made:
    parts = []
    for b in (0.0, 500.0, 1000.0):
        values = truth(SHAPE) + int(b)
        parts.append(enhanced("MR", values=values, own=lambda frame, b=b: {"MRDiffusion": {"DiffusionBValue": b}}))
    both = joined(joined(parts[0], parts[1]), parts[2])
    both = reorder(both, np.random.default_rng(3).permutation(24).tolist())
    return Made([both], truth(SHAPE) + 500, "", usual_affine(), {"volume": 2})


def _two_files() -> Made:
    files = []
    for v in range(2):
        own = lambda frame, v=v: {"FrameContent": {"TemporalPositionIndex": v + 1}}  # noqa: E731
        files.append(enhanced("MR", values=truth(SHAPE) + 1000 * v, own=own, word=f"file {v}"))
    return Made(files, truth(SHAPE) + 1000, "", usual_affine(), {"volume": 2})


# maps and stills


def unit_code(value: str) -> Dataset:
    """Return a code of a unit (UCUM)."""
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "UCUM", value
    return code


def _mapping(slope: float, unit: str) -> Items:
    item = Dataset()
    item.RealWorldValueSlope, item.RealWorldValueIntercept = slope, 0.0
    item.MeasurementUnitsCodeSequence = Items([unit_code(unit)])
    return Items([item])


def _adc() -> Made:
    series = slices(modality="MR")
    for dataset in series:
        dataset.ImageType = ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"]
        dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = 2, 0, "10^-6 mm^2/s"
    return Made(series, (truth(SHAPE) + 1024) * 2, "10^-6 mm^2/s", usual_affine())


def _real_world() -> Made:
    series = slices(modality="MR")
    for dataset in series:
        del dataset.RescaleSlope, dataset.RescaleIntercept
        dataset.RealWorldValueMappingSequence = _mapping(0.25, "ms")
    return Made(series, (truth(SHAPE) + 1024) * 0.25, "ms", usual_affine())


def _parametric() -> Made:
    one_file = enhanced("MR", shared_line=False)
    values = np.random.default_rng(2).normal(1e-3, 1e-4, SHAPE).astype(np.float32)
    del one_file.PixelData
    for keyword in ("BitsStored", "HighBit", "PixelRepresentation"):
        delattr(one_file, keyword)
    one_file.SOPClassUID, one_file.BitsAllocated = "1.2.840.10008.5.1.4.1.1.30", 32
    one_file.FloatPixelData = np.ascontiguousarray(values.transpose(2, 1, 0)).tobytes()
    one_file.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence = _mapping(1.0, "mm2/s")
    return Made([one_file], values.astype(float), "mm2/s", usual_affine())


def still(modality: str, **tags: Any) -> Any:
    """Return a single image without a place in the patient, 14 x 12 pixels."""
    only = slices(modality="MR")[2]
    only.Modality = modality
    only.SOPClassUID = {"MG": "1.2.840.10008.5.1.4.1.1.1.2", "US": "1.2.840.10008.5.1.4.1.1.6.1"}.get(
        modality, "1.2.840.10008.5.1.4.1.1.7"
    )
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"):
        delattr(only, keyword)
    for keyword, value in tags.items():
        setattr(only, keyword, value)
    return only


def flat_affine(along_i: float, along_j: float) -> np.ndarray:
    """Return the affine of a still."""
    return np.diag([along_i, along_j, 1.0, 1.0])


def _mammogram() -> Made:
    only = still("MG", ImagerPixelSpacing=[0.1, 0.08], EstimatedRadiographicMagnificationFactor="1.25")
    return Made([only], truth(SHAPE)[:, :, 2:3], "", flat_affine(0.064, 0.08))


def _region() -> Items:
    region = Dataset()
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
    region.PhysicalDeltaX, region.PhysicalDeltaY = 0.02, 0.03
    return Items([region])


def _ultrasound() -> Made:
    only = still("US", SequenceOfUltrasoundRegions=_region())
    return Made([only], truth(SHAPE)[:, :, 2:3], "", flat_affine(0.2, 0.3))


def _clip() -> Made:
    only = still("US", SequenceOfUltrasoundRegions=_region(), NumberOfFrames=3)
    only.PixelData = only.PixelData * 3
    only["PixelData"].VR = "OW"
    return Made([only])


def _coloured_capture() -> Made:
    made = _colour(False)()
    only = made.series[0]
    only.Modality, only.SOPClassUID = "OT", "1.2.840.10008.5.1.4.1.1.7"
    return Made([only])


def _perfusion(unit: str) -> Callable[[], Made]:
    """A map of blood volume: with its unit in a real world value mapping, or with none."""

    def make() -> Made:
        series = slices(modality="MR")
        for dataset in series:
            dataset.ImageType = ["DERIVED", "PRIMARY", "PERFUSION", "RCBV"]
            if unit:
                dataset.RealWorldValueMappingSequence = _mapping(0.1, unit)
        return Made(series, (truth(SHAPE) + 1024) * 0.1 if unit else truth(SHAPE), unit, usual_affine())

    return make


def _ktrans() -> Made:
    made = _parametric()
    made.series[0].SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence = _mapping(60.0, "/min")
    assert made.values is not None
    return Made(made.series, made.values * 60, "/min", usual_affine())


def _t1_map() -> Made:
    """An enhanced MR map of T1 whose mapping stands in the groups of its frames."""
    one_file = enhanced(
        "MR", own=lambda frame: {"MRImageFrameType": {"FrameType": ["DERIVED", "PRIMARY", "T1", "T1_MAP"]}}
    )
    for item in one_file.PerFrameFunctionalGroupsSequence:
        item.RealWorldValueMappingSequence = _mapping(2.0, "ms")
    return Made([one_file], (truth(SHAPE) + 1024) * 2.0, "ms", usual_affine())


def _twelve_bit_jpeg() -> Made:
    """The header of 12 bits on a stream that no decoder here is asked to unpack."""
    from pydicom.encaps import encapsulate, generate_frames

    made = _jpeg_lossy()
    for dataset in made.series:
        frame = bytearray(next(generate_frames(dataset.PixelData, number_of_frames=1)))
        place = frame.index(b"\xff\xc0")
        frame[place : place + 2], frame[place + 4] = b"\xff\xc1", 12
        dataset.PixelData = encapsulate([bytes(frame)])
        dataset["PixelData"].VR = "OB"
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
        dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.51"
    return Made(made.series)


def _palette(series: list[Any]) -> list[Any]:
    ramp = np.arange(256, dtype="<u2") * 257
    for dataset in series:
        dataset.PhotometricInterpretation, dataset.PixelRepresentation = "PALETTE COLOR", 0
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
        put(dataset, stored(dataset) % 256 if dataset.BitsAllocated == 16 else np.zeros((14, 12)))
        for colour in ("Red", "Green", "Blue"):
            setattr(dataset, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, 16])
            setattr(dataset, f"{colour}PaletteColorLookupTableData", ramp.tobytes())
    return series


def _long_run(series: list[Any]) -> list[Any]:
    """Let one run of a packed slice be longer than it was: every later pixel would be shifted."""
    from pydicom.encaps import encapsulate, generate_frames

    for dataset in series:
        rle(dataset)
    frame = bytearray(next(generate_frames(series[3].PixelData, number_of_frames=1)))
    frame[64] += 1
    series[3].PixelData = encapsulate([bytes(frame)])
    return series


def _nested(series: list[Any]) -> list[Any]:
    item = Dataset()
    item.CodeValue, item.CodeMeaning = "T-D0050", "tissue"
    for dataset in series:
        dataset.AnatomicRegionSequence = Items([item])
    return series


def _longer_than_its_item(content: bytes) -> bytes:
    place = content.index(b"\x08\x00\x00\x01SH")
    return content[: place + 6] + b"\xff\x00" + content[place + 8 :]


def _rewritten(path: Path, change: Callable[[bytes], bytes]) -> Path:
    path.write_bytes(change(path.read_bytes()))
    return path


TILT = np.tan(np.radians(15))
CASES: dict[str, Callable[[], Made]] = {
    "right axial CT": ct(),
    "right oblique MR": lambda: Made(slices(cosines=OBLIQUE, modality="MR"), truth(SHAPE), "", usual_affine(OBLIQUE)),
    "right sagittal CT with scrambled instance numbers": _scrambled,
    "thickness 5 mm at a step of 2 mm": ct(each(SliceThickness=5)),
    "wrong SpacingBetweenSlices": ct(each(SpacingBetweenSlices=7)),
    "slices stored from head to feet": _head_to_feet,
    "single slice with thickness": taken(each(InstanceNumber=1), slice(2, 3)),
    "single slice without thickness": ct(lambda s: each(SliceThickness=None)(s[:1])),
    "two slices missing in the middle": ct(lambda s: s[:3] + s[5:]),
    "one slice missing near the end": ct(lambda s: s[:6] + s[7:]),
    "two gaps": ct(lambda s: [s[place] for place in (0, 1, 3, 4, 5, 7)]),
    "last slices missing and more announced": taken(each(ImagesInAcquisition=8), slice(0, 6)),
    "first slices missing": taken(keep, slice(2, 8)),
    "gap in InstanceNumber at even steps": ct(one(0, InstanceNumber=20)),
    "slice copied byte for byte": _copies(False),
    "slice copied under a new UID": _copies(True),
    "one position with other pixels": ct(one(4, ImagePositionPatient=[-20, 10, 39])),
    "all slices at one position": ct(each(ImagePositionPatient=[-20, 10, 30])),
    "step of 2 mm then 4 mm": ct(moved(lambda k: (-20, 10, 30 + (2 * k if k < 4 else 4 * k - 8)))),
    "step changes by a third": ct(moved(lambda k: (-20, 10, 30 + (3 * k if k < 4 else 4 * k - 4)))),
    "steps grow slowly": ct(moved(lambda k: (-20, 10, 30 + 3 * k + 0.015 * k * k))),
    "one slice out of place": ct(one(4, ImagePositionPatient=[-20, 10, 43.5])),
    "uneven steps with resampling asked for": _uneven,
    "missing slices with resampling asked for": ct(
        lambda s: s[:3] + s[5:], reading=ReadingSettings(resample=("steps", "tilt"))
    ),
    "gantry tilt of 15 degrees": ct(moved(lambda k: (-20, 10 + 3 * k * TILT, 30 + 3 * k))),
    "gantry tilt with resampling asked for": _tilted,
    "one slice shifted sideways": ct(one(4, ImagePositionPatient=[-18, 10, 42])),
    "one slice in another orientation": ct(one(5, ImageOrientationPatient=[0, 1, 0, 0, 0, -1])),
    "three slices of a localiser among them": ct(_localiser),
    "one slice slightly turned": ct(one(5, ImageOrientationPatient=[0.9998, 0.02, 0, -0.02, 0.9998, 0])),
    "another pixel spacing in one slice": ct(one(5, PixelSpacing=[1.5, 1.01])),
    "another size in one slice": ct(_smaller),
    "positions rounded to two decimals": ct(moved(lambda k: (-20, 10, round(30 + 3 * k + 0.02 * (k % 2), 2)))),
    "pixels of a micrometre": _micrometre,
    "no position": ct(each(ImagePositionPatient=None)),
    "position of two numbers": ct(one(2, ImagePositionPatient=[1, 2])),
    "no orientation": ct(each(ImageOrientationPatient=None)),
    "directions that are no unit vectors": ct(each(ImageOrientationPatient=[2, 0, 0, 0, 1, 0])),
    "directions at no right angle": ct(each(ImageOrientationPatient=[1, 0, 0, 0.6, 0.8, 0])),
    "no pixel spacing": ct(each(PixelSpacing=None)),
    "pixel spacing of zero": ct(each(PixelSpacing=[0, 1])),
    "two patients": ct(one(6, PatientID="P2")),
    "two birth dates under one id": ct(
        lambda s: one(6, PatientBirthDate="19500101")(each(PatientBirthDate="19600101")(s))
    ),
    "two studies": ct(one(6, StudyInstanceUID=uid("else"))),
    "two series": ct(one(6, SeriesInstanceUID=uid("else"))),
    "two frames of reference": ct(one(6, FrameOfReferenceUID=uid("else"))),
    "two modalities": ct(one(6, Modality="MR")),
    "CT without slope": ct(each(RescaleSlope=None)),
    "CT without slope and intercept": ct(each(RescaleSlope=None, RescaleIntercept=None)),
    "slope of zero": ct(one(3, RescaleSlope=0)),
    "rescaling slice by slice": lambda: Made(pet(units="GML"), activity(), "SUV", usual_affine()),
    "half the pixels": ct(_half),
    "no pixels": ct(one(3, PixelData=None)),
    "file cut at 60 %": _spoiled(lambda content: content[: len(content) * 6 // 10]),
    "empty file": _spoiled(lambda content: b""),
    "text file": _spoiled(lambda content: b"no image " * 40),
    "signed pixels called unsigned": ct(_pixels(_unsigned)),
    "unsigned pixels called signed": ct(_pixels(_wrongly_signed)),
    "pixels beyond BitsStored": ct(_pixels(_swollen)),
    "HighBit that does not fit": ct(each(HighBit=11)),
    "one bit per pixel": ct(each(BitsAllocated=1)),
    "no BitsAllocated": ct(each(BitsAllocated=None)),
    "twelve bits with sign extension": _twelve(True),
    "twelve bits without sign extension": _twelve(False),
    "overlay in the upper bits": lambda: Made(
        _pixels(_overlay)(slices()), np.clip(truth(SHAPE), -1024, 3071), "HU", usual_affine()
    ),
    "colour pixels": _colour(False),
    "grey pixels written as colour": _colour(True),
    "lookup table in place of a slope": ct(_lookup),
    "padding of 3000": _padded("SS", 3000, 3000),
    "padding written as unsigned bits": _padded("US", 65536 - 2000, -2000),
    "padding as a range": _padded("SS", -2000, -2000, -1990),
    "padding only": ct(lambda s: each(PixelPaddingValue=5)([(put(x, np.full((14, 12), 5)), x)[1] for x in s])),
    "HU of -3024 without a padding value": _outside,
    "inverted grey values": _inverted,
    "big endian": _big_endian,
    "RLE": _packed(rle),
    "JPEG 2000 without loss": _packed(packed("1.2.840.10008.1.2.4.90")),
    "JPEG-LS without loss": _packed(packed("1.2.840.10008.1.2.4.80")),
    "JPEG without loss": _packed(jpeg_lossless),
    "JPEG 2000 with loss": _packed(packed("1.2.840.10008.1.2.4.91", j2k_cr=[1])),
    "JPEG of 8 bits with loss": _jpeg_lossy,
    "video syntax": ct(lambda s: [_syntax(x, "1.2.840.10008.1.2.4.102") for x in s]),
    "compressed pixels cut off": ct(_cut_stream),
    "deflated": _spoiled(lambda content: content.replace(EXPLICIT.encode() + b"\0", EXPLICIT.encode() + b".99")),
    "65535 rows declared": ct(one(3, Rows=65535, Columns=65535)),
    "pixel length beyond the end of the file": _spoiled(
        lambda content: content.replace(b"\xe0\x7f\x10\x00OW\x00\x00\x50\x01", b"\xe0\x7f\x10\x00OW\x00\x00\xf0\xff")
    ),
    "sequences 5000 deep": _spoiled(_deep),
    "PET in Bq/ml corrected to the start": _pet(),
    "PET in Bq/ml corrected to the injection": _pet(way="ADMIN", seconds=0.0),
    "PET in Bq/ml not corrected for decay": _not_corrected,
    "PET with a series time after the scan and the private time of GE": _pet(_late_series(_ge), seconds=3660.0),
    "PET with a series time after the scan and frame reference times": _pet(_late_series(_frame_times), seconds=3500.0),
    "PET with a series time after the scan and nothing else": _pet(_late_series(_no_frame_times)),
    "PET counts with the SUV factor of Philips": lambda: Made(
        pet(_philips(0x00, 0.0004), units="CNTS"), activity() * 0.0004, "SUV", usual_affine()
    ),
    "PET counts with the activity factor of Philips": lambda: Made(
        pet(_philips(0x09, 1.7), units="CNTS"), by_hand(3600.0) * 1.7, "SUV", usual_affine()
    ),
    "PET counts without a factor": _pet(units="CNTS"),
    "PET without weight": _pet(each(PatientWeight=None)),
    "PET without dose": _pet(_radio(RadionuclideTotalDose=None)),
    "PET without half-life": _pet(_radio(RadionuclideHalfLife=None)),
    "PET without injection time": _pet(_radio(RadiopharmaceuticalStartTime=None)),
    "PET without DecayCorrection": _pet(each(DecayCorrection=None)),
    "PET without attenuation correction": _pet(each(CorrectedImage=["NORM", "DECY"])),
    "PET with a dose in MBq": _pet(_radio(RadionuclideTotalDose=370)),
    "PET with a half-life in minutes": _pet(_radio(RadionuclideHalfLife=109.77)),
    "PET injected after the scan": _pet(_radio(RadiopharmaceuticalStartTime="110000.00")),
    "PET injected before midnight": _midnight,
    "PET with two weights": _pet(one(4, PatientWeight=71)),
    "PET for lean body mass without height": _lbm(each(PatientSize=None)),
    "PET for lean body mass with sex unknown": _lbm(each(PatientSex="O")),
    "PET as SUV by lean body mass where body weight is asked for": _stated_lbm,
    "PET in proportional counts": _pet(units="PROPCNTS"),
    "enhanced CT": _enhanced(),
    "enhanced oblique MR with shared groups": _enhanced(modality="MR", cosines=OBLIQUE),
    "enhanced MR with a slope per frame": _slopes,
    "enhanced CT with scrambled frames": lambda: Made(
        [reorder(enhanced(), (3, 1, 7, 0, 2, 6, 5, 4))], truth(SHAPE), "HU", usual_affine()
    ),
    "enhanced CT with a frame missing": lambda: Made([reorder(enhanced(), (0, 1, 2, 4, 5, 6, 7))]),
    "enhanced CT with fewer groups than frames": _too_few_groups,
    "enhanced CT without a plane position": _no_plane,
    "enhanced MR of two stacks without a choice": _stacks(False),
    "enhanced MR of two stacks with a choice": _stacks(True),
    "enhanced diffusion with a choice": _enhanced_diffusion,
    "enhanced MR of two time points in two files": _two_files,
    "dynamic without a choice": lambda: Made(several(tag("TemporalPositionIdentifier", lambda v, k: v + 1))),
    "dynamic told apart by nothing": lambda: Made(several(lambda v, k, dataset: None)),
    "dynamic by TemporalPositionIdentifier": volume(tag("TemporalPositionIdentifier", lambda v, k: v + 1)),
    "dynamic by AcquisitionNumber": volume(tag("AcquisitionNumber", lambda v, k: v + 4)),
    "dynamic by TriggerTime": volume(tag("TriggerTime", lambda v, k: 5000.0 * v)),
    "dynamic by AcquisitionTime of each slice": volume(
        tag("AcquisitionTime", lambda v, k: f"1012{10 * v + k:02d}.{(7 * k) % 10}0")
    ),
    "dynamic by ContentTime alone": volume(tag("ContentTime", lambda v, k: f"1{v}1200.00")),
    "echoes by EchoTime": volume(tag("EchoTime", lambda v, k: 12.5 * (v + 1))),
    "magnitude and phase by ImageType": volume(
        tag("ImageType", lambda v, k: ["ORIGINAL", "PRIMARY", "MP"[v]]), count=2
    ),
    "flip angles by FlipAngle": volume(tag("FlipAngle", lambda v, k: 5.0 * (v + 1))),
    "two kernels by ConvolutionKernel": volume(tag("ConvolutionKernel", lambda v, k: ["B30f", "B70f"][v]), count=2),
    "diffusion by DiffusionBValue": volume(tag("DiffusionBValue", lambda v, k: [0.0, 500.0, 1000.0][v])),
    "diffusion by the private tag of Siemens": volume(
        private_tag(0x0019, "SIEMENS MR HEADER", 0x0C, "IS", lambda v: str([0, 50, 800][v]))
    ),
    "diffusion by the private tag of GE": volume(
        private_tag(0x0043, "GEMS_PARM_01", 0x39, "IS", lambda v: [str(10**9 + [0, 50, 800][v]), "8", "0", "0"])
    ),
    "diffusion by the private tag of Philips": volume(
        private_tag(0x2001, "Philips Imaging DD 001", 0x03, "FL", lambda v: [0.0, 50.0, 800.0][v])
    ),
    "diffusion with two directions of one b-value": volume(_directions, chosen=3),
    "dynamic with a slice missing at one time": _hole,
    "ADC map with its unit": _adc,
    "parametric map of floats": _parametric,
    "MR map with a real world value mapping": _real_world,
    "mammogram": _mammogram,
    "ultrasound still with its region": _ultrasound,
    "ultrasound clip without a choice": _clip,
    "still without pixel size": lambda: Made([still("OT")]),
    "secondary capture in colour": _coloured_capture,
    "JPEG of 12 bits with loss": _twelve_bit_jpeg,
    "colour by a palette": ct(_palette),
    "a run that is too long": ct(_long_run),
    "an element longer than its item": lambda: Made(
        _nested(slices()),
        spoil=lambda paths: [_rewritten(path, _longer_than_its_item) for path in paths],
    ),
    "no modality": ct(each(Modality=None)),
    "PET whose modality is another": lambda: Made(pet(each(Modality="TT"))),
    "Ktrans map of floats": _ktrans,
    "rCBV map with its unit": _perfusion("ml/100g"),
    "rCBV map without a unit": _perfusion(""),
    "enhanced T1 map with a mapping per frame": _t1_map,
}


def _syntax(dataset: Any, syntax: str) -> Any:
    rle(dataset)
    dataset.file_meta.TransferSyntaxUID = syntax
    return dataset


__all__ = ["CASES", "Made", "by_hand", "group", "pet"]
