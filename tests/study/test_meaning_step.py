"""[associate.enrich] and [associate.phenotypes] from the study file to the report, on ready-made features."""

import csv
import re

import numpy as np
import pytest
from scipy.stats import hypergeom

from genoxel.study.check import check
from genoxel.study.run import run
from genoxel.study.study import Study

TEXT = """
[study]
name = "meaning"
seed = 5
[cohort]
table = "clinical.csv"
patient = "id"
site = "centre"
clinical = ["age"]
[target.EGFR]
column = "EGFR"
[io.images]
features = "features.csv"
[omics]
expression = {{ file = "expression.tsv", unit = "log2" }}
genesets = {{ file = "sets.gmt" }}
copynumber = {{ calls = "copies.tsv" }}
[associate]
against = ["targets", "expression"]
adjust = []
survival = {{ time = "os", event = "dead" }}
correct = {{ permutations = 9 }}
{rest}
"""
BOTH = """
[associate.enrich]
groups = ["EGFR"]
most = 3
[associate.phenotypes]
most = 3
resamples = 20
worlds = 19
replicate = "half"
"""


FIGURES = """
[report]
figures = { formats = ["tsv", "parquet"] }
"""


def matrix(path, names, people, values, form="{:.4f}"):
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter="\t")
        writer.writerow(["Hugo_Symbol", *people])
        writer.writerows([name, *(form.format(one) for one in row)] for name, row in zip(names, values.T, strict=True))


def folder_of(path, split):
    """Write a cohort of 120 patients; `split` sets two groups apart in every feature, which live differently."""
    rng = np.random.default_rng(7)
    n = 120
    people = [f"P{row:03d}" for row in range(n)]
    group = np.arange(n) % 2
    trait = rng.normal(size=n)
    families = ["stat"] * 6 + ["glcm"] * 6
    names = [f"T1CE.roi.none.{family}.f{place}" for place, family in enumerate(families)]
    features = rng.normal(size=(n, 12)) + split * group[:, None] * rng.choice([-1, 1], 12)
    genes = [f"GENE{place}" for place in range(100)]
    values = 6 + rng.normal(size=(n, 100))
    values[:, :10] += trait[:, None]
    features[:, 0] += 1.2 * trait
    copies = np.clip(np.round(0.9 * (values[:, 20:60] - 6) + 0.3 * rng.normal(size=(n, 40))), -2, 2)
    features[:, 7] += 1.5 * (values[:, 20] - 6)
    matrix(path / "expression.tsv", genes, people, values)
    matrix(path / "copies.tsv", genes[20:60], people, copies, "{:.0f}")
    sets = {f"SET_{place}": genes[place * 10 : place * 10 + 10] for place in range(10)}
    lines = ["\t".join([name, "na", *members]) for name, members in sets.items()]
    (path / "sets.gmt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    clinical = {
        "age": rng.integers(40, 80, n),
        "centre": rng.choice(["A", "B"], n),
        "EGFR": np.where(trait + rng.normal(size=n) > 0, "mut", "wt"),
        "os": np.ceil(rng.exponential(np.where(group * split > 0, 100, 600))).astype(int),
        "dead": (rng.random(n) < 0.8).astype(int),
    }
    for name, columns in (("clinical", clinical), ("features", dict(zip(names, features.T, strict=True)))):
        with (path / f"{name}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["id" if name == "clinical" else "patient", *columns])
            writer.writerows([who, *(column[row] for column in columns.values())] for row, who in enumerate(people))
    return path


def study_of(folder, rest, text=TEXT):
    (folder / "study.toml").write_text(text.format(rest=rest), encoding="utf-8")
    return Study.read(folder / "study.toml")


def test_groups_and_meaning_reach_the_report(tmp_path):
    study = study_of(folder_of(tmp_path, split=2.2), BOTH + FIGURES)
    assert not [problem for problem in check(study).problems if problem.severity == "error"]
    result = run(study, workers=1)
    assert not result.failed
    page = (tmp_path / "results" / "report.html").read_text(encoding="utf-8")
    for words in (
        "What features mean",
        "pairs of a gene set with one of",
        'first comes <span class="user">SET_0</span> with',
        "Gene sets, joined by shared leading genes",
        "vascularity",
        "heterogeneity",
        "Pathway activity predicted from the image",
        "Concordant triples",
        'made in <span class="user">a random half of the patients</span>',
        "In patients who did not make the groups, the in-group proportion is",
        'Survival of <span class="user">patients who did not make the groups</span>: log-rank p',
        "null worlds moved whole patients",
    ):
        assert words in page, words
    tables = {path.stem for path in (tmp_path / "results" / "tables").glob("*.csv")}
    assert {"enrichment", "pathway_activity", "concordant_triples", "phenotypes", "phenotype_replication"} <= tables
    with (tmp_path / "results" / "tables" / "enrichment.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["set"] for row in rows if float(row["q"]) <= 0.05} == {"SET_0"}
    with (tmp_path / "results" / "tables" / "concordant_triples.csv").open() as file:
        found = {(row["gene"], row["image"]) for row in csv.DictReader(file) if row["concordant"] == "True"}
    assert ("GENE20", "T1CE.roi.none.glcm.f7") in found
    promised = re.findall(r"First .*?>\d+</span> of .*?>(\d+)</span> rows; all of them in <code>(\S+)</code>", page)
    assert ("1200", "tables/associations_expression.csv") in promised
    for rows, name in promised:
        with (tmp_path / "results" / name).open() as file:
            assert len(list(csv.reader(file))) == int(rows) + 1, name
    figures = {path.name for path in (tmp_path / "results" / "figures").iterdir()}
    assert {path.partition(".")[0] for path in figures} >= {
        *("sets-network", "groups-matrix", "groups-cdf", "groups-survival-of-groups", "heatmap_expression"),
        *("volcano_expression", "worlds_expression", "bands_expression", "pair_expression_1"),
    }
    assert {f"{path.rpartition('.')[0]}.{kind}" for path in figures for kind in ("tsv", "parquet")} == figures
    again = run(study, workers=1, only_report=True)
    assert again.fresh["enrich"] == again.fresh["phenotypes"] == 0
    assert (tmp_path / "results" / "report.html").read_text(encoding="utf-8") == page


def test_one_group_is_said_to_be_one_group_and_nothing_is_compared(tmp_path):
    rest = '[associate.phenotypes]\nblocks = "image, expression"\nmost = 3\nresamples = 19\nworlds = 19\n'
    run(study_of(folder_of(tmp_path, split=0), rest), workers=1)
    page = (tmp_path / "results" / "report.html").read_text(encoding="utf-8")
    assert "No cluster structure beyond one group" in page
    assert "One group; cut in" in page
    assert not list((tmp_path / "results" / "tables").glob("phenotype_differences*"))
    assert not list((tmp_path / "results" / "tables").glob("phenotype_survival*"))


MODULES = """
[omics.derive]
metagenes = {{ count = 8, genes = 100 }}
[associate.enrich]
features = ["T1CE.roi.none.stat.f0"]
risk = ["EGFR"]
groups = ["sex"]
activity = false
triples = false
[learn]
targets = ["EGFR"]
primary = {{ features = "image", model = "ridge" }}
compare = []
validate = {{ repeats = 2, permutations = 19 }}
"""


def test_metagenes_and_held_out_risk_groups_are_asked_for_gene_sets(tmp_path):
    """The genes of SET_0 go together, EGFR follows them, and f0 tells EGFR: each way must lead to SET_0 alone."""
    folder = folder_of(tmp_path, split=0)
    with (folder / "clinical.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    with (folder / "clinical.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], "sex"])
        writer.writeheader()
        writer.writerows({**row, "sex": "MF"[place % 2]} for place, row in enumerate(rows))
    study = study_of(folder, MODULES.format(), TEXT.replace('["age"]', '["age", "sex"]').replace("adjust = []", ""))
    assert not [problem for problem in check(study).problems if problem.severity == "error"]
    assert not run(study, workers=1).failed
    tables = tmp_path / "results" / "tables"
    with (tables / "module_sets.csv").open() as file:
        modules = [row for row in csv.DictReader(file) if float(row["q"]) <= 0.05]
    held = [row for row in modules if row["set"] == "SET_0"]
    assert len(held) == 1
    assert int(held[0]["overlap"]) == int(held[0]["size"]) == 10
    theirs = hypergeom.sf(9, 100, 10, int(held[0]["genes"]))
    assert float(held[0]["p"]) == pytest.approx(theirs, rel=1e-6)
    with (tables / "enrichment.csv").open() as file:
        asked = list(csv.DictReader(file))
    assert {row["source"] for row in asked} == {"T1CE.roi.none.stat.f0", "EGFR risk", "sex"}
    assert {row["set"] for row in asked if row["source"] == "EGFR risk" and float(row["q"]) <= 0.05} == {"SET_0"}
    assert not [row for row in asked if row["source"] == "sex" and float(row["q"]) <= 0.05]
    page = (tmp_path / "results" / "report.html").read_text(encoding="utf-8")
    assert "Gene sets of metagenes" in page
    meant = page.partition("What features mean")[2].partition("</p>")[0]
    assert "After adjustment for" in meant
    adjusted = sum(float(row["q_adjusted"]) <= 0.05 for row in asked)
    assert f">{adjusted}</a>." in meant.partition("After adjustment for")[2]
    assert "above the median of the mean held-out prediction of EGFR (ridge on image)" in page


def test_risk_groups_are_those_of_predictions_by_hand(tmp_path):
    from types import SimpleNamespace

    from genoxel.study.steps.sources import risk_groups

    rows = {"patient": np.array(["B", "A", "C", "D"] * 2), "score": np.array([0.9, 0.1, 0.2, 0.6, 0.7, 0.3, 0.4, 0.0])}
    primary = SimpleNamespace(predictions=rows, model="ridge", features="image")
    table = risk_groups([SimpleNamespace(target="EGFR", primary=primary)], ["EGFR"])
    # means: A 0.2, B 0.8, C 0.3, D 0.3; the median is 0.3, and only B lies above it
    assert dict(zip(table.patients, table["EGFR risk"], strict=True)) == {"A": 0, "B": 1, "C": 0, "D": 0}


def test_check_warns_of_gene_sets_that_take_hours(tmp_path):
    folder = folder_of(tmp_path, split=0)
    few = check(study_of(folder, "[associate.enrich]\npermutations = 999\n"))
    assert not [problem for problem in few.problems if "null worlds" in problem.got]
    rng = np.random.default_rng(1)
    genes = [f"GENE{place}" for place in range(100)]
    sets = ["\t".join([f"S{one}", "na", *rng.choice(genes, 90, replace=False)]) for one in range(6000)]
    (folder / "sets.gmt").write_text("\n".join(sets) + "\n", encoding="utf-8")
    text = TEXT.replace("adjust = []", "")
    many = check(study_of(folder, "[associate.enrich]\nmost = 20\npermutations = 50000\n", text))
    (warned,) = [problem for problem in many.problems if "null worlds" in problem.got]
    # 20 features x 50,000 worlds, raw and adjusted, x (100 genes x 1.1e-7 s + 540,000 members x 1.2e-8 s)
    assert f"about {2e6 * (1.1e-5 + 540_000 * 1.2e-8) / 3600:.1f} hours" in warned.got
    assert warned.severity == "warning"
    assert many.cost.seconds - few.cost.seconds > 10_000


@pytest.mark.parametrize(
    ("rest", "where"),
    [
        ('[associate.enrich]\ngroups = ["EGFRR"]\n', "associate.enrich.groups"),
        ('[associate.enrich]\nrisk = ["EGFR"]\n', "associate.enrich.risk"),
        ('[associate.enrich]\nrisk = ["EGFRR"]\n[learn]\n', "associate.enrich.risk"),
        (
            '[associate.enrich]\nrisk = ["EGFR"]\n[learn]\nprimary = { features = "image + expression" }\n',
            "associate.enrich.risk",
        ),
        ('[associate.enrich]\nsets = "none.gmt"\n', "associate.enrich.sets"),
        ('[associate.phenotypes]\nblocks = ["imagee"]\n', "associate.phenotypes.blocks"),
        ("[associate.phenotypes]\nworlds = 5\n", "associate.phenotypes.worlds"),
        ("[associate.enrich]\nset = 5\n", "associate.enrich.set"),
    ],
)
def test_what_cannot_be_asked_is_said_before_the_run(tmp_path, rest, where):
    from genoxel.study.schema import parse_study

    folder = folder_of(tmp_path, split=0)
    _, problems = parse_study(TEXT.format(rest=rest))
    if not problems:
        problems = check(study_of(folder, rest)).problems
    assert where in {problem.where for problem in problems}
