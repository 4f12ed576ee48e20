"""The one base of all settings models: frozen, strict, hashable by content."""

from __future__ import annotations

import hashlib
import json

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """A small frozen settings model; unknown keys are errors. One per room, composed by the study file."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    def digest(self) -> str:
        """Return 16 hex digits that identify the content of these settings on any machine."""
        return digest(self.model_dump(mode="json"))


def digest(content: object) -> str:
    """Return 16 hex digits of the SHA-256 of `content` written as canonical JSON.

    >>> digest({"b": 1, "a": 2}) == digest({"a": 2, "b": 1})
    True
    """
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
