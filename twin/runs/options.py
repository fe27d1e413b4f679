"""The options that commands and functions of Python have in common."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from twin.errors import TwinError
from twin.runs.plan import Mode
from twin.runs.protocol import RunKind


@dataclass(frozen=True, slots=True)
class Options:
    """What `twin compare` and `twin run`, `twin.compare` and `twin.simulate` have in common."""

    workload: str
    chip: str
    device: str = ""
    epochs: int | None = None
    seed: int | None = None
    samples: int | None = None
    in_flight: int | None = None
    mode: Mode = "replayed"
    overrides: Sequence[str] = ()
    out: Path | None = None
    jobs: int = 1
    sampled: bool | None = None
    endurance: bool = False
    trace: str = ""
    events: bool = False

    @classmethod
    def among(cls, given: Mapping[str, Any], **fixed: Any) -> Self:
        """Take the options among the parameters of a command or function, each under its own name.

        `fixed` are those that it has not, or has otherwise; one that is neither given nor fixed is a KeyError.
        """
        found = {**given, **fixed}
        return cls(**{option.name: found[option.name] for option in fields(cls)})

    def workload_overrides(self, kind: RunKind) -> dict[str, str]:
        """Return dotted key -> TOML value for a workload of this kind; raises as `RunKind.overrides`."""
        return kind.overrides(self) | {key: value for key, value in self._pairs() if not key.startswith("chip.")}

    def chip_overrides(self) -> dict[str, str]:
        """Return dotted key -> TOML value for the chip."""
        return {key[len("chip.") :]: value for key, value in self._pairs() if key.startswith("chip.")}

    def given(self, named: Mapping[str, int | None]) -> dict[str, str]:
        """Return those that were given, as TOML values."""
        return {key: str(value) for key, value in named.items() if value is not None}

    def _pairs(self) -> Iterator[tuple[str, str]]:
        for text in self.overrides:
            key, equals, value = text.partition("=")
            if not equals or not key.strip():
                raise TwinError(f"--set (= {text}): must read KEY=VALUE, e.g. --set training.epochs=3")
            yield key.strip(), value.strip()
