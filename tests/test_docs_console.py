"""Every `genoxel` command that the documentation shows in a console block runs, one folder per page.

A toml block whose first line is `# NAME.toml` is that file of the folder.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"^```toml\n(# ([\w-]+\.toml)\n.*?)^```", re.MULTILINE | re.DOTALL)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def commands(page: Path) -> list[str]:
    """The lines that a reader would type; `# not run: reason` at the end of a line exempts it, visibly."""
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    lines = [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]
    return [line for line in lines if "# not run:" not in line]


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=lambda page: page.stem)
def test_console_blocks_run(page: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONWARNINGS": "default"}
    for content, name in FILE.findall(page.read_text(encoding="utf-8")):
        (tmp_path / name).write_text(content, encoding="utf-8")
    for line in commands(page):
        words = shlex.split(line, comments=True)
        assert words[0] == "genoxel", f"{page.name}: only genoxel commands belong in console blocks: {line}"
        call = [sys.executable, "-m", "genoxel", *words[1:]]
        done = subprocess.run(call, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
