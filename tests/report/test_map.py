"""The map page: self-contained, bounded, safe, and its numbers are those of the tables (asked in a browser)."""

import base64
import html
import io
import json
import re
import shutil
import subprocess
from urllib.parse import quote

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from tests.report.example import HOSTILE

from genoxel.associate import AssociateSettings, screen
from genoxel.core.keys import RowKey
from genoxel.core.table import Column, Source, Table
from genoxel.report import map as page_of_map
from genoxel.report.content import Screen
from genoxel.report.map import association_page

N = 48
PEOPLE = tuple(f"P{place:02d}" for place in range(N))


@pytest.fixture(scope="module")
def whole():
    rng = np.random.default_rng(1)
    trait, age = rng.normal(size=N), rng.normal(60, 9, size=N)
    x = rng.normal(size=(N, 5)) + trait[:, None] * [2, 0, 0, 0, 0]
    x[:3, 1] = np.nan
    x[:, 2] = np.round(x[:, 2])
    y = np.c_[trait, rng.normal(size=N), rng.random(N) < 0.4, np.arange(N) < 6, rng.integers(0, 3, N)]
    y[5, 1] = y[7, 2] = np.nan
    columns = (
        *(Column("VEGFA"), Column("missing"), Column("IDH", "binary"), Column("rare", "binary")),
        Column("subtype", "categorical", levels=("A", "B", "C")),
    )
    image = Table(x, PEOPLE, tuple(Column(f"f{place}", source=Source(family="stat")) for place in range(5)))
    other = Table(y, PEOPLE, columns, "genes")
    adjust = Table(np.c_[age, rng.integers(0, 2, N)], PEOPLE, (Column("age"), Column("sex", "binary")))
    found = screen(image, other, adjust, permutations=9)
    return Screen("genes", found, image, other, adjust=adjust)


def about_of(page):
    return json.loads(re.search(r'id="about">(.*?)</script>', page, re.DOTALL).group(1))


def test_the_page_carries_the_values_and_fetches_nothing(whole):
    page = association_page([whole], "A study")
    assert len(page.encode()) < 100_000
    assert not re.search(r"(src|href)\s*=\s*[\"']?https?:", page)
    assert "default-src 'none'" in page
    (about,) = about_of(page)["maps"]
    assert about["kind"] == ["number", "number", "group", "group", "table"]
    assert about["patients"] == list(PEOPLE)
    data = re.search(r'id="x0">(.*?)</script>', page).group(1)
    values = np.frombuffer(base64.b64decode(data), "<f4").reshape(5, N)
    np.testing.assert_allclose(values.T, whole.image.values, rtol=1e-6)
    passing = whole.map.pairs["p"][whole.map.pairs["q"] <= whole.map.q]
    assert about["cut"] == pytest.approx(passing.max())
    assert association_page([whole], "A study") == page


def test_too_many_columns_are_left_out_by_the_stated_rule(whole, monkeypatch):
    monkeypatch.setattr(page_of_map, "VALUES", 4 * N * 7)
    page = association_page([whole], "A study")
    (about,) = about_of(page)["maps"]
    p = np.nan_to_num(whole.map.pairs["p"].reshape(5, 5), nan=2.0).min(axis=0)
    assert about["cols"] == [whole.other.names[place] for place in np.sort(np.argsort(p, kind="stable")[:2])]
    assert "the 2 of 5 columns with the smallest p are carried" in page


def test_hostile_names_stay_text(whole):
    image = Table(whole.image.values[:, :1], PEOPLE, (Column(HOSTILE),))
    found = screen(image, whole.other, permutations=0)
    page = association_page([Screen(HOSTILE, found, image, whole.other)], HOSTILE)
    assert HOSTILE not in page
    assert about_of(page)["maps"][0]["rows"] == [HOSTILE]


BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def asked(path, feature, partner, folder):
    url = f"{path.as_uri()}#genes~{quote(feature)}~{quote(partner)}"
    switches = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--virtual-time-budget=5000"]
    command = [BROWSER, *switches, f"--user-data-dir={folder}", "--dump-dom", url]
    text = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    found = {kind: re.search(rf'data-{kind}="([^"]*)"', text) for kind in ("raw", "adjusted")}
    return {kind: [float(one) for one in json.loads(html.unescape(hit.group(1)))] for kind, hit in found.items() if hit}


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no browser")
@pytest.mark.parametrize(
    ("feature", "partner", "computed"),
    [
        ("f0", "VEGFA", True),
        ("f1", "missing", True),
        ("f2", "VEGFA", True),
        ("f0", "IDH", True),
        ("f2", "IDH", True),
        ("f0", "rare", True),
        ("f3", "subtype", False),
    ],
)
def test_a_browser_computes_the_numbers_of_the_tables(whole, feature, partner, computed, tmp_path):
    page = tmp_path / "association_map.html"
    page.write_text(association_page([whole], "A study"), encoding="utf-8")
    frame = whole.map.to_pandas().set_index(["image", "other"]).loc[(feature, partner)]
    found = asked(page, feature, partner, tmp_path / "profile")
    raw, adjusted = found["raw"], found["adjusted"]
    precise = 1e-6
    assert raw[0] == frame["n"]
    assert raw[1] == pytest.approx(frame["effect"], rel=precise)
    assert raw[4] == pytest.approx(frame["p"], rel=precise)
    if computed:
        assert adjusted[1] == pytest.approx(frame["effect_adjusted"], rel=precise)
        assert adjusted[4] == pytest.approx(frame["p_adjusted"], rel=precise)
    if not np.isnan(raw[2]):
        assert raw[2:4] == pytest.approx([frame["low"], frame["high"]], rel=precise)


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no browser")
def test_colour_can_follow_significance(whole, tmp_path):
    page = tmp_path / "association_map.html"
    text = association_page([whole], "A study")
    page.write_text(text.replace('<option value="p">', '<option value="p" selected>'), encoding="utf-8")
    switches = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--virtual-time-budget=5000"]
    command = [BROWSER, *switches, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page.as_uri()]
    drawn = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    assert re.search(r"Colour reaches to p = \d\.\de-\d+\.", drawn)


CAUGHT = """<script>URL.createObjectURL=function(blob){var r=new FileReader();
r.onload=function(){document.body.dataset.file=r.result};r.readAsDataURL(blob);return "#"};
document.getElementById("KIND").click()</script></body>"""


def saved(page, kind, folder):
    """Return the bytes that a button of the page saves."""
    open_page = page.replace("Content-Security-Policy", "X-Off").replace("</body>", CAUGHT.replace("KIND", kind))
    path = folder / f"{kind}.html"
    path.write_text(open_page, encoding="utf-8")
    switches = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--virtual-time-budget=5000"]
    command = [BROWSER, *switches, f"--user-data-dir={folder / 'profile'}", "--dump-dom", path.as_uri()]
    text = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    return base64.b64decode(re.search(r'data-file="[^"]*base64,([^"]*)"', text).group(1))


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no browser")
def test_the_view_is_saved_as_parquet_and_tsv_with_the_numbers_of_the_tables(whole, tmp_path):
    odd = "Größe/μ 体积"
    image = Table(whole.image.values, PEOPLE, (Column(odd), *whole.image.columns[1:]))
    found = screen(image, whole.other, permutations=0)
    page = association_page([Screen("genes", found, image, whole.other)], "A study")
    frame = pq.read_table(io.BytesIO(saved(page, "parquet", tmp_path))).to_pandas()
    assert frame.dtypes.astype(str).tolist() == ["object", "object", "int32", *["float64"] * 4]
    expected = found.to_pandas().set_index(["image", "other"])[["n", "effect", "low", "high", "p"]]
    shown = frame.set_index(["image", "other"]).loc[expected.index]
    assert len(frame) == len(expected) == 25
    assert (odd, "VEGFA") in shown.index
    groups = shown.index.get_level_values("other").isin(["IDH", "rare"])  # the page computes no intervals of areas
    assert shown.loc[groups, ["low", "high"]].isna().all(axis=None)
    np.testing.assert_allclose(shown[~groups].to_numpy(float), expected[~groups].to_numpy(float), rtol=1e-6)
    names = ["n", "effect", "p"]
    np.testing.assert_allclose(shown.loc[groups, names], expected.loc[groups, names], rtol=1e-6)
    lines = pd.read_csv(io.BytesIO(saved(page, "tsv", tmp_path)), sep="\t")
    np.testing.assert_allclose(lines[["n", "effect", "p"]], frame[["n", "effect", "p"]])
    assert lines["image"].tolist() == frame["image"].tolist()


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no browser")
def test_clustered_rows_show_the_numbers_of_the_tables(tmp_path):
    rng = np.random.default_rng(5)
    codes = np.repeat(np.arange(20), 3)
    rows = tuple(RowKey(f"P{code:02d}", lesion=str(place % 3)) for place, code in enumerate(codes))
    gene = rng.normal(size=(20, 1))
    image = Table(gene[codes] + rng.normal(size=(60, 1)), rows, (Column("size"),))
    other = Table(gene, tuple(f"P{code:02d}" for code in range(20)), (Column("VEGFA"),), "expression")
    found = screen(image, other, permutations=0, settings=AssociateSettings(several="clustered"))
    page = tmp_path / "association_map.html"
    page.write_text(association_page([Screen("genes", found, image, other)], "A study"), encoding="utf-8")
    raw = asked(page, "size", "VEGFA", tmp_path / "profile")["raw"]
    expected = [found.pairs[name][0] for name in ("n", "effect", "low", "high", "p")]
    assert raw == pytest.approx(expected, rel=1e-6)
