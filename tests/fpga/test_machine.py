"""Spaces on a small accelerator against the golden model, through any sequence of calls."""

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from engram.arch.elements import ELEMENTS
from engram.arch.laws import LAWS
from engram.errors import QuotaExceeded
from engram.fpga.backend import FpgaSpace
from sim.golden.backend import GoldenSpace
from tests.fpga.buses import accelerator, golden_bus

TOP = 2**64
BASES = [0, 512, 1024, 1 << 33, TOP - 1024, TOP - 512]
ADDRESS = st.builds(lambda base, step: base + step, st.sampled_from(BASES), st.integers(0, 511))
COUNT = st.sampled_from([1, 2, 100, 511, 512, 513, 1300])
SPACE = st.integers(0, 1)
FRAMES = 6


class SpacesMachine(RuleBasedStateMachine):
    """Two spaces of different laws on a device with six frames."""

    def __init__(self) -> None:
        super().__init__()
        self.bus = golden_bus("whole")
        self.device = accelerator(self.bus, frames=FRAMES)
        self.golden = [GoldenSpace(LAWS[law], law) for law in (1, 3)]
        self.spaces = [self.new(number) for number in (0, 1)]

    def new(self, number: int) -> FpgaSpace:
        law = self.golden[number].law
        return FpgaSpace(law, law.number, accelerator=self.device)

    def framed(self) -> list[set[int]]:
        return [{at >> 9 for at in golden._written} for golden in self.golden]

    def attempt(self, number: int, pages: set[int], write) -> None:
        used = self.framed()
        if sum(map(len, used)) + len(pages - used[number]) > FRAMES:
            try:
                write(self.spaces[number])
            except QuotaExceeded:
                return
            raise AssertionError("the pool must be exhausted")
        write(self.spaces[number])
        write(self.golden[number])

    @rule(number=SPACE, first=ADDRESS, count=COUNT, value=st.integers(0, TOP - 1))
    def write_run(self, number, first, count, value) -> None:
        count = min(count, TOP - first)
        values = np.arange(count, dtype=np.uint64) ^ np.uint64(value)
        pages = set(range(first >> 9, ((first + count - 1) >> 9) + 1))
        self.attempt(number, pages, lambda space: space.write_range(first, values))

    @rule(number=SPACE, addresses=st.lists(ADDRESS, min_size=1, max_size=30))
    def write_scatter(self, number, addresses) -> None:
        array = np.array(addresses, np.uint64)
        values = np.arange(len(array), dtype=np.uint64)
        pages = {at >> 9 for at in addresses}
        self.attempt(number, pages, lambda space: space.write_words(array, values))

    @rule(number=SPACE, first=ADDRESS, count=COUNT | st.just(TOP))
    def erase_run(self, number, first, count) -> None:
        count = min(count, TOP - first)
        erased = self.spaces[number].erase_range(first, count)
        assert erased == self.golden[number].erase_range(first, count)

    @rule(number=SPACE, addresses=st.lists(ADDRESS, max_size=30))
    def erase_scatter(self, number, addresses) -> None:
        array = np.array(addresses, np.uint64)
        assert self.spaces[number].erase_words(array) == self.golden[number].erase_words(array)

    @rule(number=SPACE, first=ADDRESS, count=COUNT, law=st.sampled_from([1, 2, 3]))
    def read_run(self, number, first, count, law) -> None:
        count = min(count, TOP - first)
        made = [np.empty(count, np.uint64) for _ in range(2)]
        for space, out in zip((self.spaces[number], self.golden[number]), made, strict=True):
            space.read_range(first, count, LAWS[law], ELEMENTS["uint64"], out)
        assert (made[0] == made[1]).all()

    @rule(number=SPACE, addresses=st.lists(ADDRESS, max_size=30), law=st.sampled_from([1, 2, 3]))
    def gather(self, number, addresses, law) -> None:
        array = np.array(addresses, np.uint64)
        space, golden = self.spaces[number], self.golden[number]
        assert (space.read_words(array, LAWS[law]) == golden.read_words(array, LAWS[law])).all()
        assert (space.are_written(array) == golden.are_written(array)).all()

    @rule(number=SPACE)
    def end_and_begin_again(self, number) -> None:
        self.spaces[number].close()
        self.golden[number].close()
        self.spaces[number] = self.new(number)
        self.golden[number] = GoldenSpace(self.golden[number].law, self.golden[number].seed)

    @invariant()
    def frames_are_those_of_written_pages(self) -> None:
        used = self.framed()
        assert self.device.frames_free == FRAMES - sum(map(len, used))
        assert self.device.registers.read("FRAMES_USED") == sum(map(len, used))

    @invariant()
    def what_is_written_is_what_was_written(self) -> None:
        for space, golden in zip(self.spaces, self.golden, strict=True):
            held: dict[int, int] = {}
            for where, values in space.written():
                addresses = (
                    range(where, where + len(values)) if isinstance(where, int) else where.tolist()
                )
                held.update(zip(addresses, values.tolist(), strict=True))
            assert held == golden._written
            assert space.written_words == len(held)


def test_spaces_are_dicts_over_their_laws() -> None:
    profile = settings(
        max_examples=25,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(SpacesMachine, settings=profile)
