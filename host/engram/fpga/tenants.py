"""A space as the accelerator knows it: law, keys, page table, and which words are written."""

from collections.abc import Iterator

from engram.arch.commands import Command, Opcode
from engram.arch.laws import Law
from engram.arch.pages import PAGE_BITS, PAGE_WORDS
from engram.arch.seeds import feistel_keys
from engram.fpga.marks import Marks
from engram.fpga.tables import Table

__all__ = ["Tenant", "erasures", "page_runs"]

_LARGEST_RUN = ((1 << 32) - 1) >> PAGE_BITS  # pages of one command


class Tenant:
    """What of a space is left when nobody holds the space any more: what it occupies."""

    def __init__(self, law: Law, seed: int, table: Table) -> None:
        self.law = law
        self.seed = seed
        self.keys = feistel_keys(seed)
        self.table = table
        self.marks = Marks()

    def select(self) -> Command:
        """Return the command that makes this the space that commands are about."""
        return Command.select(
            law=self.law.number,
            seed=self.seed,
            keys=self.keys,
            table=self.table.address,
            buckets_log2=self.table.buckets_log2,
        )


def page_runs(pages: list[int]) -> Iterator[tuple[int, int]]:
    """Yield the runs of pages that follow one another: the first, and how many."""
    start = 0
    for i in range(1, len(pages) + 1):
        if i < len(pages) and pages[i] == pages[start] + i - start and i - start < _LARGEST_RUN:
            continue
        yield pages[start], i - start
        start = i


def erasures(pages: list[int]) -> list[Command]:
    """Return the commands that erase whole pages."""
    return [
        Command(Opcode.ERASE, first << PAGE_BITS, count * PAGE_WORDS)
        for first, count in page_runs(pages)
    ]
