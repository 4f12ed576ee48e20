"""The demo's cohort was measured (how often its link is found); its people and pixels stay what they were then."""

from __future__ import annotations

import hashlib

import pytest

from genoxel.simulate import phantom, preset
from genoxel.simulate.plan import draw_people

PEOPLE = "751e996e1b0af3d160582490f586c6ca545bc2f664a44386d0882454d028c979"
PIXELS = {"T1": (362.85, 117.93), "T1CE": (280.41, 238.68), "T2": (244.65, 131.69), "FLAIR": (335.33, 258.17)}
"""Mean of the volume and SD in the tumour of the fourth patient, when the power was measured."""


def test_the_people_of_the_demo_are_those_whose_power_was_measured():
    lines = []
    for person in draw_people(preset("demo")):
        mutated = sorted(gene for gene, mutant in person.genotype.items() if mutant)
        latent = [round(value, 4) for value in person.latent.values()]
        facts = f"{person.scanner.site} {person.age} {person.sex} {person.grade} {person.day} {person.contour}"
        lines.append(f"{person.name} {facts} {person.profiled} {mutated} {latent}")
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == PEOPLE


def test_the_images_of_the_demo_are_those_whose_power_was_measured():
    one = phantom(preset("demo"), 3)
    assert one.tumour.count() == 843
    for name, (mean, spread) in PIXELS.items():
        values = one.images[name].values()
        assert values.mean() == pytest.approx(mean, abs=0.02)
        assert values[one.tumour.inside()].std() == pytest.approx(spread, abs=0.05)
