"""The site: `sphinx-build -W --keep-going docs build/site` makes it, and needs no network."""

import sys
from pathlib import Path
from typing import Final

from sphinx.application import Sphinx

HERE: Final = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from generated import write_pages  # noqa: E402

import trialsim  # noqa: E402

project = "trialsim"
author = "the trialsim authors"
project_copyright = author
release = trialsim.__version__
exclude_patterns = [
    "generated/reference_values.md",
    "generated/methods_in_words.md",
]  # parts of pages
extensions = ["myst_nb", "sphinx.ext.autodoc", "numpydoc"]

myst_enable_extensions = ["deflist", "colon_fence"]
myst_heading_anchors = 4
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True

smartquotes_action = "q"  # two hyphens begin an option
default_role = "code"  # a name in backticks, as the docstrings have it
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 88
numpydoc_show_class_members = False

html_theme = "furo"
html_title = "trialsim"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False


def setup(app: Sphinx) -> None:
    """Write what is read off the package before the pages are read."""
    write_pages(HERE / "generated")
    app.connect("source-read", _place_what_no_list_names)
    app.connect("autodoc-process-docstring", _say_nothing_of_fields)


def _place_what_no_list_names(app: Sphinx, name: str, source: list[str]) -> None:
    """Put pages that the contents do not name at the end of the last list of questions."""
    if name != app.config.root_doc:
        return
    named = {*source[0].split(), name}
    others = [page.stem for page in sorted(HERE.glob("*.md")) if page.stem not in named]
    source[0] = source[0].replace("% other pages", "\n".join(others))


def _say_nothing_of_fields(
    app: Sphinx, what: str, name: str, described: object, options: object, lines: list[str]
) -> None:
    """Leave out what Python itself says of the fields of a named tuple, which is their place."""
    if lines and lines[0].startswith("Alias for field number"):
        lines.clear()
