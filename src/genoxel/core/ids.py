"""Identifiers: TCGA barcodes and plain patient ids, always text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from genoxel.core.errors import TableError

_TCGA = re.compile(
    r"^(TCGA)[-.]([A-Z0-9]{2})[-.]([A-Z0-9]{4})"
    r"(?:[-.](\d{2})([A-Z])?(?:[-.](\d{2})([A-Z])?(?:[-.]([A-Z0-9]{4})[-.](\d{2}))?)?)?$"
)


@dataclass(frozen=True)
class Barcode:
    """A TCGA barcode taken apart; parts beyond what was written are empty.

    `kind` is the two-digit sample type: 01-09 tumour (01 primary, 02 recurrent, 06 metastatic), 10-19 normal.

    >>> Barcode.parse("TCGA-HT-7468-01A-11D-2024-08").patient
    'TCGA-HT-7468'
    >>> Barcode.parse("tcga.ht.7468.10").normal
    True
    """

    patient: str
    site: str
    kind: str = ""
    vial: str = ""
    portion: str = ""
    analyte: str = ""
    plate: str = ""
    centre: str = ""

    @classmethod
    def parse(cls, text: str) -> Barcode:
        """Return the barcode written in `text` (case and dots allowed); `TableError` if it is none."""
        found = _TCGA.match(text.strip().upper())
        if not found:
            raise TableError(f"{text!r} as TCGA barcode", "TCGA-XX-XXXX[-NNA...]", "use patient ids as they are")
        project, site, person, *rest = found.groups()
        return cls(f"{project}-{site}-{person}", site, *(part or "" for part in rest))

    @property
    def sample(self) -> str:
        """Patient, sample type and vial, as in TCGA-XX-XXXX-01A (the patient alone where no sample is named)."""
        return f"{self.patient}-{self.kind}{self.vial}" if self.kind else self.patient

    @property
    def tumour(self) -> bool:
        """Whether the sample type names a tumour."""
        return self.kind.startswith("0")

    @property
    def normal(self) -> bool:
        """Whether the sample type names a normal tissue."""
        return self.kind.startswith("1")


def is_tcga(text: str) -> bool:
    """Return whether `text` is a TCGA barcode of any level."""
    return _TCGA.match(text.strip().upper()) is not None


def clean_id(text: str) -> str:
    """Return an identifier without surrounding white space; nothing else is changed (007 stays 007)."""
    return text.strip().strip("\ufeff").strip()
