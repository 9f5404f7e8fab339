"""Functional coverage: what the benches have to have seen, by name, and how often they did."""

import json
import os
from collections.abc import Iterable
from pathlib import Path

from engram.arch.commands import Fault, Opcode
from engram.arch.regs import COUNTERS

__all__ = ["BINS", "COVERAGE", "OUTCOMES", "Coverage", "save_coverage"]

_MOVED = "OK BAD_COMMAND BAD_RANGE OUT_OF_POOL NO_SPACE"
_READ = f"{_MOVED} UNSUPPORTED_LAW READ_ERROR WRITE_ERROR BAD_FRAME SYNTHESISED"
_WRITTEN = f"{_MOVED} READ_ERROR WRITE_ERROR NO_FRAME TABLE_FULL BAD_FRAME SYNTHESISED"

# What each command can come to; anything else is an error of the accelerator.
OUTCOMES = {
    Opcode.FILL: f"{_MOVED} UNSUPPORTED_LAW WRITE_ERROR",
    Opcode.READ: _READ,
    Opcode.GATHER: _READ,
    Opcode.WRITE: _WRITTEN,
    Opcode.SCATTER: _WRITTEN,
    Opcode.ERASE: "OK BAD_COMMAND BAD_RANGE NO_SPACE READ_ERROR WRITE_ERROR BAD_FRAME SYNTHESISED",
    Opcode.MAP: "OK BAD_COMMAND BAD_RANGE NO_SPACE REGION_CLASH",
    Opcode.UNMAP: "OK BAD_COMMAND BAD_RANGE NO_SPACE NO_REGION",
    Opcode.SELECT: "OK BAD_COMMAND BAD_RANGE OUT_OF_POOL UNSUPPORTED_LAW",
    Opcode.INVALIDATE: "OK BAD_COMMAND",
    Opcode.FENCE: "OK BAD_COMMAND",
}

_REQUESTERS = (
    "descriptor", "index", "buffer_read", "frame_read", "table_read", "link_read",
    "buffer_write", "frame_write", "table_write", "link_write", "completion",
)
_BURSTS = ("INCR", "WRAP", "FIXED", "narrow", "unaligned", "longest", "refused", "crosses_page")
_WINDOW_READ_FAULTS = (
    Fault.NO_SPACE, Fault.REFUSED, Fault.SYNTHESISED, Fault.READ_ERROR, Fault.BAD_FRAME,
)
_WINDOW_WRITE_FAULTS = (
    Fault.NO_SPACE, Fault.REFUSED, Fault.SYNTHESISED, Fault.WRITE_ERROR, Fault.BAD_FRAME,
    Fault.NO_FRAME, Fault.TABLE_FULL,
)


def _bins() -> Iterable[str]:
    for opcode, faults in OUTCOMES.items():
        for fault in faults.split():
            yield f"command.{opcode.name}.{fault}"
    yield "command.unknown.BAD_COMMAND"
    for opcode in ("FILL", "READ", "WRITE", "ERASE"):
        for length in ("word", "part", "page", "pages"):
            yield f"length.{opcode}.{length}"
    for name in ("aligned", "unaligned", "crosses_page", "end_of_space"):
        yield f"address.{name}"
    yield from ("buffer.within_4k", "buffer.crosses_4k")
    for name in ("1", "batch", "batches", "same_page", "duplicate"):
        yield f"indices.{name}"
    for name in (
        "first_write", "first_write_whole", "rewrite", "rewrite_whole", "partial_erase",
        "whole_erase", "erase_unwritten", "written_again",
    ):
        yield f"page.{name}"
    for name in ("hit.GENERATED", "hit.FRAME", "hit.REGION", "miss", "evict", "drop", "flush"):
        yield f"tlb.{name}"
    for slot in range(8):
        yield f"table.slot_{slot}"
    for name in ("probes_1", "probes_2", "probes_3_to_7", "probes_8", "wraps", "slot_again"):
        yield f"table.{name}"
    for name in ("fresh", "recycled", "kept", "exhausted", "list_lost"):
        yield f"pool.{name}"
    for name in ("full", "overlap", "framed_page", "whole_write", "unmapped_again"):
        yield f"region.{name}"
    for name in (
        "wrap", "filled", "overrun", "too_long", "descriptor_lost", "completion_lost",
        "enabled_anew", "waits", "disabled_busy", "length_1",
    ):
        yield f"ring.{name}"
    for event in ("DONE", "FAULT", "HALT", "WINDOW", "masked", "cleared"):
        yield f"irq.{event}"
    for direction in ("read", "write"):
        for kind in _BURSTS:
            yield f"window.{direction}.{kind}"
        yield f"window.{direction}.during_commands"
        yield f"window.{direction}.during_change"
    for fault in _WINDOW_READ_FAULTS:
        yield f"window.read.{fault.name}"
    for fault in _WINDOW_WRITE_FAULTS:
        yield f"window.write.{fault.name}"
    yield from ("window.strobes.some", "window.strobes.none", "window.moved", "window.published")
    yield from ("window.first_write", "window.wraps_around")
    for bus in ("s_axil", "s_axi", "m_axi"):
        for channel in ("aw", "w", "b", "ar", "r"):
            yield f"stall.{bus}.{channel}"
    for requester in _REQUESTERS:
        for response in ("SLVERR", "DECERR"):
            yield f"error.{requester}.{response}"
    for name in ("mid_command", "mid_read", "mid_write", "keeps_dram"):
        yield f"reset.{name}"
    for name in COUNTERS:
        yield f"counter.{name}"
    yield "counter.held_by_snapshot"


BINS = tuple(_bins())


class Coverage:
    """How often each of some bins was seen."""

    def __init__(self, bins: Iterable[str] = BINS) -> None:
        self.hits = dict.fromkeys(bins, 0)

    def hit(self, name: str) -> None:
        """Count a bin; raise KeyError for what is not meant to happen."""
        if name not in self.hits:
            raise KeyError(f"bin must be one that can be seen, not {name!r}")
        self.hits[name] += 1

    @property
    def share(self) -> float:
        """The part of all bins that was seen."""
        return sum(count > 0 for count in self.hits.values()) / len(self.hits)

    @property
    def missing(self) -> list[str]:
        """The bins that were not."""
        return [name for name, count in self.hits.items() if not count]

    def merge(self, path: Path) -> None:
        """Add what a file holds."""
        for name, count in json.loads(path.read_text()).items():
            self.hits[name] += count

    def save(self, path: Path) -> None:
        """Write all counts as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.hits, indent=1) + "\n")

    def markdown(self) -> str:
        """Return a table of groups, and the bins that are missing."""
        groups: dict[str, list[int]] = {}
        for name, count in self.hits.items():
            groups.setdefault(name.split(".")[0], []).append(count)
        lines = ["| group | bins seen | of | times |", "|---|---:|---:|---:|"]
        for group, counts in groups.items():
            seen = sum(count > 0 for count in counts)
            lines.append(f"| {group} | {seen} | {len(counts)} | {sum(counts)} |")
        seen = sum(count > 0 for count in self.hits.values())
        lines.append(f"| all | {seen} | {len(self.hits)} | {sum(self.hits.values())} |")
        missing = ", ".join(f"`{name}`" for name in self.missing) or "none"
        return "\n".join([*lines, "", f"Not seen: {missing}.", ""])


COVERAGE = Coverage()  # of the benches in this process


def save_coverage() -> None:
    """Write what this process has seen to where its starter asked for it."""
    path = os.environ.get("ENGRAM_COVERAGE")
    if path:
        COVERAGE.save(Path(path))
