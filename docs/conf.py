"""The documentation site: `make docs` builds it into build/docs, with the network off."""

import os
import sys
from pathlib import Path

from twin import __version__

sys.path.insert(0, str(Path(__file__).parent / "_ext"))
BUILD = Path(__file__).parents[1] / "build"

# Examples run in a kernel with a profile of its own: nothing of the user's, no word on how the kernel is reached, and
# warnings as errors.
profile = BUILD / "ipython" / "profile_default"
profile.mkdir(parents=True, exist_ok=True)
(profile / "ipython_kernel_config.py").write_text(
    "c.IPKernelApp.log_level = 40\n"
    "c.InteractiveShellApp.exec_lines = [\n"
    "    'import warnings',\n"
    "    'warnings.simplefilter(\"error\")',\n"
    '    \'warnings.filterwarnings("ignore", category=PendingDeprecationWarning, module="ipykernel")\',\n'
    "]\n",
    encoding="utf-8",
)
os.environ["IPYTHONDIR"] = str(profile.parent)

project = "twin"
author = "the authors of twin"
version = release = __version__
html_title = f"twin {version}"
language = "en"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "formats", "pages"]
exclude_patterns = ["_ext"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
nb_execution_mode = "cache"
nb_execution_cache_path = str(BUILD / "jupyter-cache")
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_merge_streams = True

default_role = "py:obj"
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_show_copyright = False
html_theme_options = {"top_of_page_buttons": []}
pygments_style, pygments_dark_style = "friendly", "github-dark"
