"""A drained engine as plain arrays, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from twin.errors import TwinError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.engine.scheduler import Scheduler

SCALARS = ("setup_ps", "setup_done", "index", "last_index", "critical_ps")
SUMS = ("n", "busy_ps", "wait_ps", "latency_ps", "counts", "served", "activations", "requested", "sent")


def save(engine: Scheduler) -> dict[str, NDArray[np.generic]]:
    """Copy the state of a drained engine."""
    if engine.under_way:
        raise ValueError(f"{engine.under_way} samples are in flight; only a drained engine can be saved")
    ledger, queues = engine.ledger, engine.ledger.queues
    ledger.flush(engine.now_ps)
    return {
        "now_ps": np.int64(engine.now_ps).reshape(1),
        "scalars": np.array([getattr(engine, name) for name in SCALARS], np.int64),
        "samples": np.array(engine.binder.samples, np.int64),
        "sojourn_ps": np.array(engine.sojourn_ps, np.int64),
        "serial_ps": np.int64(ledger.serial_ps).reshape(1),
        **{name: getattr(ledger, name).copy() for name in SUMS},
        "skipped_scalars": np.array([getattr(ledger.skipped, name) for name in ledger.skipped.SCALARS], np.int64),
        **{f"skipped_{name}": getattr(ledger.skipped, name).copy() for name in ledger.skipped.SUMS},
        **{f"sampling_{name}": array for name, array in engine.sampling.state().items()},
        "bin_width_ps": np.int64(ledger.bins.width_ps).reshape(1),
        "bin_energy_J": ledger.bins.energy_J.copy(),
        "bin_bytes": ledger.bins.n_bytes.copy(),
        **{f"queue_{name}": getattr(queues, name).copy() for name in queues.SUMS},
        **{f"opening_{name}": array for name, array in ledger.opening.state().items()},
        "staleness": engine.staleness.state(),
        **{f"stateful_{name}": array for name, array in _stateful(engine).items()},
        "recent": ledger.recent(),
        **({f"gating_{name}": array for name, array in ledger.gating.state().items()} if ledger.gating else {}),
    }


def _stateful(engine: Scheduler) -> dict[str, NDArray[np.int64]]:
    return engine.stateful.state() if engine.stateful is not None else {}


def load(engine: Scheduler, arrays: dict[str, NDArray[np.generic]]) -> None:
    """Give a new engine the state of another with the same program, chip and mapping."""
    values = {name: np.array(array) for name, array in arrays.items()}
    ledger, queues = engine.ledger, engine.ledger.queues
    if values["sojourn_ps"].size != len(engine.costs.servers):
        raise TwinError(
            f"checkpoint: {values['sojourn_ps'].size} servers, but the chip has "
            f"{len(engine.costs.servers)}; resume with the configuration the run started with"
        )
    for name, value in zip(SCALARS, values["scalars"].tolist(), strict=True):
        setattr(engine, name, value)
    if engine.setup_done:
        engine.binder.bind_setup()
    for sample in values["samples"].tolist():
        engine.binder.bind(sample)
    ledger.constants()
    if values["n"].size != ledger.n.size:
        raise TwinError(
            f"checkpoint: {values['n'].size} kinds of operation, but the program has {ledger.n.size}; "
            "resume with the configuration the run started with"
        )
    engine.sojourn_ps = values["sojourn_ps"].tolist()
    ledger.serial_ps = int(values["serial_ps"][0])
    for name in SUMS:
        setattr(ledger, name, values[name])
    for name, value in zip(ledger.skipped.SCALARS, values["skipped_scalars"].tolist(), strict=True):
        setattr(ledger.skipped, name, value)
    for name in ledger.skipped.SUMS:
        setattr(ledger.skipped, name, values[f"skipped_{name}"])
    engine.sampling.restore(values["sampling_windows"], values["sampling_scalars"])
    _restore_stateful(engine, values)
    ledger.bins.width_ps = int(values["bin_width_ps"][0])
    ledger.bins.energy_J, ledger.bins.n_bytes = values["bin_energy_J"], values["bin_bytes"]
    for name in queues.SUMS:
        setattr(queues, name, values[f"queue_{name}"])
    ledger.opening.restore(*(values[f"opening_{name}"] for name in ("visits", "samples", "scalars")))
    engine.staleness.restore(values["staleness"])
    now_ps = int(values["now_ps"][0])
    queues.settled_ps = now_ps
    ledger.restore_recent(values["recent"])
    engine.start_clock(now_ps)
    _restore_gating(engine, values)


def _restore_stateful(engine: Scheduler, values: dict[str, NDArray[np.generic]]) -> None:
    if engine.stateful is not None:
        own = _own("stateful_", values)
        engine.stateful.restore({name: np.asarray(array, np.int64) for name, array in own.items()})


def _restore_gating(engine: Scheduler, values: dict[str, NDArray[np.generic]]) -> None:
    gating = engine.ledger.gating
    if gating is not None:
        gating.restore(_own("gating_", values))
        engine.rest_since(gating.since_ps.tolist())


def _own(prefix: str, values: dict[str, NDArray[np.generic]]) -> dict[str, NDArray[np.generic]]:
    return {name.removeprefix(prefix): array for name, array in values.items() if name.startswith(prefix)}
