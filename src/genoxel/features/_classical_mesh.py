"""Area and volume of a surface by the classical marching cubes, as PyRadiomics triangulates it.

The table of Lorensen and Cline (1987) in the order of corners and edges that is in common use. Cubes whose last corner
lies inside take the surface of their complement, so that the result depends on the direction of the axes.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from genoxel.core.image import FloatArray

CORNERS = ((0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1))
EDGES = ((0, 1), (1, 2), (2, 3), (3, 0), (4, 5), (5, 6), (6, 7), (7, 4), (0, 4), (1, 5), (2, 6), (3, 7))
TRIANGLES = (
    "- aid abj bidjib bck aidbck jckacj cidckikji dlc alcila bjacdl blcbjljil dkblkd akbaikilk djadljlkj jikkil ehi "
    "edahde abjieh ebjehbhdb bckieh dehdaebck jckjacieh ckjcjhchdhje iehdlc lehlcecae jabiehcdl ehljeljlcjcb "
    "dkbdlkhie blkbelbaehle ehijaljlklad ehleljjlk jfe jfeaid afebfa ifeidfdbf bckjfe daibckejf fckfeceac "
    "ckfdcfdfedei jfecdl alcailejf afeabfcdl cbfcficileif kdlkbdjfe ejfaibikbilk feafalflklad feifikkil jhifhj "
    "jdajfdfhd ahiabhbfh bfddfh jhijfhkbc kbcjfafdafhd iacicfifhkfc ckfcfddfh hjfhijdlc jfhjhcjcachl cdlabibhibfh "
    "lcblbhhbf jfiifhkbdkdl fhafajhlabaklka lkaladkfaiahfha lkfhlf kgf aidfkg jabfkg bidbjifkg bgfcgb bgfbcgdai "
    "jgfjagacg fjificfcgdci cdlkgf lailcakgf abjcdlfkg fkgbjcjlcjil gdlgfdfbd ailalfafbflg dlgadgagfafj gfjgjllji "
    "fkgehi edaehdgfk bjafkgieh kgfbjhbhdhje gbcgfbehi bcffcgdaedeh iehjafagfacg hdjhjedcjfjgcgj dlchiekgf "
    "fkgehcecachl abjehicdlfkg jcbjlcjelhlefkg iehdlfdfbflg fblflgbalhleael afjagfadglgdieh gfjgjlehjhlj kejgek "
    "ekgejkaid kabkgagea idbibgigegbk bejbcecge daibcjcejcge aceecg idciceecg kejkgelcd aiccilejkekg dlcabgagegbk "
    "gebgbkeibcblilb jgejdgjbdlgd ilbibalgbjbegeb dlgdgaage geilgi hkghikijk ahdakhajkghk kghbkhbhibia kghkhbbhd "
    "bcgbgibijigh cgjcjbghjajdhdj hiahaggac hdcghc cdlkgikijigh cahchlajhghkjkh biabhibkhghkcdl lcblbhkgbghb "
    "ijgighjbglgdbdg ajblgh hiahagdlalga hlg"
)
"""For each set of corners inside (bit n: corner n) without the last one, the edges (a to l) of its triangles."""


@cache
def _patches() -> tuple[tuple[FloatArray, float], ...]:
    """Return the triangles (n, 3, 3) of each of 256 sets of corners, in voxels, and the sense they are turned in."""
    corners = np.array(CORNERS, dtype=np.float64)
    middles = np.array([(corners[one] + corners[other]) / 2 for one, other in EDGES])
    words = TRIANGLES.replace("-", "").split(" ")
    half = [middles[[ord(letter) - 97 for letter in word]].reshape(-1, 3, 3) for word in words]
    return (*((one, 1.0) for one in half), *((one, -1.0) for one in half[::-1]))


def area_and_volume(inside: npt.NDArray[np.bool_], spacing: FloatArray) -> tuple[float, float]:
    """Return surface area (mm²) and enclosed volume (mm³) of `inside` (i, j, k) with voxels of `spacing` (3,) mm."""
    padded = np.pad(inside, 1)
    shape = np.array(padded.shape) - 1
    code = np.zeros(shape, np.int64)
    for bit, (i, j, k) in enumerate(CORNERS):
        code += padded[i : i + shape[0], j : j + shape[1], k : k + shape[2]].astype(np.int64) << bit
    where = np.nonzero((code > 0) & (code < 255))
    codes = code[where]
    counts = np.bincount(codes, minlength=256)
    places = np.stack([np.bincount(codes, weights=part, minlength=256) for part in where], axis=1) * spacing
    area = volume = 0.0
    for one, (patch, sense) in enumerate(_patches()):
        if not counts[one]:
            continue
        a, b, c = np.moveaxis(patch * spacing, 1, 0)
        normals = np.cross(b - a, c - a) / 2
        area += counts[one] * float(np.linalg.norm(normals, axis=1).sum())
        cones = counts[one] * np.einsum("ij,ij->", a, normals) + places[one] @ normals.sum(axis=0)
        volume += sense * float(cones) / 3
    return area, -volume
