"""From a quantised embedding to a code and a cue, in plain integers."""

from collections.abc import Sequence

from engram.arch.associations import PROJECTION_STREAM, Association
from engram.arch.laws import LAWS
from sim.golden.laws import generate

__all__ = ["Encoder", "largest"]


def largest(values: Sequence[int], count: int) -> list[int]:
    """Return where the ``count`` largest values are, ascending; of equals the first come first."""
    return sorted(sorted(range(len(values)), key=lambda i: (-values[i], i))[:count])


class Encoder:
    """The signed sparse projection of one memory and what is made of its sums."""

    def __init__(self, association: Association, seed: int, width: int) -> None:
        self._association = association
        fan_in = min(association.sources, width)
        self._inputs: list[list[tuple[int, int]]] = []  # (source, sign) of each neuron
        for neuron in range(association.neurons):
            inputs = []
            for j in range(fan_in):
                word = generate(LAWS[1], seed, neuron * fan_in + j, stream=PROJECTION_STREAM)
                low, high = j * width // fan_in, (j + 1) * width // fan_in
                source = low + ((word >> 32) * (high - low) >> 32)
                inputs.append((source, -1 if word & 1 else 1))
            self._inputs.append(inputs)

    def sums(self, vector: Sequence[int]) -> list[int]:
        """Return the sum of every code neuron."""
        return [sum(sign * vector[source] for source, sign in row) for row in self._inputs]

    def code(self, vector: Sequence[int]) -> list[int]:
        """Return the neurons that are active in the code of an embedding, ascending."""
        return largest(self.sums(vector), self._association.winners)

    def cue(self, vector: Sequence[int]) -> dict[int, int]:
        """Return the payload of every neuron that spikes for an embedding."""
        law = self._association
        sums = self.sums(vector)
        spiking = [i for i in largest(sums, law.spikes) if sums[i] > 0]
        if law.signed:
            opposite = largest([-y for y in sums], law.spikes)
            spiking += [i for i in opposite if sums[i] < 0]
        top = max((abs(sums[i]) for i in spiking), default=0)
        cue = {}
        for i in spiking:
            payload = max(1, (2 * abs(sums[i]) * law.levels + top) // (2 * top))
            cue[i] = payload if sums[i] > 0 else -payload
        return cue
