"""The faults that the golden accelerator's commands come to, and what they leave as it was."""

from dataclasses import replace

import numpy as np
import pytest

from engram.arch.commands import Command, Fault, Flag, Opcode
from engram.arch.laws import LAWS
from engram.arch.pages import PAGE_BYTES
from sim.golden.laws import generate
from tests.sim.golden_bench import BUFFER, FRAMES, INDICES, RING, SEED, TABLE, Bench

LAST = 2**64 - 1


def made(first: int, count: int) -> list[int]:
    return [generate(LAWS[1], SEED, first + i) for i in range(count)]


@pytest.fixture
def bench() -> Bench:
    """An accelerator whose space is selected."""
    bench = Bench()
    bench.select()
    return bench


MOVE = Command(Opcode.READ, address=0, count=1, buffer=BUFFER)
LIMIT = BUFFER + 0x1_0000
WRONG = [
    (replace(MOVE, opcode=0), Fault.BAD_COMMAND),
    (replace(MOVE, opcode=12), Fault.BAD_COMMAND),
    (replace(MOVE, indices=8), Fault.BAD_COMMAND),
    (replace(MOVE, buckets_log2=1), Fault.BAD_COMMAND),
    (replace(MOVE, flags=Flag.GENERATED), Fault.BAD_COMMAND),
    (replace(MOVE, flags=4), Fault.BAD_COMMAND),
    (replace(MOVE, opcode=Opcode.WRITE, law=1), Fault.BAD_COMMAND),
    (replace(MOVE, opcode=Opcode.ERASE), Fault.BAD_COMMAND),
    (Command(Opcode.GATHER, 1, 1, BUFFER, INDICES), Fault.BAD_COMMAND),
    (Command(Opcode.SCATTER, 1, 1, BUFFER, INDICES), Fault.BAD_COMMAND),
    (Command(Opcode.UNMAP, 1, 1), Fault.BAD_COMMAND),
    (Command(Opcode.UNMAP, 1, 0, 1), Fault.BAD_COMMAND),
    (Command(Opcode.FENCE, 1), Fault.BAD_COMMAND),
    (Command(Opcode.INVALIDATE, law=1), Fault.BAD_COMMAND),
    (Command(Opcode.SELECT, indices=TABLE), Fault.BAD_COMMAND),
    (replace(MOVE, count=0), Fault.BAD_RANGE),
    (replace(MOVE, count=1 << 32), Fault.BAD_RANGE),
    (replace(MOVE, address=LAST, count=2), Fault.BAD_RANGE),
    (replace(MOVE, buffer=BUFFER + 4), Fault.BAD_RANGE),
    (Command(Opcode.GATHER, 0, 1, BUFFER, INDICES + 1), Fault.BAD_RANGE),
    (Command(Opcode.ERASE, 0, 0), Fault.BAD_RANGE),
    (Command(Opcode.MAP, 0, 0), Fault.BAD_RANGE),
    (Command(Opcode.MAP, (1 << 55) - 1, 2), Fault.BAD_RANGE),
    (Command(Opcode.UNMAP, 1 << 55), Fault.BAD_RANGE),
    (Command(Opcode.SELECT, indices=TABLE + 64, law=1), Fault.BAD_RANGE),
    (Command(Opcode.SELECT, indices=TABLE, law=1, buckets_log2=25), Fault.BAD_RANGE),
    (Command(Opcode.SELECT, indices=TABLE, law=1, buckets_log2=24), Fault.OUT_OF_POOL),
    (Command(Opcode.SELECT, indices=TABLE - 128, law=1), Fault.OUT_OF_POOL),
    (replace(MOVE, buffer=LIMIT - 8, count=2), Fault.OUT_OF_POOL),
    (replace(MOVE, buffer=BUFFER - 8), Fault.OUT_OF_POOL),
    (replace(MOVE, count=(1 << 32) - 1), Fault.OUT_OF_POOL),
    (Command(Opcode.GATHER, 0, 2, BUFFER, LIMIT - 8), Fault.OUT_OF_POOL),
    (replace(MOVE, law=4), Fault.UNSUPPORTED_LAW),
    (replace(MOVE, law=200, opcode=Opcode.FILL), Fault.UNSUPPORTED_LAW),
    (Command(Opcode.SELECT, indices=TABLE, law=4), Fault.UNSUPPORTED_LAW),
]


@pytest.mark.parametrize(("command", "fault"), WRONG)
def test_what_a_command_must_not_say_is_refused(bench, command, fault) -> None:
    before = bench.memory.copy()
    completion = bench.run(command, fault=fault)
    assert (completion.done, completion.address) == (0, 0)
    changed = np.flatnonzero(bench.memory != before)
    assert all(at < TABLE - RING for at in changed.tolist())  # but for ring and completions
    assert bench.field("STATUS", "SELECTED") == 1
    assert bench.get(3, 1) == made(3, 1)


@pytest.mark.parametrize(("byte", "value"), [(3, 1), (48, 1), (63, 0x80)])
def test_reserved_bits_must_be_zero(bench, byte, value) -> None:
    packed = bytearray(MOVE.pack())
    packed[byte] = value
    bench.place(bytes(packed))
    bench.write("RING_TAIL", bench.tail)
    assert bench.completion(bench.tail - 1).fault is Fault.BAD_COMMAND


def test_the_earlier_check_counts() -> None:
    bench = Bench()
    bench.run(replace(MOVE, count=0, indices=8), fault=Fault.BAD_COMMAND)
    bench.run(replace(MOVE, count=0), fault=Fault.NO_SPACE)
    for opcode in (Opcode.FENCE, Opcode.INVALIDATE):
        bench.do(opcode)
    bench.select()
    bench.run(replace(MOVE, count=0, buffer=8, law=4), fault=Fault.BAD_RANGE)
    bench.run(replace(MOVE, buffer=8, law=4), fault=Fault.OUT_OF_POOL)


def test_a_word_that_cannot_be_read_takes_the_rest_of_its_piece_with_it_and_no_more(bench) -> None:
    bench.put(509, [1, 2, 3, 4])
    bench.dut.dram.failing_reads = {FRAMES + 8 * 510}
    bench.at(BUFFER, 4)[:] = 9
    completion = bench.do(
        Opcode.READ, address=509, count=4, buffer=BUFFER, fault=Fault.READ_ERROR
    )
    assert (completion.done, completion.address) == (4, 0)
    assert bench.at(BUFFER, 4).tolist() == [1, 9, 9, 4]


def test_a_write_that_fails_is_a_fault_and_the_command_goes_on(bench) -> None:
    bench.dut.dram.failing_writes = {BUFFER + 8}
    bench.at(BUFFER, 600)[:] = 9
    completion = bench.do(
        Opcode.READ, address=0, count=600, buffer=BUFFER, fault=Fault.WRITE_ERROR
    )
    assert completion.done == 600
    assert bench.at(BUFFER, 600).tolist() == [*made(0, 1), 9, *made(2, 598)]


def test_a_frame_that_cannot_be_filled_is_kept_for_the_next_page(bench) -> None:
    bench.dut.dram.failing_writes = {FRAMES + 800}
    completion = bench.put(700, [5], Fault.WRITE_ERROR)
    assert (completion.done, completion.address) == (0, 700)
    assert bench.read("FRAMES_USED") == 0
    assert bench.table.pages() == {}
    bench.dut.dram.failing_writes = set()
    bench.put(100, [5])
    assert bench.table.pages() == {0: 0}


def test_a_damaged_free_list_is_a_fault_once_and_later_frames_are_found(bench) -> None:
    bench.put(0, [1] * 1024)
    bench.do(Opcode.ERASE, address=0, count=1024)
    bench.at(FRAMES + PAGE_BYTES, 1)[0] = 17
    bench.put(0, [2], Fault.BAD_FRAME)
    bench.put(0, [2])
    assert bench.table.pages() == {0: 2}
