"""Which samples a training step has: one, or a batch that sees one set of weights."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Batches:
    """Steps of `size` samples each; the last of an epoch has what is left.

    Samples are counted over all epochs, without gaps, and so are steps. With a size of 1 both are the same.

    Attributes
    ----------
    size : int
    examples : int
        Samples of an epoch.
    """

    size: int = 1
    examples: int = 1

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return -(-self.examples // self.size)

    def samples(self, step: int) -> range:
        """Return the numbers of a step's samples."""
        if self.size == 1:
            return range(step, step + 1)
        epoch, at = divmod(step, self.steps)
        first = epoch * self.examples + at * self.size
        return range(first, min(first + self.size, (epoch + 1) * self.examples))
