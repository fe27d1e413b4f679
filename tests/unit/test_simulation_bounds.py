"""A run that ends with a device beyond its bounds is a bug and says so."""

import numpy as np
import pytest

from twin.engine import InvariantError
from twin.runs.build import build
from twin.runs.planning import plan_run
from twin.runs.trained import check_bounds


@pytest.mark.parametrize("matrix", ["A", "C"])
@pytest.mark.parametrize("factor", [-1.01, 1.01])
def test_a_device_beyond_its_bounds_is_found(matrix, factor):
    parts = build(plan_run("digits-mlp", "aimc-512", "three-array", "ttv2", workload_overrides={"data.samples": "20"}))
    check_bounds(parts)
    weights = parts.machine.weights(1, matrix)
    weights[3, 5] = factor * 5.0  # no gokmen-60 device reaches 5
    parts.machine.set_weights(1, matrix, weights)
    with pytest.raises(InvariantError, match=f"1 devices of 1.{matrix} lie beyond"):
        check_bounds(parts)


def test_the_fraction_at_a_bound_is_counted():
    parts = build(plan_run("digits-mlp", "aimc-512", "two-array", "sgd", workload_overrides={"data.samples": "20"}))
    parts.machine.set_weights(1, "W", np.full_like(parts.machine.weights(1, "W"), 100.0))
    assert parts.machine.at_bounds(1, "W") == (1.0, 650)
