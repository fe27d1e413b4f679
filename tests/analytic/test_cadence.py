"""When which lines are transferred, how many pulses cross at once, and noise of inputs: against closed forms."""

from fractions import Fraction
from math import ceil, floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import twin
from twin.algorithms.shd import SHDTable
from twin.algorithms.steps import LayerSteps
from twin.algorithms.ttv2 import TTv2Table
from twin.networks.layers import Conv, Dense, Windows
from twin.operation import Counts, Opcode

N_IN, N_OUT = 8, 6
W = np.random.default_rng(5).uniform(-0.5, 0.5, (N_OUT, N_IN)).astype(np.float32)
QUIET = dict.fromkeys(("dw_min_dtod", "up_down_dtod", "dw_min_std", "w_max_dtod", "w_min_dtod"), 0.0)
SYMMETRIC = {"device": "symmetric-1200", "device_overrides": {"dw_min": 0.01} | QUIET}


def made_of(rig, algorithm, chip=None, **settings):
    options = SYMMETRIC if algorithm == "ttv2" else {}
    rows = {"transfer_axis": "row"} if algorithm != "sgd" else {}
    made = rig(
        algorithm, layers=((N_OUT, "identity", False),), n_inputs=N_IN, chip=chip, settings=rows | settings, **options
    )
    made.machine.set_weights(0, "W" if algorithm == "sgd" else "A", W)
    return made


# -- when, and which lines -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["shd", "ttv2"])
@pytest.mark.parametrize(("every", "reads"), [(1, 1), (3, 2), (2.5, 1), (0.5, 1), (1.5, 4)])
def test_the_lines_of_a_are_read_in_their_order_when_they_are_due(rig, algorithm, every, reads):
    made = made_of(rig, algorithm, transfer_every=every, n_reads_per_transfer=reads)
    a = made.machine.weights(0, "A")
    before = 0
    for sample in range(20):
        program, _ = made.encoder.encode(sample, sample + 1)
        lines = []
        for at in np.flatnonzero(program["opcode"] == int(Opcode.READ_OUT)).tolist():
            made.machine.execute(program[at : at + 1], np.zeros((1, len(Counts))))
            lines.append(int(np.argmin(np.abs(a - made.vector("v")).sum(axis=1))))
        due = reads * floor((sample + 1) / every)
        assert lines == [number % N_OUT for number in range(before, due)]
        before = due
    assert before > 0


@given(
    every=st.fractions(Fraction(1, 5), 40, max_denominator=9),
    reads=st.integers(1, 3),
    uses=st.integers(1, 30),
    first=st.integers(0, 50),
)
def test_runs_of_uses_end_where_transfers_are_due(every, reads, uses, first):
    layer = LayerSteps(
        Dense(0, 4, 4, False, "identity", uses), None, every.numerator, events=every.denominator, n_reads=reads
    )
    for sample in range(first, first + 3):
        ends = [sample * uses + run.first + run.uses for run in layer.runs(sample)]
        due = [u + 1 for u in range(sample * uses, (sample + 1) * uses) if (u + 1) // every > u // every]
        assert sorted({*due, (sample + 1) * uses}) == ends
        read = [line.transfers(sample) for run in layer.runs(sample) for line in run.reads(sample)]
        assert read == list(range(*layer.transfers_of(sample)))


@pytest.mark.parametrize(("every", "batch"), [(1, 1), (2, 10), (0.25, 10), (0.3, 7)])
def test_mini_batches_count_all_updates_of_a_layer(every, batch):
    settings = SHDTable(transfer_every=every, units_in_mbatch=True).settings()
    windows = Windows((3, 3), (1, 1), (0, 0, 0, 0), (1, 1))
    conv = Conv(0, 8, 8, 1, 4, False, "relu", windows)
    assert conv.uses == 36
    for layer in (Dense(0, 4, 4, False, "identity"), conv):
        assert settings.cadence(layer, batch) == (ceil(Fraction(repr(every)) * batch * layer.uses), 1)


def test_more_reads_a_transfer_are_as_many_more_operations_and_joules():
    def reads(n):
        overrides = {"algorithms.ttv2.n_reads_per_transfer": n}
        run = twin.simulate("digits-mlp", samples=40, epochs=1, overrides=overrides, progress=False)
        count = run.tables["operations"].groupby("kind")["count"].sum()
        return {"count": count, "energy_J": run.tables["energy"].groupby("kind")["energy_J"].sum()}

    once, thrice = reads(1), reads(3)
    for operation in ("read_out", "h_load", "filter", "h_store", "transfer"):
        assert thrice["count"][operation] == 3 * once["count"][operation] > 0
    assert thrice["count"]["update"] == once["count"]["update"]
    assert thrice["energy_J"]["filter"] == pytest.approx(3 * once["energy_J"]["filter"])
    assert thrice["energy_J"]["read_out"] > 2.5 * once["energy_J"]["read_out"]


@pytest.mark.parametrize("every", [0.0001, 3.14159])
def test_updates_between_transfers_are_a_fraction_of_few_parts(every):
    with pytest.raises(ValidationError, match="transfer_every"):
        TTv2Table(transfer_every=every)


# -- pulses of a crossing ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("most", "forget", "cap"), [(1, False, 0.0), (4, True, 0.0), (4, False, 0.0), (3, False, 0.5)])
def test_an_element_of_h_that_crosses_gives_a_pulse_for_every_whole_threshold(rig, most, forget, cap):
    made = made_of(
        rig,
        "ttv2",
        transfer_lr=9.0,
        momentum=0.2,
        forget_buffer=forget,
        buffer_cap=cap,
        transfer_update={"desired_bl": most},
    )
    h, c = np.zeros((N_OUT, N_IN)), made.machine.weights(0, "C").astype(float)
    several = 0
    for sample in range(8 * N_OUT):
        t = sample % N_OUT
        made.perform(Opcode.READ_OUT, sample=sample)
        made.perform(Opcode.FILTER, sample=sample)
        counts = made.perform(Opcode.PULSE, sample=sample)
        value = h[t] + 9.0 * W[t].astype(float)
        pulses = np.clip(np.trunc(value), -most, most)
        left = 0.2 * value if forget else value - 0.8 * pulses
        left = np.clip(left, -cap * most, cap * most) if cap else left
        h[t] = np.where(pulses != 0, left, value)
        c[t] += 0.01 * pulses
        size = np.abs(pulses)
        several += int((size > 1).sum())
        assert counts[Counts.PULSES] == counts[Counts.PART_PULSES] == size.max()
        assert counts[Counts.COINCIDENCES] == size.sum()
        assert counts[Counts.FIRED] == size.sum() + size.max()
    assert (several > 0) == (most > 1)
    np.testing.assert_allclose(made.machine.state(0, "h"), h, atol=2e-4)
    np.testing.assert_allclose(made.machine.weights(0, "C"), c, atol=1e-5)


def test_a_cap_without_memory_is_refused():
    with pytest.raises(ValidationError, match="needs forget_buffer = false"):
        TTv2Table(buffer_cap=2.0)


# -- noise of inputs -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["forward", "backward", "read-out"])
def test_noise_of_inputs_is_shared_by_all_lines_that_are_read(rig, way):
    sigma, samples = 0.2, 1500
    made = made_of(rig, "ttv2" if way == "read-out" else "sgd", {"tile.io.inp_noise": str(sigma)})
    x = np.random.default_rng(1).uniform(-1, 1, N_OUT if way == "backward" else N_IN).astype(np.float32)
    x[0] = 0.0  # at rest, and with noise all the same
    found = []
    for sample in range(samples):
        if way == "read-out":
            counts = made.perform(Opcode.READ_OUT, sample=sample * N_OUT)
            found.append(made.vector("v").copy())
            continue
        made.vector("x" if way == "forward" else "d")[:] = x
        counts = made.perform(Opcode.FORWARD if way == "forward" else Opcode.BACKWARD, sample=sample)
        found.append(made.vector("z" if way == "forward" else "e").copy())
    w = {"forward": W, "backward": W.T, "read-out": W.T}[way].astype(float)
    mean = w[:, 0] if way == "read-out" else w @ x
    top = 1.0 if way == "read-out" else np.abs(x).max()
    covariance = (sigma * top) ** 2 * w @ w.T
    error = np.array(found, float) - mean
    spread = np.sqrt(np.diag(covariance))
    assert np.abs(error.mean(axis=0) / spread).max() < 5 / np.sqrt(samples)
    normed = (error.T @ error / samples - covariance) / np.outer(spread, spread)
    assert np.abs(normed).max() < 5 * np.sqrt(2 / samples)
    assert counts[Counts.DRIVEN] == (1 if way == "read-out" else len(x) - 1)
