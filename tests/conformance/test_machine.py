"""A durable memory against a dict, through any sequence of calls that hypothesis can think of."""

import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import engram
from engram.arch.seeds import derive_seed
from tests.conformance.model import Model

SEED = 77
LAST = 2**64 - 1
# Few pages, so that words, runs and whole pages meet; and the corners.
PAGES = [0, 512, 512 * 2**23 - 512, 512 * 2**23, LAST - 1023, LAST - 511]
NEAR = st.builds(lambda page, offset: page + offset, st.sampled_from(PAGES), st.integers(0, 511))
ADDRESS = NEAR | st.sampled_from([0, LAST - 2, LAST - 1, LAST]) | st.integers(0, LAST)
WORD = st.integers(0, LAST) | st.sampled_from([0, 1, LAST])
COUNT = st.sampled_from([1, 2, 5, 100, 127, 128, 129, 400, 511, 512, 513, 1025])
SPACE = st.sampled_from(["", "a", "b"])


def fitting(first: int, count: int) -> int:
    return min(count, LAST + 1 - first)


class MemoryMachine(RuleBasedStateMachine):
    """One writer, one reader beside it, and what each must see."""

    device = "cpu"

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp())
        self.durability = "flush"
        self.memory = self.open()
        self.models = {"": Model(SEED)}
        self.reader: engram.Memory | None = None
        self.flushed: dict[str, dict[int, int]] = {"": {}}
        self.seen: dict[str, dict[int, int]] = {}

    def open(self, **settings) -> engram.Memory:
        place = self.place / "memory"
        if settings.get("read_only"):
            return engram.open(place, device=self.device, **settings)
        return engram.open(place, seed=SEED, device=self.device, durability=self.durability)

    def space(self, name: str) -> engram.Memory:
        if name and name not in self.models:
            self.models[name] = Model(derive_seed(SEED, name))
            self.flushed[name] = {}
        return self.memory.spaces(name) if name else self.memory

    def changed(self) -> None:
        if self.durability == "return":
            self.note_flush()

    def note_flush(self) -> None:
        self.flushed = {name: dict(model.held) for name, model in self.models.items()}

    @rule(name=SPACE, address=ADDRESS, value=WORD)
    def write_word(self, name, address, value) -> None:
        self.space(name)[address] = value
        self.models[name].held[address] = value
        self.changed()

    @rule(name=SPACE, first=ADDRESS, count=COUNT, value=WORD)
    def write_run(self, name, first, count, value) -> None:
        count = fitting(first, count)
        values = np.arange(count, dtype=np.uint64) + np.uint64(value)
        self.space(name).write(first, values)
        self.models[name].write(range(first, first + count), values.tolist())
        self.changed()

    @rule(name=SPACE, pairs=st.lists(st.tuples(ADDRESS, WORD), max_size=40))
    def write_scatter(self, name, pairs) -> None:
        addresses, values = [a for a, _ in pairs], [v for _, v in pairs]
        self.space(name).write(addresses, values)
        self.models[name].write(addresses, values)
        self.changed()

    @rule(name=SPACE, first=ADDRESS, count=COUNT | st.integers(0, LAST + 1))
    def erase_range(self, name, first, count) -> None:
        count = fitting(first, count)
        assert self.space(name).erase(first, count) == self.models[name].erase(first, count)
        self.changed()

    @rule(name=SPACE, addresses=st.lists(ADDRESS, max_size=40))
    def erase_scatter(self, name, addresses) -> None:
        held = self.space(name) and self.models[name].held
        erased = sum(held.pop(address, None) is not None for address in addresses)
        assert self.space(name).erase(addresses) == erased
        self.changed()

    @rule(name=SPACE, first=ADDRESS, count=COUNT, law=st.sampled_from([None, 2, 3, 4]))
    def read_range(self, name, first, count, law) -> None:
        count = fitting(first, count)
        words = self.space(name).read(first, count, law=law).tolist()
        assert words == self.models[name].many(range(first, first + count), law)

    @rule(name=SPACE, addresses=st.lists(ADDRESS, max_size=40))
    def read_scatter(self, name, addresses) -> None:
        space, model = self.space(name), self.models[name]
        assert space.read(addresses).tolist() == model.many(addresses)
        assert [space[address] for address in addresses[:5]] == model.many(addresses[:5])

    @rule()
    def flush(self) -> None:
        self.memory.flush()
        self.note_flush()

    @rule()
    def compact(self) -> None:
        self.memory.compact()
        self.note_flush()

    @rule(durability=st.sampled_from(["flush", "return"]))
    def reopen(self, durability) -> None:
        self.memory.close()
        self.note_flush()
        self.durability = durability
        self.memory = self.open()

    @precondition(lambda self: self.reader is None)
    @rule()
    def read_beside(self) -> None:
        self.reader = self.open(read_only=True)
        self.seen = {name: dict(held) for name, held in self.flushed.items()}

    @precondition(lambda self: self.reader is not None)
    @rule()
    def refresh(self) -> None:
        self.reader.refresh()
        self.seen = {name: dict(held) for name, held in self.flushed.items()}

    @precondition(lambda self: self.reader is not None)
    @rule()
    def stop_reading(self) -> None:
        self.reader.close()
        self.reader = None

    @invariant()
    def the_writer_holds_what_was_written(self) -> None:
        for name, model in self.models.items():
            space = self.space(name)
            assert space.written_words == len(model.held)
            addresses = list(model.held)
            assert space.read(addresses).tolist() == list(model.held.values())

    @invariant()
    def the_reader_holds_what_was_durable_when_it_looked(self) -> None:
        if self.reader is None:
            return
        for name, held in self.seen.items():
            if name not in ("", *self.reader.space_names()):
                assert not held
                continue
            space = self.reader.spaces(name) if name else self.reader
            # The journal may hold more than was asked to be durable, never less.
            assert space.written_words == len(held)
            assert space.read(list(held)).tolist() == list(held.values())

    def teardown(self) -> None:
        if self.reader is not None:
            self.reader.close()
        self.memory.close()
        shutil.rmtree(self.place)


def run(device: str, examples: int, steps: int) -> None:
    machine = type("Machine", (MemoryMachine,), {"device": device})
    profile = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=profile)


def test_a_memory_is_a_dict_over_a_law(device) -> None:
    run(device, 60 if device == "golden" else 120, 40)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_memory_is_a_dict_over_a_law_for_long(device) -> None:
    run(device, 500 if device == "golden" else 3000, 80)
