"""What the accelerator takes in clocks besides the pace of its commands: jobs, misses, window."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.ring_host import RingHost
from engram.arch.accelerator import AcceleratorConfig
from engram.arch.commands import Command, Opcode
from engram.arch.laws import LAWS
from engram.arch.page_table import (
    BUCKET_SLOTS,
    CONTINUES,
    LAST_SLOT,
    frame_word,
    key_word,
)
from engram.arch.pages import PAGE_WORDS, WORD_BYTES
from engram.arch.regs import REGISTERS
from engram.fpga.accelerator import Accelerator
from engram.fpga.backend import FpgaSpace
from sim.verilated.bus import VerilatedBus

__all__ = [
    "Call",
    "Miss",
    "driver_calls",
    "fill_pace",
    "job_clocks",
    "misses",
    "window_burst",
    "window_word",
]

LONE = 16  # commands of a batch, to tell what one more costs


@dataclass(frozen=True)
class Miss:
    """Extra clocks of a single word whose page the TLB does not know, over one that it knows.

    The least and the most over the slots of a bucket, or over buckets empty and full.
    """

    command: str
    page: str
    latency: int
    least: int
    most: int


@dataclass(frozen=True)
class Call:
    """What a call of the driver cost: accesses to registers, and doorbells and commands."""

    call: str
    accesses: int
    jobs: int
    commands: int


class CountingBus(VerilatedBus):
    """A bus that also counts the writes of the doorbell."""

    doorbells = 0

    def write(self, offset: int, value: int) -> None:
        self.doorbells += offset == REGISTERS["RING_TAIL"].offset
        super().write(offset, value)


def job_clocks(library: Path, latency: int) -> tuple[int, int]:
    """Return the clocks from doorbell to interrupt of a FENCE alone, and of one more behind it."""
    host = RingHost(library, latency=latency)
    alone = host.do(Command(Opcode.FENCE)).doorbell_clocks
    batch = host.do(*[Command(Opcode.FENCE)] * (1 + LONE)).doorbell_clocks
    host.bus.close()
    return alone, round((batch - alone) / LONE)


def misses(library: Path, latency: int) -> list[Miss]:
    """Return what misses cost a READ and a GATHER: for pages generated, framed, and displaced."""
    host = RingHost(library, latency=latency, buckets_log2=1)
    found = []
    for command, single in (("READ", _read), ("GATHER", _gather)):
        extra = []
        for full in (False, True):
            _fill_bucket(host, range(BUCKET_SLOTS) if full else ())
            extra.append(_extra(host, single, page=_page(0, BUCKET_SLOTS)))
        found.append(Miss(command, "generated", latency, min(extra), max(extra)))
        _fill_bucket(host, range(BUCKET_SLOTS))
        extra = [_extra(host, single, page=_page(0, slot)) for slot in range(BUCKET_SLOTS)]
        found.append(Miss(command, "framed", latency, min(extra), max(extra)))
        host.table[0, LAST_SLOT] |= np.uint64(CONTINUES)
        extra = []
        for slot in range(BUCKET_SLOTS):
            host.table[1] = 0
            _enter(host, 1, slot, _page(0, BUCKET_SLOTS))
            extra.append(_extra(host, single, page=_page(0, BUCKET_SLOTS)))
        found.append(Miss(command, "framed, in the next bucket", latency, min(extra), max(extra)))
    host.bus.close()
    return found


def _page(bucket: int, number: int) -> int:
    """Return the pages whose walk begins with a bucket of two, by number."""
    return 2 * number + bucket  # below 2**9 the hash is the page number itself


def _enter(host: RingHost, bucket: int, slot: int, page: int) -> None:
    host.table[bucket, slot] = key_word(page)
    host.table[bucket, BUCKET_SLOTS + slot] = frame_word(slot)


def _fill_bucket(host: RingHost, slots: range | tuple[()]) -> None:
    host.table[:] = 0
    for slot in slots:
        _enter(host, 0, slot, _page(0, slot))


def _read(host: RingHost, page: int) -> Command:
    return Command(Opcode.READ, page * PAGE_WORDS, 1, host.buffer)


def _gather(host: RingHost, page: int) -> Command:
    host.words[0] = page * PAGE_WORDS
    return Command(Opcode.GATHER, count=1, buffer=host.buffer + WORD_BYTES, indices=host.buffer)


def _extra(host: RingHost, single: Callable[[RingHost, int], Command], page: int) -> int:
    host.do(Command(Opcode.INVALIDATE))
    missed, hit = (host.do(single(host, page)).completions[0].clocks for _ in range(2))
    return missed - hit


def window_word(library: Path, latency: int, *, framed: bool) -> int:
    """Return the clocks from a window read's address to its word, on a page that the TLB knows.

    Both handshakes are on the outside of the port; an address that had to wait would count more.
    """
    host = RingHost(library, latency=latency)
    if framed:
        host.frame([0])
    host.bus.window_read(0, 1)
    clocks = host.clocks_of(lambda: host.bus.window_read(WORD_BYTES, 1))
    host.bus.close()
    return clocks - 1  # the clock of the address itself


def window_burst(library: Path, latency: int, *, framed: bool, writes: bool, words: int) -> int:
    """Return the clocks of a run of words through the window, in bursts of 256."""
    host = RingHost(library, latency=latency)
    if framed:
        host.frame(range(words // PAGE_WORDS))
    if writes:
        values = np.arange(words, dtype=np.uint64)
        clocks = host.clocks_of(lambda: host.bus.window_write(0, values))
    else:
        clocks = host.clocks_of(lambda: host.bus.window_read(0, words))
    host.bus.close()
    return clocks


def fill_pace(library: Path, law: int, words: int) -> float:
    """Return the words a clock of a FILL by a law, of a space of that law."""
    host = RingHost(library, law=law)
    job = host.do(Command(Opcode.FILL, 0, words, host.buffer))
    host.bus.close()
    return words / job.doorbell_clocks


def driver_calls(library: Path, config: AcceleratorConfig) -> list[Call]:
    """Return what calls of the driver cost in accesses to registers, the bring-up first."""
    bus = CountingBus(library, dram_bytes=1 << 24)
    bus.reset()
    accelerator = Accelerator(bus, frames=256, staging_bytes=1 << 17)
    calls = [Call("open the accelerator", bus.reads + bus.writes, 0, 0)]
    space = FpgaSpace(LAWS[config.laws[0]], 1, accelerator=accelerator)
    addresses = np.arange(1000, dtype=np.uint64) * np.uint64(3)
    words = np.arange(4096, dtype=np.uint64)
    works: tuple[tuple[str, Callable[[], object]], ...] = (
        ("first read of a word, with SELECT", lambda: space.read_word(5)),
        ("read a word", lambda: space.read_word(5)),
        ("generate 1,000 words", lambda: space.generate_words(addresses, space.law)),
        ("read 1,000 words at addresses", lambda: space.read_words(addresses, space.law)),
        ("write a word", lambda: space.write_word(5, 7)),
        ("write 4,096 words in a row", lambda: space.write_range(0, words)),
        ("write 1,000 words at addresses", lambda: space.write_words(addresses, words[:1000])),
        ("erase 4,096 words in a row", lambda: space.erase_range(0, 4096)),
    )
    for name, work in works:
        head, doorbells = accelerator.registers.read("RING_HEAD"), bus.doorbells
        before = bus.reads + bus.writes
        work()
        accesses = bus.reads + bus.writes - before
        commands = accelerator.registers.read("RING_HEAD") - head
        calls.append(Call(name, accesses, bus.doorbells - doorbells, commands))
    space.close()
    accelerator.close()
    return calls
