"""What must hold of every HTML page in a browser; each check returns what is wrong, so that a test can show it."""

import json
from pathlib import Path
from typing import Any

from browser_kit import Browser

WIDTHS = (400, 800, 1280, 1600)
CHECKS = Path(__file__).with_name("page_checks.js").read_text(encoding="utf-8")


def loaded(page: Browser, path: Path, width: int, *, dark: bool = False) -> list[str]:
    """Open a page; return what the console says and what was fetched beside the page."""
    page.open(path, width=width, dark=dark)
    return page.console + [address for address in page.requests if address != path.resolve().as_uri()]


def laid_out(page: Browser) -> list[str]:
    """Return what stands beyond the right edge, and texts that overlap."""
    wider, overlaps = _check(page, "[wider(), overlaps()]")
    return [f"too wide: {one}" for one in wider] + [f"overlap: {one}" for one in overlaps]


def sorts(page: Browser) -> tuple[int, list[str]]:
    """Press every button of every sortable table twice; return how often, and where the order was wrong."""
    found = _check(page, "sorting()")
    return found["pressed"], found["wrong"]


def _check(page: Browser, call: str) -> Any:
    return page.evaluate(f"(() => {{ {CHECKS}; return {call}; }})()")


def violations(page: Browser, axe: Path) -> list[str]:
    """Return the serious and critical violations that axe-core finds."""
    page.evaluate(axe.read_text(encoding="utf-8") + "; null")
    options = json.dumps({"resultTypes": ["violations"]})
    found: list[dict[str, Any]] = page.evaluate(f"axe.run(document, {options}).then((result) => result.violations)")
    return [
        f"{one['id']}: {node['html'][:160]} {node['failureSummary']}"
        for one in found
        if one["impact"] in {"serious", "critical"}
        for node in one["nodes"][:3]
    ]
