"""Analog-to-digital converters: the regression over published ones of Andrulis and others (arXiv 2404.06553).

As in hwcomponents-adc: energy from resolution, rate and node, area from node, rate and energy; a fifth of the energy at
full rate is leakage.
"""

from math import ceil, exp, log, log2, log10

from twin.technology.table import NM, toml_table, within

LEAKAGE = 0.2
"""Share of the power at full rate that is leakage, assumption of hwcomponents-adc."""


def bits_of(steps: int) -> int:
    """Return the resolution that a number of steps takes: 9 bits for 510."""
    return ceil(log2(steps + 2))


def _total_pJ(bits: int, rate_Hz: float, node_m: float) -> float:
    """Return the energy of a conversion at full rate, leakage included."""
    table = toml_table("converter")
    within("resolution", bits, 4, len(table["fom_by_bits_dB"]) - 1, " bit")
    within("conversion rate", rate_Hz, 1e4, 1e10, " S/s")
    within("node", node_m / NM, 7, 130, " nm")
    fom = min(table["fom_intercept_dB"] + table["fom_ln_rate_dB"] * log(rate_Hz), table["fom_by_bits_dB"][bits])
    sndr = bits * 20 * log10(2) + 10 * log10(1.5)
    fit = table["energy_intercept"] + table["energy_ln_node"] * log(node_m / NM) + table["energy_ln_bits"] * log(bits)
    return float(exp(fit + table["energy_residual"]) / (2 * 10 ** ((fom - sndr) / 10)))


def conversion_energy_J(bits: int, rate_Hz: float, node_m: float) -> float:
    """Return the dynamic energy of a conversion."""
    return (1 - LEAKAGE) * _total_pJ(bits, rate_Hz, node_m) * 1e-12


def converter_leakage_W(bits: int, rate_Hz: float, node_m: float) -> float:
    """Return the leakage of a converter."""
    return LEAKAGE * _total_pJ(bits, rate_Hz, node_m) * 1e-12 * rate_Hz


def converter_area_m2(bits: int, rate_Hz: float, node_m: float) -> float:
    """Return the silicon of a converter."""
    area = toml_table("converter")["area"]
    energy = log(_total_pJ(bits, rate_Hz, node_m))
    exponent = area["intercept"] + area["ln_node"] * log(node_m / NM) + area["ln_rate"] * log(rate_Hz)
    return exp(exponent + area["ln_energy"] * energy) * 1e-12
