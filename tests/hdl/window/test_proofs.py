"""The proofs about the window hold, and fail as soon as it is broken."""

from dataclasses import replace

import pytest

from hdl.formal.runner import run
from hdl.formal.window import PROOFS
from tests.hdl.axi.test_proofs import broken

BY_NAME = {proof.name: proof for proof in PROOFS}

# Of each proof: the unit, and ways to break it (what stands there, what is put in its place).
BREAKS = {
    "window-reads": (
        "hdl.window.reads.WindowReads",
        [
            ("fits = self.room >= PIECE_WORDS", "fits = self.room >= 8"),
            ("bursts.i.payload.length.eq(self.s_axi_arlen)", "bursts.i.payload.length.eq(0)"),
            ("& bursts.o.valid & ~oldest.refused", "& bursts.o.valid"),
            ("& bursts.i.ready & ~burst.refused", "& ~burst.refused"),
            ("- Mux(asked, piece.count, 0)", "- asked"),
        ],
    ),
    "window-writes": (
        "hdl.window.writes.WindowWrites",
        [
            ("(free >= piece.count)", "(free + 1 >= piece.count)"),
            ("& ~cutter.o.ready & (free", "& (free"),
            ("& piece.refused & ~unreported.o.valid", "& piece.refused"),
            ("(reported & unreported.o.payload)", "reported"),
            ("unreported.i.payload.eq(piece.last)", "unreported.i.payload.eq(1)"),
            ("self.s_axi_bready & done.o.valid", "self.s_axi_bready"),
        ],
    ),
}


def fails(name, number, folder) -> None:
    unit, breaks = BREAKS[name]
    make = broken(unit, *breaks[number])
    proof = BY_NAME[name]
    outcome = run(replace(proof, harness=lambda: proof.harness(make)), folder)
    # Whatever it is called: the solver may fail to write down the trace of a memory.
    assert outcome.status != "PASS"
    assert "ssert" in outcome.log
    assert "failed" in outcome.log, outcome.log


@pytest.mark.parametrize("name", BREAKS)
def test_the_proof_fails_of_a_broken_window(name, tmp_path) -> None:
    fails(name, 0, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("name", BY_NAME)
def test_the_proof_holds(name, tmp_path) -> None:
    outcome = run(BY_NAME[name], tmp_path)
    assert outcome.status == "PASS", outcome.log


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "number"),
    [(name, number) for name, (_, breaks) in BREAKS.items() for number in range(1, len(breaks))],
)
def test_the_proof_fails_of_every_broken_window(name, number, tmp_path) -> None:
    fails(name, number, tmp_path)
