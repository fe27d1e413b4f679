"""Texts as aihwkit prints configurations, written for the tests, and what they lose."""

PRINTED = """UnitCellRPUConfig(
    runtime=RuntimeParameter(),
    pre_post=PrePostProcessingParameter(input_range=InputRangeParameter(enable=False)),
    mapping=MappingParameter(digital_bias=False),
    device=TransferCompound(
        unit_cell_devices=[
            SoftBoundsDevice(w_min=-0.3, w_max=0.3),
            SoftBoundsDevice(w_min=-0.6, w_max=0.6, dw_min=0.002)
        ],
        transfer_every=2.0,
        units_in_mbatch=False,
        transfer_lr=0.5,
        gamma=0.1,
        transfer_forward=IOParameters(out_res=0.001968503937007874),
        transfer_update=UpdateParameters(desired_bl=5)
    ),
    forward=IOParameters(out_bound=10.0, inp_res=0.016129032258064516),
    backward=IOParameters(out_bound=10.0, inp_res=0.016129032258064516),
    update=UpdateParameters(desired_bl=10)
)
"""
"""What print gives: values at their defaults are left out."""

REPR = (
    "SingleRPUConfig(runtime=RuntimeParameter(data_type=<RPUDataType.FLOAT: 'float'>, offload_input=False), "
    "tile_class=<class 'aihwkit.simulator.tiles.analog.AnalogTile'>, "
    "mapping=MappingParameter(digital_bias=True, weight_scaling_omega=0.0, max_input_size=512), "
    "device=LinearStepDevice(construction_seed=0, dw_min=0.004, gamma_up=0.1, gamma_down=0.2, mult_noise=False, "
    "drift=DriftParameter(nu=0.0, t_0=1.0), lifetime=0.0), "
    "forward=IOParameters(is_perfect=False, mv_type=<AnalogMVType.ONE_PASS: 'OnePass'>, inp_noise=0.0, out_noise=0.02, "
    "bound_management=<BoundManagementType.NONE: 'None'>, noise_management=<NoiseManagementType.ABS_MAX: 'AbsMax'>), "
    "backward=IOParameters(out_noise=0.02), "
    "update=UpdateParameters(pulse_type=<PulseType.STOCHASTIC_COMPRESSED: 'StochasticCompressed'>, desired_bl=7))"
)
"""What repr gives: all values, enumerations in angle brackets, everything in one line."""


def written(folder, content):
    """Write a configuration; return its path."""
    path = folder / "config.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def lost(found):
    """Return what was lost, by its place."""
    return {one.place: one for one in found.report.lost}
