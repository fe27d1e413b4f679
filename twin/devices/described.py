"""A fitted device as the TOML that ``preset = "measured"`` reads."""

from twin.devices.families import Candidate, parameters
from twin.devices.fit import DeviceFit
from twin.devices.forms.form import Reading
from twin.devices.registry import family_of
from twin.devices.trains import Trains
from twin.errors import counted


def description(name: str, trains: Trains, fitted: DeviceFit, reading: Reading, chosen: Candidate) -> str:
    """Write the device as TOML."""
    source = (
        f"twin device fit of {_plain(name)}: {counted(trains.devices, 'device')}, {trains.up.size} steps; "
        f"{chosen.name}, chi^2 a step {chosen.chi2:.3g}; rms residual of a step {fitted.residual:.3g} dw_min"
    )
    lines = [
        f"# weight -1 to 1 is {fitted.low.mean():.6g} to {fitted.high.mean():.6g} {reading.unit}".rstrip(),
        *(
            f"# {key.rpartition('_')[0]} = {value:.6g} {key.rpartition('_')[2]}"
            for key, value in reading.electricity.items()
        ),
        f'family = "{chosen.family}"',
        f'source = "{source}"',
    ]
    found = parameters(fitted, chosen)
    states = family_of(chosen.family).model_validate(found).states
    lines.append(f"states = {states:.6g}")
    for key, value in found.items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        lines.append(f"{key} = {text}")
    lines += [f"{key} = {value}" for key, value in electricity(fitted, reading).items()]
    return "\n".join(lines) + "\n"


def electricity(fitted: DeviceFit, reading: Reading) -> dict[str, str]:
    """Return what the files say of the device's electrical side, as TOML values; what they do not say is left out."""
    low, high = float(fitted.low.mean()), float(fitted.high.mean())
    known = reading.electricity
    found = {}
    if reading.unit == "S" and low > 0:
        found = {"mean_resistance": f'"{2 / (low + high):.6g} Ohm"', "on_off_ratio": f"{high / low:.6g}"}
    write = max((abs(known[key]) for key in ("up_voltage_V", "down_voltage_V") if key in known), default=None)
    read = known.get("read_voltage_V")
    if write is not None:
        found["write_voltage"] = f'"{write:.6g} V"'
    if read is not None and write is not None and abs(read) <= write:
        found["read_voltage"] = f'"{abs(read):.6g} V"'
    if "pulse_width_s" in known:
        found["pulse_time"] = f'"{known["pulse_width_s"]:.6g} s"'
    return found


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() and char not in '"\\' else "?" for char in text)
