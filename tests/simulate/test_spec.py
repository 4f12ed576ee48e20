"""What may be asked of the simulator, and how the impossible is refused."""

from __future__ import annotations

import copy
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genoxel.core.errors import SettingsError
from genoxel.simulate.presets import preset, presets
from genoxel.simulate.spec import Effect, Module, SimulationSpec
from genoxel.simulate.traits import TRAITS, smallest_lesion_mm3, traits_of


@pytest.mark.parametrize(
    ("text", "effect"),
    [
        ("IDH1:texture:1.6", Effect("IDH1", "texture", 1.6)),
        (" EGFR : size : -0.8 ", Effect("EGFR", "size", -0.8)),
        ("TP53:none", Effect("TP53")),
        ("NKX2-1:none", Effect("NKX2-1")),
    ],
)
def test_effect_in_one_line(text, effect):
    assert Effect.parse(text) == effect


@given(st.sampled_from(sorted(TRAITS)), st.floats(-6, 6).map(lambda d: round(d, 3)))
def test_effect_text_comes_back(trait, d):
    effect = Effect("IDH1", trait, d)
    assert Effect.parse(str(effect)) == effect


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("IDH1:textur:1.6", "did you mean 'texture'"),
        ("IDH1:textur", "did you mean 'texture'"),
        ("IDH1:texture", "GENE:trait:d"),
        ("IDH1", "GENE:trait:d"),
        ("IDH1:texture:big", "'big'"),
        ("IDH1:texture:nan", "-6 to 6"),
        ("IDH1:texture:60", "-6 to 6"),
        ("IDH1:none:1", "none"),
        ("ID H1:texture:1", "ID H1"),
        (":texture:1", "''"),
        ("IDH1:texture:1:2", "GENE:trait:d"),
    ],
)
def test_wrong_effects_are_named(text, said):
    with pytest.raises(SettingsError) as caught:
        Effect.parse(text)
    assert said in str(caught.value)


def test_module_lines():
    assert Module.parse("texture:0.7") == Module("texture", 0.7)
    assert str(Module.parse("texture:0.7")) == "texture:0.7"
    assert str(Module.parse("none")) == "none"
    for text in ("textur:0.5", "texture:1.2", "none:0.3", "texture:x"):
        with pytest.raises(SettingsError):
            Module.parse(text)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"n": 3}, "4 to 9999"),
        ({"n": 20.5}, "whole number"),
        ({"n": True}, "whole number"),
        ({"modality": "pet"}, "mr, ct"),
        ({"masks": "rtstrukt"}, "did you mean 'rtstruct'"),
        ({"sites": 0}, "1 to 4"),
        ({"sites": 9}, "1 to 4"),
        ({"unknown": 1.0}, "unknown"),
        ({"unknown": math.nan}, "unknown"),
        ({"seed": -1}, "seed"),
        ({"odd_names": 50}, "faulty contours"),
        ({"missing_contours": -1}, "faulty contours"),
        ({"prevalence": {"IDH1": 1.4}}, "above 0 and below 1"),
        ({"prevalence": {"IDH1": math.nan}}, "above 0 and below 1"),
        ({"prevalence": {"IDH1": 0.01}}, "at least 2 mutant"),
        ({"prevalence": {"IDH1": 0.99}}, "at least 2 mutant"),
        ({"prevalence": {"IDH2": 0.3}}, "did you mean 'IDH1'"),
        ({"prevalence": {"BRCA2": 0.3}}, "declare 'BRCA2:none'"),
        ({"effects": ("IDH1:oedema:1",), "modality": "ct"}, "'oedema' on ct"),
        ({"module": "oedema:0.5", "modality": "ct"}, "'oedema' on ct"),
        ({"effects": ("IDH1:size:1", "IDH1:size:2")}, "twice"),
        ({"effects": ("IDH1:size:1", "IDH1:none")}, "remove a line"),
        ({"shape": (20, 20, 8)}, "smallest lesion"),
        ({"shape": (80, 80, 4)}, "smallest lesion"),
        ({"shape": (80, 80)}, "three sizes"),
        ({"modality": "ct", "effects": (), "also": ("thick-2.5",)}, "112, 112, 45"),
        ({"modality": "ct", "effects": (), "also": ("thick-5-sharp",), "shape": (80, 80, 20)}, "80, 80, 23"),
        ({"shape": (5000, 5000, 500)}, "at most"),
        ({"prevalence": {"IDH1": 0.0}}, "above 0 and below 1"),
        ({"prevalence": {"IDH1": -0.2}}, "above 0 and below 1"),
        ({"effects": ("IDH1:spiculation:1",)}, "'spiculation' on mr"),
        ({"effects": ("IDH1:ktrans:1",)}, "acquire dce as well"),
        ({"effects": ("IDH1:spiculatio:1",), "modality": "ct"}, "did you mean 'spiculation'"),
        ({"also": ("dynamic-pe",)}, "did you mean 'dynamic-pet'"),
        ({"also": ("dynamic-pet",), "modality": "prostate"}, "'dynamic-pet'"),
        ({"modality": "ct", "effects": (), "shape": (60, 60, 20)}, "smallest lesion"),
        ({"modality": "breast", "effects": (), "shape": (40, 30, 12)}, "smallest lesion"),
        ({"modality": "prostate", "effects": (), "shape": (40, 40, 10)}, "smallest lesion"),
    ],
)
def test_the_impossible_is_refused_by_name(changes, said):
    with pytest.raises(SettingsError) as caught:
        SimulationSpec(**{"n": 40, "effects": ("IDH1:texture:1.6",), **changes})
    assert said in str(caught.value)


def test_a_spec_travels_and_describes_itself():
    spec = preset("demo", seed=5)
    assert copy.deepcopy(spec) == spec  # as a worker process receives it
    plain = spec.as_dict()
    assert plain["effects"][:2] == ["IDH1:texture:2.4", "TP53:none"]
    assert plain["prevalence"]["IDH1"] == 0.45
    assert plain["shape"] == [80, 80, 20]


def test_presets_are_legal_and_the_null_is_null():
    for name in presets():
        assert preset(name).n >= 30
    null = preset("null")
    assert all(effect.d == 0 for effect in null.planted)
    assert null.expression.r == 0
    with pytest.raises(SettingsError, match="did you mean 'demo'"):
        preset("dem")
    with pytest.raises(SettingsError, match="did you mean 'sites'"):
        preset("demo", site=2)


def test_physical_quantities_follow_the_latent_value():
    size = TRAITS["size"]
    assert size.physical(1.0, "mr") == pytest.approx(22.0 * math.exp(0.15))
    assert size.physical(9.0, "mr") == size.physical(3.0, "mr")
    assert TRAITS["oedema"].physical(1.0, "ct") == 0
    assert "oedema" not in traits_of("ct")
    assert smallest_lesion_mm3("mr") == pytest.approx(4 / 3 * math.pi * (22 * math.exp(-0.45)) ** 3)
