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
