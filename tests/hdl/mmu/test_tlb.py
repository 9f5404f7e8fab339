"""TLB: the answer is about the page of the clock before, and replacement is first in, first out."""

import gc
from dataclasses import replace
from random import Random

import pytest

from hdl.formal.runner import run as prove
from hdl.formal.tlb import PROOFS
from hdl.mmu.tlb import TLB, PageKind
from tests.hdl.axi.bus import simulate
from tests.hdl.axi.test_proofs import broken

PAGE_BITS = 55


class Model:
    """Entries in their places, as plain values."""

    def __init__(self, entries):
        self.places = [None] * entries
        self.pointer = 0

    def find(self, page):
        return next((entry[1:] for entry in self.places if entry and entry[0] == page), None)

    def fill(self, page, kind, frame):
        for number, entry in enumerate(self.places):
            if entry and entry[0] == page:
                self.places[number] = (page, kind, frame)
                return
        self.places[self.pointer] = (page, kind, frame)
        self.pointer = (self.pointer + 1) % len(self.places)

    def drop(self, page):
        self.places = [None if entry and entry[0] == page else entry for entry in self.places]

    def flush(self):
        self.places = [None] * len(self.places)


def follow(entries, steps):
    """Apply (action, page, kind, frame) steps, one a clock, and check each answer."""
    dut = TLB(entries)
    model = Model(entries)
    hits = 0

    async def bench(ctx):
        nonlocal hits
        for action, page, kind, frame in steps:
            ctx.set(dut.page, page)
            ctx.set(dut.fill, action == "fill")
            ctx.set(dut.drop, action == "drop")
            ctx.set(dut.flush, action == "flush")
            ctx.set(dut.fill_kind, kind)
            ctx.set(dut.fill_frame, frame)
            if action == "fill":
                model.fill(page, kind, frame)
            elif action == "drop":
                model.drop(page)
            elif action == "flush":
                model.flush()
            await ctx.tick()
            expected = model.find(page)
            assert ctx.get(dut.hit) == (expected is not None)
            if expected is not None:
                assert (ctx.get(dut.kind), ctx.get(dut.frame)) == expected
                hits += 1

    simulate(dut, bench)
    return hits


def random_steps(random, entries, count):
    """Fills and drops come when their page was presented in the clock before."""
    # Pages that differ in one bit each, so that no bit may be left out of the comparison.
    some = random.getrandbits(PAGE_BITS)
    pages = [some, *(some ^ 1 << random.randrange(PAGE_BITS) for _ in range(2 * entries))]
    page = pages[0]
    steps = [("look", page, 0, 0)]
    for _ in range(count):
        action = random.choices(["look", "fill", "drop", "flush"], [8, 4, 1, 0.1])[0]
        if action in ("look", "flush") and random.random() < 0.7:
            page = random.choice(pages)
        steps.append((action, page, random.randrange(3), random.getrandbits(20)))
    return steps


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("entries", [2, 4, 16])
def test_it_answers_as_the_model_does(entries, seed) -> None:
    hits = follow(entries, random_steps(Random(seed), entries, 400))
    assert hits > 50


def test_the_oldest_entry_makes_room_and_a_refill_takes_none() -> None:
    def enter(page, frame):
        return [("look", page, 0, 0), ("fill", page, PageKind.FRAME, frame)]

    steps = [step for page in range(4) for step in enter(page, page)]
    steps += enter(2, 99) + enter(7, 7)
    steps += [("look", page, 0, 0) for page in (0, 1, 2, 3, 7)]
    # Six fills, the look at page 2 before it is filled again, and four of the last five looks.
    assert follow(4, steps) == 6 + 1 + 4


def test_every_bit_of_a_page_number_counts() -> None:
    page = 0x2A_AAAA_AAAA_AAAA
    steps = [("look", page, 0, 0), ("fill", page, PageKind.REGION, 0)]
    steps += [("look", page ^ 1 << bit, 0, 0) for bit in range(PAGE_BITS)]
    assert follow(2, steps) == 1


@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: proof.name)
def test_the_proof_holds(proof, tmp_path) -> None:
    outcome = prove(proof, tmp_path)
    assert outcome.status == "PASS", outcome.log


BREAKS = [
    ("place.eq(Mux(self.hit, match, 1 << pointer))", "place.eq(1 << pointer)"),
    ("self.fill & ~self.drop", "self.fill"),
    ("self.valid.eq(self.valid & ~match), match.eq(0)", "self.valid.eq(self.valid & ~match)"),
    ("self.valid.eq(0), match.eq(0)", "match.eq(0)"),
    ("enters & ~self.hit & (pointer == number)", "enters & (pointer == number)"),
    ("write.addr.eq(Mux(self.hit, index, pointer))", "write.addr.eq(pointer)"),
]


@pytest.mark.parametrize(
    ("old", "new"), [BREAKS[0], *(pytest.param(*b, marks=pytest.mark.long) for b in BREAKS[1:])]
)
def test_the_proof_fails_of_a_broken_unit(old, new, tmp_path) -> None:
    make = broken("hdl.mmu.tlb.TLB", old, new)
    harness = PROOFS[0].harness
    outcome = prove(replace(PROOFS[0], harness=lambda: harness(make)), tmp_path)
    assert outcome.status != "PASS"
    assert "failed assertion" in outcome.log, outcome.log


@pytest.mark.filterwarnings("ignore:.*created but never used")
@pytest.mark.parametrize("entries", [0, 1, 12])
def test_what_cannot_be_built_is_refused(entries) -> None:
    message = f"entries must be a power of two from 2 on, not {entries}"
    with pytest.raises(ValueError, match=message):
        TLB(entries)
    gc.collect()  # what was refused warns of its disuse now, while that is no error
