"""Options that commands have in common, each declared once: its type, its rule and its help."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Chip = Annotated[str, typer.Option("--chip", help="A chip of `twin list`, or a path to a TOML file.")]
Device = Annotated[str, typer.Option("--device", help="A device preset of `twin list` instead of the workload's.")]
Epochs = Annotated[int | None, typer.Option("--epochs", min=1, help="Epochs instead of the workload's.")]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="Seed instead of the workload's.")]
Samples = Annotated[int | None, typer.Option("--samples", min=0, help="At most so many training samples; 0: all.")]
InFlight = Annotated[int | None, typer.Option("--in-flight", min=1, help="Samples under way at once.")]
Mode = Annotated[
    Literal["replayed", "coupled"],
    typer.Option("--mode", help="coupled: effects happen in event order; replayed: ahead of the engine, faster."),
]
Sampled = Annotated[
    bool | None,
    typer.Option("--sampled/--exact", help="Time windows of samples, or every one, whatever the workload says."),
]
Endurance = Annotated[bool, typer.Option("--endurance", help="Count the pulses of every device and report them.")]
Trace = Annotated[
    str,
    typer.Option(
        "--trace",
        metavar="FIRST:COUNT",
        help="Leave a Perfetto trace of COUNT samples from number FIRST on (extra `trace`).",
    ),
]
Events = Annotated[bool, typer.Option("--events", help="Leave every operation in events.parquet (extra `parquet`).")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Replace a value of the workload, or of the chip with `chip.KEY`."),
]
Out = Annotated[Path | None, typer.Option("--out", help="A new folder for the results (default: below runs/).")]
Baselines = Annotated[
    str, typer.Option("--baseline", help="Digital accelerators of `twin list` as rooflines, comma separated.")
]
Batch = Annotated[int | None, typer.Option("--batch", min=1, help="Samples a step of every baseline.")]
Jobs = Annotated[int, typer.Option("--jobs", "-j", min=1, max=1024, help="Processes; results do not depend on it.")]
