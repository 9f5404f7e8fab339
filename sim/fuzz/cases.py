"""Makes cases out of seeds: valid traffic, and all that a broken or hostile host may do."""

import random
from collections.abc import Sequence
from dataclasses import replace

from engram.arch.commands import Command, Flag, Opcode
from engram.arch.page_table import (
    BUCKET_BYTES,
    BUCKET_SLOTS,
    CONTINUES,
    LAST_SLOT,
    PAGE_NUMBER_BITS,
    VALID,
)
from engram.arch.pages import MASK64, PAGE_BITS, PAGE_BYTES, PAGE_WORDS
from sim.fuzz.steps import (
    BASE,
    COMPLETIONS,
    DATA,
    DRAM_BYTES,
    FRAMES,
    INDICES,
    MAX_BUCKETS,
    MAX_FRAMES,
    MAX_RING,
    RING,
    TABLE,
    Area,
    Batch,
    Case,
    Fail,
    FailBeat,
    Heal,
    Level,
    Poke,
    Restart,
    SetRegister,
    Step,
    WindowRead,
    WindowWrite,
)
from sim.verilated.bus import Direction

__all__ = ["make_case"]

_LONGEST_ERASE = 1 << 12  # words; an honest one of 2**32 would take hours
_OPCODES = {
    Opcode.FILL: 4,
    Opcode.READ: 10,
    Opcode.GATHER: 8,
    Opcode.WRITE: 14,
    Opcode.SCATTER: 8,
    Opcode.ERASE: 9,
    Opcode.MAP: 3,
    Opcode.UNMAP: 2,
    Opcode.SELECT: 1,
    Opcode.INVALIDATE: 2,
    Opcode.FENCE: 1,
}
_EDGES = (0, 1, 2, 511, 512, 513, 1 << 32, (1 << 32) - 1, 1 << 55, 1 << 63, MASK64, MASK64 - 511)


def make_case(seed: int) -> Case:
    """Return the case of a seed."""
    return _Author(seed).case()


class _Author:
    """Draws a case from one source of randomness."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.random = rng = random.Random(seed)
        self.kind = rng.choices(
            ("plain", "broken", "table", "range", "walk", "wild", "beat", "both"),
            (22, 16, 12, 12, 10, 8, 6, 14),
        )[0]
        self.level = {
            "range": Level.STRUCTURE,
            "walk": Level.STRUCTURE,
            "wild": Level.SAFETY,
            "beat": Level.SAFETY,
            "both": Level.SAFETY,
        }.get(self.kind, Level.EXACT)
        self.buckets_log2 = rng.randint(0, MAX_BUCKETS)
        self.frames = rng.choice((0, 1, 2, 3, 4, 6, MAX_FRAMES))
        self.ring_log2 = rng.randint(1, MAX_RING)
        # Two pages may share a frame where the table is made up: what a command reads of a frame
        # beside its words, the link in the free list, then depends on how far its writes are.
        self.single_pieces = self.kind in ("table", "wild") or rng.random() < 0.1
        first = rng.choice((0, (1 << PAGE_NUMBER_BITS) - 4, rng.getrandbits(PAGE_NUMBER_BITS - 1)))
        near = [first + n for n in range(3)]
        apart = 1 << rng.choice((0, 1, 2, 9, 20))
        self.pages = [*near, *((first ^ apart << n) & MASK64 >> PAGE_BITS for n in range(3))]
        self.window_pages = self.pages
        if self.kind == "both":
            self.window_pages = [(page ^ 64) & MASK64 >> PAGE_BITS for page in self.pages[:3]]
        seed = rng.getrandbits(64)
        a, b, c, d = (rng.getrandbits(32) for _ in range(4))
        self.select = Command.select(
            law=1,
            seed=seed,
            keys=(a, b, c, d),
            table=TABLE.first,
            buckets_log2=self.buckets_log2,
        )
        self.tag = 0

    def case(self) -> Case:
        rng = self.random
        dram = bytearray(rng.randbytes(DRAM_BYTES))
        size = BUCKET_BYTES << self.buckets_log2
        table = self._table() if self.kind in ("table", "wild") else bytes(size)
        dram[TABLE.slice] = table.ljust(TABLE.limit - TABLE.first, b"\xa5")
        steps: list[Step] = [self._indices(), Batch((self._descriptor(self.select),))]
        for _ in range(rng.randint(2, 5) + 4 * (self.kind == "walk")):
            steps += self._part()
        slow = rng.random() < 0.3
        return Case(
            seed=self.seed,
            level=self.level,
            ring_log2=self.ring_log2,
            buckets_log2=self.buckets_log2,
            frames=self.frames,
            latency=(rng.randint(0, 60 if slow else 20), rng.randint(0, 60 if slow else 20)),
            stall=rng.choice((0.0, 0.0, 0.1, 0.3, 0.6)),
            select=self.select,
            dram=bytes(dram),
            steps=tuple(steps),
            keeps_words=self.kind != "wild" and not self.single_pieces,
        )

    def _part(self) -> list[Step]:
        """Return a few steps that belong together."""
        rng = self.random
        steps: list[Step] = []
        if rng.random() < 0.4:
            steps.append(self._indices())
        if self.kind == "range":
            steps.append(Heal() if rng.random() < 0.3 else self._fail())
        elif self.kind == "walk":
            # What the TLB still holds is not asked again, and the golden one holds more.
            steps.append(Heal() if rng.random() < 0.4 else self._fail_table())
            invalidate = self._descriptor(Command(Opcode.INVALIDATE))
            command = self._command()
            if rng.random() < 0.5:
                page = rng.choice(self.pages)
                command = Command(Opcode.WRITE, page << PAGE_BITS, 1, DATA.first)
            return [*steps, Batch((invalidate,)), Batch((self._descriptor(command),))]
        elif self.kind == "beat":
            direction = rng.choice(list(Direction))
            steps.append(FailBeat(direction, int(rng.expovariate(1 / 60))))
        choice = rng.random()
        if self.kind == "both":
            steps.append(self._batch(tuple(self._window() for _ in range(rng.randint(1, 3)))))
        elif choice < 0.25:
            steps.append(self._window())
        elif choice < 0.32 and self.kind != "beat":
            steps.append(self._control())
            steps.append(self._window())
        elif choice < 0.37:
            steps += [Restart(), Batch((self._descriptor(self.select),))]
        elif choice < 0.40 and self.kind == "broken":
            steps += [self._bad_register(), self._batch(), Restart()]
            steps.append(Batch((self._descriptor(self.select),)))
        elif choice < 0.45 and self.kind == "table":
            steps.append(Poke(TABLE.first, self._table()))
            steps.append(Batch((self._descriptor(Command(Opcode.INVALIDATE)),)))
        elif choice < 0.55 and self.single_pieces and self.frames:
            steps += self._scribble()
        else:
            steps.append(self._batch())
        return steps

    def _scribble(self) -> list[Step]:
        """Have a frame given back, write into it as if it were the host's, and have it taken."""
        rng = self.random
        page = rng.choice(self.pages) << PAGE_BITS
        write = Command(Opcode.WRITE, page, 1, DATA.first)
        erase = Command(Opcode.ERASE, page, PAGE_WORDS)
        links = rng.choice((rng.randrange(MAX_FRAMES + 1), rng.getrandbits(64)))
        return [
            Batch((self._descriptor(write), self._descriptor(erase))),
            *(
                Poke(FRAMES.first + frame * PAGE_BYTES, links.to_bytes(8, "little"))
                for frame in range(self.frames)
            ),
            Batch((self._descriptor(write),)),
        ]

    def _batch(self, traffic: tuple[WindowRead | WindowWrite, ...] = ()) -> Batch:
        rng = self.random
        room = 1 << self.ring_log2
        count = min(room, rng.randint(1, 6))
        if traffic and rng.random() < 0.1:
            return Batch(self._descriptors(count), cut=int(rng.expovariate(1 / 500)))
        return Batch(self._descriptors(count), traffic)

    def _descriptors(self, count: int) -> tuple[bytes, ...]:
        return tuple(self._any_descriptor() for _ in range(count))

    def _any_descriptor(self) -> bytes:
        rng = self.random
        command = self._command()
        if self.kind != "broken" or rng.random() < 0.4:
            return self._descriptor(command)
        if rng.random() < 0.1:
            return rng.randbytes(64)
        field = rng.choice(
            ("opcode", "flags", "law", "address", "count", "buffer", "indices", "buckets_log2")
        )
        value = getattr(command, field)
        width = 8 if field in ("opcode", "flags", "law") else 64
        edges = (
            *_EDGES,
            value ^ 1 << rng.randrange(width),
            value + rng.choice((-8, -1, 1, 8)),
            rng.choice((INDICES.first, DATA.limit, TABLE.first, TABLE.limit)) - rng.choice((0, 8)),
            -8 * command.count + DATA.limit + rng.choice((0, 0, 8)),
        )
        broken = replace(command, **{field: rng.choice(edges) & (1 << width) - 1})
        packed = bytearray(self._descriptor(broken))
        if rng.random() < 0.08:
            packed[rng.choice((3, 48, 63))] ^= 1 << rng.randrange(8)
        return bytes(packed)

    def _descriptor(self, command: Command) -> bytes:
        """Give a command its tag; leave out what would take too long, or has no defined order."""
        self.tag += 1
        if command.opcode == Opcode.ERASE and _LONGEST_ERASE < command.count < 1 << 32:
            command = replace(command, count=command.count % _LONGEST_ERASE)
        size = 8 * command.count
        if command.opcode == Opcode.GATHER and Area(
            command.indices, command.indices + size
        ).overlaps(command.buffer, command.buffer + size):
            command = replace(command, count=1, indices=INDICES.first, buffer=DATA.first)
        return replace(command, tag=self.tag * 0x01010101 & 0xFFFFFFFF).pack()

    def _command(self) -> Command:
        rng = self.random
        opcode = rng.choices(list(_OPCODES), list(_OPCODES.values()))[0]
        if self.kind == "both" and opcode in (Opcode.SELECT, Opcode.MAP):
            opcode = Opcode.READ
        flags = rng.choice((0, 0, Flag.INTERRUPT))
        if opcode == Opcode.SELECT:
            return replace(self.select, flags=flags)
        if opcode in (Opcode.INVALIDATE, Opcode.FENCE):
            return Command(opcode, flags=flags)
        page = rng.choice(self.pages)
        if opcode in (Opcode.MAP, Opcode.UNMAP):
            pages = rng.choice((1, 1, 2, 3, 1 << 20)) if opcode == Opcode.MAP else 0
            return Command(opcode, page, pages, 7 * pages, flags=flags)
        law = rng.choice((0, 0, 0, 1, 2)) if opcode <= Opcode.GATHER else 0
        if opcode in (Opcode.GATHER, Opcode.SCATTER):
            count = rng.choice((1, 2, 15, 16, 17, rng.randint(1, 40)))
            if opcode == Opcode.SCATTER and self.single_pieces:
                count = 1
            if opcode == Opcode.GATHER and rng.random() < 0.3:
                flags |= Flag.GENERATED
            room = (INDICES.limit - INDICES.first) // 8 - count
            indices = INDICES.first + 8 * rng.randint(0, room)
            return Command(
                opcode, 0, count, self._buffer(opcode, count), indices, law=law, flags=flags
            )
        place = rng.choice((0, 0, PAGE_WORDS - 1, rng.randrange(PAGE_WORDS)))
        left = PAGE_WORDS - place
        count = rng.choice((1, rng.randint(1, 40), min(rng.randint(1, 40), left), left))
        if not self.single_pieces and rng.random() < 0.15:
            count = left + rng.choice((1, PAGE_WORDS, PAGE_WORDS + 3))
        if self.single_pieces:
            count = min(count, left)
        address = page << PAGE_BITS | place
        count = max(min(count, MASK64 + 1 - address), 1)
        buffer = self._buffer(opcode, count) if opcode != Opcode.ERASE else 0
        return Command(opcode, address, count, buffer, law=law, flags=flags)

    def _buffer(self, opcode: Opcode, count: int) -> int:
        """Return a place for so many words; where words are kept in mind, sources never change."""
        first, words = DATA.first, (DATA.limit - DATA.first) // 8
        if self.level is Level.SAFETY:
            words //= 2
            first += 8 * words * (opcode in (Opcode.FILL, Opcode.READ, Opcode.GATHER))
        room = words - count
        return first + 8 * self.random.choice((0, room, self.random.randint(0, room)))

    def _indices(self) -> Poke:
        """Return addresses for GATHER and SCATTER."""
        rng = self.random
        addresses = [
            rng.choice(self.pages) << PAGE_BITS | rng.choice((0, rng.randrange(PAGE_WORDS)))
            for _ in range((INDICES.limit - INDICES.first) // 8)
        ]
        for _ in range(rng.choice((0, 0, 3, 30))):
            addresses[rng.randrange(len(addresses))] = rng.getrandbits(64)
        return Poke(INDICES.first, b"".join(at.to_bytes(8, "little") for at in addresses))

    def _window(self) -> WindowRead | WindowWrite:
        rng = self.random
        place = rng.choice((0, rng.randrange(PAGE_WORDS)))
        count = rng.choice((1, 8, 16, rng.randint(1, 40), rng.randint(1, 40), rng.randint(1, 160)))
        count = min(count, PAGE_WORDS - place)
        address = rng.choice(self.window_pages) << PAGE_BITS | place
        burst = rng.choice((1, 4, 16, 256))
        if rng.random() < 0.5:
            return WindowRead(address, count, burst)
        if self.single_pieces:
            count = 1  # a bad link fails a whole piece, but only the first word of the golden model
        words = tuple(rng.getrandbits(64) for _ in range(count))
        whole = rng.random() < 0.6
        strobes = tuple(0xFF if whole else rng.choice((0, 1, rng.getrandbits(8))) for _ in words)
        return WindowWrite(
            address, words, strobes, burst, (rng.choice((0, 9)), rng.choice((0, 0, 17)))
        )

    def _control(self) -> SetRegister:
        rng = self.random
        return rng.choice(
            (
                SetRegister("CONTROL", 1 | rng.randrange(4) << 1),
                SetRegister("IRQ_STATUS", rng.randrange(16)),
                SetRegister("IRQ_ENABLE", rng.randrange(16)),
            )
        )

    def _bad_register(self) -> SetRegister:
        rng = self.random
        return rng.choice(
            (
                SetRegister("RING_TAIL", rng.getrandbits(32)),
                SetRegister("RING_LOG2", rng.randint(13, 15)),
                SetRegister("RING_BASE_LO", 0),
                SetRegister("COMPLETION_BASE_LO", 0),
            )
        )

    def _fail(self) -> Fail:
        """Let a range of buffers or frames fail, or of the ring."""
        rng = self.random
        direction = Direction(self.seed & 1)  # of both, the order in which they show is not told
        area = rng.choice((DATA, FRAMES, FRAMES, COMPLETIONS))
        if direction is Direction.READS:
            area = rng.choice((DATA, FRAMES, FRAMES, RING))
        return self._fail_within(area, direction, rng.choice((1, 64, 5000)))

    def _fail_table(self) -> Fail:
        """Let words of the page table fail: any, or keys of slots that are used first."""
        rng = self.random
        direction = rng.choice(list(Direction))
        if rng.random() < 0.4:
            return self._fail_within(TABLE, direction, rng.choice((1, 8, 64)))
        bucket = TABLE.first + rng.randrange(1 << self.buckets_log2) * BUCKET_BYTES
        first = bucket + 8 * rng.choice((0, 0, 1, BUCKET_SLOTS))
        return Fail(direction, first, first + 8)

    def _fail_within(self, area: Area, direction: Direction, size: int) -> Fail:
        first = self.random.randrange(area.first, area.limit)
        return Fail(direction, first, min(first + size, area.limit))

    def _table(self) -> bytes:
        """Return buckets with anything in them."""
        rng = self.random
        words: list[int] = []
        for _ in range(1 << self.buckets_log2):
            keys = [self._key() for _ in range(BUCKET_SLOTS)]
            if rng.random() < 0.4:
                # Only the last slot is free, or has one of the pages.
                keys[:LAST_SLOT] = [
                    VALID | rng.getrandbits(PAGE_NUMBER_BITS) for _ in range(LAST_SLOT)
                ]
                keys[LAST_SLOT] = rng.choice((0, VALID | rng.choice(self.pages)))
            if self.kind == "table" or rng.random() < 0.5:
                # Without it a page may come to light when another one is entered.
                keys[LAST_SLOT] |= CONTINUES
            frames = [
                rng.choice((rng.randrange(MAX_FRAMES + 1), rng.getrandbits(64)))
                for _ in range(BUCKET_SLOTS)
            ]
            words += keys + frames
        return b"".join(word.to_bytes(8, "little") for word in words)

    def _key(self) -> int:
        rng = self.random
        return self._one_of(
            (
                0,
                VALID | rng.choice(self.pages),
                VALID | rng.choice(self.pages) | rng.getrandbits(7) << PAGE_NUMBER_BITS,
                rng.getrandbits(64) & ~VALID,
                VALID | rng.getrandbits(PAGE_NUMBER_BITS),
            )
        )

    def _one_of(self, values: Sequence[int]) -> int:
        return self.random.choice(values)


assert BASE % PAGE_BYTES == 0
