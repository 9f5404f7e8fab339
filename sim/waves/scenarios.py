"""What the timing diagrams of the manual are about: what is run, and what of it is shown."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from engram.arch.commands import (
    COMPLETION_BYTES,
    COMPLETION_WORDS,
    DESCRIPTOR_BYTES,
    DESCRIPTOR_WORDS,
    Command,
    Opcode,
)
from engram.arch.laws import LAWS
from engram.arch.page_table import BUCKET_BYTES, BUCKET_SLOTS, bucket_of, frame_word, key_word
from engram.arch.pages import PAGE_WORDS, WORD_BYTES, page_of
from engram.arch.regs import REGISTERS
from sim.golden.laws import generate
from sim.waves.drawing import Bus, Diagram, Group, Span
from sim.waves.host import BUCKETS_LOG2, LATENCY, LAW, SEED, Host
from sim.waves.signals import Beat, Signals

__all__ = ["SCENARIOS"]

_QUIET = 6  # clocks without a change that are worth leaving out
_EDGE = 1  # of them that stay, on either side
_ADDRESS = 1000
_AWAY = f"memory is {LATENCY} clocks away"


def _picture(
    title: str,
    groups: Sequence[Group],
    spans: Sequence[Span],
    first: int,
    last: int,
    hidden: Iterable[range] = (),
) -> Diagram:
    """Return a diagram of the clocks from ``first`` to ``last`` in which something changes."""
    left_out = {clock for run in hidden for clock in run}
    rows = [
        row.labels if isinstance(row, Bus) else row.values for group in groups for row in group.rows
    ]
    still = first
    for clock in range(first + 1, last + 2):
        if clock > last or any(row[clock] != row[clock - 1] for row in rows):
            if clock - still >= _QUIET:
                left_out.update(range(still + _EDGE, clock - _EDGE))
            still = clock
    left_out -= {end for span in spans for end in (span.first, span.last)}
    runs: list[range] = []
    for clock in range(first, last + 1):
        if clock in left_out:
            continue
        if runs and runs[-1].stop == clock:
            runs[-1] = range(runs[-1].start, clock + 1)
        else:
            runs.append(range(clock, clock + 1))
    return Diagram(title, groups, runs, spans)


def _measure(what: str, before: int, after: int) -> Span:
    """Return the measure from what passes in one clock to what does in a later one."""
    return Span(before + 1, after + 1, f"{what}: {after - before} clocks")


def _generated(address: int, count: int) -> list[int]:
    return [generate(LAWS[LAW], SEED, address + place) for place in range(count)]


def _bucket(host: Host, page: int) -> int:
    return host.table + BUCKET_BYTES * bucket_of(page, BUCKETS_LOG2)


def _bucket_beats(host: Host, page: int) -> list[Beat]:
    words = host.load(_bucket(host, page), 2 * BUCKET_SLOTS)
    names = [f"{kind}{slot}" for kind in "kf" for slot in range(BUCKET_SLOTS)]
    return list(zip(names, words, strict=True))


def _registers(host: Host) -> Diagram:
    """A register is written and read back."""
    offset = REGISTERS["IRQ_ENABLE"].offset

    def work() -> None:
        host.bus.write(offset, 0x5)
        host.bus.read(offset)

    signals = Signals(host.record(work), {offset: f"{offset:#x} IRQ_ENABLE"})
    groups = [
        signals.channel("s_axil_aw", "write address", "addr"),
        signals.channel("s_axil_w", "write data", "data"),
        signals.channel("s_axil_b", "write answer", "resp"),
        signals.channel("s_axil_ar", "read address", "addr"),
        signals.channel("s_axil_r", "read data", "data"),
    ]
    written, answered, asked, told = (
        signals.passes(f"s_axil_{channel}")[0] for channel in ("w", "b", "ar", "r")
    )
    spans = [_measure("write to answer", written, answered), _measure("read to data", asked, told)]
    return _picture("A register is written and read", groups, spans, 1, told + 2)


def _command(host: Host) -> Diagram:
    """A command, from the doorbell to the interrupt."""
    count = 4
    place = host.given
    command = Command(Opcode.FILL, address=_ADDRESS, count=count, buffer=host.buffer)
    descriptor = host.ring + DESCRIPTOR_BYTES * place
    completion = host.completions + COMPLETION_BYTES * place
    doorbell = REGISTERS["RING_TAIL"].offset
    tail = host.put(command)

    def work() -> None:
        host.bus.write(doorbell, tail)
        host.bus.wait_irq(1e-3)

    trace = host.record(work)
    signals = Signals(
        trace,
        {
            doorbell: f"{doorbell:#x} RING_TAIL",
            descriptor: f"{descriptor:#x} descriptor",
            host.buffer: f"{host.buffer:#x} buffer",
            completion: f"{completion:#x} completion",
        },
    )
    words = host.load(descriptor, DESCRIPTOR_WORDS)
    record = host.load(completion, COMPLETION_WORDS)
    fetched = [(f"d{place}", word) for place, word in enumerate(words)]
    given = [(f"x{place}", word) for place, word in enumerate(_generated(_ADDRESS, count))]
    given += [(f"c{place}", word) for place, word in enumerate(record)]
    groups = [
        signals.channel("s_axil_w", "doorbell", "data"),
        signals.sequencer(),
        signals.channel("m_axi_ar", "descriptor: address", "addr"),
        signals.channel("m_axi_r", "descriptor: its words d", "data", fetched),
        signals.channel("m_axi_aw", "words and completion: address", "addr"),
        signals.channel("m_axi_w", "words x of the law, completion c: data", "data", given),
        signals.channel("m_axi_b", "words and completion: answers"),
        signals.irq(),
    ]
    rung = signals.passes("s_axil_w")[0]
    risen = signals.rises(signals.port("irq"))[0]
    asked = signals.passes("m_axi_ar")[0]
    arrived = signals.passes("m_axi_r")[-1]
    answers = signals.passes("m_axi_b")
    spans = [
        _measure("doorbell to descriptor's address", rung, asked),
        _measure("descriptor's address to last word", asked, arrived),
        _measure("words made and in memory", arrived, answers[0]),
        _measure("completion in memory", answers[0], answers[-1]),
        _measure("doorbell to interrupt", rung, risen - 1),
    ]
    return _picture(
        f"A command from the doorbell to the interrupt; {_AWAY}", groups, spans, rung - 2, risen + 1
    )


def _hit(host: Host) -> Diagram:
    """A word of a page that nobody wrote, and that the TLB knows."""
    host.window(_ADDRESS)
    signals = Signals(
        host.record(lambda: host.window(_ADDRESS + 1)),
        {WORD_BYTES * (_ADDRESS + 1): f"{WORD_BYTES * (_ADDRESS + 1):#x} word {_ADDRESS + 1}"},
    )
    beats = [("x", _generated(_ADDRESS + 1, 1)[0])]
    groups = [
        signals.channel("s_axi_ar", "window: address", "addr"),
        signals.pager(),
        signals.channel("s_axi_r", "window: word x of the law", "data", beats),
    ]
    asked, told = signals.passes("s_axi_ar")[0], signals.passes("s_axi_r")[0]
    moved = signals.rises(signals.inner("pager.moves__valid"))[0]
    spans = [
        _measure("page known, move ordered", asked, moved),
        _measure("law's pipeline", moved, told),
        _measure("address to word", asked, told),
    ]
    return _picture(
        "A generated word is read through the window: TLB hit", groups, spans, asked - 1, told + 2
    )


def _miss(host: Host) -> Diagram:
    """A word of a written page that the TLB does not know."""
    page = page_of(_ADDRESS)
    host.bus.window_write(WORD_BYTES * _ADDRESS, np.array([0xC0FFEE], np.uint64))
    host.do(Command(Opcode.INVALIDATE))
    place = host.frames + WORD_BYTES * (_ADDRESS % PAGE_WORDS)
    bucket = _bucket(host, page)
    signals = Signals(
        host.record(lambda: host.window(_ADDRESS)),
        {
            WORD_BYTES * _ADDRESS: f"{WORD_BYTES * _ADDRESS:#x} word {_ADDRESS}",
            bucket: f"{bucket:#x} bucket of page {page}",
            place: f"{place:#x} word {_ADDRESS % PAGE_WORDS} of frame 0",
        },
    )
    beats = [*_bucket_beats(host, page), ("0xc0ffee", 0xC0FFEE)]
    groups = [
        signals.channel("s_axi_ar", "window: address", "addr"),
        signals.pager(),
        signals.channel("m_axi_ar", "memory: address", "addr"),
        signals.channel("m_axi_r", "memory: keys k and frames f, the word", "data", beats),
        signals.channel("s_axi_r", "window: word", "data"),
    ]
    asked, told = signals.passes("s_axi_ar")[0], signals.passes("s_axi_r")[0]
    walk, fetch = signals.passes("m_axi_ar")
    reads = signals.passes("m_axi_r")
    framed = reads[BUCKET_SLOTS]
    spans = [
        _measure("window to bucket's address", asked, walk),
        _measure("bucket's address to frame", walk, framed),
        _measure("frame to word's address", framed, fetch),
        _measure("word's address to word", fetch, reads[-1]),
        _measure("address to word", asked, told),
    ]
    return _picture(
        f"A written word is read through the window: TLB miss; {_AWAY}",
        groups,
        spans,
        asked - 1,
        told + 2,
    )


def _copy_on_write(host: Host) -> Diagram:
    """The first write to a page."""
    page = page_of(_ADDRESS)
    bucket = _bucket(host, page)
    before = _bucket_beats(host, page)
    place = host.frames + WORD_BYTES * (_ADDRESS % PAGE_WORDS)
    word = 0xC0FFEE
    signals = Signals(
        host.record(
            lambda: host.bus.window_write(WORD_BYTES * _ADDRESS, np.array([word], np.uint64))
        ),
        {
            WORD_BYTES * _ADDRESS: f"{WORD_BYTES * _ADDRESS:#x} word {_ADDRESS}",
            bucket: f"{bucket:#x} bucket of page {page}, key 0",
            bucket
            + WORD_BYTES * BUCKET_SLOTS: f"{bucket + WORD_BYTES * BUCKET_SLOTS:#x} frame of key 0",
            host.frames: f"{host.frames:#x} frame 0",
            place: f"{place:#x} word {_ADDRESS % PAGE_WORDS} of frame 0",
        },
    )
    given = [
        (f"x{place}", made) for place, made in enumerate(_generated(page * PAGE_WORDS, PAGE_WORDS))
    ]
    given += [("f0", frame_word(0)), ("k0", key_word(page)), ("w", word)]
    groups = [
        signals.channel("s_axi_aw", "window: address", "addr"),
        signals.channel("s_axi_w", "window: word", "data", [("w", word)]),
        signals.pager(),
        signals.channel("m_axi_ar", "memory: bucket's address", "addr"),
        signals.channel("m_axi_r", "memory: its keys and frames", "data", before),
        signals.channel("m_axi_aw", "memory: address of what is written", "addr"),
        signals.channel("m_axi_w", "memory: page x, frame f, key k, word w", "data", given),
        signals.channel("m_axi_b", "memory: answer"),
        signals.channel("s_axi_b", "window: answer"),
    ]
    asked, done = signals.passes("s_axi_aw")[0], signals.passes("s_axi_b")[0]
    reads = signals.passes("m_axi_r")
    writes = signals.passes("m_axi_w")
    answers = signals.passes("m_axi_b")
    last_key = reads[BUCKET_SLOTS - 1]
    filled, framed, keyed, written = answers[-4:]
    spans = [
        _measure("no such page", asked, last_key),
        _measure("page of the law in the frame", last_key, filled),
        _measure("frame entered", filled, framed),
        _measure("key entered", framed, keyed),
        _measure("word written", keyed, written),
        _measure("address to answer", asked, done),
    ]
    hidden = [
        range(reads[1] + 1, last_key - 1),
        range(writes[1] + 1, writes[PAGE_WORDS - 1]),
        range(writes[PAGE_WORDS - 1] + 2, filled - 1),  # answers of the bursts before
    ]
    return _picture(
        f"The first write to a page; {_AWAY}", groups, spans, asked - 1, done + 1, hidden
    )


SCENARIOS: dict[str, Callable[[Host], Diagram]] = {
    "registers": _registers,
    "command": _command,
    "window_hit": _hit,
    "window_miss": _miss,
    "first_write": _copy_on_write,
}
