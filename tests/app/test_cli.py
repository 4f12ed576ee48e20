from __future__ import annotations

import json
import resource
import subprocess
import sys

import pytest

COMMANDS = (
    "init",
    "check",
    "run",
    "status",
    "report",
    "inventory",
    "simulate",
    "demo",
    "extract",
    "catalog",
    "ibsi",
    "doctor",
)
HEAVY = ("numba", "sklearn", "pandas", "pydicom", "scipy", "matplotlib", "SimpleITK", "nibabel", "numpy")


def command(*arguments: object, **more) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "genoxel", *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, timeout=240, check=False, **more)


def test_help_lists_the_commands_in_the_order_of_a_study():
    said = command("--help").stdout
    places = [said.index(f" {name} ") for name in COMMANDS]
    assert places == sorted(places)
    assert "Exit codes" in said


def test_help_is_quick_and_loads_nothing_heavy():
    code = (
        "import sys\nfrom genoxel.app.cli import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print('LOADED', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("LOADED []")
    spent = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command("--help")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(spent) <= 0.3


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_takes_json_and_quiet(name):
    said = command(name, "--help").stdout
    assert "--json" in said
    assert "--quiet" in said


def test_version():
    assert command("--version").stdout.startswith("genoxel ")


@pytest.mark.parametrize("words", [["nonsense"], ["run", "--worker"], ["init"], ["run", "-j", "0"]])
def test_wrong_usage_is_exit_code_2(words):
    assert command(*words).returncode == 2


def test_a_missing_study_is_one_message_with_its_fix(tmp_path):
    done = command("run", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("error: got no study file study.toml")
    assert "genoxel init" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Traceback" in command("run", "--debug", cwd=tmp_path).stderr


def test_errors_in_json_hold_every_problem(tmp_path):
    (tmp_path / "study.toml").write_text("[studdy]\n[image]\nbinss = 3\n")
    done = command("run", "--json", cwd=tmp_path)
    assert done.returncode == 1
    content = json.loads(done.stdout)
    fixes = {problem["where"]: problem["fix"] for problem in content["problems"]}
    assert set(fixes) == {"studdy", "image.binss"}
    assert "did you mean 'study'" in fixes["studdy"]


def test_simulate_init_check_run_status_report_in_a_row(tmp_path):
    home = tmp_path / "Jörg's cohort"
    assert command("simulate", home, "-n", 12, "--effect", "IDH1:none", "--modality", "ct", "-q").returncode == 0
    listed = json.loads(command("inventory", home / "dicom", "--json").stdout)
    assert len(listed["patients"]) == 12
    first = command("init", home / "dicom", home / "clinical.csv", cwd=home)
    assert first.returncode == 0, first.stderr
    assert "Next: genoxel check" in first.stdout
    checked = command("check", "-j", 2, cwd=home)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "0 errors" in checked.stdout
    done = command("run", "--json", "-j", 2, cwd=home)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["targets"][0]["verdict"] == "not testable"
    state = command("status", cwd=home)
    assert "done" in state.stdout
    assert json.loads(command("status", "--json", cwd=home).stdout)["last_run"]["state"] == "done"
    assert command("report", cwd=home).stdout.startswith("Report: ")
    assert command("run", "-q", cwd=home).stdout == ""


def test_demo_refuses_a_foreign_folder(tmp_path):
    (tmp_path / "letters.txt").write_text("mine")
    done = command("demo", tmp_path)
    assert done.returncode == 1
    assert "something else" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["letters.txt"]


def test_simulate_refuses_what_cannot_be(tmp_path):
    done = command("simulate", tmp_path / "x", "--effect", "IDH1:textur:1")
    assert done.returncode == 1
    assert "texture" in done.stderr
    assert not (tmp_path / "x").exists()


def test_catalog_and_doctor():
    assert json.loads(command("catalog", "volume", "--json").stdout)["features"]
    assert "did you mean" in command("catalog", "jont_entropy").stderr
    done = command("doctor")
    assert "kernels" in done.stdout
    assert done.returncode in (0, 1)
    assert json.loads(command("doctor", "--json").stdout)["versions"]["numpy"]
