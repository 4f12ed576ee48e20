"""Weights of a score: the column of weights is known by its name, and no other number passes for one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from genoxel.core.errors import FileFormatError
from genoxel.io.genesets import read_gene_weights


def weights(folder: Path, text: str) -> tuple[dict[str, float], tuple[str, ...]]:
    (folder / "weights.csv").write_text(text, encoding="utf-8")
    return read_gene_weights(folder / "weights.csv")


@pytest.mark.parametrize(
    "text",
    [
        "gene,weight\nMKI67,0.5\nESR1,-1\n",
        "MKI67;0,5\n".replace("MKI67;0,5", "name;anything\nMKI67;0.5\nESR1;-1"),
        "symbol,EntrezGene.ID,group,weight\nMKI67,4288,p,0.5\nESR1,2099,e,-1\n",
        "probe,coefficient,symbol\n212022_s_at,0.5,MKI67\n205225_at,-1,ESR1\n",
        "Gene,Beta,p\nMKI67,0.5,0.01\nESR1,-1,0.2\n",
    ],
)
def test_the_weights_are_found_by_name_or_because_they_are_alone(tmp_path: Path, text: str) -> None:
    assert weights(tmp_path, text) == ({"MKI67": 0.5, "ESR1": -1.0}, ())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("gene,EntrezGene.ID,score\nMKI67,4288,0.5\n", "EntrezGene.ID, score.*one column called weight"),
        ("gene,group\nMKI67,proliferation\n", "beside the genes: none"),
        ("gene,weight\nMKI67,high\n", "'high' as weight in line 2"),
        ("gene,weight\nMKI67,\n", "without any weight"),
        ("gene,weight\nMKI67,1\nMKI67,2\n", "'MKI67' twice in line 3"),
        ("gene,weight\n1-Mar,1\n", "'1-Mar' in line 2"),
        ("gene,weight\n,1\n", "the gene '' in line 2"),
    ],
)
def test_what_is_no_weight_is_refused_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(FileFormatError, match=words):
        weights(tmp_path, text)


def test_the_published_21_genes_are_read_as_they_are(real_data: Callable[[str], Path]) -> None:
    path = real_data("genomics") / "breast_signatures" / "paik2004_sig_oncotypedx.csv"
    frame = pd.read_csv(path, comment="#")
    found, without = read_gene_weights(path)
    assert len(found) == 16
    assert len(frame) == 21
    assert sorted(found.values()) == sorted(frame["weight"].dropna())
    assert found["MKI67"] == 0.208
    assert set(without) == set(frame.loc[frame["group"] == "reference", "symbol"])
