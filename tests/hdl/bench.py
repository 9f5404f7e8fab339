"""A clocked bench for streams: seeded pauses at both ends, and the clock of every transfer."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from amaranth import Elaboratable
from amaranth.sim import Simulator, SimulatorContext

__all__ = ["Transfers", "exchange", "simulate"]


@dataclass
class Transfers:
    """What passed at the two ends of a component: (clock, payload) pairs in their order."""

    taken: list[tuple[int, Any]] = field(default_factory=list)
    given: list[tuple[int, Any]] = field(default_factory=list)

    @property
    def words(self) -> list[Any]:
        return [payload for _, payload in self.given]

    def latencies(self) -> list[int]:
        return [
            given - taken
            for (taken, _), (given, _) in zip(self.taken, self.given, strict=True)
        ]


def simulate(dut: Elaboratable, bench: Callable[[SimulatorContext], Any]) -> None:
    """Run an asynchronous bench on a component to its end."""
    simulator = Simulator(dut)
    simulator.add_clock(1e-8)
    simulator.add_testbench(bench)
    simulator.run()


async def exchange(
    ctx: SimulatorContext,
    dut: Any,
    inputs: Sequence[Any],
    *,
    expected: int,
    pause_in: float = 0.0,
    pause_out: float = 0.0,
    seed: int = 0,
    patience: int = 2000,
    read: Callable[[Any], Any] = lambda payload: payload,
) -> Transfers:
    """Offer inputs at `i` and take as many outputs at `o` as expected.

    A word once offered stays offered, and one at `o` has to: it is checked to hold still under
    back-pressure. Each end pauses a clock with its probability, decided anew every clock.
    """
    chance = random.Random(seed)
    found = Transfers()
    at = 0
    offering = False
    held: Any = None
    quiet = 0
    clock = 0
    while at < len(inputs) or len(found.given) < expected:
        if not offering and at < len(inputs) and chance.random() >= pause_in:
            offering = True
            ctx.set(dut.i.payload, inputs[at])
        ctx.set(dut.i.valid, offering)
        ctx.set(dut.o.ready, chance.random() >= pause_out)
        _, _, taken, valid, ready, payload = await ctx.tick().sample(
            dut.i.ready, dut.o.valid, dut.o.ready, dut.o.payload
        )
        payload = read(payload)
        quiet += 1
        if held is not None:
            assert valid, "an offered word was withdrawn"
            assert payload == held, "an offered word changed"
        held = payload if valid and not ready else None
        if offering and taken:
            found.taken.append((clock, inputs[at]))
            at += 1
            offering = False
            quiet = 0
        if valid and ready:
            found.given.append((clock, payload))
            quiet = 0
        assert quiet < patience, f"nothing moved for {patience} clocks"
        clock += 1
    ctx.set(dut.i.valid, 0)
    return found
