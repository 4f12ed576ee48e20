"""How far readers agree, one line per trait."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from genoxel.report.content import Agreement
from genoxel.report.figures.style import BLUE, SOFT, canvas, keep_table, shorten


def reader_agreement(readers: Sequence[Agreement], ax: Axes | None = None) -> Axes:
    """Draw the kappa of each trait with its interval, best agreed on top; traits without a kappa are left out."""
    known = [(one, one.kappa) for one in readers if one.kappa is not None]
    known.sort(key=lambda item: item[1].estimate)
    with canvas(ax, 6.2, 1.0 + 0.26 * len(known)) as axes:
        axes.axvline(0, color=SOFT, linestyle=":", linewidth=1)
        for place, (_, kappa) in enumerate(known):
            axes.plot([kappa.low, kappa.high], [place, place], color=BLUE, linewidth=1.4)
            axes.plot([kappa.estimate], [place], "o", color=BLUE, markersize=4.5)
        axes.set_yticks(range(len(known)), [shorten(one.trait) for one, _ in known])
        axes.set_ylim(-0.7, len(known) - 0.3)
        axes.set_xlim(min([-0.1, *(kappa.low for _, kappa in known)]), 1.02)
        axes.set_xlabel("kappa (0: chance, 1: always the same)")
        keep_table(
            axes,
            {
                "trait": [one.trait for one, _ in known],
                "cases": [one.cases for one, _ in known],
                "kappa": [kappa.estimate for _, kappa in known],
                "low": [kappa.low for _, kappa in known],
                "high": [kappa.high for _, kappa in known],
            },
        )
    return axes
