"""What every command does, once it passed its checks."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from engram.arch.accelerator import AcceleratorConfig
from engram.arch.commands import FORMS, INDEX_BATCH, Command, Fault, Flag, Opcode
from engram.arch.page_table import BUCKET_BYTES, MAX_BUCKETS_LOG2, PAGE_NUMBER_BITS
from engram.arch.pages import MASK64, PAGE_WORDS, SPACE_WORDS, WORD_BYTES, Region
from sim.golden.dram import Dram, ReadError
from sim.golden.pager import Pager, Selection, Stopped
from sim.golden.regions import RegionTable

__all__ = ["Outcome", "Pools", "carry_out", "unpack"]

_MASK32 = (1 << 32) - 1
_INDEXED = (Opcode.GATHER, Opcode.SCATTER)
_MOVES = (Opcode.FILL, Opcode.READ, Opcode.WRITE, *_INDEXED)
_FIELDS = ("address", "count", "buffer", "indices", "buckets_log2")


@dataclass(frozen=True)
class Pools:
    """Bytes that commands may use for data, and those for page tables: first, and first behind."""

    buffer_base: int
    buffer_limit: int
    table_base: int
    table_limit: int


@dataclass
class Outcome:
    """What became of a command; ``address`` is 0 unless a piece stopped it."""

    fault: Fault = Fault.OK
    done: int = 0
    address: int = 0

    def note(self, fault: Fault) -> None:
        """Keep the first error of the bus."""
        self.fault = self.fault or fault

    def stop(self, fault: Fault, address: int) -> None:
        """End with a piece that failed, whatever the bus said before."""
        self.fault, self.address = fault, address


def unpack(words: list[int]) -> tuple[Command, bool]:
    """Return the command of a descriptor's words, and whether its reserved bits are zero."""
    head, address, count, buffer, indices, buckets_log2, *rest = words
    command = Command(
        opcode=head & 0xFF,
        flags=head >> 8 & 0xFF,
        law=head >> 16 & 0xFF,
        tag=head >> 32,
        address=address,
        count=count,
        buffer=buffer,
        indices=indices,
        buckets_log2=buckets_log2,
    )
    return command, not (head >> 24 & 0xFF or any(rest))


def carry_out(
    config: AcceleratorConfig,
    command: Command,
    reserved_zero: bool,
    pools: Pools,
    dram: Dram,
    pager: Pager,
    regions: RegionTable,
) -> Outcome:
    """Check a command and do what it says."""
    fault = _check(config, command, reserved_zero, pools, pager.selection is not None)
    outcome = Outcome(fault)
    if fault:
        return outcome
    if command.opcode == Opcode.GATHER:
        _gather(command, dram, pager, outcome)
    elif command.opcode == Opcode.SCATTER:
        _scatter(command, dram, pager, outcome)
    elif command.opcode in _MOVES or command.opcode == Opcode.ERASE:
        _move_run(command, dram, pager, outcome)
    elif command.opcode == Opcode.MAP:
        outcome.fault = regions.map(Region(command.address, command.count, command.buffer))
    elif command.opcode == Opcode.UNMAP:
        outcome.fault = regions.unmap(command.address)
    elif command.opcode == Opcode.SELECT:
        keys = (
            command.count & _MASK32,
            command.count >> 32,
            command.buffer & _MASK32,
            command.buffer >> 32,
        )
        selection = Selection(
            command.law, command.address, keys, command.indices, command.buckets_log2
        )
        pager.select(selection)
    elif command.opcode == Opcode.INVALIDATE:
        pager.forget()
    return outcome


def _check(
    config: AcceleratorConfig,
    command: Command,
    reserved_zero: bool,
    pools: Pools,
    selected: bool,
) -> Fault:
    """Return the first check that fails, in the order that the contract gives."""
    if command.opcode not in list(Opcode) or not reserved_zero:
        return Fault.BAD_COMMAND
    opcode = Opcode(command.opcode)
    form = FORMS[opcode]
    if (
        any(getattr(command, field) for field in _FIELDS if field not in form.fields)
        or command.flags & ~int(form.flags)
        or (command.law and not form.law)
        or (not command.law and opcode == Opcode.SELECT)
    ):
        return Fault.BAD_COMMAND
    if form.selected and not selected:
        return Fault.NO_SPACE
    if opcode == Opcode.SELECT:
        if command.indices % BUCKET_BYTES or command.buckets_log2 > MAX_BUCKETS_LOG2:
            return Fault.BAD_RANGE
        size = BUCKET_BYTES << command.buckets_log2
        if not pools.table_base <= command.indices <= pools.table_limit - size:
            return Fault.OUT_OF_POOL
    elif opcode in (Opcode.MAP, Opcode.UNMAP):
        counted = opcode == Opcode.MAP
        if not counted <= command.count <= _MASK32:
            return Fault.BAD_RANGE
        if command.address + max(command.count, 1) > 1 << PAGE_NUMBER_BITS:
            return Fault.BAD_RANGE
    elif "count" in form.fields:
        if not 1 <= command.count <= _MASK32 or command.address + command.count > SPACE_WORDS:
            # Of a GATHER and a SCATTER the address is 0 here.
            return Fault.BAD_RANGE
        places = [command.buffer] * (opcode in _MOVES) + [command.indices] * (opcode in _INDEXED)
        if any(place % WORD_BYTES for place in places):
            return Fault.BAD_RANGE
        size = WORD_BYTES * command.count
        if any(not pools.buffer_base <= at <= pools.buffer_limit - size for at in places):
            return Fault.OUT_OF_POOL
    if command.law and command.law not in config.laws:
        return Fault.UNSUPPORTED_LAW
    return Fault.OK


def _pieces(address: int, count: int) -> Iterator[tuple[int, int]]:
    """Cut a run of words where pages end."""
    while count:
        length = min(count, PAGE_WORDS - address % PAGE_WORDS)
        yield address, length
        address, count = (address + length) & MASK64, count - length


def _move_run(command: Command, dram: Dram, pager: Pager, outcome: Outcome) -> None:
    """FILL, READ, WRITE and ERASE."""
    buffer = command.buffer
    for address, count in _pieces(command.address, command.count):
        try:
            if command.opcode == Opcode.ERASE:
                freed, fault = pager.erase(address, count)
                outcome.done += freed
            elif command.opcode == Opcode.WRITE:
                fault = pager.write(address, *dram.read(buffer, count))
                outcome.done += count
            else:
                if command.opcode == Opcode.FILL:
                    run = np.arange(count, dtype=np.uint64) + np.uint64(address)
                    words, unread = pager.make(run, command.law), np.zeros(count, np.bool_)
                else:
                    words, unread = pager.read(address, count, command.law)
                written = dram.write(buffer, words, unread)
                fault = _fault_of_move(bool(unread.any()), written)
                outcome.done += count
            outcome.note(fault)
        except Stopped as stop:
            outcome.stop(stop.fault, address)
            return
        buffer += WORD_BYTES * count


def _batches(command: Command, dram: Dram) -> Iterator[list[int]]:
    """Yield the addresses of an array, as many at a time as are fetched; raise ReadError."""
    place, left = command.indices, command.count
    while left:
        size = min(left, INDEX_BATCH - place // WORD_BYTES % INDEX_BATCH)
        addresses, failed = dram.read(place, size)
        if failed.any():
            raise ReadError(f"read of {place:#x}")
        yield addresses.tolist()
        place, left = place + WORD_BYTES * size, left - size


def _gather(command: Command, dram: Dram, pager: Pager, outcome: Outcome) -> None:
    """GATHER; an address that cannot be read stops it before its batch."""
    addresses: list[int] = []
    places: list[int | None] = []
    generated = command.flags & Flag.GENERATED
    address = 0
    try:
        for batch in _batches(command, dram):
            for address in batch:
                places.append(None if generated else pager.source(address))
                addresses.append(address)
    except ReadError:
        outcome.stop(Fault.READ_ERROR, 0)
    except Stopped as stop:
        outcome.stop(stop.fault, address)
    outcome.done = len(places)
    words = np.zeros(len(places), np.uint64)
    unread = np.zeros(len(places), np.bool_)
    made = np.array([place is None for place in places], np.bool_)
    words[made] = pager.make(np.array(addresses, np.uint64)[made], command.law)
    for i, place in enumerate(places):
        if place is not None:
            word, word_failed = dram.read(place, 1)
            words[i], unread[i] = word[0], word_failed[0]
    written = dram.write(command.buffer, words, unread)
    outcome.note(_fault_of_move(bool(unread.any()), written))


def _scatter(command: Command, dram: Dram, pager: Pager, outcome: Outcome) -> None:
    """SCATTER, word by word; an address that cannot be read stops it before its batch."""
    address = 0
    try:
        for batch in _batches(command, dram):
            for address in batch:
                value = dram.read(command.buffer + WORD_BYTES * outcome.done, 1)
                outcome.note(pager.write(address, *value))
                outcome.done += 1
    except ReadError:
        outcome.stop(Fault.READ_ERROR, 0)
    except Stopped as stop:
        outcome.stop(stop.fault, address)


def _fault_of_move(unread: bool, written: bool) -> Fault:
    if unread:
        return Fault.READ_ERROR
    return Fault.OK if written else Fault.WRITE_ERROR
