from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from genoxel.app import cli
from genoxel.app.cli import app
from genoxel.app.console import PARTLY, REFUSED, STOPPED, Console

COMMANDS = (
    "init",
    "check",
    "run",
    "status",
    "report",
    "inventory",
    "deidentify",
    "forget",
    "simulate",
    "demo",
    "extract",
    "catalog",
    "ibsi",
    "selftest",
    "doctor",
)
HEAVY = ("numba", "sklearn", "pandas", "pydicom", "scipy", "matplotlib", "SimpleITK", "nibabel", "numpy")


def command(*arguments: object):
    """Run the command line in this process, as far as words, JSON and exit codes go."""
    done = CliRunner().invoke(app, [str(one) for one in arguments], prog_name="genoxel")
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def own_process(*arguments: object) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "genoxel", *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, timeout=240, check=False)


def test_help_lists_the_commands_in_the_order_of_a_study():
    said = command("--help").stdout
    places = [said.index(f" {name} ") for name in COMMANDS]
    assert places == sorted(places)
    assert "Exit codes" in said


def test_help_loads_nothing_heavy():
    code = (
        "import sys\nfrom genoxel.app.cli import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print('LOADED', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("LOADED []")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_takes_json_and_quiet(name):
    said = command(name, "--help").stdout
    assert "--json" in said
    assert "--quiet" in said


def test_version_also_of_the_module():
    assert command("--version").stdout.startswith("genoxel ")
    assert own_process("--version").stdout == command("--version").stdout


@pytest.mark.parametrize("words", [["nonsense"], ["run", "--worker"], ["init"], ["run", "-j", "0"]])
def test_wrong_usage_is_exit_code_2(words):
    assert command(*words).exit_code == 2


def test_a_missing_study_is_one_message_with_its_fix(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = command("run")
    assert done.exit_code == 1
    assert done.stderr.startswith("error: got no study file study.toml")
    assert "genoxel init" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Traceback" in command("run", "--debug").stderr


def test_errors_in_json_hold_every_problem(tmp_path):
    (tmp_path / "study.toml").write_text("[studdy]\n[image]\nbinss = 3\n")
    done = command("run", tmp_path, "--json")
    assert done.exit_code == 1
    content = json.loads(done.stdout)
    fixes = {problem["where"]: problem["fix"] for problem in content["problems"]}
    assert set(fixes) == {"studdy", "image.binss"}
    assert "did you mean 'study'" in fixes["studdy"]


def test_simulate_init_check_run_status_report_in_a_row(tmp_path, monkeypatch):
    home = tmp_path / "Jörg's cohort"
    assert command("simulate", home, "-n", 4, "--effect", "IDH1:none", "--modality", "ct", "-q").exit_code == 0
    listed = json.loads(command("inventory", home / "dicom", "--json").stdout)
    assert len(listed["patients"]) == 4
    monkeypatch.chdir(home)
    first = command("init", home / "dicom", home / "clinical.csv")
    assert first.exit_code == 0, first.stderr
    assert "Next: genoxel check" in first.stdout
    path = home / "study.toml"
    path.write_text(path.read_text().replace('set = "ibsi1"', 'families = ["morph", "stat"]'))
    checked = command("check", "-j", 1)
    assert checked.exit_code == 0, checked.stdout + checked.stderr
    assert "0 errors" in checked.stdout
    done = command("run", "--json", "-j", 1)
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["targets"][0]["verdict"] == "not testable"
    state = command("status")
    assert "done" in state.stdout
    assert json.loads(command("status", "--json").stdout)["last_run"]["state"] == "done"
    assert command("report").stdout.startswith("Report: ")
    assert command("run", "-q", "-j", 1).stdout == ""
    file = min((home / "dicom").rglob("IM*.dcm"))
    file.write_bytes(file.read_bytes()[:-2000])
    partly = command("run", "-q", "-j", 1)
    assert partly.exit_code == PARTLY
    assert "1 of 4 patients failed (exit code 3), listed in results/failed.csv" in partly.stdout
    path.write_text(path.read_text().replace("seed", "sead"))
    refused = command("check", "-q", "-j", 1)
    assert refused.exit_code == REFUSED
    assert "did you mean 'seed'" in refused.stdout


def test_demo_refuses_a_foreign_folder(tmp_path):
    (tmp_path / "letters.txt").write_text("mine")
    done = command("demo", tmp_path)
    assert done.exit_code == 1
    assert "something else" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["letters.txt"]


def test_simulate_acquires_what_an_effect_needs(tmp_path):
    options = ("-n", 4, "--effect", "EGFR:uptake:0.8", "--modality", "ct")
    done = command("simulate", tmp_path / "x", *options)
    assert done.exit_code == 1
    assert "--also pet" in done.stderr
    assert command("simulate", tmp_path / "x", *options, "--also", "pet", "-q").exit_code == 0
    assert (tmp_path / "x" / "dicom" / "SIM-001" / "2_PT").is_dir()


def test_simulate_refuses_what_cannot_be(tmp_path):
    done = command("simulate", tmp_path / "x", "--effect", "IDH1:textur:1")
    assert done.exit_code == 1
    assert "texture" in done.stderr
    assert not (tmp_path / "x").exists()


def test_simulated_series_of_several_volumes_leave_a_study_that_can_run(tmp_path, monkeypatch):
    """What needs an acquisition is refused without it; what init proposes is not refused by check."""
    monkeypatch.chdir(tmp_path)
    wanted = ("simulate", "c", "-n", 4, "--effect", "IDH1:adc:1.5", "-q")
    refused = command(*wanted)
    assert "acquire dwi as well: --also dwi" in " ".join(refused.stderr.split())
    assert command(*wanted, "--also", "dwi").exit_code == 0
    assert len(list((tmp_path / "c" / "dicom" / "SIM-001").glob("*_DWI/*.dcm"))) == 4 * 20
    said = command("init", "c/dicom", "c/clinical.xlsx").stdout
    assert "several volumes per series   DWI 4" in said
    assert "DWI" not in (tmp_path / "study.toml").read_text().split("modalities = ")[1].splitlines()[0]
    assert "will run  4 of 4" in " ".join(command("check").stdout.split("\n"))


def test_catalog_names_what_is_near():
    assert json.loads(command("catalog", "volume", "--json").stdout)["features"]
    assert "did you mean" in command("catalog", "jont_entropy").stderr


def test_doctor_says_what_is_bad_even_when_quiet(monkeypatch):
    from genoxel.study import doctor

    monkeypatch.setattr(doctor, "examine", lambda: doctor.Examination((doctor.Finding("disk", "full", False),), {}))
    assert command("doctor", "--quiet").stdout == "disk: full\n"
    assert command("doctor").exit_code == REFUSED
    assert json.loads(command("doctor", "--json").stdout)["ok"] is False


def test_demo_names_the_report_to_open(monkeypatch, tmp_path):
    from genoxel.study import demo
    from genoxel.study.result import Lost, RunResult

    ended = RunResult(tmp_path, tmp_path / "report.html", failed=(Lost("P1", "image", "got a hole"),), patients=2)
    monkeypatch.setattr(demo, "demo", lambda folder, **more: ended)
    done = command("demo", tmp_path, "-q")
    assert done.exit_code == PARTLY
    assert f"Open {tmp_path / 'report.html'}" in done.stdout


def test_ibsi_without_data_checks_the_digital_phantom(monkeypatch):
    from genoxel.study import ibsi

    found = ibsi.check_ibsi(None)
    monkeypatch.setattr(ibsi, "check_ibsi", lambda data: found)
    assert command("ibsi").exit_code == 0
    assert json.loads(command("ibsi", "--json").stdout)
    assert command("ibsi", "-q").stdout == ""


class OursError(RuntimeError):
    """A fault of ours."""


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (KeyboardInterrupt(), STOPPED, "Nothing is lost"),
        (OursError("boom"), REFUSED, "an unexpected OursError: boom"),
        (BrokenPipeError(), 0, ""),
    ],
)
def test_whatever_happens_ends_in_one_message_and_a_code(error, code, words, capsys):
    with pytest.raises(SystemExit) as ended, Console().guard():
        raise error
    assert ended.value.code == code
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said


def test_a_fault_of_ours_is_shown_whole_with_debug():
    with pytest.raises(OursError), Console(debug=True).guard():
        raise OursError("boom")


def test_json_holds_no_nan_no_paths_and_no_tuples(capsys):
    content = {"a": (1, float("nan")), "p": Path("x"), "n": np.float64(2.5), "deep": {1: {True, None}}}
    Console(as_json=True).give(content)
    found = json.loads(capsys.readouterr().out)
    assert found["a"] == [1, None]
    assert found["p"] == "x"
    assert found["n"] == 2.5
    assert set(found["deep"]["1"]) == {True, None}


def test_a_terminal_of_few_letters_gets_question_marks(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", stream)
    Console().say("Jörg – ok")
    assert stream.buffer.getvalue() == b"J?rg ? ok\n"


def test_main_is_the_command_line(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["genoxel", "--version"])
    with pytest.raises(SystemExit):
        cli.main()
    assert capsys.readouterr().out.startswith("genoxel ")
