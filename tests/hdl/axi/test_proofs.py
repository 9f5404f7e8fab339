"""The proofs about the AXI units hold, and fail as soon as a unit is broken."""

import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from hdl.formal import arbiter, bursts, queues, register_bank
from hdl.formal.runner import Proof, run

PROOFS = {
    proof.name: proof
    for module in (queues, register_bank, bursts, arbiter)
    for proof in module.PROOFS
}

# Of each proof: the unit, and ways to break it (what stands there, what is put in its place).
BREAKS = {
    "queue": (
        "hdl.axi.queue.Queue",
        [
            ("self.i.ready.eq(taken_in != handed_on ^ self.depth)", "self.i.ready.eq(1)"),
            ("with m.If(self.o.valid & self.o.ready):", "with m.If(self.o.valid):"),
        ],
    ),
    "shift-queue": (
        "hdl.axi.queue.ShiftQueue",
        [
            ("self.i.ready.eq(level != self.depth)", "self.i.ready.eq(1)"),
            ("takes & (level == number + 1)", "takes & (level == number)"),
            ("level.eq(level + takes - gives)", "level.eq(level + takes)"),
        ],
    ),
    "splitter": (
        "hdl.axi.splitter.BurstSplitter",
        [
            ("                room.eq(self.burst_beats),\n", ""),
            ("last.eq(left <= room)", "last.eq(left < room)"),
            ("busy.eq(~last)", "busy.eq(0)"),
        ],
    ),
    "register-bank": (
        "hdl.axi.register_bank.RegisterBank",
        [
            ("& (~self.s_axil_bvalid | self.s_axil_bready)", ""),
            ("(value & ~cleared | raised)", "((value | raised) & ~cleared)"),
            ("self.s_axil_rvalid.eq(places.o.valid)", "self.s_axil_rvalid.eq(1)"),
            ("Mux(here, written & bits & mask, 0)", "Mux(selected, written & bits & mask, 0)"),
            ("words.o.ready.eq(write)", "words.o.ready.eq(words.o.valid)"),
        ],
    ),
    "reader": (
        "hdl.axi.reader.BurstReader",
        [
            ("fits.eq(burst.beats <= room)", "fits.eq(1)"),
            (
                "bursts.o.ready.eq(self.m_axi_rvalid & self.m_axi_rlast)",
                "bursts.o.ready.eq(self.m_axi_rvalid)",
            ),
            ("length.eq(burst.beats - 1)", "length.eq(burst.beats)"),
            ("fits & bursts.i.ready & addresses.i.ready", "fits & addresses.i.ready"),
        ],
    ),
    "writer": (
        "hdl.axi.writer.BurstWriter",
        [
            ("(burst.beats <= free)", "(burst.beats <= free + 1)"),
            ("& (unreported != self.outstanding)", ""),
            ("sent == lengths.o.payload", "sent == self.burst_beats - 1"),
            ("payload.length.eq(burst.beats - 1)", "payload.length.eq(0)"),
            ("bready.eq(bursts.o.valid & ~waits_for_nothing)", "bready.eq(bursts.o.valid)"),
        ],
    ),
    "arbiter": (
        "hdl.axi.arbiter.Arbiter",
        [
            ("served.eq(chosen)", "served.eq(0)"),
            ("queue.i.payload.eq(chosen)", "queue.i.payload.eq(served)"),
            ("out.rvalid & out.rready & out.rlast", "out.rvalid & out.rready"),
            ("out.wvalid & out.wready & out.wlast", "out.wvalid & out.wready"),
        ],
    ),
}


def broken(unit: str, old: str, new: str) -> type:
    """Return a unit's class from a copy of its module in which ``old`` reads ``new``."""
    module_name, name = unit.rsplit(".", 1)
    path = import_module(module_name).__file__
    source = Path(path).read_text()
    assert source.count(old) == 1, f"{old!r} stands in {path} {source.count(old)} times"
    module = ModuleType(f"{module_name}_broken")
    sys.modules[module.__name__] = module
    try:
        exec(compile(source.replace(old, new), path, "exec"), module.__dict__)
    finally:
        del sys.modules[module.__name__]
    return getattr(module, name)


def fails(proof: Proof, number: int, folder: Path) -> None:
    unit, breaks = BREAKS[proof.name]
    make = broken(unit, *breaks[number])
    outcome = run(replace(proof, harness=lambda: proof.harness(make)), folder)
    # Whatever it is called: induction may not know how to get to the step that breaks the claim,
    # and the solver may fail to write down the trace of a memory.
    assert outcome.status != "PASS"
    assert "failed assertion" in outcome.log, outcome.log


def test_every_unbounded_proof_has_a_break() -> None:
    assert BREAKS.keys() == {name for name, proof in PROOFS.items() if proof.mode == "prove"}


@pytest.mark.parametrize("name", BREAKS)
def test_the_proof_holds(name, tmp_path) -> None:
    outcome = run(PROOFS[name], tmp_path)
    assert outcome.status == "PASS", outcome.log


@pytest.mark.parametrize("name", BREAKS)
def test_the_proof_fails_of_a_broken_unit(name, tmp_path) -> None:
    fails(PROOFS[name], 0, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "number"),
    [(name, number) for name, (_, breaks) in BREAKS.items() for number in range(1, len(breaks))],
)
def test_the_proof_fails_of_every_broken_unit(name, number, tmp_path) -> None:
    fails(PROOFS[name], number, tmp_path)
