"""What is read of a space: runs, gathers and whole pages, each one job."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engram.arch.commands import Command, Flag, Opcode
from engram.arch.laws import Law
from engram.arch.pages import PAGE_BITS, PAGE_WORDS, WORD_BYTES
from engram.fpga.accelerator import Accelerator
from engram.fpga.tenants import Tenant, page_runs

__all__ = ["Reader"]

Words = NDArray[np.uint64]
Flags = NDArray[np.bool_]


class Reader:
    """Reads up to ``most`` words at a time, inside a session of the accelerator.

    What it returns lies in the staging memory: it is good until the next job. With another law
    than the space's, the device gives words of unframed pages by it; in a frame the unwritten
    words are those of the space's own law, so they are taken from what that other law makes.
    """

    def __init__(self, accelerator: Accelerator, tenant: Tenant) -> None:
        # The outbound half has room for the words as they are and as they are generated.
        self.most = accelerator.staging.words // 2
        self._accelerator = accelerator
        self._staging = accelerator.staging
        self._tenant = tenant

    def run(self, address: int, count: int, law: Law) -> tuple[Words, int]:
        """Return consecutive words, and how many of them are written."""
        marked = self._tenant.marks.run(address, count)
        return self._read(
            Command(Opcode.READ, address, count), Command(Opcode.FILL, address, count), marked, law
        )

    def gather(self, addresses: Words, law: Law) -> tuple[Words, int]:
        """Return words at addresses, and how many of them are written."""
        marked = self._tenant.marks.are_marked(addresses)
        indices = self._staging.put(addresses)
        count = len(addresses)
        return self._read(
            Command(Opcode.GATHER, count=count, indices=indices),
            Command(Opcode.GATHER, count=count, indices=indices, flags=Flag.GENERATED),
            marked if len(self._tenant.marks) else None,
            law,
        )

    def generate(self, addresses: Words, law: Law) -> Words:
        """Return generated words."""
        command = Command(
            Opcode.GATHER,
            count=len(addresses),
            buffer=self._staging.outbound,
            indices=self._staging.put(addresses),
            law=self._number(law),
            flags=Flag.GENERATED,
        )
        self._accelerator.do(self._tenant, command)
        return self._staging.take(len(addresses))

    def pages(self, pages: list[int]) -> Words:
        """Return all words of pages in ascending order, a row each: up to ``most`` words."""
        commands = []
        buffer = self._staging.outbound
        for first, count in page_runs(pages):
            words = count * PAGE_WORDS
            commands.append(Command(Opcode.READ, first << PAGE_BITS, words, buffer))
            buffer += words * WORD_BYTES
        self._accelerator.do(self._tenant, *commands)
        return self._staging.take(len(pages) * PAGE_WORDS).reshape(-1, PAGE_WORDS)

    def _read(
        self, read: Command, generate: Command, marked: Flags | None, law: Law
    ) -> tuple[Words, int]:
        count = read.count
        number = self._number(law)
        commands = [replace(read, law=number, buffer=self._staging.outbound)]
        mixed = number != 0 and marked is not None and not marked.all()
        if mixed:
            other = self._staging.outbound + self.most * WORD_BYTES
            commands.append(replace(generate, law=number, buffer=other))
        self._accelerator.do(self._tenant, *commands)
        words = self._staging.take(count)
        hits = 0 if marked is None else int(marked.sum())
        if mixed:
            assert marked is not None
            words = np.where(marked, words, self._staging.take(count, self.most))
        return words, hits

    def _number(self, law: Law) -> int:
        """Return how a command names a law: the space's own as 0."""
        self._accelerator.check_law(law)
        return 0 if law is self._tenant.law else law.number
