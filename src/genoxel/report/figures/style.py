"""One look for all figures: Okabe-Ito colours, quiet axes, and SVG that follows the page's light or dark mode."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from genoxel.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

INK, SOFT, GRID, PAPER = "#1b1f24", "#59636e", "#e3e6e9", "#ffffff"
BLUE, ORANGE, GREEN, PURPLE = "#0072b2", "#d55e00", "#009e73", "#cc79a7"
SKY, AMBER, GREY, WILD = "#56b4e9", "#e69f00", "#8a939c", "#dfe3e7"

_VARIABLES = {
    INK: "currentColor",
    SOFT: "var(--soft)",
    GRID: "var(--grid)",
    PAPER: "var(--paper)",
    BLUE: "var(--c-blue)",
    ORANGE: "var(--c-orange)",
    GREEN: "var(--c-green)",
    PURPLE: "var(--c-purple)",
    SKY: "var(--c-sky)",
    AMBER: "var(--c-amber)",
    GREY: "var(--c-grey)",
    WILD: "var(--c-wild)",
}

STYLE: Any = {  # Any: matplotlib's own type lists every name, and differs between versions
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8.5,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 8.5,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "grid.color": GRID,
    "hatch.linewidth": 0.6,
    "svg.fonttype": "none",
    "axes.unicode_minus": True,
}

_off_screen: ContextVar[bool] = ContextVar("off_screen", default=False)


@contextmanager
def off_screen() -> Iterator[None]:
    """Within this block new axes belong to no window, so that a report leaves nothing behind in pyplot."""
    token = _off_screen.set(True)
    try:
        yield
    finally:
        _off_screen.reset(token)


@contextmanager
def canvas(ax: Axes | None, width: float, height: float) -> Iterator[Axes]:
    """Give `ax`, or new axes of `width` x `height` inches, with the house style in force."""
    with mpl.rc_context(STYLE):
        if ax is not None:
            yield ax
        elif _off_screen.get():
            yield Figure(figsize=(width, height), layout="constrained").add_subplot()
        else:
            import matplotlib.pyplot as plt

            yield plt.subplots(figsize=(width, height), layout="constrained")[1]


def mark_observed(axes: Axes, value: float, text: str) -> None:
    """Draw what was observed as a line among what chance gives, with `text` along it."""
    axes.axvline(value, color=BLUE, lw=2.2)
    axes.annotate(
        text,
        (value, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(-5, -2),
        textcoords="offset points",
        ha="right",
        va="top",
        color=INK,
        rotation=90,
    )


_TABLES: WeakKeyDictionary[Axes, Mapping[str, Any]] = WeakKeyDictionary()


def keep_table(axes: Axes, table: Mapping[str, Any]) -> None:
    """Remember what `axes` shows, as columns."""
    _TABLES[axes] = table


def has_table(axes: Axes) -> bool:
    """Return whether `axes` were drawn by a function that keeps its table."""
    return axes in _TABLES


def table_of(axes: Axes) -> pd.DataFrame:
    """Return the table behind a figure: one row per thing drawn. Raises `InputError` for axes drawn elsewhere."""
    import pandas as pd

    if axes not in _TABLES:
        raise InputError("axes without a table", "axes that a function of genoxel.plot returned", "draw it again")
    return pd.DataFrame(dict(_TABLES[axes]))


def shorten(text: str, most: int = 38) -> str:
    """Return `text` cut in its middle to at most `most` characters.

    >>> shorten("T1CE.tumour.none.glcm.joint_entropy", 20)
    'T1CE.tumo…nt_entropy'
    """
    if len(text) <= most:
        return text
    head = (most - 1) // 2
    return f"{text[:head]}…{text[len(text) - (most - 1 - head) :]}"


def to_svg(figure: Figure, key: str, alt: str) -> Markup:
    """Return `figure` as an inline SVG with text as text, described by `alt`; same figure, same text."""
    stream = io.StringIO()
    FigureCanvasSVG(figure)
    with mpl.rc_context({**STYLE, "svg.hashsalt": key}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # the browser has more fonts than we measure with
        figure.savefig(stream, format="svg", bbox_inches="tight", pad_inches=0.03, dpi=160, metadata={"Date": None})
    return Markup(_inline(stream.getvalue(), key, alt))  # noqa: S704 (matplotlib escapes its texts, alt is escaped)


def _inline(svg: str, key: str, alt: str) -> str:
    body = svg[svg.index("<svg") :].strip()
    body = re.sub(r"<metadata>.*?</metadata>\s*", "", body, flags=re.DOTALL)
    body = re.sub(r"<!--.*?-->\s*", "", body, flags=re.DOTALL)
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', body)
    width = float(box.group(1)) * 4 / 3 if box else 600.0
    inside = body[body.index(">") + 1 :]
    for colour, variable in _VARIABLES.items():
        inside = inside.replace(colour, variable)
    inside = re.sub(r"(font(?:-family)?: [^;\"]*?)'DejaVu Sans'[^;\"]*", r"\1var(--sans)", inside)
    inside = _own_ids(inside, key)
    inside = re.sub(r"\n\s*", "\n", inside)
    view = box.group(0) if box else ""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" {view} '
    return f'{head}width="{width:.0f}" role="img" aria-label="{escape(alt)}">{inside}'


def _own_ids(svg: str, key: str) -> str:
    """Keep only the ids that are referred to, with the key before them, so that figures cannot meet."""
    used = set(re.findall(r"url\(#([^)]+)\)", svg)) | set(re.findall(r'href="#([^"]+)"', svg))
    svg = re.sub(r' id="([^"]*)"', lambda hit: f' id="{key}-{hit.group(1)}"' if hit.group(1) in used else "", svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{key}-\1)", svg)
    return re.sub(r'href="#([^"]+)"', rf'href="#{key}-\1"', svg)
