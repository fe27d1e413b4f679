"""What lets pages stand as they are read in the repository, and new ones appear by themselves.

The line ``@others`` in a toctree of the index stands for all pages of this folder that no toctree of the index names.
A link to a folder or a page of the repository that is not in the site becomes its plain text, except that the readme is
the site's first page; one to any other file is a download.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from sphinx.addnodes import pending_xref

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

OTHERS = "@others"
REPOSITORY = {"README": "index", "CHANGELOG": "changelog", "CONTRIBUTING": "contributing"}


def others(index: str, folder: Path) -> list[str]:
    """Return the pages of a folder, without its folders, that the text of its index does not name on a line."""
    named = set(re.findall(r"^[\w./-]+$", index, re.MULTILINE)) | {"index"}
    return sorted({path.stem for path in folder.glob("*.md")} - named)


def _list_others(app: "Sphinx", docname: str, content: list[str]) -> None:
    if docname == "index":
        content[0] = content[0].replace(OTHERS, "\n".join(others(content[0], Path(app.srcdir))))


def _always_read(*_: object) -> list[str]:
    """Name the page to read again whether it changed or not: what it lists may have."""
    return ["index"]


def _stay_inside(app: "Sphinx", doctree: "nodes.document") -> None:
    here = Path(app.env.doc2path(app.env.docname)).parent
    for node in list(doctree.findall(pending_xref)):
        target = str(node.get("reftarget", ""))
        beyond = node.get("refdomain") == "doc" and Path(target).with_name(f"{Path(target).name}.md").is_file()
        if beyond and Path(target).parent == Path(app.srcdir).parent and Path(target).name in REPOSITORY:
            node["reftarget"] = REPOSITORY[Path(target).name]
        elif beyond or (node.get("reftype") == "myst" and target.startswith("..") and (here / target).is_dir()):
            node.replace_self(node.children)


def setup(app: "Sphinx") -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("env-get-outdated", _always_read)
    app.connect("source-read", _list_others)
    app.connect("doctree-read", _stay_inside)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
