import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sweep_kit import SMALL, written

from twin.config.resources import shipped
from twin.descriptions.load import load_chip, load_sweep
from twin.errors import TwinError
from twin.runs.library import Library
from twin.runs.planning import plan_request
from twin.sweep.design import values_of
from twin.sweep.point import SEED, point_of, points_of


def sweep(folder, text):
    return load_sweep(written(folder, text)).model


def test_a_grid_has_every_combination_and_seeds_vary_fastest(tmp_path):
    points = points_of(sweep(tmp_path, SMALL))
    found = [tuple(point.axes.values()) for point in points]
    assert found == [
        (algorithm, layout, seed)
        for algorithm in ("sgd", "ttv2")
        for layout in ("two-array", "four-array")
        for seed in (1, 2)
    ]
    assert [bool(point.refused) for point in points] == [False, False, True, True, True, True, False, False]
    assert len({point.id for point in points}) == 8


def test_a_list_takes_the_axes_side_by_side(tmp_path):
    text = SMALL + '\n[design]\nkind = "list"\n'
    assert values_of(sweep(tmp_path, text)) == [("sgd", "two-array"), ("ttv2", "four-array")]


RANGES = """seeds = [7]

[[axes]]
key = "algorithm.learning_rate"
low = 0.001
high = 10.0
scale = "log"

[[axes]]
key = "device.dw_min"
low = 0.01
high = 0.03

[[axes]]
key = "device"
values = ["gokmen-60", "gokmen-120"]
"""


@settings(max_examples=25, deadline=None)
@given(kind=st.sampled_from(["random", "latin-hypercube"]), points=st.integers(1, 40), seed=st.integers(0, 99))
def test_drawn_points_lie_inside_and_a_latin_hypercube_visits_every_slice(tmp_path_factory, kind, points, seed):
    text = RANGES + f'\n[design]\nkind = "{kind}"\npoints = {points}\nseed = {seed}\n'
    made = sweep(tmp_path_factory.mktemp("drawn"), text)
    drawn = values_of(made)
    assert drawn == values_of(made)
    rates, steps, devices = zip(*drawn, strict=True)
    assert all(0.001 <= rate <= 10 for rate in rates)
    assert all(0.01 <= step <= 0.03 for step in steps)
    assert set(devices) <= {"gokmen-60", "gokmen-120"}
    if kind == "latin-hypercube":
        slices = np.floor(np.log10(np.array(rates) / 0.001) / 4 * points)
        assert sorted(np.minimum(slices, points - 1)) == list(range(points))
        assert abs(devices.count("gokmen-60") - points / 2) <= 1


def test_keys_reach_the_workload_the_device_the_algorithm_and_the_chip(tmp_path):
    text = """seeds = [3]
[[axes]]
key = "algorithm.transfer_every"
values = [5]
[[axes]]
key = "device.dw_min"
values = [0.02]
[[axes]]
key = "device"
values = ["gokmen-60"]
[[axes]]
key = "chip.tile.pulse_time"
values = ["7 ns"]
[[axes]]
key = "training.in_flight"
values = [2]
"""
    (point,) = points_of(sweep(tmp_path, text))
    assert point.refused == ""
    assert point.request.algorithm == "ttv2"
    assert point.request.layout == "four-array"
    made = plan_request(point.request, Library())
    workload = made.workload.model
    assert workload.algorithms.ttv2.transfer_every == 5
    assert (workload.device.preset, workload.device.overrides) == ("gokmen-60", {"dw_min": 0.02})
    assert made.chip.model.tile.pulse_time == pytest.approx(7e-9)
    assert (workload.training.in_flight, workload.training.seed) == (2, 3)


def test_the_id_of_a_point_follows_from_what_decides_its_result(tmp_path):
    first = points_of(sweep(tmp_path, SMALL))
    reworded = points_of(sweep(tmp_path, SMALL.replace('["sgd", "ttv2"]', '["ttv2", "sgd"]')))
    assert {point.id for point in first} == {point.id for point in reworded}
    longer = points_of(sweep(tmp_path, SMALL.replace('"training.epochs" = 2', '"training.epochs" = 3')))
    stopped = points_of(sweep(tmp_path, SMALL + "\n[stop]\nerror_above = 0.5\nafter_epoch = 1\n"))
    runnable = [{p.id for p in points if not p.refused} for points in (first, longer, stopped)]
    assert not set.intersection(*runnable)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seeds = [1, 2]", "seeds = []", "seeds: must not be empty"),
        ('key = "layout"', 'key = "algorithm"', "axes.1.key .*stands twice"),
        ('values = ["sgd", "ttv2"]', "low = 1.0", "high: must be given with low"),
        ('values = ["sgd", "ttv2"]', "low = 1.0\nhigh = 2.0", "are needed in a grid"),
        ('values = ["sgd", "ttv2"]', 'low = -1.0\nhigh = 2.0\nscale = "log"', "greater than 0 on a log scale"),
        ('key = "layout"', 'key = "training.epochs"', "is an axis and fixed"),
        ('key = "layout"', 'key = "lay out"', "axes.1.key"),
        ("[fixed]", '[design]\nkind = "random"\n[fixed]', "design.points.*must say how many"),
        ("[fixed]", "[design]\npoints = 3\n[fixed]", "follows from the axes of a grid"),
        ('values = ["sgd", "ttv2"]', 'values = ["sgd"]\nvalue = 2', "unknown key .did you mean values"),
        ("[fixed]", '[design]\nkind = "lhs"\n[fixed]', 'must be "grid", "list", "random" or "latin-hypercube"'),
        ('["two-array", "four-array"]', '["two-array"]\n[design]\nkind = "list"', "as many values in a list"),
    ],
)
def test_a_mistake_in_a_sweep_is_one_line_that_names_it(tmp_path, old, new, message):
    assert old in SMALL
    with pytest.raises(TwinError, match=message) as caught:
        sweep(tmp_path, SMALL.replace(old, new))
    assert "small.toml:" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", shipped("sweep"))
def test_every_shipped_sweep_loads_and_has_points_that_can_be_run(name):
    one, library = load_sweep(name).model, Library()
    points = (dict(zip([axis.key for axis in one.axes], values, strict=True)) for values in values_of(one))
    assert any(not point_of(one, point | {SEED: one.seeds[0]}, library).refused for point in points)


def test_a_measured_device_by_its_file_can_be_fixed(tmp_path):
    device = tmp_path / "mine.toml"
    device.write_text('family = "soft-bounds"\ndw_min = 0.02\nw_max = 0.6\nw_min = -0.6\nsource = "S: x"\n')
    table = f'{{ preset = "measured", file = "{device}" }}'
    text = SMALL.replace("[fixed]", f'[fixed]\ndevice = {table}\n"device.dw_min_std" = 0.1')
    points = [point for point in points_of(sweep(tmp_path, text)) if not point.refused]
    assert points
    for point in points:
        made = plan_request(point.request, Library()).trained.device
        assert (made.preset, made.described) == ("measured", str(device))
        assert (made.overrides["dw_min"], made.overrides["dw_min_std"]) == (0.02, 0.1)


def test_missing_keys_are_named(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text('schema = 1\nkind = "chip"\nname = "x"\ndescription = ""\n')
    with pytest.raises(TwinError, match=r"tile: is missing \(so are digital, buffer, memory, link, host, placement"):
        load_chip(str(path))
