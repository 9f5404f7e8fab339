"""The DRAM behind the accelerator: a published AXI RAM some of whose words answer with an error."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from cocotbext.axi import AxiRam, AxiResp

__all__ = ["DRAM_BYTES", "FailingRam", "Failure"]

DRAM_BYTES = 1 << 20


@dataclass
class Failure:
    """Words from the byte address ``start`` on that answer with ``response``, when ``fails``.

    ``beat`` restricts it to the n-th beat of every burst; ``tell`` is called for each one.
    """

    start: int
    size: int
    write: bool
    response: AxiResp = AxiResp.SLVERR
    beat: int | None = None
    tell: Callable[[], None] = lambda: None

    def hits(self, address: int, beat: int, write: bool) -> bool:
        """Return whether a beat fails."""
        return (
            write == self.write
            and self.start - 7 <= address < self.start + self.size
            and self.beat in (None, beat)
        )


class FailingRam(AxiRam):
    """`AxiRam` over ``array``, a NumPy array of bytes. What lies behind its end is DECERR.

    A word whose write fails keeps what it had; one whose read fails is read as 0.
    """

    def __init__(self, bus, clock, reset, array: np.ndarray) -> None:
        super().__init__(
            bus, clock, reset, reset_active_level=False, mem=memoryview(array).cast("B")
        )
        self.array = array
        self.failures: list[Failure] = []
        self.bursts: list[tuple[bool, int, int]] = []  # write, address, beats; for benches
        self._fail_reads()
        self._fail_writes()

    def _response(self, address: int, beat: int, write: bool) -> AxiResp:
        for failure in self.failures:
            if failure.hits(address, beat, write):
                failure.tell()
                return failure.response
        return AxiResp.OKAY if address + 8 <= self.size else AxiResp.DECERR

    def _fail_reads(self) -> None:
        part = self.read_if
        take, send = part.ar_channel.recv, part.r_channel.send
        at = [0, 0]  # address of the next beat, and its number

        async def recv():
            burst = await take()
            at[:] = int(burst.araddr) & ~7, 0
            self.bursts.append((False, at[0], int(burst.arlen) + 1))
            return burst

        async def answer(beat):
            beat.rresp = self._response(at[0], at[1], False)
            if beat.rresp != AxiResp.OKAY:
                beat.rdata = 0
            at[0] += 8
            at[1] += 1
            await send(beat)

        async def read(address, length):
            return self.read(address, length) if address + length <= self.size else bytes(length)

        part.ar_channel.recv, part.r_channel.send, part._read = recv, answer, read

    def _fail_writes(self) -> None:
        part = self.write_if
        take, send, words = part.aw_channel.recv, part.b_channel.send, part.w_channel.recv
        at = [0, 0]
        worst = [AxiResp.OKAY]

        async def recv():
            burst = await take()
            at[:] = int(burst.awaddr) & ~7, 0
            worst[0] = AxiResp.OKAY
            self.bursts.append((True, at[0], int(burst.awlen) + 1))
            return burst

        async def word():
            beat = await words()
            response = self._response(at[0], at[1], True)
            if response != AxiResp.OKAY:
                beat.wstrb = 0
                worst[0] = response
            at[0] += 8
            at[1] += 1
            return beat

        async def answer(end):
            end.bresp = worst[0]
            await send(end)

        part.aw_channel.recv, part.w_channel.recv, part.b_channel.send = recv, word, answer
