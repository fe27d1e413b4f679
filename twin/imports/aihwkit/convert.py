"""From the text of a configuration to the values of a workload and of its chip."""

from pathlib import Path
from typing import Any

from twin.config.resources import suggestion
from twin.errors import TwinError
from twin.files import read_limited
from twin.imports.aihwkit.algorithms import RATE, translate
from twin.imports.aihwkit.classes import class_names
from twin.imports.aihwkit.found import Base, Found
from twin.imports.aihwkit.inout import forward_io
from twin.imports.aihwkit.settings import Report, Settings
from twin.imports.aihwkit.syntax import Reader

MOST_BYTES = 2**20
CONFIGURATIONS = "FloatingPointRPUConfig"
"""The class that all configurations are of, in our tables."""
INFERENCE = ("noise_model", "drift_compensation", "clip", "remap", "modifier", "act_quant_config")


def read_configuration(path: Path, base: Base) -> Found:
    """Read a configuration of aihwkit and translate it.

    Parameters
    ----------
    path : Path
        The text that ``print(rpu_config)`` or its repr gives; it is parsed, and nothing of it is executed.
    base : Base
        What is no part of a configuration.

    Raises
    ------
    TwinError
        For a text that is none, or a class without an equal.
    """
    try:
        text = read_limited(path, MOST_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TwinError(f"{path}: is not UTF-8 (byte {error.start}); save it as UTF-8") from error
    return read_text(text, str(path), base)


def read_text(text: str, label: str, base: Base) -> Found:
    """Translate the text of a configuration, which messages name by `label`; raises as `read_configuration`."""
    reader = Reader(label)
    found = Found(Report(reader), base)
    config = Settings(reader.read(text), "", found.report)
    if not config.is_a(CONFIGURATIONS):
        meant = suggestion(config.name, class_names(CONFIGURATIONS))
        rule = f"{config.name} is no configuration that the twin knows{meant}; it reads those of aihwkit 1.1 and 1.2"
        raise reader.refused(config.line, rule)
    io: dict[str, Any] = dict.fromkeys(("inp_res", "out_res", "out_bound", "out_noise"), 0)
    if config.knows("forward"):
        io = forward_io(config, found)
    translate(config, io, found)
    _mapping(config.below("mapping", "MappingParameter"), found)
    if config.is_a("InferenceRPUConfig"):
        config.lose_unless_usual("nothing: training on ideal devices", *INFERENCE[:2], INFERENCE[-1])
    found.report.finish()
    return found


def _mapping(mapping: Settings, found: Found) -> None:
    """Enter the scale of weights, which the twin has one of for all columns, and list the rest."""
    if mapping.flag("digital_bias") and found.base.biased:
        _digital_bias(mapping, found)
    if mapping.number("weight_scaling_omega") != 0:
        mapping.lose("weight_scaling_omega", "weights as they are (mapping.out_scaling)")
    found.put("mapping.out_scaling", 1.0, mapping.get("weight_scaling_omega").line)
    mapping.lose_unless_usual("the chip's tile.cols and tile.rows", "max_input_size", "max_output_size")


def _digital_bias(mapping: Settings, found: Found) -> None:
    """Enter that biases are digital and learnt by the optimiser, as those of all layers that have such."""
    if found.base.unrolled:
        mapping.lose("digital_bias", "the bias of a recurrent layer is a line of its array")
        return
    found.put("network.digital_bias", True, mapping.get("digital_bias").line)
    found.assume("optimiser.kind", "sgd", "AnalogSGD, the optimiser of aihwkit's examples")
    found.assume("optimiser.learning_rate", found.base.learning_rate, RATE)
