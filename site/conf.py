"""Sphinx' settings for the site and the book; `build.py` lays out their sources."""

import json
from pathlib import Path

from docutils import nodes
from rst import plain

project = "miniclip"
author = "The miniclip authors"
html_show_copyright = False
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["book.md"]

html_theme = "furo"
html_title = "miniclip"
html_css_files = ["site.css", "cards.css"]
html_js_files = ["site.js"]
html_show_search_summary = False  # for it a search has to fetch pages, which browsers forbid to files
html_copy_source = False
html_domain_indices = False

myst_enable_extensions = ["dollarmath"]
nb_execution_mode = "off"
nb_render_markdown_format = "gfm"
nb_merge_streams = True
nb_ipywidgets_js = {}  # they would come from another host
mathjax_path = "mathjax/tex-svg.js"
mathjax3_config = {"tex": {"packages": {"[-]": ["autoload", "require"]}}, "options": {"enableMenu": False}}

autodoc_member_order = "bysource"
autodoc_mock_imports = ["torch", "faiss"]
autodoc_inherit_docstrings = False
autodoc_use_type_comments = False
napoleon_google_docstring = False
napoleon_use_param = False  # or names and types would become links to whatever has that name
napoleon_use_rtype = False
toc_object_entries = False
viewcode_line_numbers = True


def written_plainly(app, what, name, obj, options, lines):
    """Docstrings are plain text."""
    lines[:] = plain("\n".join(lines)).splitlines()


def described(app, doctree):
    """A picture of a notebook is described by what stands beside it in the file, or by what its cell prints."""
    path = Path(app.env.doc2path(app.env.docname))
    if path.suffix != ".ipynb":
        return
    outputs = [output for cell in json.loads(path.read_text("utf-8"))["cells"] for output in cell.get("outputs", [])]
    words = [one["metadata"].get("image/png", {}).get("alt") for one in outputs if "image/png" in one.get("data", {})]
    cells = [cell for cell in doctree.findall(nodes.container) if "cell_output" in cell["classes"]]
    shown = [(picture, cell) for cell in cells for picture in cell.findall(nodes.image)]
    for (picture, cell), alt in zip(shown, words, strict=True):
        said = " ".join(text.astext() for text in cell.findall(nodes.literal_block))
        picture["alt"] = alt or " ".join(said.split()) or "The picture that this cell draws"


def setup(app):
    """Docstrings before napoleon reads them, at 500."""
    app.connect("autodoc-process-docstring", written_plainly, priority=400)
    app.connect("doctree-read", described)
