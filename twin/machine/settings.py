"""What the executor needs to know of an algorithm: learning rates, transfer, pulse settings."""

from dataclasses import dataclass

from twin.config.algorithms import SHD, AnalogSGD, DigitalSGD, TTv2, Update

HYSTERESIS = 0.6  # |H| after a crossing, Gokmen 2021, "Training Simulations", hysteretic threshold


@dataclass(frozen=True, slots=True)
class Settings:
    """Numerical settings of one algorithm, the same for all layers.

    Attributes
    ----------
    learning_rate : float
        Of the gradient's update; with `auto_scale` in units of desired_bl pulses (Rasch 2024, Eq. 15).
    transfer_lr : float
        Of C (SHD) or of H (TTv2).
    threshold : float
        SHD: f(v) zeroes |v| below; TTv2: H crosses beyond 1.
    decays_learning_rate, decays_transfer_lr : bool
        Which of the two the schedule multiplies.
    """

    learning_rate: float
    update: Update
    transfer_update: Update | None = None
    auto_scale: bool = False
    auto_momentum: float = 0.0
    transfer_every: int = 0
    transfer_axis: str = "column"
    transfer_lr: float = 0.0
    gamma: float = 0.0
    hadamard: bool = False
    threshold: float = 0.0
    reset: float = 0.0
    decays_learning_rate: bool = True
    decays_transfer_lr: bool = False

    @property
    def filtered(self) -> bool:
        """Whether transfers pass a digital H (TTv2) instead of pulsing C directly (SHD)."""
        return self.transfer_every > 0 and self.transfer_update is None


def settings_of(config: DigitalSGD | AnalogSGD | SHD | TTv2) -> Settings:
    """Translate a workload's table of an algorithm."""
    if isinstance(config, DigitalSGD):
        return Settings(config.learning_rate, Update(pulse_type="none"))
    if isinstance(config, AnalogSGD):
        return Settings(config.learning_rate, config.update)
    common = {
        "learning_rate": config.fast_lr,
        "update": config.update,
        "auto_scale": config.auto_scale,
        "auto_momentum": config.auto_momentum if config.auto_scale else 0.0,
        "transfer_every": config.transfer_every,
        "transfer_axis": config.transfer_axis,
        "transfer_lr": config.transfer_lr,
        "decays_learning_rate": not config.auto_scale,
        "decays_transfer_lr": True,
    }
    if isinstance(config, TTv2):
        reset = HYSTERESIS if config.reset == "hysteretic" else 0.0
        return Settings(**common, threshold=1.0, reset=reset)  # type: ignore[arg-type]
    return Settings(
        **common,  # type: ignore[arg-type]
        transfer_update=config.transfer_update,
        gamma=config.gamma,
        hadamard=config.transfer_vectors == "hadamard",
        threshold=config.threshold,
    )
