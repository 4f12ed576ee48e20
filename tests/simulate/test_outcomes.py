"""Later scans, plasma and outcomes of one patient tell one story."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from genoxel.simulate import Course, Imaging, Omics, SimulationSpec, read_truth, simulate
from genoxel.simulate.molecular import _ctdna
from genoxel.simulate.outcomes import draw_outcomes, followed
from genoxel.simulate.plan import draw_people
from genoxel.simulate.tables import draw_calls
from genoxel.simulate.visits import RESCAN, visits

MANY = SimulationSpec(
    n=400,
    effects=("EGFR:none",),
    course=Course(points=8, interval_days=112),
    omics=Omics(files=("outcome", "ctdna")),
    seed=6,
)


def test_nobody_is_scanned_after_the_last_day_followed():
    people = followed(MANY, draw_people(MANY))
    days = draw_outcomes(MANY, people).days
    last = np.array([visits(MANY, person)[-1].days for person in people])
    assert (last <= days).all()
    complete = last == 7 * 112
    assert (days[~complete] - last[~complete] < 112).all()  # and until then at every date
    assert 0.2 < complete.mean() < 0.9


def test_who_responds_has_that_course_and_shares_stay_as_stated():
    spec = replace(MANY, course=Course(points=2, patterns={"response": 0.65, "growth": 0.25, "stable": 0.1}))
    people = followed(spec, draw_people(spec))
    patterns = np.array([visits(spec, person)[0].pattern for person in people])
    responds = draw_outcomes(spec, people).response == 1
    assert ((patterns == "response") == responds).all()
    assert np.mean(responds) == pytest.approx(0.65, abs=4 * np.sqrt(0.65 * 0.35 / 400))
    assert np.mean(patterns[~responds] == "growth") == pytest.approx(25 / 35, abs=4 * np.sqrt(0.2 / 140))


@pytest.mark.parametrize(
    "changes", [{"course": Course()}, {"omics": Omics()}, {"course": Course(points=2, patterns={"response": 1.0})}]
)
def test_where_one_of_the_two_is_not_there_nothing_is_tied(changes):
    spec = replace(MANY, **changes)
    people = followed(spec, draw_people(spec))
    assert all(person.responds is None for person in people)
    assert {person.ends is None for person in people} == {spec.course.points == 1 or not spec.omics.files}
    assert 0.3 < draw_outcomes(spec, people).response.mean() < 0.5


def test_a_clone_that_resists_is_in_the_volume_and_in_the_plasma(tmp_path):
    spec = replace(MANY, n=60, prevalence={"EGFR": 0.9}, unknown=0.0, course=Course(points=4, patterns={"response": 1}))
    people = draw_people(spec)
    told = _ctdna(spec, people, draw_calls(spec, people), tmp_path)
    plain = replace(spec, omics=Omics())
    grown = {
        person.name: visits(spec, person)[-1].volume > 2 * visits(plain, person)[-1].volume
        for person in people
        if person.name in told
    }
    assert grown == {name: one["resistant"] for name, one in told.items()}
    assert 0.2 < np.mean(list(grown.values())) < 0.6


def test_lesions_beside_the_main_one_shed_as_well(tmp_path):
    """By hand: a further lesion as large as the main one doubles the share while both live."""
    spec = replace(MANY, n=40, unknown=0.0, course=Course(points=2, lesions=2, patterns={"stable": 1.0}))
    people = draw_people(spec)
    calls = draw_calls(spec, people)
    written = []
    for person in people:
        ml = 4 / 3 * np.pi * person.physical("mr")["size"] ** 3 / 1000
        scans = [{"lesions": [{"ml": ml, "volume": 1.0}]}] * 2
        written.append(SimpleNamespace(name=person.name, visits=scans))
    tables = []
    for drawn in ([], written):
        _ctdna(spec, people, calls, tmp_path, drawn)
        tables.append(pd.read_csv(tmp_path / "ctdna.tsv", sep="\t")["mutant_reads"])
    assert tables[1].sum() / tables[0].sum() == pytest.approx(2, rel=0.03)


def test_the_truth_tells_each_scan_that_was_made(tmp_path):
    spec = SimulationSpec(
        n=8,
        effects=("EGFR:none",),
        prevalence={"EGFR": 0.5},
        shape=(48, 48, 12),
        imaging=Imaging(rescan=True),
        course=Course(points=3, interval_days=365),
        omics=Omics(files=("outcome", "ctdna")),
        unknown=0.0,
        seed=1,
    )
    folder = simulate(spec, tmp_path / "c")
    outcome = pd.read_csv(folder / "outcome.csv").set_index("patient")
    plasma = pd.read_csv(folder / "ctdna.tsv", sep="\t")
    counts = set()
    for name, told in read_truth(folder)["delivered"].items():
        days = [visit["days"] for visit in told["visits"] if visit["visit"] != "rescan"]
        assert days == [day for day in (0, 365, 730) if day <= outcome.loc[name, "days"]]
        homes = {path.name for path in (folder / "dicom" / name).glob("visit*")}
        assert homes == {visit["visit"] for visit in told["visits"]} - {"first", "rescan"}
        assert set(plasma[plasma["patient"] == name]["day"]) <= set(days)
        counts.add(len(days))
    assert len(counts) > 1
    assert RESCAN not in counts
