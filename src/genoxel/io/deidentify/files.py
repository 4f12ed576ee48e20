"""DICOM files with their identities taken out, or held back with the reason."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from genoxel.core.errors import FileFormatError, GenoxelError, describe
from genoxel.core.ids import clean_id
from genoxel.image.heads import Head
from genoxel.io.deidentify import rules
from genoxel.io.deidentify.dataset import CLEAN_FACES, Cleaner, method_code
from genoxel.io.deidentify.faces import NOT_FOUND, without_face
from genoxel.io.deidentify.key import Key
from genoxel.io.deidentify.pixels import blank_notes
from genoxel.io.dicom_tags import open_dicom, reading

Faces = Literal["hold", "deface", "mark"]
_BRAIN = frozenset(
    {"brain", "head", "skull", "cranial", "neuro", "face", "facial", "cerebral", "schädel", "kopf", "mprage"}
)
_SHORTEST = 6


@dataclass(frozen=True)
class Outcome:
    """What became of one file: its clean bytes and where they belong, or why it is held back.

    `original` is whose it was, for the key alone.
    """

    place: str = ""
    data: bytes = b""
    held: str = ""
    original: str = ""
    patient: str = ""
    modality: str = ""
    head: bool = False
    region_known: bool = True
    defaced: bool = False
    done: tuple[tuple[str, str, int], ...] = ()


def deidentify_file(
    path: Path, key: Key, faces: Faces = "hold", looked_at: bool = False, heads: Mapping[str, Head] | None = None
) -> Outcome:
    """Return the clean bytes of a DICOM file, or why it must be held back.

    Held back are: what is no image, structure set or segmentation; pixels that may hold burned-in text, unless
    somebody has `looked_at` them; with `faces` "hold" images of the head, with "deface" those whose face cannot be
    removed (`heads`: SeriesInstanceUID -> how the head lies); and a file in which, against all rules, a
    removed value is still found. Raises `FileFormatError` for a damaged file.
    """
    source = open_dicom(path, pixels=True)
    with reading(f"{path.name}, which is damaged", "a readable DICOM file", "fetch it again"):
        return _outcome(source, key, faces, looked_at, heads or {})


def _outcome(source: Any, key: Key, faces: Faces, looked_at: bool, heads: Mapping[str, Head]) -> Outcome:
    patient, modality = clean_id(str(source.get("PatientID", ""))), str(source.get("Modality", ""))
    if not patient:
        return Outcome(held="no PatientID: it cannot be told whose it is", modality=modality)
    name = key.pseudonym(patient)
    head, known = is_head(source)
    reason = held_back(source, looked_at) or (
        "image of the head: a face can be recognised" if head and faces == "hold" else ""
    )
    pixels = None
    if faces == "deface" and not reason:
        pixels, reason = _defaced(source, head, heads)
    if reason:
        return Outcome(held=reason, original=patient, patient=name, modality=modality, head=head, region_known=known)
    cleaner = Cleaner(key, patient)
    made = cleaner.clean(source, head if known else None)
    syntax = str(source.file_meta.TransferSyntaxUID)
    if pixels is not None:
        syntax = put_pixels(made, pixels)
    data = to_bytes(made, syntax)
    left = survivors(data, made, [*cleaner.told.secrets, patient, str(source.get("PatientName", ""))])
    if left:
        return Outcome(
            held=f"{left} removed values are still found in it", original=patient, patient=name, modality=modality
        )
    done = tuple((action, keyword, count) for (action, keyword), count in sorted(cleaner.told.done.items()))
    series = str(made.get("SeriesInstanceUID", ""))[-12:]
    place = f"{name}/{modality or 'OT'}-{series}/{str(made.SOPInstanceUID)[-16:]}.dcm"
    defaced = pixels is not None
    return Outcome(place, data, "", patient, name, modality, head and not defaced, known or defaced, defaced, done)


def _defaced(source: Any, head: bool, heads: Mapping[str, Head]) -> tuple[Any, str]:
    """Return the pixels without the face where one was found, and why the image must be held back, if so."""
    found = heads.get(str(source.get("SeriesInstanceUID", "")))
    pixels = without_face(source, found) if found is not None else None
    return pixels, NOT_FOUND if pixels is None and (head or found is not None) else ""


def put_pixels(made: Any, pixels: Any) -> str:
    """Put changed pixels into a clean dataset, uncompressed, say that no face is in them, and return the syntax."""
    from pydicom.uid import ExplicitVRLittleEndian

    made.add_new(0x7FE00010, "OW", pixels.astype(pixels.dtype.newbyteorder("<")).tobytes())
    for keyword in ("SmallestImagePixelValue", "LargestImagePixelValue"):
        if keyword in made:
            delattr(made, keyword)
    made.RecognizableVisualFeatures = "NO"
    made.DeidentificationMethodCodeSequence.append(method_code(*CLEAN_FACES))
    return str(ExplicitVRLittleEndian)


def held_back(source: Any, looked_at: bool = False) -> str:
    """Return why a file may not be given away as it is (burned-in text, no image), or an empty text."""
    kind = str(source.get("SOPClassUID", ""))
    if kind in rules.DRAWN:
        return ""
    if not rules.IMAGES.fullmatch(kind):
        return "neither image nor structure set nor segmentation: its text cannot be cleaned"
    burned = str(source.get("BurnedInAnnotation", "")).strip().upper()
    modality = str(source.get("Modality", "")).strip().upper()
    screen = modality in rules.SCREENS or kind.startswith(("1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.6"))
    copied = "SECONDARY" in _words(source, "ImageType") and "SCREEN SAVE" in _words(source, "ImageType")
    if looked_at:
        return ""
    if burned == "YES":
        return "its header says that text is burned into the pixels"
    if (screen and burned != "NO") or copied:
        return f"{modality or 'a screen'}: text may be burned into the pixels"
    return ""


def is_head(source: Any) -> tuple[bool, bool]:
    """Return whether an image shows a head, and whether the file says what it shows; from attributes alone."""
    if str(source.get("SOPClassUID", "")) in rules.DRAWN:
        return False, True
    part = str(source.get("BodyPartExamined", "")).strip().upper().replace(" ", "")
    if part:
        return any(word in part for word in rules.HEADS), True
    texts = " ".join(str(source.get(name, "")) for name in ("StudyDescription", "SeriesDescription", "ProtocolName"))
    words = set(texts.casefold().replace("_", " ").replace("-", " ").split())
    return bool(words & _BRAIN), bool(words & _BRAIN)


def _words(source: Any, keyword: str) -> list[str]:
    value = source.get(keyword) or []
    return [value] if isinstance(value, str) else [str(one).upper() for one in value]


def to_bytes(made: Any, syntax: str) -> bytes:
    """Return the bytes of a DICOM file with file meta of ours and an empty preamble."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.filewriter import dcmwrite
    from pydicom.uid import UID

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = made.SOPClassUID, made.SOPInstanceUID
    meta.TransferSyntaxUID = UID(syntax)
    meta.ImplementationClassUID, meta.ImplementationVersionName = "2.25.205331276204517811", "GENOXEL"
    made.file_meta, made.preamble = meta, bytes(128)
    if meta.TransferSyntaxUID.is_compressed and "PixelData" in made and not meta.TransferSyntaxUID.is_deflated:
        made.PixelData = blank_notes(made.PixelData)
        made["PixelData"].is_undefined_length = True
    stream = io.BytesIO()
    dcmwrite(stream, made, enforce_file_format=True)
    return stream.getvalue()


def survivors(data: bytes, made: Any, secrets: Sequence[str]) -> int:
    """Return how many of `secrets` are found in the bytes of a file outside its pixels."""
    pixels = made.get("PixelData", b"")
    rest = data.replace(bytes(pixels), b"") if isinstance(pixels, bytes) and pixels else data
    own = {str(made.PatientID), ""}
    sought = {text for one in secrets if len(text := one.strip()) >= _SHORTEST and text not in own}
    return sum(text.encode("utf-8", "replace") in rest or text.encode("latin-1", "replace") in rest for text in sought)


def look_and_clean(argument: tuple[Path, Key, Faces, frozenset[str], Mapping[str, Head]]) -> tuple[str, Outcome | str]:
    """Return (path, what became of it); an error becomes its message, so that one file never stops the others."""
    path, key, faces, looked_at, heads = argument
    try:
        return str(path), deidentify_file(path, key, faces, str(path) in looked_at, heads)
    except FileFormatError as error:
        return str(path), describe(error)
    except GenoxelError as error:
        return str(path), describe(error)


def summed(outcomes: Sequence[Outcome]) -> Counter[tuple[str, str]]:
    """Return (action, keyword) -> how often it was done over all files."""
    total: Counter[tuple[str, str]] = Counter()
    for one in outcomes:
        for action, keyword, count in one.done:
            total[action, keyword] += count
    return total
