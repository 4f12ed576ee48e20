"""Gene Expression Omnibus: the series matrix of one accession.

Source: the layout of the archive, /geo/series/GSEnnn/ACCESSION/matrix/, where the last three digits are masked.
"""

from __future__ import annotations

import re
from pathlib import Path

from genoxel.core.errors import SettingsError
from genoxel.io.online.web import Web

BASE = "https://ftp.ncbi.nlm.nih.gov/geo/series"


def matrix_url(accession: str, platform: str = "") -> str:
    """Return where the series matrix of `accession` lies; `platform` is needed where a series has several.

    >>> matrix_url("GSE103584").rpartition("/series/")[2]
    'GSE103nnn/GSE103584/matrix/GSE103584_series_matrix.txt.gz'
    """
    if not re.fullmatch(r"GSE\d{1,8}", accession) or not re.fullmatch(r"(GPL\d{1,8})?", platform):
        raise SettingsError(
            f"the accession {accession[:40]!r} {platform[:40]!r}", "GSE and digits; GPL and digits", "copy it from GEO"
        )
    masked = f"GSE{accession[3:][:-3]}nnn"
    name = f"{accession}{'-' if platform else ''}{platform}_series_matrix.txt.gz"
    return f"{BASE}/{masked}/{accession}/matrix/{name}"


def fetch_matrix(web: Web, accession: str, folder: Path, platform: str = "") -> Path:
    """Bring the series matrix of `accession` to `folder` and return its file; read it with `io.geo.read_series_matrix`.

    GEO announces no checksum: the gzip's own is proven when it is read. Raises `RemoteError` where it is not there
    (a series of several platforms has one file for each).
    """
    url = matrix_url(accession, platform)
    path = folder / url.rpartition("/")[2]
    if not path.is_file():
        web.download(url, path)
    return path
