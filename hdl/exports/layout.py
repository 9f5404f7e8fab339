"""What C needs to know of memory: where fields lie in records, sizes, limits, laws, faults."""

import json
import struct
from dataclasses import fields, replace

from engram.arch.accelerator import FRAME_BITS
from engram.arch.commands import (
    COMPLETION_BYTES,
    DESCRIPTOR_BYTES,
    INDEX_BATCH,
    MAX_COUNT,
    MAX_RING_LOG2,
    Command,
    Completion,
    Fault,
)
from engram.arch.laws import DEFAULT_LAW, GOLDEN_RATIO_64, LAWS, MX3
from engram.arch.page_table import BUCKET_BYTES, BUCKET_SLOTS, MAX_BUCKETS_LOG2, MAX_PROBES
from engram.arch.pages import PAGE_BITS, PAGE_BYTES, PAGE_WORDS, WORD_BYTES
from engram.arch.regs import COUNTERS, REGISTERS

__all__ = ["layout_c_header"]

_PREFIX = REGISTERS.name


def layout_c_header() -> str:
    """Return a C header: places and widths of all fields of descriptors and completions in bytes,
    sizes and limits, numbers of laws and counters, the mixer of keys, and a list of all faults.
    """
    guard = f"{_PREFIX}_LAYOUT_H"
    lines = [f"/* Memory of {_PREFIX} as C sees it. Generated; do not edit. */"]
    lines += ["", f"#ifndef {guard}", f"#define {guard}", ""]
    lines += ["/* Records are little-endian: where a field begins, and how many bytes it has. */"]
    for name, record, size in (
        ("DESCRIPTOR", Command(0), DESCRIPTOR_BYTES),
        ("COMPLETION", Completion(Fault.OK, 0, 0, 0, 0, 0), COMPLETION_BYTES),
    ):
        for field, (place, width) in _places(record).items():
            assert place + width <= size
            lines.append(_define(f"{name}_{field.upper()}_AT", f"{place}u"))
            lines.append(_define(f"{name}_{field.upper()}_BYTES", f"{width}u"))
    lines += ["", "/* Sizes and limits. */"]
    for name, value in (
        ("WORD_BYTES", WORD_BYTES),
        ("PAGE_BITS", PAGE_BITS),
        ("PAGE_WORDS", PAGE_WORDS),
        ("PAGE_BYTES", PAGE_BYTES),
        ("FRAME_BITS", FRAME_BITS),
        ("BUCKET_BYTES", BUCKET_BYTES),
        ("BUCKET_SLOTS", BUCKET_SLOTS),
        ("MAX_BUCKETS_LOG2", MAX_BUCKETS_LOG2),
        ("MAX_PROBES", MAX_PROBES),
        ("MAX_RING_LOG2", MAX_RING_LOG2),
        ("MAX_COUNT", MAX_COUNT),
        ("INDEX_BATCH", INDEX_BATCH),
    ):
        lines.append(_define(name, f"{value}u"))
    lines += ["", "/* Laws. */"]
    lines += [_define(f"LAW_{law.name.upper()}", f"{law.number}u") for law in LAWS.values()]
    lines.append(_define("LAW_DEFAULT", f"{DEFAULT_LAW}u"))
    lines += ["", "/* From a seed to keys: the increment, and the mixer's shifts and factors. */"]
    lines.append(_define("KEY_INCREMENT", _wide(GOLDEN_RATIO_64)))
    stages = " ".join(f"X({shift}, {_wide(factor)})" for shift, factor in MX3.stages)
    lines.append(_define("KEY_STAGES(X)", stages))
    lines.append(_define("KEY_FINAL_SHIFT", f"{MX3.final_shift}"))
    lines += ["", "/* Counters in the order of their registers: name, and where the pair lies. */"]
    lines.append(_define("COUNTERS", f"{len(COUNTERS)}u"))
    lines += _listed("EACH_COUNTER", [f"X({n}, 0x{_offset(n):X}u)" for n in COUNTERS])
    lines += ["", "/* Faults: name, number, meaning. */"]
    assert [int(fault) for fault in Fault] == list(range(len(Fault)))
    lines.append(_define("FAULTS", f"{len(Fault)}u"))
    faults = [f"X({fault.name}, {int(fault)}, {json.dumps(fault.doc)})" for fault in Fault]
    lines += _listed("EACH_FAULT", faults)
    lines += ["", f"#endif /* {guard} */"]
    return "\n".join(lines) + "\n"


def _places(record: Command | Completion) -> dict[str, tuple[int, int]]:
    """Return where each field lies in a packed record of zeros, found by setting its bits."""
    empty = record.pack()
    assert not any(empty)
    places = {}
    for field in fields(record):
        for width in (8, 4, 2, 1):
            try:
                packed = replace(record, **{field.name: (1 << 8 * width) - 1}).pack()
            except struct.error:  # not so many bytes
                continue
            break
        place = packed.index(b"\xff")
        assert packed[place : place + width] == b"\xff" * width
        places[field.name] = place, width
    return places


def _offset(counter: str) -> int:
    low, high = REGISTERS.values[counter]
    assert high.offset == low.offset + 4
    return low.offset


def _listed(name: str, items: list[str]) -> list[str]:
    """Return a macro that applies X to each item, one a line."""
    head = f"#define {_PREFIX}_{name}(X) \\"
    return [head, *(f"    {item} \\" for item in items[:-1]), f"    {items[-1]}"]


def _define(name: str, value: str) -> str:
    return f"#define {_PREFIX}_{name} {value}"


def _wide(value: int) -> str:
    return f"UINT64_C(0x{value:016X})"
