"""What the executor needs to know of an algorithm: learning rates, transfer, choppers, pulse settings."""

from dataclasses import dataclass

from twin.config.algorithms import (
    AGAD,
    SHD,
    AnalogSGD,
    CTTv2,
    DigitalSGD,
    MixedPrecision,
    Table,
    Transfer,
    TTv2,
    Update,
)

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
    threshold, reset : float
        SHD: f(v) zeroes |v| below the threshold; TTv2: H crosses beyond it and is left at `reset` times it.
    auto_granularity : float
        Above 0, the threshold is in units of auto_granularity dw_min / (lines transfer_every).
    in_chop_prob, out_chop_prob : float
        How often a chopper flips; `in_chop_period` reads between flips, 0 for flips at random.
    tail : float
        Weight of a reading in AGAD's reference; 0 without one.
    accumulates : bool
        Gradients are summed in a digital chi (mixed precision) instead of being pulsed.
    granularity : float
        Of chi; 0 for the device's dw_min.
    decays_learning_rate, decays_transfer_lr : bool
        Which of the two the schedule multiplies.
    """

    learning_rate: float
    update: Update
    transfer_update: Update | None = None
    auto_scale: bool = False
    auto_momentum: float = 0.0
    transfer_every: int = 0
    transfer_every_per_layer: tuple[int, ...] = ()
    transfer_axis: str = "column"
    transfer_lr: float = 0.0
    gamma: float = 0.0
    hadamard: bool = False
    threshold: float = 0.0
    reset: float = 0.0
    auto_granularity: float = 0.0
    chopped: bool = False
    in_chop_prob: float = 0.0
    in_chop_period: int = 0
    out_chop_prob: float = 0.0
    tail: float = 0.0
    accumulates: bool = False
    granularity: float = 0.0
    decays_learning_rate: bool = True
    decays_transfer_lr: bool = False

    def every(self, layer: int) -> int:
        """Return after how many updates of a layer one of its lines (mixed precision: all) is transferred."""
        given = self.transfer_every_per_layer
        return given[layer] if given else self.transfer_every

    @property
    def filtered(self) -> bool:
        """Whether transfers pass a digital H (TTv2) instead of pulsing C directly (SHD)."""
        return self.transfer_every > 0 and self.transfer_update is None

    @property
    def h_words(self) -> int:
        """Words that are kept for each weight in digital matrices: H, AGAD's P and P_ref, or chi."""
        if self.filtered:
            return 3 if self.tail > 0 else 1
        return int(self.accumulates)


def settings_of(config: Table) -> Settings:
    """Translate a workload's table of an algorithm; raises TypeError for a kind of table that has no case here."""
    match config:
        case DigitalSGD():
            return Settings(config.learning_rate, Update(pulse_type="none"))
        case AnalogSGD():
            return Settings(config.learning_rate, config.update)
        case MixedPrecision():
            return _mixed_precision(config)
        case SHD():
            return _transfer(
                config,
                transfer_update=config.transfer_update,
                gamma=config.gamma,
                hadamard=config.transfer_vectors == "hadamard",
                threshold=config.threshold,
            )
        case TTv2():
            return _ttv2(config)
        case _:
            raise TypeError(f"{type(config).__name__}: has no translation in settings_of ({__name__})")


def _transfer(config: Transfer, **more: object) -> Settings:
    return Settings(
        learning_rate=config.fast_lr,
        update=config.update,
        auto_scale=config.auto_scale,
        auto_momentum=config.auto_momentum if config.auto_scale else 0.0,
        transfer_every=config.transfer_every,
        transfer_every_per_layer=config.transfer_every_per_layer,
        transfer_axis=config.transfer_axis,
        transfer_lr=config.transfer_lr,
        decays_learning_rate=not config.auto_scale,
        decays_transfer_lr=True,
        **more,  # type: ignore[arg-type]
    )


def _ttv2(config: TTv2) -> Settings:
    reset = HYSTERESIS if config.reset == "hysteretic" else 0.0
    if not isinstance(config, CTTv2 | AGAD):
        return _transfer(config, threshold=1.0, reset=reset)
    prob = config.in_chop_prob
    return _transfer(
        config,
        threshold=config.threshold,
        reset=reset,
        auto_granularity=config.auto_granularity,
        chopped=True,
        in_chop_prob=prob,
        in_chop_period=0 if config.in_chop_random or prob == 0 else round(1 / prob),
        out_chop_prob=config.out_chop_prob if isinstance(config, CTTv2) else 0.0,
        tail=min(1.0, config.tail_weightening * prob) if isinstance(config, AGAD) else 0.0,
    )


def _mixed_precision(config: MixedPrecision) -> Settings:
    return Settings(
        learning_rate=config.learning_rate,
        update=Update(pulse_type="none"),
        transfer_update=Update(desired_bl=config.desired_bl),
        transfer_every=config.transfer_every,
        transfer_every_per_layer=config.transfer_every_per_layer,
        transfer_axis=config.transfer_axis,
        accumulates=True,
        granularity=config.granularity,
    )
