"""The self-test as one HTML page that a methods section can cite."""

from __future__ import annotations

from markupsafe import Markup

from genoxel._version import __version__
from genoxel.report.templates import asset, environment
from genoxel.study.selftest.rows import ALARM, SelfTest

TITLES = {
    "install": "The installation",
    "images": "Deliveries read back against the truth",
    "stats": "False claims, power and intervals where the truth is known",
    "association": "The association map where the truth is known",
}


def page(found: SelfTest) -> str:
    """Return the page; same rows and versions, same bytes; it fetches nothing."""
    areas = [
        (area, TITLES.get(area, area), [row for row in found.rows if row.area == area])
        for area in dict.fromkeys(row.area for row in found.rows)
    ]
    template = environment().get_template("selftest.html.j2")
    names = {"found": found, "areas": areas, "version": __version__, "alarm": ALARM}
    return template.render(**names, style=Markup(asset("style.css"))) + "\n"  # noqa: S704 (our own file)
