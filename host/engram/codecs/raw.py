"""The elements themselves: what every other codec has to beat."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engram.arch.payloads.parts import refuse_unless
from engram.codecs.codec import Budget, Codec, Geometry

__all__ = ["RawCodec"]


class RawCodec(Codec):
    """No header and no padding: a tensor's elements in C order, little-endian."""

    name = "raw"
    lossless = True

    def encode(self, values: NDArray[Any], geometry: Geometry, budget: Budget) -> bytes | None:
        if budget.bytes is not None and geometry.nbytes > budget.bytes:
            return None
        return values.tobytes()

    def decode(
        self, payload: memoryview, geometry: Geometry, start: int, stop: int, out: NDArray[Any]
    ) -> None:
        fits = len(payload) == geometry.nbytes
        refuse_unless(fits, f"have {geometry.nbytes} bytes, not {len(payload)}")
        kind = geometry.kind.bits
        plain = np.frombuffer(payload, np.uint8)[start * kind.itemsize : stop * kind.itemsize]
        if kind.kind == "b":
            refuse_unless(not (plain > 1).any(), "hold nothing but 0 and 1 for bool")
        out[:] = plain.view(kind)
