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


NAMES_PAGE = """# Names in PyRadiomics and MIRP, and IBSI codes

What every feature of the catalogue is called elsewhere, as `genoxel catalog --map` prints it. A note says where the
number of PyRadiomics differs from ours by definition; texture and histogram also differ by the bins, whose edges
PyRadiomics puts at multiples of the bin width, and resampled images by the grid, which it aligns at the corner.
`genoxel extract --pyradiomics params.yaml` gives its numbers under its names. The names of MIRP (2.7) are followed by
the aggregation (`_3d_avg`, `_3d_v_mrg`, `_2d_avg`, `_2d_s_mrg`, `_2.5d_d_mrg`, `_2.5d_v_mrg`; `_2d`, `_2.5d`, `_3d`
for zones and neighbourhoods). PyRadiomics' 2D shape ({flat}) is measured in its mode alone.
"""


def write_reference(*_: object) -> None:
    """Write the pages that the catalogue and the command line print about themselves."""
    from pathlib import Path

    from typer.main import get_command
    from typer.testing import CliRunner

    from genoxel.app.cli import app
    from genoxel.features._pyradiomics_names import SHAPE_2D
    from genoxel.features.catalog import catalog
    from genoxel.features.elsewhere import names

    folder = Path(__file__).parent / "reference"
    rows = ["# Features\n", "Every feature, as `genoxel catalog` prints it.\n"]
    rows += ["| family | feature | IBSI | standing | unit | definition |", "|---|---|---|---|---|---|"]
    for one in catalog():
        definition = str(one.definition).replace("|", "\\|").replace("\n", " ")
        rows.append(f"| {one.family} | {one.name} | {one.code} | {one.standing} | {one.unit} | {definition} |")
    (folder / "features.md").write_text("\n".join(rows) + "\n", encoding="utf-8")
    rows = [NAMES_PAGE.format(flat=", ".join(f"`original_shape2D_{name}`" for name in SHAPE_2D))]
    rows += ["| Genoxel | IBSI | standing | PyRadiomics | MIRP | note on PyRadiomics |", "|---|---|---|---|---|---|"]
    for two in names():
        cells = (f"`{two.ours}`", two.code, two.standing, two.pyradiomics, two.mirp, two.note)
        rows.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    (folder / "names.md").write_text("\n".join(rows) + "\n", encoding="utf-8")
    lines = ["# Commands\n", "Every command takes `--json` and `--quiet`.\n"]
    runner = CliRunner(env={"TERM": "dumb", "COLUMNS": "100", "NO_COLOR": "1"})
    for name in ["", *get_command(app).commands]:  # type: ignore[attr-defined]
        text = runner.invoke(app, [*name.split(), "--help"]).output.rstrip()
        lines += [f"## genoxel {name}".rstrip(), "", "```text", text.strip("\n"), "```", ""]
    (folder / "commands.md").write_text("\n".join(lines), encoding="utf-8")


def setup(app: object) -> None:
    """Register the generated pages."""
    app.connect("config-inited", write_reference)  # type: ignore[attr-defined]
