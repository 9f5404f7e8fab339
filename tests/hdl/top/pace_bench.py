"""Benches of clocks, which a simulation counts exactly: the pace that the contract promises."""

import cocotb
from cocotb.triggers import ReadOnly, RisingEdge

from engram.arch.commands import Command, Flag, Opcode
from engram.arch.laws import LAWS
from hdl.synth.feistel import FeistelPipeline
from hdl.synth.multiplier import DSP48E1
from tests.hdl.top.benches import bench, start
from tests.hdl.top.board import BUFFERS
from tests.hdl.top.paging_bench import read, write
from tests.hdl.window.ends import Burst

WORDS = 4096
BESIDE = 10  # clocks of a window read beside those of the law


@bench
async def generated_pages_fill_almost_a_word_a_clock(dut):
    board = await start(dut)
    (done,) = await board.ok(Command(Opcode.FILL, address=0, count=WORDS, buffer=BUFFERS))
    dut._log.info("filled %d words in %d clocks", WORDS, done.clocks)
    assert WORDS / done.clocks >= 0.95


@bench
async def framed_pages_are_read_almost_a_word_a_clock(dut):
    board = await start(dut)
    words = {"address": 0, "count": WORDS}
    await board.ok(Command(Opcode.WRITE, buffer=BUFFERS, **words))
    (done,) = await board.ok(Command(Opcode.READ, buffer=BUFFERS + 0x10000, **words))
    dut._log.info("read %d words in %d clocks", WORDS, done.clocks)
    assert WORDS / done.clocks >= 0.85


@bench
async def a_generated_word_comes_to_the_window_soon(dut):
    board = await start(dut)
    await board.window_read(Burst(0x1000))
    seen = []

    async def watch():
        clock = 0
        while len(seen) < 2:
            await RisingEdge(dut.aclk)
            clock += 1
            taken = int(dut.s_axi_arvalid.value) and int(dut.s_axi_arready.value)
            if int(dut.s_axi_rvalid.value) if seen else taken:
                seen.append(clock)

    task = cocotb.start_soon(watch())
    await board.window_read(Burst(0x1008))
    await task
    latency = seen[1] - seen[0]
    law = FeistelPipeline(LAWS[1], DSP48E1).latency
    dut._log.info("a window read takes %d clocks, of which the law has %d", latency, law)
    assert latency <= law + BESIDE


@bench
async def a_job_takes_three_accesses_to_registers(dut):
    board = await start(dut)
    await board.ok(write(0))
    accesses = []

    async def watch():
        while True:
            await RisingEdge(dut.aclk)
            await ReadOnly()
            for channel in ("b", "r"):
                valid, ready = (
                    int(getattr(dut, f"s_axil_{channel}{end}").value) for end in ("valid", "ready")
                )
                if valid and ready:
                    accesses.append(channel)

    cocotb.start_soon(watch())
    job = read(0, 3)
    board.give(Command(job.opcode, job.address, job.count, job.buffer, flags=Flag.INTERRUPT))
    await board.board.write("RING_TAIL", board.tail)
    await board.board.wait_irq()
    events = await board.board.read("IRQ_STATUS")
    await board.board.write("IRQ_STATUS", events)
    assert board.board.completion((board.tail - 1) % 16).done == 3
    assert accesses == ["b", "r", "b"]
