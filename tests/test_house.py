"""The habits of the house that no linter knows: short functions, files that are one thing, cheap imports."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "src" / "genoxel").rglob("*.py"))
HEAVY = ("numba", "sklearn", "pandas", "scipy", "matplotlib", "pydicom", "SimpleITK", "nibabel", "highdicom")


def functions(path: Path) -> list[tuple[int, str]]:
    """Length of each function of a file, docstring not counted."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node, clean=False)
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            found.append((length - (docstring.count("\n") + 1 if docstring else 0), f"{path.name}:{node.name}"))
    return found


def test_ninety_five_percent_of_functions_are_under_forty_lines() -> None:
    lengths = [item for path in SOURCES if "_kernels" not in path.parts for item in functions(path)]
    long = sorted((item for item in lengths if item[0] >= 40), reverse=True)
    assert len(lengths) > 50
    assert len(long) <= 0.05 * len(lengths), long


def test_files_are_about_one_thing() -> None:
    long = {path.name: count for path in SOURCES if (count := len(path.read_text("utf-8").splitlines())) > 520}
    assert not long


def test_no_room_imports_another_by_string_or_the_package_root() -> None:
    by_string = re.compile(r"import_module\(\s*f?[\"']genoxel|__import__\(")
    root = re.compile(r"^\s*(import genoxel\s*$|from genoxel import )", re.MULTILINE)
    guilty = []
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        if path.name != "__init__.py" and (by_string.search(text) or root.search(text)):
            guilty.append(str(path.relative_to(ROOT)))
    assert not guilty


@pytest.mark.parametrize("statement", ["import genoxel", "import genoxel.app.cli"])
def test_import_is_cheap(statement: str) -> None:
    code = f"import sys; {statement}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_every_lazy_name_of_the_package_exists() -> None:
    code = "import genoxel as gx; [getattr(gx, name) for name in gx.__all__]; print('all here')"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "all here", done.stderr


def test_no_pickle_on_any_path() -> None:
    for path in SOURCES:
        names = {
            alias.name
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        assert not names & {"pickle", "joblib", "cloudpickle", "dill"}, path
