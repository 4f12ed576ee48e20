"""Contact sheet: the contour on the image of every patient, what looks odd first."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genoxel.core.errors import GeometryError
from genoxel.core.image import Image
from genoxel.core.mask import Mask

WINDOWS = {"CT": (-160.0, 240.0), "PT": (0.0, 10.0)}
"""Fixed display windows; other modalities are shown from the 1st to the 99.5th percentile of what is seen."""

_GREYS = 96
_HALO, _LINE = 96, 97
_LINE_RGB = (240, 228, 66)  # Okabe-Ito yellow: seen on every grey, and outlined in black


@dataclass(frozen=True)
class Card:
    """Largest cross-section of one region of one patient with its contour (`png` bytes), and the facts to judge it.

    `flags` say in words what looks odd ('contour mostly air'); cards with flags come first on the sheet.
    """

    patient: str
    png: bytes
    volume_mm3: float
    voxels: int
    spacing: tuple[float, float, float]
    flags: tuple[str, ...] = ()
    series: str = ""
    structure: str = ""
    modality: str = ""


def thumbnail(
    image: Image,
    mask: Mask,
    size: int = 160,
    window: tuple[float, float] | None = None,
    hidden: npt.NDArray[np.bool_] | None = None,
) -> bytes:
    """Return a PNG (`size` x `size` pixels) of the slice with most of `mask`, its outline drawn in.

    Voxels that are `hidden` (i, j, k), such as those of a face, are black.

    Pixels are square in mm; the window is that of the modality (CT -160 to 240 HU unless the contour lies mostly
    outside it, then percentiles). Raises `GeometryError` when image and mask lie on different grids.
    """
    if image.shape != mask.shape:
        raise GeometryError(
            f"a mask of shape {mask.shape} on an image of shape {image.shape}", "equal grids", "use mask.on(image)"
        )
    inside = mask.inside()
    place = int(inside.sum(axis=(0, 1)).argmax())
    picture = np.asarray(image.values()[:, :, place], dtype=np.float64).T
    region = inside[:, :, place].T
    low, high = window or _window(image.modality, picture, region)
    if hidden is not None:
        picture[hidden[:, :, place].T] = low
    rows, columns = _sample_points(picture.shape, image.spacing[:2], size, region)
    grey = _linear(picture, rows, columns, low)
    scaled = np.clip((grey - low) / max(high - low, 1e-12), 0, 1)
    pixels = np.rint(scaled * (_GREYS - 1)).astype(np.uint8)
    # half of a voxel's share, so that the outline of a coarse mask is a line and not a stair
    return _png(_draw_outline(pixels, _linear(region.astype(np.float64), rows, columns, 0.0) >= 0.5))


def _window(modality: str, picture: npt.NDArray[np.float64], region: npt.NDArray[np.bool_]) -> tuple[float, float]:
    fixed = WINDOWS.get(modality.upper())
    if fixed is not None:
        values = picture[region]
        if values.size == 0 or np.mean((values >= fixed[0]) & (values <= fixed[1])) >= 0.5:
            return fixed
    seen = picture[np.isfinite(picture)]
    if seen.size == 0:
        return 0.0, 1.0
    low, high = np.percentile(seen, [1, 99.5])
    return float(low), float(high if high > low else low + 1)


def _sample_points(
    shape: tuple[int, ...], spacing: tuple[float, float], size: int, region: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Rows and columns (in voxels) of a square view in mm that holds the region with room around it."""
    lengths = shape[0] * spacing[1], shape[1] * spacing[0]
    where = np.argwhere(region)
    if where.size:
        low, high = where.min(axis=0), where.max(axis=0)
        centre = (low + high) / 2
        extent = float(max((high - low + 1) * [spacing[1], spacing[0]]))
    else:
        centre, extent = np.array([(shape[0] - 1) / 2, (shape[1] - 1) / 2]), 0.0
    side = min(max(3.0 * extent, 60.0), max(lengths))
    offsets = (np.arange(size) + 0.5) / size * side - side / 2
    return centre[0] + offsets / spacing[1], centre[1] + offsets / spacing[0]


def _linear(
    picture: npt.NDArray[np.float64], rows: npt.NDArray[np.float64], columns: npt.NDArray[np.float64], outside: float
) -> npt.NDArray[np.float64]:
    filled = np.where(np.isfinite(picture), picture, outside)
    lines = np.stack([np.interp(columns, np.arange(filled.shape[1]), line, outside, outside) for line in filled])
    whole = [np.interp(rows, np.arange(filled.shape[0]), line, outside, outside) for line in lines.T]
    return np.stack(whole, axis=1)


def _draw_outline(pixels: npt.NDArray[np.uint8], region: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    grown = _grow(region)
    line = grown & ~region
    halo = _grow(grown) & ~grown
    drawn = pixels.copy()
    drawn[halo] = _HALO
    drawn[line] = _LINE
    return drawn


def _grow(region: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    padded = np.pad(region, 1)
    grown = region | padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]
    return np.asarray(grown)


def _png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Palette PNG: greys, black for the halo, yellow for the line. Same pixels, same bytes."""
    height, width = pixels.shape
    greys = np.repeat(np.rint(np.arange(_GREYS) * 255 / (_GREYS - 1)).astype(np.uint8), 3).tobytes()
    palette = greys + bytes((0, 0, 0)) + bytes(_LINE_RGB)
    raw = b"".join(b"\x00" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = [(b"IHDR", header), (b"PLTE", palette), (b"IDAT", zlib.compress(raw, 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in parts)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def in_order(cards: Sequence[Card]) -> tuple[Card, ...]:
    """Return the cards that need a look first (most flags first), then the rest by patient."""
    return tuple(sorted(cards, key=lambda card: (-len(card.flags), card.patient, card.modality, card.structure)))


def contact_sheet(cards: Sequence[Card], budget: int | None = None) -> str:
    """Return an HTML fragment of all cards, suspicious ones first; pictures beyond `budget` bytes are left out."""
    from genoxel.report.templates import environment

    ordered = in_order(cards)
    template = environment().get_template("contact.html.j2")
    return template.render(cards=ordered, shown=_within(ordered, budget))


def contact_page(cards: Sequence[Card], title: str = "Contours", simulated: bool = False) -> str:
    """Return a whole HTML page of the contact sheet, as `genoxel check` writes it."""
    from markupsafe import Markup

    from genoxel.report.templates import asset, environment

    template = environment().get_template("contours.html.j2")
    flagged = sum(bool(card.flags) for card in cards)
    sheet, style = Markup(contact_sheet(cards)), Markup(asset("style.css"))  # noqa: S704 (ours, escaped by the templates)
    return template.render(sheet=sheet, style=style, title=title, simulated=simulated, cards=cards, flagged=flagged)


def _within(cards: Sequence[Card], budget: int | None) -> int:
    if budget is None:
        return len(cards)
    used = np.cumsum([len(card.png) * 4 // 3 for card in cards])
    return int(np.searchsorted(used, budget, side="right"))
