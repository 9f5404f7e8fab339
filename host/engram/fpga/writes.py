"""What is written and erased in a space: all of a call, or nothing."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engram.arch.commands import Command, Fault, Opcode
from engram.arch.pages import PAGE_BITS
from engram.errors import QuotaExceeded
from engram.fpga.accelerator import Accelerator, Staging, check
from engram.fpga.marks import Cleared, Marks, runs
from engram.fpga.tenants import Tenant, erasures

__all__ = ["Writer"]

Words = NDArray[np.uint64]


class _Part(Protocol):
    """Words to write: they are marked, then staged command by command."""

    def mark(self, marks: Marks) -> None: ...

    def commands(self, staging: Staging) -> Iterator[Command]: ...


@dataclass(frozen=True)
class _Run:
    address: int
    values: Words

    def mark(self, marks: Marks) -> None:
        marks.mark_run(self.address, len(self.values))

    def commands(self, staging: Staging) -> Iterator[Command]:
        for start in range(0, len(self.values), staging.words):
            piece = self.values[start : start + staging.words]
            buffer = staging.put(piece)
            yield Command(Opcode.WRITE, self.address + start, len(piece), buffer)


@dataclass(frozen=True)
class _Scatter:
    addresses: Words
    values: Words

    def mark(self, marks: Marks) -> None:
        marks.mark_words(self.addresses)

    def commands(self, staging: Staging) -> Iterator[Command]:
        step = staging.words // 2
        for start in range(0, len(self.values), step):
            piece = self.values[start : start + step]
            buffer = staging.put(piece)
            indices = staging.put(self.addresses[start : start + step], step)
            yield Command(Opcode.SCATTER, count=len(piece), buffer=buffer, indices=indices)


class Writer:
    """Writes and erases, inside a session of the accelerator.

    Frames are counted before the device is asked for any. What goes to pages that have no frame
    yet goes first: only there can the page table turn out to be full, and then those pages are
    erased again and nothing else was touched. After a fault of the device all that was to be
    written counts as written, for it may have been.
    """

    def __init__(self, accelerator: Accelerator, tenant: Tenant) -> None:
        self._accelerator = accelerator
        self._tenant = tenant
        self._marks = tenant.marks

    def run(self, address: int, values: Words) -> None:
        """Write consecutive words."""
        count = len(values)
        first, last = address >> PAGE_BITS, (address + count - 1) >> PAGE_BITS
        pages = np.arange(last - first + 1, dtype=np.uint64) + np.uint64(first)
        missing = self._marks.missing(pages)
        borders = [0, *(np.flatnonzero(np.diff(missing)) + 1).tolist(), len(pages)]
        parts: list[list[_Part]] = [[], []]
        for start, end in itertools.pairwise(borders):
            begin = max(address, (first + start) << PAGE_BITS)
            stop = min(address + count, (first + end) << PAGE_BITS)
            part = _Run(begin, values[begin - address : stop - address])
            parts[int(missing[start])].append(part)
        self._write(pages[missing].tolist(), parts[1], parts[0])

    def words(self, addresses: Words, values: Words) -> None:
        """Write words at addresses, in their order."""
        pages, places = np.unique(addresses >> np.uint64(PAGE_BITS), return_inverse=True)
        missing = self._marks.missing(pages)
        fresh = missing[places]
        self._write(
            pages[missing].tolist(),
            [_Scatter(addresses[fresh], values[fresh])],
            [_Scatter(addresses[~fresh], values[~fresh])],
        )

    def erase(self, cleared: Cleared) -> int:
        """Have the device follow what was cleared of the marks; return how many words those were.

        Frames of which no word is left are given back. After a fault, or a Ctrl-C, all of it
        counts as written again, for it may still be there.
        """
        commands = erasures(cleared.pages)
        for rest in cleared.rest:
            commands += [Command(Opcode.ERASE, first, count) for first, count in runs(rest)]
        try:
            if commands:
                self._accelerator.do(self._tenant, *commands)
        except BaseException:
            self._marks.restore(cleared)
            raise
        self._accelerator.frames_free += len(cleared.pages)
        return cleared.words

    def _write(self, pages: list[int], fresh: list[_Part], rest: list[_Part]) -> None:
        """Write to ``pages``, which have no frames yet, and then to others."""
        accelerator, tenant = self._accelerator, self._tenant
        accelerator.reserve(len(pages))
        total = len(self._marks) + len(pages)
        if total > tenant.table.comfortable_pages:
            accelerator.enlarge(tenant, total)
        accelerator.frames_free -= len(pages)
        try:
            for part in fresh:
                self._write_part(part)
        except QuotaExceeded:
            accelerator.do(tenant, *erasures(pages))
            self._marks.drop(pages)
            accelerator.frames_free += len(pages)
            raise
        for part in rest:
            self._write_part(part)

    def _write_part(self, part: _Part) -> None:
        part.mark(self._marks)
        for command in part.commands(self._accelerator.staging):
            while True:
                (completion,) = self._accelerator.run(self._tenant, [command])
                if completion.fault is not Fault.TABLE_FULL:
                    break
                # Pages can be chosen so that they crowd a few buckets of any size.
                self._accelerator.enlarge(self._tenant)
            check(self._accelerator.name, command, completion)
