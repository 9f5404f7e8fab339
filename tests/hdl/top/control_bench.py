"""Benches of the ring, interrupts, enabling, reset, counters and stalls."""

import cocotb
from cocotb.triggers import ClockCycles, ReadOnly, RisingEdge

from engram.arch.commands import Command, Fault, Flag, Opcode
from engram.arch.regs import COUNTERS
from tests.hdl.top.benches import bench, start
from tests.hdl.top.board import BUFFERS
from tests.hdl.top.coverage import COVERAGE
from tests.hdl.top.paging_bench import read, write
from tests.hdl.window.ends import Burst

FENCE = Command(Opcode.FENCE)


@bench
async def the_ring_wraps_fills_and_overruns(dut):
    board = await start(dut, log2=2)
    for _ in range(3):
        await board.ok(FENCE, FENCE, FENCE, FENCE)
        COVERAGE.hit("ring.filled")
    COVERAGE.hit("ring.wrap")
    await board.write("RING_TAIL", board.tail + 5)
    await board.board.wait_head(board.tail + 5)
    assert await board.board.read("STATUS") >> 8 & 0xFF == Fault.BAD_RING
    await board.compare()
    COVERAGE.hit("ring.overrun")
    COVERAGE.hit("irq.HALT")
    await board.open(log2=13)
    board.log2 = 4
    await board.write("RING_TAIL", 1)
    await board.board.wait_head(1)
    await board.compare()
    COVERAGE.hit("ring.too_long")
    await board.open(log2=0)
    for command in (board.selection(), FENCE, read(3)):
        await board.ok(command)
    COVERAGE.hit("ring.length_1")


@bench
async def the_interrupt_says_what_happened(dut):
    board = await start(dut)
    await board.ok(FENCE)
    assert not int(dut.irq.value)
    for command, events in (
        (Command(Opcode.FENCE, flags=Flag.INTERRUPT), 1),
        (Command(77), 2),
        (Command(77, flags=Flag.INTERRUPT), 3),
    ):
        await board.run(command)
        await board.board.wait_irq(64)
        assert await board.board.read("IRQ_STATUS") == events
        await board.write("IRQ_ENABLE", 0xF & ~events)
        await ClockCycles(dut.aclk, 3)
        assert not int(dut.irq.value)
        await board.write("IRQ_ENABLE", 0xF)
        await board.write("IRQ_STATUS", events)
        await board.compare()
        assert not int(dut.irq.value)
    for name in ("DONE", "FAULT", "masked", "cleared"):
        COVERAGE.hit(f"irq.{name}")


@bench
async def a_disabled_ring_ends_its_command_first(dut):
    board = await start(dut)
    await board.ok(write(0))
    board.give(Command(Opcode.FILL, address=0, count=1000, buffer=BUFFERS), FENCE)
    await board.board.write("RING_TAIL", board.tail)
    await ClockCycles(dut.aclk, 200)
    assert not await board.board.read("STATUS") & 1
    head = await board.board.read("RING_HEAD")
    await board.board.write("CONTROL", 0)
    await board.board.wait_idle()
    await ClockCycles(dut.aclk, 16)
    assert board.board.completion(head % 16).done == 1000
    assert await board.board.read("RING_HEAD") == 0
    assert await board.board.read("STATUS") & 0xF == 1
    assert await board.board.read("FRAMES_USED") == 0
    COVERAGE.hit("ring.disabled_busy")
    board.golden.write(0x24, board.tail - 1)
    await board.open()
    assert (await board.fault(read(0))).fault == Fault.NO_SPACE
    board.give(board.selection())
    await ClockCycles(dut.aclk, 100)
    assert await board.board.read("RING_HEAD") == 1
    await board.write("RING_TAIL", board.tail)
    await board.board.wait_head(board.tail)
    await board.compare()
    COVERAGE.hit("ring.waits")


@bench
async def a_reset_in_mid_burst_leaves_nothing_behind(dut):
    board = await start(dut)
    await board.ok(write(0))
    words = board.words(BUFFERS, 16)
    for name, delay in (("mid_command", 90), ("mid_command", 333), ("mid_read", 70),
                        ("mid_write", 60)):
        task = None
        if name == "mid_command":
            board.give(Command(Opcode.FILL, address=0, count=900, buffer=BUFFERS + 0x8000))
            await board.board.write("RING_TAIL", board.tail)
        elif name == "mid_read":
            task = cocotb.start_soon(board.board.window.read(Burst(0x1000, 200)))
        else:
            task = cocotb.start_soon(
                board.board.window.write(Burst(0, 200), [7] * 200, [255] * 200)
            )
        await ClockCycles(dut.aclk, delay)
        assert not int(dut.accelerator.mover.idle.value)
        await board.board.reset()
        if task is not None:
            task.cancel()
        assert await board.board.read("CONTROL") == 0
        assert board.words(BUFFERS, 16) == words
        board.bytes[:] = board.board.array
        board.golden_reset()
        await board.open()
        await board.ok(board.selection(), read(0), write(1, 600), read(0, 1300))
        COVERAGE.hit(f"reset.{name}")
    COVERAGE.hit("reset.keeps_dram")


@bench
async def counters_count_and_hold_still(dut):
    board = await start(dut)
    first = await board.board.counters()
    board.board.stall(0.4, "m_axi.r", "m_axi.w", "m_axi.aw")
    await board.ok(write(0), write(1, 700), read(0, 2000))
    board.board.stall(0)
    last = await board.board.counters()
    await ClockCycles(dut.aclk, 50)
    assert await board.board.read("CYCLES") == last["CYCLES"]
    COVERAGE.hit("counter.held_by_snapshot")
    grown = {name: last[name] - first[name] for name in COUNTERS}
    assert grown["COMMANDS"] == 3
    assert grown["FRAMES_TAKEN"] == 3
    # Pages 0 and 2 begin as generated words; 1 is written whole; the last 464 are read as such.
    assert grown["WORDS_GENERATED"] == 512 + 512 + 464
    assert grown["BYTES_READ"] >= 8 * (1 + 700 + 1536)
    assert grown["BYTES_WRITTEN"] >= 8 * (2000 + 1024 + 701)
    for name, count in grown.items():
        assert count > 0, name
        COVERAGE.hit(f"counter.{name}")


@bench
async def every_channel_may_stall(dut):
    board = await start(dut)
    channels = board.board.channels
    names = set(channels)
    ours = {f"{bus}.{channel}" for bus in ("s_axil", "s_axi") for channel in ("aw", "w", "ar")}
    ours |= {"m_axi.b", "m_axi.r"}

    async def watch():
        while names:
            await RisingEdge(dut.aclk)
            await ReadOnly()
            for name in list(names):
                channel = channels[name]
                stalled = (
                    channel.pause and channel.count() > 0 and not int(channel.valid.value)
                    if name in ours
                    else int(channel.valid.value) and not int(channel.ready.value)
                )
                if stalled:
                    COVERAGE.hit(f"stall.{name}")
                    names.discard(name)

    cocotb.start_soon(watch())
    board.board.stall(0.5)
    await board.ok(write(0, 20), write(1, 30), read(0, 1100))
    await board.window_read(Burst(0xF00, 100))
    for round_of in range(60):
        await board.window_write(Burst(0, 3), [round_of] * 3, [255] * 3)
        await board.write("IRQ_ENABLE", 15)
        if not names:
            break
    board.board.stall(0)
    await board.compare()
    assert not names
