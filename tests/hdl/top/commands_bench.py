"""Benches of every command: what it does, and each way in which it is refused."""

from dataclasses import replace

from engram.arch.commands import Command, Fault, Flag, Opcode
from engram.arch.pages import PAGE_WORDS, SPACE_WORDS
from tests.hdl.top.benches import bench, start
from tests.hdl.top.board import BUFFER_END, BUFFERS, TABLE_END
from tests.hdl.top.coverage import COVERAGE

GOOD = {
    Opcode.FILL: Command(Opcode.FILL, address=7, count=3, buffer=BUFFERS),
    Opcode.READ: Command(Opcode.READ, address=7, count=3, buffer=BUFFERS),
    Opcode.GATHER: Command(Opcode.GATHER, count=3, buffer=BUFFERS, indices=BUFFERS + 4096),
    Opcode.WRITE: Command(Opcode.WRITE, address=7, count=3, buffer=BUFFERS),
    Opcode.SCATTER: Command(Opcode.SCATTER, count=3, buffer=BUFFERS, indices=BUFFERS + 4096),
    Opcode.ERASE: Command(Opcode.ERASE, address=7, count=3),
    Opcode.MAP: Command(Opcode.MAP, address=100, count=2, buffer=1 << 63),
    Opcode.UNMAP: Command(Opcode.UNMAP, address=100),
    Opcode.INVALIDATE: Command(Opcode.INVALIDATE),
    Opcode.FENCE: Command(Opcode.FENCE),
}
MOVES = (Opcode.FILL, Opcode.READ, Opcode.GATHER, Opcode.WRITE, Opcode.SCATTER)


async def all_fault(board, fault, *commands):
    """Have commands carried out that all come to the same fault and stop nowhere."""
    for start_of in range(0, len(commands), 16):
        for done in await board.run(*commands[start_of : start_of + 16]):
            assert (done.fault, done.done, done.address) == (fault, 0, 0), done


@bench
async def nothing_works_before_a_space_is_selected(dut):
    board = await start(dut, select=False)
    needy = [c for o, c in GOOD.items() if o not in (Opcode.INVALIDATE, Opcode.FENCE)]
    await all_fault(board, Fault.NO_SPACE, *needy)
    await board.ok(GOOD[Opcode.FENCE], GOOD[Opcode.INVALIDATE])
    await board.ok(board.selection())
    await board.ok(*GOOD.values())


@bench
async def malformed_descriptors_are_refused(dut):
    board = await start(dut)
    good = {**GOOD, Opcode.SELECT: board.selection()}
    names = {
        "address": (Opcode.GATHER, Opcode.SCATTER, Opcode.INVALIDATE, Opcode.FENCE),
        "count": (Opcode.UNMAP, Opcode.INVALIDATE, Opcode.FENCE),
        "buffer": (Opcode.ERASE, Opcode.UNMAP, Opcode.INVALIDATE, Opcode.FENCE),
        "indices": (Opcode.FILL, Opcode.READ, Opcode.WRITE, Opcode.ERASE, Opcode.MAP),
        "buckets_log2": (Opcode.FILL, Opcode.GATHER, Opcode.SCATTER, Opcode.UNMAP),
        "law": (Opcode.WRITE, Opcode.SCATTER, Opcode.ERASE, Opcode.MAP, Opcode.FENCE),
    }
    bad = [replace(good[o], **{field: 8}) for field, opcodes in names.items() for o in opcodes]
    bad += [replace(command, flags=4) for command in good.values()]
    bad += [replace(c, flags=Flag.GENERATED) for o, c in good.items() if o != Opcode.GATHER]
    bad += [replace(good[Opcode.SELECT], law=0), Command(0), Command(12), Command(255)]
    await all_fault(board, Fault.BAD_COMMAND, *bad)
    reserved = []
    for place in (3, 48, 63):
        packed = bytearray(good[Opcode.FILL].pack())
        packed[place] = 1
        reserved.append(bytes(packed))
    await all_fault(board, Fault.BAD_COMMAND, *reserved)


@bench
async def ranges_are_checked(dut):
    board = await start(dut)
    counted = [GOOD[o] for o in (*MOVES, Opcode.ERASE)]
    bad = [replace(command, count=count) for command in counted for count in (0, 1 << 32)]
    bad += [replace(GOOD[o], buffer=BUFFERS + 4) for o in MOVES]
    bad += [
        replace(GOOD[o], indices=BUFFERS + 1) for o in (Opcode.GATHER, Opcode.SCATTER)
    ]
    bad += [
        replace(GOOD[o], address=SPACE_WORDS - 2)
        for o in (Opcode.FILL, Opcode.READ, Opcode.WRITE, Opcode.ERASE)
    ]
    bad += [
        Command(Opcode.MAP, address=1 << 55, count=1),
        Command(Opcode.MAP, address=(1 << 55) - 1, count=2),
        Command(Opcode.MAP, address=1),
        Command(Opcode.UNMAP, address=1 << 55),
        board.selection(table=BUFFERS + 64),
        board.selection(buckets_log2=25),
        board.selection(buckets_log2=1 << 40),
    ]
    await all_fault(board, Fault.BAD_RANGE, *bad)


@bench
async def nothing_outside_the_pools_is_touched(dut):
    board = await start(dut)
    outside = (BUFFERS - 8, BUFFER_END - 16, BUFFER_END, 0, BUFFERS + (1 << 40), 1 << 63)
    bad = [replace(GOOD[o], buffer=place) for o in MOVES for place in outside]
    bad += [
        replace(GOOD[o], indices=place)
        for o in (Opcode.GATHER, Opcode.SCATTER)
        for place in outside
    ]
    bad += [
        board.selection(table=TABLE_END),
        board.selection(table=0),
        board.selection(table=TABLE_END - 128, buckets_log2=1),
        board.selection(buckets_log2=24),
    ]
    await all_fault(board, Fault.OUT_OF_POOL, *bad)
    last = replace(GOOD[Opcode.FILL], buffer=BUFFER_END - 24)
    await board.ok(last, board.selection(table=TABLE_END - 128, buckets_log2=0))


@bench
async def laws_that_are_not_built_are_refused(dut):
    board = await start(dut)
    named = [GOOD[o] for o in (Opcode.FILL, Opcode.READ, Opcode.GATHER)]
    bad = [replace(command, law=law) for command in named for law in (2, 255)]
    await all_fault(board, Fault.UNSUPPORTED_LAW, *bad, board.selection(law=3))
    await board.ok(*(replace(command, law=1) for command in named))


@bench
async def runs_of_all_lengths_are_moved(dut):
    board = await start(dut)
    chance = board.board.random
    end = SPACE_WORDS - 2 * PAGE_WORDS
    for base, lengths in (
        (0, (1, 3, PAGE_WORDS, 1100)), (200, (1, 312, 313)), (end + 500, (1, 524)),
    ):
        for length in lengths:
            buffer = BUFFERS + 8 * chance.randrange(1, 2000)
            content = [chance.getrandbits(64) for _ in range(length)]
            board.store(buffer, content)
            await board.ok(Command(Opcode.WRITE, address=base, count=length, buffer=buffer))
            back = buffer + 0x8000
            await board.ok(Command(Opcode.READ, address=base, count=length, buffer=back))
            assert board.words(back, length) == content
            await board.ok(
                Command(Opcode.FILL, address=base, count=length, buffer=back),
                Command(Opcode.ERASE, address=base, count=length),
                Command(Opcode.READ, address=base, count=length, buffer=buffer),
            )
            assert board.words(buffer, length) == board.words(back, length) != content
            await board.ok(Command(Opcode.ERASE, address=base, count=length))


@bench
async def pages_come_and_go(dut):
    board = await start(dut)
    whole = {"count": PAGE_WORDS, "buffer": BUFFERS}
    part = {"count": 9, "buffer": BUFFERS}
    erase = Command(Opcode.ERASE, address=0, count=PAGE_WORDS)
    board.store(BUFFERS, range(PAGE_WORDS))
    await board.ok(erase)
    for first, second in ((whole, part), (part, whole)):
        await board.ok(Command(Opcode.WRITE, address=0, **first))
        await board.ok(Command(Opcode.WRITE, address=0, **second))
        assert await board.board.read("FRAMES_USED") == 1
        await board.ok(Command(Opcode.ERASE, address=3, count=100))
        assert await board.board.read("FRAMES_USED") == 1
        (done,) = await board.ok(erase)
        assert done.done == 1
        assert await board.board.read("FRAMES_USED") == 0
        COVERAGE.hit("page.written_again")
    lone = Command(Opcode.WRITE, address=5 * PAGE_WORDS + 1, count=1, buffer=BUFFERS)
    await board.ok(lone, replace(erase, count=6 * PAGE_WORDS))
    assert await board.board.read("FRAMES_USED") == 0


@bench
async def arrays_of_addresses_are_gathered_and_scattered(dut):
    board = await start(dut)
    chance = board.board.random
    indices = BUFFERS + 0x20000
    for count, start_at, kind in (
        (1, 0, "1"), (16, 0, "batch"), (45, 24, "batches"), (20, 120, "batches"),
    ):
        pages = [chance.getrandbits(55) for _ in range(3)]
        addresses = [
            chance.choice(pages) * PAGE_WORDS + chance.randrange(PAGE_WORDS)
            for _ in range(count)
        ]
        addresses[-1] = addresses[0]
        board.store(indices + start_at, addresses)
        board.store(BUFFERS, [chance.getrandbits(64) for _ in range(count)])
        where = {"count": count, "indices": indices + start_at}
        await board.ok(Command(Opcode.SCATTER, buffer=BUFFERS, **where))
        await board.ok(
            Command(Opcode.GATHER, buffer=BUFFERS + 0x1000, **where),
            Command(Opcode.GATHER, buffer=BUFFERS + 0x2000, flags=Flag.GENERATED, **where),
        )
        written = dict(zip(addresses, board.words(BUFFERS, count), strict=True))
        assert board.words(BUFFERS + 0x1000, count) == [written[at] for at in addresses]
        COVERAGE.hit(f"indices.{kind}")
        if count > 1:
            COVERAGE.hit("indices.duplicate")
            COVERAGE.hit("indices.same_page")
