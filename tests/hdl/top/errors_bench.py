"""Benches of errors of the bus, one for each thing that is read or written in DRAM."""

from cocotbext.axi import AxiResp

from engram.arch.commands import Command, Fault, Opcode
from engram.arch.page_table import bucket_of
from engram.arch.pages import PAGE_WORDS
from tests.hdl.top.benches import bench, start
from tests.hdl.top.board import BUFFERS, COMPLETIONS, FRAMES, RING, TABLES
from tests.hdl.top.coverage import COVERAGE
from tests.hdl.top.paging_bench import INDICES, INVALIDATE, erase, read, write
from tests.hdl.window.ends import Burst

RESPONSES = (AxiResp.SLVERR, AxiResp.DECERR)


def each_response(run):
    async def both(dut):
        board = await start(dut)
        for response in RESPONSES:
            await run(board, response)
            board.mend()
            await board.open()
            await board.ok(board.selection())

    both.__name__ = both.__qualname__ = run.__name__
    both.__module__ = run.__module__
    return bench(both)


async def expect(board, fault, *commands):
    for command in commands:
        assert (await board.fault(command)).fault == fault, command


@each_response
async def what_cannot_be_read_is_not_moved(board, response):
    await board.ok(write(0, 8))
    board.fail("buffer_read", BUFFERS + 8 * 6, response=response)
    await expect(board, Fault.READ_ERROR, write(0, 7))
    board.mend()
    board.fail("buffer_read", BUFFERS + 8 * 511, response=response)
    # Nothing is published for a page whose first content cannot be read; its frame is kept.
    await expect(board, Fault.READ_ERROR, write(1, PAGE_WORDS))
    assert await board.board.read("FRAMES_USED") == 1
    board.mend()
    await board.ok(write(2))
    COVERAGE.hit("pool.kept")
    board.fail("frame_read", FRAMES + 8 * 3, response=response)
    await expect(board, Fault.READ_ERROR, read(0, 4))
    await board.window_read(Burst(0, 4))
    board.mend()
    await board.ok(read(0, 4))


@each_response
async def addresses_that_cannot_be_read_end_a_command(board, response):
    board.store(INDICES, range(1000, 1020))
    board.fail("index", INDICES + 128, response=response)
    where = {"count": 20, "indices": INDICES, "buffer": BUFFERS}
    for opcode in (Opcode.GATHER, Opcode.SCATTER):
        done = await board.fault(Command(opcode, **where))
        assert (done.fault, done.done, done.address) == (Fault.READ_ERROR, 16, 0)


@each_response
async def tables_that_cannot_be_read_end_a_command(board, response):
    page = next(page for page in range(99) if bucket_of(page, 4) == 5)
    board.store(INDICES, [page * PAGE_WORDS])
    board.fail("table_read", TABLES + 5 * 128 + 16, response=response)
    await expect(
        board, Fault.READ_ERROR, read(page), write(page), erase(page), erase(page, 3),
        Command(Opcode.GATHER, count=1, indices=INDICES, buffer=BUFFERS),
        Command(Opcode.SCATTER, count=1, indices=INDICES, buffer=BUFFERS),
    )
    await board.window_read(Burst(page * 4096))
    board.mend()
    await board.ok(read(page))


@each_response
async def what_cannot_be_written_is_told(board, response):
    await board.ok(write(0))
    board.store(INDICES, [5])
    board.fail("buffer_write", BUFFERS + 0x4000 + 8, write=True, response=response)
    board.fail("frame_write", FRAMES + 8 * 5, write=True, response=response)
    at = {"address": 0, "count": 2, "buffer": BUFFERS + 0x4000}
    await expect(
        board, Fault.WRITE_ERROR, Command(Opcode.FILL, **at), Command(Opcode.READ, **at),
        Command(Opcode.GATHER, count=1, indices=INDICES, buffer=BUFFERS + 0x4008),
        write(0, 6), erase(0, 6),
        Command(Opcode.SCATTER, count=1, indices=INDICES, buffer=BUFFERS),
    )
    await board.window_write(Burst(40), [9], [255])
    board.mend()


@each_response
async def a_page_that_cannot_be_entered_keeps_its_frame(board, response):
    bucket = bucket_of(3, 4)
    board.fail("table_write", TABLES + 128 * bucket + 64, write=True, response=response)
    await expect(board, Fault.WRITE_ERROR, write(3))
    board.mend()
    await board.ok(write(3))
    assert board.table()[3][2] == 0
    board.fail("table_write", TABLES + 128 * bucket, write=True, response=response)
    await expect(board, Fault.WRITE_ERROR, erase(3))
    board.mend()
    await board.ok(INVALIDATE, read(3))


@each_response
async def free_frames_that_cannot_be_linked_are_lost(board, response):
    await board.ok(write(0), write(1))
    board.fail("link_write", FRAMES, write=True, response=response)
    await expect(board, Fault.WRITE_ERROR, erase(0))
    board.mend()
    await board.ok(erase(1))
    board.fail("link_read", FRAMES + 4096, response=response)
    await expect(board, Fault.READ_ERROR, write(2))
    board.mend()
    await board.ok(write(2))


@each_response
async def a_ring_that_cannot_be_read_or_written_halts(board, response):
    for requester, address, writes, fault in (
        ("descriptor", RING + 64 + 8, False, Fault.READ_ERROR),
        ("completion", COMPLETIONS + 32 + 8, True, Fault.WRITE_ERROR),
    ):
        board.fail(requester, address, write=writes, response=response)
        await board.open()
        await board.run(board.selection(), read(0))
        assert await board.board.read("RING_HEAD") == 1
        assert await board.board.read("STATUS") >> 8 & 0xFF == fault
        COVERAGE.hit(f"ring.{requester}_lost")
        board.mend()
        await board.open()
        await board.ok(board.selection(), read(0))
        COVERAGE.hit("ring.enabled_anew")
