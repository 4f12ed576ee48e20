"""Chromosomes of the human genome builds: names, lengths, and where the arms meet."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from genoxel.core.errors import TableError

CHROMOSOMES = (*(str(number) for number in range(1, 23)), "X", "Y")

_HG18 = (
    *(247249719, 242951149, 199501827, 191273063, 180857866, 170899992, 158821424, 146274826, 140273252, 135374737),
    *(134452384, 132349534, 114142980, 106368585, 100338915, 88827254, 78774742, 76117153, 63811651, 62435964),
    *(46944323, 49691432, 154913754, 57772954),
)
_HG19 = (
    *(249250621, 243199373, 198022430, 191154276, 180915260, 171115067, 159138663, 146364022, 141213431, 135534747),
    *(135006516, 133851895, 115169878, 107349540, 102531392, 90354753, 81195210, 78077248, 59128983, 63025520),
    *(48129895, 51304566, 155270560, 59373566),
)
_HG38 = (
    *(248956422, 242193529, 198295559, 190214555, 181538259, 170805979, 159345973, 145138636, 138394717, 133797422),
    *(135086622, 133275309, 114364328, 107043718, 101991189, 90338345, 83257441, 80373285, 58617616, 64444167),
    *(46709983, 50818468, 156040895, 57227415),
)
_MIDDLE_MB = {
    "hg18": (
        *(124.3, 93.3, 91.7, 50.7, 47.7, 60.5, 59.1, 45.2, 51.8, 40.3, 52.9, 35.4, 16.0, 15.6, 17.0, 38.2, 22.2),
        *(16.1, 28.5, 27.1, 12.3, 11.8, 59.5, 11.3),
    ),
    "hg19": (
        *(125.0, 93.3, 91.0, 50.4, 48.4, 61.0, 59.9, 45.6, 49.0, 40.2, 53.7, 35.8, 17.9, 17.6, 19.0, 36.6, 24.0),
        *(17.2, 26.5, 27.5, 13.2, 14.7, 60.6, 12.5),
    ),
    "hg38": (
        *(123.4, 93.9, 90.9, 50.0, 48.8, 59.8, 60.1, 45.2, 43.0, 39.8, 53.4, 35.5, 17.7, 17.2, 19.0, 36.8, 25.1),
        *(18.5, 26.2, 28.1, 12.0, 15.0, 61.0, 10.4),
    ),
}

LENGTHS: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        build: dict(zip(CHROMOSOMES, lengths, strict=True))
        for build, lengths in (("hg18", _HG18), ("hg19", _HG19), ("hg38", _HG38))
    }
)
"""Length of each chromosome by build. Source: chromosome sizes of the UCSC Genome Browser."""

MIDDLES: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        build: {name: round(middle * 1e6) for name, middle in zip(CHROMOSOMES, middles, strict=True)}
        for build, middles in _MIDDLE_MB.items()
    }
)
"""End of each short arm by build: the end of its last centromeric band. Source: cytoBand tables of UCSC."""


BANDS: Mapping[str, Mapping[str, tuple[str, int, int]]] = MappingProxyType(
    {build: {"9p21": ("9", 19900001, 33200000), "9p21.3": ("9", 19900001, 25600000)} for build in ("hg19", "hg38")}
)
"""Bands that rules may name, by build: (chromosome, first base, last base). Source: cytoBand tables of UCSC, in which
these bands of hg19 and hg38 have the same bounds."""


def chromosome_name(text: str) -> str:
    """Return a chromosome as 1 to 22, X or Y; an empty text for any other contig.

    >>> [chromosome_name(text) for text in ("chr7", "07", "23", "chrX", "GL000220.1")]
    ['7', '7', 'X', 'X', '']
    """
    name = text.strip().removeprefix("chr").removeprefix("Chr").removeprefix("CHR").upper()
    name = {"23": "X", "24": "Y"}.get(name.lstrip("0"), name.lstrip("0"))
    return name if name in CHROMOSOMES else ""


def arm_span(arm: str, build: str) -> tuple[str, int, int]:
    """Return (chromosome, first base, last base) of an arm such as "1p", or a band of `BANDS` such as "9p21".

    A number alone is the whole chromosome. Raises `TableError` for what is neither, or a band of another build.

    >>> arm_span("19q", "hg19")
    ('19', 26500001, 59128983)
    """
    name, side = (arm[:-1], arm[-1]) if arm[-1:] in ("p", "q") else (arm, "")
    if build not in LENGTHS:
        raise TableError(f"genome build {build!r}", ", ".join(LENGTHS), "say which: build = ...")
    if any(arm in bands for bands in BANDS.values()):
        if arm not in BANDS.get(build, {}):
            raise TableError(f"the band {arm} in {build}", ", ".join(BANDS), "name its genes, with genes = a BED file")
        return BANDS[build][arm]
    if name not in CHROMOSOMES:
        raise TableError(f"the arm {arm!r}", "1p, 19q, 7, Xq and the like", "correct it")
    middle, length = MIDDLES[build][name], LENGTHS[build][name]
    first = middle + 1 if side == "q" else 1
    return name, first, middle if side == "p" else length
