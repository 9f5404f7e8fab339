"""Benches of the page table, the frame pool, the regions and the TLB."""

from engram.arch.commands import Command, Fault, Opcode
from engram.arch.page_table import MAX_PROBES, VALID, bucket_of
from engram.arch.pages import PAGE_WORDS
from tests.hdl.top.benches import bench, start
from tests.hdl.top.board import BUFFERS, FRAMES
from tests.hdl.top.coverage import COVERAGE
from tests.hdl.window.ends import Burst

INVALIDATE = Command(Opcode.INVALIDATE)
INDICES = BUFFERS + 0x8000


def write(page, count=1, offset=0):
    return Command(
        Opcode.WRITE, address=page * PAGE_WORDS + offset, count=count, buffer=BUFFERS
    )


def read(page, count=1):
    return Command(Opcode.READ, address=page * PAGE_WORDS, count=count, buffer=BUFFERS + 0x4000)


def erase(page, count=PAGE_WORDS):
    return Command(Opcode.ERASE, address=page * PAGE_WORDS, count=count)


def of_bucket(bucket, count, log2=4):
    """Return pages whose walk begins with a bucket."""
    pages = (page for page in range(1 << 20) if bucket_of(page, log2) == bucket)
    return [next(pages) for _ in range(count)]


async def each_way(board, page, *, gather, scatter):
    """Have one word of a page read, gathered, written and scattered; return the faults."""
    board.store(INDICES, [page * PAGE_WORDS])
    where = {"count": 1, "indices": INDICES, "buffer": BUFFERS}
    done = [await board.fault(command) for command in (
        read(page), Command(Opcode.GATHER, **where), write(page),
        Command(Opcode.SCATTER, **where),
    )]
    assert [d.fault for d in done] == [gather, gather, scatter, scatter]
    assert all(d.address == page * PAGE_WORDS for d in done if d.fault)
    return done


@bench
async def pages_find_a_slot_wherever_there_is_one(dut):
    board = await start(dut)
    pages = of_bucket(12, 20)
    for slot in range(8):
        board.occupy(12, slot)
        await board.ok(INVALIDATE, write(pages[slot]))
    for full in (1, 2, 5, 7):
        for bucket in range(12, 12 + full):
            board.occupy(bucket % 16, 8)
        await board.ok(INVALIDATE)
        await board.ok(write(pages[8 + full]))
        await board.ok(INVALIDATE)
        await board.ok(read(pages[8 + full]))
    await board.ok(erase(pages[15]))
    await board.ok(write(pages[16]))
    COVERAGE.hit("table.slot_again")


@bench
async def a_table_without_a_slot_is_full(dut):
    board = await start(dut)
    for bucket in range(MAX_PROBES):
        board.occupy(bucket, 8)
    await board.ok(INVALIDATE)
    (page,) = of_bucket(0, 1)
    await each_way(board, page, gather=Fault.OK, scatter=Fault.TABLE_FULL)
    await board.window_write(Burst(page * 4096), [1], [255])
    await board.ok(read(page))


@bench
async def frames_are_given_back_and_run_out(dut):
    board = await start(dut, frames=3)
    await board.ok(write(0), write(1), write(2, PAGE_WORDS))
    await each_way(board, 3, gather=Fault.OK, scatter=Fault.NO_FRAME)
    await board.window_write(Burst(3 * 4096), [1], [255])
    COVERAGE.hit("pool.exhausted")
    await board.ok(erase(1))
    await board.ok(erase(0))
    await board.ok(write(7), write(8))
    await board.ok(erase(8))
    board.store(FRAMES, [77])  # frame 0 is free: its link now names no frame
    board.store(FRAMES + 4096, [77])
    done = await board.fault(write(9))
    assert done.fault == Fault.BAD_FRAME
    COVERAGE.hit("pool.list_lost")
    await board.fault(write(9))


@bench
async def frames_outside_the_pool_are_never_touched(dut):
    board = await start(dut, frames=8)
    (page,) = of_bucket(3, 1)
    board.enter(3, 2, VALID | page, 8)
    await board.ok(INVALIDATE)
    await each_way(board, page, gather=Fault.BAD_FRAME, scatter=Fault.BAD_FRAME)
    for count in (3, PAGE_WORDS):
        assert (await board.fault(erase(page, count))).fault == Fault.BAD_FRAME
    await board.window_read(Burst(page * 4096))
    await board.window_write(Burst(page * 4096), [1], [255])


@bench
async def pages_of_regions_are_not_made_up(dut):
    board = await start(dut)
    await board.ok(write(21))
    regions = [Command(Opcode.MAP, address=20 + 10 * n, count=3, buffer=n) for n in range(8)]
    await board.ok(*regions)
    for address in (22, 19, 200):
        command = Command(Opcode.MAP, address=address, count=2)
        assert (await board.fault(command)).fault == Fault.REGION_CLASH
    COVERAGE.hit("region.overlap")
    COVERAGE.hit("region.full")
    for _ in range(2):
        await each_way(board, 20, gather=Fault.SYNTHESISED, scatter=Fault.SYNTHESISED)
    await board.window_read(Burst(20 * 4096, 4))
    await board.window_write(Burst(20 * 4096), [1], [255])
    await board.ok(read(21, 3), write(21, 2, 7))
    COVERAGE.hit("region.framed_page")
    assert (await board.fault(erase(21, 9))).fault == Fault.SYNTHESISED
    await board.ok(write(22, PAGE_WORDS), read(22, 5), erase(22))
    COVERAGE.hit("region.whole_write")
    assert (await board.fault(Command(Opcode.UNMAP, address=21))).fault == Fault.NO_REGION
    await board.ok(Command(Opcode.UNMAP, address=20), read(20), write(20), erase(21, 9))
    COVERAGE.hit("region.unmapped_again")


@bench
async def the_tlb_forgets_only_what_it_should(dut):
    board = await start(dut)
    before = await board.board.counters()
    await board.ok(*(read(page) for page in range(14)))
    await board.ok(*(read(page) for page in range(14)))
    middle = await board.board.counters()
    assert middle["TLB_MISSES"] - before["TLB_MISSES"] == 14
    assert middle["TLB_HITS"] - before["TLB_HITS"] == 14
    await board.ok(*(read(page) for page in range(14, 24)))
    await board.ok(write(20), read(20), read(0), erase(20), read(20), INVALIDATE, read(20))
    after = await board.board.counters()
    # Page 0 was replaced, and of 20 nothing is known once erased, nor after INVALIDATE.
    assert after["TLB_MISSES"] - middle["TLB_MISSES"] == 10 + 3
    for name in ("TLB_HITS", "TLB_MISSES", "PROBES", "FRAMES_TAKEN"):
        COVERAGE.hit(f"counter.{name}")
