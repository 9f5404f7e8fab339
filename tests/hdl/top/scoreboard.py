"""Everything done twice, by the accelerator and by the golden model, and compared."""

from collections.abc import Iterable

import numpy as np
from cocotbext.axi import AxiResp

from engram.arch.accelerator import AcceleratorConfig
from engram.arch.commands import (
    COMPLETION_BYTES,
    DESCRIPTOR_BYTES,
    Command,
    Completion,
    Fault,
)
from engram.arch.page_table import BUCKET_BYTES, BUCKET_SLOTS, CONTINUES, VALID, frame_of
from engram.arch.regs import REGISTERS
from engram.arch.seeds import feistel_keys
from sim.golden.accelerator import GoldenAccelerator
from tests.hdl.top.board import (
    BUFFER_END,
    BUFFERS,
    COMPLETIONS,
    FRAMES,
    RING,
    TABLE_END,
    TABLES,
    Board,
)
from tests.hdl.top.coverage import COVERAGE
from tests.hdl.top.memory import DRAM_BYTES, Failure
from tests.hdl.top.sampling import sample_burst, sample_command, sample_table
from tests.hdl.window.ends import Burst

__all__ = ["SEED", "Scoreboard"]

SEED = 0x1337_BEEF_CAFE_BABE
MOST_CLOCKS = 1 << 24


class Scoreboard:
    """A board beside the golden accelerator over a DRAM of its own.

    After every batch of commands all of DRAM (so completions, buffers, page table, free list and
    frames), the head of the ring, STATUS, IRQ_STATUS, FRAMES_USED and the interrupt line are the
    same on both sides, but for the clocks of completions, which must be there.
    """

    def __init__(self, board: Board) -> None:
        self.board = board
        self.bytes = np.zeros(DRAM_BYTES, np.uint8)
        self.golden = GoldenAccelerator(AcceleratorConfig(), self.bytes)
        self.tail = 0
        self.log2 = 4
        self.buckets_log2 = 4
        self.seen: set[int] = set()  # frames that ever held a page
        self.pages: dict[int, tuple[int, int, int]] = {}  # as sampled last

    async def open(
        self, *, frames: int = 64, buckets_log2: int = 4, log2: int = 4, control: int = 7
    ) -> None:
        """Set every register and enable the ring."""
        self.log2, self.buckets_log2, self.tail = log2, buckets_log2, 0
        self.seen, self.pages = set(), {}
        await self.write("CONTROL", 0)
        await self.board.wait_idle()
        settings = {
            "RING_TAIL": 0,
            "RING_BASE": RING,
            "COMPLETION_BASE": COMPLETIONS,
            "BUFFER_BASE": BUFFERS,
            "BUFFER_LIMIT": BUFFER_END,
            "TABLE_BASE": TABLES,
            "TABLE_LIMIT": TABLE_END,
            "FRAME_BASE": FRAMES,
            "FRAME_COUNT": frames,
            "RING_LOG2": log2,
            "IRQ_ENABLE": 0xF,
            "CONTROL": control,
        }
        for name, value in settings.items():
            await self.write(name, value)
        self.store(TABLES, np.zeros((TABLE_END - TABLES) // 8, np.uint64))

    async def write(self, name: str, value: int) -> None:
        """Write a register on both sides."""
        await self.board.write(name, value)
        for place, half in enumerate(REGISTERS.values[name]):
            self.golden.write(half.offset, value >> 32 * place & 0xFFFF_FFFF)

    def store(self, address: int, words: Iterable[int]) -> None:
        """Put words into DRAM on both sides."""
        content = np.array(words if isinstance(words, np.ndarray) else list(words), np.uint64)
        piece = slice(address, address + content.nbytes)
        for array in (self.board.array, self.bytes):
            array[piece] = content.view(np.uint8)

    def words(self, address: int, count: int) -> list[int]:
        """Return words of the accelerator's DRAM."""
        return self.board.array[address : address + 8 * count].view("<u8").tolist()

    def selection(self, **changes) -> Command:
        """Return the SELECT of this board's space."""
        fields = {
            "law": 1,
            "seed": SEED,
            "keys": feistel_keys(SEED),
            "table": TABLES,
            "buckets_log2": self.buckets_log2,
        }
        return Command.select(**{**fields, **changes})

    def give(self, *commands: Command | bytes) -> None:
        """Put descriptors behind those given before, without a doorbell."""
        for command in commands:
            place = self.tail % (1 << self.log2)
            packed = command if isinstance(command, bytes) else command.pack()
            self.store(RING + DESCRIPTOR_BYTES * place, np.frombuffer(packed, "<u8"))
            self.tail += 1

    async def run(
        self, *commands: Command | bytes, excuse: Iterable[tuple[int, int]] = ()
    ) -> list[Completion]:
        """Have commands carried out on both sides, compare, and return their completions.

        ``excuse`` names bytes, first and how many, that an error leaves undefined.
        """
        first = self.tail
        self.give(*commands)
        await self.board.write("RING_TAIL", self.tail)
        halted = not await self.board.wait_head(self.tail)
        self.golden.write(REGISTERS["RING_TAIL"].offset, self.tail)
        await self.compare(excuse)
        done = await self.board.read("RING_HEAD") if halted else self.tail
        completions = [
            self.board.completion(place % (1 << self.log2)) for place in range(first, done)
        ]
        for command, completion in zip(commands, completions, strict=False):
            sample_command(command, completion)
        self._sample(commands[0] if len(commands) == 1 else None)
        return completions

    async def ok(self, *commands: Command) -> list[Completion]:
        """Have commands carried out that come to nothing but OK."""
        completions = await self.run(*commands)
        assert [done.fault for done in completions] == [Fault.OK] * len(commands), completions
        return completions

    async def fault(self, command: Command | bytes, excuse=()) -> Completion:
        """Have one command carried out, and return its completion."""
        (completion,) = await self.run(command, excuse=excuse)
        return completion

    async def window_read(self, burst: Burst) -> list[tuple[int, int]]:
        """Read the window on both sides, compare, and return data and responses."""
        beats = await self.board.window.read(burst)
        self.check_read(burst, beats)
        return beats

    def check_read(self, burst: Burst, beats: list[tuple[int, int]]) -> None:
        """Compare what came at the window with the golden model, now."""
        expected = [(0, int(AxiResp.SLVERR))] * burst.beats
        if not burst.refused:
            expected = []
            for address in burst.addresses(self.golden.config.window_bits):
                ((word, fault),) = self.golden.window_read(address // 8, 1)
                expected.append((0, 2) if fault else (word, 0))
                if fault:
                    COVERAGE.hit(f"window.read.{fault.name}")
        assert beats == expected, burst
        sample_burst("read", burst)

    async def window_write(self, burst: Burst, words: list[int], strobes: list[int]) -> int:
        """Write the window on both sides, compare the response, and return it."""
        response = await self.board.window.write(burst, words, strobes)
        self.check_write(burst, words, strobes, response)
        return response

    def check_write(
        self, burst: Burst, words: list[int], strobes: list[int], response: int
    ) -> None:
        """Do in the golden model what was written at the window, and compare the response."""
        failed = burst.refused
        if not burst.refused:
            addresses = burst.addresses(self.golden.config.window_bits)
            for address, word, strobe in zip(addresses, words, strobes, strict=True):
                fault = self.golden.window_write(
                    address // 8, np.array([word], np.uint64), np.array([strobe], np.uint8)
                )
                if fault:
                    failed = True
                    COVERAGE.hit(f"window.write.{fault.name}")
        assert response == (2 if failed else 0), burst
        sample_burst("write", burst, strobes)

    def fail(
        self, requester: str, address: int, size: int = 8, *, write: bool = False,
        response: AxiResp = AxiResp.SLVERR,
    ) -> None:
        """Have a range of DRAM answer with an error from now on, on both sides."""
        name = f"error.{requester}.{response.name}"
        self.board.memory.failures.append(
            Failure(address, size, write, response, tell=lambda: COVERAGE.hit(name))
        )
        failing = self.golden.dram.failing_writes if write else self.golden.dram.failing_reads
        failing.update(range(address, address + size))

    def mend(self) -> None:
        """Have all of DRAM answer again."""
        self.board.memory.failures.clear()
        self.golden.dram.failing_writes.clear()
        self.golden.dram.failing_reads.clear()

    def golden_reset(self) -> None:
        """Begin anew with a golden model over the DRAM that is there."""
        self.golden = GoldenAccelerator(AcceleratorConfig(), self.bytes)

    async def compare(self, excuse: Iterable[tuple[int, int]] = ()) -> None:
        """Compare the two sides, now that both have nothing to do."""
        ours, theirs = self.board.array, self.bytes
        self._compare_clocks()
        for start, size in excuse:
            theirs[start : start + size] = ours[start : start + size]
        if not np.array_equal(ours, theirs):
            places = np.flatnonzero(ours.view("<u8") != theirs.view("<u8"))
            found = [
                f"{8 * at:#x}: {int(ours.view('<u8')[at]):#x}, not "
                f"{int(theirs.view('<u8')[at]):#x}"
                for at in places[:8]
            ]
            raise AssertionError(f"{len(places)} words of DRAM differ: {'; '.join(found)}")
        await self.board.wait_idle()
        for name in ("RING_HEAD", "FRAMES_USED", "IRQ_STATUS", "STATUS"):
            seen = await self.board.read(name)
            expected = self.golden.read(REGISTERS[name].offset)
            assert seen == expected, f"{name} is {seen:#x}, not {expected:#x}"
        assert bool(int(self.board.dut.irq.value)) == self.golden.irq

    def _compare_clocks(self) -> None:
        """Take over the clocks, which the golden model does not know."""
        size = COMPLETION_BYTES << self.log2
        ours, theirs = (
            array[COMPLETIONS : COMPLETIONS + size].view("<u8").reshape(-1, 4)
            for array in (self.board.array, self.bytes)
        )
        assert (ours[:, 3] < MOST_CLOCKS).all()
        theirs[:, 3] = ours[:, 3]

    def table(self) -> dict[int, tuple[int, int, int]]:
        """Return bucket, slot and frame of every page in the table."""
        size = BUCKET_BYTES << self.buckets_log2
        buckets = self.board.array[TABLES : TABLES + size].view("<u8").reshape(-1, 16)
        found = {}
        for bucket, slot in np.argwhere(buckets[:, :BUCKET_SLOTS] & np.uint64(VALID)).tolist():
            page = int(buckets[bucket, slot]) & ~(VALID | CONTINUES)
            frame = frame_of(int(buckets[bucket, BUCKET_SLOTS + slot]))
            found[page] = bucket, slot, frame
        return found

    def _sample(self, command: Command | bytes | None) -> None:
        pages = self.table()
        sample_table(command, self.pages, pages, self.seen, self.buckets_log2)
        self.seen.update(frame for _, _, frame in pages.values())
        self.pages = pages

    def occupy(self, bucket: int, slots: int, frame: int = 0) -> None:
        """Put pages of no meaning into the first slots of a bucket, as a host might."""
        for slot in range(slots):
            key = VALID | 1 << 50 | bucket << 8 | slot
            self.enter(bucket, slot, key, frame)

    def enter(self, bucket: int, slot: int, key: int, frame: int) -> None:
        """Put a key and a frame's number into the table; INVALIDATE is up to the caller."""
        place = TABLES + BUCKET_BYTES * bucket + 8 * slot
        self.store(place, [key])
        self.store(place + 8 * BUCKET_SLOTS, [frame])
        self.pages = self.table()
