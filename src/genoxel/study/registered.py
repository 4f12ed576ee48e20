"""Registered hypotheses: their hash is written down before any outcome is read, and every later change is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from genoxel.core.settings import digest
from genoxel.io.files import atomic_write
from genoxel.study.ledger import now
from genoxel.study.study import Study

FILE = "registered.json"


def register(study: Study) -> dict[str, Any]:
    """Write the registered pairs with their hash beside the results, and return the record.

    The first list stays on top of `versions` for ever; a list that differs from the last one is added below, since it
    was written when outcomes may have been seen. Returns {} where nothing was ever registered.
    """
    settings = study.settings.associate
    pairs = sorted(settings.registered) if settings is not None else []
    path = study.results / FILE
    versions = _versions(path)
    if not pairs and not versions:
        return {}
    hashed = digest(pairs)
    if not versions or versions[-1]["hash"] != hashed:
        versions.append({"hash": hashed, "pairs": pairs, "written": now()})
        atomic_write(path, json.dumps({"versions": versions}, indent=1, ensure_ascii=False) + "\n")
    return {"hash": hashed, "pairs": pairs, "written": versions[-1]["written"], "earlier": len(versions) - 1}


def _versions(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    content = json.loads(path.read_text(encoding="utf-8"))
    return list(content["versions"])


def sentence(record: dict[str, Any]) -> str:
    """Return what the report says of the registration, or an empty text.

    >>> sentence({"hash": "ab12", "pairs": ["volume ~ EGFR"], "written": "2026-03-02T10:00:00", "earlier": 0})
    '1 pair was registered before outcomes were read (hash ab12).'
    """
    if not record or not record["pairs"]:
        return ""
    count = len(record["pairs"])
    text = f"{count} pair{'s were' if count > 1 else ' was'} registered before outcomes were read"
    if record["earlier"]:
        times = "once" if record["earlier"] == 1 else f"{record['earlier']} times"
        text = f"{count} pair{'s' if count > 1 else ''} registered; the list was changed {times} after a first run"
    return f"{text} (hash {record['hash']})."
