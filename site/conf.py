"""Sphinx' settings for the site and the book; `build.py` lays out their sources."""

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
    """What a cell of a notebook prints beside a picture is said in its place where it is not seen."""
    for cell in doctree.findall(nodes.container):
        if "cell_output" in cell["classes"]:
            said = " ".join(text.astext() for text in cell.findall(nodes.literal_block))
            for picture in cell.findall(nodes.image):
                picture["alt"] = " ".join(said.split()) or "The picture that this cell draws"


def setup(app):
    """Docstrings before napoleon reads them, at 500."""
    app.connect("autodoc-process-docstring", written_plainly, priority=400)
    app.connect("doctree-read", described)
