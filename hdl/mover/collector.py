"""Tells the ends of moves in their order, once the writer knows them."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from engram.arch.commands import Fault
from hdl.axi.queue import Queue
from hdl.axi.writer import report_layout as written_layout
from hdl.mover.moves import FAULT_BITS, report_layout

__all__ = ["Collector", "end_layout"]


def end_layout() -> data.StructLayout:
    """Return what a move came to when its last word was taken; ``memory``: writes may be open."""
    return data.StructLayout({"memory": 1, "client": 2, "fault": FAULT_BITS})


class Collector(wiring.Component):
    """Joins each end with the writer's answer, where there is one to wait for.

    Function: ends are reported in their order, each by one pulse of `report.valid`; one with
    ``memory`` takes the next of `written` with it, and its own fault goes before `WRITE_ERROR`.

    Latency: 2 clocks from an end, 1 from what it waited for. Throughput: one a clock.
    Back-pressure: up to ``depth`` ends wait inside; `i.ready` depends on registers alone.
    Reset forgets them.

    Members
    -------
    i : In(stream of end_layout)
    written : In(stream of the writer's report_layout)
    report : Out(report_layout)
    busy : Out, high while an end waits or is reported
    """

    def __init__(self, depth: int) -> None:
        self.depth = depth
        super().__init__({
            "i": In(stream.Signature(end_layout())),
            "written": In(stream.Signature(written_layout(1))),
            "report": Out(report_layout()),
            "busy": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.ends = ends = Queue(end_layout(), self.depth)
        wiring.connect(m, wiring.flipped(self.i), ends.i)
        end = ends.o.payload
        told = Signal()
        failed = self.written.payload.response[1]
        m.d.comb += [
            told.eq(ends.o.valid & (~end.memory | self.written.valid)),
            ends.o.ready.eq(told),
            # Whatever was written has its end inside by then: words go before their answers.
            self.written.ready.eq(ends.o.valid & end.memory),
            self.busy.eq(ends.o.valid | self.report.valid),
        ]
        m.d.sync += [
            self.report.valid.eq(told),
            self.report.client.eq(end.client),
            self.report.fault.eq(
                Mux(end.memory & failed & (end.fault == Fault.OK), Fault.WRITE_ERROR, end.fault)
            ),
        ]
        return m
