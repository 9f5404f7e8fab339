"""Benches of random work under random stalls: commands, window and both, in all orders."""

import random

from engram.arch.commands import Command, Flag, Opcode
from engram.arch.pages import PAGE_WORDS, SPACE_WORDS
from tests.hdl.top.benches import ROUNDS, bench, start
from tests.hdl.top.board import BUFFER_END, BUFFERS
from tests.hdl.top.window_bench import content
from tests.hdl.window.ends import random_burst

PAGES = (0, 1, 2, 3, 77, 1 << 40, (1 << 55) - 2, (1 << 55) - 1)
OPCODES = (
    Opcode.FILL, Opcode.READ, Opcode.READ, Opcode.GATHER, Opcode.WRITE, Opcode.WRITE,
    Opcode.SCATTER, Opcode.ERASE, Opcode.MAP, Opcode.UNMAP, Opcode.INVALIDATE, Opcode.FENCE,
)


def random_command(board, chance):
    """Return a command that mostly is in order, with addresses for it in DRAM if it needs any."""
    opcode = chance.choice(OPCODES)
    count = min(chance.choice((1, 5, 40, PAGE_WORDS, 700)), 1 + chance.randrange(800))
    address = chance.choice(PAGES) * PAGE_WORDS + chance.choice((0, 0, chance.randrange(512)))
    buffer = BUFFERS + 8 * chance.randrange((BUFFER_END - BUFFERS) // 16)
    flags = chance.choice((0, Flag.INTERRUPT))
    if opcode in (Opcode.GATHER, Opcode.SCATTER):
        count = min(count, 40)
        # The upper half holds addresses only, so no command of a batch writes those of another.
        indices = BUFFER_END - 320 * (1 + board.tail % 16 + len(chance.pending))
        chance.pending.append(indices)
        board.store(
            indices,
            [chance.choice(PAGES) * PAGE_WORDS + chance.randrange(512) for _ in range(count)],
        )
        return Command(opcode, count=count, buffer=buffer, indices=indices, flags=flags)
    if opcode == Opcode.MAP:
        return Command(opcode, address=chance.choice(PAGES), count=1, buffer=address, flags=flags)
    if opcode == Opcode.UNMAP:
        return Command(opcode, address=chance.choice(PAGES), flags=flags)
    if opcode in (Opcode.INVALIDATE, Opcode.FENCE):
        return Command(opcode, flags=flags)
    if address + count > SPACE_WORDS and chance.random() < 0.9:
        count = SPACE_WORDS - address
    where = {} if opcode == Opcode.ERASE else {"buffer": buffer}
    return Command(opcode, address=address, count=count, flags=flags, **where)


class Chance(random.Random):
    """Random numbers, and the arrays of addresses that the batch in the making has."""

    def __init__(self, seed):
        super().__init__(seed)
        self.pending = []


@bench
async def random_work_leaves_what_the_golden_model_has(dut):
    board = await start(dut, frames=6, buckets_log2=1)
    chance = Chance(20 + ROUNDS)
    board.store(BUFFERS, [chance.getrandbits(64) for _ in range((BUFFER_END - BUFFERS) // 8)])
    for number in range(5 * ROUNDS):
        board.board.stall(chance.choice((0, 0, 0.2, 0.6)))
        if number % 8 == 7:
            await board.open(frames=chance.randrange(1, 9), buckets_log2=chance.randrange(3))
            await board.ok(board.selection(seed=chance.getrandbits(64)))
        chance.pending.clear()
        batch = [random_command(board, chance) for _ in range(chance.randrange(1, 9))]
        await board.run(*batch)
        for _ in range(2):
            burst = random_burst(chance, 30)
            if chance.random() < 0.5:
                await board.window_read(burst)
            else:
                await board.window_write(burst, *content(board, burst))
        await board.compare()
