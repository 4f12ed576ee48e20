"""Links in one line and cohorts in one file: what is read, and what is refused by name."""

from __future__ import annotations

import numpy as np
import pytest

from genoxel.core.errors import FileFormatError, SettingsError
from genoxel.simulate.effectsfile import read_effects, spec_of
from genoxel.simulate.lines import Link, is_link, split
from genoxel.simulate.plan import draw_genotypes, draw_people, realised
from genoxel.simulate.presets import preset, presets
from genoxel.simulate.spec import Effect, SimulationSpec


@pytest.mark.parametrize(
    ("text", "effect"),
    [
        ("EGFR -> texture d = 0.8; only when exclusive: 2.3 | mixed: 0.6", Effect("EGFR", "texture", 2.3, 0.6)),
        ("EGFR -> texture d = 2.3 exclusive | 0.6 mixed", Effect("EGFR", "texture", 2.3, 0.6)),
        ("EGFR -> texture: exclusive: 2.3 | mixed: 0.6", Effect("EGFR", "texture", 2.3, 0.6)),
        ("TP53 -> Ktrans", Effect("TP53", "ktrans", 0.8)),
        ("IDH1 -> frontal location", Effect("IDH1", "location", 0.8)),
        ("IDH1->texture d=-1.5", Effect("IDH1", "texture", -1.5)),
        ("TP53 -> null", Effect("TP53")),
        ("KRAS -> SUV d = .5", Effect("KRAS", "uptake", 0.5)),
    ],
)
def test_effects_as_lines(text, effect):
    assert not is_link(text)
    assert Effect.parse(text) == effect
    assert Effect.parse(str(effect)) == effect


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("IDH1 -> survival HR = 0.4", Link("IDH1", "survival", 0.4)),
        ("size -> response OR = 2", Link("size", "response", 2.0)),
        ("IDH1 -> age d = -1", Link("IDH1", "age", -1.0)),
    ],
)
def test_links_as_lines(text, link):
    assert is_link(text)
    assert Link.parse(text) == link
    assert Link.parse(str(link)) == link


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("EGFR -> textur d = 1", "did you mean 'texture'"),
        ("EGFR -> texture d = big", "could not be read"),
        ("EGFR -> texture HR = 2", "HR on the trait"),
        ("-> texture d = 1", "the line"),
        ("EGFR -> texture d = 2.3 exclusive", "could not be read"),
        ("EGFR -> texture d = 70 exclusive | 1 mixed", "-6 to 6"),
    ],
)
def test_lines_that_cannot_be_are_named(text, said):
    with pytest.raises(SettingsError, match=said):
        Effect.parse(text)


@pytest.mark.parametrize(
    "text", ["IDH1 -> survival d = 1", "IDH1 -> survival HR = 0", "IDH1 -> age d = 9", "IDH1 survival"]
)
def test_links_that_cannot_be_are_refused(text):
    with pytest.raises(SettingsError):
        Link.parse(text)


def test_plain_text_is_no_line():
    assert split("IDH1:texture:1.6") is None


TOML = """
effects = ["EGFR -> texture d = 2.3 exclusive | 0.6 mixed", "KRAS -> uptake d = 0.8", "EGFR -> sex OR = 3"]

[cohort]
patients = 40
body = "chest"
also = ["pet"]
seed = 5

[prevalence]
EGFR = 0.4
KRAS = 0.3

[genes]
exclusive = ["EGFR+KRAS"]

[imaging]
readers = 2
faults = { motion = 0.1 }
"""


def test_a_file_is_a_cohort(tmp_path):
    path = tmp_path / "effects.toml"
    path.write_text(TOML, encoding="utf-8")
    spec = read_effects(path, seed=6)
    assert (spec.n, spec.modality, spec.seed, spec.also) == (40, "ct", 6, ("pet",))
    assert spec.planted[0].mixed == 0.6
    assert str(spec.linked[0]) == "EGFR -> sex OR = 3"
    assert spec.imaging.readers == 2
    assert spec.imaging.faults == {"motion": 0.1}
    assert "uptake" in spec.traits


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("effect = []", "did you mean 'effects'"),
        ("[cohort]\npatient = 3", "did you mean 'patients'"),
        ('[cohort]\nbody = "lung"', "brain, chest, breast, prostate"),
        ("[cohort]\npatients = 2", "4 to 9999"),
        ('preset = "gliom"', "glioma-idh"),
        ("effects = [1]", "a list of lines in quotes"),
        ("[imaging]\nreader = 2", "did you mean 'readers'"),
        ("[imaging]\nfaults = { motoin = 0.1 }", "did you mean 'motion'"),
        ("[imaging]\nreaders = 9", "1 to 3"),
        ("[course]\npatterns = { growth = 0.5 }", "sum to 1"),
        ("[course]\nclones = 1", "subclones"),
        ('[cohort]\nalso = ["dvi"]', "did you mean 'dwi'"),
        ('effects = ["IDH1 -> rcbv d = 1"]', "acquire dsc as well"),
        ('effects = ["IDH1 -> texture d = 1", "KRAS -> age d = 1"]', "the source of"),
        ('effects = ["IDH1 -> texture d = 1"]\n[prevalence]\nIDH1 = 1.5', "above 0 and below 1"),
        (
            'effects = ["EGFR -> null", "KRAS -> null"]\n[prevalence]\nEGFR = 0.7\nKRAS = 0.6\n'
            '[genes]\nexclusive = ["EGFR+KRAS"]',
            "exclusive, with prevalences",
        ),
        ('[delivery]\nlayouts = ["dicom", "nifty"]', "did you mean 'nifti'"),
        ("[omics]\npurity = [0.9, 0.2]", "the smaller first"),
        ('effects = ["IDH1 -> null"]\n[prevalence]\nIDH1 = "0.4"', "prevalence '0.4' for IDH1"),
        ('effects = ["IDH1 -> null"]\n[prevalence]\nIDH1 = nan', "prevalence nan for IDH1"),
        (
            'effects = ["EGFR -> null", "TP53 -> null"]\n[genes]\ntogether = { "EGFR+TP53" = "4" }',
            "odds ratio '4' of EGFR+TP53",
        ),
        ('effects = ["EGFR -> null"]\n[genes]\nexclusive = ["EGFR+KRAS"]', "the gene of EGFR+KRAS 'KRAS'"),
        ('[cohort]\nunknown = "half"', "unknown = 'half'"),
        ("[omics]\nmissing = { mutation = 0.2 }", "did you mean 'mutations'"),
        ('[omics]\npathways = { proliferatio = "size:0.5" }', "did you mean 'proliferation'"),
        ('[omics]\npathways = { stroma = "siz:0.5" }', "did you mean 'size'"),
        ('[omics]\npathways = { stroma = "uptake:0.5" }', "acquire pet or dynamic-pet as well: --also pet"),
        ("[omics]\nmissing = { mutations = 1.2 }", "missing share of mutations"),
        ('[omics]\nfiles = ["segment"]', "did you mean 'segments'"),
        ('effects = ["IDH1 -> survival HR = 0.4"]', "plant the gene, if it is one: 'IDH1 -> null'"),
        ('effects = ["IDH1 -> null", "siz -> survival HR = 2"]', "did you mean 'size'"),
        ('effects = ["IDH1 -> null", "IDH1 -> survival HR = -2"]', "a ratio, 0.02 to 50"),
        ('effects = ["IDH1 -> null", "IDH1 -> survival OR = 2"]', "state the scale"),
        ('[cohort]\nmodule = "texture:1.4"', "-1 < r < 1"),
        ("[cohort]\nmodule = 3", "module 3"),
        ('[cohort]\nsemicolons = "no"', "semicolons = 'no'; legal: true or false"),
        ('[cohort]\nalso = "dwi"', "also = 'dwi'; legal: a list of words"),
        ('[cohort]\nshape = [48, 48, "a"]', "three whole numbers"),
        ("[cohort]\nshape = [48.5, 48, 14]", "three whole numbers"),
        ("[cohort]\nshape = 5", "three whole numbers"),
        ("prevalence = 0.4", "a section [prevalence]"),
        ('[genes]\nexclusive = "EGFR+KRAS"', "exclusive = 'EGFR+KRAS'; legal: a list of words"),
        ('[genes]\ntogether = ["EGFR+KRAS"]', "together = ['EGFR+KRAS']; legal: a table"),
        ('[delivery]\nmaps = "yes"', "maps = 'yes'; legal: true or false"),
        ('[delivery]\nlayouts = "dicom"', "layouts = 'dicom'; legal: a list of words"),
        ("[imaging]\nrescan = 1", "rescan = 1; legal: true or false"),
        ("[imaging]\nfaults = 3", "faults = 3; legal: a table"),
        ("[course]\npatterns = 3", "patterns = 3; legal: a table"),
        ("[omics]\nfiles = 3", "files = 3; legal: a list of words"),
        ('[omics]\nmissing = ["imaging"]', "missing = ['imaging']; legal: a table"),
        ('[omics]\npathways = ["stroma"]', "pathways = ['stroma']; legal: a table"),
        ("[omics]\npathways = { stroma = 0.5 }", "module 0.5"),
        ('[omics]\npurity = ["a", "b"]', "the smaller purity = 'a'"),
        ("[omics]\npurity = 0.5", "two shares"),
    ],
)
def test_the_impossible_is_refused_before_anything_is_written(tmp_path, text, said):
    path = tmp_path / "effects.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        read_effects(path)
    assert said in str(caught.value)


def test_a_file_changes_single_values_of_its_preset():
    spec = spec_of({"preset": "gbm-virtual-biopsy", "course": {"points": 3}, "prevalence": {"PTEN": 0.4}})
    assert (spec.course.points, spec.course.clones, spec.course.biopsies) == (3, 2, 4)
    assert (spec.share("PTEN"), spec.share("EGFR")) == (0.4, 0.7)
    assert spec.delivery.maps
    with pytest.raises(SettingsError, match="a prevalence for 'EGFR'"):  # other effects, other genes
        spec_of({"preset": "gbm-virtual-biopsy", "effects": ["IDH1 -> null"], "prevalence": {"EGFR": 0.4}})


def test_a_file_that_is_no_toml_is_named(tmp_path):
    path = tmp_path / "effects.toml"
    path.write_text("effects = [", encoding="utf-8")
    with pytest.raises(FileFormatError, match=r"effects\.toml"):
        read_effects(path)


def test_pairs_keep_their_numbers_and_ties():
    spec = SimulationSpec(
        n=200,
        effects=("EGFR:none", "KRAS:none", "TP53:none"),
        prevalence={"EGFR": 0.4, "KRAS": 0.3, "TP53": 0.4},
        exclusive=("EGFR+KRAS",),
        together={"EGFR+TP53": 5.0},
        seed=3,
    )
    drawn = draw_genotypes(spec)
    assert [int(drawn[gene].sum()) for gene in spec.genes] == [80, 60, 80]
    assert np.sum(drawn["EGFR"] * drawn["KRAS"]) == 0
    a = np.sum(drawn["EGFR"] * drawn["TP53"])
    b, c = 80 - a, 80 - a
    assert (a * (200 - a - b - c)) / (b * c) == pytest.approx(5, rel=0.15)


def odds_ratio(one: np.ndarray, other: np.ndarray) -> float:
    """The cross product of the two by two table."""
    a, b, c, d = (np.sum((one == x) & (other == y)) for x, y in ((1, 1), (0, 0), (1, 0), (0, 1)))
    return float(a * b / (c * d))


@pytest.mark.parametrize(
    "pairs",
    [
        {"EGFR+TP53": 5.0, "KRAS+TP53": 3.0},
        {"EGFR+TP53": 5.0, "KRAS+EGFR": 0.4},
        {"EGFR+TP53": 5.0, "TP53+KRAS": 3.0, "KRAS+EGFR": 2.0},
        {"EGFR+TP53": 5.0, "KRAS+BRAF": 3.0, "BRAF+TP53": 2.5},
    ],
)
def test_a_gene_in_several_ties_keeps_each_of_them(pairs):
    for seed in range(5):
        spec = SimulationSpec(
            n=400,
            effects=("EGFR:none", "KRAS:none", "TP53:none", "BRAF:none", "PTEN:none"),
            prevalence={"EGFR": 0.4, "KRAS": 0.3, "TP53": 0.4, "BRAF": 0.3, "PTEN": 0.2},
            exclusive=("KRAS+PTEN", "PTEN+BRAF"),
            together=pairs,
            seed=seed,
        )
        drawn = draw_genotypes(spec)
        assert [int(drawn[gene].sum()) for gene in spec.genes] == [160, 120, 160, 120, 80]
        for text, declared in pairs.items():
            assert odds_ratio(*(drawn[gene] for gene in text.split("+"))) == pytest.approx(declared, rel=0.06), text
        assert not (drawn["PTEN"] * (drawn["KRAS"] + drawn["BRAF"])).any()


def test_ties_that_leave_no_room_are_refused():
    spec = SimulationSpec(
        n=20,
        effects=("EGFR:none", "KRAS:none", "TP53:none"),
        prevalence={"EGFR": 0.5, "KRAS": 0.5, "TP53": 0.5},
        together={"EGFR+KRAS": 50.0, "EGFR+TP53": 50.0, "KRAS+TP53": 0.02},
    )
    with pytest.raises(SettingsError, match="KRAS and TP53"):
        draw_genotypes(spec)


def test_an_effect_that_depends_on_other_drivers_is_realised_as_declared():
    """Over 50 seeds the mean d of exclusive and of mixed mutants is the declared one within its sampling error."""
    found = []
    for seed in range(50):
        spec = SimulationSpec(
            n=120,
            modality="ct",
            effects=("EGFR -> texture d = 2.3 exclusive | 0.6 mixed", "TP53:none"),
            prevalence={"EGFR": 0.45, "TP53": 0.45},
            seed=seed,
        )
        people = draw_people(spec)
        values = np.array([person.latent["texture"] for person in people])
        egfr, tp53 = (np.array([float(person.genotype[gene]) for person in people]) for gene in ("EGFR", "TP53"))
        found.append(
            (realised(values, egfr * (1 - tp53), [egfr * tp53]), realised(values, egfr * tp53, [egfr * (1 - tp53)]))
        )
    means, errors = np.mean(found, axis=0), np.std(found, axis=0, ddof=1) / np.sqrt(50)
    assert abs(means[0] - 2.3) < 4 * errors[0] + 0.02
    assert abs(means[1] - 0.6) < 4 * errors[1] + 0.02


def test_confounders_have_the_strength_stated():
    ages, grades, odds = [], [], []
    for seed in range(30):
        spec = SimulationSpec(
            n=300,
            effects=("IDH1:none",),
            links=("IDH1 -> age d = -1", "IDH1 -> site OR = 4", "IDH1 -> grade d = 1.5"),
            seed=seed,
        )
        people = draw_people(spec)
        mutant = np.array([person.genotype["IDH1"] for person in people])
        age = np.array([person.age for person in people])
        grade = np.array([person.grade for person in people])
        late = np.array([person.scanner.site == "South" for person in people])
        ages.append(realised(age, mutant.astype(float)))
        grades.append(grade[mutant].mean() - grade[~mutant].mean())
        a, b, c, d = (np.sum(x & y) for x, y in ((late, mutant), (~late, mutant), (late, ~mutant), (~late, ~mutant)))
        odds.append(np.log(a * d / (b * c)))
    assert np.mean(ages) == pytest.approx(-1, abs=0.08)
    assert np.mean(grades) > 0.5
    assert np.exp(np.mean(odds)) == pytest.approx(4, rel=0.15)


def test_every_preset_draws_its_people():
    for name in presets():
        spec = preset(name, seed=2)
        people = draw_people(spec)
        assert len(people) == spec.n
        assert set(people[0].latent) == set(spec.traits)
