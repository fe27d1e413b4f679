"""`twin export`."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from twin.cli.export_aihwkit import aihwkit
from twin.errors import TwinError
from twin.files import check_outputs, check_suffix, slug

WEIGHTS = (".onnx", ".safetensors", ".npz")
RESULTS = (".xlsx", ".tfevents")


class _FolderOrCommand(TyperGroup):
    """A command that takes a folder; the name of another command in its place is that command."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Parse what follows the name, by the parameters of the command that it is for."""
        if args and args[0] in self.commands:
            return self.commands[args[0]].make_context(f"{info_name} {args[0]}", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)


export = typer.Typer(
    cls=_FolderOrCommand, invoke_without_command=True, context_settings={"allow_interspersed_args": True}
)
export.command()(aihwkit)


@export.callback()
def _export(
    folder: Annotated[
        Path,
        typer.Argument(
            help="The folder of a finished run, e.g. runs/NAME/runs/sgd-two-array; for tables and curves also that of "
            "a comparison."
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            help="The file: weights as .onnx, .safetensors or .npz, tables as .xlsx, curves for TensorBoard as "
            ".tfevents."
        ),
    ] = Path("trained.onnx"),
    into: Annotated[
        Path | None, typer.Option(help="The ONNX model that gets the weights (default: that of the workload).")
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="Weights that `twin extract` wrote, in place of the exact ones.")
    ] = None,
) -> None:
    """Write a run for other programs: its weights into an ONNX model or by name, its tables, or its learning curves."""
    check_suffix("--out", out, *WEIGHTS, *RESULTS)
    check_outputs({"--out": out}, {"--into": into, "--model": model}, folder)
    if out.suffix.lower() in WEIGHTS:
        from twin.runs.weights import write_weights

        write_weights(folder, out, into, model)
        written = [out]
    else:
        given = "--into" if into is not None else "--model" if model is not None else ""
        if given:
            raise TwinError(f"{given}: is of weights, and {out.suffix} has none; leave it out")
        written = _results(folder, out)
    for path in written:
        Console().print(str(path), soft_wrap=True, markup=False)


def _results(folder: Path, out: Path) -> list[Path]:
    """Write tables or curves; return the files: one, or for curves of a comparison one in a folder of each run."""
    from twin.report.write import load_runs

    runs, command = load_runs(folder)
    if out.suffix.lower() == ".xlsx":
        from twin.export.workbook import write_workbook

        write_workbook(runs, out, command)
        return [out]
    from twin.export.curves import write_curves

    paths = [out] if len(runs) == 1 else [out.parent / slug(run.name) / out.name for run in runs]
    check_outputs({f"--out of {run.name}": path for run, path in zip(runs, paths, strict=True)}, {}, folder)
    for run, path in zip(runs, paths, strict=True):
        write_curves(run, path)
    return paths
