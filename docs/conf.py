"""Sphinx settings: offline, MyST, warnings are errors."""

from genoxel._version import __version__

project = "Genoxel"
author = "The Genoxel developers"
release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "Genoxel"
html_static_path = ["_static"]
exclude_patterns = ["_build"]
autodoc_typehints = "description"
autodoc_class_signature = "separated"


def write_reference(*_: object) -> None:
    """Write the pages that the catalogue and the command line print about themselves."""
    from pathlib import Path

    from typer.main import get_command
    from typer.testing import CliRunner

    from genoxel.app.cli import app
    from genoxel.features.catalog import catalog

    folder = Path(__file__).parent / "reference"
    rows = ["# Features\n", "Every feature, as `genoxel catalog` prints it.\n"]
    rows += ["| family | feature | IBSI | unit | definition |", "|---|---|---|---|---|"]
    for one in catalog():
        definition = str(one.definition).replace("|", "\\|").replace("\n", " ")
        rows.append(f"| {one.family} | {one.name} | {one.code or 'not in IBSI'} | {one.unit} | {definition} |")
    (folder / "features.md").write_text("\n".join(rows) + "\n", encoding="utf-8")
    lines = ["# Commands\n", "Every command takes `--json` and `--quiet`.\n"]
    runner = CliRunner(env={"TERM": "dumb", "COLUMNS": "100", "NO_COLOR": "1"})
    for name in ["", *get_command(app).commands]:  # type: ignore[attr-defined]
        text = runner.invoke(app, [*name.split(), "--help"]).output.rstrip()
        lines += [f"## genoxel {name}".rstrip(), "", "```text", text.strip("\n"), "```", ""]
    (folder / "commands.md").write_text("\n".join(lines), encoding="utf-8")


def setup(app: object) -> None:
    """Register the generated pages."""
    app.connect("config-inited", write_reference)  # type: ignore[attr-defined]
