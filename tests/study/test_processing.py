"""Stages on whole images in a study: registration, landmarks, what looks odd, and the record that replays."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from genoxel.core.errors import InputError
from genoxel.core.image import Image, Step
from genoxel.image.orientation import fingerprint
from genoxel.image.qc import image_quality, mask_quality
from genoxel.image.replay import replay
from genoxel.image.settings import ImageSettings
from genoxel.io import plainjson
from genoxel.io.images import read_image
from genoxel.io.inventory import inventory
from genoxel.segment.settings import ContourSettings
from genoxel.simulate import SimulationSpec, phantom
from genoxel.simulate.faults import plant
from genoxel.study.check import check
from genoxel.study.engine import Result
from genoxel.study.pack import unpack
from genoxel.study.plan import fits
from genoxel.study.run import run
from genoxel.study.steps.image import ImageWork, Planned, cards_of, prepare_patient
from genoxel.study.steps.volumes import image_of
from genoxel.study.study import Study
from genoxel.study.suspicions import beside_others, contour_suspicions, image_suspicions, suspicions

STAGES = ("[image]\n", '[image]\ndenoise = "median"\nclip = { percentiles = [0.5, 99.5] }\n')
TWO = ('modality = "T1CE"', 'modalities = ["T1CE", "FLAIR"]')


def one_patient(hospital, settings: ImageSettings, labels: tuple[str, ...] = ("T1CE", "FLAIR")) -> ImageWork:
    found = inventory(hospital / "dicom")
    patient = next(who for who in found.patients if any(one.patient == who for one in found.structures))
    chosen = [next(one for one in found.series_of(patient) if fits(one, label)) for label in labels]
    planned = [
        Planned(label, one, tuple(drawn for drawn, _ in found.structures_on(one)) if place == 0 else ())
        for place, (label, one) in enumerate(zip(labels, chosen, strict=True))
    ]
    return ImageWork(patient, tuple(planned), ContourSettings(roi=("GTV*", "Tumo*r*"), never=("*PTV*",)), settings)


def test_a_run_writes_the_record_of_every_cut_out_and_it_replays_from_the_files(make_study):
    folder = make_study("record", STAGES, brief=True, own=True)
    run(Study.read(folder), workers=1)
    record = plainjson.load_file(folder / "results" / "processing.json")
    found = inventory(folder / "hospital" / "dicom")
    patient = sorted(record)[0]
    (told,) = [one for one in record[patient] if one["series"] == "T1CE"]
    history = tuple(Step(one["step"], {k: v for k, v in one.items() if k != "step"}) for one in told["image"])
    assert [step.name for step in history][-4:] == ["denoise", "clip", "zscore", "crop"]
    raw = read_image(next(one for one in found.series_of(patient) if fits(one, "T1CE")))
    again = replay(history, raw)
    stored = [unpack(path.read_bytes()) for path in (folder / ".genoxel").rglob("*.zip")]
    arrays, facts, _ = next(one for one in stored if isinstance(one[1], dict) and one[1].get("patient") == patient)
    assert facts["volumes"][0]["label"] == "T1CE"
    assert again.values().tobytes() == arrays["0.image"].tobytes()
    assert image_of(arrays["0.image"], facts["volumes"][0]["image"]).history == again.history


def test_one_contour_serves_every_registered_series(hospital):
    settings = ImageSettings.model_validate({"register": {"to": "T1CE", "refuse_mm": 20}})
    arrays, facts, _ = unpack(prepare_patient(one_patient(hospital, settings)))
    assert [one["label"] for one in facts["volumes"]] == ["T1CE", "FLAIR"]
    np.testing.assert_array_equal(arrays["0.mask"], arrays["1.mask"])
    assert arrays["1.image"].shape == arrays["0.image"].shape
    steps = [name for name, _ in facts["volumes"][1]["image"]["history"]]
    assert steps[-2:] == ["register", "crop"]
    quality = facts["quality"][1]["registration"]
    assert quality["shift_mm"] < 10  # both series of the simulated patient lie in one place
    assert {"similarity", "disagreement_mm", "overlap"} <= set(quality)


def test_a_study_that_registers_needs_the_series_it_registers_to(make_study):
    folder = make_study("register", TWO, ("[image]\n", '[image]\nregister = "T2"\n'), brief=True)
    problems = check(Study.read(folder), workers=1).problems
    assert any(one.where == "image.register.to" and "T2" in one.got for one in problems)


def test_landmarks_are_learned_on_others_and_never_on_those_who_take_part(make_study, tmp_path):
    own = 'normalise = { method = "nyul", within = "body", reference = "hospital/dicom" }'
    normal = 'normalise = { method = "zscore", within = "body" }'
    folder = make_study("leak", (normal, own), brief=True, own=True)
    with pytest.raises(InputError, match="patients who take part"):
        run(Study.read(folder), workers=1)
    from genoxel.simulate import simulate

    simulate(SimulationSpec(n=4, shape=(48, 48, 12), seed=77), tmp_path / "others")
    rename(tmp_path / "others" / "dicom")
    (folder / "reference").symlink_to(tmp_path / "others" / "dicom")
    text = (folder / "study.toml").read_text(encoding="utf-8").replace('hospital/dicom" }', 'reference" }')
    (folder / "study.toml").write_text(text, encoding="utf-8")
    result = run(Study.read(folder), workers=1)
    assert not result.failed
    record = plainjson.load_file(folder / "results" / "processing.json")
    steps = [step for one in record.values() for cut in one for step in cut["image"] if step["step"] == "nyul"]
    assert len(steps) == len(record)
    assert {step["images"] for step in steps} == {4}
    assert len({tuple(step["to"]) for step in steps}) == 1  # one scale for all, whoever takes part


def rename(folder) -> None:
    """Give the patients of a simulated folder other names, as those of another hospital have."""
    import pydicom

    for path in sorted(folder.rglob("*")):
        if path.is_file():
            data = pydicom.dcmread(path)
            data.PatientID = f"REF-{data.PatientID}"
            data.save_as(path)


def test_everyone_has_a_card_and_who_could_not_be_read_says_why(hospital, tmp_path):
    done = tmp_path / "one.zip"
    done.write_bytes(prepare_patient(one_patient(hospital, ImageSettings(), ("T1CE",))))
    cards, acquisition = cards_of(
        {"P1": Result("P1", path=done, sha256="0"), "P2": Result("P2", None, error="a truncated file")}
    )
    assert [card.patient for card in cards] == ["P1", "P2"]
    assert cards[1].flags == ("no picture: a truncated file",)
    assert cards[1].png == b""
    assert [patient for patient, _, _ in acquisition] == ["P1"]


def test_who_stands_out_from_the_others_is_named():
    spec = SimulationSpec(n=12, modality="ct", seed=5)
    images = {f"P{place}": phantom(spec, place) for place in range(12)}
    scans: dict[str, Image] = {name: one.images["CT"] for name, one in images.items()}
    rng = np.random.default_rng(0)
    scans["P3"] = plant(scans["P3"], images["P3"].tumour, "motion", 1, rng)[0]
    scans["P7"] = plant(scans["P7"], images["P7"].tumour, "orientation", 1, rng)[0]
    measures = {name: dataclasses.asdict(image_quality(image)) for name, image in scans.items()}
    flags = beside_others(measures, {name: fingerprint(image) for name, image in scans.items()})
    assert any("out of line" in flag for flag in flags["P3"])
    assert any("mirrored left-right" in flag for flag in flags["P7"])
    assert set(flags) == {"P3", "P7"}
    few = dict(list(measures.items())[:5])
    assert beside_others(few, {}) == {}


def test_faults_are_said_in_words():
    one = phantom(SimulationSpec(n=4, modality="ct", seed=9), 0)
    image, mask = one.images["CT"], one.tumour
    assert image_suspicions(image_quality(image), "HU") == []
    assert contour_suspicions(mask_quality(image, mask), []) == []
    rng = np.random.default_rng(1)
    words = {
        "motion": "motion?",
        "metal": "metal (",
        "mostly air": "mostly air",
        "whole image": "of the body",
        "flipped contour": "mirrored?",
        "stray voxels": "outside the largest",
        "cut by the edge": "touches the edge",
    }
    for fault, said in words.items():
        pair = plant(image, mask, fault, 2, rng)
        known = suspicions(*pair)
        flags = image_suspicions(image_quality(pair[0]), "HU") + known + contour_suspicions(mask_quality(*pair), known)
        assert any(said in flag for flag in flags), (fault, flags)
