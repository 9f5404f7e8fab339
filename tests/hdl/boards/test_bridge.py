"""The bridge: each request carried out once and answered, whatever comes instead of one."""

import gc
import struct
from random import Random

import numpy as np
import pytest

from engram.arch.uart import (
    CHECK,
    MAX_PAYLOAD,
    REQUEST,
    WAIT_CLOCKS,
    Identity,
    Opcode,
    Status,
    answer,
    request,
)
from engram.errors import DeviceFault
from hdl.boards.bridge import Bridge
from sim.serial.golden import GoldenBridge
from tests.hdl.axi.bus import ReadMemory, WriteMemory, simulate

BASE = 0x1000_0000
SIZE = 0x2000
GAP = 40
PATIENCE = 300
REGISTERS = 6  # bits of a register's address; the upper half of the registers is not there
MEMORY_FAULTS = range(BASE + 0x1000, BASE + 0x1100)


class Registers:
    """What is behind the port of registers: numbers in the lower half, errors in the upper."""

    def __init__(self):
        self.words = [0x1111_1111 * n for n in range(8)]

    def read(self, offset):
        if offset >= 32:
            raise DeviceFault("no such register")
        return self.words[offset // 4]

    def write(self, offset, value):
        self.read(offset)
        self.words[offset // 4] = value


class PlainBoard(Registers):
    """A board of a golden bridge, with nothing in it but numbers."""

    base = BASE
    irq = False

    def __init__(self):
        super().__init__()
        self.memory = np.zeros(SIZE, np.uint8)

    def reset(self):
        """Nothing but memory is looked at."""


class LiteSubordinate:
    """Answers the port of registers with pauses; ``deaf`` answers nothing."""

    def __init__(self, unit, random, pause):
        self.unit, self.random, self.pause = unit, random, pause
        self.registers = Registers()
        self.deaf = False
        self.due = {"ar": None, "aw": None, "w": None}
        self.answer = None
        self.accesses = 0

    def drive(self, ctx):
        unit = self.unit
        for channel in self.due:
            free = self.due[channel] is None and self.answer is None
            ready = free and self.random.random() >= self.pause
            ctx.set(getattr(unit, f"m_axil_{channel}ready"), ready)
        if self.answer is None and not self.deaf and self.random.random() >= self.pause:
            self.answer = self.make()
        kind, value, response = self.answer or ("", 0, 0)
        ctx.set(unit.m_axil_rvalid, kind == "r")
        ctx.set(unit.m_axil_bvalid, kind == "b")
        ctx.set(unit.m_axil_rdata, value)
        ctx.set(unit.m_axil_rresp, response)
        ctx.set(unit.m_axil_bresp, response)

    def make(self):
        due, registers = self.due, self.registers
        value = 0
        if due["ar"] is not None:
            kind = "r"
        elif due["aw"] is not None and due["w"] is not None:
            kind = "b"
        else:
            return None
        try:
            if kind == "r":
                value = registers.read(due["ar"])
            else:
                registers.write(due["aw"], due["w"])
            response = 0
        except DeviceFault:
            response = 2
        self.due = dict.fromkeys(due)
        self.accesses += 1
        return kind, value, response

    def observe(self, ctx):
        unit = self.unit
        for channel, what in (("ar", "addr"), ("aw", "addr"), ("w", "data")):
            valid = ctx.get(getattr(unit, f"m_axil_{channel}valid"))
            if valid and ctx.get(getattr(unit, f"m_axil_{channel}ready")):
                self.due[channel] = ctx.get(getattr(unit, f"m_axil_{channel}{what}"))
        if self.answer is not None and ctx.get(getattr(unit, f"m_axil_{self.answer[0]}ready")):
            self.answer = None
        if ctx.get(unit.clear):
            self.due, self.answer = dict.fromkeys(self.due), None


class Bench:
    """A bridge between bytes and agents; ``say`` gives bytes and returns what is answered."""

    def __init__(self, seed, pause):
        self.random = random = Random(seed)
        self.pause = pause
        identity = Identity(BASE, SIZE, 25_000_000, PATIENCE)
        self.unit = unit = Bridge(identity=identity, gap=GAP, register_bits=REGISTERS)
        self.lite = LiteSubordinate(unit, random, pause)

        def fault(address):
            if address in MEMORY_FAULTS:
                return 2
            return 0 if BASE <= address < BASE + SIZE else 3

        self.reads = ReadMemory(unit, random, pause, 0, fault)
        self.writes = WriteMemory(unit, random, pause, 0, fault)
        self.reads.words = self.writes.words = dict.fromkeys(range(BASE, BASE + SIZE, 8), 0)
        self.agents = [self.lite, self.reads, self.writes]
        self.deaf_memory = False
        self.clock = 0
        self.cleared = 0

    def run(self, story):
        async def bench(ctx):
            self.ctx = ctx
            await story(self)

        simulate(self.unit, bench)

    async def tick(self):
        ctx, unit = self.ctx, self.unit
        agents = self.agents[:1] if self.deaf_memory else self.agents
        for agent in agents:
            agent.drive(ctx)
        for agent in agents:
            agent.observe(ctx)
        self.cleared += ctx.get(unit.clear)
        ready = self.random.random() >= self.pause
        ctx.set(unit.o.ready, ready)
        byte = ctx.get(unit.o.payload) if ready and ctx.get(unit.o.valid) else None
        await ctx.tick()
        self.clock += 1
        return byte

    async def say(self, content, *, bad=(), limit=6000):
        """Return the answer to bytes, of which those at ``bad`` come without a stop bit."""
        ctx, unit = self.ctx, self.unit
        heard = bytearray()
        for number, byte in enumerate(content):
            while self.random.random() < self.pause:
                assert await self.tick() is None
            ctx.set(unit.i, {"valid": 1, "bad": number in bad, "data": byte})
            assert await self.tick() is None, "it answered before the end"
            ctx.set(unit.i, {"valid": 0, "bad": 0, "data": 0})
        quiet = 0
        while quiet < (3 * GAP if heard else limit):
            byte = await self.tick()
            quiet += 1
            if byte is not None:
                heard.append(byte)
                quiet = 0
        return bytes(heard)


def random_request(random, sequence):
    """Return a request, most often one that can be carried out."""
    opcode = random.choice([*Opcode, *list(Opcode)[2:6], 0, 99])
    address = length = 0
    payload = b""
    if opcode in (Opcode.READ_REGISTER, Opcode.WRITE_REGISTER):
        address = random.choice([0, 4, 28, 32, 60, 60, 64, 1 << 31, 2])
        length = random.choice([4, 4, 4, 4, 8, 0])
    elif opcode in (Opcode.READ_MEMORY, Opcode.WRITE_MEMORY):
        address = BASE + random.choice([0, 0, 0x800, SIZE - 64, SIZE, -64, 4])
        address += 8 * random.randrange(8)
        length = 8 * random.choice([1, 2, 5, 16, 31, 0]) + random.choice([0, 0, 0, 0, 4])
    elif opcode == Opcode.WAIT_IRQ:
        length = random.choice([0, 0, 1])
    if opcode in (Opcode.WRITE_REGISTER, Opcode.WRITE_MEMORY):
        payload = random.randbytes(length)
    return request(sequence, opcode, address, length, payload)


def damaged(random, frame):
    """Return a frame with something wrong, and which of its bytes have no stop bit."""
    kind = random.choice(["none", "none", "none", "flip", "cut", "drop", "noise", "framing"])
    at = random.randrange(len(frame))
    if kind == "flip":
        return frame[:at] + bytes([frame[at] ^ 1 << random.randrange(8)]) + frame[at + 1 :], ()
    if kind == "cut":
        return frame[: at + 1], ()
    if kind == "drop":
        return frame[:at] + frame[at + 1 :] or b"!", ()
    if kind == "noise":
        return random.randbytes(1 + at), ()
    return frame, (at,) if kind == "framing" else ()


@pytest.mark.parametrize(("pause", "seed"), [(0.0, 1), (0.3, 2)])
def test_it_answers_whatever_comes_as_the_golden_bridge_does(pause, seed) -> None:
    bench = Bench(seed, pause)
    board = PlainBoard()
    golden = GoldenBridge(board, patience=PATIENCE, registers=1 << REGISTERS)
    random = Random(seed)
    seen = set()

    async def story(bench):
        refused = request(0, Opcode.READ_REGISTER, 60, 4), ()
        others = (damaged(random, random_request(random, number)) for number in range(36))
        for frame, bad in (refused, *others):
            if bad:
                expected = answer(0, Status.DAMAGED)
            else:
                expected = golden.hear(frame, pause=True)
            seen.add(expected[2])
            assert await bench.say(frame, bad=bad) == expected, frame.hex()

    bench.run(story)
    assert seen >= {*Status} - {Status.TOO_LONG, Status.HUNG}
    assert bench.lite.registers.words == board.words
    kept = np.array([bench.writes.words[at] for at in range(BASE, BASE + SIZE, 8)], "<u8")
    assert (kept.view(np.uint8) == board.memory).all()
    assert bench.cleared


def test_a_length_beyond_the_buffer_is_refused_when_the_line_is_quiet() -> None:
    bench = Bench(1, 0.0)

    async def story(bench):
        frame = request(7, Opcode.WRITE_MEMORY, BASE, 0, bytes(MAX_PAYLOAD + 8))
        assert await bench.say(frame) == answer(0, Status.TOO_LONG)
        full = bytes(range(256)) * (MAX_PAYLOAD // 256)
        frame = request(8, Opcode.WRITE_MEMORY, BASE + 8, 0, full)
        assert await bench.say(frame) == answer(8, Status.OK)
        frame = request(9, Opcode.READ_MEMORY, BASE + 8, MAX_PAYLOAD)
        assert await bench.say(frame) == answer(9, Status.OK, full)
        frame = request(10, Opcode.READ_MEMORY, BASE, MAX_PAYLOAD + 8)
        assert await bench.say(frame) == answer(10, Status.BAD_RANGE)
        assert max(beats for _, beats in bench.reads.bursts) == 16

    bench.run(story)


def test_an_error_of_memory_is_the_answer() -> None:
    bench = Bench(1, 0.2)

    async def story(bench):
        at = MEMORY_FAULTS[0] - 64
        for opcode, payload in ((Opcode.READ_MEMORY, b""), (Opcode.WRITE_MEMORY, bytes(256))):
            frame = request(1, opcode, at, 256, payload)
            assert await bench.say(frame) == answer(1, Status.SLVERR)
        # What would have come behind the burst that failed was not asked for.
        assert bench.writes.bursts == [(at, 8), (at + 64, 16)]
        assert await bench.say(request(2, Opcode.READ_MEMORY, BASE, 8)) == answer(
            2, Status.OK, bytes(8)
        )

    bench.run(story)


def test_a_pause_as_long_as_the_gap_ends_a_request() -> None:
    bench = Bench(1, 0.0)
    frame = request(5, Opcode.READ_REGISTER, 4, 4)

    async def story(bench):
        for cut in range(1, len(frame)):
            bench.clock = 0
            assert await bench.say(frame[:cut]) == answer(0, Status.TRUNCATED), cut
            assert GAP < bench.clock < 10 * GAP
        assert await bench.say(frame) == answer(5, Status.OK, b"\x11" * 4)

    bench.run(story)


def test_a_pause_shorter_than_the_gap_does_not() -> None:
    bench = Bench(1, 0.0)
    frame = request(5, Opcode.READ_REGISTER, 4, 4)

    async def story(bench):
        for byte in frame[:-1]:
            bench.ctx.set(bench.unit.i, {"valid": 1, "bad": 0, "data": byte})
            await bench.tick()
            bench.ctx.set(bench.unit.i, {"valid": 0, "bad": 0, "data": 0})
            for _ in range(GAP - 1):
                assert await bench.tick() is None
        assert await bench.say(frame[-1:]) == answer(5, Status.OK, b"\x11" * 4)

    bench.run(story)


def test_a_port_that_hangs_is_told_and_left_alone_until_a_reset() -> None:
    bench = Bench(1, 0.0)
    ask = request(1, Opcode.READ_REGISTER, 4, 4)
    fetch = request(2, Opcode.READ_MEMORY, BASE, 64)
    store = request(3, Opcode.WRITE_MEMORY, BASE, 0, bytes(64))

    async def story(bench):
        for opcode in (ask, request(1, Opcode.WRITE_REGISTER, 4, 0, b"\x11" * 4)):
            bench.lite.deaf = True
            bench.clock = 0
            assert await bench.say(opcode) == answer(1, Status.HUNG)
            assert PATIENCE < bench.clock < PATIENCE + 10 * GAP
            bench.clock = 0
            assert await bench.say(ask) == answer(1, Status.HUNG)
            assert bench.clock < 10 * GAP, "it was asked again"
            assert bench.ctx.get(bench.unit.gone) == 1
            assert await bench.say(fetch) == answer(2, Status.OK, bytes(64))
            bench.lite.deaf = False
            assert await bench.say(ask) == answer(1, Status.HUNG)  # a late answer is nobody's
            assert await bench.say(request(4, Opcode.RESET)) == answer(4, Status.OK)
            assert await bench.say(ask) == answer(1, Status.OK, b"\x11" * 4)
        for frame in (fetch, store):
            bench.deaf_memory = True
            assert await bench.say(frame) == answer(frame[1], Status.HUNG)
            assert await bench.say(store) == answer(3, Status.HUNG)
            assert bench.ctx.get(bench.unit.gone) == 2
            assert await bench.say(ask) == answer(1, Status.OK, b"\x11" * 4)
            assert await bench.say(request(4, Opcode.RESET)) == answer(4, Status.OK)
            bench.deaf_memory = False
            assert await bench.say(fetch) == answer(2, Status.OK, bytes(64))

    bench.run(story)


def test_a_wait_ends_with_the_interrupt_or_its_time() -> None:
    bench = Bench(1, 0.0)
    no, yes = struct.pack("<I", 0), struct.pack("<I", 1)

    async def story(bench):
        bench.clock = 0
        assert await bench.say(request(1, Opcode.WAIT_IRQ, 0, 0)) == answer(1, Status.OK, no)
        assert bench.clock < 10 * GAP
        bench.clock = 0
        assert await bench.say(request(2, Opcode.WAIT_IRQ, 0, 2)) == answer(2, Status.OK, no)
        assert 2 * WAIT_CLOCKS < bench.clock < 2 * WAIT_CLOCKS + 10 * GAP
        bench.clock = 0
        bench.ctx.set(bench.unit.irq, 1)
        assert await bench.say(request(3, Opcode.WAIT_IRQ, 0, 2)) == answer(3, Status.OK, yes)
        assert bench.clock < 10 * GAP

    bench.run(story)


def test_it_says_who_it_is() -> None:
    bench = Bench(1, 0.5)

    async def story(bench):
        identity = Identity(BASE, SIZE, 25_000_000, PATIENCE)
        assert await bench.say(request(9, Opcode.IDENTIFY)) == answer(
            9, Status.OK, identity.pack()
        )

    bench.run(story)


@pytest.mark.filterwarnings("ignore:.*created but never used")
def test_a_gap_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="gap must be at least 1, not 0"):
        Bridge(identity=Identity(0, 0, 0, 0), gap=0, register_bits=9)
    gc.collect()  # what was refused warns of its disuse now, while that is no error


def test_the_smallest_request_is_as_long_as_the_contract_says() -> None:
    assert len(request(0, Opcode.IDENTIFY)) == REQUEST.size + CHECK.size == 13
