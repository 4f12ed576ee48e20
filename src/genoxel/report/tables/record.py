"""Tables of the record: truth of a simulation, what was not done, versions, hashes, changes of plan."""

from __future__ import annotations

from genoxel.report.content import ReportContent
from genoxel.report.tables.sheet import Field, Sheet


def sheets(content: ReportContent) -> list[Sheet]:
    """Return the tables of the record."""
    record = content.record
    return [
        _truth(content),
        Sheet(
            "notdone",
            "Not done",
            (Field("what", "What"), Field("why", "Why")),
            tuple((item.what, item.why) for item in content.not_done),
        ),
        Sheet(
            "versions",
            "Versions",
            (Field("name", "Software"), Field("version", "Version")),
            tuple(sorted(record.versions.items())),
        ),
        Sheet(
            "hashes",
            "Inputs",
            (Field("file", "Input"), Field("hash", "SHA-256")),
            tuple(sorted(record.hashes.items())),
        ),
        Sheet("changes", "Plan and run", (Field("change", "Change"),), tuple((one,) for one in record.plan_changes)),
    ]


def _truth(content: ReportContent) -> Sheet:
    fields = (
        *(Field("name", "Link"), Field("kind", "Kind"), Field("declared", "Planted d", "estimate", "Cohen's d")),
        Field("realised", "Realised d", "estimate", "in these patients"),
        *(Field("found", "Found"), Field("comment", "Comment")),
    )
    words = {True: "yes", False: "no", None: "not looked for"}
    rows = tuple(
        (one.name, one.kind, one.declared, one.realised, words[one.found], one.comment) for one in content.truth
    )
    return Sheet("truth", "What was planted and what was found", fields, rows, "Known because the data are simulated.")
