"""Do rates follow the schedules that PyTorch has, in epochs and in steps?"""

import numpy as np
import pytest
from graph_kit import description, engine_of, trained

from twin.descriptions.workload import Training
from twin.errors import TwinError
from twin.machine.replay import Coupled, Encoder, Replayed, perform
from twin.runs.build import check
from twin.runs.planning import plan_run

# torch 2.13: SequentialLR([LinearLR(0.25, total_iters=4), CosineAnnealingLR(8, eta_min=0.1)], [4]) on a rate of 1, and
# ChainedScheduler([LinearLR(0.1, total_iters=3), MultiStepLR([2, 5], 0.3)])
COSINE = [
    *(0.25, 0.4375, 0.625, 0.8125, 1.0, 0.9657457896300791, 0.8681980515339464, 0.7222075445642904),
    *(0.55, 0.37779245543570995, 0.23180194846605365, 0.13425421036992104),
]
STEPS = [0.1, 0.4, 0.21, 0.3, 0.3, 0.09, 0.09, 0.09, 0.09, 0.09]


def training(epochs=12, **more):
    return Training.model_validate({"epochs": epochs, "seed": 1} | more)


def factors(one, total):
    return [one.factor(at, total) for at in range(total)]


def test_a_cosine_behind_a_warm_up_is_pytorchs():
    schedule = {"kind": "cosine", "warmup": 4, "warmup_from": 0.25, "end": 0.1}
    np.testing.assert_allclose(factors(training(schedule=schedule), 12), COSINE, rtol=1e-12)


def test_steps_behind_a_warm_up_are_pytorchs():
    schedule = {"kind": "steps", "warmup": 3}
    one = training(epochs=10, schedule=schedule, decay_at=[0.2, 0.5], decay_factor=0.3)
    np.testing.assert_allclose(factors(one, 10), STEPS, rtol=1e-12)


def test_a_constant_rate_stays_and_may_warm_up():
    assert factors(training(schedule={"kind": "constant"}), 5) == [1.0] * 5
    assert factors(training(schedule={"kind": "constant", "warmup": 2}), 4) == [0.1, 0.55, 1.0, 1.0]


def test_without_a_schedule_rates_shrink_at_fractions():
    assert factors(training(decay_at=[0.25, 0.5], decay_factor=0.5), 8) == [1, 1, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25]


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"schedule": {"kind": "cosine"}, "decay_at": [0.5]}, 'must be empty for schedule.kind = "cosine"'),
        ({"schedule": {"kind": "steps"}}, 'must name at least one fraction for schedule.kind = "steps"'),
        ({"schedule": {"kind": "constant", "end": 0.5}}, 'belongs to kind = "cosine"'),
        ({"schedule": {"kind": "constant", "warmup_from": 0.5}}, "needs a warmup of at least 1"),
    ],
)
def test_what_does_not_fit_is_refused(given, rule):
    with pytest.raises(ValueError, match=rule):
        training(**given)


def test_a_warm_up_beyond_the_run_is_refused():
    values = {"training.schedule": '{ kind = "constant", warmup = 9 }', "training.epochs": "9", "data.samples": "5"}
    values |= {"training.decay_at": "[]"}
    with pytest.raises(TwinError, match=r"training.schedule.warmup \(= 9\): must be less than the 9 epochs"):
        check(plan_run("digits-mlp", "aimc-512", "digital", "digital", "replayed", values, {}))


LAYERS = [{"kind": "dense", "outputs": 4}, {"kind": "layer-norm"}, {"kind": "dense", "outputs": 3}]
RATES = [0.1, 0.5, 1.0, 0.7, 0.4, 0.2]


def built(**options):
    return trained(description(*LAYERS, loss="squared-error"), (5,), samples=6, **options)


def test_every_step_has_its_rate():
    made, by_hand = built(), built()
    made.ideal.encoder.rates = RATES.__getitem__
    step = 0
    while step < 6:
        step = perform(made.ideal.machine, made.ideal.encoder, step, 6).end
    for at, factor in enumerate(RATES):
        by_hand.ideal.machine.set_rates(factor)
        by_hand.ideal.train(at, at + 1)
    for one, other in zip([*made.weights(), *made.learnt()], [*by_hand.weights(), *by_hand.learnt()], strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("in_flight", [1, 3])
def test_rates_by_step_are_the_same_coupled_and_replayed(in_flight):
    found = []
    for performs in (Replayed, Coupled):
        made = built(algorithm="sgd", in_flight=in_flight)

        def rated(machine, program, encoder, performs=performs):
            return performs(machine, program, Encoder(program, in_flight, encoder.rows, RATES.__getitem__))

        engine = engine_of(made, rated, in_flight)
        engine.run(0, 3)
        engine.run(3, 6)
        found.append((made.weights(), made.learnt(), engine.now_ps))
    (weights, learnt, end), (others, also, other_end) = found
    assert end == other_end
    for one, other in zip([*weights, *learnt], [*others, *also], strict=True):
        assert np.array_equal(one, other)
