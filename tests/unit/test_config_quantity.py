import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from twin.config import quantity
from twin.config.quantity import AREA, BANDWIDTH, BYTES, ENERGY, ENERGY_PER_BIT, FLOP_RATE, RATE, RESISTANCE, TIME

DIMENSIONS = [item for item in vars(quantity).values() if isinstance(item, quantity.Dimension)]


@pytest.mark.parametrize(
    ("dimension", "text", "value"),
    [
        (TIME, "40 ns", 40e-9),
        (TIME, "33.333ns", 33.333e-9),
        (TIME, "3 µs", 3e-6),
        (TIME, "0 s", 0.0),
        (AREA, "3000 um^2", 3000e-12),
        (AREA, "0.16 mm^2", 0.16e-6),
        (AREA, "2 m^2", None),
        (AREA, "1.5e3 um^2", 1500e-12),
        (TIME, "1e-1 ns", 0.1e-9),
        (TIME, "0e99 ns", 0.0),
        (BYTES, "1e0 KiB", 1024),
        (BYTES, "2 MiB", 2 * 1024**2),
        (BYTES, "2 MB", 2e6),
        (BYTES, "64 KiB", 65536),
        (BYTES, "8 b", 1.0),
        (BANDWIDTH, "90 GB/s", 90e9),
        (BANDWIDTH, "8 Gb/s", 1e9),
        (RATE, "1.2 GS/s", 1.2e9),
        (RATE, "1.2 GHz", 1.2e9),
        (FLOP_RATE, "700 GFLOP/s", 700e9),
        (RESISTANCE, "24 MOhm", 24e6),
        (RESISTANCE, "24 MΩ", 24e6),
        (ENERGY, "0.20833 fJ", 0.20833e-15),
        (ENERGY_PER_BIT, "0.242 pJ/bit", 0.242e-12),
        (ENERGY_PER_BIT, "8 pJ/B", 1e-12),
    ],
)
def test_a_quantity_is_read_in_si_units(dimension, text, value):
    if value is None:
        with pytest.raises(PydanticCustomError, match="plausible range"):
            dimension.parse(text)
    else:
        assert dimension.parse(text) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("dimension", "value", "rule"),
    [
        (ENERGY, 1.2, 'needs a unit, e.g. "1.2 pJ"'),
        (ENERGY, "1.2", 'needs a unit, e.g. "1.2 pJ"'),
        (TIME, "5 m", 'needs a unit, e.g. "5 ns"'),
        (TIME, 5, 'needs a unit, e.g. "5 ns"'),
        (TIME, 5e-08, 'needs a unit, e.g. "50 ns"'),
        (TIME, "0.00000005", 'needs a unit, e.g. "50 ns"'),
        (TIME, -5e-08, 'needs a unit, e.g. "-5e-08 ns"'),
        (RESISTANCE, "24e6", 'needs a unit, e.g. "24 MOhm"'),
        (RESISTANCE, 24, 'needs a unit, e.g. "24 MOhm"'),
        (quantity.LENGTH, 1.4e-8, 'needs a unit, e.g. "14 nm"'),
        (BANDWIDTH, 2.56e10, 'needs a unit, e.g. "25.6 GB/s"'),
        (BYTES, 1048576, 'needs a unit, e.g. "1 MiB"'),
        (AREA, "5", 'needs a unit, e.g. "5 um^2"'),
        (TIME, "5 pJ", "must be a time; units that fit: ns, s"),
        (TIME, "5 NS", "must be a time"),
        (AREA, "3000 um", "must be an area"),
        (AREA, "3000 um2", "must be an area"),
        (BYTES, "3 MiBB", "must be a size in bytes"),
        (TIME, "2 Kis", "must be a time"),
        (TIME, "-5 ns", "must not be negative"),
        (TIME, "nan s", "must be finite"),
        (TIME, "inf s", "must be finite"),
        (TIME, "1e999 s", "must be finite"),
        (TIME, "nan ns", "must be finite"),
        (TIME, "1e90 ns", "plausible range"),
        (TIME, "1e-99999 ns", "plausible range"),
        (AREA, "inf um^2", "must be finite"),
        (AREA, "nan um^2", "must be finite"),
        (TIME, "40 Ms", "plausible range 1 ps to 1 ks"),
        (TIME, "1e-15 s", "plausible range"),
        (BANDWIDTH, "0 B/s", "must be more than zero"),
        (TIME, True, 'must be a time, e.g. "40 ns"'),
        (TIME, [1], 'must be a time, e.g. "40 ns"'),
        (TIME, "forty ns", 'must be a time, e.g. "40 ns"'),
        (TIME, "x = 40 ns", 'must be a time, e.g. "40 ns"'),
        (TIME, "٤ ns", 'must be a time, e.g. "40 ns"'),
        (TIME, 10**400, 'must be a time, e.g. "40 ns"'),
        (TIME, math.nan, 'must be a time, e.g. "40 ns"'),
    ],
)
def test_a_refusal_states_the_rule_and_the_fix(dimension, value, rule):
    with pytest.raises(PydanticCustomError) as error:
        dimension.parse(value)
    assert rule in error.value.message()


@pytest.mark.parametrize("dimension", DIMENSIONS, ids=lambda item: item.name)
@given(data=st.data())
def test_a_rendered_quantity_reads_back_to_the_same_float(dimension, data):
    value = data.draw(st.floats(dimension.low, dimension.high, allow_subnormal=False))
    assert dimension.parse(dimension.render(value)) == value


@pytest.mark.parametrize("dimension", DIMENSIONS, ids=lambda item: item.name)
def test_every_example_is_legal_and_is_rendered_as_written(dimension):
    assert dimension.parse(dimension.render(dimension.parse(dimension.example))) == dimension.parse(dimension.example)


def test_round_numbers_keep_their_decimal_prefix_and_powers_of_two_their_binary_one():
    assert BYTES.pretty(65536.0) == ("64", "KiB")
    assert BYTES.pretty(512e9) == ("512", "GB")  # = 5e8 KiB
    assert BANDWIDTH.pretty(51.2e9) == ("51.2", "GB/s")  # = 5e7 KiB/s


@pytest.mark.parametrize("dimension", DIMENSIONS, ids=lambda item: item.name)
@given(text=st.text(max_size=20))
def test_any_text_is_read_or_refused(dimension, text):
    try:
        value = dimension.parse(text)
    except PydanticCustomError:
        return
    assert math.isfinite(value)
