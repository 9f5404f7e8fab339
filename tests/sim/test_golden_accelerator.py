"""The golden accelerator: what each command does to memory, and each fault that it can come to."""

from dataclasses import replace

import pytest

from engram.arch.commands import Command, Completion, Fault, Flag, Opcode
from engram.arch.laws import LAWS
from engram.arch.page_table import NO_FRAME
from engram.arch.pages import PAGE_BYTES, PAGE_WORDS
from engram.arch.regs import ABI_MAJOR, IDENTITY, REGISTERS
from engram.arch.seeds import feistel_keys
from engram.errors import DeviceFault
from sim.golden.laws import generate
from tests.sim.golden_bench import BUFFER, FRAMES, INDICES, RING, SEED, TABLE, Bench
from tests.sim.golden_bench import COMPLETIONS as RECORDS

LAST = 2**64 - 1


def made(first: int, count: int, law: int = 1) -> list[int]:
    return [generate(LAWS[law], SEED, first + i) for i in range(count)]


@pytest.fixture
def bench() -> Bench:
    """An accelerator whose space is selected."""
    bench = Bench()
    bench.select()
    return bench


def test_registers_say_what_was_built() -> None:
    bench = Bench()
    assert bench.read("ID") == IDENTITY
    assert bench.field("ABI", "MAJOR") == ABI_MAJOR
    assert bench.read("LAWS") == 0b1110
    assert (bench.field("SHAPE", "REGIONS"), bench.field("SHAPE", "ADDRESS_BITS")) == (2, 40)
    assert bench.read("STATUS") == 1
    assert bench.read("FRAME_BASE") == FRAMES


def test_registers_keep_their_rules() -> None:
    bench = Bench()
    for name in ("ID", "STATUS", "RING_HEAD"):
        with pytest.raises(DeviceFault, match=f"register {name} is "):
            bench.write(name, 0)
    for offset in (0x78, 0x1000):
        with pytest.raises(DeviceFault, match="no register at"):
            bench.dut.read(offset)
    with pytest.raises(ValueError, match="offset must be a multiple of 4, not 2"):
        bench.dut.read(2)
    bench.write("FRAME_COUNT", 0xFFFF_FFFF)
    assert bench.read("FRAME_COUNT") == 0xF_FFFF
    bench.write("COMMAND", 0)
    assert bench.read("COMMAND") == 0


@pytest.mark.parametrize("law", [1, 2, 3])
def test_unwritten_words_are_generated(law) -> None:
    bench = Bench()
    bench.select(law=law)
    for first, count in ((0, 5), (LAST - 2, 3), (510, 600)):
        assert bench.get(first, count) == made(first, count, law)
        assert bench.get(first, count, opcode=Opcode.FILL) == made(first, count, law)
        assert bench.get(first, count, law=2) == made(first, count, 2)


def test_a_feistel_law_takes_the_keys_as_they_are_given() -> None:
    bench = Bench()
    select = Command.select(
        law=1, seed=0, keys=feistel_keys(SEED), table=TABLE, buckets_log2=1
    )
    bench.run(select)
    assert bench.get(7, 4) == made(7, 4)


def test_the_first_write_frames_a_page_and_the_words_beside_it_stay_generated(bench) -> None:
    completion = bench.put(1000, [1, 2, 3])
    assert (completion.done, completion.address, completion.clocks) == (3, 0, 0)
    assert bench.get(995, 12) == [*made(995, 5), 1, 2, 3, *made(1003, 4)]
    assert bench.table.pages() == {1: 0}
    frame = bench.at(FRAMES, PAGE_WORDS).tolist()
    assert frame == [*made(512, 488), 1, 2, 3, *made(1003, 21)]
    assert bench.read("FRAMES_USED") == 1
    assert bench.get(1000, 3, opcode=Opcode.FILL) == made(1000, 3)


def test_another_law_makes_the_words_of_pages_without_a_frame_only(bench) -> None:
    bench.put(5, [7])
    assert bench.get(510, 4, law=2) == [*made(510, 2), *made(512, 2, 2)]


def test_a_whole_page_is_written_without_generating(bench) -> None:
    bench.write("COMMAND", 1)
    before = bench.read("WORDS_GENERATED")
    assert bench.put(300, list(range(212 + 512 + 3))).done == 727
    bench.write("COMMAND", 1)
    assert bench.read("WORDS_GENERATED") - before == 2 * 512
    assert bench.read("FRAMES_TAKEN") == 3
    assert bench.get(300, 727) == list(range(727))
    assert bench.get(1027, 2) == made(1027, 2)


def test_gather_and_scatter_go_by_the_array_of_addresses(bench) -> None:
    addresses = [LAST, 5, 5, 1 << 40, 513]
    bench.at(INDICES, 5)[:] = addresses
    bench.at(BUFFER, 5)[:] = [1, 2, 3, 4, 5]
    assert bench.do(Opcode.SCATTER, count=5, buffer=BUFFER, indices=INDICES).done == 5
    assert bench.do(Opcode.GATHER, count=5, buffer=BUFFER, indices=INDICES).done == 5
    assert bench.at(BUFFER, 5).tolist() == [1, 3, 3, 4, 5]
    bench.do(Opcode.GATHER, count=5, buffer=BUFFER, indices=INDICES, flags=Flag.GENERATED)
    assert bench.at(BUFFER, 5).tolist() == [generate(LAWS[1], SEED, at) for at in addresses]


def test_erasing_a_page_gives_its_frame_back_and_a_part_is_generated_again(bench) -> None:
    bench.put(0, [9] * 1536)
    assert bench.do(Opcode.ERASE, address=500, count=600).done == 1
    assert bench.get(498, 4) == [9, 9, *made(500, 2)]
    assert bench.get(512, 512) == made(512, 512)
    assert bench.get(1098, 4) == [*made(1098, 2), 9, 9]
    assert bench.table.pages() == {0: 0, 2: 2}
    assert bench.read("FRAMES_USED") == 2
    assert bench.at(FRAMES + PAGE_BYTES, 1)[0] == NO_FRAME
    assert bench.do(Opcode.ERASE, address=LAST - 511, count=512).done == 0
    bench.put(1 << 20, [1])
    assert bench.table.pages()[1 << 11] == 1


def test_frames_that_were_given_back_come_again_last_first(bench) -> None:
    bench.put(0, [1] * 4 * 512)
    for page in (1, 3, 0):
        bench.do(Opcode.ERASE, address=512 * page, count=512)
    links = [int(bench.at(FRAMES + PAGE_BYTES * frame, 1)[0]) for frame in (0, 3, 1)]
    assert links == [3, 1, NO_FRAME]
    for page in (10, 11, 12, 13):
        bench.put(512 * page, [page])
    assert bench.table.pages() == {2: 2, 10: 0, 11: 3, 12: 1, 13: 4}


def test_an_exhausted_pool_refuses_and_changes_nothing() -> None:
    bench = Bench(frames=2)
    bench.select()
    assert bench.put(0, [1] * 1024).fault is Fault.OK
    completion = bench.put(1000, [2] * 100, Fault.NO_FRAME)
    assert (completion.done, completion.address) == (24, 1024)
    assert bench.get(1022, 4) == [2, 2, *made(1024, 2)]
    bench.do(Opcode.ERASE, address=0, count=512)
    bench.put(1024, [3])
    assert bench.get(1024, 2) == [3, *made(1025, 1)]


def test_a_full_table_refuses_and_loses_no_frame() -> None:
    bench = Bench(frames=30, buckets_log2=0)
    bench.select()
    for page in range(8):
        bench.put(512 * page, [page])
    bench.put(512 * 99, [1], Fault.TABLE_FULL)
    assert bench.read("FRAMES_USED") == 8
    assert [bench.get(512 * page, 1) for page in range(8)] == [[page] for page in range(8)]


def test_a_region_synthesises_what_is_not_written(bench) -> None:
    bench.do(Opcode.MAP, address=4, count=2, buffer=77)
    completion = bench.do(
        Opcode.READ, address=2000, count=100, buffer=BUFFER, fault=Fault.SYNTHESISED
    )
    assert (completion.done, completion.address) == (48, 2048)
    bench.put(2050, [1], Fault.SYNTHESISED)
    assert bench.read("FRAMES_USED") == 0
    assert bench.get(2048, 3, opcode=Opcode.FILL) == made(2048, 3)
    bench.put(2048, [6] * 512)
    assert bench.get(2048, 2) == [6, 6]
    bench.do(Opcode.ERASE, address=2050, count=2, fault=Fault.SYNTHESISED)
    assert bench.do(Opcode.ERASE, address=2048, count=512).done == 1
    bench.do(Opcode.UNMAP, address=4)
    assert bench.get(2048, 2) == made(2048, 2)


def test_regions_do_not_overlap(bench) -> None:
    bench.do(Opcode.MAP, address=10, count=5)
    for address, count in ((14, 1), (9, 2), (0, 100)):
        bench.do(Opcode.MAP, address=address, count=count, fault=Fault.REGION_CLASH)
    bench.do(Opcode.MAP, address=15, count=1)
    bench.do(Opcode.MAP, address=30, count=1, fault=Fault.REGION_CLASH)  # there are two entries
    bench.do(Opcode.UNMAP, address=11, fault=Fault.NO_REGION)
    bench.do(Opcode.UNMAP, address=10)
    bench.do(Opcode.MAP, address=9, count=6)
    bench.select()
    bench.do(Opcode.UNMAP, address=9, fault=Fault.NO_REGION)


MOVE = Command(Opcode.READ, address=0, count=1, buffer=BUFFER)


def test_what_walks_found_is_remembered_until_invalidated(bench) -> None:
    assert bench.get(5, 1) == made(5, 1)
    bench.table.claim(0)
    table = bench.table
    table.claim(0)
    table.insert(0, 3)
    bench.at(FRAMES + 3 * PAGE_BYTES, 6)[5] = 42
    assert bench.get(5, 1) == made(5, 1)
    bench.do(Opcode.INVALIDATE)
    assert bench.get(5, 1) == [42]


def test_many_commands_go_through_a_short_ring(bench) -> None:
    for round_ in range(5):
        for _ in range(4):
            bench.place(replace(MOVE, tag=bench.tail))
        bench.write("RING_TAIL", bench.tail)
        assert bench.read("RING_HEAD") == bench.tail == 4 * round_ + 5
        assert [bench.completion(n).tag for n in range(bench.tail - 4, bench.tail)] == list(
            range(bench.tail - 4, bench.tail)
        )


def test_an_interrupt_is_raised_by_those_who_ask_for_it(bench) -> None:
    bench.write("IRQ_STATUS", 0b1111)
    bench.run(MOVE)
    assert not bench.dut.irq
    bench.run(replace(MOVE, flags=Flag.INTERRUPT))
    assert bench.read("IRQ_STATUS") == 1
    assert bench.dut.irq
    bench.write("IRQ_STATUS", 1)
    assert not bench.dut.irq
    bench.run(replace(MOVE, count=0), fault=Fault.BAD_RANGE)
    assert bench.read("IRQ_STATUS") == 2


def halted_with(bench: Bench, fault: Fault) -> None:
    assert bench.field("STATUS", "HALTED") == 1
    assert bench.field("STATUS", "HALT_FAULT") == fault
    assert bench.read("IRQ_STATUS") & 4
    head = bench.read("RING_HEAD")
    bench.write("RING_TAIL", head + 1)
    assert bench.read("RING_HEAD") == head
    bench.write("CONTROL", 0)
    assert bench.field("STATUS", "HALTED") == bench.read("RING_HEAD") == 0


def test_a_doorbell_too_far_ahead_halts_the_ring(bench) -> None:
    bench.write("RING_TAIL", bench.tail + 5)
    halted_with(bench, Fault.BAD_RING)


@pytest.mark.parametrize(
    ("kind", "at", "fault"),
    [("failing_reads", RING, Fault.READ_ERROR), ("failing_writes", RECORDS, Fault.WRITE_ERROR)],
)
def test_a_ring_that_cannot_be_reached_halts(kind, at, fault) -> None:
    bench = Bench()
    setattr(bench.dut.dram, kind, {at})
    bench.place(Command(Opcode.FENCE))
    bench.write("RING_TAIL", 1)
    halted_with(bench, fault)


def test_disabling_forgets_all_but_registers(bench) -> None:
    bench.put(0, [1])
    bench.write("CONTROL", 0)
    assert bench.read("STATUS") == 1
    assert bench.read("FRAMES_USED") == bench.read("RING_HEAD") == 0
    assert bench.read("RING_TAIL") == bench.tail
    bench.tail = 0
    bench.write("RING_TAIL", 0)
    bench.write("CONTROL", 1)
    bench.run(MOVE, fault=Fault.NO_SPACE)


def test_every_register_can_be_read() -> None:
    bench = Bench()
    for register in REGISTERS:
        assert bench.dut.read(register.offset) >= 0
    assert isinstance(bench.completion(0), Completion)
