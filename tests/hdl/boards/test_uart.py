"""The serial line's two ends: every byte, wrong clocks, and what is no byte at all."""

import gc

import pytest

from hdl.boards.uart import UartReceiver, UartTransmitter
from tests.hdl.bench import simulate

BYTES = [0x00, 0xFF, 0x55, 0xAA, 0x5A, 0x01, 0x80, 0x7E, *range(0, 256, 37)]


def frame(byte: int, stop: int = 1) -> list[int]:
    return [0, *(byte >> bit & 1 for bit in range(8)), stop]


def hear(divisor: int, levels: list[tuple[int, float]]) -> list[tuple[bool, int]]:
    """Let a receiver hear levels, each for so many clocks; return what it found."""
    dut = UartReceiver(divisor)
    found = []

    async def bench(ctx) -> None:
        end = 0.0
        clock = 0
        for level, length in [*levels, (1, 3 * divisor)]:
            end += length
            ctx.set(dut.line, level)
            while clock < end:
                _, _, valid, bad, data = await ctx.tick().sample(
                    dut.o.valid, dut.o.bad, dut.o.data
                )
                if valid:
                    found.append((bool(bad), data))
                clock += 1

    simulate(dut, bench)
    return found


# At 25 clocks a bit 2 % off are a fifth of a bit by the stop bit; at 4, a quarter is lost already.
@pytest.mark.parametrize(
    ("divisor", "skew"), [(25, 0.0), (25, 0.02), (25, -0.02), (25, 0.04), (25, -0.04), (4, 0.0)]
)
def test_bytes_are_heard_whatever_the_senders_clock(divisor, skew) -> None:
    bit = divisor * (1 + skew)
    levels = [(level, bit) for byte in BYTES for level in frame(byte)]
    assert hear(divisor, levels) == [(False, byte) for byte in BYTES]


def test_a_byte_of_a_far_too_slow_sender_is_not_taken_for_another() -> None:
    levels = [(level, 25 * 1.12) for level in frame(0x55)]
    assert hear(25, levels) != [(False, 0x55)]


def test_a_missing_stop_bit_is_told_and_the_next_byte_is_heard() -> None:
    levels = [(level, 8) for level in frame(0x3C, stop=0)] + [(0, 30), (1, 9)]
    levels += [(level, 8) for level in frame(0xC3)]
    assert hear(8, levels) == [(True, 0x3C), (False, 0xC3)]


def test_a_short_dip_is_no_start_bit() -> None:
    levels = [(1, 8), (0, 3), (1, 40), *((level, 8) for level in frame(0x42))]
    assert hear(8, levels) == [(False, 0x42)]


@pytest.mark.parametrize("pause", [0, 13])
def test_bytes_are_sent_bit_by_bit(pause) -> None:
    divisor = 5
    dut = UartTransmitter(divisor)
    seen = []

    async def bench(ctx) -> None:
        for byte in BYTES:
            for _ in range(pause):
                _, _, level, ready = await ctx.tick().sample(dut.line, dut.i.ready)
                assert (level, ready) == (1, 1)
            ctx.set(dut.i.valid, 1)
            ctx.set(dut.i.payload, byte)
            _, _, level, ready = await ctx.tick().sample(dut.line, dut.i.ready)
            assert (level, ready) == (1, 1)
            ctx.set(dut.i.valid, 0)
            levels = []
            for _ in range(10 * divisor):
                _, _, level, ready = await ctx.tick().sample(dut.line, dut.i.ready)
                assert not ready
                levels.append(level)
            assert levels == [level for level in frame(byte) for _ in range(divisor)]
            seen.append(byte)

    simulate(dut, bench)
    assert seen == BYTES


@pytest.mark.filterwarnings("ignore:.*created but never used")
def test_a_divisor_that_leaves_no_middle_is_refused() -> None:
    for unit in (UartReceiver, UartTransmitter):
        with pytest.raises(ValueError, match="divisor must be at least 4, not 3"):
            unit(3)
    gc.collect()  # what was refused warns of its disuse now, while that is no error
