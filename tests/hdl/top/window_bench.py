"""Benches of the window: bursts of every kind, alone and beside commands."""

import cocotb
from cocotb.triggers import ClockCycles

from engram.arch.commands import Command, Opcode
from tests.hdl.top.benches import ROUNDS, bench, start
from tests.hdl.top.board import BUFFERS
from tests.hdl.top.coverage import COVERAGE
from tests.hdl.top.paging_bench import write
from tests.hdl.window.ends import FIXED, RESERVED, WRAP, Burst

KINDS = (
    Burst(0x1000, 1), Burst(0xF40, 40, id=3), Burst(0x1FF8, 2), Burst(0x808, 8, kind=WRAP),
    Burst(0x830, 16, kind=WRAP, id=0xFFF), Burst(0x1018, 5, kind=FIXED), Burst(0x1003, 9, size=0),
    Burst(0x1006, 6, size=2), Burst(0x100C, 4, size=1, kind=WRAP), Burst(0x1, 3),
    Burst(0x1000, 3, kind=WRAP), Burst(0x1000, 2, kind=RESERVED), Burst(0x1000, 2, size=4),
    Burst(0x1100, 256),
)


def content(board, burst):
    """Return random words and strobes that AXI allows for a burst."""
    chance = board.board.random
    strobes = []
    for address in burst.addresses(30):
        size = 1 << min(burst.size, 3)
        low = address % 8
        lanes = sum(1 << lane for lane in range(low, low // size * size + size))
        strobes.append(lanes & chance.choice((255, 255, 0, chance.getrandbits(8))))
    return [chance.getrandbits(64) for _ in range(burst.beats)], strobes


@bench
async def bursts_of_every_kind_read_and_write(dut):
    board = await start(dut)
    for burst in KINDS:
        await board.window_read(burst)
        await board.window_write(burst, *content(board, burst))
        await board.window_read(burst)
    COVERAGE.hit("window.first_write")
    await board.compare()
    assert await board.board.read("FRAMES_USED") == 3


@bench
async def the_window_shows_where_it_is_told_to(dut):
    board = await start(dut)
    for base in (1 << 40, 0xFEDC_BA98_7654_3210, (1 << 64) - 1):
        await board.write("WINDOW_BASE", base)
        await board.window_read(Burst(0, 3))
        last = Burst((1 << 30) - 16, 2)
        await board.window_write(last, [1, 2], [255, 255])
        await board.window_read(last)
        # A burst that AXI forbids, for it crosses 4 KiB: addresses go on with the first word.
        await board.window_read(Burst((1 << 30) - 8, 3))
        COVERAGE.hit("window.wraps_around")
    COVERAGE.hit("window.moved")
    await board.compare()


@bench
async def the_window_is_refused_unless_it_is_open(dut):
    board = await start(dut, select=False)
    await board.window_read(Burst(0, 2))
    await board.window_write(Burst(0, 2), [1, 2], [255, 255])
    await board.ok(board.selection())
    for control in (1, 3, 5):
        await board.write("CONTROL", control)
        await board.window_read(Burst(8, 2))
        await board.window_write(Burst(8, 2), [1, 2], [255, 255])
    COVERAGE.hit("irq.WINDOW")
    await board.compare()


@bench
async def the_window_works_beside_commands(dut):
    board = await start(dut)
    board.store(BUFFERS, [board.board.random.getrandbits(64) for _ in range(3000)])
    await board.ok(write(0), write(1), write(2))
    for _ in range(2 * ROUNDS):
        commands = [
            Command(Opcode.WRITE, address=100, count=412, buffer=BUFFERS + 8),
            Command(Opcode.READ, address=5 * 512, count=700, buffer=BUFFERS + 0x8000),
            Command(Opcode.WRITE, address=9 * 512, count=1200, buffer=BUFFERS),
            Command(Opcode.ERASE, address=9 * 512, count=1536),
        ]
        # Words 0 to 99 and pages 1 and 2 are the window's: who is first makes no difference.
        bursts = [Burst(0x40, 16), Burst(0x1800, 100, id=5), Burst(0x2010, 8, kind=WRAP)]
        writes = [(burst, *content(board, burst)) for burst in bursts]

        busy = []

        async def traffic(writes=writes, bursts=bursts, busy=busy):
            responses = [await board.board.window.write(*each) for each in writes]
            beats = []
            for burst in bursts:
                beats.append(await board.board.window.read(burst))
                busy.append(not int(dut.accelerator.sequencer.idle.value))
            return responses, beats

        board.give(*commands)
        await board.board.write("RING_TAIL", board.tail)
        responses, beats = await cocotb.start_soon(traffic())
        assert busy[0], "the commands were over before the window had its turn"
        await board.board.wait_head(board.tail)
        for each, response in zip(writes, responses, strict=True):
            board.check_write(*each, response)
        for burst, words in zip(bursts, beats, strict=True):
            board.check_read(burst, words)
        board.golden.write(0x24, board.tail)
        await board.compare()
    COVERAGE.hit("window.read.during_commands")
    COVERAGE.hit("window.write.during_commands")


@bench
async def a_word_that_changes_is_read_as_it_was_or_is(dut):
    board = await start(dut)
    versions = 12
    await board.ok(write(0))
    for version in range(versions):
        board.store(BUFFERS + 128 * version, [version] * 16)
    for version in range(versions):
        board.give(Command(Opcode.WRITE, address=64, count=16, buffer=BUFFERS + 128 * version))
    first = board.tail - versions
    board.board.stall(0.3, "m_axi.w", "m_axi.r", "m_axi.b")
    await board.write("RING_TAIL", first + 1)
    await board.board.wait_head(first + 1)
    await board.board.write("RING_TAIL", board.tail)
    heads = 0
    while heads < versions - 1:
        before = await board.board.read("RING_HEAD") - first
        beats = await board.board.window.read(Burst(64 * 8, 16))
        after = await board.board.read("RING_HEAD") - first
        assert all(before - 1 <= word <= after for word, _ in beats), (before, beats, after)
        assert await board.board.window.write(Burst(0, 1), [before], [255]) == 0
        heads = before
    board.board.stall(0)
    COVERAGE.hit("window.read.during_change")
    COVERAGE.hit("window.write.during_change")
    assert await board.window_write(Burst(0, 1), [0], [255]) == 0
    board.golden.write(0x24, board.tail)
    await board.compare()


@bench
async def a_published_manager_reads_and_writes_bytes(dut):
    board = await start(dut, published=True)
    window = board.board.published
    data = board.board.random.randbytes(700)
    before = await window.read(0xE01, 1200)
    await window.write(0xF03, data)
    after = await window.read(0xE01, 1200)
    at = 0xF03 - 0xE01
    assert bytes(after.data) == bytes(before.data)[:at] + data + bytes(before.data)[at + 700 :]
    await ClockCycles(dut.aclk, 4)
    COVERAGE.hit("window.published")
