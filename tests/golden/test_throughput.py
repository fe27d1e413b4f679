"""Which of SGD and TTv2 is faster on the 784-256-128-10 perceptron, as docs/validation/throughput.md explains."""

import pytest

SAMPLES = 120


def update(pulses):
    return {"desired_bl": pulses, "update_management": False, "update_bl_management": False}


def settings_of(algorithm, pulses, every=4):
    if algorithm == "sgd":
        return {"learning_rate": 0.05, "update": update(pulses)}
    return {"transfer_every": every, "transfer_lr": 1e4, "update": update(pulses)}


@pytest.fixture
def rate(ran):
    def measure(algorithm, layout, pulses, every=4, in_flight=4, **chip):
        own = {key.replace("__", "."): str(value) for key, value in chip.items()}
        settings = settings_of(algorithm, pulses, every)
        engine = ran(algorithm, layout, SAMPLES, settings, in_flight=in_flight, chip=own)
        table = engine.tables()["operations"]
        updates = table[table["kind"] == "update"]
        assert updates["pulses"].sum() == pulses * updates["count"].sum()
        return SAMPLES / engine.now_ps * 1e12

    return measure


@pytest.mark.parametrize("pulses", [1, 5, 10, 31])
def test_with_four_in_flight_ttv2_is_faster_than_strict_sgd(rate, pulses):
    sgd = rate("sgd", "two-array", pulses)
    assert rate("ttv2", "four-array", pulses) > 1.1 * sgd
    assert rate("ttv2", "three-array", pulses) > 1.1 * sgd


@pytest.mark.parametrize("pulses", [10, 31])
def test_four_arrays_win_where_updates_take_many_pulses(rate, pulses):
    fast = {"link__bandwidth": '"90 GB/s"'}  # at the 25.6 GB/s of the chip moves take half of it
    assert rate("ttv2", "four-array", pulses, **fast) > 1.1 * rate("ttv2", "three-array", pulses, **fast)
    assert rate("ttv2", "four-array", pulses) > rate("ttv2", "three-array", pulses)


@pytest.mark.parametrize("host", ['"6.4 GB/s"', '"64 GB/s"'])
def test_three_arrays_win_slightly_where_updates_take_one_pulse(rate, host):
    four, three = (rate("ttv2", layout, 1, host__bandwidth=host) for layout in ("four-array", "three-array"))
    assert four < three < 1.15 * four


def test_strict_sgd_gains_nothing_beyond_two_in_flight(rate):
    slow = {"host__bandwidth": '"6.4 GB/s"'}  # a second sample hides the host's input, of which 64 GB/s leave little
    one, two, four = (rate("sgd", "two-array", 1, in_flight=n, **slow) for n in (1, 2, 4))
    assert two > 1.3 * one
    assert four == pytest.approx(two, rel=0.01)


def test_ttv2_is_slower_than_sgd_when_every_sample_transfers(rate):
    assert rate("ttv2", "three-array", 1, every=1) < rate("sgd", "two-array", 1)
