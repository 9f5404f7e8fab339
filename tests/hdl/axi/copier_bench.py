"""cocotb benches of the copier: a published AXI-Lite manager in front, a published RAM behind."""

import itertools
import logging
import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, with_timeout
from cocotbext.axi import AxiBus, AxiLiteBus, AxiLiteMaster, AxiRam

from tests.hdl.axi.copier import COPIER

RAM_BYTES = 1 << 20
CHANNELS = ("aw", "w", "b", "ar", "r")


class Board:
    """The copier with its clock, its manager and its memory."""

    def __init__(self, dut):
        self.dut = dut
        self.random = random.Random(7)
        self.manager = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), dut.clk, dut.rst)
        self.ram = AxiRam(AxiBus.from_prefix(dut, "m_axi"), dut.clk, dut.rst, size=RAM_BYTES)
        for ends in (self.manager, self.ram):
            for part in (ends.write_if, ends.read_if):
                part.log.setLevel(logging.WARNING)  # else it prints every byte that moves

    async def reset(self):
        self.dut.rst.value = 1
        await ClockCycles(self.dut.clk, 4)
        self.dut.rst.value = 0
        await ClockCycles(self.dut.clk, 2)

    def stall(self, chance):
        """Pause every channel of both ports at random."""
        for ends, name in itertools.product((self.manager, self.ram), CHANNELS):
            part = ends.write_if if name in ("aw", "w", "b") else ends.read_if
            channel = getattr(part, f"{name}_channel")
            channel.set_pause_generator(
                self.random.random() < chance for _ in itertools.count()
            )

    async def read(self, name):
        return await self.manager.read_dword(COPIER[name].offset)

    async def write(self, name, value):
        await self.manager.write_dword(COPIER[name].offset, value)

    async def copy(self, source, target, words):
        """Run one job to its interrupt; return the clocks it took."""
        await self.write("SOURCE_LO", source)
        await self.write("TARGET_LO", target)
        await self.write("WORDS", words)
        await self.write("COMMAND", 2)
        if not self.dut.irq.value:
            await with_timeout(RisingEdge(self.dut.irq), 200, "us")
        assert await self.read("STATUS") == 0
        await self.write("EVENTS", 1)
        assert await self.read("EVENTS") == 0
        await self.write("COMMAND", 1)
        return await self.read("CLOCKS_LO") | await self.read("CLOCKS_HI") << 32


async def start(dut):
    Clock(dut.clk, 10, unit="ns").start()
    board = Board(dut)
    await board.reset()
    return board


@cocotb.test()
async def it_says_who_it_is(dut):
    board = await start(dut)
    assert await board.read("ID") == COPIER["ID"].reset
    assert await board.read("ABI") == COPIER["ABI"].reset


@cocotb.test()
async def it_copies_under_stalls_on_every_channel(dut):
    board = await start(dut)
    board.stall(0.3)
    chance = board.random
    for words in (1, 2, 16, 17, 100, 3, 0):
        source = 8 * chance.randrange(RAM_BYTES // 32)
        target = RAM_BYTES // 2 + 8 * chance.randrange(RAM_BYTES // 32)
        content = chance.randbytes(8 * words)
        around = chance.randbytes(8 * words + 32)
        board.ram.write(source, content)
        board.ram.write(target - 16, around)
        await board.copy(source, target, words)
        copied = board.ram.read(target - 16, 8 * words + 32)
        assert copied == around[:16] + content + around[16 + 8 * words :]


@cocotb.test()
async def it_moves_a_word_a_clock(dut):
    board = await start(dut)
    words = 2000
    content = board.random.randbytes(8 * words)
    board.ram.write(8, content)
    clocks = await board.copy(8, RAM_BYTES // 2, words)
    assert board.ram.read(RAM_BYTES // 2, 8 * words) == content
    dut._log.info("copied %d words in %d clocks", words, clocks)
    assert words / clocks >= 0.9


@cocotb.test()
async def it_works_after_a_reset_in_mid_burst(dut):
    board = await start(dut)
    await board.write("SOURCE_LO", 0)
    await board.write("TARGET_LO", RAM_BYTES // 2)
    await board.write("WORDS", 500)
    await board.write("COMMAND", 2)
    await ClockCycles(dut.clk, 60)
    await board.reset()
    assert await board.read("WORDS") == 0
    content = board.random.randbytes(8 * 40)
    board.ram.write(0x1FF8, content)
    await board.copy(0x1FF8, 0x80F80, 40)
    assert board.ram.read(0x80F80, 8 * 40) == content
