"""What train, cp and tucker share: looking through their candidates, and decoding."""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from engram.arch.payloads.networks import LARGEST_SHIFT, NetworkLayout
from engram.codecs.blas import one_thread
from engram.codecs.choice import Choice
from engram.codecs.codec import Budget, Codec, Geometry
from engram.codecs.contraction import numbers_at_once, sums
from engram.codecs.deviation import deviation
from engram.codecs.fitting import Candidate
from engram.codecs.measuring import magnitude
from engram.codecs.rounding import finite, reals, round_into

__all__ = ["NetworkCodec"]

Reals = NDArray[np.float64]


class NetworkCodec(Codec):
    """A tensor whose axes, other than those of length one, are contracted one after the other."""

    lossless = False
    # With an error so many times the least possible, rounding has done most of the harm, and will
    # to finer candidates.
    hopeless: ClassVar[float] = 8.0

    def accepts(self, geometry: Geometry, values: NDArray[Any]) -> bool:
        """Return whether these are finite numbers that may be rounded."""
        kind = geometry.kind
        return kind.lossy and geometry.size > 0 and finite(values.reshape(-1), kind)

    @abstractmethod
    def ladders(self, box: Reals, scale: int) -> Iterable[Sequence[Candidate]]:
        """Return ladders of candidates for ``box * 2**scale``, each from coarse to fine.

        They depend on the tensor alone, so that a larger budget always finds a smaller one's.
        """

    def encode(self, values: NDArray[Any], geometry: Geometry, budget: Budget) -> bytes | None:
        """Return the best of the candidates, or None if none is good enough."""
        if budget.exact or not self.accepts(geometry, values):
            return None
        exact = reals(values.reshape(-1), geometry.kind)
        scale = magnitude(exact)
        box = np.ldexp(exact, -scale).reshape(_lengths(geometry))
        with one_thread():
            return self._chosen(values, geometry, budget, box, scale)

    def _chosen(
        self, values: NDArray[Any], geometry: Geometry, budget: Budget, box: Reals, scale: int
    ) -> bytes | None:
        choice = Choice(budget, geometry.nbytes)
        for ladder in self.ladders(box, scale):
            # Within an error the coarse are tried first, within bytes the fine.
            for candidate in ladder if budget.error is not None else reversed(ladder):
                if candidate.nbytes > choice.most or candidate.least >= choice.useless:
                    continue
                network = candidate.build()
                if max(network.layout.shifts) > LARGEST_SHIFT:
                    continue
                payload = network.payload()
                error = deviation(self, payload, values, geometry).relative
                choice.offer(payload, error)
                if budget.error is not None and error > self.hopeless * candidate.least:
                    break
        return choice.best

    def decode(
        self, payload: memoryview, geometry: Geometry, start: int, stop: int, out: NDArray[Any]
    ) -> None:
        """Regrow elements ``start`` to ``stop`` into ``out``; ValueError if the payload is bad."""
        each = 2 if geometry.kind.bits.kind == "c" else 1
        layout = NetworkLayout.parse(payload, self.name, geometry.size * each)
        cores = [
            np.frombuffer(payload, f"<i{width // 8}", int(np.prod(shape)), at).reshape(shape)
            for shape, width, at in zip(layout.shapes, layout.widths, layout.places, strict=False)
        ]
        at, last, step = start * each, stop * each, numbers_at_once(layout) // each * each
        while at < last:
            end = min(last, (at // step + 1) * step)
            with np.errstate(over="ignore"):  # what is too large is rounded to the largest
                with one_thread():
                    integers = sums(layout, cores, at, end)
                regrown = np.ldexp(integers, layout.exponent)
            round_into(regrown, geometry.kind, out[at // each - start : end // each - start])
            at = end


def _lengths(geometry: Geometry) -> tuple[int, ...]:
    lengths = (*geometry.shape, 2) if geometry.kind.bits.kind == "c" else geometry.shape
    return tuple(length for length in lengths if length > 1) or (1,)
