"""Whether the installation is whole, and its features are the standard's."""

from __future__ import annotations

from genoxel.features.compliance import compliance
from genoxel.study.doctor import examine
from genoxel.study.selftest.rows import Row, exact

AREA = "install"


def install_rows() -> list[Row]:
    """Return what `doctor` finds, and the agreement with IBSI 1 on its digital phantom."""
    examined = examine(warm=False)
    # What is well is told without paths and free bytes, which differ from one day to the next.
    rows = [
        Row(AREA, one.what, "good", "good" if one.good else one.found, "as expected" if one.good else "not as expected")
        for one in examined.findings
    ]
    checks = compliance()
    return [*rows, exact(AREA, "IBSI 1 digital phantom: published values met", sum(c.ok for c in checks), len(checks))]
