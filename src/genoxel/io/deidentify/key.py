"""The secret that joins pseudonyms to patients: made once, kept apart from what is given away."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from genoxel.core.errors import FileFormatError, OutputError
from genoxel.io.files import output_error

SHIFT_DAYS = (30, 1825)
"""Dates of a patient are moved back by one number of days within these, the same for all of the patient's dates."""

_NAME_LENGTH = 8
_FORMAT = 1


@dataclass
class Key:
    """Pseudonyms, date shifts and new UIDs by a secret; the same key gives the same ones again.

    `patients` is patient -> pseudonym of all that were asked for; `places` is file as given -> where it went, or why it
    was held back. Both stand in the key file alone.
    """

    secret: bytes
    patients: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)

    def _digest(self, use: str, text: str) -> bytes:
        return hmac.new(self.secret, f"{use}\0{text}".encode(), hashlib.sha256).digest()

    def pseudonym(self, patient: str) -> str:
        """Return the pseudonym of a patient: S- and eight letters and digits."""
        if patient not in self.patients:
            name = "S-" + base64.b32encode(self._digest("patient", patient)).decode()[:_NAME_LENGTH]
            if name in self.patients.values():
                raise OutputError("two patients with one pseudonym", "distinct ones", "begin again with a new key file")
            self.patients[patient] = name
        return self.patients[patient]

    def days(self, patient: str) -> int:
        """Return by how many days the dates of a patient are moved back."""
        low, high = SHIFT_DAYS
        return low + int.from_bytes(self._digest("days", patient)[:8], "big") % (high - low + 1)

    def moved(self, day: date, patient: str) -> date:
        """Return a date of a patient moved back; years before 2 stay in year 1."""
        return day - timedelta(days=min(self.days(patient), max(0, day.toordinal() - 1)))

    def uid(self, uid: str) -> str:
        """Return the new UID for one (2.25. and 128 bits)."""
        return f"2.25.{int.from_bytes(self._digest('uid', uid)[:16], 'big')}"


def open_key(path: Path) -> Key:
    """Return the key in a file, or a new one where there is none; `FileFormatError` for a file that holds none."""
    if not path.exists():
        return Key(secrets.token_bytes(32))
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != _FORMAT:
            raise ValueError(f"format {content['format']}")
        return Key(bytes.fromhex(content["secret"]), dict(content["patients"]), dict(content["places"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FileFormatError(
            f"{path.name}, which holds no key ({type(error).__name__})", "a key file of Genoxel", "name another file"
        ) from error


def save_key(key: Key, path: Path) -> None:
    """Write the key so that its owner alone may read it (mode 0600 from its first byte on)."""
    shift = {name: key.days(patient) for patient, name in key.patients.items()}
    content = {"format": _FORMAT, "secret": key.secret.hex(), "patients": key.patients, "days_back": shift}
    text = json.dumps({**content, "places": key.places}, indent=1, ensure_ascii=False) + "\n"
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise output_error(path, error) from error
