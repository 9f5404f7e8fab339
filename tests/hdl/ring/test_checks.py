"""Operands and checks: of every descriptor, the verdict of the plain integers."""

from random import Random

import pytest
from amaranth.hdl import Elaboratable, Module

from engram.arch.commands import Command, Fault, Opcode
from hdl.ring.checks import Checks
from hdl.ring.operands import Operands
from tests.hdl.bench import simulate
from tests.hdl.ring.descriptors import CONFIG, POOLS, command, verdict

LATENCY = 9  # at most, as Checks says


class Joined(Elaboratable):
    """A descriptor and its checks."""

    def __init__(self):
        self.operands = Operands(CONFIG.address_bits)
        self.checks = Checks(CONFIG)

    def elaborate(self, platform):
        m = Module()
        m.submodules.operands = operands = self.operands
        m.submodules.checks = checks = self.checks
        m.d.comb += [
            checks.fields.eq(operands.fields),
            checks.well_formed.eq(operands.well_formed),
        ]
        return m


def verdicts(descriptors, selected=True):
    """Return the fault of each 64 bytes."""
    joined = Joined()
    faults = []

    async def bench(ctx):
        operands, checks = joined.operands, joined.checks
        for name, value in POOLS.items():
            ctx.set(getattr(checks, name), value)
        ctx.set(checks.selected, selected)
        for descriptor in descriptors:
            ctx.set(operands.begin, 1)
            await ctx.tick()
            ctx.set(operands.begin, 0)
            ctx.set(operands.word_valid, 1)
            for place in range(8):
                word = descriptor[8 * place : 8 * place + 8]
                ctx.set(operands.word, int.from_bytes(word, "little"))
                await ctx.tick()
            ctx.set(operands.word_valid, 0)
            await ctx.tick()
            ctx.set(checks.start, 1)
            await ctx.tick()
            ctx.set(checks.start, 0)
            for _ in range(LATENCY):
                if ctx.get(checks.done):
                    break
                await ctx.tick()
            assert ctx.get(checks.done), "no verdict in time"
            faults.append(Fault(ctx.get(checks.fault)))
            await ctx.tick()

    simulate(joined, bench)
    return faults


@pytest.mark.parametrize("selected", [True, False])
def test_every_descriptor_gets_the_verdict_of_the_plain_integers(selected) -> None:
    random = Random(selected)
    commands = [command(random) for _ in range(1500)]
    expected = [verdict(each, selected) for each in commands]
    found = verdicts([each.pack() for each in commands], selected)
    for each, fault, right in zip(commands, found, expected, strict=True):
        assert fault is right, each
    reached = set(expected)
    if selected:
        assert reached == {
            Fault.OK, Fault.BAD_COMMAND, Fault.BAD_RANGE, Fault.OUT_OF_POOL, Fault.UNSUPPORTED_LAW
        }
    else:
        assert Fault.NO_SPACE in reached


def test_no_reserved_bit_may_be_set() -> None:
    sound = Command(Opcode.FENCE).pack()
    broken = []
    for byte in (3, *range(48, 64)):
        descriptor = bytearray(sound)
        descriptor[byte] = 0x80 >> byte % 8
        broken.append(bytes(descriptor))
    assert verdicts([sound, *broken, sound]) == [
        Fault.OK, *[Fault.BAD_COMMAND] * len(broken), Fault.OK
    ]


def test_operands_move_on_as_told() -> None:
    unit = Operands(CONFIG.address_bits)
    given = Command(Opcode.GATHER, address=0, count=700, buffer=0x2000, indices=0x3008, tag=5)
    found = []

    async def bench(ctx):
        async def pulse(name, **values):
            for key, value in values.items():
                ctx.set(getattr(unit, key), value)
            ctx.set(getattr(unit, name), 1)
            await ctx.tick()
            ctx.set(getattr(unit, name), 0)
            fields = unit.fields
            found.append(
                tuple(
                    ctx.get(getattr(fields, name))
                    for name in ("address", "count", "buffer", "indices", "tag")
                )
            )

        await pulse("begin")
        descriptor = given.pack()
        for place in range(8):
            word = int.from_bytes(descriptor[8 * place : 8 * place + 8], "little")
            await pulse("word_valid", word=word)
        found.clear()
        await pulse("load_address", loaded=(1 << 64) - 3)
        await pulse("step", step_words=512)
        await pulse("skip", skip_words=15)

    simulate(unit, bench)
    assert found == [
        ((1 << 64) - 3, 700, 0x2000, 0x3008, 5),
        (509, 188, 0x3000, 0x3008, 5),
        (509, 188, 0x3000, 0x3080, 5),
    ]
