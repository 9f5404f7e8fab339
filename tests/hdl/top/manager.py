"""A manager at the window that makes bursts of every kind, also those that nobody should."""

from collections import deque

import cocotb
from cocotb.triggers import Event
from cocotbext.axi.axi_channels import AxiARSource, AxiAWSource, AxiBSink, AxiRSink, AxiWSource

from tests.hdl.window.ends import Burst

__all__ = ["WindowManager"]


class WindowManager:
    """Sends bursts through published channel models; several may be under way in each direction.

    Every answer is checked to have the ID of the oldest burst and `rlast` on its last beat only.
    """

    def __init__(self, bus, clock, reset) -> None:
        ends = (clock, reset, False)
        self.aw_channel = AxiAWSource(bus.write.aw, *ends)
        self.w_channel = AxiWSource(bus.write.w, *ends)
        self.b_channel = AxiBSink(bus.write.b, *ends)
        self.ar_channel = AxiARSource(bus.read.ar, *ends)
        self.r_channel = AxiRSink(bus.read.r, *ends)
        self._reads: deque = deque()
        self._writes: deque = deque()
        cocotb.start_soon(self._take_words())
        cocotb.start_soon(self._take_responses())

    async def read(self, burst: Burst) -> list[tuple[int, int]]:
        """Return data and response of each beat."""
        beats: list[tuple[int, int]] = []
        done = Event()
        self._reads.append((burst, beats, done))
        await self.ar_channel.send(
            self.ar_channel._transaction_obj(
                arid=burst.id, araddr=burst.address, arlen=burst.beats - 1, arsize=burst.size,
                arburst=burst.kind, arlock=burst.lock,
            )
        )
        await done.wait()
        return beats

    async def write(self, burst: Burst, words: list[int], strobes: list[int]) -> int:
        """Write one word a beat, in its place on the bus; return the response."""
        answer: list[int] = []
        done = Event()
        self._writes.append((burst, answer, done))
        await self.aw_channel.send(
            self.aw_channel._transaction_obj(
                awid=burst.id, awaddr=burst.address, awlen=burst.beats - 1, awsize=burst.size,
                awburst=burst.kind, awlock=burst.lock,
            )
        )
        for beat, (word, strobe) in enumerate(zip(words, strobes, strict=True)):
            await self.w_channel.send(
                self.w_channel._transaction_obj(
                    wdata=word, wstrb=strobe, wlast=beat == burst.beats - 1
                )
            )
        await done.wait()
        return answer[0]

    def forget(self) -> None:
        """Expect no more answers: the accelerator is being reset."""
        self._reads.clear()
        self._writes.clear()
        for channel in (self.aw_channel, self.w_channel, self.ar_channel):
            channel.clear()

    async def _take_words(self) -> None:
        while True:
            beat = await self.r_channel.recv()
            burst, beats, done = self._reads[0]
            beats.append((int(beat.rdata), int(beat.rresp)))
            assert int(beat.rid) == burst.id
            assert int(beat.rlast) == (len(beats) == burst.beats)
            if len(beats) == burst.beats:
                self._reads.popleft()
                done.set()

    async def _take_responses(self) -> None:
        while True:
            end = await self.b_channel.recv()
            burst, answer, done = self._writes.popleft()
            assert int(end.bid) == burst.id
            answer.append(int(end.bresp))
            done.set()
