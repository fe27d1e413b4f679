"""Files of measured pulses in every form, sampled from a known device."""

import numpy as np

from twin.devices.forms.form import Wanted

LOW, HIGH, STEP, PULSES, CYCLES = 1.0, 11.0, 0.25, 120, 8  # microsiemens


def cycles(count=CYCLES, pulses=PULSES, seed=1):
    """Up and down traces of a soft-bounds device, (cycle, direction, state); each begins where the last one ended."""
    rng, g, found = np.random.default_rng(seed), LOW, []
    for _ in range(count):
        traces = []
        for up in (True, False):
            values = [g]
            for _ in range(pulses):
                step = STEP * ((HIGH - g) if up else (g - LOW)) / (HIGH - LOW) * (1 + 0.2 * rng.standard_normal())
                g = g + step if up else g - step
                values.append(g)
            traces.append(values)
        found.append(traces)
    return np.array(found)


def series(**keys):
    """One column: states after each pulse, up and down by turns."""
    return cycles(**keys)[:, :, 1:].ravel()


def table(rows, separator=",", comma=False):
    lines = [separator.join(cell if isinstance(cell, str) else f"{cell:.9g}" for cell in row) for row in rows]
    return "\n".join(line.replace(".", ",") if comma and k else line for k, line in enumerate(lines)) + "\n"


def crosssim():
    """Ramps of currents at 0.1 V, ragged."""
    found = {}
    for k, name in enumerate(("set", "reset")):
        ramps = [list(trace[: PULSES + 1 - 7 * n]) for n, trace in enumerate(cycles()[:, k] * 1e-7)]
        columns = [ramp + ["NaN" if n % 2 else "0"] * (PULSES + 1 - len(ramp)) for n, ramp in enumerate(ramps)]
        found[f"{name}.csv"] = table([[f"rmp{n + 1}" for n in range(CYCLES)], *zip(*columns, strict=True)])
    return found


def neurosim():
    return {
        f"{name}.tsv": table([["Time[ns]", "Conductance"], *((300 * n + n % 7, g) for n, g in enumerate(trace))], "\t")
        for name, trace in zip(("LTP", "LTD"), cycles(1, 400)[0], strict=True)
    }


def aihwkit():
    up, down = cycles(1, 400)[0]
    return {"traces.csv": "\ufeff" + table(zip(up, down, strict=True))}


def xbtorch():
    """Distributions of a Gaussian step at 99 conductances."""
    from scipy.stats import norm  # noqa: PLC0415

    g = np.linspace(LOW, HIGH, 99) * 1e-6
    found = {}
    for name, sign in (("up", 1), ("down", -1)):
        mean = sign * STEP * 1e-6 * ((HIGH * 1e-6 - g) if sign > 0 else (g - LOW * 1e-6)) / ((HIGH - LOW) * 1e-6)
        dg = np.linspace(-1.0, 1.0, 100) * 2 * STEP * 1e-6
        at_most = norm.cdf(dg[None, :], mean[:, None], 0.02e-6 + 0.2 * np.abs(mean)[:, None])
        found |= {f"{name}-g.txt": table([[x] for x in g]), f"{name}-dg.txt": table([[x] for x in dg])}
        found[f"{name}-p.txt"] = table(at_most, " ")
    return found


def keithley():
    """Header lines, semicolons, decimal commas; a pulse and two reads at 0.1 V by turns."""
    rows = []
    for traces in cycles():
        for sign, trace in zip((1.0, -1.2), traces, strict=True):
            for g in trace[1:]:
                rows += [(sign, 1e-4 * sign), (0.1, 1e-7 * g), (0.1, 1e-7 * g)]
    text = "Keithley 4200A;SN 1234\nOperator;NN\n\n"
    return {"log.csv": text + table(
        [["Time (s)", "AV (V)", "AI (A)"], *((0.01 * k, *row) for k, row in enumerate(rows))], ";", True)}  # fmt: skip


def log_of_pulses():
    """Voltage of the pulse, and resistance after it."""
    rows = [
        (v, 1e6 / g) for traces in cycles() for v, trace in zip((1.5, -1.5), traces, strict=True) for g in trace[1:]
    ]
    head = ["t [s]", "V [V]", "R [kOhm]"]
    return {"pulses.csv": table([head, *((k, v, r / 1e3) for k, (v, r) in enumerate(rows))])}


def log_of_devices():
    """Comment lines, semicolons, decimal commas; devices and cycles by columns."""
    rows = [
        [f"D{device}", f"{n + 1}", v, 100.0, 1e-6 * g]
        for device in (1, 2, 3)
        for n, traces in enumerate(cycles(4, seed=device) * (1 + 0.01 * device))
        for v, trace in zip((1.2, -1.4), traces, strict=True)
        for g in trace[1:]
    ]
    head = ["Device", "Cycle", "V_pulse (V)", "t_pulse (ns)", "G (S)"]
    return {"lab.csv": "# wafer W07\n# operator: mh\n" + table([head, *rows], ";", True)}


def long_table():
    return {"long.csv": table([["Pulse #", "G (nS)"], *((k + 1, 1e3 * g) for k, g in enumerate(series()))])}


def long_of_devices():
    rows = [
        (f"D{device}", n, name, 1e-7 * g)
        for device in (1, 2, 3)
        for n, traces in enumerate(cycles(seed=device))
        for name, trace in zip(("LTP", "LTD"), traces, strict=True)
        for g in trace
    ]
    return {"devices.csv": table([["Device", "Cycle", "Type", "Current (A)"], *rows])}


def wide_of_devices():
    columns = [series(seed=device) for device in (1, 2, 3)]
    head = ["Pulse number", "dev 1 (uS)", "dev 2 (uS)", "dev 3 (uS)"]
    return {"wide.csv": table([head, *((k, *row) for k, row in enumerate(zip(*columns, strict=True)))])}


def wide_of_cycles():
    columns = [cycle[:, 1:].ravel() for cycle in cycles()]
    head = [f"Cycle {k} (uS)" for k in range(CYCLES)]
    return {"cycles.csv": table([head, *zip(*columns, strict=True)])}


def written(folder, files):
    paths = []
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
        paths.append(folder / name)
    return paths


def twin_table(seed):
    rows = [
        (k, g, way)
        for traces in cycles(2, seed=seed)
        for way, trace in zip(("up", "down"), traces, strict=True)
        for k, g in enumerate(trace)
    ]
    return table([["pulse", "conductance (uS)", "direction"], *rows])


SEVERAL = {
    "twin": twin_table,
    "aihwkit": lambda seed: table(zip(*cycles(1, seed=seed)[0], strict=True)),
    "log": lambda seed: table(
        [["V (V)", "G (uS)"],
         *((v, g) for v, trace in zip((1, -1), cycles(1, seed=seed)[0], strict=True) for g in trace)]
    ),
    "wide-table": lambda seed: table([["a (uS)", "b (uS)"], *((g, 1.1 * g) for g in series(count=2, seed=seed))]),
    "long-table": lambda seed: table([["Pulse", "G (uS)"], *enumerate(series(count=2, seed=seed))]),
}  # fmt: skip


FILES = [
    (crosssim, "CrossSim", "16 ramps, currents at 0.1 V", 1e-6, Wanted()),
    (neurosim, "NeuroSim", "2 tables of 401 and 401 states", 1.0, Wanted()),
    (aihwkit, "aihwkit", "two traces of 401 rows, up first", 1.0, Wanted()),
    (xbtorch, "XBTorch", "99 conductances and 100 changes", 1e-6, Wanted()),
    (keithley, "log", "16 trains, reads at 0.1 V, up 1 V, down -1.2 V", 1e-6, Wanted()),
    (log_of_pulses, "log", "16 trains, from resistances, up 1.5 V, down -1.5 V", 1e-6, Wanted()),
    (log_of_devices, "log", "24 trains of 3 devices, conductances, up 1.2 V, down -1.4 V", 1e-6, Wanted()),
    (long_table, "long-table", "16 trains, directions by where the series turns", 1e-6, Wanted()),
    (long_of_devices, "long-table", "48 trains, directions by their column, currents at 0.1 V", 1e-6, Wanted(0.1)),
    (wide_of_devices, "wide-table", "3 columns of 3 devices, 48 trains", 1e-6, Wanted()),
    (wide_of_cycles, "wide-table", "8 columns of 1 device, 16 trains", 1e-6, Wanted()),
]
"""Maker, form, what is said of it, unit, and what the user says."""
