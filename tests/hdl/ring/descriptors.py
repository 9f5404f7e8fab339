"""Descriptors of every kind, and in plain integers what the checks have to say of them."""

from random import Random

from engram.arch.accelerator import AcceleratorConfig
from engram.arch.commands import FORMS, Command, Fault, Flag, Opcode
from engram.arch.page_table import BUCKET_BYTES, MAX_BUCKETS_LOG2, PAGE_NUMBER_BITS

__all__ = ["CONFIG", "POOLS", "command", "edges", "verdict"]

CONFIG = AcceleratorConfig(laws=(1, 4))
POOLS = {
    "buffer_base": 0x1000,
    "buffer_limit": 0x9000,
    "table_base": 0xA000,
    "table_limit": 0xC000,
}
INDEXED = (Opcode.GATHER, Opcode.SCATTER)
MOVES = (Opcode.FILL, Opcode.READ, Opcode.WRITE, *INDEXED)


def verdict(command: Command, selected: bool) -> Fault:
    """Return the first check that fails."""
    if command.opcode not in list(Opcode):
        return Fault.BAD_COMMAND
    opcode = Opcode(command.opcode)
    form = FORMS[opcode]
    unnamed = {"address", "count", "buffer", "indices", "buckets_log2"} - set(form.fields)
    if (
        any(getattr(command, name) for name in unnamed)
        or command.flags & ~int(form.flags)
        or (command.law and not form.law)
        or (opcode is Opcode.SELECT and not command.law)
    ):
        return Fault.BAD_COMMAND
    if form.selected and not selected:
        return Fault.NO_SPACE
    counted = opcode in (*MOVES, Opcode.ERASE, Opcode.MAP)
    end = command.address + command.count
    pages = 1 << PAGE_NUMBER_BITS
    if (
        (counted and not 1 <= command.count < 1 << 32)
        or (counted and end > 1 << 64)
        or (opcode is Opcode.MAP and end > pages)
        or (opcode in (Opcode.MAP, Opcode.UNMAP) and command.address >= pages)
        or (opcode is Opcode.SELECT and command.buckets_log2 > MAX_BUCKETS_LOG2)
        or (opcode is Opcode.SELECT and command.indices % BUCKET_BYTES)
        or (opcode in MOVES and command.buffer % 8)
        or (opcode in INDEXED and command.indices % 8)
    ):
        return Fault.BAD_RANGE
    if opcode is Opcode.SELECT:
        size = BUCKET_BYTES << command.buckets_log2
        runs = [(command.indices, size, "table")]
    else:
        runs = [(command.buffer, 8 * command.count, "buffer")] * (opcode in MOVES)
        runs += [(command.indices, 8 * command.count, "buffer")] * (opcode in INDEXED)
    for low, size, pool in runs:
        if low < POOLS[f"{pool}_base"] or low + size > POOLS[f"{pool}_limit"]:
            return Fault.OUT_OF_POOL
    if command.law and command.law not in CONFIG.laws:
        return Fault.UNSUPPORTED_LAW
    return Fault.OK


def edges(random: Random) -> int:
    """Return a number near something that is compared with."""
    near = random.choice([0, 1 << 32, 1 << 40, 1 << 55, 1 << 64, *POOLS.values(), 0x2000, 0xB000])
    step = random.choice([0, 0, 0, 8, -8, 128, -128, 1, -1, 2, -7])
    return (near + step) % (1 << 64)


def command(random: Random) -> Command:
    """Return a command that most often fails at most one check."""
    opcode = random.choice([*Opcode, 0, 12, 255])
    form = FORMS.get(opcode)
    fields = form.fields if form else ("address",)
    values = {name: edges(random) for name in fields}
    if random.random() < 0.7:
        sound = {
            "address": random.choice([0, 1000, (1 << 55) - 4]),
            "count": random.choice([1, 4, 16, 0x1000]),
            "buffer": random.choice([0x1000, 0x2000]),
            "indices": random.choice([0x1000, 0x3008]),
            "buckets_log2": random.randrange(7),
        }
        if opcode == Opcode.SELECT:
            sound["indices"] = random.choice([0xA000, 0xA080, 0xB000])
        bad = random.choice([*fields, None, None]) if fields else None
        values = {name: values[name] if name == bad else sound[name] for name in fields}
    if random.random() < 0.1:
        name = random.choice(["address", "count", "buffer", "indices", "buckets_log2"])
        values[name] = 1 << random.randrange(64)
    named = form is not None and form.law
    law = random.choice([1, 4, 0, 2]) if named else random.choice([0] * 9 + [1])
    flags = random.choice([0, 0, 0, Flag.INTERRUPT, Flag.GENERATED, 4])
    return Command(opcode, law=law, flags=int(flags), tag=random.getrandbits(32), **values)
