"""What proofs about AXI ports share: offers that hold still, bursts that are legal, counts."""

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Assert, Assume, Cat

from hdl.axi.queue import Queue, ShiftQueue
from hdl.formal.harness import has_past, past
from hdl.stream import SkidBuffer

__all__ = ["count", "entries", "holds", "legal_burst", "skid_level"]


def holds(m: Module, claim: Any, name: str, valid: Any, ready: Any, *payload: Any) -> None:
    """Claim (`Assert` or `Assume`) that an offer stays, unchanged, until it is taken."""
    waiting = past(m, valid & ~ready, name=f"{name}_waiting")
    started = has_past(m)
    with m.If(started & waiting):
        m.d.comb += claim(valid)
    if payload:
        offered = Cat(*payload)
        before = past(m, offered, name=f"{name}_offered")
        with m.If(started & waiting):
            m.d.comb += claim(offered == before)
    if claim is Assume:
        # The same offer made by the environment begins with nothing.
        with m.If(~started):
            m.d.comb += Assume(~valid)


def legal_burst(m: Module, address: Any, length: Any, burst_beats: int) -> None:
    """Assert that a burst of ``length + 1`` words is aligned, short, and inside 4 KiB."""
    m.d.comb += [
        Assert(address[:3] == 0),
        Assert(length < burst_beats),
        Assert(address[3:12] + length < 512),
    ]


def count(m: Module, name: str, up: Any, down: Any, *, bits: int = 8) -> Signal:
    """Return a counter of what came less what went; asserts that it never leaves 0..2**bits-1."""
    counter = Signal(bits, name=name)
    following = Signal(bits + 2, name=f"{name}_next")
    m.d.comb += [following.eq(counter + up - down), Assert(following < 1 << bits)]
    m.d.sync += counter.eq(following)
    return counter


def skid_level(skid: SkidBuffer) -> Any:
    """Return how many words a skid buffer holds."""
    return skid.o.valid + skid.spare_full


def entries(m: Module, queue: Queue | ShiftQueue) -> list[tuple[Any, Any]]:
    """Return of each place of a queue, oldest first, whether it is filled, and with what.

    To be called before the queue is elaborated: it reads the memory through ports of its own.
    """
    if hasattr(queue, "places"):
        return [(number < queue.level, place) for number, place in enumerate(queue.places)]
    found = []
    for number in range(queue.depth):
        read = queue.memory.read_port(domain="comb")
        m.d.comb += read.addr.eq(queue.handed_on + number)
        found.append((number < queue.level, read.data))
    return found
