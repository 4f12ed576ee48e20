"""One DICOM dataset with its identities taken out: a new dataset of what the lists of `rules` let stay."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from genoxel._version import __version__
from genoxel.io.deidentify import rules
from genoxel.io.deidentify.key import Key
from genoxel.io.deidentify.words import clean_words

METHOD = f"Genoxel {__version__}: PS3.15 Basic Profile by allow-list"
OPTIONS = (
    ("113100", "Basic Application Confidentiality Profile"),
    ("113105", "Clean Descriptors Option"),
    ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    ("113108", "Retain Patient Characteristics Option"),
    ("113111", "Retain Safe Private Option"),
)
CLEAN_FACES = ("113102", "Clean Recognizable Visual Features Option")
OLDEST = 89
"""Ages above this are given as 90 years."""

_DEEPEST = 16
_TEXTS = ("LO", "SH", "LT", "ST", "UT", "UC", "CS")
_IDENTITY = re.compile(
    "Name|Physician|Operator|Institution|Address|Telephone|Birth|Person|Station|Department|Accession|Serial|PatientID"
    "|OtherPatient|Insurance|Admission|StudyID|Requesting|Comments|Occupation|Issuer|Contact"
)
"""Keywords of attributes that speak of a person or place."""


@dataclass
class Told:
    """What was done to one file: action -> how often, by keyword; and the values that must not survive in it."""

    done: Counter[tuple[str, str]] = field(default_factory=Counter)
    secrets: set[str] = field(default_factory=set)

    def note(self, action: str, element: Any) -> None:
        """Count what was done to an element; a private one is counted without its number."""
        self.done[action, element.keyword or ("private" if element.tag.is_private else "unknown")] += 1


class Cleaner:
    """Makes the clean dataset of one file of a patient."""

    def __init__(self, key: Key, patient: str) -> None:
        self.key, self.patient, self.told = key, patient, Told()
        self.barred: frozenset[str] = frozenset()

    def clean(self, source: Any, head: bool | None) -> Any:
        """Return the clean dataset of `source`, without file meta; `head`: if it shows a face (None: unknown)."""
        self.barred = frozenset(_words_of_persons(source))
        made = self._level(source, 0)
        self._scrub(made)
        self._identify(made, source)
        made.PatientIdentityRemoved, made.DeidentificationMethod = "YES", METHOD[:64]
        made.DeidentificationMethodCodeSequence = [method_code(*option) for option in OPTIONS]
        made.LongitudinalTemporalInformationModified = "MODIFIED"
        if "PixelData" in made:
            if head is not None:
                made.RecognizableVisualFeatures = "YES" if head else "NO"
            _cut_padding(made)
        return made

    def _scrub(self, made: Any, depth: int = 0) -> None:
        """Remove texts that stayed but repeat what was removed: a clinic in a maker's name, a person in a label."""
        sought = [text.casefold() for text in self.told.secrets if clean_words(text, numbers=True) != text]
        for element in list(made):
            if element.VR == "SQ" and depth < _DEEPEST:
                for item in element.value:
                    self._scrub(item, depth + 1)
            elif element.VR in _TEXTS and any(text in str(element.value).casefold() for text in sought):
                self.told.note("removed: repeats what was removed", element)
                stand_in = self._stand_in(element.keyword, made)
                if stand_in is None:
                    del made[element.tag]
                else:
                    element.value = stand_in

    def _identify(self, made: Any, source: Any) -> None:
        made.PatientName = made.PatientID = self.key.pseudonym(self.patient)
        made.PatientBirthDate = made.AccessionNumber = made.ReferringPhysicianName = made.StudyID = ""
        made.PatientSex = made.get("PatientSex", "") if made.get("PatientSex", "") in ("M", "F", "O") else ""
        for keyword in ("StudyDate", "StudyTime"):
            if keyword not in made:
                setattr(made, keyword, "")
        if "StructureSetLabel" in source and not made.get("StructureSetLabel"):
            made.StructureSetLabel = "RTSTRUCT"
        if "ContentCreatorName" in source:
            made.ContentCreatorName = ""

    def _level(self, source: Any, depth: int) -> Any:
        from pydicom.dataset import Dataset

        made = Dataset()
        if depth < _DEEPEST:
            for element in source:
                self._take(made, element, source, depth)
        return made

    def _take(self, made: Any, element: Any, source: Any, depth: int) -> None:
        if element.tag.is_private:
            self._private(made, element, source)
            return
        if element.VR == "SQ":
            if element.keyword in rules.SEQUENCES:
                setattr(made, element.keyword, [self._level(item, depth + 1) for item in element.value])
            else:
                self._gone(element)
            return
        value = self._value(element, source, depth)
        if value is None:
            self._gone(element)
            return
        made.add_new(element.tag, element.VR, value)

    def _gone(self, element: Any) -> None:
        self.told.note("removed", element)
        self.told.secrets.update(_secrets_of(element))

    def _value(self, element: Any, source: Any, depth: int) -> Any:
        """Return the value with which an element stays, or None where it goes."""
        keyword, vr, value = element.keyword, element.VR, element.value
        if 0x5000 <= element.tag.group < 0x5100 or 0x6000 <= element.tag.group < 0x6100:
            return None  # curves and overlays: what somebody drew or wrote over the image
        if vr == "UI":
            return self._uids(element)
        if keyword in rules.BULK or vr in rules.NUMBERS:
            return self._numbers(element, depth)
        if vr in ("DA", "DT", "TM"):
            return self._when(element)
        if keyword == "PatientAge":
            return self._age(element)
        if vr == "CS":
            return _each(value, rules.CODE_TEXT, rules.ARTIFACT) if keyword in rules.CODES else None
        return self._text(keyword, value, source, element)

    def _numbers(self, element: Any, depth: int) -> Any:
        if element.keyword in rules.BULK:
            return element.value
        if not depth and element.tag.group not in rules.NUMBER_GROUPS:
            return None
        return element.value if all(_is_number(one) for one in _values(element.value)) else None

    def _uids(self, element: Any) -> Any:
        from pydicom.uid import UID_dictionary

        found = [str(one) for one in _values(element.value) if str(one)]
        own = [one for one in found if one not in UID_dictionary]
        if own:
            self.told.note("mapped", element)
            self.told.secrets.update(own)
        new = [one if one in UID_dictionary else self.key.uid(one) for one in found]
        return new if len(new) != 1 else new[0]

    def _when(self, element: Any) -> Any:
        keyword, text = element.keyword, str(element.value or "").strip()
        if element.VR == "TM":
            return text if keyword in rules.TIMES and rules.CLOCK.fullmatch(text) else None
        if keyword not in (rules.DATES if element.VR == "DA" else rules.MOMENTS):
            return None
        day = _day(text[:8])
        clock = re.fullmatch(r"(\d{2,6}(?:\.\d{1,6})?)?([+-]\d{4})?", text[8:])
        if day is None or clock is None:
            return None
        self.told.note("moved back", element)
        self.told.secrets.add(text[:8])
        return f"{self.key.moved(day, self.patient):%Y%m%d}".rjust(8, "0") + text[8:]

    def _age(self, element: Any) -> str | None:
        text = str(element.value or "")
        if not re.fullmatch(r"\d{3}[DWMY]", text):
            return None
        if text[3] == "Y" and int(text[:3]) > OLDEST:
            self.told.note("capped", element)
            return "090Y"
        return text

    def _text(self, keyword: str, value: Any, source: Any, element: Any) -> Any:
        if keyword in rules.DEVICE:
            return _each(value, rules.DEVICE_TEXT)
        if keyword in ("CodeValue", "CodingSchemeDesignator"):
            look = rules.CODE_VALUES.get(str(source.get("CodingSchemeDesignator", "")))
            known = look is not None and look.fullmatch(str(source.get("CodeValue", "")))
            return str(value) if known else None
        if keyword in rules.DESCRIPTIONS or keyword in rules.NAMES:
            text = " ".join(str(one) for one in _values(value))
            kept = clean_words(text, keyword in rules.NAMES, self.barred)
            if kept != text:
                self.told.note("cleaned", element)
            return kept or self._stand_in(keyword, source)
        return None

    @staticmethod
    def _stand_in(keyword: str, source: Any) -> str | None:
        """Return what stands where nothing of a text that must be there could stay."""
        number = source.get("ROINumber") or source.get("SegmentNumber") or source.get("ObservationNumber")
        words = {"ROIName": f"ROI {number}", "SegmentLabel": f"Segment {number}", "CodeMeaning": "code"}
        return words.get(keyword) or ("CONTRAST" if keyword == "ContrastBolusAgent" else None)

    def _private(self, made: Any, element: Any, source: Any) -> None:
        group, block = element.tag.group, element.tag.element >> 8
        creator = str(source.get((group, block), "").value) if (group, block) in source else ""
        known = (creator.strip(), group, element.tag.element & 0xFF)
        if known in rules.SAFE_PRIVATE and element.VR in rules.NUMBERS and all(map(_is_number, _values(element.value))):
            made.private_block(group, creator, create=True).add_new(known[2], element.VR, element.value)
            self.told.note("kept: safe private", element)
        elif block:  # the creator of a block goes with what it made
            self._gone(element)


def method_code(value: str, meaning: str) -> Any:
    """Return an item of a code sequence in DICOM's own scheme."""
    from pydicom.dataset import Dataset

    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
    return item


def _values(value: Any) -> list[Any]:
    from pydicom.multival import MultiValue

    if value is None:
        return []
    return list(value) if isinstance(value, MultiValue | list | tuple) else [value]


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    # a decimal string is written back as it came, so it must be one and nothing else
    return len(str(getattr(value, "original_string", value))) <= 40


def _each(value: Any, *looks: re.Pattern[str]) -> Any:
    """Return a value when each of its texts looks right."""
    texts = [str(one) for one in _values(value)]
    return value if all(any(look.fullmatch(text) for look in looks) for text in texts) else None


def _day(text: str) -> date | None:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8])) if len(text) == 8 else None
    except ValueError:
        return None


def _secrets_of(element: Any) -> Iterator[str]:
    """Give the texts of a removed element that speaks of a person or place, where long enough to be searched for."""
    if element.VR == "SQ":
        for item in element.value:
            for inner in item:
                yield from _secrets_of(inner)
    elif element.VR == "PN" or (element.VR in (*_TEXTS, "AE", "DA") and _IDENTITY.search(element.keyword)):
        yield from (text for one in _values(element.value) if len(text := str(one).strip()) >= 6)


def _words_of_persons(source: Any, depth: int = 0) -> Iterator[str]:
    for element in source:
        if element.VR == "PN":
            for one in _values(element.value):
                yield from (word.casefold() for word in re.findall(r"[^\W\d_]{2,}", str(one)))
        elif element.VR == "SQ" and depth < _DEEPEST:
            for item in element.value:
                yield from _words_of_persons(item, depth + 1)


def _cut_padding(made: Any) -> None:
    """Leave out bytes that follow the last pixel: text can hide there."""
    if made.get("NumberOfFrames") and int(made.NumberOfFrames) < 1:
        return
    samples = int(made.get("SamplesPerPixel") or 1)
    pixels = int(made.get("Rows") or 0) * int(made.get("Columns") or 0) * samples * int(made.get("NumberOfFrames") or 1)
    length = (pixels * int(made.get("BitsAllocated") or 8) + 7) // 8
    if (
        isinstance(made.PixelData, bytes)
        and 0 < length < len(made.PixelData)
        and not made["PixelData"].is_undefined_length
    ):
        made.PixelData = made.PixelData[:length] + b"\0" * (length % 2)
