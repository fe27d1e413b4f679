"""Quantities: strings with a unit in TOML, SI floats inside.

``"2 ns"`` becomes 2e-9. QuantiPhy reads the number and the prefix; the unit is checked here against the
dimension of the field. ``k`` is 1000 and ``Ki`` 1024; ``B`` is a byte and ``b`` a bit. A prefix in front of a
squared unit is squared with it, which QuantiPhy does not know: squared units are therefore known units.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema
from quantiphy import QuantiPhyError, Quantity

_FORM = re.compile(r"\s*([+-]?(?:\d+(?:_\d+)*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[+-]?(?:nan|inf))\s*(\S*)\s*", re.ASCII)
_SQUARED = {"nm^2": -18, "um^2": -12, "mm^2": -6, "cm^2": -4, "m^2": 0}
_PREFIXES = {
    -18: "a",
    -15: "f",
    -12: "p",
    -9: "n",
    -6: "u",
    -3: "m",
    0: "",
    3: "k",
    6: "M",
    9: "G",
    12: "T",
    15: "P",
}
_BINARY = {40: "Ti", 30: "Gi", 20: "Mi", 10: "Ki"}


class _Reading(Quantity):
    """QuantiPhy's reader with squared units kept whole."""


_Reading.set_prefs(known_units=" ".join([*_SQUARED, "K"]))


@dataclass(frozen=True)
class Dimension:
    """What a field measures, and which values of it are plausible.

    Attributes
    ----------
    name : str
        With its article, for messages: ``"a time"``.
    unit : str
        The SI unit of the stored float.
    example : str
        A legal value.
    low, high : float
        Plausible magnitudes in `unit`, both included; outside is refused as a slip of units.
    zero : bool
        Whether zero is allowed.
    also : mapping of str to float
        Further accepted units and their worth in `unit`.
    binary : bool
        Whether the prefixes Ki, Mi, Gi, Ti are accepted.
    """

    name: str
    unit: str
    example: str
    low: float
    high: float
    zero: bool = True
    also: Mapping[str, float] = field(default_factory=dict, hash=False)
    binary: bool = False

    def parse(self, value: object) -> float:
        """Read a quantity.

        Raises
        ------
        PydanticCustomError
            With the rule and the likely fix as its message.
        """
        if isinstance(value, bool) or not isinstance(value, str):
            raise _refusal(self._without_unit(value, str(value)))
        form = _FORM.fullmatch(value)
        if form is None:
            raise _refusal(f'must be {self.name}, e.g. "{self.example}"')
        number, suffix = form.groups()
        if not suffix:
            raise _refusal(self._without_unit(float(number), number))
        result = self._convert(number, suffix)
        self._check_magnitude(result)
        return result

    def _without_unit(self, value: object, text: str) -> str:
        """Say what a number lacks: with the example's unit, or as if it were SI where nobody would write that."""
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e18:
            meant = f"{text} {self._example_unit}"
            if self.low <= value <= self.high and not 1e-3 <= value < 1e5:
                meant = " ".join(self.pretty(float(value)))
            return f'needs a unit, e.g. "{meant}"'
        return f'must be {self.name}, e.g. "{self.example}"'

    @property
    def _example_unit(self) -> str:
        return self.example.split()[1]

    def _convert(self, number: str, suffix: str) -> float:
        try:
            reading = _Reading(f"{_without_exponent(number)} {suffix}", binary=self.binary)
        except QuantiPhyError as error:
            raise _refusal(f'must be {self.name}, e.g. "{self.example}"') from error
        if self.unit == "m^2" and reading.units in _SQUARED:
            return float(Decimal(repr(float(reading))).scaleb(_SQUARED[reading.units]))
        worth = 1.0 if reading.units == self.unit else self.also.get(reading.units)
        if worth is None or self.unit == "m^2":
            if reading.units == "":
                raise _refusal(f'needs a unit, e.g. "{number} {self._example_unit}"')
            fits = ", ".join(dict.fromkeys([self._example_unit, self.unit, *self.also]))
            raise _refusal(f"must be {self.name}; units that fit: {fits}")
        return float(reading) * worth

    def _check_magnitude(self, value: float) -> None:
        if not math.isfinite(value):
            raise _refusal("must be finite")
        if value < 0:
            raise _refusal("must not be negative")
        if value == 0 and not self.zero:
            raise _refusal("must be more than zero")
        if value != 0 and not self.low <= value <= self.high:
            low, high = (" ".join(self.pretty(bound)) for bound in (self.low, self.high))
            raise _refusal(f"is out of the plausible range {low} to {high}: is the prefix right?")

    def render(self, value: float) -> str:
        """Write a value so that `parse` gives back the same float."""
        for text in self._candidates(value):
            if self.parse(text) == value:
                return text
        return f"{value!r} {self.unit}"

    def _candidates(self, value: float) -> list[str]:
        """Write a value with the prefixes that suit it, the shortest first."""
        if value == 0:
            return [f"0 {self.unit}"]
        exact = Decimal(repr(value))
        if self.unit == "m^2":
            scaled = {unit: exact.scaleb(-power) for unit, power in _SQUARED.items() if unit not in ("nm^2", "cm^2")}
            best = next((unit for unit, number in scaled.items() if number < 100_000), "m^2")
            return [f"{_plain(scaled[best])} {best}"]
        power = min(max(3 * math.floor(exact.adjusted() / 3), -18), 15)
        found = [f"{_plain(exact.scaleb(-power))} {_PREFIXES[power]}{self.unit}"]
        if self.binary and value % 1024 == 0:  # 64 KiB, not 65.536 kB; but 512 GB/s, not 500000000 KiB/s
            power = next(power for power in _BINARY if value % 2**power == 0)
            found.append(f"{int(value) >> power} {_BINARY[power]}{self.unit}")
        return sorted(found, key=len)

    def pretty(self, value: float) -> tuple[str, str]:
        """Split a value for a table: the number with up to six digits, and its prefixed unit."""
        number, unit = self._candidates(value)[0].split()
        return f"{float(number):.6g}", unit

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.parse)

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        units = "|".join(re.escape(unit) for unit in [self.unit, *self.also])
        prefix = (
            "[numck]?" if self.unit == "m^2" else "([afpnumkKMGTPµμ]|[KMGT]i)?" if self.binary else "[afpnumkKMGTPµμ]?"
        )
        pattern = rf"^\s*\+?(\d[\d_]*\.?\d*|\.\d+)([eE][+-]?\d+)?\s*{prefix}({units})\s*$"
        return {
            "type": "string",
            "$comment": f"{self.name[0].upper()}{self.name[1:]}.",
            "pattern": pattern,
            "examples": [self.example],
        }


def _refusal(message: str) -> PydanticCustomError:
    return PydanticCustomError("quantity", "{message}", {"message": message})


def _without_exponent(number: str) -> str:
    """Write a number plainly, as QuantiPhy takes no prefix after an exponent."""
    if not math.isfinite(float(number)):
        raise _refusal("must be finite")
    if "e" not in number.lower():
        return number
    if not any(digit in "123456789" for digit in number.lower().split("e")[0]):
        return "0"
    if float(number) == 0 or abs(Decimal(number).adjusted()) > 60:
        raise _refusal("is out of any plausible range")
    return f"{Decimal(number):f}"


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


_BITS = {"b": 0.125, "bit": 0.125}
_OHM = {"ohm": 1.0, "Ω": 1.0, "\u2126": 1.0}

TIME = Dimension("a time", "s", "40 ns", 1e-12, 1e3)
REST = Dimension("a time", "s", "1 d", 1e-12, 1e10, zero=False, also={"h": 3600.0, "d": 86_400.0})
ENERGY = Dimension("an energy", "J", "1.2 pJ", 1e-21, 1e-3)
ENERGY_PER_OP = Dimension("an energy per FLOP", "J/FLOP", "0.75 pJ/FLOP", 1e-18, 1e-3, also={"J": 1.0})
ENERGY_PER_BIT = Dimension("an energy per bit", "J/bit", "0.25 pJ/bit", 1e-19, 1e-6, also={"J/b": 1.0, "J/B": 0.125})
POWER = Dimension("a power", "W", "70 mW", 1e-15, 1e6)
AREA = Dimension("an area", "m^2", "1500 um^2", 1e-18, 1.0)
BANDWIDTH = Dimension(
    "a bandwidth", "B/s", "51.2 GB/s", 1.0, 1e18, zero=False, also={"b/s": 0.125, "bit/s": 0.125}, binary=True
)
BYTES = Dimension("a size in bytes", "B", "4 B", 0.125, 1e18, zero=False, also=_BITS, binary=True)
RATE = Dimension("a sampling rate", "S/s", "1.2 GS/s", 1.0, 1e15, zero=False, also={"Hz": 1.0})
FLOP_RATE = Dimension(
    "a rate of floating-point operations", "FLOP/s", "700 GFLOP/s", 1.0, 1e21, zero=False, also={"FLOPS": 1.0}
)
VOLTAGE = Dimension("a voltage", "V", "1 V", 1e-6, 1e4)
LENGTH = Dimension("a length", "m", "400 nm", 1e-10, 0.01, zero=False)
TEMPERATURE = Dimension("a temperature", "K", "350 K", 1.0, 1e4, zero=False)
RESISTANCE = Dimension("a resistance", "Ohm", "24 MOhm", 1e-3, 1e15, zero=False, also=_OHM)

Time = Annotated[float, TIME]
Energy = Annotated[float, ENERGY]
EnergyPerOp = Annotated[float, ENERGY_PER_OP]
EnergyPerBit = Annotated[float, ENERGY_PER_BIT]
Power = Annotated[float, POWER]
Area = Annotated[float, AREA]
Bandwidth = Annotated[float, BANDWIDTH]
Bytes = Annotated[float, BYTES]
Rate = Annotated[float, RATE]
FlopRate = Annotated[float, FLOP_RATE]
Voltage = Annotated[float, VOLTAGE]
Length = Annotated[float, LENGTH]
Temperature = Annotated[float, TEMPERATURE]
Resistance = Annotated[float, RESISTANCE]
