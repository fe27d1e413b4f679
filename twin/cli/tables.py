"""Rich tables of `twin show` and `twin list`."""

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from twin.config.chip import Chip
from twin.config.loaded import Loaded
from twin.config.presets import part_preset
from twin.config.resources import shipped
from twin.config.sources import STATUSES
from twin.descriptions.load import load_layout
from twin.runs.constants import description_rows, plain
from twin.runs.names import available

if TYPE_CHECKING:
    from twin.chip.floorplan import Floorplan

HINT = "twin show NAME KEY says what a key means."


def description_table(loaded: Loaded[Any]) -> Table:
    """Make the table that `twin show` prints; its caption explains the statuses."""
    with_sources = bool(loaded.sources)
    title = f"{loaded.label}: {vars(loaded.model)['description']}"
    table = Table(title=_literal(title), title_justify="left", caption=HINT, caption_justify="left")
    table.add_column("key", no_wrap=True)
    table.add_column("value", justify="right", overflow="fold")
    table.add_column("unit", no_wrap=True)
    if with_sources:
        table.add_column("status", no_wrap=True)
        table.add_column("source", overflow="fold")
        table.caption = f"{_statuses()}\n{HINT}"
    table.add_column("origin", no_wrap=True)
    for row in description_rows(loaded):
        if row.key in {"schema", "kind", "name", "description"}:
            continue
        extra = (row.status, row.source) if with_sources else ()
        value = Text(row.value, justify="left" if "\n" in row.value else "right")  # notes are prose
        table.add_row(_literal(row.key), value, *(_literal(cell) for cell in (row.unit, *extra, row.origin)))
    return table


def _statuses() -> str:
    return "; ".join(f"{status}: {meaning}" for status, meaning in STATUSES.items())


def _literal(text: str) -> str:
    """Keep rich from reading square brackets of a description as markup."""
    return text.replace("[", "\\[")


def area_table(chip: Chip) -> Table:
    """Make the table of silicon and leakage for one full array's worth of weights, by layout."""
    from twin.chip import ChipCosts
    from twin.mapping import map_layers

    table = Table(title=f"area of {chip.tile.rows} x {chip.tile.cols} weights", title_justify="left")
    table.add_column("layout", no_wrap=True)
    table.add_column("part", no_wrap=True)
    for name in ("count", "area (mm²)", "leakage (mW)"):
        table.add_column(name, justify="right")
    for layout in shipped("layout"):
        mapping = map_layers([(chip.tile.cols, chip.tile.rows)], load_layout(layout).model, chip)
        rows = ChipCosts(chip, mapping).area()
        for index, row in enumerate(rows):
            cells = (row.part, f"{row.count}", f"{row.area_m2 * 1e6:.4g}", f"{row.leakage_W * 1e3:.4g}")
            table.add_row(layout if index == 0 else "", *cells)
        total = sum(row.area_m2 for row in rows) * 1e6, sum(row.leakage_W for row in rows) * 1e3
        table.add_row("", "total", "", f"{total[0]:.4g}", f"{total[1]:.4g}", style="bold")
        table.add_section()
    return table


def floorplan_table(plan: "Floorplan") -> Table:
    """Make the table of tiles: place in mm, lines used, and the share of crosspoints in use."""
    frame = plan.table()
    table = Table(title=f"{len(frame)} tiles", title_justify="left")
    for name in ("tile", "chip", "node"):
        table.add_column(name, no_wrap=True)
    numbers = {"x_mm": "x (mm)", "y_mm": "y (mm)", "width_mm": "width (mm)", "height_mm": "height (mm)"}
    numbers |= {"rows_used": "rows used", "cols_used": "columns used"}
    for heading in (*numbers.values(), "utilisation (%)"):
        table.add_column(heading, justify="right")
    for row in frame.to_dict("records"):
        cells = [f"{row[name]:.4g}" for name in numbers]
        table.add_row(_literal(row["tile"]), str(row["chip"]), row["node"], *cells, f"{100 * row['utilisation']:.3g}")
    return table


def device_table(name: str) -> Group | None:
    """Make the table of a device preset between its title and its source; None where no preset has this name."""
    from twin.devices import describe, preset_names

    if name not in preset_names():
        return None
    preset = describe(name)
    table = Table()
    table.add_column("parameter", no_wrap=True)
    table.add_column("value", justify="right", overflow="fold")
    table.add_column("status", no_wrap=True)
    table.add_column("source", overflow="fold")
    for key, value in preset.parameters.items():
        table.add_row(key, *(_literal(cell) for cell in (plain(value), *preset.cited(key))))
    title = f"{name} (family {preset.family}, {preset.states:g} states)"
    return Group(Text(title, style="italic"), table, Text(f"{preset.source}\n{_statuses()}", style="dim italic"))


def part_table(name: str) -> Table | None:
    """Make the table of a part's preset, with the source of every value; None where no preset has this name."""
    preset = part_preset(name)
    if preset is None:
        return None
    table = Table(title=_literal(f"{name}: {preset.description}"), title_justify="left")
    table.add_column("key", no_wrap=True)
    table.add_column("value", justify="right")
    table.add_column("source", overflow="fold")
    for key, value in preset.values.items():
        table.add_row(key, plain(value), _literal(preset.sources[key]))
    return table


def available_table() -> Table:
    """Make the table that `twin list` prints."""
    table = Table(show_edge=False)
    table.add_column("kind", no_wrap=True)
    table.add_column("name", no_wrap=True)
    table.add_column("what it is", overflow="fold")
    for kind, names in available().items():
        for index, (name, text) in enumerate(names.items()):
            table.add_row(kind if index == 0 else "", name, _literal(text))
        table.add_section()
    return table
