"""RegisterBank: each kind of register, errors, pace and resets, through AXI4-Lite."""

import gc
from collections import deque
from random import Random

import pytest
from amaranth.hdl import Cat, ResetInserter, Signal

from engram.arch.registers import Access, Field, Register, RegisterTable
from hdl.axi.register_bank import RegisterBank
from tests.hdl.axi.bus import Channel, port_of, simulate
from tests.hdl.axi.example_table import EXAMPLE

OKAY, SLVERR = 0, 2


class Manager:
    """Drives a bank's port; write and read transfers wait in queues, answers in lists."""

    def __init__(self, unit, random=None, pause=0.0):
        get = port_of(unit, "s_axil")
        self.random = random or Random(1)
        self.pause = pause
        self.inputs = {
            "aw": (Cat(get("awaddr"), get("awvalid")), get("awready"), len(get("awaddr"))),
            "w": (Cat(get("wdata"), get("wstrb"), get("wvalid")), get("wready"), 36),
            "ar": (Cat(get("araddr"), get("arvalid")), get("arready"), len(get("araddr"))),
        }
        self.waiting = {name: deque() for name in self.inputs}
        self.offered = dict.fromkeys(self.inputs, False)
        self.ready = {"b": get("bready"), "r": get("rready")}
        self.outputs = {
            "b": Channel(get("bvalid"), get("bready"), resp=get("bresp")),
            "r": Channel(get("rvalid"), get("rready"), data=get("rdata"), resp=get("rresp")),
        }
        self.answers = {"b": [], "r": []}
        self.at = {name: [] for name in ("aw", "w", "ar", "b", "r")}
        self.clock = 0

    def write(self, offset, value, strobe=15):
        self.waiting["aw"].append(offset)
        self.waiting["w"].append(value | strobe << 32)

    def read(self, offset):
        self.waiting["ar"].append(offset)

    def drive(self, ctx):
        for name, (signals, _, width) in self.inputs.items():
            if self.waiting[name] and self.random.random() >= self.pause:
                self.offered[name] = True
            ctx.set(signals, self.waiting[name][0] | 1 << width if self.offered[name] else 0)
        for ready in self.ready.values():
            ctx.set(ready, self.random.random() >= self.pause)

    def observe(self, ctx):
        for name, (_, ready, _) in self.inputs.items():
            if self.offered[name] and ctx.get(ready):
                self.waiting[name].popleft()
                self.offered[name] = False
                self.at[name].append(self.clock)
        for name, channel in self.outputs.items():
            answer = channel.take(ctx)
            if answer is not None:
                self.answers[name].append(answer)
                self.at[name].append(self.clock)
        self.clock += 1

    async def until(self, ctx, writes, reads, each=None):
        """Clock until there are so many answers in all; ``each`` is called in every clock."""
        for _ in range(5000):
            if len(self.answers["b"]) >= writes and len(self.answers["r"]) >= reads:
                return
            await self.clock_once(ctx, each)
        raise AssertionError("it hangs")

    async def clock_once(self, ctx, each=None):
        self.drive(ctx)
        self.observe(ctx)
        if each:
            each(ctx)
        await ctx.tick()

    async def written(self, ctx, offset, value, strobe=15):
        """Write and return the response."""
        self.write(offset, value, strobe)
        await self.until(ctx, len(self.answers["b"]) + 1, 0)
        return self.answers["b"][-1]["resp"]

    async def value(self, ctx, offset):
        """Read and return data and response."""
        self.read(offset)
        await self.until(ctx, 0, len(self.answers["r"]) + 1)
        answer = self.answers["r"][-1]
        return answer["data"], answer["resp"]


def with_bank(story):
    """Run an async function of (ctx, unit, manager) on a bank of the example table."""
    unit = RegisterBank(EXAMPLE)
    manager = Manager(unit)

    async def bench(ctx):
        await story(ctx, unit, manager)

    simulate(unit, bench)


def test_registers_read_their_reset_values() -> None:
    async def story(ctx, unit, manager):
        for register in EXAMPLE:
            assert await manager.value(ctx, register.offset) == (register.reset, OKAY)
        assert ctx.get(unit.base) == 0x1_0000_0040
        assert ctx.get(unit.control) == 0x10

    with_bank(story)


def test_what_software_wrote_reaches_hardware_and_reads_back() -> None:
    async def story(ctx, unit, manager):
        assert await manager.written(ctx, 0x18, 0x89ABCDEF) == OKAY
        assert await manager.written(ctx, 0x1C, 0x01234567) == OKAY
        assert ctx.get(unit.base) == 0x0123456789ABCDEF
        assert await manager.value(ctx, 0x1C) == (0x01234567, OKAY)
        assert await manager.value(ctx, 0x1F) == (0x01234567, OKAY), "low bits are ignored"

    with_bank(story)


def test_bits_in_no_field_are_not_kept() -> None:
    async def story(ctx, unit, manager):
        await manager.written(ctx, 0x08, 0xFFFF_FFFF)
        assert await manager.value(ctx, 0x08) == (0x71, OKAY)
        ctx.set(unit.status, 0xFFFF_FFFF)
        assert await manager.value(ctx, 0x0C) == (0xFF01, OKAY)

    with_bank(story)


@pytest.mark.parametrize("strobe", range(16))
def test_only_the_bytes_named_are_written(strobe) -> None:
    async def story(ctx, unit, manager):
        await manager.written(ctx, 0x30, 0x11223344)
        assert await manager.written(ctx, 0x30, 0xAABBCCDD, strobe) == OKAY
        old, new = b"\x44\x33\x22\x11", b"\xdd\xcc\xbb\xaa"
        mixed = bytes(new[i] if strobe >> i & 1 else old[i] for i in range(4))
        assert ctx.get(unit.tail) == int.from_bytes(mixed, "little")

    with_bank(story)


def test_wrong_addresses_and_writes_to_what_is_read_only_are_refused() -> None:
    async def story(ctx, unit, manager):
        ctx.set(unit.status, 0x101)
        for hole in (0x20, 0x24, 0x34, 0x3C):
            assert await manager.value(ctx, hole) == (0, SLVERR)
            assert await manager.written(ctx, hole, 5) == SLVERR
        for register in EXAMPLE:
            response = await manager.written(ctx, register.offset, register.reset)
            assert response == (OKAY if register.access.writable else SLVERR)
        assert await manager.value(ctx, 0x00) == (0x454E4752, OKAY)
        assert await manager.value(ctx, 0x0C) == (0x101, OKAY)

    with_bank(story)


def test_a_strobe_is_one_clock_and_reads_as_nothing() -> None:
    async def story(ctx, unit, manager):
        pulses = []
        manager.write(0x10, 0x2, strobe=0b1110)
        manager.write(0x10, 0xFFFF_FFFE)
        await manager.until(ctx, 2, 0, lambda ctx: pulses.append(ctx.get(unit.command)))
        for _ in range(3):
            await manager.clock_once(ctx, lambda ctx: pulses.append(ctx.get(unit.command)))
        assert [pulse for pulse in pulses if pulse] == [2]
        assert await manager.value(ctx, 0x10) == (0, OKAY)

    with_bank(story)


def test_a_strobe_waits_with_its_write_until_answers_are_fetched() -> None:
    async def story(ctx, unit, manager):
        pulses = []
        manager.write(0x30, 1)
        manager.write(0x10, 2)
        for _ in range(8):
            manager.drive(ctx)
            ctx.set(unit.s_axil_bready, 0)
            manager.observe(ctx)
            pulses.append(ctx.get(unit.command))
            await ctx.tick()
        assert not any(pulses)
        for _ in range(8):
            await manager.clock_once(ctx, lambda ctx: pulses.append(ctx.get(unit.command)))
        assert [pulse for pulse in pulses if pulse] == [2]
        assert len(manager.answers["b"]) == 2

    with_bank(story)


def test_setting_a_bit_wins_over_clearing_it() -> None:
    async def story(ctx, unit, manager):
        ctx.set(unit.interrupt_set, 0xFFFF_FFFF)
        await manager.clock_once(ctx)
        ctx.set(unit.interrupt_set, 0)
        assert await manager.value(ctx, 0x14) == (0x11, OKAY)
        assert await manager.value(ctx, 0x14) == (0x11, OKAY), "reading clears nothing"
        await manager.written(ctx, 0x14, 0x10)
        assert ctx.get(unit.interrupt) == 0x01
        await manager.written(ctx, 0x14, 0x01, strobe=0b1110)
        assert ctx.get(unit.interrupt) == 0x01, "the byte was not written"
        ctx.set(unit.interrupt_set, 0x01)
        seen = []
        manager.write(0x14, 0x11)
        answers = len(manager.answers["b"]) + 1
        await manager.until(ctx, answers, 0, lambda ctx: seen.append(ctx.get(unit.interrupt)))
        assert set(seen) == {0x01}, "not even for a clock"
        ctx.set(unit.interrupt_set, 0)
        await manager.written(ctx, 0x14, 0x11)
        assert ctx.get(unit.interrupt) == 0

    with_bank(story)


def test_a_wide_value_is_captured_whole_by_its_strobe() -> None:
    async def story(ctx, unit, manager):
        count = 0x1_FFFF_FFF0

        def counts(ctx):
            nonlocal count
            count += 1
            ctx.set(unit.cycles, count)

        for _ in range(30):
            manager.write(0x10, 1)
            writes = len(manager.answers["b"]) + 1
            before = count
            await manager.until(ctx, writes, 0, counts)
            manager.read(0x28)
            manager.read(0x2C)
            reads = len(manager.answers["r"]) + 2
            await manager.until(ctx, writes, reads, counts)
            low, high = (answer["data"] for answer in manager.answers["r"][-2:])
            assert before <= low | high << 32 <= count

    with_bank(story)


def test_one_read_and_one_write_a_clock() -> None:
    async def story(ctx, unit, manager):
        for number in range(50):
            manager.write(0x30, number)
            manager.read(0x30)
        await manager.until(ctx, 50, 50)
        for name in ("aw", "w", "ar", "b", "r"):
            at = manager.at[name]
            assert at[-1] - at[0] == 49, name
        assert manager.at["r"][0] == manager.at["ar"][0] + 2
        assert manager.at["b"][0] == manager.at["aw"][0] + 2

    with_bank(story)


@pytest.mark.parametrize("seed", range(4))
def test_every_access_is_answered_once_and_in_order_under_stalls(seed) -> None:
    random = Random(seed)
    unit = RegisterBank(EXAMPLE)
    manager = Manager(unit, random, 0.5)
    model = {register.offset: register.reset for register in EXAMPLE}
    writes = []

    async def bench(ctx):
        for _ in range(150):
            offset = random.randrange(16) * 4
            value, strobe = random.getrandbits(32), random.randrange(16)
            manager.write(offset, value, strobe)
            register = EXAMPLE.at(offset)
            accepted = register is not None and register.access.writable
            writes.append(OKAY if accepted else SLVERR)
            if accepted and register.access is Access.RW:
                lanes = sum(0xFF << 8 * lane for lane in range(4) if strobe >> lane & 1)
                model[offset] = (model[offset] & ~lanes | value & lanes) & register.mask
        reads = [random.randrange(16) * 4 for _ in range(100)]
        for offset in reads:
            manager.read(offset)
        await manager.until(ctx, 150, 100)
        assert [answer["resp"] for answer in manager.answers["b"]] == writes
        expected = [SLVERR if EXAMPLE.at(offset) is None else OKAY for offset in reads]
        assert [answer["resp"] for answer in manager.answers["r"]] == expected
        for register in EXAMPLE:
            if register.access in (Access.RW, Access.CONSTANT):
                assert await manager.value(ctx, register.offset) == (model[register.offset], OKAY)

    simulate(unit, bench)


def test_a_reset_forgets_what_was_under_way() -> None:
    unit = RegisterBank(EXAMPLE)
    reset = Signal()
    before, after = Manager(unit), Manager(unit)

    async def bench(ctx):
        await before.written(ctx, 0x30, 7)
        before.write(0x30, 9)
        before.read(0x30)
        before.pause = 1.0
        before.offered = dict.fromkeys(before.offered, True)
        await before.clock_once(ctx)
        ctx.set(reset, 1)
        await ctx.tick()
        ctx.set(reset, 0)
        for _ in range(5):
            await after.clock_once(ctx)
        assert after.answers == {"b": [], "r": []}
        assert await after.value(ctx, 0x30) == (0, OKAY)
        assert await after.written(ctx, 0x30, 11) == OKAY
        assert ctx.get(unit.tail) == 11

    simulate(ResetInserter(reset)(unit), bench)


@pytest.mark.filterwarnings("ignore:.*created but never used")
@pytest.mark.parametrize("name", ["TABLE", "SIGNATURE", "S_AXIL_AWADDR", "INTERRUPT_SET"])
def test_registers_that_would_hide_another_member_are_refused(name) -> None:
    interrupt = Register("INTERRUPT", 0, Access.W1C, fields=(Field("DONE", 0),))
    table = RegisterTable("T", interrupt, Register(name, 4, Access.RW))
    with pytest.raises(ValueError, match=f"name of another member: '{name}'"):
        RegisterBank(table)
    gc.collect()  # what was refused warns of its disuse now, while that is no error
