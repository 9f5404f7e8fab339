"""Which bins a command, a burst, a page table or a signal of the gateware counts for."""

import cocotb
from cocotb.triggers import ReadOnly, RisingEdge

from engram.arch.commands import Command, Completion, Opcode
from engram.arch.page_table import MAX_PROBES, bucket_of
from engram.arch.pages import PAGE_WORDS, SPACE_WORDS
from hdl.mmu.tlb import PageKind
from tests.hdl.top.coverage import COVERAGE
from tests.hdl.window.ends import FIXED, INCR, WRAP, Burst

__all__ = ["observe", "sample_burst", "sample_command", "sample_table"]

RUNS = (Opcode.FILL, Opcode.READ, Opcode.WRITE, Opcode.ERASE)


def sample_command(command: Command | bytes, done: Completion) -> None:
    """Count a command and what it came to."""
    hit = COVERAGE.hit
    if done.opcode not in set(Opcode):
        hit(f"command.unknown.{done.fault.name}")
        return
    opcode = Opcode(done.opcode)
    hit(f"command.{opcode.name}.{done.fault.name}")
    if done.fault or isinstance(command, bytes):
        return
    if opcode in RUNS:
        length = (
            "word" if command.count == 1
            else "part" if command.count < PAGE_WORDS
            else "page" if command.count == PAGE_WORDS
            else "pages"
        )
        hit(f"length.{opcode.name}.{length}")
        offset = command.address % PAGE_WORDS
        hit("address.unaligned" if offset else "address.aligned")
        if offset + command.count > PAGE_WORDS:
            hit("address.crosses_page")
        if command.address + command.count == SPACE_WORDS:
            hit("address.end_of_space")
    if opcode in RUNS and opcode != Opcode.ERASE:
        crosses = command.buffer % 4096 + 8 * command.count > 4096
        hit("buffer.crosses_4k" if crosses else "buffer.within_4k")


def sample_burst(direction: str, burst: Burst, strobes: list[int] | None = None) -> None:
    """Count a burst at the window."""
    names = {INCR: "INCR", WRAP: "WRAP", FIXED: "FIXED"}
    full = burst.size == 3 and burst.kind == INCR
    seen = {
        names.get(burst.kind, "refused"): not burst.refused,
        "refused": burst.refused,
        "narrow": burst.size < 3,
        "unaligned": burst.address % 8 != 0,
        "longest": burst.beats == 256,
        "crosses_page": full and burst.address % 4096 + 8 * burst.beats > 4096,
    }
    for kind, condition in seen.items():
        if condition:
            COVERAGE.hit(f"window.{direction}.{kind}")
    if strobes is not None:
        if any(0 < strobe < 0xFF for strobe in strobes):
            COVERAGE.hit("window.strobes.some")
        if 0 in strobes:
            COVERAGE.hit("window.strobes.none")


def sample_table(
    command: Command | bytes | None,
    before: dict[int, tuple[int, int, int]],
    after: dict[int, tuple[int, int, int]],
    seen: set[int],
    buckets_log2: int,
) -> None:
    """Count what a batch did to the table, and, if it is one command, to that command's page."""
    hit = COVERAGE.hit
    gone = {place[:2] for page, place in before.items() if page not in after}
    for page in after.keys() - before.keys():
        bucket, slot, frame = after[page]
        home = bucket_of(page, buckets_log2)
        probes = (bucket - home) % (1 << buckets_log2) + 1
        middle = "3_to_7" if 2 < probes < MAX_PROBES else str(probes)
        hit(f"table.slot_{slot}")
        hit(f"table.probes_{middle}")
        if bucket < home:
            hit("table.wraps")
        hit("pool.recycled" if frame in seen else "pool.fresh")
    if gone:
        hit("page.whole_erase")
    if not isinstance(command, Command):
        return
    page, offset = divmod(command.address, PAGE_WORDS)
    whole = offset == 0 and command.count >= PAGE_WORDS
    if command.opcode == Opcode.WRITE and page in after:
        name = "rewrite" if page in before else "first_write"
        hit(f"page.{name}{'_whole' if whole else ''}")
    if command.opcode == Opcode.ERASE:
        if page not in before:
            hit("page.erase_unwritten")
        elif not whole:
            hit("page.partial_erase")


def observe(dut) -> None:
    """Count from now on what only the inside of the gateware shows."""
    pager = dut.accelerator.pager
    tlb = pager.tlb
    entries = (1 << len(tlb.valid)) - 1
    hit = COVERAGE.hit

    async def watch(signal, see):
        while True:
            await RisingEdge(signal)
            await ReadOnly()
            if int(signal.value):
                see()

    def known():
        kind = int(tlb.read__data.value) & 3
        hit(f"tlb.hit.{PageKind(kind).name}")

    def filled():
        if int(tlb.valid.value) == entries and not int(tlb.hit.value):
            hit("tlb.evict")

    for signal, see in (
        (pager.tlb_hit, known),
        (pager.tlb_miss, lambda: hit("tlb.miss")),
        (tlb.fill, filled),
        (tlb.drop, lambda: hit("tlb.drop")),
        (tlb.flush, lambda: hit("tlb.flush")),
    ):
        cocotb.start_soon(watch(signal, see))


