"""Digital accelerators beside a comparison: described, kept in its folder, and put on a roofline when it is done."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from twin.config.load import load_baseline
from twin.config.resolved import resolved_toml
from twin.errors import TwinError
from twin.runs.plan import Descriptions, from_folder

if TYPE_CHECKING:
    from twin.results.result import RunResult
    from twin.runs.roofline import Load

BASELINES = "baselines"


def describe_baselines(names: Sequence[str], batch: int | None) -> dict[str, str]:
    """Return the resolved descriptions by name; raises TwinError for an unknown one, or a batch for none."""
    if batch is not None and not names:
        raise TwinError(
            f"--batch (= {batch}): is the batch of baselines; name one with --baseline, e.g. --baseline a100"
        )
    overrides = {} if batch is None else {"batch": str(batch)}
    loaded = [load_baseline(name, overrides) for name in dict.fromkeys(names)]
    return {one.model.name: resolved_toml(one) for one in loaded}


def rooflines(folder: Path, run: Path, samples: int) -> "list[RunResult]":
    """Return the baselines kept in a comparison's folder on the workload of one of its runs."""
    from twin.runs.roofline import roofline  # noqa: PLC0415 - pandas

    paths = sorted((folder / BASELINES).glob("*.toml"))
    if not paths:
        return []
    descriptions = Descriptions.of(from_folder(run))
    name, loads = descriptions.workload.model.name, list(_loads(descriptions))
    return [roofline(load_baseline(str(path)), name, loads, samples) for path in paths]


def _loads(descriptions: Descriptions) -> "Iterator[Load]":
    """Give what each layer of the workload asks of a digital accelerator."""
    from twin.runs.roofline import blocks_load, network_load  # noqa: PLC0415

    if descriptions.workload.model.kind == "timing-only":
        yield from blocks_load(descriptions.timing_only.network)
        return
    from twin.data import load  # noqa: PLC0415
    from twin.networks.network import Network  # noqa: PLC0415

    workload = descriptions.trained
    data = load(workload.data, workload.training.seed, workload.network.steps)
    yield from network_load(Network.from_config(workload.network, data.inputs.shape[1], len(data.symbols)))
